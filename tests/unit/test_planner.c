/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/plan_terms.h"
#include "metrics/expr.h"
#include "tests/support/test.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct town { /* nodes and services of a test */
	struct node node[8];
	struct caps caps[8];
	size_t nodes;
	struct service *service[8];
	size_t services;
	struct placement *placements;
	struct planner *planner;
};

static struct planner *
make_planner(const char *yaml)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	struct planner *p = NULL;
	struct complaints c;

	complaints_init(&c);
	if (yaml)
		assert_int_equal(yaml_parse(slice_text(yaml), "c.yaml", &c, &doc), 0);
	if (planner_new(doc ? yaml_root(doc) : NULL, &c, &p) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	return p;
}

static struct node *
add_node(struct town *t, const char *name)
{
	struct node *n = &t->node[t->nodes];

	n->caps = &t->caps[t->nodes++];
	n->caps->cpus = 4;
	n->caps->memory_bytes = 1 << 30;
	n->state = NODE_ALIVE;
	snprintf(n->name, sizeof n->name, "%s", name);
	n->id.bytes[0] = (unsigned char)t->nodes;
	return n;
}

static void
town_open(struct town *t, const char *default_plan)
{
	memset(t, 0, sizeof *t);
	t->planner = make_planner(default_plan);
	add_node(t, "A");
	add_node(t, "B");
	add_node(t, "C");
}

/* Those that a test has added by hand. */
static void
free_links(struct service *s)
{
	for (size_t i = 0; i < s->links; i++) {
		free(s->link[i].from);
		free(s->link[i].to);
	}
	s->links = 0;
}

static void
town_close(struct town *t)
{
	planner_free(t->planner);
	placement_free_all(&t->placements);
	for (size_t i = 0; i < t->services; i++) {
		free_links(t->service[i]);
		service_free(t->service[i]);
	}
}

/* One function f on host, with candidates (a YAML value) and one requirement. */
static void
add_service(struct town *t, const char *name, const char *host, const char *candidates,
    const char *requirement)
{
	struct service *s = NULL;
	struct placement *p;
	struct complaints c;
	char yaml[4096];

	snprintf(yaml, sizeof yaml,
	    "service: %s\nfunctions:\n  - name: f\n    host: %s\n    candidates: %s\n"
	    "    requirements: [%s]\n",
	    name, host, candidates, requirement);
	complaints_init(&c);
	if (service_parse(slice_text(yaml), "s.yaml", &c, &s) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	assert_int_equal(placement_add(&t->placements, name, "f", &p), 0);
	p->service = s;
	p->function = &s->function[0];
	snprintf(p->node, sizeof p->node, "%s", host);
	t->service[t->services++] = s;
}

static void
remove_service(struct town *t, const char *name)
{
	placement_remove(&t->placements, placement_find(t->placements, name, "f"));
}

static const struct node *
find_node(void *arg, const char *name)
{
	const struct town *t = arg;

	for (size_t i = 0; i < t->nodes; i++)
		if (!strcmp(t->node[i].name, name))
			return &t->node[i];
	return NULL;
}

static int
update_at(struct town *t, size_t i, int64_t wall_ms)
{
	const struct plan_view view = { t->placements, find_node, t };

	return planner_update(t->planner, &t->node[i], &view, wall_ms);
}

/* "ABC" without those whose plan stayed as it was. */
static const char *
replan(struct town *t)
{
	static char changed[16];
	size_t len = 0;

	for (size_t i = 0; i < t->nodes; i++) {
		int rc = update_at(t, i, 1000);

		assert_true(rc >= 0);
		if (rc == PLAN_OTHER)
			changed[len++] = t->node[i].name[0];
	}
	changed[len] = '\0';
	return changed;
}

/* "node_load1/500" and so on, ascending by id; for the few items of a test sorted by text. */
static const char *
plan_of(struct town *t, size_t i)
{
	static char text[1024];
	const struct node_plan *plan = planner_get(t->planner, &t->node[i]);

	*text = '\0';
	assert_non_null(plan);
	for (size_t k = 0; k < plan->entries; k++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s/%lld",
		    k ? " " : "", plan->entry[k].text->text,
		    (long long)plan->entry[k].item.period_ms);
	return text;
}

static const struct plan_entry *
find_entry(struct town *t, size_t i, const char *text)
{
	const struct node_plan *plan = planner_get(t->planner, &t->node[i]);

	for (size_t k = 0; k < plan->entries; k++)
		if (!strcmp(plan->entry[k].text->text, text))
			return &plan->entry[k];
	return NULL;
}

#define LOAD(p, c) "{expr: node_load1, below: 4, period: " p ", candidate-period: " c "}"

static void
hosts_measure_often_and_candidates_seldom(void **state) /* PLN-02, PLN-03 */
{
	struct town t;

	(void)state;
	town_open(&t, "[]");
	add_service(&t, "s", "A", "[B]", LOAD("500ms", "5s"));
	assert_string_equal(replan(&t), "ABC");
	assert_string_equal(plan_of(&t, 0), "node_load1/500");
	assert_string_equal(plan_of(&t, 1), "node_load1/5000");
	assert_string_equal(plan_of(&t, 2), "");
	town_close(&t);
}

static void
any_candidate_means_those_that_meet_the_needs(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, "[]");
	t.caps[1].cpus = 1;
	add_service(&t, "s", "A", "any\n    needs: {cpus: 2}", LOAD("1s", "5s"));
	replan(&t);
	assert_string_equal(plan_of(&t, 1), "");
	assert_string_equal(plan_of(&t, 2), "node_load1/5000");
	t.node[2].state = NODE_LOST;
	assert_string_equal(replan(&t), "C");
	assert_string_equal(plan_of(&t, 2), "");
	town_close(&t);
}

static void
two_services_share_one_sampling_at_the_shorter_period(void **state) /* PLN-05 */
{
	struct town t;
	const struct node_plan *plan;

	(void)state;
	town_open(&t, "[{expr: node_load1, period: 2s}]");
	add_service(&t, "s", "A", "[B]", LOAD("1s", "5s"));
	add_service(&t, "u", "A", "[C]", LOAD("500ms", "7s"));
	replan(&t);
	assert_string_equal(plan_of(&t, 0), "node_load1/500");
	assert_string_equal(plan_of(&t, 1), "node_load1/2000");
	plan = planner_get(t.planner, &t.node[0]);
	assert_int_equal(plan->entry[0].reasons, 2);
	assert_true(plan->entry[0].by_default);
	assert_string_equal(plan->entry[0].reason[1].placement->service_name, "u");
	assert_true(plan->entry[0].reason[0].host);
	assert_false(planner_get(t.planner, &t.node[1])->entry[0].reason[0].host);
	town_close(&t);
}

static void
items_disappear_with_their_service(void **state) /* PLN-04, PLN-06 */
{
	struct town t;

	(void)state;
	town_open(&t, "[]");
	add_service(&t, "s", "A", "[B]", LOAD("1s", "5s"));
	add_service(&t, "u", "C", "[]", LOAD("1s", "5s"));
	replan(&t);
	remove_service(&t, "s");
	assert_string_equal(replan(&t), "AB");
	assert_string_equal(plan_of(&t, 0), "");
	assert_string_equal(plan_of(&t, 2), "node_load1/1000");
	town_close(&t);
}

static void
only_affected_nodes_get_another_plan(void **state) /* PLN-06, PLN-07 */
{
	struct town t;
	uint64_t version;

	(void)state;
	town_open(&t, NULL);
	assert_string_equal(replan(&t), "ABC");
	assert_string_equal(replan(&t), "");
	version = planner_get(t.planner, &t.node[1])->version;
	add_service(&t, "s", "A", "[C]", LOAD("1s", "5s"));
	assert_string_equal(replan(&t), "AC");
	assert_int_equal(planner_get(t.planner, &t.node[1])->version, version);
	assert_true(planner_get(t.planner, &t.node[0])->version > version);
	/* a second reason for the same thing at a longer period changes nothing */
	add_service(&t, "u", "A", "[]", LOAD("3s", "5s"));
	assert_string_equal(replan(&t), "");
	assert_int_equal(find_entry(&t, 0, "node_load1")->reasons, 2);
	town_close(&t);
}

static void
the_built_in_plan_tells_how_a_node_is(void **state)
{
	struct town t;
	const struct node_plan *plan;

	(void)state;
	town_open(&t, NULL);
	replan(&t);
	plan = planner_get(t.planner, &t.node[0]);
	assert_int_equal(plan->entries, 7);
	for (size_t i = 0; i < plan->entries; i++) {
		assert_int_equal(plan->entry[i].item.period_ms, 10000);
		assert_int_equal(plan->entry[i].reasons, 0);
		assert_true(!i || plan->entry[i - 1].text->id < plan->entry[i].text->id);
	}
	town_close(&t);
}

static void
item_ids_are_the_same_after_a_restart(void **state)
{
	struct town t, u;
	uint32_t id;

	(void)state;
	town_open(&t, "[{expr: node_load1}, {expr: node_load5}]");
	replan(&t);
	town_open(&u, "[{expr: node_load5}]");
	replan(&u);
	id = planner_get(u.planner, &u.node[0])->entry[0].text->id;
	assert_string_equal(planner_text(t.planner, id), "node_load5");
	assert_null(planner_text(u.planner, id + 1));
	town_close(&t);
	town_close(&u);
}

static void
versions_rise_over_restarts_S_08(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, "[]");
	assert_int_equal(update_at(&t, 0, 5000), PLAN_OTHER);
	assert_int_equal(planner_get(t.planner, &t.node[0])->version, 5000);
	/* the clock of before our restart was ahead, and the node runs such a plan */
	t.node[0].plan_version = 9000;
	assert_int_equal(update_at(&t, 0, 6000), PLAN_OTHER);
	assert_int_equal(planner_get(t.planner, &t.node[0])->version, 9001);
	t.node[0].plan_version = 9001;
	assert_int_equal(update_at(&t, 0, 6000), PLAN_SAME);
	/* what nobody can have been given is not followed */
	t.node[0].plan_version = UINT64_MAX;
	assert_int_equal(update_at(&t, 0, 6000), PLAN_SAME);
	town_close(&t);
}

/* 16 requirements of its own on A, as host or candidate. */
static void
add_crowded_service(struct town *t, int k)
{
	char name[8];
	struct buf list;

	buf_init(&list, 2048);
	for (int i = 0; i < 16; i++)
		buf_printf(&list, "%s{expr: node_load5 * %d, below: 1}", i ? ", " : "",
		    k * 16 + i);
	snprintf(name, sizeof name, "s%d", k);
	add_service(t, name, k % 2 ? "B" : "A", k % 2 ? "[A]" : "[]", buf_text(&list));
	buf_done(&list);
}

static void
a_plan_that_is_too_long_keeps_what_hosts_need(void **state)
{
	struct town t;
	struct buf yaml;

	(void)state;
	buf_init(&yaml, 16384);
	for (int i = 0; i < 60; i++)
		buf_printf(&yaml, "- {expr: node_load1 > %d}\n", i);
	town_open(&t, buf_text(&yaml));
	buf_done(&yaml);
	for (int k = 0; k < 5; k++)
		add_crowded_service(&t, k);
	replan(&t);
	assert_int_equal(planner_get(t.planner, &t.node[0])->entries, PLAN_ITEMS_MAX);
	for (int i = 0; i < 5 * 16; i++) {
		char text[32];

		snprintf(text, sizeof text, "node_load5 * %d", i);
		assert_non_null(find_entry(&t, 0, text));
	}
	town_close(&t);
}

static void
a_node_that_is_forgotten_has_no_plan(void **state)
{
	struct town t;

	(void)state;
	town_open(&t, NULL);
	replan(&t);
	planner_forget(t.planner, &t.node[0]);
	assert_null(planner_get(t.planner, &t.node[0]));
	assert_string_equal(replan(&t), "A");
	town_close(&t);
}

/* --- links ----------------------------------------------------------------------------------------- */

/* A chain f - g of the service "chain", f at `f` and g at `g`, no requirements of their own. */
static struct service *
add_chain(struct town *t, const char *f, const char *g)
{
	static const char yaml[] =
	    "service: chain\nfunctions:\n"
	    "  - {name: f, candidates: [C]}\n  - {name: g, candidates: []}\n";
	const char *const host[] = { f, g };
	struct service *s = NULL;
	struct complaints c;

	complaints_init(&c);
	assert_int_equal(service_parse(slice_text(yaml), "s.yaml", &c, &s), 0);
	complaints_done(&c);
	free_links(s); /* a chain that asks for nothing */
	s->link[0] = (struct service_link){ .from = strdup("f"),
		.to = strdup("g"),
		.latency_s = NAN,
		.loss = NAN,
		.bandwidth = NAN,
		.period_ms = 1000,
		.candidate_period_ms = 10000,
		.hold_ms = 2000 };
	s->links = 1;
	for (size_t i = 0; i < 2; i++) {
		struct placement *p;

		assert_int_equal(
		    placement_add(&t->placements, "chain", s->function[i].name, &p), 0);
		p->service = s;
		p->function = &s->function[i];
		snprintf(p->node, sizeof p->node, "%s", host[i]);
	}
	t->service[t->services++] = s;
	return s;
}

static void
set_address(struct town *t, size_t i, const char *address)
{
	snprintf(t->node[i].address, sizeof t->node[i].address, "%s", address);
}

static void
move(struct town *t, const char *function, const char *node)
{
	struct placement *p = placement_find(t->placements, "chain", function);

	snprintf(p->node, sizeof p->node, "%s", node);
}

static void
open_chain(struct town *t, struct service **ret)
{
	town_open(t, "[]");
	set_address(t, 0, "2001:db8::a");
	set_address(t, 1, "2001:db8::b");
	set_address(t, 2, "2001:db8::c");
	*ret = add_chain(t, "A", "B");
}

static void
a_link_is_measured_at_both_ends_towards_the_neighbour_PLN_02(void **state)
{
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].loss = 0.05;
	replan(&t);
	assert_string_equal(
	    plan_of(&t, 0), "node_path_loss_ratio{peer=\"2001:db8::b\"}/1000");
	assert_string_equal(
	    plan_of(&t, 1), "node_path_loss_ratio{peer=\"2001:db8::a\"}/1000");
	/* a candidate for f, towards g */
	assert_string_equal(
	    plan_of(&t, 2), "node_path_loss_ratio{peer=\"2001:db8::b\"}/10000");
	town_close(&t);
}

static void
a_latency_is_smoothed_and_a_dead_path_is_too_long(void **state)
{
	const struct plan_entry *e;
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].latency_s = 0.02;
	replan(&t);
	e = &planner_get(t.planner, &t.node[0])->entry[0];
	assert_string_equal(e->text->text,
	    "quantile_over_time(0.5, "
	    "node_path_round_trip_seconds{peer=\"2001:db8::b\"}[5000ms]) "
	    "or "
	    "(node_path_up{peer=\"2001:db8::b\"} == 0) + 2");
	assert_string_equal(
	    e->reason[0].requirement->text, "round trip to g on B < 0.02 s");
	assert_int_equal(e->reason[0].requirement->origin, REQUIRE_LINK);
	assert_int_equal(e->reason[0].requirement->hold_ms, 2000);
	assert_true(e->reason[0].requirement->low < e->reason[0].requirement->high);
	town_close(&t);
}

static void
bandwidth_is_what_the_interface_has_left(void **state)
{
	struct caps_interface *f;
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].bandwidth = 1e6;
	t.caps[0].interfaces = t.caps[2].interfaces = 1;
	for (size_t i = 0; i < 3; i += 2) {
		f = &t.caps[i].interface[0];
		strcpy(f->name, i ? "wlan0" : "e0");
		f->kind = i ? CAPS_WIFI : CAPS_ETHERNET;
		f->up = true;
	}
	t.caps[0].interface[0].addrs = t.caps[2].interface[0].addrs = 1;
	t.caps[0].interface[0].addr[0].len = t.caps[2].interface[0].addr[0].len = 4;
	replan(&t);
	assert_non_null(find_entry(&t, 0,
	    "node_network_speed_bytes{device=\"e0\"} - "
	    "rate(node_network_transmit_bytes_total{device=\"e0\"}[30000ms])"));
	assert_non_null(find_entry(&t, 0,
	    "node_network_speed_bytes{device=\"e0\"} - "
	    "rate(node_network_receive_bytes_total{device=\"e0\"}[30000ms])"));
	assert_non_null(find_entry(&t, 2,
	    "node_network_speed_bytes{device=\"wlan0\"} - "
	    "(rate(node_network_receive_bytes_total{device=\"wlan0\"}[50000ms]) + "
	    "rate(node_network_transmit_bytes_total{device=\"wlan0\"}[50000ms]))"));
	assert_string_equal(plan_of(&t, 1), ""); /* it tells of no interface */
	town_close(&t);
}

static void
a_neighbour_that_moves_is_followed_and_others_keep_their_plans_PLN_06(void **state)
{
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].loss = 0.05;
	add_node(&t, "D");
	assert_string_equal(replan(&t), "ABCD");
	move(&t, "g", "D");
	set_address(&t, 3, "2001:db8::d");
	assert_string_equal(replan(&t), "ABCD");
	planner_sweep(t.planner);
	assert_string_equal(
	    plan_of(&t, 0), "node_path_loss_ratio{peer=\"2001:db8::d\"}/1000");
	assert_string_equal(plan_of(&t, 1), "");
	assert_string_equal(
	    plan_of(&t, 2), "node_path_loss_ratio{peer=\"2001:db8::d\"}/10000");
	/* its address is another one: who measures it follows, and nobody else */
	set_address(&t, 3, "2001:db8::dd");
	assert_string_equal(replan(&t), "AC");
	assert_string_equal(replan(&t), "");
	town_close(&t);
}

static void
neighbours_on_one_node_measure_nothing(void **state)
{
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].loss = 0.05;
	move(&t, "g", "A");
	replan(&t);
	assert_string_equal(plan_of(&t, 0), "");
	assert_string_equal(
	    plan_of(&t, 2), "node_path_loss_ratio{peer=\"2001:db8::a\"}/10000");
	town_close(&t);
}

static void
a_link_local_neighbour_is_reached_by_an_interface_of_ours(void **state)
{
	static const uint8_t own[16] = { 0xfe, 0x80, [15] = 1 };
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].loss = 0.05;
	set_address(&t, 0, "fe80::1%br0"); /* br0 is the controller's */
	set_address(&t, 1, "fe80::2%br0");
	t.caps[0].interfaces = 1;
	strcpy(t.caps[0].interface[0].name, "e0");
	t.caps[0].interface[0].addrs = 1;
	t.caps[0].interface[0].addr[0].len = 16;
	memcpy(t.caps[0].interface[0].addr[0].ip, own, sizeof own);
	replan(&t);
	assert_string_equal(
	    plan_of(&t, 0), "node_path_loss_ratio{peer=\"fe80::2%e0\"}/1000");
	assert_string_equal(plan_of(&t, 1), ""); /* which interface? */
	town_close(&t);
}

static void
a_requirement_that_is_made_lives_as_long_as_a_plan_names_it(void **state)
{
	const struct requirement *before;
	struct service *s;
	struct town t;

	(void)state;
	open_chain(&t, &s);
	s->link[0].loss = 0.05;
	replan(&t);
	before = planner_get(t.planner, &t.node[0])->entry[0].reason[0].requirement;
	assert_int_equal(update_at(&t, 0, 1000), PLAN_SAME); /* the same object */
	planner_sweep(t.planner);
	assert_ptr_equal(
	    planner_get(t.planner, &t.node[0])->entry[0].reason[0].requirement, before);
	/* another bound for the same program: nothing new for the node, something for its watches */
	s->link[0].hold_ms = 3000;
	assert_int_equal(update_at(&t, 0, 1000), PLAN_REASONS);
	assert_int_equal(before->hold_ms, 2000); /* until it is swept */
	planner_sweep(t.planner);
	assert_int_equal(
	    planner_get(t.planner, &t.node[0])->entry[0].reason[0].requirement->hold_ms,
	    3000);
	town_close(&t);
}

/* --- counter-offers --------------------------------------------------------------------------------- */

/* The plan of node i as it is offered back. */
static void
offer_of(struct town *t, size_t i, struct fog_plan *ret)
{
	memset(ret, 0, sizeof *ret);
	planner_fill(planner_get(t->planner, &t->node[i]), ret);
}

static enum plan_terms
judge_terms(struct town *t, size_t i, const struct fog_plan *offer)
{
	return plan_terms_judge(planner_get(t->planner, &t->node[i]), offer);
}

static void
a_longer_period_is_good_as_far_as_requirements_are_served(void **state)
{
	struct fog_plan offer;
	struct town t;

	(void)state;
	town_open(&t, "[{expr: node_load5, period: 2s}]");
	add_service(&t, "s", "A", "[B]",
	    "{expr: node_load1, below: 4, period: 1s, candidate-period: 5s, hold: 6s}");
	replan(&t);
	offer_of(&t, 0, &offer);
	for (unsigned i = 0; i < offer.items; i++)
		if (offer.item[i].period_ms == 2000)
			offer.item[i].period_ms = 600000; /* nobody depends on it */
		else
			offer.item[i].period_ms = 3000; /* half of hold */
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_GOOD);
	for (unsigned i = 0; i < offer.items; i++)
		if (offer.item[i].period_ms == 3000)
			offer.item[i].period_ms = 3001;
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_POOR);
	offer_of(&t, 1, &offer);
	offer.items = 0;
	assert_int_equal(judge_terms(&t, 1, &offer), TERMS_POOR);
	town_close(&t);
}

static void
what_nobody_has_asked_for_is_no_counter_offer(void **state)
{
	struct fog_plan offer;
	struct town t;

	(void)state;
	town_open(&t, "[{expr: node_load5, period: 2s}]");
	replan(&t);
	offer_of(&t, 0, &offer);
	offer.item[0].period_ms = 1000; /* more often */
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_FOREIGN);
	offer_of(&t, 0, &offer);
	offer.item[0].id++;
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_FOREIGN);
	offer_of(&t, 0, &offer);
	offer.version++;
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_FOREIGN);
	offer_of(&t, 0, &offer);
	offer.item[0].mode = PLAN_ON_CHANGE;
	assert_int_equal(judge_terms(&t, 0, &offer), TERMS_FOREIGN);
	town_close(&t);
}

static void
what_is_agreed_lasts_as_long_as_the_same_is_wanted(void **state)
{
	struct fog_plan offer;
	struct town t;

	(void)state;
	town_open(&t, "[{expr: node_load5, period: 2s}]");
	add_service(&t, "s", "A", "[B]", LOAD("1s", "5s"));
	replan(&t);
	offer_of(&t, 0, &offer);
	offer.items = 1;
	offer.item[0] = offer.item[offer.item[0].period_ms != 2000];
	offer.item[0].period_ms = 9000;
	planner_agree(t.planner, &t.node[0], &offer);
	assert_true(find_entry(&t, 0, "node_load1")->unserved ||
	    find_entry(&t, 0, "node_load5")->unserved);
	assert_string_equal(replan(&t), "");
	/* another service: the rest of the plan stays agreed, and is sent as agreed */
	add_service(&t, "u", "A", "[B]", "{expr: node_load15, below: 4}");
	assert_string_equal(replan(&t), "AB");
	offer_of(&t, 0, &offer);
	assert_int_equal(offer.items, 2);
	/* a new start of the agent is asked for everything again */
	assert_true(planner_forget_terms(t.planner, &t.node[0], 2000));
	assert_false(planner_forget_terms(t.planner, &t.node[0], 2000));
	offer_of(&t, 0, &offer);
	assert_int_equal(offer.items, 3);
	assert_int_equal(offer.version, 2000);
	town_close(&t);
}

static void
what_would_be_is_reckoned_beside_what_is(void **state) /* PLN-09 */
{
	struct planner *beside;
	struct town t;
	struct planner *real;

	(void)state;
	town_open(&t, NULL);
	replan(&t);
	assert_int_equal(planner_new_like(t.planner, &beside), 0);
	real = t.planner;
	t.planner = beside;
	add_service(&t, "s", "A", "[B]", LOAD("500ms", "5s"));
	replan(&t);
	assert_int_equal(planner_get(beside, &t.node[0])->entries, 7);
	assert_int_equal(find_entry(&t, 0, "node_load1")->item.period_ms, 500);
	t.planner = real;
	assert_int_equal(find_entry(&t, 0, "node_load1")->item.period_ms, 10000);
	assert_string_equal(
	    planner_text(beside, find_entry(&t, 0, "node_load1")->text->id),
	    "node_load1");
	planner_free(beside);
	town_close(&t);
}

static void
a_bad_default_plan_is_refused_with_places(void **state)
{
	static const struct {
		const char *yaml, *complaints;
	} cases[] = {
		{ "x: 1\n", "c.yaml:1:1: must be a list of expr and period\n" },
		{ "- node_load1\n- {period: 1s}\n- {expr: 'nonsense('}\n- {expr: "
		  "node_load1, period: 1ms}\n",
		    "c.yaml:1:3: an item is a mapping with expr and period\n"
		    "c.yaml:2:3: an item needs expr\n"
		    "c.yaml:3:4: expr: " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct yaml_doc *doc = NULL;
		struct planner *p = NULL;
		struct complaints c;

		complaints_init(&c);
		assert_int_equal(
		    yaml_parse(slice_text(cases[i].yaml), "c.yaml", &c, &doc), 0);
		assert_int_equal(planner_new(yaml_root(doc), &c, &p), -EINVAL);
		assert_memory_equal(
		    buf_text(&c.text), cases[i].complaints, strlen(cases[i].complaints));
		complaints_done(&c);
		yaml_doc_free(doc);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hosts_measure_often_and_candidates_seldom),
		TEST(any_candidate_means_those_that_meet_the_needs),
		TEST(two_services_share_one_sampling_at_the_shorter_period),
		TEST(items_disappear_with_their_service),
		TEST(only_affected_nodes_get_another_plan),
		TEST(the_built_in_plan_tells_how_a_node_is),
		TEST(item_ids_are_the_same_after_a_restart),
		TEST(versions_rise_over_restarts_S_08),
		TEST(a_plan_that_is_too_long_keeps_what_hosts_need),
		TEST(a_node_that_is_forgotten_has_no_plan),
		TEST(a_link_is_measured_at_both_ends_towards_the_neighbour_PLN_02),
		TEST(a_latency_is_smoothed_and_a_dead_path_is_too_long),
		TEST(bandwidth_is_what_the_interface_has_left),
		TEST(
		    a_neighbour_that_moves_is_followed_and_others_keep_their_plans_PLN_06),
		TEST(neighbours_on_one_node_measure_nothing),
		TEST(a_link_local_neighbour_is_reached_by_an_interface_of_ours),
		TEST(a_requirement_that_is_made_lives_as_long_as_a_plan_names_it),
		TEST(a_longer_period_is_good_as_far_as_requirements_are_served),
		TEST(what_nobody_has_asked_for_is_no_counter_offer),
		TEST(what_is_agreed_lasts_as_long_as_the_same_is_wanted),
		TEST(what_would_be_is_reckoned_beside_what_is),
		TEST(a_bad_default_plan_is_refused_with_places),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
