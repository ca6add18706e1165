/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the reporter: report.c decides what goes when, report_send.c has the reports that are on their
 * way, report_journal.c what is on the disk. */
#pragma once
#include <sys/queue.h>

#include "agent/batch.h"
#include "agent/report.h"
#include "agent/timing.h"

#define FLIGHTS_MAX   48 /* of 64 sessions that a peer may have begun */
#define BACKLOG_MAX   24 /* of them for what is late */
#define ITEMS_COUNTED 256
#define READ_POINTS   512 /* of the journal, for one report or a few */

/* A report that is on its way. */
struct flight {
	TAILQ_ENTRY(flight) entry;
	struct reporter *reporter;
	struct grasp_session *session;
	enum report_kind kind;
	bool late;	     /* of the backlog */
	bool done;	     /* accepted; others before it are not yet */
	uint64_t first, end; /* numbers */
};
TAILQ_HEAD(flights, flight);

struct item_count {
	uint32_t item;
	bool used;
	struct reporter_item is;
};

/* What of the journal goes out. */
struct reading {
	struct journal_cursor *cursor;
	struct report_stream *stream;
	struct batch batch;
	uint64_t first;		    /* number of the first point in the batch */
	struct journal_record held; /* read, but it does not follow */
	bool holds;
	int64_t shift_ms; /* of the record that is being unpacked */
	uint64_t undated; /* number that was told to be so */
	int err;
};

struct reporter {
	struct grasp_io *io;
	struct reporter_config cfg;
	struct grasp_link *link; /* NULL: no session */

	struct journal *metrics, *events;
	struct report_stream *disk; /* packs for the journal */
	uint64_t disk_segment;
	struct batch live; /* metrics; the first `kept` of them are in the journal */
	size_t kept;
	uint64_t live_first; /* number of the first one, if kept > 0 */
	int64_t live_since_ms, unkept_since_ms;
	bool hurry; /* nothing was sent on this link yet */
	struct batch lossy;
	uint64_t lossy_next, ahead_next; /* numbers */

	uint64_t next;	     /* metric to be sent next on this link */
	uint64_t event_next; /* likewise */
	struct reading reading;
	struct report_stream *wire[REPORT_KINDS];
	struct flights flights, idle;
	struct flight flight[FLIGHTS_MAX];
	unsigned in_flight, late_in_flight;
	bool event_in_flight;

	struct grasp_timer *timer, *sync;
	int64_t due_ms, sync_due_ms; /* INT64_MAX: the timer does not run */
	int64_t delay_ms, busy_ms, busy_until_ms, warned_ms;
	double tokens; /* bytes */
	int64_t tokens_ms;
	struct item_count item[ITEMS_COUNTED];
	struct reporter_stats stats;
};

/* report.c */
void report_look(
    struct reporter *r); /* sends what may go, and sees to it that it is called again */
/* report_journal.c */
int report_journals_open(struct reporter *r) MUST_CHECK;
void report_journals_close(struct reporter *r);
void report_keep(struct reporter *r); /* the live ones into the journal */
void report_keep_event(struct reporter *r, const struct fog_report *one);
void report_one_init(struct reporter *r, struct fog_report *one); /* empty, of events */
void report_sync_later(struct reporter *r);
/* More of the backlog into reading.batch, if it is empty. False: there is none. */
bool report_read(struct reporter *r);
void report_rewind(struct reporter *r); /* to the oldest that is not accepted */
/* The next event or urgent value; borrows from the cursor. */
bool
report_read_event(struct reporter *r, struct journal_cursor *c, struct fog_report *ret);
/* report_send.c */
/* Points of one kind, beginning with this number. Returns how many went, or -errno. */
ssize_t report_send_points(struct reporter *r, enum report_kind kind, bool late,
    const struct report_point *p, size_t n, uint64_t first);
int report_send_event(struct reporter *r, const struct fog_report *events) MUST_CHECK;
void report_cancel_all(struct reporter *r);
