// SPDX-License-Identifier: Apache-2.0
#include "grasp/scope.h"
#include "base/mem.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tests/data/grasp/scopes.h"

static struct in6_addr
ip(const char *text)
{
	struct in6_addr a;

	assert_int_equal(1, inet_pton(AF_INET6, text, &a));
	return a;
}

static void
assert_canonical(const char *expression, const char *text)
{
	char dst[GRASP_SCOPE_TEXT_MAX];

	assert_int_equal(0, grasp_scope_canonical(expression, dst));
	assert_string_equal(dst, text);
}

static void
assert_group(const struct in6_addr *group, const char *text)
{
	char is[INET6_ADDRSTRLEN], should[INET6_ADDRSTRLEN];
	struct in6_addr want = ip(text);

	inet_ntop(AF_INET6, group, is, sizeof is);
	inet_ntop(AF_INET6, &want, should, sizeof should);
	assert_string_equal(is, should);
}

static void
published_expressions_have_their_canonical_text(void **state)
{
	(void)state; /* SC-01, SC-02 */
	for (size_t i = 0; i < ARRAY_LEN(scope_vectors); i++)
		assert_canonical(scope_vectors[i].expression, scope_vectors[i].canonical);
}

static void
a_domain_is_an_admin_scope_unless_another_is_named(void **state)
{
	char dst[GRASP_SCOPE_TEXT_MAX];

	(void)state; /* SC-09 */
	assert_int_equal(0, grasp_scope_add_domain("", "Operator1", dst));
	assert_string_equal(dst, "admin=operator1");
	assert_int_equal(0, grasp_scope_add_domain("type=robot", "operator1", dst));
	assert_string_equal(dst, "admin=operator1;type=robot");
	assert_int_equal(
	    0, grasp_scope_add_domain("admin=other;type=robot", "operator1", dst));
	assert_string_equal(dst, "admin=other;type=robot");
	assert_int_equal(0, grasp_scope_add_domain("", "", dst));
	assert_string_equal(dst, "");
	assert_int_equal(-EINVAL, grasp_scope_add_domain("", "a;b", dst));
}

static void
published_expressions_have_their_group(void **state)
{
	(void)state; /* SC-03 to SC-07 */
	for (size_t i = 0; i < ARRAY_LEN(scope_vectors); i++) {
		const struct scope_vector *v = &scope_vectors[i];
		struct in6_addr prefix = ip(v->prefix), group;

		assert_int_equal(0,
		    grasp_scope_group(
			v->canonical, v->range, &prefix, v->prefix_len, &group));
		assert_group(&group, v->group);
	}
}

static void
canonical_text_stays_as_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scope_vectors); i++)
		assert_canonical(scope_vectors[i].canonical, scope_vectors[i].canonical);
	assert_canonical("user=100%25", "user=100%25");
	assert_canonical("user=%41%3b;", "user=a%3B");
}

static void
spaces_and_order_do_not_matter(void **state)
{
	(void)state; /* SC-02 */
	assert_canonical(
	    " type = Robot ;admin=  Operator1;; ", "admin=operator1;type=robot");
	assert_canonical("", "");
	assert_canonical("user=a.b_c~d-e/f", "user=a.b_c~d-e%2Ff");
}

static void
what_is_no_expression_is_refused(void **state)
{
	static const char *const wrong[] = { "colour=red", "admin", "admin=", "admin= ;",
		"=x", "admin=a;admin=b", "user=%4", "user=%zz", "user=\xc3(", "Admin=x",
		"geo=abc", "geo=ezj%20" };
	char dst[GRASP_SCOPE_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (grasp_scope_canonical(wrong[i], dst) != -EINVAL)
			fail_msg("%s was accepted", wrong[i]);
		assert_string_equal(dst, "");
	}
}

static void
an_expression_that_does_not_fit_is_refused(void **state)
{
	char text[GRASP_SCOPE_TEXT_MAX + 8] = "user=", dst[GRASP_SCOPE_TEXT_MAX];

	(void)state;
	memset(text + 5, 'u', GRASP_SCOPE_TEXT_MAX - 6);
	assert_canonical(text, text);
	text[GRASP_SCOPE_TEXT_MAX - 1] = 'u';
	assert_int_equal(-ENOSPC, grasp_scope_canonical(text, dst));
	memset(text + 5, '/', GRASP_SCOPE_TEXT_MAX / 3);
	assert_int_equal(-ENOSPC, grasp_scope_canonical(text, dst));
}

static void
groups_are_made_of_canonical_text_only(void **state)
{
	struct in6_addr prefix = ip("fd9e:1:2::"), g;

	(void)state;
	assert_int_equal(-EINVAL, grasp_scope_group("", GRASP_SCOPE_ADMIN, NULL, 0, &g));
	assert_int_equal(-EINVAL,
	    grasp_scope_group("admin=Operator1", GRASP_SCOPE_ADMIN, NULL, 0, &g));
	assert_int_equal(
	    -EINVAL, grasp_scope_group("admin=a", GRASP_SCOPE_ADMIN, &prefix, 65, &g));
}

static void
no_group_is_smaller_than_admin_local(void **state)
{
	struct in6_addr g;

	(void)state; /* SC-14, SC-05 */
	for (int range = 0; range < 16; range++) {
		bool may = range == 4 || range == 5 || range == 8 || range == 14;

		assert_int_equal(may ? 0 : -EINVAL,
		    grasp_scope_group(
			"admin=a", (enum grasp_scope_range)range, NULL, 0, &g));
	}
}

static void
bits_beyond_the_prefix_do_not_count(void **state)
{
	struct in6_addr exact = ip("fd9e:1:2::"), longer = ip("fd9e:1:2:3:4::"), a, b;

	(void)state; /* SC-06 */
	assert_int_equal(
	    0, grasp_scope_group("admin=a", GRASP_SCOPE_ADMIN, &exact, 47, &a));
	assert_int_equal(
	    0, grasp_scope_group("admin=a", GRASP_SCOPE_ADMIN, &longer, 47, &b));
	assert_memory_equal(&a, &b, sizeof a);
}

static void
every_form_of_an_expression_ends_in_the_same_group_id(void **state)
{
	struct in6_addr prefix = ip("fd9e:1:2::"), a, b, c;

	(void)state; /* SC-07 */
	assert_int_equal(
	    0, grasp_scope_group("type=robot", GRASP_SCOPE_ADMIN, NULL, 0, &a));
	assert_int_equal(
	    0, grasp_scope_group("type=robot", GRASP_SCOPE_GLOBAL, NULL, 0, &b));
	assert_int_equal(
	    0, grasp_scope_group("type=robot", GRASP_SCOPE_SITE, &prefix, 48, &c));
	assert_memory_equal(&a.s6_addr[12], &b.s6_addr[12], 4);
	assert_memory_equal(&a.s6_addr[12], &c.s6_addr[12], 4);
}

static void
assert_joins(const char *attributes, int count, const char *const *single)
{
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX], want;

	assert_int_equal(
	    count, grasp_scope_groups_of(attributes, GRASP_SCOPE_ADMIN, NULL, 0, group));
	for (int i = 0; i < count; i++) {
		assert_int_equal(
		    0, grasp_scope_group(single[i], GRASP_SCOPE_ADMIN, NULL, 0, &want));
		assert_memory_equal(&group[i], &want, sizeof want);
	}
}

static void
a_node_joins_one_group_for_each_key_and_each_size_of_its_area(void **state)
{
	static const char *const all[] = { "admin=op", "geo=ezj", "geo=ezjm", "geo=ezjm6",
		"geo=ezjm6z", "mfr=acme", "type=robot", "user=u" };

	(void)state; /* SC-08, SC-09 */
	assert_joins("type=robot;user=u;mfr=ACME;geo=ezjm6zq;admin=op", 8, all);
	assert_joins("geo=ezjm", 2, all + 1);
	assert_joins("geo=ez", 0, all);
	assert_joins("", 0, all);
	assert_joins("colour=red", -EINVAL, all);
}

static void
a_node_is_meant_when_all_of_the_expression_is_true_of_it(void **state)
{
	static const char node[] = "admin=operator1;geo=ezjm6;type=robot";
	static const struct {
		const char *expression;
		bool match;
	} cases[] = {
		{ "", true },
		{ "admin=operator1", true },
		{ "admin=Operator1", true },
		{ "admin=operator2", false },
		{ "admin=operator", false },
		{ "admin=operator1;type=robot", true },
		{ "admin=operator1;type=gateway", false },
		{ "user=u", false },
		{ "geo=ezj", true },
		{ "geo=ezjm6", true },
		{ "geo=ezjm6z", false },
		{ "geo=ezk", false },
		{ "colour=red", false },
		{ "admin", false },
	};

	(void)state; /* SC-08, SC-10 */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (grasp_scope_matches(cases[i].expression, node) != cases[i].match)
			fail_msg("\"%s\"", cases[i].expression);
	assert_false(grasp_scope_matches("", "colour=red"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(published_expressions_have_their_canonical_text),
		TEST(a_domain_is_an_admin_scope_unless_another_is_named),
		TEST(published_expressions_have_their_group),
		TEST(canonical_text_stays_as_it_is),
		TEST(spaces_and_order_do_not_matter),
		TEST(what_is_no_expression_is_refused),
		TEST(an_expression_that_does_not_fit_is_refused),
		TEST(groups_are_made_of_canonical_text_only),
		TEST(no_group_is_smaller_than_admin_local),
		TEST(bits_beyond_the_prefix_do_not_count),
		TEST(every_form_of_an_expression_ends_in_the_same_group_id),
		TEST(a_node_joins_one_group_for_each_key_and_each_size_of_its_area),
		TEST(a_node_is_meant_when_all_of_the_expression_is_true_of_it),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
