/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/asked.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/local.h"
#include "ctl/when.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 4096

static size_t
read_texts(struct slice args, const char *key, char **dst)
{
	struct slice item[ASKED_TEXTS_MAX];
	size_t n = local_all(args, key, item, ASKED_TEXTS_MAX), kept = 0;
	struct cbor_reader r;

	for (size_t i = 0; i < n; i++) {
		rd_init(&r, item[i], 2);
		dst[kept] = slice_dup(rd_text(&r));
		kept += dst[kept] != NULL;
	}
	return kept;
}

static int
read_time(struct slice args, const char *key, int64_t *ret_ms)
{
	char text[64];

	*ret_ms = 0;
	if (!ctl_arg_text(args, key, text, sizeof text))
		return 0;
	if (when_parse(text, clock_wall_ms(), ret_ms) < 0)
		return local_usage(
		    "--%s takes a time such as 2026-11-21T10:00Z, 10:00, 1795255200 or "
		    "-2h, not \"%s\"",
		    key, text);
	return 0;
}

static int
read_span(struct slice args, const char *key, int64_t *ret_ms)
{
	char text[64];

	*ret_ms = 0;
	if (!ctl_arg_text(args, key, text, sizeof text))
		return 0;
	if (when_parse_span(text, ret_ms) < 0)
		return local_usage(
		    "--%s takes a span such as 10s, 5m or 1h, not \"%s\"", key, text);
	return 0;
}

static int
read_from(struct slice args, struct asked_query *ret)
{
	if (!ctl_arg_text(args, "from", ret->from, sizeof ret->from) ||
	    strcmp(ret->from, "node") == 0 || strcmp(ret->from, "history") == 0)
		return 0;
	return local_usage("--from takes node or history, not \"%s\"", ret->from);
}

static int
check_range(struct asked_query *a)
{
	a->range = a->range_ms || a->start_ms || a->end_ms;
	if (a->step_ms && !a->range)
		return local_usage("--step is of a range: add --range 1h, or --start");
	if (a->end_ms && !a->start_ms && !a->range_ms)
		return local_usage("--end needs --start or --range");
	if (a->start_ms && a->end_ms && a->range_ms)
		return local_usage("of --start, --end and --range two are enough");
	if (a->start_ms && a->end_ms && a->end_ms < a->start_ms)
		return local_usage("--end is before --start");
	return 0;
}

int
asked_read(struct slice args, struct asked_query *ret)
{
	int status;

	*ret = (struct asked_query){ 0 };
	ret->expressions = read_texts(args, "expression", ret->expression);
	ret->nodes = read_texts(args, "node", ret->node);
	if (ctl_arg_bool(args, "all") && ret->nodes < ASKED_TEXTS_MAX)
		ret->node[ret->nodes++] = strdup("all");
	status = read_from(args, ret);
	if (!status)
		status = read_time(args, "start", &ret->start_ms);
	if (!status)
		status = read_time(args, "end", &ret->end_ms);
	if (!status)
		status = read_span(args, "range", &ret->range_ms);
	if (!status)
		status = read_span(args, "step", &ret->step_ms);
	return status ? status : check_range(ret);
}

void
asked_done(struct asked_query *a)
{
	while (a->expressions)
		free(a->expression[--a->expressions]);
	while (a->nodes)
		free(a->node[--a->nodes]);
}

static void
put_ms(struct buf *out, const char *key, int64_t ms)
{
	if (ms)
		wr_key_int(out, key, ms);
}

void
asked_put(const struct asked_query *a, const char *expression, const char *node,
    struct buf *out)
{
	wr_open_map(out);
	wr_key_text(out, "expression", expression);
	if (node)
		wr_key_text(out, "node", node);
	if (a->from[0])
		wr_key_text(out, "from", a->from);
	put_ms(out, "start_ms", a->start_ms);
	put_ms(out, "end_ms", a->end_ms);
	put_ms(out, "range_ms", a->range_ms);
	put_ms(out, "step_ms", a->step_ms);
	wr_close(out);
}
