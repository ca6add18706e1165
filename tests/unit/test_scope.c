// SPDX-License-Identifier: Apache-2.0
#include "grasp/scope.h"
#include "base/mem.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "tests/data/grasp/scopes.h"

typedef int grasp_groups_f(const char *text, const struct grasp_scope_rules *rules,
    struct in6_addr ret[GRASP_SCOPE_GROUPS_MAX]);

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
published_expressions_have_their_canonical_text_SC_01_SC_02(void **state)
{
	(void)state; /* SC-01, SC-02 */
	for (size_t i = 0; i < ARRAY_LEN(scope_vectors); i++)
		assert_canonical(scope_vectors[i].expression, scope_vectors[i].canonical);
}

static void
a_domain_is_an_admin_scope_unless_another_is_named_SCP_01(void **state)
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
published_expressions_have_their_group_SC_03_SC_04_SC_05_SC_06_SC_07_SCP_02(void **state)
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
canonical_text_stays_as_it_is_SC_02(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scope_vectors); i++)
		assert_canonical(scope_vectors[i].canonical, scope_vectors[i].canonical);
	assert_canonical("user=100%25", "user=100%25");
	assert_canonical("user=%41%3b;", "user=a%3B");
}

static void
spaces_and_order_do_not_matter_SC_02(void **state)
{
	(void)state; /* SC-02 */
	assert_canonical(
	    " type = Robot ;admin=  Operator1;; ", "admin=operator1;type=robot");
	assert_canonical("", "");
	assert_canonical("user=a.b_c~d-e/f", "user=a.b_c~d-e%2Ff");
}

static void
what_is_no_expression_is_refused_SC_01(void **state)
{
	static const char *const wrong[] = { "colour=red", "admin", "admin=", "admin= ;",
		"=x", "admin=a;admin=b", "user=%4", "user=%zz", "user=\xc3(", "Admin=x",
		"geo=abc", "geo=ezj%20", "geo=ezjm6zqezjm6z", "circle=1,2",
		"circle=91,0,5km", "circle=1,2,0", "circle=1,2,3mi", "circle=1,2,nan",
		"position=1", "position=1,181", "|admin=a", "admin=a||type=t",
		"circle=1e1,2,3km" };
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
groups_are_made_of_canonical_text_only_SC_03(void **state)
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
no_group_is_smaller_than_admin_local_SC_05_SC_14_SCP_03(void **state)
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
bits_beyond_the_prefix_do_not_count_SC_06(void **state)
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
every_form_of_an_expression_ends_in_the_same_group_id_SC_07(void **state)
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

static const struct grasp_scope_rules plain_rules = { .range = GRASP_SCOPE_ADMIN };

/* What list makes of text is the groups of these expressions, in any order. */
static void
assert_groups(grasp_groups_f *list, const char *text,
    const struct grasp_scope_rules *rules, const char *const *single)
{
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX], want;
	int n = list(text, rules, group), count = 0;

	for (; single[count]; count++) {
		bool found = false;

		assert_int_equal(0,
		    grasp_scope_group(single[count], rules->range, &rules->prefix,
			rules->prefix_len, &want));
		for (int i = 0; i < n; i++)
			found |= IN6_ARE_ADDR_EQUAL(&group[i], &want);
		if (!found)
			fail_msg("%s: no group of %s", text, single[count]);
	}
	assert_int_equal(n, count);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
a_node_joins_one_group_for_each_key_and_each_size_of_its_area_SC_08_SC_09(void **state)
{
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX];

	(void)state;
	assert_groups(grasp_scope_joins,
	    "type=robot;user=u;mfr=ACME;geo=ezjm6zq;admin=op", &plain_rules,
	    WORDS("admin=op", "geo=ezj", "geo=ezjm", "geo=ezjm6", "geo=ezjm6z",
		"mfr=acme", "type=robot", "user=u"));
	assert_groups(
	    grasp_scope_joins, "geo=ezjm", &plain_rules, WORDS("geo=ezj", "geo=ezjm"));
	assert_int_equal(0, grasp_scope_joins("geo=ez", &plain_rules, group));
	assert_int_equal(0, grasp_scope_joins("", &plain_rules, group));
	assert_int_equal(-EINVAL, grasp_scope_joins("colour=red", &plain_rules, group));
}

static void
a_node_that_knows_its_position_joins_the_cells_it_is_in_SC_08_SCP_07(void **state)
{
	(void)state;
	assert_groups(grasp_scope_joins, "position=40.33,-3.76", &plain_rules,
	    WORDS("geo=ezj", "geo=ezjm", "geo=ezjm6", "geo=ezjm6m"));
}

static void
a_node_joins_the_combinations_of_keys_that_are_configured_SC_09(void **state)
{
	const char *const keys[] = { "admin+type", "geo+type", "type+user" };
	const struct grasp_scope_rules rules = {
		.range = GRASP_SCOPE_SITE, .combination = keys, .combinations = 3
	};

	(void)state;
	assert_groups(grasp_scope_joins, "admin=op;geo=ezjm;type=robot", &rules,
	    WORDS("admin=op", "geo=ezj", "geo=ezjm", "type=robot", "admin=op;type=robot",
		"geo=ezj;type=robot", "geo=ezjm;type=robot"));
}

static void
a_node_joins_at_most_sixteen_groups_SC_09(void **state)
{
	const char *const keys[] = { "admin+geo", "geo+mfr", "geo+type" };
	const struct grasp_scope_rules rules = {
		.range = GRASP_SCOPE_ADMIN, .combination = keys, .combinations = 3
	};
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX];

	(void)state;
	assert_int_equal(16,
	    grasp_scope_joins("admin=o;geo=ezjm6z;mfr=a;type=t",
		&(struct grasp_scope_rules){
		    .range = GRASP_SCOPE_ADMIN, .combination = keys, .combinations = 2 },
		group) +
		1);
	assert_int_equal(
	    -ENOSPC, grasp_scope_joins("admin=o;geo=ezjm6z;mfr=a;type=t", &rules, group));
}

static void
only_two_or_more_keys_that_are_hashed_are_a_combination_SC_09(void **state)
{
	static const char *const wrong[] = { "", "admin", "admin+", "admin+admin",
		"admin+colour", "admin+circle", "geo+position", "+", "admin type" };

	(void)state;
	assert_true(grasp_scope_is_combination("admin+type"));
	assert_true(grasp_scope_is_combination("user+type+geo+mfr+admin"));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (grasp_scope_is_combination(wrong[i]))
			fail_msg("\"%s\"", wrong[i]);
}

static void
a_sender_uses_the_combination_if_nodes_join_it_else_its_most_selective_key_SC_09(
    void **state)
{
	const char *const keys[] = { "type+admin" };
	const struct grasp_scope_rules rules = {
		.range = GRASP_SCOPE_ADMIN, .combination = keys, .combinations = 1
	};

	(void)state;
	assert_groups(grasp_scope_sends, "admin=op;type=robot", &rules,
	    WORDS("admin=op;type=robot"));
	assert_groups(grasp_scope_sends, "admin=op;mfr=acme;type=robot", &rules,
	    WORDS("type=robot"));
	assert_groups(
	    grasp_scope_sends, "admin=op;type=robot", &plain_rules, WORDS("type=robot"));
	assert_groups(
	    grasp_scope_sends, "admin=op;mfr=acme", &plain_rules, WORDS("mfr=acme"));
	assert_groups(grasp_scope_sends, "admin=op", &plain_rules, WORDS("admin=op"));
	assert_groups(grasp_scope_sends, "geo=ezjm6zq;type=robot", &plain_rules,
	    WORDS("geo=ezjm6z"));
	assert_groups(
	    grasp_scope_sends, "admin=op;geo=ezjm;user=u", &plain_rules, WORDS("user=u"));
}

static void
a_union_is_sent_to_the_group_of_each_of_its_expressions_SC_01(void **state)
{
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX];

	(void)state;
	assert_canonical("type=Robot;admin=a|user=U", "admin=a;type=robot|user=u");
	assert_groups(grasp_scope_sends, "admin=a;type=robot|user=u|type=robot",
	    &plain_rules, WORDS("type=robot", "user=u"));
	assert_true(grasp_scope_matches("type=robot|user=u", "user=u"));
	assert_true(grasp_scope_matches("type=robot|user=u", "type=robot"));
	assert_false(grasp_scope_matches("type=robot|user=u", "type=gateway;user=v"));
	assert_int_equal(-EINVAL,
	    grasp_scope_group("type=robot|user=u", GRASP_SCOPE_ADMIN, NULL, 0, group));
}

static void
who_serves_the_nodes_of_an_expression_listens_where_each_of_them_sends_SC_09(void **state)
{
	const char *const keys[] = { "admin+type" };
	const struct grasp_scope_rules rules = {
		.range = GRASP_SCOPE_ADMIN, .combination = keys, .combinations = 1
	};

	(void)state;
	assert_groups(grasp_scope_listens, "admin=op;geo=ezjm6zq;type=robot|user=u",
	    &rules, WORDS("admin=op", "geo=ezjm6z", "type=robot", "user=u"));
	assert_groups(grasp_scope_listens, "admin=op;type=robot", &rules,
	    WORDS("admin=op", "type=robot", "admin=op;type=robot"));
}

static void
an_area_goes_to_the_groups_of_the_cells_that_cover_it_SC_08_SCP_07(void **state)
{
	struct in6_addr group[GRASP_SCOPE_GROUPS_MAX];

	(void)state;
	assert_groups(grasp_scope_sends, "circle=40.33,-3.77,2km", &plain_rules,
	    WORDS("geo=ezjm3", "geo=ezjm6", "geo=ezjm9", "geo=ezjmd"));
	assert_groups(grasp_scope_sends, "circle=40.33,-3.77,2km;type=robot",
	    &plain_rules, WORDS("geo=ezjm3", "geo=ezjm6", "geo=ezjm9", "geo=ezjmd"));
	assert_groups(grasp_scope_sends, "circle=40.33,-3.77,2km;geo=ezjm6", &plain_rules,
	    WORDS("geo=ezjm6"));
	/* on the corner of four cells */
	assert_groups(grasp_scope_sends, "circle=0,0,100m", &plain_rules,
	    WORDS("geo=7zzzzz", "geo=ebpbpb", "geo=kpbpbp", "geo=s00000"));
	assert_int_equal(
	    -ERANGE, grasp_scope_sends("circle=0,0,2000km", &plain_rules, group));
	assert_int_equal(-ERANGE, grasp_scope_sends("geo=ez", &plain_rules, group));
	assert_groups(grasp_scope_sends, "circle=0,0,2000km;type=robot", &plain_rules,
	    WORDS("type=robot"));
}

static void
a_circle_is_never_hashed_SC_03_SCP_07(void **state)
{
	struct in6_addr with, without;

	(void)state;
	assert_canonical(
	    " geo=ezjm; circle = 40.33, -3.77, 2 km", "circle=40.33,-3.77,2000;geo=ezjm");
	assert_canonical(
	    "circle=40.33,-3.77,2000;geo=ezjm", "circle=40.33,-3.77,2000;geo=ezjm");
	assert_int_equal(0,
	    grasp_scope_group(
		"circle=40.33,-3.77,2000;geo=ezjm", GRASP_SCOPE_SITE, NULL, 0, &with));
	assert_int_equal(
	    0, grasp_scope_group("geo=ezjm", GRASP_SCOPE_SITE, NULL, 0, &without));
	assert_memory_equal(&with, &without, sizeof with);
	assert_group(&with, "ff15:d5de:6c16:6b4d:b069:4ef0:dcca:beff");
	assert_int_equal(-EINVAL,
	    grasp_scope_group(
		"circle=40.33,-3.77,2000", GRASP_SCOPE_SITE, NULL, 0, &with));
}

static void
a_receiver_checks_the_circle_against_its_position_SC_10_SCP_07(void **state)
{
	static const char circle[] = "circle=40.33,-3.77,2km;geo=ezjm";
	static const struct {
		const char *attributes;
		bool match;
	} cases[] = {
		{ "position=40.33,-3.76", true },    /* 848 m away */
		{ "position=40.3479,-3.77", true },  /* 1990 m */
		{ "position=40.3481,-3.77", false }, /* 2013 m, in the same cell */
		{ "geo=ezjm6;position=40.33,-3.76", true },
		{ "geo=ezjm6", true },	/* the circle touches its cell */
		{ "geo=ezjmb", false }, /* and not this one */
		{ "geo=ezjk", false },
		{ "type=robot", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (grasp_scope_matches(circle, cases[i].attributes) != cases[i].match)
			fail_msg("\"%s\"", cases[i].attributes);
	assert_false(grasp_scope_matches("position=40.33,-3.76", "position=40.33,-3.76"));
}

static void
others_are_told_neither_the_position_nor_the_last_digits_of_the_cell_G_126(void **state)
{
	char dst[GRASP_SCOPE_TEXT_MAX];

	(void)state;
	assert_int_equal(0,
	    grasp_scope_disclose(
		"admin=op;geo=ezjm7mdq8;position=40.33,-3.76;type=robot", dst));
	assert_string_equal(dst, "admin=op;geo=ezjm7m;type=robot");
}

static void
a_node_is_meant_when_all_of_the_expression_is_true_of_it_SC_08_SC_10_SCP_06(void **state)
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
		TEST(published_expressions_have_their_canonical_text_SC_01_SC_02),
		TEST(a_domain_is_an_admin_scope_unless_another_is_named_SCP_01),
		TEST(
		    published_expressions_have_their_group_SC_03_SC_04_SC_05_SC_06_SC_07_SCP_02),
		TEST(canonical_text_stays_as_it_is_SC_02),
		TEST(spaces_and_order_do_not_matter_SC_02),
		TEST(what_is_no_expression_is_refused_SC_01),
		TEST(an_expression_that_does_not_fit_is_refused),
		TEST(groups_are_made_of_canonical_text_only_SC_03),
		TEST(no_group_is_smaller_than_admin_local_SC_05_SC_14_SCP_03),
		TEST(bits_beyond_the_prefix_do_not_count_SC_06),
		TEST(every_form_of_an_expression_ends_in_the_same_group_id_SC_07),
		TEST(
		    a_node_joins_one_group_for_each_key_and_each_size_of_its_area_SC_08_SC_09),
		TEST(
		    a_node_that_knows_its_position_joins_the_cells_it_is_in_SC_08_SCP_07),
		TEST(a_node_joins_the_combinations_of_keys_that_are_configured_SC_09),
		TEST(a_node_joins_at_most_sixteen_groups_SC_09),
		TEST(only_two_or_more_keys_that_are_hashed_are_a_combination_SC_09),
		TEST(
		    a_sender_uses_the_combination_if_nodes_join_it_else_its_most_selective_key_SC_09),
		TEST(a_union_is_sent_to_the_group_of_each_of_its_expressions_SC_01),
		TEST(
		    who_serves_the_nodes_of_an_expression_listens_where_each_of_them_sends_SC_09),
		TEST(an_area_goes_to_the_groups_of_the_cells_that_cover_it_SC_08_SCP_07),
		TEST(a_circle_is_never_hashed_SC_03_SCP_07),
		TEST(a_receiver_checks_the_circle_against_its_position_SC_10_SCP_07),
		TEST(
		    others_are_told_neither_the_position_nor_the_last_digits_of_the_cell_G_126),
		TEST(
		    a_node_is_meant_when_all_of_the_expression_is_true_of_it_SC_08_SC_10_SCP_06),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
