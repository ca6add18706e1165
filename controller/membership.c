/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/membership.h"

#include "base/log.h"
#include "controller/identity.h"

#include <errno.h>
#include <stdio.h>

#define HOUR_MS (60 * 60 * 1000)

static void
on_domain_changed(void *arg)
{
	struct membership *m = arg;

	protection_changed(m->protection);
	if (m->notices)
		notices_changed(m->notices);
}

int
membership_found(struct membership *m, struct protection *p, struct grasp_io *io,
    struct store *store, struct events *events, struct audit *audit)
{
	const struct authority_config cfg = {
		.self = p->credential,
		.time = p->time,
		.signer = p->signer,
		.store = store,
		.events = events,
		.audit = audit,
		.changed = on_domain_changed,
		.arg = m,
	};

	m->protection = p;
	m->io = io;
	return p->credential ? authority_new(&cfg, &m->authority) : 0;
}

static void
on_hour(void *arg)
{
	struct membership *m = arg;

	trust_time_keep(m->protection->time);
	authority_look(m->authority);
	m->io->ops->timer_set(m->hourly, HOUR_MS);
}

int
membership_open(struct membership *m, struct grasp_node *grasp, struct registry *registry,
    struct store *store, struct events *events, struct audit *audit)
{
	const struct controller_config *cfg = m->protection->cfg;
	const bool sealed = cfg->multicast.protection == GUARD_SEALED;
	const struct notices_config notices = {
		.prefix = cfg->grasp.objective_prefix,
		.guard = sealed ? m->protection->guard : NULL,
		.secrets = m->secrets,
	};
	const struct enrol_config enrol = {
		.prefix = cfg->grasp.objective_prefix,
		.days = (unsigned)cfg->certificate_days,
		.port = (uint16_t)cfg->grasp.port,
		.period_ms = cfg->advertisement.period_ms,
	};
	int err;

	if (!m->authority)
		return 0;
	snprintf(m->secrets, sizeof m->secrets, "%.*s/" IDENTITY_DIR "/secrets",
	    PATH_MAX - 32, cfg->state_dir);
	err = notices_new(grasp, registry, m->authority, &notices, &m->notices);
	if (!err)
		err = enrol_new(
		    grasp, m->authority, store, events, audit, &enrol, &m->enrol);
	if (!err)
		err = m->io->ops->timer_new(m->io, on_hour, m, &m->hourly);
	if (!err)
		on_hour(m);
	return err;
}

void
membership_registered(
    struct membership *m, struct node *n, uint64_t trust_version, uint64_t denials)
{
	if (m->notices)
		notices_registered(m->notices, n, trust_version, denials);
}

void
membership_node_changed(struct membership *m, struct node *n)
{
	if (m->notices)
		notices_node_changed(m->notices, n);
}

void
membership_reload(struct membership *m)
{
	int err = m->authority ? authority_reload(m->authority) : 0;

	if (!err)
		return;
	errno = -err;
	log_warn("controller",
	    "the files of the domain in %s are not usable, what was read before stays in"
	    " force",
	    m->protection->cfg->state_dir);
}

void
membership_close(struct membership *m)
{
	if (m->hourly)
		m->io->ops->timer_free(TAKE(m->hourly));
	enrol_free(TAKE(m->enrol));
	notices_free(TAKE(m->notices));
}

void
membership_done(struct membership *m)
{
	authority_free(TAKE(m->authority));
}
