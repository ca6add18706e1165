/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_vector.h"
#include "metrics/expr_range.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- labels ---------------------------------------------------------------------------- */

static bool
is_listed(const struct expr_step *s, const char *label)
{
	for (unsigned i = 0; i < s->labels; i++)
		if (strcmp(s->label[i], label) == 0)
			return true;
	return false;
}

/* The labels that matching or grouping looks at. */
static uint8_t
mask_labels(const struct expr_step *s, const struct expr_element *e)
{
	uint8_t mask = 0;

	for (unsigned i = 0; i < e->labels->len; i++)
		if (is_listed(s, e->labels->pair[i].name) == (s->grouping == EXPR_ON))
			mask |= (uint8_t)(1u << i);
	return mask & e->mask;
}

static uint32_t
hash_labels(const struct expr_element *e, uint8_t mask)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < e->labels->len; i++) {
		const char *text[2] = { e->labels->pair[i].name,
			e->labels->pair[i].value };

		for (unsigned k = 0; k < 2 && mask & 1u << i; k++) {
			for (const char *p = text[k]; *p; p++)
				h = (h ^ (unsigned char)*p) * 16777619u;
			h = (h ^ 0xff) * 16777619u;
		}
	}
	return h;
}

static unsigned
next_label(const struct expr_element *e, uint8_t mask, unsigned i)
{
	while (i < e->labels->len && !(mask & 1u << i))
		i++;
	return i;
}

static bool
same_labels(const struct expr_element *a, uint8_t a_mask, const struct expr_element *b,
    uint8_t b_mask)
{
	unsigned i = next_label(a, a_mask, 0), k = next_label(b, b_mask, 0);

	while (i < a->labels->len && k < b->labels->len) {
		if (strcmp(a->labels->pair[i].name, b->labels->pair[k].name) != 0 ||
		    strcmp(a->labels->pair[i].value, b->labels->pair[k].value) != 0)
			return false;
		i = next_label(a, a_mask, i + 1);
		k = next_label(b, b_mask, k + 1);
	}
	return i == a->labels->len && k == b->labels->len;
}

/* Each element's matching labels, looked at once. */
struct signature {
	uint32_t hash;
	uint8_t mask;
	bool matched;
};

static void
sign_elements(const struct expr_step *s, const struct expr_operand *o,
    struct signature signature[EXPR_VECTOR_MAX])
{
	for (size_t i = 0; i < o->len; i++) {
		uint8_t mask = mask_labels(s, &o->element[i]);

		signature[i] =
		    (struct signature){ hash_labels(&o->element[i], mask), mask, false };
	}
}

/* The first element of o from index `from` on with the same matching labels as e; o->len: none. */
static size_t
find_match(const struct expr_operand *o, const struct signature *signature, size_t from,
    const struct expr_element *e, const struct signature *wanted)
{
	while (from < o->len &&
	    (signature[from].hash != wanted->hash ||
		!same_labels(&o->element[from], signature[from].mask, e, wanted->mask)))
		from++;
	return from;
}

/* --- units ----------------------------------------------------------------------------- */

static const struct {
	const char *a, *b, *product;
} products[] = {
	{ "volts", "amperes", "watts" },
	{ "watts", "seconds", "joules" },
	{ "amperes", "seconds", "coulombs" },
	{ "volts", "coulombs", "joules" },
};

static void
multiply_units(const char *a, const char *b, char unit[EXPR_UNIT_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(products); i++)
		if ((strcmp(products[i].a, a) == 0 && strcmp(products[i].b, b) == 0) ||
		    (strcmp(products[i].a, b) == 0 && strcmp(products[i].b, a) == 0))
			snprintf(unit, EXPR_UNIT_MAX, "%s", products[i].product);
}

static void
divide_units(const char *a, const char *b, char unit[EXPR_UNIT_MAX])
{
	for (size_t i = 0; i < ARRAY_LEN(products); i++) {
		if (strcmp(products[i].product, a) != 0)
			continue;
		if (strcmp(products[i].b, b) == 0)
			snprintf(unit, EXPR_UNIT_MAX, "%s", products[i].a);
		if (strcmp(products[i].a, b) == 0)
			snprintf(unit, EXPR_UNIT_MAX, "%s", products[i].b);
	}
	if (!unit[0] && a[0] && strcmp(a, b) == 0)
		snprintf(unit, EXPR_UNIT_MAX, "ratio");
	else if (!unit[0] && a[0] && strcmp(b, "seconds") == 0)
		snprintf(unit, EXPR_UNIT_MAX, "%.*s/s", EXPR_UNIT_MAX - 3, a);
}

static const char *
common_unit(const struct expr_operand *left, const struct expr_operand *right)
{
	if (left->literal)
		return right->unit;
	return right->literal || strcmp(left->unit, right->unit) == 0 ? left->unit : "";
}

static bool
is_ratio(const struct expr_operand *o)
{
	return strcmp(o->unit, "ratio") == 0;
}

/* A number that is added is of the other side's unit; one that multiplies may well be there to
 * change the unit (/ 1GiB, * 100), so that the unit is not known any more. */
void
expr_unit_binary(uint8_t op, const struct expr_operand *left,
    const struct expr_operand *right, char unit[EXPR_UNIT_MAX])
{
	const char *kept = "";

	unit[0] = '\0';
	if (op == EXPR_ADD || op == EXPR_SUB || op == EXPR_OR)
		kept = common_unit(left, right);
	else if (op == EXPR_AND || op == EXPR_UNLESS || op == EXPR_MOD)
		kept = left->unit;
	else if (op >= EXPR_EQ && op <= EXPR_GE) /* of the side that is filtered */
		kept = left->type == 's' ? right->unit : left->unit;
	else if (op == EXPR_MUL && is_ratio(left) && !right->literal)
		kept = right->unit;
	else if (is_ratio(right) && !left->literal && (op == EXPR_MUL || op == EXPR_DIV))
		kept = left->unit;
	else if (op == EXPR_MUL)
		multiply_units(left->unit, right->unit, unit);
	else if (op == EXPR_DIV)
		divide_units(left->unit, right->unit, unit);
	if (kept[0])
		snprintf(unit, EXPR_UNIT_MAX, "%s", kept);
}

/* --- arithmetic and comparison --------------------------------------------------------- */

/* false: the comparison does not hold; *ret is then still the left value. */
static bool
compute(uint8_t op, double a, double b, double *ret)
{
	*ret = a;
	switch ((enum expr_operator)op) {
	case EXPR_ADD:
		*ret = a + b;
		return true;
	case EXPR_SUB:
		*ret = a - b;
		return true;
	case EXPR_MUL:
		*ret = a * b;
		return true;
	case EXPR_DIV:
		*ret = a / b;
		return true;
	case EXPR_MOD:
		*ret = fmod(a, b);
		return true;
	case EXPR_POW:
		*ret = pow(a, b);
		return true;
	case EXPR_EQ:
		return a == b;
	case EXPR_NE:
		return a != b;
	case EXPR_LT:
		return a < b;
	case EXPR_LE:
		return a <= b;
	case EXPR_GT:
		return a > b;
	case EXPR_GE:
		return a >= b;
	case EXPR_AND:
	case EXPR_OR:
	case EXPR_UNLESS:
	case EXPR_OPERATORS:
		break;
	}
	return false;
}

static void
merge_origin(struct expr_element *into, const struct expr_element *e)
{
	into->samples += e->samples;
	if (e->samples == 0)
		return;
	if (e->newest_ms > into->newest_ms || into->newest_ms == 0)
		into->newest_ms = e->newest_ms;
	if (e->oldest_ms < into->oldest_ms || into->oldest_ms == 0)
		into->oldest_ms = e->oldest_ms;
}

/* Puts a op b into `into` (one of the two); false: filtered out. */
static bool
combine(const struct expr_step *s, const struct expr_element *a,
    const struct expr_element *b, struct expr_element *into,
    const struct expr_element *filtered)
{
	double value;
	bool holds = compute(s->what, a->value, b->value, &value);

	if (s->boolean)
		value = holds;
	else if (s->what >= EXPR_EQ)
		value = filtered->value;
	merge_origin(into, into == a ? b : a);
	into->value = value;
	return holds || s->boolean;
}

static void
explain_empty(const struct expr_step *s, struct expr_operand *o, const char *reason)
{
	if (o->len == 0 && !o->reason[0])
		snprintf(o->reason, sizeof o->reason, "%s %s", reason,
		    expr_operator_text(s->what));
}

#define NONE_HOLDS "no value meets the comparison"
#define NONE_MATCH "no labels match on both sides of"

static int
combine_with_scalar(
    const struct expr_step *s, struct expr_operand *left, struct expr_operand *right)
{
	bool swapped = left->type == 's' && right->type != 's';
	struct expr_operand *many = swapped ? right : left;
	struct expr_element *one = swapped ? left->element : right->element;
	size_t kept = 0;

	for (size_t i = 0; i < many->len; i++) {
		struct expr_element e = many->element[i];

		if (swapped ? combine(s, one, &e, &e, &many->element[i])
			    : combine(s, &e, one, &e, &many->element[i]))
			many->element[kept++] = e;
	}
	if (many->len > 0 && kept == 0)
		many->reason[0] = '\0';
	many->len = kept;
	if (swapped) {
		struct expr_operand t = *left;

		*left = *right;
		*right = t;
	}
	explain_empty(s, left, NONE_HOLDS);
	return 0;
}

static void
describe_labels(const struct expr_element *e, uint8_t mask, char *dst, size_t size)
{
	struct metric_labels labels = { 0 };
	struct buf b;

	for (unsigned i = 0; i < e->labels->len; i++)
		if (mask & 1u << i)
			labels.pair[labels.len++] = e->labels->pair[i];
	buf_init(&b, 1024);
	metric_labels_print(&labels, &b);
	snprintf(dst, size, "%.60s", labels.len ? buf_text(&b) : "{}");
	buf_done(&b);
}

static int
refuse_many(const struct expr_step *s, struct expr_operand *left, const char *side,
    const struct expr_element *e, uint8_t mask)
{
	char labels[64];

	describe_labels(e, mask, labels, sizeof labels);
	snprintf(left->reason, sizeof left->reason,
	    "several values on the %s of %s have the labels %s", side,
	    expr_operator_text(s->what), labels);
	return -ECANCELED;
}

static int
refuse_repeated(const struct expr_step *s, struct expr_operand *left,
    const struct expr_operand *right, const struct signature *signature)
{
	for (size_t i = 0; i < right->len; i++)
		if (find_match(right, signature, i + 1, &right->element[i],
			&signature[i]) < right->len)
			return refuse_many(
			    s, left, "right", &right->element[i], signature[i].mask);
	return 0;
}

/* One to one: labels must be unique on both sides among what matches. */
static int
combine_matching(
    const struct expr_step *s, struct expr_operand *left, struct expr_operand *right)
{
	struct signature of_left[EXPR_VECTOR_MAX], of_right[EXPR_VECTOR_MAX];
	size_t kept = 0, matches = 0;
	int err;

	sign_elements(s, left, of_left);
	sign_elements(s, right, of_right);
	err = left->len ? refuse_repeated(s, left, right, of_right) : 0;
	if (err < 0)
		return err;
	for (size_t i = 0; i < left->len; i++) {
		struct expr_element e = left->element[i];
		size_t at = find_match(right, of_right, 0, &e, &of_left[i]);

		if (at == right->len)
			continue;
		matches++;
		if (!combine(s, &e, &right->element[at], &e, &left->element[i]))
			continue;
		if (of_right[at].matched)
			return refuse_many(s, left, "left", &e, of_left[i].mask);
		of_right[at].matched = true;
		e.mask = of_left[i].mask;
		left->element[kept++] = e;
	}
	left->len = kept;
	explain_empty(s, left, matches ? NONE_HOLDS : NONE_MATCH);
	return 0;
}

/* and, unless: those of the left that have (not) a match on the right. */
static void
filter_matching(const struct expr_step *s, struct expr_operand *left,
    const struct expr_operand *right)
{
	struct signature of_left[EXPR_VECTOR_MAX], of_right[EXPR_VECTOR_MAX];
	size_t kept = 0;

	sign_elements(s, left, of_left);
	sign_elements(s, right, of_right);
	for (size_t i = 0; i < left->len; i++) {
		bool found = find_match(right, of_right, 0, &left->element[i],
				 &of_left[i]) < right->len;

		if (found == (s->what == EXPR_AND))
			left->element[kept++] = left->element[i];
	}
	left->len = kept;
	explain_empty(s, left, s->what == EXPR_AND ? NONE_MATCH : "no value is left by");
}

static int
unite(const struct expr_step *s, struct expr_operand *left,
    const struct expr_operand *right)
{
	struct signature of_left[EXPR_VECTOR_MAX], of_right[EXPR_VECTOR_MAX];
	struct expr_operand sum = *left;
	int err = expr_operand_room(&sum, left->len + right->len);

	if (err < 0)
		return err;
	sign_elements(s, left, of_left);
	sign_elements(s, right, of_right);
	if (left->len)
		memcpy(sum.element, left->element, left->len * sizeof *sum.element);
	for (size_t i = 0; i < right->len; i++)
		if (find_match(left, of_left, 0, &right->element[i], &of_right[i]) ==
		    left->len)
			sum.element[sum.len++] = right->element[i];
	expr_operand_done(left);
	*left = sum;
	return 0;
}

int
expr_vector_binary(
    const struct expr_step *s, struct expr_operand *left, struct expr_operand *right)
{
	if (left->type == 's' || right->type == 's')
		return combine_with_scalar(s, left, right);
	if (s->what == EXPR_OR)
		return unite(s, left, right);
	if (left->len > 0 && right->len == 0 && s->what != EXPR_UNLESS)
		snprintf(left->reason, sizeof left->reason, "%s", right->reason);
	if (s->what == EXPR_AND || s->what == EXPR_UNLESS) {
		filter_matching(s, left, right);
		return 0;
	}
	return combine_matching(s, left, right);
}

/* --- aggregation ----------------------------------------------------------------------- */

struct group {
	double value, mean;
	uint32_t members;
};

static void
join_group(uint8_t aggregation, struct group *g, double v)
{
	double gap = v - g->mean;

	g->members++;
	switch ((enum expr_aggregation)aggregation) {
	case EXPR_SUM:
		g->value += v;
		break;
	case EXPR_AVG:
		if (isinf(g->mean) &&
		    ((isinf(v) && (g->mean > 0) == (v > 0)) || isfinite(v)))
			break;
		g->mean += v / g->members - g->mean / g->members;
		break;
	case EXPR_MIN:
		if (g->value > v || isnan(g->value))
			g->value = v;
		break;
	case EXPR_MAX:
		if (g->value < v || isnan(g->value))
			g->value = v;
		break;
	case EXPR_STDDEV:
	case EXPR_STDVAR:
		g->mean += gap / g->members;
		g->value += gap * (v - g->mean);
		break;
	case EXPR_COUNT:
	case EXPR_QUANTILE:
	case EXPR_GROUP:
	case EXPR_AGGREGATIONS:
		break;
	}
}

static struct group
start_group(uint8_t aggregation, double v)
{
	bool variance = aggregation == EXPR_STDDEV || aggregation == EXPR_STDVAR;

	return (struct group){ variance ? 0 : v, v, 1 };
}

static double
end_group(uint8_t aggregation, const struct group *g)
{
	switch ((enum expr_aggregation)aggregation) {
	case EXPR_AVG:
		return g->mean;
	case EXPR_COUNT:
		return g->members;
	case EXPR_STDVAR:
		return g->value / g->members;
	case EXPR_STDDEV:
		return sqrt(g->value / g->members);
	case EXPR_GROUP:
		return 1;
	case EXPR_SUM:
	case EXPR_MIN:
	case EXPR_MAX:
	case EXPR_QUANTILE:
	case EXPR_AGGREGATIONS:
		break;
	}
	return g->value;
}

static double
group_quantile(
    const struct expr_operand *o, const size_t *group_of, size_t group, double q)
{
	double values[EXPR_VECTOR_MAX];
	size_t n = 0;

	for (size_t i = 0; i < o->len; i++)
		if (group_of[i] == group)
			values[n++] = o->element[i].value;
	return expr_quantile(q, values, n);
}

/* Elements of groups are the first member's with the grouping labels; returns how many. */
static size_t
form_groups(const struct expr_step *s, const struct expr_operand *o,
    struct expr_operand *groups, struct group *group, size_t group_of[EXPR_VECTOR_MAX])
{
	struct signature of_all[EXPR_VECTOR_MAX], of_groups[EXPR_VECTOR_MAX];

	sign_elements(s, o, of_all);
	for (size_t i = 0; i < o->len; i++) {
		const struct expr_element *e = &o->element[i];
		size_t at;

		if (s->grouping == EXPR_ALL)
			of_all[i] = (struct signature){ 0 };
		at = find_match(groups, of_groups, 0, e, &of_all[i]);
		group_of[i] = at;
		if (at < groups->len) {
			join_group(s->what, &group[at], e->value);
			merge_origin(&groups->element[at], e);
			continue;
		}
		of_groups[at] = of_all[i];
		groups->element[groups->len] = *e;
		groups->element[groups->len++].mask = of_all[i].mask;
		group[at] = start_group(s->what, e->value);
	}
	return groups->len;
}

int
expr_vector_aggregate(const struct expr_step *s, double parameter, struct expr_operand *o)
{
	struct expr_operand groups = *o;
	struct group group[EXPR_VECTOR_MAX];
	size_t group_of[EXPR_VECTOR_MAX];
	int err = expr_operand_room(&groups, o->len);

	if (err < 0)
		return err;
	groups.len = 0;
	form_groups(s, o, &groups, group, group_of);
	for (size_t i = 0; i < groups.len; i++)
		groups.element[i].value = s->what == EXPR_QUANTILE
		    ? group_quantile(o, group_of, i, parameter)
		    : end_group(s->what, &group[i]);
	if (s->what == EXPR_COUNT || s->what == EXPR_GROUP || s->what == EXPR_STDVAR)
		groups.unit[0] = '\0';
	expr_operand_done(o);
	*o = groups;
	return 0;
}
