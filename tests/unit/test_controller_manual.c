/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch.yaml(5) and fogwatch-service(5) say what the controller's option tables say. */
#include "controller/candidates_int.h"
#include "controller/composites.h"
#include "controller/config.h"
#include "controller/planner.h"
#include "controller/service.h"
#include "tests/support/manual_options.h"

static void
the_manual_names_the_options_and_defaults_of_the_controller(void **state)
{
	(void)state;
	manual_compare_options("fogwatch.yaml.5", "BOTH DAEMONS", "CONTROLLER",
	    controller_options, controller_options_len);
}

static void
compare_section(const char *page, const char *section, const struct conf_option *table)
{
	size_t len = 0;

	while (table[len].name)
		len++;
	manual_compare_options(page, section, NULL, table, len);
}

static void
the_manual_names_what_a_service_can_say(void **state)
{
	(void)state;
	compare_section("fogwatch-service.5", "SERVICE", service_options);
	compare_section("fogwatch-service.5", "FUNCTION", service_function_options);
	compare_section("fogwatch-service.5", "REQUIREMENT", service_requirement_options);
	compare_section("fogwatch-service.5", "LINK", service_link_options);
	compare_section("fogwatch-service.5", "LOCATION", service_location_options);
}

static void
the_manual_names_what_an_item_of_the_default_plan_can_say(void **state)
{
	(void)state;
	compare_section("fogwatch.yaml.5", "DEFAULT PLAN", planner_default_options);
}

static void
the_manual_names_what_a_composite_can_say(void **state)
{
	(void)state;
	manual_compare_options("fogwatch.yaml.5", "COMPOSITES", NULL, composite_options,
	    composite_options_len);
}

static void
the_manual_names_the_marks_and_their_weights(void **state)
{
	char *page = manual_load("fogwatch-service.5");
	char *section = page ? manual_section(page, "CANDIDATES") : NULL;

	(void)state;
	assert_non_null(section);
	for (size_t i = 0; candidate_marks[i].name; i++) {
		char line[128];

		snprintf(line, sizeof line, ".It Cm %s Pq %g\n", candidate_marks[i].name,
		    candidate_marks[i].weight);
		if (!strstr(section, line))
			fail_msg("the manual has no line \"%s\"", line);
	}
	free(section);
	free(page);
}

static void
the_example_of_a_service_is_one(void **state)
{
	char *page = manual_load("fogwatch-service.5");
	char *section = page ? manual_section(page, "EXAMPLES") : NULL;
	char *example = section ? manual_example(section, 0) : NULL;
	struct service *service = NULL;
	struct complaints c;

	(void)state;
	assert_non_null(example);
	complaints_init(&c);
	if (service_parse(slice_text(example), "example", &c, &service) < 0)
		fail_msg("%s", buf_text(&c.text));
	assert_int_equal(c.warnings, 0);
	assert_true(service->functions > 0);
	service_free(service);
	complaints_done(&c);
	free(example);
	free(section);
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_manual_names_the_options_and_defaults_of_the_controller),
		TEST(the_manual_names_what_a_service_can_say),
		TEST(the_manual_names_what_an_item_of_the_default_plan_can_say),
		TEST(the_manual_names_what_a_composite_can_say),
		TEST(the_manual_names_the_marks_and_their_weights),
		TEST(the_example_of_a_service_is_one),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
