/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the engine asks its guard: real nodes, real guards, a fake world. */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "base/cbor.h"
#include "grasp/relay.h"
#include "tests/support/guarded.h"
#include "tests/support/web.h"

static const uint8_t one = 1;
#define ONE	((struct slice){ &one, 1 })
#define MEMBERS 4

static struct web w;
static struct guarded_domain domain;
static struct guarded member[MEMBERS];

/* What an ASA was told, and on whose word. */
static struct told {
	unsigned floods, questions;
	struct grasp_who who;
	bool proved, answers;
} told;

static void
note(const struct grasp_peer *from)
{
	told.proved = from->who != NULL;
	if (from->who)
		told.who = *from->who;
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg, (void)obj, (void)locator, (void)ttl_ms;
	told.floods++;
	note(from);
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	(void)arg, (void)asked, (void)ret_value;
	told.questions++;
	note(from);
	return told.answers;
}

static const struct grasp_support asa = { .discovered = discovered, .flooded = flooded };

static int
setup(void **state)
{
	(void)state;
	memset(&told, 0, sizeof told);
	web_init(&w);
	guarded_init(&domain, w.net);
	for (unsigned i = 0; i < MEMBERS; i++)
		guarded_member(
		    &member[i], &domain, i == 0 ? TRUST_CONTROLLER : TRUST_AGENT, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < w.nodes; i++) {
		grasp_node_free(w.n[i].node);
		w.n[i].node = NULL;
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		guarded_leave(&member[i]);
	guarded_done(&domain);
	w.nodes = 0;
	web_done(&w);
	return 0;
}

static struct grasp_config
config(unsigned number, bool relay)
{
	return (struct grasp_config){
		.link_local = true, .relay = relay, .guard = &member[number].hook
	};
}

/* Member 0 on link 1, relays 1 and 2, member 3 on link 3. */
static void
make_chain(void)
{
	for (unsigned i = 0; i < MEMBERS; i++) {
		const struct grasp_config cfg = config(i, i == 1 || i == 2);

		if (i == 0 || i == 3)
			web_add(&w, &cfg, i == 0 ? 1 : 3, 0);
		else
			web_add(&w, &cfg, i, i + 1, 0);
	}
	web_support(&w, 3, "FOGDOMAIN", &asa);
	web_support(&w, 3, "EX1", &asa);
}

static int
flood(unsigned node, const char *name, uint8_t loop_count, struct slice value)
{
	struct grasp_objective o = lab_objective(name, F_DISC, value);
	struct grasp_locator l = {
		.kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 7017
	};

	if (loop_count > 1)
		l.ip = web_ip(&w, node, 1);
	o.loop_count = loop_count;
	return grasp_flood(w.n[node].node, &o, &l, 60000);
}

static const struct guard_counters *
counters(unsigned node)
{
	return guard_counters(member[node].guard);
}

static void
assert_on_the_word_of(unsigned number)
{
	const struct trust_name *name = credential_name(member[number].self);

	assert_true(told.proved);
	assert_int_equal(told.who.role, name->role);
	assert_memory_equal(told.who.id, name->id.bytes, sizeof told.who.id);
}

/* --- on the way ------------------------------------------------------------------------------- */

static void
a_flood_is_verified_behind_two_relays_by_its_own_signature(void **state)
{
	const struct fake_packet *first, *last;
	struct slice a, b;

	(void)state;
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 6, ONE), 1);
	web_run(&w, 100);
	assert_int_equal(told.floods, 1);
	assert_on_the_word_of(0);
	first = web_message(&w, M_FLOOD, 1, 0, NULL);
	last = web_message(&w, M_FLOOD, 3, 0, NULL);
	a = first->data;
	b = last->data;
	assert_int_equal(a.len, b.len);
	for (size_t i = 0, differ = 0; i < a.len; i++) {
		differ += a.data[i] != b.data[i];
		assert_true(differ <= 1); /* the loop count */
	}
}

static void
a_question_comes_through_relays_and_its_asker_is_known(void **state)
{
	(void)state;
	make_chain();
	told.answers = true;
	web_discover(&w, 0, "EX1", 6, 2000);
	web_run(&w, 2100);
	assert_int_equal(told.questions, 1);
	assert_on_the_word_of(0);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
a_sealed_domain_relays_as_well(void **state)
{
	static const uint8_t secret[GUARD_SECRET_LEN] = { 1 };
	const struct guard_config sealed = { .mode = GUARD_SEALED };

	(void)state;
	for (unsigned i = 0; i < MEMBERS; i++) {
		guarded_restart(&member[i], &sealed);
		assert_int_equal(
		    guard_secret(member[i].guard, 1, secret, PKI_NOW + PKI_DAY), 0);
	}
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 6, ONE), 1);
	web_run(&w, 100);
	assert_int_equal(told.floods, 1);
	assert_on_the_word_of(0);
	assert_int_equal(web_count(&w, M_FLOOD, 0), 0); /* nobody can read it */
	told.answers = true;
	web_discover(&w, 0, "EX1", 6, 2000);
	web_run(&w, 2100);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
what_a_plain_relay_took_the_signature_from_goes_no_further(void **state)
{
	struct grasp_msg msg;

	(void)state;
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 6, ONE), 1);
	assert_non_null(web_message(&w, M_FLOOD, 1, 0, &msg));
	web_cast_msg(&w, 3, 0, &msg, NULL);
	assert_int_equal(told.floods, 0);
	assert_int_equal(counters(3)->dropped[GUARD_UNSIGNED], 1);
	assert_int_equal(web_counters(&w, 3)->untrusted, 1);
}

/* --- who lies --------------------------------------------------------------------------------- */

/* The true message with a byte of its signature changed. */
static struct slice
forge(struct slice data, uint8_t memory[GRASP_MULTICAST_MAX])
{
	memcpy(memory, data.data, data.len);
	memory[data.len - 1] ^= 1;
	return (struct slice){ memory, data.len };
}

static void
a_forger_does_not_suppress_the_true_flood(void **state)
{
	uint8_t memory[GRASP_MULTICAST_MAX];
	const struct fake_packet *p;
	struct slice forged;

	(void)state;
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 6, ONE), 1);
	p = web_message(&w, M_FLOOD, 1, 0, NULL);
	forged = forge(p->data, memory);
	web_cast(&w, 1, 0, forged, NULL); /* before the true one */
	web_cast(&w, 3, 0, forged, NULL);
	assert_int_equal(told.floods, 0);
	assert_int_equal(counters(3)->dropped[GUARD_BAD_SIGNATURE], 1);
	assert_int_equal(web_counters(&w, 1)->relayed_floods, 0);
	web_run(&w, 100);
	assert_int_equal(told.floods, 1);
}

static void
a_forger_does_not_suppress_the_true_question(void **state)
{
	uint8_t memory[GRASP_MULTICAST_MAX];
	const struct fake_packet *p;
	struct slice forged;

	(void)state;
	make_chain();
	told.answers = true;
	web_discover(&w, 0, "EX1", 6, 2000);
	p = web_message(&w, M_DISCOVERY, 1, 0, NULL);
	forged = forge(p->data, memory);
	web_cast(&w, 1, 0, forged, NULL);
	web_cast(&w, 3, 0, forged, NULL);
	assert_int_equal(told.questions, 0);
	web_run(&w, 2100);
	assert_int_equal(told.questions, 1);
	assert_int_equal(w.n[0].diary.found, 1);
}

static void
a_lowered_loop_count_does_not_suppress_the_true_flood(void **state)
{
	uint8_t memory[GRASP_MULTICAST_MAX];
	const struct fake_packet *p;
	struct buf low;

	(void)state;
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 3, ONE), 1);
	p = web_message(&w, M_FLOOD, 1, 0, NULL);
	buf_init_fixed(&low, memory, sizeof memory);
	assert_int_equal(relay_decrement(p->data, &low), 0);
	web_cast(&w, 1, 0, buf_slice(&low), NULL);
	web_run(&w, 100);
	assert_int_equal(told.floods, 1);
}

/* --- where from, where to --------------------------------------------------------------------- */

/* A flood by member 0, new each time, that arrives at node 0. */
static void
cast_at(uint32_t session_id, const char *source, const char *group, uint32_t ifindex)
{
	struct grasp_datagram d = {
		.from = { .ip = lab_ip(source), .ifindex = ifindex, .port = 4000 },
		.to = lab_ip(group),
		.hop_limit = 1,
	};
	struct grasp_msg f = { .type = M_FLOOD,
		.session_id = session_id,
		.initiator = lab_initiator("2001:db8::99"),
		.time_ms = 60000,
		.items = 1 };
	uint8_t plain[256], wire[GRASP_MULTICAST_MAX];
	struct buf p, b;

	f.flooded[0] = lab_objective("FOGDOMAIN", F_DISC, ONE);
	f.flooded[0].loop_count = 1;
	buf_init_fixed(&p, plain, sizeof plain);
	buf_init_fixed(&b, wire, sizeof wire);
	assert_int_equal(grasp_msg_encode(&f, &p), 0);
	assert_int_equal(
	    member[0].hook.protect(member[0].hook.arg, &d.to, buf_slice(&p), true, &b),
	    0);
	d.data = buf_slice(&b);
	fake_inject(w.n[0].host, &d);
	fake_run(w.net, 10);
}

static void
only_fitting_groups_interfaces_and_sources_are_heard_S_11(void **state)
{
	static const struct {
		const char *group;
		bool joined, link;
	} groups[] = { { "ff02::13", true, true }, { "ff14::a", true, false },
		{ "ff15::b", true, false }, { "ff14::c", false, false } };
	static const char *const sources[] = { "fe80::99", "2001:db8::99" };
	const struct in6_addr joins[] = { lab_ip("ff14::a"), lab_ip("ff15::b") };
	struct grasp_config cfg = config(1, false);
	uint32_t interfaces[3], session_id = 1;
	unsigned delivered = 0;

	(void)state;
	cfg.join = joins;
	cfg.joins = 2;
	web_add(&w, &cfg, 1, 2, 0);
	web_support(&w, 0, "FOGDOMAIN", &asa);
	interfaces[0] = w.n[0].ifindex[0];
	interfaces[1] = w.n[0].ifindex[1];
	interfaces[2] = 999; /* none of ours */
	for (unsigned g = 0; g < ARRAY_LEN(groups); g++)
		for (unsigned i = 0; i < ARRAY_LEN(interfaces); i++)
			for (unsigned s = 0; s < ARRAY_LEN(sources); s++) {
				bool fits = groups[g].joined && i < 2 &&
				    groups[g].link == (s == 0);

				cast_at(session_id++, sources[s], groups[g].group,
				    interfaces[i]);
				delivered += fits;
				assert_int_equal(told.floods, delivered);
			}
	assert_int_equal(delivered, 6);
}

/* --- what it costs ---------------------------------------------------------------------------- */

static void
a_question_that_nobody_here_settles_costs_no_signature_check_S_10(void **state)
{
	const struct grasp_config leaf = config(3, false), asker = config(0, false);

	(void)state;
	web_add(&w, &asker, 1, 0);
	for (unsigned i = 1; i < 3; i++)
		web_add(&w, NULL, 1, 0);
	web_add(&w, &leaf, 1, 0);
	web_discover(&w, 0, "EX1", 6, 2000);
	web_run(&w, 100);
	assert_int_equal(web_counters(&w, 3)->discoveries, 1);
	assert_int_equal(counters(3)->verified, 0);
}

static void
a_copy_of_what_was_told_costs_no_signature_check_S_10(void **state)
{
	const struct fake_packet *p;

	(void)state;
	make_chain();
	assert_int_equal(flood(0, "FOGDOMAIN", 6, ONE), 1);
	web_run(&w, 100);
	p = web_message(&w, M_FLOOD, 3, 0, NULL);
	for (unsigned i = 0; i < 10; i++)
		web_cast(&w, 3, 0, p->data, "fe80::98");
	assert_int_equal(counters(3)->verified + counters(3)->cached, 1);
	assert_int_equal(web_counters(&w, 3)->duplicate, 10);
	assert_int_equal(told.floods, 1);
}

static void
one_source_costs_so_much_in_a_second_and_no_more_S_10(void **state)
{
	const struct grasp_config leaf = config(3, false);
	static const uint8_t junk[] = { 0x81, 0x00 };

	(void)state;
	web_add(&w, &leaf, 1, 0);
	for (unsigned i = 0; i < 1000; i++)
		web_cast(&w, 0, 0, (struct slice){ junk, sizeof junk }, NULL);
	assert_in_range(web_counters(&w, 0)->rate_limited, 890, 910);
	web_cast(&w, 0, 0, (struct slice){ junk, sizeof junk }, "fe80::98");
	assert_in_range(web_counters(&w, 0)->rate_limited, 890, 910);
}

/* --- limits of answers -------------------------------------------------------------------------- */

/* Questions by members, all from the address of one relay. */
static void
ask(unsigned times, unsigned members)
{
	for (unsigned i = 0; i < times; i++) {
		struct guarded *asker = &member[1 + i % members];
		struct grasp_msg q = { .type = M_DISCOVERY,
			.session_id = 1000 + i,
			.has_objective = true,
			.initiator = lab_initiator("2001:db8::99"),
			.objective = lab_objective("EX1", F_DISC, (struct slice){ 0 }) };
		const struct in6_addr group = lab_ip("ff02::13");
		uint8_t plain[256], wire[GRASP_MULTICAST_MAX];
		struct buf p, b;

		q.objective.loop_count = 1;
		buf_init_fixed(&p, plain, sizeof plain);
		buf_init_fixed(&b, wire, sizeof wire);
		assert_int_equal(grasp_msg_encode(&q, &p), 0);
		assert_int_equal(
		    asker->hook.protect(asker->hook.arg, &group, buf_slice(&p), true, &b),
		    0);
		web_cast(&w, 0, 0, buf_slice(&b), NULL);
	}
}

static void
each_signer_has_answers_of_his_own_behind_one_relay_S_09(void **state)
{
	const struct grasp_config cfg = config(0, false);
	unsigned alone;

	(void)state;
	web_add(&w, &cfg, 1, 0);
	web_support(&w, 0, "EX1", &asa);
	told.answers = true;
	ask(20, 1);
	alone = 20 - (unsigned)web_counters(&w, 0)->rate_limited;
	assert_in_range(alone, 4, 6);
	web_run(&w, 10000);
	ask(30, 3);
	assert_int_equal(50 - web_counters(&w, 0)->rate_limited - alone, 3 * alone);
}

/* --- limits of the message ---------------------------------------------------------------------- */

static void
a_message_leaves_room_for_its_protection_G_013(void **state)
{
	uint8_t value[GRASP_MULTICAST_MAX] = { 0x59 };
	const struct grasp_config cfg = config(1, false);
	size_t most = 0;

	(void)state;
	web_add(&w, &cfg, 1, 0);
	for (size_t len = 800; len < 1100 && most == 0; len++) {
		value[1] = (uint8_t)((len - 3) >> 8);
		value[2] = (uint8_t)(len - 3);
		if (flood(0, "EX1", 6, (struct slice){ value, len }) == -EMSGSIZE)
			most = len - 1;
	}
	assert_in_range(most, 1000, 1099);
	for (size_t i = 0; i < fake_packets(w.net); i++)
		assert_true(fake_packet(w.net, i)->data.len <= GRASP_MULTICAST_MAX);
}

/* --- before membership -------------------------------------------------------------------------- */

static struct guarded newcomer;

static void
fogjoin_is_heard_by_strangers_and_goes_no_further_S_12(void **state)
{
	const struct grasp_config relay = config(1, true), leaf = config(3, false);
	struct grasp_config cfg;
	struct grasp_msg q = { .type = M_DISCOVERY,
		.session_id = 9,
		.has_objective = true,
		.initiator = lab_initiator("fe80::99"),
		.objective = lab_objective("FOGJOIN", F_DISC, (struct slice){ 0 }) };

	(void)state;
	guarded_member(&newcomer, &domain, TRUST_STRANGER, NULL);
	cfg = (struct grasp_config){ .link_local = true, .guard = &newcomer.hook };
	web_add(&w, &leaf, 1, 0);
	web_add(&w, &cfg, 1, 0);
	web_add(&w, &relay, 1, 2, 0);
	web_support(&w, 1, "FOGJOIN", &asa);
	assert_int_equal(flood(0, "FOGJOIN", 1, ONE), 1);
	web_run(&w, 100);
	assert_int_equal(told.floods, 1);
	assert_false(told.proved);
	assert_int_equal(web_count(&w, M_FLOOD, 2), 0);
	/* The relay has heard it, and keeps it to itself. */
	q.objective.loop_count = 1;
	web_cast_msg(&w, 2, 1, &q, NULL);
	web_run(&w, 1000);
	assert_int_equal(web_counters(&w, 2)->diverts, 0);
	assert_int_equal(web_counters(&w, 2)->relayed_discoveries, 0);
	assert_int_equal(flood(1, "EX1", 6, ONE), 0); /* it may not */
	grasp_node_free(w.n[1].node);
	w.n[1].node = NULL;
	guarded_leave(&newcomer);
}

static void
who_listens_later_is_told_on_whose_word_it_was(void **state)
{
	(void)state;
	make_chain();
	assert_int_equal(flood(0, "EX2", 6, ONE), 1);
	web_run(&w, 100);
	web_support(&w, 3, "EX2", &asa);
	web_run(&w, 10);
	assert_int_equal(told.floods, 1);
	assert_on_the_word_of(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_flood_is_verified_behind_two_relays_by_its_own_signature),
		TEST(a_question_comes_through_relays_and_its_asker_is_known),
		TEST(a_sealed_domain_relays_as_well),
		TEST(what_a_plain_relay_took_the_signature_from_goes_no_further),
		TEST(a_forger_does_not_suppress_the_true_flood),
		TEST(a_forger_does_not_suppress_the_true_question),
		TEST(a_lowered_loop_count_does_not_suppress_the_true_flood),
		TEST(only_fitting_groups_interfaces_and_sources_are_heard_S_11),
		TEST(a_question_that_nobody_here_settles_costs_no_signature_check_S_10),
		TEST(a_copy_of_what_was_told_costs_no_signature_check_S_10),
		TEST(one_source_costs_so_much_in_a_second_and_no_more_S_10),
		TEST(each_signer_has_answers_of_his_own_behind_one_relay_S_09),
		TEST(a_message_leaves_room_for_its_protection_G_013),
		TEST(fogjoin_is_heard_by_strangers_and_goes_no_further_S_12),
		TEST(who_listens_later_is_told_on_whose_word_it_was),
	};
	struct CMUnitTest fresh[ARRAY_LEN(tests)];

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		fresh[i] = tests[i];
		fresh[i].setup_func = setup;
		fresh[i].teardown_func = teardown;
	}
	return RUN_TESTS(fresh, NULL, NULL);
}
