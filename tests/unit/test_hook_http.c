/* SPDX-License-Identifier: Apache-2.0
 *
 * The hook http in its module, on its real host, against a real server over TLS. */
#include "tests/support/orchestrator.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct orchestrator o;

static int
open_bench(void **state)
{
	static struct bench b;

	bench_open(&b);
	orchestrator_forget(&o);
	*state = &b;
	return 0;
}

static int
close_bench(void **state)
{
	bench_close(*state);
	return 0;
}

static void
expect_log(const char *text)
{
	if (!strstr(orchestrator_log(&o), text))
		fail_msg("%s is not in %s", text, orchestrator_log(&o));
}

static unsigned
count_log(const char *text)
{
	const char *at = orchestrator_log(&o);
	unsigned n = 0;

	while ((at = strstr(at, text))) {
		at += strlen(text);
		n++;
	}
	return n;
}

static void
open_hook(struct bench *b, unsigned port, const char *path, const char *options)
{
	if (orchestrator_hook(&o, b, port, path, options) < 0)
		fail_msg("%s", b->complaints);
}

static void
start(struct bench *b, struct bench_call *c)
{
	struct hook_event ev = bench_event("id1");

	assert_int_equal(bench_start(b, "h", &ev, false, 0, c), 0);
}

static enum hook_verdict
ask(struct bench *b, unsigned port, const char *path, const char *options,
    struct bench_call *c)
{
	open_hook(b, port, path, options);
	start(b, c);
	orchestrator_wait(b, c);
	return c->verdict;
}

/* --- a good server ---------------------------------------------------------------------------- */

static void
the_event_is_posted_with_its_signature_and_token_HOOK_07(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	char token[600];

	snprintf(token, sizeof token, "token-file: %s/token\n", o.dir);
	assert_int_equal(
	    ask(b, o.server, "/reply?body={\"verdict\":\"done\",\"detail\":\"moved\"}",
		token, &c),
	    HOOK_DONE);
	assert_string_equal(c.detail, "moved");
	expect_log("\"method\": \"POST\"");
	expect_log("\"signature\": \"good\"");
	expect_log("\"Content-Type\": \"application/json\"");
	expect_log("\"Fogwatch-Event\": \"migrate\"");
	expect_log("\"Fogwatch-Delivery\": \"id1.1\"");
	expect_log("\"Idempotency-Key\": \"\\\"id1/migrate/commit/7/C\\\"\"");
	expect_log("\"Authorization\": \"Bearer bearer-of-marker\"");
	expect_log("\"target\": \"C\"");
	expect_log("\"resume\": null");
}

static void
a_202_is_asked_for_its_result_HOOK_07(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(ask(b, o.server, "/async/1", "", &c), HOOK_DONE);
	assert_string_equal(c.detail, "op");
	assert_string_equal(c.phases, "accepted() target_ready(healthy) switched() ");
	assert_int_equal(count_log("\"path\": \"/op/1\""), 4);
	expect_log("\"method\": \"GET\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
		HTTP_TEST(the_event_is_posted_with_its_signature_and_token_HOOK_07),
		HTTP_TEST(a_202_is_asked_for_its_result_HOOK_07),
	};
	int failed;

	bench_start_spawner();
	orchestrator_start(&o);
	failed = RUN_TESTS(tests, NULL, NULL);
	orchestrator_stop(&o);
	bench_stop_spawner();
	return failed;
}
