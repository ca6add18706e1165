/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/query.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#include "metrics/labels.h"
#include "agent/timing.h"
#include "metrics/expr_program.h"

#define ANSWERS_PER_S 50
#define ANSWERS_BURST 100

/* A session that waits for a range. */
struct asking {
	LIST_ENTRY(asking) entry;
	struct querier *querier;
	struct grasp_session *session;
	struct range *range;
};

struct querier {
	struct grasp_io *io;
	struct sampler *sampler;
	struct range_env ranges;
	LIST_HEAD(, asking) askings;
	struct grasp_registration *registration;
	void (*wake)(void *arg);
	void *arg;
	uint64_t answers;
	int64_t tokens_ms; /* when the bucket was last looked at */
	double tokens;
};

static bool
take_token(struct querier *q)
{
	int64_t now = grasp_io_now(q->io);

	q->tokens += (double)(now - q->tokens_ms) * ANSWERS_PER_S / 1000;
	q->tokens_ms = now;
	if (q->tokens > ANSWERS_BURST)
		q->tokens = ANSWERS_BURST;
	if (q->tokens < 1)
		return false;
	q->tokens -= 1;
	return true;
}

/* --- result to value ------------------------------------------------------------------------ */
static void
set_unknown(struct fog_result *ret, const char *why)
{
	ret->points = 0;
	snprintf(ret->unknown, sizeof ret->unknown, "%s", why);
}

/* Labels of all points in one buffer that does not move; what does not fit is told. name: of a list,
 * one label more. */
static void
fill_points(const struct expr_result *r, const char *name, struct buf *labels,
    struct fog_result *ret)
{
	for (size_t i = 0; i < r->len && !ret->unknown[0]; i++) {
		const struct expr_value *v = &r->value[i];
		size_t at = labels->pos;

		labels_encode_named(&v->labels, name, labels);
		if (ret->points == QUERY_POINTS_MAX || labels->err) {
			set_unknown(ret, "too many series: select some by their labels");
			return;
		}
		ret->point[ret->points++] = (struct query_point){
			.labels = { labels->data + at, labels->pos - at },
			.value = v->value,
			.samples = v->samples,
			.oldest_ms = v->oldest_ms,
			.newest_ms = v->newest_ms,
		};
	}
}

static void
set_clocks(const struct querier *q, struct fog_result *ret)
{
	ret->now_ms = grasp_io_now(q->io);
	ret->wall_ms = q->io->ops->wall(q->io);
}

static void
evaluate(struct querier *q, struct slice program, bool keep, struct buf *labels,
    struct fog_result *ret)
{
	struct expr_result r = { 0 };
	char why[96] = "";
	int err = sampler_check(q->sampler, program, why, sizeof why);

	set_clocks(q, ret);
	if (!err)
		err = keep ? sampler_query(q->sampler, program, ret->now_ms, &r)
			   : sampler_look(q->sampler, program, ret->now_ms, &r);
	if (err < 0) {
		set_unknown(ret, why[0] ? why : strerror(-err));
	} else if (!r.len) {
		set_unknown(ret, r.unknown);
	} else {
		snprintf(ret->unit, sizeof ret->unit, "%s", r.unit);
		fill_points(&r, NULL, labels, ret);
	}
	expr_result_done(&r);
	q->wake(q->arg);
}

void
querier_evaluate(
    struct querier *q, struct slice program, struct buf *labels, struct fog_result *ret)
{
	evaluate(q, program, true, labels, ret);
}

void
querier_look(
    struct querier *q, struct slice program, struct buf *labels, struct fog_result *ret)
{
	evaluate(q, program, false, labels, ret);
}

/* --- lists ------------------------------------------------------------------------------------ */
struct listing {
	struct querier *querier;
	struct buf *labels;
	struct fog_result *result;
	const char *pattern;
	unsigned metrics; /* that fit */
};

void
querier_select(const struct metric *m, struct buf *program)
{
	struct expr_step select = { .op = EXPR_SELECT };

	snprintf(select.metric, sizeof select.metric, "%s", m->name);
	wr_array(program, 1);
	expr_step_encode(&select, program);
}

static void
list_metric(
    void *arg, const struct source *source, const char *name, const struct metric *m)
{
	struct listing *l = arg;
	struct expr_result r = { 0 };
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;

	(void)source, (void)name;
	if (l->result->unknown[0] || !expr_pattern_matches(l->pattern, m->name))
		return;
	buf_init_fixed(&program, memory, sizeof memory);
	querier_select(m, &program);
	if (!sampler_look(
		l->querier->sampler, buf_slice(&program), l->result->now_ms, &r))
		fill_points(&r, m->name, l->labels, l->result);
	expr_result_done(&r);
	l->metrics++;
}

static void
list_values(struct querier *q, const struct fog_query *query, struct buf *labels,
    struct fog_result *ret)
{
	struct listing l = { q, labels, ret, query->pattern, 0 };

	set_clocks(q, ret);
	if (query->range.step_ms) {
		set_unknown(ret, "a list has no range: name one metric");
		return;
	}
	if (!expr_pattern_ok(query->pattern)) {
		set_unknown(ret, "the pattern of the list cannot be read");
		return;
	}
	sampler_each(q->sampler, list_metric, &l);
	if (!ret->points && !ret->unknown[0])
		set_unknown(ret,
		    l.metrics ? "no metric of these has a value here"
			      : "no metric has such a name");
	q->wake(q->arg);
}

/* --- GRASP ----------------------------------------------------------------------------------- */
static int
send_value(struct grasp_session *s, const struct fog_result *result)
{
	struct buf value;
	int err;

	buf_init(&value, GRASP_UNICAST_MAX);
	fog_result_encode(result, &value);
	err = value.err ? value.err : grasp_session_synch(s, buf_slice(&value));
	buf_done(&value);
	return err;
}

static void
refuse(struct querier *q, struct grasp_session *s, const char *why)
{
	struct fog_result *result = calloc(1, sizeof *result);
	int err = -ENOMEM;

	if (result) {
		set_clocks(q, result);
		set_unknown(result, why);
		err = send_value(s, result);
	}
	if (err < 0)
		grasp_session_end(s, false, NULL);
	free(result);
}

static void
give(struct querier *q, struct grasp_session *s, const struct fog_result *result)
{
	int err = send_value(s, result);

	if (err == -EMSGSIZE || err == -ENOSPC)
		refuse(q, s, "too long for this link: select some by their labels");
	else if (err < 0)
		grasp_session_end(s, false, NULL);
}

/* --- ranges ------------------------------------------------------------------------------------- */
static void
drop_asking(struct asking *a)
{
	LIST_REMOVE(a, entry);
	free(a);
}

static void
on_range(void *arg, const struct fog_result *result)
{
	struct asking *a = arg;
	struct querier *q = a->querier;
	struct grasp_session *s = a->session;

	give(q, s, result);
	range_free(a->range);
	drop_asking(a);
}

static void
on_session_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct asking *a = arg;

	(void)s, (void)outcome, (void)reason;
	range_free(a->range);
	drop_asking(a);
}

static void
ask_range(struct querier *q, struct grasp_session *s, const struct fog_query *query)
{
	static const struct grasp_session_ops ops = { .ended = on_session_ended };
	struct asking *a = calloc(1, sizeof *a);
	char why[96] = "out of memory";
	int err =
	    a ? sampler_check(q->sampler, query->program, why, sizeof why) : -ENOMEM;

	if (!err)
		err = range_start(
		    &q->ranges, query, QUERY_COLUMNS_BYTES_MAX, on_range, a, &a->range);
	if (err) {
		free(a);
		refuse(q, s, err == -EBUSY ? "busy: too many ranges at once" : why);
		return;
	}
	a->querier = q;
	a->session = s;
	LIST_INSERT_HEAD(&q->askings, a, entry);
	grasp_session_set(s, &ops, a);
	q->wake(q->arg);
}

struct range_env *
querier_ranges(struct querier *q)
{
	return &q->ranges;
}

/* --- questions ---------------------------------------------------------------------------------- */
static void
answer_now(struct querier *q, struct grasp_session *s, const struct fog_query *query)
{
	struct fog_result *result = calloc(1, sizeof *result);
	uint8_t *memory = malloc(QUERIER_LABELS_MAX);
	struct buf labels;

	if (result && memory) {
		buf_init_fixed(&labels, memory, QUERIER_LABELS_MAX);
		if (query->pattern[0])
			list_values(q, query, &labels, result);
		else
			querier_evaluate(q, query->program, &labels, result);
		give(q, s, result);
	} else {
		grasp_session_end(s, false, NULL);
	}
	free(memory);
	free(result);
}

static void
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct querier *q = arg;
	struct fog_query query;

	q->answers++;
	if (!take_token(q))
		refuse(q, s, "busy: too many queries");
	else if (!asked->value.len || fog_query_decode(asked->value, &query) < 0)
		refuse(q, s, "malformed: this is no query");
	else if (query.range.step_ms && !query.pattern[0])
		ask_range(q, s, &query);
	else
		answer_now(q, s, &query);
}

/* We have it, and each value is had by M_REQ_SYN with a program. */
int
querier_new(struct grasp_node *node, struct sampler *sampler, const char *prefix,
    void (*wake)(void *arg), void *arg, struct querier **ret)
{
	static const struct grasp_support support = { .synchronize = synchronize };
	CLEANUP(querier_free) struct querier *q = calloc(1, sizeof *q);
	char name[FOG_NAME_MAX + 1];
	int err;

	if (!q)
		return -ENOMEM;
	q->io = grasp_node_io(node);
	q->sampler = sampler;
	q->ranges = (struct range_env){ q->io, sampler, 0 };
	q->wake = wake;
	q->arg = arg;
	q->tokens_ms = grasp_io_now(q->io);
	q->tokens = ANSWERS_BURST;
	err = grasp_register(node, fog_objective_name(prefix, FOGMETRIC, name),
	    F_DISC | F_SYNCH, &support, q, &q->registration);
	if (err < 0)
		return err;
	*ret = TAKE(q);
	return 0;
}

void
querier_free(struct querier *q)
{
	if (!q)
		return;
	grasp_deregister(q->registration);
	while (!LIST_EMPTY(&q->askings)) {
		struct asking *a = LIST_FIRST(&q->askings);

		grasp_session_cancel(a->session);
		range_free(a->range);
		drop_asking(a);
	}
	free(q);
}

uint64_t
querier_answers(const struct querier *q)
{
	return q->answers;
}
