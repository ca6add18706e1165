// SPDX-License-Identifier: Apache-2.0
//
// What a protected connection costs, see bench_tls.
//
// tls rate COUNT ROUNDS   mutual handshakes, both ends in this process: ours and libssl's own, in turn
// tls memory COUNT WHO    bytes of a server's end that is open and idle; WHO: ours or libssl
// tls files DIR           a CA, a certificate and keys for openssl(1)
#include "base/crypto.h"
#include "base/tls.h"
#include <errno.h>
#include <err.h>
#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ALPN "x-fogwatch-grasp/1"
#define DAY  (24 * 3600000LL)
#define ROOM 65536

static struct key *ca_key, *keys[2];
static struct cert *ca, *certs[2];

static void
check(int rc, const char *what)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static int64_t
wall_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
make_domain(void)
{
	struct cert_spec root = { "bench CA", NULL, wall_ms() - DAY,
		wall_ms() + 3650 * DAY };
	struct cert_spec leaf = { "00112233445566778899aabbccddeeff",
		"urn:fogwatch:plant-7:agent:00112233445566778899aabbccddeeff",
		wall_ms() - DAY, wall_ms() + 7 * DAY };

	check(key_new(KEY_P256, &ca_key), "key");
	check(cert_issue(ca_key, NULL, &root, ca_key, &ca), "CA");
	for (int i = 0; i < 2; i++) {
		check(key_new(KEY_P256, &keys[i]), "key");
		check(cert_issue(ca_key, ca, &leaf, keys[i], &certs[i]), "certificate");
	}
}

/* --- ours ----------------------------------------------------------------------------- */
static bool
show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	const int *who = arg;

	(void)t;
	(void)hint;
	*ret = (struct tls_self){ keys[*who], &certs[*who], 1 };
	return true;
}

static int
judge(void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	(void)arg;
	(void)t;
	return len == 0 ? -ENOKEY : cert_verify(chain[0], &ca, 1, wall_ms(), why);
}

static const struct tls_setup setup = { { ALPN }, show_self, judge };
static struct tls_context *context;

/* Returns the server's end, open. */
static struct tls *
meet(void)
{
	static int client_is = 0, server_is = 1;
	static struct buf to_server, to_client, plain;
	struct tls *c, *s;
	int err;

	if (plain.max == 0) {
		buf_init(&to_server, ROOM);
		buf_init(&to_client, ROOM);
		buf_init(&plain, ROOM);
	}
	check(tls_new_server(context, &server_is, &s), "server");
	check(
	    tls_new_client(context, ALPN, "0011223344556677", &client_is, &c), "client");
	err = tls_take(c, (struct slice){ 0 }, &plain, &to_server);
	while (!err && (to_server.pos > 0 || to_client.pos > 0)) {
		err = tls_take(s, buf_slice(&to_server), &plain, &to_client);
		buf_reset(&to_server);
		if (!err)
			err = tls_take(c, buf_slice(&to_client), &plain, &to_server);
		buf_reset(&to_client);
	}
	if (err || !tls_is_open(s))
		errx(1, "handshake: %s, %s", tls_error(s), tls_error(c));
	tls_free(c);
	return s;
}

/* --- libssl alone, the same rules ------------------------------------------------------ */
static SSL_CTX *raw[2];

static EVP_PKEY *
load_key(const struct key *k, const char *dir)
{
	char path[600];
	EVP_PKEY *evp;
	FILE *f;

	snprintf(path, sizeof path, "%s/key", dir);
	unlink(path);
	check(key_save(k, path), path);
	f = fopen(path, "r");
	evp = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
	if (f)
		fclose(f);
	unlink(path);
	if (!evp)
		errx(1, "%s: no key", path);
	return evp;
}

static int
take_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
    const unsigned char *offered, unsigned len, void *arg)
{
	(void)ssl;
	(void)len;
	(void)arg;
	*ret = offered + 1;
	*ret_len = offered[0];
	return SSL_TLSEXT_ERR_OK;
}

static void
prepare_raw(int who, const char *dir)
{
	struct slice der = cert_der(certs[who]), root = cert_der(ca);
	const unsigned char *p = root.data;
	X509 *x = d2i_X509(NULL, &p, (long)root.len);
	EVP_PKEY *evp = load_key(keys[who], dir);
	SSL_CTX *s = raw[who] = SSL_CTX_new(TLS_method());

	SSL_CTX_set_min_proto_version(s, TLS1_3_VERSION);
	SSL_CTX_set1_groups_list(s, "X25519");
	SSL_CTX_set_num_tickets(s, 0);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(s, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_alpn_select_cb(s, take_alpn, NULL);
	if (SSL_CTX_set_alpn_protos(s, (const uint8_t *)"\x12" ALPN, sizeof ALPN) != 0 ||
	    !x || X509_STORE_add_cert(SSL_CTX_get_cert_store(s), x) != 1 ||
	    SSL_CTX_use_certificate_ASN1(s, (int)der.len, der.data) != 1 ||
	    SSL_CTX_use_PrivateKey(s, evp) != 1)
		errx(1, "libssl takes no certificate");
	X509_free(x);
	EVP_PKEY_free(evp);
}

static void
carry(SSL *from, SSL *to)
{
	uint8_t wire[ROOM];
	int n = BIO_read(SSL_get_wbio(from), wire, sizeof wire);

	if (n > 0)
		BIO_write(SSL_get_rbio(to), wire, n);
}

static SSL *
meet_raw(void)
{
	SSL *c = SSL_new(raw[0]), *s = SSL_new(raw[1]);

	SSL_set_bio(c, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	for (int turn = 0; turn < 3; turn++) {
		SSL_do_handshake(c);
		carry(c, s);
		SSL_do_handshake(s);
		carry(s, c);
	}
	if (!SSL_is_init_finished(s) || !SSL_is_init_finished(c))
		errx(1, "libssl shakes no hands");
	SSL_free(c);
	return s;
}

/* --- what is measured ------------------------------------------------------------------ */
static double
time_ours(int count)
{
	double start = cpu_s();

	for (int i = 0; i < count; i++)
		tls_free(meet());
	return count / (cpu_s() - start);
}

static double
time_raw(int count)
{
	double start = cpu_s();

	for (int i = 0; i < count; i++)
		SSL_free(meet_raw());
	return count / (cpu_s() - start);
}

static void
measure_rate(int count, int rounds)
{
	time_ours(10);
	time_raw(10);
	for (int i = 0; i < rounds; i++) {
		double ours = time_ours(count), alone = time_raw(count);

		printf("{\"ours_per_s\": %.1f, \"libssl_per_s\": %.1f}\n", ours, alone);
		fflush(stdout);
	}
}

static long
resident(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		errx(1, "/proc/self/statm");
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static void
measure_memory(int count, bool ours)
{
	struct tls **kept = calloc((size_t)count, sizeof *kept);
	SSL **kept_raw = calloc((size_t)count, sizeof *kept_raw);
	size_t heap;
	long rss;

	if (ours)
		tls_free(meet());
	else
		SSL_free(meet_raw());
	memset(kept, 1, (size_t)count * sizeof *kept);
	memset(kept_raw, 1, (size_t)count * sizeof *kept_raw);
	heap = mallinfo2().uordblks;
	rss = resident();
	for (int i = 0; i < count; i++)
		if (ours)
			kept[i] = meet();
		else
			kept_raw[i] = meet_raw();
	printf("{\"what\": \"%s\", \"heap\": %zu, \"rss\": %ld}\n",
	    ours ? "ours" : "libssl", (mallinfo2().uordblks - heap) / (size_t)count,
	    (resident() - rss) / count);
}

static void
write_files(const char *dir)
{
	char path[600];

	snprintf(path, sizeof path, "%s/ca.pem", dir);
	check(cert_save(&ca, 1, path), path);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%d.pem", dir, i);
		check(cert_save(&certs[i], 1, path), path);
		snprintf(path, sizeof path, "%s/%d.key", dir, i);
		check(key_save(keys[i], path), path);
	}
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/fogwatch-bench-XXXXXX";

	if (argc < 3)
		errx(2,
		    "usage: tls rate COUNT ROUNDS | memory COUNT ours|libssl | files "
		    "DIR");
	make_domain();
	if (!strcmp(argv[1], "files")) {
		write_files(argv[2]);
		return 0;
	}
	if (!mkdtemp(dir))
		err(1, "%s", dir);
	check(tls_context_new(&setup, &context), "context");
	prepare_raw(0, dir);
	prepare_raw(1, dir);
	rmdir(dir);
	if (!strcmp(argv[1], "rate"))
		measure_rate(atoi(argv[2]), argc > 3 ? atoi(argv[3]) : 5);
	else
		measure_memory(atoi(argv[2]), argc < 4 || strcmp(argv[3], "libssl") != 0);
	return 0;
}
