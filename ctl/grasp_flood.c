/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp flood: tells all neighbours a value, once or periodically. */
#include "base/addr_text.h"
#include "base/cbor.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/asker.h"
#include "ctl/grasp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROW_MAX	    (1u << 20)
#define PERIOD_MS   10000
#define TTL_PERIODS 3 /* a flood may be lost and the next one still comes in time */
#define URI_MAX	    256

struct flood {
	struct asker asker;
	struct grasp_objective objective;
	struct grasp_locator locator; /* kind 0: none */
	char text[URI_MAX];
	struct grasp_timer *timer;
	int64_t period_ms, ttl_ms, left;
};

/* --- the locator --------------------------------------------------------------------------------- */

/* "name:port" */
static int
read_fqdn(struct flood *f)
{
	char *colon = strrchr(f->text, ':'), *end;
	long port = colon ? strtol(colon + 1, &end, 10) : -1;

	if (!colon || colon == f->text || end == colon + 1 || *end || port < 0 ||
	    port > UINT16_MAX)
		return -EINVAL;
	*colon = '\0';
	f->locator.kind = O_FQDN_LOCATOR;
	f->locator.text = slice_text(f->text);
	f->locator.port = (int)port;
	return 0;
}

static int
parse_locator(struct flood *f)
{
	size_t len = strlen(f->text);
	struct addr at;

	f->locator.proto = GRASP_TCP;
	if (strstr(f->text, "://")) {
		f->locator = (struct grasp_locator){ .kind = O_URI_LOCATOR,
			.text = slice_text(f->text),
			.proto = -1,
			.port = -1 };
		return 0;
	}
	if (len > 4 && strcmp(f->text + len - 4, "/udp") == 0) {
		f->text[len - 4] = '\0';
		f->locator.proto = GRASP_UDP;
	}
	if (addr_parse(f->text, &at) < 0)
		return read_fqdn(f);
	if (at.port == 0)
		return -EINVAL;
	f->locator = grasp_locator_from_addr(&at, (enum grasp_proto)f->locator.proto);
	return 0;
}

static int
read_locator(struct flood *f, struct slice args)
{
	if (!ctl_arg_text(args, "locator", f->text, sizeof f->text) ||
	    parse_locator(f) == 0)
		return 0;
	return local_usage(
	    "--locator takes [ADDRESS]:PORT, NAME:PORT, either with /udp behind it, or "
	    "a URI; [::]:PORT is this node's own address");
}

/* --- sending ------------------------------------------------------------------------------------- */

static void
print(struct flood *f, int interfaces)
{
	char time[CLOCK_TEXT_MAX];
	struct buf row;

	buf_init(&row, ROW_MAX);
	wr_open_map(&row);
	wr_key_text(&row, "time", clock_format(clock_wall_ms(), time));
	wr_key_text(&row, "objective", (const char *)f->objective.name.data);
	wr_key_int(&row, "interfaces", interfaces);
	wr_key_double(&row, "ttl_s", (double)f->ttl_ms / 1e3);
	wr_close(&row);
	asker_print(&f->asker, &row);
	buf_done(&row);
}

static int
send_one(struct flood *f)
{
	int n = grasp_flood(f->asker.node, &f->objective,
	    f->locator.kind ? &f->locator : NULL, (uint32_t)f->ttl_ms);

	if (n == -EMSGSIZE)
		return local_usage(
		    "the flood is larger than a multicast may be: a shorter VALUE");
	if (n < 0)
		return local_refuse("cannot flood: %s", strerror(-n));
	if (n == 0)
		return local_refuse(
		    "no interface here has an address for GRASP: is the network up?");
	print(f, n);
	return 0;
}

static void
on_time(void *arg)
{
	struct flood *f = arg;
	int status = send_one(f);

	if (f->left > 0)
		f->left--;
	if (status || f->left == 0)
		asker_end(&f->asker, status);
	else
		asker_timer_set(&f->asker, f->timer, f->period_ms);
}

/* --count 0 goes on until it is interrupted; --period alone as well. */
static int
read_rhythm(struct flood *f, struct slice args)
{
	int status = asker_span(args, "--period", &f->period_ms);

	if (!status)
		status = asker_span(args, "--ttl", &f->ttl_ms);
	if (status)
		return status;
	if (!ctl_arg_int(args, "count", &f->left))
		f->left = f->period_ms ? 0 : 1;
	if (f->left == 0)
		f->left = -1;
	if (!f->period_ms)
		f->period_ms = PERIOD_MS;
	if (!f->ttl_ms)
		f->ttl_ms = TTL_PERIODS * (f->left == 1 ? PERIOD_MS : f->period_ms);
	return 0;
}

static int
flood(struct flood *f, struct slice args, struct printer *p, struct buf *value)
{
	char name[GRASP_NAME_MAX + 1];
	int status = asker_objective(args, F_DISC | F_SYNCH, name, value, &f->objective);

	if (!status)
		status = read_locator(f, args);
	if (!status)
		status = read_rhythm(f, args);
	if (!status)
		status = asker_open(&f->asker, args, p);
	if (!status && asker_timer_new(&f->asker, on_time, f, &f->timer) < 0)
		status = local_refuse("%s", strerror(ENOMEM));
	if (status)
		return status;
	asker_timer_set(&f->asker, f->timer, 0);
	status = asker_run(&f->asker);
	return f->asker.interrupted && p->items ? LOCAL_DONE : status;
}

int
grasp_flood_run(struct slice args, struct printer *p)
{
	struct flood f = { 0 };
	struct buf value;
	int status;

	buf_init(&value, GRASP_UNICAST_MAX);
	status = flood(&f, args, p, &value);
	asker_timer_free(&f.asker, &f.timer);
	asker_close(&f.asker);
	buf_done(&value);
	return status;
}
