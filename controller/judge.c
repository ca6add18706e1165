/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/judge_int.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/notify.h"
#include "controller/plan_terms.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS		500
#define SOON_MS		50 /* points come in batches: one evaluation for all of one */
#define PREDICTIONS_MAX 10000

int64_t
judge_now(const struct judge *j)
{
	return grasp_io_now(j->io);
}

int64_t
judge_wall(const struct judge *j)
{
	return j->io->ops->wall(j->io);
}

/* Not registry_by_name(): that takes prefixes of ids too. */
static struct node *
find_node(const struct judge *j, const char *name)
{
	struct node *n = registry_by_name(j->registry, name);

	return n && !strcmp(n->name, name) ? n : NULL;
}

struct node *
judge_host(const struct judge *j, const struct placement *p)
{
	return *p->node ? find_node(j, p->node) : NULL;
}

/* --- plans -------------------------------------------------------------------------------------- */

static const struct node *
view_node(void *arg, const char *name)
{
	return find_node(arg, name);
}

struct plan_view
judge_view(struct judge *j)
{
	return (struct plan_view){ j->placements, view_node, j };
}

/* sync: its watches have to follow though the plan is the same. */
static void
update_node(struct judge *j, struct node *n, bool sync)
{
	const struct plan_view view = judge_view(j);
	int changed = planner_update(j->planner, n, &view, judge_wall(j));
	int err = changed < 0 ? changed : 0;

	if (changed > PLAN_SAME || sync) {
		j->version++;
		err =
		    watches_sync(j->watches, n, planner_get(j->planner, n), judge_now(j));
	}
	if (err < 0)
		log_errorx("plan", "%s: no memory for its plan", n->name);
	if (changed == PLAN_OTHER && !j->loading)
		j->ops.plan_changed(j->arg, n);
}

/* service: whose watches were dropped meanwhile; NULL: none. Only nodes whose plan is another one are
 * told (PLN-06). */
static void
update_nodes(struct judge *j, const char *service)
{
	for (struct node *n = registry_first(j->registry); n; n = n->next) {
		const struct node_plan *plan = planner_get(j->planner, n);

		if (n->state != NODE_GONE)
			update_node(j, n, service && plan_concerns(plan, service));
	}
	planner_sweep(j->planner);
}

void
judge_plan(struct judge *j, const struct node *n, struct fog_plan *ret)
{
	const struct node_plan *plan = planner_get(j->planner, n);

	memset(ret, 0, sizeof *ret);
	if (!plan)
		return;
	planner_fill(plan, ret);
	plan_rules_fill(j->rules, ret);
}

int
judge_consider(const struct judge *j, const struct node *n, const struct fog_plan *offer)
{
	const struct node_plan *plan = planner_get(j->planner, n);

	switch (plan ? plan_terms_judge(plan, offer) : TERMS_FOREIGN) {
	case TERMS_GOOD:
		return 0;
	case TERMS_POOR:
		return -ERANGE;
	case TERMS_FOREIGN:
		break;
	}
	return -EPROTO;
}

static void
tell_unserved(
    struct judge *j, const struct node *n, const struct plan_entry *e, const char *why)
{
	for (size_t i = 0; i < e->reasons; i++) {
		const struct placement *p = e->reason[i].placement;

		events_emit(j->events, "plan.unserved", n->name, p->service_name,
		    p->function_name, "%s %s %s as it is needed (%s)", n->name,
		    e->unserved ? "does not measure" : "does not measure so often",
		    e->text->text, *why ? why : "it does not say why");
	}
}

void
judge_agree(struct judge *j, struct node *n, const struct fog_plan *offer)
{
	const struct node_plan *plan;
	int err;

	planner_agree(j->planner, n, offer);
	plan = planner_get(j->planner, n);
	j->version++;
	err = watches_sync(j->watches, n, plan, judge_now(j));
	if (err < 0)
		log_errorx("plan", "%s: no memory for its plan", n->name);
	for (size_t i = 0; i < plan->entries; i++)
		if (!plan_entry_is_served(&plan->entry[i]))
			tell_unserved(j, n, &plan->entry[i], offer->why);
}

void
judge_renegotiate(struct judge *j, struct node *n)
{
	const struct node_plan *plan;
	int err;

	if (!planner_forget_terms(j->planner, n, judge_wall(j)))
		return;
	plan = planner_get(j->planner, n);
	j->version++;
	err = watches_sync(j->watches, n, plan, judge_now(j));
	if (err < 0)
		log_errorx("plan", "%s: no memory for its plan", n->name);
}

void
judge_plan_adopt(struct judge *j, const struct node *n, uint64_t version)
{
	planner_adopt(j->planner, n, version);
}

const char *
judge_item_text(struct judge *j, uint32_t id)
{
	return planner_text(j->planner, id);
}

/* Others measure the path to it. */
static bool
is_neighbour(const struct judge *j, const struct node *n)
{
	for (const struct placement *p = j->placements; p; p = p->next)
		if (p->service && p->service->links && !strcmp(p->node, n->name))
			return true;
	return false;
}

void
judge_node_changed(struct judge *j, struct node *n, enum node_state before)
{
	uptimes_changed(j->uptimes, n, before, judge_wall(j));
	if (n->state == NODE_LOST && before != NODE_LOST)
		judge_prediction_lost(j, n);
	if (n->state == NODE_GONE) {
		j->version++;
		vitals_forget(j->vitals, n);
		watches_forget(j->watches, n);
		planner_forget(j->planner, n);
	}
	if (is_neighbour(j, n)) {
		update_nodes(j, NULL);
	} else if (n->state != NODE_GONE) {
		update_node(j, n, false);
		planner_sweep(j->planner);
	}
	judge_notify_node(j, n, before);
}

/* --- points and time ------------------------------------------------------------------------------ */

static void
consider_all(struct judge *j)
{
	for (struct placement *p = j->placements, *next; p; p = next) {
		struct situation s;

		next = p->next;
		judge_follow_together(j, p);
		judge_situation(j, p, &s);
		migrations_consider(j->migrations, p, &s);
		judge_notify_situation(j, p, &s);
	}
}

static void
evaluate(struct judge *j, bool news_only)
{
	j->news = !news_only;
	watches_evaluate(j->watches, judge_now(j), news_only);
	if (j->news)
		consider_all(j);
}

static void
on_tick(void *arg)
{
	struct judge *j = arg;

	judge_tell_places(j);
	evaluate(j, false);
	uptimes_tick(j->uptimes, judge_wall(j));
	judge_look_at_standing(j);
	calibration_tick(j->calibration, judge_now(j));
	j->io->ops->timer_set(j->tick, TICK_MS);
}

static void
on_soon(void *arg)
{
	struct judge *j = arg;

	j->soon_is_set = false;
	evaluate(j, true);
}

uint32_t
judge_version(const struct judge *j)
{
	return (j->version & UINT32_MAX >> 2) + 1;
}

static bool
is_watched(const struct judge *j, const struct node *n, uint32_t item)
{
	return watches_want(j->watches, &n->id, item);
}

/* VITALS: it is none. */
static enum vital
find_vital(const struct judge *j, uint32_t item)
{
	const char *text = planner_text(j->planner, item);
	enum vital v = 0;

	while (text && v < VITALS && strcmp(vital_exprs[v], text) != 0)
		v++;
	return text ? v : VITALS;
}

bool
judge_wants(const struct judge *j, const struct node *n, uint32_t item)
{
	return is_watched(j, n, item) || find_vital(j, item) != VITALS;
}

void
judge_point(struct judge *j, struct node *n, uint32_t item, struct slice labels,
    int64_t time_ms, double value)
{
	enum vital vital = find_vital(j, item);

	if (vital != VITALS) {
		vitals_point(j->vitals, n, vital, time_ms, value);
		if (!is_watched(j, n, item))
			return;
	}
	watches_point(j->watches, &n->id, item, labels, time_ms, value);
	if (j->soon_is_set)
		return;
	j->soon_is_set = true;
	j->io->ops->timer_set(j->soon, SOON_MS);
}

/* --- placements ----------------------------------------------------------------------------------- */

static void
put_placement(struct judge *j, const struct placement *p)
{
	struct placement_row row;

	placement_to_row(p, &row);
	if (store_placement_put(j->store, &row, NULL, NULL) < 0)
		log_errorx("service", "%s/%s: no memory to store where it is",
		    p->service_name, p->function_name);
}

static void
on_moved(void *arg, struct placement *p, const char *from)
{
	struct judge *j = arg;

	j->moved = p;
	j->version++;
	watches_drop(j->watches, p);
	judge_end_together(j, p, "averted");
	j->moved = NULL;
	update_nodes(j, p->service_name);
	judge_notify_moved(j, p, from);
}

static struct node *
first_node(void *arg)
{
	const struct judge *j = arg;

	return registry_first(j->registry);
}

/* --- services ----------------------------------------------------------------------------------- */

static struct service **
find_service(struct judge *j, const char *name)
{
	struct service **s = &j->services;

	while (*s && strcmp((*s)->name, name))
		s = &(*s)->next;
	return s;
}

/* Watches and placements let go of the text that is about to be freed. */
static void
detach_service(struct judge *j, const char *name)
{
	j->version++;
	for (struct placement *p = j->placements; p; p = p->next)
		if (!strcmp(p->service_name, name)) {
			watches_drop(j->watches, p);
			judge_end_together(j, p, "dropped");
			p->service = NULL;
			p->function = NULL;
		}
}

static int
attach_function(struct judge *j, const struct service *s, const struct function *f)
{
	struct placement *p = placement_find(j->placements, s->name, f->name);
	int err = 0;

	if (!p) {
		err = placement_add(&j->placements, s->name, f->name, &p);
		if (err)
			return err;
		p->generation = 1;
	}
	p->service = s;
	p->function = f;
	if (*p->node || !f->host)
		return 0;
	snprintf(p->node, sizeof p->node, "%s", f->host);
	put_placement(j, p);
	return 0;
}

/* A function that the new text does not have keeps its placement, and with it the generation,
 * for the day it comes back. */
static void
attach_service(struct judge *j, const struct service *s)
{
	for (size_t i = 0; i < s->functions; i++)
		if (attach_function(j, s, &s->function[i]) < 0)
			log_errorx(
			    "service", "%s/%s: no memory", s->name, s->function[i].name);
	for (struct placement *p = j->placements; p; p = p->next)
		if (!p->function && !strcmp(p->service_name, s->name)) {
			migrations_abandon(j->migrations, p);
			judge_notify_gone(j, p);
		}
}

/* Takes s. */
static void
install_service(struct judge *j, struct service *s)
{
	struct service **at = find_service(j, s->name), *old = *at;

	if (old && !strcmp(old->yaml, s->yaml)) { /* nothing that was learned is lost */
		service_free(s);
		return;
	}
	detach_service(j, s->name);
	s->next = old ? old->next : NULL;
	*at = s;
	attach_service(j, s);
	if (!j->loading)
		update_nodes(j, s->name);
	service_free(old);
}

static void
uninstall_service(struct judge *j, const char *name)
{
	struct service **at = find_service(j, name), *gone = *at;

	if (!gone)
		return;
	detach_service(j, name);
	for (struct placement *p = j->placements, *next; p; p = next) {
		next = p->next;
		if (strcmp(p->service_name, name))
			continue;
		migrations_abandon(j->migrations, p);
		judge_notify_gone(j, p);
		placement_remove(&j->placements, p);
	}
	*at = gone->next;
	update_nodes(j, NULL); /* plans let go of its requirements */
	service_free(gone);
}

struct change { /* waits for the disk */
	struct judge *judge;
	struct service *service; /* NULL: to be removed */
	char name[FOG_NAME_MAX + 1];
	void (*done)(void *arg, int err);
	void *arg;
};

/* "service robot: F1 from A, F2 from B" */
static void
tell_applied(struct judge *j, const struct service *s)
{
	char text[512];
	struct buf b;

	buf_init_fixed(&b, text, sizeof text);
	for (size_t i = 0; i < s->functions; i++)
		buf_printf(&b, "%s%s%s%s", i ? ", " : "", s->function[i].name,
		    s->function[i].host ? " from " : "",
		    s->function[i].host ? s->function[i].host : "");
	events_emit(j->events, "service.applied", NULL, s->name, NULL, "service %s: %s",
	    s->name, b.err ? "many functions" : buf_text(&b));
}

static void
finish_change(void *arg, int err)
{
	struct change *c = arg;
	struct judge *j = c->judge;

	if (err < 0 || j->closing) {
		service_free(c->service);
	} else if (c->service) {
		tell_applied(j, c->service);
		install_service(j, c->service);
	} else {
		events_emit(j->events, "service.removed", NULL, c->name, NULL,
		    "its functions are left as they are");
		uninstall_service(j, c->name);
	}
	if (c->done)
		c->done(c->arg, err);
	free(c);
}

static int
make_change(struct judge *j, const char *name, void (*done)(void *arg, int err),
    void *arg, struct change **ret)
{
	struct change *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	c->judge = j;
	c->done = done;
	c->arg = arg;
	snprintf(c->name, sizeof c->name, "%s", name);
	*ret = c;
	return 0;
}

static bool
check_hook(
    struct judge *j, const struct service *s, const char *file, struct complaints *c)
{
	if (!s->hook || hooks_find(j->hooks, s->hook))
		return true;
	complain(c, file, s->hook_line, s->hook_column, "hook",
	    "there is no hook %s in the controller's configuration", s->hook);
	return false;
}

int
judge_parse(struct judge *j, struct slice yaml, const char *file, struct complaints *c,
    struct service **ret)
{
	CLEANUP(service_free) struct service *s = NULL;
	int err = service_parse(yaml, file, c, &s);

	if (err < 0)
		return err;
	if (!check_hook(j, s, file, c))
		return -EINVAL;
	*ret = TAKE(s);
	return 0;
}

int
judge_apply(struct judge *j, struct slice yaml, const char *file, struct complaints *c,
    void (*done)(void *arg, int err), void *arg)
{
	CLEANUP(service_free) struct service *s = NULL;
	struct change *change;
	int err = judge_parse(j, yaml, file, c, &s);

	if (err < 0)
		return err;
	err = make_change(j, s->name, done, arg, &change);
	if (err < 0)
		return err;
	err = store_service_put(j->store, s->name, s->yaml, finish_change, change);
	if (err < 0) {
		free(change);
		return err;
	}
	change->service = TAKE(s);
	return 0;
}

int
judge_remove(
    struct judge *j, const char *service, void (*done)(void *arg, int err), void *arg)
{
	struct change *change;
	int err;

	if (!*find_service(j, service))
		return -ENOENT;
	err = make_change(j, service, done, arg, &change);
	if (err < 0)
		return err;
	err = store_service_delete(j->store, service, finish_change, change);
	if (err < 0)
		free(change);
	return err;
}

/* PLN-08. */
static int
apply_for_hook(void *arg, const char *yaml, const char *hook,
    void (*done)(void *done_arg, int err), void *done_arg, char *why, size_t why_len)
{
	struct complaints c;
	int err;

	complaints_init(&c);
	err = judge_apply(arg, slice_text(yaml), hook, &c, done, done_arg);
	if (err < 0)
		snprintf(
		    why, why_len, "%s", c.text.pos ? buf_text(&c.text) : strerror(-err));
	complaints_done(&c);
	return err;
}

static int
withdraw_for_hook(void *arg, const char *service, const char *hook,
    void (*done)(void *done_arg, int err), void *done_arg, char *why, size_t why_len)
{
	int err = judge_remove(arg, service, done, done_arg);

	(void)hook;
	if (err == -ENOENT)
		snprintf(why, why_len, "there is no service %s", service);
	else if (err < 0)
		snprintf(why, why_len, "%s", strerror(-err));
	return err;
}

int
judge_place(struct judge *j, const char *service, const char *function, const char *node)
{
	struct placement *p = placement_find(j->placements, service, function);

	if (!p || !p->function)
		return -ENOENT;
	if (!find_node(j, node))
		return -ENODEV;
	events_emit(j->events, "function.placed", node, service, function,
	    "the operator says that it runs on %s", node);
	migrations_settle(j->migrations, p, node);
	return 0;
}

int
judge_migrate(struct judge *j, const char *service, const char *function,
    const char *node, bool dry_run,
    void (*done)(void *arg, const char *state, const char *target, const char *detail),
    void *arg, char *err, size_t err_len)
{
	const struct migration_ask ask = { done, arg };
	struct placement *p = placement_find(j->placements, service, function);

	if (!p || !p->function)
		return -ENOENT;
	if (*node && !find_node(j, node))
		return -ENODEV;
	return migrations_request(j->migrations, p, node, dry_run, &ask, err, err_len);
}

void
judge_unask(struct judge *j, const void *arg)
{
	migrations_unask(j->migrations, arg);
}

void
judge_host_of(const struct judge *j, const char *service, const char *function,
    char dst[FOG_NAME_MAX + 1])
{
	const struct placement *p = placement_find(j->placements, service, function);

	snprintf(dst, FOG_NAME_MAX + 1, "%s", p ? p->node : "");
}

void
judge_show_hooks(struct judge *j, struct ctl_request *req)
{
	hooks_show(j->hooks, j->notifier, req);
}

/* --- life ----------------------------------------------------------------------------------------- */

static void
load_placement(void *arg, const struct placement_row *row)
{
	struct judge *j = arg;
	struct placement *p;

	if (placement_add(&j->placements, row->service, row->function, &p) == 0)
		placement_from_row(p, row);
}

static void
load_service(void *arg, const char *name, const char *yaml)
{
	struct judge *j = arg;
	struct complaints c;
	struct service *s;

	complaints_init(&c);
	if (service_parse(slice_text(yaml), name, &c, &s) < 0) {
		log_errorx("service",
		    "%s is stored but not accepted any more; apply it again: %s", name,
		    buf_text(&c.text));
	} else {
		if (s->hook && !hooks_find(j->hooks, s->hook))
			log_warnx("service",
			    "%s: there is no hook %s any more, nothing will move", name,
			    s->hook);
		install_service(j, s);
	}
	complaints_done(&c);
}

/* Nobody watched them while we were away. */
static void
close_prediction(void *arg, int64_t sequence, const struct prediction_row *p)
{
	struct judge *j = arg;

	if (!strcmp(p->outcome, "open"))
		(void)store_prediction_end(
		    j->store, sequence, "dropped", judge_wall(j), NULL, NULL);
}

static int
load(struct judge *j)
{
	int err = store_placements(j->store, load_placement, j);

	if (!err)
		err = store_services(j->store, load_service, j);
	if (!err)
		err = store_predictions(j->store, PREDICTIONS_MAX, close_prediction, j);
	if (!err)
		err = migrations_load(j->migrations);
	if (!err)
		err = notifier_load(j->notifier);
	if (!err)
		update_nodes(j, NULL);
	return err;
}

static int
make_parts(struct judge *j, struct ev_loop *loop, struct spawner *spawner,
    const struct judge_config *cfg, struct complaints *c)
{
	const struct watch_ops watch_ops = { judge_watch_changed, judge_watch_dropped,
		judge_watch_sampled };
	const struct hooks_env env = { .loop = loop,
		.io = j->io,
		.store = j->store,
		.spawner = spawner,
		.plugin_dir = cfg->plugin_dir,
		.types = cfg->hook_types,
		.services = { apply_for_hook, withdraw_for_hook, j } };
	struct migrations_env menv = { .io = j->io,
		.store = j->store,
		.events = j->events,
		.placements = &j->placements,
		.nodes = first_node,
		.moved = on_moved,
		.address = judge_address,
		.arg = j };
	struct notifier_env nenv = { .io = j->io,
		.store = j->store,
		.events = j->events,
		.address = judge_address,
		.arg = j };
	int err = planner_new(cfg->default_plan, c, &j->planner), hooks_err;

	if (!err)
		err = plan_rules_new(cfg->rules, c, &j->rules);
	hooks_err =
	    hooks_new(&env, cfg->hooks, c, &j->hooks); /* all complaints at once */
	if (err || hooks_err)
		return err ? err : hooks_err;
	err = calibration_new(j->store, &j->calibration);
	if (!err)
		err = watches_new(&watch_ops, j, &j->watches);
	if (!err)
		err = vitals_new(&j->vitals);
	if (!err)
		err = uptimes_new(j->store, &j->uptimes);
	if (err)
		return err;
	nenv.hooks = menv.hooks = j->hooks;
	menv.watches = j->watches;
	menv.vitals = j->vitals;
	menv.uptimes = j->uptimes;
	err = migrations_new(&menv, &j->migrations);
	return err ? err : notifier_new(&nenv, &j->notifier);
}

static int
make_timers(struct judge *j)
{
	int err = j->io->ops->timer_new(j->io, on_tick, j, &j->tick);

	if (!err)
		err = j->io->ops->timer_new(j->io, on_soon, j, &j->soon);
	if (!err)
		j->io->ops->timer_set(j->tick, TICK_MS);
	return err;
}

int
judge_new(struct ev_loop *loop, struct grasp_io *io, struct store *store,
    struct events *events, struct registry *registry, struct spawner *spawner,
    const struct judge_config *cfg, struct complaints *c, const struct judge_ops *ops,
    void *arg, struct judge **ret)
{
	CLEANUP(judge_free) struct judge *j = calloc(1, sizeof *j);
	int err;

	if (!j)
		return -ENOMEM;
	j->io = io;
	j->store = store;
	j->events = events;
	j->registry = registry;
	j->ops = *ops;
	j->arg = arg;
	j->loading = true;
	err = make_parts(j, loop, spawner, cfg, c);
	if (!err)
		err = load(j);
	if (!err)
		err = make_timers(j);
	if (err)
		return err;
	j->loading = false;
	*ret = TAKE(j);
	return 0;
}

void
judge_free(struct judge *j)
{
	if (!j)
		return;
	j->closing = true;
	notifier_free(j->notifier);
	migrations_free(j->migrations); /* first: what is committed now starts no hook */
	store_flush(j->store);		/* changes that wait for it come to their end */
	if (j->tick)
		j->io->ops->timer_free(j->tick);
	if (j->soon)
		j->io->ops->timer_free(j->soon);
	judge_prediction_forget(j);
	watches_free(j->watches);
	calibration_free(j->calibration);
	vitals_free(j->vitals);
	uptimes_free(j->uptimes);
	hooks_free(j->hooks);
	planner_free(j->planner);
	plan_rules_free(j->rules);
	placement_free_all(&j->placements);
	while (j->services) {
		struct service *s = j->services;

		j->services = s->next;
		service_free(s);
	}
	free(j);
}
