/* SPDX-License-Identifier: Apache-2.0
 *
 * What an instance of a hook is given that belongs to no call: its log, time, timers, the way in for
 * other threads, services. */
#include "base/log.h"
#include "controller/hook_call.h"
#include "grasp/io.h"
#include "orchestrator-hooks/event_json.h"
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define EVENT_MAX (256 * 1024)

/* --- calls from other threads --------------------------------------------------------------- */

struct post {
	void (*fn)(void *arg);
	void *arg;
	struct post *next;
};
struct posts {
	pthread_mutex_t lock;
	struct post *first, **end;
	ev_async wake;
};

static struct post *
take_posts(struct posts *p)
{
	struct post *all;

	pthread_mutex_lock(&p->lock);
	all = p->first;
	p->first = NULL;
	p->end = &p->first;
	pthread_mutex_unlock(&p->lock);
	return all;
}

static void
run_posts(struct ev_loop *loop, ev_async *wake, int revents)
{
	struct posts *p = container_of(wake, struct posts, wake);

	(void)loop, (void)revents;
	for (struct post *q = take_posts(p), *next; q; q = next) {
		next = q->next;
		q->fn(q->arg);
		free(q);
	}
}

static int
host_post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
	struct hook_instance *i = arg;
	struct posts *p = i->hooks->posts;
	struct post *q = malloc(sizeof *q);

	if (!q)
		return -ENOMEM;
	*q = (struct post){ fn, fn_arg, NULL };
	pthread_mutex_lock(&p->lock);
	*p->end = q;
	p->end = &q->next;
	pthread_mutex_unlock(&p->lock);
	ev_async_send(i->hooks->env.loop, &p->wake);
	return 0;
}

int
hook_posts_open(struct hooks *h)
{
	struct posts *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->end = &p->first;
	ev_async_init(&p->wake, run_posts);
	ev_async_start(h->env.loop, &p->wake);
	ev_unref(h->env.loop); /* alone it keeps no loop alive */
	h->posts = p;
	return 0;
}

void
hook_posts_close(struct hooks *h)
{
	struct posts *p = h->posts;

	if (!p)
		return;
	for (struct post *q = take_posts(p), *next; q; q = next) {
		next = q->next;
		free(q);
	}
	ev_ref(h->env.loop);
	ev_async_stop(h->env.loop, &p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
	h->posts = NULL;
}

/* --- log and time ------------------------------------------------------------------------------- */

static void
host_log(void *arg, enum hook_level level, const char *text)
{
	const struct hook_instance *i = arg;

	switch (level) {
	case HOOK_ERROR:
		log_errorx("hook", "%s: %s", i->name, text);
		return;
	case HOOK_WARNING:
		log_warnx("hook", "%s: %s", i->name, text);
		return;
	case HOOK_INFO:
		log_info("hook", "%s: %s", i->name, text);
		return;
	case HOOK_DEBUG:
		log_debug("hook", "%s: %s", i->name, text);
		return;
	}
}

static int64_t
host_now(void *arg)
{
	const struct hook_instance *i = arg;

	return hooks_now(i->hooks);
}

static int64_t
host_wall(void *arg)
{
	const struct hook_instance *i = arg;
	struct grasp_io *io = i->hooks->env.io;

	return io->ops->wall(io);
}

struct hook_timer {
	struct hook_timer *next;
	struct hooks *hooks;
	struct grasp_timer *timer;
};

static int
host_timer_new(void *arg, void (*fn)(void *fn_arg), void *fn_arg, struct hook_timer **ret)
{
	struct hook_instance *i = arg;
	struct grasp_io *io = i->hooks->env.io;
	struct hook_timer *t = calloc(1, sizeof *t);
	int rc;

	if (!t)
		return -ENOMEM;
	rc = io->ops->timer_new(io, fn, fn_arg, &t->timer);
	if (rc < 0) {
		free(t);
		return rc;
	}
	t->hooks = i->hooks;
	t->next = i->hooks->timers;
	i->hooks->timers = t;
	*ret = t;
	return 0;
}

static void
host_timer_set(struct hook_timer *t, int64_t delay_ms)
{
	const struct grasp_io_ops *ops = t->hooks->env.io->ops;

	if (delay_ms < 0)
		ops->timer_stop(t->timer);
	else
		ops->timer_set(t->timer, delay_ms);
}

static void
host_timer_free(struct hook_timer *t)
{
	struct hook_timer **at;

	if (!t)
		return;
	for (at = &t->hooks->timers; *at != t;)
		at = &(*at)->next;
	*at = t->next;
	t->hooks->env.io->ops->timer_free(t->timer);
	free(t);
}

/* --- the event as text ------------------------------------------------------------------------ */

static int
host_event_json(
    const struct hook_event *ev, enum hook_phase resume, char *dst, size_t size)
{
	struct buf b;
	int rc;

	buf_init(&b, EVENT_MAX);
	hook_event_json(ev, resume, &b);
	rc = b.err;
	if (!rc) {
		rc = (int)b.pos;
		if (size)
			snprintf(dst, size, "%s", buf_text(&b));
	}
	buf_done(&b);
	return rc;
}

/* --- services ------------------------------------------------------------------------------------- */

struct hook_change {
	struct hook_change *next;
	struct hooks *hooks; /* NULL: they are gone, nobody is told */
	hook_applied_f *done;
	void *arg;
	int err;
	char why[1024];
};

static void
end_change(struct hook_change *c)
{
	struct hook_change **at;

	if (c->hooks) {
		for (at = &c->hooks->changes; *at != c;)
			at = &(*at)->next;
		*at = c->next;
		c->done(c->arg, c->err, c->why);
	}
	free(c);
}

static void
tell_refused(void *arg)
{
	end_change(arg);
}

static void
on_changed(void *arg, int err)
{
	struct hook_change *c = arg;

	c->err = err;
	if (err < 0)
		snprintf(c->why, sizeof c->why, "it was not stored: %s", strerror(-err));
	end_change(c);
}

typedef int change_f(void *arg, const char *what, const char *hook,
    void (*done)(void *done_arg, int err), void *done_arg, char *why, size_t why_len);

static int
change_services(struct hook_instance *i, change_f *fn, const char *what,
    hook_applied_f *done, void *arg)
{
	struct hooks *h = i->hooks;
	struct hook_change *c;

	if (!i->may_apply || !fn)
		return -EPERM;
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	*c = (struct hook_change){ h->changes, h, done, arg, 0, "" };
	h->changes = c;
	c->err =
	    fn(h->env.services.arg, what, i->name, on_changed, c, c->why, sizeof c->why);
	/* what is refused at once is told like the rest: not from inside */
	if (c->err < 0 && host_post(i, tell_refused, c) < 0) {
		h->changes = c->next;
		free(c);
		return -ENOMEM;
	}
	return 0;
}

static int
host_apply(void *arg, const char *yaml, hook_applied_f *done, void *done_arg)
{
	struct hook_instance *i = arg;

	return change_services(i, i->hooks->env.services.apply, yaml, done, done_arg);
}

static int
host_withdraw(void *arg, const char *service, hook_applied_f *done, void *done_arg)
{
	struct hook_instance *i = arg;

	return change_services(
	    i, i->hooks->env.services.withdraw, service, done, done_arg);
}

/* What waits for the store finds nobody to tell; what was refused waits for nobody. */
static void
forget_changes(struct hooks *h)
{
	for (struct hook_change *c = h->changes, *next; c; c = next) {
		next = c->next;
		c->hooks = NULL;
		if (c->err < 0)
			free(c);
	}
	h->changes = NULL;
}

/* --- calls ------------------------------------------------------------------------------------------ */

static bool
is_live(const struct hook_call *call, const char *what)
{
	if (hook_call_is_live(call))
		return true;
	log_warnx("hook", "a plug-in's %s for a call that is over is ignored", what);
	return false;
}

static void
host_progress(struct hook_call *call, enum hook_phase phase, const char *detail)
{
	if (is_live(call, "progress"))
		hook_call_progress(call, phase, detail);
}

static void
host_done(struct hook_call *call, enum hook_verdict verdict, const char *detail)
{
	if (is_live(call, "verdict"))
		hook_call_done(call, verdict, detail);
}

static int
host_save(struct hook_call *call, const char *key, const char *value)
{
	return is_live(call, "note") ? hook_call_save(call, key, value) : -ESTALE;
}

static const char *
host_load(struct hook_call *call, const char *key)
{
	return is_live(call, "note") ? hook_call_load(call, key) : NULL;
}

static int
host_spawn(struct hook_call *call, const char *const *argv, const char *const *env,
    const char *input, hook_line_f *line, hook_exit_f *done, void *arg)
{
	return is_live(call, "program")
	    ? hook_child_spawn(call, argv, env, input, line, done, arg)
	    : -ESTALE;
}

static int
host_kill(struct hook_call *call, int sig)
{
	return is_live(call, "signal") ? hook_child_kill(call, sig) : -ESRCH;
}

static int
host_http(
    struct hook_call *call, const struct hook_http_req *req, hook_http_f *done, void *arg)
{
	return is_live(call, "request") ? hook_transfer_start(call, req, done, arg)
					: -ESTALE;
}

static int
host_when_saved(struct hook_call *call, void (*fn)(void *arg, int err), void *arg)
{
	return is_live(call, "wait") ? hook_saved_wait(call, fn, arg) : -ESTALE;
}

/* --- all of it ------------------------------------------------------------------------------------ */

void
hook_entries_fill(struct hook_instance *i)
{
	i->host = (struct hook_host){ .size = sizeof i->host,
		.abi = HOOK_ABI,
		.arg = i,
		.loop = i->hooks->env.loop,
		.log = host_log,
		.now_ms = host_now,
		.wall_ms = host_wall,
		.post = host_post,
		.timer_new = host_timer_new,
		.timer_set = host_timer_set,
		.timer_free = host_timer_free,
		.event_json = host_event_json,
		.progress = host_progress,
		.done = host_done,
		.save = host_save,
		.load = host_load,
		.spawn = host_spawn,
		.kill = host_kill,
		.http = i->http_client ? host_http : NULL,
		.service_apply = host_apply,
		.service_withdraw = host_withdraw,
		.when_saved = host_when_saved };
}

void
hook_entries_free(struct hooks *h)
{
	while (h->timers)
		host_timer_free(h->timers);
	forget_changes(h);
}
