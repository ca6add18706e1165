/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the channel: channel.c has its life and its clocks, channel_stream.c one stream,
 * channel_in.c what comes to it, channel_stranger.c those who have proved nothing yet,
 * channel_judge.c who is believed, channel_limit.c how many strangers there may be.
 *
 * Handshakes of strangers are worked on by a timer, a few in a turn of the loop, and so are the
 * callbacks that must not come from inside the call that caused them. */
#pragma once
#include "base/buf.h"
#include "base/tls.h"
#include "trust/channel.h"
#include <sys/queue.h>

#define CHANNEL_HELLO_MAX 4096	/* bytes of a ClientHello; real ones have 300 to 2000 */
#define CHANNEL_INPUT_MAX 65536 /* bytes that may wait for the rest of a message */
#define CHANNEL_QUEUE_MAX (256 << 10) /* bytes sent before it is open */
#define CHANNEL_PIECE_MAX (512 << 10) /* bytes that come or go at once */
#define CHANNEL_IN_MAX	  (CHANNEL_INPUT_MAX + CHANNEL_PIECE_MAX)
#define CHANNEL_LINGER_MS \
	2000 /* to finish a handshake for what is queued, after stream_close() */
#define CHANNEL_PARTING_MS 1000 /* for an alert to be read */
#define CHANNEL_STALL_MS \
	1000 /* a handshake that waited so long for its peer makes room */
#define CHANNEL_TICK_MS	   20 /* deadlines are not looked at more often */
#define CHANNEL_TURN_MS	   1 /* handshakes of one turn end soon after it */
#define CHANNEL_ISSUER_LEN 8

enum channel_state {
	CHANNEL_HELLO,	    /* a stranger that has not said what it wants */
	CHANNEL_SHAKING,    /* a stranger that has */
	CHANNEL_PARTING,    /* a stranger that is refused, and is being told so */
	CHANNEL_CONNECTING, /* opened by us: the inner stream is not there yet */
	CHANNEL_GREETING,   /* it is, the handshake goes on */
	CHANNEL_OPEN,
	CHANNEL_ENDED, /* closed() is due */
};

enum channel_purpose { CHANNEL_TO_SPEAK, CHANNEL_TO_JOIN, CHANNEL_TO_OPERATE };

TAILQ_HEAD(channel_streams, channel_stream);

/* What users know as a struct grasp_stream. */
struct channel_stream {
	TAILQ_ENTRY(channel_stream) entry, queue_entry, again_entry;
	struct channel_streams *list; /* the one it is in */
	struct channel *channel;
	struct grasp_stream *inner; /* NULL: gone */
	struct tls *tls;	    /* NULL: not yet, or no more */
	const struct grasp_stream_ops *ops;
	void *arg;
	enum channel_state state;
	enum channel_purpose purpose;
	bool server, queued, in_callback, closing, aborting;
	bool paused, again; /* by its owner; going on, what was not used is due */
	bool stuck; /* the inner stream took no more: what would follow could not be read */
	int err;   /* of an ended one, positive */
	int64_t since_ms;    /* of a stranger: in this state; of a joiner: here */
	int64_t deadline_ms; /* until it is open */
	struct addr peer, local;
	struct buf in;	/* of strangers: not looked at yet; later: not used by the owner yet */
	struct buf out; /* sent before it was open */
	struct cert *own[2]; /* what we show, until it is open */
	struct trust_name name;
	struct grasp_who who;
	uint8_t serial[CERT_SERIAL_LEN], serial_len;
	int64_t not_after_ms; /* of its certificate */
	uint8_t issuer[CHANNEL_ISSUER_LEN]; /* zeros: nobody whom we trust */
};

struct channel {
	struct grasp_io base;
	struct grasp_io_ops ops; /* the inner ones, but for those that are ours */
	struct grasp_io *inner;
	struct channel_config cfg;
	const struct grasp_io_events *events; /* NULL: not bound */
	void *events_arg;
	struct tls_context *server, *client;
	struct cert *passport; /* a stranger's, signed by itself; made when it is needed */
	/* Oldest first. joining: open ones of those who are known by their key alone. */
	struct channel_streams strangers, opening, open, joining, ended;
	struct channel_streams again; /* that go on after a pause */
	struct channel_streams queue; /* strangers with bytes to work on */
	unsigned joiners;
	struct grasp_timer *turn, *clock;
	int64_t clock_ms; /* when it fires; INT64_MAX: not */
	struct buf plain, wire;
	uint64_t seed;
	struct channel_counters counters;
};

/* --- channel.c ------------------------------------------------------------------------------ */
int64_t channel_now(const struct channel *ch);
void channel_run_soon(struct channel *ch); /* the queue, and closed() callbacks */
void channel_set_deadline(struct channel_stream *s, int64_t delay_ms);

/* --- channel_stream.c ----------------------------------------------------------------------- */
void channel_stream_ops(struct grasp_io_ops *ret); /* those with a stream */
struct channel_stream *
channel_stream_new(struct channel *ch, enum channel_state state, bool server);
void channel_stream_free(struct channel_stream *s); /* its inner stream stays */
void channel_stream_drop(struct channel_stream *s); /* without callbacks */
bool channel_stream_is_stranger(const struct channel_stream *s);
void channel_stream_set_state(struct channel_stream *s, enum channel_state state);
void channel_stream_leave_queue(struct channel_stream *s);
void channel_stream_leave_again(struct channel_stream *s);
void channel_stream_forget_handshake(struct channel_stream *s); /* what only that needs */
int channel_stream_send_wire(struct channel_stream *s); /* what TLS has put into wire */
int channel_stream_put(struct channel_stream *s, struct slice data);
/* After a callback, before which in_callback was set. False: the owner has closed it meanwhile, or it
 * has ended; s may be gone. */
bool channel_stream_leave_callback(struct channel_stream *s);
void channel_stream_say_goodbye(struct channel_stream *s);
void channel_stream_finish(struct channel_stream *s, int err); /* now, and its owner is told */
/* The connection ends now, closed() follows from the loop. */
void channel_stream_end(struct channel_stream *s, int err);
void channel_stream_tell_ended(struct channel_stream *s);

static inline struct grasp_stream *
channel_outer(struct channel_stream *s)
{
	return (struct grasp_stream *)s;
}

/* --- channel_in.c --------------------------------------------------------------------------- */
extern const struct grasp_stream_ops channel_inner_ops; /* arg: a struct channel_stream */
int channel_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret) MUST_CHECK;
/* Bytes of TLS. False: s is gone, or has ended. */
bool channel_stream_take(struct channel_stream *s, struct slice data);
void channel_stream_give_again(struct channel_stream *s);

/* --- channel_stranger.c --------------------------------------------------------------------- */
void channel_stream_accept(struct channel *ch, struct grasp_stream *inner);
size_t channel_stream_take_hello(struct channel_stream *s, struct slice data); /* used */
void channel_stream_take_later(struct channel_stream *s, struct slice data);
/* What a stranger has sent. False: it is gone, or has ended. */
bool channel_stream_work(struct channel_stream *s);
/* Counted, reported, and gone or going. */
void channel_stream_refuse(
    struct channel_stream *s, enum channel_refusal why, const char *text);
void channel_stream_overdue(struct channel_stream *s);

/* --- channel_judge.c: of struct tls_setup; arg is a struct channel_stream ---------------------- */
bool
channel_show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret);
int channel_judge(
    void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why);
bool channel_is_trusted(const struct channel_stream *s); /* still */
enum channel_refusal channel_refusal_of(int err);

/* --- channel_limit.c ------------------------------------------------------------------------ */
/* Is there room for one more stranger? Others may have to leave for it. */
bool channel_make_room(struct channel *ch, const struct addr *peer);
/* The same for one that is known by its key alone. */
void channel_make_room_for_joiner(struct channel *ch, const struct addr *peer);
