/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes when. A turn sends events, then what is live if its time has come, then of the backlog what
 * the budget and the controller allow. */
#include "agent/report_int.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"

#define DELAY_MS   250
#define KEEP_MS	   1000 /* what is only in our memory, at most so long */
#define BURST_S	   10	/* seconds of the budget that may be used at once */
#define RETRY_MS   10000
#define BACKLOG_MS 20 /* between turns of its reports, where nothing else says */
#define LATE_MAX   4  /* of them in a turn */

/* --- the budget ------------------------------------------------------------------------------ */
static void
refill(struct reporter *r, int64_t now)
{
	double most = (double)r->cfg.budget * BURST_S;

	r->tokens += (double)(now - r->tokens_ms) / 1000 * (double)r->cfg.budget;
	if (r->tokens > most)
		r->tokens = most;
	r->tokens_ms = now;
}

/* When something may be sent; part: how much of the budget is to be left. */
static int64_t
affordable(const struct reporter *r, int64_t now, double left)
{
	double missing;

	if (!r->cfg.budget || r->tokens > left)
		return now;
	missing = left + 1 - r->tokens;
	return now + (int64_t)(missing * 1000 / (double)r->cfg.budget) + 1;
}

/* --- what is sent ----------------------------------------------------------------------------- */
/* Tells whether the link took it; without one, its end brings us here anew. */
static bool
went(struct reporter *r, ssize_t n)
{
	if (n >= 0)
		return true;
	if (n != -EAGAIN) {
		log_debug("report", "cannot send: %s", strerror((int)-n));
		r->busy_until_ms = grasp_io_now(r->io) + RETRY_MS;
	}
	return false;
}

static void
send_events(struct reporter *r)
{
	CLEANUP(journal_cursor_free) struct journal_cursor *c = NULL;
	UNSET struct fog_report one;

	if (r->event_in_flight || r->event_next >= journal_end(r->events) ||
	    journal_cursor_new(r->events, &c) < 0)
		return;
	if (report_read_event(r, c, &one) && went(r, report_send_event(r, &one)))
		r->event_next = one.sequence + 1;
}

static void
forget_live(struct reporter *r)
{
	batch_clear(&r->live);
	r->kept = 0;
}

/* Those that the link has not had yet; all are in the journal. */
static void
send_in_turn(struct reporter *r)
{
	while (r->next < r->live_first + r->live.len) {
		size_t from = r->next > r->live_first ? r->next - r->live_first : 0;
		ssize_t n = report_send_points(r, REPORT_METRICS, false,
		    r->live.point + from, r->live.len - from, r->live_first + from);

		if (!went(r, n) || n == 0)
			return;
		r->next = r->live_first + from + (size_t)n;
	}
}

/* What is now, while what was before is on its way. */
static void
send_ahead(struct reporter *r)
{
	ssize_t n;

	for (size_t at = 0; at < r->live.len; at += (size_t)n) {
		n = report_send_points(r, REPORT_AHEAD, false, r->live.point + at,
		    r->live.len - at, r->ahead_next);
		if (!went(r, n) || n == 0)
			return;
		r->ahead_next += (uint64_t)n;
	}
}

static bool
is_in_turn(const struct reporter *r)
{
	return r->next >= r->live_first && r->reading.batch.len == 0;
}

static void
send_live(struct reporter *r)
{
	if (!r->live.len)
		return;
	report_keep(r);
	if (is_in_turn(r))
		send_in_turn(r);
	else
		send_ahead(r);
	forget_live(r);
	r->hurry = false;
}

static void
send_lossy(struct reporter *r)
{
	while (r->lossy.len > 0) {
		ssize_t n = report_send_points(
		    r, REPORT_LOSSY, false, r->lossy.point, r->lossy.len, r->lossy_next);

		if (!went(r, n) || n == 0)
			return;
		r->lossy_next += (uint64_t)n;
		batch_drop(&r->lossy, (size_t)n);
	}
}

static void
send_late(struct reporter *r)
{
	struct reading *d = &r->reading;
	ssize_t n = report_send_points(
	    r, REPORT_METRICS, true, d->batch.point, d->batch.len, d->first);

	if (!went(r, n))
		return;
	r->next = d->first += (uint64_t)n;
	batch_drop(&d->batch, (size_t)n);
}

/* --- when ------------------------------------------------------------------------------------- */
static int64_t
live_due(const struct reporter *r, int64_t now)
{
	int64_t due = r->hurry ? now : r->live_since_ms + r->delay_ms, may;

	if (!r->live.len && !r->lossy.len)
		return INT64_MAX;
	if (r->live.len >= BATCH_MAX / 2)
		due = now;
	may = affordable(r, now, 0);
	if (may > due)
		due = may;
	if (r->in_flight >= FLIGHTS_MAX)
		return INT64_MAX; /* an answer looks again */
	return due;
}

/* It gets at most half of the budget. */
static int64_t
late_due(struct reporter *r, int64_t now)
{
	if (r->late_in_flight >= BACKLOG_MAX || r->in_flight >= FLIGHTS_MAX ||
	    r->next >= journal_end(r->metrics))
		return INT64_MAX;
	if (r->kept && is_in_turn(r))
		return INT64_MAX; /* what is left of it is live */
	return affordable(r, now, (double)r->cfg.budget * BURST_S / 2);
}

static void
set_timer(struct reporter *r, int64_t now, int64_t due)
{
	if (due < now)
		due = now;
	if (due == r->due_ms)
		return;
	r->due_ms = due;
	if (due == INT64_MAX)
		timer_stop(r->io, r->timer);
	else
		timer_set(r->io, r->timer, due - now);
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
keep_due(const struct reporter *r)
{
	return r->kept < r->live.len ? r->unkept_since_ms + KEEP_MS : INT64_MAX;
}

/* Without a link, or while the controller is busy. */
static void
store(struct reporter *r, int64_t now)
{
	if (now >= keep_due(r) || r->live.len >= BATCH_MAX / 2) {
		report_keep(r);
		forget_live(r);
	}
}

/* After a refusal one report at a time, until one is accepted. */
static bool
may_send(const struct reporter *r, int64_t now)
{
	return r->link && now >= r->busy_until_ms && !(r->busy_ms && r->in_flight);
}

/* One report of the backlog, if there is something and it may go. */
static bool
turn_late(struct reporter *r, int64_t now)
{
	if (late_due(r, now) > now || !report_read(r))
		return false;
	send_late(r);
	return may_send(r, now);
}

static void
turn(struct reporter *r, int64_t now)
{
	send_events(r);
	if (may_send(r, now) && now >= live_due(r, now)) {
		send_live(r);
		send_lossy(r);
	}
	if (now >= keep_due(r))
		report_keep(r);
	for (unsigned n = 0; n < LATE_MAX && may_send(r, now) && turn_late(r, now); n++)
		;
}

void
report_look(struct reporter *r)
{
	int64_t now = grasp_io_now(r->io), due;

	refill(r, now);
	if (may_send(r, now))
		turn(r, now);
	else
		store(r, now);
	due = keep_due(r);
	if (r->link && now < r->busy_until_ms) {
		due = sooner(due, r->busy_until_ms);
	} else if (may_send(r, now)) {
		int64_t late = late_due(r, now);

		due = sooner(due, live_due(r, now));
		due = sooner(due, late <= now ? now + BACKLOG_MS : late);
	}
	set_timer(r, now, due);
}

static void
fire(void *arg)
{
	struct reporter *r = arg;

	r->due_ms = INT64_MAX;
	report_look(r);
}

/* --- what comes -------------------------------------------------------------------------------- */
static void
keep_urgent(struct reporter *r, const struct report_point *p)
{
	UNSET struct fog_report one;

	report_one_init(r, &one);
	one.points = 1;
	one.point[0] = *p;
	report_keep_event(r, &one);
}

/* Nobody is there for it, or there was no room: the newest remain. */
static int
add_lossy(struct reporter *r, const struct report_point *p)
{
	if (!r->link) {
		r->stats.dropped++;
		return 0;
	}
	if (r->lossy.len >= BATCH_MAX / 4 || affordable(r, p->time_ms, 0) > p->time_ms) {
		r->stats.dropped += r->lossy.len && r->lossy.point[0].time_ms < p->time_ms
		    ? r->lossy.len
		    : 0;
		if (r->lossy.len && r->lossy.point[0].time_ms < p->time_ms)
			batch_clear(&r->lossy);
	}
	return batch_add(&r->lossy, p);
}

static int
add_metric(struct reporter *r, const struct report_point *p)
{
	int err = batch_add(&r->live, p);

	if (err == -ENOBUFS) { /* the journal has room */
		report_keep(r);
		forget_live(r);
		err = batch_add(&r->live, p);
	}
	return err;
}

void
reporter_add(struct reporter *r, enum report_kind kind, const struct report_point *p)
{
	bool first = !r->live.len && !r->lossy.len, unkept = r->live.len == r->kept;
	int64_t now = grasp_io_now(r->io), due = INT64_MAX;
	int err = 0;

	r->stats.points++;
	switch (kind) {
	case REPORT_METRICS:
	case REPORT_AHEAD:
		err = add_metric(r, p);
		break;
	case REPORT_LOSSY:
		err = add_lossy(r, p);
		break;
	case REPORT_EVENTS:
		keep_urgent(r, p);
		break;
	}
	if (err < 0)
		r->stats.rejected++;
	if (first) {
		r->live_since_ms = now;
		due = now + (r->hurry ? 0 : r->delay_ms);
	}
	if (unkept) {
		r->unkept_since_ms = now;
		due = sooner(due, now + KEEP_MS);
	}
	if (kind == REPORT_EVENTS || r->live.len >= BATCH_MAX / 2)
		due = now;
	if (due < r->due_ms)
		set_timer(r, now, due);
}

void
reporter_event(struct reporter *r, const char *kind, const char *text)
{
	UNSET struct fog_report one;
	struct slice said = slice_text(text);

	report_one_init(r, &one);
	one.events = 1;
	if (said.len > REPORT_EVENT_TEXT_MAX)
		said.len = REPORT_EVENT_TEXT_MAX;
	one.event[0] = (struct report_event){
		.time_ms = one.sent_ms, .kind = slice_text(kind), .text = said
	};
	r->stats.events++;
	report_keep_event(r, &one);
	set_timer(r, one.sent_ms, one.sent_ms);
}

void
reporter_delay(struct reporter *r, int64_t ms)
{
	if (!r->cfg.delay_ms)
		r->delay_ms = ms;
}

void
reporter_budget(struct reporter *r, int64_t bytes_s)
{
	r->cfg.budget = bytes_s;
}

void
reporter_attach(struct reporter *r, struct grasp_link *link)
{
	if (link == r->link)
		return;
	report_cancel_all(r);
	for (size_t k = 0; k < REPORT_KINDS; k++)
		if (r->wire[k])
			report_stream_reset(r->wire[k]);
	r->link = link;
	r->busy_ms = 0;
	r->busy_until_ms = 0;
	r->hurry = link != NULL;
	batch_clear(&r->lossy);
	report_rewind(r);
	report_sync_later(r);
	set_timer(r, grasp_io_now(r->io), grasp_io_now(r->io));
}

/* --- what others ask ------------------------------------------------------------------------------ */
void
reporter_stats(const struct reporter *r, struct reporter_stats *ret)
{
	*ret = r->stats;
	ret->waiting = journal_waiting(r->metrics) + journal_waiting(r->events) +
	    (r->live.len - r->kept);
	ret->journal_bytes = journal_bytes(r->metrics) + journal_bytes(r->events);
	ret->on_disk = journal_on_disk(r->metrics);
}

void
reporter_item(const struct reporter *r, uint32_t item, struct reporter_item *ret)
{
	*ret = (struct reporter_item){ 0 };
	for (unsigned i = 0; i < ITEMS_COUNTED; i++) {
		const struct item_count *c = &r->item[(item + i) % ITEMS_COUNTED];

		if (!c->used)
			return;
		if (c->item == item) {
			*ret = c->is;
			return;
		}
	}
}

/* --- life ----------------------------------------------------------------------------------------- */
int
reporter_new(
    struct grasp_io *io, const struct reporter_config *cfg, struct reporter **ret)
{
	CLEANUP(reporter_free) struct reporter *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	r->io = io;
	r->cfg = *cfg;
	r->delay_ms = cfg->delay_ms ? cfg->delay_ms : DELAY_MS;
	r->due_ms = INT64_MAX;
	r->tokens_ms = grasp_io_now(io);
	r->lossy_next = r->ahead_next = 1;
	TAILQ_INIT(&r->flights);
	TAILQ_INIT(&r->idle);
	for (size_t i = 0; i < FLIGHTS_MAX; i++)
		TAILQ_INSERT_TAIL(&r->idle, &r->flight[i], entry);
	err = report_journals_open(r);
	if (!err)
		err = timer_new(io, fire, r, &r->timer);
	if (err < 0)
		return err;
	report_rewind(r);
	*ret = TAKE(r);
	return 0;
}

void
reporter_free(struct reporter *r)
{
	if (!r)
		return;
	report_cancel_all(r);
	report_journals_close(r);
	for (size_t k = 0; k < REPORT_KINDS; k++)
		report_stream_free(r->wire[k]);
	batch_done(&r->live);
	batch_done(&r->lossy);
	timer_free(r->io, r->timer);
	free(r);
}
