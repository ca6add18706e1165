/* SPDX-License-Identifier: Apache-2.0
 *
 * What history leaves on the disk: after kill -9, of a version before, and when there is too much. */
#include "tests/support/history_box.h"

#include "base/log.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 8

static const struct fog_id one = { { 1 } };

/* --- kill -9 -------------------------------------------------------------------------------------- */
static void
note_stream(
    void *arg, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence)
{
	(void)node, (void)boot;
	*(uint64_t *)arg = sequence;
}

struct written {
	int64_t base_ms;
	uint64_t count;
	bool wrong;
};

static void
check_point(void *arg, const struct history_point *p)
{
	struct written *w = arg;

	w->wrong |= p->value != (double)w->count ||
	    p->time_ms != w->base_ms + (int64_t)w->count * 1000;
	w->count++;
}

struct ack {
	int pipe;
	uint64_t sequence;
};

static void
tell(void *arg, int err)
{
	struct ack *a = arg;

	if (err || write(a->pipe, &a->sequence, sizeof a->sequence) < 0)
		_exit(98);
	free(a);
}

/* Goes on where the mark is, as an agent does. */
static void
write_for_ever(struct box *b, int64_t base_ms, int pipe)
{
	static const uint8_t stream[8] = { 1 };
	uint64_t sequence = 0;

	open_box(b);
	store_streams(b->store, note_stream, &sequence);
	for (;;) {
		struct ack *a = malloc(sizeof *a);

		for (int i = 0; i < 7; i++, sequence++)
			put(b, &one, "load", base_ms + (int64_t)sequence * 1000,
			    (double)sequence);
		*a = (struct ack){ pipe, sequence };
		if (history_mark(b->history, &one, stream, sequence) ||
		    history_stored(b->history, &one, sequence % 2, tell, a))
			_exit(97);
		fake_run(b->net, 1000);
		ev_run(b->loop, EVRUN_NOWAIT);
	}
}

static uint64_t
run_and_kill(struct box *b, int64_t base_ms)
{
	uint64_t acked = 0, sequence;
	int fd[2], status;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fd[0]);
		write_for_ever(b, base_ms, fd[1]);
	}
	close(fd[1]);
	if (read(fd[0], &acked, sizeof acked) != sizeof acked)
		fail_msg("the writer says nothing");
	nanosleep(&(struct timespec){ 0, random() % 40000000 }, NULL);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(fd[0], &sequence, sizeof sequence) == sizeof sequence)
		acked = sequence;
	close(fd[0]);
	return acked;
}

static void
what_was_accepted_is_there_once_after_kill_9_R_01(void **state)
{
	struct box *b = *state;
	int64_t base_ms = wall(b) - 300 * DAY; /* far from now, wherever it ends */
	unsigned seed = (unsigned)time(NULL);

	print_message("# seed %u\n", seed);
	srandom(seed);
	b->cfg.raw_ms = 365 * DAY;
	for (int round = 0; round < ROUNDS; round++) {
		struct written w = { .base_ms = base_ms };
		uint64_t mark = 0, acked;

		close_box(b);
		acked = run_and_kill(b, base_ms);
		open_box(b);
		assert_null(store_recovery(b->store));
		store_streams(b->store, note_stream, &mark);
		assert_true(mark >= acked);
		assert_int_equal(history_points(b->history, &one, "load", 0, 10000000,
				     check_point, &w),
		    0);
		assert_false(w.wrong);
		assert_int_equal(w.count, mark);
	}
}

/* --- a version before ----------------------------------------------------------------------------- */
static void
make_old_file(const char *dir, int64_t base_ms, int count)
{
	char path[300], text[200];
	sqlite3 *db;

	snprintf(path, sizeof path, "%s/metrics.db", dir);
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db,
		"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
		"CREATE TABLE series(id INTEGER PRIMARY KEY, node BLOB NOT NULL,"
		" expression TEXT NOT NULL, labels BLOB NOT NULL,"
		" UNIQUE(node, expression, labels));"
		"CREATE TABLE point(series INT NOT NULL, time_ms INT NOT NULL, value "
		"REAL,"
		" PRIMARY KEY(series, time_ms)) WITHOUT ROWID;"
		"CREATE TABLE stream(node BLOB PRIMARY KEY, boot BLOB NOT NULL,"
		" sequence INT NOT NULL) WITHOUT ROWID;"
		"INSERT INTO series VALUES(5, x'01000000000000000000000000000000', "
		"'load',"
		" x'');"
		"PRAGMA user_version=2; BEGIN;",
		NULL, NULL, NULL),
	    SQLITE_OK);
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof text,
		    "INSERT INTO point VALUES(5, %" PRId64 ", %d)", base_ms + i * 1000,
		    i);
		assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	}
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
values_of_a_version_before_are_packed_and_none_is_lost(void **state)
{
	struct box *b = *state;
	int64_t base_ms = wall(b) - DAY;
	struct written w = { .base_ms = base_ms };

	close_box(b);
	make_old_file(b->dir, base_ms, 5000);
	open_box(b);
	run(b, 60000);
	assert_int_equal(
	    history_points(b->history, &one, "load", 0, 100000, check_point, &w), 0);
	assert_false(w.wrong);
	assert_int_equal(w.count, 5000);
	assert_int_equal(ensure(b, &one, "load", NULL) != NULL, 1);
}

/* --- too much --------------------------------------------------------------------------------------- */
static long long
file_bytes(const struct box *b)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof path, "%s/metrics.db", b->dir);
	return stat(path, &st) ? -1 : (long long)st.st_size;
}

static void
the_oldest_values_go_when_the_file_is_too_large_and_roll_ups_stay(void **state)
{
	struct box *b = *state;
	int64_t end_ms = wall(b) / HOUR * HOUR, start_ms = end_ms - 10 * HOUR, at_ms = 0;
	uint32_t noise = 1;

	b->cfg.bytes_max = 1 << 20;
	history_set(b->history, &b->cfg);
	for (int64_t at = start_ms; at < end_ms; at += 1000)
		for (int k = 0; k < 8; k++) {
			char metric[16];

			noise = noise * 1664525 + 1013904223;
			snprintf(metric, sizeof metric, "m%d", k);
			put(b, &one, metric, at, (double)noise / 7);
		}
	run(b, 5 * MINUTE);
	reopen(b);
	assert_true(file_bytes(b) > 0 && file_bytes(b) < 3 << 19);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_RAW, INT64_MIN, &at_ms), 0);
	assert_true(at_ms > start_ms + HOUR);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_MINUTE, INT64_MIN, &at_ms), 0);
	assert_int_equal(at_ms, start_ms);
}

static void
each_level_goes_at_its_age_OUT_01(void **state)
{
	struct box *b = *state;
	int64_t at_ms;

	put(b, &one, "load", wall(b), 1);
	run(b, 20 * MINUTE);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_RAW, INT64_MIN, &at_ms), 0);
	b->cfg.raw_ms = MINUTE;
	history_set(b->history, &b->cfg);
	run(b, 2 * MINUTE);
	assert_int_not_equal(
	    store_blocks_next(b->store, &one, STORE_RAW, INT64_MIN, &at_ms), 0);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_MINUTE, INT64_MIN, &at_ms), 0);
	assert_int_equal(
	    store_blocks_next(b->store, &one, STORE_HOUR, INT64_MIN, &at_ms), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_accepted_is_there_once_after_kill_9_R_01),
		CASE(values_of_a_version_before_are_packed_and_none_is_lost),
		CASE(the_oldest_values_go_when_the_file_is_too_large_and_roll_ups_stay),
		CASE(each_level_goes_at_its_age_OUT_01),
	};

	log_open("test_history_disk", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
