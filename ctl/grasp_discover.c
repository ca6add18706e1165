/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp discover: who supports an objective, and where. */
#include "base/cbor.h"
#include "ctl/grasp.h"
#include "ctl/peer_search.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define ROW_MAX	  (1u << 20)
#define KNOWN_MAX (1u << 20)

struct discover {
	struct asker asker;
	struct peer_search search;
	struct buf known; /* rows without what changes, to tell each once */
};

/* "fd00::1", or the name or URI as it is. */
static void
put_place(struct buf *row, const struct grasp_locator *l)
{
	struct addr bare = { .ip = l->ip };

	if (l->kind == O_IPv6_LOCATOR || l->kind == O_IPv4_LOCATOR) {
		asker_key_addr(row, "locator", &bare);
	} else {
		wr_text(row, "locator");
		wr_text_slice(row, l->text);
	}
}

static void
put_locator(struct buf *row, const struct grasp_locator *l)
{
	put_place(row, l);
	wr_key_text(row, "protocol",
	    l->proto == GRASP_TCP	? "tcp"
		: l->proto == GRASP_UDP ? "udp"
					: NULL);
	if (l->port >= 0)
		wr_key_int(row, "port", l->port);
	else
		wr_key_text(row, "port", NULL);
}

static bool
is_known(struct discover *d, struct slice row)
{
	if (row.len && d->known.pos &&
	    memmem(d->known.data, d->known.pos, row.data, row.len))
		return true;
	buf_put_slice(&d->known, row);
	return false;
}

static void
print_locator(
    struct discover *d, const struct grasp_found *f, const struct grasp_locator *l)
{
	struct buf row;

	buf_init(&row, ROW_MAX);
	wr_open_map(&row);
	put_locator(&row, l);
	asker_key_addr(&row, "from", &f->from);
	wr_key_bool(&row, "diverted", f->diverted);
	if (!is_known(d, buf_slice(&row))) {
		wr_key_double(&row, "ttl_s", f->ttl_ms / 1e3);
		asker_key_diag(&row, "value",
		    f->objective ? f->objective->value : (struct slice){ 0 });
		wr_close(&row);
		asker_print(&d->asker, &row);
	}
	buf_done(&row);
}

static void
on_found(void *arg, const struct grasp_found *f)
{
	for (size_t i = 0; i < f->locators; i++)
		print_locator(arg, f, &f->locator[i]);
}

static void
on_ended(void *arg)
{
	struct discover *d = arg;

	asker_end(&d->asker, d->asker.printer->items ? LOCAL_DONE : LOCAL_REFUSED);
}

static int
discover(struct discover *d, struct slice args, struct buf *value)
{
	char name[GRASP_NAME_MAX + 1];
	struct grasp_objective o;
	int64_t timeout_ms;
	int status = asker_objective(args, F_DISC | F_SYNCH, name, value, &o);

	if (!status)
		status = asker_span(args, "--timeout", &timeout_ms);
	if (!status)
		status = asker_open(&d->asker, args, d->asker.printer);
	if (!status)
		status = peer_search_start(
		    &d->search, &d->asker, &o, timeout_ms, on_found, on_ended, d);
	if (status)
		return status;
	status = asker_run(&d->asker);
	if (d->asker.printer->items)
		return LOCAL_DONE;
	return local_refuse("nobody answers for %s", name);
}

int
grasp_discover_run(struct slice args, struct printer *p)
{
	struct discover d = { .asker.printer = p };
	struct buf value;
	int status;

	buf_init(&value, GRASP_UNICAST_MAX);
	buf_init(&d.known, KNOWN_MAX);
	status = discover(&d, args, &value);
	peer_search_stop(&d.search);
	asker_close(&d.asker);
	buf_done(&d.known);
	buf_done(&value);
	return status;
}
