/* SPDX-License-Identifier: Apache-2.0
 *
 * Records of metrics are compact reports, packed behind each other within a segment; records of
 * events are plain ones with one event or urgent value each. Nothing is sent that is not in the journal:
 * a number that went out is never given to something else. */
#include "agent/report_int.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

#define METRIC_SYNC_MS 5000 /* what a power cut may cost (reliability.md §2) */
#define EVENT_SYNC_MS  100
#define USUAL_BYTES    512 /* of a record */
#define SEGMENTS_MIN   8
#define SEGMENT_MAX    (256 << 10)

static int64_t
wall(const struct reporter *r)
{
	return r->io->ops->wall(r->io);
}

/* --- to the disk in time --------------------------------------------------------------------- */
/* What is on its way to the controller, or there, is not lost with our power. */
static bool
is_elsewhere(const struct reporter *r)
{
	return r->link && r->reading.batch.len == 0 &&
	    r->next >= (r->kept ? r->live_first : journal_end(r->metrics));
}

static int64_t
sync_due(const struct reporter *r, int64_t now)
{
	if (journal_is_dirty(r->events))
		return now + EVENT_SYNC_MS;
	if (journal_is_dirty(r->metrics) &&
	    (!is_elsewhere(r) || r->delay_ms > METRIC_SYNC_MS))
		return now + METRIC_SYNC_MS;
	return INT64_MAX;
}

void
report_sync_later(struct reporter *r)
{
	int64_t now = grasp_io_now(r->io), due = sync_due(r, now);

	if (due >= r->sync_due_ms)
		return;
	r->sync_due_ms = due;
	timer_set(r->io, r->sync, due - now);
}

static void
sync_now(void *arg)
{
	struct reporter *r = arg;

	r->sync_due_ms = INT64_MAX;
	if (journal_sync(r->events) < 0)
		log_debug("journal", "events are not on the disk");
	if (!is_elsewhere(r) && journal_sync(r->metrics) < 0)
		log_debug("journal", "metrics are not on the disk");
	report_sync_later(r);
}

/* --- events ----------------------------------------------------------------------------------- */
void
report_keep_event(struct reporter *r, const struct fog_report *one)
{
	uint8_t memory[2048];
	struct buf value;

	buf_init_fixed(&value, memory, sizeof memory);
	fog_report_encode(one, &value);
	if (value.err ||
	    journal_append(r->events, one->sent_ms, buf_slice(&value), 1, NULL) < 0) {
		r->stats.rejected++;
		return;
	}
	report_sync_later(r);
}

void
report_one_init(struct reporter *r, struct fog_report *one)
{
	memset(one, 0, offsetof(struct fog_report, point));
	one->kind = REPORT_EVENTS;
	one->points = one->events = 0;
	one->packed = (struct slice){ 0 };
	one->sent_ms = grasp_io_now(r->io);
	memcpy(one->boot, journal_id(r->events), sizeof one->boot);
}

/* Times as of now, and its number. */
static void
bring_up(struct reporter *r, struct fog_report *one, const struct journal_record *rec)
{
	memcpy(one->boot, journal_id(r->events), sizeof one->boot);
	one->kind = REPORT_EVENTS;
	one->sequence = rec->number;
	one->sent_ms = grasp_io_now(r->io);
	for (unsigned i = 0; i < one->events; i++) {
		one->event[i].time_ms += rec->shift_ms;
		one->event[i].from_ms += rec->shift_ms;
		one->event[i].to_ms += rec->shift_ms;
	}
	for (unsigned i = 0; i < one->points; i++)
		one->point[i].time_ms += rec->shift_ms;
}

bool
report_read_event(struct reporter *r, struct journal_cursor *c, struct fog_report *ret)
{
	struct journal_record rec;

	journal_seek(c, r->event_next);
	while (journal_next(c, &rec) == 1) {
		if (rec.number < r->event_next || fog_report_decode(rec.value, ret) < 0)
			continue;
		bring_up(r, ret, &rec);
		return true;
	}
	r->event_next = journal_end(r->events);
	return false;
}

/* --- gaps ------------------------------------------------------------------------------------- */
static void
tell_gap(struct reporter *r, const struct journal_gap *g, const char *what)
{
	char text[REPORT_EVENT_TEXT_MAX];
	UNSET struct fog_report one;

	snprintf(text, sizeof text, "%s were lost in the journal (%s)", what, g->why);
	report_one_init(r, &one);
	one.events = 1;
	one.event[0] = (struct report_event){ .time_ms = one.sent_ms,
		.kind = slice_text("report.gap"),
		.text = slice_text(text),
		.first = g->first,
		.last = g->last,
		.from_ms = g->from_ms,
		.to_ms = g->to_ms };
	r->stats.gaps++;
	r->stats.dropped += g->last - g->first + 1;
	log_warnx("journal", "%s", text);
	report_keep_event(r, &one);
}

static void
metrics_lost(void *arg, const struct journal_gap *g)
{
	struct reporter *r = arg;

	if (r->events)
		tell_gap(r, g, "metrics");
}

/* A journal of events that is full of events keeps the newest; that some went is one more. */
static void
events_lost(void *arg, const struct journal_gap *g)
{
	struct reporter *r = arg;

	r->stats.dropped += g->last - g->first + 1;
	log_warnx("journal", "events %llu to %llu were lost (%s)",
	    (unsigned long long)g->first, (unsigned long long)g->last, g->why);
}

static void
metrics_disk(void *arg, int err)
{
	struct reporter *r = arg;
	char text[REPORT_EVENT_TEXT_MAX];

	if (!r->events || !r->timer)
		return;
	snprintf(text, sizeof text,
	    err ? "the journal is kept in memory: %s"
		: "the journal is on the disk again",
	    strerror(-err));
	reporter_event(r, err ? "journal.failing" : "journal.recovered", text);
}

/* --- metrics ---------------------------------------------------------------------------------- */
static int
keep_some(struct reporter *r, size_t *ret_taken)
{
	UNSET uint8_t memory[JOURNAL_VALUE_MAX];
	UNSET struct fog_report head;
	int64_t now = grasp_io_now(r->io);
	uint64_t segment, first;
	struct buf value;
	int err;

	segment = journal_segment(r->metrics, USUAL_BYTES, wall(r), now);
	if (segment != r->disk_segment)
		report_stream_reset(r->disk);
	r->disk_segment = segment;
	memset(&head, 0, offsetof(struct fog_report, point));
	head.points = head.events = 0;
	memcpy(head.boot, journal_id(r->metrics), sizeof head.boot);
	head.sequence = journal_end(r->metrics);
	head.sent_ms = now;
	buf_init_fixed(&value, memory, sizeof memory);
	err = report_stream_put(r->disk, &head, r->live.point + r->kept,
	    r->live.len - r->kept, &value, ret_taken);
	if (!err)
		err = journal_append(
		    r->metrics, now, buf_slice(&value), (uint32_t)*ret_taken, &first);
	if (err < 0) {
		report_stream_reset(r->disk);
		return err;
	}
	if (journal_segment(r->metrics, 0, wall(r), now) != segment)
		r->disk_segment = 0; /* it went to another one than was thought */
	if (r->kept == 0)
		r->live_first = first;
	return 0;
}

void
report_keep(struct reporter *r)
{
	size_t taken = 0;

	while (r->kept < r->live.len) {
		if (keep_some(r, &taken) < 0 || taken == 0) {
			r->stats.rejected += r->live.len - r->kept;
			r->live.len = r->kept;
			return;
		}
		r->kept += taken;
	}
	report_sync_later(r);
}

/* --- what is to be sent from the journal -------------------------------------------------------- */
static void
take_value(void *arg, const struct report_value *v)
{
	struct reporter *r = arg;
	struct reading *d = &r->reading;
	struct report_point p = { .item = v->series->item,
		.time_ms = v->time_ms + d->shift_ms,
		.value = v->value,
		.samples = v->samples,
		.labels = v->series->labels,
		.reason = v->reason };

	if (v->number < r->next || d->err)
		return;
	if (d->batch.len == 0)
		d->first = v->number;
	d->err = batch_add(&d->batch, &p);
}

static void
tell_undated(struct reporter *r, const struct journal_record *rec)
{
	char text[REPORT_EVENT_TEXT_MAX];

	if (!rec->undated ||
	    r->reading.undated / JOURNAL_NUMBERS == rec->number / JOURNAL_NUMBERS)
		return;
	r->reading.undated = rec->number;
	snprintf(text, sizeof text,
	    "metrics %llu and those behind are of an earlier start of this system "
	    "without "
	    "a clock: how long ago they were measured is not known",
	    (unsigned long long)rec->number);
	reporter_event(r, "report.undated", text);
}

static void
unpack(struct reporter *r, const struct journal_record *rec)
{
	struct reading *d = &r->reading;
	UNSET struct fog_report report;

	tell_undated(r, rec);
	d->shift_ms = rec->shift_ms;
	if (fog_report_decode(rec->value, &report) < 0 ||
	    report_stream_take(d->stream, &report, take_value, r) < 0)
		log_debug("journal", "record %llu cannot be unpacked",
		    (unsigned long long)rec->number);
}

static void
stop_reading(struct reporter *r)
{
	struct reading *d = &r->reading;

	journal_cursor_free(TAKE(d->cursor));
	batch_done(&d->batch);
	if (d->stream)
		report_stream_reset(d->stream);
	d->holds = false;
}

bool
report_read(struct reporter *r)
{
	struct reading *d = &r->reading;

	if (d->batch.len > 0)
		return true;
	if (r->next >= journal_end(r->metrics))
		return false;
	if (r->next < journal_first(r->metrics))
		report_rewind(r); /* there was no room for what was meant to come next */
	if (!d->cursor && journal_cursor_new(r->metrics, &d->cursor) == 0)
		journal_seek(d->cursor, r->next);
	while (d->cursor && d->batch.len < READ_POINTS) {
		if (!d->holds && journal_next(d->cursor, &d->held) != 1)
			break;
		d->holds = true;
		if (d->batch.len && d->held.number != d->first + d->batch.len)
			break; /* another report */
		d->holds = false;
		unpack(r, &d->held);
		if (d->err)
			break;
	}
	d->err = 0;
	if (d->batch.len > 0)
		return true;
	if (d->cursor)
		r->next = journal_end(r->metrics);
	stop_reading(r);
	return false;
}

void
report_rewind(struct reporter *r)
{
	stop_reading(r);
	r->next = journal_first(r->metrics);
	r->event_next = journal_first(r->events);
}

/* --- life ------------------------------------------------------------------------------------- */
static int
open_one(struct reporter *r, const char *name, size_t bytes,
    void (*lost)(void *arg, const struct journal_gap *g),
    void (*disk)(void *arg, int err), struct journal **ret)
{
	char dir[PATH_MAX];
	struct journal_config cfg = { .bytes = bytes,
		.segment = bytes / SEGMENTS_MIN < SEGMENT_MAX ? bytes / SEGMENTS_MIN
							      : SEGMENT_MAX,
		.boot_ms = grasp_io_now(r->io),
		.wall_ms = wall(r),
		.lost = lost,
		.disk = disk,
		.arg = r };

	if (r->cfg.dir &&
	    (size_t)snprintf(dir, sizeof dir, "%s/%s", r->cfg.dir, name) < sizeof dir)
		cfg.dir = dir;
	return journal_open(&cfg, ret);
}

int
report_journals_open(struct reporter *r)
{
	int err = timer_new(r->io, sync_now, r, &r->sync);

	if (r->cfg.dir && mkdir(r->cfg.dir, 0700) < 0 && errno != EEXIST)
		log_warn("journal", "cannot make %s", r->cfg.dir);
	r->sync_due_ms = INT64_MAX;
	if (!err)
		err = open_one(
		    r, "events", r->cfg.event_bytes, events_lost, NULL, &r->events);
	if (!err)
		err = open_one(r, "metrics", r->cfg.metric_bytes, metrics_lost,
		    metrics_disk, &r->metrics);
	if (!err)
		err = report_stream_new(&r->disk);
	if (!err)
		err = report_stream_new(&r->reading.stream);
	return err;
}

void
report_journals_close(struct reporter *r)
{
	if (r->metrics && r->events) {
		report_keep(r);
		(void)journal_sync(r->events);
		(void)journal_sync(r->metrics);
	}
	stop_reading(r);
	journal_close(r->metrics);
	journal_close(r->events);
	report_stream_free(r->disk);
	report_stream_free(r->reading.stream);
	timer_free(r->io, r->sync);
}
