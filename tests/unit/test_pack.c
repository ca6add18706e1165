/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pack.h"
#include "base/mem.h"
#include "tests/support/test.h"
#include <math.h>

#define COLUMN 4096

static uint8_t data[16 * COLUMN];

static uint64_t
draw(uint64_t *seed) /* splitmix64 */
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static double
double_of(uint64_t bits)
{
	double v;

	memcpy(&v, &bits, sizeof v);
	return v;
}

static size_t
pack_column(const double *v, size_t len)
{
	struct bit_writer w = { data, sizeof data, 0 };
	struct pack_values p = { 0 };

	for (size_t i = 0; i < len; i++) {
		size_t before = w.bits;

		pack_value(&p, &w, v[i]);
		assert_true(w.bits - before <= PACK_BITS_MAX);
	}
	assert_true(w.bits <= 8 * sizeof data);
	return w.bits;
}

/* Returns the bits a value takes. */
static double
check_column(const double *v, size_t len)
{
	size_t bits = pack_column(v, len);
	struct bit_reader r = { { data, (bits + 7) / 8 }, 0, false };
	struct pack_values p = { 0 };

	for (size_t i = 0; i < len; i++) {
		double got = unpack_value(&p, &r), newest = pack_newest(&p);

		assert_false(r.failed);
		if (memcmp(&got, &v[i], sizeof got) != 0)
			fail_msg("value %zu: %a instead of %a", i, got, v[i]);
		assert_memory_equal(&newest, &v[i], sizeof newest);
	}
	assert_int_equal(r.bits, bits);
	return (double)bits / (double)len;
}

static void
bits_come_back_at_any_place(void **state)
{
	struct bit_writer w = { data, sizeof data, 0 };
	struct bit_reader r = { { data, sizeof data }, 0, false };
	uint64_t seed = 1, again = 1;

	(void)state;
	memset(data, 0xff, sizeof data);
	for (unsigned i = 0; i < 1000; i++)
		bits_put(&w, draw(&seed), i % 65);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t v = draw(&again);

		assert_true(bits_get(&r, i % 65) ==
		    (i % 65 ? v << (64 - i % 65) >> (64 - i % 65) : 0));
	}
	assert_int_equal(r.bits, w.bits);
	assert_false(r.failed);
}

static void
numbers_of_any_size_come_back(void **state)
{
	(void)state;
	for (unsigned k = 0; k <= 40; k++) {
		struct bit_writer w = { data, sizeof data, 0 };
		struct bit_reader r = { { data, sizeof data }, 0, false };

		for (unsigned i = 0; i < 64; i++) {
			bits_put_number(&w, UINT64_C(1) << i, k);
			bits_put_number(&w, (UINT64_C(2) << i) - 1, k);
			bits_put_number(&w, i, k);
		}
		for (unsigned i = 0; i < 64; i++) {
			assert_true(bits_get_number(&r, k) == UINT64_C(1) << i);
			assert_true(bits_get_number(&r, k) == (UINT64_C(2) << i) - 1);
			assert_true(bits_get_number(&r, k) == i);
		}
		assert_int_equal(r.bits, w.bits);
	}
}

static void
what_does_not_fit_spoils_nothing(void **state)
{
	uint8_t small[3] = { 0, 0, 0xee };
	struct bit_writer w = { small, 2, 0 };

	(void)state;
	bits_put(&w, 0x5a5, 12);
	bits_put(&w, 0xff, 8);
	assert_true(w.bits > 16);
	bits_put(&w, 1, 1);
	assert_true(w.bits > 16);
	w.bits = 12;
	bits_put(&w, 0, 4);
	assert_int_equal(small[0], 0x5a);
	assert_int_equal(small[1], 0x50);
	assert_int_equal(small[2], 0xee);
}

static void
reading_beyond_the_end_fails_and_gives_zero(void **state)
{
	static const uint8_t ones[] = { 0xff, 0xff };
	struct bit_reader r = { { ones, 2 }, 0, false };
	struct pack_values p = { 0 };
	struct pack_times t = { 0 };

	(void)state;
	assert_int_equal(bits_get(&r, 15), 0x7fff);
	assert_int_equal(bits_get(&r, 2), 0);
	assert_true(r.failed);
	assert_int_equal(bits_get(&r, 1), 0);
	assert_true(unpack_value(&p, &r) == 0);
	assert_true(unpack_time(&t, &r) == 0);
}

static void
odd_doubles_come_back_exactly(void **state)
{
	static const uint64_t odd[] = { 0, 0x8000000000000000, 0x7ff0000000000000,
		0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000002,
		0xffffffffffffffff, 1, 0x000fffffffffffff, 0x7fefffffffffffff,
		0x4340000000000000, 0xc340000000000000, 0x433fffffffffffff };
	double v[ARRAY_LEN(odd) * ARRAY_LEN(odd) * 2];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		for (size_t k = 0; k < ARRAY_LEN(odd); k++) { /* each after each */
			v[n++] = double_of(odd[i]);
			v[n++] = double_of(odd[k]);
		}
	check_column(v, n);
}

/* Whatever a column does, with changes of its ways in the middle. */
static double
draw_value(uint64_t *seed, unsigned kind, double before)
{
	uint64_t r = draw(seed);

	switch (kind % 9) {
	case 0:
		return double_of(r);
	case 1:
		return before;
	case 2:
		return before + (double)(r % 7);
	case 3:
		return (double)(int64_t)(r % 2000 - 1000) / 100;
	case 4:
		return (double)(r % 100000) * 4096;
	case 5:
		return (double)(r >> 11) / 9007199254740992.0;
	case 6:
		return (double)(int64_t)r;
	case 7:
		return (double)(r % 1000000) / 1e9;
	}
	return r % 3 ? before * 1.0001 : NAN;
}

static void
random_columns_come_back_exactly(void **state)
{
	static double v[COLUMN];
	uint64_t seed = 42;

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		unsigned kind = round, stay = 1u << draw(&seed) % 10;
		size_t len = 1 + draw(&seed) % COLUMN;

		for (size_t i = 0; i < len; i++) {
			if (draw(&seed) % stay == 0)
				kind = (unsigned)draw(&seed) % 9;
			v[i] = draw_value(&seed, kind, i ? v[i - 1] : 0);
		}
		check_column(v, len);
	}
}

static void
a_column_goes_on_where_it_was_interrupted(void **state)
{
	struct pack_values out = { 0 }, in = { 0 };
	uint64_t seed = 3, again = 3;
	double before = 0, expected = 0;

	(void)state;
	for (unsigned message = 0; message < 100; message++) {
		struct bit_writer w = { data, sizeof data, 0 };
		struct bit_reader r = { { data, sizeof data }, 0, false };

		for (unsigned i = 0; i < 10; i++) {
			before = draw_value(&seed, message, before);
			pack_value(&out, &w, before);
		}
		for (unsigned i = 0; i < 10; i++) {
			double got = unpack_value(&in, &r);

			expected = draw_value(&again, message, expected);
			assert_memory_equal(&got, &expected, sizeof got);
		}
		assert_memory_equal(&in, &out, sizeof in);
	}
}

static void
what_is_expected_needs_no_bits(void **state)
{
	struct pack_values out = { 0 }, in = { 0 };
	struct bit_writer w = { data, sizeof data, 0 };
	struct bit_reader r = { { data, sizeof data }, 0, false };

	(void)state;
	assert_false(pack_expected(&out, 0));
	for (unsigned i = 0; i < 40; i++) { /* a counter that goes up evenly */
		pack_value(&out, &w, 0.25 * i);
		assert_true(unpack_value(&in, &r) == 0.25 * i);
	}
	for (unsigned i = 40; i < 100; i++)
		assert_true(pack_expected(&out, 0.25 * i));
	assert_false(pack_expected(&out, 7));
	assert_true(unpack_expected(&in, 60) == 0.25 * 99);
	assert_memory_equal(&in, &out, sizeof in);
}

static void
a_new_beginning_needs_only_the_value_and_what_was_learnt(void **state)
{
	static const double values[] = { 0, 1.25, -7, 4096, NAN, -0.0, 1e300, 0.1 + 0.2 };
	struct bit_writer w = { data, sizeof data, 0 };
	struct pack_values out = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		pack_value(&out, &w, (double)(i * i % 77) / 10);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct pack_values in = { .cost = { out.cost[0], out.cost[1] },
			.scale = out.scale };
		double newest;

		pack_begin(&out, values[i]);
		pack_begin(&in, values[i]);
		newest = pack_newest(&in);
		assert_memory_equal(&newest, &values[i], sizeof newest);
		assert_int_equal(in.mode, out.mode);
		assert_int_equal(in.scale, out.scale);
	}
}

/* What the coding is for: bounds that plain Gorilla misses by far (47, 22, 18 and 12 bits). */
static void
numbers_of_machines_take_few_bits(void **state)
{
	static double seconds[COLUMN], rss[COLUMN], dbm[COLUMN], load[COLUMN];
	uint64_t seed = 9;

	(void)state;
	seconds[0] = 71234.56;
	rss[0] = 123456 * 4096.;
	dbm[0] = -61;
	load[0] = 0.52;
	for (size_t i = 1; i < COLUMN; i++) {
		double ticks = rint(seconds[i - 1] * 100) + (double)(draw(&seed) % 40);

		seconds[i] = ticks / 100;
		rss[i] = rss[i - 1] + 4096. * (double)(draw(&seed) % 64) - 32 * 4096.;
		dbm[i] = dbm[i - 1] + (double)(draw(&seed) % 3) - 1;
		load[i] = i % 5 ? load[i - 1] : (double)(draw(&seed) % 100) / 100;
	}
	assert_true(check_column(seconds, COLUMN) < 7.5);
	assert_true(check_column(rss, COLUMN) < 8.5);
	assert_true(check_column(dbm, COLUMN) < 2.6);
	assert_true(check_column(load, COLUMN) < 5);
	assert_true(check_column(rss, 1) <= 64);
}

static void
times_come_back_and_a_steady_period_takes_a_bit(void **state)
{
	struct bit_writer w = { data, sizeof data, 0 };
	struct bit_reader r = { { data, sizeof data }, 0, false };
	struct pack_times out = { 0 }, in = { 0 };
	uint64_t seed = 5, again = 5;
	size_t before;

	(void)state;
	for (int64_t t = 0; t < 100; t++)
		pack_time(&out, &w, 123456789 + 1000 * t);
	before = w.bits;
	for (int64_t t = 100; t < 1000; t++)
		pack_time(&out, &w, 123456789 + 1000 * t);
	assert_int_equal(w.bits - before, 900);
	for (unsigned i = 0; i < 1000; i++)
		pack_time(&out, &w, (int64_t)(draw(&seed) >> i % 64));
	for (int64_t t = 0; t < 1000; t++)
		assert_int_equal(unpack_time(&in, &r), 123456789 + 1000 * t);
	for (unsigned i = 0; i < 1000; i++)
		assert_true(unpack_time(&in, &r) == (int64_t)(draw(&again) >> i % 64));
	assert_false(r.failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bits_come_back_at_any_place),
		TEST(numbers_of_any_size_come_back),
		TEST(what_does_not_fit_spoils_nothing),
		TEST(reading_beyond_the_end_fails_and_gives_zero),
		TEST(odd_doubles_come_back_exactly),
		TEST(random_columns_come_back_exactly),
		TEST(a_column_goes_on_where_it_was_interrupted),
		TEST(what_is_expected_needs_no_bits),
		TEST(a_new_beginning_needs_only_the_value_and_what_was_learnt),
		TEST(numbers_of_machines_take_few_bits),
		TEST(times_come_back_and_a_steady_period_takes_a_bit),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
