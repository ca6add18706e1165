/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/scope_int.h"
#include "base/buf.h"
#include "base/crypto.h"
#include <errno.h>
#include <string.h>

#define VALUE_MAX (GRASP_SCOPE_TEXT_MAX - 1)

const char *const scope_key_names[SCOPE_KEYS] = {
	[SCOPE_ADMIN] = "admin",
	[SCOPE_CIRCLE] = "circle",
	[SCOPE_GEO] = "geo",
	[SCOPE_MFR] = "mfr",
	[SCOPE_POSITION] = "position",
	[SCOPE_TYPE] = "type",
	[SCOPE_USER] = "user",
};

/* --- taking apart ------------------------------------------------------------------- */

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
struct slice
scope_cut(struct slice s, char separator, struct slice *rest)
{
	const uint8_t *at = s.len > 0 ? memchr(s.data, separator, s.len) : NULL;
	size_t len = at ? (size_t)(at - s.data) : s.len;

	*rest = (struct slice){ at ? at + 1 : NULL, at ? s.len - len - 1 : 0 };
	return (struct slice){ s.data, len };
}

int
scope_find_key(struct slice name)
{
	for (int k = 0; k < SCOPE_KEYS; k++)
		if (slice_is(name, scope_key_names[k]))
			return k;
	return -EINVAL;
}

int
scope_parse(struct slice text, struct scope_terms *ret)
{
	*ret = (struct scope_terms){ 0 };
	while (text.len > 0) {
		struct slice term = trim(scope_cut(text, ';', &text)), value;
		int key;

		if (term.len == 0)
			continue;
		key = scope_find_key(trim(scope_cut(term, '=', &value)));
		if (key < 0 || ret->value[key].len > 0)
			return -EINVAL;
		ret->value[key] = trim(value);
		if (ret->value[key].len == 0)
			return -EINVAL;
	}
	return 0;
}

/* --- canonical text (SC-01, SC-02) -------------------------------------------------- */

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

static int
put_circle(struct buf *out, struct slice plain)
{
	struct geo_circle circle;
	char text[GEO_TEXT_MAX];

	if (geo_parse_circle(plain, &circle) < 0)
		return -EINVAL;
	buf_puts(out, geo_format_circle(&circle, text));
	return 0;
}

static int
put_position(struct buf *out, struct slice plain)
{
	struct geo_point point;
	char text[GEO_TEXT_MAX];

	if (geo_parse_point(plain, &point) < 0)
		return -EINVAL;
	buf_puts(out, geo_format_point(point, text));
	return 0;
}

static int
put_escaped(struct buf *out, struct slice plain)
{
	if (!slice_is_utf8(plain))
		return -EINVAL;
	for (size_t i = 0; i < plain.len; i++)
		if (is_plain(plain.data[i]))
			buf_put_u8(out, plain.data[i]);
		else
			buf_printf(out, "%%%02X", plain.data[i]);
	return 0;
}

static int
put_value(struct buf *out, enum scope_key key, struct slice written)
{
	uint8_t memory[VALUE_MAX];
	struct slice s;
	struct buf plain;
	int err;

	buf_init_fixed(&plain, memory, sizeof memory);
	err = undo_percent(written, &plain);
	if (err < 0)
		return err;
	s = buf_slice(&plain);
	switch (key) {
	case SCOPE_CIRCLE:
		return put_circle(out, s);
	case SCOPE_POSITION:
		return put_position(out, s);
	case SCOPE_GEO:
		return geo_is_hash(s) ? put_escaped(out, s) : -EINVAL;
	case SCOPE_ADMIN:
	case SCOPE_MFR:
	case SCOPE_TYPE:
	case SCOPE_USER:
	case SCOPE_KEYS:
		break;
	}
	return put_escaped(out, s);
}

static int
put_terms(struct buf *out, const struct scope_terms *t)
{
	const char *between = "";
	int err = 0;

	for (enum scope_key k = 0; k < SCOPE_KEYS && err == 0; k++) {
		if (t->value[k].len == 0)
			continue;
		buf_printf(out, "%s%s=", between, scope_key_names[k]);
		err = put_value(out, k, t->value[k]);
		between = ";";
	}
	return err;
}

/* An alternative that says nothing would mean everybody. */
static int
put_alternatives(struct buf *out, struct slice rest)
{
	bool several = rest.len > 0 && memchr(rest.data, '|', rest.len);
	struct scope_terms t;

	while (rest.len > 0) {
		size_t start = out->pos;
		int err = scope_parse(scope_cut(rest, '|', &rest), &t);

		if (err == 0)
			err = put_terms(out, &t);
		if (err < 0)
			return err;
		if (several && out->pos == start)
			return -EINVAL;
		if (rest.len > 0)
			buf_put_u8(out, '|');
	}
	return 0;
}

static int
end_text(struct buf *out, int err, char *dst)
{
	buf_put_u8(out, '\0');
	if (err == 0)
		err = out->err;
	if (err < 0)
		dst[0] = '\0';
	return err;
}

int
grasp_scope_canonical(const char *expression, char dst[GRASP_SCOPE_TEXT_MAX])
{
	struct buf out;

	buf_init_fixed(&out, dst, GRASP_SCOPE_TEXT_MAX);
	return end_text(&out, put_alternatives(&out, slice_text(expression)), dst);
}

/* --- what others are told ------------------------------------------------------------ */

static void
put_with_domain(struct buf *out, struct slice terms, const char *domain)
{
	bool named = !domain[0] ||
	    (terms.len >= 6 && memcmp(terms.data, "admin=", 6) == 0); /* keys ascend */

	if (!named)
		buf_printf(out, "admin=%s%s", domain, terms.len ? ";" : "");
	buf_put_slice(out, terms);
}

int
grasp_scope_add_domain(
    const char *attributes, const char *domain, char dst[GRASP_SCOPE_TEXT_MAX])
{
	char text[GRASP_SCOPE_TEXT_MAX];
	struct slice rest = slice_text(attributes);
	struct buf out;

	if (strchr(domain, ';') || strchr(domain, '|'))
		return -EINVAL;
	buf_init_fixed(&out, text, sizeof text);
	do {
		put_with_domain(&out, scope_cut(rest, '|', &rest), domain);
		if (rest.len > 0)
			buf_put_u8(&out, '|');
	} while (rest.len > 0);
	buf_put_u8(&out, '\0');
	return out.err ? out.err : grasp_scope_canonical(text, dst);
}

int
grasp_scope_disclose(const char *attributes, char dst[GRASP_SCOPE_TEXT_MAX])
{
	struct scope_terms t;
	struct buf out;
	int err = scope_parse(slice_text(attributes), &t);

	t.value[SCOPE_POSITION].len = 0;
	if (t.value[SCOPE_GEO].len > SCOPE_GEO_MAX)
		t.value[SCOPE_GEO].len = SCOPE_GEO_MAX;
	buf_init_fixed(&out, dst, GRASP_SCOPE_TEXT_MAX);
	return end_text(&out, err < 0 ? err : put_terms(&out, &t), dst);
}

/* --- who is meant (SC-08, SC-10) ------------------------------------------------------- */

/* A geohash names the area of all that begin with it. */
static bool
is_in_cell(struct slice wanted, const struct scope_terms *mine)
{
	struct slice geo = mine->value[SCOPE_GEO];
	struct geo_point point;
	struct geo_hash hash;

	if (geo.len == 0 && geo_parse_point(mine->value[SCOPE_POSITION], &point) == 0) {
		hash = geo_hash_of(point, GEO_HASH_MAX);
		geo = slice_text(hash.text);
	}
	return geo.len >= wanted.len && memcmp(geo.data, wanted.data, wanted.len) == 0;
}

static bool
is_in_circle(struct slice wanted, const struct scope_terms *mine)
{
	struct geo_circle circle;
	struct geo_point point;

	if (geo_parse_circle(wanted, &circle) < 0)
		return false;
	if (geo_parse_point(mine->value[SCOPE_POSITION], &point) == 0)
		return geo_contains(&circle, point);
	return geo_is_hash(mine->value[SCOPE_GEO]) &&
	    geo_touches(&circle, mine->value[SCOPE_GEO]);
}

static bool
covers(enum scope_key key, struct slice wanted, const struct scope_terms *mine)
{
	switch (key) {
	case SCOPE_CIRCLE:
		return is_in_circle(wanted, mine);
	case SCOPE_GEO:
		return is_in_cell(wanted, mine);
	case SCOPE_ADMIN:
	case SCOPE_MFR:
	case SCOPE_TYPE:
	case SCOPE_USER:
		return slice_equal(wanted, mine->value[key]);
	case SCOPE_POSITION: /* is of nodes */
	case SCOPE_KEYS:
		break;
	}
	return false;
}

static bool
matches_one(struct slice alternative, const struct scope_terms *mine)
{
	struct scope_terms wanted;

	if (scope_parse(alternative, &wanted) < 0)
		return false;
	for (enum scope_key k = 0; k < SCOPE_KEYS; k++)
		if (wanted.value[k].len > 0 && !covers(k, wanted.value[k], mine))
			return false;
	return true;
}

bool
grasp_scope_matches(const char *expression, const char *attributes)
{
	char wanted[GRASP_SCOPE_TEXT_MAX], mine_text[GRASP_SCOPE_TEXT_MAX];
	struct scope_terms mine;
	struct slice rest;

	if (grasp_scope_canonical(expression, wanted) < 0 ||
	    grasp_scope_canonical(attributes, mine_text) < 0 ||
	    scope_parse(slice_text(mine_text), &mine) < 0)
		return false;
	rest = slice_text(wanted);
	do
		if (matches_one(scope_cut(rest, '|', &rest), &mine))
			return true;
	while (rest.len > 0);
	return false;
}
