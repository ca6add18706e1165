/* SPDX-License-Identifier: Apache-2.0
 *
 * The compact form of reports. The bytes are bits, the first one of a byte is its highest:
 *
 *	report = *( 1 row ) 0, then zeros up to a whole byte
 *	row = time shape samples values reasons
 *	time: pack_time()
 *	shape, which series: 1: as in the row before; 01: as in the one before that; 00: anew:
 *		count, then each: 1: the one behind; 0: its number; the first number that
 *		is not in use: a new one: item, bytes of labels, labels
 *	samples: 1: each as in its value before; 0: each: 1: as before; 0: how many
 *	values: pack_value() each
 *	reasons, of each NaN: 1: the last one that was told; 0: bytes of text, text
 *
 * Counts and numbers are bits_put_number(k = 4). */
#include "base/pack.h"
#include "protocol/report.h"
#include "protocol/value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define NUMBER_K    4
#define NUMBER_BITS 96 /* the most that a number takes */
#define HASH_MIN    64
#define PACKED_MAX  16384 /* bytes; a report ends long before */
#define LAG_SLACK_MS \
	20 /* sent_ms need not be told more exactly: clocks are not mapped so well */
#define VALUE_BITS \
	(PACK_BITS_MAX + NUMBER_BITS + 8) /* a value of a known series at most */
#define POINTS_AT_ONCE 4096

struct series {
	struct report_series is;
	struct pack_values values;
	uint32_t samples;
};
/* Which series a row has, in their order. */
struct shape {
	uint16_t *at;
	size_t len, size;
};
struct report_stream {
	struct series *series;
	size_t len, size;
	uint16_t *hash; /* of the sender: number + 1; open addressing; NULL: not in use */
	size_t hash_size;
	struct shape shape[2]; /* the newest one first */
	struct pack_times times;
	int64_t time_ms; /* of the newest row */
	int64_t lag_ms;	 /* from the newest row until it was sent */
	uint64_t next;
	size_t labels_bytes;
	uint8_t boot[8];
	uint8_t reason[REPORT_REASON_MAX];
	uint8_t reason_len;
	bool begun;
};

/* --- life ------------------------------------------------------------------------------------- */
int
report_stream_new(struct report_stream **ret)
{
	struct report_stream *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

void
report_stream_reset(struct report_stream *s)
{
	struct report_stream empty = { 0 };

	for (size_t i = 0; i < s->len; i++)
		free((void *)s->series[i].is.labels.data);
	free(s->series);
	free(s->hash);
	free(s->shape[0].at);
	free(s->shape[1].at);
	*s = empty;
}

void
report_stream_free(struct report_stream *s)
{
	if (!s)
		return;
	report_stream_reset(s);
	free(s);
}

const uint8_t *
report_stream_boot(const struct report_stream *s)
{
	return s->boot;
}

uint64_t
report_stream_next(const struct report_stream *s)
{
	return s->next;
}

int64_t
report_stream_sent(const struct report_stream *s)
{
	return s->time_ms + s->lag_ms;
}

size_t
report_stream_bytes(const struct report_stream *s)
{
	return sizeof *s + s->size * sizeof *s->series + s->hash_size * sizeof *s->hash +
	    (s->shape[0].size + s->shape[1].size) * sizeof *s->shape[0].at +
	    s->labels_bytes;
}

void
report_stream_each(
    struct report_stream *s, void (*each)(void *arg, struct report_series *r), void *arg)
{
	for (size_t i = 0; i < s->len; i++)
		each(arg, &s->series[i].is);
}

static void
begin(struct report_stream *s, const uint8_t boot[8])
{
	report_stream_reset(s);
	memcpy(s->boot, boot, sizeof s->boot);
	s->begun = true;
}

/* --- series ------------------------------------------------------------------------------------ */
static int
grow_series(struct report_stream *s)
{
	size_t size = s->size ? s->size + s->size / 2 : 8;
	struct series *more = realloc(s->series, size * sizeof *more);

	if (!more)
		return -ENOMEM;
	s->series = more;
	s->size = size;
	return 0;
}

static int
add_series(struct report_stream *s, uint32_t item, struct slice labels)
{
	uint8_t *copy = NULL;

	if (s->len == s->size && grow_series(s) < 0)
		return -ENOMEM;
	if (labels.len) {
		copy = malloc(labels.len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, labels.data, labels.len);
	}
	s->series[s->len++] =
	    (struct series){ .is = { .item = item, .labels = { copy, labels.len } } };
	s->labels_bytes += labels.len;
	return 0;
}

static size_t
hash_of(uint32_t item, struct slice labels)
{
	uint64_t h = 0xcbf29ce484222325 ^ item; /* FNV-1a */

	for (size_t i = 0; i < labels.len; i++)
		h = (h ^ labels.data[i]) * 0x100000001b3;
	h *= 0x9e3779b97f4a7c15;
	return (size_t)(h >> 32);
}

static bool
is_series(const struct series *s, const struct report_point *p)
{
	return s->is.item == p->item && slice_equal(s->is.labels, p->labels);
}

/* Where the series of the point is in the table, or would be. */
static size_t
find_slot(const struct report_stream *s, const struct report_point *p)
{
	size_t i = hash_of(p->item, p->labels) & (s->hash_size - 1);

	while (s->hash[i] && !is_series(&s->series[s->hash[i] - 1], p))
		i = (i + 1) & (s->hash_size - 1);
	return i;
}

static int
grow_hash(struct report_stream *s)
{
	size_t size = s->hash_size ? 2 * s->hash_size : HASH_MIN;
	uint16_t *more = calloc(size, sizeof *more);

	if (!more)
		return -ENOMEM;
	free(s->hash);
	s->hash = more;
	s->hash_size = size;
	for (size_t i = 0; i < s->len; i++) {
		const struct report_point p = { .item = s->series[i].is.item,
			.labels = s->series[i].is.labels };

		s->hash[find_slot(s, &p)] = (uint16_t)(i + 1);
	}
	return 0;
}

static int
resize_shape(struct shape *shape, size_t len)
{
	size_t size = shape->size ? shape->size : 8;
	uint16_t *more;

	if (len <= shape->size)
		return 0;
	while (size < len)
		size += size / 2;
	more = realloc(shape->at, size * sizeof *more);
	if (!more)
		return -ENOMEM;
	shape->at = more;
	shape->size = size;
	return 0;
}

static void
swap_shapes(struct report_stream *s)
{
	struct shape newest = s->shape[1];

	s->shape[1] = s->shape[0];
	s->shape[0] = newest;
}

/* --- sender ------------------------------------------------------------------------------------ */
static bool
has_shape(const struct report_stream *s, const struct shape *shape,
    const struct report_point *p, size_t n)
{
	if (shape->len != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_series(&s->series[shape->at[i]], &p[i]))
			return false;
	return true;
}

static void
put_text(struct bit_writer *w, struct slice text)
{
	bits_put_number(w, text.len, NUMBER_K);
	for (size_t i = 0; i < text.len; i++)
		bits_put(w, text.data[i], 8);
}

/* The number of its series, told if it is a new one. */
static int
put_series(struct report_stream *s, struct bit_writer *w, const struct report_point *p,
    size_t behind, uint16_t *ret)
{
	size_t slot, at;
	int err;

	if (2 * (s->len + 1) > s->hash_size && (err = grow_hash(s)) < 0)
		return err;
	slot = find_slot(s, p);
	at = s->hash[slot] ? s->hash[slot] - 1u : s->len;
	bits_put(w, at == behind, 1);
	if (at != behind)
		bits_put_number(w, at, NUMBER_K);
	if (at == s->len) {
		err = add_series(s, p->item, p->labels);
		if (err < 0)
			return err;
		s->hash[slot] = (uint16_t)s->len;
		bits_put_number(w, p->item, NUMBER_K);
		put_text(w, p->labels);
	}
	*ret = (uint16_t)at;
	return 0;
}

static int
put_new_shape(
    struct report_stream *s, struct bit_writer *w, const struct report_point *p, size_t n)
{
	struct shape *shape = &s->shape[0];
	size_t behind = 0;
	int err;

	swap_shapes(s);
	err = resize_shape(shape, n);
	if (err < 0)
		return err;
	shape->len = n;
	bits_put_number(w, n, NUMBER_K);
	for (size_t i = 0; i < n; i++, behind++) {
		err = put_series(s, w, &p[i], behind, &shape->at[i]);
		if (err < 0)
			return err;
		behind = shape->at[i];
	}
	return 0;
}

static int
put_shape(
    struct report_stream *s, struct bit_writer *w, const struct report_point *p, size_t n)
{
	if (has_shape(s, &s->shape[0], p, n)) {
		bits_put(w, 1, 1);
		return 0;
	}
	if (has_shape(s, &s->shape[1], p, n)) {
		bits_put(w, 1, 2);
		swap_shapes(s);
		return 0;
	}
	bits_put(w, 0, 2);
	return put_new_shape(s, w, p, n);
}

static void
put_samples(
    struct report_stream *s, struct bit_writer *w, const struct report_point *p, size_t n)
{
	const uint16_t *at = s->shape[0].at;
	bool same = true;

	for (size_t i = 0; i < n && same; i++)
		same = s->series[at[i]].samples == p[i].samples;
	bits_put(w, same, 1);
	for (size_t i = 0; i < n && !same; i++) {
		uint32_t *samples = &s->series[at[i]].samples;

		bits_put(w, *samples == p[i].samples, 1);
		if (*samples != p[i].samples)
			bits_put_number(w, p[i].samples, NUMBER_K);
		*samples = p[i].samples;
	}
}

static void
put_reason(struct report_stream *s, struct bit_writer *w, struct slice reason)
{
	struct slice last = { s->reason, s->reason_len };

	if (reason.len > sizeof s->reason)
		reason.len = sizeof s->reason;
	bits_put(w, slice_equal(last, reason), 1);
	if (slice_equal(last, reason))
		return;
	put_text(w, reason);
	memcpy(s->reason, reason.data, reason.len);
	s->reason_len = (uint8_t)reason.len;
}

static int
put_row(
    struct report_stream *s, struct bit_writer *w, const struct report_point *p, size_t n)
{
	int err;

	bits_put(w, 1, 1);
	pack_time(&s->times, w, p->time_ms);
	s->time_ms = p->time_ms;
	err = put_shape(s, w, p, n);
	if (err < 0)
		return err;
	put_samples(s, w, p, n);
	for (size_t i = 0; i < n; i++)
		pack_value(&s->series[s->shape[0].at[i]].values, w, p[i].value);
	for (size_t i = 0; i < n; i++)
		if (isnan(p[i].value))
			put_reason(s, w, p[i].reason);
	return 0;
}

/* How many of these are a row that surely fits. */
static size_t
measure_row(const struct bit_writer *w, const struct report_point *p, size_t n)
{
	size_t i, bits = w->bits + PACK_BITS_MAX + NUMBER_BITS + 16;

	for (i = 0; i < n && p[i].time_ms == p->time_ms; i++) {
		bits += VALUE_BITS + 3 * NUMBER_BITS +
		    8 * (p[i].labels.len + p[i].reason.len);
		if (bits > 8 * w->size)
			break;
	}
	return i;
}

/* The head that belongs before these bytes. */
static void
put_head(struct report_stream *s, struct fog_report *head, bool begins, size_t taken,
    struct slice packed, struct buf *out)
{
	int64_t lag = head->sent_ms - s->time_ms;

	head->begins = begins;
	head->has_sequence = begins || head->sequence != s->next;
	head->has_sent = begins || llabs(lag - s->lag_ms) > LAG_SLACK_MS;
	head->packed = packed;
	if (head->has_sent)
		s->lag_ms = lag;
	s->next = head->sequence + taken;
	fog_report_encode(head, out);
}

int
report_stream_put(struct report_stream *s, struct fog_report *head,
    const struct report_point *p, size_t n, struct buf *out, size_t *ret_taken)
{
	UNSET uint8_t memory[PACKED_MAX];
	struct bit_writer w = { .data = memory, .size = sizeof memory };
	bool begins = !s->begun || memcmp(s->boot, head->boot, sizeof s->boot) ||
	    s->len + (n < POINTS_AT_ONCE ? n : POINTS_AT_ONCE) > REPORT_SERIES_MAX ||
	    s->labels_bytes + PACKED_MAX > REPORT_LABELS_ALL;
	size_t taken = 0, row;
	int err = 0;

	if (begins)
		begin(s, head->boot);
	while (taken < n && taken < POINTS_AT_ONCE && w.bits < 8 * REPORT_BYTES_MAX &&
	    !err) {
		row = measure_row(&w, p + taken, n - taken);
		if (row == 0)
			break;
		err = put_row(s, &w, p + taken, row);
		taken += row;
	}
	bits_put(&w, 0, 1);
	if (!err)
		put_head(s, head, begins, taken,
		    (struct slice){ memory, (w.bits + 7) / 8 }, out);
	if (!err)
		err = out->err;
	if (err < 0)
		report_stream_reset(s);
	*ret_taken = taken;
	return err;
}

/* --- receiver ---------------------------------------------------------------------------------- */
/* A number up to max; a larger one fails the reader. */
static uint64_t
get_number(struct bit_reader *r, uint64_t max)
{
	uint64_t v = bits_get_number(r, NUMBER_K);

	if (v <= max)
		return v;
	r->failed = true;
	return 0;
}

static struct slice
get_text(struct bit_reader *r, uint8_t *dst, size_t max)
{
	size_t len = get_number(r, max);

	for (size_t i = 0; i < len && !r->failed; i++)
		dst[i] = (uint8_t)bits_get(r, 8);
	return (struct slice){ dst, r->failed ? 0 : len };
}

static bool
is_labels(struct slice labels)
{
	struct cbor_reader r;
	struct slice found;

	if (!labels.len)
		return true;
	rd_init(&r, labels, VALUE_ITEMS_MAX);
	found = value_labels(&r);
	return rd_done(&r) == 0 && found.len == labels.len;
}

static int
get_new_series(struct report_stream *s, struct bit_reader *r)
{
	uint8_t memory[REPORT_LABELS_MAX];
	uint32_t item = (uint32_t)get_number(r, UINT32_MAX);
	struct slice labels = get_text(r, memory, sizeof memory);

	if (r->failed || s->len == REPORT_SERIES_MAX ||
	    s->labels_bytes + labels.len > REPORT_LABELS_ALL || !is_labels(labels))
		return -EBADMSG;
	return add_series(s, item, labels);
}

static int
get_series(struct report_stream *s, struct bit_reader *r, size_t behind, uint16_t *ret)
{
	size_t at = bits_get(r, 1) ? behind : (size_t)get_number(r, s->len);
	int err = 0;

	if (r->failed || at > s->len)
		return -EBADMSG;
	if (at == s->len)
		err = get_new_series(s, r);
	*ret = (uint16_t)at;
	return err;
}

static int
get_new_shape(struct report_stream *s, struct bit_reader *r)
{
	struct shape *shape = &s->shape[0];
	size_t n = get_number(r, POINTS_AT_ONCE), behind = 0;
	int err;

	swap_shapes(s);
	shape->len = 0;
	if (r->failed || n == 0)
		return -EBADMSG;
	err = resize_shape(shape, n);
	for (size_t i = 0; i < n && !err; i++) {
		err = get_series(s, r, behind, &shape->at[i]);
		behind = shape->at[i] + 1u;
	}
	if (!err)
		shape->len = n;
	return err;
}

static int
get_shape(struct report_stream *s, struct bit_reader *r)
{
	if (bits_get(r, 1))
		return s->shape[0].len ? 0 : -EBADMSG;
	if (bits_get(r, 1)) {
		swap_shapes(s);
		return s->shape[0].len ? 0 : -EBADMSG;
	}
	return get_new_shape(s, r);
}

/* A row may have a series twice: so not from the series, when all is read. */
static void
get_samples(struct report_stream *s, struct bit_reader *r, uint32_t *samples)
{
	const struct shape *shape = &s->shape[0];
	bool same = bits_get(r, 1);

	for (size_t i = 0; i < shape->len && !r->failed; i++) {
		struct series *series = &s->series[shape->at[i]];

		if (!same && !bits_get(r, 1))
			series->samples = (uint32_t)get_number(r, UINT32_MAX);
		samples[i] = series->samples;
	}
}

static struct slice
get_reason(struct report_stream *s, struct bit_reader *r)
{
	struct slice text;

	if (bits_get(r, 1))
		return (struct slice){ s->reason, s->reason_len };
	text = get_text(r, s->reason, sizeof s->reason);
	if (!slice_is_utf8(text))
		r->failed = true;
	s->reason_len = (uint8_t)text.len;
	return text;
}

struct row {
	double *value;
	uint32_t *samples;
	report_value_f *at;
	void *arg;
};

static int
give_row(struct report_stream *s, struct bit_reader *r, const struct row *row)
{
	for (size_t i = 0; i < s->shape[0].len; i++) {
		struct series *series = &s->series[s->shape[0].at[i]];
		struct report_value v = { .series = &series->is,
			.number = s->next,
			.time_ms = s->time_ms,
			.value = row->value[i],
			.samples = row->samples[i] };

		if (isnan(v.value))
			v.reason = get_reason(s, r);
		if (r->failed)
			return -EBADMSG;
		s->next++;
		row->at(row->arg, &v);
	}
	return 0;
}

static int
get_row(struct report_stream *s, struct bit_reader *r, const struct row *row)
{
	int err;

	s->time_ms = unpack_time(&s->times, r);
	if (r->failed || s->time_ms > VALUE_TIME_MAX || s->time_ms < -VALUE_TIME_MAX)
		return -EBADMSG;
	err = get_shape(s, r);
	if (err < 0)
		return err;
	get_samples(s, r, row->samples);
	for (size_t i = 0; i < s->shape[0].len && !r->failed; i++)
		row->value[i] = unpack_value(&s->series[s->shape[0].at[i]].values, r);
	return r->failed ? -EBADMSG : give_row(s, r, row);
}

static int
get_rows(struct report_stream *s, struct bit_reader *r, report_value_f *at, void *arg)
{
	UNSET double value[POINTS_AT_ONCE];
	UNSET uint32_t samples[POINTS_AT_ONCE];
	const struct row row = { value, samples, at, arg };
	int err = 0;

	while (!err && bits_get(r, 1))
		err = get_row(s, r, &row);
	if (!err && (r->failed || r->bits + 8 <= 8 * r->data.len))
		err = -EBADMSG;
	return err;
}

int
report_stream_take(
    struct report_stream *s, const struct fog_report *r, report_value_f *at, void *arg)
{
	struct bit_reader bits = { .data = r->packed };
	int err;

	if (r->begins)
		begin(s, r->boot);
	if (!s->begun)
		return -EPROTO;
	if (r->has_sequence)
		s->next = r->sequence;
	err = get_rows(s, &bits, at, arg);
	if (err < 0) {
		s->begun = false;
		return err;
	}
	if (r->has_sent)
		s->lag_ms = r->sent_ms - s->time_ms;
	return 0;
}
