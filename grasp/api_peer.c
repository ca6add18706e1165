/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom to ask when the ASA names no peer: those that the node has in its cache, then those that a
 * discovery finds, one after the other until one answers. */
#include "grasp/api_int.h"

#include <errno.h>

enum grasp_code
api_not_sent(const struct api_session *s)
{
	return s->kind == API_NEGOTIATION ? GRASP_API_SOCK_ERR_NEG_RQ
					  : GRASP_API_SOCK_ERR_SYN_RQ;
}

static void
finish(struct api_session *s, enum grasp_code code)
{
	if (s->kind == API_NEGOTIATION)
		api_negotiation_end(s, code, (struct slice){ 0 });
	else
		api_synchronization_end(s, code, NULL);
}

/* --- one peer --------------------------------------------------------------------------------- */

static void
opened(void *arg, struct grasp_link *l)
{
	struct api_session *s = arg;

	(void)l;
	s->connected = true;
}

static int
request(struct api_session *s, struct grasp_link *l)
{
	struct grasp_objective o = { slice_text(s->name), s->flags, s->loop_count,
		buf_slice(&s->value) };

	if (s->kind == API_NEGOTIATION)
		return grasp_negotiate(
		    l, &o, s->timeout_ms, &api_negotiation_ops, s, &s->session);
	o.value = (struct slice){ 0 };
	return grasp_synchronize(
	    l, &o, s->timeout_ms, &api_synchronization_ops, s, &s->session);
}

static int
ask(struct api_session *s, const struct addr *to)
{
	static const struct grasp_link_ops ops = { .opened = opened };
	struct grasp_link *l;
	int r;

	s->connected = false;
	r = grasp_link_open(s->api->node, to, &ops, s, &l);
	if (r < 0)
		return r;
	r = request(s, l);
	if (r < 0)
		grasp_link_close(l);
	return r;
}

enum grasp_code
api_peer_ask(struct api_session *s, const struct grasp_api_locator *peer)
{
	struct addr to;

	if (grasp_locator_to_addr(&peer->locator, peer->ifindex, &to) < 0)
		return GRASP_API_INVALID_LOC;
	s->searches = API_SEARCHES_MAX; /* nobody else is wanted */
	return ask(s, &to) < 0 ? api_not_sent(s) : GRASP_API_NO_REPLY;
}

/* --- several ---------------------------------------------------------------------------------- */

static bool
knows(const struct api_session *s, const struct addr *a)
{
	for (unsigned i = 0; i < s->peers; i++)
		if (addr_equal(&s->peer[i], a))
			return true;
	return false;
}

static void
add_peers(void *arg, const struct grasp_found *found)
{
	struct api_session *s = arg;

	for (size_t i = 0; i < found->locators && s->peers < API_PEERS_MAX; i++) {
		struct addr a;

		if (grasp_locator_to_addr(&found->locator[i], found->from.ifindex, &a) <
		    0)
			s->unusable = true;
		else if (!knows(s, &a))
			s->peer[s->peers++] = a;
	}
}

static void advance(struct api_session *s);

static void
found_one(void *arg, const struct grasp_found *found)
{
	struct api_session *s = arg;

	add_peers(s, found);
	if (!s->session)
		advance(s);
}

static void
found_all(void *arg, unsigned responses)
{
	struct api_session *s = arg;

	(void)responses;
	s->search = NULL;
	if (!s->session)
		advance(s);
}

static int
search(struct api_session *s)
{
	struct grasp_objective wanted = { slice_text(s->name), s->flags & ~F_NEG_DRY,
		s->loop_count, { 0 } };
	uint32_t hops = s->loop_count ? s->loop_count : GRASP_DEF_LOOPCT;

	return grasp_discover(s->api->node, &wanted,
	    (hops * GRASP_HOP_TIMEOUT_MS) << s->searches++, found_one, found_all, s,
	    &s->search);
}

/* Again with twice the time (G-061), if nobody at all has answered. */
static bool
may_search(const struct api_session *s)
{
	if (s->searches == 0)
		return true;
	return s->searches < API_SEARCHES_MAX && s->peers == 0 && !s->unusable;
}

static enum grasp_code
verdict(const struct api_session *s)
{
	if (s->failure != GRASP_API_OK)
		return s->failure;
	if (s->unusable)
		return GRASP_API_INVALID_LOC;
	return s->kind == API_NEGOTIATION ? GRASP_API_NO_DISC_REPLY
					  : GRASP_API_NOT_FLOOD_DISC;
}

/* The next peer; if there is none, the search; if that has been, the end. */
static void
advance(struct api_session *s)
{
	while (s->next < s->peers) {
		int r = ask(s, &s->peer[s->next++]);

		if (r == 0)
			return;
		s->failure = api_not_sent(s);
		if (r == -EMSGSIZE) { /* nobody could get it */
			finish(s, s->failure);
			return;
		}
	}
	if (s->next == s->peers && s->search)
		return;
	if (s->next == s->peers && may_search(s) && search(s) == 0)
		return;
	finish(s, verdict(s));
}

void
api_peer_search(struct api_session *s)
{
	grasp_cached(s->api->node, slice_text(s->name), 0, add_peers, s);
	advance(s);
}

void
api_peer_failed(struct api_session *s, enum grasp_code code, bool may_try_another)
{
	api_session_silence(s);
	s->session = NULL;
	s->failure = code;
	if (s->next > 0)
		grasp_cache_forget(
		    s->api->node, slice_text(s->name), &s->peer[s->next - 1]);
	if (may_try_another)
		advance(s);
	else
		finish(s, code);
}

void
api_peer_answered(struct api_session *s)
{
	grasp_discovery_cancel(s->search);
	s->search = NULL;
}
