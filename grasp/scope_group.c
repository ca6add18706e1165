/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/scope_int.h"
#include "base/buf.h"
#include "base/crypto.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

#define HASH_LABEL	"fogwatch-scope-1"
#define PREFIX_BITS_MAX 64
#define BIT(key)	(1u << (key))
#define HASHED                                                                  \
	(BIT(SCOPE_ADMIN) | BIT(SCOPE_GEO) | BIT(SCOPE_MFR) | BIT(SCOPE_TYPE) | \
	    BIT(SCOPE_USER))

static_assert(
    SCOPE_KEYS - 3 + SCOPE_GEO_MAX - SCOPE_GEO_MIN + 1 <= GRASP_SCOPE_GROUPS_MAX,
    "all groups of the single keys of a node fit");
static_assert(GEO_CELLS_MAX <= GRASP_SCOPE_GROUPS_MAX, "all groups of an area fit");

/* --- one group (SC-03 … SC-07) ----------------------------------------------------- */

static int
hash(struct slice canonical, uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t memory[sizeof HASH_LABEL + GRASP_SCOPE_TEXT_MAX];
	struct buf in;

	buf_init_fixed(&in, memory, sizeof memory);
	buf_put(&in, HASH_LABEL, sizeof HASH_LABEL); /* the NUL separates */
	buf_put_slice(&in, canonical);
	return crypto_sha256(buf_slice(&in), ret);
}

/* The first bits of a unicast prefix; what lies beyond them is zero. */
static void
put_prefix(uint8_t *dst, const struct in6_addr *prefix, unsigned bits)
{
	for (unsigned i = 0; i < PREFIX_BITS_MAX / 8; i++) {
		unsigned here = bits > 8 * i ? bits - 8 * i : 0;

		dst[i] = prefix->s6_addr[i] & (here >= 8 ? 0xff : 0xff00 >> here);
	}
}

static bool
is_range(enum grasp_scope_range range)
{
	switch (range) {
	case GRASP_SCOPE_ADMIN:
	case GRASP_SCOPE_SITE:
	case GRASP_SCOPE_ORGANIZATION:
	case GRASP_SCOPE_GLOBAL:
		return true;
	}
	return false;
}

static int
group_of(struct slice canonical, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len, struct in6_addr *ret)
{
	uint8_t d[CRYPTO_SHA256_LEN];
	struct in6_addr g = { .s6_addr = { 0xff } };
	int err;

	if (!is_range(range) || prefix_len > PREFIX_BITS_MAX || canonical.len == 0)
		return -EINVAL;
	err = hash(canonical, d);
	if (err < 0)
		return err;
	d[10] |= 0x80;
	if (d[10] == 0xff)
		d[10] = 0xfe; /* 33:33:ff:… belongs to solicited-node groups */
	g.s6_addr[1] = (prefix_len ? 0x30 : 0x10) | range;
	if (prefix_len) {
		g.s6_addr[3] = prefix_len;
		put_prefix(&g.s6_addr[4], prefix, prefix_len);
	} else {
		memcpy(&g.s6_addr[2], d, 10);
	}
	memcpy(&g.s6_addr[12], d + 10, 4);
	*ret = g;
	return 0;
}

/* The text of some keys of an expression; cell stands for its geo. */
static void
put_keys(struct buf *out, const struct scope_terms *t, unsigned keys, const char *cell)
{
	for (enum scope_key k = 0; k < SCOPE_KEYS; k++) {
		if (!(keys & BIT(k)))
			continue;
		buf_printf(out, "%s%s=", out->pos ? ";" : "", scope_key_names[k]);
		if (k == SCOPE_GEO)
			buf_puts(out, cell);
		else
			buf_put_slice(out, t->value[k]);
	}
}

static unsigned
keys_of(const struct scope_terms *t)
{
	unsigned keys = 0;

	for (enum scope_key k = 0; k < SCOPE_KEYS; k++)
		if (t->value[k].len > 0)
			keys |= BIT(k);
	return keys & HASHED;
}

int
grasp_scope_group(const char *canonical, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len, struct in6_addr *ret)
{
	char text[GRASP_SCOPE_TEXT_MAX], cell[GEO_HASH_MAX + 1] = "";
	struct scope_terms t;
	struct buf out;

	if (grasp_scope_canonical(canonical, text) < 0 || strchr(text, '|') ||
	    strcmp(text, canonical) != 0 || scope_parse(slice_text(text), &t) < 0)
		return -EINVAL;
	if (t.value[SCOPE_GEO].len)
		memcpy(cell, t.value[SCOPE_GEO].data, t.value[SCOPE_GEO].len);
	char hashed[GRASP_SCOPE_TEXT_MAX];
	buf_init_fixed(&out, hashed, sizeof hashed);
	put_keys(&out, &t, keys_of(&t), cell);
	return group_of(buf_slice(&out), range, prefix, prefix_len, ret);
}

/* --- combinations (SC-09) --------------------------------------------------------------- */

/* The keys of "admin+type"; 0: that is no combination. */
static unsigned
parse_combination(struct slice text)
{
	unsigned keys = 0, count = 0;

	while (text.len > 0) {
		int key = scope_find_key(scope_cut(text, '+', &text));

		if (key < 0 || !(BIT(key) & HASHED) || (keys & BIT(key)))
			return 0;
		keys |= BIT(key);
		count++;
	}
	return count >= 2 ? keys : 0;
}

bool
grasp_scope_is_combination(const char *text)
{
	return parse_combination(slice_text(text)) != 0;
}

static bool
is_joined(const struct grasp_scope_rules *rules, unsigned keys)
{
	for (size_t i = 0; i < rules->combinations; i++)
		if (parse_combination(slice_text(rules->combination[i])) == keys)
			return true;
	return false;
}

/* --- the groups of an expression ----------------------------------------------------------- */

struct list {
	const struct grasp_scope_rules *rules;
	struct in6_addr *group;
	int len;
};

/* The cells that stand for the geo of one node or one expression. */
struct cells {
	struct geo_hash cell[GEO_CELLS_MAX];
	int len;
};

static int
add_group(struct list *l, struct slice text)
{
	struct in6_addr g;
	int err =
	    group_of(text, l->rules->range, &l->rules->prefix, l->rules->prefix_len, &g);

	if (err < 0)
		return err;
	for (int i = 0; i < l->len; i++)
		if (IN6_ARE_ADDR_EQUAL(&l->group[i], &g))
			return 0;
	if (l->len == GRASP_SCOPE_GROUPS_MAX)
		return -ENOSPC;
	l->group[l->len++] = g;
	return 0;
}

static int
add_groups(
    struct list *l, const struct scope_terms *t, unsigned keys, const struct cells *cells)
{
	int times = keys & BIT(SCOPE_GEO) ? cells->len : 1, err = 0;

	for (int i = 0; i < times && err == 0; i++) {
		char text[GRASP_SCOPE_TEXT_MAX];
		struct buf out;

		buf_init_fixed(&out, text, sizeof text);
		put_keys(&out, t, keys, cells->cell[i].text);
		err = out.err ? out.err : add_group(l, buf_slice(&out));
	}
	return err;
}

static void
add_cell(struct cells *c, struct slice hash, size_t len)
{
	struct geo_hash *h = &c->cell[c->len++];

	memcpy(h->text, hash.data, len);
	h->text[len] = '\0';
}

/* Where a node is, as groups of all sizes (SC-08). */
static struct cells
cells_of_node(const struct scope_terms *t)
{
	struct cells c = { .len = 0 };
	struct slice geo = t->value[SCOPE_GEO];
	struct geo_point point;
	struct geo_hash h;

	if (geo.len == 0 && geo_parse_point(t->value[SCOPE_POSITION], &point) == 0) {
		h = geo_hash_of(point, SCOPE_GEO_MAX);
		geo = slice_text(h.text);
	}
	for (size_t len = SCOPE_GEO_MIN; len <= geo.len && len <= SCOPE_GEO_MAX; len++)
		add_cell(&c, geo, len);
	return c;
}

/* The area that is meant. One that is too large for groups has none. */
static struct cells
cells_of_area(const struct scope_terms *t)
{
	struct cells c = { .len = 0 };
	struct slice geo = t->value[SCOPE_GEO];
	struct geo_circle circle;

	if (geo.len >= SCOPE_GEO_MIN) {
		add_cell(&c, geo, geo.len < SCOPE_GEO_MAX ? geo.len : SCOPE_GEO_MAX);
	} else if (geo.len == 0 &&
	    geo_parse_circle(t->value[SCOPE_CIRCLE], &circle) == 0) {
		c.len = geo_cover(&circle, SCOPE_GEO_MIN, SCOPE_GEO_MAX, c.cell);
		if (c.len < 0)
			c.len = 0;
	}
	return c;
}

static unsigned
with_cells(const struct scope_terms *t, const struct cells *cells)
{
	unsigned keys = keys_of(t) & ~BIT(SCOPE_GEO);

	return cells->len > 0 ? keys | BIT(SCOPE_GEO) : keys;
}

/* A person has few nodes, a place some, an operator many. */
static unsigned
most_selective(unsigned keys)
{
	static const enum scope_key order[] = { SCOPE_USER, SCOPE_GEO, SCOPE_TYPE,
		SCOPE_MFR, SCOPE_ADMIN };

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		if (keys & BIT(order[i]))
			return BIT(order[i]);
	return 0;
}

static int
add_joined(struct list *l, const struct scope_terms *t)
{
	struct cells cells = cells_of_node(t);
	unsigned keys = with_cells(t, &cells);
	int err = 0;

	for (enum scope_key k = 0; k < SCOPE_KEYS && err == 0; k++)
		if (keys & BIT(k))
			err = add_groups(l, t, BIT(k), &cells);
	for (size_t i = 0; i < l->rules->combinations && err == 0; i++) {
		unsigned all = parse_combination(slice_text(l->rules->combination[i]));

		if (all && (keys & all) == all)
			err = add_groups(l, t, all, &cells);
	}
	return err;
}

static int
add_sent(struct list *l, const struct scope_terms *t)
{
	struct cells cells = cells_of_area(t);
	unsigned keys = with_cells(t, &cells);

	if (!is_joined(l->rules, keys))
		keys = most_selective(keys);
	return keys ? add_groups(l, t, keys, &cells) : -ERANGE;
}

static int
add_heard(struct list *l, const struct scope_terms *t)
{
	struct cells cells = cells_of_area(t);
	unsigned keys = with_cells(t, &cells);
	int err = keys ? 0 : -ERANGE;

	for (enum scope_key k = 0; k < SCOPE_KEYS && err == 0; k++)
		if (keys & BIT(k))
			err = add_groups(l, t, BIT(k), &cells);
	if (err == 0 && is_joined(l->rules, keys))
		err = add_groups(l, t, keys, &cells);
	return err;
}

/* For each alternative of the expression, which is made canonical first. */
static int
list_groups(const char *expression, const struct grasp_scope_rules *rules,
    int (*add)(struct list *l, const struct scope_terms *t), struct in6_addr *ret)
{
	struct list l = { rules, ret, 0 };
	char text[GRASP_SCOPE_TEXT_MAX];
	int err = grasp_scope_canonical(expression, text);
	struct slice rest = slice_text(text);
	struct scope_terms t;

	while (err == 0 && rest.len > 0) {
		err = scope_parse(scope_cut(rest, '|', &rest), &t);
		if (err == 0)
			err = add(&l, &t);
	}
	return err < 0 ? err : l.len;
}

int
grasp_scope_joins(const char *attributes, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX])
{
	return list_groups(attributes, rules, add_joined, ret);
}

int
grasp_scope_sends(const char *expression, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX])
{
	return list_groups(expression, rules, add_sent, ret);
}

int
grasp_scope_listens(const char *expression, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX])
{
	return list_groups(expression, rules, add_heard, ret);
}
