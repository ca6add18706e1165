/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crypto_pem.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static BIO *
open_pem(struct slice pem)
{
	return pem.len > 0 && pem.len < INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len)
						: NULL;
}

int
pem_count_certificates(struct slice pem)
{
	BIO *bio = open_pem(pem);
	X509 *cert;
	int n = 0;
	bool ended;

	if (!bio)
		return -EBADMSG;
	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		X509_free(cert);
		n++;
	}
	ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	BIO_free(bio);
	ERR_clear_error();
	return ended && n > 0 ? n : -EBADMSG;
}

/* Without this, OpenSSL would ask for one on the terminal. */
static int
have_no_password(char *dst, int size, int writing, void *arg)
{
	(void)dst, (void)size, (void)writing, (void)arg;
	return -1;
}

int
pem_check_pair(struct slice certificate, struct slice key)
{
	BIO *cert_bio = open_pem(certificate), *key_bio = open_pem(key);
	X509 *cert = cert_bio ? PEM_read_bio_X509(cert_bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY *private = key_bio
	    ? PEM_read_bio_PrivateKey(key_bio, NULL, have_no_password, NULL)
	    : NULL;
	int err = -EBADMSG;

	if (cert && private)
		err = X509_check_private_key(cert, private) == 1 ? 0 : -ENOKEY;
	EVP_PKEY_free(private);
	X509_free(cert);
	BIO_free(key_bio);
	BIO_free(cert_bio);
	ERR_clear_error();
	return err;
}
