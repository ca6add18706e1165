/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of sessions share: two nodes, the second of which offers EX1, and a peer that is
 * scripted. For one test program each. */
#pragma once
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "tests/support/lab.h"

static const uint8_t one = 1, two = 2;
#define ONE ((struct slice){ &one, 1 })
#define TWO ((struct slice){ &two, 1 })

/* Two nodes; node 1 offers EX1. The diaries are of initiator and responder. */
struct fixture {
	struct lab lab;
	struct diary a, b, link;
	struct grasp_registration *reg;
	struct grasp_link *l;
	struct grasp_session *s;
	struct stranger x;
};
static struct fixture f;

static inline int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, 2, LAB_LINK);
	return grasp_register(
	    f.lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &f.b, &f.reg);
}

static inline int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

static inline void
run(int64_t ms)
{
	fake_run(f.lab.net, ms);
}

static inline void
open_link(unsigned from, unsigned to)
{
	struct addr a = lab_address(to);

	assert_int_equal(
	    grasp_link_open(f.lab.node[from], &a, &diary_link, &f.link, &f.l), 0);
}

static inline void
negotiate(const char *name, struct slice value, uint32_t timeout_ms)
{
	struct grasp_objective o = lab_objective(name, F_DISC | F_NEG, value);

	assert_int_equal(
	    grasp_negotiate(f.l, &o, timeout_ms, &diary_session, &f.a, &f.s), 0);
}

static inline void
synchronize(const char *name, uint32_t timeout_ms)
{
	struct grasp_objective o =
	    lab_objective(name, F_DISC | F_SYNCH, (struct slice){ 0 });

	assert_int_equal(
	    grasp_synchronize(f.l, &o, timeout_ms, &diary_session, &f.a, &f.s), 0);
}

static inline void
begin(void)
{
	open_link(0, 1);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_int_equal(f.b.asked, 1);
}

static inline void
assert_value(const struct diary *d, uint8_t value)
{
	assert_int_equal(d->value_len, 1);
	assert_int_equal(d->value[0], value);
}

/* --- a peer that we script ------------------------------------------------------------------- */

static inline struct grasp_msg
say(enum grasp_type type, uint32_t id, const char *name, unsigned loop_count)
{
	static const uint8_t unit = 1; /* the message outlives us */
	struct grasp_msg m = {
		.type = type, .session_id = id, .has_objective = name != NULL
	};

	m.objective = lab_objective(name, F_DISC | F_NEG, (struct slice){ &unit, 1 });
	m.objective.loop_count = loop_count;
	return m;
}

/* Node 0 asks the stranger for EX1; returns the session id. */

static inline uint32_t
ask_stranger(void)
{
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };
	struct grasp_msg m;

	stranger_listen(&f.x, &f.lab);
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &outside, &diary_link, &f.link, &f.l), 0);
	negotiate("EX1", ONE, 0);
	run(10);
	assert_true(stranger_heard(&f.x, M_REQ_NEG, 0, &m));
	return m.session_id;
}

#define SESSION_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
