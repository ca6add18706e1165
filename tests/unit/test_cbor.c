/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader; what the whole input may look like is in test_cbor_scan.c. */
#include "base/cbor.h"
#include "tests/support/hex.h"
#include "tests/support/test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct slice input;

static void
start(struct cbor_reader *r, const char *hex)
{
	hex_bytes_free(input);
	input = hex_bytes(hex);
	rd_init(r, input, 0);
}

static int
release(void **state)
{
	(void)state;
	hex_bytes_free(input);
	input = (struct slice){ NULL, 0 };
	return 0;
}

static void
unsigned_integers_of_every_width_are_read_I_14(void **state)
{
	static const struct {
		const char *hex;
		uint64_t v;
	} cases[] = {
		{ "00", 0 },
		{ "17", 23 },
		{ "1818", 24 },
		{ "1800", 0 }, /* not minimal, accepted: I-14 */
		{ "190004", 4 },
		{ "1903e8", 1000 },
		{ "1a000f4240", 1000000 },
		{ "1b000000e8d4a51000", UINT64_C(1000000000000) },
		{ "1bffffffffffffffff", UINT64_MAX },
	};
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i].hex);
		assert_int_equal(rd_peek(&r), RD_UINT);
		assert_true(rd_uint(&r) == cases[i].v);
		assert_int_equal(rd_done(&r), 0);
	}
}

static void
signed_integers_reach_the_ends_of_int64(void **state)
{
	static const struct {
		const char *hex;
		int64_t v;
		int err;
	} cases[] = {
		{ "0a", 10, 0 },
		{ "20", -1, 0 },
		{ "3863", -100, 0 },
		{ "3903e7", -1000, 0 },
		{ "3a000f423f", -1000000, 0 },
		{ "1b7fffffffffffffff", INT64_MAX, 0 },
		{ "3b7fffffffffffffff", INT64_MIN, 0 },
		{ "1b8000000000000000", 0, -EINVAL },
		{ "3b8000000000000000", 0, -EINVAL },
		{ "3bffffffffffffffff", 0, -EINVAL },
	};
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i].hex);
		assert_true(rd_int(&r) == cases[i].v);
		assert_int_equal(rd_done(&r), cases[i].err);
	}
}

static void
an_integer_above_its_maximum_is_refused(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "18ff190100");
	assert_int_equal(rd_uint_max(&r, 255), 255);
	assert_int_equal(rd_uint_max(&r, 255), 0);
	assert_int_equal(rd_done(&r), -EINVAL);
}

static void
a_number_is_an_integer_or_a_float_of_any_width(void **state)
{
	static const struct {
		const char *hex;
		double v;
	} cases[] = {
		{ "0a", 10 },
		{ "29", -10 },
		{ "3bffffffffffffffff", -18446744073709551616.0 },
		{ "f93e00", 1.5 },
		{ "f90001", 5.960464477539063e-8 },
		{ "f97bff", 65504 },
		{ "f9c400", -4 },
		{ "f97c00", INFINITY },
		{ "fa47c35000", 100000 },
		{ "faff800000", -INFINITY },
		{ "fb7e37e43c8800759c", 1e300 },
		{ "fbc010666666666666", -4.1 },
	};
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i].hex);
		assert_true(rd_number(&r) == cases[i].v);
		assert_int_equal(rd_done(&r), 0);
	}
	start(&r, "f97e00");
	assert_true(isnan(rd_number(&r)));
	assert_int_equal(rd_done(&r), 0);
}

static void
the_small_kinds_are_told_apart(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "f5f4f6f7f0f8ffd9d9f740");
	assert_int_equal(rd_peek(&r), RD_BOOL);
	assert_true(rd_bool(&r));
	assert_false(rd_bool(&r));
	assert_int_equal(rd_peek(&r), RD_NULL);
	rd_null(&r);
	assert_int_equal(rd_peek(&r), RD_UNDEFINED);
	rd_skip(&r);
	assert_int_equal(rd_peek(&r), RD_SIMPLE);
	rd_skip(&r);
	assert_int_equal(rd_peek(&r), RD_SIMPLE);
	rd_skip(&r);
	assert_int_equal(rd_peek(&r), RD_TAG);
	assert_int_equal(rd_tag(&r), 55799);
	assert_int_equal(rd_peek(&r), RD_BYTES);
	rd_bytes(&r);
	assert_int_equal(rd_peek(&r), RD_NONE);
	assert_int_equal(rd_done(&r), 0);
}

static void
every_tag_is_read_those_that_libcbor_refuses_too_I_24(void **state)
{
	char hex[5];
	struct cbor_reader r;

	(void)state;
	for (unsigned tag = 0; tag < 24; tag++) { /* I-24: libcbor 0.8 refuses 6 to 20 */
		snprintf(hex, sizeof hex, "%02x80", 0xc0 + tag);
		start(&r, hex);
		assert_int_equal(rd_tag(&r), tag);
		rd_enter_array(&r);
		rd_leave(&r);
		assert_int_equal(rd_done(&r), 0);
	}
	start(&r, "dbffffffffffffffff01");
	assert_true(rd_tag(&r) == UINT64_MAX);
	assert_int_equal(rd_uint(&r), 1);
	assert_int_equal(rd_done(&r), 0);
}

static void
another_type_than_the_expected_one_is_refused(void **state)
{
	/* uint, negint, bytes, text, array, map, tag, bool, null, undefined, float, simple */
	static const char *const items[] = { "00", "20", "40", "60", "80", "a0", "c100",
		"f4", "f6", "f7", "f90000", "f0" };
	enum { UINT, INT, NUMBER, BOOL, NULL_, TAG, BYTES, TEXT, ARRAY, MAP, GETTERS };
	static const uint16_t accepts[GETTERS] = {
		[UINT] = 1 << RD_UINT,
		[INT] = 1 << RD_UINT | 1 << RD_NEGINT,
		[NUMBER] = 1 << RD_UINT | 1 << RD_NEGINT | 1 << RD_FLOAT,
		[BOOL] = 1 << RD_BOOL,
		[NULL_] = 1 << RD_NULL,
		[TAG] = 1 << RD_TAG,
		[BYTES] = 1 << RD_BYTES,
		[TEXT] = 1 << RD_TEXT,
		[ARRAY] = 1 << RD_ARRAY,
		[MAP] = 1 << RD_MAP,
	};
	struct cbor_reader r;

	(void)state;
	for (unsigned type = 0; type < ARRAY_LEN(items); type++)
		for (unsigned getter = 0; getter < GETTERS; getter++) {
			start(&r, items[type]);
			assert_int_equal(rd_peek(&r), type);
			switch (getter) {
			case UINT:
				assert_int_equal(rd_uint(&r), 0);
				break;
			case INT:
				rd_int(&r);
				break;
			case NUMBER:
				rd_number(&r);
				break;
			case BOOL:
				assert_false(rd_bool(&r));
				break;
			case NULL_:
				rd_null(&r);
				break;
			case TAG:
				rd_tag(&r);
				break;
			case BYTES:
				assert_int_equal(rd_bytes(&r).len, 0);
				break;
			case TEXT:
				assert_int_equal(rd_text(&r).len, 0);
				break;
			case ARRAY:
				rd_enter_array(&r);
				break;
			case MAP:
				rd_enter_map(&r);
				break;
			}
			assert_int_equal(
			    r.err, accepts[getter] >> type & 1 ? 0 : -EINVAL);
		}
}

static void
strings_borrow_from_the_input(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "43010203636162634060");
	struct slice s = rd_bytes(&r);
	assert_ptr_equal(s.data, input.data + 1);
	assert_int_equal(s.len, 3);
	s = rd_text(&r);
	assert_ptr_equal(s.data, input.data + 5);
	assert_true(slice_is(s, "abc"));
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_text(&r).len, 0);
	assert_int_equal(rd_done(&r), 0);
}

static void
chunked_strings_are_joined(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "7f657374726561646d696e67ff5f42010243030405ff7fff5f4040ff7f60ff");
	assert_true(slice_is(rd_text(&r), "streaming"));
	struct slice s = rd_bytes(&r);
	assert_int_equal(s.len, 5);
	assert_memory_equal(s.data, "\1\2\3\4\5", 5);
	assert_int_equal(rd_text(&r).len, 0);
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_text(&r).len, 0);
	assert_int_equal(rd_done(&r), 0);
}

static void
a_chunked_string_is_joined_up_to_256_bytes(void **state)
{
	uint8_t in[300] = { 0x5f, 0x58, 250 };
	struct cbor_reader r;

	(void)state;
	in[253] = 0x46;
	in[260] = 0xff;
	rd_init(&r, (struct slice){ in, 261 }, 0);
	assert_int_equal(rd_bytes(&r).len, 256);
	assert_int_equal(rd_done(&r), 0);
	in[253] = 0x47;
	in[261] = 0xff;
	rd_init(&r, (struct slice){ in, 262 }, 0);
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_done(&r), -EINVAL);
	rd_init(&r, (struct slice){ in, 262 }, 0);
	assert_int_equal(rd_raw(&r).len, 262); /* as a raw item it may be longer */
	assert_int_equal(rd_done(&r), 0);
}

static void
text_is_copied_where_it_fits(void **state)
{
	char dst[4] = "x";
	struct cbor_reader r;

	(void)state;
	start(&r, "6361626363616263");
	rd_text_copy(&r, dst, sizeof dst);
	assert_string_equal(dst, "abc");
	assert_int_equal(r.err, 0);
	rd_text_copy(&r, dst, 3);
	assert_string_equal(dst, "");
	assert_int_equal(rd_done(&r), -EINVAL);
	start(&r, "63610062");
	rd_text_copy(&r, dst, sizeof dst);
	assert_int_equal(r.err, -EINVAL);
	assert_string_equal(dst, "");
}

static void
bytes_are_copied_when_their_length_is_exact(void **state)
{
	uint8_t dst[3] = { 9, 9, 9 };
	struct cbor_reader r;

	(void)state;
	start(&r, "43010203420102");
	rd_bytes_copy(&r, dst, 3);
	assert_memory_equal(dst, "\1\2\3", 3);
	rd_bytes_copy(&r, dst, 3);
	assert_memory_equal(dst, "\0\0\0", 3);
	assert_int_equal(rd_done(&r), -EINVAL);
	start(&r, "40");
	rd_bytes_copy(&r, NULL, 0);
	assert_int_equal(rd_done(&r), 0);
}

static void
containers_are_entered_and_left(void **state)
{
	static const char *const cases[] = { "8301820203a10405", "9f019f0203ffbf0405ffff",
		"9b0000000000000003019a000000020203b900010405" };
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i]);
		rd_enter_array(&r);
		assert_true(rd_more(&r));
		assert_int_equal(rd_uint(&r), 1);
		rd_enter_array(&r);
		assert_int_equal(rd_uint(&r), 2);
		assert_int_equal(rd_uint(&r), 3);
		assert_false(rd_more(&r));
		assert_int_equal(rd_peek(&r), RD_NONE);
		rd_leave(&r);
		rd_enter_map(&r);
		assert_true(rd_more(&r));
		assert_int_equal(rd_uint(&r), 4);
		assert_int_equal(rd_uint(&r), 5);
		assert_false(rd_more(&r));
		rd_leave(&r);
		assert_false(rd_more(&r));
		rd_leave(&r);
		assert_int_equal(rd_done(&r), 0);
	}
}

static void
leaving_skips_what_was_not_read(void **state)
{
	static const char *const cases[] = { "8301840282030480f60507",
		"83019f0282030480ff0507", "8301bf027f6161ff03c180ff0507",
		"8301a10281809f0507" };
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		start(&r, cases[i]);
		rd_enter_array(&r);
		rd_skip(&r);
		if (rd_peek(&r) == RD_MAP)
			rd_enter_map(&r);
		else
			rd_enter_array(&r);
		assert_int_equal(rd_uint(&r), 2);
		rd_leave(&r);
		assert_int_equal(rd_uint(&r), 5);
		rd_leave(&r);
		assert_int_equal(rd_uint(&r), 7);
		assert_int_equal(rd_done(&r), 0);
	}
	start(&r, cases[3]); /* what is skipped is checked all the same */
	rd_enter_array(&r);
	rd_leave(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
an_item_beyond_the_end_of_a_container_is_not_expected(void **state)
{
	static const char *const cases[] = { "810107", "9f01ff07" };
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i]);
		rd_enter_array(&r);
		assert_int_equal(rd_uint(&r), 1);
		assert_int_equal(rd_uint(&r), 0);
		assert_int_equal(rd_done(&r), -EINVAL);
		start(&r, cases[i]);
		rd_enter_array(&r);
		rd_skip(&r);
		rd_skip(&r);
		assert_int_equal(rd_done(&r), -EINVAL);
	}
}

static void
a_truncated_input_is_malformed_for_every_getter(void **state)
{
	static const char *const cases[] = { "", "18", "1bffffff", "42ff", "5f4101",
		"8201", "9f01", "a101", "bf0102", "bf01", "c1", "81c1", "f8", "f93c",
		"fb00", "6361", "7f6161" };
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, cases[i]);
		assert_int_equal(rd_raw(&r).len, 0);
		assert_int_equal(rd_done(&r), -EBADMSG);
	}
	start(&r, "42ff");
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "5f4101");
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "9f01");
	rd_enter_array(&r);
	rd_uint(&r);
	assert_int_equal(r.err, 0);
	assert_false(rd_more(&r));
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "");
	assert_int_equal(rd_uint(&r), 0);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "18");
	assert_int_equal(rd_peek(&r), RD_NONE);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
a_break_out_of_place_is_malformed(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "ff");
	assert_int_equal(rd_peek(&r), RD_NONE);
	assert_int_equal(r.err, -EBADMSG);
	start(&r, "81ff");
	rd_enter_array(&r);
	assert_true(rd_more(&r));
	assert_int_equal(rd_uint(&r), 0);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "bf01ff"); /* between key and value */
	rd_enter_map(&r);
	rd_uint(&r);
	assert_false(rd_more(&r));
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "bf01ff");
	rd_enter_map(&r);
	rd_leave(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "9fc1ff"); /* after a tag */
	rd_enter_array(&r);
	rd_tag(&r);
	assert_false(rd_more(&r));
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "c1");
	rd_tag(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
a_raw_item_is_the_bytes_of_the_item_I_25(void **state)
{
	static const char *const items[] = { "00", "d080", "d2845f41ff40ffa0f640", "f0",
		"f8ff", "9f019fffff", "bf6161f97e00ff", "7f6161626263ff",
		"fb7e37e43c8800759c", "840182818103040506" };
	char hex[80];
	struct cbor_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(items); i++) {
		struct slice item = hex_bytes(items[i]);
		snprintf(hex, sizeof hex, "8207%s18ff", items[i]);
		start(&r, hex);
		rd_enter_array(&r);
		rd_skip(&r);
		assert_true(slice_equal(rd_raw(&r), item)); /* I-24, I-25 */
		rd_leave(&r);
		assert_int_equal(rd_uint(&r), 255);
		assert_int_equal(rd_done(&r), 0);
		hex_bytes_free(item);
	}
}

static void
sixteen_levels_are_read_and_seventeen_refused(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "8181818181818181818181818181818100");
	for (int i = 0; i < CBOR_DEPTH_MAX; i++)
		rd_enter_array(&r);
	assert_int_equal(rd_uint(&r), 0);
	for (int i = 0; i < CBOR_DEPTH_MAX; i++)
		rd_leave(&r);
	assert_int_equal(rd_done(&r), 0);
	start(&r, "818181818181818181818181818181818100");
	for (int i = 0; i < CBOR_DEPTH_MAX; i++)
		rd_enter_array(&r);
	assert_int_equal(r.err, 0);
	rd_enter_array(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "818181818181818181818181818181818100");
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "81818181818181818181818181818181c100"); /* a tag inside the 16th */
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	start(&r, "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c100");
	for (int i = 0; i < CBOR_DEPTH_MAX; i++)
		rd_tag(&r);
	assert_int_equal(r.err, 0);
	rd_tag(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
more_items_than_the_budget_are_refused(void **state)
{
	uint8_t in[1100];
	struct cbor_reader r;

	(void)state;
	memset(in, 0, sizeof in);
	rd_init(&r, (struct slice){ in, 4 }, 3);
	for (int i = 0; i < 3; i++)
		rd_uint(&r);
	assert_int_equal(r.err, 0);
	rd_uint(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	in[0] = 0x9f; /* the array counts as well */
	in[1024] = 0xff;
	rd_init(&r, (struct slice){ in, 1025 }, 0);
	rd_skip(&r);
	assert_int_equal(rd_done(&r), 0);
	in[1024] = 0;
	in[1025] = 0xff;
	rd_init(&r, (struct slice){ in, 1026 }, 0);
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	memset(in, 0x60, sizeof in); /* chunks and tags count, too */
	in[0] = 0x7f;
	in[5] = 0xff;
	rd_init(&r, (struct slice){ in, 6 }, 4);
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	memset(in, 0xc1, 4);
	in[4] = 0;
	rd_init(&r, (struct slice){ in, 5 }, 4);
	rd_skip(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
}

static void
after_an_error_nothing_more_is_read(void **state)
{
	char text[2] = "x";
	uint8_t byte = 7;
	int64_t key = -1;
	struct slice name = { NULL, 0 };
	struct cbor_reader r;

	(void)state;
	start(&r, "01020304");
	rd_null(&r);
	size_t pos = r.pos;
	assert_int_equal(rd_peek(&r), RD_NONE);
	assert_int_equal(rd_uint(&r), 0);
	assert_int_equal(rd_int(&r), 0);
	assert_true(rd_number(&r) == 0);
	assert_false(rd_bool(&r));
	assert_int_equal(rd_tag(&r), 0);
	assert_int_equal(rd_bytes(&r).len, 0);
	assert_int_equal(rd_text(&r).len, 0);
	assert_int_equal(rd_raw(&r).len, 0);
	rd_text_copy(&r, text, sizeof text);
	assert_string_equal(text, "");
	rd_bytes_copy(&r, &byte, 1);
	assert_int_equal(byte, 0);
	rd_enter_array(&r);
	rd_enter_map(&r);
	assert_false(rd_more(&r));
	assert_false(rd_next_key(&r, &key));
	assert_int_equal(key, -1);
	assert_false(rd_next_text_key(&r, &name));
	rd_leave(&r);
	rd_fail(&r, -EPROTO);
	assert_int_equal(r.pos, pos);
	assert_int_equal(rd_done(&r), -EINVAL);
}

static void
a_caller_can_fail_a_reader(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "01");
	rd_uint(&r);
	rd_fail(&r, -EPROTO);
	assert_int_equal(rd_done(&r), -EPROTO);
}

static void
something_after_the_items_read_is_refused(void **state)
{
	struct cbor_reader r;

	(void)state;
	start(&r, "0102");
	rd_uint(&r);
	assert_int_equal(rd_done(&r), -EBADMSG);
	rd_uint(&r);
	assert_int_equal(rd_done(&r), 0);
	start(&r, "8101");
	rd_enter_array(&r);
	rd_uint(&r);
	assert_int_equal(rd_done(&r), -EBADMSG); /* not left yet */
	rd_leave(&r);
	assert_int_equal(rd_done(&r), 0);
}

static int
sum_known_keys(const char *hex, uint64_t *sum)
{
	struct cbor_reader r;

	*sum = 0;
	start(&r, hex);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);)
		switch (key) {
		case 1:
		case 3:
			*sum += rd_uint(&r);
			break;
		default:
			rd_skip(&r);
		}
	rd_leave(&r);
	return rd_done(&r);
}

static void
unknown_keys_of_a_value_map_are_skipped(void **state)
{
	uint64_t sum;

	(void)state;
	assert_int_equal(sum_known_keys("a4000001020282616180030a", &sum), 0);
	assert_int_equal(sum, 12);
	assert_int_equal(sum_known_keys("bf01020281f6030aff", &sum), 0);
	assert_int_equal(sum, 12);
	assert_int_equal(sum_known_keys("a0", &sum), 0);
}

static void
keys_of_a_value_map_must_ascend(void **state)
{
	static const struct {
		const char *hex;
		int err;
	} cases[] = {
		{ "a201000100", -EBADMSG },   /* repeated */
		{ "a203000100", -EBADMSG },   /* descending */
		{ "a20100180000", -EBADMSG }, /* descending, not minimal */
		{ "a12000", -EINVAL },	      /* negative */
		{ "a1616100", -EINVAL },
		{ "a11b800000000000000000", -EINVAL }, /* beyond int64 */
	};
	uint64_t sum;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(sum_known_keys(cases[i].hex, &sum), cases[i].err);
}

static void
text_keys_come_in_any_order(void **state)
{
	struct cbor_reader r;
	struct slice key;
	unsigned n = 0;

	(void)state;
	start(&r, "a3616201616102616303");
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		assert_int_equal(key.data[0], "bac"[n]);
		assert_int_equal(rd_uint(&r), ++n);
	}
	rd_leave(&r);
	assert_int_equal(n, 3);
	assert_int_equal(rd_done(&r), 0);
	start(&r, "a10102");
	rd_enter_map(&r);
	assert_false(rd_next_text_key(&r, &key));
	assert_int_equal(rd_done(&r), -EINVAL);
}

#define CASE(f) cmocka_unit_test_teardown(f, release)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(unsigned_integers_of_every_width_are_read_I_14),
		CASE(signed_integers_reach_the_ends_of_int64),
		CASE(an_integer_above_its_maximum_is_refused),
		CASE(a_number_is_an_integer_or_a_float_of_any_width),
		CASE(the_small_kinds_are_told_apart),
		CASE(every_tag_is_read_those_that_libcbor_refuses_too_I_24),
		CASE(another_type_than_the_expected_one_is_refused),
		CASE(strings_borrow_from_the_input),
		CASE(chunked_strings_are_joined),
		CASE(a_chunked_string_is_joined_up_to_256_bytes),
		CASE(text_is_copied_where_it_fits),
		CASE(bytes_are_copied_when_their_length_is_exact),
		CASE(containers_are_entered_and_left),
		CASE(leaving_skips_what_was_not_read),
		CASE(an_item_beyond_the_end_of_a_container_is_not_expected),
		CASE(a_truncated_input_is_malformed_for_every_getter),
		CASE(a_break_out_of_place_is_malformed),
		CASE(a_raw_item_is_the_bytes_of_the_item_I_25),
		CASE(sixteen_levels_are_read_and_seventeen_refused),
		CASE(more_items_than_the_budget_are_refused),
		CASE(after_an_error_nothing_more_is_read),
		CASE(a_caller_can_fail_a_reader),
		CASE(something_after_the_items_read_is_refused),
		CASE(unknown_keys_of_a_value_map_are_skipped),
		CASE(keys_of_a_value_map_must_ascend),
		CASE(text_keys_come_in_any_order),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
