/* SPDX-License-Identifier: Apache-2.0
 *
 * What would be (PLN-09): the plans of all nodes with a service that is not applied, beside those that are,
 * and what each costs. All of it is reckoned at once, beside the real planner, and sent as the client
 * reads. */
#include "base/ctl.h"
#include "controller/judge_int.h"
#include "controller/plan_cost.h"
#include "controller/reporting.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX   (256u << 20)
#define SEND_AT_ONCE 200

struct dry_sum {
	struct plan_cost before, after;
	size_t nodes, changed, items, items_before;
};
struct dry {
	struct judge *judge;
	struct service *service;
	struct placement *placements; /* copies, with the service in place */
	struct planner *planner;
	struct plan_costs *costs;
	struct traffic_terms terms;
	struct dry_sum sum;
	struct buf answer;
	struct ctl_request *req;
	size_t *end; /* of each item in answer */
	size_t ends, room, sent, sent_bytes;
};

static void
free_dry(struct dry *d)
{
	if (!d)
		return;
	plan_costs_free(d->costs);
	planner_free(d->planner);
	while (d->placements) {
		struct placement *p = d->placements;

		d->placements = p->next;
		free(p);
	}
	service_free(d->service);
	buf_done(&d->answer);
	free(d->end);
	free(d);
}
DEFINE_FREEP(struct dry, free_dry)

/* --- placements as they would be ---------------------------------------------------------------------- */

static int
add_placement(struct dry *d, const struct placement *like, const struct function *f)
{
	struct placement *p = calloc(1, sizeof *p), **end = &d->placements;

	if (!p)
		return -ENOMEM;
	if (like)
		*p = *like;
	p->next = NULL;
	if (f) {
		p->service = d->service;
		p->function = f;
		snprintf(p->service_name, sizeof p->service_name, "%s", d->service->name);
		snprintf(p->function_name, sizeof p->function_name, "%s", f->name);
		if (!*p->node && f->host)
			snprintf(p->node, sizeof p->node, "%s", f->host);
	}
	while (*end)
		end = &(*end)->next;
	*end = p;
	return 0;
}

static int
copy_placements(struct dry *d)
{
	struct judge *j = d->judge;
	int err = 0;

	for (const struct placement *p = j->placements; p && !err; p = p->next)
		if (p->function && strcmp(p->service_name, d->service->name) != 0)
			err = add_placement(d, p, NULL);
	for (size_t i = 0; i < d->service->functions && !err; i++) {
		const struct function *f = &d->service->function[i];

		err = add_placement(
		    d, placement_find(j->placements, d->service->name, f->name), f);
	}
	return err;
}

/* --- rows ------------------------------------------------------------------------------------------- */

static int
end_row(struct dry *d)
{
	size_t room = d->room ? 2 * d->room : 256, *grown;

	if (d->answer.err)
		return d->answer.err;
	if (d->ends == d->room) {
		grown = realloc(d->end, room * sizeof *grown);
		if (!grown)
			return -ENOMEM;
		d->end = grown;
		d->room = room;
	}
	d->end[d->ends++] = d->answer.pos;
	return 0;
}

struct row {
	const struct node *node;
	const char *change; /* "added", "changed", "removed" */
	const struct plan_entry *before, *after;
	double bytes_before, bytes_after;
};

static int
put_row(struct dry *d, const struct row *r)
{
	const struct plan_entry *e = r->after ? r->after : r->before;
	struct buf *b = &d->answer;

	wr_map(b, 10);
	wr_key_text(b, "node", r->node->name);
	wr_key_text(b, "change", r->change);
	wr_key_int(b, "item", e->text->id);
	wr_key_text(b, "expression", e->text->text);
	wr_key_double(b, "period_s", r->after ? (double)e->item.period_ms / 1e3 : NAN);
	wr_key_double(b, "period_before_s",
	    r->before ? (double)r->before->item.period_ms / 1e3 : NAN);
	wr_key_text(b, "mode", plan_mode_name(e->item.mode));
	wr_key_double(b, "bytes_s", r->bytes_after);
	wr_key_double(b, "bytes_before_s", r->bytes_before);
	judge_put_reasons(b, e);
	return end_row(d);
}

static int
put_sum(struct dry *d, const char *node, const struct plan_cost *before,
    const struct plan_cost *after, size_t items, const struct dry_sum *total)
{
	struct buf *b = &d->answer;
	double raw = total ? (double)total->nodes : 1;

	raw *= traffic_raw(plan_cost_raw_metrics(), &d->terms);
	wr_map(b, total ? 18 : 16);
	wr_key_text(b, "node", node);
	wr_key_text(b, "change", total ? "total" : "sum");
	wr_key_int(b, "items", (int64_t)items);
	if (total) {
		wr_key_int(b, "nodes", (int64_t)total->nodes);
		wr_key_int(b, "nodes_changed", (int64_t)total->changed);
	}
	wr_key_double(b, "values_s", after->traffic.values_s);
	wr_key_double(b, "reports_s", after->traffic.reports_s);
	wr_key_double(b, "reports_before_s", before->traffic.reports_s);
	wr_key_double(b, "bytes_s", after->traffic.report_bytes_s);
	wr_key_double(b, "bytes_before_s", before->traffic.report_bytes_s);
	wr_key_double(b, "session_bytes_s", after->traffic.session_bytes_s);
	wr_key_double(b, "session_bytes_before_s", before->traffic.session_bytes_s);
	wr_key_double(b, "probe_bytes_s", after->probe_bytes_s);
	wr_key_double(b, "probe_bytes_before_s", before->probe_bytes_s);
	wr_key_double(b, "raw_bytes_s", raw);
	wr_key_double(b, "factor",
	    after->traffic.report_bytes_s > 0 ? raw / after->traffic.report_bytes_s
					      : NAN);
	wr_key_double(b, "total_bytes_s",
	    after->traffic.report_bytes_s + after->traffic.session_bytes_s);
	wr_key_double(b, "total_bytes_before_s",
	    before->traffic.report_bytes_s + before->traffic.session_bytes_s);
	return end_row(d);
}

/* --- one node --------------------------------------------------------------------------------------- */

struct comparison {
	const struct node *node;
	const struct node_plan *before, *after;
	double bytes_before[PLAN_ITEMS_MAX], bytes_after[PLAN_ITEMS_MAX];
};

/* Both ascend by id. */
static int
put_differences(struct dry *d, const struct comparison *c)
{
	size_t i = 0, k = 0, before = c->before ? c->before->entries : 0;
	int err = 0;

	while (!err && (i < before || k < c->after->entries)) {
		const struct plan_entry *b = i < before ? &c->before->entry[i] : NULL,
					*a = k < c->after->entries ? &c->after->entry[k]
								   : NULL;
		struct row r = { .node = c->node };

		if (a && (!b || a->text->id <= b->text->id)) {
			r.after = a;
			r.bytes_after = c->bytes_after[k++];
		}
		if (b && (!a || b->text->id <= a->text->id)) {
			r.before = b;
			r.bytes_before = c->bytes_before[i++];
		}
		if (r.before && r.after &&
		    reporting_is(&r.before->wanted, &r.after->wanted))
			continue;
		r.change = !r.before ? "added" : r.after ? "changed" : "removed";
		err = put_row(d, &r);
	}
	return err;
}

static void
add_cost(struct plan_cost *to, const struct plan_cost *more)
{
	to->traffic.values_s += more->traffic.values_s;
	to->traffic.reports_s += more->traffic.reports_s;
	to->traffic.report_bytes_s += more->traffic.report_bytes_s;
	to->traffic.session_bytes_s += more->traffic.session_bytes_s;
	to->probe_bytes_s += more->probe_bytes_s;
}

static int
compare_node(struct dry *d, struct node *n, struct comparison *c)
{
	struct plan_cost before, after;
	size_t rows = d->ends;
	int err;

	c->node = n;
	c->before = planner_get(d->judge->planner, n);
	c->after = planner_get(d->planner, n);
	err = plan_cost(d->costs, n, c->before, c->before, &before, c->bytes_before);
	if (!err)
		err = plan_cost(d->costs, n, c->after, c->before, &after, c->bytes_after);
	if (!err)
		err = put_differences(d, c);
	if (err)
		return err;
	add_cost(&d->sum.before, &before);
	add_cost(&d->sum.after, &after);
	d->sum.nodes++;
	d->sum.items += c->after->entries;
	if (d->ends == rows)
		return 0;
	d->sum.changed++;
	return put_sum(d, n->name, &before, &after, c->after->entries, NULL);
}

static int
compare_nodes(struct dry *d)
{
	struct plan_view view = judge_view(d->judge);
	struct comparison *c = malloc(sizeof *c);
	int err = c ? 0 : -ENOMEM;

	view.placements = d->placements;
	for (struct node *n = registry_first(d->judge->registry); n && !err;
	     n = n->next) {
		if (n->state == NODE_GONE)
			continue;
		err = planner_update(d->planner, n, &view, 1);
		if (err >= 0)
			err = compare_node(d, n, c);
	}
	free(c);
	if (err < 0)
		return err;
	return put_sum(d, NULL, &d->sum.before, &d->sum.after, d->sum.items, &d->sum);
}

/* --- the answer --------------------------------------------------------------------------------------- */

static void
send_more(void *arg)
{
	struct dry *d = arg;

	for (unsigned n = 0; n < SEND_AT_ONCE && d->sent < d->ends; n++) {
		size_t end = d->end[d->sent++];

		ctl_send(d->req,
		    (struct slice){
			d->answer.data + d->sent_bytes, end - d->sent_bytes });
		d->sent_bytes = end;
	}
	if (d->sent < d->ends)
		return;
	ctl_end(d->req);
	free_dry(d);
}

static void
on_client_gone(void *arg)
{
	free_dry(arg);
}

int
judge_dry_run(struct judge *j, const struct plan_costs_env *env, struct slice yaml,
    const char *file, struct complaints *c, struct ctl_request *req)
{
	CLEANUP(free_dry) struct dry *d = calloc(1, sizeof *d);
	struct dry *kept;
	int err;

	if (!d)
		return -ENOMEM;
	d->judge = j;
	d->terms = env->terms;
	buf_init(&d->answer, ANSWER_MAX);
	err = judge_parse(j, yaml, file, c, &d->service);
	if (!err)
		err = copy_placements(d);
	if (!err)
		err = planner_new_like(j->planner, &d->planner);
	if (!err)
		err = plan_costs_new(env, &d->costs);
	if (!err)
		err = compare_nodes(d);
	if (err)
		return err;
	d->req = req;
	kept = TAKE(d);
	ctl_on_cancel(req, on_client_gone, kept);
	ctl_stream(req, send_more, kept);
	return 0;
}
