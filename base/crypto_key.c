/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_key.h"

#include "base/crypto_int.h"
#include "base/daemon.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define KEY_FILE_MAX  4096
#define ES256_DER_MAX 72
#define ES256_HALF    (KEY_SIGNATURE_LEN / 2)

struct key {
	EVP_PKEY *evp;
	enum key_kind kind;
	bool private;
	size_t spki_len;
	uint8_t spki[SPKI_MAX];
	uint8_t fingerprint[32];
};

static const struct {
	enum key_kind kind; /* its place here, too */
	size_t len, head_len;
	uint8_t head[27];
} spki_forms[] = {
	{ KEY_P256, 91, 27,
	    { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
		0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
		0x42, 0x00, 0x04 } },
	{ KEY_ED25519, 44, 12,
	    { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 } },
};

int
key_spki_kind(struct slice spki, enum key_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(spki_forms); i++)
		if (spki.len == spki_forms[i].len &&
		    !memcmp(spki.data, spki_forms[i].head, spki_forms[i].head_len)) {
			*ret = spki_forms[i].kind;
			return 0;
		}
	return -EBADMSG;
}

int
key_from_evp(EVP_PKEY *evp, struct slice spki, bool private, struct key **ret)
{
	CLEANUP(key_free) struct key *k = calloc(1, sizeof *k);

	if (!k || !EVP_PKEY_up_ref(evp))
		return -ENOMEM;
	k->evp = evp;
	k->private = private;
	if (key_spki_kind(spki, &k->kind) < 0)
		return -EBADMSG;
	memcpy(k->spki, spki.data, k->spki_len = spki.len);
	if (EVP_Digest(k->spki, k->spki_len, k->fingerprint, NULL, crypto_sha256_md(),
		NULL) != 1)
		return crypto_failed(-ENOMEM);
	*ret = TAKE(k);
	return 0;
}

int
key_from_x509(const X509_PUBKEY *pub, struct key **ret)
{
	EVP_PKEY *evp = X509_PUBKEY_get0(pub); /* NULL: not to be understood */
	uint8_t *der = NULL;
	int len = evp ? i2d_X509_PUBKEY(pub, &der) : 0, err = -EBADMSG;

	if (len > 0)
		err = key_from_evp(evp, (struct slice){ der, (size_t)len }, false, ret);
	OPENSSL_free(der);
	return err < 0 ? crypto_failed(err) : 0;
}

/* evp is given away. */
static int
wrap_private(EVP_PKEY *evp, struct key **ret)
{
	uint8_t *der = NULL;
	int len = evp ? i2d_PUBKEY(evp, &der) : 0, err = -EBADMSG;

	if (len > 0)
		err = key_from_evp(evp, (struct slice){ der, (size_t)len }, true, ret);
	OPENSSL_free(der);
	EVP_PKEY_free(evp);
	if (err < 0)
		return crypto_failed(err);
	ERR_clear_error();
	return 0;
}

int
key_new(enum key_kind kind, struct key **ret)
{
	EVP_PKEY *evp = NULL;

	switch (kind) {
	case KEY_P256:
		evp = EVP_EC_gen("P-256");
		break;
	case KEY_ED25519:
		evp = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	if (!evp) {
		crypto_failed(0);
		return -ENOMEM; /* nothing else can fail */
	}
	return wrap_private(evp, ret);
}

/* Without this, OpenSSL would ask for one on the terminal. */
static int
have_no_password(char *dst, int size, int writing, void *arg)
{
	(void)dst;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int
parse_pem(struct slice pem, struct key **ret)
{
	EVP_PKEY *evp;
	BIO *bio;

	if (pem.len == 0)
		return -EBADMSG;
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	if (!bio)
		return crypto_failed(-ENOMEM);
	evp = PEM_read_bio_PrivateKey(bio, NULL, have_no_password, NULL);
	BIO_free(bio);
	ERR_clear_error();
	return wrap_private(evp, ret);
}

int
key_load(const char *path, struct key **ret)
{
	uint8_t memory[KEY_FILE_MAX];
	struct buf pem;
	int err;

	buf_init_fixed(&pem, memory, sizeof memory);
	err = crypto_read_file(path, true, &pem);
	if (!err)
		err = parse_pem(buf_slice(&pem), ret);
	OPENSSL_cleanse(memory, sizeof memory);
	return err;
}

int
key_save(const struct key *k, const char *path)
{
	BIO *bio;
	char *pem;
	long len;
	int err;

	if (!k->private)
		return -EINVAL;
	bio = BIO_new(BIO_s_mem()); /* wipes what it frees */
	if (!bio ||
	    PEM_write_bio_PKCS8PrivateKey(bio, k->evp, NULL, NULL, 0, NULL, NULL) != 1) {
		err = crypto_failed(-ENOMEM);
	} else {
		len = BIO_get_mem_data(bio, &pem);
		err = daemon_create_file(path, pem, (size_t)len);
	}
	BIO_free(bio);
	return err;
}

/* d2i_PUBKEY() would do, but asks every decoder there is: ten times as long. */
static EVP_PKEY *
make_p256(struct slice point)
{
	char curve[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
		OSSL_PARAM_construct_octet_string(
		    OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data, point.len),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *evp = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) != 1)
		evp = NULL;
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

static EVP_PKEY *
make_public(struct slice spki, enum key_kind kind)
{
	size_t head = spki_forms[kind].head_len;

	switch (kind) {
	case KEY_P256: /* the point begins with the 04 that the head ends with */
		return make_p256(
		    (struct slice){ spki.data + head - 1, spki.len - head + 1 });
	case KEY_ED25519:
		return EVP_PKEY_new_raw_public_key(
		    EVP_PKEY_ED25519, NULL, spki.data + head, spki.len - head);
	}
	return NULL;
}

int
key_from_spki(struct slice der, struct key **ret)
{
	enum key_kind kind;
	EVP_PKEY *evp;
	int err;

	if (key_spki_kind(der, &kind) < 0)
		return -EBADMSG;
	evp = make_public(der, kind);
	if (!evp)
		return crypto_failed(-EBADMSG);
	err = key_from_evp(evp, der, false, ret);
	EVP_PKEY_free(evp);
	ERR_clear_error();
	return err;
}

void
key_free(struct key *k)
{
	if (!k)
		return;
	EVP_PKEY_free(k->evp);
	free(k);
}

EVP_PKEY *
key_evp(const struct key *k)
{
	return k->evp;
}

const EVP_MD *
key_md(const struct key *k)
{
	return k->kind == KEY_ED25519 ? NULL : crypto_sha256_md();
}

enum key_kind
key_kind(const struct key *k)
{
	return k->kind;
}

void
key_spki(const struct key *k, struct buf *out)
{
	buf_put(out, k->spki, k->spki_len);
}

void
key_fingerprint(const struct key *k, uint8_t ret[32])
{
	memcpy(ret, k->fingerprint, sizeof k->fingerprint);
}

bool
key_is_private(const struct key *k)
{
	return k->private;
}

/* --- signatures ----------------------------------------------------------------------- */
static int
der_to_raw(const uint8_t *der, size_t len, uint8_t ret[KEY_SIGNATURE_LEN])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool ok = sig &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, ES256_HALF) == ES256_HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + ES256_HALF, ES256_HALF) ==
		ES256_HALF;

	ECDSA_SIG_free(sig);
	return ok ? 0 : crypto_failed(-ENOMEM);
}

/* Puts a positive INTEGER of DER: no leading zeros but the one that keeps it positive. */
static uint8_t *
put_integer(uint8_t *to, const uint8_t half[ES256_HALF])
{
	size_t skip = 0, len;

	while (skip < ES256_HALF - 1 && half[skip] == 0)
		skip++;
	len = ES256_HALF - skip;
	*to++ = 0x02;
	*to++ = (uint8_t)(len + (half[skip] >> 7));
	if (half[skip] >> 7)
		*to++ = 0;
	memcpy(to, half + skip, len);
	return to + len;
}

static size_t
raw_to_der(const uint8_t raw[KEY_SIGNATURE_LEN], uint8_t der[ES256_DER_MAX])
{
	uint8_t *end = put_integer(put_integer(der + 2, raw), raw + ES256_HALF);

	der[0] = 0x30;
	der[1] = (uint8_t)(end - der - 2);
	return (size_t)(end - der);
}

int
key_sign(const struct key *k, struct slice data, uint8_t ret[KEY_SIGNATURE_LEN])
{
	const void *what = data.len > 0 ? (const void *)data.data : "";
	uint8_t sig[ES256_DER_MAX];
	size_t len = sizeof sig;
	EVP_MD_CTX *ctx;
	int err;

	if (!k->private)
		return -EINVAL;
	ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestSignInit(ctx, NULL, key_md(k), NULL, k->evp) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, what, data.len) != 1)
		err = crypto_failed(-ENOMEM);
	else if (k->kind == KEY_P256)
		err = der_to_raw(sig, len, ret);
	else
		err = (memcpy(ret, sig, KEY_SIGNATURE_LEN), 0);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}

int
key_verify(const struct key *k, struct slice data, struct slice signature)
{
	const void *what = data.len > 0 ? (const void *)data.data : "";
	uint8_t der[ES256_DER_MAX];
	EVP_MD_CTX *ctx;
	int err = 0;

	if (signature.len != KEY_SIGNATURE_LEN)
		return -EBADMSG;
	if (k->kind == KEY_P256)
		signature = (struct slice){ der, raw_to_der(signature.data, der) };
	ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestVerifyInit(ctx, NULL, key_md(k), NULL, k->evp) != 1)
		err = crypto_failed(-ENOMEM);
	else if (EVP_DigestVerify(ctx, signature.data, signature.len, what, data.len) !=
	    1)
		err = crypto_failed(-EBADMSG);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return err;
}
