/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/echo.h"
#include "base/clock.h"
#include <assert.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <linux/icmp.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { V6, V4 };

/* The header of an echo is the same for both: type, code, checksum, identifier, sequence. */
struct message {
	uint8_t type, code;
	uint16_t checksum, id, seq;
	uint8_t cookie[ECHO_COOKIE];
};
static_assert(sizeof(struct message) == 16, "as on the wire");

static int
family_of(const struct addr *a)
{
	return addr_is_v4(&a->ip) ? V4 : V6;
}

unsigned
echo_size(const struct addr *to)
{
	return (family_of(to) == V4 ? 20 : 40) + sizeof(struct message);
}

/* --- sockets --------------------------------------------------------------------------- */

/* A raw socket is given everything that comes: only answers, please. */
static int
filter_raw(int fd, int family)
{
	struct icmp_filter v4 = { ~(1U << ICMP_ECHOREPLY) };
	struct icmp6_filter v6;

	if (family == V4)
		return setsockopt(fd, SOL_RAW, ICMP_FILTER, &v4, sizeof v4);
	ICMP6_FILTER_SETBLOCKALL(&v6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &v6);
	return setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &v6, sizeof v6);
}

static int
open_socket(struct echo *e, int family)
{
	const int domain = family == V4 ? AF_INET : AF_INET6, on = 1;
	const int protocol = family == V4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	int fd = socket(domain, SOCK_DGRAM | flags, protocol);

	if (fd < 0) {
		fd = socket(domain, SOCK_RAW | flags, protocol);
		e->raw[family] = true;
	}
	if (fd < 0)
		return -1;
	if ((e->raw[family] && filter_raw(fd, family) < 0) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int
echo_open(struct echo *e)
{
	*e = (struct echo){ .fd = { -1, -1 } };
	if (getrandom(e->cookie, sizeof e->cookie, 0) != sizeof e->cookie ||
	    getrandom(&e->id, sizeof e->id, 0) != sizeof e->id)
		return -EIO;
	e->fd[V6] = open_socket(e, V6);
	e->fd[V4] = open_socket(e, V4);
	return e->fd[V6] < 0 && e->fd[V4] < 0 ? -EACCES : 0;
}

void
echo_close(struct echo *e)
{
	for (unsigned i = 0; i < 2; i++) {
		if (e->fd[i] >= 0)
			close(e->fd[i]);
		e->fd[i] = -1;
	}
}

/* --- requests -------------------------------------------------------------------------- */

/* RFC 1071. For ICMPv6 and datagram sockets the kernel does it. */
static uint16_t
sum_up(const struct message *m)
{
	uint16_t word[sizeof *m / 2];
	uint32_t sum = 0;

	memcpy(word, m, sizeof *m);
	for (size_t i = 0; i < sizeof *m / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static struct sockaddr_in
v4_sockaddr(const struct addr *a)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };

	memcpy(&sa.sin_addr, a->ip.s6_addr + 12, sizeof sa.sin_addr);
	return sa;
}

int
echo_send(struct echo *e, const struct addr *to, uint16_t seq)
{
	int family = family_of(to);
	struct message m = { .type = family == V4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
		.id = e->id,
		.seq = htons(seq) };
	struct sockaddr_in v4 = v4_sockaddr(to);
	struct sockaddr_in6 v6 = addr_to_sockaddr(to);
	ssize_t n;

	if (e->fd[family] < 0)
		return -EACCES;
	v6.sin6_port = 0;
	memcpy(m.cookie, e->cookie, sizeof m.cookie);
	m.checksum = sum_up(&m);
	do
		n = family == V4 ? sendto(e->fd[V4], &m, sizeof m, MSG_NOSIGNAL,
				       (struct sockaddr *)&v4, sizeof v4)
				 : sendto(e->fd[V6], &m, sizeof m, MSG_NOSIGNAL,
				       (struct sockaddr *)&v6, sizeof v6);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ENOBUFS || errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

/* --- answers --------------------------------------------------------------------------- */

static int64_t
time_of(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof ts);
		return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
	}
	return clock_wall_ns();
}

static struct addr
from_of(int family, const struct sockaddr_storage *ss)
{
	struct addr a = { .port = 0 };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;

	if (family == V6)
		a = addr_from_sockaddr((const struct sockaddr_in6 *)ss);
	else {
		a.ip.s6_addr[10] = a.ip.s6_addr[11] = 0xff;
		memcpy(a.ip.s6_addr + 12, &v4->sin_addr, sizeof v4->sin_addr);
	}
	a.port = 0;
	return a;
}

/* A raw IPv4 socket has the IP header in front. */
static bool
parse_answer(const struct echo *e, int family, const uint8_t *data, size_t len,
    struct message *ret)
{
	size_t skip = 0;

	if (family == V4 && e->raw[V4]) {
		if (len < 20)
			return false;
		skip = (size_t)(data[0] & 15) * 4;
	}
	if (len < skip + sizeof *ret)
		return false;
	memcpy(ret, data + skip, sizeof *ret);
	return ret->type == (family == V4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY) &&
	    memcmp(ret->cookie, e->cookie, sizeof ret->cookie) == 0;
}

/* 1: an answer; 0: something else; negative: nothing any more. */
static int
receive_one(struct echo *e, int family, struct echo_answer *ret)
{
	uint8_t data[128];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct sockaddr_storage from = { 0 };
	struct iovec part = { data, sizeof data };
	struct msghdr msg = { .msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof control.space };
	ssize_t n = recvmsg(e->fd[family], &msg, MSG_DONTWAIT);
	struct message m;

	if (n < 0) /* else an ICMP error of before is told, and taken off by that */
		return errno == EAGAIN || errno == EWOULDBLOCK ? -EAGAIN : 0;
	if (!parse_answer(e, family, data, (size_t)n, &m))
		return 0;
	ret->from = from_of(family, &from);
	ret->seq = ntohs(m.seq);
	ret->received_ns = time_of(&msg);
	return 1;
}

bool
echo_receive(struct echo *e, struct echo_answer *ret)
{
	/* What others send us does not keep us here. */
	for (int family = V6; family <= V4; family++)
		for (unsigned i = 0; e->fd[family] >= 0 && i < 256; i++) {
			int got = receive_one(e, family, ret);

			if (got > 0)
				return true;
			if (got < 0)
				break;
		}
	return false;
}
