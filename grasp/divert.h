/* SPDX-License-Identifier: Apache-2.0
 *
 * Answering for others (G-069): O_DIVERT with what earlier responses and floods have told. What was
 * learnt on another link is told at once; what the asker's own link told, only where it is wanted,
 * a little later, while it is fresh, and seldom (F-10, S-09). Knowledge that means something on one
 * link alone is never told (G-027). */
#pragma once
#include "grasp/multicast.h"

/* Is anything known, whatever may be told? Cheap. */
bool divert_knows(struct grasp_node *n, struct slice name);
/* reg NULL: nobody here supports the objective. True: settled, nothing is to be passed on. */
bool divert_consider(
    struct grasp_node *n, struct question *q, const struct grasp_registration *reg);
/* Puts a locator into an O_DIVERT, if it may stand there and does not yet. */
void divert_add(
    const struct grasp_node *n, struct grasp_msg *answer, const struct grasp_locator *l);
void divert_drop_all(struct grasp_node *n);
