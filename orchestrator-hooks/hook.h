/* SPDX-License-Identifier: Apache-2.0
 *
 * <fogwatch/hook.h>: the interface between fogwatch-controller (the host) and an orchestrator
 * plug-in, ABI 1. It needs nothing but this header and libc; fogwatch-hooks(7) tells how to build
 * and install one.
 *
 * A plug-in is a shared object NAME.so in the controller's hooks directory (pkg-config --variable
 * =hooksdir fogwatch-hook) that defines
 *
 *	HOOK_EXPORT const struct hook_type hook_type = { HOOK_TYPE, .name = "NAME", ... };
 *
 * open() makes an instance of it: one type may be configured several times. The host opens one
 * hook_call per situation and hands it to start(); it lives until the plug-in calls host->done()
 * on it, exactly once.
 *
 *  1 All callbacks run in the host's one thread, and return at once. Waiting is done in programs
 *    (host->spawn), requests (host->http), timers, or threads of the plug-in's own. From another
 *    thread host->post is the only entry that may be used.
 *  2 What a callback is given (events, texts, replies) is valid until it returns: copy what you
 *    keep. What the host is given is copied by it. Texts are UTF-8 and end with NUL.
 *  3 The same event id and generation lead to the same end, however often it is started.
 *  4 Before HOOK_SWITCHED a failure leaves the source serving and the target gone; after it the
 *    plug-in rolls forward.
 *
 * Structs grow at the end only, and begin with their size: a member that an older one did not have
 * is asked for with HOOK_HAS. HOOK_ABI changes when that is not enough, and each side refuses the
 * other then: the host by hook_type.abi, a plug-in by hook_host.abi in open(). Size and abi stay
 * where they are for ever. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOOK_ABI    1
#define HOOK_EXPORT __attribute__((visibility("default")))
#define HOOK_TYPE   .size = sizeof(struct hook_type), .abi = HOOK_ABI
/* HOOK_HAS(host, struct hook_host, http): is the member there, and set? */
#define HOOK_HAS(ptr, type, member)                                             \
	((ptr)->size >= offsetof(type, member) + sizeof(((type *)0)->member) && \
	    (ptr)->member)

struct ev_loop; /* of libev */
struct hook_call;
struct hook_timer;

enum hook_kind {
	HOOK_MIGRATE = 1,	  /* a function has to leave its node */
	HOOK_NODE_LOST,		  /* source is gone */
	HOOK_NODE_JOINED,	  /* source is there, and suits as a candidate */
	HOOK_SERVICE_DEGRADED,	  /* a requirement is violated on source, now */
	HOOK_CONNECTIVITY_UPDATE, /* a function has another node and address */
	HOOK_PREDICTION_CLEARED,  /* what was predicted of source will not happen */
};
/* Of a migration. A HOOK_PREDICTION_CLEARED of the same id and stage HOOK_PREPARE asks to undo what
 * preparing has left on the candidates. */
enum hook_stage {
	HOOK_PREPARE = 1, /* images, a standby: nothing that anybody notices */
	HOOK_COMMIT,
};
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
enum hook_cap {		      /* what the host may ask for */
	HOOK_CAN_PREPARE = 1, /* stage HOOK_PREPARE, and to undo it */
	HOOK_CAN_DRY_RUN = 2,
	HOOK_CAN_CANCEL = 4,
	HOOK_CAN_STATE = 8, /* the state of a stateful function moves with it */
	HOOK_CAN_RESUME = 16,
	HOOK_CAN_OVERLAP = 32, /* the target serves before the source stops */
};
#define HOOK_KIND_BIT(kind) (1u << (kind))
#define HOOK_KINDS_ALL	    0x7eu

struct hook_event {
	size_t size;
	const char *id; /* one per situation; stays over updates, retries and fail-over */
	uint32_t rev;	/* 1, then +1 per update of the open event */
	enum hook_kind kind;
	enum hook_stage stage; /* HOOK_COMMIT of all kinds but as said above */
	/* exclusive: there are never two active copies of the function.
	 * break_ok: the source may stop before the target is ready. */
	bool dry_run, stateful, exclusive, break_ok;
	const char *service;
	const char *function;	    /* NULL: the event is about the service as a whole */
	const char *instance;	    /* "service/function", or the service */
	uint64_t generation;	    /* with function: the fencing token; 0 without */
	const char *source;	    /* name of the node; NULL: none is concerned */
	const char *source_address; /* NULL: not known */
	const char *const *candidates; /* names of nodes, ranked; [0] is the target */
	const char *const *addresses;  /* of the candidates; "" not known */
	size_t candidates_len;
	const char *reason;  /* a sentence for people */
	double probability;  /* of the failure, 0 to 1; NaN: does not apply */
	int64_t due_ms;	     /* predicted time of the failure, unix ms; 0: not known */
	int64_t deadline_ms; /* the host cancels so many ms after start() */
	int64_t drain_ms;    /* keep the source so many ms after the switch */
	const char *evidence_json; /* an object with what it is about; NULL: none */
};

/* --- what a plug-in may use -------------------------------------------------------------------- */
enum hook_level { HOOK_ERROR, HOOK_WARNING, HOOK_INFO, HOOK_DEBUG };

/* A line of output without its end, cut at 4 KiB. */
typedef void hook_line_f(void *arg, const char *line);
/* Once, after the last line. Status as of waitpid(2), or -errno: it could not be started. */
typedef void hook_exit_f(void *arg, int status);

struct hook_http_req {
	size_t size;
	const char *method; /* "GET"; NULL: by body, GET or POST */
	const char *path;   /* appended to the URL of the configuration; or https://... */
	const char *content_type;   /* of the body; NULL: application/json */
	const char *const *headers; /* "Name: value", NULL at the end; NULL: none */
	const char *body;	    /* NULL: none */
	size_t body_len;
	int timeout_ms; /* of all of it; 0: the configured one */
	/* A reply that never ends, a watch for example: told as it comes, not kept. NULL: kept. */
	void (*data)(void *arg, const char *bytes, size_t len);
};
struct hook_http_reply {
	size_t size;
	int status; /* 200 ...; or -errno: there was no reply, and error says why */
	const char *error;    /* NULL with a status */
	const char *location; /* absolute; NULL: none */
	int retry_after_s;    /* -1: not said */
	const char *const
	    *headers;	  /* "Name: value", NULL at the end; NULL with an error */
	const char *body; /* NUL after the last byte; "" none */
	size_t body_len;
};
/* Once, never from inside host->http; not at all when the call has ended meanwhile. */
typedef void hook_http_f(void *arg, const struct hook_http_reply *reply);

/* err 0: it is in force and on the disk; else -errno, and text says why. Once, never from inside. */
typedef void hook_applied_f(void *arg, int err, const char *text);

struct hook_host { /* one per instance, from open() to close() */
	size_t size;
	int abi;
	void *arg;	      /* the first argument of what takes one here */
	struct ev_loop *loop; /* for a plug-in that links libev 4 itself */
	void (*log)(void *arg, enum hook_level level, const char *text);
	int64_t (*now_ms)(void *arg);  /* monotonic, suspend included */
	int64_t (*wall_ms)(void *arg); /* since 1970 */
	/* fn is called in the host's thread, soon and in order; not after close(). From any thread,
	 * but one that is still at work when close() returns. -ENOMEM. */
	int (*post)(void *arg, void (*fn)(void *fn_arg), void *fn_arg);
	/* A timer fires once for each setting; a setting replaces the one before. < 0: none. Those
	 * that are left are freed after close(). */
	int (*timer_new)(
	    void *arg, void (*fn)(void *fn_arg), void *fn_arg, struct hook_timer **ret);
	void (*timer_set)(struct hook_timer *timer, int64_t delay_ms);
	void (*timer_free)(struct hook_timer *timer); /* NULL is fine */
	/* The event as exec and http tell it, one line of JSON; resume: 0 or the last phase. Returns
	 * its length without the NUL, whatever fits; -errno. */
	int (*event_json)(
	    const struct hook_event *, enum hook_phase resume, char *dst, size_t size);

	/* Of a call. Progress only goes forward. What is told or saved is in the journal before
	 * anything that the call does through the host afterwards: spawn and http wait for it. */
	void (*progress)(struct hook_call *, enum hook_phase, const char *detail);
	/* Ends the call: it may be used no more. What it has still running is stopped. */
	void (*done)(struct hook_call *, enum hook_verdict, const char *detail);
	/* Survives restart and fail-over, until a week after the end. 32 keys, 4 KiB each. -ENOSPC,
	 * -EMSGSIZE, -ENOMEM. load: valid until the next save or the end of the call; NULL: none. */
	int (*save)(struct hook_call *, const char *key, const char *value);
	const char *(*load)(struct hook_call *, const char *key);
	/* argv without a shell, exactly this environment (NULL: a PATH alone), a process group of its
	 * own; stderr goes to the log, stdout to line. -errno: exit is not called. */
	int (*spawn)(struct hook_call *, const char *const *argv, const char *const *env,
	    const char *input, hook_line_f *line, hook_exit_f *exit, void *arg);
	/* Its process groups. SIGTERM is followed by SIGKILL 2 s later. -ESRCH: there is none. */
	int (*kill)(struct hook_call *, int sig);
	/* To the server of `http:` in the instance's configuration; NULL without that. -errno: done is
	 * not called. */
	int (*http)(struct hook_call *, const struct hook_http_req *, hook_http_f *done,
	    void *arg);
	/* For an instance that is configured with `services: yes`, else -EPERM: adds or replaces the
	 * service of this description, withdraws one by its name. done is not called after close(). */
	int (*service_apply)(
	    void *arg, const char *yaml, hook_applied_f *done, void *done_arg);
	int (*service_withdraw)(
	    void *arg, const char *service, hook_applied_f *done, void *done_arg);
	/* For what is done by means of the plug-in's own: fn is called, perhaps from inside, when all
	 * that was told and saved of the call is on the disk, or err says that it is not. Not at all
	 * when the call has ended meanwhile. -ENOMEM. */
	int (*when_saved)(struct hook_call *, void (*fn)(void *arg, int err), void *arg);
};

/* --- what a plug-in is ----------------------------------------------------------------------------- */
struct hook_type {
	size_t size;
	int abi;
	const char *name, *help; /* name: of the file without .so */
	unsigned caps;		 /* enum hook_cap */
	unsigned
	    kinds; /* HOOK_KIND_BIT of what it is told unless `events:` of the instance says
			 * otherwise; 0: HOOK_MIGRATE */
	/* host lives until after close(); config_json is an object with the instance's own options.
	 * -errno: refused, with err; *ret_inst is not looked at then, and close() not called. */
	int (*open)(const struct hook_host *host, const char *config_json,
	    void **ret_inst, char *err, size_t err_len);
	/* Without waiting for anything: 0, or -EINVAL and why. */
	int (*check)(void *inst, const struct hook_event *, char *err, size_t err_len);
	/* 0: done() will follow, or was called already; -errno: refused, no done(). */
	int (*start)(void *inst, const struct hook_event *, struct hook_call *);
	/* The open event has changed. May be NULL; its result is not looked at. */
	int (*update)(void *inst, const struct hook_event *, struct hook_call *);
	/* Stop if that is still possible; done() follows all the same, within 5 s. */
	void (*cancel)(void *inst, struct hook_call *);
	/* Instead of start() when it is not known what came of it; last: how far it is known to have
	 * come, 0: nothing was heard. Ask first, then act. As start(); NULL: start() is called. */
	int (*resume)(void *inst, const struct hook_event *, enum hook_phase last,
	    struct hook_call *);
	/* For operators: 0, or -errno and msg says what is wrong. May be NULL. */
	int (*health)(void *inst, char *msg, size_t msg_len);
	/* Calls may still be open: they are not ended, resume() takes them up after the restart. */
	void (*close)(void *inst);
};

/* --- words --------------------------------------------------------------------------------------------- */
/* As in the JSON of an event, and in what programs and servers answer. "" and 0: there is none such. */
static inline const char *
hook_kind_name(enum hook_kind k)
{
	static const char *const name[] = { "", "migrate", "node_lost", "node_joined",
		"service_degraded", "connectivity_update", "prediction_cleared" };

	return (unsigned)k < sizeof name / sizeof *name ? name[k] : "";
}

static inline const char *
hook_phase_name(enum hook_phase p)
{
	static const char *const name[] = { "", "accepted", "target_starting",
		"target_ready", "switched", "source_drained" };

	return (unsigned)p < sizeof name / sizeof *name ? name[p] : "";
}

static inline const char *
hook_verdict_name(enum hook_verdict v)
{
	static const char *const name[] = { "", "done", "already", "refused", "retry",
		"failed_clean", "failed_unknown", "cancelled", "fenced" };

	return (unsigned)v < sizeof name / sizeof *name ? name[v] : "";
}

static inline enum hook_kind
hook_kind_find(const char *name)
{
	int k = HOOK_PREDICTION_CLEARED;

	while (k && strcmp(hook_kind_name((enum hook_kind)k), name))
		k--;
	return (enum hook_kind)k;
}

static inline enum hook_phase
hook_phase_find(const char *name)
{
	int p = HOOK_SOURCE_DRAINED;

	while (p && strcmp(hook_phase_name((enum hook_phase)p), name))
		p--;
	return (enum hook_phase)p;
}

static inline enum hook_verdict
hook_verdict_find(const char *name)
{
	int v = HOOK_FENCED;

	while (v && strcmp(hook_verdict_name((enum hook_verdict)v), name))
		v--;
	return (enum hook_verdict)v;
}

#ifdef __cplusplus
}
#endif
