/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/quads.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/crypto_aead.h"

#define ROUNDS 100000

static const uint8_t salt[] = { 0xf4, 0x74, 0x52, 0x6a, 0x2e, 0x74, 0xac, 0xce, 0xe1,
	0x89, 0xf1, 0xfb, 0xc1, 0xc3, 0x4c, 0xeb };

int
quads_password_load(const char *path, char dst[QUADS_PASSWORD_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, dst, QUADS_PASSWORD_MAX - 1);
	err = n < 0 || fstat(fd, &st) ? -errno : 0;
	close(fd);
	if (!err && (st.st_mode & 077))
		err = -EPERM;
	dst[n < 0 ? 0 : n] = '\0';
	dst[strcspn(dst, "\r\n")] = '\0';
	return err;
}

int
quads_init(struct quads *q, const char *password)
{
	int r = pbkdf2_sha256(slice_text(password), (struct slice){ salt, sizeof salt },
	    ROUNDS, q->key, sizeof q->key);

	if (r == 0) /* of the key itself, which is no good idea, but graspy's */
		memcpy(q->iv, q->key + q->key[0] % 10, sizeof q->iv);
	return r;
}

int
quads_seal(const struct quads *q, struct slice plain, struct buf *out)
{
	return cbc_encrypt(q->key, q->iv, plain, out);
}

int
quads_open(const struct quads *q, struct slice cipher, struct buf *out)
{
	return cbc_decrypt(q->key, q->iv, cipher, out);
}

/* As PKCS#7 has it: so many bytes that all say how many they are. */
static bool
is_padding(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != len)
			return false;
	return true;
}

ssize_t
quads_take(const struct quads *q, struct slice stream, size_t max, struct buf *out)
{
	size_t mark = out->pos, whole = stream.len - stream.len % QUADS_BLOCK, end;
	ssize_t len = 0;
	int r = 0;

	if (whole > max + QUADS_BLOCK)
		whole = max + QUADS_BLOCK - max % QUADS_BLOCK;
	if (whole > 0)
		r = cbc_decrypt_blocks(
		    q->key, q->iv, (struct slice){ stream.data, whole }, out);
	if (r == 0 && whole > 0)
		len = cbor_item_length(
		    (struct slice){ out->data + mark, out->pos - mark }, max);
	end = len > 0 ? QUADS_BLOCK * ((size_t)len / QUADS_BLOCK + 1) : 0;
	if (len > 0 && end > whole)
		len = 0; /* its padding is not there yet */
	else if (len > 0 && !is_padding(out->data + mark + len, end - (size_t)len))
		len = -EBADMSG;
	out->pos = mark + (r == 0 && len > 0 ? (size_t)len : 0);
	if (r < 0)
		return r;
	return len > 0 ? (ssize_t)end : len;
}
