/* SPDX-License-Identifier: Apache-2.0
 *
 * A guard in which each allocation fails once. What fails is one message or the start: nothing leaks,
 * nothing that was not verified passes, and the next message does. */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "tests/support/guarded.h"
#include "tests/support/lab.h"

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

static struct fake_net *net;
static struct guarded_domain domain;
static struct guarded from, to;

static int
setup(void **state)
{
	(void)state;
	net = fake_net_new(1);
	guarded_init(&domain, net);
	guarded_member(&from, &domain, TRUST_CONTROLLER, NULL);
	guarded_member(&to, &domain, TRUST_AGENT, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	guarded_leave(&from);
	guarded_leave(&to);
	guarded_done(&domain);
	fake_net_free(net);
	return 0;
}

/* Does a question get from one guard to the other? spoil: its last byte is changed. */
static bool
passes(bool spoil)
{
	const struct in6_addr group = lab_ip("ff02::13");
	struct grasp_msg msg = { .type = M_DISCOVERY,
		.session_id = 1,
		.initiator = lab_initiator("2001:db8::1"),
		.has_objective = true,
		.objective = lab_objective("EX1", F_DISC, (struct slice){ 0 }) };
	struct grasp_datagram d = { .from = { .ip = lab_ip("fe80::1"), .port = 4000 },
		.to = group };
	uint8_t plain[256], wire[GRASP_MULTICAST_MAX];
	struct grasp_who who = { 0 };
	struct slice inside;
	struct buf p, out;
	size_t len;

	msg.objective.loop_count = 6;
	buf_init_fixed(&p, plain, sizeof plain);
	buf_init_fixed(&out, wire, sizeof wire);
	assert_int_equal(grasp_msg_encode(&msg, &p), 0);
	if (from.hook.protect(from.hook.arg, &group, buf_slice(&p), true, &out) < 0)
		return false;
	wire[out.pos - 1] ^= spoil;
	d.data = buf_slice(&out);
	return to.hook.open(to.hook.arg, &d, &inside) &&
	    grasp_msg_decode(inside, &msg, &len) == 0 &&
	    to.hook.verify(to.hook.arg, &d, &msg, inside, len, &who) == GRASP_PASS;
}

/* True: all of it went well. */
static bool
start(struct guarded *m, enum guard_mode mode)
{
	static const uint8_t secret[GUARD_SECRET_LEN] = { 1 };
	const struct guard_config cfg = {
		.io = fake_host_io(domain.host),
		.mode = mode,
		.self = m->self,
		.prefix = "example.org:",
		.clock_is_right = guarded_clock_right,
	};
	struct guard *g;
	int r = guard_new(&cfg, &g);

	assert_true(r == 0 || r == -ENOMEM);
	if (r < 0)
		return false;
	guard_free(m->guard);
	m->guard = g;
	m->hook = guard_hook(g);
	if (mode == GUARD_SEALED)
		assert_int_equal(guard_secret(g, 1, secret, PKI_NOW + PKI_DAY), 0);
	return true;
}

static void
try_all(enum guard_mode mode)
{
	bool whole = false;

	for (int n = 1; n < 1000 && !whole; n++) {
		bool first, started;

		countdown = n;
		started = start(&from, mode) && start(&to, mode);
		first = started && passes(false);
		whole = countdown > 0;
		countdown = 0;
		assert_true(first || !whole);
		fake_run(net, 2000); /* a new start says a newer time */
		assert_true(start(&from, mode) && start(&to, mode));
		assert_true(passes(false));
		assert_false(passes(true));
		fake_run(net, 2000);
	}
	assert_true(whole);
}

static void
each_failed_allocation_costs_one_signed_message_at_most_S_13(void **state)
{
	(void)state;
	try_all(GUARD_SIGNED);
}

static void
each_failed_allocation_costs_one_sealed_message_at_most_S_13(void **state)
{
	(void)state;
	try_all(GUARD_SEALED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_failed_allocation_costs_one_signed_message_at_most_S_13),
		TEST(each_failed_allocation_costs_one_sealed_message_at_most_S_13),
	};

	return RUN_TESTS(tests, setup, teardown);
}
