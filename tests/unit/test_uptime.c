/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/uptime.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include <ev.h>
#include <math.h>
#include <string.h>

#define HOUR_MS (3600 * 1000LL)
#define DAY_MS	(24 * HOUR_MS)
#define START	(1000 * DAY_MS)

static struct node
make_node(const char *name, enum node_state state)
{
	struct node n = { .state = state };

	strncpy((char *)n.id.bytes, name, sizeof n.id.bytes - 1);
	return n;
}

static void
change(struct uptimes *u, struct node *n, enum node_state to, int64_t wall_ms)
{
	enum node_state before = n->state;

	n->state = to;
	uptimes_changed(u, n, before, wall_ms);
}

/* There for `up`, lost, back after `down`; so many times. */
static int64_t
flap(struct uptimes *u, struct node *n, int64_t at, int64_t up, int64_t down, int times)
{
	for (int i = 0; i < times; i++) {
		change(u, n, NODE_ALIVE, at);
		change(u, n, NODE_SUSPECT, at += up);
		change(u, n, NODE_LOST, at);
		at += down;
	}
	change(u, n, NODE_ALIVE, at);
	return at;
}

static void
a_node_that_is_new_probably_stays_CND_02(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *u = NULL;
	struct node n = make_node("new", NODE_ALIVE);

	(void)state;
	assert_int_equal(uptimes_new(NULL, &u), 0);
	assert_true(uptimes_stay(u, &n, START, HOUR_MS) > 0.99);
	assert_true(uptimes_stay(u, &n, START, HOUR_MS) < 1);
	assert_true(
	    uptimes_stay(u, &n, START, DAY_MS) < uptimes_stay(u, &n, START, HOUR_MS));
	assert_true(uptimes_stay(u, &n, START, 0) == 1);
}

static void
one_that_comes_and_goes_is_not_trusted_CND_02(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *u = NULL;
	struct node flappy = make_node("flappy", NODE_GONE);
	struct node steady = make_node("steady", NODE_GONE);
	int64_t at;
	double p;

	(void)state;
	assert_int_equal(uptimes_new(NULL, &u), 0);
	change(u, &steady, NODE_ALIVE, START);
	at = flap(u, &flappy, START, HOUR_MS, HOUR_MS / 2, 16);
	/* Lost once an hour: it stays for an hour with 1/e; that it was bad luck fades slowly. */
	p = uptimes_stay(u, &flappy, at, HOUR_MS);
	assert_true(p < 0.6);
	assert_true(uptimes_stay(u, &steady, at, HOUR_MS) > p + 0.2);
	at = flap(u, &flappy, at, HOUR_MS, HOUR_MS / 2, 48);
	assert_true(uptimes_stay(u, &flappy, at, HOUR_MS) < 0.5);
	assert_true(uptimes_between_s(u, &flappy, at) < 2 * 3600);
}

static void
what_is_long_past_counts_less(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *u = NULL;
	struct node n = make_node("n", NODE_GONE);
	int64_t at;
	double then;

	(void)state;
	assert_int_equal(uptimes_new(NULL, &u), 0);
	at = flap(u, &n, START, HOUR_MS, HOUR_MS, 20);
	then = uptimes_stay(u, &n, at, HOUR_MS);
	for (int day = 1; day <= 28; day++)
		change(u, &n, NODE_ALIVE, at + day * DAY_MS);
	assert_true(uptimes_stay(u, &n, at + 28 * DAY_MS, HOUR_MS) > 0.99);
	assert_true(then < 0.8);
}

static void
a_new_node_is_judged_by_the_others(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *calm = NULL;
	CLEANUP(uptimes_free) struct uptimes *rough = NULL;
	struct node fresh = make_node("fresh", NODE_ALIVE);
	int64_t at = START;

	(void)state;
	assert_int_equal(uptimes_new(NULL, &calm), 0);
	assert_int_equal(uptimes_new(NULL, &rough), 0);
	for (int i = 0; i < 10; i++) {
		struct node n = make_node((char[]){ (char)('a' + i), 0 }, NODE_GONE);

		at = flap(rough, &n, START, HOUR_MS, HOUR_MS, 24);
		n.state = NODE_GONE;
		change(calm, &n, NODE_ALIVE, START);
	}
	assert_true(uptimes_stay(rough, &fresh, at, DAY_MS) + 0.1 <
	    uptimes_stay(calm, &fresh, at, DAY_MS));
}

static void
being_suspect_for_a_moment_is_no_loss(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *u = NULL;
	struct node n = make_node("n", NODE_GONE);
	double before;

	(void)state;
	assert_int_equal(uptimes_new(NULL, &u), 0);
	change(u, &n, NODE_ALIVE, START);
	before = uptimes_stay(u, &n, START + HOUR_MS, HOUR_MS);
	for (int i = 0; i < 50; i++) {
		change(u, &n, NODE_SUSPECT, START + HOUR_MS);
		change(u, &n, NODE_ALIVE, START + HOUR_MS);
	}
	assert_true(fabs(uptimes_stay(u, &n, START + HOUR_MS, HOUR_MS) - before) < 1e-4);
}

static void
a_clock_that_steps_adds_no_time_PRD_06(void **state)
{
	CLEANUP(uptimes_free) struct uptimes *u = NULL;
	struct node n = make_node("n", NODE_GONE);
	int64_t at;
	double p;

	(void)state;
	assert_int_equal(uptimes_new(NULL, &u), 0);
	at = flap(u, &n, START, HOUR_MS, HOUR_MS, 5);
	p = uptimes_between_s(u, &n, at);
	(void)uptimes_stay(u, &n, at - 300 * DAY_MS, HOUR_MS); /* back, and ahead again */
	assert_true(uptimes_between_s(u, &n, at) < 40 * 24 * 3600.0);
	assert_true(p > 0);
}

static void
on_store_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static void
losses_outlive_the_controller_CND_02(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	struct node n = make_node("n", NODE_GONE);
	struct store *store;
	struct uptimes *u;
	char *dir = tempdir_new();
	int64_t at;
	double before;

	(void)state;
	assert_int_equal(store_open(loop, dir, on_store_failed, NULL, &store), 0);
	assert_int_equal(uptimes_new(store, &u), 0);
	at = flap(u, &n, START, HOUR_MS, HOUR_MS, 20);
	uptimes_tick(u, at);
	uptimes_tick(u, at + HOUR_MS); /* who is there is written down */
	before = uptimes_stay(u, &n, at + HOUR_MS, HOUR_MS);
	uptimes_free(u);
	store_flush(store);
	store_close(store);
	assert_int_equal(store_open(loop, dir, on_store_failed, NULL, &store), 0);
	assert_int_equal(uptimes_new(store, &u), 0);
	(void)uptimes_stay(u, &n, at + HOUR_MS, HOUR_MS);
	uptimes_tick(u, at + HOUR_MS); /* what was read counts for the fleet */
	assert_true(fabs(uptimes_stay(u, &n, at + HOUR_MS, HOUR_MS) - before) < 0.01);
	assert_true(before < 0.8);
	uptimes_free(u);
	store_close(store);
	tempdir_remove(dir);
	ev_loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_is_new_probably_stays_CND_02),
		cmocka_unit_test(one_that_comes_and_goes_is_not_trusted_CND_02),
		cmocka_unit_test(what_is_long_past_counts_less),
		cmocka_unit_test(a_new_node_is_judged_by_the_others),
		cmocka_unit_test(being_suspect_for_a_moment_is_no_loss),
		cmocka_unit_test(a_clock_that_steps_adds_no_time_PRD_06),
		cmocka_unit_test(losses_outlive_the_controller_CND_02),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
