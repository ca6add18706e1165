/* SPDX-License-Identifier: Apache-2.0
 *
 * What a link of a service asks of the nodes at its ends: each end probes the node where the neighbour
 * runs now. Bandwidth is not measured by filling the path: what is free is what the interface can do,
 * less what flows; on a radio both directions share it. */
#include "base/addr_text.h"
#include "controller/plan_resolve.h"
#include "prediction/predictor.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROUND_TRIP_MAX_S 2.0 /* a probe that took longer is lost (metrics/path.h) */
#define WINDOW_PERIODS \
	5 /* whose median counts: one probe, above all the first, says little */
#define RATE_WINDOW_MS 30000
#define PROMISE	       10 /* plausible bandwidth, as a multiple of what is asked for */

/* --- addresses ----------------------------------------------------------------------------------- */

static bool
is_local(const uint8_t *ip, unsigned len)
{
	struct in6_addr a;

	if (len == 4)
		return ip[0] == 127 || (ip[0] == 169 && ip[1] == 254);
	memcpy(&a, ip, sizeof a);
	return IN6_IS_ADDR_LINKLOCAL(&a) || IN6_IS_ADDR_LOOPBACK(&a);
}

/* Its registered address, without the zone, which is one of ours. */
static bool
registered(const struct node *n, struct in6_addr *ret)
{
	char text[sizeof n->address];
	struct in_addr four;

	snprintf(text, sizeof text, "%.*s", (int)strcspn(n->address, "%"), n->address);
	if (inet_pton(AF_INET6, text, ret) == 1)
		return true;
	if (inet_pton(AF_INET, text, &four) != 1)
		return false;
	memset(ret, 0, sizeof *ret);
	ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
	memcpy(&ret->s6_addr[12], &four, sizeof four);
	return true;
}

static bool
same_ip(const struct in6_addr *a, const uint8_t *ip, unsigned len)
{
	if (len == sizeof *a)
		return !memcmp(a, ip, len);
	return IN6_IS_ADDR_V4MAPPED(a) && !memcmp(&a->s6_addr[12], ip, 4);
}

/* By which it talks to us, else the first that is up. NULL: it tells of none. */
static const struct caps_interface *
find_interface(const struct node *n)
{
	const struct caps_interface *first = NULL;
	struct in6_addr own;
	bool known = registered(n, &own);

	for (unsigned i = 0; i < n->caps->interfaces; i++) {
		const struct caps_interface *f = &n->caps->interface[i];

		for (unsigned k = 0; known && k < f->addrs; k++)
			if (same_ip(&own, f->addr[k].ip, f->addr[k].len))
				return f;
		if (!first && f->up && f->addrs &&
		    !is_local(f->addr[0].ip, f->addr[0].len))
			first = f;
	}
	return first;
}

/* The registered one reaches further than the link, or another one does. */
static bool
global_address(const struct node *n, char *dst, size_t size)
{
	struct in6_addr own;

	if (registered(n, &own)) {
		bool four = IN6_IS_ADDR_V4MAPPED(&own);
		const uint8_t *ip = four ? &own.s6_addr[12] : own.s6_addr;

		if (!is_local(ip, four ? 4 : 16))
			return inet_ntop(
			    four ? AF_INET : AF_INET6, ip, dst, (socklen_t)size);
	}
	for (unsigned i = 0; i < n->caps->interfaces; i++)
		for (unsigned k = 0; k < n->caps->interface[i].addrs; k++) {
			const struct caps_interface *f = &n->caps->interface[i];

			if (f->up && !is_local(f->addr[k].ip, f->addr[k].len))
				return inet_ntop(f->addr[k].len == 4 ? AF_INET : AF_INET6,
				    f->addr[k].ip, dst, (socklen_t)size);
		}
	return false;
}

bool
plan_peer(const struct node *from, const struct node *to, char *dst, size_t size)
{
	const struct caps_interface *out;
	char ip[INET6_ADDRSTRLEN];
	struct in6_addr peer;

	if (global_address(to, dst, size))
		return true;
	out = find_interface(from);
	if (!out || !registered(to, &peer) ||
	    !inet_ntop(AF_INET6, &peer, ip, sizeof ip) || IN6_IS_ADDR_LOOPBACK(&peer))
		return false;
	return (size_t)snprintf(dst, size, "%s%%%s", ip, out->name) < size;
}

/* --- requirements -------------------------------------------------------------------------------- */

struct end { /* of a link, seen from the other one */
	const struct service_link *link;
	const char *function;
	const struct node *at;
	char peer[ADDR_TEXT_MAX];
};

static struct requirement
likeness(const struct resolution *r, const struct service_link *l)
{
	return (struct requirement){ .origin = REQUIRE_LINK,
		.period_ms = l->period_ms,
		.candidate_period_ms = l->candidate_period_ms,
		.hold_ms = l->hold_ms,
		.when_missing = MISSING_UNKNOWN,
		.predictor = r->of->function->requirements
		    ? r->of->function->requirement[0].predictor
		    : predictor_find(NULL),
		.class = PREDICT_OTHER };
}

static int64_t
period_of(const struct resolution *r, const struct service_link *l)
{
	return r->host ? l->period_ms : l->candidate_period_ms;
}

/* A path that is down has no round trip: it is taken for one that is too long. */
static int
require_latency(struct resolution *r, const struct end *e)
{
	struct requirement q = likeness(r, e->link);
	char expr[512], text[256];

	snprintf(expr, sizeof expr,
	    "quantile_over_time(0.5, node_path_round_trip_seconds{peer=\"%s\"}[%lldms]) "
	    "or "
	    "(node_path_up{peer=\"%s\"} == 0) + %g",
	    e->peer, (long long)(WINDOW_PERIODS * period_of(r, e->link)), e->peer,
	    ROUND_TRIP_MAX_S);
	snprintf(text, sizeof text, "round trip to %s on %s < %.6g s", e->function,
	    e->at->name, e->link->latency_s);
	q.expr = expr;
	q.text = text;
	q.side = REQUIRE_BELOW;
	q.threshold = e->link->latency_s;
	q.low = 0;
	q.high = fmax(ROUND_TRIP_MAX_S, 2 * e->link->latency_s);
	return resolution_require(r, &q);
}

static int
require_loss(struct resolution *r, const struct end *e)
{
	struct requirement q = likeness(r, e->link);
	char expr[256], text[256];

	snprintf(expr, sizeof expr, "node_path_loss_ratio{peer=\"%s\"}", e->peer);
	snprintf(text, sizeof text, "loss to %s on %s < %.6g", e->function, e->at->name,
	    e->link->loss);
	q.expr = expr;
	q.text = text;
	q.side = REQUIRE_BELOW;
	q.threshold = e->link->loss;
	q.low = 0;
	q.high = 1;
	return resolution_require(r, &q);
}

static bool
is_shared_medium(const struct caps_interface *f)
{
	return *f->radio || f->kind == CAPS_WIFI || f->kind == CAPS_CELLULAR ||
	    f->kind == CAPS_BLUETOOTH || f->kind == CAPS_LOWPAN;
}

static int
require_free(struct resolution *r, const struct end *e, const char *device,
    const char *direction, const char *flows)
{
	struct requirement q = likeness(r, e->link);
	char expr[640], text[256];

	snprintf(expr, sizeof expr, "node_network_speed_bytes{device=\"%s\"} - %s",
	    device, flows);
	snprintf(text, sizeof text, "free %sbandwidth of %s for %s > %.6g B/s", direction,
	    device, e->function, e->link->bandwidth);
	q.expr = expr;
	q.text = text;
	q.side = REQUIRE_ABOVE;
	q.threshold = e->link->bandwidth;
	q.low = 0;
	q.high = PROMISE * e->link->bandwidth;
	return resolution_require(r, &q);
}

static int
require_bandwidth(struct resolution *r, const struct end *e)
{
	const struct caps_interface *f = find_interface(r->node);
	int64_t window = WINDOW_PERIODS * period_of(r, e->link);
	char in[160], out[160], both[336];
	int err;

	if (!f)
		return 0;
	if (window < RATE_WINDOW_MS)
		window = RATE_WINDOW_MS;
	snprintf(in, sizeof in,
	    "rate(node_network_receive_bytes_total{device=\"%s\"}[%lldms])", f->name,
	    (long long)window);
	snprintf(out, sizeof out,
	    "rate(node_network_transmit_bytes_total{device=\"%s\"}[%lldms])", f->name,
	    (long long)window);
	if (is_shared_medium(f)) {
		snprintf(both, sizeof both, "(%s + %s)", in, out);
		return require_free(r, e, f->name, "", both);
	}
	err = require_free(r, e, f->name, "receive ", in);
	return err ? err : require_free(r, e, f->name, "transmit ", out);
}

static int
require_link(struct resolution *r, const struct end *e)
{
	int err = 0;

	if (!isnan(e->link->latency_s))
		err = require_latency(r, e);
	if (!err && !isnan(e->link->loss))
		err = require_loss(r, e);
	if (!err && !isnan(e->link->bandwidth))
		err = require_bandwidth(r, e);
	return err;
}

/* A neighbour that is nowhere, or right here, needs no measurement. */
static bool
find_neighbour(const struct resolution *r, const char *function, struct end *e)
{
	const struct placement *p =
	    placement_find(r->view->placements, r->of->service_name, function);

	if (!p || !p->function || !*p->node || !strcmp(p->node, r->node->name))
		return false;
	e->function = p->function_name;
	e->at = r->view->node(r->view->arg, p->node);
	return e->at && plan_peer(r->node, e->at, e->peer, sizeof e->peer);
}

int
resolve_links(struct resolution *r)
{
	const struct service *s = r->of->service;
	const char *own = r->of->function_name;
	int err = 0;

	for (size_t i = 0; s && i < s->links && !err; i++) {
		const struct service_link *l = &s->link[i];
		struct end e = { .link = l };

		if (!strcmp(l->from, own) && strcmp(l->to, own)) {
			if (find_neighbour(r, l->to, &e))
				err = require_link(r, &e);
		} else if (!strcmp(l->to, own) && strcmp(l->from, own)) {
			if (find_neighbour(r, l->from, &e))
				err = require_link(r, &e);
		}
	}
	return err;
}
