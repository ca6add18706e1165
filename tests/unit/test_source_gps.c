/* SPDX-License-Identifier: Apache-2.0
 *
 * gpsd as a process of ours that answers each ?POLL; with what the test gives it; the real one is in
 * tests/oracle/gpsd.sh. */
#include "metrics/gpsd.h"
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct source source_gps;

#define POLL(tpv, sky)                                                               \
	"{\"class\":\"POLL\",\"time\":\"2026-11-21T12:00:00.000Z\",\"active\":1,"    \
	"\"tpv\":[" tpv "],\"gst\":[{\"class\":\"GST\",\"device\":\"/dev/ttyS0\"}]," \
	"\"sky\":[" sky "]}\r\n"
#define FIX(second, rest)                                                \
	"{\"class\":\"TPV\",\"device\":\"/dev/ttyS0\",\"mode\":3,"       \
	"\"time\":\"2026-11-21T12:00:" second ".000Z\",\"lat\":40.33,"   \
	"\"lon\":-3.76,\"altHAE\":592.3,\"altMSL\":545.4,\"alt\":545.4," \
	"\"track\":84.4,\"speed\":5.144,\"climb\":-0.5,\"eph\":17.1" rest "}"
#define SKY "{\"class\":\"SKY\",\"device\":\"/dev/ttyS0\",\"nSat\":12,\"uSat\":8}"
#define HELLO                                                                \
	"{\"class\":\"VERSION\",\"release\":\"3.22\",\"proto_major\":3}\r\n" \
	"{\"class\":\"DEVICES\",\"devices\":[]}\r\n"                         \
	"{\"class\":\"WATCH\",\"enable\":true,\"json\":false}\r\n"

static void
parse(const char *line, int expected, struct gpsd_fix *ret)
{
	assert_int_equal(gpsd_parse(slice_text(line), ret), expected);
}

static void
the_best_fix_of_all_receivers_counts(void **state)
{
	struct gpsd_fix fix;

	(void)state;
	parse(POLL("{\"class\":\"TPV\",\"mode\":1}," FIX("01", "") ",{\"mode\":2}", SKY),
	    1, &fix);
	assert_int_equal(fix.mode, 3);
	assert_string_equal(fix.time, "2026-11-21T12:00:01.000Z");
	assert_true(fix.latitude == 40.33 && fix.longitude == -3.76);
	assert_true(fix.altitude == 545.4 && fix.speed == 5.144 && fix.heading == 84.4);
	assert_true(fix.satellites == 8);
	parse(POLL("", ""), 1, &fix);
	assert_int_equal(fix.mode, 0);
	assert_true(isnan(fix.latitude) && isnan(fix.satellites));
}

static void
other_messages_are_no_answer_and_nonsense_is_refused(void **state)
{
	struct gpsd_fix fix;

	(void)state;
	parse("{\"class\":\"TPV\",\"mode\":3,\"lat\":1,\"lon\":2}", 0, &fix);
	parse("{\"tpv\":[{\"mode\":3}]}", 0, &fix);
	parse("[]", 0, &fix);
	parse("", -EBADMSG, &fix);
	parse("$GPRMC,1,2,3", -EBADMSG, &fix);
	parse("{\"class\":\"POLL\",\"tpv\":[{\"mode\":3}", -EBADMSG, &fix);
}

/* A latitude that is none, half a position, a fix without a time, a heading as text. */
static void
what_cannot_be_true_removes_only_itself_MET_03(void **state)
{
	struct gpsd_fix fix;

	(void)state;
	parse(POLL(FIX("01", ",\"lat\":140.33,\"speed\":-1,\"track\":\"north\""), SKY), 1,
	    &fix);
	assert_true(fix.latitude == 40.33 && fix.speed == 5.144 && fix.heading == 84.4);
	parse(POLL("{\"mode\":2,\"time\":\"t\",\"lat\":1,\"speed\":3}", ""), 1, &fix);
	assert_true(isnan(fix.latitude) && fix.speed == 3);
	parse(POLL("{\"mode\":2,\"lat\":1,\"lon\":2,\"track\":400}", ""), 1, &fix);
	assert_true(isnan(fix.longitude) && isnan(fix.heading));
	parse(POLL("{\"mode\":99,\"lat\":1,\"lon\":2}", ""), 1, &fix);
	assert_int_equal(fix.mode, 0);
}

/* --- a gpsd of ours -------------------------------------------------------------------- */

struct fake {
	char *dir, path[100];
	int listener;
	pid_t pid;
};

/* Answers one question after the other; "" is silence, NULL hangs up. */
static void
serve(int listener, const char *const *answers)
{
	for (int fd = accept(listener, NULL, NULL); fd >= 0;
	     fd = accept(listener, NULL, NULL)) {
		FILE *in = fdopen(fd, "r");
		char line[128];

		(void)!write(fd, HELLO, strlen(HELLO));
		while (fgets(line, sizeof line, in)) {
			if (strncmp(line, "?POLL;", 6) != 0)
				continue;
			if (!*answers)
				_exit(0);
			(void)!write(fd, *answers, strlen(*answers));
			answers++;
		}
		fclose(in);
	}
	_exit(0);
}

static void
start_fake(struct fake *f, const char *const *answers)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	f->dir = tempdir_new();
	snprintf(f->path, sizeof f->path, "%s/gpsd", f->dir);
	snprintf(un.sun_path, sizeof un.sun_path, "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&un, sizeof un), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (f->pid == 0)
		serve(f->listener, answers);
	close(f->listener);
}

static void
stop_fake(struct fake *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	tempdir_remove(f->dir);
}

static void *
open_gps(const char *address)
{
	struct source_env env = { .gpsd = address };
	void *inst;

	assert_int_equal(source_gps.open(&env, &inst), 0);
	return inst;
}

static void
position_speed_and_heading_are_told_MET_07(void **state)
{
	static const char *const answers[] = { POLL(FIX("01", ""), SKY), NULL };
	struct capture c;
	struct fake f;
	void *inst;

	(void)state;
	start_fake(&f, answers);
	inst = open_gps(f.path);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 0), 0);
	assert_value(&c, "node_gps_latitude_degrees", "", 40.33);
	assert_value(&c, "node_gps_longitude_degrees", "", -3.76);
	assert_value(&c, "node_gps_altitude_meters", "", 545.4);
	assert_value(&c, "node_gps_speed_meters_per_second", "", 5.144);
	assert_value(&c, "node_gps_heading_degrees", "", 84.4);
	assert_value(&c, "node_gps_climb_meters_per_second", "", -0.5);
	assert_value(&c, "node_gps_error_meters", "", 17.1);
	assert_value(&c, "node_gps_mode", "", 3);
	assert_value(&c, "node_gps_satellites", "", 8);
	source_gps.close(inst);
	stop_fake(&f);
}

/* gpsd goes on telling of the last fix of a receiver that went silent. */
static void
a_fix_that_is_lost_or_does_not_go_on_is_none_MET_09(void **state)
{
	static const char *const answers[] = { POLL(FIX("01", ""), SKY),
		POLL(FIX("01", ""), SKY), POLL(FIX("01", ""), SKY),
		POLL(FIX("02", ""), SKY), POLL("{\"class\":\"TPV\",\"mode\":1}", ""),
		NULL };
	struct capture c;
	struct fake f;
	void *inst;

	(void)state;
	start_fake(&f, answers);
	inst = open_gps(f.path);
	for (int64_t ms = 0; ms <= 10000; ms += 10000) {
		assert_int_equal(capture_sample(&c, &source_gps, inst, ms), 0);
		assert_value(&c, "node_gps_latitude_degrees", "", 40.33);
	}
	assert_int_equal(capture_sample(&c, &source_gps, inst, 10001), 0);
	assert_no_value(&c, "node_gps_latitude_degrees", "");
	assert_no_value(&c, "node_gps_speed_meters_per_second", "");
	assert_int_equal(capture_sample(&c, &source_gps, inst, 11000), 0);
	assert_value(&c, "node_gps_latitude_degrees", "", 40.33);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 12000), 0);
	assert_value(&c, "node_gps_mode", "", 1);
	assert_int_equal(c.len, 1);
	source_gps.close(inst);
	stop_fake(&f);
}

/* Silence, nonsense, a line without an end: given up, and tried again after a while. */
static void
a_gpsd_that_does_not_answer_is_left_for_a_while(void **state)
{
	static char endless[20000];
	const char *const answers[] = { "", "what?\n", endless, POLL(FIX("01", ""), ""),
		NULL };
	struct capture c;
	struct fake f;
	void *inst;

	(void)state;
	memset(endless, '[', sizeof endless - 1);
	start_fake(&f, answers);
	inst = open_gps(f.path);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 0), -ETIMEDOUT);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 4999), -ENOTCONN);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 5000), -EBADMSG);
	assert_true(capture_sample(&c, &source_gps, inst, 10000) < 0);
	assert_int_equal(c.len, 0);
	assert_int_equal(capture_sample(&c, &source_gps, inst, 15000), 0);
	assert_value(&c, "node_gps_latitude_degrees", "", 40.33);
	source_gps.close(inst);
	stop_fake(&f);
}

static void
only_this_machine_is_believed(void **state)
{
	static const char *const bad[] = { "192.0.2.1:2947", "[2001:db8::1]:2947",
		"/nonexistent/gpsd", "nonsense", "" };
	struct capture c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		void *inst = open_gps(bad[i]);

		assert_true(capture_sample(&c, &source_gps, inst, 0) < 0);
		assert_int_equal(c.len, 0);
		source_gps.close(inst);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_fix_of_all_receivers_counts),
		TEST(other_messages_are_no_answer_and_nonsense_is_refused),
		TEST(what_cannot_be_true_removes_only_itself_MET_03),
		TEST(position_speed_and_heading_are_told_MET_07),
		TEST(a_fix_that_is_lost_or_does_not_go_on_is_none_MET_09),
		TEST(a_gpsd_that_does_not_answer_is_left_for_a_while),
		TEST(only_this_machine_is_believed),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
