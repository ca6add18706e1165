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
	snprintf(path, sizeof path, "%s/identity", dir);
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
write_identity(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
an_identity_is_made_once_and_stays(void **state)
{
	struct identity first, second;
	struct stat st;

	(void)state;
	assert_int_equal(identity_load(dir, "rover", &first), 0);
	assert_true(first.fresh);
	assert_int_equal(identity_load(dir, "rover", &second), 0);
	assert_false(second.fresh);
	assert_memory_equal(&first.id, &second.id, sizeof first.id);
	assert_string_equal(second.name, "rover");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
each_start_is_another_boot(void **state)
{
	struct identity first, second;

	(void)state;
	assert_int_equal(identity_load(dir, NULL, &first), 0);
	assert_int_equal(identity_load(dir, NULL, &second), 0);
	assert_memory_not_equal(first.boot, second.boot, sizeof first.boot);
}

static void
two_nodes_are_two(void **state)
{
	struct identity first, second;

	(void)state;
	assert_int_equal(identity_load(dir, NULL, &first), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(identity_load(dir, NULL, &second), 0);
	assert_memory_not_equal(&first.id, &second.id, sizeof first.id);
}

/* REG-11, reliability.md §8 */
static void
an_unreadable_identity_is_never_replaced(void **state)
{
	static const char *const wrong[] = { "", "\n", "0123",
		"zz23456789abcdef0123456789abcdef\n", "0123456789abcdef0123456789abcdef",
		"0123456789abcdef0123456789abcdef00\n" };
	struct identity i;

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(wrong); n++) {
		char back[64] = "";

		write_identity(wrong[n]);
		assert_int_equal(identity_load(dir, NULL, &i), -EBADMSG);
		FILE *f = fopen(path, "r");
		size_t len = fread(back, 1, sizeof back - 1, f);
		fclose(f);
		assert_int_equal(len, strlen(wrong[n]));
		assert_string_equal(back, wrong[n]);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(identity_load(dir, NULL, &i), -EISDIR);
}

static void
the_host_names_a_node_without_a_name(void **state)
{
	struct identity i;
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
		DIR_TEST(an_identity_is_made_once_and_stays),
		DIR_TEST(each_start_is_another_boot),
		DIR_TEST(two_nodes_are_two),
		DIR_TEST(an_unreadable_identity_is_never_replaced),
		DIR_TEST(the_host_names_a_node_without_a_name),
		TEST(without_a_directory_there_is_no_identity),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
