/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/test.h"

static struct complaints c;
static struct yaml_doc *doc;

static int
set_up(void **state)
{
	(void)state;
	complaints_init(&c);
	doc = NULL;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	yaml_doc_free(doc);
	complaints_done(&c);
	return 0;
}

static const struct yaml_node *
parse(const char *text)
{
	assert_int_equal(yaml_parse(slice_text(text), "f.yaml", &c, &doc), 0);
	return yaml_root(doc);
}

static void
values_remember_where_they_stood(void **state)
{
	const struct yaml_node *root = parse("a: 1\nb:\n  c: [x, 'y']\n  d:\n");
	const struct yaml_node *b = yaml_get(root, "b"), *list = yaml_get(b, "c");

	(void)state;
	assert_int_equal(root->kind, YAML_MAPPING);
	assert_string_equal(yaml_get(root, "a")->text, "1");
	assert_int_equal(b->line, 2);
	assert_int_equal(b->column, 1);
	assert_int_equal(list->kind, YAML_SEQUENCE);
	assert_string_equal(list->key, "c");
	assert_int_equal(list->line, 3);
	assert_int_equal(list->column, 3);
	assert_string_equal(list->first->text, "x");
	assert_int_equal(list->first->column, 7);
	assert_null(list->first->key);
	assert_false(list->first->quoted);
	assert_true(list->first->next->quoted);
	assert_null(list->first->next->next);
	assert_true(yaml_is_null(yaml_get(b, "d")));
	assert_null(yaml_get(b, "e"));
	assert_null(yaml_get(list, "c"));
	assert_null(yaml_get(NULL, "c"));
}

static void
a_file_without_a_value_has_no_root(void **state)
{
	static const char *const texts[] = { "", "# nothing\n", "---\n", "~\n",
		"null\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_null(parse(texts[i]));
		yaml_doc_free(TAKE(doc));
	}
	assert_non_null(parse("''"));
}

static void
only_plain_words_mean_null(void **state)
{
	const struct yaml_node *root =
	    parse("[~, null, NULL, Null, '', 'null', \"~\", nUll, 0]");
	int n = 0;

	(void)state;
	YAML_EACH(child, root)
	assert_int_equal(yaml_is_null(child), n++ < 4);
	assert_int_equal(n, 9);
	assert_true(yaml_is_null(NULL));
}

struct refusal {
	const char *text, *complaint;
};

static void
what_is_refused_is_refused_with_place_and_reason(void **state)
{
	static const struct refusal cases[] = {
		{ "a: 1\nb: 2\na: 3\n",
		    "f.yaml:3:1: a: repeated, first seen in line 1\n" },
		{ "x: {k: 1, k: 2}\n",
		    "f.yaml:1:11: k: repeated, first seen in line 1\n" },
		{ "a: &x 1\n", "f.yaml:1:4: anchors (&name) are not accepted\n" },
		{ "a: &x [1]\n", "f.yaml:1:4: anchors (&name) are not accepted\n" },
		{ "a: *x\n", "f.yaml:1:4: aliases (*name) are not accepted\n" },
		{ "a: !!str 1\n", "f.yaml:1:4: tags (!name) are not accepted\n" },
		{ "a: !x {b: 1}\n", "f.yaml:1:4: tags (!name) are not accepted\n" },
		{ "%TAG ! x\n---\na: 1\n", "f.yaml: tags (%TAG) are not accepted\n" },
		{ "# x\n%TAG ! x\n---\na: 1\n",
		    "f.yaml: tags (%TAG) are not accepted\n" },
		{ "a: 1\n---\nb: 2\n",
		    "f.yaml:2:1: a second document is not accepted\n" },
		{ "? [a, b]\n: 1\n",
		    "f.yaml:1:3: a key must be a plain word or a quoted text\n" },
		{ "{a: 1}: 2\n",
		    "f.yaml:1:1: a key must be a plain word or a quoted text\n" },
		{ "a: \"x\\0y\"\n", "f.yaml:1:4: a NUL character is not accepted\n" },
		{ "a:\n\tb: 1\n",
		    "f.yaml:2:1: found character that cannot start any token; "
		    "indent with spaces, not with tabs\n" },
		{ "a:\n  b: 1\n c: 2\n",
		    "f.yaml:3:2: did not find expected key while parsing a "
		    "block mapping that began in line 1\n" },
		{ "a: [1, 2\n",
		    "f.yaml:2:1: did not find expected ',' or ']' while parsing a flow "
		    "sequence that began in line 1\n" },
		{ "a: 'x\n",
		    "f.yaml:2:1: found unexpected end of stream while scanning a quoted "
		    "scalar that began in line 1\n" },
		{ "a: @x\n",
		    "f.yaml:1:4: found character that cannot start any token while "
		    "scanning for the next token that began in line 1\n" },
		{ "a: \xff\n", "f.yaml:1:1: invalid leading UTF-8 octet at byte 3\n" },
		{ "a: b: c\n",
		    "f.yaml:1:5: mapping values are not allowed in this context\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		complaints_done(&c);
		complaints_init(&c);
		assert_int_equal(
		    yaml_parse(slice_text(cases[i].text), "f.yaml", &c, &doc), -EBADMSG);
		assert_string_equal(buf_text(&c.text), cases[i].complaint);
		assert_null(doc);
	}
}

static void
all_that_can_be_told_is_told_at_once(void **state)
{
	(void)state;
	assert_int_equal(
	    yaml_parse(slice_text("a: &x 1\nb: !y 2\nb: 3\n"), "f", &c, &doc), -EBADMSG);
	assert_int_equal(c.errors, 3);
}

static void
depth_sixteen_is_read_and_seventeen_is_refused(void **state)
{
	(void)state;
	assert_non_null(parse("[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]"));
	yaml_doc_free(TAKE(doc));
	assert_int_equal(
	    yaml_parse(slice_text("[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]"), "f", &c, &doc),
	    -EBADMSG);
	assert_string_equal(buf_text(&c.text), "f:1:17: nested deeper than 16 levels\n");
}

static int
parse_repeated(const char *piece, size_t times, const char *end)
{
	struct buf b;
	int rc;

	buf_init(&b, 4 << 20);
	for (size_t i = 0; i < times; i++)
		buf_puts(&b, piece);
	buf_puts(&b, end);
	rc = yaml_parse(buf_slice(&b), "f", &c, &doc);
	buf_done(&b);
	return rc;
}

static void
twenty_thousand_values_are_read_and_one_more_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("- x\n", 19999, ""), 0);
	yaml_doc_free(TAKE(doc));
	assert_int_equal(parse_repeated("- x\n", 20000, ""), -EBADMSG);
	assert_string_equal(buf_text(&c.text), "f:20000:3: more than 20000 values\n");
}

static void
a_mebibyte_is_read_and_one_byte_more_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("#234567\n", 131072, ""), 0);
	yaml_doc_free(TAKE(doc));
	assert_int_equal(parse_repeated("#234567\n", 131072, "\n"), -EBADMSG);
	assert_string_equal(buf_text(&c.text), "f: longer than 1 MiB\n");
}

static void
a_key_may_have_256_bytes(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("k", 256, ": 1\n"), 0);
	yaml_doc_free(TAKE(doc));
	assert_int_equal(parse_repeated("k", 257, ": 1\n"), -EBADMSG);
}

static void
ten_thousand_equal_keys_are_found_without_ten_thousand_complaints(void **state)
{
	(void)state;
	assert_int_equal(parse_repeated("k: 1\n", 10000, ""), -EBADMSG);
	assert_int_equal(c.errors, 9999);
	assert_true(c.text.pos < COMPLAINTS_MAX * 80);
}

static void
files_are_read_and_missing_ones_are_an_errno_without_complaint(void **state)
{
	char path[] = "/tmp/fogwatch-test-yaml-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a: 1\na: 2\n", 10), 10);
	close(fd);
	assert_int_equal(yaml_load(path, &c, &doc), -EBADMSG);
	assert_ptr_equal(strstr(buf_text(&c.text), path), buf_text(&c.text));
	assert_int_equal(c.errors, 1);
	unlink(path);
	assert_int_equal(yaml_load(path, &c, &doc), -ENOENT);
	assert_int_equal(yaml_load("/", &c, &doc), -EISDIR);
	assert_int_equal(c.errors, 1);
}

static void
a_complaint_about_a_node_names_its_place_and_key(void **state)
{
	const struct yaml_node *root = parse("a:\n  b: 7\n");

	(void)state;
	yaml_complain(&c, yaml_get(yaml_get(root, "a"), "b"), "%s is odd", "7");
	assert_string_equal(buf_text(&c.text), "f.yaml:2:3: b: 7 is odd\n");
}

static void
every_text_that_is_written_reads_back(void **state)
{
	static const char *const texts[] = { "", "plain", "/a/b-c_d.e", "true", "NO",
		"null", "~", "Null", "12", "-x", "- x", "a: b", "a #b", "#", " lead",
		"trail ", "two\nlines\n", "tab\t", "\x01\x1f\x7f", "quote\"back\\slash'",
		"{a}", "[b]", "&a", "*a", "!t", "%x", "@", "`",
		"Straße 東京 \xf0\x9f\x98\x80", "\xc2\x80\xc2\x85\xc2\xa0",
		"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\xef\xbb\xbfx\xef\xbf\xbd",
		"...", "---", "a,b", "?", "y", "0x10", "%TAG" };
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		const struct yaml_node *root;

		buf_reset(&b);
		buf_puts(&b, "k: ");
		yaml_put_text(&b, texts[i]);
		buf_puts(&b, "\n");
		root = parse(buf_text(&b));
		assert_string_equal(yaml_get(root, "k")->text, texts[i]);
		assert_false(yaml_is_null(yaml_get(root, "k")));
		assert_null(memchr(b.data, '\n', b.pos - 1));
		yaml_doc_free(TAKE(doc));
	}
	buf_done(&b);
}

#define YAML_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		YAML_TEST(values_remember_where_they_stood),
		YAML_TEST(a_file_without_a_value_has_no_root),
		YAML_TEST(only_plain_words_mean_null),
		YAML_TEST(what_is_refused_is_refused_with_place_and_reason),
		YAML_TEST(all_that_can_be_told_is_told_at_once),
		YAML_TEST(depth_sixteen_is_read_and_seventeen_is_refused),
		YAML_TEST(twenty_thousand_values_are_read_and_one_more_is_refused),
		YAML_TEST(a_mebibyte_is_read_and_one_byte_more_is_refused),
		YAML_TEST(a_key_may_have_256_bytes),
		YAML_TEST(
		    ten_thousand_equal_keys_are_found_without_ten_thousand_complaints),
		YAML_TEST(files_are_read_and_missing_ones_are_an_errno_without_complaint),
		YAML_TEST(a_complaint_about_a_node_names_its_place_and_key),
		YAML_TEST(every_text_that_is_written_reads_back),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
