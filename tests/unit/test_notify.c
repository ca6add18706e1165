/* SPDX-License-Identifier: Apache-2.0
 *
 * What hooks are told beside migrations: from what happens in the fog to what the hook hears, and what
 * becomes of an event that it does not take. */
#include "controller/judge_int.h"
#include "controller/notify.h"
#include "tests/support/test.h"
#include "tests/support/world.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WAITS ((enum hook_verdict)0)

/* F1 stays where it is: what is told is not a move. */
static const char pinned[] = "service: delivery\n"
			     "hook: mover\n"
			     "functions:\n"
			     "  - name: F1\n"
			     "    host: A\n"
			     "    candidates: [C, B]\n"
			     "    requirements: [{expr: node_load1, below: 4, "
			     "candidate-period: 1s, predictor: trend}]\n"
			     "    migration: {pinned: yes}\n";
static const char moving[] = "service: delivery\n"
			     "hook: mover\n"
			     "functions:\n"
			     "  - name: F0\n"
			     "    host: B\n"
			     "  - name: F1\n"
			     "    host: A\n"
			     "    candidates: [C]\n"
			     "    requirements: [{expr: node_load1, below: 4, "
			     "candidate-period: 1s, predictor: trend}]\n"
			     "    migration: {lead: 20s, deadline: 15s, cooldown: 60s}\n";

static int
open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	w.hooks_yaml = "mover: {type: fake, events: [all], patience: 20s}";
	world_open(&w);
	*state = &w;
	return 0;
}

static int
close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void
add_nodes(struct world *w)
{
	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
}

static void
set_scene(struct world *w, const char *yaml)
{
	add_nodes(w);
	world_run(w, 1000);
	world_apply(w, yaml);
	world_signal(w, "A", "node_load1", 1, 0, 0);
	world_signal(w, "B", "node_load1", 1, 0, 0);
	world_signal(w, "C", "node_load1", 1, 0, 0);
	world_run(w, 30000);
	assert_int_equal(w->calls, 0);
}

static void
load(struct world *w, const char *node, double value)
{
	world_signal(w, node, "node_load1", value, 0, 0);
}

static void
script(struct world *w, unsigned n, const enum hook_verdict *verdicts)
{
	memcpy(w->script, verdicts, n * sizeof *verdicts);
	w->scripted = n;
	w->answered = 0;
}
#define SCRIPT(w, ...)                                                                \
	script(w,                                                                     \
	    sizeof((enum hook_verdict[]){ __VA_ARGS__ }) / sizeof(enum hook_verdict), \
	    (const enum hook_verdict[]){ __VA_ARGS__ })

static unsigned
count_kind(const struct world *w, enum hook_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->calls; i++)
		n += w->call[i].kind == kind;
	return n;
}

static const struct world_call *
find_kind(const struct world *w, enum hook_kind kind)
{
	for (unsigned i = 0; i < w->calls; i++)
		if (w->call[i].kind == kind)
			return &w->call[i];
	fail_msg("it was never told of %s", hook_kind_name(kind));
	return NULL;
}

/* --- the kinds -------------------------------------------------------------------------------------- */

static void
a_lost_node_is_told_with_who_could_take_over_HOOK_02(void **state)
{
	struct world *w = *state;
	const struct world_call *c = &w->call[0];

	set_scene(w, pinned);
	world_set_state(w, "A", NODE_LOST);
	world_run(w, 5000);
	assert_int_equal(w->calls, 1);
	assert_int_equal(c->kind, HOOK_NODE_LOST);
	assert_string_equal(c->service, "delivery");
	assert_string_equal(c->function, "F1");
	assert_string_equal(c->source, "A");
	assert_int_equal(c->candidates, 2);
	assert_string_equal(c->target, "C");
	assert_string_equal(c->reason, "node lost");
	assert_int_equal(c->rev, 1);
	world_run(w, 60000);
	assert_int_equal(w->calls, 1); /* HOOK-04: it is the same situation still */
}

static void
nodes_that_come_and_go_are_told_to_services_they_suit_HOOK_02(void **state)
{
	struct world *w = *state;

	set_scene(w, pinned);
	world_set_state(w, "B", NODE_LOST);
	world_run(w, 2000);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->call[0].kind, HOOK_NODE_LOST);
	assert_string_equal(w->call[0].source, "B");
	assert_string_equal(w->call[0].function, "");
	assert_string_equal(w->call[0].evidence, "{\"functions\":[\"F1\"]}");
	world_node(w, "B", NULL);
	world_node(w, "stranger", NULL);
	world_run(w, 3000);
	assert_int_equal(w->calls, 2);
	assert_int_equal(w->call[1].kind, HOOK_NODE_JOINED);
	assert_string_equal(w->call[1].source, "B");
	assert_string_equal(w->call[1].service, "delivery");
}

static void
a_degraded_service_is_told_once_and_when_it_is_good_again_HOOK_02(void **state)
{
	struct world *w = *state;
	const struct world_call *c = &w->call[0];

	set_scene(w, pinned);
	load(w, "A", 9);
	world_run(w, 20000);
	assert_int_equal(w->calls, 1);
	assert_int_equal(c->kind, HOOK_SERVICE_DEGRADED);
	assert_string_equal(c->function, "F1");
	assert_string_equal(c->source, "A");
	assert_string_equal(c->target, "C");
	assert_int_equal(c->candidates, 2);
	assert_non_null(strstr(c->reason, "node_load1 < 4"));
	assert_non_null(strstr(c->evidence, "\"value\":9"));
	load(w, "A", 1);
	world_run(w, 20000);
	assert_int_equal(w->calls, 2);
	assert_int_equal(w->call[1].kind, HOOK_PREDICTION_CLEARED);
	assert_string_equal(w->call[1].evidence, "{\"was\":\"violated\"}");
	load(w, "A", 9);
	world_run(w, 20000);
	assert_int_equal(w->calls, 3); /* another one */
	assert_string_not_equal(w->call[2].id, w->call[0].id);
}

static void
a_move_tells_the_neighbours_of_the_chain_where_it_is_HOOK_02(void **state)
{
	struct world *w = *state;
	const struct world_call *c;

	set_scene(w, moving);
	load(w, "A", 9);
	world_run(w, 10000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_int_equal(count_kind(w, HOOK_MIGRATE), 1);
	assert_int_equal(count_kind(w, HOOK_CONNECTIVITY_UPDATE), 1);
	c = find_kind(w, HOOK_CONNECTIVITY_UPDATE);
	assert_string_equal(c->function, "F1");
	assert_string_equal(c->source, "A");
	assert_string_equal(c->target, "C");
	assert_int_equal(c->generation, 2);
	assert_string_equal(c->evidence,
	    "{\"function\":\"F1\",\"node\":\"C\",\"address\":\"test\",\"generation\":2,"
	    "\"neighbours\":[{\"function\":\"F0\",\"node\":\"B\",\"address\":\"test\","
	    "\"generation\":1}]}");
	/* and what had been the matter is told, although it is over */
	assert_non_null(
	    strstr(find_kind(w, HOOK_SERVICE_DEGRADED)->reason, "(over meanwhile)"));
}

static void
what_takes_a_move_back_carries_its_id_HOOK_04(void **state)
{
	struct world *w = *state;
	const struct world_call *c;

	set_scene(w, moving);
	SCRIPT(w, WAITS);
	load(w, "A", 9);
	world_run(w, 5000);
	assert_int_equal(w->call[0].kind, HOOK_MIGRATE);
	load(w, "A", 1);
	world_run(w, 5000);
	assert_true(w->call[0].cancelled);
	assert_int_equal(count_kind(w, HOOK_PREDICTION_CLEARED), 0); /* it is busy */
	world_answer(w, 0, HOOK_CANCELLED, "");
	world_run(w, 3000);
	c = find_kind(w, HOOK_PREDICTION_CLEARED);
	assert_string_equal(c->id, w->call[0].id);
	assert_true(c->rev > w->call[0].rev);
	assert_int_equal(count_kind(w, HOOK_CONNECTIVITY_UPDATE), 0);
}

/* Nobody could have taken it: there was no call, and the hook is told all the same. */
static void
a_prediction_that_led_to_nothing_is_cleared_too_HOOK_02(void **state)
{
	struct world *w = *state;

	set_scene(w, moving);
	load(w, "C", 9);
	world_run(w, 5000);
	load(w, "A", 9);
	world_run(w, 10000);
	assert_int_equal(count_kind(w, HOOK_MIGRATE), 0);
	load(w, "A", 1);
	world_run(w, 15000);
	assert_int_equal(count_kind(w, HOOK_MIGRATE), 0);
	assert_int_equal(count_kind(w, HOOK_PREDICTION_CLEARED), 1);
}

static void
only_what_is_wanted_is_told(void **state)
{
	struct world *w = *state;

	w->hooks_yaml = "mover: {type: fake, events: [node_joined]}";
	world_restart(w);
	set_scene(w, pinned);
	load(w, "A", 9);
	world_run(w, 10000);
	world_set_state(w, "A", NODE_LOST);
	world_run(w, 10000);
	assert_int_equal(w->calls, 0);
	world_set_state(w, "C", NODE_LOST);
	world_node(w, "C", NULL);
	world_run(w, 10000);
	assert_int_equal(w->calls, 1);
	assert_int_equal(w->call[0].kind, HOOK_NODE_JOINED);
}

static void
without_a_hook_nothing_is_told_and_nothing_kept_HOOK_06(void **state)
{
	struct world *w = *state;

	set_scene(w,
	    "service: delivery\nfunctions:\n  - name: F1\n    host: A\n"
	    "    requirements: [{expr: node_load1, below: 4}]\n");
	load(w, "A", 9);
	world_run(w, 10000);
	world_set_state(w, "A", NODE_LOST);
	world_run(w, 10000);
	assert_int_equal(w->calls, 0);
	assert_int_equal(world_events(w, "service.degraded"), 1);
}

/* --- delivery ---------------------------------------------------------------------------------------- */

static struct hook_instance *
the_hook(struct world *w)
{
	return hooks_find(w->judge->hooks, "mover");
}

static void
tell(struct world *w, enum hook_kind kind, const char *about, double probability)
{
	const struct news news = { .kind = kind,
		.about = about,
		.service = "delivery",
		.function = kind == HOOK_NODE_JOINED ? NULL : about,
		.source = about,
		.reason = "the test says so",
		.probability = probability };

	notify(w->judge->notifier, the_hook(w), &news);
}

static void
an_event_that_is_not_taken_is_offered_again_later_and_later_HOOK_03(void **state)
{
	struct world *w = *state;
	int64_t at[4];
	unsigned seen = 0;

	SCRIPT(w, HOOK_RETRY, HOOK_FAILED_UNKNOWN, HOOK_FAILED_CLEAN, HOOK_DONE);
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	for (int i = 0; i < 200 && seen < 4; i++) {
		world_run(w, 100);
		while (seen < w->calls)
			at[seen++] = grasp_io_now(w->io);
	}
	assert_int_equal(seen, 4);
	assert_in_range(at[1] - at[0], 900, 1600);
	assert_in_range(at[2] - at[1], 1800, 2800);
	assert_in_range(at[3] - at[2], 3600, 5000);
	for (unsigned i = 0; i < 4; i++) {
		assert_string_equal(w->call[i].id, w->call[0].id);
		assert_int_equal(w->call[i].rev, 1);
		assert_int_equal(
		    w->call[i].resume, i == 2); /* nobody knew of the second */
	}
	world_run(w, 30000);
	assert_int_equal(w->calls, 4);
	assert_int_equal(world_events(w, "hook.escalated"), 0);
}

static void
patience_has_an_end_and_the_operator_is_told_once_HOOK_03(void **state)
{
	struct world *w = *state;
	unsigned calls;

	for (unsigned i = 0; i < 16; i++)
		w->script[i] = HOOK_RETRY;
	w->scripted = 16;
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	world_run(w, 40000); /* its patience is 20 s */
	calls = w->calls;
	assert_in_range(calls, 4, 6);
	assert_int_equal(world_events(w, "hook.escalated"), 1);
	assert_string_equal(world_event(w, "hook.escalated"),
	    "hook mover could not be told of node_joined of X: as scripted");
	world_run(w, 120000);
	assert_int_equal(w->calls, calls);
	assert_int_equal(world_events(w, "hook.escalated"), 1);
	assert_int_equal(notify_waiting(w->judge->notifier, the_hook(w)), 0);
}

static void
a_refusal_is_final_and_said(void **state)
{
	struct world *w = *state;

	SCRIPT(w, HOOK_REFUSED);
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	world_run(w, 60000);
	assert_int_equal(w->calls, 1);
	assert_int_equal(world_events(w, "hook.refused"), 1);
	assert_int_equal(world_events(w, "hook.escalated"), 0);
}

static void
a_hook_that_hangs_is_asked_what_came_of_it_R_28(void **state)
{
	struct world *w = *state;

	SCRIPT(w, WAITS, HOOK_DONE);
	w->hooks_yaml = "mover: {type: fake, events: [all], patience: 60s}";
	world_restart(w);
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	world_run(w, 14000);
	assert_int_equal(w->calls, 1);
	assert_false(w->call[0].cancelled);
	world_run(w, 3000);
	assert_true(w->call[0].cancelled);
	world_run(w, 14000); /* 5 s, 5 s, and a pause */
	assert_int_equal(w->calls, 2);
	assert_true(w->call[1].resume);
	assert_string_equal(w->call[1].id, w->call[0].id);
	world_answer(w, 0, HOOK_DONE, "much too late");
	world_run(w, 30000);
	assert_int_equal(w->calls, 2);
}

static void
what_changes_is_another_revision_of_the_same_event_HOOK_04(void **state)
{
	struct world *w = *state;

	SCRIPT(w, WAITS);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.5);
	world_run(w, 1000);
	assert_int_equal(w->calls, 1);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.55); /* no news */
	assert_int_equal(w->call[0].updates, 0);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.9); /* while it is told */
	assert_int_equal(w->call[0].updates, 1);
	assert_int_equal(w->call[0].rev, 2);
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 20000);
	assert_int_equal(w->calls, 1);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.2); /* after it was told */
	world_run(w, 10000);
	assert_int_equal(w->calls, 2);
	assert_string_equal(w->call[1].id, w->call[0].id);
	assert_int_equal(w->call[1].rev, 3);
	notify_end(w->judge->notifier, HOOK_SERVICE_DEGRADED, "X");
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.2);
	world_run(w, 10000);
	assert_int_equal(w->calls, 3);
	assert_string_not_equal(w->call[2].id, w->call[0].id);
	assert_int_equal(w->call[2].rev, 1);
}

static void
events_of_a_node_stay_in_order(void **state)
{
	struct world *w = *state;

	SCRIPT(w, WAITS);
	tell(w, HOOK_NODE_LOST, "X", NAN);
	world_run(w, 1000);
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	tell(w, HOOK_NODE_JOINED, "Y", NAN);
	world_run(w, 3000);
	assert_int_equal(w->calls, 2);
	assert_string_equal(w->call[1].source, "Y");
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	assert_int_equal(w->calls, 3);
	assert_string_equal(w->call[2].source, "X");
}

static void
a_hook_that_falls_behind_loses_the_least_urgent_and_it_is_said(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < 16; i++)
		w->script[i] = WAITS;
	w->scripted = 16;
	tell(w, HOOK_NODE_LOST, "important", NAN);
	for (int i = 0; i < 300; i++) {
		char about[16];

		snprintf(about, sizeof about, "n%d", i);
		tell(w, HOOK_NODE_JOINED, about, NAN);
	}
	assert_int_equal(
	    notify_waiting(w->judge->notifier, the_hook(w)), NOTIFY_WAITING_MAX);
	assert_int_equal(notify_dropped(w->judge->notifier, the_hook(w)), 45);
	world_run(w, 1000);
	assert_string_equal(w->call[0].source, "important");
	assert_string_equal(w->call[1].source, "n45"); /* the oldest went */
	assert_int_equal(world_events(w, "hook.dropped"), 1);
}

/* --- over a restart --------------------------------------------------------------------------------- */

static void
what_was_not_taken_is_told_after_a_restart_HOOK_04(void **state)
{
	struct world *w = *state;
	char id[40];

	SCRIPT(w, HOOK_RETRY, HOOK_DONE);
	tell(w, HOOK_NODE_JOINED, "X", NAN);
	world_run(w, 600);
	assert_int_equal(w->calls, 1);
	snprintf(id, sizeof id, "%s", w->call[0].id);
	world_restart(w);
	world_run(w, 3000);
	assert_int_equal(w->calls, 2);
	assert_string_equal(w->call[1].id, id);
	assert_true(w->call[1].resume); /* it may have been told */
	world_restart(w);
	world_run(w, 3000);
	assert_int_equal(w->calls, 2);
}

static void
what_is_still_so_after_a_restart_is_not_told_again_HOOK_04(void **state)
{
	struct world *w = *state;

	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.5);
	world_run(w, 1000);
	assert_int_equal(w->calls, 1);
	world_restart(w);
	world_run(w, 10000);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.5);
	world_run(w, 90000);
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.5);
	world_run(w, 5000);
	assert_int_equal(w->calls, 1);
	world_restart(w);
	world_run(w, 90000); /* nobody says so any more: it has ended meanwhile */
	tell(w, HOOK_SERVICE_DEGRADED, "X", 0.5);
	world_run(w, 5000);
	assert_int_equal(w->calls, 2);
	assert_string_not_equal(w->call[1].id, w->call[0].id);
}

int
main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_lost_node_is_told_with_who_could_take_over_HOOK_02),
		IN_WORLD(nodes_that_come_and_go_are_told_to_services_they_suit_HOOK_02),
		IN_WORLD(
		    a_degraded_service_is_told_once_and_when_it_is_good_again_HOOK_02),
		IN_WORLD(a_move_tells_the_neighbours_of_the_chain_where_it_is_HOOK_02),
		IN_WORLD(what_takes_a_move_back_carries_its_id_HOOK_04),
		IN_WORLD(a_prediction_that_led_to_nothing_is_cleared_too_HOOK_02),
		IN_WORLD(only_what_is_wanted_is_told),
		IN_WORLD(without_a_hook_nothing_is_told_and_nothing_kept_HOOK_06),
		IN_WORLD(
		    an_event_that_is_not_taken_is_offered_again_later_and_later_HOOK_03),
		IN_WORLD(patience_has_an_end_and_the_operator_is_told_once_HOOK_03),
		IN_WORLD(a_refusal_is_final_and_said),
		IN_WORLD(a_hook_that_hangs_is_asked_what_came_of_it_R_28),
		IN_WORLD(what_changes_is_another_revision_of_the_same_event_HOOK_04),
		IN_WORLD(events_of_a_node_stay_in_order),
		IN_WORLD(a_hook_that_falls_behind_loses_the_least_urgent_and_it_is_said),
		IN_WORLD(what_was_not_taken_is_told_after_a_restart_HOOK_04),
		IN_WORLD(what_is_still_so_after_a_restart_is_not_told_again_HOOK_04),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
