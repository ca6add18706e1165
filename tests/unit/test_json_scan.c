/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"
#include "base/buf.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

/* The events as one line: {a:"x" [1 2] } */
static const char *
events_of(const char *json)
{
	static char text[512];
	struct json_event e;
	struct json_scan s;
	struct buf out;

	buf_init_fixed(&out, text, sizeof text);
	json_scan_init(&s, slice_text(json));
	while (json_scan_next(&s, &e)) {
		if (e.key.data)
			buf_printf(
			    &out, "%.*s:", (int)e.key.len, (const char *)e.key.data);
		switch (e.type) {
		case JSON_EVENT_OBJECT:
			buf_printf(&out, "{%u ", e.depth);
			break;
		case JSON_EVENT_ARRAY:
			buf_printf(&out, "[%u ", e.depth);
			break;
		case JSON_EVENT_END:
			buf_printf(&out, "%u. ", e.depth);
			break;
		case JSON_EVENT_TEXT:
			buf_printf(&out, "\"%.*s\" ", (int)e.text.len,
			    (const char *)e.text.data);
			break;
		case JSON_EVENT_NUMBER:
			buf_printf(&out, "%.17g ", e.number);
			break;
		case JSON_EVENT_TRUE:
			buf_printf(&out, "true ");
			break;
		case JSON_EVENT_FALSE:
			buf_printf(&out, "false ");
			break;
		case JSON_EVENT_NULL:
			buf_printf(&out, "null ");
			break;
		}
	}
	if (json_scan_end(&s) < 0)
		buf_printf(&out, "error");
	return buf_text(&out);
}

static void
values_come_in_order_with_their_keys_and_depth(void **state)
{
	(void)state;
	assert_string_equal(events_of(" {\"a\":\"x\",\"b\":[1,-2.5e1],\"c\":{}}\r\n"),
	    "{0 a:\"x\" b:[1 1 -25 1. c:{1 1. 0. ");
	assert_string_equal(
	    events_of("[true,false,null,[]]"), "[0 true false null [1 1. 0. ");
	assert_string_equal(events_of("\"a\\\"b\""), "\"a\\\"b\" ");
	assert_string_equal(events_of("-0"), "-0 ");
}

static void
what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = { "", "{", "}", "[1", "[1,]", "[,1]", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}", "[1 2]", "1 2",
		"01", "1.", ".5", "+1", "1e", "0x10", "nan", "inf", "1e999", "tru",
		"nulll", "\"a", "\"a\\", "\"a\nb\"", "[1}", "{]", "--1",
		"1111111111111111111111111111111111111111111111111111111111111111111" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *events = events_of(bad[i]);
		size_t len = strlen(events);

		if (len < 5 || strcmp(events + len - 5, "error") != 0)
			fail_msg("%s gave %s", bad[i], events);
	}
}

static void
nesting_is_bounded(void **state)
{
	char text[2 * JSON_SCAN_DEPTH + 3];

	(void)state;
	memset(text, '[', JSON_SCAN_DEPTH);
	memset(text + JSON_SCAN_DEPTH, ']', JSON_SCAN_DEPTH);
	text[2 * JSON_SCAN_DEPTH] = '\0';
	assert_null(strstr(events_of(text), "error"));
	memset(text, '[', JSON_SCAN_DEPTH + 1);
	memset(text + JSON_SCAN_DEPTH + 1, ']', JSON_SCAN_DEPTH + 1);
	text[2 * JSON_SCAN_DEPTH + 2] = '\0';
	assert_non_null(strstr(events_of(text), "error"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(values_come_in_order_with_their_keys_and_depth),
		TEST(what_is_no_json_is_refused),
		TEST(nesting_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
