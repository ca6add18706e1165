/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl query: values now are printed as they come, ranges by what they are for. */
#include "ctl/asked.h"
#include "ctl/daemon.h"
#include "ctl/local.h"
#include "ctl/metrics.h"
#include "ctl/query_print.h"

#include "metrics/list.h"

#include <string.h>

#define ARGS_MAX 65536

struct asking {
	struct printer *printer;
	struct range_printer range;
	bool is_range;
};

static int
take_item(void *arg, struct slice item)
{
	struct asking *a = arg;
	struct printer *p = a->printer;
	int err = a->is_range ? range_item(&a->range, item) : p->output->item(p, item);

	p->items += !a->is_range;
	return err;
}

static int
ask_node(struct ctl_client *c, const struct asked_query *asked, const char *node,
    struct asking *a)
{
	struct buf args;
	int status;

	buf_init(&args, ARGS_MAX);
	asked_put(asked, asked->expression[0], node, &args);
	status = daemon_ask(c, "query", ASK_EITHER, buf_slice(&args), take_item, a);
	buf_done(&args);
	return status;
}

static int
ask_all(const struct asked_query *asked, struct asking *a)
{
	CLEANUP(ctl_disconnect) struct ctl_client *c = NULL;
	int status = LOCAL_DONE;

	if (daemon_open_set(ASK_EITHER, false, &c))
		return LOCAL_REFUSED;
	for (size_t i = 0; i < (asked->nodes ? asked->nodes : 1) && !status; i++)
		status = ask_node(c, asked, asked->nodes ? asked->node[i] : NULL, a);
	return status;
}

/* The table of a list of metrics. */
static const struct command list_table = {
	.name = "query",
	.shape = SHAPE_LIST,
	.expand = "series",
	.column = {
		{ "node", "NODE", COLUMN_TEXT, 0 },
		{ "expression", "METRIC", COLUMN_TEXT, 0 },
		{ "labels", "LABELS", COLUMN_LIST, 0 },
		{ "value", "VALUE", COLUMN_NUMBER, 0 },
		{ "unit", "UNIT", COLUMN_TEXT, 0 },
		{ "age_s", "AGE", COLUMN_SECONDS, 0 },
		{ "unknown", "", COLUMN_WHY, 0 },
	},
};

/* Several items are a list, one is itself. */
static void
set_shape(const struct asked_query *q, struct printer *p)
{
	char pattern[LIST_PATTERN_MAX + 1], why[160];
	bool metrics = list_parse(q->expression[0], pattern, why, sizeof why) > 0;

	if (metrics)
		p->command = &list_table;
	if (metrics || q->nodes > 1 || (q->nodes && strcmp(q->node[0], "all") == 0))
		p->shape = SHAPE_LIST;
}

int
query_run(struct slice args, struct printer *p)
{
	struct asked_query asked;
	struct asking a = { .printer = p };
	int status = asked_read(args, &asked);

	if (!status && !asked.expressions)
		status = local_usage("query needs an expression, such as node_load1");
	if (!status) {
		a.is_range = asked.range;
		set_shape(&asked, p);
		if (a.is_range)
			range_begin(&a.range, p);
		status = ask_all(&asked, &a);
		if (a.is_range && (!status || p->items) && range_end(&a.range))
			status = LOCAL_REFUSED;
	}
	asked_done(&asked);
	return status;
}
