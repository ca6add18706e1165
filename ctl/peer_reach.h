/* SPDX-License-Identifier: Apache-2.0
 *
 * Who to talk to about an objective: the peer that was named, or those that a discovery finds, in the
 * order in which they answer. The user tries one after the other until one does not refuse. */
#pragma once
#include "ctl/peer_search.h"

#define REACH_MAX 32

struct peer_reach {
	struct asker *asker;
	struct peer_search search;
	struct addr peer[REACH_MAX];
	unsigned peers, tried;
	bool searching, busy;
	/* Begin with this peer; then call peer_reach_next() if it is not the one. */
	void (*attempt)(void *arg, const struct addr *peer);
	void (*exhausted)(void *arg, unsigned tried); /* nobody is left */
	void *arg;
};

/* --peer and --timeout (of the discovery) of the arguments. 0, or the exit code of what was told. */
int peer_reach_start(struct peer_reach *r, struct asker *a, struct slice args,
    const struct grasp_objective *objective, void (*attempt)(void *arg, const struct addr *peer),
    void (*exhausted)(void *arg, unsigned tried), void *arg);
void peer_reach_next(struct peer_reach *r);
void peer_reach_stop(struct peer_reach *r);
