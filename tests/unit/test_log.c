/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char written[65536];
static int real_stderr, file;

/* From here on standard error goes into a file in memory … */
static int
redirect(void **state)
{
	(void)state;
	file = memfd_create("log", 0);
	real_stderr = dup(STDERR_FILENO);
	log_open("prog", LOG_LEVEL_INFO);
	log_times(false);
	return file < 0 || real_stderr < 0 || dup2(file, STDERR_FILENO) < 0 ||
	    log_set_debug(NULL) < 0;
}

static int
restore(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(file);
	return 0;
}

/* … and this is what came since the last call. */
static const char *
output(void)
{
	ssize_t n = pread(file, written, sizeof written - 1, 0);

	written[n < 0 ? 0 : n] = '\0';
	assert_int_equal(ftruncate(file, 0), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	return written;
}

static void
a_line_names_program_area_and_what_happened(void **state)
{
	(void)state;
	log_info("plan", "%d items for %s", 3, "node-7");
	assert_string_equal(output(), "prog: plan: 3 items for node-7\n");
	log_warnx("plan", "late");
	assert_string_equal(output(), "prog: warning: plan: late\n");
	log_errorx("store", "full");
	assert_string_equal(output(), "prog: error: store: full\n");
}

static void
a_failing_call_is_named_by_its_errno_and_errno_is_kept(void **state)
{
	(void)state;
	errno = ENOENT;
	log_error("store", "open %s", "/x");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(
	    output(), "prog: error: store: open /x: No such file or directory\n");
	errno = EACCES;
	log_warn("store", "read");
	assert_int_equal(errno, EACCES);
	assert_string_equal(output(), "prog: warning: store: read: Permission denied\n");
	log_warnx("a", "x");
	log_errorx("a", "x");
	log_info("a", "x");
	assert_int_equal(errno, EACCES);
	assert_null(strstr(output(), "Permission"));
}

static void
lines_above_the_level_are_left_out(void **state)
{
	(void)state;
	log_open("prog", LOG_LEVEL_ERROR);
	log_warn("a", "w");
	log_warnx("a", "w");
	log_info("a", "i");
	log_debug("a", "d");
	log_errorx("a", "e");
	assert_string_equal(output(), "prog: error: a: e\n");
	log_open("prog", LOG_LEVEL_WARNING);
	log_warnx("a", "w");
	log_info("a", "i");
	assert_string_equal(output(), "prog: warning: a: w\n");
	log_open("prog", LOG_LEVEL_DEBUG);
	log_debug("a", "d");
	assert_string_equal(output(), "prog: debug: a: d\n");
}

static void
debug_lines_come_from_chosen_areas_only(void **state)
{
	(void)state;
	log_debug("plan", "x");
	assert_string_equal(output(), "");
	assert_int_equal(log_set_debug("discovery, plan"), 0);
	log_debug("plan", "x");
	log_debug("discovery", "y");
	log_debug("pla", "z");
	log_debug("planner", "z");
	log_debug("store", "z");
	assert_string_equal(
	    output(), "prog: debug: plan: x\nprog: debug: discovery: y\n");
	assert_int_equal(log_set_debug("all"), 0);
	log_debug("store", "z");
	assert_string_equal(output(), "prog: debug: store: z\n");
	assert_int_equal(log_set_debug(NULL), 0);
	log_debug("store", "z");
	assert_string_equal(output(), "");
}

static void
a_list_of_areas_that_is_too_long_is_refused_and_changes_nothing(void **state)
{
	char areas[2000];

	(void)state;
	memset(areas, 'a', sizeof areas - 1);
	areas[sizeof areas - 1] = '\0';
	assert_int_equal(log_set_debug("plan"), 0);
	assert_int_equal(log_set_debug(areas), -ENOSPC);
	log_debug("plan", "x");
	assert_string_equal(output(), "prog: debug: plan: x\n");
}

static void
a_peers_bytes_cannot_forge_a_line_or_steer_a_terminal_S_31(void **state)
{
	(void)state;
	log_info("a", "name %s", "x\nprog: error: b: forged");
	assert_string_equal(output(), "prog: a: name x\\x0aprog: error: b: forged\n");
	log_info("a", "%s", "\x1b[2J\x7f\r\t\xc3\xa4\xe2\x80\xae");
	assert_string_equal(
	    output(), "prog: a: \\x1b[2J\\x7f\\x0d\\x09\\xc3\\xa4\\xe2\\x80\\xae\n");
}

static void
a_long_line_is_cut_and_still_ends(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_info("a", "%s", text);
	const char *line = output();
	assert_int_equal(strlen(line), 2048);
	assert_int_equal(line[2047], '\n');
	memset(text, '\n', sizeof text - 1);
	log_info("a", "%s", text);
	line = output();
	assert_true(strlen(line) <= 2048 && strlen(line) > 2040);
	assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
	assert_memory_equal(line + strlen(line) - 5, "\\x0a\n", 5);
}

static void
times_come_only_when_asked_for(void **state)
{
	char today[CLOCK_TEXT_MAX];

	(void)state;
	log_times(true);
	clock_format(clock_wall_ms(), today);
	log_info("a", "x");
	const char *line = output();
	assert_memory_equal(line, today, 2); /* the century */
	assert_string_equal(line + strlen(today), " prog: a: x\n");
}

static void
a_limited_line_comes_once_a_minute(void **state)
{
	int64_t last = 0, other = 0;

	(void)state;
	assert_true(log_limited(&last));
	assert_false(log_limited(&last));
	assert_true(log_limited(&other)); /* each caller has its own minute */
	last -= 60000;
	assert_true(log_limited(&last));
	assert_false(log_limited(&last));
}

#define REDIRECTED(f) cmocka_unit_test_setup_teardown(f, redirect, restore)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REDIRECTED(a_line_names_program_area_and_what_happened),
		REDIRECTED(a_failing_call_is_named_by_its_errno_and_errno_is_kept),
		REDIRECTED(lines_above_the_level_are_left_out),
		REDIRECTED(debug_lines_come_from_chosen_areas_only),
		REDIRECTED(
		    a_list_of_areas_that_is_too_long_is_refused_and_changes_nothing),
		REDIRECTED(a_peers_bytes_cannot_forge_a_line_or_steer_a_terminal_S_31),
		REDIRECTED(a_long_line_is_cut_and_still_ends),
		REDIRECTED(times_come_only_when_asked_for),
		REDIRECTED(a_limited_line_comes_once_a_minute),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
