/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/replay/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cbor.h"

struct stage stage;

const char *const happening_name[HAPPENINGS] = {
	[H_LOOKED_FOR] = "looked-for",
	[H_FOUND] = "found",
	[H_SEARCHED] = "searched",
	[H_FLOODED] = "flooded",
	[H_ASKED] = "asked",
	[H_NEGOTIATED] = "negotiated",
	[H_SYNCHED] = "synched",
	[H_WAITING] = "waiting",
	[H_ENDED] = "ended",
	[H_OPENED] = "opened",
	[H_CLOSED] = "closed",
	[H_FAILED] = "failed",
};

void
stage_init(void)
{
	stage.net = fake_net_new(1);
	stage.start_ms = fake_now(stage.net);
	TAILQ_INIT(&stage.actors);
	STAILQ_INIT(&stage.facts);
}

int64_t
stage_now(void)
{
	return fake_now(stage.net) - stage.start_ms;
}

/* --- facts ---------------------------------------------------------------------------------- */

struct fact *
stage_note(struct actor *who, enum happening what)
{
	struct fact *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->at_ms = stage_now();
	f->who = who;
	f->happening = what;
	f->link = f->flags = f->loop = -1;
	STAILQ_INSERT_TAIL(&stage.facts, f, entry);
	return f;
}

void
stage_forget(void)
{
	struct fact *f;

	while ((f = STAILQ_FIRST(&stage.facts))) {
		STAILQ_REMOVE_HEAD(&stage.facts, entry);
		free((void *)f->value.data);
		free(f);
	}
	fake_net_capture(stage.net, true);
}

static void
note_objective(struct fact *f, const struct grasp_objective *o)
{
	(void)!slice_copy(o->name, f->name, sizeof f->name);
	f->flags = (int)o->flags;
	f->loop = o->loop_count;
	f->has_value = o->value.len > 0;
	f->value = o->value;
}

static void
note_locators(struct fact *f, const struct grasp_msg *msg)
{
	for (; f->locators < msg->locators && f->locators < FACT_LOCATORS; f->locators++)
		f->locator[f->locators] = msg->locator[f->locators];
	f->diverted = msg->diverted;
}

static void
note_flood(struct fact *f, const struct grasp_msg *msg)
{
	note_objective(f, &msg->flooded[0]);
	f->locator[0] = msg->locator[0];
	f->locators = msg->locator[0].kind != 0;
	f->count = msg->items;
}

static void
note_message(struct fact *f, const struct grasp_msg *msg)
{
	f->type = msg->type;
	f->has_session = msg->type != M_NOOP;
	f->session = msg->session_id;
	f->has_initiator = msg->initiator.len > 0;
	f->initiator = msg->initiator;
	f->ms = msg->time_ms;
	if (msg->has_objective)
		note_objective(f, &msg->objective);
	if (msg->type == M_FLOOD)
		note_flood(f, msg);
	if (msg->type == M_RESPONSE)
		note_locators(f, msg);
	if (msg->type == M_END)
		f->outcome = msg->accepted ? "accepted" : "declined";
	(void)!slice_copy(msg->reason, f->reason, sizeof f->reason);
	if (msg->type == M_INVALID) {
		f->has_value = msg->content.len > 0;
		f->value = msg->content;
	}
}

bool
stage_message(const struct fake_packet *p, struct grasp_msg *msg, struct fact *ret)
{
	size_t len;

	if (!p->data.len || grasp_msg_decode(p->data, msg, &len) < 0)
		return false;
	*ret = (struct fact){ .at_ms = p->at_ms - stage.start_ms,
		.link = p->kind == FAKE_DATAGRAM ? (int)p->link : -1,
		.flags = -1,
		.loop = -1,
		.from = actor_with(&p->from),
		.to = p->kind == FAKE_DATAGRAM ? NULL : actor_with(&p->to),
		.bytes = p->data };
	if (p->kind == FAKE_DATAGRAM)
		ret->group = p->to.ip;
	note_message(ret, msg);
	return true;
}

/* --- for people ------------------------------------------------------------------------------- */

static void
dump_packet(const struct fake_packet *p)
{
	static const char *const kind[] = { [FAKE_OPEN] = "opens a stream",
		[FAKE_OPENED] = "accepts the stream",
		[FAKE_CLOSE] = "closes the stream",
		[FAKE_RESET] = "resets the stream" };
	const struct actor *from = actor_with(&p->from), *to = actor_with(&p->to);
	struct grasp_msg msg;
	struct buf text;
	char memory[512];
	size_t len;

	printf("# %6" PRId64 " ms  %s -> ", p->at_ms - stage.start_ms,
	    from ? from->name : "somebody");
	if (p->kind == FAKE_DATAGRAM)
		printf("link %u: ", p->link);
	else
		printf("%s: ", to ? to->name : "nobody");
	buf_init_fixed(&text, memory, sizeof memory);
	if (p->kind != FAKE_DATAGRAM && p->kind != FAKE_DATA)
		printf("%s\n", kind[p->kind]);
	else if (grasp_msg_decode(p->data, &msg, &len) < 0)
		printf("%zu bytes that are no message\n", p->data.len);
	else
		printf("%s\n", grasp_msg_describe(&msg, &text));
}

static void
dump_fact(const struct fact *f)
{
	printf("# %6" PRId64 " ms  %s %s", f->at_ms, f->who->name,
	    happening_name[f->happening]);
	if (f->name[0])
		printf(" %s", f->name);
	if (f->loop >= 0)
		printf(" loop %d", f->loop);
	if (f->has_value) {
		struct buf text;
		char memory[256];

		buf_init_fixed(&text, memory, sizeof memory);
		cbor_diag(&text, f->value);
		printf(" value %s", buf_text(&text));
	}
	if (f->happening == H_SEARCHED)
		printf(" responses %u", f->count);
	printf("%s%s%s%s%s\n", f->diverted ? " diverted" : "", f->outcome ? " " : "",
	    f->outcome ? f->outcome : "", f->reason[0] ? " reason " : "", f->reason);
}

/* In order of time; what was sent comes before what it caused. */
void
stage_dump(void)
{
	const struct fact *f = STAILQ_FIRST(&stage.facts);

	for (size_t i = 0; stage.net && i < fake_packets(stage.net); i++) {
		const struct fake_packet *p = fake_packet(stage.net, i);

		for (; f && f->at_ms < p->at_ms - stage.start_ms;
		     f = STAILQ_NEXT(f, entry))
			dump_fact(f);
		dump_packet(p);
	}
	for (; f; f = STAILQ_NEXT(f, entry))
		dump_fact(f);
}

/* --- actors ---------------------------------------------------------------------------------- */

struct actor *
actor_find(const char *name)
{
	struct actor *a;

	TAILQ_FOREACH(a, &stage.actors, entry)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

static bool
has_address(const struct actor *a, const struct in6_addr *ip)
{
	struct in6_addr own;

	for (unsigned i = 0; i < a->places; i++)
		for (unsigned n = 0; n < a->place[i].addrs; n++)
			if (inet_pton(AF_INET6, a->place[i].addr[n], &own) == 1 &&
			    IN6_ARE_ADDR_EQUAL(&own, ip))
				return true;
	return false;
}

struct actor *
actor_with(const struct addr *addr)
{
	struct actor *a;

	TAILQ_FOREACH(a, &stage.actors, entry)
		if (has_address(a, &addr->ip))
			return a;
	return NULL;
}

struct place *
actor_place(struct actor *a, unsigned link)
{
	for (unsigned i = 0; i < a->places; i++)
		if (a->place[i].link == link)
			return &a->place[i];
	return NULL;
}

static void
attach(struct actor *a, struct place *p)
{
	p->ifindex = fake_attach(a->host, p->link, NULL);
	for (unsigned i = 0; i < p->addrs; i++)
		fake_add_address(a->host, p->ifindex, p->addr[i]);
}

void
actor_start(struct line *l, struct actor *a)
{
	struct offer *o;
	int err;

	a->host = fake_host_new(stage.net);
	for (unsigned i = 0; i < a->places; i++)
		attach(a, &a->place[i]);
	if (a->outside) {
		outsider_bind(a);
		return;
	}
	if (a->cfg.dull)
		a->cfg.interface = a->place[0].ifindex;
	err = grasp_node_new(fake_host_io(a->host), &a->cfg, &a->node);
	if (err < 0)
		line_fail(l, "%s cannot start: %s", a->name, strerror(-err));
	TAILQ_FOREACH(o, &a->offers, entry)
		offer_register(l, o);
}

void
actor_stop(struct actor *a)
{
	struct part *p;

	if (!a->host)
		return;
	TAILQ_FOREACH(p, &a->parts, entry) {
		p->session = NULL;
		if (p->timer)
			fake_host_io(a->host)->ops->timer_free(p->timer);
		p->timer = NULL;
	}
	a->discovery = NULL;
	a->link = NULL;
	a->stream = NULL;
	grasp_node_free(TAKE(a->node));
	fake_host_free(TAKE(a->host));
}

static void
free_behaviour(struct behaviour *b)
{
	for (unsigned i = 0; i < b->reactions; i++)
		buf_done(&b->reaction[i].value);
}

static void
free_actor(struct actor *a)
{
	struct offer *o;
	struct part *p;

	actor_stop(a);
	while ((p = TAILQ_FIRST(&a->parts))) {
		TAILQ_REMOVE(&a->parts, p, entry);
		if (p->owns)
			free_behaviour(&p->behaviour);
		free(p);
	}
	while ((o = TAILQ_FIRST(&a->offers))) {
		TAILQ_REMOVE(&a->offers, o, entry);
		free_behaviour(&o->behaviour);
		buf_done(&o->value);
		free(o);
	}
	TAILQ_REMOVE(&stage.actors, a, entry);
	free(a);
}

void
stage_done(void)
{
	struct actor *a;

	while ((a = TAILQ_FIRST(&stage.actors)))
		free_actor(a);
	stage_forget();
	fake_net_free(TAKE(stage.net));
}
