/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/candidates.h"
#include "controller/judge_int.h"
#include "tests/support/test.h"
#include "tests/support/world.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char service[] =
    "service: s\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: f\n"
    "    host: A\n"
    "%s"
    "    requirements:\n"
    "      - {expr: node_load1, predictor: trend, below: 4, candidate-period: 1s}\n"
    "    migration: {lead: 20s, cooldown: 20s, raise: 0.6}\n";

static int
open_world(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof w);
	world_open(&w);
	*state = &w;
	return 0;
}

static int
close_world(void **state)
{
	world_close(*state);
	return 0;
}

static void
apply(struct world *w, const char *lines)
{
	char yaml[2048];

	snprintf(yaml, sizeof yaml, service, lines);
	world_apply(w, yaml);
}

static struct candidate *
rank(struct world *w, const char *of, size_t *len)
{
	struct judge *j = w->judge;
	struct candidates_query q = { .nodes = registry_first(j->registry),
		.placements = j->placements,
		.of = placement_find(j->placements, of, "f"),
		.watches = j->watches,
		.vitals = j->vitals,
		.uptimes = j->uptimes,
		.now_ms = judge_now(j),
		.wall_ms = judge_wall(j),
		.explain = true };
	struct candidate *c;

	assert_int_equal(candidates_rank(&q, &c, len), 0);
	return c;
}

/* "C B": the accepted ones, best first. */
static const char *
ranking(struct world *w)
{
	static char text[128];
	size_t n;
	struct candidate *c = rank(w, "s", &n);

	*text = '\0';
	for (size_t i = 0; i < n && c[i].accepted; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
		    i ? " " : "", c[i].node->name);
	free(c);
	return text;
}

/* Why a node is rejected: its reasons, joined; "accepted" if it is not. */
static const char *
why_not(struct world *w, const char *node)
{
	static char text[1024];
	size_t n;
	struct candidate *c = rank(w, "s", &n);

	snprintf(text, sizeof text, "not in the list");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(c[i].node->name, node))
			continue;
		snprintf(text, sizeof text, "%s", c[i].accepted ? "accepted" : "");
		for (size_t k = 0; k < c[i].reasons && !c[i].accepted; k++)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
			    k ? "; " : "", c[i].reason[k]);
	}
	free(c);
	return text;
}

static struct caps
usual_caps(void)
{
	return (struct caps){ .type = "gateway",
		.energy = CAPS_MAINS,
		.battery = NAN,
		.virtualization = "none",
		.cpus = 4,
		.memory_bytes = 1ULL << 30,
		.storage_bytes = 8ULL << 30 };
}

static void
watch_all(struct world *w, double load)
{
	static const char *const names[] = { "A", "B", "C", "D" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		world_signal(w, names[i], "node_load1", load, 0, 0);
	world_run(w, 15000);
}

static void
each_lasting_demand_has_its_reason(void **state) /* CND-02, CND-03 */
{
	static const struct {
		const char *lines, *why;
	} cases[] = {
		{ "    candidates: [C]\n", "it is not in the list of candidates" },
		{ "    avoid: [B]\n", "the service avoids it" },
		{ "    needs: {cpus: 8}\n", "it has 4 cores, 8 are needed" },
		{ "    needs: {memory: 2GiB}\n",
		    "it has 1024 MiB of memory, 2048 are needed" },
		{ "    needs: {virtualization: [kvm, container]}\n",
		    "its virtualization is none, needed is kvm or another" },
		{ "    needs: {energy: [battery]}\n",
		    "its energy source is mains, needed is battery" },
		{ "    needs: {type: [robot]}\n",
		    "its type is gateway, needed is robot" },
		{ "    needs: {radio: [lte]}\n",
		    "it has no interface up with radio lte" },
		{ "    needs: {tags: {site: hall}}\n",
		    "its tag site is not set, needed is hall" },
		{ "    needs: {storage: 16GiB}\n",
		    "it has 8192 MiB of storage, 16384 are needed" },
		{ "    needs: {devices: [video, lidar]}\n", "it has no device lidar" },
		{ "    location: {circle: \"40.33,-3.76,500m\"}\n",
		    "it stands 1613 m outside of the area" },
	};
	struct world *w = *state;
	struct caps caps = usual_caps();

	caps.devices = 1;
	strcpy(caps.device[0], "video0");
	caps.located = true;
	caps.latitude = 40.349;
	caps.longitude = -3.76;
	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		apply(w, cases[i].lines);
		watch_all(w, 1);
		if (!strstr(why_not(w, "B"), cases[i].why))
			fail_msg("%s, not %s", why_not(w, "B"), cases[i].why);
		assert_false(candidates_suit(
		    placement_find(w->judge->placements, "s", "f"), world_find(w, "B")));
	}
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"), "accepted");
}

static void
a_node_that_meets_all_demands_is_accepted(void **state)
{
	struct world *w = *state;
	struct caps caps = usual_caps();

	caps.interfaces = 1;
	caps.interface[0] =
	    (struct caps_interface){ .name = "wwan0", .radio = "lte", .up = true };
	caps.tags = 1;
	strcpy(caps.tag[0].key, "site");
	strcpy(caps.tag[0].value, "hall");
	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	apply(w,
	    "    needs: {cpus: 4, memory: 1GiB, virtualization: [none], energy: [mains],"
	    " type: [robot, gateway], radio: [lte], tags: {site: hall}}\n");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"), "accepted");
	caps.interface[0].up = false;
	world_node(w, "B", &caps);
	assert_non_null(strstr(why_not(w, "B"), "radio lte"));
}

static void
the_host_itself_is_never_one(void **state) /* CND-04 */
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "A"), "it is the node that has the function");
}

static void
what_is_not_there_is_not_asked(void **state) /* CND-04 */
{
	struct world *w = *state;
	struct caps draining = usual_caps();

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	draining.tags = 1;
	strcpy(draining.tag[0].key, "draining");
	strcpy(draining.tag[0].value, "yes");
	world_node(w, "C", &draining);
	apply(w, "");
	watch_all(w, 1);
	world_set_state(w, "B", NODE_SUSPECT);
	assert_string_equal(why_not(w, "B"), "it is suspect");
	assert_string_equal(why_not(w, "C"), "it is draining");
	world_find(w, "C")->quarantined = true;
	assert_string_equal(
	    why_not(w, "C"), "another machine has its key; it is draining");
	world_set_state(w, "B", NODE_GONE);
	assert_string_equal(why_not(w, "B"), "not in the list");
}

static void
stale_data_is_no_recommendation(void **state) /* CND-04 */
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	apply(w, "");
	assert_string_equal(why_not(w, "B"), "no fresh data for node_load1 < 4");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"), "accepted");
	world_signal(w, "B", "node_load1", 1, 0, 0)->off = true;
	world_run(w, 10000);
	assert_string_equal(why_not(w, "B"), "no fresh data for node_load1 < 4");
}

static void
a_requirement_may_not_be_violated_now_or_soon(void **state) /* CND-01 */
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
	apply(w, "");
	world_signal(w, "B", "node_load1", 9, 0, 0);
	world_signal(w, "C", "node_load1", 1, 0.04, 0); /* 4 after 75 s */
	world_run(w, 55000);
	assert_string_equal(why_not(w, "B"), "it does not meet node_load1 < 4 (9)");
	assert_string_equal(
	    why_not(w, "C"), "node_load1 < 4 is likely to fail within 40 s (100 %)");
}

static void
a_node_that_has_just_failed_is_spared(void **state)
{
	struct world *w = *state;
	struct placement *p;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	apply(w, "");
	watch_all(w, 1);
	p = placement_find(w->judge->placements, "s", "f");
	placement_add_failure(p, "B", judge_now(w->judge), judge_now(w->judge) + 20000);
	world_run(w, 7000);
	assert_string_equal(why_not(w, "B"), "a migration to it failed 7 s ago");
	world_run(w, 15000);
	assert_string_equal(why_not(w, "B"), "accepted");
}

static void
the_order_of_the_list_counts(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
	apply(w, "    candidates: [C, B]\n");
	watch_all(w, 1);
	assert_string_equal(ranking(w), "C B");
	apply(w, "    candidates: [B, C]\n");
	watch_all(w, 1);
	assert_string_equal(ranking(w), "B C");
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(ranking(w), "B C"); /* by name: the same each time */
}

static void
mains_and_full_batteries_go_first(void **state)
{
	struct world *w = *state;
	struct caps low = usual_caps(), full = usual_caps();

	low.energy = full.energy = CAPS_BATTERY;
	low.battery = 0.2;
	full.battery = 0.9;
	world_node(w, "A", NULL);
	world_node(w, "B", &low);
	world_node(w, "C", &full);
	world_node(w, "D", NULL);
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(ranking(w), "D C B");
}

static void
functions_are_spread(void **state) /* CND-05 */
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
	world_apply(w, "service: t\nfunctions: [{name: g, host: B}]\n");
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(ranking(w), "C B");
}

static void
memory_that_others_take_is_not_there(void **state) /* CND-05 */
{
	struct world *w = *state;
	struct caps caps = usual_caps();

	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	world_apply(
	    w, "service: t\nfunctions: [{name: g, host: B, needs: {memory: 600MiB}}]\n");
	apply(w, "    needs: {memory: 500MiB}\n");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"),
	    "other functions take 600 of its 1024 MiB of memory, 500 are needed");
}

static void
cores_and_storage_that_others_take_are_not_there(void **state) /* CND-05 */
{
	struct world *w = *state;
	struct caps caps = usual_caps();

	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	world_apply(w,
	    "service: t\nfunctions: [{name: g, host: B, needs: {cpus: 3, storage: "
	    "6GiB}}]\n");
	apply(w, "    needs: {cpus: 2, storage: 3GiB}\n");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"),
	    "other functions take 3 of its 4 cores, 2 are needed; other functions take "
	    "6144 of its 8192 MiB of storage, 3072 are needed");
}

static void
what_is_on_its_way_has_its_room_already(void **state) /* CND-05 */
{
	struct world *w = *state;
	struct caps caps = usual_caps();

	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	w->scripted = 1; /* the hook says nothing yet */
	world_apply(w,
	    "service: t\nhook: mover\nfunctions: [{name: g, host: A, candidates: [B],"
	    " needs: {memory: 600MiB}, requirements:"
	    " [{expr: node_load1, below: 4, hold: 0s, candidate-period: 1s}]}]\n");
	apply(w, "    needs: {memory: 500MiB}\n");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"), "accepted");
	world_signal(w, "A", "node_load1", 9, 0, 0);
	world_run(w, 5000);
	assert_int_equal(w->calls, 1);
	assert_string_equal(why_not(w, "B"),
	    "other functions take 600 of its 1024 MiB of memory, 500 are needed");
	world_answer(w, 0, HOOK_REFUSED, "no");
	world_run(w, 1000);
	assert_string_equal(why_not(w, "B"), "accepted");
}

/* All of them find out in the same moment that their host fails. */
static void
a_herd_does_not_run_to_one_node(void **state) /* CND-05 */
{
	static const char *const names[] = { "B", "C", "D" };
	struct world *w = *state;
	unsigned at[ARRAY_LEN(names)] = { 0 };
	char yaml[512];

	world_node(w, "A", NULL);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		world_node(w, names[i], NULL);
	for (unsigned i = 0; i < 9; i++) {
		snprintf(yaml, sizeof yaml,
		    "service: s%u\nhook: mover\nfunctions: [{name: f, host: A, "
		    "requirements:"
		    " [{expr: node_load1, below: 4, hold: 0s, candidate-period: 1s}]}]\n",
		    i);
		world_apply(w, yaml);
	}
	watch_all(w, 1);
	w->scripted = 9; /* all are on their way at once */
	world_signal(w, "A", "node_load1", 9, 0, 0);
	world_run(w, 5000);
	for (const struct placement *p = w->judge->placements; p; p = p->next)
		for (size_t k = 0; k < ARRAY_LEN(names); k++)
			at[k] += !strcmp(migration_target(p->migration), names[k]);
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		assert_int_equal(at[k], 3);
}

static void
maintenance_and_other_domains_are_left_alone(void **state) /* CND-02, CND-04 */
{
	struct world *w = *state;
	struct caps caps = usual_caps();

	caps.tags = 1;
	strcpy(caps.tag[0].key, "maintenance");
	strcpy(caps.tag[0].value, "until monday");
	world_node(w, "A", NULL);
	world_node(w, "B", &caps);
	world_node(w, "C", NULL);
	apply(w, "");
	watch_all(w, 1);
	assert_string_equal(why_not(w, "B"), "it is in maintenance");
	assert_string_equal(why_not(w, "C"), "accepted");
	snprintf(world_find(w, "C")->domain, FOG_NAME_MAX, "field");
	assert_string_equal(
	    why_not(w, "C"), "it is in the domain field, the function in hall");
}

static void
cores_that_are_busy_are_not_free(void **state) /* CND-02 */
{
	struct world *w = *state;
	struct node *b;

	world_node(w, "A", NULL);
	b = world_node(w, "B", NULL);
	apply(w, "    needs: {cpus: 2}\n");
	watch_all(w, 1);
	vitals_point(w->judge->vitals, b, VITAL_BUSY, judge_now(w->judge), 0.5);
	assert_string_equal(why_not(w, "B"), "accepted");
	vitals_forget(w->judge->vitals, b);
	vitals_point(w->judge->vitals, b, VITAL_BUSY, judge_now(w->judge), 0.9);
	assert_string_equal(why_not(w, "B"), "0.4 of its 4 cores are idle, 2 are needed");
	world_run(w, 61000); /* nothing is known any more */
	assert_string_equal(why_not(w, "B"), "accepted");
}

static void
a_node_that_comes_and_goes_is_not_available_enough(void **state) /* CND-02 */
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
	apply(w, "    availability: {probability: 0.9, horizon: 1h}\n");
	for (unsigned i = 0; i < 10; i++) {
		world_set_state(w, "B", NODE_LOST);
		world_run(w, 1000);
		world_node(w, "B", NULL);
		world_run(w, 1000);
	}
	watch_all(w, 1);
	world_run(w, 60000);
	assert_non_null(strstr(why_not(w, "B"), "it is good for 3600 s with "));
	assert_non_null(strstr(why_not(w, "B"), "needed are 90 %"));
	assert_string_equal(why_not(w, "C"), "accepted");
	assert_string_equal(ranking(w), "C");
}

/* --- marks -------------------------------------------------------------------------------------- */

static void
an_objective_weighs_the_marks(void **state)
{
	struct world *w = *state;
	struct caps battery = usual_caps();

	battery.energy = CAPS_BATTERY;
	battery.battery = 0.5;
	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", &battery);
	world_apply(w, "service: t\nfunctions: [{name: g, host: B}]\n");
	world_apply(w,
	    "service: s\nobjective: {energy: 10, spread: 1}\n"
	    "functions: [{name: f, host: A}]\n");
	assert_string_equal(ranking(w), "B C");
	world_apply(w,
	    "service: s\nobjective: {energy: 1, spread: 10}\n"
	    "functions: [{name: f, host: A}]\n");
	assert_string_equal(ranking(w), "C B");
}

static double
score_of(struct world *w, const char *node)
{
	size_t n;
	struct candidate *c = rank(w, "s", &n);
	double score = NAN;

	for (size_t i = 0; i < n; i++)
		if (!strcmp(c[i].node->name, node) && c[i].accepted)
			score = c[i].score;
	free(c);
	return score;
}

/* "energy 1.00, weight 2" */
static bool
is_told(struct world *w, const char *node, const char *part)
{
	size_t n;
	struct candidate *c = rank(w, "s", &n);
	bool told = false;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < c[i].reasons && !strcmp(c[i].node->name, node);
		     k++)
			told |= strstr(c[i].reason[k], part) != NULL;
	free(c);
	return told;
}

/* That mark alone. */
static void
apply_objective(struct world *w, const char *mark, const char *function)
{
	char yaml[1024];
	struct buf b;

	buf_init_fixed(&b, yaml, sizeof yaml);
	buf_puts(&b, "service: s\nobjective: {");
	for (const char *const *m = candidates_marks(); *m; m++)
		buf_printf(&b, "%s: %d, ", *m, !strcmp(*m, mark));
	buf_printf(&b, "}\nfunctions: [{name: f, host: A%s}]\n", function);
	world_apply(w, buf_text(&b));
}

static void
each_mark_makes_a_difference_and_says_from_what(void **state)
{
	static const struct {
		const char *mark, *function, *better, *worse;
	} table[] = {
		{ "energy", "", "energy 1.00", "energy 0.40, weight 1: battery 50 %" },
		{ "cpu", "", "cpu 1.00", "cpu 0.20, weight 1: 80 % busy" },
		{ "memory", "", "memory 1.00", "memory 0.50" },
		{ "storage", "", "storage 1.00", "storage 0.75" },
		{ "spread", "", "spread 1.00",
		    "spread 0.50, weight 1: 1 functions there" },
		{ "devices", "", "devices 1.00",
		    "devices 0.50, weight 1: 1 that it does not need" },
		{ "list", ", candidates: [B, C]", "list 1.00", "list 0.50" },
		{ "place", ", location: {circle: \"40.33,-3.76,1km\"}", "place 0.50",
		    "place 0.09, weight 1: 99 m inside" },
		{ "uptime", "", "uptime 1.00", "uptime 0." },
	};
	struct world *w = *state;
	struct caps good = usual_caps(), bad = usual_caps();

	good.located = bad.located = true;
	good.latitude = 40.33;
	bad.latitude = 40.3381;
	good.longitude = bad.longitude = -3.76;
	bad.energy = CAPS_BATTERY;
	bad.battery = 0.5;
	bad.devices = 1;
	strcpy(bad.device[0], "lidar");
	world_node(w, "A", NULL);
	world_node(w, "B", &good);
	world_node(w, "C", &bad);
	for (unsigned i = 0; i < 10; i++) {
		world_set_state(w, "C", NODE_LOST);
		world_node(w, "C", &bad);
	}
	world_apply(w,
	    "service: t\nfunctions: [{name: g, host: C, needs: {memory: "
	    "512MiB, storage: 2GiB}}]\n");
	vitals_point(
	    w->judge->vitals, world_find(w, "C"), VITAL_BUSY, judge_now(w->judge), 0.8);
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		apply_objective(w, table[i].mark, table[i].function);
		if (!(score_of(w, "B") > score_of(w, "C")))
			fail_msg("%s: %g, %g", table[i].mark, score_of(w, "B"),
			    score_of(w, "C"));
		if (!is_told(w, "B", table[i].better) || !is_told(w, "C", table[i].worse))
			fail_msg("%s is not told so", table[i].mark);
	}
}

static void
it_is_told_when_another_node_is_the_best_CND_01(void **state)
{
	struct world *w = *state;

	world_node(w, "A", NULL);
	world_node(w, "B", NULL);
	world_node(w, "C", NULL);
	apply(w, "");
	watch_all(w, 1);
	assert_int_equal(world_events(w, "candidate.best"), 1);
	assert_non_null(
	    strstr(world_event(w, "candidate.best"), "f would go to B (score "));
	world_run(w, 60000);
	assert_int_equal(world_events(w, "candidate.best"), 1);
	world_set_state(w, "B", NODE_SUSPECT);
	world_run(w, 2000);
	assert_int_equal(world_events(w, "candidate.best"), 2);
	assert_non_null(strstr(world_event(w, "candidate.best"), "to C (score "));
	assert_non_null(strstr(world_event(w, "candidate.best"), ", no longer to B"));
	assert_int_equal(world_events(w, "candidate.none"), 0);
	world_set_state(w, "C", NODE_SUSPECT);
	world_run(w, 2000);
	assert_int_equal(world_events(w, "candidate.none"), 1);
	world_set_state(w, "C", NODE_ALIVE);
	world_run(w, 2000);
	assert_int_equal(world_events(w, "candidate.best"), 3);
}

/* --- network ------------------------------------------------------------------------------------ */

static void
node_at(struct world *w, const char *name, uint8_t address)
{
	struct caps caps = usual_caps();

	caps.interfaces = 1;
	caps.interface[0] = (struct caps_interface){ .name = "e0",
		.kind = CAPS_ETHERNET,
		.up = true,
		.addrs = 1,
		.addr = { { .ip = { 0xfd, [15] = address }, .len = 16, .prefix = 64 } } };
	world_node(w, name, &caps);
}

/* Each path from the node takes so long. */
static void
set_latency(struct world *w, const char *node, double seconds)
{
	struct watch *at = watches_of(w->judge->watches, &world_find(w, node)->id);

	for (; at; at = at->next)
		if (at->requirement->origin == REQUIRE_LINK)
			world_signal(w, node, at->requirement->expr, seconds, 0, 0);
}

static void
candidates_are_measured_to_the_neighbours_in_the_chain_CND_02(void **state)
{
	struct world *w = *state;
	static const char chain[] =
	    "service: s\n"
	    "functions:\n"
	    "  - {name: f, host: A}\n"
	    "  - {name: g, host: D, candidates: [C]}\n"
	    "links: [{from: f, to: g, latency: 50ms, candidate-period: 1s}]\n";

	node_at(w, "A", 1);
	node_at(w, "B", 2);
	node_at(w, "C", 3);
	node_at(w, "D", 4);
	node_at(w, "E", 5);
	world_apply(w, chain);
	assert_string_equal(
	    why_not(w, "B"), "no fresh data for round trip to g on D < 0.05 s");
	set_latency(w, "B", 0.01);
	set_latency(w, "C", 0.08);
	set_latency(w, "E", 0.03);
	world_run(w, 20000);
	assert_string_equal(
	    why_not(w, "C"), "it does not meet round trip to g on D < 0.05 s (0.08)");
	assert_true(is_told(w, "B", "latency 0.80, weight 2: 10 ms"));
	assert_true(is_told(w, "E", "latency 0.40, weight 2: 30 ms"));
	assert_true(is_told(w, "D", "latency 1.00, weight 2"));
	assert_true(score_of(w, "B") > score_of(w, "E"));
}

int
main(void)
{
#define IN_WORLD(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)
	const struct CMUnitTest tests[] = {
		IN_WORLD(each_lasting_demand_has_its_reason),
		IN_WORLD(a_node_that_meets_all_demands_is_accepted),
		IN_WORLD(the_host_itself_is_never_one),
		IN_WORLD(what_is_not_there_is_not_asked),
		IN_WORLD(stale_data_is_no_recommendation),
		IN_WORLD(a_requirement_may_not_be_violated_now_or_soon),
		IN_WORLD(a_node_that_has_just_failed_is_spared),
		IN_WORLD(the_order_of_the_list_counts),
		IN_WORLD(mains_and_full_batteries_go_first),
		IN_WORLD(functions_are_spread),
		IN_WORLD(memory_that_others_take_is_not_there),
		IN_WORLD(cores_and_storage_that_others_take_are_not_there),
		IN_WORLD(what_is_on_its_way_has_its_room_already),
		IN_WORLD(a_herd_does_not_run_to_one_node),
		IN_WORLD(maintenance_and_other_domains_are_left_alone),
		IN_WORLD(cores_that_are_busy_are_not_free),
		IN_WORLD(a_node_that_comes_and_goes_is_not_available_enough),
		IN_WORLD(an_objective_weighs_the_marks),
		IN_WORLD(each_mark_makes_a_difference_and_says_from_what),
		IN_WORLD(it_is_told_when_another_node_is_the_best_CND_01),
		IN_WORLD(candidates_are_measured_to_the_neighbours_in_the_chain_CND_02),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
