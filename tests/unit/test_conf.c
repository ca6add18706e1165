/* SPDX-License-Identifier: Apache-2.0 */
#include "base/conf.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "base/conf_text.h"
#include "base/nearest.h"
#include "tests/support/test.h"

struct config {
	int64_t lease_ms, spool_bytes, port, unset;
	double margin;
	bool tofu;
	char *domain, *cell, *token;
	int transport;
	struct conf_list controllers;
	struct conf_map tags;
	const struct yaml_node *presets;
};

static const char *const transports[] = { "tls", "bus", NULL };

/* "registration" comes in two places on purpose. */
static const struct conf_option options[] = {
	CONF(struct config, lease_ms, "registration.lease", DURATION, "30s", 4000,
	    3600000, "l"),
	CONF(struct config, spool_bytes, "spool.size", SIZE, "16MiB", 0, 1 << 30, "s"),
	CONF(struct config, port, "registration.remote.port", INT, "7017", 1, 65535, "p"),
	CONF(struct config, unset, "unset", INT, NULL, 5, 9, "u"),
	CONF(struct config, margin, "margin", REAL, "0.1", 0, 1, "m"),
	CONF(struct config, tofu, "insecure.tofu", BOOL, "false", 0, 0, "t"),
	CONF(struct config, domain, "domain", TEXT, "home", 0, 0, "d"),
	CONF(struct config, cell, "cell", TEXT, NULL, 0, 0, "c"),
	CONF(struct config, token, "join.token", SECRET, NULL, 0, 0, "t"),
	{ .name = "transport",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct config, transport),
	    .preset = "tls",
	    .choices = transports },
	CONF(struct config, controllers, "controllers", LIST, "[a, b]", 0, 0, "c"),
	CONF(struct config, tags, "tags", MAP, NULL, 0, 0, "t"),
	CONF(struct config, presets, "registration.presets", TREE, NULL, 0, 0, "p"),
};

static struct complaints c;
static struct yaml_doc *doc;
static struct config config;

static int
set_up(void **state)
{
	(void)state;
	complaints_init(&c);
	doc = NULL;
	memset(&config, 0, sizeof config);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	conf_free(options, ARRAY_LEN(options), &config);
	yaml_doc_free(doc);
	complaints_done(&c);
	return 0;
}

static int
load(const char *text)
{
	conf_free(options, ARRAY_LEN(options), &config);
	yaml_doc_free(TAKE(doc));
	complaints_done(&c);
	complaints_init(&c);
	assert_int_equal(yaml_parse(slice_text(text), "f", &c, &doc), 0);
	memset(&config, 0xa5,
	    sizeof config); /* loading believes nothing of what was there */
	return conf_load(options, ARRAY_LEN(options), yaml_root(doc), &c, &config);
}

static const char *
print(void)
{
	static char text[65536];
	FILE *f = fmemopen(text, sizeof text, "w");

	assert_non_null(f);
	conf_print(options, ARRAY_LEN(options), &config, f);
	fclose(f);
	return text;
}

static void
without_a_file_every_option_has_its_default(void **state)
{
	(void)state;
	assert_int_equal(conf_load(options, ARRAY_LEN(options), NULL, &c, &config), 0);
	assert_int_equal(config.lease_ms, 30000);
	assert_int_equal(config.spool_bytes, 16 << 20);
	assert_int_equal(config.port, 7017);
	assert_int_equal(config.unset, 0);
	assert_true(config.margin == 0.1);
	assert_false(config.tofu);
	assert_string_equal(config.domain, "home");
	assert_null(config.cell);
	assert_int_equal(config.transport, 0);
	assert_int_equal(config.controllers.len, 2);
	assert_true(conf_list_has(&config.controllers, "b"));
	assert_false(conf_list_has(&config.controllers, "c"));
	assert_int_equal(config.tags.len, 0);
	assert_null(config.presets);
}

static void
values_in_the_file_replace_defaults(void **state)
{
	(void)state;
	assert_int_equal(
	    load("registration: {lease: 59m30s, remote: {port: 1}, presets: {x: [1]}}\n"
		 "spool: {size: 64KiB}\nunset: 7\nmargin: 1e-3\n"
		 "insecure: {tofu: yes}\ndomain: 'null'\ncell: 12\ntransport: bus\n"
		 "controllers: [q]\ntags: {a: 1, \"b c\": \"\"}\n"),
	    0);
	assert_int_equal(config.lease_ms, 3570000);
	assert_int_equal(config.port, 1);
	assert_int_equal(config.spool_bytes, 65536);
	assert_int_equal(config.unset, 7);
	assert_true(config.margin == 1e-3);
	assert_true(config.tofu);
	assert_string_equal(config.domain, "null");
	assert_string_equal(config.cell, "12");
	assert_int_equal(config.transport, 1);
	assert_int_equal(config.controllers.len, 1);
	assert_string_equal(conf_map_get(&config.tags, "a"), "1");
	assert_string_equal(conf_map_get(&config.tags, "b c"), "");
	assert_null(conf_map_get(&config.tags, "b"));
	assert_string_equal(yaml_get(config.presets, "x")->first->text, "1");
}

static void
what_is_wrong_is_told_with_place_key_and_reason(void **state)
{
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{ "registration:\n  leese: 5s\n",
		    "f:2:3: leese: unknown; the nearest known name is "
		    "registration.lease\n" },
		{ "registraton: {lease: 5s, x: 1}\n",
		    "f:1:1: registraton: unknown; the nearest known name is "
		    "registration\n" },
		{ "port: 1\n",
		    "f:1:1: port: unknown; the nearest known name is "
		    "registration.remote.port\n" },
		{ "registration.lease: 5s\n",
		    "f:1:1: registration.lease: unknown; names do not "
		    "have dots, write nested mappings\n" },
		{ "registration: {lease: 1s}\n", "f:1:16: lease: 1s is below 4s\n" },
		{ "registration: {lease: 2h}\n", "f:1:16: lease: 2h is above 1h\n" },
		{ "registration: {lease: 30}\n",
		    "f:1:16: lease: 30 is not a duration such as "
		    "250ms, 30s, 5m, 1h30m or 2d\n" },
		{ "registration: {remote: {port: 70000}}\n",
		    "f:1:25: port: 70000 is above 65535\n" },
		{ "registration: {remote: {port: 0}}\n", "f:1:25: port: 0 is below 1\n" },
		{ "registration: {remote: {port: 7x}}\n",
		    "f:1:25: port: 7x is not a whole number\n" },
		{ "registration: {remote: {port: '7'}}\n",
		    "f:1:25: port: 7 is not a whole number (a quoted value is text)\n" },
		{ "registration: {remote: {port: 99999999999999999999}}\n",
		    "f:1:25: port: 99999999999999999999 is above 9223372036854775807\n" },
		{ "registration: {remote: {port: -99999999999999999999}}\n",
		    "f:1:25: port: -99999999999999999999 is below "
		    "-9223372036854775808\n" },
		{ "registration: {remote: {port: [1]}}\n",
		    "f:1:25: port: a list is not a whole number\n" },
		{ "registration: {remote: {port: }}\n",
		    "f:1:25: port: has no value; leave the line out for 7017\n" },
		{ "registration: 5\n", "f:1:1: registration: must be a mapping\n" },
		{ "spool: {size: 2GiB}\n", "f:1:9: size: 2GiB is above 1GiB\n" },
		{ "spool: {size: 1KB}\n",
		    "f:1:9: size: 1KB is not a size such as 4096, 64KiB or 16MiB\n" },
		{ "spool: {size: 9999999TiB}\n",
		    "f:1:9: size: 9999999TiB is not a size such as 4096, 64KiB or "
		    "16MiB\n" },
		{ "spool: {size: -1}\n",
		    "f:1:9: size: -1 is not a size such as 4096, 64KiB or 16MiB\n" },
		{ "margin: 1.5\n", "f:1:1: margin: 1.5 is above 1\n" },
		{ "margin: nan\n", "f:1:1: margin: nan is not a number\n" },
		{ "margin: 0x1\n", "f:1:1: margin: 0x1 is not a number\n" },
		{ "margin: 1e999\n", "f:1:1: margin: 1e999 is not a number\n" },
		{ "margin: 1-2\n", "f:1:1: margin: 1-2 is not a number\n" },
		{ "insecure: {tofu: 1}\n", "f:1:12: tofu: 1 is not true or false\n" },
		{ "domain: [a]\n", "f:1:1: domain: must be a single text\n" },
		{ "transport: udp\n", "f:1:1: transport: must be one of: tls, bus\n" },
		{ "controllers: a\n", "f:1:1: controllers: must be a list\n" },
		{ "controllers: [a, [b]]\n", "f:1:18: must be a single value\n" },
		{ "tags: [a]\n", "f:1:1: tags: must be a mapping of names to values\n" },
		{ "tags: {a: {b: 1}}\n", "f:1:8: a: must be a single value\n" },
		{ "[a]\n", "f:1:1: must be a mapping\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(load(cases[i].text), -EINVAL);
		assert_string_equal(buf_text(&c.text), cases[i].complaint);
	}
}

static void
all_errors_are_told_at_once(void **state)
{
	(void)state;
	assert_int_equal(
	    load("registration: {lease: 1s}\nx: 1\nmargin: 7\ntags: 3\n"), -EINVAL);
	assert_int_equal(c.errors, 4);
}

static void
bounds_themselves_are_accepted(void **state)
{
	(void)state;
	assert_int_equal(
	    load("registration: {lease: 4s, remote: {port: 65535}}\nmargin: 0"), 0);
	assert_int_equal(
	    load("registration: {lease: 1h, remote: {port: 1}}\nmargin: 1"), 0);
}

static void
a_tree_option_owns_everything_below_it(void **state)
{
	(void)state;
	assert_int_equal(
	    load("registration:\n  presets: {any: {thing: [goes]}, a.b: 1}\n"), 0);
	assert_non_null(yaml_get(config.presets, "a.b"));
}

static void
empty_groups_and_emptied_values_are_fine(void **state)
{
	(void)state;
	assert_int_equal(
	    load("registration:\ndomain:\ncontrollers:\ntags:\nunset:\n"), 0);
	assert_null(config.domain);
	assert_int_equal(config.controllers.len, 0);
	assert_int_equal(config.unset, 0);
}

static void
the_canonical_print_keeps_groups_together(void **state)
{
	(void)state;
	assert_int_equal(load("registration: {presets: {a: 1}}\ntags: {k: v}\n"), 0);
	assert_string_equal(print(),
	    "registration:\n"
	    "  lease: 30s\n"
	    "  remote:\n"
	    "    port: 7017\n"
	    "  # presets: as in the file\n"
	    "spool:\n"
	    "  size: 16MiB\n"
	    "unset: null\n"
	    "margin: 0.1\n"
	    "insecure:\n"
	    "  tofu: false\n"
	    "domain: home\n"
	    "cell: null\n"
	    "join:\n  token: null\n"
	    "transport: tls\n"
	    "controllers:\n"
	    "  - a\n"
	    "  - b\n"
	    "tags:\n"
	    "  k: v\n");
}

static void
what_is_printed_reads_back_and_prints_the_same(void **state)
{
	static const char *const files[] = {
		"",
		"registration: {lease: 90001ms, remote: {port: 65535}}\nspool: {size: "
		"1000}\n",
		"spool: {size: 0}\nmargin: 0.30000000000000004\ninsecure: {tofu: on}\n",
		"domain: \"two\\nlines: '\\\"\"\ncell: 'null'\ntransport: bus\nunset: "
		"9\n",
		"domain:\ncontrollers: []\ntags: {}\nmargin: 1e-300\n",
		"controllers: ['- x', 'true', '', '~', ' y', \"\\x85\\u2028\\ufeff\"]\n",
		"tags: {'a: b': '#c', null: '1', '': \"\\t\", '? x': \"\\\\\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char first[4096];
		struct config before;

		assert_int_equal(load(files[i]), 0);
		before = config; /* numbers are compared by value, texts by their print */
		snprintf(first, sizeof first, "%s", print());
		assert_int_equal(load(first), 0);
		assert_string_equal(print(), first);
		assert_int_equal(config.lease_ms, before.lease_ms);
		assert_int_equal(config.spool_bytes, before.spool_bytes);
		assert_int_equal(config.port, before.port);
		assert_true(config.margin == before.margin);
		assert_int_equal(config.tofu, before.tofu);
		assert_int_equal(config.transport, before.transport);
		assert_int_equal(config.controllers.len, before.controllers.len);
		assert_int_equal(config.tags.len, before.tags.len);
	}
}

static void
odd_texts_survive_the_print(void **state)
{
	(void)state;
	assert_int_equal(
	    load("controllers: ['- x', '~', \"\\x85\\t\"]\ntags: {'a: b': '#c'}\n"), 0);
	assert_int_equal(load(print()), 0);
	assert_string_equal(config.controllers.item[0], "- x");
	assert_string_equal(config.controllers.item[1], "~");
	assert_string_equal(config.controllers.item[2], "\xc2\x85\t");
	assert_string_equal(conf_map_get(&config.tags, "a: b"), "#c");
}

static void
numbers_are_written_in_the_form_a_person_would_choose(void **state)
{
	static const struct {
		void (*put)(struct buf *, int64_t);
		int64_t v;
		const char *text;
	} cases[] = {
		{ conf_put_duration, 0, "0s" },
		{ conf_put_duration, 1, "1ms" },
		{ conf_put_duration, 90000, "90s" },
		{ conf_put_duration, 3600000, "1h" },
		{ conf_put_duration, 172800000, "2d" },
		{ conf_put_size, 0, "0" },
		{ conf_put_size, 1023, "1023B" },
		{ conf_put_size, 65536, "64KiB" },
		{ conf_put_size, INT64_C(3) << 40, "3TiB" },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		buf_reset(&b);
		cases[i].put(&b, cases[i].v);
		assert_string_equal(buf_text(&b), cases[i].text);
	}
	buf_reset(&b);
	conf_put_real(&b, 1000);
	assert_string_equal(buf_text(&b), "1000");
	buf_reset(&b);
	conf_put_real(&b, 0.1 + 0.2);
	assert_string_equal(buf_text(&b), "0.30000000000000004");
	buf_done(&b);
}

/* S-27: names are checked on bytes. */
static void
names_have_one_to_sixty_four_harmless_bytes(void **state)
{
	static const struct {
		const char *name;
		bool ok;
	} cases[] = { { "a", true }, { "Node-1.x:y_z", true }, { "", false },
		{ "a b", false }, { "a\n", false }, { "../x", false }, { "é", false },
		{ "$(x)", false },
		{ "0123456789012345678901234567890123456789012345678901234567890123",
		    true },
		{ "01234567890123456789012345678901234567890123456789012345678901234",
		    false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(conf_is_name(cases[i].name), cases[i].ok);
}

static void
single_values_complain_by_their_own_key(void **state)
{
	const struct yaml_node *root;
	const char *name = NULL;
	int64_t n = 0;

	(void)state;
	assert_int_equal(
	    yaml_parse(slice_text("good: n1\nbad: a b\nlist: []\nn: 5\n"), "f", &c, &doc),
	    0);
	root = yaml_root(doc);
	assert_true(conf_take_name(yaml_get(root, "good"), &c, &name));
	assert_string_equal(name, "n1");
	assert_false(conf_take_name(yaml_get(root, "bad"), &c, &name));
	assert_false(conf_take_name(yaml_get(root, "list"), &c, &name));
	assert_string_equal(name, "n1");
	assert_false(conf_take_int(yaml_get(root, "n"), &c, 6, 9, &n));
	assert_true(conf_take_int(yaml_get(root, "n"), &c, 5, 5, &n));
	assert_int_equal(n, 5);
	assert_string_equal(buf_text(&c.text),
	    "f:2:1: bad: a b is not a name (1 to 64 of letters, digits, . _ : -)\n"
	    "f:3:1: list: a list is not a name (1 to 64 of letters, digits, . _ : -)\n"
	    "f:4:1: n: 5 is below 6\n");
}

static void
a_secret_is_read_and_never_printed_S_29(void **state)
{
	(void)state;
	assert_int_equal(load("join: {token: marker-of-a-secret}\n"), 0);
	assert_string_equal(config.token, "marker-of-a-secret");
	assert_null(strstr(print(), "marker"));
	assert_non_null(strstr(print(), "\n  token: # a secret, not shown\n"));
	assert_int_equal(load(print()), 0);
	assert_null(config.token);
	assert_non_null(strstr(print(), "\n  token: null\n"));
	assert_int_equal(load("join: {token: [marker-of-a-secret]}\n"), -EINVAL);
	assert_null(strstr(buf_text(&c.text), "marker"));
}

/* --- what is left in memory that was freed ------------------------------------------------ */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#ifndef WITH_ASAN
extern void __libc_free(void *p);
void free(void *p);

static bool watching;
static unsigned left;

/* glibc lets a program put its own in front. */
void
free(void *p)
{
	if (watching && p && memmem(p, malloc_usable_size(p), "marker-of", 9))
		left++;
	__libc_free(p);
}

static void
a_secret_is_wiped_when_it_is_freed_S_29(void **state)
{
	(void)state;
	assert_int_equal(load("join: {token: marker-of-a-secret}\ncell: marker-of\n"), 0);
	left = 0;
	watching = true;
	conf_free(options, ARRAY_LEN(options), &config);
	yaml_doc_free(TAKE(doc));
	watching = false;
	assert_int_equal(left, 1); /* cell's, which is no secret */
}
#else
static void
a_secret_is_wiped_when_it_is_freed_S_29(void **state)
{
	(void)state;
	skip(); /* the sanitizer has the allocator */
}
#endif

static unsigned restarts;

static void
count_restart(const char *option)
{
	assert_string_equal(option, "join.token");
	restarts++;
}

static void
another_secret_is_a_change_though_it_looks_the_same(void **state)
{
	static const char *const adoptable[] = { "join.token", NULL };
	struct config fresh;

	(void)state;
	assert_int_equal(load("join: {token: one}\n"), 0);
	fresh = config;
	memset(&config, 0, sizeof config);
	assert_int_equal(load("join: {token: two}\n"), 0);
	restarts = 0;
	conf_adopt(
	    options, ARRAY_LEN(options), adoptable + 1, &config, &fresh, count_restart);
	assert_int_equal(restarts, 1);
	conf_adopt(
	    options, ARRAY_LEN(options), adoptable, &config, &fresh, count_restart);
	assert_string_equal(config.token, "one");
	assert_int_equal(restarts, 1);
	conf_free(options, ARRAY_LEN(options), &fresh);
}

static void
the_distance_of_words_counts_slips(void **state)
{
	static char large[200];

	(void)state;
	memset(large, 'x', sizeof large - 1);
	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("lease", "lease"), 0);
	assert_int_equal(nearest_distance("", "abc"), 3);
	assert_int_equal(nearest_distance("lesae", "lease"), 1); /* swapped */
	assert_int_equal(nearest_distance("leas", "lease"), 1);
	assert_int_equal(nearest_distance("leaase", "lease"), 1);
	assert_int_equal(nearest_distance("leace", "lease"), 1);
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
	assert_int_equal(nearest_distance(large, ""), NEAREST_WORD_MAX);
}

#define CONF_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(without_a_file_every_option_has_its_default),
		CONF_TEST(values_in_the_file_replace_defaults),
		CONF_TEST(what_is_wrong_is_told_with_place_key_and_reason),
		CONF_TEST(all_errors_are_told_at_once),
		CONF_TEST(bounds_themselves_are_accepted),
		CONF_TEST(a_tree_option_owns_everything_below_it),
		CONF_TEST(empty_groups_and_emptied_values_are_fine),
		CONF_TEST(the_canonical_print_keeps_groups_together),
		CONF_TEST(what_is_printed_reads_back_and_prints_the_same),
		CONF_TEST(odd_texts_survive_the_print),
		CONF_TEST(numbers_are_written_in_the_form_a_person_would_choose),
		CONF_TEST(names_have_one_to_sixty_four_harmless_bytes),
		CONF_TEST(single_values_complain_by_their_own_key),
		CONF_TEST(a_secret_is_read_and_never_printed_S_29),
		CONF_TEST(a_secret_is_wiped_when_it_is_freed_S_29),
		CONF_TEST(another_secret_is_a_change_though_it_looks_the_same),
		CONF_TEST(the_distance_of_words_counts_slips),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
