/* SPDX-License-Identifier: Apache-2.0
 *
 * The exec hook with real programs on the real host and spawner: what they may say, and all the
 * ways in which they misbehave. */
#include "tests/support/hook_bench.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
open_bench(void **state)
{
	static struct bench b;

	bench_open(&b);
	*state = &b;
	return 0;
}

static int
close_bench(void **state)
{
	bench_close(*state);
	return 0;
}

/* A hook "h" that runs a script of these lines. */
static void
make_hook(struct bench *b, const char *lines)
{
	char yaml[1024];

	snprintf(yaml, sizeof yaml, "h: {type: exec, argv: ['%s', 'one', 'a b']}\n",
	    bench_script(b, "program", lines));
	if (bench_hooks(b, yaml, NULL, NULL) < 0)
		fail_msg("%s", b->complaints);
}

static void
run_script(struct bench *b, const char *lines, struct bench_call *c)
{
	struct hook_event ev = bench_event("id1");

	make_hook(b, lines);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, c), 0);
	bench_wait(b, c);
	assert_int_equal(c->dones, 1);
}

static bool
has_phase(void *arg)
{
	return *((struct bench_call *)arg)->phases;
}

/* --- good manners ------------------------------------------------------------------------------- */

static void
the_event_comes_as_one_line_on_stdin(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	const char *line;

	run_script(b, "cat > \"${0%/*}/input\"\n", &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	line = bench_read(b, "input");
	assert_memory_equal(line, "{\"abi\":1,\"id\":\"id1\",", 20);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_non_null(strstr(line, "\"generation\":7"));
}

static void
the_environment_is_ours_and_nothing_else(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;
	char yaml[1024];

	setenv("SECRET", "of the controller", 1);
	snprintf(yaml, sizeof yaml,
	    "h: {type: exec, argv: ['%s'], env: {KUBECONFIG: /etc/k}}\n",
	    bench_script(b, "program",
		"/usr/bin/env | grep -vE '^(PWD|SHLVL|_)=' | sort > \"${0%/*}/env\"\n"));
	assert_int_equal(bench_hooks(b, yaml, NULL, NULL), 0);
	ev.dry_run = true;
	assert_int_equal(bench_start(b, "h", &ev, true, HOOK_TARGET_READY, &c), 0);
	bench_wait(b, &c);
	assert_string_equal(bench_read(b, "env"),
	    "FOG_DRY_RUN=1\nFOG_FUNCTION=f\nFOG_GENERATION=7\nFOG_ID=id1\nFOG_KIND="
	    "migrate\n"
	    "FOG_REASON=node_load1 < "
	    "4\nFOG_RESUME=target_ready\nFOG_REV=1\nFOG_SERVICE=s\nFOG_SOURCE=A\n"
	    "FOG_STAGE=commit\nFOG_TARGET=C\nKUBECONFIG=/etc/k\n"
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static void
arguments_arrive_as_they_are(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b, "printf '%s|' \"$@\" > \"${0%/*}/args\"\n", &c);
	assert_string_equal(bench_read(b, "args"), "one|a b|");
}

static void
exit_codes_are_verdicts(void **state)
{
	static const struct {
		int code;
		enum hook_verdict verdict;
		const char *detail;
	} codes[] = { { 0, HOOK_DONE, "" }, { 3, HOOK_ALREADY, "" },
		{ 65, HOOK_REFUSED, "" }, { 70, HOOK_FAILED_CLEAN, "" },
		{ 75, HOOK_RETRY, "" }, { 77, HOOK_FENCED, "" },
		{ 1, HOOK_FAILED_UNKNOWN, "exited with 1" },
		{ 255, HOOK_FAILED_UNKNOWN, "exited with 255" } };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		struct bench_call c;
		char lines[32];

		snprintf(lines, sizeof lines, "exit %d\n", codes[i].code);
		run_script(b, lines, &c);
		assert_int_equal(c.verdict, codes[i].verdict);
		assert_string_equal(c.detail, codes[i].detail);
	}
}

static void
phases_and_a_verdict_are_lines(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b,
	    "echo phase target_starting\n"
	    "echo phase target_ready in 2 s\n"
	    "echo verdict refused the policy says no\n",
	    &c);
	assert_string_equal(c.phases, "target_starting() target_ready(in 2 s) ");
	assert_int_equal(c.verdict, HOOK_REFUSED);
	assert_string_equal(c.detail, "the policy says no");
}

static void
a_program_in_good_time_hears_of_cancelling(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	make_hook(b,
	    "trap 'exit 70' TERM\necho phase accepted\nwhile :; do sleep 0.05; done\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_run_until(b, has_phase, &c);
	hook_call_cancel(c.call);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_CANCELLED);
}

/* --- bad manners ------------------------------------------------------------------------------- */

static void
a_mebibyte_without_a_newline_is_cut(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b,
	    "head -c 1048576 /dev/zero | tr '\\0' x\n"
	    "echo\necho phase switched after all\nexit 3\n",
	    &c);
	assert_int_equal(c.verdict, HOOK_ALREADY);
	assert_string_equal(c.phases, "switched(after all) ");
}

static void
stdout_closed_early_is_no_end(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b, "exec 1>&- 2>&-\ncat > /dev/null\nexit 65\n", &c);
	assert_int_equal(c.verdict, HOOK_REFUSED);
}

static void
who_ignores_sigterm_is_killed(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	make_hook(b, "trap '' TERM\necho phase accepted\nwhile :; do sleep 0.05; done\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_run_until(b, has_phase, &c);
	bench_pass(b, 15000); /* the deadline */
	bench_pass(b, 2000);  /* SIGTERM becomes SIGKILL */
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
	assert_string_equal(c.detail, "ended by signal 9");
}

static void
ended_by_sigterm_before_it_did_anything_is_cancelled(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	make_hook(b, "echo phase accepted\nwhile :; do sleep 0.05; done\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_run_until(b, has_phase, &c);
	hook_call_cancel(c.call);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_CANCELLED);
	make_hook(b, "echo phase target_starting\nwhile :; do sleep 0.05; done\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_run_until(b, has_phase, &c);
	hook_call_cancel(c.call);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
}

static void
a_grandchild_holds_nobody_up(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b, "sleep 60 &\necho phase switched\nexit 0\n", &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	assert_string_equal(c.phases, "switched() ");
}

static void
an_input_that_nobody_reads_is_no_fault(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;
	char *evidence = malloc(200001);

	assert_non_null(evidence);
	memset(evidence, ' ', 200000);
	memcpy(evidence, "{}", 2);
	evidence[200000] = '\0';
	ev.evidence_json = evidence;
	make_hook(b, "exec 0<&-\nexit 3\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_ALREADY);
	free(evidence);
}

static void
a_signal_leaves_the_outcome_unknown(void **state) /* such as the OOM killer's */
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b, "echo phase switched\nkill -9 $$\n", &c);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
	assert_string_equal(c.detail, "ended by signal 9");
}

static void
a_contradiction_is_not_believed(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b, "echo verdict done\nexit 70\n", &c);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
	assert_string_equal(c.detail, "it said done but exited with 70");
	run_script(b, "echo verdict failed_clean all undone\nexit 70\n", &c);
	assert_int_equal(c.verdict, HOOK_FAILED_CLEAN);
	assert_string_equal(c.detail, "all undone");
}

static void
babble_is_not_taken_for_phases(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	run_script(b,
	    "echo phase\necho phase nonsense\necho phases switched\necho ' phase "
	    "switched'\n"
	    "echo verdict\necho verdict maybe\nprintf 'phase "
	    "\\0switched\\n\\377\\376\\n'\n"
	    "echo phase switched >&2\n",
	    &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	assert_string_equal(c.phases, "");
}

static void
a_program_that_went_away_has_done_nothing(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;
	char path[512];

	make_hook(b, "exit 0\n");
	snprintf(path, sizeof path, "%s/program", b->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_FAILED_CLEAN);
	assert_non_null(
	    strstr(c.detail, "could not be started: No such file or directory"));
}

static void
two_hundred_at_once_all_come_to_an_end(void **state)
{
	struct bench *b = *state;
	static struct bench_call c[200];
	struct hook_event ev = bench_event("id1");
	const char *path = bench_script(b, "program", "read line\nexit 3\n");
	struct buf yaml;

	buf_init(&yaml, 65536);
	for (int i = 0; i < 50; i++)
		buf_printf(&yaml, "h%d: {type: exec, argv: ['%s']}\n", i, path);
	assert_int_equal(bench_hooks(b, buf_text(&yaml), NULL, NULL), 0);
	buf_done(&yaml);
	for (int i = 0; i < 200; i++) {
		char hook[8], function[16];

		snprintf(hook, sizeof hook, "h%d", i / 4);
		snprintf(function, sizeof function, "s/f%d", i % 4);
		ev.instance = function;
		assert_int_equal(bench_start(b, hook, &ev, false, 0, &c[i]), 0);
	}
	for (int i = 0; i < 200; i++) {
		bench_wait(b, &c[i]);
		assert_int_equal(c[i].verdict, HOOK_ALREADY);
	}
}

/* --- configuration and checks ------------------------------------------------------------------ */

static void
a_configuration_that_cannot_work_is_refused(void **state)
{
	static const struct {
		const char *yaml, *complaint;
	} cases[] = {
		{ "h: {type: exec}\n",
		    "c.yaml:1:1: h: argv: a program by its absolute path is needed\n" },
		{ "h: {type: exec, argv: [bin/x]}\n",
		    "c.yaml:1:1: h: argv: a program by its absolute path is needed\n" },
		{ "h: {type: exec, argv: [/nowhere/x]}\n",
		    "c.yaml:1:1: h: argv: /nowhere/x: No such file or directory\n" },
		{ "h: {type: exec, argv: /bin/sh}\n",
		    "c.yaml:1:1: h: argv: must be a list\n" },
		{ "h: {type: exec, argv: [/bin/sh], env: {'A=B': c}}\n",
		    "c.yaml:1:1: h: env: A=B is not the name of a variable\n" },
		{ "h: {type: exec, args: [/bin/sh]}\n",
		    "c.yaml:1:1: h: args: unknown; the nearest known name is argv\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(bench_hooks(b, cases[i].yaml, NULL, NULL), -EINVAL);
		assert_string_equal(b->complaints, cases[i].complaint);
	}
}

static void
a_move_to_nowhere_or_to_itself_is_refused(void **state)
{
	static const char *const same[] = { "A" };
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	make_hook(b, "exit 0\n");
	ev.candidates = same;
	ev.candidates_len = 1;
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), -EINVAL);
	assert_string_equal(c.error, "source and target are both A");
	ev.candidates_len = 0;
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), -EINVAL);
	assert_string_equal(c.error, "no target");
}

int
main(void)
{
#define ON_BENCH(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		ON_BENCH(the_event_comes_as_one_line_on_stdin),
		ON_BENCH(the_environment_is_ours_and_nothing_else),
		ON_BENCH(arguments_arrive_as_they_are),
		ON_BENCH(exit_codes_are_verdicts),
		ON_BENCH(phases_and_a_verdict_are_lines),
		ON_BENCH(a_program_in_good_time_hears_of_cancelling),
		ON_BENCH(a_mebibyte_without_a_newline_is_cut),
		ON_BENCH(stdout_closed_early_is_no_end),
		ON_BENCH(who_ignores_sigterm_is_killed),
		ON_BENCH(ended_by_sigterm_before_it_did_anything_is_cancelled),
		ON_BENCH(a_grandchild_holds_nobody_up),
		ON_BENCH(an_input_that_nobody_reads_is_no_fault),
		ON_BENCH(a_signal_leaves_the_outcome_unknown),
		ON_BENCH(a_contradiction_is_not_believed),
		ON_BENCH(babble_is_not_taken_for_phases),
		ON_BENCH(a_program_that_went_away_has_done_nothing),
		ON_BENCH(two_hundred_at_once_all_come_to_an_end),
		ON_BENCH(a_configuration_that_cannot_work_is_refused),
		ON_BENCH(a_move_to_nowhere_or_to_itself_is_refused),
	};
	int rc;

	bench_start_spawner();
	rc = RUN_TESTS(tests, NULL, NULL);
	bench_stop_spawner();
	return rc;
}
