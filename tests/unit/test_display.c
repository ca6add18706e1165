/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/display.h"
#include "base/json.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WALL_MS 1795000000000 /* 2026-11-18T11:06:40Z */

static struct fog_result result;
static char *shown;

static int
clear(void **state)
{
	(void)state;
	memset(&result, 0, sizeof result);
	result.now_ms = 1000000;
	free(shown);
	shown = NULL;
	return 0;
}

static void
add_point(double value, uint32_t samples, int64_t oldest_ms, int64_t newest_ms)
{
	result.point[result.points++] = (struct query_point){ .value = value,
		.samples = samples,
		.oldest_ms = oldest_ms,
		.newest_ms = newest_ms,
		.labels = { (const uint8_t *)"\xa1\x63"
					     "cpu\x61"
					     "0",
		    7 } };
}

static const char *
as_json(void (*put)(struct buf *out))
{
	struct buf item, text;

	buf_init(&item, 65536);
	buf_init(&text, 65536);
	put(&item);
	assert_int_equal(item.err, 0);
	assert_true(cbor_well_formed(buf_slice(&item)));
	assert_int_equal(json_put_cbor(&text, buf_slice(&item), 0), 0);
	free(shown);
	shown = strdup(buf_text(&text));
	buf_done(&item);
	buf_done(&text);
	return shown;
}

static void
put_result(struct buf *out)
{
	display_put_result(out, "A", "node_load1", &result, WALL_MS);
}

static void
one_series_has_one_value(void **state)
{
	(void)state;
	strcpy(result.unit, "volts");
	add_point(3.5, 5, 996000, 999500);
	assert_string_equal(as_json(put_result),
	    "{\"node\":\"A\",\"expression\":\"node_load1\",\"unit\":\"volts\","
	    "\"time\":\"2026-11-18T11:06:39.500Z\",\"age_s\":0.5,\"value\":3.5,"
	    "\"samples\":5,\"window_s\":3.5,\"labels\":{\"cpu\":\"0\"},"
	    "\"series\":[{\"labels\":{\"cpu\":\"0\"},\"value\":3.5,\"samples\":5,"
	    "\"time\":\"2026-11-18T11:06:39.500Z\",\"age_s\":0.5}]}");
}

static void
several_series_have_no_value_in_common(void **state)
{
	(void)state;
	add_point(1, 2, 990000, 998000);
	add_point(2, 3, 980000, 997000);
	as_json(put_result);
	assert_non_null(strstr(shown,
	    "\"age_s\":2,\"value\":null,\"samples\":5,\"window_s\":18,\"labels\":{},"
	    "\"series\""));
	assert_non_null(strstr(shown, "\"value\":2,\"samples\":3,"));
	assert_null(strstr(shown, "unknown"));
}

/* CMP-08: null comes with a reason, always. */
static void
what_is_not_known_says_why(void **state)
{
	(void)state;
	strcpy(result.unknown, "no sample of node_load1");
	as_json(put_result);
	assert_non_null(strstr(shown, "\"value\":null,\"samples\":0"));
	assert_non_null(
	    strstr(shown, "\"unknown\":\"no sample of node_load1\",\"series\":[]"));
	clear(NULL);
	as_json(put_result);
	assert_non_null(strstr(shown, "\"unknown\":\"the node has no such series\""));
	clear(NULL);
	add_point(NAN, 1, 999000, 999000);
	as_json(put_result);
	assert_non_null(strstr(shown, "\"unknown\":\"the result is not a number\""));
}

static void
a_time_that_is_not_known_is_null(void **state)
{
	(void)state;
	add_point(7, 0, 0, 0);
	as_json(put_result);
	assert_non_null(strstr(shown, "\"time\":null,\"age_s\":null,\"value\":7,"));
	assert_non_null(strstr(shown, "\"window_s\":null"));
	clear(NULL);
	add_point(7, 1, 0, 1000001); /* newer than now: nobody's clock does that */
	as_json(put_result);
	assert_non_null(strstr(shown, "\"time\":null,\"age_s\":null,"));
}

static void
put_capabilities(struct buf *out)
{
	struct caps c = { .interfaces = 2, .tags = 1, .devices = 1 };

	strcpy(c.interface[0].name, "w0");
	strcpy(c.interface[0].radio, "wifi6");
	c.interface[0].kind = CAPS_WIFI;
	c.interface[0].up = true;
	c.interface[0].l2_len = 6;
	c.interface[0].l2[5] = 0x1f;
	c.interface[0].addrs = 2;
	c.interface[0].addr[0].len = 4;
	c.interface[0].addr[0].prefix = 24;
	memcpy(c.interface[0].addr[0].ip, "\x0a\x00\x00\x01", 4);
	c.interface[0].addr[1].len = 16;
	c.interface[0].addr[1].prefix = 64;
	c.interface[0].addr[1].ip[0] = 0xfd;
	strcpy(c.interface[1].name, "e0");
	strcpy(c.tag[0].key, "site");
	strcpy(c.tag[0].value, "hall");
	strcpy(c.device[0], "lidar");
	wr_array(out, 5);
	display_put_interfaces(out, &c);
	display_put_tags(out, &c);
	display_put_devices(out, &c);
	display_put_position(out, &c);
	c.located = true;
	c.latitude = 40.332;
	c.longitude = -3.765;
	display_put_position(out, &c);
}

static void
interfaces_tags_devices_and_place_are_shown(void **state)
{
	(void)state;
	assert_string_equal(as_json(put_capabilities),
	    "[[{\"name\":\"w0\",\"kind\":\"wifi\",\"radio\":\"wifi6\",\"up\":true,"
	    "\"l2\":\"00:00:00:00:00:1f\",\"addresses\":[\"10.0.0.1/24\",\"fd00::/64\"]},"
	    "{\"name\":\"e0\",\"kind\":\"other\",\"radio\":null,\"up\":false,\"l2\":null,"
	    "\"addresses\":[]}],{\"site\":\"hall\"},[\"lidar\"],null,"
	    "\"40.332000,-3.765000\"]");
}

#define CLEAN_TEST(f) cmocka_unit_test_setup_teardown(f, clear, clear)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLEAN_TEST(one_series_has_one_value),
		CLEAN_TEST(several_series_have_no_value_in_common),
		CLEAN_TEST(what_is_not_known_says_why),
		CLEAN_TEST(a_time_that_is_not_known_is_null),
		CLEAN_TEST(interfaces_tags_devices_and_place_are_shown),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
