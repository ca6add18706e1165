/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: `fogctl query`. The expression is compiled here and evaluated at the nodes, all asked
 * at once; answers are shown as they come. */
#include "base/clock.h"
#include "base/ctl.h"
#include "base/log.h"
#include "controller/session_int.h"
#include "metrics/expr.h"
#include "protocol/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 10000
#define ITEM_MAX  8192

struct query;

/* One node that is asked. */
struct asking {
	LIST_ENTRY(asking) entry;
	struct query *query;
	struct grasp_session *session;
	char node[FOG_NAME_MAX + 1];
};

struct query {
	LIST_ENTRY(query) entry;
	struct sessions *sessions;
	struct ctl_request *req;
	LIST_HEAD(, asking) askings;
	char expression[EXPR_TEXT_MAX + 1];
	bool starting;
};

static void
free_query(struct query *q)
{
	while (!LIST_EMPTY(&q->askings)) {
		struct asking *a = LIST_FIRST(&q->askings);

		if (a->session)
			grasp_session_cancel(a->session);
		LIST_REMOVE(a, entry);
		free(a);
	}
	LIST_REMOVE(q, entry);
	free(q);
}

static void
on_client_gone(void *arg)
{
	free_query(arg);
}

static void
end_if_answered(struct query *q)
{
	if (q->starting || !LIST_EMPTY(&q->askings))
		return;
	ctl_end(q->req);
	free_query(q);
}

static void
end_asking(struct asking *a)
{
	struct query *q = a->query;

	LIST_REMOVE(a, entry);
	free(a);
	end_if_answered(q);
}

/* --- items ---------------------------------------------------------------------------------------------- */
static void
send_item(struct query *q, struct buf *item)
{
	if (item->err)
		log_warnx("query", "an item of the answer is too long");
	else
		ctl_send(q->req, buf_slice(item));
	buf_done(item);
}

static void
show_unknown(struct query *q, const char *node, const char *why)
{
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_map(&item, 4);
	wr_key_text(&item, "node", node);
	wr_key_text(&item, "expression", q->expression);
	wr_text(&item, "value");
	wr_null(&item);
	wr_key_text(&item, "unknown", why);
	send_item(q, &item);
}

/* The node's clocks may be wrong; the age of a sample is not. */
static void
put_time(struct buf *item, const struct query *q, const struct fog_result *result,
    const struct query_point *p)
{
	struct grasp_io *io = q->sessions->io;
	int64_t age = result->now_ms - p->newest_ms;
	char time[CLOCK_TEXT_MAX];

	if (!p->newest_ms || age < 0) {
		wr_key_text(item, "time", NULL);
		wr_key_text(item, "age_s", NULL);
		return;
	}
	wr_key_text(item, "time", clock_format(io->ops->wall(io) - age, time));
	wr_key_double(item, "age_s", (double)age / 1000);
}

static void
put_window(struct buf *item, const struct query_point *p)
{
	if (p->newest_ms && p->oldest_ms && p->newest_ms >= p->oldest_ms)
		wr_key_double(
		    item, "window_s", (double)(p->newest_ms - p->oldest_ms) / 1000);
	else
		wr_key_text(item, "window_s", NULL);
}

static void
show_point(struct asking *a, const struct fog_result *result, const struct query_point *p)
{
	struct query *q = a->query;
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_map(&item, 9);
	wr_key_text(&item, "node", a->node);
	wr_key_text(&item, "expression", q->expression);
	wr_key_double(&item, "value", p->value);
	wr_key_text(&item, "unit", result->unit);
	wr_text(&item, "labels");
	if (p->labels.len)
		wr_raw(&item, p->labels);
	else
		wr_map(&item, 0);
	put_time(&item, q, result, p);
	wr_key_int(&item, "samples", p->samples);
	put_window(&item, p);
	send_item(q, &item);
}

static void
show_result(struct asking *a, const struct fog_result *result)
{
	for (unsigned i = 0; i < result->points; i++)
		show_point(a, result, &result->point[i]);
	if (!result->points)
		show_unknown(a->query, a->node,
		    result->unknown[0] ? result->unknown
				       : "the node knows no such series");
}

/* --- sessions -------------------------------------------------------------------------------------------- */
static void
on_answer(
    void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct asking *a = arg;
	struct fog_result result;

	(void)session;
	if (fog_result_decode(grasp_value_unwrap(objective->value), &result))
		show_unknown(a->query, a->node, "the node's answer is malformed");
	else
		show_result(a, &result);
}

static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct asking *a = arg;
	char text[160];

	(void)session;
	a->session = NULL;
	if (outcome != GRASP_ACCEPTED) {
		snprintf(text, sizeof text, "no answer: %s%s%.*s",
		    grasp_outcome_name(outcome), reason.len ? ": " : "", (int)reason.len,
		    (const char *)reason.data);
		show_unknown(a->query, a->node, text);
	}
	end_asking(a);
}

static const struct grasp_session_ops ops = { .synched = on_answer, .ended = on_ended };

static void
ask_node(struct query *q, struct node *n, const struct spoken *sp)
{
	struct asking *a = n->link ? calloc(1, sizeof *a) : NULL;

	if (!a) {
		show_unknown(
		    q, n->name, n->link ? "out of memory" : "the node is not connected");
		return;
	}
	a->query = q;
	snprintf(a->node, sizeof a->node, "%s", n->name);
	LIST_INSERT_HEAD(&q->askings, a, entry);
	if (grasp_synchronize(n->link, &sp->objective, ANSWER_MS, &ops, a, &a->session)) {
		show_unknown(q, n->name, "it cannot be asked now");
		end_asking(a);
	}
}

static void
ask_all(struct query *q, const struct spoken *sp)
{
	for (struct node *n = registry_first(q->sessions->registry); n; n = n->next)
		if (n->state == NODE_ALIVE)
			ask_node(q, n, sp);
}

static void
start_query(struct query *q, struct node *n, struct slice program)
{
	struct sessions *s = q->sessions;
	const struct fog_query query = { program };
	struct spoken sp;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	fog_query_encode(&query, &value);
	spoken_init(&sp, s, FOGMETRIC, F_DISC | F_SYNCH, buf_slice(&value));
	s->counters.queries++;
	q->starting = true;
	if (n)
		ask_node(q, n, &sp);
	else
		ask_all(q, &sp);
	q->starting = false;
	buf_done(&value);
	end_if_answered(q);
}

static struct query *
new_query(struct sessions *s, struct ctl_request *req, const char *expression)
{
	struct query *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->sessions = s;
	q->req = req;
	snprintf(q->expression, sizeof q->expression, "%s", expression);
	LIST_INSERT_HEAD(&s->queries, q, entry);
	ctl_on_cancel(req, on_client_gone, q);
	return q;
}

void
sessions_query(
    struct sessions *s, struct ctl_request *req, const char *node, const char *expression)
{
	bool all = !*node || !strcmp(node, "all");
	struct node *n = all ? NULL : registry_by_name(s->registry, node);
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	struct query *q;
	char why[200];

	buf_init_fixed(&program, memory, sizeof memory);
	if (expr_parse(expression, &program, why, sizeof why)) {
		ctl_fail(req, 1, "%s: %s", expression, why);
		return;
	}
	if (!all && !n) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
		return;
	}
	q = new_query(s, req, expression);
	if (q)
		start_query(q, n, buf_slice(&program));
	else
		ctl_fail(req, 1, "out of memory");
}

void
queries_stop(struct sessions *s)
{
	while (!LIST_EMPTY(&s->queries)) {
		struct query *q = LIST_FIRST(&s->queries);

		ctl_fail(q->req, 1, "the controller is stopping");
		free_query(q);
	}
}
