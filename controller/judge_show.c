/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/ctl.h"
#include "controller/candidates.h"
#include "controller/judge_int.h"
#include "controller/judge_item.h"
#include "controller/store.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MIGRATIONS_MAX 200

/* --- services ----------------------------------------------------------------------------------- */

static void
send_function(struct ctl_request *req, const struct placement *p)
{
	struct buf b;

	begin_item(&b, 8);
	wr_key_text(&b, "service", p->service_name);
	wr_key_text(&b, "function", p->function_name);
	wr_key_text(&b, "node", or_null(p->node));
	wr_key_text(&b, "state", placement_state_name(p->state));
	wr_key_int(&b, "generation", (int64_t)p->generation);
	wr_text(&b, "requirements");
	wr_array(&b, p->function->requirements);
	for (size_t i = 0; i < p->function->requirements; i++)
		wr_text(&b, p->function->requirement[i].text);
	wr_key_text(&b, "hook", p->service->hook);
	put_seconds(&b, "lead_s", placement_lead(p));
	send_item(req, &b);
}

void
judge_show_services(struct judge *j, struct ctl_request *req)
{
	for (const struct service *s = j->services; s; s = s->next)
		for (size_t i = 0; i < s->functions; i++) {
			const struct placement *p =
			    placement_find(j->placements, s->name, s->function[i].name);

			if (p)
				send_function(req, p);
		}
	ctl_end(req);
}

void
judge_each_function(const struct judge *j, const char *node,
    void (*each)(void *arg, const char *service, const char *function), void *arg)
{
	for (const struct placement *p = j->placements; p; p = p->next)
		if (p->function && !strcmp(p->node, node))
			each(arg, p->service_name, p->function_name);
}

void
judge_put_functions(struct judge *j, const struct node *n, struct buf *out)
{
	uint64_t count = 0;

	for (const struct placement *p = j->placements; p; p = p->next)
		count += p->function && !strcmp(p->node, n->name);
	wr_array(out, count);
	for (const struct placement *p = j->placements; p; p = p->next) {
		char name[2 * FOG_NAME_MAX + 2];

		if (!p->function || strcmp(p->node, n->name))
			continue;
		snprintf(name, sizeof name, "%s/%s", p->service_name, p->function_name);
		wr_text(out, name);
	}
}

/* --- plans -------------------------------------------------------------------------------------- */

void
judge_put_reasons(struct buf *b, const struct plan_entry *e)
{
	wr_text(b, "reasons");
	wr_array(b, e->reasons + e->near + e->by_default);
	for (size_t i = 0; i < e->reasons; i++) {
		const struct plan_reason *r = &e->reason[i];
		char text[2 * FOG_NAME_MAX + 32];

		snprintf(text, sizeof text, "%s/%s%s", r->placement->service_name,
		    r->placement->function_name, r->host ? "" : " (candidate)");
		wr_text(b, text);
	}
	if (e->near)
		wr_text(b, "others have to be near");
	if (e->by_default)
		wr_text(b, "default plan");
}

/* Is it measured less often than was asked for? */
static bool
has_bargained(const struct plan_entry *e)
{
	return e->item.period_ms != e->wanted.period_ms;
}

static void
send_plan(struct judge *j, struct ctl_request *req, const struct node *n)
{
	const struct node_plan *plan = planner_get(j->planner, n);

	for (size_t i = 0; plan && i < plan->entries; i++) {
		const struct plan_entry *e = &plan->entry[i];
		struct buf b;

		begin_item(&b, 6u + has_bargained(e) + e->unserved);
		wr_key_text(&b, "node", n->name);
		wr_key_int(&b, "item", e->text->id);
		wr_key_text(&b, "expression", e->text->text);
		put_seconds(&b, "period_s", e->item.period_ms);
		if (has_bargained(e))
			put_seconds(&b, "asked_s", e->wanted.period_ms);
		if (e->unserved)
			wr_key_text(&b, "unserved", "the node cannot measure it");
		wr_key_text(&b, "mode", plan_mode_name(e->item.mode));
		judge_put_reasons(&b, e);
		send_item(req, &b);
	}
}

void
judge_show_plan(struct judge *j, struct ctl_request *req, const char *node)
{
	struct node *only = *node ? registry_by_name(j->registry, node) : NULL;

	if (*node && !only) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
		return;
	}
	for (struct node *n = registry_first(j->registry); n; n = n->next)
		if (n->state != NODE_GONE && (!only || n == only))
			send_plan(j, req, n);
	ctl_end(req);
}

/* --- candidates ------------------------------------------------------------------------------- */

static void
send_candidate(struct ctl_request *req, const struct placement *p,
    const struct candidate *c, size_t rank)
{
	struct buf b;

	begin_item(&b, 9);
	wr_key_text(&b, "service", p->service_name);
	wr_key_text(&b, "function", p->function_name);
	if (c->accepted)
		wr_key_int(&b, "rank", (int64_t)rank);
	else
		wr_key_double(&b, "rank", NAN);
	wr_key_text(&b, "node", c->node->name);
	wr_key_double(&b, "score", c->accepted ? c->score : NAN);
	wr_key_bool(&b, "accepted", c->accepted);
	wr_key_double(&b, "availability", c->availability);
	put_seconds(&b, "horizon_s", candidates_horizon(p->function));
	wr_text(&b, "reasons");
	wr_array(&b, c->reasons);
	for (size_t i = 0; i < c->reasons; i++)
		wr_text(&b, c->reason[i]);
	send_item(req, &b);
}

struct candidates_query
judge_candidates_query(struct judge *j, const struct placement *p)
{
	return (struct candidates_query){ .nodes = registry_first(j->registry),
		.placements = j->placements,
		.of = p,
		.watches = j->watches,
		.vitals = j->vitals,
		.uptimes = j->uptimes,
		.now_ms = judge_now(j),
		.wall_ms = judge_wall(j) };
}

static int
send_ranking(
    struct judge *j, struct ctl_request *req, const struct placement *p, bool explain)
{
	struct candidates_query q = judge_candidates_query(j, p);
	struct candidate *c;
	size_t n;
	int err;

	q.explain = true;
	err = candidates_rank(&q, &c, &n);
	if (err < 0)
		return err;
	for (size_t i = 0; i < n && (explain || c[i].accepted); i++)
		send_candidate(req, p, &c[i], i + 1);
	free(c);
	return 0;
}

void
judge_show_candidates(struct judge *j, struct ctl_request *req, const char *service,
    const char *function, bool explain)
{
	bool any = false;
	int err = 0;

	for (struct placement *p = j->placements; p && !err; p = p->next) {
		if (!p->function || (*service && strcmp(p->service_name, service)) ||
		    (*function && strcmp(p->function_name, function)))
			continue;
		any = true;
		err = send_ranking(j, req, p, explain);
	}
	if (err < 0)
		ctl_fail(req, 1, "%s", strerror(-err));
	else if (!any)
		ctl_fail(req, 1, "there is no function %s/%s; fogctl services lists them",
		    service, function);
	else
		ctl_end(req);
}

/* --- migrations ------------------------------------------------------------------------------- */

static void
put_duration(struct buf *b, const struct migration_row *m)
{
	int64_t end = m->switched_ms ? m->switched_ms : m->ended_ms;

	wr_key_double(b, "duration_s", end ? (double)(end - m->opened_ms) / 1e3 : NAN);
}

/* How long before the predicted failure the move was decided. */
static void
put_lead(struct buf *b, const struct migration_row *m)
{
	wr_key_double(
	    b, "lead_s", m->due_ms ? (double)(m->due_ms - m->opened_ms) / 1e3 : NAN);
}

static void
send_migration(void *arg, const struct migration_row *m)
{
	struct ctl_request *req = arg;
	struct buf b;

	begin_item(&b, 16);
	wr_key_text(&b, "id", m->id);
	wr_key_text(&b, "service", m->service);
	wr_key_text(&b, "function", m->function);
	wr_key_text(&b, "from", or_null(m->source));
	wr_key_text(&b, "to", or_null(m->target));
	wr_key_text(&b, "hook", m->hook);
	wr_key_text(&b, "state", m->state);
	wr_key_text(&b, "phase", or_null(m->phase));
	wr_key_text(&b, "reason", m->reason);
	wr_key_text(&b, "detail", or_null(m->detail));
	wr_key_int(&b, "generation", (int64_t)m->generation);
	put_time(&b, "opened", m->opened_ms);
	put_time(&b, "due", m->due_ms);
	put_lead(&b, m);
	put_duration(&b, m);
	put_time(&b, "ended", m->ended_ms);
	send_item(req, &b);
}

void
judge_show_migrations(struct judge *j, struct ctl_request *req)
{
	int err = store_migrations(j->store, false, MIGRATIONS_MAX, send_migration, req);

	if (err < 0)
		ctl_fail(req, 1, "the store cannot be read: %s", strerror(-err));
	else
		ctl_end(req);
}
