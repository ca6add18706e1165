/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_cert.h"

#include "base/crypto.h"
#include "base/crypto_int.h"
#include "base/daemon.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#define CERT_FILE_MAX 65536

struct cert {
	unsigned refs;
	X509 *x;
	struct cert_facts facts;
	size_t der_len;
	uint8_t der[];
};

/* --- facts ---------------------------------------------------------------------------- */
static int
read_serial(const X509 *x, struct cert_facts *f)
{
	const ASN1_INTEGER *n = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(n);

	if (len < 0 || len > CERT_SERIAL_LEN || ASN1_STRING_type(n) == V_ASN1_NEG_INTEGER)
		return -EBADMSG;
	memcpy(f->serial, ASN1_STRING_get0_data(n), (size_t)len);
	f->serial_len = (size_t)len;
	return 0;
}

static int
read_time(const ASN1_TIME *t, int64_t *ret_ms)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -EBADMSG;
	*ret_ms = (int64_t)timegm(&tm) * 1000;
	return 0;
}

/* Nothing that a terminal or a log would have to be protected from. */
static void
copy_plain(const ASN1_STRING *s, char least, char *dst, size_t size)
{
	const char *text = s ? (const char *)ASN1_STRING_get0_data(s) : NULL;
	size_t len = s ? (size_t)ASN1_STRING_length(s) : 0;

	if (!text || len >= size)
		return;
	for (size_t i = 0; i < len; i++)
		if (text[i] < least || text[i] > '~')
			return;
	memcpy(dst, text, len);
	dst[len] = '\0';
}

static void
read_cn(const X509 *x, struct cert_facts *f)
{
	const X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return;
	copy_plain(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), ' ', f->cn,
	    sizeof f->cn);
}

static void
read_uri(const X509 *x, struct cert_facts *f)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int kind;
	void *value;

	if (names && sk_GENERAL_NAME_num(names) == 1) {
		value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, 0), &kind);
		if (kind == GEN_URI)
			copy_plain(value, '!', f->uri, sizeof f->uri);
	}
	GENERAL_NAMES_free(names);
}

static int
read_key(X509 *x, struct cert_facts *f)
{
	const ASN1_OCTET_STRING *issuer = X509_get0_authority_key_id(x);
	uint8_t *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), err;
	struct slice spki = { der, (size_t)len };
	enum key_kind kind;

	if (len <= 0)
		return crypto_failed(-EBADMSG);
	err = key_spki_kind(spki, &kind);
	if (!err)
		err = crypto_sha256(spki, f->key_fingerprint);
	OPENSSL_free(der);
	if (issuer && ASN1_STRING_length(issuer) == sizeof f->issuer_fingerprint)
		memcpy(f->issuer_fingerprint, ASN1_STRING_get0_data(issuer),
		    sizeof f->issuer_fingerprint);
	return err;
}

static int
read_facts(X509 *x, struct cert_facts *f)
{
	uint32_t flags = X509_get_extension_flags(x);
	int err;

	if (flags & EXFLAG_INVALID) /* extensions twice, or not to be understood */
		return crypto_failed(-EBADMSG);
	f->ca = flags & EXFLAG_CA;
	if ((err = read_serial(x, f)) < 0 ||
	    (err = read_time(X509_get0_notBefore(x), &f->not_before_ms)) < 0 ||
	    (err = read_time(X509_get0_notAfter(x), &f->not_after_ms)) < 0 ||
	    (err = read_key(x, f)) < 0)
		return crypto_failed(err);
	read_cn(x, f);
	read_uri(x, f);
	return crypto_failed(0);
}

/* --- life ----------------------------------------------------------------------------- */
int
cert_from_x509(X509 *x, struct cert **ret)
{
	int len = i2d_X509(x, NULL), err;
	struct cert *c;

	if (len <= 0 || len > CERT_DER_MAX)
		return crypto_failed(-EBADMSG);
	c = calloc(1, sizeof *c + (size_t)len);
	if (!c)
		return -ENOMEM;
	c->refs = 1;
	c->der_len = (size_t)len;
	i2d_X509(x, &(uint8_t *){ c->der });
	err = read_facts(x, &c->facts);
	if (!err && X509_up_ref(x))
		c->x = x;
	if (err < 0) {
		cert_unref(c);
		return err;
	}
	*ret = c;
	return 0;
}

int
cert_parse(struct slice der, struct cert **ret)
{
	const uint8_t *p = der.data;
	X509 *x;
	int err;

	if (der.len == 0 || der.len > CERT_DER_MAX)
		return -EBADMSG;
	x = d2i_X509(NULL, &p, (long)der.len);
	if (!x)
		return crypto_failed(-EBADMSG);
	err = p == der.data + der.len ? cert_from_x509(x, ret) : -EBADMSG;
	X509_free(x);
	return err;
}

struct cert *
cert_ref(struct cert *c)
{
	c->refs++;
	return c;
}

void
cert_unref(struct cert *c)
{
	if (!c || --c->refs > 0)
		return;
	X509_free(c->x);
	free(c);
}

struct slice
cert_der(const struct cert *c)
{
	return (struct slice){ c->der, c->der_len };
}

const struct cert_facts *
cert_facts(const struct cert *c)
{
	return &c->facts;
}

X509 *
cert_x509(const struct cert *c)
{
	return c->x;
}

int
cert_key(const struct cert *c, struct key **ret)
{
	return key_from_x509(X509_get_X509_PUBKEY(c->x), ret);
}

/* --- files ---------------------------------------------------------------------------- */
static void
unref_all(struct cert *certs[], size_t len)
{
	for (size_t i = 0; i < len; i++)
		cert_unref(TAKE(certs[i]));
}

static int
read_pem(BIO *bio, size_t max, struct cert *ret[])
{
	size_t n = 0;
	int err = 0;
	X509 *x;

	while (!err && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		err = n < max ? cert_from_x509(x, &ret[n]) : -E2BIG;
		if (!err)
			n++;
		X509_free(x);
	}
	/* The ordinary end is that no further one begins. */
	if (!err && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		err = crypto_failed(-EBADMSG);
	if (!err && n == 0)
		err = -EBADMSG;
	ERR_clear_error();
	if (err < 0)
		unref_all(ret, n);
	return err < 0 ? err : (int)n;
}

int
cert_load(const char *path, size_t max, struct cert *ret[])
{
	struct buf pem;
	BIO *bio;
	int rc;

	buf_init(&pem, CERT_FILE_MAX);
	rc = crypto_read_file(path, false, &pem);
	if (!rc && pem.pos == 0)
		rc = -EBADMSG;
	if (!rc) {
		bio = BIO_new_mem_buf(pem.data, (int)pem.pos);
		rc = bio ? read_pem(bio, max, ret) : crypto_failed(-ENOMEM);
		BIO_free(bio);
	}
	buf_done(&pem);
	return rc;
}

int
cert_save(struct cert *const certs[], size_t len, const char *path)
{
	BIO *bio = BIO_new(BIO_s_mem());
	bool ok = bio;
	char *pem;
	int err;

	for (size_t i = 0; ok && i < len; i++)
		ok = PEM_write_bio_X509(bio, certs[i]->x) == 1;
	if (ok) {
		long size = BIO_get_mem_data(bio, &pem);

		err = daemon_write_file(path, pem, (size_t)size);
	} else {
		err = crypto_failed(-ENOMEM);
	}
	BIO_free(bio);
	return err;
}
