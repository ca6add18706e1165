/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"

extern const struct source source_disk;

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

static void
whole_disks_are_told_in_bytes_and_seconds(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_disk, &robot), 0);
	assert_value(&c, "node_disk_reads_completed_total", "{device=\"sda\"}", 100);
	assert_value(&c, "node_disk_read_bytes_total", "{device=\"sda\"}", 1024000);
	assert_value(&c, "node_disk_writes_completed_total", "{device=\"sda\"}", 200);
	assert_value(&c, "node_disk_written_bytes_total", "{device=\"sda\"}", 2048000);
	assert_value(&c, "node_disk_io_time_seconds_total", "{device=\"sda\"}", 5);
	assert_value(&c, "node_disk_io_time_seconds_total", "{device=\"nvme0n1\"}", 0.25);
	assert_value(&c, "node_disk_io_time_seconds_total", "{device=\"mmcblk0\"}", 1.5);
}

/* MET-03 for the garbage lines (sdb, sdc). */
static void
partitions_loops_empty_drives_and_garbage_are_left_out(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_disk, &robot), 0);
	assert_int_equal(capture_count(&c, "node_disk_read_bytes_total"), 3);
}

static void
the_number_of_disks_is_bounded(void **state)
{
	char *dir = tempdir_new(), text[8192];
	struct source_env env = { .proc = dir };
	struct capture c;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "8 %u dm-%c%u 1 1 1 1 1 1 1 1 1 1 1\n", i, 'a' + i % 26, i);
	write_text(dir, "diskstats", text);
	assert_int_equal(capture_once(&c, &source_disk, &env), 0);
	assert_int_equal(capture_count(&c, "node_disk_read_bytes_total"), 32);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whole_disks_are_told_in_bytes_and_seconds),
		TEST(partitions_loops_empty_drives_and_garbage_are_left_out),
		TEST(the_number_of_disks_is_bounded),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
