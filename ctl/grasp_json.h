/* SPDX-License-Identifier: Apache-2.0
 *
 * GRASP messages as JSON, each element of the wire form under a name: the form of `decoded` in
 * tests/data/grasp, which fogctl(1) describes. */
#pragma once
#include "base/buf.h"

/* One object on one line, without a newline; before its end "diag", the whole message in
 * diagnostic notation. msg: the bytes of one message that grasp_msg_decode() accepts. more: members
 * that go in front, such as "\"time\":1.5,"; may be NULL. */
void grasp_json_put(struct buf *out, struct slice msg, const char *more);

/* Any CBOR item: JSON where possible, else {"$hex"}, {"$map"}, {"$float"}, {"$int"}, {"$simple"},
 * {"$tag", "content", "embedded"}. What is not one item becomes null. */
void grasp_json_put_value(struct buf *out, struct slice item);

/* Why grasp_msg_decode() refuses these bytes: "the initiator has 15 bytes, not 4 or 16". */
void grasp_explain(struct buf *out, struct slice in);
