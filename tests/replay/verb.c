/* SPDX-License-Identifier: Apache-2.0
 *
 * What a line can make an actor do. */
#include "tests/replay/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cbor.h"

#define OPEN_MS 5000

/* What may be said of an objective, in any order. */
struct wish {
	char name[GRASP_NAME_MAX + 1];
	struct grasp_objective objective;
	struct buf value;
	struct grasp_locator locator;
	uint32_t ms; /* timeout or ttl */
	bool rapid, has_locator;
	struct behaviour behaviour;
};

static void
check(struct line *l, struct actor *a, int err)
{
	char expected[32] = "";

	if (line_take(l, "fails"))
		snprintf(expected, sizeof expected, "%s", line_next(l));
	if (expected[0] && err >= 0)
		line_fail(l, "this has worked");
	if (err < 0 && strcmp(expected, strerrorname_np(-err)) != 0)
		line_fail(l, "%s cannot do that: %s", a->name, strerrorname_np(-err));
	line_end(l);
}

static bool
take_flag(struct line *l, unsigned *flags)
{
	if (line_take(l, "disc"))
		*flags |= F_DISC;
	else if (line_take(l, "neg"))
		*flags |= F_NEG;
	else if (line_take(l, "synch"))
		*flags |= F_SYNCH;
	else if (line_take(l, "dry"))
		*flags |= F_NEG_DRY;
	else
		return false;
	return true;
}

struct addr
line_address(struct line *l, uint32_t ifindex)
{
	char memory[64];
	const char *word = line_expanded(l, memory, sizeof memory);
	struct actor *a = actor_find(word);
	struct addr ret = { .port = GRASP_LISTEN_PORT };

	if (a && a->places)
		word =
		    a->place[0].addr[a->place[0].addrs - 1]; /* the widest, by custom */
	if (inet_pton(AF_INET6, word, &ret.ip) != 1)
		line_fail(l, "\"%s\" is neither an actor nor an address", word);
	if (addr_is_link_local(&ret.ip))
		ret.ifindex = ifindex;
	if (line_take(l, "port")) {
		a = actor_with(&ret);
		if (a && line_take(l, "query"))
			ret.port = fake_query_port(a->host);
		else
			ret.port = (uint16_t)line_number(l);
	}
	return ret;
}

static void
read_locator(struct line *l, struct wish *w)
{
	w->has_locator = true;
	w->locator = (struct grasp_locator){ .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP };
	if (line_take(l, "own"))
		return;
	struct addr a = line_address(l, 0);
	w->locator = grasp_locator_from_addr(&a, GRASP_TCP);
}

/* "NAME" [disc|neg|synch|dry]… [loop N] [timeout|ttl MS] [value V] [locator …] [does …] */
static void
read_wish(struct line *l, unsigned flags, struct wish *w)
{
	unsigned given = 0;

	*w = (struct wish){ 0 };
	buf_init(&w->value, 4096);
	line_quoted(l, w->name, sizeof w->name);
	for (;;) {
		if (take_flag(l, &given))
			continue;
		if (line_take(l, "loop"))
			w->objective.loop_count = (uint8_t)line_number(l);
		else if (line_take(l, "timeout") || line_take(l, "ttl"))
			w->ms = (uint32_t)line_number(l);
		else if (line_take(l, "value"))
			line_item(l, &w->value);
		else if (line_take(l, "locator"))
			read_locator(l, w);
		else if (line_take(l, "rapid"))
			w->rapid = true;
		else if (line_take(l, "does"))
			behaviour_read(l, &w->behaviour);
		else
			break;
	}
	if (given == F_NEG_DRY)
		given |= flags;
	w->objective.name = slice_text(w->name);
	w->objective.flags = given ? given : flags;
	w->objective.value = buf_slice(&w->value);
}

/* --- discovery and floods -------------------------------------------------------------------- */

static void
found(void *arg, const struct grasp_found *found)
{
	struct fact *f = stage_note(arg, H_FOUND);

	f->from = actor_with(&found->from);
	f->diverted = found->diverted;
	f->ms = found->ttl_ms;
	for (; f->locators < found->locators && f->locators < FACT_LOCATORS;
	     f->locators++)
		f->locator[f->locators] = found->locator[f->locators];
	if (!found->objective)
		return;
	(void)!slice_copy(found->objective->name, f->name, sizeof f->name);
	f->has_value = found->objective->value.len > 0;
	uint8_t *copy = malloc(found->objective->value.len + 1);
	if (!copy)
		abort();
	if (f->has_value)
		memcpy(copy, found->objective->value.data, found->objective->value.len);
	f->value = (struct slice){ copy, found->objective->value.len };
}

static void
searched(void *arg, unsigned responses)
{
	struct actor *a = arg;

	stage_note(a, H_SEARCHED)->count = responses;
	a->discovery = NULL;
}

/* With rapid mode the same arg serves both kinds of callbacks: a part, which knows its actor. */
static void
found_by_part(void *arg, const struct grasp_found *f)
{
	found(((struct part *)arg)->actor, f);
}

static void
searched_by_part(void *arg, unsigned responses)
{
	searched(((struct part *)arg)->actor, responses);
}

static int
discover_rapid(struct actor *a, const struct wish *w)
{
	struct part *p = part_new(a, &w->behaviour);

	p->owns = true;
	return grasp_discover_rapid(a->node, &w->objective, w->ms, found_by_part,
	    searched_by_part, &part_ops, p, &a->discovery);
}

static void
discover(struct line *l, struct actor *a)
{
	bool on_link = line_take(l, "on-link");
	struct wish w;
	int err;

	read_wish(l, F_DISC, &w);
	if (w.rapid)
		err = discover_rapid(a, &w);
	else if (on_link)
		err = grasp_discover_at(
		    a->link, &w.objective, w.ms, found, searched, a, &a->discovery);
	else
		err = grasp_discover(
		    a->node, &w.objective, w.ms, found, searched, a, &a->discovery);
	buf_done(&w.value);
	check(l, a, err);
}

static void
stop_searching(struct line *l, struct actor *a)
{
	if (!a->discovery)
		line_fail(l, "%s is not searching", a->name);
	grasp_discovery_cancel(TAKE(a->discovery));
	line_end(l);
}

static void
flood(struct line *l, struct actor *a)
{
	struct wish w;
	int err;

	read_wish(l, F_DISC | F_SYNCH, &w);
	err = grasp_flood(a->node, &w.objective, w.has_locator ? &w.locator : NULL, w.ms);
	buf_done(&w.value);
	check(l, a, err);
}

static void
forget(struct line *l, struct actor *a)
{
	char name[GRASP_NAME_MAX + 1];

	line_quoted(l, name, sizeof name);
	struct addr at = line_address(l, 0);
	grasp_cache_forget(a->node, slice_text(name), &at);
	line_end(l);
}

/* --- links and sessions ---------------------------------------------------------------------- */

static void
opened(void *arg, struct grasp_link *link)
{
	(void)link;
	stage_note(arg, H_OPENED);
}

static void
closed(void *arg, struct grasp_link *link, int err)
{
	struct actor *a = arg;
	struct fact *f = stage_note(a, H_CLOSED);

	if (a->link == link)
		a->link = NULL;
	f->err = -err;
	if (err)
		strncpy(f->reason, strerrorname_np(-err), sizeof f->reason - 1);
}

static const struct grasp_link_ops link_ops = { opened, closed };

static uint32_t
first_interface(const struct actor *a)
{
	return a->places ? a->place[0].ifindex : 0;
}

static void
open_link(struct line *l, struct actor *a)
{
	struct addr to = line_address(l, first_interface(a));

	check(l, a, grasp_link_open(a->node, &to, &link_ops, a, &a->link));
}

static void
hold(struct line *l, struct actor *a)
{
	uint32_t beat_ms = (uint32_t)line_number(l),
		 silence_ms = (uint32_t)line_number(l);

	if (!a->link)
		line_fail(l, "%s has no link", a->name);
	grasp_link_hold(a->link, beat_ms, silence_ms, 0);
	line_end(l);
}

static void
close_link(struct line *l, struct actor *a)
{
	if (!a->link)
		line_fail(l, "%s has no link", a->name);
	grasp_link_close(TAKE(a->link));
	line_end(l);
}

/* [PEER [port N]] wish; without a peer on the link that is open. */
static void
request(struct line *l, struct actor *a, bool negotiation)
{
	bool own_link = !line_peek_quoted(l);
	struct part *p;
	struct wish w;
	int err = 0;

	if (own_link) {
		struct addr to = line_address(l, first_interface(a));

		err = grasp_link_open(a->node, &to, &link_ops, a, &a->link);
	}
	read_wish(l, negotiation ? F_DISC | F_NEG : F_DISC | F_SYNCH, &w);
	p = part_new(a, &w.behaviour);
	p->owns = true;
	if (err >= 0)
		err = (negotiation ? grasp_negotiate : grasp_synchronize)(
		    a->link, &w.objective, w.ms, &part_ops, p, &p->session);
	buf_done(&w.value);
	check(l, a, err);
}

static void
negotiate(struct line *l, struct actor *a)
{
	request(l, a, true);
}

static void
synchronize(struct line *l, struct actor *a)
{
	request(l, a, false);
}

/* A reaction, but at once and by hand. */
static void
react(struct line *l, struct actor *a)
{
	struct reaction r;
	int err;

	l->at--;
	reaction_read(l, &r);
	if (!a->part || !a->part->session)
		line_fail(l, "%s has no session", a->name);
	err = part_react(a->part, &r);
	buf_done(&r.value);
	check(l, a, err);
}

/* --- life ------------------------------------------------------------------------------------ */

static void
start(struct line *l, struct actor *a)
{
	if (a->host)
		line_fail(l, "%s is on", a->name);
	actor_start(l, a);
	fake_run(stage.net, 0);
	line_end(l);
}

static void
stop(struct line *l, struct actor *a)
{
	actor_stop(a);
	line_end(l);
}

/* hits N ERRNO: so many timers, streams and sends of it fail */
static void
hit(struct line *l, struct actor *a)
{
	unsigned n = (unsigned)line_number(l);
	const char *name = line_next(l);

	for (int err = 1; err < 200; err++)
		if (strerrorname_np(err) && strcmp(strerrorname_np(err), name) == 0) {
			fake_fail(a->host, n, err);
			line_end(l);
			return;
		}
	line_fail(l, "\"%s\" is no error", name);
}

static struct place *
place_named(struct line *l, struct actor *a)
{
	unsigned link = (unsigned)line_number(l);
	struct place *p = actor_place(a, link);

	if (!p)
		line_fail(l, "%s has no place on link %u", a->name, link);
	return p;
}

static void
unplug(struct line *l, struct actor *a)
{
	struct place *p = place_named(l, a);

	fake_detach(a->host, p->ifindex);
	p->ifindex = 0;
	line_end(l);
}

static void
plug(struct line *l, struct actor *a)
{
	struct place *p = place_named(l, a);

	p->ifindex = fake_attach(a->host, p->link, NULL);
	for (unsigned i = 0; i < p->addrs; i++)
		fake_add_address(a->host, p->ifindex, p->addr[i]);
	line_end(l);
}

static void
deregister(struct line *l, struct actor *a)
{
	char name[GRASP_NAME_MAX + 1];
	struct offer *o;

	line_quoted(l, name, sizeof name);
	TAILQ_FOREACH(o, &a->offers, entry)
		if (strcmp(o->name, name) == 0)
			break;
	if (!o)
		line_fail(l, "%s has not registered %s", a->name, name);
	grasp_deregister(TAKE(o->registration));
	line_end(l);
}

static enum grasp_assist
read_assist(struct line *l)
{
	if (line_take(l, "off"))
		return GRASP_ASSIST_OFF;
	if (line_take(l, "other-link"))
		return GRASP_ASSIST_OTHER_LINK;
	if (line_take(l, "always"))
		return GRASP_ASSIST_ALWAYS;
	line_fail(l, "assist is off, other-link or always");
}

/* "NAME" [disc|neg|synch]… [refuses] [shared] [assist …] [offers V] [does …] */
static void
support(struct line *l, struct actor *a)
{
	struct offer *o = calloc(1, sizeof *o);

	if (!o)
		abort();
	o->actor = a;
	TAILQ_INSERT_TAIL(&a->offers, o, entry);
	buf_init(&o->value, 4096);
	line_quoted(l, o->name, sizeof o->name);
	for (;;) {
		if (take_flag(l, &o->flags))
			continue;
		if (line_take(l, "refuses"))
			o->refuses = true;
		else if (line_take(l, "shared"))
			o->support.shared = true;
		else if (line_take(l, "assist"))
			o->support.assist = read_assist(l);
		else if (line_take(l, "offers"))
			line_item(l, &o->value);
		else if (line_take(l, "does"))
			behaviour_read(l, &o->behaviour);
		else
			break;
	}
	line_end(l);
	offer_register(l, o);
}

/* --- outsiders ------------------------------------------------------------------------------- */

static void
stream_opened(void *arg, struct grasp_stream *s)
{
	(void)s;
	stage_note(arg, H_OPENED);
}

static ssize_t
stream_received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

static void
stream_closed(void *arg, struct grasp_stream *s, int err)
{
	struct actor *a = arg;
	struct fact *f = stage_note(a, H_CLOSED);

	if (a->stream == s)
		a->stream = NULL;
	f->err = err;
	if (err)
		strncpy(f->reason, strerrorname_np(err), sizeof f->reason - 1);
}

static const struct grasp_stream_ops stream_ops = { stream_opened, stream_received,
	stream_closed };

static void
take_stream(void *arg, struct grasp_stream *s)
{
	struct actor *a = arg;

	a->stream = s;
	stage_note(a, H_OPENED);
	fake_host_io(a->host)->ops->stream_set(s, &stream_ops, a);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static void
ignore_change(void *arg)
{
	(void)arg;
}

void
outsider_bind(struct actor *a)
{
	static const struct grasp_io_events events = { ignore_datagram, take_stream,
		ignore_change };
	struct grasp_io *io = fake_host_io(a->host);

	if (io->ops->bind(io, GRASP_LISTEN_PORT, &events, a) < 0)
		abort();
}

static void
connect_to(struct line *l, struct actor *a)
{
	struct addr to = line_address(l, first_interface(a));
	struct grasp_io *io = fake_host_io(a->host);

	check(l, a, io->ops->stream_open(io, &to, OPEN_MS, &stream_ops, a, &a->stream));
}

static void
say(struct line *l, struct actor *a)
{
	struct buf item;

	buf_init(&item, GRASP_UNICAST_MAX);
	line_item(l, &item);
	while (line_take(l, "and")) /* in the same segment */
		line_item(l, &item);
	if (!a->stream)
		line_fail(l, "%s has no stream", a->name);
	int err = fake_host_io(a->host)->ops->stream_send(a->stream, buf_slice(&item));
	buf_done(&item);
	check(l, a, err);
}

/* The bytes of a byte string, as they are. */
static void
say_bytes(struct line *l, struct actor *a)
{
	struct cbor_reader r;
	struct buf item;

	buf_init(&item, GRASP_UNICAST_MAX);
	line_item(l, &item);
	rd_init(&r, buf_slice(&item), 0);
	struct slice bytes = rd_bytes(&r);
	if (rd_done(&r) < 0 || !a->stream)
		line_fail(l, "%s needs a stream and a byte string", a->name);
	int err = fake_host_io(a->host)->ops->stream_send(a->stream, bytes);
	buf_done(&item);
	check(l, a, err);
}

static void
hang_up(struct line *l, struct actor *a)
{
	if (!a->stream)
		line_fail(l, "%s has no stream", a->name);
	fake_host_io(a->host)->ops->stream_close(
	    TAKE(a->stream), line_take(l, "abruptly"));
	line_end(l);
}

/* casts ITEM [link N] [group ADDRESS] */
static void
cast(struct line *l, struct actor *a)
{
	struct grasp_io *io = fake_host_io(a->host);
	struct place *p = &a->place[0];
	struct in6_addr group;
	struct buf item;

	inet_pton(AF_INET6, GRASP_ALL_NEIGHBORS_6, &group);
	buf_init(&item, GRASP_UNICAST_MAX);
	line_item(l, &item);
	if (line_take(l, "link"))
		p = place_named(l, a);
	if (line_take(l, "group"))
		group = line_address(l, 0).ip;
	int err = io->ops->group_send(io, p->ifindex, &group, 0, buf_slice(&item));
	buf_done(&item);
	check(l, a, err);
}

/* --------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	void (*act)(struct line *l, struct actor *a);
	enum { ENGINE = 1, OUTSIDER = 2, BOTH = 3 } whose;
} verbs[] = {
	{ "starts", start, BOTH },
	{ "stops", stop, BOTH },
	{ "hits", hit, ENGINE },
	{ "plugs", plug, BOTH },
	{ "unplugs", unplug, BOTH },
	{ "supports", support, ENGINE },
	{ "deregisters", deregister, ENGINE },
	{ "discovers", discover, ENGINE },
	{ "stops-searching", stop_searching, ENGINE },
	{ "floods", flood, ENGINE },
	{ "forgets", forget, ENGINE },
	{ "opens", open_link, ENGINE },
	{ "holds", hold, ENGINE },
	{ "closes", close_link, ENGINE },
	{ "negotiates", negotiate, ENGINE },
	{ "synchronizes", synchronize, ENGINE },
	{ "step", react, ENGINE },
	{ "wait", react, ENGINE },
	{ "accept", react, ENGINE },
	{ "decline", react, ENGINE },
	{ "synch", react, ENGINE },
	{ "invalid", react, ENGINE },
	{ "cancel", react, ENGINE },
	{ "connects", connect_to, OUTSIDER },
	{ "says", say, OUTSIDER },
	{ "says-bytes", say_bytes, OUTSIDER },
	{ "hangs-up", hang_up, OUTSIDER },
	{ "casts", cast, OUTSIDER },
};

void
actor_act(struct line *l, struct actor *a)
{
	const char *verb = line_next(l);
	unsigned who = a->outside ? OUTSIDER : ENGINE;

	if (strcmp(verb, "starts") != 0 && !a->host)
		line_fail(l, "%s is off", a->name);
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, verb) == 0 && (verbs[i].whose & who)) {
			verbs[i].act(l, a);
			return;
		}
	line_fail(l, "%s cannot \"%s\"", a->name, verb);
}
