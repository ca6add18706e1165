/* SPDX-License-Identifier: Apache-2.0
 *
 * Shorthands for what the agent asks of its grasp_io: timers, time and chance. */
#pragma once
#include "grasp/io.h"

static inline int MUST_CHECK
timer_new(
    struct grasp_io *io, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	return io->ops->timer_new(io, fire, arg, ret);
}

static inline void
timer_set(struct grasp_io *io, struct grasp_timer *t, int64_t delay_ms)
{
	io->ops->timer_set(t, delay_ms > 0 ? delay_ms : 0);
}

static inline void
timer_stop(struct grasp_io *io, struct grasp_timer *t)
{
	io->ops->timer_stop(t);
}

static inline void
timer_free(struct grasp_io *io, struct grasp_timer *t)
{
	if (t)
		io->ops->timer_free(t);
}

/* 0 … below, evenly; the remainder of 2^64 is no matter here. */
static inline int64_t
random_below(struct grasp_io *io, int64_t below)
{
	uint64_t v;

	if (below <= 0)
		return 0;
	io->ops->random(io, &v, sizeof v);
	return (int64_t)(v % (uint64_t)below);
}

static inline int64_t
random_between(struct grasp_io *io, int64_t low, int64_t high)
{
	return low + random_below(io, high - low + 1);
}

/* period_ms, more or less by a quarter, so that nodes drift apart. */
static inline int64_t
jittered(struct grasp_io *io, int64_t period_ms)
{
	return period_ms - period_ms / 4 + random_below(io, period_ms / 2 + 1);
}
