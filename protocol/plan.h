/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGPLAN, controller to agent: the whole plan of the node, replacing the one before if its version
 * is higher. M_END accept, or M_END decline with the reason ("policy: item 3: unknown metric …"). */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define PLAN_ITEMS_MAX	   128
#define PLAN_PROGRAM_MAX   2048 /* bytes */
#define PLAN_PERIOD_MIN_MS 100
#define PLAN_PERIOD_MAX_MS 86400000

/* When a result is reported. */
enum plan_mode {
	PLAN_PERIODIC = 1,
	PLAN_ON_CHANGE = 2, /* it moved by more than the deadband since the last report */
	PLAN_ON_CONDITION =
	    3, /* it is not 0 and not unknown: when it becomes so, and when no more */
	/* It is further from what the controller takes it for than eps, or than rho times the distance to
	 * the nearest threshold, or on another side of it (prediction.md §11). What the controller takes
	 * it for: the last value, or with PLAN_LINE the line that was sent with it, for 60 periods. */
	PLAN_SUPPRESSED = 4,
};
enum plan_flag {
	PLAN_LINE = 1, /* reports carry a slope */
	PLAN_ADAPTIVE =
	    2, /* the period may grow up to period_max_ms while the error stays below eps
			      (prediction.md §12) */
	PLAN_URGENT =
	    4, /* delivery class event: acknowledged when on disk, sent at once */
	PLAN_LOSSY =
	    8, /* delivery class telemetry: not kept for a controller that is away */
};
#define PLAN_THRESHOLDS_MAX 4

struct plan_item {
	uint32_t id;	      /* controller's, stable while the item means the same */
	struct slice program; /* metrics/expr.h, encoded */
	uint32_t period_ms;   /* 100 ms … 1 day */
	enum plan_mode mode;
	double deadband;       /* on change: report when it moved by more; ≥ 0 */
	uint32_t heartbeat_ms; /* on change: report at least so often; 0: never */
};
struct fog_plan {
	uint64_t version;
	struct plan_item item[PLAN_ITEMS_MAX];
	uint16_t items;
};
void fog_plan_encode(const struct fog_plan *p, struct buf *out);
/* Programs borrow from value; whether they are programs is not looked at. A repeated item id, as
 * everything out of bounds, is -EBADMSG; *ret is not to be used then. */
int fog_plan_decode(struct slice value, struct fog_plan *ret) MUST_CHECK;
