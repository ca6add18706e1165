/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGREPORT, agent to controller: a batch of results of plan items, or of events. M_END accept means
 * stored. Times are the agent's boot clock; the controller maps them to its own wall clock with
 * sent_ms at receipt, so that a node with a wrong clock is still ordered right.
 *
 * A report is plain, each point told in full, or compact: packed behind all that went before on the
 * same link (struct report_stream). */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

#define REPORT_POINTS_MAX     256
#define REPORT_EVENTS_MAX     16
#define REPORT_BYTES_MAX      1200 /* of value: one segment (I-04) */
#define REPORT_REASON_MAX     128
#define REPORT_EVENT_KIND_MAX 32
#define REPORT_EVENT_TEXT_MAX 256

/* Delivery classes (RPT-04), each with numbers of its own. */
enum report_kind {
	REPORT_METRICS, /* comes in order, and again until it is accepted */
	REPORT_EVENTS,	/* the same, and before all others */
	REPORT_LOSSY,	/* is sent once */
	REPORT_AHEAD, /* what is now, while older metrics are on their way; comes again in its turn */
};
#define REPORT_KINDS 4

struct report_point {
	uint32_t item;
	int64_t time_ms;     /* monotonic at the agent */
	double value;	     /* NaN: unknown, see reason */
	uint32_t samples;    /* raw samples it was made of */
	struct slice labels; /* encoded map of text to text; empty: none */
	struct slice reason; /* text, of an unknown: at most REPORT_REASON_MAX bytes */
};
/* Something the agent itself has to say. */
struct report_event {
	int64_t time_ms;
	struct slice kind; /* "report.gap" */
	struct slice
	    text; /* a sentence for people, at most REPORT_EVENT_TEXT_MAX bytes */
	/* Of a gap: the numbers of REPORT_METRICS, or of events, that will never come, and the times of
	 * the first and the last of them; first 0: it is none. */
	uint64_t first, last;
	int64_t from_ms, to_ms;
};
struct fog_report {
	enum report_kind kind;
	uint8_t
	    boot[8]; /* whose numbers these are: random, as old as the agent's journal */
	uint64_t
	    sequence; /* of the first point or event; grows by one per point and never repeats */
	int64_t sent_ms; /* monotonic, now */
	struct report_point point[REPORT_POINTS_MAX];
	struct report_event event[REPORT_EVENTS_MAX];
	uint16_t points, events; /* not both */
	struct slice packed;	 /* data not NULL: compact, there are neither */
	/* Of a compact one, what is told; else it follows from the one before. */
	bool begins; /* boot, sequence and sent_ms: all that was before is forgotten */
	bool has_sequence; /* it does not go on where the one before ended */
	bool has_sent;
};
/* A time after sent_ms is written as sent_ms. */
void fog_report_encode(const struct fog_report *r, struct buf *out);
/* Labels, reasons, texts and packed borrow from value. -EBADMSG; *ret is not to be used then. */
int fog_report_decode(struct slice value, struct fog_report *ret) MUST_CHECK;

/* --- compact ---------------------------------------------------------------------------------- */
/* One stream a link and kind. Within it each series has a number, is told once with item and labels, and
 * its values are packed behind the ones before (base/pack.h), times likewise. Both ends keep the same
 * state; a report that was refused counts. It begins anew with each link, and whenever the sender wants. */
#define REPORT_SERIES_MAX 4096 /* of a stream; the sender then begins anew */
#define REPORT_LABELS_MAX 1024 /* bytes */
#define REPORT_LABELS_ALL (256 << 10) /* of all series of a stream; likewise */

struct report_series {
	uint32_t item;
	struct slice labels; /* own copy */
	void *user;	     /* of the decoder's owner; NULL at first */
	uint32_t plan;	     /* likewise */
};
struct report_value {
	struct report_series *series; /* during the call */
	uint64_t number;
	int64_t time_ms;
	double value;
	uint32_t samples;
	struct slice reason; /* of an unknown */
};
typedef void report_value_f(void *arg, const struct report_value *v);

struct report_stream;
int report_stream_new(struct report_stream **ret) MUST_CHECK;
void report_stream_free(struct report_stream *s); /* user is the owner's */
DEFINE_FREEP(struct report_stream, report_stream_free)

/* Sender: a report of the first of these points, as many as belong into one, of which the first has
 * this number. Points with the same time_ms that follow each other are a row: sort them so. No
 * allocation once all series were told. -ENOMEM, -ENOSPC: the stream begins anew next time. */
int report_stream_put(struct report_stream *s, struct fog_report *head,
    const struct report_point *p, size_t n, struct buf *out, size_t *ret_taken)
    MUST_CHECK;
/* head: kind, boot, sequence and sent_ms are read. */

/* Receiver: calls at() for each value, in order. -EPROTO: the stream has not begun, so the sender has to
 * begin anew; -EBADMSG, -ENOMEM: likewise, and some values may have come. */
int report_stream_take(struct report_stream *s, const struct fog_report *r,
    report_value_f *at, void *arg) MUST_CHECK;
const uint8_t *report_stream_boot(const struct report_stream *s); /* 8 bytes */
uint64_t report_stream_next(const struct report_stream *s); /* number of the next value */
int64_t report_stream_sent(const struct report_stream *s);  /* when the last report was */
void report_stream_reset(struct report_stream *s); /* begins anew; series are forgotten */
size_t report_stream_bytes(const struct report_stream *s); /* of memory */
/* For each series, such as to let go of user. */
void report_stream_each(
    struct report_stream *s, void (*each)(void *arg, struct report_series *r), void *arg);
