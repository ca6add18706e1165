/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"

extern const struct source source_wireless;

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

/* MET-04 */
static void
signal_noise_and_quality_of_a_radio_are_read(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_signal_dbm", "{device=\"wlan0\"}", -56);
	assert_value(&c, "node_wireless_noise_dbm", "{device=\"wlan0\"}", -92);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan0\"}", 54. / 70);
	assert_value(&c, "node_wireless_missed_beacons_total", "{device=\"wlan0\"}", 3);
}

static void
a_radio_without_a_link_has_quality_zero_and_no_signal(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan1\"}", 0);
	assert_no_value(&c, "node_wireless_signal_dbm", "{device=\"wlan1\"}");
	assert_no_value(&c, "node_wireless_noise_dbm", "{device=\"wlan1\"}");
}

/* MET-03 */
static void
quality_is_never_above_one_and_garbage_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan2\"}", 1);
	assert_int_equal(capture_count(&c, "node_wireless_quality_ratio"), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signal_noise_and_quality_of_a_radio_are_read),
		TEST(a_radio_without_a_link_has_quality_zero_and_no_signal),
		TEST(quality_is_never_above_one_and_garbage_removes_only_itself),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
