/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/guarded.h"

#include <arpa/inet.h>
#include <assert.h>

#include "tests/support/io_fake.h"

#define NOW (1795000000LL * 1000) /* of the vectors */

static struct guard *guards[2];

static int64_t
tell_wall(void *arg)
{
	(void)arg;
	return NOW + 1000;
}

static int64_t
tell_boot(void *arg)
{
	(void)arg;
	return 0;
}

static bool
tell_right(void)
{
	return true;
}

static struct cert *
certify(struct key *ca_key, struct cert *ca, struct key *k, const char *uri)
{
	const struct cert_spec spec = { .cn = "fuzz",
		.uri = uri,
		.not_before_ms = NOW - 3600000,
		.not_after_ms = NOW + 365LL * 24 * 3600000 };
	struct cert *cert;
	int r = cert_issue(ca_key, ca, &spec, k, &cert);

	assert(r == 0);
	return cert;
}

static struct credential *
make_member(void)
{
	struct trust_name name = { .domain = "fuzz", .role = TRUST_AGENT };
	char uri[TRUST_URI_MAX];
	struct key *ca_key, *key;
	struct credential *c;
	struct trust_time *t;
	struct cert *ca, *cert;
	uint8_t print[32];
	struct slice der;
	const char *why;
	int r = key_new(KEY_P256, &ca_key);

	if (r == 0)
		r = key_new(KEY_P256, &key);
	if (r == 0)
		r = trust_time_new(NULL, tell_wall, tell_boot, NULL, &t);
	if (r == 0)
		r = credential_new(NULL, "fuzz", TRUST_AGENT, key, t, &c);
	assert(r == 0);
	key_fingerprint(key, print);
	memcpy(name.id.bytes, print, sizeof name.id.bytes);
	ca = certify(ca_key, NULL, ca_key, NULL);
	cert = certify(ca_key, ca, key, trust_uri_format(&name, uri));
	der = cert_der(ca);
	r = credential_install(c, cert_der(cert), &der, 1, 1, &why);
	assert(r == 0);
	cert_unref(cert);
	cert_unref(ca);
	key_free(ca_key);
	return c;
}

/* For the life of the program. */
static void
prepare(void)
{
	static uint8_t secret[GUARD_SECRET_LEN];
	static struct credential *self;
	struct guard_config cfg = { .clock_is_right = tell_right };
	int r = 0;

	self = make_member();
	cfg.self = self;
	cfg.io = fake_host_io(fake_host_new(fake_net_new(1)));
	for (cfg.mode = GUARD_SIGNED; cfg.mode <= GUARD_SEALED && r == 0; cfg.mode++)
		r = guard_new(&cfg, &guards[cfg.mode]);
	for (unsigned i = 0; i < sizeof secret; i++)
		secret[i] = (uint8_t)i;
	if (r == 0)
		r = guard_secret(guards[GUARD_SEALED], 1, secret, INT64_MAX);
	assert(r == 0);
}

enum grasp_verdict
guarded_hear(enum guard_mode mode, struct slice datagram)
{
	struct grasp_datagram d = { .hop_limit = 1, .data = datagram };
	struct grasp_who who = { 0 };
	struct grasp_guard hook;
	struct grasp_msg msg;
	struct slice inside;
	size_t len;

	if (!guards[0])
		prepare();
	hook = guard_hook(guards[mode]);
	inet_pton(AF_INET6, "fe80::99", &d.from.ip);
	inet_pton(AF_INET6, "ff02::13", &d.to);
	d.from.port = 4000;
	if (!hook.open(hook.arg, &d, &inside) || grasp_msg_decode(inside, &msg, &len) < 0)
		return GRASP_DROP;
	return hook.verify(hook.arg, &d, &msg, inside, len, &who);
}
