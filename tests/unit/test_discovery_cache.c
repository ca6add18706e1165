/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "grasp/discovery_cache.h"
#include "tests/support/lab.h"

static struct discovery_cache c;

static int
setup(void **state)
{
	(void)state;
	discovery_cache_init(&c);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	discovery_cache_done(&c);
	return 0;
}

static struct grasp_locator
locator(const char *ip, int port)
{
	return (
	    struct grasp_locator){ O_IPv6_LOCATOR, lab_ip(ip), { 0 }, GRASP_TCP, port };
}

static int
put_by(const char *source, uint32_t ifindex, const char *name,
    const struct grasp_locator *l, size_t count, uint32_t ttl_ms, int64_t now)
{
	struct grasp_found f = { .from = { lab_ip(source), ifindex, 4000 },
		.locator = l,
		.locators = count,
		.ttl_ms = ttl_ms };

	return discovery_cache_put(&c, slice_text(name), &f, ifindex, now);
}

static void
put(const char *ip, int port, uint32_t ttl_ms, int64_t now)
{
	struct grasp_locator l = locator(ip, port);

	assert_int_equal(put_by(ip, 1, "EX1", &l, 1, ttl_ms, now), 0);
}

static unsigned
count(const char *name, int64_t now)
{
	const struct discovery_entry *e = NULL;
	unsigned n = 0;

	while ((e = discovery_cache_next(&c, e, slice_text(name), now)))
		n++;
	return n;
}

static bool
knows(const char *name, const char *ip)
{
	const struct discovery_entry *e = NULL;
	struct in6_addr want = lab_ip(ip);

	while ((e = discovery_cache_next(&c, e, slice_text(name), 0)))
		if (IN6_ARE_ADDR_EQUAL(&e->locator[0].ip, &want))
			return true;
	return false;
}

static void
several_responders_stand_beside_each_other_the_last_first_G_076(void **state)
{
	const struct discovery_entry *e;

	(void)state;
	put("2001:db8::1", 1, 1000, 0);
	put("2001:db8::2", 1, 1000, 0);
	put("2001:db8::2", 2, 1000, 0); /* a second instance there */
	assert_int_equal(count("EX1", 0), 3);
	assert_int_equal(count("EX2", 0), 0);
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 0);
	assert_int_equal(e->locator[0].port, 2);
	assert_int_equal(e->ifindex, 1); /* G-074 */
}

static void
the_same_locator_is_one_entry_with_the_last_word_G_078(void **state)
{
	struct grasp_locator l[2] = { locator("2001:db8::1", 1),
		locator("2001:db8::ffff", 1) };
	const struct discovery_entry *e;

	(void)state;
	assert_int_equal(put_by("fe80::1", 1, "EX1", l, 1, 1000, 0), 0);
	assert_int_equal(put_by("fe80::1", 2, "EX1", l, 2, 5000, 10), 0);
	assert_int_equal(count("EX1", 10), 1);
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 10);
	assert_int_equal(e->locators, 2);
	assert_int_equal(e->expires_ms, 5010);
	assert_int_equal(e->ifindex, 2);
}

static void
a_link_local_locator_on_two_links_is_two(void **state)
{
	struct grasp_locator l = locator("fe80::1", 1);

	(void)state;
	assert_int_equal(put_by("fe80::1", 1, "EX1", &l, 1, 1000, 0), 0);
	assert_int_equal(put_by("fe80::1", 2, "EX1", &l, 1, 1000, 0), 0);
	assert_int_equal(count("EX1", 0), 2);
}

static void
an_entry_lives_as_long_as_its_ttl_G_075(void **state)
{
	(void)state;
	put("2001:db8::1", 1, 1000, 500);
	assert_int_equal(count("EX1", 1499), 1);
	assert_int_equal(count("EX1", 1500), 0);
}

static void
ttl_zero_is_600_s_G_066_I_17(void **state)
{
	(void)state;
	put("2001:db8::1", 1, 0, 0);
	assert_int_equal(count("EX1", 599999), 1);
	assert_int_equal(count("EX1", 600000), 0);
}

static void
hearsay_does_not_replace_what_the_responder_said_G_070(void **state)
{
	struct grasp_locator l = locator("2001:db8::1", 1);
	struct grasp_found f = { .from = { lab_ip("fe80::9"), 2, 1 },
		.locator = &l,
		.locators = 1,
		.diverted = true,
		.ttl_ms = 9000 };
	const struct discovery_entry *e;

	(void)state;
	put("2001:db8::1", 1, 1000, 0);
	assert_int_equal(discovery_cache_put(&c, slice_text("EX1"), &f, 2, 0), 0);
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 0);
	assert_false(e->diverted);
	assert_int_equal(e->ifindex, 1);
	assert_int_equal(discovery_cache_put(&c, slice_text("EX1"), &f, 2, 1000), 0);
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 1000); /* it had died */
	assert_true(e->diverted);
	put("2001:db8::1", 1, 1000, 1000);
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 1000);
	assert_false(e->diverted);
	assert_int_equal(count("EX1", 1000), 1);
}

static void
an_entry_outlives_the_message_it_came_in(void **state)
{
	char name[] = "EX1", host[] = "a.example.org";
	uint8_t value[] = { 1 };
	struct grasp_locator l = { .kind = O_FQDN_LOCATOR,
		.text = { (uint8_t *)host, sizeof host - 1 },
		.proto = GRASP_TCP,
		.port = 1 };
	struct grasp_objective o =
	    lab_objective(name, F_DISC, (struct slice){ value, 1 });
	struct grasp_found f = { .from = { lab_ip("fe80::9"), 2, 1 },
		.locator = &l,
		.locators = 1,
		.ttl_ms = 9000,
		.objective = &o };
	const struct discovery_entry *e;

	(void)state;
	assert_int_equal(discovery_cache_put(&c, slice_text(name), &f, 2, 0), 0);
	memset(name, 'x', 3);
	memset(host, 'x', sizeof host - 1);
	value[0] = 2;
	e = discovery_cache_next(&c, NULL, slice_text("EX1"), 0);
	assert_non_null(e);
	assert_true(slice_is(e->locator[0].text, "a.example.org"));
	assert_true(e->has_objective);
	assert_int_equal(e->objective.value.data[0], 1);
	assert_int_equal(e->objective.flags, F_DISC);
}

static void
a_response_without_locators_is_not_kept(void **state)
{
	(void)state;
	assert_int_equal(put_by("fe80::1", 1, "EX1", NULL, 0, 1000, 0), -EINVAL);
	assert_int_equal(count("EX1", 0), 0);
}

static void
a_name_has_8_places_and_in_all_there_are_256_S_09(void **state)
{
	char ip[40], name[16];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(ip, sizeof ip, "2001:db8::%x", 1 + i);
		put(ip, 1, 1000, 0);
	}
	assert_int_equal(count("EX1", 0), DISCOVERY_CACHE_PER_NAME);
	assert_true(knows("EX1", "2001:db8::14")); /* the newest */
	for (int i = 0; i < 600; i++) {
		struct grasp_locator l;

		snprintf(ip, sizeof ip, "2001:db8:1::%x", 1 + i);
		snprintf(name, sizeof name, "EY%d", i);
		l = locator(ip, 1);
		assert_int_equal(put_by(ip, 1, name, &l, 1, 1000, 0), 0);
	}
	assert_int_equal(c.count, DISCOVERY_CACHE_MAX);
}

static void
one_talker_does_not_drive_out_the_others_of_a_name_S_10(void **state)
{
	char ip[40];

	(void)state;
	put("2001:db8::1", 1, 1000, 0);
	put("2001:db8::2", 1, 1000, 0);
	for (int i = 0; i < 500; i++) {
		struct grasp_locator l;

		snprintf(ip, sizeof ip, "2001:db8:bad::%x", 1 + i);
		l = locator(ip, 1);
		assert_int_equal(put_by("fe80::bad", 1, "EX1", &l, 1, 1000, 0), 0);
	}
	assert_true(knows("EX1", "2001:db8::1"));
	assert_true(knows("EX1", "2001:db8::2"));
	assert_int_equal(count("EX1", 0), DISCOVERY_CACHE_PER_NAME);
	put("2001:db8::3", 1, 1000, 0); /* and it makes room */
	assert_true(knows("EX1", "2001:db8::1"));
	assert_true(knows("EX1", "2001:db8::3"));
}

static void
one_talker_does_not_drive_out_the_others_S_10(void **state)
{
	char ip[40], name[16];

	(void)state;
	for (int i = 0; i < 100; i++) {
		struct grasp_locator l;

		snprintf(ip, sizeof ip, "2001:db8::%x", 1 + i);
		snprintf(name, sizeof name, "EX%d", i);
		l = locator(ip, 1);
		assert_int_equal(put_by(ip, 1, name, &l, 1, 1000, 0), 0);
	}
	for (int i = 0; i < 1000; i++) {
		struct grasp_locator l = locator("2001:db8:bad::1", 1 + i);

		snprintf(name, sizeof name, "EZ%d", i);
		assert_int_equal(put_by("fe80::bad", 1, name, &l, 1, 1000, 0), 0);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "EX%d", i);
		assert_int_equal(count(name, 0), 1);
	}
	assert_int_equal(c.count, DISCOVERY_CACHE_MAX);
}

static void
the_dead_make_room_before_the_living(void **state)
{
	char ip[40];

	(void)state;
	put("2001:db8::1", 1, 100000, 0);
	for (int i = 1; i < DISCOVERY_CACHE_PER_NAME; i++) {
		snprintf(ip, sizeof ip, "2001:db8::%x", 1 + i);
		put(ip, 1, 10, 0);
	}
	put("2001:db8::99", 1, 1000, 20);
	assert_int_equal(count("EX1", 20), 2);
	assert_true(knows("EX1", "2001:db8::1"));
}

static void
what_does_not_live_long_enough_is_forgotten_A_06(void **state)
{
	(void)state;
	put("2001:db8::1", 1, 1000, 0);
	put("2001:db8::2", 1, 2000, 0);
	discovery_cache_forget_short(&c, slice_text("EX1"), 1000, 0);
	assert_int_equal(count("EX1", 0), 2);
	discovery_cache_forget_short(&c, slice_text("EX1"), 1001, 0);
	assert_int_equal(count("EX1", 0), 1);
	assert_false(knows("EX1", "2001:db8::1"));
}

static void
the_locators_of_a_peer_that_is_silent_are_forgotten_A_12(void **state)
{
	struct grasp_locator l[2] = { locator("2001:db8::1", 7),
		locator("2001:db8::2", 7) };
	struct addr first = { .ip = l[0].ip, .port = 7 },
		    second = { .ip = l[1].ip, .port = 7 };
	struct addr other = { .ip = l[0].ip, .port = 8 };

	(void)state;
	assert_int_equal(put_by("fe80::1", 1, "EX1", l, 2, 1000, 0), 0);
	discovery_cache_forget(&c, slice_text("EX1"), &other);
	discovery_cache_forget(&c, slice_text("EX2"), &first);
	assert_true(knows("EX1", "2001:db8::1"));
	discovery_cache_forget(&c, slice_text("EX1"), &first);
	assert_true(knows("EX1", "2001:db8::2"));
	discovery_cache_forget(&c, slice_text("EX1"), &second);
	assert_int_equal(count("EX1", 0), 0);
	assert_int_equal(put_by("fe80::1", 1, "EX1", l, 2, 1000, 0), 0);
	assert_int_equal(count("EX1", 0), 1);
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(several_responders_stand_beside_each_other_the_last_first_G_076),
		CASE(the_same_locator_is_one_entry_with_the_last_word_G_078),
		CASE(a_link_local_locator_on_two_links_is_two),
		CASE(an_entry_lives_as_long_as_its_ttl_G_075),
		CASE(ttl_zero_is_600_s_G_066_I_17),
		CASE(hearsay_does_not_replace_what_the_responder_said_G_070),
		CASE(an_entry_outlives_the_message_it_came_in),
		CASE(a_response_without_locators_is_not_kept),
		CASE(a_name_has_8_places_and_in_all_there_are_256_S_09),
		CASE(one_talker_does_not_drive_out_the_others_of_a_name_S_10),
		CASE(one_talker_does_not_drive_out_the_others_S_10),
		CASE(the_dead_make_room_before_the_living),
		CASE(what_does_not_live_long_enough_is_forgotten_A_06),
		CASE(the_locators_of_a_peer_that_is_silent_are_forgotten_A_12),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
