/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/authority.h"

#include "base/log.h"
#include "controller/audit.h"
#include "controller/event.h"
#include "controller/store_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE	500 /* denials that are read at a time */

#define HOUR_MS (3600 * 1000LL)
#define DAY_MS	(24 * HOUR_MS)

struct authority {
	struct authority_config cfg;
	int64_t warned_ms; /* when it was last told that our certificate ends */
};

static struct anchors *
anchors_of(const struct authority *a)
{
	return credential_anchors(a->cfg.self);
}

/* --- denials: the file of the credential and the store know the same ---------------------------------- */
struct page {
	struct denial denial[PAGE];
	size_t len;
};

static void
take_denial(void *arg, const struct denied_row *row)
{
	struct page *p = arg;
	struct denial *d = &p->denial[p->len++];

	d->version = row->version;
	d->id = row->id;
	memcpy(d->serial, row->serial, sizeof d->serial);
}

/* What is in the store, after so many; p->len 0: no more. */
static int
read_page(const struct authority *a, uint64_t after, struct page *p)
{
	p->len = 0;
	return store_denied(a->cfg.store, after, PAGE, take_denial, p);
}

static int
load_denials(struct authority *a)
{
	struct page *p = malloc(sizeof *p);
	int err = p ? 0 : -ENOMEM;

	while (!err) {
		err = read_page(a, anchors_denials(anchors_of(a)), p);
		if (err || !p->len)
			break;
		err = credential_update(a->cfg.self, 0, NULL, 0, p->denial, p->len);
	}
	free(p);
	return err;
}

static int
store_denial(struct authority *a, const struct denial *d, const char *reason,
    const char *who, int64_t now)
{
	struct denied_row row = {
		.version = d->version,
		.id = d->id,
		.time_ms = now,
		.reason = reason,
		.who = who,
	};

	memcpy(row.serial, d->serial, sizeof row.serial);
	return store_denied_put(a->cfg.store, &row, NULL, NULL);
}

static int
count_stored(const struct authority *a, uint64_t *ret)
{
	struct page *p = malloc(sizeof *p);
	int err = p ? 0 : -ENOMEM;

	*ret = 0;
	while (!err) {
		err = read_page(a, *ret, p);
		if (err || !p->len)
			break;
		*ret = p->denial[p->len - 1].version;
	}
	free(p);
	return err;
}

/* A database that is older than the domain, as a backup is, learns again whom we deny. */
static int
store_missing(struct authority *a)
{
	const struct anchors *known = anchors_of(a);
	uint64_t stored;
	int err = count_stored(a, &stored);

	while (!err && stored < anchors_denials(known))
		err = store_denial(a, anchors_denial(known, ++stored),
		    "known from the files of the domain", "",
		    credential_now(a->cfg.self));
	return err;
}

/* --- life ------------------------------------------------------------------------------------------------ */
int
authority_new(const struct authority_config *cfg, struct authority **ret)
{
	CLEANUP(authority_free) struct authority *a = calloc(1, sizeof *a);
	int err;

	if (!a)
		return -ENOMEM;
	a->cfg = *cfg;
	err = load_denials(a);
	if (!err)
		err = store_missing(a);
	if (err)
		return err;
	*ret = TAKE(a);
	return 0;
}

void
authority_free(struct authority *a)
{
	free(a);
}

struct credential *
authority_credential(struct authority *a)
{
	return a->cfg.self;
}

struct trust_time *
authority_time(struct authority *a)
{
	return a->cfg.time;
}

struct signer *
authority_signer(struct authority *a)
{
	return a->cfg.signer;
}

static void
tell_changed(struct authority *a)
{
	if (a->cfg.changed)
		a->cfg.changed(a->cfg.arg);
}

/* --- changes ----------------------------------------------------------------------------------------------- */
static void
write_down(struct authority *a, const struct fog_id *id, const char *reason,
    const char *who, const char *result)
{
	char object[FOG_ID_TEXT];
	char text[AUDIT_TEXT_MAX];
	const struct audit_entry e = {
		.role = "admin",
		.who = who,
		.command = "node revoke",
		.object = fog_id_format(id, object),
		.result = text,
	};

	snprintf(text, sizeof text, "%s%s%s", result, *reason ? ": " : "", reason);
	if (a->cfg.audit)
		audit_write(a->cfg.audit, &e);
}

static int
check_denial(const struct authority *a, const struct fog_id *id)
{
	const struct anchors *known = anchors_of(a);

	if (!memcmp(&credential_name(a->cfg.self)->id, id, sizeof *id))
		return -EINVAL;
	if (anchors_denies(known, id, (struct slice){ 0 }))
		return -EALREADY;
	return anchors_denials(known) >= TRUST_DENIED_MAX ? -ENOSPC : 0;
}

/* In the file first: it is what the next start goes by, whatever becomes of the database. */
int
authority_deny(
    struct authority *a, const struct fog_id *id, const char *reason, const char *who)
{
	struct denial d = { .version = anchors_denials(anchors_of(a)) + 1, .id = *id };
	char text[FOG_ID_TEXT];
	int err = check_denial(a, id);

	if (err)
		return err;
	err = credential_update(a->cfg.self, 0, NULL, 0, &d, 1);
	if (err && !anchors_denies(anchors_of(a), id, (struct slice){ 0 }))
		return err;
	if (err) /* it holds now, but not after a restart unless the database has it */
		log_errorx("trust", "the denial of %s cannot be written: %s",
		    fog_id_format(id, text), strerror(-err));
	err = store_denial(a, &d, reason, who, credential_now(a->cfg.self));
	write_down(a, id, reason, who, err ? "not stored" : "done");
	events_emit(a->cfg.events, "node.revoked", NULL, NULL, NULL,
	    "%s is trusted no more%s%s", fog_id_format(id, text), *reason ? ": " : "",
	    reason);
	tell_changed(a);
	return err;
}

int
authority_reload(struct authority *a)
{
	int err = credential_reload(a->cfg.self);

	if (!err && a->cfg.signer)
		err = signer_reload(a->cfg.signer);
	if (err)
		return err;
	events_emit(a->cfg.events, "ca.reloaded", NULL, NULL, NULL,
	    "the files of the domain were read again: CAs of version %llu",
	    (unsigned long long)anchors_version(anchors_of(a)));
	tell_changed(a);
	return 0;
}

/* --- the life of CAs and certificates ---------------------------------------------------------------------- */
static bool
is_issued_by(const struct cert *leaf, const struct cert *ca)
{
	return !memcmp(cert_facts(leaf)->issuer_fingerprint,
	    cert_facts(ca)->key_fingerprint, sizeof cert_facts(ca)->key_fingerprint);
}

struct looking {
	const struct cert *ca;
	bool newest;
};

static void
look_at_member(void *arg, const struct member_row *m)
{
	struct looking *l = arg;
	CLEANUP(cert_unref) struct cert *leaf = NULL;

	l->newest = !cert_parse(m->certificate, &leaf) && is_issued_by(leaf, l->ca);
}

bool
authority_is_newest(struct authority *a, const struct fog_id *id)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	struct looking l = { 0 };

	if (!anchors_get(anchors_of(a), ca))
		return false;
	l.ca = ca[0];
	return !store_member(a->cfg.store, id, look_at_member, &l) && l.newest;
}

int64_t
authority_retire_ms(const struct authority *a)
{
	struct cert *ca[TRUST_ANCHORS_MAX];

	return anchors_get(anchors_of(a), ca) < 2
	    ? INT64_MAX
	    : cert_facts(ca[0])->not_before_ms + HOUR_MS + AUTHORITY_RETIRE_MS;
}

static void
retire(struct authority *a)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	size_t len = anchors_get(anchors_of(a), ca);
	const struct slice newest = cert_der(ca[0]);
	uint64_t version = anchors_version(anchors_of(a)) + 1;
	int err = credential_update(a->cfg.self, version, &newest, 1, NULL, 0);

	if (err) {
		log_errorx("trust", "the CAs before the newest one cannot be retired: %s",
		    strerror(-err));
		return;
	}
	events_emit(a->cfg.events, "ca.retired", NULL, NULL, NULL,
	    "%zu CA%s before the newest one %s trusted no more", len - 1,
	    len > 2 ? "s" : "", len > 2 ? "are" : "is");
	tell_changed(a);
}

static void
warn_of_end(struct authority *a, int64_t now)
{
	const struct cert *own = credential_cert(a->cfg.self, "");
	int64_t left = own ? cert_facts(own)->not_after_ms - now : 0;

	if (left > AUTHORITY_WARNING_MS || now - a->warned_ms < DAY_MS)
		return;
	a->warned_ms = now;
	events_emit(a->cfg.events, "certificate.ending", NULL, NULL, NULL,
	    "the certificate of this controller ends %s%lld days%s: fogctl domain renew",
	    left > 0 ? "in " : "", (long long)(left > 0 ? left : -left) / DAY_MS,
	    left > 0 ? "" : " ago");
}

void
authority_look(struct authority *a)
{
	int64_t now = credential_now(a->cfg.self);

	if (now >= authority_retire_ms(a))
		retire(a);
	warn_of_end(a, now);
}
