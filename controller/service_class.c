/* SPDX-License-Identifier: Apache-2.0
 *
 * A predictor has learned what is typical per class of things, and measures distances in shares of the
 * plausible range: both follow from the names of the metrics, which end with their unit. */
#include "controller/service_int.h"
#include "metrics/expr_program.h"
#include <math.h>
#include <string.h>

static const struct {
	const char *prefix;
	enum predictor_class class;
} classes[] = {
	{ "node_power_supply_", PREDICT_BATTERY },
	{ "node_battery_", PREDICT_BATTERY },
	{ "node_wireless_", PREDICT_RADIO },
	{ "node_cpu_", PREDICT_CPU },
	{ "node_load", PREDICT_CPU },
	{ "node_pressure_cpu_", PREDICT_CPU },
	{ "node_function_cpu_", PREDICT_CPU },
	{ "node_memory_", PREDICT_MEMORY },
	{ "node_swap_", PREDICT_MEMORY },
	{ "node_pressure_memory_", PREDICT_MEMORY },
	{ "node_function_memory_", PREDICT_MEMORY },
	{ "node_thermal_", PREDICT_THERMAL },
	{ "node_hwmon_temp_", PREDICT_THERMAL },
};
static const struct {
	const char *suffix;
	double low, high;
} ranges[] = {
	{ "_ratio", 0, 1 },
	{ "_celsius", 0, 110 },
	{ "_dbm", -120, -20 },
};

struct measured {
	bool any, mixed;
	enum predictor_class class;
	char metric[METRIC_NAME_MAX + 1]; /* the only one, or "" */
};

static enum predictor_class
class_of(const char *metric)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		if (!strncmp(metric, classes[i].prefix, strlen(classes[i].prefix)))
			return classes[i].class;
	return PREDICT_OTHER;
}

static void
note_metric(void *arg, const struct expr_step *select)
{
	struct measured *m = arg;
	enum predictor_class class = class_of(select->metric);

	if (!m->any) {
		m->class = class;
		snprintf(m->metric, sizeof m->metric, "%s", select->metric);
	} else {
		m->mixed |= class != m->class;
		if (strcmp(m->metric, select->metric) != 0)
			m->metric[0] = '\0';
	}
	m->any = true;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* The unit's range if the threshold lies in it; a voltage or a count has one around its threshold. */
static void
set_range(struct requirement *r, const char *metric)
{
	double t = r->threshold;

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (ends_with(metric, ranges[i].suffix) && t >= ranges[i].low &&
		    t <= ranges[i].high) {
			r->low = ranges[i].low;
			r->high = ranges[i].high;
			return;
		}
	if (ends_with(metric, "_volts") && t > 0) {
		r->low = 0.8 * t;
		r->high = 1.35 * t;
		return;
	}
	r->low = t > 0 ? 0 : 2 * t - 1;
	r->high = t > 0 ? 2 * t : 1;
}

void
service_classify(struct requirement *r, bool class_given)
{
	struct measured m = { .any = false };

	(void)expr_needs(r->program, note_metric, &m);
	if (!class_given)
		r->class = m.mixed ? PREDICT_OTHER : m.class;
	if (!(r->low < r->high))
		set_range(r, m.metric);
}
