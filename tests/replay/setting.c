/* SPDX-License-Identifier: Apache-2.0
 *
 * Who there is, and what becomes of packets on their way. */
#include "tests/replay/stage.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define RULES_MAX 8

/* Packets that do not arrive. */
struct rule {
	unsigned left; /* so many more; UINT_MAX: all */
	int type;      /* -1: any */
	int link;      /* -1: any */
	const struct actor *from;
};
static struct rule rule[RULES_MAX];
static unsigned rules;

static bool
is_on_link(const struct addr *a, unsigned link)
{
	struct actor *actor = actor_with(a);

	return actor && actor_place(actor, link);
}

static bool
is_of_rule(const struct rule *r, const struct fake_packet *p)
{
	struct grasp_msg msg;
	struct fact f;

	if (r->left == 0)
		return false;
	if (r->link >= 0 && p->kind == FAKE_DATAGRAM && (int)p->link != r->link)
		return false;
	if (r->link >= 0 && p->kind != FAKE_DATAGRAM &&
	    (!is_on_link(&p->from, (unsigned)r->link) ||
		!is_on_link(&p->to, (unsigned)r->link)))
		return false;
	if (r->from && actor_with(&p->from) != r->from)
		return false;
	return r->type < 0 || (stage_message(p, &msg, &f) && (int)msg.type == r->type);
}

static bool
pass(void *arg, const struct fake_packet *p)
{
	(void)arg;
	for (unsigned i = 0; i < rules; i++)
		if (is_of_rule(&rule[i], p)) {
			if (rule[i].left != UINT_MAX)
				rule[i].left--;
			return false;
		}
	return true;
}

static struct rule *
new_rule(struct line *l, unsigned left)
{
	if (rules == RULES_MAX)
		line_fail(l, "more than %d rules about packets", RULES_MAX);
	fake_net_filter(stage.net, pass, NULL);
	rule[rules] = (struct rule){ .left = left, .type = -1, .link = -1 };
	return &rule[rules++];
}

static int
read_type(struct line *l)
{
	const char *word = line_next(l);

	for (int t = 0; t < 256; t++)
		if (strcmp(word, grasp_type_name(t)) == 0)
			return t;
	line_fail(l, "\"%s\" is not a message", word);
}

static struct actor *
read_actor(struct line *l)
{
	const char *word = line_next(l);
	struct actor *a = actor_find(word);

	if (!a)
		line_fail(l, "who is \"%s\"?", word);
	return a;
}

/* lose N [M_TYPE] [link N] [from ACTOR] */
static void
lose(struct line *l)
{
	struct rule *r = new_rule(l, (unsigned)line_number(l));

	while (line_peek(l)) {
		if (line_take(l, "link"))
			r->link = (int)line_number(l);
		else if (line_take(l, "from"))
			r->from = read_actor(l);
		else
			r->type = read_type(l);
	}
}

/* cut link N, or cut ACTOR: nothing that it says arrives */
static void
cut(struct line *l)
{
	struct rule *r = new_rule(l, UINT_MAX);

	if (line_take(l, "link"))
		r->link = (int)line_number(l);
	else
		r->from = read_actor(l);
}

static void
heal(struct line *l)
{
	(void)l;
	rules = 0;
}

static void
set_routes(struct line *l)
{
	(void)l;
	fake_net_route(stage.net, true);
}

static void
set_delay(struct line *l)
{
	int64_t min_ms = (int64_t)line_number(l), max_ms = min_ms;

	if (line_peek(l))
		max_ms = (int64_t)line_number(l);
	fake_net_delay(stage.net, min_ms, max_ms);
}

/* --- datagrams of nobody --------------------------------------------------------------------- */

static void
inject(unsigned link, struct addr from, struct slice data)
{
	struct grasp_datagram d = { .from = from, .hop_limit = 1, .data = data };
	struct actor *a;

	inet_pton(AF_INET6, GRASP_ALL_NEIGHBORS_6, &d.to);
	TAILQ_FOREACH(a, &stage.actors, entry) {
		struct place *p = actor_place(a, link);

		if (!a->host || !p || !p->ifindex)
			continue;
		d.from.ifindex = p->ifindex;
		fake_inject(a->host, &d);
	}
	fake_run(stage.net, 0);
}

/* inject link N from ADDRESS ITEM */
static void
inject_item(struct line *l)
{
	struct buf item;
	unsigned link;

	if (!line_take(l, "link"))
		line_fail(l, "inject link N from ADDRESS ITEM");
	link = (unsigned)line_number(l);
	if (!line_take(l, "from"))
		line_fail(l, "inject link N from ADDRESS ITEM");
	struct addr from = line_address(l, 0);
	buf_init(&item, 65536);
	line_item(l, &item);
	inject(link, from, buf_slice(&item));
	buf_done(&item);
}

/* repeat M_TYPE [link N] [from ACTOR]: the last one such comes once more */
static void
repeat(struct line *l)
{
	struct rule which = { .left = 1, .type = read_type(l), .link = -1 };
	size_t i = fake_packets(stage.net);

	if (line_take(l, "link"))
		which.link = (int)line_number(l);
	if (line_take(l, "from"))
		which.from = read_actor(l);
	while (i-- > 0) {
		const struct fake_packet *p = fake_packet(stage.net, i);

		if (p->kind == FAKE_DATAGRAM && is_of_rule(&which, p)) {
			inject(p->link, p->from, p->data);
			return;
		}
	}
	line_fail(l, "there was no such message");
}

/* --- actors ----------------------------------------------------------------------------------- */

static void
read_place(struct line *l, struct actor *a)
{
	struct place *p = &a->place[a->places++];
	struct in6_addr ip;

	if (a->places > PLACES_MAX)
		line_fail(l, "more than %d places", PLACES_MAX);
	p->link = (unsigned)line_number(l);
	while (line_peek(l) && inet_pton(AF_INET6, line_peek(l), &ip) == 1) {
		if (p->addrs == 4)
			line_fail(l, "more than 4 addresses");
		snprintf(p->addr[p->addrs++], sizeof p->addr[0], "%s", line_next(l));
	}
}

static void
read_group(struct line *l, struct actor *a)
{
	if (a->cfg.joins == GROUPS_MAX)
		line_fail(l, "more than %d groups", GROUPS_MAX);
	a->group[a->cfg.joins++] = line_address(l, 0).ip;
	a->cfg.sends = a->cfg.joins;
	a->cfg.join = a->cfg.send = a->group;
}

static void
read_node_option(struct line *l, struct grasp_config *cfg)
{
	if (line_take(l, "relay"))
		cfg->relay = true;
	else if (line_take(l, "rapid"))
		cfg->rapid = true;
	else if (line_take(l, "dull"))
		cfg->dull = true;
	else if (line_take(l, "nat"))
		cfg->nat = true;
	else if (line_take(l, "no-listener"))
		cfg->no_listener = true;
	else if (line_take(l, "helps-always"))
		cfg->assist = GRASP_ASSIST_ALWAYS;
	else if (line_take(l, "helps-never"))
		cfg->assist = GRASP_ASSIST_OFF;
	else
		line_fail(l, "what does \"%s\" mean of a node?", line_peek(l));
}

/* node NAME link N ADDRESS… [link N ADDRESS…]… [option]… */
static void
add_actor(struct line *l, bool outside)
{
	struct actor *a = calloc(1, sizeof *a);

	if (!a)
		abort();
	TAILQ_INIT(&a->offers);
	TAILQ_INIT(&a->parts);
	snprintf(a->name, sizeof a->name, "%s", line_next(l));
	a->outside = outside;
	a->cfg.link_local = true;
	TAILQ_INSERT_TAIL(&stage.actors, a, entry);
	while (line_peek(l)) {
		if (line_take(l, "link"))
			read_place(l, a);
		else if (line_take(l, "group"))
			read_group(l, a);
		else
			read_node_option(l, &a->cfg);
	}
	actor_start(l, a);
	fake_run(stage.net, 0);
}

static void
add_node(struct line *l)
{
	add_actor(l, false);
}

static void
add_outsider(struct line *l)
{
	add_actor(l, true);
}

static void
forget(struct line *l)
{
	(void)l;
	stage_forget();
}

static void
pass_time(struct line *l)
{
	(void)l;
}

static const struct {
	const char *name;
	void (*act)(struct line *l);
} verbs[] = {
	{ "node", add_node },
	{ "outsider", add_outsider },
	{ "delay", set_delay },
	{ "routers", set_routes },
	{ "lose", lose },
	{ "cut", cut },
	{ "heal", heal },
	{ "inject", inject_item },
	{ "repeat", repeat },
	{ "forget", forget },
	{ "nothing", pass_time },
	{ "expect", expect },
};

bool
setting_act(struct line *l)
{
	const char *word = line_peek(l);

	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(word, verbs[i].name) == 0) {
			l->at++;
			verbs[i].act(l);
			line_end(l);
			return true;
		}
	return false;
}
