/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DUMP_TRIES     4 /* the tables may change while they are read */
#define DUMP_TIMEOUT_S 2
#define UNUSABLE       (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)

struct list {
	const struct netlink_filter *filter;
	struct grasp_interface *dst;
	int count;
};

typedef void message_f(struct list *l, const struct nlmsghdr *h);

/* The attributes behind a header of a given size, walked with RTA_OK and RTA_NEXT. */
static const struct rtattr *
find_attribute(const struct nlmsghdr *h, size_t header, unsigned short type)
{
	const struct rtattr *a =
	    (const void *)((const uint8_t *)NLMSG_DATA(h) + NLMSG_ALIGN(header));
	int left = (int)h->nlmsg_len - (int)NLMSG_SPACE(header);

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

static bool
is_listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

static bool
is_wanted(const struct netlink_filter *f, unsigned flags, const char *name)
{
	if (!(flags & IFF_UP) || is_listed(f->deny, name))
		return false;
	if (flags & IFF_LOOPBACK)
		return f->loopback;
	return (flags & IFF_MULTICAST) && (!f->allow || is_listed(f->allow, name));
}

static void
add_link(struct list *l, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	const struct rtattr *a = find_attribute(h, sizeof *info, IFLA_IFNAME);
	struct grasp_interface *i = &l->dst[l->count];

	if (h->nlmsg_type != RTM_NEWLINK || !a || l->count == GRASP_INTERFACES_MAX)
		return;
	*i = (struct grasp_interface){ .index = (uint32_t)info->ifi_index };
	strncpy(i->name, RTA_DATA(a), sizeof i->name - 1);
	if (is_wanted(l->filter, info->ifi_flags, i->name))
		l->count++;
}

static struct grasp_interface *
find_interface(struct list *l, uint32_t index)
{
	for (int i = 0; i < l->count; i++)
		if (l->dst[i].index == index)
			return &l->dst[i];
	return NULL;
}

/* Global and ULA addresses stay in front of link-local ones. */
static void
insert_address(struct grasp_interface *i, const struct in6_addr *ip)
{
	uint8_t at = i->addrs;

	if (!addr_is_link_local(ip))
		for (at = 0; at < i->addrs && !addr_is_link_local(&i->addr[at]); at++)
			;
	if (at == GRASP_ADDRS_MAX)
		return;
	if (i->addrs == GRASP_ADDRS_MAX)
		i->addrs--;
	memmove(&i->addr[at + 1], &i->addr[at], (i->addrs - at) * sizeof *ip);
	i->addr[at] = *ip;
	i->addrs++;
}

static void
add_address(struct list *l, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *info = NLMSG_DATA(h);
	struct grasp_interface *i = find_interface(l, info->ifa_index);
	const struct rtattr *a = find_attribute(h, sizeof *info, IFA_LOCAL);
	const struct rtattr *wide = find_attribute(h, sizeof *info, IFA_FLAGS);
	uint32_t flags = info->ifa_flags;
	struct in6_addr ip;

	if (!a)
		a = find_attribute(h, sizeof *info, IFA_ADDRESS);
	if (h->nlmsg_type != RTM_NEWADDR || !i || !a || RTA_PAYLOAD(a) != sizeof ip)
		return;
	if (wide)
		memcpy(&flags, RTA_DATA(wide), sizeof flags);
	memcpy(&ip, RTA_DATA(a), sizeof ip);
	if (!(flags & UNUSABLE))
		insert_address(i, &ip);
}

/* --- dumps ---------------------------------------------------------------------------------- */

static int
send_request(int fd, uint16_t type)
{
	struct {
		struct nlmsghdr h;
		struct rtgenmsg g;
	} request = {
		.h = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
		    .nlmsg_type = type,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.g = { .rtgen_family = type == RTM_GETADDR ? AF_INET6 : AF_UNSPEC },
	};

	return send(fd, &request, request.h.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* 1: more parts follow; 0: the last one was in it. */
static int
take_part(const struct nlmsghdr *h, unsigned left, message_f *message, struct list *l)
{
	for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		message(l, h);
	}
	return 1;
}

static int
dump(int fd, uint16_t type, message_f *message, struct list *l)
{
	union {
		struct nlmsghdr h;
		uint8_t bytes[32768];
	} part;
	int more = send_request(fd, type);

	if (more == 0)
		more = 1;
	while (more > 0) {
		ssize_t n = recv(fd, &part, sizeof part, 0);

		if (n < 0)
			return -errno;
		more = take_part(&part.h, (unsigned)n, message, l);
	}
	return more;
}

static int
dump_all(struct list *l)
{
	static const struct timeval timeout = { .tv_sec = DUMP_TIMEOUT_S };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
		err = -errno;
	l->count = 0;
	if (err == 0)
		err = dump(fd, RTM_GETLINK, add_link, l);
	if (err == 0)
		err = dump(fd, RTM_GETADDR, add_address, l);
	close(fd);
	return err;
}

static int
drop_without_address(struct grasp_interface *dst, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++)
		if (dst[i].addrs > 0)
			dst[kept++] = dst[i];
	return kept;
}

int
netlink_interfaces(
    const struct netlink_filter *f, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct list l = { .filter = f, .dst = dst };
	int err = -EINTR;

	for (int i = 0; err == -EINTR && i < DUMP_TRIES; i++)
		err = dump_all(&l);
	return err < 0 ? err : drop_without_address(dst, l.count);
}

/* --- changes -------------------------------------------------------------------------------- */

int
netlink_watch_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV6_IFADDR };
	int fd =
	    socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return fd < 0 ? -errno : fd;
	int err = -errno;
	close(fd);
	return err;
}

/* ENOBUFS says that messages were lost, which is news as well. */
void
netlink_watch_drain(int fd)
{
	uint8_t bytes[8192];
	ssize_t n;

	do
		n = recv(fd, bytes, sizeof bytes, MSG_TRUNC);
	while (n >= 0 || errno == ENOBUFS || errno == EINTR);
}
