/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/asker.h"
#include "base/addr_text.h"
#include "base/cbor.h"
#include "base/clock.h"
#include "base/ctl.h"
#include "grasp/io_ev.h"

#include <errno.h>
#include <ev.h>
#include <math.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_MAX   65536
#define SPAN_MAX_MS (INT64_C(86400) * 1000)

struct asker_clock {
	struct ev_loop *loop;
	ev_signal interrupt, terminate;
	struct asker *asker;
};

/* --- life ---------------------------------------------------------------------------------------- */

static void
on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	struct asker_clock *c = w->data;

	(void)events;
	c->asker->interrupted = true;
	ev_break(loop, EVBREAK_ALL);
}

static int
open_clock(struct asker *a)
{
	struct asker_clock *c = calloc(1, sizeof *c);

	a->clock = c;
	if (!c)
		return -ENOMEM;
	c->asker = a;
	c->loop = ev_default_loop(EVFLAG_AUTO);
	if (!c->loop)
		return -ENOMEM;
	ev_signal_init(&c->interrupt, on_signal, SIGINT);
	ev_signal_init(&c->terminate, on_signal, SIGTERM);
	c->interrupt.data = c->terminate.data = c;
	ev_signal_start(c->loop, &c->interrupt);
	ev_signal_start(c->loop, &c->terminate);
	return 0;
}

static int
open_io(struct asker *a)
{
	bool one = ctl_arg_text(a->args, "interface", a->interface, sizeof a->interface);
	struct grasp_io_ev_config cfg = { .allow = one ? a->allow : NULL,
		.loopback = one };

	a->allow[0] = a->interface;
	if (one && !if_nametoindex(a->interface))
		return local_refuse(
		    "there is no interface %s; ip link shows which there are",
		    a->interface);
	return grasp_io_ev_new(a->clock->loop, &cfg, &a->io)
	    ? local_refuse("%s", strerror(ENOMEM))
	    : 0;
}

static int
read_scope(struct asker *a, bool to_hear)
{
	static const struct grasp_scope_rules rules = { .range = GRASP_SCOPE_ADMIN };
	char text[GRASP_SCOPE_TEXT_MAX], canonical[GRASP_SCOPE_TEXT_MAX];
	int n;

	if (!ctl_arg_text(a->args, "scope", text, sizeof text))
		return 0;
	n = grasp_scope_canonical(text, canonical);
	if (n >= 0)
		n = to_hear ? grasp_scope_listens(canonical, &rules, a->group)
			    : grasp_scope_sends(canonical, &rules, a->group);
	if (n < 0)
		return local_usage(
		    "--scope takes an expression such as admin=operator1;type=robot, "
		    "not \"%s\"",
		    text);
	a->groups = (unsigned)n;
	return 0;
}

static int
begin(struct asker *a, struct slice args, struct printer *p, bool to_hear)
{
	int status;

	*a = (struct asker){ .printer = p, .args = args, .status = -1 };
	status = read_scope(a, to_hear);
	if (status)
		return status;
	if (open_clock(a) < 0)
		return local_refuse("%s", strerror(ENOMEM));
	return open_io(a);
}

int
asker_open_io(struct asker *a, struct slice args, struct printer *p)
{
	return begin(a, args, p, true);
}

static int
open_node(struct asker *a, const struct grasp_config *cfg)
{
	int err = grasp_node_new(a->io, cfg, &a->node);

	if (err == 0)
		return 0;
	return local_refuse("no GRASP here: %s", strerror(-err));
}

int
asker_open(struct asker *a, struct slice args, struct printer *p)
{
	int status = begin(a, args, p, false);
	struct grasp_config cfg = { .no_listener = true,
		.link_local = a->groups == 0,
		.send = a->group,
		.sends = a->groups };

	return status ? status : open_node(a, &cfg);
}

int
asker_run(struct asker *a)
{
	if (a->status < 0)
		ev_run(a->clock->loop, 0);
	if (a->interrupted && a->status < 0)
		a->status = LOCAL_REFUSED;
	return a->status;
}

void
asker_end(struct asker *a, int status)
{
	a->status = status;
	ev_break(a->clock->loop, EVBREAK_ALL);
}

void
asker_close(struct asker *a)
{
	grasp_node_free(a->node);
	grasp_io_ev_free(a->io);
	if (a->clock && a->clock->loop) {
		ev_signal_stop(a->clock->loop, &a->clock->interrupt);
		ev_signal_stop(a->clock->loop, &a->clock->terminate);
	}
	free(a->clock);
}

/* --- timers -------------------------------------------------------------------------------------- */

int
asker_timer_new(
    struct asker *a, void (*fire)(void *arg), void *arg, struct grasp_timer **ret)
{
	return a->io->ops->timer_new(a->io, fire, arg, ret);
}

void
asker_timer_set(struct asker *a, struct grasp_timer *t, int64_t ms)
{
	a->io->ops->timer_set(t, ms);
}

void
asker_timer_free(struct asker *a, struct grasp_timer **t)
{
	if (*t)
		a->io->ops->timer_free(*t);
	*t = NULL;
}

/* --- output -------------------------------------------------------------------------------------- */

void
asker_print(struct asker *a, struct buf *item)
{
	struct printer *p = a->printer;

	if (item->err || p->output->item(p, buf_slice(item)))
		local_refuse("a row cannot be shown");
	else
		p->items++;
}

void
asker_key_diag(struct buf *item, const char *key, struct slice value)
{
	struct buf text;

	if (value.len == 0) {
		wr_key_text(item, key, NULL);
		return;
	}
	buf_init(&text, 8 * VALUE_MAX);
	cbor_diag(&text, value);
	wr_text(item, key);
	wr_text_slice(item, buf_slice(&text));
	if (text.err && !item->err)
		item->err = text.err;
	buf_done(&text);
}

void
asker_key_addr(struct buf *item, const char *key, const struct addr *at)
{
	char text[ADDR_TEXT_MAX];

	wr_key_text(item, key, addr_format(at, text));
}

/* --- arguments ----------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned mask;
} flag_names[] = {
	{ "disc", F_DISC },
	{ "neg", F_NEG },
	{ "synch", F_SYNCH },
	{ "dry", F_NEG_DRY },
};

static unsigned
find_flag(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (strcmp(name, flag_names[i].name) == 0)
			return flag_names[i].mask;
	return 0;
}

static int
read_flags(struct slice args, unsigned otherwise, unsigned *ret)
{
	char text[64], *rest = text, *word, *end;

	*ret = otherwise;
	if (!ctl_arg_text(args, "flags", text, sizeof text))
		return 0;
	*ret = (unsigned)strtoul(text, &end, 0);
	if (*text && !*end)
		return 0;
	*ret = 0;
	while ((word = strsep(&rest, ",+|"))) {
		unsigned mask = find_flag(word);

		if (!mask)
			return local_usage(
			    "--flags takes disc, neg, synch, dry, joined by commas, or "
			    "a number");
		*ret |= mask;
	}
	return 0;
}

int
asker_value(const char *option, struct slice text, struct buf *ret)
{
	char err[160];

	if (cbor_parse(text, ret, err, sizeof err))
		return local_usage(
		    "%s is not diagnostic notation (RFC 8949): %s", option, err);
	return 0;
}

static int
read_value(struct slice args, struct buf *value)
{
	struct cbor_reader r;
	struct slice given;

	if (!value || local_all(args, "value", &given, 1) == 0)
		return 0;
	rd_init(&r, given, 2);
	return asker_value("VALUE", rd_text(&r), value);
}

int
asker_objective(struct slice args, unsigned flags, char name[GRASP_NAME_MAX + 1],
    struct buf *value, struct grasp_objective *ret)
{
	int64_t loop = GRASP_DEF_LOOPCT;
	int status;

	if (!ctl_arg_text(args, "name", name, GRASP_NAME_MAX + 1) || !*name)
		return local_usage(
		    "the name of an objective has 1 to %d bytes", GRASP_NAME_MAX);
	ctl_arg_int(args, "loop", &loop);
	if (loop < 1 || loop > UINT8_MAX)
		return local_usage("--loop takes a number from 1 to 255");
	status = read_flags(args, flags, &flags);
	if (!status)
		status = read_value(args, value);
	*ret = (struct grasp_objective){
		.name = slice_text(name), .flags = flags, .loop_count = (uint8_t)loop
	};
	if (value)
		ret->value = buf_slice(value);
	return status;
}

int
asker_span(struct slice args, const char *option, int64_t *ret_ms)
{
	char text[32], *end;
	double s;

	*ret_ms = 0;
	if (!ctl_arg_text(args, option + 2, text, sizeof text))
		return 0;
	s = strtod(text, &end);
	if (end != text && !*end && isfinite(s))
		*ret_ms = (int64_t)fmin(s * 1000, (double)SPAN_MAX_MS + 1);
	else if (clock_parse_span(text, ret_ms) < 0)
		*ret_ms = 0;
	if (*ret_ms < 1 || *ret_ms > SPAN_MAX_MS)
		return local_usage(
		    "%s takes seconds, such as 5 or 0.5, not \"%s\"", option, text);
	return 0;
}
