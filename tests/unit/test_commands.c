/* SPDX-License-Identifier: Apache-2.0
 *
 * What fogctl gets to see: the control table over a real socket, the robots behind it doubles. */
#include "base/log.h"
#include "controller/event.h"
#include "controller/store.h"
#include "tests/support/ask.h"
#include "tests/support/plant.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct plant plant;
static struct robot robot;
static char *answer;
static struct buf args;

static int
setup(void **state)
{
	(void)state;
	plant_open(&plant);
	plant_serve(&plant);
	robot_init(&robot, &plant, 1, "robot");
	plant_pump(&plant, true);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_pump(&plant, false);
	robot_done(&robot);
	plant_close(&plant);
	free(answer);
	answer = NULL;
	return 0;
}

/* Arguments: pairs of texts, NULL at the end. */
static void
say_args(va_list ap, struct buf *out)
{
	const char *key[8], *value[8];
	unsigned n = 0;

	while (n < 8 && (key[n] = va_arg(ap, const char *)))
		value[n++] = va_arg(ap, const char *);
	buf_init(out, 100000);
	wr_map(out, n);
	for (unsigned i = 0; i < n; i++)
		wr_key_text(out, key[i], value[i]);
}

static const char *__attribute__((sentinel)) run(const char *command, ...)
{
	va_list ap;

	va_start(ap, command);
	say_args(ap, &args);
	va_end(ap);
	free(answer);
	answer = ask(plant.loop, plant.socket, command, buf_slice(&args));
	buf_done(&args);
	return answer;
}

/* With the times that no test can know replaced by T. */
static const char *
without_times(void)
{
	for (char *p = answer; (p = strstr(p, "\"20")); p++) {
		char *end = strchr(p + 1, '"');

		if (end - p != 25 || end[-1] != 'Z')
			continue;
		p[1] = 'T';
		memmove(p + 2, end, strlen(end) + 1);
	}
	return answer;
}

static void
expect_has(const char *text)
{
	if (!strstr(answer, text))
		fail_msg("%s is not in %s", text, answer);
}

/* --- nodes ------------------------------------------------------------------------------------------- */
#define ROBOT                                                                            \
	"\"name\":\"robot\",\"id\":\"01000000000000000000000000000000\","                \
	"\"state\":\"alive\",\"type\":\"robot\",\"address\":\"2001:db8::11\","           \
	"\"energy\":\"battery\",\"battery\":0.5,\"cpus\":4,\"memory_bytes\":1073741824," \
	"\"virtualization\":\"\",\"functions\":[\"video/decode\"],\"heard\":\"T\","

static void
nodes_are_listed_with_what_matters(void **state)
{
	(void)state;
	assert_string_equal(run("nodes", NULL), "end\n");
	robot_join(&robot);
	run("nodes", NULL);
	without_times();
	expect_has("{" ROBOT "\"lease_s\":");
	expect_has(",\"plan_version\":0}\nend\n");
}

static void
a_node_is_shown_with_all_that_it_told(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 1, 2, 1, 0);
	plant_run(&plant, 100);
	run("node show", "node", "01000000", NULL);
	without_times();
	expect_has(ROBOT);
	expect_has(
	    "\"tags\":{\"site\":\"hall "
	    "3\"},\"devices\":[],\"position\":null,\"interfaces\":[{\"name\":\"w0\","
	    "\"kind\":"
	    "\"wifi\",\"radio\":\"wifi6\",\"up\":true,\"l2\":\"02:00:00:00:00:1f\","
	    "\"addresses\":[\"fd00::1/"
	    "64\"]}],\"connected\":true,\"quarantined\":false,\"joined\":\"T\","
	    "\"bytes_received\":");
	expect_has("\"points_received\":2}\nend\n");
	run("node show", "node", "nobody", NULL);
	assert_string_equal(
	    answer, "refused 1: there is no node nobody; fogctl nodes lists them\n");
}

static void
a_node_is_released_from_quarantine_by_an_operator_S_18(void **state)
{
	(void)state;
	robot_join(&robot);
	assert_string_equal(run("node release", "node", "robot", NULL),
	    "refused 1: robot is not in quarantine\n");
	registry_quarantine(
	    plant.registry, registry_by_name(plant.registry, "robot"), true);
	run("node show", "node", "robot", NULL);
	expect_has("\"quarantined\":true");
	assert_string_equal(run("node release", "node", "robot", NULL), "end\n");
	run("node show", "node", "robot", NULL);
	expect_has("\"quarantined\":false");
	assert_string_equal(run("node release", "node", "nobody", NULL),
	    "refused 1: there is no node nobody; fogctl nodes lists them\n");
}

/* --- queries ------------------------------------------------------------------------------------------ */
static void
answer_with(double value, int64_t age_ms)
{
	robot.result = (struct fog_result){
		.now_ms = robot_clock(&robot),
		.unit = "volts",
		.points = 1,
		.point = { { .value = value, .samples = 5 } },
	};
	robot.result.point[0].newest_ms = robot.result.now_ms - age_ms;
	robot.result.point[0].oldest_ms = robot.result.now_ms - age_ms - 4000;
}

static void
a_query_is_answered_with_value_unit_time_and_age(void **state) /* RPT-01 */
{
	(void)state;
	robot_join(&robot);
	answer_with(3.25, 500);
	run("query", "node", "robot", "expression", "avg_over_time(node_load1[5s])",
	    NULL);
	assert_string_equal(without_times(),
	    "{\"node\":\"robot\",\"expression\":\"avg_over_time(node_load1[5s])\","
	    "\"unit\":\"volts\",\"time\":\"T\",\"age_s\":0.5,\"value\":3.25,\"samples\":"
	    "5,"
	    "\"window_s\":4,\"labels\":{},\"series\":[{\"labels\":{},\"value\":3.25,"
	    "\"samples\":5,\"time\":\"T\",\"age_s\":0.5}]}\nend\n");
}

static void
a_node_that_knows_nothing_says_why(void **state)
{
	(void)state;
	robot_join(&robot);
	robot.result =
	    (struct fog_result){ .now_ms = 1, .unknown = "no sample of node_load1" };
	run("query", "node", "robot", "expression", "node_load1", NULL);
	assert_string_equal(answer,
	    "{\"node\":\"robot\",\"expression\":\"node_load1\",\"unit\":null,"
	    "\"time\":null,\"age_s\":null,\"value\":null,\"samples\":0,"
	    "\"window_s\":null,\"labels\":{},\"unknown\":\"no sample of node_load1\","
	    "\"series\":[]}\nend\n");
}

static void
all_nodes_are_asked_at_once(void **state)
{
	struct robot second;

	(void)state;
	robot_init(&second, &plant, 2, "second");
	robot_join(&robot);
	robot_join(&second);
	answer_with(1, 0);
	second.result = robot.result;
	run("query", "node", "all", "expression", "node_load1", NULL);
	expect_has("\"node\":\"robot\"");
	expect_has("\"node\":\"second\"");
	robot_done(&second);
}

static void
who_is_not_there_cannot_be_asked(void **state)
{
	(void)state;
	robot_join(&robot);
	robot_drop(&robot);
	plant_run(&plant, 100);
	run("query", "node", "robot", "expression", "node_load1", NULL);
	expect_has("\"unknown\":\"the node is not connected\",\"series\":[]}\nend\n");
	run("query", "node", "nobody", "expression", "node_load1", NULL);
	expect_has("refused 1: there is no node nobody");
}

static void
a_wrong_expression_is_refused_with_the_column(void **state)
{
	(void)state;
	run("query", "node", "all", "expression", "avg_over_time(node_load1)", NULL);
	expect_has("refused 1: avg_over_time(node_load1): column ");
	run("query", NULL);
	expect_has("refused 2: which expression?");
}

static void
an_answer_in_flight_is_forgotten_when_the_client_goes(void **state)
{
	struct asker *a;

	(void)state;
	robot_join(&robot); /* which answers nothing */
	buf_init(&args, 500);
	wr_map(&args, 1);
	wr_key_text(&args, "expression", "node_load1");
	a = ask_start(plant.loop, plant.socket, "query", buf_slice(&args));
	while (!sessions_counters(plant.sessions)->queries)
		ev_run(plant.loop, EVRUN_ONCE);
	ask_stop(a);
	buf_done(&args);
	plant_run(&plant, 1000);
	run("status", NULL);
	expect_has("\"nodes_alive\":1");
}

static void
a_node_that_goes_while_it_is_asked_is_told(void **state)
{
	struct asker *a;

	(void)state;
	robot_join(&robot);
	buf_init(&args, 500);
	wr_map(&args, 1);
	wr_key_text(&args, "expression", "node_load1");
	a = ask_start(plant.loop, plant.socket, "query", buf_slice(&args));
	while (!sessions_counters(plant.sessions)->queries)
		ev_run(plant.loop, EVRUN_ONCE);
	robot_drop(&robot);
	assert_non_null(strstr(
	    ask_wait(a, 9), "\"unknown\":\"no answer: closed\",\"series\":[]}\nend\n"));
	ask_stop(a);
	buf_done(&args);
}

/* --- services -------------------------------------------------------------------------------------------- */
#define SERVICE "service: video\nfunctions:\n  - name: decode\n    host: robot\n"

static void
a_service_is_applied_and_named(void **state)
{
	(void)state;
	run("apply", "yaml", SERVICE, "file", "video.yaml", NULL);
	assert_string_equal(
	    answer, "{\"service\":\"video\",\"result\":\"applied\"}\nend\n");
	plant_judge.done_err = -EIO;
	run("apply", "yaml", SERVICE, "file", "video.yaml", NULL);
	expect_has("refused 1: video was not stored");
}

static void
a_wrong_service_is_refused_with_all_that_is_wrong(void **state) /* PLN-10 */
{
	(void)state;
	run("apply", "yaml", "service: a b\nfunktions: []\n", "file", "video.yaml", NULL);
	expect_has("refused 1: video.yaml:");
	plant_judge.apply_err = -EINVAL;
	run("apply", "yaml", SERVICE, "file", "video.yaml", NULL);
	assert_string_equal(
	    answer, "refused 1: video.yaml:3:7: hook: there is no hook moon\n\n");
	run("apply", NULL);
	expect_has("refused 1: service: no text");
}

static void
a_service_is_removed_by_name(void **state)
{
	(void)state;
	run("remove", "service", "audio", NULL);
	expect_has("refused 1: there is no service audio");
	run("remove", "service", "video", NULL);
	assert_string_equal(
	    answer, "{\"service\":\"video\",\"result\":\"removed\"}\nend\n");
	run("remove", NULL);
	expect_has("refused 2: which service?");
}

static void
a_person_may_say_where_a_function_is(void **state)
{
	(void)state;
	run("place", "service", "video", "function", "decode", "node", "robot", NULL);
	assert_string_equal(answer,
	    "{\"service\":\"video\",\"function\":\"decode\",\"node\":\"robot\","
	    "\"result\":\"placed\"}\nend\n");
	run("place", "service", "video", "function", "decode", "node", "moon", NULL);
	expect_has("refused 1: there is no node moon");
	run("place", "service", "video", "node", "robot", NULL);
	expect_has("refused 1: there is no function video/");
}

static void
a_person_may_move_a_function_or_try_it(void **state)
{
	(void)state;
	run("migrate", "service", "video", "function", "decode", "to", "B", NULL);
	assert_string_equal(answer,
	    "{\"service\":\"video\",\"function\":\"decode\",\"from\":\"robot\","
	    "\"to\":\"B\",\"dry_run\":false,\"result\":\"done\",\"detail\":null}\nend\n");
	run("migrate", "service", "video", "function", "decode", "to", "full", NULL);
	expect_has("\"result\":\"refused\"");
	expect_has("refused 1: video/decode: refused");
	run("migrate", "service", "video", "function", "decode", "to", "busy", NULL);
	expect_has("refused 1: video/decode: it is being moved already");
	run("migrate", "service", "video", "function", "decode", "to", "moon", NULL);
	expect_has("refused 1: there is no node moon");
	run("migrate", "service", "video", "function", "encode", NULL);
	expect_has("refused 1: there is no function video/encode");
}

static void
the_judge_shows_its_own(void **state)
{
	(void)state;
	robot_join(&robot);
	assert_string_equal(run("services", NULL), "{\"services\":\"\"}\nend\n");
	assert_string_equal(run("plan show", NULL), "{\"plan\":\"\"}\nend\n");
	assert_string_equal(
	    run("plan show", "node", "01000000", NULL), "{\"plan\":\"robot\"}\nend\n");
	run("plan show", "node", "nobody", NULL);
	expect_has("refused 1: there is no node nobody");
	assert_string_equal(run("predictions", "service", "video", NULL),
	    "{\"predictions\":\"video\"}\nend\n");
	assert_string_equal(
	    run("candidates", "service", "video", "function", "decode", NULL),
	    "{\"video\":\"decode\"}\nend\n");
	assert_string_equal(run("migrations", NULL), "{\"migrations\":\"\"}\nend\n");
}

/* --- the daemon ------------------------------------------------------------------------------------------ */
static void
events_are_shown(void **state)
{
	(void)state;
	robot_join(&robot);
	store_flush(plant.store);
	run("events", NULL);
	expect_has("\"kind\":\"node.joined\",\"node\":\"robot\"");
}

static void
history_is_shown(void **state) /* OUT-04 */
{
	(void)state;
	robot_join(&robot);
	robot_report(&robot, 7, 1, 1, 0);
	plant_run(&plant, 100);
	run("history", "node", "robot", NULL);
	assert_string_equal(without_times(),
	    "{\"node\":\"robot\",\"expression\":\"load\",\"labels\":{},\"time\":\"T\","
	    "\"value\":7}"
	    "\nend\n");
	assert_string_equal(
	    run("history", "node", "robot", "expression", "other", NULL), "end\n");
	run("history", "node", "nobody", NULL);
	expect_has("refused 1: there is no node nobody");
}

static void
the_controller_tells_how_it_is(void **state)
{
	(void)state;
	robot_join(&robot);
	run("status", NULL);
	expect_has("{\"role\":\"controller\",\"name\":\"edge\","
		   "\"id\":\"c0000000000000000000000000000000\",\"domain\":\"plant\"");
	expect_has("\"epoch\":1,");
	expect_has(
	    "\"nodes_alive\":1,\"nodes_suspect\":0,\"nodes_lost\":0,\"heartbeat_s\":2");
	run("counters", NULL);
	expect_has("\"registrations\":1,");
	run("limits", NULL);
	expect_has("{\"limit\":\"links of nodes\",\"used\":1,\"max\":512}");
	run("show config", NULL);
	assert_string_equal(
	    answer, "\"domain: plant\"\n\"log:\"\n\"  level: info\"\nend\n");
}

static void
each_command_has_a_role_and_help(void **state) /* SEC-10 */
{
	(void)state;
	for (size_t i = 0; i < controller_commands_len; i++) {
		const struct ctl_command *c = &controller_commands[i];

		assert_in_range(c->role, CTL_VIEWER, CTL_ADMIN);
		assert_true(strlen(c->help) > 8);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(c->name, controller_commands[k].name);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nodes_are_listed_with_what_matters),
		CASE(a_node_is_shown_with_all_that_it_told),
		CASE(a_node_is_released_from_quarantine_by_an_operator_S_18),
		CASE(a_query_is_answered_with_value_unit_time_and_age),
		CASE(a_node_that_knows_nothing_says_why),
		CASE(all_nodes_are_asked_at_once),
		CASE(who_is_not_there_cannot_be_asked),
		CASE(a_wrong_expression_is_refused_with_the_column),
		CASE(an_answer_in_flight_is_forgotten_when_the_client_goes),
		CASE(a_node_that_goes_while_it_is_asked_is_told),
		CASE(a_service_is_applied_and_named),
		CASE(a_wrong_service_is_refused_with_all_that_is_wrong),
		CASE(a_service_is_removed_by_name),
		CASE(a_person_may_say_where_a_function_is),
		CASE(a_person_may_move_a_function_or_try_it),
		CASE(the_judge_shows_its_own),
		CASE(events_are_shown),
		CASE(history_is_shown),
		CASE(the_controller_tells_how_it_is),
		TEST(each_command_has_a_role_and_help),
	};

	log_open("test_commands", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
