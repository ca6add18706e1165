/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr_text.h"
#include "controller/find_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_MAX 2048

/* Addresses of registered nodes, in order. */
struct place {
	struct in6_addr ip;
	struct node *node;
};
struct map {
	struct place *place;
	size_t len;
};

static int
compare(const void *a, const void *b)
{
	const struct place *one = a, *other = b;

	return memcmp(&one->ip, &other->ip, sizeof one->ip);
}

/* Those it told, and the one it came from. Returns how many; to NULL: counts. */
static size_t
put_places(struct node *n, struct place *to)
{
	struct addr from;
	size_t len = 0;

	if (addr_parse(n->address, &from) == 0) {
		if (to)
			to[len] = (struct place){ from.ip, n };
		len++;
	}
	for (unsigned i = 0; i < n->caps->interfaces; i++) {
		const struct caps_interface *in = &n->caps->interface[i];

		for (unsigned a = 0; a < in->addrs; a++)
			if (in->addr[a].len == 16 && to) {
				memcpy(&to[len].ip, in->addr[a].ip, sizeof to->ip);
				to[len++].node = n;
			} else if (in->addr[a].len == 16) {
				len++;
			}
	}
	return len;
}

static struct map
make_map(struct registry *r)
{
	struct map m = { NULL, 0 };
	size_t len = 0;

	for (struct node *n = registry_first(r); n; n = n->next)
		len += put_places(n, NULL);
	m.place = calloc(len + 1, sizeof *m.place);
	for (struct node *n = registry_first(r); n && m.place; n = n->next)
		m.len += put_places(n, m.place + m.len);
	if (m.len)
		qsort(m.place, m.len, sizeof *m.place, compare);
	return m;
}

/* NULL: nobody who is registered, as far as addresses tell; a link-local one tells nothing. */
static struct node *
node_at(const struct map *m, const struct addr *at)
{
	struct place wanted = { .ip = at->ip }, *found;

	if (!m->len || addr_is_link_local(&at->ip))
		return NULL;
	found = bsearch(&wanted, m->place, m->len, sizeof *m->place, compare);
	return found ? found->node : NULL;
}

/* A node with several interfaces answers on each: what one address said holds for all. */
static void
merge(struct find *f, const struct map *m, struct hit *first)
{
	struct node *n = node_at(m, &first->at);

	for (struct hit *h = n ? STAILQ_NEXT(first, entry) : NULL; h;
	     h = STAILQ_NEXT(h, entry)) {
		if (node_at(m, &h->at) != n)
			continue;
		for (unsigned i = 0; i < f->wanteds; i++) {
			if (!first->value[i][0])
				strcpy(first->value[i], h->value[i]);
			h->value[i][0] = '\0';
		}
	}
}

static bool
has_all(const struct find *f, const struct hit *h)
{
	for (unsigned i = 0; i < f->wanteds; i++)
		if (!h->value[i][0])
			return false;
	return true;
}

static void
put_values(const struct find *f, const struct hit *h, struct buf *out)
{
	wr_text(out, "values");
	wr_map(out, f->wanteds);
	for (unsigned i = 0; i < f->wanteds; i++)
		wr_key_text(out, fog_property_names[f->wanted[i].kind].word, h->value[i]);
}

static void
show(const struct find *f, const struct map *m, const struct hit *h)
{
	const struct node *n = node_at(m, &h->at);
	char id[FOG_ID_TEXT], at[ADDR_TEXT_MAX];
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_map(&item, 5);
	wr_key_text(&item, "node", n ? n->name : NULL);
	wr_key_text(&item, "id", n ? fog_id_format(&n->id, id) : NULL);
	wr_key_text(&item, "state", n ? node_state_name(n->state) : "not registered");
	wr_key_text(&item, "address", addr_format(&h->at, at));
	put_values(f, h, &item);
	if (!item.err)
		ctl_send(f->req, buf_slice(&item));
	buf_done(&item);
}

void
find_show(struct find *f)
{
	struct map m = make_map(f->finder->registry);
	struct hit *h;

	STAILQ_FOREACH(h, &f->hits, entry) {
		merge(f, &m, h);
		if (has_all(f, h))
			show(f, &m, h);
	}
	free(m.place);
}
