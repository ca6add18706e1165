/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pack.h"
#include "base/mem.h"
#include <endian.h>
#include <math.h>
#include <stdlib.h>

/* --- bits ------------------------------------------------------------------------------ */

void
bits_put(struct bit_writer *w, uint64_t value, unsigned bits)
{
	if (w->bits + bits > 8 * w->size) {
		w->bits = 8 * w->size + 1;
		return;
	}
	while (bits > 0) {
		unsigned at = w->bits % 8, n = 8 - at < bits ? 8 - at : bits;
		uint8_t *byte = &w->data[w->bits / 8], mask = (uint8_t)(0xff >> at);

		bits -= n;
		*byte = (uint8_t)((at ? *byte & ~mask : 0) |
		    (value >> bits << (8 - at - n) & mask));
		w->bits += n;
	}
}

/* The next 57 bits or more, in front; zeros beyond the end. */
static uint64_t
peek_bits(const struct bit_reader *r)
{
	size_t at = r->bits / 8, left = r->data.len - at;
	uint64_t word = 0;

	if (left >= sizeof word) {
		memcpy(&word, r->data.data + at, sizeof word);
		word = be64toh(word);
	} else {
		for (size_t i = 0; i < left; i++)
			word |= (uint64_t)r->data.data[at + i] << (56 - 8 * i);
	}
	return word << r->bits % 8;
}

static uint64_t
fail_read(struct bit_reader *r)
{
	r->bits = 8 * r->data.len;
	r->failed = true;
	return 0;
}

uint64_t
bits_get(struct bit_reader *r, unsigned bits)
{
	uint64_t high = 0;

	if (r->failed || bits > 8 * r->data.len - r->bits)
		return fail_read(r);
	if (bits > 56) {
		high = peek_bits(r) >> 32 << (bits - 32);
		r->bits += 32;
		bits -= 32;
	}
	if (bits > 0)
		high |= peek_bits(r) >> (64 - bits);
	r->bits += bits;
	return high;
}

static unsigned
count_bits(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* As many ones as the number has bits above 2^k, a zero, and these bits. */
static bool
put_short(struct bit_writer *w, uint64_t value, unsigned k, unsigned ones_max)
{
	uint64_t q = (value >> k) + 1;
	unsigned n = q ? count_bits(q) - 1 : 64;

	if (n >= ones_max)
		return false;
	bits_put(w, (UINT64_C(1) << (n + 1)) - 2, n + 1);
	bits_put(
	    w, (q ^ UINT64_C(1) << n) << k | (value & ((UINT64_C(1) << k) - 1)), n + k);
	return true;
}

/* So many ones, at most ones_max, and the zero behind them if there are fewer. */
static unsigned
get_ones(struct bit_reader *r, unsigned ones_max)
{
	unsigned n;

	if (r->failed || r->bits >= 8 * r->data.len) {
		fail_read(r);
		return 0;
	}
	n = (unsigned)__builtin_clzll(~peek_bits(r) | 1);
	n = n < ones_max ? n : ones_max;
	bits_get(r, n < ones_max ? n + 1 : n);
	return n;
}

static uint64_t
get_short(struct bit_reader *r, unsigned ones, unsigned k)
{
	uint64_t rest = bits_get(r, ones + k);

	return r->failed ? 0 : rest + (((UINT64_C(1) << ones) - 1) << k);
}

static void
put_long(struct bit_writer *w, uint64_t value)
{
	unsigned len = value ? count_bits(value) : 1;

	bits_put(w, len - 1, 6);
	bits_put(w, value, len);
}

static uint64_t
get_long(struct bit_reader *r)
{
	unsigned len = (unsigned)bits_get(r, 6) + 1;

	return bits_get(r, len);
}

#define ONES_MAX 10 /* as many mean that something else follows */

void
bits_put_number(struct bit_writer *w, uint64_t value, unsigned k)
{
	if (put_short(w, value, k, ONES_MAX))
		return;
	bits_put(w, (1u << ONES_MAX) - 1, ONES_MAX);
	put_long(w, value);
}

/* Most numbers lie within one word. false: it does not, and nothing was read. */
static inline bool
get_whole(struct bit_reader *r, unsigned k, uint64_t *ret)
{
	uint64_t word = peek_bits(r);
	unsigned ones = (unsigned)__builtin_clzll(~word | 1), bits = 2 * ones + 1 + k;

	if (ones >= ONES_MAX || bits > 56 || bits > 8 * r->data.len - r->bits)
		return false;
	word <<= ones + 1;
	*ret = (ones + k > 0 ? word >> (64 - ones - k) : 0) +
	    (((UINT64_C(1) << ones) - 1) << k);
	r->bits += bits;
	return true;
}

uint64_t
bits_get_number(struct bit_reader *r, unsigned k)
{
	uint64_t value;
	unsigned ones;

	if (get_whole(r, k, &value))
		return value;
	ones = get_ones(r, ONES_MAX);
	return ones < ONES_MAX ? get_short(r, ones, k) : get_long(r);
}

static uint64_t
fold_sign(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t
unfold_sign(uint64_t v)
{
	return (int64_t)(v >> 1 ^ -(v & 1));
}

/* --- what a number is a multiple of ---------------------------------------------------- */

#define INTEGER_MAX INT64_C(9007199254740992) /* 2^53: below it a double holds each one */

/* Coarse to fine. The order is the format. */
static const struct {
	double times, per;
} scales[] = {
	{ 4096, 1 },
	{ 1024, 1 },
	{ 512, 1 },
	{ 1, 1 },
	{ 1, 1e1 },
	{ 1, 1e2 },
	{ 1, 1e3 },
	{ 1, 1e4 },
	{ 1, 1e5 },
	{ 1, 1e6 },
	{ 1, 1e7 },
	{ 1, 1e8 },
	{ 1, 1e9 },
};
#define SCALE_BITS 4

static double
of_integer(int64_t integer, unsigned scale)
{
	return (double)integer * scales[scale].times / scales[scale].per;
}

static bool
to_integer(double value, unsigned scale, int64_t *ret)
{
	double x = value / scales[scale].times * scales[scale].per;
	int64_t integer;

	if (!(fabs(x) < (double)INTEGER_MAX))
		return false;
	integer = (int64_t)(x < 0 ? x - 0.5 : x + 0.5);
	if (of_integer(integer, scale) != value || (integer == 0 && signbit(value)))
		return false;
	*ret = integer;
	return true;
}

/* A finer scale first: what a column has shown to need, it will need again. */
static bool
find_scale(double value, unsigned from, unsigned *ret_scale, int64_t *ret)
{
	for (unsigned i = from; i < ARRAY_LEN(scales); i++)
		if (to_integer(value, i, ret)) {
			*ret_scale = i;
			return true;
		}
	for (unsigned i = from; i-- > 0;)
		if (to_integer(value, i, ret)) {
			*ret_scale = i;
			return true;
		}
	return false;
}

/* --- values ---------------------------------------------------------------------------- */

enum mode { BEGINNING, INTEGER, XOR };
enum escape { NEW_SCALE, LONG, TO_XOR };

#define ESCAPE_BITS 2
/* Tried on /proc of a busy machine and on radio, battery and load traces: others cost up to 5 % more. */
#define K_LESS 32 /* 64ths of a bit below the mean size */
#define LEARN  8  /* weight of the newest number: one part in so many */

static uint64_t
bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static double
double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

double
pack_newest(const struct pack_values *p)
{
	return p->mode == XOR ? double_of((uint64_t)p->integer)
			      : of_integer(p->integer, p->scale);
}

static int64_t
expect(const struct pack_values *p)
{
	bool line = p->mode == INTEGER && p->cost[1] < p->cost[0];

	return line ? p->integer + p->delta : p->integer;
}

/* Of the predictor in use. Numbers of the usual size shall take few bits, and zeros one. */
static unsigned
choose_k(const struct pack_values *p)
{
	unsigned cost = p->cost[1] < p->cost[0] ? p->cost[1] : p->cost[0];

	return cost > K_LESS ? (cost - K_LESS) / 64 : 0;
}

static void
learn(uint16_t *cost, int64_t error)
{
	int now = 64 * (int)count_bits(fold_sign(error));

	*cost = (uint16_t)(*cost + (now - *cost) / LEARN);
}

static void
take_integer(struct pack_values *p, int64_t integer)
{
	int64_t delta = integer - p->integer;

	learn(&p->cost[0], delta);
	learn(&p->cost[1], delta - p->delta);
	p->integer = integer;
	p->delta = delta;
}

static void
begin_integers(struct pack_values *p, unsigned scale, int64_t integer)
{
	p->mode = INTEGER;
	p->scale = (uint8_t)scale;
	p->integer = integer;
	p->delta = 0;
}

static void
begin_xor(struct pack_values *p, uint64_t bits)
{
	p->mode = XOR;
	p->integer = (int64_t)bits;
	p->leading = p->width = 0;
}

static void
put_begin_integers(
    struct pack_values *p, struct bit_writer *w, unsigned scale, int64_t integer)
{
	begin_integers(p, scale, integer);
	bits_put(w, scale, SCALE_BITS);
	put_long(w, fold_sign(integer));
}

static double
get_begin_integers(struct pack_values *p, struct bit_reader *r)
{
	unsigned scale = (unsigned)bits_get(r, SCALE_BITS);
	int64_t integer = unfold_sign(get_long(r));

	if (r->failed || scale >= ARRAY_LEN(scales) || llabs(integer) >= INTEGER_MAX)
		return (double)fail_read(r);
	begin_integers(p, scale, integer);
	return pack_newest(p);
}

static void
put_begin_xor(struct pack_values *p, struct bit_writer *w, uint64_t bits)
{
	begin_xor(p, bits);
	bits_put(w, bits, 64);
}

static double
get_begin_xor(struct pack_values *p, struct bit_reader *r)
{
	uint64_t bits = bits_get(r, 64);

	if (!r->failed)
		begin_xor(p, bits);
	return double_of(bits);
}

static void
put_beginning(struct pack_values *p, struct bit_writer *w, double value)
{
	unsigned scale;
	int64_t integer;
	bool scaled = find_scale(value, p->scale, &scale, &integer);

	bits_put(w, !scaled, 1);
	if (scaled)
		put_begin_integers(p, w, scale, integer);
	else
		put_begin_xor(p, w, bits_of(value));
}

static void
put_escape(struct bit_writer *w, enum escape escape)
{
	bits_put(
	    w, ((1u << ONES_MAX) - 1) << ESCAPE_BITS | escape, ONES_MAX + ESCAPE_BITS);
}

static void
put_integer(struct pack_values *p, struct bit_writer *w, double value)
{
	unsigned scale;
	int64_t integer;
	uint64_t error;

	if (to_integer(value, p->scale, &integer)) {
		error = fold_sign(integer - expect(p));
		if (!put_short(w, error, choose_k(p), ONES_MAX)) {
			put_escape(w, LONG);
			put_long(w, error);
		}
		take_integer(p, integer);
	} else if (find_scale(value, p->scale, &scale, &integer)) {
		put_escape(w, NEW_SCALE);
		put_begin_integers(p, w, scale, integer);
	} else {
		put_escape(w, TO_XOR);
		put_begin_xor(p, w, bits_of(value));
	}
}

static double
get_error(struct pack_values *p, struct bit_reader *r, uint64_t error)
{
	int64_t integer = (int64_t)((uint64_t)expect(p) + (uint64_t)unfold_sign(error));

	if (r->failed || integer >= INTEGER_MAX || integer <= -INTEGER_MAX)
		return (double)fail_read(r);
	take_integer(p, integer);
	return pack_newest(p);
}

static double
get_integer(struct pack_values *p, struct bit_reader *r)
{
	uint64_t error;
	unsigned ones;

	if (get_whole(r, choose_k(p), &error))
		return get_error(p, r, error);
	ones = get_ones(r, ONES_MAX);
	if (ones < ONES_MAX)
		return get_error(p, r, get_short(r, ones, choose_k(p)));
	switch (bits_get(r, ESCAPE_BITS)) {
	case NEW_SCALE:
		return get_begin_integers(p, r);
	case LONG:
		return get_error(p, r, get_long(r));
	case TO_XOR:
		return get_begin_xor(p, r);
	}
	return (double)fail_read(r);
}

/* One odd number does not end what was begun: two in a row do, or a mark that was none at all. */
static bool
returns_to_integers(const struct pack_values *p, double value, int64_t *ret)
{
	double before = pack_newest(p);
	int64_t ignored;

	return to_integer(value, p->scale, ret) &&
	    (!isfinite(before) || to_integer(before, p->scale, &ignored));
}

static void
put_window(struct pack_values *p, struct bit_writer *w, uint64_t xor)
{
	unsigned leading = 64 - count_bits(xor),
		 trailing = (unsigned)__builtin_ctzll(xor);

	if (p->width > 0 && leading >= p->leading &&
	    trailing >= 64u - p->leading - p->width) {
		bits_put(w, 2, 2);
	} else {
		p->leading = (uint8_t)leading;
		p->width = (uint8_t)(64 - leading - trailing);
		bits_put(w, 6, 3);
		bits_put(w, leading, 6);
		bits_put(w, p->width - 1u, 6);
	}
	bits_put(w, xor >> (64 - p->leading - p->width), p->width);
}

static void
put_xor(struct pack_values *p, struct bit_writer *w, double value)
{
	uint64_t xor = bits_of(value) ^ (uint64_t)p->integer;
	int64_t integer;

	if (xor == 0) {
		bits_put(w, 0, 1);
	} else if (returns_to_integers(p, value, &integer)) {
		bits_put(w, 7, 3);
		put_begin_integers(p, w, p->scale, integer);
	} else {
		put_window(p, w, xor);
		p->integer = (int64_t)bits_of(value);
	}
}

static double
get_window(struct pack_values *p, struct bit_reader *r, bool anew)
{
	unsigned leading = anew ? (unsigned)bits_get(r, 6) : p->leading;
	unsigned width = anew ? (unsigned)bits_get(r, 6) + 1 : p->width;
	uint64_t xor ;

	if (width == 0 || leading + width > 64)
		return (double)fail_read(r);
	xor = bits_get(r, width) << (64 - leading - width);
	if (r->failed)
		return 0;
	p->leading = (uint8_t)leading;
	p->width = (uint8_t)width;
	p->integer = (int64_t)((uint64_t)p->integer ^ xor);
	return pack_newest(p);
}

static double
get_xor(struct pack_values *p, struct bit_reader *r)
{
	switch (get_ones(r, 3)) {
	case 0:
		return r->failed ? 0 : pack_newest(p);
	case 1:
		return get_window(p, r, false);
	case 2:
		return get_window(p, r, true);
	}
	return get_begin_integers(p, r);
}

void
pack_value(struct pack_values *p, struct bit_writer *w, double value)
{
	switch ((enum mode)p->mode) {
	case BEGINNING:
		put_beginning(p, w, value);
		return;
	case INTEGER:
		put_integer(p, w, value);
		return;
	case XOR:
		put_xor(p, w, value);
	}
}

double
unpack_value(struct pack_values *p, struct bit_reader *r)
{
	switch ((enum mode)p->mode) {
	case BEGINNING:
		return bits_get(r, 1) ? get_begin_xor(p, r) : get_begin_integers(p, r);
	case INTEGER:
		return get_integer(p, r);
	case XOR:
		return get_xor(p, r);
	}
	return 0;
}

void
pack_begin(struct pack_values *p, double value)
{
	unsigned scale;
	int64_t integer;

	if (find_scale(value, p->scale, &scale, &integer))
		begin_integers(p, scale, integer);
	else
		begin_xor(p, bits_of(value));
}

/* Nothing is learnt from it: when the number moves again, it will move as it used to. */
double
unpack_expected(struct pack_values *p, uint32_t count)
{
	int64_t step = expect(p) - p->integer;

	if (p->mode == INTEGER && count > 0) {
		p->delta = step;
		p->integer += step * count;
	}
	return pack_newest(p);
}

bool
pack_expected(struct pack_values *p, double value)
{
	struct pack_values next = *p;

	if (p->mode == BEGINNING ||
	    bits_of(unpack_expected(&next, 1)) != bits_of(value) ||
	    (p->mode == INTEGER && llabs(next.integer) >= INTEGER_MAX))
		return false;
	*p = next;
	return true;
}

/* --- times ----------------------------------------------------------------------------- */

void
pack_time(struct pack_times *p, struct bit_writer *w, int64_t time_ms)
{
	int64_t delta = (int64_t)((uint64_t)time_ms - (uint64_t)p->time);
	int64_t error = (int64_t)((uint64_t)delta - (uint64_t)p->delta);

	if (p->begun) {
		bits_put_number(w, fold_sign(error), p->cost / 64);
		learn(&p->cost, error);
		p->delta = delta;
	} else {
		put_long(w, fold_sign(time_ms));
	}
	p->begun = true;
	p->time = time_ms;
}

int64_t
unpack_time(struct pack_times *p, struct bit_reader *r)
{
	int64_t error;

	if (!p->begun) {
		p->time = unfold_sign(get_long(r));
		p->begun = true;
		return p->time;
	}
	error = unfold_sign(bits_get_number(r, p->cost / 64));
	if (r->failed)
		return 0;
	learn(&p->cost, error);
	p->delta = (int64_t)((uint64_t)p->delta + (uint64_t)error);
	p->time = (int64_t)((uint64_t)p->time + (uint64_t)p->delta);
	return p->time;
}
