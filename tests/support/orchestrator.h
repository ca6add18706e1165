/* SPDX-License-Identifier: Apache-2.0
 *
 * A server for the hook http to speak with, see tests/unit/hook_http_server.py, and a bench with the
 * module in it. */
#pragma once
#include "tests/support/hook_bench.h"

struct orchestrator {
	char *dir; /* certificates NAME.pem and NAME.key, secret, token, http.so */
	int pid, in;
	unsigned server, elsewhere, expired, stranger, mutual, plain, old, silent; /* ports */
};
void orchestrator_start(struct orchestrator *o);
void orchestrator_stop(struct orchestrator *o);
/* What it has noted, a line of JSON each; valid until the next. */
const char *orchestrator_log(const struct orchestrator *o);
void orchestrator_forget(const struct orchestrator *o);

/* Hook h at https://127.0.0.1:PORT with this path, and more options, each "name: value\n". */
int orchestrator_hook(const struct orchestrator *o, struct bench *b, unsigned port,
    const char *path, const char *options);
/* Runs both loops until then; fails the test after a minute. */
void orchestrator_run(struct bench *b, bool (*done)(void *arg), void *arg);
void orchestrator_wait(struct bench *b, struct bench_call *c); /* for its verdict */
void orchestrator_wait_log(const struct orchestrator *o, struct bench *b, const char *text);
