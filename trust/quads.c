/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/quads.h"

#include <string.h>

#include "base/crypto_aead.h"

#define ROUNDS 100000

static const uint8_t salt[] = { 0xf4, 0x74, 0x52, 0x6a, 0x2e, 0x74, 0xac, 0xce, 0xe1,
	0x89, 0xf1, 0xfb, 0xc1, 0xc3, 0x4c, 0xeb };

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
