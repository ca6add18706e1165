/* SPDX-License-Identifier: Apache-2.0
 *
 * What became of the probes to one peer: round trip, loss, jitter. No sockets and no clock here. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PATH_PROBES	64   /* remembered, so many can be under way */
#define PATH_LOSS_OVER	20   /* of which the loss is told */
#define PATH_TIMEOUT_MS 2000 /* then a probe is lost */

enum path_fate { PATH_NONE, PATH_FLYING, PATH_ANSWERED, PATH_LOST };
struct path_probe {
	enum path_fate fate;
	uint16_t seq;
	int64_t sent_ms;   /* monotonic */
	int64_t sent_ns;   /* wall clock */
	double round_trip; /* seconds; NaN: the clock was set meanwhile */
};
struct path {
	struct path_probe probe[PATH_PROBES]; /* a ring */
	unsigned next;
	uint64_t sent, answered;
	int64_t sent_ms,
	    interval_ms;     /* of the last probe, and how long after the one before */
	double last, jitter; /* NaN: not known */
};

void path_init(struct path *p);
void path_send(struct path *p, uint16_t seq, int64_t now_ms, int64_t sent_ns);
/* The newest probe did not leave. */
void path_fail(struct path *p);
/* false: no such probe is under way. */
bool path_answer(struct path *p, uint16_t seq, int64_t received_ns);
/* Gives up what is too old. */
void path_expire(struct path *p, int64_t now_ms);

/* false: no probe has come to an end yet. */
bool path_loss(const struct path *p, double *ret_ratio);
bool path_up(const struct path *p, bool *ret); /* one of the last three was answered */
/* Of the newest probe that has come to an end; false: it was lost. */
bool path_round_trip(const struct path *p, double *ret);
