/* SPDX-License-Identifier: Apache-2.0
 *
 * The predictor "hazard": figures worked out by hand or by a second implementation, then what must hold
 * for any series. */
#include "prediction/hazard.c"
#include "tests/support/test.h"
#include <stdlib.h>

#define START_MS 1000000000

static void
assert_near(double a, double b, double tolerance)
{
	if (!(fabs(a - b) <= tolerance))
		fail_msg("%.9g is not %.9g", a, b);
}

static void
assert_in_order(double a, double b, double c)
{
	if (!(a <= b && b <= c))
		fail_msg("%.9g, %.9g, %.9g", a, b, c);
}

static uint64_t seed;

static double
uniform(void) /* 0..1, xorshift64* */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (double)(seed * 2685821657736338717u >> 11) * 0x1p-53;
}

static double
normal(void)
{
	return sqrt(-2 * log(1 - uniform())) * cos(2 * M_PI * uniform());
}

static const struct predictor_setup percent = { .threshold = 90,
	.sign = 1,
	.low = 0,
	.high = 100,
	.class = PREDICT_CPU,
	.period_ms = 10000,
	.hold_ms = 30000,
	.lead_ms = { 30000, 60000, 300000 } };

static struct hazard
start(const struct predictor_setup *setup)
{
	struct hazard s;

	predictor_hazard.init(&s, setup);
	return s;
}

static bool
is_sound(const struct prediction *p)
{
	const double *w = p->within;

	if (*p->reason)
		return isnan(w[0]) && isnan(w[1]) && isnan(w[2]) && !p->alarm &&
		    isnan(p->time_to_s) && isnan(p->low_s) && isnan(p->high_s);
	return w[0] >= 0 && w[0] <= w[1] && w[1] <= w[2] && w[2] <= 1 && p->low_s >= 0 &&
	    p->low_s <= p->time_to_s && p->time_to_s <= p->high_s;
}

static struct prediction
ask(struct hazard *s)
{
	struct prediction p;

	predictor_hazard.predict(s, s->last_ms, &p);
	assert_true(is_sound(&p));
	return p;
}

static struct prediction
add(struct hazard *s, double value) /* one period later */
{
	predictor_hazard.update(
	    s, s->samples ? s->last_ms + s->period_ms : START_MS, value);
	return ask(s);
}

/* --- figures ------------------------------------------------------------------------------- */

static struct hazard
feed_ramp(unsigned samples)
{
	struct hazard s = start(&percent);

	for (unsigned i = 0; i < samples; i++)
		add(&s, 2 * i);
	return s;
}

static void
the_filter_follows_the_reference(void **state)
{
	struct hazard s = feed_ramp(3);

	(void)state;
	assert_near(90 - 100 * s.kalman.level, 2.13216, 2e-5);
	assert_near(-100 * s.kalman.slope, 0.03923, 1e-5);
	assert_near(1e4 * s.kalman.noise, 3.73599, 2e-5);
	s = feed_ramp(21);
	assert_near(90 - 100 * s.kalman.level, 38.58489, 5e-5);
	assert_near(-100 * s.kalman.slope, 1.66837, 2e-5);
	assert_near(s.kalman.p00, 0.27028, 1e-5);
	assert_near(s.kalman.p01, 0.020611, 1e-6);
	assert_near(s.kalman.p11, 0.007009, 1e-6);
	assert_near(1e4 * s.kalman.noise, 11.435, 1e-3);
}

static void
means_and_lines_follow_the_reference(void **state)
{
	struct hazard s = feed_ramp(21);

	(void)state;
	assert_near(90 - 100 * s.fast.mean, 20.05, 1e-3);
	assert_near(1e4 * s.fast.var, 147.30, 0.01);
	assert_near(90 - 100 * s.slow.mean, 20, 1e-4);
	assert_near(1e4 * s.slow.var, 146.67, 0.01);
	for (int i = 0; i < BANK_LINES; i++) {
		assert_near(90 - 100 * s.bank.line[i].level, 40, 1e-3);
		assert_near(-100 * s.bank.line[i].slope, 2, 1e-3);
	}
}

static void
volatility_follows_the_reference(void **state)
{
	static const double known[][2] = { { 1, 2.022 }, { 2, 4.011 }, { 4, 8.006 },
		{ 6, 12.004 } };
	struct hazard s = feed_ramp(21);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		assert_near(100 *
			volatility_over(&s.volatility, log2f((float)known[i][0]),
			    s.samples, NOISE_FLOOR),
		    known[i][1], 1e-3);
}

static void
features_follow_the_reference(void **state)
{
	static const double known[] = { 0.8333, 0.071, 5.7327, -3.7942, 10, 0.668, 0.108,
		5.7399 };
	struct hazard s = feed_ramp(21);
	float f[HAZARD_FEATURES];

	(void)state;
	hazard_features(&s, LEAD_LONG, f);
	for (int i = 0; i <= FEATURE_EZ; i++)
		assert_near(f[i], known[i], 5e-4);
	/* of a change of 2 in a variance of 146.67, both with the floor of 0.2 */
	assert_near(f[FEATURE_ROUGH], -5.2, 5e-3);
	/* zmix is what the drift has left of z0 */
	assert_near(f[FEATURE_DRIFT], known[FEATURE_Z0] - known[FEATURE_ZMIX], 5e-2);
	assert_near(f[FEATURE_STEPS], log2(30), 1e-5);
	assert_near(f[FEATURE_NEAR], log(10.05), 1e-4);
	assert_near(f[FEATURE_LEAN], 2, 1e-5);
	assert_true(f[FEATURE_HAD] == 0 && f[FEATURE_RENEWAL] == 0);
}

/* Forecasts at the long lead have come due and were right: nothing is left but the ruler. */
static void
a_steady_ramp_is_timed_exactly(void **state)
{
	struct predictor_setup setup = percent;
	struct hazard s;
	struct prediction p;

	(void)state;
	setup.lead_ms[LEAD_LONG] = 100000;
	s = start(&setup);
	for (int i = 0; i < 300; i++)
		p = add(&s, 10 + 0.25 * i);
	assert_near(p.time_to_s, (90 - 84.75) / 0.25 * 10, 4);
	assert_near(p.low_s, 200, 10);
	assert_near(p.high_s, 220, 10);
	for (int i = 300; i < 312; i++)
		p = add(&s, 10 + 0.25 * i);
	assert_true(p.alarm);
}

/* Between samples that are missing, the lines go on as if nothing had been there to say. */
static void
a_sample_after_k_periods_is_as_good_as_k_on_a_ramp(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	for (int i = 0; i < 40; i += 1 + i % 4) {
		predictor_hazard.update(&s, START_MS + i * percent.period_ms, 2 * i);
		if (i < 2)
			continue;
		for (int line = 0; line < BANK_LINES; line++) {
			assert_near(90 - 100 * s.bank.line[line].level, 2 * i, 1e-3);
			assert_near(-100 * s.bank.line[line].slope, 2, 1e-3);
		}
	}
}

static void
k_periods_of_silence_spread_the_filter_as_k_steps(void **state)
{
	struct kalman once = { .p00 = 0.3f, .p01 = 0.02f, .p11 = 0.007f, .noise = 1 };

	(void)state;
	/* the forecast's variance over 5 steps is that of 2, then 3 */
	double p00 = 0.3 + 2 * 2 * 0.02 + 4 * 0.007 + 0.05 * 2 + 0.0005 * 8 / 3;
	double p01 = 0.02 + 2 * 0.007 + 0.0005 * 2, p11 = 0.007 + 0.0005 * 2;

	assert_near(kalman_variance(&once, 5),
	    p00 + 2 * 3 * p01 + 9 * p11 + 0.05 * 3 + 0.0005 * 27 / 3, 1e-5);
}

static void
both_sides_of_a_threshold_are_the_same(void **state)
{
	struct predictor_setup above = percent, below = percent;
	struct hazard a, b;

	(void)state;
	below.sign = -1;
	below.threshold = 10;
	a = start(&above);
	b = start(&below);
	seed = 5;
	for (int i = 0; i < 500; i++) {
		double v = 60 + 40 * sin(i / 30.0) + 3 * normal();
		struct prediction p = add(&a, v), q = add(&b, 100 - v);

		if (*p.reason)
			continue;
		assert_near(p.within[LEAD_NEEDED], q.within[LEAD_NEEDED], 1e-3);
		assert_near(p.within[LEAD_LONG], q.within[LEAD_LONG], 1e-3);
		assert_int_equal(p.alarm, q.alarm);
	}
}

/* --- time ---------------------------------------------------------------------------------- */

/* An hour of load at three in the night, three nights: the fourth time it is expected. */
static void
what_comes_every_day_is_expected(void **state)
{
	struct predictor_setup setup = percent;
	struct prediction before = { 0 }, noon = { 0 };
	struct hazard s;

	(void)state;
	setup.period_ms = 300000;
	setup.hold_ms = 600000;
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		setup.lead_ms[i] = (int64_t[]){ 300000, 600000, 1800000 }[i];
	s = start(&setup);
	for (int i = 0; i < 4 * 288; i++) {
		int of_day = i % 288;
		struct prediction p =
		    add(&s, of_day >= 36 && of_day < 48 ? 100 : 20 + i % 3);

		if (i == 3 * 288 + 35)
			before = p;
		if (i == 3 * 288 + 144)
			noon = p;
	}
	assert_true(before.alarm && before.within[LEAD_SHORT] > 0.8);
	assert_true(!noon.alarm && noon.within[LEAD_LONG] < 0.1);
}

static void
a_gap_raises_nothing_and_is_learned_over_PRD_06(void **state)
{
	struct hazard s = start(&percent);
	struct prediction p;

	(void)state;
	for (int i = 0; i < 100; i++)
		add(&s, 20);
	predictor_hazard.predict(&s, s.last_ms + 101000, &p);
	assert_true(is_sound(&p));
	assert_string_equal(p.reason, "no recent data");
	predictor_hazard.update(&s, s.last_ms + 3600000, 70);
	p = ask(&s);
	assert_string_equal(p.reason, "learning again after a gap in the data");
	for (int i = 0; i < 60; i++) {
		p = add(&s, 70);
		assert_false(p.alarm);
	}
	assert_string_equal(p.reason, "");
}

static void
a_step_of_the_clock_raises_nothing_PRD_06(void **state)
{
	struct hazard s = start(&percent);
	struct prediction p;

	(void)state;
	for (int i = 0; i < 100; i++)
		add(&s, 50 + i % 2);
	predictor_hazard.update(&s, s.last_ms - 7200000, 50);
	p = ask(&s);
	assert_string_equal(p.reason, "learning again after a step of the clock");
	for (int i = 0; i < 60; i++)
		assert_false(add(&s, 50 + i % 2).alarm);
	p = add(&s, 50);
	assert_true(p.within[LEAD_LONG] < 0.05);
}

static void
a_late_sample_is_no_news(void **state)
{
	struct hazard s = feed_ramp(21), was = s;

	(void)state;
	predictor_hazard.update(&s, s.last_ms, 95);
	predictor_hazard.update(&s, s.last_ms - 5000, 95);
	assert_memory_equal(&s, &was, sizeof s);
}

static void
a_battery_that_is_charged_raises_nothing_PRD_06(void **state)
{
	struct predictor_setup setup = percent;
	struct hazard s;

	(void)state;
	setup.class = PREDICT_BATTERY;
	setup.sign = -1;
	setup.threshold = 20;
	s = start(&setup);
	for (int i = 0; i < 200; i++)
		add(&s, 60 - i * 0.1); /* 40 left: 200 periods */
	for (int i = 0; i < 200; i++) {
		struct prediction p = add(&s, 40 + i * 0.2);

		assert_false(p.alarm);
		if (i > 30)
			assert_true(p.within[LEAD_LONG] < 0.02);
	}
}

/* --- alarms ---------------------------------------------------------------------------------- */

static unsigned
count_alarms(struct hazard *s, unsigned samples, double (*signal)(unsigned i))
{
	unsigned alarms = 0;
	bool on = false;

	for (unsigned i = 0; i < samples; i++) {
		bool is = add(s, signal(i)).alarm;

		alarms += is && !on;
		on = is;
	}
	return alarms;
}

static double
with_a_burst(unsigned i)
{
	return i == 150 || i == 151 ? 70 : 20 + i % 3;
}

static void
a_burst_raises_nothing_PRD_04(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	assert_int_equal(count_alarms(&s, 300, with_a_burst), 0);
}

static double
saw_tooth(unsigned i)
{
	return 10 + i % 20 * 2;
}

static void
a_saw_tooth_below_the_threshold_raises_nothing_PRD_04(void **state)
{
	struct predictor_setup setup = percent;
	struct hazard s;

	(void)state;
	setup.class = PREDICT_MEMORY;
	s = start(&setup);
	(void)count_alarms(&s, 200, saw_tooth); /* it has to see some */
	assert_int_equal(count_alarms(&s, 1000, saw_tooth), 0);
}

static void
an_alarm_has_hysteresis_PRD_04(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	s.alarm = false;
	assert_false(judge_alarm(&s, 0.9f * s.alarm_at));
	assert_true(judge_alarm(&s, s.alarm_at));
	s.alarm = true;
	assert_true(judge_alarm(&s, 1.1f * ALARM_OFF * s.alarm_at));
	assert_false(judge_alarm(&s, 0.9f * ALARM_OFF * s.alarm_at));
}

static void
the_dearer_a_move_the_surer_an_alarm_PRD_04(void **state)
{
	struct predictor_setup setup = percent;
	float usual = start(&setup).alarm_at, at = usual;

	(void)state;
	setup.cost = COST;
	assert_near(start(&setup).alarm_at, usual, 1e-6);
	for (int i = 2; i < 10; i++) {
		setup.cost = i * COST;
		assert_true(start(&setup).alarm_at > at);
		at = start(&setup).alarm_at;
	}
	assert_true(at < 1);
}

static void
in_an_event_there_is_no_alarm(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	for (int i = 0; i < 100; i++)
		add(&s, i < 50 ? 30 : 95);
	assert_true(s.recurrence.in_event);
	assert_false(ask(&s).alarm);
}

/* --- any time ---------------------------------------------------------------------------------- */

static double
by(const struct hazard *s, double seconds)
{
	return predictor_hazard.by(s, s->last_ms, (int64_t)(seconds * 1000));
}

static void
any_time_agrees_with_the_leads_and_ascends_PRD_02(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	seed = 9;
	for (int i = 0; i < 400; i++) {
		struct prediction p = add(&s, 50 + 30 * sin(i / 20.0) + 3 * normal());
		double before = 0;

		if (*p.reason || i % 7)
			continue;
		assert_near(by(&s, 30), p.within[0], 1e-4);
		assert_near(by(&s, 60), p.within[1], 1e-4);
		assert_near(by(&s, 300), p.within[2], 1e-4);
		assert_near(by(&s, 300.001), p.within[2], 1e-3);
		assert_true(by(&s, 0) == 0);
		for (double t = 5; t < 1e7; t *= 1.3) {
			assert_in_order(before - 1e-5, by(&s, t), 1);
			before = by(&s, t);
		}
	}
}

static void
without_data_any_time_is_not_known(void **state)
{
	struct hazard s = start(&percent);

	(void)state;
	assert_true(isnan(by(&s, 60)));
	add(&s, 1);
	assert_true(isnan(by(&s, 60)));
}

static void
inputs_tell_what_an_answer_was_made_of_PRD_08(void **state)
{
	struct predictor_input in[PREDICTOR_INPUTS_MAX];
	struct hazard s = start(&percent);
	size_t n;

	(void)state;
	assert_int_equal(predictor_hazard.inputs(&s, in), 0);
	s = feed_ramp(21);
	n = predictor_hazard.inputs(&s, in);
	assert_true(n > HAZARD_FEATURES && n <= PREDICTOR_INPUTS_MAX);
	assert_string_equal(in[0].name, "value");
	assert_near(in[0].value, 40, 1e-4);
	assert_string_equal(in[1].name, "level");
	assert_near(in[1].value, 38.58489, 1e-4);
	assert_string_equal(in[2].name, "slope");
	assert_near(in[2].value, 0.166837, 1e-5); /* a second */
	for (size_t i = 0; i < n; i++)
		assert_true(isfinite(in[i].value));
}

/* --- forecasts --------------------------------------------------------------------------------- */

static void
a_ramp_is_forecast_as_one(void **state)
{
	struct predictor_setup setup = { .threshold = NAN,
		.sign = 1,
		.low = NAN,
		.high = NAN,
		.period_ms = 1000,
		.lead_ms = { 3000, 6000, 12000 } };
	struct hazard s = start(&setup);
	double q[12][PREDICTOR_QUANTILES];

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct prediction p = add(&s, 1000 + 5 * i);

		assert_string_equal(p.reason, "no threshold");
	}
	predictor_hazard.forecast(&s, ARRAY_LEN(q), q);
	for (size_t h = 0; h < ARRAY_LEN(q); h++) {
		assert_near(q[h][2], 1000 + 5 * (60.0 + (double)h), 3);
		for (int i = 1; i < PREDICTOR_QUANTILES; i++)
			assert_true(q[h][i] > q[h][i - 1]);
	}
}

/* --- what must hold for any series -------------------------------------------------------------- */

static double
odd_value(void)
{
	static const double odd[] = { NAN, INFINITY, -INFINITY, 1e300, -1e300, 5e-324, 0,
		-0.0, 90, 1e15 };

	return uniform() < 0.3 ? odd[(size_t)(uniform() * ARRAY_LEN(odd))]
			       : 100 * uniform();
}

static struct predictor_setup
odd_setup(void)
{
	static const double range[][2] = { { 0, 100 }, { 0, 0 }, { NAN, NAN },
		{ 0, 1e308 }, { -1e308, 1e308 }, { 0, 5e-324 }, { 100, 0 } };
	static const int64_t ms[] = { 0, 1, 250, 10000, 600000, INT32_MAX,
		INT64_C(1) << 45 };
	size_t r = (size_t)(uniform() * ARRAY_LEN(range));
	struct predictor_setup setup = percent;

	setup.low = range[r][0];
	setup.high = range[r][1];
	setup.class = (enum predictor_class)(uniform() * PREDICTOR_CLASSES);
	setup.sign = uniform() < 0.5 ? 1 : -1;
	setup.period_ms = ms[(size_t)(uniform() * 5)];
	setup.hold_ms = ms[(size_t)(uniform() * ARRAY_LEN(ms))];
	for (int i = 0; i < PREDICTOR_LEADS; i++)
		setup.lead_ms[i] = ms[(size_t)(uniform() * ARRAY_LEN(ms))];
	setup.cost = uniform() < 0.5 ? 0 : uniform() * 10;
	return setup;
}

static void
answers_are_sound_whatever_comes_PRD_06(void **state)
{
	(void)state;
	seed = 77;
	for (int round = 0; round < 200; round++) {
		struct predictor_setup setup = odd_setup();
		struct hazard s = start(&setup);
		int64_t now_ms = START_MS;

		for (int i = 0; i < 200; i++) {
			static const int64_t steps[] = { 0, 1, 1000, -1, -100000000,
				INT64_C(1) << 40 };
			double q[3][PREDICTOR_QUANTILES], p;

			now_ms += uniform() < 0.2 ? steps[(size_t)(uniform() * 6)]
						  : s.period_ms;
			predictor_hazard.update(&s, now_ms, odd_value());
			(void)ask(&s);
			p = by(&s, 100 * uniform());
			assert_true(isnan(p) || (p >= 0 && p <= 1));
			predictor_hazard.forecast(&s, 3, q);
			assert_false(isnan(q[2][2]));
		}
	}
}

static void
a_constant_series_is_no_danger(void **state)
{
	static const double values[] = { 0, 1e-300, 50, -1e300 };

	(void)state;
	for (size_t v = 0; v < ARRAY_LEN(values); v++) {
		struct hazard s = start(&percent);
		struct prediction p = { 0 };

		for (int i = 0; i < 300; i++)
			p = add(&s, values[v]);
		assert_true(p.within[LEAD_LONG] < 0.02 && !p.alarm);
	}
}

static void
a_series_is_judged_by_itself_alone(void **state)
{
	struct hazard alone = start(&percent), among[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		among[i] = start(&percent);
	seed = 3;
	for (int i = 0; i < 300; i++) {
		double v = 60 + 20 * normal();

		(void)add(&alone, v);
		(void)add(&among[2], 100 * uniform());
		(void)add(&among[1], v);
		(void)add(&among[0], 90);
	}
	assert_memory_equal(&alone, &among[1], sizeof alone);
}

/* Levels that drift and wander: how often is the time to the threshold within the interval? */
static void
intervals_cover_what_they_say(void **state)
{
	struct predictor_setup setup = percent;
	unsigned asked = 0, within = 0;

	(void)state;
	setup.class = PREDICT_BATTERY;
	seed = 11;
	for (int run = 0; run < 400; run++) {
		struct hazard s = start(&setup);
		double v = 10, slope = 0.2 + 0.2 * uniform();
		struct prediction p = { 0 };
		int at = 60 + (int)(60 * uniform()), i = 0;

		for (; i < at && v < 85; i++)
			p = add(&s, v += slope + 0.7 * normal());
		if (i < at)
			continue;
		for (i = 0; v < 90; i++)
			v += slope + 0.7 * normal();
		asked++;
		within += p.low_s <= i * 10 && i * 10 <= p.high_s;
	}
	assert_true(asked > 300);
	if (within < 0.75 * asked || within > 0.88 * asked)
		fail_msg("%u of %u", within, asked);
}

static void
a_state_fits_many_times_in_a_page_PRD_05(void **state)
{
	(void)state;
	assert_ptr_equal(predictor_find("hazard"), &predictor_hazard);
	assert_true(predictor_hazard.state_size <= 512);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_filter_follows_the_reference),
		TEST(means_and_lines_follow_the_reference),
		TEST(volatility_follows_the_reference),
		TEST(features_follow_the_reference),
		TEST(a_steady_ramp_is_timed_exactly),
		TEST(a_sample_after_k_periods_is_as_good_as_k_on_a_ramp),
		TEST(k_periods_of_silence_spread_the_filter_as_k_steps),
		TEST(both_sides_of_a_threshold_are_the_same),
		TEST(what_comes_every_day_is_expected),
		TEST(a_gap_raises_nothing_and_is_learned_over_PRD_06),
		TEST(a_step_of_the_clock_raises_nothing_PRD_06),
		TEST(a_late_sample_is_no_news),
		TEST(a_battery_that_is_charged_raises_nothing_PRD_06),
		TEST(a_burst_raises_nothing_PRD_04),
		TEST(a_saw_tooth_below_the_threshold_raises_nothing_PRD_04),
		TEST(an_alarm_has_hysteresis_PRD_04),
		TEST(the_dearer_a_move_the_surer_an_alarm_PRD_04),
		TEST(in_an_event_there_is_no_alarm),
		TEST(any_time_agrees_with_the_leads_and_ascends_PRD_02),
		TEST(without_data_any_time_is_not_known),
		TEST(inputs_tell_what_an_answer_was_made_of_PRD_08),
		TEST(a_ramp_is_forecast_as_one),
		TEST(answers_are_sound_whatever_comes_PRD_06),
		TEST(a_constant_series_is_no_danger),
		TEST(a_series_is_judged_by_itself_alone),
		TEST(intervals_cover_what_they_say),
		TEST(a_state_fits_many_times_in_a_page_PRD_05),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
