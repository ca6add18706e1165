/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "tests/support/alloc.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

static struct slice
bytes(const void *data, size_t len)
{
	return (struct slice){ data, len };
}

static void
a_slice_of_text_leaves_the_nul_out(void **state)
{
	(void)state;
	assert_int_equal(slice_text("abc").len, 3);
	assert_int_equal(slice_text(NULL).len, 0);
	assert_true(slice_is(slice_text("abc"), "abc"));
	assert_false(slice_is(slice_text("abc"), "ab"));
	assert_false(slice_is(slice_text("abc"), "abd"));
	assert_true(slice_equal(slice_text(NULL), slice_text("")));
}

static void
a_copy_of_a_slice_ends_with_a_nul(void **state)
{
	char *copy = slice_dup(bytes("abcd", 3));

	(void)state;
	assert_string_equal(copy, "abc");
	free(copy);
	copy = slice_dup(slice_text(NULL));
	assert_string_equal(copy, "");
	free(copy);
	assert_null(slice_dup(bytes("a\0b", 3)));
}

static void
a_slice_is_copied_only_where_it_fits(void **state)
{
	char dst[4] = "x";

	(void)state;
	assert_int_equal(slice_copy(slice_text("abc"), dst, sizeof dst), 0);
	assert_string_equal(dst, "abc");
	assert_int_equal(slice_copy(slice_text("abcd"), dst, sizeof dst), -ENOSPC);
	assert_string_equal(dst, "");
	assert_int_equal(slice_copy(slice_text("ab"), dst, sizeof dst), 0);
	assert_int_equal(slice_copy(bytes("a\0b", 3), dst, sizeof dst), -EINVAL);
	assert_string_equal(dst, "");
	assert_int_equal(slice_copy(slice_text(NULL), dst, 1), 0);
	assert_int_equal(slice_copy(slice_text(NULL), dst, 0), -ENOSPC);
}

static void
utf8_is_checked_strictly(void **state)
{
	static const struct {
		const char *text;
		size_t first; /* bytes of the first character; 0: refused */
	} cases[] = {
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xee\x80\x80", 3 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "", 0 },
		{ "\x80", 0 },		   /* a continuation alone */
		{ "\xc0\x80", 0 },	   /* overlong NUL */
		{ "\xc1\xbf", 0 },	   /* overlong */
		{ "\xe0\x9f\xbf", 0 },	   /* overlong */
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xed\xa0\x80", 0 },	   /* surrogate */
		{ "\xed\xbf\xbf", 0 },	   /* surrogate */
		{ "\xf4\x90\x80\x80", 0 }, /* beyond U+10FFFF */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xff", 0 },
		{ "\xc3(", 0 },
		{ "\xc3", 0 }, /* cut */
		{ "\xe2\x82", 0 },
		{ "\xf0\x9f\x98", 0 },
		{ "\xe2(\xa1", 0 },
		{ "\xe2\x82(", 0 },
		{ "\xf0\x9f\x98(", 0 },
		{ "\xf0\x9f(\x80", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct slice s = slice_text(cases[i].text);
		assert_int_equal(slice_utf8_char(s), cases[i].first);
		assert_int_equal(slice_is_utf8(s), cases[i].first > 0 || s.len == 0);
	}
	assert_true(
	    slice_is_utf8(slice_text("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80")));
	assert_false(slice_is_utf8(slice_text("fine until \xc3")));
}

static void
text_ends_where_it_is_no_utf8(void **state)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "na\xc3\xafve", "na\xc3\xafve" },
		{ "cut \xc3", "cut " },
		{ "cut \xe2\x82", "cut " },
		{ "a\xffz", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16];

		strcpy(text, cases[i].text);
		utf8_trim(text);
		assert_string_equal(text, cases[i].trimmed);
	}
}

static void
a_fixed_buf_refuses_what_does_not_fit_and_remembers(void **state)
{
	char memory[4];
	struct buf b;

	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	buf_puts(&b, "abc");
	assert_int_equal(b.err, 0);
	buf_puts(&b, "de");
	assert_int_equal(b.err, -ENOSPC);
	buf_puts(&b, "d"); /* would fit, but the first failure sticks */
	assert_int_equal(b.pos, 3);
	assert_memory_equal(memory, "abc", 3);
	assert_string_equal(buf_text(&b), "");
	buf_reset(&b);
	buf_puts(&b, "x");
	assert_int_equal(b.err, 0);
	assert_string_equal(buf_text(&b), "x");
	buf_done(&b);
	assert_int_equal(memory[0], 'x'); /* the memory stayed the caller's */
}

static void
a_full_fixed_buf_has_no_text(void **state)
{
	char memory[3];
	struct buf b;

	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	buf_puts(&b, "abc");
	assert_int_equal(b.err, 0);
	assert_true(slice_is(buf_slice(&b), "abc"));
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.err, -ENOSPC);
}

static void
a_growing_buf_grows_up_to_its_bound(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_string_equal(buf_text(&b), "");
	for (int i = 0; i < 1000; i++)
		buf_put_u8(&b, (uint8_t)('a' + i % 26));
	assert_int_equal(b.err, 0);
	assert_int_equal(b.pos, 1000);
	assert_true(b.size <= 1000);
	assert_int_equal(strlen(buf_text(&b)), 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	buf_put_u8(&b, 'x');
	assert_int_equal(b.err, -ENOSPC);
	buf_done(&b);
	assert_null(b.data);
}

static void
a_small_bound_holds_from_the_first_put(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	buf_puts(&b, "0123456789");
	assert_int_equal(b.err, 0);
	assert_int_equal(b.size, 10);
	buf_put_u8(&b, 'x');
	assert_int_equal(b.err, -ENOSPC);
	buf_done(&b);
}

static void
a_reset_keeps_the_memory(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_puts(&b, "abc");
	const uint8_t *memory = b.data;
	buf_reset(&b);
	buf_puts(&b, "de");
	assert_ptr_equal(b.data, memory);
	assert_string_equal(buf_text(&b), "de");
	buf_done(&b);
}

static void
no_memory_sticks_and_keeps_what_was_put(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	buf_puts(&b, "abc");
	if (!alloc_fail(1)) {
		buf_done(&b);
		skip();
	}
	for (int i = 0; i < 100; i++)
		buf_puts(&b, "more");
	alloc_fail(0);
	assert_int_equal(b.err, -ENOMEM);
	assert_memory_equal(b.data, "abcmore", 7);
	assert_true(b.pos < 100);
	buf_done(&b);
}

static void
formatted_text_of_any_length_is_put(void **state)
{
	char big[3001];
	struct buf b;

	(void)state;
	memset(big, 'x', 3000);
	big[3000] = '\0';
	buf_init(&b, 4000);
	buf_printf(&b, "%d-%s", 7, "a");
	assert_string_equal(buf_text(&b), "7-a");
	buf_reset(&b);
	buf_printf(&b, "<%s>", big);
	assert_int_equal(b.pos, 3002);
	assert_int_equal(b.data[3001], '>');
	buf_printf(&b, "<%s>", big);
	assert_int_equal(b.err, -ENOSPC);
	buf_done(&b);
}

static void
text_that_cannot_be_formatted_for_want_of_memory_is_an_error(void **state)
{
	char big[3001], memory[4000];
	struct buf b;

	(void)state;
	memset(big, 'x', 3000);
	big[3000] = '\0';
	buf_init_fixed(&b, memory, sizeof memory);
	if (!alloc_fail(1))
		skip();
	buf_printf(&b, "%s", big);
	alloc_fail(0);
	assert_int_equal(b.err, -ENOMEM);
	assert_int_equal(b.pos, 0);
}

static void
the_first_bytes_can_be_dropped(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_drop(&b, 0);
	buf_puts(&b, "abcdef");
	buf_drop(&b, 2);
	assert_string_equal(buf_text(&b), "cdef");
	buf_drop(&b, 4);
	assert_string_equal(buf_text(&b), "");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_slice_of_text_leaves_the_nul_out),
		TEST(a_copy_of_a_slice_ends_with_a_nul),
		TEST(a_slice_is_copied_only_where_it_fits),
		TEST(utf8_is_checked_strictly),
		TEST(text_ends_where_it_is_no_utf8),
		TEST(a_fixed_buf_refuses_what_does_not_fit_and_remembers),
		TEST(a_full_fixed_buf_has_no_text),
		TEST(a_growing_buf_grows_up_to_its_bound),
		TEST(a_small_bound_holds_from_the_first_put),
		TEST(a_reset_keeps_the_memory),
		TEST(no_memory_sticks_and_keeps_what_was_put),
		TEST(formatted_text_of_any_length_is_put),
		TEST(text_that_cannot_be_formatted_for_want_of_memory_is_an_error),
		TEST(the_first_bytes_can_be_dropped),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
