/* SPDX-License-Identifier: Apache-2.0
 *
 * Which ASA has registered what (RFC 8991 §2.3.3), and what the node offers for it. */
#include "grasp/api_int.h"

#include <errno.h>
#include <stdlib.h>

#include "grasp/node_int.h"

static struct api_objective *
find(struct grasp_api *api, const char *name)
{
	struct api_objective *o;

	TAILQ_FOREACH(o, &api->objectives, entry)
		if (strcmp(o->name, name) == 0)
			return o;
	return NULL;
}

static struct api_owner *
find_owner(struct api_objective *o, const struct api_asa *asa)
{
	struct api_owner *w;

	TAILQ_FOREACH(w, &o->owners, entry)
		if (w->asa == asa)
			return w;
	return NULL;
}

enum grasp_code
api_find_owner(struct grasp_api *api, uint32_t asa, const char *name,
    struct api_objective **ret_objective, struct api_owner **ret)
{
	struct api_asa *a = api_find_asa(api, asa);
	struct api_objective *o = name ? find(api, name) : NULL;
	struct api_owner *w;

	if (!a)
		return GRASP_API_NO_ASA;
	if (!o)
		return GRASP_API_NOT_OBJ;
	w = find_owner(o, a);
	if (!w)
		return GRASP_API_NOT_YOUR_OBJ;
	*ret_objective = o;
	*ret = w;
	return GRASP_API_OK;
}

/* What the node offers follows from who listens. */
static void
offer(struct api_objective *o)
{
	const struct api_owner *w, *first = TAILQ_FIRST(&o->owners);
	unsigned flags = (o->neg ? F_NEG : 0) | (o->synch ? F_SYNCH : 0);
	struct grasp_support support = { 0 };

	TAILQ_FOREACH(w, &o->owners, entry)
		if (w->listening || w->options.discoverable)
			flags |= F_DISC;
	if (first->listening && o->neg)
		support.negotiate = api_requested;
	if (first->listening && o->synch)
		support.synchronize = api_asked;
	node_registration_set(o->registration, flags, &support, first->options.ttl_ms,
	    first->options.local);
}

void
api_listen(struct api_objective *o, struct api_owner *owner)
{
	if (!owner->listening) {
		owner->listening = true;
		TAILQ_REMOVE(&o->owners, owner, entry);
		TAILQ_INSERT_HEAD(&o->owners, owner, entry);
	}
	offer(o);
}

void
api_stop_listen(struct api_objective *o, struct api_owner *owner)
{
	if (owner->listening) {
		owner->listening = false;
		buf_reset(&owner->value);
		TAILQ_REMOVE(&o->owners, owner, entry);
		TAILQ_INSERT_TAIL(&o->owners, owner, entry);
	}
	offer(o);
}

/* --- coming and going ------------------------------------------------------------------------ */

static void
free_objective(struct api_objective *o)
{
	grasp_deregister(o->registration);
	TAILQ_REMOVE(&o->api->objectives, o, entry);
	o->api->objective_count--;
	free(o);
}

static void
remove_owner(struct api_objective *o, struct api_owner *w)
{
	TAILQ_REMOVE(&o->owners, w, entry);
	buf_done(&w->value);
	free(w);
	if (TAILQ_EMPTY(&o->owners))
		free_objective(o);
	else
		offer(o);
}

void
api_objective_leave(struct grasp_api *api, const struct api_asa *asa)
{
	struct api_objective *o, *next;

	for (o = TAILQ_FIRST(&api->objectives); o; o = next) {
		struct api_owner *w = find_owner(o, asa);

		next = TAILQ_NEXT(o, entry);
		if (w)
			remove_owner(o, w);
	}
}

/* May another ASA register it as well? */
static bool
may_overlap(const struct api_objective *o, const struct grasp_api_objective *other,
    const struct grasp_api_registration *options)
{
	const struct api_owner *w;

	TAILQ_FOREACH(w, &o->owners, entry)
		if (!w->options.overlap)
			return false;
	return options->overlap && o->neg == other->neg && o->synch == other->synch;
}

static enum grasp_code
new_objective(struct grasp_api *api, const struct grasp_api_objective *objective,
    struct api_objective **ret)
{
	static const struct grasp_support nothing;
	struct api_objective *o;
	int r;

	if (api->objective_count >= GRASP_API_OBJECTIVES_MAX)
		return GRASP_API_OBJ_FULL;
	o = calloc(1, sizeof *o);
	if (!o)
		return GRASP_API_UNSPEC;
	r = grasp_register(api->node, objective->name, 0, &nothing, o, &o->registration);
	if (r < 0) {
		free(o);
		return r == -EEXIST ? GRASP_API_OBJ_REG : GRASP_API_UNSPEC;
	}
	o->api = api;
	o->neg = objective->neg;
	o->synch = objective->synch;
	strcpy(o->name, objective->name);
	TAILQ_INIT(&o->owners);
	TAILQ_INSERT_TAIL(&api->objectives, o, entry);
	api->objective_count++;
	*ret = o;
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_register_objective(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective,
    const struct grasp_api_registration *options)
{
	static const struct grasp_api_registration plain;
	struct api_asa *a = api_find_asa(api, asa);
	enum grasp_code code = api_check_objective(objective);
	struct api_objective *o;
	struct api_owner *w;

	if (!a)
		return GRASP_API_NO_ASA;
	if (code != GRASP_API_OK)
		return code;
	if (!options)
		options = &plain;
	o = find(api, objective->name);
	if (o && (find_owner(o, a) || !may_overlap(o, objective, options)))
		return GRASP_API_OBJ_REG;
	w = calloc(1, sizeof *w);
	if (!w)
		return GRASP_API_UNSPEC;
	if (!o)
		code = new_objective(api, objective, &o);
	if (code != GRASP_API_OK) {
		free(w);
		return code;
	}
	w->asa = a;
	w->options = *options;
	w->dry = objective->dry;
	buf_init(&w->value, GRASP_UNICAST_MAX);
	TAILQ_INSERT_TAIL(&o->owners, w, entry);
	offer(o);
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_deregister_objective(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective)
{
	struct api_objective *o;
	struct api_owner *w;
	enum grasp_code code = api_find_owner(api, asa, objective->name, &o, &w);

	if (code == GRASP_API_OK)
		remove_owner(o, w);
	return code;
}
