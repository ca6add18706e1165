/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/traffic.h"

#include <math.h>

#include "base/mem.h"

/* Ethernet 14, IPv6 40, TCP with timestamps 32; an acknowledgement is that alone. */
#define SEGMENT 86.0
#define RECORD	22.0 /* TLS 1.3 with its tag */
/* GRASP and the CBOR around the values: a request with the objective, M_END, M_NOOP. */
#define REPORT_HEAD 30.0
#define ANSWER	    10.0
#define NOOP	    2.0
/* Values packed behind the ones before: how many bytes (base/pack.h); noise costs more than this, what
 * stays the same less. */
#define VALUE 3.5
#define ROW   2.0 /* its time, and which series */
/* A renewal: registration, lease, end, each acknowledged. */
#define RENEWAL	      (6 * SEGMENT + 3 * RECORD + 140)
#define RENEWALS_IDLE 3.0 /* in the time of a lease, ... */
#define RENEWALS      1.0 /* ... and where reports are accepted meanwhile */
#define RAW_VALUE     0.5 /* of all metrics together: most of them stand still */
#define ECHO	      (14.0 + 40 + 8 + 16) /* ICMPv6 */
#define SLOTS_MAX     600
#define GAP_MAX_S     120.0
#define SLACK	      1.125 /* an agent gives reports so much more time before it beats */
#define CONTROLLER    2.25  /* the controller's heartbeat, in heartbeats of the agent */
#define NEGLIGIBLE    1e-4
#define REPLAY_MIN    8 /* values, to say anything */

/* --- reports ------------------------------------------------------------------------------------- */

/* The probability of a report at each instant of the grid, over the longest period; and the values in it. */
struct slots {
	int64_t step_ms;
	size_t len;
	double report[SLOTS_MAX], values_s;
};

static int64_t
common_divisor(int64_t a, int64_t b)
{
	while (b) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

static void
make_slots(struct slots *s, const struct traffic_item *item, size_t n)
{
	int64_t longest = 0;

	s->step_ms = 0;
	s->values_s = 0;
	for (size_t i = 0; i < n; i++) {
		s->step_ms = common_divisor(s->step_ms, item[i].period_ms);
		longest = item[i].period_ms > longest ? item[i].period_ms : longest;
		s->values_s +=
		    item[i].series * item[i].told * 1000 / (double)item[i].period_ms;
	}
	s->len = 0;
	if (!s->step_ms)
		return;
	s->len =
	    longest / s->step_ms < SLOTS_MAX ? (size_t)(longest / s->step_ms) : SLOTS_MAX;
	for (size_t k = 0; k < s->len; k++) {
		double silent = 1;

		for (size_t i = 0; i < n; i++)
			if ((int64_t)k * s->step_ms % item[i].period_ms == 0)
				silent *= pow(1 - fmin(item[i].told, 1), item[i].series);
		s->report[k] = 1 - silent;
	}
}

static double
report_rate(const struct slots *s)
{
	double sum = 0;

	for (size_t k = 0; k < s->len; k++)
		sum += s->report[k];
	return s->len ? sum * 1000 / (double)(s->step_ms * (int64_t)s->len) : 0;
}

/* --- heartbeats ------------------------------------------------------------------------------------ */

/* Heartbeats in the silence behind a report at slot k, on the average. */
static double
beats_behind(const struct slots *s, size_t k, double beat_s)
{
	double step_s = (double)s->step_ms / 1000, silent = 1, beats = 0, next = beat_s;

	for (double at = step_s; at < GAP_MAX_S && silent > NEGLIGIBLE; at += step_s) {
		while (next < at) {
			beats += silent;
			next += beat_s;
		}
		k = (k + 1) % s->len;
		silent *= 1 - s->report[k];
	}
	return beats + silent * GAP_MAX_S / beat_s;
}

/* A second, of somebody who beats when it has said nothing for so long. */
static double
beats_of_agent(const struct slots *s, double beat_s)
{
	double beats = 0, reports = 0;

	for (size_t k = 0; k < s->len; k++)
		if (s->report[k] > 0) {
			beats += s->report[k] * beats_behind(s, k, beat_s);
			reports += s->report[k];
		}
	if (reports <= 0)
		return 1 / beat_s;
	beats *= 1000 / (double)(s->step_ms * (int64_t)s->len);
	return fmin(beats, 1 / beat_s);
}

/* In the time of a lease. */
static double
renewals(double reports_s, double lease_s)
{
	double covered = fmin(1, reports_s * lease_s / RENEWALS_IDLE);

	return RENEWALS_IDLE + (RENEWALS - RENEWALS_IDLE) * covered;
}

void
traffic_reckon(const struct traffic_item *item, size_t n,
    const struct traffic_terms *terms, struct traffic *ret)
{
	double beat_s = (double)terms->beat_ms / 1000 * SLACK,
	       lease_s = (double)terms->lease_ms / 1000,
	       flush_s = (double)terms->flush_ms / 1000, answers_s, beats_s, own_s;
	UNSET struct slots s;

	make_slots(&s, item, n);
	ret->values_s = s.values_s;
	ret->reports_s = report_rate(&s);
	answers_s = ret->reports_s > 0 ? 1 / (flush_s + 1 / ret->reports_s) : 0;
	ret->report_bytes_s =
	    ret->reports_s * (2 * SEGMENT + RECORD + REPORT_HEAD + ROW + ANSWER) +
	    ret->values_s * VALUE + answers_s * (2 * SEGMENT + RECORD);
	beats_s = beats_of_agent(&s, beat_s);
	own_s = 1 / (CONTROLLER * terms->beat_ms / 1000);
	own_s = fmax(0, own_s - answers_s / 2); /* an answer is as good as half of one */
	ret->session_bytes_s = (beats_s + own_s) * (2 * SEGMENT + RECORD + NOOP) +
	    (lease_s > 0 ? renewals(ret->reports_s, lease_s) * RENEWAL / lease_s : 0);
}

double
traffic_probes(int64_t period_ms)
{
	return 2 * ECHO * 1000 / (double)period_ms;
}

double
traffic_raw(size_t values, const struct traffic_terms *terms)
{
	const struct traffic_item all = {
		.period_ms = 1000, .series = (double)values, .told = 1
	};
	struct traffic t;

	traffic_reckon(&all, 1, terms, &t);
	return t.report_bytes_s - (double)values * (VALUE - RAW_VALUE);
}

/* --- the rule ------------------------------------------------------------------------------------- */

static bool
has_moved(const struct plan_item *item, double before, double now)
{
	double distance = INFINITY, limit = item->deadband;

	for (unsigned i = 0; i < item->thresholds; i++) {
		double threshold = item->threshold[i];

		if ((before > threshold) != (now > threshold))
			return true;
		distance = fmin(distance, fabs(before - threshold));
	}
	if (item->thresholds)
		limit = fmax(limit, item->share * distance);
	return limit > 0 ? fabs(now - before) > limit : now != before;
}

static bool
is_told(const struct plan_item *item, double before, double now)
{
	switch (item->mode) {
	case PLAN_PERIODIC:
		return true;
	case PLAN_ON_CHANGE:
		return item->deadband > 0 ? fabs(now - before) > item->deadband
					  : now != before;
	case PLAN_ON_CONDITION:
		return (before != 0) != (now != 0);
	case PLAN_SUPPRESSED:
		return has_moved(item, before, now);
	}
	return true;
}

/* Share of every stride-th value that is told. */
static double
share_told(
    const struct plan_item *item, const double *v, size_t n, size_t stride, size_t *ret)
{
	double held = NAN;
	size_t told = 0, seen = 0;

	for (size_t i = 0; i < n; i += stride) {
		if (isnan(v[i]))
			continue;
		if (isnan(held)) {
			held = v[i];
			continue;
		}
		seen++;
		if (!is_told(item, held, v[i]))
			continue;
		told++;
		held = v[i];
	}
	*ret = seen;
	return seen ? (double)told / (double)seen : 0;
}

/* What wanders is told less often the more often it is looked at, noise is not: how the share grows
 * from one distance to its double tells which of them it is. */
double
traffic_replay(
    const struct plan_item *item, const double *values, size_t n, int64_t step_ms)
{
	double one, two, grows = 1, told, silence;
	size_t seen, seen_two;

	if (item->mode == PLAN_PERIODIC)
		return 1;
	one = share_told(item, values, n, 1, &seen);
	two = share_told(item, values, n, 2, &seen_two);
	if (seen < REPLAY_MIN)
		return NAN;
	if (one > 0 && two > 0)
		grows = fmin(fmax(log2(two / one), 0), 1);
	told = fmin(one * pow((double)item->period_ms / (double)step_ms, grows), 1);
	if (!item->heartbeat_ms)
		return told;
	silence = (double)item->heartbeat_ms / (double)item->period_ms;
	return told + (1 - told) * pow(1 - told, silence) / silence;
}
