/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to believe a multicast, and to refuse one: operations per second of one core, the median
 * of some rounds with the lowest and the highest. Lines of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cbor.h"
#include "trust/guard.h"

#define NOW    1798761600000LL
#define ROUNDS 7
#define COUNT  2000
#define DAY    (24LL * 3600 * 1000)

static int64_t clock_ms;

/* Time passes with each question, so that no budget is ever spent. */
static int64_t
tell_now(struct grasp_io *io)
{
	(void)io;
	return clock_ms += 10;
}

static void
draw(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	memset(dst, 7, len);
}

static int64_t
tell_wall(void *arg)
{
	(void)arg;
	return NOW;
}

static int64_t
tell_boot(void *arg)
{
	(void)arg;
	return 0;
}

static bool
is_right(void)
{
	return true;
}

static const struct grasp_io_ops ops = { .now = tell_now, .random = draw };
static struct grasp_io io = { &ops };

struct member {
	struct key *key;
	struct credential *self;
	struct guard *guard;
	struct grasp_guard hook;
};

static struct key *ca_key;
static struct cert *ca;
static struct trust_time *fog_time;

static struct cert *
certify(struct key *k, const char *uri)
{
	const struct cert_spec spec = { .cn = "bench",
		.uri = uri,
		.not_before_ms = NOW - DAY,
		.not_after_ms = NOW + DAY };
	struct cert *cert;

	if (cert_issue(ca_key, uri ? ca : NULL, &spec, k, &cert) < 0)
		abort();
	return cert;
}

static void
restart(struct member *m, enum guard_mode mode)
{
	static const uint8_t secret[GUARD_SECRET_LEN] = { 1 };
	const struct guard_config cfg = {
		.io = &io, .mode = mode, .self = m->self, .clock_is_right = is_right
	};

	guard_free(m->guard);
	if (guard_new(&cfg, &m->guard) < 0 ||
	    (mode == GUARD_SEALED && guard_secret(m->guard, 1, secret, NOW + DAY) < 0))
		abort();
	m->hook = guard_hook(m->guard);
}

static void
prepare(struct member *m)
{
	struct trust_name name = { .domain = "bench", .role = TRUST_AGENT };
	char uri[TRUST_URI_MAX];
	uint8_t print[32];
	struct cert *cert;
	const char *why;
	struct slice der = cert_der(ca);

	memset(m, 0, sizeof *m);
	if (key_new(KEY_P256, &m->key) < 0 ||
	    credential_new(NULL, "bench", TRUST_AGENT, m->key, fog_time, &m->self) < 0)
		abort();
	key_fingerprint(m->key, print);
	memcpy(name.id.bytes, print, sizeof name.id.bytes);
	cert = certify(m->key, trust_uri_format(&name, uri));
	if (credential_install(m->self, cert_der(cert), &der, 1, 1, &why) < 0)
		abort();
	cert_unref(cert);
}

static void
drop(struct member *m)
{
	guard_free(m->guard);
	credential_free(m->self);
	key_free(m->key);
}

/* --- datagrams -------------------------------------------------------------------------- */

struct datagram {
	uint8_t bytes[GRASP_MULTICAST_MAX];
	size_t len;
};
static struct datagram said[COUNT];
static const struct in6_addr group = { { { 0xff, 0x02, [15] = 0x13 } } };

/* A discovery as agents send it. */
static void
say(struct member *m, struct datagram *ret)
{
	const struct grasp_msg q = {
		.type = M_DISCOVERY,
		.session_id = 7,
		.initiator = { 16, { 0x20, 1, [15] = 1 } },
		.has_objective = true,
		.objective = { slice_text("FOGDOMAIN"), F_DISC | F_SYNCH, 6, { 0 } },
	};
	uint8_t memory[256];
	struct buf plain, out;

	buf_init_fixed(&plain, memory, sizeof memory);
	buf_init_fixed(&out, ret->bytes, sizeof ret->bytes);
	if (grasp_msg_encode(&q, &plain) < 0 ||
	    m->hook.protect(m->hook.arg, &group, buf_slice(&plain), true, &out) < 0)
		abort();
	ret->len = out.pos;
}

static bool
hear(struct member *m, const struct datagram *d)
{
	struct grasp_datagram in = {
		.from = { .ip = { { { 0xfe, 0x80, [15] = 1 } } }, .port = 4000 },
		.to = group,
		.data = { d->bytes, d->len },
	};
	struct grasp_who who = { 0 };
	struct grasp_msg msg;
	struct slice inside;
	size_t len;

	return m->hook.open(m->hook.arg, &in, &inside) &&
	    grasp_msg_decode(inside, &msg, &len) == 0 &&
	    m->hook.verify(m->hook.arg, &in, &msg, inside, len, &who) == GRASP_PASS;
}

/* --- measuring -------------------------------------------------------------------------- */

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
report(const char *what, double rate[ROUNDS])
{
	qsort(rate, ROUNDS, sizeof *rate, compare);
	printf(
	    "{\"what\": \"%s\", \"per_s\": %.0f, \"lowest\": %.0f, \"highest\": %.0f}\n",
	    what, rate[ROUNDS / 2], rate[0], rate[ROUNDS - 1]);
	return rate[ROUNDS / 2];
}

struct plan {
	const char *what;
	enum guard_mode say, hear;
	enum { TRUE_ONES, WRONG_END, BARE } how;
	bool pass;
};

static void
spoil(const struct plan *p, struct datagram *d)
{
	if (p->how == WRONG_END) /* of the signature, or the tag */
		d->bytes[d->len - 1] ^= 1;
	else if (p->how == BARE)
		d->len =
		    (size_t)cbor_item_length((struct slice){ d->bytes, d->len }, d->len);
}

static double
run(const struct plan *p, struct member *from, struct member *to)
{
	double rate[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double begin;

		restart(from, p->say);
		restart(to, p->hear);
		say(from, &said[0]);
		(void)hear(to, &said[0]); /* its certificate is known from now on */
		for (unsigned i = 0; i < COUNT; i++) {
			say(from, &said[i]);
			spoil(p, &said[i]);
		}
		begin = seconds();
		for (unsigned i = 0; i < COUNT; i++)
			if (hear(to, &said[i]) != p->pass)
				abort();
		rate[round] = COUNT / (seconds() - begin);
	}
	return report(p->what, rate);
}

static double
run_saying(const char *what, enum guard_mode mode, struct member *from)
{
	double rate[ROUNDS];

	restart(from, mode);
	for (int round = 0; round < ROUNDS; round++) {
		double begin = seconds();

		for (unsigned i = 0; i < COUNT; i++)
			say(from, &said[i]);
		rate[round] = COUNT / (seconds() - begin);
	}
	return report(what, rate);
}

int
main(void)
{
	static const struct plan plans[] = {
		{ "sealed, opened", GUARD_SEALED, GUARD_SEALED, TRUE_ONES, true },
		{ "sealed, wrong tag", GUARD_SEALED, GUARD_SEALED, WRONG_END, false },
		{ "signed, verified", GUARD_SIGNED, GUARD_SIGNED, TRUE_ONES, true },
		{ "signed, wrong signature", GUARD_SIGNED, GUARD_SIGNED, WRONG_END,
		    false },
		{ "unsigned", GUARD_SIGNED, GUARD_SIGNED, BARE, false },
	};
	double rate[sizeof plans / sizeof *plans];
	struct member from, to;

	if (key_new(KEY_P256, &ca_key) < 0 ||
	    trust_time_new(NULL, tell_wall, tell_boot, NULL, &fog_time) < 0)
		return 1;
	ca = certify(ca_key, NULL);
	prepare(&from);
	prepare(&to);
	run_saying("signing", GUARD_SIGNED, &from);
	run_saying("sealing", GUARD_SEALED, &from);
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
		rate[i] = run(&plans[i], &from, &to);
	printf("{\"what\": \"sealed junk is refused so many times faster than signed "
	       "junk\", "
	       "\"ratio\": %.1f}\n",
	    rate[1] / rate[3]);
	drop(&from);
	drop(&to);
	trust_time_free(fog_time);
	cert_unref(ca);
	key_free(ca_key);
	return 0;
}
