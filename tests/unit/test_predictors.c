/* SPDX-License-Identifier: Apache-2.0
 *
 * What each predictor of the table promises by predictor.h, and the two plain ones. */
#include "base/mem.h"
#include "prediction/predictor.h"
#include "tests/support/test.h"
#include <math.h>
#include <string.h>

#define START_MS 1000000000

struct run {
	const struct predictor *predictor;
	void *state;
	int64_t now_ms;
	struct prediction p;
};

static struct predictor_setup
usual_setup(void)
{
	return (struct predictor_setup){ .threshold = 90,
		.sign = 1,
		.high = 100,
		.period_ms = 1000,
		.hold_ms = 3000,
		.lead_ms = { 10000, 20000, 100000 } };
}

static struct run
start(const struct predictor *p, const struct predictor_setup *setup)
{
	struct run r = {
		.predictor = p, .state = calloc(1, p->state_size), .now_ms = START_MS
	};

	assert_non_null(r.state);
	p->init(r.state, setup);
	return r;
}

static void
assert_sound(const struct prediction *p)
{
	if (*p->reason) {
		assert_true(isnan(p->within[LEAD_NEEDED]) && isnan(p->time_to_s));
		assert_false(p->alarm);
		return;
	}
	assert_true(p->within[0] >= 0 && p->within[2] <= 1);
	assert_true(p->within[0] <= p->within[1] && p->within[1] <= p->within[2]);
	assert_true(p->low_s <= p->time_to_s && p->time_to_s <= p->high_s);
}

static void
add_at(struct run *r, int64_t time_ms, double value)
{
	r->now_ms = time_ms;
	r->predictor->update(r->state, time_ms, value);
	r->predictor->predict(r->state, time_ms, &r->p);
	assert_sound(&r->p);
}

static void
add(struct run *r, double value)
{
	add_at(r, r->now_ms + 1000, value);
}

#define EACH(p) (const struct predictor *const *p = predictors; *p; p++)

static void
each_documents_itself_and_its_inputs_PRD_05(void **state)
{
	(void)state;
	for
		EACH(p)
		{
			struct predictor_setup setup = usual_setup();
			struct predictor_input in[PREDICTOR_INPUTS_MAX];
			struct run r = start(*p, &setup);

			assert_true(*(*p)->name && *(*p)->help);
			assert_ptr_equal(predictor_find((*p)->name), *p);
			for (int i = 0; i < 50; i++)
				add(&r, i);
			for (size_t i = 0,
				    n = (*p)->inputs ? (*p)->inputs(r.state, in) : 0;
			     i < n; i++)
				assert_true(*in[i].name && isfinite(in[i].value));
			free(r.state);
		}
}

static void
each_sees_a_ramp_come_and_rest_is_no_alarm_PRD_05(void **state)
{
	(void)state;
	for
		EACH(p)
		{
			struct predictor_setup setup = usual_setup();
			struct run ramp = start(*p, &setup), rest = start(*p, &setup);

			for (int i = 0; i < 172; i++) {
				add(&ramp, i * 0.5);
				add(&rest, 30 + i % 2);
				assert_false(rest.p.alarm);
			}
			assert_true(ramp.p.alarm);
			free(ramp.state);
			free(rest.state);
		}
}

static void
without_a_threshold_nobody_alarms(void **state)
{
	(void)state;
	for
		EACH(p)
		{
			struct predictor_setup setup = usual_setup();
			struct run r;

			if (*p == &predictor_trend)
				continue;
			setup.threshold = NAN;
			r = start(*p, &setup);
			for (int i = 0; i < 100; i++)
				add(&r, i);
			assert_string_equal(r.p.reason, "no threshold");
			free(r.state);
		}
}

static void
gaps_steps_and_odd_values_raise_nothing_PRD_06(void **state)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY };

	(void)state;
	for
		EACH(p)
		{
			struct predictor_setup setup = usual_setup();
			struct run r = start(*p, &setup);

			for (int i = 0; i < 600; i++) {
				int64_t step_ms = i % 200 == 150 ? 3600000
				    : i % 200 == 199		 ? -7200000
								 : 1000;

				add_at(&r, r.now_ms + step_ms,
				    i % 10 ? 40 + i % 3 : odd[i / 10 % 3]);
				assert_false(r.p.alarm);
			}
			free(r.state);
		}
}

static void
a_threshold_alarms_when_near_until_it_is_far_PRD_04(void **state)
{
	static const struct {
		double value;
		bool alarm;
	} steps[] = { { 84, false }, { 85, true }, { 81, true }, { 79, false },
		{ 84, false }, { 95, false } };
	struct predictor_setup setup = usual_setup();
	struct run r = start(&predictor_threshold, &setup);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		add(&r, steps[i].value);
		assert_int_equal(r.p.alarm, steps[i].alarm);
	}
	assert_true(r.p.time_to_s == 0);
	free(r.state);
}

static void
smoothing_times_a_ramp_and_forecasts_it(void **state)
{
	struct predictor_setup setup = usual_setup();
	struct run r = start(&predictor_smoothing, &setup);
	double q[10][PREDICTOR_QUANTILES], by = 0;

	(void)state;
	for (int i = 0; i <= 160; i++)
		add(&r, i * 0.5);
	assert_true(r.p.time_to_s > 14 && r.p.time_to_s < 30);
	predictor_smoothing.forecast(r.state, 10, q);
	assert_true(fabs(q[9][2] - 85) < 2);
	for (int64_t t = 0; t < 100000; t += 5000) {
		double p = predictor_smoothing.by(r.state, r.now_ms, t);

		assert_true(p >= by && p <= 1);
		by = p;
	}
	free(r.state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_documents_itself_and_its_inputs_PRD_05),
		TEST(each_sees_a_ramp_come_and_rest_is_no_alarm_PRD_05),
		TEST(without_a_threshold_nobody_alarms),
		TEST(gaps_steps_and_odd_values_raise_nothing_PRD_06),
		TEST(a_threshold_alarms_when_near_until_it_is_far_PRD_04),
		TEST(smoothing_times_a_ramp_and_forecasts_it),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
