/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: `fogctl query`. The expression is compiled here and evaluated at the nodes, all asked
 * at once; answers are shown as they come. */
#include "base/ctl.h"
#include "base/log.h"
#include "controller/session_int.h"
#include "metrics/expr.h"
#include "protocol/display.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 10000
#define ITEM_MAX  131072

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
show_result(struct query *q, const char *node, const struct fog_result *result)
{
	struct grasp_io *io = q->sessions->io;
	struct buf item;

	buf_init(&item, ITEM_MAX);
	display_put_result(&item, node, q->expression, result, io->ops->wall(io));
	send_item(q, &item);
}

static void
show_unknown(struct query *q, const char *node, const char *why)
{
	struct fog_result nothing = { 0 };

	snprintf(nothing.unknown, sizeof nothing.unknown, "%s", why);
	show_result(q, node, &nothing);
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
		show_result(a->query, a->node, &result);
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
		utf8_trim(text);
		show_unknown(a->query, a->node, text);
	}
	end_asking(a);
}

static const struct grasp_session_ops ops = { .synched = on_answer, .ended = on_ended };

static void
ask_node(struct query *q, struct node *n, const struct spoken *sp)
{
	struct asking *a = n->link ? calloc(1, sizeof *a) : NULL;
	const struct grasp_objective o = spoken_to(sp, q->sessions, n);

	if (!a) {
		show_unknown(
		    q, n->name, n->link ? "out of memory" : "the node is not connected");
		return;
	}
	a->query = q;
	snprintf(a->node, sizeof a->node, "%s", n->name);
	LIST_INSERT_HEAD(&q->askings, a, entry);
	if (grasp_synchronize(n->link, &o, ANSWER_MS, &ops, a, &a->session)) {
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
