/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/orchestrator.h"
#include "base/clock.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 2

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Who may write to a directory of plug-ins is looked at; that of a build is as it is. */
static void
copy_module(const char *dir)
{
	int from = open(BUILDDIR "/orchestrator-hooks/http.so", O_RDONLY | O_CLOEXEC), to;
	char path[512];
	struct stat st;
	off_t at = 0;

	snprintf(path, sizeof path, "%s/http.so", dir);
	to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_true(from >= 0 && to >= 0);
	assert_int_equal(fstat(from, &st), 0);
	while (at < st.st_size)
		assert_true(sendfile(to, from, &at, (size_t)(st.st_size - at)) > 0);
	close(from);
	close(to);
}

static void
run_server(const char *dir, int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	execl("/usr/bin/python3", "python3", SRCDIR "/tests/unit/hook_http_server.py",
	    dir, (char *)NULL);
	_exit(127);
}

static unsigned
read_port(const char *ports, const char *name)
{
	char key[64];
	const char *at;
	unsigned port = 0;

	snprintf(key, sizeof key, "\"%s\": ", name);
	at = strstr(ports, key);
	assert_non_null(at);
	assert_int_equal(sscanf(at + strlen(key), "%u", &port), 1);
	return port;
}

void
orchestrator_start(struct orchestrator *o)
{
	int in[2], out[2];
	char ports[1024];
	FILE *f;

	o->dir = tempdir_new();
	write_file(o->dir, "secret", "0123456789abcdef0123456789abcdef\n");
	write_file(o->dir, "token", "bearer-of-marker\n");
	copy_module(o->dir);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	o->pid = fork();
	if (!o->pid)
		run_server(o->dir, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	o->in = in[1];
	f = fdopen(out[0], "r");
	if (!f || !fgets(ports, sizeof ports, f))
		fail_msg("the server did not start");
	fclose(f);
	o->server = read_port(ports, "server");
	o->elsewhere = read_port(ports, "elsewhere");
	o->expired = read_port(ports, "expired");
	o->stranger = read_port(ports, "stranger");
	o->mutual = read_port(ports, "mutual");
	o->plain = read_port(ports, "plain");
	o->old = read_port(ports, "old");
	o->silent = read_port(ports, "silent");
}

void
orchestrator_stop(struct orchestrator *o)
{
	close(o->in);
	kill(o->pid, SIGKILL);
	waitpid(o->pid, NULL, 0);
	tempdir_remove(o->dir);
}

const char *
orchestrator_log(const struct orchestrator *o)
{
	static char text[1024 * 1024];
	char path[512];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/requests", o->dir);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, sizeof text - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	return text;
}

void
orchestrator_forget(const struct orchestrator *o)
{
	char path[512];

	snprintf(path, sizeof path, "%s/requests", o->dir);
	assert_true(truncate(path, 0) == 0 || errno == ENOENT);
}

static void
put_option(struct buf *yaml, const char *options, const char *name, const char *value)
{
	size_t len = strlen(name);
	const char *at = strstr(options, name);

	while (at && at != options && at[-1] != '\n')
		at = strstr(at + len, name);
	if (!at)
		buf_printf(yaml, "  %s '%s'\n", name, value);
}

int
orchestrator_hook(const struct orchestrator *o, struct bench *b, unsigned port,
    const char *path, const char *options)
{
	char url[1024], ca[512], secret[512];
	struct buf yaml;
	int rc;

	snprintf(url, sizeof url, "%s://127.0.0.1:%u%s",
	    port == o->plain ? "http" : "https", port, path);
	snprintf(ca, sizeof ca, "%s/ca.pem", o->dir);
	snprintf(secret, sizeof secret, "%s/secret", o->dir);
	buf_init(&yaml, 16384);
	buf_puts(&yaml, "h:\n  type: http\n");
	put_option(&yaml, options, "url:", url);
	put_option(&yaml, options, "ca-file:", ca);
	put_option(&yaml, options, "secret-file:", secret);
	put_option(&yaml, options, "poll:", "10ms");
	put_option(&yaml, options, "connect-timeout:", "20s");
	put_option(&yaml, options, "request-timeout:", "20s");
	while (*options) {
		size_t len = strcspn(options, "\n");

		buf_printf(&yaml, "  %.*s\n", (int)len, options);
		options += len + (options[len] == '\n');
	}
	fake_net_wall(b->net, clock_wall_ms());
	rc = bench_hooks(b, buf_text(&yaml), o->dir, NULL);
	buf_done(&yaml);
	return rc;
}

/* --- both loops ----------------------------------------------------------------------------- */

struct run {
	struct bench *b;
	ev_timer tick, guard;
	bool late;
};

static void
on_tick(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct run *r = t->data;

	(void)loop, (void)revents;
	fake_run(r->b->net, TICK_MS);
}

static void
on_late(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	((struct run *)t->data)->late = true;
}

void
orchestrator_run(struct bench *b, bool (*done)(void *arg), void *arg)
{
	struct run r = { .b = b };

	ev_timer_init(&r.tick, on_tick, TICK_MS / 1000., TICK_MS / 1000.);
	ev_timer_init(&r.guard, on_late, 60., 0.);
	r.tick.data = r.guard.data = &r;
	ev_timer_start(b->loop, &r.tick);
	ev_timer_start(b->loop, &r.guard);
	while (!done(arg) && !r.late)
		ev_run(b->loop, EVRUN_ONCE);
	ev_timer_stop(b->loop, &r.tick);
	ev_timer_stop(b->loop, &r.guard);
	assert_false(r.late);
}

static bool
is_over(void *arg)
{
	return ((struct bench_call *)arg)->verdict != 0;
}

void
orchestrator_wait(struct bench *b, struct bench_call *c)
{
	orchestrator_run(b, is_over, c);
}

struct wanted {
	const struct orchestrator *o;
	const char *text;
};

static bool
is_noted(void *arg)
{
	const struct wanted *w = arg;

	return strstr(orchestrator_log(w->o), w->text) != NULL;
}

void
orchestrator_wait_log(const struct orchestrator *o, struct bench *b, const char *text)
{
	struct wanted w = { o, text };

	orchestrator_run(b, is_noted, &w);
}
