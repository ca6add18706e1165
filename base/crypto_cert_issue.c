/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made, and the requests for them. Names go into ASN.1 directly and never through
 * OpenSSL's configuration syntax, in which a comma would begin another name. */
#include "base/crypto.h"
#include "base/crypto_cert.h"
#include "base/crypto_int.h"

#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define SERIAL_LEN 16

static bool
set_serial(X509 *x)
{
	uint8_t serial[SERIAL_LEN];

	crypto_random(serial, sizeof serial);
	/* Positive, and 16 bytes without leading zeros: a serial is compared byte by byte. */
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	return ASN1_STRING_set(X509_get_serialNumber(x), serial, sizeof serial) == 1;
}

static bool
set_times(X509 *x, const struct cert_spec *spec)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), spec->not_before_ms / 1000) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), spec->not_after_ms / 1000);
}

static bool
put_cn(X509_NAME *name, const char *cn)
{
	return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		   (const uint8_t *)cn, -1, -1, 0) == 1;
}

/* --- extensions ----------------------------------------------------------------------- */
static bool
put_constant(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext && X509_add_ext(x, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return ok;
}

static ASN1_OCTET_STRING *
key_id(const struct key *k)
{
	uint8_t fingerprint[32];
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();

	key_fingerprint(k, fingerprint);
	if (id && ASN1_OCTET_STRING_set(id, fingerprint, sizeof fingerprint) != 1) {
		ASN1_OCTET_STRING_free(id);
		return NULL;
	}
	return id;
}

static bool
put_subject_key_id(X509 *x, const struct key *k)
{
	ASN1_OCTET_STRING *id = key_id(k);
	bool ok = id &&
	    X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_APPEND) ==
		1;

	ASN1_OCTET_STRING_free(id);
	return ok;
}

static bool
put_authority_key_id(X509 *x, const struct key *signer)
{
	AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
	bool ok = authority && (authority->keyid = key_id(signer)) &&
	    X509_add1_ext_i2d(
		x, NID_authority_key_identifier, authority, 0, X509V3_ADD_APPEND) == 1;

	AUTHORITY_KEYID_free(authority);
	return ok;
}

static GENERAL_NAME *
uri_name(const char *uri)
{
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!text || !name || ASN1_STRING_set(text, uri, -1) != 1) {
		ASN1_IA5STRING_free(text);
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	return name;
}

static bool
put_uri(X509 *x, const char *uri)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = uri_name(uri);
	bool ok = names && name && sk_GENERAL_NAME_push(names, name) > 0;

	if (!ok)
		GENERAL_NAME_free(name);
	ok = ok &&
	    X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, X509V3_ADD_APPEND) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static bool
put_extensions(X509 *x, const struct cert_spec *spec, const struct key *subject,
    const struct key *signer)
{
	bool ok = put_subject_key_id(x, subject) && put_authority_key_id(x, signer);

	if (!spec->uri)
		return ok &&
		    put_constant(
			x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
		    put_constant(x, NID_key_usage, "critical,keyCertSign,cRLSign");
	return ok && put_constant(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    put_constant(x, NID_key_usage, "critical,digitalSignature") &&
	    put_constant(x, NID_ext_key_usage, "clientAuth,serverAuth") &&
	    put_uri(x, spec->uri);
}

/* --- certificates --------------------------------------------------------------------- */
static bool
fill_in(X509 *x, const struct key *signer, const struct cert *issuer,
    const struct cert_spec *spec, const struct key *subject)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    set_times(x, spec) && put_cn(name, spec->cn) &&
	    X509_set_issuer_name(
		x, issuer ? X509_get_subject_name(cert_x509(issuer)) : name) == 1 &&
	    X509_set_pubkey(x, key_evp(subject)) == 1 &&
	    put_extensions(x, spec, subject, signer) &&
	    X509_sign(x, key_evp(signer), key_md(signer)) > 0;
}

/* Read back, so that what is handed out is what a peer will see. */
static int
read_back(X509 *x, struct cert **ret)
{
	uint8_t *der = NULL;
	int len = i2d_X509(x, &der), err;

	if (len <= 0)
		return crypto_failed(-ENOMEM);
	err = cert_parse((struct slice){ der, (size_t)len }, ret);
	OPENSSL_free(der);
	return err == -EBADMSG ? -EINVAL : err;
}

int
cert_issue(const struct key *signer, const struct cert *issuer,
    const struct cert_spec *spec, const struct key *subject, struct cert **ret)
{
	X509 *x;
	int err;

	if (!key_is_private(signer) || spec->cn[0] == '\0' ||
	    strlen(spec->cn) > CERT_NAME_MAX ||
	    (spec->uri && strlen(spec->uri) > CERT_URI_MAX) ||
	    spec->not_after_ms < spec->not_before_ms)
		return -EINVAL;
	x = X509_new();
	if (!x || !fill_in(x, signer, issuer, spec, subject))
		err = crypto_failed(-ENOMEM);
	else
		err = read_back(x, ret);
	X509_free(x);
	return err;
}

/* --- requests ------------------------------------------------------------------------- */
static int
put_request(X509_REQ *req, struct buf *out)
{
	uint8_t *der = NULL;
	int len = i2d_X509_REQ(req, &der);

	if (len <= 0)
		return crypto_failed(-ENOMEM);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	return out->err;
}

int
cert_request(const struct key *k, const char *cn, struct buf *out)
{
	X509_REQ *req;
	int err;

	if (!key_is_private(k) || cn[0] == '\0' || strlen(cn) > CERT_NAME_MAX)
		return -EINVAL;
	req = X509_REQ_new();
	if (!req || !put_cn(X509_REQ_get_subject_name(req), cn) ||
	    X509_REQ_set_pubkey(req, key_evp(k)) != 1 ||
	    X509_REQ_sign(req, key_evp(k), key_md(k)) <= 0)
		err = crypto_failed(-ENOMEM);
	else
		err = put_request(req, out);
	X509_REQ_free(req);
	return err;
}

int
cert_request_parse(struct slice der, struct key **ret)
{
	CLEANUP(key_free) struct key *k = NULL;
	const uint8_t *p = der.data;
	X509_REQ *req;
	int err;

	if (der.len == 0 || der.len > CERT_DER_MAX)
		return -EBADMSG;
	req = d2i_X509_REQ(NULL, &p, (long)der.len);
	err = req && p == der.data + der.len ? 0 : -EBADMSG;
	if (!err)
		err = key_from_x509(X509_REQ_get_X509_PUBKEY(req), &k);
	if (!err && X509_REQ_verify(req, key_evp(k)) != 1)
		err = -EBADMSG;
	X509_REQ_free(req);
	err = crypto_failed(err);
	if (!err)
		*ret = TAKE(k);
	return err;
}
