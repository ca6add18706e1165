/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a ranking takes that is good for all functions: 1000 nodes, 32 functions, three requirements each,
 * so 96,000 watches. Beside it, in the same run, a look at the lists and capabilities alone, which is
 * the least that one could do. Printed are medians and the quarters around them. */
#include "controller/candidates.h"
#include "controller/uptime.h"
#include "controller/vitals.h"
#include "controller/watch.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NODES	  1000
#define FUNCTIONS 32
#define ROUNDS	  5
#define SAMPLES	  8

static struct node node[NODES];
static struct caps caps[NODES];
static struct service *service;
static struct placement *placements;
static struct planner *planner;
static struct watches *watches;
static struct vitals *vitals;
static struct uptimes *uptimes;

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
give_up(const char *what)
{
	fprintf(stderr, "candidates: %s\n", what);
	exit(1);
}

/* --- the domain --------------------------------------------------------------------------------- */

static void
write_service(struct buf *b)
{
	buf_puts(b, "service: s\nfunctions:\n");
	for (unsigned i = 0; i < FUNCTIONS; i++)
		buf_printf(b,
		    "  - name: f%u\n    host: node-%04u\n    needs: {cpus: 1, memory: "
		    "64MiB}\n"
		    "    requirements:\n"
		    "      - {expr: \"avg_over_time(node_load1[%us])\", below: 4}\n"
		    "      - {expr: \"avg_over_time(node_memory_available_ratio[%us])\","
		    " above: 0.1}\n"
		    "      - {expr: "
		    "\"avg_over_time(node_power_supply_capacity_ratio[%us])\","
		    " above: 0.1}\n",
		    i, i * (NODES / FUNCTIONS), i + 5, i + 5, i + 5);
}

static void
make_service(void)
{
	struct complaints c;
	struct buf b;

	complaints_init(&c);
	buf_init(&b, 65536);
	write_service(&b);
	if (service_parse(buf_slice(&b), "bench", &c, &service) < 0)
		give_up(buf_text(&c.text));
	complaints_done(&c);
	buf_done(&b);
	for (size_t i = 0; i < service->functions; i++) {
		struct placement *p;

		if (placement_add(&placements, "s", service->function[i].name, &p) < 0)
			give_up("no memory");
		p->service = service;
		p->function = &service->function[i];
		snprintf(p->node, sizeof p->node, "%s", service->function[i].host);
	}
}

static void
make_nodes(void)
{
	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &node[i];

		caps[i] = (struct caps){ .energy = i % 3 ? CAPS_BATTERY : CAPS_MAINS,
			.battery = (double)(i % 100) / 100,
			.cpus = 4,
			.memory_bytes = 1ULL << 30 };
		n->caps = &caps[i];
		n->state = NODE_ALIVE;
		n->id.bytes[0] = (uint8_t)i;
		n->id.bytes[1] = (uint8_t)(i >> 8);
		snprintf(n->name, sizeof n->name, "node-%04u", i);
		n->next = i + 1 < NODES ? &node[i + 1] : NULL;
	}
}

static const struct node *
find_node(void *arg, const char *name)
{
	(void)arg;
	for (struct node *n = node; n; n = n->next)
		if (!strcmp(n->name, name))
			return n;
	return NULL;
}

static void
on_changed(void *arg, struct watch *w, enum watch_state before)
{
	(void)arg, (void)w, (void)before;
}

static void
on_dropped(void *arg, struct watch *w)
{
	(void)arg, (void)w;
}

static void
make_watches(void)
{
	static const struct watch_ops ops = { on_changed, on_dropped, NULL };
	const struct plan_view view = { placements, find_node, NULL };
	struct complaints c;

	complaints_init(&c);
	if (planner_new(NULL, &c, &planner) < 0 ||
	    watches_new(&ops, NULL, &watches) < 0 || vitals_new(&vitals) < 0 ||
	    uptimes_new(NULL, &uptimes) < 0)
		give_up("no memory");
	complaints_done(&c);
	for (struct node *n = node; n; n = n->next)
		if (planner_update(planner, n, &view, 1) < 0 ||
		    watches_sync(watches, n, planner_get(planner, n), 0) < 0)
			give_up("no memory");
}

static void
feed(int64_t time_ms)
{
	for (struct node *n = node; n; n = n->next) {
		const struct node_plan *plan = planner_get(planner, n);

		vitals_point(vitals, n, VITAL_BUSY, time_ms, 0.3);
		for (size_t i = 0; i < plan->entries; i++)
			watches_point(watches, &n->id, plan->entry[i].text->id,
			    (struct slice){ 0 }, time_ms,
			    0.5 + 0.1 * sin((double)(time_ms / 1000 + (int64_t)i)));
	}
	watches_evaluate(watches, time_ms, false);
}

/* --- what is measured --------------------------------------------------------------------------- */

static int64_t the_time;
static size_t accepted;

static void
rank_all(bool explain)
{
	accepted = 0;
	for (struct placement *p = placements; p; p = p->next) {
		const struct candidates_query q = { .nodes = node,
			.placements = placements,
			.of = p,
			.watches = watches,
			.vitals = vitals,
			.uptimes = uptimes,
			.now_ms = the_time,
			.wall_ms = 1700000000000 + the_time,
			.explain = explain };
		struct candidate *c;
		size_t n;

		if (candidates_rank(&q, &c, &n) < 0)
			give_up("no memory");
		for (size_t i = 0; i < n && c[i].accepted; i++)
			accepted++;
		free(c);
	}
}

static void
rank_quick(void)
{
	rank_all(false);
}

static void
rank_explained(void)
{
	rank_all(true);
}

static void
look_at_capabilities(void)
{
	accepted = 0;
	for (struct placement *p = placements; p; p = p->next)
		for (struct node *n = node; n; n = n->next)
			accepted += candidates_suit(p, n);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *what, void (*f)(void))
{
	double took[ROUNDS], base[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		double start = now_ms();

		look_at_capabilities();
		base[i] = now_ms() - start;
		start = now_ms();
		f();
		took[i] = now_ms() - start;
	}
	qsort(took, ROUNDS, sizeof took[0], compare);
	qsort(base, ROUNDS, sizeof base[0], compare);
	printf("%-28s %7.2f [%.2f, %.2f] ms, %.0f ns a node and function, capabilities "
	       "alone "
	       "%.2f ms, ratio %.1f; %zu accepted\n",
	    what, took[ROUNDS / 2], took[ROUNDS / 4], took[ROUNDS * 3 / 4],
	    took[ROUNDS / 2] * 1e6 / (NODES * FUNCTIONS), base[ROUNDS / 2],
	    took[ROUNDS / 2] / base[ROUNDS / 2], accepted);
}

int
main(void)
{
	make_service();
	make_nodes();
	make_watches();
	for (unsigned i = 0; i < SAMPLES; i++)
		feed(the_time += 10000);
	printf("%d nodes, %d functions\n", NODES, FUNCTIONS);
	measure("all rankings", rank_quick);
	measure("all rankings, with reasons", rank_explained);
	watches_free(watches);
	planner_free(planner);
	vitals_free(vitals);
	uptimes_free(uptimes);
	placement_free_all(&placements);
	service_free(service);
	return 0;
}
