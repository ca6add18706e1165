/* SPDX-License-Identifier: Apache-2.0
 *
 * Floods by the API of RFC 8991: node 1 floods, node 0 looks. */
#include "tests/support/api.h"

static struct grasp_api_tagged
tagged(const char *name, struct slice value)
{
	return (struct grasp_api_tagged){ .objective = synch(name, value) };
}

static size_t
look(const char *name)
{
	struct grasp_api_objective o = synch(name, (struct slice){ 0 });
	size_t count = 99;

	f.note[0].flooded = 0;
	assert_int_equal(
	    grasp_api_get_flood(f.api[0], f.asa[0], &o, on_flood, &f.note[0], &count),
	    GRASP_API_OK);
	assert_int_equal(f.note[0].flooded, count);
	return count;
}

static void
flood(struct grasp_api_tagged t, uint32_t ttl_ms)
{
	assert_int_equal(
	    grasp_api_flood(f.api[1], f.asa[1], ttl_ms, &t, 1), GRASP_API_OK);
	run(10);
}

static void
a_flooded_value_is_there_until_its_time_is_over_A_01_G_113_G_116(void **state)
{
	(void)state;
	register_it(1, synch("EX1", ONE));
	assert_int_equal(look("EX1"), 0);
	flood(tagged("EX1", TWO), 5000);
	assert_int_equal(look("EX1"), 1);
	assert_value(&f.note[0], 2);
	assert_string_equal(f.note[0].name, "EX1");
	assert_true(f.note[0].synch);
	assert_int_equal(f.note[0].locator[0].locator.kind, 0);
	assert_in_range(f.note[0].locator[0].ttl_ms, 4000, 5000);
	assert_int_equal(look("EX2"), 0);
	run(5000);
	assert_int_equal(look("EX1"), 0);
}

static void
a_ttl_of_0_is_for_ever_G_111(void **state)
{
	(void)state;
	register_it(1, synch("EX1", ONE));
	flood(tagged("EX1", TWO), 0);
	run(10000000);
	assert_int_equal(look("EX1"), 1);
	assert_int_equal(f.note[0].locator[0].ttl_ms, 0);
}

static void
the_unspecified_address_becomes_that_of_the_sender_A_08(void **state)
{
	struct grasp_api_tagged t = tagged("EX1", TWO);
	struct addr any = { 0 };

	(void)state;
	register_it(1, synch("EX1", ONE));
	t.locator.locator = grasp_locator_from_addr(&any, GRASP_TCP);
	flood(t, 0);
	assert_int_equal(look("EX1"), 1);
	assert_at(&f.note[0], lab_address(1).ip);
	assert_int_equal(f.note[0].locator[0].locator.port, GRASP_LISTEN_PORT);
}

static void
several_objectives_leave_in_one_message_G_112(void **state)
{
	struct grasp_api_tagged t[2] = { tagged("EX1", ONE), tagged("EX2", TWO) };
	struct grasp_msg m;

	(void)state;
	register_it(1, t[0].objective);
	register_it(1, t[1].objective);
	t[0].locator = locator_of(1);
	t[1].objective.tag24 = true;
	assert_int_equal(grasp_api_flood(f.api[1], f.asa[1], 1000, t, 2), GRASP_API_OK);
	run(10);
	assert_int_equal(fake_count(f.lab.net, M_FLOOD), 1);
	assert_non_null(fake_message(f.lab.net, M_FLOOD, 0, &m));
	assert_int_equal(m.items, 2);
	assert_int_equal(m.flooded[0].flags, F_DISC | F_SYNCH);
	assert_int_equal(m.flooded[1].value.len, 4); /* */
	assert_int_equal(look("EX1"), 1);
	assert_value(&f.note[0], 1);
	assert_int_equal(look("EX2"), 1);
	assert_value(&f.note[0], 2);
}

static void
what_was_flooded_with_other_locators_is_told_too_G_114_G_115(void **state)
{
	struct grasp_api_tagged t = tagged("EX1", ONE);

	(void)state;
	register_it(1, t.objective);
	flood(t, 0);
	t.locator = locator_of(1);
	flood(t, 0);
	flood(tagged("EX1", TWO), 0); /* in the place of the first */
	assert_int_equal(look("EX1"), 2);
}

static void
a_failed_senders_value_can_be_forgotten_A_01(void **state)
{
	struct grasp_api_tagged t = tagged("EX1", ONE), other = tagged("EX1", TWO);

	(void)state;
	register_it(1, t.objective);
	t.locator = locator_of(1);
	flood(t, 0);
	flood(other, 0);
	assert_int_equal(grasp_api_expire_flood(f.api[0], f.asa[0], &t), GRASP_API_OK);
	assert_int_equal(look("EX1"), 1);
	assert_value(&f.note[0], 2);
	assert_int_equal(
	    grasp_api_expire_flood(f.api[0], f.asa[0], &t), GRASP_API_NOT_OBJ);
	assert_int_equal(
	    grasp_api_expire_flood(f.api[0], f.asa[0], &other), GRASP_API_OK);
	assert_int_equal(look("EX1"), 0);
}

static void
what_cannot_be_flooded_is_refused_whole_A_02(void **state)
{
	static uint8_t big[1300] = { 0x59, 0x05, 0x00 };
	struct grasp_api_tagged t[17], bad;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(t); i++)
		t[i] = tagged("EX1", ONE);
	register_it(1, t[0].objective);
	assert_int_equal(grasp_api_flood(f.api[1], f.asa[1], 0, t, 0), GRASP_API_UNSPEC);
	assert_int_equal(grasp_api_flood(f.api[1], f.asa[1], 0, t, 17), GRASP_API_UNSPEC);
	t[1] = tagged("EX2", ONE);
	assert_int_equal(
	    grasp_api_flood(f.api[1], f.asa[1], 0, t, 2), GRASP_API_NOT_YOUR_OBJ);
	t[1] = tagged("EX1", BYTES(0x81));
	assert_int_equal(
	    grasp_api_flood(f.api[1], f.asa[1], 0, t, 2), GRASP_API_CBOR_FAIL);
	bad = tagged("EX1", (struct slice){ big, 3 + 1280 });
	assert_int_equal(grasp_api_flood(f.api[1], f.asa[1], 0, &bad, 1),
	    GRASP_API_UNSPEC); /* G-013 */
	assert_int_equal(fake_count(f.lab.net, M_FLOOD), 0);
}

static void
locators_that_mean_nothing_are_not_flooded_A_02(void **state)
{
	static const struct grasp_locator bad[] = {
		{ .kind = O_DIVERT },
		{ .kind = O_IPv4_LOCATOR, .proto = GRASP_TCP, .port = 1 }, /* no IPv4 */
		{ .kind = O_IPv6_LOCATOR, .proto = 5, .port = 1 },
		{ .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = -1 },
		{ .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 65536 },
		{ .kind = O_FQDN_LOCATOR, .proto = GRASP_TCP, .port = 1 }, /* no name */
		{ .kind = (enum grasp_option)42, .proto = GRASP_TCP, .port = 1 },
	};

	(void)state;
	register_it(1, synch("EX1", ONE));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct grasp_api_tagged t = tagged("EX1", ONE);

		t.locator.locator = bad[i];
		assert_int_equal(
		    grasp_api_flood(f.api[1], f.asa[1], 0, &t, 1), GRASP_API_INVALID_LOC);
	}
}

static void
free_everything(struct note *n)
{
	assert_int_equal(n->flooded, 1);
	free_all(n);
}

static void
everything_may_be_freed_while_floods_are_told(void **state)
{
	struct grasp_api_tagged t = tagged("EX1", ONE);
	struct grasp_api_objective o = t.objective;

	(void)state;
	register_it(1, t.objective);
	flood(t, 0);
	t.locator = locator_of(1);
	flood(t, 0);
	f.note[0].then = free_everything;
	assert_int_equal(
	    grasp_api_get_flood(f.api[0], f.asa[0], &o, on_flood, &f.note[0], NULL),
	    GRASP_API_OK);
	assert_int_equal(f.note[0].flooded, 1); /* the second is not told to nobody */
	assert_null(f.lab.node[0]);
}

static void
look_again(struct note *n)
{
	struct grasp_api_objective o = synch("EX1", (struct slice){ 0 });

	n->then = n->flooded == 1 ? free_all : NULL;
	assert_int_equal(
	    grasp_api_get_flood(f.api[0], f.asa[0], &o, on_flood, n, NULL), GRASP_API_OK);
}

static void
also_while_they_are_told_inside_of_telling(void **state)
{
	struct grasp_api_tagged t = tagged("EX1", ONE);
	struct grasp_api_objective o = t.objective;

	(void)state;
	register_it(1, t.objective);
	flood(t, 0);
	t.locator = locator_of(1);
	flood(t, 0);
	f.note[0].then = look_again;
	assert_int_equal(
	    grasp_api_get_flood(f.api[0], f.asa[0], &o, on_flood, &f.note[0], NULL),
	    GRASP_API_OK);
	assert_int_equal(f.note[0].flooded, 2);
	assert_null(f.lab.node[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		API_TEST(
		    a_flooded_value_is_there_until_its_time_is_over_A_01_G_113_G_116),
		API_TEST(a_ttl_of_0_is_for_ever_G_111),
		API_TEST(the_unspecified_address_becomes_that_of_the_sender_A_08),
		API_TEST(several_objectives_leave_in_one_message_G_112),
		API_TEST(what_was_flooded_with_other_locators_is_told_too_G_114_G_115),
		API_TEST(a_failed_senders_value_can_be_forgotten_A_01),
		API_TEST(what_cannot_be_flooded_is_refused_whole_A_02),
		API_TEST(locators_that_mean_nothing_are_not_flooded_A_02),
		API_TEST(everything_may_be_freed_while_floods_are_told),
		API_TEST(also_while_they_are_told_inside_of_telling),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
