/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of channels share: an agent and a controller, each with a channel on a host of the
 * fake world, and a host outside with nothing but TCP. For one test program each. */
#pragma once
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/tls.h"
#include "grasp/const.h"
#include "tests/support/domain.h"
#include "tests/support/io_fake.h"
#include "trust/channel.h"

#define TEXT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

/* --- an owner of a stream ------------------------------------------------------------------- */

struct end {
	const struct grasp_io_ops *io;
	struct grasp_stream *stream; /* NULL: closed */
	unsigned opened, closed, received;
	int err;
	char in[300000];
	size_t len;
	size_t leaves; /* bytes that received() does not use, if so many came */
	int answer;    /* what received() returns instead, if negative */
	bool has_who;
	struct grasp_who who;
	void (*then)(struct end *e); /* what the callbacks do after noting */
};

static inline void
end_look(struct end *e)
{
	const struct grasp_who *who =
	    e->io->stream_who ? e->io->stream_who(e->stream) : NULL;

	e->has_who = who;
	if (who)
		e->who = *who;
}

static inline void
end_opened(void *arg, struct grasp_stream *s)
{
	struct end *e = arg;

	assert_ptr_equal(s, e->stream);
	e->opened++;
	end_look(e);
	if (e->then)
		e->then(e);
}

static inline ssize_t
end_received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct end *e = arg;

	assert_ptr_equal(s, e->stream);
	e->received++;
	if (e->answer < 0)
		return e->answer;
	if (data.len <= e->leaves)
		return 0;
	data.len -= e->leaves;
	assert_true(e->len + data.len <= sizeof e->in);
	memcpy(e->in + e->len, data.data, data.len);
	e->len += data.len;
	if (e->then)
		e->then(e);
	return (ssize_t)data.len;
}

static inline void
end_closed(void *arg, struct grasp_stream *s, int err)
{
	struct end *e = arg;

	e->closed++;
	e->err = err;
	if (e->then)
		e->then(e);
	if (e->stream == s) /* a party notes the last one that it has accepted */
		e->stream = NULL;
}

static const struct grasp_stream_ops end_ops = { end_opened, end_received, end_closed };

static inline void
end_close(struct end *e)
{
	struct grasp_stream *s = e->stream;

	e->stream = NULL;
	e->io->stream_close(s, false);
}

static inline bool
end_has(const struct end *e, const char *text)
{
	return e->len == strlen(text) && memcmp(e->in, text, e->len) == 0;
}

/* --- the world ------------------------------------------------------------------------------ */

enum { AGENT, CONTROLLER, OUTSIDE, HOSTS };

struct party {
	struct fake_host *host;
	uint32_t ifindex;
	struct member member;
	struct grasp_io *io;
	struct channel_config cfg;
	struct end accepted; /* the last one */
	unsigned accepts, operates;
	struct trust_name operator_;
	bool deaf; /* does not want what is accepted */
	unsigned refusals;
	enum channel_refusal why;
	char text[80];
};
struct fixture {
	struct fake_net *net;
	struct domain domain;
	struct party party[HOSTS];
	struct end end; /* the agent's */
};
static struct fixture f;

static inline void
party_take(struct party *p, struct grasp_stream *s)
{
	if (p->deaf)
		return;
	p->accepted.io = p->io->ops;
	p->accepted.stream = s;
	p->io->ops->stream_set(s, &end_ops, &p->accepted);
	end_look(&p->accepted);
}

static inline void
party_accepted(void *arg, struct grasp_stream *s)
{
	struct party *p = arg;

	p->accepts++;
	party_take(p, s);
}

static inline void
party_operate(void *arg, struct grasp_stream *s, const struct trust_name *who)
{
	struct party *p = arg;

	p->operates++;
	p->operator_ = *who;
	party_take(p, s);
}

static inline void
party_refused(
    void *arg, const struct addr *peer, enum channel_refusal why, const char *text)
{
	struct party *p = arg;

	(void)peer;
	p->refusals++;
	p->why = why;
	snprintf(p->text, sizeof p->text, "%s", text);
}

static inline void
party_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static const struct grasp_io_events party_events = { .datagram = party_datagram,
	.accepted = party_accepted };

static inline void
party_attach(struct party *p, unsigned number)
{
	char local[16], global[24];

	snprintf(local, sizeof local, "fe80::%x", number);
	snprintf(global, sizeof global, "2001:db8::%x", number);
	p->host = fake_host_new(f.net);
	p->ifindex = fake_attach(p->host, 1, local, global, NULL);
}

/* On inner, which is its host's own io or something between. */
static inline void
party_open_channel(struct party *p, struct grasp_io *inner)
{
	p->cfg.inner = inner;
	p->cfg.self = p->member.self;
	p->cfg.refused = party_refused;
	p->cfg.arg = p;
	assert_int_equal(channel_new(&p->cfg, &p->io), 0);
	assert_int_equal(
	    p->io->ops->bind(p->io, GRASP_LISTEN_PORT, &party_events, p), 0);
}

static inline const struct channel_counters *
counters(const struct party *p)
{
	return channel_counters(p->io);
}

static inline struct addr
address_of(unsigned number)
{
	struct addr a = { .port = GRASP_LISTEN_PORT };

	inet_pton(AF_INET6, "2001:db8::", &a.ip);
	a.ip.s6_addr[14] = (uint8_t)(number >> 8);
	a.ip.s6_addr[15] = (uint8_t)number;
	return a;
}

static inline void
open_end(struct party *p, unsigned to, struct end *e)
{
	struct addr a = address_of(to + 1);

	e->io = p->io->ops;
	assert_int_equal(
	    p->io->ops->stream_open(p->io, &a, 10000, &end_ops, e, &e->stream), 0);
}

static inline void
run(int64_t ms)
{
	fake_run(f.net, ms);
}

static inline int
setup_world(void)
{
	memset(&f, 0, sizeof f);
	f.net = fake_net_new(1);
	fake_net_capture(f.net, false);
	domain_init(&f.domain, "plant-7");
	for (unsigned i = 0; i < HOSTS; i++)
		party_attach(&f.party[i], i + 1);
	return 0;
}

static inline void
make_controller(void)
{
	struct party *c = &f.party[CONTROLLER];

	member_init(&c->member, &f.domain, TRUST_CONTROLLER);
	c->cfg.accept = TRUST_BIT(TRUST_AGENT);
	c->cfg.open = TRUST_BIT(TRUST_AGENT);
	c->cfg.join = true;
	c->cfg.operate = party_operate;
	party_open_channel(c, fake_host_io(c->host));
}

static inline void
make_agent(void)
{
	struct party *a = &f.party[AGENT];

	member_init(&a->member, &f.domain, TRUST_AGENT);
	a->cfg.accept = TRUST_BIT(TRUST_CONTROLLER);
	a->cfg.open = TRUST_BIT(TRUST_CONTROLLER);
	party_open_channel(a, fake_host_io(a->host));
}

static inline int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HOSTS; i++) {
		channel_free(f.party[i].io);
		member_done(&f.party[i].member);
	}
	fake_net_free(f.net);
	domain_done(&f.domain);
	return 0;
}

/* --- somebody who does TLS by hand, and not as we would --------------------------------------- */

struct outsider {
	struct grasp_io *io;
	struct grasp_stream *stream;
	struct tls_context *context;
	struct tls *tls;
	struct tls_self self; /* len 0: shows nothing */
	bool opened, closed, mute; /* mute: says no more than ClientHello */
	char in[256];
	size_t len;
};

static inline bool
outsider_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	struct outsider *x = arg;

	(void)t;
	(void)hint;
	*ret = x->self;
	return true; /* len 0: none */
}

static inline int
outsider_verify(
    void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	(void)arg;
	(void)t;
	(void)chain;
	(void)len;
	(void)why;
	return 0;
}

static inline void
outsider_take(struct outsider *x, struct slice data)
{
	uint8_t memory[16384];
	struct buf plain, wire;

	buf_init_fixed(&plain, memory, sizeof memory);
	buf_init(&wire, 65536);
	(void)!tls_take(x->tls, data, &plain, &wire);
	if (wire.pos > 0 && x->stream)
		x->io->ops->stream_send(x->stream, buf_slice(&wire));
	if (plain.pos > 0 && plain.pos <= sizeof x->in - x->len) {
		memcpy(x->in + x->len, plain.data, plain.pos);
		x->len += plain.pos;
	}
	buf_done(&wire);
}

static inline void
outsider_opened(void *arg, struct grasp_stream *s)
{
	struct outsider *x = arg;

	(void)s;
	x->opened = true;
	if (x->tls)
		outsider_take(x, (struct slice){ 0 });
}

static inline ssize_t
outsider_received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct outsider *x = arg;

	(void)s;
	if (x->tls && !x->mute)
		outsider_take(x, data);
	return (ssize_t)data.len;
}

static inline void
outsider_closed(void *arg, struct grasp_stream *s, int err)
{
	struct outsider *x = arg;

	(void)s;
	(void)err;
	x->closed = true;
	x->stream = NULL;
}

static const struct grasp_stream_ops outsider_ops = { outsider_opened, outsider_received,
	outsider_closed };

/* alpn NULL: TCP alone. The rest of *x is set before. */
static inline void
outsider_connect(struct outsider *x, struct fake_host *from, unsigned to, const char *alpn)
{
	struct tls_setup setup = { .self = outsider_self, .verify = outsider_verify };
	struct addr a = address_of(to + 1);

	x->io = fake_host_io(from);
	if (alpn) {
		assert_int_equal(tls_context_new(&setup, &x->context), 0);
		assert_int_equal(
		    tls_new_client(x->context, alpn, NULL, x, &x->tls), 0);
	}
	assert_int_equal(
	    x->io->ops->stream_open(x->io, &a, 10000, &outsider_ops, x, &x->stream), 0);
}

static inline void
outsider_say(struct outsider *x, struct slice plain)
{
	struct buf wire;

	buf_init(&wire, 65536);
	assert_int_equal(tls_put(x->tls, plain, &wire), 0);
	assert_int_equal(x->io->ops->stream_send(x->stream, buf_slice(&wire)), 0);
	buf_done(&wire);
}

static inline void
outsider_done(struct outsider *x)
{
	if (x->stream)
		x->io->ops->stream_close(x->stream, true);
	tls_free(x->tls);
	tls_context_free(x->context);
	*x = (struct outsider){ 0 };
}
