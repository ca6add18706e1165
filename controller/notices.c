/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/notices.h"

#include "base/clock.h"
#include "base/crypto_aead.h"
#include "base/log.h"
#include "controller/group_secret.h"
#include "controller/idmap.h"
#include "controller/registry.h"
#include "controller/session.h"
#include "grasp/grasp.h"
#include "protocol/notice.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/queue.h>

#define ANSWER_MS	 10000
#define RETRY_MS	 1000
#define RETRY_DOUBLINGS	 8 /* some 4 minutes */
#define RETRY_JITTER_PCT 20
#define VALUE_MAX	 61440
#define TURN_MS		 10
#define TURN_MESSAGES	 200 /* in one turn, when all members have to be told */

static_assert(
    sizeof((struct denial){ 0 }.serial) == sizeof((struct fog_denial){ 0 }.serial),
    "one length");

/* What a member knows of its domain. */
struct knowledge {
	uint64_t trust_version, denials, epoch;
};

/* A member that has registered since we started. */
struct telling {
	TAILQ_ENTRY(telling) entry; /* of those that wait for their turn */
	struct notices *notices;
	struct fog_id id;
	const struct grasp_link *link; /* that it registered on; only to be compared */
	struct knowledge known, offered;
	struct grasp_session *session; /* it is being told; NULL: not now */
	struct grasp_timer *retry;
	unsigned attempts;
	uint64_t renewed_version; /* of CAs; its certificate is of the newest of those */
	bool waits;		  /* for its turn */
};

struct notices {
	struct grasp_io *io;
	struct registry *registry;
	struct authority *authority;
	const char *prefix;
	struct group_secrets *secrets; /* NULL: multicasts are not sealed */
	struct idmap *tellings;
	TAILQ_HEAD(, telling) waiting;
	struct grasp_timer *turn;
	uint64_t denials; /* that secrets take into account */
};

static struct anchors *
anchors_of(const struct notices *n)
{
	return credential_anchors(authority_credential(n->authority));
}

/* --- what there is to tell ------------------------------------------------------------------------- */
static struct knowledge
know_all(const struct notices *n)
{
	const struct anchors *a = anchors_of(n);

	return (struct knowledge){
		.trust_version = anchors_version(a),
		.denials = anchors_denials(a),
		.epoch = n->secrets ? group_secrets_epoch(n->secrets) : 0,
	};
}

static bool
is_behind(const struct telling *t, const struct knowledge *all)
{
	return t->known.trust_version < all->trust_version ||
	    t->known.denials < all->denials || t->known.epoch < all->epoch;
}

static void
take_cas(struct notices *n, struct fog_notice *ret)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t len = anchors_get(anchors_of(n), ca);

	for (size_t i = 0; i < len && i < FOG_NOTICE_CAS_MAX; i++)
		ret->ca[ret->cas++] = cert_der(ca[i]);
}

/* The next ones after those that it knows. Returns how many. */
static size_t
take_denials(struct notices *n, uint64_t known, struct fog_denial *dst)
{
	size_t len = 0;

	while (len < FOG_NOTICE_DENIALS_MAX) {
		const struct denial *d = anchors_denial(anchors_of(n), known + len + 1);

		if (!d)
			break;
		dst[len].id = d->id;
		memcpy(dst[len].serial, d->serial, sizeof dst[len].serial);
		len++;
	}
	return len;
}

/* Puts the news for a member that knows this much; returns what it will know then. */
static struct knowledge
put_news(struct notices *n, const struct knowledge *known, struct fog_denial *room,
    struct buf *out)
{
	struct knowledge then = know_all(n);
	struct fog_notice notice = {
		.trust_version = then.trust_version,
		.denied_before = known->denials,
	};
	size_t denials = take_denials(n, known->denials, room);

	if (known->trust_version < then.trust_version)
		take_cas(n, &notice);
	if (known->epoch < then.epoch)
		notice.secrets = group_secrets_get(n->secrets, notice.secret);
	fog_notice_encode(&notice, room, denials, out);
	secret_wipe(notice.secret, sizeof notice.secret);
	then.denials = known->denials + denials;
	return then;
}

/* --- telling ------------------------------------------------------------------------------------------ */
static void consider(struct telling *t);

static void
on_retry(void *arg)
{
	consider(arg);
}

static void
retry_later(struct telling *t)
{
	struct grasp_io *io = t->notices->io;
	uint32_t random;

	if (!t->retry && io->ops->timer_new(io, on_retry, t, &t->retry))
		return;
	io->ops->random(io, &random, sizeof random);
	io->ops->timer_set(
	    t->retry, clock_jitter(RETRY_MS << t->attempts, RETRY_JITTER_PCT, random));
	if (t->attempts < RETRY_DOUBLINGS)
		t->attempts++;
}

static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct telling *t = arg;
	char id[FOG_ID_TEXT];

	(void)session;
	t->session = NULL;
	if (outcome == GRASP_CLOSED) /* it tells what it knows when it is there again */
		return;
	if (outcome != GRASP_ACCEPTED) {
		log_info("trust", "node %s has not taken over what is new: %s %.*s",
		    fog_id_format(&t->id, id), grasp_outcome_name(outcome),
		    (int)reason.len, (const char *)reason.data);
		retry_later(t);
		return;
	}
	t->known = t->offered;
	t->attempts = 0;
	consider(t);
}

/* A member has nothing to bargain about. */
static void
on_step(void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct telling *t = arg;

	(void)objective;
	t->session = NULL;
	grasp_session_end(session, false, "policy: it is as it is");
	retry_later(t);
}

static int
offer(struct telling *t, struct grasp_link *link, const char *name, struct buf *value)
{
	static const struct grasp_session_ops ops = { .negotiated = on_step,
		.ended = on_ended };
	const struct grasp_objective o = {
		.name = slice_text(name),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
		.value = buf_slice(value),
	};

	if (value->err)
		return value->err;
	return grasp_negotiate(link, &o, ANSWER_MS, &ops, t, &t->session);
}

static void
tell(struct telling *t, struct node *node)
{
	struct notices *n = t->notices;
	struct fog_denial *room = calloc(FOG_NOTICE_DENIALS_MAX, sizeof *room);
	char name[FOG_NAME_MAX + 1];
	struct buf value;
	int err = room ? 0 : -ENOMEM;

	buf_init(&value, VALUE_MAX);
	if (!err)
		t->offered = put_news(n, &t->known, room, &value);
	if (!err)
		err = offer(t, node->link,
		    session_objective(node, n->prefix, FOGTRUST, name), &value);
	if (err) {
		log_warnx("trust", "%s cannot be told what is new of the domain: %s",
		    node->name, strerror(-err));
		retry_later(t);
	}
	if (value.data)
		secret_wipe(value.data, value.size);
	buf_done(&value);
	free(room);
}

static void
consider(struct telling *t)
{
	struct notices *n = t->notices;
	struct node *node = registry_by_id(n->registry, &t->id);
	const struct knowledge all = know_all(n);

	if (node && node->link && !t->session && is_behind(t, &all))
		tell(t, node);
}

/* --- turns: not twenty thousand messages at once ---------------------------------------------------- */
static void
on_turn(void *arg)
{
	struct notices *n = arg;
	struct telling *t;

	for (unsigned i = 0; i < TURN_MESSAGES && (t = TAILQ_FIRST(&n->waiting)); i++) {
		TAILQ_REMOVE(&n->waiting, t, entry);
		t->waits = false;
		consider(t);
	}
	if (!TAILQ_EMPTY(&n->waiting))
		n->io->ops->timer_set(n->turn, TURN_MS);
}

static void
queue_up(void *arg, void *value)
{
	struct telling *t = value;

	(void)arg;
	if (t->waits)
		return;
	t->waits = true;
	t->attempts = 0;
	TAILQ_INSERT_TAIL(&t->notices->waiting, t, entry);
}

static void
tell_all(struct notices *n)
{
	idmap_each(n->tellings, queue_up, NULL);
	n->io->ops->timer_set(n->turn, 0);
}

void
notices_changed(struct notices *n)
{
	uint64_t denials = anchors_denials(anchors_of(n));

	if (n->secrets && denials > n->denials)
		group_secrets_replace(n->secrets);
	n->denials = denials;
	tell_all(n);
}

static void
on_secret(void *arg)
{
	tell_all(arg);
}

static int64_t
now(void *arg)
{
	struct notices *n = arg;

	return credential_now(authority_credential(n->authority));
}

/* --- members --------------------------------------------------------------------------------------------- */
static void
free_telling(struct telling *t)
{
	if (t->session)
		grasp_session_cancel(t->session);
	if (t->waits)
		TAILQ_REMOVE(&t->notices->waiting, t, entry);
	t->notices->io->ops->timer_free(t->retry);
	free(t);
}

static struct telling *
telling_of(struct notices *n, const struct fog_id *id)
{
	struct telling *t = idmap_get(n->tellings, id);

	if (t)
		return t;
	t = calloc(1, sizeof *t);
	if (!t)
		return NULL;
	t->notices = n;
	t->id = *id;
	if (idmap_put(n->tellings, id, t)) {
		free(t);
		return NULL;
	}
	return t;
}

void
notices_registered(
    struct notices *n, struct node *node, uint64_t trust_version, uint64_t denials)
{
	struct telling *t = telling_of(n, &node->id);
	const struct knowledge all = know_all(n);

	if (!t)
		return; /* it comes again to renew its lease */
	if (denials > all.denials)
		log_warnx("trust",
		    "%s knows %llu denials and this controller %llu: its database is "
		    "older than the domain, deny again whom it has forgotten",
		    node->name, (unsigned long long)denials,
		    (unsigned long long)all.denials);
	t->known.trust_version = trust_version;
	t->known.denials = denials;
	if (node->link != t->link)
		t->known.epoch =
		    0; /* another start, or nobody knows how long it was away */
	t->link = node->link;
	consider(t);
}

void
notices_node_changed(struct notices *n, struct node *node)
{
	struct telling *t =
	    node->state == NODE_GONE ? idmap_remove(n->tellings, &node->id) : NULL;

	if (t)
		free_telling(t);
}

struct counting {
	struct notices *notices;
	struct notices_progress *result;
};

/* Looked up once for each member and set of CAs: it does not get an older one again. */
static bool
is_renewed(struct telling *t, uint64_t version)
{
	if (t->renewed_version < version &&
	    authority_is_newest(t->notices->authority, &t->id))
		t->renewed_version = version;
	return t->renewed_version >= version;
}

static void
count_told(void *arg, void *value)
{
	struct counting *c = arg;
	struct telling *t = value;
	const struct node *node = registry_by_id(c->notices->registry, &t->id);
	uint64_t version = anchors_version(anchors_of(c->notices));

	if (!node || !node->link)
		return;
	c->result->all++;
	c->result->told += t->known.trust_version >= version;
	c->result->renewed += is_renewed(t, version);
}

void
notices_progress(struct notices *n, struct notices_progress *ret)
{
	struct counting c = { n, ret };

	*ret = (struct notices_progress){ 0 };
	idmap_each(n->tellings, count_told, &c);
}

/* --- life -------------------------------------------------------------------------------------------------- */
static int
make_secrets(struct notices *n, const struct notices_config *how)
{
	const struct group_secrets_config cfg = { .io = n->io,
		.guard = how->guard,
		.file = how->secrets,
		.now = now,
		.changed = on_secret,
		.arg = n };

	return how->guard ? group_secrets_new(&cfg, &n->secrets) : 0;
}

int
notices_new(struct grasp_node *grasp, struct registry *registry, struct authority *a,
    const struct notices_config *cfg, struct notices **ret)
{
	CLEANUP(notices_free) struct notices *n = calloc(1, sizeof *n);
	int err;

	if (!n)
		return -ENOMEM;
	n->io = grasp_node_io(grasp);
	n->registry = registry;
	n->authority = a;
	n->prefix = cfg->prefix;
	n->denials = anchors_denials(anchors_of(n));
	TAILQ_INIT(&n->waiting);
	err = idmap_new(&n->tellings);
	if (!err)
		err = n->io->ops->timer_new(n->io, on_turn, n, &n->turn);
	if (!err)
		err = make_secrets(n, cfg);
	if (err)
		return err;
	*ret = TAKE(n);
	return 0;
}

static void
drop_telling(void *arg, void *value)
{
	(void)arg;
	free_telling(value);
}

void
notices_free(struct notices *n)
{
	if (!n)
		return;
	if (n->tellings)
		idmap_each(n->tellings, drop_telling, NULL);
	idmap_free(n->tellings);
	group_secrets_free(n->secrets);
	if (n->io)
		n->io->ops->timer_free(n->turn);
	free(n);
}
