/* SPDX-License-Identifier: Apache-2.0
 *
 * Sources that must know which of their series are meant, as a path does its peers, are told: of wants
 * when they have changed, of queries at once. */
#include "metrics/expr_program.h"
#include "metrics/sampler_int.h"
#include <string.h>

static bool
has_metric(const struct source *source, const char *name)
{
	const struct source *owner;

	return sources_metric(name, &owner) && owner == source;
}

struct asking {
	struct sampler *sampler;
	struct reader *reader; /* NULL: of a query, any */
	int64_t until_ms;
	bool found;
};

static void
find_asked(void *arg, const struct expr_step *select)
{
	struct asking *a = arg;
	const struct source *source;

	if (sources_metric(select->metric, &source) && source->ask)
		a->found = true;
}

bool
sampler_program_asks(struct slice program)
{
	struct asking a = { .found = false };

	(void)expr_needs(program, find_asked, &a);
	return a.found;
}

static void
tell_want(void *arg, const struct expr_step *select)
{
	const struct asking *a = arg;

	if (has_metric(a->reader->source, select->metric))
		a->reader->source->ask(a->reader->inst, select, a->until_ms);
}

void
sampler_tell_wants(struct reader *r)
{
	struct asking a = { .sampler = r->sampler, .reader = r };

	if (!r->source->ask || r->told)
		return;
	r->told = true;
	r->source->ask(r->inst, NULL, 0);
	for (const struct want *w = r->sampler->wants; w; w = w->next) {
		a.until_ms = w->until_ms;
		if (w->until_ms > r->sampler->now_ms)
			(void)expr_needs(w->program, tell_want, &a);
	}
}

static void
tell_query(void *arg, const struct expr_step *select)
{
	const struct asking *a = arg;
	struct sampler *s = a->sampler;

	for (size_t i = 0; i < s->readers; i++) {
		struct reader *r = &s->reader[i];

		if (!r->source->ask || !has_metric(r->source, select->metric))
			continue;
		if (sampler_open_reader(r))
			r->source->ask(r->inst, select,
			    s->now_ms + sampler_query_keep(select->window_ms));
	}
}

void
sampler_tell_query(struct sampler *s, struct slice program)
{
	struct asking a = { .sampler = s };

	(void)expr_needs(program, tell_query, &a);
}
