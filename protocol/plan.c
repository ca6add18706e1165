/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/plan.h"
#include "base/crypto.h"
#include "protocol/value.h"
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

enum plan_key {
	KEY_VERSION = 1,
	KEY_ITEMS,
	KEY_RULES,
	KEY_WHY,
};
enum rule_key {
	KEY_RULE_NAME = 1,
	KEY_RULE_PROGRAM,
	KEY_RULE_UNIT,
};
#define RULE_REQUIRED (KEY(KEY_RULE_NAME) | KEY(KEY_RULE_PROGRAM))
enum item_key {
	KEY_ID = 1,
	KEY_PROGRAM,
	KEY_PERIOD,
	KEY_MODE,
	KEY_DEADBAND,
	KEY_HEARTBEAT,
	KEY_FLAGS,
	KEY_SHARE,
	KEY_THRESHOLDS,
	KEY_PERIOD_MAX,
};
#define ITEM_REQUIRED (KEY(KEY_ID) | KEY(KEY_PROGRAM) | KEY(KEY_PERIOD) | KEY(KEY_MODE))

const char *
plan_mode_name(enum plan_mode m)
{
	switch (m) {
	case PLAN_PERIODIC:
		return "periodic";
	case PLAN_ON_CHANGE:
		return "on change";
	case PLAN_ON_CONDITION:
		return "on condition";
	case PLAN_SUPPRESSED:
		return "suppressed";
	}
	return "";
}

static void
put_number(struct buf *out, enum item_key key, double v)
{
	if (v > 0) {
		wr_uint(out, key);
		wr_double(out, v);
	}
}

static void
put_uint(struct buf *out, enum item_key key, uint64_t v)
{
	if (v) {
		wr_uint(out, key);
		wr_uint(out, v);
	}
}

static void
put_thresholds(struct buf *out, const struct plan_item *i)
{
	if (!i->thresholds)
		return;
	wr_uint(out, KEY_THRESHOLDS);
	wr_array(out, i->thresholds);
	for (unsigned n = 0; n < i->thresholds; n++)
		wr_double(out, i->threshold[n]);
}

static void
put_item(struct buf *out, const struct plan_item *i)
{
	wr_map(out,
	    4u + (i->deadband > 0) + !!i->heartbeat_ms + !!i->flags + (i->share > 0) +
		!!i->thresholds + !!i->period_max_ms);
	wr_uint(out, KEY_ID);
	wr_uint(out, i->id);
	wr_uint(out, KEY_PROGRAM);
	wr_raw(out, i->program);
	wr_uint(out, KEY_PERIOD);
	wr_uint(out, i->period_ms);
	wr_uint(out, KEY_MODE);
	wr_uint(out, i->mode);
	put_number(out, KEY_DEADBAND, i->deadband);
	put_uint(out, KEY_HEARTBEAT, i->heartbeat_ms);
	put_uint(out, KEY_FLAGS, i->flags);
	put_number(out, KEY_SHARE, i->share);
	put_thresholds(out, i);
	put_uint(out, KEY_PERIOD_MAX, i->period_max_ms);
}

static void
put_rules(struct buf *out, const struct fog_plan *p)
{
	wr_uint(out, KEY_RULES);
	wr_array(out, p->rules);
	for (unsigned i = 0; i < p->rules; i++) {
		const struct plan_rule *r = &p->rule[i];

		wr_map(out, 2u + !!*r->unit);
		wr_uint(out, KEY_RULE_NAME);
		wr_text(out, r->name);
		wr_uint(out, KEY_RULE_PROGRAM);
		wr_raw(out, r->program);
		if (*r->unit) {
			wr_uint(out, KEY_RULE_UNIT);
			wr_text(out, r->unit);
		}
	}
}

void
fog_plan_encode(const struct fog_plan *p, struct buf *out)
{
	wr_map(out, 2u + !!p->rules + !!p->why[0]);
	wr_uint(out, KEY_VERSION);
	wr_uint(out, p->version);
	wr_uint(out, KEY_ITEMS);
	wr_array(out, p->items);
	for (unsigned i = 0; i < p->items; i++)
		put_item(out, &p->item[i]);
	if (p->rules)
		put_rules(out, p);
	if (p->why[0]) {
		wr_uint(out, KEY_WHY);
		wr_text(out, p->why);
	}
}

int
fog_plan_digest(struct slice encoded, uint8_t ret[PLAN_DIGEST_LEN])
{
	uint8_t whole[CRYPTO_SHA256_LEN];
	int err = crypto_sha256(encoded, whole);

	if (err < 0)
		return err;
	memcpy(ret, whole, PLAN_DIGEST_LEN);
	return 0;
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
	ret->mode = (enum plan_mode)rd_uint_max(r, PLAN_SUPPRESSED);
	if (ret->mode < PLAN_PERIODIC)
		rd_fail(r, -EBADMSG);
}

static double
read_number(struct cbor_reader *r, double max)
{
	double v = rd_number(r);

	if (!isfinite(v) || v < 0 || v > max)
		rd_fail(r, -EBADMSG);
	return v;
}

static void
read_thresholds(struct cbor_reader *r, struct plan_item *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		double v = rd_number(r);

		if (!isfinite(v) || ret->thresholds == PLAN_THRESHOLDS_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		ret->threshold[ret->thresholds++] = v;
	}
	rd_leave(r);
}

/* A flag that is not known asks for what cannot be done here. */
static void
read_flags(struct cbor_reader *r, struct plan_item *ret)
{
	ret->flags = (uint8_t)rd_uint_max(r, PLAN_FLAGS);
}

static void
check_item(struct cbor_reader *r, const struct plan_item *i)
{
	if (i->period_max_ms && i->period_max_ms < i->period_ms)
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
			ret->deadband = read_number(r, DBL_MAX);
			break;
		case KEY_HEARTBEAT:
			ret->heartbeat_ms = (uint32_t)rd_uint_max(r, PLAN_PERIOD_MAX_MS);
			break;
		case KEY_FLAGS:
			read_flags(r, ret);
			break;
		case KEY_SHARE:
			ret->share = read_number(r, 1);
			break;
		case KEY_THRESHOLDS:
			read_thresholds(r, ret);
			break;
		case KEY_PERIOD_MAX:
			ret->period_max_ms = (uint32_t)rd_uint_max(r, PLAN_PERIOD_MAX_MS);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
	value_require(r, seen, ITEM_REQUIRED);
	check_item(r, ret);
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

static void
read_rule(struct cbor_reader *r, struct plan_rule *ret)
{
	uint64_t seen = 0;

	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_RULE_NAME:
			rd_text_copy(r, ret->name, sizeof ret->name);
			break;
		case KEY_RULE_PROGRAM:
			ret->program = value_raw(r, RD_ARRAY, PLAN_PROGRAM_MAX);
			break;
		case KEY_RULE_UNIT:
			rd_text_copy(r, ret->unit, sizeof ret->unit);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
	value_require(r, seen, RULE_REQUIRED);
}

static void
read_rules(struct cbor_reader *r, struct fog_plan *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->rules == PLAN_RULES_MAX) {
			rd_fail(r, -EBADMSG);
			break;
		}
		read_rule(r, &ret->rule[ret->rules++]);
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
		case KEY_RULES:
			read_rules(&r, ret);
			break;
		case KEY_WHY:
			rd_text_copy(&r, ret->why, sizeof ret->why);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return value_done(&r, seen, KEY(KEY_VERSION) | KEY(KEY_ITEMS));
}
