/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the hook host: what hook_host.c (instances, plug-ins) and hook_call.c (calls, programs)
 * share. */
#pragma once
#include "controller/hook_host.h"
#include <stdbool.h>

#define HOOK_RUNNING_MAX 4  /* calls of an instance at once */
#define HOOK_STARTS_MAX	 60 /* longest ring */

struct hook_http_provider;
struct posts;

/* Moves and news have one each: no news keep a function from moving. */
struct hook_budget {
	unsigned starts_max;		     /* in a minute */
	int64_t started_ms[HOOK_STARTS_MAX]; /* a ring of starts_max */
	unsigned starts, running;
	unsigned failures;     /* in a row */
	int64_t open_until_ms; /* the circuit; -1: closed */
};
struct hook_instance {
	char *name;
	struct hooks *hooks;
	struct hook_type
	    type; /* a copy: all members are there, whatever its maker knew */
	void *inst;
	struct hook_host host;
	unsigned kinds; /* HOOK_KIND_BIT of what it is told */
	bool may_apply; /* services */
	const struct hook_http_provider *http;
	void *http_client;
	struct hook_budget moves, news;
	int64_t patience_ms;
	struct { /* of the last call that ended */
		enum hook_verdict verdict;
		enum hook_kind kind;
		char detail[256];
		int64_t at_ms; /* wall; 0: there was none */
	} last;
	struct hook_instance *next;
};
struct hooks {
	struct hooks *next; /* of all there are: hook_call_is_live() */
	struct hooks_env env;
	struct hook_instance *instances;
	struct hook_call *calls;
	struct hook_child *children;
	struct hook_transfer *transfers;
	struct hook_wait *waits;
	struct hook_timer *timers;
	struct hook_change *changes;
	struct hook_object *objects;
	struct posts *posts;
	int64_t pruned_ms; /* the verdicts of the store; 0: not yet */
	bool closing;
};

int64_t hooks_now(const struct hooks *h);

/* A plug-in may use a call that is over, by mistake: that must not be our end. */
bool hook_call_is_live(const struct hook_call *call);
void hook_calls_enrol(struct hooks *h);

/* Entries of struct hook_host, hook_call.c. */
void
hook_call_progress(struct hook_call *call, enum hook_phase phase, const char *detail);
void
hook_call_done(struct hook_call *call, enum hook_verdict verdict, const char *detail);
int hook_call_save(struct hook_call *call, const char *key, const char *value);
const char *hook_call_load(struct hook_call *call, const char *key);
struct hooks *hook_call_hooks(struct hook_call *call);
struct hook_instance *hook_call_instance(struct hook_call *call);
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

/* hook_types.c: where types come from. */
struct hook_object; /* a shared object */
/* NULL with a complaint. */
const struct hook_type *
hook_types_find(struct hooks *h, const struct yaml_node *at, struct complaints *c);
const struct hook_http_provider *
hook_types_http(struct hooks *h, const struct yaml_node *at, struct complaints *c);
void hook_objects_free(struct hooks *h);

/* hook_entries.c: what an instance is given that is of no call. */
int hook_posts_open(struct hooks *h);
void hook_posts_close(struct hooks *h);
void hook_entries_fill(struct hook_instance *i);
void hook_entries_free(struct hooks *h); /* timers, changes of services */

/* hook_transfer.c: requests over HTTP. */
int hook_transfer_open(
    struct hook_instance *i, const struct yaml_node *config, struct complaints *c);
int hook_transfer_start(struct hook_call *call, const struct hook_http_req *req,
    hook_http_f *done, void *arg);
void hook_transfer_forget(struct hook_call *call);
void hook_transfers_free(struct hooks *h);

/* hook_saved.c */
int hook_saved_wait(struct hook_call *call, void (*fn)(void *arg, int err), void *arg);
void hook_saved_forget(struct hook_call *call);
