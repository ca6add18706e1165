/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_PER_S   INT64_C(1000)
#define MS_PER_MIN (60 * MS_PER_S)
#define MS_PER_H   (60 * MS_PER_MIN)
#define MS_PER_D   (24 * MS_PER_H)

static struct timespec
read_timespec(clockid_t id)
{
	struct timespec ts;
	int failed = clock_gettime(id, &ts);

	assert(!failed); /* both clocks exist on every Linux that we run on */
	(void)failed;
	return ts;
}

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts = read_timespec(id);

	return ts.tv_sec * MS_PER_S + ts.tv_nsec / 1000000;
}

int64_t
clock_boot_ms(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

int64_t
clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_wall_ns(void)
{
	struct timespec ts = read_timespec(CLOCK_REALTIME);

	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

uint32_t
clock_jitter(uint32_t period_ms, unsigned percent, uint32_t random)
{
	if (percent > 100)
		percent = 100;
	uint64_t reach = (uint64_t)period_ms * percent / 100;
	/* (2 * reach + 1) * random >> 32, written so that nothing exceeds 64 bits */
	uint64_t ms = period_ms - reach + ((reach * random + random / 2) >> 31);

	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

char *
clock_format(int64_t wall_ms, char dst[CLOCK_TEXT_MAX])
{
	int64_t ms = wall_ms % MS_PER_S;
	time_t seconds = (time_t)(wall_ms / MS_PER_S);
	struct tm tm;

	if (ms < 0) { /* before 1970 */
		ms += MS_PER_S;
		seconds--;
	}
	gmtime_r(&seconds, &tm); /* int64 milliseconds do not leave the years of an int */
	size_t len = strftime(dst, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(dst + len, CLOCK_TEXT_MAX - len, ".%03uZ", (unsigned)ms % 1000);
	return dst;
}

/* "2 h 10 min"; the smaller unit is left out when there is none of it. */
static void
put_two_units(uint64_t ms, const char *unit, uint64_t unit_ms, const char *small,
    uint64_t small_ms, char *dst, size_t size)
{
	uint64_t whole = ms / unit_ms, rest = ms % unit_ms / small_ms;

	if (rest > 0)
		snprintf(
		    dst, size, "%" PRIu64 " %s %" PRIu64 " %s", whole, unit, rest, small);
	else
		snprintf(dst, size, "%" PRIu64 " %s", whole, unit);
}

char *
clock_format_span(int64_t ms, char dst[CLOCK_TEXT_MAX])
{
	uint64_t n = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	char *to = dst;
	size_t size = CLOCK_TEXT_MAX;

	if (ms < 0) {
		*to++ = '-';
		size--;
	}
	if (n < MS_PER_S)
		snprintf(to, size, "%" PRIu64 " ms", n);
	else if (n < 10 * MS_PER_S && n % MS_PER_S >= 100)
		snprintf(to, size, "%" PRIu64 ".%" PRIu64 " s", n / 1000, n % 1000 / 100);
	else if (n < 2 * MS_PER_MIN)
		snprintf(to, size, "%" PRIu64 " s", n / 1000);
	else if (n < MS_PER_H)
		put_two_units(n, "min", MS_PER_MIN, "s", MS_PER_S, to, size);
	else if (n < MS_PER_D)
		put_two_units(n, "h", MS_PER_H, "min", MS_PER_MIN, to, size);
	else
		put_two_units(n, "d", MS_PER_D, "h", MS_PER_H, to, size);
	return dst;
}

/* Largest first, each at most once: that is the order a span is written in. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "y", 365 * MS_PER_D },
	{ "w", 7 * MS_PER_D },
	{ "d", MS_PER_D },
	{ "h", MS_PER_H },
	{ "m", MS_PER_MIN },
	{ "s", MS_PER_S },
	{ "ms", 1 },
};
#define UNITS (sizeof units / sizeof units[0])

/* The digits at *text; false if there are none or the number is too large. */
static bool
parse_number(const char **text, int64_t *ret)
{
	const char *p = *text;
	int64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *p - '0', &n))
			return false;
	if (p == *text)
		return false;
	*text = p;
	*ret = n;
	return true;
}

/* The unit at *text among those from first on; UNITS if there is none. */
static size_t
parse_unit(const char **text, size_t first)
{
	size_t len = strspn(*text, "ywdhms");

	for (size_t i = first; i < UNITS; i++)
		if (strlen(units[i].name) == len && !strncmp(*text, units[i].name, len)) {
			*text += len;
			return i;
		}
	return UNITS;
}

int
clock_parse_span(const char *text, int64_t *ret_ms)
{
	int64_t sum = 0, n;
	size_t next = 0;

	while (*text) {
		if (!parse_number(&text, &n))
			return -EINVAL;
		size_t unit = parse_unit(&text, next);
		if (unit == UNITS || __builtin_mul_overflow(n, units[unit].ms, &n) ||
		    __builtin_add_overflow(sum, n, &sum))
			return -EINVAL;
		next = unit + 1;
	}
	if (sum <= 0)
		return -EINVAL;
	*ret_ms = sum;
	return 0;
}
