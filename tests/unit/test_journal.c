/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include "agent/journal_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BOOT_MS INT64_C(5000000)
#define WALL_MS INT64_C(1795000000000)

static char *dir, path[PATH_MAX];
static struct journal *journal;
static struct journal_config config;
static struct journal_gap gap[64];
static unsigned gaps;
static int disk_err;

static void
note_gap(void *arg, const struct journal_gap *g)
{
	(void)arg;
	assert_true(gaps < ARRAY_LEN(gap));
	gap[gaps++] = *g;
}

static void
note_disk(void *arg, int err)
{
	(void)arg;
	disk_err = err;
}

static void
open_journal(void)
{
	assert_int_equal(journal_open(&config, &journal), 0);
}

static void
reopen(void)
{
	journal_close(TAKE(journal));
	open_journal();
}

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/journal", dir);
	config = (struct journal_config){ .dir = path,
		.bytes = 1 << 20,
		.segment = 4096,
		.boot_ms = BOOT_MS,
		.wall_ms = WALL_MS,
		.lost = note_gap,
		.disk = note_disk };
	gaps = 0;
	disk_err = 0;
	open_journal();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	journal_close(TAKE(journal));
	tempdir_remove(dir);
	return 0;
}

static uint64_t
append(int64_t time_ms, const char *text)
{
	uint64_t number = 0;

	(void)journal_segment(journal, strlen(text), WALL_MS, time_ms);
	assert_int_equal(
	    journal_append(journal, time_ms, slice_text(text), 1, &number), 0);
	return number;
}

/* Those that are there, from a number on; all in order and as they were made. */
static unsigned
read_all(uint64_t from, uint64_t *ret_first, uint64_t *ret_last)
{
	struct journal_cursor *c;
	struct journal_record rec;
	uint64_t last = 0;
	unsigned n = 0;

	assert_int_equal(journal_cursor_new(journal, &c), 0);
	journal_seek(c, from);
	while (journal_next(c, &rec) == 1) {
		char text[32];

		if (rec.number < from)
			continue;
		assert_true(rec.number > last);
		snprintf(text, sizeof text, "record at %lld", (long long)rec.time_ms);
		assert_true(slice_is(rec.value, text));
		if (n++ == 0 && ret_first)
			*ret_first = rec.number;
		last = rec.number;
	}
	journal_cursor_free(c);
	if (ret_last)
		*ret_last = last;
	return n;
}

static uint64_t
append_some(unsigned n, int64_t from_ms)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < n; i++) {
		char text[32];

		snprintf(text, sizeof text, "record at %lld", (long long)from_ms + i);
		last = append(from_ms + i, text);
	}
	return last;
}

static void
records_outlive_the_process_R_01(void **state)
{
	uint64_t last = append_some(1000, BOOT_MS), first, found;
	uint8_t id[8];

	(void)state;
	assert_int_equal(last, 1000);
	memcpy(id, journal_id(journal), sizeof id);
	reopen();
	assert_memory_equal(journal_id(journal), id, sizeof id);
	assert_int_equal(read_all(0, &first, &found), 1000);
	assert_int_equal(first, 1);
	assert_int_equal(found, 1000);
	assert_int_equal(journal_waiting(journal), 1000);
	assert_true(append_some(1, BOOT_MS + 5000) > 1000);
	assert_int_equal(read_all(0, NULL, NULL), 1001);
	assert_int_equal(gaps, 0);
}

static void
what_was_accepted_does_not_come_back(void **state)
{
	uint64_t first;

	(void)state;
	append_some(1000, BOOT_MS);
	journal_release(journal, 900);
	assert_int_equal(journal_waiting(journal), 101);
	assert_int_equal(journal_first(journal), 900);
	reopen();
	assert_int_equal(journal_first(journal), 900);
	assert_int_equal(read_all(journal_first(journal), &first, NULL), 101);
	assert_int_equal(first, 900);
	journal_release(journal, journal_end(journal));
	assert_int_equal(journal_waiting(journal), 0);
	reopen();
	assert_int_equal(journal_waiting(journal), 0);
	append_some(1, BOOT_MS);
	journal_release(journal, journal_end(journal));
	reopen();
	assert_int_equal(journal_waiting(journal), 0);
}

static void
a_ring_that_is_full_tells_exactly_what_went_R_23(void **state)
{
	uint64_t first, last, expected = 1;
	unsigned n;

	(void)state;
	journal_close(TAKE(journal));
	config.bytes = 32768;
	open_journal();
	append_some(3000, BOOT_MS);
	assert_true(journal_bytes(journal) <= config.bytes);
	n = read_all(0, &first, &last);
	assert_true(gaps > 0);
	for (unsigned i = 0; i < gaps; i++) {
		assert_int_equal(gap[i].first, expected);
		assert_int_equal(gap[i].from_ms, BOOT_MS + (int64_t)gap[i].first - 1);
		assert_int_equal(gap[i].to_ms, BOOT_MS + (int64_t)gap[i].last - 1);
		expected = gap[i].last + 1;
	}
	assert_int_equal(first, expected);
	assert_int_equal(last, 3000);
	assert_int_equal(n, 3000 - expected + 1);
}

/* The path of the only segment. */
static void
find_segment(char dst[PATH_MAX])
{
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	dst[0] = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && !strchr(e->d_name, 'b'))
			snprintf(dst, PATH_MAX, "%.200s/%.64s", path, e->d_name);
	closedir(d);
	assert_true(dst[0]);
}

static off_t
size_of(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return st.st_size;
}

static void
an_end_that_is_cut_costs_only_itself_R_01(void **state)
{
	char file[PATH_MAX];
	off_t size;

	(void)state;
	append_some(20, BOOT_MS);
	find_segment(file);
	size = size_of(file);
	for (off_t cut = 1; cut < 40; cut++) {
		journal_close(TAKE(journal));
		assert_int_equal(truncate(file, size - cut), 0);
		open_journal();
		assert_int_equal(read_all(0, NULL, NULL), 19);
		assert_int_equal(gaps, 0);
	}
}

static void
flip(const char *file, off_t at)
{
	int fd = open(file, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void
damage_is_moved_aside_and_told_R_22(void **state)
{
	char file[PATH_MAX], aside[PATH_MAX + 8];
	unsigned n;

	(void)state;
	append_some(50, BOOT_MS);
	find_segment(file);
	journal_close(TAKE(journal));
	flip(file, size_of(file) / 2);
	open_journal();
	n = read_all(0, NULL, NULL);
	assert_in_range(n, 15, 30);
	assert_int_equal(gaps, 1);
	assert_int_equal(gap[0].first, n + 1);
	assert_int_equal(gap[0].last, 50);
	assert_string_equal(gap[0].why, "damaged");
	snprintf(aside, sizeof aside, "%s.bad", file);
	assert_int_equal(access(aside, F_OK), 0);
	reopen();
	assert_int_equal(read_all(0, NULL, NULL), n);
	assert_int_equal(gaps, 1);
	append_some(5, BOOT_MS + 100);
	assert_int_equal(read_all(0, NULL, NULL), n + 5);
}

static void
any_byte_may_be_damaged_R_22(void **state)
{
	char file[PATH_MAX];
	off_t size;

	(void)state;
	append_some(12, BOOT_MS);
	find_segment(file);
	size = size_of(file);
	for (off_t at = 0; at < size; at += 3) {
		journal_close(TAKE(journal));
		flip(file, at);
		gaps = 0;
		open_journal();
		assert_true(read_all(0, NULL, NULL) <= 12);
		append_some(1, BOOT_MS + 500);
		journal_close(TAKE(journal));
		tempdir_remove(dir);
		(void)setup(NULL);
		append_some(12, BOOT_MS);
		find_segment(file);
	}
}

/* As if the system had been off for a minute. */
static void
pretend_other_boot(int64_t wall_ms)
{
	char file[PATH_MAX];
	struct segment_head h;
	int fd;

	find_segment(file);
	fd = open(file, O_RDWR);
	assert_int_equal(pread(fd, &h, sizeof h, 0), sizeof h);
	h.boot[0] ^= 1;
	h.wall_ms = h.boot_ms + wall_ms - (BOOT_MS + 19);
	h.crc = crc32c(0, &h.first, sizeof h - offsetof(struct segment_head, first));
	assert_int_equal(pwrite(fd, &h, sizeof h, 0), sizeof h);
	close(fd);
}

static void
open_without_marks(int64_t boot_ms)
{
	config.boot_ms = boot_ms;
	config.wall_ms = WALL_MS + 60000;
	open_journal();
}

static int64_t
first_time(bool *ret_undated)
{
	struct journal_cursor *c;
	struct journal_record rec;
	int64_t time_ms;

	assert_int_equal(journal_cursor_new(journal, &c), 0);
	assert_int_equal(journal_next(c, &rec), 1);
	*ret_undated = rec.undated;
	time_ms = rec.time_ms;
	journal_cursor_free(c);
	return time_ms;
}

static void
records_of_an_earlier_boot_keep_their_age_R_10(void **state)
{
	bool undated;

	(void)state;
	append_some(20, BOOT_MS);
	journal_close(TAKE(journal));
	pretend_other_boot(WALL_MS + 19);
	open_without_marks(1000);
	assert_int_equal(first_time(&undated), 1000 - 60000);
	assert_false(undated);
}

static void
without_a_clock_their_age_is_not_known(void **state)
{
	bool undated;

	(void)state;
	config.wall_ms = 5;
	append_some(20, BOOT_MS);
	journal_close(TAKE(journal));
	pretend_other_boot(5);
	config.boot_ms = 1000;
	config.wall_ms = 60000;
	open_journal();
	assert_true(first_time(&undated) <= 0);
	assert_true(undated);
}

static void
a_disk_that_takes_nothing_leaves_memory_R_04(void **state)
{
	(void)state;
	journal_close(TAKE(journal));
	config.dir = "/proc/self/nothing";
	open_journal();
	assert_int_equal(append_some(100, BOOT_MS), 100);
	assert_true(disk_err < 0);
	assert_false(journal_on_disk(journal));
	assert_int_equal(read_all(0, NULL, NULL), 100);
	journal_release(journal, 51);
	assert_int_equal(read_all(51, NULL, NULL), 50);
	append_some(20000, BOOT_MS + 100);
	assert_true(journal_bytes(journal) <= 2 * JOURNAL_MEMORY_MAX);
	assert_true(gaps > 0);
}

static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
a_disk_that_becomes_full_is_tried_again_R_15(void **state)
{
	struct rlimit before;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	append_some(10, BOOT_MS);
	limit_files(1000);
	append_some(100, BOOT_MS + 10);
	assert_true(disk_err < 0);
	assert_int_equal(read_all(0, NULL, NULL), 110);
	limit_files(before.rlim_cur);
	append_some(100, BOOT_MS + 60000);
	assert_int_equal(disk_err, 0);
	assert_true(journal_on_disk(journal));
	assert_int_equal(read_all(0, NULL, NULL), 210);
	assert_int_equal(gaps, 0);
}

/* Appends until it is killed, and tells of each that is done. */
static void
run_child(int to)
{
	char text[32];
	uint64_t number;

	open_journal();
	for (int64_t t = BOOT_MS;; t++) {
		snprintf(text, sizeof text, "record at %lld", (long long)t);
		(void)journal_segment(journal, strlen(text), WALL_MS, t);
		if (journal_append(journal, t, slice_text(text), 1, &number) < 0 ||
		    write(to, &number, sizeof number) != sizeof number)
			_exit(1);
		if (t % 64 == 0)
			(void)journal_sync(journal);
		if (t % 100 == 99)
			journal_release(journal, number - 50);
	}
}

/* The last number that a child told before it died. */
static uint64_t
kill_one(unsigned after)
{
	uint64_t number = 0, last = 0;
	unsigned heard = 0;
	int fds[2], status;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(fds[0]);
		run_child(fds[1]);
	}
	close(fds[1]);
	while (read(fds[0], &number, sizeof number) == sizeof number) {
		last = number;
		if (++heard == after)
			kill(child, SIGKILL);
	}
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void
a_killed_process_loses_nothing_R_01(void **state)
{
	uint32_t random = 7;

	(void)state;
	journal_close(TAKE(journal));
	for (unsigned turn = 0; turn < 50; turn++) {
		uint64_t told, last;

		random = random * 1664525 + 1013904223;
		told = kill_one(1 + (random >> 8) % 300);
		open_journal();
		read_all(journal_first(journal), NULL, &last);
		assert_true(last >= told && last <= told + 1000);
		assert_int_equal(gaps, 0);
		journal_close(TAKE(journal));
	}
	open_journal();
}

static void
crc32c_is_that_of_RFC_3720(void **state)
{
	uint8_t zeros[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, sizeof zeros), 0x8a9136aa);
}

int
main(void)
{
#define JOURNAL_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		JOURNAL_TEST(records_outlive_the_process_R_01),
		JOURNAL_TEST(what_was_accepted_does_not_come_back),
		JOURNAL_TEST(a_ring_that_is_full_tells_exactly_what_went_R_23),
		JOURNAL_TEST(an_end_that_is_cut_costs_only_itself_R_01),
		JOURNAL_TEST(damage_is_moved_aside_and_told_R_22),
		JOURNAL_TEST(any_byte_may_be_damaged_R_22),
		JOURNAL_TEST(records_of_an_earlier_boot_keep_their_age_R_10),
		JOURNAL_TEST(without_a_clock_their_age_is_not_known),
		JOURNAL_TEST(a_disk_that_takes_nothing_leaves_memory_R_04),
		JOURNAL_TEST(a_disk_that_becomes_full_is_tried_again_R_15),
		JOURNAL_TEST(a_killed_process_loses_nothing_R_01),
		TEST(crc32c_is_that_of_RFC_3720),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
