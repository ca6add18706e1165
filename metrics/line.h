/* SPDX-License-Identifier: Apache-2.0
 *
 * InfluxDB line protocol, which plug-ins speak: `measurement,tag=a,tag2=b field=1.5,other=2i 1465839830100400200`.
 * That is what Telegraf's execd and exec inputs and all of its external plug-ins print, so that these work
 * unchanged; what Telegraf's own parser refuses is refused here. A field becomes a metric by the rule of
 * Telegraf's own Prometheus output: name measurement_field, or measurement alone for the field `value`
 * and the field alone for the measurement `prometheus`; tags become labels. */
#pragma once
#include "metrics/metric.h"

#define LINE_MAX_LEN	16384
#define LINE_FIELDS_MAX 255
#define LINE_TAGS_MAX	32

struct line_value {
	char metric[METRIC_NAME_MAX + 1];
	double value; /* strings have none and are left out; true is 1 */
	bool counter; /* its name ends with _total */
};
struct line {
	/* The first METRIC_LABELS_MAX tags by name; of more, "host" is left out before any other. */
	struct metric_labels labels;
	int64_t time_ns;	     /* since 1970 */
	bool timed;		     /* the time was told */
	uint8_t len;
	uint16_t left_out; /* tags without room, names that are none or too long */
	struct line_value value[LINE_FIELDS_MAX]; /* 22 KiB: not for the stack */
};
/* tags: the names of those that are wanted, NULL at the end; NULL: all. -EBADMSG: why says "column 12:
 * …"; -EAGAIN: the text ends within a string, which may go on after a newline. Empty lines and comments:
 * 0 with len 0. */
int line_parse(const char *text, const char *const *tags, struct line *ret, char *why,
    size_t why_size) MUST_CHECK;
/* Text as a metric's name by Telegraf's rule: what Prometheus does not allow becomes "_", or goes at the
 * ends. label: no colons. -EINVAL: nothing is left; -ENOSPC. */
int line_make_name(const char *text, bool label, char *dst, size_t size) MUST_CHECK;
