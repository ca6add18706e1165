/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machine of migrations, from the first sign of trouble to the rows that are left, on a
 * real store; with a hook that answers what the case wants. */
#include "controller/judge_int.h"
#include "tests/support/test.h"
#include "tests/support/world.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char delivery[] = "service: delivery\n"
			       "hook: mover\n"
			       "functions:\n"
			       "  - name: F1\n"
			       "    host: A\n"
			       "    candidates: [C, B]\n"
			       "    requirements: [{expr: node_load1, predictor: trend, "
			       "below: 4, candidate-period: 1s}]\n"
			       "    migration: {lead: 20s, deadline: 15s, drain: 500ms, "
			       "cooldown: 60s, raise: 0.6}\n";

static int
open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
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

/* A, B and C in good order, F1 on A. */
static void
set_scene(struct world *w, const char *yaml)
{
	add_nodes(w);
	world_apply(w, yaml);
	world_signal(w, "A", "node_load1", 1, 0, 0);
	world_signal(w, "B", "node_load1", 1, 0, 0);
	world_signal(w, "C", "node_load1", 1, 0, 0);
	world_run(w, 30000);
	assert_int_equal(w->calls, 0);
}

static void
overload(struct world *w, const char *node)
{
	world_signal(w, node, "node_load1", 9, 0, 0);
}

static void
relieve(struct world *w, const char *node)
{
	world_signal(w, node, "node_load1", 1, 0, 0);
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

#define WAITS ((enum hook_verdict)0)

static bool
is_called(struct world *w)
{
	return w->calls > 0;
}

/* --- verdicts ------------------------------------------------------------------------------------ */

struct expectation {
	enum hook_verdict script[8];
	unsigned scripted;
	unsigned calls;
	const char *targets; /* of the calls, a letter each */
	const char *resumed; /* likewise: r or s */
	const char *migration, *placement;
	int64_t seconds; /* until then; 28: less than the respite after a failure */
};

static const struct expectation expectations[] = {
	{ { HOOK_DONE }, 1, 1, "C", "s", "A>C done - 2", "C assigned 2", 28 },
	{ { HOOK_ALREADY }, 1, 1, "C", "s", "A>C done - 2", "C assigned 2", 28 },
	{ { HOOK_REFUSED, HOOK_DONE }, 2, 2, "CB", "ss", "A>B done - 2", "B assigned 2",
	    28 },
	{ { HOOK_FAILED_CLEAN, HOOK_DONE }, 2, 2, "CB", "ss", "A>B done - 2",
	    "B assigned 2", 28 },
	{ { HOOK_CANCELLED, HOOK_DONE }, 2, 2, "CB", "ss", "A>B done - 2", "B assigned 2",
	    28 },
	{ { HOOK_RETRY, HOOK_DONE }, 2, 2, "CC", "ss", "A>C done - 2", "C assigned 2",
	    28 },
	{ { HOOK_RETRY, HOOK_RETRY, HOOK_RETRY, HOOK_RETRY, HOOK_RETRY, HOOK_DONE }, 6, 6,
	    "CCCCCB", "ssssss", "A>B done - 2", "B assigned 2",
	    50 }, /* five retries: the hook is left alone for 30 s */
	{ { HOOK_FAILED_UNKNOWN, HOOK_DONE }, 2, 2, "CC", "sr", "A>C done - 2",
	    "C assigned 2", 28 },
	{ { HOOK_FAILED_UNKNOWN, HOOK_FAILED_CLEAN, HOOK_DONE }, 3, 3, "CCB", "srs",
	    "A>B done - 2", "B assigned 2", 28 },
	{ { HOOK_FAILED_UNKNOWN, HOOK_RETRY, HOOK_DONE }, 3, 3, "CCC", "srs",
	    "A>C done - 2", "C assigned 2", 28 },
	{ { HOOK_FAILED_UNKNOWN, HOOK_FAILED_UNKNOWN, HOOK_FAILED_UNKNOWN,
	      HOOK_FAILED_UNKNOWN },
	    4, 4, "CCCC", "srrr", "A>C unknown - 2", "A uncertain 1", 28 },
	{ { HOOK_FENCED }, 1, 1, "C", "s", "A>C failed - 2", "A uncertain 1", 28 },
	{ { HOOK_REFUSED, HOOK_REFUSED }, 2, 2, "CB", "ss", "A> failed - 2",
	    "A assigned 1", 28 },
	{ { HOOK_REFUSED, HOOK_FAILED_UNKNOWN, HOOK_DONE }, 3, 3, "CBB", "ssr",
	    "A>B done - 2", "B assigned 2", 28 },
	/* no such verdict: nobody knows what it means */
	{ { (enum hook_verdict)99, HOOK_DONE }, 2, 2, "CC", "sr", "A>C done - 2",
	    "C assigned 2", 28 },
};

static void
check_expectation(struct world *w, const struct expectation *e)
{
	assert_int_equal(w->calls, e->calls);
	for (unsigned i = 0; i < e->calls; i++) {
		assert_int_equal(w->call[i].target[0], e->targets[i]);
		assert_int_equal(w->call[i].resume, e->resumed[i] == 'r');
		assert_string_equal(w->call[i].id, w->call[0].id);
		assert_int_equal(w->call[i].generation, 2);
		assert_string_equal(w->call[i].source, "A");
	}
	assert_string_equal(world_migration(w), e->migration);
	assert_string_equal(world_placement(w, "delivery", "F1"), e->placement);
}

static void
every_verdict_has_its_consequence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expectations); i++) {
		const struct expectation *e = &expectations[i];
		struct world *w = calloc(1, sizeof *w);

		assert_non_null(w);
		world_open(w);
		set_scene(w, delivery);
		script(w, e->scripted, e->script);
		overload(w, "A");
		world_run(w, e->seconds * 1000);
		check_expectation(w, e);
		assert_int_equal(world_events(w, "migration.opened"), 1);
		world_close(w);
		free(w);
	}
}

static void
retries_take_longer_each_time(void **state)
{
	struct world *w = *state;
	int64_t at[4], began;
	unsigned seen = 0;

	set_scene(w, delivery);
	SCRIPT(w, HOOK_RETRY, HOOK_RETRY, HOOK_RETRY, HOOK_DONE);
	overload(w, "A");
	began = grasp_io_now(w->io);
	while (seen < 4 && grasp_io_now(w->io) < began + 60000) {
		world_run(w, 100);
		while (seen < w->calls)
			at[seen++] = grasp_io_now(w->io);
	}
	assert_int_equal(seen, 4);
	assert_in_range(at[1] - at[0], 800, 2000);
	assert_in_range(at[2] - at[1], 1700, 3000);
	assert_in_range(at[3] - at[2], 3500, 5500);
}

static void
a_refused_start_goes_to_the_next_candidate(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	w->start_error = -EPERM;
	overload(w, "A");
	world_run(w, 5000);
	assert_string_equal(world_migration(w), "A> failed - 2");
	assert_int_equal(world_events(w, "migration.refused"), 2);
	assert_non_null(
	    strstr(world_event(w, "migration.refused"), "Operation not permitted"));
}

/* --- the course of a call ------------------------------------------------------------------------ */

static void
each_phase_is_journalled_with_its_placement(void **state)
{
	static const struct {
		enum hook_phase phase;
		const char *migration, *placement;
	} steps[] = {
		{ HOOK_ACCEPTED, "A>C open accepted 2", "A preparing 1" },
		{ HOOK_TARGET_STARTING, "A>C open target_starting 2", "A preparing 1" },
		{ HOOK_TARGET_READY, "A>C open target_ready 2", "A releasing 1" },
		{ HOOK_SWITCHED, "A>C open switched 2", "A assigning 1" },
		{ HOOK_SOURCE_DRAINED, "A>C open source_drained 2", "A assigning 1" },
	};
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	assert_string_equal(world_migration(w), "A>C open - 2");
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		world_progress(w, 0, steps[i].phase);
		assert_string_equal(world_migration(w), steps[i].migration);
		assert_string_equal(
		    world_placement(w, "delivery", "F1"), steps[i].placement);
	}
	world_progress(w, 0, HOOK_ACCEPTED); /* nothing goes backwards */
	assert_string_equal(world_migration(w), "A>C open source_drained 2");
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	assert_string_equal(world_migration(w), "A>C done source_drained 2");
	assert_int_equal(world_events(w, "migration.phase"), 5);
}

static void
a_situation_is_one_event_with_revisions(void **state) /* HOOK-04 */
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	world_signal(w, "A", "node_load1", 1, 0.05, 0.3); /* 4 in a minute */
	assert_true(world_run_until(w, is_called, 70000));
	assert_true(w->call[0].probability >= 0.6 && w->call[0].probability < 1);
	assert_true(w->call[0].due_ms > 0);
	assert_int_equal(w->call[0].rev, 1);
	assert_int_equal(w->call[0].candidates, 2);
	world_run(w, 14000); /* up to the deadline it gets more and more certain */
	assert_int_equal(w->calls, 1);
	assert_true(w->call[0].updates > 0);
	assert_int_equal(w->call[0].rev, 1 + w->call[0].updates);
	assert_true(w->call[0].probability > 0.9);
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	assert_int_equal(world_events(w, "migration.opened"), 1);
	assert_int_equal(world_events(w, "prediction.raised"), 1);
}

static void
the_deadline_cancels_then_kills_then_gives_up(void **state) /* */
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_run(w, 14000);
	assert_false(w->call[0].cancelled);
	world_run(w, 2000);
	assert_true(w->call[0].cancelled);
	assert_int_equal(w->calls, 1);
	world_run(w, 13000); /* 5 s, 5 s, and a pause: then it is asked */
	assert_int_equal(w->calls, 2);
	assert_true(w->call[1].resume);
	world_answer(w, 0, HOOK_DONE, "much too late");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "A preparing 1");
	world_answer(w, 1, HOOK_FAILED_CLEAN, "");
	world_run(w, 2000);
	assert_string_equal(w->call[2].target, "B");
}

static void
a_cancelled_call_at_the_deadline_goes_to_the_next_candidate(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS, HOOK_DONE);
	overload(w, "A");
	world_run(w, 20000);
	assert_true(w->call[0].cancelled);
	world_answer(w, 0, HOOK_CANCELLED, "");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "B assigned 2");
}

/* There is no way back behind the switch. */
static void
cancelled_after_the_switch_is_unknown(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS, HOOK_DONE);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_progress(w, 0, HOOK_SWITCHED);
	world_answer(w, 0, HOOK_CANCELLED, "");
	world_run(w, 5000);
	assert_int_equal(w->calls, 2);
	assert_true(w->call[1].resume);
	assert_int_equal(w->call[1].last, HOOK_SWITCHED);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

static void
a_second_verdict_is_ignored(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_answer(w, 0, HOOK_DONE, "");
	w->call[0].open = true;
	world_answer(w, 0, HOOK_FAILED_CLEAN, "");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_int_equal(w->calls, 1);
}

static void
a_prediction_taken_back_cancels_what_has_not_started(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_progress(w, 0, HOOK_TARGET_STARTING);
	relieve(w, "A");
	world_run(w, 10000);
	assert_true(w->call[0].cancelled);
	world_answer(w, 0, HOOK_CANCELLED, "");
	world_run(w, 1000);
	assert_string_equal(world_migration(w), "A>C cancelled target_starting 2");
	assert_string_equal(world_placement(w, "delivery", "F1"), "A assigned 1");
	assert_int_equal(w->calls, 1);
}

static void
what_is_ready_is_not_cancelled(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_progress(w, 0, HOOK_TARGET_READY);
	relieve(w, "A");
	world_run(w, 8000);
	assert_false(w->call[0].cancelled);
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

/* --- when it is opened, and when not ------------------------------------------------------------ */

static void
a_lost_node_is_left_at_once(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	world_set_state(w, "A", NODE_SUSPECT);
	world_run(w, 3000);
	assert_int_equal(w->calls, 0);
	world_set_state(w, "A", NODE_LOST);
	world_run(w, 2000);
	assert_int_equal(w->calls, 1);
	assert_string_equal(w->call[0].reason, "node lost");
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

static void
nothing_moves_within_the_cool_down_but_from_a_lost_node(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "A");
	world_run(w, 5000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	relieve(w, "A");
	overload(w, "C");
	world_run(w, 40000);
	assert_int_equal(w->calls, 1);
	world_set_state(w, "C", NODE_LOST);
	world_run(w, 2000);
	assert_int_equal(w->calls, 2);
	assert_string_equal(world_placement(w, "delivery", "F1"), "B assigned 3");
	assert_string_not_equal(w->call[0].id, w->call[1].id);
}

static void
after_the_cool_down_it_may_move_again(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "A");
	world_run(w, 5000);
	overload(w, "C");
	world_run(w, 70000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "B assigned 3");
}

static void
pinned_functions_stay(void **state)
{
	struct world *w = *state;

	set_scene(w,
	    "service: delivery\nhook: mover\nfunctions:\n"
	    "  - name: F1\n    host: A\n    migration: {pinned: yes, raise: 0.6}\n"
	    "    requirements: [{expr: node_load1, predictor: trend, below: 4}]\n");
	overload(w, "A");
	world_run(w, 10000);
	assert_int_equal(w->calls, 0);
	assert_int_equal(world_events(w, "service.degraded"), 1);
}

static void
without_a_hook_there_are_events_only(void **state) /* HOOK-06 */
{
	struct world *w = *state;

	set_scene(w,
	    "service: delivery\nfunctions:\n  - name: F1\n    host: A\n"
	    "    requirements: [{expr: node_load1, predictor: trend, below: 4}]\n");
	overload(w, "A");
	world_run(w, 10000);
	assert_int_equal(w->calls, 0);
	assert_int_equal(world_events(w, "service.degraded"), 1);
	assert_string_equal(world_placement(w, "delivery", "F1"), "A assigned 1");
}

static void
a_host_that_never_came_is_waited_for(void **state)
{
	struct world *w = *state;

	world_node(w, "B", NULL);
	world_apply(w, delivery);
	world_run(w, 60000);
	assert_int_equal(w->calls, 0);
	assert_int_equal(world_events(w, "migration.opened"), 0);
}

static void
nobody_to_take_it_is_said_once_and_tried_on(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "B");
	overload(w, "C");
	world_run(w, 5000);
	overload(w, "A");
	world_run(w, 30000);
	assert_int_equal(w->calls, 0);
	assert_int_equal(world_events(w, "migration.waiting"), 1);
	assert_non_null(strstr(world_event(w, "migration.waiting"),
	    "B: it does not meet node_load1 < 4 (9)"));
	relieve(w, "B");
	world_run(w, 10000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "B assigned 2");
	assert_int_equal(world_events(w, "migration.opened"), 1);
}

static void
a_situation_that_passes_while_waiting_is_closed(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "B");
	overload(w, "C");
	world_run(w, 5000);
	overload(w, "A");
	world_run(w, 10000);
	relieve(w, "A");
	world_run(w, 10000);
	assert_string_equal(world_migration(w), "A> cancelled - 2");
	assert_string_equal(world_placement(w, "delivery", "F1"), "A assigned 1");
}

/* CND-05: what the first takes with it counts at the target while it is on its way. */
static void
two_functions_do_not_move_onto_one_place(void **state)
{
	struct world *w = *state;

	set_scene(w,
	    "service: delivery\nhook: mover\nfunctions:\n"
	    "  - {name: F1, host: A, candidates: [C, B], needs: {memory: 5GiB},\n"
	    "     requirements: [{expr: node_load1, predictor: trend, below: 4, "
	    "candidate-period: 1s}]}\n"
	    "  - {name: F2, host: A, candidates: [C, B], needs: {memory: 5GiB},\n"
	    "     requirements: [{expr: node_load1, predictor: trend, below: 4, "
	    "candidate-period: 1s}]}\n");
	SCRIPT(w, WAITS, WAITS);
	overload(w, "A");
	world_run(w, 5000);
	assert_int_equal(w->calls, 2);
	assert_string_equal(w->call[0].target, "C");
	assert_string_equal(w->call[1].target, "B");
}

/* --- restart of the controller ----------------------------------------------------------------- */

static void
restart(struct world *w)
{
	world_restart(w);
	add_nodes(w);
}

static void
an_open_call_is_taken_up_where_it_was(void **state)
{
	static const enum hook_phase phases[] = { 0, HOOK_ACCEPTED, HOOK_TARGET_STARTING,
		HOOK_TARGET_READY, HOOK_SWITCHED, HOOK_SOURCE_DRAINED };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(phases); i++) {
		struct world *w = calloc(1, sizeof *w);

		assert_non_null(w);
		world_open(w);
		set_scene(w, delivery);
		SCRIPT(w, WAITS, HOOK_DONE);
		overload(w, "A");
		assert_true(world_run_until(w, is_called, 10000));
		if (phases[i])
			world_progress(w, 0, phases[i]);
		restart(w);
		world_run(w, 2000);
		assert_int_equal(w->calls, 2);
		assert_true(w->call[1].resume);
		assert_int_equal(w->call[1].last, phases[i]);
		assert_string_equal(w->call[1].id, w->call[0].id);
		assert_string_equal(w->call[1].target, "C");
		assert_int_equal(w->call[1].generation, 2);
		assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
		world_close(w);
		free(w);
	}
}

/* It is in the journal, and whether the hook has heard of it nobody can tell. */
static void
what_was_journalled_but_not_started_is_asked_for(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "A");
	for (int i = 0; i < 20 && !w->judge->placements->migration; i++) {
		world_run(w, 100);
		fake_run(w->net, 500); /* without the store's answer */
	}
	assert_non_null(w->judge->placements->migration);
	assert_int_equal(w->calls, 0);
	restart(w);
	assert_int_equal(w->calls, 0);
	world_run(w, 2000);
	assert_int_equal(w->calls, 1);
	assert_true(w->call[0].resume);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

static void
a_pause_is_taken_up_too(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, HOOK_RETRY, HOOK_DONE);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_run(w, 200);
	assert_int_equal(w->calls, 1);
	restart(w);
	world_run(w, 2000);
	assert_int_equal(w->calls, 2);
	assert_true(w->call[1].resume);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

static void
a_search_for_candidates_begins_anew(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "B");
	overload(w, "C");
	world_run(w, 5000);
	overload(w, "A");
	world_run(w, 10000);
	restart(w);
	world_run(w, 20000);
	assert_int_equal(world_events(w, "migration.opened"), 2);
	relieve(w, "C");
	world_run(w, 10000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

static void
what_has_ended_stays_ended(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	overload(w, "A");
	world_run(w, 5000);
	restart(w);
	world_run(w, 5000);
	assert_int_equal(w->calls, 1);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_int_equal(world_events(w, "migration.done"), 1);
}

static void
an_uncertain_placement_stays_so_until_somebody_says(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	SCRIPT(w, HOOK_FENCED);
	overload(w, "A");
	world_run(w, 5000);
	restart(w);
	world_run(w, 60000);
	assert_int_equal(w->calls, 1);
	assert_string_equal(world_placement(w, "delivery", "F1"), "A uncertain 1");
	relieve(w, "B");
	assert_int_equal(judge_place(w->judge, "delivery", "F2", "B"), -ENOENT);
	assert_int_equal(judge_place(w->judge, "delivery", "F1", "X"), -ENODEV);
	assert_int_equal(judge_place(w->judge, "delivery", "F1", "B"), 0);
	assert_string_equal(world_placement(w, "delivery", "F1"), "B assigned 2");
	world_run(w, 30000);
	overload(w, "B");
	world_run(w, 5000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 3");
}

/* Contract rule 3: the same id and generation come to the same end. */
static void
a_hook_without_resume_is_started_again(void **state)
{
	struct world *w = *state;

	w->caps_off = HOOK_CAN_RESUME;
	restart(w);
	set_scene(w, delivery);
	SCRIPT(w, WAITS, HOOK_DONE);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	restart(w);
	world_run(w, 2000);
	assert_int_equal(w->calls, 2);
	assert_false(w->call[1].resume);
	assert_string_equal(w->call[1].id, w->call[0].id);
	w->caps_off = 0;
}

/* Lost while we were away counts when the registry says so, not before. */
static void
a_restart_is_no_loss(void **state)
{
	struct world *w = *state;

	set_scene(w, delivery);
	world_restart(w);
	world_run(w, 5000);
	assert_int_equal(w->calls, 0);
	add_nodes(w);
	world_run(w, 5000);
	assert_int_equal(w->calls, 0);
}

/* --- services that change meanwhile ------------------------------------------------------------ */

static void
note_removed(void *arg, int err)
{
	*(int *)arg = err;
}

static void
a_removed_service_cancels_its_move(void **state)
{
	struct world *w = *state;
	int err = 1;

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	assert_int_equal(judge_remove(w->judge, "delivery", note_removed, &err), 0);
	store_flush(w->store);
	assert_int_equal(err, 0);
	assert_true(w->call[0].cancelled);
	assert_string_equal(world_migration(w), "A>C cancelled - 2");
	world_answer(w, 0, HOOK_DONE, "for nobody");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "");
	assert_int_equal(judge_remove(w->judge, "delivery", NULL, NULL), -ENOENT);
}

static void
a_replaced_service_goes_on_moving(void **state)
{
	struct world *w = *state;
	char yaml[1024];

	set_scene(w, delivery);
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	snprintf(yaml, sizeof yaml, "%s# a remark\n", delivery);
	world_apply(w, yaml);
	world_run(w, 2000);
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

/* --- preparing --------------------------------------------------------------------------------------- */

static const char preparing[] =
    "service: delivery\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: F1\n"
    "    host: A\n"
    "    candidates: [C, B]\n"
    "    requirements: [{expr: node_load1, below: 4, predictor: trend,"
    " candidate-period: 1s}]\n"
    "    migration: {lead: 20s, deadline: 15s, cooldown: 60s, raise: 0.8, clear: 0.4}\n";

static bool
is_prepared(struct world *w)
{
	return w->calls > 0 && w->call[0].stage == HOOK_PREPARE && !w->call[0].open;
}

/* Nobody notices, until the move is wanted: then it goes to where everything is ready. */
static void
a_likely_failure_prepares_the_best_candidates(void **state)
{
	struct world *w = *state;
	const struct world_call *last;

	w->caps_on = HOOK_CAN_PREPARE;
	world_restart(w);
	set_scene(w, preparing);
	world_signal(w, "A", "node_load1", 1, 0.05, 0.3); /* 4 in a minute */
	assert_true(world_run_until(w, is_called, 70000));
	assert_int_equal(w->call[0].stage, HOOK_PREPARE);
	assert_int_equal(w->call[0].kind, HOOK_MIGRATE);
	assert_int_equal(w->call[0].candidates, 2);
	assert_in_range((int)(w->call[0].probability * 100), 40, 80);
	world_run(w, 60000);
	assert_true(w->calls >= 3);
	assert_int_equal(w->call[1].stage, HOOK_COMMIT);
	assert_string_equal(w->call[1].id, w->call[0].id);
	assert_true(w->call[1].rev > w->call[0].rev);
	assert_string_equal(w->call[1].target, w->call[0].target);
	last = &w->call[2]; /* the other one has nothing left */
	assert_int_equal(last->kind, HOOK_PREDICTION_CLEARED);
	assert_int_equal(last->stage, HOOK_PREPARE);
	assert_string_equal(last->id, w->call[0].id);
	assert_int_equal(last->candidates, 1);
	assert_string_not_equal(last->target, w->call[1].target);
	w->caps_on = 0;
}

static bool
is_undone(struct world *w)
{
	return w->calls > 1 && w->call[w->calls - 1].kind == HOOK_PREDICTION_CLEARED;
}

static void
what_was_prepared_for_nothing_is_undone(void **state)
{
	struct world *w = *state;

	w->caps_on = HOOK_CAN_PREPARE;
	world_restart(w);
	set_scene(w, preparing);
	SCRIPT(w, HOOK_DONE, HOOK_RETRY, HOOK_DONE);
	world_signal(w, "A", "node_load1", 1, 0.05, 0.3);
	assert_true(world_run_until(w, is_prepared, 70000));
	relieve(w, "A");
	assert_true(world_run_until(w, is_undone, 200000));
	assert_int_equal(w->call[1].candidates, 2);
	world_run(w, 10000);
	assert_int_equal(w->calls, 3); /* until it is done */
	assert_string_equal(w->call[2].id, w->call[0].id);
	assert_int_equal(w->call[2].stage, HOOK_PREPARE);
	world_run(w, 60000);
	assert_int_equal(w->calls, 3);
	assert_int_equal(world_events(w, "migration.opened"), 0);
	assert_string_equal(world_placement(w, "delivery", "F1"), "A assigned 1");
	w->caps_on = 0;
}

static void
what_was_prepared_is_undone_after_a_restart(void **state)
{
	struct world *w = *state;

	w->caps_on = HOOK_CAN_PREPARE;
	world_restart(w);
	set_scene(w, preparing);
	world_signal(w, "A", "node_load1", 1, 0.05, 0.3);
	assert_true(world_run_until(w, is_prepared, 70000));
	world_run(w, 500);
	relieve(w, "A");
	restart(w);
	assert_true(world_run_until(w, is_undone, 10000));
	assert_true(w->call[1].resume);
	assert_string_equal(w->call[1].id, w->call[0].id);
	assert_int_equal(w->call[1].candidates, 2);
	w->caps_on = 0;
}

/* --- durations ------------------------------------------------------------------------------------- */

static void
what_migrations_took_and_the_margin_lengthen_the_lead(void **state) /* PRD-07 */
{
	struct world *w = *state;
	const struct placement *p;

	set_scene(w,
	    "service: delivery\nhook: mover\nfunctions:\n"
	    "  - name: F1\n    host: A\n    candidates: [C]\n"
	    "    requirements: [{expr: node_load1, predictor: trend, below: 4, "
	    "candidate-period: 1s}]\n"
	    "    migration: {lead: 5s, deadline: 60s, cooldown: 0s, margin: 3s, raise: "
	    "0.6}\n");
	SCRIPT(w, WAITS);
	overload(w, "A");
	assert_true(world_run_until(w, is_called, 10000));
	world_run(w, 12000);
	world_answer(w, 0, HOOK_DONE, "");
	world_run(w, 1000);
	p = w->judge->placements;
	assert_in_range(placement_usual_duration(p), 12000, 12500);
	assert_int_equal(placement_lead(p), placement_usual_duration(p) + 3000);
	restart(w);
	p = w->judge->placements;
	assert_in_range(placement_lead(p), 15000, 15500);
}

int
main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(every_verdict_has_its_consequence),
		IN_WORLD(retries_take_longer_each_time),
		IN_WORLD(a_refused_start_goes_to_the_next_candidate),
		IN_WORLD(each_phase_is_journalled_with_its_placement),
		IN_WORLD(a_situation_is_one_event_with_revisions),
		IN_WORLD(the_deadline_cancels_then_kills_then_gives_up),
		IN_WORLD(a_cancelled_call_at_the_deadline_goes_to_the_next_candidate),
		IN_WORLD(cancelled_after_the_switch_is_unknown),
		IN_WORLD(a_second_verdict_is_ignored),
		IN_WORLD(a_prediction_taken_back_cancels_what_has_not_started),
		IN_WORLD(what_is_ready_is_not_cancelled),
		IN_WORLD(a_lost_node_is_left_at_once),
		IN_WORLD(nothing_moves_within_the_cool_down_but_from_a_lost_node),
		IN_WORLD(after_the_cool_down_it_may_move_again),
		IN_WORLD(pinned_functions_stay),
		IN_WORLD(without_a_hook_there_are_events_only),
		IN_WORLD(a_host_that_never_came_is_waited_for),
		IN_WORLD(nobody_to_take_it_is_said_once_and_tried_on),
		IN_WORLD(a_situation_that_passes_while_waiting_is_closed),
		IN_WORLD(two_functions_do_not_move_onto_one_place),
		TEST(an_open_call_is_taken_up_where_it_was),
		IN_WORLD(what_was_journalled_but_not_started_is_asked_for),
		IN_WORLD(a_pause_is_taken_up_too),
		IN_WORLD(a_search_for_candidates_begins_anew),
		IN_WORLD(what_has_ended_stays_ended),
		IN_WORLD(an_uncertain_placement_stays_so_until_somebody_says),
		IN_WORLD(a_hook_without_resume_is_started_again),
		IN_WORLD(a_restart_is_no_loss),
		IN_WORLD(a_removed_service_cancels_its_move),
		IN_WORLD(a_likely_failure_prepares_the_best_candidates),
		IN_WORLD(what_was_prepared_for_nothing_is_undone),
		IN_WORLD(what_was_prepared_is_undone_after_a_restart),
		IN_WORLD(a_replaced_service_goes_on_moving),
		IN_WORLD(what_migrations_took_and_the_margin_lengthen_the_lead),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
