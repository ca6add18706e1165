/* SPDX-License-Identifier: Apache-2.0
 *
 * What holds for every fleet, tried on random ones: nobody who must not is a candidate, who is rejected has
 * a reason and who has none is accepted, and the order of nodes and functions in memory says nothing. */
#include "controller/candidates.h"
#include "controller/uptime.h"
#include "controller/vitals.h"
#include "controller/watch.h"
#include "tests/support/test.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLEETS	200
#define NODES	24
#define OTHERS	12
#define NOW_MS	1000000
#define WALL_MS 1700000000000

static uint64_t seed = 88172645463325252u;

static unsigned
draw(unsigned below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed >> 32) % below;
}

struct fleet {
	struct node node[NODES];
	struct caps caps[NODES];
	struct service *service;
	struct placement *placements, *of;
	struct watches *watches;
	struct vitals *vitals;
	struct uptimes *uptimes;
};

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
put_tag(struct caps *c, const char *key, const char *value)
{
	snprintf(c->tag[c->tags].key, sizeof c->tag[0].key, "%s", key);
	snprintf(c->tag[c->tags++].value, sizeof c->tag[0].value, "%s", value);
}

static void
make_caps(struct caps *c)
{
	static const char *const flags[] = { "yes", "no", "false", "until monday" };

	*c = (struct caps){ .energy = (enum caps_energy)draw(4),
		.battery = draw(2) ? (double)draw(101) / 100 : NAN,
		.cpus = draw(9),
		.memory_bytes = (uint64_t)draw(9) << 28,
		.storage_bytes = (uint64_t)draw(9) << 30 };
	if (draw(2)) {
		c->located = true;
		c->latitude = 40.33 + draw(200) / 10000.0;
		c->longitude = -3.76;
	}
	if (draw(2))
		strcpy(c->device[c->devices++], "video0");
	if (draw(6) == 0)
		put_tag(c, "draining", flags[draw(4)]);
	if (draw(6) == 0)
		put_tag(c, "maintenance", flags[draw(4)]);
	if (draw(2))
		put_tag(c, "site", draw(2) ? "hall" : "yard");
}

static void
make_nodes(struct fleet *f)
{
	static const enum node_state states[] = { NODE_ALIVE, NODE_ALIVE, NODE_ALIVE,
		NODE_ALIVE, NODE_SUSPECT, NODE_LOST, NODE_GONE };

	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &f->node[i];

		make_caps(&f->caps[i]);
		*n = (struct node){ .caps = &f->caps[i],
			.state = i ? states[draw(ARRAY_LEN(states))] : NODE_ALIVE,
			.quarantined = draw(10) == 0 };
		n->id.bytes[0] = (uint8_t)(i + 1);
		snprintf(n->name, sizeof n->name, "n%02u", i);
		snprintf(n->domain, sizeof n->domain, "%s",
		    i && draw(8) == 0 ? "field" : "hall");
		if (draw(2))
			vitals_point(f->vitals, n, VITAL_BUSY, NOW_MS - draw(90000),
			    (double)draw(101) / 100);
		for (unsigned k = draw(4); k; k--)
			uptimes_changed(f->uptimes,
			    &(struct node){ .id = n->id, .state = NODE_LOST }, NODE_ALIVE,
			    WALL_MS - 1000);
	}
}

static void
write_function(struct buf *b)
{
	buf_puts(b, "service: s\nfunctions:\n  - name: f\n    host: n00\n");
	if (draw(3) == 0)
		buf_puts(b, "    candidates: [n05, n03, n01, n09, n11, n17]\n");
	buf_printf(b, "    avoid: [n%02u]\n", 2 + 2 * draw(NODES / 2 - 1));
	buf_printf(b, "    needs:\n      cpus: %u\n      memory: %uMiB\n", draw(4),
	    draw(4) * 256);
	if (draw(2))
		buf_printf(b, "      storage: %uGiB\n", draw(5));
	if (draw(3) == 0)
		buf_puts(b, "      devices: [video]\n");
	if (draw(3) == 0)
		buf_puts(b, "      tags: {site: hall}\n");
	if (draw(3) == 0)
		buf_puts(b, "      energy: [mains, battery]\n");
	if (draw(3) == 0)
		buf_puts(b, "    location: {circle: \"40.33,-3.76,1km\"}\n");
	if (draw(4) == 0)
		buf_puts(b, "    availability: {probability: 0.99, horizon: 1h}\n");
	for (unsigned i = 0; i < OTHERS; i++)
		buf_printf(b,
		    "  - {name: o%u, host: n%02u, needs: {cpus: %u, memory: %uMiB}}\n", i,
		    draw(NODES), draw(3), draw(3) * 256);
}

static void
make_service(struct fleet *f)
{
	struct complaints c;
	char yaml[4096];
	struct buf b;

	complaints_init(&c);
	buf_init_fixed(&b, yaml, sizeof yaml);
	write_function(&b);
	if (service_parse(buf_slice(&b), "s.yaml", &c, &f->service) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	f->placements = NULL;
	for (size_t i = 0; i < f->service->functions; i++) {
		struct placement *p;

		assert_int_equal(
		    placement_add(&f->placements, "s", f->service->function[i].name, &p),
		    0);
		p->service = f->service;
		p->function = &f->service->function[i];
		snprintf(p->node, sizeof p->node, "%s", p->function->host);
	}
	f->of = f->placements;
	if (draw(2))
		placement_add_failure(f->of, "n07", NOW_MS - 1000, NOW_MS + 1000);
}

static void
open_fleet(struct fleet *f)
{
	static const struct watch_ops ops = { .changed = on_changed,
		.dropped = on_dropped };

	memset(f, 0, sizeof *f);
	assert_int_equal(watches_new(&ops, NULL, &f->watches), 0);
	assert_int_equal(vitals_new(&f->vitals), 0);
	assert_int_equal(uptimes_new(NULL, &f->uptimes), 0);
	make_nodes(f);
	make_service(f);
}

static void
close_fleet(struct fleet *f)
{
	placement_free_all(&f->placements);
	service_free(f->service);
	watches_free(f->watches);
	vitals_free(f->vitals);
	uptimes_free(f->uptimes);
}

/* Nodes one after the other as order says; NULL: as they are. */
static size_t
rank(struct fleet *f, const unsigned *order, bool explain, struct candidate **ret)
{
	struct candidates_query q = { .nodes = &f->node[order ? order[0] : 0],
		.placements = f->placements,
		.of = f->of,
		.watches = f->watches,
		.vitals = f->vitals,
		.uptimes = f->uptimes,
		.now_ms = NOW_MS,
		.wall_ms = WALL_MS,
		.explain = explain };
	size_t len;

	for (unsigned i = 0; i < NODES; i++) {
		struct node *n = &f->node[order ? order[i] : i];

		n->next = i + 1 < NODES ? &f->node[order ? order[i + 1] : i + 1] : NULL;
	}
	assert_int_equal(candidates_rank(&q, ret, &len), 0);
	return len;
}

/* --- what must never be ------------------------------------------------------------------------- */

static bool
has_flag(const struct caps *c, const char *key)
{
	for (unsigned i = 0; i < c->tags; i++)
		if (!strcmp(c->tag[i].key, key))
			return strcmp(c->tag[i].value, "no") &&
			    strcmp(c->tag[i].value, "false");
	return false;
}

/* Written down once more, from the requirements and not from the code. */
static bool
is_forbidden(const struct fleet *f, const struct node *n)
{
	const struct function *fn = f->of->function;
	int64_t cpus = fn->cpus, memory = fn->memory_bytes;

	for (const struct placement *p = f->placements; p; p = p->next)
		if (p != f->of && !strcmp(p->node, n->name)) {
			cpus += p->function->cpus;
			memory += p->function->memory_bytes;
		}
	return n->state != NODE_ALIVE || !strcmp(n->name, "n00") || n->quarantined ||
	    has_flag(n->caps, "draining") || has_flag(n->caps, "maintenance") ||
	    strcmp(n->domain, "hall") || conf_list_has(&fn->avoid, n->name) ||
	    (fn->candidate.len && !conf_list_has(&fn->candidate, n->name)) ||
	    (fn->cpus && cpus > n->caps->cpus) ||
	    (fn->memory_bytes && memory > (int64_t)n->caps->memory_bytes) ||
	    fn->storage_bytes > (int64_t)n->caps->storage_bytes ||
	    (fn->device.len && !n->caps->devices) ||
	    (fn->location && (!n->caps->located || n->caps->latitude > 40.3391)) ||
	    (fn->energy.len && n->caps->energy != CAPS_MAINS &&
		n->caps->energy != CAPS_BATTERY) ||
	    placement_failed_ago(f->of, n->name, NOW_MS) >= 0;
}

static void
nobody_who_must_not_is_a_candidate_CND_04(void **state)
{
	unsigned accepted = 0, rejected = 0;

	(void)state;
	for (unsigned round = 0; round < FLEETS; round++) {
		struct candidate *c;
		struct fleet f;
		size_t n;

		open_fleet(&f);
		n = rank(&f, NULL, true, &c);
		for (size_t i = 0; i < n; i++) {
			assert_int_not_equal(c[i].node->state, NODE_GONE);
			if (c[i].accepted && is_forbidden(&f, c[i].node))
				fail_msg("fleet %u: %s", round, c[i].node->name);
			accepted += c[i].accepted;
			rejected += !c[i].accepted;
		}
		free(c);
		close_fleet(&f);
	}
	assert_true(accepted > FLEETS);
	assert_true(rejected > FLEETS);
}

static void
who_is_rejected_has_a_reason_and_who_is_not_a_score_CND_03(void **state)
{
	(void)state;
	for (unsigned round = 0; round < FLEETS; round++) {
		struct candidate *c;
		struct fleet f;
		size_t n;

		open_fleet(&f);
		n = rank(&f, NULL, true, &c);
		for (size_t i = 0; i < n; i++) {
			assert_true(c[i].reasons > 0);
			for (size_t k = 0; k < c[i].reasons; k++)
				assert_true(strlen(c[i].reason[k]) > 0);
			assert_true(c[i].score >= 0 && c[i].score <= 1);
			if (i)
				assert_true(c[i - 1].accepted >= c[i].accepted &&
				    (!c[i].accepted || c[i - 1].score >= c[i].score));
		}
		free(c);
		close_fleet(&f);
	}
}

static void
shuffle(unsigned order[NODES])
{
	for (unsigned i = 0; i < NODES; i++)
		order[i] = i;
	for (unsigned i = NODES - 1; i; i--) {
		unsigned k = draw(i + 1), at = order[i];

		order[i] = order[k];
		order[k] = at;
	}
}

/* The other functions the other way round. */
static void
reverse_placements(struct fleet *f)
{
	struct placement *back = NULL;

	for (struct placement *p = f->placements, *next; p; p = next) {
		next = p->next;
		p->next = back;
		back = p;
	}
	f->placements = back;
}

static void
the_order_in_memory_says_nothing_CND_01(void **state)
{
	(void)state;
	for (unsigned round = 0; round < FLEETS; round++) {
		struct candidate *one, *other;
		unsigned order[NODES];
		struct fleet f;
		size_t n;

		open_fleet(&f);
		shuffle(order);
		n = rank(&f, NULL, false, &one);
		reverse_placements(&f);
		assert_int_equal(rank(&f, order, true, &other), n);
		for (size_t i = 0; i < n; i++) {
			assert_ptr_equal(one[i].node, other[i].node);
			assert_int_equal(one[i].accepted, other[i].accepted);
			assert_true(fabs(one[i].score - other[i].score) < 1e-9);
		}
		free(one);
		free(other);
		close_fleet(&f);
	}
}

/* A plan is for those who may ever be asked: nobody is a candidate without one. */
static void
whoever_is_accepted_suits_PLN_03(void **state)
{
	(void)state;
	for (unsigned round = 0; round < FLEETS; round++) {
		struct candidate *c;
		struct fleet f;
		size_t n;

		open_fleet(&f);
		n = rank(&f, NULL, false, &c);
		for (size_t i = 0; i < n; i++)
			assert_true(!c[i].accepted || candidates_suit(f.of, c[i].node));
		free(c);
		close_fleet(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_who_must_not_is_a_candidate_CND_04),
		cmocka_unit_test(
		    who_is_rejected_has_a_reason_and_who_is_not_a_score_CND_03),
		cmocka_unit_test(the_order_in_memory_says_nothing_CND_01),
		cmocka_unit_test(whoever_is_accepted_suits_PLN_03),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
