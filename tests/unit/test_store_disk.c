/* SPDX-License-Identifier: Apache-2.0
 *
 * The store on a bad disk. fdatasync() and fsync() of the whole program, SQLite
 * included, are ours: they are slow or fail when a test says so. */
#include "controller/store.h"

#include "base/log.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int sync_error, sync_delay_ms;

static int
sync_as_told(long call, int fd)
{
	int ms = sync_delay_ms, err = sync_error;

	if (ms)
		nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
	if (!err)
		return (int)syscall(call, fd);
	errno = err;
	return -1;
}

int
fdatasync(int fd)
{
	return sync_as_told(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	return sync_as_told(SYS_fsync, fd);
}

static struct ev_loop *loop;
static char *dir;
static struct store *store;
static unsigned failures;

static void
on_failed(void *arg)
{
	(void)arg;
	failures++;
}

static int
setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	failures = 0;
	sync_error = sync_delay_ms = 0;
	dir = tempdir_new();
	return 0;
}

static void
open_store(void)
{
	assert_int_equal(store_open(loop, dir, on_failed, NULL, &store), 0);
}

static int
teardown(void **state)
{
	(void)state;
	store_close(store);
	store = NULL;
	umount2(dir, MNT_DETACH);
	tempdir_remove(dir);
	ev_loop_destroy(loop);
	return 0;
}

struct call {
	bool called;
	int err;
};

static void
on_done(void *arg, int err)
{
	struct call *c = arg;

	c->called = true;
	c->err = err;
}

static void
wait_for(const struct call *c)
{
	while (!c->called)
		ev_run(loop, EVRUN_ONCE);
}

static int
put_event(const char *text)
{
	struct event_row e = { .kind = "node.lost", .text = text };
	struct call c = { 0 };

	assert_true(store_event_put(store, &e, on_done, &c) > 0);
	wait_for(&c);
	return c.err;
}

static void
r_04_a_failed_fsync_ends_the_trust_in_the_file(void **state)
{
	(void)state;
	open_store();
	assert_int_equal(put_event("a"), 0);
	sync_error = EIO;
	assert_int_equal(put_event("b"), -EIO);
	sync_error = 0; /* the next one would succeed, and prove nothing */
	assert_int_equal(put_event("c"), -EIO);
	assert_int_equal(failures, 1);
}

struct pulse {
	ev_timer timer;
	ev_tstamp last, longest;
};

static void
on_pulse(struct ev_loop *l, ev_timer *w, int revents)
{
	struct pulse *p = (struct pulse *)w;
	ev_tstamp now = ev_now(l);

	(void)revents;
	if (p->last > 0 && now - p->last > p->longest)
		p->longest = now - p->last;
	p->last = now;
}

static void
r_17_a_slow_disk_does_not_stop_the_loop(void **state)
{
	struct pulse p = { 0 };
	struct timespec begin, end;
	double took;

	(void)state;
	open_store();
	sync_delay_ms = 500;
	ev_timer_init(&p.timer, on_pulse, 0.005, 0.005);
	ev_timer_start(loop, &p.timer);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(put_event("slow"), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	took = (double)(end.tv_sec - begin.tv_sec) +
	    (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
	ev_timer_stop(loop, &p.timer);
	assert_true(took >= 0.5);
	assert_true(p.longest < 0.25); /* 5 ms on a quiet machine */
}

/* --- a full disk ------------------------------------------------------------------------------------- */
static void
mount_small_disk(const char *size)
{
	if (geteuid() || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("small", dir, "tmpfs", 0, size))
		skip();
}

static int
fill_disk(void)
{
	char path[200], block[4096];
	int fd, n = 0;

	memset(block, 'x', sizeof block);
	snprintf(path, sizeof path, "%s/filler", dir);
	fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
	assert_true(fd >= 0);
	while (write(fd, block, sizeof block) > 0)
		n++;
	close(fd);
	return n;
}

static void
remove_filler(void)
{
	char path[200];

	snprintf(path, sizeof path, "%s/filler", dir);
	unlink(path);
}

static bool
has_ballast(void)
{
	char path[200];

	snprintf(path, sizeof path, "%s/ballast", dir);
	return !access(path, F_OK);
}

static int
put_points(unsigned n)
{
	static int64_t time_ms;
	struct fog_id id = { { 1 } };
	static const uint8_t boot[8] = { 1 }, bytes[64];
	struct call c = { 0 };

	for (unsigned i = 0; i < n; i++) {
		const int64_t now_ms = ++time_ms;
		const struct store_block block = { now_ms, now_ms,
			{ bytes, sizeof bytes } };
		const struct store_batch batch = { .node = &id,
			.block = &block,
			.blocks = 1,
			.stream = i + 1 == n ? boot : NULL,
			.sequence = n };

		assert_int_equal(
		    store_batch_put(store, &batch, i + 1 == n ? on_done : NULL, &c), 0);
	}
	wait_for(&c);
	return c.err;
}

static void
r_15_on_a_full_disk_control_goes_on_and_history_waits(void **state)
{
	struct store_stats stats;
	int err = 0;

	(void)state;
	mount_small_disk("size=24m");
	open_store();
	assert_true(has_ballast());
	assert_int_equal(put_points(10), 0);
	fill_disk();
	for (int i = 0; i < 200 && !err; i++)
		err = put_points(900);
	assert_int_equal(err, -ENOSPC);
	assert_false(has_ballast());
	for (int i = 0; i < 20; i++)
		assert_int_equal(put_event("still written"), 0);
	assert_int_equal(put_points(10), -ENOSPC); /* although there would be room */
	assert_int_equal(failures, 0);
	store_stats(store, &stats);
	assert_true(stats.dropped > 0);

	remove_filler();
	assert_int_equal(put_points(10), 0);
	store_backup(store);
	store_flush(store);
	assert_true(has_ballast());
}

static void
r_15_a_full_disk_without_ballast_stops_the_daemon(void **state)
{
	int err = 0;

	(void)state;
	mount_small_disk("size=1m");
	open_store();
	assert_false(has_ballast());
	fill_disk();
	for (int i = 0; i < 2000 && !err; i++)
		err = put_event("a text that needs its place on the disk like any other");
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(failures, 1);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(r_04_a_failed_fsync_ends_the_trust_in_the_file),
		CASE(r_17_a_slow_disk_does_not_stop_the_loop),
		CASE(r_15_on_a_full_disk_control_goes_on_and_history_waits),
		CASE(r_15_a_full_disk_without_ballast_stops_the_daemon),
	};

	log_open("test_store_disk", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
