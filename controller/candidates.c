/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/candidates_int.h"
#include "controller/location.h"
#include "controller/outlook.h"
#include "controller/uptime.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HORIZON_MS (3600 * 1000LL)
#define MARKS_MAX  32

void
say(struct reason *why, const char *fmt, ...)
{
	va_list args;

	if (!why)
		return;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
}

int64_t
candidates_horizon(const struct function *f)
{
	return f->availability_ms > 0 ? f->availability_ms : HORIZON_MS;
}

const char *const *
candidates_marks(void)
{
	static const char *names[MARKS_MAX + 1];

	for (size_t i = 0; i < MARKS_MAX && candidate_marks[i].name; i++)
		names[i] = candidate_marks[i].name;
	return names;
}

/* --- filters ------------------------------------------------------------------------------------ */

static void
add_reason(struct candidate *c, const struct reason *why)
{
	if (c->reasons < CANDIDATE_REASONS_MAX)
		memcpy(c->reason[c->reasons++], why->text, sizeof why->text);
}

/* All reasons if c is there to take them, else the first that rejects is enough. */
static bool
passes(const struct view *v, const struct candidate_filter *table, enum filter_when when,
    struct candidate *c)
{
	bool all = true;

	for (; table->name && (all || c); table++) {
		struct reason why;

		if (table->when != when || table->passes(v, c ? &why : NULL))
			continue;
		all = false;
		if (c)
			add_reason(c, &why);
	}
	return all;
}

static bool
passes_both(const struct view *v, enum filter_when when, struct candidate *c)
{
	bool first = passes(v, candidate_filters, when, c);

	return (first || c) && passes(v, candidate_filters_measured, when, c) && first;
}

bool
candidates_suit(const struct placement *of, const struct node *n)
{
	struct view v = { .of = of, .f = of->function, .node = n };

	return passes_both(&v, FILTER_LASTING, NULL);
}

/* --- marks -------------------------------------------------------------------------------------- */

struct weights {
	double of[MARKS_MAX];
};

/* Numbers, as the parser has seen to. */
static void
find_weights(const struct placement *of, struct weights *ret)
{
	const struct conf_map *objective = of->service ? &of->service->objective : NULL;

	for (size_t i = 0; i < MARKS_MAX && candidate_marks[i].name; i++)
		ret->of[i] = candidate_marks[i].weight;
	for (size_t k = 0; objective && k < objective->len; k++)
		for (size_t i = 0; i < MARKS_MAX && candidate_marks[i].name; i++)
			if (!strcmp(candidate_marks[i].name, objective->key[k]))
				ret->of[i] = fmax(0, strtod(objective->value[k], NULL));
}

static void
explain_mark(struct candidate *c, const struct candidate_mark *mark, double weight,
    double m, const struct reason *detail)
{
	struct reason text;

	say(&text, "%s %.2f, weight %g%s%s", mark->name, m, weight,
	    *detail->text ? ": " : "", detail->text);
	add_reason(c, &text);
}

static void
score(const struct view *v, const struct weights *w, struct candidate *c)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < MARKS_MAX && candidate_marks[i].name; i++) {
		struct reason detail = { "" };
		double m;

		if (!(w->of[i] > 0))
			continue;
		m = candidate_marks[i].mark(v, v->q->explain ? &detail : NULL);
		if (isnan(m))
			continue;
		sum += w->of[i] * m;
		weights += w->of[i];
		if (v->q->explain)
			explain_mark(c, &candidate_marks[i], w->of[i], m, &detail);
	}
	/* Scores that differ by rounding alone are the same, on every machine. */
	c->score = weights > 0 ? round(sum / weights * 1e6) / 1e6 : 0;
}

/* --- one node ----------------------------------------------------------------------------------- */

struct ranking {
	const struct candidates_query *q;
	const struct node *host, *place; /* place: what it has to be near to */
	struct neighbours near;
	struct loads loads;
	struct weights weights;
};

static void
collect_watches(struct view *v)
{
	struct watch *w = watches_of_function(v->q->watches, &v->node->id, v->of);

	for (; w && v->watches < CANDIDATE_WATCHES_MAX; w = w->group_next)
		v->watch[v->watches++] = w;
}

/* What is not known of a requirement that may be so does not count. */
static void
reckon_availability(struct view *v)
{
	int64_t horizon_ms = candidates_horizon(v->f);
	const struct outlook_query q = { .watches = v->q->watches,
		.node = v->node,
		.placement = v->of,
		.now_ms = v->q->now_ms };
	unsigned unknown;
	double fails = outlook_by_then(&q, v->watch, v->watches, horizon_ms, &unknown);

	v->hold = unknown ? NAN : isnan(fails) ? 1 : 1 - fails;
	v->stay = v->q->uptimes
	    ? uptimes_stay(v->q->uptimes, v->node, v->q->wall_ms, horizon_ms)
	    : NAN;
}

static bool
passes_all(struct view *v, struct candidate *c)
{
	bool now = passes_both(v, FILTER_NOW, c), lasting;

	if (!now && !c)
		return false;
	lasting = passes_both(v, FILTER_LASTING, c);
	if (!lasting)
		return false; /* nobody measures for what it will never have */
	collect_watches(v);
	reckon_availability(v);
	return passes_both(v, FILTER_MEASURED, c) && now;
}

static void
examine(const struct ranking *r, struct node *n, struct candidate *c)
{
	const struct candidates_query *q = r->q;
	const struct function *f = q->of->function;
	struct view v = {
		.q = q, .of = q->of, .f = f, .near = &r->near, .node = n, .host = r->host
	};

	v.load = loads_of(&r->loads, n->name);
	v.margin = f->location
	    ? location_margin_of(f->location, n, r->place, q->vitals, q->now_ms, NULL)
	    : INFINITY;
	c->node = n;
	c->availability = NAN;
	c->accepted = passes_all(&v, q->explain ? c : NULL);
	if (!c->accepted)
		return;
	c->availability = v.stay * v.hold;
	score(&v, &r->weights, c);
}

/* --- all of them -------------------------------------------------------------------------------- */

static int
compare(const void *x, const void *y)
{
	const struct candidate *a = x, *b = y;

	if (a->accepted != b->accepted)
		return a->accepted ? -1 : 1;
	if (a->score != b->score)
		return a->score > b->score ? -1 : 1;
	return strcmp(a->node->name, b->node->name);
}

static const struct node *
find_node(const struct candidates_query *q, const char *name)
{
	const struct node *n = name && *name ? q->nodes : NULL;

	while (n && (n->state == NODE_GONE || strcmp(n->name, name)))
		n = n->next;
	return n;
}

static void
find_neighbours(const struct candidates_query *q, struct neighbours *ret)
{
	const struct service *s = q->of->service;
	const char *own = q->of->function_name;

	for (size_t i = 0; s && i < s->links; i++) {
		const struct service_link *l = &s->link[i];
		const char *other = !strcmp(l->from, own) ? l->to
		    : !strcmp(l->to, own)		  ? l->from
							  : NULL;
		const struct placement *p = q->placements;

		while (p && other &&
		    (strcmp(p->service_name, s->name) || strcmp(p->function_name, other)))
			p = p->next;
		if (other && p && *p->node)
			ret->node[ret->len++] = p->node;
	}
}

static int
begin(const struct candidates_query *q, struct ranking *ret)
{
	*ret = (struct ranking){ .q = q };
	ret->host = find_node(q, q->of->node);
	if (q->of->function->location)
		ret->place = find_node(q, location_near(q->of, q->placements));
	find_neighbours(q, &ret->near);
	find_weights(q->of, &ret->weights);
	return loads_init(&ret->loads, q->placements, q->of);
}

/* Reasons stand behind the candidates, in the same piece of memory. */
static struct candidate *
make_room(const struct candidates_query *q, size_t n)
{
	size_t texts = q->explain ? CANDIDATE_REASONS_MAX * CANDIDATE_REASON_SIZE : 0;
	struct candidate *c = calloc(n + 1, sizeof *c + texts);
	char *text = (char *)(c + n + 1);

	for (size_t i = 0; c && texts && i < n; i++, text += texts)
		c[i].reason = (char(*)[CANDIDATE_REASON_SIZE])text;
	return c;
}

int
candidates_rank(const struct candidates_query *q, struct candidate **ret, size_t *ret_len)
{
	struct candidate *c;
	struct ranking r;
	size_t n = 0;

	for (struct node *node = q->nodes; node; node = node->next)
		n += node->state != NODE_GONE;
	c = make_room(q, n);
	if (!c || begin(q, &r) < 0) {
		free(c);
		return -ENOMEM;
	}
	n = 0;
	for (struct node *node = q->nodes; node; node = node->next)
		if (node->state != NODE_GONE)
			examine(&r, node, &c[n++]);
	loads_done(&r.loads);
	qsort(c, n, sizeof *c, compare);
	*ret = c;
	*ret_len = n;
	return 0;
}
