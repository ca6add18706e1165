/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/permit.h"

#include "base/slice.h"

#define TYPE(t) (1u << (t))
#define SEARCH	(TYPE(M_DISCOVERY) | TYPE(M_RESPONSE))
#define READ	(SEARCH | TYPE(M_REQ_SYN))
#define MEMBERS (TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER))
#define JOINERS \
	(TRUST_BIT(TRUST_STRANGER) | TRUST_BIT(TRUST_LAPSED) | TRUST_BIT(TRUST_AGENT))
#define ANYBODY TRUST_BIT(TRUST_UNKNOWN) /* on a plain instance, and only there */

const struct permit permits[] = {
	{ FOGJOIN, TYPE(M_REQ_NEG), JOINERS },
	{ FOGREG, TYPE(M_REQ_NEG), TRUST_BIT(TRUST_AGENT) },
	{ FOGREPORT, TYPE(M_REQ_NEG), TRUST_BIT(TRUST_AGENT) },
	{ FOGPLAN, TYPE(M_REQ_NEG), TRUST_BIT(TRUST_CONTROLLER) },
	{ FOGTRUST, TYPE(M_REQ_NEG), TRUST_BIT(TRUST_CONTROLLER) },
	{ FOGMETRIC, READ, MEMBERS | ANYBODY },
	{ FOGDOMAIN, READ, MEMBERS | ANYBODY },
	{ FOGNODERADIO, READ, MEMBERS | ANYBODY },
	{ FOGNODECONNECTIVITY, READ, MEMBERS | ANYBODY },
	{ FOGNODEVIRTUALIZATION, READ, MEMBERS | ANYBODY },
	{ FOGNODEDOMAIN, READ, MEMBERS | ANYBODY },
	{ FOGNODETYPE, READ, MEMBERS | ANYBODY },
	{ FOGNODEVENDOR, READ, MEMBERS | ANYBODY },
	{ FOGNODEENERGY, READ, MEMBERS | ANYBODY },
	{ FOGNODEARCH, READ, MEMBERS | ANYBODY },
	{ FOGNODETAG, READ, MEMBERS | ANYBODY },
};
const size_t permits_len = ARRAY_LEN(permits);

/* The library finds an objective with its prefix and without. */
static const struct permit *
find_row(const char *prefix, struct slice name)
{
	char full[FOG_NAME_MAX + 1];

	for (size_t i = 0; i < permits_len; i++) {
		const struct permit *p = &permits[i];

		if (slice_is(name, p->objective) ||
		    slice_is(name, fog_objective_name(prefix, p->objective, full)))
			return p;
	}
	return NULL;
}

/* An answer need not carry the objective: its session id says which question it is for, and the
 * engine takes no other. */
static bool
is_bare_answer(const struct grasp_msg *msg)
{
	return msg->type == M_RESPONSE && !msg->has_objective;
}

static bool
is_permitted(const struct permit_env *env, unsigned role, const struct grasp_msg *msg)
{
	const struct permit *p;

	if (role >= TRUST_ROLES || msg->type > M_FLOOD ||
	    (role == TRUST_UNKNOWN && !env->plain))
		return false;
	if (is_bare_answer(msg))
		return TRUST_BIT(role) & (MEMBERS | ANYBODY);
	p = msg->has_objective ? find_row(env->prefix, msg->objective.name) : NULL;
	return p && p->types & TYPE(msg->type) && p->roles & TRUST_BIT(role);
}

bool
trust_permits(void *arg, const struct grasp_who *who, const struct grasp_msg *msg)
{
	const struct permit_env *env = arg;
	/* What somebody can prove is no matter where nobody has to. */
	unsigned role = who && !env->plain ? who->role : TRUST_UNKNOWN;

	if (is_permitted(env, role, msg))
		return true;
	if (env->refused)
		env->refused(env->arg, who, msg);
	return false;
}
