/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/group_secret.h"

#include "base/log.h"
#include "tests/support/io_fake.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include "trust/guard.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define START_MS 1800000000000
#define HOUR_MS	 3600000
#define DAY_MS	 (24LL * HOUR_MS)

static struct fake_net *net;
static struct fake_host *host;
static struct group_secrets *secrets;
static unsigned changes;
static int64_t start_ms; /* fog_time when it was made */

/* --- the guard's double: what it was told last ----------------------------------------------------- */
static struct fog_secret told[64];
static unsigned tells;

int
guard_secret(struct guard *g, uint64_t epoch, const uint8_t secret[GUARD_SECRET_LEN],
    int64_t not_after_ms)
{
	(void)g;
	assert_true(tells < ARRAY_LEN(told));
	told[tells].epoch = epoch;
	told[tells].not_after_ms = not_after_ms;
	memcpy(told[tells++].secret, secret, GUARD_SECRET_LEN);
	return 0;
}

static int64_t
now(void *arg)
{
	(void)arg;
	return START_MS + fake_now(net);
}

static void
on_changed(void *arg)
{
	(void)arg;
	changes++;
}

static char *dir, file[200];

static int
open_secrets(void)
{
	struct group_secrets_config cfg = { .now = now, .changed = on_changed };

	cfg.io = fake_host_io(host);
	cfg.guard = (struct guard *)&net; /* its double looks at nothing */
	cfg.file = file;
	return group_secrets_new(&cfg, &secrets);
}

static int
setup(void **state)
{
	(void)state;
	changes = tells = 0;
	net = fake_net_new(1);
	host = fake_host_new(net);
	start_ms = now(NULL);
	dir = tempdir_new();
	snprintf(file, sizeof file, "%s/secrets", dir);
	return open_secrets();
}

static int
teardown(void **state)
{
	(void)state;
	group_secrets_free(secrets);
	fake_net_free(net);
	tempdir_remove(dir);
	return 0;
}

static void
the_first_secret_is_used_at_once_for_a_day(void **state)
{
	struct fog_secret s[FOG_NOTICE_SECRETS_MAX];

	(void)state;
	assert_int_equal(group_secrets_get(secrets, s), 1);
	assert_int_equal(s[0].epoch, (uint64_t)start_ms / 1000);
	assert_int_equal(s[0].not_after_ms, now(NULL) + DAY_MS + GUARD_OVERLAP_MS);
	assert_int_equal(tells, 1);
	assert_memory_equal(&told[0], &s[0], sizeof s[0]);
	assert_int_equal(changes, 0);
}

static void
the_next_one_is_there_an_hour_before_it_is_used(void **state)
{
	struct fog_secret s[FOG_NOTICE_SECRETS_MAX];

	(void)state;
	fake_run(net, 23 * HOUR_MS - 1000);
	assert_int_equal(changes, 0);
	fake_run(net, 2000);
	assert_int_equal(changes, 1);
	assert_int_equal(group_secrets_get(secrets, s), 2);
	assert_int_equal(s[1].epoch, (uint64_t)start_ms / 1000);
	assert_true(s[0].epoch > s[1].epoch);
	assert_true(memcmp(s[0].secret, s[1].secret, GUARD_SECRET_LEN) != 0);
	assert_int_equal(s[0].not_after_ms, start_ms + 2 * DAY_MS + GUARD_OVERLAP_MS);
	/* so long is the older one used to seal */
	assert_int_equal(s[1].not_after_ms - GUARD_OVERLAP_MS, start_ms + DAY_MS);
}

static void
there_is_a_new_one_each_day(void **state)
{
	(void)state;
	fake_run(net, 10 * DAY_MS);
	assert_int_equal(changes, 10);
	assert_int_equal(tells, 11);
}

static void
after_a_denial_there_is_another_one_and_the_old_ones_end_S_19(void **state)
{
	struct fog_secret before[FOG_NOTICE_SECRETS_MAX], s[FOG_NOTICE_SECRETS_MAX];

	(void)state;
	fake_run(net, 23 * HOUR_MS + 1000); /* two are known */
	assert_int_equal(group_secrets_get(secrets, before), 2);
	tells = 0;
	group_secrets_replace(secrets);
	assert_int_equal(group_secrets_get(secrets, s), 2);
	assert_int_equal(s[1].epoch, before[0].epoch);
	assert_true(s[0].epoch > s[1].epoch);
	assert_int_equal(s[1].not_after_ms, now(NULL) + GROUP_SECRET_LAST_MS);
	assert_int_equal(s[0].not_after_ms, now(NULL) + DAY_MS + GUARD_OVERLAP_MS);
	assert_int_equal(tells, 3); /* two ends, one secret */
	assert_int_equal(told[0].not_after_ms, now(NULL) + GROUP_SECRET_LAST_MS);
	assert_int_equal(told[2].epoch, s[0].epoch);
}

static void
two_in_a_second_are_two_epochs(void **state)
{
	uint64_t epoch = group_secrets_epoch(secrets);

	(void)state;
	group_secrets_replace(secrets);
	assert_int_equal(group_secrets_epoch(secrets), epoch + 1);
	group_secrets_replace(secrets);
	assert_int_equal(group_secrets_epoch(secrets), epoch + 2);
}

static void
restart(void)
{
	group_secrets_free(secrets);
	tells = 0;
	assert_int_equal(open_secrets(), 0);
}

/* Members would go on with the one they have, which a controller that started anew did not know. */
static void
a_controller_that_starts_again_goes_on_with_its_secrets(void **state)
{
	struct fog_secret before[FOG_NOTICE_SECRETS_MAX], s[FOG_NOTICE_SECRETS_MAX];
	struct stat st;

	(void)state;
	fake_run(net, 23 * HOUR_MS + 1000); /* two are known */
	assert_int_equal(group_secrets_get(secrets, before), 2);
	restart();
	assert_int_equal(group_secrets_get(secrets, s), 2);
	assert_memory_equal(s, before, sizeof s);
	assert_int_equal(tells, 2);
	assert_int_equal(told[0].epoch, before[1].epoch); /* the older one first */
	assert_int_equal(told[1].epoch, before[0].epoch);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fake_run(net, 2 * HOUR_MS); /* the end of the older one */
	restart();
	assert_int_equal(group_secrets_get(secrets, s), 1);
	assert_memory_equal(&s[0], &before[0], sizeof s[0]);
}

static void
a_controller_that_was_off_for_days_begins_with_another_secret(void **state)
{
	uint64_t before = group_secrets_epoch(secrets);

	(void)state;
	group_secrets_free(secrets);
	fake_run(net, 3 * DAY_MS);
	assert_int_equal(open_secrets(), 0);
	assert_true(group_secrets_epoch(secrets) > before);
}

static void
a_file_that_is_damaged_is_replaced(void **state)
{
	static const char *const damaged[] = { "", "nonsense", "\x81\x83\x01", "\x82" };
	struct fog_secret before[FOG_NOTICE_SECRETS_MAX], s[FOG_NOTICE_SECRETS_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
		FILE *f = fopen(file, "w");

		assert_non_null(f);
		fputs(damaged[i], f);
		fclose(f);
		group_secrets_get(secrets, before);
		restart();
		assert_int_equal(group_secrets_get(secrets, s), 1);
		assert_true(memcmp(s[0].secret, before[0].secret, GUARD_SECRET_LEN) != 0);
		group_secrets_get(secrets, before);
		restart(); /* what was written instead is sound */
		group_secrets_get(secrets, s);
		assert_memory_equal(&s[0], &before[0], sizeof s[0]);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_first_secret_is_used_at_once_for_a_day),
		CASE(the_next_one_is_there_an_hour_before_it_is_used),
		CASE(there_is_a_new_one_each_day),
		CASE(after_a_denial_there_is_another_one_and_the_old_ones_end_S_19),
		CASE(two_in_a_second_are_two_epochs),
		CASE(a_controller_that_starts_again_goes_on_with_its_secrets),
		CASE(a_controller_that_was_off_for_days_begins_with_another_secret),
		CASE(a_file_that_is_damaged_is_replaced),
	};

	log_open("test_group_secret", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
