/* SPDX-License-Identifier: Apache-2.0
 *
 * Run by grasp_node.sh: the engine on real links, against node_peer.c in another namespace. */
#include "grasp/grasp.h"
#include "base/addr_text.h"
#include "tests/support/live.h"

#define PEER "fd9e:1::2"

static const struct in6_addr beef = { .s6_addr = {
					  0xff, 0x14, [14] = 0xbe, [15] = 0xef } };

static struct live world;
static struct grasp_node *node;
static struct addr peer; /* where the objectives are */

static struct {
	bool done;
	unsigned responses;
	struct addr from;
	struct addr at;
} search;

static struct {
	bool done;
	enum grasp_outcome outcome;
	uint8_t value[64]; /* the last one heard */
	size_t len;
} talk;

static struct {
	bool done;
	struct addr at, from;
} flood;

static bool
is_true(void *flag)
{
	return *(bool *)flag;
}

static void
wait_for(bool *flag)
{
	assert_true(live_until(&world, PATIENCE_MS, is_true, flag));
}

static struct grasp_objective
objective(const char *name, unsigned flags, const char *value)
{
	return (struct grasp_objective){ .name = slice_text(name),
		.flags = flags,
		.loop_count = 3,
		.value = slice_text(value) };
}

/* --- discovery -------------------------------------------------------------------------------- */

static void
on_found(void *arg, const struct grasp_found *f)
{
	(void)arg;
	search.from = f->from;
	if (grasp_locator_to_addr(&f->locator[0], f->from.ifindex, &search.at) < 0)
		memset(&search.at, 0, sizeof search.at);
}

static void
on_searched(void *arg, unsigned responses)
{
	(void)arg;
	search.responses = responses;
	search.done = true;
}

static void
discover(const char *name)
{
	struct grasp_objective o = objective(name, F_DISC | F_NEG, NULL);
	struct grasp_discovery *d;

	memset(&search, 0, sizeof search);
	assert_int_equal(0, grasp_discover(node, &o, 0, on_found, on_searched, NULL, &d));
	wait_for(&search.done);
}

/* A peer's address may still be tentative: look until it is there. */
static bool
is_found(void *arg)
{
	(void)arg;
	discover("EX1");
	return search.responses > 0;
}

static void
renew_node(const struct grasp_config *cfg)
{
	grasp_node_free(node);
	node = NULL;
	assert_int_equal(0, grasp_node_new(world.io, cfg, &node));
}

static void
a_neighbor_is_found_on_the_link_G_050_G_065_G_067(void **state)
{
	static const struct grasp_config cfg = { .link_local = true };

	(void)state; /* G-050, G-065, G-067 */
	renew_node(&cfg);
	assert_true(live_until(&world, PATIENCE_MS, is_found, NULL));
	assert_true(addr_is_link_local(&search.from.ip));
	assert_true(addr_equal(&peer, &search.at));
}

static void
a_node_is_found_by_its_scope_F_07_F_08_F_09(void **state)
{
	static const struct grasp_config cfg = { .send = &beef, .sends = 1 };

	(void)state; /* F-07, F-08, F-09 */
	renew_node(&cfg);
	assert_true(live_until(&world, PATIENCE_MS, is_found, NULL));
	assert_memory_equal(&peer.ip, &search.from.ip, sizeof peer.ip);
	assert_true(addr_equal(&peer, &search.at));
}

static void
what_nobody_has_is_not_found_G_072(void **state)
{
	(void)state; /* G-072 */
	discover("EX9");
	assert_int_equal(0, search.responses);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void
keep_value(const struct grasp_objective *obj)
{
	assert_true(obj->value.len <= sizeof talk.value);
	memcpy(talk.value, obj->value.data, obj->value.len);
	talk.len = obj->value.len;
}

static void
on_negotiated(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	keep_value(obj);
	grasp_session_end(s, true, NULL);
	talk.outcome = GRASP_ACCEPTED;
	talk.done = true;
}

static void
on_synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	(void)s;
	keep_value(obj);
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)s;
	(void)reason;
	talk.outcome = outcome;
	talk.done = true;
}

static const struct grasp_session_ops ops = {
	.negotiated = on_negotiated, .synched = on_synched, .ended = on_ended
};

typedef int request_f(struct grasp_link *l, const struct grasp_objective *objective,
    uint32_t timeout_ms, const struct grasp_session_ops *ops, void *arg,
    struct grasp_session **ret);

static enum grasp_outcome
request(request_f *how, const char *name, unsigned flags, const char *value)
{
	struct grasp_objective o = objective(name, flags, value);
	struct grasp_session *s;
	struct grasp_link *l;

	memset(&talk, 0, sizeof talk);
	assert_int_equal(0, grasp_link_open(node, &peer, NULL, NULL, &l));
	assert_int_equal(0, how(l, &o, 0, &ops, NULL, &s));
	wait_for(&talk.done);
	return talk.outcome;
}

static void
a_number_is_negotiated_down_and_agreed_G_091_G_094(void **state)
{
	(void)state; /* G-091, G-094 */
	assert_int_equal(GRASP_ACCEPTED,
	    request(grasp_negotiate, "EX1", F_DISC | F_NEG, "\x19\x01\x2c")); /* 300 */
	assert_int_equal(2, talk.len);
	assert_memory_equal("\x18\x64", talk.value, 2); /* 100 */
	assert_int_equal(GRASP_ACCEPTED,
	    request(grasp_negotiate, "EX1", F_DISC | F_NEG, "\x18\x32")); /* 50 */
	assert_int_equal(0, talk.len);
}

static void
a_value_is_fetched_G_104(void **state)
{
	(void)state; /* G-104 */
	assert_int_equal(
	    GRASP_ACCEPTED, request(grasp_synchronize, "EX2", F_DISC | F_SYNCH, NULL));
	assert_int_equal(6, talk.len);
	assert_memory_equal("\x65hello", talk.value, 6);
}

static void
what_is_not_offered_is_refused_G_055(void **state)
{
	(void)state; /* G-055 */
	assert_int_equal(
	    GRASP_REFUSED, request(grasp_negotiate, "EX9", F_DISC | F_NEG, "\x01"));
}

/* --- floods ----------------------------------------------------------------------------------- */

static void
on_flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg;
	assert_true(from->multicast);
	assert_true(slice_is(obj->name, "EX2"));
	assert_int_equal(5000, ttl_ms);
	assert_int_equal(
	    0, grasp_locator_to_addr(locator, from->addr.ifindex, &flood.at));
	flood.from = from->addr;
	flood.done = true;
}

static void
a_flood_names_the_place_of_its_sender_A_08_G_113(void **state)
{
	static const struct grasp_config cfg = { .link_local = true };
	static const struct grasp_support listen = { .flooded = on_flooded };
	struct grasp_registration *r;

	(void)state; /* A-08, G-113 */
	renew_node(&cfg);
	assert_int_equal(0, grasp_register(node, "EX2", 0, &listen, NULL, &r));
	wait_for(&flood.done);
	/* what stays on the link names an address of the link */
	assert_true(addr_is_link_local(&flood.at.ip));
	assert_memory_equal(&flood.from.ip, &flood.at.ip, sizeof flood.at.ip);
	assert_int_equal(7017, flood.at.port);
	grasp_deregister(r);
}

static int
set_up(void **state)
{
	static const struct grasp_io_ev_config cfg;

	(void)state;
	world.loop = ev_loop_new(EVFLAG_AUTO);
	if (!world.loop || addr_parse("[" PEER "]:7017", &peer) < 0)
		return -1;
	return grasp_io_ev_new(world.loop, &cfg, &world.io);
}

static int
tear_down(void **state)
{
	(void)state;
	grasp_node_free(node);
	live_close(&world);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_neighbor_is_found_on_the_link_G_050_G_065_G_067),
		TEST(a_node_is_found_by_its_scope_F_07_F_08_F_09),
		TEST(what_nobody_has_is_not_found_G_072),
		TEST(a_number_is_negotiated_down_and_agreed_G_091_G_094),
		TEST(a_value_is_fetched_G_104),
		TEST(what_is_not_offered_is_refused_G_055),
		TEST(a_flood_names_the_place_of_its_sender_A_08_G_113),
	};

	return RUN_TESTS(tests, set_up, tear_down);
}
