/* SPDX-License-Identifier: Apache-2.0
 *
 * Processor time from /proc/stat. A share of busy time needs two readings; the first gives only
 * the counters. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CORES_MAX 256
#define STAT_MAX  32768 /* the lines of all cores come first */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, MODES };

static const char *const mode_name[MODES] = { "user", "nice", "system", "idle", "iowait",
	"irq", "softirq", "steal" };
static const struct metric metrics[] = {
	{ "node_cpu_utilisation_ratio", "ratio", METRIC_GAUGE,
	    "busy share of all cores since the previous sample" },
	{ "node_cpu_core_utilisation_ratio", "ratio", METRIC_GAUGE,
	    "busy share of one core since the previous sample" },
	{ "node_cpu_seconds_total", "seconds", METRIC_COUNTER,
	    "time of all cores by what it was spent on" },
	{ "node_cpu_count", "", METRIC_GAUGE, "cores in use" },
};
enum { UTILISATION, CORE_UTILISATION, SECONDS, COUNT };

struct times {
	double busy, idle;  /* in ticks */
	double utilisation; /* NaN: not known yet */
};
struct cpu {
	struct file stat;
	double ticks_per_second;
	struct times all, core[CORES_MAX]; /* of the previous sample; zero: none */
	char text[STAT_MAX];
};

static void
cpu_close(void *inst)
{
	struct cpu *c = inst;

	file_done(&c->stat);
	free(c);
}

static int
cpu_open(const struct source_env *env, void **ret_inst)
{
	struct cpu *c = calloc(1, sizeof *c);

	if (!c || file_init(&c->stat, env->proc, "stat") < 0) {
		free(c);
		return -ENOMEM;
	}
	c->ticks_per_second = (double)sysconf(_SC_CLK_TCK);
	*ret_inst = c;
	return 0;
}

/* Guest time is part of user time already; iowait is time in which the core had nothing to run. */
static struct times
sum_modes(const double mode[MODES])
{
	struct times t = { .idle = mode[IDLE] + mode[IOWAIT] };

	for (unsigned i = 0; i < MODES; i++)
		t.busy += mode[i];
	t.busy -= t.idle;
	return t;
}

/* The kernel lets iowait, and with it the sums, step back a little: no time has passed then. When
 * no tick has passed at all, the last share still holds. */
static void
put_utilisation(struct sink *sink, const struct metric *m,
    const struct metric_labels *labels, struct times *before, struct times now)
{
	double busy = fmax(now.busy - before->busy, 0),
	       idle = fmax(now.idle - before->idle, 0);
	bool first = before->busy + before->idle == 0;

	now.utilisation = before->utilisation;
	if (first)
		now.utilisation = NAN;
	else if (busy + idle > 0)
		now.utilisation = busy / (busy + idle);
	sink_put(sink, m, labels, now.utilisation);
	*before = now;
}

static void
put_all(struct cpu *c, const double mode[MODES], struct sink *sink)
{
	put_utilisation(sink, &metrics[UTILISATION], NULL, &c->all, sum_modes(mode));
	for (unsigned i = 0; i < MODES; i++) {
		struct metric_labels labels = { 0 };

		metric_labels_add(&labels, "mode", mode_name[i]);
		sink_put(sink, &metrics[SECONDS], &labels, mode[i] / c->ticks_per_second);
	}
}

static void
put_core(struct cpu *c, unsigned long core, const double mode[MODES], struct sink *sink)
{
	struct metric_labels labels = { 0 };
	char name[24];

	if (core >= CORES_MAX)
		return;
	snprintf(name, sizeof name, "%lu", core);
	metric_labels_add(&labels, "cpu", name);
	put_utilisation(
	    sink, &metrics[CORE_UTILISATION], &labels, &c->core[core], sum_modes(mode));
}

static bool
parse_modes(const char *text, double mode[MODES])
{
	return sscanf(text, "%lf %lf %lf %lf %lf %lf %lf %lf", &mode[USER], &mode[NICE],
		   &mode[SYSTEM], &mode[IDLE], &mode[IOWAIT], &mode[IRQ], &mode[SOFTIRQ],
		   &mode[STEAL]) == MODES;
}

static int
cpu_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct cpu *c = inst;
	ssize_t n = file_read(&c->stat, c->text, sizeof c->text);
	char *rest = c->text, *line;
	unsigned cores = 0;
	double mode[MODES];

	(void)now_ms;
	if (n < 0)
		return (int)n;
	while ((line = strsep(&rest, "\n")) && strncmp(line, "cpu", 3) == 0) {
		char *after = line + 3;
		bool all = !isdigit((unsigned char)*after);
		unsigned long core = all ? 0 : strtoul(after, &after, 10);

		if (!rest || !parse_modes(after, mode))
			continue; /* cut off or garbage: this line only */
		if (all) {
			put_all(c, mode, sink);
			continue;
		}
		put_core(c, core, mode, sink);
		cores++;
	}
	if (cores == 0)
		return -EBADMSG;
	sink_put(sink, &metrics[COUNT], NULL, cores);
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "node_cpu_core_", "cpu" },
	{ "node_cpu_seconds_", "mode" },
	{ NULL, NULL },
};

const struct source source_cpu = {
	.abi = SOURCE_ABI,
	.name = "cpu",
	.help = "processor time",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.labels = labels_of,
	.open = cpu_open,
	.sample = cpu_sample,
	.close = cpu_close,
};
