/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/ask.h"

#include "base/ctl.h"
#include "base/json.h"

#include <err.h>
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct asker {
	struct ev_loop *loop;
	struct ctl_client *client;
	char *command;
	struct buf args;
	ev_async wake;
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	struct buf answer;
	unsigned items;
	bool ended;
	struct buf shown; /* the test's copy */
};

static void
take_item(struct asker *a, struct slice item)
{
	pthread_mutex_lock(&a->lock);
	if (json_put_cbor(&a->answer, item, 0))
		buf_puts(&a->answer, "malformed");
	buf_puts(&a->answer, "\n");
	a->items++;
	pthread_mutex_unlock(&a->lock);
	ev_async_send(a->loop, &a->wake);
}

static void
take_end(struct asker *a, int result)
{
	int code = 0;
	const char *reason = result == -EREMOTEIO ? ctl_refusal(a->client, &code) : "";

	pthread_mutex_lock(&a->lock);
	if (result == -EREMOTEIO)
		buf_printf(&a->answer, "refused %d: %s\n", code, reason);
	else
		buf_puts(&a->answer, result ? "broken\n" : "end\n");
	a->ended = true;
	pthread_mutex_unlock(&a->lock);
	ev_async_send(a->loop, &a->wake);
}

static void *
run_client(void *arg)
{
	struct asker *a = arg;
	struct slice item;
	int r, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	r = ctl_call(a->client, a->command, buf_slice(&a->args));
	while (!r) {
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
		r = ctl_next(a->client, &item);
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
		if (r != 1)
			break;
		take_item(a, item);
		r = 0;
	}
	take_end(a, r);
	return NULL;
}

static void
on_wake(struct ev_loop *loop, ev_async *w, int revents)
{
	(void)w, (void)revents;
	ev_break(loop, EVBREAK_ONE);
}

struct asker *
ask_start(struct ev_loop *loop, const char *path, const char *command, struct slice args)
{
	struct asker *a = calloc(1, sizeof *a);
	int r;

	a->loop = loop;
	a->command = strdup(command);
	buf_init(&a->args, 1 << 21);
	buf_put_slice(&a->args, args);
	buf_init(&a->answer, 1 << 24);
	buf_init(&a->shown, 1 << 24);
	pthread_mutex_init(&a->lock, NULL);
	r = ctl_connect(path, &a->client);
	if (r)
		errx(99, "%s: %s", path, strerror(-r));
	ev_async_init(&a->wake, on_wake);
	ev_async_start(loop, &a->wake);
	pthread_create(&a->thread, NULL, run_client, a);
	return a;
}

const char *
ask_wait(struct asker *a, unsigned n)
{
	for (;;) {
		bool enough;

		pthread_mutex_lock(&a->lock);
		enough = a->items >= n || a->ended;
		if (enough) {
			buf_reset(&a->shown);
			buf_put_slice(&a->shown, buf_slice(&a->answer));
		}
		pthread_mutex_unlock(&a->lock);
		if (enough)
			return buf_text(&a->shown);
		ev_run(a->loop, EVRUN_ONCE);
	}
}

/* The thread may be inside read(2). */
void
ask_stop(struct asker *a)
{
	pthread_cancel(a->thread);
	pthread_join(a->thread, NULL);
	ctl_disconnect(a->client);
	ev_async_stop(a->loop, &a->wake);
	pthread_mutex_destroy(&a->lock);
	buf_done(&a->args);
	buf_done(&a->answer);
	buf_done(&a->shown);
	free(a->command);
	free(a);
}

char *
ask(struct ev_loop *loop, const char *path, const char *command, struct slice args)
{
	struct asker *a = ask_start(loop, path, command, args);
	char *text = strdup(ask_wait(a, UINT_MAX));

	ask_stop(a);
	return text;
}
