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
a_controller_floods_who_it_is_at_once_and_where(void **state) /* DISC-05 */
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

static void
it_floods_three_times_soon_after_and_then_each_period(void **state)
{
	(void)state;
	start();
	fake_run(lab.net, 350);
	assert_int_equal(diary.flooded, 2);
	fake_run(lab.net, 700);
	assert_int_equal(diary.flooded, 3);
	fake_run(lab.net, 2000);
	assert_int_equal(diary.flooded, 4);
	fake_run(lab.net, 100000);
	assert_in_range(diary.flooded, 4 + 8, 4 + 13);
	assert_int_equal(fake_count(lab.net, M_DISCOVERY), 0);
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
who_looks_for_a_controller_gets_an_answer_with_its_value(void **state) /* DISC-04 */
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

static void
another_domain_or_scope_gets_none(void **state) /* SCP-04 */
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
the_drafts_form_is_sent_too_if_asked_for(void **state) /* F-01 */
{
	struct fog_domain d;
	struct grasp_msg msg;

	(void)state;
	cfg.draft = true;
	start();
	fake_run(lab.net, 50000);
	assert_true(fake_count(lab.net, M_DISCOVERY) >= 5);
	assert_non_null(fake_message(lab.net, M_DISCOVERY, 0, &msg));
	assert_true(slice_is(msg.objective.name, "FOGDOMAIN"));
	assert_int_equal(msg.objective.flags, 5);
	assert_int_equal(fog_domain_decode(msg.objective.value, &d), 0);
	assert_int_equal(d.role, FOG_CONTROLLER);
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
	fake_run(lab.net, 1500);
	assert_in_range(advert_counters(advert)->others, 3, 4);
	advert_leave(b);
	fake_run(lab.net, 100);
	advert_free(b);
	assert_true(advert_counters(advert)->floods >= 3);
}

static void
a_prefix_stands_in_front_of_the_name(void **state) /* DISC-11 */
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

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_controller_floods_who_it_is_at_once_and_where),
		CASE(it_floods_three_times_soon_after_and_then_each_period),
		CASE(who_leaves_says_so_with_a_short_life),
		CASE(who_looks_for_a_controller_gets_an_answer_with_its_value),
		CASE(another_domain_or_scope_gets_none),
		CASE(the_drafts_form_is_sent_too_if_asked_for),
		CASE(another_controller_is_heard_and_nothing_more),
		CASE(a_prefix_stands_in_front_of_the_name),
	};

	log_open("test_advert", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
