/* SPDX-License-Identifier: Apache-2.0
 *
 * What the agent does to a series before the controller gets it: samples at a period of its own choice
 * and keeps to itself what is not worth a report. In between, the receiver takes it for what it held. */
#pragma once
#include "base/mem.h"
#include <stdint.h>

enum sender_mode {
	SENDER_PERIODIC = 1,
	SENDER_SUPPRESSED = 2,
	SENDER_LINE = 4,
	SENDER_ADAPTIVE = 8,
};
struct sender;

struct sender_counts {
	unsigned long samples, messages, readings; /* there were, were sent, were taken */
};
/* A name of a mode; 0: there is none of that name. */
int sender_mode_find(const char *name);

/* share: of the distance to the threshold that makes a report; threshold may be NaN. */
int sender_new(int mode, double share, int64_t period_ms, double threshold, double range,
    struct sender **ret) MUST_CHECK;
void sender_free(struct sender *s);
/* A sample there was; returns what the controller takes the series for. */
double sender_pass(
    struct sender *s, int64_t time_ms, double value, struct sender_counts *counts);
