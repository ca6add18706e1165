/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON (RFC 8259) output. Daemons speak CBOR; JSON is what people's tools read, so the usual
 * way is to build CBOR and transcode it here. */
#pragma once
#include "base/buf.h"

void json_put_text(struct buf *out, struct slice text); /* quoted and escaped; bad UTF-8 becomes U+FFFD */
void json_put_double(struct buf *out, double v); /* as few digits as read back; NaN, Inf: null */
/* One CBOR item as JSON: byte strings as hex text, map keys as text, tags dropped,
 * undefined as null. indent > 0: pretty. -EBADMSG: not one well-formed item. */
int json_put_cbor(struct buf *out, struct slice item, unsigned indent) MUST_CHECK;
