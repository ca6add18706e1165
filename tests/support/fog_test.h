/* SPDX-License-Identifier: Apache-2.0
 *
 * What tests of the agent share: a fog of their own each, and the wait until it is registered. For
 * one test program each. */
#pragma once
#include "base/log.h"
#include "tests/support/fog.h"
#include "tests/support/test.h"

static struct fog *fog;

static inline int
setup(void **state)
{
	(void)state;
	fog = fog_new(NULL);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	fog_free(fog);
	return 0;
}

static inline void
start_registered(void)
{
	fog_agent_start(fog);
	assert_true(fog_until(fog, fog_is_registered, 2000));
	fake_run(fog->net, 10);
}

#define FOG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
