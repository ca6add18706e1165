/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/catalogue.h"
#include "base/cbor.h"
#include "metrics/expr_program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
catalogue_pattern(
    const char *text, char pattern[LIST_PATTERN_MAX + 1], char *err, size_t err_size)
{
	int list = list_parse(text, pattern, err, err_size);

	if (list)
		return list < 0 ? list : 0;
	if (strlen(text) + 4 <= LIST_PATTERN_MAX &&
	    (!*text || expr_name_ok(text, true))) {
		snprintf(pattern, LIST_PATTERN_MAX + 1, ".*%s.*", text);
		return 0;
	}
	snprintf(err, err_size,
	    "this is neither a part of a name nor a list such as node_network_* or "
	    "{__name__=~\"node_load1|node_cpu.*\"}");
	return -EINVAL;
}

void
catalogue_each(const char *pattern,
    void (*each)(void *arg, const struct source *s, const struct metric *m), void *arg)
{
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++)
			if (expr_pattern_matches(pattern, (*s)->metrics[i].name))
				each(arg, *s, &(*s)->metrics[i]);
}

const char *
catalogue_labels(const struct source *s, const struct metric *m)
{
	for (const struct source_labels *l = s ? s->labels : NULL; l && l->labels; l++)
		if (strncmp(m->name, l->prefix, strlen(l->prefix)) == 0)
			return l->labels;
	return "";
}

const char *
catalogue_type(const struct metric *m)
{
	return m->type == METRIC_COUNTER ? "counter" : "gauge";
}

void
catalogue_put(
    struct buf *out, const struct source *s, const char *name, const struct metric *m)
{
	wr_key_text(out, "metric", m->name);
	wr_key_text(out, "type", catalogue_type(m));
	wr_key_text(out, "unit", m->unit);
	wr_key_text(out, "labels", catalogue_labels(s, m));
	wr_key_text(out, "source", name);
	wr_key_text(out, "help", m->help);
}
