/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks on their real host, with a real store and real programs; time is the test's. */
#pragma once
#include "controller/hook_host.h"
#include "controller/store.h"
#include "tests/support/io_fake.h"

struct bench_call { /* what was heard of one */
	struct hook_call *call;
	char phases[256]; /* "target_ready(text) …" */
	char detail[256];
	enum hook_verdict verdict; /* 0: none yet */
	unsigned dones;
	char error[512]; /* of a start that failed */
};
struct bench {
	char *dir;
	struct ev_loop *loop;
	struct fake_net *net;
	struct fake_host *host;
	struct store *store;
	struct hooks *hooks;
	struct hooks_services services; /* of the next bench_hooks() */
	char complaints[4096];
};

/* Forks: the first thing of all in main(). */
void bench_start_spawner(void);
void bench_stop_spawner(void);

void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* A file in the directory with these lines, executable. Returns its path, valid until the next. */
const char *bench_script(struct bench *b, const char *name, const char *lines);
/* hooks: of controller.yaml. On failure hooks is NULL and complaints says why. */
int bench_hooks(struct bench *b, const char *yaml, const char *plugin_dir,
    const struct hook_type *const *types);

/* A migration of f from A to C, with what the caller sets of it. */
struct hook_event bench_event(const char *id);
int bench_start(struct bench *b, const char *hook, const struct hook_event *ev,
    bool resume, enum hook_phase last, struct bench_call *c);
void bench_wait(struct bench *b, struct bench_call *c); /* for its verdict */
/* Runs the loop until done(arg); fails the test after 10 s. */
void bench_run_until(struct bench *b, bool (*done)(void *arg), void *arg);
void bench_pass(struct bench *b, int64_t ms); /* of the time that timers see */
/* What is in a file of the directory; "" if it is not there. Valid until the next. */
const char *bench_read(struct bench *b, const char *name);
