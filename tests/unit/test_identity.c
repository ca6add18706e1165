/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *dir;
static char path[512];

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/node.key", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

static void
identity_donep(struct identity *i)
{
	identity_done(i);
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(name, 0600), 0);
}

static void
read_file(const char *name, char *dst, size_t size)
{
	FILE *f = fopen(name, "r");

	assert_non_null(f);
	dst[fread(dst, 1, size - 1, f)] = 0;
	fclose(f);
}

static void
the_key_is_made_once_and_the_id_follows_from_it(void **state)
{
	CLEANUP(identity_done) struct identity first = { 0 }, second = { 0 };
	uint8_t fingerprint[32];
	struct stat st;

	(void)state;
	assert_int_equal(identity_load(dir, "rover", &first), 0);
	assert_true(first.fresh);
	assert_false(first.had_other);
	assert_int_equal(identity_load(dir, "rover", &second), 0);
	assert_false(second.fresh);
	assert_memory_equal(&first.id, &second.id, sizeof first.id);
	key_fingerprint(second.key, fingerprint);
	assert_memory_equal(&first.id, fingerprint, sizeof first.id);
	assert_string_equal(second.name, "rover");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
each_start_is_another_boot(void **state)
{
	CLEANUP(identity_done) struct identity first = { 0 }, second = { 0 };

	(void)state;
	assert_int_equal(identity_load(dir, NULL, &first), 0);
	assert_int_equal(identity_load(dir, NULL, &second), 0);
	assert_memory_not_equal(first.boot, second.boot, sizeof first.boot);
}

static void
two_nodes_are_two(void **state)
{
	CLEANUP(identity_done) struct identity first = { 0 }, second = { 0 };

	(void)state;
	assert_int_equal(identity_load(dir, NULL, &first), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_load(dir, NULL, &second), 0);
	assert_memory_not_equal(&first.id, &second.id, sizeof first.id);
}

/* The file of the time when ids were random is left alone, and told of once. */
static void
an_identity_of_before_is_told_of_once_and_left_alone(void **state)
{
	CLEANUP(identity_done) struct identity first = { 0 }, second = { 0 };
	char other[512], back[64] = "";

	(void)state;
	snprintf(other, sizeof other, "%s/identity", dir);
	write_file(other, "0123456789abcdef0123456789abcdef\n");
	assert_int_equal(identity_load(dir, NULL, &first), 0);
	assert_true(first.fresh && first.had_other);
	assert_memory_not_equal(first.id.bytes, "\x01\x23\x45\x67", 4);
	assert_int_equal(identity_load(dir, NULL, &second), 0);
	assert_false(second.fresh || second.had_other);
	read_file(other, back, sizeof back);
	assert_string_equal(back, "0123456789abcdef0123456789abcdef\n");
}

/* REG-11, reliability.md §8 */
static void
an_unusable_key_is_never_replaced_S_29(void **state)
{
	static const char *const wrong[] = { "", "\n", "0123",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" };
	struct identity i;

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(wrong); n++) {
		char back[128] = "";

		write_file(path, wrong[n]);
		assert_int_equal(identity_load(dir, NULL, &i), -EBADMSG);
		read_file(path, back, sizeof back);
		assert_string_equal(back, wrong[n]);
	}
}

static void
a_key_of_another_kind_is_refused(void **state)
{
	CLEANUP(key_free) struct key *k = NULL;
	struct identity i;

	(void)state;
	assert_int_equal(key_new(KEY_ED25519, &k), 0);
	assert_int_equal(key_save(k, path), 0);
	assert_int_equal(identity_load(dir, NULL, &i), -EBADMSG);
}

static void
a_key_that_others_can_read_is_refused_S_29(void **state)
{
	struct identity i;

	(void)state;
	assert_int_equal(identity_load(dir, NULL, &i), 0);
	identity_done(&i);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(identity_load(dir, NULL, &i), -EPERM);
}

static void
the_host_names_a_node_without_a_name(void **state)
{
	CLEANUP(identity_done) struct identity i = { 0 };
	char host[256] = "";

	(void)state;
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	assert_int_equal(identity_load(dir, NULL, &i), 0);
	assert_memory_equal(
	    i.name, host, strlen(host) < FOG_NAME_MAX ? strlen(host) : FOG_NAME_MAX);
}

static void
without_a_directory_there_is_no_identity(void **state)
{
	struct identity i;

	(void)state;
	assert_int_equal(identity_load("/nonexistent", NULL, &i), -ENOENT);
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DIR_TEST(the_key_is_made_once_and_the_id_follows_from_it),
		DIR_TEST(each_start_is_another_boot),
		DIR_TEST(two_nodes_are_two),
		DIR_TEST(an_identity_of_before_is_told_of_once_and_left_alone),
		DIR_TEST(an_unusable_key_is_never_replaced_S_29),
		DIR_TEST(a_key_of_another_kind_is_refused),
		DIR_TEST(a_key_that_others_can_read_is_refused_S_29),
		DIR_TEST(the_host_names_a_node_without_a_name),
		TEST(without_a_directory_there_is_no_identity),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
