/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/identity.h"

#include "base/daemon.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char *dir;
static char path[200];

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/domain", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/domain/controller.key", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

static struct fog_id
load(bool make)
{
	CLEANUP(key_free) struct key *k = NULL;
	struct fog_id id;

	assert_int_equal(identity_load(dir, make, &k), 0);
	identity_id(k, &id);
	return id;
}

static void
the_id_is_that_of_the_domain_s_key(void **state)
{
	CLEANUP(key_free) struct key *k = NULL;
	uint8_t fingerprint[32];
	struct fog_id id;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	assert_int_equal(key_save(k, path), 0);
	key_fingerprint(k, fingerprint);
	id = load(false);
	assert_memory_equal(id.bytes, fingerprint, sizeof id.bytes);
	id = load(true);
	assert_memory_equal(id.bytes, fingerprint, sizeof id.bytes);
}

static void
without_a_domain_there_is_no_identity(void **state)
{
	struct key *k = NULL;

	(void)state;
	assert_int_equal(identity_load(dir, false, &k), -ENOENT);
	assert_int_equal(identity_load("/nonexistent", false, &k), -ENOENT);
	assert_null(k);
}

static void
a_plain_controller_makes_one_and_keeps_it(void **state)
{
	struct fog_id first = load(true), second = load(true);
	struct key *k = NULL;

	(void)state;
	assert_memory_equal(&first, &second, sizeof first);
	assert_int_equal(identity_load(dir, false, &k), -ENOENT);
}

static void
a_damaged_identity_is_never_replaced(void **state)
{
	struct key *k = NULL;

	(void)state;
	assert_int_equal(daemon_write_file(path, "junk\n", 5), 0);
	assert_int_equal(identity_load(dir, true, &k), -EBADMSG);
	assert_int_equal(identity_load(dir, false, &k), -EBADMSG);
	assert_null(k);
}

static void
a_key_that_others_may_read_is_none_S_29(void **state)
{
	CLEANUP(key_free) struct key *k = NULL;
	struct key *again = NULL;

	(void)state;
	assert_int_equal(key_new(KEY_P256, &k), 0);
	assert_int_equal(key_save(k, path), 0);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(identity_load(dir, false, &again), -EPERM);
}

#define WITH_DIR(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DIR(the_id_is_that_of_the_domain_s_key),
		WITH_DIR(without_a_domain_there_is_no_identity),
		WITH_DIR(a_plain_controller_makes_one_and_keeps_it),
		WITH_DIR(a_damaged_identity_is_never_replaced),
		WITH_DIR(a_key_that_others_may_read_is_none_S_29),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
