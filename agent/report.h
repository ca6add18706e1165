/* SPDX-License-Identifier: Apache-2.0
 *
 * Sends results to one controller: several in a message of about one segment, the next message
 * when the one before was accepted (stored), what was not accepted again after a reconnect. Results
 * made while there is no session wait in the spool. */
#pragma once
#include "grasp/grasp.h"
#include "protocol/report.h"

struct reporter;

struct reporter_config {
	const char *prefix;  /* of objective names; NULL: none */
	const uint8_t *boot; /* 8 bytes */
	size_t spool_bytes;
	void (*forgotten)(void *arg); /* the controller says that it does not know us */
	void (*silent)(void *arg);    /* it does not answer on an open link */
	void *arg;
};
struct reporter_stats {
	uint64_t points, sent, accepted, rejected, dropped, reports, bytes;
	uint64_t waiting; /* in the spool now */
};

int reporter_new(struct grasp_io *io, const struct reporter_config *cfg,
    struct reporter **ret) MUST_CHECK;
void reporter_free(struct reporter *r);
DEFINE_FREEP(struct reporter, reporter_free)

/* How long a result may wait for others. */
void reporter_delay(struct reporter *r, int64_t ms);
void reporter_add(struct reporter *r, const struct report_point *p);
/* The link of a registered session; NULL when there is none any more. */
void reporter_attach(struct reporter *r, struct grasp_link *link);
void reporter_stats(const struct reporter *r, struct reporter_stats *ret);
