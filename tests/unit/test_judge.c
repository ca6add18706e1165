/* SPDX-License-Identifier: Apache-2.0
 *
 * The judge as the rest of the controller sees it, on a real store. */
#include "base/ctl.h"
#include "base/json.h"
#include "controller/plan_cost.h"
#include "tests/support/ask.h"
#include "tests/support/test.h"
#include "tests/support/world.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define VOLTAGE \
	"avg_over_time(node_power_supply_voltage_volts{power_supply=\"BAT0\"}[5s])"

static const char delivery[] =
    "service: delivery\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: F1\n"
    "    host: A\n"
    "    candidates: [C, B]\n"
    "    requirements:\n"
    "      - {expr: '" VOLTAGE "', above: 3.2, when-missing: ok, period: 500ms}\n"
    "    migration: {lead: 20s, cooldown: 60s}\n";

static int
open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	world_open(&w);
	*state = &w;
	return 0;
}

static int
close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void
add_three_nodes(struct world *w)
{
	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
}

static bool
is_done(struct world *w)
{
	return world_events(w, "migration.done") > 0;
}

/* --- the whole way ------------------------------------------------------------------------------ */

static void
a_falling_battery_moves_the_function_before_it_is_empty(void **state)
{
	struct world *w = *state;
	struct world_signal *s;
	double at_done;

	add_three_nodes(w);
	world_apply(w, delivery);
	s = world_signal(w, "A", VOLTAGE, 3.6, -0.004, 0.01); /* 3.2 V in 100 s */
	assert_true(world_run_until(w, is_done, 120000));
	at_done = s->value + s->slope * (double)(grasp_io_now(w->io) - s->since_ms) / 1e3;
	assert_true(at_done > 3.2 + 0.004 * 8);
	assert_true(at_done < 3.2 + 0.004 * 32);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_int_equal(w->calls, 1);
	assert_string_equal(w->call[0].source, "A");
	assert_int_equal(w->call[0].generation, 2);
	assert_non_null(strstr(w->call[0].reason, "> 3.2"));
	assert_string_equal(world_outcomes(w), "averted ");
}

static void
predictions_are_stored_with_their_outcome(void **state) /* PRD-08 */
{
	struct world *w = *state;

	add_three_nodes(w);
	world_apply(w,
	    "service: s\nfunctions:\n  - name: f\n    host: A\n"
	    "    requirements: [{expr: node_load1, predictor: trend, below: 4}]\n"
	    "    migration: {lead: 20s, raise: 0.6}\n");
	world_signal(w, "A", "node_load1", 1, 0.05, 0.02);
	world_run(w, 50000); /* raised */
	assert_string_equal(world_outcomes(w), "open ");
	world_signal(w, "A", "node_load1", 1, 0, 0.02);
	world_run(w, 30000);
	assert_string_equal(world_outcomes(w), "cleared ");
	world_signal(w, "A", "node_load1", 1, 0.05, 0.02);
	world_run(w, 70000);
	assert_string_equal(world_outcomes(w), "cleared hit ");
	world_signal(w, "A", "node_load1", 1, 0, 0.02);
	world_run(w, 60000);
	world_signal(w, "A", "node_load1", 1, 0.05, 0.02);
	world_run(w, 50000);
	assert_string_equal(world_outcomes(w), "cleared hit open ");
	world_restart(w); /* nobody watched it meanwhile */
	assert_string_equal(world_outcomes(w), "cleared hit dropped ");
	assert_int_equal(world_events(w, "prediction.raised"), 3);
	assert_int_equal(world_events(w, "prediction.cleared"), 2);
	assert_int_equal(world_events(w, "service.degraded"), 1);
}

/* PRD-08: what nobody announced is on record, too. */
static void
failures_that_nobody_foresaw_are_stored_PRD_08(void **state)
{
	struct world *w = *state;

	add_three_nodes(w);
	world_apply(w,
	    "service: s\nfunctions:\n  - name: f\n    host: A\n"
	    "    requirements: [{expr: node_load1, below: 4, predictor: trend}]\n"
	    "    migration: {lead: 20s, raise: 0.6}\n");
	world_signal(w, "A", "node_load1", 1, 0, 0.02);
	world_run(w, 60000);
	world_signal(w, "A", "node_load1", 9, 0, 0.02); /* out of the blue */
	world_run(w, 20000);
	assert_string_equal(world_outcomes(w), "miss ");
	world_signal(w, "A", "node_load1", 1, 0, 0.02);
	world_run(w, 60000);
	world_set_state(w, "A", NODE_LOST);
	assert_string_equal(world_outcomes(w), "miss lost ");
}

static void
an_event_tells_the_time_left_and_the_lead(void **state) /* PRD-02 */
{
	struct world *w = *state;
	const char *text;

	add_three_nodes(w);
	world_apply(w, delivery);
	world_signal(w, "A", VOLTAGE, 3.6, -0.004, 0.005);
	world_run(w, 100000);
	text = world_event(w, "prediction.raised");
	assert_non_null(strstr(text, "likely to fail in "));
	assert_non_null(strstr(text, "within the lead of 20 s"));
}

/* --- plans -------------------------------------------------------------------------------------- */

static void
changes_go_to_the_nodes_they_concern(void **state) /* PLN-06 */
{
	struct world *w = *state;

	add_three_nodes(w);
	world_node(w, "D", NULL);
	*w->changed = '\0';
	world_apply(w, delivery);
	assert_string_equal(w->changed, "C B A ");
	*w->changed = '\0';
	world_apply(w, delivery); /* the same again */
	assert_string_equal(w->changed, "");
	world_node(w, "B", NULL);
	assert_string_equal(w->changed, "");
	assert_int_equal(judge_remove(w->judge, "delivery", NULL, NULL), 0);
	store_flush(w->store);
	assert_string_equal(w->changed, "C B A ");
	assert_string_equal(world_placement(w, "delivery", "F1"), "");
}

static void
a_plan_can_be_sent(void **state)
{
	struct world *w = *state;
	struct fog_plan plan, read;
	struct buf b;

	add_three_nodes(w);
	world_apply(w, delivery);
	judge_plan(w->judge, world_find(w, "A"), &plan);
	assert_int_equal(plan.items, 1);
	assert_true(plan.version > 0);
	assert_int_equal(plan.item[0].period_ms, 500);
	assert_int_equal(plan.item[0].mode, PLAN_SUPPRESSED);
	assert_int_equal(plan.item[0].thresholds, 1);
	assert_string_equal(judge_item_text(w->judge, plan.item[0].id), VOLTAGE);
	assert_null(judge_item_text(w->judge, 12345));
	buf_init(&b, 65536);
	fog_plan_encode(&plan, &b);
	assert_int_equal(fog_plan_decode(buf_slice(&b), &read), 0);
	assert_true(slice_equal(read.item[0].program, plan.item[0].program));
	buf_done(&b);
}

static void
a_restart_brings_back_services_plans_and_ids(void **state)
{
	struct world *w = *state;
	struct fog_plan before, after;

	add_three_nodes(w);
	world_apply(w, delivery);
	judge_plan(w->judge, world_find(w, "A"), &before);
	fake_run(w->net, 5000);
	world_restart(w);
	judge_plan(w->judge, world_find(w, "A"), &after);
	assert_int_equal(after.items, 1);
	assert_int_equal(after.item[0].id, before.item[0].id);
	assert_true(after.version > before.version);
}

static void
a_node_that_is_gone_has_no_plan(void **state)
{
	struct world *w = *state;
	struct fog_plan plan;
	struct node *gone;

	add_three_nodes(w);
	world_apply(w, delivery);
	world_run(w, 1000);
	gone = world_find(w, "B");
	world_set_state(w, "B", NODE_GONE);
	judge_plan(w->judge, gone, &plan);
	assert_int_equal(plan.version, 0);
	world_run(w, 5000); /* the registry frees it */
	world_node(w, "B", NULL);
	judge_plan(w->judge, world_find(w, "B"), &plan);
	assert_int_equal(plan.items, 1);
}

/* --- services ----------------------------------------------------------------------------------- */

static int
apply_text(struct world *w, const char *yaml, char *why, size_t size)
{
	struct complaints c;
	int err;

	complaints_init(&c);
	err = judge_apply(w->judge, slice_text(yaml), "x.yaml", &c, NULL, NULL);
	snprintf(why, size, "%s", buf_text(&c.text));
	complaints_done(&c);
	store_flush(w->store);
	return err;
}

static void
a_bad_description_changes_nothing(void **state) /* PLN-10 */
{
	struct world *w = *state;
	char why[512];

	add_three_nodes(w);
	world_apply(w, delivery);
	assert_int_equal(
	    apply_text(w, "service: delivery\nfunctions: []\n", why, sizeof why),
	    -EINVAL);
	assert_int_equal(
	    apply_text(w, "service: delivery\nhook: nobody\nfunctions: [{name: f}]\n",
		why, sizeof why),
	    -EINVAL);
	assert_string_equal(why,
	    "x.yaml:2:1: hook: there is no hook nobody in the controller's "
	    "configuration\n");
	assert_string_equal(world_placement(w, "delivery", "F1"), "A assigned 1");
}

static void
a_new_text_keeps_the_placement(void **state)
{
	struct world *w = *state;
	char why[512];

	add_three_nodes(w);
	world_apply(w, delivery);
	world_set_state(w, "A", NODE_LOST);
	world_run(w, 2000);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_int_equal(apply_text(w,
			     "service: delivery\nfunctions:\n  - {name: F1, host: A}\n"
			     "  - {name: F2, host: B}\n",
			     why, sizeof why),
	    0);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
	assert_string_equal(world_placement(w, "delivery", "F2"), "B assigned 1");
	/* a function that comes back has not lost its generation */
	assert_int_equal(apply_text(w, "service: delivery\nfunctions: [{name: F2}]\n",
			     why, sizeof why),
	    0);
	world_restart(w);
	world_apply(w, delivery);
	assert_string_equal(world_placement(w, "delivery", "F1"), "C assigned 2");
}

/* --- the read model ------------------------------------------------------------------------------- */

static struct world *shown;

static int
show_services(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	judge_show_services(shown->judge, req);
	return 0;
}

static int
show_plan(void *arg, struct ctl_request *req, struct slice args)
{
	char node[65] = "";

	(void)arg;
	(void)ctl_arg_text(args, "node", node, sizeof node);
	judge_show_plan(shown->judge, req, node);
	return 0;
}

static int
show_predictions(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg;
	judge_show_predictions(shown->judge, req, "",
	    ctl_arg_bool(args, "past")	      ? PREDICTIONS_PAST
		: ctl_arg_bool(args, "score") ? PREDICTIONS_SCORE
					      : PREDICTIONS_NOW);
	return 0;
}

static int
show_candidates(void *arg, struct ctl_request *req, struct slice args)
{
	char function[65] = "";

	(void)arg;
	(void)ctl_arg_text(args, "function", function, sizeof function);
	judge_show_candidates(
	    shown->judge, req, "delivery", function, ctl_arg_bool(args, "explain"));
	return 0;
}

static int
show_migrations(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	judge_show_migrations(shown->judge, req);
	return 0;
}

static int
try_service(void *arg, struct ctl_request *req, struct slice args)
{
	const struct plan_costs_env env = {
		.terms = { .beat_ms = 2000, .lease_ms = 30000, .flush_ms = 10000 }
	};
	struct complaints c;
	char yaml[2048];
	int err;

	(void)arg;
	(void)ctl_arg_text(args, "yaml", yaml, sizeof yaml);
	complaints_init(&c);
	err = judge_dry_run(shown->judge, &env, slice_text(yaml), "x.yaml", &c, req);
	if (err == -EINVAL) {
		ctl_fail(req, 1, "%s", buf_text(&c.text));
		err = 0;
	}
	complaints_done(&c);
	return err;
}

static const struct ctl_command commands[] = {
	{ "apply", CTL_VIEWER, try_service, "" },
	{ "services", CTL_VIEWER, show_services, "" },
	{ "plan show", CTL_VIEWER, show_plan, "" },
	{ "predictions", CTL_VIEWER, show_predictions, "" },
	{ "candidates", CTL_VIEWER, show_candidates, "" },
	{ "migrations", CTL_VIEWER, show_migrations, "" },
};

/* The answer as lines of JSON; key and text: an argument, or NULL. */
static char *
show(struct world *w, const char *command, const char *key, const char *text)
{
	CLEANUP(ctl_close) struct ctl_server *server = NULL;
	char path[512];
	struct buf args;
	char *answer;

	shown = w;
	snprintf(path, sizeof path, "%s/ctl", w->dir);
	assert_int_equal(
	    ctl_open(w->loop, path, commands, ARRAY_LEN(commands), NULL, &server), 0);
	buf_init(&args, 256);
	if (key) {
		wr_map(&args, 1);
		if (text)
			wr_key_text(&args, key, text);
		else
			wr_key_bool(&args, key, true);
	}
	answer = ask(w->loop, path, command, buf_slice(&args));
	buf_done(&args);
	return answer;
}

static void
assert_shown(struct world *w, const char *command, const char *key, const char *text,
    const char *part)
{
	char *answer = show(w, command, key, text);

	if (!strstr(answer, part))
		fail_msg("%s: %s\nis not in\n%s", command, part, answer);
	free(answer);
}

static void
set_fleet(struct world *w)
{
	add_three_nodes(w);
	world_apply(w, delivery);
	world_signal(w, "A", VOLTAGE, 3.6, -0.004, 0.005);
	world_signal(w, "B", VOLTAGE, 3.9, 0, 0.005);
	world_signal(w, "C", VOLTAGE, 3.1, 0, 0.005);
}

static void
services_show_where_functions_are(void **state)
{
	struct world *w = *state;

	set_fleet(w);
	assert_shown(w, "services", NULL, NULL,
	    "{\"service\":\"delivery\",\"function\":\"F1\",\"node\":\"A\",\"state\":"
	    "\"assigned\","
	    "\"generation\":1,\"requirements\":[\"avg_over_time(node_power_supply_"
	    "voltage_volts"
	    "{power_supply=\\\"BAT0\\\"}[5s]) > "
	    "3.2\"],\"hook\":\"mover\",\"lead_s\":20}");
}

static void
a_dry_run_says_what_would_be_and_changes_nothing_PLN_09(void **state)
{
	static const char other[] =
	    "service: other\nfunctions:\n"
	    "  - {name: g, host: B, candidates: [C], requirements: ["
	    "{expr: node_load15, below: 7, period: 2s}]}\n";
	struct world *w = *state;

	set_fleet(w);
	assert_shown(w, "apply", "yaml", other, "{\"node\":\"B\",\"change\":\"added\",");
	assert_shown(w, "apply", "yaml", other,
	    "\"expression\":\"node_load15\",\"period_s\":2,\"period_before_s\":null,"
	    "\"mode\":\"suppressed\",");
	assert_shown(w, "apply", "yaml", other, "\"reasons\":[\"other/g (candidate)\"]}");
	assert_shown(w, "apply", "yaml", other, "{\"node\":\"C\",\"change\":\"sum\",");
	assert_shown(w, "apply", "yaml", other, "\"nodes\":3,\"nodes_changed\":2,");
	/* the one that is there, without its requirements */
	assert_shown(w, "apply", "yaml",
	    "service: delivery\nfunctions: [{name: F1, host: A}]\n",
	    "{\"node\":\"A\",\"change\":\"removed\",");
	assert_shown(w, "apply", "yaml", "service: other\n", "refused 1: x.yaml:1:1: ");
	assert_shown(w, "plan show", "node", "A",
	    "\"period_s\":0.5,\"mode\":\"suppressed\",\"reasons\":[\"delivery/"
	    "F1\"]}\nend");
}

static void
plans_show_what_for(void **state)
{
	struct world *w = *state;

	set_fleet(w);
	assert_shown(w, "plan show", "node", "A",
	    "\"period_s\":0.5,\"mode\":\"suppressed\",\"reasons\":[\"delivery/"
	    "F1\"]}\nend");
	assert_shown(w, "plan show", NULL, NULL,
	    "\"period_s\":5,\"mode\":\"suppressed\",\"reasons\":[\"delivery/F1 "
	    "(candidate)\"]}");
	assert_shown(w, "plan show", "node", "X", "refused 1: there is no node X");
}

static void
predictions_show_state_and_time(void **state)
{
	struct world *w = *state;

	set_fleet(w);
	world_run(w, 60000);
	assert_shown(w, "predictions", NULL, NULL, "\"role\":\"host\",\"value\":3.3");
	assert_shown(w, "predictions", NULL, NULL,
	    "\"node\":\"C\",\"service\":\"delivery\",\"function\":\"F1\"");
	assert_shown(w, "predictions", NULL, NULL, "\"state\":\"violated\"");
	world_run(w, 40000);
	assert_shown(w, "predictions", "past", NULL, "\"state\":\"averted\"");
}

static void
candidates_show_why_and_why_not(void **state)
{
	struct world *w = *state;
	char *answer;

	set_fleet(w);
	world_run(w, 20000);
	answer = show(w, "candidates", NULL, NULL);
	assert_non_null(strstr(answer, "\"rank\":1,\"node\":\"B\",\"score\":0."));
	assert_null(strstr(answer, "\"node\":\"C\""));
	free(answer);
	assert_shown(w, "candidates", "explain", NULL,
	    "\"rank\":null,\"node\":\"A\",\"score\":null,\"accepted\":false,"
	    "\"availability\":null,\"horizon_s\":600,\"reasons\":"
	    "[\"it is the node that has the function\",\"it is not in the list of "
	    "candidates\"]}");
	assert_shown(w, "candidates", "explain", NULL, "it does not meet avg_over_time");
	assert_shown(w, "candidates", "function", "F9",
	    "refused 1: there is no function delivery/F9; fogctl services lists them");
}

static void
keep_lead(void *arg, const struct migration_row *m)
{
	*(double *)arg = (double)(m->due_ms - m->opened_ms) / 1e3;
}

/* The lead is what was predicted when the move was decided, below what the function needs. */
static void
migrations_show_lead_and_duration(void **state)
{
	struct world *w = *state;
	double lead = NAN;
	char text[64];

	set_fleet(w);
	world_run(w, 100000);
	assert_shown(w, "migrations", NULL, NULL,
	    "\"from\":\"A\",\"to\":\"B\",\"hook\":\"mover\",\"state\":\"done\",\"phase\":"
	    "null");
	assert_shown(w, "migrations", NULL, NULL, "\"generation\":2");
	assert_int_equal(store_migrations(w->store, false, 1, keep_lead, &lead), 0);
	assert_true(lead > 0 && lead < 100); /* the long lead */
	snprintf(text, sizeof text, "\"lead_s\":%.15g,\"duration_s\":0", lead);
	assert_shown(w, "migrations", NULL, NULL, text);
}

static void
functions_of_a_node_are_listed(void **state)
{
	struct world *w = *state;
	struct buf b, json;

	set_fleet(w);
	buf_init(&b, 1024);
	buf_init(&json, 1024);
	judge_put_functions(w->judge, world_find(w, "A"), &b);
	assert_int_equal(json_put_cbor(&json, buf_slice(&b), 0), 0);
	assert_string_equal(buf_text(&json), "[\"delivery/F1\"]");
	buf_done(&json);
	buf_done(&b);
}

int
main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(a_falling_battery_moves_the_function_before_it_is_empty),
		IN_WORLD(predictions_are_stored_with_their_outcome),
		IN_WORLD(failures_that_nobody_foresaw_are_stored_PRD_08),
		IN_WORLD(an_event_tells_the_time_left_and_the_lead),
		IN_WORLD(changes_go_to_the_nodes_they_concern),
		IN_WORLD(a_plan_can_be_sent),
		IN_WORLD(a_restart_brings_back_services_plans_and_ids),
		IN_WORLD(a_node_that_is_gone_has_no_plan),
		IN_WORLD(a_bad_description_changes_nothing),
		IN_WORLD(a_new_text_keeps_the_placement),
		IN_WORLD(services_show_where_functions_are),
		IN_WORLD(a_dry_run_says_what_would_be_and_changes_nothing_PLN_09),
		IN_WORLD(plans_show_what_for),
		IN_WORLD(predictions_show_state_and_time),
		IN_WORLD(candidates_show_why_and_why_not),
		IN_WORLD(migrations_show_lead_and_duration),
		IN_WORLD(functions_of_a_node_are_listed),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
