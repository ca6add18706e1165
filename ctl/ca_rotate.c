/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl ca rotate: a new CA takes the place of the one that signs (security.md §5.6). Both are trusted
 * until no certificate of the old one can be good any more; the controller sees to that. With --now
 * only until the nodes that are there have renewed theirs: for a key that somebody else may have. */
#include "base/clock.h"
#include "base/ctl.h"
#include "ctl/ca_rotate_int.h"
#include "ctl/local.h"
#include "trust/token.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define WAIT_S	   60
#define WAIT_MAX_S 3600
#define LOOK_MS	   250

struct order {
	struct rotation r;
	bool now;
	int64_t wait_s;
	bool running;		      /* the controller */
	int64_t nodes, told, renewed; /* that are there */
};

static int
read_args(struct order *o, struct slice args)
{
	char state_dir[PATH_MAX];
	int status = ca_path(args, "state-dir", CA_STATE_DIR, state_dir);

	if (!status)
		status = ca_path(args, "ca-dir", CA_DIR, o->r.ca_dir);
	snprintf(
	    o->r.own_dir, sizeof o->r.own_dir, "%.*s/domain", PATH_MAX - 64, state_dir);
	o->now = ctl_arg_bool(args, "now");
	o->wait_s = WAIT_S;
	(void)ctl_arg_int(args, "wait", &o->wait_s);
	if (!status && (o->wait_s < 0 || o->wait_s > WAIT_MAX_S))
		status = local_usage("--wait is 0 to %d seconds", WAIT_MAX_S);
	return status;
}

/* --- the controller ---------------------------------------------------------------------------------- */
/* Of the newest CA, which comes first. */
static void
read_counts(struct order *o, struct slice item)
{
	struct cbor_reader r;
	struct slice key;

	rd_init(&r, item, 0);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		if (slice_is(key, "nodes"))
			o->nodes = (int64_t)rd_uint(&r);
		else if (slice_is(key, "told"))
			o->told = (int64_t)rd_uint(&r);
		else if (slice_is(key, "renewed"))
			o->renewed = (int64_t)rd_uint(&r);
		else
			rd_skip(&r);
	}
	rd_leave(&r);
}

static int
ask(struct order *o, struct ctl_client *c, const char *command)
{
	struct slice item;
	int n = ctl_call(c, command, (struct slice){ 0 }), code;

	for (bool first = true; n == 0 && (n = ctl_next(c, &item)) > 0; first = false) {
		if (first)
			read_counts(o, item);
		n = 0;
	}
	if (n == -EREMOTEIO)
		return local_refuse(
		    "%s: the controller refuses: %s", command, ctl_refusal(c, &code));
	return n ? local_refuse(
		       "%s: the controller gives no answer: %s", command, strerror(-n))
		 : LOCAL_DONE;
}

/* A controller that does not run reads the files when it starts. */
static int
tell(struct order *o, const char *command)
{
	CLEANUP(ctl_disconnect) struct ctl_client *c = NULL;
	int err = ctl_connect(local_socket(), &c);

	o->running = err == 0;
	if (err == -ENOENT || err == -ECONNREFUSED)
		return LOCAL_DONE;
	if (err)
		return local_refuse(
		    "%s: %s. The files are changed: \"fogctl ca reload\" lets"
		    " the controller read them",
		    local_socket(), strerror(-err));
	return ask(o, c, command);
}

/* Until all that are there have a certificate of the new CA. */
static int
wait_for_nodes(struct order *o)
{
	int64_t until = clock_boot_ms() + o->wait_s * 1000;
	int status = LOCAL_DONE;

	while (
	    !status && o->running && o->renewed < o->nodes && clock_boot_ms() < until) {
		poll(NULL, 0, LOOK_MS);
		status = tell(o, "ca show");
	}
	return status;
}

static int
forget_old(struct order *o)
{
	int status = wait_for_nodes(o);
	int64_t nodes = o->nodes, renewed = o->renewed;

	if (!status)
		status = rotation_drop(&o->r);
	if (!status)
		status = tell(o, "ca reload");
	o->nodes = nodes; /* those are meant that were there */
	o->renewed = renewed;
	return status;
}

/* --- the answer ---------------------------------------------------------------------------------------- */
static const char *
find_next(const struct order *o)
{
	if (o->now && o->renewed < o->nodes)
		return "nodes without a new certificate have to join again: fogctl token "
		       "create";
	if (!o->running)
		return "start fogwatch-controller, which tells the nodes";
	return o->now
	    ? "nodes that were away have to join again: fogctl token create"
	    : "nodes renew by themselves, also those that are away; the old CA "
	      "retires in 30 days. Make new certificates for operators and further "
	      "controllers until then: fogctl ca issue";
}

static int
say(const struct order *o, struct printer *p)
{
	const struct cert_facts *f = cert_facts(o->r.fresh.cert[0]);
	char pin[27], until[CLOCK_TEXT_MAX];
	struct buf item;
	int err;

	buf_init(&item, 4096);
	wr_map(&item, 7);
	wr_key_text(&item, "domain", f->cn);
	wr_key_text(&item, "ca_pin", token_pin_format(f->key_fingerprint, pin));
	wr_key_text(&item, "ca_until", clock_format(f->not_after_ms, until));
	wr_key_bool(&item, "old_trusted", !o->now);
	wr_key_int(&item, "nodes", o->nodes);
	wr_key_int(&item, "renewed", o->renewed);
	wr_key_text(&item, "next", find_next(o));
	err = item.err ? item.err : p->output->item(p, buf_slice(&item));
	buf_done(&item);
	p->items++;
	return err ? LOCAL_REFUSED : LOCAL_DONE;
}

int
ca_rotate_run(struct slice args, struct printer *p)
{
	static struct order o;
	int status;

	o = (struct order){ .r.lock = -1 };
	status = read_args(&o, args);
	if (!status)
		status = rotation_open(&o.r);
	if (!status)
		status = rotation_make(&o.r);
	if (!status)
		status = rotation_write(&o.r);
	if (!status)
		status = tell(&o, "ca reload");
	if (!status && o.now)
		status = forget_old(&o);
	if (!status)
		status = say(&o, p);
	rotation_close(&o.r);
	return status;
}
