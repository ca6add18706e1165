/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch.yaml(5) says what the agent's option table says. */
#include "agent/config.h"
#include "tests/support/manual_options.h"

static void
the_manual_names_the_options_and_defaults_of_the_agent(void **state)
{
	(void)state;
	manual_compare_options(
	    "fogwatch.yaml.5", "BOTH DAEMONS", "AGENT", agent_options, agent_options_len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_manual_names_the_options_and_defaults_of_the_agent),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
