/* SPDX-License-Identifier: Apache-2.0
 *
 * Flooding for ASAs (RFC 8991 §2.3.6). */
#include "grasp/api_int.h"

#include <errno.h>

/* Several values, in one buf, that slices into it are made of when it is complete. */
struct flood {
	struct grasp_objective objective[GRASP_FLOOD_ITEMS_MAX];
	struct grasp_locator locator[GRASP_FLOOD_ITEMS_MAX];
	size_t end[GRASP_FLOOD_ITEMS_MAX];
	struct buf values;
};

static bool
is_number(int n, int max)
{
	return n >= 0 && n <= max;
}

static bool
is_locator(const struct grasp_locator *l)
{
	bool null = l->kind == O_URI_LOCATOR && l->proto == -1 && l->port == -1;

	switch (l->kind) {
	case O_IPv4_LOCATOR:
		if (!addr_is_v4(&l->ip))
			return false;
		break;
	case O_IPv6_LOCATOR:
		break;
	case O_FQDN_LOCATOR:
	case O_URI_LOCATOR:
		if (l->text.len == 0)
			return false;
		break;
	case O_DIVERT:
	case O_ACCEPT:
	case O_DECLINE:
		return false;
	default:
		return l->kind == 0;
	}
	return null ||
	    ((l->proto == GRASP_TCP || l->proto == GRASP_UDP) &&
		is_number(l->port, UINT16_MAX));
}

static enum grasp_code
add(struct grasp_api *api, uint32_t asa, const struct grasp_api_tagged *t,
    struct flood *f, size_t i)
{
	const struct grasp_api_objective *objective = &t->objective;
	struct api_objective *o;
	struct api_owner *w;
	enum grasp_code code = api_find_owner(api, asa, objective->name, &o, &w);

	if (code == GRASP_API_NOT_OBJ)
		return GRASP_API_NOT_YOUR_OBJ;
	if (code != GRASP_API_OK)
		return code;
	if (!o->synch || !objective->synch)
		return GRASP_API_NOT_SYNCH;
	if (!is_locator(&t->locator.locator))
		return GRASP_API_INVALID_LOC;
	f->objective[i] = (struct grasp_objective){ slice_text(o->name),
		api_flags(objective), objective->loop_count, { 0 } };
	f->locator[i] = t->locator.locator;
	code = api_put_value(&f->values, objective);
	f->end[i] = f->values.pos;
	return code;
}

static enum grasp_code
send_all(struct grasp_api *api, struct flood *f, size_t count, uint32_t ttl_ms)
{
	size_t from = 0;

	for (size_t i = 0; i < count; i++) {
		f->objective[i].value =
		    (struct slice){ f->values.data + from, f->end[i] - from };
		from = f->end[i];
	}
	return grasp_flood_all(api->node, f->objective, f->locator, count, ttl_ms) < 0
	    ? GRASP_API_UNSPEC
	    : GRASP_API_OK;
}

enum grasp_code
grasp_api_flood(struct grasp_api *api, uint32_t asa, uint32_t ttl_ms,
    const struct grasp_api_tagged *tagged, size_t count)
{
	enum grasp_code code = GRASP_API_OK;
	struct flood f;

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (count == 0 || count > GRASP_FLOOD_ITEMS_MAX)
		return GRASP_API_UNSPEC;
	buf_init(&f.values, GRASP_UNICAST_MAX);
	for (size_t i = 0; i < count && code == GRASP_API_OK; i++)
		code = add(api, asa, &tagged[i], &f, i);
	if (code == GRASP_API_OK)
		code = send_all(api, &f, count, ttl_ms);
	buf_done(&f.values);
	return code;
}

/* --- what was flooded here ------------------------------------------------------------------------ */

struct walk {
	grasp_api_flooded_f *each;
	void *arg;
	const char *name;
	bool freed;
};

static void
tell(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct walk *walk = arg;
	struct grasp_api_tagged tagged = {
		.objective = api_objective_of(obj, walk->name),
		.locator = { .locator = *locator, .ttl_ms = ttl_ms },
	};

	if (walk->freed || !walk->each)
		return;
	if (locator->kind == O_IPv6_LOCATOR && addr_is_link_local(&locator->ip))
		tagged.locator.ifindex = from->addr.ifindex;
	walk->each(walk->arg, &tagged);
}

enum grasp_code
grasp_api_get_flood(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, grasp_api_flooded_f *each, void *arg,
    size_t *ret_count)
{
	char name[GRASP_NAME_MAX + 1];
	struct walk walk = { each, arg, name, false };
	bool *outer = api->freed;
	size_t count;

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (!objective->synch)
		return GRASP_API_NOT_SYNCH;
	if (!api_name_is_valid(objective->name))
		return GRASP_API_UNSPEC;
	strcpy(name, objective->name);
	api->freed = &walk.freed;
	count = grasp_flooded(api->node, slice_text(name), tell, &walk);
	if (!walk.freed)
		api->freed = outer;
	else if (outer)
		*outer = true;
	if (ret_count)
		*ret_count = count;
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_expire_flood(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_tagged *tagged)
{
	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (!tagged->objective.synch)
		return GRASP_API_NOT_SYNCH;
	if (grasp_flood_expire(api->node, slice_text(tagged->objective.name),
		&tagged->locator.locator) == 0)
		return GRASP_API_NOT_OBJ;
	return GRASP_API_OK;
}
