/* SPDX-License-Identifier: Apache-2.0
 *
 * Processor time and what else is in /proc/stat, read once for all. A share of busy time needs two
 * readings; the first gives only the counters. */
#include "metrics/file.h"
#include "metrics/scan.h"
#include "metrics/source.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CORES_MAX     256
#define STAT_MAX      65536
#define STEP_BACK_MAX 3.0 /* seconds; more is a new start of the counter */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, MODES };

static const char *const mode_name[MODES] = { "user", "nice", "system", "idle", "iowait",
	"irq", "softirq", "steal" };
enum {
	UTILISATION,
	CORE_UTILISATION,
	SECONDS,
	MODE_SECONDS,
	COUNT,
	INTERRUPTS,
	SWITCHES,
	BOOT_TIME,
	FORKS,
	RUNNING,
	BLOCKED,
	METRICS
};
static const struct metric metrics[METRICS] = {
	[UTILISATION] = { "node_cpu_utilisation_ratio", "ratio", METRIC_GAUGE,
	    "busy share of all cores since the previous sample" },
	[CORE_UTILISATION] = { "node_cpu_core_utilisation_ratio", "ratio", METRIC_GAUGE,
	    "busy share of one core since the previous sample" },
	[SECONDS] = { "node_cpu_seconds_total", "seconds", METRIC_COUNTER,
	    "time of each core by what it was spent on" },
	[MODE_SECONDS] = { "node_cpu_mode_seconds_total", "seconds", METRIC_COUNTER,
	    "time of all cores by what it was spent on" },
	[COUNT] = { "node_cpu_count", "", METRIC_GAUGE, "cores in use" },
	[INTERRUPTS] = { "node_intr_total", "", METRIC_COUNTER, "interrupts served" },
	[SWITCHES] = { "node_context_switches_total", "", METRIC_COUNTER,
	    "context switches" },
	[BOOT_TIME] = { "node_boot_time_seconds", "seconds", METRIC_GAUGE,
	    "when the node has started, since 1970" },
	[FORKS] = { "node_forks_total", "", METRIC_COUNTER, "processes started" },
	[RUNNING] = { "node_procs_running", "", METRIC_GAUGE,
	    "tasks that run or wait for a core" },
	[BLOCKED] = { "node_procs_blocked", "", METRIC_GAUGE,
	    "tasks that wait for input or output" },
};
/* The lines of one number; of intr it is the first. */
static const struct {
	const char *word;
	unsigned metric;
} line_metric[] = { { "intr ", INTERRUPTS }, { "ctxt ", SWITCHES },
	{ "btime ", BOOT_TIME }, { "processes ", FORKS }, { "procs_running ", RUNNING },
	{ "procs_blocked ", BLOCKED } };

struct times {
	double busy, idle;  /* in ticks */
	double utilisation; /* NaN: not known yet */
	double told[MODES]; /* seconds */
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
static void
sum_modes(const double mode[MODES], double *busy, double *idle)
{
	*idle = mode[IDLE] + mode[IOWAIT];
	*busy = -*idle;
	for (unsigned i = 0; i < MODES; i++)
		*busy += mode[i];
}

/* The kernel lets iowait, and with it the sums, step back a little: no time has passed then. When
 * no tick has passed at all, the last share still holds. */
static void
put_utilisation(struct sink *sink, const struct metric *m,
    const struct metric_labels *labels, struct times *t, const double mode[MODES])
{
	bool first = t->busy + t->idle == 0;
	double now_busy, now_idle, busy, idle;

	sum_modes(mode, &now_busy, &now_idle);
	busy = fmax(now_busy - t->busy, 0);
	idle = fmax(now_idle - t->idle, 0);
	if (first)
		t->utilisation = NAN;
	else if (busy + idle > 0)
		t->utilisation = busy / (busy + idle);
	t->busy = now_busy;
	t->idle = now_idle;
	sink_put(sink, m, labels, t->utilisation);
}

/* A counter that steps back would look as if it had started anew: it stands still instead. */
static void
put_modes(struct sink *sink, const struct metric *m, const char *cpu, struct times *t,
    const double mode[MODES], double ticks_per_second)
{
	for (unsigned i = 0; i < MODES; i++) {
		struct metric_labels labels = { 0 };
		double seconds = mode[i] / ticks_per_second;

		if (seconds >= t->told[i] || t->told[i] - seconds > STEP_BACK_MAX)
			t->told[i] = seconds;
		if (cpu)
			metric_labels_add(&labels, "cpu", cpu);
		metric_labels_add(&labels, "mode", mode_name[i]);
		sink_put(sink, m, &labels, t->told[i]);
	}
}

static void
put_all(struct cpu *c, const double mode[MODES], struct sink *sink)
{
	put_utilisation(sink, &metrics[UTILISATION], NULL, &c->all, mode);
	if (sink_wants(sink, &metrics[MODE_SECONDS]))
		put_modes(sink, &metrics[MODE_SECONDS], NULL, &c->all, mode,
		    c->ticks_per_second);
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
	put_utilisation(sink, &metrics[CORE_UTILISATION], &labels, &c->core[core], mode);
	if (sink_wants(sink, &metrics[SECONDS]))
		put_modes(sink, &metrics[SECONDS], name, &c->core[core], mode,
		    c->ticks_per_second);
}

static bool
parse_modes(const char *text, double mode[MODES])
{
	for (unsigned i = 0; i < MODES; i++)
		if (!scan_number(&text, &mode[i]))
			return false;
	return true;
}

/* Is it a core? false: garbage, or the line of all. */
static bool
put_cpu_line(struct cpu *c, const char *after, bool cores, struct sink *sink)
{
	double mode[MODES];
	unsigned long core;
	char *end;

	if (!isdigit((unsigned char)*after)) {
		if (parse_modes(after, mode))
			put_all(c, mode, sink);
		return false;
	}
	if (!cores)
		return true;
	core = strtoul(after, &end, 10);
	if (!parse_modes(end, mode))
		return false;
	put_core(c, core, mode, sink);
	return true;
}

static void
put_other_line(const char *line, struct sink *sink)
{
	for (size_t i = 0; i < ARRAY_LEN(line_metric); i++) {
		const char *at = scan_word(line, line_metric[i].word);
		double value;

		if (at && scan_number(&at, &value))
			sink_put(sink, &metrics[line_metric[i].metric], NULL, value);
	}
}

static bool
wants_any(struct sink *sink, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++)
		if (sink_wants(sink, &metrics[i]))
			return true;
	return false;
}

static int
cpu_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct cpu *c = inst;
	ssize_t n = file_read(&c->stat, c->text, sizeof c->text);
	bool cores = wants_any(sink, CORE_UTILISATION, SECONDS) ||
	    sink_wants(sink, &metrics[COUNT]);
	bool others = wants_any(sink, INTERRUPTS, BLOCKED);
	char *rest = c->text, *line;
	unsigned count = 0, lines = 0;

	(void)now_ms;
	if (n < 0)
		return (int)n;
	while ((line = scan_line(&rest))) {
		const char *after = scan_word(line, "cpu");

		if (after) {
			count += put_cpu_line(c, after, cores, sink);
			lines++;
		} else if (others) {
			put_other_line(line, sink);
		} else if (lines > 0) {
			break; /* those of the cores come first */
		}
	}
	if (count > 0)
		sink_put(sink, &metrics[COUNT], NULL, count);
	return count > 0 ? 0 : -EBADMSG;
}

static const struct source_labels labels_of[] = {
	{ "node_cpu_core_", "cpu" },
	{ "node_cpu_seconds_", "cpu, mode" },
	{ "node_cpu_mode_", "mode" },
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
