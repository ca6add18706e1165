/* SPDX-License-Identifier: Apache-2.0
 *
 * History on a real store and in virtual time: what is given is on the disk when it is said to be,
 * roll-ups say what the values say, and what is too old goes. */
#include "controller/history.h"

#include "base/log.h"
#include "controller/history_rollup.h"
#include "tests/support/io_fake.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <ev.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUTE 60000LL
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static const struct fog_id one = { { 1 } }, two = { { 2 } };

struct box {
	struct fake_net *net;
	struct fake_host *host;
	struct grasp_io *io;
	struct ev_loop *loop;
	char *dir;
	struct store *store;
	struct history *history;
	struct history_config cfg;
};

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static void
open_box(struct box *b)
{
	assert_int_equal(store_open(b->loop, b->dir, on_failed, NULL, &b->store), 0);
	assert_int_equal(history_new(b->io, b->store, &b->cfg, &b->history), 0);
}

static void
close_box(struct box *b)
{
	history_free(TAKE(b->history));
	store_close(TAKE(b->store));
}

static void
reopen(struct box *b)
{
	close_box(b);
	open_box(b);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);

	b->net = fake_net_new(1);
	b->host = fake_host_new(b->net);
	b->io = fake_host_io(b->host);
	b->loop = ev_loop_new(0);
	b->dir = tempdir_new();
	b->cfg = (struct history_config){ .window_ms = 5 * MINUTE,
		.flush_ms = 10000,
		.raw_ms = 7 * DAY,
		.minute_ms = 30 * DAY,
		.hour_ms = 365 * DAY };
	open_box(b);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	close_box(b);
	fake_host_free(b->host);
	fake_net_free(b->net);
	ev_loop_destroy(b->loop);
	tempdir_remove(b->dir);
	free(b);
	return 0;
}

static int64_t
wall(const struct box *b)
{
	return b->io->ops->wall(b->io);
}

/* Time passes, and the disk keeps up. */
static void
run(struct box *b, int64_t ms)
{
	for (; ms > 0; ms -= 1000) {
		fake_run(b->net, ms < 1000 ? ms : 1000);
		store_flush(b->store);
	}
}

static struct history_series *
ensure(struct box *b, const struct fog_id *node, const char *metric, const char *device)
{
	struct metric_labels labels = { 0 };
	char name[16];

	if (device)
		assert_int_equal(metric_labels_add(&labels, "device", device), 0);
	snprintf(name, sizeof name, "node%u", node->bytes[0]);
	return history_ensure(b->history, node, name, metric, &labels);
}

static void
put(struct box *b, const struct fog_id *node, const char *metric, int64_t time_ms,
    double value)
{
	struct history_series *s = ensure(b, node, metric, NULL);

	assert_non_null(s);
	history_put(b->history, s, time_ms, value);
}

/* --- points --------------------------------------------------------------------------------------- */
struct text {
	char text[4096];
	int64_t base_ms;
	unsigned count;
};

static void
note_point(void *arg, const struct history_point *p)
{
	struct text *t = arg;
	size_t len = strlen(t->text);

	t->count++;
	snprintf(t->text + len, sizeof t->text - len, "%s%s%s@%" PRId64 "=%g",
	    len ? " " : "", p->metric, metric_labels_get(p->labels, "device"),
	    p->time_ms - t->base_ms, p->value);
}

static const char *
points(struct box *b, const struct fog_id *node, const char *metric, int64_t base_ms,
    size_t limit, struct text *t)
{
	*t = (struct text){ .base_ms = base_ms };
	assert_int_equal(
	    history_points(b->history, node, metric, base_ms, limit, note_point, t), 0);
	return t->text;
}

static void
points_are_read_by_node_and_metric_in_the_order_of_time_OUT_04(void **state)
{
	struct box *b = *state;
	int64_t at = wall(b) - 20000;
	struct text t;

	history_put(b->history, ensure(b, &one, "load", "L"), at + 20, 2);
	put(b, &one, "load", at + 10, 0.5);
	put(b, &one, "load", at + 30, NAN);
	put(b, &one, "free", at + 20, 3);
	put(b, &two, "load", at + 20, 4);
	for (int round = 0; round < 3;
	     round++) { /* in memory, on the disk, after a start */
		assert_string_equal(points(b, &one, "load", at + 10, 9, &t),
		    "load@0=0.5 loadL@10=2 load@20=nan");
		assert_string_equal(
		    points(b, &one, "", at + 15, 2, &t), "free@5=3 loadL@5=2");
		assert_string_equal(points(b, &two, "", at, 9, &t), "load@20=4");
		if (round == 0)
			run(b, 11000);
		else
			reopen(b);
	}
}

static void
what_came_late_stands_where_it_belongs(void **state)
{
	struct box *b = *state;
	int64_t at = wall(b) - 30000;
	struct text t;

	put(b, &one, "load", at + 20000, 2);
	put(b, &one, "load", at + 10000, 1);
	run(b, 11000);
	put(b, &one, "load", at, 0);
	run(b, 11000);
	assert_string_equal(
	    points(b, &one, "", at, 9, &t), "load@0=0 load@10000=1 load@20000=2");
	run(b, 20 * MINUTE); /* merged by now */
	assert_string_equal(
	    points(b, &one, "", at, 9, &t), "load@0=0 load@10000=1 load@20000=2");
}

/* --- acceptance ------------------------------------------------------------------------------------ */
static void
on_stored(void *arg, int err)
{
	assert_int_equal(err, 0);
	++*(unsigned *)arg;
}

static void
note_stream(
    void *arg, const struct fog_id *node, const uint8_t boot[8], uint64_t sequence)
{
	char *text = arg;

	snprintf(text, 64, "%u:%u:%" PRIu64, node->bytes[0], boot[0], sequence);
}

static void
values_are_accepted_together_when_they_are_on_the_disk(void **state)
{
	struct box *b = *state;
	static const uint8_t stream[8] = { 7 };
	char mark[64] = "";
	unsigned stored = 0;

	for (int i = 0; i < 5; i++) {
		put(b, &one, "load", wall(b), i);
		assert_int_equal(
		    history_mark(b->history, &one, stream, (uint64_t)i + 1), 0);
		assert_int_equal(
		    history_stored(b->history, &one, false, on_stored, &stored), 0);
		run(b, 1000);
	}
	assert_int_equal(stored, 0);
	store_streams(b->store, note_stream, mark);
	assert_string_equal(mark, "");
	run(b, 6000);
	assert_int_equal(stored, 5);
	store_streams(b->store, note_stream, mark);
	assert_string_equal(mark, "1:7:5");
	assert_int_equal(
	    history_stored(b->history, &two, false, on_stored, &stored), -ENOENT);
}

static void
what_is_urgent_is_accepted_at_once(void **state)
{
	struct box *b = *state;
	unsigned stored = 0;

	put(b, &one, "load", wall(b), 1);
	assert_int_equal(history_stored(b->history, &one, true, on_stored, &stored), 0);
	fake_run(b->net, 1);
	store_flush(b->store);
	assert_int_equal(stored, 1);
}

/* A journal of an hour comes within a second, and the memory holds five minutes. */
static void
a_backlog_is_longer_than_the_memory(void **state)
{
	struct box *b = *state;
	int64_t at = wall(b) - HOUR;
	struct text t;

	for (int i = 0; i < 3600; i++)
		put(b, &one, "load", at + i * 1000, i);
	run(b, 11000);
	points(b, &one, "", at, 10000, &t);
	assert_int_equal(t.count, 3600);
	reopen(b);
	points(b, &one, "", at, 10000, &t);
	assert_int_equal(t.count, 3600);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(points_are_read_by_node_and_metric_in_the_order_of_time_OUT_04),
		CASE(what_came_late_stands_where_it_belongs),
		CASE(values_are_accepted_together_when_they_are_on_the_disk),
		CASE(what_is_urgent_is_accepted_at_once),
		CASE(a_backlog_is_longer_than_the_memory),
	};

	log_open("test_history", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
