/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/report.h"

#include <errno.h>
#include <string.h>

#include "agent/spool.h"
#include "agent/timing.h"
#include "base/log.h"

#define ANSWER_MS   15000 /* until a report is stored */
#define BUSY_MIN_MS 500
#define BUSY_MAX_MS 10000
#define DELAY_MS    250
#define HEAD_BYTES  48 /* of a report without points: boot, sequence, time */
#define POINT_BYTES 24 /* of a point without labels and reason, at most in practice */

struct reporter {
	struct grasp_io *io;
	struct reporter_config cfg;
	struct spool *spool;
	struct grasp_link *link;	 /* NULL: no session */
	struct grasp_session *under_way; /* NULL: nothing is sent */
	uint64_t under_way_end; /* number of the point behind the last one sent */
	struct grasp_timer *timer;
	bool waiting; /* the timer runs */
	int64_t delay_ms, busy_ms, warned_ms;
	struct reporter_stats stats;
};

static size_t
cost(const struct report_point *p)
{
	return POINT_BYTES + p->labels.len + p->reason.len;
}

/* Do the waiting points fill a report? */
static bool
is_full(const struct reporter *r)
{
	struct spool_cursor c = spool_begin(r->spool);
	size_t bytes = HEAD_BYTES;
	struct report_point p;

	for (unsigned n = 0; n < REPORT_POINTS_MAX && spool_next(r->spool, &c, &p); n++) {
		bytes += cost(&p);
		if (bytes > REPORT_BYTES_MAX)
			return true;
	}
	return spool_len(r->spool) >= REPORT_POINTS_MAX;
}

/* The oldest points, as many as a report takes and one at least. */
static void
collect(const struct reporter *r, struct fog_report *report)
{
	struct spool_cursor c = spool_begin(r->spool);
	size_t bytes = HEAD_BYTES;
	struct report_point p;

	memcpy(report->boot, r->cfg.boot, sizeof report->boot);
	report->sequence = spool_first(r->spool);
	report->sent_ms = grasp_io_now(r->io);
	report->points = 0;
	while (report->points < REPORT_POINTS_MAX && spool_next(r->spool, &c, &p)) {
		bytes += cost(&p);
		if (report->points && bytes > REPORT_BYTES_MAX)
			return;
		report->point[report->points++] = p;
	}
}

static void look(struct reporter *r);

static void
wait(struct reporter *r, int64_t ms)
{
	r->waiting = true;
	timer_set(r->io, r->timer, ms);
}

static void
take_decline(struct reporter *r, struct slice reason)
{
	if (reason.len >= 4 && !memcmp(reason.data, "busy", 4)) {
		r->busy_ms = r->busy_ms ? r->busy_ms * 2 : BUSY_MIN_MS;
		if (r->busy_ms > BUSY_MAX_MS)
			r->busy_ms = BUSY_MAX_MS;
		wait(r, jittered(r->io, r->busy_ms));
		return;
	}
	if (reason.len >= 7 && !memcmp(reason.data, "unknown", 7)) {
		r->cfg.forgotten(r->cfg.arg);
		return; /* the next registration sends it again */
	}
	r->stats.rejected += r->under_way_end - spool_first(r->spool);
	if (log_limited(&r->warned_ms))
		log_warnx("report",
		    "the controller refuses a report, it is given up: %.*s",
		    (int)reason.len, (const char *)reason.data);
	spool_drop(r->spool, r->under_way_end);
	look(r);
}

static void
take_acceptance(struct reporter *r)
{
	uint64_t first = spool_first(r->spool);

	if (r->under_way_end > first)
		r->stats.accepted += r->under_way_end - first;
	r->busy_ms = 0;
	spool_drop(r->spool, r->under_way_end);
	look(r);
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct reporter *r = arg;

	(void)s;
	r->under_way = NULL;
	switch (outcome) {
	case GRASP_ACCEPTED:
		take_acceptance(r);
		return;
	case GRASP_DECLINED:
		take_decline(r, reason);
		return;
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
}

/* Reports have nothing to negotiate. */
static void
answered(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct reporter *r = arg;

	(void)obj;
	r->under_way = NULL;
	grasp_session_end(s, false, "malformed: a report is accepted or not");
	r->cfg.silent(r->cfg.arg);
}

static int
transmit(struct reporter *r, const struct fog_report *report)
{
	static const struct grasp_session_ops ops = { .negotiated = answered,
		.ended = ended };
	char name[FOG_NAME_MAX + 1];
	struct buf value;

	buf_init(&value, GRASP_UNICAST_MAX);
	fog_report_encode(report, &value);
	struct grasp_objective o = {
		.name = slice_text(fog_objective_name(r->cfg.prefix, FOGREPORT, name)),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
		.value = buf_slice(&value),
	};
	int err = value.err
	    ? value.err
	    : grasp_negotiate(r->link, &o, ANSWER_MS, &ops, r, &r->under_way);
	if (!err) {
		r->stats.reports++;
		r->stats.sent += report->points;
		r->stats.bytes += value.pos;
	}
	buf_done(&value);
	return err;
}

static void
send_report(struct reporter *r)
{
	struct fog_report *report = calloc(1, sizeof *report); /* for a moment */
	int err = -ENOMEM;

	if (report) {
		collect(r, report);
		r->under_way_end = report->sequence + report->points;
		err = transmit(r, report);
		free(report);
	}
	if (err < 0) {
		log_debug("report", "cannot send: %s", strerror(-err));
		wait(r, BUSY_MAX_MS); /* a link that went brings us here anew */
	}
}

/* Sends if it is time to, else sees to it that somebody looks again. */
static void
look(struct reporter *r)
{
	if (!r->link || r->under_way || !spool_len(r->spool) || r->waiting)
		return;
	if (is_full(r))
		send_report(r);
	else
		wait(r, r->delay_ms);
}

static void
fire(void *arg)
{
	struct reporter *r = arg;

	r->waiting = false;
	if (r->link && !r->under_way && spool_len(r->spool))
		send_report(r);
}

void
reporter_add(struct reporter *r, const struct report_point *p)
{
	r->stats.points++;
	if (spool_push(r->spool, p) < 0) {
		r->stats.rejected++;
		return;
	}
	look(r);
}

void
reporter_delay(struct reporter *r, int64_t ms)
{
	r->delay_ms = ms;
}

void
reporter_attach(struct reporter *r, struct grasp_link *link)
{
	if (link == r->link)
		return;
	if (r->under_way)
		grasp_session_cancel(TAKE(r->under_way));
	r->link = link;
	r->busy_ms = 0;
	r->waiting = false;
	timer_stop(r->io, r->timer);
	look(r);
}

void
reporter_stats(const struct reporter *r, struct reporter_stats *ret)
{
	*ret = r->stats;
	ret->dropped = spool_dropped(r->spool);
	ret->waiting = spool_len(r->spool);
}

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
	r->delay_ms = DELAY_MS;
	err = spool_new(cfg->spool_bytes, &r->spool);
	if (err < 0)
		return err;
	err = timer_new(io, fire, r, &r->timer);
	if (err < 0)
		return err;
	*ret = TAKE(r);
	return 0;
}

void
reporter_free(struct reporter *r)
{
	if (!r)
		return;
	if (r->under_way)
		grasp_session_cancel(r->under_way);
	timer_free(r->io, r->timer);
	spool_free(r->spool);
	free(r);
}
