/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/scope.h"
#include "base/crypto.h"
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HASH_LABEL	"fogwatch-scope-1"
#define GEO_PREFIX_MIN	3
#define GEO_PREFIX_MAX	6
#define PREFIX_BITS_MAX 64
#define ATTRIBUTE_MAX	(GRASP_SCOPE_TEXT_MAX - 1)

enum key { ADMIN, GEO, MFR, TYPE, USER, KEYS }; /* in the order of SC-02 */

static const char *const key_names[KEYS] = { "admin", "geo", "mfr", "type", "user" };
static const char geohash_digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";

static_assert(KEYS - 1 + GEO_PREFIX_MAX - GEO_PREFIX_MIN + 1 <= GRASP_SCOPE_GROUPS_MAX,
    "all groups of a node fit");

/* An expression taken apart; values are as they were written. */
struct terms {
	struct slice value[KEYS];
};

/* --- canonical text (SC-01, SC-02) -------------------------------------------------- */

static struct slice
trim(struct slice s)
{
	for (; s.len > 0 && strchr(" \t", s.data[0]); s.data++, s.len--)
		;
	for (; s.len > 0 && strchr(" \t", s.data[s.len - 1]); s.len--)
		;
	return s;
}

/* What stands before the separator; *rest is what follows it. */
static struct slice
cut(struct slice s, char separator, struct slice *rest)
{
	const uint8_t *at = s.len > 0 ? memchr(s.data, separator, s.len) : NULL;
	size_t len = at ? (size_t)(at - s.data) : s.len;

	*rest = (struct slice){ at ? at + 1 : NULL, at ? s.len - len - 1 : 0 };
	return (struct slice){ s.data, len };
}

static int
find_key(struct slice name)
{
	for (int k = 0; k < KEYS; k++)
		if (slice_is(name, key_names[k]))
			return k;
	return -EINVAL;
}

static int
parse(const char *expression, struct terms *ret)
{
	struct slice rest = slice_text(expression);

	*ret = (struct terms){ 0 };
	while (rest.len > 0) {
		struct slice term = trim(cut(rest, ';', &rest)), value;
		int key;

		if (term.len == 0)
			continue;
		key = find_key(trim(cut(term, '=', &value)));
		if (key < 0 || ret->value[key].len > 0)
			return -EINVAL;
		ret->value[key] = trim(value);
		if (ret->value[key].len == 0)
			return -EINVAL;
	}
	return 0;
}

static bool
is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	    (c && strchr("._~-", c));
}

static int
undo_percent(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.len; i++) {
		uint8_t c = in.data[i];
		char hex[3] = "";

		if (c == '%') {
			if (in.len - i < 3)
				return -EINVAL;
			memcpy(hex, in.data + i + 1, 2);
			if (hex_parse(hex, &c, 1) < 0)
				return -EINVAL;
			i += 2;
		}
		buf_put_u8(out, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return out->err;
}

static bool
is_geohash(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] == 0 || !strchr(geohash_digits, s.data[i]))
			return false;
	return true;
}

static int
put_value(struct buf *out, enum key key, struct slice written)
{
	uint8_t memory[ATTRIBUTE_MAX];
	struct slice s;
	struct buf plain;
	int err;

	buf_init_fixed(&plain, memory, sizeof memory);
	err = undo_percent(written, &plain);
	if (err < 0)
		return err;
	s = buf_slice(&plain);
	if (!slice_is_utf8(s) || (key == GEO && !is_geohash(s)))
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++)
		if (is_plain(s.data[i]))
			buf_put_u8(out, s.data[i]);
		else
			buf_printf(out, "%%%02X", s.data[i]);
	return 0;
}

int
grasp_scope_canonical(const char *expression, char dst[GRASP_SCOPE_TEXT_MAX])
{
	struct terms t;
	struct buf out;
	int err = parse(expression, &t);

	buf_init_fixed(&out, dst, GRASP_SCOPE_TEXT_MAX);
	for (enum key k = 0; k < KEYS && err == 0; k++) {
		if (t.value[k].len == 0)
			continue;
		buf_printf(&out, "%s%s=", out.pos ? ";" : "", key_names[k]);
		err = put_value(&out, k, t.value[k]);
	}
	buf_put_u8(&out, '\0');
	if (err == 0)
		err = out.err;
	if (err < 0)
		dst[0] = '\0';
	return err;
}

/* Canonical text and its terms, which point into it. */
static int
parse_canonical(
    const char *expression, char text[GRASP_SCOPE_TEXT_MAX], struct terms *ret)
{
	int err = grasp_scope_canonical(expression, text);

	return err < 0 ? err : parse(text, ret);
}

/* --- groups (SC-03 … SC-07) -------------------------------------------------------- */

static int
hash(const char *canonical, uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t memory[sizeof HASH_LABEL + GRASP_SCOPE_TEXT_MAX];
	struct buf in;

	buf_init_fixed(&in, memory, sizeof memory);
	buf_put(&in, HASH_LABEL, sizeof HASH_LABEL); /* the NUL separates */
	buf_puts(&in, canonical);
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

int
grasp_scope_group(const char *canonical, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len, struct in6_addr *ret)
{
	char text[GRASP_SCOPE_TEXT_MAX];
	uint8_t d[CRYPTO_SHA256_LEN];
	struct in6_addr g = { .s6_addr = { 0xff } };

	if (grasp_scope_canonical(canonical, text) < 0 || !*text ||
	    strcmp(text, canonical) != 0)
		return -EINVAL;
	if (!is_range(range) || prefix_len > PREFIX_BITS_MAX)
		return -EINVAL;
	int err = hash(canonical, d);
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

/* --- who is meant (SC-08 … SC-10) ----------------------------------------------------- */

/* A geohash names the area of all that begin with it. */
static bool
covers(enum key key, struct slice wanted, struct slice mine)
{
	if (key == GEO && mine.len > wanted.len)
		mine.len = wanted.len;
	return slice_equal(wanted, mine);
}

bool
grasp_scope_matches(const char *expression, const char *attributes)
{
	char wanted_text[GRASP_SCOPE_TEXT_MAX], mine_text[GRASP_SCOPE_TEXT_MAX];
	struct terms wanted, mine;

	if (parse_canonical(expression, wanted_text, &wanted) < 0 ||
	    parse_canonical(attributes, mine_text, &mine) < 0)
		return false;
	for (enum key k = 0; k < KEYS; k++)
		if (wanted.value[k].len > 0 && !covers(k, wanted.value[k], mine.value[k]))
			return false;
	return true;
}

struct place { /* where groups of one kind go */
	enum grasp_scope_range range;
	const struct in6_addr *prefix;
	unsigned prefix_len;
};

static int
group_of_key(
    enum key key, struct slice value, const struct place *p, struct in6_addr *ret)
{
	char text[GRASP_SCOPE_TEXT_MAX];
	struct buf out;

	buf_init_fixed(&out, text, sizeof text);
	buf_printf(&out, "%s=", key_names[key]);
	buf_put_slice(&out, value);
	buf_put_u8(&out, '\0');
	return out.err ? out.err
		       : grasp_scope_group(text, p->range, p->prefix, p->prefix_len, ret);
}

static int
groups_of_key(
    enum key key, struct slice value, const struct place *p, struct in6_addr *ret)
{
	size_t longest = value.len;
	int n = 0, err;

	if (key != GEO) {
		err = group_of_key(key, value, p, ret);
		return err < 0 ? err : 1;
	}
	if (longest > GEO_PREFIX_MAX)
		longest = GEO_PREFIX_MAX;
	for (value.len = GEO_PREFIX_MIN; value.len <= longest; value.len++) {
		err = group_of_key(key, value, p, &ret[n++]);
		if (err < 0)
			return err;
	}
	return n;
}

int
grasp_scope_groups_of(const char *attributes, enum grasp_scope_range range,
    const struct in6_addr *prefix, unsigned prefix_len,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX])
{
	const struct place place = { range, prefix, prefix_len };
	char text[GRASP_SCOPE_TEXT_MAX];
	struct terms t;
	int count = 0, n = parse_canonical(attributes, text, &t);

	for (enum key k = 0; k < KEYS && n >= 0; k++) {
		if (t.value[k].len == 0)
			continue;
		n = groups_of_key(k, t.value[k], &place, &ret[count]);
		count += n;
	}
	return n < 0 ? n : count;
}

int
grasp_scope_add_domain(
    const char *attributes, const char *domain, char dst[GRASP_SCOPE_TEXT_MAX])
{
	char text[GRASP_SCOPE_TEXT_MAX];
	bool named =
	    !domain[0] || strncmp(attributes, "admin=", 6) == 0; /* keys ascend */
	int n = named ? snprintf(text, sizeof text, "%s", attributes)
		      : snprintf(text, sizeof text, "admin=%s%s%s", domain,
			    attributes[0] ? ";" : "", attributes);

	if (n < 0 || (size_t)n >= sizeof text)
		return -ENOSPC;
	if (!text[0]) {
		dst[0] = '\0';
		return 0;
	}
	return grasp_scope_canonical(text, dst);
}
