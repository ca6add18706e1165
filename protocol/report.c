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
};
#define REPORT_REQUIRED \
	(KEY(KEY_BOOT) | KEY(KEY_SEQUENCE) | KEY(KEY_SENT) | KEY(KEY_POINTS))

/* A point is an array, as there are many of them; its time travels as the age at sent_ms. */
static void
put_point(struct buf *out, const struct report_point *p, int64_t sent_ms)
{
	bool unknown = isnan(p->value);

	wr_array(out, 5u + unknown);
	wr_uint(out, p->item);
	wr_uint(out, p->time_ms < sent_ms ? (uint64_t)(sent_ms - p->time_ms) : 0);
	value_put_number(out, p->value);
	wr_uint(out, p->samples);
	value_put_labels(out, p->labels);
	if (unknown)
		wr_text_slice(out, p->reason);
}

void
fog_report_encode(const struct fog_report *r, struct buf *out)
{
	wr_map(out, 4);
	wr_uint(out, KEY_BOOT);
	wr_bytes(out, r->boot, sizeof r->boot);
	wr_uint(out, KEY_SEQUENCE);
	wr_uint(out, r->sequence);
	wr_uint(out, KEY_SENT);
	wr_uint(out, (uint64_t)r->sent_ms);
	wr_uint(out, KEY_POINTS);
	wr_array(out, r->points);
	for (unsigned i = 0; i < r->points; i++)
		put_point(out, &r->point[i], r->sent_ms);
}

static void
read_point(struct cbor_reader *r, int64_t sent_ms, struct report_point *ret)
{
	*ret = (struct report_point){ 0 };
	rd_enter_array(r);
	ret->item = (uint32_t)rd_uint_max(r, UINT32_MAX);
	ret->time_ms = sent_ms - (int64_t)rd_uint_max(r, (uint64_t)sent_ms);
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

int
fog_report_decode(struct slice value, struct fog_report *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, offsetof(struct fog_report, point));
	ret->points = 0;
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_BOOT:
			rd_bytes_copy(&r, ret->boot, sizeof ret->boot);
			break;
		case KEY_SEQUENCE:
			ret->sequence = rd_uint_max(&r, VALUE_TIME_MAX);
			break;
		case KEY_SENT:
			ret->sent_ms = value_time(&r);
			break;
		case KEY_POINTS:
			read_points(&r, ret);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return value_done(&r, seen, REPORT_REQUIRED);
}
