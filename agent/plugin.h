/* SPDX-License-Identifier: Apache-2.0
 *
 * Plug-ins: programs that give metrics by Telegraf's execd contract. One runs only while somebody
 * wants a metric whose name begins with its prefix, and a while longer; it is asked by a newline on
 * its stdin and answers with lines of the line protocol. One that ends, does not answer in time or
 * prints too much loses its series, is killed with all it has started and begins anew after 1 s,
 * doubling up to 60 s.
 *
 * Made by the agent, in front of what wants metrics; freed by it. */
#pragma once
#include "agent/plugin_config.h"
#include "metrics/metric.h"

#define PLUGIN_STDERR_LINES 5
#define PLUGIN_STDERR_MAX   200 /* bytes of one */
#define PLUGIN_METRICS_MAX  512 /* names of one plug-in */
/* For one sampling (S-21), so that what is printed in vain is not even looked at. */
#define PLUGIN_LINES_PER_SERIES 2
#define PLUGIN_REFUSED_MAX	32

struct grasp_io;
struct sampler;
struct plugins;
struct plugin;

enum plugin_state {
	PLUGIN_IDLE,	/* nobody wants anything */
	PLUGIN_RUNNING,
	PLUGIN_ENDING,	/* told to */
	PLUGIN_WAITING, /* to be started again */
};

struct plugin_status {
	enum plugin_state state;
	unsigned restarts;
	int64_t running_ms, retry_ms; /* 0: not so */
	uint64_t lines, refused, values, left_out, over_limit;
	size_t metrics;			   /* that it has told */
	const char *error;		   /* the last, "" if none; with how it came about */
	const char *why_refused;	   /* the last line that was no line protocol */
	const char *said[PLUGIN_STDERR_LINES]; /* the last lines of its stderr, oldest first; or NULL */
};

/* spawner: attached, of the table of cfg; NULL: none can be started. What is given outlives it. */
int plugins_new(struct grasp_io *io, struct spawner *spawner, struct sampler *sampler,
    const struct plugin_config *cfg, size_t len, struct plugins **ret) MUST_CHECK;
void plugins_free(struct plugins *p);
DEFINE_FREEP(struct plugins, plugins_free)

size_t plugins_len(const struct plugins *p); /* NULL: 0 */
const struct plugin *plugins_at(const struct plugins *p, size_t i);
const struct plugin_config *plugin_config(const struct plugin *p);
void plugin_status(const struct plugin *p, struct plugin_status *ret);
const char *plugin_state_name(enum plugin_state state);
/* Each metric that it has told, in no order. */
void plugin_each_metric(const struct plugin *p,
    void (*each)(void *arg, const struct metric *m), void *arg);
