/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/score.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum kind { OF_SERVICE, OF_CLASS, OF_ALL, KINDS };
static const char *const kind_names[KINDS] = { "service", "class", "all" };

struct group {
	enum kind kind;
	char name[160];
	struct score_line line;
	double probability, error;
	int64_t events;
	double *lead_s; /* of failures that were announced */
	size_t leads, leads_size;
	struct group *next;
};
struct score {
	struct group *first;
};

/* --- memory ------------------------------------------------------------------------------------- */

int
score_new(struct score **ret)
{
	*ret = calloc(1, sizeof **ret);
	return *ret ? 0 : -ENOMEM;
}

void
score_free(struct score *s)
{
	for (struct group *g = s ? s->first : NULL, *next; g; g = next) {
		next = g->next;
		free(g->lead_s);
		free(g);
	}
	free(s);
}

/* Behind those of the same kind. */
static struct group *
ensure_group(struct score *s, enum kind kind, const char *name)
{
	struct group **at = &s->first, *g;

	while (*at && (*at)->kind <= kind) {
		if ((*at)->kind == kind && !strcmp((*at)->name, name))
			return *at;
		at = &(*at)->next;
	}
	g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	g->kind = kind;
	snprintf(g->name, sizeof g->name, "%s", name);
	g->next = *at;
	*at = g;
	return g;
}

static int
add_lead(struct group *g, double lead_s)
{
	if (g->leads == g->leads_size) {
		size_t size = g->leads_size ? 2 * g->leads_size : 16;
		double *more = realloc(g->lead_s, size * sizeof *more);

		if (!more)
			return -ENOMEM;
		g->lead_s = more;
		g->leads_size = size;
	}
	g->lead_s[g->leads++] = lead_s;
	return 0;
}

/* --- rows --------------------------------------------------------------------------------------- */

static const struct {
	const char *outcome;
	size_t counter; /* in struct score_line */
	bool raised;	/* there was a prediction */
	bool failed;	/* and what it said came */
} outcomes[] = {
#define COUNTED(member) offsetof(struct score_line, member)
	{ "hit", COUNTED(hit), true, true },
	{ "early", COUNTED(early), true, true },
	{ "late", COUNTED(late), true, true },
	{ "miss", COUNTED(missed), false, false },
	{ "lost", COUNTED(lost), false, false },
	{ "cleared", COUNTED(cleared), true, false },
	{ "averted", COUNTED(averted), true, false },
	{ "dropped", COUNTED(dropped), true, false },
	{ "open", COUNTED(open), true, false },
#undef COUNTED
};

static int
count_row(struct group *g, const struct prediction_row *p)
{
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (strcmp(outcomes[i].outcome, p->outcome) != 0)
			continue;
		++*(unsigned *)((char *)&g->line + outcomes[i].counter);
		g->line.predictions += outcomes[i].raised;
		if (outcomes[i].failed)
			return add_lead(g, (double)(p->ended_ms - p->time_ms) / 1e3);
	}
	return 0;
}

static int
count_in(
    struct score *s, enum kind kind, const char *name, const struct prediction_row *p)
{
	struct group *g = ensure_group(s, kind, name);

	return g ? count_row(g, p) : -ENOMEM;
}

int
score_add(struct score *s, const struct prediction_row *p)
{
	char class[160];
	int err = count_in(s, OF_SERVICE, p->service, p);

	if (!err)
		err = count_in(s, OF_ALL, "", p);
	if (err || !*p->predictor)
		return err;
	snprintf(class, sizeof class, "%s/%s", p->predictor, p->class);
	return count_in(s, OF_CLASS, class, p);
}

static int
calibrate_in(
    struct score *s, enum kind kind, const char *name, const struct calibration_row *r)
{
	struct group *g = ensure_group(s, kind, name);

	if (!g)
		return -ENOMEM;
	g->line.samples += r->samples;
	g->events += r->events;
	g->probability += r->probability;
	g->error += r->error;
	return 0;
}

int
score_calibrate(struct score *s, const struct calibration_row *r)
{
	char class[160];
	int err = calibrate_in(s, OF_ALL, "", r);

	snprintf(class, sizeof class, "%s/%s", r->predictor, r->class);
	return err ? err : calibrate_in(s, OF_CLASS, class, r);
}

/* --- lines -------------------------------------------------------------------------------------- */

static double
share(double part, double all)
{
	return all > 0 ? part / all : NAN;
}

static int
compare_leads(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
lead_at(const struct group *g, double q)
{
	if (!g->leads)
		return NAN;
	return g->lead_s[(size_t)(q * (double)(g->leads - 1) + 0.5)];
}

static void
finish_line(struct group *g)
{
	struct score_line *l = &g->line;
	unsigned announced = l->hit + l->early, followed = announced + l->late;
	double base, unskilled;

	l->of = kind_names[g->kind];
	l->name = g->name;
	l->precision = share(followed, followed + l->cleared);
	l->recall = share(announced, followed + l->missed + l->lost);
	if (g->leads)
		qsort(g->lead_s, g->leads, sizeof *g->lead_s, compare_leads);
	l->lead10_s = lead_at(g, 0.1);
	l->lead50_s = lead_at(g, 0.5);
	l->lead90_s = lead_at(g, 0.9);
	l->base = base = share((double)g->events, (double)l->samples);
	l->brier = share(g->error, (double)l->samples);
	unskilled = base * (1 - base);
	l->skill = unskilled > 0 ? 1 - l->brier / unskilled : NAN;
}

void
score_each(
    struct score *s, void (*line)(void *arg, const struct score_line *l), void *arg)
{
	for (struct group *g = s->first; g; g = g->next) {
		finish_line(g);
		line(arg, &g->line);
	}
}
