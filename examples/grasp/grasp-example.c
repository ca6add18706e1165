/* SPDX-License-Identifier: Apache-2.0
 *
 * A budget that nodes of a network share: who has it registers an objective, who needs some of it
 * discovers that, negotiates an amount, and asks how much is left.
 *
 *	cc -o grasp-example grasp-example.c $(pkg-config --cflags --libs libgrasp) -lev
 *	grasp-example serve example.org:budget
 *	grasp-example ask example.org:budget	# on another node of the link
 */
#include <ev.h>
#include <grasp/grasp.h>
#include <grasp/io_ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET 100
#define WANTED 150

static struct ev_loop *loop;
static struct grasp_node *node;
static const char *name;		   /* of the objective that is negotiated */
static char left_name[GRASP_NAME_MAX + 1]; /* of the one that is synchronized */
static unsigned left = BUDGET;
static struct addr server; /* whom "ask" has found */
static int status = 1;

/* --- values: one CBOR item each, here an unsigned number ------------------------------------ */

static struct slice
put_number(unsigned n, uint8_t dst[3])
{
	struct slice item = { dst, 3 };

	dst[0] = 0x19; /* two bytes follow */
	dst[1] = (uint8_t)(n >> 8);
	dst[2] = (uint8_t)n;
	return item;
}

/* What came from the network may be anything: -1 if it is no number below 65536. */
static int
get_number(struct slice item)
{
	const uint8_t *p = item.data;

	if (item.len == 1 && p[0] < 0x18)
		return p[0];
	if (item.len == 2 && p[0] == 0x18)
		return p[1];
	if (item.len == 3 && p[0] == 0x19)
		return p[1] << 8 | p[2];
	return -1;
}

static int
give_up(const char *what, int err)
{
	fprintf(stderr, "grasp-example: %s: %s\n", what, strerror(-err));
	ev_break(loop, EVBREAK_ALL);
	return 1;
}

/* --- serve: answers negotiations and synchronizations --------------------------------------- */

static void
on_agreed(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg, (void)s, (void)reason;
	if (outcome ==
	    GRASP_ACCEPTED) /* that is what we have sent last: all that is left */
		left = 0;
	printf("ended: %s, %u left\n", grasp_outcome_name(outcome), left);
}

/* It is our turn, with the first request and after each step of the peer. */
static void
on_wanted(void *arg, struct grasp_session *s, const struct grasp_objective *wanted)
{
	static const struct grasp_session_ops ops = { .negotiated = on_wanted,
		.ended = on_agreed };
	int amount = get_number(wanted->value);
	uint8_t item[3];

	printf("asked for %d, %u left\n", amount, left);
	grasp_session_set(s, &ops, arg);
	if (amount < 0 || left == 0) {
		grasp_session_end(s, false, amount < 0 ? "not a number" : "nothing left");
	} else if ((unsigned)amount <= left) {
		left -= (unsigned)amount;
		grasp_session_end(s, true, NULL);
	} else if (grasp_session_step(s, put_number(left, item)) < 0) {
		grasp_session_end(s, false, "cannot go on");
	}
}

static void
on_asked_what_is_left(
    void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	uint8_t item[3];

	(void)arg, (void)asked;
	if (grasp_session_synch(s, put_number(left, item)) < 0)
		grasp_session_end(s, false, NULL);
}

static int
serve(void)
{
	static const struct grasp_support budget = { .negotiate = on_wanted };
	static const struct grasp_support rest = { .synchronize = on_asked_what_is_left };
	struct grasp_registration *r;
	int err = grasp_register(node, name, F_DISC | F_NEG, &budget, NULL, &r);

	if (!err)
		err = grasp_register(node, left_name, F_DISC | F_SYNCH, &rest, NULL, &r);
	if (err)
		return give_up("cannot register the objectives", err);
	puts("serving");
	return 0;
}

/* --- ask: discovers, negotiates, then synchronizes ------------------------------------------ */

static void
on_left(void *arg, struct grasp_session *s, const struct grasp_objective *rest)
{
	(void)arg, (void)s;
	printf("left: %d\n", get_number(rest->value));
	status = 0;
}

static void
on_synch_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg, (void)s, (void)reason;
	printf("synchronization: %s\n", grasp_outcome_name(outcome));
	ev_break(loop, EVBREAK_ALL);
}

static void
ask_what_is_left(void)
{
	static const struct grasp_session_ops ops = { .synched = on_left,
		.ended = on_synch_ended };
	static const struct grasp_link_ops quiet; /* the session tells enough */
	struct grasp_objective rest = { .name = slice_text(left_name), .flags = F_SYNCH };
	struct grasp_session *s;
	struct grasp_link *link;
	int err = grasp_link_open(node, &server, &quiet, NULL, &link);

	if (!err)
		err = grasp_synchronize(link, &rest, 0, &ops, NULL, &s);
	if (err)
		give_up("cannot synchronize", err);
}

static void
on_offer(void *arg, struct grasp_session *s, const struct grasp_objective *offer)
{
	(void)arg;
	printf("offered: %d\n", get_number(offer->value));
	grasp_session_end(
	    s, true, NULL); /* take it; ended() is not called for who ends */
	ask_what_is_left();
}

static void
on_negotiation_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg, (void)s;
	printf("negotiation: %s %.*s\n", grasp_outcome_name(outcome), (int)reason.len,
	    reason.len ? (const char *)reason.data : "");
	ask_what_is_left();
}

static void
negotiate(void)
{
	static const struct grasp_session_ops ops = { .negotiated = on_offer,
		.ended = on_negotiation_ended };
	static const struct grasp_link_ops quiet;
	uint8_t item[3];
	struct grasp_objective budget = { .name = slice_text(name),
		.flags = F_NEG,
		.value = put_number(WANTED, item) };
	struct grasp_session *s;
	struct grasp_link *link;
	int err = grasp_link_open(node, &server, &quiet, NULL, &link);

	if (!err)
		err = grasp_negotiate(link, &budget, 0, &ops, NULL, &s);
	if (err)
		give_up("cannot negotiate", err);
}

static void
on_found(void *arg, const struct grasp_found *found)
{
	(void)arg;
	for (size_t i = 0; i < found->locators && !server.port; i++)
		if (grasp_locator_to_addr(
			&found->locator[i], found->from.ifindex, &server) < 0)
			server.port = 0; /* not an address, or not TCP */
}

static void
on_searched(void *arg, unsigned responses)
{
	(void)arg;
	printf("found: %u\n", responses);
	if (server.port)
		negotiate();
	else
		ev_break(loop, EVBREAK_ALL);
}

static int
ask(void)
{
	struct grasp_objective budget = { .name = slice_text(name),
		.flags = F_DISC | F_NEG };
	struct grasp_discovery *d;
	int err = grasp_discover(node, &budget, 0, on_found, on_searched, NULL, &d);

	return err ? give_up("cannot discover", err) : 0;
}

/* --- the program ---------------------------------------------------------------------------- */

static void
on_signal(struct ev_loop *l, ev_signal *s, int events)
{
	(void)s, (void)events;
	status = 0;
	ev_break(l, EVBREAK_ALL);
}

static int
run(int (*role)(void))
{
	struct grasp_config config = { .link_local = true }; /* ff02::13, port 7017 */
	struct grasp_io_ev_config all_interfaces = { 0 };
	struct grasp_io *io;
	ev_signal term;
	int err = grasp_io_ev_new(loop, &all_interfaces, &io);

	if (err)
		return give_up("no sockets", err);
	err = grasp_node_new(io, &config, &node);
	if (err) {
		grasp_io_ev_free(io);
		return give_up("cannot listen on port 7017", err);
	}
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_start(loop, &term);
	if (role() == 0)
		ev_run(loop, 0);
	grasp_node_free(node);
	grasp_io_ev_free(io);
	return status;
}

int
main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = EV_DEFAULT;
	if (argc == 3 && strlen(argv[2]) < GRASP_NAME_MAX - 5) {
		name = argv[2];
		snprintf(left_name, sizeof left_name, "%s.left", name);
		if (!strcmp(argv[1], "serve"))
			return run(serve);
		if (!strcmp(argv[1], "ask"))
			return run(ask);
	}
	fputs("usage: grasp-example serve|ask NAME\n", stderr);
	return 2;
}
