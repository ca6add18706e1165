/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGPLAN, controller to agent: the whole plan of the node, replacing the one before if its version
 * is higher. M_END accept, or M_END decline with the reason ("policy: item 3: unknown metric …"), or
 * M_NEGOTIATE with a plan of the same version that the node can do: items are left out or have longer
 * periods. The controller accepts that, or insists by M_NEGOTIATE with its own plan, once. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define PLAN_ITEMS_MAX	   128
#define PLAN_PROGRAM_MAX   2048 /* bytes */
#define PLAN_PERIOD_MIN_MS 100
#define PLAN_PERIOD_MAX_MS 86400000
#define PLAN_WHY_MAX	   160

/* When a result is reported; with heartbeat_ms also when nothing else was for so long. */
enum plan_mode {
	PLAN_PERIODIC = 1,  /* always */
	PLAN_ON_CHANGE = 2, /* it moved by more than the deadband since the last report */
	/* It is true (neither 0 nor unknown): when it becomes so, and when no more. */
	PLAN_ON_CONDITION = 3,
	/* It is further from what the controller takes it for (metrics/held.h) than the deadband and
	 * than a share of the distance to the nearest threshold, or on another side of one. */
	PLAN_SUPPRESSED = 4,
};
enum plan_flag {
	PLAN_LINE = 1,	 /* suppressed: what is held goes on along its line */
	PLAN_URGENT = 2, /* delivery class event: sent at once, accepted when on disk */
	PLAN_LOSSY =
	    4, /* delivery class telemetry: not kept for a controller that is away */
	PLAN_FLAGS = 7,
};
const char *plan_mode_name(enum plan_mode m); /* "on change" */
#define PLAN_THRESHOLDS_MAX 4

struct plan_item {
	uint32_t id;	      /* controller's, stable while the item means the same */
	struct slice program; /* metrics/expr.h, encoded */
	uint32_t period_ms;   /* 100 ms … 1 day */
	enum plan_mode mode;
	uint8_t flags;	 /* enum plan_flag */
	double deadband; /* on change, suppressed, adaptive: in the result's unit; ≥ 0 */
	double share;	 /* suppressed: of the distance to the threshold; 0 … 1 */
	uint32_t heartbeat_ms; /* 0: never */
	/* Adaptive: the period may grow so far while the result stays within the deadband
	 * (metrics/pace.h); 0: it does not grow. */
	uint32_t period_max_ms;
	double threshold[PLAN_THRESHOLDS_MAX];
	uint8_t thresholds;
};
#define PLAN_RULES_MAX 32
/* An expression with a name, for items and queries (metrics/rules.h). */
struct plan_rule {
	char name[64 + 1], unit[32];
	struct slice program;
};
struct fog_plan {
	uint64_t version;
	struct plan_rule rule[PLAN_RULES_MAX];
	uint16_t rules;
	struct plan_item item[PLAN_ITEMS_MAX];
	uint16_t items;
	char why[PLAN_WHY_MAX]; /* of a counter-offer: what cannot be done; "" */
};
#define PLAN_DIGEST_LEN 16
/* What tells an encoded plan from every other: who has it need not be sent it (PLN-07). */
int fog_plan_digest(struct slice encoded, uint8_t ret[PLAN_DIGEST_LEN]) MUST_CHECK;
void fog_plan_encode(const struct fog_plan *p, struct buf *out);
/* Programs borrow from value; whether they are programs is not looked at. A repeated item id, as
 * everything out of bounds, is -EBADMSG; *ret is not to be used then. */
int fog_plan_decode(struct slice value, struct fog_plan *ret) MUST_CHECK;
