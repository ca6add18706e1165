/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/mounts.h"
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"

static const char table[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "23 27 0:22 / /sys rw,relatime shared:7 - sysfs sysfs rw\n"
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
    "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
    "50 27 0:50 / /mnt/lxc/proc rw - proc proc rw\n"
    "51 50 0:51 /proc/meminfo /mnt/lxc/proc/meminfo rw - fuse.lxcfs lxcfs rw\n"
    "60 27 0:60 / /mnt/over rw - proc proc rw\n"
    "61 27 0:61 / /mnt/over rw - fuse test rw\n"
    "70 27 0:70 / /mnt/under rw - fuse test rw\n"
    "71 27 0:71 / /mnt/under rw master:1 - proc proc rw\n"
    "72 71 0:72 / /mnt/under/bus rw - tmpfs tmpfs rw\n"
    "80 27 0:80 / /mnt/with\\040blank rw - proc proc rw\n"
    "garbage\n";

static void
only_the_kernels_own_file_systems_never_block(void **state)
{
	static const struct {
		const char *path;
		bool may_block;
	} cases[] = {
		{ "/proc", false },
		{ "/proc/net", false },
		{ "/sys", false },
		{ "/sys/class/power_supply", false },
		{ "/sys/fs/cgroup/unified", false },
		{ "/sys/fs/cgroup", true }, /* a tmpfs: cannot be told from others */
		{ "/procfs", true },
		{ "/tmp/fixture/proc", true },
		{ "/", true },
		{ "", true },
		{ "proc", true },
		{ "/proc/", true },
		{ "//proc", true },
		{ "/proc/../mnt/over", true },
		{ "/mnt/lxc/proc", true }, /* for the file below it */
		{ "/mnt/over", true },	   /* the later mount counts */
		{ "/mnt/under", false },
		{ "/mnt/with blank", true },
	};
	char *dir = tempdir_new(), path[256];

	(void)state;
	write_text(dir, "mountinfo", table);
	snprintf(path, sizeof path, "%s/mountinfo", dir);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (mounts_may_block(path, cases[i].path) != cases[i].may_block)
			fail_msg("%s", cases[i].path);
	assert_true(mounts_is_served(path, "/mnt/over/sys"));
	assert_false(mounts_is_served(path, "/mnt/lxc/proc"));
	assert_false(mounts_is_served(path, "/mnt/under"));
	assert_false(mounts_is_served(path, "/tmp/fixture"));
	tempdir_remove(dir);
}

static void
without_a_table_anything_may_block(void **state)
{
	(void)state;
	assert_true(mounts_may_block("/nonexistent", "/proc"));
	assert_false(mounts_may_block(MOUNTS_SELF, "/proc"));
}

static void
types_that_wait_for_a_server_are_remote(void **state)
{
	static const char *const yes[] = { "fuse", "fuse.sshfs", "fuseblk", "nfs", "nfs4",
		"cifs", "9p", "virtiofs" };
	static const char *const no[] = { "ext4", "tmpfs", "proc", "fusectl", "overlay" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++)
		assert_true(mounts_is_remote(yes[i]));
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		assert_false(mounts_is_remote(no[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_kernels_own_file_systems_never_block),
		TEST(without_a_table_anything_may_block),
		TEST(types_that_wait_for_a_server_are_remote),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
