/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"
#include "base/log.h"
#include "tests/support/ask.h"
#include "tests/support/fog.h"
#include "tests/support/registrar.h"
#include "tests/support/test.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

static struct fog *fog;
static struct ev_loop *loop;
static struct ctl_server *server;
static char path[600];
static char *answer;

static int
setup(void **state)
{
	struct fog_plan *plan = calloc(1, sizeof *plan);

	(void)state;
	fog = fog_new("controllers: ['[2001:db8::c]:7017']\nscopes: {admin: me}\n");
	fog_agent_start(fog);
	if (!plan || !fog_until(fog, fog_is_registered, 2000))
		return -1;
	fake_run(fog->net, 10);
	plan->version = 4;
	plan->items = 1;
	plan->item[0] = fog_item(7, "avg_over_time(node_load1[1m])", 1000);
	plan->item[0].mode = PLAN_ON_CHANGE;
	plan->item[0].deadband = 0.25;
	bool ok = fog_plan(fog, plan);
	free(plan);
	fake_run(fog->net, 5000);
	loop = ev_loop_new(EVFLAG_AUTO);
	snprintf(path, sizeof path, "%s/control", fog->dir);
	return ok &&
		ctl_open(loop, path, control_commands, control_commands_len, fog->agent,
		    &server) == 0
	    ? 0
	    : -1;
}

static int
teardown(void **state)
{
	(void)state;
	free(TAKE(answer));
	ctl_close(server);
	ev_loop_destroy(loop);
	fog_free(fog);
	return 0;
}

static const char *
run(const char *command, const char *expression)
{
	uint8_t memory[512];
	struct buf args;

	buf_init_fixed(&args, memory, sizeof memory);
	wr_map(&args, expression ? 1 : 0);
	if (expression)
		wr_key_text(&args, "expression", expression);
	free(answer);
	answer = ask(loop, path, command, buf_slice(&args));
	return answer;
}

static void
assert_says(const char *text)
{
	if (!strstr(answer, text))
		fail_msg("\"%s\" is not in: %s", text, answer);
}

static void
the_status_names_node_and_controller(void **state)
{
	(void)state;
	run("status", NULL);
	assert_says("\"name\":\"rover\"");
	assert_says("\"domain\":\"operator1\"");
	assert_says("\"scope\":\"admin=me\"");
	assert_says("\"state\":\"registered\"");
	assert_says("\"controller\":\"c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0\"");
	assert_says("\"controller_address\":\"[2001:db8::c]:7017\"");
	assert_says("\"plan_version\":4");
	assert_says("\"trouble\":null");
	assert_says("\nend\n");
}

static void
the_status_says_what_is_wrong(void **state)
{
	(void)state;
	fog_warden_stop(fog);
	fake_run(fog->net, 20000);
	run("status", NULL);
	assert_null(strstr(answer, "registered_s"));
	assert_says("\"controller\":null");
	assert_null(strstr(answer, "\"trouble\":null"));
}

static void
controllers_are_listed_with_what_is_known_of_them(void **state)
{
	(void)state;
	run("controllers", NULL);
	assert_says("\"address\":\"[2001:db8::c]:7017\"");
	assert_says("\"configured\":true");
	assert_says("\"proven\":true");
}

static void
capabilities_are_shown(void **state)
{
	(void)state;
	run("capabilities", NULL);
	assert_says("\"type\":\"robot\"");
	assert_says("\"energy\":\"mains\"");
	assert_says("\"battery\":null");
	assert_says("\"interfaces\":[");
	assert_says("\"tags\":{}");
}

static void
metrics_are_listed_with_unit_and_help(void **state)
{
	(void)state;
	run("metrics", NULL);
	assert_says("\"metric\":\"node_load1\",\"type\":\"gauge\"");
	assert_says("\"source\":\"load\"");
}

static void
a_query_gives_value_and_age(void **state)
{
	(void)state;
	run("query", "node_load1 * 2");
	assert_says("\"node\":\"rover\",\"expression\":\"node_load1 * 2\",");
	assert_says("\"value\":2,\"samples\":1,");
	assert_says("\"age_s\":0");
	assert_says("\"series\":[{\"labels\":{},\"value\":2,");
	assert_null(strstr(answer, "unknown"));
	assert_says("\"time\":\"");
}

static void
a_query_that_cannot_be_is_refused_with_the_reason(void **state)
{
	(void)state;
	run("query", NULL);
	assert_says("refused 2: query needs an expression");
	run("query", "avg_over_time(node_load1");
	assert_says("refused 1: avg_over_time(node_load1: column ");
}

static void
a_query_without_data_is_null_with_the_reason(void **state)
{
	(void)state;
	run("query", "node_pressure_avg10_ratio");
	assert_says("\"value\":null,");
	assert_says("\"unknown\":\"no ");
	run("query", "no_such_metric");
	assert_says("\"value\":null,");
	assert_says("\"unknown\":\"");
	assert_says("no_such_metric");
}

static const char *
run_rule(const char *command, const char *name, const char *expression, const char *unit)
{
	uint8_t memory[512];
	struct buf args;

	buf_init_fixed(&args, memory, sizeof memory);
	wr_map(&args, 1u + !!expression + !!unit);
	wr_key_text(&args, "name", name);
	if (expression)
		wr_key_text(&args, "expression", expression);
	if (unit)
		wr_key_text(&args, "unit", unit);
	free(answer);
	answer = ask(loop, path, command, buf_slice(&args));
	return answer;
}

static void
an_operator_gives_an_expression_a_name_and_takes_it_away_CMP_04(void **state)
{
	(void)state;
	run_rule("rule add", "site:load", "2 * node_load1", "tasks");
	assert_says("\"name\":\"site:load\",\"owner\":\"operator uid ");
	assert_says("\"unit\":\"tasks\",\"expression\":\"2 * node_load1\"");
	assert_says("\"period_s\":null");
	run("query", "site:load");
	assert_says("\"value\":2,");
	assert_says("\"unit\":\"tasks\"");
	run("rule list", NULL);
	assert_says("\"name\":\"site:load\"");
	run_rule("rule add", "more", "site:lod + 1", NULL);
	assert_says("more: unknown metric site:lod");
	run_rule("rule add", "more", "node_lod1 + 1", NULL);
	assert_says("more: unknown metric node_lod1 (did you mean node_load1?)");
	run_rule("rule add", "more", "node_load1 +", NULL);
	assert_says("column 13: ");
	run_rule("rule add", "node_load1", "node_load5", NULL);
	assert_says("node_load1 is a metric already");
	run_rule("rule remove", "more", NULL, NULL);
	assert_says("there is no rule more of operator uid ");
	run_rule("rule remove", "site:load", NULL, NULL);
	assert_says("end\n");
	run("query", "site:load");
	assert_says("unknown metric site:load");
}

static void
the_plan_is_shown_as_expressions(void **state)
{
	(void)state;
	run("plan show", NULL);
	assert_says("\"item\":7");
	assert_says("\"expression\":\"avg_over_time(node_load1[1m])\"");
	assert_says("\"period_s\":1,\"mode\":\"on change\",\"deadband\":0.25");
	assert_says("\"value\":1,");
}

static void
the_configuration_in_force_is_shown(void **state)
{
	(void)state;
	run("show config", NULL);
	assert_says("\"domain: operator1\"\n");
	assert_says("\"  port: 7017\"\n");
	assert_says("\"  admin: me\"\n");
}

static void
counters_tell_what_became_of_the_results(void **state)
{
	(void)state;
	run("counters", NULL);
	assert_says("\"points_accepted\":1,");
	assert_says("\"registrations\":1,");
	assert_says("\"grasp_malformed\":0,");
}

/* --- a node in two domains ------------------------------------------------------------------ */
static struct registrar *factory;

static int
setup_two(void **state)
{
	char yaml[512], token[TOKEN_TEXT_MAX];

	(void)state;
	fog = fog_new_proved(NULL);
	factory = registrar_new(fog->net, "factory", 1);
	struct token t = registrar_token(factory);
	snprintf(yaml, sizeof yaml,
	    "domain: factory\njoin: {token: '%s'}\ndomains: [{domain: city, port: "
	    "7018}]\n",
	    token_format(&t, token));
	fog_configure(fog, yaml);
	fog_agent_start(fog);
	if (!fog_until(fog, fog_is_registered, 3000))
		return -1;
	loop = ev_loop_new(EVFLAG_AUTO);
	snprintf(path, sizeof path, "%s/control", fog->dir);
	return ctl_open(
	    loop, path, control_commands, control_commands_len, fog->agent, &server);
}

static int
teardown_two(void **state)
{
	free(TAKE(answer));
	ctl_close(server);
	ev_loop_destroy(loop);
	fog_agent_stop(fog);
	registrar_free(TAKE(factory));
	fog_free(fog);
	(void)state;
	return 0;
}

static const char *
run_for(const char *command, const char *domain)
{
	uint8_t memory[128];
	struct buf args;

	buf_init_fixed(&args, memory, sizeof memory);
	wr_map(&args, 1);
	wr_key_text(&args, "domain", domain);
	free(answer);
	answer = ask(loop, path, command, buf_slice(&args));
	return answer;
}

static void
each_membership_is_shown_or_the_one_that_is_asked_for_DOM_01(void **state)
{
	(void)state;
	run("status", NULL);
	assert_says("\"domain\":\"factory\"");
	assert_says("\"domain\":\"city\"");
	run_for("status", "factory");
	assert_says("\"state\":\"registered\"");
	assert_says("\"certificate\":\"valid\"");
	assert_says("\"certificate_left_s\":604");
	assert_says("\"trust_version\":1");
	assert_says("\"insecure\":null");
	assert_null(strstr(answer, "city"));
	run_for("controllers", "factory");
	assert_says("\"domain\":\"factory\",\"address\":\"[");
	assert_says("\"proven\":true");
	run_for("counters", "factory");
	assert_says("\"tls_opened\":");
	run_for("status", "nowhere");
	assert_null(strstr(answer, "domain"));
}

static void
what_is_in_the_way_of_joining_is_shown(void **state)
{
	(void)state;
	run_for("status", "city");
	assert_says("\"state\":\"not in a domain\"");
	assert_says("\"certificate\":\"none\"");
	assert_says("give it a token (join.token");
}

static void
the_token_is_not_in_the_configuration_that_is_shown_S_29(void **state)
{
	(void)state;
	run("show config", NULL);
	assert_says("token: # a secret, not shown");
	assert_null(strstr(answer, "fog1-"));
}

/* S-28: a command without a role does not stand in the table. */
static void
every_command_has_a_role_and_help(void **state)
{
	(void)state;
	for (size_t i = 0; i < control_commands_len; i++) {
		assert_in_range(control_commands[i].role, CTL_VIEWER, CTL_ADMIN);
		assert_true(strlen(control_commands[i].help) > 5);
	}
}

#define CONTROL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONTROL_TEST(the_status_names_node_and_controller),
		CONTROL_TEST(the_status_says_what_is_wrong),
		CONTROL_TEST(controllers_are_listed_with_what_is_known_of_them),
		CONTROL_TEST(capabilities_are_shown),
		CONTROL_TEST(metrics_are_listed_with_unit_and_help),
		CONTROL_TEST(a_query_gives_value_and_age),
		CONTROL_TEST(a_query_that_cannot_be_is_refused_with_the_reason),
		CONTROL_TEST(a_query_without_data_is_null_with_the_reason),
		CONTROL_TEST(
		    an_operator_gives_an_expression_a_name_and_takes_it_away_CMP_04),
		CONTROL_TEST(the_plan_is_shown_as_expressions),
		CONTROL_TEST(the_configuration_in_force_is_shown),
		CONTROL_TEST(counters_tell_what_became_of_the_results),
		cmocka_unit_test_setup_teardown(
		    each_membership_is_shown_or_the_one_that_is_asked_for_DOM_01,
		    setup_two, teardown_two),
		cmocka_unit_test_setup_teardown(
		    what_is_in_the_way_of_joining_is_shown, setup_two, teardown_two),
		cmocka_unit_test_setup_teardown(
		    the_token_is_not_in_the_configuration_that_is_shown_S_29, setup_two,
		    teardown_two),
		TEST(every_command_has_a_role_and_help),
	};

	log_open("test_agent_control", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
