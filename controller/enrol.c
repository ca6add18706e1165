/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/enrol.h"

#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "base/crypto_cert.h"
#include "base/ctl.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/enrol_int.h"
#include "controller/event.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOIN_SILENCE_MS 10000 /* of a link for joining, once the certificate was sent */
#define RENEWED_MS	(60 * 60 * 1000) /* so soon after, the same certificate is given */

/* --- small things ---------------------------------------------------------------------------------- */
int64_t
enrol_now(const struct enrol *e)
{
	return trust_time_now(authority_time(e->authority));
}

void
enrol_net_of(const struct grasp_session *s, struct in6_addr *ret)
{
	struct addr peer;

	grasp_link_peer(grasp_session_link((struct grasp_session *)s), &peer);
	*ret = peer.ip;
	if (!addr_is_v4(ret) && !addr_is_link_local(ret))
		memset(ret->s6_addr + 8, 0, 8);
}

/* Who is to come back has not been refused. */
static void
write_refusal(
    struct enrol *e, struct grasp_session *s, const char *address, const char *reason)
{
	const struct grasp_who *who = grasp_link_who(grasp_session_link(s));
	char id[FOG_ID_TEXT] = "nobody known";
	const struct audit_entry entry = {
		.role = trust_role_name(who ? who->role : TRUST_UNKNOWN),
		.who = who ? hex_format(who->id, sizeof who->id, id) : id,
		.command = "join",
		.object = address,
		.result = reason,
	};

	if (e->audit && strncmp(reason, "busy", 4) != 0)
		audit_refusal(e->audit, &entry);
}

void
enrol_refuse(struct enrol *e, struct grasp_session *s, const char *reason)
{
	char text[ADDR_TEXT_MAX];
	struct addr peer;

	grasp_link_peer(grasp_session_link(s), &peer);
	peer.port = 0;
	addr_format(&peer, text);
	e->counters.refused++;
	if (log_limited(&e->logged_ms))
		log_info("enrol", "%s is not admitted: %s", text, reason);
	write_refusal(e, s, text, reason);
	grasp_session_end(s, false, reason);
}

void
enrol_fail_req(struct ctl_request **req, const char *why)
{
	if (*req)
		ctl_fail(TAKE(*req), 1, "%s", why);
}

/* --- who has one already ----------------------------------------------------------------------------- */
struct member {
	bool found;
	struct slice token;
	uint8_t token_bytes[STORE_TOKEN_ID];
	uint8_t der[CERT_DER_MAX];
	size_t len;
	int64_t issued_ms, not_after_ms;
	char name[FOG_NAME_MAX + 1], tags[ENROL_TAGS_MAX];
};

static void
take_member(void *arg, const struct member_row *row)
{
	struct member *m = arg;

	if (row->certificate.len > sizeof m->der)
		return;
	m->found = true;
	if (row->token.len == sizeof m->token_bytes) {
		memcpy(m->token_bytes, row->token.data, sizeof m->token_bytes);
		m->token = (struct slice){ m->token_bytes, sizeof m->token_bytes };
	}
	memcpy(m->der, row->certificate.data, m->len = row->certificate.len);
	m->issued_ms = row->issued_ms;
	m->not_after_ms = row->not_after_ms;
	snprintf(m->name, sizeof m->name, "%s", row->name);
	snprintf(m->tags, sizeof m->tags, "%s", row->tags);
}

/* Is its certificate the newest CA's? After a rotation it is to have another one. */
static bool
is_current(const struct enrol *e, const struct member *m)
{
	CLEANUP(cert_unref) struct cert *cert = NULL;
	struct cert *ca[TRUST_ANCHORS_MAX];
	struct credential *self = authority_credential(e->authority);

	if (!anchors_get(credential_anchors(self), ca) ||
	    cert_parse((struct slice){ m->der, m->len }, &cert))
		return false;
	return memcmp(cert_facts(cert)->issuer_fingerprint,
		   cert_facts(ca[0])->key_fingerprint, 32) == 0;
}

static void
renew(struct enrol *e, struct enrol_asked *a)
{
	struct member m = { .found = false };
	int64_t now = enrol_now(e), life;

	a->renewal = true;
	if (store_member(e->store, &a->id, take_member, &m) || !m.found) {
		/* this controller has lost its memory, or another one has admitted it */
		a->renewal = false;
		enrol_issue(e, a);
		return;
	}
	life = m.not_after_ms - m.issued_ms;
	if (now < m.not_after_ms && now - m.issued_ms < RENEWED_MS &&
	    now - m.issued_ms < life / 10 && is_current(e, &m))
		enrol_repeat(e, a, (struct slice){ m.der, m.len });
	else
		enrol_issue(e, a);
}

struct twin {
	bool found;
	char text[FOG_ID_TEXT];
};

static void
take_twin(void *arg, const struct member_row *m)
{
	struct twin *t = arg;

	t->found = true;
	fog_id_format(&m->id, t->text);
}

/* SEC-07: another member says that it is this machine. */
static bool
is_conflict(struct enrol *e, const struct enrol_asked *a)
{
	struct twin twin = { .found = false };
	char id[FOG_ID_TEXT];

	if (!*a->hardware ||
	    store_member_by_hardware(
		e->store, a->hardware, &a->id, enrol_now(e), take_twin, &twin) ||
	    !twin.found)
		return false;
	e->counters.conflicts++;
	events_emit(e->events, "identity.conflict", *a->name ? a->name : NULL, NULL, NULL,
	    "%s wants to join with the serial number %s, which is that of member %s: "
	    "revoke that one if the machine was set up anew",
	    fog_id_format(&a->id, id), a->hardware, twin.text);
	return true;
}

/* Is it a member already, by the token that it shows again? */
static bool
find_admitted(struct enrol *e, const struct enrol_asked *a, const struct fog_join *j,
    struct member *m)
{
	const struct slice token = { j->token_id, sizeof j->token_id };

	return store_member(e->store, &a->id, take_member, m) == 0 && m->found &&
	    m->not_after_ms > enrol_now(e) &&
	    (!j->has_token || slice_equal(m->token, token));
}

static void
admit_stranger(struct enrol *e, struct enrol_asked *a, const struct fog_join *j)
{
	struct member m = { .found = false };
	const char *reason = NULL;

	if (enrol_is_issuing(e, &a->id)) {
		enrol_refuse(e, a->session, "busy: a certificate is being made");
		return;
	}
	if (j->has_token)
		reason = enrol_token_judge(e, a->session, j, &a->token);
	if (!a->token && reason) {
		enrol_refuse(e, a->session, reason);
		return;
	}
	if (find_admitted(e, a, j, &m)) {
		a->token = NULL;
		a->renewal = true;
		if (is_current(e, &m))
			enrol_repeat(e, a, (struct slice){ m.der, m.len });
		else
			enrol_issue(e, a);
	} else if (reason) {
		enrol_refuse(e, a->session, reason);
	} else if (is_conflict(e, a)) {
		enrol_refuse(
		    e, a->session, "conflict: another node has this serial number");
	} else if (j->has_token) {
		enrol_issue(e, a);
	} else {
		enrol_wait(
		    e, a->session, &a->id, j, (struct slice){ a->spki, a->spki_len });
	}
}

/* The key that the request is for has to be the one that the connection has proved. */
static const char *
read_request(
    struct slice value, const struct grasp_who *who, struct fog_join *j, struct buf *spki)
{
	CLEANUP(key_free) struct key *key = NULL;
	uint8_t fingerprint[32];

	if (fog_join_decode(value, j))
		return "policy: that is no request to join";
	if (cert_request_parse(j->request, &key))
		return "policy: that is no certificate request";
	key_fingerprint(key, fingerprint);
	if (memcmp(fingerprint, who->id, sizeof who->id) != 0)
		return "conflict: the request is for another key";
	key_spki(key, spki);
	return spki->err ? "policy: the key is too large" : NULL;
}

static void
take_request(struct enrol *e, struct grasp_session *session, struct slice value,
    struct fog_join *j)
{
	const struct grasp_who *who = grasp_link_who(grasp_session_link(session));
	struct enrol_asked a = { .session = session };
	uint8_t memory[sizeof((struct waiting *)0)->spki];
	const char *reason = "policy: who asks has proved nothing";
	struct buf spki;

	e->counters.asked++;
	buf_init_fixed(&spki, memory, sizeof memory);
	if (who)
		reason = read_request(value, who, j, &spki);
	if (!reason && grasp_session_dry_run(session))
		reason = "policy: joining is not tried";
	if (reason) {
		enrol_refuse(e, session, reason);
		return;
	}
	memcpy(a.id.bytes, who->id, sizeof a.id.bytes);
	a.command = j->command;
	a.spki = spki.data;
	a.spki_len = spki.pos;
	a.name = j->name;
	a.hardware = j->serial;
	if (anchors_denies(credential_anchors(authority_credential(e->authority)), &a.id,
		(struct slice){ 0 }))
		enrol_refuse(e, session, "revoked: this node is trusted no more");
	else if (who->role == TRUST_STRANGER)
		admit_stranger(e, &a, j);
	else if (who->role == TRUST_LAPSED || who->role == TRUST_AGENT)
		renew(e, &a);
	else
		enrol_refuse(e, session, "policy: this is for nodes");
}

static void
on_join(void *arg, struct grasp_session *session, const struct grasp_objective *asked)
{
	struct fog_join j;

	take_request(arg, session, grasp_value_unwrap(asked->value), &j);
	secret_wipe(&j, sizeof j);
}

static bool
on_discovered(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *asked, struct buf *ret_value)
{
	struct enrol *e = arg;

	(void)asked, (void)ret_value;
	if (from->multicast && e->flood)
		enrol_flood_soon(e->flood);
	return false; /* no stranger makes us open a connection */
}

/* --- life ------------------------------------------------------------------------------------------- */
static int
offer(struct enrol *e)
{
	static const struct grasp_support support = {
		.discovered = on_discovered,
		.negotiate = on_join,
		.assist = GRASP_ASSIST_OFF,
	};
	char name[FOG_NAME_MAX + 1];
	int err;

	if (!authority_signer(e->authority))
		return 0;
	fog_objective_name(e->cfg.prefix, FOGJOIN, name);
	err =
	    grasp_register(e->grasp, name, F_DISC | F_NEG, &support, e, &e->registration);
	return err ? err : enrol_flood_new(e, &e->flood);
}

int
enrol_new(struct grasp_node *grasp, struct authority *a, struct store *store,
    struct events *events, struct audit *audit, const struct enrol_config *cfg,
    struct enrol **ret)
{
	CLEANUP(enrol_free) struct enrol *e = calloc(1, sizeof *e);
	int err;

	if (!e)
		return -ENOMEM;
	e->grasp = grasp;
	e->io = grasp_node_io(grasp);
	e->authority = a;
	e->store = store;
	e->events = events;
	e->audit = audit;
	e->cfg = *cfg;
	TAILQ_INIT(&e->waiting);
	err = enrol_tokens_load(e);
	if (!err)
		err = e->io->ops->timer_new(e->io, enrol_on_tick, e, &e->tick);
	if (!err)
		err = offer(e);
	if (err)
		return err;
	*ret = TAKE(e);
	return 0;
}

void
enrol_free(struct enrol *e)
{
	if (!e)
		return;
	if (e->registration)
		grasp_deregister(e->registration);
	enrol_flood_free(e->flood);
	enrol_issues_free(e);
	enrol_waiting_free(e);
	enrol_tokens_free(e);
	if (e->tick)
		e->io->ops->timer_free(e->tick);
	free(e);
}

const struct enrol_counters *
enrol_counters(const struct enrol *e)
{
	return &e->counters;
}

void
enrol_tags(struct enrol *e, const struct fog_id *id, char *dst, size_t size)
{
	struct member m = { .found = false };

	if (store_member(e->store, id, take_member, &m))
		m.tags[0] = '\0';
	snprintf(dst, size, "%s", m.tags);
}
