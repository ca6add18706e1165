/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/vitals.h"
#include "controller/idmap.h"
#include <errno.h>
#include <math.h>

#define BUSY_SMOOTH_MS 30000.0

const char *const vital_exprs[VITALS] = {
	[VITAL_BUSY] = "node_cpu_utilisation_ratio",
	[VITAL_LATITUDE] = "node_gps_latitude_degrees",
	[VITAL_LONGITUDE] = "node_gps_longitude_degrees",
};

struct of_node {
	double busy;
	int64_t busy_ms;
	/* One sampling gives both; until the other half has come, the pair before counts. */
	double half[VITALS];
	int64_t half_ms[VITALS];
	struct geo_point position;
	int64_t position_ms; /* INT64_MIN: none */
};
struct vitals {
	struct idmap *nodes;
};

int
vitals_new(struct vitals **ret)
{
	CLEANUP(vitals_free) struct vitals *v = calloc(1, sizeof *v);

	if (!v || idmap_new(&v->nodes) < 0)
		return -ENOMEM;
	*ret = TAKE(v);
	return 0;
}

static void
free_value(void *arg, void *value)
{
	(void)arg;
	free(value);
}

void
vitals_free(struct vitals *v)
{
	if (!v)
		return;
	if (v->nodes)
		idmap_each(v->nodes, free_value, NULL);
	idmap_free(v->nodes);
	free(v);
}

void
vitals_forget(struct vitals *v, const struct node *n)
{
	free(idmap_remove(v->nodes, &n->id));
}

static struct of_node *
ensure_node(struct vitals *v, const struct node *n)
{
	struct of_node *o = idmap_get(v->nodes, &n->id);

	if (o)
		return o;
	o = calloc(1, sizeof *o);
	if (!o || idmap_put(v->nodes, &n->id, o) < 0) {
		free(o);
		return NULL;
	}
	o->busy = NAN;
	o->busy_ms = o->position_ms = INT64_MIN;
	o->half_ms[VITAL_LATITUDE] = o->half_ms[VITAL_LONGITUDE] = INT64_MIN;
	return o;
}

static bool
is_fresh(int64_t time_ms, int64_t now_ms)
{
	return time_ms != INT64_MIN && now_ms - time_ms <= VITALS_FRESH_MS;
}

/* Irregular sampling: the weight of what was is by the time that has passed. */
static void
take_busy(struct of_node *o, int64_t time_ms, double value)
{
	double kept = is_fresh(o->busy_ms, time_ms) && !isnan(o->busy)
	    ? exp(-(double)(time_ms - o->busy_ms) / BUSY_SMOOTH_MS)
	    : 0;

	if (isnan(value) || time_ms <= o->busy_ms)
		return;
	o->busy = kept > 0 ? kept * o->busy + (1 - kept) * value : value;
	o->busy_ms = time_ms;
}

static void
take_half(struct of_node *o, enum vital what, int64_t time_ms, double value)
{
	double most = what == VITAL_LATITUDE ? 90 : 180;

	if (!(fabs(value) <= most))
		return;
	o->half[what] = value;
	o->half_ms[what] = time_ms;
	if (o->half_ms[VITAL_LATITUDE] != o->half_ms[VITAL_LONGITUDE] ||
	    time_ms <= o->position_ms)
		return;
	o->position =
	    (struct geo_point){ o->half[VITAL_LATITUDE], o->half[VITAL_LONGITUDE] };
	o->position_ms = time_ms;
}

void
vitals_point(struct vitals *v, const struct node *n, enum vital what, int64_t time_ms,
    double value)
{
	struct of_node *o = ensure_node(v, n);

	if (!o)
		return;
	if (what == VITAL_BUSY)
		take_busy(o, time_ms, value);
	else
		take_half(o, what, time_ms, value);
}

double
vitals_busy(const struct vitals *v, const struct node *n, int64_t now_ms)
{
	const struct of_node *o = idmap_get(v->nodes, &n->id);

	return o && is_fresh(o->busy_ms, now_ms) ? o->busy : NAN;
}

bool
vitals_position(const struct vitals *v, const struct node *n, int64_t now_ms,
    struct geo_point *ret, int64_t *ret_time_ms)
{
	const struct of_node *o = v ? idmap_get(v->nodes, &n->id) : NULL;
	bool moves = o && is_fresh(o->position_ms, now_ms);

	if (!moves && !n->caps->located)
		return false;
	*ret = moves ? o->position
		     : (struct geo_point){ n->caps->latitude, n->caps->longitude };
	if (ret_time_ms)
		*ret_time_ms = moves ? o->position_ms : INT64_MIN;
	return true;
}

bool
vitals_is_fixed(const struct caps *caps)
{
	return caps->located && !caps_has_device(caps, "gps") &&
	    !caps_has_device(caps, "gnss");
}
