/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_resolve.h"

#include "base/log.h"
#include "metrics/expr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS 4096

static resolver_f *const resolvers[] = { resolve_links, resolve_location, NULL };

struct resolved {
	struct requirement is;
	const struct placement *of; /* compared, never followed */
	unsigned refs;
	struct resolved *next;
};
struct resolved_set {
	struct resolved *chain[CHAINS];
};

/* --- those that there are ------------------------------------------------------------------------ */

static void
free_resolved(struct resolved *r)
{
	free(r->is.text);
	free(r->is.expr);
	free((void *)r->is.program.data);
	free(r);
}

static size_t
hash(const struct placement *of, const char *text)
{
	uint64_t h = 0xcbf29ce484222325 ^ (uintptr_t)of;

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3;
	return (size_t)((h ^ h >> 32) % CHAINS);
}

static bool
means(const struct requirement *a, const struct requirement *b)
{
	return a->origin == b->origin && a->side == b->side &&
	    a->threshold == b->threshold && a->when_missing == b->when_missing &&
	    a->period_ms == b->period_ms &&
	    a->candidate_period_ms == b->candidate_period_ms &&
	    a->hold_ms == b->hold_ms && a->report == b->report &&
	    a->longest_period_ms == b->longest_period_ms &&
	    a->predictor == b->predictor && a->class == b->class && a->low == b->low &&
	    a->high == b->high && !strcmp(a->text, b->text) && !strcmp(a->expr, b->expr);
}

static int
compile(struct requirement *r)
{
	struct buf program;
	char why[256];
	int err;

	buf_init(&program, EXPR_PROGRAM_MAX);
	err = expr_parse(r->expr, &program, why, sizeof why);
	if (!err)
		err = program.err;
	if (!err)
		r->program = (struct slice){ TAKE(program.data), program.pos };
	buf_done(&program);
	return err;
}

static int
make_resolved(
    const struct placement *of, const struct requirement *like, struct resolved **ret)
{
	struct resolved *r = calloc(1, sizeof *r);
	int err = -ENOMEM;

	if (!r)
		return err;
	r->is = *like;
	r->of = of;
	r->is.program = (struct slice){ 0 };
	r->is.text = strdup(like->text);
	r->is.expr = strdup(like->expr);
	if (r->is.text && r->is.expr)
		err = compile(&r->is);
	if (err < 0) {
		free_resolved(r);
		return err;
	}
	*ret = r;
	return 0;
}

static int
ensure_resolved(struct resolved_set *s, const struct placement *of,
    const struct requirement *like, const struct requirement **ret)
{
	struct resolved **chain = &s->chain[hash(of, like->text)], *r = *chain;
	int err;

	while (r && (r->of != of || !means(&r->is, like)))
		r = r->next;
	if (!r) {
		err = make_resolved(of, like, &r);
		if (err < 0)
			return err;
		r->next = *chain;
		*chain = r;
	}
	*ret = &r->is;
	return 0;
}

void
resolved_ref(const struct requirement *r)
{
	container_of(r, struct resolved, is)->refs++;
}

void
resolved_unref(const struct requirement *r)
{
	container_of(r, struct resolved, is)->refs--;
}

void
resolved_sweep(struct resolved_set *s)
{
	for (size_t i = 0; i < CHAINS; i++)
		for (struct resolved **at = &s->chain[i]; *at;) {
			struct resolved *r = *at;

			if (r->refs) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			free_resolved(r);
		}
}

int
resolved_set_new(struct resolved_set **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : -ENOMEM;
}

void
resolved_set_free(struct resolved_set *s)
{
	for (size_t i = 0; s && i < CHAINS; i++)
		for (struct resolved *r = s->chain[i], *next; r; r = next) {
			next = r->next;
			free_resolved(r);
		}
	free(s);
}

/* --- resolving ----------------------------------------------------------------------------------- */

int
resolution_require(struct resolution *r, const struct requirement *like)
{
	struct requirement wanted = *like;
	char text[1024];
	int err;

	if (r->len == RESOLVED_MAX)
		return -E2BIG;
	if (!wanted.text) {
		snprintf(text, sizeof text, "%s %c %.12g", like->expr,
		    like->side == REQUIRE_ABOVE ? '>' : '<', like->threshold);
		wanted.text = text;
	}
	err = ensure_resolved(r->set, r->of, &wanted, &r->requirement[r->len]);
	if (err == -EINVAL) {
		log_errorx("plan", "%s/%s: cannot be measured: %s", r->of->service_name,
		    r->of->function_name, wanted.expr);
		return 0;
	}
	if (!err)
		r->len++;
	return err;
}

int
resolution_run(struct resolution *r)
{
	int err = 0;

	r->len = 0;
	for (size_t i = 0; resolvers[i] && !err; i++)
		err = resolvers[i](r);
	return err;
}
