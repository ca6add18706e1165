/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGREPORT: what the nodes measured. Each value is taken in once, mapped to our clocks, judged
 * and put into the history; reports are accepted when that is on the disk, those of some seconds
 * together. What a node has to tell itself, its events, is stored with the mark of how far it has been
 * heard, in one transaction, and accepted at once. */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/history.h"
#include "controller/judge.h"
#include "controller/session_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Points of one report may be out of order by so much; what is older comes from a journal and belongs
 * to the history alone. */
#define DISORDER_MS 1000
/* Reports that wait for the disk: so many are written down earlier, as a node with a backlog sends no
 * more of it until it is told. */
#define WAITING_MAX 16
#define MARK_MAX    64

/* A report that waits for the disk. */
struct intake {
	LIST_ENTRY(intake) entry;
	struct sessions *sessions;
	struct grasp_session *session; /* NULL: it ended before */
	struct fog_id node;
	enum report_kind kind;
	uint64_t from;	     /* what the node would have to send again */
	struct intake *next; /* written down with it */
	bool written;	     /* else it waits for others */
};

static void
free_intake(struct intake *i)
{
	LIST_REMOVE(i, entry);
	free(i);
}

static struct member *
find_member(const struct intake *i)
{
	struct node *n = registry_by_id(i->sessions->registry, &i->node);

	return n ? n->user : NULL;
}

/* What could not be kept is welcome again. */
static void
take_back(const struct intake *i)
{
	struct member *m = find_member(i);

	if (!m || i->kind >= MEMBER_STREAMS)
		return;
	if (m->taken[i->kind].sequence > i->from)
		m->taken[i->kind].sequence = i->from;
}

static struct grasp_link *
gather(struct grasp_link *link, struct grasp_session *session)
{
	struct grasp_link *its = session ? grasp_session_link(session) : link;

	if (its == link)
		return link;
	if (link)
		grasp_link_gather(link, false);
	grasp_link_gather(its, true);
	return its;
}

/* All answers leave together. */
static void
answer(struct intake *i, int err)
{
	struct grasp_link *link = NULL;
	struct intake *next;

	for (; i; i = next) {
		struct grasp_session *session = i->session;

		next = i->next;
		if (err)
			take_back(i);
		link = gather(link, session);
		if (session && err)
			grasp_session_end(session, false, "busy: no space to store it");
		else if (session)
			grasp_session_end(session, true, NULL);
		free_intake(i);
	}
	if (link)
		grasp_link_gather(link, false);
}

static void
on_stored(void *arg, int err)
{
	answer(arg, err);
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

static struct intake *
make_intake(
    struct member *m, struct grasp_session *session, enum report_kind kind, uint64_t from)
{
	struct sessions *s = m->sessions;
	struct intake *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	*i = (struct intake){ .sessions = s,
		.session = session,
		.node = m->node->id,
		.kind = kind,
		.from = from };
	LIST_INSERT_HEAD(&s->intakes, i, entry);
	grasp_session_set(session, &ops, i);
	return i;
}

/* --- values -------------------------------------------------------------------------------------------- */
/* A report being taken in. */
struct taking {
	struct member *m;
	enum report_kind kind;
	int64_t now_ms, wall_ms;
};

/* When it was measured, on our monotonic clock, and never later than now. */
static int64_t
map_time(const struct taking *t, int64_t there_ms)
{
	int64_t here = there_ms + t->m->node->clock_offset_ms;

	return here < t->now_ms ? here : t->now_ms;
}

static int64_t
wall_time(const struct taking *t, int64_t there_ms)
{
	return t->wall_ms - (t->now_ms - map_time(t, there_ms));
}

static void
judge_in_order(
    struct member *m, const struct report_value *v, int64_t time_ms, struct slice labels)
{
	struct sessions *s = m->sessions;

	if (m->judged_ms != INT64_MIN && time_ms < m->judged_ms - DISORDER_MS) {
		s->counters.late_points++;
		return;
	}
	if (time_ms > m->judged_ms)
		m->judged_ms = time_ms;
	judge_point(s->judge, m->node, v->series->item, labels, m->judged_ms, v->value);
}

/* Sequence numbers count on per journal of the agent; those below ours were taken in before. */
static bool
is_new(const struct taking *t, const struct report_value *v)
{
	struct member_stream *taken;

	if (t->kind >= MEMBER_STREAMS)
		return true;
	taken = &t->m->taken[t->kind];
	if (v->number < taken->sequence) {
		t->m->sessions->counters.duplicate_points++;
		return false;
	}
	taken->sequence = v->number + 1;
	return true;
}

static int
read_labels(struct slice encoded, struct metric_labels *ret)
{
	struct cbor_reader r;
	struct slice key;

	*ret = (struct metric_labels){ 0 };
	if (!encoded.len)
		return 0;
	rd_init(&r, encoded, 0);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		char name[METRIC_LABEL_NAME_MAX], value[METRIC_LABEL_VALUE_MAX];

		if (slice_copy(key, name, sizeof name) ||
		    slice_copy(rd_text(&r), value, sizeof value) ||
		    metric_labels_add(ret, name, value))
			return -EBADMSG;
	}
	rd_leave(&r);
	return rd_done(&r);
}

#define WATCHED \
	1u /* in plan, beside the judge's version: somebody waits for its values */

/* What the series is, as long as the judge stays with its plans. NULL: of a plan that is no more. */
static void
find_series(const struct taking *t, struct report_series *series)
{
	struct sessions *s = t->m->sessions;
	const struct node *n = t->m->node;
	const char *text = judge_item_text(s->judge, series->item);
	struct metric_labels labels;

	series->user = NULL;
	series->plan = judge_version(s->judge) << 1;
	if (!text || read_labels(series->labels, &labels))
		return;
	series->user = history_ensure(s->cfg.history, &n->id, n->name, text, &labels);
	if (judge_wants(s->judge, n, series->item))
		series->plan |= WATCHED;
}

static void
take_value(void *arg, const struct report_value *v)
{
	const struct taking *t = arg;
	struct member *m = t->m;
	struct sessions *s = m->sessions;
	struct report_series *series = v->series;

	if (!is_new(t, v))
		return;
	if (t->kind != REPORT_AHEAD) {
		m->node->points_received++;
		s->counters.points++;
	}
	if (!series->plan || (series->plan ^ judge_version(s->judge) << 1) > WATCHED)
		find_series(t, series);
	if (!series->user) {
		s->counters.unknown_points++;
		return;
	}
	if (t->kind != REPORT_AHEAD)
		history_put(
		    s->cfg.history, series->user, wall_time(t, v->time_ms), v->value);
	if (series->plan & WATCHED)
		judge_in_order(m, v, map_time(t, v->time_ms), series->labels);
}

static void
take_points(const struct taking *t, const struct fog_report *r)
{
	for (unsigned i = 0; i < r->points; i++) {
		const struct report_point *p = &r->point[i];
		struct report_series series = { .item = p->item, .labels = p->labels };
		const struct report_value v = { .series = &series,
			.number = r->sequence + i,
			.time_ms = p->time_ms,
			.value = p->value,
			.samples = p->samples,
			.reason = p->reason };

		take_value((void *)t, &v);
	}
}

/* Where the numbers begin anew, so do ours. */
static void
follow_boot(struct member *m, enum report_kind kind, const uint8_t boot[8])
{
	struct member_stream *taken;

	if (kind >= MEMBER_STREAMS) /* sent once */
		return;
	taken = &m->taken[kind];
	if (!memcmp(taken->boot, boot, sizeof taken->boot))
		return;
	memcpy(taken->boot, boot, sizeof taken->boot);
	taken->sequence = 0;
}

static int
take_packed(struct taking *t, const struct fog_report *r)
{
	struct report_stream **stream = &t->m->stream[r->kind];
	int err = 0;

	if (!*stream)
		err = report_stream_new(stream);
	if (!err && r->begins)
		follow_boot(t->m, r->kind, r->boot);
	if (!err)
		err = report_stream_take(*stream, r, take_value, t);
	if (!err && !r->has_sent)
		registry_heard(
		    t->m->sessions->registry, t->m->node, report_stream_sent(*stream));
	return err;
}

/* --- events -------------------------------------------------------------------------------------------- */
static void
format_mark(
    const struct member *m, uint64_t number, char key[MARK_MAX], char value[MARK_MAX])
{
	char hex[FOG_ID_TEXT];

	snprintf(key, MARK_MAX, "events:%s", fog_id_format(&m->node->id, hex));
	snprintf(value, MARK_MAX, "%s:%llu",
	    hex_format(m->taken[REPORT_EVENTS].boot, 8, hex), (unsigned long long)number);
}

/* Which numbers and which times, as people read it. */
static void
describe_gap(const struct taking *t, const struct report_event *e, char *dst, size_t size)
{
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];

	if (!e->first) {
		snprintf(dst, size, "%s: %.*s", t->m->node->name, (int)e->text.len,
		    (const char *)e->text.data);
		return;
	}
	snprintf(dst, size, "%s: %.*s: numbers %llu to %llu, measured from %s to %s",
	    t->m->node->name, (int)e->text.len, (const char *)e->text.data,
	    (unsigned long long)e->first, (unsigned long long)e->last,
	    clock_format(wall_time(t, e->from_ms), from),
	    clock_format(wall_time(t, e->to_ms), to));
}

/* What nodes tell of themselves is not to be taken for ours. */
static int
copy_kind(struct slice kind, char dst[REPORT_EVENT_KIND_MAX + 1])
{
	static const char *const of_nodes[] = { "agent.", "journal.", "plugin.",
		"report.", "rule." };
	int err = slice_copy(kind, dst, REPORT_EVENT_KIND_MAX + 1);

	if (err < 0 || dst[strspn(dst, "abcdefghijklmnopqrstuvwxyz-.")])
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_LEN(of_nodes); i++)
		if (!strncmp(dst, of_nodes[i], strlen(of_nodes[i])))
			return 0;
	strcpy(dst, "agent.event");
	return 0;
}

static int
take_event(const struct taking *t, const struct report_event *e, uint64_t number,
    struct intake *done)
{
	struct member *m = t->m;
	char text[REPORT_EVENT_TEXT_MAX + 256], kind[REPORT_EVENT_KIND_MAX + 1];
	char key[MARK_MAX], value[MARK_MAX];
	const struct event_told told = { .time_ms = wall_time(t, e->time_ms),
		.kind = kind,
		.node = m->node->name,
		.text = text,
		.mark = key,
		.marked = value };

	if (copy_kind(e->kind, kind) < 0)
		return -EBADMSG;
	describe_gap(t, e, text, sizeof text);
	utf8_trim(text);
	format_mark(m, number, key, value);
	return events_take(m->sessions->events, &told, done ? on_stored : NULL, done);
}

/* The last one that is new carries the answer. */
static int
take_events(struct taking *t, const struct fog_report *r, struct intake *done)
{
	struct member_stream *taken = &t->m->taken[REPORT_EVENTS];
	int err = 0;

	for (unsigned i = 0; i < r->events && !err; i++) {
		uint64_t number = r->sequence + i;

		if (number < taken->sequence)
			continue;
		err = take_event(
		    t, &r->event[i], number + 1, i + 1u == r->events ? done : NULL);
		if (!err)
			taken->sequence = number + 1;
	}
	return err;
}

/* Urgent values: a mark behind them. */
static int
mark_events(struct member *m, struct intake *done)
{
	char key[MARK_MAX], value[MARK_MAX];

	format_mark(m, m->taken[REPORT_EVENTS].sequence, key, value);
	return store_meta_put(m->sessions->store, key, value, on_stored, done);
}

static void
on_values_stored(void *arg, int err)
{
	struct intake *i = arg;
	struct member *m = find_member(i);

	if (!err && m)
		err = mark_events(m, i);
	else if (!err)
		err = -ENOENT;
	if (err)
		answer(i, err);
}

/* Urgent ones, or such as came all before. */
static int
store_values(struct taking *t, struct intake *done)
{
	int err = history_stored(
	    t->m->sessions->cfg.history, &t->m->node->id, true, on_values_stored, done);

	return err == -ENOENT ? mark_events(t->m, done) : err;
}

static int
store_urgent(struct taking *t, const struct fog_report *r, struct grasp_session *session)
{
	struct intake *i = make_intake(t->m, session, REPORT_EVENTS, r->sequence);
	uint64_t before = t->m->taken[REPORT_EVENTS].sequence;
	int err = i ? 0 : -ENOMEM;

	if (i)
		i->written = true;
	if (!err && r->events && r->sequence + r->events > before)
		err = take_events(t, r, i);
	else if (!err)
		err = store_values(t, i);
	if (err && i) {
		take_back(i);
		grasp_session_set(session, NULL, NULL);
		free_intake(i);
	}
	return err;
}

/* Whenever values are written, how far they go is written with them. */
static int
mark_values(struct member *m)
{
	const struct member_stream *taken = &m->taken[REPORT_METRICS];

	return history_mark(
	    m->sessions->cfg.history, &m->node->id, taken->boot, taken->sequence);
}

/* --- on the disk ---------------------------------------------------------------------------------------- */
static void
write_down(struct member *m)
{
	struct sessions *s = m->sessions;
	struct intake *first = TAKE(m->waiting);

	m->waiting_end = NULL;
	m->waitings = 0;
	for (struct intake *i = first; i; i = i->next)
		i->written = true;
	if (!first)
		return;
	if (mark_values(m) ||
	    history_stored(s->cfg.history, &m->node->id, true, on_stored, first))
		answer(first, -ENOMEM);
}

static void
on_flush(void *arg)
{
	write_down(arg);
}

static int
set_flush(struct member *m)
{
	struct grasp_io *io = m->sessions->io;
	int err = m->flush ? 0 : io->ops->timer_new(io, on_flush, m, &m->flush);

	if (!err)
		io->ops->timer_set(m->flush, m->sessions->cfg.flush_ms);
	return err;
}

static int
wait_for_disk(
    struct member *m, struct grasp_session *session, enum report_kind kind, uint64_t from)
{
	struct intake *i;
	int err = m->waiting || m->sessions->cfg.flush_ms == 0 ? 0 : set_flush(m);

	i = err ? NULL : make_intake(m, session, kind, from);
	if (!i)
		return -ENOMEM;
	*(m->waiting ? &m->waiting_end->next : &m->waiting) = i;
	m->waiting_end = i;
	if (++m->waitings >= WAITING_MAX || m->sessions->cfg.flush_ms == 0)
		write_down(m);
	return 0;
}

/* The member goes, its sessions do not: they are answered as if nothing had been kept. */
void
intake_leave(struct member *m)
{
	answer(TAKE(m->waiting), -ENOENT);
	m->waitings = 0;
	if (m->flush)
		m->sessions->io->ops->timer_free(TAKE(m->flush));
	for (size_t k = 0; k < REPORT_KINDS; k++)
		report_stream_free(TAKE(m->stream[k]));
	if (m->sessions->cfg.history)
		history_forget(m->sessions->cfg.history, &m->node->id);
}

/* --- reports -------------------------------------------------------------------------------------------- */
static int
take_content(struct taking *t, const struct fog_report *r)
{
	struct member *m = t->m;

	if (!r->packed.data)
		follow_boot(m, r->kind, r->boot);
	if (!r->packed.data || r->has_sent)
		registry_heard(m->sessions->registry, m->node, r->sent_ms);
	if (r->packed.data)
		return take_packed(t, r);
	take_points(t, r);
	return 0;
}

static void
take_report(struct member *m, struct grasp_session *session, const struct fog_report *r)
{
	struct sessions *s = m->sessions;
	struct taking t = { .m = m,
		.kind = r->kind,
		.now_ms = grasp_io_now(s->io),
		.wall_ms = s->io->ops->wall(s->io) };
	uint64_t from = r->kind < MEMBER_STREAMS ? m->taken[r->kind].sequence : 0;
	int err;

	s->counters.reports++;
	err = take_content(&t, r);
	if (!err && r->kind == REPORT_METRICS)
		err = mark_values(m);
	if (err == -EPROTO || err == -EBADMSG) {
		grasp_session_end(session, false,
		    err == -EPROTO ? "anew: this stream has not begun"
				   : "malformed: that is no report");
		return;
	}
	if (!err && r->kind == REPORT_EVENTS)
		err = store_urgent(&t, r, session);
	else if (!err)
		err = wait_for_disk(m, session, r->kind, from);
	if (err)
		grasp_session_end(session, false,
		    err == -EBADMSG ? "malformed: that is no event"
				    : "busy: out of memory");
}

static void
on_report(void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct sessions *s = arg;
	const struct peer *p = grasp_link_arg(grasp_session_link(session));
	struct member *m = p && p->node ? member_of(s, p->node) : NULL;
	UNSET struct fog_report report;

	if (!m)
		grasp_session_end(session, false, "unknown: register again");
	else if (fog_report_decode(grasp_value_unwrap(asked->value), &report))
		grasp_session_end(session, false, "malformed: that is no report");
	else if (grasp_session_dry_run(session))
		grasp_session_end(session, true, NULL);
	else
		take_report(m, session, &report);
}

/* How far the node's events are known, as its first ones come. */
void
intake_load(struct member *m)
{
	char key[MARK_MAX], value[MARK_MAX], *end;
	struct member_stream *taken = &m->taken[REPORT_EVENTS];

	format_mark(m, 0, key, value);
	if (store_meta_get(m->sessions->store, key, value, sizeof value) < 0)
		return;
	end = strchr(value, ':');
	if (!end || end != value + 16)
		return;
	*end = 0;
	if (hex_parse(value, taken->boot, sizeof taken->boot) == 0)
		taken->sequence = strtoull(end + 1, NULL, 10);
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
	struct member *m;

	LIST_FOREACH(m, &s->members, entry) {
		m->waiting = m->waiting_end = NULL;
		m->waitings = 0;
	}
	if (s->report)
		grasp_deregister(s->report);
	while (!LIST_EMPTY(&s->intakes)) {
		struct intake *i = LIST_FIRST(&s->intakes);

		if (i->session)
			grasp_session_cancel(i->session);
		free_intake(i);
	}
}
