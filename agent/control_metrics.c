/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control_metrics.h"
#include "agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "metrics/catalogue.h"
#include "metrics/expr.h"
#include "metrics/expr_program.h"
#include "metrics/list.h"
#include "protocol/display.h"

#define ITEM_MAX	(256 * 1024)
#define COLUMNS_MAX	(1u << 20) /* bytes of a range, packed */
#define COLUMNS_AT_ONCE 4	   /* sent before the client is waited for */

static struct querier *
querier_of(const struct agent *a)
{
	return member_querier(a->member[0]);
}

static void
send_item(struct ctl_request *req, struct buf *item)
{
	if (!item->err)
		ctl_send(req, buf_slice(item));
	buf_done(item);
}

/* --- now ---------------------------------------------------------------------------------------- */
/* False: nothing was found; then of a list nothing is sent. */
static bool
send_now(struct agent *a, struct ctl_request *req, const char *text, struct slice program,
    bool list)
{
	struct fog_result *result = calloc(1, sizeof *result);
	uint8_t *memory = malloc(QUERIER_LABELS_MAX);
	struct buf labels, b;
	bool found = false;

	if (result && memory) {
		buf_init_fixed(&labels, memory, QUERIER_LABELS_MAX);
		if (list)
			querier_look(querier_of(a), program, &labels, result);
		else
			querier_evaluate(querier_of(a), program, &labels, result);
		found = result->points > 0;
	}
	if (found || (result && !list)) {
		buf_init(&b, ITEM_MAX);
		display_put_result(&b, a->identity->name, text, result, result->wall_ms);
		send_item(req, &b);
	}
	free(memory);
	free(result);
	return found;
}

struct listing {
	struct agent *agent;
	struct ctl_request *req;
	const char *pattern;
	unsigned metrics, found;
};

static void
list_metric(
    void *arg, const struct source *source, const char *name, const struct metric *m)
{
	struct listing *l = arg;
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;

	(void)source, (void)name;
	if (!expr_pattern_matches(l->pattern, m->name))
		return;
	buf_init_fixed(&program, memory, sizeof memory);
	querier_select(m, &program);
	l->found += send_now(l->agent, l->req, m->name, buf_slice(&program), true);
	l->metrics++;
}

static void
send_list(struct agent *a, struct ctl_request *req, const char *text, const char *pattern)
{
	struct listing l = { .agent = a, .req = req, .pattern = pattern };

	sampler_each(a->sampler, list_metric, &l);
	agent_wake(a);
	if (l.found)
		ctl_end(req);
	else
		ctl_fail(req, 1,
		    l.metrics
			? "%s: no metric of these has a value here"
			: "%s: no metric has such a name; fogctl metrics lists them",
		    text);
}

/* --- ranges ------------------------------------------------------------------------------------- */
/* The answer leaves column by column, as the client reads. */
struct answer {
	struct ctl_request *req;
	struct agent *agent;
	struct range *range;
	const struct fog_result *result;
	char text[EXPR_TEXT_MAX + 1];
	unsigned next;
};

static void
free_answer(void *arg)
{
	struct answer *w = arg;

	range_free(w->range);
	free(w);
}

static void
send_column(struct answer *w)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	display_put_column(&b, w->agent->identity->name, w->text, w->result, w->next++,
	    w->result->wall_ms);
	send_item(w->req, &b);
}

static void
send_more(void *arg)
{
	struct answer *w = arg;

	for (unsigned i = 0; i < COLUMNS_AT_ONCE && w->next < w->result->columns; i++)
		send_column(w);
	if (w->next < w->result->columns)
		return;
	ctl_on_cancel(w->req, NULL, NULL);
	ctl_end(w->req);
	free_answer(w);
}

static void
on_range(void *arg, const struct fog_result *result)
{
	struct answer *w = arg;

	w->result = result;
	if (!result->columns)
		send_column(w); /* why there is none */
	else if (result->columns > COLUMNS_AT_ONCE)
		ctl_stream(w->req, send_more, w);
	send_more(w);
}

static void
send_range(
    struct agent *a, struct ctl_request *req, const char *text, struct fog_query *query)
{
	struct answer *w = calloc(1, sizeof *w);
	int err = w ? range_start(querier_ranges(querier_of(a)), query, COLUMNS_MAX,
			  on_range, w, &w->range)
		    : -ENOMEM;

	if (err) {
		free(w);
		ctl_fail(req, 1, "%s",
		    err == -EBUSY ? "the agent is busy with other ranges: try again"
				  : strerror(-err));
		return;
	}
	w->req = req;
	w->agent = a;
	snprintf(w->text, sizeof w->text, "%s", text);
	ctl_on_cancel(req, free_answer, w);
	agent_wake(a);
}

/* --- query -------------------------------------------------------------------------------------- */
static void
run_text(struct agent *a, struct ctl_request *req, const char *text,
    const struct query_range *range)
{
	struct fog_query query = { .range = *range };
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char why[160] = "";
	int list = list_parse(text, query.pattern, why, sizeof why), err;

	if (list > 0 && range->step_ms) {
		ctl_fail(req, 1, "%s: a list has no range: name one metric", text);
		return;
	}
	if (list > 0) {
		send_list(a, req, text, query.pattern);
		return;
	}
	buf_init_fixed(&program, memory, sizeof memory);
	err = list < 0 ? list : expr_parse(text, &program, why, sizeof why);
	query.program = buf_slice(&program);
	if (err < 0) {
		ctl_fail(req, 1, "%s: %s", text, why[0] ? why : strerror(-err));
	} else if (range->step_ms) {
		send_range(a, req, text, &query);
	} else {
		(void)send_now(a, req, text, query.program, false);
		ctl_end(req);
	}
}

int
control_query(void *arg, struct ctl_request *req, struct slice args)
{
	struct agent *a = arg;
	char text[EXPR_TEXT_MAX + 1], from[16] = "node";
	struct query_range range;
	const char *why;

	(void)ctl_arg_text(args, "from", from, sizeof from);
	if (!ctl_arg_text(args, "expression", text, sizeof text))
		ctl_fail(req, 2, "query needs an expression, such as node_load1");
	else if (strcmp(from, "node") != 0)
		ctl_fail(req, 1,
		    "an agent has no history but its own: leave --from out, or ask the "
		    "controller");
	else if (display_read_range(args, a->io[0]->ops->wall(a->io[0]), &range, &why))
		ctl_fail(req, 2, "%s", why);
	else
		run_text(a, req, text, &range);
	return 0;
}

/* --- metrics ------------------------------------------------------------------------------------ */
struct catalogue {
	struct agent *agent;
	struct ctl_request *req;
	const char *pattern;
	bool look; /* is there a value? */
};

static unsigned
count_series(struct agent *a, const struct metric *m)
{
	struct expr_result r = { 0 };
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	unsigned n = 0;

	buf_init_fixed(&program, memory, sizeof memory);
	querier_select(m, &program);
	if (!sampler_look(a->sampler, buf_slice(&program), agent_now(a), &r))
		n = (unsigned)r.len;
	expr_result_done(&r);
	return n;
}

static void
put_metric(void *arg, const struct source *s, const char *name, const struct metric *m)
{
	struct catalogue *c = arg;
	struct buf b;

	if (!expr_pattern_matches(c->pattern, m->name))
		return;
	buf_init(&b, ITEM_MAX);
	wr_open_map(&b);
	catalogue_put(&b, s, name, m);
	if (c->look)
		wr_key_int(&b, "series", count_series(c->agent, m));
	wr_close(&b);
	send_item(c->req, &b);
}

/* "pattern" selects by names, "look" also tells how many series there are here and now. */
int
control_metrics(void *arg, struct ctl_request *req, struct slice args)
{
	struct agent *a = arg;
	char text[LIST_PATTERN_MAX + 1] = "", pattern[LIST_PATTERN_MAX + 1], why[160];

	(void)ctl_arg_text(args, "pattern", text, sizeof text);
	if (catalogue_pattern(text, pattern, why, sizeof why)) {
		ctl_fail(req, 1, "%s: %s", text, why);
		return 0;
	}
	struct catalogue c = { a, req, pattern, ctl_arg_bool(args, "look") };
	sampler_each(a->sampler, put_metric, &c);
	agent_wake(a);
	ctl_end(req);
	return 0;
}
