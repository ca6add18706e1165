/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an item ends and whether it is one: for bytes that a stranger sent, whole or in
 * pieces. S-13, I-23. */
#include "base/cbor.h"
#include "tests/support/alloc.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

static const char *const whole[] = {
	"00",
	"17",
	"1818",
	"1bffffffffffffffff",
	"20",
	"3bffffffffffffffff",
	"40",
	"4401020304",
	"60",
	"6449455446",
	"64f0908591",
	"80",
	"83010203",
	"a0",
	"a201020304",
	"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
	"c074323031332d30332d32315432303a30343a30305a",
	"d080",
	"d2845f41ff40ffa0f640",
	"d818456449455446",
	"dbffffffffffffffff00",
	"e0",
	"f3",
	"f4",
	"f5",
	"f6",
	"f7",
	"f820",
	"f8ff",
	"f90000",
	"f97e00",
	"fa47c35000",
	"fb7e37e43c8800759c",
	"5fff",
	"7fff",
	"5f42010243030405ff",
	"7f657374726561646d696e67ff",
	"9fff",
	"9f018202039f0405ffff",
	"83018202039f0405ff",
	"bfff",
	"bf61610161629f0203ffff",
	"826161bf61626163ff",
	"bf6346756ef563416d7421ff",
	"a1c1820102c1c2f6",
	"9f5fff7fffbfffa080ff",
	"8181818181818181818181818181818100",
	"bf9fff9fffff",
};

static const char *const malformed[] = {
	/* reserved additional information: RFC 8949 §3 */
	"1c",
	"1d",
	"1e",
	"1f",
	"3c",
	"3d",
	"3e",
	"3f",
	"5c",
	"5d",
	"5e",
	"7c",
	"7d",
	"7e",
	"9c",
	"9d",
	"9e",
	"bc",
	"bd",
	"be",
	"dc",
	"dd",
	"de",
	"df",
	"fc",
	"fd",
	"fe",
	/* simple values below 32 in two bytes: §3.3 */
	"f800",
	"f818",
	"f81f",
	/* breaks out of place */
	"ff",
	"81ff",
	"8200ff",
	"a1ff",
	"a100ff",
	"bf00ff",
	"bf000000ff",
	"9f81ff",
	"9fc1ff",
	"c1ff",
	"9f829f819f9fffffffff",
	/* chunks that are no definite strings of the same type */
	"5f00ff",
	"5f6161ff",
	"7f4161ff",
	"5f5f4100ffff",
	"7f7f6161ffff",
	"5fc14100ff",
	"7f80ff",
	"5ff6ff",
	/* text that is not UTF-8; each chunk counts for itself */
	"61ff",
	"62c328",
	"61c3",
	"62c080",
	"63eda080",
	"64f4908080",
	"7f61c361a4ff",
	/* deeper than 16 */
	"818181818181818181818181818181818100",
	"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
	"9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f",
	"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c100",
	"81818181818181818181818181818181c100",
};

static void
the_length_of_one_item_is_found_whatever_follows(void **state)
{
	char hex[100];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		struct slice in = hex_bytes(whole[i]);
		assert_int_equal(cbor_item_length(in, in.len), in.len);
		assert_int_equal(cbor_item_length(in, SIZE_MAX), in.len);
		assert_true(cbor_well_formed(in));
		hex_bytes_free(in);
		strcpy(hex, whole[i]);
		strcat(hex, "ff");
		in = hex_bytes(hex);
		assert_int_equal(cbor_item_length(in, in.len), in.len - 1);
		assert_false(cbor_well_formed(in));
		hex_bytes_free(in);
	}
}

static void
each_beginning_of_an_item_needs_more_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		struct slice in = hex_bytes(whole[i]);
		for (size_t len = 0; len < in.len; len++) {
			uint8_t *part = malloc(len ? len : 1);
			memcpy(part, in.data, len);
			assert_int_equal(
			    cbor_item_length((struct slice){ part, len }, 1000), 0);
			assert_false(cbor_well_formed((struct slice){ part, len }));
			free(part);
		}
		hex_bytes_free(in);
	}
}

static void
nothing_is_the_beginning_of_an_item(void **state)
{
	struct slice nothing = { NULL, 0 };
	struct cbor_reader r;

	(void)state;
	assert_int_equal(cbor_item_length(nothing, 100), 0);
	assert_int_equal(cbor_item_length(nothing, 0), -EMSGSIZE);
	assert_false(cbor_well_formed(nothing));
	rd_init(&r, nothing, 0);
	assert_false(rd_more(&r));
	assert_int_equal(rd_done(&r), 0);
	assert_int_equal(rd_raw(&r).len, 0);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
an_item_that_is_longer_than_the_maximum_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		struct slice in = hex_bytes(whole[i]);
		for (size_t max = 0; max < in.len; max++)
			assert_int_equal(cbor_item_length(in, max), -EMSGSIZE);
		hex_bytes_free(in);
	}
}

static void
malformed_items_are_refused(void **state)
{
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		struct slice in = hex_bytes(malformed[i]);
		ssize_t n = cbor_item_length(in, 1000);
		if (n != -EBADMSG)
			fail_msg("%s: %zd and not -EBADMSG", malformed[i], n);
		assert_false(cbor_well_formed(in));
		rd_init(&r, in, 0);
		rd_skip(&r);
		assert_int_equal(rd_done(&r), -EBADMSG);
		hex_bytes_free(in);
	}
}

static void
a_stream_in_single_bytes_gives_the_same_answers(void **state)
{
	struct cbor_scan s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		struct slice in = hex_bytes(whole[i]);
		cbor_scan_init(&s, 1000);
		for (size_t len = 0; len < in.len; len++)
			assert_int_equal(
			    cbor_scan_item(&s, (struct slice){ in.data, len }), 0);
		assert_int_equal(cbor_scan_item(&s, in), in.len);
		hex_bytes_free(in);
	}
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		struct slice in = hex_bytes(malformed[i]);
		ssize_t n = 0;
		cbor_scan_init(&s, 1000);
		for (size_t len = 0; len <= in.len && n == 0; len++)
			n = cbor_scan_item(&s, (struct slice){ in.data, len });
		assert_int_equal(n, -EBADMSG);
		assert_int_equal(cbor_scan_item(&s, in), -EBADMSG); /* and it stays so */
		hex_bytes_free(in);
	}
}

static void
an_item_that_grows_to_the_maximum_without_end_is_refused(void **state)
{
	uint8_t in[100];
	struct cbor_scan s;

	(void)state;
	memset(in, 0, sizeof in);
	in[0] = 0x9f;
	cbor_scan_init(&s, sizeof in);
	for (size_t len = 0; len < sizeof in; len++)
		assert_int_equal(cbor_scan_item(&s, (struct slice){ in, len }), 0);
	assert_int_equal(cbor_scan_item(&s, (struct slice){ in, sizeof in }), -EMSGSIZE);
	assert_int_equal(cbor_scan_item(&s, (struct slice){ in, sizeof in }), -EMSGSIZE);
}

/* What is declared cannot arrive within the maximum: the answer must not be "wait". */
static const char *const bombs[] = {
	"9a10000000", /* 5 bytes that cost libcbor 0.8 two gigabytes */
	"9b7fffffffffffffff", "9bffffffffffffffff", "9b8000000000000000", "ba10000000",
	"bb7fffffffffffffff", "bb8000000000000000", "bbffffffffffffffff", "5a7fffffff",
	"5b7fffffffffffffff", "5bffffffffffffffff", "5bfffffffffffffff7", "7affffffff",
	"7bffffffffffffffff", "5f5bffffffffffffffff", "7f7bfffffffffffffff6",
	"818181819a10000000", "a1009a10000000", "c19a10000000", "9f9a10000000",
	"84011af0480ff950fd9e0001000000000000000000000001846345583205049a10000000",
	"83041a86dc283c5b7fffffffffffffff", "990801", "ba00000401",
	"590801", /* just above 2048 */
};

static void
a_claim_beyond_the_maximum_is_refused_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		struct slice in = hex_bytes(bombs[i]);
		ssize_t n = cbor_item_length(in, 2048);
		if (n != -EMSGSIZE)
			fail_msg("%s: %zd and not -EMSGSIZE", bombs[i], n);
		assert_false(cbor_well_formed(in));
		hex_bytes_free(in);
	}
}

/* 17 levels, each of which claims as many items as bytes could be left. */
static size_t
make_nested_bomb(uint8_t *in, size_t size)
{
	size_t len = 0;

	for (int level = 0; level < CBOR_DEPTH_MAX; level++, len += 3)
		memcpy(in + len, "\x99\x04\x00", 3);
	memset(in + len, 0x80, size - len);
	return size;
}

static void
bombs_cost_no_memory_I_23(void **state)
{
	uint8_t nested[1195];
	char text[512];
	struct buf out;
	struct cbor_reader r;

	(void)state;
	buf_init_fixed(&out, text, sizeof text);
	for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
		struct slice in = hex_bytes(bombs[i]);
		size_t before = alloc_count();
		assert_false(cbor_well_formed(in));
		assert_int_equal(cbor_item_length(in, 65536) > 0, 0);
		rd_init(&r, in, 0);
		rd_skip(&r);
		assert_int_equal(rd_done(&r), -EBADMSG);
		buf_reset(&out);
		cbor_diag(&out, in);
		assert_int_equal(alloc_count(), before);
		hex_bytes_free(in);
	}
	struct slice in = { nested, make_nested_bomb(nested, sizeof nested) };
	size_t before = alloc_count();
	assert_false(cbor_well_formed(in));
	rd_init(&r, in, 0);
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	assert_int_equal(alloc_count(), before);
	void *volatile p = malloc(1); /* the counter does count */
	free(p);
	assert_int_equal(alloc_count(), before + 1);
}

static void
deep_nesting_of_any_length_costs_one_level_more_than_allowed(void **state)
{
	static const uint8_t openers[] = { 0x81, 0x9f, 0xa1, 0xbf, 0xc1 };
	static uint8_t in[65536];
	struct cbor_scan s;

	(void)state;
	for (size_t i = 0; i < sizeof openers; i++) {
		memset(in, openers[i], sizeof in);
		cbor_scan_init(&s, sizeof in);
		assert_int_equal(
		    cbor_scan_item(&s, (struct slice){ in, sizeof in }), -EBADMSG);
		assert_true(s.at.pos <= CBOR_DEPTH_MAX);
	}
}

/* The position moves forward only: 64 KiB in single bytes is 64 Ki short looks. */
static void
single_bytes_do_not_make_the_work_quadratic(void **state)
{
	static uint8_t in[65536];
	struct cbor_scan s;
	size_t last = 0;

	(void)state;
	memset(in, 0, sizeof in);
	in[0] = 0x9f;
	in[sizeof in - 1] = 0xff;
	cbor_scan_init(&s, sizeof in);
	for (size_t len = 0; len < sizeof in; len++) {
		assert_int_equal(cbor_scan_item(&s, (struct slice){ in, len }), 0);
		assert_int_equal(s.at.pos, len); /* all that is there has been taken */
		assert_true(s.at.pos >= last);
		last = s.at.pos;
	}
	assert_int_equal(cbor_scan_item(&s, (struct slice){ in, sizeof in }), sizeof in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_length_of_one_item_is_found_whatever_follows),
		TEST(each_beginning_of_an_item_needs_more_bytes),
		TEST(nothing_is_the_beginning_of_an_item),
		TEST(an_item_that_is_longer_than_the_maximum_is_refused),
		TEST(malformed_items_are_refused),
		TEST(a_stream_in_single_bytes_gives_the_same_answers),
		TEST(an_item_that_grows_to_the_maximum_without_end_is_refused),
		TEST(a_claim_beyond_the_maximum_is_refused_at_once),
		TEST(bombs_cost_no_memory_I_23),
		TEST(deep_nesting_of_any_length_costs_one_level_more_than_allowed),
		TEST(single_bytes_do_not_make_the_work_quadratic),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
