/* SPDX-License-Identifier: Apache-2.0
 *
 * A discovery that asks again when nobody has answered in time: answers by way of a relay may only be
 * there for the second question (I-18). Owned by its user; ends with one ended() call. */
#pragma once
#include "ctl/asker.h"

struct peer_question {
	struct peer_search *search;
	struct grasp_discovery *discovery; /* NULL: over, or not asked */
};

struct peer_search {
	struct asker *asker;
	struct grasp_objective objective;
	uint32_t hop_ms, timeout_ms;
	bool patient; /* a timeout was asked for: wait all of it */
	struct peer_question question[2];
	struct grasp_timer *again;
	unsigned running, found_count, sent;
	grasp_found_f *found;
	void (*ended)(void *arg);
	void *arg;
};

/* timeout_ms 0: until there is an answer, at most twice 100 ms times the loop count. The objective
 * is borrowed. 0, or the exit code of what was told. */
int peer_search_start(struct peer_search *s, struct asker *a,
    const struct grasp_objective *objective, int64_t timeout_ms, grasp_found_f *found,
    void (*ended)(void *arg), void *arg);
void peer_search_stop(struct peer_search *s); /* no callback any more */
