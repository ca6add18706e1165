/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the hook host: what hook_host.c (instances, plug-ins) and hook_call.c (calls, programs)
 * share. */
#pragma once
#include "controller/hook_host.h"
#include <stdbool.h>

#define HOOK_RUNNING_MAX 4  /* calls of an instance at once */
#define HOOK_STARTS_MAX	 10 /* in a minute */

struct hook_instance {
	char *name;
	struct hooks *hooks;
	const struct hook_type *type;
	void *inst;
	struct hook_host host;
	int64_t started_ms[HOOK_STARTS_MAX]; /* a ring */
	unsigned starts, running;
	unsigned failures;     /* in a row */
	int64_t open_until_ms; /* the circuit; -1: closed */
	struct hook_instance *next;
};
struct hooks {
	struct hooks_env env;
	struct hook_instance *instances;
	struct hook_call *calls;
	struct hook_child *children;
	struct plugin *plugins;
	struct posts *posts;
	bool closing;
};

int64_t hooks_now(const struct hooks *h);

/* Entries of struct hook_host, hook_call.c. */
void
hook_call_progress(struct hook_call *call, enum hook_phase phase, const char *detail);
void
hook_call_done(struct hook_call *call, enum hook_verdict verdict, const char *detail);
int hook_call_save(struct hook_call *call, const char *key, const char *value);
const char *hook_call_load(struct hook_call *call, const char *key);
struct hooks *hook_call_hooks(struct hook_call *call);
const char *hook_call_name(struct hook_call *call); /* of its instance */
void hook_calls_free(struct hooks *h);

/* hook_child.c */
int
hook_child_spawn(struct hook_call *call, const char *const *argv, const char *const *env,
    const char *input, hook_line_f *line, hook_exit_f *done, void *arg);
int hook_child_kill(struct hook_call *call, int sig);
void
hook_child_forget(struct hook_call *call); /* kills what is left; no callback any more */
void hook_children_free(struct hooks *h);
