/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent does when there is no memory: each allocation fails once. */
#include "base/log.h"
#include "tests/support/alloc.h"
#include "tests/support/fog.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ALLOCATIONS_MAX 20000

static struct fog *fog;

static int
setup(void **state)
{
	(void)state;
	fog = fog_new(NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	fog_free(fog);
	return 0;
}

/* As long as an allocation fails: the agent is not there, and says why. */
static void
make_agent_of_little(size_t least)
{
	const struct agent_ios ios = { .open = fog_open_io, .arg = fog };
	char why[200], dir[600];
	unsigned failed = 0;

	if (!alloc_fail(0))
		skip();
	snprintf(dir, sizeof dir, "%s/state", fog->dir);
	assert_int_equal(identity_load(dir, "rover", &fog->identity), 0);
	for (size_t n = 1;; n++) {
		assert_true(n < ALLOCATIONS_MAX);
		size_t before = alloc_count();
		alloc_fail(n);
		int err = agent_new(
		    &ios, &fog->cfg, &fog->identity, why, sizeof why, &fog->agent);
		bool reached = alloc_count() - before >= n;
		alloc_fail(0);
		if (err < 0) {
			failed++;
			assert_int_equal(err, -ENOMEM);
			assert_non_null(strstr(why, strerror(ENOMEM)));
			continue;
		}
		agent_free(TAKE(fog->agent));
		if (!reached)
			break;
	}
	assert_true(failed > least);
}

static void
an_agent_is_made_whole_or_not_at_all(void **state)
{
	(void)state;
	make_agent_of_little(10);
}

static void
an_agent_with_a_domain_is_made_whole_or_not_at_all(void **state)
{
	(void)state;
	fog_free(fog);
	fog = fog_new_proved("domain: factory\n");
	free(TAKE(fog->cfg.node.state_dir)); /* a disk that syncs takes its time */
	make_agent_of_little(30);
}

static void
fill(struct fog_plan *plan, uint64_t version)
{
	memset(plan, 0, sizeof *plan);
	plan->version = version;
	plan->item[plan->items++] = fog_item(1, "node_load1", 1000);
	plan->item[plan->items++] = fog_item(2, "avg_over_time(node_load5[1m])", 1000);
	plan->item[1].mode = PLAN_ON_CHANGE;
}

static void
ignore(void *arg, const struct report_point *p)
{
	(void)arg, (void)p;
}

static void
a_plan_is_taken_whole_or_not_at_all(void **state)
{
	static struct fog_plan first, second;
	static uint8_t memory[2][4096];
	struct source_env source = { .proc = fog->cfg.roots.proc,
		.sys = fog->cfg.roots.sys };
	struct plan_source from = { .epoch = 1 };
	struct plan_env env = { .result = ignore };
	struct buf old, fresh;
	char why[PLAN_WHY_MAX];
	unsigned failed = 0;

	(void)state;
	if (!alloc_fail(0))
		skip();
	fill(&first, 1);
	first.item[0].period_ms = 5000;
	first.items = 1;
	fill(&second, 2);
	buf_init_fixed(&old, memory[0], sizeof memory[0]);
	buf_init_fixed(&fresh, memory[1], sizeof memory[1]);
	fog_plan_encode(&first, &old);
	fog_plan_encode(&second, &fresh);
	for (size_t n = 1;; n++) {
		struct plan *plan;

		assert_true(n < ALLOCATIONS_MAX);
		assert_int_equal(sampler_new(&source, 1 << 20, &env.sampler), 0);
		assert_int_equal(plan_new(&env, &plan), 0);
		assert_int_equal(
		    plan_offer(plan, buf_slice(&old), &from, 0, false, why), 0);
		size_t before = alloc_count();
		alloc_fail(n);
		int err = plan_offer(plan, buf_slice(&fresh), &from, 0, false, why);
		bool reached = alloc_count() - before >= n;
		alloc_fail(0);
		assert_int_equal(plan_version(plan), err < 0 ? 1 : 2);
		assert_int_equal(plan_period(plan), err < 0 ? 5000 : 1000);
		plan_run(plan, 10000);
		failed += err < 0;
		plan_free(plan);
		sampler_free(env.sampler);
		if (!reached)
			break;
	}
	assert_true(failed >= 5);
}

#define FOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOG_TEST(an_agent_is_made_whole_or_not_at_all),
		FOG_TEST(an_agent_with_a_domain_is_made_whole_or_not_at_all),
		FOG_TEST(a_plan_is_taken_whole_or_not_at_all),
	};

	log_open("test_agent_memory", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
