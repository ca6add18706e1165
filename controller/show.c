/* SPDX-License-Identifier: Apache-2.0
 *
 * The read model of the nodes and of the daemon itself (DESIGN.md §5). */
#include "base/clock.h"
#include "controller/advert.h"
#include "controller/commands.h"
#include "controller/enrol.h"
#include "controller/history.h"
#include "controller/judge.h"
#include "controller/protection.h"
#include "controller/session.h"
#include "grasp/grasp.h"
#include "protocol/display.h"

#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ITEM_MAX 65536

static void
send_item(struct ctl_request *req, struct buf *item)
{
	if (!item->err)
		ctl_send(req, buf_slice(item));
	buf_done(item);
}

static void
put_time(struct buf *out, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	wr_key_text(out, key, wall_ms ? clock_format(wall_ms, text) : NULL);
}

static void
put_count(struct buf *out, const char *key, uint64_t n)
{
	wr_key_int(out, key, n < INT64_MAX ? (int64_t)n : INT64_MAX);
}

/* --- nodes -------------------------------------------------------------------------------------------- */
static double
lease_left_s(struct commands *c, const struct node *n)
{
	int64_t left = n->lease_until_ms - grasp_io_now(grasp_node_io(c->grasp));

	return n->lease_until_ms && left > 0 ? (double)left / 1000 : 0;
}

#define NODE_PAIRS 14
static void
put_node(struct commands *c, struct node *n, struct buf *out)
{
	const struct caps *caps = n->caps;
	char id[FOG_ID_TEXT];

	wr_key_text(out, "name", n->name);
	wr_key_text(out, "id", fog_id_format(&n->id, id));
	wr_key_text(out, "state", node_state_name(n->state));
	wr_key_text(out, "type", caps->type);
	wr_key_text(out, "address", n->address);
	wr_key_text(out, "energy", caps_energy_name(caps->energy));
	wr_key_double(out, "battery", caps->battery);
	wr_key_int(out, "cpus", caps->cpus);
	put_count(out, "memory_bytes", caps->memory_bytes);
	wr_key_text(out, "virtualization", caps->virtualization);
	wr_text(out, "functions");
	judge_put_functions(c->judge, n, out);
	put_time(out, "heard", n->heard_ms);
	wr_key_double(out, "lease_s", lease_left_s(c, n));
	put_count(out, "plan_version", n->plan_version);
}

static int
compare_names(const void *a, const void *b)
{
	struct node *const *one = a, *const *other = b;

	return strcmp((*one)->name, (*other)->name);
}

/* Those that are not GONE, by name; NULL without memory. */
static struct node **
sort_nodes(struct registry *r, size_t *ret_len)
{
	size_t len = 0;

	for (struct node *n = registry_first(r); n; n = n->next)
		len++;
	struct node **list = calloc(len + 1, sizeof *list);
	*ret_len = 0;
	for (struct node *n = registry_first(r); list && n; n = n->next)
		if (n->state != NODE_GONE)
			list[(*ret_len)++] = n;
	if (list)
		qsort(list, *ret_len, sizeof *list, compare_names);
	return list;
}

int
show_nodes(struct commands *c, struct ctl_request *req)
{
	size_t len;
	struct node **list = sort_nodes(c->registry, &len);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		struct buf item;

		buf_init(&item, ITEM_MAX);
		wr_map(&item, NODE_PAIRS);
		put_node(c, list[i], &item);
		send_item(req, &item);
	}
	free(list);
	ctl_end(req);
	return 0;
}

#define DETAIL_PAIRS 17
static void
put_details(struct commands *c, struct node *n, struct buf *out)
{
	const struct caps *caps = n->caps;
	char tags[ENROL_TAGS_TEXT] = "";

	if (c->enrol)
		enrol_tags(c->enrol, &n->id, tags, sizeof tags);
	wr_key_text(out, "domain", n->domain);
	wr_key_text(out, "token_tags", *tags ? tags : NULL);
	wr_key_text(out, "vendor", caps->vendor);
	wr_key_text(out, "os", caps->os);
	wr_key_text(out, "kernel", caps->kernel);
	wr_key_text(out, "arch", caps->arch);
	wr_key_text(out, "version", caps->version);
	put_count(out, "storage_bytes", caps->storage_bytes);
	wr_text(out, "tags");
	display_put_tags(out, caps);
	wr_text(out, "devices");
	display_put_devices(out, caps);
	wr_text(out, "position");
	display_put_position(out, caps);
	wr_text(out, "interfaces");
	display_put_interfaces(out, caps);
	wr_key_bool(out, "connected", n->link != NULL);
	wr_key_bool(out, "quarantined", n->quarantined);
	put_time(out, "joined", n->joined_ms);
	put_count(out, "bytes_received", sessions_bytes_received(c->sessions, n));
	put_count(out, "points_received", n->points_received);
}

int
show_node(struct commands *c, struct ctl_request *req, const char *name)
{
	struct node *n = registry_by_name(c->registry, name);
	struct buf item;

	if (!n) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", name);
		return 0;
	}
	buf_init(&item, ITEM_MAX);
	wr_map(&item, NODE_PAIRS + DETAIL_PAIRS);
	put_node(c, n, &item);
	put_details(c, n, &item);
	send_item(req, &item);
	ctl_end(req);
	return 0;
}

/* --- history ------------------------------------------------------------------------------------------- */
struct showing {
	struct ctl_request *req;
	const char *node;
};

static void
send_point(void *arg, const struct history_point *p)
{
	struct showing *show = arg;
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_map(&item, 5);
	wr_key_text(&item, "node", show->node);
	wr_key_text(&item, "expression", p->metric);
	wr_text(&item, "labels");
	wr_map(&item, p->labels->len);
	for (unsigned i = 0; i < p->labels->len; i++)
		wr_key_text(&item, p->labels->pair[i].name, p->labels->pair[i].value);
	put_time(&item, "time", p->time_ms);
	wr_key_double(&item, "value", p->value);
	send_item(show->req, &item);
}

int
show_history(struct commands *c, struct ctl_request *req, const char *node,
    const char *expression, int64_t since_ms, int64_t limit)
{
	struct node *n = registry_by_name(c->registry, node);
	struct grasp_io *io = grasp_node_io(c->grasp);
	struct showing show = { .req = req };
	int err;

	if (!n) {
		ctl_fail(req, 1, "there is no node %s; fogctl nodes lists them", node);
		return 0;
	}
	show.node = n->name;
	if (limit < 1 || limit > 100000)
		limit = 100000;
	err = history_points(c->history, &n->id, expression, io->ops->wall(io) - since_ms,
	    (size_t)limit, send_point, &show);
	if (!err)
		ctl_end(req);
	return err;
}

/* --- the daemon ------------------------------------------------------------------------------------------ */
/* Until when we can prove who we are, and who waits to be let in. */
static void
put_trust(struct commands *c, struct buf *out)
{
	const struct credential *self = c->protection ? c->protection->credential : NULL;
	const struct cert *own = self ? credential_cert(self, "") : NULL;

	if (own)
		put_time(out, "certificate_until", cert_facts(own)->not_after_ms);
	else
		wr_key_text(out, "certificate_until", NULL);
	put_count(out, "nodes_waiting", c->enrol ? enrol_counters(c->enrol)->waiting : 0);
}

int
show_status(struct commands *c, struct ctl_request *req)
{
	int64_t up = grasp_io_now(grasp_node_io(c->grasp)) - c->started_ms;
	const char *recovery = store_recovery(c->store);
	struct store_stats store;
	char id[FOG_ID_TEXT], insecure[TRUST_CONF_TEXT_MAX] = "";
	struct buf item;

	if (c->insecure.insecure)
		confess_list(c->insecure, insecure);
	store_stats(c->store, &store);
	buf_init(&item, ITEM_MAX);
	wr_map(&item, 16);
	wr_key_text(&item, "role", "controller");
	wr_key_text(&item, "name", c->name);
	wr_key_text(&item, "id", fog_id_format(&c->id, id));
	wr_key_text(&item, "domain", c->domain);
	wr_key_text(&item, "version", PACKAGE_VERSION);
	put_count(&item, "epoch", store_epoch(c->store));
	wr_key_double(&item, "uptime_s", (double)up / 1000);
	put_count(&item, "nodes_alive", registry_count(c->registry, NODE_ALIVE));
	put_count(&item, "nodes_suspect", registry_count(c->registry, NODE_SUSPECT));
	put_count(&item, "nodes_lost", registry_count(c->registry, NODE_LOST));
	wr_key_double(&item, "heartbeat_s", (double)registry_beat(c->registry) / 1000);
	wr_key_double(&item, "slowest_commit_s", (double)store.slowest_ms / 1000);
	wr_key_text(&item, "recovery", recovery);
	wr_key_text(&item, "insecure", *insecure ? insecure : NULL);
	put_trust(c, &item);
	send_item(req, &item);
	ctl_end(req);
	return 0;
}

struct counter {
	const char *name;
	uint64_t value;
};

static void
put_counters(struct buf *out, const struct counter *counter, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put_count(out, counter[i].name, counter[i].value);
}

/* As the agent names them. */
static void
put_protection_counters(struct buf *out, const struct protection *p)
{
	const struct channel_counters *c = channel_counters(p->channel);
	const struct guard_counters *g = guard_counters(p->guard);
	char name[64];

	put_count(out, "tls_opened", c->opened);
	put_count(out, "tls_accepted", c->accepted);
	put_count(out, "tls_joining", c->joining);
	put_count(out, "tls_failed", c->handshakes_failed);
	for (enum channel_refusal r = 0; r < CHANNEL_REFUSALS; r++) {
		snprintf(name, sizeof name, "tls_refused_%s", channel_refusal_name(r));
		put_count(out, name, c->refused[r]);
	}
	put_count(out, "multicasts_verified", g->verified);
	for (enum guard_drop d = 0; d < GUARD_DROPS; d++) {
		snprintf(name, sizeof name, "multicasts_dropped_%s", guard_drop_name(d));
		put_count(out, name, g->dropped[d]);
	}
}

static void
put_enrol_counters(struct buf *out, const struct enrol_counters *e)
{
	const struct counter counter[] = {
		{ "joins_asked", e->asked },
		{ "joins_admitted", e->admitted },
		{ "joins_repeated", e->repeated },
		{ "joins_refused", e->refused },
		{ "joins_wrong_tokens", e->wrong_tokens },
		{ "joins_conflicts", e->conflicts },
		{ "certificates_renewed", e->renewed },
		{ "join_floods", e->floods },
	};

	put_counters(out, counter, ARRAY_LEN(counter));
}

int
show_counters(struct commands *c, struct ctl_request *req)
{
	const struct grasp_counters *g = grasp_node_counters(c->grasp);
	const struct sessions_counters *s = sessions_counters(c->sessions);
	const struct advert_counters *a = advert_counters(c->advert);
	struct store_stats store;

	store_stats(c->store, &store);
	const struct counter counter[] = {
		{ "grasp_datagrams", g->datagrams },
		{ "grasp_malformed", g->malformed },
		{ "grasp_duplicate", g->duplicate },
		{ "grasp_own", g->own },
		{ "grasp_unknown_type", g->unknown_type },
		{ "grasp_unwanted", g->unwanted },
		{ "grasp_no_listener", g->no_listener },
		{ "grasp_bad_source", g->bad_source },
		{ "grasp_rate_limited", g->rate_limited },
		{ "grasp_too_long", g->too_long },
		{ "grasp_discoveries", g->discoveries },
		{ "grasp_responses", g->responses },
		{ "grasp_floods", g->floods },
		{ "grasp_links", g->links },
		{ "grasp_links_refused", g->links_refused },
		{ "grasp_links_paused", g->links_paused },
		{ "grasp_untrusted", g->untrusted },
		{ "grasp_not_permitted", g->not_permitted },
		{ "advert_floods", a->floods },
		{ "advert_answers", a->answers },
		{ "advert_not_for_us", a->not_for_us },
		{ "advert_others", a->others },
		{ "registrations", s->registrations },
		{ "renewals", s->renewals },
		{ "registrations_refused", s->refused },
		{ "identity_conflicts", s->conflicts },
		{ "plans_sent", s->plans },
		{ "plans_declined", s->plans_declined },
		{ "reports", s->reports },
		{ "points", s->points },
		{ "points_duplicate", s->duplicate_points },
		{ "points_unknown", s->unknown_points },
		{ "points_late", s->late_points },
		{ "queries", s->queries },
		{ "store_commits", store.commits },
		{ "store_rows", store.rows },
		{ "store_batches_dropped", store.dropped },
	};
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_open_map(&item);
	put_counters(&item, counter, ARRAY_LEN(counter));
	if (c->protection && c->protection->channel)
		put_protection_counters(&item, c->protection);
	if (c->enrol)
		put_enrol_counters(&item, enrol_counters(c->enrol));
	wr_close(&item);
	send_item(req, &item);
	ctl_end(req);
	return 0;
}

static void
send_limit(struct ctl_request *req, const char *name, uint64_t used, uint64_t max)
{
	struct buf item;

	buf_init(&item, 512);
	wr_map(&item, 3);
	wr_key_text(&item, "limit", name);
	put_count(&item, "used", used);
	put_count(&item, "max", max);
	send_item(req, &item);
}

static void
send_trust_limits(struct commands *c, struct ctl_request *req)
{
	send_limit(req, "nodes that wait for approval", enrol_counters(c->enrol)->waiting,
	    ENROL_WAITING_MAX);
	send_limit(
	    req, "tokens that are valid", enrol_tokens_valid(c->enrol), ENROL_TOKENS_MAX);
	send_limit(req, "nodes that are trusted no more",
	    anchors_denials(credential_anchors(authority_credential(c->authority))),
	    TRUST_DENIED_MAX);
	if (c->protection && c->protection->channel)
		send_limit(req, "connections of nobody known",
		    channel_counters(c->protection->channel)->strangers,
		    CHANNEL_STRANGERS_MAX);
}

int
show_limits(struct commands *c, struct ctl_request *req)
{
	uint64_t linked = 0, known = 0;

	for (const struct node *n = registry_first(c->registry); n; n = n->next) {
		known++;
		linked += n->link != NULL;
	}
	send_limit(req, "nodes", known, REGISTRY_NODES_MAX);
	send_limit(req, "links of nodes", linked, c->links_max);
	if (c->enrol)
		send_trust_limits(c, req);
	ctl_end(req);
	return 0;
}
