/* SPDX-License-Identifier: Apache-2.0
 *
 * Results on their way to one controller, by delivery class (RPT-04). Metrics and events are in a journal
 * before they are sent, and go again until they are accepted: events first, what is live next, and in
 * order what could not be sent when it was made; meanwhile the live ones go ahead, too, so that the
 * controller knows what is now. Lossy telemetry is sent once or not at all, the newest of it.
 *
 * Above the byte budget reports wait and become fewer and larger, and of lossy telemetry the newest values
 * alone remain; events go at once. */
#pragma once
#include "agent/journal.h"
#include "grasp/grasp.h"
#include "protocol/report.h"

struct reporter;

/* What a report costs beside its value: GRASP 22, TLS 22, TCP, IPv6 and Ethernet 86, and the same of an
 * acknowledgement. */
#define REPORT_OVERHEAD (22 + 22 + 86 + 86)

struct reporter_config {
	const char *prefix;		  /* of objective names; NULL: none */
	const char *dir;		  /* of the journals; NULL: they are in memory */
	size_t metric_bytes, event_bytes; /* bounds of them */
	int64_t budget;			  /* bytes a second, with all headers; 0: none */
	int64_t
	    delay_ms; /* how long a result waits for others; 0: reporter_delay() says */
	void (*forgotten)(void *arg); /* the controller says that it does not know us */
	void (*accepted)(void *arg);  /* it has stored something of ours */
	void (*silent)(void *arg);    /* it does not answer on an open link */
	void *arg;
};
/* bytes: what reports have cost on the wire, headers and acknowledgements included. */
struct reporter_stats {
	uint64_t points, sent, accepted, rejected, dropped, reports, bytes, events, gaps;
	uint64_t waiting; /* not accepted, in the journals */
	size_t journal_bytes;
	bool on_disk;
};
struct reporter_item {
	uint64_t values,
	    bytes; /* that were sent, again if need be; bytes: its share of each report */
};

int reporter_new(struct grasp_io *io, const struct reporter_config *cfg,
    struct reporter **ret) MUST_CHECK;
void reporter_free(struct reporter *r); /* what is not accepted is in the journals */
DEFINE_FREEP(struct reporter, reporter_free)

/* How long a result may wait for others. */
void reporter_delay(struct reporter *r, int64_t ms);
void reporter_budget(struct reporter *r, int64_t bytes_s);
void
reporter_add(struct reporter *r, enum report_kind kind, const struct report_point *p);
/* kind: "plugin.failed"; text: a sentence. */
void reporter_event(struct reporter *r, const char *kind, const char *text);
/* The link of a registered session; NULL when there is none any more. */
void reporter_attach(struct reporter *r, struct grasp_link *link);
void reporter_stats(const struct reporter *r, struct reporter_stats *ret);
void reporter_item(const struct reporter *r, uint32_t item, struct reporter_item *ret);
