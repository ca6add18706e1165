// SPDX-License-Identifier: Apache-2.0
//
// Certificates and requests of strangers: what is parsed keeps its promises, is written again as it was
// read, and is believed only if our CA has signed it. The CA and its leaf are in the corpus.
#include "base/crypto_cert.h"
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#define NOW 1795000000000LL

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t ca_der[] = {
#include "tests/fuzz/ca_der.h"
};

static void
check_text(const char *text, size_t size)
{
	assert(memchr(text, '\0', size));
	for (; *text; text++)
		assert(*text >= ' ' && *text <= '~');
}

static void
check_facts(const struct cert *c)
{
	const struct cert_facts *f = cert_facts(c);

	check_text(f->cn, sizeof f->cn);
	check_text(f->uri, sizeof f->uri);
	assert(f->serial_len <= CERT_SERIAL_LEN);
	assert(f->not_before_ms % 1000 == 0 && f->not_after_ms % 1000 == 0);
}

static void
check_key(const struct cert *c)
{
	CLEANUP(key_free) struct key *k = NULL;
	uint8_t fingerprint[32];

	if (cert_key(c, &k) < 0)
		return;
	assert(!key_is_private(k));
	key_fingerprint(k, fingerprint);
	assert(!memcmp(fingerprint, cert_facts(c)->key_fingerprint, 32));
}

static void
check_cert(struct cert *c, struct cert *ca)
{
	CLEANUP(cert_unref) struct cert *again = NULL;
	const char *why = NULL;
	int err = cert_verify(c, &ca, 1, NOW, &why);

	check_facts(c);
	check_key(c);
	assert(err == 0 || (why && (err == -EKEYREJECTED || err == -EKEYEXPIRED)));
	assert(err == -EKEYREJECTED || !cert_facts(c)->ca);
	assert(cert_verify(c, NULL, 0, NOW, NULL) == -EKEYREJECTED);
	assert(cert_parse(cert_der(c), &again) == 0);
	assert(slice_equal(cert_der(again), cert_der(c)));
	assert(!memcmp(cert_facts(again), cert_facts(c), sizeof(struct cert_facts)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cert *ca;
	CLEANUP(key_free) struct key *k = NULL;
	CLEANUP(cert_unref) struct cert *c = NULL;
	struct slice in = { data, size };

	if (!ca && cert_parse((struct slice){ ca_der, sizeof ca_der }, &ca) < 0)
		abort();
	if (cert_parse(in, &c) == 0)
		check_cert(c, ca);
	if (cert_request_parse(in, &k) == 0)
		assert(!key_is_private(k));
	assert(ERR_peek_error() == 0);
	return 0;
}
