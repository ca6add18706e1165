/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/peer_search.h"

#include <errno.h>
#include <string.h>

static void
on_found(void *arg, const struct grasp_found *found)
{
	struct peer_search *s = ((struct peer_question *)arg)->search;

	s->found_count++;
	s->found(s->arg, found);
}

void
peer_search_stop(struct peer_search *s)
{
	for (unsigned i = 0; i < ARRAY_LEN(s->question); i++) {
		grasp_discovery_cancel(s->question[i].discovery);
		s->question[i].discovery = NULL;
	}
	if (s->asker)
		asker_timer_free(s->asker, &s->again);
}

static void
end(struct peer_search *s)
{
	peer_search_stop(s);
	s->ended(s->arg);
}

static void
on_searched(void *arg, unsigned responses)
{
	struct peer_question *q = arg;

	(void)responses;
	q->discovery = NULL;
	if (--q->search->running == 0)
		end(q->search);
}

static int
ask(struct peer_search *s, unsigned which, uint32_t timeout_ms)
{
	struct peer_question *q = &s->question[which];
	int err;

	q->search = s;
	err = grasp_discover(s->asker->node, &s->objective, timeout_ms, on_found,
	    on_searched, q, &q->discovery);
	if (err < 0)
		return err;
	s->running++;
	s->sent += grasp_discovery_sent(q->discovery);
	return 0;
}

static void
on_again(void *arg)
{
	struct peer_search *s = arg;

	if (s->found_count > 0) {
		if (!s->patient)
			end(s);
		return;
	}
	if (ask(s, 1, s->timeout_ms - s->hop_ms) < 0 && s->running == 0)
		end(s);
}

static int
refuse(int err)
{
	if (err == -EMSGSIZE)
		return local_usage(
		    "the question is larger than a multicast may be: a shorter value");
	return local_refuse("cannot ask: %s", strerror(-err));
}

int
peer_search_start(struct peer_search *s, struct asker *a,
    const struct grasp_objective *objective, int64_t timeout_ms, grasp_found_f *found,
    void (*ended)(void *arg), void *arg)
{
	int err;

	*s = (struct peer_search){
		.asker = a,
		.objective = *objective,
		.hop_ms = GRASP_HOP_TIMEOUT_MS * (uint32_t)objective->loop_count,
		.patient = timeout_ms > 0,
		.found = found,
		.ended = ended,
		.arg = arg,
	};
	s->timeout_ms = timeout_ms ? (uint32_t)timeout_ms : 2 * s->hop_ms;
	err = asker_timer_new(a, on_again, s, &s->again);
	if (err == 0)
		err = ask(s, 0, s->timeout_ms);
	if (err < 0)
		return refuse(err);
	if (s->sent == 0)
		return local_refuse(
		    "no interface here has an address for GRASP: is the network up?");
	if (s->timeout_ms > s->hop_ms)
		asker_timer_set(a, s->again, s->hop_ms);
	return 0;
}
