/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "base/ctl.h"
#include "ctl/command.h"
#include "ctl/local.h"
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#define SLICE_OF(bytes) ((struct slice){ (const uint8_t *)(bytes), sizeof(bytes) - 1 })
#define WORDS(...)	((char **)(const char *[]){ __VA_ARGS__, NULL })

static int
count(char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return n;
}

/* Finds the command and parses what stands behind it. */
static int
parse(char **argv, struct call *ret, char err[256])
{
	int words = 0;
	const struct command *c = command_find(argv, count(argv), &words);

	assert_non_null(c);
	err[0] = '\0';
	return call_parse(c, argv + words, count(argv) - words, ret, err, 256);
}

static void
args_of(const struct call *call, const char *node, struct buf *out)
{
	buf_init(out, 1 << 16);
	call_args_for(call, node, out);
	assert_true(cbor_well_formed(buf_slice(out)));
}

static void
the_longest_name_is_the_command(void **state)
{
	int words = 0;

	(void)state;
	assert_string_equal(
	    command_find(WORDS("node", "show", "A"), 3, &words)->name, "node show");
	assert_int_equal(words, 2);
	assert_string_equal(command_find(WORDS("nodes"), 1, &words)->name, "nodes");
	assert_int_equal(words, 1);
	assert_null(command_find(WORDS("node"), 1, &words));
}

static void
the_nearest_command_is_suggested(void **state)
{
	(void)state;
	assert_string_equal(command_nearest("nodez"), "nodes");
	assert_string_equal(command_nearest("migratoins"), "migrations");
	assert_null(command_nearest("xyzzyxyzzy"));
}

static void
the_first_of_several_words_is_a_group(void **state)
{
	(void)state;
	assert_true(command_is_group("grasp"));
	assert_true(command_is_group("node"));
	assert_false(command_is_group("nodes"));
	assert_false(command_is_group("gras"));
	assert_false(command_is_group(""));
}

static void
words_and_options_become_arguments(void **state)
{
	struct call call;
	struct buf args;
	char err[256], text[64];
	int64_t n;

	(void)state;
	assert_int_equal(
	    parse(WORDS("events", "--last", "7", "--follow"), &call, err), 0);
	args_of(&call, NULL, &args);
	assert_true(ctl_arg_int(buf_slice(&args), "last", &n));
	assert_int_equal(n, 7);
	assert_true(ctl_arg_bool(buf_slice(&args), "follow"));
	assert_true(call.follow);
	buf_done(&args);
	call_done(&call);

	assert_int_equal(parse(WORDS("candidates", "robot/F1"), &call, err), 0);
	args_of(&call, NULL, &args);
	assert_true(ctl_arg_text(buf_slice(&args), "service", text, sizeof text));
	assert_string_equal(text, "robot");
	assert_true(ctl_arg_text(buf_slice(&args), "function", text, sizeof text));
	assert_string_equal(text, "F1");
	buf_done(&args);
	call_done(&call);
}

/* SERVICE/FUNCTION or SERVICE FUNCTION, and what stands behind it. */
static void
a_function_is_one_word_or_two(void **state)
{
	char **forms[] = { WORDS("place", "robot/F1", "A"),
		WORDS("place", "robot", "F1", "A") };
	struct call call;
	struct buf args;
	char err[256], text[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		assert_int_equal(parse(forms[i], &call, err), 0);
		args_of(&call, NULL, &args);
		assert_true(
		    ctl_arg_text(buf_slice(&args), "function", text, sizeof text));
		assert_string_equal(text, "F1");
		assert_true(ctl_arg_text(buf_slice(&args), "node", text, sizeof text));
		assert_string_equal(text, "A");
		buf_done(&args);
		call_done(&call);
	}
}

static void
each_node_is_asked_for_itself(void **state)
{
	struct call call;
	struct buf args;
	char err[256], text[64];

	(void)state;
	assert_int_equal(
	    parse(WORDS("history", "node_load1", "--node", "A", "-n", "B"), &call, err),
	    0);
	assert_int_equal(call.nodes, 2);
	args_of(&call, call.node[1], &args);
	assert_true(ctl_arg_text(buf_slice(&args), "node", text, sizeof text));
	assert_string_equal(text, "B");
	assert_true(ctl_arg_text(buf_slice(&args), "expression", text, sizeof text));
	assert_string_equal(text, "node_load1");
	buf_done(&args);
	call_done(&call);
}

/* What is run here reads them itself, as often as they were given. */
static void
nodes_and_expressions_may_be_many(void **state)
{
	struct slice found[4];
	struct call call;
	struct buf args;
	char err[256];

	(void)state;
	assert_int_equal(parse(WORDS("watch", "-n", "A", "node_load1", "--node", "B",
				   "node_load5", "node_load15"),
			     &call, err),
	    0);
	args_of(&call, NULL, &args);
	assert_int_equal(local_all(buf_slice(&args), "node", found, 4), 2);
	assert_int_equal(local_all(buf_slice(&args), "expression", found, 4), 3);
	assert_true(slice_equal(found[2], SLICE_OF("\x6bnode_load15")));
	buf_done(&args);
	call_done(&call);
	assert_int_equal(parse(WORDS("watch", "-n", "A"), &call, err), -EINVAL);
	assert_string_equal(err, "watch needs EXPR");
	call_done(&call);
}

static void
two_dashes_end_the_options(void **state)
{
	struct call call;
	struct buf args;
	char err[256], text[64];

	(void)state;
	assert_int_equal(parse(WORDS("query", "--", "-node_load1"), &call, err), 0);
	args_of(&call, NULL, &args);
	assert_true(ctl_arg_text(buf_slice(&args), "expression", text, sizeof text));
	assert_string_equal(text, "-node_load1");
	buf_done(&args);
	call_done(&call);
}

static void
wrong_usage_says_what_is_wrong(void **state)
{
	static const struct {
		const char *argv[5];
		const char *says;
	} cases[] = {
		{ { "nodes", "A" }, "nodes takes no argument \"A\"" },
		{ { "node", "show" }, "node show needs NODE" },
		{ { "events", "--last" }, "--last needs N" },
		{ { "events", "--last", "-1" }, "--last takes a number" },
		{ { "events", "--lost" }, "events has no option --lost" },
		{ { "candidates", "robot" }, "candidates needs SERVICE/FUNCTION" },
		{ { "candidates", "a/b", "c" }, "candidates takes no argument \"c\"" },
		{ { "place", "robot/F1" }, "place needs NODE" },
		{ { "place", "robot", "F1" }, "place needs NODE" },
		{ { "place", "a/b", "c", "d" }, "place takes no argument \"d\"" },
		{ { "query", "x", "y" }, "query takes no argument \"y\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct call call;
		char err[256];

		assert_int_equal(parse((char **)cases[i].argv, &call, err), -EINVAL);
		assert_non_null(strstr(err, cases[i].says));
		call_done(&call);
	}
}

static void
a_file_travels_with_its_name(void **state)
{
	struct call call;
	struct buf args;
	char err[256], text[4096];

	(void)state;
	assert_int_equal(
	    parse(WORDS("apply", SRCDIR "/examples/robot/robot.yaml"), &call, err), 0);
	args_of(&call, NULL, &args);
	assert_true(ctl_arg_text(buf_slice(&args), "file", text, sizeof text));
	assert_string_equal(text, SRCDIR "/examples/robot/robot.yaml");
	assert_true(ctl_arg_text(buf_slice(&args), "yaml", text, sizeof text));
	assert_non_null(strstr(text, "service: robot"));
	buf_done(&args);
	call_done(&call);
	assert_int_equal(parse(WORDS("apply", "/nowhere/x.yaml"), &call, err), -ENOENT);
	assert_non_null(strstr(err, "/nowhere/x.yaml"));
	call_done(&call);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_longest_name_is_the_command),
		TEST(the_nearest_command_is_suggested),
		TEST(the_first_of_several_words_is_a_group),
		TEST(words_and_options_become_arguments),
		TEST(a_function_is_one_word_or_two),
		TEST(each_node_is_asked_for_itself),
		TEST(nodes_and_expressions_may_be_many),
		TEST(two_dashes_end_the_options),
		TEST(wrong_usage_says_what_is_wrong),
		TEST(a_file_travels_with_its_name),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
