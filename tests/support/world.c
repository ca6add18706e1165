/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/world.h"
#include "controller/registry_int.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEP_MS 100

static const struct hook_type *const types[];
static struct world *the_world; /* of the hook, whose instances know only their host */
static const struct hook_host *the_host;

/* --- the hook ------------------------------------------------------------------------------------ */

static int
fake_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	(void)config_json, (void)err, (void)err_len;
	the_host = host;
	*ret_inst = the_world;
	return 0;
}

static int
fake_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst;
	if (ev->kind != HOOK_MIGRATE || (ev->candidates_len && ev->deadline_ms > 0))
		return 0;
	snprintf(err, err_len, "not a migration that can be done");
	return -EINVAL;
}

static void
copy_event(struct world_call *c, const struct hook_event *ev)
{
	snprintf(c->id, sizeof c->id, "%s", ev->id);
	snprintf(c->service, sizeof c->service, "%s", ev->service);
	snprintf(c->function, sizeof c->function, "%s", ev->function ? ev->function : "");
	snprintf(c->source, sizeof c->source, "%s", ev->source ? ev->source : "");
	snprintf(c->target, sizeof c->target, "%s",
	    ev->candidates_len ? ev->candidates[0] : "");
	snprintf(c->evidence, sizeof c->evidence, "%s",
	    ev->evidence_json ? ev->evidence_json : "");
	c->kind = ev->kind;
	c->stage = ev->stage;
	c->dry_run = ev->dry_run;
	snprintf(c->reason, sizeof c->reason, "%s", ev->reason);
	c->candidates = ev->candidates_len;
	c->generation = ev->generation;
	c->rev = ev->rev;
	c->probability = ev->probability;
	c->due_ms = ev->due_ms;
}

static int
take_call(struct world *w, const struct hook_event *ev, bool resume, enum hook_phase last,
    struct hook_call *call)
{
	struct world_call *c = &w->call[w->calls];
	enum hook_verdict v =
	    w->answered < w->scripted ? w->script[w->answered] : HOOK_DONE;

	if (w->start_error)
		return w->start_error;
	assert_true(w->calls < WORLD_CALLS_MAX);
	w->answered++;
	*c = (struct world_call){
		.resume = resume, .last = last, .open = true, .call = call
	};
	copy_event(c, ev);
	w->calls++;
	if (v)
		world_answer(w, w->calls - 1, v, "as scripted");
	return 0;
}

static int
fake_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	return take_call(inst, ev, false, 0, call);
}

static int
fake_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	return take_call(inst, ev, true, last, call);
}

static struct world_call *
find_call(struct world *w, const struct hook_call *call)
{
	for (unsigned i = w->calls; i-- > 0;)
		if (w->call[i].call == call)
			return &w->call[i];
	fail_msg("a call that was never started");
	return NULL;
}

static int
fake_update(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	struct world_call *c = find_call(inst, call);

	copy_event(c, ev);
	c->updates++;
	return 0;
}

static void
fake_cancel(void *inst, struct hook_call *call)
{
	find_call(inst, call)->cancelled = true;
}

static void
fake_close(void *inst)
{
	(void)inst;
}

static struct hook_type fake_type = {
	HOOK_TYPE,
	.name = "fake",
	.help = "does what the test says",
	.caps = HOOK_CAN_CANCEL | HOOK_CAN_RESUME,
	.open = fake_open,
	.check = fake_check,
	.start = fake_start,
	.update = fake_update,
	.cancel = fake_cancel,
	.resume = fake_resume,
	.close = fake_close,
};
static const struct hook_type *const types[] = { &fake_type, NULL };

void
world_progress(struct world *w, unsigned i, enum hook_phase phase)
{
	assert_true(i < w->calls && w->call[i].open);
	the_host->progress(w->call[i].call, phase, "");
}

void
world_answer(struct world *w, unsigned i, enum hook_verdict v, const char *detail)
{
	assert_true(i < w->calls && w->call[i].open);
	w->call[i].open = false;
	the_host->done(w->call[i].call, v, detail);
}

/* --- life ------------------------------------------------------------------------------------------ */

static void
on_store_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static int64_t
wall(void *arg)
{
	struct world *w = arg;

	return w->io->ops->wall(w->io);
}

static void
on_node_changed(void *arg, struct node *n, enum node_state before)
{
	struct world *w = arg;

	if (w->judge)
		judge_node_changed(w->judge, n, before);
}

static void
on_plan_changed(void *arg, struct node *n)
{
	struct world *w = arg;
	size_t len = strlen(w->changed);

	w->plans_changed++;
	snprintf(w->changed + len, sizeof w->changed - len, "%s ", n->name);
}

static struct yaml_doc *
parse(const char *yaml)
{
	struct yaml_doc *doc = NULL;
	struct complaints c;

	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text(yaml), "controller.yaml", &c, &doc), 0);
	complaints_done(&c);
	return doc;
}

static void
start_judge(struct world *w)
{
	static const struct judge_ops ops = { on_plan_changed };
	CLEANUP(yaml_doc_free)
	struct yaml_doc *hooks =
	    parse(w->hooks_yaml ? w->hooks_yaml : "mover: {type: fake}");
	CLEANUP(yaml_doc_free)
	struct yaml_doc *plan = parse(w->default_plan_yaml ? w->default_plan_yaml : "[]");
	struct judge_config cfg = { .hooks = yaml_root(hooks),
		.default_plan = yaml_root(plan),
		.hook_types = types };
	struct complaints c;

	the_world = w;
	fake_type.caps =
	    ((HOOK_CAN_CANCEL | HOOK_CAN_RESUME) & ~w->caps_off) | w->caps_on;
	fake_type.resume = w->caps_off & HOOK_CAN_RESUME ? NULL : fake_resume;
	complaints_init(&c);
	if (judge_new(w->loop, w->io, w->store, w->events, w->registry, w->spawner, &cfg,
		&c, &ops, w, &w->judge) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
}

static void
start_controller(struct world *w)
{
	static const struct registry_ops ops = { on_node_changed };
	struct registry_config cfg = {
		.domain = "hall", .beat_ms = 15000, .lease_ms = 1000000000
	};

	assert_int_equal(store_open(w->loop, w->dir, on_store_failed, w, &w->store), 0);
	assert_int_equal(events_new(w->store, wall, w, &w->events), 0);
	assert_int_equal(
	    registry_new(w->io, w->store, w->events, &cfg, &ops, w, &w->registry), 0);
	start_judge(w);
}

static void
stop_controller(struct world *w)
{
	judge_free(w->judge);
	w->judge = NULL;
	store_flush(w->store);
	registry_free(w->registry);
	events_free(w->events);
	store_close(w->store);
}

void
world_open(struct world *w)
{
	w->dir = tempdir_new();
	w->loop = ev_loop_new(EVFLAG_AUTO);
	w->net = fake_net_new(1);
	fake_net_capture(w->net, false);
	w->host = fake_host_new(w->net);
	w->io = fake_host_io(w->host);
	w->random = 88172645463325252u;
	start_controller(w);
}

void
world_close(struct world *w)
{
	stop_controller(w);
	fake_net_free(w->net);
	ev_loop_destroy(w->loop);
	tempdir_remove(w->dir);
}

void
world_restart(struct world *w)
{
	stop_controller(w);
	for (unsigned i = 0; i < w->calls; i++)
		w->call[i].open = false;
	start_controller(w);
}

/* --- nodes ----------------------------------------------------------------------------------------- */

static void
make_id(const char *name, struct fog_id *ret)
{
	memset(ret, 0, sizeof *ret);
	strncpy((char *)ret->bytes, name, sizeof ret->bytes - 1);
	ret->bytes[15] = 0x5a;
}

struct node *
world_node(struct world *w, const char *name, const struct caps *caps)
{
	struct caps usual = { .type = "gateway",
		.energy = CAPS_MAINS,
		.battery = NAN,
		.virtualization = "none",
		.arch = "x86_64",
		.os = "Linux",
		.cpus = 4,
		.memory_bytes = 8ULL << 30 };
	struct fog_registration reg = { .domain = "hall", .boot = "boot0001" };
	struct refusal why;
	struct node *n = NULL;
	struct buf b;

	make_id(name, &reg.node);
	snprintf(reg.name, sizeof reg.name, "%s", name);
	buf_init(&b, CAPS_ENCODED_MAX);
	caps_encode(caps ? caps : &usual, &b);
	reg.caps = buf_slice(&b);
	reg.boot_ms = grasp_io_now(w->io);
	assert_true(registry_admit(w->registry, &reg, "test", NULL, NULL, &n, &why) >= 0);
	buf_done(&b);
	return n;
}

struct node *
world_find(struct world *w, const char *name)
{
	struct node *n = registry_by_name(w->registry, name);

	assert_non_null(n);
	return n;
}

void
world_set_state(struct world *w, const char *name, enum node_state state)
{
	struct node *n = world_find(w, name);

	n->silent_since_ms = grasp_io_now(w->io);
	registry_change(w->registry, n, state, "the test says so");
}

static void
note_applied(void *arg, int err)
{
	*(int *)arg = err;
}

void
world_apply(struct world *w, const char *yaml)
{
	struct complaints c;
	int err = 1;

	complaints_init(&c);
	if (judge_apply(
		w->judge, slice_text(yaml), "service.yaml", &c, note_applied, &err) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	store_flush(w->store);
	assert_int_equal(err, 0);
}

/* --- time and signals ------------------------------------------------------------------------------ */

struct world_signal *
world_signal(struct world *w, const char *node, const char *expr, double value,
    double slope_per_s, double noise)
{
	struct world_signal *s = w->signal;

	while (s < &w->signal[w->signals] &&
	    (strcmp(s->node, node) || strcmp(s->expr, expr)))
		s++;
	if (s == &w->signal[w->signals]) {
		assert_true(w->signals < WORLD_SIGNALS_MAX);
		w->signals++;
	}
	*s = (struct world_signal){ .value = value,
		.slope = slope_per_s,
		.noise = noise,
		.since_ms = grasp_io_now(w->io),
		.sent_ms = s->sent_ms };
	snprintf(s->node, sizeof s->node, "%s", node);
	snprintf(s->expr, sizeof s->expr, "%s", expr);
	return s;
}

/* xorshift64*, in -1..1 */
static double
random_unit(struct world *w)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (double)(w->random * 2685821657736338717u >> 11) * 0x1p-52 - 1;
}

static const struct plan_item *
find_item(struct world *w, struct node *n, const char *expr, struct fog_plan *plan)
{
	judge_plan(w->judge, n, plan);
	for (unsigned i = 0; i < plan->items; i++)
		if (!strcmp(judge_item_text(w->judge, plan->item[i].id), expr))
			return &plan->item[i];
	return NULL;
}

static void
send_signal(struct world *w, struct world_signal *s)
{
	struct node *n = registry_by_name(w->registry, s->node);
	int64_t now = grasp_io_now(w->io);
	const struct plan_item *item;
	struct fog_plan plan;
	uint8_t memory[64];
	struct buf labels;
	double v = s->value + s->slope * (double)(now - s->since_ms) / 1e3;

	item = n && n->state == NODE_ALIVE ? find_item(w, n, s->expr, &plan) : NULL;
	if (!item || now - s->sent_ms < item->period_ms)
		return;
	s->sent_ms = now;
	buf_init_fixed(&labels, memory, sizeof memory);
	if (s->device) {
		wr_map(&labels, 1);
		wr_key_text(&labels, "device", s->device);
	}
	judge_point(w->judge, n, item->id, buf_slice(&labels), now,
	    v + s->noise * random_unit(w));
}

void
world_run(struct world *w, int64_t ms)
{
	for (int64_t t = 0; t < ms; t += STEP_MS) {
		for (unsigned i = 0; i < w->signals; i++)
			if (!w->signal[i].off)
				send_signal(w, &w->signal[i]);
		fake_run(w->net, STEP_MS);
		store_flush(w->store);
	}
}

bool
world_run_until(struct world *w, bool (*done)(struct world *w), int64_t max_ms)
{
	for (int64_t t = 0; t < max_ms && !done(w); t += STEP_MS)
		world_run(w, STEP_MS);
	return done(w);
}

/* --- looking --------------------------------------------------------------------------------------- */

struct look {
	const char *service, *function, *kind;
	char text[1024];
	unsigned count;
};

static void
look_at_placement(void *arg, const struct placement_row *p)
{
	struct look *l = arg;

	if (!strcmp(p->service, l->service) && !strcmp(p->function, l->function))
		snprintf(l->text, sizeof l->text, "%s %s %llu", p->node, p->state,
		    (unsigned long long)p->generation);
}

const char *
world_placement(struct world *w, const char *service, const char *function)
{
	static struct look l;

	l = (struct look){ .service = service, .function = function };
	store_flush(w->store);
	assert_int_equal(store_placements(w->store, look_at_placement, &l), 0);
	return l.text;
}

const char *
world_host(struct world *w, const char *service, const char *function)
{
	char *text = (char *)world_placement(w, service, function);

	text[strcspn(text, " ")] = '\0';
	return text;
}

static void
look_at_event(void *arg, const struct event_row *e)
{
	struct look *l = arg;

	if (strcmp(e->kind, l->kind))
		return;
	l->count++;
	snprintf(l->text, sizeof l->text, "%s", e->text);
}

static struct look *
look_for_events(struct world *w, const char *kind)
{
	static struct look l;

	l = (struct look){ .kind = kind };
	store_flush(w->store);
	assert_int_equal(store_events(w->store, 0, 100000, look_at_event, &l), 0);
	return &l;
}

unsigned
world_events(struct world *w, const char *kind)
{
	return look_for_events(w, kind)->count;
}

const char *
world_event(struct world *w, const char *kind)
{
	return look_for_events(w, kind)->text;
}

static void
look_at_migration(void *arg, const struct migration_row *m)
{
	struct look *l = arg;

	snprintf(l->text, sizeof l->text, "%s>%s %s %s %llu", m->source, m->target,
	    m->state, *m->phase ? m->phase : "-", (unsigned long long)m->generation);
}

const char *
world_migration(struct world *w)
{
	static struct look l;

	l = (struct look){ .count = 0 };
	store_flush(w->store);
	assert_int_equal(store_migrations(w->store, false, 1, look_at_migration, &l), 0);
	return l.text;
}

static void
look_at_prediction(void *arg, int64_t sequence, const struct prediction_row *p)
{
	struct look *l = arg;
	size_t len = strlen(l->text);

	(void)sequence;
	snprintf(l->text + len, sizeof l->text - len, "%s ", p->outcome);
}

const char *
world_outcomes(struct world *w)
{
	static struct look l;

	l = (struct look){ .count = 0 };
	store_flush(w->store);
	assert_int_equal(store_predictions(w->store, 100, look_at_prediction, &l), 0);
	return l.text;
}
