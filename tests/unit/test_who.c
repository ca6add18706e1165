/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "trust/who.h"

#define ID "00112233445566778899aabbccddeeff"

static const struct trust_name agent = {
	.domain = "plant-7.example_org",
	.role = TRUST_AGENT,
	.id = { { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
	    0xcc, 0xdd, 0xee, 0xff } },
};

static void
a_name_is_written_and_read_back(void **state)
{
	char uri[TRUST_URI_MAX];
	struct trust_name back;

	(void)state;
	assert_string_equal(
	    trust_uri_format(&agent, uri), "urn:fogwatch:plant-7.example_org:agent:" ID);
	assert_int_equal(trust_uri_parse(uri, &back), 0);
	assert_string_equal(back.domain, agent.domain);
	assert_int_equal(back.role, TRUST_AGENT);
	assert_memory_equal(&back.id, &agent.id, sizeof agent.id);
}

static void
the_longest_name_fits(void **state)
{
	char uri[TRUST_URI_MAX];
	struct trust_name n = agent, back;

	(void)state;
	memset(n.domain, 'd', FOG_NAME_MAX);
	n.domain[FOG_NAME_MAX] = '\0';
	for (unsigned role = TRUST_AGENT; role < TRUST_ROLES; role++) {
		n.role = (enum trust_role)role;
		assert_int_equal(trust_uri_parse(trust_uri_format(&n, uri), &back), 0);
		assert_int_equal(back.role, role);
		assert_string_equal(back.domain, n.domain);
	}
}

static void
what_is_no_name_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"urn:fogwatch:",
		"urn:fogwatch:d",
		"urn:fogwatch:d:agent",
		"urn:fogwatch:d:agent:",
		"urn:fogwatch::agent:" ID,
		"urn:fogwatch:d::" ID,
		"urn:fogwatch:d:agent:" ID "00",
		"urn:fogwatch:d:agent:" ID ":x",
		"urn:fogwatch:d:agent:00112233445566778899aabbccddeef",
		"urn:fogwatch:d:agent:00112233445566778899aabbccddeefg",
		"urn:fogwatch:d:agent:00112233445566778899AABBCCDDEEFF",
		"urn:fogwatch:d:Agent:" ID,
		"urn:fogwatch:d:stranger:" ID, /* no certificate says so */
		"urn:fogwatch:d:lapsed:" ID,
		"urn:fogwatch:d:unknown:" ID,
		"urn:fogwatch:d:agent, controller:" ID,
		"urn:fogwatch:d e:agent:" ID,
		"urn:fogwatch:d/e:agent:" ID,
		"urn:fogwatch:d\n:agent:" ID,
		"urn:fogwatch:d\xc3\xa4:agent:" ID,
		" urn:fogwatch:d:agent:" ID,
		"urn:fogwatch:d:agent:" ID " ",
		"URN:fogwatch:d:agent:" ID,
		"urn:other:d:agent:" ID,
	};
	struct trust_name n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (trust_uri_parse(wrong[i], &n) != -EBADMSG)
			fail_msg("\"%s\" was taken", wrong[i]);
}

static void
a_domain_has_1_to_64_plain_characters(void **state)
{
	char name[FOG_NAME_MAX + 2];

	(void)state;
	memset(name, 'a', sizeof name);
	name[FOG_NAME_MAX + 1] = '\0';
	assert_false(trust_is_domain(name));
	name[FOG_NAME_MAX] = '\0';
	assert_true(trust_is_domain(name));
	assert_true(trust_is_domain("A-z_0.9"));
	assert_false(trust_is_domain(""));
	assert_false(trust_is_domain("a:b"));
	assert_false(trust_is_domain("../a b"));
}

static void
each_role_has_a_word_and_only_members_are_read(void **state)
{
	(void)state;
	for (unsigned role = 0; role < TRUST_ROLES; role++) {
		const char *word = trust_role_name((enum trust_role)role);

		assert_int_equal(
		    trust_role_parse(word), role >= TRUST_AGENT ? role : TRUST_UNKNOWN);
	}
	assert_string_equal(trust_role_name(TRUST_ROLES), "unknown");
	assert_int_equal(trust_role_parse("root"), TRUST_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_written_and_read_back),
		TEST(the_longest_name_fits),
		TEST(what_is_no_name_is_refused),
		TEST(a_domain_has_1_to_64_plain_characters),
		TEST(each_role_has_a_word_and_only_members_are_read),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
