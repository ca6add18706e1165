/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of procfs that lie: whatever stands in them, sources tell numbers or nothing (MET-09). */
#include "tests/support/capture.h"
#include "tests/support/tempdir.h"
#include <sys/stat.h>

#define LARGE (1 << 20)

static const char *const file[] = { "stat", "meminfo", "loadavg", "uptime", "diskstats",
	"net/dev", "net/wireless", "pressure/cpu", "pressure/memory", "pressure/io",
	"mounts" };
/* Lines as they should be, of which the nonsense is made: %s is a number. */
static const char *const form[] = { "cpu  %s 0 1 7 1 0 0 0\ncpu0 %s 0 1 7 1 0 0 0\n",
	"MemTotal: %s kB\nMemAvailable: %s kB\n", "%s %s 2.00 1/100 1\n", "%s 50.00\n",
	"8 0 sda 1 %s 2 3 4 5 6 7 8 %s 10\n",
	"a\nb\n e0: %s 1 0 0 0 0 0 0 %s 1 0 0 0 0 0 0\n",
	"a\nb\nwlan0: 0000 %s. %s. -256 0 0 0 0 0 0\n",
	"some avg10=%s avg60=0.00 avg300=0.00 total=%s\n",
	"full avg10=%s avg60=0.00 avg300=0.00 total=%s\n",
	"some avg10=1.00 total=%s %s\n", "dev /%s ext4 rw 0 0\n%s\n" };
static const char *const nonsense[] = { "", "-1", "-9223372036854775808", "1e308",
	"1e999", "nan", "inf", "0x7f", "18446744073709551616",
	"99999999999999999999999999999999", "\xff\xfe\x80", "1.2.3", "%s%n", "garbage",
	"\n\n\n", ":::", "{a=\"b\"}" };

static char *dir;

static int
set_up(void **state)
{
	char path[256];

	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/net", dir);
	if (mkdir(path, 0755) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/pressure", dir);
	return mkdir(path, 0755);
}

static int
tear_down(void **state)
{
	(void)state;
	tempdir_remove(dir);
	return 0;
}

/* "%s" in it replaced by the text. */
static void
put_form(unsigned i, const char *text)
{
	static char content[4096];
	size_t n = 0;

	for (const char *at = form[i]; *at; at++) {
		if (at[0] == '%' && at[1] == 's') {
			n +=
			    (size_t)snprintf(content + n, sizeof content - n, "%s", text);
			at++;
		} else {
			content[n++] = *at;
		}
	}
	content[n] = '\0';
	write_text(dir, file[i], content);
}

/* Twice, as some tell what has changed; all of it must be a number, and no counter negative. */
static void
check_all(void)
{
	static struct capture c;
	struct source_env env = { .proc = dir, .sys = dir, .rootfs = "" };

	for (const struct source *const *s = sources; *s; s++) {
		void *inst;

		if (((*s)->flags & SOURCE_IN_LOOP) || (*s)->open(&env, &inst) < 0)
			continue;
		for (unsigned times = 0; times < 2; times++) {
			capture_sample(&c, *s, inst, 1000 * times);
			for (size_t i = 0; i < c.len; i++) {
				assert_true(isfinite(c.put[i].value));
				if (c.put[i].metric->type == METRIC_COUNTER)
					assert_true(c.put[i].value >= 0);
				if (strcmp(c.put[i].metric->unit, "ratio") == 0)
					assert_in_range(
					    (long)(c.put[i].value * 1e6), 0, 1000000);
			}
		}
		(*s)->close(inst);
	}
}

static void
nonsense_never_becomes_a_value_that_cannot_be_MET_09(void **state)
{
	(void)state;
	for (unsigned n = 0; n < ARRAY_LEN(nonsense); n++) {
		for (unsigned i = 0; i < ARRAY_LEN(file); i++)
			put_form(i, nonsense[n]);
		check_all();
		for (unsigned i = 0; i < ARRAY_LEN(file); i++)
			write_text(dir, file[i], nonsense[n]);
		check_all();
	}
}

static void
files_of_a_megabyte_are_cut_off_and_end_nothing_MET_09(void **state)
{
	char *text = malloc(LARGE + 256);

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(file); i++) {
		size_t n = 0;

		put_form(i, "7");
		while (n < LARGE)
			n += (size_t)snprintf(
			    text + n, 256, "x%zu 1 2 3 4 5 6 7: 8 9\n", n);
		write_text(dir, file[i], text);
		memset(text, '1', LARGE);
		text[LARGE] = '\0';
		check_all();
		write_text(dir, file[i], text);
		check_all();
	}
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    nonsense_never_becomes_a_value_that_cannot_be_MET_09, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    files_of_a_megabyte_are_cut_off_and_end_nothing_MET_09, set_up,
		    tear_down),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
