/* SPDX-License-Identifier: Apache-2.0
 *
 * What Prometheus cannot be asked: reasons, units, bounds, and the functions that it lacks. Values of
 * what it has are compared by tests/oracle/prometheus.sh. */
#include "metrics/expr_program.h"
#include "metrics/expr_scratch.h"
#include "tests/support/alloc.h"
#include "tests/support/program.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUTE 60000
#define NOW    (10 * MINUTE)

static const struct metric battery = { "battery", "ratio", METRIC_GAUGE, "a battery" };
static const struct metric joules = { "energy", "joules", METRIC_GAUGE, "energy" };
static const struct metric watts = { "power", "watts", METRIC_GAUGE, "power" };
static const struct metric volts = { "voltage", "volts", METRIC_GAUGE, "voltage" };
static const struct metric amperes = { "current", "amperes", METRIC_GAUGE, "current" };
static const struct metric bytes = { "bytes_total", "bytes", METRIC_COUNTER, "bytes" };
static const struct metric busy = { "busy_seconds_total", "seconds", METRIC_COUNTER,
	"time" };
static const struct metric load = { "load", "", METRIC_GAUGE, "load" };

static int
set_up(void **state)
{
	struct series_set *set;
	int err = series_set_new(4 << 20, &set);

	*state = set;
	return err;
}

static int
tear_down(void **state)
{
	series_set_free(*state);
	return 0;
}

static void
add(struct series_set *set, const struct metric *m, const char *device, int64_t time_ms,
    double v)
{
	struct metric_labels l = { 0 };
	struct series *s;

	if (device)
		assert_int_equal(metric_labels_add(&l, "device", device), 0);
	s = series_ensure(set, m, &l);
	assert_non_null(s);
	series_keep(s, 24 * 60 * MINUTE);
	assert_int_equal(series_append(set, s, time_ms, v), 0);
}

static struct expr_result
evaluate(struct series_set *set, const char *text)
{
	struct expr_result r;

	assert_int_equal(expr_eval(program_of(text), set, NOW, &r), 0);
	return r;
}

static void
check_value(struct series_set *set, const char *text, double value)
{
	struct expr_result r = evaluate(set, text);

	if (r.len != 1 || !(fabs(r.value[0].value - value) <= 1e-9 * fabs(value)))
		fail_msg("%s: %zu values, first %.17g, %s", text, r.len,
		    r.len ? r.value[0].value : NAN, r.unknown);
	assert_string_equal(r.unknown, "");
	expr_result_done(&r);
}

static void
check_unknown(struct series_set *set, const char *text, const char *reason)
{
	struct expr_result r = evaluate(set, text);

	if (r.len != 0 || strcmp(r.unknown, reason) != 0)
		fail_msg("%s: %zu values, %s", text, r.len, r.unknown);
	expr_result_done(&r);
}

static void
check_unit(struct series_set *set, const char *text, const char *unit)
{
	struct expr_result r = evaluate(set, text);

	if (strcmp(r.unit, unit) != 0)
		fail_msg("%s has the unit '%s'", text, r.unit);
	expr_result_done(&r);
}

/* CMP-08: not enough data is unknown, never zero, and the reason says what is missing. */
static void
too_little_data_is_unknown_for_a_reason(void **state)
{
	struct series_set *set = *state;

	check_unknown(set, "load", "no sample of load in the last 5 min");
	check_unknown(
	    set, "avg_over_time(load[30s])", "no sample of load in the last 30 s");
	check_unknown(set, "sum(load) * 2", "no sample of load in the last 5 min");
	add(set, &load, "a", NOW - 6 * MINUTE, 1);
	check_unknown(set, "load", "no sample of load in the last 5 min");
	check_unknown(
	    set, "rate(load[10m])", "rate needs 2 samples of load in 10 min, there is 1");
	check_unknown(set, "rate(load[5m])", "no sample of load in the last 5 min");
	add(set, &load, "a", NOW, 1);
	check_value(set, "load", 1);
	check_unknown(set, "load{device=\"b\"}", "no sample of load in the last 5 min");
	check_unknown(set, "load > 5", "no value meets the comparison >");
	check_unknown(
	    set, "load + on (nothing) (load > 5)", "no value meets the comparison >");
	check_unknown(
	    set, "load and bytes_total", "no sample of bytes_total in the last 5 min");
	check_unknown(set, "load unless load", "no value is left by unless");
	check_unknown(set, "clamp(load, 5, 1)",
	    "clamp: kept between min and max; unknown if max is below min");
	add(set, &bytes, "b", NOW, 1);
	check_unknown(set, "load / bytes_total", "no labels match on both sides of /");
}

static void
a_series_that_has_ended_is_not_served_as_current(void **state)
{
	struct series_set *set = *state;

	add(set, &load, NULL, NOW - 2000, 1);
	add(set, &load, NULL, NOW - 1000, 3);
	check_value(set, "load", 3);
	series_end(set, series_first(set, "load"), NOW - 500);
	check_unknown(set, "load", "no sample of load in the last 5 min");
	check_value(set, "avg_over_time(load[1m])", 2);
	check_value(set, "count_over_time(load[1m])", 2);
	add(set, &load, NULL, NOW, 4);
	check_value(set, "load", 4);
}

/* CMP-08: division by zero is as in Prometheus, and a result that is no number says so. */
static void
division_by_zero_is_defined(void **state)
{
	struct series_set *set = *state;
	struct expr_result r;

	add(set, &load, NULL, NOW, 2);
	r = evaluate(set, "load / 0");
	assert_true(isinf(r.value[0].value));
	expr_result_done(&r);
	r = evaluate(set, "load % 0");
	assert_int_equal(r.len, 1);
	assert_true(isnan(r.value[0].value));
	assert_string_equal(r.unknown, "not a number, as 0 / 0 gives");
	expr_result_done(&r);
	r = evaluate(set, "scalar(bytes_total)");
	assert_int_equal(r.len, 1);
	assert_string_equal(r.unknown, "no sample of bytes_total in the last 5 min");
	expr_result_done(&r);
}

/* As in Prometheus the whole expression fails, not just the part. */
static void
ambiguous_matching_makes_all_unknown(void **state)
{
	struct series_set *set = *state;

	add(set, &load, "a", NOW, 1);
	add(set, &load, "b", NOW, 2);
	add(set, &bytes, NULL, NOW, 3);
	check_unknown(set, "bytes_total + on () load or bytes_total",
	    "several values on the right of + have the labels {}");
	check_unknown(set, "sum(load + on () bytes_total) or bytes_total",
	    "several values on the left of + have the labels {}");
}

static void
add_line(struct series_set *set, const struct metric *m, double at_now, double per_second)
{
	for (int64_t s = -300; s <= 0; s += 10)
		add(set, m, NULL, NOW + s * 1000, at_now + per_second * (double)s);
}

static void
time_to_a_threshold_is_in_seconds_from_now(void **state)
{
	struct series_set *set = *state;

	add_line(set, &battery, 0.5, -0.001);
	add_line(set, &joules, 100, 2);
	check_value(set, "time_to(battery[5m], 0.2)", 300);
	check_value(set, "time_to(battery[5m], 0.5)", 0);
	check_value(set, "time_to(energy[5m], 150)", 25);
	check_unit(set, "time_to(energy[5m], 150)", "seconds");
}

/* "Never" is no number of seconds. */
static void
time_to_what_is_never_met_is_unknown(void **state)
{
	struct series_set *set = *state;

	add_line(set, &battery, 0.5, -0.001);
	add_line(set, &load, 7, 0);
	check_unknown(set, "time_to(battery[5m], 0.8)",
	    "time_to of battery: seconds until the trend meets the threshold; unknown "
	    "while level or "
	    "moving away");
	check_unknown(set, "time_to(load[5m], 8)",
	    "time_to of load: seconds until the trend meets the threshold; unknown while "
	    "level or "
	    "moving away");
	check_unknown(
	    set, "time_to(power[5m], 8)", "no sample of power in the last 5 min");
}

static void
ewma_weighs_newer_values_more(void **state)
{
	struct series_set *set = *state;

	add(set, &load, NULL, NOW - 3000, 8);
	add(set, &load, NULL, NOW - 2000, 4);
	add(set, &load, NULL, NOW - 1000, 2);
	check_value(set, "ewma(load[1m], 0.5)", 4); /* (8 + 4) / 2 = 6, (6 + 2) / 2 = 4 */
	check_value(set, "ewma(load[1m], 1)", 2);
	check_value(set, "ewma(load[2s], 0.25)", 3.5);
	check_unknown(set, "ewma(load[1m], 0)",
	    "ewma of load: mean with the weight alpha for the newer value; unknown "
	    "unless 0 < "
	    "alpha <= 1");
	check_unknown(set, "ewma(load[1m], NaN)",
	    "ewma of load: mean with the weight alpha for the newer value; unknown "
	    "unless 0 < "
	    "alpha <= 1");
}

static void
units_follow_the_arithmetic(void **state)
{
	static const struct {
		const char *text, *unit;
	} cases[] = { { "battery", "ratio" }, { "rate(bytes_total[5m])", "bytes/s" },
		{ "increase(bytes_total[5m])", "bytes" },
		{ "rate(busy_seconds_total[5m])", "ratio" }, { "deriv(load[5m])", "1/s" },
		{ "count_over_time(energy[5m])", "" },
		{ "stddev_over_time(energy[5m])", "joules" },
		{ "stdvar_over_time(energy[5m])", "" }, { "energy / power", "seconds" },
		{ "voltage * current", "watts" }, { "current * voltage", "watts" },
		{ "power / voltage", "amperes" }, { "energy / energy", "ratio" },
		{ "battery / battery", "ratio" }, { "battery * energy", "joules" },
		{ "energy * battery", "joules" }, { "energy / battery", "joules" },
		{ "1 - battery", "ratio" }, { "energy + 5", "joules" },
		{ "energy + energy", "joules" }, { "energy + power", "" },
		{ "bytes_total / 1GiB", "" }, { "battery * 100", "" },
		{ "1 / energy", "" }, { "energy ^ 2", "" }, { "-energy", "joules" },
		{ "energy > 0", "joules" }, { "0 < energy", "joules" },
		{ "energy > bool 0", "" }, { "sum(energy)", "joules" },
		{ "count(energy)", "" }, { "abs(energy)", "joules" },
		{ "ln(energy)", "" }, { "energy or power", "" },
		{ "nothing or power", "watts" }, { "energy and power", "joules" },
		{ "energy / increase(busy_seconds_total[5m])", "watts" },
		{ "bytes_total / increase(busy_seconds_total[5m])", "bytes/s" },
		{ "scalar(energy)", "joules" }, { "5", "" },
		{ "quantile(0.5, power)", "watts" } };
	static const struct metric *const all[] = { &battery, &joules, &watts, &volts,
		&amperes, &bytes, &busy, &load };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		add_line(*state, all[i], 400, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_unit(*state, cases[i].text, cases[i].unit);
}

static void
a_value_says_from_which_samples_it_was_made(void **state)
{
	struct series_set *set = *state;
	struct expr_result r;

	add(set, &load, "a", NOW - 40000, 1);
	add(set, &load, "a", NOW - 20000, 1);
	add(set, &load, "b", NOW - 50000, 1);
	add(set, &load, "b", NOW - 10000, 1);
	add(set, &load, "b", NOW - 5000, 1);
	r = evaluate(set, "sum(avg_over_time(load[45s])) * 2");
	assert_int_equal(r.value[0].samples, 4);
	assert_int_equal(r.value[0].oldest_ms, NOW - 40000);
	assert_int_equal(r.value[0].newest_ms, NOW - 5000);
	expr_result_done(&r);
	r = evaluate(set, "load{device=\"a\"} / on () load{device=\"b\"}");
	assert_int_equal(r.value[0].samples, 2);
	assert_int_equal(r.value[0].oldest_ms, NOW - 20000);
	assert_int_equal(r.value[0].newest_ms, NOW - 5000);
	expr_result_done(&r);
	r = evaluate(set, "1 + 1");
	assert_int_equal(r.value[0].samples, 0);
	assert_int_equal(r.value[0].newest_ms, 0);
	expr_result_done(&r);
}

static void
results_carry_the_labels_that_are_left(void **state)
{
	struct series_set *set = *state;
	struct expr_result r;

	add(set, &load, "a", NOW, 1);
	r = evaluate(set, "load + load");
	assert_string_equal(metric_labels_get(&r.value[0].labels, "device"), "a");
	expr_result_done(&r);
	r = evaluate(set, "sum(load)");
	assert_int_equal(r.value[0].labels.len, 0);
	expr_result_done(&r);
}

/* S-22 */
static void
the_number_of_samples_is_bounded(void **state)
{
	struct series_set *set = *state;

	for (int64_t i = 0; i <= EXPR_SAMPLES_MAX; i++)
		add(set, &load, NULL, NOW - EXPR_SAMPLES_MAX + i, 1);
	check_value(set, "count_over_time(load[65535ms])", EXPR_SAMPLES_MAX);
	check_unknown(set, "count_over_time(load[65536ms])",
	    "the windows hold more than 65536 samples: make them shorter");
}

static void
add_many(struct series_set *set, const struct metric *m, unsigned n)
{
	char device[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(device, sizeof device, "d%u", i);
		add(set, m, device, NOW, i);
	}
}

static void
the_number_of_values_is_bounded(void **state)
{
	struct series_set *set = *state;

	add_many(set, &load, EXPR_VECTOR_MAX);
	check_value(set, "count(load)", EXPR_VECTOR_MAX);
	check_value(set, "sum(load + load)", EXPR_VECTOR_MAX * (EXPR_VECTOR_MAX - 1));
	add_many(set, &bytes, EXPR_VECTOR_MAX + 1);
	check_unknown(set, "sum(bytes_total)",
	    "more than 256 series at once: select some by their labels");
	add(set, &watts, NULL, NOW, 1);
	check_unknown(set, "load or power",
	    "more than 256 series at once: select some by their labels");
}

static void
the_work_of_an_evaluation_is_bounded(void **state)
{
	struct series_set *set = *state;
	char text[EXPR_TEXT_MAX] = "load";

	add_many(set, &load, EXPR_VECTOR_MAX);
	for (unsigned i = 0; i < 40; i++)
		strcat(text, " + load");
	check_unknown(set, text, "more than 10000 values to compute: make it simpler");
}

/* A mean over less than the window that was asked for would be a silent lie. */
static void
history_lost_to_the_byte_bound_is_unknown(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = NULL;
	struct expr_result r;

	(void)state;
	assert_int_equal(series_set_new(900, &set), 0);
	for (int64_t t = NOW - 500000; t <= NOW; t += 1000)
		add(set, &load, NULL, t, (double)(t / 1000 * t % 1009));
	r = evaluate(set, "avg_over_time(load[8m])");
	assert_int_equal(r.len, 0);
	assert_non_null(strstr(r.unknown, "the memory for history holds only "));
	assert_non_null(strstr(r.unknown, " of load: raise its bound or ask for less"));
	expr_result_done(&r);
	check_value(set, "count_over_time(load[1m])", 61);
	check_value(set, "load", NOW / 1000 * NOW % 1009);
}

static void
what_is_no_program_is_not_run(void **state)
{
	static const uint8_t junk[] = { 0x81, 0x82, 0x03, 0x02 };
	struct expr_result r;

	assert_int_equal(
	    expr_eval((struct slice){ junk, sizeof junk }, *state, NOW, &r), -EINVAL);
}

/* A day of seconds is more than an evaluation may read: it is read at longer steps. */
static void
a_day_of_seconds_can_be_asked_for_S_22(void **state)
{
	CLEANUP(series_set_free) struct series_set *set = NULL;
	static const char *const disk[] = { "a", "b", "c" };
	const int64_t day = 24 * 60 * MINUTE;

	(void)state;
	assert_int_equal(series_set_new(4 << 20, &set), 0);
	for (int64_t t = NOW - day; t <= NOW; t += 1000)
		for (size_t i = 0; i < ARRAY_LEN(disk); i++)
			add(set, &bytes, disk[i], t, (double)(t - NOW + day) * 2);
	check_value(set, "max(max_over_time(bytes_total[24h]))", 2. * (double)day);
	check_value(set, "min(min_over_time(bytes_total[24h]))", 0);
	check_value(set, "max(rate(bytes_total[24h]))", 2000);
	check_value(
	    set, "abs(avg(avg_over_time(bytes_total[24h])) / 86.4e6 - 1) < bool 1e-5", 1);
	check_value(set, "count_over_time(bytes_total{device=\"a\"}[18h])", 64801);
}

static void
an_evaluation_allocates_nothing_the_second_time_PERF_01(void **state)
{
	struct series_set *set = *state;
	struct slice program =
	    program_of("sum by (device) (quantile_over_time(0.5, load[10m])) or "
		       "avg_over_time(load[1m]) > scalar(load{device=\"a\"}) + 1");
	struct expr_scratch scratch = { 0 };
	struct expr_result r;
	size_t before = 0;

	for (int64_t t = NOW - 600000; t <= NOW; t += 1000) {
		add(set, &load, "a", t, (double)(t % 7));
		add(set, &load, "b", t, (double)(t % 5));
	}
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(expr_eval_in(&scratch, program, set, NOW, &r), 0);
		assert_int_equal(r.len, 2);
		expr_result_done(&r);
		if (i == 0)
			before = alloc_count();
	}
	assert_int_equal(alloc_count(), before);
	expr_scratch_done(&scratch);
}

static void
every_failed_allocation_is_survived(void **state)
{
	struct series_set *set = *state;
	int result = -1;
	size_t n = 0;

	if (!alloc_fail(0))
		skip();
	add(set, &load, "a", NOW - 1000, 1);
	add(set, &load, "a", NOW, 2);
	while (result != 0) {
		struct expr_result r = { 0 };
		struct slice program =
		    program_of("sum by (device) (quantile_over_time(0.5, load[1m])) or "
			       "load > scalar(load) + 1");

		alloc_fail(++n);
		result = expr_eval(program, set, NOW, &r);
		alloc_fail(0);
		assert_true(result == 0 || result == -ENOMEM);
		if (result == 0)
			expr_result_done(&r);
	}
	assert_in_range(n, 3, 30);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* CMP-10: raised at one level, cleared at another, and only after a while. */
static void
hysteresis_has_two_levels_and_a_duration_CMP_10(void **state)
{
	struct series_set *set = *state;

	for (int i = 0; i < 10; i++) /* 50 … 95 °C, one each 10 s */
		add(set, &load, "a", NOW - 300000 + i * 10000, 50 + 5 * i);
	check_value(set, "hysteresis(load[10m], 90, 70)", 1);
	check_value(set, "hysteresis(load[10m], 90, 70, 10)", 1);
	check_value(set, "hysteresis(load[10m], 90, 70, 10.5)", 0);
	check_value(set, "hysteresis(load[10m], 96, 70)", 0);
	add(set, &load, "a", NOW - 200000, 75);
	check_value(set, "hysteresis(load[10m], 90, 70)", 1);
	check_value(set, "hysteresis(load[10m], 100, 74)", 0);
	add(set, &load, "a", NOW - 190000, 70);
	check_value(set, "hysteresis(load[10m], 90, 70)", 0);
	check_value(set, "hysteresis(load[10m], 55, 92)", 0);
	check_value(set, "hysteresis(load[10m], 72, 96)", 1);
	add(set, &load, "b", NOW, 80);
	check_unknown(set, "hysteresis(load{device=\"b\"}[10m], 90, 70)",
	    "hysteresis of load: 1 once the value has been at raise for so many seconds "
	    "(0), 0 once it is at clear; unknown before");
}

static void
durations_are_those_of_the_newest_run_CMP_02(void **state)
{
	struct series_set *set = *state;

	for (int i = 0; i < 10; i++)
		add(set, &load, NULL, NOW - 100000 + i * 10000, i < 3 ? 0 : i);
	check_value(set, "for_duration(load[5m])", 60);
	check_value(set, "time_above(load[5m], 6.5)", 20);
	check_value(set, "time_above(load[5m], 9)", 0);
	check_value(set, "time_below(load[5m], 100)", 90);
	check_value(set, "time_below(load[5m], 9)", 0);
	check_unit(set, "for_duration(load[5m])", "seconds");
	series_end(set, series_first(set, "load"), NOW - 5000);
	check_unknown(set, "for_duration(load[5m])",
	    "for_duration of load: for how many seconds the value has not been 0; "
	    "unknown "
	    "once the series has ended");
	add(set, &load, NULL, NOW - 3000, 1);
	add(set, &load, NULL, NOW, 1);
	check_value(set, "for_duration(load[5m])", 3);
}

static void
availability_counts_what_is_unknown_as_not_available_CMP_02(void **state)
{
	struct series_set *set = *state;

	add(set, &load, NULL, NOW - 200000, 1);
	check_value(set, "availability(load[10m])", 1);
	add(set, &load, NULL, NOW - 150000, 0);
	check_value(set, "availability(load[10m])", 0.25);
	add(set, &load, NULL, NOW - 100000, 5);
	check_value(set, "availability(load[10m])", 0.75);
	series_end(set, series_first(set, "load"), NOW - 50000);
	check_value(set, "availability(load[10m])", 0.5);
	add(set, &bytes, NULL, NOW - 10 * MINUTE, 1);
	check_value(set, "availability(bytes_total[10m])", 0.5);
}

static void
scores_and_medians_CMP_02(void **state)
{
	struct series_set *set = *state;

	add(set, &load, NULL, NOW - 2000, 2);
	add(set, &load, NULL, NOW - 1000, 100);
	check_value(set, "median_over_time(load[1m])", 51);
	add(set, &load, NULL, NOW, 8);
	check_value(set, "median_over_time(load[1m])", 8);
	check_value(set, "score(load, 10, 0)", 0.2);
	check_value(set, "score(load, 0, 4)", 1);
	check_value(set, "score(load, 10, 9)", 1);
	check_value(set, "score(load, 8, 9)", 0);
	check_value(set, "0.75 * score(load, 10, 0) + 0.25 * score(load, 0, 16)", 0.275);
	check_unknown(set, "score(load, 4, 4)",
	    "score: 0 at worst or beyond, 1 at best or beyond, straight between; unknown "
	    "if "
	    "they are the same");
}

/* --- over several nodes -------------------------------------------------------------------- */

#define NODES 1000

struct fleet {
	struct series_set *set[NODES];
	struct expr_part part[NODES];
	char name[NODES][16];
};

static void
make_fleet(struct fleet *f, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		snprintf(f->name[i], sizeof f->name[i], "n%zu", i);
		assert_int_equal(series_set_new(1 << 20, &f->set[i]), 0);
		f->part[i] = (struct expr_part){
			.set = f->set[i], .label = "node", .value = f->name[i]
		};
		add(f->set[i], &load, NULL, NOW - 1000, (double)i);
		add(f->set[i], &load, NULL, NOW, (double)i + 1);
		add(f->set[i], &bytes, i % 2 ? "e0" : "e1", NOW, 100);
	}
}

static void
free_fleet(struct fleet *f, size_t len)
{
	for (size_t i = 0; i < len; i++)
		series_set_free(f->set[i]);
	free(f);
}

static void
check_over(const struct fleet *f, size_t len, const char *text, size_t values,
    const char *node, double value)
{
	const struct expr_scope scope = { .len = len, .part = f->part };
	struct expr_result r;

	assert_int_equal(expr_eval_scope(NULL, program_of(text), &scope, NOW, &r), 0);
	if (r.len != values || r.value[0].value != value ||
	    strcmp(metric_labels_get(&r.value[0].labels, "node"), node) != 0)
		fail_msg("%s: %zu values, the first %g of %s; %s", text, r.len,
		    r.len ? r.value[0].value : NAN,
		    r.len ? metric_labels_get(&r.value[0].labels, "node") : "",
		    r.unknown);
	expr_result_done(&r);
}

static void
several_sets_are_told_apart_by_a_label_CMP_09(void **state)
{
	struct fleet *f = calloc(1, sizeof *f);

	(void)state;
	assert_non_null(f);
	make_fleet(f, 4);
	check_over(f, 4, "load", 4, "n0", 1);
	check_over(f, 4, "load{node=\"n2\"}", 1, "n2", 3);
	check_over(f, 4, "load{node!~\"n0|n1\"}", 2, "n2", 3);
	check_over(f, 4, "max(load)", 1, "", 4);
	check_over(f, 4, "topk(1, load)", 1, "n3", 4);
	check_over(f, 4, "avg by (device) (bytes_total)", 2, "", 100);
	check_over(f, 4, "load * on (node) bytes_total", 4, "n0", 100);
	check_over(f, 4, "sum by (node) (bytes_total) / on (node) load", 4, "n0", 100);
	check_over(f, 4, "avg_over_time(load{node=\"n1\"}[1m])", 1, "n1", 1.5);
	free_fleet(f, 4);
}

static void
a_thousand_nodes_are_aggregated_in_one_evaluation_CMP_09(void **state)
{
	struct fleet *f = calloc(1, sizeof *f);

	(void)state;
	assert_non_null(f);
	make_fleet(f, NODES);
	check_over(f, NODES, "sum(load)", 1, "", NODES * (NODES + 1) / 2.0);
	check_over(f, NODES, "max(avg_over_time(load[1m]))", 1, "", NODES - 0.5);
	check_over(f, NODES, "quantile(0.5, load)", 1, "", (NODES + 1) / 2.0);
	check_over(f, NODES, "bottomk(1, load - on (node) sum by (node) (bytes_total))",
	    1, "n0", -99);
	check_over(f, NODES, "count(load and on (node) bytes_total{device=\"e0\"})", 1,
	    "", NODES / 2.0);
	free_fleet(f, NODES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(too_little_data_is_unknown_for_a_reason),
		CASE(a_series_that_has_ended_is_not_served_as_current),
		CASE(division_by_zero_is_defined),
		CASE(ambiguous_matching_makes_all_unknown),
		CASE(time_to_a_threshold_is_in_seconds_from_now),
		CASE(time_to_what_is_never_met_is_unknown),
		CASE(ewma_weighs_newer_values_more),
		CASE(hysteresis_has_two_levels_and_a_duration_CMP_10),
		CASE(durations_are_those_of_the_newest_run_CMP_02),
		CASE(availability_counts_what_is_unknown_as_not_available_CMP_02),
		CASE(scores_and_medians_CMP_02),
		CASE(several_sets_are_told_apart_by_a_label_CMP_09),
		CASE(a_thousand_nodes_are_aggregated_in_one_evaluation_CMP_09),
		CASE(units_follow_the_arithmetic),
		CASE(a_value_says_from_which_samples_it_was_made),
		CASE(results_carry_the_labels_that_are_left),
		CASE(the_number_of_samples_is_bounded),
		CASE(the_number_of_values_is_bounded),
		CASE(the_work_of_an_evaluation_is_bounded),
		CASE(history_lost_to_the_byte_bound_is_unknown),
		CASE(what_is_no_program_is_not_run),
		TEST(a_day_of_seconds_can_be_asked_for_S_22),
		CASE(an_evaluation_allocates_nothing_the_second_time_PERF_01),
		CASE(every_failed_allocation_is_survived),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
