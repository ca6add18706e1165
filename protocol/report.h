/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGREPORT, agent to controller: a batch of results of plan items. M_END accept means stored.
 * Times are the agent's monotonic clock; the controller maps them to its own wall clock with
 * sent_ms at receipt, so that a node with a wrong clock is still ordered right. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define REPORT_POINTS_MAX 256
#define REPORT_BYTES_MAX  1200 /* of value: one segment (I-04) */
#define REPORT_REASON_MAX 128

struct report_point {
	uint32_t item;
	int64_t time_ms;     /* monotonic at the agent */
	double value;	     /* NaN: unknown, see reason */
	uint32_t samples;    /* raw samples it was made of */
	struct slice labels; /* encoded map of text to text; empty: none */
	struct slice reason; /* text, of an unknown: at most REPORT_REASON_MAX bytes */
};
struct fog_report {
	uint8_t boot[8];
	uint64_t
	    sequence; /* of the first point; grows by one per point and never repeats in a boot */
	int64_t sent_ms; /* monotonic, now */
	struct report_point point[REPORT_POINTS_MAX];
	uint16_t points;
};
/* The compact form (key 5 of the map): within one session each series has a number, is told once with item
 * and labels, and its values are packed behind the ones before (base/pack.h), times likewise. So both
 * ends keep the same state, which begins anew with each session; a report that was refused counts. */
struct report_series {
	uint32_t item;
	struct slice labels; /* own copy */
	void *user;	     /* of the decoder's owner; NULL at first */
	uint32_t plan;	     /* to see which are of an item that is no more */
};
struct report_stream;
int report_stream_new(struct report_stream **ret) MUST_CHECK;
void report_stream_free(struct report_stream *s); /* user is the owner's */
DEFINE_FREEP(struct report_stream, report_stream_free)

/* A time after sent_ms is written as sent_ms. */
void fog_report_encode(const struct fog_report *r, struct buf *out);
/* Labels and reasons borrow from value. -EBADMSG; *ret is not to be used then. */
int fog_report_decode(struct slice value, struct fog_report *ret) MUST_CHECK;
