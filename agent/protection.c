/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/protection.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto_aead.h"
#include "base/log.h"
#include "trust/quads.h"

#define MEMBERS (TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER))

/* --- the parts ------------------------------------------------------------------------------ */
static int
make_credential(
    struct protection *p, const struct protection_env *env, char *why, size_t why_size)
{
	int err = credential_new(*env->dir ? env->dir : NULL, env->domain, TRUST_AGENT,
	    env->identity->key, env->time, &p->credential);

	if (err == -EKEYREJECTED)
		snprintf(why, why_size,
		    "%s has the certificate of another key, domain or role. If this node "
		    "may join again, remove the directory",
		    env->dir);
	else if (err == -EBADMSG)
		snprintf(why, why_size,
		    "a file in %s is damaged. If this node may join again, remove the "
		    "directory",
		    env->dir);
	else if (err < 0)
		snprintf(why, why_size, "cannot use %s: %s", env->dir, strerror(-err));
	return err;
}

static int
make_channel(
    struct protection *p, const struct protection_env *env, char *why, size_t why_size)
{
	const struct channel_config cfg = { .inner = env->io,
		.self = p->credential,
		.accept = MEMBERS,
		.open = MEMBERS };
	int err = channel_new(&cfg, &p->channel);

	if (err < 0)
		snprintf(why, why_size, "cannot prepare TLS: %s", strerror(-err));
	return err;
}

static int
new_guard(struct protection *p, const struct protection_env *env, char *password)
{
	char state[PATH_MAX];
	struct guard_config cfg = { .io = env->io,
		.mode = (enum guard_mode)env->cfg->multicast.protection,
		.self = p->credential,
		.prefix = env->cfg->grasp.objective_prefix,
		.quads_password = password };

	if (*env->dir && snprintf(state, sizeof state, "%s/guard", env->dir) < PATH_MAX)
		cfg.state = state;
	return guard_new(&cfg, &p->guard);
}

static int
make_guard(
    struct protection *p, const struct protection_env *env, char *why, size_t why_size)
{
	const char *file = env->cfg->multicast.quads_password_file;
	char password[QUADS_PASSWORD_MAX] = "";
	int err = 0;

	if (env->cfg->multicast.protection == GUARD_QUADS)
		err = file ? quads_password_load(file, password) : -ENOENT;
	if (err >= 0)
		err = new_guard(p, env, *password ? password : NULL);
	secret_wipe(password, sizeof password);
	if (err < 0 && env->cfg->multicast.protection == GUARD_QUADS)
		snprintf(why, why_size,
		    "cannot use the password of multicast.quads-password-file (%s): %s",
		    file ? file : "not given", strerror(-err));
	else if (err < 0)
		snprintf(why, why_size, "cannot protect multicasts: %s", strerror(-err));
	return err;
}

/* --- rights --------------------------------------------------------------------------------- */
static void
note_refused(void *arg, const struct grasp_who *who, const struct grasp_msg *msg)
{
	struct protection *p = arg;
	char id[FOG_ID_TEXT] = "somebody";
	struct fog_id of;

	p->refused++;
	if (!log_limited(&p->refused_ms))
		return;
	if (who) {
		memcpy(of.bytes, who->id, sizeof of.bytes);
		fog_id_format(&of, id);
	}
	log_warnx("trust", "%s (%s) may not begin %.*s here: connection closed", id,
	    trust_role_name(who ? who->role : TRUST_UNKNOWN),
	    (int)(msg->has_objective ? msg->objective.name.len : 0),
	    (const char *)msg->objective.name.data);
}

/* --- life ----------------------------------------------------------------------------------- */
int
protection_init(
    struct protection *p, const struct protection_env *env, char *why, size_t why_size)
{
	int err = make_credential(p, env, why, why_size);

	if (err >= 0)
		err = make_channel(p, env, why, why_size);
	if (err >= 0)
		err = make_guard(p, env, why, why_size);
	p->permit = (struct permit_env){ .prefix = env->cfg->grasp.objective_prefix,
		.refused = note_refused,
		.arg = p };
	return err;
}

void
protection_done(struct protection *p)
{
	guard_free(TAKE(p->guard));
	if (p->channel)
		channel_free(TAKE(p->channel));
	credential_free(TAKE(p->credential));
}

void
protection_apply(
    struct protection *p, struct grasp_guard *guard, struct grasp_config *cfg)
{
	if (!p->credential)
		return;
	*guard = guard_hook(p->guard);
	cfg->guard = guard;
	cfg->permit = trust_permits;
	cfg->permit_arg = &p->permit;
}
