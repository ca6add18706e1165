/* SPDX-License-Identifier: Apache-2.0
 *
 * A certificate on its way: signed, stored, given, taken. */
#include "base/ctl.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/enrol_int.h"
#include "controller/event.h"
#include "trust/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOIN_SILENCE_MS 10000 /* of a link for joining, once the certificate was sent */

static void
note(struct enrol *e, const struct joining *j, const char *result)
{
	char id[FOG_ID_TEXT], token[9] = "approval";
	const struct audit_entry entry = { .role = "stranger",
		.who = fog_id_format(&j->row.id, id),
		.command = "join",
		.object = j->row.token ? token_id_format(j->token_id, token) : token,
		.result = result };

	if (e->audit && !j->row.renewal)
		audit_write(e->audit, &entry);
}

static void
free_joining(struct joining *j)
{
	LIST_REMOVE(j, entry);
	free(j->certificate);
	free(j);
}

static void
end_joining(struct joining *j, const char *reason)
{
	struct enrol *e = j->enrol;

	enrol_fail_req(&j->req, reason);
	if (j->token)
		TAKE(j->token)->reserved--;
	if (j->session)
		enrol_refuse(e, TAKE(j->session), reason);
	else
		note(e, j, reason);
	free_joining(j);
}

static void
put_places(struct enrol *e, struct fog_grant *g)
{
	struct grasp_interface all[GRASP_INTERFACES_MAX];
	int count = e->io->ops->interfaces(e->io, all);
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < count; i++)
		for (int a = 0; a < all[i].addrs && g->places < FOG_JOIN_PLACES_MAX;
		     a++) {
			const struct addr at = { .ip = all[i].addr[a],
				.port = e->cfg.port };

			if (addr_has_zone(&at.ip) || addr_is_loopback(&at.ip))
				continue;
			snprintf(g->place[g->places++], sizeof g->place[0], "%.63s",
			    addr_format(&at, text));
		}
}

static int
send_grant(struct joining *j)
{
	struct enrol *e = j->enrol;
	struct credential *self = authority_credential(e->authority);
	const struct anchors *anchors = credential_anchors(self);
	struct cert *ca[TRUST_ANCHORS_MAX];
	struct fog_grant g = { .certificate = { j->certificate, j->len },
		.trust_version = anchors_version(anchors),
		.time_ms = enrol_now(e) };
	struct buf value;
	int err;

	memcpy(g.command, j->command, sizeof g.command);
	snprintf(g.domain, sizeof g.domain, "%s", anchors_domain(anchors));
	g.cas = anchors_get(anchors, ca);
	for (size_t i = 0; i < g.cas; i++)
		g.ca[i] = cert_der(ca[i]);
	put_places(e, &g);
	buf_init(&value, FOG_JOIN_MESSAGE_MAX);
	fog_grant_encode(&g, &value);
	err = value.err ? value.err : grasp_session_step(j->session, buf_slice(&value));
	buf_done(&value);
	return err;
}

/* The link of a member is held by its registration; that of others serves for this alone. */
static void
make_room(struct grasp_link *link)
{
	const struct grasp_who *who = grasp_link_who(link);

	if (who && who->role != TRUST_AGENT)
		grasp_link_hold(link, 0, JOIN_SILENCE_MS, FOG_JOIN_MESSAGE_MAX);
}

/* It is on the disk: now it may be given away. */
static void
give(struct joining *j)
{
	if (!j->session) {
		free_joining(j);
		return;
	}
	make_room(grasp_session_link(j->session));
	if (send_grant(j) < 0)
		end_joining(j, "busy: the certificate cannot be sent");
}

static void
tell_admitted(struct joining *j)
{
	struct enrol *e = j->enrol;
	char id[FOG_ID_TEXT];

	if (j->row.renewal) {
		e->counters.renewed++;
		return;
	}
	e->counters.admitted++;
	note(e, j, "done");
	events_emit(e->events, "node.admitted", j->name[0] ? j->name : NULL, NULL, NULL,
	    "%s is a member now, admitted by %s", fog_id_format(&j->row.id, id),
	    j->row.token	 ? "a token"
		: j->is_approved ? "an operator"
				 : "the certificate that it had");
}

static void
answer_operator(struct joining *j)
{
	struct ctl_request *req = TAKE(j->req);
	char id[FOG_ID_TEXT];
	struct buf item;

	if (!req)
		return;
	buf_init(&item, 1024);
	wr_map(&item, 3);
	wr_key_text(&item, "id", fog_id_format(&j->row.id, id));
	wr_key_text(&item, "name", j->name);
	wr_key_text(&item, "result", "approved");
	ctl_send(req, buf_slice(&item));
	ctl_end(req);
	buf_done(&item);
}

static void
on_stored(void *arg, int err)
{
	struct joining *j = arg;

	j->busy = false;
	if (err == -EINVAL && j->row.token) {
		end_joining(j, "token: it has been used");
		return;
	}
	if (err) {
		end_joining(j, "busy: this controller cannot store anything");
		return;
	}
	if (j->token) {
		j->token->reserved--;
		TAKE(j->token)->row.uses--;
	}
	tell_admitted(j);
	answer_operator(j);
	give(j);
}

static int
keep_certificate(struct joining *j, struct slice der)
{
	CLEANUP(cert_unref) struct cert *cert = NULL;
	const struct cert_facts *facts;
	int err = cert_parse(der, &cert);

	if (err)
		return err;
	facts = cert_facts(cert);
	if (facts->serial_len > sizeof j->row.serial)
		return -EBADMSG;
	memcpy(j->row.serial + sizeof j->row.serial - facts->serial_len, facts->serial,
	    facts->serial_len);
	j->row.not_after_ms = facts->not_after_ms;
	j->row.time_ms = enrol_now(j->enrol);
	j->certificate = malloc(der.len);
	if (!j->certificate)
		return -ENOMEM;
	memcpy(j->certificate, der.data, j->len = der.len);
	j->row.certificate = (struct slice){ j->certificate, j->len };
	return 0;
}

static void
on_signed(void *arg, int err, struct slice certificate)
{
	struct joining *j = arg;
	struct enrol *e = j->enrol;

	j->busy = false;
	if (!err)
		err = keep_certificate(j, certificate);
	if (!err)
		err = store_issue(e->store, &j->row, on_stored, j);
	if (!err) {
		j->busy = true;
		return;
	}
	if (err != -EAGAIN)
		log_warnx("enrol", "no certificate could be made: %s", strerror(-err));
	end_joining(j,
	    err == -EACCES ? "policy: the signer refuses this request"
			   : "busy: no certificate can be made now");
}

/* --- the session --------------------------------------------------------------------------- */
static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct joining *j = arg;

	(void)session;
	j->session = NULL;
	if (outcome != GRASP_ACCEPTED)
		log_debug("enrol", "a certificate was not taken: %s %.*s",
		    grasp_outcome_name(outcome), (int)reason.len,
		    (const char *)reason.data);
	if (!j->busy)
		free_joining(j);
}

static void
on_step(void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct joining *j = arg;

	(void)session, (void)objective;
	grasp_session_end(TAKE(j->session), false, "policy: a certificate is as it is");
	if (!j->busy)
		free_joining(j);
}

static const struct grasp_session_ops session_ops = { .negotiated = on_step,
	.ended = on_ended };

static void
on_operator_gone(void *arg)
{
	struct joining *j = arg;

	j->req = NULL;
}

static struct joining *
new_joining(struct enrol *e, const struct enrol_asked *a)
{
	struct joining *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	j->enrol = e;
	j->session = a->session;
	j->req = a->req;
	j->is_approved = a->req != NULL;
	memcpy(j->command, a->command, sizeof j->command);
	snprintf(j->name, sizeof j->name, "%s", a->name);
	snprintf(j->hardware, sizeof j->hardware, "%s", a->hardware);
	j->row = (struct issue_row){ .id = a->id,
		.name = j->name,
		.hardware = j->hardware,
		.tags = j->tags,
		.renewal = a->renewal };
	if (a->token) {
		j->token = a->token;
		j->token->reserved++;
		memcpy(j->token_id, a->token->row.id, sizeof j->token_id);
		j->row.token = j->token_id;
		snprintf(j->tags, sizeof j->tags, "%s", a->token->tags);
	}
	LIST_INSERT_HEAD(&e->joinings, j, entry);
	if (j->session)
		grasp_session_set(j->session, &session_ops, j);
	if (j->req)
		ctl_on_cancel(j->req, on_operator_gone, j);
	return j;
}

static void
refuse_asked(struct enrol *e, const struct enrol_asked *a, const char *reason)
{
	struct ctl_request *req = a->req;

	enrol_fail_req(&req, reason);
	if (a->session)
		enrol_refuse(e, a->session, reason);
}

void
enrol_issue(struct enrol *e, const struct enrol_asked *a)
{
	struct signer *signer = authority_signer(e->authority);
	struct joining *j = signer ? new_joining(e, a) : NULL;
	int err;

	if (!j) {
		refuse_asked(e, a, "busy: this controller cannot admit anybody now");
		return;
	}
	err = signer_issue(signer, (struct slice){ a->spki, a->spki_len }, &a->id,
	    e->cfg.days, enrol_now(e), on_signed, j);
	if (err)
		on_signed(j, err, (struct slice){ 0 });
	else
		j->busy = true;
}

/* Lost on the way, or asked for twice: the same one again. */
void
enrol_repeat(struct enrol *e, const struct enrol_asked *a, struct slice certificate)
{
	struct joining *j = new_joining(e, a);

	if (j)
		j->certificate = malloc(certificate.len);
	if (!j || !j->certificate) {
		if (j)
			end_joining(j, "busy: out of memory");
		else
			refuse_asked(e, a, "busy: out of memory");
		return;
	}
	memcpy(j->certificate, certificate.data, j->len = certificate.len);
	e->counters.repeated++;
	give(j);
}

bool
enrol_is_issuing(const struct enrol *e, const struct fog_id *id)
{
	const struct joining *j;

	LIST_FOREACH(j, &e->joinings, entry)
		if (j->busy && memcmp(&j->row.id, id, sizeof *id) == 0)
			return true;
	return false;
}

void
enrol_issues_free(struct enrol *e)
{
	struct joining *j;

	while ((j = LIST_FIRST(&e->joinings))) {
		if (j->session)
			grasp_session_cancel(j->session);
		enrol_fail_req(&j->req, "the controller is stopping");
		free_joining(j);
	}
}
