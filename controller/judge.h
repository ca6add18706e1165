/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's judgement, as one object that the rest of the daemon talks to: services and where
 * their functions are, the plan that follows for each node, what the reports say about the
 * future, who could take over, and the migrations that come of it. Behind it: service.c,
 * planner.c, watch.c + predictor_*.c, candidates.c, migration.c. */
#pragma once
#include "base/cbor.h"
#include "controller/registry.h"
#include "controller/service.h"

struct ctl_request;
struct ev_loop;
struct fog_plan;
struct plan_costs_env;
struct hook_type;
struct judge;
struct spawner;
struct yaml_node;

struct judge_config {
	const struct yaml_node
	    *hooks; /* `hooks:` of controller.yaml: name → {type, …}; may be NULL */
	const struct yaml_node
	    *default_plan; /* list of {expr, period}; NULL: the built-in one */
	const struct yaml_node *rules; /* list of {name, expr, unit} */
	const char *plugin_dir;
	const struct hook_type *const *hook_types; /* beside those built in; NULL: none */
};
struct judge_ops {
	/* The plan of this node is another one now: send it. */
	void (*plan_changed)(void *arg, struct node *n);
};
/* Loads services, placements and open migrations from the store; open ones are resumed. */
int judge_new(struct ev_loop *loop, struct grasp_io *io, struct store *store,
    struct events *events, struct registry *registry, struct spawner *spawner,
    const struct judge_config *cfg, struct complaints *c, const struct judge_ops *ops,
    void *arg, struct judge **ret) MUST_CHECK;
void judge_free(struct judge *j);
DEFINE_FREEP(struct judge, judge_free)

/* Parses, stores and applies; replaces a service of the same name. done(0) after the commit. */
int judge_apply(struct judge *j, struct slice yaml, const char *file,
    struct complaints *c, void (*done)(void *arg, int err), void *arg) MUST_CHECK;
/* What plans there would be, and what they cost (PLN-09); changes nothing. Takes the request unless it
 * fails. Rows: {node, change, item, expression, period_s, period_before_s, mode, bytes_s, bytes_before_s,
 * reasons}, change: "added", "changed" or "removed"; then one of "sum" for each node whose plan changes and
 * the "total" at the end: {node, items, nodes, ..., total_bytes_s, ...}. -EINVAL with complaints. */
int judge_dry_run(struct judge *j, const struct plan_costs_env *env, struct slice yaml,
    const char *file, struct complaints *c, struct ctl_request *req) MUST_CHECK;
int judge_remove(
    struct judge *j, const char *service, void (*done)(void *arg, int err), void *arg);
/* The operator says where a function is, whatever was thought: the way out of an uncertain
 * placement. -ENOENT: no such function; -ENODEV: no such node. */
int judge_place(struct judge *j, const char *service, const char *function,
    const char *node) MUST_CHECK;

/* Moves it now, or tries what the hook would do: to node, or with "" to the best. done() once, with the
 * state of the migration or the verdict of the dry run; err says why not. As above; -EBUSY, -EINVAL. */
int judge_migrate(struct judge *j, const char *service, const char *function,
    const char *node, bool dry_run,
    void (*done)(void *arg, const char *state, const char *target, const char *detail),
    void *arg, char *err, size_t err_len) MUST_CHECK;
void judge_unask(struct judge *j, const void *arg); /* nobody waits for that any more */
void judge_host_of(const struct judge *j, const char *service, const char *function,
    char dst[FOG_NAME_MAX + 1]); /* "": none, or not known */
void judge_show_hooks(struct judge *j, struct ctl_request *req);

/* The plan of a node now. Programs borrow from the judge until the next change. */
void judge_plan(struct judge *j, const struct node *n, struct fog_plan *ret);
/* The node cannot do its plan and offers another one. 0: every requirement is served by it; -ERANGE: not
 * all are; -EPROTO: that is something else. */
int judge_consider(
    const struct judge *j, const struct node *n, const struct fog_plan *offer) MUST_CHECK;
/* That is its plan from now on. What is not served by it is told by an event. */
void judge_agree(struct judge *j, struct node *n, const struct fog_plan *offer);
/* The node is another one now, by its looks: it is asked for everything again. */
void judge_renegotiate(struct judge *j, struct node *n);
/* The node runs what judge_plan() says, by this number: it is the plan's from now on. */
void judge_plan_adopt(struct judge *j, const struct node *n, uint64_t version);
/* Does anything depend on the values of this item? As long as the version, which is never 0, is the same, so
 * are the answers of this and of judge_item_text(). */
bool judge_wants(const struct judge *j, const struct node *n, uint32_t item);
uint32_t judge_version(const struct judge *j);
/* A result of a plan item. now_ms: when it was measured, on our monotonic clock. value NaN:
 * unknown. labels: encoded map. Ascending per node. */
void judge_point(struct judge *j, struct node *n, uint32_t item, struct slice labels,
    int64_t time_ms, double value);
/* What item `id` is, for history and display: its expression; NULL if unknown. */
const char *judge_item_text(struct judge *j, uint32_t id);
void judge_node_changed(struct judge *j, struct node *n, enum node_state before);

/* The read model for the control socket; each sends its items and ends the request. Keys:
 *  services      {service, function, node, state, generation, requirements, hook, lead_s}
 *		    state: of the placement, "assigned" ... "uncertain"
 *  plan show     {node, item, expression, period_s, mode, reasons: [text]}
 *  predictions   {node, service, function, requirement, role, value, threshold, unit, state,
 *                 probability, lead_s, margin_s, time_to_s, low_s, high_s, samples, predictor,
 *                 class, reason}
 *		    state: "unknown", "ok", "raised", "violated"; requirement "all together" also says
 *		    which is the first; of past ones {time, ..., move_s, inputs, ended} and state
 *		    as the outcome of store.h
 *		    score {of, name, predictions, hit, early, late, missed, lost, false, averted,
 *		    dropped, open, precision, recall, lead10_s, lead50_s, lead90_s, samples, base,
 *		    brier, skill}; calibration {predictor, class, from, said, came, samples, brier}
 *  candidates    {service, function, rank, node, score, accepted, reasons: [text]}
 *  migrations    {id, service, function, from, to, hook, state, phase, reason, detail, generation,
 *                 opened, due, lead_s, duration_s, ended} */
void judge_show_services(struct judge *j, struct ctl_request *req);
void
judge_show_plan(struct judge *j, struct ctl_request *req, const char *node); /* "": all */
enum judge_predictions {
	PREDICTIONS_NOW,
	PREDICTIONS_PAST,
	PREDICTIONS_SCORE,
	PREDICTIONS_CALIBRATION
};
/* service "": all. */
void judge_show_predictions(struct judge *j, struct ctl_request *req, const char *service,
    enum judge_predictions what);
/* service or function "": all. explain: also who is rejected, and why. */
void judge_show_candidates(struct judge *j, struct ctl_request *req, const char *service,
    const char *function, bool explain);
void judge_show_migrations(struct judge *j, struct ctl_request *req);
/* Each function that is placed on the node of that name. */
void judge_each_function(const struct judge *j, const char *node,
    void (*each)(void *arg, const char *service, const char *function), void *arg);
/* Names of functions placed on a node, as an array of "service/function" into out. */
void judge_put_functions(struct judge *j, const struct node *n, struct buf *out);
