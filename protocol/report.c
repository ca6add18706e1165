/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/report.h"
#include "protocol/value.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum report_key {
	KEY_BOOT = 1,
	KEY_SEQUENCE,
	KEY_SENT,
	KEY_POINTS,
	KEY_PACKED,
	KEY_KIND,
	KEY_EVENTS,
};
#define REPORT_REQUIRED (KEY(KEY_BOOT) | KEY(KEY_SEQUENCE) | KEY(KEY_SENT))
#define EVENT_GAP_ITEMS 4 /* behind the others of an event */

static uint64_t
age_of(int64_t time_ms, int64_t sent_ms)
{
	return time_ms < sent_ms ? (uint64_t)sent_ms - (uint64_t)time_ms : 0;
}

/* A point is an array, as there are many of them; its time travels as the age at sent_ms. */
static void
put_point(struct buf *out, const struct report_point *p, int64_t sent_ms)
{
	bool unknown = isnan(p->value);

	wr_array(out, 5u + unknown);
	wr_uint(out, p->item);
	wr_uint(out, age_of(p->time_ms, sent_ms));
	value_put_number(out, p->value);
	wr_uint(out, p->samples);
	value_put_labels(out, p->labels);
	if (unknown)
		wr_text_slice(out, p->reason);
}

static void
put_points(struct buf *out, const struct fog_report *r)
{
	wr_uint(out, KEY_POINTS);
	wr_array(out, r->points);
	for (unsigned i = 0; i < r->points; i++)
		put_point(out, &r->point[i], r->sent_ms);
}

static void
put_event(struct buf *out, const struct report_event *e, int64_t sent_ms)
{
	wr_array(out, e->first ? 3u + EVENT_GAP_ITEMS : 3u);
	wr_uint(out, age_of(e->time_ms, sent_ms));
	wr_text_slice(out, e->kind);
	wr_text_slice(out, e->text);
	if (!e->first)
		return;
	wr_uint(out, e->first);
	wr_uint(out, e->last);
	wr_uint(out, age_of(e->from_ms, sent_ms));
	wr_uint(out, age_of(e->to_ms, sent_ms));
}

static void
put_events(struct buf *out, const struct fog_report *r)
{
	wr_uint(out, KEY_EVENTS);
	wr_array(out, r->events);
	for (unsigned i = 0; i < r->events; i++)
		put_event(out, &r->event[i], r->sent_ms);
}

void
fog_report_encode(const struct fog_report *r, struct buf *out)
{
	bool compact = r->packed.data, plain = !compact && !r->events;
	bool boot = !compact || r->begins, sequence = boot || r->has_sequence;
	bool sent = boot || r->has_sent;

	wr_map(out, 1u + boot + sequence + sent + (r->kind != REPORT_METRICS));
	if (boot) {
		wr_uint(out, KEY_BOOT);
		wr_bytes(out, r->boot, sizeof r->boot);
	}
	if (sequence) {
		wr_uint(out, KEY_SEQUENCE);
		wr_uint(out, r->sequence);
	}
	if (sent) {
		wr_uint(out, KEY_SENT);
		wr_uint(out, (uint64_t)r->sent_ms);
	}
	if (plain)
		put_points(out, r);
	if (compact) {
		wr_uint(out, KEY_PACKED);
		wr_bytes(out, r->packed.data, r->packed.len);
	}
	if (r->kind != REPORT_METRICS) {
		wr_uint(out, KEY_KIND);
		wr_uint(out, r->kind);
	}
	if (!compact && !plain)
		put_events(out, r);
}

/* It may be older than the node's uptime: then it is from before its start. */
static int64_t
read_age(struct cbor_reader *r, int64_t sent_ms)
{
	return sent_ms - (int64_t)rd_uint_max(r, VALUE_TIME_MAX);
}

static void
read_point(struct cbor_reader *r, int64_t sent_ms, struct report_point *ret)
{
	*ret = (struct report_point){ 0 };
	rd_enter_array(r);
	ret->item = (uint32_t)rd_uint_max(r, UINT32_MAX);
	ret->time_ms = read_age(r, sent_ms);
	ret->value = value_number(r);
	ret->samples = (uint32_t)rd_uint_max(r, UINT32_MAX);
	ret->labels = value_labels(r);
	if (isnan(ret->value) && rd_more(r))
		ret->reason = value_text(r, REPORT_REASON_MAX);
	rd_leave(r);
}

static void
read_points(struct cbor_reader *r, struct fog_report *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->points == REPORT_POINTS_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_point(r, ret->sent_ms, &ret->point[ret->points++]);
	}
	rd_leave(r);
}

static void
read_gap(struct cbor_reader *r, int64_t sent_ms, struct report_event *ret)
{
	ret->first = rd_uint_max(r, VALUE_TIME_MAX);
	ret->last = rd_uint_max(r, VALUE_TIME_MAX);
	ret->from_ms = read_age(r, sent_ms);
	ret->to_ms = read_age(r, sent_ms);
	if (!ret->first || ret->last < ret->first)
		rd_fail(r, -EBADMSG);
}

static void
read_event(struct cbor_reader *r, int64_t sent_ms, struct report_event *ret)
{
	*ret = (struct report_event){ 0 };
	rd_enter_array(r);
	ret->time_ms = read_age(r, sent_ms);
	ret->kind = value_text(r, REPORT_EVENT_KIND_MAX);
	ret->text = value_text(r, REPORT_EVENT_TEXT_MAX);
	if (rd_more(r))
		read_gap(r, sent_ms, ret);
	rd_leave(r);
}

static void
read_events(struct cbor_reader *r, struct fog_report *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->events == REPORT_EVENTS_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_event(r, ret->sent_ms, &ret->event[ret->events++]);
	}
	rd_leave(r);
}

static struct slice
read_packed(struct cbor_reader *r)
{
	struct slice s = value_bytes(r, r->size);

	if (!s.len)
		rd_fail(r, -EBADMSG);
	return s;
}

static void
read_key(struct cbor_reader *r, int64_t key, struct fog_report *ret)
{
	switch (key) {
	case KEY_BOOT:
		rd_bytes_copy(r, ret->boot, sizeof ret->boot);
		break;
	case KEY_SEQUENCE:
		ret->sequence = rd_uint_max(r, VALUE_TIME_MAX);
		break;
	case KEY_SENT:
		ret->sent_ms = value_time(r);
		break;
	case KEY_POINTS:
		read_points(r, ret);
		break;
	case KEY_PACKED:
		ret->packed = read_packed(r);
		break;
	case KEY_KIND:
		ret->kind = (enum report_kind)rd_uint_max(r, REPORT_KINDS - 1);
		break;
	case KEY_EVENTS:
		read_events(r, ret);
		break;
	default:
		rd_skip(r);
	}
}

/* What has to be there follows from what it is: one of three. */
static uint64_t
require(struct cbor_reader *r, uint64_t seen)
{
	uint64_t content = seen & (KEY(KEY_POINTS) | KEY(KEY_PACKED) | KEY(KEY_EVENTS));

	if (content == KEY(KEY_PACKED))
		return seen & KEY(KEY_BOOT) ? REPORT_REQUIRED : 0;
	if (content != KEY(KEY_POINTS) && content != KEY(KEY_EVENTS))
		rd_fail(r, -EBADMSG);
	return REPORT_REQUIRED;
}

int
fog_report_decode(struct slice value, struct fog_report *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, offsetof(struct fog_report, point));
	ret->points = ret->events = 0;
	ret->packed = (struct slice){ 0 };
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		read_key(&r, key, ret);
	}
	rd_leave(&r);
	ret->begins = ret->packed.data && seen & KEY(KEY_BOOT);
	ret->has_sequence = ret->packed.data && seen & KEY(KEY_SEQUENCE);
	ret->has_sent = ret->packed.data && seen & KEY(KEY_SENT);
	return value_done(&r, seen, require(&r, seen));
}
