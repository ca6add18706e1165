/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "ctl/output.h"
#include "tests/support/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command table = {
	.name = "things",
	.empty = "no things",
	.column = { { "name", "NAME", COLUMN_TEXT, 6 },
	    { "size", "SIZE", COLUMN_BYTES, 8 }, { "left", "LEFT", COLUMN_SECONDS, 0 },
	    { "tags", "TAGS", COLUMN_LIST, 0 }, { "note", "", COLUMN_TEXT, 0 } },
};

static void
put_thing(struct buf *b, const char *name, double size, double left)
{
	wr_open_map(b);
	wr_key_text(b, "name", name);
	wr_key_double(b, "size", size);
	wr_key_double(b, "left", left);
	wr_text(b, "tags");
	wr_array(b, 2);
	wr_text(b, "a");
	wr_uint(b, 7);
	wr_close(b);
}

/* What the output prints for these items, NUL-terminated; the caller frees. */
static char *
print(const struct command *c, const struct output *o, enum shape shape, size_t n,
    void (*fill)(size_t i, struct buf *b))
{
	char *text = NULL;
	size_t len;
	struct printer p = { .output = o,
		.command = c,
		.shape = shape,
		.header = true,
		.to = open_memstream(&text, &len) };
	struct buf item;

	buf_init(&p.pending, 1 << 20);
	buf_init(&item, 1 << 16);
	assert_int_equal(o->begin(&p), 0);
	for (size_t i = 0; i < n; i++) {
		buf_reset(&item);
		fill(i, &item);
		assert_int_equal(o->item(&p, buf_slice(&item)), 0);
		p.items++;
	}
	assert_int_equal(o->end(&p), 0);
	fclose(p.to);
	buf_done(&item);
	buf_done(&p.pending);
	return text;
}

static void
two_things(size_t i, struct buf *b)
{
	put_thing(b, i ? "long name" : "x", i ? 1536 : 12, i ? 90 : INFINITY);
}

static void
a_table_is_as_wide_as_it_needs_to_be(void **state)
{
	char *text = print(&table, &output_text, SHAPE_LIST, 2, two_things);

	(void)state;
	assert_string_equal(text,
	    "NAME          SIZE          LEFT  TAGS\n"
	    "x             12 B  not in sight  a, 7\n"
	    "long name  1.5 KiB          90 s  a, 7\n");
	free(text);
}

static void
nothing_is_said_in_words(void **state)
{
	char *text = print(&table, &output_text, SHAPE_LIST, 0, two_things);

	(void)state;
	assert_string_equal(text, "no things\n");
	free(text);
	text = print(&table, &output_json, SHAPE_LIST, 0, two_things);
	assert_string_equal(text, "[]\n");
	free(text);
}

static void
hostile(size_t i, struct buf *b)
{
	(void)i;
	put_thing(b, "a\x1b[31m\n<script>\xe2\x80\xae\xc2\x9b", 1, 1);
}

static void
a_peers_text_cannot_steer_the_terminal_S_31(void **state)
{
	char *text = print(&table, &output_text, SHAPE_LIST, 1, hostile);
	char *row = strchr(text, '\n') + 1;

	(void)state;
	assert_non_null(strstr(row, "a\\x1b[31m\\x0a<script>\\xe2\\x80\\xae\\xc2\\x9b"));
	assert_null(strchr(row, '\x1b'));
	assert_ptr_equal(strchr(row, '\n'), row + strlen(row) - 1);
	free(text);
}

static void
a_peers_text_in_json_is_a_string_and_steers_nothing_S_31(void **state)
{
	char *text = print(&table, &output_json, SHAPE_STREAM, 1, hostile);

	(void)state;
	assert_non_null(strstr(text, "\"a\\u001b[31m\\n<script>\\u202e\\u009b\""));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	free(text);
}

static void
a_list_is_one_json_array(void **state)
{
	char *text = print(&table, &output_json, SHAPE_LIST, 2, two_things);

	(void)state;
	assert_int_equal(text[0], '[');
	assert_string_equal(text + strlen(text) - 3, "\n]\n");
	assert_non_null(strstr(text, "\"size\": 1536"));
	free(text);
}

static void
a_stream_is_one_json_object_a_line(void **state)
{
	char *text = print(&table, &output_json, SHAPE_STREAM, 2, two_things);
	unsigned lines = 0;

	(void)state;
	for (char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2);
	assert_int_equal(text[0], '{');
	free(text);
}

static void
cbor_goes_through_as_it_came(void **state)
{
	struct buf want;

	(void)state;
	buf_init(&want, 4096);
	two_things(0, &want);
	char *text = print(&table, &output_cbor, SHAPE_LIST, 1, two_things);
	assert_memory_equal(text, want.data, want.pos);
	free(text);
	buf_done(&want);
}

static void
with_series(size_t i, struct buf *b)
{
	(void)i;
	wr_open_map(b);
	wr_key_text(b, "name", "A");
	wr_text(b, "series");
	wr_open_array(b);
	for (int k = 0; k < 2; k++) {
		wr_open_map(b);
		wr_key_int(b, "size", 5 + k);
		wr_close(b);
	}
	wr_close(b);
	wr_close(b);
}

static void
a_row_stands_for_each_series(void **state)
{
	struct command c = table;

	(void)state;
	c.expand = "series";
	char *text = print(&c, &output_text, SHAPE_ONE, 1, with_series);
	assert_non_null(strstr(text, "A      5 B"));
	assert_non_null(strstr(text, "A      6 B"));
	free(text);
}

static void
without_value(size_t i, struct buf *b)
{
	(void)i;
	wr_map(b, 4);
	wr_key_text(b, "node", "A");
	wr_key_double(b, "value", NAN);
	wr_key_text(b, "unknown", "no sample\x1b");
	wr_text(b, "series");
	wr_array(b, 0);
}

/* CMP-08: unknown, and never 0. */
static void
a_query_without_value_says_unknown_and_why(void **state)
{
	int words;
	const struct command *query =
	    command_find((char *[]){ (char *)"query" }, 1, &words);
	char *text = print(query, &output_text, SHAPE_ONE, 1, without_value);

	(void)state;
	assert_non_null(strstr(text, "unknown: no sample\\x1b\n"));
	assert_null(strchr(text, '0'));
	free(text);
}

static const struct command *
known(const char *name, const char *second)
{
	char *words[] = { (char *)(uintptr_t)name, (char *)(uintptr_t)second };
	int used;

	return command_find(words, second ? 2 : 1, &used);
}

static void
with_times(size_t i, struct buf *b)
{
	(void)i;
	wr_map(b, 3);
	wr_key_text(b, "certificate_until", "2026-11-28T12:00:00.000Z");
	wr_key_text(b, "expires", "2026-11-22T12:00:00.000Z");
	wr_key_text(b, "ca_until", "2036-11-22T12:00:00.000Z");
}

/* RFC 3339 wherever it is not a column of times, and always for programs. */
static void
times_carry_their_zone(void **state)
{
	static const char *const names[][2] = {
		{ "status", NULL },
		{ "token", "create" },
		{ "domain", "init" },
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(names); i++) {
		const struct command *c = known(names[i / 2][0], names[i / 2][1]);
		char *text = print(
		    c, i % 2 ? &output_json : &output_text, SHAPE_ONE, 1, with_times);

		assert_non_null(strstr(text, "2026-11-28T12:00:00.000Z"));
		assert_non_null(strstr(text, "2026-11-22T12:00:00.000Z"));
		assert_non_null(strstr(text, "2036-11-22T12:00:00.000Z"));
		free(text);
	}
}

static void
every_command_has_help_and_columns(void **state)
{
	(void)state;
	for (const struct command *c = commands; c->name; c++) {
		assert_non_null(c->help);
		if (c->shape == SHAPE_LIST) {
			assert_non_null(c->column[0].key);
			assert_non_null(c->column[0].title);
		}
		assert_true(c->column[COMMAND_COLUMNS_MAX - 1].key == NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_table_is_as_wide_as_it_needs_to_be),
		TEST(nothing_is_said_in_words),
		TEST(a_peers_text_cannot_steer_the_terminal_S_31),
		TEST(a_peers_text_in_json_is_a_string_and_steers_nothing_S_31),
		TEST(a_list_is_one_json_array),
		TEST(a_stream_is_one_json_object_a_line),
		TEST(cbor_goes_through_as_it_came),
		TEST(a_row_stands_for_each_series),
		TEST(a_query_without_value_says_unknown_and_why),
		TEST(times_carry_their_zone),
		TEST(every_command_has_help_and_columns),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
