/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts that messages are made of: objectives (RFC 8990 §2.10) and locator options
 * (§2.9.5), read from and written to CBOR. For msg.c; others see msg.h, and here
 * only what compares. */
#pragma once
#include "base/cbor.h"
#include "grasp/msg.h"

/* A text that outlives the reader: borrowed from the input, or put together in kept. */
struct slice option_text_read(struct cbor_reader *r, struct grasp_text *kept);

/* Both read from inside an array that the caller has entered and will leave. */
void option_objective_read(
    struct cbor_reader *r, struct grasp_text *kept, struct grasp_objective *ret);
/* After the option number. False: not a locator, or of a protocol that RFC 8990 does not
 * have; to be passed over. */
bool option_locator_read(struct cbor_reader *r, struct grasp_text *kept, uint64_t option,
    struct grasp_locator *ret);

void option_objective_write(struct buf *out, const struct grasp_objective *obj);
void option_locator_write(struct buf *out, const struct grasp_locator *l);
void option_refuse(struct buf *out); /* sticks -EINVAL */

bool option_locator_equal(const struct grasp_locator *a, const struct grasp_locator *b);
