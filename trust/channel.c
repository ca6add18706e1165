/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a channel, its two timers, and what it hands on to the io below. */
#include "trust/channel_int.h"

#include <errno.h>

static struct channel *
channel_of(const struct grasp_io *io)
{
	return container_of((struct grasp_io *)(uintptr_t)io, struct channel, base);
}

const char *
channel_refusal_name(enum channel_refusal r)
{
	static const char *const names[CHANNEL_REFUSALS] = {
		[CHANNEL_PLAIN] = "plain",
		[CHANNEL_SLOW] = "slow",
		[CHANNEL_CROWDED] = "crowded",
		[CHANNEL_BROKEN] = "broken",
		[CHANNEL_UNTRUSTED] = "untrusted",
		[CHANNEL_EXPIRED] = "expired",
		[CHANNEL_REVOKED] = "revoked",
	};

	return r < CHANNEL_REFUSALS ? names[r] : "unknown";
}

/* --- handed on -------------------------------------------------------------------------------- */

static int64_t
now(struct grasp_io *io)
{
	return channel_now(channel_of(io));
}

static int64_t
wall(struct grasp_io *io)
{
	struct grasp_io *inner = channel_of(io)->inner;

	return inner->ops->wall(inner);
}

static void
draw_random(struct grasp_io *io, void *dst, size_t len)
{
	struct grasp_io *inner = channel_of(io)->inner;

	inner->ops->random(inner, dst, len);
}

static int
timer_new(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	struct grasp_io *inner = channel_of(io)->inner;

	return inner->ops->timer_new(inner, fire, arg, ret);
}

static int
interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct grasp_io *inner = channel_of(io)->inner;

	return inner->ops->interfaces(inner, dst);
}

static int
group_join(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group)
{
	struct grasp_io *inner = channel_of(io)->inner;

	return inner->ops->group_join(inner, ifindex, group);
}

static int
group_send(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data)
{
	struct grasp_io *inner = channel_of(io)->inner;

	return inner->ops->group_send(inner, ifindex, group, hops, data);
}

/* --- binding ---------------------------------------------------------------------------------- */

static void
datagram(void *arg, const struct grasp_datagram *d)
{
	struct channel *ch = arg;

	ch->events->datagram(ch->events_arg, d);
}

static void
accepted(void *arg, struct grasp_stream *inner)
{
	channel_stream_accept(arg, inner);
}

static void
interfaces_changed(void *arg)
{
	struct channel *ch = arg;

	if (ch->events->interfaces_changed)
		ch->events->interfaces_changed(ch->events_arg);
}

static const struct grasp_io_events inner_events = { datagram, accepted,
	interfaces_changed };

static int
bind_inner(
    struct grasp_io *io, uint16_t port, const struct grasp_io_events *ev, void *arg)
{
	struct channel *ch = channel_of(io);
	int err;

	if (ch->events)
		return -EALREADY;
	ch->events = ev;
	ch->events_arg = arg;
	err = ch->inner->ops->bind(ch->inner, port, &inner_events, ch);
	if (err < 0)
		ch->events = NULL;
	return err;
}

static void
drop_all(struct channel_streams *list)
{
	struct channel_stream *s;

	while ((s = TAILQ_FIRST(list)))
		channel_stream_drop(s);
}

/* Nobody is there any more to whom strangers could be announced. */
static void
unbind(struct grasp_io *io)
{
	struct channel *ch = channel_of(io);

	ch->inner->ops->unbind(ch->inner);
	drop_all(&ch->strangers);
	ch->events = NULL;
}

/* --- clocks ----------------------------------------------------------------------------------- */

int64_t
channel_now(const struct channel *ch)
{
	return grasp_io_now(ch->inner);
}

void
channel_run_soon(struct channel *ch)
{
	ch->inner->ops->timer_set(ch->turn, 0);
}

/* A few handshakes, and fewer where they take long; one, where live sessions wait for their turn. */
static void
work_on_strangers(struct channel *ch)
{
	unsigned most = TAILQ_EMPTY(&ch->open) ? CHANNEL_HANDSHAKES_TURN : 1;
	int64_t began_ms = channel_now(ch);
	struct channel_stream *s;

	for (unsigned i = 0; i < most; i++) {
		s = TAILQ_FIRST(&ch->queue);
		if (!s || channel_now(ch) > began_ms + CHANNEL_TURN_MS)
			return;
		(void)channel_stream_work(s);
	}
}

static void
run_turn(void *arg)
{
	struct channel *ch = arg;
	struct channel_stream *s;

	work_on_strangers(ch);
	while ((s = TAILQ_FIRST(&ch->again)))
		channel_stream_give_again(s);
	while ((s = TAILQ_FIRST(&ch->ended)))
		channel_stream_tell_ended(s);
	if (!TAILQ_EMPTY(&ch->queue))
		channel_run_soon(ch);
}

static void
set_clock(struct channel *ch, int64_t at_ms)
{
	int64_t delay_ms = at_ms - channel_now(ch);

	ch->clock_ms = at_ms;
	ch->inner->ops->timer_set(
	    ch->clock, delay_ms > CHANNEL_TICK_MS ? delay_ms : CHANNEL_TICK_MS);
}

void
channel_set_deadline(struct channel_stream *s, int64_t delay_ms)
{
	struct channel *ch = s->channel;

	s->deadline_ms = channel_now(ch) + delay_ms;
	if (s->deadline_ms < ch->clock_ms)
		set_clock(ch, s->deadline_ms);
}

/* Ends what is overdue in the list; returns the first deadline of the others. */
static int64_t
end_overdue(const struct channel_streams *list, int64_t at_ms)
{
	struct channel_stream *s, *next;
	int64_t first = INT64_MAX;

	for (s = TAILQ_FIRST(list); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->deadline_ms <= at_ms)
			channel_stream_overdue(s);
		else if (s->deadline_ms < first)
			first = s->deadline_ms;
	}
	return first;
}

static void
run_clock(void *arg)
{
	struct channel *ch = arg;
	int64_t at_ms = channel_now(ch), strangers, opening;

	ch->clock_ms = INT64_MAX;
	strangers = end_overdue(&ch->strangers, at_ms);
	opening = end_overdue(&ch->opening, at_ms);
	if (opening < strangers)
		strangers = opening;
	if (strangers < ch->clock_ms)
		set_clock(ch, strangers);
}

/* --- trust ends ------------------------------------------------------------------------------- */

static void
recheck_list(const struct channel_streams *list)
{
	struct channel_stream *s, *next;

	for (s = TAILQ_FIRST(list); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!channel_is_trusted(s))
			channel_stream_end(s, EKEYREVOKED);
	}
}

void
channel_recheck(struct grasp_io *io)
{
	struct channel *ch = channel_of(io);

	recheck_list(&ch->open);
	recheck_list(&ch->joining);
}

const struct channel_counters *
channel_counters(const struct grasp_io *io)
{
	return &channel_of(io)->counters;
}

/* --- life ------------------------------------------------------------------------------------- */

static int
make_contexts(struct channel *ch)
{
	struct tls_setup setup = { .self = channel_show_self, .verify = channel_judge };
	size_t n = 0;
	int err = tls_context_new(&setup, &ch->client);

	if (err < 0)
		return err;
	setup.alpn[n++] = CHANNEL_ALPN_GRASP;
	if (ch->cfg.join)
		setup.alpn[n++] = CHANNEL_ALPN_JOIN;
	if (ch->cfg.operate)
		setup.alpn[n++] = CHANNEL_ALPN_CTL;
	return tls_context_new(&setup, &ch->server);
}

static int
make_timers(struct channel *ch)
{
	const struct grasp_io_ops *io = ch->inner->ops;
	int err = io->timer_new(ch->inner, run_turn, ch, &ch->turn);

	return err < 0 ? err : io->timer_new(ch->inner, run_clock, ch, &ch->clock);
}

/* Timers and streams are the inner io's own, but for what is said here. */
static void
init_ops(struct channel *ch)
{
	ch->ops = *ch->inner->ops;
	ch->ops.now = now;
	ch->ops.wall = wall;
	ch->ops.random = draw_random;
	ch->ops.timer_new = timer_new;
	ch->ops.bind = bind_inner;
	ch->ops.unbind = unbind;
	ch->ops.interfaces = interfaces;
	ch->ops.group_join = group_join;
	ch->ops.group_send = group_send;
	channel_stream_ops(&ch->ops);
	ch->base.ops = &ch->ops;
}

static void
init(struct channel *ch)
{
	TAILQ_INIT(&ch->strangers);
	TAILQ_INIT(&ch->opening);
	TAILQ_INIT(&ch->open);
	TAILQ_INIT(&ch->joining);
	TAILQ_INIT(&ch->ended);
	TAILQ_INIT(&ch->queue);
	TAILQ_INIT(&ch->again);
	buf_init(&ch->plain, CHANNEL_PIECE_MAX);
	buf_init(&ch->wire, CHANNEL_PIECE_MAX);
	ch->clock_ms = INT64_MAX;
	init_ops(ch);
	draw_random(&ch->base, &ch->seed, sizeof ch->seed);
}

int
channel_new(const struct channel_config *cfg, struct grasp_io **ret)
{
	struct channel *ch = calloc(1, sizeof *ch);
	int err;

	if (!ch)
		return -ENOMEM;
	ch->cfg = *cfg;
	ch->inner = cfg->inner;
	init(ch);
	err = make_timers(ch);
	if (err == 0)
		err = make_contexts(ch);
	if (err < 0) {
		channel_free(&ch->base);
		return err;
	}
	*ret = &ch->base;
	return 0;
}

void
channel_free(struct grasp_io *io)
{
	struct channel *ch;

	if (!io)
		return;
	ch = channel_of(io);
	if (ch->events)
		unbind(io);
	drop_all(&ch->strangers);
	drop_all(&ch->opening);
	drop_all(&ch->open);
	drop_all(&ch->joining);
	drop_all(&ch->ended);
	ch->inner->ops->timer_free(ch->turn);
	ch->inner->ops->timer_free(ch->clock);
	tls_context_free(ch->server);
	tls_context_free(ch->client);
	cert_unref(ch->passport);
	buf_done(&ch->plain);
	buf_done(&ch->wire);
	free(ch);
}
