/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/replay/script.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cbor.h"
#include "tests/replay/stage.h"

#define ITEM_TEXT_MAX 8192
#define NAMES	      10 /* $0 to $9 */

static const char *title = "a scenario";
static unsigned turn; /* of a line that is done several times */
static struct {
	bool known;
	uint32_t id;
} session[NAMES];

void
script_name(const char *description)
{
	title = description;
}

void
line_fail(const struct line *l, const char *fmt, ...)
{
	va_list ap;

	printf("not ok 1 - %s\n# %s:%u: ", title, l->path, l->number);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	stage_dump();
	exit(1);
}

/* --- words ---------------------------------------------------------------------------------- */

/* The end of the word that begins at s. */
static char *
word_end(const struct line *l, char *s)
{
	char quote = 0;
	int depth = 0;

	for (; *s && (quote || depth || !isblank((unsigned char)*s)); s++) {
		if (quote && *s == '\\' && s[1])
			s++;
		else if (quote)
			quote = *s == quote ? 0 : quote;
		else if (*s == '"' || *s == '\'')
			quote = *s;
		else if (strchr("[{(", *s))
			depth++;
		else if (strchr("]})", *s))
			depth--;
	}
	if (quote || depth)
		line_fail(l, "a quote or a bracket is not closed");
	return s;
}

static void
cut(struct line *l)
{
	char *s = l->text, *end;

	l->words = l->at = 0;
	for (;; s = end) {
		while (isblank((unsigned char)*s))
			s++;
		if (!*s || *s == '#')
			return;
		if (l->words == WORDS_MAX)
			line_fail(l, "more than %d words", WORDS_MAX);
		l->word[l->words++] = s;
		end = word_end(l, s);
		if (*end)
			*end++ = 0;
	}
}

bool
line_read(struct line *l, char **text)
{
	while (*text && **text) {
		l->text = *text;
		*text = strchr(*text, '\n');
		if (*text)
			*(*text)++ = 0;
		l->number++;
		cut(l);
		if (l->words)
			return true;
	}
	return false;
}

const char *
line_peek(const struct line *l)
{
	return l->at < l->words ? l->word[l->at] : NULL;
}

const char *
line_next(struct line *l)
{
	if (l->at == l->words)
		line_fail(l, "something is missing after \"%s\"", l->word[l->words - 1]);
	return l->word[l->at++];
}

bool
line_take(struct line *l, const char *word)
{
	const char *next = line_peek(l);

	if (!next || strcmp(next, word) != 0)
		return false;
	l->at++;
	return true;
}

bool
line_peek_number(const struct line *l)
{
	const char *s = line_peek(l);

	return s && isdigit((unsigned char)*s);
}

uint64_t
line_number(struct line *l)
{
	const char *s = line_next(l);
	char *end;
	uint64_t n = strtoull(s, &end, 0);

	if (!isdigit((unsigned char)*s) || *end)
		line_fail(l, "\"%s\" is not a number", s);
	return n;
}

bool
line_peek_quoted(const struct line *l)
{
	const char *s = line_peek(l);

	return s && *s == '"';
}

void
line_quoted(struct line *l, char *dst, size_t size)
{
	const char *s = line_next(l);
	size_t len = strlen(s);

	if (len < 2 || *s != '"' || s[len - 1] != '"')
		line_fail(l, "%s is not in quotes", s);
	if (len - 1 > size)
		line_fail(l, "%s is too long", s);
	memcpy(dst, s + 1, len - 2);
	dst[len - 2] = 0;
}

void
line_end(struct line *l)
{
	if (line_peek(l))
		line_fail(l, "what does \"%s\" mean here?", line_peek(l));
}

/* --- items ---------------------------------------------------------------------------------- */

bool
session_name(const char *word, unsigned *ret)
{
	if (word[0] != '$' || !isdigit((unsigned char)word[1]))
		return false;
	*ret = (unsigned)(word[1] - '0');
	return true;
}

uint32_t *
session_named(unsigned name)
{
	return session[name].known ? &session[name].id : NULL;
}

void
session_set(unsigned name, uint32_t id)
{
	session[name].known = true;
	session[name].id = id;
}

static const char *
put_session(const struct line *l, const char *s, struct buf *out)
{
	unsigned name;

	if (!session_name(s, &name) || !session_named(name))
		line_fail(l, "no session has been given the name %.2s", s);
	buf_printf(out, "%u", *session_named(name));
	return s + 2;
}

void
script_count(unsigned n)
{
	turn = n;
}

const char *
line_expanded(struct line *l, char *dst, size_t size)
{
	const char *word = line_next(l), *at = strstr(word, "%n");

	if (!at)
		return word;
	snprintf(dst, size, "%.*s%u%s", (int)(at - word), word, turn, at + 2);
	return dst;
}

static const char *
put_address(const struct line *l, const char *s, struct buf *out)
{
	const char *end = strchr(s + 3, '\'');
	char text[INET6_ADDRSTRLEN];
	uint8_t ip[16];
	int len = end ? (int)(end - s - 3) : 0;

	snprintf(text, sizeof text, "%.*s", len, s + 3);
	size_t bytes = strchr(text, ':') ? 16 : 4;
	if (inet_pton(bytes == 16 ? AF_INET6 : AF_INET, text, ip) != 1)
		line_fail(l, "%s is not an address", s);
	buf_puts(out, "h'");
	for (size_t i = 0; i < bytes; i++)
		buf_printf(out, "%02x", ip[i]);
	buf_puts(out, "'");
	return end + 1;
}

void
line_item(struct line *l, struct buf *out)
{
	const char *s = line_next(l);
	char memory[ITEM_TEXT_MAX], why[200];
	struct buf text;
	bool quoted = false;

	buf_init_fixed(&text, memory, sizeof memory);
	while (*s) {
		if (*s == '"')
			quoted = !quoted;
		if (!quoted && *s == '$')
			s = put_session(l, s, &text);
		else if (strncmp(s, "%n", 2) == 0)
			s = (buf_printf(&text, "%u", turn), s + 2);
		else if (!quoted && strncmp(s, "ip'", 3) == 0)
			s = put_address(l, s, &text);
		else
			buf_put_u8(&text, (uint8_t)*s++);
	}
	if (text.err)
		line_fail(l, "too long");
	if (cbor_parse(buf_slice(&text), out, why, sizeof why) < 0)
		line_fail(l, "%s: %s", buf_text(&text), why);
}
