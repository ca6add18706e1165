/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl metrics: the catalogue of a daemon or, where there is none, the one that is built in. */
#include "ctl/metrics.h"
#include "base/cbor.h"
#include "ctl/daemon.h"
#include "ctl/local.h"
#include "metrics/catalogue.h"

#include <stdio.h>

#define ITEM_MAX 65536

static int
take_item(void *arg, struct slice item)
{
	struct printer *p = arg;
	int err = p->output->item(p, item);

	p->items++;
	return err;
}

static void
print_metric(void *arg, const struct source *s, const struct metric *m)
{
	struct buf item;

	buf_init(&item, ITEM_MAX);
	wr_open_map(&item);
	catalogue_put(&item, s, s->name, m);
	wr_close(&item);
	if (!item.err)
		(void)take_item(arg, buf_slice(&item));
	buf_done(&item);
}

static int
list_built_in(struct slice args, struct printer *p)
{
	char text[256] = "", pattern[LIST_PATTERN_MAX + 1], why[160];

	(void)ctl_arg_text(args, "pattern", text, sizeof text);
	if (catalogue_pattern(text, pattern, why, sizeof why))
		return local_refuse("%s: %s", text, why);
	catalogue_each(pattern, print_metric, p);
	return LOCAL_DONE;
}

int
metrics_run(struct slice args, struct printer *p)
{
	CLEANUP(ctl_disconnect) struct ctl_client *c = NULL;
	enum asked asked = daemon_is_named() ? ASK_EITHER : ASK_AGENT;
	bool offline = ctl_arg_bool(args, "offline"), look = ctl_arg_bool(args, "look");

	if (offline && look)
		return local_usage("--look asks a daemon, --offline nobody");
	if (offline)
		return list_built_in(args, p);
	if (daemon_open_set(asked, !look && !daemon_is_named(), &c) == 0)
		return daemon_ask(c, "metrics", asked, args, take_item, p);
	if (look || daemon_is_named())
		return LOCAL_REFUSED;
	fputs("fogctl: no agent answers here: these are the metrics that are built in\n",
	    stderr);
	return list_built_in(args, p);
}
