/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/geo.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARTH_M	      6371008.8
#define RADIAN	      (M_PI / 180)
#define FEW_CELLS     4
#define NUMBER_MAX    24
#define COVER_LEN_MAX 6

static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";

/* The cells of one length, as a grid that begins in the south-west. */
struct grid {
	unsigned len;
	uint32_t rows, columns;
	double height, width; /* degrees */
};

/* Rows and columns of a grid; columns may go on beyond the last one. */
struct span {
	uint32_t row, rows, column, columns;
};

struct box {
	double south, north, west, east; /* east may be above 180 */
};

/* --- text ---------------------------------------------------------------------------- */

/* A decimal number without exponent, to the comma or the end; *rest is what follows it. */
static int
take_number(struct slice *rest, double *ret)
{
	char text[NUMBER_MAX], *end;
	size_t n = 0;

	while (n < rest->len && n < sizeof text - 1 &&
	    strchr("+-.0123456789", rest->data[n]) && rest->data[n])
		n++;
	if (n == 0) /* data may be NULL */
		return -EINVAL;
	memcpy(text, rest->data, n);
	text[n] = '\0';
	*ret = strtod(text, &end);
	if (*end || !isfinite(*ret))
		return -EINVAL;
	rest->data += n;
	rest->len -= n;
	return 0;
}

static void
skip_blanks(struct slice *s)
{
	for (; s->len > 0 && s->data[0] == ' '; s->data++, s->len--)
		;
}

static int
take_comma(struct slice *rest)
{
	skip_blanks(rest);
	if (rest->len == 0 || rest->data[0] != ',')
		return -EINVAL;
	rest->data++;
	rest->len--;
	skip_blanks(rest);
	return 0;
}

static int
take_point(struct slice *rest, struct geo_point *ret)
{
	struct geo_point p;

	if (take_number(rest, &p.lat) < 0 || take_comma(rest) < 0 ||
	    take_number(rest, &p.lon) < 0)
		return -EINVAL;
	if (fabs(p.lat) > 90 || fabs(p.lon) > 180)
		return -EINVAL;
	*ret = p;
	return 0;
}

int
geo_parse_point(struct slice text, struct geo_point *ret)
{
	struct geo_point p;

	skip_blanks(&text);
	if (take_point(&text, &p) < 0)
		return -EINVAL;
	skip_blanks(&text);
	if (text.len > 0)
		return -EINVAL;
	*ret = p;
	return 0;
}

int
geo_parse_circle(struct slice text, struct geo_circle *ret)
{
	struct geo_circle c;

	skip_blanks(&text);
	if (take_point(&text, &c.centre) < 0 || take_comma(&text) < 0 ||
	    take_number(&text, &c.radius_m) < 0)
		return -EINVAL;
	skip_blanks(&text);
	if (slice_is(text, "km"))
		c.radius_m *= 1000;
	else if (text.len > 0 && !slice_is(text, "m"))
		return -EINVAL;
	if (!(c.radius_m >= 1) || c.radius_m > GEO_RADIUS_MAX)
		return -EINVAL;
	*ret = c;
	return 0;
}

static int
format_degrees(double degrees, char *dst, size_t size)
{
	int n = snprintf(dst, size, "%.6f", degrees);

	while (dst[n - 1] == '0')
		n--;
	if (dst[n - 1] == '.')
		n--;
	dst[n] = '\0';
	if (strcmp(dst, "-0") == 0) {
		strcpy(dst, "0");
		n = 1;
	}
	return n;
}

char *
geo_format_point(struct geo_point p, char dst[GEO_TEXT_MAX])
{
	int n = format_degrees(p.lat, dst, GEO_TEXT_MAX);

	dst[n++] = ',';
	format_degrees(p.lon, dst + n, (size_t)(GEO_TEXT_MAX - n));
	return dst;
}

char *
geo_format_circle(const struct geo_circle *c, char dst[GEO_TEXT_MAX])
{
	size_t n = strlen(geo_format_point(c->centre, dst));

	snprintf(dst + n, GEO_TEXT_MAX - n, ",%.0f", c->radius_m);
	return dst;
}

/* --- distance -------------------------------------------------------------------------- */

double
geo_distance(struct geo_point a, struct geo_point b)
{
	double lat = sin((b.lat - a.lat) * RADIAN / 2);
	double lon = sin((b.lon - a.lon) * RADIAN / 2);
	double h = lat * lat + cos(a.lat * RADIAN) * cos(b.lat * RADIAN) * lon * lon;

	return 2 * EARTH_M * asin(h < 1 ? sqrt(h) : 1);
}

bool
geo_contains(const struct geo_circle *c, struct geo_point p)
{
	return geo_distance(c->centre, p) <= c->radius_m;
}

/* Touches all meridians when a pole is inside. */
static struct box
box_around(const struct geo_circle *c)
{
	double angle = c->radius_m / EARTH_M, lat = angle / RADIAN;
	struct box b = { c->centre.lat - lat, c->centre.lat + lat, -180, 180 };

	if (b.south > -90 && b.north < 90) {
		double lon = asin(sin(angle) / cos(c->centre.lat * RADIAN)) / RADIAN;

		b.west = c->centre.lon - lon;
		b.east = c->centre.lon + lon;
		if (b.west < -180) {
			b.west += 360;
			b.east += 360;
		}
	}
	b.south = b.south > -90 ? b.south : -90;
	b.north = b.north < 90 ? b.north : 90;
	return b;
}

/* --- cells ----------------------------------------------------------------------------- */

static struct grid
grid_of(unsigned len)
{
	unsigned bits = 5 * len;
	struct grid g = { .len = len,
		.rows = UINT32_C(1) << bits / 2,
		.columns = UINT32_C(1) << (bits - bits / 2) };

	g.height = 180.0 / g.rows;
	g.width = 360.0 / g.columns;
	return g;
}

static uint32_t
index_of(double from_edge, double size, uint32_t count)
{
	double i = floor(from_edge / size);

	if (i < 0)
		return 0;
	return i < count ? (uint32_t)i : count - 1;
}

static struct span
span_of(const struct grid *g, const struct box *b)
{
	uint32_t north = index_of(b->north + 90, g->height, g->rows);
	uint32_t east = index_of(b->east + 180, g->width, 2 * g->columns);
	struct span s = { .row = index_of(b->south + 90, g->height, g->rows),
		.column = index_of(b->west + 180, g->width, g->columns) };

	s.rows = north - s.row + 1;
	s.columns = east - s.column + 1;
	if (s.columns > g->columns)
		s.columns = g->columns;
	return s;
}

/* The bits of column and row take turns, from the highest on, the column's first. */
static struct geo_hash
hash_of_cell(const struct grid *g, uint32_t row, uint32_t column)
{
	struct geo_hash h = { "" };
	uint32_t row_bit = g->rows, column_bit = g->columns;
	bool along = true;

	for (unsigned i = 0; i < g->len; i++) {
		unsigned digit = 0;

		for (int bit = 0; bit < 5; bit++, along = !along) {
			if (along)
				digit = digit << 1 | !!(column & (column_bit >>= 1));
			else
				digit = digit << 1 | !!(row & (row_bit >>= 1));
		}
		h.text[i] = digits[digit];
	}
	return h;
}

static void
cell_of_hash(struct slice hash, uint32_t *ret_row, uint32_t *ret_column)
{
	bool along = true;

	*ret_row = *ret_column = 0;
	for (size_t i = 0; i < hash.len; i++) {
		unsigned digit = (unsigned)(strchr(digits, hash.data[i]) - digits);

		for (int bit = 4; bit >= 0; bit--, along = !along) {
			uint32_t *to = along ? ret_column : ret_row;

			*to = *to << 1 | (digit >> bit & 1);
		}
	}
}

bool
geo_is_hash(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == 0 || !strchr(digits, text.data[i]))
			return false;
	return text.len >= 1 && text.len <= GEO_HASH_MAX;
}

struct geo_hash
geo_hash_of(struct geo_point p, unsigned len)
{
	struct grid g = grid_of(len);

	return hash_of_cell(&g, index_of(p.lat + 90, g.height, g.rows),
	    index_of(p.lon + 180, g.width, g.columns));
}

bool
geo_touches(const struct geo_circle *c, struct slice hash)
{
	struct grid g = grid_of((unsigned)hash.len);
	struct box b = box_around(c);
	struct span s = span_of(&g, &b);
	uint32_t row, column;

	cell_of_hash(hash, &row, &column);
	return row >= s.row && row - s.row < s.rows &&
	    (column + g.columns - s.column) % g.columns < s.columns;
}

static int
list_cells(const struct grid *g, const struct span *s, struct geo_hash *ret)
{
	int n = 0;

	for (uint32_t row = 0; row < s->rows; row++)
		for (uint32_t column = 0; column < s->columns; column++)
			ret[n++] = hash_of_cell(
			    g, s->row + row, (s->column + column) % g->columns);
	return n;
}

int
geo_cover(const struct geo_circle *c, unsigned min_len, unsigned max_len,
    struct geo_hash ret[GEO_CELLS_MAX])
{
	struct box b = box_around(c);

	if (max_len > COVER_LEN_MAX)
		max_len = COVER_LEN_MAX;
	for (unsigned len = max_len; len >= min_len; len--) {
		uint32_t most = len == min_len ? GEO_CELLS_MAX : FEW_CELLS;
		struct grid g = grid_of(len);
		struct span s = span_of(&g, &b);

		if (s.rows <= most && s.columns <= most && s.rows * s.columns <= most)
			return list_cells(&g, &s, ret);
	}
	return -ERANGE;
}
