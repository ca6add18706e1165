/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/when.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX 1e12

int
when_parse_span(const char *text, int64_t *ret_ms)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end)
		return clock_parse_span(text, ret_ms);
	if (!isfinite(s) || s > SECONDS_MAX || s * 1000 < 1)
		return -EINVAL;
	*ret_ms = (int64_t)llround(s * 1000);
	return 0;
}

static int
parse_seconds(const char *text, int64_t *ret_ms)
{
	char *end;
	double s = strtod(text, &end);

	if (end == text || *end || !isfinite(s) || fabs(s) > SECONDS_MAX)
		return -EINVAL;
	*ret_ms = (int64_t)llround(s * 1000);
	return 0;
}

/* Whatever follows the minutes: seconds with a fraction, a Z. */
static int
parse_rest(const char *text, double *ret_s)
{
	char *end = (char *)text;

	*ret_s = 0;
	if (*text == ':') {
		if (text[1] < '0' || text[1] > '9')
			return -EINVAL;
		*ret_s = strtod(text + 1, &end);
	}
	if (*end == 'Z')
		end++;
	return *end || !(*ret_s < 61) ? -EINVAL : 0;
}

static int
parse_date(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm t = { 0 }, today;
	double s = 0;
	int n = 0;

	gmtime_r(&now, &today);
	if (sscanf(text, "%4d-%2d-%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &n) == 3) {
		text += n;
		t.tm_year -= 1900;
		t.tm_mon--;
		if (*text && *text != 'T' && *text != ' ')
			return -EINVAL;
		text += *text != '\0';
	} else {
		t.tm_year = today.tm_year;
		t.tm_mon = today.tm_mon;
		t.tm_mday = today.tm_mday;
		n = 0;
	}
	if (sscanf(text, "%2d:%2d%n", &t.tm_hour, &t.tm_min, &n) == 2) {
		if (parse_rest(text + n, &s))
			return -EINVAL;
	} else if (*text || !n) {
		return -EINVAL;
	}
	if (t.tm_mon < 0 || t.tm_mon > 11 || t.tm_mday < 1 || t.tm_mday > 31 ||
	    t.tm_hour < 0 || t.tm_hour > 24 || t.tm_min < 0 || t.tm_min > 59)
		return -EINVAL;
	*ret_ms = (int64_t)timegm(&t) * 1000 + (int64_t)llround(s * 1000);
	return 0;
}

int
when_parse(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	int64_t ago;

	if (strcmp(text, "now") == 0) {
		*ret_ms = now_ms;
		return 0;
	}
	if (text[0] == '-' && !when_parse_span(text + 1, &ago)) {
		*ret_ms = now_ms - ago;
		return 0;
	}
	if (!parse_seconds(text, ret_ms))
		return 0;
	return parse_date(text, now_ms, ret_ms);
}
