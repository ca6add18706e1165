/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/hook_bench.h"
#include "tests/support/test.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a hook that keeps its calls until told ---------------------------------------------------- */

static const struct hook_host *held_host;
static struct hook_call *held[300];
static unsigned holds, cancels;
static char config_seen[1024], note_seen[64];

static int
held_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	if (strstr(config_json, "refuse")) {
		snprintf(err, err_len, "it does not want to");
		return -EPERM;
	}
	held_host = host;
	snprintf(config_seen, sizeof config_seen, "%s", config_json);
	*ret_inst = held;
	return 0;
}

static int
held_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst;
	if (strcmp(ev->function, "bad"))
		return 0;
	snprintf(err, err_len, "such a function is unknown");
	return -EINVAL;
}

static int
held_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	(void)inst, (void)ev;
	held[holds++ % 300] = call;
	return 0;
}

static int
held_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	const char *note = held_host->load(call, "external");

	(void)last;
	snprintf(note_seen, sizeof note_seen, "%s", note ? note : "none");
	return held_start(inst, ev, call);
}

static void
held_cancel(void *inst, struct hook_call *call)
{
	(void)inst, (void)call;
	cancels++;
}

static void
held_close(void *inst)
{
	(void)inst;
}

static const struct hook_type held_type = {
	HOOK_TYPE,
	.name = "held",
	.help = "waits for the test",
	.caps = HOOK_CAN_CANCEL | HOOK_CAN_RESUME,
	.open = held_open,
	.check = held_check,
	.start = held_start,
	.cancel = held_cancel,
	.resume = held_resume,
	.close = held_close,
};
static const struct hook_type *const types[] = { &held_type, NULL };

static int
open_bench(void **state)
{
	static struct bench b;

	bench_open(&b);
	holds = cancels = 0;
	assert_int_equal(
	    bench_hooks(&b, "h: {type: held}\ng: {type: held}\n", NULL, types), 0);
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
answer(struct bench *b, unsigned i, enum hook_verdict v)
{
	held_host->done(held[i], v, "");
	bench_pass(b, 0);
}

static int
start(struct bench *b, struct bench_call *c)
{
	struct hook_event ev = bench_event("id1");

	return bench_start(b, "h", &ev, false, 0, c);
}

/* One of several at once: of another function each. */
static int
start_other(struct bench *b, unsigned i, enum hook_kind kind, struct bench_call *c)
{
	static char id[16], instance[16];
	struct hook_event ev = bench_event(id);

	snprintf(id, sizeof id, "id-%u", i);
	snprintf(instance, sizeof instance, "s/f%u", i);
	ev.instance = instance;
	ev.kind = kind;
	return bench_start(b, "h", &ev, false, 0, c);
}

/* --- configuration ------------------------------------------------------------------------------ */

static void
options_reach_the_type_as_json(void **state)
{
	struct bench *b = *state;

	assert_int_equal(
	    bench_hooks(b,
		"h:\n  type: held\n  url: http://x\n  n: 12\n  f: -1.5e3\n  oct: 0o17\n"
		"  plus: +1\n  yes: true\n  words: [no, 'true', \"q\\\"\", null]\n"
		"  deep: {a: {b: []}}\n  empty:\n",
		NULL, types),
	    0);
	assert_string_equal(config_seen,
	    "{\"url\":\"http://"
	    "x\",\"n\":12,\"f\":-1.5e3,\"oct\":\"0o17\",\"plus\":\"+1\","
	    "\"yes\":true,\"words\":[\"no\",\"true\",\"q\\\"\",null],"
	    "\"deep\":{\"a\":{\"b\":[]}},\"empty\":null}");
}

static void
bad_configurations_are_refused_with_places(void **state)
{
	static const struct {
		const char *yaml, *complaints;
	} cases[] = {
		{ "[a]\n", "c.yaml:1:1: must be a mapping of names to hooks\n" },
		{ "h: held\ni: {url: x}\n",
		    "c.yaml:1:1: h: a hook is a mapping with a type\n"
		    "c.yaml:2:1: i: a hook is a mapping with a type\n" },
		{ "'h h': {type: held}\n", "c.yaml:1:1: h h: not a name\n" },
		{ "h: {type: ../held}\n",
		    "c.yaml:1:5: type: ../held is not a name (1 to 64 of letters, "
		    "digits, . _ : -)\n" },
		{ "h: {type: rumour}\n", "c.yaml:1:5: type: rumour is not built in\n" },
		{ "h: {type: held, events: [migrate, rain]}\n",
		    "c.yaml:1:17: events: rain is no event; they are migrate, node_lost, "
		    "node_joined, service_degraded, connectivity_update, "
		    "prediction_cleared, and all\n" },
		{ "h: {type: held, patience: 10ms}\n",
		    "c.yaml:1:17: patience: 10ms is below 1s\n" },
		{ "h: {type: held, refuse: true}\n",
		    "c.yaml:1:1: h: it does not want to\n" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(bench_hooks(b, cases[i].yaml, NULL, types), -EINVAL);
		assert_string_equal(b->complaints, cases[i].complaints);
	}
}

static void
copy_plugin(struct bench *b, const char *name)
{
	char from[512], to[512], bytes[4096];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof from, BUILDDIR "/tests/unit/%s.so", name);
	snprintf(to, sizeof to, "%s/%s.so", b->dir, name);
	in = fopen(from, "re");
	out = fopen(to, "we");
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof bytes, in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(to, 0755), 0);
}

static void
use_plugin(struct bench *b, const char *name)
{
	struct hook_event ev = bench_event("id1");
	struct bench_call c;
	char yaml[128];

	copy_plugin(b, name);
	snprintf(yaml, sizeof yaml, "h: {type: %s}\ng: {type: %s}\n", name, name);
	if (bench_hooks(b, yaml, b->dir, NULL) < 0)
		fail_msg("%s", b->complaints);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	assert_int_equal(c.verdict, 0); /* never from inside the start */
	bench_pass(b, 0);
	assert_int_equal(c.verdict, HOOK_ALREADY);
	assert_string_equal(c.detail, "from afar");
}

static void
a_type_can_come_from_a_shared_object(void **state)
{
	use_plugin(*state, "plugin_good");
}

/* Its hook_type is longer than ours. */
static void
a_type_that_knows_more_than_the_host_works(void **state)
{
	use_plugin(*state, "plugin_newer");
}

static void
objects_with_a_fault_are_refused(void **state)
{
	static const struct {
		const char *name, *why;
	} cases[] = {
		{ "plugin_abi",
		    "it was built for version 2 of the interface, this "
		    "controller has 1" },
		{ "plugin_size", "its hook_type has only 24 bytes" },
		{ "plugin_symbol", "it does not define hook_type" },
		{ "plugin_callback", "it lacks a callback that every type must have" },
		{ "plugin_misnamed", "it calls itself plugin_good" },
		{ "none", "No such file or directory" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char yaml[128], expected[256];

		if (strcmp(cases[i].name, "none"))
			copy_plugin(b, cases[i].name);
		snprintf(yaml, sizeof yaml, "h: {type: %s}\n", cases[i].name);
		snprintf(
		    expected, sizeof expected, "%s is not built in, and ", cases[i].name);
		assert_int_equal(bench_hooks(b, yaml, b->dir, NULL), -EINVAL);
		if (!strstr(b->complaints, expected) ||
		    !strstr(b->complaints, cases[i].why))
			fail_msg("%s", b->complaints);
	}
}

/* Whoever can write there could be the controller. */
static void
objects_that_others_can_write_are_refused(void **state)
{
	struct bench *b = *state;
	char path[512];

	copy_plugin(b, "plugin_good");
	snprintf(path, sizeof path, "%s/plugin_good.so", b->dir);
	assert_int_equal(chmod(path, 0775), 0);
	assert_int_equal(
	    bench_hooks(b, "h: {type: plugin_good}\n", b->dir, NULL), -EINVAL);
	assert_non_null(strstr(b->complaints,
	    "plugin_good.so can be written by others (mode 0775); chmod go-w it first"));
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(chmod(b->dir, 0777), 0);
	assert_int_equal(
	    bench_hooks(b, "h: {type: plugin_good}\n", b->dir, NULL), -EINVAL);
	assert_non_null(strstr(b->complaints, "can be written by others (mode 0777)"));
	assert_int_equal(chmod(b->dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(
		    bench_hooks(b, "h: {type: plugin_good}\n", b->dir, NULL), -EINVAL);
		assert_non_null(strstr(b->complaints, "belongs to user 65534"));
	}
}

/* --- limits ----------------------------------------------------------------------------------------- */

static void
an_instance_has_four_calls_at_once(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c[6];

	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(start_other(b, i, HOOK_MIGRATE, &c[i]), 0);
	assert_int_equal(start_other(b, 4, HOOK_MIGRATE, &c[4]), -EAGAIN);
	assert_string_equal(c[4].error, "hook h has 4 calls running");
	assert_int_equal(
	    bench_start(b, "g", &ev, false, 0, &c[5]), 0); /* another instance */
	answer(b, 1, HOOK_DONE);
	assert_int_equal(c[1].verdict, HOOK_DONE);
	assert_int_equal(start_other(b, 4, HOOK_MIGRATE, &c[4]), 0);
}

static void
an_instance_starts_ten_times_a_minute(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(start(b, &c), 0);
		answer(b, i, HOOK_DONE);
		bench_pass(b, 1000);
	}
	assert_int_equal(start(b, &c), -EAGAIN);
	assert_string_equal(c.error, "hook h was started 10 times in a minute");
	bench_pass(b, 50000);
	assert_int_equal(start(b, &c), 0);
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &c),
	    -EAGAIN); /* the second one is eleven seconds old */
}

static void
five_failures_open_the_circuit_and_one_success_closes_it(void **state)
{
	struct bench *b = *state;
	struct bench_call c, d;

	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(start(b, &c), 0);
		answer(b, i, i % 2 ? HOOK_RETRY : HOOK_FAILED_UNKNOWN);
	}
	assert_int_equal(start(b, &c), -EAGAIN);
	assert_string_equal(c.error, "hook h has failed 5 times in a row");
	bench_pass(b, 30000);
	assert_int_equal(start(b, &c), 0); /* one on trial */
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), -EAGAIN);
	assert_string_equal(d.error, "hook h is on trial after failures");
	answer(b, 5, HOOK_RETRY);
	assert_int_equal(start(b, &c), -EAGAIN);
	bench_pass(b, 30000);
	assert_int_equal(start(b, &c), 0);
	answer(b, 6, HOOK_REFUSED); /* it says no, but it says */
	assert_int_equal(start(b, &c), 0);
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), 0);
}

static void
what_check_refuses_is_not_started(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	ev.function = "bad";
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), -EINVAL);
	assert_string_equal(c.error, "such a function is unknown");
	assert_int_equal(holds, 0);
}

/* The orchestrator never hears of two things of one function at once. */
static void
a_function_has_one_call_at_a_time(void **state)
{
	struct bench *b = *state;
	struct bench_call c, d;

	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &c), 0);
	assert_int_equal(start_other(b, 1, HOOK_SERVICE_DEGRADED, &d), -EAGAIN);
	assert_string_equal(d.error, "hook h is still busy with migrate of s/f1");
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), -EAGAIN);
	assert_int_equal(start_other(b, 2, HOOK_MIGRATE, &d), 0);
	answer(b, 0, HOOK_DONE);
	assert_int_equal(start_other(b, 1, HOOK_SERVICE_DEGRADED, &d), 0);
}

static void
news_give_way_to_a_move(void **state)
{
	struct bench *b = *state;
	struct bench_call c, d;

	assert_int_equal(start_other(b, 1, HOOK_SERVICE_DEGRADED, &c), 0);
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), -EAGAIN);
	assert_int_equal(cancels, 1);
	answer(b, 0, HOOK_CANCELLED);
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), 0);
}

/* However many news there are, and however badly they go. */
static void
news_use_up_nothing_that_a_move_needs(void **state)
{
	struct bench *b = *state;
	struct bench_call c, d;

	for (unsigned i = 0; i < 60; i++) {
		int rc = start_other(b, i % 4, HOOK_NODE_JOINED, &c);

		assert_int_equal(rc, 0);
		answer(b, i, i >= 55 ? HOOK_RETRY : HOOK_DONE);
	}
	assert_int_equal(start_other(b, 1, HOOK_NODE_JOINED, &c), -EAGAIN);
	assert_string_equal(c.error, "hook h was started 60 times in a minute");
	assert_int_equal(start_other(b, 1, HOOK_MIGRATE, &d), 0);
}

/* A verdict stands for a week: who asks what came of a call is told without the plug-in. */
static void
what_came_of_a_call_is_answered_from_the_store(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	static const char *const others[] = { "B" };
	struct bench_call c;

	assert_int_equal(start(b, &c), 0);
	held_host->done(held[0], HOOK_FAILED_CLEAN, "no room");
	bench_pass(b, 0);
	store_flush(b->store);
	assert_int_equal(bench_hooks(b, "h: {type: held}\n", NULL, types), 0);
	assert_int_equal(bench_start(b, "h", &ev, true, HOOK_ACCEPTED, &c), 0);
	assert_int_equal(c.dones, 0);
	bench_pass(b, 0);
	assert_int_equal(c.verdict, HOOK_FAILED_CLEAN);
	assert_string_equal(c.detail, "no room");
	assert_int_equal(holds, 1);
	ev.generation++; /* another call altogether */
	assert_int_equal(bench_start(b, "h", &ev, true, 0, &c), 0);
	assert_int_equal(holds, 2);
	answer(b, 1, HOOK_RETRY); /* that says nothing about the next time */
	store_flush(b->store);
	assert_int_equal(bench_start(b, "h", &ev, true, 0, &c), 0);
	assert_int_equal(holds, 3);
	answer(b, 2, HOOK_DONE);
	ev.candidates = others;
	ev.candidates_len = 1;
	store_flush(b->store);
	assert_int_equal(bench_start(b, "h", &ev, true, 0, &c), 0);
	assert_int_equal(holds, 4);
}

static void
a_dry_run_needs_a_type_that_knows_it(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	ev.dry_run = true;
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), -ENOTSUP);
	assert_string_equal(c.error, "hook h knows no dry run");
	assert_int_equal(holds, 0);
}

/* --- the life of a call ---------------------------------------------------------------------------- */

static void
nobody_waits_for_ever(void **state) /* */
{
	struct bench *b = *state;
	struct bench_call c, d;

	assert_int_equal(start(b, &c), 0);
	bench_pass(b, 14900);
	assert_int_equal(cancels, 0);
	bench_pass(b, 200);
	assert_int_equal(cancels, 1);
	bench_pass(b, 9800);
	assert_int_equal(c.verdict, 0);
	bench_pass(b, 200);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
	assert_string_equal(c.detail, "it gave no answer");
	answer(b, 0, HOOK_DONE); /* too late: only let go of */
	assert_int_equal(c.dones, 1);
	assert_int_equal(start(b, &d), 0);
}

static void
progress_only_goes_forward(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(start(b, &c), 0);
	held_host->progress(held[0], HOOK_TARGET_READY, "a");
	held_host->progress(held[0], HOOK_ACCEPTED, "b");
	held_host->progress(held[0], HOOK_TARGET_READY, "c");
	held_host->progress(held[0], (enum hook_phase)42, "d");
	held_host->progress(held[0], HOOK_SWITCHED, NULL);
	assert_string_equal(c.phases, "target_ready(a) switched() ");
	answer(b, 0, HOOK_CANCELLED);
	assert_int_equal(c.verdict, HOOK_FAILED_UNKNOWN);
}

static void
a_dropped_call_tells_nobody(void **state)
{
	struct bench *b = *state;
	struct bench_call c;

	assert_int_equal(start(b, &c), 0);
	hook_call_drop(c.call);
	hook_call_cancel(c.call);
	held_host->progress(held[0], HOOK_SWITCHED, "");
	answer(b, 0, HOOK_DONE);
	assert_int_equal(c.dones, 0);
	assert_string_equal(c.phases, "");
}

static void
notes_survive_a_restart(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1"), other = bench_event("id2");
	struct bench_call c;

	assert_int_equal(start(b, &c), 0);
	assert_null(held_host->load(held[0], "external"));
	assert_int_equal(held_host->save(held[0], "external", "op/1"), 0);
	assert_int_equal(held_host->save(held[0], "external", "op/17"), 0);
	assert_string_equal(held_host->load(held[0], "external"), "op/17");
	for (int i = 0; i < 31; i++) {
		char key[8];

		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal(held_host->save(held[0], key, ""), 0);
	}
	assert_int_equal(held_host->save(held[0], "one more", ""), -ENOSPC);
	store_flush(b->store);
	assert_int_equal(bench_hooks(b, "h: {type: held}\n", NULL, types), 0);
	assert_int_equal(bench_start(b, "h", &ev, true, HOOK_ACCEPTED, &c), 0);
	assert_string_equal(note_seen, "op/17");
	other.instance = "s/g";
	assert_int_equal(bench_start(b, "h", &other, true, 0, &c), 0);
	assert_string_equal(note_seen, "none");
}

/* --- time, text, services ---------------------------------------------------------------------- */

static unsigned fired;

static void
count_fire(void *arg)
{
	*(unsigned *)arg += 1;
}

static void
a_timer_fires_once_for_each_setting(void **state)
{
	struct bench *b = *state;
	struct hook_timer *t;
	int64_t now = held_host->now_ms(held_host->arg);

	fired = 0;
	assert_int_equal(held_host->timer_new(held_host->arg, count_fire, &fired, &t), 0);
	held_host->timer_set(t, 1000);
	held_host->timer_set(t, 2000); /* replaces it */
	bench_pass(b, 1500);
	assert_int_equal(fired, 0);
	bench_pass(b, 10000);
	assert_int_equal(fired, 1);
	assert_int_equal(held_host->now_ms(held_host->arg) - now, 11500);
	assert_true(held_host->wall_ms(held_host->arg) > 0);
	held_host->timer_set(t, 1000);
	held_host->timer_set(t, -1);
	bench_pass(b, 2000);
	assert_int_equal(fired, 1);
	held_host->timer_free(t);
	held_host->timer_free(NULL);
	/* one that is left is freed with the host */
	assert_int_equal(held_host->timer_new(held_host->arg, count_fire, &fired, &t), 0);
}

static void
an_event_is_told_as_text_of_any_size(void **state)
{
	struct hook_event ev = bench_event("id1");
	char text[2048], little[8];
	int len = held_host->event_json(&ev, 0, text, sizeof text);

	(void)state;
	assert_int_equal(len, strlen(text));
	assert_non_null(strstr(text, "\"kind\":\"migrate\""));
	assert_int_equal(held_host->event_json(&ev, 0, little, sizeof little), len);
	assert_memory_equal(little, text, 7);
	assert_int_equal(held_host->event_json(&ev, 0, NULL, 0), len);
}

static struct {
	int err;
	unsigned count;
	char text[256];
} applied;

static void
note_applied(void *arg, int err, const char *text)
{
	(void)arg;
	applied.count++;
	applied.err = err;
	snprintf(applied.text, sizeof applied.text, "%s", text);
}

static bool
is_applied(void *arg)
{
	(void)arg;
	return applied.count > 0;
}

/* Stands for the judge: refuses what begins with "bad". */
static void (*later)(void *arg, int err);
static void *later_arg;

static int
take_service(void *arg, const char *what, const char *hook,
    void (*done)(void *done_arg, int err), void *done_arg, char *why, size_t why_len)
{
	snprintf(arg, 64, "%s: %.40s", hook, what);
	if (!strncmp(what, "bad", 3)) {
		snprintf(why, why_len, "line 1: no");
		return -EINVAL;
	}
	later = done;
	later_arg = done_arg;
	return 0;
}

static void
services_come_and_go_through_a_hook_that_may_PLN_08(void **state)
{
	struct bench *b = *state;
	char seen[64] = "";

	memset(&applied, 0, sizeof applied);
	assert_int_equal(
	    held_host->service_apply(held_host->arg, "x", note_applied, NULL),
	    -EPERM); /* not configured */
	b->services = (struct hooks_services){ take_service, take_service, seen };
	assert_int_equal(
	    bench_hooks(b, "h: {type: held, services: yes}\n", NULL, types), 0);
	assert_int_equal(
	    held_host->service_apply(held_host->arg, "service: s", note_applied, NULL),
	    0);
	assert_string_equal(seen, "h: service: s");
	assert_int_equal(applied.count, 0);
	later(later_arg, 0); /* it is on the disk */
	assert_int_equal(applied.count, 1);
	assert_int_equal(applied.err, 0);
	applied.count = 0;
	assert_int_equal(
	    held_host->service_apply(held_host->arg, "bad", note_applied, NULL), 0);
	assert_int_equal(applied.count, 0); /* never from inside */
	bench_run_until(b, is_applied, NULL);
	assert_int_equal(applied.err, -EINVAL);
	assert_string_equal(applied.text, "line 1: no");
	applied.count = 0;
	assert_int_equal(
	    held_host->service_withdraw(held_host->arg, "s", note_applied, NULL), 0);
	assert_string_equal(seen, "h: s");
	hooks_free(b->hooks);
	b->hooks = NULL;
	later(later_arg, 0); /* nobody is told any more */
	assert_int_equal(applied.count, 0);
}

static void
a_call_that_is_over_can_be_used_no_more_R_28(void **state)
{
	struct bench *b = *state;
	struct hook_call *gone;
	struct bench_call c;

	assert_int_equal(start(b, &c), 0);
	gone = held[0];
	answer(b, 0, HOOK_DONE);
	held_host->done(gone, HOOK_FAILED_CLEAN, "again");
	held_host->progress(gone, HOOK_SWITCHED, "");
	assert_int_equal(held_host->save(gone, "k", "v"), -ESTALE);
	assert_null(held_host->load(gone, "k"));
	assert_int_equal(held_host->kill(gone, 9), -ESRCH);
	bench_pass(b, 1000);
	assert_int_equal(c.dones, 1);
	assert_int_equal(c.verdict, HOOK_DONE);
}

/* --- other threads --------------------------------------------------------------------------------- */

static pthread_t loop_thread;
static unsigned posted;

static void
count_post(void *arg)
{
	assert_true(pthread_equal(pthread_self(), loop_thread));
	assert_int_equal(*(unsigned *)arg, posted); /* in order */
	posted++;
}

static void *
post_many(void *arg)
{
	unsigned *number = arg;

	for (unsigned i = 0; i < 1000; i++)
		held_host->post(held_host->arg, count_post, &number[i]);
	return NULL;
}

static bool
all_posted(void *arg)
{
	(void)arg;
	return posted == 1000;
}

static void
other_threads_reach_the_loop(void **state)
{
	static unsigned number[1000];
	struct bench *b = *state;
	pthread_t thread;

	posted = 0;
	loop_thread = pthread_self();
	for (unsigned i = 0; i < 1000; i++)
		number[i] = i;
	assert_int_equal(pthread_create(&thread, NULL, post_many, number), 0);
	bench_run_until(b, all_posted, NULL);
	pthread_join(thread, NULL);
}

/* --- the log hook ------------------------------------------------------------------------------------ */

static void
the_log_hook_writes_and_says_done(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;
	char yaml[512];
	const char *text;

	snprintf(yaml, sizeof yaml, "h: {type: log, file: '%s/events'}\n", b->dir);
	assert_int_equal(bench_hooks(b, yaml, NULL, NULL), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bench_start(b, "h", &ev, i, 0, &c), 0);
		bench_wait(b, &c);
		assert_int_equal(c.verdict, HOOK_DONE);
	}
	text = bench_read(b, "events");
	assert_memory_equal(text, "{\"abi\":1,\"id\":\"id1\"", 19);
	text = strchr(text, '\n') + 1;
	assert_memory_equal(text, "{\"abi\":1,\"id\":\"id1\"", 19);
	assert_string_equal(strchr(text, '\n'), "\n");
}

static void
the_log_hook_answers_what_it_was_told(void **state)
{
	struct bench *b = *state;
	struct hook_event ev = bench_event("id1");
	struct bench_call c;

	assert_int_equal(
	    bench_hooks(b, "h: {type: log, verdict: refused}\n", NULL, NULL), 0);
	assert_int_equal(bench_start(b, "h", &ev, false, 0, &c), 0);
	bench_wait(b, &c);
	assert_int_equal(c.verdict, HOOK_REFUSED);
	assert_int_equal(
	    bench_hooks(b, "h: {type: log, verdict: maybe}\n", NULL, NULL), -EINVAL);
	assert_string_equal(b->complaints,
	    "c.yaml:1:1: h: verdict: must be one of: done, already, refused, "
	    "failed_clean\n");
	assert_int_equal(
	    bench_hooks(b, "h: {type: log, file: /nowhere/x}\n", NULL, NULL), -EINVAL);
	assert_string_equal(
	    b->complaints, "c.yaml:1:1: h: /nowhere/x: No such file or directory\n");
}

int
main(void)
{
#define ON_BENCH(f) cmocka_unit_test_setup_teardown(f, open_bench, close_bench)
	const struct CMUnitTest tests[] = {
		ON_BENCH(options_reach_the_type_as_json),
		ON_BENCH(bad_configurations_are_refused_with_places),
		ON_BENCH(a_type_can_come_from_a_shared_object),
		ON_BENCH(a_type_that_knows_more_than_the_host_works),
		ON_BENCH(objects_with_a_fault_are_refused),
		ON_BENCH(objects_that_others_can_write_are_refused),
		ON_BENCH(an_instance_has_four_calls_at_once),
		ON_BENCH(an_instance_starts_ten_times_a_minute),
		ON_BENCH(five_failures_open_the_circuit_and_one_success_closes_it),
		ON_BENCH(what_check_refuses_is_not_started),
		ON_BENCH(a_function_has_one_call_at_a_time),
		ON_BENCH(news_give_way_to_a_move),
		ON_BENCH(news_use_up_nothing_that_a_move_needs),
		ON_BENCH(what_came_of_a_call_is_answered_from_the_store),
		ON_BENCH(a_dry_run_needs_a_type_that_knows_it),
		ON_BENCH(nobody_waits_for_ever),
		ON_BENCH(progress_only_goes_forward),
		ON_BENCH(a_dropped_call_tells_nobody),
		ON_BENCH(notes_survive_a_restart),
		ON_BENCH(a_timer_fires_once_for_each_setting),
		ON_BENCH(an_event_is_told_as_text_of_any_size),
		ON_BENCH(services_come_and_go_through_a_hook_that_may_PLN_08),
		ON_BENCH(a_call_that_is_over_can_be_used_no_more_R_28),
		ON_BENCH(other_threads_reach_the_loop),
		ON_BENCH(the_log_hook_writes_and_says_done),
		ON_BENCH(the_log_hook_answers_what_it_was_told),
	};
	int rc;

	bench_start_spawner();
	rc = RUN_TESTS(tests, NULL, NULL);
	bench_stop_spawner();
	return rc;
}
