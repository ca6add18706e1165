/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/event_json.h"
#include "tests/support/test.h"
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = { "C", "B" }, *const addresses[] = { "fd00::c", "" };

static struct hook_event
whole_event(void)
{
	return (struct hook_event){ .size = sizeof(struct hook_event),
		.id = "00112233445566778899aabbccddeeff",
		.rev = 3,
		.kind = HOOK_MIGRATE,
		.stage = HOOK_COMMIT,
		.stateful = true,
		.service = "delivery",
		.function = "F1",
		.instance = "delivery/F1",
		.generation = UINT64_MAX,
		.source = "A",
		.source_address = "fd00::a",
		.addresses = addresses,
		.candidates = names,
		.candidates_len = 2,
		.reason = "load \"high\"\n\x01 \xc3\xa4 \xff",
		.probability = 0.93,
		.due_ms = 1700000000123,
		.deadline_ms = 15000,
		.drain_ms = 500,
		.evidence_json = "{\"value\":\n3.25}" };
}

static void
every_field_stands_in_one_line(void **state)
{
	struct hook_event ev = whole_event();
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	hook_event_json(&ev, HOOK_TARGET_READY, &b);
	assert_int_equal(b.err, 0);
	assert_string_equal(buf_text(&b),
	    "{\"abi\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"rev\":3,"
	    "\"kind\":\"migrate\",\"stage\":\"commit\",\"dry_run\":false,\"stateful\":"
	    "true,"
	    "\"exclusive\":false,\"break_ok\":false,\"service\":\"delivery\","
	    "\"function\":\"F1\","
	    "\"instance\":\"delivery/F1\",\"generation\":18446744073709551615,"
	    "\"source\":\"A\",\"source_address\":\"fd00::a\",\"target\":\"C\","
	    "\"candidates\":[\"C\",\"B\"],\"addresses\":[\"fd00::c\",\"\"],"
	    "\"reason\":\"load \\\"high\\\"\\n\\u0001 \xc3\xa4 \xef\xbf\xbd\","
	    "\"probability\":0.93,\"due_ms\":1700000000123,\"deadline_ms\":15000,"
	    "\"drain_ms\":500,\"evidence\":{\"value\": 3.25},"
	    "\"resume\":\"target_ready\"}\n");
	buf_done(&b);
}

static void
what_is_not_there_is_null(void **state)
{
	struct hook_event ev = { .size = sizeof ev,
		.kind = HOOK_NODE_LOST,
		.stage = HOOK_PREPARE,
		.probability = NAN };
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	hook_event_json(&ev, 0, &b);
	assert_non_null(
	    strstr(buf_text(&b), "\"kind\":\"node_lost\",\"stage\":\"prepare\""));
	assert_non_null(strstr(buf_text(&b),
	    "\"source\":null,\"source_address\":null,\"target\":null,\"candidates\":[],"
	    "\"addresses\":[]"));
	assert_non_null(strstr(buf_text(&b), "\"probability\":null"));
	assert_non_null(strstr(buf_text(&b), "\"evidence\":null"));
	assert_non_null(strstr(buf_text(&b), "\"resume\":null"));
	buf_done(&b);
}

static void
too_long_an_event_is_an_error(void **state)
{
	struct hook_event ev = whole_event();
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	hook_event_json(&ev, 0, &b);
	assert_int_not_equal(b.err, 0);
	buf_done(&b);
}

/* A reader that is not ours. */
static void
python_reads_it(void **state)
{
	static const char program[] =
	    "import json, sys\n"
	    "lines = sys.stdin.buffer.read().decode().splitlines()\n"
	    "e = json.loads(lines[0])\n"
	    "sys.exit(0 if len(lines) == 1 and e['generation'] == 2**64 - 1 and\n"
	    "    e['reason'].startswith('load \"high\"\\n\\x01') and\n"
	    "    e['evidence'] == {'value': 3.25} and e['candidates'] == ['C', 'B'] else "
	    "1)\n";
	struct hook_event ev = whole_event();
	int ends[2], status;
	struct buf b;
	pid_t pid;

	(void)state;
	if (access("/usr/bin/python3", X_OK) < 0)
		skip();
	buf_init(&b, 65536);
	hook_event_json(&ev, 0, &b);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(ends[0], 0);
		close(ends[0]);
		close(ends[1]);
		execl("/usr/bin/python3", "python3", "-c", program, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	assert_int_equal(write(ends[1], b.data, b.pos), b.pos);
	close(ends[1]);
	buf_done(&b);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
words_and_numbers_go_both_ways(void **state)
{
	(void)state;
	for (int p = HOOK_ACCEPTED; p <= HOOK_SOURCE_DRAINED; p++)
		assert_int_equal(hook_phase_find(hook_phase_name((enum hook_phase)p)), p);
	for (int v = HOOK_DONE; v <= HOOK_FENCED; v++)
		assert_int_equal(
		    hook_verdict_find(hook_verdict_name((enum hook_verdict)v)), v);
	for (int k = HOOK_MIGRATE; k <= HOOK_PREDICTION_CLEARED; k++)
		assert_true(*hook_kind_name((enum hook_kind)k));
	assert_string_equal(hook_verdict_name((enum hook_verdict)77), "");
	assert_string_equal(hook_phase_name((enum hook_phase) - 1), "");
	assert_int_equal(hook_phase_find("ready"), 0);
	assert_int_equal(hook_verdict_find(""), 0);
}

static void
types_are_found_by_name(void **state)
{
	(void)state;
	assert_non_null(hook_type_find("exec"));
	assert_non_null(hook_type_find("log"));
	assert_null(hook_type_find("rumour"));
	for (const struct hook_type *const *t = hook_types; *t; t++) {
		assert_int_equal((*t)->abi, HOOK_ABI);
		assert_true((*t)->name && (*t)->help && (*t)->open && (*t)->check &&
		    (*t)->start && (*t)->cancel && (*t)->close);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_field_stands_in_one_line),
		TEST(what_is_not_there_is_null),
		TEST(too_long_an_event_is_an_error),
		TEST(python_reads_it),
		TEST(words_and_numbers_go_both_ways),
		TEST(types_are_found_by_name),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
