/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/node_int.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cbor.h"
#include "grasp/rapid.h"
#include "grasp/relay.h"

/* --- life ----------------------------------------------------------------------------------- */

static void
destroy(struct grasp_node *n)
{
	seen_done(&n->seen);
	seen_done(&n->sent);
	flood_cache_done(&n->floods);
	discovery_cache_done(&n->found);
	relay_done(n);
	buf_done(&n->out);
	buf_done(&n->wire);
	free(n->answers_by_source);
	free(n->answers_by_signer);
	free(n->intake_by_source);
	free((void *)n->cfg.prefix);
	free((void *)n->cfg.join);
	free((void *)n->cfg.send);
	free(n);
}

static void
collect_garbage(struct grasp_node *n)
{
	struct garbage *g;

	while ((g = STAILQ_FIRST(&n->garbage))) {
		STAILQ_REMOVE_HEAD(&n->garbage, entry);
		g->destroy(g);
	}
}

void
node_enter(struct grasp_node *n)
{
	n->depth++;
}

void
node_leave(struct grasp_node *n)
{
	struct grasp_link *l;

	assert(n->depth > 0);
	if (n->depth > 1) {
		n->depth--;
		return;
	}
	flood_tell_newcomers(n);
	while ((l = TAILQ_FIRST(&n->links_due)))
		link_attend(l);
	collect_garbage(n);
	n->depth = 0;
	if (n->dead)
		destroy(n);
}

void
node_return(struct grasp_node *n)
{
	n->depth--;
	if (n->depth > 0)
		return;
	if (n->dead) {
		collect_garbage(n);
		destroy(n);
	} else {
		node_sweep_soon(n);
	}
}

void
node_sweep_soon(struct grasp_node *n)
{
	if (n->depth == 0)
		node_timer_set(n, n->sweeper, 0);
}

void
node_discard(
    struct grasp_node *n, struct garbage *g, void (*destroy_it)(struct garbage *g))
{
	g->destroy = destroy_it;
	STAILQ_INSERT_TAIL(&n->garbage, g, entry);
	node_sweep_soon(n);
}

static void
sweep(void *arg)
{
	struct grasp_node *n = arg;

	node_enter(n);
	node_leave(n);
}

int64_t
node_now(struct grasp_node *n)
{
	return n->dead ? 0 : grasp_io_now(n->io);
}

void
node_log(const struct grasp_node *n, const char *area, const char *fmt, ...)
{
	va_list ap;

	if (!n->cfg.log)
		return;
	va_start(ap, fmt);
	n->cfg.log(n->cfg.log_arg, area, fmt, ap);
	va_end(ap);
}

int
node_timer_new(
    struct grasp_node *n, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	if (n->dead)
		return -ESHUTDOWN;
	return n->io->ops->timer_new(n->io, fire, arg, ret);
}

void
node_timer_set(struct grasp_node *n, struct grasp_timer *t, int64_t delay_ms)
{
	if (!n->dead && t)
		n->io->ops->timer_set(t, delay_ms > 0 ? delay_ms : 0);
}

void
node_timer_stop(struct grasp_node *n, struct grasp_timer *t)
{
	if (!n->dead && t)
		n->io->ops->timer_stop(t);
}

void
node_timer_free(struct grasp_node *n, struct grasp_timer **t)
{
	if (*t)
		n->io->ops->timer_free(*t);
	*t = NULL;
}

static int
copy_groups(const struct in6_addr *groups, size_t count, const struct in6_addr **ret)
{
	struct in6_addr *copy;

	for (size_t i = 0; i < count; i++)
		if (!addr_is_multicast(&groups[i]))
			return -EINVAL;
	copy = calloc(count ? count : 1, sizeof *copy);
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		copy[i] = groups[i];
	*ret = copy;
	return 0;
}

/* G-137, G-141, G-143: what stays on one link, and nothing else. */
static bool
is_dull(const struct grasp_config *cfg)
{
	return cfg->interface && cfg->link_local && !cfg->relay && !cfg->joins &&
	    !cfg->sends;
}

static int
copy_config(struct grasp_node *n, const struct grasp_config *cfg)
{
	int r;

	if (cfg->dull && !is_dull(cfg))
		return -EINVAL;
	n->cfg = *cfg;
	if (cfg->guard) {
		n->guard = *cfg->guard;
		n->cfg.guard = &n->guard;
	}
	n->cfg.join = n->cfg.send = NULL;
	n->cfg.prefix = NULL;
	if (cfg->no_listener)
		n->cfg.port = 0;
	else if (!n->cfg.port)
		n->cfg.port = GRASP_LISTEN_PORT;
	if (!n->cfg.hops)
		n->cfg.hops = SCOPED_HOPS;
	if (n->cfg.unicast_max < GRASP_DEF_MAX_SIZE) /* G-010 */
		n->cfg.unicast_max = GRASP_DEF_MAX_SIZE;
	if (n->cfg.unicast_max > GRASP_UNICAST_MAX)
		n->cfg.unicast_max = GRASP_UNICAST_MAX;
	if (!n->cfg.links_max)
		n->cfg.links_max = LINKS_MAX;
	if (cfg->prefix && !(n->cfg.prefix = strdup(cfg->prefix)))
		return -ENOMEM;
	r = copy_groups(cfg->join, cfg->joins, &n->cfg.join);
	if (r < 0)
		return r;
	return copy_groups(cfg->send, cfg->sends, &n->cfg.send);
}

static void
datagram(void *arg, const struct grasp_datagram *d)
{
	struct grasp_node *n = arg;

	node_enter(n);
	multicast_heard(n, d);
	node_leave(n);
}

static void
accepted(void *arg, struct grasp_stream *s)
{
	struct grasp_node *n = arg;

	node_enter(n);
	link_accept(n, s);
	node_leave(n);
}

static void
interfaces_changed(void *arg)
{
	struct grasp_node *n = arg;

	node_enter(n);
	multicast_interfaces(n);
	node_leave(n);
}

static const struct grasp_io_events events = {
	.datagram = datagram,
	.accepted = accepted,
	.interfaces_changed = interfaces_changed,
};

static void
init_lists(struct grasp_node *n)
{
	TAILQ_INIT(&n->registrations);
	TAILQ_INIT(&n->discoveries);
	TAILQ_INIT(&n->responses);
	TAILQ_INIT(&n->links);
	TAILQ_INIT(&n->links_due);
	TAILQ_INIT(&n->guests);
	TAILQ_INIT(&n->relays);
	TAILQ_INIT(&n->assists);
	STAILQ_INIT(&n->garbage);
	for (size_t i = 0; i < SESSION_BUCKETS; i++)
		LIST_INIT(&n->sessions[i]);
}

int
grasp_node_new(
    struct grasp_io *io, const struct grasp_config *cfg, struct grasp_node **ret)
{
	CLEANUP(grasp_node_free) struct grasp_node *n = calloc(1, sizeof *n);
	uint32_t seed;
	int r;

	if (!n)
		return -ENOMEM;
	n->io = io;
	init_lists(n);
	io->ops->random(io, &seed, sizeof seed);
	seen_init(&n->seen, seed);
	seen_init(&n->sent, seed);
	flood_cache_init(&n->floods);
	discovery_cache_init(&n->found);
	buf_init(&n->out, GRASP_UNICAST_MAX);
	buf_init(&n->wire, GRASP_MULTICAST_MAX);
	r = copy_config(n, cfg);
	if (r < 0)
		return r;
	r = node_timer_new(n, sweep, n, &n->sweeper);
	if (r < 0)
		return r;
	r = io->ops->bind(io, n->cfg.port, &events, n);
	if (r < 0)
		return r;
	n->bound = true;
	multicast_interfaces(n);
	*ret = TAKE(n);
	return 0;
}

/* Lets go of everything that the io holds for us; the memory may have to wait. */
static void
silence(struct grasp_node *n)
{
	struct grasp_registration *r;
	struct grasp_link *l;

	if (n->bound)
		n->io->ops->unbind(n->io);
	TAILQ_FOREACH(l, &n->links, entry)
		link_drop(l);
	discovery_drop_all(n);
	rapid_drop_all(n);
	response_drop_all(n);
	divert_drop_all(n);
	TAILQ_FOREACH(r, &n->registrations, entry)
		grasp_deregister(r);
	node_timer_free(n, &n->sweeper);
	n->dead = true;
}

void
grasp_node_free(struct grasp_node *n)
{
	if (!n || n->dead)
		return;
	silence(n);
	if (n->depth > 0)
		return; /* node_leave() does the rest */
	collect_garbage(n);
	destroy(n);
}

struct grasp_io *
grasp_node_io(struct grasp_node *n)
{
	return n->io;
}

const struct grasp_counters *
grasp_node_counters(const struct grasp_node *n)
{
	return &n->counters;
}

/* --- registrations -------------------------------------------------------------------------- */

static struct grasp_registration *
find_registration(struct grasp_node *n, struct slice name)
{
	struct grasp_registration *r;

	TAILQ_FOREACH(r, &n->registrations, entry)
		if (!r->dead && slice_is(name, r->name))
			return r;
	return NULL;
}

/* As it was registered, or without the prefix that all names have (cfg.prefix). */
struct grasp_registration *
node_registration(struct grasp_node *n, struct slice name)
{
	struct grasp_registration *r = find_registration(n, name);
	size_t len = n->cfg.prefix ? strlen(n->cfg.prefix) : 0;

	if (r || len == 0)
		return r;
	TAILQ_FOREACH(r, &n->registrations, entry)
		if (!r->dead && strncmp(r->name, n->cfg.prefix, len) == 0 &&
		    slice_is(name, r->name + len))
			return r;
	return NULL;
}

int
grasp_register(struct grasp_node *n, const char *name, unsigned flags,
    const struct grasp_support *support, void *arg, struct grasp_registration **ret)
{
	struct grasp_objective o = { .name = slice_text(name) };
	struct grasp_registration *r;

	if (objective_check(&o) < 0)
		return -EINVAL;
	if (find_registration(n, o.name))
		return -EEXIST;
	r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	strcpy(r->name, name);
	r->node = n;
	r->flags = flags;
	r->support = *support;
	r->arg = arg;
	TAILQ_INSERT_TAIL(&n->registrations, r, entry);
	r->newcomer = support->flooded && n->floods.count > 0;
	if (r->newcomer) {
		n->newcomers++;
		node_sweep_soon(n);
	}
	*ret = r;
	return 0;
}

void
node_registration_set(struct grasp_registration *r, unsigned flags,
    const struct grasp_support *support, uint32_t ttl_ms, bool local)
{
	r->flags = flags;
	r->support = *support;
	r->ttl_ms = ttl_ms;
	r->local = local;
}

static void
destroy_registration(struct garbage *g)
{
	struct grasp_registration *r =
	    container_of(g, struct grasp_registration, garbage);

	TAILQ_REMOVE(&r->node->registrations, r, entry);
	free(r);
}

void
grasp_deregister(struct grasp_registration *r)
{
	if (!r || r->dead)
		return;
	r->dead = true;
	node_discard(r->node, &r->garbage, destroy_registration);
}

/* --- what the parts ask of each other -------------------------------------------------------- */

static bool
was_recent(const struct grasp_node *n, uint32_t id)
{
	unsigned count = n->recents < RECENT_IDS ? n->recents : RECENT_IDS;

	for (unsigned i = 0; i < count; i++)
		if (n->recent[i] == id)
			return true;
	return false;
}

/* G-034, G-036..G-038. Counting on from a number that is taken ends, whatever random gives. */
uint32_t
node_new_session_id(struct grasp_node *n)
{
	uint32_t id;

	n->io->ops->random(n->io, &id, sizeof id);
	while (was_recent(n, id) || session_uses_id(n, id) || discovery_uses_id(n, id))
		id++;
	n->recent[n->recents++ % RECENT_IDS] = id;
	return id;
}

struct limit *
node_limit_of(
    struct grasp_node *n, struct limit_sources **table, const struct addr *source)
{
	if (!*table) {
		*table = calloc(1, sizeof **table);
		if (!*table)
			return NULL;
		n->io->ops->random(n->io, &(*table)->seed, sizeof(*table)->seed);
	}
	return limit_of_source(*table, source);
}

int
node_encode(struct grasp_node *n, const struct grasp_msg *msg, size_t max)
{
	int r;

	buf_reset(&n->out);
	r = grasp_msg_encode(msg, &n->out);
	if (r == -ENOSPC || (r >= 0 && n->out.pos > max))
		return -EMSGSIZE;
	return r;
}

struct grasp_objective
objective_for_asa(const struct grasp_objective *o)
{
	struct grasp_objective ret = *o;

	ret.value = grasp_value_unwrap(o->value);
	return ret;
}

size_t
objective_size(const struct grasp_objective *o)
{
	return o->name.len + o->value.len;
}

struct grasp_objective
objective_copy(const struct grasp_objective *o, uint8_t *memory)
{
	struct grasp_objective ret = *o;

	ret.name.data = memcpy(memory, o->name.data, o->name.len);
	ret.value.data = memory + o->name.len;
	if (o->value.len)
		memcpy(memory + o->name.len, o->value.data, o->value.len);
	return ret;
}

int
objective_check(const struct grasp_objective *o)
{
	if (o->name.len < 1 || o->name.len > GRASP_NAME_MAX)
		return -EINVAL;
	if (memchr(o->name.data, 0, o->name.len) || !slice_is_utf8(o->name))
		return -EINVAL;
	if (o->value.len > 0 && !cbor_well_formed(o->value))
		return -EINVAL;
	return 0;
}

int
grasp_put(struct buf *out, struct slice bytes)
{
	buf_put_slice(out, bytes);
	return out->err;
}
