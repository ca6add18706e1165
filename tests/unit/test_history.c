/* SPDX-License-Identifier: Apache-2.0
 *
 * What is given to the history is on the disk when it is said to be, and what is too old goes. */
#include "tests/support/history_box.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

static const struct fog_id one = { { 1 } }, two = { { 2 } };

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
