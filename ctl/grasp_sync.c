/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp sync: the present value of an objective, from whoever floods it or answers for it
 * (A-07). */
#include "base/cbor.h"
#include "ctl/grasp.h"
#include "ctl/peer_reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX	  (1u << 20)
#define ANSWER_MS 10000

struct sync {
	struct asker asker;
	struct peer_reach reach;
	struct grasp_objective objective;
	struct grasp_registration *floods;
	struct addr peer; /* that is being asked */
	enum grasp_outcome outcome;
	char why[128];
};

static void
finish(struct sync *s, const struct grasp_objective *obj, const struct addr *from,
    bool flooded)
{
	struct buf row;

	if (s->asker.status >= 0)
		return; /* the other way was quicker */
	buf_init(&row, ROW_MAX);
	wr_open_map(&row);
	wr_key_text(&row, "objective", (const char *)s->objective.name.data);
	asker_key_diag(&row, "value", obj->value);
	wr_key_text(&row, "source", flooded ? "flood" : "synchronization");
	asker_key_addr(&row, "from", from);
	wr_close(&row);
	asker_print(&s->asker, &row);
	buf_done(&row);
	asker_end(&s->asker, LOCAL_DONE);
}

static void
on_flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)locator;
	(void)ttl_ms;
	if (obj->value.len)
		finish(arg, obj, &from->addr, true);
}

static void
on_synched(void *arg, struct grasp_session *session, const struct grasp_objective *obj)
{
	struct sync *s = arg;

	(void)session;
	finish(s, obj, &s->peer, false);
}

static void
on_session_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct sync *s = arg;

	(void)session;
	if (outcome == GRASP_ACCEPTED)
		return;
	s->outcome = outcome;
	if (slice_copy(reason, s->why, sizeof s->why) < 0)
		s->why[0] = '\0';
	peer_reach_next(&s->reach);
}

static void
attempt(void *arg, const struct addr *peer)
{
	static const struct grasp_session_ops ops = { .synched = on_synched,
		.ended = on_session_ended };
	struct sync *s = arg;
	struct grasp_session *session;
	struct grasp_link *link;
	int err;

	s->peer = *peer;
	s->outcome = GRASP_CLOSED;
	err = grasp_link_open(s->asker.node, peer, NULL, NULL, &link);
	if (err == 0)
		err =
		    grasp_synchronize(link, &s->objective, ANSWER_MS, &ops, s, &session);
	if (err < 0)
		peer_reach_next(&s->reach);
}

static void
exhausted(void *arg, unsigned tried)
{
	struct sync *s = arg;

	if (s->asker.status >= 0)
		return;
	if (tried == 0)
		local_refuse(
		    "nobody answers for %s, nor floods it", s->objective.name.data);
	else
		local_refuse("no value of %s: %s%s%s", s->objective.name.data,
		    grasp_outcome_name(s->outcome), *s->why ? ", " : "", s->why);
	asker_end(&s->asker, LOCAL_REFUSED);
}

static int
start(struct sync *s, struct slice args)
{
	static const struct grasp_support hear = { .flooded = on_flooded };
	const char *name = (const char *)s->objective.name.data;
	int err;

	/* What floods say is taken from anybody, so not if one peer was named. */
	if (local_all(args, "peer", &(struct slice){ 0 }, 1) == 0) {
		err = grasp_register(s->asker.node, name, 0, &hear, s, &s->floods);
		if (err < 0)
			return local_refuse(
			    "cannot listen for %s: %s", name, strerror(-err));
	}
	return peer_reach_start(
	    &s->reach, &s->asker, args, &s->objective, attempt, exhausted, s);
}

int
grasp_sync_run(struct slice args, struct printer *p)
{
	struct sync s = { 0 };
	char name[GRASP_NAME_MAX + 1];
	int status = asker_objective(args, F_DISC | F_SYNCH, name, NULL, &s.objective);

	if (!status)
		status = asker_open(&s.asker, args, p);
	if (!status)
		status = start(&s, args);
	if (!status)
		status = asker_run(&s.asker);
	peer_reach_stop(&s.reach);
	asker_close(&s.asker);
	return status;
}
