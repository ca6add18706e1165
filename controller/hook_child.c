/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of hooks. One starts when all that was journalled before is on the disk, and SIGTERM is
 * followed by SIGKILL. */
#include "base/log.h"
#include "base/spawn.h"
#include "controller/hook_call.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

#define TERM_MS	   2000
#define OUTPUT_MAX (2 * 1024 * 1024)

struct hook_child {
	struct hook_child *next;
	struct hooks *hooks;
	struct hook_call *call; /* NULL: nobody listens any more */
	const char *name;	/* of the instance, for the log */
	char **argv, **env;	/* each one allocation */
	char *input;
	struct spawn_child *process; /* NULL: waits for the store, or has ended */
	struct grasp_timer *kill_timer;
	bool waiting, aborted, starting;
	int failed; /* to start, inside hook_child_spawn() */
	hook_line_f *line;
	hook_exit_f *done;
	void *arg;
};

static char **
copy_words(const char *const *words)
{
	size_t n = 0, bytes = 0;
	char **copy, *at;

	for (; words[n]; n++)
		bytes += strlen(words[n]) + 1;
	copy = malloc((n + 1) * sizeof *copy + bytes);
	if (!copy)
		return NULL;
	at = (char *)&copy[n + 1];
	for (size_t i = 0; i < n; i++) {
		copy[i] = at;
		at = stpcpy(at, words[i]) + 1;
	}
	copy[n] = NULL;
	return copy;
}

static void
free_child(struct hook_child *c)
{
	struct hook_child **at = &c->hooks->children;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->kill_timer)
		c->hooks->env.io->ops->timer_free(c->kill_timer);
	free(c->argv);
	free(c->env);
	free(c->input);
	free(c);
}

static void
on_line(void *arg, int fd, const char *line)
{
	struct hook_child *c = arg;

	if (fd == 2)
		log_info("hook", "%s: %s", c->name, line);
	else if (c->call && c->line)
		c->line(c->arg, line);
}

static void
end_child(struct hook_child *c, int status)
{
	hook_exit_f *done = c->call ? c->done : NULL;
	void *arg = c->arg;

	free_child(c);
	if (done)
		done(arg, status);
}

static void
on_exit_status(void *arg, int status)
{
	end_child(arg, status);
}

static void
start_child(void *arg, int err)
{
	struct hook_child *c = arg;
	struct spawn_spec spec = { .argv = (const char *const *)c->argv,
		.env = (const char *const *)c->env,
		.input = slice_text(c->input),
		.output_max = OUTPUT_MAX };

	c->waiting = false;
	if (!err && (c->aborted || !c->call || c->hooks->closing))
		err = -ECANCELED;
	if (!err)
		err = spawn_run(c->hooks->env.spawner, &spec, on_line, on_exit_status, c,
		    &c->process);
	if (!err)
		return;
	if (c->starting)
		c->failed = err;
	else
		end_child(c, err);
}

static void
on_kill_timer(void *arg)
{
	struct hook_child *c = arg;

	if (c->process)
		(void)spawn_kill(c->process, SIGKILL);
}

static int
fill_child(struct hook_child *c, const char *const *argv, const char *const *env,
    const char *input)
{
	static const char *const bare[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL
	};
	struct grasp_io *io = c->hooks->env.io;

	c->argv = copy_words(argv);
	c->env = copy_words(env ? env : bare);
	c->input = strdup(input ? input : "");
	if (!c->argv || !c->env || !c->input)
		return -ENOMEM;
	return io->ops->timer_new(io, on_kill_timer, c, &c->kill_timer);
}

int
hook_child_spawn(struct hook_call *call, const char *const *argv, const char *const *env,
    const char *input, hook_line_f *line, hook_exit_f *done, void *arg)
{
	struct hooks *h = hook_call_hooks(call);
	struct hook_child *c;
	int rc;

	if (!h->env.spawner)
		return -ENOSYS;
	c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	*c = (struct hook_child){ .next = h->children,
		.hooks = h,
		.call = call,
		.name = hook_call_name(call),
		.line = line,
		.done = done,
		.arg = arg };
	h->children = c;
	rc = fill_child(c, argv, env, input);
	if (!rc) {
		c->waiting = c->starting = true;
		store_barrier(h->env.store, start_child, c);
		c->starting = false;
		rc = c->failed;
	}
	if (rc < 0)
		free_child(c);
	return rc;
}

int
hook_child_kill(struct hook_call *call, int sig)
{
	struct hooks *h = hook_call_hooks(call);
	bool any = false;

	for (struct hook_child *c = h->children; c; c = c->next) {
		if (c->call != call)
			continue;
		any = true;
		if (!c->process) {
			c->aborted = true;
			continue;
		}
		(void)spawn_kill(c->process, sig);
		if (sig == SIGTERM)
			h->env.io->ops->timer_set(c->kill_timer, TERM_MS);
	}
	return any ? 0 : -ESRCH;
}

void
hook_child_forget(struct hook_call *call)
{
	struct hooks *h = hook_call_hooks(call);

	(void)hook_child_kill(call, SIGKILL);
	for (struct hook_child *c = h->children; c; c = c->next)
		if (c->call == call)
			c->call = NULL;
}

/* Their processes end with the spawner; it calls nobody back after spawner_stop(). */
void
hook_children_free(struct hooks *h)
{
	while (h->children)
		free_child(h->children);
}
