/* SPDX-License-Identifier: Apache-2.0
 *
 * Sockets when the system says no: each failure is told, and no descriptor stays. */
#include "grasp/socket.h"
#include "grasp/const.h"
#include "base/mem.h"
#include "tests/support/syscalls.h"
#include "tests/support/test.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static struct addr
loopback(uint16_t port)
{
	return (struct addr){ .ip = IN6ADDR_LOOPBACK_INIT, .port = port };
}

static int
mend(void **state)
{
	(void)state;
	syscall_mend();
	return 0;
}

/* --- what opens ------------------------------------------------------------------------------- */

static int
open_udp(void)
{
	return socket_udp_listen(GRASP_LISTEN_PORT);
}

static int
open_tcp(void)
{
	return socket_tcp_listen(0);
}

static int
open_stream(void)
{
	struct addr to = loopback(9);

	return socket_connect(&to, 2000);
}

static int
open_query(void)
{
	int udp, tcp, err = socket_query_open(&udp, &tcp);

	if (err == 0)
		close(udp);
	return err < 0 ? err : tcp;
}

static int (*const openers[])(void) = { open_udp, open_tcp, open_stream, open_query };

/* The first call fails, then the second, until it is one too many. One may fail without harm: a
 * setting that not every kernel knows. Returns how many may not. */
static unsigned
fail_each(int (*opener)(void), enum syscall which)
{
	unsigned before = syscall_descriptors(), failed = 0, harmless = 0;

	for (unsigned n = 1; harmless < 2; n++) {
		int fd;

		syscall_mend();
		syscall_fail(which, n, 1, EPERM);
		fd = opener();
		if (fd >= 0) {
			close(fd);
			harmless++;
			continue;
		}
		assert_int_equal(-EPERM, fd);
		assert_int_equal(before, syscall_descriptors());
		failed++;
		harmless = 0;
	}
	return failed;
}

static void
each_call_that_fails_is_told_and_nothing_stays_open_G_056(void **state)
{
	static const enum syscall calls[] = { SYS_SOCKET, SYS_SETSOCKOPT, SYS_BIND,
		SYS_LISTEN, SYS_CONNECT };
	static const unsigned times[ARRAY_LEN(openers)][ARRAY_LEN(calls)] = {
		{ 1, 6, 1, 0, 0 },
		{ 1, 9, 1, 1, 0 },
		{ 1, 9, 0, 0, 1 },
		{ 2, 14, 2, 1, 0 },
	};

	(void)state;
	for (size_t o = 0; o < ARRAY_LEN(openers); o++)
		for (size_t c = 0; c < ARRAY_LEN(calls); c++)
			assert_int_equal(times[o][c], fail_each(openers[o], calls[c]));
}

static void
a_query_port_must_be_free_for_both_protocols_G_049(void **state)
{
	int udp, tcp;
	unsigned before = syscall_descriptors();

	(void)state;
	syscall_fail(SYS_BIND, 2, 1, EADDRINUSE); /* the first one's UDP side */
	assert_int_equal(0, socket_query_open(&udp, &tcp));
	assert_int_equal(socket_local(udp).port, socket_local(tcp).port);
	assert_int_equal(4, syscall_count(SYS_BIND));
	close(udp);
	close(tcp);
	syscall_mend();
	syscall_fail(SYS_BIND, 1, 1000, EADDRINUSE);
	assert_int_equal(-EADDRINUSE, socket_query_open(&udp, &tcp));
	assert_int_equal(before, syscall_descriptors());
}

static int
setting_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	assert_int_equal(0, getsockopt(fd, level, name, &value, &len));
	return value;
}

static void
connections_of_both_sides_send_at_once_and_notice_a_dead_peer_I_01(void **state)
{
	int listener = socket_tcp_listen(0);
	struct addr to = loopback(socket_local(listener).port);
	int ends[2] = { socket_connect(&to, 2000), -EAGAIN };

	(void)state;
	while (ends[1] == -EAGAIN)
		ends[1] = socket_accept(listener);
	for (int i = 0; i < 2; i++) {
		assert_true(ends[i] >= 0);
		assert_int_equal(1, setting_of(ends[i], IPPROTO_TCP, TCP_NODELAY));
		assert_int_equal(1, setting_of(ends[i], SOL_SOCKET, SO_KEEPALIVE));
		assert_int_equal(30, setting_of(ends[i], IPPROTO_TCP, TCP_KEEPIDLE));
		assert_int_equal(
		    10000, setting_of(ends[i], IPPROTO_TCP, TCP_USER_TIMEOUT));
		close(ends[i]);
	}
	close(listener);
}

/* RESPONSE_OPEN_MS has one SYN that is sent again, LINK_OPEN_MS three. */
static void
syns_end_when_their_time_is_over_S_09(void **state)
{
	static const struct {
		int64_t within_ms;
		int again;
	} cases[] = { { 0, 1 }, { 2000, 1 }, { 3000, 1 }, { 7000, 2 }, { 10000, 3 },
		{ 3600000, 6 } };
	int listener = socket_tcp_listen(0);
	struct addr to = loopback(socket_local(listener).port);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = socket_connect(&to, cases[i].within_ms);

		assert_true(fd >= 0);
		assert_int_equal(cases[i].again, setting_of(fd, IPPROTO_TCP, TCP_SYNCNT));
		close(fd);
	}
	close(listener);
}

static void
multicasts_are_never_fragmented_and_heard_on_this_host_too_G_014_I_22(void **state)
{
	int udp, tcp;

	(void)state;
	assert_int_equal(0, socket_query_open(&udp, &tcp));
	assert_int_equal(1, setting_of(udp, IPPROTO_IPV6, IPV6_DONTFRAG));
	assert_int_equal(1, setting_of(udp, IPPROTO_IPV6, IPV6_MULTICAST_LOOP));
	close(udp);
	close(tcp);
}

static void
two_instances_listen_on_7017_and_hear_their_own_groups_only_I_21_G_047_G_053(void **state)
{
	int first = socket_udp_listen(GRASP_LISTEN_PORT);
	int second = socket_udp_listen(GRASP_LISTEN_PORT);

	(void)state;
	assert_true(first >= 0 && second >= 0);
	assert_int_equal(GRASP_LISTEN_PORT, socket_local(first).port);
	assert_int_equal(1, setting_of(second, SOL_SOCKET, SO_REUSEADDR));
	assert_int_equal(0, setting_of(second, IPPROTO_IPV6, 29));
	close(first);
	close(second);
}

/* --- what tells ------------------------------------------------------------------------------- */

static void
a_socket_that_is_none_has_an_error_and_no_name(void **state)
{
	struct addr none = socket_local(-1);

	(void)state;
	assert_int_equal(EBADF, socket_error(-1));
	assert_int_equal(0, none.port);
	assert_int_equal(0, socket_peer(-1).port);
}

static void
joining_twice_is_joining(void **state)
{
	struct in6_addr group = { .s6_addr = { 0xff, 0x02, [15] = 0x13 } };
	int fd = socket_udp_listen(GRASP_LISTEN_PORT);

	(void)state;
	syscall_fail(SYS_SETSOCKOPT, 1, 1, EADDRINUSE);
	assert_int_equal(0, socket_group_join(fd, 1, &group));
	syscall_fail(SYS_SETSOCKOPT, 1, 1, ENODEV);
	assert_int_equal(-ENODEV, socket_group_join(fd, 1, &group));
	close(fd);
}

/* --- datagrams -------------------------------------------------------------------------------- */

/* Control messages of somebody else, in front of and instead of ours. */
static void
make_foreign(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_type == IPV6_PKTINFO)
			c->cmsg_level = SOL_SOCKET;
		else
			c->cmsg_type = IPV6_RTHDR;
	}
}

static void
control_messages_of_other_kinds_are_passed_over(void **state)
{
	struct addr to = loopback(0);
	struct grasp_datagram d;
	uint8_t bytes[8];
	int fd, from;

	(void)state;
	fd = socket_udp_listen(0);
	to.port = socket_local(fd).port;
	from = socket(AF_INET6, SOCK_DGRAM, 0);
	struct sockaddr_in6 sa = addr_to_sockaddr(&to);
	assert_int_equal(1, sendto(from, "x", 1, 0, (struct sockaddr *)&sa, sizeof sa));
	syscall_twist(make_foreign);
	assert_int_equal(0, socket_receive(fd, bytes, sizeof bytes, &d));
	assert_int_equal(-1, d.hop_limit);
	assert_true(IN6_IS_ADDR_UNSPECIFIED(&d.to));
	assert_int_equal(-EAGAIN, socket_receive(fd, bytes, sizeof bytes, &d));
	close(fd);
	close(from);
}

int
main(void)
{
#define SOCKET_TEST(f) cmocka_unit_test_setup_teardown(f, mend, mend)
	static const struct CMUnitTest tests[] = {
		SOCKET_TEST(each_call_that_fails_is_told_and_nothing_stays_open_G_056),
		SOCKET_TEST(a_query_port_must_be_free_for_both_protocols_G_049),
		SOCKET_TEST(
		    connections_of_both_sides_send_at_once_and_notice_a_dead_peer_I_01),
		SOCKET_TEST(syns_end_when_their_time_is_over_S_09),
		SOCKET_TEST(
		    multicasts_are_never_fragmented_and_heard_on_this_host_too_G_014_I_22),
		SOCKET_TEST(
		    two_instances_listen_on_7017_and_hear_their_own_groups_only_I_21_G_047_G_053),
		SOCKET_TEST(a_socket_that_is_none_has_an_error_and_no_name),
		SOCKET_TEST(joining_twice_is_joining),
		SOCKET_TEST(control_messages_of_other_kinds_are_passed_over),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
