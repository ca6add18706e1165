/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/tempdir.h"
#include "trust/token.h"

static const struct token sample = {
	.id = { 0x00, 0x44, 0x32, 0x14, 0xc7 },
	.secret = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff, 0xff },
	.where = "controller.example.org:7017",
};
#define ID     "01234567"
#define SECRET "zzzzzzzzzzzzzzzzzzzzzzzzzw"
#define PIN    "00000000000000000000000000"
#define PLAIN  "fog1-" ID "-" SECRET "-" PIN
#define TEXT   PLAIN "@controller.example.org:7017"

static void
assert_same(const struct token *a, const struct token *b)
{
	assert_memory_equal(a->id, b->id, sizeof a->id);
	assert_memory_equal(a->secret, b->secret, sizeof a->secret);
	assert_memory_equal(a->pin, b->pin, sizeof a->pin);
	assert_string_equal(a->where, b->where);
}

static void
a_token_is_written_in_crockfords_base32(void **state)
{
	char text[TOKEN_TEXT_MAX];

	(void)state;
	assert_string_equal(token_format(&sample, text), TEXT);
	assert_string_equal(token_id_format(sample.id, text), ID);
}

static void
every_token_comes_back(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct token t = { 0 }, back;
		char text[TOKEN_TEXT_MAX];
		uint8_t *bytes = (uint8_t *)&t;

		for (size_t i = 0; i < TOKEN_ID_LEN + TOKEN_SECRET_LEN + TOKEN_PIN_LEN;
		     i++)
			bytes[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		snprintf(t.where, sizeof t.where, "[2001:db8::%x]:%u", seed & 0xffff,
		    1 + (seed & 0x7fff));
		if (round % 3 == 0)
			*t.where = '\0';
		assert_int_equal(token_parse(token_format(&t, text), &back), 0);
		assert_same(&t, &back);
	}
}

static void
the_longest_token_fits(void **state)
{
	struct token t = sample, back;
	char text[TOKEN_TEXT_MAX];

	(void)state;
	memset(t.where, 'h', TOKEN_HOST_MAX);
	memcpy(t.where + TOKEN_HOST_MAX - 6, ":65535", 7);
	assert_int_equal(strlen(token_format(&t, text)), TOKEN_TEXT_MAX - 1);
	assert_int_equal(token_parse(text, &back), 0);
	assert_same(&t, &back);
}

/* What a person types from paper: capitals, the letter o for zero, i and l for one. */
static void
reading_takes_the_letters_that_crockford_takes(void **state)
{
	static const char *const alike[] = {
		("fog1-o1234567-" SECRET "-" PIN),
		("fog1-O1234567-" SECRET "-oOoOoOoOoOoOoOoOoOoOoOoOoO"),
		("fog1-0i234567-" SECRET "-" PIN),
		("fog1-0I234567-" SECRET "-" PIN),
		("fog1-0l234567-" SECRET "-" PIN),
		("FOG1-OL234567-ZZZZZZZZZZZZZZZZZZZZZZZZZW-" PIN),
	};
	struct token t, plain = sample;

	(void)state;
	*plain.where = '\0';
	for (size_t i = 0; i < ARRAY_LEN(alike); i++) {
		assert_int_equal(token_parse(alike[i], &t), 0);
		assert_same(&t, &plain);
	}
}

static void
everything_else_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"fog1",
		"fog1-",
		"fog2-" ID "-" SECRET "-" PIN,
		"fogl-" ID "-" SECRET "-" PIN,
		" " PLAIN,
		PLAIN " ",
		PLAIN "0",
		PLAIN "-",
		"fog1-" ID "-" SECRET,
		"fog1-" ID SECRET "-" PIN,
		"fog1-0123456-" SECRET "-" PIN,
		"fog1-012345678-" SECRET "-" PIN,
		"fog1-u1234567-" SECRET "-" PIN, /* Crockford has no u */
		"fog1-!1234567-" SECRET "-" PIN,
		"fog1-" ID "-zzzzzzzzzzzzzzzzzzzzzzzzzx-" PIN, /* a bit too many */
		"fog1-" ID "-zzzzzzzzzzzzzzzzzzzzzzzzzz-" PIN,
		"fog1-" ID "-" SECRET "-00000000000000000000000001",
		PLAIN "@",
		PLAIN "@host",
		PLAIN "@host:",
		PLAIN "@:7017",
		PLAIN "@host:0",
		PLAIN "@host:65536",
		PLAIN "@host:07017",
		PLAIN "@host:7017 ",
		PLAIN "@host:-1",
		PLAIN "@ho st:7017",
		PLAIN "@ho\nst:7017",
		PLAIN "@ho;st:7017",
		PLAIN "@$(host):7017",
		PLAIN "@2001:db8::1:7017", /* where does the port begin? */
		PLAIN "@[]:7017",
		PLAIN "@[2001:db8::1:7017",
		PLAIN "@[2001:db8::1]7017",
		PLAIN "@\xc3\xa4:7017",
	};
	char text[TOKEN_TEXT_MAX + 8];
	struct token t = sample;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (token_parse(wrong[i], &t) != -EINVAL)
			fail_msg("\"%s\" was taken", wrong[i]);
	strcpy(text, PLAIN "@");
	memset(text + strlen(PLAIN) + 1, 'h', TOKEN_HOST_MAX - 4);
	strcpy(text + strlen(PLAIN) + 1 + TOKEN_HOST_MAX - 4, ":7017");
	assert_int_equal(token_parse(text, &t), -EINVAL); /* one too long */
	assert_same(&t, &sample);
}

/* Each byte of a token replaced by each other one: what is read is written the same way, and bytes
 * that are cut off are never read. */
static void
whatever_is_taken_means_what_is_written(void **state)
{
	char text[TOKEN_TEXT_MAX], back[TOKEN_TEXT_MAX];

	(void)state;
	for (size_t at = 0; at < strlen(PLAIN); at++)
		for (unsigned c = 0; c < 256; c++) {
			struct token t;

			strcpy(text, PLAIN);
			text[at] = (char)c;
			if (token_parse(text, &t) < 0)
				continue;
			token_format(&t, back);
			for (size_t i = 0; i < strlen(text); i++) {
				int is = tolower((unsigned char)text[i]);

				is = i < 5		     ? is
				    : is == 'o'		     ? '0'
				    : is == 'i' || is == 'l' ? '1'
							     : is;
				assert_int_equal(is, back[i]);
			}
		}
}

static void
an_id_alone_is_read_alike(void **state)
{
	uint8_t id[TOKEN_ID_LEN];

	(void)state;
	assert_int_equal(token_id_parse("OL234567", id), 0);
	assert_memory_equal(id, sample.id, sizeof id);
	assert_int_equal(token_id_parse("0123456", id), -EINVAL);
	assert_int_equal(token_id_parse("012345670", id), -EINVAL);
	assert_int_equal(token_id_parse("", id), -EINVAL);
	assert_int_equal(token_id_parse("u1234567", id), -EINVAL);
}

static void
a_pin_is_written_and_read_like_that_of_a_token(void **state)
{
	char text[27], whole[TOKEN_TEXT_MAX];
	uint8_t pin[TOKEN_PIN_LEN];

	(void)state;
	token_pin_format(sample.pin, text);
	assert_non_null(strstr(token_format(&sample, whole), text));
	assert_int_equal(token_pin_parse(text, pin), 0);
	assert_memory_equal(pin, sample.pin, sizeof pin);
	text[25] = '\0';
	assert_int_equal(token_pin_parse(text, pin), -EINVAL);
	assert_int_equal(token_pin_parse("", pin), -EINVAL);
	assert_int_equal(token_pin_parse(whole, pin), -EINVAL);
}

/* --- files ------------------------------------------------------------------------------ */

static char *dir, path[256];

static int
make_dir(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/token", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

static void
write_file(const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void
a_token_is_the_first_line_of_a_file(void **state)
{
	static const char *const files[] = { TEXT, TEXT "\n", TEXT "\r\n", TEXT " \n",
		TEXT "\nsomething else\n" };
	struct token t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		memset(&t, 0, sizeof t);
		write_file(files[i], strlen(files[i]), 0600);
		assert_int_equal(token_load(path, &t), 0);
		assert_same(&t, &sample);
	}
}

static void
a_file_that_others_may_read_is_refused_S_29(void **state)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0644, 0610 };
	struct token t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		write_file(TEXT, strlen(TEXT), modes[i]);
		assert_int_equal(token_load(path, &t), -EPERM);
	}
	write_file(TEXT, strlen(TEXT), 0400);
	assert_int_equal(token_load(path, &t), 0);
}

static void
a_file_without_a_token_is_refused(void **state)
{
	char large[4096];
	struct token t;

	(void)state;
	assert_int_equal(token_load(path, &t), -ENOENT);
	write_file("", 0, 0600);
	assert_int_equal(token_load(path, &t), -EINVAL);
	write_file("\n" TEXT "\n", strlen(TEXT) + 2, 0600);
	assert_int_equal(token_load(path, &t), -EINVAL);
	write_file(PLAIN "\0" TEXT, strlen(PLAIN) + 1 + strlen(TEXT), 0600);
	assert_int_equal(token_load(path, &t), 0); /* ends at the NUL */
	assert_string_equal(t.where, "");
	memset(large, '0', sizeof large);
	write_file(large, sizeof large, 0600);
	assert_int_equal(token_load(path, &t), -EINVAL);
}

static void
a_token_comes_by_standard_input_in_pieces(void **state)
{
	int pair[2], before = dup(STDIN_FILENO);
	struct token t;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(dup2(pair[0], STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(write(pair[1], TEXT "\n", strlen(TEXT) + 1), strlen(TEXT) + 1);
	assert_int_equal(token_load("-", &t), 0); /* does not wait for the end */
	assert_same(&t, &sample);
	assert_int_equal(write(pair[1], TEXT, 20), 20);
	close(pair[1]);
	assert_int_equal(token_load("-", &t), -EINVAL);
	close(pair[0]);
	assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
	close(before);
}

#define FILE_TEST(t) cmocka_unit_test_setup_teardown(t, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_written_in_crockfords_base32),
		TEST(every_token_comes_back),
		TEST(the_longest_token_fits),
		TEST(reading_takes_the_letters_that_crockford_takes),
		TEST(everything_else_is_refused),
		TEST(whatever_is_taken_means_what_is_written),
		TEST(an_id_alone_is_read_alike),
		FILE_TEST(a_token_is_the_first_line_of_a_file),
		FILE_TEST(a_file_that_others_may_read_is_refused_S_29),
		FILE_TEST(a_file_without_a_token_is_refused),
		TEST(a_token_comes_by_standard_input_in_pieces),
		TEST(a_pin_is_written_and_read_like_that_of_a_token),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
