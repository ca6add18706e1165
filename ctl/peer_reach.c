/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer_reach.h"
#include "base/addr_text.h"
#include "base/ctl.h"

#include <errno.h>

static void
go_on(struct peer_reach *r)
{
	if (r->busy)
		return;
	if (r->tried < r->peers) {
		r->busy = true;
		r->attempt(r->arg, &r->peer[r->tried++]);
	} else if (!r->searching) {
		r->exhausted(r->arg, r->tried);
	}
}

void
peer_reach_next(struct peer_reach *r)
{
	r->busy = false;
	go_on(r);
}

static void
add_peer(struct peer_reach *r, const struct addr *peer)
{
	for (unsigned i = 0; i < r->peers; i++)
		if (addr_equal(&r->peer[i], peer))
			return;
	if (r->peers < REACH_MAX)
		r->peer[r->peers++] = *peer;
}

static void
on_found(void *arg, const struct grasp_found *f)
{
	struct peer_reach *r = arg;
	struct addr peer;

	for (size_t i = 0; i < f->locators; i++)
		if (grasp_locator_to_addr(&f->locator[i], f->from.ifindex, &peer) == 0)
			add_peer(r, &peer);
	go_on(r);
}

static void
on_ended(void *arg)
{
	struct peer_reach *r = arg;

	r->searching = false;
	go_on(r);
}

static int
read_peer(struct slice args, struct addr *ret)
{
	char text[ADDR_TEXT_MAX];
	int err;

	if (!ctl_arg_text(args, "peer", text, sizeof text))
		return 0;
	err = addr_parse(text, ret);
	if (err == -ENODEV)
		return local_refuse("--peer %s: there is no such interface", text);
	if (err < 0 || (addr_is_link_local(&ret->ip) && !ret->ifindex))
		return local_usage(
		    "--peer takes an address such as fd00::1, [fe80::1%%eth0]:7017 or "
		    "192.0.2.1:7017, not \"%s\"",
		    text);
	if (ret->port == 0)
		ret->port = GRASP_LISTEN_PORT;
	return 0;
}

int
peer_reach_start(struct peer_reach *r, struct asker *a, struct slice args,
    const struct grasp_objective *objective,
    void (*attempt)(void *arg, const struct addr *peer),
    void (*exhausted)(void *arg, unsigned tried), void *arg)
{
	struct grasp_objective asked = *objective;
	struct addr peer = { 0 };
	int64_t timeout_ms;
	int status = read_peer(args, &peer);

	*r = (struct peer_reach){
		.asker = a, .attempt = attempt, .exhausted = exhausted, .arg = arg
	};
	if (!status)
		status = asker_span(args, "--timeout", &timeout_ms);
	if (status)
		return status;
	if (peer.port) {
		add_peer(r, &peer);
		go_on(r);
		return 0;
	}
	r->searching = true;
	asked.value = (struct slice){ 0 };
	return peer_search_start(
	    &r->search, a, &asked, timeout_ms, on_found, on_ended, r);
}

void
peer_reach_stop(struct peer_reach *r)
{
	peer_search_stop(&r->search);
}
