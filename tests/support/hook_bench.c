/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/hook_bench.h"
#include "base/spawn.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct spawner *spawner;
static struct ev_loop *loop; /* one for all: the spawner stays with it */

void
bench_start_spawner(void)
{
	if (spawner_start(&spawner) < 0)
		abort();
	loop = ev_loop_new(EVFLAG_AUTO);
	if (spawner_attach(spawner, loop) < 0)
		abort();
}

void
bench_stop_spawner(void)
{
	spawner_stop(spawner);
	ev_loop_destroy(loop);
}

static void
on_store_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

void
bench_open(struct bench *b)
{
	memset(b, 0, sizeof *b);
	b->dir = tempdir_new();
	b->loop = loop;
	b->net = fake_net_new(1);
	fake_net_capture(b->net, false);
	b->host = fake_host_new(b->net);
	assert_int_equal(store_open(b->loop, b->dir, on_store_failed, b, &b->store), 0);
}

void
bench_close(struct bench *b)
{
	hooks_free(b->hooks);
	store_close(b->store);
	fake_net_free(b->net);
	tempdir_remove(b->dir);
}

const char *
bench_script(struct bench *b, const char *name, const char *lines)
{
	static char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", b->dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s", lines);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
	return path;
}

int
bench_hooks(struct bench *b, const char *yaml, const char *plugin_dir,
    const struct hook_type *const *types)
{
	struct hooks_env env = { .loop = b->loop,
		.io = fake_host_io(b->host),
		.store = b->store,
		.spawner = spawner,
		.plugin_dir = plugin_dir,
		.types = types,
		.services = b->services };
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	struct complaints c;
	int err;

	hooks_free(b->hooks);
	b->hooks = NULL;
	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text(yaml), "c.yaml", &c, &doc), 0);
	err = hooks_new(&env, yaml_root(doc), &c, &b->hooks);
	snprintf(b->complaints, sizeof b->complaints, "%s", buf_text(&c.text));
	complaints_done(&c);
	return err;
}

struct hook_event
bench_event(const char *id)
{
	static const char *const names[] = { "C", "B" };

	return (struct hook_event){ .size = sizeof(struct hook_event),
		.id = id,
		.rev = 1,
		.kind = HOOK_MIGRATE,
		.stage = HOOK_COMMIT,
		.service = "s",
		.function = "f",
		.instance = "s/f",
		.generation = 7,
		.source = "A",
		.candidates = names,
		.candidates_len = 2,
		.reason = "node_load1 < 4",
		.probability = 0.9,
		.deadline_ms = 15000,
		.drain_ms = 200 };
}

static void
note_progress(void *arg, enum hook_phase phase, const char *detail)
{
	struct bench_call *c = arg;
	size_t len = strlen(c->phases);

	snprintf(c->phases + len, sizeof c->phases - len, "%s(%s) ",
	    hook_phase_name(phase), detail);
}

static void
note_done(void *arg, enum hook_verdict verdict, const char *detail)
{
	struct bench_call *c = arg;

	c->dones++;
	c->verdict = verdict;
	c->call = NULL;
	snprintf(c->detail, sizeof c->detail, "%s", detail);
}

int
bench_start(struct bench *b, const char *hook, const struct hook_event *ev, bool resume,
    enum hook_phase last, struct bench_call *c)
{
	static const struct hook_call_ops ops = { note_progress, note_done };
	struct hook_instance *i = hooks_find(b->hooks, hook);

	assert_non_null(i);
	memset(c, 0, sizeof *c);
	return hook_call_start(
	    i, ev, resume, last, &ops, c, &c->call, c->error, sizeof c->error);
}

static void
on_too_late(struct ev_loop *l, ev_timer *w, int revents)
{
	(void)l, (void)revents;
	*(bool *)w->data = true;
}

void
bench_run_until(struct bench *b, bool (*done)(void *arg), void *arg)
{
	bool late = false;
	ev_timer guard;

	ev_timer_init(&guard, on_too_late, 10., 0.);
	guard.data = &late;
	ev_timer_start(b->loop, &guard);
	while (!done(arg) && !late) {
		fake_run(b->net, 0); /* what was put off for the next turn */
		if (!done(arg))
			ev_run(b->loop, EVRUN_ONCE);
	}
	ev_timer_stop(b->loop, &guard);
	assert_false(late);
}

static bool
is_over(void *arg)
{
	return ((struct bench_call *)arg)->verdict != 0;
}

void
bench_wait(struct bench *b, struct bench_call *c)
{
	bench_run_until(b, is_over, c);
}

void
bench_pass(struct bench *b, int64_t ms)
{
	fake_run(b->net, ms);
}

const char *
bench_read(struct bench *b, const char *name)
{
	static char text[512 * 1024];
	char path[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", b->dir, name);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}
