/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam. The engine, and whoever works beside it (agent, controller), reaches time, sockets
 * and randomness only through a struct grasp_io. Bindings: grasp/io_ev.c for life on libev,
 * tests/support/io_fake.c for units, replay, fuzzing and virtual time.
 *
 * Everything happens on one thread. Callbacks never run from inside the call that caused them,
 * with one exception that is named: stream_close() silences its stream at once. */
#pragma once
#include "base/addr.h"
#include "base/slice.h"

#define GRASP_INTERFACES_MAX 32
#define GRASP_ADDRS_MAX	     8

struct grasp_io;
struct grasp_timer;
struct grasp_stream;

struct grasp_interface {
	uint32_t index;
	char name[16];
	struct in6_addr
	    addr[GRASP_ADDRS_MAX]; /* usable ones; global and ULA before link-local */
	uint8_t addrs;
};

struct grasp_datagram {
	struct addr
	    from; /* port is where a TCP M_RESPONSE goes; ifindex is the receiving one */
	struct in6_addr to; /* group */
	int hop_limit;	    /* as received; -1 unknown */
	struct slice data;
};

/* Who is at the other end, as far as it has been proved, by a certificate for example. */
struct grasp_who {
	uint8_t id[16];
	unsigned role; /* what it means is the prover's business; 0: nothing is proved */
};

/* What the binding tells the engine. */
struct grasp_io_events {
	void (*datagram)(void *arg, const struct grasp_datagram *d);
	void (*accepted)(void *arg, struct grasp_stream *s); /* set its ops or close it */
	void (*interfaces_changed)(void *arg);
};
struct grasp_stream_ops {
	void (*opened)(void *arg, struct grasp_stream *s);
	/* Bytes as they come; return how many were used, the rest is given again with more.
	 * A negative value closes the stream (closed() follows with it). */
	ssize_t (*received)(void *arg, struct grasp_stream *s, struct slice data);
	/* Once, the stream is gone afterwards. err 0: the peer closed; else errno, positive. */
	void (*closed)(void *arg, struct grasp_stream *s, int err);
};

struct grasp_io_ops {
	int64_t (*now)(struct grasp_io *io);  /* ms, monotonic, suspend included */
	int64_t (*wall)(struct grasp_io *io); /* ms since 1970 */
	void (*random)(struct grasp_io *io, void *dst, size_t len);

	int (*timer_new)(struct grasp_io *io, void (*fire)(void *arg), void *arg,
	    struct grasp_timer **ret);
	void (*timer_set)(
	    struct grasp_timer *t, int64_t delay_ms); /* once; replaces a pending one */
	void (*timer_stop)(struct grasp_timer *t);
	void (*timer_free)(struct grasp_timer *t); /* also while it fires; NULL is fine */

	/* Opens UDP and TCP port, an ephemeral port for queries (UDP sends, TCP answers), and
	 * starts to report events. port 0: no listening for unicast on the well-known port. */
	int (*bind)(struct grasp_io *io, uint16_t port, const struct grasp_io_events *ev,
	    void *arg);
	/* Undoes bind(): no more events, ports closed, groups left. bind() may follow. */
	void (*unbind)(struct grasp_io *io);
	int (*interfaces)(
	    struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX]);
	int (*group_join)(
	    struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group);
	/* One datagram from the query port. Link-local groups leave from a link-local source
	 * (I-07), wider ones never do (SC-14). hops 0: default. */
	int (*group_send)(struct grasp_io *io, uint32_t ifindex,
	    const struct in6_addr *group, unsigned hops, struct slice data);

	/* opened() or closed() follows; at most timeout_ms later. */
	int (*stream_open)(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
	    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret);
	void (*stream_set)(
	    struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg);
	/* One message, one send() if the socket takes it (I-01); the rest is queued. -ENOBUFS:
	 * more than 256 KiB are queued, the caller should close. */
	int (*stream_send)(struct grasp_stream *s, struct slice data);
	/* No callback any more. Queued bytes are still sent for up to 2 s, unless abort. */
	void (*stream_close)(struct grasp_stream *s, bool abort);
	/* No received() until it goes on, so that the peer has to wait with what it says; then what was
	 * not used is given again, also if no more has come. May itself be NULL, for all streams. */
	void (*stream_pause)(struct grasp_stream *s, bool pause);
	void (*stream_peer)(const struct grasp_stream *s, struct addr *ret);
	void (*stream_local)(const struct grasp_stream *s, struct addr *ret);
	/* Who the peer has proved to be, for the life of the stream once it is open; NULL: nobody
	 * asked for a proof. May itself be NULL, for all streams. */
	const struct grasp_who *(*stream_who)(const struct grasp_stream *s);
	/* What comes next will be answered soon, so that its acknowledgement can travel with the answer.
	 * May itself be NULL. */
	void (*stream_answers)(struct grasp_stream *s);
	/* Bytes that were sent and are still waiting here. May itself be NULL: not known. */
	size_t (*stream_queued)(const struct grasp_stream *s);
};

struct grasp_io {
	const struct grasp_io_ops *ops;
};

static inline int64_t
grasp_io_now(struct grasp_io *io)
{
	return io->ops->now(io);
}
