/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast the cores run, from sysfs. Some drivers interrupt the core to find out. */
#include "metrics/file.h"
#include "metrics/source.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CORES_MAX     256
#define KHZ	      1000.0
#define CORE_NAME_MAX 16

enum { NOW, LOWEST, HIGHEST, HARDWARE_LOWEST, HARDWARE_HIGHEST, FIELDS };

static const struct metric metrics[FIELDS] = {
	[NOW] = { "node_cpu_scaling_frequency_hertz", "hertz", METRIC_GAUGE,
	    "how fast the core runs" },
	[LOWEST] = { "node_cpu_scaling_frequency_min_hertz", "hertz", METRIC_GAUGE,
	    "how slow it may run" },
	[HIGHEST] = { "node_cpu_scaling_frequency_max_hertz", "hertz", METRIC_GAUGE,
	    "how fast it may run" },
	[HARDWARE_LOWEST] = { "node_cpu_frequency_min_hertz", "hertz", METRIC_GAUGE,
	    "how slow it can run" },
	[HARDWARE_HIGHEST] = { "node_cpu_frequency_max_hertz", "hertz", METRIC_GAUGE,
	    "how fast it can run" },
};
static const char *const attribute[FIELDS] = {
	[NOW] = "scaling_cur_freq",
	[LOWEST] = "scaling_min_freq",
	[HIGHEST] = "scaling_max_freq",
	[HARDWARE_LOWEST] = "cpuinfo_min_freq",
	[HARDWARE_HIGHEST] = "cpuinfo_max_freq",
};

struct core {
	char number[CORE_NAME_MAX]; /* "" : not seen yet */
	struct file file[FIELDS];
	bool seen;
};
struct cpufreq {
	char *path; /* <sys>/devices/system/cpu */
	void *dir;
	struct core core[CORES_MAX];
	unsigned len;
};

static void
close_core(struct core *c)
{
	for (unsigned i = 0; i < FIELDS; i++)
		file_done(&c->file[i]);
}

static void
cpufreq_close(void *inst)
{
	struct cpufreq *f = inst;

	for (unsigned i = 0; i < f->len; i++)
		close_core(&f->core[i]);
	file_scan_done(&f->dir);
	free(f->path);
	free(f);
}

static int
cpufreq_open(const struct source_env *env, void **ret_inst)
{
	struct cpufreq *f = calloc(1, sizeof *f);

	if (!f || asprintf(&f->path, "%s/devices/system/cpu", env->sys) < 0) {
		free(f);
		return -ENOMEM;
	}
	*ret_inst = f;
	return 0;
}

static struct core *
add_core(struct cpufreq *f, const char *name)
{
	struct core *c = &f->core[f->len];
	char path[CORE_NAME_MAX + 40];

	*c = (struct core){ 0 };
	snprintf(c->number, sizeof c->number, "%s", name + 3);
	for (unsigned i = 0; i < FIELDS; i++) {
		snprintf(path, sizeof path, "%s/cpufreq/%s", name, attribute[i]);
		if (file_init(&c->file[i], f->path, path) < 0) {
			close_core(c);
			return NULL;
		}
	}
	f->len++;
	return c;
}

static void
see_core(void *arg, const char *name)
{
	struct cpufreq *f = arg;
	struct core *c = NULL;

	if (strncmp(name, "cpu", 3) != 0 || !name[3] || strlen(name) >= CORE_NAME_MAX ||
	    name[3 + strspn(name + 3, "0123456789")])
		return;
	for (unsigned i = 0; i < f->len && !c; i++)
		if (strcmp(f->core[i].number, name + 3) == 0)
			c = &f->core[i];
	if (!c && f->len < CORES_MAX)
		c = add_core(f, name);
	if (c)
		c->seen = true;
}

static void
put_core(struct core *c, struct sink *sink)
{
	struct metric_labels labels = { 0 };

	metric_labels_add(&labels, "cpu", c->number);
	for (unsigned i = 0; i < FIELDS; i++) {
		double khz;

		if (sink_wants(sink, &metrics[i]) &&
		    file_read_number(&c->file[i], &khz) == 0 && khz > 0)
			sink_put(sink, &metrics[i], &labels, khz * KHZ);
	}
}

/* A core may be taken off line and come back. */
static int
cpufreq_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct cpufreq *f = inst;
	int err = file_scan(&f->dir, f->path, see_core, f);

	(void)now_ms;
	if (err < 0)
		return err;
	for (unsigned i = 0; i < f->len; i++)
		if (f->core[i].seen) {
			f->core[i].seen = false;
			put_core(&f->core[i], sink);
		}
	return 0;
}

static const struct source_labels labels_of[] = {
	{ "node_cpu_", "cpu" },
	{ NULL, NULL },
};

const struct source source_cpufreq = {
	.abi = SOURCE_ABI,
	.name = "cpufreq",
	.help = "frequency of the cores",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.labels = labels_of,
	.open = cpufreq_open,
	.sample = cpufreq_sample,
	.close = cpufreq_close,
};
