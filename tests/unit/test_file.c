/* SPDX-License-Identifier: Apache-2.0
 *
 * The file under test is included, so that its system calls can be counted and made to fail. */
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned opens, reads;
static int fail_reads, fail_errno;

static int counted_open(const char *path, int flags);
static ssize_t counted_pread(int fd, void *dst, size_t size, off_t at);
#define open(path, flags)	 counted_open(path, flags)
#define pread(fd, dst, size, at) counted_pread(fd, dst, size, at)
#include "metrics/file.c"
#undef open
#undef pread

#include "tests/support/capture.h"
#include "tests/support/tempdir.h"

static int
counted_open(const char *path, int flags)
{
	opens++;
	return open(path, flags);
}

static ssize_t
counted_pread(int fd, void *dst, size_t size, off_t at)
{
	reads++;
	if (fail_reads > 0) {
		fail_reads--;
		errno = fail_errno;
		return -1;
	}
	return pread(fd, dst, size, at);
}

static void
a_kernel_file_is_read_again_with_one_system_call(void **state)
{
	struct file f = { 0 };
	char text[256];

	(void)state;
	assert_int_equal(file_init(&f, "/proc", "loadavg"), 0);
	assert_true(file_read(&f, text, sizeof text) > 0);
	opens = reads = 0;
	for (unsigned i = 0; i < 10; i++)
		assert_true(file_read(&f, text, sizeof text) > 0);
	assert_int_equal(opens, 0);
	assert_int_equal(reads, 10);
	file_done(&f);
}

static void
a_device_that_went_and_came_back_is_opened_anew(void **state)
{
	static const int dead[] = { ENODEV, ESTALE, ENXIO };
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dead); i++) {
		struct file f = { 0 };

		assert_int_equal(file_init(&f, "/proc", "loadavg"), 0);
		assert_true(file_read(&f, text, sizeof text) > 0);
		opens = 0;
		fail_reads = 1;
		fail_errno = dead[i];
		assert_true(file_read(&f, text, sizeof text) > 0);
		assert_int_equal(opens, 1);
		file_done(&f);
	}
}

static void
a_device_that_is_gone_is_tried_once_a_sample(void **state)
{
	struct file f = { 0 };
	char text[256];

	(void)state;
	assert_int_equal(file_init(&f, "/proc", "loadavg"), 0);
	assert_true(file_read(&f, text, sizeof text) > 0);
	opens = reads = 0;
	fail_reads = 2;
	fail_errno = ENODEV;
	assert_int_equal(file_read(&f, text, sizeof text), -ENODEV);
	assert_string_equal(text, "");
	assert_int_equal(opens, 1);
	assert_int_equal(reads, 2);
	assert_true(file_read(&f, text, sizeof text) > 0);
	file_done(&f);
}

static void
another_error_keeps_the_descriptor(void **state)
{
	struct file f = { 0 };
	double v;

	(void)state;
	assert_int_equal(file_init(&f, "/proc", "sys/kernel/pid_max"), 0);
	assert_int_equal(file_read_number(&f, &v), 0);
	opens = 0;
	fail_reads = 1;
	fail_errno = EIO;
	assert_int_equal(file_read_number(&f, &v), -EIO);
	assert_int_equal(file_read_number(&f, &v), 0);
	assert_int_equal(opens, 0);
	file_done(&f);
}

static void
a_plain_file_replaced_by_rename_is_seen(void **state)
{
	char *dir = tempdir_new(), from[128], to[128];
	struct file f = { 0 };
	double v = 0;

	(void)state;
	assert_int_equal(file_init(&f, dir, "capacity"), 0);
	assert_int_equal(file_read_number(&f, &v), -ENOENT); /* it may come later */
	write_text(dir, "capacity", "80\n");
	assert_int_equal(file_read_number(&f, &v), 0);
	assert_true(v == 80);
	write_text(dir, "new", "79\n");
	snprintf(from, sizeof from, "%s/new", dir);
	snprintf(to, sizeof to, "%s/capacity", dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(file_read_number(&f, &v), 0);
	assert_true(v == 79);
	file_done(&f);
	tempdir_remove(dir);
}

static void
a_long_file_is_cut_or_read_page_by_page(void **state)
{
	char *dir = tempdir_new(), text[300], small[8];
	struct file f = { 0 };

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	write_text(dir, "long", text);
	assert_int_equal(file_init(&f, dir, "long"), 0);
	assert_int_equal(file_read(&f, small, sizeof small), 7);
	assert_string_equal(small, "aaaaaaa");
	assert_int_equal(file_read_all(&f, small, sizeof small), 7);
	assert_int_equal(file_read_all(&f, text, sizeof text), 299);
	file_done(&f);
	tempdir_remove(dir);
}

static void
only_plain_numbers_are_numbers(void **state)
{
	static const struct {
		const char *text;
		double value;
	} good[] = { { "12", 12 }, { " -3.5\n", -3.5 }, { "1e3\t", 1000 }, { "+7", 7 },
		{ "18446744073709551615\n", 18446744073709551615. } };
	static const char *const bad[] = { "", "\n", "n/a", "12abc", "0x10", "inf", "nan",
		"1 2", "--1", ".", "e", "1,5", "-" };
	double v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(file_parse_number(good[i].text, &v));
		assert_true(v == good[i].value);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(file_parse_number(bad[i], &v));
}

static void
a_word_ends_at_the_newline(void **state)
{
	char *dir = tempdir_new(), word[16];
	struct file f = { 0 };

	(void)state;
	write_text(dir, "status", "Not charging\n");
	assert_int_equal(file_init(&f, dir, "status"), 0);
	assert_int_equal(file_read_word(&f, word, sizeof word), 0);
	assert_string_equal(word, "Not charging");
	write_text(dir, "status", "\n");
	assert_int_equal(file_read_word(&f, word, sizeof word), -EBADMSG);
	file_done(&f);
	tempdir_remove(dir);
}

static void
list_name(void *arg, const char *name)
{
	strcat(arg, name);
}

static void
a_directory_is_scanned_again_and_shows_what_is_new(void **state)
{
	char *dir = tempdir_new(), names[32] = "";
	void *handle = NULL;

	(void)state;
	assert_int_equal(file_scan(&handle, "/nonexistent", list_name, names), -ENOENT);
	write_text(dir, "a", "");
	write_text(dir, ".hidden", "");
	assert_int_equal(file_scan(&handle, dir, list_name, names), 0);
	assert_string_equal(names, "a");
	write_text(dir, "b", "");
	names[0] = '\0';
	assert_int_equal(file_scan(&handle, dir, list_name, names), 0);
	assert_int_equal(strlen(names), 2);
	tempdir_remove(dir);
	assert_int_equal(file_scan(&handle, "/proc/self/task", list_name, names), 0);
	assert_true(
	    strlen(names) > 2); /* the old directory is no more, the new one was opened */
	closedir(handle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_kernel_file_is_read_again_with_one_system_call),
		TEST(a_device_that_went_and_came_back_is_opened_anew),
		TEST(a_device_that_is_gone_is_tried_once_a_sample),
		TEST(another_error_keeps_the_descriptor),
		TEST(a_plain_file_replaced_by_rename_is_seen),
		TEST(a_long_file_is_cut_or_read_page_by_page),
		TEST(only_plain_numbers_are_numbers),
		TEST(a_word_ends_at_the_newline),
		TEST(a_directory_is_scanned_again_and_shows_what_is_new),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
