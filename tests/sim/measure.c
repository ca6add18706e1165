/* SPDX-License-Identifier: Apache-2.0
 *
 * What it cost: messages by type and by sender, times, and what was dropped. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Called for each datagram, and for each segment when it arrives. */
bool
measure_packet(void *arg, const struct fake_packet *p)
{
	struct sim *s = arg;
	const uint8_t *ip = p->from.ip.s6_addr;
	unsigned number = (unsigned)ip[13] << 16 | (unsigned)ip[14] << 8 | ip[15];
	struct grasp_msg msg;
	size_t len;

	if (number >= s->cfg.nodes + s->cfg.controllers)
		return true;
	if (p->kind == FAKE_OPEN)
		s->of[number].streams++;
	if (p->kind != FAKE_DATAGRAM && p->kind != FAKE_DATA)
		return true;
	if (grasp_msg_decode(p->data, &msg, &len) < 0 || msg.type >= TYPES)
		return true;
	s->of[number].sent[msg.type]++;
	s->of[number].bytes[msg.type] += p->data.len;
	return true;
}

/* --- counters of engines --------------------------------------------------------------------- */

#define COUNTER(name)                                        \
	{                                                    \
#name, offsetof(struct grasp_counters, name) \
	}
static const struct {
	const char *name;
	size_t at;
} counters[] = {
	COUNTER(datagrams),
	COUNTER(discoveries),
	COUNTER(floods),
	COUNTER(own),
	COUNTER(duplicate),
	COUNTER(unwanted),
	COUNTER(malformed),
	COUNTER(bad_source),
	COUNTER(rate_limited),
	COUNTER(relay_limited),
	COUNTER(loop_exhausted),
	COUNTER(not_permitted),
	COUNTER(links_refused),
	COUNTER(links_paused),
	COUNTER(no_listener),
	COUNTER(diverts),
	COUNTER(relayed_discoveries),
	COUNTER(relayed_floods),
	COUNTER(relayed_responses),
};

static uint64_t *
counter_at(const struct grasp_counters *c, size_t i)
{
	return (uint64_t *)((char *)c + counters[i].at);
}

void
measure_node(struct sim *s, struct grasp_node *n)
{
	const struct grasp_counters *c = grasp_node_counters(n);

	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		*counter_at(&s->counters, i) += *counter_at(c, i);
}

/* --- numbers --------------------------------------------------------------------------------- */

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
quantile(const struct sim *s, unsigned pct)
{
	return s->took ? s->took_ms[(s->took - 1) * pct / 100] : 0;
}

struct load {
	uint64_t sum, most;
};

/* By agents alone: a controller sends what it has to. */
static struct load
load_of(const struct sim *s, int type)
{
	struct load l = { 0 };

	for (unsigned n = 0; n < s->cfg.nodes; n++) {
		uint64_t v = s->of[n].sent[type];

		l.sum += v;
		l.most = v > l.most ? v : l.most;
	}
	return l;
}

/* Heartbeats apart: they belong to being registered, not to finding somebody. */
static struct load
load_without_beats(const struct sim *s)
{
	struct load l = { 0 };

	for (unsigned n = 0; n < s->cfg.nodes; n++) {
		uint64_t v = 0;

		for (int t = M_NOOP + 1; t < TYPES; t++)
			v += s->of[n].sent[t];
		l.sum += v;
		l.most = v > l.most ? v : l.most;
	}
	return l;
}

static uint64_t
total_bytes(const struct sim *s)
{
	uint64_t sum = 0;

	for (unsigned n = 0; n < s->cfg.nodes + s->cfg.controllers; n++)
		for (int t = 0; t < TYPES; t++)
			sum += s->of[n].bytes[t];
	return sum;
}

static uint64_t
of_controllers(const struct sim *s, int type)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < s->cfg.controllers; i++)
		sum += s->of[s->cfg.nodes + i].sent[type];
	return sum;
}

/* --- for people and for programs ---------------------------------------------------------------- */

static void
print_text(const struct sim *s, struct load all)
{
	printf("# %u of %u nodes are without a controller; the last one found it after "
	       "%" PRId64 " ms (p50 %u, p95 %u, max %u), %zu times lost\n",
	    s->waiting, s->cfg.nodes, s->last_ms, quantile(s, 50), quantile(s, 95),
	    quantile(s, 100), s->lost);
	printf("# sent per node without heartbeats: mean %.2f, most %" PRIu64
	       "; all bytes %" PRIu64 "; memory per node %zu; wall %.1f s\n",
	    (double)all.sum / s->cfg.nodes, all.most, total_bytes(s), s->memory,
	    s->wall_s);
	printf("# sent by nodes, mean and most (controllers):");
	for (int t = 0; t < TYPES; t++) {
		struct load l = load_of(s, t);

		if (l.sum || of_controllers(s, t))
			printf(" %s %.2f %" PRIu64 " (%" PRIu64 ")", grasp_type_name(t),
			    (double)l.sum / s->cfg.nodes, l.most, of_controllers(s, t));
	}
	printf("\n# counted:");
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		if (*counter_at(&s->counters, i))
			printf(" %s %" PRIu64, counters[i].name,
			    *counter_at(&s->counters, i));
	printf("\n");
}

static void
print_json(const struct sim *s, struct load all)
{
	const char *comma = "";

	printf(
	    "{\"nodes\":%u,\"links\":%u,\"loss_pct\":%u,\"churn_pct\":%u,\"seed\":"
	    "%" PRIu64 ",\"waiting\":%u,\"last_ms\":%" PRId64
	    ",\"p50_ms\":%u,\"p95_ms\":%u,\"max_ms\":%u,\"lost\":%zu,\"sent_mean\":%.3f,"
	    "\"sent_max\":%" PRIu64 ",\"bytes\":%" PRIu64
	    ",\"node_bytes\":%zu,\"wall_s\":%.2f,\"sent\":{",
	    s->cfg.nodes, s->cfg.links, s->cfg.loss_pct, s->cfg.churn_pct, s->cfg.seed,
	    s->waiting, s->last_ms, quantile(s, 50), quantile(s, 95), quantile(s, 100),
	    s->lost, (double)all.sum / s->cfg.nodes, all.most, total_bytes(s), s->memory,
	    s->wall_s);
	for (int t = 0; t < TYPES; t++) {
		struct load l = load_of(s, t);

		if (!l.sum && !of_controllers(s, t))
			continue;
		printf("%s\"%s\":{\"mean\":%.3f,\"max\":%" PRIu64
		       ",\"controllers\":%" PRIu64 "}",
		    comma, grasp_type_name(t), (double)l.sum / s->cfg.nodes, l.most,
		    of_controllers(s, t));
		comma = ",";
	}
	printf("},\"counters\":{");
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		printf("%s\"%s\":%" PRIu64, i ? "," : "", counters[i].name,
		    *counter_at(&s->counters, i));
	printf("}}\n");
}

static bool
holds(bool asked, bool good, const char *what, unsigned bound)
{
	if (asked && !good)
		printf("# this does not hold: %s %u\n", what, bound);
	return !asked || good;
}

int
measure_report(struct sim *s)
{
	const struct sim_config *c = &s->cfg;
	struct load all = load_without_beats(s);
	bool good;

	qsort(s->took_ms, s->took, sizeof *s->took_ms, by_size);
	if (c->json)
		print_json(s, all);
	else
		print_text(s, all);
	good = holds(c->within_ms, s->last_ms >= 0 && s->last_ms <= c->within_ms,
	    "everybody has a controller within ms", c->within_ms);
	good &= holds(c->again_max, quantile(s, 95) <= c->again_max,
	    "95 % have a controller, each time, within ms", c->again_max);
	good &= holds(c->mean_max, all.sum <= (uint64_t)c->mean_max * c->nodes,
	    "messages sent per node on average at most", c->mean_max);
	good &= holds(c->most_max, all.most <= c->most_max,
	    "messages sent by any node at most", c->most_max);
	return good ? 0 : 1;
}
