/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions: a subset of PromQL with the same meaning, and what fog adds to it (DESIGN.md §6).
 * People write text; controller and fogctl parse it; what travels and what an agent runs is the
 * program, the sequence of functions with their parameters in postfix order, as CBOR:
 *
 *	avg_over_time(node_load1[5m])  →  [[1, "node_load1", 300000], [3, 2]]
 *
 * Opcodes: metrics/expr_program.h and protocol/fog.cddl. Not in the subset: offset, @, subqueries,
 * group_left, =~ beyond . .* .+ | and escapes. A program has no loops and is checked before it is
 * installed: at most 256 steps, stack 32, windows up to 24 h, 64 Ki samples (S-22): a day
 * of seconds is more, and is read at longer steps. */
#pragma once
#include "metrics/metric.h"

#define EXPR_TEXT_MAX	   1024
#define EXPR_PROGRAM_MAX   2048
#define EXPR_STEPS_MAX	   256
#define EXPR_WINDOW_MAX_MS (24 * 3600 * 1000LL)
#define EXPR_LOOKBACK_MS \
	(5 * 60 * 1000LL) /* how old an instant value may be (Prometheus) */

/* Text to program. err gets "column 17: unknown function …". -EINVAL. */
int
expr_parse(const char *text, struct buf *program, char *err, size_t err_size) MUST_CHECK;
/* Is it a program that can be run here? err says why not. -EINVAL, -ENOENT unknown metric (only
 * if `known` is given: is there such a metric?). */
int expr_check(struct slice program, bool (*known)(const void *arg, const char *metric),
    const void *arg, char *err, size_t err_size) MUST_CHECK;
void expr_print(struct slice program, struct buf *text); /* back to text */
/* Tells each SELECT (metrics/expr_program.h): the metric that is read, how far back (window 0: the
 * newest value) and of which labels. */
struct expr_step;
int expr_needs(struct slice program,
    void (*need)(void *arg, const struct expr_step *select), void *arg);

struct expr_value {
	struct metric_labels labels;
	double value;
	uint32_t samples; /* how many raw samples it was made of */
	int64_t
	    newest_ms; /* monotonic time of the newest and the oldest of them; 0: none */
	int64_t oldest_ms;
};
struct expr_scratch;
struct expr_result {
	struct expr_value *value;
	size_t len; /* 0: unknown, for the reason given */
	char unit[32];
	size_t cost; /* values and samples that were looked at */
	/* Why len is 0, or why all there is is not a number (0 / 0):
	 * "no sample of node_load1 in the last 5 min" */
	char unknown[128];
	size_t room;		      /* at value */
	struct expr_scratch *scratch; /* whose that is; NULL: of nobody else */
};
void expr_result_done(struct expr_result *r);

struct series_set;
/* Whose series an expression sees: one set, or several, of which each series then carries a label more
 * (node="A"), and those of `more` that it has not itself. */
struct expr_part {
	struct series_set *set;
	const char *label, *value;	  /* NULL: none */
	const struct metric_labels *more; /* NULL: none */
};
struct expr_scope {
	size_t len;
	const struct expr_part *part;
	bool wide; /* the bounds of several sets, although it is one */
};
/* At the instant now_ms. 0 with a result, known or unknown (too little data, a bound that was hit);
 * -EINVAL: not a program; -ENOMEM. scratch: memory of metrics/expr_scratch.h, with which the second
 * time allocates nothing; NULL: none. */
int expr_eval_scope(struct expr_scratch *scratch, struct slice program,
    const struct expr_scope *scope, int64_t now_ms, struct expr_result *ret) MUST_CHECK;
/* Over one set without a label. */
int expr_eval_in(struct expr_scratch *scratch, struct slice program,
    struct series_set *set, int64_t now_ms, struct expr_result *ret) MUST_CHECK;
int expr_eval(struct slice program, struct series_set *set, int64_t now_ms,
    struct expr_result *ret) MUST_CHECK;

/* The table of functions, for manuals and completion; what follows help is for the evaluator. */
struct expr_range;
enum expr_unit {
	EXPR_UNIT_SAME,
	EXPR_UNIT_PER_SECOND,
	EXPR_UNIT_SECONDS,
	EXPR_UNIT_NONE
};
struct expr_function {
	const char *name, *arguments, *help;
	uint8_t opcode;
	char gives; /* 'v' or 's' */
	/* Of the arguments: r range, v vector, s scalar; left out from the end: S is 1, Z is 0. */
	const char *types;
	uint8_t needs; /* samples in the window */
	enum expr_unit unit;
	/* At most one of the two; scalar: the scalar arguments in order. false: no value, for a reason. */
	bool (*over)(const struct expr_range *range, const double *scalar, double *ret);
	bool (*map)(double value, const double *scalar, double *ret);
	bool fog;  /* Prometheus has none of this name */
	bool ends; /* `over` is shown the marks where a series has ended as well */
};
extern const struct expr_function expr_functions[]; /* name NULL ends it */
