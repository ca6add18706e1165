/* SPDX-License-Identifier: Apache-2.0
 *
 * History in memory: bytes a sample, nanoseconds an append, and how long an average over 300 samples
 * takes, beside a plain array of samples in the same run. Rounds of all contenders alternate; printed
 * are medians and the quarters around them.
 *
 * series [FILE]: a CSV of one column a series with a line of names, the first column being
 * milliseconds; without one, counters like those of a busy core. */
#include "metrics/expr_scratch.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS	    31
#define COLUMNS_MAX 256
#define ROWS_MAX    4096
#define WINDOW	    300
#define CALLS	    2000

static double table[ROWS_MAX][COLUMNS_MAX];
static int64_t when[ROWS_MAX];
static size_t rows, columns;

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
report(const char *what, const char *unit, double *v, double *base)
{
	qsort(v, ROUNDS, sizeof *v, compare);
	qsort(base, ROUNDS, sizeof *base, compare);
	printf("%-34s %8.2f [%.2f, %.2f] %s, plain array %.2f, ratio %.2f\n", what,
	    v[ROUNDS / 2], v[ROUNDS / 4], v[ROUNDS * 3 / 4], unit, base[ROUNDS / 2],
	    v[ROUNDS / 2] / base[ROUNDS / 2]);
}

static int
read_table(const char *path)
{
	static char line[1 << 16];
	FILE *f = fopen(path, "r");

	if (!f || !fgets(line, sizeof line, f))
		return -errno;
	while (rows < ROWS_MAX && fgets(line, sizeof line, f)) {
		char *at = line;

		when[rows] = strtoll(at, &at, 10);
		for (columns = 0; *at == ',' && columns < COLUMNS_MAX; columns++)
			table[rows][columns] = strtod(at + 1, &at);
		rows++;
	}
	fclose(f);
	return rows > WINDOW && columns > 0 ? 0 : -EINVAL;
}

static void
make_table(void)
{
	int64_t ticks[16] = { 0 };

	srand(1);
	columns = 16;
	for (rows = 0; rows < 3600; rows++) {
		when[rows] = 1000 * (int64_t)rows;
		for (size_t c = 0; c < columns; c++) {
			ticks[c] += c < 4 ? 0 : rand() % (int)(8 * c);
			table[rows][c] = (double)ticks[c] / 100;
		}
	}
}

static struct series_set *
fill_set(int64_t window_ms, double *ret_ns)
{
	struct series *series[COLUMNS_MAX];
	struct series_set *set = NULL;
	int64_t begin;

	if (series_set_new(SIZE_MAX / 2, &set) < 0)
		exit(1);
	for (size_t c = 0; c < columns; c++) {
		char name[32];
		struct metric m = { name, "", METRIC_GAUGE, "" };

		snprintf(name, sizeof name, "c%zu", c);
		series[c] = series_ensure(set, &m, NULL);
		series_keep(series[c], window_ms);
	}
	begin = now_ns();
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			if (series_append(set, series[c], when[r], table[r][c]) < 0)
				exit(1);
	*ret_ns = (double)(now_ns() - begin) / (double)(rows * columns);
	return set;
}

static double
fill_arrays(void)
{
	struct sample *array[COLUMNS_MAX];
	int64_t begin;
	double ns;

	for (size_t c = 0; c < columns; c++)
		array[c] = malloc(rows * sizeof(struct sample));
	begin = now_ns();
	for (size_t r = 0; r < rows; r++)
		for (size_t c = 0; c < columns; c++)
			array[c][r] = (struct sample){ when[r], table[r][c] };
	__asm__ volatile("" ::"r"(array) : "memory");
	ns = (double)(now_ns() - begin) / (double)(rows * columns);
	for (size_t c = 0; c < columns; c++)
		free(array[c]);
	return ns;
}

static void
bench_append(void)
{
	double packed[ROUNDS], plain[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++) {
		series_set_free(fill_set(UINT32_MAX, &packed[i]));
		plain[i] = fill_arrays();
	}
	report("append", "ns", packed, plain);
}

static void
report_bytes(const char *what, int64_t window_ms, size_t samples)
{
	double ns;
	struct series_set *set = fill_set(window_ms, &ns);

	printf("%-34s %8.2f bytes a sample, %zu a series of %zu; plain array 16, "
	       "ratio %.2f\n",
	    what, (double)series_set_bytes(set) / (double)(samples * columns),
	    series_set_bytes(set) / columns, samples,
	    (double)series_set_bytes(set) / (double)(16 * samples * columns));
	series_set_free(set);
}

/* The same steps of rounding as the function has, over samples that lie ready. */
static double
average_array(const struct sample *s, size_t len)
{
	double mean = 0, c = 0;

	for (size_t i = 0; i < len; i++) {
		double n = (double)(i + 1), inc = s[i].value / n - mean / n,
		       t = mean + inc;

		c += mean >= inc ? (mean - t) + inc : (inc - t) + mean;
		mean = t;
	}
	return mean + c;
}

static void
bench_average(const char *what, int64_t history_ms, bool evaluate)
{
	static struct sample copy[WINDOW + 1];
	double packed[ROUNDS], plain[ROUNDS], ns, sink = 0;
	struct series_set *set = fill_set(history_ms, &ns);
	struct expr_scratch scratch = { 0 };
	char text[64], err[128];
	int64_t now = when[rows - 1], begin;
	struct buf program[COLUMNS_MAX];

	for (size_t c = 0; c < columns; c++) {
		snprintf(text, sizeof text, "avg_over_time(c%zu[%ds])", c, WINDOW);
		buf_init(&program[c], EXPR_PROGRAM_MAX);
		if (expr_parse(text, &program[c], err, sizeof err) < 0)
			exit(1);
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		begin = now_ns();
		for (unsigned k = 0; k < CALLS; k++) {
			size_t c = k % columns;
			struct expr_result r;

			snprintf(text, sizeof text, "c%zu", c);
			if (!evaluate) {
				sink += series_read(series_first(set, text),
				    now - WINDOW * 1000, now, copy, WINDOW + 1);
				continue;
			}
			if (expr_eval_in(&scratch, buf_slice(&program[c]), set, now, &r) <
				0 ||
			    r.len != 1)
				exit(1);
			sink += r.value[0].value;
			expr_result_done(&r);
		}
		packed[i] = (double)(now_ns() - begin) / CALLS / 1e3;
		begin = now_ns();
		for (unsigned k = 0; k < CALLS; k++)
			sink += average_array(copy, WINDOW + 1);
		plain[i] = (double)(now_ns() - begin) / CALLS / 1e3;
	}
	__asm__ volatile("" ::"x"(sink));
	report(what, "us", packed, plain);
	for (size_t c = 0; c < columns; c++)
		buf_done(&program[c]);
	expr_scratch_done(&scratch);
	series_set_free(set);
}

int
main(int argc, char **argv)
{
	if (argc > 2 || (argc == 2 && read_table(argv[1]) < 0)) {
		fprintf(stderr, "usage: series [FILE.csv]\n");
		return 2;
	}
	if (argc < 2)
		make_table();
	printf("%zu series of %zu samples\n", columns, rows);
	report_bytes("window of 300 s", WINDOW * 1000, WINDOW + 1);
	report_bytes("all of it", UINT32_MAX, rows);
	bench_append();
	bench_average("read 300 of 300", WINDOW * 1000, false);
	bench_average("avg_over_time, 300 of 300", WINDOW * 1000, true);
	bench_average("avg_over_time, 300 of all", UINT32_MAX, true);
	return 0;
}
