/* SPDX-License-Identifier: Apache-2.0
 *
 * What 100,000 watches at 1 Hz cost: CPU a watch and second for everything (points taken, predictors told,
 * states judged), and memory a watch with all that it has. Beside it, in the same run, the same values given
 * to as many bare predictors, which is the least that one could do. A tenth of the series is near its
 * threshold, the others wander far from it. Printed are medians and the quarters around them.
 *
 * watches [NODES [ITEMS [PREDICTOR]]] */
#include "controller/placement.h"
#include "controller/watch.h"
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WARM_S	   60
#define MEASURED_S 21
#define ITEMS_MAX  128
#define BATCH	   50 /* nodes whose reports come within a twentieth of a second */

static unsigned nodes = 1000, items = 100;
static struct node *node;
static struct caps caps;
static struct service service = { .name = (char *)"s" };
static struct requirement requirement[ITEMS_MAX];
static struct placement *placements;
static struct plan_text text[ITEMS_MAX];
static struct plan_reason reason[ITEMS_MAX];
static struct plan_entry entry[ITEMS_MAX];
static float *value;
static uint32_t noise = 1;
static unsigned changes, samples;

static void
give_up(const char *what)
{
	fprintf(stderr, "watches: %s\n", what);
	exit(1);
}

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double
used_bytes(void)
{
	return (double)mallinfo2().uordblks;
}

/* --- what is watched ---------------------------------------------------------------------------- */

static void
make_items(const struct predictor *predictor, enum plan_mode mode)
{
	for (unsigned i = 0; i < items; i++) {
		requirement[i] = (struct requirement){ .text = (char *)"x < 1",
			.expr = (char *)"x",
			.side = i % 2 ? REQUIRE_ABOVE : REQUIRE_BELOW,
			.threshold = i % 2 ? 0 : 1,
			.when_missing = MISSING_UNKNOWN,
			.period_ms = 1000,
			.hold_ms = 2000,
			.predictor = predictor,
			.class = (enum predictor_class)(i % PREDICTOR_CLASSES),
			.low = 0,
			.high = 1 };
		text[i] = (struct plan_text){ .id = 1000 + 7 * i };
		reason[i] = (struct plan_reason){ .placement = placements,
			.requirement = &requirement[i],
			.host = true };
		entry[i] = (struct plan_entry){ .text = &text[i],
			.item = { .period_ms = 1000,
			    .mode = mode,
			    .heartbeat_ms = 60000 },
			.reason = &reason[i],
			.reasons = 1 };
	}
}

static void
make_domain(void)
{
	service.functions = 1;
	service.function[0].name = (char *)"f";
	service.function[0].lead_ms = 30000;
	service.function[0].sustain_ms = 2000;
	if (placement_add(&placements, "s", "f", &placements) < 0)
		give_up("no memory");
	placements->service = &service;
	placements->function = &service.function[0];
	node = calloc(nodes, sizeof *node);
	value = calloc((size_t)nodes * items, sizeof *value);
	if (!node || !value)
		give_up("no memory");
	for (unsigned i = 0; i < nodes; i++) {
		node[i].caps = &caps;
		node[i].state = NODE_ALIVE;
		node[i].id.bytes[0] = (uint8_t)i;
		node[i].id.bytes[1] = (uint8_t)(i >> 8);
		node[i].id.bytes[2] = (uint8_t)(i >> 16);
	}
	for (unsigned i = 0; i < nodes * items; i++)
		value[i] = 0.5F;
}

/* It goes back to where it belongs, near a threshold or in the middle. */
static float
next_value(unsigned i)
{
	float home = i % 10 ? 0.5F : i % 20 ? 0.08F : 0.92F, step;

	noise = noise * 1664525 + 1013904223;
	step = (float)((int32_t)noise >> 16) / 32768 * 0.01F;
	value[i] += step + 0.02F * (home - value[i]);
	return value[i];
}

static void
on_changed(void *arg, struct watch *w, enum watch_state before)
{
	(void)arg, (void)w, (void)before;
	changes++;
}

static void
on_dropped(void *arg, struct watch *w)
{
	(void)arg, (void)w;
}

static void
on_sampled(void *arg, const struct watch *w, double said, bool came)
{
	(void)arg, (void)w, (void)said, (void)came;
	samples++;
}

static struct watches *
make_watches(void)
{
	static const struct watch_ops ops = { on_changed, on_dropped, on_sampled };
	const struct node_plan plan = { .version = 1, .entry = entry, .entries = items };
	struct watches *ws;

	if (watches_new(&ops, NULL, &ws) < 0)
		give_up("no memory");
	for (unsigned i = 0; i < nodes; i++)
		if (watches_sync(ws, &node[i], &plan, 0) < 0)
			give_up("no memory");
	return ws;
}

/* --- a second ----------------------------------------------------------------------------------- */

static void
report(struct watches *ws, unsigned n, int64_t now_ms, bool all)
{
	node[n].silent_since_ms = now_ms;
	for (unsigned i = 0; i < items; i++) {
		unsigned k = n * items + i;
		float v = next_value(k);

		if (all || (k + now_ms / 1000) % 10 == 0)
			watches_point(ws, &node[n].id, text[i].id, (struct slice){ 0 },
			    now_ms, (double)v);
	}
}

static void
pass_second(struct watches *ws, int64_t now_ms, bool all)
{
	for (unsigned n = 0; n < nodes; n++) {
		report(ws, n, now_ms, all);
		if (n % BATCH == BATCH - 1)
			watches_evaluate(ws, now_ms, true);
		if (n == nodes / 2 || n + 1 == nodes)
			watches_evaluate(ws, now_ms + (n + 1 == nodes ? 500 : 0), false);
	}
}

/* The values are made in both. */
static void
pass_bare(const struct predictor *p, void **state, int64_t now_ms)
{
	for (unsigned i = 0; i < nodes * items; i++)
		p->update(state[i], now_ms, (double)next_value(i));
}

/* --- figures ------------------------------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
print_spread(const char *what, double ns[MEASURED_S])
{
	qsort(ns, MEASURED_S, sizeof *ns, compare);
	printf("%-34s %6.0f ns (%.0f..%.0f) = %.1f %% of a core for all\n", what,
	    ns[MEASURED_S / 2], ns[MEASURED_S / 4], ns[MEASURED_S * 3 / 4],
	    ns[MEASURED_S / 2] * nodes * items / 1e7);
	return ns[MEASURED_S / 2];
}

static double
measure_values(void)
{
	double ns[MEASURED_S];

	for (unsigned s = 0; s < MEASURED_S; s++) {
		double before = cpu_ns();

		for (unsigned i = 0; i < nodes * items; i++)
			(void)next_value(i);
		ns[s] = (cpu_ns() - before) / nodes / items;
	}
	return print_spread("values alone (in each of these)", ns);
}

static double
measure_bare(const struct predictor *p)
{
	const struct predictor_setup setup = { .threshold = 1,
		.sign = 1,
		.low = 0,
		.high = 1,
		.period_ms = 1000,
		.hold_ms = 2000,
		.lead_ms = { 15000, 30000, 150000 } };
	void **state = calloc((size_t)nodes * items, sizeof *state);
	double ns[MEASURED_S], median;

	for (unsigned i = 0; state && i < nodes * items; i++) {
		state[i] = malloc(p->state_size);
		if (!state[i])
			give_up("no memory");
		p->init(state[i], &setup);
	}
	if (!state)
		give_up("no memory");
	for (int64_t s = 1; s <= WARM_S + MEASURED_S; s++) {
		double before = cpu_ns();

		pass_bare(p, state, s * 1000);
		if (s > WARM_S)
			ns[s - WARM_S - 1] = (cpu_ns() - before) / nodes / items;
	}
	median = print_spread("bare predictors, update", ns);
	for (unsigned i = 0; i < nodes * items; i++)
		free(state[i]);
	free(state);
	return median;
}

static double
measure_watches(const char *what, bool all)
{
	double ns[MEASURED_S], before_bytes = used_bytes(), median, bytes;
	struct watches *ws = make_watches();

	changes = samples = 0;
	for (int64_t s = 1; s <= WARM_S + MEASURED_S; s++) {
		double before = cpu_ns();

		pass_second(ws, s * 1000, all);
		if (s > WARM_S)
			ns[s - WARM_S - 1] = (cpu_ns() - before) / nodes / items;
	}
	median = print_spread(what, ns);
	bytes = (used_bytes() - before_bytes) / nodes / items;
	printf("  memory %.0f bytes a watch, all included; %u changes of state, "
	       "%u samples\n",
	    bytes, changes, samples);
	watches_free(ws);
	return median;
}

int
main(int argc, char **argv)
{
	const struct predictor *p = predictor_find(argc > 3 ? argv[3] : "hazard");
	double values, bare, full;

	if (argc > 1)
		nodes = (unsigned)atoi(argv[1]);
	if (argc > 2)
		items = (unsigned)atoi(argv[2]);
	if (!p || !nodes || !items || items > ITEMS_MAX)
		give_up("watches [NODES [ITEMS [PREDICTOR]]], at most 128 items");
	make_domain();
	printf("%u watches at 1 Hz, predictor %s of %zu bytes; a watch and second:\n",
	    nodes * items, p->name, p->state_size);
	values = measure_values();
	bare = measure_bare(p);
	make_items(p, PLAN_PERIODIC);
	full = measure_watches("watches, every value", true);
	printf("  %.2f times the bare predictors, both without the values\n",
	    (full - values) / (bare - values));
	make_items(p, PLAN_SUPPRESSED);
	full = measure_watches("watches, a tenth of the values", false);
	printf("  %.2f times the bare predictors, both without the values\n",
	    (full - values) / (bare - values));
	placement_free_all(&placements);
	free(node);
	free(value);
	return 0;
}
