/* SPDX-License-Identifier: Apache-2.0
 *
 * The ASAs of a scenario: they note what they are told and react as it is written. */
#include "tests/replay/stage.h"

#include <errno.h>
#include <string.h>

/* --- noting --------------------------------------------------------------------------------- */

static void
note_objective(struct fact *f, const struct grasp_objective *o)
{
	uint8_t *copy = malloc(o->value.len + 1);

	if (!copy)
		abort();
	if (o->value.len)
		memcpy(copy, o->value.data, o->value.len);
	(void)!slice_copy(o->name, f->name, sizeof f->name);
	f->flags = (int)o->flags;
	f->loop = o->loop_count;
	f->has_value = o->value.len > 0;
	f->value = (struct slice){ copy, o->value.len };
}

static void
note_failure(struct actor *a, int err)
{
	struct fact *f = stage_note(a, H_FAILED);

	f->err = -err;
	strncpy(f->reason, strerrorname_np(-err), sizeof f->reason - 1);
}

/* --- reacting ------------------------------------------------------------------------------- */

static void play(struct part *p);

static void
wake(void *arg)
{
	play(arg);
}

static void
pause_for(struct part *p, uint32_t ms)
{
	struct grasp_io *io = grasp_node_io(p->actor->node);

	if (!p->timer && io->ops->timer_new(io, wake, p, &p->timer) < 0)
		abort();
	io->ops->timer_set(p->timer, ms);
}

int
part_react(struct part *p, const struct reaction *r)
{
	struct grasp_session *s = p->session;

	switch (r->kind) {
	case R_SILENT:
		return 0;
	case R_STEP:
		return grasp_session_step(s, buf_slice(&r->value));
	case R_WAIT:
		return grasp_session_wait(s, r->ms);
	case R_PAUSE:
		pause_for(p, r->ms);
		return 0;
	case R_SYNCH: {
		int err = grasp_session_synch(s, buf_slice(&r->value));

		p->session = err < 0 ? s : NULL;
		return err;
	}
	case R_ACCEPT:
	case R_DECLINE:
		p->session = NULL;
		grasp_session_end(
		    s, r->kind == R_ACCEPT, r->reason[0] ? r->reason : NULL);
		return 0;
	case R_INVALID:
		p->session = NULL;
		return grasp_session_invalid(s, buf_slice(&r->value));
	case R_CANCEL:
		p->session = NULL;
		grasp_session_cancel(s);
		return 0;
	}
	return 0;
}

/* Until it is the peer's turn, or time must pass. */
static void
play(struct part *p)
{
	while (p->session && p->next < p->behaviour.reactions) {
		const struct reaction *r = &p->behaviour.reaction[p->next++];
		int err = part_react(p, r);

		if (err < 0)
			note_failure(p->actor, err);
		if (r->kind != R_WAIT)
			return;
	}
}

struct part *
part_new(struct actor *a, const struct behaviour *b)
{
	struct part *p = calloc(1, sizeof *p);

	if (!p)
		abort();
	p->actor = a;
	if (b)
		p->behaviour = *b;
	TAILQ_INSERT_TAIL(&a->parts, p, entry);
	a->part = p;
	return p;
}

/* --- sessions ------------------------------------------------------------------------------- */

static void
negotiated(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct part *p = arg;

	p->session = s;
	note_objective(stage_note(p->actor, H_NEGOTIATED), obj);
	play(p);
}

static void
synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct part *p = arg;

	(void)s;
	note_objective(stage_note(p->actor, H_SYNCHED), obj);
}

static void
waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	struct part *p = arg;

	(void)s;
	stage_note(p->actor, H_WAITING)->ms = ms;
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct part *p = arg;
	struct fact *f = stage_note(p->actor, H_ENDED);

	(void)s;
	p->session = NULL;
	f->outcome = grasp_outcome_name(outcome);
	(void)!slice_copy(reason, f->reason, sizeof f->reason);
}

const struct grasp_session_ops part_ops = { negotiated, synched, waiting, ended };

static void
asked(void *arg, struct grasp_session *s, const struct grasp_objective *objective)
{
	struct offer *o = arg;
	struct part *p = part_new(o->actor, &o->behaviour);
	struct fact *f = stage_note(o->actor, H_ASKED);

	p->session = s;
	o->actor->link = grasp_session_link(s);
	note_objective(f, objective);
	f->has_session = true;
	f->session = grasp_session_id(s);
	grasp_session_set(s, &part_ops, p);
	play(p);
}

/* --- offers --------------------------------------------------------------------------------- */

static bool
discovered(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *asked_for, struct buf *ret_value)
{
	struct offer *o = arg;
	struct fact *f = stage_note(o->actor, H_LOOKED_FOR);

	f->from = actor_with(&from->addr);
	note_objective(f, asked_for);
	if (o->value.pos && grasp_put(ret_value, buf_slice(&o->value)) < 0)
		note_failure(o->actor, -ENOSPC);
	return !o->refuses;
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct offer *o = arg;
	struct fact *f = stage_note(o->actor, H_FLOODED);

	f->from = actor_with(&from->addr);
	note_objective(f, obj);
	f->ms = ttl_ms;
	f->locator[0] = *locator;
	f->locators = locator->kind != 0;
}

void
offer_register(struct line *l, struct offer *o)
{
	int err;

	o->support.flooded = flooded;
	o->support.discovered = o->flags & F_DISC ? discovered : NULL;
	o->support.negotiate = o->flags & F_NEG ? asked : NULL;
	o->support.synchronize = o->flags & F_SYNCH ? asked : NULL;
	err = grasp_register(
	    o->actor->node, o->name, o->flags, &o->support, o, &o->registration);
	if (err < 0)
		line_fail(l, "%s cannot register %s: %s", o->actor->name, o->name,
		    strerror(-err));
}

/* --- writing of reactions -------------------------------------------------------------------- */

void
reaction_read(struct line *l, struct reaction *ret)
{
	static const char *const name[] = { [R_SILENT] = "silent",
		[R_STEP] = "step",
		[R_WAIT] = "wait",
		[R_PAUSE] = "pause",
		[R_ACCEPT] = "accept",
		[R_DECLINE] = "decline",
		[R_SYNCH] = "synch",
		[R_INVALID] = "invalid",
		[R_CANCEL] = "cancel" };
	const char *word = line_next(l);
	unsigned kind = 0;

	while (kind < sizeof name / sizeof *name && strcmp(word, name[kind]) != 0)
		kind++;
	if (kind == sizeof name / sizeof *name)
		line_fail(l, "an ASA cannot \"%s\"", word);
	*ret = (struct reaction){ .kind = kind };
	buf_init(&ret->value, 4096);
	if (kind == R_STEP || kind == R_SYNCH ||
	    (kind == R_INVALID && line_peek(l) && strcmp(line_peek(l), "then") != 0))
		line_item(l, &ret->value);
	if (kind == R_WAIT || kind == R_PAUSE)
		ret->ms = (uint32_t)line_number(l);
	if (kind == R_DECLINE && line_peek_quoted(l))
		line_quoted(l, ret->reason, sizeof ret->reason);
}

void
behaviour_read(struct line *l, struct behaviour *ret)
{
	do {
		if (ret->reactions == REACTIONS_MAX)
			line_fail(l, "more than %d reactions", REACTIONS_MAX);
		reaction_read(l, &ret->reaction[ret->reactions++]);
	} while (line_take(l, "then"));
}
