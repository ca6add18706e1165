/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/diag.h"

#include "agent/agent.h"
#include "agent/candidates.h"
#include "trust/diag.h"
#include "trust/show.h"

/* --- discovery and registration ------------------------------------------------------------- */
static void
check_discovery(struct diag *d, const struct member *m)
{
	const struct candidate *c;
	size_t len = bootstrap_candidates(member_bootstrap(m), &c);
	unsigned heard = 0, proven = 0;

	for (size_t i = 0; i < len; i++) {
		heard += c[i].heard_ms != INT64_MIN;
		proven += c[i].proven;
	}
	if (len)
		diag_say(d, "discovery", DIAG_OK, NULL,
		    "%zu controllers are known: %u heard, %u have given us a lease", len,
		    heard, proven);
	else
		diag_say(d, "discovery", DIAG_FAILED,
		    "look whether one runs within reach of multicasts and in this "
		    "domain, or name it under controllers",
		    "no controller was heard of or found");
}

static void
check_registration(struct diag *d, const struct member *m)
{
	const struct session *s = uplink_session(member_uplink(m));

	if (member_is_registered(m) && s)
		diag_say(d, "registration", DIAG_OK, NULL,
		    "registered, with a lease of %lld s",
		    (long long)session_lease(s)->lease_ms / 1000);
	else
		diag_say(d, "registration", DIAG_FAILED,
		    "what failed above comes first; then see the controller's log",
		    "%s%s%s", member_state(m), *member_trouble(m) ? ": " : "",
		    member_trouble(m));
}

static void
check_member(struct diag *d, const struct agent *a, size_t i)
{
	const struct member *m = a->member[i];

	d->domain = a->members > 1 ? member_domain(m) : NULL;
	diag_interfaces(d, a->io[i]);
	diag_multicast(d, member_node(m));
	check_discovery(d, m);
	diag_tls(d, member_channel(m), member_trouble(m));
	diag_certificate(d, member_credential(m));
	check_registration(d, m);
	d->domain = NULL;
}

int
agent_diag(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	const struct trust_conf conf = { &a->cfg->multicast, &a->cfg->insecure };
	struct diag d;

	(void)args;
	diag_begin(&d, req);
	for (size_t i = 0; i < a->members; i++)
		check_member(&d, a, i);
	diag_clock(&d, a->time);
	diag_confession(&d, conf);
	diag_sandbox(&d, &a->sandbox);
	diag_store(&d, a->cfg->node.state_dir);
	diag_end(&d);
	return 0;
}

int
agent_diag_sandbox(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct diag d;

	(void)args;
	diag_begin(&d, req);
	diag_sandbox_all(&d, &a->sandbox);
	diag_end(&d);
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */
int
agent_show_drops(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;

	(void)args;
	for (size_t i = 0; i < a->members; i++)
		show_drops_of(req, member_node(a->member[i]),
		    member_channel(a->member[i]), member_guard(a->member[i]));
	ctl_end(req);
	return 0;
}

int
agent_show_limits(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	show_limits_common(req);
	show_limit(req, "candidates for a controller", CANDIDATES_MAX, "addresses");
	show_limit(req, "attempts at one that was only heard of", CANDIDATE_TRIES_PER_MIN,
	    "per minute");
	show_limit(req, "domains", AGENT_DOMAINS_MAX, "domains");
	ctl_end(req);
	return 0;
}
