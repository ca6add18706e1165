/* SPDX-License-Identifier: Apache-2.0
 *
 * Pressure stall information: how long tasks waited for a resource ("some": at least one did;
 * "full": all did). A kernel without it has no such files, and then this source gives nothing. */
#include "metrics/file.h"
#include "metrics/scan.h"
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
	{ "node_pressure_avg60_ratio", "ratio", METRIC_GAUGE,
	    "share of the last minute in which tasks waited" },
	{ "node_pressure_avg300_ratio", "ratio", METRIC_GAUGE,
	    "share of the last 5 minutes in which tasks waited" },
};
#define AVERAGES 3
#define AVERAGE	 (ARRAY_LEN(metrics) - AVERAGES)
static const char *const average_name[AVERAGES] = { "avg10=", "avg60=", "avg300=" };
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
static bool
parse_values(const char *at, double average[AVERAGES], double *total_us)
{
	for (unsigned i = 0; i < AVERAGES; i++) {
		at = scan_word(at + strspn(at, " "), average_name[i]);
		if (!at || !scan_number(&at, &average[i]))
			return false;
	}
	at = scan_word(at + strspn(at, " "), "total=");
	return at && scan_number(&at, total_us);
}

static void
put_line(const char *line, unsigned resource, struct sink *sink)
{
	const char *some = scan_word(line, "some "), *full = scan_word(line, "full ");
	unsigned kind = full ? STALLED : WAITING;
	struct metric_labels labels = { 0 };
	double average[AVERAGES], total_us;

	if ((!some && !full) || !total[resource][kind] ||
	    !parse_values(some ? some : full, average, &total_us))
		return;
	metric_labels_add(&labels, "resource", resource_name[resource]);
	metric_labels_add(&labels, "kind", kind_name[kind]);
	sink_put(sink, total[resource][kind], NULL, total_us / 1e6);
	for (unsigned i = 0; i < AVERAGES; i++)
		if (average[i] <= 100)
			sink_put(sink, &metrics[AVERAGE + i], &labels, average[i] / 100);
}

/* The averages are of all resources. */
static bool
is_wanted(unsigned resource, struct sink *sink)
{
	for (unsigned i = 0; i < AVERAGES; i++)
		if (sink_wants(sink, &metrics[AVERAGE + i]))
			return true;
	for (unsigned k = 0; k < KINDS; k++)
		if (total[resource][k] && sink_wants(sink, total[resource][k]))
			return true;
	return false;
}

static int
pressure_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct pressure *p = inst;
	int err = 0;

	(void)now_ms;
	for (unsigned i = 0; i < RESOURCES; i++) {
		char text[FILE_ATTRIBUTE_MAX], *rest = text, *line;
		ssize_t n;

		if (!is_wanted(i, sink))
			continue;
		n = file_read(&p->file[i], text, sizeof text);
		if (n < 0)
			err = (int)n;
		while (n > 0 && (line = scan_line(&rest)))
			put_line(line, i, sink);
	}
	return err;
}

static const struct source_labels labels_of[] = {
	{ "node_pressure_avg", "resource, kind" },
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
