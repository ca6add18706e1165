/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/operators.h"

#include "base/addr_text.h"
#include "base/ctl.h"
#include "base/log.h"
#include "grasp/io.h"
#include "trust/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#define ROOM_BYTES 65536 /* of a stream's queue: above that the server is told to wait */
#define RECHECK_MS 60000

struct guest {
	TAILQ_ENTRY(guest) link;
	struct operators *owner;
	struct grasp_stream *stream;
	struct ctl_peer *peer;
	char who[FOG_ID_TEXT];
};

struct operators {
	struct grasp_io *io;
	struct ctl_server *ctl;
	struct grasp_timer *recheck;
	TAILQ_HEAD(operator_list, guest) list;
	unsigned len;
};

static enum ctl_role
role_of(enum trust_role role)
{
	switch (role) {
	case TRUST_VIEWER:
		return CTL_VIEWER;
	case TRUST_DEPLOYER:
		return CTL_DEPLOYER;
	case TRUST_ADMIN:
		return CTL_ADMIN;
	case TRUST_UNKNOWN:
	case TRUST_STRANGER:
	case TRUST_LAPSED:
	case TRUST_AGENT:
	case TRUST_CONTROLLER:
	case TRUST_ORCHESTRATOR:
	case TRUST_ROLES:
		break;
	}
	return CTL_NOBODY;
}

static void
forget(struct guest *g)
{
	TAILQ_REMOVE(&g->owner->list, g, link);
	g->owner->len--;
	free(g);
}

/* --- from the server --------------------------------------------------------------------------- */
/* A record of TLS that was made cannot be taken back, so we ask before. */
static int
send_bytes(void *arg, struct slice bytes)
{
	struct guest *g = arg;
	const struct grasp_io_ops *io = g->owner->io->ops;

	if (io->stream_queued && io->stream_queued(g->stream) > ROOM_BYTES)
		return -EAGAIN;
	return io->stream_send(g->stream, bytes);
}

static void
server_closed(void *arg)
{
	struct guest *g = arg;

	g->owner->io->ops->stream_close(g->stream, false);
	forget(g);
}

static const struct ctl_transport transport = { send_bytes, server_closed };

/* --- from the stream ---------------------------------------------------------------------------- */
/* The server may close us in here. */
static ssize_t
received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct guest *g = arg;

	(void)s;
	ctl_peer_received(g->peer, data);
	return (ssize_t)data.len;
}

static void
closed(void *arg, struct grasp_stream *s, int err)
{
	struct guest *g = arg;
	struct ctl_peer *peer = g->peer;

	(void)s;
	if (err == EKEYREVOKED)
		log_info("operator", "%s is not trusted any more, and gone", g->who);
	forget(g);
	ctl_peer_gone(peer);
}

static const struct grasp_stream_ops stream_ops = { .received = received,
	.closed = closed };

/* --- life -------------------------------------------------------------------------------------- */
static void
recheck(void *arg)
{
	struct operators *o = arg;

	if (o->len)
		channel_recheck(o->io);
	o->io->ops->timer_set(o->recheck, RECHECK_MS);
}

int
operators_new(struct grasp_io *channel, struct ctl_server *ctl, struct operators **ret)
{
	CLEANUP(operators_free) struct operators *o = calloc(1, sizeof *o);
	int err;

	if (!o)
		return -ENOMEM;
	o->io = channel;
	o->ctl = ctl;
	TAILQ_INIT(&o->list);
	err = channel->ops->timer_new(channel, recheck, o, &o->recheck);
	if (err)
		return err;
	channel->ops->timer_set(o->recheck, RECHECK_MS);
	*ret = TAKE(o);
	return 0;
}

void
operators_free(struct operators *o)
{
	struct guest *g;

	if (!o)
		return;
	while ((g = TAILQ_FIRST(&o->list))) {
		struct ctl_peer *peer = g->peer;

		o->io->ops->stream_close(g->stream, false);
		forget(g);
		ctl_peer_gone(peer);
	}
	if (o->recheck)
		o->io->ops->timer_free(o->recheck);
	free(o);
}

static int
adopt(struct operators *o, struct grasp_stream *s, const struct trust_name *who)
{
	struct guest *g;
	int err;

	if (o->len >= OPERATORS_MAX)
		return -EAGAIN;
	g = calloc(1, sizeof *g);
	if (!g)
		return -ENOMEM;
	g->owner = o;
	g->stream = s;
	fog_id_format(&who->id, g->who);
	err = ctl_adopt(o->ctl, role_of(who->role), g->who, &transport, g, &g->peer);
	if (err) {
		free(g);
		return err;
	}
	TAILQ_INSERT_TAIL(&o->list, g, link);
	o->len++;
	o->io->ops->stream_set(s, &stream_ops, g);
	return 0;
}

void
operators_take(struct operators *o, struct grasp_stream *s, const struct trust_name *who)
{
	char id[FOG_ID_TEXT], from[ADDR_TEXT_MAX];
	struct addr peer;
	int err = role_of(who->role) == CTL_NOBODY ? -EACCES : adopt(o, s, who);

	o->io->ops->stream_peer(s, &peer);
	if (err)
		log_warnx("operator", "%s %s from %s is turned away: %s",
		    trust_role_name(who->role), fog_id_format(&who->id, id),
		    addr_format(&peer, from),
		    err == -EAGAIN ? "too many operators" : strerror(-err));
	else
		log_info("operator", "%s %s from %s", trust_role_name(who->role),
		    fog_id_format(&who->id, id), addr_format(&peer, from));
}
