/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan costs on the wire, reckoned from how often its items have something to say: all bytes both
 * ways, with TLS records, TCP, IPv6 and Ethernet headers and acknowledgements. tests/bench/plan_traffic
 * compares it with what is counted. */
#pragma once
#include "protocol/plan.h"
#include <stddef.h>

/* An item, as the agent reports it. Items are evaluated on one grid, and what they say in one evaluation
 * goes in one report. */
struct traffic_item {
	int64_t period_ms;
	double series;
	double told; /* probability that one evaluation of a series is reported */
};
struct traffic_terms { /* of the session */
	int64_t beat_ms;  /* heartbeats: registry_beat() */
	int64_t lease_ms;
	int64_t flush_ms; /* reports are answered together so long after the first */
};
struct traffic {
	double values_s, reports_s;
	double report_bytes_s;	/* reports and their answers */
	double session_bytes_s; /* heartbeats and renewals beside them */
};
void traffic_reckon(const struct traffic_item *item, size_t n,
    const struct traffic_terms *terms, struct traffic *ret);
/* Bytes a second of probes of one path each period, with their answers. */
double traffic_probes(int64_t period_ms);
/* That many values each second in one report. */
double traffic_raw(size_t values, const struct traffic_terms *terms);

/* How often a rule has something to say, replayed over values that stand step_ms apart: the probability
 * for an evaluation each item->period_ms. NaN: too few values to tell. values may have NaN in it. */
double traffic_replay(
    const struct plan_item *item, const double *values, size_t n, int64_t step_ms);
