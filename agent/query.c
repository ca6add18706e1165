/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/query.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/labels.h"
#include "agent/timing.h"
#include "base/log.h"

#define ANSWERS_PER_S 50
#define ANSWERS_BURST 100

struct querier {
	struct grasp_io *io;
	struct sampler *sampler;
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

/* Labels of all points in one buffer that does not move; what does not fit is told. */
static void
fill_points(const struct expr_result *r, struct buf *labels, struct fog_result *ret)
{
	for (size_t i = 0; i < r->len; i++) {
		const struct expr_value *v = &r->value[i];
		size_t at = labels->pos;

		labels_encode(&v->labels, labels);
		if (i == QUERY_POINTS_MAX || labels->err) {
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

void
querier_evaluate(
    struct querier *q, struct slice program, struct buf *labels, struct fog_result *ret)
{
	struct expr_result r = { 0 };
	char why[96] = "";
	int err = sampler_check(q->sampler, program, why, sizeof why);

	ret->now_ms = grasp_io_now(q->io);
	ret->wall_ms = q->io->ops->wall(q->io);

	if (!err)
		err = sampler_query(q->sampler, program, ret->now_ms, &r);
	if (err < 0) {
		set_unknown(ret, why[0] ? why : strerror(-err));
	} else if (!r.len) {
		set_unknown(ret, r.unknown);
	} else {
		snprintf(ret->unit, sizeof ret->unit, "%s", r.unit);
		fill_points(&r, labels, ret);
	}
	expr_result_done(&r);
	q->wake(q->arg);
}

static void
answer(struct querier *q, struct slice asked, struct buf *labels, struct fog_result *ret)
{
	struct fog_query query;

	ret->now_ms = grasp_io_now(q->io);
	ret->wall_ms = q->io->ops->wall(q->io);
	if (!take_token(q))
		set_unknown(ret, "busy: too many queries");
	else if (!asked.len || fog_query_decode(asked, &query) < 0)
		set_unknown(ret, "malformed: this is no query");
	else
		querier_evaluate(q, query.program, labels, ret);
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
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct querier *q = arg;
	struct fog_result *result = calloc(1, sizeof *result); /* 7 KiB, for a moment */
	struct buf labels;
	uint8_t *memory = malloc(QUERIER_LABELS_MAX);
	int err = -ENOMEM;

	q->answers++;
	if (result && memory) {
		buf_init_fixed(&labels, memory, QUERIER_LABELS_MAX);
		answer(q, asked->value, &labels, result);
		err = send_value(s, result);
		if (err == -EMSGSIZE) {
			set_unknown(result,
			    "too long for this link: select some by their labels");
			err = send_value(s, result);
		}
	}
	if (err < 0)
		grasp_session_end(s, false, NULL);
	free(memory);
	free(result);
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
	free(q);
}

uint64_t
querier_answers(const struct querier *q)
{
	return q->answers;
}
