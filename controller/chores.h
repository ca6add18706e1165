/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller does every hour: forget what is older than its retention, back control.db
 * up. */
#pragma once
#include "base/mem.h"
#include <stdint.h>

struct chores;
struct grasp_io;
struct store;

/* The first time a minute after the start. */
int chores_new(struct grasp_io *io, struct store *store, struct chores **ret) MUST_CHECK;
void chores_set(struct chores *c, int64_t rows_ms); /* retention */
void chores_free(struct chores *c);
DEFINE_FREEP(struct chores, chores_free)
