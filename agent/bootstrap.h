/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding controllers: a list of candidates, fed by floods of FOGDOMAIN, by answers to our own
 * discovery, and by the configuration. What is heard is a hint and no more: it makes an entry, or an
 * entry due for one connection attempt (S-01). Who is no member of the domain yet does the same with
 * FOGJOIN under the rules of DULL (RFC 8990 §2.5.2): his question makes controllers flood.
 *
 * Discovery runs while somebody wants a controller: at once, then at growing intervals up to a
 * maximum, and never stops (DISC-14). A controller that was just heard makes it unnecessary. */
#pragma once
#include "agent/candidates.h"
#include "grasp/grasp.h"
#include "protocol/domain.h"

struct bootstrap_config {
	bool dull;		/* FOGJOIN, on the link alone */
	const char *prefix;	/* of objective names; NULL: none */
	const char *domain;	/* "": any */
	const char *attributes; /* of this node, canonical */
	const struct fog_id *id;
	const struct addr *fixed; /* configured controllers */
	size_t fixeds;
	enum grasp_assist assist; /* telling neighbours of controllers (F-10) */
	uint8_t hops;		  /* of our searches (SC-11); 0: FOG_LOOP_COUNT */
};

struct bootstrap;

/* news: a candidate may be due earlier than it was. again: the controller at this address was
 * started anew, or NULL; an attempt that began before is in vain. The config is borrowed. */
int bootstrap_new(struct grasp_node *node, const struct bootstrap_config *cfg,
    void (*news)(void *arg, const struct addr *again), void *arg, struct bootstrap **ret)
    MUST_CHECK;
void bootstrap_free(struct bootstrap *b);
DEFINE_FREEP(struct bootstrap, bootstrap_free)

/* Somebody wants a controller (at most delay_ms from now the first M_DISCOVERY leaves), or not. */
void bootstrap_search(struct bootstrap *b, int64_t delay_ms);
void bootstrap_rest(struct bootstrap *b);

/* Somebody who has proved to be a controller has said, or the operator, that there is one. */
void bootstrap_hint(struct bootstrap *b, const struct addr *addr);

/* The candidate to try now, or NULL; then *ret_ms is when one will be due, INT64_MAX: none is
 * known. It is valid until the next call of anything here but the getters. */
struct candidate *bootstrap_pick(struct bootstrap *b, int64_t now_ms, int64_t *ret_ms);
/* How an attempt or a session with the controller at addr went. */
void bootstrap_failed(struct bootstrap *b, const struct addr *addr);
/* Of an attempt that was marked as being tried: we do not want to know any more. */
void bootstrap_left(struct bootstrap *b, const struct addr *addr);
void bootstrap_lost(struct bootstrap *b, const struct addr *addr, int64_t lasted_ms);
void bootstrap_registered(struct bootstrap *b, const struct addr *addr,
    const struct fog_id *controller, uint64_t epoch);

size_t bootstrap_candidates(const struct bootstrap *b, const struct candidate **ret);
uint64_t bootstrap_searches(const struct bootstrap *b); /* M_DISCOVERY sent so far */
