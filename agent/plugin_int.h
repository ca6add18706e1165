/* SPDX-License-Identifier: Apache-2.0
 *
 * For plugin.c (its life) and plugin_metrics.c (what it says). */
#pragma once
#include "agent/plugin.h"
#include "agent/timing.h"
#include "metrics/line.h"
#include "metrics/sampler.h"

#define PLUGIN_BUCKETS 64

struct plugin_metric {
	struct plugin_metric *next;
	struct plugin *plugin;
	struct metric metric;
	char name[METRIC_NAME_MAX + 1];
	bool told;
	bool kept;	   /* a value came since somebody wants it */
	int64_t asked_ms;  /* by that name, last */
	int64_t period_ms; /* 0: nobody wants it */
};

/* Series by hash, so that a plug-in that makes up labels fills its own share only. */
struct plugin_series {
	uint64_t *slot;
	size_t slots, len;
	int64_t cleared_ms;
};

struct plugin {
	struct plugins *all;
	const struct plugin_config *cfg;
	uint32_t number;
	char help[PLUGIN_NAME_MAX + 16];
	enum plugin_state state;
	struct spawn_child *child;
	bool asked;	   /* and has not answered yet */
	bool answered;	   /* since it was started */
	bool due;	   /* a value, as soon as it runs */
	bool failing;	   /* it is being killed for a fault */
	struct grasp_timer *deadline; /* of an answer; of the next allowance */
	struct grasp_timer *later;    /* start again; stop; kill */
	int64_t started_ms, asked_ms, retry_ms, backoff_ms;
	unsigned wanted; /* metrics */
	uint64_t lines_before, refused_before; /* this sampling */
	struct plugin_metric *bucket[PLUGIN_BUCKETS];
	size_t metrics, told;
	struct plugin_series series;
	struct buf open; /* the beginning of a line that ends within a string */

	unsigned restarts;
	uint64_t lines, refused, values, left_out, over_limit;
	char error[240], why_refused[240];
	char said[PLUGIN_STDERR_LINES][PLUGIN_STDERR_MAX];
	unsigned said_len; /* ever */
};

struct plugins {
	struct grasp_io *io;
	struct spawner *spawner;
	struct sampler *sampler;
	struct line *line;
	size_t len;
	struct plugin plugin[];
};

/* Its metric of this name, made if needed; NULL: there are too many. */
struct plugin_metric *plugin_metric_get(struct plugin *p, const char *name, int64_t now_ms);
/* A line of its stdout: true if it was one, or the beginning of one. */
bool plugin_take_line(struct plugin *p, const char *text);
/* All its series are over. */
void plugin_end_series(struct plugin *p);
void plugin_metrics_done(struct plugin *p);
