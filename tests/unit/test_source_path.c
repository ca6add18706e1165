/* SPDX-License-Identifier: Apache-2.0 */
#define source_path source_path_here
#include "metrics/source_path.c"
#include "metrics/sampler.h"
#include "tests/support/capture.h"
#include "tests/support/program.h"
#include <poll.h>

static char *keys[] = { (char *)"here", (char *)"there", (char *)"group" };
static char *values[] = { (char *)"::1", (char *)"127.0.0.1", (char *)"ff02::1" };
static const struct conf_map names = { keys, values, 3 };
static const struct source_env env = { .proc = "/proc", .sys = "/sys", .paths = &names };

static void
ask_for(struct paths *p, const char *expression, int64_t until_ms)
{
	struct slice program = program_of(expression);
	struct expr_step step;
	struct cbor_reader r;

	rd_init(&r, program, EXPR_PROGRAM_MAX);
	rd_enter_array(&r);
	expr_step_decode(&r, &step);
	path_ask(p, &step, until_ms);
}

static struct paths *
new_paths(void)
{
	void *inst;

	assert_int_equal(source_path.open(&env, &inst), 0);
	return inst;
}

/* MET-06: by a name, by an address, or all that are configured. */
static void
peers_are_those_that_somebody_asks_for_MET_06(void **state)
{
	struct paths *p = new_paths();

	(void)state;
	ask_for(p, "node_path_up{peer=\"here\"}", INT64_MAX);
	ask_for(p, "node_path_up{peer=\"2001:db8::7\"}", 5000);
	ask_for(p, "node_path_loss_ratio{peer=\"nobody\"}", INT64_MAX);
	ask_for(p, "node_path_loss_ratio{peer=\"ff02::1\"}", INT64_MAX);
	ask_for(p, "node_path_loss_ratio{peer=\"::\"}", INT64_MAX);
	assert_int_equal(p->len, 2);
	assert_string_equal(p->peer[0]->name, "here");
	assert_string_equal(p->peer[1]->name, "2001:db8::7");
	ask_for(p, "node_path_probe_bytes_total", INT64_MAX); /* is not of a peer */
	assert_int_equal(p->len, 2);
	ask_for(p, "node_path_up{peer!=\"here\"}", INT64_MAX); /* all but the group */
	assert_int_equal(p->len, 3);
	path_ask(p, NULL, 0);
	drop_unwanted(p, 4999);
	assert_int_equal(p->len, 1); /* of the query */
	drop_unwanted(p, 5000);
	assert_int_equal(p->len, 0);
	source_path.close(p);
}

static void
the_number_of_peers_is_bounded(void **state)
{
	struct paths *p = new_paths();
	char text[80];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "node_path_up{peer=\"2001:db8::%x\"}", i + 1);
		ask_for(p, text, INT64_MAX);
	}
	assert_int_equal(p->len, PEERS_MAX);
	source_path.close(p);
}

static bool
may_echo(void)
{
	struct echo e;
	int err = echo_open(&e);

	if (err == 0)
		echo_close(&e);
	return err == 0;
}

static void
wait_for_answers(struct paths *p)
{
	struct pollfd fd[2] = { { .fd = p->echo.fd[0], .events = POLLIN },
		{ .fd = p->echo.fd[1], .events = POLLIN } };

	assert_true(poll(&fd[0], 1, 5000) == 1);
	assert_true(poll(&fd[1], 1, 5000) == 1);
}

static void
a_probe_is_told_of_at_the_next_sample_MET_06(void **state)
{
	struct paths *p = new_paths();
	struct capture c;
	double v;

	(void)state;
	if (!may_echo()) {
		source_path.close(p);
		skip(); /* neither ping_group_range nor CAP_NET_RAW */
	}
	ask_for(p, "node_path_up", INT64_MAX);
	assert_int_equal(capture_sample(&c, &source_path, p, 0), 0);
	assert_int_equal(capture_count(&c, "node_path_up"), 0);
	wait_for_answers(p);
	for (unsigned i = 0; i < 2; i++) {
		const char *labels = i ? "{peer=\"there\"}" : "{peer=\"here\"}";

		if (i == 0)
			assert_int_equal(capture_sample(&c, &source_path, p, 500), 0);
		v = capture_get(&c, "node_path_round_trip_seconds", labels);
		assert_true(v > 0 && v < 1);
		assert_value(&c, "node_path_up", labels, 1);
		assert_value(&c, "node_path_loss_ratio", labels, 0);
		assert_value(&c, "node_path_probes_total", labels, 1);
		assert_value(&c, "node_path_answers_total", labels, 1);
	}
	/* 2 × (56 + 36) for the second round as well */
	assert_value(&c, "node_path_probe_bytes_total", "", 368);
	source_path.close(p);
}

/* 20 peers of 112 bytes a second would be 2240. */
static void
probes_stay_within_the_budget_and_everybody_has_a_turn(void **state)
{
	const struct source_env small = {
		.proc = "/proc", .sys = "/sys", .path_budget = 112
	};
	struct paths *p;
	struct capture c;
	char text[80];
	void *inst;

	(void)state;
	if (!may_echo())
		skip();
	assert_int_equal(source_path.open(&small, &inst), 0);
	p = inst;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "node_path_up{peer=\"127.0.1.%u\"}", i + 1);
		ask_for(p, text, INT64_MAX);
	}
	for (int64_t ms = 0; ms <= 100000; ms += 1000)
		assert_int_equal(capture_sample(&c, &source_path, p, ms), 0);
	assert_true(p->bytes <= 112 * 101 && p->bytes >= 112 * 99);
	for (unsigned i = 0; i < 20; i++) /* 157 probes of 72 bytes, fairly */
		assert_in_range(p->peer[i]->path.sent, 7, 8);
	source_path.close(p);
}

/* What is wanted by name through the sampler comes to the source. */
static void
the_sampler_tells_which_peers_are_wanted(void **state)
{
	struct sampler *s = NULL;
	struct expr_result r;
	struct want *w;
	char err[128];

	(void)state;
	if (!may_echo())
		skip();
	assert_int_equal(sampler_new(&env, 65536, &s), 0);
	assert_int_equal(
	    sampler_want(s, program_of("node_path_probes_total{peer=\"::1\"}"), 1000,
		INT64_MAX, err, sizeof err, &w),
	    0);
	for (int64_t ms = 1000; ms <= 3000; ms += 1000)
		sampler_run(s, ms);
	assert_int_equal(
	    sampler_eval(s, program_of("node_path_probes_total"), 3000, &r), 0);
	assert_int_equal(r.len, 1);
	assert_string_equal(metric_labels_get(&r.value[0].labels, "peer"), "::1");
	assert_true(r.value[0].value == 2); /* told before the third is sent */
	expr_result_done(&r);
	assert_int_equal(
	    sampler_query(
		s, program_of("node_path_probes_total{peer=\"there\"}"), 3100, &r),
	    0);
	expr_result_done(&r);
	sampler_run(s, 4000);
	assert_int_equal(
	    sampler_eval(s, program_of("node_path_probes_total"), 4000, &r), 0);
	assert_int_equal(r.len, 2); /* the query's peer beside the wanted one */
	expr_result_done(&r);
	sampler_unwant(w);
	for (int64_t ms = 5000; ms <= 12000; ms += 1000)
		sampler_run(s, ms);
	assert_int_equal(
	    sampler_eval(s, program_of("node_path_probes_total"), 12000, &r), 0);
	assert_int_equal(r.len, 1); /* until the query's time is over, too */
	assert_string_equal(metric_labels_get(&r.value[0].labels, "peer"), "there");
	expr_result_done(&r);
	sampler_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(peers_are_those_that_somebody_asks_for_MET_06),
		TEST(the_number_of_peers_is_bounded),
		TEST(a_probe_is_told_of_at_the_next_sample_MET_06),
		TEST(probes_stay_within_the_budget_and_everybody_has_a_turn),
		TEST(the_sampler_tells_which_peers_are_wanted),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
