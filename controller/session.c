/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/session.h"

#include "base/addr_text.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/event.h"
#include "controller/session_int.h"
#include "protocol/registration.h"
#include "trust/who.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void
spoken_init(struct spoken *sp, const struct sessions *s, const char *name, unsigned flags,
    struct slice value)
{
	fog_objective_name(s->cfg.prefix, name, sp->name);
	sp->objective = (struct grasp_objective){
		.name = slice_text(sp->name),
		.flags = flags,
		.loop_count = FOG_LOOP_COUNT,
		.value = value,
	};
}

struct grasp_objective
spoken_to(const struct spoken *sp, const struct sessions *s, const struct node *n)
{
	const struct member *m = n->user;
	struct grasp_objective o = sp->objective;

	if (m && m->plain && s->cfg.prefix)
		o.name = slice_text(sp->name + strlen(s->cfg.prefix));
	return o;
}

/* --- members and peers --------------------------------------------------------------------------- */
struct member *
member_of(struct sessions *s, struct node *n)
{
	struct member *m = n->user;

	if (m)
		return m;
	m = calloc(1, sizeof *m);
	if (!m)
		return NULL;
	m->sessions = s;
	m->node = n;
	m->judged_ms = INT64_MIN;
	n->user = m;
	LIST_INSERT_HEAD(&s->members, m, entry);
	intake_load(m);
	return m;
}

void
member_drop(struct member *m)
{
	delivery_stop(m);
	intake_leave(m);
	m->node->user = NULL;
	LIST_REMOVE(m, entry);
	free(m);
}

void
peer_count_bytes(struct peer *p)
{
	struct grasp_link_stats stats;

	grasp_link_stats(p->link, &stats);
	if (p->node)
		p->node->bytes_received += stats.bytes_received - p->counted;
	p->counted = stats.bytes_received;
}

static void
free_peer(struct peer *p)
{
	LIST_REMOVE(p, entry);
	free(p);
}

static void
on_link_closed(void *arg, struct grasp_link *link, int err)
{
	struct peer *p = arg;
	struct grasp_link_stats stats;

	grasp_link_stats(link, &stats);
	peer_count_bytes(p);
	if (p->node)
		registry_unlinked(p->sessions->registry, p->node, stats.last_heard_ms,
		    err == -ETIMEDOUT);
	free_peer(p);
}

static const struct grasp_link_ops link_ops = { .closed = on_link_closed };

/* The newer link is the one in use: the node came back before we noticed that it had gone. */
static void
leave_old_link(struct node *n)
{
	struct grasp_link *old = n->link;
	struct peer *p = grasp_link_arg(old);

	peer_count_bytes(p);
	n->link = NULL;
	free_peer(p);
	grasp_link_set(old, NULL, NULL);
	grasp_link_close(old);
}

static int
bind_link(struct sessions *s, struct grasp_link *link, struct node *n)
{
	struct peer *p = grasp_link_arg(link);
	uint32_t beat = registry_beat(s->registry);

	if (!p) {
		p = calloc(1, sizeof *p);
		if (!p)
			return -ENOMEM;
		p->sessions = s;
		p->link = link;
		LIST_INSERT_HEAD(&s->peers, p, entry);
		grasp_link_set(link, &link_ops, p);
	}
	if (n->link && n->link != link)
		leave_old_link(n);
	p->node = n;
	registry_linked(s->registry, n, link);
	/* A node gives us up after five beats of silence: half as often as that is enough, where no answers
	 * to its reports go. */
	grasp_link_hold(link, beat * 5 / 2, beat * 5 / 2, MESSAGE_MAX);
	return 0;
}

/* --- registration ----------------------------------------------------------------------------------- */
void
joining_free(struct joining *j)
{
	if (j->asked)
		grasp_session_cancel(j->asked);
	LIST_REMOVE(j, entry);
	free(j->kept);
	free(j);
}

void
joining_end(struct joining *j, const char *reason)
{
	if (reason)
		j->sessions->counters.refused++;
	if (j->session)
		grasp_session_end(TAKE(j->session), !reason, reason);
	joining_free(j);
}

static void
write_down(
    struct sessions *s, struct grasp_link *link, const struct fog_id *id, const char *why)
{
	const struct grasp_who *who = grasp_link_who(link);
	char claimed[FOG_ID_TEXT], proved[FOG_ID_TEXT], result[AUDIT_TEXT_MAX];
	struct fog_id peer = { { 0 } };
	const struct audit_entry e = {
		.role = trust_role_name(who ? (enum trust_role)who->role : TRUST_UNKNOWN),
		.who = proved,
		.command = "register",
		.object = claimed,
		.result = result,
	};

	if (who)
		memcpy(peer.bytes, who->id, sizeof peer.bytes);
	fog_id_format(&peer, proved);
	fog_id_format(id, claimed);
	snprintf(result, sizeof result, "refused: %s", why);
	log_warnx(
	    "session", "node %s wanted to register as %s: %s", proved, claimed, why);
	if (s->cfg.audit)
		audit_refusal(s->cfg.audit, &e);
}

/* Its node has no link any more, for as long as it does not come back. */
static void
leave_link(struct grasp_link *link)
{
	struct peer *p = grasp_link_arg(link);
	struct grasp_link_stats stats;

	if (p) {
		grasp_link_stats(link, &stats);
		peer_count_bytes(p);
		if (p->node)
			registry_unlinked(
			    p->sessions->registry, p->node, stats.last_heard_ms, false);
		free_peer(p);
	}
	grasp_link_set(link, NULL, NULL);
	grasp_link_close(link);
}

void
joining_expel(struct joining *j, const char *reason)
{
	struct grasp_link *link = j->session ? grasp_session_link(j->session) : NULL;

	if (link)
		write_down(j->sessions, link, &j->id, reason);
	joining_end(j, reason);
	if (link)
		leave_link(link);
}

static int
send_lease(struct joining *j)
{
	struct sessions *s = j->sessions;
	const struct fog_lease lease = {
		.controller = s->cfg.id,
		.epoch = store_epoch(s->store),
		.lease_ms = (uint32_t)s->cfg.lease_ms,
		.beat_ms = registry_beat(s->registry),
		.time_ms = s->io->ops->wall(s->io),
	};
	uint8_t memory[128];
	struct buf value;

	buf_init_fixed(&value, memory, sizeof memory);
	fog_lease_encode(&lease, &value);
	return value.err ? value.err : grasp_session_step(j->session, buf_slice(&value));
}

/* It is on the disk: now it may count on us. */
static void
offer_lease(struct joining *j)
{
	struct sessions *s = j->sessions;
	struct node *n = registry_by_id(s->registry, &j->id);

	j->stored = true;
	if (!n || n->state == NODE_GONE)
		joining_end(j, "unknown: register again");
	else if (bind_link(s, grasp_session_link(j->session), n))
		joining_end(j, "busy: out of memory");
	else if (send_lease(j))
		joining_end(j, "busy: the lease cannot be sent");
}

static void
on_stored(void *arg, int err)
{
	struct joining *j = arg;

	j->stored = true;
	if (!j->session)
		joining_free(j);
	else if (err)
		joining_end(j, "busy: this controller cannot store anything");
	else
		offer_lease(j);
}

/* The node took its lease. */
static void
on_joined(struct joining *j)
{
	struct node *n = registry_by_id(j->sessions->registry, &j->id);
	struct sessions *s = j->sessions;
	struct member *m = n ? member_of(s, n) : NULL;

	if (!m)
		return;
	if (s->cfg.registered)
		s->cfg.registered(s->cfg.arg, n, j->trust_version, j->denials);
	delivery_restart(m);
}

static void
on_registration_ended(void *arg, struct grasp_session *session,
    enum grasp_outcome outcome, struct slice reason)
{
	struct joining *j = arg;

	(void)session;
	j->session = NULL;
	if (outcome == GRASP_ACCEPTED)
		on_joined(j);
	else
		log_debug("session", "a registration came to nothing: %s %.*s",
		    grasp_outcome_name(outcome), (int)reason.len,
		    (const char *)reason.data);
	if (j->stored)
		joining_free(j);
}

static void
on_registration_step(
    void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct joining *j = arg;

	(void)session, (void)objective;
	joining_end(j, "lease: it is offered as it is");
}

static const struct grasp_session_ops registration_ops = {
	.negotiated = on_registration_step,
	.ended = on_registration_ended,
};

/* Who says to be somebody has to be the one of its certificate (S-03); NULL: it is. */
static const char *
find_pretence(const struct sessions *s, struct grasp_link *link, const struct fog_id *id)
{
	const struct grasp_who *who = grasp_link_who(link);

	if (!who)
		return s->cfg.proven ? "policy: nothing is proved on this link" : NULL;
	if (who->role != TRUST_AGENT)
		return "policy: only agents register";
	if (memcmp(who->id, id->bytes, sizeof id->bytes))
		return "conflict: the certificate is of another node";
	return NULL;
}

/* A link speaks for one node: its id cannot change under it (REG-11). */
static bool
is_of_another(struct grasp_session *session, const struct fog_id *id)
{
	const struct peer *p = grasp_link_arg(grasp_session_link(session));

	return p && p->node && memcmp(&p->node->id, id, sizeof *id) != 0;
}

const char *
peer_describe(struct grasp_link *link, char dst[ADDR_TEXT_MAX])
{
	struct addr peer;

	grasp_link_peer(link, &peer);
	peer.port = 0;
	return addr_format(&peer, dst);
}

void
joining_admit(struct joining *j, const struct fog_registration *reg)
{
	struct sessions *s = j->sessions;
	char address[ADDR_TEXT_MAX];
	struct refusal why;
	struct node *n;
	int r = registry_admit(s->registry, reg,
	    peer_describe(grasp_session_link(j->session), address), on_stored, j, &n,
	    &why);

	if (reg->renew)
		s->counters.renewals++;
	else
		s->counters.registrations++;
	if (r >= 0 && member_of(s, n))
		member_of(s, n)->plain = j->plain;
	if (r == -EACCES) {
		log_info(
		    "session", "%s (%s) is refused: %s", reg->name, address, why.text);
		joining_end(j, why.text);
	} else if (r < 0) {
		joining_end(j, "busy: out of memory");
	} else if (r > 0) {
		offer_lease(j);
	}
}

static void
consider(struct joining *j, const struct fog_registration *reg, struct slice value)
{
	struct sessions *s = j->sessions;
	struct grasp_link *link = grasp_session_link(j->session);
	const char *pretence = find_pretence(s, link, &reg->node);

	if (pretence)
		joining_expel(j, pretence);
	else if (is_of_another(j->session, &reg->node))
		joining_end(j, "conflict: this link is of another node");
	else if (grasp_session_dry_run(j->session))
		joining_end(j, "dry-run: a registration is not tried");
	else if (twin_is_there(s, link, reg))
		twin_ask(j, reg, value);
	else
		joining_admit(j, reg);
}

static void
on_registration(
    void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct sessions *s = arg;
	struct slice value = grasp_value_unwrap(asked->value);
	struct fog_registration reg;
	struct joining *j;

	if (fog_registration_decode(value, &reg)) {
		s->counters.refused++;
		grasp_session_end(session, false, "malformed: that is no registration");
		return;
	}
	j = calloc(1, sizeof *j);
	if (!j) {
		grasp_session_end(session, false, "busy: out of memory");
		return;
	}
	*j = (struct joining){ .sessions = s,
		.session = session,
		.id = reg.node,
		.plain = slice_is(asked->name, FOGREG),
		.trust_version = reg.trust_version,
		.denials = reg.denials };
	LIST_INSERT_HEAD(&s->joinings, j, entry);
	grasp_session_set(session, &registration_ops, j);
	consider(j, &reg, value);
}

/* --- life --------------------------------------------------------------------------------------------- */
static void
load_stream(
    void *arg, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence)
{
	struct sessions *s = arg;
	struct node *n = registry_by_id(s->registry, node);
	struct member *m = n ? member_of(s, n) : NULL;

	if (!m)
		return;
	memcpy(m->taken[REPORT_METRICS].boot, boot, sizeof m->taken[0].boot);
	m->taken[REPORT_METRICS].sequence = sequence;
}

static int
offer_registration(struct sessions *s)
{
	static const struct grasp_support support = { .negotiate = on_registration };
	struct spoken sp;

	spoken_init(&sp, s, FOGREG, F_DISC | F_NEG, (struct slice){ 0 });
	return grasp_register(
	    s->grasp, sp.name, sp.objective.flags, &support, s, &s->registration);
}

int
sessions_new(struct grasp_node *grasp, struct registry *registry, struct judge *judge,
    struct store *store, struct events *events, const struct sessions_config *cfg,
    struct sessions **ret)
{
	CLEANUP(sessions_free) struct sessions *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->grasp = grasp;
	s->io = grasp_node_io(grasp);
	s->registry = registry;
	s->judge = judge;
	s->store = store;
	s->events = events;
	s->cfg = *cfg;
	err = store_streams(store, load_stream, s);
	if (!err)
		err = offer_registration(s);
	if (!err)
		err = intake_start(s);
	if (err)
		return err;
	*ret = TAKE(s);
	return 0;
}

void
sessions_free(struct sessions *s)
{
	if (!s)
		return;
	queries_stop(s);
	intake_stop(s);
	if (s->registration)
		grasp_deregister(s->registration);
	while (!LIST_EMPTY(&s->joinings)) {
		struct joining *j = LIST_FIRST(&s->joinings);

		if (j->session)
			grasp_session_cancel(j->session);
		joining_free(j);
	}
	while (!LIST_EMPTY(&s->members))
		member_drop(LIST_FIRST(&s->members));
	while (!LIST_EMPTY(&s->peers)) {
		struct peer *p = LIST_FIRST(&s->peers);

		if (p->node)
			p->node->link = NULL;
		grasp_link_set(p->link, NULL, NULL);
		grasp_link_close(p->link);
		free_peer(p);
	}
	free(s);
}

const struct sessions_counters *
sessions_counters(const struct sessions *s)
{
	return &s->counters;
}

void
sessions_plan_changed(struct sessions *s, struct node *n)
{
	struct member *m = n->link ? member_of(s, n) : NULL;

	if (m)
		delivery_consider(m);
}

void
sessions_node_changed(struct sessions *s, struct node *n)
{
	(void)s;
	if (n->state == NODE_GONE && n->user)
		member_drop(n->user);
}

void
sessions_deny(struct sessions *s, const struct fog_id *id)
{
	struct node *n = registry_by_id(s->registry, id);

	if (!n)
		return;
	if (n->link)
		leave_link(n->link);
	registry_lose(s->registry, n, "it is trusted no more");
}

const char *
session_objective(const struct node *n, const char *prefix, const char *name,
    char dst[FOG_NAME_MAX + 1])
{
	const struct member *m = n->user;

	return fog_objective_name(m && m->plain ? NULL : prefix, name, dst);
}

uint64_t
sessions_bytes_received(const struct sessions *s, const struct node *n)
{
	(void)s;
	if (n->link)
		peer_count_bytes(grasp_link_arg(n->link));
	return n->bytes_received;
}
