/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGREPORT: what the nodes measured. Each point is taken in once, mapped to our clocks, judged
 * and put into the history; the report is accepted when that is on the disk. */
#include "base/log.h"
#include "controller/judge.h"
#include "controller/session_int.h"
#include "protocol/report.h"

#include <errno.h>
#include <string.h>

/* Points of one report may be out of order by so much; what is older comes from a spool and belongs
 * to the history alone. */
#define DISORDER_MS 1000

/* A report that waits for the disk. */
struct intake {
	LIST_ENTRY(intake) entry;
	struct sessions *sessions;
	struct grasp_session *session; /* NULL: it ended before */
	struct fog_id node;
	uint64_t from; /* what the node would have to send again */
};

static void
free_intake(struct intake *i)
{
	LIST_REMOVE(i, entry);
	free(i);
}

/* What could not be kept is welcome again. */
static void
take_back(const struct intake *i)
{
	struct node *n = registry_by_id(i->sessions->registry, &i->node);
	struct member *m = n ? n->user : NULL;

	if (m && m->sequence > i->from)
		m->sequence = i->from;
}

static void
on_stored(void *arg, int err)
{
	struct intake *i = arg;

	if (err)
		take_back(i);
	if (i->session && err)
		grasp_session_end(i->session, false, "busy: no space to store it");
	else if (i->session)
		grasp_session_end(i->session, true, NULL);
	free_intake(i);
}

static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct intake *i = arg;

	(void)session, (void)outcome, (void)reason;
	i->session = NULL;
}

static const struct grasp_session_ops ops = { .ended = on_ended };

/* --- points -------------------------------------------------------------------------------------------- */
struct moment {
	int64_t now_ms, wall_ms;
};

/* When it was measured, on our monotonic clock, and never later than now. */
static int64_t
map_time(const struct node *n, const struct moment *at, int64_t there_ms)
{
	int64_t here = there_ms + n->clock_offset_ms;

	return here < at->now_ms ? here : at->now_ms;
}

static void
judge_in_order(struct member *m, const struct report_point *p, int64_t time_ms)
{
	struct sessions *s = m->sessions;

	if (m->judged_ms != INT64_MIN && time_ms < m->judged_ms - DISORDER_MS) {
		s->counters.late_points++;
		return;
	}
	if (time_ms > m->judged_ms)
		m->judged_ms = time_ms;
	judge_point(s->judge, m->node, p->item, p->labels, m->judged_ms, p->value);
}

static void
take_point(struct member *m, const struct report_point *p, const struct moment *at)
{
	struct sessions *s = m->sessions;
	int64_t time_ms = map_time(m->node, at, p->time_ms);
	const char *expression = judge_item_text(s->judge, p->item);

	if (!expression) { /* of a plan that is no more */
		s->counters.unknown_points++;
		return;
	}
	(void)store_point_put(s->store, &m->node->id, expression, p->labels,
	    at->wall_ms - (at->now_ms - time_ms), p->value);
	judge_in_order(m, p, time_ms);
}

/* Sequence numbers count on per start of the agent; those below ours were taken in before. */
static void
take_points(struct member *m, const struct fog_report *report)
{
	struct sessions *s = m->sessions;
	const struct moment at = { grasp_io_now(s->io), s->io->ops->wall(s->io) };

	if (memcmp(m->boot, report->boot, sizeof m->boot)) {
		memcpy(m->boot, report->boot, sizeof m->boot);
		m->sequence = 0;
	}
	for (unsigned i = 0; i < report->points; i++) {
		if (report->sequence + i < m->sequence) {
			s->counters.duplicate_points++;
			continue;
		}
		m->sequence = report->sequence + i + 1;
		m->node->points_received++;
		s->counters.points++;
		take_point(m, &report->point[i], &at);
	}
}

static int
wait_for_disk(struct member *m, struct grasp_session *session, uint64_t from)
{
	struct sessions *s = m->sessions;
	struct intake *i = calloc(1, sizeof *i);
	int err;

	if (!i)
		return -ENOMEM;
	*i = (struct intake){
		.sessions = s, .session = session, .node = m->node->id, .from = from
	};
	err =
	    store_stream_put(s->store, &m->node->id, m->boot, m->sequence, on_stored, i);
	if (err) {
		free(i);
		return err;
	}
	LIST_INSERT_HEAD(&s->intakes, i, entry);
	grasp_session_set(session, &ops, i);
	return 0;
}

static void
take_report(
    struct member *m, struct grasp_session *session, const struct fog_report *report)
{
	m->sessions->counters.reports++;
	registry_heard(m->sessions->registry, m->node, report->sent_ms);
	take_points(m, report);
	if (wait_for_disk(m, session, report->sequence))
		grasp_session_end(session, false, "busy: out of memory");
}

static void
on_report(void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct sessions *s = arg;
	const struct peer *p = grasp_link_arg(grasp_session_link(session));
	struct member *m = p && p->node ? member_of(s, p->node) : NULL;
	struct fog_report report;

	if (!m)
		grasp_session_end(session, false, "unknown: register again");
	else if (fog_report_decode(grasp_value_unwrap(asked->value), &report))
		grasp_session_end(session, false, "malformed: that is no report");
	else if (grasp_session_dry_run(session))
		grasp_session_end(session, true, NULL);
	else
		take_report(m, session, &report);
}

int
intake_start(struct sessions *s)
{
	static const struct grasp_support support = { .negotiate = on_report };
	struct spoken sp;

	spoken_init(&sp, s, FOGREPORT, F_DISC | F_NEG, (struct slice){ 0 });
	return grasp_register(
	    s->grasp, sp.name, sp.objective.flags, &support, s, &s->report);
}

void
intake_stop(struct sessions *s)
{
	if (s->report)
		grasp_deregister(s->report);
	while (!LIST_EMPTY(&s->intakes)) {
		struct intake *i = LIST_FIRST(&s->intakes);

		if (i->session)
			grasp_session_cancel(i->session);
		free_intake(i);
	}
}
