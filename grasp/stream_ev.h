/* SPDX-License-Identifier: Apache-2.0
 *
 * The streams of grasp/io_ev.c: TCP connections on a libev loop, as struct grasp_io_ops
 * describes them. A host is what the streams of one grasp_io share. */
#pragma once
#include "grasp/io.h"

#define STREAM_INPUT_MAX  65536	      /* bytes that may wait for the rest of a message */
#define STREAM_QUEUE_MAX  (256 << 10) /* bytes that may wait for the peer */
#define STREAM_LINGER_MS  2000 /* what is queued may take so long after stream_close() */
#define STREAM_LINGER_MAX 256  /* streams that do so at once */

struct ev_loop;

struct stream_host {
	struct ev_loop *loop;
	struct grasp_stream *first;
	unsigned lingering;
	uint8_t *input; /* where bytes arrive before somebody has to keep them */
};

int stream_host_init(struct stream_host *h, struct ev_loop *loop) MUST_CHECK;
void stream_host_done(struct stream_host *h); /* closes all, without callbacks */

/* Takes fd over; accepted() sets the stream's ops, else it is closed. */
void stream_accept(struct stream_host *h, int fd,
    void (*accepted)(void *arg, struct grasp_stream *s), void *arg);
int stream_connect(struct stream_host *h, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret) MUST_CHECK;

void stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg);
int stream_send(struct grasp_stream *s, struct slice data);
void stream_close(struct grasp_stream *s, bool abort);
void stream_pause(struct grasp_stream *s, bool pause);
void stream_peer(const struct grasp_stream *s, struct addr *ret);
void stream_answers(struct grasp_stream *s);
size_t stream_queued(const struct grasp_stream *s);
void stream_local(const struct grasp_stream *s, struct addr *ret);
