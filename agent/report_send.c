/* SPDX-License-Identifier: Apache-2.0
 *
 * Reports that are on their way: several at once, each a negotiation that ends when the controller has
 * stored it. Metrics are accepted in the order of their numbers, however the answers come. */
#include "agent/report_int.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define EVENT_ANSWER_MS 15000
#define ANSWER_MS	30000 /* the controller waits some seconds for more of them */
#define BUSY_MIN_MS	500
#define BUSY_MAX_MS	10000

/* --- those that are idle -------------------------------------------------------------------- */
static void
count_flight(struct reporter *r, const struct flight *f, int by)
{
	r->in_flight += (unsigned)by;
	r->late_in_flight += f->late ? (unsigned)by : 0;
	if (f->kind == REPORT_EVENTS)
		r->event_in_flight = by > 0;
}

static struct flight *
take_flight(struct reporter *r, enum report_kind kind, bool late)
{
	struct flight *f = TAILQ_FIRST(&r->idle);

	if (!f)
		return NULL;
	TAILQ_REMOVE(&r->idle, f, entry);
	*f = (struct flight){ .reporter = r, .kind = kind, .late = late };
	TAILQ_INSERT_TAIL(&r->flights, f, entry);
	count_flight(r, f, 1);
	return f;
}

static void
give_back(struct reporter *r, struct flight *f)
{
	count_flight(r, f, -1);
	TAILQ_REMOVE(&r->flights, f, entry);
	TAILQ_INSERT_TAIL(&r->idle, f, entry);
}

void
report_cancel_all(struct reporter *r)
{
	struct flight *f;

	while ((f = TAILQ_FIRST(&r->flights))) {
		if (f->session)
			grasp_session_cancel(TAKE(f->session));
		give_back(r, f);
	}
}

/* --- answers -------------------------------------------------------------------------------- */
/* What is accepted, and all before it. */
static void
release(struct reporter *r)
{
	struct flight *f, *next;

	for (f = TAILQ_FIRST(&r->flights); f; f = next) {
		next = TAILQ_NEXT(f, entry);
		if (f->kind != REPORT_METRICS)
			continue;
		if (!f->done)
			return;
		journal_release(r->metrics, f->end);
		give_back(r, f);
	}
}

static void
take_acceptance(struct reporter *r, struct flight *f)
{
	r->busy_ms = 0;
	r->cfg.accepted(r->cfg.arg);
	if (f->kind == REPORT_METRICS || f->kind == REPORT_LOSSY)
		r->stats.accepted += f->end - f->first;
	switch (f->kind) {
	case REPORT_METRICS:
		f->done = true;
		release(r);
		return;
	case REPORT_EVENTS:
		journal_release(r->events, f->end);
		break;
	case REPORT_LOSSY:
	case REPORT_AHEAD:
		break;
	}
	give_back(r, f);
}

/* All that is not accepted goes again, in its order. */
static void
begin_again(struct reporter *r)
{
	report_cancel_all(r);
	for (size_t k = 0; k < REPORT_KINDS; k++)
		if (r->wire[k])
			report_stream_reset(r->wire[k]);
	report_rewind(r);
}

static void
wait_while_busy(struct reporter *r)
{
	r->busy_ms = r->busy_ms ? r->busy_ms * 2 : BUSY_MIN_MS;
	if (r->busy_ms > BUSY_MAX_MS)
		r->busy_ms = BUSY_MAX_MS;
	r->busy_until_ms = grasp_io_now(r->io) + jittered(r->io, r->busy_ms);
	begin_again(r);
}

/* It would be refused again and again. */
static void
give_up(struct reporter *r, const struct flight *f, struct slice reason)
{
	r->stats.rejected += f->end - f->first;
	if (log_limited(&r->warned_ms))
		log_warnx("report",
		    "the controller refuses a report, it is given up: %.*s",
		    (int)reason.len, (const char *)reason.data);
	if (f->kind == REPORT_METRICS)
		journal_release(r->metrics, f->end);
	else if (f->kind == REPORT_EVENTS)
		journal_release(r->events, f->end);
	begin_again(r);
}

static bool
begins_with(struct slice reason, const char *code)
{
	size_t len = strlen(code);

	return reason.len >= len && !memcmp(reason.data, code, len);
}

static void
take_decline(struct reporter *r, struct flight *f, struct slice reason)
{
	if (begins_with(reason, "busy"))
		wait_while_busy(r);
	else if (begins_with(reason, "anew"))
		begin_again(r);
	else if (begins_with(reason, "unknown"))
		r->cfg.forgotten(r->cfg.arg); /* the next registration sends it again */
	else
		give_up(r, f, reason);
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct flight *f = arg;
	struct reporter *r = f->reporter;

	(void)s;
	f->session = NULL;
	switch (outcome) {
	case GRASP_ACCEPTED:
		take_acceptance(r, f);
		break;
	case GRASP_DECLINED:
		take_decline(r, f, reason);
		break;
	case GRASP_CLOSED:
		return; /* the session sees it, too */
	case GRASP_TIMEOUT:
	case GRASP_VIOLATION:
	case GRASP_REFUSED:
		log_debug("report", "a report was not accepted: %s",
		    grasp_outcome_name(outcome));
		r->cfg.silent(r->cfg.arg);
		return;
	}
	report_look(r);
}

/* Reports have nothing to negotiate. */
static void
answered(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct flight *f = arg;

	(void)obj;
	f->session = NULL;
	grasp_session_end(s, false, "malformed: a report is accepted or not");
	f->reporter->cfg.silent(f->reporter->cfg.arg);
}

/* --- sending -------------------------------------------------------------------------------- */
static void
count_bytes(struct reporter *r, size_t value)
{
	size_t bytes = value + REPORT_OVERHEAD;

	r->stats.reports++;
	r->stats.bytes += bytes;
	if (r->cfg.budget)
		r->tokens -= (double)bytes;
}

static struct item_count *
find_item(struct reporter *r, uint32_t item)
{
	for (unsigned i = 0; i < ITEMS_COUNTED; i++) {
		struct item_count *c = &r->item[(item + i) % ITEMS_COUNTED];

		if (!c->used || c->item == item)
			return c;
	}
	return NULL;
}

/* Each value its share of the report (RPT-07). */
static void
count_items(struct reporter *r, const struct report_point *p, size_t n, size_t value)
{
	size_t bytes = value + REPORT_OVERHEAD;

	for (size_t i = 0; i < n; i++) {
		struct item_count *c = find_item(r, p[i].item);

		if (!c)
			continue;
		c->used = true;
		c->item = p[i].item;
		c->is.values++;
		c->is.bytes += bytes * (i + 1) / n - bytes * i / n;
	}
}

static int
transmit(struct reporter *r, struct flight *f, const struct buf *value)
{
	static const struct grasp_session_ops ops = { .negotiated = answered,
		.ended = ended };
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective o = {
		.name = slice_text(fog_objective_name(r->cfg.prefix, FOGREPORT, name)),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
		.value = buf_slice(value),
	};

	if (value->err)
		return value->err;
	return grasp_negotiate(r->link, &o,
	    f->kind == REPORT_EVENTS ? EVENT_ANSWER_MS : ANSWER_MS, &ops, f, &f->session);
}

static int
pack(struct reporter *r, enum report_kind kind, const struct report_point *p, size_t n,
    uint64_t first, struct buf *value, size_t *ret_taken)
{
	UNSET struct fog_report head;
	int err = r->wire[kind] ? 0 : report_stream_new(&r->wire[kind]);

	if (err < 0)
		return err;
	memset(&head, 0, offsetof(struct fog_report, point));
	head.points = head.events = 0;
	head.kind = kind;
	memcpy(head.boot, journal_id(r->metrics), sizeof head.boot);
	head.sequence = first;
	head.sent_ms = grasp_io_now(r->io);
	return report_stream_put(r->wire[kind], &head, p, n, value, ret_taken);
}

ssize_t
report_send_points(struct reporter *r, enum report_kind kind, bool late,
    const struct report_point *p, size_t n, uint64_t first)
{
	UNSET uint8_t memory[JOURNAL_VALUE_MAX];
	struct flight *f = take_flight(r, kind, late);
	struct buf value;
	size_t taken = 0;
	int err;

	if (!f)
		return -EAGAIN;
	buf_init_fixed(&value, memory, sizeof memory);
	err = pack(r, kind, p, n, first, &value, &taken);
	f->first = first;
	f->end = first + taken;
	if (!err)
		err = transmit(r, f, &value);
	if (err < 0) { /* the other end has not seen what we packed */
		if (r->wire[kind])
			report_stream_reset(r->wire[kind]);
		give_back(r, f);
		return err;
	}
	count_bytes(r, value.pos);
	count_items(r, p, taken, value.pos);
	r->stats.sent += kind == REPORT_AHEAD ? 0 : taken;
	return (ssize_t)taken;
}

int
report_send_event(struct reporter *r, const struct fog_report *one)
{
	UNSET uint8_t memory[JOURNAL_VALUE_MAX];
	struct flight *f = take_flight(r, REPORT_EVENTS, false);
	struct buf value;
	int err;

	if (!f)
		return -EAGAIN;
	buf_init_fixed(&value, memory, sizeof memory);
	fog_report_encode(one, &value);
	f->first = one->sequence;
	f->end = one->sequence + one->events + one->points;
	err = transmit(r, f, &value);
	if (err < 0) {
		give_back(r, f);
		return err;
	}
	count_bytes(r, value.pos);
	count_items(r, one->point, one->points, value.pos);
	r->stats.sent += one->events + one->points;
	return 0;
}
