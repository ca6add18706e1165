/* SPDX-License-Identifier: Apache-2.0
 *
 * Call-backs to the hook http: who is believed, what counts once, and what comes too late. */
#include "tests/support/orchestrator.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
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

#define LISTEN "callback: {listen: '127.0.0.1:0'}\n"

/* Until the server has said all that it wants to. */
static enum hook_verdict
run_steps(struct bench *b, const char *query, const char *options, struct bench_call *c)
{
	struct hook_event ev = bench_event("id1");
	char path[256];

	snprintf(path, sizeof path, "/call?%s", query);
	orchestrator_forget(&o);
	if (orchestrator_hook(&o, b, o.server, path, options) < 0)
		fail_msg("%s", b->complaints);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, c), 0);
	orchestrator_wait_log(&o, b, "steps over");
	orchestrator_wait(b, c);
	return c->verdict;
}

static void
phases_and_a_verdict_come_by_call_back_HOOK_07(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(
	    run_steps(b, "steps=ready,switched,done", LISTEN, &c), HOOK_DONE);
	/* The 202 may be looked at after the first of them. */
	assert_non_null(strstr(c.phases, "target_ready(up) switched() "));
	assert_string_equal(c.detail, "called back");
	assert_int_equal(c.dones, 1);
}

static void
a_verdict_may_come_before_the_202_R_28(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(run_steps(b, "before=ready,done", LISTEN, &c), HOOK_DONE);
	assert_string_equal(c.phases, "target_ready(up) ");
	assert_int_equal(c.dones, 1);
}

static void
each_message_is_judged(void **state)
{
	static const struct {
		const char *step;
		int status;
	} cases[] = {
		{ "done-wrong", 401 },
		{ "done-old", 401 },
		{ "done-future", 401 },
		{ "unsigned", 401 },
		{ "garbage", 400 },
		{ "unknown", 400 },
		{ "other", 400 }, /* of another call */
		{ "big", 413 },
		{ "stray", 404 },
		{ "get", 405 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = *state;
		char query[64], line[64];
		struct bench_call c;

		snprintf(query, sizeof query, "steps=%s,refused", cases[i].step);
		snprintf(line, sizeof line, "\"step\": \"%s\", \"status\": %d}",
		    cases[i].step, cases[i].status);
		assert_int_equal(run_steps(b, query, LISTEN, &c), HOOK_REFUSED);
		expect_log(line);
	}
}

static void
a_replay_is_refused_and_a_repetition_changes_nothing(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(
	    run_steps(b, "steps=ready,replay,ready,mine", LISTEN, &c), HOOK_DONE);
	expect_log("\"step\": \"replay\", \"status\": 409}");
	expect_log("\"step\": \"mine\", \"status\": 200}");
	assert_non_null(strstr(c.phases, "target_ready(up) "));
	assert_null(strstr(strstr(c.phases, "target_ready") + 1, "target_ready"));
}

static void
what_comes_after_the_verdict_is_too_late_R_28(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(run_steps(b, "steps=done,refused,ready", LISTEN, &c), HOOK_DONE);
	expect_log("\"step\": \"refused\", \"status\": 410}");
	expect_log("\"step\": \"ready\", \"status\": 410}");
	assert_int_equal(c.dones, 1);
}

static void
call_backs_come_over_TLS_where_there_is_a_certificate(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	char options[1024];

	snprintf(options, sizeof options,
	    "callback: {listen: '127.0.0.1:0', cert-file: %s/server.pem, "
	    "key-file: %s/server.key}\n",
	    o.dir, o.dir);
	assert_int_equal(run_steps(b, "steps=ready,done", options, &c), HOOK_DONE);
	expect_log("\"url\": \"https://127.0.0.1:");
}

static int
connect_and_say(const char *text)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	const char *url = strstr(orchestrator_log(&o), "http://127.0.0.1:");
	unsigned port;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_non_null(url);
	assert_int_equal(sscanf(url, "http://127.0.0.1:%u", &port), 1);
	at.sin_port = htons((uint16_t)port);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_true(write(fd, text, strlen(text)) > 0);
	return fd;
}

/* Half a request holds up nobody else's. */
static void
who_calls_back_slowly_delays_nobody_HOOK_05(void **state)
{
	struct hook_event ev = bench_event("id1");
	struct bench *b = *state;
	struct bench_call c;
	int fd;

	if (orchestrator_hook(&o, b, o.server, "/async/forever", LISTEN) < 0)
		fail_msg("%s", b->complaints);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	orchestrator_wait_log(&o, b, "/op/forever");
	fd = connect_and_say("POST /v1/0 HTTP/1.1\r\nContent-Le");
	hook_call_cancel(c.call);
	orchestrator_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_CANCELLED);
	close(fd);
}

static void
a_restart_keeps_the_token(void **state)
{
	struct hook_event ev = bench_event("id1");
	struct bench *b = *state;
	struct bench_call c;
	char token[2][40];

	for (int i = 0; i < 2; i++) {
		const char *at;

		orchestrator_forget(&o);
		if (orchestrator_hook(&o, b, o.server, "/async/forever", LISTEN) < 0)
			fail_msg("%s", b->complaints);
		if (i) /* no Location: the event is posted again */
			assert_int_equal(
			    store_note_put(b->store, "id1", "external", "", NULL, NULL),
			    0);
		store_flush(b->store);
		assert_int_equal(bench_start(b, "h", &ev, i > 0, 0, &c), 0);
		orchestrator_wait_log(&o, b, "/op/forever");
		at = strstr(orchestrator_log(&o), "/v1/");
		assert_non_null(at);
		snprintf(token[i], sizeof token[i], "%.32s", at + 4);
		store_flush(b->store);
	}
	assert_string_equal(token[0], token[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
		HTTP_TEST(phases_and_a_verdict_come_by_call_back_HOOK_07),
		HTTP_TEST(a_verdict_may_come_before_the_202_R_28),
		HTTP_TEST(each_message_is_judged),
		HTTP_TEST(a_replay_is_refused_and_a_repetition_changes_nothing),
		HTTP_TEST(what_comes_after_the_verdict_is_too_late_R_28),
		HTTP_TEST(call_backs_come_over_TLS_where_there_is_a_certificate),
		HTTP_TEST(who_calls_back_slowly_delays_nobody_HOOK_05),
		HTTP_TEST(a_restart_keeps_the_token),
	};
	int failed;

	bench_start_spawner();
	orchestrator_start(&o);
	failed = RUN_TESTS(tests, NULL, NULL);
	orchestrator_stop(&o);
	bench_stop_spawner();
	return failed;
}
