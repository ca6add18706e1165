/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/expr_vector.h"
#include "metrics/expr_range.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

int
expr_operand_room(const struct expr_space *space, struct expr_operand *o, size_t len)
{
	if (len > space->bounds->series)
		return -E2BIG;
	o->element = expr_memory_take(space->memory, len, sizeof *o->element);
	return o->element ? 0 : -ENOMEM;
}

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
/* The elements of an operand by their signatures: slots with 1 + an element's number. */
struct index {
	const struct expr_operand *o;
	struct signature *signature;
	uint32_t *slot, mask;
};

static struct signature *
sign_elements(const struct expr_space *space, const struct expr_step *s,
    const struct expr_operand *o)
{
	struct signature *signature =
	    expr_memory_take(space->memory, o->len, sizeof *signature);

	for (size_t i = 0; signature && i < o->len; i++) {
		uint8_t mask = mask_labels(s, &o->element[i]);

		signature[i] =
		    (struct signature){ hash_labels(&o->element[i], mask), mask, false };
	}
	return signature;
}

static int
make_index(const struct expr_space *space, const struct expr_operand *o,
    struct signature *signature, struct index *ret)
{
	uint32_t size = 8;

	while (size < 2 * o->len)
		size *= 2;
	*ret = (struct index){ .o = o, .signature = signature, .mask = size - 1 };
	ret->slot = expr_memory_take(space->memory, size, sizeof *ret->slot);
	return signature && ret->slot ? 0 : -ENOMEM;
}

/* The slot of the element with the same matching labels as e, or a free one. */
static uint32_t *
find_slot(
    const struct index *x, const struct expr_element *e, const struct signature *wanted)
{
	for (uint32_t at = wanted->hash & x->mask;; at = (at + 1) & x->mask) {
		uint32_t n = x->slot[at];

		if (n == 0 ||
		    (x->signature[n - 1].hash == wanted->hash &&
			same_labels(&x->o->element[n - 1], x->signature[n - 1].mask, e,
			    wanted->mask)))
			return &x->slot[at];
	}
}

/* Is element i the first with its labels? Then it can be found from now on. */
static bool
index_element(struct index *x, size_t i)
{
	uint32_t *slot = find_slot(x, &x->o->element[i], &x->signature[i]);

	if (*slot != 0)
		return false;
	*slot = (uint32_t)i + 1;
	return true;
}

/* The first element with the same matching labels as e; the operand's len: none. */
static size_t
find_match(
    const struct index *x, const struct expr_element *e, const struct signature *wanted)
{
	uint32_t n = *find_slot(x, e, wanted);

	return n ? n - 1 : x->o->len;
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
index_unique(struct index *x, const struct expr_step *s, struct expr_operand *left)
{
	for (size_t i = 0; i < x->o->len; i++)
		if (!index_element(x, i))
			return refuse_many(
			    s, left, "right", &x->o->element[i], x->signature[i].mask);
	return 0;
}

/* One to one: labels must be unique on both sides among what matches. */
static int
combine_matching(const struct expr_space *space, const struct expr_step *s,
    struct expr_operand *left, struct expr_operand *right)
{
	struct signature *of_left = sign_elements(space, s, left);
	size_t kept = 0, matches = 0;
	struct index x;
	int err = make_index(space, right, sign_elements(space, s, right), &x);

	if (err < 0 || !of_left)
		return -ENOMEM;
	err = left->len ? index_unique(&x, s, left) : 0;
	if (err < 0)
		return err;
	for (size_t i = 0; i < left->len; i++) {
		struct expr_element e = left->element[i];
		size_t at = find_match(&x, &e, &of_left[i]);

		if (at == right->len)
			continue;
		matches++;
		if (!combine(s, &e, &right->element[at], &e, &left->element[i]))
			continue;
		if (x.signature[at].matched)
			return refuse_many(s, left, "left", &e, of_left[i].mask);
		x.signature[at].matched = true;
		e.mask = of_left[i].mask;
		left->element[kept++] = e;
	}
	left->len = kept;
	explain_empty(s, left, matches ? NONE_HOLDS : NONE_MATCH);
	return 0;
}

/* and, unless: those of the left that have (not) a match on the right. */
static int
filter_matching(const struct expr_space *space, const struct expr_step *s,
    struct expr_operand *left, const struct expr_operand *right)
{
	struct signature *of_left = sign_elements(space, s, left);
	size_t kept = 0;
	struct index x;

	if (make_index(space, right, sign_elements(space, s, right), &x) < 0 || !of_left)
		return -ENOMEM;
	for (size_t i = 0; i < right->len; i++)
		(void)index_element(&x, i);
	for (size_t i = 0; i < left->len; i++) {
		bool found = find_match(&x, &left->element[i], &of_left[i]) < right->len;

		if (found == (s->what == EXPR_AND))
			left->element[kept++] = left->element[i];
	}
	left->len = kept;
	explain_empty(s, left, s->what == EXPR_AND ? NONE_MATCH : "no value is left by");
	return 0;
}

static int
unite(const struct expr_space *space, const struct expr_step *s,
    struct expr_operand *left, const struct expr_operand *right)
{
	struct signature *of_right = sign_elements(space, s, right);
	struct expr_operand sum = *left;
	struct index x;
	int err = expr_operand_room(space, &sum, left->len + right->len);

	if (err < 0)
		return err;
	if (make_index(space, left, sign_elements(space, s, left), &x) < 0 || !of_right)
		return -ENOMEM;
	for (size_t i = 0; i < left->len; i++) {
		sum.element[i] = left->element[i];
		(void)index_element(&x, i);
	}
	for (size_t i = 0; i < right->len; i++)
		if (find_match(&x, &right->element[i], &of_right[i]) == left->len)
			sum.element[sum.len++] = right->element[i];
	*left = sum;
	return 0;
}

int
expr_vector_binary(const struct expr_space *space, const struct expr_step *s,
    struct expr_operand *left, struct expr_operand *right)
{
	if (left->type == 's' || right->type == 's')
		return combine_with_scalar(s, left, right);
	if (s->what == EXPR_OR)
		return unite(space, s, left, right);
	if (left->len > 0 && right->len == 0 && s->what != EXPR_UNLESS)
		snprintf(left->reason, sizeof left->reason, "%s", right->reason);
	if (s->what == EXPR_AND || s->what == EXPR_UNLESS)
		return filter_matching(space, s, left, right);
	return combine_matching(space, s, left, right);
}

/* --- aggregation ----------------------------------------------------------------------- */

struct group {
	double value, mean;
	uint32_t members;
	size_t first; /* of its own among what is in the order of groups */
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
	case EXPR_TOPK:
	case EXPR_BOTTOMK:
	case EXPR_AGGREGATIONS:
		break;
	}
}

static struct group
start_group(uint8_t aggregation, double v)
{
	bool variance = aggregation == EXPR_STDDEV || aggregation == EXPR_STDVAR;

	return (struct group){ variance ? 0 : v, v, 1, 0 };
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
	case EXPR_TOPK:
	case EXPR_BOTTOMK:
	case EXPR_AGGREGATIONS:
		break;
	}
	return g->value;
}

/* Which elements are of which group, and what is known of each group. */
struct grouping {
	struct expr_operand
	    groups; /* elements: the first member's with the grouping labels */
	struct group *group;
	size_t *group_of;
	double *values; /* room for as many as there are elements */
};

static int
make_grouping(
    const struct expr_space *space, const struct expr_operand *o, struct grouping *g)
{
	g->groups = *o;
	g->groups.len = 0;
	g->group = expr_memory_take(space->memory, o->len, sizeof *g->group);
	g->group_of = expr_memory_take(space->memory, o->len, sizeof *g->group_of);
	g->values = expr_memory_take(space->memory, o->len, sizeof *g->values);
	if (!g->group || !g->group_of || !g->values)
		return -ENOMEM;
	return expr_operand_room(space, &g->groups, o->len);
}

static int
form_groups(const struct expr_space *space, const struct expr_step *s,
    const struct expr_operand *o, struct grouping *g)
{
	struct signature *of_all = sign_elements(space, s, o), *of_groups;
	struct index x;

	of_groups = expr_memory_take(space->memory, o->len, sizeof *of_groups);
	if (!of_all || !of_groups || make_index(space, o, of_groups, &x) < 0)
		return -ENOMEM;
	x.o = &g->groups;
	for (size_t i = 0; i < o->len; i++) {
		const struct expr_element *e = &o->element[i];
		size_t at;

		if (s->grouping == EXPR_ALL)
			of_all[i] = (struct signature){ 0 };
		at = find_match(&x, e, &of_all[i]);
		g->group_of[i] = at;
		if (at < g->groups.len) {
			join_group(s->what, &g->group[at], e->value);
			merge_origin(&g->groups.element[at], e);
			continue;
		}
		of_groups[at] = of_all[i];
		g->groups.element[g->groups.len] = *e;
		g->groups.element[g->groups.len++].mask = of_all[i].mask;
		g->group[at] = start_group(s->what, e->value);
		(void)index_element(&x, at);
	}
	return 0;
}

/* The values of one group behind another, in the order of groups. */
static void
set_quantiles(const struct expr_operand *o, struct grouping *g, double q)
{
	size_t at = 0;

	for (size_t i = 0; i < g->groups.len; i++) {
		g->group[i].first = at;
		at += g->group[i].members;
		g->group[i].members = 0;
	}
	for (size_t i = 0; i < o->len; i++) {
		struct group *group = &g->group[g->group_of[i]];

		g->values[group->first + group->members++] = o->element[i].value;
	}
	for (size_t i = 0; i < g->groups.len; i++)
		g->groups.element[i].value =
		    expr_quantile(q, g->values + g->group[i].first, g->group[i].members);
}

/* --- the best and the worst ---------------------------------------------------------------- */

/* Is a before b? What is no number comes last either way. */
static bool
comes_first(uint8_t aggregation, double a, double b)
{
	if (isnan(a) || isnan(b))
		return !isnan(a);
	return aggregation == EXPR_TOPK ? a > b : a < b;
}

/* Moves element i of the heap to its place; the one that would go first is at the top. */
static void
sink_down(const struct expr_step *s, const struct expr_operand *o, size_t *heap,
    size_t len, size_t i)
{
	for (;;) {
		size_t worst = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < len; child++)
			if (comes_first(s->what, o->element[heap[worst]].value,
				o->element[heap[child]].value))
				worst = child;
		if (worst == i)
			return;
		size_t t = heap[i];
		heap[i] = heap[worst];
		heap[worst] = t;
		i = worst;
	}
}

static void
rise_up(const struct expr_step *s, const struct expr_operand *o, size_t *heap, size_t i)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2, t = heap[i];

		if (!comes_first(
			s->what, o->element[heap[parent]].value, o->element[t].value))
			return;
		heap[i] = heap[parent];
		heap[parent] = t;
		i = parent;
	}
}

/* Of each group the k elements that come first, as they are and in the order they had. */
static int
keep_best(const struct expr_space *space, const struct expr_step *s, double k,
    struct expr_operand *o, struct grouping *g)
{
	size_t *heaps = expr_memory_take(space->memory, o->len, sizeof *heaps);
	bool *kept = expr_memory_take(space->memory, o->len, sizeof *kept);
	size_t at = 0, n = 0;

	if (!heaps || !kept)
		return -ENOMEM;
	for (size_t i = 0; i < g->groups.len; i++) {
		g->group[i].first = at;
		at += g->group[i].members;
		g->group[i].members = 0;
	}
	for (size_t i = 0; k >= 1 && i < o->len; i++) {
		struct group *group = &g->group[g->group_of[i]];
		size_t *heap = heaps + group->first;

		if (group->members < floor(k)) {
			heap[group->members] = i;
			rise_up(s, o, heap, group->members++);
		} else if (comes_first(
			       s->what, o->element[i].value, o->element[heap[0]].value)) {
			heap[0] = i;
			sink_down(s, o, heap, group->members, 0);
		}
	}
	for (size_t i = 0; i < g->groups.len; i++)
		for (size_t m = 0; m < g->group[i].members; m++)
			kept[heaps[g->group[i].first + m]] = true;
	for (size_t i = 0; i < o->len; i++)
		if (kept[i])
			o->element[n++] = o->element[i];
	o->len = n;
	return 0;
}

int
expr_vector_aggregate(const struct expr_space *space, const struct expr_step *s,
    double parameter, struct expr_operand *o)
{
	struct grouping g;
	int err = make_grouping(space, o, &g);

	if (err == 0)
		err = form_groups(space, s, o, &g);
	if (err < 0)
		return err;
	if (s->what == EXPR_TOPK || s->what == EXPR_BOTTOMK)
		return keep_best(space, s, parameter, o, &g);
	for (size_t i = 0; i < g.groups.len; i++)
		g.groups.element[i].value = end_group(s->what, &g.group[i]);
	if (s->what == EXPR_QUANTILE)
		set_quantiles(o, &g, parameter);
	if (s->what == EXPR_COUNT || s->what == EXPR_GROUP || s->what == EXPR_STDVAR)
		g.groups.unit[0] = '\0';
	*o = g.groups;
	return 0;
}
