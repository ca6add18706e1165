/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node gave since the last time: packed and put on its way to the disk in one transaction, with
 * the names of series that the disk does not know and how far its reports have come. */
#include "controller/history_int.h"

#include "base/cbor.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>

void
history_waiting_free(struct history_waiting *w)
{
	while (w) {
		struct history_waiting *next = w->next;

		free(w);
		w = next;
	}
}

void
history_batch_drop(struct history_batch *b)
{
	LIST_REMOVE(b, entry);
	history_waiting_free(b->waiting);
	free(b);
}

/* --- its end ------------------------------------------------------------------------------------ */

/* Nothing of the batch was kept, the names of its series neither. */
static void
forget_names(struct history *h, const struct fog_id *id)
{
	struct history_node *n = history_find(h, id);

	if (!n)
		return;
	n->name_is_stored = false;
	for (struct history_series *s = n->series; s; s = s->next)
		s->stored_ms = INT64_MIN;
}

/* Those who wait came last first. */
static struct history_waiting *
reverse(struct history_waiting *w)
{
	struct history_waiting *turned = NULL;

	while (w) {
		struct history_waiting *next = w->next;

		w->next = turned;
		turned = w;
		w = next;
	}
	return turned;
}

static void
on_stored(void *arg, int err)
{
	struct history_batch *b = arg;
	struct history_waiting *w = reverse(TAKE(b->waiting));
	struct history_node *n = history_find(b->history, &b->node);

	if (n && n->flying == b)
		n->flying = NULL;

	if (err)
		forget_names(b->history, &b->node);
	history_batch_drop(b);
	while (w) {
		struct history_waiting *next = w->next;

		w->done(w->arg, err);
		free(w);
		w = next;
	}
}

/* --- its making --------------------------------------------------------------------------------- */
struct making {
	struct history_node *node;
	struct store_batch batch;
	struct store_series
	    *series; /* labels: at an offset of texts, until all are there */
	struct store_block *block;
	size_t block_room;
	struct buf texts, blobs;
};

static void
put_labels(struct buf *out, const struct metric_labels *l)
{
	if (!l->len)
		return;
	wr_map(out, l->len);
	for (unsigned i = 0; i < l->len; i++) {
		wr_text(out, l->pair[i].name);
		wr_text(out, l->pair[i].value);
	}
}

/* A series that has been silent for so long may have been forgotten on the disk with all it had. */
static bool
is_unknown(const struct history_series *s, int64_t wall_ms)
{
	return s->stored_ms == INT64_MIN ||
	    wall_ms - s->stored_ms > s->node->history->cfg.raw_ms / 2;
}

static int
add_names(struct making *m, const struct columns *c, int64_t wall_ms)
{
	uint32_t i = 0;

	m->series = calloc(c->len ? c->len : 1, sizeof *m->series);
	if (!m->series)
		return -ENOMEM;
	for (struct history_series *s = m->node->series; s && i < c->len; s = s->next) {
		size_t at = m->texts.pos;

		if (c->column[i].key != s->number)
			continue;
		i++;
		if (!is_unknown(s, wall_ms)) {
			s->stored_ms = wall_ms;
			continue;
		}
		s->stored_ms = wall_ms;
		put_labels(&m->texts, s->series->labels);
		m->series[m->batch.series_len++] = (struct store_series){ s->number,
			s->series->metric->name, { NULL, m->texts.pos - at } };
	}
	return m->texts.err;
}

static int
add_block(void *arg, int64_t from_ms, int64_t last_ms, struct slice data)
{
	struct making *m = arg;

	if (m->batch.blocks == m->block_room) {
		size_t room = m->block_room ? 2 * m->block_room : 4;
		struct store_block *more = realloc(m->block, room * sizeof *more);

		if (!more)
			return -ENOMEM;
		m->block = more;
		m->block_room = room;
	}
	m->block[m->batch.blocks++] =
	    (struct store_block){ from_ms, last_ms, { NULL, data.len } };
	buf_put(&m->blobs, data.data, data.len);
	return m->blobs.err;
}

/* Each within one span, so that what is merged later is made of whole blocks. */
static int
add_blocks(struct making *m, const struct columns *c)
{
	int64_t next_ms = INT64_MIN;
	int err = 0;

	while (!err && (next_ms = columns_next(c, next_ms)) != INT64_MAX) {
		int64_t end_ms = span_start(next_ms, SPAN_RAW_MS) + SPAN_RAW_MS;

		err = columns_write(
		    c, &m->node->history->writer, next_ms, end_ms, 1, add_block, m);
		next_ms = end_ms;
	}
	return err;
}

static void
count_values(struct history_node *n, struct history_series **by_slot)
{
	for (struct history_series *s = n->series; s; s = s->next) {
		s->count = 0;
		by_slot[s->slot] = s;
	}
	for (uint32_t at = 0; at < n->pending_len; at += PENDING_BYTES) {
		uint16_t slot;

		memcpy(&slot, n->pending + at, sizeof slot);
		if (slot != PENDING_TIME)
			by_slot[slot]->count++;
	}
}

/* A column for each, of the length that it will have. */
static void
open_columns(struct history_node *n, struct columns *c)
{
	for (struct history_series *s = n->series; s && !c->err; s = s->next) {
		uint32_t len = s->count;

		s->count = (uint32_t)c->samples;
		if (len && columns_room(c, len))
			columns_add(c, s->number, len);
	}
}

static void
fill_columns(struct history_node *n, struct history_series **by_slot, struct columns *c)
{
	int64_t at_ms = 0;

	for (uint32_t at = 0; at < n->pending_len; at += PENDING_BYTES) {
		const uint8_t *p = n->pending + at;
		struct sample *to;
		uint16_t slot;

		memcpy(&slot, p, sizeof slot);
		if (slot == PENDING_TIME) {
			memcpy(&at_ms, p + sizeof slot, sizeof at_ms);
			continue;
		}
		to = &c->sample[by_slot[slot]->count++];
		to->time_ms = at_ms;
		memcpy(&to->value, p + sizeof slot, sizeof to->value);
	}
}

/* The pending values as columns; there are none any more. */
static int
gather(struct history_node *n, struct columns *c)
{
	struct history_series **by_slot = calloc(n->slots + 1u, sizeof(void *));

	columns_clear(c);
	if (!by_slot)
		return -ENOMEM;
	count_values(n, by_slot);
	open_columns(n, c);
	if (!c->err)
		fill_columns(n, by_slot, c);
	free(by_slot);
	free(TAKE(n->pending));
	n->pending_len = n->pending_room = 0;
	return columns_sort(c);
}

static void
point_into(struct making *m)
{
	const uint8_t *at = m->texts.data;

	for (size_t i = 0; i < m->batch.series_len; i++) {
		m->series[i].labels.data = at;
		if (m->series[i].labels.len)
			at += m->series[i].labels.len;
	}
	at = m->blobs.data;
	for (size_t i = 0; i < m->batch.blocks; i++) {
		m->block[i].data.data = at;
		at += m->block[i].data.len;
	}
	m->batch.series = m->series;
	m->batch.block = m->block;
}

static int
make_batch(struct making *m)
{
	struct history_node *n = m->node;
	struct columns *c = &n->history->columns;
	int err = gather(n, c);

	if (!err)
		err = add_names(m, c, history_wall(n->history));
	if (!err)
		err = add_blocks(m, c);
	if (err)
		return err;
	m->batch.node = &n->id;
	m->batch.name = n->name_is_stored ? NULL : n->name;
	m->batch.stream = n->has_mark ? n->stream : NULL;
	m->batch.sequence = n->sequence;
	point_into(m);
	return 0;
}

static void
count_blocks(struct history *h, const struct store_batch *b)
{
	h->stats.blocks += b->blocks;
	for (size_t i = 0; i < b->blocks; i++)
		h->stats.block_bytes += b->block[i].data.len;
}

static int
send_batch(struct history_node *n, struct making *m)
{
	struct history *h = n->history;
	struct history_batch *b = calloc(1, sizeof *b);
	int err = b ? make_batch(m) : -ENOMEM;

	if (!err)
		err = store_batch_put(h->store, &m->batch, on_stored, b);
	if (err) {
		free(b);
		return err;
	}
	*b = (struct history_batch){
		.history = h, .node = n->id, .waiting = TAKE(n->waiting)
	};
	LIST_INSERT_HEAD(&h->batches, b, entry);
	n->flying = b;
	count_blocks(h, &m->batch);
	n->name_is_stored = true;
	n->has_mark = false;
	return 0;
}

static void
refuse(struct history_node *n, int err)
{
	struct history_waiting *w = reverse(TAKE(n->waiting));

	log_errorx(
	    "history", "%s: what it reported is not kept: %s", n->name, strerror(-err));
	forget_names(n->history, &n->id);
	n->has_mark = false;
	while (w) {
		struct history_waiting *next = w->next;

		w->done(w->arg, err);
		free(w);
		w = next;
	}
}

void
history_batch_put(struct history_node *n)
{
	struct making m = { .node = n };
	int err;

	n->due_ms = INT64_MAX;
	buf_init(&m.texts, 1 << 24);
	buf_init(&m.blobs, 1 << 26);
	err = send_batch(n, &m);
	free(m.series);
	free(m.block);
	buf_done(&m.texts);
	buf_done(&m.blobs);
	if (err)
		refuse(n, err);
}
