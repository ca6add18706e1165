/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_terms.h"

#include "controller/reporting.h"

#include <string.h>

#define HOST_FACTOR	 2 /* so much longer a period may be than was asked for, ... */
#define CANDIDATE_FACTOR 4

static const struct plan_item *
find_offered(const struct fog_plan *offer, uint32_t id)
{
	for (unsigned i = 0; i < offer->items; i++)
		if (offer->item[i].id == id)
			return &offer->item[i];
	return NULL;
}

/* ... and at the host half of hold, so that a violation that counts is seen. */
static int64_t
longest_period(const struct plan_reason *r)
{
	const struct requirement *q = r->requirement;
	int64_t stretched;

	if (!r->host)
		return CANDIDATE_FACTOR * q->candidate_period_ms;
	stretched = HOST_FACTOR * q->period_ms;
	return stretched > q->hold_ms / 2 ? stretched : q->hold_ms / 2;
}

static bool
serves(const struct plan_entry *e, const struct plan_item *offered)
{
	for (size_t i = 0; i < e->reasons; i++)
		if (!offered || offered->period_ms > longest_period(&e->reason[i]))
			return false;
	return true;
}

bool
plan_entry_is_served(const struct plan_entry *e)
{
	return serves(e, e->unserved ? NULL : &e->item);
}

/* Only the periods may be others, and longer; heartbeats with them. */
static bool
is_slower(const struct plan_entry *e, const struct plan_item *offered)
{
	struct plan_item same = *offered;

	same.period_ms = e->wanted.period_ms;
	same.period_max_ms = e->wanted.period_max_ms;
	return offered->period_ms >= e->wanted.period_ms &&
	    slice_equal(offered->program, e->text->program) &&
	    reporting_is(&same, &e->wanted);
}

enum plan_terms
plan_terms_judge(const struct node_plan *plan, const struct fog_plan *offer)
{
	enum plan_terms terms = TERMS_GOOD;
	size_t known = 0;

	if (offer->version != plan->version)
		return TERMS_FOREIGN;
	for (size_t i = 0; i < plan->entries; i++) {
		const struct plan_entry *e = &plan->entry[i];
		const struct plan_item *offered = find_offered(offer, e->text->id);

		if (offered && !is_slower(e, offered))
			return TERMS_FOREIGN;
		known += offered != NULL;
		if (!serves(e, offered))
			terms = TERMS_POOR;
	}
	return known == offer->items ? terms : TERMS_FOREIGN;
}

void
plan_terms_take(struct node_plan *plan, const struct fog_plan *offer)
{
	for (size_t i = 0; i < plan->entries; i++) {
		struct plan_entry *e = &plan->entry[i];
		const struct plan_item *offered = find_offered(offer, e->text->id);

		e->unserved = !offered;
		e->item = offered ? *offered : e->wanted;
	}
}

bool
plan_terms_drop(struct node_plan *plan)
{
	bool any = false;

	for (size_t i = 0; i < plan->entries; i++) {
		struct plan_entry *e = &plan->entry[i];

		any |= e->unserved || !reporting_is(&e->item, &e->wanted);
		e->unserved = false;
		e->item = e->wanted;
	}
	return any;
}
