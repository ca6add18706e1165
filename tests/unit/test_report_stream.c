/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"
#include "tests/support/values.h"
#include <errno.h>
#include <stdio.h>

#define SERIES	   36
#define POINTS_MAX 8192

static uint8_t memory[65536];
static struct buf out;
static struct report_stream *sender, *receiver;
static struct report_point point[POINTS_MAX];
static struct fog_report head, got;
static uint8_t labels[SERIES][32];
static size_t came;
static uint64_t next;

static void
set_labels(unsigned i)
{
	struct buf b;
	char name[8];

	buf_init_fixed(&b, labels[i], sizeof labels[i]);
	snprintf(name, sizeof name, "c%u", i);
	wr_map(&b, 1);
	wr_text(&b, "cpu");
	wr_text(&b, name);
	assert_int_equal(b.err, 0);
}

static struct slice
labels_of(unsigned i)
{
	return (struct slice){ labels[i], 8u + (i > 9) };
}

static int
reset(void **state)
{
	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(report_stream_new(&sender), 0);
	assert_int_equal(report_stream_new(&receiver), 0);
	memset(&head, 0, sizeof head);
	memset(head.boot, 7, sizeof head.boot);
	head.sequence = next = 1;
	for (unsigned i = 0; i < SERIES; i++)
		set_labels(i);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	report_stream_free(TAKE(sender));
	report_stream_free(TAKE(receiver));
	return 0;
}

/* Row number `row` of all series, one second apart. */
static size_t
make_row(struct report_point *p, int64_t row)
{
	for (unsigned i = 0; i < SERIES; i++)
		p[i] = (struct report_point){ .item = 100 + i / 8,
			.time_ms = 50000 + row * 1000,
			.value =
			    (double)((row * (i + 1) * 37) % 1000) / (i % 3 ? 1 : 100),
			.samples = 1,
			.labels = labels_of(i) };
	return SERIES;
}

static void
compare(void *arg, const struct report_value *v)
{
	const struct report_point *p = (const struct report_point *)arg + came;

	assert_int_equal(v->number, next++);
	assert_int_equal(v->series->item, p->item);
	assert_true(slice_equal(v->series->labels, p->labels));
	assert_int_equal(v->time_ms, p->time_ms);
	assert_memory_equal(&v->value, &p->value, sizeof v->value);
	assert_int_equal(v->samples, p->samples);
	assert_true(slice_equal(v->reason, p->reason));
	came++;
}

/* Sends these, in as many reports as it takes; returns the bytes of the values. */
static size_t
carry(const struct report_point *p, size_t n)
{
	size_t bytes = 0, taken;

	for (size_t at = 0; at < n; at += taken) {
		buf_reset(&out);
		head.sent_ms = p[n - 1].time_ms + 250;
		assert_int_equal(
		    report_stream_put(sender, &head, p + at, n - at, &out, &taken), 0);
		assert_true(taken > 0);
		bytes += out.pos;
		assert_int_equal(fog_report_decode(buf_slice(&out), &got), 0);
		came = 0;
		assert_int_equal(
		    report_stream_take(receiver, &got, compare, (void *)(p + at)), 0);
		assert_int_equal(came, taken);
		head.sequence += taken;
	}
	assert_in_range(report_stream_sent(receiver), (uint64_t)head.sent_ms - 20,
	    (uint64_t)head.sent_ms + 20);
	return bytes;
}

static void
values_come_back_bit_by_bit_RPT_08(void **state)
{
	(void)state;
	for (int64_t row = 0; row < 100; row++)
		carry(point, make_row(point, row));
	assert_int_equal(report_stream_next(receiver), 100 * SERIES + 1);
}

static void
a_steady_second_takes_few_bytes(void **state)
{
	size_t n, bytes = 0;

	(void)state;
	for (int64_t row = 0; row < 20; row++) {
		n = make_row(point, row);
		for (size_t i = 0; i < n; i++)
			point[i].value = (double)i;
		bytes = carry(point, n);
	}
	assert_in_range(bytes, 1, SERIES / 8 + 8);
}

static void
a_batch_of_many_rows_is_one_report(void **state)
{
	size_t n = 0, taken;

	(void)state;
	for (int64_t row = 0; row < 10; row++)
		n += make_row(point + n, row);
	carry(point, n);
	head.sent_ms += 10000;
	for (size_t i = 0; i < n; i++)
		point[i].time_ms += 10000;
	buf_reset(&out);
	assert_int_equal(report_stream_put(sender, &head, point, n, &out, &taken), 0);
	assert_int_equal(taken, n);
}

static void
rows_of_two_shapes_are_told_once(void **state)
{
	size_t few = 0;

	(void)state;
	for (int64_t row = 0; row < 40; row++) {
		make_row(point, row);
		few = carry(point, row % 10 ? 4 : SERIES);
	}
	assert_in_range(few, 1, 24);
}

static void
unknown_values_carry_their_reason_CMP_08(void **state)
{
	(void)state;
	for (int64_t row = 0; row < 6; row++) {
		make_row(point, row);
		point[3].value = point[5].value = NAN;
		point[3].reason = slice_text("no sample yet");
		point[5].reason = slice_text(row < 3 ? "no sample yet" : "no such file");
		carry(point, SERIES);
	}
}

static void
numbers_and_times_may_jump(void **state)
{
	(void)state;
	carry(point, make_row(point, 0));
	head.sequence = next = 1000;
	carry(point, make_row(point, 90000));
	carry(point, make_row(point, 5));
}

static void
samples_that_grow_are_followed(void **state)
{
	(void)state;
	for (uint32_t row = 0; row < 10; row++) {
		make_row(point, row);
		for (unsigned i = 0; i < SERIES; i += 2)
			point[i].samples = row * 3;
		carry(point, SERIES);
	}
}

static void
ignore(void *arg, const struct report_value *v)
{
	(void)arg, (void)v;
}

static void
a_stream_that_has_not_begun_is_not_understood(void **state)
{
	size_t taken;

	(void)state;
	carry(point, make_row(point, 0));
	report_stream_reset(receiver);
	buf_reset(&out);
	make_row(point, 1);
	assert_int_equal(
	    report_stream_put(sender, &head, point, SERIES, &out, &taken), 0);
	assert_int_equal(fog_report_decode(buf_slice(&out), &got), 0);
	assert_int_equal(report_stream_take(receiver, &got, ignore, NULL), -EPROTO);
	report_stream_reset(sender);
	next = head.sequence;
	carry(point, make_row(point, 2));
}

static void
too_many_series_begin_the_stream_anew(void **state)
{
	size_t n = 0;

	(void)state;
	for (; n < POINTS_MAX; n++)
		point[n] = (struct report_point){ .item = (uint32_t)n,
			.time_ms = 1000 + (int64_t)n / 64,
			.value = (double)n };
	carry(point, n);
	assert_in_range(report_stream_bytes(receiver), 1, 1 << 20);
}

static void
broken_bytes_are_refused_and_cost_little(void **state)
{
	static uint8_t broken[65536];
	struct fog_report bad;
	size_t taken;
	uint32_t random = 1;

	(void)state;
	make_row(point, 0);
	assert_int_equal(
	    report_stream_put(sender, &head, point, SERIES, &out, &taken), 0);
	assert_int_equal(fog_report_decode(buf_slice(&out), &got), 0);
	for (unsigned turn = 0; turn < 3000; turn++) {
		memcpy(broken, got.packed.data, got.packed.len);
		random = random * 1664525 + 1013904223;
		broken[(random >> 8) % got.packed.len] ^= (uint8_t)(1 << (random >> 29));
		bad = got;
		bad.packed = (struct slice){ broken,
			turn % 5 ? got.packed.len : (random >> 8) % got.packed.len };
		(void)!report_stream_take(receiver, &bad, ignore, NULL);
		assert_in_range(report_stream_bytes(receiver), 1, 1 << 17);
	}
	bad = got;
	bad.packed.len--;
	assert_int_equal(report_stream_take(receiver, &bad, ignore, NULL), -EBADMSG);
	bad.begins = false;
	assert_int_equal(report_stream_take(receiver, &bad, ignore, NULL), -EPROTO);
}

static void
set_user(void *arg, const struct report_value *v)
{
	unsigned *calls = arg;

	if (!v->series->user)
		v->series->user = calls;
	else
		calls[1]++;
	calls[0]++;
}

static void
what_the_receiver_knows_of_a_series_stays_with_it(void **state)
{
	unsigned calls[2] = { 0 };
	size_t taken;

	(void)state;
	for (int64_t row = 0; row < 5; row++) {
		make_row(point, row);
		buf_reset(&out);
		assert_int_equal(
		    report_stream_put(sender, &head, point, SERIES, &out, &taken), 0);
		head.sequence += taken;
		assert_int_equal(fog_report_decode(buf_slice(&out), &got), 0);
		assert_int_equal(report_stream_take(receiver, &got, set_user, calls), 0);
	}
	assert_int_equal(calls[0], 5 * SERIES);
	assert_int_equal(calls[1], 4 * SERIES);
}

int
main(void)
{
#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, reset, finish)
	const struct CMUnitTest tests[] = {
		STREAM_TEST(values_come_back_bit_by_bit_RPT_08),
		STREAM_TEST(a_steady_second_takes_few_bytes),
		STREAM_TEST(a_batch_of_many_rows_is_one_report),
		STREAM_TEST(rows_of_two_shapes_are_told_once),
		STREAM_TEST(unknown_values_carry_their_reason_CMP_08),
		STREAM_TEST(numbers_and_times_may_jump),
		STREAM_TEST(samples_that_grow_are_followed),
		STREAM_TEST(a_stream_that_has_not_begun_is_not_understood),
		STREAM_TEST(too_many_series_begin_the_stream_anew),
		STREAM_TEST(broken_bytes_are_refused_and_cost_little),
		STREAM_TEST(what_the_receiver_knows_of_a_series_stays_with_it),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
