/* SPDX-License-Identifier: Apache-2.0
 *
 * A source reads one corner of the machine and puts values into a sink. A new source is one file
 * with a descriptor and one line in sources.c. Sources read files below configurable roots,
 * keep them open where the kernel lets them be re-read with pread, and know that they are called by
 * a worker thread where a read may block: an instance belongs to one thread at a time, and there is
 * nothing else that sources share. */
#pragma once
#include "metrics/metric.h"

#define SOURCE_ABI	   1
#define SOURCE_METRICS_MAX 128

/* Where values go: embedded in whoever takes them (the sampler, a test). */
struct sink {
	void (*put)(struct sink *sink, const struct metric *m,
	    const struct metric_labels *labels, double value);
	/* Is a value of it of any use this time? NULL: all are. */
	bool (*wants)(struct sink *sink, const struct metric *m);
};

struct conf_map;
struct source_self;
struct source_env {
	const char *proc;	  /* "/proc" */
	const char *sys;	  /* "/sys" */
	const char *power_supply; /* NULL: <sys>/class/power_supply */
	const char *rootfs;	  /* in front of mount points for statvfs; "" */
	const char *cgroup;	  /* NULL: <sys>/fs/cgroup */
	const char *functions; /* pattern of the cgroups that are functions; NULL: none */
	const char *gpsd; /* "127.0.0.1:2947" or the path of a socket; NULL: no GPS */
	/* Borrowed: */
	const struct conf_map *paths;	/* peers by name, and their addresses; NULL: none */
	const struct source_self *self; /* metrics/self.h; NULL: nothing is told */
	int64_t path_budget; /* bytes a second for probes of paths; 0: as by default */
};

struct expr_step;
/* Where it is read. Without a flag: in the loop if the roots are the kernel's own file systems, which
 * answer from memory, else by a worker. */
enum source_flags {
	SOURCE_SLOW = 1, /* its files may block: drivers that ask their hardware */
	SOURCE_IN_LOOP =
	    2, /* it reads no files and never blocks: sockets, own counters */
};

/* Which labels the series of metrics with this beginning have; the first row that fits counts. */
struct source_labels {
	const char *prefix, *labels; /* "cpu, mode"; labels NULL ends the table */
};

struct source {
	int abi;
	const char *name; /* "cpu" */
	const char *help;
	const struct metric *metrics;
	size_t metrics_len;
	unsigned flags;
	const struct source_labels *labels; /* NULL: none has any */
	int (*open)(const struct source_env *env, void **ret_inst);
	/* Puts what can be read now. One unreadable attribute removes only itself (MET-03); an
	 * error means that the source as a whole gave nothing. now_ms is monotonic. */
	int (*sample)(void *inst, int64_t now_ms, struct sink *sink);
	void (*close)(void *inst);
	/* For a source that must know which of its series are meant (a path: to which peers): told of
	 * each SELECT before it is sampled. until_ms: INT64_MAX: as long as it is wanted, else a query's.
	 * select NULL: what was told without end is forgotten and told anew. May be NULL. */
	void (*ask)(void *inst, const struct expr_step *select, int64_t until_ms);
};

/* m: one of the source's metrics. labels: NULL for none. NaN is dropped. */
void sink_put(struct sink *sink, const struct metric *m,
    const struct metric_labels *labels, double value);

/* Whether to read what only this metric needs. */
bool sink_wants(struct sink *sink, const struct metric *m);

extern const struct source *const sources[]; /* NULL-terminated: sources.c */
const struct metric *sources_metric(const char *name, const struct source **ret_source);
/* The metric that was probably meant; NULL: none is near. */
const char *sources_nearest(const char *name);
