/* SPDX-License-Identifier: Apache-2.0
 *
 * "courier": an example of a plug-in for fogwatch-controller, to begin one's own with; see
 * fogwatch-hooks(7). It moves functions by writing a letter for each step to the end of a file:
 *
 *	hooks:
 *	  post: {type: courier, file: /var/lib/fogwatch-controller/letters}
 *
 * What takes time is done by a thread of its own, as with any library that blocks. The thread
 * reaches the controller through host->post alone; all else happens in the controller's thread. */
#include <errno.h>
#include <fogwatch/hook.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct errand {			 /* of one call */
	struct errand *next;	 /* of all that are open */
	struct errand *next_job; /* in the queue, under the lock */
	struct courier *courier;
	struct hook_call *call;
	char id[80], function[160], source[80], target[80];
	unsigned long long generation;
	bool cancelled; /* under the lock */
};
struct courier { /* one per instance */
	const struct hook_host *host;
	char file[512];
	struct errand *all; /* of the controller's thread: calls that are open */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct errand *queue, **end; /* under the lock, as stopping */
	bool stopping;
};
struct letter { /* from the thread to the loop */
	struct courier *courier;
	struct errand *errand;
	enum hook_phase phase;
	enum hook_verdict verdict;
};

/* --- in the controller's thread --------------------------------------------------------------- */

static void
end_errand(struct errand *e)
{
	struct errand **at = &e->courier->all;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e);
}

static void
deliver(void *arg)
{
	struct letter l = *(struct letter *)arg;
	const struct hook_host *host = l.courier->host;
	char detail[128];

	free(arg);
	if (l.phase) {
		host->progress(l.errand->call, l.phase, "");
		return;
	}
	snprintf(detail, sizeof detail, "by courier to %s", l.errand->target);
	host->done(l.errand->call, l.verdict, detail); /* the call is gone now */
	end_errand(l.errand);
}

/* --- in the thread of ours ------------------------------------------------------------------- */

static void
send(struct errand *e, enum hook_phase phase, enum hook_verdict verdict)
{
	struct courier *c = e->courier;
	struct letter *l = malloc(sizeof *l);

	if (!l)
		return; /* the controller cancels the call at its deadline */
	*l = (struct letter){ c, e, phase, verdict };
	if (c->host->post(c->host->arg, deliver, l) < 0)
		free(l);
}

static int
write_line(const struct errand *e, const char *what)
{
	FILE *f = fopen(e->courier->file, "a");

	if (!f)
		return -errno;
	fprintf(f, "%s %s %s %s -> %s generation %llu\n", e->id, what, e->function,
	    e->source, e->target, e->generation);
	return fclose(f) ? -errno : 0;
}

static bool
is_cancelled(struct errand *e)
{
	bool cancelled;

	pthread_mutex_lock(&e->courier->lock);
	cancelled = e->cancelled || e->courier->stopping;
	pthread_mutex_unlock(&e->courier->lock);
	return cancelled;
}

/* The order of the phases is the promise: the source is left alone until the target is ready. */
static void
run(struct errand *e)
{
	static const enum hook_phase before[] = { HOOK_ACCEPTED, HOOK_TARGET_STARTING,
		HOOK_TARGET_READY };

	for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
		if (is_cancelled(e)) {
			send(e, 0, HOOK_CANCELLED);
			return;
		}
		send(e, before[i], 0);
		if (write_line(e, hook_phase_name(before[i])) < 0) {
			send(e, 0, HOOK_FAILED_CLEAN);
			return;
		}
	}
	send(e, HOOK_SWITCHED, 0); /* from here on there is no way back */
	(void)write_line(e, "switched");
	send(e, 0, HOOK_DONE);
}

static void *
work(void *arg)
{
	struct courier *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		struct errand *e = c->queue;

		if (!e) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		c->queue = e->next_job;
		if (!c->queue)
			c->end = &c->queue;
		pthread_mutex_unlock(&c->lock);
		run(e);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* --- what the controller calls ------------------------------------------------------------------ */

/* Enough for one option; a plug-in with more of them takes a JSON library. */
static bool
read_text(const char *json, const char *key, char *dst, size_t size)
{
	const char *at = strstr(json, key), *end;

	at = at ? strchr(at + strlen(key), ':') : NULL;
	at = at ? strchr(at, '"') : NULL;
	end = at ? strchr(at + 1, '"') : NULL;
	if (!end || (size_t)(end - at) > size)
		return false;
	snprintf(dst, size, "%.*s", (int)(end - at - 1), at + 1);
	return true;
}

static int
courier_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	struct courier *c;

	if (host->abi != HOOK_ABI || !HOOK_HAS(host, struct hook_host, post)) {
		snprintf(err, err_len, "this controller is of another version");
		return -EPROTONOSUPPORT;
	}
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->host = host;
	c->end = &c->queue;
	if (!read_text(config_json, "\"file\"", c->file, sizeof c->file)) {
		snprintf(err, err_len, "file: where do the letters go?");
		free(c);
		return -EINVAL;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (pthread_create(&c->thread, NULL, work, c)) {
		snprintf(err, err_len, "no thread");
		free(c);
		return -EAGAIN;
	}
	*ret_inst = c;
	return 0;
}

static int
courier_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst;
	if (ev->kind != HOOK_MIGRATE)
		return 0;
	if (ev->candidates_len)
		return 0;
	snprintf(err, err_len, "there is nobody to bring it to");
	return -EINVAL;
}

/* Whatever is kept of the event is copied: it is gone when this returns. */
static struct errand *
make_errand(struct courier *c, const struct hook_event *ev, struct hook_call *call)
{
	struct errand *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	e->courier = c;
	e->call = call;
	e->generation = ev->generation;
	snprintf(e->id, sizeof e->id, "%s", ev->id);
	snprintf(e->function, sizeof e->function, "%s", ev->instance);
	snprintf(e->source, sizeof e->source, "%s", ev->source ? ev->source : "-");
	snprintf(e->target, sizeof e->target, "%s",
	    ev->candidates_len ? ev->candidates[0] : "-");
	e->next = c->all;
	c->all = e;
	return e;
}

static int
courier_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	struct courier *c = inst;
	struct errand *e;
	char text[256];

	if (ev->dry_run || ev->kind != HOOK_MIGRATE) {
		snprintf(text, sizeof text, "%s %s of %s",
		    ev->dry_run ? "would do" : "read", hook_kind_name(ev->kind),
		    ev->instance);
		c->host->done(call, HOOK_DONE, text);
		return 0;
	}
	e = make_errand(c, ev, call);
	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&c->lock);
	*c->end = e;
	c->end = &e->next_job;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

/* A letter written twice says the same twice: to start again is all that is needed here. */
static int
courier_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	(void)last;
	return courier_start(inst, ev, call);
}

static void
courier_cancel(void *inst, struct hook_call *call)
{
	struct courier *c = inst;

	for (struct errand *e = c->all; e; e = e->next) {
		if (e->call != call)
			continue;
		pthread_mutex_lock(&c->lock);
		e->cancelled = true;
		pthread_mutex_unlock(&c->lock);
	}
}

static int
courier_health(void *inst, char *msg, size_t msg_len)
{
	struct courier *c = inst;
	FILE *f = fopen(c->file, "a");

	if (!f) {
		snprintf(msg, msg_len, "%s: %s", c->file, strerror(errno));
		return -EIO;
	}
	fclose(f);
	return 0;
}

/* The thread is gone before this returns: nothing is posted any more. */
static void
courier_close(void *inst)
{
	struct courier *c = inst;

	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	while (c->all)
		end_errand(c->all);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

extern const struct hook_type hook_type;
HOOK_EXPORT const struct hook_type hook_type = {
	HOOK_TYPE,
	.name = "courier",
	.help = "moves functions by letter, from a thread of its own",
	.caps = HOOK_CAN_DRY_RUN | HOOK_CAN_CANCEL | HOOK_CAN_RESUME | HOOK_CAN_OVERLAP,
	.kinds = HOOK_KINDS_ALL,
	.open = courier_open,
	.check = courier_check,
	.start = courier_start,
	.cancel = courier_cancel,
	.resume = courier_resume,
	.health = courier_health,
	.close = courier_close,
};
