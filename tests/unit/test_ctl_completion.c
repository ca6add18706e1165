/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cbor.h"
#include "ctl/completion.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static const char *asked, *asked_at;

/* A daemon with two nodes and a service; names that no shell should see are among them. */
static void
ask(void *arg, const char *socket, const char *command,
    void (*item)(void *item_arg, struct slice item), void *item_arg)
{
	static const char *const nodes[] = { "gateway-1", "$(reboot)", "a;b", "gate way",
		"robot:7", "\x1b[31m", "" };
	static const char *const functions[] = { "F1", "`id`", "F2" };
	struct buf b;

	(void)arg;
	asked = command;
	asked_at = socket;
	buf_init(&b, 4096);
	for (size_t i = 0; strcmp(command, "nodes") == 0 && i < ARRAY_LEN(nodes); i++) {
		buf_reset(&b);
		wr_map(&b, 2);
		wr_key_text(&b, "state", "alive");
		wr_key_text(&b, "name", nodes[i]);
		item(item_arg, buf_slice(&b));
	}
	for (size_t i = 0; strcmp(command, "services") == 0 && i < ARRAY_LEN(functions);
	     i++) {
		buf_reset(&b);
		wr_map(&b, 2);
		wr_key_text(&b, "service", "robot");
		wr_key_text(&b, "function", functions[i]);
		item(item_arg, buf_slice(&b));
	}
	item(item_arg, slice_text("\xff"));
	buf_done(&b);
}

/* The words offered in place of the last of these, each with a blank behind it. To be freed. */
static char *
complete(const char *const *words)
{
	static const struct completion_source source = { ask, NULL };
	char *text = NULL, *out = calloc(1, 4096), *line, *rest;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	int n = 0;

	asked = asked_at = NULL;
	while (words[n])
		n++;
	completion_print_words((char *const *)words, n, &source, f);
	fclose(f);
	rest = text;
	while ((line = strsep(&rest, "\n")))
		if (*line) {
			assert_non_null(strchr(line, '\t'));
			strncat(out, line, strcspn(line, "\t"));
			strcat(out, " ");
		}
	free(text);
	return out;
}

#define EXPECT(wanted, ...)                                                        \
	do {                                                                       \
		char *got_ = complete((const char *const[]){ __VA_ARGS__, NULL }); \
		assert_string_equal(got_, wanted);                                 \
		free(got_);                                                        \
	} while (0)

static void
commands_are_offered_word_by_word(void **state)
{
	(void)state;
	EXPECT("nodes node ", "no");
	EXPECT("show ", "node", "s");
	EXPECT("create list revoke ", "token", "");
	EXPECT("config ", "show", "c");
	EXPECT("composites completion ", "comp");
	EXPECT("", "nonsense", "");
}

static void
every_command_is_offered(void **state)
{
	char *all = complete((const char *const[]){ "", NULL });

	(void)state;
	for (const struct command *c = commands; c->name; c++) {
		char word[64];

		snprintf(word, sizeof word, "%.*s ", (int)strcspn(c->name, " "), c->name);
		assert_non_null(strstr(all, word));
	}
	free(all);
}

static void
options_of_the_command_come_before_the_global_ones(void **state)
{
	char *got = complete((const char *const[]){ "query", "node_load1", "-", NULL });

	(void)state;
	assert_ptr_equal(strstr(got, "--node "), got);
	assert_non_null(strstr(got, "--json "));
	free(got);
	EXPECT("--follow ", "events", "--f");
	EXPECT("", "nodes", "--f");
}

static void
names_of_nodes_are_asked_of_the_daemon(void **state)
{
	(void)state;
	EXPECT("gateway-1 robot:7 ", "node", "show", "");
	assert_string_equal(asked, "nodes");
	assert_null(asked_at);
	EXPECT("gateway-1 ", "plan", "show", "ga");
	EXPECT("all gateway-1 robot:7 ", "query", "node_load1", "--node", "");
	EXPECT("", "node", "show", "gateway-1", "");
	assert_null(asked);
}

static void
functions_are_offered_with_their_service(void **state)
{
	(void)state;
	EXPECT("robot/F1 robot/F2 ", "candidates", "--explain", "");
	assert_string_equal(asked, "services");
	EXPECT("robot robot robot ", "remove", "r");
}

/* Whatever a node calls itself, it does not reach a command line (S-27, S-31). */
static void
names_that_mean_something_to_a_shell_are_not_offered(void **state)
{
	(void)state;
	EXPECT("", "node", "show", "$");
	EXPECT("", "node", "show", "a");
	EXPECT("", "node", "show", "gate ");
	EXPECT("", "candidates", "robot/`");
}

static void
the_socket_that_was_typed_is_asked(void **state)
{
	(void)state;
	EXPECT("gateway-1 ", "--socket", "/run/x", "node", "show", "g");
	assert_string_equal(asked_at, "/run/x");
	EXPECT("", "--socket", "");
	assert_null(asked);
	EXPECT("", "events", "--last", "");
	assert_null(asked);
}

static void
help_and_completion_take_words_as_well(void **state)
{
	(void)state;
	EXPECT("query ", "help", "q");
	EXPECT("bash zsh ", "completion", "");
}

static void
only_known_shells_get_a_script(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(completion_print_script("fish", f), -22);
	assert_int_equal(completion_print_script("bash", f), 0);
	fclose(f);
	assert_non_null(strstr(text, "complete "));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(commands_are_offered_word_by_word),
		TEST(every_command_is_offered),
		TEST(options_of_the_command_come_before_the_global_ones),
		TEST(names_of_nodes_are_asked_of_the_daemon),
		TEST(functions_are_offered_with_their_service),
		TEST(names_that_mean_something_to_a_shell_are_not_offered),
		TEST(the_socket_that_was_typed_is_asked),
		TEST(help_and_completion_take_words_as_well),
		TEST(only_known_shells_get_a_script),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
