// SPDX-License-Identifier: Apache-2.0
//
// Three nodes on two links and a stranger on both, under a script of bytes: an asking node with the
// API of RFC 8991 on top, a relay that answers for others, and a responder that may be a DULL one. The
// stranger says anything, and what fits to what was said last; interfaces come and go, nodes start
// again, calls fail. Whatever happens, what the nodes say has the form and the bounds of RFC 8990,
// and nothing is left when the time is over.
#include "base/buf.h"
#include "grasp/api.h"
#include "grasp/node_int.h"
#include "tests/support/web.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RELAYS_MOST 256 /* those that are over go when the next one comes */

enum { ASKER, RELAY, OWNER, NODES };

static const uint8_t *script;
static size_t left;
static struct web w;
static bool dull; /* the owner is one */
static struct grasp_config cfg[NODES];
static struct grasp_session *session; /* the last one that an ASA was told of */
static struct grasp_link *own_link;   /* of the asker */
static struct grasp_discovery *search;
static struct grasp_api *api;
static uint32_t asa, handle; /* of the API */
static struct fake_host *outside;
static struct grasp_stream *stream; /* the stranger's */
static size_t looked_at;	    /* packets */
static unsigned nesting;

static uint8_t
next(void)
{
	if (!left)
		return 0;
	left--;
	return *script++;
}

static struct slice
next_bytes(void)
{
	size_t len = (size_t)next() | (size_t)(next() & 7) << 8;
	struct slice s = { script, len < left ? len : left };

	script += s.len;
	left -= s.len;
	return s;
}

static struct grasp_objective
objective(unsigned flags)
{
	static const uint8_t value = 1;
	struct grasp_objective o =
	    lab_objective("EX1", flags, (struct slice){ &value, 1 });

	o.loop_count = next() % 8;
	return o;
}

/* --- ASAs ------------------------------------------------------------------------------------- */

static void use_session(void);

static void
use_session_inside(void)
{
	if (nesting > 3)
		return;
	nesting++;
	use_session();
	nesting--;
}

static void
stepped(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	assert(slice_is(obj->name, "EX1"));
	session = s;
	use_session_inside();
}

static void
waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	(void)arg;
	(void)ms;
	session = s;
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)reason;
	assert(*grasp_outcome_name(outcome) != '?');
	if (s == session)
		session = NULL;
}

static const struct grasp_session_ops session_ops = { stepped, stepped, waiting, ended };

static void
asked(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	grasp_session_set(s, &session_ops, arg);
	stepped(arg, s, obj);
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *o,
    struct buf *ret_value)
{
	(void)arg;
	(void)from;
	if (next() & 1)
		grasp_put(ret_value, o->value);
	return !(next() & 2);
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg;
	(void)ttl_ms;
	assert(from->multicast || from->addr.port == 0 || obj->name.len > 0);
	assert(!locator || locator->port >= -1);
}

static const struct grasp_support support = { .discovered = discovered,
	.negotiate = asked,
	.synchronize = asked,
	.flooded = flooded };

static void
opened(void *arg, struct grasp_link *l)
{
	(void)arg;
	(void)l;
}

static void
closed(void *arg, struct grasp_link *l, int err)
{
	(void)arg;
	assert(err <= 0);
	if (l == own_link)
		own_link = NULL;
}

static const struct grasp_link_ops link_ops = { opened, closed };

static void
found(void *arg, const struct grasp_found *f)
{
	(void)arg;
	assert(f->locators > 0 && f->ttl_ms > 0);
	for (size_t i = 0; f->diverted && i < f->locators; i++)
		assert(grasp_locator_divertable(&f->locator[i]));
}

static void
searched(void *arg, unsigned responses)
{
	(void)arg;
	(void)responses;
	search = NULL;
}

static void
use_session(void)
{
	struct grasp_session *s = session;
	struct grasp_objective o = objective(F_NEG);
	uint8_t what = next() % 8;

	if (!s)
		return;
	if (what > 2)
		session = NULL;
	switch (what) {
	case 1:
		(void)!grasp_session_step(s, o.value);
		break;
	case 2:
		(void)!grasp_session_wait(s, next() * 16);
		break;
	case 3:
	case 4:
		grasp_session_end(s, what == 3, "no");
		break;
	case 5:
		if (grasp_session_synch(s, o.value) < 0)
			grasp_session_end(s, false, NULL);
		break;
	case 6:
		grasp_session_cancel(s);
		break;
	case 7:
		grasp_session_invalid(s, o.value);
		break;
	}
}

/* --- the API ---------------------------------------------------------------------------------- */

static void
api_requested(
    void *arg, uint32_t s, const struct grasp_api_objective *o, const struct addr *peer)
{
	(void)arg;
	(void)o;
	(void)peer;
	handle = s;
}

static void
api_stepped(void *arg, uint32_t s, const struct grasp_api_objective *o)
{
	(void)arg;
	(void)o;
	handle = s;
}

static void
api_waiting(void *arg, uint32_t s, uint32_t ms)
{
	(void)arg;
	(void)ms;
	handle = s;
}

static void
api_ended(void *arg, uint32_t s, enum grasp_code code, struct slice reason)
{
	(void)arg;
	(void)s;
	(void)reason;
	assert(*grasp_code_name(code) != '?');
}

static void
api_synchronized(
    void *arg, uint32_t s, enum grasp_code code, const struct grasp_api_objective *o)
{
	(void)arg;
	(void)s;
	assert((code == GRASP_API_OK) == (o != NULL));
}

static void
api_discovered(
    void *arg, enum grasp_code code, const struct grasp_api_locator *l, size_t count)
{
	(void)arg;
	assert(code != GRASP_API_OK || count == 0 || l);
}

static void
api_flooded(void *arg, const struct grasp_api_tagged *tagged)
{
	(void)arg;
	assert(tagged->objective.name[0]);
}

static const struct grasp_api_negotiation negotiation = { api_requested, api_stepped,
	api_waiting, api_ended };

static void
call_api(void)
{
	static const uint8_t value = 1;
	uint8_t what = next(), how = next();
	struct grasp_api_objective o = { .name = how & 1 ? "EX1" : "EX5",
		.neg = !(how & 2),
		.synch = how & 2,
		.dry = how & 4,
		.tag24 = how & 8,
		.loop_count = next() % 8,
		.value = { &value, how & 16 ? 1 : 0 } };
	struct grasp_api_registration options = {
		.discoverable = how & 32, .overlap = how & 64, .local = how & 128
	};
	struct grasp_api_tagged tagged = { .objective = o };
	enum grasp_code code = GRASP_API_OK;
	uint32_t s = 0;
	size_t count;

	switch (what % 18) {
	case 0:
		code = grasp_api_register_asa(api, "asa", &asa);
		break;
	case 1:
		code = grasp_api_deregister_asa(api, asa, "asa");
		break;
	case 2:
		code = grasp_api_register_objective(api, asa, &o, &options);
		break;
	case 3:
		code = grasp_api_deregister_objective(api, asa, &o);
		break;
	case 4:
		code = grasp_api_discover(
		    api, asa, &o, next() * 8, next() * 1000u, api_discovered, NULL);
		break;
	case 5:
		code = grasp_api_request_negotiate(
		    api, asa, &o, NULL, next() * 16, &negotiation, NULL, &handle);
		break;
	case 6:
		code = grasp_api_listen_negotiate(api, asa, &o, &negotiation, NULL);
		break;
	case 7:
		code = grasp_api_stop_listen_negotiate(api, asa, &o);
		break;
	case 8:
		code = grasp_api_negotiate_step(api, asa, handle, &o, next() * 16);
		break;
	case 9:
		code = grasp_api_negotiate_wait(api, asa, handle, next() * 16);
		break;
	case 10:
		code = grasp_api_end_negotiate(api, asa, handle, how & 1, "no");
		break;
	case 11:
		code = grasp_api_synchronize(
		    api, asa, &o, NULL, next() * 16, api_synchronized, NULL, &s);
		break;
	case 12:
		code = grasp_api_listen_synchronize(api, asa, &o);
		break;
	case 13:
		code = grasp_api_stop_listen_synchronize(api, asa, &o);
		break;
	case 14:
		code = grasp_api_flood(api, asa, next() * 100u, &tagged, 1);
		break;
	case 15:
		code = grasp_api_get_flood(api, asa, &o, api_flooded, NULL, &count);
		break;
	case 16:
		code = grasp_api_expire_flood(api, asa, &tagged);
		break;
	case 17:
		code = grasp_api_cancel(api, asa, handle);
		break;
	}
	assert(*grasp_code_name(code) != '?');
}

/* --- the engine's calls ----------------------------------------------------------------------- */

static void
look_for(uint8_t how)
{
	unsigned from = how % NODES;
	struct grasp_objective o = objective(how & 4 ? F_DISC | F_NEG : F_DISC | F_SYNCH);
	int r = -1;

	if (search)
		grasp_discovery_cancel(TAKE(search));
	if (how & 8 && own_link)
		r = grasp_discover_at(
		    own_link, &o, next() * 10, found, searched, NULL, &search);
	else if (how & 16)
		r = grasp_discover_rapid(w.n[from].node, &o, next() * 10, found, searched,
		    &session_ops, NULL, &search);
	else
		r = grasp_discover(
		    w.n[from].node, &o, next() * 10, found, searched, NULL, &search);
	if (r < 0)
		search = NULL;
}

static void
flood(uint8_t how)
{
	struct grasp_objective o[3] = { objective(F_SYNCH), objective(F_SYNCH),
		objective(F_SYNCH) };
	struct grasp_locator l[3] = {
		{ .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP },
		{ .kind = O_IPv6_LOCATOR,
		    .ip = web_ip(&w, how % NODES, 1),
		    .proto = GRASP_TCP,
		    .port = 7017 },
	};

	(void)!grasp_flood_all(
	    w.n[how % NODES].node, o, l, 1 + (how >> 2) % 3, next() * 100u);
}

static void
recall(uint8_t how)
{
	struct grasp_node *n = w.n[how % NODES].node;
	struct slice name = slice_text("EX1");
	struct addr at = { .ip = web_ip(&w, OWNER, 2), .port = GRASP_LISTEN_PORT };

	if (how & 4)
		grasp_cached(n, name, next() * 1000u, found, NULL);
	if (how & 8)
		grasp_cache_forget(n, name, &at);
	if (how & 16)
		grasp_flooded(n, name, flooded, NULL);
	if (how & 32)
		grasp_flood_expire(n, name, NULL);
}

static void
request(uint8_t how)
{
	unsigned to = 1 + how % 2;
	struct addr at = { .ip = web_ip(&w, to, 1), .port = GRASP_LISTEN_PORT };
	struct grasp_objective o = objective(how & 4 ? F_NEG : F_NEG | F_NEG_DRY);
	struct grasp_session *s;

	if (!own_link &&
	    grasp_link_open(w.n[ASKER].node, &at, &link_ops, NULL, &own_link) < 0) {
		own_link = NULL;
		return;
	}
	if (how & 8)
		grasp_link_hold(own_link, 1000, 5000, 4096);
	if (how & 16)
		(void)!grasp_negotiate(own_link, &o, 2000, &session_ops, NULL, &s);
	else
		(void)!grasp_synchronize(own_link, &o, 2000, &session_ops, NULL, &s);
	if (how & 128 && own_link)
		grasp_link_close(TAKE(own_link));
}

/* --- the stranger ----------------------------------------------------------------------------- */

static void
cast(uint8_t where, struct slice bytes)
{
	unsigned node = where % NODES, at = where >> 2 & 1;

	if (at >= w.n[node].links)
		at = 0;
	web_cast(&w, node, at, bytes, where & 8 ? "fe80::77" : NULL);
}

static void
send_stream(uint8_t where, struct slice bytes)
{
	struct grasp_io *io = fake_host_io(outside);

	if (stream && where & 8)
		io->ops->stream_close(TAKE(stream), where & 16);
	if (stream)
		(void)!io->ops->stream_send(stream, bytes);
}

/* What answers or repeats what was said last: its id and initiator in another message. */
static void
say_fitting(uint8_t type, uint8_t where)
{
	static struct grasp_msg last;
	struct grasp_msg m = { .type = type % 10, .has_objective = true };
	uint8_t memory[1024];
	struct buf b;
	size_t len;

	for (size_t i = fake_packets(w.net); i-- > 0 && m.initiator.len == 0;) {
		const struct fake_packet *p = fake_packet(w.net, i);

		if (p->data.len && grasp_msg_decode(p->data, &last, &len) == 0) {
			m.session_id = last.session_id;
			m.initiator = last.initiator;
		}
	}
	if (type & 0x40)
		m.session_id += next();
	m.objective = objective(next() % 16);
	m.time_ms = next() * 100u;
	m.accepted = type & 0x20;
	m.diverted = type & 0x10;
	m.locators = m.items = 1;
	m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::99"),
		{ 0 }, GRASP_TCP, 7017 };
	m.flooded[0] = m.objective;
	if (m.initiator.len == 0)
		m.initiator = lab_initiator("2001:db8::99");
	buf_init_fixed(&b, memory, sizeof memory);
	if (grasp_msg_encode(&m, &b) < 0)
		return;
	if (type & 0x80)
		send_stream(where, buf_slice(&b));
	else
		cast(where, buf_slice(&b));
}

static ssize_t
hear(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

static void
stream_ready(void *arg, struct grasp_stream *s)
{
	(void)arg;
	(void)s;
}

static void
stream_gone(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)err;
	if (s == stream)
		stream = NULL;
}

static const struct grasp_stream_ops stranger_ops = { stream_ready, hear, stream_gone };

static void
dial(uint8_t where)
{
	struct grasp_io *io = fake_host_io(outside);
	struct addr to = { .ip = web_ip(&w, where % 2, 1), .port = GRASP_LISTEN_PORT };

	if (!stream &&
	    io->ops->stream_open(io, &to, 2000, &stranger_ops, NULL, &stream) < 0)
		stream = NULL;
}

/* --- the world -------------------------------------------------------------------------------- */

static void
support_all(unsigned node)
{
	struct grasp_support s = support;

	s.assist = cfg[node].assist;
	s.shared = node == RELAY && cfg[node].nat;
	if (node != ASKER)
		assert(grasp_register(w.n[node].node, "EX1", F_DISC | F_NEG | F_SYNCH, &s,
			   NULL, &w.n[node].reg) == 0);
}

static void
restart(unsigned node)
{
	if (node == ASKER)
		return; /* the API and what is open are its */
	session = NULL;
	if (search) /* perhaps its */
		grasp_discovery_cancel(TAKE(search));
	fake_fail(w.n[node].host, 0, 0);
	grasp_node_free(w.n[node].node);
	w.n[node].node = NULL;
	fake_run(w.net, 10);
	assert(grasp_node_new(
		   fake_host_io(w.n[node].host), &cfg[node], &w.n[node].node) == 0);
	support_all(node);
}

static void
replug(unsigned at)
{
	struct web_node *n = &w.n[RELAY];
	unsigned link = n->link[at];

	fake_detach(n->host, n->ifindex[at]);
	fake_run(w.net, next() * 4);
	n->ifindex[at] = fake_attach(n->host, link, "fe80::2",
	    link == 1 ? "2001:db8:1::2" : "2001:db8:2::2", NULL);
}

/* Whatever a node of ours multicasts is of the form and within the bounds of RFC 8990. */
static void
check_sent(void)
{
	static struct grasp_msg m;
	size_t len;

	for (; looked_at < fake_packets(w.net); looked_at++) {
		const struct fake_packet *p = fake_packet(w.net, looked_at);

		if (p->kind != FAKE_DATAGRAM)
			continue;
		assert(p->data.len <= GRASP_MULTICAST_MAX); /* G-013 */
		assert(grasp_msg_decode(p->data, &m, &len) == 0 && len == p->data.len);
		assert(m.type == M_DISCOVERY || m.type == M_FLOOD);
		if (m.type == M_DISCOVERY)
			assert(m.objective.loop_count > 0);
		if (m.type == M_FLOOD)
			assert(m.flooded[0].loop_count > 0);
	}
}

static void
configure(uint8_t bits, uint8_t more)
{
	cfg[ASKER] = (struct grasp_config){
		.link_local = true, .rapid = bits & 1, .assist = (bits >> 1) % 4
	};
	cfg[RELAY] = (struct grasp_config){ .link_local = true,
		.relay = !(bits & 8),
		.rapid = bits & 16,
		.nat = bits & 32,
		.assist = bits >> 6 };
	cfg[OWNER] = (struct grasp_config){ .link_local = true,
		.rapid = more & 1,
		.no_listener = more & 2,
		.dull = more & 4 };
	dull = more & 4;
}

static void
build(void)
{
	configure(next(), next());
	web_init(&w);
	web_add(&w, &cfg[ASKER], 1, 0);
	web_add(&w, &cfg[RELAY], 1, 2, 0);
	if (dull)
		cfg[OWNER].interface = 1; /* the first of a host */
	web_add(&w, &cfg[OWNER], 2, 0);
	outside = fake_host_new(w.net);
	fake_attach(outside, 1, "fe80::99", "2001:db8:1::99", NULL);
	support_all(RELAY);
	support_all(OWNER);
	assert(grasp_api_new(w.n[ASKER].node, &api) == 0);
	assert(grasp_api_register_asa(api, "asa", &asa) == GRASP_API_OK);
	looked_at = 0;
}

static void
step(uint8_t op)
{
	switch (op % 16) {
	case 0:
		cast(op >> 4, next_bytes());
		break;
	case 1:
	case 2:
		say_fitting(next(), op >> 4);
		break;
	case 3:
		fake_run(w.net, next() * (op & 16 ? 100 : 1));
		break;
	case 4:
	case 5:
		look_for(next());
		break;
	case 6:
		flood(next());
		break;
	case 7:
		recall(next());
		break;
	case 8:
		request(next());
		break;
	case 9:
	case 10:
		call_api();
		break;
	case 11:
		use_session();
		break;
	case 12:
		fake_fail(w.n[(op >> 4) % NODES].host, 1 + (op >> 6), ENOMEM);
		break;
	case 13:
		if (op & 16)
			replug(op >> 5 & 1);
		else
			restart((op >> 5) % NODES);
		break;
	case 14:
		dial(op >> 4);
		break;
	case 15:
		send_stream(op >> 4, next_bytes());
		break;
	}
}

static void
check_quiet(void)
{
	struct grasp_io *io = fake_host_io(outside);

	if (stream)
		io->ops->stream_close(TAKE(stream), true);
	for (unsigned i = 0; i < NODES; i++)
		fake_fail(w.n[i].host, 0, 0);
	grasp_api_free(TAKE(api));
	if (search)
		grasp_discovery_cancel(TAKE(search));
	fake_run(w.net, 2 * GRASP_DEF_TIMEOUT_MS + WAIT_MAX_MS);
	if (own_link)
		grasp_link_close(TAKE(own_link));
	fake_run(w.net, 10);
	for (unsigned i = 0; i < NODES; i++) {
		struct grasp_node *n = w.n[i].node;

		assert(TAILQ_EMPTY(&n->links) && n->links_accepted == 0);
		assert(TAILQ_EMPTY(&n->responses) && n->responses_open == 0);
		assert(TAILQ_EMPTY(&n->discoveries));
		assert(n->relays_open <= RELAYS_MOST && n->seen.count <= SEEN_MAX);
		assert(STAILQ_EMPTY(&n->garbage) && n->depth == 0);
		assert(fake_streams(w.n[i].host) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 4000)
		return 0;
	script = data;
	left = size;
	session = NULL;
	own_link = NULL;
	search = NULL;
	stream = NULL;
	handle = 0;
	nesting = 0;
	build();
	while (left) {
		step(next());
		fake_run(w.net, 3);
		check_sent();
	}
	check_quiet();
	web_done(&w);
	return 0;
}
