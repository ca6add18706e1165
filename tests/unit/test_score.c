/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/score.h"
#include "tests/support/test.h"
#include <math.h>
#include <string.h>

struct seen {
	struct score_line all, service, class;
	unsigned lines;
};

static void
see_line(void *arg, const struct score_line *l)
{
	struct seen *s = arg;

	s->lines++;
	if (!strcmp(l->of, "all"))
		s->all = *l;
	else if (!strcmp(l->of, "service") && !strcmp(l->name, "video"))
		s->service = *l;
	else if (!strcmp(l->of, "class") && !strcmp(l->name, "hazard/cpu"))
		s->class = *l;
}

static void
add(struct score *s, const char *service, const char *outcome, int64_t lead_ms)
{
	const struct prediction_row row = { .time_ms = 1000000,
		.service = service,
		.class = "cpu",
		.predictor = strcmp(outcome, "lost") ? "hazard" : "",
		.outcome = outcome,
		.ended_ms = 1000000 + lead_ms };

	assert_int_equal(score_add(s, &row), 0);
}

/* Precision leaves out what was averted, recall counts what nobody announced. */
static void
hits_misses_and_false_alarms_are_counted_PRD_08(void **state)
{
	struct score *s;
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(score_new(&s), 0);
	for (int i = 0; i < 6; i++)
		add(s, "video", "hit", 20000 + 1000 * i);
	add(s, "video", "late", 1000);
	add(s, "video", "early", 300000);
	add(s, "video", "cleared", 5000);
	add(s, "video", "cleared", 5000);
	add(s, "video", "averted", 5000);
	add(s, "video", "dropped", 5000);
	add(s, "video", "miss", 0);
	add(s, "audio", "lost", 0);
	score_each(s, see_line, &seen);
	assert_int_equal(seen.lines, 4);
	assert_int_equal(seen.service.predictions, 12);
	assert_int_equal(seen.service.hit, 6);
	assert_float_equal(seen.service.precision, 8.0 / 10, 1e-9);
	assert_float_equal(seen.service.recall, 7.0 / 9, 1e-9);
	assert_float_equal(seen.all.recall, 7.0 / 10, 1e-9);
	assert_int_equal(seen.class.lost, 0); /* nobody's fault */
	assert_int_equal(seen.all.lost, 1);
	assert_float_equal(seen.service.lead50_s, 23, 1.01);
	assert_true(seen.service.lead10_s < seen.service.lead50_s);
	assert_true(seen.service.lead90_s > seen.service.lead50_s);
	assert_true(isnan(seen.all.brier));
	score_free(s);
}

static void
calibration_gives_brier_and_skill_PRD_08(void **state)
{
	const struct calibration_row rows[] = {
		{ "hazard", "cpu", 0, 90, 0, 0, 0 },   /* said 0, came never */
		{ "hazard", "cpu", 9, 10, 10, 10, 0 }, /* said 1, came always */
		{ "hazard", "radio", 5, 100, 50, 50, 25 },
	};
	struct seen seen = { 0 };
	struct score *s;

	(void)state;
	assert_int_equal(score_new(&s), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(score_calibrate(s, &rows[i]), 0);
	score_each(s, see_line, &seen);
	assert_int_equal(seen.class.samples, 100);
	assert_float_equal(seen.class.base, 0.1, 1e-9);
	assert_float_equal(seen.class.brier, 0, 1e-9);
	assert_float_equal(seen.class.skill, 1, 1e-9);
	assert_float_equal(seen.all.brier, 0.125, 1e-9);
	assert_float_equal(seen.all.skill, 1 - 0.125 / (0.3 * 0.7), 1e-9);
	score_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hits_misses_and_false_alarms_are_counted_PRD_08),
		TEST(calibration_gives_brier_and_skill_PRD_08),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
