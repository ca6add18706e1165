/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fog.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/tempdir.h"

/* --- files ---------------------------------------------------------------------------------- */
static void
write_text(const char *dir, const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "w");
	assert(f);
	fputs(text, f);
	fclose(f);
}

void
fog_load(struct fog *f, const char *loadavg)
{
	write_text(f->dir, "proc/loadavg", loadavg);
}

static void
make_directories(struct fog *f)
{
	static const char *const names[] = { "proc", "sys", "state", "power" };
	char path[512];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
		int r = mkdir(path, 0700);
		assert(r == 0);
	}
	fog_load(f, "1.00 2.00 3.00 1/100 1000\n");
}

static void
load_config(struct fog *f, const char *what, const char *yaml, struct agent_config *ret)
{
	char text[4096], path[512];
	struct complaints c;

	snprintf(text, sizeof text,
	    "node: {name: rover, type: robot, state-dir: %s/state}\n"
	    "roots: {proc: %s/proc, sys: %s/sys, power-supply: %s/power}\n"
	    "%s%s",
	    f->dir, f->dir, f->dir, f->dir, what, yaml ? yaml : "");
	write_text(f->dir, "agent.yaml", text);
	snprintf(path, sizeof path, "%s/agent.yaml", f->dir);
	complaints_init(&c);
	int err = agent_config_load(path, &c, ret);
	complaints_print(&c, stderr);
	complaints_done(&c);
	assert(err == 0);
}

void
fog_configure(struct fog *f, const char *yaml)
{
	assert(!f->agent);
	agent_config_free(&f->cfg);
	load_config(f, "", yaml, &f->cfg);
}

static void
needs_restart(const char *option)
{
	(void)option;
}

void
fog_reload(struct fog *f, const char *yaml)
{
	struct agent_config fresh;

	load_config(f, "", yaml, &fresh);
	agent_config_adopt(&f->cfg, &fresh, needs_restart);
	agent_config_free(&fresh);
	agent_reconfigured(f->agent);
}

/* --- the controller --------------------------------------------------------------------------- */
static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	struct fog *f = arg;

	(void)from, (void)asked;
	f->warden.searches++;
	fog_domain_encode(&f->warden.self, ret_value);
	return true;
}

static void
note_registration(struct warden *w, const struct fog_registration *r)
{
	if (r->renew)
		w->renewals++;
	else
		w->registrations++;
	if (r->caps.len) {
		int err = caps_decode(r->caps, &w->caps);

		assert(err == 0);
		w->with_caps++;
	}
	w->last = *r;
	w->last.caps = (struct slice){ 0 };
}

static void
lease_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct fog *f = arg;

	(void)s, (void)reason;
	f->warden.ended += outcome == GRASP_ACCEPTED;
}

static void
give_lease(struct fog *f, struct grasp_session *s)
{
	static const struct grasp_session_ops ops = { .ended = lease_ended };
	struct warden *w = &f->warden;
	struct fog_lease lease = { .controller = w->self.id,
		.epoch = w->self.epoch,
		.lease_ms = w->lease_ms,
		.beat_ms = w->beat_ms };
	uint8_t memory[128];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	fog_lease_encode(&lease, &b);
	w->link = grasp_session_link(s);
	grasp_link_hold(w->link, w->beat_ms, 5 * w->beat_ms, GRASP_UNICAST_MAX);
	grasp_session_set(s, &ops, f);
	int err = grasp_session_step(s, buf_slice(&b));
	assert(err == 0);
}

static void
on_registration(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct fog *f = arg;
	struct warden *w = &f->warden;
	struct fog_registration r;
	int err = fog_registration_decode(asked->value, &r);

	assert(err == 0);
	note_registration(w, &r);
	if (w->mute)
		return;
	if (r.renew && w->forgets)
		grasp_session_end(s, false, "unknown: who are you?");
	else if (w->decline)
		grasp_session_end(s, false, w->decline);
	else
		give_lease(f, s);
	if (!r.renew)
		w->forgets = false;
}

struct noting {
	struct warden *w;
	enum report_kind kind;
};

static void
note_point(struct warden *w, const struct report_value *v)
{
	assert(w->points < FOG_POINTS_MAX);
	w->point[w->points].number = v->number;
	w->point[w->points].item = v->series->item;
	w->point[w->points].value = v->value;
	w->point[w->points].time_ms = v->time_ms;
	snprintf(w->point[w->points].reason, sizeof w->point[0].reason, "%.*s",
	    (int)v->reason.len, (const char *)v->reason.data);
	w->points++;
}

static void
note_value(void *arg, const struct report_value *v)
{
	const struct noting *n = arg;
	struct warden *w = n->w;

	w->lossy += n->kind == REPORT_LOSSY;
	w->ahead += n->kind == REPORT_AHEAD;
	if (n->kind == REPORT_LOSSY || n->kind == REPORT_AHEAD)
		return;
	if (v->number < w->taken[n->kind].next) {
		w->duplicates++;
		return;
	}
	w->taken[n->kind].next = v->number + 1;
	note_point(w, v);
}

static void
note_event(struct warden *w, const struct report_event *e, uint64_t number)
{
	if (number < w->taken[REPORT_EVENTS].next)
		return;
	assert(w->events < FOG_EVENTS_MAX);
	w->taken[REPORT_EVENTS].next = number + 1;
	int err = slice_copy(e->kind, w->event[w->events].kind, sizeof w->event[0].kind);
	assert(err == 0);
	w->event[w->events].first = e->first;
	w->event[w->events].last = e->last;
	w->event[w->events].from_ms = e->from_ms;
	w->event[w->events++].to_ms = e->to_ms;
}

static void
follow_boot(struct warden *w, const struct fog_report *r)
{
	if (r->packed.data && !r->begins)
		return;
	if (memcmp(w->taken[r->kind].boot, r->boot, sizeof r->boot) != 0)
		w->taken[r->kind].next = 0;
	memcpy(w->taken[r->kind].boot, r->boot, sizeof r->boot);
}

static void
note_plain(struct noting *n, const struct fog_report *r)
{
	for (unsigned i = 0; i < r->events; i++)
		note_event(n->w, &r->event[i], r->sequence + i);
	for (unsigned i = 0; i < r->points; i++) {
		const struct report_point *p = &r->point[i];
		struct report_series series = { .item = p->item, .labels = p->labels };
		const struct report_value v = { .series = &series,
			.number = r->sequence + i,
			.time_ms = p->time_ms,
			.value = p->value,
			.reason = p->reason };

		note_value(n, &v);
	}
}

static int
note_report(struct warden *w, const struct fog_report *r)
{
	struct noting n = { w, r->kind };
	int err = w->stream[r->kind] ? 0 : report_stream_new(&w->stream[r->kind]);

	assert(err == 0);
	follow_boot(w, r);
	if (r->packed.data)
		return report_stream_take(w->stream[r->kind], r, note_value, &n);
	note_plain(&n, r);
	return 0;
}

static void
on_report(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	static struct fog_report report;
	struct fog *f = arg;
	int err = fog_report_decode(asked->value, &report);

	assert(err == 0);
	f->warden.reports++;
	if (f->warden.deaf_to_reports)
		return;
	if (f->warden.decline_reports) {
		grasp_session_end(s, false, f->warden.decline_reports);
		return;
	}
	err = note_report(&f->warden, &report);
	assert(err == 0 || err == -EPROTO);
	if (f->warden.holds_answers)
		return;
	grasp_session_end(s, err == 0, err ? "anew: it has not begun" : NULL);
}

static void
support(
    struct fog *f, const char *name, unsigned flags, const struct grasp_support *support)
{
	struct grasp_registration *r;
	int err = grasp_register(f->warden.node, name, flags, support, f, &r);

	assert(err == 0);
}

void
fog_warden_start(struct fog *f)
{
	static const struct grasp_support domain = { .discovered = discovered };
	static const struct grasp_support registration = { .negotiate = on_registration };
	static const struct grasp_support report = { .negotiate = on_report };
	struct grasp_config cfg = { .link_local = true,
		.unicast_max = GRASP_UNICAST_MAX };
	struct warden *w = &f->warden;

	w->host = fake_host_new(f->net);
	fake_attach(w->host, 1, "fe80::c", "2001:db8::c", NULL);
	int err = grasp_node_new(fake_host_io(w->host), &cfg, &w->node);
	assert(err == 0);
	w->self.epoch++;
	support(f, FOGDOMAIN, F_DISC | F_SYNCH, &domain);
	support(f, FOGREG, F_DISC | F_NEG, &registration);
	support(f, FOGREPORT, F_DISC | F_NEG, &report);
	fake_run(f->net, 0);
}

void
fog_warden_stop(struct fog *f)
{
	struct warden *w = &f->warden;

	grasp_node_free(TAKE(w->node));
	fake_host_free(TAKE(w->host));
	w->link = NULL;
}

void
fog_warden_flood(struct fog *f)
{
	struct grasp_locator any = { .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP };
	uint8_t memory[512];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	fog_domain_encode(&f->warden.self, &b);
	struct grasp_objective o = { slice_text(FOGDOMAIN), F_DISC | F_SYNCH, 0,
		buf_slice(&b) };
	int n = grasp_flood(f->warden.node, &o, &any, 30000);
	assert(n == 1);
}

/* --- life ----------------------------------------------------------------------------------- */
static struct fog *
make_fog(const char *what, const char *yaml)
{
	struct fog *f = calloc(1, sizeof *f);

	assert(f);
	f->dir = tempdir_new();
	make_directories(f);
	load_config(f, what, yaml, &f->cfg);
	f->net = fake_net_new(1);
	f->host = fake_host_new(f->net);
	f->ifindex = fake_attach(f->host, 1, "fe80::a", "2001:db8::a", NULL);
	return f;
}

struct fog *
fog_new_proved(const char *yaml)
{
	return make_fog("", yaml);
}

struct fog *
fog_new(const char *yaml)
{
	struct fog *f = make_fog("domain: operator1\ninsecure: {plain_grasp: yes, "
				 "i_trust_this_network: yes}\n",
	    yaml);

	f->warden.self = (struct fog_domain){ .has_id = true, .role = FOG_CONTROLLER };
	memset(f->warden.self.id.bytes, 0xc0, sizeof f->warden.self.id.bytes);
	strcpy(f->warden.self.domain, "operator1");
	f->warden.lease_ms = 20000;
	f->warden.beat_ms = 2000;
	f->warden.result = calloc(1, sizeof *f->warden.result);
	assert(f->warden.result);
	fog_warden_start(f);
	return f;
}

void
fog_free(struct fog *f)
{
	fog_agent_stop(f);
	if (f->warden.node)
		fog_warden_stop(f);
	fake_net_free(f->net);
	for (size_t k = 0; k < REPORT_KINDS; k++)
		report_stream_free(f->warden.stream[k]);
	free(f->warden.result);
	agent_config_free(&f->cfg);
	tempdir_remove(f->dir);
	free(f);
}

/* Other domains have sockets of their own, on a host of their own here. */
static struct fake_host *
make_more(struct fog *f, size_t i)
{
	char near[32], far[32];

	snprintf(near, sizeof near, "fe80::a:%zx", i);
	snprintf(far, sizeof far, "2001:db8::a:%zx", i);
	f->more[i] = fake_host_new(f->net);
	fake_attach(f->more[i], 1, near, far, NULL);
	return f->more[i];
}

int
fog_open_io(void *arg, const struct agent_domain *domain, struct grasp_io **ret)
{
	struct fog *f = arg;
	size_t i = (size_t)(domain - f->cfg.domain);

	*ret = fake_host_io(i == 0 ? f->host : f->more[i] ? f->more[i] : make_more(f, i));
	return 0;
}

struct uplink *
fog_uplink(const struct fog *f)
{
	return member_uplink(f->agent->member[0]);
}

void
fog_agent_start(struct fog *f)
{
	const struct agent_ios ios = { .open = fog_open_io, .arg = f };
	char why[200], state[512];

	snprintf(state, sizeof state, "%s/state", f->dir);
	int err = identity_load(state, f->cfg.node.name, &f->identity);
	assert(err == 0);
	err = agent_new(&ios, &f->cfg, &f->identity, why, sizeof why, &f->agent);
	if (err < 0)
		fprintf(stderr, "%s\n", why);
	assert(err == 0);
	agent_start(f->agent);
}

void
fog_agent_stop(struct fog *f)
{
	agent_free(TAKE(f->agent));
	identity_done(&f->identity);
}

/* --- waiting --------------------------------------------------------------------------------- */
bool
fog_until(struct fog *f, bool (*done)(void *arg), int64_t max_ms)
{
	return fake_run_until(f->net, done, f, max_ms);
}

bool
fog_is_registered(void *arg)
{
	const struct fog *f = arg;

	return uplink_state(fog_uplink(f)) == UPLINK_REGISTERED;
}

bool
fog_is_lost(void *arg)
{
	return !fog_is_registered(arg);
}

bool
fog_is_answered(void *arg)
{
	const struct fog *f = arg;

	return f->warden.answered;
}

/* --- what the controller asks ------------------------------------------------------------------ */
static void
plan_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct fog *f = arg;

	(void)s;
	f->warden.answered = true;
	f->warden.outcome = outcome;
	snprintf(f->warden.reason, sizeof f->warden.reason, "%.*s", (int)reason.len,
	    (const char *)reason.data);
}

static void
plan_countered(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct fog *f = arg;
	struct fog_plan *plan = malloc(sizeof *plan);
	int err = plan ? fog_plan_decode(obj->value, plan) : -ENOMEM;

	assert(err == 0);
	f->warden.counters++;
	f->warden.counter_items = plan->items;
	f->warden.counter_period_ms = plan->items ? plan->item[0].period_ms : 0;
	snprintf(f->warden.counter_why, sizeof f->warden.counter_why, "%s", plan->why);
	free(plan);
	if (f->warden.insists) {
		f->warden.insists--;
		err = grasp_session_step(s, f->warden.plan);
		assert(err == 0);
		return;
	}
	f->warden.answered = true;
	f->warden.outcome = f->warden.refuses_counters ? GRASP_DECLINED : GRASP_ACCEPTED;
	grasp_session_end(s, !f->warden.refuses_counters, "policy: all of it");
}

static bool
offer(struct fog *f, const struct fog_plan *plan, unsigned flags)
{
	static const struct grasp_session_ops ops = { .negotiated = plan_countered,
		.ended = plan_ended };
	struct grasp_session *s;
	struct buf b;

	buf_init(&b, GRASP_UNICAST_MAX);
	fog_plan_encode(plan, &b);
	struct grasp_objective o = { slice_text(FOGPLAN), flags, 0, buf_slice(&b) };
	f->warden.answered = false;
	f->warden.plan = buf_slice(&b);
	int err = grasp_negotiate(f->warden.link, &o, 0, &ops, f, &s);
	assert(err == 0);
	bool answered = fog_until(f, fog_is_answered, 5000);
	buf_done(&b);
	return answered && f->warden.outcome == GRASP_ACCEPTED;
}

bool
fog_plan(struct fog *f, const struct fog_plan *plan)
{
	return offer(f, plan, F_DISC | F_NEG);
}

bool
fog_dry_plan(struct fog *f, const struct fog_plan *plan)
{
	return offer(f, plan, F_DISC | F_NEG | F_NEG_DRY);
}

static void
query_synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct fog *f = arg;
	struct slice value = { f->warden.result_bytes, obj->value.len };

	(void)s;
	assert(obj->value.len <= sizeof f->warden.result_bytes);
	memcpy(f->warden.result_bytes, obj->value.data, obj->value.len);
	int err = fog_result_decode(value, f->warden.result);
	assert(err == 0);
}

bool
fog_query(struct fog *f, const char *expression)
{
	static const struct grasp_session_ops ops = { .synched = query_synched,
		.ended = plan_ended };
	struct plan_item item = fog_item(0, expression, 1000);
	struct fog_query q = { .program = item.program };
	struct grasp_session *s;
	uint8_t memory[4096];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	fog_query_encode(&q, &b);
	struct grasp_objective o = { slice_text(FOGMETRIC), F_DISC | F_SYNCH, 0,
		buf_slice(&b) };
	f->warden.answered = false;
	int err = grasp_synchronize(f->warden.link, &o, 0, &ops, f, &s);
	assert(err == 0);
	return fog_until(f, fog_is_answered, 5000) && f->warden.outcome == GRASP_ACCEPTED;
}

struct plan_item
fog_item(uint32_t id, const char *expression, uint32_t period_ms)
{
	static uint8_t memory[16][EXPR_PROGRAM_MAX];
	static unsigned next;
	char err[200];
	struct buf b;

	buf_init_fixed(&b, memory[next++ % 16], EXPR_PROGRAM_MAX);
	int r = expr_parse(expression, &b, err, sizeof err);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", expression, err);
	assert(r == 0);
	return (struct plan_item){ .id = id,
		.program = buf_slice(&b),
		.period_ms = period_ms,
		.mode = PLAN_PERIODIC };
}
