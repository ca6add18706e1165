/* SPDX-License-Identifier: Apache-2.0
 *
 * The events that a series has had: is it in one now, how often do they come, and do they come at the
 * same time of the day? Load by the clock has no precursor in the signal; its history is one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define RECURRENCE_ONSETS 16

struct recurrence {
	double fine_s;	  /* time outside of events */
	float violating;  /* how much of the last hold was in violation */
	uint16_t entries; /* events so far */
	uint8_t onsets, newest;
	bool in_event, running; /* running: violating samples without a break */
	int32_t run_s;		/* when that run began */
	int32_t onset_s[RECURRENCE_ONSETS]; /* a ring; seconds since any origin */
	float spacing, spacing_var;	    /* logarithms of seconds between onsets */
	uint16_t spacings;
};
/* A sample: when, whether it violates, how long since the one before, and how long a violation must
 * last to be an event, > 0. */
void recurrence_update(
    struct recurrence *r, int32_t now_s, bool violates, float elapsed_s, float hold_s);
/* Events are not where the clock says they were. */
void recurrence_forget_times(struct recurrence *r);
/* Logarithm of how often events come, per lead, -8..0. */
float recurrence_rate(const struct recurrence *r, float lead_s);
/* Chance of one in the lead to come, given how they are spaced and how long ago the last one was.
 * 0: there were fewer than three. step_s: between samples. */
float
recurrence_renewal(const struct recurrence *r, int32_t now_s, float lead_s, float step_s);
/* On which share of the days before did one start in the lead to come, counted from this hour?
 * 0: never or unknown. slack_s: how well the time of an onset is known. */
float
recurrence_today(const struct recurrence *r, int32_t now_s, float lead_s, float slack_s);
