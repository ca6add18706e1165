/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of sources. A new one is a file and a line here. */
#include "base/nearest.h"
#include "metrics/source.h"
#include <math.h>
#include <string.h>

#define SOURCES(X)      \
	X(cpu)          \
	X(cpufreq)      \
	X(load)         \
	X(memory)       \
	X(pressure)     \
	X(filesystem)   \
	X(disk)         \
	X(network)      \
	X(wireless)     \
	X(power_supply) \
	X(thermal)      \
	X(hwmon)        \
	X(iio)          \
	X(gps)          \
	X(path)         \
	X(agent)        \
	X(uptime)       \
	X(clock)        \
	X(function)

#define DECLARE(name) extern const struct source source_##name;
SOURCES(DECLARE)

#define ENTRY(name) &source_##name,
const struct source *const sources[] = { SOURCES(ENTRY) NULL };

const struct metric *
sources_metric(const char *name, const struct source **ret_source)
{
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++)
			if (strcmp((*s)->metrics[i].name, name) == 0) {
				if (ret_source)
					*ret_source = *s;
				return &(*s)->metrics[i];
			}
	return NULL;
}

void
sink_put(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	static const struct metric_labels none;

	if (!isnan(value))
		sink->put(sink, m, labels ? labels : &none, value);
}

bool
sink_wants(struct sink *sink, const struct metric *m)
{
	return !sink->wants || sink->wants(sink, m);
}

const char *
sources_nearest(const char *name)
{
	unsigned best = (unsigned)strlen(name) / 4 + 1;
	const char *nearest = NULL;

	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++) {
			unsigned distance = nearest_distance(name, (*s)->metrics[i].name);

			if (distance < best) {
				best = distance;
				nearest = (*s)->metrics[i].name;
			}
		}
	return nearest;
}
