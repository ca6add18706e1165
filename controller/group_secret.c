/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/group_secret.h"

#include "base/crypto_aead.h"
#include "base/log.h"
#include "grasp/io.h"
#include "trust/guard.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(sizeof((struct fog_secret){ 0 }.secret) == GUARD_SECRET_LEN, "one length");

struct group_secrets {
	struct group_secrets_config cfg;
	struct grasp_timer *timer;
	struct fog_secret secret[FOG_NOTICE_SECRETS_MAX]; /* newest first */
	size_t len;
};

static void
tell_guard(struct group_secrets *g, const struct fog_secret *s)
{
	int err = g->cfg.guard
	    ? guard_secret(g->cfg.guard, s->epoch, s->secret, s->not_after_ms)
	    : 0;

	if (err)
		log_errorx("trust",
		    "the secret of multicasts, epoch %llu, is not taken over: %s",
		    (unsigned long long)s->epoch, strerror(-err));
}

/* Epochs grow over restarts as fog_time does; two in a second do as well. */
static uint64_t
next_epoch(const struct group_secrets *g, int64_t now)
{
	uint64_t epoch = (uint64_t)(now / 1000);

	return g->len && epoch <= g->secret[0].epoch ? g->secret[0].epoch + 1 : epoch;
}

/* A new one; used_from_ms: when senders change to it. */
static void
push_secret(struct group_secrets *g, int64_t now, int64_t used_from_ms)
{
	uint64_t epoch = next_epoch(g, now);

	secret_wipe(&g->secret[1], sizeof g->secret[1]);
	g->secret[1] = g->secret[0];
	g->secret[0] = (struct fog_secret){
		.epoch = epoch,
		.not_after_ms = used_from_ms + GROUP_SECRET_LIFE_MS + GUARD_OVERLAP_MS,
	};
	g->cfg.io->ops->random(g->cfg.io, g->secret[0].secret, GUARD_SECRET_LEN);
	if (g->len < FOG_NOTICE_SECRETS_MAX)
		g->len++;
	tell_guard(g, &g->secret[0]);
}

/* When senders change from the newest to the one after it. */
static int64_t
find_switch(const struct group_secrets *g)
{
	return g->secret[0].not_after_ms - GUARD_OVERLAP_MS;
}

static void
set_timer(struct group_secrets *g)
{
	int64_t wait = find_switch(g) - GROUP_SECRET_LEAD_MS - g->cfg.now(g->cfg.arg);

	/* fog_time may jump ahead: looked at often enough. */
	if (wait > GROUP_SECRET_LEAD_MS / 2)
		wait = GROUP_SECRET_LEAD_MS / 2;
	g->cfg.io->ops->timer_set(g->timer, wait > 0 ? wait : 0);
}

static void
on_timer(void *arg)
{
	struct group_secrets *g = arg;
	int64_t now = g->cfg.now(g->cfg.arg), at = find_switch(g);

	if (now >= at - GROUP_SECRET_LEAD_MS) {
		push_secret(g, now, at > now ? at : now);
		g->cfg.changed(g->cfg.arg);
	}
	set_timer(g);
}

int
group_secrets_new(const struct group_secrets_config *cfg, struct group_secrets **ret)
{
	CLEANUP(group_secrets_free) struct group_secrets *g = calloc(1, sizeof *g);
	int64_t now = cfg->now(cfg->arg);
	int err;

	if (!g)
		return -ENOMEM;
	g->cfg = *cfg;
	err = cfg->io->ops->timer_new(cfg->io, on_timer, g, &g->timer);
	if (err)
		return err;
	push_secret(g, now, now);
	set_timer(g);
	*ret = TAKE(g);
	return 0;
}

void
group_secrets_free(struct group_secrets *g)
{
	if (!g)
		return;
	g->cfg.io->ops->timer_free(g->timer);
	secret_wipe(g->secret, sizeof g->secret);
	free(g);
}

uint64_t
group_secrets_epoch(const struct group_secrets *g)
{
	return g->secret[0].epoch;
}

size_t
group_secrets_get(
    const struct group_secrets *g, struct fog_secret ret[FOG_NOTICE_SECRETS_MAX])
{
	memcpy(ret, g->secret, sizeof g->secret);
	return g->len;
}

/* Who was told of the next one already knows it as well: both end soon. */
void
group_secrets_replace(struct group_secrets *g)
{
	int64_t now = g->cfg.now(g->cfg.arg);

	for (size_t i = g->len; i-- > 0;) {
		if (g->secret[i].not_after_ms > now + GROUP_SECRET_LAST_MS)
			g->secret[i].not_after_ms = now + GROUP_SECRET_LAST_MS;
		tell_guard(g, &g->secret[i]);
	}
	push_secret(g, now, now);
	set_timer(g);
}
