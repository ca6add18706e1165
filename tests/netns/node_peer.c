/* SPDX-License-Identifier: Apache-2.0
 *
 * A plain GRASP node to talk to: negotiates EX1 (a number, at most 100), has the text "hello" as
 * EX2 and floods it, asks for patience before it agrees to EX3, and listens on the link and on the
 * group ff14::beef. Options: -r it relays; -l not on the link; -j GROUP listens there too; -n it
 * has no objective; -p PREFIX in front of the names of its objectives. */
#include <arpa/inet.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cbor.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"
#include "tests/netns/quads_lab.h"

#define MOST 100

static const struct slice hello = { (const uint8_t *)"\x65hello", 6 };
static struct grasp_node *node;
static const char *prefix = "";
static bool nothing;

static const char *
name_of(const char *objective)
{
	static char name[GRASP_NAME_MAX + 1];

	snprintf(name, sizeof name, "%s%s", prefix, objective);
	return name;
}

static uint64_t
number_in(const struct grasp_objective *obj)
{
	struct cbor_reader r;

	rd_init(&r, obj->value, 0);
	return rd_uint(&r);
}

static void
answer(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	static const uint8_t most[] = { 0x18, MOST };

	(void)arg;
	if (number_in(obj) <= MOST)
		grasp_session_end(s, true, NULL);
	else if (grasp_session_step(s, (struct slice){ most, sizeof most }) < 0)
		grasp_session_end(s, false, "cannot go on");
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)s;
	(void)reason;
	printf("ended: %s\n", grasp_outcome_name(outcome));
}

static const struct grasp_session_ops ops = { .negotiated = answer, .ended = on_ended };

static void
on_negotiate(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	grasp_session_set(s, &ops, arg);
	answer(arg, s, asked);
}

static void
on_synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	(void)arg;
	(void)asked;
	if (grasp_session_synch(s, hello) < 0)
		puts("cannot answer");
}

/* EX3: M_WAIT now, M_END in a while. One at a time is enough. */
static ev_timer later;
static struct grasp_session *waiting;

static void
on_later(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop, (void)t, (void)events;
	if (waiting)
		grasp_session_end(waiting, true, NULL);
	waiting = NULL;
}

static void
on_patient_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	if (s == waiting)
		waiting = NULL;
	on_ended(arg, s, outcome, reason);
}

static void
on_ask_for_patience(
    void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	static const struct grasp_session_ops patient = { .ended = on_patient_ended };

	(void)asked;
	grasp_session_set(s, &patient, arg);
	if (waiting || grasp_session_wait(s, 5000) < 0) {
		grasp_session_end(s, false, "busy");
		return;
	}
	waiting = s;
	ev_timer_set(&later, 0.3, 0);
	ev_timer_start(EV_DEFAULT, &later);
}

static void
on_flood(struct ev_loop *loop, ev_timer *t, int events)
{
	static const struct grasp_locator own = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	struct grasp_objective ex2 = { .name = slice_text(name_of("EX2")),
		.flags = F_DISC | F_SYNCH,
		.loop_count = 1,
		.value = hello };

	(void)loop;
	(void)t;
	(void)events;
	grasp_flood(node, &ex2, &own, 5000);
}

static void
on_end(struct ev_loop *loop, ev_signal *s, int what)
{
	(void)s;
	(void)what;
	ev_break(loop, EVBREAK_ALL);
}

static int
offer(void)
{
	static const struct grasp_support numbers = { .negotiate = on_negotiate },
					  texts = { .synchronize = on_synchronize },
					  patience = { .negotiate = on_ask_for_patience };
	struct grasp_registration *r;

	if (nothing)
		return 0;
	if (grasp_register(node, name_of("EX1"), F_DISC | F_NEG, &numbers, NULL, &r) <
		0 ||
	    grasp_register(node, name_of("EX3"), F_DISC | F_NEG, &patience, NULL, &r) < 0)
		return -1;
	return grasp_register(node, name_of("EX2"), F_DISC | F_SYNCH, &texts, NULL, &r);
}

static void
options(int argc, char **argv, struct grasp_config *cfg)
{
	static struct in6_addr groups[4];
	int c;

	inet_pton(AF_INET6, "ff14::beef", &groups[0]);
	*cfg = (struct grasp_config){ .link_local = true, .join = groups, .joins = 1 };
	while ((c = getopt(argc, argv, "rlnj:p:")) != -1) {
		if (c == 'r')
			cfg->relay = true;
		else if (c == 'l')
			cfg->link_local = false;
		else if (c == 'n')
			nothing = true;
		else if (c == 'p')
			prefix = optarg;
		else if (c == 'j' && cfg->joins < 4 &&
		    inet_pton(AF_INET6, optarg, &groups[cfg->joins]) == 1)
			cfg->joins++;
		else
			exit(2);
	}
}

int
main(int argc, char **argv)
{
	static const struct grasp_io_ev_config io_cfg;
	struct grasp_config cfg;
	struct ev_loop *loop = EV_DEFAULT;
	struct grasp_io *io = NULL;
	ev_signal term;
	ev_timer flood;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options(argc, argv, &cfg);
	ev_timer_init(&later, on_later, 0, 0);
	if (grasp_io_ev_new(loop, &io_cfg, &io) < 0 ||
	    grasp_node_new(quads_lab_open(io, &cfg), &cfg, &node) < 0 || offer() < 0)
		return 1;
	ev_signal_init(&term, on_end, SIGTERM);
	ev_signal_start(loop, &term);
	ev_timer_init(&flood, on_flood, 0.2, 0.2);
	if (!nothing)
		ev_timer_start(loop, &flood);
	puts("ready");
	ev_run(loop, 0);
	grasp_node_free(node);
	quads_lab_close();
	grasp_io_ev_free(io);
	ev_loop_destroy(loop);
	return 0;
}
