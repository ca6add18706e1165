/* SPDX-License-Identifier: Apache-2.0
 *
 * What hooks are told beside migrations (HOOK-02): what each kind of event is about, whom it concerns,
 * and when it is over. */
#include "base/json.h"
#include "controller/candidates.h"
#include "controller/judge_int.h"
#include "controller/notify.h"
#include "grasp/io.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ABOUT_SIZE    (3 * FOG_NAME_MAX + 4)
#define EVIDENCE_SIZE 8192

struct telling {
	struct news news;
	char about[ABOUT_SIZE];
	char candidate[NOTIFY_CANDIDATES_MAX][FOG_NAME_MAX + 1];
	char text[256], evidence[EVIDENCE_SIZE];
};

const char *
judge_address(void *arg, const char *node)
{
	const struct judge *j = arg;
	const struct node *n = registry_by_name(j->registry, node);

	return n && !strcmp(n->name, node) && *n->address ? n->address : NULL;
}

static struct hook_instance *
hook_of(const struct judge *j, const struct service *s)
{
	return s && s->hook ? hooks_find(j->hooks, s->hook) : NULL;
}

static bool
wants(const struct judge *j, const struct service *s, enum hook_kind kind)
{
	struct hook_instance *hook = hook_of(j, s);

	return hook && hook_instance_wants(hook, kind);
}

static void
begin(struct telling *t, enum hook_kind kind, const char *service)
{
	memset(t, 0, offsetof(struct telling, evidence));
	t->news = (struct news){ .kind = kind,
		.about = t->about,
		.service = service,
		.candidate = t->candidate,
		.reason = t->text,
		.probability = NAN,
		.evidence = t->evidence };
	snprintf(t->evidence, sizeof t->evidence, "{}");
}

static void
name_function(struct telling *t, const struct placement *p)
{
	snprintf(t->about, sizeof t->about, "%s/%s", p->service_name, p->function_name);
	t->news.function = p->function_name;
	t->news.generation = p->generation;
	t->news.source = p->node;
}

/* The best of those that could take it over. */
static void
rank_candidates(struct judge *j, const struct placement *p, struct telling *t)
{
	struct candidates_query q = { .nodes = registry_first(j->registry),
		.placements = j->placements,
		.of = p,
		.watches = j->watches,
		.vitals = j->vitals,
		.uptimes = j->uptimes,
		.now_ms = judge_now(j),
		.wall_ms = judge_wall(j) };
	struct candidate *c;
	size_t n;

	if (candidates_rank(&q, &c, &n) < 0)
		return;
	for (size_t i = 0;
	     i < n && c[i].accepted && t->news.candidates < NOTIFY_CANDIDATES_MAX; i++)
		snprintf(t->candidate[t->news.candidates++], sizeof t->candidate[0], "%s",
		    c[i].node->name);
	free(c);
}

/* --- the situation of a function ---------------------------------------------------------------- */

static void
tell_standing(struct judge *j, const struct placement *p, enum hook_kind kind,
    const struct situation *s)
{
	struct telling t;

	if (!wants(j, p->service, kind))
		return;
	begin(&t, kind, p->service_name);
	name_function(&t, p);
	snprintf(t.text, sizeof t.text, "%s", s->reason);
	t.news.probability = s->probability;
	t.news.due_ms = s->due_ms;
	if (*s->evidence)
		snprintf(t.evidence, sizeof t.evidence, "%s", s->evidence);
	if (!notify_is_news(j->notifier, hook_of(j, p->service), &t.news))
		return;
	rank_candidates(j, p, &t);
	notify(j->notifier, hook_of(j, p->service), &t.news);
}

static const char *
situation_name(enum situation_kind k)
{
	switch (k) {
	case SITUATION_LOST:
		return "lost";
	case SITUATION_VIOLATED:
		return "violated";
	case SITUATION_PREDICTED:
	case SITUATION_NONE:
		break;
	}
	return "predicted";
}

/* The function is where it was, and nothing is the matter any more: also without a hook that moves, and
 * when nobody was found to take it. */
static void
tell_cleared(struct judge *j, const struct placement *p)
{
	const struct placement_situation *was = &p->situation;
	struct telling t;

	if (!wants(j, p->service, HOOK_PREDICTION_CLEARED))
		return;
	begin(&t, HOOK_PREDICTION_CLEARED, p->service_name);
	name_function(&t, p);
	if (*was->event) {
		t.news.id = was->event;
		t.news.rev = was->rev;
	}
	t.news.probability = 0;
	snprintf(
	    t.text, sizeof t.text, "%s is good again for %s", p->node, p->function_name);
	snprintf(t.evidence, sizeof t.evidence, "{\"was\":\"%s\"}",
	    situation_name((enum situation_kind)was->kind));
	notify(j->notifier, hook_of(j, p->service), &t.news);
}

static void
end_standing(struct judge *j, const struct placement *p, enum hook_kind kind)
{
	char about[ABOUT_SIZE];

	snprintf(about, sizeof about, "%s/%s", p->service_name, p->function_name);
	notify_end(j->notifier, kind, about);
}

/* What the hook that moves was told, a later event can refer to. */
static void
note_event(struct placement *p)
{
	if (!p->migration)
		return;
	snprintf(p->situation.event, sizeof p->situation.event, "%s",
	    migration_id(p->migration));
	p->situation.rev = migration_rev(p->migration);
}

void
judge_notify_situation(struct judge *j, struct placement *p, const struct situation *s)
{
	struct placement_situation *was = &p->situation;

	if (!p->function)
		return;
	if (was->kind == SITUATION_LOST && s->kind != SITUATION_LOST)
		end_standing(j, p, HOOK_NODE_LOST);
	if (was->kind == SITUATION_VIOLATED && s->kind != SITUATION_VIOLATED)
		end_standing(j, p, HOOK_SERVICE_DEGRADED);
	if (s->kind == SITUATION_LOST)
		tell_standing(j, p, HOOK_NODE_LOST, s);
	else if (s->kind == SITUATION_VIOLATED)
		tell_standing(j, p, HOOK_SERVICE_DEGRADED, s);
	if (s->kind == SITUATION_NONE && was->kind != SITUATION_NONE)
		tell_cleared(j, p);
	if (s->kind == SITUATION_NONE)
		memset(was, 0, sizeof *was);
	was->kind = s->kind;
	note_event(p);
}

/* --- a move --------------------------------------------------------------------------------------- */

static void
put_place(const struct judge *j, struct buf *b, const struct placement *p)
{
	const char *address = *p->node ? judge_address((void *)j, p->node) : NULL;

	buf_puts(b, "{\"function\":");
	json_put_text(b, slice_text(p->function_name));
	buf_puts(b, ",\"node\":");
	json_put_text(b, slice_text(p->node));
	buf_puts(b, ",\"address\":");
	json_put_text(b, slice_text(address ? address : ""));
	buf_printf(b, ",\"generation\":%llu}", (unsigned long long)p->generation);
}

static bool
is_linked(const struct service *s, const char *a, const char *b)
{
	for (size_t i = 0; i < s->links; i++)
		if ((!strcmp(s->link[i].from, a) && !strcmp(s->link[i].to, b)) ||
		    (!strcmp(s->link[i].from, b) && !strcmp(s->link[i].to, a)))
			return true;
	return false;
}

/* {"function": ..., "node": ..., "address": ..., "neighbours": [{...}]}: who has to know it. */
static void
put_connectivity(const struct judge *j, const struct placement *p, struct telling *t)
{
	struct buf b;
	bool any = false;

	buf_init_fixed(&b, t->evidence, sizeof t->evidence - 1);
	put_place(j, &b, p);
	b.pos--; /* the object goes on */
	buf_puts(&b, ",\"neighbours\":[");
	for (const struct placement *o = j->placements; o; o = o->next) {
		if (o == p || o->service != p->service || !o->function ||
		    !is_linked(p->service, p->function_name, o->function_name))
			continue;
		buf_puts(&b, any ? "," : "");
		put_place(j, &b, o);
		any = true;
	}
	buf_puts(&b, "]}");
	t->evidence[b.err ? 0 : b.pos] = '\0';
	if (b.err)
		t->news.evidence = NULL; /* half an object is none */
}

void
judge_notify_gone(struct judge *j, struct placement *p)
{
	end_standing(j, p, HOOK_NODE_LOST);
	end_standing(j, p, HOOK_SERVICE_DEGRADED);
	memset(&p->situation, 0, sizeof p->situation);
}

void
judge_notify_moved(struct judge *j, struct placement *p, const char *from)
{
	struct telling t;

	judge_notify_gone(j, p);
	if (!p->function || !wants(j, p->service, HOOK_CONNECTIVITY_UPDATE))
		return;
	begin(&t, HOOK_CONNECTIVITY_UPDATE, p->service_name);
	name_function(&t, p);
	t.news.source = from;
	t.news.candidates = 1;
	snprintf(t.candidate[0], sizeof t.candidate[0], "%s", p->node);
	snprintf(t.text, sizeof t.text, "%s is on %s now", p->function_name, p->node);
	put_connectivity(j, p, &t);
	notify(j->notifier, hook_of(j, p->service), &t.news);
}

/* --- nodes ------------------------------------------------------------------------------------------ */

/* {"functions": [...]}: for which the node could be a candidate; false: for none. */
static bool
put_suited(const struct judge *j, const struct service *s, const struct node *n,
    struct telling *t)
{
	struct buf b;
	bool any = false;

	buf_init_fixed(&b, t->evidence, sizeof t->evidence - 1);
	buf_puts(&b, "{\"functions\":[");
	for (const struct placement *p = j->placements; p; p = p->next) {
		if (p->service != s || !p->function || !strcmp(p->node, n->name) ||
		    !candidates_suit(p, n))
			continue;
		buf_puts(&b, any ? "," : "");
		json_put_text(&b, slice_text(p->function_name));
		any = true;
	}
	buf_puts(&b, "]}");
	t->evidence[b.err ? 0 : b.pos] = '\0';
	return any && !b.err;
}

static void
tell_node(struct judge *j, const struct service *s, const struct node *n,
    enum hook_kind kind, const char *what)
{
	struct telling t;

	if (!wants(j, s, kind))
		return;
	begin(&t, kind, s->name);
	snprintf(t.about, sizeof t.about, "%s %s", s->name, n->name);
	t.news.source = n->name;
	snprintf(t.text, sizeof t.text, "%s %s", n->name, what);
	if (put_suited(j, s, n, &t))
		notify(j->notifier, hook_of(j, s), &t.news);
}

static void
forget_node(
    struct judge *j, const struct service *s, const struct node *n, enum hook_kind kind)
{
	char about[ABOUT_SIZE];

	snprintf(about, sizeof about, "%s %s", s->name, n->name);
	notify_forget(j->notifier, kind, about);
}

/* For services that it could have served, beside those whose functions are on it. */
void
judge_notify_node(struct judge *j, const struct node *n, enum node_state before)
{
	bool joined =
	    n->state == NODE_ALIVE && (before == NODE_GONE || before == NODE_LOST);
	bool lost = (n->state == NODE_LOST || n->state == NODE_GONE) &&
	    before != NODE_LOST && before != NODE_GONE;

	for (const struct service *s = j->services; s && (joined || lost); s = s->next) {
		forget_node(j, s, n, joined ? HOOK_NODE_LOST : HOOK_NODE_JOINED);
		if (joined)
			tell_node(j, s, n, HOOK_NODE_JOINED, "joined");
		else
			tell_node(j, s, n, HOOK_NODE_LOST, "is lost");
	}
}
