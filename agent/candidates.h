/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded list of addresses where a controller may be, and how attempts went. What was only heard
 * of costs at most CANDIDATE_TRIES_PER_MIN attempts a minute and never the place of a better one.
 * Known-good controllers come first, then those that the operator or a controller's signature stands
 * for, then those that spoke up when they were asked; the rest take turns, those tried least first and
 * of these the newest, so that a crowd of liars does not keep an honest one waiting for ever (S-01). */
#pragma once
#include "base/mem.h"
#include "grasp/io.h"
#include "protocol/names.h"

#define CANDIDATES_MAX		32
#define CANDIDATE_TRIES_PER_MIN 6
#define CANDIDATE_PORTS_MAX	4 /* of one address, of hearsay */
#define CANDIDATE_TRACES	2048

struct candidate {
	struct addr addr; /* of its GRASP listener */
	bool has_id;
	struct fog_id id;
	uint64_t epoch;	    /* 0: not known */
	int64_t heard_ms;   /* last flood or answer; INT64_MIN: never */
	int64_t expires_ms; /* INT64_MAX: does not */
	int64_t retry_ms;   /* no attempt before */
	int64_t woken_ms;   /* when a hint last made it due earlier; INT64_MIN: never */
	int64_t ended_ms
	    [CANDIDATE_TRIES_PER_MIN]; /* attempts, newest first; INT64_MIN: none */
	unsigned failures;	       /* attempts since the last good session */
	bool fixed;		       /* configured */
	bool vouched; /* heard in a message that a controller has signed */
	bool proven;  /* has given us a lease */
	bool ours;    /* and holds it: newcomers may be told (DISC-09) */
	bool asked;   /* was heard just after our question, and not tried since */
	bool trying;  /* an attempt is under way: keeps its place, is not picked again */
};

struct candidates { /* embedded */
	struct grasp_io *io;
	struct candidate list[CANDIDATES_MAX];
	size_t len;
	/* How often a minute: the bound holds also for who lost his place in a crowd, and comes back. */
	uint8_t trace[CANDIDATE_TRACES];
	uint32_t trace_seed;
	int64_t traces_ms; /* when they began */
};

void candidates_init(struct candidates *l, struct grasp_io *io);
struct candidate *candidates_find(struct candidates *l, const struct addr *addr);
/* NULL: all the places are taken by better ones. hearsay: it costs nobody a place who was not tried
 * yet. Other candidates may be elsewhere afterwards. */
struct candidate *
candidates_add(struct candidates *l, const struct addr *addr, bool hearsay);
void candidates_remove(struct candidates *l, struct candidate *c);
/* The one to try now, or NULL; then *ret_ms is when one will be due, INT64_MAX: none is known. */
struct candidate *
candidates_pick(struct candidates *l, int64_t now_ms, int64_t *ret_ms) MUST_CHECK;

/* A first attempt at this time, or as soon as the bound allows. */
void candidate_begin(struct candidate *c, int64_t at_ms);
void candidate_failed(struct candidates *l, struct candidate *c);
void candidate_lost(struct candidates *l, struct candidate *c, int64_t lasted_ms);
/* It was started anew, or answers us: worth an attempt before its back-off is over. False: it was
 * woken just before, a liar who says so all the time gets no more out of it. */
bool candidate_wake(struct candidates *l, struct candidate *c);
