/* SPDX-License-Identifier: Apache-2.0
 *
 * InfluxDB line protocol, which plug-ins speak: `measurement,tag=a,tag2=b field=1.5,other=2i 1465839830100400200`.
 * That is what Telegraf's execd and exec inputs and all of its external plug-ins print, so that these work
 * unchanged. A field becomes a metric by the rule of Telegraf's own Prometheus output: name
 * measurement_field, or measurement alone for the field `value`; tags become labels. */
#pragma once
#include "metrics/metric.h"

#define LINE_MAX_LEN	4096
#define LINE_FIELDS_MAX 64

struct line_value {
	char metric[METRIC_NAME_MAX + 1];
	double value; /* strings have none and are left out; true is 1 */
	bool counter; /* its name ends with _total */
};
struct line {
	struct metric_labels labels; /* the first METRIC_LABELS_MAX tags by name */
	int64_t time_ns;	     /* since 1970; 0: not told */
	struct line_value value[LINE_FIELDS_MAX];
	uint8_t len;
};
/* why: "column 12: a quote is not closed". -EBADMSG; empty lines and comments: 0 with len 0. */
int line_parse(const char *text, struct line *ret, char *why, size_t why_size) MUST_CHECK;
