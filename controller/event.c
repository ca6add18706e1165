/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/event.h"

#include "base/clock.h"
#include "base/ctl.h"
#include "base/log.h"
#include "controller/store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1024
#define ITEM_MAX 4096

/* Somebody who watches. What was committed before it came and is told after it is not told twice. */
struct follower {
	struct follower *next;
	struct events *events;
	struct ctl_request *req;
	int64_t last;
};

/* On its way to the disk. */
struct pending {
	struct pending *next;
	struct events *events;
	int64_t sequence;
	struct buf item;
	store_done_f *done;
	void *arg;
};

struct events {
	struct store *store;
	int64_t (*wall)(void *arg);
	void *arg;
	struct follower *followers;
	struct pending *pending;
};

int
events_new(
    struct store *store, int64_t (*wall)(void *arg), void *arg, struct events **ret)
{
	struct events *e = calloc(1, sizeof *e);

	if (!e)
		return -ENOMEM;
	*e = (struct events){ .store = store, .wall = wall, .arg = arg };
	*ret = e;
	return 0;
}

static void
free_pending(struct pending *p)
{
	if (!p)
		return;
	buf_done(&p->item);
	free(p);
}

void
events_free(struct events *e)
{
	if (!e)
		return;
	while (e->followers) {
		struct follower *f = e->followers;

		e->followers = f->next;
		ctl_end(f->req);
		free(f);
	}
	while (e->pending) {
		struct pending *p = e->pending;

		e->pending = p->next;
		free_pending(p);
	}
	free(e);
}

static const char *
or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static void
put_item(struct buf *out, const struct event_row *e)
{
	char time[CLOCK_TEXT_MAX];

	wr_map(out, 7);
	wr_key_int(out, "seq", e->sequence);
	wr_key_text(out, "time", clock_format(e->time_ms, time));
	wr_key_text(out, "kind", e->kind);
	wr_key_text(out, "node", or_null(e->node));
	wr_key_text(out, "service", or_null(e->service));
	wr_key_text(out, "function", or_null(e->function));
	wr_key_text(out, "text", e->text);
}

/* --- emitting ------------------------------------------------------------------------------------ */
static void
unlink_pending(struct pending *p)
{
	struct pending **at = &p->events->pending;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void
tell_followers(struct events *e, const struct pending *p)
{
	for (struct follower *f = e->followers, *next; f; f = next) {
		next = f->next;
		if (p->sequence > f->last)
			ctl_send(f->req, buf_slice(&p->item));
	}
}

static void
on_stored(void *arg, int err)
{
	struct pending *p = arg;

	unlink_pending(p);
	if (!err)
		tell_followers(p->events, p);
	if (p->done)
		p->done(p->arg, err);
	free_pending(p);
}

/* told NULL: it is our own. */
static int
store_row(struct events *e, struct event_row *row, const struct event_told *told,
    store_done_f *done, void *arg)
{
	struct pending *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = (struct pending){ .events = e, .done = done, .arg = arg };
	row->sequence = p->sequence = told
	    ? store_event_take(e->store, row, told->mark, told->marked, on_stored, p)
	    : store_event_put(e->store, row, on_stored, p);
	if (row->sequence < 0) {
		free(p);
		return (int)row->sequence;
	}
	buf_init(&p->item, ITEM_MAX);
	put_item(&p->item, row);
	p->next = e->pending;
	e->pending = p;
	return 0;
}

void
events_emit(struct events *e, const char *kind, const char *node, const char *service,
    const char *function, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct event_row row = {
		.time_ms = e->wall(e->arg),
		.kind = kind,
		.node = node ? node : "",
		.service = service ? service : "",
		.function = function ? function : "",
		.text = text,
	};
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	utf8_trim(text); /* a peer's words may be cut in the middle of a character */
	log_info("event", "%s: %s", kind, text);
	err = store_row(e, &row, NULL, NULL, NULL);
	if (err)
		log_warnx("event", "not stored: %s", strerror(-err));
}

int
events_take(
    struct events *e, const struct event_told *told, store_done_f *done, void *arg)
{
	struct event_row row = {
		.time_ms = told->time_ms,
		.kind = told->kind,
		.node = told->node,
		.service = "",
		.function = "",
		.text = told->text,
	};

	log_info("event", "%s: %s", told->kind, told->text);
	return store_row(e, &row, told, done, arg);
}

/* --- showing -------------------------------------------------------------------------------------- */
struct showing {
	struct ctl_request *req;
	int64_t last;
};

static void
send_row(void *arg, const struct event_row *row)
{
	struct showing *show = arg;
	struct buf item;

	buf_init(&item, ITEM_MAX);
	put_item(&item, row);
	if (!item.err)
		ctl_send(show->req, buf_slice(&item));
	buf_done(&item);
	show->last = row->sequence;
}

static void
on_gone(void *arg)
{
	struct follower *f = arg, **at = &f->events->followers;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	free(f);
}

static void
follow(struct events *e, struct ctl_request *req, int64_t last)
{
	struct follower *f = malloc(sizeof *f);

	if (!f) {
		ctl_fail(req, 1, "out of memory");
		return;
	}
	*f = (struct follower){
		.events = e, .req = req, .last = last, .next = e->followers
	};
	e->followers = f;
	ctl_on_cancel(req, on_gone, f);
}

void
events_show(struct events *e, struct ctl_request *req, int64_t count, bool wants_more)
{
	struct showing show = { .req = req };
	int limit = count < 0 ? 0 : count > 10000 ? 10000 : (int)count;
	int err;

	err = store_events_last(e->store, limit, send_row, &show);
	if (err) {
		ctl_fail(req, 1, "the event log cannot be read: %s", strerror(-err));
		return;
	}
	if (wants_more)
		follow(e, req, show.last);
	else
		ctl_end(req);
}
