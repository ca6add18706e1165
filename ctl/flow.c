/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/flow.h"
#include "grasp/const.h"

#include <string.h>

void
flows_init(struct flows *all)
{
	TAILQ_INIT(&all->list);
	all->count = 0;
}

static void
drop_segment(struct flow *f, struct segment *s)
{
	TAILQ_REMOVE(&f->ahead, s, entry);
	f->aheads--;
	f->ahead_bytes -= s->len;
	free(s);
}

static void
begin_message(struct flow *f)
{
	cbor_scan_init(&f->scan, GRASP_UNICAST_MAX);
}

static void
clear(struct flow *f)
{
	struct segment *s;

	while ((s = TAILQ_FIRST(&f->ahead)))
		drop_segment(f, s);
	buf_reset(&f->pending);
	begin_message(f);
}

static void
drop_flow(struct flows *all, struct flow *f)
{
	TAILQ_REMOVE(&all->list, f, entry);
	all->count--;
	clear(f);
	buf_done(&f->pending);
	free(f);
}

void
flows_done(struct flows *all)
{
	struct flow *f;

	while ((f = TAILQ_FIRST(&all->list)))
		drop_flow(all, f);
}

void
flow_used(struct flow *f, size_t n)
{
	if (n == f->pending.pos)
		buf_reset(&f->pending);
	else
		buf_drop(&f->pending, n);
	begin_message(f);
}

void
flow_set(struct flow *f, enum flow_state state)
{
	f->state = state;
	if (state == FLOW_OTHER || state == FLOW_TLS)
		clear(f);
}

static struct flow *
flow_new(struct flows *all, const struct packet *p)
{
	struct flow *f = calloc(1, sizeof *f);

	if (!f)
		return NULL;
	if (all->count == FLOWS_MAX)
		drop_flow(all, TAILQ_LAST(&all->list, flow_list));
	f->from = p->from;
	f->to = p->to;
	TAILQ_INIT(&f->ahead);
	buf_init(&f->pending, FLOW_BYTES_MAX);
	begin_message(f);
	TAILQ_INSERT_HEAD(&all->list, f, entry);
	all->count++;
	return f;
}

static struct flow *
find(struct flows *all, const struct packet *p)
{
	struct flow *f;

	TAILQ_FOREACH(f, &all->list, entry)
		if (addr_equal(&f->from, &p->from) && addr_equal(&f->to, &p->to)) {
			TAILQ_REMOVE(&all->list, f, entry);
			TAILQ_INSERT_HEAD(&all->list, f, entry);
			return f;
		}
	return flow_new(all, p);
}

/* --- order ------------------------------------------------------------------------------------- */

static int32_t
distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

/* Sorted by sequence number; what is there already is not kept twice. */
static void
keep_ahead(struct flow *f, uint32_t sequence, struct slice data)
{
	struct segment *s, *before = NULL;

	TAILQ_FOREACH(s, &f->ahead, entry) {
		if (s->sequence == sequence && s->len >= data.len)
			return;
		if (distance(s->sequence, sequence) >= 0)
			before = s;
	}
	s = malloc(sizeof *s + data.len);
	if (!s)
		return;
	s->sequence = sequence;
	s->len = data.len;
	memcpy(s->data, data.data, data.len);
	if (before)
		TAILQ_INSERT_AFTER(&f->ahead, before, s, entry);
	else
		TAILQ_INSERT_HEAD(&f->ahead, s, entry);
	f->aheads++;
	f->ahead_bytes += data.len;
}

/* What of the data was not there yet. True: it goes on where the flow is. */
static bool
is_next(const struct flow *f, uint32_t sequence, struct slice *data)
{
	int32_t old = distance(sequence, f->next);

	if (old < 0)
		return false;
	if ((size_t)old >= data->len) {
		data->len = 0;
		return true;
	}
	data->data += old;
	data->len -= (size_t)old;
	return true;
}

static void
append(struct flows *all, struct flow *f, struct slice data, const struct packet *p)
{
	if (data.len == 0)
		return;
	f->next += (uint32_t)data.len;
	buf_put_slice(&f->pending, data);
	all->received(all->arg, f, p);
}

static void
take_ahead(struct flows *all, struct flow *f, const struct packet *p)
{
	struct segment *s;
	struct slice data;

	while ((s = TAILQ_FIRST(&f->ahead))) {
		data = (struct slice){ s->data, s->len };
		if (!is_next(f, s->sequence, &data))
			return;
		TAILQ_REMOVE(&f->ahead, s, entry);
		f->aheads--;
		f->ahead_bytes -= s->len;
		append(all, f, data, p);
		free(s);
	}
}

/* Goes on behind bytes that the capture does not have. */
static void
skip_to(struct flows *all, struct flow *f, uint32_t sequence, const struct packet *p)
{
	uint32_t bytes = sequence - f->next;

	all->gap(all->arg, f, p, bytes);
	f->next = sequence;
	f->aligned = false;
	buf_reset(&f->pending);
	begin_message(f);
}

static bool
is_impatient(const struct flow *f, const struct packet *p)
{
	return f->aheads > FLOW_AHEAD_MAX || f->ahead_bytes > FLOW_BYTES_MAX / 2 ||
	    p->flags & (TCP_FIN | TCP_RST);
}

static void
give_up_waiting(struct flows *all, struct flow *f, const struct packet *p)
{
	while (!TAILQ_EMPTY(&f->ahead)) {
		skip_to(all, f, TAILQ_FIRST(&f->ahead)->sequence, p);
		take_ahead(all, f, p);
	}
}

static void
begin(struct flow *f, const struct packet *p)
{
	bool syn = p->flags & TCP_SYN;

	clear(f);
	f->state = FLOW_UNKNOWN;
	f->begun = true;
	f->aligned = syn;
	f->next = p->sequence + syn;
}

static void
add_data(struct flows *all, struct flow *f, const struct packet *p)
{
	struct slice data = p->payload;
	uint32_t sequence = p->sequence + !!(p->flags & TCP_SYN);

	if (is_next(f, sequence, &data)) {
		append(all, f, data, p);
		take_ahead(all, f, p);
	} else if (data.len && f->state != FLOW_OTHER && f->state != FLOW_TLS) {
		keep_ahead(f, sequence, data);
	}
	if (p->missing)
		skip_to(all, f, f->next + (uint32_t)p->missing, p);
}

void
flows_add(struct flows *all, const struct packet *p)
{
	struct flow *f;

	if (p->payload.len == 0 && !p->missing &&
	    !(p->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return;
	f = find(all, p);
	if (!f)
		return;
	/* A repeated SYN begins nothing. */
	if (!f->begun || (p->flags & TCP_SYN && p->sequence + 1 != f->next))
		begin(f, p);
	add_data(all, f, p);
	if (is_impatient(f, p))
		give_up_waiting(all, f, p);
	if (p->flags & TCP_RST || (p->flags & TCP_FIN && f->pending.pos == 0))
		drop_flow(all, f);
}
