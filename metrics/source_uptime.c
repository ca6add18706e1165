/* SPDX-License-Identifier: Apache-2.0
 *
 * How long the node runs. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <errno.h>

static const struct metric metrics[] = {
	{ "node_uptime_seconds", "seconds", METRIC_GAUGE,
	    "time since the node has started" },
};

static void
uptime_close(void *inst)
{
	file_done(inst);
	free(inst);
}

static int
uptime_open(const struct source_env *env, void **ret_inst)
{
	struct file *f = calloc(1, sizeof *f);

	if (!f || file_init(f, env->proc, "uptime") < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_inst = f;
	return 0;
}

static int
uptime_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	char text[FILE_ATTRIBUTE_MAX];
	const char *at = text;
	ssize_t n = file_read(inst, text, sizeof text);
	double seconds;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	if (!scan_number(&at, &seconds))
		return -EBADMSG;
	sink_put(sink, &metrics[0], NULL, seconds);
	return 0;
}

const struct source source_uptime = {
	.abi = SOURCE_ABI,
	.name = "uptime",
	.help = "time since start",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.open = uptime_open,
	.sample = uptime_sample,
	.close = uptime_close,
};
