/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: M_REQ_SYN with a program as the objective's value → M_SYNCH with the result. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define QUERY_POINTS_MAX  128
#define QUERY_PROGRAM_MAX 2048 /* bytes */

struct query_point {
	struct slice labels; /* encoded map of text to text; empty: none */
	double value;
	uint32_t samples;
	int64_t oldest_ms, newest_ms; /* of the raw samples, monotonic; 0: not known */
};
struct fog_result {
	int64_t now_ms, wall_ms; /* the node's clocks at evaluation */
	char unit[33];
	char unknown[129]; /* why there is no value; then points is 0 */
	struct query_point point[QUERY_POINTS_MAX];
	uint16_t points;
};
struct fog_query {
	struct slice program;
};
/* Decoded programs and labels borrow from value. -EBADMSG; *ret is not to be used then. */
void fog_query_encode(const struct fog_query *q, struct buf *out);
int fog_query_decode(struct slice value, struct fog_query *ret) MUST_CHECK;
void fog_result_encode(const struct fog_result *r, struct buf *out);
int fog_result_decode(struct slice value, struct fog_result *ret) MUST_CHECK;
