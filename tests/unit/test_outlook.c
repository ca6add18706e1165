/* SPDX-License-Identifier: Apache-2.0
 *
 * What several requirements say together of a node, and what must not worry anybody. */
#include "controller/outlook.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define REQUIREMENTS_MAX 3

/* One node A, one service s with a function f that has these requirements. */
struct scene {
	struct service *service;
	struct placement *placements, *p;
	struct caps caps;
	struct node node;
	struct planner *planner;
	struct watches *watches;
	struct watch *watch[REQUIREMENTS_MAX];
	int64_t now_ms;
	unsigned raised;
};

static void
note_change(void *arg, struct watch *w, enum watch_state before)
{
	(void)before;
	((struct scene *)arg)->raised += w->state == WATCH_RAISED;
}

static void
note_drop(void *arg, struct watch *w)
{
	(void)arg, (void)w;
}

static void
read_service(struct scene *s, const char *requirements, const char *migration)
{
	struct complaints c;
	char yaml[1024];

	complaints_init(&c);
	snprintf(yaml, sizeof yaml,
	    "service: s\nfunctions:\n  - name: f\n    host: A\n"
	    "    requirements: [%s]\n    migration: {lead: 20s, sustain: 2s, %s}\n",
	    requirements, migration);
	if (service_parse(slice_text(yaml), "s.yaml", &c, &s->service) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	assert_int_equal(placement_add(&s->placements, "s", "f", &s->p), 0);
	s->p->service = s->service;
	s->p->function = &s->service->function[0];
	strcpy(s->p->node, "A");
}

static void
make_plan(struct scene *s)
{
	const struct plan_view view = { s->placements, NULL, NULL };
	struct yaml_doc *none;
	struct complaints c;

	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text("[]"), "c.yaml", &c, &none), 0);
	assert_int_equal(planner_new(yaml_root(none), &c, &s->planner), 0);
	yaml_doc_free(none);
	complaints_done(&c);
	assert_true(planner_update(s->planner, &s->node, &view, 1000) >= 0);
	assert_int_equal(watches_sync(s->watches, &s->node,
			     planner_get(s->planner, &s->node), s->now_ms),
	    0);
}

static void
scene_open(struct scene *s, const char *requirements, const char *migration)
{
	static const struct watch_ops ops = { note_change, note_drop, NULL };

	memset(s, 0, sizeof *s);
	s->node.caps = &s->caps;
	s->node.state = NODE_ALIVE;
	strcpy(s->node.name, "A");
	s->now_ms = 100000;
	read_service(s, requirements, migration);
	assert_int_equal(watches_new(&ops, s, &s->watches), 0);
	make_plan(s);
	for (size_t i = 0; i < s->p->function->requirements; i++) {
		s->watch[i] = watches_find(
		    s->watches, &s->node, s->p, &s->p->function->requirement[i]);
		assert_non_null(s->watch[i]);
	}
}

static void
scene_close(struct scene *s)
{
	watches_free(s->watches);
	planner_free(s->planner);
	placement_free_all(&s->placements);
	service_free(s->service);
}

static void
tell(struct scene *s, unsigned i, double value)
{
	s->node.silent_since_ms = s->now_ms;
	watches_point(s->watches, &s->node.id, s->watch[i]->item, (struct slice){ 0 },
	    s->now_ms, value);
}

static void
pass_second(struct scene *s)
{
	s->now_ms += 1000;
	watches_evaluate(s->watches, s->now_ms, false);
}

static struct outlook_query
query(struct scene *s)
{
	return (struct outlook_query){ .watches = s->watches,
		.node = &s->node,
		.placement = s->p,
		.now_ms = s->now_ms };
}

static double
by(struct scene *s, int64_t within_ms)
{
	const struct outlook_query q = query(s);

	return outlook_by(&q, within_ms, NULL);
}

/* Pseudo-random, -0.5..0.5, the same on every machine. */
static double
noise(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return (double)(*seed >> 8) / 16777216 - 0.5;
}

/* --- together ----------------------------------------------------------------------------------- */

#define LOAD(class)                                                                      \
	"{expr: node_load1, below: 90, range: [0, 100], predictor: trend, class: " class \
	    "}"
#define HEAT(class)                                                              \
	"{expr: node_memory_used_ratio, below: 80, range: [0, 100], predictor: " \
	"trend, class: " class "}"

static void
climb(struct scene *s, int seconds)
{
	uint32_t seed = 7;

	for (int i = 0; i < seconds; i++) {
		tell(s, 0, i + 6 * noise(&seed));
		tell(s, 1, 0.86 * i + 6 * noise(&seed));
		pass_second(s);
	}
}

static void
classes_are_reckoned_as_independent_and_one_class_by_its_worst_PRD_01(void **state)
{
	struct scene s;
	double p, q;

	(void)state;
	scene_open(&s, LOAD("cpu") ", " HEAT("memory"), "raise: 0.99");
	climb(&s, 66);
	p = watch_by(s.watch[0], NULL, s.now_ms, 22000);
	q = watch_by(s.watch[1], NULL, s.now_ms, 22000);
	assert_true(p > 0.02 && p < 0.98 && q > 0.02 && q < 0.98);
	assert_float_equal(by(&s, 22000), 1 - (1 - p) * (1 - q), 1e-9);
	scene_close(&s);
	scene_open(&s, LOAD("cpu") ", " HEAT("cpu"), "raise: 0.99");
	climb(&s, 66);
	assert_float_equal(by(&s, 22000), fmax(p, q), 1e-9);
	scene_close(&s);
}

static void
the_outlook_tells_when_and_what_first_PRD_01(void **state)
{
	struct scene s;
	struct outlook_query q;
	struct outlook o;

	(void)state;
	scene_open(&s, LOAD("cpu") ", " HEAT("memory"), "raise: 0.99");
	q = query(&s);
	outlook_reckon(&q, &o);
	assert_true(isnan(o.within) && isnan(o.median_s));
	assert_int_equal(o.unknown, 2);
	climb(&s, 70);
	for (int i = 0; i < 30; i++) { /* the second stays where it is */
		tell(&s, 0, 70 + 0.5 * i);
		tell(&s, 1, 60);
		pass_second(&s);
	}
	q = query(&s);
	outlook_reckon(&q, &o);
	assert_int_equal(o.known, 2);
	assert_ptr_equal(o.first, s.watch[0]);
	assert_true(o.low_s <= o.median_s && o.median_s <= o.high_s);
	assert_true(o.median_s > 2 && o.median_s < 30);
	assert_true(by(&s, 1000) <= by(&s, 10000) && by(&s, 10000) <= by(&s, 100000));
	assert_float_equal(by(&s, 20000), o.within, 1e-9);
	scene_close(&s);
}

static void
what_is_violated_has_failed_and_what_is_calm_is_not_in_sight(void **state)
{
	struct scene s;
	struct outlook_query q;
	struct outlook o;
	uint32_t seed = 3;

	(void)state;
	scene_open(&s, LOAD("cpu") ", " HEAT("memory"), "raise: 0.99");
	for (int i = 0; i < 120; i++) {
		tell(&s, 0, 20 + noise(&seed));
		tell(&s, 1, 20 + noise(&seed));
		pass_second(&s);
	}
	q = query(&s);
	outlook_reckon(&q, &o);
	assert_true(o.within < 0.05 && isinf(o.median_s));
	for (int i = 0; i < 20; i++) {
		tell(&s, 0, 20 + noise(&seed));
		tell(&s, 1, 95);
		pass_second(&s);
	}
	assert_int_equal(s.watch[1]->state, WATCH_VIOLATED);
	assert_true(by(&s, 1) == 1);
	scene_close(&s);
}

/* --- nothing to worry about --------------------------------------------------------------------- */

static void
charge(struct scene *s)
{
	for (int i = 0; i < 120; i++) { /* 1 % each five seconds, as a gauge shows it */
		tell(s, 0, floor(50 - i * 0.1));
		pass_second(s);
	}
	for (int i = 0; i < 300; i++) {
		tell(s, 0, floor(fmin(38 + i * 0.25, 100)));
		pass_second(s);
	}
}

static void
leave_a_gap(struct scene *s)
{
	uint32_t seed = 5;

	for (int i = 0; i < 200; i++) {
		tell(s, 0, 60 + 2 * noise(&seed));
		pass_second(s);
	}
	for (int i = 0; i < 100; i++)
		pass_second(s);
	for (int i = 0; i < 200; i++) {
		tell(s, 0, 50 + 2 * noise(&seed));
		pass_second(s);
	}
}

/* As a clock of the node that is set shows itself: what is older than the newest, or far ahead of it. */
static void
step_the_clock(struct scene *s)
{
	uint32_t seed = 9;

	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < 150; i++) {
			tell(s, 0, 60 + 2 * noise(&seed));
			pass_second(s);
		}
		s->now_ms += k == 1 ? 3600000 : -30000;
	}
}

/* Down to 40 again and again. Of the first tooth nobody can know that it turns. */
static void
saw(struct scene *s)
{
	uint32_t seed = 11;

	for (int i = 0; i < 800; i++) {
		tell(s, 0, 90 - (i % 50) + noise(&seed));
		pass_second(s);
		if (i == 50)
			s->raised = 0;
	}
}

static void
burst(struct scene *s)
{
	uint32_t seed = 13;

	for (int i = 0; i < 800; i++) { /* two seconds at 25, once in two minutes */
		tell(s, 0, (i % 120 >= 118 ? 25 : 80) + noise(&seed));
		pass_second(s);
	}
}

static void
assert_calm(void (*play)(struct scene *s), const char *class)
{
	static const struct {
		const char *predictor, *migration;
	} ways[] = {
		{ "hazard", "raise: 0.6" },
		{ "hazard", "raise: 0" },
		{ "trend", "raise: 0.6" },
		{ "trend", "raise: 0" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		char requirement[160];
		struct scene s;

		snprintf(requirement, sizeof requirement,
		    "{expr: node_load1, above: 15, range: [0, 100], hold: 5s, "
		    "predictor: %s, class: %s}",
		    ways[i].predictor, class);
		scene_open(&s, requirement, ways[i].migration);
		play(&s);
		if (s.raised)
			fail_msg("%s with %s raised %u", ways[i].predictor,
			    ways[i].migration, s.raised);
		scene_close(&s);
	}
}

static void
charging_raises_nothing_PRD_06(void **state)
{
	(void)state;
	assert_calm(charge, "battery");
}

static void
a_gap_raises_nothing_PRD_06(void **state)
{
	(void)state;
	assert_calm(leave_a_gap, "battery");
}

static void
a_clock_that_steps_raises_nothing_PRD_06(void **state)
{
	(void)state;
	assert_calm(step_the_clock, "battery");
}

static void
a_saw_tooth_raises_nothing_PRD_04(void **state)
{
	(void)state;
	assert_calm(saw, "other");
}

static void
a_burst_raises_nothing_PRD_04(void **state)
{
	(void)state;
	assert_calm(burst, "other");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(
		    classes_are_reckoned_as_independent_and_one_class_by_its_worst_PRD_01),
		TEST(the_outlook_tells_when_and_what_first_PRD_01),
		TEST(what_is_violated_has_failed_and_what_is_calm_is_not_in_sight),
		TEST(charging_raises_nothing_PRD_06),
		TEST(a_gap_raises_nothing_PRD_06),
		TEST(a_clock_that_steps_raises_nothing_PRD_06),
		TEST(a_saw_tooth_raises_nothing_PRD_04),
		TEST(a_burst_raises_nothing_PRD_04),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
