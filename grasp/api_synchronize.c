/* SPDX-License-Identifier: Apache-2.0
 *
 * Synchronization for ASAs (RFC 8991 §2.3.6). */
#include "grasp/api_int.h"

void
api_synchronization_end(
    struct api_session *s, enum grasp_code code, const struct grasp_objective *objective)
{
	grasp_api_synchronized_f *synchronized = s->synchronized;
	uint32_t handle = s->handle;
	void *arg = s->arg;
	char name[GRASP_NAME_MAX + 1];
	struct grasp_api_objective o;

	strcpy(name, s->name);
	if (!objective) {
		api_session_free(s);
		synchronized(arg, handle, code, NULL);
		return;
	}
	o = api_objective_of(objective, name);
	o.synch = true;
	api_session_free(s);
	synchronized(arg, handle, code, &o);
}

static void
synched(void *arg, struct grasp_session *session, const struct grasp_objective *obj)
{
	(void)session;
	api_synchronization_end(arg, GRASP_API_OK, obj);
}

static void
ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct api_session *s = arg;
	enum grasp_code broken =
	    s->connected ? GRASP_API_NO_SYNCH_REPLY : GRASP_API_SOCK_ERR_SYN_RQ;

	(void)reason;
	switch (outcome) {
	case GRASP_REFUSED:
		api_peer_failed(s, GRASP_API_NO_LISTENER, true);
		return;
	case GRASP_TIMEOUT:
	case GRASP_CLOSED:
		api_peer_failed(s, broken, !s->connected);
		return;
	case GRASP_VIOLATION:
		api_peer_failed(s,
		    grasp_session_offence(session) < 0 ? GRASP_API_CBOR_FAIL
						       : GRASP_API_NO_VALID_SYNCH,
		    false);
		return;
	case GRASP_ACCEPTED: /* synched() came before */
	case GRASP_DECLINED: /* of a negotiation */
		return;
	}
}

const struct grasp_session_ops api_synchronization_ops = { .synched = synched,
	.ended = ended };

/* --- the initiator ------------------------------------------------------------------------------ */

/* The one that was heard last wins. */
static void
keep_flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct api_session *s = arg;

	(void)from;
	(void)locator;
	(void)ttl_ms;
	buf_reset(&s->value);
	buf_put_slice(&s->value, obj->value);
	s->flags = obj->flags;
	s->loop_count = obj->loop_count;
	s->flooded = !s->value.err;
}

static void
fire(void *arg)
{
	struct api_session *s = arg;
	struct slice name = slice_text(s->name);
	struct grasp_objective o = { .name = name };
	struct buf value;

	if (!s->flooded) {
		api_peer_search(s);
		return;
	}
	o.flags = s->flags;
	o.loop_count = s->loop_count;
	value = s->value;
	buf_init(&s->value, 0); /* it outlives the session */
	o.value = buf_slice(&value);
	api_synchronization_end(s, GRASP_API_OK, &o);
	buf_done(&value);
}

static enum grasp_code
start(struct api_session *s, const struct grasp_api_locator *peer)
{
	if (!peer) /* */
		grasp_flooded(s->api->node, slice_text(s->name), keep_flooded, s);
	if (!s->flooded && api_is_dull(s->api))
		return GRASP_API_NO_SECURITY;
	if (peer)
		return api_peer_ask(s, peer);
	api_session_soon(s);
	return GRASP_API_NO_REPLY;
}

enum grasp_code
grasp_api_synchronize(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_locator *peer,
    uint32_t timeout_ms, grasp_api_synchronized_f *synchronized, void *arg,
    uint32_t *ret_session)
{
	enum grasp_code code = api_check_objective(objective);
	struct api_session *s;

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (code != GRASP_API_OK)
		return code;
	if (!objective->synch)
		return GRASP_API_NOT_SYNCH;
	if (!synchronized ||
	    api_session_new(api, asa, API_SYNCHRONIZATION, objective->name, fire, &s) < 0)
		return GRASP_API_UNSPEC;
	s->flags = api_flags(objective);
	s->loop_count = objective->loop_count;
	s->timeout_ms = timeout_ms;
	s->synchronized = synchronized;
	s->arg = arg;
	code = start(s, peer);
	if (code == GRASP_API_NO_REPLY)
		*ret_session = s->handle;
	else
		api_session_free(s);
	return code;
}

/* --- the listener ------------------------------------------------------------------------------- */

void
api_asked(void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct api_objective *o = arg;
	struct api_owner *w = TAILQ_FIRST(&o->owners);

	(void)asked;
	if (grasp_session_synch(session, buf_slice(&w->value)) < 0)
		grasp_session_end(session, false, NULL);
}

enum grasp_code
grasp_api_listen_synchronize(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective)
{
	struct api_objective *o;
	struct api_owner *w;
	enum grasp_code code = api_find_owner(api, asa, objective->name, &o, &w);
	struct buf value;

	if (code != GRASP_API_OK)
		return code;
	if (!o->synch || !objective->synch)
		return GRASP_API_NOT_SYNCH;
	if (api_is_dull(api))
		return GRASP_API_NO_SECURITY;
	buf_init(&value, GRASP_UNICAST_MAX);
	code = api_put_value(&value, objective);
	if (code != GRASP_API_OK) {
		buf_done(&value);
		return code;
	}
	buf_done(&w->value);
	w->value = value;
	api_listen(o, w);
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_stop_listen_synchronize(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective)
{
	return grasp_api_stop_listen_negotiate(api, asa, objective);
}
