/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kernel could say about interfaces, said by the test in its place. */
#include "grasp/netlink.h"
#include "base/mem.h"
#include "tests/support/syscalls.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define USABLE (IFF_UP | IFF_MULTICAST)

/* One answer of the kernel: messages, one after the other. */
static struct part {
	_Alignas(NLMSG_ALIGNTO) uint8_t bytes[16384];
	size_t len;
	struct nlmsghdr *last;
} links, addresses;
static struct grasp_interface is[GRASP_INTERFACES_MAX];

static void *
put(struct part *p, size_t len)
{
	void *at = p->bytes + p->len;

	assert_true(p->len + NLMSG_ALIGN(len) <= sizeof p->bytes);
	memset(at, 0, NLMSG_ALIGN(len));
	p->len += NLMSG_ALIGN(len);
	return at;
}

static void *
begin(struct part *p, uint16_t type, size_t header)
{
	p->last = put(p, NLMSG_LENGTH(header));
	p->last->nlmsg_type = type;
	p->last->nlmsg_len = (uint32_t)NLMSG_LENGTH(header);
	return NLMSG_DATA(p->last);
}

static void
attach(struct part *p, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = put(p, RTA_LENGTH(len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	p->last->nlmsg_len += (uint32_t)RTA_SPACE(len);
}

static void
say_link(int index, const char *name, unsigned flags)
{
	struct ifinfomsg *i = begin(&links, RTM_NEWLINK, sizeof *i);

	i->ifi_index = index;
	i->ifi_flags = flags;
	attach(&links, IFLA_MTU, &(uint32_t){ 1280 }, 4);
	if (name)
		attach(&links, IFLA_IFNAME, name, strlen(name) + 1);
}

static void
say_address(unsigned index, const char *text, uint32_t flags)
{
	struct ifaddrmsg *i = begin(&addresses, RTM_NEWADDR, sizeof *i);
	struct in6_addr ip;

	i->ifa_index = index;
	i->ifa_flags = (uint8_t)flags;
	assert_int_equal(1, inet_pton(AF_INET6, text, &ip));
	attach(&addresses, IFA_ADDRESS, &ip, sizeof ip);
}

static int
ask_for(const struct netlink_filter *f)
{
	struct syscall_bytes said[2];

	begin(&links, NLMSG_DONE, 4);
	begin(&addresses, NLMSG_DONE, 4);
	said[0] = (struct syscall_bytes){ links.bytes, links.len };
	said[1] = (struct syscall_bytes){ addresses.bytes, addresses.len };
	syscall_feed(said, 2);
	return netlink_interfaces(f, is);
}

static int
ask(void)
{
	static const struct netlink_filter all;

	return ask_for(&all);
}

static int
begin_again(void **state)
{
	(void)state;
	syscall_mend();
	links.len = addresses.len = 0;
	memset(is, 0, sizeof is);
	return 0;
}

static bool
has_address(const struct grasp_interface *i, unsigned at, const char *text)
{
	struct in6_addr ip;

	inet_pton(AF_INET6, text, &ip);
	return at < i->addrs && memcmp(&ip, &i->addr[at], sizeof ip) == 0;
}

/* --- interfaces ------------------------------------------------------------------------------- */

static void
only_interfaces_that_are_up_and_can_multicast_are_listed(void **state)
{
	(void)state;
	say_link(1, "lo", USABLE | IFF_LOOPBACK);
	say_link(2, "down", IFF_MULTICAST);
	say_link(3, "tunnel", IFF_UP);
	say_link(4, "good", USABLE);
	say_link(5, "bare", USABLE);
	say_link(6, NULL, USABLE);
	for (unsigned i = 1; i <= 4; i++)
		say_address(i, "fe80::1", 0);
	say_address(9, "fe80::1", 0); /* of an interface that has come since */
	assert_int_equal(1, ask());
	assert_string_equal("good", is[0].name);
	assert_int_equal(4, is[0].index);
}

static void
names_may_be_allowed_and_denied(void **state)
{
	static const char *const some[] = { "a", "b", NULL }, *const b[] = { "b", NULL };
	static const struct netlink_filter f = { some, b, true };

	(void)state;
	say_link(1, "lo", USABLE | IFF_LOOPBACK);
	say_link(2, "a", USABLE);
	say_link(3, "b", USABLE);
	say_link(4, "c", USABLE);
	for (unsigned i = 1; i <= 4; i++)
		say_address(i, "fd00::1", 0);
	assert_int_equal(2, ask_for(&f));
	assert_string_equal("lo", is[0].name);
	assert_string_equal("a", is[1].name);
}

static void
more_interfaces_than_are_kept_are_left_out(void **state)
{
	char name[16];

	(void)state;
	for (int i = 1; i <= GRASP_INTERFACES_MAX + 2; i++) {
		snprintf(name, sizeof name, "e%d", i);
		say_link(i, name, USABLE);
		say_address((unsigned)i, "fe80::1", 0);
	}
	assert_int_equal(GRASP_INTERFACES_MAX, ask());
	assert_int_equal(GRASP_INTERFACES_MAX, is[GRASP_INTERFACES_MAX - 1].index);
}

/* --- addresses -------------------------------------------------------------------------------- */

static void
wide_addresses_come_first_and_stay_when_there_is_no_more_room_G_025(void **state)
{
	char text[32];

	(void)state;
	say_link(1, "e0", USABLE);
	for (int i = 0; i < GRASP_ADDRS_MAX; i++) {
		snprintf(text, sizeof text, "fe80::%x", i + 1);
		say_address(1, text, 0);
	}
	say_address(1, "fe80::ff", 0); /* no room */
	say_address(1, "2001:db8::1", 0);
	say_address(1, "2001:db8::2", 0);
	assert_int_equal(1, ask());
	assert_int_equal(GRASP_ADDRS_MAX, is[0].addrs);
	assert_true(has_address(&is[0], 0, "2001:db8::1"));
	assert_true(has_address(&is[0], 1, "2001:db8::2"));
	assert_true(has_address(&is[0], 2, "fe80::1"));
}

static void
no_room_for_one_more_wide_address(void **state)
{
	char text[32];

	(void)state;
	say_link(1, "e0", USABLE);
	for (int i = 0; i < GRASP_ADDRS_MAX + 1; i++) {
		snprintf(text, sizeof text, "2001:db8::%x", i + 1);
		say_address(1, text, 0);
	}
	assert_int_equal(1, ask());
	assert_int_equal(GRASP_ADDRS_MAX, is[0].addrs);
	assert_true(has_address(&is[0], 0, "2001:db8::1"));
}

static void
addresses_that_cannot_be_used_are_left_out(void **state)
{
	static const uint32_t wide = IFA_F_DEPRECATED;

	(void)state;
	say_link(1, "e0", USABLE);
	say_address(1, "2001:db8::1", IFA_F_TENTATIVE);
	say_address(1, "2001:db8::2", IFA_F_DADFAILED);
	say_address(1, "2001:db8::3", 0);
	attach(&addresses, IFA_FLAGS, &wide, sizeof wide); /* these count */
	say_address(1, "2001:db8::4", 0);
	begin(&addresses, RTM_NEWADDR, sizeof(struct ifaddrmsg)); /* none in it */
	struct ifaddrmsg *odd = begin(&addresses, RTM_NEWADDR, sizeof *odd);
	odd->ifa_index = 1;
	attach(&addresses, IFA_ADDRESS, "four", 4);
	odd = begin(&addresses, RTM_NEWADDR, sizeof *odd);
	odd->ifa_index = 1;
	assert_int_equal(1, ask());
	assert_int_equal(1, is[0].addrs);
	assert_true(has_address(&is[0], 0, "2001:db8::4"));
}

static void
the_local_end_of_a_tunnel_is_the_address(void **state)
{
	struct in6_addr ip;

	(void)state;
	say_link(1, "e0", USABLE);
	say_address(1, "2001:db8::99", 0); /* the peer's */
	inet_pton(AF_INET6, "2001:db8::1", &ip);
	attach(&addresses, IFA_LOCAL, &ip, sizeof ip);
	assert_int_equal(1, ask());
	assert_true(has_address(&is[0], 0, "2001:db8::1"));
}

/* --- when it goes wrong ----------------------------------------------------------------------- */

static void
messages_of_other_types_are_passed_over(void **state)
{
	(void)state;
	begin(&links, RTM_DELLINK, sizeof(struct ifinfomsg));
	attach(&links, IFLA_IFNAME, "gone", 5);
	say_link(1, "e0", USABLE);
	struct ifaddrmsg *gone = begin(&addresses, RTM_DELADDR, sizeof *gone);
	gone->ifa_index = 1;
	say_address(1, "fe80::1", 0);
	assert_int_equal(1, ask());
	assert_int_equal(1, is[0].addrs);
}

static void
a_list_that_changed_while_it_was_read_is_read_again(void **state)
{
	static const struct netlink_filter loopback = { .loopback = true };
	struct syscall_bytes torn[4];

	(void)state;
	say_link(1, "e0", USABLE);
	links.last->nlmsg_flags = NLM_F_DUMP_INTR;
	for (int i = 0; i < 4; i++)
		torn[i] = (struct syscall_bytes){ links.bytes, links.len };
	syscall_feed(torn, 3);
	assert_true(netlink_interfaces(&loopback, is) >= 0); /* then the kernel itself */
	syscall_feed(torn, 4);
	assert_int_equal(-EINTR, netlink_interfaces(&loopback, is));
}

static void
an_error_of_the_kernel_is_told(void **state)
{
	struct nlmsgerr *e;

	(void)state;
	e = begin(&links, NLMSG_ERROR, sizeof *e);
	e->error = -EBUSY;
	assert_int_equal(-EBUSY, ask());
}

static void
each_call_that_fails_is_told_and_nothing_stays_open_G_056(void **state)
{
	static const enum syscall calls[] = { SYS_SOCKET, SYS_SETSOCKOPT, SYS_SEND,
		SYS_RECV };
	static const struct netlink_filter loopback = { .loopback = true };
	unsigned before = syscall_descriptors();

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		syscall_mend();
		syscall_fail(calls[c], 1, 1, ENOBUFS);
		assert_int_equal(-ENOBUFS, netlink_interfaces(&loopback, is));
		assert_int_equal(before, syscall_descriptors());
	}
	syscall_mend();
	syscall_fail(SYS_SOCKET, 1, 1, EMFILE);
	assert_int_equal(-EMFILE, netlink_watch_open());
	syscall_fail(SYS_BIND, 1, 1, EPERM);
	assert_int_equal(-EPERM, netlink_watch_open());
	assert_int_equal(before, syscall_descriptors());
}

static void
news_that_were_lost_are_news(void **state)
{
	int fd = netlink_watch_open();

	(void)state;
	assert_true(fd >= 0);
	syscall_fail(SYS_RECV, 1, 1, ENOBUFS);
	netlink_watch_drain(fd);
	assert_int_equal(2, syscall_count(SYS_RECV));
	syscall_fail(SYS_RECV, 1, 1, EINTR);
	netlink_watch_drain(fd);
	assert_int_equal(4, syscall_count(SYS_RECV));
	close(fd);
}

int
main(void)
{
#define NETLINK_TEST(f) cmocka_unit_test_setup_teardown(f, begin_again, begin_again)
	static const struct CMUnitTest tests[] = {
		NETLINK_TEST(only_interfaces_that_are_up_and_can_multicast_are_listed),
		NETLINK_TEST(names_may_be_allowed_and_denied),
		NETLINK_TEST(more_interfaces_than_are_kept_are_left_out),
		NETLINK_TEST(
		    wide_addresses_come_first_and_stay_when_there_is_no_more_room_G_025),
		NETLINK_TEST(no_room_for_one_more_wide_address),
		NETLINK_TEST(addresses_that_cannot_be_used_are_left_out),
		NETLINK_TEST(the_local_end_of_a_tunnel_is_the_address),
		NETLINK_TEST(messages_of_other_types_are_passed_over),
		NETLINK_TEST(a_list_that_changed_while_it_was_read_is_read_again),
		NETLINK_TEST(an_error_of_the_kernel_is_told),
		NETLINK_TEST(each_call_that_fails_is_told_and_nothing_stays_open_G_056),
		NETLINK_TEST(news_that_were_lost_are_news),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
