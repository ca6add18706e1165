/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/lab.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cbor.h"

struct in6_addr
lab_ip(const char *text)
{
	struct in6_addr ip;
	int ok = inet_pton(AF_INET6, text, &ip);

	assert(ok == 1);
	return ip;
}

struct grasp_initiator
lab_initiator(const char *text)
{
	struct grasp_initiator i = { .len = 16 };
	struct in6_addr ip = lab_ip(text);

	memcpy(i.bytes, ip.s6_addr, sizeof i.bytes);
	return i;
}

struct addr
lab_address(unsigned node)
{
	struct addr a = { .ip = lab_ip("2001:db8::"), .port = GRASP_LISTEN_PORT };

	a.ip.s6_addr[15] = 1 + node;
	return a;
}

struct grasp_objective
lab_objective(const char *name, unsigned flags, struct slice value)
{
	return (struct grasp_objective){ slice_text(name), flags, 0, value };
}

static uint32_t
attach(struct fake_host *h, unsigned number)
{
	char local[40], global[40];

	snprintf(local, sizeof local, "fe80::%x", number);
	snprintf(global, sizeof global, "2001:db8::%x", number);
	return fake_attach(h, 1, local, global, NULL);
}

void
lab_init(struct lab *lab, unsigned nodes, enum lab_wiring wiring)
{
	struct in6_addr scope = lab_ip(LAB_SCOPE);
	struct grasp_config cfg = { .link_local = true };
	int r;

	*lab = (struct lab){ .net = fake_net_new(1), .nodes = nodes };
	if (wiring == LAB_SCOPED) {
		cfg.join = cfg.send = &scope;
		cfg.joins = cfg.sends = 1;
	}
	for (unsigned i = 0; i < nodes; i++) {
		lab->host[i] = fake_host_new(lab->net);
		lab->ifindex[i] = attach(lab->host[i], 1 + i);
		r = grasp_node_new(fake_host_io(lab->host[i]), &cfg, &lab->node[i]);
		assert(r == 0);
	}
	lab->outside = fake_host_new(lab->net);
	lab->outside_ifindex = attach(lab->outside, 0x99);
	fake_run(lab->net, 0);
}

void
lab_done(struct lab *lab)
{
	for (unsigned i = 0; i < lab->nodes; i++)
		grasp_node_free(lab->node[i]);
	fake_net_free(lab->net);
}

/* --- the diary ------------------------------------------------------------------------------ */

static void
note_objective(struct diary *d, const struct grasp_objective *o)
{
	int r = slice_copy(o->name, d->name, sizeof d->name);

	assert(r == 0 && o->value.len <= sizeof d->value);
	d->value_len = o->value.len;
	if (o->value.len)
		memcpy(d->value, o->value.data, o->value.len);
	d->loop_count = o->loop_count;
}

static void
and_then(struct diary *d)
{
	if (d->then)
		d->then(d);
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	struct diary *d = arg;

	d->asked++;
	d->from = from->addr;
	note_objective(d, asked);
	buf_put_slice(ret_value, d->answer);
	and_then(d);
	return !d->refuse;
}

static void
asked(void *arg, struct grasp_session *s, const struct grasp_objective *objective)
{
	struct diary *d = arg;

	d->asked++;
	d->session = s;
	d->link = grasp_session_link(s);
	note_objective(d, objective);
	grasp_session_set(s, &diary_session, d);
	and_then(d);
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct diary *d = arg;

	d->flooded++;
	d->from = from->addr;
	d->locator[0] = *locator;
	d->ttl_ms = ttl_ms;
	note_objective(d, obj);
	and_then(d);
}

const struct grasp_support diary_support = { .discovered = discovered,
	.negotiate = asked,
	.synchronize = asked,
	.flooded = flooded };
const struct grasp_support diary_listener = { .flooded = flooded };

static void
negotiated(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct diary *d = arg;

	d->negotiated++;
	d->session = s;
	note_objective(d, obj);
	and_then(d);
}

static void
synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct diary *d = arg;

	d->synched++;
	d->session = s;
	note_objective(d, obj);
	and_then(d);
}

static void
waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	struct diary *d = arg;

	(void)s;
	d->waited++;
	d->wait_ms = ms;
	and_then(d);
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct diary *d = arg;
	int r = slice_copy(reason, d->reason, sizeof d->reason);

	(void)s;
	assert(r == 0);
	d->ended++;
	d->outcome = outcome;
	and_then(d);
}

const struct grasp_session_ops diary_session = { negotiated, synched, waiting, ended };

static void
opened(void *arg, struct grasp_link *l)
{
	struct diary *d = arg;

	d->opened++;
	d->link = l;
	and_then(d);
}

static void
closed(void *arg, struct grasp_link *l, int err)
{
	struct diary *d = arg;

	(void)l;
	d->closed++;
	d->err = err;
	and_then(d);
}

const struct grasp_link_ops diary_link = { opened, closed };

void
diary_found(void *arg, const struct grasp_found *found)
{
	struct diary *d = arg;

	d->found++;
	d->from = found->from;
	d->ttl_ms = found->ttl_ms;
	d->diverted = found->diverted;
	d->locators = found->locators;
	memcpy(d->locator, found->locator, found->locators * sizeof *found->locator);
	d->has_objective = found->objective != NULL;
	if (found->objective)
		note_objective(d, found->objective);
	and_then(d);
}

void
diary_searched(void *arg, unsigned responses)
{
	struct diary *d = arg;

	d->searched++;
	d->responses = responses;
	and_then(d);
}

/* --- the stranger --------------------------------------------------------------------------- */

static void
stranger_opened(void *arg, struct grasp_stream *stream)
{
	struct stranger *s = arg;

	(void)stream;
	s->opened = true;
}

static ssize_t
stranger_received(void *arg, struct grasp_stream *stream, struct slice data)
{
	struct stranger *s = arg;

	(void)stream;
	assert(s->len + data.len <= sizeof s->in);
	memcpy(s->in + s->len, data.data, data.len);
	s->len += data.len;
	return (ssize_t)data.len;
}

static void
stranger_closed(void *arg, struct grasp_stream *stream, int err)
{
	struct stranger *s = arg;

	(void)stream;
	s->stream = NULL;
	s->closed = true;
	s->err = err;
}

static const struct grasp_stream_ops stranger_ops = { stranger_opened, stranger_received,
	stranger_closed };

void
stranger_connect(struct stranger *s, struct lab *lab, unsigned node)
{
	struct grasp_io *io = fake_host_io(lab->outside);
	struct addr to = lab_address(node);
	int r;

	*s = (struct stranger){ .lab = lab };
	r = io->ops->stream_open(io, &to, 5000, &stranger_ops, s, &s->stream);
	assert(r == 0);
	fake_run(lab->net, 5);
}

static void
accept_any(void *arg, struct grasp_stream *stream)
{
	struct stranger *s = arg;

	s->stream = stream;
	s->opened = true;
	fake_host_io(s->lab->outside)->ops->stream_set(stream, &stranger_ops, s);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static void
ignore_change(void *arg)
{
	(void)arg;
}

void
stranger_listen(struct stranger *s, struct lab *lab)
{
	static const struct grasp_io_events events = { ignore_datagram, accept_any,
		ignore_change };
	struct grasp_io *io = fake_host_io(lab->outside);
	int r;

	*s = (struct stranger){ .lab = lab };
	r = io->ops->bind(io, GRASP_LISTEN_PORT, &events, s);
	assert(r == 0);
}

void
stranger_send(struct stranger *s, struct slice bytes)
{
	int r = fake_host_io(s->lab->outside)->ops->stream_send(s->stream, bytes);

	assert(r == 0);
	fake_run(s->lab->net, 5);
}

void
stranger_say(struct stranger *s, const struct grasp_msg *msg)
{
	uint8_t memory[4096];
	struct buf b;
	int r;

	buf_init_fixed(&b, memory, sizeof memory);
	r = grasp_msg_encode(msg, &b);
	assert(r == 0);
	stranger_send(s, buf_slice(&b));
}

bool
stranger_heard(
    const struct stranger *s, enum grasp_type type, unsigned nth, struct grasp_msg *ret)
{
	struct slice rest = { s->in, s->len };
	size_t len;

	for (; rest.len > 0; rest.data += len, rest.len -= len) {
		int r = grasp_msg_decode(rest, ret, &len);

		assert(r == 0 && len > 0);
		if (ret->type == type && nth-- == 0)
			return true;
	}
	return false;
}

void
stranger_cast(struct lab *lab, unsigned node, const struct grasp_msg *msg,
    const char *from, const char *group)
{
	uint8_t memory[4096];
	struct buf b;
	struct grasp_datagram d = {
		.from = { lab_ip(from), lab->ifindex[node], 4567 },
		.to = lab_ip(group),
		.hop_limit = 1,
	};
	int r;

	buf_init_fixed(&b, memory, sizeof memory);
	r = grasp_msg_encode(msg, &b);
	assert(r == 0);
	d.data = buf_slice(&b);
	fake_inject(lab->host[node], &d);
	fake_run(lab->net, 0);
}
