/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory and swap from /proc/meminfo. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define MEMINFO_MAX 8192

enum { TOTAL, AVAILABLE, FREE, BUFFERS, CACHED, SWAP_TOTAL, SWAP_FREE, FIELDS };

static const struct metric metrics[] = {
	[TOTAL] = { "node_memory_total_bytes", "bytes", METRIC_GAUGE,
	    "memory the kernel manages" },
	[AVAILABLE] = { "node_memory_available_bytes", "bytes", METRIC_GAUGE,
	    "memory that programs can get without swapping" },
	[FREE] = { "node_memory_free_bytes", "bytes", METRIC_GAUGE,
	    "memory used for nothing" },
	[BUFFERS] = { "node_memory_buffers_bytes", "bytes", METRIC_GAUGE,
	    "memory that buffers block devices" },
	[CACHED] = { "node_memory_cached_bytes", "bytes", METRIC_GAUGE,
	    "memory that caches files" },
	[SWAP_TOTAL] = { "node_memory_swap_total_bytes", "bytes", METRIC_GAUGE,
	    "swap space" },
	[SWAP_FREE] = { "node_memory_swap_free_bytes", "bytes", METRIC_GAUGE,
	    "swap space used for nothing" },
	{ "node_memory_available_ratio", "ratio", METRIC_GAUGE,
	    "share of the memory that programs can get without swapping" },
};
static const char *const field[FIELDS] = {
	[TOTAL] = "MemTotal:",
	[AVAILABLE] = "MemAvailable:",
	[FREE] = "MemFree:",
	[BUFFERS] = "Buffers:",
	[CACHED] = "Cached:",
	[SWAP_TOTAL] = "SwapTotal:",
	[SWAP_FREE] = "SwapFree:",
};

static void
memory_close(void *inst)
{
	file_done(inst);
	free(inst);
}

static int
memory_open(const struct source_env *env, void **ret_inst)
{
	struct file *f = calloc(1, sizeof *f);

	if (!f || file_init(f, env->proc, "meminfo") < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_inst = f;
	return 0;
}

/* "MemTotal:       49364832 kB"; anything else leaves the field unknown. */
static void
parse_line(const char *line, double bytes[FIELDS])
{
	for (unsigned i = 0; i < FIELDS; i++) {
		size_t n = strlen(field[i]);
		char *end;
		double kib;

		if (strncmp(line, field[i], n) != 0)
			continue;
		kib = strtod(line + n, &end);
		if (end != line + n && strcmp(end, " kB") == 0 && kib >= 0)
			bytes[i] = kib * 1024;
	}
}

static int
memory_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	char text[MEMINFO_MAX], *rest = text, *line;
	double bytes[FIELDS];
	ssize_t n = file_read(inst, text, sizeof text);

	(void)now_ms;
	if (n < 0)
		return (int)n;
	for (unsigned i = 0; i < FIELDS; i++)
		bytes[i] = NAN;
	while ((line = strsep(&rest, "\n")))
		parse_line(line, bytes);
	for (unsigned i = 0; i < FIELDS; i++)
		sink_put(sink, &metrics[i], NULL, bytes[i]);
	if (bytes[TOTAL] > 0)
		sink_put(sink, &metrics[FIELDS], NULL, bytes[AVAILABLE] / bytes[TOTAL]);
	return isnan(bytes[TOTAL]) ? -EBADMSG : 0;
}

const struct source source_memory = {
	.abi = SOURCE_ABI,
	.name = "memory",
	.help = "memory and swap",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = memory_open,
	.sample = memory_sample,
	.close = memory_close,
};
