/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64 /* characters */

void
json_scan_init(struct json_scan *s, struct slice text)
{
	*s = (struct json_scan){ .at = (const char *)text.data,
		.end = (const char *)text.data + text.len };
}

static bool
fail(struct json_scan *s)
{
	s->err = -EBADMSG;
	return false;
}

static void
skip_space(struct json_scan *s)
{
	while (s->at < s->end && memchr(" \t\r\n", *s->at, 4))
		s->at++;
}

static bool
take(struct json_scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static bool
take_text(struct json_scan *s, struct slice *ret)
{
	const char *begin;

	if (!take(s, '"'))
		return fail(s);
	begin = s->at;
	for (; s->at < s->end && *s->at != '"'; s->at++) {
		if ((unsigned char)*s->at < 0x20)
			return fail(s);
		if (*s->at == '\\' && ++s->at == s->end)
			return fail(s);
	}
	ret->data = (const uint8_t *)begin;
	ret->len = (size_t)(s->at - begin);
	return take(s, '"') || fail(s);
}

static size_t
count_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* -0.5e+3: strtod takes more than JSON has, so the form is looked at first. */
static bool
is_number(const char *text)
{
	size_t n;

	text += *text == '-';
	n = count_digits(text);
	if (n == 0 || (n > 1 && text[0] == '0'))
		return false;
	text += n;
	if (*text == '.') {
		n = count_digits(++text);
		text += n;
		if (n == 0)
			return false;
	}
	if (*text == 'e' || *text == 'E') {
		text++;
		text += *text == '+' || *text == '-';
		n = count_digits(text);
		text += n;
		if (n == 0)
			return false;
	}
	return *text == '\0';
}

static bool
take_number(struct json_scan *s, double *ret)
{
	char text[NUMBER_MAX];
	size_t n = 0;

	while (s->at + n < s->end && n < sizeof text - 1 &&
	    memchr("+-.0123456789eE", s->at[n], 15)) {
		text[n] = s->at[n];
		n++;
	}
	text[n] = '\0';
	if (!is_number(text))
		return fail(s);
	s->at += n;
	*ret = strtod(text, NULL);
	return isfinite(*ret) || fail(s);
}

static bool
take_word(struct json_scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0)
		return fail(s);
	s->at += n;
	return true;
}

static bool
begin(struct json_scan *s, bool is_object, struct json_event *e)
{
	if (s->depth == JSON_SCAN_DEPTH)
		return fail(s);
	s->at++;
	s->is_object[s->depth++] = is_object;
	s->first = true;
	e->type = is_object ? JSON_EVENT_OBJECT : JSON_EVENT_ARRAY;
	return true;
}

static bool
take_value(struct json_scan *s, struct json_event *e)
{
	if (s->at == s->end)
		return fail(s);
	switch (*s->at) {
	case '{':
		return begin(s, true, e);
	case '[':
		return begin(s, false, e);
	case '"':
		e->type = JSON_EVENT_TEXT;
		return take_text(s, &e->text);
	case 't':
		e->type = JSON_EVENT_TRUE;
		return take_word(s, "true");
	case 'f':
		e->type = JSON_EVENT_FALSE;
		return take_word(s, "false");
	case 'n':
		e->type = JSON_EVENT_NULL;
		return take_word(s, "null");
	}
	e->type = JSON_EVENT_NUMBER;
	return take_number(s, &e->number);
}

static bool
take_end(struct json_scan *s, struct json_event *e)
{
	if (!take(s, s->is_object[s->depth - 1] ? '}' : ']'))
		return false;
	e->depth = --s->depth;
	e->type = JSON_EVENT_END;
	s->first = false;
	s->done = s->depth == 0;
	return true;
}

static bool
take_key(struct json_scan *s, struct slice *ret)
{
	if (!take_text(s, ret))
		return false;
	skip_space(s);
	if (!take(s, ':'))
		return fail(s);
	skip_space(s);
	return true;
}

bool
json_scan_next(struct json_scan *s, struct json_event *ret)
{
	if (s->err || s->done)
		return false;
	*ret = (struct json_event){ .depth = s->depth };
	skip_space(s);
	if (s->depth > 0) {
		if (take_end(s, ret))
			return true;
		if (!s->first && !take(s, ','))
			return fail(s);
		skip_space(s);
		if (s->is_object[s->depth - 1] && !take_key(s, &ret->key))
			return false;
	}
	s->first = false;
	if (!take_value(s, ret))
		return false;
	s->done = s->depth == 0;
	return true;
}

int
json_scan_end(const struct json_scan *s)
{
	struct json_scan rest = *s;

	skip_space(&rest);
	return s->err || !s->done || rest.at < rest.end ? -EBADMSG : 0;
}

bool
json_event_is(const struct json_event *e, const char *key)
{
	return e->key.len == strlen(key) && memcmp(e->key.data, key, e->key.len) == 0;
}
