/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "tests/support/test.h"

#include <errno.h>
#include <time.h>

static void
boot_time_goes_on_and_wall_time_is_this_century(void **state)
{
	struct timespec ts;
	int64_t before = clock_boot_ms();

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &ts);
	int64_t now = ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
	assert_true(before <= now);
	assert_true(clock_boot_ms() >= now);
	assert_true(clock_wall_ms() / 1000 >= time(NULL) - 1);
	assert_true(clock_wall_ms() / 1000 <= time(NULL) + 1);
}

static void
jitter_stays_within_its_percent_and_reaches_both_ends(void **state)
{
	(void)state;
	assert_int_equal(clock_jitter(10000, 10, 0), 9000);
	assert_int_equal(clock_jitter(10000, 10, UINT32_MAX), 11000);
	assert_int_equal(clock_jitter(10000, 10, UINT32_MAX / 2), 10000);
	assert_int_equal(clock_jitter(10000, 0, 12345), 10000);
	assert_int_equal(clock_jitter(0, 50, UINT32_MAX), 0);
	assert_int_equal(clock_jitter(1000, 300, 0), 0); /* not below zero */
	assert_int_equal(clock_jitter(1000, 300, UINT32_MAX), 2000);
	assert_int_equal(clock_jitter(UINT32_MAX, 100, UINT32_MAX), UINT32_MAX);
	for (uint64_t random = 0; random <= UINT32_MAX; random += 9999991) {
		uint32_t ms = clock_jitter(3000, 20, (uint32_t)random);
		assert_in_range(ms, 2400, 3600);
	}
}

static void
a_time_is_written_as_rfc3339(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 1795260787250, "2026-11-21T11:33:07.250Z" },
		{ 1709164800000, "2024-02-29T00:00:00.000Z" },
		{ INT64_MAX, "292278994-08-17T07:12:55.807Z" },
	};
	char text[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ptr_equal(clock_format(cases[i].ms, text), text);
		assert_string_equal(text, cases[i].text);
	}
	clock_format(INT64_MIN, text); /* whatever it says, it fits */
}

static void
a_span_is_written_for_people(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "0 ms" },
		{ 999, "999 ms" },
		{ 1000, "1 s" },
		{ 1500, "1.5 s" },
		{ 9999, "9.9 s" },
		{ 10500, "10 s" },
		{ 90000, "90 s" },
		{ 119999, "119 s" },
		{ 120000, "2 min" },
		{ 300000, "5 min" },
		{ 330000, "5 min 30 s" },
		{ 3600000, "1 h" },
		{ 7800000, "2 h 10 min" },
		{ 86400000, "1 d" },
		{ 100800000, "1 d 4 h" },
		{ -90000, "-90 s" },
		{ INT64_MAX, "106751991167 d 7 h" },
		{ INT64_MIN, "-106751991167 d 7 h" },
	};
	char text[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_ptr_equal(clock_format_span(cases[i].ms, text), text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
spans_are_read_as_prometheus_reads_them(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "250ms", 250 },
		{ "1s", 1000 },
		{ "5m", 300000 },
		{ "1h30m", 5400000 },
		{ "2d", 172800000 },
		{ "1w", 604800000 },
		{ "1y", INT64_C(31536000000) },
		{ "1m1ms", 60001 },
		{ "1y2w3d4h5m6s7ms", INT64_C(33019506007) },
		{ "0s1ms", 1 },
		{ "007s", 7000 },
		{ "9223372036854775807ms", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		assert_int_equal(clock_parse_span(cases[i].text, &ms), 0);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void
what_is_no_span_is_refused_and_writes_nothing(void **state)
{
	static const char *const cases[] = { "", "0", "5", "0s", "m", "-5m", "+5m", "5 m",
		" 5m", "5m ", "5min", "5M", "1.5s", "30m1h", "1s1s", "1ms1s", "1hm",
		"1sm", "5x", "1h30", "9223372036854775808ms", "99999999999999999999s",
		"9223372036854775807s", "300000000y", "292471208y1y",
		"9223372036854775s1808ms" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = -1;
		assert_int_equal(clock_parse_span(cases[i], &ms), -EINVAL);
		assert_int_equal(ms, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(boot_time_goes_on_and_wall_time_is_this_century),
		TEST(jitter_stays_within_its_percent_and_reaches_both_ends),
		TEST(a_time_is_written_as_rfc3339),
		TEST(a_span_is_written_for_people),
		TEST(spans_are_read_as_prometheus_reads_them),
		TEST(what_is_no_span_is_refused_and_writes_nothing),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
