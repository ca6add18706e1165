/* SPDX-License-Identifier: Apache-2.0
 *
 * What monitoring itself costs: the agent tells what only it knows (metrics/self.h), the kernel the rest.
 * The loop sleeps in one system call, so the times that it went to sleep of itself are its wake-ups. */
#include "metrics/file.h"
#include "metrics/self.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { WAKEUPS = SELF_VALUES, CPU, RESIDENT, METRICS };

static const struct metric metrics[METRICS] = {
	[SELF_LAG] = { "fogwatch_agent_loop_lag_seconds", "seconds", METRIC_GAUGE,
	    "how late the loop came to what was due, the worst since it was told last" },
	[SELF_READS] = { "fogwatch_agent_source_reads_total", "", METRIC_COUNTER,
	    "times that a source was read" },
	[SELF_SAMPLES] = { "fogwatch_agent_samples_total", "", METRIC_COUNTER,
	    "values that were kept" },
	[SELF_SERIES] = { "fogwatch_agent_series", "", METRIC_GAUGE,
	    "series that are kept" },
	[SELF_HISTORY_BYTES] = { "fogwatch_agent_history_bytes", "bytes", METRIC_GAUGE,
	    "memory that history takes" },
	[SELF_SENT_BYTES] = { "fogwatch_agent_sent_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes of messages sent on the present session, label destination" },
	[SELF_REPORT_QUEUE] = { "fogwatch_agent_report_queue", "", METRIC_GAUGE,
	    "results that no controller has accepted yet, label destination" },
	[SELF_REPORT_BYTES] = { "fogwatch_agent_report_bytes_total", "bytes",
	    METRIC_COUNTER, "bytes of reports, label destination" },
	[SELF_ITEM_BYTES] = { "fogwatch_agent_item_bytes_total", "bytes", METRIC_COUNTER,
	    "bytes of reports for a plan item, labels destination and item" },
	[WAKEUPS] = { "fogwatch_agent_wakeups_total", "", METRIC_COUNTER,
	    "times that the loop was woken up" },
	[CPU] = { "fogwatch_agent_cpu_seconds_total", "seconds", METRIC_COUNTER,
	    "processor time of the process" },
	[RESIDENT] = { "fogwatch_agent_resident_bytes", "bytes", METRIC_GAUGE,
	    "memory of the process that is present" },
};

static const struct source_labels labels_of[] = {
	{ "fogwatch_agent_item_", "destination, item" },
	{ "fogwatch_agent_sent_", "destination" },
	{ "fogwatch_agent_report_", "destination" },
	{ NULL, NULL },
};

struct own {
	const struct source_self *self;
	struct file statm;
	double page;
};

static void
agent_close(void *inst)
{
	struct own *o = inst;

	file_done(&o->statm);
	free(o);
}

static int
agent_open(const struct source_env *env, void **ret_inst)
{
	struct own *o = calloc(1, sizeof *o);

	if (!o || file_init(&o->statm, env->proc, "self/statm") < 0) {
		free(o);
		return -ENOMEM;
	}
	o->self = env->self;
	o->page = (double)sysconf(_SC_PAGESIZE);
	*ret_inst = o;
	return 0;
}

static void
put_told(void *to, enum self_value what, const char *destination, const char *item,
    double value)
{
	struct metric_labels labels = { 0 };

	if (destination[0])
		metric_labels_add(&labels, "destination", destination);
	if (item[0])
		metric_labels_add(&labels, "item", item);
	sink_put(to, &metrics[what], &labels, value);
}

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec * 1e-6;
}

static void
put_usage(struct own *o, struct sink *sink)
{
	struct rusage loop, process;
	char text[FILE_ATTRIBUTE_MAX];
	unsigned long resident;

	if (getrusage(RUSAGE_THREAD, &loop) == 0)
		sink_put(sink, &metrics[WAKEUPS], NULL, (double)loop.ru_nvcsw);
	if (getrusage(RUSAGE_SELF, &process) == 0)
		sink_put(sink, &metrics[CPU], NULL,
		    seconds(&process.ru_utime) + seconds(&process.ru_stime));
	if (file_read(&o->statm, text, sizeof text) > 0 &&
	    sscanf(text, "%*u %lu", &resident) == 1)
		sink_put(sink, &metrics[RESIDENT], NULL, (double)resident * o->page);
}

/* A program that tells nothing is no agent. */
static int
agent_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct own *o = inst;

	(void)now_ms;
	if (!o->self)
		return -ENODEV;
	o->self->tell(o->self->arg, put_told, sink);
	put_usage(o, sink);
	return 0;
}

const struct source source_agent = {
	.abi = SOURCE_ABI,
	.name = "agent",
	.help = "the agent itself",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.flags = SOURCE_IN_LOOP,
	.open = agent_open,
	.sample = agent_sample,
	.close = agent_close,
};
