/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spawn_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const char *const bare_environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	NULL,
};

int
spawn_send(int sock, struct slice packet, const int fds[3])
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct iovec iov = { (void *)packet.data, packet.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fds) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof control;
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(3 * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, 3 * sizeof(int));
	}
	while (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static uint32_t
put_words(struct buf *b, const char *const *words)
{
	uint32_t n = 0;

	for (; words[n]; n++)
		buf_put(b, words[n], strlen(words[n]) + 1);
	return n;
}

int
spawn_put_start(struct buf *b, uint32_t id, uint32_t program, const char *const *argv,
    const char *const *env)
{
	struct spawn_request head = { .op = SPAWN_START, .id = id, .program = program };

	buf_put(b, &head, sizeof head);
	if (argv) {
		head.argc = put_words(b, argv);
		head.envc = put_words(b, env ? env : bare_environment);
	}
	if (b->err || head.argc > SPAWN_WORDS_MAX || head.envc > SPAWN_WORDS_MAX)
		return b->err == -ENOMEM ? -ENOMEM : -E2BIG;
	head.size = (uint32_t)(b->pos - sizeof head);
	memcpy(b->data, &head, sizeof head);
	return 0;
}
