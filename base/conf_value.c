/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values: reading them with complaints, writing them so that they read back. */
#include "base/conf.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/conf_text.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* largest first */
static const struct unit sizes[] = {
	{ "TiB", INT64_C(1) << 40 },
	{ "GiB", INT64_C(1) << 30 },
	{ "MiB", INT64_C(1) << 20 },
	{ "KiB", INT64_C(1) << 10 },
	{ "B", 1 },
};
static const struct unit spans[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};

static bool
is_scalar(const struct yaml_node *n)
{
	return n && n->kind == YAML_SCALAR && !yaml_is_null(n);
}

/* Of a list or a mapping there is no text to show. */
static const char *
shown(const struct yaml_node *n)
{
	switch (n->kind) {
	case YAML_SCALAR:
		return n->text;
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		return "a mapping";
	}
	return "";
}

static bool
refuse(const struct yaml_node *n, struct complaints *c, const char *wanted)
{
	yaml_complain(c, n, "%s is not %s%s", shown(n), wanted,
	    n->kind == YAML_SCALAR && n->quoted ? " (a quoted value is text)" : "");
	return false;
}

bool
conf_take_bool(const struct yaml_node *n, struct complaints *c, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "true", true }, { "false", false }, { "yes", true },
		{ "no", false }, { "on", true }, { "off", false } };

	if (is_scalar(n) && !n->quoted)
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (!strcmp(n->text, words[i].word)) {
				*ret = words[i].value;
				return true;
			}
	return refuse(n, c, "true or false");
}

bool
conf_take_int(const struct yaml_node *n, struct complaints *c, int64_t min, int64_t max,
    int64_t *ret)
{
	const char *digits;
	long long v;

	if (!is_scalar(n) || n->quoted)
		return refuse(n, c, "a whole number");
	digits = n->text + (*n->text == '-' || *n->text == '+');
	if (!*digits || digits[strspn(digits, "0123456789")])
		return refuse(n, c, "a whole number");
	errno = 0;
	v = strtoll(n->text, NULL, 10);
	if (errno == ERANGE || v < min || v > max) {
		bool below = *n->text == '-' ? errno == ERANGE || v < min : v < min;

		yaml_complain(c, n, "%s is %s %" PRId64, n->text,
		    below ? "below" : "above", below ? min : max);
		return false;
	}
	*ret = v;
	return true;
}

bool
conf_take_real(const struct yaml_node *n, struct complaints *c, double *ret)
{
	char *end;
	double v;

	/* strtod() takes "inf", "nan" and hexadecimal, a configuration does not */
	if (!is_scalar(n) || n->quoted || n->text[strspn(n->text, "0123456789+-.eE")])
		return refuse(n, c, "a number");
	v = strtod(n->text, &end);
	if (end == n->text || *end || !isfinite(v))
		return refuse(n, c, "a number");
	*ret = v;
	return true;
}

bool
conf_take_duration(const struct yaml_node *n, struct complaints *c, int64_t *ret_ms)
{
	static const char wanted[] = "a duration such as 250ms, 30s, 5m, 1h30m or 2d";

	if (!is_scalar(n))
		return refuse(n, c, wanted);
	if (!strcmp(n->text, "0") || !strcmp(n->text, "0s")) {
		*ret_ms = 0;
		return true;
	}
	if (clock_parse_span(n->text, ret_ms) < 0)
		return refuse(n, c, wanted);
	return true;
}

static bool
parse_size(const char *text, int64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	const char *unit = text + digits;
	int64_t v;

	errno = 0;
	v = strtoll(text, NULL, 10);
	if (!digits || errno == ERANGE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (!strcmp(*unit ? unit : "B", sizes[i].name))
			return !__builtin_mul_overflow(v, sizes[i].factor, ret);
	return false;
}

bool
conf_take_size(const struct yaml_node *n, struct complaints *c, int64_t *ret)
{
	int64_t v;

	if (!is_scalar(n) || !parse_size(n->text, &v))
		return refuse(n, c, "a size such as 4096, 64KiB or 16MiB");
	*ret = v;
	return true;
}

bool
conf_is_name(const char *text)
{
	size_t len = strspn(text,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._:-");

	return len >= 1 && len <= 64 && !text[len];
}

bool
conf_take_name(const struct yaml_node *n, struct complaints *c, const char **ret)
{
	if (!is_scalar(n) || !conf_is_name(n->text)) {
		yaml_complain(c, n,
		    "%s is not a name (1 to 64 of letters, digits, . _ : -)", shown(n));
		return false;
	}
	*ret = n->text;
	return true;
}

static void
put_in_units(struct buf *out, int64_t v, const struct unit *unit, size_t len)
{
	size_t i = 0;

	while (i < len - 1 && v % unit[i].factor)
		i++;
	buf_printf(out, "%" PRId64 "%s", v / unit[i].factor, unit[i].name);
}

void
conf_put_duration(struct buf *out, int64_t ms)
{
	if (ms == 0)
		buf_puts(out, "0s");
	else
		put_in_units(out, ms, spans, ARRAY_LEN(spans));
}

void
conf_put_size(struct buf *out, int64_t bytes)
{
	if (bytes == 0)
		buf_puts(out, "0");
	else
		put_in_units(out, bytes, sizes, ARRAY_LEN(sizes));
}

void
conf_put_real(struct buf *out, double v)
{
	char text[32];

	if (v == trunc(v) && fabs(v) < 1e15) {
		buf_printf(out, "%.0f", v);
		return;
	}
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_puts(out, text);
}
