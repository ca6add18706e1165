/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_rules.h"
#include "metrics/expr_program.h"
#include "tests/support/program.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct complaints complaints;
static struct yaml_doc *doc;
static struct plan_rules *rules;

static int
load(const char *text)
{
	plan_rules_free(TAKE(rules));
	yaml_doc_free(TAKE(doc));
	complaints_done(&complaints);
	complaints_init(&complaints);
	assert_int_equal(
	    yaml_parse(slice_text(text), "controller.yaml", &complaints, &doc), 0);
	return plan_rules_new(yaml_root(doc), &complaints, &rules);
}

static int
tear_down(void **state)
{
	(void)state;
	plan_rules_free(TAKE(rules));
	yaml_doc_free(TAKE(doc));
	complaints_done(&complaints);
	return 0;
}

static void
a_node_gets_what_its_plan_needs_and_what_every_node_can_compute_CMP_04(void **state)
{
	struct fog_plan *plan = calloc(1, sizeof *plan);

	(void)state;
	assert_non_null(plan);
	assert_int_equal(load("- {name: plc:top, expr: \"plc:half + 1\"}\n"
			      "- {name: plc:half, expr: \"plc_level / 2\", unit: bar}\n"
			      "- {name: plc:other, expr: \"plc_other\"}\n"
			      "- {name: site:load, expr: \"2 * node_load1\"}\n"),
	    0);
	plan_rules_fill(rules, plan);
	assert_int_equal(plan->rules, 1);
	assert_string_equal(plan->rule[0].name, "site:load");
	plan->rules = 0;
	plan->items = 1;
	plan->item[0].program = program_of("max_over_time(plc:top[1m])");
	plan_rules_fill(rules, plan);
	assert_int_equal(plan->rules, 3);
	assert_string_equal(plan->rule[0].name, "plc:top");
	assert_string_equal(plan->rule[1].unit, "bar");
	free(plan);
}

static void
rules_that_cannot_be_are_complaints_S_22(void **state)
{
	static const struct {
		const char *text, *complaint;
	} table[] = {
		{ "- {name: a, expr: b}\n- {name: b, expr: a}\n",
		    "would be made of itself" },
		{ "- {name: node_load1, expr: node_load5}\n",
		    "node_load1 is a metric already" },
		{ "- {name: a, expr: \"(b\"}\n", "column 1: the ( that opens here" },
		{ "- {name: a, expr: node_load1}\n- {name: b, expr: a}\n"
		  "- {name: c, expr: b}\n- {name: d, expr: c}\n- {name: e, expr: d}\n",
		    "e would be made of rules of rules, deeper than 4" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(load(table[i].text), -EINVAL);
		if (!strstr(buf_text(&complaints.text), table[i].complaint))
			fail_msg("%s: %s", table[i].text, buf_text(&complaints.text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(
		    a_node_gets_what_its_plan_needs_and_what_every_node_can_compute_CMP_04),
		TEST(rules_that_cannot_be_are_complaints_S_22),
	};

	return RUN_TESTS(tests, NULL, tear_down);
}
