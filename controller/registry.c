/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/registry.h"

#include "base/conf.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/registry_int.h"
#include "controller/store.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define GONE_MS	    (24 * 3600 * 1000LL)
#define BEATS_PER_S 2500
/* A clock's rate may differ so much: 1 ms in a second (reliability 1 allows more, once). */
#define DRIFT_PER_S 1

static const char *const state_names[] = {
	[NODE_ALIVE] = "alive",
	[NODE_SUSPECT] = "suspect",
	[NODE_LOST] = "lost",
	[NODE_GONE] = "gone",
};

const char *
node_state_name(enum node_state s)
{
	return state_names[s];
}

/* --- the table ----------------------------------------------------------------------------------- */
/* Ids are random (or hashes), any of their bytes will do. */
static struct entry **
find_bucket(struct registry *r, const struct fog_id *id)
{
	return &r->bucket[(id->bytes[14] << 8 | id->bytes[15]) % REGISTRY_BUCKETS];
}

static struct node *
find_id(struct registry *r, const struct fog_id *id)
{
	for (struct entry *e = *find_bucket(r, id); e; e = e->bucket)
		if (!memcmp(&e->node.id, id, sizeof *id))
			return &e->node;
	return NULL;
}

static struct node *
find_name(struct registry *r, const char *name)
{
	for (struct node *n = r->first; n; n = n->next)
		if (n->state != NODE_GONE && !strcmp(n->name, name))
			return n;
	return NULL;
}

static struct node *
find_id_text(struct registry *r, const char *text)
{
	struct node *found = NULL;
	char id[FOG_ID_TEXT];
	size_t len = strlen(text);

	for (struct node *n = r->first; n && len >= 8; n = n->next) {
		if (n->state == NODE_GONE ||
		    strncmp(fog_id_format(&n->id, id), text, len))
			continue;
		if (found)
			return NULL; /* of two nodes */
		found = n;
	}
	return found;
}

struct node *
registry_first(struct registry *r)
{
	return r->first;
}

struct node *
registry_by_id(struct registry *r, const struct fog_id *id)
{
	return find_id(r, id);
}

struct node *
registry_by_name(struct registry *r, const char *name)
{
	struct node *n = find_name(r, name);

	return n ? n : find_id_text(r, name);
}

size_t
registry_count(const struct registry *r, enum node_state s)
{
	return r->count[s];
}

uint32_t
registry_beat(const struct registry *r)
{
	size_t nodes = r->count[NODE_ALIVE] + r->count[NODE_SUSPECT];
	int64_t least = (int64_t)nodes * 1000 / BEATS_PER_S;

	return (uint32_t)(least > r->cfg.beat_ms ? least : r->cfg.beat_ms);
}

static struct entry *
add_node(struct registry *r, const struct fog_id *id, enum node_state state)
{
	struct entry *e = calloc(1, sizeof *e), **bucket = find_bucket(r, id);

	if (!e)
		return NULL;
	e->node.id = *id;
	e->node.state = state;
	e->node.caps = &e->caps;
	e->caps.battery = NAN;
	e->state_ms = e->node.silent_since_ms = grasp_io_now(r->io);
	e->bucket = *bucket;
	*bucket = e;
	e->node.next = r->first;
	r->first = &e->node;
	r->count[state]++;
	return e;
}

static void
free_node(struct entry *e)
{
	free((void *)(uintptr_t)e->node.caps_raw.data);
	free(e);
}

void
registry_drop(struct registry *r, struct entry *e)
{
	struct entry **bucket = find_bucket(r, &e->node.id);
	struct node **at = &r->first;

	while (*bucket != e)
		bucket = &(*bucket)->bucket;
	*bucket = e->bucket;
	while (*at != &e->node)
		at = &(*at)->next;
	*at = e->node.next;
	r->count[e->node.state]--;
	free_node(e);
}

/* --- the store ------------------------------------------------------------------------------------ */
int
registry_put(struct registry *r, struct node *n, store_done_f *done, void *arg)
{
	const struct node_row row = {
		.id = n->id,
		.name = n->name,
		.domain = n->domain,
		.state = node_state_name(n->state),
		.address = n->address,
		.caps = n->caps_raw,
		.joined_ms = n->joined_ms,
		.heard_ms = n->heard_ms,
	};
	int err = store_node_put(r->store, &row, done, arg);

	if (err)
		log_warnx("registry", "%s: not stored: %s", n->name, strerror(-err));
	return err;
}

static int
set_caps(struct entry *e, struct slice raw, const struct caps *decoded)
{
	uint8_t *copy = malloc(raw.len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, raw.data, raw.len);
	free((void *)(uintptr_t)e->node.caps_raw.data);
	e->node.caps_raw = (struct slice){ copy, raw.len };
	e->caps = *decoded;
	return 0;
}

static void
load_caps(struct entry *e, struct slice raw)
{
	struct caps caps;

	if (!raw.len)
		return;
	if (caps_decode(raw, &caps) || set_caps(e, raw, &caps))
		log_warnx("registry",
		    "%s: its stored capabilities cannot be read, it tells"
		    " them again when it registers",
		    e->node.name);
}

/* Nobody was heard yet. A node that was there gets a lease's time to come back (reliability 4.4),
 * one that was LOST stays so. */
static void
load_node(void *arg, const struct node_row *row)
{
	struct registry *r = arg;
	bool lost = !strcmp(row->state, "lost");
	struct entry *e;

	if (!strcmp(row->state, "gone"))
		return;
	e = add_node(r, &row->id, lost ? NODE_LOST : NODE_SUSPECT);
	if (!e)
		return;
	snprintf(e->node.name, sizeof e->node.name, "%s", row->name);
	snprintf(e->node.domain, sizeof e->node.domain, "%s", row->domain);
	snprintf(e->node.address, sizeof e->node.address, "%s", row->address);
	e->node.joined_ms = row->joined_ms;
	e->node.heard_ms = row->heard_ms;
	e->grace_ms = r->cfg.lease_ms;
	load_caps(e, row->caps);
}

int
registry_new(struct grasp_io *io, struct store *store, struct events *events,
    const struct registry_config *cfg, const struct registry_ops *ops, void *arg,
    struct registry **ret)
{
	CLEANUP(registry_free) struct registry *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	*r = (struct registry){ .io = io, .store = store, .events = events, .cfg = *cfg };
	r->ops = ops;
	r->arg = arg;
	if (!r->cfg.nodes_max)
		r->cfg.nodes_max = REGISTRY_NODES_MAX;
	if (!r->cfg.lost_ms)
		r->cfg.lost_ms = GONE_MS;
	err = store_nodes(store, load_node, r);
	if (!err)
		err = registry_watch_start(r);
	if (err)
		return err;
	*ret = TAKE(r);
	return 0;
}

void
registry_free(struct registry *r)
{
	if (!r)
		return;
	registry_watch_stop(r);
	while (r->first) {
		struct node *n = r->first;

		r->first = n->next;
		free_node(entry_of(n));
	}
	free(r);
}

/* --- registration --------------------------------------------------------------------------------- */
static int __attribute__((format(printf, 2, 3)))
refuse(struct refusal *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
	return -EACCES;
}

static int
check_names(
    const struct registry *r, const struct fog_registration *reg, struct refusal *why)
{
	if (!conf_is_name(reg->name))
		return refuse(why,
		    "malformed: a name has 1 to 64 characters of A-Z a-z 0-9 . _ : -");
	if (reg->domain[0] && !conf_is_name(reg->domain))
		return refuse(why, "malformed: that is no name of a domain");
	if (r->cfg.domain && reg->domain[0] && strcmp(reg->domain, r->cfg.domain))
		return refuse(why, "domain: this is a controller of %s", r->cfg.domain);
	return 0;
}

static int
check_caps(const struct fog_registration *reg, struct caps *ret, struct refusal *why)
{
	if (!reg->caps.len)
		return 0;
	if (reg->caps.len > CAPS_ENCODED_MAX)
		return refuse(
		    why, "malformed: capabilities above %d bytes", CAPS_ENCODED_MAX);
	if (caps_decode(reg->caps, ret))
		return refuse(why, "malformed: capabilities");
	return 0;
}

/* Two machines of one name cannot be told apart by people. One that is there keeps it. */
static int
check_conflict(
    struct registry *r, const struct fog_registration *reg, struct refusal *why)
{
	struct node *other = find_name(r, reg->name);
	char id[FOG_ID_TEXT];

	if (!other || !memcmp(&other->id, &reg->node, sizeof reg->node) ||
	    other->state != NODE_ALIVE)
		return 0;
	return refuse(why, "conflict: the name %s is taken by node %.8s, which is alive",
	    reg->name, fog_id_format(&other->id, id));
}

static int
check_known(struct registry *r, const struct fog_registration *reg, struct refusal *why)
{
	const struct node *n = find_id(r, &reg->node);

	if (reg->renew && (!n || n->state == NODE_GONE))
		return refuse(why, "unknown: register again"); /* REG-09 */
	if (!n &&
	    r->count[NODE_ALIVE] + r->count[NODE_SUSPECT] + r->count[NODE_LOST] +
		    r->count[NODE_GONE] >=
		r->cfg.nodes_max)
		return refuse(
		    why, "busy: this controller has %u nodes already", r->cfg.nodes_max);
	return 0;
}

static void
take_name(struct registry *r, struct node *n, const char *name)
{
	struct node *other = find_name(r, name);
	char id[FOG_ID_TEXT];

	if (other && other != n)
		registry_change(r, other, NODE_GONE,
		    "%s: node %.8s took the name over, and this one was not there", name,
		    fog_id_format(&n->id, id));
	snprintf(n->name, sizeof n->name, "%s", name);
}

static bool
same_text(char *dst, size_t size, const char *src)
{
	if (!strcmp(dst, src))
		return true;
	snprintf(dst, size, "%s", src);
	return false;
}

/* Takes over what the registration says; returns whether the disk has to know. */
static bool
update_node(struct registry *r, struct entry *e, const struct fog_registration *reg,
    const char *address)
{
	struct node *n = &e->node;
	bool known = true;

	e->moved = *n->address && strcmp(n->address, address) != 0;
	if (strcmp(n->name, reg->name)) {
		take_name(r, n, reg->name);
		known = false;
	}
	known &= same_text(n->domain, sizeof n->domain, reg->domain);
	known &= same_text(n->address, sizeof n->address, address);
	if (memcmp(n->boot, reg->boot, sizeof n->boot)) {
		memcpy(n->boot, reg->boot, sizeof n->boot);
		n->clock_set_ms = 0;
	}
	n->plan_version = reg->plan_version;
	memcpy(n->plan_digest, reg->plan_digest, sizeof n->plan_digest);
	return !known;
}

/* What others know of it is another address now, or other capabilities. */
static void
announce(struct registry *r, struct entry *e, bool is_new, bool new_caps)
{
	struct node *n = &e->node;

	if (is_new) {
		events_emit(r->events, "node.joined", n->name, NULL, NULL,
		    "%s joined from %s", n->name, n->address);
		r->ops->changed(r->arg, n, NODE_GONE);
	} else if (new_caps || e->moved) {
		r->ops->changed(r->arg, n, n->state);
	}
}

static struct entry *
ensure_node(struct registry *r, const struct fog_registration *reg, bool *ret_new)
{
	struct node *n = find_id(r, &reg->node);
	struct entry *e = n ? entry_of(n) : add_node(r, &reg->node, NODE_ALIVE);

	*ret_new = e && !n;
	if (*ret_new) {
		e->node.joined_ms = r->io->ops->wall(r->io);
		e->unsaved = true;
	}
	return e;
}

/* A node that tells no name keeps the one it has, or is called by its id; one that tells no domain
 * takes ours (DOM-03). */
static void
fill_names(struct registry *r, struct fog_registration *reg)
{
	const struct node *n = find_id(r, &reg->node);
	char id[FOG_ID_TEXT];

	if (!reg->name[0])
		snprintf(reg->name, sizeof reg->name, "%s",
		    n ? n->name : fog_id_format(&reg->node, id));
	if (!reg->domain[0] && r->cfg.domain)
		snprintf(reg->domain, sizeof reg->domain, "%s", r->cfg.domain);
}

static int
check(struct registry *r, const struct fog_registration *reg, struct caps *caps,
    struct refusal *why)
{
	int err = check_names(r, reg, why);

	if (!err)
		err = check_caps(reg, caps, why);
	if (!err)
		err = check_known(r, reg, why);
	if (!err)
		err = check_conflict(r, reg, why);
	return err;
}

/* What the registration brings, into memory and on its way to the disk; 1: nothing new. */
static int
take_over(struct registry *r, struct entry *e, const struct fog_registration *reg,
    const char *address, const struct caps *new_caps, store_done_f *done, void *arg)
{
	int err;

	e->unsaved |= update_node(r, e, reg, address) || new_caps;
	if (new_caps && set_caps(e, reg->caps, new_caps))
		return -ENOMEM;
	registry_heard(r, &e->node, reg->boot_ms);
	if (!e->node.link) {
		e->suspect_due = true; /* unless it takes its lease and keeps the link */
		e->suspect_ms = grasp_io_now(r->io) + r->cfg.lease_ms;
	}
	if (!e->unsaved)
		return 1;
	err = registry_put(r, &e->node, done, arg);
	e->unsaved = err != 0;
	return err;
}

static int
admit(struct registry *r, const struct fog_registration *reg, const char *address,
    store_done_f *done, void *arg, struct node **ret, struct refusal *why)
{
	struct caps caps;
	struct entry *e;
	bool is_new, has_caps;
	int err = check(r, reg, &caps, why);

	if (err)
		return err;
	e = ensure_node(r, reg, &is_new);
	if (!e)
		return -ENOMEM;
	has_caps = reg->caps.len && !slice_equal(reg->caps, e->node.caps_raw);
	err = take_over(r, e, reg, address, has_caps ? &caps : NULL, done, arg);
	if (err < 0 && is_new)
		registry_drop(r, e);
	if (err < 0)
		return err;
	*ret = &e->node;
	announce(r, e, is_new, has_caps);
	return err;
}

int
registry_admit(struct registry *r, const struct fog_registration *reg,
    const char *address, store_done_f *done, void *arg, struct node **ret,
    struct refusal *why)
{
	struct fog_registration named = *reg;

	fill_names(r, &named);
	return admit(r, &named, address, done, arg, ret, why);
}

void
registry_quarantine(struct registry *r, struct node *n, bool on)
{
	if (n->quarantined == on)
		return;
	n->quarantined = on;
	r->ops->changed(r->arg, n, n->state);
}

/* --- links ------------------------------------------------------------------------------------------ */
void
registry_linked(struct registry *r, struct node *n, struct grasp_link *link)
{
	(void)r;
	n->link = link;
	entry_of(n)->suspect_due = false;
}

/* The newest estimate is the smallest one: what a message needed to get here only adds to it. So that a
 * clock that runs slower is followed, an old one grows. */
static void
estimate_clock(struct node *n, int64_t now, int64_t there_ms)
{
	int64_t offset = now - there_ms;

	if (n->clock_set_ms) {
		int64_t kept =
		    n->clock_offset_ms + (now - n->clock_set_ms) * DRIFT_PER_S / 1000;

		if (kept < offset)
			return;
	}
	n->clock_offset_ms = offset;
	n->clock_set_ms = now ? now : 1;
}

void
registry_heard(struct registry *r, struct node *n, int64_t there_ms)
{
	int64_t now = grasp_io_now(r->io);

	estimate_clock(n, now, there_ms);
	n->silent_since_ms = now;
	n->heard_ms = r->io->ops->wall(r->io);
	n->lease_until_ms = now + r->cfg.lease_ms;
	entry_of(n)->grace_ms = 0;
	entry_of(n)->suspect_due = false;
	if (n->state != NODE_ALIVE)
		registry_change(r, n, NODE_ALIVE, "%s is there", n->name);
}
