/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/protection.h"

#include "base/clock.h"
#include "base/crypto_aead.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/identity.h"
#include "controller/operators.h"
#include "trust/quads.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MEMBERS (TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER))

/* --- before sockets --------------------------------------------------------------------------------- */
static int
start_signer(struct protection *p)
{
	const char *dir = p->cfg->ca_dir;
	int err = signer_start(dir, &p->signer);

	if (err == -ENOENT)
		return 0;
	if (err == -EPERM)
		log_errorx("controller",
		    "%s/ca.key can be read by others than its owner: chmod 600 it, if "
		    "that"
		    " has not done harm already",
		    dir);
	else if (err)
		log_errorx("controller", "the CA in %s cannot be used: %s", dir,
		    err == -EBADMSG ? "its files are damaged, or no pair"
				    : strerror(-err));
	return err;
}

static int
tell_init(const struct protection *p)
{
	log_errorx("controller",
	    "there is no domain in %s yet. To begin one, run \"fogctl domain init NAME"
	    " --state-dir %s --ca-dir %s\" and start this controller again",
	    p->cfg->state_dir, p->cfg->state_dir, p->cfg->ca_dir);
	return -ENOENT;
}

static int
load_key(struct protection *p)
{
	int err = identity_load(p->cfg->state_dir, p->cfg->insecure.plain_grasp, &p->key);

	if (err == -ENOENT)
		return tell_init(p);
	if (err == -EPERM)
		log_errorx("controller",
		    "the key in %s/" IDENTITY_DIR
		    " can be read by others than its owner: chmod 600 it, if that has not"
		    " done harm already",
		    p->cfg->state_dir);
	else if (err)
		log_errorx("controller",
		    "the key in %s/" IDENTITY_DIR " cannot be used: %s",
		    p->cfg->state_dir, strerror(-err));
	return err;
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static int64_t
boot(void *arg)
{
	(void)arg;
	return clock_boot_ms();
}

static int
check_state(const struct protection *p)
{
	switch (credential_state(p->credential)) {
	case CREDENTIAL_NONE:
		return tell_init(p);
	case CREDENTIAL_LAPSED:
		log_errorx("controller",
		    "the certificate of this controller has expired: run \"fogctl domain"
		    " renew --state-dir %s --ca-dir %s\" and start it again",
		    p->cfg->state_dir, p->cfg->ca_dir);
		return -EKEYEXPIRED;
	case CREDENTIAL_VALID:
		return 0;
	}
	return -EINVAL;
}

static int
load_credential(struct protection *p)
{
	char dir[PATH_MAX], state[PATH_MAX];
	int err;

	snprintf(dir, sizeof dir, "%.*s/" IDENTITY_DIR, PATH_MAX - 32, p->cfg->state_dir);
	snprintf(state, sizeof state, "%.*s/time", PATH_MAX - 32, p->cfg->state_dir);
	err = trust_time_new(state, wall, boot, NULL, &p->time);
	if (!err)
		err = credential_new(dir, p->cfg->domain, TRUST_CONTROLLER, p->key,
		    p->time, &p->credential);
	if (err == -EKEYREJECTED && p->cfg->domain[0])
		log_errorx("controller",
		    "is the domain really \"%s\", as the configuration says?",
		    p->cfg->domain);
	if (err) {
		log_errorx(
		    "controller", "cannot use what is in %s: %s", dir, strerror(-err));
		return err;
	}
	return check_state(p);
}

int
protection_prepare(struct protection *p, const struct controller_config *cfg)
{
	int err = 0;

	p->cfg = cfg;
	if (!cfg->insecure.plain_grasp)
		err = start_signer(p);
	if (!err)
		err = load_key(p);
	if (!err && !cfg->insecure.plain_grasp)
		err = load_credential(p);
	return err;
}

const char *
protection_domain(const struct protection *p)
{
	return p->credential ? credential_name(p->credential)->domain : p->cfg->domain;
}

/* --- around the sockets ------------------------------------------------------------------------------- */
static void
on_refused(void *arg, const struct addr *peer, enum channel_refusal why, const char *text)
{
	struct protection *p = arg;

	audit_unconnected(p->audit, peer, channel_refusal_name(why), text);
}

static void
on_operator(void *arg, struct grasp_stream *s, const struct trust_name *who)
{
	struct protection *p = arg;

	if (p->operators)
		operators_take(p->operators, s, who);
}

static int
open_channel(struct protection *p)
{
	const struct channel_config cfg = { .inner = p->io,
		.self = p->credential,
		.accept = MEMBERS,
		.open = MEMBERS,
		.join = p->signer != NULL,
		.operate = p->cfg->remote_operators ? on_operator : NULL,
		.refused = on_refused,
		.arg = p };
	int err = channel_new(&cfg, &p->channel);

	if (err)
		log_errorx("controller", "cannot prepare TLS: %s", strerror(-err));
	return err;
}

static int
open_guard(struct protection *p)
{
	const char *file = p->cfg->multicast.quads_password_file;
	char password[QUADS_PASSWORD_MAX] = "", state[PATH_MAX];
	const struct guard_config cfg = { .io = p->io,
		.mode = (enum guard_mode)p->cfg->multicast.protection,
		.self = p->credential,
		.prefix = p->cfg->grasp.objective_prefix,
		.state = state,
		.port = (uint16_t)p->cfg->grasp.port,
		.quads_password = password };
	int err = 0;

	snprintf(state, sizeof state, "%.*s/guard", PATH_MAX - 32, p->cfg->state_dir);
	if (cfg.mode == GUARD_QUADS)
		err = file ? quads_password_load(file, password) : -ENOENT;
	if (err)
		log_errorx("controller",
		    "cannot use the password in multicast.quads-password-file (%s): %s",
		    file ? file : "not given", strerror(-err));
	else if ((err = guard_new(&cfg, &p->guard)))
		log_errorx(
		    "controller", "multicasts cannot be protected: %s", strerror(-err));
	secret_wipe(password, sizeof password);
	return err;
}

int
protection_open(struct protection *p, struct ev_loop *loop, struct grasp_io *io,
    struct audit *audit, struct grasp_io **ret)
{
	int err;

	*ret = p->io = io;
	p->audit = audit;
	if (!p->credential)
		return 0;
	if (!p->signer)
		log_info("controller", "there is no CA in %s: nobody can join here",
		    p->cfg->ca_dir);
	err = p->signer ? signer_attach(p->signer, loop) : 0;
	if (!err)
		err = open_channel(p);
	if (!err)
		err = open_guard(p);
	if (!err)
		*ret = p->channel;
	return err;
}

void
protection_apply(
    struct protection *p, struct grasp_guard *guard, struct grasp_config *cfg)
{
	if (!p->credential)
		return;
	p->permit = (struct permit_env){ .prefix = p->cfg->grasp.objective_prefix,
		.refused = audit_unpermitted,
		.arg = p->audit };
	*guard = guard_hook(p->guard);
	cfg->guard = guard;
	cfg->permit = trust_permits;
	cfg->permit_arg = &p->permit;
}

void
protection_changed(struct protection *p)
{
	if (p->channel)
		channel_recheck(p->channel);
}

void
protection_stop_signer(struct protection *p)
{
	signer_stop(TAKE(p->signer));
}

void
protection_done(struct protection *p)
{
	guard_free(p->guard);
	if (p->channel)
		channel_free(p->channel);
	signer_stop(p->signer);
	credential_free(p->credential);
	if (p->time)
		trust_time_keep(p->time);
	trust_time_free(p->time);
	key_free(p->key);
}
