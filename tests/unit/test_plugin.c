/* SPDX-License-Identifier: Apache-2.0
 *
 * Plug-ins are real programs here, started by a real spawner; time is virtual, so that nobody waits
 * for a time-out. */
#include "agent/plugin.h"

#include <config.h> /* the build's, not ours */
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/io_fake.h"
#include "tests/support/sampler.h"

#define DEADLINE_S 20.0 /* only a failure takes so long */

static const struct source_env nowhere = { .proc = "/nonexistent",
	.sys = "/nonexistent" };
static struct ev_loop *loop;

static struct fake_net *net;
static struct grasp_io *io;
static struct spawner *spawner;
static struct sampler *sampler;
static struct plugins *plugins;
static struct plugin_config *cfg;
static size_t cfg_len;
static struct plugin_status status;

static int64_t
now(void *arg)
{
	(void)arg;
	return grasp_io_now(io);
}

static char complaints[2000];

static void
load(const char *yaml)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	struct complaints c;

	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text(yaml), "agent.yaml", &c, &doc), 0);
	plugin_config_load(yaml_root(doc), &c, &cfg, &cfg_len);
	snprintf(complaints, sizeof complaints, "%s", buf_text(&c.text));
	complaints_done(&c);
}

/* A plug-in "p" that is this script; more: further options. */
static void
open_plugin(const char *script, const char *more)
{
	char yaml[2000];

	snprintf(yaml, sizeof yaml,
	    "- name: p\n  command: [/bin/sh, -c, '%s']\n  address-space: 64GiB\n%s",
	    script, more);
	load(yaml);
	assert_string_equal(complaints, "");
	net = fake_net_new(1);
	fake_net_capture(net, false);
	io = fake_host_io(fake_host_new(net));
	loop = ev_loop_new(EVFLAG_AUTO);
	assert_int_equal(plugin_spawner_start(cfg, cfg_len, &spawner), 0);
	assert_int_equal(spawner_attach(spawner, loop), 0);
	sampler = new_sampler(&nowhere);
	sampler_set_clock(sampler, now, NULL);
	assert_int_equal(plugins_new(io, spawner, sampler, cfg, cfg_len, &plugins), 0);
}

static int
close_plugin(void **state)
{
	(void)state;
	if (plugins) {
		plugins_free(TAKE(plugins));
		sampler_free(sampler);
		spawner_stop(spawner);
		ev_loop_destroy(loop);
		fake_net_free(net);
	}
	plugin_config_free(TAKE(cfg), cfg_len);
	return 0;
}

/* --- time ----------------------------------------------------------------------------------- */
static void
on_tick(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l, (void)w, (void)events;
}

static const struct plugin_status *
look(void)
{
	plugin_status(plugins_at(plugins, 0), &status);
	return &status;
}

/* Lets the programs run while virtual time stands still. */
#define RUN_UNTIL(condition)                                                             \
	do {                                                                             \
		ev_timer tick;                                                           \
		ev_tstamp end = ev_time() + DEADLINE_S;                                  \
		ev_timer_init(&tick, on_tick, 0.01, 0.01);                               \
		ev_timer_start(loop, &tick);                                             \
		while (!(look(), (condition)) && ev_time() < end)                        \
			ev_run(loop, EVRUN_ONCE);                                        \
		ev_timer_stop(loop, &tick);                                              \
		if (!(condition))                                                        \
			fail_msg("line %d: %s; state %s, error %s, refused %s, said %s", \
			    __LINE__, #condition, plugin_state_name(status.state),       \
			    status.error, status.why_refused,                            \
			    status.said[0] ? status.said[0] : "");                       \
	} while (0)

static void
pass(int64_t ms)
{
	fake_run(net, ms);
	sampler_run(sampler, now(NULL));
}

static struct want *
want_it(const char *metric)
{
	struct want *w = want(sampler, metric, 1000, INT64_MAX);

	sampler_run(sampler, now(NULL));
	return w;
}

static void
check_now(const char *text, double value)
{
	check_value(sampler, text, now(NULL), value);
}

#define COUNTING "i=0; while read -r _; do i=$((i+1)); echo \"p,part=x a=$i,b=2\"; done"

/* --- contract ------------------------------------------------------------------------------- */
static void
it_runs_while_somebody_wants_a_metric_of_it_MET_11(void **state)
{
	struct want *w;

	(void)state;
	open_plugin(COUNTING, "");
	sampler_run(sampler, now(NULL));
	assert_int_equal(look()->state, PLUGIN_IDLE);
	w = want_it("p_a");
	assert_int_equal(look()->state, PLUGIN_RUNNING);
	RUN_UNTIL(status.lines == 1);
	check_now("p_a{part=\"x\"}", 1);
	pass(1000);
	RUN_UNTIL(status.lines == 2);
	check_now("p_a", 2);
	sampler_unwant(w);
	sampler_run(sampler, now(NULL));
	pass(29000);
	assert_int_equal(look()->state, PLUGIN_RUNNING);
	pass(2000);
	RUN_UNTIL(status.state == PLUGIN_IDLE);
	assert_int_equal(status.restarts, 0);
	assert_string_equal(status.error, "");
	assert_int_equal(status.metrics, 2);
}

static void
it_is_asked_once_for_all_its_metrics(void **state)
{
	(void)state;
	open_plugin(COUNTING, "");
	want_it("p_a");
	want_it("p_b");
	RUN_UNTIL(status.lines == 1);
	pass(1000);
	RUN_UNTIL(status.lines == 2);
	check_now("p_a", 2);
	check_now("p_b", 2);
}

static void
it_is_not_asked_more_often_than_it_likes(void **state)
{
	(void)state;
	open_plugin(COUNTING, "  interval: 10s\n");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	for (int i = 0; i < 9; i++)
		pass(1000);
	check_now("p_a", 1); /* not over, although each second is wanted */
	pass(1000);
	RUN_UNTIL(status.lines == 2);
}

static void
one_that_prints_by_itself_is_not_asked(void **state)
{
	(void)state;
	open_plugin(
	    "echo p a=7; read -r x; echo p a=8; exec sleep 1000", "  signal: none\n");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	pass(60000);
	assert_int_equal(look()->state, PLUGIN_RUNNING);
	assert_int_equal(status.lines, 1);
}

static void
before_its_first_line_a_metric_is_known_without_value(void **state)
{
	struct expr_result r;

	(void)state;
	open_plugin("read -r _; exec sleep 1000", "");
	assert_true(sampler_knows(sampler, "p_anything"));
	assert_false(sampler_knows(sampler, "q_anything"));
	assert_int_equal(sampler_query(sampler, program_of("p_a"), now(NULL), &r), 0);
	assert_int_equal(r.len, 0);
	assert_string_equal(r.unknown, "plug-in p has not told it yet");
	expr_result_done(&r);
}

/* What nobody wanted was not kept. */
static void
a_metric_that_was_told_before_is_asked_for(void **state)
{
	struct expr_result r;

	(void)state;
	open_plugin(COUNTING, "");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	assert_int_equal(sampler_query(sampler, program_of("p_b"), now(NULL), &r), 0);
	assert_int_equal(r.len, 0);
	assert_string_equal(r.unknown, "plug-in p has just been asked for it");
	expr_result_done(&r);
	pass(1000);
	RUN_UNTIL(status.lines == 2);
	check_now("p_b", 2);
}

static void
a_name_of_somebody_else_gets_its_prefix_S_21(void **state)
{
	(void)state;
	open_plugin("while read -r _; do echo node load1=99; echo p value=1; done", "");
	want_it("p_node_load1");
	want_it("p");
	RUN_UNTIL(status.lines == 2);
	check_now("p_node_load1", 99);
	check_now("p", 1);
	check_unknown(sampler, "node_load1", now(NULL));
}

static void
a_string_may_have_a_newline_in_it(void **state)
{
	(void)state;
	open_plugin(
	    "while read -r _; do printf \"p s=\\\"one\\ntwo\\\",a=3\\n\"; done", "");
	want_it("p_a");
	RUN_UNTIL(status.values == 1);
	check_now("p_a", 3);
	assert_int_equal(status.refused, 0);
}

static void
the_last_lines_of_its_stderr_are_kept(void **state)
{
	(void)state;
	open_plugin(
	    "for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exec sleep 1000", "");
	want_it("p_a");
	RUN_UNTIL(status.said[4] && !strcmp(status.said[4], "line 7"));
	assert_string_equal(status.said[0], "line 3");
}

static void
its_environment_is_what_was_configured(void **state)
{
	(void)state;
	open_plugin("read -r _; echo \"p a=$A,n=$(env | grep -c =)\"; exec sleep 1000",
	    "  environment: {A: 5}\n");
	want_it("p_a");
	want_it("p_n");
	RUN_UNTIL(status.lines == 1);
	check_now("p_a", 5);
	assert_true(status.refused == 0);
}

/* --- faults --------------------------------------------------------------------------------- */
static void
one_that_ends_loses_its_series_and_begins_anew(void **state)
{
	(void)state;
	open_plugin("read -r _; echo p a=1; read -r _; exit 3", "");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	check_now("p_a", 1);
	pass(1000);
	RUN_UNTIL(status.state == PLUGIN_WAITING);
	assert_string_equal(status.error, "ended by itself with exit code 3");
	assert_in_range(status.retry_ms, 750, 1250);
	check_unknown(sampler, "p_a", now(NULL));
	pass(1250);
	RUN_UNTIL(status.lines == 2);
	assert_int_equal(status.restarts, 1);
	check_now("p_a", 1);
}

static void
attempts_are_one_to_sixty_seconds_apart(void **state)
{
	static const int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000,
		60000 };

	(void)state;
	open_plugin("exit 1", "");
	want_it("p_a");
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		RUN_UNTIL(status.state == PLUGIN_WAITING);
		assert_int_equal(status.restarts, i);
		assert_in_range(
		    status.retry_ms, expected[i] * 3 / 4, expected[i] * 5 / 4);
		pass(status.retry_ms);
	}
}

static void
one_that_does_not_answer_is_killed_S_21(void **state)
{
	(void)state;
	open_plugin(
	    "trap \"\" TERM; read -r _; echo p a=1; while :; do sleep 1000; done", "");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	pass(1000);
	pass(4000);
	assert_int_equal(look()->state, PLUGIN_RUNNING);
	pass(1500);
	RUN_UNTIL(status.state == PLUGIN_WAITING);
	assert_non_null(strstr(status.error, "has not answered within 5"));
}

static void
its_first_answer_may_take_three_times_as_long(void **state)
{
	(void)state;
	open_plugin("exec sleep 1000", "");
	want_it("p_a");
	pass(14000);
	assert_int_equal(look()->state, PLUGIN_RUNNING);
	pass(1500);
	RUN_UNTIL(status.state == PLUGIN_WAITING);
}

static void
one_that_floods_is_killed_and_read_no_further_S_21(void **state)
{
	(void)state;
	open_plugin("read -r _; echo p a=1; exec tr \"\\0\" x < /dev/zero", "");
	want_it("p_a");
	RUN_UNTIL(status.lines == 1);
	RUN_UNTIL((pass(100), look()->state) == PLUGIN_WAITING);
	assert_string_equal(
	    status.error, "printed more than 65536 bytes for one sampling");
}

static void
one_that_prints_too_many_lines_is_killed_at_once_S_21(void **state)
{
	(void)state;
	open_plugin("exec yes \"p a=1\"", "");
	want_it("p_a");
	RUN_UNTIL(status.state == PLUGIN_WAITING);
	assert_string_equal(status.error, "printed more than 512 lines for one sampling");
	assert_int_equal(status.lines, 513);
}

static void
one_that_prints_garbage_without_end_is_killed_at_once_S_21(void **state)
{
	(void)state;
	open_plugin("exec yes garbage", "");
	want_it("p_a");
	RUN_UNTIL(status.state == PLUGIN_WAITING);
	assert_non_null(strstr(status.error, "prints no line protocol: column 8"));
	assert_int_equal(status.refused, PLUGIN_REFUSED_MAX + 1);
}

static void
garbage_is_no_answer_and_is_told_S_21(void **state)
{
	(void)state;
	open_plugin("while read -r _; do echo \"{\\\"json\\\": 1}\"; done", "");
	want_it("p_a");
	RUN_UNTIL(status.refused == 1);
	assert_non_null(strstr(status.why_refused, "in \"{\"json\": 1}\""));
	pass(15000);
	RUN_UNTIL(status.state == PLUGIN_WAITING);
}

static void
made_up_labels_fill_its_own_share_only_S_21(void **state)
{
	(void)state;
	open_plugin("while read -r _; do i=0; while [ $i -lt 35 ]; do i=$((i+1)); "
		    "echo \"p,i=$i a=1\"; done; done",
	    "  series: 20\n");
	want_it("p_a");
	RUN_UNTIL(status.lines == 35);
	assert_int_equal(status.over_limit, 15);
	check_now("count(p_a)", 20);
}

static void
names_are_bounded_S_21(void **state)
{
	(void)state;
	open_plugin("while read -r _; do i=0; while [ $i -lt 600 ]; do i=$((i+1)); "
		    "echo \"p m$i=1\"; done; done",
	    "  series: 1000\n");
	want_it("p_m1");
	RUN_UNTIL(status.lines == 600);
	assert_true(status.metrics <= PLUGIN_METRICS_MAX);
	assert_true(status.left_out >= 600 - PLUGIN_METRICS_MAX);
	check_now("p_m1", 1);
}

/* --- configuration -------------------------------------------------------------------------- */
static void
what_is_wrong_in_the_configuration_is_told_with_its_place(void **state)
{
	static const struct {
		const char *yaml, *complaint;
	} cases[] = {
		{ "x", "agent.yaml:1:1: must be a list of up to 32 plug-ins" },
		{ "- x", "must be a mapping with name and command" },
		{ "- {command: [/x]}", "needs a name of a-z, 0-9 and _" },
		{ "- {name: A, command: [/x]}", "needs a name of a-z, 0-9 and _" },
		{ "- {name: a}", "has no command" },
		{ "- {name: a, command: [x]}", "\"x\" is no whole path" },
		{ "- {name: a, command: [/x], files: [b]}", "\"b\" is no whole path" },
		{ "- {name: a, command: [/x], prefix: 'a-b'}",
		    "no beginning of a metric" },
		{ "- {name: node, command: [/x]}",
		    "metrics of the agent itself begin with \"node_\"" },
		{ "- {name: a, command: [/x], prefix: n}",
		    "metrics of the agent itself" },
		{ "- {name: a, command: [/x]}\n- {name: a, command: [/x]}",
		    "comes twice" },
		{ "- {name: a, command: [/x]}\n- {name: a_b, command: [/x]}",
		    "cannot be told apart" },
		{ "- {name: a, command: [/x], signal: HUP}", "signal" },
		{ "- {name: a, command: [/x], nework: yes}", "network" },
		{ "- {name: a, command: [/x], environment: {'A=B': c}}",
		    "no name of a variable" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		load(cases[i].yaml);
		plugin_config_free(TAKE(cfg), cfg_len);
		if (!strstr(complaints, cases[i].complaint))
			fail_msg("%s: %s", cases[i].yaml, complaints);
	}
}

#define PLUGIN_TEST(f) cmocka_unit_test_teardown(f, close_plugin)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLUGIN_TEST(it_runs_while_somebody_wants_a_metric_of_it_MET_11),
		PLUGIN_TEST(it_is_asked_once_for_all_its_metrics),
		PLUGIN_TEST(it_is_not_asked_more_often_than_it_likes),
		PLUGIN_TEST(one_that_prints_by_itself_is_not_asked),
		PLUGIN_TEST(before_its_first_line_a_metric_is_known_without_value),
		PLUGIN_TEST(a_metric_that_was_told_before_is_asked_for),
		PLUGIN_TEST(a_name_of_somebody_else_gets_its_prefix_S_21),
		PLUGIN_TEST(a_string_may_have_a_newline_in_it),
		PLUGIN_TEST(the_last_lines_of_its_stderr_are_kept),
		PLUGIN_TEST(its_environment_is_what_was_configured),
		PLUGIN_TEST(one_that_ends_loses_its_series_and_begins_anew),
		PLUGIN_TEST(attempts_are_one_to_sixty_seconds_apart),
		PLUGIN_TEST(one_that_does_not_answer_is_killed_S_21),
		PLUGIN_TEST(its_first_answer_may_take_three_times_as_long),
		PLUGIN_TEST(one_that_floods_is_killed_and_read_no_further_S_21),
		PLUGIN_TEST(one_that_prints_too_many_lines_is_killed_at_once_S_21),
		PLUGIN_TEST(one_that_prints_garbage_without_end_is_killed_at_once_S_21),
		PLUGIN_TEST(garbage_is_no_answer_and_is_told_S_21),
		PLUGIN_TEST(made_up_labels_fill_its_own_share_only_S_21),
		PLUGIN_TEST(names_are_bounded_S_21),
		PLUGIN_TEST(what_is_wrong_in_the_configuration_is_told_with_its_place),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
