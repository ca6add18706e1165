/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator-hooks/http_reply.h"
#include "base/buf.h"
#include "base/json_scan.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- strings -------------------------------------------------------------------------------- */

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits of \uXXXX; -1: there are none. */
static int
read_unit(struct slice s, size_t at)
{
	int v = 0;

	if (s.len - at < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		int digit = hex_value(s.data[at + i]);

		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

static void
put_char(struct buf *out, uint32_t c)
{
	uint8_t b[4];
	size_t n;

	if (c < 0x20 || c == 0x7f)
		c = ' '; /* it goes into logs */
	if (c < 0x80) {
		b[0] = (uint8_t)c;
		n = 1;
	} else if (c < 0x800) {
		b[0] = (uint8_t)(0xc0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		b[0] = (uint8_t)(0xe0 | c >> 12);
		n = 3;
	} else {
		b[0] = (uint8_t)(0xf0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		b[i] = (uint8_t)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	if (out->size - out->pos >= n) /* a character is not cut */
		buf_put(out, b, n);
}

/* After \u; returns what was used up. Halves of pairs alone become U+FFFD (RFC 8259 section 8.2). */
static size_t
put_unit(struct buf *out, struct slice s, size_t at)
{
	int high = read_unit(s, at), low = -1;

	if (high < 0xd800 || high > 0xdfff) {
		put_char(out, high < 0 ? 0xfffd : (uint32_t)high);
		return high < 0 ? 0 : 4;
	}
	if (high < 0xdc00 && s.len - at >= 10 && s.data[at + 4] == '\\' &&
	    s.data[at + 5] == 'u')
		low = read_unit(s, at + 6);
	if (low < 0xdc00 || low > 0xdfff) {
		put_char(out, 0xfffd);
		return 4;
	}
	put_char(
	    out, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
	return 10;
}

static size_t
put_escape(struct buf *out, struct slice s, size_t at)
{
	static const char letters[] = "bfnrt";

	if (s.data[at] == 'u')
		return 1 + put_unit(out, s, at + 1);
	if (strchr(letters, s.data[at]))
		put_char(out, ' ');
	else
		put_char(out, s.data[at]);
	return 1;
}

/* The scanner has made sure that something follows each backslash. */
static void
read_text(struct slice s, char *dst, size_t size)
{
	struct buf out;

	buf_init_fixed(&out, dst, size - 1);
	for (size_t i = 0; i < s.len && out.pos < out.size;) {
		struct slice rest = { s.data + i, s.len - i };
		size_t n = slice_utf8_char(rest);

		if (s.data[i] == '\\') {
			i += 1 + put_escape(&out, s, i + 1);
		} else if (n > 1) {
			if (out.size - out.pos < n)
				break;
			buf_put(&out, rest.data, n);
			i += n;
		} else {
			put_char(&out, n ? s.data[i] : 0xfffd);
			i++;
		}
	}
	dst[out.pos] = '\0';
}

/* --- what was said -------------------------------------------------------------------------- */

static int
take_word(struct http_said *s, const struct json_event *e)
{
	char word[32];

	read_text(e->text, word, sizeof word);
	if (json_event_is(e, "phase")) {
		s->phase = hook_phase_find(word);
		return 0; /* steps in between, of their own, are theirs */
	}
	if (!strcmp(word, "accepted")) { /* a phase, but often said so */
		s->phase = s->phase ? s->phase : HOOK_ACCEPTED;
		return 0;
	}
	s->verdict = hook_verdict_find(word);
	return s->verdict ? 0 : -EINVAL;
}

/* Not everybody speaks to us alone: RFC 9457 has title and detail, others have their own. The first
 * of these that is there counts. */
static const char *const details[] = { "detail", "reason", "message", "error", "title" };

static void
take_detail(struct http_said *s, const struct json_event *e, size_t *best)
{
	for (size_t i = 0; i < *best; i++)
		if (json_event_is(e, details[i])) {
			read_text(e->text, s->detail, sizeof s->detail);
			*best = i;
		}
}

static int
take_member(struct http_said *s, const struct json_event *e, size_t *best)
{
	bool is_word = json_event_is(e, "verdict") || json_event_is(e, "phase");

	if (is_word && e->type == JSON_EVENT_TEXT)
		return take_word(s, e);
	if (is_word && e->type != JSON_EVENT_NULL)
		return -EINVAL;
	if (e->type != JSON_EVENT_TEXT)
		return 0;
	if (json_event_is(e, "id"))
		read_text(e->text, s->id, sizeof s->id);
	else
		take_detail(s, e, best);
	return 0;
}

int
http_said_parse(struct slice json, struct http_said *ret)
{
	size_t best = sizeof details / sizeof *details;
	struct json_event e;
	struct json_scan s;
	int rc = 0;

	*ret = (struct http_said){ .phase = 0 };
	json_scan_init(&s, json);
	if (!json_scan_next(&s, &e) || e.type != JSON_EVENT_OBJECT)
		return -EBADMSG;
	while (json_scan_next(&s, &e))
		if (e.depth == 1 && e.type != JSON_EVENT_END) {
			int err = take_member(ret, &e, &best);

			rc = rc ? rc : err;
		}
	if (json_scan_end(&s) < 0) {
		*ret = (struct http_said){ .phase = 0 };
		return -EBADMSG;
	}
	return rc;
}

enum http_meaning
http_status_meaning(int status)
{
	switch (status) {
	case 202:
		return HTTP_MEANS_STARTED;
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return HTTP_MEANS_MOVED;
	case 404:
	case 410:
		return HTTP_MEANS_UNHEARD;
	case 409:
		return HTTP_MEANS_CONFLICT;
	case 408:
	case 425:
	case 429:
	case 503:
		return HTTP_MEANS_LATER;
	case 501:
	case 505:
		return HTTP_MEANS_REFUSAL;
	default:
		if (status >= 200 && status < 300)
			return HTTP_MEANS_ANSWER;
		return status >= 300 && status < 500 ? HTTP_MEANS_REFUSAL
						     : HTTP_MEANS_DOUBT;
	}
}
