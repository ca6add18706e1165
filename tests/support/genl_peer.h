/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of generic netlink, made by hand, and a kernel that has sent them already: the other end of a
 * socket pair in which they wait. */
#pragma once
#include "tests/support/test.h"
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_FAMILY 0x1c

struct peer_message {
	size_t len, nest;
	uint8_t data[4096];
};

static inline void
peer_put(struct peer_message *m, const void *data, size_t len)
{
	assert_true(m->len + NLA_ALIGN(len) <= sizeof m->data);
	memcpy(m->data + m->len, data, len);
	memset(m->data + m->len + len, 0, NLA_ALIGN(len) - len);
	m->len += NLA_ALIGN(len);
}

static inline void
peer_attr(struct peer_message *m, uint16_t type, const void *value, size_t len)
{
	struct nlattr head = { (uint16_t)(NLA_HDRLEN + len), type };

	peer_put(m, &head, sizeof head);
	if (len)
		peer_put(m, value, len);
}

static inline void
peer_u8(struct peer_message *m, uint16_t type, uint8_t v)
{
	peer_attr(m, type, &v, sizeof v);
}

static inline void
peer_u16(struct peer_message *m, uint16_t type, uint16_t v)
{
	peer_attr(m, type, &v, sizeof v);
}

static inline void
peer_u32(struct peer_message *m, uint16_t type, uint32_t v)
{
	peer_attr(m, type, &v, sizeof v);
}

static inline size_t
peer_nest(struct peer_message *m, uint16_t type)
{
	size_t at = m->len;

	peer_attr(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

static inline void
peer_end(struct peer_message *m, size_t nest)
{
	uint16_t len = (uint16_t)(m->len - nest);

	memcpy(m->data + nest, &len, sizeof len);
}

/* Attributes as a message of its own. */
static inline void
peer_send(int fd, uint16_t type, uint32_t seq, const struct peer_message *attributes)
{
	struct peer_message m = { 0 };
	struct nlmsghdr nl = { .nlmsg_len = (uint32_t)(NLMSG_HDRLEN + GENL_HDRLEN +
				   attributes->len),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_MULTI,
		.nlmsg_seq = seq };
	struct genlmsghdr genl = { .version = 1 };

	peer_put(&m, &nl, sizeof nl);
	peer_put(&m, &genl, sizeof genl);
	memcpy(m.data + m.len, attributes->data, attributes->len);
	m.len += attributes->len;
	assert_int_equal(send(fd, m.data, m.len, 0), m.len);
}

/* NLMSG_DONE, or NLMSG_ERROR with an errno. */
static inline void
peer_finish(int fd, uint16_t type, uint32_t seq, int32_t value)
{
	struct peer_message m = { 0 };
	struct nlmsghdr nl = { .nlmsg_len = NLMSG_HDRLEN + sizeof value,
		.nlmsg_type = type,
		.nlmsg_seq = seq };

	peer_put(&m, &nl, sizeof nl);
	peer_put(&m, &value, sizeof value);
	assert_int_equal(send(fd, m.data, m.len, 0), m.len);
}

/* The answer to the first question: the family. */
static inline void
peer_send_family(int fd)
{
	struct peer_message m = { 0 };

	peer_u16(&m, CTRL_ATTR_FAMILY_ID, PEER_FAMILY);
	peer_send(fd, GENL_ID_CTRL, 1, &m);
}
