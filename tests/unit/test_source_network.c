/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <sys/stat.h>

extern const struct source source_network;

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

static void
counters_of_each_interface_are_read(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_network, &robot), 0);
	assert_value(
	    &c, "node_network_receive_bytes_total", "{device=\"eth0\"}", 123456789012.);
	assert_value(&c, "node_network_receive_packets_total", "{device=\"eth0\"}", 1000);
	assert_value(&c, "node_network_receive_errs_total", "{device=\"eth0\"}", 1);
	assert_value(&c, "node_network_receive_drop_total", "{device=\"eth0\"}", 2);
	assert_value(
	    &c, "node_network_transmit_bytes_total", "{device=\"eth0\"}", 987654);
	assert_value(&c, "node_network_transmit_packets_total", "{device=\"eth0\"}", 900);
	assert_value(&c, "node_network_transmit_errs_total", "{device=\"eth0\"}", 4);
	assert_value(&c, "node_network_transmit_drop_total", "{device=\"eth0\"}", 5);
	assert_value(&c, "node_network_receive_bytes_total", "{device=\"wlan0\"}", 777);
	assert_value(&c, "node_network_receive_bytes_total", "{device=\"lo\"}", 5000);
}

static void
state_and_speed_come_from_sysfs(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_network, &robot), 0);
	assert_value(&c, "node_network_up", "{device=\"eth0\"}", 1);
	assert_value(&c, "node_network_up", "{device=\"wlan0\"}", 0);
	assert_value(&c, "node_network_up", "{device=\"lo\"}", 0); /* RFC 2863 unknown */
	assert_value(&c, "node_network_speed_bytes", "{device=\"eth0\"}", 125e6);
	assert_no_value(&c, "node_network_speed_bytes", "{device=\"wlan0\"}"); /* -1 */
	assert_no_value(&c, "node_network_speed_bytes", "{device=\"lo\"}"); /* no file */
}

/* MET-03 */
static void
a_garbage_line_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_network, &robot), 0);
	assert_int_equal(capture_count(&c, "node_network_receive_bytes_total"), 3);
}

static void
write_devices(const char *dir, unsigned from, unsigned to)
{
	static char text[65536];
	size_t n = (size_t)snprintf(text, sizeof text, "head|\n face |\n");

	for (unsigned i = from; i < to; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "v%u: %u 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", i, i);
	write_text(dir, "net/dev", text);
}

static void
interfaces_come_and_go_and_their_number_is_bounded(void **state)
{
	char *dir = tempdir_new(), path[128];
	struct source_env env = { .proc = dir, .sys = dir };
	struct capture c;
	void *inst;

	(void)state;
	snprintf(path, sizeof path, "%s/net", dir);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(source_network.open(&env, &inst), 0);
	write_devices(dir, 0, 200);
	assert_int_equal(capture_sample(&c, &source_network, inst, 0), 0);
	assert_int_equal(capture_count(&c, "node_network_receive_bytes_total"), 64);
	write_devices(dir, 100, 130); /* the others have left: there is room again */
	assert_int_equal(capture_sample(&c, &source_network, inst, 0), 0);
	assert_int_equal(capture_sample(&c, &source_network, inst, 0), 0);
	assert_int_equal(capture_count(&c, "node_network_receive_bytes_total"), 30);
	assert_value(&c, "node_network_receive_bytes_total", "{device=\"v129\"}", 129);
	source_network.close(inst);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counters_of_each_interface_are_read),
		TEST(state_and_speed_come_from_sysfs),
		TEST(a_garbage_line_removes_only_itself),
		TEST(interfaces_come_and_go_and_their_number_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
