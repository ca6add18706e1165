/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines in which each allocation fails once. What fails is one attempt: nothing leaks,
 * and the next attempt works. */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "tests/support/web.h"

static const uint8_t one = 1;
#define ONE ((struct slice){ &one, 1 })

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

static struct lab lab;
static struct diary a, b;

static void
accept_it(struct diary *d)
{
	if (d->session)
		grasp_session_end(d->session, true, NULL);
	d->session = NULL;
}

/* Each call may fail for want of memory and for nothing else. */
static void
discover(void)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC, ONE);
	struct grasp_discovery *d;
	int r = grasp_discover(lab.node[0], &o, 0, diary_found, diary_searched, &a, &d);

	assert_true(r == 0 || r == -ENOMEM);
	fake_run(lab.net, 1000);
}

static void
flood(void)
{
	struct grasp_objective o = lab_objective("EX1", F_SYNCH, ONE);
	int r = grasp_flood(lab.node[0], &o, NULL, 1000);

	assert_true(r == 1 || r == -ENOMEM);
	fake_run(lab.net, 10);
}

static void
negotiate(void)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct addr to = lab_address(1);
	struct grasp_session *s;
	struct grasp_link *l;
	int r = grasp_link_open(lab.node[0], &to, &diary_link, &a, &l);

	assert_true(r == 0 || r == -ENOMEM);
	if (r == 0) {
		r = grasp_negotiate(l, &o, 0, &diary_session, &a, &s);
		assert_true(r == 0 || r == -ENOMEM);
		if (r < 0)
			grasp_link_close(l);
	}
	fake_run(lab.net, 70000);
}

static bool
try_all(struct grasp_registration **reg)
{
	a = b = (struct diary){ .then = NULL };
	b.then = accept_it;
	if (!*reg &&
	    grasp_register(lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &b, reg) <
		0)
		*reg = NULL;
	discover();
	flood();
	negotiate();
	return a.found == 1 && b.flooded == 1 && a.ended == 1 &&
	    a.outcome == GRASP_ACCEPTED;
}

static void
any_allocation_may_fail_once_G_056(void **state)
{
	int n = 0;
	bool failed = true;

	(void)state;
	while (failed) {
		struct grasp_registration *reg = NULL;

		lab_init(&lab, 2, LAB_LINK);
		countdown = ++n;
		try_all(&reg);
		failed = countdown == 0; /* else there were fewer than n */
		countdown = 0;
		fake_run(lab.net, 5000);
		assert_true(try_all(&reg));
		assert_int_equal(
		    fake_streams(lab.host[0]) + fake_streams(lab.host[1]), 0);
		lab_done(&lab);
	}
	assert_true(n > 15); /* it did fail */
}

/* 0 asks, 1 relays, 2 answers; 3 on the first link assists. */
static struct web web;

static void
build_web(void)
{
	static const struct grasp_config plain = { .link_local = true },
					 helps = { .link_local = true,
						 .assist = GRASP_ASSIST_ALWAYS };

	web_init(&web);
	web_add(&web, &plain, 1, 0);
	web_add(&web, NULL, 1, 2, 0);
	web_add(&web, &plain, 2, 0);
	web_add(&web, &helps, 1, 0);
	web_support(&web, 2, "EX1", NULL);
	assert_int_equal(grasp_register(web.n[2].node, "EX2", 0, &diary_listener,
			     &web.n[2].diary, &web.n[0].reg),
	    0);
}

static bool
ask_across(unsigned from)
{
	struct grasp_objective o = lab_objective("EX1", F_DISC, ONE);
	struct diary *d = &web.n[from].diary;
	int r;

	*d = (struct diary){ 0 };
	r = grasp_discover(
	    web.n[from].node, &o, 0, diary_found, diary_searched, d, &web.n[from].d);
	assert_true(r == 0 || r == -ENOMEM);
	web_run(&web, 1000);
	return d->found > 0;
}

static bool
flood_across(void)
{
	struct grasp_objective o = lab_objective("EX2", F_SYNCH | F_DISC, ONE);
	int r;

	web.n[2].diary.flooded = 0;
	r = grasp_flood(web.n[0].node, &o, NULL, 60000);
	assert_true(r == 1 || r == -ENOMEM);
	web_run(&web, 100);
	return web.n[2].diary.flooded == 1;
}

static bool
try_across(void)
{
	bool all = ask_across(0); /* through the relay */

	all = ask_across(3) && all; /* told by the relay, which knows now */
	web_run(&web, 1000);
	all = ask_across(0) && all; /* told by 3 as well */
	return flood_across() && all;
}

static void
any_allocation_of_a_relay_may_fail_once_G_056(void **state)
{
	int n = 0;
	bool failed = true;

	(void)state;
	while (failed) {
		build_web();
		countdown = ++n;
		try_across();
		failed = countdown == 0;
		countdown = 0;
		web_run(&web, 70000);
		assert_true(try_across());
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(fake_streams(web.n[i].host), 0);
		web_done(&web);
	}
	assert_true(n > 25);
}

/* --- rapid mode ---------------------------------------------------------------------------------- */

static void
any_allocation_in_rapid_mode_may_fail_once_G_056(void **state)
{
	static const struct grasp_support support = { .negotiate = NULL };
	struct grasp_config cfg = { .link_local = true, .rapid = true };
	struct grasp_objective o = lab_objective("EX1", F_DISC | F_NEG, ONE);
	bool failed = true;

	(void)state;
	for (int n = 1; failed; n++) {
		struct grasp_support answering = support;
		struct grasp_registration *reg;
		struct grasp_discovery *d;
		int r;

		answering.negotiate = diary_support.negotiate;
		a = b = (struct diary){ .then = NULL };
		b.then = accept_it;
		lab_init(&lab, 2, LAB_LINK);
		grasp_node_free(lab.node[1]);
		assert_int_equal(
		    grasp_node_new(fake_host_io(lab.host[1]), &cfg, &lab.node[1]), 0);
		assert_int_equal(grasp_register(lab.node[1], "EX1", F_DISC | F_NEG,
				     &answering, &b, &reg),
		    0);
		fake_run(lab.net, 0);
		countdown = n;
		r = grasp_discover_rapid(lab.node[0], &o, 0, diary_found, diary_searched,
		    &diary_session, &a, &d);
		assert_true(r == 0 || r == -ENOMEM);
		fake_run(lab.net, 61000);
		failed = countdown == 0;
		countdown = 0;
		assert_int_equal(a.searched, r == 0);
		if (!failed)
			assert_int_equal(a.outcome, GRASP_ACCEPTED);
		assert_int_equal(
		    fake_streams(lab.host[0]) + fake_streams(lab.host[1]), 0);
		assert_true(failed || n > 5);
		lab_done(&lab);
	}
}

static void
a_node_is_made_wholly_or_not_at_all(void **state)
{
	struct grasp_config cfg = { .link_local = true };
	int r = -ENOMEM;

	(void)state;
	for (int n = 1; r == -ENOMEM; n++) {
		struct grasp_node *node = NULL;
		struct fake_host *h;

		lab_init(&lab, 0, LAB_LINK);
		h = fake_host_new(lab.net);
		countdown = n;
		r = grasp_node_new(fake_host_io(h), &cfg, &node);
		assert_true(n > 1 || r == -ENOMEM);
		assert_int_equal(node != NULL, r == 0);
		countdown = 0;
		grasp_node_free(node);
		lab_done(&lab);
	}
	assert_int_equal(r, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_allocation_may_fail_once_G_056),
		TEST(any_allocation_of_a_relay_may_fail_once_G_056),
		TEST(any_allocation_in_rapid_mode_may_fail_once_G_056),
		TEST(a_node_is_made_wholly_or_not_at_all),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
