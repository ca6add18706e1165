/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/group_secret.h"

#include "base/cbor.h"
#include "base/crypto_aead.h"
#include "base/daemon.h"
#include "base/log.h"
#include "grasp/io.h"
#include "trust/guard.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define FILE_MAX 256

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

/* --- the file -------------------------------------------------------------------------------------- */
static void
keep(const struct group_secrets *g)
{
	uint8_t memory[FILE_MAX];
	struct buf b;
	int err;

	if (!g->cfg.file)
		return;
	buf_init_fixed(&b, memory, sizeof memory);
	wr_array(&b, g->len);
	for (size_t i = 0; i < g->len; i++) {
		wr_array(&b, 3);
		wr_uint(&b, g->secret[i].epoch);
		wr_bytes(&b, g->secret[i].secret, sizeof g->secret[i].secret);
		wr_int(&b, g->secret[i].not_after_ms);
	}
	err = b.err ? b.err : daemon_write_file(g->cfg.file, b.data, b.pos);
	secret_wipe(memory, sizeof memory);
	if (err)
		log_warnx("trust",
		    "the secrets of multicasts cannot be written to %s: %s; after a "
		    "restart "
		    "members are not understood until they have registered",
		    g->cfg.file, strerror(-err));
}

static int
decode(struct group_secrets *g, struct slice in)
{
	struct cbor_reader r;
	int err;

	rd_init(&r, in, 0);
	rd_enter_array(&r);
	while (rd_more(&r) && g->len < FOG_NOTICE_SECRETS_MAX) {
		struct fog_secret *s = &g->secret[g->len++];

		rd_enter_array(&r);
		s->epoch = rd_uint(&r);
		rd_bytes_copy(&r, s->secret, sizeof s->secret);
		s->not_after_ms = rd_int(&r);
		rd_leave(&r);
	}
	rd_leave(&r);
	err = rd_done(&r);
	if (err || (g->len > 1 && g->secret[0].epoch <= g->secret[1].epoch))
		g->len = 0;
	return err;
}

static void
load(struct group_secrets *g, int64_t now)
{
	uint8_t memory[FILE_MAX];
	ssize_t len =
	    g->cfg.file ? daemon_read_file(g->cfg.file, memory, sizeof memory) : -ENOENT;
	int err = len < 0 ? (int)len : decode(g, (struct slice){ memory, (size_t)len });

	secret_wipe(memory, sizeof memory);
	if (err && err != -ENOENT)
		log_warnx("trust", "%s is not usable: members get new secrets: %s",
		    g->cfg.file, strerror(-err));
	while (g->len && g->secret[g->len - 1].not_after_ms <= now)
		g->len--;
	for (size_t i = g->len; i-- > 0;)
		tell_guard(g, &g->secret[i]);
}

/* --- secrets ---------------------------------------------------------------------------------------- */
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
	keep(g);
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
	load(g, now);
	if (!g->len)
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
