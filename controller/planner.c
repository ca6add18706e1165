/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/planner.h"

#include "base/log.h"
#include "controller/candidates.h"
#include "controller/idmap.h"
#include "controller/plan_default.h"
#include "controller/plan_terms.h"
#include "controller/reporting.h"
#include "controller/vitals.h"
#include "metrics/expr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_SANE (UINT64_MAX / 2)
#define SLOTS	     512 /* of the draft's index, a power of two, above PLAN_ITEMS_MAX */

/* The plan that is being made: reasons stand in the order in which they come. */
struct draft_reason {
	struct plan_reason is;
	uint16_t entry;
};
struct draft {
	struct plan_entry entry[PLAN_ITEMS_MAX];
	size_t entries;
	uint16_t slot[SLOTS]; /* index + 1 of the entry with that text */
	struct draft_reason *reason;
	size_t reasons, room;
	bool cut;
};
struct planner {
	struct plan_texts *texts;
	struct plan_default by_default;
	struct resolved_set *resolved;
	struct idmap *plans;		     /* struct node_plan by node */
	const struct plan_text *position[2]; /* latitude and longitude */
	struct draft draft;
	struct resolution resolution;
};

const char *
planner_text(const struct planner *p, uint32_t id)
{
	const struct plan_text *t = plan_texts_find(p->texts, id);

	return t ? t->text : NULL;
}

/* --- the draft ----------------------------------------------------------------------------------- */

static void
begin_draft(struct draft *d)
{
	d->entries = d->reasons = 0;
	d->cut = false;
	memset(d->slot, 0, sizeof d->slot);
}

/* The entry for an item; NULL: the plan is full. */
static struct plan_entry *
ensure_entry(struct draft *d, const struct plan_text *text, const struct plan_item *item)
{
	size_t i = text->id % SLOTS;

	while (d->slot[i] && d->entry[d->slot[i] - 1].text != text)
		i = (i + 1) % SLOTS;
	if (d->slot[i]) {
		reporting_merge(&d->entry[d->slot[i] - 1].item, item);
		return &d->entry[d->slot[i] - 1];
	}
	if (d->entries == PLAN_ITEMS_MAX) {
		d->cut = true;
		return NULL;
	}
	d->entry[d->entries] = (struct plan_entry){ .text = text, .item = *item };
	d->slot[i] = (uint16_t)++d->entries;
	return &d->entry[d->entries - 1];
}

static int
add_reason(struct draft *d, const struct plan_entry *e, const struct plan_reason *reason)
{
	size_t room = d->room ? 2 * d->room : 64;
	struct draft_reason *grown;

	if (d->reasons == d->room) {
		grown = realloc(d->reason, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		d->reason = grown;
		d->room = room;
	}
	d->reason[d->reasons++] =
	    (struct draft_reason){ *reason, (uint16_t)(e - d->entry) };
	return 0;
}

static int
add_requirement(struct planner *p, struct placement *at, const struct requirement *r,
    bool host, bool made)
{
	const struct plan_reason reason = { at, r, host, made };
	const struct plan_text *text;
	struct plan_item item;
	struct plan_entry *e;
	int err = plan_texts_ensure(p->texts, r->program, r->expr, &text);

	if (err)
		return err;
	reporting_of(r, host, &item);
	e = ensure_entry(&p->draft, text, &item);
	err = e ? add_reason(&p->draft, e, &reason) : 0;
	if (err || r->origin != REQUIRE_LOCATION)
		return err;
	e = ensure_entry(
	    &p->draft, p->position[1], &item); /* its watch is that of the other */
	return e ? add_reason(&p->draft, e, &reason) : 0;
}

/* Others have to be near to it. */
static void
add_position(struct planner *p, int64_t period_ms)
{
	const struct plan_item item = { .period_ms = (uint32_t)period_ms,
		.mode = PLAN_PERIODIC };

	for (size_t i = 0; period_ms && i < ARRAY_LEN(p->position); i++) {
		struct plan_entry *e = ensure_entry(&p->draft, p->position[i], &item);

		if (e)
			e->near = true;
	}
}

static int
add_function(struct planner *p, const struct plan_view *view, const struct node *n,
    struct placement *at, bool host)
{
	struct resolution *r = &p->resolution;
	int err = 0;

	for (size_t i = 0; i < at->function->requirements && !err; i++)
		err = add_requirement(p, at, &at->function->requirement[i], host, false);
	if (err)
		return err;
	r->view = view;
	r->of = at;
	r->node = n;
	r->host = host;
	r->set = p->resolved;
	err = resolution_run(r);
	for (size_t i = 0; i < r->len && !err; i++)
		err = add_requirement(p, at, r->requirement[i], host, true);
	return err;
}

static bool
is_candidate(const struct placement *at, const struct node *n)
{
	return n->state != NODE_LOST && n->state != NODE_GONE && candidates_suit(at, n);
}

/* Hosts first, so that a plan that is too long is short of what matters least. */
static int
make_draft(struct planner *p, const struct node *n, const struct plan_view *view)
{
	int err = 0;

	begin_draft(&p->draft);
	for (struct placement *at = view->placements; at && !err; at = at->next)
		if (at->function && !strcmp(at->node, n->name))
			err = add_function(p, view, n, at, true);
	for (struct placement *at = view->placements; at && !err; at = at->next)
		if (at->function && strcmp(at->node, n->name) && is_candidate(at, n))
			err = add_function(p, view, n, at, false);
	add_position(p, plan_location_near(view, n));
	for (size_t i = 0; i < p->by_default.len && !err; i++) {
		struct plan_entry *e = ensure_entry(
		    &p->draft, p->by_default.entry[i].text, &p->by_default.entry[i].item);

		if (e)
			e->by_default = true;
	}
	return err;
}

/* --- from the draft to the plan -------------------------------------------------------------------- */

static int
compare_ids(const void *x, const void *y)
{
	const struct plan_entry *a = *(const struct plan_entry *const *)x,
				*b = *(const struct plan_entry *const *)y;

	return (a->text->id > b->text->id) - (a->text->id < b->text->id);
}

/* One block: the plan, its entries, their reasons. */
static struct node_plan *
new_plan(size_t entries, size_t reasons)
{
	struct node_plan *plan = calloc(1,
	    sizeof *plan + entries * sizeof(struct plan_entry) +
		reasons * sizeof(struct plan_reason));

	if (!plan)
		return NULL;
	plan->entry = (struct plan_entry *)(plan + 1);
	plan->entries = entries;
	return plan;
}

static void
count_reasons(struct draft *d)
{
	for (size_t i = 0; i < d->reasons; i++)
		d->entry[d->reason[i].entry].reasons++;
}

static void
share_out(struct node_plan *plan, struct plan_reason *room, const struct draft *d,
    struct plan_entry *const *sorted)
{
	uint16_t place[PLAN_ITEMS_MAX] = { 0 };

	for (size_t i = 0; i < plan->entries; i++) {
		plan->entry[i] = *sorted[i];
		plan->entry[i].wanted = plan->entry[i].item;
		plan->entry[i].reason = room;
		room += plan->entry[i].reasons;
		plan->entry[i].reasons = 0;
		place[sorted[i] - d->entry] = (uint16_t)i;
	}
	for (size_t i = 0; i < d->reasons; i++) {
		struct plan_entry *e = &plan->entry[place[d->reason[i].entry]];

		e->reason[e->reasons++] = d->reason[i].is;
	}
}

static int
finish_draft(struct draft *d, struct node_plan **ret)
{
	struct plan_entry *sorted[PLAN_ITEMS_MAX];
	struct node_plan *plan = new_plan(d->entries, d->reasons);

	if (!plan)
		return -ENOMEM;
	count_reasons(d);
	for (size_t i = 0; i < d->entries; i++)
		sorted[i] = &d->entry[i];
	qsort(sorted, d->entries, sizeof sorted[0], compare_ids);
	share_out(plan, (struct plan_reason *)(plan->entry + plan->entries), d, sorted);
	plan->cut = d->cut;
	*ret = plan;
	return 0;
}

/* Those of a service may be gone with it. */
static void
ref_reasons(const struct node_plan *plan, void (*f)(const struct requirement *r))
{
	for (size_t i = 0; plan && i < plan->entries; i++)
		for (size_t k = 0; k < plan->entry[i].reasons; k++)
			if (plan->entry[i].reason[k].made)
				f(plan->entry[i].reason[k].requirement);
}

/* --- what has changed ------------------------------------------------------------------------------ */

/* What a node has agreed to holds as long as the same is wanted. */
static void
keep_terms(struct node_plan *plan, const struct node_plan *before)
{
	size_t k = 0;

	for (size_t i = 0; before && i < plan->entries; i++) {
		struct plan_entry *e = &plan->entry[i];

		while (k < before->entries && before->entry[k].text->id < e->text->id)
			k++;
		if (k == before->entries || before->entry[k].text != e->text ||
		    !reporting_is(&before->entry[k].wanted, &e->wanted))
			continue;
		e->item = before->entry[k].item;
		e->unserved = before->entry[k].unserved;
	}
}

static bool
same_reasons(const struct plan_entry *a, const struct plan_entry *b)
{
	if (a->reasons != b->reasons || a->by_default != b->by_default ||
	    a->near != b->near)
		return false;
	for (size_t i = 0; i < a->reasons; i++)
		if (a->reason[i].placement != b->reason[i].placement ||
		    a->reason[i].requirement != b->reason[i].requirement ||
		    a->reason[i].host != b->reason[i].host)
			return false;
	return true;
}

static enum plan_change
compare_plans(const struct node_plan *a, const struct node_plan *b)
{
	enum plan_change change = PLAN_SAME;

	if (!a || a->entries != b->entries)
		return PLAN_OTHER;
	for (size_t i = 0; i < a->entries; i++) {
		if (a->entry[i].text != b->entry[i].text ||
		    !reporting_is(&a->entry[i].wanted, &b->entry[i].wanted))
			return PLAN_OTHER;
		if (!same_reasons(&a->entry[i], &b->entry[i]))
			change = PLAN_REASONS;
	}
	return change;
}

/* By a plan of before our restart, made when the clock was ahead. */
static bool
is_overtaken(const struct node *n, uint64_t version)
{
	return n->plan_version > version && n->plan_version < VERSION_SANE;
}

/* Rises over restarts too, since the clock goes on. */
static uint64_t
next_version(const struct node *n, const struct node_plan *before, int64_t wall_ms)
{
	uint64_t version = wall_ms > 0 ? (uint64_t)wall_ms : 1;

	if (before && before->version >= version)
		version = before->version + 1;
	return is_overtaken(n, version) ? n->plan_version + 1 : version;
}

static void
warn_cut(
    const struct node *n, const struct node_plan *plan, const struct node_plan *before)
{
	if (plan->cut && !(before && before->cut))
		log_warnx("plan",
		    "%s would have to measure more than %d things; the least important "
		    "are left out",
		    n->name, PLAN_ITEMS_MAX);
}

int
planner_update(struct planner *p, const struct node *n, const struct plan_view *view,
    int64_t wall_ms)
{
	struct node_plan *before = idmap_get(p->plans, &n->id), *plan;
	enum plan_change change;
	int err = make_draft(p, n, view);

	if (!err)
		err = finish_draft(&p->draft, &plan);
	if (err)
		return err;
	err = idmap_put(p->plans, &n->id, plan);
	if (err) {
		free(plan);
		return err;
	}
	ref_reasons(plan, resolved_ref);
	ref_reasons(before, resolved_unref);
	change = compare_plans(before, plan);
	if (before && is_overtaken(n, before->version))
		change = PLAN_OTHER;
	plan->version =
	    change == PLAN_OTHER ? next_version(n, before, wall_ms) : before->version;
	keep_terms(plan, before);
	warn_cut(n, plan, before);
	free(before);
	return change;
}

/* --- what others ask ------------------------------------------------------------------------------- */

void
planner_sweep(struct planner *p)
{
	resolved_sweep(p->resolved);
}

void
planner_forget(struct planner *p, const struct node *n)
{
	struct node_plan *plan = idmap_remove(p->plans, &n->id);

	ref_reasons(plan, resolved_unref);
	free(plan);
}

const struct node_plan *
planner_get(const struct planner *p, const struct node *n)
{
	return idmap_get(p->plans, &n->id);
}

void
planner_adopt(struct planner *p, const struct node *n, uint64_t version)
{
	struct node_plan *plan = idmap_get(p->plans, &n->id);

	if (plan)
		plan->version = version;
}

void
planner_agree(struct planner *p, const struct node *n, const struct fog_plan *offer)
{
	struct node_plan *plan = idmap_get(p->plans, &n->id);

	if (plan)
		plan_terms_take(plan, offer);
}

bool
planner_forget_terms(struct planner *p, const struct node *n, int64_t wall_ms)
{
	struct node_plan *plan = idmap_get(p->plans, &n->id);

	if (!plan || !plan_terms_drop(plan))
		return false;
	plan->version = next_version(n, plan, wall_ms);
	return true;
}

void
planner_fill(const struct node_plan *plan, struct fog_plan *ret)
{
	ret->version = plan->version;
	for (size_t i = 0; i < plan->entries; i++) {
		struct plan_item *to = &ret->item[ret->items];

		if (plan->entry[i].unserved)
			continue;
		*to = plan->entry[i].item;
		to->id = plan->entry[i].text->id;
		to->program = plan->entry[i].text->program;
		ret->items++;
	}
}

bool
plan_concerns(const struct node_plan *plan, const char *service)
{
	for (size_t i = 0; plan && i < plan->entries; i++)
		for (size_t k = 0; k < plan->entry[i].reasons; k++)
			if (!strcmp(plan->entry[i].reason[k].placement->service_name,
				service))
				return true;
	return false;
}

/* --- life ------------------------------------------------------------------------------------------ */

static int
intern(struct planner *p, const char *expr, const struct plan_text **ret)
{
	struct buf program;
	char why[256];
	int err;

	buf_init(&program, EXPR_PROGRAM_MAX);
	err = expr_parse(expr, &program, why, sizeof why);
	if (!err)
		err = program.err;
	if (!err)
		err = plan_texts_ensure(p->texts, buf_slice(&program), expr, ret);
	buf_done(&program);
	return err;
}

static int
make_parts(struct planner *p)
{
	int err = plan_texts_new(&p->texts);

	if (!err)
		err = resolved_set_new(&p->resolved);
	if (!err)
		err = intern(p, vital_exprs[VITAL_LATITUDE], &p->position[0]);
	if (!err)
		err = intern(p, vital_exprs[VITAL_LONGITUDE], &p->position[1]);
	return err ? err : idmap_new(&p->plans);
}

int
planner_new(
    const struct yaml_node *default_plan, struct complaints *c, struct planner **ret)
{
	CLEANUP(planner_free) struct planner *p = calloc(1, sizeof *p);
	int err = p ? make_parts(p) : -ENOMEM;

	if (!err)
		err = plan_default_load(&p->by_default, p->texts, default_plan, c);
	if (err)
		return err;
	*ret = TAKE(p);
	return 0;
}

int
planner_new_like(const struct planner *other, struct planner **ret)
{
	CLEANUP(planner_free) struct planner *p = calloc(1, sizeof *p);
	int err = p ? make_parts(p) : -ENOMEM;

	if (err)
		return err;
	p->by_default = other->by_default;
	for (size_t i = 0; i < p->by_default.len && !err; i++) {
		const struct plan_text *t = other->by_default.entry[i].text;

		err = plan_texts_ensure(
		    p->texts, t->program, t->text, &p->by_default.entry[i].text);
	}
	if (err)
		return err;
	*ret = TAKE(p);
	return 0;
}

static void
free_plan(void *arg, void *value)
{
	(void)arg;
	free(value);
}

void
planner_free(struct planner *p)
{
	if (!p)
		return;
	if (p->plans)
		idmap_each(p->plans, free_plan, NULL);
	idmap_free(p->plans);
	resolved_set_free(p->resolved);
	plan_texts_free(p->texts);
	free(p->draft.reason);
	free(p);
}
