/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl find: a controller looks for nodes by what they have. The nodes are engines with objectives
 * of the test. */
#include "base/log.h"
#include "tests/support/ask.h"
#include "grasp/node_int.h"
#include "tests/support/plant.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define NODES 4

static struct plant plant;
static struct robot robot[NODES];
static char *answer;

/* What a node says of one property. */
struct has {
	const char *objective;
	const char *words; /* "wifi6,lte" */
	bool plain; /* knows GRASP only: answers whatever is asked for, without a copy */
	unsigned asked; /* by M_REQ_SYN */
};

static void
put(const struct has *h, struct buf *out)
{
	char text[100], *save = NULL;
	struct fog_words w = { .words = 0 };

	snprintf(text, sizeof text, "%s", h->words);
	for (char *word = strtok_r(text, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		w.word[w.words++] = slice_text(word);
	fog_words_encode(&w, out);
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	const struct has *h = arg;

	(void)from, (void)asked;
	if (!h->plain)
		put(h, ret_value);
	return true;
}

static void
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct has *h = arg;
	uint8_t memory[100];
	struct buf value;

	(void)asked;
	h->asked++;
	buf_init_fixed(&value, memory, sizeof memory);
	put(h, &value);
	assert_int_equal(grasp_session_synch(s, buf_slice(&value)), 0);
}

static void
let(unsigned node, struct has *h)
{
	static const struct grasp_support support = { .discovered = discovered,
		.synchronize = synchronize };
	struct grasp_registration *r;

	assert_int_equal(grasp_register(robot[node].grasp, h->objective, F_DISC | F_SYNCH,
			     &support, h, &r),
	    0);
}

static int
setup(void **state)
{
	static const char *const name[] = { "one", "two", "three", "four" };

	(void)state;
	plant_open(&plant);
	plant_serve(&plant);
	for (unsigned i = 0; i < NODES; i++)
		robot_init(&robot[i], &plant, (uint8_t)(i + 1), name[i]);
	plant_pump(&plant, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_pump(&plant, false);
	for (unsigned i = 0; i < NODES; i++)
		robot_done(&robot[i]);
	plant_close(&plant);
	free(answer);
	answer = NULL;
	return 0;
}

static const char *
find_in(const char *scope, const char *first, const char *second)
{
	struct buf args;

	buf_init(&args, 1000);
	wr_map(&args, 1 + !!second + !!scope);
	wr_key_text(&args, "property", first);
	if (second)
		wr_key_text(&args, "property2", second);
	if (scope)
		wr_key_text(&args, "scope", scope);
	free(answer);
	answer = ask(plant.loop, plant.socket, "find", buf_slice(&args));
	buf_done(&args);
	return answer;
}

static const char *
find(const char *first, const char *second)
{
	return find_in(NULL, first, second);
}

static unsigned
found(const char *text)
{
	unsigned n = 0;

	for (const char *p = answer; (p = strstr(p, text)); p++)
		n++;
	return n;
}

static void
nodes_with_a_property_are_listed_by_name_or_address_DISC_06(void **state)
{
	struct has one = { FOGNODERADIO, "wifi6,lte", false, 0 };
	struct has two = { FOGNODERADIO, "wifi6", false, 0 };

	(void)state;
	robot_join(&robot[0]);
	let(0, &one);
	let(1, &two);
	find("radio=wifi6", NULL);
	assert_int_equal(found("{"), 4);
	assert_int_equal(
	    found("{\"node\":\"one\",\"id\":\"01000000000000000000000000000000\","
		  "\"state\":\"alive\",\"address\":\"[2001:db8::11]:7017\","
		  "\"values\":{\"radio\":\"wifi6\"}}"),
	    1);
	assert_int_equal(
	    found("{\"node\":null,\"id\":null,\"state\":\"not registered\",\"address\":"
		  "\"[2001:db8::12]:7017\",\"values\":{\"radio\":\"wifi6\"}}"),
	    1);
}

static void
a_copy_that_tells_something_else_is_no_match_F_12(void **state)
{
	struct has one = { FOGNODERADIO, "lte", false, 0 };

	(void)state;
	let(0, &one);
	assert_string_equal(find("radio=wifi6", NULL), "end\n");
	find("radio=wifi6,lte", NULL);
	assert_int_equal(found("\"radio\":\"lte\""), 1);
	find("radio", NULL);
	assert_int_equal(found("\"radio\":\"lte\""), 1);
	assert_int_equal(one.asked, 0);
}

static void
a_plain_node_is_asked_for_its_value_by_M_REQ_SYN_F_12(void **state)
{
	struct has right = { FOGNODERADIO, "wifi6", true, 0 };
	struct has wrong = { FOGNODERADIO, "lte", true, 0 };

	(void)state;
	let(2, &right);
	let(3, &wrong);
	find("radio=wifi6", NULL);
	assert_int_equal(found("2001:db8::13"), 1);
	assert_int_equal(found("2001:db8::14"), 0);
	assert_int_equal(right.asked, 1);
	assert_int_equal(wrong.asked, 1);
}

static void
a_node_has_to_have_all_that_is_asked_for_DISC_06(void **state)
{
	struct has radio[] = { { FOGNODERADIO, "wifi6", false, 0 },
		{ FOGNODERADIO, "wifi6", false, 0 } };
	struct has domain[] = { { FOGNODEDOMAIN, "plant", false, 0 },
		{ FOGNODEDOMAIN, "other", false, 0 } };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		let(i, &radio[i]);
		let(i, &domain[i]);
	}
	find("radio=wifi6", "domain=plant");
	assert_int_equal(
	    found("\"values\":{\"radio\":\"wifi6\",\"domain\":\"plant\"}"), 1);
	assert_int_equal(found("2001:db8::12"), 0);
}

/* The question goes to the group of the scope and to the link; who is outside is silent. */
static void
a_scope_goes_into_the_value_and_to_its_group_SC_09_SC_10_SC_12(void **state)
{
	struct in6_addr group;
	struct grasp_msg msg;
	struct fog_words w;
	const struct fake_packet *p = NULL;
	unsigned i;

	(void)state;
	plant.grasp_conf.scoped = plant.grasp_conf.link_local = true;
	plant.grasp_conf.rules.range = GRASP_SCOPE_SITE;
	find_in("type=Robot", "radio=wifi6", NULL);
	assert_int_equal(
	    grasp_scope_group("type=robot", GRASP_SCOPE_SITE, NULL, 0, &group), 0);
	for (i = 0; (p = fake_message(plant.net, M_DISCOVERY, i, &msg)); i++)
		if (IN6_ARE_ADDR_EQUAL(&p->to.ip, &group))
			break;
	assert_non_null(p);
	assert_int_equal(p->hops, 6);
	assert_int_equal(msg.objective.loop_count, 1);
	assert_int_equal(fog_words_decode(msg.objective.value, &w), 0);
	assert_string_equal(w.scope, "type=robot");
	assert_int_equal(w.hops, 6);
	find_in("colour=red", "radio=wifi6", NULL);
	assert_int_equal(found("refused 2: the scope \\\"colour=red\\\" is no") +
		found("refused 2: the scope \"colour=red\" is no"),
	    1);
}

static void
a_property_that_does_not_exist_is_refused(void **state)
{
	(void)state;
	find("radoi=wifi6", NULL);
	assert_int_equal(found("refused 2: radoi=wifi6 is not PROPERTY"), 1);
}

static void
nobody_answers_and_the_search_ends(void **state)
{
	(void)state;
	assert_string_equal(find("arch=riscv64", NULL), "end\n");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Whether a node has a property depends on the question: what one has found answers no other. */
static void
a_controller_passes_on_who_looks_for_properties_and_tells_of_nobody_F_12(void **state)
{
	(void)state;
	for (int i = 0; i < FOG_PROPERTIES; i++) {
		const struct grasp_registration *r = node_registration(
		    plant.grasp, slice_text(fog_property_names[i].objective));

		assert_non_null(r);
		assert_true(r->support.shared);
		assert_int_equal(r->support.assist, GRASP_ASSIST_OFF);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nodes_with_a_property_are_listed_by_name_or_address_DISC_06),
		CASE(a_copy_that_tells_something_else_is_no_match_F_12),
		CASE(a_plain_node_is_asked_for_its_value_by_M_REQ_SYN_F_12),
		CASE(a_node_has_to_have_all_that_is_asked_for_DISC_06),
		CASE(a_scope_goes_into_the_value_and_to_its_group_SC_09_SC_10_SC_12),
		CASE(a_property_that_does_not_exist_is_refused),
		CASE(nobody_answers_and_the_search_ends),
		CASE(
		    a_controller_passes_on_who_looks_for_properties_and_tells_of_nobody_F_12),
	};

	log_open("test_find", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
