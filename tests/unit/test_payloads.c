/* SPDX-License-Identifier: Apache-2.0
 *
 * What people who mean no good write where a name belongs (S-27, S-31): through every command of the
 * controller, a service's description and a registration. It is refused or kept as the bytes it
 * is; it ends up in no file, in no statement and on no terminal. */
#include "base/conf.h"
#include "base/log.h"
#include "controller/registry.h"
#include "controller/service.h"
#include "protocol/registration.h"
#include "tests/support/ask.h"
#include "tests/support/plant.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MARK "/tmp/fogwatch-payload"

static const char *const payloads[] = {
	"'; DROP TABLE node; --",
	"\" OR \"1\"=\"1",
	"$(touch " MARK ")",
	"`touch " MARK "`",
	"; touch " MARK " #",
	"| touch " MARK,
	"a\nb",
	"a\r\nSet-Cookie: x",
	"a\tb",
	"../../../../tmp/fogwatch-payload",
	"/etc/passwd",
	"..",
	"",
	"-rf",
	"%s%s%n",
	"\x1b[31mred\x1b[0m",
	"\x07\x08\x7f",
	"robot\xe2\x80\xae",  /* U+202E */
	"\xc3\x28",	      /* no UTF-8 */
	"\xc0\xaf..\xc0\xaf", /* "/" in too many bytes */
	"\xed\xa0\x80",	      /* a surrogate */
	"\xef\xbb\xbfrobot",  /* a byte order mark */
	"r\xd0\xbe"
	"bot", /* a Cyrillic o */
	"<script>alert(1)</script>",
	"{{7*7}}",
	"service: x\nfunctions: []",
	"name\\x00",
};

static struct plant plant;
static struct robot robot;

static int
setup(void **state)
{
	(void)state;
	unlink(MARK);
	plant_open(&plant);
	plant_serve(&plant);
	robot_init(&robot, &plant, 1, "robot");
	plant_pump(&plant, true);
	robot_join(&robot);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	plant_pump(&plant, false);
	robot_done(&robot);
	plant_close(&plant);
	assert_int_not_equal(access(MARK, F_OK), 0);
	return 0;
}

static bool
is_text(struct slice s)
{
	while (s.len) {
		size_t n = slice_utf8_char(s);

		if (!n)
			return false;
		s.data += n;
		s.len -= n;
	}
	return true;
}

/* The same payload under every name that a command of ours has. Bytes that are no UTF-8 cannot be sent
 * as text at all: then there is no such argument. */
static void
say_everywhere(const char *payload, struct buf *out)
{
	static const char *const key[] = { "node", "service", "function", "token",
		"reason", "expression", "query", "property", "properties", "scope", "id",
		"file", "yaml", "domain", "tags" };
	struct slice text = slice_text(payload);

	buf_init(out, 65536);
	wr_open_map(out);
	for (size_t i = 0; i < ARRAY_LEN(key); i++) {
		wr_text(out, key[i]);
		if (is_text(text))
			wr_text_slice(out, text);
		else
			wr_bytes(out, text.data, text.len);
	}
	wr_close(out);
	assert_int_equal(out->err, 0);
}

/* Those that answer for ever, or that wait. */
static bool
is_asked(const char *command)
{
	return strcmp(command, "find") != 0 && strcmp(command, "ca reload") != 0;
}

static char *
ask_for(const char *command, struct slice args)
{
	struct asker *a = ask_start(plant.loop, plant.socket, command, args);
	char *text = strdup(ask_wait(a, UINT_MAX));

	ask_stop(a);
	return text;
}

static void
no_command_is_impressed_by_a_name_S_27(void **state)
{
	char *text;

	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(payloads); p++)
		for (size_t i = 0; i < controller_commands_len; i++) {
			struct buf args;

			if (!is_asked(controller_commands[i].name))
				continue;
			say_everywhere(payloads[p], &args);
			text = ask_for(controller_commands[i].name, buf_slice(&args));
			free(text);
			buf_done(&args);
		}
	text = ask_for("nodes", (struct slice){ 0 });
	assert_non_null(strstr(text, "\"name\":\"robot\""));
	free(text);
	text = ask_for("services", (struct slice){ 0 });
	assert_string_equal(text, "{\"services\":\"\"}\nend\n"); /* the double's: none */
	free(text);
}

static void
a_name_is_letters_digits_and_four_marks_S_27(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(payloads); p++)
		if (strcmp(payloads[p], "..") != 0 && strcmp(payloads[p], "-rf") != 0)
			assert_false(conf_is_name(payloads[p]));
	assert_true(conf_is_name("plant-7.robot_1:x"));
	assert_false(conf_is_name("robot\n"));
}

static void
a_node_does_not_register_under_such_a_name_S_27(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(payloads); p++) {
		struct robot evil;
		char *text;

		if (!*payloads[p]) /* without a name its id is its name */
			continue;
		if (conf_is_name(payloads[p]) || !is_text(slice_text(payloads[p])))
			continue;
		robot_init(&evil, &plant, 2, payloads[p]);
		robot_connect(&evil);
		robot_register(&evil);
		plant_run(&plant, 100);
		if (evil.leases)
			fail_msg("%s is a name", payloads[p]);
		robot_done(&evil);
		text = ask_for("nodes", (struct slice){ 0 });
		assert_null(strstr(strchr(text, '\n') + 1, "{"));
		free(text);
	}
}

static void
a_service_of_such_a_name_is_not_understood_S_27(void **state)
{
	(void)state;
	for (size_t p = 0; p < ARRAY_LEN(payloads); p++) {
		char yaml[400];
		struct complaints c;
		struct service *service = NULL;

		if (conf_is_name(payloads[p]))
			continue;
		snprintf(yaml, sizeof yaml,
		    "service: \"%s\"\nfunctions: [{name: f, node: robot}]\n",
		    payloads[p]);
		complaints_init(&c);
		assert_true(service_parse(slice_text(yaml), "evil", &c, &service) < 0);
		assert_null(service);
		complaints_done(&c);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(no_command_is_impressed_by_a_name_S_27),
		TEST(a_name_is_letters_digits_and_four_marks_S_27),
		CASE(a_node_does_not_register_under_such_a_name_S_27),
		TEST(a_service_of_such_a_name_is_not_understood_S_27),
	};

	log_open("test_payloads", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
