/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr_text.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define NO_INDEX 2000000000 /* no machine has so many interfaces */

static struct addr
parsed(const char *text)
{
	struct addr a;

	if (addr_parse(text, &a) < 0)
		fail_msg("%s is refused", text);
	return a;
}

static void
an_address_reads_back_as_it_is_written(void **state)
{
	static const char *const cases[] = { "::1", "[::1]:7017", "fe80::1",
		"[fe80::1]:7017", "192.0.2.1", "192.0.2.1:7017", "[2001:db8::1]:65535",
		"[2001:db8::1]:1", "::", "ff02::13" };
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = parsed(cases[i]);
		assert_ptr_equal(addr_format(&a, text), text);
		assert_string_equal(text, cases[i]);
	}
}

static void
other_spellings_are_read_too(void **state)
{
	struct addr a = parsed("[::1]"), v4 = parsed("::ffff:192.0.2.1");
	char text[ADDR_TEXT_MAX];

	(void)state;
	assert_true(addr_is_loopback(&a.ip));
	assert_int_equal(a.port, 0);
	assert_string_equal(addr_format(&v4, text), "192.0.2.1");
	a = parsed("[::ffff:192.0.2.1]:80");
	assert_string_equal(addr_format(&a, text), "192.0.2.1:80");
	assert_int_equal(parsed("192.0.2.1:0").port, 0);
}

static void
a_zone_names_an_interface(void **state)
{
	char name[IF_NAMESIZE], in[ADDR_TEXT_MAX], text[ADDR_TEXT_MAX];

	(void)state;
	if (!if_indextoname(1, name))
		skip();
	snprintf(in, sizeof in, "[fe80::1%%%s]:7017", name);
	struct addr a = parsed(in);
	assert_int_equal(a.ifindex, 1);
	assert_string_equal(addr_format(&a, text), in);
	assert_int_equal(parsed("fe80::1%1").ifindex, 1);
	assert_int_equal(parsed("ff02::13%1").ifindex, 1);
	a.port = 0;
	snprintf(in, sizeof in, "fe80::1%%%s", name);
	assert_string_equal(addr_format(&a, text), in);
}

static void
an_interface_that_is_gone_is_shown_by_its_number(void **state)
{
	struct addr a = parsed("[fe80::1]:7017");
	char text[ADDR_TEXT_MAX];

	(void)state;
	a.ifindex = NO_INDEX;
	assert_string_equal(addr_format(&a, text), "[fe80::1%2000000000]:7017");
	a.port = 0;
	assert_string_equal(addr_format(&a, text), "fe80::1%2000000000");
}

static void
an_interface_means_nothing_to_a_global_address(void **state)
{
	struct addr a = parsed("[2001:db8::1]:7017"), b = a;
	char text[ADDR_TEXT_MAX];

	(void)state;
	a.ifindex = 1;
	assert_string_equal(addr_format(&a, text), "[2001:db8::1]:7017");
	assert_true(addr_equal(&a, &b));
	assert_int_equal(addr_to_sockaddr(&a).sin6_scope_id, 0);
}

static void
the_longest_address_fits(void **state)
{
	struct addr a = { .ifindex = UINT32_MAX, .port = 65535 };
	char text[ADDR_TEXT_MAX];

	(void)state;
	memset(&a.ip, 0xff, sizeof a.ip);
	addr_format(&a, text);
	assert_string_equal(
	    text, "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void
what_is_no_address_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} cases[] = {
		{ "", -EINVAL },
		{ "localhost", -EINVAL },
		{ "localhost:80", -EINVAL },
		{ ":", -EINVAL },
		{ ":7017", -EINVAL },
		{ "1.2.3", -EINVAL },
		{ "1.2.3.4.5", -EINVAL },
		{ "1.2.3.256", -EINVAL },
		{ "1.2.3.4:", -EINVAL },
		{ "1.2.3.4:65536", -EINVAL },
		{ "1.2.3.4:-1", -EINVAL },
		{ "1.2.3.4:+1", -EINVAL },
		{ "1.2.3.4: 1", -EINVAL },
		{ "1.2.3.4:1x", -EINVAL },
		{ "1.2.3.4:99999999999999999999", -EINVAL },
		{ "1.2.3.4%1", -EINVAL },
		{ "[1.2.3.4]:80", -EINVAL },
		{ "[::1", -EINVAL },
		{ "::1]", -EINVAL },
		{ "[::1]x", -EINVAL },
		{ "[::1]:", -EINVAL },
		{ "[::1]:70170", -EINVAL },
		{ "[[::1]]:1", -EINVAL },
		{ ":::", -EINVAL },
		{ "fe80::1%", -EINVAL },
		{ "2001:db8::1%1", -EINVAL },
		{ "fe80::1%no-such-if0", -ENODEV },
		{ "[fe80::1%no-such-if0]:7017", -ENODEV },
		{ "fe80::1%2000000000", -ENODEV },
		{ "fe80::1%0", -ENODEV },
		{ "fe80::1%99999999999", -ENODEV },
		{ "fe80::1%a-name-that-is-so-long-that-no-interface-has-it", -ENODEV },
		{ "fe80:0000:0000:0000:0000:0000:0000:0001%"
		  "a-name-that-does-not-even-fit-into-the-text",
		    -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = { .port = 4711 };
		int err = addr_parse(cases[i].text, &a);
		if (err != cases[i].err)
			fail_msg(
			    "\"%s\": %d and not %d", cases[i].text, err, cases[i].err);
		assert_int_equal(a.port, 4711);
	}
}

static void
addresses_differ_by_ip_port_and_local_scope(void **state)
{
	struct addr a = parsed("[fe80::1]:7017"), b = a;

	(void)state;
	assert_true(addr_equal(&a, &b));
	b.port = 7018;
	assert_false(addr_equal(&a, &b));
	b = a;
	b.ifindex = 2;
	assert_false(addr_equal(&a, &b));
	b = parsed("[fe80::2]:7017");
	assert_false(addr_equal(&a, &b));
}

static void
kinds_of_addresses_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		bool link_local, multicast, loopback, v4;
	} cases[] = {
		{ "fe80::1", true, false, false, false },
		{ "febf::1", true, false, false, false },
		{ "fec0::1", false, false, false, false },
		{ "ff02::13", false, true, false, false },
		{ "::1", false, false, true, false },
		{ "::2", false, false, false, false },
		{ "127.0.0.1", false, false, true, true },
		{ "127.255.0.1", false, false, true, true },
		{ "128.0.0.1", false, false, false, true },
		{ "2001:db8::1", false, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = parsed(cases[i].text);
		assert_int_equal(addr_is_link_local(&a.ip), cases[i].link_local);
		assert_int_equal(addr_is_multicast(&a.ip), cases[i].multicast);
		assert_int_equal(addr_is_loopback(&a.ip), cases[i].loopback);
		assert_int_equal(addr_is_v4(&a.ip), cases[i].v4);
	}
}

static void
a_socket_address_keeps_ip_port_and_scope(void **state)
{
	struct addr a = parsed("[fe80::1]:7017");

	(void)state;
	a.ifindex = 3;
	struct sockaddr_in6 sa = addr_to_sockaddr(&a);
	assert_int_equal(sa.sin6_family, AF_INET6);
	assert_int_equal(sa.sin6_port, htons(7017));
	assert_int_equal(sa.sin6_scope_id, 3);
	struct addr b = addr_from_sockaddr(&sa);
	assert_true(addr_equal(&a, &b));
	assert_int_equal(b.ifindex, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_address_reads_back_as_it_is_written),
		TEST(other_spellings_are_read_too),
		TEST(a_zone_names_an_interface),
		TEST(an_interface_that_is_gone_is_shown_by_its_number),
		TEST(an_interface_means_nothing_to_a_global_address),
		TEST(the_longest_address_fits),
		TEST(what_is_no_address_is_refused),
		TEST(addresses_differ_by_ip_port_and_local_scope),
		TEST(kinds_of_addresses_are_told_apart),
		TEST(a_socket_address_keeps_ip_port_and_scope),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
