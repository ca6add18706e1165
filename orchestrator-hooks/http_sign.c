/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator-hooks/http_sign.h"
#include "base/crypto_aead.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX     4096
#define SIGNATURES_MAX 4 /* in one header */
#define TIME_DIGITS    15

/* --- files ---------------------------------------------------------------------------------- */

static int
read_file(int fd, struct buf *out)
{
	char part[512];
	ssize_t n;

	do {
		n = read(fd, part, sizeof part);
		if (n > 0)
			buf_put(out, part, (size_t)n);
	} while (n > 0 && !out->err);
	secret_wipe(part, sizeof part);
	if (n < 0)
		return -errno;
	return out->err;
}

/* Files end with a line end because editors put it there. */
static int
trim_secret(struct buf *b, size_t min)
{
	while (b->pos && (b->data[b->pos - 1] == '\n' || b->data[b->pos - 1] == '\r'))
		b->pos--;
	if (b->pos < min || memchr(b->data, '\0', b->pos) ||
	    memchr(b->data, '\n', b->pos) || memchr(b->data, '\r', b->pos))
		return -EINVAL;
	return 0;
}

int
http_secret_load(const char *path, size_t min, struct buf *out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	else if (st.st_size > SECRET_MAX)
		err = -ENOSPC;
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		err = -EPERM;
	if (!err)
		err = read_file(fd, out);
	close(fd);
	return err ? err : trim_secret(out, min);
}

const char *
http_secret_fault(int err)
{
	switch (err) {
	case -EPERM:
		return "others than its owner may read or write it (chmod 600)";
	case -EINVAL:
		return "is no file of one line, or too short for a secret";
	case -ENOSPC:
		return "is too long for a secret";
	default:
		return strerror(-err);
	}
}

/* --- signatures ----------------------------------------------------------------------------- */

static int
make_mac(struct slice secret, const char *time, size_t time_len, struct slice body,
    uint8_t ret[CRYPTO_SHA256_LEN])
{
	const struct slice part[] = { { (const uint8_t *)time, time_len },
		slice_text("."), body };

	return crypto_hmac_sha256(secret, part, ARRAY_LEN(part), ret);
}

int
http_sign(
    struct slice secret, int64_t now_s, struct slice body, char dst[HTTP_SIGNATURE_MAX])
{
	char time[24], hex[2 * CRYPTO_SHA256_LEN + 1];
	uint8_t mac[CRYPTO_SHA256_LEN];
	int n = snprintf(time, sizeof time, "%" PRId64, now_s), rc;

	rc = make_mac(secret, time, (size_t)n, body, mac);
	if (rc < 0)
		return rc;
	hex_format(mac, sizeof mac, hex);
	snprintf(dst, HTTP_SIGNATURE_MAX, "t=%s,v1=%s", time, hex);
	return 0;
}

struct signature {
	struct slice time;
	uint8_t mac[SIGNATURES_MAX][CRYPTO_SHA256_LEN];
	size_t macs;
};

static bool
take_mac(struct signature *s, const char *value, size_t len)
{
	char hex[2 * CRYPTO_SHA256_LEN + 1];

	if (len != sizeof hex - 1 || s->macs == SIGNATURES_MAX)
		return false;
	memcpy(hex, value, len);
	hex[len] = '\0';
	return hex_parse(hex, s->mac[s->macs++], CRYPTO_SHA256_LEN) == 0;
}

/* One "name=value"; what later versions may add is left alone. */
static bool
take_item(struct signature *s, const char *item, size_t len)
{
	if (len > 2 && !strncmp(item, "t=", 2)) {
		if (s->time.len || len - 2 > TIME_DIGITS ||
		    strspn(item + 2, "0123456789") < len - 2)
			return false;
		s->time = (struct slice){ (const uint8_t *)item + 2, len - 2 };
		return true;
	}
	if (len > 3 && !strncmp(item, "v1=", 3))
		return take_mac(s, item + 3, len - 3);
	return memchr(item, '=', len) != NULL;
}

static bool
parse_header(const char *header, struct signature *s)
{
	while (*header) {
		size_t len;

		header += strspn(header, " ");
		len = strcspn(header, ",");
		if (!take_item(s, header, len))
			return false;
		header += len + (header[len] == ',');
	}
	return s->time.len && s->macs;
}

static int64_t
read_time(struct slice digits)
{
	int64_t t = 0;

	for (size_t i = 0; i < digits.len; i++)
		t = 10 * t + (digits.data[i] - '0');
	return t;
}

/* The signature comes first: who has not the secret learns nothing about our clock. */
int
http_sign_check(struct slice secret, const char *header, struct slice body, int64_t now_s,
    uint8_t ret_mac[CRYPTO_SHA256_LEN])
{
	struct signature s = { .macs = 0 };
	uint8_t mac[CRYPTO_SHA256_LEN];
	bool fits = false;
	int64_t age;
	int rc;

	if (!header || !parse_header(header, &s))
		return -EBADMSG;
	rc = make_mac(secret, (const char *)s.time.data, s.time.len, body, mac);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < s.macs; i++)
		fits |= secret_equal(mac, s.mac[i], sizeof mac);
	if (!fits)
		return -EKEYREJECTED;
	age = now_s - read_time(s.time);
	if (age > HTTP_SIGNED_AGE_MAX_S || age < -HTTP_SIGNED_AGE_MAX_S)
		return -ESTALE;
	memcpy(ret_mac, mac, sizeof mac);
	return 0;
}
