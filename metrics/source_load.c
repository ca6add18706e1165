/* SPDX-License-Identifier: Apache-2.0
 *
 * Load averages: how many tasks run or wait to run. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>

static const struct metric metrics[] = {
	{ "node_load1", "", METRIC_GAUGE, "tasks running or waiting, mean of 1 minute" },
	{ "node_load5", "", METRIC_GAUGE, "tasks running or waiting, mean of 5 minutes" },
	{ "node_load15", "", METRIC_GAUGE,
	    "tasks running or waiting, mean of 15 minutes" },
};

static void
load_close(void *inst)
{
	file_done(inst);
	free(inst);
}

static int
load_open(const struct source_env *env, void **ret_inst)
{
	struct file *f = calloc(1, sizeof *f);

	if (!f || file_init(f, env->proc, "loadavg") < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_inst = f;
	return 0;
}

static int
load_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	char text[FILE_ATTRIBUTE_MAX];
	const char *at = text;
	double load[ARRAY_LEN(metrics)];
	ssize_t n = file_read(inst, text, sizeof text);

	(void)now_ms;
	if (n < 0)
		return (int)n;
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (!scan_number(&at, &load[i]))
			return -EBADMSG;
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		sink_put(sink, &metrics[i], NULL, load[i]);
	return 0;
}

const struct source source_load = {
	.abi = SOURCE_ABI,
	.name = "load",
	.help = "load averages",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = load_open,
	.sample = load_sample,
	.close = load_close,
};
