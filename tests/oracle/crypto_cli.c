// SPDX-License-Identifier: Apache-2.0
//
// Keys, certificates and signatures as files and hex digits, for tests/oracle/openssl.sh to compare with
// what openssl(1) makes of them.
#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "base/crypto_cert.h"
#include "tests/support/hex.h"
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY (24 * 3600000LL)
#define URI "urn:fogwatch:plant-7:agent:00112233445566778899aabbccddeeff"

static void
check(int rc, const char *what)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static void
print_hex(const void *data, size_t len)
{
	char *text = malloc(2 * len + 1);

	if (!text)
		err(1, "malloc");
	puts(hex_format(data, len, text));
	free(text);
}

static int64_t
now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static struct slice
read_file(const char *path)
{
	static uint8_t data[65536];
	FILE *f = fopen(path, "rb");
	struct slice s = { data, 0 };

	if (!f)
		err(1, "%s", path);
	s.len = fread(data, 1, sizeof data, f);
	fclose(f);
	return s;
}

static struct key *
load_key(const char *path)
{
	struct key *k;

	check(key_load(path, &k), path);
	return k;
}

static struct cert *
load_cert(const char *path)
{
	struct cert *c;

	check(cert_load(path, 1, &c), path);
	return c;
}

static void
print_fingerprint(const struct key *k)
{
	uint8_t fingerprint[32];

	key_fingerprint(k, fingerprint);
	print_hex(fingerprint, sizeof fingerprint);
}

/* --- commands ------------------------------------------------------------------------- */
static void
new_key(char **argv)
{
	struct key *k;

	check(key_new(!strcmp(argv[0], "ed25519") ? KEY_ED25519 : KEY_P256, &k), "key");
	check(key_save(k, argv[1]), argv[1]);
	key_free(k);
}

static void
fingerprint(char **argv)
{
	struct key *k = load_key(argv[0]);

	print_fingerprint(k);
	key_free(k);
}

/* KEY OUT: a CA; or KEY CA LEAF-KEY OUT: a leaf. */
static void
issue(char **argv)
{
	struct cert_spec spec = { "plant-7 CA", NULL, now_ms() - DAY,
		now_ms() + 3650 * DAY };
	struct key *signer = load_key(argv[0]), *subject = NULL;
	struct cert *ca = NULL, *c;
	const char *out = argv[1];

	if (argv[2]) {
		spec = (struct cert_spec){ "node 1", URI, now_ms() - DAY,
			now_ms() + 7 * DAY };
		ca = load_cert(argv[1]);
		subject = load_key(argv[2]);
		out = argv[3];
	}
	check(cert_issue(signer, ca, &spec, subject ? subject : signer, &c), out);
	check(cert_save(&c, 1, out), out);
	cert_unref(c);
	cert_unref(ca);
	key_free(subject);
	key_free(signer);
}

static void
facts(char **argv)
{
	struct cert *c = load_cert(argv[0]);
	const struct cert_facts *f = cert_facts(c);

	printf("cn=%s\nuri=%s\nca=%d\nfrom=%lld\nuntil=%lld\nserial=", f->cn, f->uri,
	    f->ca, (long long)f->not_before_ms / 1000, (long long)f->not_after_ms / 1000);
	print_hex(f->serial, f->serial_len);
	printf("key=");
	print_hex(f->key_fingerprint, 32);
	cert_unref(c);
}

/* LEAF CA… */
static void
verify_cert(char **argv)
{
	struct cert *leaf = load_cert(argv[0]), *anchors[8];
	const char *why = "good";
	size_t len = 0;

	while (argv[1 + len] && len < ARRAY_LEN(anchors)) {
		anchors[len] = load_cert(argv[1 + len]);
		len++;
	}
	(void)!cert_verify(leaf, anchors, len, now_ms(), &why);
	puts(why);
	while (len > 0)
		cert_unref(anchors[--len]);
	cert_unref(leaf);
}

static void
request(char **argv)
{
	struct key *k = load_key(argv[0]);
	struct buf der;
	FILE *f = fopen(argv[1], "wb");

	buf_init(&der, CERT_DER_MAX);
	check(cert_request(k, "node 1", &der), "request");
	if (!f || fwrite(der.data, 1, der.pos, f) != der.pos || fclose(f) != 0)
		err(1, "%s", argv[1]);
	buf_done(&der);
	key_free(k);
}

static void
read_request(char **argv)
{
	struct key *k;

	check(cert_request_parse(read_file(argv[0]), &k), argv[0]);
	print_fingerprint(k);
	key_free(k);
}

static void
sign(char **argv)
{
	struct key *k = load_key(argv[0]);
	uint8_t sig[KEY_SIGNATURE_LEN];

	check(key_sign(k, read_file(argv[1]), sig), "signature");
	print_hex(sig, sizeof sig);
	key_free(k);
}

/* CERTIFICATE FILE SIGNATURE */
static void
verify(char **argv)
{
	struct cert *c = load_cert(argv[0]);
	struct slice sig = hex_bytes(argv[2]);
	struct key *k;

	check(cert_key(c, &k), argv[0]);
	puts(key_verify(k, read_file(argv[1]), sig) == 0 ? "good" : "bad");
	hex_bytes_free(sig);
	key_free(k);
	cert_unref(c);
}

/* SECRET SALT INFO LENGTH */
static void
derive(char **argv)
{
	struct slice secret = hex_bytes(argv[0]), salt = hex_bytes(argv[1]);
	uint8_t out[256];
	size_t len = (size_t)atoi(argv[3]);

	check(hkdf_sha256(secret, salt, slice_text(argv[2]), out, len), "hkdf");
	print_hex(out, len);
	hex_bytes_free(secret);
	hex_bytes_free(salt);
}

/* PASSWORD SALT ROUNDS */
static void
stretch(char **argv)
{
	struct slice salt = hex_bytes(argv[1]);
	uint8_t out[32];

	check(pbkdf2_sha256(
		  slice_text(argv[0]), salt, (unsigned)atoi(argv[2]), out, sizeof out),
	    "pbkdf2");
	print_hex(out, sizeof out);
	hex_bytes_free(salt);
}

/* KEY IV FILE */
static void
encrypt(char **argv)
{
	struct slice key = hex_bytes(argv[0]), iv = hex_bytes(argv[1]);
	struct buf out;

	buf_init(&out, 65536 + 16);
	check(cbc_encrypt(key.data, iv.data, read_file(argv[2]), &out), "cbc");
	print_hex(out.data, out.pos);
	buf_done(&out);
	hex_bytes_free(key);
	hex_bytes_free(iv);
}

static const struct {
	const char *name;
	int args; /* at least */
	void (*run)(char **argv);
} commands[] = {
	{ "key", 2, new_key },
	{ "fingerprint", 1, fingerprint },
	{ "issue", 2, issue },
	{ "facts", 1, facts },
	{ "verify-cert", 1, verify_cert },
	{ "request", 2, request },
	{ "read-request", 1, read_request },
	{ "sign", 2, sign },
	{ "verify", 3, verify },
	{ "hkdf", 4, derive },
	{ "pbkdf2", 3, stretch },
	{ "cbc", 3, encrypt },
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 2 >= commands[i].args) {
			commands[i].run(argv + 2);
			return 0;
		}
	errx(2, "which command?");
}
