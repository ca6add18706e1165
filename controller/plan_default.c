/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_default.h"

#include "controller/planner.h"
#include "metrics/expr.h"

#include <errno.h>
#include <string.h>

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

struct taking {
	struct plan_default *into;
	struct plan_texts *texts;
};

static int
add_default(struct taking *t, const char *expr, const struct plan_item *item, char *err,
    size_t err_size)
{
	struct plan_default *d = t->into;
	struct buf program;
	int rc;

	if (d->len == PLAN_DEFAULT_MAX) {
		snprintf(err, err_size, "more than %d items", PLAN_DEFAULT_MAX);
		return -EINVAL;
	}
	buf_init(&program, EXPR_PROGRAM_MAX);
	rc = expr_parse(expr, &program, err, err_size);
	if (!rc && program.err) {
		snprintf(err, err_size, "the expression is too long");
		rc = -EINVAL;
	}
	if (!rc)
		rc = plan_texts_ensure(
		    t->texts, buf_slice(&program), expr, &d->entry[d->len].text);
	if (!rc)
		d->entry[d->len++].item = *item;
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
take_default(struct taking *t, const struct yaml_node *n, struct complaints *c)
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
		else if (add_default(t, f.expr, &item, err, sizeof err) < 0)
			yaml_complain(c, yaml_get(n, "expr"), "%s", err);
	}
	conf_free(planner_default_options, options, &f);
}

static int
take_builtin(struct taking *t)
{
	char err[256];
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(builtin_plan) && !rc; i++) {
		const struct plan_item item = { .period_ms = builtin_plan[i].period_ms,
			.mode = PLAN_PERIODIC };

		rc = add_default(t, builtin_plan[i].expr, &item, err, sizeof err);
	}
	return rc;
}

int
plan_default_load(struct plan_default *d, struct plan_texts *texts,
    const struct yaml_node *list, struct complaints *c)
{
	struct taking t = { d, texts };
	unsigned errors = c->errors;

	d->len = 0;
	if (!list)
		return take_builtin(&t);
	if (!yaml_is_null(list) && list->kind != YAML_SEQUENCE)
		yaml_complain(c, list, "must be a list of expr and period");
	else
		YAML_EACH(child, list)
	take_default(&t, child, c);
	return c->errors > errors ? -EINVAL : 0;
}
