/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGMETRIC: M_REQ_SYN with a query as the objective's value → M_SYNCH with the result. Asked is a
 * program, or a list: the newest value of each metric whose name fits a pattern. It is computed now, or
 * at each step of a range that has passed (RPT-01); then a series is a column of values. */
#pragma once
#include "base/cbor.h"
#include "base/pack.h"
#include "protocol/names.h"

#define QUERY_POINTS_MAX	256  /* series of one result */
#define QUERY_PROGRAM_MAX	2048 /* bytes */
#define QUERY_PATTERN_MAX	128
#define QUERY_STEPS_MAX		11000		   /* of a range, as Prometheus has it */
#define QUERY_AGE_MAX_MS	(400 * 86400000LL) /* how far back a range may begin */
#define QUERY_COLUMNS_BYTES_MAX 57344 /* of one result, so that it fits a message */

/* A range begins so long before now and ends so long before: two clocks need not agree. */
struct query_range {
	int64_t start_age_ms, end_age_ms;
	int64_t step_ms; /* 0: no range, the value now */
};
struct fog_query {
	struct slice program;
	char pattern[QUERY_PATTERN_MAX + 1]; /* of metrics' names; "": the program */
	struct query_range range;
};
struct query_point {
	struct slice labels; /* encoded map of text to text; empty: none */
	double value;
	uint32_t samples;
	int64_t oldest_ms, newest_ms; /* of the raw samples, monotonic; 0: not known */
};
/* The values of a series at steps first, first + 1 and so on of the range; NaN is unknown. */
struct query_column {
	struct slice labels;
	uint32_t first, len;
	struct slice packed; /* see column_open() */
};
struct fog_result {
	int64_t now_ms, wall_ms; /* the node's clocks at evaluation */
	char unit[33];
	char unknown[129]; /* why there is no value; then there are no series */
	int64_t start_ms;  /* of a range: its first step, monotonic; may be below 0 */
	int64_t step_ms;   /* 0: no range */
	uint16_t points, columns; /* one of them is 0 */
	union {
		struct query_point point[QUERY_POINTS_MAX];
		struct query_column column[QUERY_POINTS_MAX];
	};
};
/* How many steps it has, both ends included; 0: it is no good, and why says what to do. */
uint32_t query_range_steps(const struct query_range *r, const char **ret_why);

/* Decoded programs, labels and columns borrow from value. -EBADMSG; *ret is not to be used then. */
void fog_query_encode(const struct fog_query *q, struct buf *out);
int fog_query_decode(struct slice value, struct fog_query *ret) MUST_CHECK;
void fog_result_encode(const struct fog_result *r, struct buf *out);
int fog_result_decode(struct slice value, struct fog_result *ret) MUST_CHECK;

/* --- columns, value by value ------------------------------------------------------------------ */
struct column_reader {
	struct pack_values state;
	struct bit_reader bits;
	uint32_t left;
};
void column_open(const struct query_column *c, struct column_reader *ret);
bool column_next(struct column_reader *r, double *ret); /* false: that was all */

struct column_writer { /* zeroed at the beginning */
	struct pack_values state;
	struct bit_writer bits;
	uint32_t first, len;
};
/* Steps ascend; those left out, and NaN, are unknown. -ENOMEM. */
int column_put(struct column_writer *w, uint32_t step, double value) MUST_CHECK;
struct query_column column_view(const struct column_writer *w, struct slice labels);
void column_writer_done(struct column_writer *w);
