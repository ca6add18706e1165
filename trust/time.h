/* SPDX-License-Identifier: Apache-2.0
 *
 * fog_time: what certificates are judged by. Never earlier than the program was made, than the last
 * authenticated word of a controller, or than this node knew before its reboot; so a node without a
 * clock can join, and one whose clock jumped is still monitored (security.md §5.5). The system's clock
 * is never set. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stdint.h>

#define TRUST_TIME_BUILT   1795219200000LL /* 2026-11-21T00:00:00Z */
#define TRUST_TIME_SUSPECT (400LL * 24 * 3600 * 1000)

struct trust_time;
/* wall and monotonic in ms; path: where the floor is kept, NULL: nowhere. -EBADMSG: that file is
 * damaged; it is left as it is. */
int trust_time_new(const char *path, int64_t (*wall)(void *arg), int64_t (*boot)(void *arg),
    void *arg, struct trust_time **ret) MUST_CHECK;
void trust_time_free(struct trust_time *t);
DEFINE_FREEP(struct trust_time, trust_time_free)

/* ms since 1970: the wall clock, or the floor if that is behind it or not to be believed. The floor
 * rises with the monotonic clock and never runs back. */
int64_t trust_time_now(const struct trust_time *t);
/* A controller that has proved to be one told its clock. True: our own is more than
 * TRUST_TIME_SUSPECT ahead of everything known, which somebody should be told (once). */
bool trust_time_learn(struct trust_time *t, int64_t controller_ms);
bool trust_time_is_suspect(const struct trust_time *t);
void trust_time_keep(struct trust_time *t); /* writes the floor; once an hour, and at the end */
