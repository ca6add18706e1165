/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/candidates.h"
#include "controller/migration.h"
#include "controller/watch.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>

struct view {
	const struct candidates_query *q;
	const struct placement *of;
	const struct function *f;
	const struct node *node;
};
struct reason {
	char text[CANDIDATE_REASON_SIZE];
};

static void say(struct reason *why, const char *fmt, ...) PRINTF(2, 3);

static void
say(struct reason *why, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
}

/* --- filters: true lets the node pass, false says why not ------------------------------------- */

static bool
is_not_host(const struct view *v, struct reason *why)
{
	if (strcmp(v->of->node, v->node->name))
		return true;
	say(why, "it is the node that has the function");
	return false;
}

static bool
is_alive(const struct view *v, struct reason *why)
{
	if (v->node->state == NODE_ALIVE)
		return true;
	say(why, "it is %s", node_state_name(v->node->state));
	return false;
}

static const char *
find_tag(const struct caps *caps, const char *key)
{
	for (unsigned i = 0; i < caps->tags; i++)
		if (!strcmp(caps->tag[i].key, key))
			return caps->tag[i].value;
	return NULL;
}

/* Which of two machines would get it? (S-18) */
static bool
is_not_quarantined(const struct view *v, struct reason *why)
{
	if (!v->node->quarantined)
		return true;
	say(why, "another machine has its key");
	return false;
}

/* An operator empties a node by the tag "draining". */
static bool
is_not_draining(const struct view *v, struct reason *why)
{
	const char *tag = find_tag(v->node->caps, "draining");

	if (!tag || !strcmp(tag, "no") || !strcmp(tag, "false"))
		return true;
	say(why, "it is draining");
	return false;
}

static bool
is_listed(const struct view *v, struct reason *why)
{
	if (v->f->any_candidate || conf_list_has(&v->f->candidate, v->node->name))
		return true;
	say(why, "it is not in the list of candidates");
	return false;
}

static bool
is_not_avoided(const struct view *v, struct reason *why)
{
	if (!conf_list_has(&v->f->avoid, v->node->name))
		return true;
	say(why, "the service avoids it");
	return false;
}

static bool
has_cpus(const struct view *v, struct reason *why)
{
	if (v->node->caps->cpus >= v->f->cpus)
		return true;
	say(why, "it has %u cores, %lld are needed", v->node->caps->cpus,
	    (long long)v->f->cpus);
	return false;
}

static bool
has_total_memory(const struct view *v, struct reason *why)
{
	if (v->node->caps->memory_bytes >= (uint64_t)v->f->memory_bytes)
		return true;
	say(why, "it has %llu MiB of memory, %lld are needed",
	    (unsigned long long)v->node->caps->memory_bytes >> 20,
	    (long long)v->f->memory_bytes >> 20);
	return false;
}

static bool
is_one_of(const struct conf_list *wanted, const char *what, const char *value,
    struct reason *why)
{
	if (!wanted->len || conf_list_has(wanted, value))
		return true;
	say(why, "its %s is %s, needed is %s%s", what, *value ? value : "unknown",
	    wanted->item[0], wanted->len > 1 ? " or another" : "");
	return false;
}

static bool
has_virtualization(const struct view *v, struct reason *why)
{
	return is_one_of(
	    &v->f->virtualization, "virtualization", v->node->caps->virtualization, why);
}

static bool
has_energy(const struct view *v, struct reason *why)
{
	return is_one_of(
	    &v->f->energy, "energy source", caps_energy_name(v->node->caps->energy), why);
}

static bool
has_type(const struct view *v, struct reason *why)
{
	return is_one_of(&v->f->type, "type", v->node->caps->type, why);
}

static bool
has_radio(const struct view *v, struct reason *why)
{
	const struct caps *caps = v->node->caps;

	for (unsigned i = 0; i < caps->interfaces; i++)
		if (caps->interface[i].up &&
		    conf_list_has(&v->f->radio, caps->interface[i].radio))
			return true;
	if (!v->f->radio.len)
		return true;
	say(why, "it has no interface up with radio %s%s", v->f->radio.item[0],
	    v->f->radio.len > 1 ? " or another needed one" : "");
	return false;
}

static bool
has_tags(const struct view *v, struct reason *why)
{
	for (size_t i = 0; i < v->f->tag.len; i++) {
		const char *value = find_tag(v->node->caps, v->f->tag.key[i]);

		if (value && !strcmp(value, v->f->tag.value[i]))
			continue;
		say(why, "its tag %s is %s, needed is %s", v->f->tag.key[i],
		    value ? value : "not set", v->f->tag.value[i]);
		return false;
	}
	return true;
}

/* Functions that are there, and those on their way: a reservation while they move (CND-05). */
static bool
is_bound_for(const struct placement *p, const struct node *n)
{
	return p->function &&
	    (!strcmp(p->node, n->name) ||
		(p->migration && !strcmp(migration_target(p->migration), n->name)));
}

static bool
has_free_memory(const struct view *v, struct reason *why)
{
	int64_t taken = 0, all = (int64_t)v->node->caps->memory_bytes;

	if (!v->f->memory_bytes || v->f->memory_bytes > all)
		return true; /* has_total_memory() says so */
	for (const struct placement *p = v->q->placements; p; p = p->next)
		if (p != v->of && is_bound_for(p, v->node))
			taken += p->function->memory_bytes;
	if (taken + v->f->memory_bytes <= all)
		return true;
	say(why, "other functions take %lld of its %lld MiB of memory, %lld are needed",
	    (long long)taken >> 20, (long long)all >> 20,
	    (long long)v->f->memory_bytes >> 20);
	return false;
}

static bool
has_not_failed(const struct view *v, struct reason *why)
{
	int64_t ago = placement_failed_ago(v->of, v->node->name, v->q->now_ms);

	if (ago < 0)
		return true;
	say(why, "a migration to it failed %lld s ago", (long long)ago / 1000);
	return false;
}

static bool
is_met(const struct watch *w, const struct requirement *r, struct reason *why)
{
	if (!w || w->state == WATCH_UNKNOWN) {
		if (r->when_missing == MISSING_OK)
			return true;
		say(why, "no fresh data for %s", r->text);
	} else if (w->state == WATCH_VIOLATED) {
		say(why, "it does not meet %s (%.4g)", r->text, w->value);
	} else if (w->state == WATCH_RAISED ||
	    w->worst.within[LEAD_NEEDED] >= w->function->raise) {
		say(why, "%s is likely to fail within %lld s (%.0f %%)", r->text,
		    (long long)w->lead_ms / 1000, w->worst.within[LEAD_NEEDED] * 100);
	} else {
		return true;
	}
	return false;
}

static bool
meets_requirements(const struct view *v, struct reason *why)
{
	for (size_t i = 0; i < v->f->requirements; i++) {
		const struct requirement *r = &v->f->requirement[i];

		if (!is_met(watches_find(v->q->watches, v->node, v->of, r), r, why))
			return false;
	}
	return true;
}

typedef bool filter_f(const struct view *v, struct reason *why);
/* By what the node is, without regard to now: these decide who gets a plan as well. */
static filter_f *const lasting_filters[] = { is_listed, is_not_avoided, has_cpus,
	has_total_memory, has_virtualization, has_energy, has_type, has_radio, has_tags,
	NULL };
static filter_f *const filters[] = { is_not_host, is_alive, is_not_quarantined,
	is_not_draining, has_free_memory, has_not_failed, NULL };
/* Nobody measures for what it will never have. */
static filter_f *const measured_filters[] = { meets_requirements, NULL };

/* --- marks: 0..1, what makes one better than another ------------------------------------------ */

static double
mark_place_in_list(const struct view *v)
{
	for (size_t i = 0; i < v->f->candidate.len; i++)
		if (!strcmp(v->f->candidate.item[i], v->node->name))
			return 1 - (double)i / (double)v->f->candidate.len;
	return 0;
}

/* How sure it is that all requirements hold over the horizon. */
static double
mark_safety(const struct view *v)
{
	double safe = 1;

	for (size_t i = 0; i < v->f->requirements; i++) {
		const struct watch *w =
		    watches_find(v->q->watches, v->node, v->of, &v->f->requirement[i]);

		if (w && !isnan(w->worst.within[LEAD_NEEDED]))
			safe = fmin(safe, 1 - w->worst.within[LEAD_NEEDED]);
		else if (w && w->state == WATCH_OK && !isnan(w->value))
			safe =
			    fmin(safe, 0.8); /* good now, too short a time to say more */
	}
	return safe;
}

static double
mark_energy(const struct view *v)
{
	const struct caps *caps = v->node->caps;

	if (caps->energy == CAPS_MAINS)
		return 1;
	return isnan(caps->battery) ? 0.3 : fmax(0, fmin(1, caps->battery)) * 0.8;
}

/* Not everything to one node at once (CND-05). */
static double
mark_room(const struct view *v)
{
	unsigned n = 0;

	for (const struct placement *p = v->q->placements; p; p = p->next)
		n += p != v->of && is_bound_for(p, v->node);
	return 1.0 / (1 + n);
}

static const struct {
	const char *name;
	double weight;
	double (*mark)(const struct view *v);
} marks[] = {
	{ "safety", 4, mark_safety },
	{ "place in the list", 2, mark_place_in_list },
	{ "energy", 2, mark_energy },
	{ "room", 1, mark_room },
};

/* --- ranking ------------------------------------------------------------------------------------- */

static bool
passes(const struct view *v, filter_f *const *table, struct candidate *c)
{
	bool all = true;

	for (; *table; table++) {
		struct reason why;

		if ((*table)(v, &why))
			continue;
		all = false;
		if (c && c->reasons < CANDIDATE_REASONS_MAX)
			memcpy(c->reason[c->reasons++], why.text, sizeof why.text);
	}
	return all;
}

bool
candidates_suit(const struct placement *of, const struct node *n)
{
	struct view v = { .of = of, .f = of->function, .node = n };

	return passes(&v, lasting_filters, NULL);
}

static void
score(const struct view *v, struct candidate *c)
{
	double sum = 0, weights = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		double m = marks[i].mark(v);

		sum += marks[i].weight * m;
		weights += marks[i].weight;
		if (c->reasons < CANDIDATE_REASONS_MAX)
			snprintf(c->reason[c->reasons++], CANDIDATE_REASON_SIZE,
			    "%s %.2f", marks[i].name, m);
	}
	c->score = sum / weights;
}

static void
examine(const struct candidates_query *q, struct node *n, struct candidate *c)
{
	struct view v = { q, q->of, q->of->function, n };
	bool lasting, now;

	c->node = n;
	now = passes(&v, filters, c);
	lasting = passes(&v, lasting_filters, c);
	c->accepted = lasting && passes(&v, measured_filters, c) && now;
	if (c->accepted)
		score(&v, c);
}

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

int
candidates_rank(const struct candidates_query *q, struct candidate **ret, size_t *ret_len)
{
	struct candidate *c;
	size_t n = 0;

	for (struct node *node = q->nodes; node; node = node->next)
		n += node->state != NODE_GONE;
	c = calloc(n + 1, sizeof *c);
	if (!c)
		return -ENOMEM;
	n = 0;
	for (struct node *node = q->nodes; node; node = node->next)
		if (node->state != NODE_GONE)
			examine(q, node, &c[n++]);
	qsort(c, n, sizeof *c, compare);
	*ret = c;
	*ret_len = n;
	return 0;
}
