/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom the domain trusts: `fogctl node revoke|revoked`, `fogctl ca …`. */
#include "base/clock.h"
#include "base/crypto.h"
#include "controller/commands.h"
#include "controller/notices.h"
#include "controller/registry.h"
#include "controller/session.h"
#include "controller/store_identity.h"
#include "trust/token.h"

#include <errno.h>
#include <string.h>

#define REASON_MAX 200

static bool
has_authority(const struct commands *c, struct ctl_request *req)
{
	if (!c->authority || !c->notices)
		ctl_fail(req, 1,
		    "this controller speaks plain GRASP: it trusts everybody alike");
	return c->authority && c->notices;
}

/* --- revocation ----------------------------------------------------------------------------------- */
/* Waits for the disk. */
struct revocation {
	struct ctl_request *req; /* NULL: the client went */
	struct fog_id id;
	char name[FOG_NAME_MAX + 1];
};

static void
on_client_gone(void *arg)
{
	struct revocation *r = arg;

	r->req = NULL;
}

static void
send_revoked(const struct revocation *r)
{
	char id[FOG_ID_TEXT];
	struct buf item;

	buf_init(&item, 1024);
	wr_map(&item, 3);
	wr_key_text(&item, "node", r->name);
	wr_key_text(&item, "id", fog_id_format(&r->id, id));
	wr_key_text(&item, "result", "revoked");
	ctl_send(r->req, buf_slice(&item));
	buf_done(&item);
	ctl_end(r->req);
}

static void
on_stored(void *arg, int err)
{
	struct revocation *r = arg;

	if (r->req && err)
		ctl_fail(r->req, 1,
		    "it is revoked and written to the domain's files, but not to the "
		    "database: %s",
		    strerror(-err));
	else if (r->req)
		send_revoked(r);
	free(r);
}

/* Whoever is registered by name or the beginning of the id, anybody else by the whole of it. */
static bool
find_target(struct commands *c, const char *text, struct revocation *r)
{
	const struct node *n = *text ? registry_by_name(c->registry, text) : NULL;

	if (!n)
		return !hex_parse(text, r->id.bytes, sizeof r->id.bytes);
	r->id = n->id;
	memcpy(r->name, n->name, sizeof r->name);
	return true;
}

static int
refuse(struct revocation *r, struct ctl_request *req, int err)
{
	char id[FOG_ID_TEXT];

	fog_id_format(&r->id, id);
	free(r);
	if (err == -EALREADY)
		ctl_fail(req, 1, "%s is revoked already", id);
	else if (err == -EINVAL)
		ctl_fail(req, 1, "%s is this controller", id);
	else if (err == -ENOSPC)
		ctl_fail(req, 1,
		    "%d are revoked, and members remember no more: begin another domain, "
		    "\"fogctl domain init\"",
		    TRUST_DENIED_MAX);
	else
		ctl_fail(req, 1, "%s is not revoked: %s", id, strerror(-err));
	return 0;
}

static int
revoke(struct commands *c, struct ctl_request *req, struct revocation *r, const char *why)
{
	int err = authority_deny(c->authority, &r->id, why, ctl_who(req));

	if (err)
		return refuse(r, req, err);
	sessions_deny(c->sessions, &r->id);
	r->req = req;
	ctl_on_cancel(req, on_client_gone, r);
	store_barrier(c->store, on_stored, r);
	return 0;
}

int
domain_revoke(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char node[FOG_NAME_MAX + 1] = "", why[REASON_MAX + 1] = "";
	struct revocation *r;

	if (!has_authority(c, req))
		return 0;
	(void)ctl_arg_text(args, "node", node, sizeof node);
	(void)ctl_arg_text(args, "reason", why, sizeof why);
	r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	if (find_target(c, node, r))
		return revoke(c, req, r, why);
	free(r);
	ctl_fail(req, 1,
	    "there is no node %s here; say the whole id (32 digits) of one that is away",
	    node);
	return 0;
}

static void
send_denial(void *arg, const struct denied_row *d)
{
	char id[FOG_ID_TEXT], time[CLOCK_TEXT_MAX];
	struct buf item;

	buf_init(&item, 2048);
	wr_map(&item, 5);
	wr_key_int(&item, "number", (int64_t)d->version);
	wr_key_text(&item, "id", fog_id_format(&d->id, id));
	wr_key_text(&item, "time", clock_format(d->time_ms, time));
	wr_key_text(&item, "who", d->who);
	wr_key_text(&item, "reason", d->reason);
	if (!item.err)
		ctl_send(arg, buf_slice(&item));
	buf_done(&item);
}

int
domain_show_revoked(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	int err = store_denied(c->store, 0, TRUST_DENIED_MAX, send_denial, req);

	(void)args;
	if (err)
		ctl_fail(req, 1, "the database cannot be read: %s", strerror(-err));
	else
		ctl_end(req);
	return 0;
}

/* --- CAs ---------------------------------------------------------------------------------------------- */
static void
put_time(struct buf *out, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_MAX];

	wr_key_text(out, key, ms == INT64_MAX ? NULL : clock_format(ms, text));
}

/* The newest, which signs, with who knows it; those before it with the time of their end. */
static void
put_ca(struct commands *c, const struct cert *ca, const struct notices_progress *known,
    struct buf *out)
{
	const struct cert_facts *f = cert_facts(ca);
	char pin[27];

	wr_map(out, known ? 9 : 5);
	wr_key_text(out, "ca", token_pin_format(f->key_fingerprint, pin));
	wr_key_text(out, "state", known ? "signs" : "trusted");
	put_time(out, "from", f->not_before_ms);
	put_time(out, "until", f->not_after_ms);
	put_time(out, "retires", known ? INT64_MAX : authority_retire_ms(c->authority));
	if (!known)
		return;
	wr_key_int(out, "version",
	    (int64_t)anchors_version(
		credential_anchors(authority_credential(c->authority))));
	wr_key_int(out, "nodes", known->all);
	wr_key_int(out, "told", known->told);
	wr_key_int(out, "renewed", known->renewed);
}

static void
send_cas(struct commands *c, struct ctl_request *req)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t len =
	    anchors_get(credential_anchors(authority_credential(c->authority)), ca);
	struct notices_progress known;

	notices_progress(c->notices, &known);
	for (size_t i = 0; i < len; i++) {
		struct buf item;

		buf_init(&item, 1024);
		put_ca(c, ca[i], i ? NULL : &known, &item);
		ctl_send(req, buf_slice(&item));
		buf_done(&item);
	}
	ctl_end(req);
}

int
domain_show_cas(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	if (has_authority(c, req))
		send_cas(c, req);
	return 0;
}

int
domain_reload(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	int err;

	(void)args;
	if (!has_authority(c, req))
		return 0;
	err = authority_reload(c->authority);
	if (err)
		ctl_fail(req, 1,
		    "the files of the domain are not taken over, the old ones stay in "
		    "force: %s; the log says which file",
		    strerror(-err));
	else
		send_cas(c, req);
	return 0;
}
