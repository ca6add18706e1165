/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_cert.h"
#include "base/crypto_int.h"

#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define SECURITY_LEVEL 2 /* OpenSSL's: 112 bits at least, so no SHA-1 and no short RSA */

/* The time of the leaf alone is let pass, and noted; it is checked after the signature. */
static int
note_time(int ok, X509_STORE_CTX *ctx)
{
	int *noted = X509_STORE_CTX_get_app_data(ctx);
	int err = X509_STORE_CTX_get_error(ctx);

	if (ok || X509_STORE_CTX_get_error_depth(ctx) != 0 ||
	    (err != X509_V_ERR_CERT_HAS_EXPIRED && err != X509_V_ERR_CERT_NOT_YET_VALID))
		return ok;
	*noted = err;
	return 1;
}

static void
set_rules(X509_STORE_CTX *ctx, STACK_OF(X509) * anchors, int64_t now_ms)
{
	X509_VERIFY_PARAM *p = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_flags(p, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_depth(p, 1);
	X509_VERIFY_PARAM_set_auth_level(p, SECURITY_LEVEL);
	X509_VERIFY_PARAM_set_purpose(p, X509_PURPOSE_SSL_CLIENT);
	X509_VERIFY_PARAM_set_time(p, (time_t)(now_ms / 1000));
	X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
	X509_STORE_CTX_set_verify_cb(ctx, note_time);
}

static int
verify(X509_STORE_CTX *ctx, X509 *leaf, STACK_OF(X509) * anchors, int64_t now_ms,
    const char **why)
{
	int noted = X509_V_OK;

	if (X509_STORE_CTX_init(ctx, NULL, leaf, NULL) != 1)
		return -ENOMEM;
	set_rules(ctx, anchors, now_ms);
	X509_STORE_CTX_set_app_data(ctx, &noted);
	if (X509_verify_cert(ctx) != 1) {
		int err = X509_STORE_CTX_get_error(ctx);

		*why = X509_verify_cert_error_string(err);
		return err == X509_V_ERR_OUT_OF_MEM ? -ENOMEM : -EKEYREJECTED;
	}
	if (X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1 ||
	    !(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE)) {
		*why = X509_verify_cert_error_string(X509_V_ERR_INVALID_PURPOSE);
		return -EKEYREJECTED;
	}
	if (noted == X509_V_OK)
		return 0;
	*why = X509_verify_cert_error_string(noted);
	return -EKEYEXPIRED;
}

int
cert_verify(const struct cert *leaf, struct cert *const anchors[], size_t len,
    int64_t now_ms, const char **why)
{
	STACK_OF(X509) *trusted = sk_X509_new_null();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *unused;
	int err = trusted && ctx ? 0 : -ENOMEM;

	if (!why)
		why = &unused;
	for (size_t i = 0; !err && i < len; i++)
		if (sk_X509_push(trusted, cert_x509(anchors[i])) == 0)
			err = -ENOMEM;
	if (!err)
		err = verify(ctx, cert_x509(leaf), trusted, now_ms, why);
	if (err == -ENOMEM)
		*why = "out of memory";
	X509_STORE_CTX_free(ctx);
	sk_X509_free(trusted);
	return crypto_failed(err);
}
