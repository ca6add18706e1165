/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <errno.h>
#include <sys/stat.h>

extern const struct source source_filesystem;

struct fixture {
	char *dir;
	struct source_env env;
	struct capture c;
};

static int
set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	char path[128];

	f->dir = tempdir_new();
	f->env.proc = f->env.rootfs = f->dir;
	for (const char *const *p =
		 (const char *const[]){ "/home", "/data disk", "/dev", "/deep", "/var",
		     "/var/lib", "/var/lib/docker", "/var/lib/dockerless", NULL };
	     *p; p++) {
		snprintf(path, sizeof path, "%s%s", f->dir, *p);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	tempdir_remove(f->dir);
	free(f);
	return 0;
}

static size_t
sample(struct fixture *f, const char *mounts)
{
	write_text(f->dir, "mounts", mounts);
	assert_int_equal(capture_once(&f->c, &source_filesystem, &f->env), 0);
	return capture_count(&f->c, "node_filesystem_size_bytes");
}

#define SIZE "node_filesystem_size_bytes"

static void
local_file_systems_are_told_about(void **state)
{
	struct fixture *f = *state;
	const char *root = "{fstype=\"ext4\",mountpoint=\"/\"}";
	double size, avail;

	assert_int_equal(
	    sample(f, "/dev/vda1 / ext4 rw 0 0\ntmpfs /home tmpfs rw 0 0\n"), 2);
	size = capture_get(&f->c, SIZE, root);
	avail = capture_get(&f->c, "node_filesystem_avail_bytes", root);
	assert_true(size > 0 && avail >= 0 && avail <= size);
	assert_value(&f->c, "node_filesystem_avail_ratio", root, avail / size);
	assert_true(
	    capture_get(&f->c, SIZE, "{fstype=\"tmpfs\",mountpoint=\"/home\"}") > 0);
}

/* statvfs() would hang with the server. */
static void
network_and_virtual_file_systems_are_left_alone(void **state)
{
	assert_int_equal(sample(*state,
			     "server:/x /home nfs4 rw 0 0\n//s/x /home cifs rw 0 0\n"
			     "x /home fuse.sshfs rw 0 0\nproc /home proc rw 0 0\n"
			     "sysfs /home sysfs rw 0 0\nsquashfs /home squashfs ro 0 0\n"
			     "autofs /home autofs rw 0 0\n"),
	    0);
}

static void
places_of_the_system_and_of_containers_are_left_out(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f,
			     "tmpfs /dev tmpfs rw 0 0\n"
			     "overlay /var/lib/docker overlay rw 0 0\n"
			     "/dev/b /var/lib/dockerless ext4 rw 0 0\n"),
	    1);
	assert_true(capture_get(&f->c, SIZE,
			"{fstype=\"ext4\",mountpoint=\"/var/lib/dockerless\"}") > 0);
}

static void
an_escaped_mount_point_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sample(f, "/dev/sdb1 /data\\040disk vfat rw 0 0\n"), 1);
	assert_true(
	    capture_get(&f->c, SIZE, "{fstype=\"vfat\",mountpoint=\"/data disk\"}") > 0);
}

static void
a_device_mounted_twice_and_a_hidden_mount_are_told_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	    sample(f, "/dev/vda1 / ext4 rw 0 0\n/dev/vda1 /home ext4 rw 0 0\n"), 1);
	assert_int_equal(
	    sample(f, "/dev/a /home ext4 rw 0 0\n/dev/b /home xfs rw 0 0\n"), 1);
	assert_true(
	    capture_get(&f->c, SIZE, "{fstype=\"xfs\",mountpoint=\"/home\"}") > 0);
}

static void
a_mount_point_that_is_gone_and_garbage_remove_only_themselves(void **state)
{
	assert_int_equal(sample(*state,
			     "/dev/a /nonexistent ext4 rw 0 0\n\ngarbage\n/dev/c  ext4\n"
			     "/dev/d relative ext4 rw 0 0\n/dev/b /home xfs rw 0 0\n"),
	    1);
}

static void
the_number_of_file_systems_is_bounded(void **state)
{
	static char mounts[65536];
	size_t n = 0;
	struct fixture *f = *state;
	char path[128];

	for (unsigned i = 0; i < 100; i++) {
		n += (size_t)snprintf(mounts + n, sizeof mounts - n,
		    "/dev/x%u /deep/%u ext4 rw 0 0\n", i, i);
		snprintf(path, sizeof path, "%s/deep/%u", f->dir, i);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	assert_int_equal(sample(f, mounts), 32);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(local_file_systems_are_told_about),
		CASE(network_and_virtual_file_systems_are_left_alone),
		CASE(places_of_the_system_and_of_containers_are_left_out),
		CASE(an_escaped_mount_point_is_read),
		CASE(a_device_mounted_twice_and_a_hidden_mount_are_told_once),
		CASE(a_mount_point_that_is_gone_and_garbage_remove_only_themselves),
		CASE(the_number_of_file_systems_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
