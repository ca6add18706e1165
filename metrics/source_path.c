/* SPDX-License-Identifier: Apache-2.0
 *
 * Paths to peers, by ICMP echoes of our own: each sample takes the answers that have come, tells what
 * became of the probes before, and sends the next ones as far as the budget of bytes goes. So nothing
 * wakes up for an answer; a value is of the probe before, one period ago. Peers are those that somebody
 * asks for. */
#include "base/addr_text.h"
#include "base/clock.h"
#include "base/conf.h"
#include "metrics/echo.h"
#include "metrics/expr_program.h"
#include "metrics/path.h"
#include "metrics/source.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PEERS_MAX      32
#define BUDGET_DEFAULT 256 /* bytes a second */
#define BURST_S	       10  /* how much of the budget may be saved up */

enum {
	ROUND_TRIP,
	JITTER,
	LOSS,
	UP,
	PROBES,
	ANSWERS,
	INTERVAL,
	BYTES,
};

static const struct metric metrics[] = {
	[ROUND_TRIP] = { "node_path_round_trip_seconds", "seconds", METRIC_GAUGE,
	    "time to the peer and back" },
	[JITTER] = { "node_path_jitter_seconds", "seconds", METRIC_GAUGE,
	    "how much the round trip varies, smoothed as in RFC 3550" },
	[LOSS] = { "node_path_loss_ratio", "ratio", METRIC_GAUGE,
	    "share of the last 20 probes that got no answer within 2 s" },
	[UP] = { "node_path_up", "", METRIC_GAUGE,
	    "1 if one of the last three probes was answered, else 0" },
	[PROBES] = { "node_path_probes_total", "", METRIC_COUNTER, "probes sent" },
	[ANSWERS] = { "node_path_answers_total", "", METRIC_COUNTER,
	    "probes that were answered" },
	[INTERVAL] = { "node_path_probe_interval_seconds", "seconds", METRIC_GAUGE,
	    "time between the last two probes; longer than asked for if the budget is "
	    "short" },
	[BYTES] = { "node_path_probe_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes of probes and their answers to all peers, IP headers included" },
};

static const struct source_labels labels_of[] = {
	{ "node_path_probe_bytes_total", "" },
	{ "node_path_", "peer" },
	{ NULL, NULL },
};

struct peer {
	char name[METRIC_LABEL_VALUE_MAX];
	struct addr addr;
	bool standing;	  /* somebody wants it until unwanted, … */
	int64_t until_ms; /* … or a query does until then */
	struct path path;
};
struct paths {
	const struct conf_map *names; /* borrowed */
	double budget, saved;	      /* bytes a second; bytes */
	int64_t sampled_ms;
	struct echo echo;
	bool open;
	uint16_t seq;
	unsigned first; /* who is served first by the budget */
	struct peer *peer[PEERS_MAX];
	unsigned len;
	uint64_t bytes;
};

static void
path_close(void *inst)
{
	struct paths *p = inst;

	for (unsigned i = 0; i < p->len; i++)
		free(p->peer[i]);
	if (p->open)
		echo_close(&p->echo);
	free(p);
}

static int
path_open(const struct source_env *env, void **ret_inst)
{
	struct paths *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->names = env->paths;
	p->budget = env->path_budget > 0 ? (double)env->path_budget : BUDGET_DEFAULT;
	p->saved = p->budget;
	p->sampled_ms = INT64_MIN;
	*ret_inst = p;
	return 0;
}

/* --- peers ----------------------------------------------------------------------------- */

/* One machine, and not whoever listens. */
static bool
parse_peer(const char *text, struct addr *ret)
{
	return addr_parse(text, ret) == 0 && !addr_is_multicast(&ret->ip) &&
	    !IN6_IS_ADDR_UNSPECIFIED(&ret->ip);
}

static struct peer *
find_peer(struct paths *p, const char *name)
{
	for (unsigned i = 0; i < p->len; i++)
		if (strcmp(p->peer[i]->name, name) == 0)
			return p->peer[i];
	return NULL;
}

static struct peer *
add_peer(struct paths *p, const char *name)
{
	const char *address = p->names ? conf_map_get(p->names, name) : NULL;
	struct peer *peer;
	struct addr addr;

	if (p->len == PEERS_MAX || strlen(name) >= sizeof peer->name ||
	    !parse_peer(address ? address : name, &addr))
		return NULL;
	peer = calloc(1, sizeof *peer);
	if (!peer)
		return NULL;
	snprintf(peer->name, sizeof peer->name, "%s", name);
	peer->addr = addr;
	peer->addr.port = 0;
	peer->until_ms = INT64_MIN;
	path_init(&peer->path);
	p->peer[p->len++] = peer;
	return peer;
}

static void
want_peer(struct paths *p, const char *name, int64_t until_ms)
{
	struct peer *peer = find_peer(p, name);

	if (!peer)
		peer = add_peer(p, name);
	if (!peer)
		return;
	if (until_ms == INT64_MAX)
		peer->standing = true;
	else if (until_ms > peer->until_ms)
		peer->until_ms = until_ms;
}

static const char *
asked_peer(const struct expr_step *select)
{
	for (unsigned i = 0; i < select->matchers; i++)
		if (select->matcher[i].match == EXPR_EQUAL &&
		    strcmp(select->matcher[i].label, "peer") == 0)
			return select->matcher[i].value;
	return NULL;
}

static void
path_ask(void *inst, const struct expr_step *select, int64_t until_ms)
{
	struct paths *p = inst;
	const char *name = select ? asked_peer(select) : NULL;

	if (!select)
		for (unsigned i = 0; i < p->len; i++)
			p->peer[i]->standing = false;
	else if (name)
		want_peer(p, name, until_ms);
	else if (strcmp(select->metric, metrics[BYTES].name) != 0)
		for (size_t i = 0; p->names && i < p->names->len; i++)
			want_peer(p, p->names->key[i], until_ms);
}

static void
drop_unwanted(struct paths *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->len; i++)
		if (!p->peer[i]->standing && p->peer[i]->until_ms <= now_ms) {
			free(p->peer[i]);
			p->peer[i--] = p->peer[--p->len];
		}
}

/* --- probes ---------------------------------------------------------------------------- */

/* A link-local answer may come without the zone that was asked. */
static bool
is_from(const struct peer *peer, const struct addr *from)
{
	return IN6_ARE_ADDR_EQUAL(&peer->addr.ip, &from->ip) &&
	    (!addr_is_link_local(&from->ip) || peer->addr.ifindex == 0 ||
		peer->addr.ifindex == from->ifindex);
}

static void
take_answers(struct paths *p)
{
	struct echo_answer a;

	while (echo_receive(&p->echo, &a))
		for (unsigned i = 0; i < p->len; i++)
			if (is_from(p->peer[i], &a.from) &&
			    path_answer(&p->peer[i]->path, a.seq, a.received_ns))
				break;
}

static void
save_budget(struct paths *p, int64_t now_ms)
{
	if (p->sampled_ms != INT64_MIN)
		p->saved += p->budget * (double)(now_ms - p->sampled_ms) / 1000;
	p->saved = fmin(p->saved, p->budget * BURST_S);
	p->sampled_ms = now_ms;
}

/* false: the budget is spent for now. */
static bool
probe_peer(struct paths *p, struct peer *peer, int64_t now_ms)
{
	unsigned bytes = 2 * echo_size(&peer->addr); /* with the answer */
	int64_t sent_ns;
	int err;

	if (p->saved < bytes)
		return false;
	sent_ns = clock_wall_ns();
	err = echo_send(&p->echo, &peer->addr, ++p->seq);
	if (err == -EAGAIN)
		return true;
	path_send(&peer->path, p->seq, now_ms, sent_ns);
	if (err < 0) {
		path_fail(&peer->path);
		return true;
	}
	p->saved -= bytes;
	p->bytes += bytes;
	return true;
}

/* In turns: who did not get a probe is the first next time. */
static void
send_probes(struct paths *p, int64_t now_ms)
{
	for (unsigned i = 0; i < p->len; i++) {
		unsigned at = (p->first + i) % p->len;

		if (!probe_peer(p, p->peer[at], now_ms)) {
			p->first = at;
			return;
		}
	}
	p->first = 0;
}

static void
put_peer(const struct peer *peer, struct sink *sink)
{
	const struct path *path = &peer->path;
	struct metric_labels labels = { 0 };
	double v;
	bool up;

	metric_labels_add(&labels, "peer", peer->name);
	if (path_round_trip(path, &v)) {
		sink_put(sink, &metrics[ROUND_TRIP], &labels, v);
		sink_put(sink, &metrics[JITTER], &labels, path->jitter);
	}
	if (path_loss(path, &v))
		sink_put(sink, &metrics[LOSS], &labels, v);
	if (path_up(path, &up))
		sink_put(sink, &metrics[UP], &labels, up);
	sink_put(sink, &metrics[PROBES], &labels, (double)path->sent);
	sink_put(sink, &metrics[ANSWERS], &labels, (double)path->answered);
	if (path->interval_ms > 0)
		sink_put(
		    sink, &metrics[INTERVAL], &labels, (double)path->interval_ms / 1000);
}

static int
path_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct paths *p = inst;

	drop_unwanted(p, now_ms);
	if (p->len > 0 && !p->open) {
		int err = echo_open(&p->echo);

		if (err < 0)
			return err;
		p->open = true;
	}
	if (p->open)
		take_answers(p);
	for (unsigned i = 0; i < p->len; i++) {
		path_expire(&p->peer[i]->path, now_ms);
		put_peer(p->peer[i], sink);
	}
	save_budget(p, now_ms);
	send_probes(p, now_ms);
	if (p->open)
		sink_put(sink, &metrics[BYTES], NULL, (double)p->bytes);
	return 0;
}

const struct source source_path = {
	.abi = SOURCE_ABI,
	.name = "path",
	.help = "round trip, loss and jitter to peers",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.flags = SOURCE_IN_LOOP,
	.open = path_open,
	.sample = path_sample,
	.close = path_close,
	.ask = path_ask,
};
