/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/advert.h"

#include "base/log.h"
#include "tests/support/lab.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct lab lab;
static struct advert *advert;
static struct diary diary;
static struct grasp_registration *listening;
static struct advert_config cfg;

/* The controller is node 0; node 1 hears what is flooded. */
static int
setup(void **state)
{
	(void)state;
	memset(&diary, 0, sizeof diary);
	lab_init(&lab, 3, LAB_LINK);
	cfg = (struct advert_config){ .id = { { 7 } },
		.domain = "plant",
		.scope = "",
		.epoch = 3,
		.period_ms = 10000 };
	return grasp_register(
	    lab.node[1], "FOGDOMAIN", 0, &diary_listener, &diary, &listening);
}

static int
teardown(void **state)
{
	(void)state;
	advert_free(advert);
	advert = NULL;
	lab_done(&lab);
	return 0;
}

static void
start(void)
{
	assert_int_equal(advert_new(lab.node[0], &cfg, &advert), 0);
}

static struct fog_domain
said(void)
{
	struct fog_domain d;

	assert_int_equal(
	    fog_domain_decode((struct slice){ diary.value, diary.value_len }, &d), 0);
	return d;
}

static void
a_controller_floods_who_it_is_at_once_and_where_F_01(void **state) /* DISC-05 */
{
	struct fog_domain d;

	(void)state;
	start();
	fake_run(lab.net, 50);
	assert_int_equal(diary.flooded, 1);
	d = said();
	assert_int_equal(d.id.bytes[0], 7);
	assert_string_equal(d.domain, "plant");
	assert_int_equal(d.epoch, 3);
	assert_int_equal(d.role, FOG_CONTROLLER);
	assert_false(d.leaving);
	assert_int_equal(diary.ttl_ms, 30000);
	assert_int_equal(diary.locator[0].kind, O_IPv6_LOCATOR);
	assert_int_equal(diary.locator[0].port, GRASP_LISTEN_PORT);
	assert_false(IN6_IS_ADDR_UNSPECIFIED(&diary.locator[0].ip));
}

/* When the nth flood (from 0) left; 0: not yet. */
static int64_t
flood_at(unsigned n)
{
	const struct fake_packet *p = fake_message(lab.net, M_FLOOD, n, NULL);

	return p ? p->at_ms : 0;
}

static void
it_floods_three_times_soon_after_and_then_each_period_F_14_G_123(void **state)
{
	int64_t began = fake_now(lab.net);

	(void)state;
	start();
	fake_run(lab.net, 9500);
	assert_int_equal(diary.flooded, 4);
	assert_int_equal(flood_at(0), began);
	for (unsigned i = 1; i < 4; i++)
		assert_int_equal(flood_at(i) - flood_at(i - 1), 3000);
	fake_run(lab.net, 13000);
	assert_in_range(flood_at(4) - flood_at(3), 8000, 12000);
	assert_int_equal(fake_count(lab.net, M_DISCOVERY), 0);
}

static void
the_period_doubles_to_160_s_while_nothing_changes_F_14_G_110(void **state)
{
	static const int64_t period_s[] = { 10, 20, 40, 80, 160, 160, 160 };

	(void)state;
	start();
	fake_run(lab.net, 900000);
	for (unsigned i = 0; i < ARRAY_LEN(period_s); i++)
		assert_in_range(flood_at(i + 4) - flood_at(i + 3), period_s[i] * 800,
		    period_s[i] * 1200);
}

static void
a_flood_lives_three_times_as_long_as_the_period_that_follows_F_01(void **state)
{
	struct grasp_msg msg;

	(void)state;
	start();
	fake_run(lab.net, 900000);
	for (unsigned i = 4; i < 8; i++) {
		assert_non_null(fake_message(lab.net, M_FLOOD, i, &msg));
		assert_true(msg.time_ms * 10 >= (flood_at(i + 1) - flood_at(i)) * 25);
	}
	assert_int_equal(msg.time_ms, 3 * 160000);
}

static void search(const char *domain, const char *scope, bool with_value);

static void
a_newcomer_brings_the_short_period_back_F_14(void **state)
{
	unsigned before;

	(void)state;
	start();
	fake_run(lab.net, 900000);
	before = fake_count(lab.net, M_FLOOD);
	search("plant", "", true);
	fake_run(lab.net, 30000);
	assert_in_range(fake_count(lab.net, M_FLOOD) - before, 2, 4);
}

/* The draft does not say; G-034 does. */
static void
each_announcement_has_a_session_id_of_its_own_F_14_G_034(void **state)
{
	struct grasp_msg a, b;

	(void)state;
	start();
	fake_run(lab.net, 60000);
	for (unsigned i = 1; i < fake_count(lab.net, M_FLOOD); i++) {
		assert_non_null(fake_message(lab.net, M_FLOOD, i - 1, &a));
		assert_non_null(fake_message(lab.net, M_FLOOD, i, &b));
		assert_int_not_equal(a.session_id, b.session_id);
	}
}

static void
no_two_announcements_are_nearer_than_three_seconds_F_14(void **state)
{
	unsigned n;

	(void)state;
	cfg.period_ms = 3000;
	start();
	for (int i = 0; i < 30; i++)
		search("plant", "", true); /* all the time somebody comes */
	n = fake_count(lab.net, M_FLOOD);
	assert_true(n > 10);
	for (unsigned i = 1; i < n; i++)
		assert_true(flood_at(i) - flood_at(i - 1) >= 3000);
}

/* At boot an address is tentative for a second or two. */
static void
without_an_address_it_tries_again_soon(void **state)
{
	(void)state;
	fake_detach(lab.host[0], lab.ifindex[0]);
	fake_run(lab.net, 0);
	start();
	fake_run(lab.net, 5000);
	assert_int_equal(diary.flooded, 0);
	fake_attach(lab.host[0], 1, "fe80::1", "2001:db8::1", NULL);
	fake_run(lab.net, 400);
	assert_int_equal(diary.flooded, 1);
}

static void
who_leaves_says_so_with_a_short_life(void **state) /* DISC-21 */
{
	(void)state;
	start();
	fake_run(lab.net, 50);
	advert_leave(advert);
	fake_run(lab.net, 50);
	assert_true(said().leaving);
	assert_in_range(diary.ttl_ms, 1, 10000); /* zero would mean for ever */
	fake_run(lab.net, 60000);
	assert_int_equal(diary.flooded, 2);
}

static void
search(const char *domain, const char *scope, bool with_value)
{
	struct fog_domain d = { .role = FOG_AGENT };
	struct grasp_discovery *discovery;
	struct grasp_objective o;
	uint8_t memory[600];
	struct buf value;

	snprintf(d.domain, sizeof d.domain, "%s", domain);
	snprintf(d.scope, sizeof d.scope, "%s", scope);
	buf_init_fixed(&value, memory, sizeof memory);
	if (with_value)
		fog_domain_encode(&d, &value);
	o = lab_objective("FOGDOMAIN", F_DISC | F_SYNCH, buf_slice(&value));
	diary.found = 0;
	assert_int_equal(grasp_discover(lab.node[2], &o, 0, diary_found, diary_searched,
			     &diary, &discovery),
	    0);
	fake_run(lab.net, 2000);
}

static void
who_looks_for_a_controller_gets_an_answer_with_or_without_a_value_F_03(
    void **state) /* DISC-04 */
{
	(void)state;
	start();
	search("plant", "", true);
	assert_int_equal(diary.found, 1);
	assert_int_equal(said().id.bytes[0], 7);
	search("", "", true);
	assert_int_equal(diary.found, 1);
	search("", "", false); /* F-03 */
	assert_int_equal(diary.found, 1);
	assert_int_equal(advert_counters(advert)->answers, 3);
}

/* FOGDOMAIN and FOGNODEDOMAIN: who is asked decides, not the name alone. */
static void
an_agent_may_look_for_its_controller_under_the_other_name_F_05(void **state)
{
	static const enum fog_role role[] = { FOG_AGENT, FOG_CONTROLLER, 0 };

	(void)state;
	start();
	for (size_t i = 0; i < ARRAY_LEN(role); i++) {
		struct fog_domain d = { .role = role[i], .domain = "plant" };
		struct grasp_discovery *discovery;
		struct grasp_objective o;
		uint8_t memory[100];
		struct buf value;

		buf_init_fixed(&value, memory, sizeof memory);
		fog_domain_encode(&d, &value);
		o = lab_objective("FOGNODEDOMAIN", F_DISC | F_SYNCH, buf_slice(&value));
		diary.found = 0;
		assert_int_equal(grasp_discover(lab.node[2], &o, 0, diary_found,
				     diary_searched, &diary, &discovery),
		    0);
		fake_run(lab.net, 2000);
		assert_int_equal(diary.found, role[i] == FOG_AGENT);
	}
}

static void
another_domain_or_scope_gets_none_SCP_04_SC_10(void **state) /* SCP-04 */
{
	(void)state;
	cfg.scope = "admin=operator1";
	start();
	search("other", "", true);
	assert_int_equal(diary.found, 0);
	search("plant", "admin=operator2;type=robot", true);
	assert_int_equal(diary.found, 0);
	search("plant", "admin=operator1;type=robot", true);
	assert_int_equal(diary.found, 1);
	assert_int_equal(advert_counters(advert)->not_for_us, 2);
}

static void
the_drafts_form_is_sent_beside_the_flood_if_asked_for_F_01(void **state)
{
	struct fog_domain d;
	struct grasp_msg msg;

	(void)state;
	cfg.draft = true;
	start();
	fake_run(lab.net, 50000);
	assert_int_equal(fake_count(lab.net, M_DISCOVERY), fake_count(lab.net, M_FLOOD));
	assert_true(fake_count(lab.net, M_FLOOD) >= 5);
	assert_non_null(fake_message(lab.net, M_DISCOVERY, 0, &msg));
	assert_true(slice_is(msg.objective.name, "FOGDOMAIN"));
	assert_int_equal(msg.objective.flags, 5);
	assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
	assert_int_equal(d.role, FOG_CONTROLLER);
}

static void
the_controllers_id_is_in_the_value_and_never_the_initiator_F_15_F_19(void **state)
{
	struct grasp_msg msg;
	struct fog_domain d;

	(void)state;
	cfg.scope = "type=robot";
	start();
	fake_run(lab.net, 50);
	assert_non_null(fake_message(lab.net, M_FLOOD, 0, &msg));
	assert_int_equal(msg.initiator.len, 16);
	assert_memory_equal(msg.initiator.bytes, lab_address(0).ip.s6_addr, 16);
	assert_int_equal(fog_domain_decode(msg.flooded[0].value, &d), 0);
	assert_memory_equal(&d.id, &cfg.id, sizeof d.id);
	assert_string_equal(d.scope, "type=robot");
}

static void
the_distance_is_the_loop_count_and_is_said_F_07_SC_11_SCP_05(void **state)
{
	struct grasp_msg msg;
	struct fog_domain d;

	(void)state;
	cfg.hops = 3;
	cfg.draft = true;
	start();
	fake_run(lab.net, 50);
	assert_non_null(fake_message(lab.net, M_FLOOD, 0, &msg));
	assert_int_equal(msg.flooded[0].loop_count, 3);
	assert_int_equal(fog_domain_decode(msg.flooded[0].value, &d), 0);
	assert_int_equal(d.hops, 3);
	assert_non_null(fake_message(lab.net, M_DISCOVERY, 0, &msg));
	assert_int_equal(msg.objective.loop_count, 3);
}

/* The bytes of the draft's example: a text, typed with plain quotation marks. */
static void
an_agent_that_says_only_a_text_is_answered_if_it_is_our_domain_F_18_F_19(void **state)
{
	static const struct {
		const char *text;
		unsigned found;
	} cases[] = { { "\x65plant", 1 }, { "\x65other", 0 } };

	(void)state;
	start();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct grasp_discovery *discovery;
		struct grasp_objective o = lab_objective("FOGDOMAIN", F_DISC | F_SYNCH,
		    (struct slice){ (const uint8_t *)cases[i].text, 6 });

		diary.found = 0;
		assert_int_equal(grasp_discover(lab.node[2], &o, 0, diary_found,
				     diary_searched, &diary, &discovery),
		    0);
		fake_run(lab.net, 2000);
		assert_int_equal(diary.found, cases[i].found);
	}
}

static void
the_drafts_example_has_exactly_these_bytes_DISC_02_F_03_F_18(void **state)
{
	static const uint8_t published[] = { 0x84, 0x01, 0x1a, 0x00, 0xd4, 0xd7, 0x49,
		0x50, 0x20, 0x01, 0x0d, 0xb8, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44,
		0x44, 0x55, 0x55, 0x66, 0x66, 0x84, 0x69, 'F', 'O', 'G', 'D', 'O', 'M',
		'A', 'I', 'N', 0x05, 0x02, 0x69, 'o', 'p', 'e', 'r', 'a', 't', 'o', 'r',
		'1' };
	struct grasp_msg msg = { .type = M_DISCOVERY,
		.session_id = 13948745,
		.initiator = lab_initiator("2001:db8:1111:2222:3333:4444:5555:6666"),
		.has_objective = true };
	struct fog_domain d;
	uint8_t memory[64];
	struct buf out;
	size_t len;

	(void)state;
	msg.objective = lab_objective("FOGDOMAIN", F_DISC | F_SYNCH,
	    BYTES(0x69, 'o', 'p', 'e', 'r', 'a', 't', 'o', 'r', '1'));
	msg.objective.loop_count = 2;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(&msg, &out), 0);
	assert_int_equal(out.pos, sizeof published);
	assert_memory_equal(memory, published, sizeof published);
	assert_int_equal(
	    grasp_msg_decode((struct slice){ published, sizeof published }, &msg, &len),
	    0);
	assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
	assert_string_equal(d.domain, "operator1");
}

static void
flags_4_5_and_1_are_all_answered_F_04(void **state)
{
	static const unsigned flags[] = { F_SYNCH, F_DISC | F_SYNCH, F_DISC };

	(void)state;
	start();
	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		struct grasp_discovery *discovery;
		struct grasp_objective o =
		    lab_objective("FOGDOMAIN", flags[i], (struct slice){ 0 });

		diary.found = 0;
		assert_int_equal(grasp_discover(lab.node[2], &o, 0, diary_found,
				     diary_searched, &diary, &discovery),
		    0);
		fake_run(lab.net, 2000);
		assert_int_equal(diary.found, 1);
	}
}

static void
another_controller_is_heard_and_nothing_more(void **state)
{
	struct advert_config second = cfg;
	struct advert *b;

	(void)state;
	second.id.bytes[0] = 8;
	start();
	assert_int_equal(advert_new(lab.node[2], &second, &b), 0);
	fake_run(lab.net, 7000);
	assert_int_equal(advert_counters(advert)->others, 3);
	advert_leave(b);
	fake_run(lab.net, 100);
	advert_free(b);
	assert_true(advert_counters(advert)->floods >= 3);
}

/* The other one supports FOGDOMAIN and answers; that must not lead to anything but a number. */
static void
answers_to_our_own_advertisement_are_counted_and_ignored_F_20(void **state)
{
	struct advert_config second = cfg;
	struct advert *b;
	unsigned before;

	(void)state;
	second.id.bytes[0] = 8;
	cfg.draft = true;
	assert_int_equal(advert_new(lab.node[2], &second, &b), 0);
	fake_run(lab.net, 20000);
	start();
	before = fake_count(lab.net, M_REQ_NEG) + fake_count(lab.net, M_REQ_SYN);
	fake_run(lab.net, 1000);
	assert_true(fake_count(lab.net, M_RESPONSE) >= 1);
	assert_in_range(
	    advert_counters(advert)->others, 1, 2); /* and it hurries to flood */
	assert_int_equal(
	    fake_count(lab.net, M_REQ_NEG) + fake_count(lab.net, M_REQ_SYN), before);
	advert_free(b);
}

static void
a_prefix_stands_in_front_of_the_name_F_06(void **state) /* DISC-11 */
{
	struct grasp_msg msg;

	(void)state;
	cfg.prefix = "example.org:";
	start();
	fake_run(lab.net, 50);
	assert_int_equal(diary.flooded, 0);
	assert_non_null(fake_message(lab.net, M_FLOOD, 0, &msg));
	assert_true(slice_is(msg.flooded[0].name, "example.org:FOGDOMAIN"));
}

static void
with_both_names_it_floods_and_answers_under_either_F_06(void **state)
{
	struct grasp_config both = { .link_local = true, .prefix = "example.org:" };
	struct grasp_msg msg;

	(void)state;
	grasp_node_free(lab.node[0]);
	assert_int_equal(
	    grasp_node_new(fake_host_io(lab.host[0]), &both, &lab.node[0]), 0);
	cfg.prefix = "example.org:";
	cfg.plain_name = true;
	start();
	fake_run(lab.net, 50);
	assert_int_equal(diary.flooded, 1);
	assert_non_null(fake_message(lab.net, M_FLOOD, 0, &msg));
	assert_int_equal(msg.items, 2);
	assert_true(slice_is(msg.flooded[0].name, "example.org:FOGDOMAIN"));
	assert_true(slice_is(msg.flooded[1].name, "FOGDOMAIN"));
	search("plant", "", true);
	assert_int_equal(diary.found, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void
who_asks_for_it_gets_what_is_flooded_G_124(void **state)
{
	struct grasp_objective o =
	    lab_objective("FOGDOMAIN", F_SYNCH, (struct slice){ 0 });
	struct addr to = lab_address(0);
	struct grasp_session *s;
	struct grasp_link *l;

	(void)state;
	start();
	assert_int_equal(grasp_link_open(lab.node[2], &to, &diary_link, &diary, &l), 0);
	assert_int_equal(grasp_synchronize(l, &o, 0, &diary_session, &diary, &s), 0);
	fake_run(lab.net, 10);
	assert_int_equal(diary.synched, 1);
	assert_string_equal(said().domain, "plant");
	assert_int_equal(said().id.bytes[0], 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_controller_floods_who_it_is_at_once_and_where_F_01),
		CASE(it_floods_three_times_soon_after_and_then_each_period_F_14_G_123),
		CASE(the_period_doubles_to_160_s_while_nothing_changes_F_14_G_110),
		CASE(a_flood_lives_three_times_as_long_as_the_period_that_follows_F_01),
		CASE(a_newcomer_brings_the_short_period_back_F_14),
		CASE(each_announcement_has_a_session_id_of_its_own_F_14_G_034),
		CASE(no_two_announcements_are_nearer_than_three_seconds_F_14),
		CASE(without_an_address_it_tries_again_soon),
		CASE(who_leaves_says_so_with_a_short_life),
		CASE(
		    who_looks_for_a_controller_gets_an_answer_with_or_without_a_value_F_03),
		CASE(an_agent_may_look_for_its_controller_under_the_other_name_F_05),
		CASE(another_domain_or_scope_gets_none_SCP_04_SC_10),
		CASE(the_drafts_form_is_sent_beside_the_flood_if_asked_for_F_01),
		CASE(
		    the_controllers_id_is_in_the_value_and_never_the_initiator_F_15_F_19),
		CASE(the_distance_is_the_loop_count_and_is_said_F_07_SC_11_SCP_05),
		CASE(
		    an_agent_that_says_only_a_text_is_answered_if_it_is_our_domain_F_18_F_19),
		CASE(the_drafts_example_has_exactly_these_bytes_DISC_02_F_03_F_18),
		CASE(flags_4_5_and_1_are_all_answered_F_04),
		CASE(another_controller_is_heard_and_nothing_more),
		CASE(answers_to_our_own_advertisement_are_counted_and_ignored_F_20),
		CASE(a_prefix_stands_in_front_of_the_name_F_06),
		CASE(who_asks_for_it_gets_what_is_flooded_G_124),
		CASE(with_both_names_it_floods_and_answers_under_either_F_06),
	};

	log_open("test_advert", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
