/* SPDX-License-Identifier: Apache-2.0
 *
 * Links of the fake world: who is on them under which addresses, and the datagrams that go to
 * all of them. */
#include "tests/support/io_fake_int.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What a datagram carries, shared by all who get it. */
struct payload {
	unsigned letters;
	uint8_t data[];
};

struct fake_letter {
	LIST_ENTRY(fake_letter) entry;
	struct fake_event event;
	struct fake_host *to;
	struct grasp_datagram datagram;
	struct payload *payload;
};

/* --- links and addresses --------------------------------------------------------------------- */

static struct fake_link *
link_of(struct fake_net *net, unsigned number)
{
	struct fake_links *bucket = &net->links[number % FAKE_BUCKETS];
	struct fake_link *l;

	LIST_FOREACH(l, bucket, entry)
		if (l->number == number)
			return l;
	l = fake_alloc(sizeof *l);
	l->number = number;
	TAILQ_INIT(&l->interfaces);
	LIST_INSERT_HEAD(bucket, l, entry);
	return l;
}

void
fake_links_free(struct fake_net *net)
{
	struct fake_link *l;

	for (unsigned i = 0; i < FAKE_BUCKETS; i++)
		while ((l = LIST_FIRST(&net->links[i]))) {
			LIST_REMOVE(l, entry);
			free(l);
		}
}

static unsigned
bucket_of(const struct in6_addr *ip)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < sizeof ip->s6_addr; i++)
		h = (h ^ ip->s6_addr[i]) * 16777619u;
	return (h ^ h >> 15) % FAKE_BUCKETS;
}

struct fake_interface *
fake_owner(const struct fake_net *net, const struct in6_addr *ip, unsigned link)
{
	const struct fake_address *a;

	LIST_FOREACH(a, &net->addresses[bucket_of(ip)], entry)
		if (IN6_ARE_ADDR_EQUAL(&a->ip, ip) &&
		    (!addr_is_link_local(ip) || a->interface->link == link))
			return a->interface;
	return NULL;
}

struct fake_interface *
fake_interface(const struct fake_host *h, uint32_t ifindex)
{
	for (unsigned i = 0; i < h->interfaces; i++)
		if (h->interface[i]->is.index == ifindex)
			return h->interface[i];
	return NULL;
}

const struct in6_addr *
fake_source(const struct fake_interface *i, bool link_local)
{
	for (int a = 0; a < i->is.addrs; a++)
		if (addr_is_link_local(&i->is.addr[a]) == link_local)
			return &i->is.addr[a];
	return NULL;
}

/* Global and ULA addresses before link-local ones, as io.h promises. */
static void
add_address(struct fake_interface *i, const char *text)
{
	struct grasp_interface *is = &i->is;
	struct fake_address *a = &i->address[is->addrs];
	int place;
	int ok = inet_pton(AF_INET6, text, &a->ip);

	assert(ok == 1 && is->addrs < GRASP_ADDRS_MAX);
	a->interface = i;
	LIST_INSERT_HEAD(&i->host->net->addresses[bucket_of(&a->ip)], a, entry);
	place = is->addrs++;
	if (!addr_is_link_local(&a->ip))
		for (; place > 0 && addr_is_link_local(&is->addr[place - 1]); place--)
			is->addr[place] = is->addr[place - 1];
	is->addr[place] = a->ip;
}

uint32_t
fake_attach(struct fake_host *h, unsigned link, ...)
{
	struct fake_interface *i = fake_alloc(sizeof *i);
	const char *text;
	va_list ap;

	assert(h->interfaces < FAKE_INTERFACES);
	i->host = h;
	i->link = link;
	i->wire = link_of(h->net, link);
	TAILQ_INSERT_TAIL(&i->wire->interfaces, i, entry);
	i->is.index = ++h->net->interfaces;
	snprintf(i->is.name, sizeof i->is.name, "e%u", i->is.index);
	va_start(ap, link);
	while ((text = va_arg(ap, const char *)))
		add_address(i, text);
	va_end(ap);
	h->interface[h->interfaces++] = i;
	fake_schedule(h->net, &h->changed, 0);
	return i->is.index;
}

void
fake_add_address(struct fake_host *h, uint32_t ifindex, const char *address)
{
	add_address(fake_interface(h, ifindex), address);
	fake_schedule(h->net, &h->changed, 0);
}

static void
free_interface(struct fake_interface *i)
{
	for (int a = 0; a < i->is.addrs; a++)
		LIST_REMOVE(&i->address[a], entry);
	TAILQ_REMOVE(&i->wire->interfaces, i, entry);
	free(i->group);
	free(i);
}

void
fake_detach(struct fake_host *h, uint32_t ifindex)
{
	for (unsigned i = 0; i < h->interfaces; i++)
		if (h->interface[i]->is.index == ifindex) {
			free_interface(h->interface[i]);
			h->interface[i] = h->interface[--h->interfaces];
			break;
		}
	fake_schedule(h->net, &h->changed, 0);
}

void
fake_detach_all(struct fake_host *h)
{
	while (h->interfaces > 0)
		free_interface(h->interface[--h->interfaces]);
}

/* --- groups ----------------------------------------------------------------------------------- */

static bool
is_member(const struct fake_interface *i, const struct in6_addr *group)
{
	for (unsigned g = 0; g < i->groups; g++)
		if (IN6_ARE_ADDR_EQUAL(&i->group[g], group))
			return true;
	return false;
}

bool
fake_is_joined(const struct fake_host *h, uint32_t ifindex, const char *group)
{
	const struct fake_interface *i = fake_interface(h, ifindex);
	struct in6_addr ip;

	return i && inet_pton(AF_INET6, group, &ip) == 1 && is_member(i, &ip);
}

static struct fake_host *
host_of(struct grasp_io *io)
{
	return container_of(io, struct fake_host, io);
}

int
fake_interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct fake_host *h = host_of(io);

	for (unsigned i = 0; i < h->interfaces; i++)
		dst[i] = h->interface[i]->is;
	return (int)h->interfaces;
}

int
fake_group_join(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group)
{
	struct fake_host *h = host_of(io);
	struct fake_interface *i = fake_interface(h, ifindex);

	if (!i)
		return -ENODEV;
	if (fake_fails(h))
		return -h->failure;
	if (is_member(i, group))
		return 0;
	if (i->groups == FAKE_GROUPS)
		return -ENOBUFS;
	if (i->groups == i->room) {
		size_t old = i->room * sizeof *i->group;

		i->room = i->room ? i->room * 2 : 2;
		i->group = fake_grow(i->group, old, i->room * sizeof *i->group);
	}
	i->group[i->groups++] = *group;
	return 0;
}

/* --- datagrams -------------------------------------------------------------------------------- */

static void
free_letter(struct fake_letter *l)
{
	if (--l->payload->letters == 0)
		free(l->payload);
	free(l);
}

void
fake_letters_free(struct fake_host *h)
{
	struct fake_letter *l;

	while ((l = LIST_FIRST(&h->letters))) {
		fake_unschedule(h->net, &l->event);
		LIST_REMOVE(l, entry);
		free_letter(l);
	}
}

static void
arrive(struct fake_event *e)
{
	struct fake_letter *l = container_of(e, struct fake_letter, event);
	struct fake_host *h = l->to;

	LIST_REMOVE(l, entry);
	if (h->events)
		h->events->datagram(h->arg, &l->datagram);
	free_letter(l);
}

static struct payload *
new_payload(struct slice data)
{
	struct payload *p = fake_alloc(sizeof *p + data.len);

	if (data.len)
		memcpy(p->data, data.data, data.len);
	return p;
}

static void
post(struct fake_host *h, const struct grasp_datagram *d, struct payload *payload,
    int64_t delay_ms)
{
	struct fake_letter *l = fake_alloc(sizeof *l);

	payload->letters++;
	l->payload = payload;
	l->event.run = arrive;
	l->to = h;
	l->datagram = *d;
	l->datagram.data.data = payload->data;
	LIST_INSERT_HEAD(&h->letters, l, entry);
	fake_schedule(h->net, &l->event, delay_ms);
}

void
fake_inject(struct fake_host *h, const struct grasp_datagram *d)
{
	post(h, d, new_payload(d->data), 0);
}

static bool
is_link_group(const struct in6_addr *group)
{
	return (group->s6_addr[1] & 0x0f) <= 2;
}

static void
deliver_on(struct fake_net *net, const struct fake_packet *p, const struct fake_link *l,
    struct payload *payload)
{
	struct grasp_datagram d = {
		.from = p->from,
		.to = p->to.ip,
		.hop_limit = (int)p->hops - (l->number != p->link),
		.data = p->data,
	};
	struct fake_interface *in;

	TAILQ_FOREACH(in, &l->interfaces, entry) {
		if (!in->host->events || !is_member(in, &p->to.ip) || fake_is_lost(net))
			continue;
		d.from.ifindex = in->is.index;
		post(in->host, &d, payload, fake_delay(net));
	}
}

static void
deliver(struct fake_net *net, const struct fake_packet *p)
{
	bool far = net->routes && !is_link_group(&p->to.ip) && p->hops > 1;
	struct payload *payload = new_payload(p->data);
	const struct fake_link *l;

	if (!far)
		deliver_on(net, p, link_of(net, p->link), payload);
	for (unsigned i = 0; far && i < FAKE_BUCKETS; i++)
		LIST_FOREACH(l, &net->links[i], entry)
			deliver_on(net, p, l, payload);
	if (payload->letters == 0)
		free(payload);
}

static const struct in6_addr *
wide_source(const struct fake_host *h, const struct fake_interface *first)
{
	const struct in6_addr *ip = fake_source(first, false);

	for (unsigned i = 0; i < h->interfaces && !ip; i++)
		ip = fake_source(h->interface[i], false);
	return ip;
}

int
fake_group_send(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data)
{
	struct fake_host *h = host_of(io);
	const struct fake_interface *i = fake_interface(h, ifindex);
	const struct in6_addr *source;
	struct fake_packet p = { .kind = FAKE_DATAGRAM, .data = data };

	if (!i)
		return -ENODEV;
	if (fake_fails(h))
		return -h->failure;
	source = is_link_group(group) ? fake_source(i, true) : wide_source(h, i);
	if (!source)
		return -EADDRNOTAVAIL;
	p.at_ms = h->net->now_ms;
	p.from =
	    (struct addr){ .ip = *source, .ifindex = ifindex, .port = h->query_port };
	p.to =
	    (struct addr){ .ip = *group, .ifindex = ifindex, .port = GRASP_LISTEN_PORT };
	p.link = i->link;
	p.hops = hops ? hops : 1;
	fake_record(h->net, &p);
	if (fake_passes(h->net, &p))
		deliver(h->net, &p);
	return 0;
}
