/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/sender.h"
#include "agent/worth.h"
#include "metrics/held.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define HEARTBEATS 60 /* samples */
#define STRETCH	   10 /* adaptive: periods */
#define DEADBAND   0.01

struct sender {
	int mode;
	int64_t period_ms, due_ms;
	struct plan_item item;
	struct worth *worth;
	struct held held;
};
static const struct {
	const char *name;
	int mode;
} modes[] = { { "periodic", SENDER_PERIODIC }, { "suppressed", SENDER_SUPPRESSED },
	{ "line", SENDER_SUPPRESSED | SENDER_LINE },
	{ "adaptive", SENDER_SUPPRESSED | SENDER_ADAPTIVE },
	{ "adaptive-line", SENDER_SUPPRESSED | SENDER_ADAPTIVE | SENDER_LINE } };

int
sender_mode_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(name, modes[i].name) == 0)
			return modes[i].mode;
	return 0;
}

static void
describe_item(struct sender *s, double share, double threshold, double range)
{
	bool suppressed = s->mode & SENDER_SUPPRESSED;

	s->item = (struct plan_item){ .id = 1,
		.period_ms = (uint32_t)s->period_ms,
		.mode = suppressed ? PLAN_SUPPRESSED : PLAN_PERIODIC,
		.flags = s->mode & SENDER_LINE ? PLAN_LINE : 0,
		.deadband = DEADBAND * range,
		.share = share,
		.heartbeat_ms = (uint32_t)(HEARTBEATS * s->period_ms),
		.period_max_ms =
		    s->mode & SENDER_ADAPTIVE ? (uint32_t)(STRETCH * s->period_ms) : 0,
		.threshold = { threshold },
		.thresholds = !isnan(threshold) };
}

int
sender_new(int mode, double share, int64_t period_ms, double threshold, double range,
    struct sender **ret)
{
	struct sender *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->mode = mode;
	s->period_ms = period_ms;
	describe_item(s, share, threshold, range);
	err = worth_new(&s->item, &s->worth);
	if (err < 0) {
		free(s);
		return err;
	}
	*ret = s;
	return 0;
}

void
sender_free(struct sender *s)
{
	if (!s)
		return;
	worth_free(s->worth);
	free(s);
}

/* Does the agent report it? */
static bool
report(struct sender *s, int64_t time_ms, double value, struct sender_counts *counts)
{
	const struct report_point p = { .item = 1, .time_ms = time_ms, .value = value };
	bool sent;

	counts->samples++;
	if (time_ms + s->period_ms / 2 < s->due_ms)
		return false;
	counts->readings++;
	worth_begin(s->worth);
	sent = worth_look(s->worth, &p);
	s->due_ms = time_ms + worth_period(s->worth);
	counts->messages += sent;
	return sent;
}

double
sender_pass(struct sender *s, int64_t time_ms, double value, struct sender_counts *counts)
{
	if (report(s, time_ms, value, counts))
		held_take(&s->held, time_ms, value, s->period_ms);
	return held_at(&s->held, time_ms, s->period_ms, s->mode & SENDER_LINE);
}
