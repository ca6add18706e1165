/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/control.h"

#include <config.h> /* the build's, not ours */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "metrics/expr.h"

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

/* --- status --------------------------------------------------------------------------------- */
static const char *
state_name(enum uplink_state s)
{
	switch (s) {
	case UPLINK_SEARCHING:
		return "searching";
	case UPLINK_CONNECTING:
		return "connecting";
	case UPLINK_REGISTERED:
		return "registered";
	}
	return "?";
}

static void
put_node(struct buf *b, const struct agent *a)
{
	wr_key_text(b, "program", "fogwatch-agent");
	wr_key_text(b, "version", PACKAGE_VERSION);
	put_id(b, "node", &a->identity->id);
	wr_key_text(b, "name", a->identity->name);
	wr_key_text(b, "domain", a->cfg->domain);
	wr_key_text(b, "scope", a->cfg->attributes);
	wr_key_int(b, "uptime_ms", grasp_io_now(a->io) - a->started_ms);
}

static void
put_session(struct buf *b, const struct agent *a, const struct uplink *u)
{
	const struct session *s = uplink_session(u);
	bool registered = uplink_state(u) == UPLINK_REGISTERED;

	wr_key_text(b, "state", state_name(uplink_state(u)));
	if (s)
		put_addr(b, "controller_address", session_addr(s));
	if (registered) {
		put_id(b, "controller", &session_lease(s)->controller);
		wr_key_int(b, "lease_ms", session_lease(s)->lease_ms);
		wr_key_int(b, "registered_ms", grasp_io_now(a->io) - session_since(s));
	}
	wr_key_int(b, "registrations", (int64_t)uplink_registrations(u));
	wr_key_text(b, "trouble", uplink_trouble(u)[0] ? uplink_trouble(u) : NULL);
	wr_key_int(b, "discoveries", (int64_t)bootstrap_searches(uplink_bootstrap(u)));
}

static void
put_reports(struct buf *b, const struct uplink *u)
{
	struct reporter_stats r;

	reporter_stats(uplink_reporter(u), &r);
	wr_key_int(b, "plan_version", (int64_t)plan_version(uplink_plan(u)));
	wr_key_int(b, "plan_items", (int64_t)plan_len(uplink_plan(u)));
	wr_key_int(b, "results", (int64_t)r.points);
	wr_key_int(b, "results_accepted", (int64_t)r.accepted);
	wr_key_int(b, "results_waiting", (int64_t)r.waiting);
	wr_key_int(b, "results_dropped", (int64_t)r.dropped);
	wr_key_int(b, "results_rejected", (int64_t)r.rejected);
	wr_key_int(b, "reports", (int64_t)r.reports);
	wr_key_int(b, "report_bytes", (int64_t)r.bytes);
}

static void
put_sampler(struct buf *b, const struct agent *a)
{
	struct sampler_stats s;

	sampler_stats(a->sampler, &s);
	wr_key_int(b, "source_reads", (int64_t)s.reads);
	wr_key_int(b, "samples", (int64_t)s.samples);
	wr_key_int(b, "series", (int64_t)s.series);
	wr_key_int(b, "history_bytes", (int64_t)s.history_bytes);
	wr_key_int(b, "queries", (int64_t)querier_answers(a->querier));
}

static void
put_grasp(struct buf *b, const struct agent *a)
{
	const struct grasp_counters *c = grasp_node_counters(a->node);

	wr_key_int(b, "datagrams", (int64_t)c->datagrams);
	wr_key_int(b, "malformed", (int64_t)c->malformed);
	wr_key_int(b, "rate_limited", (int64_t)c->rate_limited);
	wr_key_int(b, "floods", (int64_t)c->floods);
	wr_key_int(b, "links", (int64_t)c->links);
}

static int
run_status(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < AGENT_UPLINKS; i++) {
		wr_open_map(&b);
		put_node(&b, a);
		put_session(&b, a, a->uplink[i]);
		put_reports(&b, a->uplink[i]);
		put_sampler(&b, a);
		put_grasp(&b, a);
		wr_close(&b);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- candidates ------------------------------------------------------------------------------- */
static void
put_candidate(struct buf *b, const struct candidate *c, int64_t now)
{
	wr_open_map(b);
	put_addr(b, "address", &c->addr);
	if (c->has_id)
		put_id(b, "controller", &c->id);
	wr_key_int(b, "epoch", (int64_t)c->epoch);
	wr_key_bool(b, "configured", c->fixed);
	wr_key_bool(b, "proven", c->proven);
	wr_key_int(b, "failures", c->failures);
	if (c->heard_ms != INT64_MIN)
		wr_key_int(b, "heard_ms", now - c->heard_ms);
	wr_key_int(b, "retry_ms", c->retry_ms > now ? c->retry_ms - now : 0);
	wr_close(b);
}

static int
run_candidates(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	const struct candidate *c;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	for (size_t u = 0; u < AGENT_UPLINKS; u++) {
		size_t len = bootstrap_candidates(uplink_bootstrap(a->uplink[u]), &c);

		for (size_t i = 0; i < len; i++) {
			put_candidate(&b, &c[i], grasp_io_now(a->io));
			send_item(req, &b);
		}
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- capabilities ----------------------------------------------------------------------------- */
static void
put_interface(struct buf *b, const struct caps_interface *i)
{
	char text[2 * sizeof i->l2 + 8], *at = text;

	wr_open_map(b);
	wr_key_text(b, "name", i->name);
	wr_key_text(b, "kind", caps_kind_name(i->kind));
	wr_key_text(b, "radio", i->radio[0] ? i->radio : NULL);
	for (unsigned n = 0; n < i->l2_len; n++)
		at += sprintf(at, n ? ":%02x" : "%02x", i->l2[n]);
	wr_key_text(b, "link_address", i->l2_len ? text : NULL);
	wr_key_bool(b, "up", i->up);
	wr_text(b, "addresses");
	wr_array(b, i->addrs);
	for (unsigned n = 0; n < i->addrs; n++) {
		struct addr addr = { .port = 0 };
		char ip[ADDR_TEXT_MAX], full[ADDR_TEXT_MAX + 8];

		if (i->addr[n].len == 4)
			memcpy(addr.ip.s6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(
		    addr.ip.s6_addr + 16 - i->addr[n].len, i->addr[n].ip, i->addr[n].len);
		snprintf(full, sizeof full, "%s/%u", addr_format(&addr, ip),
		    i->addr[n].prefix);
		wr_text(b, full);
	}
	wr_close(b);
}

static void
put_hardware(struct buf *b, const struct caps *c)
{
	wr_key_text(b, "type", c->type);
	wr_key_text(b, "vendor", c->vendor);
	wr_key_text(b, "energy", caps_energy_name(c->energy));
	wr_key_double(b, "battery", c->battery);
	wr_key_text(b, "virtualization", c->virtualization);
	wr_key_text(b, "architecture", c->arch);
	wr_key_text(b, "os", c->os);
	wr_key_text(b, "kernel", c->kernel);
	wr_key_text(b, "version", c->version);
	wr_key_int(b, "cpus", c->cpus);
	wr_key_int(b, "memory_bytes", (int64_t)c->memory_bytes);
	wr_key_int(b, "storage_bytes", (int64_t)c->storage_bytes);
}

static int
run_capabilities(void *arg, struct ctl_request *req, struct slice args)
{
	const struct caps *c = &((const struct agent *)arg)->caps;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	wr_open_map(&b);
	put_hardware(&b, c);
	wr_text(&b, "interfaces");
	wr_array(&b, c->interfaces);
	for (unsigned i = 0; i < c->interfaces; i++)
		put_interface(&b, &c->interface[i]);
	wr_text(&b, "tags");
	wr_map(&b, c->tags);
	for (unsigned i = 0; i < c->tags; i++)
		wr_key_text(&b, c->tag[i].key, c->tag[i].value);
	wr_close(&b);
	send_item(req, &b);
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- query ------------------------------------------------------------------------------------ */
static void
put_labels(struct buf *b, const struct metric_labels *l)
{
	wr_text(b, "labels");
	wr_map(b, l->len);
	for (uint8_t i = 0; i < l->len; i++)
		wr_key_text(b, l->pair[i].name, l->pair[i].value);
}

static void
put_value(struct buf *b, const struct expr_value *v, const char *unit, int64_t now)
{
	wr_open_map(b);
	put_labels(b, &v->labels);
	wr_key_double(b, "value", v->value);
	wr_key_text(b, "unit", unit);
	wr_key_int(b, "samples", v->samples);
	if (v->newest_ms)
		wr_key_int(b, "age_ms", now - v->newest_ms);
	wr_close(b);
}

static void
put_unknown(struct buf *b, const char *why)
{
	wr_open_map(b);
	wr_key_double(b, "value", NAN);
	wr_key_text(b, "unknown", why);
	wr_close(b);
}

static void
send_result(struct ctl_request *req, const struct expr_result *r, int64_t now)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < r->len; i++) {
		put_value(&b, &r->value[i], r->unit, now);
		send_item(req, &b);
	}
	if (!r->len) {
		put_unknown(&b, r->unknown);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
}

static int
run_query(void *arg, struct ctl_request *req, struct slice args)
{
	struct agent *a = arg;
	char text[EXPR_TEXT_MAX + 1], why[160] = "";
	struct expr_result result = { 0 };
	struct buf program;

	if (!ctl_arg_text(args, "expression", text, sizeof text)) {
		ctl_fail(req, 2, "query needs an expression, such as node_load1");
		return 0;
	}
	buf_init(&program, EXPR_PROGRAM_MAX);
	int err = expr_parse(text, &program, why, sizeof why);
	if (!err)
		err = expr_check(buf_slice(&program), sampler_knows, why, sizeof why);
	if (!err)
		err = sampler_query(
		    a->sampler, buf_slice(&program), grasp_io_now(a->io), &result);
	if (err < 0)
		ctl_fail(req, 1, "%s", why[0] ? why : strerror(-err));
	else
		send_result(req, &result, grasp_io_now(a->io));
	expr_result_done(&result);
	buf_done(&program);
	agent_wake(a);
	return 0;
}

/* --- plan ------------------------------------------------------------------------------------- */
static void
put_item(struct buf *b, const struct plan_item_state *s, int64_t now)
{
	struct buf text;

	buf_init(&text, 4 * EXPR_TEXT_MAX);
	expr_print(s->item->program, &text);
	wr_open_map(b);
	wr_key_int(b, "item", s->item->id);
	wr_key_text(b, "expression", buf_text(&text));
	wr_key_int(b, "period_ms", s->item->period_ms);
	wr_key_text(b, "mode", s->item->mode == PLAN_PERIODIC ? "periodic" : "on change");
	if (s->item->mode == PLAN_ON_CHANGE) {
		wr_key_double(b, "deadband", s->item->deadband);
		wr_key_int(b, "heartbeat_ms", s->item->heartbeat_ms);
	}
	wr_key_double(b, "value", s->value);
	wr_key_int(b, "evaluations", (int64_t)s->evaluations);
	wr_key_int(b, "results", (int64_t)s->results);
	wr_key_int(b, "due_ms", s->due_ms > now ? s->due_ms - now : 0);
	wr_close(b);
	buf_done(&text);
}

static int
run_plan(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	for (size_t u = 0; u < AGENT_UPLINKS; u++) {
		const struct plan *p = uplink_plan(a->uplink[u]);

		for (size_t i = 0; i < plan_len(p); i++) {
			struct plan_item_state s;

			plan_item(p, i, &s);
			put_item(&b, &s, grasp_io_now(a->io));
			send_item(req, &b);
		}
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- metrics ---------------------------------------------------------------------------------- */
static void
put_metric(struct buf *b, const struct source *s, const struct metric *m)
{
	wr_open_map(b);
	wr_key_text(b, "metric", m->name);
	wr_key_text(b, "type", m->type == METRIC_COUNTER ? "counter" : "gauge");
	wr_key_text(b, "unit", m->unit);
	wr_key_text(b, "source", s->name);
	wr_key_text(b, "help", m->help);
	wr_close(b);
}

static int
run_metrics(void *arg, struct ctl_request *req, struct slice args)
{
	struct buf b;

	(void)arg, (void)args;
	buf_init(&b, ITEM_MAX);
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++) {
			put_metric(&b, *s, &(*s)->metrics[i]);
			send_item(req, &b);
		}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

/* --- configuration ------------------------------------------------------------------------------ */
/* The value as it stands in the canonical form, behind the colon. */
static void
put_scalar(struct buf *b, const struct conf_option *o, const struct agent_config *cfg)
{
	struct conf_option alone = *o;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f) {
		wr_null(b);
		return;
	}
	alone.name = "v";
	conf_print(&alone, 1, cfg, f);
	fclose(f);
	text[strcspn(text, "\n")] = 0;
	if (len > 3 && strcmp(text, "v: null") != 0)
		wr_text(b, text + 3);
	else
		wr_null(b);
	free(text);
}

static void
put_option_value(
    struct buf *b, const struct conf_option *o, const struct agent_config *cfg)
{
	const void *value = (const uint8_t *)cfg + o->offset;

	if (o->type == CONF_LIST) {
		const struct conf_list *list = value;

		wr_array(b, list->len);
		for (size_t i = 0; i < list->len; i++)
			wr_text(b, list->item[i]);
	} else if (o->type == CONF_MAP) {
		const struct conf_map *map = value;

		wr_map(b, map->len);
		for (size_t i = 0; i < map->len; i++)
			wr_key_text(b, map->key[i], map->value[i]);
	} else {
		put_scalar(b, o, cfg);
	}
}

static int
run_show_config(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct buf b;

	(void)args;
	buf_init(&b, ITEM_MAX);
	for (size_t i = 0; i < agent_options_len; i++) {
		wr_open_map(&b);
		wr_key_text(&b, "option", agent_options[i].name);
		wr_text(&b, "value");
		put_option_value(&b, &agent_options[i], a->cfg);
		wr_key_text(&b, "help", agent_options[i].help);
		wr_close(&b);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}

const struct ctl_command control_commands[] = {
	{ "status", CTL_VIEWER, run_status,
	    "who this node is, its controller, what it does" },
	{ "candidates", CTL_VIEWER, run_candidates, "controllers heard of" },
	{ "capabilities", CTL_VIEWER, run_capabilities, "what the node is and has" },
	{ "metrics", CTL_VIEWER, run_metrics, "metrics that can be measured here" },
	{ "query", CTL_VIEWER, run_query, "value of an expression, now" },
	{ "plan", CTL_VIEWER, run_plan, "what is measured for the controller" },
	{ "show config", CTL_VIEWER, run_show_config, "configuration that is in force" },
};
const size_t control_commands_len = ARRAY_LEN(control_commands);
