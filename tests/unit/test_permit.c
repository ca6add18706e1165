/* SPDX-License-Identifier: Apache-2.0
 *
 * Every objective × message × role against a table that is written here a second time, by hand, from
 * security.md §7: whoever changes one of the two has to mean it. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "trust/permit.h"

/* One letter a role: stranger, lapsed, agent, controller, orchestrator, viewer, deployer, admin (X);
 * p: anybody at all, on a plain instance. */
struct expected {
	const char *objective;
	const char *discovery, *response, *req_neg, *req_syn;
};
static const struct expected table[] = {
	/* objective             M_DISCOVERY M_RESPONSE M_REQ_NEG M_REQ_SYN */
	{ "FOGDOMAIN", "acp", "acp", "", "acp" },
	{ "FOGREG", "", "", "a", "" },
	{ "FOGPLAN", "", "", "c", "" },
	{ "FOGREPORT", "", "", "a", "" },
	{ "FOGMETRIC", "acp", "acp", "", "acp" },
	{ "FOGJOIN", "", "", "sla", "" },
	{ "FOGTRUST", "", "", "c", "" },
	{ "FOGNODERADIO", "acp", "acp", "", "acp" },
	{ "FOGNODECONNECTIVITY", "acp", "acp", "", "acp" },
	{ "FOGNODEVIRTUALIZATION", "acp", "acp", "", "acp" },
	{ "FOGNODEDOMAIN", "acp", "acp", "", "acp" },
	{ "FOGNODETYPE", "acp", "acp", "", "acp" },
	{ "FOGNODEVENDOR", "acp", "acp", "", "acp" },
	{ "FOGNODEENERGY", "acp", "acp", "", "acp" },
	{ "FOGNODEARCH", "acp", "acp", "", "acp" },
	{ "FOGNODETAG", "acp", "acp", "", "acp" },
	/* nobody has made these an objective */
	{ "FOGFUNCTION", "", "", "", "" },
	{ "FOGREGX", "", "", "", "" },
	{ "FOGRE", "", "", "", "" },
	{ "fogreg", "", "", "", "" },
	{ "FOG", "", "", "", "" },
	{ "EX1", "", "", "", "" },
	{ "example.com:FOGREG", "", "", "", "" },
};
static const char letters[TRUST_ROLES] = "?slacovdX";

static const enum grasp_type types[] = { M_NOOP, M_DISCOVERY, M_RESPONSE, M_REQ_NEG,
	M_REQ_SYN, M_NEGOTIATE, M_END, M_WAIT, M_SYNCH, M_FLOOD, M_INVALID };

static const char *
expected_roles(const struct expected *e, enum grasp_type type)
{
	switch (type) {
	case M_DISCOVERY:
		return e->discovery;
	case M_RESPONSE:
		return e->response;
	case M_REQ_NEG:
		return e->req_neg;
	case M_REQ_SYN:
		return e->req_syn;
	case M_NOOP:
	case M_NEGOTIATE:
	case M_END:
	case M_WAIT:
	case M_SYNCH:
	case M_FLOOD:
	case M_INVALID:
		break;
	}
	return "";
}

static struct grasp_msg
message(enum grasp_type type, const char *objective)
{
	struct grasp_msg msg = { .type = type, .has_objective = objective };

	msg.objective.name = slice_text(objective);
	return msg;
}

static bool
asks(struct permit_env *env, unsigned role, enum grasp_type type, const char *objective)
{
	struct grasp_who who = { .role = role };
	struct grasp_msg msg = message(type, objective);

	return trust_permits(env, role == TRUST_UNKNOWN ? NULL : &who, &msg);
}

static void
compare(struct permit_env *env, const struct expected *e, const char *name)
{
	for (size_t t = 0; t < ARRAY_LEN(types); t++)
		for (unsigned role = 0; role < TRUST_ROLES; role++) {
			bool may = strchr(expected_roles(e, types[t]), letters[role]);

			if (asks(env, role, types[t], name) != may)
				fail_msg("%s %s by %s: %s", grasp_type_name(types[t]),
				    name, trust_role_name((enum trust_role)role),
				    may ? "is refused" : "is permitted");
		}
}

static void
each_role_may_begin_what_the_table_says_and_nothing_else_S_28_S_04(void **state)
{
	struct permit_env env = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		compare(&env, &table[i], table[i].objective);
}

static void
every_row_of_the_table_is_expected_here(void **state)
{
	(void)state;
	for (size_t p = 0; p < permits_len; p++) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			known |= strcmp(table[i].objective, permits[p].objective) == 0;
		if (!known)
			fail_msg("%s is not in the test's table", permits[p].objective);
	}
}

static void
a_prefix_makes_no_difference_and_another_one_does(void **state)
{
	struct permit_env env = { .prefix = "example.org:" };
	char name[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		snprintf(name, sizeof name, "example.org:%s", table[i].objective);
		compare(&env, &table[i], name);
		compare(&env, &table[i], table[i].objective);
	}
	assert_false(asks(&env, TRUST_AGENT, M_REQ_NEG, "example.com:FOGREG"));
	assert_false(asks(&env, TRUST_AGENT, M_REQ_NEG, "example.org:"));
	assert_false(
	    asks(&env, TRUST_AGENT, M_REQ_NEG, "example.org:example.org:FOGREG"));
}

/* Where nobody proves anything, nobody may do what changes something, whatever is proved. */
static void
a_plain_instance_only_reads(void **state)
{
	struct permit_env env = { .plain = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (size_t t = 0; t < ARRAY_LEN(types); t++)
			for (unsigned role = 0; role < TRUST_ROLES; role++) {
				bool may =
				    strchr(expected_roles(&table[i], types[t]), 'p');

				assert_int_equal(
				    asks(&env, role, types[t], table[i].objective), may);
			}
}

/* Its session id says what it answers. */
static void
an_answer_without_a_copy_of_the_objective_is_for_members(void **state)
{
	struct permit_env env = { 0 }, plain = { .plain = true };

	(void)state;
	for (unsigned role = 0; role < TRUST_ROLES; role++) {
		struct grasp_who who = { .role = role };
		struct grasp_msg msg = { .type = M_RESPONSE };

		assert_int_equal(trust_permits(&env, &who, &msg),
		    role == TRUST_AGENT || role == TRUST_CONTROLLER);
		assert_true(trust_permits(&plain, &who, &msg));
		msg.type = M_DISCOVERY;
		assert_false(trust_permits(&env, &who, &msg));
	}
}

static void
a_role_that_there_is_not_may_nothing(void **state)
{
	struct permit_env env = { 0 };
	static const unsigned roles[] = { TRUST_ROLES, 31, 32, 35, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		for (size_t p = 0; p < permits_len; p++)
			for (size_t t = 0; t < ARRAY_LEN(types); t++)
				assert_false(
				    asks(&env, roles[i], types[t], permits[p].objective));
}

/* --- the audit -------------------------------------------------------------------------- */

struct refusals {
	unsigned count;
	const struct grasp_who *who;
	char objective[64];
};

static void
note_refusal(void *arg, const struct grasp_who *who, const struct grasp_msg *msg)
{
	struct refusals *r = arg;

	r->count++;
	r->who = who;
	snprintf(r->objective, sizeof r->objective, "%.*s", (int)msg->objective.name.len,
	    msg->objective.name.data);
}

static void
who_tries_what_it_may_not_is_told(void **state)
{
	struct refusals r = { 0 };
	struct permit_env env = { .refused = note_refusal, .arg = &r };
	struct grasp_who who = { .role = TRUST_AGENT };
	struct grasp_msg msg = message(M_REQ_NEG, FOGPLAN);

	(void)state;
	assert_false(trust_permits(&env, &who, &msg));
	assert_int_equal(r.count, 1);
	assert_ptr_equal(r.who, &who);
	assert_string_equal(r.objective, FOGPLAN);
	msg = message(M_REQ_NEG, FOGREG);
	assert_true(trust_permits(&env, &who, &msg));
	assert_int_equal(r.count, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_role_may_begin_what_the_table_says_and_nothing_else_S_28_S_04),
		TEST(every_row_of_the_table_is_expected_here),
		TEST(a_prefix_makes_no_difference_and_another_one_does),
		TEST(a_plain_instance_only_reads),
		TEST(an_answer_without_a_copy_of_the_objective_is_for_members),
		TEST(a_role_that_there_is_not_may_nothing),
		TEST(who_tries_what_it_may_not_is_told),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
