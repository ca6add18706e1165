/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar is that of Telegraf's plugins/parsers/influx/machine.go.rl, its quirks included: in tags
 * a backslash escapes what follows but another backslash, in a string it may only stand in front of a
 * quote or a backslash, integers have no leading zeros, and there is no infinity. */
#include "metrics/line.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 256 /* of a measurement, a key or a tag's value; more is cut */

struct tag { /* as they stand in the text */
	const char *name, *value;
	size_t name_len, value_len;
};
struct parser {
	const char *start, *at;
	char *why;
	size_t why_size;
	struct line *line;
	char measurement[TEXT_MAX];
	size_t tags;
	struct tag tag[LINE_TAGS_MAX];
};

static int PRINTF(2, 3) refuse(const struct parser *p, const char *fmt, ...)
{
	int n = snprintf(p->why, p->why_size, "column %td: ", p->at - p->start + 1);
	va_list args;

	if (n > 0 && (size_t)n < p->why_size) {
		va_start(args, fmt);
		vsnprintf(p->why + n, p->why_size - (size_t)n, fmt, args);
		va_end(args);
	}
	return -EBADMSG;
}

/* --- words ------------------------------------------------------------------------------ */
static bool
is_end(char c)
{
	return c == '\0' || c == '\n';
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f';
}

/* Neither plain nor escaped may these be in a word. */
static bool
is_never(char c)
{
	return is_end(c) || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}

static void
skip_spaces(struct parser *p)
{
	while (is_space(*p->at))
		p->at++;
}

enum word { WORD_MEASUREMENT, WORD_TAG, WORD_FIELD };

/* Length of the word at the beginning of s; 0: none. */
static size_t
measure_word(const char *s, enum word kind)
{
	const char *stop = kind == WORD_MEASUREMENT ? " ," : " ,=";
	size_t n = 0;

	while (!is_never(s[n]) && !strchr(stop, s[n])) {
		if (s[n] != '\\') {
			n++;
			continue;
		}
		if (is_never(s[n + 1]))
			return 0; /* a backslash with nothing behind it */
		n += kind == WORD_TAG && s[n + 1] == '\\' ? 1 : 2;
	}
	return n;
}

/* A measurement has two escapes; other words have four, if any character of " ,=" is in them. */
static void
unescape_word(const char *s, size_t len, enum word kind, char dst[TEXT_MAX])
{
	const char *escapes = kind == WORD_MEASUREMENT ? " ," : " ,=\"";
	size_t n = 0, i;
	bool any = kind == WORD_MEASUREMENT;

	for (i = 0; i < len && !any; i++)
		any = strchr(" ,=", s[i]) != NULL;
	for (i = 0; i < len && n < TEXT_MAX - 1; i++) {
		if (any && s[i] == '\\' && i + 1 < len && strchr(escapes, s[i + 1]))
			i++;
		dst[n++] = s[i];
	}
	dst[n] = '\0';
}

static bool
take_word(struct parser *p, enum word kind, char dst[TEXT_MAX])
{
	size_t len = measure_word(p->at, kind);

	if (!len)
		return false;
	unescape_word(p->at, len, kind, dst);
	p->at += len;
	return true;
}

/* --- names ------------------------------------------------------------------------------ */
static bool
is_name_char(char c, bool first, bool label)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (c == ':' && !label) || (c >= '0' && c <= '9' && !first);
}

static bool
is_name(const char *text, bool label)
{
	for (size_t i = 0; text[i]; i++)
		if (!is_name_char(text[i], i == 0, label))
			return false;
	return *text;
}

/* One "_" for a character, however many bytes it has. */
static bool
is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

int
line_make_name(const char *text, bool label, char *dst, size_t size)
{
	char name[3 * TEXT_MAX];
	size_t n = 0;
	char *from = name;

	if (is_name(text, label))
		return snprintf(dst, size, "%s", text) < (int)size ? 0 : -ENOSPC;
	for (size_t i = 0; text[i] && n < sizeof name - 1; i++) {
		if (is_name_char(text[i], i == 0, label))
			name[n++] = text[i];
		else if (i > 0 && !is_continuation(text[i]))
			name[n++] = '_';
	}
	while (n > 0 && name[n - 1] == '_')
		n--;
	name[n] = '\0';
	/* Telegraf may leave a digit there, which Prometheus would not take */
	while (*from == '_' || (*from >= '0' && *from <= '9'))
		from++;
	if (!*from)
		return -EINVAL;
	return snprintf(dst, size, "%s", from) < (int)size ? 0 : -ENOSPC;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* --- values ------------------------------------------------------------------------------ */
static struct line_value *
find_value(struct line *line, const char *metric)
{
	for (unsigned i = 0; i < line->len; i++)
		if (!strcmp(line->value[i].metric, metric))
			return &line->value[i];
	return NULL;
}

static int
put_value(struct parser *p, const char *field, double value)
{
	char text[2 * TEXT_MAX], name[METRIC_NAME_MAX + 1];
	struct line *line = p->line;
	struct line_value *v;

	if (!strcmp(p->measurement, "prometheus"))
		snprintf(text, sizeof text, "%s", field);
	else if (!strcmp(field, "value"))
		snprintf(text, sizeof text, "%s", p->measurement);
	else
		snprintf(text, sizeof text, "%s_%s", p->measurement, field);
	if (line_make_name(text, false, name, sizeof name) < 0) {
		line->left_out++;
		return 0;
	}
	v = find_value(line, name);
	if (!v && line->len == LINE_FIELDS_MAX)
		return refuse(p, "more than %d fields", LINE_FIELDS_MAX);
	if (!v)
		v = &line->value[line->len++];
	strcpy(v->metric, name);
	v->value = value;
	v->counter = ends_with(name, "_total");
	return 0;
}

static size_t
count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* Length of [-]digits[.digits] or [-].digits at s; 0: none. */
static size_t
measure_number(const char *s)
{
	size_t sign = *s == '-', whole = count_digits(s + sign), part = 0;

	if (s[sign + whole] == '.') {
		part = count_digits(s + sign + whole + 1);
		if (!whole && !part)
			return 0;
		part++;
	}
	return whole + part ? sign + whole + part : 0;
}

static size_t
measure_exponent(const char *s)
{
	size_t sign, digits;

	if (*s != 'e' && *s != 'E')
		return 0;
	sign = s[1] == '+' || s[1] == '-';
	digits = count_digits(s + 1 + sign);
	return digits ? 1 + sign + digits : 0;
}

static bool
has_integer_form(const char *s, size_t len, bool sign_too)
{
	size_t sign = *s == '-', digits = count_digits(s + sign);

	return sign + digits == len && (sign_too || !sign) &&
	    (digits == 1 || s[sign] != '0');
}

static int
take_number(struct parser *p, double *ret)
{
	const char *s = p->at;
	size_t len = measure_number(s), more;
	bool number = false;

	if (!len)
		return refuse(p, "a value is expected");
	errno = 0;
	if (s[len] == 'i' && has_integer_form(s, len, true)) {
		*ret = (double)strtoll(s, NULL, 10);
		number = true;
	} else if (s[len] == 'u' && has_integer_form(s, len, false)) {
		*ret = (double)strtoull(s, NULL, 10);
		number = true;
	} else {
		more = measure_exponent(s + len);
		if (!more && (s[len] == 'e' || s[len] == 'E'))
			return refuse(p, "an exponent has no digits");
		len += more;
		*ret = strtod(s, NULL);
		if (errno == ERANGE && *ret < 1 && *ret > -1)
			errno = 0; /* too small is 0 or near it, in Go as well */
	}
	if (errno == ERANGE)
		return refuse(p, "a number is too large");
	p->at += len + number;
	return 0;
}

static bool
take_bool(struct parser *p, double *ret)
{
	static const char *const words[] = { "true", "TRUE", "True", "false", "FALSE",
		"False", "T", "t", "F", "f" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(p->at, words[i], len) != 0)
			continue;
		*ret = *words[i] == 't' || *words[i] == 'T';
		p->at += len;
		return true;
	}
	return false;
}

static int
skip_string(struct parser *p)
{
	for (p->at++; *p->at != '"'; p->at++) {
		if (!*p->at)
			return -EAGAIN;
		if (*p->at != '\\')
			continue;
		if (p->at[1] && p->at[1] != '"' && p->at[1] != '\\')
			return refuse(p, "in a string, \\ stands before \" or \\ only");
		p->at += p->at[1] != '\0';
	}
	p->at++;
	return 0;
}

static int
take_field(struct parser *p)
{
	char key[TEXT_MAX];
	double value = 0;
	int err;

	if (!take_word(p, WORD_FIELD, key))
		return refuse(p, "the name of a field is expected");
	if (*p->at != '=')
		return refuse(p, "a \"=\" is expected after the name of a field");
	p->at++;
	if (*p->at == '"')
		return skip_string(p);
	if (!take_bool(p, &value)) {
		err = take_number(p, &value);
		if (err < 0)
			return err;
	}
	return put_value(p, key, value);
}

/* --- the parts of a line ---------------------------------------------------------------- */
static int
compare_tags(const void *a, const void *b)
{
	const struct tag *x = a, *y = b;
	size_t len = x->name_len < y->name_len ? x->name_len : y->name_len;
	int order = memcmp(x->name, y->name, len);

	return order ? order : (x->name_len > y->name_len) - (x->name_len < y->name_len);
}

static int
take_tag(struct parser *p)
{
	struct tag tag = { .name = ++p->at }; /* behind the comma */
	size_t i;

	tag.name_len = measure_word(tag.name, WORD_TAG);
	if (!tag.name_len)
		return refuse(p, "the name of a tag is expected");
	p->at += tag.name_len;
	if (*p->at != '=')
		return refuse(p, "a \"=\" is expected after the name of a tag");
	tag.value = ++p->at;
	tag.value_len = measure_word(tag.value, WORD_TAG);
	if (!tag.value_len)
		return refuse(p, "the value of a tag is expected");
	p->at += tag.value_len;
	for (i = 0; i < p->tags && compare_tags(&p->tag[i], &tag) != 0; i++)
		;
	if (i == LINE_TAGS_MAX)
		return refuse(p, "more than %d tags", LINE_TAGS_MAX);
	p->tags += i == p->tags;
	p->tag[i] = tag;
	return 0;
}

/* Without a choice, all; but of too many, which node it is goes first: who asks knows that. */
static bool
is_wanted(const struct parser *p, const char *const *wanted, const char *name)
{
	for (size_t i = 0; wanted && wanted[i]; i++)
		if (!strcmp(wanted[i], name))
			return true;
	if (wanted || (p->tags > METRIC_LABELS_MAX && !strcmp(name, "host"))) {
		p->line->left_out += !wanted;
		return false;
	}
	return true;
}

static void
put_labels(struct parser *p, const char *const *wanted)
{
	struct metric_labels *labels = &p->line->labels;
	char text[TEXT_MAX], name[METRIC_LABEL_NAME_MAX];

	qsort(p->tag, p->tags, sizeof p->tag[0], compare_tags);
	for (size_t i = 0; i < p->tags; i++) {
		const struct tag *tag = &p->tag[i];
		int err;

		unescape_word(tag->name, tag->name_len, WORD_TAG, text);
		if (!is_wanted(p, wanted, text))
			continue;
		err = line_make_name(text, true, name, sizeof name);
		if (!err && *metric_labels_get(labels, name))
			err = -EEXIST;
		unescape_word(tag->value, tag->value_len, WORD_TAG, text);
		if (err < 0 || metric_labels_add(labels, name, text) < 0)
			p->line->left_out++;
	}
}

static int
take_time(struct parser *p)
{
	size_t sign = *p->at == '-', digits = count_digits(p->at + sign);

	if (!digits || digits > 19)
		return refuse(p, "a time in nanoseconds is expected");
	errno = 0;
	p->line->time_ns = strtoll(p->at, NULL, 10);
	if (errno == ERANGE)
		return refuse(p, "a time is too large");
	p->line->timed = true;
	p->at += sign + digits;
	return 0;
}

static int
take_end(struct parser *p)
{
	skip_spaces(p);
	if (*p->at == '\r' && is_end(p->at[1]))
		p->at++;
	if (*p->at == '\n')
		p->at++;
	return *p->at ? refuse(p, "nothing more is expected here") : 0;
}

static int
take_fields(struct parser *p)
{
	int err = take_field(p);

	while (!err && *p->at == ',') {
		p->at++;
		err = take_field(p);
	}
	return err;
}

static int
take_metric(struct parser *p)
{
	int err = 0;

	if (!take_word(p, WORD_MEASUREMENT, p->measurement))
		return refuse(p, "the name of a measurement is expected");
	while (!err && *p->at == ',')
		err = take_tag(p);
	if (err < 0)
		return err;
	if (!is_space(*p->at))
		return refuse(p, "fields are expected after a space");
	skip_spaces(p);
	err = take_fields(p);
	if (err < 0)
		return err;
	if (is_space(*p->at))
		skip_spaces(p);
	else if (!is_end(*p->at) && *p->at != '\r')
		return refuse(p, "a comma or a space is expected after a value");
	if (!is_end(*p->at) && *p->at != '\r')
		err = take_time(p);
	return err ? err : take_end(p);
}

int
line_parse(const char *text, const char *const *tags, struct line *ret, char *why,
    size_t why_size)
{
	struct parser p = {
		.start = text, .at = text, .why = why, .why_size = why_size, .line = ret
	};
	int err;

	ret->labels.len = 0;
	ret->len = 0;
	ret->left_out = 0;
	ret->time_ns = 0;
	ret->timed = false;
	skip_spaces(&p);
	if (*p.at == '#' || is_end(*p.at) || (*p.at == '\r' && is_end(p.at[1])))
		return 0;
	err = take_metric(&p);
	if (err < 0) {
		ret->len = 0;
		return err;
	}
	put_labels(&p, tags);
	return 0;
}
