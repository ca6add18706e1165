/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel in which each allocation fails once: what fails is one connection or one channel, nothing
 * leaks, and the next attempt works. */
#include "tests/support/channel.h"

static int countdown; /* to the allocation that fails; 0: none does */

void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

void *
__wrap_calloc(size_t n, size_t size)
{
	return countdown && --countdown == 0 ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return countdown && --countdown == 0 ? NULL : __real_realloc(p, size);
}

static struct party *const agent = &f.party[AGENT];
static struct party *const controller = &f.party[CONTROLLER];

static int
setup(void **state)
{
	(void)state;
	setup_world();
	make_agent();
	make_controller();
	return 0;
}

static void
forget(struct end *e)
{
	if (e->stream)
		end_close(e);
	memset(e, 0, sizeof *e);
}

/* Both say something in two pieces, of which the first is not enough for the owner. */
static bool
talk(void)
{
	struct end *e = &f.end, *other = &controller->accepted;
	struct addr to = address_of(CONTROLLER + 1);
	int r;

	e->io = agent->io->ops;
	r = e->io->stream_open(agent->io, &to, 10000, &end_ops, e, &e->stream);
	assert_true(r == 0 || r == -ENOMEM);
	if (r < 0)
		return false;
	r = e->io->stream_send(e->stream, TEXT("early "));
	assert_true(r == 0 || r == -ENOMEM);
	run(50);
	other->leaves = 3;
	if (e->stream && r == 0) {
		r = e->io->stream_send(e->stream, TEXT("and "));
		assert_true(r == 0 || r == -ENOMEM);
		run(10);
	}
	other->leaves = 0;
	if (e->stream && r == 0) {
		r = e->io->stream_send(e->stream, TEXT("late"));
		assert_true(r == 0 || r == -ENOMEM);
		run(10);
	}
	return end_has(other, "early and late");
}

static bool
talk_and_part(void)
{
	bool heard = talk();

	forget(&f.end);
	run(3000);
	forget(&controller->accepted);
	run(3000);
	return heard;
}

static void
any_allocation_of_two_who_talk_may_fail_once(void **state)
{
	bool failed = true;
	int n = 0;

	(void)state;
	while (failed) {
		countdown = ++n;
		(void)talk_and_part();
		failed = countdown == 0;
		countdown = 0;
		assert_int_equal(counters(agent)->streams, 0);
		assert_int_equal(counters(controller)->streams, 0);
		assert_int_equal(fake_streams(agent->host), 0);
		assert_int_equal(fake_streams(controller->host), 0);
		assert_true(talk_and_part());
	}
	assert_true(n > 8);
}

static void
any_allocation_of_a_channel_may_fail_once(void **state)
{
	int n = 0, r = -ENOMEM;

	(void)state;
	controller->io->ops->unbind(controller->io);
	channel_free(TAKE(controller->io));
	while (r < 0) {
		countdown = ++n;
		r = channel_new(&controller->cfg, &controller->io);
		countdown = 0;
		assert_true(r == 0 || r == -ENOMEM);
	}
	assert_true(n > 2);
}

static void
without_a_timer_there_is_no_channel(void **state)
{
	(void)state;
	channel_free(TAKE(controller->io));
	fake_fail(controller->host, 1, ENOMEM);
	assert_int_equal(channel_new(&controller->cfg, &controller->io), -ENOMEM);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(any_allocation_of_two_who_talk_may_fail_once),
		CASE(any_allocation_of_a_channel_may_fail_once),
		CASE(without_a_timer_there_is_no_channel),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
