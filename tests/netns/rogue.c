/* SPDX-License-Identifier: Apache-2.0
 *
 * A plug-in that breaks its promises, for tests/netns/hooks.sh. Built outside of the tree, as others
 * would. What it does wrong stands in its configuration: twice, late, never, stale or blocks. */
#include <errno.h>
#include <fogwatch/hook.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LATE_MS 12500 /* behind the deadline and all that the host grants after it */

struct rogue {
	const struct hook_host *host;
	const char *wrong;
	struct hook_timer *timer;
	struct hook_call *call;
};

static void
answer_late(void *arg)
{
	struct rogue *r = arg;

	r->host->done(r->call, HOOK_FAILED_CLEAN, "much too late");
}

/* Of a call that is long gone. */
static void
answer_again(void *arg)
{
	struct rogue *r = arg;

	r->host->done(r->call, HOOK_FAILED_CLEAN, "once more");
	r->host->progress(r->call, HOOK_SOURCE_DRAINED, "and more");
}

static int
rogue_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	static const char *const wrongs[] = { "twice", "late", "never", "stale",
		"blocks" };
	struct rogue *r = calloc(1, sizeof *r);

	(void)err, (void)err_len;
	if (!r)
		return -ENOMEM;
	r->host = host;
	r->wrong = "";
	for (size_t i = 0; i < sizeof wrongs / sizeof *wrongs; i++)
		if (strstr(config_json, wrongs[i]))
			r->wrong = wrongs[i];
	*ret_inst = r;
	return host->timer_new(host->arg,
	    !strcmp(r->wrong, "stale") ? answer_again : answer_late, r, &r->timer);
}

static int
rogue_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst, (void)ev, (void)err, (void)err_len;
	return 0;
}

static int
rogue_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	struct rogue *r = inst;

	(void)ev;
	r->call = call;
	r->host->progress(call, HOOK_ACCEPTED, "");
	if (!strcmp(r->wrong, "late")) {
		r->host->timer_set(r->timer, LATE_MS);
	} else if (!strcmp(r->wrong, "twice")) {
		r->host->done(call, HOOK_DONE, "first");
		r->host->done(call, HOOK_FAILED_CLEAN, "second");
	} else if (!strcmp(r->wrong, "stale")) {
		r->host->done(call, HOOK_DONE, "first");
		r->host->timer_set(r->timer, 500);
	} else if (!strcmp(r->wrong, "blocks")) {
		nanosleep(&(struct timespec){ .tv_nsec = 300 * 1000000L }, NULL);
		r->host->done(call, HOOK_DONE, "after a nap");
	}
	return 0;
}

/* Whoever asks what has come of it is told. */
static int
rogue_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	struct rogue *r = inst;

	(void)ev, (void)last;
	r->host->done(call, HOOK_DONE, "it had worked");
	return 0;
}

static void
rogue_cancel(void *inst, struct hook_call *call)
{
	(void)inst, (void)call;
}

static void
rogue_close(void *inst)
{
	free(inst);
}

extern const struct hook_type hook_type;
HOOK_EXPORT const struct hook_type hook_type = {
	HOOK_TYPE,
	.name = "rogue",
	.help = "breaks its promises",
	.caps = HOOK_CAN_CANCEL | HOOK_CAN_RESUME,
	.open = rogue_open,
	.check = rogue_check,
	.start = rogue_start,
	.cancel = rogue_cancel,
	.resume = rogue_resume,
	.close = rogue_close,
};
