/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams of the fake world. Each end has a queue of segments on their way to the other end;
 * they arrive in order, one send() as one piece, and a segment that is lost or that the filter
 * holds back is tried again, so that a bad network looks as it does to TCP. */
#include "tests/support/io_fake_int.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define RETRY_MS  200  /* until a segment that was lost is sent again */
#define REOPEN_MS 1000 /* the same of an opening (RFC 6298) */
#define LOST_MS	  60000
#define LINGER_MS 2000
#define QUEUE_MAX (256 * 1024)

struct segment {
	STAILQ_ENTRY(segment) entry;
	enum fake_kind kind;
	size_t len;
	uint8_t data[];
};

struct grasp_stream {
	LIST_ENTRY(grasp_stream) entry; /* of the host */
	struct fake_conn *conn;
	struct grasp_stream *other;
	struct fake_host *host; /* NULL: nobody there */
	const struct grasp_stream_ops *ops;
	void *arg;
	struct addr local, peer;
	bool open, opened, proved, paused;
	struct grasp_who who; /* the peer, if it has proved it */
	int64_t closed_ms;
	uint8_t *in; /* received, not used yet */
	size_t in_len;
	STAILQ_HEAD(, segment) out;
	size_t out_len;
	struct fake_event arrival; /* of the first one in out */
	struct fake_event timeout; /* of opening */
	struct fake_event again;   /* what was not used, after a pause */
};

struct fake_conn {
	LIST_ENTRY(fake_conn) entry;
	struct fake_net *net;
	struct grasp_stream end[2]; /* who opened, who accepted */
	unsigned busy;
};

/* --- life ----------------------------------------------------------------------------------- */

static void
clear(struct grasp_stream *s)
{
	struct segment *g;

	fake_unschedule(s->conn->net, &s->arrival);
	while ((g = STAILQ_FIRST(&s->out))) {
		STAILQ_REMOVE_HEAD(&s->out, entry);
		free(g);
	}
	s->out_len = 0;
}

static void
enter_host(struct grasp_stream *s, struct fake_host *h)
{
	s->host = h;
	LIST_INSERT_HEAD(&h->streams, s, entry);
}

static void
leave_host(struct grasp_stream *s)
{
	if (s->host)
		LIST_REMOVE(s, entry);
	s->host = NULL;
}

static void
free_conn(struct fake_conn *c)
{
	for (int i = 0; i < 2; i++) {
		leave_host(&c->end[i]);
		clear(&c->end[i]);
		fake_unschedule(c->net, &c->end[i].timeout);
		fake_unschedule(c->net, &c->end[i].again);
		free(c->end[i].in);
	}
	LIST_REMOVE(c, entry);
	free(c);
}

static void
reap(struct fake_conn *c)
{
	if (c->busy || c->end[0].open || c->end[1].open)
		return;
	if (STAILQ_EMPTY(&c->end[0].out) && STAILQ_EMPTY(&c->end[1].out))
		free_conn(c);
}

/* What waited for it may arrive. */
static void
go_on(struct grasp_stream *s)
{
	struct grasp_stream *o = s->other;

	s->paused = false;
	if (!STAILQ_EMPTY(&o->out) && !o->arrival.place)
		fake_schedule(s->conn->net, &o->arrival, 0);
}

static void
shut(struct grasp_stream *s)
{
	if (s->paused)
		go_on(s);
	fake_unschedule(s->conn->net, &s->again);
	s->open = false;
	s->closed_ms = s->conn->net->now_ms;
	fake_unschedule(s->conn->net, &s->timeout);
}

/* The other end is gone: nothing that this one says arrives any more. */
static void
end_with(struct grasp_stream *s, int err)
{
	shut(s);
	clear(s);
	if (s->ops && s->ops->closed)
		s->ops->closed(s->arg, s, err);
}

/* --- segments ------------------------------------------------------------------------------- */

/* The first one in the queue, after as many attempts as it takes. */
static void
send_first(struct grasp_stream *s)
{
	struct fake_net *net = s->conn->net;
	int64_t again_ms =
	    STAILQ_FIRST(&s->out)->kind == FAKE_OPEN ? REOPEN_MS : RETRY_MS;
	int64_t delay_ms = fake_delay(net);

	for (; fake_is_lost(net) && again_ms < LOST_MS; again_ms *= 2)
		delay_ms += again_ms;
	fake_schedule(net, &s->arrival, delay_ms);
}

static void
push(struct grasp_stream *s, enum fake_kind kind, struct slice data)
{
	struct segment *g = fake_alloc(sizeof *g + data.len);
	struct fake_packet p = { s->conn->net->now_ms, kind, s->local, s->peer, 0, 0,
		data };

	g->kind = kind;
	g->len = data.len;
	if (data.len)
		memcpy(g->data, data.data, data.len);
	fake_record(s->conn->net, &p);
	STAILQ_INSERT_TAIL(&s->out, g, entry);
	s->out_len += g->len;
	if (!s->arrival.place)
		send_first(s);
}

static void
set_accepting_end(struct grasp_stream *s, const struct fake_interface *at)
{
	bool local = addr_is_link_local(&s->other->peer.ip);

	enter_host(s, at->host);
	s->local = s->other->peer;
	s->local.ifindex = at->is.index;
	s->peer = s->other->local;
	s->peer.ifindex = local ? s->local.ifindex : 0;
}

static void
learn_who(struct grasp_stream *s, const struct fake_host *peer)
{
	s->proved = peer->proves;
	s->who = peer->who;
}

static void
take_open(struct grasp_stream *from)
{
	struct grasp_stream *s = from->other;
	const struct fake_interface *i, *at;
	struct fake_host *h;

	if (!from->host)
		return;
	i = fake_interface(from->host, from->local.ifindex);
	at = fake_owner(from->conn->net, &from->peer.ip, i ? i->link : 0);
	if (!at)
		return; /* nobody answers; the opening times out */
	h = at->host;
	s->local = from->peer;
	s->peer = from->local;
	if (!h->events ||
	    (from->peer.port != h->port && from->peer.port != h->query_port)) {
		push(s, FAKE_RESET, (struct slice){ 0 });
		return;
	}
	set_accepting_end(s, at);
	learn_who(s, from->host);
	learn_who(from, h);
	s->open = s->opened = true;
	push(s, FAKE_OPENED, (struct slice){ 0 });
	h->events->accepted(h->arg, s);
}

static void
take_opened(struct grasp_stream *s)
{
	fake_unschedule(s->conn->net, &s->timeout);
	s->opened = true;
	if (s->ops && s->ops->opened)
		s->ops->opened(s->arg, s);
}

static void
give(struct grasp_stream *s)
{
	ssize_t used;

	if (!s->ops || !s->ops->received)
		return;
	used = s->ops->received(s->arg, s, (struct slice){ s->in, s->in_len });
	if (!s->open)
		return;
	if (used < 0) {
		push(s, FAKE_RESET, (struct slice){ 0 });
		shut(s);
		if (s->ops->closed)
			s->ops->closed(s->arg, s, (int)-used);
		return;
	}
	assert((size_t)used <= s->in_len);
	s->in_len -= (size_t)used;
	memmove(s->in, s->in + used, s->in_len);
}

static void
take_data(struct grasp_stream *s, const struct segment *g)
{
	s->in = fake_grow(s->in, s->in_len, s->in_len + g->len);
	memcpy(s->in + s->in_len, g->data, g->len);
	s->in_len += g->len;
	give(s);
}

static void
give_again(struct fake_event *e)
{
	struct grasp_stream *s = container_of(e, struct grasp_stream, again);
	struct fake_conn *c = s->conn;

	c->busy++;
	if (s->in_len > 0)
		give(s);
	c->busy--;
	reap(c);
}

static void
take(struct grasp_stream *s, const struct segment *g)
{
	if (g->kind == FAKE_OPEN)
		take_open(s->other);
	else if (!s->open)
		return;
	else if (g->kind == FAKE_OPENED)
		take_opened(s);
	else if (g->kind == FAKE_DATA)
		take_data(s, g);
	else if (g->kind == FAKE_CLOSE)
		end_with(s, 0);
	else
		end_with(s, s->opened ? ECONNRESET : ECONNREFUSED);
}

static void
arrive(struct fake_event *e)
{
	struct grasp_stream *s = container_of(e, struct grasp_stream, arrival);
	struct fake_conn *c = s->conn;
	struct segment *g = STAILQ_FIRST(&s->out);
	struct fake_packet p = { c->net->now_ms, g->kind, s->local, s->peer, 0, 0,
		{ g->data, g->len } };

	if (s->other->paused)
		return;
	if (!fake_passes(c->net, &p)) {
		if (!s->open && c->net->now_ms > s->closed_ms + LINGER_MS)
			clear(s);
		else
			fake_schedule(c->net, &s->arrival, RETRY_MS);
		reap(c);
		return;
	}
	STAILQ_REMOVE_HEAD(&s->out, entry);
	s->out_len -= g->len;
	c->busy++;
	take(s->other, g);
	c->busy--;
	free(g);
	if (!STAILQ_EMPTY(&s->out) && !s->arrival.place)
		send_first(s);
	reap(c);
}

static void
time_out(struct fake_event *e)
{
	struct grasp_stream *s = container_of(e, struct grasp_stream, timeout);
	struct fake_conn *c = s->conn;

	c->busy++;
	end_with(s, ETIMEDOUT);
	c->busy--;
	reap(c);
}

/* --- struct grasp_io_ops ---------------------------------------------------------------------- */

static const struct in6_addr *
choose_source(const struct fake_host *h, const struct addr *to, uint32_t *ret_ifindex)
{
	bool local = addr_is_link_local(&to->ip);

	for (unsigned i = 0; i < h->interfaces; i++) {
		const struct in6_addr *ip = fake_source(h->interface[i], local);

		if (!ip || (local && h->interface[i]->is.index != to->ifindex))
			continue;
		*ret_ifindex = h->interface[i]->is.index;
		return ip;
	}
	return NULL;
}

static void
init_end(struct fake_conn *c, int i)
{
	c->end[i].conn = c;
	c->end[i].other = &c->end[1 - i];
	c->end[i].arrival.run = arrive;
	c->end[i].timeout.run = time_out;
	c->end[i].again.run = give_again;
	STAILQ_INIT(&c->end[i].out);
}

int
fake_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	struct fake_host *h = container_of(io, struct fake_host, io);
	uint32_t ifindex = 0;
	const struct in6_addr *source = choose_source(h, to, &ifindex);
	struct grasp_stream *s;
	struct fake_conn *c;

	if (fake_fails(h))
		return -h->failure;
	if (!source)
		return -ENETUNREACH;
	c = fake_alloc(sizeof *c);
	c->net = h->net;
	init_end(c, 0);
	init_end(c, 1);
	LIST_INSERT_HEAD(&h->net->conns, c, entry);
	s = &c->end[0];
	enter_host(s, h);
	s->ops = ops;
	s->arg = arg;
	s->open = true;
	s->local =
	    (struct addr){ .ip = *source, .ifindex = ifindex, .port = h->next_port++ };
	s->peer = *to;
	fake_schedule(h->net, &s->timeout, timeout_ms);
	push(s, FAKE_OPEN, (struct slice){ 0 });
	*ret = s;
	return 0;
}

void
fake_stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

int
fake_stream_send(struct grasp_stream *s, struct slice data)
{
	assert(s->open && s->opened);
	if (fake_fails(s->host))
		return -s->host->failure;
	if (s->out_len + data.len > QUEUE_MAX)
		return -ENOBUFS;
	push(s, FAKE_DATA, data);
	return 0;
}

void
fake_stream_close(struct grasp_stream *s, bool abort)
{
	assert(s->open);
	if (abort || !s->opened)
		clear(s);
	shut(s);
	push(s, abort ? FAKE_RESET : FAKE_CLOSE, (struct slice){ 0 });
	reap(s->conn);
}

void
fake_stream_pause(struct grasp_stream *s, bool pause)
{
	assert(s->open);
	if (pause) {
		s->paused = true;
		fake_unschedule(s->conn->net, &s->again);
	} else if (s->paused) {
		fake_schedule(s->conn->net, &s->again, 0);
		go_on(s);
	}
}

void
fake_stream_peer(const struct grasp_stream *s, struct addr *ret)
{
	*ret = s->peer;
}

void
fake_stream_local(const struct grasp_stream *s, struct addr *ret)
{
	*ret = s->local;
}

const struct grasp_who *
fake_stream_who(const struct grasp_stream *s)
{
	return s->proved ? &s->who : NULL;
}

unsigned
fake_streams(const struct fake_host *h)
{
	const struct grasp_stream *s;
	unsigned n = 0;

	LIST_FOREACH(s, &h->streams, entry)
		n += s->open;
	return n;
}

/* As when the power fails. */
void
fake_streams_vanish(struct fake_host *h)
{
	struct grasp_stream *s;

	while ((s = LIST_FIRST(&h->streams))) {
		clear(s);
		shut(s);
		leave_host(s);
		reap(s->conn);
	}
}

void
fake_conns_free(struct fake_net *net)
{
	struct fake_conn *c;

	while ((c = LIST_FIRST(&net->conns)))
		free_conn(c);
}
