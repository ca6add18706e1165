/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/timing.h"
#include "base/log.h"
#include "trust/who.h"

#define ANSWER_MS	 10000 /* for the controller to answer a registration */
#define REGISTRATION_MAX 1900  /* bytes of value in a message of GRASP_DEF_MAX_SIZE */
#define OTHERS_MAX	 220   /* bytes of what is not capabilities in it */
#define BEATS_LOST_MAX	 5     /* reliability.md §3: silence of 5 h */
#define RENEWED_MAX_MS	 (10 * 60 * 1000) /* then it is renewed by itself all the same */
#define AGAIN_GAP_MS	 1000		  /* between registrations on one link */

struct session {
	struct grasp_node *node;
	struct grasp_io *io;
	const struct session_env *env;
	struct addr addr;
	struct grasp_link *link;
	struct grasp_session *asking; /* FOGREG under way; NULL: none */
	struct grasp_timer *timer;    /* of the next renewal */
	struct fog_lease lease;
	int64_t since_ms, renewed_ms;
	bool registered; /* now, by the last answer */
	bool held;	 /* at least once on this link */
	bool opened;	 /* the link is there, whatever becomes of the registration */
	bool told_all;	 /* our capabilities went out whole */
	bool update;	 /* they are to be told again */
	bool with_caps;	 /* the FOGREG under way carries them whole */
};

/* --- end ----------------------------------------------------------------------------------- */
static void
cut(struct session *s)
{
	struct grasp_session *asking = TAKE(s->asking);
	struct grasp_link *link = TAKE(s->link);

	s->registered = false;
	if (asking)
		grasp_session_cancel(asking);
	if (link)
		grasp_link_close(link);
	timer_free(s->io, TAKE(s->timer));
}

void
session_close(struct session *s)
{
	if (!s)
		return;
	cut(s);
	free(s);
}

/* The last thing that a caller does with s. */
static void
fail(struct session *s, const char *why)
{
	char text[160];

	snprintf(text, sizeof text, "%s",
	    why); /* may be part of a message that goes with the link */
	cut(s);
	s->env->closed(s->env->arg, s->held, text);
	free(s);
}

void
session_abandon(struct session *s, const char *why)
{
	fail(s, why);
}

static void
fail_reason(struct session *s, const char *what, struct slice reason)
{
	char text[160];

	snprintf(text, sizeof text, "%s%s%.*s", what, reason.len ? ": " : "",
	    (int)(reason.len < 100 ? reason.len : 100), (const char *)reason.data);
	fail(s, text);
}

/* --- FOGREG -------------------------------------------------------------------------------- */
/* Our capabilities as far as they fit: before the registration a message is small (DISC-12). Whole
 * ones follow on the registered link. */
static bool
encode_caps(const struct session *s, size_t room, struct buf *out)
{
	struct caps caps = *s->env->caps(s->env->arg);
	bool whole = true;

	for (;;) {
		buf_reset(out);
		caps_encode(&caps, out);
		if (!out->err && out->pos <= room)
			return whole;
		whole = false;
		if (caps.interfaces)
			caps.interfaces--;
		else if (caps.devices)
			caps.devices--;
		else if (caps.tags)
			caps.tags--;
		else
			return false; /* texts alone do fit */
	}
}

static void
encode(struct session *s, bool renew, struct buf *caps, struct buf *out)
{
	struct fog_registration r = { .renew = renew };

	s->env->describe(s->env->arg, &r);
	r.boot_ms = grasp_io_now(s->io);
	s->with_caps = false;
	if (!renew || s->update) {
		s->with_caps =
		    encode_caps(s,
			s->held ? CAPS_ENCODED_MAX : REGISTRATION_MAX - OTHERS_MAX,
			caps) ||
		    s->held;
		r.caps = buf_slice(caps);
	}
	fog_registration_encode(&r, out);
}

static void
answered(void *arg, struct grasp_session *g, const struct grasp_objective *obj);
static void ended(
    void *arg, struct grasp_session *g, enum grasp_outcome outcome, struct slice reason);

static int
send_value(struct session *s, const struct buf *value)
{
	static const struct grasp_session_ops ops = { .negotiated = answered,
		.ended = ended };
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective o = {
		.name = slice_text(fog_objective_name(s->env->prefix, FOGREG, name)),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
		.value = buf_slice(value),
	};

	if (value->err)
		return value->err;
	return grasp_negotiate(s->link, &o, ANSWER_MS, &ops, s, &s->asking);
}

static int
ask(struct session *s, bool renew)
{
	struct buf caps, value;

	buf_init(&caps, CAPS_ENCODED_MAX);
	buf_init(&value, CAPS_ENCODED_MAX + REGISTRATION_MAX);
	encode(s, renew, &caps, &value);
	int err = send_value(s, &value);
	buf_done(&caps);
	buf_done(&value);
	return err;
}

static void
ask_or_fail(struct session *s, bool renew)
{
	int err;

	if (s->asking)
		return; /* its end looks again */
	err = ask(s, renew);
	if (err < 0)
		fail_reason(s, "cannot ask for a lease", slice_text(strerror(-err)));
}

static void
schedule(struct session *s)
{
	bool soon = s->update || !s->told_all;

	timer_set(s->io, s->timer,
	    soon ? 0
		 : s->lease.lease_ms / 4 -
		    random_below(s->io, s->lease.lease_ms / 40 + 1));
}

static void
fire(void *arg)
{
	struct session *s = arg;

	if (!s->told_all)
		s->update = true;
	ask_or_fail(s, s->registered);
}

static void
hold(struct session *s)
{
	uint64_t silence = (uint64_t)s->lease.beat_ms * BEATS_LOST_MAX;

	if (silence > s->lease.lease_ms)
		silence = s->lease.lease_ms;
	/* What comes as often as a heartbeat makes heartbeats needless. */
	grasp_link_hold(s->link, s->lease.beat_ms + s->lease.beat_ms / 8,
	    (uint32_t)silence, GRASP_UNICAST_MAX);
}

static void
take_lease(struct session *s, const struct fog_lease *lease)
{
	bool first = !s->registered;

	s->lease = *lease;
	if (s->with_caps) {
		s->told_all = true;
		s->update = false;
	}
	if (first)
		s->since_ms = grasp_io_now(s->io);
	s->registered = s->held = true;
	s->renewed_ms = grasp_io_now(s->io);
	hold(s);
	schedule(s);
	s->env->registered(s->env->arg, lease, first);
}

static void
answered(void *arg, struct grasp_session *g, const struct grasp_objective *obj)
{
	struct session *s = arg;
	struct fog_lease lease;

	s->asking = NULL;
	if (fog_lease_decode(obj->value, &lease) < 0) {
		grasp_session_end(g, false, "malformed: this is no lease");
		fail(s, "the controller's lease cannot be read");
		return;
	}
	grasp_session_end(g, true, NULL);
	take_lease(s, &lease);
}

static bool
has_code(struct slice reason, const char *code)
{
	size_t len = strlen(code);

	return reason.len >= len && !memcmp(reason.data, code, len) &&
	    (reason.len == len || reason.data[len] == ':');
}

static void
take_decline(struct session *s, struct slice reason)
{
	if (s->registered && has_code(reason, "unknown"))
		session_again(s);
	else
		fail_reason(s, "declined", reason);
}

static void
ended(void *arg, struct grasp_session *g, enum grasp_outcome outcome, struct slice reason)
{
	struct session *s = arg;

	(void)g;
	s->asking = NULL;
	switch (outcome) {
	case GRASP_DECLINED:
		take_decline(s, reason);
		return;
	case GRASP_ACCEPTED:
		if (s->registered)
			schedule(s); /* the lease goes on as it was */
		else
			fail(s, "accepted, but no lease was given");
		return;
	case GRASP_CLOSED:
		return; /* the link tells why */
	case GRASP_REFUSED:
		if (s->opened) /* else the link tells */
			fail(s, "nobody there takes registrations");
		return;
	case GRASP_TIMEOUT:
		fail(s, "the registration was not answered");
		return;
	case GRASP_VIOLATION:
		fail(s, "the answer to the registration does not fit");
		return;
	}
}

/* --- the link ------------------------------------------------------------------------------- */
static void
link_opened(void *arg, struct grasp_link *l)
{
	struct session *s = arg;
	const struct grasp_who *who = grasp_link_who(l);

	s->opened = true;
	if (s->env->proved && (!who || who->role != TRUST_CONTROLLER))
		fail(s, "it has not proved to be a controller"); /* S-04 */
	else
		ask_or_fail(s, false);
}

const char *
session_reason(int err, bool held, const char *stranger)
{
	switch (err) {
	case 0:
		return "it closed the connection";
	case -ETIMEDOUT:
		return held ? "nothing was heard of it any more" : strerror(ETIMEDOUT);
	case -EKEYREVOKED:
		return "this node, or that controller, is revoked in the domain";
	case -EKEYREJECTED:
		return stranger;
	default:
		return strerror(-err);
	}
}

static void
link_closed(void *arg, struct grasp_link *l, int err)
{
	struct session *s = arg;

	(void)l;
	s->link = NULL;
	fail(s, session_reason(err, s->held, "it is not a member of the domain"));
}

int
session_open(struct grasp_node *node, const struct addr *to,
    const struct session_env *env, struct session **ret)
{
	static const struct grasp_link_ops ops = { .opened = link_opened,
		.closed = link_closed };
	CLEANUP(session_close) struct session *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->node = node;
	s->io = grasp_node_io(node);
	s->env = env;
	s->addr = *to;
	err = timer_new(s->io, fire, s, &s->timer);
	if (err < 0)
		return err;
	err = grasp_link_open(node, to, &ops, s, &s->link);
	if (err < 0)
		return err;
	*ret = TAKE(s);
	return 0;
}

/* --- what others ask and tell ---------------------------------------------------------------- */
void
session_confirm(struct session *s)
{
	if (!s->registered || s->asking || s->update || !s->told_all ||
	    grasp_io_now(s->io) - s->renewed_ms > RENEWED_MAX_MS)
		return;
	timer_set(s->io, s->timer,
	    s->lease.lease_ms / 2 - random_below(s->io, s->lease.lease_ms / 40 + 1));
}

void
session_update(struct session *s)
{
	s->update = true;
	if (s->registered && !s->asking)
		schedule(s);
}

void
session_again(struct session *s)
{
	if (!s->registered)
		return;
	log_info("session", "the controller does not know this node: registering again");
	s->registered = false;
	timer_set(s->io, s->timer, random_between(s->io, AGAIN_GAP_MS / 2, AGAIN_GAP_MS));
}

bool
session_is_registered(const struct session *s)
{
	return s && s->registered;
}

bool
session_is_attempt(const struct session *s)
{
	return !s->held;
}

struct grasp_link *
session_link(const struct session *s)
{
	return s && s->registered ? s->link : NULL;
}

const struct addr *
session_addr(const struct session *s)
{
	return &s->addr;
}

const struct fog_lease *
session_lease(const struct session *s)
{
	return &s->lease;
}

int64_t
session_since(const struct session *s)
{
	return s->since_ms;
}
