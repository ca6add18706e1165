/* SPDX-License-Identifier: Apache-2.0
 *
 * The interface between the controller and an orchestrator plug-in, ABI 1. See fogwatch-hooks(7).
 *
 * A hook_type says what a plug-in can do; open() makes an instance (one type may be configured
 * twice); the host opens one hook_call per situation and hands it to start(). The call lives until
 * the plug-in calls host->done() on it, exactly once.
 *  1 start, update, cancel and resume return at once; waiting is done in children (host->spawn).
 *  2 everything happens in the loop thread.
 *  3 same event id and generation = same end state, however often it is started.
 *  4 before HOOK_SWITCHED a failure leaves the source serving and the target gone; after it the
 *    plug-in rolls forward. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOOK_ABI 1

struct ev_loop;
struct hook_call;

enum hook_kind {
	HOOK_MIGRATE = 1,
	HOOK_NODE_LOST,
	HOOK_NODE_JOINED,
	HOOK_SERVICE_DEGRADED,
	HOOK_CONNECTIVITY_UPDATE,
	HOOK_PREDICTION_CLEARED,
};
enum hook_stage { HOOK_PREPARE = 1, HOOK_COMMIT }; /* of a migration */
enum hook_phase {
	HOOK_ACCEPTED = 1,
	HOOK_TARGET_STARTING,
	HOOK_TARGET_READY,
	HOOK_SWITCHED,
	HOOK_SOURCE_DRAINED,
};
enum hook_verdict {
	HOOK_DONE = 1,
	HOOK_ALREADY, /* wanted state was already true: a success */
	HOOK_REFUSED, /* for good (unknown target, policy): next candidate, no retry */
	HOOK_RETRY,   /* nothing changed: the same candidate later */
	HOOK_FAILED_CLEAN, /* target removed, source serves: next candidate */
	HOOK_FAILED_UNKNOWN, /* outcome unknown: the host asks by resume() or tells the operator */
	HOOK_CANCELLED, /* cancel() honoured before HOOK_SWITCHED */
	HOOK_FENCED,	/* the orchestrator has seen a higher generation */
};
enum hook_cap {
	HOOK_CAN_PREPARE = 1,
	HOOK_CAN_DRY_RUN = 2,
	HOOK_CAN_CANCEL = 4,
	HOOK_CAN_STATE = 8,
	HOOK_CAN_RESUME = 16,
	HOOK_CAN_OVERLAP = 32,
};

struct hook_event {	/* valid during the call only: copy what you keep */
	size_t size;	/* sizeof; grows at the end only */
	const char *id; /* one per situation; stays over updates, retries and fail-over */
	uint32_t rev;	/* +1 per update of the open event */
	enum hook_kind kind;
	enum hook_stage stage;
	bool dry_run, stateful, break_ok;
	const char *service, *function, *instance;
	uint64_t generation; /* with function: the fencing token */
	const char *source;
	const char *const *candidates; /* ranked; [0] is the target */
	size_t candidates_len;
	const char *reason; /* "node_power_supply_voltage_volts < 3.2" */
	double probability;
	int64_t due_ms;	     /* predicted time of the failure, unix ms; 0 unknown */
	int64_t deadline_ms; /* the host cancels after this many ms */
	int64_t drain_ms;    /* keep the source this long after the switch */
	const char *evidence_json, *params_json;
};

typedef void hook_line_f(void *arg, const char *line);
typedef void hook_exit_f(void *arg, int status); /* wait status, or -errno: not started */

struct hook_http_req {
	const char *method, *path, *content_type, *body;
	const char *const *headers;
	int timeout_ms;
};
typedef void hook_http_f(void *arg, int status, const char *location, int retry_after_s,
    const char *body, size_t body_len);

struct hook_host {
	int abi;
	struct ev_loop *loop;
	void *arg;
	void (*log)(void *arg, int level, const char *msg); /* level: 0 error … 3 debug */
	/* In the journal before anything that the call does through the host afterwards: spawn and
	 * http wait for it. So does save. */
	void (*progress)(struct hook_call *, enum hook_phase, const char *detail);
	void (*done)(struct hook_call *, enum hook_verdict, const char *detail);
	/* Survives restart and fail-over. */
	int (*save)(struct hook_call *, const char *key, const char *value);
	const char *(*load)(struct hook_call *, const char *key);
	/* argv without a shell, exactly this environment, own process group; stderr goes to the
	 * log. -errno: exit is not called. kill: SIGTERM is followed by SIGKILL 2 s later. */
	int (*spawn)(struct hook_call *, const char *const *argv, const char *const *env,
	    const char *input, hook_line_f *, hook_exit_f *, void *arg);
	int (*kill)(struct hook_call *, int sig);
	int (*http)(struct hook_call *, const struct hook_http_req *, hook_http_f *,
	    void *arg); /* -ENOSYS: built without */
	int (*post)(void *arg, void (*fn)(void *), void *fn_arg); /* from any thread */
};

struct hook_type {
	int abi;
	const char *name, *help;
	unsigned caps; /* enum hook_cap */
	int (*open)(const struct hook_host *, const char *config_json, void **ret_inst,
	    char *err, size_t err_len);
	/* No I/O: 0 or -EINVAL. */
	int (*check)(void *inst, const struct hook_event *, char *err, size_t err_len);
	/* 0: done() will follow; -errno: refused, no done(). */
	int (*start)(void *inst, const struct hook_event *, struct hook_call *);
	int (*update)(
	    void *inst, const struct hook_event *, struct hook_call *); /* may be NULL */
	void (*cancel)(void *inst, struct hook_call *); /* done() still follows */
	int (*resume)(void *inst, const struct hook_event *, enum hook_phase last,
	    struct hook_call *);			      /* may be NULL */
	int (*health)(void *inst, char *msg, size_t msg_len); /* may be NULL */
	void (*close)(void *inst);
};

extern const struct hook_type *const hook_types[]; /* NULL-terminated: hooks.c */
const struct hook_type *hook_type_find(const char *name);
const char *hook_kind_name(enum hook_kind);	       /* "migrate" */
const char *hook_phase_name(enum hook_phase);	       /* "target_ready" */
const char *hook_verdict_name(enum hook_verdict);      /* "failed_clean" */
enum hook_phase hook_phase_find(const char *name);     /* 0: unknown */
enum hook_verdict hook_verdict_find(const char *name); /* 0: unknown */
