/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/planner.h"
#include "base/log.h"
#include "controller/candidates.h"
#include "controller/idmap.h"
#include "controller/reporting.h"
#include "metrics/expr.h"
#include <errno.h>
#include <string.h>

#define TEXT_CHAINS	  256
#define DEFAULT_ITEMS_MAX 64
#define VERSION_SANE	  (UINT64_MAX / 2)

struct default_item {
	const struct plan_text *text;
	struct plan_item item;
};
struct planner {
	struct plan_text *text[TEXT_CHAINS];
	struct default_item by_default[DEFAULT_ITEMS_MAX];
	size_t defaults;
	struct idmap *plans; /* struct node_plan by node */
};

/* An own name for each thing that tells how a node is; all of them cheap to read. */
static const struct {
	const char *expr;
	uint32_t period_ms;
} builtin_plan[] = {
	{ "node_cpu_utilisation_ratio", 10000 },
	{ "node_load1", 10000 },
	{ "node_memory_available_ratio", 10000 },
	{ "node_filesystem_avail_ratio{mountpoint=\"/\"}", 10000 },
	{ "rate(node_network_receive_bytes_total[30s])", 10000 },
	{ "rate(node_network_transmit_bytes_total[30s])", 10000 },
	{ "node_power_supply_capacity_ratio", 10000 },
};

/* --- items ------------------------------------------------------------------------------------ */

/* FNV-1a. A collision takes the next number, which then depends on the order of arrival: that
 * costs a resent plan once in four thousand million. */
static uint32_t
hash_program(struct slice program)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < program.len; i++)
		h = (h ^ program.data[i]) * 16777619u;
	return h ? h : 1;
}

static struct plan_text *
find_text(const struct planner *p, uint32_t id)
{
	struct plan_text *t = p->text[id % TEXT_CHAINS];

	while (t && t->id != id)
		t = t->next;
	return t;
}

static void
free_text(struct plan_text *t)
{
	free(t->text);
	free((void *)t->program.data);
	free(t);
}

static int
make_text(struct planner *p, uint32_t id, struct slice program, const char *text,
    const struct plan_text **ret)
{
	struct plan_text *t = calloc(1, sizeof *t);
	uint8_t *copy = malloc(program.len);

	if (t)
		t->text = strdup(text);
	if (!t || !copy || !t->text) {
		free(copy);
		if (t)
			free_text(t);
		return -ENOMEM;
	}
	memcpy(copy, program.data, program.len);
	t->id = id;
	t->program = (struct slice){ copy, program.len };
	t->next = p->text[id % TEXT_CHAINS];
	p->text[id % TEXT_CHAINS] = t;
	*ret = t;
	return 0;
}

static int
intern_text(struct planner *p, struct slice program, const char *text,
    const struct plan_text **ret)
{
	uint32_t id = hash_program(program);

	for (;; id = id + 1 ? id + 1 : 1) {
		*ret = find_text(p, id);
		if (!*ret)
			return make_text(p, id, program, text, ret);
		if (slice_equal((*ret)->program, program))
			return 0;
	}
}

const char *
planner_text(const struct planner *p, uint32_t id)
{
	const struct plan_text *t = find_text(p, id);

	return t ? t->text : NULL;
}

/* --- the default plan ----------------------------------------------------------------------- */

static int
add_default(struct planner *p, const char *expr, const struct plan_item *item, char *err,
    size_t err_size)
{
	struct buf program;
	int rc;

	if (p->defaults == DEFAULT_ITEMS_MAX) {
		snprintf(err, err_size, "more than %d items", DEFAULT_ITEMS_MAX);
		return -EINVAL;
	}
	buf_init(&program, EXPR_PROGRAM_MAX);
	rc = expr_parse(expr, &program, err, err_size);
	if (!rc && program.err) {
		snprintf(err, err_size, "the expression is too long");
		rc = -EINVAL;
	}
	if (!rc)
		rc = intern_text(
		    p, buf_slice(&program), expr, &p->by_default[p->defaults].text);
	if (!rc)
		p->by_default[p->defaults++].item = *item;
	buf_done(&program);
	return rc;
}

struct default_file {
	char *expr;
	int64_t period_ms, heartbeat_ms, longest_ms;
	double deadband;
	int report, class;
};
static const char *const report_words[] = { "periodic", "on-change", "on-condition",
	NULL }; /* as of PLAN_PERIODIC on */
static const char *const class_words[] = { "metric", "event", "telemetry", NULL };
static const uint8_t class_flags[] = { 0, PLAN_URGENT, PLAN_LOSSY };

#define DEFAULT(member, ...) CONF(struct default_file, member, __VA_ARGS__)
const struct conf_option planner_default_options[] = {
	DEFAULT(expr, "expr", TEXT, NULL, 0, 0, "What is measured."),
	DEFAULT(period_ms, "period", DURATION, "10s", PLAN_PERIOD_MIN_MS,
	    PLAN_PERIOD_MAX_MS, "How often."),
	{ .name = "report",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct default_file, report),
	    .preset = "periodic",
	    .choices = report_words,
	    .help = "What is reported: every value, changes, or when a condition begins "
		    "and ends." },
	DEFAULT(deadband, "deadband", REAL, "0", 0, 1e300,
	    "Changes up to this are none; adaptive periods keep within it."),
	DEFAULT(heartbeat_ms, "heartbeat", DURATION, "0s", 0, PLAN_PERIOD_MAX_MS,
	    "Report at least so often; 0: no heartbeat."),
	DEFAULT(longest_ms, "longest-period", DURATION, "0s", 0, PLAN_PERIOD_MAX_MS,
	    "While nothing happens the period may grow up to this; 0: it does not."),
	{ .name = "class",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct default_file, class),
	    .preset = "metric",
	    .choices = class_words,
	    .help = "metric: kept until accepted; event: sent at once, and never driven "
		    "out by metrics; telemetry: not kept while the controller is away." },
	{ .name = NULL },
};

static struct plan_item
default_item(const struct default_file *f)
{
	return (struct plan_item){ .period_ms = (uint32_t)f->period_ms,
		.mode = (enum plan_mode)(PLAN_PERIODIC + f->report),
		.flags = class_flags[f->class],
		.deadband = f->deadband,
		.heartbeat_ms = (uint32_t)f->heartbeat_ms,
		.period_max_ms =
		    f->longest_ms > f->period_ms ? (uint32_t)f->longest_ms : 0 };
}

static void
take_default(struct planner *p, const struct yaml_node *n, struct complaints *c)
{
	struct default_file f = { 0 };
	size_t options = 0;
	char err[256];

	while (planner_default_options[options].name)
		options++;
	if (n->kind != YAML_MAPPING)
		yaml_complain(c, n, "an item is a mapping with expr and period");
	else if (conf_load(planner_default_options, options, n, c, &f) == 0) {
		const struct plan_item item = default_item(&f);

		if (!f.expr)
			yaml_complain(c, n, "an item needs expr");
		else if (add_default(p, f.expr, &item, err, sizeof err) < 0)
			yaml_complain(c, yaml_get(n, "expr"), "%s", err);
	}
	conf_free(planner_default_options, options, &f);
}

static int
take_builtin(struct planner *p)
{
	char err[256];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(builtin_plan) && !rc; i++) {
		const struct plan_item item = { .period_ms = builtin_plan[i].period_ms,
			.mode = PLAN_PERIODIC };

		rc = add_default(p, builtin_plan[i].expr, &item, err, sizeof err);
	}
	return rc;
}

int
planner_new(
    const struct yaml_node *default_plan, struct complaints *c, struct planner **ret)
{
	CLEANUP(planner_free) struct planner *p = calloc(1, sizeof *p);
	unsigned errors = c->errors;
	int err = p ? idmap_new(&p->plans) : -ENOMEM;

	if (err)
		return err;
	if (!default_plan)
		err = take_builtin(p);
	else if (!yaml_is_null(default_plan) && default_plan->kind != YAML_SEQUENCE)
		yaml_complain(c, default_plan, "must be a list of expr and period");
	else
		YAML_EACH(child, default_plan)
	take_default(p, child, c);
	if (err || c->errors > errors)
		return err ? err : -EINVAL;
	*ret = TAKE(p);
	return 0;
}

static void
free_plan(void *arg, void *value)
{
	struct node_plan *plan = value;

	(void)arg;
	for (size_t i = 0; plan && i < plan->entries; i++)
		free(plan->entry[i].reason);
	free(plan);
}

void
planner_free(struct planner *p)
{
	if (!p)
		return;
	if (p->plans)
		idmap_each(p->plans, free_plan, NULL);
	idmap_free(p->plans);
	for (size_t i = 0; i < TEXT_CHAINS; i++)
		for (struct plan_text *t = p->text[i], *next; t; t = next) {
			next = t->next;
			free_text(t);
		}
	free(p);
}

/* --- the plan of a node ------------------------------------------------------------------------ */

/* The entry for an item, in its place; NULL: the plan is full. */
static struct plan_entry *
ensure_entry(
    struct node_plan *plan, const struct plan_text *text, const struct plan_item *item)
{
	size_t i = 0;

	while (i < plan->entries && plan->entry[i].text->id < text->id)
		i++;
	if (i < plan->entries && plan->entry[i].text == text) {
		reporting_merge(&plan->entry[i].item, item);
		return &plan->entry[i];
	}
	if (plan->entries == PLAN_ITEMS_MAX)
		return NULL;
	memmove(&plan->entry[i + 1], &plan->entry[i],
	    (plan->entries - i) * sizeof plan->entry[0]);
	plan->entry[i] = (struct plan_entry){ .text = text, .item = *item };
	plan->entries++;
	return &plan->entry[i];
}

static int
add_reason(struct plan_entry *e, struct plan_reason reason)
{
	struct plan_reason *grown = realloc(e->reason, (e->reasons + 1) * sizeof *grown);

	if (!grown)
		return -ENOMEM;
	e->reason = grown;
	e->reason[e->reasons++] = reason;
	return 0;
}

/* -ENOSPC: not all fit. */
static int
add_requirements(
    struct planner *p, struct node_plan *plan, struct placement *at, bool host)
{
	for (size_t i = 0; i < at->function->requirements; i++) {
		const struct requirement *r = &at->function->requirement[i];
		struct plan_reason reason = { at, r, host };
		struct plan_item item;
		const struct plan_text *text;
		struct plan_entry *e;
		int err = intern_text(p, r->program, r->expr, &text);

		if (err)
			return err;
		reporting_of(r, host, &item);
		e = ensure_entry(plan, text, &item);
		err = e ? add_reason(e, reason) : -ENOSPC;
		if (err)
			return err;
	}
	return 0;
}

static bool
is_candidate(const struct placement *at, const struct node *n)
{
	return n->state != NODE_LOST && n->state != NODE_GONE && candidates_suit(at, n);
}

/* Hosts first, so that a plan that is too long is short of what matters least. */
static int
fill_plan(struct planner *p, struct node_plan *plan, const struct node *n,
    struct placement *placements)
{
	int err = 0;

	for (struct placement *at = placements; at && !err; at = at->next)
		if (at->function && !strcmp(at->node, n->name))
			err = add_requirements(p, plan, at, true);
	for (struct placement *at = placements; at && !err; at = at->next)
		if (at->function && strcmp(at->node, n->name) && is_candidate(at, n))
			err = add_requirements(p, plan, at, false);
	for (size_t i = 0; i < p->defaults && !err; i++) {
		const struct default_item *d = &p->by_default[i];
		struct plan_entry *e = ensure_entry(plan, d->text, &d->item);

		if (!e)
			err = -ENOSPC;
		else
			e->by_default = true;
	}
	if (err != -ENOSPC)
		return err;
	log_warnx("plan",
	    "%s would have to measure more than %d things; the least important "
	    "are left out",
	    n->name, PLAN_ITEMS_MAX);
	return 0;
}

static bool
means_the_same(const struct node_plan *a, const struct node_plan *b)
{
	if (a->entries != b->entries)
		return false;
	for (size_t i = 0; i < a->entries; i++)
		if (a->entry[i].text != b->entry[i].text ||
		    !reporting_is(&a->entry[i].item, &b->entry[i].item))
			return false;
	return true;
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

int
planner_update(struct planner *p, const struct node *n, struct placement *placements,
    int64_t wall_ms)
{
	struct node_plan *before = idmap_get(p->plans, &n->id),
			 *plan = calloc(1, sizeof *plan);
	bool same;
	int err;

	if (!plan)
		return -ENOMEM;
	err = fill_plan(p, plan, n, placements);
	if (!err)
		err = idmap_put(p->plans, &n->id, plan);
	if (err) {
		free_plan(NULL, plan);
		return err;
	}
	same =
	    before && means_the_same(before, plan) && !is_overtaken(n, before->version);
	plan->version = same ? before->version : next_version(n, before, wall_ms);
	free_plan(NULL, before);
	return !same;
}

void
planner_forget(struct planner *p, const struct node *n)
{
	free_plan(NULL, idmap_remove(p->plans, &n->id));
}

const struct node_plan *
planner_get(const struct planner *p, const struct node *n)
{
	return idmap_get(p->plans, &n->id);
}
