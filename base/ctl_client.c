/* SPDX-License-Identifier: Apache-2.0
 *
 * The operator's side of the control socket: blocking, one call after the other. */
#include "base/ctl.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ctl_wire.h"

#define ANSWER_MAX (2 * 1024 * 1024) /* bytes of one item; a daemon keeps at most 1 MiB */
#define REASON_MAX 16384

struct ctl_client {
	const struct ctl_carrier *carrier;
	void *carrier_arg; /* a socket is its own number */
	struct buf in;
	struct cbor_scan scan;
	size_t at,
	    used; /* where the item begins that was handed out last, and its bytes */
	bool calling;
	int code;
	char reason[REASON_MAX];
};

static int
connect_socket(const struct sockaddr_un *sa)
{
	int fd, err;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static ssize_t
socket_send(void *arg, const void *data, size_t len)
{
	ssize_t n = send((int)(intptr_t)arg, data, len, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
}

static ssize_t
socket_receive(void *arg, void *dst, size_t size)
{
	ssize_t n = recv((int)(intptr_t)arg, dst, size, 0);

	return n < 0 ? -errno : n;
}

static void
socket_closed(void *arg)
{
	close((int)(intptr_t)arg);
}

int
ctl_connect(const char *path, struct ctl_client **ret)
{
	static const struct ctl_carrier carrier = { socket_send, socket_receive,
		socket_closed };
	struct sockaddr_un sa;
	int fd = ctl_address(path, &sa);

	if (fd == 0)
		fd = connect_socket(&sa);
	return fd < 0 ? fd : ctl_connect_through(&carrier, (void *)(intptr_t)fd, ret);
}

int
ctl_connect_through(const struct ctl_carrier *carrier, void *arg, struct ctl_client **ret)
{
	struct ctl_client *c = calloc(1, sizeof *c);

	if (!c) {
		carrier->closed(arg);
		return -ENOMEM;
	}
	c->carrier = carrier;
	c->carrier_arg = arg;
	buf_init(&c->in, ANSWER_MAX);
	*ret = c;
	return 0;
}

void
ctl_disconnect(struct ctl_client *c)
{
	if (!c)
		return;
	c->carrier->closed(c->carrier_arg);
	buf_done(&c->in);
	free(c);
}

/* A daemon that has too many clients says so and closes: then sending fails, and the reason
 * is there to be read. */
static int
send_all(struct ctl_client *c, struct slice bytes)
{
	while (bytes.len) {
		ssize_t n = c->carrier->send(c->carrier_arg, bytes.data, bytes.len);

		if (n == -EINTR)
			continue;
		if (n < 0)
			return n == -EPIPE ? 0 : (int)n;
		bytes.data += n;
		bytes.len -= (size_t)n;
	}
	return 0;
}

int
ctl_call(struct ctl_client *c, const char *command, struct slice args)
{
	struct buf request;
	int err;

	if (c->calling)
		return -EBUSY;
	buf_init(&request, CTL_REQUEST_MAX);
	ctl_request_put(&request, command, args);
	err = request.err == -ENOSPC ? -EMSGSIZE : request.err;
	if (!err)
		err = send_all(c, buf_slice(&request));
	buf_done(&request);
	if (err < 0)
		return err;
	c->calling = true;
	c->code = 0;
	c->reason[0] = '\0';
	cbor_scan_init(&c->scan, ANSWER_MAX);
	return 0;
}

static struct slice
unread(const struct ctl_client *c)
{
	return (struct slice){ c->in.data + c->at, c->in.pos - c->at };
}

/* Only here, when all items that came in one piece are used up, do bytes move. */
static int
receive_more(struct ctl_client *c)
{
	uint8_t piece[65536];
	ssize_t n;

	buf_drop(&c->in, c->at);
	c->at = 0;
	do
		n = c->carrier->receive(c->carrier_arg, piece, sizeof piece);
	while (n == -EINTR);
	if (n <= 0)
		return n < 0 ? (int)n : -ECONNRESET;
	buf_put(&c->in, piece, (size_t)n);
	if (c->in.err)
		return c->in.err == -ENOMEM ? -ENOMEM : -EMSGSIZE;
	return 0;
}

/* Waits for one whole item; > 0: its length. */
static ssize_t
await_item(struct ctl_client *c)
{
	for (;;) {
		ssize_t n = 0;
		int err;

		if (c->at < c->in.pos)
			n = cbor_scan_item(&c->scan, unread(c));
		if (n)
			return n;
		err = receive_more(c);
		if (err < 0)
			return err;
	}
}

static int
take_answer(struct ctl_client *c, struct slice answer, struct slice *ret_item)
{
	struct cbor_reader r;
	struct slice item = { 0 };
	enum ctl_answer kind;

	rd_init(&r, answer, UINT32_MAX);
	rd_enter_array(&r);
	kind = (enum ctl_answer)rd_uint_max(&r, CTL_REFUSED);
	if (kind == CTL_ITEM) {
		item = rd_raw(&r);
	} else if (kind == CTL_REFUSED) {
		c->code = (int)rd_uint_max(&r, 255);
		rd_text_copy(&r, c->reason, sizeof c->reason);
	}
	rd_leave(&r);
	if (rd_done(&r) < 0)
		return -EBADMSG;
	if (kind == CTL_ITEM) {
		*ret_item = item;
		return 1;
	}
	return kind == CTL_END ? 0 : -EREMOTEIO;
}

int
ctl_next(struct ctl_client *c, struct slice *ret_item)
{
	ssize_t n;
	int rc;

	if (!c->calling)
		return -EPROTO;
	c->at += c->used;
	c->used = 0;
	cbor_scan_init(&c->scan, ANSWER_MAX);
	n = await_item(c);
	if (n > 0)
		rc =
		    take_answer(c, (struct slice){ unread(c).data, (size_t)n }, ret_item);
	else
		rc = (int)n;
	c->used = n > 0 ? (size_t)n : 0;
	c->calling = rc == 1;
	return rc;
}

const char *
ctl_refusal(const struct ctl_client *c, int *ret_code)
{
	*ret_code = c->code;
	return c->reason;
}
