/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_aead.h"

#include "base/crypto_int.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define CBC_BLOCK 16

/* Fetched once each: that takes longer than sealing a datagram. */
static const EVP_CIPHER *
gcm(void)
{
	static EVP_CIPHER *cipher;

	if (!cipher)
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	return cipher;
}

static const EVP_CIPHER *
cbc(void)
{
	static EVP_CIPHER *cipher;

	if (!cipher)
		cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	return cipher;
}

static EVP_KDF *
hkdf(void)
{
	static EVP_KDF *kdf;

	if (!kdf)
		kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	return kdf;
}

/* Takes back what was put behind mark, not leaving it in memory. */
static void
unput(struct buf *b, size_t mark)
{
	if (b->pos > mark)
		OPENSSL_cleanse(b->data + mark, b->pos - mark);
	b->pos = mark;
}

static int
put_copy(struct buf *out, struct slice s, size_t more)
{
	static const uint8_t zeros[AEAD_TAG_LEN];

	if (s.len > INT_MAX - AEAD_TAG_LEN)
		return -ENOSPC;
	buf_put_slice(out, s);
	buf_put(out, zeros, more);
	return out->err;
}

/* --- AES-256-GCM ---------------------------------------------------------------------- */
/* text is worked on where it is. */
static bool
run_gcm(bool seal, const uint8_t *key, const uint8_t *nonce, struct slice aad,
    uint8_t *text, int len, uint8_t *tag)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t rest[CBC_BLOCK];
	int n;
	bool ok = ctx && EVP_CipherInit_ex2(ctx, gcm(), key, nonce, seal, NULL) == 1;

	if (ok && aad.len > 0)
		ok = EVP_CipherUpdate(ctx, NULL, &n, aad.data, (int)aad.len) == 1;
	if (ok && len > 0)
		ok = EVP_CipherUpdate(ctx, text, &n, text, len) == 1;
	if (ok && !seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG_LEN, tag) ==
		    1;
	if (ok)
		ok = EVP_CipherFinal_ex(ctx, rest, &n) == 1;
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_LEN, tag) ==
		    1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int
aead_seal(const uint8_t key[AEAD_KEY_LEN], const uint8_t nonce[AEAD_NONCE_LEN],
    struct slice aad, struct slice plain, struct buf *out)
{
	size_t mark = out->pos;
	uint8_t *text;
	int err;

	if (aad.len > INT_MAX)
		return -EINVAL;
	err = put_copy(out, plain, AEAD_TAG_LEN);
	if (err < 0)
		return err;
	text = out->data + mark;
	if (run_gcm(true, key, nonce, aad, text, (int)plain.len, text + plain.len))
		return 0;
	unput(out, mark);
	return crypto_failed(-ENOMEM);
}

int
aead_open(const uint8_t key[AEAD_KEY_LEN], const uint8_t nonce[AEAD_NONCE_LEN],
    struct slice aad, struct slice sealed, struct buf *out)
{
	size_t mark = out->pos;
	struct slice text = sealed;
	uint8_t tag[AEAD_TAG_LEN];
	int err;

	if (sealed.len < AEAD_TAG_LEN || aad.len > INT_MAX)
		return -EBADMSG;
	text.len -= AEAD_TAG_LEN;
	memcpy(tag, sealed.data + text.len, sizeof tag);
	err = put_copy(out, text, 0);
	if (err < 0)
		return err;
	if (run_gcm(false, key, nonce, aad, text.len > 0 ? out->data + mark : tag,
		(int)text.len, tag))
		return 0;
	unput(out, mark);
	return crypto_failed(-EBADMSG);
}

/* --- derivation ----------------------------------------------------------------------- */
/* OpenSSL takes no pointer for const and none that is NULL. */
static OSSL_PARAM
octets(const char *name, struct slice s)
{
	static uint8_t nothing[1];

	return OSSL_PARAM_construct_octet_string(
	    name, s.len > 0 ? (void *)(uintptr_t)s.data : nothing, s.len);
}

int
hkdf_sha256(
    struct slice secret, struct slice salt, struct slice info, void *ret, size_t len)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		octets(OSSL_KDF_PARAM_KEY, secret),
		octets(OSSL_KDF_PARAM_SALT, salt),
		octets(OSSL_KDF_PARAM_INFO, info),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF_CTX *ctx;
	int err = 0;

	if (len == 0 || len > 255 * 32)
		return -EINVAL;
	ctx = hkdf() ? EVP_KDF_CTX_new(hkdf()) : NULL;
	if (!ctx || EVP_KDF_derive(ctx, ret, len, params) != 1)
		err = crypto_failed(-ENOMEM);
	EVP_KDF_CTX_free(ctx);
	return err;
}

int
pbkdf2_sha256(
    struct slice password, struct slice salt, unsigned rounds, void *ret, size_t len)
{
	const char *secret = password.len > 0 ? (const char *)password.data : "";

	if (password.len > INT_MAX || salt.len > INT_MAX || len > INT_MAX || len == 0 ||
	    rounds == 0 || rounds > INT_MAX)
		return -EINVAL;
	if (PKCS5_PBKDF2_HMAC(secret, (int)password.len, salt.data, (int)salt.len,
		(int)rounds, crypto_sha256_md(), (int)len, ret) != 1)
		return crypto_failed(-ENOMEM);
	return 0;
}

/* --- AES-256-CBC ---------------------------------------------------------------------- */
static bool
run_cbc(bool encrypt, bool padded, const uint8_t *key, const uint8_t *iv, uint8_t *text,
    int len, int *ret)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;
	bool ok = ctx && EVP_CipherInit_ex2(ctx, cbc(), key, iv, encrypt, NULL) == 1 &&
	    EVP_CIPHER_CTX_set_padding(ctx, padded) == 1 &&
	    (len == 0 || EVP_CipherUpdate(ctx, text, &n, text, len) == 1) &&
	    EVP_CipherFinal_ex(ctx, text + n, &last) == 1;

	*ret = n + last;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

int
cbc_encrypt(
    const uint8_t key[32], const uint8_t iv[16], struct slice plain, struct buf *out)
{
	size_t mark = out->pos;
	int len, err = put_copy(out, plain, CBC_BLOCK - plain.len % CBC_BLOCK);

	if (err < 0)
		return err;
	if (run_cbc(true, true, key, iv, out->data + mark, (int)plain.len, &len))
		return 0;
	unput(out, mark);
	return crypto_failed(-ENOMEM);
}

static int
decrypt(bool padded, const uint8_t *key, const uint8_t *iv, struct slice cipher,
    struct buf *out)
{
	size_t mark = out->pos;
	int len, err;

	if (cipher.len == 0 || cipher.len % CBC_BLOCK != 0)
		return -EBADMSG;
	err = put_copy(out, cipher, 0);
	if (err < 0)
		return err;
	if (!run_cbc(false, padded, key, iv, out->data + mark, (int)cipher.len, &len)) {
		unput(out, mark);
		return crypto_failed(-EBADMSG);
	}
	unput(out, mark + (size_t)len);
	return 0;
}

int
cbc_decrypt(
    const uint8_t key[32], const uint8_t iv[16], struct slice cipher, struct buf *out)
{
	return decrypt(true, key, iv, cipher, out);
}

int
cbc_decrypt_blocks(
    const uint8_t key[32], const uint8_t iv[16], struct slice cipher, struct buf *out)
{
	return decrypt(false, key, iv, cipher, out);
}

/* --- secrets -------------------------------------------------------------------------- */
bool
secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
secret_wipe(void *secret, size_t len)
{
	OPENSSL_cleanse(secret, len);
}
