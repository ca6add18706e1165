/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the API of RFC 8991 share: three nodes with an API and an ASA each, and what
 * callbacks told. For one test program each. */
#pragma once
#include "tests/support/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "grasp/api.h"
#include "tests/support/lab.h"

static const uint8_t one = 1, two = 2;
#define ONE ((struct slice){ &one, 1 })
#define TWO ((struct slice){ &two, 1 })

struct note {
	unsigned requested, stepped, waited, ended, discovered, synchronized, flooded;
	uint32_t session, wait_ms;
	enum grasp_code code;
	char name[GRASP_NAME_MAX + 1], reason[64];
	uint8_t value[256];
	size_t value_len;
	uint8_t loop_count;
	bool dry, neg, synch;
	struct addr peer;
	struct grasp_api_locator locator[16];
	size_t locators;
	void (*then)(struct note *n);
};

struct fixture {
	struct lab lab;
	struct grasp_api *api[LAB_NODES];
	uint32_t asa[LAB_NODES];
	struct note note[LAB_NODES];
	struct stranger x;
};
static struct fixture f;

static inline int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, LAB_NODES, LAB_LINK);
	for (unsigned i = 0; i < LAB_NODES; i++) {
		assert_int_equal(grasp_api_new(f.lab.node[i], &f.api[i]), 0);
		assert_int_equal(
		    grasp_api_register_asa(f.api[i], "tester", &f.asa[i]), GRASP_API_OK);
	}
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < LAB_NODES; i++)
		grasp_api_free(f.api[i]);
	lab_done(&f.lab);
	return 0;
}

#define API_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

static inline void
run(int64_t ms)
{
	fake_run(f.lab.net, ms);
}

static inline struct grasp_api_objective
neg(const char *name, struct slice value)
{
	return (struct grasp_api_objective){ .name = name, .neg = true, .value = value };
}

static inline struct grasp_api_objective
synch(const char *name, struct slice value)
{
	return (
	    struct grasp_api_objective){ .name = name, .synch = true, .value = value };
}

static inline void
register_it(unsigned i, struct grasp_api_objective o)
{
	assert_int_equal(
	    grasp_api_register_objective(f.api[i], f.asa[i], &o, NULL), GRASP_API_OK);
}

static inline struct grasp_api_locator
locator_of(unsigned node)
{
	struct addr a = lab_address(node);

	return (struct grasp_api_locator){ .locator =
					       grasp_locator_from_addr(&a, GRASP_TCP) };
}

static inline struct grasp_api_locator
outside(void)
{
	struct addr a = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };

	return (struct grasp_api_locator){ .locator =
					       grasp_locator_from_addr(&a, GRASP_TCP) };
}

/* --- what callbacks told ---------------------------------------------------------------------- */

static inline void
note_objective(struct note *n, const struct grasp_api_objective *o)
{
	strcpy(n->name, o->name);
	n->value_len = o->value.len;
	assert_true(o->value.len <= sizeof n->value);
	if (o->value.len)
		memcpy(n->value, o->value.data, o->value.len);
	n->loop_count = o->loop_count;
	n->dry = o->dry;
	n->neg = o->neg;
	n->synch = o->synch;
}

static inline void
and_then(struct note *n)
{
	if (n->then)
		n->then(n);
}

static inline void
on_request(void *arg, uint32_t session, const struct grasp_api_objective *o,
    const struct addr *peer)
{
	struct note *n = arg;

	n->requested++;
	n->session = session;
	n->peer = *peer;
	note_objective(n, o);
	and_then(n);
}

static inline void
on_step(void *arg, uint32_t session, const struct grasp_api_objective *o)
{
	struct note *n = arg;

	n->stepped++;
	n->session = session;
	note_objective(n, o);
	and_then(n);
}

static inline void
on_wait(void *arg, uint32_t session, uint32_t ms)
{
	struct note *n = arg;

	n->waited++;
	n->session = session;
	n->wait_ms = ms;
	and_then(n);
}

static inline void
on_end(void *arg, uint32_t session, enum grasp_code code, struct slice reason)
{
	struct note *n = arg;

	n->ended++;
	n->session = session;
	n->code = code;
	assert_int_equal(slice_copy(reason, n->reason, sizeof n->reason) < 0, 0);
	and_then(n);
}

static const struct grasp_api_negotiation ops = { on_request, on_step, on_wait, on_end };

static inline void
on_discovery(void *arg, enum grasp_code code, const struct grasp_api_locator *locator,
    size_t count)
{
	struct note *n = arg;

	n->discovered++;
	n->code = code;
	n->locators = count < 16 ? count : 16;
	for (size_t i = 0; i < n->locators; i++)
		n->locator[i] = locator[i];
	and_then(n);
}

static inline void
on_value(void *arg, uint32_t session, enum grasp_code code,
    const struct grasp_api_objective *o)
{
	struct note *n = arg;

	n->synchronized++;
	n->session = session;
	n->code = code;
	assert_int_equal(o != NULL, code == GRASP_API_OK);
	if (o)
		note_objective(n, o);
	and_then(n);
}

static inline void
on_flood(void *arg, const struct grasp_api_tagged *tagged)
{
	struct note *n = arg;

	n->locator[n->flooded++ % 16] = tagged->locator;
	note_objective(n, &tagged->objective);
	and_then(n);
}

static inline void
assert_value(const struct note *n, uint8_t value)
{
	assert_int_equal(n->value_len, 1);
	assert_int_equal(n->value[0], value);
}

static inline void
assert_at(const struct note *n, struct in6_addr ip)
{
	assert_true(IN6_ARE_ADDR_EQUAL(&n->locator[0].locator.ip, &ip));
}

/* --- callbacks that free everything ------------------------------------------------------------- */

static inline void
free_all(struct note *n)
{
	unsigned i = (unsigned)(n - f.note);

	n->then = NULL;
	grasp_api_free(f.api[i]);
	f.api[i] = NULL;
	grasp_node_free(f.lab.node[i]);
	f.lab.node[i] = NULL;
}
