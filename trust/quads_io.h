/* SPDX-License-Identifier: Apache-2.0
 *
 * A grasp_io whose streams are encrypted as QUADS, message by message, on top of another grasp_io.
 * Nobody is proved to be anybody. Datagrams pass: they are the guard's (GUARD_QUADS). */
#pragma once
#include "base/mem.h"
#include "grasp/io.h"

/* inner is borrowed. */
int quads_io_new(struct grasp_io *inner, const char *password, struct grasp_io **ret)
    MUST_CHECK;
void quads_io_free(struct grasp_io *io); /* streams of it end without a word */
