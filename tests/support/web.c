/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/web.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void
web_init(struct web *w)
{
	memset(w, 0, sizeof *w);
	w->net = fake_net_new(1);
}

void
web_done(struct web *w)
{
	for (unsigned i = 0; i < w->nodes; i++)
		grasp_node_free(w->n[i].node);
	fake_net_free(w->net);
}

struct in6_addr
web_ip(const struct web *w, unsigned node, unsigned link)
{
	char text[40];

	(void)w;
	snprintf(text, sizeof text, "2001:db8:%x::%x", link, 1 + node);
	return lab_ip(text);
}

static void
attach(struct web *w, unsigned node, unsigned link)
{
	struct web_node *n = &w->n[node];
	char local[40], global[40];

	snprintf(local, sizeof local, "fe80::%x", 1 + node);
	snprintf(global, sizeof global, "2001:db8:%x::%x", link, 1 + node);
	n->link[n->links] = link;
	n->ifindex[n->links++] = fake_attach(n->host, link, local, global, NULL);
}

unsigned
web_add(struct web *w, const struct grasp_config *cfg, ...)
{
	static const struct grasp_config relay = { .link_local = true, .relay = true };
	unsigned link, node = w->nodes++;
	struct web_node *n = &w->n[node];
	va_list ap;
	int r;

	assert(node < WEB_NODES);
	n->host = fake_host_new(w->net);
	va_start(ap, cfg);
	while ((link = va_arg(ap, unsigned)))
		attach(w, node, link);
	va_end(ap);
	r = grasp_node_new(fake_host_io(n->host), cfg ? cfg : &relay, &n->node);
	assert(r == 0);
	fake_run(w->net, 0);
	return node;
}

const struct grasp_counters *
web_counters(const struct web *w, unsigned node)
{
	return grasp_node_counters(w->n[node].node);
}

void
web_run(struct web *w, int64_t ms)
{
	fake_run(w->net, ms);
}

void
web_support(
    struct web *w, unsigned node, const char *name, const struct grasp_support *support)
{
	struct web_node *n = &w->n[node];
	int r = grasp_register(n->node, name, F_DISC | F_NEG,
	    support ? support : &diary_support, &n->diary, &n->reg);

	assert(r == 0);
}

void
web_discover(struct web *w, unsigned node, const char *name, uint8_t loop_count,
    uint32_t timeout_ms)
{
	struct web_node *n = &w->n[node];
	struct grasp_objective o =
	    lab_objective(name, F_DISC | F_NEG, (struct slice){ 0 });
	int r;

	o.loop_count = loop_count;
	r = grasp_discover(
	    n->node, &o, timeout_ms, diary_found, diary_searched, &n->diary, &n->d);
	assert(r == 0);
}

const struct fake_packet *
web_message(const struct web *w, enum grasp_type type, unsigned link, unsigned nth,
    struct grasp_msg *ret)
{
	for (size_t i = 0; i < fake_packets(w->net); i++) {
		const struct fake_packet *p = fake_packet(w->net, i);
		struct grasp_msg msg;
		size_t len;

		if (!p->data.len || (link && p->link != link))
			continue;
		if (grasp_msg_decode(p->data, &msg, &len) < 0 || msg.type != type)
			continue;
		if (nth-- > 0)
			continue;
		if (ret && grasp_msg_decode(p->data, ret, &len) < 0)
			return NULL;
		return p;
	}
	return NULL;
}

unsigned
web_count(const struct web *w, enum grasp_type type, unsigned link)
{
	unsigned n = 0;

	for (size_t i = 0; i < fake_packets(w->net); i++) {
		const struct fake_packet *p = fake_packet(w->net, i);
		struct grasp_msg msg;
		size_t len;

		if (p->data.len && (!link || p->link == link) &&
		    grasp_msg_decode(p->data, &msg, &len) == 0 && msg.type == type)
			n++;
	}
	return n;
}

void
web_cast(struct web *w, unsigned node, unsigned at, struct slice bytes, const char *from)
{
	struct web_node *n = &w->n[node];
	struct grasp_datagram d = {
		.from = { lab_ip(from ? from : "fe80::99"), n->ifindex[at], 4567 },
		.to = lab_ip(GRASP_ALL_NEIGHBORS_6),
		.hop_limit = 1,
		.data = bytes,
	};

	fake_inject(n->host, &d);
	fake_run(w->net, 0);
}

void
web_cast_msg(struct web *w, unsigned node, unsigned at, const struct grasp_msg *msg,
    const char *from)
{
	uint8_t memory[4096];
	struct buf b;
	int r;

	buf_init_fixed(&b, memory, sizeof memory);
	r = grasp_msg_encode(msg, &b);
	assert(r == 0);
	web_cast(w, node, at, buf_slice(&b), from);
}
