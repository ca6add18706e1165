/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's side of orchestrator-hooks/hook.h: instances by configuration, and calls with
 * what the host guarantees, so that no plug-in repeats it: a deadline, SIGKILL and an end after
 * it, one verdict per call, limits per instance, notes that survive a restart, programs that
 * start only when what was journalled before is on the disk. */
#pragma once
#include "base/conf.h"
#include "orchestrator-hooks/hook.h"

struct grasp_io;
struct hook_call;
struct hook_http_provider;
struct hook_instance;
struct hooks;
struct spawner;
struct store;

/* Services, for hooks that may change them. 0: done follows, never from inside; err: -errno and why. */
struct hooks_services {
	int (*apply)(void *arg, const char *yaml, const char *hook,
	    void (*done)(void *done_arg, int err), void *done_arg, char *why,
	    size_t why_len);
	int (*withdraw)(void *arg, const char *service, const char *hook,
	    void (*done)(void *done_arg, int err), void *done_arg, char *why,
	    size_t why_len);
	void *arg;
};
struct hooks_env {
	struct ev_loop *loop;
	struct grasp_io *io;
	struct store *store;
	struct spawner *spawner; /* NULL: programs cannot be run (-ENOSYS) */
	const char *plugin_dir;
	const struct hook_type *const *types;  /* beside those built in; NULL: none */
	struct hooks_services services;	       /* apply NULL: nobody may */
	const struct hook_http_provider *http; /* NULL: http.so in plugin_dir */
};
/* config: name → {type, ...}; may be NULL. -EINVAL with complaints. */
int hooks_new(const struct hooks_env *env, const struct yaml_node *config,
    struct complaints *c, struct hooks **ret) MUST_CHECK;
/* Calls that are open stay so in the journal; nobody is told. Programs that run are the spawner's:
 * it is stopped after this, and the loop does not run in between. */
void hooks_free(struct hooks *h);
DEFINE_FREEP(struct hooks, hooks_free)

struct hook_instance *hooks_find(struct hooks *h, const char *name);
struct hook_instance *hooks_first(struct hooks *h);
struct hook_instance *hooks_next(struct hook_instance *i);
const char *hook_instance_name(const struct hook_instance *i);
const struct hook_type *hook_instance_type(const struct hook_instance *i);
bool hook_instance_wants(const struct hook_instance *i, enum hook_kind kind);
int64_t
hook_instance_patience(const struct hook_instance *i); /* ms it is offered an event */

struct hook_call_ops {
	void (*progress)(void *arg, enum hook_phase phase, const char *detail);
	/* Once, never from inside hook_call_start(); the call is gone afterwards. */
	void (*done)(void *arg, enum hook_verdict verdict, const char *detail);
};
/* -EAGAIN: not now, a limit of the instance, or another call for the same function (err says which);
 * -EINVAL or another: refused, and err says why. resume: taken up again after a restart or an unknown
 * outcome; last: how far it was known to be (0: nothing was heard). If it has come to an end
 * meanwhile, the hook is not called: done() tells what is in the store. */
int hook_call_start(struct hook_instance *i, const struct hook_event *ev, bool resume,
    enum hook_phase last, const struct hook_call_ops *ops, void *arg,
    struct hook_call **ret, char *err, size_t err_len) MUST_CHECK;
void hook_call_update(struct hook_call *call, const struct hook_event *ev);
void hook_call_cancel(struct hook_call *call); /* done() still follows */
/* Nobody waits for it any more. */
void hook_call_drop(struct hook_call *call);

/* What the host reads of an instance itself, beside the options of its type; name NULL ends them. */
extern const struct conf_option hook_host_options[];

/* A tree as JSON: plain scalars that are numbers, true, false or null stay what they are. */
void hook_put_config(struct buf *out, const struct yaml_node *n);
