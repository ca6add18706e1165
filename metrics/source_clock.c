/* SPDX-License-Identifier: Apache-2.0
 *
 * The clock: what time it is, and whether the kernel believes that it is right (adjtimex(2), which only
 * asks here). */
#include "metrics/source.h"
#include <errno.h>
#include <sys/timex.h>
#include <time.h>

enum {
	NOW,
	SYNCHRONISED,
	OFFSET,
	MAX_ERROR,
	ESTIMATED_ERROR,
	FREQUENCY,
	STATUS,
	TAI,
	METRICS
};
static const struct metric metrics[METRICS] = {
	[NOW] = { "node_time_seconds", "seconds", METRIC_GAUGE,
	    "what time it is, since 1970" },
	[SYNCHRONISED] = { "node_timex_sync_status", "", METRIC_GAUGE,
	    "1 if the clock is synchronised, else 0" },
	[OFFSET] = { "node_timex_offset_seconds", "seconds", METRIC_GAUGE,
	    "how far it is off, of what is being corrected" },
	[MAX_ERROR] = { "node_timex_maxerror_seconds", "seconds", METRIC_GAUGE,
	    "how far it may be off at most" },
	[ESTIMATED_ERROR] = { "node_timex_estimated_error_seconds", "seconds",
	    METRIC_GAUGE, "how far it is off by estimate" },
	[FREQUENCY] = { "node_timex_frequency_adjustment_ratio", "ratio", METRIC_GAUGE,
	    "how much faster than by itself it is made to run" },
	[STATUS] = { "node_timex_status", "", METRIC_GAUGE, "status bits of the kernel" },
	[TAI] = { "node_timex_tai_offset_seconds", "seconds", METRIC_GAUGE,
	    "international atomic time minus UTC" },
};

static int
clock_open(const struct source_env *env, void **ret_inst)
{
	static char nothing;

	(void)env;
	*ret_inst = &nothing;
	return 0;
}

static void
clock_close(void *inst)
{
	(void)inst;
}

static void
put_state(const struct timex *t, int state, struct sink *sink)
{
	double unit = t->status & STA_NANO ? 1e-9 : 1e-6;

	sink_put(sink, &metrics[SYNCHRONISED], NULL, state != TIME_ERROR);
	sink_put(sink, &metrics[OFFSET], NULL, (double)t->offset * unit);
	sink_put(sink, &metrics[MAX_ERROR], NULL, (double)t->maxerror * 1e-6);
	sink_put(sink, &metrics[ESTIMATED_ERROR], NULL, (double)t->esterror * 1e-6);
	/* parts per million, with 16 bits behind the point */
	sink_put(sink, &metrics[FREQUENCY], NULL, 1 + (double)t->freq / 65536 / 1e6);
	sink_put(sink, &metrics[STATUS], NULL, t->status);
	sink_put(sink, &metrics[TAI], NULL, t->tai);
}

static int
clock_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct timex t = { .modes = 0 };
	struct timespec now;
	int state;

	(void)inst;
	(void)now_ms;
	clock_gettime(CLOCK_REALTIME, &now);
	sink_put(sink, &metrics[NOW], NULL,
	    (double)(now.tv_sec * 1000 + now.tv_nsec / 1000000) / 1000);
	for (unsigned i = SYNCHRONISED; i < METRICS; i++)
		if (sink_wants(sink, &metrics[i])) {
			state = adjtimex(&t);
			if (state < 0)
				return -errno;
			put_state(&t, state, sink);
			return 0;
		}
	return 0;
}

const struct source source_clock = {
	.abi = SOURCE_ABI,
	.name = "clock",
	.help = "the clock",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_IN_LOOP,
	.open = clock_open,
	.sample = clock_sample,
	.close = clock_close,
};
