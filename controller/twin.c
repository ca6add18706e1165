/* SPDX-License-Identifier: Apache-2.0
 *
 * Two who say to be the same node, and can prove it: somebody has its key (S-18). Or the node has
 * started again before we noticed that it was gone. So who was there first is asked something; if it
 * answers, the other one is refused, and no function is placed on either. */
#include "base/log.h"
#include "controller/event.h"
#include "controller/session_int.h"
#include "protocol/query.h"

#include <errno.h>
#include <string.h>

#define ANSWER_MS 2000
#define CONFLICT  "conflict: another machine with this key is there"

bool
twin_is_there(
    const struct sessions *s, struct grasp_link *link, const struct fog_registration *reg)
{
	const struct node *n = registry_by_id(s->registry, &reg->node);

	return n && n->link && n->link != link &&
	    memcmp(n->boot, reg->boot, sizeof n->boot) != 0;
}

/* The one that is here stays. */
static void
refuse(struct joining *j, struct node *n)
{
	struct sessions *s = j->sessions;
	char address[ADDR_TEXT_MAX] = "somewhere that has hung up";

	s->counters.conflicts++;
	if (j->session)
		peer_describe(grasp_session_link(j->session), address);
	if (!n->quarantined)
		events_emit(s->events, "identity.conflict", n->name, NULL, NULL,
		    "%s at %s answers, and %s has its key as well: refused. No function "
		    "is "
		    "placed there until fogctl node release %s",
		    n->name, n->address, address, n->name);
	registry_quarantine(s->registry, n, true);
	joining_expel(j, CONFLICT);
}

static void
settle(struct joining *j, bool answers)
{
	struct node *n = registry_by_id(j->sessions->registry, &j->id);
	const struct slice value = { j->kept, j->kept_len };
	struct fog_registration reg;

	if (answers && n)
		refuse(j, n);
	else if (!j->session)
		joining_free(j);
	else if (fog_registration_decode(value, &reg))
		joining_end(j, "malformed: that is no registration");
	else
		joining_admit(j, &reg);
}

/* A refusal is an answer as well: somebody is there. */
static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct joining *j = arg;

	(void)session, (void)reason;
	j->asked = NULL;
	settle(j, outcome != GRASP_TIMEOUT && outcome != GRASP_CLOSED);
}

static void
on_answer(
    void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	(void)arg, (void)session, (void)objective;
}

static int
ask(struct joining *j, const struct node *n)
{
	static const struct grasp_session_ops ops = { .synched = on_answer,
		.ended = on_ended };
	/* A constant: nothing has to be measured for it. */
	static const uint8_t program[] = { 0x81, 0x82, 0x02, 0x00 };
	const struct fog_query query = { .program = { program, sizeof program } };
	struct grasp_objective o;
	struct spoken sp;
	uint8_t memory[32];
	struct buf value;

	buf_init_fixed(&value, memory, sizeof memory);
	fog_query_encode(&query, &value);
	spoken_init(&sp, j->sessions, FOGMETRIC, F_DISC | F_SYNCH, buf_slice(&value));
	o = spoken_to(&sp, j->sessions, n);
	return value.err ? value.err
			 : grasp_synchronize(n->link, &o, ANSWER_MS, &ops, j, &j->asked);
}

static bool
is_asked(const struct sessions *s, const struct fog_id *id)
{
	const struct joining *j;

	LIST_FOREACH(j, &s->joinings, entry)
		if (j->asked && !memcmp(&j->id, id, sizeof *id))
			return true;
	return false;
}

void
twin_ask(struct joining *j, const struct fog_registration *reg, struct slice value)
{
	const struct node *n = registry_by_id(j->sessions->registry, &reg->node);
	int err;

	if (is_asked(j->sessions, &reg->node)) {
		joining_end(
		    j, "busy: the one with this key that is there is being asked");
		return;
	}
	j->kept = malloc(value.len);
	if (!j->kept) {
		joining_end(j, "busy: out of memory");
		return;
	}
	memcpy(j->kept, value.data, value.len);
	j->kept_len = value.len;
	err = ask(j, n);
	if (err == -ENOMEM)
		joining_end(j, "busy: out of memory");
	else if (err) /* its link takes nothing any more */
		settle(j, false);
}
