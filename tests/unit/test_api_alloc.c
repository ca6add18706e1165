/* SPDX-License-Identifier: Apache-2.0
 *
 * The API of RFC 8991 while each allocation fails once. What fails is one attempt: nothing leaks,
 * and the next attempt works. */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "grasp/api.h"
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

static struct lab lab;

struct asa {
	struct grasp_api *api;
	uint32_t handle, session;
	unsigned discovered, locators, synchronized, ended, flooded;
	enum grasp_code code;
};
static struct asa asa[2];

static void
on_request(void *arg, uint32_t session, const struct grasp_api_objective *o,
    const struct addr *peer)
{
	struct asa *s = arg;

	(void)o;
	(void)peer;
	grasp_api_end_negotiate(s->api, s->handle, session, true, NULL);
}

static void
on_end(void *arg, uint32_t session, enum grasp_code code, struct slice reason)
{
	struct asa *s = arg;

	(void)session;
	(void)reason;
	s->ended++;
	s->code = code;
}

static void
on_discovery(void *arg, enum grasp_code code, const struct grasp_api_locator *locator,
    size_t count)
{
	struct asa *s = arg;

	(void)locator;
	assert_true(code == GRASP_API_OK || code == GRASP_API_UNSPEC);
	s->discovered++;
	s->locators = (unsigned)count;
}

static void
on_value(void *arg, uint32_t session, enum grasp_code code,
    const struct grasp_api_objective *o)
{
	struct asa *s = arg;

	(void)session;
	assert_int_equal(o != NULL, code == GRASP_API_OK);
	s->synchronized += code == GRASP_API_OK;
}

static void
on_flood(void *arg, const struct grasp_api_tagged *t)
{
	struct asa *s = arg;

	(void)t;
	s->flooded++;
}

static const struct grasp_api_negotiation api_ops = { .requested = on_request,
	.ended = on_end };
static const struct grasp_api_objective ex1 = { .name = "EX1", .neg = true },
					ex2 = { .name = "EX2", .synch = true };

/* What one call may say while memory is short: that, or what follows from an earlier failure. */
static void
may_fail(enum grasp_code code)
{
	assert_true(code == GRASP_API_OK || code == GRASP_API_NO_REPLY ||
	    code == GRASP_API_UNSPEC || code == GRASP_API_NO_ASA ||
	    code == GRASP_API_NOT_OBJ || code == GRASP_API_NOT_YOUR_OBJ ||
	    code == GRASP_API_SOCK_ERR_NEG_RQ || code == GRASP_API_SOCK_ERR_SYN_RQ);
}

static void
open_api(unsigned i)
{
	struct asa *s = &asa[i];

	*s = (struct asa){ .api = NULL };
	if (grasp_api_new(lab.node[i], &s->api) < 0)
		return;
	may_fail(grasp_api_register_asa(s->api, "asa", &s->handle));
	may_fail(grasp_api_register_objective(s->api, s->handle, &ex1, NULL));
	may_fail(grasp_api_register_objective(s->api, s->handle, &ex2, NULL));
}

static void
offer(struct asa *s)
{
	struct grasp_api_tagged t = { .objective = ex2 };

	if (!s->api)
		return;
	may_fail(grasp_api_listen_negotiate(s->api, s->handle, &ex1, &api_ops, s));
	may_fail(grasp_api_listen_synchronize(s->api, s->handle, &ex2));
	fake_run(lab.net, 10);
	may_fail(grasp_api_flood(s->api, s->handle, 500, &t, 1));
	fake_run(lab.net, 10);
}

static void
demand(struct asa *s)
{
	size_t count = 0;

	if (!s->api)
		return;
	may_fail(grasp_api_get_flood(s->api, s->handle, &ex2, on_flood, s, &count));
	fake_run(lab.net, 600); /* the flooded value expires */
	may_fail(grasp_api_discover(
	    s->api, s->handle, &ex1, 600, UINT32_MAX, on_discovery, s));
	fake_run(lab.net, 1000);
	may_fail(grasp_api_request_negotiate(
	    s->api, s->handle, &ex1, NULL, 0, &api_ops, s, &s->session));
	may_fail(grasp_api_synchronize(
	    s->api, s->handle, &ex2, NULL, 0, on_value, s, &s->session));
	fake_run(lab.net, 70000);
}

static bool
use_api(void)
{
	struct asa done;

	for (unsigned i = 0; i < 2; i++)
		open_api(i);
	offer(&asa[1]);
	demand(&asa[0]);
	done = asa[0];
	for (unsigned i = 0; i < 2; i++)
		grasp_api_free(asa[i].api);
	fake_run(lab.net, 5000);
	return done.flooded == 1 && done.locators == 1 && done.ended == 1 &&
	    done.code == GRASP_API_OK && done.synchronized == 1;
}

static void
any_allocation_under_the_api_may_fail_once_A_12_G_056(void **state)
{
	bool failed = true;
	int n = 0;

	(void)state;
	while (failed) {
		lab_init(&lab, 2, LAB_LINK);
		countdown = ++n;
		use_api();
		failed = countdown == 0;
		countdown = 0;
		fake_run(lab.net, 130000); /* what the caches remember is over */
		assert_true(use_api());
		assert_int_equal(
		    fake_streams(lab.host[0]) + fake_streams(lab.host[1]), 0);
		lab_done(&lab);
	}
	assert_true(n > 30); /* it did fail */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(any_allocation_under_the_api_may_fail_once_A_12_G_056),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
