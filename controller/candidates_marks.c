/* SPDX-License-Identifier: Apache-2.0
 *
 * What makes one node better than another: 0..1 each, weighed. */
#include "controller/candidates_int.h"
#include "controller/vitals.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define UNSURE	     0.5 /* of what is not known */
#define NEAR_SCALE_M 1000.0

static double
unit(double v)
{
	return fmax(0, fmin(1, v));
}

/* --- how long it will be good ------------------------------------------------------------------- */

/* How sure it is that all requirements hold over the lead and the cool-down. */
static double
mark_safety(const struct view *v, struct reason *detail)
{
	double safe = 1;

	(void)detail;
	for (unsigned i = 0; i < v->watches; i++) {
		const struct watch *w = v->watch[i];
		double p = (double)w->probability;

		if (!isnan(p))
			safe *= 1 - p;
		else if (w->state == WATCH_OK && !isnan(w->value))
			safe = fmin(safe, 0.8); /* too short a time to say more */
	}
	return safe;
}

static double
mark_availability(const struct view *v, struct reason *detail)
{
	double p = v->stay * v->hold;

	if (isnan(p))
		return UNSURE;
	say(detail, "over %lld s", (long long)candidates_horizon(v->f) / 1000);
	return p;
}

static double
mark_uptime(const struct view *v, struct reason *detail)
{
	(void)detail;
	return isnan(v->stay) ? UNSURE : v->stay;
}

/* Somebody else is about to leave it. */
static double
mark_calm(const struct view *v, struct reason *detail)
{
	const struct watch *w =
	    v->load.present ? watches_of(v->q->watches, &v->node->id) : NULL;

	for (; w; w = w->next)
		if (w->host && (w->state == WATCH_RAISED || w->state == WATCH_VIOLATED)) {
			say(detail, "%s/%s is to leave it", w->placement->service_name,
			    w->placement->function_name);
			return 0;
		}
	return 1;
}

static double
mark_energy(const struct view *v, struct reason *detail)
{
	const struct caps *caps = v->node->caps;

	if (caps->energy == CAPS_MAINS)
		return 1;
	if (isnan(caps->battery))
		return 0.3;
	say(detail, "battery %.0f %%", caps->battery * 100);
	return unit(caps->battery) * 0.8;
}

/* --- what is free ------------------------------------------------------------------------------- */

/* Not everything to one node at once (CND-05): what is on its way weighs more than what is there,
 * since nothing of it can be measured yet. */
static double
mark_spread(const struct view *v, struct reason *detail)
{
	if (v->load.present + v->load.arriving > 0)
		say(detail, "%u functions there, %u on their way", v->load.present,
		    v->load.arriving);
	return 1.0 / (1 + v->load.present + 2 * v->load.arriving);
}

static double
mark_cpu(const struct view *v, struct reason *detail)
{
	double busy =
	    v->q->vitals ? vitals_busy(v->q->vitals, v->node, v->q->now_ms) : NAN;
	double all = v->node->caps->cpus, taken = (double)v->load.cpus;

	if (!(all > 0))
		return UNSURE;
	if (!isnan(busy))
		say(detail, "%.0f %% busy", busy * 100);
	return unit(1 - fmax(taken / all, isnan(busy) ? 0 : busy));
}

static double
free_share(uint64_t all, int64_t taken)
{
	return all ? unit(1 - (double)taken / (double)all) : UNSURE;
}

static double
mark_memory(const struct view *v, struct reason *detail)
{
	(void)detail;
	return free_share(v->node->caps->memory_bytes, v->load.memory_bytes);
}

static double
mark_storage(const struct view *v, struct reason *detail)
{
	(void)detail;
	return free_share(v->node->caps->storage_bytes, v->load.storage_bytes);
}

/* --- network ------------------------------------------------------------------------------------ */

static bool
is_about(const struct watch *w, const char *metric)
{
	return w->requirement->origin == REQUIRE_LINK &&
	    strstr(w->requirement->expr, metric);
}

static bool
is_asked(const struct view *v)
{
	const struct service *s = v->of->service;

	for (size_t i = 0; s && i < s->links; i++)
		if (!isnan(s->link[i].latency_s) || !isnan(s->link[i].loss) ||
		    !isnan(s->link[i].bandwidth))
			return true;
	return false;
}

/* Neighbours that are on other nodes: beside one nothing is measured, and nothing could be better. */
static bool
has_far_neighbours(const struct view *v)
{
	for (unsigned i = 0; i < v->near->len; i++)
		if (strcmp(v->near->node[i], v->node->name) != 0)
			return true;
	return false;
}

static double
mark_of_link(const struct watch *w)
{
	double threshold = w->requirement->threshold;

	if (isnan(w->value) || !(threshold > 0))
		return UNSURE;
	return w->requirement->side == REQUIRE_BELOW
	    ? unit(1 - w->value / threshold)
	    : unit(1 - threshold / fmax(w->value, threshold));
}

/* The worst of its links. */
static double
mark_links(const struct view *v, const char *metric, const char *unit_text, double scale,
    struct reason *detail)
{
	const struct watch *worst = NULL;

	for (unsigned i = 0; i < v->watches; i++)
		if (is_about(v->watch[i], metric) &&
		    (!worst || mark_of_link(v->watch[i]) < mark_of_link(worst)))
			worst = v->watch[i];
	if (!worst)
		return has_far_neighbours(v) ? UNSURE : 1;
	if (!isnan(worst->value))
		say(detail, "%.4g %s", worst->value * scale, unit_text);
	return mark_of_link(worst);
}

static double
mark_latency(const struct view *v, struct reason *detail)
{
	if (!v->near->len)
		return NAN;
	return mark_links(v, "node_path_round_trip_seconds", "ms", 1e3, detail);
}

static double
mark_loss(const struct view *v, struct reason *detail)
{
	if (!v->near->len || !is_asked(v))
		return NAN;
	return mark_links(v, "node_path_loss_ratio", "%", 100, detail);
}

static double
mark_bandwidth(const struct view *v, struct reason *detail)
{
	if (!v->near->len || !is_asked(v))
		return NAN;
	return mark_links(v, "node_network_speed_bytes", "Mbit/s free", 8e-6, detail);
}

/* --- taste -------------------------------------------------------------------------------------- */

static double
mark_list(const struct view *v, struct reason *detail)
{
	(void)detail;
	if (v->f->any_candidate || !v->f->candidate.len)
		return NAN;
	for (size_t i = 0; i < v->f->candidate.len; i++)
		if (!strcmp(v->f->candidate.item[i], v->node->name))
			return 1 - (double)i / (double)v->f->candidate.len;
	return 0;
}

/* Well inside goes before just inside. */
static double
mark_place(const struct view *v, struct reason *detail)
{
	if (!v->f->location)
		return NAN;
	if (isnan(v->margin))
		return UNSURE;
	say(detail, "%.0f m inside", v->margin);
	return unit(v->margin / (fabs(v->margin) + NEAR_SCALE_M));
}

static bool
is_needed(const struct function *f, const char *device)
{
	for (size_t i = 0; i < f->device.len; i++)
		if (caps_is_device(device, f->device.item[i]))
			return true;
	return false;
}

/* What has sensors is left to functions that need them (CND-06). */
static double
mark_devices(const struct view *v, struct reason *detail)
{
	const struct caps *caps = v->node->caps;
	unsigned idle = 0;

	for (unsigned i = 0; i < caps->devices; i++)
		idle += !is_needed(v->f, caps->device[i]);
	if (idle)
		say(detail, "%u that it does not need", idle);
	return 1.0 / (1 + idle);
}

const struct candidate_mark candidate_marks[] = {
	{ "safety", "how sure it is that all requirements hold for a while", 4,
	    mark_safety },
	{ "availability", "likewise over the horizon, and that the node stays", 2,
	    mark_availability },
	{ "uptime", "how sure it is that the node stays, by how often it was lost", 0,
	    mark_uptime },
	{ "list", "its place in the list of candidates", 2, mark_list },
	{ "energy", "mains, or the charge of its battery", 2, mark_energy },
	{ "spread", "few functions there and on their way", 2, mark_spread },
	{ "calm", "no function is about to leave it", 1, mark_calm },
	{ "latency", "round trip to the neighbours in the chain", 2, mark_latency },
	{ "loss", "loss to the neighbours in the chain", 1, mark_loss },
	{ "bandwidth", "what its interfaces have left", 0.5, mark_bandwidth },
	{ "cpu", "cores that are free", 1, mark_cpu },
	{ "memory", "memory that other functions do not take", 0.5, mark_memory },
	{ "storage", "storage that other functions do not take", 0, mark_storage },
	{ "place", "well inside of where it has to be", 0.5, mark_place },
	{ "devices", "no sensors that other functions could need", 0.5, mark_devices },
	{ .name = NULL },
};
