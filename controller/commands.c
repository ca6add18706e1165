/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/commands.h"

#include "base/clock.h"
#include "base/complaint.h"
#include "controller/audit.h"
#include "controller/composites.h"
#include "controller/diag.h"
#include "controller/enrol.h"
#include "controller/event.h"
#include "controller/find.h"
#include "controller/judge.h"
#include "controller/past.h"
#include "controller/plan_cost.h"
#include "controller/session.h"
#include "controller/store.h"
#include "metrics/expr.h"
#include "metrics/list.h"
#include "prediction/predictor.h"
#include "protocol/display.h"
#include "trust/show.h"

#include <errno.h>
#include <string.h>

#define YAML_MAX	65536
#define FILE_NAME_MAX	512
#define EVENTS_LAST	50
#define AUDIT_LAST	50
#define FIND_WAIT_MAX_S 60
#define HISTORY_SINCE_S 3600
#define HISTORY_LAST	10000

#define NODE_TEXT	(FOG_NAME_MAX + 1)

/* --- what changes something ----------------------------------------------------------------------- */
/* A command that waits for the disk. */
struct change {
	struct ctl_request *req; /* NULL: the client went; it happens all the same */
	const char *result;
	char service[NODE_TEXT], function[NODE_TEXT],
	    node[NODE_TEXT]; /* "": not of concern */
};

static void
on_client_gone(void *arg)
{
	struct change *ch = arg;

	ch->req = NULL;
}

static struct change *
new_change(struct ctl_request *req, const char *result)
{
	struct change *ch = calloc(1, sizeof *ch);

	if (!ch)
		return NULL;
	ch->req = req;
	ch->result = result;
	ctl_on_cancel(req, on_client_gone, ch);
	return ch;
}

static void
drop_change(struct change *ch)
{
	if (ch->req)
		ctl_on_cancel(ch->req, NULL, NULL);
	free(ch);
}

static void
send_result(const struct change *ch)
{
	struct buf item;

	buf_init(&item, 1024);
	wr_map(&item, 2u + !!ch->function[0] + !!ch->node[0]);
	wr_key_text(&item, "service", ch->service);
	if (ch->function[0])
		wr_key_text(&item, "function", ch->function);
	if (ch->node[0])
		wr_key_text(&item, "node", ch->node);
	wr_key_text(&item, "result", ch->result);
	ctl_send(ch->req, buf_slice(&item));
	buf_done(&item);
}

static void
on_changed(void *arg, int err)
{
	struct change *ch = arg;

	if (ch->req && err) {
		ctl_fail(
		    ch->req, 1, "%s was not stored: %s", ch->service, strerror(-err));
	} else if (ch->req) {
		send_result(ch);
		ctl_end(ch->req);
	}
	free(ch);
}

/* The name is in the text, and the answer says it. */
static int
read_name(struct slice yaml, const char *file, struct complaints *c, char dst[NODE_TEXT])
{
	CLEANUP(service_free) struct service *service = NULL;
	int err = service_parse(yaml, file, c, &service);

	return err ? err : slice_copy(slice_text(service->name), dst, NODE_TEXT);
}

static int
apply(struct commands *c, struct ctl_request *req, struct slice yaml, const char *file,
    struct complaints *wrong)
{
	struct change *ch = new_change(req, "applied");
	int err;

	if (!ch)
		return -ENOMEM;
	err = read_name(yaml, file, wrong, ch->service);
	if (!err) {
		complaints_done(wrong); /* warnings come again */
		complaints_init(wrong);
		err = judge_apply(c->judge, yaml, file, wrong, on_changed, ch);
	}
	if (err)
		drop_change(ch);
	return err;
}

static int
try(struct commands *c, struct ctl_request *req, struct slice yaml, const char *file,
    struct complaints *wrong)
{
	const struct plan_costs_env env = { .history = c->history,
		.wall_ms = clock_wall_ms(),
		.terms = { .beat_ms = registry_beat(c->registry),
		    .lease_ms = c->lease_ms,
		    .flush_ms = c->flush_ms } };

	return judge_dry_run(c->judge, &env, yaml, file, wrong, req);
}

static int
run_apply(void *arg, struct ctl_request *req, struct slice args)
{
	char file[FILE_NAME_MAX] = "service", *yaml = malloc(YAML_MAX);
	struct complaints wrong;
	int err = -EINVAL;

	if (!yaml)
		return -ENOMEM;
	complaints_init(&wrong);
	(void)ctl_arg_text(args, "file", file, sizeof file);
	if (!ctl_arg_text(args, "yaml", yaml, YAML_MAX))
		complain(&wrong, file, 0, 0, NULL, "no text, or more than %d bytes of it",
		    YAML_MAX);
	else
		err = (ctl_arg_bool(args, "dry_run") ? try : apply)(
		    arg, req, slice_text(yaml), file, &wrong);
	if (err && wrong.errors) {
		ctl_fail(req, 1, "%s", buf_text(&wrong.text));
		err = 0;
	}
	complaints_done(&wrong);
	free(yaml);
	return err;
}

static int
run_remove(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	struct change *ch = new_change(req, "removed");
	int err;

	if (!ch)
		return -ENOMEM;
	if (!ctl_arg_text(args, "service", ch->service, sizeof ch->service)) {
		drop_change(ch);
		ctl_fail(req, 2, "which service?");
		return 0;
	}
	err = judge_remove(c->judge, ch->service, on_changed, ch);
	if (err == -ENOENT) {
		ctl_fail(req, 1, "there is no service %s; fogctl services lists them",
		    ch->service);
		free(ch);
		return 0;
	}
	if (err)
		drop_change(ch);
	return err;
}

static int
refuse_place(struct change *ch, int err)
{
	struct ctl_request *req = ch->req;

	if (err == -ENOENT)
		ctl_fail(req, 1, "there is no function %s/%s", ch->service, ch->function);
	else if (err == -ENODEV)
		ctl_fail(
		    req, 1, "there is no node %s; fogctl nodes lists them", ch->node);
	else
		ctl_fail(req, 1, "%s", strerror(-err));
	free(ch);
	return 0;
}

/* Where a function is, whatever was thought: the way out of an uncertain placement. */
static int
run_place(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	struct change *ch = new_change(req, "placed");
	int err;

	if (!ch)
		return -ENOMEM;
	(void)ctl_arg_text(args, "service", ch->service, sizeof ch->service);
	(void)ctl_arg_text(args, "function", ch->function, sizeof ch->function);
	(void)ctl_arg_text(args, "node", ch->node, sizeof ch->node);
	err = judge_place(c->judge, ch->service, ch->function, ch->node);
	if (err)
		return refuse_place(ch, err);
	store_barrier(c->store, on_changed, ch);
	return 0;
}

/* Somebody has looked who it really is. */
static int
run_node_release(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char name[NODE_TEXT] = "";
	struct node *n;

	(void)ctl_arg_text(args, "node", name, sizeof name);
	n = registry_by_name(c->registry, name);
	if (!n) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", name);
	} else if (!n->quarantined) {
		ctl_fail(req, 1, "%s is not in quarantine", n->name);
	} else {
		events_emit(c->events, "identity.released", n->name, NULL, NULL,
		    "%s was released from quarantine by %s", n->name, ctl_who(req));
		registry_quarantine(c->registry, n, false);
		ctl_end(req);
	}
	return 0;
}

/* --- what only looks --------------------------------------------------------------------------------- */
static int
run_nodes(void *arg, struct ctl_request *req, struct slice args)
{
	(void)args;
	return show_nodes(arg, req);
}

static int
run_node_show(void *arg, struct ctl_request *req, struct slice args)
{
	char node[NODE_TEXT] = "";

	(void)ctl_arg_text(args, "node", node, sizeof node);
	return show_node(arg, req, node);
}

static int
run_services(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	judge_show_services(c->judge, req);
	return 0;
}

static int
run_plan_show(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char node[NODE_TEXT] = "";
	struct node *n;

	(void)ctl_arg_text(args, "node", node, sizeof node);
	n = *node ? registry_by_name(c->registry, node) : NULL;
	if (*node && !n)
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
	else
		judge_show_plan(c->judge, req, n ? n->name : "");
	return 0;
}

static int
run_query(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char node[NODE_TEXT] = "", expression[EXPR_TEXT_MAX + 1], from[16] = "node";
	struct query_range range;
	const char *why;

	(void)ctl_arg_text(args, "node", node, sizeof node);
	(void)ctl_arg_text(args, "from", from, sizeof from);
	if (!ctl_arg_text(args, "expression", expression, sizeof expression))
		ctl_fail(
		    req, 2, "which expression? It has at most %d bytes", EXPR_TEXT_MAX);
	else if (display_read_range(args, clock_wall_ms(), &range, &why))
		ctl_fail(req, 2, "%s", why);
	else if (strcmp(from, "history") == 0)
		past_query(c, req, node, expression, &range);
	else
		sessions_query(c->sessions, req, node, expression, &range);
	return 0;
}

/* "property", "property2" and so on: all of them have to match. */
static int
run_find(void *arg, struct ctl_request *req, struct slice args)
{
	static const char *const key[FIND_PROPERTIES_MAX] = { "property", "property2",
		"property3", "property4" };
	struct commands *c = arg;
	struct find_asked asked = { .hops = 0 };
	int64_t wait_s = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < FIND_PROPERTIES_MAX; i++)
		n += ctl_arg_text(
		    args, key[i], asked.property[n], sizeof asked.property[n]);
	(void)ctl_arg_text(args, "scope", asked.scope, sizeof asked.scope);
	(void)ctl_arg_int(args, "hops", &asked.hops);
	(void)ctl_arg_int(args, "wait_s", &wait_s);
	if (wait_s < 0 || wait_s > FIND_WAIT_MAX_S || asked.hops < 0 || asked.hops > 255)
		ctl_fail(req, 2, "--hops is 1 to 255, --wait 1 to %d", FIND_WAIT_MAX_S);
	else {
		asked.wait_ms = wait_s * 1000;
		finder_find(c->finder, req, &asked);
	}
	return 0;
}

static enum judge_predictions
which_predictions(struct slice args)
{
	if (ctl_arg_bool(args, "past"))
		return PREDICTIONS_PAST;
	if (ctl_arg_bool(args, "score"))
		return PREDICTIONS_SCORE;
	if (ctl_arg_bool(args, "calibration"))
		return PREDICTIONS_CALIBRATION;
	return PREDICTIONS_NOW;
}

static int
run_predictions(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char service[NODE_TEXT] = "";

	(void)ctl_arg_text(args, "service", service, sizeof service);
	judge_show_predictions(c->judge, req, service, which_predictions(args));
	return 0;
}

static int
run_candidates(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char service[NODE_TEXT] = "", function[NODE_TEXT] = "";

	(void)ctl_arg_text(args, "service", service, sizeof service);
	(void)ctl_arg_text(args, "function", function, sizeof function);
	judge_show_candidates(
	    c->judge, req, service, function, ctl_arg_bool(args, "explain"));
	return 0;
}

static int
run_events(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	int64_t last = EVENTS_LAST;

	(void)ctl_arg_int(args, "last", &last);
	events_show(c->events, req, last, ctl_arg_bool(args, "follow"));
	return 0;
}

static int
run_audit(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	int64_t last = AUDIT_LAST;

	(void)ctl_arg_int(args, "last", &last);
	audit_show(c->audit, req, last, ctl_arg_bool(args, "verify"));
	return 0;
}

static int
run_migrations(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	judge_show_migrations(c->judge, req);
	return 0;
}

static int
run_predictors(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	for (const struct predictor *const *p = predictors; *p; p++) {
		struct buf b;

		buf_init(&b, YAML_MAX);
		wr_map(&b, 3);
		wr_key_text(&b, "predictor", (*p)->name);
		wr_key_int(&b, "state_bytes", (int64_t)(*p)->state_size);
		wr_key_text(&b, "help", (*p)->help);
		ctl_send(req, buf_slice(&b));
		buf_done(&b);
	}
	ctl_end(req);
	return 0;
}

static int
run_history(void *arg, struct ctl_request *req, struct slice args)
{
	char node[NODE_TEXT] = "", expression[EXPR_TEXT_MAX + 1] = "";
	int64_t since_s = HISTORY_SINCE_S, last = HISTORY_LAST;

	(void)ctl_arg_text(args, "node", node, sizeof node);
	if (!*node) {
		ctl_fail(req, 2, "whose history? Say --node NODE");
		return 0;
	}
	(void)ctl_arg_text(args, "expression", expression, sizeof expression);
	(void)ctl_arg_int(args, "since_s", &since_s);
	(void)ctl_arg_int(args, "last", &last);
	if (since_s < 0 || since_s > INT64_MAX / 1000)
		since_s = HISTORY_SINCE_S;
	return show_history(arg, req, node, expression, since_s * 1000, last);
}

static int
run_status(void *arg, struct ctl_request *req, struct slice args)
{
	(void)args;
	return show_status(arg, req);
}

static int
run_counters(void *arg, struct ctl_request *req, struct slice args)
{
	(void)args;
	return show_counters(arg, req);
}

static int
run_limits(void *arg, struct ctl_request *req, struct slice args)
{
	(void)args;
	return show_limits(arg, req);
}

/* One text an item. */
static void
send_lines(struct ctl_request *req, char *text)
{
	for (char *line, *save = NULL; (line = strtok_r(text, "\n", &save));
	     text = NULL) {
		struct buf item;

		buf_init(&item, 8192);
		wr_text(&item, line);
		if (!item.err)
			ctl_send(req, buf_slice(&item));
		buf_done(&item);
	}
}

static int
run_show_config(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)args;
	if (!f)
		return -ENOMEM;
	c->print_config(c->arg, f);
	fclose(f);
	send_lines(req, text);
	free(text);
	ctl_end(req);
	return 0;
}

/* --- who is a member ----------------------------------------------------------------------------------- */
static bool
can_enrol(const struct commands *c, struct ctl_request *req)
{
	if (!c->enrol)
		ctl_fail(
		    req, 1, "this controller speaks plain GRASP: nobody has to join");
	return c->enrol != NULL;
}

static int
run_token_create(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	if (can_enrol(c, req))
		enrol_token_create(c->enrol, req, args);
	return 0;
}

static int
run_token_list(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	if (can_enrol(c, req))
		enrol_token_list(c->enrol, req);
	return 0;
}

static int
run_token_revoke(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	if (can_enrol(c, req))
		enrol_token_revoke(c->enrol, req, args);
	return 0;
}

static int
run_node_pending(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	if (can_enrol(c, req))
		enrol_pending(c->enrol, req);
	return 0;
}

static int
run_node_approve(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	if (can_enrol(c, req))
		enrol_approve(c->enrol, req, args);
	return 0;
}

static int
run_metrics(void *arg, struct ctl_request *req, struct slice args)
{
	char pattern[LIST_PATTERN_MAX + 1] = "";

	(void)ctl_arg_text(args, "pattern", pattern, sizeof pattern);
	past_metrics(arg, req, pattern);
	return 0;
}

static int
run_composites(void *arg, struct ctl_request *req, struct slice args)
{
	struct commands *c = arg;

	(void)args;
	composites_show(c->composites, req);
	return 0;
}

const struct ctl_command controller_commands[] = {
	CTL_COMMAND("nodes", VIEWER, run_nodes, "the nodes of the domain"),
	CTL_COMMAND("node show", VIEWER, run_node_show, "what a node is and has"),
	CTL_COMMAND(
	    "node release", ADMIN, run_node_release, "take a node out of quarantine"),
	CTL_COMMAND("node revoke", ADMIN, domain_revoke, "trust a node no more"),
	CTL_COMMAND("node revoked", VIEWER, domain_show_revoked,
	    "who is trusted no more, and why"),
	CTL_COMMAND("ca show", VIEWER, domain_show_cas, "the CAs of the domain"),
	CTL_COMMAND(
	    "ca reload", ADMIN, domain_reload, "read the files of the domain again"),
	CTL_COMMAND(
	    "node pending", VIEWER, run_node_pending, "nodes that wait for approval"),
	CTL_COMMAND("node approve", ADMIN, run_node_approve, "let a node in that waits"),
	CTL_COMMAND("token create", ADMIN, run_token_create, "make a token to join with"),
	CTL_COMMAND(
	    "token list", ADMIN, run_token_list, "the tokens, without their secrets"),
	CTL_COMMAND("token revoke", ADMIN, run_token_revoke,
	    "let nobody in with a token any more"),
	CTL_COMMAND("services", VIEWER, run_services,
	    "the services and where their functions are"),
	CTL_COMMAND("apply", DEPLOYER, run_apply, "add or replace a service"),
	CTL_COMMAND("remove", DEPLOYER, run_remove, "forget a service"),
	CTL_COMMAND("place", DEPLOYER, run_place, "say where a function is"),
	CTL_COMMAND("migrate", DEPLOYER, hooks_migrate, "move a function now, or try it"),
	CTL_COMMAND("hooks", VIEWER, hooks_list, "the hooks, and how they are"),
	CTL_COMMAND(
	    "plan show", VIEWER, run_plan_show, "what each node has to measure, and why"),
	CTL_COMMAND("query", VIEWER, run_query, "compute an expression on a node, now"),
	CTL_COMMAND("metrics", VIEWER, run_metrics, "what nodes have reported, by name"),
	CTL_COMMAND("composites", VIEWER, run_composites,
	    "expressions over all nodes, and their values"),
	CTL_COMMAND("find", VIEWER, run_find, "ask all nodes around who has a property"),
	CTL_COMMAND("history", VIEWER, run_history, "what was measured"),
	CTL_COMMAND("predictions", VIEWER, run_predictions,
	    "what is watched and what will become of it"),
	CTL_COMMAND(
	    "candidates", VIEWER, run_candidates, "who could take a function over"),
	CTL_COMMAND("events", VIEWER, run_events, "what happened"),
	CTL_COMMAND("audit", VIEWER, run_audit, "who changed what, or was refused"),
	CTL_COMMAND("predictors", VIEWER, run_predictors, "who can foresee violations"),
	CTL_COMMAND("migrations", VIEWER, run_migrations, "functions that were moved"),
	CTL_COMMAND("status", VIEWER, run_status, "how the controller itself is"),
	CTL_COMMAND("diag", VIEWER, controller_diag,
	    "what works and what does not, step by step"),
	CTL_COMMAND("diag sandbox", VIEWER, controller_diag_sandbox,
	    "tries what the sandbox has to deny"),
	CTL_COMMAND(
	    "show drops", VIEWER, controller_show_drops, "what was dropped, by reason"),
	CTL_COMMAND("show limits", VIEWER, controller_show_limits,
	    "the limits that are built in"),
	CTL_COMMAND("show permits", VIEWER, show_permits, "which role may begin what"),
	CTL_COMMAND("whoami", VIEWER, ctl_whoami, "who asks, and in which role"),
	CTL_COMMAND(
	    "counters", VIEWER, run_counters, "what was received, sent and refused"),
	CTL_COMMAND(
	    "limits", VIEWER, run_limits, "what is bounded, and how much of it is used"),
	CTL_COMMAND("show config", VIEWER, run_show_config, "the configuration in force"),
};
const size_t controller_commands_len = ARRAY_LEN(controller_commands);
