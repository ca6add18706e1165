// SPDX-License-Identifier: Apache-2.0
//
// What history costs the controller beside the network: CPU of a value on its way into memory and onto the
// disk, of its merging and rolling up, bytes of it in memory and in metrics.db, and how long an average over
// five minutes takes. Beside it the same values as one SQLite row each, in the same run and with the same
// durability. The clock is virtual; the disk is not.
//
// history [NODES [MINUTES]]
//
// Values: of each node 36 series at 1 s, a third constant, a third counters, a third decimals that jump about.
#include "controller/history.h"
#include "metrics/series.h"
#include "tests/support/io_fake.h"
#include <err.h>
#include <ev.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SERIES	36
#define QUERIES 2000

static unsigned nodes = 50, minutes = 40;
static uint32_t noise = 1;

static double
cpu_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
check(int rc, const char *what)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static double
value_of(unsigned node, unsigned series, unsigned second)
{
	noise = noise * 1664525 + 1013904223;
	switch (series % 3) {
	case 0:
		return 1e9 + series * 4096.0 + node;
	case 1:
		return second * (series * 10.0 + 3) + (noise >> 28);
	default:
		return (double)(noise >> 20) / 1000;
	}
}

static long long
file_bytes(const char *dir, const char *name)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return stat(path, &st) ? 0 : (long long)st.st_size;
}

/* --- blocks --------------------------------------------------------------------------------------- */
static struct fake_net *net;
static struct grasp_io *io;
static struct store *store;
static struct history *history;

static void
on_failed(void *arg)
{
	(void)arg;
	errx(1, "the store failed");
}

static struct history_series **
make_series(void)
{
	struct history_series **s = calloc(nodes * SERIES, sizeof *s);

	for (unsigned i = 0; s && i < nodes * SERIES; i++) {
		struct fog_id id = { { (uint8_t)(i / SERIES), (uint8_t)(i / SERIES >> 8),
		    1 } };
		char node[16], metric[32];

		snprintf(node, sizeof node, "node%u", i / SERIES);
		snprintf(metric, sizeof metric, "node_metric_%u", i % SERIES);
		s[i] = history_ensure(history, &id, node, metric, NULL);
		if (!s[i])
			errx(1, "no memory");
	}
	return s;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
ask(int64_t at_ms)
{
	static double took[QUERIES];
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	char why[100];

	buf_init_fixed(&program, memory, sizeof memory);
	check(expr_parse("avg_over_time(node_metric_2[5m])", &program, why, sizeof why),
	    why);
	for (int i = 0; i < QUERIES; i++) {
		double from = cpu_ns(CLOCK_MONOTONIC);
		struct expr_result r;
		char node[16];

		snprintf(node, sizeof node, "node%u", (unsigned)i % nodes);
		check(
		    history_eval(history, node, buf_slice(&program), at_ms, &r), "eval");
		took[i] = (cpu_ns(CLOCK_MONOTONIC) - from) / 1000;
		if (r.len != 1 || r.value[0].samples < 290)
			errx(1, "the answer is of %u samples",
			    r.len ? r.value[0].samples : 0);
		expr_result_done(&r);
	}
	qsort(took, QUERIES, sizeof *took, compare);
	printf("avg_over_time(x[5m]) of one node, 300 samples: p50 %.1f us, p99 %.1f us, "
	       "slowest %.1f us\n",
	    took[QUERIES / 2], took[QUERIES * 99 / 100], took[QUERIES - 1]);
}

static void
run_blocks(const char *dir, double *ret_cpu, double *ret_bytes)
{
	const struct history_config cfg = { .window_ms = 300000,
		.flush_ms = 10000,
		.raw_ms = 7 * 86400000LL,
		.minute_ms = 30 * 86400000LL,
		.hour_ms = 730 * 86400000LL };
	struct ev_loop *loop = ev_loop_new(0);
	double values = (double)nodes * SERIES * minutes * 60, put = 0, all, loops;
	struct history_series **s;
	struct history_stats stats;
	int64_t start_ms;

	net = fake_net_new(1);
	io = fake_host_io(fake_host_new(net));
	check(store_open(loop, dir, on_failed, NULL, &store), "store");
	check(history_new(io, store, &cfg, &history), "history");
	s = make_series();
	start_ms = io->ops->wall(io);
	all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	loops = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	for (unsigned t = 0; t < minutes * 60; t++) {
		double from;

		fake_run(net, 1000);
		from = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
		for (unsigned i = 0; i < nodes * SERIES; i++)
			history_put(history, s[i], start_ms + t * 1000LL,
			    value_of(i / SERIES, i % SERIES, t));
		put += cpu_ns(CLOCK_THREAD_CPUTIME_ID) - from;
		if (t % 10 == 0)
			store_flush(store);
	}
	store_flush(store);
	all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - all;
	loops = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - loops;
	history_stats(history, &stats);
	printf("into memory (making the value included): %.0f ns of CPU a value\n",
	    put / values);
	printf(
	    "the loop's thread, with packing blocks: %.0f ns a value\n", loops / values);
	printf(
	    "all in all, with blocks, merging, roll-ups and the disk: %.0f ns a value\n",
	    all / values);
	printf("memory: %.0f bytes a node, %.2f a value kept\n",
	    (double)stats.memory_bytes / nodes,
	    (double)stats.memory_bytes / (nodes * SERIES * 300.0));
	printf("fresh blocks: %.2f bytes a value\n", (double)stats.block_bytes / values);
	ask(start_ms + (minutes * 60 - 1) * 1000LL);
	fake_run(net, 700000); /* what is over is merged */
	store_flush(store);
	history_free(history);
	store_close(store);
	*ret_cpu = all / values;
	*ret_bytes = (double)file_bytes(dir, "metrics.db") / values;
	printf("metrics.db: %.2f bytes a value, roll-ups and free pages included\n",
	    *ret_bytes);
	free(s);
	ev_loop_destroy(loop);
}

/* --- a row a value -------------------------------------------------------------------------------- */
static void
sql(sqlite3 *db, const char *text)
{
	if (sqlite3_exec(db, text, NULL, NULL, NULL))
		errx(1, "%s: %s", text, sqlite3_errmsg(db));
}

static void
run_rows(const char *dir, double *ret_cpu, double *ret_bytes)
{
	double values = (double)nodes * SERIES * minutes * 60, all;
	sqlite3_stmt *insert;
	char path[300];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/rows.db", dir);
	if (sqlite3_open(path, &db))
		errx(1, "%s", sqlite3_errmsg(db));
	sql(db,
	    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
	    "CREATE TABLE point(series INT NOT NULL, time_ms INT NOT NULL, value REAL,"
	    " PRIMARY KEY(series, time_ms)) WITHOUT ROWID;");
	if (sqlite3_prepare_v2(
		db, "INSERT INTO point VALUES(?1, ?2, ?3)", -1, &insert, NULL))
		errx(1, "%s", sqlite3_errmsg(db));
	all = cpu_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (unsigned t = 0; t < minutes * 60; t++) {
		if (t % 10 == 0)
			sql(db, "BEGIN IMMEDIATE");
		for (unsigned i = 0; i < nodes * SERIES; i++) {
			sqlite3_bind_int64(insert, 1, i);
			sqlite3_bind_int64(insert, 2, 1790000000000 + t * 1000LL);
			sqlite3_bind_double(
			    insert, 3, value_of(i / SERIES, i % SERIES, t));
			if (sqlite3_step(insert) != SQLITE_DONE)
				errx(1, "%s", sqlite3_errmsg(db));
			sqlite3_reset(insert);
		}
		if (t % 10 == 9)
			sql(db, "COMMIT");
	}
	sqlite3_finalize(insert);
	sqlite3_close(db);
	*ret_cpu = (cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - all) / values;
	*ret_bytes = (double)file_bytes(dir, "rows.db") / values;
	printf(
	    "a row a value: %.0f ns of CPU, %.2f bytes a value\n", *ret_cpu, *ret_bytes);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/fogwatch-history-XXXXXX", command[100];
	double cpu, bytes, row_cpu, row_bytes;

	nodes = argc > 1 ? (unsigned)atoi(argv[1]) : nodes;
	minutes = argc > 2 ? (unsigned)atoi(argv[2]) / 10 * 10 : minutes;
	if (!nodes || nodes > 60000 || !minutes)
		errx(2, "usage: history [NODES [MINUTES]]");
	if (!mkdtemp(dir))
		err(1, "%s", dir);
	printf("%u nodes, %d series each, 1 s, %u minutes\n", nodes, SERIES, minutes);
	run_blocks(dir, &cpu, &bytes);
	run_rows(dir, &row_cpu, &row_bytes);
	printf("blocks take %.3f of the bytes and %.3f of the CPU of rows\n",
	    bytes / row_bytes, cpu / row_cpu);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	return system(command) ? 1 : 0;
}
