/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of RFC 8991: its life, ASAs and handles, and what all of its parts need. */
#include "grasp/api_int.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"
#include "grasp/node_int.h"

/* --- the API -------------------------------------------------------------------------------- */

int
grasp_api_new(struct grasp_node *node, struct grasp_api **ret)
{
	struct grasp_api *api = calloc(1, sizeof *api);

	if (!api)
		return -ENOMEM;
	api->node = node;
	TAILQ_INIT(&api->asas);
	TAILQ_INIT(&api->objectives);
	TAILQ_INIT(&api->sessions);
	*ret = api;
	return 0;
}

static void
leave(struct grasp_api *api, struct api_asa *asa)
{
	struct api_session *s, *next;

	for (s = TAILQ_FIRST(&api->sessions); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->asa == asa->handle)
			api_session_free(s);
	}
	api_objective_leave(api, asa);
	TAILQ_REMOVE(&api->asas, asa, entry);
	api->asa_count--;
	free(asa);
}

void
grasp_api_free(struct grasp_api *api)
{
	struct api_asa *asa;

	if (!api)
		return;
	while ((asa = TAILQ_FIRST(&api->asas)))
		leave(api, asa);
	if (api->freed)
		*api->freed = true;
	free(api);
}

bool
api_is_dull(const struct grasp_api *api)
{
	return api->node->cfg.dull;
}

/* --- ASAs ----------------------------------------------------------------------------------- */

struct api_asa *
api_find_asa(struct grasp_api *api, uint32_t handle)
{
	struct api_asa *a;

	TAILQ_FOREACH(a, &api->asas, entry)
		if (a->handle == handle)
			return a;
	return NULL;
}

bool
api_name_is_valid(const char *name)
{
	struct slice s = slice_text(name);

	return s.len > 0 && s.len <= GRASP_NAME_MAX && slice_is_utf8(s);
}

static bool
has_name(const struct grasp_api *api, const char *name)
{
	const struct api_asa *a;

	TAILQ_FOREACH(a, &api->asas, entry)
		if (strcmp(a->name, name) == 0)
			return true;
	return false;
}

enum grasp_code
grasp_api_register_asa(struct grasp_api *api, const char *name, uint32_t *ret_asa)
{
	struct api_asa *a;

	if (!api_name_is_valid(name))
		return GRASP_API_UNSPEC;
	if (has_name(api, name))
		return GRASP_API_DUP_ASA;
	if (api->asa_count >= GRASP_API_ASAS_MAX)
		return GRASP_API_ASA_FULL;
	a = calloc(1, sizeof *a);
	if (!a)
		return GRASP_API_UNSPEC;
	strcpy(a->name, name);
	a->handle = api_new_handle(api);
	TAILQ_INSERT_TAIL(&api->asas, a, entry);
	api->asa_count++;
	*ret_asa = a->handle;
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_deregister_asa(struct grasp_api *api, uint32_t asa, const char *name)
{
	struct api_asa *a = api_find_asa(api, asa);

	if (!a)
		return GRASP_API_NO_ASA;
	if (!name || strcmp(a->name, name) != 0)
		return GRASP_API_NOT_YOUR_ASA;
	leave(api, a);
	return GRASP_API_OK;
}

/* --- handles and sessions -------------------------------------------------------------------- */

static struct api_session *
find_handle(struct grasp_api *api, uint32_t handle)
{
	struct api_session *s;

	TAILQ_FOREACH(s, &api->sessions, entry)
		if (s->handle == handle)
			return s;
	return NULL;
}

struct api_session *
api_find_session(struct grasp_api *api, uint32_t asa, uint32_t handle)
{
	struct api_session *s = find_handle(api, handle);

	return s && s->asa == asa && s->kind != API_DISCOVERY ? s : NULL;
}

/* Counting on from a number that is taken ends, whatever random gives. */
uint32_t
api_new_handle(struct grasp_api *api)
{
	struct grasp_io *io = grasp_node_io(api->node);
	uint32_t handle;

	io->ops->random(io, &handle, sizeof handle);
	while (handle == 0 || api_find_asa(api, handle) || find_handle(api, handle))
		handle++;
	return handle;
}

int
api_session_new(struct grasp_api *api, uint32_t asa, enum api_kind kind, const char *name,
    void (*fire)(void *arg), struct api_session **ret)
{
	struct grasp_io *io = grasp_node_io(api->node);
	struct api_session *s;
	int r;

	if (api->session_count >= GRASP_API_SESSIONS_MAX)
		return -ENOSPC;
	s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	r = io->ops->timer_new(io, fire, s, &s->timer);
	if (r < 0) {
		free(s);
		return r;
	}
	s->api = api;
	s->asa = asa;
	s->kind = kind;
	s->handle = api_new_handle(api);
	strcpy(s->name, name);
	buf_init(&s->value, GRASP_UNICAST_MAX);
	TAILQ_INSERT_TAIL(&api->sessions, s, entry);
	api->session_count++;
	*ret = s;
	return 0;
}

void
api_session_soon(struct api_session *s)
{
	grasp_node_io(s->api->node)->ops->timer_set(s->timer, 0);
}

void
api_session_silence(struct api_session *s)
{
	if (!s->session)
		return;
	grasp_session_set(s->session, NULL, NULL);
	grasp_link_set(grasp_session_link(s->session), NULL, NULL);
}

void
api_session_free(struct api_session *s)
{
	struct grasp_api *api = s->api;

	grasp_discovery_cancel(s->search);
	api_session_silence(s);
	if (s->session && s->kind == API_NEGOTIATION)
		grasp_session_end(s->session, false, "given up");
	else if (s->session)
		grasp_session_cancel(s->session);
	grasp_node_io(api->node)->ops->timer_free(s->timer);
	TAILQ_REMOVE(&api->sessions, s, entry);
	api->session_count--;
	buf_done(&s->value);
	free(s);
}

enum grasp_code
grasp_api_session_set_arg(
    struct grasp_api *api, uint32_t asa, uint32_t session, void *arg)
{
	struct api_session *s = api_find_session(api, asa, session);

	if (!s)
		return GRASP_API_NO_SESSION;
	s->arg = arg;
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_cancel(struct grasp_api *api, uint32_t asa, uint32_t session)
{
	struct api_session *s = api_find_session(api, asa, session);

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (!s)
		return GRASP_API_NO_SESSION;
	api_session_free(s);
	return GRASP_API_OK;
}

/* --- objectives ------------------------------------------------------------------------------ */

enum grasp_code
api_check_objective(const struct grasp_api_objective *o)
{
	if (o->neg && o->synch)
		return GRASP_API_NOT_BOTH; /* */
	if (o->dry && !o->neg)
		return GRASP_API_NOT_DRY;
	return api_name_is_valid(o->name) ? GRASP_API_OK : GRASP_API_UNSPEC;
}

unsigned
api_flags(const struct grasp_api_objective *o)
{
	return F_DISC | (o->neg ? F_NEG : 0) | (o->synch ? F_SYNCH : 0) |
	    (o->dry ? F_NEG_DRY : 0);
}

enum grasp_code
api_put_value(struct buf *dst, const struct grasp_api_objective *o)
{
	if (o->value.len > 0 && !cbor_well_formed(o->value))
		return GRASP_API_CBOR_FAIL;
	if (o->value.len == 0) {
		wr_null(dst);
	} else if (o->tag24) { /* */
		wr_tag(dst, 24);
		wr_bytes(dst, o->value.data, o->value.len);
	} else {
		buf_put_slice(dst, o->value);
	}
	return dst->err ? GRASP_API_UNSPEC : GRASP_API_OK;
}

struct grasp_api_objective
api_objective_of(const struct grasp_objective *o, const char *name)
{
	return (struct grasp_api_objective){
		.name = name,
		.neg = o->flags & F_NEG,
		.synch = o->flags & F_SYNCH,
		.dry = o->flags & F_NEG_DRY,
		.loop_count = o->loop_count,
		.value = o->value,
	};
}
