/* SPDX-License-Identifier: Apache-2.0
 *
 * Pressure stall information: how long tasks waited for a resource ("some": at least one did;
 * "full": all did). A kernel without it has no such files, and then this source gives nothing. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CPU, MEMORY, IO, RESOURCES };
enum { WAITING, STALLED, KINDS };

static const char *const resource_name[RESOURCES] = { "cpu", "memory", "io" };
static const char *const kind_name[KINDS] = { "waiting", "stalled" };
static const struct metric metrics[] = {
	{ "node_pressure_cpu_waiting_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which tasks waited for the processor" },
	{ "node_pressure_memory_waiting_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which tasks waited for memory" },
	{ "node_pressure_memory_stalled_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which all tasks waited for memory" },
	{ "node_pressure_io_waiting_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which tasks waited for input or output" },
	{ "node_pressure_io_stalled_seconds_total", "seconds", METRIC_COUNTER,
	    "time in which all tasks waited for input or output" },
	{ "node_pressure_avg10_ratio", "ratio", METRIC_GAUGE,
	    "share of the last 10 seconds in which tasks waited" },
};
/* The kernel's "full" line of the processor means nothing for the whole machine. */
static const struct metric *const total[RESOURCES][KINDS] = {
	[CPU] = { &metrics[0], NULL },
	[MEMORY] = { &metrics[1], &metrics[2] },
	[IO] = { &metrics[3], &metrics[4] },
};

struct pressure {
	struct file file[RESOURCES];
};

static void
pressure_close(void *inst)
{
	struct pressure *p = inst;

	for (unsigned i = 0; i < RESOURCES; i++)
		file_done(&p->file[i]);
	free(p);
}

static int
pressure_open(const struct source_env *env, void **ret_inst)
{
	struct pressure *p = calloc(1, sizeof *p);
	char name[32];

	if (!p)
		return -ENOMEM;
	for (unsigned i = 0; i < RESOURCES; i++) {
		snprintf(name, sizeof name, "pressure/%s", resource_name[i]);
		if (file_init(&p->file[i], env->proc, name) < 0) {
			pressure_close(p);
			return -ENOMEM;
		}
	}
	*ret_inst = p;
	return 0;
}

/* "some avg10=0.07 avg60=0.10 avg300=0.13 total=7714979": percent and microseconds. */
static void
put_line(const char *line, unsigned resource, struct sink *sink)
{
	struct metric_labels labels = { 0 };
	double avg10, total_us;
	char kind[8];
	unsigned k;

	if (sscanf(line, "%7s avg10=%lf avg60=%*f avg300=%*f total=%lf", kind, &avg10,
		&total_us) != 3)
		return;
	k = strcmp(kind, "full") == 0 ? STALLED : WAITING;
	if (!total[resource][k])
		return;
	metric_labels_add(&labels, "resource", resource_name[resource]);
	metric_labels_add(&labels, "kind", kind_name[k]);
	sink_put(sink, total[resource][k], NULL, total_us / 1e6);
	sink_put(sink, &metrics[ARRAY_LEN(metrics) - 1], &labels, avg10 / 100);
}

static int
pressure_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct pressure *p = inst;
	int err = 0;

	(void)now_ms;
	for (unsigned i = 0; i < RESOURCES; i++) {
		char text[FILE_ATTRIBUTE_MAX], *rest = text, *line;
		ssize_t n = file_read(&p->file[i], text, sizeof text);

		if (n < 0)
			err = (int)n;
		while (n > 0 && (line = strsep(&rest, "\n")))
			put_line(line, i, sink);
	}
	return err;
}

static const struct source_labels labels_of[] = {
	{ "node_pressure_avg10_", "resource, kind" },
	{ NULL, NULL },
};

const struct source source_pressure = {
	.abi = SOURCE_ABI,
	.name = "pressure",
	.help = "pressure stall information (PSI)",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.open = pressure_open,
	.sample = pressure_sample,
	.close = pressure_close,
};
