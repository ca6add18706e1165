/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/plan.h"
#include "protocol/value.h"
#include <errno.h>
#include <math.h>
#include <string.h>

enum plan_key {
	KEY_VERSION = 1,
	KEY_ITEMS,
};
enum item_key {
	KEY_ID = 1,
	KEY_PROGRAM,
	KEY_PERIOD,
	KEY_MODE,
	KEY_DEADBAND,
	KEY_HEARTBEAT,
};
#define ITEM_REQUIRED (KEY(KEY_ID) | KEY(KEY_PROGRAM) | KEY(KEY_PERIOD) | KEY(KEY_MODE))

static void
put_item(struct buf *out, const struct plan_item *i)
{
	bool deadband = i->deadband > 0;

	wr_map(out, 4u + deadband + !!i->heartbeat_ms);
	wr_uint(out, KEY_ID);
	wr_uint(out, i->id);
	wr_uint(out, KEY_PROGRAM);
	wr_raw(out, i->program);
	wr_uint(out, KEY_PERIOD);
	wr_uint(out, i->period_ms);
	wr_uint(out, KEY_MODE);
	wr_uint(out, i->mode);
	if (deadband) {
		wr_uint(out, KEY_DEADBAND);
		wr_double(out, i->deadband);
	}
	if (i->heartbeat_ms) {
		wr_uint(out, KEY_HEARTBEAT);
		wr_uint(out, i->heartbeat_ms);
	}
}

void
fog_plan_encode(const struct fog_plan *p, struct buf *out)
{
	wr_map(out, 2);
	wr_uint(out, KEY_VERSION);
	wr_uint(out, p->version);
	wr_uint(out, KEY_ITEMS);
	wr_array(out, p->items);
	for (unsigned i = 0; i < p->items; i++)
		put_item(out, &p->item[i]);
}

static void
read_period(struct cbor_reader *r, struct plan_item *ret)
{
	ret->period_ms = (uint32_t)rd_uint_max(r, PLAN_PERIOD_MAX_MS);
	if (ret->period_ms < PLAN_PERIOD_MIN_MS)
		rd_fail(r, -EBADMSG);
}

static void
read_mode(struct cbor_reader *r, struct plan_item *ret)
{
	ret->mode = (enum plan_mode)rd_uint_max(r, PLAN_ON_CHANGE);
	if (ret->mode < PLAN_PERIODIC)
		rd_fail(r, -EBADMSG);
}

static void
read_deadband(struct cbor_reader *r, struct plan_item *ret)
{
	ret->deadband = rd_number(r);
	if (!isfinite(ret->deadband) || ret->deadband < 0)
		rd_fail(r, -EBADMSG);
}

static void
read_item(struct cbor_reader *r, struct plan_item *ret)
{
	uint64_t seen = 0;

	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_ID:
			ret->id = (uint32_t)rd_uint_max(r, UINT32_MAX);
			break;
		case KEY_PROGRAM:
			ret->program = value_raw(r, RD_ARRAY, PLAN_PROGRAM_MAX);
			break;
		case KEY_PERIOD:
			read_period(r, ret);
			break;
		case KEY_MODE:
			read_mode(r, ret);
			break;
		case KEY_DEADBAND:
			read_deadband(r, ret);
			break;
		case KEY_HEARTBEAT:
			ret->heartbeat_ms = (uint32_t)rd_uint_max(r, PLAN_PERIOD_MAX_MS);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
	value_require(r, seen, ITEM_REQUIRED);
}

static bool
has_id(const struct fog_plan *p, unsigned len, uint32_t id)
{
	for (unsigned i = 0; i < len; i++)
		if (p->item[i].id == id)
			return true;
	return false;
}

static void
read_items(struct cbor_reader *r, struct fog_plan *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->items == PLAN_ITEMS_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_item(r, &ret->item[ret->items]);
		if (has_id(ret, ret->items, ret->item[ret->items].id))
			rd_fail(r, -EBADMSG);
		ret->items++;
	}
	rd_leave(r);
}

int
fog_plan_decode(struct slice value, struct fog_plan *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_VERSION:
			ret->version = rd_uint(&r);
			break;
		case KEY_ITEMS:
			read_items(&r, ret);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return value_done(&r, seen, KEY(KEY_VERSION) | KEY(KEY_ITEMS));
}
