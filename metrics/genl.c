/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/genl.h"
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_MS	      500
#define DATAGRAMS_MAX 256 /* of one answer */
#define HEAD	      (NLMSG_HDRLEN + GENL_HDRLEN)

/* --- attributes ------------------------------------------------------------------------ */

bool
genl_next(struct slice *rest, struct genl_attr *ret)
{
	struct nlattr head;
	size_t step;

	if (rest->len < sizeof head)
		return false;
	memcpy(&head, rest->data, sizeof head);
	if (head.nla_len < sizeof head || head.nla_len > rest->len)
		return false;
	ret->type = head.nla_type & NLA_TYPE_MASK;
	ret->value = (struct slice){ rest->data + NLA_HDRLEN, head.nla_len - NLA_HDRLEN };
	step = NLA_ALIGN(head.nla_len);
	if (step > rest->len)
		step = rest->len;
	rest->data += step;
	rest->len -= step;
	return true;
}

static bool
take_number(const struct genl_attr *a, void *ret, size_t size)
{
	if (a->value.len != size)
		return false;
	memcpy(ret, a->value.data, size);
	return true;
}

bool
genl_u8(const struct genl_attr *a, uint8_t *ret)
{
	return take_number(a, ret, sizeof *ret);
}

bool
genl_u16(const struct genl_attr *a, uint16_t *ret)
{
	return take_number(a, ret, sizeof *ret);
}

bool
genl_u32(const struct genl_attr *a, uint32_t *ret)
{
	return take_number(a, ret, sizeof *ret);
}

bool
genl_text(const struct genl_attr *a, char *dst, size_t size)
{
	size_t len = strnlen((const char *)a->value.data, a->value.len);

	if (len == 0 || len >= size)
		return false;
	memcpy(dst, a->value.data, len);
	dst[len] = '\0';
	return true;
}

/* --- questions ------------------------------------------------------------------------- */

struct question {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attr[NLA_HDRLEN + 32];
};

static void
put_attr(struct question *q, uint16_t type, const void *value, size_t len)
{
	struct nlattr head = { (uint16_t)(NLA_HDRLEN + len), type };

	memcpy(q->attr, &head, sizeof head);
	memcpy(q->attr + NLA_HDRLEN, value, len);
	q->nl.nlmsg_len += (uint32_t)NLA_ALIGN(head.nla_len);
}

static struct question
make_question(struct genl *g, uint16_t type, uint16_t flags, uint8_t command)
{
	return (struct question){
		.nl = { .nlmsg_len = HEAD,
		    .nlmsg_type = type,
		    .nlmsg_flags = NLM_F_REQUEST | flags,
		    .nlmsg_seq = ++g->seq },
		.genl = { .cmd = command, .version = 1 },
	};
}

/* --- answers --------------------------------------------------------------------------- */

typedef void each_f(void *arg, struct slice attributes);

static int
error_of(const uint8_t *data, size_t len)
{
	int32_t err;

	if (len < NLMSG_HDRLEN + sizeof err)
		return -EBADMSG;
	memcpy(&err, data + NLMSG_HDRLEN, sizeof err);
	return err > 0 || err < -4095 ? -EBADMSG : err;
}

/* One datagram of len bytes. 1: more is to come; 0: that was the end; else an error. */
static int
take_answer(struct genl *g, size_t len, bool list, each_f *each, void *arg)
{
	const uint8_t *at = g->answer;

	while (len >= NLMSG_HDRLEN) {
		struct nlmsghdr head;
		size_t step;

		memcpy(&head, at, sizeof head);
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > len)
			return -EBADMSG;
		if (head.nlmsg_seq == g->seq) {
			if (head.nlmsg_type == NLMSG_DONE)
				return 0;
			if (head.nlmsg_type == NLMSG_ERROR)
				return error_of(at, head.nlmsg_len);
			if (head.nlmsg_len >= HEAD)
				each(arg,
				    (struct slice){ at + HEAD, head.nlmsg_len - HEAD });
			if (!list)
				return 0;
		}
		step = NLMSG_ALIGN(head.nlmsg_len);
		if (step >= len)
			return 1;
		at += step;
		len -= step;
	}
	return len == 0 ? 1 : -EBADMSG;
}

static ssize_t
receive(struct genl *g)
{
	struct sockaddr_nl from;
	struct iovec part = { g->answer, sizeof g->answer };
	struct msghdr msg = { .msg_name = &from, .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	do {
		memset(&from, 0, sizeof from);
		msg.msg_namelen = sizeof from;
		n = recvmsg(g->fd, &msg, MSG_CMSG_CLOEXEC);
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

static int
ask(struct genl *g, const struct question *q, bool list, each_f *each, void *arg)
{
	int more = 1;

	if (send(g->fd, q, q->nl.nlmsg_len, MSG_NOSIGNAL) < 0)
		return -errno;
	for (unsigned i = 0; more > 0 && i < DATAGRAMS_MAX; i++) {
		ssize_t n = receive(g);

		if (n == 0)
			return -ECONNRESET;
		if (n < 0)
			return (int)n;
		more = take_answer(g, (size_t)n, list, each, arg);
	}
	return more > 0 ? -EBADMSG : more;
}

int
genl_dump(struct genl *g, uint8_t command, uint16_t ifindex_type, uint32_t ifindex,
    void (*each)(void *arg, struct slice attributes), void *arg)
{
	struct question q = make_question(g, g->family, NLM_F_DUMP, command);

	if (ifindex)
		put_attr(&q, ifindex_type, &ifindex, sizeof ifindex);
	return ask(g, &q, true, each, arg);
}

/* --- life ------------------------------------------------------------------------------ */

static void
take_family(void *arg, struct slice attributes)
{
	struct genl_attr a;

	while (genl_next(&attributes, &a))
		if (a.type == CTRL_ATTR_FAMILY_ID)
			(void)genl_u16(&a, arg);
}

int
genl_attach(struct genl *g, int fd, const char *family)
{
	const struct timeval wait = { 0, WAIT_MS * 1000 };
	struct question q;
	int err;

	g->fd = fd;
	g->family = 0;
	g->seq = 0;
	q = make_question(g, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
	put_attr(&q, CTRL_ATTR_FAMILY_NAME, family, strlen(family) + 1);
	err =
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ? -errno : 0;
	if (err == 0)
		err = ask(g, &q, false, take_family, &g->family);
	if (err == 0 && g->family == 0)
		err = -EBADMSG;
	if (err < 0)
		genl_close(g);
	return err;
}

int
genl_open(struct genl *g, const char *family)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	g->fd = -1;
	return fd < 0 ? -errno : genl_attach(g, fd, family);
}

void
genl_close(struct genl *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}
