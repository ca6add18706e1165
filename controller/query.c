/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: `fogctl query`. The expression is compiled here and evaluated at the nodes, all asked
 * at once; answers are shown as they come. Ranges leave column by column, as the client reads. */
#include "base/ctl.h"
#include "base/log.h"
#include "controller/session_int.h"
#include "metrics/expr.h"
#include "metrics/list.h"
#include "protocol/display.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS	10000
#define RANGE_MS	60000 /* of a range, which takes a node its time */
#define ITEM_MAX	262144
#define COLUMNS_AT_ONCE 4 /* sent before the client is waited for */

struct query;

/* One node that is asked. */
struct asking {
	LIST_ENTRY(asking) entry;
	struct query *query;
	struct grasp_session *session;
	char node[FOG_NAME_MAX + 1];
};

/* What a node gave, until the client has read it. */
struct answer {
	STAILQ_ENTRY(answer) entry;
	char node[FOG_NAME_MAX + 1];
	uint8_t *value;
	struct fog_result result; /* borrows from value */
	unsigned next;
};

struct query {
	LIST_ENTRY(query) entry;
	struct sessions *sessions;
	struct ctl_request *req;
	LIST_HEAD(, asking) askings;
	STAILQ_HEAD(, answer) answers;
	struct fog_query asked; /* the program is gone */
	int64_t asked_ms;	/* wall: what the ages of a range count from */
	char expression[EXPR_TEXT_MAX + 1];
	bool starting;
};

static void
drop_answer(struct query *q, struct answer *w)
{
	STAILQ_REMOVE_HEAD(&q->answers, entry);
	free(w->value);
	free(w);
}

static void
free_query(struct query *q)
{
	while (!STAILQ_EMPTY(&q->answers))
		drop_answer(q, STAILQ_FIRST(&q->answers));
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
	if (q->starting || !LIST_EMPTY(&q->askings) || !STAILQ_EMPTY(&q->answers))
		return;
	ctl_on_cancel(q->req, NULL, NULL);
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
show_column(
    struct query *q, const char *node, const struct fog_result *result, unsigned i)
{
	struct buf item;

	buf_init(&item, ITEM_MAX);
	display_put_column(&item, node, q->expression, result, i, q->asked_ms);
	send_item(q, &item);
}

static void
show_unknown(struct query *q, const char *node, const char *why)
{
	struct fog_result *nothing = calloc(1, sizeof *nothing);

	if (!nothing)
		return;
	snprintf(nothing->unknown, sizeof nothing->unknown, "%s", why);
	if (q->asked.range.step_ms)
		show_column(q, node, nothing, 0);
	else
		show_result(q, node, nothing);
	free(nothing);
}

/* --- ranges, as the client reads ------------------------------------------------------------------------- */
static void
send_more(void *arg)
{
	struct query *q = arg;
	unsigned sent = 0;

	while (sent < COLUMNS_AT_ONCE && !STAILQ_EMPTY(&q->answers)) {
		struct answer *w = STAILQ_FIRST(&q->answers);

		show_column(q, w->node, &w->result, w->next++);
		sent++;
		if (w->next >= w->result.columns)
			drop_answer(q, w);
	}
	if (sent)
		end_if_answered(q);
}

static struct answer *
new_answer(const char *node, struct slice value)
{
	struct answer *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	snprintf(w->node, sizeof w->node, "%s", node);
	w->value = malloc(value.len);
	if (!w->value) {
		free(w);
		return NULL;
	}
	memcpy(w->value, value.data, value.len);
	return w;
}

static void
take_range(struct query *q, const char *node, struct slice value)
{
	struct answer *w = new_answer(node, value);
	const char *why = w ? NULL : "out of memory";
	bool waiting = !STAILQ_EMPTY(&q->answers);

	if (w && fog_result_decode((struct slice){ w->value, value.len }, &w->result))
		why = "the node's answer is malformed";
	else if (w && w->result.points)
		why = "the agent of the node is too old for ranges";
	if (why) {
		free(w ? w->value : NULL);
		free(w);
		show_unknown(q, node, why);
		return;
	}
	STAILQ_INSERT_TAIL(&q->answers, w, entry);
	if (!waiting)
		send_more(q);
}

static void
take_value(struct query *q, const char *node, struct slice value)
{
	struct fog_result *result = malloc(sizeof *result);

	if (!result || fog_result_decode(value, result))
		show_unknown(
		    q, node, result ? "the node's answer is malformed" : "out of memory");
	else
		show_result(q, node, result);
	free(result);
}

/* --- sessions -------------------------------------------------------------------------------------------- */
static void
on_answer(
    void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct asking *a = arg;
	struct slice value = grasp_value_unwrap(objective->value);

	(void)session;
	if (a->query->asked.range.step_ms)
		take_range(a->query, a->node, value);
	else
		take_value(a->query, a->node, value);
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
	if (grasp_synchronize(n->link, &o, q->asked.range.step_ms ? RANGE_MS : ANSWER_MS,
		&ops, a, &a->session)) {
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
start_query(struct query *q, struct node *n)
{
	struct sessions *s = q->sessions;
	struct spoken sp;
	struct buf value;

	buf_init(&value, VALUE_MAX);
	fog_query_encode(&q->asked, &value);
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
new_query(struct sessions *s, struct ctl_request *req, const char *expression,
    const struct fog_query *asked)
{
	struct query *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->sessions = s;
	q->req = req;
	q->asked = *asked;
	q->asked_ms = s->io->ops->wall(s->io);
	STAILQ_INIT(&q->answers);
	snprintf(q->expression, sizeof q->expression, "%s", expression);
	LIST_INSERT_HEAD(&s->queries, q, entry);
	ctl_on_cancel(req, on_client_gone, q);
	if (asked->range.step_ms)
		ctl_stream(req, send_more, q);
	return q;
}

/* A list or a program; program is where that stays. */
static int
read_expression(
    const char *text, struct buf *program, struct fog_query *ret, char *why, size_t size)
{
	int list = list_parse(text, ret->pattern, why, size);
	int err = list < 0 ? list : 0;

	if (list > 0 && ret->range.step_ms) {
		snprintf(why, size, "a list has no range: name one metric");
		err = -EINVAL;
	} else if (list == 0) {
		err = expr_parse(text, program, why, size);
	}
	ret->program = buf_slice(program);
	return err;
}

void
sessions_query(struct sessions *s, struct ctl_request *req, const char *node,
    const char *expression, const struct query_range *range)
{
	bool all = !*node || !strcmp(node, "all");
	struct node *n = all ? NULL : registry_by_name(s->registry, node);
	struct fog_query asked = { .range = *range };
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	struct query *q;
	char why[200] = "";

	buf_init_fixed(&program, memory, sizeof memory);
	if (read_expression(expression, &program, &asked, why, sizeof why)) {
		ctl_fail(req, 1, "%s: %s", expression, why);
		return;
	}
	if (!all && !n) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
		return;
	}
	q = new_query(s, req, expression, &asked);
	if (q)
		start_query(q, n);
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
