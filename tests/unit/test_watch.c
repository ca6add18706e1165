/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/watch.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* One node A, one service s with a function f that has one requirement. */
struct scene {
	struct service *service;
	struct placement *placements, *p;
	struct caps caps;
	struct node node;
	struct planner *planner;
	struct watches *watches;
	int64_t now_ms;
	char log[1024]; /* "ok>violated " … */
	unsigned dropped;
	unsigned said, came; /* answers that were looked at, and those that came true */
	double most;	     /* that was said */
};

static void
note_change(void *arg, struct watch *w, enum watch_state before)
{
	struct scene *s = arg;
	size_t len = strlen(s->log);

	snprintf(s->log + len, sizeof s->log - len, "%s>%s ", watch_state_name(before),
	    watch_state_name(w->state));
}

static void
note_drop(void *arg, struct watch *w)
{
	(void)w;
	((struct scene *)arg)->dropped++;
}

static void
note_sample(void *arg, const struct watch *w, double said, bool came)
{
	struct scene *s = arg;

	(void)w;
	s->said++;
	s->came += came;
	s->most = fmax(s->most, said);
}

static void
sync_plan(struct scene *s)
{
	const struct plan_view view = { s->placements, NULL, NULL };

	assert_true(planner_update(s->planner, &s->node, &view, 1000) >= 0);
	assert_int_equal(watches_sync(s->watches, &s->node,
			     planner_get(s->planner, &s->node), s->now_ms),
	    0);
}

static void
scene_open(struct scene *s, const char *host, const char *requirement)
{
	static const struct watch_ops ops = { note_change, note_drop, note_sample };
	char yaml[1024];
	struct yaml_doc *none;
	struct complaints c;

	memset(s, 0, sizeof *s);
	complaints_init(&c);
	snprintf(yaml, sizeof yaml,
	    "service: s\nfunctions:\n  - name: f\n    host: %s\n"
	    "    requirements: [{expr: node_load1, predictor: trend, %s}]\n"
	    "    migration: {lead: 20s, cooldown: 60s, sustain: 2s, raise: 0.6}\n",
	    host, requirement);
	if (service_parse(slice_text(yaml), "s.yaml", &c, &s->service) < 0)
		fail_msg("%s", buf_text(&c.text));
	assert_int_equal(yaml_parse(slice_text("[]"), "c.yaml", &c, &none), 0);
	assert_int_equal(planner_new(yaml_root(none), &c, &s->planner), 0);
	yaml_doc_free(none);
	complaints_done(&c);
	assert_int_equal(placement_add(&s->placements, "s", "f", &s->p), 0);
	s->p->service = s->service;
	s->p->function = &s->service->function[0];
	snprintf(s->p->node, sizeof s->p->node, "%s", host);
	s->node.caps = &s->caps;
	s->node.state = NODE_ALIVE;
	strcpy(s->node.name, "A");
	s->now_ms = 100000;
	assert_int_equal(watches_new(&ops, s, &s->watches), 0);
	sync_plan(s);
}

static void
scene_close(struct scene *s)
{
	watches_free(s->watches);
	planner_free(s->planner);
	placement_free_all(&s->placements);
	service_free(s->service);
}

static struct watch *
the_watch(struct scene *s)
{
	struct watch *w = watches_of(s->watches, &s->node.id);

	assert_non_null(w);
	return w;
}

static void
add_labelled(struct scene *s, const char *label, double value)
{
	uint8_t memory[64];
	struct buf b;

	s->node.silent_since_ms = s->now_ms;
	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 1);
	wr_key_text(&b, "device", label);
	watches_point(
	    s->watches, &s->node.id, the_watch(s)->item, buf_slice(&b), s->now_ms, value);
}

static void
add_value(struct scene *s, double value)
{
	s->node.silent_since_ms = s->now_ms;
	watches_point(s->watches, &s->node.id, the_watch(s)->item, (struct slice){ 0 },
	    s->now_ms, value);
}

static struct prediction
answer_of(struct scene *s)
{
	struct prediction p;

	watch_predict(the_watch(s), s->now_ms, &p);
	return p;
}

static void
pass_second(struct scene *s)
{
	s->now_ms += 1000;
	watches_evaluate(s->watches, s->now_ms, false);
}

static void
hold_value(struct scene *s, double value, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		add_value(s, value);
		pass_second(s);
	}
}

static void
stay_silent(struct scene *s, int seconds)
{
	for (int i = 0; i < seconds; i++)
		pass_second(s);
}

static void
a_value_on_the_right_side_is_ok(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 4");
	assert_int_equal(the_watch(&s)->state, WATCH_UNKNOWN);
	hold_value(&s, 1, 30);
	assert_string_equal(s.log, "unknown>ok ");
	assert_true(the_watch(&s)->value == 1);
	assert_true(answer_of(&s).within[LEAD_NEEDED] < 0.01);
	scene_close(&s);
}

static void
a_violation_counts_when_it_has_lasted(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 4, hold: 5s");
	hold_value(&s, 1, 5);
	hold_value(&s, 9, 4);
	hold_value(&s, 1, 1);
	assert_string_equal(s.log, "unknown>ok ");
	hold_value(&s, 9, 6);
	assert_int_equal(the_watch(&s)->state, WATCH_VIOLATED);
	hold_value(&s, 1, 4); /* not yet */
	assert_int_equal(the_watch(&s)->state, WATCH_VIOLATED);
	hold_value(&s, 1, 4);
	assert_int_not_equal(the_watch(&s)->state, WATCH_VIOLATED);
	scene_close(&s);
}

static void
the_threshold_itself_violates(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "above: 4, hold: 0s");
	hold_value(&s, 4, 2);
	assert_string_equal(s.log, "unknown>violated ");
	scene_close(&s);
}

static void
a_ramp_is_raised_once_and_then_violated(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 90");
	for (int i = 0; i < 95; i++)
		hold_value(&s, i, 1);
	assert_string_equal(s.log, "unknown>ok ok>raised raised>violated ");
	scene_close(&s);
}

static void
a_prediction_has_to_be_sustained_and_is_taken_back(void **state) /* PRD-04 */
{
	struct scene s;
	int raised = -1;

	(void)state;
	scene_open(&s, "A", "below: 90");
	for (int i = 0; i < 80 && raised < 0; i++) {
		hold_value(&s, i, 1);
		if (the_watch(&s)->state == WATCH_RAISED)
			raised = i;
	}
	assert_true(raised > 60);
	assert_true(s.now_ms - the_watch(&s)->since_ms >= 2000);
	hold_value(&s, 20, 60);
	assert_string_equal(s.log, "unknown>ok ok>raised raised>ok ");
	scene_close(&s);
}

static void
what_is_missing_is_what_the_service_says(void **state)
{
	static const struct {
		const char *requirement, *log;
	} cases[] = {
		{ "below: 4", "unknown>ok ok>unknown " },
		{ "below: 4, when-missing: ok", "unknown>ok " },
		{ "below: 4, when-missing: fails, hold: 3s", "unknown>ok ok>violated " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scene s;

		scene_open(&s, "A", cases[i].requirement);
		hold_value(&s, 1, 3);
		stay_silent(&s, 20);
		assert_string_equal(s.log, cases[i].log);
		scene_close(&s);
	}
}

/* A node that says "unknown" is no better than one that says nothing. */
static void
an_unknown_value_is_missing_at_once(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 4, when-missing: fails, hold: 2s");
	hold_value(&s, 1, 3);
	hold_value(&s, NAN, 3);
	assert_string_equal(s.log, "unknown>ok ok>violated ");
	assert_true(isnan(the_watch(&s)->value));
	scene_close(&s);
}

static void
a_new_plan_has_time_to_show_results(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 4, when-missing: fails");
	stay_silent(&s, 14);
	assert_string_equal(s.log, "");
	stay_silent(&s, 20);
	assert_string_equal(s.log, "unknown>violated ");
	scene_close(&s);
}

static void
the_worst_of_several_label_sets_counts(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 90");
	for (int i = 0; i < 85; i++) {
		add_labelled(&s, "e0", 10);
		add_labelled(&s, "e1", i);
		add_labelled(&s, "e2", 40);
		pass_second(&s);
	}
	assert_int_equal(the_watch(&s)->state, WATCH_RAISED);
	assert_true(the_watch(&s)->value == 84);
	/* the bad one goes away, as its node says, the others stay */
	add_labelled(&s, "e1", NAN);
	for (int i = 0; i < 20; i++) {
		add_labelled(&s, "e0", 10);
		add_labelled(&s, "e2", 40);
		pass_second(&s);
	}
	assert_int_equal(the_watch(&s)->state, WATCH_OK);
	assert_true(the_watch(&s)->value == 40);
	scene_close(&s);
}

static void
label_sets_without_end_stay_bounded(void **state)
{
	struct scene s;
	char label[16];

	(void)state;
	scene_open(&s, "A", "below: 90, hold: 0s");
	for (int i = 0; i < 1000; i++) {
		s.now_ms++;
		snprintf(label, sizeof label, "veth%d", i);
		add_labelled(&s, label, i);
	}
	pass_second(&s);
	assert_true(the_watch(&s)->value == 999);
	scene_close(&s);
}

/* prediction.md §11: a report when it has moved by a share of what is left; nothing else. */
static void
silence_of_a_node_that_is_heard_says_that_nothing_has_changed(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 90, when-missing: fails");
	add_value(&s, 50);
	for (int i = 0; i < 60; i++) {
		s.node.silent_since_ms = s.now_ms;
		pass_second(&s);
	}
	assert_int_equal(the_watch(&s)->state, WATCH_OK);
	assert_true(answer_of(&s).samples > 50);
	assert_true(the_watch(&s)->value == 50);
	for (int i = 0; i < 10; i++) { /* not even its heartbeat came */
		s.node.silent_since_ms = s.now_ms;
		pass_second(&s);
	}
	assert_int_equal(the_watch(&s)->state, WATCH_VIOLATED);
	scene_close(&s);
}

static void
a_ramp_of_few_reports_is_raised_before_it_crosses(void **state)
{
	struct scene s;
	double told = -100, share;

	(void)state;
	scene_open(&s, "A", "below: 90");
	for (int i = 0; i < 95; i++) {
		share = 0.3 * (90 - told);
		if (fabs(i - told) > (share > 0.9 ? share : 0.9) ||
		    (i >= 90 && told < 90))
			add_value(&s, told = i);
		s.node.silent_since_ms = s.now_ms;
		pass_second(&s);
	}
	assert_string_equal(s.log, "unknown>ok ok>raised raised>violated ");
	scene_close(&s);
}

static void
candidates_look_further_ahead(void **state)
{
	struct scene host, candidate;

	(void)state;
	scene_open(&host, "A", "below: 4");
	scene_open(&candidate, "B", "below: 4");
	assert_true(the_watch(&host)->host);
	assert_false(the_watch(&candidate)->host);
	assert_int_equal(the_watch(&host)->lead_ms, 20000);
	assert_int_equal(the_watch(&candidate)->lead_ms, 80000);
	assert_int_equal(the_watch(&candidate)->period_ms, 5000);
	scene_close(&host);
	scene_close(&candidate);
}

static void
a_plan_that_stays_keeps_what_was_learned(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 90");
	hold_value(&s, 1, 30);
	sync_plan(&s);
	assert_int_equal(s.dropped, 0);
	assert_int_equal(the_watch(&s)->state, WATCH_OK);
	strcpy(s.p->node, "B"); /* the function moved away: A is a candidate now */
	sync_plan(&s);
	assert_int_equal(s.dropped, 1);
	assert_int_equal(the_watch(&s)->state, WATCH_UNKNOWN);
	watches_drop(s.watches, s.p);
	assert_null(watches_of(s.watches, &s.node.id));
	sync_plan(&s);
	watches_forget(s.watches, &s.node);
	assert_null(watches_of(s.watches, &s.node.id));
	assert_int_equal(s.dropped, 3);
	scene_close(&s);
}

static void
only_news_are_looked_at_when_asked_so(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 4, hold: 0s");
	hold_value(&s, 1, 3);
	add_value(&s, 9);
	watches_evaluate(s.watches, s.now_ms, true);
	assert_int_equal(the_watch(&s)->state, WATCH_VIOLATED);
	watches_evaluate(s.watches, s.now_ms + 60000, true);
	assert_int_equal(the_watch(&s)->state, WATCH_VIOLATED);
	watches_evaluate(s.watches, s.now_ms + 60000, false);
	assert_int_equal(the_watch(&s)->state, WATCH_UNKNOWN);
	scene_close(&s);
}

/* PRD-08: one answer a lead, and what came. */
static void
answers_are_held_against_what_came_alarm_or_not_PRD_08(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, "A", "below: 90, hold: 2s");
	hold_value(&s, 1, 120);
	assert_in_range(s.said, 4, 6); /* a lead is 20 s */
	assert_int_equal(s.came, 0);
	assert_true(s.most < 0.2);
	for (unsigned k = 0; k < 4; k++) {
		for (int i = 1; i < 95; i++)
			hold_value(&s, i, 1);
		hold_value(&s, 95, 60); /* nothing is foretold of what is there */
		hold_value(&s, 1, 60 + 6 * (int)k);
	}
	assert_in_range(s.came, 1, 4); /* each event comes within one lead at most */
	assert_in_range(s.said, 16, 40);
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_value_on_the_right_side_is_ok),
		TEST(a_violation_counts_when_it_has_lasted),
		TEST(the_threshold_itself_violates),
		TEST(a_ramp_is_raised_once_and_then_violated),
		TEST(a_prediction_has_to_be_sustained_and_is_taken_back),
		TEST(what_is_missing_is_what_the_service_says),
		TEST(an_unknown_value_is_missing_at_once),
		TEST(a_new_plan_has_time_to_show_results),
		TEST(the_worst_of_several_label_sets_counts),
		TEST(label_sets_without_end_stay_bounded),
		TEST(silence_of_a_node_that_is_heard_says_that_nothing_has_changed),
		TEST(a_ramp_of_few_reports_is_raised_before_it_crosses),
		TEST(candidates_look_further_ahead),
		TEST(a_plan_that_stays_keeps_what_was_learned),
		TEST(only_news_are_looked_at_when_asked_so),
		TEST(answers_are_held_against_what_came_alarm_or_not_PRD_08),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
