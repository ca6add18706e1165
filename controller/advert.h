/* SPDX-License-Identifier: Apache-2.0
 *
 * How nodes find this controller: it floods FOGDOMAIN periodically, answers who looks for it, and
 * says when it leaves (DISC-04, DISC-05, DISC-21). What it hears of other controllers is logged and
 * counted, no more: multicast is a hint (SEC-08). */
#pragma once
#include "grasp/grasp.h"
#include "protocol/domain.h"

struct advert;

struct advert_config {
	struct fog_id id;
	const char *domain, *scope; /* "": none; borrowed */
	const char *prefix;	    /* of objective names; NULL: none */
	bool plain_name; /* announce under the name without prefix, too (F-06) */
	uint64_t epoch;
	int64_t period_ms;
	enum grasp_assist assist; /* telling of other controllers (F-10) */
	bool draft;		  /* also the draft's M_DISCOVERY each period (F-01) */
	uint8_t hops; /* loop count and hop limit (SC-11); 0: FOG_LOOP_COUNT, not said */
};
struct advert_counters {
	uint64_t floods, answers, not_for_us, others;
};

/* Floods at once, three times at 3 s, then each period, 20 % more or less; the period doubles up to
 * 160 s while nothing changes, and is itself again when somebody looks for us or another controller
 * comes or goes (F-14). */
int advert_new(struct grasp_node *grasp, const struct advert_config *cfg,
    struct advert **ret) MUST_CHECK;
void advert_leave(struct advert *a); /* floods that we are going */
void advert_free(struct advert *a);
DEFINE_FREEP(struct advert, advert_free)
const struct advert_counters *advert_counters(const struct advert *a);
