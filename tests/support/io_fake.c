/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/io_fake_int.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define START_MS      1000000
#define START_WALL_MS 1790000000000

struct grasp_timer {
	LIST_ENTRY(grasp_timer) entry;
	struct fake_event event;
	struct fake_host *host;
	void (*fire)(void *arg);
	void *arg;
};

void *
fake_alloc(size_t size)
{
	/* Not malloc(): the compiler makes calloc() of that and memset(). */
	void *p = aligned_alloc(16, (size + 16) / 16 * 16);

	assert(p);
	return memset(p, 0, size);
}

void *
fake_grow(void *old, size_t old_size, size_t size)
{
	void *p = fake_alloc(size);

	if (old_size)
		memcpy(p, old, old_size);
	free(old);
	return p;
}

/* --- time: a heap of events ----------------------------------------------------------------- */

static bool
is_before(const struct fake_event *a, const struct fake_event *b)
{
	return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

static void
put(struct fake_net *net, size_t place, struct fake_event *e)
{
	net->heap[place] = e;
	e->place = place;
}

static void
settle(struct fake_net *net, size_t place, struct fake_event *e)
{
	size_t child;

	for (; place > 1 && is_before(e, net->heap[place / 2]); place /= 2)
		put(net, place, net->heap[place / 2]);
	while ((child = place * 2) <= net->events) {
		if (child < net->events &&
		    is_before(net->heap[child + 1], net->heap[child]))
			child++;
		if (!is_before(net->heap[child], e))
			break;
		put(net, place, net->heap[child]);
		place = child;
	}
	put(net, place, e);
}

void
fake_unschedule(struct fake_net *net, struct fake_event *e)
{
	size_t place = e->place;
	struct fake_event *last;

	if (!place)
		return;
	e->place = 0;
	last = net->heap[net->events--];
	if (last != e)
		settle(net, place, last);
}

void
fake_schedule(struct fake_net *net, struct fake_event *e, int64_t delay_ms)
{
	fake_unschedule(net, e);
	e->at_ms = net->now_ms + delay_ms;
	e->order = net->order++;
	if (net->events + 2 > net->room) {
		size_t old = net->room * sizeof *net->heap;

		net->room = net->room ? net->room * 2 : 64;
		net->heap = fake_grow(net->heap, old, net->room * sizeof *net->heap);
	}
	net->events++;
	settle(net, net->events, e);
}

static bool
step(struct fake_net *net, int64_t until_ms)
{
	struct fake_event *e = net->events ? net->heap[1] : NULL;

	if (!e || e->at_ms > until_ms)
		return false;
	fake_unschedule(net, e);
	net->now_ms = e->at_ms;
	e->run(e);
	return true;
}

void
fake_run(struct fake_net *net, int64_t ms)
{
	int64_t until_ms = net->now_ms + ms;

	while (step(net, until_ms))
		;
	net->now_ms = until_ms;
}

bool
fake_run_until(struct fake_net *net, bool (*done)(void *arg), void *arg, int64_t max_ms)
{
	int64_t until_ms = net->now_ms + max_ms;

	while (!done(arg))
		if (!step(net, until_ms)) {
			net->now_ms = until_ms;
			return done(arg);
		}
	return true;
}

void
fake_net_wall(struct fake_net *net, int64_t wall_ms)
{
	net->wall_ms = wall_ms - net->now_ms;
}

int64_t
fake_now(const struct fake_net *net)
{
	return net->now_ms;
}

/* --- the world ------------------------------------------------------------------------------ */

uint32_t
fake_random(struct fake_net *net) /* xorshift64* */
{
	net->random ^= net->random >> 12;
	net->random ^= net->random << 25;
	net->random ^= net->random >> 27;
	return (net->random * 0x2545f4914f6cdd1dULL) >> 32;
}

struct fake_net *
fake_net_new(uint64_t seed)
{
	struct fake_net *net = fake_alloc(sizeof *net);

	net->random = seed ? seed : 1;
	net->now_ms = START_MS;
	net->wall_ms = START_WALL_MS;
	net->delay_min_ms = net->delay_max_ms = 1;
	net->captures = true;
	TAILQ_INIT(&net->hosts);
	LIST_INIT(&net->conns);
	return net;
}

void
fake_net_free(struct fake_net *net)
{
	struct fake_host *h;

	if (!net)
		return;
	while ((h = TAILQ_FIRST(&net->hosts)))
		fake_host_free(h);
	fake_conns_free(net);
	fake_links_free(net);
	fake_net_capture(net, false);
	free(net->packet);
	free(net->heap);
	free(net);
}

void
fake_net_delay(struct fake_net *net, int64_t min_ms, int64_t max_ms)
{
	net->delay_min_ms = min_ms;
	net->delay_max_ms = max_ms;
}

void
fake_net_loss(struct fake_net *net, unsigned percent)
{
	net->loss_percent = percent;
}

void
fake_net_filter(
    struct fake_net *net, bool (*pass)(void *arg, const struct fake_packet *p), void *arg)
{
	net->pass = pass;
	net->pass_arg = arg;
}

void
fake_net_route(struct fake_net *net, bool on)
{
	net->routes = on;
}

int64_t
fake_delay(struct fake_net *net)
{
	int64_t span = net->delay_max_ms - net->delay_min_ms;

	return net->delay_min_ms + (span > 0 ? fake_random(net) % (span + 1) : 0);
}

bool
fake_passes(struct fake_net *net, const struct fake_packet *p)
{
	return !net->pass || net->pass(net->pass_arg, p);
}

bool
fake_is_lost(struct fake_net *net)
{
	return net->loss_percent && fake_random(net) % 100 < net->loss_percent;
}

/* --- what was sent -------------------------------------------------------------------------- */

void
fake_net_capture(struct fake_net *net, bool on)
{
	net->captures = on;
	for (size_t i = 0; i < net->packets; i++)
		free((void *)net->packet[i].data.data);
	net->packets = 0;
}

void
fake_record(struct fake_net *net, const struct fake_packet *p)
{
	uint8_t *copy;

	if (!net->captures)
		return;
	if (net->packets == net->packet_room) {
		size_t old = net->packet_room * sizeof *net->packet;

		net->packet_room = net->packet_room ? net->packet_room * 2 : 64;
		net->packet =
		    fake_grow(net->packet, old, net->packet_room * sizeof *net->packet);
	}
	copy = fake_alloc(p->data.len);
	if (p->data.len)
		memcpy(copy, p->data.data, p->data.len);
	net->packet[net->packets] = *p;
	net->packet[net->packets++].data.data = copy;
}

size_t
fake_packets(const struct fake_net *net)
{
	return net->packets;
}

const struct fake_packet *
fake_packet(const struct fake_net *net, size_t i)
{
	return i < net->packets ? &net->packet[i] : NULL;
}

const struct fake_packet *
fake_message(const struct fake_net *net, enum grasp_type type, unsigned nth,
    struct grasp_msg *ret_msg)
{
	for (size_t i = 0; i < net->packets; i++) {
		struct grasp_msg msg;
		size_t len;

		if (!net->packet[i].data.len)
			continue;
		if (grasp_msg_decode(net->packet[i].data, &msg, &len) < 0 ||
		    msg.type != type)
			continue;
		if (nth-- > 0)
			continue;
		if (ret_msg && grasp_msg_decode(net->packet[i].data, ret_msg, &len) < 0)
			return NULL;
		return &net->packet[i];
	}
	return NULL;
}

unsigned
fake_count(const struct fake_net *net, enum grasp_type type)
{
	unsigned n = 0;

	while (fake_message(net, type, n, NULL))
		n++;
	return n;
}

/* --- hosts ----------------------------------------------------------------------------------- */

bool
fake_fails(struct fake_host *h)
{
	if (h->failures == 0)
		return false;
	h->failures--;
	return true;
}

void
fake_fail(struct fake_host *h, unsigned n, int err)
{
	h->failures = n;
	h->failure = err;
}

static void
tell_changed(struct fake_event *e)
{
	struct fake_host *h = container_of(e, struct fake_host, changed);

	if (h->events && h->events->interfaces_changed)
		h->events->interfaces_changed(h->arg);
}

uint16_t
fake_query_port(const struct fake_host *h)
{
	return h->query_port;
}

/* --- struct grasp_io_ops: time and chance ----------------------------------------------------- */

static struct fake_host *
host_of(struct grasp_io *io)
{
	return container_of(io, struct fake_host, io);
}

static int64_t
now(struct grasp_io *io)
{
	return host_of(io)->net->now_ms;
}

static int64_t
wall(struct grasp_io *io)
{
	const struct fake_net *net = host_of(io)->net;

	return net->wall_ms + net->now_ms;
}

static void
random_bytes(struct grasp_io *io, void *dst, size_t len)
{
	uint8_t *byte = dst;

	for (size_t i = 0; i < len; i++)
		byte[i] = fake_random(host_of(io)->net) >> 13;
}

static void
fire(struct fake_event *e)
{
	struct grasp_timer *t = container_of(e, struct grasp_timer, event);

	t->fire(t->arg);
}

static int
timer_new(
    struct grasp_io *io, void (*callback)(void *arg), void *arg, struct grasp_timer **ret)
{
	struct fake_host *h = host_of(io);
	struct grasp_timer *t;

	if (fake_fails(h))
		return -h->failure;
	t = fake_alloc(sizeof *t);
	t->event.run = fire;
	t->host = h;
	t->fire = callback;
	t->arg = arg;
	LIST_INSERT_HEAD(&h->timers, t, entry);
	*ret = t;
	return 0;
}

static void
timer_set(struct grasp_timer *t, int64_t delay_ms)
{
	fake_schedule(t->host->net, &t->event, delay_ms);
}

static void
timer_stop(struct grasp_timer *t)
{
	fake_unschedule(t->host->net, &t->event);
}

static void
timer_free(struct grasp_timer *t)
{
	if (!t)
		return;
	timer_stop(t);
	LIST_REMOVE(t, entry);
	free(t);
}

/* --- struct grasp_io_ops: all of them ---------------------------------------------------------- */

static int
bind_host(struct grasp_io *io, uint16_t port, const struct grasp_io_events *ev, void *arg)
{
	struct fake_host *h = host_of(io);

	if (fake_fails(h))
		return -h->failure;
	h->events = ev;
	h->arg = arg;
	h->port = port;
	h->query_port = h->next_port++;
	return 0;
}

static void
unbind_host(struct grasp_io *io)
{
	struct fake_host *h = host_of(io);

	h->events = NULL;
	for (unsigned i = 0; i < h->interfaces; i++)
		h->interface[i]->groups = 0;
}

static const struct grasp_io_ops ops = {
	.now = now,
	.wall = wall,
	.random = random_bytes,
	.timer_new = timer_new,
	.timer_set = timer_set,
	.timer_stop = timer_stop,
	.timer_free = timer_free,
	.bind = bind_host,
	.unbind = unbind_host,
	.interfaces = fake_interfaces,
	.group_join = fake_group_join,
	.group_send = fake_group_send,
	.stream_open = fake_stream_open,
	.stream_set = fake_stream_set,
	.stream_send = fake_stream_send,
	.stream_close = fake_stream_close,
	.stream_pause = fake_stream_pause,
	.stream_peer = fake_stream_peer,
	.stream_local = fake_stream_local,
	.stream_who = fake_stream_who,
};

struct fake_host *
fake_host_new(struct fake_net *net)
{
	struct fake_host *h = fake_alloc(sizeof *h);

	h->net = net;
	h->io.ops = &ops;
	h->next_port = 40000;
	h->changed.run = tell_changed;
	LIST_INIT(&h->timers);
	LIST_INIT(&h->letters);
	LIST_INIT(&h->streams);
	TAILQ_INSERT_TAIL(&net->hosts, h, entry);
	return h;
}

struct grasp_io *
fake_host_io(struct fake_host *h)
{
	return &h->io;
}

void
fake_host_prove(struct fake_host *h, const struct grasp_who *who)
{
	h->proves = who != NULL;
	if (who)
		h->who = *who;
}

void
fake_host_free(struct fake_host *h)
{
	struct grasp_timer *t;

	fake_unschedule(h->net, &h->changed);
	fake_streams_vanish(h);
	fake_letters_free(h);
	while ((t = LIST_FIRST(&h->timers)))
		timer_free(t);
	fake_detach_all(h);
	TAILQ_REMOVE(&h->net->hosts, h, entry);
	free(h);
}
