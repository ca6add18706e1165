/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/plant.h"

#include "base/complaint.h"
#include "base/ctl.h"
#include "controller/audit.h"
#include "controller/event.h"
#include "controller/history.h"
#include "controller/judge.h"
#include "controller/store.h"
#include "protocol/plan.h"
#include "tests/support/lab.h"
#include "tests/support/tempdir.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEASE_MS 30000
#define STEP_MS	 10

struct plant_judge plant_judge;
static struct plant *the_plant;
static ev_timer pump;

/* --- the judge's double ------------------------------------------------------------------------------ */
void
judge_plan(struct judge *j, const struct node *n, struct fog_plan *ret)
{
	static const uint8_t program[] = { 0x80 };

	(void)j, (void)n;
	ret->version = plant_judge.version;
	ret->items = plant_judge.items;
	for (unsigned i = 0; i < ret->items; i++)
		ret->item[i] = (struct plan_item){ .id = i + 1,
			.program = { program, sizeof program },
			.period_ms = 1000,
			.mode = PLAN_PERIODIC };
}

int
judge_consider(const struct judge *j, const struct node *n, const struct fog_plan *offer)
{
	(void)j, (void)n;
	return offer->version == plant_judge.version ? plant_judge.consider_err : -EPROTO;
}

void
judge_agree(struct judge *j, struct node *n, const struct fog_plan *offer)
{
	(void)j, (void)n;
	plant_judge.agreed++;
	plant_judge.agreed_items = offer->items;
}

void
judge_renegotiate(struct judge *j, struct node *n)
{
	(void)j, (void)n;
	plant_judge.version++;
}

void
judge_plan_adopt(struct judge *j, const struct node *n, uint64_t version)
{
	(void)j, (void)n;
	plant_judge.version = version;
}

void
judge_point(struct judge *j, struct node *n, uint32_t item, struct slice labels,
    int64_t time_ms, double value)
{
	size_t len = strlen(plant_judge.told);

	(void)j, (void)labels;
	snprintf(plant_judge.told + len, sizeof plant_judge.told - len, "%s:%u:%g@%lld ",
	    n->name, item, value, (long long)(fake_now(the_plant->net) - time_ms));
}

const char *
judge_item_text(struct judge *j, uint32_t id)
{
	(void)j;
	return id == 99 ? NULL : plant_judge.item_text;
}

uint32_t
judge_version(const struct judge *j)
{
	(void)j;
	return 1;
}

bool
judge_wants(const struct judge *j, const struct node *n, uint32_t item)
{
	(void)j, (void)n, (void)item;
	return true;
}

int
judge_apply(struct judge *j, struct slice yaml, const char *file, struct complaints *c,
    void (*done)(void *arg, int err), void *arg)
{
	size_t len = strlen(plant_judge.applied);

	(void)j;
	if (plant_judge.apply_err) {
		complain(c, file, 3, 7, "hook", "there is no hook moon");
		return plant_judge.apply_err;
	}
	snprintf(plant_judge.applied + len, sizeof plant_judge.applied - len, "%.*s ",
	    (int)yaml.len, (const char *)yaml.data);
	done(arg, plant_judge.done_err);
	return 0;
}

int
judge_dry_run(struct judge *j, const struct plan_costs_env *env, struct slice yaml,
    const char *file, struct complaints *c, struct ctl_request *req)
{
	(void)j, (void)env, (void)yaml;
	if (plant_judge.apply_err) {
		complain(c, file, 3, 7, "hook", "there is no hook moon");
		return plant_judge.apply_err;
	}
	ctl_end(req);
	return 0;
}

int
judge_remove(
    struct judge *j, const char *service, void (*done)(void *arg, int err), void *arg)
{
	(void)j;
	if (strcmp(service, "video"))
		return -ENOENT;
	plant_judge.removed++;
	done(arg, plant_judge.done_err);
	return 0;
}

int
judge_place(struct judge *j, const char *service, const char *function, const char *node)
{
	(void)j;
	if (strcmp(service, "video") || strcmp(function, "decode"))
		return -ENOENT;
	return strcmp(node, "robot") ? -ENODEV : 0;
}

int
judge_migrate(struct judge *j, const char *service, const char *function,
    const char *node, bool dry_run,
    void (*done)(void *arg, const char *state, const char *target, const char *detail),
    void *arg, char *err, size_t err_len)
{
	if (strcmp(service, "video") || strcmp(function, "decode"))
		return -ENOENT;
	if (!strcmp(node, "moon"))
		return -ENODEV;
	if (!strcmp(node, "busy")) {
		snprintf(err, err_len, "it is being moved already");
		return -EBUSY;
	}
	(void)j;
	done(arg, strcmp(node, "full") ? "done" : "refused", *node ? node : "best",
	    dry_run ? "it would" : "");
	return 0;
}

void
judge_unask(struct judge *j, const void *arg)
{
	(void)j, (void)arg;
}

void
judge_host_of(const struct judge *j, const char *service, const char *function,
    char dst[FOG_NAME_MAX + 1])
{
	(void)j, (void)service, (void)function;
	snprintf(dst, FOG_NAME_MAX + 1, "robot");
}

static void
say(struct ctl_request *req, const char *what, const char *detail)
{
	struct buf item;

	buf_init(&item, 500);
	wr_map(&item, 1);
	wr_key_text(&item, what, detail);
	ctl_send(req, buf_slice(&item));
	buf_done(&item);
	ctl_end(req);
}

void
judge_show_services(struct judge *j, struct ctl_request *req)
{
	(void)j;
	say(req, "services", "");
}

void
judge_show_plan(struct judge *j, struct ctl_request *req, const char *node)
{
	(void)j;
	say(req, "plan", node);
}

void
judge_show_predictions(struct judge *j, struct ctl_request *req, const char *service,
    enum judge_predictions what)
{
	static const char *const names[] = { "predictions", "past", "score",
		"calibration" };

	(void)j;
	say(req, names[what], service);
}

void
judge_show_candidates(struct judge *j, struct ctl_request *req, const char *service,
    const char *function, bool all)
{
	(void)j, (void)all;
	say(req, service, function);
}

void
judge_show_hooks(struct judge *j, struct ctl_request *req)
{
	(void)j;
	say(req, "hooks", "");
}

void
judge_show_migrations(struct judge *j, struct ctl_request *req)
{
	(void)j;
	say(req, "migrations", "");
}

void
judge_put_functions(struct judge *j, const struct node *n, struct buf *out)
{
	(void)j, (void)n;
	wr_array(out, 1);
	wr_text(out, "video/decode");
}

/* --- the plant ------------------------------------------------------------------------------------------ */
static void
on_failed(void *arg)
{
	(void)arg;
	assert(!"the store failed");
}

static int64_t
wall(void *arg)
{
	struct grasp_io *io = arg;

	return io->ops->wall(io);
}

static void
on_changed(void *arg, struct node *n, enum node_state before)
{
	struct plant *p = arg;

	(void)before;
	if (p->sessions)
		sessions_node_changed(p->sessions, n);
}

static void
print_config(void *arg, FILE *to)
{
	(void)arg;
	fputs("domain: plant\nlog:\n  level: info\n", to);
}

static void
open_core(struct plant *p)
{
	static const struct registry_ops ops = { on_changed };
	struct grasp_config grasp = {
		.link_local = true, .unicast_max = 65536, .prefix = p->prefix
	};
	const struct registry_config cfg = {
		.domain = "plant", .beat_ms = 2000, .lease_ms = LEASE_MS
	};
	struct sessions_config sessions = {
		.id = { { 0xc0 } },
		.prefix = p->prefix,
		.lease_ms = LEASE_MS,
		.flush_ms = p->flush_ms,
		.proven = p->proven,
		.registered = p->registered,
		.arg = p->registered_arg,
	};
	const struct history_config history = { .window_ms = 300000,
		.raw_ms = 604800000,
		.minute_ms = 2592000000,
		.hour_ms = 63072000000 };
	struct advert_config advert = {
		.id = sessions.id, .domain = "plant", .scope = "", .period_ms = 10000
	};
	struct grasp_io *io, *wrapped;
	int err;

	p->host = fake_host_new(p->net);
	fake_attach(p->host, 1, "fe80::1", "2001:db8::1", NULL);
	io = fake_host_io(p->host);
	wrapped = io;
	if (p->wrap)
		p->wrap(p->wrap_arg, &wrapped, &grasp);
	p->wrapped = p->wrap != NULL;
	err = grasp_node_new(wrapped, &grasp, &p->grasp) ||
	    store_open(p->loop, p->dir, on_failed, NULL, &p->store) ||
	    events_new(p->store, wall, io, &p->events) ||
	    audit_new(p->store, wall, io, &p->audit) ||
	    registry_new(io, p->store, p->events, &cfg, &ops, p, &p->registry);
	assert(!err);
	err = history_new(io, p->store, &history, &p->history);
	assert(!err);
	sessions.history = p->history;
	sessions.audit = p->audit;
	advert.epoch = store_epoch(p->store);
	err = sessions_new(p->grasp, p->registry, NULL, p->store, p->events, &sessions,
		  &p->sessions) ||
	    advert_new(p->grasp, &advert, &p->advert) ||
	    finder_new(p->grasp, p->registry, &p->grasp_conf, "plant", "", &p->finder);
	assert(!err);
	p->commands = (struct commands){
		.registry = p->registry,
		.sessions = p->sessions,
		.store = p->store,
		.history = p->history,
		.events = p->events,
		.audit = p->audit,
		.advert = p->advert,
		.finder = p->finder,
		.grasp = p->grasp,
		.id = sessions.id,
		.name = "edge",
		.domain = "plant",
		.lease_ms = LEASE_MS,
		.started_ms = grasp_io_now(io),
		.links_max = 512,
		.print_config = print_config,
	};
}

static void
close_core(struct plant *p)
{
	finder_free(TAKE(p->finder));
	ctl_close(TAKE(p->ctl));
	store_flush(p->store);
	advert_free(TAKE(p->advert));
	sessions_free(TAKE(p->sessions));
	history_free(TAKE(p->history));
	registry_free(TAKE(p->registry));
	events_free(TAKE(p->events));
	audit_free(TAKE(p->audit));
	store_close(TAKE(p->store));
	grasp_node_free(TAKE(p->grasp));
	if (p->wrapped)
		p->unwrap(p->wrap_arg);
	p->wrapped = false;
	fake_host_free(p->host);
}

void
plant_open(struct plant *p)
{
	*p = (struct plant){ .net = fake_net_new(1),
		.grasp_conf = { .hops = 6, .link_local = true } };
	plant_judge = (struct plant_judge){ .item_text = "load" };
	the_plant = p;
	p->loop = ev_loop_new(0);
	p->dir = tempdir_new();
	snprintf(p->socket, sizeof p->socket, "%s/control", p->dir);
	open_core(p);
}

void
plant_close(struct plant *p)
{
	close_core(p);
	tempdir_remove(p->dir);
	ev_loop_destroy(p->loop);
	fake_net_free(p->net);
}

void
plant_restart(struct plant *p)
{
	close_core(p);
	open_core(p);
}

void
plant_run(struct plant *p, int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS) {
		fake_run(p->net, ms < STEP_MS ? ms : STEP_MS);
		store_flush(p->store);
	}
}

static void
on_pump(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop, (void)revents;
	fake_run(((struct plant *)w->data)->net, 1);
}

void
plant_pump(struct plant *p, bool on)
{
	if (!on) {
		ev_timer_stop(p->loop, &pump);
		return;
	}
	ev_timer_init(&pump, on_pump, 0.001, 0.001);
	pump.data = p;
	ev_timer_start(p->loop, &pump);
}

static char events_text[4096];

static void
note_event(void *arg, const struct event_row *e)
{
	size_t len = strlen(events_text);

	(void)arg;
	snprintf(events_text + len, sizeof events_text - len, "%s ", e->kind);
}

const char *
plant_events(struct plant *p)
{
	events_text[0] = '\0';
	store_flush(p->store);
	store_events_last(p->store, 1000, note_event, NULL);
	return events_text;
}

/* --- robots ------------------------------------------------------------------------------------------------ */
int64_t
robot_clock(const struct robot *r)
{
	return fake_now(r->plant->net) + r->clock_ms;
}

static void
on_plan(void *arg, struct grasp_session *s, const struct grasp_objective *asked);

static void
on_settled(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct robot *r = arg;

	(void)s, (void)reason;
	r->settled = outcome;
}

/* The same plan again, whatever is insisted on. */
static void
counter(struct robot *r, struct grasp_session *s, struct slice value)
{
	static const struct grasp_session_ops ops = { .negotiated = on_plan,
		.ended = on_settled };
	int err = grasp_session_step(s, value);

	assert(!err);
	grasp_session_set(s, &ops, r);
}

static void
on_plan(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct robot *r = arg;
	struct fog_plan plan;
	int err = fog_plan_decode(asked->value, &plan);

	assert(!err);
	r->plans++;
	r->plan_version = plan.version;
	r->plan_items = plan.items;
	switch (r->mood) {
	case ROBOT_TAKES_PLANS:
		r->registration.plan_version = plan.version;
		grasp_session_end(s, true, NULL);
		return;
	case ROBOT_DECLINES_PLANS:
		grasp_session_end(s, false, "policy: item 1: too often");
		return;
	case ROBOT_COUNTERS:
		counter(r, s, asked->value);
		return;
	case ROBOT_IGNORES_PLANS:
		return;
	}
}

static void
on_query(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct robot *r = arg;
	struct fog_query query;
	struct buf value;

	if (fog_query_decode(asked->value, &query) || !r->result.now_ms)
		return;
	buf_init(&value, 4096);
	fog_result_encode(&r->result, &value);
	if (grasp_session_synch(s, buf_slice(&value)))
		assert(!"the answer cannot be sent");
	buf_done(&value);
}

static void
offer(struct robot *r)
{
	static const struct grasp_support plan = { .negotiate = on_plan };
	static const struct grasp_support metric = { .synchronize = on_query };
	int err =
	    grasp_register(r->grasp, FOGPLAN, F_DISC | F_NEG, &plan, r, &r->offer_plan) ||
	    grasp_register(
		r->grasp, FOGMETRIC, F_DISC | F_SYNCH, &metric, r, &r->offer_metric);

	assert(!err);
}

static void
make_caps(struct robot *r)
{
	struct caps caps = {
		.type = "robot",
		.energy = CAPS_BATTERY,
		.battery = 0.5,
		.cpus = 4,
		.memory_bytes = 1 << 30,
		.interface = { { .name = "w0",
		    .kind = CAPS_WIFI,
		    .radio = "wifi6",
		    .l2 = { 2, 0, 0, 0, 0, 0x1f },
		    .l2_len = 6,
		    .addr = { { .ip = { 0xfd, [15] = 1 }, .len = 16, .prefix = 64 } },
		    .addrs = 1,
		    .up = true } },
		.interfaces = 1,
		.tag = { { "site", "hall 3" } },
		.tags = 1,
	};
	struct buf b;

	buf_init_fixed(&b, r->caps, sizeof r->caps);
	caps_encode(&caps, &b);
	assert(!b.err);
	r->registration.caps = buf_slice(&b);
}

void
robot_init(struct robot *r, struct plant *p, uint8_t number, const char *name)
{
	const struct grasp_config cfg = { .link_local = true, .unicast_max = 65536 };
	char local[40], global[40];
	int err;

	*r = (struct robot){ .plant = p };
	r->registration.node.bytes[0] = number;
	r->registration.boot[0] = number;
	snprintf(r->registration.name, sizeof r->registration.name, "%s", name);
	make_caps(r);
	r->host = fake_host_new(p->net);
	snprintf(local, sizeof local, "fe80::%x", 0x10 + number);
	snprintf(global, sizeof global, "2001:db8::%x", 0x10 + number);
	fake_attach(r->host, 1, local, global, NULL);
	err = grasp_node_new(fake_host_io(r->host), &cfg, &r->grasp);
	assert(!err);
	offer(r);
}

void
robot_prove(struct robot *r, enum trust_role role)
{
	struct grasp_who who = { .role = role };

	memcpy(who.id, r->registration.node.bytes, sizeof who.id);
	fake_host_prove(r->host, &who);
}

void
robot_done(struct robot *r)
{
	grasp_node_free(TAKE(r->grasp));
	fake_host_free(r->host);
}

static void
on_closed(void *arg, struct grasp_link *l, int err)
{
	struct robot *r = arg;

	(void)err;
	r->closed++;
	if (r->link == l)
		r->link = NULL;
}

static const struct grasp_link_ops link_ops = { .closed = on_closed };

void
robot_connect(struct robot *r)
{
	struct addr to = lab_address(0);
	int err = grasp_link_open(r->grasp, &to, &link_ops, r, &r->link);

	assert(!err);
	grasp_link_hold(r->link, 2000, 10000, 65536);
}

void
robot_drop(struct robot *r)
{
	grasp_link_close(TAKE(r->link));
}

static void
on_lease(void *arg, struct grasp_session *s, const struct grasp_objective *objective)
{
	struct robot *r = arg;
	int err = fog_lease_decode(objective->value, &r->lease);

	assert(!err);
	r->leases++;
	grasp_session_end(s, !r->refuses_lease, "too short");
	r->ended++;
	r->outcome = r->refuses_lease ? GRASP_DECLINED : GRASP_ACCEPTED;
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct robot *r = arg;

	(void)s;
	r->ended++;
	r->outcome = outcome;
	snprintf(r->reason, sizeof r->reason, "%.*s", (int)reason.len,
	    reason.data ? (const char *)reason.data : "");
}

void
robot_send(struct robot *r, const char *name, struct slice value)
{
	static const struct grasp_session_ops ops = { .negotiated = on_lease,
		.ended = on_ended };
	struct grasp_objective objective = lab_objective(name, F_DISC | F_NEG, value);
	struct grasp_session *s;
	int err = grasp_negotiate(r->link, &objective, 0, &ops, r, &s);

	assert(!err);
}

void
robot_register(struct robot *r)
{
	struct buf value;

	buf_init(&value, 4096);
	r->registration.boot_ms = robot_clock(r);
	fog_registration_encode(&r->registration, &value);
	robot_send(r, FOGREG, buf_slice(&value));
	buf_done(&value);
}

void
robot_join(struct robot *r)
{
	robot_connect(r);
	robot_register(r);
	plant_run(r->plant, 100);
	assert(r->outcome == GRASP_ACCEPTED);
}

void
robot_report(
    struct robot *r, uint64_t first, unsigned points, uint32_t item, int64_t age_ms)
{
	struct fog_report report = { .sequence = first, .points = (uint16_t)points };
	struct buf value;

	memcpy(report.boot, r->registration.boot, sizeof report.boot);
	report.sent_ms = robot_clock(r);
	for (unsigned i = 0; i < points; i++)
		report.point[i] = (struct report_point){
			.item = item,
			.time_ms = report.sent_ms - age_ms,
			.value = (double)(first + i),
			.samples = 1,
		};
	buf_init(&value, 8192);
	fog_report_encode(&report, &value);
	robot_send(r, FOGREPORT, buf_slice(&value));
	buf_done(&value);
}
