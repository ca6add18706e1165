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

/* --- configuration ---------------------------------------------------------------------------- */

static void
what_cannot_work_is_refused_at_the_start(void **state)
{
	const struct {
		const char *options, *complaint;
	} cases[] = {
		{ "no-such: 1\n", "no-such" },
		{ "url: ftp://127.0.0.1/\n", "neither https nor http" },
		{ "url: http://192.0.2.1/\n", "in the clear" },
		{ "url: https://user:word@127.0.0.1/\n", "password" },
		{ "ca-file: /there/is/none\n", "/there/is/none: No such file" },
		{ "ca-file: DIR/token\n", "holds no certificates" },
		{ "cert-file: DIR/client.pem\n", "belong together" },
		{ "cert-file: DIR/client.pem\nkey-file: DIR/server.key\n",
		    "is not the key of the certificate" },
		{ "cert-file: DIR/client.pem\nkey-file: DIR/client.pem\n",
		    "others than its owner" },
		{ "secret-file: DIR/client.pem\n", "others than its owner" },
		{ "token-file: DIR/none\n", "none: No such file" },
		{ "status-url: https://127.0.0.1/op\n", "{id}" },
		{ "status-url: https://127.0.0.2/{id}\n", "is not of the server" },
		{ "cancel: maybe\n", "must be one of" }, { "poll: 1ms\n", "poll" },
		{ "callback: {listen: here}\n", "no address" },
		{ "callback: {listen: '192.0.2.1:1'}\n", "in the clear" },
		{ "callback: {listen: '[::]:0'}\n", "callback.url" },
		{ "callback: {listen: '127.0.0.1:0', cert-file: DIR/client.pem}\n",
		    "belong together" },
		{ "callback: {listen: '192.0.2.1:1', url: 'https://a.example/'}\n"
		  "insecure: yes\n",
		    "192.0.2.1:1: " }, /* not an address of ours */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = *state;
		char options[1024], *at = options;

		for (const char *c = cases[i].options; *c; c++)
			if (!strncmp(c, "DIR", 3)) {
				at = stpcpy(at, o.dir);
				c += 2;
			} else {
				*at++ = *c;
			}
		*at = '\0';
		assert_true(orchestrator_hook(&o, b, o.server, "/", options) < 0);
		if (!strstr(b->complaints, cases[i].complaint))
			fail_msg("%s: %s", options, b->complaints);
	}
}

static void
a_call_back_address_needs_a_secret(void **state)
{
	struct bench *b = *state;

	assert_true(bench_hooks(b,
			"h: {type: http, url: 'https://127.0.0.1/', "
			"callback: {listen: '127.0.0.1:0'}}\n",
			o.dir, NULL) < 0);
	assert_non_null(strstr(b->complaints, "needs a secret-file"));
	assert_true(bench_hooks(b, "h: {type: http}\n", o.dir, NULL) < 0);
	assert_non_null(strstr(b->complaints, "url: is needed"));
}

/* --- what a reply means ----------------------------------------------------------------------- */

static void
a_reply_means_what_its_status_and_body_say(void **state)
{
	static const struct {
		const char *path;
		enum hook_verdict verdict;
		const char *detail;
	} cases[] = {
		{ "/reply?body={\"verdict\":\"already\"}", HOOK_ALREADY, "" },
		{ "/reply?body={\"verdict\":\"failed_clean\",\"detail\":\"x\"}",
		    HOOK_FAILED_CLEAN, "x" },
		{ "/reply?status=403&body={\"reason\":\"no\"}", HOOK_REFUSED,
		    "status 403: no" },
		{ "/reply?status=404&body=what", HOOK_REFUSED, "status 404" },
		{ "/reply?status=422&body={\"verdict\":\"refused\",\"detail\":\"y\"}",
		    HOOK_REFUSED, "y" },
		{ "/reply?status=409&body={\"verdict\":\"fenced\"}", HOOK_FENCED, "" },
		{ "/reply?status=409&body={\"verdict\":\"already\"}", HOOK_ALREADY, "" },
		{ "/reply?status=409", HOOK_RETRY, "status 409" },
		{ "/reply?status=429&Retry-After=7", HOOK_RETRY, "status 429" },
		{ "/reply?status=503&body={\"detail\":\"busy\"}", HOOK_RETRY,
		    "status 503: busy" },
		{ "/reply?status=500&body={\"error\":\"oops\"}", HOOK_FAILED_UNKNOWN,
		    "status 500: oops" },
		{ "/reply?status=500&body={\"verdict\":\"failed_clean\"}",
		    HOOK_FAILED_CLEAN, "" },
		{ "/reply?status=501", HOOK_REFUSED, "status 501" },
		{ "/reply?body={\"verdict\":\"sure\"}", HOOK_FAILED_UNKNOWN,
		    "status 200: what it answered is not understood" },
		{ "/reply?body=done", HOOK_FAILED_UNKNOWN,
		    "status 200: what it answered is not understood" },
		{ "/reply?status=204", HOOK_FAILED_UNKNOWN,
		    "status 204: what it answered is not understood" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = *state;
		struct bench_call c;

		ask(b, o.plain, cases[i].path, "", &c);
		if (c.verdict != cases[i].verdict || strcmp(c.detail, cases[i].detail))
			fail_msg("%s: %s (%s)", cases[i].path,
			    hook_verdict_name(c.verdict), c.detail);
		assert_int_equal(c.dones, 1);
	}
}

static void
news_are_heard_when_they_are_received_HOOK_02(void **state)
{
	struct hook_event ev = bench_event("n1");
	struct bench *b = *state;
	struct bench_call c;

	ev.kind = HOOK_NODE_LOST;
	ev.candidates_len = 0;
	open_hook(b, o.server, "/reply?status=204", "");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	orchestrator_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	expect_log("\"Fogwatch-Event\": \"node_lost\"");
}

static void
a_dry_run_says_so(void **state)
{
	struct hook_event ev = bench_event("d1");
	struct bench *b = *state;
	struct bench_call c;

	ev.dry_run = true;
	open_hook(
	    b, o.server, "/reply?body={\"verdict\":\"done\",\"detail\":\"would\"}", "");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	orchestrator_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	expect_log("\"dry_run\": true");
	expect_log("/7/C/dry");
}

/* --- servers that misbehave ------------------------------------------------------------------- */

static void
what_was_not_sent_is_tried_again_HOOK_03(void **state)
{
	const struct {
		unsigned port;
		const char *why, *options;
	} cases[] = {
		{ 1, "connect", "" },
		{ o.elsewhere, "subject", "" }, /* for another host */
		{ o.expired, "expired", "" },
		{ o.stranger, "certificate", "" },	      /* of no CA of ours */
		{ o.old, "", "" },			      /* TLS 1.1 */
		{ o.silent, "", "connect-timeout: 200ms\n" }, /* no handshake */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = *state;
		struct bench_call c;

		ask(b, cases[i].port, "/reply?body={\"verdict\":\"done\"}",
		    cases[i].options, &c);
		if (c.verdict != HOOK_RETRY || !strstr(c.detail, cases[i].why))
			fail_msg("%u: %s (%s)", cases[i].port,
			    hook_verdict_name(c.verdict), c.detail);
	}
	assert_int_equal(count_log("\"what\": \"request\""), 0);
}

static void
what_may_have_been_received_is_unknown_R_28(void **state)
{
	static const char *const paths[] = { "/once", "/hang", "/garbage", "/headers",
		"/big", "/short" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct bench *b = *state;
		struct bench_call c;

		ask(b, o.server, paths[i],
		    strcmp(paths[i], "/hang") ? "" : "request-timeout: 200ms\n", &c);
		if (c.verdict != HOOK_FAILED_UNKNOWN)
			fail_msg("%s: %s (%s)", paths[i], hook_verdict_name(c.verdict),
			    c.detail);
	}
	assert_int_equal(count_log("\"what\": \"request\""), 6);
}

static void
a_second_answer_is_not_looked_at_R_28(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(ask(b, o.server, "/twice", "", &c), HOOK_DONE);
	assert_string_equal(c.detail, "first");
	assert_int_equal(c.dones, 1);
}

static void
a_redirection_is_followed_at_the_same_server_alone(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	char path[256];

	snprintf(path, sizeof path, "/reply?status=307&Location=http://127.0.0.1:%u/once",
	    o.plain);
	assert_int_equal(ask(b, o.server, path, "", &c), HOOK_REFUSED);
	assert_int_equal(count_log("\"path\": \"/once\""), 0);
	assert_int_equal(
	    ask(b, o.server, "/reply?status=302&Location=/once", "", &c), HOOK_REFUSED);
	assert_int_equal(count_log("\"path\": \"/once\""), 0);
	assert_int_equal(
	    ask(b, o.server, "/reply?status=308&Location=/async/9", "", &c), HOOK_DONE);
	assert_int_equal(count_log("\"path\": \"/async/9\""), 1);
	orchestrator_forget(&o);
	snprintf(path, sizeof path, "/reply?status=307&Location=/reply%%3Fstatus=307");
	assert_int_equal(ask(b, o.server, path, "", &c), HOOK_REFUSED);
}

static void
a_location_elsewhere_is_not_followed(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	char path[256];

	/* The event is posted again instead, until the server says more. */
	snprintf(
	    path, sizeof path, "/async/5?location=http://127.0.0.1:%u/op/5", o.plain);
	open_hook(b, o.server, path, "");
	start(b, &c);
	orchestrator_wait_log(&o, b, "\"n\": 3,");
	assert_int_equal(count_log("\"path\": \"/op/5\""), 0);
	assert_int_equal(c.verdict, 0);
}

static void
a_gateway_that_cannot_say_is_asked_again(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(
	    ask(b, o.server, "/first?status=502&times=2", "", &c), HOOK_DONE);
	assert_string_equal(c.detail, "attempt 3");
	assert_int_equal(
	    ask(b, o.server, "/first?status=504&times=1&x=1", "", &c), HOOK_DONE);
}

static void
an_operation_that_is_forgotten_is_asked_for_by_its_key(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(ask(b, o.server, "/gone", "", &c), HOOK_ALREADY);
	assert_int_equal(count_log("\"path\": \"/gone/op\""), 1);
	assert_int_equal(count_log("\"path\": \"/gone\""), 2);
}

static void
a_server_may_want_our_certificate(void **state)
{
	struct bench *b = *state;
	struct bench_call c;
	char pair[600];

	snprintf(pair, sizeof pair, "cert-file: %s/client.pem\nkey-file: %s/client.key\n",
	    o.dir, o.dir);
	assert_int_equal(
	    ask(b, o.mutual, "/reply?body={\"verdict\":\"done\"}", pair, &c), HOOK_DONE);
	ask(b, o.mutual, "/reply?body={\"verdict\":\"done\"}", "", &c);
	assert_true(c.verdict == HOOK_FAILED_UNKNOWN || c.verdict == HOOK_RETRY);
}

/* --- taking up again -------------------------------------------------------------------------- */

static void
resume(struct bench *b, enum hook_phase last, struct bench_call *c)
{
	struct hook_event ev = bench_event("id1");

	assert_int_equal(bench_start(b, "h", &ev, true, last, c), 0);
	orchestrator_wait(b, c);
}

static void
who_got_no_answer_asks_with_the_same_key_R_28(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(ask(b, o.server, "/once?1", "", &c), HOOK_FAILED_UNKNOWN);
	resume(b, 0, &c);
	assert_int_equal(c.verdict, HOOK_ALREADY);
	assert_string_equal(c.detail, "accepted");
	assert_int_equal(count_log("\\\"id1/migrate/commit/7/C\\\""), 2);
}

static void
a_restart_goes_on_where_the_operation_is(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	open_hook(b, o.server, "/async/77", "");
	start(b, &c);
	orchestrator_wait_log(&o, b, "\"path\": \"/op/77\"");
	store_flush(b->store);
	open_hook(b, o.server, "/async/77", ""); /* all is as after a restart */
	resume(b, HOOK_ACCEPTED, &c);
	assert_int_equal(c.verdict, HOOK_DONE);
	assert_int_equal(count_log("\"path\": \"/async/77\""), 1);
}

static void
notes_of_another_target_are_not_taken_for_this_one(void **state)
{
	static const char *const target[] = { "D" };
	struct hook_event ev = bench_event("id1");
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(ask(b, o.server, "/async/88", "", &c), HOOK_DONE);
	ev.candidates = target;
	ev.candidates_len = 1;
	assert_int_equal(bench_start(b, "h", &ev, true, 0, &c), 0);
	orchestrator_wait(b, &c);
	assert_int_equal(count_log("\"path\": \"/async/88\""), 2);
	expect_log("/7/D");
}

static void
the_status_url_is_asked_where_there_is_no_location(void **state)
{
	struct bench *b = *state;
	char option[128];
	struct bench_call c;

	snprintf(option, sizeof option, "status-url: https://127.0.0.1:%u/op/{id}\n",
	    o.server);
	assert_int_equal(ask(b, o.server, "/reply?status=202", option, &c), HOOK_DONE);
	assert_int_equal(count_log("\"path\": \"/op/id1\""), 4);
}

/* --- cancelling ------------------------------------------------------------------------------- */

static enum hook_verdict
cancel(struct bench *b, const char *path, const char *options, const char *when,
    struct bench_call *c)
{
	open_hook(b, o.server, path, options);
	start(b, c);
	orchestrator_wait_log(&o, b, when);
	hook_call_cancel(c->call);
	orchestrator_wait(b, c);
	return c->verdict;
}

static void
a_call_is_cancelled_as_it_is_configured_R_28(void **state)
{
	static const struct {
		const char *path, *options, *log;
		enum hook_verdict verdict;
	} cases[] = {
		{ "/async/forever", "", "\"path\": \"/op/forever\"}", HOOK_CANCELLED },
		{ "/async/forever", "cancel: post\n", "\"by\": \"post\"",
		    HOOK_CANCELLED },
		{ "/async/forever", "cancel: none\n", "", HOOK_FAILED_UNKNOWN },
		{ "/async/x-404", "", "/op/x-404\"}", HOOK_FAILED_UNKNOWN },
		{ "/async/x-500", "", "/op/x-500\"}", HOOK_FAILED_UNKNOWN },
		{ "/async/x-204", "", "/op/x-204\"}", HOOK_CANCELLED },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench *b = *state;
		struct bench_call c;

		orchestrator_forget(&o);
		cancel(b, cases[i].path, cases[i].options, "\"path\": \"/op/", &c);
		if (c.verdict != cases[i].verdict)
			fail_msg("%s %s: %s (%s)", cases[i].path, cases[i].options,
			    hook_verdict_name(c.verdict), c.detail);
		expect_log(cases[i].log);
	}
}

/* The host waits for 10 s after the deadline, and has its answer before. */
static void
who_hangs_is_given_up_and_asked_again_R_28(void **state)
{
	struct hook_event ev = bench_event("id1");
	struct bench *b = *state;
	struct bench_call c;

	ev.deadline_ms = 100;
	open_hook(b, o.server, "/hang", "request-timeout: 500ms\n");
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	orchestrator_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
	assert_int_equal(c.dones, 1);
}

static void
nothing_is_left_when_the_controller_stops_amid_all_this(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	open_hook(b, o.server, "/hang", "");
	start(b, &c);
	orchestrator_wait_log(&o, b, "/hang");
	assert_int_equal(c.dones, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define HTTP_TEST(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
		HTTP_TEST(the_event_is_posted_with_its_signature_and_token_HOOK_07),
		HTTP_TEST(a_202_is_asked_for_its_result_HOOK_07),
		HTTP_TEST(what_cannot_work_is_refused_at_the_start),
		HTTP_TEST(a_call_back_address_needs_a_secret),
		HTTP_TEST(a_reply_means_what_its_status_and_body_say),
		HTTP_TEST(news_are_heard_when_they_are_received_HOOK_02),
		HTTP_TEST(a_dry_run_says_so),
		HTTP_TEST(what_was_not_sent_is_tried_again_HOOK_03),
		HTTP_TEST(what_may_have_been_received_is_unknown_R_28),
		HTTP_TEST(a_second_answer_is_not_looked_at_R_28),
		HTTP_TEST(a_redirection_is_followed_at_the_same_server_alone),
		HTTP_TEST(a_location_elsewhere_is_not_followed),
		HTTP_TEST(a_gateway_that_cannot_say_is_asked_again),
		HTTP_TEST(an_operation_that_is_forgotten_is_asked_for_by_its_key),
		HTTP_TEST(a_server_may_want_our_certificate),
		HTTP_TEST(who_got_no_answer_asks_with_the_same_key_R_28),
		HTTP_TEST(a_restart_goes_on_where_the_operation_is),
		HTTP_TEST(notes_of_another_target_are_not_taken_for_this_one),
		HTTP_TEST(the_status_url_is_asked_where_there_is_no_location),
		HTTP_TEST(a_call_is_cancelled_as_it_is_configured_R_28),
		HTTP_TEST(who_hangs_is_given_up_and_asked_again_R_28),
		HTTP_TEST(nothing_is_left_when_the_controller_stops_amid_all_this),
	};
	int failed;

	bench_start_spawner();
	orchestrator_start(&o);
	failed = RUN_TESTS(tests, NULL, NULL);
	orchestrator_stop(&o);
	bench_stop_spawner();
	return failed;
}
