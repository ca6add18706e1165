/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/token.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto_aead.h"

#define PREFIX	    "fog1-"
#define ID_TEXT	    8
#define SECRET_TEXT 26

/* --- Crockford's base32 ----------------------------------------------------------------- */

static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

static size_t
text_len(size_t bytes)
{
	return (bytes * 8 + 4) / 5;
}

/* The last digit is filled up with zero bits. Without NUL; returns where it ends. */
static char *
put_base32(const uint8_t *data, size_t len, char *dst)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | data[i];
		for (have += 8; have >= 5; have -= 5)
			*dst++ = digits[bits >> (have - 5) & 31];
	}
	if (have > 0)
		*dst++ = digits[bits << (5 - have) & 31];
	return dst;
}

/* 0..31; -1: no digit. */
static int
digit_value(char c)
{
	const char *at;

	c = (char)tolower((unsigned char)c);
	if (c == 'o')
		c = '0';
	else if (c == 'i' || c == 'l')
		c = '1';
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Reads len bytes; NULL: there are not so many digits, or bits are left over that are not zero.
 * Returns where it ends. */
static const char *
take_base32(const char *text, uint8_t *dst, size_t len)
{
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t n = text_len(len); n > 0; n--) {
		int v = digit_value(*text++);

		if (v < 0)
			return NULL;
		bits = bits << 5 | (unsigned)v;
		have += 5;
		if (have >= 8) {
			have -= 8;
			*dst++ = (uint8_t)(bits >> have);
		}
	}
	return bits & ((1u << have) - 1) ? NULL : text;
}

/* --- text ------------------------------------------------------------------------------- */

char *
token_format(const struct token *t, char dst[TOKEN_TEXT_MAX])
{
	char *at = stpcpy(dst, PREFIX);

	at = put_base32(t->id, sizeof t->id, at);
	*at++ = '-';
	at = put_base32(t->secret, sizeof t->secret, at);
	*at++ = '-';
	at = put_base32(t->pin, sizeof t->pin, at);
	*at = '\0';
	if (*t->where)
		snprintf(at, TOKEN_HOST_MAX + 2, "@%s", t->where);
	return dst;
}

static const char *
take_dash(const char *text)
{
	return text && *text == '-' ? text + 1 : NULL;
}

static bool
is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");

	return len > 0 && len <= 5 && text[len] == '\0' && *text != '0' &&
	    atoi(text) <= UINT16_MAX;
}

/* "name:port", "192.0.2.1:port", "[address]:port": whether there is such a host is seen later. */
static bool
is_place(const char *text)
{
	const char *colon = strrchr(text, ':');
	size_t host = colon ? (size_t)(colon - text) : 0;

	if (host == 0 || strlen(text) > TOKEN_HOST_MAX || !is_port(colon + 1))
		return false;
	if (*text == '[')
		return host > 2 && text[host - 1] == ']' &&
		    1 +
			strspn(text + 1,
			    "0123456789abcdefABCDEF:.%_-ghijklmnopqrstuvwxyz") ==
		    host - 1;
	return strspn(text,
		   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789._-") == host;
}

static int
parse_into(const char *text, struct token *t)
{
	if (strncasecmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -EINVAL;
	text = take_base32(text + strlen(PREFIX), t->id, sizeof t->id);
	text = take_dash(text);
	text = text ? take_base32(text, t->secret, sizeof t->secret) : NULL;
	text = take_dash(text);
	text = text ? take_base32(text, t->pin, sizeof t->pin) : NULL;
	if (!text || (*text != '\0' && *text != '@'))
		return -EINVAL;
	if (*text == '@') {
		if (!is_place(++text))
			return -EINVAL;
		strcpy(t->where, text);
	}
	return 0;
}

int
token_parse(const char *text, struct token *ret)
{
	struct token t = { 0 };
	int r = parse_into(text, &t);

	if (r == 0)
		*ret = t;
	secret_wipe(&t, sizeof t);
	return r;
}

char *
token_id_format(const uint8_t id[TOKEN_ID_LEN], char dst[9])
{
	*put_base32(id, TOKEN_ID_LEN, dst) = '\0';
	return dst;
}

int
token_id_parse(const char *text, uint8_t ret[TOKEN_ID_LEN])
{
	uint8_t id[TOKEN_ID_LEN];
	const char *end = take_base32(text, id, sizeof id);

	if (!end || *end)
		return -EINVAL;
	memcpy(ret, id, sizeof id);
	return 0;
}

char *
token_pin_format(const uint8_t pin[TOKEN_PIN_LEN], char dst[27])
{
	*put_base32(pin, TOKEN_PIN_LEN, dst) = '\0';
	return dst;
}

int
token_pin_parse(const char *text, uint8_t ret[TOKEN_PIN_LEN])
{
	uint8_t pin[TOKEN_PIN_LEN];
	const char *end = take_base32(text, pin, sizeof pin);

	if (!end || *end)
		return -EINVAL;
	memcpy(ret, pin, sizeof pin);
	return 0;
}

/* --- file ------------------------------------------------------------------------------- */

/* Up to the end of the first line, or of the file. -EINVAL: it is too long for a token. */
static int
read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size && !memchr(line, '\n', len)) {
		ssize_t n = read(fd, line + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len == size && !memchr(line, '\n', len))
		return -EINVAL;
	if (len < size)
		line[len] = '\0';
	line[strcspn(line, " \t\r\n")] = '\0';
	return 0;
}

static int
read_token(int fd, struct token *ret)
{
	char line[TOKEN_TEXT_MAX + 2]; /* CR LF */
	int r = read_line(fd, line, sizeof line);

	if (r == 0)
		r = token_parse(line, ret);
	secret_wipe(line, sizeof line);
	return r;
}

int
token_load(const char *path, struct token *ret)
{
	struct stat st;
	int fd, r;

	if (strcmp(path, "-") == 0)
		return read_token(STDIN_FILENO, ret);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		r = -EPERM;
	else
		r = read_token(fd, ret);
	close(fd);
	return r;
}
