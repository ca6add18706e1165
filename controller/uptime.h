/* SPDX-License-Identifier: Apache-2.0
 *
 * How sure is it that a node stays? By how often it was LOST in the time that it was there, older
 * times counting less; of one that is new by what the others did. Kept in the store, so that it outlives
 * the controller. Made by the judge, which tells of changes. */
#pragma once
#include "controller/registry.h"

struct uptimes;

/* store NULL: nothing is kept. */
int uptimes_new(struct store *store, struct uptimes **ret) MUST_CHECK;
void uptimes_free(struct uptimes *u); /* what was not written down yet is lost: an hour */
DEFINE_FREEP(struct uptimes, uptimes_free)

/* As registry_ops.changed. */
void uptimes_changed(
    struct uptimes *u, const struct node *n, enum node_state before, int64_t wall_ms);
/* Now and then: writes down who is there, every hour. */
void uptimes_tick(struct uptimes *u, int64_t wall_ms);

/* Probability that the node is not lost within a time. */
double
uptimes_stay(struct uptimes *u, const struct node *n, int64_t wall_ms, int64_t within_ms);
/* Expected time between losses of it, or of a new node. */
double uptimes_between_s(struct uptimes *u, const struct node *n, int64_t wall_ms);
