/* SPDX-License-Identifier: Apache-2.0
 *
 * Named expressions in virtual time, over a tank whose level the test sets. */
#include "metrics/rules.h"
#include "tests/support/alloc.h"
#include "tests/support/sampler.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OPERATOR "operator uid 0"
#define DOMAIN	 "domain plant-7"

static const struct source_env nowhere = { .proc = "/nonexistent",
	.sys = "/nonexistent" };
static const struct metric level = { "tank_level_ratio", "ratio", METRIC_GAUGE, "fill" };

struct tank {
	struct sampler *sampler;
	struct rules *rules;
	double value[2]; /* of the tanks "a" and "b"; NaN: it has none */
	unsigned many;	 /* tanks more */
	char why[RULE_WHY_MAX];
};

static const struct metric *
find(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, level.name) == 0 ? &level : NULL;
}

static void
put_level(struct tank *t, const char *name, int64_t now_ms, double value)
{
	struct metric_labels l = { 0 };

	assert_int_equal(metric_labels_add(&l, "tank", name), 0);
	if (!isnan(value))
		sampler_put(t->sampler, &level, &l, now_ms, value);
}

static void
sample(void *arg, const struct metric *m, int64_t now_ms)
{
	struct tank *t = arg;
	char name[16];

	(void)m;
	put_level(t, "a", now_ms, t->value[0]);
	put_level(t, "b", now_ms, t->value[1]);
	for (unsigned i = 0; i < t->many; i++) {
		snprintf(name, sizeof name, "t%u", i);
		put_level(t, name, now_ms, i);
	}
}

static const struct provider provider = { .find = find, .sample = sample };

static int
set_up(void **state)
{
	static struct tank t;

	t = (struct tank){ .value = { 0.5, NAN } };
	t.sampler = new_sampler(&nowhere);
	assert_int_equal(sampler_provide(t.sampler, &provider, &t), 0);
	assert_int_equal(rules_new(t.sampler, &t.rules), 0);
	*state = &t;
	return 0;
}

static int
tear_down(void **state)
{
	struct tank *t = *state;

	rules_free(t->rules);
	sampler_free(t->sampler);
	return 0;
}

static int
install(struct tank *t, const char *owner, const char *name, const char *text)
{
	struct rule_spec spec = { name, "ratio", program_of(text) };

	t->why[0] = '\0';
	return rules_install(t->rules, owner, &spec, t->why);
}

static void
check_refused(struct tank *t, const char *owner, const char *name, const char *text,
    int err, const char *why)
{
	assert_int_equal(install(t, owner, name, text), err);
	assert_string_equal(t->why, why);
}

static size_t
count_rules(const struct tank *t)
{
	struct rule_state state;
	size_t n = 0;

	while (rules_at(t->rules, n, &state))
		n++;
	return n;
}

static struct rule_state
rule_at(const struct tank *t, size_t i)
{
	struct rule_state state;

	assert_true(rules_at(t->rules, i, &state));
	return state;
}

static void
a_rule_is_used_like_a_raw_metric_CMP_04(void **state)
{
	struct tank *t = *state;

	assert_int_equal(
	    install(t, OPERATOR, "tank:level:twice", "2 * tank_level_ratio"), 0);
	assert_true(sampler_knows(t->sampler, "tank:level:twice"));
	assert_string_equal(
	    sampler_metric(t->sampler, "tank:level:twice")->unit, "ratio");
	want(t->sampler, "avg_over_time(tank:level:twice[10s])", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 5000);
	check_value(t->sampler, "tank:level:twice{tank=\"a\"}", START + 5000, 1);
	check_value(
	    t->sampler, "count_over_time(tank:level:twice[10s])", START + 5000, 6);
}

static void
only_a_rule_that_is_wanted_is_evaluated_MET_11(void **state)
{
	struct tank *t = *state;
	struct want *w;

	assert_int_equal(install(t, OPERATOR, "a:b", "2 * tank_level_ratio"), 0);
	assert_true(sampler_run(t->sampler, START) == INT64_MAX);
	assert_int_equal(rule_at(t, 0).period_ms, 0);
	w = want(t->sampler, "a:b", 2000, INT64_MAX);
	run_until(t->sampler, START, START + 10000);
	assert_int_equal(rule_at(t, 0).evaluations, 6);
	assert_int_equal(rule_at(t, 0).period_ms, 2000);
	sampler_unwant(w);
	assert_true(
	    run_until(t->sampler, START + 12000, START + 20 * 60000) == INT64_MAX);
	assert_int_equal(rule_at(t, 0).evaluations, 6);
	assert_int_equal(rule_at(t, 0).period_ms, 0);
}

static void
rules_are_made_of_rules_at_the_same_instant_CMP_03(void **state)
{
	struct tank *t = *state;

	assert_int_equal(install(t, "", "b:base", "2 * tank_level_ratio"), 0);
	assert_int_equal(install(t, OPERATOR, "a:top", "b:base + 1"), 0);
	want(t->sampler, "a:top", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 3000);
	check_value(t->sampler, "a:top", START + 3000, 2);
	t->value[0] = 3;
	sampler_run(t->sampler, START + 4000);
	check_value(t->sampler, "a:top", START + 4000, 7);
}

/* CMP-08: what has no value has none in the rule either, and the rule says why. */
static void
an_unknown_result_ends_the_series_CMP_08(void **state)
{
	struct tank *t = *state;
	struct expr_result r;

	assert_int_equal(install(t, "", "a:low", "tank_level_ratio < 1"), 0);
	want(t->sampler, "a:low", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 2000);
	check_value(t->sampler, "a:low", START + 2000, 0.5);
	t->value[0] = 2;
	sampler_run(t->sampler, START + 3000);
	check_unknown(t->sampler, "a:low", START + 3000);
	assert_string_equal(rule_at(t, 0).unknown, "no value meets the comparison <");
	assert_int_equal(
	    sampler_query(t->sampler, program_of("a:low"), START + 3000, &r), 0);
	assert_int_equal(r.len, 0);
	assert_non_null(strstr(r.unknown, "no value meets the comparison <"));
	expr_result_done(&r);
	t->value[0] = 0.25;
	sampler_run(t->sampler, START + 4000);
	check_value(t->sampler, "a:low", START + 4000, 0.25);
}

static void
the_reason_of_a_refusal_is_told_S_22(void **state)
{
	struct tank *t = *state;

	check_refused(t, OPERATOR, "1a", "tank_level_ratio", -EINVAL,
	    "1a is no name of a rule: letters, digits, _ and :, at most 64");
	check_refused(
	    t, OPERATOR, "a", "nonsense + 1", -ENOENT, "a: unknown metric nonsense");
	check_refused(t, OPERATOR, "tank_level_ratio", "1 + tank_level_ratio", -EEXIST,
	    "tank_level_ratio is a metric already");
	assert_int_equal(install(t, "", "a", "tank_level_ratio"), 0);
	check_refused(t, OPERATOR, "a", "2 * tank_level_ratio", -EEXIST,
	    "a is a rule of the configuration");
	assert_int_equal(install(t, DOMAIN, "b", "tank_level_ratio"), 0);
	check_refused(
	    t, OPERATOR, "b", "tank_level_ratio", -EEXIST, "b is a rule of " DOMAIN);
	assert_int_equal(count_rules(t), 2);
}

static void
a_circle_is_refused_S_22(void **state)
{
	struct tank *t = *state;

	check_refused(t, OPERATOR, "a", "a + 1", -ELOOP, "a would be made of itself");
	assert_int_equal(install(t, OPERATOR, "a", "tank_level_ratio"), 0);
	assert_int_equal(install(t, OPERATOR, "b", "a"), 0);
	assert_int_equal(install(t, OPERATOR, "c", "b + a"), 0);
	assert_int_equal(install(t, OPERATOR, "a", "c"), -ELOOP);
	want(t->sampler, "c", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 1000);
	check_value(t->sampler, "c", START + 1000, 1);
}

static void
a_graph_that_is_too_deep_is_refused_S_22(void **state)
{
	struct tank *t = *state;

	assert_int_equal(install(t, OPERATOR, "r1", "tank_level_ratio"), 0);
	assert_int_equal(install(t, OPERATOR, "r2", "r1"), 0);
	assert_int_equal(install(t, OPERATOR, "r3", "r2"), 0);
	assert_int_equal(install(t, OPERATOR, "r4", "r3 + r1"), 0);
	check_refused(t, OPERATOR, "r5", "r4", -E2BIG,
	    "r5 would be made of rules of rules, deeper than 4");
	assert_int_equal(install(t, OPERATOR, "r0", "tank_level_ratio"), 0);
	check_refused(t, OPERATOR, "r1", "r0", -E2BIG,
	    "r4 would be made of rules of rules, deeper than 4");
	assert_int_equal(count_rules(t), 5);
}

static void
the_rules_of_one_owner_and_of_all_are_bounded_S_22(void **state)
{
	struct tank *t = *state;
	char name[16], owner[16];

	for (unsigned i = 0; i < RULES_MAX; i++) {
		snprintf(owner, sizeof owner, "owner %u", i / RULES_OWNER_MAX);
		snprintf(name, sizeof name, "r%u", i);
		if (i == RULES_OWNER_MAX)
			check_refused(t, "owner 0", name, "tank_level_ratio", -E2BIG,
			    "r32: owner 0 has 32 rules already");
		assert_int_equal(install(t, owner, name, "tank_level_ratio"), 0);
	}
	check_refused(t, "somebody", "more", "tank_level_ratio", -E2BIG,
	    "more: there are 128 rules already");
	check_refused(t, "", "more", "tank_level_ratio", -E2BIG,
	    "more: there are 128 rules already");
}

#define TERMS 24

/* Each rule reads the one before as often as an expression may, at the shortest period. */
static void
pathological_graphs_do_not_take_long_S_22(void **state)
{
	struct tank *t = *state;
	char name[16], of[64], text[1024];
	uint64_t skipped = 0, evaluations = 0;

	t->many = 14;
	for (unsigned i = 0; i < RULES_MAX; i++) {
		snprintf(name, sizeof name, "r%u", i);
		if (i % RULES_DEPTH_MAX)
			snprintf(of, sizeof of, "avg_over_time(r%u[2s])", i - 1);
		else
			snprintf(of, sizeof of, "avg_over_time(tank_level_ratio[2s])");
		snprintf(text, sizeof text, "%s", of);
		for (unsigned n = 1; n < TERMS; n++)
			snprintf(
			    text + strlen(text), sizeof text - strlen(text), " + %s", of);
		assert_int_equal(install(t, "", name, text), 0);
		want(t->sampler, name, 100, INT64_MAX);
	}
	run_until(t->sampler, START, START + 12000);
	for (unsigned i = 0; i < RULES_MAX; i++) {
		skipped += rule_at(t, i).skipped;
		evaluations += rule_at(t, i).evaluations;
	}
	assert_in_range(evaluations, RULES_MAX, 12 * 10 * RULES_MAX / 2);
	assert_in_range(skipped, RULES_MAX, 12 * 10 * RULES_MAX);
}

static void
rules_go_with_their_owner_and_with_what_they_are_made_of_DOM_04(void **state)
{
	struct tank *t = *state;

	assert_int_equal(install(t, "", "preset", "tank_level_ratio"), 0);
	assert_int_equal(install(t, DOMAIN, "d:one", "preset"), 0);
	assert_int_equal(install(t, OPERATOR, "o:one", "d:one"), 0);
	assert_int_equal(install(t, OPERATOR, "o:two", "o:one"), 0);
	assert_int_equal(install(t, OPERATOR, "o:three", "preset"), 0);
	want(t->sampler, "o:two + o:three", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 1000);
	check_value(t->sampler, "o:two", START + 1000, 0.5);
	assert_int_equal(rules_remove(t->rules, DOMAIN, "d:one", t->why), -EBUSY);
	assert_string_equal(t->why, "o:one is made of d:one");
	assert_int_equal(rules_remove(t->rules, DOMAIN, "o:one", t->why), -ENOENT);
	assert_string_equal(t->why, "there is no rule o:one of " DOMAIN);
	rules_remove_owner(t->rules, DOMAIN);
	assert_int_equal(count_rules(t), 2);
	assert_false(sampler_knows(t->sampler, "o:two"));
	run_until(t->sampler, START + 2000, START + 3000);
	check_unknown(t->sampler, "o:two", START + 3000);
	check_value(t->sampler, "o:three", START + 3000, 0.5);
	assert_int_equal(rules_remove(t->rules, OPERATOR, "o:three", t->why), 0);
	assert_int_equal(count_rules(t), 1);
}

static void
all_rules_of_an_owner_are_replaced_together_or_not_at_all(void **state)
{
	struct tank *t = *state;
	struct rule_spec spec[3];
	uint8_t memory[3][256];
	static const char *const text[3] = { "b * 2", "tank_level_ratio", "nonsense" };

	for (unsigned i = 0; i < 3; i++) {
		struct slice p = program_of(text[i]);

		memcpy(memory[i], p.data, p.len);
		spec[i] = (struct rule_spec){ i == 0 ? "a"
			    : i == 1		     ? "b"
						     : "c",
			NULL, { memory[i], p.len } };
	}
	assert_int_equal(install(t, DOMAIN, "old", "tank_level_ratio"), 0);
	assert_int_equal(install(t, OPERATOR, "mine", "old"), 0);
	assert_int_equal(
	    rules_replace(t->rules, DOMAIN, spec, 3, false, t->why), -ENOENT);
	assert_string_equal(t->why, "c: unknown metric nonsense");
	assert_int_equal(rules_replace(t->rules, DOMAIN, spec, 2, true, t->why), 0);
	assert_int_equal(count_rules(t), 2);
	assert_int_equal(rules_replace(t->rules, DOMAIN, spec, 2, false, t->why), 0);
	assert_int_equal(count_rules(t), 2);
	assert_string_equal(rule_at(t, 0).name, "a");
	want(t->sampler, "a", 1000, INT64_MAX);
	run_until(t->sampler, START, START + 2000);
	check_value(t->sampler, "a", START + 2000, 1);
	/* What stays the same goes on. */
	assert_int_equal(rules_replace(t->rules, DOMAIN, spec, 2, false, t->why), 0);
	assert_int_equal(rule_at(t, 0).evaluations, 3);
	check_value(t->sampler, "a", START + 2000, 1);
	/* What changes begins anew. */
	assert_int_equal(install(t, DOMAIN, "b", "tank_level_ratio + 1"), 0);
	run_until(t->sampler, START + 3000, START + 4000);
	check_value(t->sampler, "a", START + 4000, 3);
}

static void
every_failed_allocation_is_survived(void **state)
{
	struct tank *t = *state;
	struct rule_spec spec = { "a", "", { 0 } };
	int result = -1;
	size_t n = 0;

	if (!alloc_fail(0))
		skip();
	spec.program = program_of("avg_over_time(tank_level_ratio[1m])");
	while (result != 0) {
		alloc_fail(++n);
		result = rules_install(t->rules, OPERATOR, &spec, t->why);
		alloc_fail(0);
		assert_true(result == 0 || result == -ENOMEM);
		assert_int_equal(count_rules(t), result == 0);
	}
	assert_in_range(n, 3, 30);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_rule_is_used_like_a_raw_metric_CMP_04),
		CASE(only_a_rule_that_is_wanted_is_evaluated_MET_11),
		CASE(rules_are_made_of_rules_at_the_same_instant_CMP_03),
		CASE(an_unknown_result_ends_the_series_CMP_08),
		CASE(the_reason_of_a_refusal_is_told_S_22),
		CASE(a_circle_is_refused_S_22),
		CASE(a_graph_that_is_too_deep_is_refused_S_22),
		CASE(the_rules_of_one_owner_and_of_all_are_bounded_S_22),
		CASE(pathological_graphs_do_not_take_long_S_22),
		CASE(rules_go_with_their_owner_and_with_what_they_are_made_of_DOM_04),
		CASE(all_rules_of_an_owner_are_replaced_together_or_not_at_all),
		CASE(every_failed_allocation_is_survived),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
