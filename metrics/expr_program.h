/* SPDX-License-Identifier: Apache-2.0
 *
 * What an expression is on the wire: a CBOR array of steps in postfix order, each an array that
 * begins with its opcode. The numbers below are the protocol (protocol/fog.cddl): they are never
 * reused and never changed. Parameters in [] are left out from the end while they are default.
 *
 *	opcode       parameters                                    takes → leaves
 *	1 SELECT     name, window ms (0: newest), [matchers]       → vector; window > 0: range
 *	               matchers: array of [0 =|1 !=|2 =~|3 !~, label, value]
 *	2 NUMBER     number                                        → scalar
 *	3 CALL       function (expr_functions)                     arguments → vector or scalar
 *	4 BINARY     operator, [0|1 bool, 0 all|1 on|2 ignoring, labels]
 *	                                                           left right → vector or scalar
 *	5 NEGATE                                                   a → -a
 *	6 AGGREGATE  aggregation, [0 none|1 by|2 without, labels]  [scalar] vector → vector
 *
 *	operators:    1 +  2 -  3 *  4 /  5 %  6 ^  7 ==  8 !=  9 <  10 <=  11 >  12 >=
 *	              13 and  14 or  15 unless
 *	aggregations: 1 sum  2 avg  3 min  4 max  5 count  6 stddev  7 stdvar  8 quantile  9 group
 *	              10 topk  11 bottomk */
#pragma once
#include "base/cbor.h"
#include "metrics/expr.h"

#define EXPR_STACK_MAX	  32
#define EXPR_MATCHERS_MAX 8
#define EXPR_LABELS_MAX	  8 /* in by, without, on, ignoring */
#define EXPR_VECTOR_MAX	  256
#define EXPR_SAMPLES_MAX  65536
#define EXPR_COARSE_MS \
	1000 /* a window that holds more is read at such steps or longer ones */
#define EXPR_WORK_MAX 10000 /* elements handled in one evaluation (S-22) */
/* The same for expressions over several sets, which only a controller evaluates. */
#define EXPR_WIDE_VECTOR_MAX  65536
#define EXPR_WIDE_SAMPLES_MAX (4 << 20)
#define EXPR_WIDE_WORK_MAX    1000000

enum expr_op {
	EXPR_SELECT = 1,
	EXPR_NUMBER = 2,
	EXPR_CALL = 3,
	EXPR_BINARY = 4,
	EXPR_NEGATE = 5,
	EXPR_AGGREGATE = 6,
};
enum expr_operator {
	EXPR_ADD = 1,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_MOD,
	EXPR_POW,
	EXPR_EQ,
	EXPR_NE,
	EXPR_LT,
	EXPR_LE,
	EXPR_GT,
	EXPR_GE,
	EXPR_AND,
	EXPR_OR,
	EXPR_UNLESS,
	EXPR_OPERATORS,
};
enum expr_aggregation {
	EXPR_SUM = 1,
	EXPR_AVG,
	EXPR_MIN,
	EXPR_MAX,
	EXPR_COUNT,
	EXPR_STDDEV,
	EXPR_STDVAR,
	EXPR_QUANTILE,
	EXPR_GROUP,
	EXPR_TOPK,
	EXPR_BOTTOMK,
	EXPR_AGGREGATIONS,
};
enum expr_grouping {
	EXPR_ALL = 0,
	EXPR_ON = 1,
	EXPR_IGNORING = 2
}; /* none, by, without */
enum expr_match {
	EXPR_EQUAL = 0,
	EXPR_NOT_EQUAL = 1,
	EXPR_REGEX = 2,
	EXPR_NOT_REGEX = 3
};

struct expr_matcher {
	uint8_t match; /* enum expr_match */
	char label[METRIC_LABEL_NAME_MAX], value[METRIC_LABEL_VALUE_MAX];
};
struct expr_step {
	enum expr_op op;
	uint8_t what; /* CALL: function, BINARY: operator, AGGREGATE: aggregation */
	bool boolean;
	uint8_t grouping; /* enum expr_grouping */
	uint8_t labels, matchers;
	double number;
	int64_t window_ms;
	char metric[METRIC_NAME_MAX + 1];
	char label[EXPR_LABELS_MAX][METRIC_LABEL_NAME_MAX];
	struct expr_matcher matcher[EXPR_MATCHERS_MAX];
};

/* Encode and decode one step. A decoder's error is in the reader. */
void expr_step_encode(const struct expr_step *s, struct buf *out);
void expr_step_decode(struct cbor_reader *r, struct expr_step *ret);

/* The types on the stack: 's' scalar, 'v' vector, 'r' range. */
struct expr_typing {
	char stack[EXPR_STACK_MAX];
	unsigned depth, steps;
};
/* Would the step run on such a stack? Then this is the stack after it. err: a sentence. */
int expr_typing_apply(struct expr_typing *t, const struct expr_step *s, char *err,
    size_t err_size) MUST_CHECK;
/* Is that all an expression? */
int expr_typing_end(const struct expr_typing *t, char *err, size_t err_size) MUST_CHECK;

const struct expr_function *expr_function_by_name(struct slice name);
const struct expr_function *expr_function_by_opcode(uint8_t opcode);
const char *expr_operator_text(uint8_t op); /* "+"; NULL: no operator */
int expr_operator_precedence(uint8_t op);   /* higher binds more; NEGATE is as * */
#define EXPR_PRECEDENCE_NEGATE 5
#define EXPR_PRECEDENCE_POW    6 /* the one that binds from the right */
const char *expr_aggregation_text(uint8_t aggregation);
bool expr_aggregation_has_parameter(uint8_t aggregation);
bool expr_name_ok(const char *name, bool colons);

/* PromQL's =~ for patterns of literals, ".", ".*", ".+", "\." and "|"; anchored at both ends. */
bool expr_pattern_ok(const char *pattern);
bool expr_pattern_matches(const char *pattern, const char *text);
