/* SPDX-License-Identifier: Apache-2.0
 *
 * R-01, the store's part: a process is killed at a random instant, again and again on the
 * same files. Whatever it was told to be committed is there. */
#include "controller/store.h"

#include "base/log.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <err.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS	  50
#define IN_FLIGHT 40

static void
die(void *arg)
{
	(void)arg;
	errx(99, "the store failed");
}

/* --- the child: writes as fast as it gets answers, and says on the pipe what was acknowledged ------- */
struct child {
	struct store *store;
	int pipe;
	unsigned turn;
};

struct ack {
	struct child *child;
	int64_t sequence;
};

static void put_next(struct child *c);

static void
on_done(void *arg, int err)
{
	struct ack *a = arg;
	struct child *c = a->child;

	if (err || write(c->pipe, &a->sequence, sizeof a->sequence) != sizeof a->sequence)
		_exit(98);
	free(a);
	put_next(c);
}

/* The other nouns and the metrics are written along, so that the kill finds them in the files too. */
static void
put_next(struct child *c)
{
	struct ack *a = malloc(sizeof *a);
	struct event_row e = { .time_ms = 1, .kind = "node.lost", .text = "killed soon" };
	struct fog_id id = { { (uint8_t)c->turn } };
	struct node_row n = { .id = id, .name = "n", .state = "alive" };
	struct store_batch b = { .node = &id, .blocks = 1 };

	c->turn++;
	store_node_put(c->store, &n, NULL, NULL);
	b.block = &(struct store_block){ c->turn, c->turn, { id.bytes, 16 } };
	if (store_batch_put(c->store, &b, NULL, NULL))
		_exit(95);
	if (c->turn % 200 == 0)
		store_backup(c->store);
	a->child = c;
	a->sequence = store_event_put(c->store, &e, on_done, a);
}

static void
write_for_ever(const char *dir, int pipe)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct child c = { .pipe = pipe };

	if (store_open(loop, dir, die, NULL, &c.store))
		_exit(97);
	for (int i = 0; i < IN_FLIGHT; i++)
		put_next(&c);
	ev_run(loop, 0);
	_exit(96);
}

/* --- the parent ---------------------------------------------------------------------------------------- */
struct acked {
	bool seen[1 << 20];
	int64_t last;
	unsigned count;
};

static void
take_acks(int pipe, struct acked *acked)
{
	int64_t sequence;

	while (read(pipe, &sequence, sizeof sequence) == sizeof sequence) {
		assert_true(sequence > 0 && sequence < (int64_t)sizeof acked->seen);
		acked->seen[sequence] = true;
		acked->last = sequence;
		acked->count++;
	}
}

static void
pause_us(unsigned us)
{
	nanosleep(&(struct timespec){ us / 1000000, us % 1000000 * 1000 }, NULL);
}

/* Killed between 0 and 60 ms after its first answer, or while it opens the files. */
static void
run_and_kill(const char *dir, unsigned round, struct acked *acked)
{
	struct pollfd first;
	int fd[2], status;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fd[0]);
		write_for_ever(dir, fd[1]);
	}
	close(fd[1]);
	first = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	if (round % 5)
		poll(&first, 1, 10000);
	pause_us((unsigned)random() % 60000);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	take_acks(fd[0], acked);
	close(fd[0]);
}

static void
forget_event(void *arg, const struct event_row *e)
{
	struct acked *acked = arg;

	acked->seen[e->sequence] = false;
}

static void
nothing_acknowledged_is_missing_after_kill_9(void **state)
{
	char *dir = tempdir_new();
	struct ev_loop *loop = ev_loop_new(0);
	struct acked *acked = calloc(1, sizeof *acked);
	unsigned seed = (unsigned)time(NULL);

	(void)state;
	srandom(seed);
	print_message("# seed %u\n", seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		CLEANUP(store_close) struct store *s = NULL;

		run_and_kill(dir, round, acked);
		assert_int_equal(store_open(loop, dir, die, NULL, &s), 0);
		assert_null(store_recovery(s));
		assert_int_equal(store_events(s, 0, 1 << 20, forget_event, acked), 0);
		for (int64_t i = 1; i <= acked->last; i++)
			assert_false(acked->seen[i]);
	}
	print_message("# %u acknowledged events\n", acked->count);
	assert_true(acked->count > ROUNDS);
	free(acked);
	ev_loop_destroy(loop);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_acknowledged_is_missing_after_kill_9),
	};

	log_open("test_store_kill", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
