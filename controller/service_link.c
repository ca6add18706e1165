/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/service_int.h"
#include <math.h>
#include <string.h>

struct link_file {
	struct service_link l;
	int64_t latency_ms;
	const struct yaml_node *loss_at, *bandwidth_at;
};
#define LINK(member, ...) CONF(struct link_file, member, __VA_ARGS__)
const struct conf_option service_link_options[] = {
	LINK(l.from, "from", TEXT, NULL, 0, 0, "A function of the service,"),
	LINK(l.to, "to", TEXT, NULL, 0, 0, "and the one that it talks to."),
	LINK(latency_ms, "latency", DURATION, "0s", 0, 60000,
	    "There and back at most; 0: not asked for."),
	LINK(loss_at, "loss", TREE, NULL, 0, 0,
	    "Packets that may be lost, as a ratio: 0.01."),
	LINK(bandwidth_at, "bandwidth", TREE, NULL, 0, 0,
	    "That has to be free at both ends, in kbit, Mbit or Gbit a second."),
	LINK(l.period_ms, "period", DURATION, "2s", 100, 86400000,
	    "How often the host measures."),
	LINK(l.candidate_period_ms, "candidate-period", DURATION, "10s", 100, 86400000,
	    "How often candidates measure."),
	LINK(l.hold_ms, "hold", DURATION, "5s", 0, 86400000,
	    "A violation counts when it has lasted so long."),
	{ .name = NULL },
};
static const struct service_unit bits[] = { { "bit", 0.125 }, { "kbit", 125 },
	{ "Mbit", 125e3 }, { "Gbit", 125e6 }, { NULL, 0 } };

static bool
has_function(const struct service *s, const char *name)
{
	for (size_t i = 0; i < s->functions; i++)
		if (s->function[i].name && !strcmp(s->function[i].name, name))
			return true;
	return false;
}

static void
check_end(const struct service *s, const char *name, const char *key,
    const struct yaml_node *n, struct complaints *c)
{
	if (!name)
		yaml_complain(c, n, "a link needs %s, the name of a function", key);
	else if (!has_function(s, name))
		yaml_complain(c, yaml_get(n, key), "there is no function %s", name);
}

static void
take_loss(struct link_file *f, struct complaints *c)
{
	if (f->loss_at && conf_take_real(f->loss_at, c, &f->l.loss) &&
	    !(f->l.loss > 0 && f->l.loss < 1))
		yaml_complain(c, f->loss_at, "must lie between 0 and 1");
}

static void
take_link(struct service *s, const struct yaml_node *n, struct complaints *c)
{
	struct link_file f = { 0 };

	if (s->links == SERVICE_LINKS_MAX) {
		yaml_complain(c, n, "a service has at most %d links", SERVICE_LINKS_MAX);
		return;
	}
	if (n->kind != YAML_MAPPING) {
		yaml_complain(c, n, "a link is a mapping with from and to");
		return;
	}
	(void)service_load(service_link_options, n, c, &f);
	f.l.loss = f.l.bandwidth = NAN;
	f.l.latency_s = f.latency_ms ? (double)f.latency_ms / 1e3 : NAN;
	take_loss(&f, c);
	if (f.bandwidth_at)
		(void)service_take_quantity(f.bandwidth_at, bits, c, &f.l.bandwidth);
	check_end(s, f.l.from, "from", n, c);
	check_end(s, f.l.to, "to", n, c);
	if (f.l.from && f.l.to && !strcmp(f.l.from, f.l.to))
		yaml_complain(
		    c, yaml_get(n, "to"), "%s cannot be linked to itself", f.l.to);
	s->link[s->links++] = f.l;
}

/* The order of the functions is the chain; it asks for nothing, but a candidate near its neighbours
 * is the better one. */
static void
link_chain(struct service *s, struct complaints *c)
{
	for (size_t i = 0; i + 1 < s->functions; i++) {
		struct service_link *l = &s->link[s->links];

		if (!s->function[i].name || !s->function[i + 1].name)
			continue;
		*l = (struct service_link){ .from = strdup(s->function[i].name),
			.to = strdup(s->function[i + 1].name),
			.latency_s = NAN,
			.loss = NAN,
			.bandwidth = NAN,
			.period_ms = 2000,
			.candidate_period_ms = 10000,
			.hold_ms = 5000 };
		s->links++;
		if (!l->from || !l->to)
			yaml_complain(c, s->functions_at, "no memory");
	}
}

void
service_take_links(struct service *s, struct complaints *c)
{
	if (!s->links_at) {
		link_chain(s, c);
		return;
	}
	if (s->links_at->kind != YAML_SEQUENCE && !yaml_is_null(s->links_at)) {
		yaml_complain(c, s->links_at, "must be a list of links");
		return;
	}
	YAML_EACH(child, s->links_at)
	take_link(s, child, c);
}

void
service_free_links(struct service *s)
{
	for (size_t i = 0; i < s->links; i++) {
		free(s->link[i].from);
		free(s->link[i].to);
	}
}
