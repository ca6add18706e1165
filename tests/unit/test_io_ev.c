/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/const.h"
#include "base/mem.h"
#include "tests/support/live.h"

#include <sys/resource.h>

#define BURST 200

static struct live world;
static bool isolated; /* alone on port 7017 */
static unsigned accepted, closed_err_0, changes;
static bool leave; /* unbind from inside the callback */
static struct {
	unsigned count;
	struct grasp_datagram is;
	uint8_t bytes[GRASP_DEF_MAX_SIZE];
} heard;

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	heard.count++;
	heard.is = *d;
	assert_true(d->data.len <= sizeof heard.bytes);
	memcpy(heard.bytes, d->data.data, d->data.len);
	if (leave)
		world.io->ops->unbind(world.io);
}

static void
on_stream_opened(void *arg, struct grasp_stream *s)
{
	(void)arg;
	(void)s;
}

static ssize_t
on_stream_received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	world.io->ops->stream_send(s, data);
	return (ssize_t)data.len;
}

static void
on_stream_closed(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)s;
	closed_err_0 += err == 0;
}

static const struct grasp_stream_ops echo = { on_stream_opened, on_stream_received,
	on_stream_closed };

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	accepted++;
	world.io->ops->stream_set(s, &echo, NULL);
	if (leave)
		world.io->ops->unbind(world.io);
}

static void
on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static const struct grasp_io_events events = { on_datagram, on_accepted, on_changed };

static int
set_up(void **state)
{
	(void)state;
	accepted = closed_err_0 = changes = heard.count = 0;
	leave = false;
	live_open(&world, &events, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	live_close(&world);
	return 0;
}

struct expectation {
	const unsigned *count;
	unsigned wanted;
};

static bool
reached(void *arg)
{
	const struct expectation *c = arg;

	return *c->count >= c->wanted;
}

static void
wait_for(const unsigned *count, unsigned wanted)
{
	struct expectation c = { count, wanted };

	if (!live_until(&world, PATIENCE_MS, reached, &c))
		fail_msg("%u of %u", *count, wanted);
}

/* --- time ------------------------------------------------------------------------------- */

static struct alarm {
	struct grasp_timer *timer;
	unsigned fired;
	int64_t at;
} alarm_a, alarm_b;

static void
on_alarm(void *arg)
{
	struct alarm *a = arg;

	a->fired++;
	a->at = grasp_io_now(world.io);
}

static void
on_last_alarm(void *arg)
{
	on_alarm(arg);
	world.io->ops->timer_free(alarm_b.timer);
	alarm_b.timer = NULL;
}

static void
a_timer_fires_once_after_its_delay(void **state)
{
	int64_t start = grasp_io_now(world.io);

	(void)state;
	memset(&alarm_a, 0, sizeof alarm_a);
	assert_int_equal(
	    0, world.io->ops->timer_new(world.io, on_alarm, &alarm_a, &alarm_a.timer));
	world.io->ops->timer_set(alarm_a.timer, 5000);
	world.io->ops->timer_set(alarm_a.timer, 40); /* replaces it */
	wait_for(&alarm_a.fired, 1);
	assert_in_range(alarm_a.at - start, 38, 1000);
	ev_run(world.loop, EVRUN_NOWAIT);
	assert_int_equal(1, alarm_a.fired);
	world.io->ops->timer_set(alarm_a.timer, -1);
	wait_for(&alarm_a.fired, 2);
	world.io->ops->timer_free(alarm_a.timer);
	world.io->ops->timer_free(NULL);
}

static void
a_stopped_timer_is_silent_and_one_may_free_itself(void **state)
{
	(void)state;
	memset(&alarm_a, 0, sizeof alarm_a);
	memset(&alarm_b, 0, sizeof alarm_b);
	assert_int_equal(
	    0, world.io->ops->timer_new(world.io, on_alarm, &alarm_a, &alarm_a.timer));
	assert_int_equal(0,
	    world.io->ops->timer_new(world.io, on_last_alarm, &alarm_b, &alarm_b.timer));
	world.io->ops->timer_set(alarm_a.timer, 5);
	world.io->ops->timer_set(alarm_b.timer, 20);
	world.io->ops->timer_stop(alarm_a.timer);
	wait_for(&alarm_b.fired, 1);
	assert_int_equal(0, alarm_a.fired);
	assert_null(alarm_b.timer);
	world.io->ops->timer_free(alarm_a.timer);
}

static void
randomness_does_not_repeat(void **state)
{
	uint64_t a = 0, b = 0;

	(void)state; /* G-036 */
	world.io->ops->random(world.io, &a, sizeof a);
	world.io->ops->random(world.io, &b, sizeof b);
	assert_int_not_equal(a, b);
	assert_true(world.io->ops->wall(world.io) > INT64_C(1600000000000));
}

/* --- interfaces --------------------------------------------------------------------------- */

static int
list(const char *const *allow, const char *const *deny, bool loopback,
    struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct grasp_io_ev_config cfg = { allow, deny, loopback };
	CLEANUP(grasp_io_ev_free) struct grasp_io *io = NULL;

	assert_int_equal(0, grasp_io_ev_new(world.loop, &cfg, &io));
	return io->ops->interfaces(io, dst);
}

static bool
is_among(const struct grasp_interface *list, int count, const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return true;
	return false;
}

static void
loopback_is_an_interface_only_on_request(void **state)
{
	static const char *const deny[] = { "e9", "lo", NULL };
	struct grasp_interface is[GRASP_INTERFACES_MAX];
	struct in6_addr one = IN6ADDR_LOOPBACK_INIT;
	int n;

	(void)state;
	n = list(NULL, NULL, true, is);
	assert_true(is_among(is, n, "lo"));
	assert_int_equal(if_nametoindex("lo"), is[0].index);
	assert_memory_equal(&one, &is[0].addr[0], sizeof one);
	assert_false(is_among(is, list(NULL, NULL, false, is), "lo"));
	assert_false(is_among(is, list(NULL, deny, true, is), "lo"));
}

/* --- datagrams ------------------------------------------------------------------------------ */

static void
send_unicast(size_t len)
{
	static const uint8_t bytes[4096] = { 0x81 };
	struct addr to = live_loopback(GRASP_LISTEN_PORT);
	struct sockaddr_in6 sa = addr_to_sockaddr(&to);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    len, sendto(fd, bytes, len, 0, (struct sockaddr *)&sa, sizeof sa));
	close(fd);
}

static void
a_datagram_tells_where_it_came_in_G_073(void **state)
{
	struct in6_addr one = IN6ADDR_LOOPBACK_INIT;

	(void)state; /* G-073: unicast too */
	if (!isolated)
		skip();
	send_unicast(2);
	wait_for(&heard.count, 1);
	assert_memory_equal(&one, &heard.is.to, sizeof one);
	assert_memory_equal(&one, &heard.is.from.ip, sizeof one);
	assert_int_equal(if_nametoindex("lo"), heard.is.from.ifindex);
	assert_int_equal(64, heard.is.hop_limit);
	assert_int_equal(2, heard.is.data.len);
	assert_int_equal(0x81, heard.bytes[0]);
}

static void
datagrams_above_the_limit_are_dropped_G_010_G_012(void **state)
{
	(void)state; /* G-010, G-012 */
	if (!isolated)
		skip();
	send_unicast(GRASP_DEF_MAX_SIZE + 1);
	send_unicast(GRASP_DEF_MAX_SIZE);
	send_unicast(0);
	wait_for(&heard.count, 2);
	assert_int_equal(0, heard.is.data.len);
	assert_int_equal(2, heard.count);
}

static void
a_group_needs_a_source_of_its_kind_SC_14(void **state)
{
	struct in6_addr wide = { .s6_addr = { 0xff, 0x14, [15] = 1 } };

	(void)state; /* SC-14 */
	assert_int_equal(-EADDRNOTAVAIL,
	    world.io->ops->group_send(world.io, 4000, &wide, 0, slice_text("x")));
}

/* --- accepting -------------------------------------------------------------------------------- */

static void
a_port_that_is_taken_is_reported(void **state)
{
	static const struct grasp_io_ev_config cfg = { .loopback = true };
	CLEANUP(grasp_io_ev_free) struct grasp_io *io = NULL;

	(void)state;
	assert_int_equal(0, grasp_io_ev_new(world.loop, &cfg, &io));
	assert_int_equal(-EADDRINUSE, io->ops->bind(io, world.port, &events, NULL));
	assert_int_equal(0, io->ops->bind(io, 0, &events, NULL)); /* 7017 is shared */
	assert_int_equal(-EALREADY, io->ops->bind(io, 0, &events, NULL));
}

static void
an_io_may_be_unbound_in_its_callbacks_and_bound_again(void **state)
{
	int fd[2] = { live_dial(world.port), live_dial(world.port) };

	(void)state;
	leave = true;
	wait_for(&accepted, 1);
	ev_run(world.loop, EVRUN_NOWAIT);
	assert_int_equal(1, accepted);
	leave = false;
	assert_int_equal(0, world.io->ops->bind(world.io, world.port, &events, NULL));
	close(fd[1]);
	fd[1] = live_dial(world.port);
	wait_for(&accepted, 2);
	if (isolated) {
		leave = true;
		send_unicast(2);
		send_unicast(3);
		wait_for(&heard.count, 1);
		ev_run(world.loop, EVRUN_NOWAIT);
		assert_int_equal(2, heard.is.data.len);
	}
	close(fd[0]);
	close(fd[1]);
	wait_for(&closed_err_0, 2); /* streams live on */
}

static void
a_burst_of_connections_is_accepted_whole(void **state)
{
	int fd[BURST];

	(void)state; /* S-15 */
	for (int i = 0; i < BURST; i++)
		fd[i] = live_dial(world.port);
	wait_for(&accepted, BURST);
	for (int i = 0; i < BURST; i++)
		close(fd[i]);
	wait_for(&closed_err_0, BURST);
}

/* Descriptors that a process may have: as many as it has now, and a few. */
static void
leave_descriptors(unsigned spare, struct rlimit *before)
{
	int next = fcntl(0, F_DUPFD_CLOEXEC, 0);
	struct rlimit r;

	assert_true(next >= 0);
	close(next);
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, before));
	r = *before;
	r.rlim_cur = (rlim_t)next + spare;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &r));
}

static bool
is_turned_away(void *arg)
{
	char byte;
	ssize_t n = recv(*(int *)arg, &byte, 1, 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void
without_descriptors_peers_are_turned_away_not_left_waiting(void **state)
{
	struct rlimit before;
	int fd[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		fd[i] = live_dial(world.port);
	ev_run(world.loop, EVRUN_NOWAIT); /* libev opens what it needs */
	wait_for(&accepted, 3);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	wait_for(&closed_err_0, 3);

	for (int i = 0; i < 3; i++)
		fd[i] = live_dial(world.port);
	leave_descriptors(1, &before);
	assert_true(live_poll(&world, is_turned_away, &fd[1]));
	assert_true(live_poll(&world, is_turned_away, &fd[2]));
	assert_int_equal(4, accepted); /* one found room */
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &before));
	for (int i = 0; i < 3; i++)
		close(fd[i]);
	fd[0] = live_dial(world.port);
	wait_for(&accepted, 5);
	close(fd[0]);
}

int
main(void)
{
#define IO_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		IO_TEST(a_timer_fires_once_after_its_delay),
		IO_TEST(a_stopped_timer_is_silent_and_one_may_free_itself),
		IO_TEST(randomness_does_not_repeat),
		IO_TEST(loopback_is_an_interface_only_on_request),
		IO_TEST(a_datagram_tells_where_it_came_in_G_073),
		IO_TEST(datagrams_above_the_limit_are_dropped_G_010_G_012),
		IO_TEST(a_group_needs_a_source_of_its_kind_SC_14),
		IO_TEST(a_port_that_is_taken_is_reported),
		IO_TEST(an_io_may_be_unbound_in_its_callbacks_and_bound_again),
		IO_TEST(a_burst_of_connections_is_accepted_whole),
		IO_TEST(without_descriptors_peers_are_turned_away_not_left_waiting),
	};

	isolated = live_isolate();
	return RUN_TESTS(tests, NULL, NULL);
}
