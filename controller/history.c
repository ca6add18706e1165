/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/history_int.h"

#include "base/log.h"
#include "base/cbor.h"
#include "controller/history_program.h"
#include "controller/idmap.h"
#include "grasp/io.h"
#include "metrics/source.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NODE_BYTES_MAX (16 << 20) /* of the series of one node */
#define FLUSH_NODES    64	  /* in one turn of the loop */
#define CHORES_MS      10000
#define RETAIN_MS      60000
#define GRACE_MS       30000 /* until a span is merged: what is late by less is in it */

const struct fog_id history_domain;

int64_t
history_wall(const struct history *h)
{
	return h->io->ops->wall(h->io);
}

struct history_node *
history_find(const struct history *h, const struct fog_id *id)
{
	return idmap_get(h->by_id, id);
}

/* --- nodes -------------------------------------------------------------------------------------- */

static struct history_node *
make_node(struct history *h, const struct fog_id *id, const char *name)
{
	struct history_node *n = calloc(1, sizeof *n);

	if (!n || idmap_put(h->by_id, id, n)) {
		free(n);
		return NULL;
	}
	n->history = h;
	n->id = *id;
	n->due_ms = n->since_ms = INT64_MAX;
	n->late_ms = INT64_MIN;
	snprintf(n->name, sizeof n->name, "%s", name);
	n->next = h->nodes;
	h->nodes = n;
	h->stats.nodes++;
	return n;
}

static void
load_node(void *arg, const struct fog_id *id, const char *name)
{
	struct history *h = arg;
	char text[FOG_ID_TEXT];
	bool is_named = *name || !memcmp(id, &history_domain, sizeof *id);
	struct history_node *n =
	    make_node(h, id, is_named ? name : fog_id_format(id, text));

	if (n)
		n->name_is_stored = *name != '\0';
}

static void
forget_memory(struct history_node *n)
{
	struct history_series *s;

	while ((s = n->series)) {
		n->series = s->next;
		n->history->stats.series--;
		free(s);
	}
	series_set_free(TAKE(n->set));
	free(TAKE(n->pending));
	n->pending_len = n->pending_room = 0;
	n->slots = 0;
	n->since_ms = INT64_MAX;
}

static void
free_node(struct history_node *n)
{
	forget_memory(n);
	history_waiting_free(n->waiting);
	free(n);
}

static struct history_node *
ensure_node(struct history *h, const struct fog_id *id, const char *name)
{
	struct history_node *n = history_find(h, id);

	if (!n)
		n = make_node(h, id, name);
	if (n && strcmp(n->name, name)) {
		snprintf(n->name, sizeof n->name, "%s", name);
		n->name_is_stored = false;
	}
	return n;
}

/* --- series ------------------------------------------------------------------------------------- */

static void
insert_series(struct history_node *n, struct history_series *s)
{
	struct history_series **at = &n->series;

	while (*at && (*at)->number < s->number)
		at = &(*at)->next;
	s->next = *at;
	*at = s;
	n->history->stats.series++;
}

static const char *
find_unit(const struct history *h, const char *metric)
{
	const char *unit = h->hints.unit ? h->hints.unit(h->hints.arg, metric) : NULL;

	return unit ? unit : "";
}

/* Metrics that we know have a unit; the others are what an item's expression says. */
static struct history_series *
make_series(struct history_node *n, const char *text, const struct metric_labels *labels,
    uint32_t number)
{
	const struct metric *known = sources_metric(text, NULL);
	const struct metric unknown = {
		.name = text, .unit = find_unit(n->history, text), .help = ""
	};
	struct history_series *s = n->slots < PENDING_TIME ? calloc(1, sizeof *s) : NULL;

	if (!s)
		return NULL;
	*s = (struct history_series){
		.node = n, .number = number, .slot = n->slots, .stored_ms = INT64_MIN
	};
	s->series = series_ensure(n->set, known ? known : &unknown, labels);
	if (!s->series) {
		free(s);
		return NULL;
	}
	n->slots++;
	series_keep(s->series, n->history->cfg.window_ms);
	insert_series(n, s);
	return s;
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
		struct slice value = rd_text(&r);
		char name[METRIC_LABEL_NAME_MAX], text[METRIC_LABEL_VALUE_MAX];

		if (slice_copy(key, name, sizeof name) ||
		    slice_copy(value, text, sizeof text) ||
		    metric_labels_set(ret, name, text))
			return -EBADMSG;
	}
	rd_leave(&r);
	return rd_done(&r);
}

static void
load_series(void *arg, const struct store_series *series)
{
	struct history_node *n = arg;
	struct metric_labels labels;
	struct history_series *s;

	if (read_labels(series->labels, &labels))
		return;
	s = make_series(n, series->metric, &labels, series->number);
	if (s)
		s->stored_ms = history_wall(n->history);
}

/* What the node was known for keeps its numbers. */
int
history_open(struct history_node *n)
{
	struct history *h = n->history;
	int err = n->set ? 0 : series_set_new(NODE_BYTES_MAX, &n->set);

	if (err || n->since_ms != INT64_MAX)
		return err;
	n->since_ms = history_wall(h);
	err = store_series(h->store, &n->id, load_series, n);
	if (err)
		forget_memory(n);
	return err;
}

static struct history_series *
find_series(struct history_node *n, const char *text, const struct metric_labels *labels)
{
	struct history_series *s = n->series;

	while (s &&
	    (strcmp(s->series->metric->name, text) ||
		!metric_labels_equal(s->series->labels, labels)))
		s = s->next;
	return s;
}

struct history_series *
history_ensure(struct history *h, const struct fog_id *node, const char *name,
    const char *metric, const struct metric_labels *labels)
{
	static const struct metric_labels none;
	struct history_node *n = ensure_node(h, node, name);
	struct history_series *s;

	if (!labels)
		labels = &none;
	if (!n || history_open(n))
		return NULL;
	s = find_series(n, metric, labels);
	if (!s)
		s = make_series(n, metric, labels, h->newest_number + 1);
	if (s && s->number > h->newest_number)
		h->newest_number = s->number;
	return s;
}

const struct metric_labels *
history_series_labels(const struct history_series *s)
{
	return s->series->labels;
}

/* --- values ------------------------------------------------------------------------------------- */

static void
set_flush_timer(struct history *h, int64_t at_ms)
{
	int64_t now_ms = grasp_io_now(h->io);

	if (at_ms >= h->flush_at_ms)
		return;
	h->flush_at_ms = at_ms;
	h->io->ops->timer_set(h->flush, at_ms > now_ms ? at_ms - now_ms : 0);
}

static void
make_due(struct history_node *n, int64_t in_ms)
{
	int64_t at_ms = grasp_io_now(n->history->io) + in_ms;

	if (at_ms >= n->due_ms)
		return;
	n->due_ms = at_ms;
	set_flush_timer(n->history, at_ms);
}

static bool
put_pending(struct history_node *n, uint16_t slot, const void *eight)
{
	if (n->pending_len + PENDING_BYTES > n->pending_room) {
		uint32_t room =
		    n->pending_room + n->pending_room / 4 + 64 * PENDING_BYTES;
		uint8_t *more = realloc(n->pending, room);

		if (!more)
			return false;
		n->pending = more;
		n->pending_room = room;
	}
	memcpy(n->pending + n->pending_len, &slot, sizeof slot);
	memcpy(n->pending + n->pending_len + sizeof slot, eight, 8);
	n->pending_len += PENDING_BYTES;
	return true;
}

static void
keep_pending(struct history_node *n, uint16_t slot, const struct sample *s)
{
	bool kept = true;

	if (!n->pending_len || n->pending_ms != s->time_ms)
		kept = put_pending(n, PENDING_TIME, &s->time_ms);
	n->pending_ms = s->time_ms;
	if (!kept || !put_pending(n, slot, &s->value))
		log_warnx("history", "%s: a value is lost for want of memory", n->name);
}

void
history_pending(struct history_node *n, int64_t from_ms, int64_t to_ms,
    columns_wanted_f *wanted, void *arg, struct columns *to)
{
	for (struct history_series *s = n->series; s; s = s->next) {
		int64_t at_ms = INT64_MIN;
		struct sample sample;

		if (wanted && !wanted(arg, s->number))
			continue;
		for (uint32_t at = 0; at < n->pending_len; at += PENDING_BYTES) {
			const uint8_t *p = n->pending + at;
			uint16_t slot;

			memcpy(&slot, p, sizeof slot);
			if (slot == PENDING_TIME)
				memcpy(&at_ms, p + sizeof slot, sizeof at_ms);
			if (slot != s->slot || at_ms < from_ms || at_ms >= to_ms)
				continue;
			sample.time_ms = at_ms;
			memcpy(&sample.value, p + sizeof slot, sizeof sample.value);
			columns_copy(to, s->number, &sample, 1);
		}
	}
}

static void
note_late(struct history_node *n, int64_t time_ms)
{
	n->history->stats.late++;
	if (time_ms > n->late_ms)
		n->late_ms = time_ms;
}

void
history_put(struct history *h, struct history_series *s, int64_t time_ms, double value)
{
	struct history_node *n = s->node;
	struct sample sample = { time_ms, isnan(value) ? series_stale() : value };

	h->stats.values++;
	keep_pending(n, s->slot, &sample);
	if (series_append(n->set, s->series, time_ms, sample.value))
		note_late(n, time_ms);
	if (n->pending_len >= PENDING_MAX)
		history_batch_put(n);
	else if (n->due_ms == INT64_MAX)
		make_due(n, h->cfg.flush_ms);
}

int
history_mark(struct history *h, const struct fog_id *node, const uint8_t stream[8],
    uint64_t sequence)
{
	struct history_node *n = history_find(h, node);
	char name[FOG_ID_TEXT];

	if (!n)
		n = make_node(h, node, fog_id_format(node, name));
	if (!n)
		return -ENOMEM;
	memcpy(n->stream, stream, sizeof n->stream);
	n->sequence = sequence;
	n->has_mark = true;
	make_due(n, h->cfg.flush_ms);
	return 0;
}

int
history_stored(struct history *h, const struct fog_id *node, bool soon,
    store_done_f *done, void *arg)
{
	struct history_node *n = history_find(h, node);
	struct history_waiting *w = n ? malloc(sizeof *w) : NULL, **at;

	if (!w)
		return n ? -ENOMEM : -ENOENT;
	at = n->flying && n->due_ms == INT64_MAX ? &n->flying->waiting : &n->waiting;
	*w = (struct history_waiting){ *at, done, arg };
	*at = w;
	if (at == &n->waiting)
		make_due(n, soon ? 0 : h->cfg.flush_ms);
	return 0;
}

void
history_forget(struct history *h, const struct fog_id *node)
{
	struct history_node *n = history_find(h, node);

	if (!n || !n->set)
		return;
	history_batch_put(n);
	forget_memory(n);
}

/* --- time --------------------------------------------------------------------------------------- */

/* Those that are almost due go along: a commit costs the same for one and for a hundred. */
static void
on_flush(void *arg)
{
	struct history *h = arg;
	int64_t now_ms = grasp_io_now(h->io), next_ms = INT64_MAX;
	unsigned left = FLUSH_NODES;

	h->flush_at_ms = INT64_MAX;
	for (struct history_node *n = h->nodes; n; n = n->next) {
		if (n->due_ms <= now_ms + h->cfg.flush_ms / 8 && left) {
			history_batch_put(n);
			left--;
		}
		if (n->due_ms < next_ms)
			next_ms = n->due_ms;
	}
	if (next_ms != INT64_MAX)
		set_flush_timer(h, next_ms);
}

void
history_flush(struct history *h)
{
	for (struct history_node *n = h->nodes; n; n = n->next)
		if (n->due_ms != INT64_MAX)
			history_batch_put(n);
}

static void
on_merged(void *arg, int err)
{
	struct history *h = arg;

	(void)err;
	h->merging = false;
}

static void
on_retained(void *arg, int err)
{
	struct history *h = arg;

	(void)err;
	h->retaining = false;
}

static void
retain(struct history *h, int64_t wall_ms)
{
	const struct store_retention r = {
		.raw_before_ms = wall_ms - h->cfg.raw_ms,
		.minute_before_ms = wall_ms - h->cfg.minute_ms,
		.hour_before_ms = wall_ms - h->cfg.hour_ms,
		.bytes_max = h->cfg.bytes_max,
	};

	h->retaining = !store_retain(h->store, &r, on_retained, h);
}

static void
on_chores(void *arg)
{
	struct history *h = arg;
	int64_t wall_ms = history_wall(h), now_ms = grasp_io_now(h->io);

	if (!h->merging)
		h->merging =
		    !store_merge(h->store, wall_ms - GRACE_MS, wall_ms, on_merged, h);
	if (!h->retaining && now_ms >= h->retain_at_ms) {
		h->retain_at_ms = now_ms + RETAIN_MS;
		retain(h, wall_ms);
	}
	h->io->ops->timer_set(h->chores, CHORES_MS);
}

/* --- life --------------------------------------------------------------------------------------- */

static int
make_timers(struct history *h)
{
	const struct grasp_io_ops *ops = h->io->ops;
	int err = ops->timer_new(h->io, on_flush, h, &h->flush);

	if (!err)
		err = ops->timer_new(h->io, on_chores, h, &h->chores);
	if (!err)
		err = ops->timer_new(h->io, history_queries_run, h, &h->slice);
	if (!err)
		ops->timer_set(h->chores, CHORES_MS);
	return err;
}

int
history_new(struct grasp_io *io, struct store *store, const struct history_config *cfg,
    struct history **ret)
{
	CLEANUP(history_free) struct history *h = calloc(1, sizeof *h);
	int err;

	if (!h || idmap_new(&h->by_id))
		return -ENOMEM;
	h->io = io;
	h->store = store;
	h->cfg = *cfg;
	h->flush_at_ms = INT64_MAX;
	TAILQ_INIT(&h->queries);
	block_init(&h->writer);
	block_reader_init(&h->reader);
	err = store_series_newest(store, &h->newest_number);
	if (!err)
		err = store_sources(store, load_node, h);
	if (!err)
		err = make_timers(h);
	if (err)
		return err;
	*ret = TAKE(h);
	return 0;
}

void
history_hint(struct history *h, const struct history_hints *hints)
{
	h->hints = *hints;
}

unsigned
history_variants(const struct history_node *n, const struct program_needs *needs,
    struct metric_labels ret[HISTORY_VARIANTS_MAX])
{
	const struct history_hints *hints = &n->history->hints;
	unsigned len = 0;

	if (needs->labels && hints->labels && *n->name)
		len = hints->labels(hints->arg, &n->id, needs->label, needs->labels, ret);
	if (!len)
		ret[len++].len = 0;
	return len;
}

void
history_set(struct history *h, const struct history_config *cfg)
{
	h->cfg = *cfg;
	for (struct history_node *n = h->nodes; n; n = n->next)
		for (struct history_series *s = n->series; s; s = s->next)
			series_keep(s->series, cfg->window_ms);
}

/* Nobody is told any more, but what is on its way has to come home before its batch is freed. */
static void
close_down(struct history *h)
{
	struct history_batch *b;

	h->closing = true;
	history_queries_stop(h);
	history_flush(h);
	LIST_FOREACH(b, &h->batches, entry) {
		history_waiting_free(TAKE(b->waiting));
	}
	store_flush(h->store);
	while ((b = LIST_FIRST(&h->batches)))
		history_batch_drop(b);
}

void
history_free(struct history *h)
{
	struct history_node *n;

	if (!h)
		return;
	close_down(h);
	if (h->flush)
		h->io->ops->timer_free(h->flush);
	if (h->chores)
		h->io->ops->timer_free(h->chores);
	if (h->slice)
		h->io->ops->timer_free(h->slice);
	while ((n = h->nodes)) {
		h->nodes = n->next;
		free_node(n);
	}
	idmap_free(h->by_id);
	columns_done(&h->columns);
	block_done(&h->writer);
	block_reader_done(&h->reader);
	free(h);
}

void
history_stats(const struct history *h, struct history_stats *ret)
{
	*ret = h->stats;
	ret->memory_bytes = 0;
	for (const struct history_node *n = h->nodes; n; n = n->next)
		ret->memory_bytes += sizeof *n + (n->set ? series_set_bytes(n->set) : 0);
	ret->memory_bytes += h->stats.series * sizeof(struct history_series);
}
