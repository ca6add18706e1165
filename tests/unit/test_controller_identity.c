/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/identity.h"

#include "base/daemon.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
an_identity_is_made_once_and_kept(void **state)
{
	char *dir = tempdir_new();
	struct fog_id first, second;

	(void)state;
	assert_int_equal(identity_load(dir, &first), 0);
	assert_int_equal(identity_load(dir, &second), 0);
	assert_memory_equal(&first, &second, sizeof first);
	tempdir_remove(dir);
	dir = tempdir_new();
	assert_int_equal(identity_load(dir, &second), 0);
	assert_memory_not_equal(&first, &second, sizeof first);
	tempdir_remove(dir);
}

static void
an_unreadable_identity_is_never_replaced(void **state)
{
	static const char *const text[] = { "", "00112233445566778899aabbccddeef\n",
		"00112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeffg\n",
		"zz112233445566778899aabbccddeeff\n" };
	char *dir = tempdir_new(), path[200];
	struct fog_id id;

	(void)state;
	snprintf(path, sizeof path, "%s/identity", dir);
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		assert_int_equal(daemon_write_file(path, text[i], strlen(text[i])), 0);
		assert_int_equal(identity_load(dir, &id), -EBADMSG);
	}
	assert_int_equal(identity_load("/nonexistent", &id), -ENOENT);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_identity_is_made_once_and_kept),
		TEST(an_unreadable_identity_is_never_replaced),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
