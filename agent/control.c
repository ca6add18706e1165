/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"
#include "agent/control_metrics.h"
#include "agent/diag.h"
#include "agent/plugin.h"
#include "agent/plugin_show.h"
#include "agent/rule_show.h"
#include "base/addr_text.h"

#include <config.h> /* the build's, not ours */

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/expr.h"
#include "protocol/display.h"
#include "trust/show.h"

#define ITEM_MAX (256 * 1024)

/* One item of an answer. */
static void
send_item(struct ctl_request *req, struct buf *item)
{
	if (!item->err)
		ctl_send(req, buf_slice(item));
	buf_reset(item);
}

static void
put_id(struct buf *b, const char *key, const struct fog_id *id)
{
	char text[FOG_ID_TEXT];

	wr_key_text(b, key, fog_id_format(id, text));
}

static void
put_addr(struct buf *b, const char *key, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	wr_key_text(b, key, addr_format(addr, text));
}

static void
put_span(struct buf *b, const char *key, int64_t ms)
{
	wr_key_double(b, key, (double)ms / 1000);
}

/* Is the membership meant? Those of all domains are, unless one is named. */
static bool
is_meant(const struct member *m, struct slice args)
{
	char domain[FOG_NAME_MAX + 1];

	return !ctl_arg_text(args, "domain", domain, sizeof domain) ||
	    !strcmp(domain, member_domain(m));
}

/* --- status --------------------------------------------------------------------------------- */
static void
put_node(struct buf *b, const struct agent *a, const struct member *m)
{
	const struct trust_conf conf = { &a->cfg->multicast, &a->cfg->insecure };
	char insecure[TRUST_CONF_TEXT_MAX];

	confess_list(conf, insecure);
	wr_key_text(b, "role", "agent");
	wr_key_text(b, "name", a->identity->name);
	put_id(b, "id", &a->identity->id);
	wr_key_text(b, "domain", member_domain(m));
	wr_key_text(b, "scope", member_attributes(m));
	wr_key_text(b, "version", PACKAGE_VERSION);
	put_span(b, "uptime_s", agent_now(a) - a->started_ms);
	wr_key_text(b, "insecure", *insecure ? insecure : NULL);
}

static void
put_session(struct buf *b, const struct agent *a, const struct member *m)
{
	const struct session *s = uplink_session(member_uplink(m));

	if (member_is_registered(m))
		put_id(b, "controller", &session_lease(s)->controller);
	else
		wr_key_text(b, "controller", NULL);
	if (s)
		put_addr(b, "controller_address", session_addr(s));
	else
		wr_key_text(b, "controller_address", NULL);
	if (member_is_registered(m)) {
		put_span(b, "registered_s", agent_now(a) - session_since(s));
		put_span(b, "lease_s", session_lease(s)->lease_ms);
	}
}

static const char *
credential_word(const struct credential *c)
{
	switch (credential_state(c)) {
	case CREDENTIAL_NONE:
		return "none";
	case CREDENTIAL_LAPSED:
		return "expired";
	case CREDENTIAL_VALID:
		return "valid";
	}
	return "?";
}

static void
put_credential(struct buf *b, const struct agent *a, const struct member *m)
{
	struct credential *c = (struct credential *)member_credential(m);
	const struct cert *own = c ? credential_cert(c, "") : NULL;

	if (!c)
		return;
	wr_key_text(b, "certificate", credential_word(c));
	if (own) {
		put_span(b, "certificate_left_s",
		    cert_facts(own)->not_after_ms - credential_now(c));
		put_span(b, "renewal_s", credential_renew_ms(c) - credential_now(c));
	}
	wr_key_int(b, "trust_version", (int64_t)anchors_version(credential_anchors(c)));
	wr_key_int(b, "denied", (int64_t)anchors_denials(credential_anchors(c)));
	wr_key_bool(b, "clock_suspect", trust_time_is_suspect(a->time));
}

static void
put_member(struct buf *b, const struct agent *a, const struct member *m)
{
	const struct plan *plan = uplink_plan(member_uplink(m));

	wr_key_text(b, "state", member_state(m));
	put_session(b, a, m);
	wr_key_text(b, "trouble", *member_trouble(m) ? member_trouble(m) : NULL);
	put_credential(b, a, m);
	wr_key_int(b, "plan_version", (int64_t)plan_version(plan));
	wr_key_int(b, "plan_items", (int64_t)plan_len(plan));
}

static int
run_status(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < a->members; i++) {
		if (!is_meant(a->member[i], args))
			continue;
		wr_open_map(&b);
		put_node(&b, a, a->member[i]);
		put_member(&b, a, a->member[i]);
		wr_close(&b);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- counters --------------------------------------------------------------------------------- */
struct counter {
	const char *name;
	uint64_t value;
};

static void
put_counters(struct buf *b, const struct counter *counter, size_t len)
{
	for (size_t i = 0; i < len; i++)
		wr_key_int(b, counter[i].name, (int64_t)counter[i].value);
}

static void
put_grasp_counters(struct buf *b, const struct grasp_node *node)
{
	const struct grasp_counters *g = grasp_node_counters(node);
	const struct counter counter[] = {
		{ "grasp_datagrams", g->datagrams },
		{ "grasp_malformed", g->malformed },
		{ "grasp_duplicate", g->duplicate },
		{ "grasp_own", g->own },
		{ "grasp_unknown_type", g->unknown_type },
		{ "grasp_unwanted", g->unwanted },
		{ "grasp_no_listener", g->no_listener },
		{ "grasp_bad_source", g->bad_source },
		{ "grasp_rate_limited", g->rate_limited },
		{ "grasp_too_long", g->too_long },
		{ "grasp_discoveries", g->discoveries },
		{ "grasp_responses", g->responses },
		{ "grasp_floods", g->floods },
		{ "grasp_links", g->links },
		{ "grasp_links_refused", g->links_refused },
		{ "grasp_links_paused", g->links_paused },
		{ "grasp_untrusted", g->untrusted },
		{ "grasp_not_permitted", g->not_permitted },
	};

	put_counters(b, counter, ARRAY_LEN(counter));
}

static void
put_uplink_counters(struct buf *b, const struct uplink *u)
{
	struct reporter_stats r;

	reporter_stats(uplink_reporter(u), &r);
	const struct counter counter[] = {
		{ "searches", bootstrap_searches(uplink_bootstrap(u)) },
		{ "registrations", uplink_registrations(u) },
		{ "points", r.points },
		{ "points_accepted", r.accepted },
		{ "points_waiting", r.waiting },
		{ "points_dropped", r.dropped },
		{ "points_refused", r.rejected },
		{ "events", r.events },
		{ "gaps", r.gaps },
		{ "reports", r.reports },
		{ "report_bytes", r.bytes },
		{ "journal_bytes", r.journal_bytes },
	};

	put_counters(b, counter, ARRAY_LEN(counter));
}

static void
put_sampler_counters(struct buf *b, const struct agent *a)
{
	struct sampler_stats s;

	sampler_stats(a->sampler, &s);
	const struct counter counter[] = {
		{ "source_reads", s.reads },
		{ "samples", s.samples },
		{ "series", s.series },
		{ "history_bytes", s.history_bytes },
	};

	put_counters(b, counter, ARRAY_LEN(counter));
}

static void
put_protection_counters(struct buf *b, const struct member *m)
{
	const struct channel_counters *c = channel_counters(member_channel(m));
	const struct guard_counters *g = guard_counters(member_guard(m));
	char name[64];

	wr_key_int(b, "certificates", (int64_t)renewal_count(member_renewal(m)));
	wr_key_int(b, "tls_opened", (int64_t)c->opened);
	wr_key_int(b, "tls_accepted", (int64_t)c->accepted);
	wr_key_int(b, "tls_failed", (int64_t)c->handshakes_failed);
	for (enum channel_refusal r = 0; r < CHANNEL_REFUSALS; r++) {
		snprintf(name, sizeof name, "tls_refused_%s", channel_refusal_name(r));
		wr_key_int(b, name, (int64_t)c->refused[r]);
	}
	wr_key_int(b, "multicasts_verified", (int64_t)g->verified);
	for (enum guard_drop d = 0; d < GUARD_DROPS; d++) {
		snprintf(name, sizeof name, "multicasts_dropped_%s", guard_drop_name(d));
		wr_key_int(b, name, (int64_t)g->dropped[d]);
	}
}

static void
put_member_counters(struct buf *b, const struct member *m)
{
	wr_key_text(b, "domain", member_domain(m));
	put_grasp_counters(b, member_node(m));
	if (member_channel(m))
		put_protection_counters(b, m);
	put_uplink_counters(b, member_uplink(m));
	wr_key_int(b, "queries", (int64_t)querier_answers(member_querier(m)));
}

static int
run_counters(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < a->members; i++) {
		if (!is_meant(a->member[i], args))
			continue;
		wr_open_map(&b);
		put_member_counters(&b, a->member[i]);
		put_sampler_counters(&b, a);
		wr_close(&b);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- controllers ------------------------------------------------------------------------------ */
static void
put_candidate(
    struct buf *b, const struct member *m, const struct candidate *c, int64_t now)
{
	wr_open_map(b);
	wr_key_text(b, "domain", member_domain(m));
	put_addr(b, "address", &c->addr);
	if (c->has_id)
		put_id(b, "controller", &c->id);
	else
		wr_key_text(b, "controller", NULL);
	wr_key_int(b, "epoch", (int64_t)c->epoch);
	wr_key_bool(b, "configured", c->fixed);
	wr_key_bool(b, "proven", c->proven);
	wr_key_int(b, "failures", c->failures);
	if (c->heard_ms != INT64_MIN)
		put_span(b, "heard_s", now - c->heard_ms);
	else
		wr_key_text(b, "heard_s", NULL);
	put_span(b, "retry_s", c->retry_ms > now ? c->retry_ms - now : 0);
	wr_close(b);
}

static void
send_controllers(
    const struct agent *a, const struct member *m, struct ctl_request *req, struct buf *b)
{
	const struct candidate *c;
	size_t len = bootstrap_candidates(member_bootstrap(m), &c);

	for (size_t i = 0; i < len; i++) {
		put_candidate(b, m, &c[i], agent_now(a));
		send_item(req, b);
	}
}

static int
run_controllers(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < a->members; i++)
		if (is_meant(a->member[i], args))
			send_controllers(a, a->member[i], req, &b);
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- capabilities ----------------------------------------------------------------------------- */
static void
put_hardware(struct buf *b, const struct caps *c)
{
	wr_key_text(b, "type", c->type);
	wr_key_text(b, "energy", caps_energy_name(c->energy));
	wr_key_double(b, "battery", c->battery);
	wr_key_int(b, "cpus", c->cpus);
	wr_key_int(b, "memory_bytes", (int64_t)c->memory_bytes);
	wr_key_text(b, "virtualization", c->virtualization);
	wr_key_text(b, "vendor", c->vendor);
	wr_key_text(b, "os", c->os);
	wr_key_text(b, "kernel", c->kernel);
	wr_key_text(b, "arch", c->arch);
	wr_key_text(b, "version", c->version);
	wr_key_int(b, "storage_bytes", (int64_t)c->storage_bytes);
}

static int
run_capabilities(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	const struct caps *c = &a->caps;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	wr_open_map(&b);
	wr_key_text(&b, "name", a->identity->name);
	put_hardware(&b, c);
	wr_text(&b, "tags");
	display_put_tags(&b, c);
	wr_text(&b, "devices");
	display_put_devices(&b, c);
	wr_text(&b, "position");
	display_put_position(&b, c);
	wr_text(&b, "interfaces");
	display_put_interfaces(&b, c);
	wr_close(&b);
	send_item(req, &b);
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- plan ------------------------------------------------------------------------------------- */
static void
put_mode(struct buf *b, const struct plan_item *i)
{
	wr_key_text(b, "mode", plan_mode_name(i->mode));
	if (i->deadband > 0)
		wr_key_double(b, "deadband", i->deadband);
	if (i->share > 0)
		wr_key_double(b, "share", i->share);
	if (i->thresholds) {
		wr_text(b, "thresholds");
		wr_array(b, i->thresholds);
		for (unsigned n = 0; n < i->thresholds; n++)
			wr_double(b, i->threshold[n]);
	}
	if (i->heartbeat_ms)
		put_span(b, "heartbeat_s", i->heartbeat_ms);
	if (i->period_max_ms)
		put_span(b, "period_max_s", i->period_max_ms);
	if (i->flags & PLAN_LINE)
		wr_key_bool(b, "line", true);
	if (i->flags & (PLAN_URGENT | PLAN_LOSSY))
		wr_key_text(b, "class", i->flags & PLAN_URGENT ? "event" : "telemetry");
}

static void
put_item(struct buf *b, const struct agent *a, const struct member *m,
    const struct plan_item_state *s)
{
	int64_t now = agent_now(a);
	struct reporter_item sent;
	struct buf text;

	reporter_item(uplink_reporter(member_uplink(m)), s->item->id, &sent);
	buf_init(&text, 4 * EXPR_TEXT_MAX);
	expr_print(s->item->program, &text);
	wr_open_map(b);
	wr_key_text(b, "node", a->identity->name);
	wr_key_text(b, "domain", member_domain(m));
	wr_key_int(b, "item", s->item->id);
	put_span(b, "period_s", s->item->period_ms);
	put_mode(b, s->item);
	wr_key_text(b, "expression", buf_text(&text));
	wr_key_double(b, "value", s->value);
	wr_key_int(b, "evaluations", (int64_t)s->evaluations);
	wr_key_int(b, "points", (int64_t)s->results);
	wr_key_int(b, "values_sent", (int64_t)sent.values);
	wr_key_int(b, "bytes_sent", (int64_t)sent.bytes);
	put_span(b, "due_s", s->due_ms > now ? s->due_ms - now : 0);
	wr_close(b);
	buf_done(&text);
}

static void
send_plan(
    const struct agent *a, const struct member *m, struct ctl_request *req, struct buf *b)
{
	const struct plan *p = uplink_plan(member_uplink(m));

	for (size_t i = 0; i < plan_len(p); i++) {
		struct plan_item_state s;

		plan_item(p, i, &s);
		put_item(b, a, m, &s);
		send_item(req, b);
	}
}

static int
run_plan_show(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < a->members; i++)
		if (is_meant(a->member[i], args))
			send_plan(a, a->member[i], req, &b);
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- configuration ------------------------------------------------------------------------------ */
/* The canonical form, one line an item. */
static int
run_show_config(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	char *text = NULL, *save = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct buf b;

	(void)args;
	if (!f)
		return -ENOMEM;
	agent_config_print(a->cfg, f);
	fclose(f);
	buf_init(&b, ITEM_MAX);
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		wr_text(&b, line);
		send_item(req, &b);
	}
	buf_done(&b);
	free(text);
	ctl_end(req);
	return 0;
}

const struct ctl_command control_commands[] = {
	CTL_COMMAND("whoami", VIEWER, ctl_whoami, "who asks, and in which role"),
	CTL_COMMAND(
	    "diag", VIEWER, agent_diag, "what works and what does not, step by step"),
	CTL_COMMAND("diag sandbox", VIEWER, agent_diag_sandbox,
	    "tries what the sandbox has to deny"),
	CTL_COMMAND(
	    "show drops", VIEWER, agent_show_drops, "what was dropped, by reason"),
	CTL_COMMAND(
	    "show limits", VIEWER, agent_show_limits, "the limits that are built in"),
	CTL_COMMAND("show permits", VIEWER, show_permits, "which role may begin what"),
	CTL_COMMAND("status", VIEWER, run_status,
	    "how the agent itself is, and who its controller is"),
	CTL_COMMAND(
	    "counters", VIEWER, run_counters, "what was received, sent and refused"),
	CTL_COMMAND(
	    "controllers", VIEWER, run_controllers, "the controllers that were heard of"),
	CTL_COMMAND("capabilities", VIEWER, run_capabilities, "what the node is and has"),
	CTL_COMMAND("metrics", VIEWER, control_metrics, "what can be measured here"),
	CTL_COMMAND("plugins", VIEWER, show_plugins,
	    "the programs that give metrics, and how they are"),
	CTL_COMMAND("rule list", VIEWER, rule_list, "the expressions that have a name"),
	CTL_COMMAND("rule add", DEPLOYER, rule_add, "give an expression a name"),
	CTL_COMMAND(
	    "rule remove", DEPLOYER, rule_remove, "take a rule of one's own away"),
	CTL_COMMAND(
	    "query", VIEWER, control_query, "compute an expression, now or over a range"),
	CTL_COMMAND(
	    "plan show", VIEWER, run_plan_show, "what is measured for the controller"),
	CTL_COMMAND("show config", VIEWER, run_show_config, "the configuration in force"),
};
const size_t control_commands_len = ARRAY_LEN(control_commands);
