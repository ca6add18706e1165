/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/path.h"
#include <math.h>
#include <string.h>

#define UP_OVER 3

void
path_init(struct path *p)
{
	memset(p, 0, sizeof *p);
	p->sent_ms = INT64_MIN;
	p->last = p->jitter = NAN;
}

/* The i-th newest, 0 the newest. */
static struct path_probe *
probe_at(const struct path *p, unsigned i)
{
	return (
	    struct path_probe *)&p->probe[(p->next + PATH_PROBES - 1 - i) % PATH_PROBES];
}

void
path_send(struct path *p, uint16_t seq, int64_t now_ms, int64_t sent_ns)
{
	p->probe[p->next] = (struct path_probe){ .fate = PATH_FLYING,
		.seq = seq,
		.sent_ms = now_ms,
		.sent_ns = sent_ns,
		.round_trip = NAN };
	p->next = (p->next + 1) % PATH_PROBES;
	p->interval_ms = p->sent_ms == INT64_MIN ? 0 : now_ms - p->sent_ms;
	p->sent_ms = now_ms;
	p->sent++;
}

void
path_fail(struct path *p)
{
	probe_at(p, 0)->fate = PATH_LOST;
}

/* RFC 3550, 6.4.1: the difference of transit times of neighbours, which for round trips is that of the
 * trips, smoothed by 1/16. */
static void
add_jitter(struct path *p, double round_trip)
{
	double difference = fabs(round_trip - p->last);

	if (!isnan(difference))
		p->jitter = isnan(p->jitter) ? difference / 16
					     : p->jitter + (difference - p->jitter) / 16;
	p->last = round_trip;
}

bool
path_answer(struct path *p, uint16_t seq, int64_t received_ns)
{
	for (unsigned i = 0; i < PATH_PROBES; i++) {
		struct path_probe *probe = probe_at(p, i);
		double round_trip = (double)(received_ns - probe->sent_ns) * 1e-9;

		if (probe->fate != PATH_FLYING || probe->seq != seq)
			continue;
		probe->fate = PATH_ANSWERED;
		p->answered++;
		if (round_trip >= 0 && round_trip * 1000 <= 2 * PATH_TIMEOUT_MS) {
			probe->round_trip = round_trip;
			add_jitter(p, round_trip);
		}
		return true;
	}
	return false;
}

void
path_expire(struct path *p, int64_t now_ms)
{
	for (unsigned i = 0; i < PATH_PROBES; i++) {
		struct path_probe *probe = probe_at(p, i);

		if (probe->fate == PATH_FLYING &&
		    now_ms - probe->sent_ms >= PATH_TIMEOUT_MS)
			probe->fate = PATH_LOST;
	}
}

/* Of the newest `over` that have come to an end: how many, and how many of them were lost. An answer
 * comes sooner than a loss is noticed, so settled leaves out all that are newer than one under way. */
static unsigned
count_ended(const struct path *p, bool settled, unsigned over, unsigned *ret_lost)
{
	unsigned ended = 0, from = 0;

	for (unsigned i = 0; settled && i < PATH_PROBES; i++)
		if (probe_at(p, i)->fate == PATH_FLYING)
			from = i;
	*ret_lost = 0;
	for (unsigned i = from; i < PATH_PROBES && ended < over; i++) {
		enum path_fate fate = probe_at(p, i)->fate;

		ended += fate == PATH_ANSWERED || fate == PATH_LOST;
		*ret_lost += fate == PATH_LOST;
	}
	return ended;
}

bool
path_loss(const struct path *p, double *ret_ratio)
{
	unsigned lost, ended = count_ended(p, true, PATH_LOSS_OVER, &lost);

	if (ended == 0)
		return false;
	*ret_ratio = (double)lost / ended;
	return true;
}

bool
path_up(const struct path *p, bool *ret)
{
	unsigned lost, ended = count_ended(p, false, UP_OVER, &lost);

	*ret = lost < ended;
	return ended > 0;
}

bool
path_round_trip(const struct path *p, double *ret)
{
	for (unsigned i = 0; i < PATH_PROBES; i++) {
		const struct path_probe *probe = probe_at(p, i);

		if (probe->fate == PATH_LOST)
			return false;
		if (probe->fate == PATH_ANSWERED) {
			*ret = probe->round_trip;
			return !isnan(*ret);
		}
	}
	return false;
}
