/* SPDX-License-Identifier: Apache-2.0
 *
 * Negotiation for ASAs (RFC 8991 §2.3.5). */
#include "grasp/api_int.h"

#include <errno.h>

static const struct slice none;

void
api_negotiation_end(struct api_session *s, enum grasp_code code, struct slice reason)
{
	struct grasp_api_negotiation ops = s->ops;
	uint32_t handle = s->handle;
	void *arg = s->arg;

	api_session_free(s);
	if (ops.ended)
		ops.ended(arg, handle, code, reason);
}

/* --- what the engine tells ---------------------------------------------------------------------- */

static void
negotiated(void *arg, struct grasp_session *session, const struct grasp_objective *obj)
{
	struct api_session *s = arg;
	struct grasp_api_objective o = api_objective_of(obj, s->name);

	(void)session;
	api_peer_answered(s);
	if (!s->ops.negotiate_step_received) {
		api_negotiation_end(s, GRASP_API_NO_VALID_STEP, none);
		return;
	}
	s->our_turn = true;
	s->ops.negotiate_step_received(s->arg, s->handle, &o);
}

static void
waiting(void *arg, struct grasp_session *session, uint32_t ms)
{
	struct api_session *s = arg;

	(void)session;
	api_peer_answered(s);
	if (s->ops.negotiate_wait_received)
		s->ops.negotiate_wait_received(s->arg, s->handle, ms);
}

static enum grasp_code
code_of_offence(int offence)
{
	if (offence < 0)
		return GRASP_API_CBOR_FAIL;
	if (offence == M_NEGOTIATE)
		return GRASP_API_INVALID_NEG;
	return offence == M_END ? GRASP_API_INVALID_END : GRASP_API_NO_VALID_STEP;
}

static void
ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct api_session *s = arg;
	enum grasp_code broken =
	    s->connected ? GRASP_API_NO_NEG_REPLY : GRASP_API_SOCK_ERR_NEG_RQ;

	switch (outcome) {
	case GRASP_ACCEPTED:
		api_negotiation_end(s, GRASP_API_OK, none);
		return;
	case GRASP_DECLINED:
		api_negotiation_end(s, GRASP_API_DECLINED, reason);
		return;
	case GRASP_REFUSED:
		api_peer_failed(s, GRASP_API_NO_PEER, true);
		return;
	case GRASP_TIMEOUT:
		if (s->our_turn) { /* that is not the peer's fault */
			api_negotiation_end(s, GRASP_API_NO_NEG_REPLY, none);
			return;
		}
		__attribute__((fallthrough));
	case GRASP_CLOSED:
		api_peer_failed(s, broken, !s->connected);
		return;
	case GRASP_VIOLATION:
		api_peer_failed(
		    s, code_of_offence(grasp_session_offence(session)), false);
		return;
	}
}

const struct grasp_session_ops api_negotiation_ops = {
	.negotiated = negotiated, .waiting = waiting, .ended = ended
};

static void
fire(void *arg)
{
	api_peer_search(arg);
}

/* --- the initiator ------------------------------------------------------------------------------ */

/* and that the node may hold sessions. */
static enum grasp_code
check(struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective,
    struct api_objective **ret_objective, struct api_owner **ret)
{
	enum grasp_code code =
	    api_find_owner(api, asa, objective->name, ret_objective, ret);

	if (code != GRASP_API_OK)
		return code;
	if (!(*ret_objective)->neg || !objective->neg)
		return GRASP_API_NOT_NEG;
	return api_is_dull(api) ? GRASP_API_NO_SECURITY : GRASP_API_OK;
}

static enum grasp_code
start(struct api_session *s, const struct grasp_api_objective *objective,
    const struct grasp_api_locator *peer)
{
	enum grasp_code code = api_put_value(&s->value, objective);

	if (code != GRASP_API_OK)
		return code;
	if (peer)
		return api_peer_ask(s, peer);
	api_session_soon(s);
	return GRASP_API_NO_REPLY;
}

enum grasp_code
grasp_api_request_negotiate(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_locator *peer,
    uint32_t timeout_ms, const struct grasp_api_negotiation *ops, void *arg,
    uint32_t *ret_session)
{
	struct api_objective *o;
	struct api_owner *w;
	struct api_session *s;
	enum grasp_code code = check(api, asa, objective, &o, &w);

	if (code != GRASP_API_OK)
		return code;
	if (objective->dry && !w->dry)
		return GRASP_API_NOT_DRY;
	if (!ops || api_session_new(api, asa, API_NEGOTIATION, o->name, fire, &s) < 0)
		return GRASP_API_UNSPEC;
	s->flags = api_flags(objective);
	s->loop_count = objective->loop_count;
	s->timeout_ms = timeout_ms;
	s->ops = *ops;
	s->arg = arg;
	code = start(s, objective, peer);
	if (code == GRASP_API_NO_REPLY)
		*ret_session = s->handle;
	else
		api_session_free(s);
	return code;
}

/* --- the listener ------------------------------------------------------------------------------- */

enum grasp_code
grasp_api_listen_negotiate(struct grasp_api *api, uint32_t asa,
    const struct grasp_api_objective *objective, const struct grasp_api_negotiation *ops,
    void *arg)
{
	struct api_objective *o;
	struct api_owner *w;
	enum grasp_code code = check(api, asa, objective, &o, &w);

	if (code != GRASP_API_OK)
		return code;
	if (!ops || !ops->requested)
		return GRASP_API_UNSPEC;
	w->ops = *ops;
	w->arg = arg;
	api_listen(o, w);
	return GRASP_API_OK;
}

enum grasp_code
grasp_api_stop_listen_negotiate(
    struct grasp_api *api, uint32_t asa, const struct grasp_api_objective *objective)
{
	struct api_objective *o;
	struct api_owner *w;
	enum grasp_code code = api_find_owner(api, asa, objective->name, &o, &w);

	if (code == GRASP_API_OK)
		api_stop_listen(o, w);
	return code;
}

void
api_requested(
    void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct api_objective *o = arg;
	struct api_owner *w = TAILQ_FIRST(&o->owners);
	struct grasp_api_objective requested = api_objective_of(asked, o->name);
	struct api_session *s;
	struct addr peer;

	requested.neg = true;
	if (requested.dry && !w->dry) {
		grasp_session_end(session, false, "no dry runs of this objective");
		return;
	}
	if (api_session_new(o->api, w->asa->handle, API_NEGOTIATION, o->name, fire, &s) <
	    0) {
		grasp_session_end(session, false, "too many sessions");
		return;
	}
	grasp_link_peer(grasp_session_link(session), &peer);
	s->session = session;
	s->searches = API_SEARCHES_MAX; /* nobody else is wanted */
	s->connected = s->our_turn = true;
	s->ops = w->ops;
	s->arg = w->arg;
	grasp_session_set(session, &api_negotiation_ops, s);
	s->ops.requested(s->arg, s->handle, &requested, &peer);
}

/* --- taking turns ------------------------------------------------------------------------------- */

static enum grasp_code
find(struct grasp_api *api, uint32_t asa, uint32_t handle, struct api_session **ret)
{
	struct api_session *s = api_find_session(api, asa, handle);

	if (!api_find_asa(api, asa))
		return GRASP_API_NO_ASA;
	if (!s || s->kind != API_NEGOTIATION)
		return GRASP_API_NO_SESSION;
	*ret = s;
	return GRASP_API_OK;
}

static enum grasp_code
code_of_step(int r)
{
	switch (r) {
	case 0:
		return GRASP_API_NO_REPLY;
	case -ELOOP:
		return GRASP_API_LOOP_EXHAUSTED; /* G-092 */
	case -EMSGSIZE:
	case -ENOMEM:
		return GRASP_API_SOCK_ERR_NEG_STEP;
	default:
		return GRASP_API_NO_SOCKET;
	}
}

static enum grasp_code
step(struct api_session *s, const struct grasp_api_objective *objective)
{
	enum grasp_code code;
	struct buf value;

	buf_init(&value, GRASP_UNICAST_MAX);
	code = api_put_value(&value, objective);
	if (code == GRASP_API_OK)
		code = code_of_step(grasp_session_step(s->session, buf_slice(&value)));
	buf_done(&value);
	return code;
}

enum grasp_code
grasp_api_negotiate_step(struct grasp_api *api, uint32_t asa, uint32_t session,
    const struct grasp_api_objective *objective, uint32_t timeout_ms)
{
	struct api_session *s;
	enum grasp_code code = find(api, asa, session, &s);

	if (code != GRASP_API_OK)
		return code;
	if (!objective->name || strcmp(objective->name, s->name) != 0)
		return GRASP_API_NOT_OBJ;
	if (!s->our_turn)
		return GRASP_API_NO_VALID_STEP;
	if (objective->dry != grasp_session_dry_run(s->session))
		return GRASP_API_NOT_DRY; /* G-100 */
	grasp_session_set_timeout(s->session, timeout_ms);
	code = step(s, objective);
	s->our_turn = code != GRASP_API_NO_REPLY;
	return code;
}

enum grasp_code
grasp_api_negotiate_wait(
    struct grasp_api *api, uint32_t asa, uint32_t session, uint32_t ms)
{
	struct api_session *s;
	enum grasp_code code = find(api, asa, session, &s);
	int r;

	if (code != GRASP_API_OK)
		return code;
	if (!s->our_turn)
		return GRASP_API_NO_VALID_STEP;
	r = grasp_session_wait(s->session, ms);
	if (r == -ENOTCONN || r == -EPROTO)
		return GRASP_API_NO_SOCKET;
	return r < 0 ? GRASP_API_SOCK_ERR_WAIT : GRASP_API_OK;
}

enum grasp_code
grasp_api_end_negotiate(struct grasp_api *api, uint32_t asa, uint32_t session,
    bool accept, const char *reason)
{
	struct api_session *s;
	enum grasp_code code = find(api, asa, session, &s);
	int r = 0;

	if (code != GRASP_API_OK)
		return code;
	if (accept && !s->our_turn)
		return GRASP_API_INVALID_END;
	if (s->session) {
		struct grasp_session *engine = s->session;

		api_session_silence(s);
		s->session = NULL;
		r = grasp_session_end(engine, accept, reason);
	}
	api_session_free(s);
	return r < 0 ? GRASP_API_SOCK_ERR_END : GRASP_API_OK;
}

enum grasp_code
grasp_api_send_invalid(
    struct grasp_api *api, uint32_t asa, uint32_t session, struct slice info)
{
	struct api_session *s;
	enum grasp_code code = find(api, asa, session, &s);
	int r;

	if (code != GRASP_API_OK)
		return code;
	r = s->session ? grasp_session_invalid(s->session, info) : -EPROTO;
	if (r == -EPROTO)
		return GRASP_API_NO_SOCKET;
	if (r == -EINVAL)
		return GRASP_API_CBOR_FAIL;
	api_session_silence(s);
	s->session = NULL;
	api_session_free(s);
	return r < 0 ? GRASP_API_SOCK_ERR_END : GRASP_API_OK;
}
