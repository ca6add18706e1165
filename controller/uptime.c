/* SPDX-License-Identifier: Apache-2.0
 *
 * Losses are taken for a Poisson process whose rate is not known: gamma with what was seen of the node,
 * beside a little of what the fleet does. The probability to stay then has a closed form that knows
 * how little was seen. */
#include "controller/uptime.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/idmap.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S	     86400.0
#define HALF_LIFE_S  (7 * DAY_S)
#define FLEET_MEAN_S (30 * DAY_S) /* before anything was seen: one loss a month */
#define FLEET_WEIGHT 0.2 /* what the fleet says of a node, in losses of its own */
#define SAVE_MS	     (3600 * 1000LL)

struct uptime {
	struct fog_id id;
	double alive_s, losses; /* up to at_ms, older ones counting less */
	int64_t at_ms;		/* wall */
	bool alive;
};
struct uptimes {
	struct store *store;
	struct idmap *nodes;
	double alive_s, losses; /* of all */
	double mean_s; /* between losses of one; fixed while nodes are compared */
	int64_t saved_ms;
};

int
uptimes_new(struct store *store, struct uptimes **ret)
{
	CLEANUP(uptimes_free) struct uptimes *u = calloc(1, sizeof *u);

	if (!u || idmap_new(&u->nodes) < 0)
		return -ENOMEM;
	u->store = store;
	u->mean_s = FLEET_MEAN_S;
	*ret = TAKE(u);
	return 0;
}

static void
free_value(void *arg, void *value)
{
	(void)arg;
	free(value);
}

void
uptimes_free(struct uptimes *u)
{
	if (!u)
		return;
	if (u->nodes)
		idmap_each(u->nodes, free_value, NULL);
	idmap_free(u->nodes);
	free(u);
}

/* --- the store ---------------------------------------------------------------------------------- */

static const char *
key_of(const struct fog_id *id, char dst[FOG_ID_TEXT + 8])
{
	char text[FOG_ID_TEXT];

	snprintf(dst, FOG_ID_TEXT + 8, "uptime %s", fog_id_format(id, text));
	return dst;
}

static void
load(struct uptimes *u, struct uptime *t)
{
	char key[FOG_ID_TEXT + 8], text[96];
	double alive_s, losses;
	long long at_ms;

	if (!u->store ||
	    store_meta_get(u->store, key_of(&t->id, key), text, sizeof text) < 0 ||
	    sscanf(text, "%lf %lf %lld", &alive_s, &losses, &at_ms) != 3 ||
	    !(alive_s >= 0) || !(losses >= 0))
		return;
	t->alive_s = alive_s;
	t->losses = losses;
	t->at_ms = at_ms;
}

static void
save(struct uptimes *u, const struct uptime *t)
{
	char key[FOG_ID_TEXT + 8], text[96];

	if (!u->store)
		return;
	snprintf(text, sizeof text, "%.3f %.6f %lld", t->alive_s, t->losses,
	    (long long)t->at_ms);
	if (store_meta_put(u->store, key_of(&t->id, key), text, NULL, NULL) < 0)
		log_warnx(
		    "registry", "no memory to write down how long a node was there");
}

/* --- what was seen ------------------------------------------------------------------------------ */

/* A wall clock that steps back adds nothing; one that steps ahead, no more than a day. */
static void
bring_up(struct uptimes *u, struct uptime *t, int64_t wall_ms)
{
	double span_s = (double)(wall_ms - t->at_ms) / 1e3, kept;

	t->at_ms = wall_ms;
	if (!(span_s > 0))
		return;
	u->alive_s -= t->alive_s;
	u->losses -= t->losses;
	kept = exp2(-span_s / HALF_LIFE_S);
	t->alive_s = t->alive_s * kept + (t->alive ? fmin(span_s, DAY_S) : 0);
	t->losses *= kept;
	u->alive_s += t->alive_s;
	u->losses += t->losses;
}

static struct uptime *
ensure(struct uptimes *u, const struct node *n, int64_t wall_ms)
{
	struct uptime *t = idmap_get(u->nodes, &n->id);

	if (t)
		return t;
	t = calloc(1, sizeof *t);
	if (!t || idmap_put(u->nodes, &n->id, t) < 0) {
		free(t);
		return NULL;
	}
	t->id = n->id;
	load(u, t);
	if (!t->at_ms || t->at_ms > wall_ms)
		t->at_ms = wall_ms;
	u->alive_s += t->alive_s;
	u->losses += t->losses;
	bring_up(u, t, wall_ms); /* nobody knows whether it was there while we were not */
	t->alive = n->state == NODE_ALIVE || n->state == NODE_SUSPECT;
	return t;
}

static void
settle(struct uptimes *u)
{
	u->mean_s = (fmax(0, u->alive_s) + FLEET_MEAN_S) / (fmax(0, u->losses) + 1);
}

void
uptimes_changed(
    struct uptimes *u, const struct node *n, enum node_state before, int64_t wall_ms)
{
	struct uptime *t = ensure(u, n, wall_ms);

	if (!t)
		return;
	bring_up(u, t, wall_ms);
	t->alive = n->state == NODE_ALIVE || n->state == NODE_SUSPECT;
	if (n->state == NODE_LOST && before != NODE_LOST) {
		t->losses++;
		u->losses++;
	}
	settle(u);
	if (n->state != before && (n->state == NODE_LOST || n->state == NODE_GONE))
		save(u, t);
}

struct round {
	struct uptimes *u;
	int64_t wall_ms;
};

static void
save_one(void *arg, void *value)
{
	struct round *r = arg;
	struct uptime *t = value;

	if (!t->alive)
		return;
	bring_up(r->u, t, r->wall_ms);
	save(r->u, t);
}

void
uptimes_tick(struct uptimes *u, int64_t wall_ms)
{
	struct round r = { u, wall_ms };

	settle(u);
	if (!u->saved_ms || wall_ms < u->saved_ms)
		u->saved_ms = wall_ms;
	if (wall_ms - u->saved_ms < SAVE_MS)
		return;
	u->saved_ms = wall_ms;
	idmap_each(u->nodes, save_one, &r);
}

/* --- what follows ------------------------------------------------------------------------------- */

/* Gamma: of so many losses in so long a time. */
static void
reckon(struct uptimes *u, const struct node *n, int64_t wall_ms, double *ret_losses,
    double *ret_time_s)
{
	struct uptime *t = ensure(u, n, wall_ms);

	if (t)
		bring_up(u, t, wall_ms);
	*ret_losses = FLEET_WEIGHT + (t ? t->losses : 0);
	*ret_time_s = FLEET_WEIGHT * u->mean_s + (t ? t->alive_s : 0);
}

double
uptimes_stay(struct uptimes *u, const struct node *n, int64_t wall_ms, int64_t within_ms)
{
	double losses, time_s;

	reckon(u, n, wall_ms, &losses, &time_s);
	return pow(time_s / (time_s + (double)within_ms / 1e3), losses);
}

double
uptimes_between_s(struct uptimes *u, const struct node *n, int64_t wall_ms)
{
	double losses, time_s;

	reckon(u, n, wall_ms, &losses, &time_s);
	return time_s / losses;
}
