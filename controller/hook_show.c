/* SPDX-License-Identifier: Apache-2.0
 *
 * `fogctl hooks`: each instance and how it is, then the types that nobody has configured. */
#include "base/clock.h"
#include "base/ctl.h"
#include "controller/hook_call.h"
#include "controller/notify.h"
#include "orchestrator-hooks/builtin.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ITEM_MAX 8192

static void
put_kinds(struct buf *b, unsigned kinds)
{
	wr_text(b, "events");
	wr_array(b, (uint64_t)__builtin_popcount(kinds & HOOK_KINDS_ALL));
	for (enum hook_kind k = HOOK_MIGRATE; *hook_kind_name(k); k++)
		if (kinds & HOOK_KIND_BIT(k))
			wr_text(b, hook_kind_name(k));
}

static void
put_caps(struct buf *b, unsigned caps)
{
	static const struct {
		enum hook_cap cap;
		const char *name;
	} names[] = { { HOOK_CAN_PREPARE, "prepare" }, { HOOK_CAN_DRY_RUN, "dry_run" },
		{ HOOK_CAN_CANCEL, "cancel" }, { HOOK_CAN_STATE, "state" },
		{ HOOK_CAN_RESUME, "resume" }, { HOOK_CAN_OVERLAP, "overlap" } };

	wr_text(b, "can");
	wr_array(b, (uint64_t)__builtin_popcount(caps & 63));
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (caps & names[i].cap)
			wr_text(b, names[i].name);
}

static void
put_health(struct buf *b, const struct hook_instance *i)
{
	char msg[256] = "";
	int rc = i->type.health ? i->type.health(i->inst, msg, sizeof msg) : 0;

	if (rc < 0 && !*msg)
		snprintf(msg, sizeof msg, "%s", strerror(-rc));
	wr_key_text(b, "health", rc < 0 ? "failing" : "good");
	wr_key_text(b, "message", *msg ? msg : NULL);
}

static bool
is_open(const struct hook_budget *b, int64_t now_ms)
{
	return b->open_until_ms >= 0 && now_ms < b->open_until_ms;
}

/* "closed": calls go through; "open": it is left alone; "trial": one call decides. */
static const char *
circuit_name(const struct hook_instance *i)
{
	int64_t now = hooks_now(i->hooks);

	if (is_open(&i->moves, now) || is_open(&i->news, now))
		return "open";
	return i->moves.open_until_ms >= 0 || i->news.open_until_ms >= 0 ? "trial"
									 : "closed";
}

static void
put_last(struct buf *b, const struct hook_instance *i)
{
	char text[CLOCK_TEXT_MAX];

	wr_key_text(b, "last_event", i->last.at_ms ? hook_kind_name(i->last.kind) : NULL);
	wr_key_text(
	    b, "last_verdict", i->last.at_ms ? hook_verdict_name(i->last.verdict) : NULL);
	wr_key_text(b, "last_detail", *i->last.detail ? i->last.detail : NULL);
	wr_key_text(
	    b, "last_time", i->last.at_ms ? clock_format(i->last.at_ms, text) : NULL);
}

static void
send_instance(
    struct ctl_request *req, const struct hook_instance *i, const struct notifier *n)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	wr_map(&b, 15);
	wr_key_text(&b, "hook", i->name);
	wr_key_text(&b, "type", i->type.name);
	wr_key_text(&b, "help", i->type.help);
	put_kinds(&b, i->kinds);
	put_caps(&b, i->type.caps);
	put_health(&b, i);
	wr_key_text(&b, "circuit", circuit_name(i));
	wr_key_int(&b, "running", i->moves.running + i->news.running);
	wr_key_int(&b, "waiting", notify_waiting(n, i));
	wr_key_int(&b, "dropped", notify_dropped(n, i));
	put_last(&b, i);
	if (!b.err)
		ctl_send(req, buf_slice(&b));
	buf_done(&b);
}

static bool
is_used(struct hooks *h, const struct hook_type *t)
{
	struct hook_instance *i = hooks_first(h);

	while (i && strcmp(i->type.name, t->name))
		i = hooks_next(i);
	return i != NULL;
}

static void
send_type(struct ctl_request *req, const struct hook_type *t)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	wr_map(&b, 4);
	wr_key_text(&b, "hook", NULL);
	wr_key_text(&b, "type", t->name);
	wr_key_text(&b, "help", t->help);
	put_caps(&b, t->caps);
	if (!b.err)
		ctl_send(req, buf_slice(&b));
	buf_done(&b);
}

void
hooks_show(struct hooks *h, const struct notifier *n, struct ctl_request *req)
{
	for (struct hook_instance *i = hooks_first(h); i; i = hooks_next(i))
		send_instance(req, i, n);
	for (const struct hook_type *const *t = hook_types; *t; t++)
		if (!is_used(h, *t))
			send_type(req, *t);
	ctl_end(req);
}
