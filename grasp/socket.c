/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/socket.h"
#include "base/mem.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG		 512
#define QUERY_PORT_TRIES 64
#define QUERY_RCVBUF	 4096 /* nothing is read there */
#define UDP_RCVBUF	 (1 << 20)
#define KEEPIDLE_S \
	30 /* heartbeats notice sooner who is silent, and reports every 10 s need none */
#define KEEPALIVE_S	 5
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS	 10000
#define SYNS_MAX	 6 /* sent again; as the kernel has it */
#define SOCKET_FLAGS	 (SOCK_NONBLOCK | SOCK_CLOEXEC)

#define RTO_MAX_MS	 1000

#ifndef TCP_RTO_MAX_MS
#define TCP_RTO_MAX_MS 44
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

struct setting {
	int level, name, value;
};

static int
apply(int fd, const struct setting *s, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (setsockopt(
			fd, s[i].level, s[i].name, &s[i].value, sizeof s[i].value) < 0)
			return -errno;
	return 0;
}

static int
bind_any(int fd, uint16_t port)
{
	struct sockaddr_in6 sa = addr_to_sockaddr(&(struct addr){ .port = port });

	return bind(fd, (struct sockaddr *)&sa, sizeof sa) < 0 ? -errno : 0;
}

/* A new socket with settings, bound to a port; closed again when anything fails. */
static int
open_bound(int type, uint16_t port, const struct setting *s, size_t count)
{
	int fd = socket(AF_INET6, type | SOCKET_FLAGS, 0), err;

	if (fd < 0)
		return -errno;
	err = apply(fd, s, count);
	if (err == 0)
		err = bind_any(fd, port);
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

int
socket_udp_listen(uint16_t port)
{
	static const struct setting settings[] = {
		{ SOL_SOCKET, SO_REUSEADDR, 1 },
		{ SOL_SOCKET, SO_RCVBUF, UDP_RCVBUF },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0 },
		{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
		{ IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1 },
	};

	return open_bound(SOCK_DGRAM, port, settings, ARRAY_LEN(settings));
}

/* A message leaves at once (I-01), what is lost is sent again without waiting longer each time, since
 * there is little of it, and a peer that has vanished is noticed. The first is for listeners alone;
 * connections that are accepted inherit the others. */
static const struct setting stream_settings[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 0 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
	{ IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1 },
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPIDLE_S },
	{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S },
	{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
};

/* A SYN-ACK that was sent twice makes a retransmission timeout of seconds. Kernels before 6.15 do not
 * know the option; there it stays so. */
static void
limit_retransmission_timeout(int fd)
{
	static const int ms = RTO_MAX_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_RTO_MAX_MS, &ms, sizeof ms);
}

int
socket_tcp_listen(uint16_t port)
{
	int fd =
	    open_bound(SOCK_STREAM, port, stream_settings, ARRAY_LEN(stream_settings));

	if (fd < 0)
		return fd;
	limit_retransmission_timeout(fd);
	if (listen(fd, BACKLOG) == 0)
		return fd;
	int err = -errno;
	close(fd);
	return err;
}

/* Never fragmented (G-014); not shared, so that nobody else gets our port. */
static int
open_query_udp(uint16_t port)
{
	static const struct setting settings[] = {
		{ SOL_SOCKET, SO_RCVBUF, QUERY_RCVBUF },
		{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0 },
		{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1 }, /* I-22 */
		{ IPPROTO_IPV6, IPV6_DONTFRAG, 1 },
	};

	return open_bound(SOCK_DGRAM, port, settings, ARRAY_LEN(settings));
}

int
socket_query_open(int *ret_udp, int *ret_tcp)
{
	int udp = -EADDRINUSE;

	for (int i = 0; udp == -EADDRINUSE && i < QUERY_PORT_TRIES; i++) {
		int tcp = socket_tcp_listen(0);

		if (tcp < 0)
			return tcp;
		udp = open_query_udp(socket_local(tcp).port);
		if (udp < 0) {
			close(tcp);
			continue;
		}
		*ret_udp = udp;
		*ret_tcp = tcp;
		return 0;
	}
	return udp;
}

/* --- datagrams ------------------------------------------------------------------------------ */

int
socket_group_join(int fd, uint32_t ifindex, const struct in6_addr *group)
{
	struct ipv6_mreq m = { .ipv6mr_multiaddr = *group, .ipv6mr_interface = ifindex };

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &m, sizeof m) < 0)
		return errno == EADDRINUSE ? 0 : -errno; /* joined already */
	return 0;
}

/* Room for the two control messages that go with a datagram, either way. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static struct cmsghdr *
put_control(struct cmsghdr *c, int type, const void *data, size_t len)
{
	c->cmsg_level = IPPROTO_IPV6;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return c;
}

int
socket_group_send(int fd, const struct socket_route *via, const struct in6_addr *group,
    uint16_t port, struct slice data)
{
	struct sockaddr_in6 to = addr_to_sockaddr(
	    &(struct addr){ .ip = *group, .ifindex = via->ifindex, .port = port });
	struct in6_pktinfo from = { .ipi6_addr = via->source,
		.ipi6_ifindex = via->ifindex };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data.data,
		.iov_len = data.len };
	union control control = { 0 };
	struct msghdr m = { .msg_name = &to,
		.msg_namelen = sizeof to,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	int hops = (int)via->hops;
	struct cmsghdr *c =
	    put_control(CMSG_FIRSTHDR(&m), IPV6_PKTINFO, &from, sizeof from);

	if (hops > 0)
		put_control(CMSG_NXTHDR(&m, c), IPV6_HOPLIMIT, &hops, sizeof hops);
	else
		m.msg_controllen = CMSG_SPACE(sizeof from);
	return sendmsg(fd, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void
take_control(struct msghdr *m, struct grasp_datagram *d)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != IPPROTO_IPV6)
			continue;
		if (c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof info);
			d->to = info.ipi6_addr;
			d->from.ifindex = info.ipi6_ifindex;
		} else if (c->cmsg_type == IPV6_HOPLIMIT) {
			memcpy(&d->hop_limit, CMSG_DATA(c), sizeof d->hop_limit);
		}
	}
}

int
socket_receive(int fd, void *memory, size_t size, struct grasp_datagram *ret)
{
	struct sockaddr_in6 from = { 0 };
	struct iovec iov = { .iov_base = memory, .iov_len = size };
	union control control;
	struct msghdr m = { .msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return -errno;
	if (m.msg_flags & MSG_TRUNC)
		return -EMSGSIZE;
	*ret = (struct grasp_datagram){
		.from = addr_from_sockaddr(&from),
		.hop_limit = -1,
		.data = { memory, (size_t)n },
	};
	take_control(&m, ret);
	return 0;
}

/* --- streams -------------------------------------------------------------------------------- */

int
socket_accept(int fd)
{
	int s = accept4(fd, NULL, NULL, SOCKET_FLAGS);

	return s < 0 ? -errno : s;
}

/* The first SYN is sent again after 1 s, then after 2 s more, 4 s more … (RFC 6298 §2). */
static int
limit_syns(int fd, int64_t within_ms)
{
	struct setting syns = { IPPROTO_TCP, TCP_SYNCNT, 1 };

	for (int64_t next_ms = 3000; next_ms < within_ms && syns.value < SYNS_MAX;
	     next_ms = next_ms * 2 + 1000)
		syns.value++;
	return apply(fd, &syns, 1);
}

int
socket_connect(const struct addr *to, int64_t within_ms)
{
	struct sockaddr_in6 sa = addr_to_sockaddr(to);
	int fd = socket(AF_INET6, SOCK_STREAM | SOCKET_FLAGS, 0), err;

	if (fd < 0)
		return -errno;
	err = apply(fd, stream_settings + 1, ARRAY_LEN(stream_settings) - 1);
	if (err == 0)
		err = limit_syns(fd, within_ms);
	limit_retransmission_timeout(fd);
	if (err == 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
		err = -errno;
	if (err == 0 || err == -EINPROGRESS)
		return fd;
	close(fd);
	return err;
}

int
socket_error(int fd)
{
	int err = 0;
	socklen_t len = sizeof err;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? errno : err;
}

static struct addr
name_of(int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in6 sa = { 0 };
	socklen_t len = sizeof sa;

	if (name(fd, (struct sockaddr *)&sa, &len) < 0)
		return (struct addr){ 0 };
	return addr_from_sockaddr(&sa);
}

struct addr
socket_peer(int fd)
{
	return name_of(fd, getpeername);
}

struct addr
socket_local(int fd)
{
	return name_of(fd, getsockname);
}
