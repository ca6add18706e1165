/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/reporting.h"
#include "controller/service_int.h"
#include "metrics/expr.h"
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define DAY_MS 86400000.0

static const char *const missing_words[] = { "unknown", "ok", "fails", NULL };
static const char *const class_words[] = { "auto", "other", "battery", "radio", "cpu",
	"memory", "thermal", NULL };
static_assert(ARRAY_LEN(class_words) == PREDICTOR_CLASSES + 2, "a word for each class");

struct requirement_file {
	struct requirement r;
	const struct yaml_node *above_at, *below_at, *range_at;
	char *predictor;
	int class; /* 0: auto, else enum predictor_class + 1 */
};
#define REQUIREMENT(member, ...) CONF(struct requirement_file, member, __VA_ARGS__)
const struct conf_option service_requirement_options[] = {
	REQUIREMENT(r.expr, "expr", TEXT, NULL, 0, 0,
	    "What is measured; of several label sets the worst counts."),
	REQUIREMENT(
	    above_at, "above", TREE, NULL, 0, 0, "It has to be above this number;"),
	REQUIREMENT(below_at, "below", TREE, NULL, 0, 0, "or below this one."),
	{ .name = "when-missing",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct requirement_file, r.when_missing),
	    .preset = "unknown",
	    .choices = missing_words,
	    .help = "What no value means: nothing is known, ok, or that the requirement "
		    "fails." },
	REQUIREMENT(r.period_ms, "period", DURATION, "1s", 100, DAY_MS,
	    "How often the host measures."),
	REQUIREMENT(r.candidate_period_ms, "candidate-period", DURATION, "5s", 100,
	    DAY_MS, "How often candidates measure."),
	REQUIREMENT(r.hold_ms, "hold", DURATION, "1s", 0, DAY_MS,
	    "A violation counts when it has lasted so long."),
	{ .name = "report",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct requirement_file, r.report),
	    .preset = "suppressed",
	    .choices = reporting_choices,
	    .help = "What is reported: what the prediction needs, finer the nearer the "
		    "value is to its bound, or periodic: every value." },
	REQUIREMENT(r.longest_period_ms, "longest-period", DURATION, "0s", 0, DAY_MS,
	    "While nothing happens the period may grow up to this; 0: it does not."),
	REQUIREMENT(predictor, "predictor", TEXT, NULL, 0, 0,
	    "Who foresees violations; fogctl predictors lists them."),
	{ .name = "class",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct requirement_file, class),
	    .preset = "auto",
	    .choices = class_words,
	    .help =
		"What kind of a thing is measured; auto: by the names of the metrics." },
	REQUIREMENT(range_at, "range", TREE, NULL, 0, 0,
	    "Lowest and highest value that is plausible; by default from the unit or the "
	    "bound."),
	{ .name = NULL },
};

static void
take_threshold(
    struct requirement_file *f, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *at = f->above_at ? f->above_at : f->below_at;

	if (!f->above_at == !f->below_at) {
		yaml_complain(c, f->below_at ? f->below_at : n,
		    "a requirement says either above or below%s",
		    f->below_at ? ", not both" : "");
		return;
	}
	f->r.side = f->above_at ? REQUIRE_ABOVE : REQUIRE_BELOW;
	(void)conf_take_real(at, c, &f->r.threshold);
}

static void
compile(struct requirement *r, const struct yaml_node *n, struct complaints *c)
{
	char err[256];
	struct buf program;

	if (!r->expr) {
		yaml_complain(c, n, "a requirement needs expr");
		return;
	}
	buf_init(&program, EXPR_PROGRAM_MAX);
	if (expr_parse(r->expr, &program, err, sizeof err) < 0)
		yaml_complain(c, yaml_get(n, "expr"), "%s", err);
	else if (program.err)
		yaml_complain(c, yaml_get(n, "expr"), "the expression is too long");
	else
		r->program = (struct slice){ TAKE(program.data), program.pos };
	buf_done(&program);
}

static void
describe(struct requirement *r, struct complaints *c, const struct yaml_node *n)
{
	if (asprintf(&r->text, "%s %c %.12g", r->expr,
		r->side == REQUIRE_ABOVE ? '>' : '<', r->threshold) < 0) {
		r->text = NULL;
		yaml_complain(c, n, "no memory");
	}
}

static void
take_range(struct requirement_file *f, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *low = n ? n->first : NULL, *high = low ? low->next : NULL;

	if (!n)
		return;
	if (n->kind != YAML_SEQUENCE || !high || high->next)
		yaml_complain(c, n, "a range is two numbers: [0, 100]");
	else if (conf_take_real(low, c, &f->r.low) &&
	    conf_take_real(high, c, &f->r.high) && !(f->r.low < f->r.high))
		yaml_complain(c, high, "has to be above %g", f->r.low);
}

static void
take_predictor(
    struct requirement_file *f, const struct yaml_node *n, struct complaints *c)
{
	f->r.predictor = predictor_find(f->predictor);
	if (f->r.predictor)
		return;
	yaml_complain(
	    c, yaml_get(n, "predictor"), "there is no predictor %s", f->predictor);
	f->r.predictor = predictor_find(NULL);
}

void
service_free_requirement(struct requirement *r)
{
	free(r->text);
	free(r->expr);
	free((void *)r->program.data);
}

static void
take_requirement(struct function *f, const struct yaml_node *n, struct complaints *c)
{
	struct requirement_file file = { 0 };
	unsigned errors = c->errors;

	if (f->requirements == SERVICE_REQUIREMENTS_MAX) {
		yaml_complain(c, n, "a function has at most %d requirements",
		    SERVICE_REQUIREMENTS_MAX);
		return;
	}
	(void)service_load(service_requirement_options, n, c, &file);
	take_threshold(&file, n, c);
	take_range(&file, file.range_at, c);
	take_predictor(&file, n, c);
	compile(&file.r, n, c);
	if (file.class)
		file.r.class = (enum predictor_class)(file.class - 1);
	if (c->errors == errors) {
		service_classify(&file.r, file.class != 0);
		describe(&file.r, c, n);
	}
	free(file.predictor);
	f->requirement[f->requirements++] = file.r;
}

void
service_take_requirements(struct function *f, struct complaints *c)
{
	const struct yaml_node *n = f->requirements_at;

	if (n && n->kind != YAML_SEQUENCE) {
		yaml_complain(c, n, "must be a list");
		return;
	}
	YAML_EACH(child, n)
	{
		if (child->kind == YAML_MAPPING)
			take_requirement(f, child, c);
		else
			yaml_complain(c, child,
			    "a requirement is a mapping with expr and above or below");
	}
}
