/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "grasp/node_int.h"
#include "tests/support/lab.h"

static const uint8_t one = 1;
#define ONE ((struct slice){ &one, 1 })

struct fixture {
	struct lab lab;
	struct diary a, b;
	struct grasp_registration *reg;
};
static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, 2, LAB_SCOPED);
	return grasp_register(
	    f.lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &f.b, &f.reg);
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

static const struct grasp_counters *
counters(void)
{
	return grasp_node_counters(f.lab.node[1]);
}

static void
cast(struct slice bytes)
{
	struct grasp_datagram d = {
		.from = { lab_ip("fe80::99"), f.lab.ifindex[1], 4567 },
		.to = lab_ip(GRASP_ALL_NEIGHBORS_6),
		.hop_limit = 1,
		.data = bytes,
	};

	fake_inject(f.lab.host[1], &d);
	fake_run(f.lab.net, 0);
}

/* [1, 7, h'2001 db8 .. 99', ["EX1", 1, 6, 1]] */
static const uint8_t question[] = { 0x84, 0x01, 0x07, 0x50, 0x20, 0x01, 0x0d, 0xb8, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99, 0x84, 0x63, 'E', 'X', '1', 0x01, 0x06, 0x01 };

/* --- registrations ---------------------------------------------------------------------------- */

static void
a_name_is_registered_once(void **state)
{
	struct grasp_registration *again;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", 0, &diary_support, &f.b, &again),
	    -EEXIST);
	grasp_deregister(f.reg);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", 0, &diary_support, &f.b, &again), 0);
	grasp_deregister(NULL);
}

static void
names_are_compared_byte_by_byte_G_016(void **state)
{
	struct grasp_registration *other;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "ex1", 0, &diary_support, &f.b, &other), 0);
	assert_ptr_equal(node_registration(f.lab.node[1], slice_text("EX1")), f.reg);
	assert_ptr_equal(node_registration(f.lab.node[1], slice_text("ex1")), other);
	assert_null(node_registration(f.lab.node[1], slice_text("EX")));
	assert_null(node_registration(f.lab.node[1], slice_text("EX11")));
}

static void
a_name_has_1_to_64_bytes_of_utf8(void **state)
{
	static const char *const bad[] = { "",
		"12345678901234567890123456789012345678901234567890123456789012345",
		"\xc3(" };
	struct grasp_registration *reg;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    grasp_register(f.lab.node[1], bad[i], 0, &diary_support, &f.b, &reg),
		    -EINVAL);
	assert_int_equal(
	    grasp_register(f.lab.node[1], bad[1] + 1, 0, &diary_support, &f.b, &reg), 0);
}

/* --- datagrams --------------------------------------------------------------------------------- */

static void
bytes_after_the_message_are_ignored_I_15(void **state)
{
	uint8_t more[sizeof question + 3];

	(void)state;
	memcpy(more, question, sizeof question);
	memset(more + sizeof question, 0xff, 3);
	cast((struct slice){ more, sizeof more });
	assert_int_equal(f.b.asked, 1);
}

static void
malformed_datagrams_are_dropped_without_a_reply(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof question; len++)
		cast((struct slice){ question, len });
	assert_int_equal(counters()->malformed, sizeof question);
	cast(BYTES(0x9a, 0x10, 0x00, 0x00, 0x00)); /* I-23 */
	cast(BYTES(0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f,
	    0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f, 0x9f));
	assert_int_equal(counters()->malformed, sizeof question + 2);
	assert_int_equal(counters()->datagrams, sizeof question + 2);
	fake_run(f.lab.net, 100);
	assert_int_equal(fake_packets(f.lab.net), 0);
	assert_int_equal(f.b.asked, 0);
	cast((struct slice){ question, sizeof question });
	assert_int_equal(f.b.asked, 1);
}

static void
malformed_datagrams_leave_nothing_behind_S_13(void **state)
{
	uint8_t bytes[64];
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		for (size_t n = 0; n < sizeof bytes; n++)
			bytes[n] = (random = random * 1664525 + 1013904223) >> 24;
		memcpy(bytes, question, i % sizeof question);
		cast((struct slice){ bytes, sizeof bytes });
		if (i % 100 == 0)
			fake_run(f.lab.net, 100);
	}
	fake_run(f.lab.net, 3000);
	assert_true(f.lab.node[1]->seen.count <= SEEN_MAX);
	assert_int_equal(fake_streams(f.lab.host[1]), 0);
	assert_true(TAILQ_EMPTY(&f.lab.node[1]->links));
	assert_true(TAILQ_EMPTY(&f.lab.node[1]->responses));
}

static void
what_is_remembered_of_strangers_is_bounded(void **state)
{
	uint8_t bytes[sizeof question];

	(void)state;
	memcpy(bytes, question, sizeof question);
	for (unsigned i = 0; i < 3 * SEEN_MAX; i++) {
		bytes[12] = i >> 16;
		bytes[13] = i >> 8;
		bytes[14] = i;
		cast((struct slice){ bytes, sizeof bytes });
		fake_run(f.lab.net, 1);
	}
	assert_int_equal(f.lab.node[1]->seen.count, SEEN_MAX);
	fake_run(f.lab.net, GRASP_SEEN_MS);
	cast((struct slice){ bytes, sizeof bytes });
	assert_int_equal(f.lab.node[1]->seen.count, 1);
}

static void
an_unknown_type_is_dropped_without_a_reply_G_006(void **state)
{
	(void)state;
	cast(BYTES(0x83, 0x18, 0x32, 0x07, 0xf6));
	assert_int_equal(counters()->unknown_type, 1);
	fake_run(f.lab.net, 100);
	assert_int_equal(fake_packets(f.lab.net), 0);
}

static void
unicast_messages_are_not_taken_from_datagrams_G_045(void **state)
{
	(void)state;
	cast(BYTES(0x81, 0x00)); /* M_NOOP */
	cast(BYTES(0x83, 0x03, 0x07, 0x84, 0x63, 'E', 'X', '1', 0x02, 0x06,
	    0x01));					 /* M_REQ_NEG */
	cast(BYTES(0x83, 0x06, 0x07, 0x81, 0x18, 0x65)); /* M_END */
	cast(BYTES(0x82, 0x18, 0x63, 0x07));		 /* M_INVALID */
	assert_int_equal(counters()->unwanted, 3);
	assert_int_equal(f.b.asked, 0);
	fake_run(f.lab.net, 100);
	assert_int_equal(fake_packets(f.lab.net), 0);
}

static void
a_datagram_above_1232_bytes_is_dropped_G_013(void **state)
{
	static uint8_t bytes[GRASP_MULTICAST_MAX + 1];

	(void)state;
	memcpy(bytes, question, sizeof question);
	cast((struct slice){ bytes, GRASP_MULTICAST_MAX + 1 });
	assert_int_equal(counters()->too_long, 1);
	assert_int_equal(f.b.asked, 0);
	cast((struct slice){ bytes, GRASP_MULTICAST_MAX });
	assert_int_equal(f.b.asked, 1);
}

static void
an_interface_takes_2000_datagrams_a_second_S_10(void **state)
{
	(void)state;
	for (int i = 0; i < 2500; i++)
		cast(BYTES(0x81, 0x00));
	assert_int_equal(counters()->rate_limited, 500);
	fake_run(f.lab.net, 1000);
	cast((struct slice){ question, sizeof question });
	assert_int_equal(f.b.asked, 1);
}

/* --- session ids ------------------------------------------------------------------------------- */

static struct grasp_io_ops odd_ops;
static uint32_t next_random;

static void
odd_random(struct grasp_io *io, void *dst, size_t len)
{
	(void)io;
	memset(dst, 0, len);
	memcpy(dst, &next_random, len < sizeof next_random ? len : sizeof next_random);
}

static void
rig_random(uint32_t value)
{
	struct grasp_io *io = fake_host_io(f.lab.host[0]);

	odd_ops = *io->ops;
	odd_ops.random = odd_random;
	io->ops = &odd_ops;
	next_random = value;
}

static void
an_id_that_is_active_or_was_used_lately_is_not_used_G_037_G_038(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);
	struct grasp_msg m;

	(void)state;
	rig_random(UINT32_MAX);
	for (unsigned i = 0; i < 300; i++) {
		assert_int_equal(grasp_flood(f.lab.node[0], &o, NULL, 1), 1);
		if (i < 256)
			assert_int_equal(
			    f.lab.node[0]->recent[i], (uint32_t)(UINT32_MAX + i));
	}
	assert_non_null(
	    fake_message(f.lab.net, M_FLOOD, 2, &m)); /* G-033: over the edge */
	assert_int_equal(m.session_id, 0);
}

static void
a_discovery_and_a_session_keep_their_ids_for_themselves_G_037(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);
	struct addr to = lab_address(1);
	struct grasp_discovery *d;
	struct grasp_session *s;
	struct grasp_link *l;

	(void)state;
	rig_random(1000);
	assert_int_equal(grasp_link_open(f.lab.node[0], &to, NULL, NULL, &l), 0);
	assert_int_equal(grasp_negotiate(l, &o, 0, &diary_session, &f.a, &s), 0);
	assert_int_equal(
	    grasp_discover(f.lab.node[0], &o, 90000, NULL, NULL, NULL, &d), 0);
	assert_int_equal(grasp_session_id(s), 1000);
	memset(f.lab.node[0]->recent, 0, sizeof f.lab.node[0]->recent); /* long ago */
	assert_true(discovery_uses_id(f.lab.node[0], 1001));
	assert_int_equal(node_new_session_id(f.lab.node[0]), 1002);
}

/* --- life ----------------------------------------------------------------------------------- */

static void
all_groups_are_joined_on_all_interfaces_SC_13(void **state)
{
	uint32_t second = fake_attach(f.lab.host[0], 4, "fe80::1", NULL);

	(void)state;
	fake_run(f.lab.net, 0);
	assert_true(
	    fake_is_joined(f.lab.host[0], f.lab.ifindex[0], GRASP_ALL_NEIGHBORS_6));
	assert_true(fake_is_joined(f.lab.host[0], f.lab.ifindex[0], LAB_SCOPE));
	assert_true(fake_is_joined(f.lab.host[0], second, GRASP_ALL_NEIGHBORS_6));
	assert_true(fake_is_joined(f.lab.host[0], second, LAB_SCOPE));
}

static void
a_join_that_fails_is_tried_again_when_interfaces_change_G_056(void **state)
{
	uint32_t second = fake_attach(f.lab.host[0], 4, "fe80::1", NULL);

	(void)state;
	fake_fail(f.lab.host[0], 2, ENOBUFS);
	fake_run(f.lab.net, 0);
	assert_false(fake_is_joined(f.lab.host[0], second, GRASP_ALL_NEIGHBORS_6));
	fake_add_address(f.lab.host[0], second, "2001:db8:4::1");
	fake_run(f.lab.net, 0);
	assert_true(fake_is_joined(f.lab.host[0], second, GRASP_ALL_NEIGHBORS_6));
	assert_true(fake_is_joined(f.lab.host[0], second, LAB_SCOPE));
}

static void
a_new_node_may_take_over_the_io_of_the_old_one(void **state)
{
	struct grasp_config cfg = { .link_local = true };

	(void)state;
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
	assert_false(
	    fake_is_joined(f.lab.host[1], f.lab.ifindex[1], GRASP_ALL_NEIGHBORS_6));
	cast((struct slice){ question, sizeof question });
	assert_int_equal(f.b.asked, 0);
	assert_int_equal(
	    grasp_node_new(fake_host_io(f.lab.host[1]), &cfg, &f.lab.node[1]), 0);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", F_DISC, &diary_support, &f.b, &f.reg),
	    0);
	cast((struct slice){ question, sizeof question });
	assert_int_equal(f.b.asked, 1);
	assert_ptr_equal(grasp_node_io(f.lab.node[1]), fake_host_io(f.lab.host[1]));
}

static void
a_node_that_cannot_start_leaves_nothing(void **state)
{
	struct in6_addr unicast = lab_ip("2001:db8::1");
	struct grasp_config cfg = { .link_local = true };
	struct fake_host *h = fake_host_new(f.lab.net);
	struct grasp_node *node = NULL;

	(void)state;
	fake_fail(h, 1, ENOMEM); /* its timer */
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), -ENOMEM);
	cfg.join = &unicast;
	cfg.joins = 1;
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), -EINVAL);
	cfg = (struct grasp_config){ .send = &unicast, .sends = 1 };
	assert_int_equal(grasp_node_new(fake_host_io(h), &cfg, &node), -EINVAL);
	assert_null(node);
	grasp_node_free(NULL);
}

struct told {
	unsigned lines;
	char area[16], text[128];
};

static void __attribute__((format(printf, 3, 0)))
tell(void *arg, const char *area, const char *fmt, va_list ap)
{
	struct told *t = arg;

	t->lines++;
	snprintf(t->area, sizeof t->area, "%s", area);
	vsnprintf(t->text, sizeof t->text, fmt, ap);
}

static void
each_node_tells_its_own_log_what_it_does(void **state)
{
	struct told told[2] = { 0 };
	struct grasp_objective o = lab_objective("EX1", F_DISC, ONE);
	struct grasp_config cfg = { .link_local = true, .log = tell };
	struct grasp_discovery *d;

	(void)state;
	for (int i = 0; i < 2; i++) {
		grasp_node_free(f.lab.node[i]);
		cfg.log_arg = &told[i];
		assert_int_equal(
		    grasp_node_new(fake_host_io(f.lab.host[i]), &cfg, &f.lab.node[i]), 0);
	}
	assert_int_equal(
	    grasp_discover(f.lab.node[0], &o, 0, diary_found, diary_searched, &f.a, &d),
	    0);
	assert_string_equal(told[0].area, "discovery");
	assert_non_null(strstr(told[0].text, "looking for EX1, 1 datagrams sent"));
	assert_int_equal(told[1].lines, 0);
}

static void
everything_in_use_is_freed_with_the_node(void **state)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct addr to = lab_address(1);
	struct grasp_discovery *d;
	struct grasp_session *s;
	struct grasp_link *l;

	(void)state;
	assert_int_equal(
	    grasp_discover(f.lab.node[0], &o, 0, diary_found, diary_searched, &f.a, &d),
	    0);
	assert_int_equal(grasp_link_open(f.lab.node[0], &to, &diary_link, &f.a, &l), 0);
	assert_int_equal(grasp_negotiate(l, &o, 0, &diary_session, &f.a, &s), 0);
	fake_run(f.lab.net, 1); /* the response is under way */
	grasp_node_free(f.lab.node[0]);
	grasp_node_free(f.lab.node[1]);
	f.lab.node[0] = f.lab.node[1] = NULL;
	fake_run(f.lab.net, 100000);
	assert_int_equal(f.a.found + f.a.searched + f.a.ended + f.a.closed, 0);
	assert_int_equal(fake_streams(f.lab.host[0]) + fake_streams(f.lab.host[1]), 0);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_name_is_registered_once),
		CASE(names_are_compared_byte_by_byte_G_016),
		CASE(a_name_has_1_to_64_bytes_of_utf8),
		CASE(bytes_after_the_message_are_ignored_I_15),
		CASE(malformed_datagrams_are_dropped_without_a_reply),
		CASE(malformed_datagrams_leave_nothing_behind_S_13),
		CASE(what_is_remembered_of_strangers_is_bounded),
		CASE(an_unknown_type_is_dropped_without_a_reply_G_006),
		CASE(unicast_messages_are_not_taken_from_datagrams_G_045),
		CASE(a_datagram_above_1232_bytes_is_dropped_G_013),
		CASE(an_interface_takes_2000_datagrams_a_second_S_10),
		CASE(an_id_that_is_active_or_was_used_lately_is_not_used_G_037_G_038),
		CASE(a_discovery_and_a_session_keep_their_ids_for_themselves_G_037),
		CASE(all_groups_are_joined_on_all_interfaces_SC_13),
		CASE(a_join_that_fails_is_tried_again_when_interfaces_change_G_056),
		CASE(a_new_node_may_take_over_the_io_of_the_old_one),
		CASE(a_node_that_cannot_start_leaves_nothing),
		CASE(each_node_tells_its_own_log_what_it_does),
		CASE(everything_in_use_is_freed_with_the_node),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
