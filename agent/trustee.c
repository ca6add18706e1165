/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/trustee.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto_aead.h"
#include "base/log.h"
#include "protocol/notice.h"

struct trustee {
	const struct trustee_env *env;
	struct grasp_registration *registration;
};

/* --- what is told --------------------------------------------------------------------------- */
static struct denial *
list_denials(const struct fog_notice *n)
{
	struct denial *list = calloc(n->denials_len + 1, sizeof *list);
	struct fog_denial one;

	for (size_t i = 0; list && fog_notice_denial(n, i, &one); i++) {
		list[i].version = n->denied_before + i + 1;
		list[i].id = one.id;
		memcpy(list[i].serial, one.serial, sizeof list[i].serial);
	}
	return list;
}

static int
take_domain(struct trustee *t, const struct fog_notice *n)
{
	struct denial *denied = list_denials(n);
	int err;

	if (!denied)
		return -ENOMEM;
	err = credential_update(
	    t->env->credential, n->trust_version, n->ca, n->cas, denied, n->denials_len);
	free(denied);
	return err;
}

/* Oldest first: the newest is the one to use. */
static int
take_secrets(struct trustee *t, const struct fog_notice *n)
{
	int err = 0;

	for (size_t i = n->secrets; i-- > 0 && err >= 0;)
		err = guard_secret(t->env->guard, n->secret[i].epoch, n->secret[i].secret,
		    n->secret[i].not_after_ms);
	return err == -ESTALE ? 0 : err;
}

static int
take(struct trustee *t, struct slice value)
{
	struct fog_notice n;
	unsigned before = credential_generation(t->env->credential);
	int err = fog_notice_decode(value, &n);

	if (err >= 0)
		err = take_domain(t, &n);
	if (err >= 0)
		err = take_secrets(t, &n);
	secret_wipe(&n, sizeof n);
	if (credential_generation(t->env->credential) == before)
		return err;
	struct anchors *a = credential_anchors(t->env->credential);
	log_info("trust", "the domain is at CAs %llu, %llu nodes are denied",
	    (unsigned long long)anchors_version(a),
	    (unsigned long long)anchors_denials(a));
	return err;
}

/* --- GRASP ---------------------------------------------------------------------------------- */
static const char *
reason_of(int err)
{
	switch (err) {
	case -EBADMSG:
		return "malformed: this is no notice";
	case -ENODATA:
		return "version: denials before these are missing";
	case -ENOSPC:
	case -ENOMEM:
		return "full: no room";
	default:
		return "policy: not taken over";
	}
}

/* The end of our turn comes before whom we trust no more is cut off: it may be who has told us. */
static void
negotiate(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct trustee *t = arg;
	const struct grasp_link *link = t->env->link(t->env->arg);
	unsigned before = credential_generation(t->env->credential);

	if (!link || grasp_session_link(s) != link) {
		grasp_session_end(s, false, "policy: not the controller of this node");
		return;
	}
	int err = take(t, asked->value);
	if (err < 0)
		log_warnx("trust",
		    "what the controller tells of the domain is refused: %s",
		    reason_of(err));
	grasp_session_end(s, err >= 0, err < 0 ? reason_of(err) : NULL);
	if (credential_generation(t->env->credential) != before)
		t->env->changed(t->env->arg);
}

int
trustee_new(const struct trustee_env *env, struct trustee **ret)
{
	static const struct grasp_support support = { .negotiate = negotiate };
	CLEANUP(trustee_free) struct trustee *t = calloc(1, sizeof *t);
	char name[FOG_NAME_MAX + 1];

	if (!t)
		return -ENOMEM;
	t->env = env;
	int err =
	    grasp_register(env->node, fog_objective_name(env->prefix, FOGTRUST, name),
		F_NEG, &support, t, &t->registration);
	if (err < 0)
		return err;
	*ret = TAKE(t);
	return 0;
}

void
trustee_free(struct trustee *t)
{
	if (!t)
		return;
	grasp_deregister(t->registration);
	free(t);
}
