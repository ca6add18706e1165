/* SPDX-License-Identifier: Apache-2.0
 *
 * One question to GRASP nodes, for scripts: each event is a line of JSON, the exit status tells
 * whether there was an answer. Values are CBOR in hex.
 *
 *	asker [options] discover NAME FLAGS LOOP [VALUE]
 *	asker [options] negotiate ADDRESS NAME FLAGS VALUE [ACTION…]
 *			each M_NEGOTIATE is met by the next ACTION: a VALUE to step with, "accept",
 *			"decline"; accept when there is none left
 *	asker [options] synchronize ADDRESS NAME [VALUE]
 *	asker [options] flood NAME LOOP VALUE
 *	asker [options] listen NAME	ends with the first flood
 * options:
 *	-g GROUP  send to a scope group	-l  not to ff02::13	-h N  hop limit of scoped ones
 *	-t MS     patience, 5000	-r N  repeat a discovery up to N times until it is answered */
#include <arpa/inet.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/addr_text.h"
#include "grasp/grasp.h"
#include "grasp/io_ev.h"
#include "tests/netns/quads_lab.h"
#include "tests/support/hex.h"

static struct ev_loop *loop;
static struct grasp_node *node;
static uint32_t patience_ms = 5000;
static unsigned repeats = 1, tries;
static bool answered;
static char **actions;
static struct grasp_objective objective;

static void
print_hex(const char *key, struct slice s)
{
	printf("\"%s\":\"", key);
	for (size_t i = 0; i < s.len; i++)
		printf("%02x", s.data[i]);
	putchar('"');
}

static void
print_addr(const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	printf("\"%s\":\"%s\"", key, addr_format(a, text));
}

static void
print_locators(const struct grasp_locator *l, size_t count, uint32_t ifindex)
{
	struct addr at;

	printf("\"locators\":[");
	for (size_t i = 0; i < count; i++)
		if (grasp_locator_to_addr(&l[i], ifindex, &at) == 0) {
			char text[ADDR_TEXT_MAX];
			printf("%s\"%s\"", i ? "," : "", addr_format(&at, text));
		}
	putchar(']');
}

static void
finish(bool good)
{
	answered = good;
	ev_break(loop, EVBREAK_ALL);
}

/* --- discovery ------------------------------------------------------------------------------ */
static void
on_found(void *arg, const struct grasp_found *f)
{
	(void)arg;
	putchar('{');
	print_addr("from", &f->from);
	printf(",\"diverted\":%s,\"ttl\":%u,", f->diverted ? "true" : "false", f->ttl_ms);
	print_locators(f->locator, f->locators, f->from.ifindex);
	if (f->objective) {
		putchar(',');
		print_hex("value", f->objective->value);
	}
	puts("}");
}

static void discover(void);

static void
on_searched(void *arg, unsigned responses)
{
	(void)arg;
	printf("{\"responses\":%u,\"try\":%u}\n", responses, tries);
	if (responses || tries >= repeats)
		finish(responses > 0);
	else
		discover();
}

static void
discover(void)
{
	struct grasp_discovery *d;

	tries++;
	if (grasp_discover(node, &objective, 0, on_found, on_searched, NULL, &d) < 0)
		finish(false);
}

/* --- sessions ------------------------------------------------------------------------------- */
static void
end_self(struct grasp_session *s, bool accept)
{
	grasp_session_end(s, accept, accept ? NULL : "not today");
	printf("{\"ended\":\"%s\"}\n", accept ? "accept" : "decline");
	finish(true);
}

static void
on_negotiated(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	const char *action = actions && *actions ? *actions++ : "accept";
	bool accept = strcmp(action, "accept") == 0;
	struct slice value;
	int err;

	(void)arg;
	putchar('{');
	print_hex("negotiated", obj->value);
	printf(",\"loop\":%u}\n", obj->loop_count);
	if (accept || strcmp(action, "decline") == 0) {
		end_self(s, accept);
		return;
	}
	value = hex_bytes(action);
	err = grasp_session_step(s, value);
	hex_bytes_free(value);
	if (err < 0)
		end_self(s, false);
}

static void
on_synched(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	(void)s;
	putchar('{');
	print_hex("synched", obj->value);
	puts("}");
}

static void
on_waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	(void)arg;
	(void)s;
	printf("{\"waiting\":%u}\n", ms);
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)s;
	printf("{\"outcome\":\"%s\",\"reason\":\"%.*s\"}\n", grasp_outcome_name(outcome),
	    (int)reason.len, (const char *)reason.data);
	finish(outcome == GRASP_ACCEPTED);
}

static const struct grasp_session_ops ops = { .negotiated = on_negotiated,
	.synched = on_synched,
	.waiting = on_waiting,
	.ended = on_ended };

static int
request(const char *where, bool negotiate)
{
	struct grasp_session *s;
	struct grasp_link *l;
	struct addr to;
	int err = addr_parse(where, &to);

	if (err < 0 || (err = grasp_link_open(node, &to, NULL, NULL, &l)) < 0)
		return err;
	return (negotiate ? grasp_negotiate : grasp_synchronize)(
	    l, &objective, patience_ms, &ops, NULL, &s);
}

/* --- floods --------------------------------------------------------------------------------- */
static void
on_flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg;
	putchar('{');
	print_hex("flooded", obj->value);
	printf(",\"loop\":%u,\"ttl\":%u,", obj->loop_count, ttl_ms);
	print_locators(locator, locator->kind ? 1 : 0, from->addr.ifindex);
	puts("}");
	finish(true);
}

static int
listen_for(const char *name)
{
	static const struct grasp_support support = { .flooded = on_flooded };
	struct grasp_registration *r;

	return grasp_register(node, name, 0, &support, NULL, &r);
}

static int
flood(void)
{
	static const struct grasp_locator own = { .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP };
	int sent = grasp_flood(node, &objective, &own, 30000);

	printf("{\"interfaces\":%d}\n", sent);
	answered = sent > 0;
	return -1; /* nothing to wait for */
}

/* --- the command line ----------------------------------------------------------------------- */
static void
on_late(struct ev_loop *l, ev_timer *t, int events)
{
	(void)t, (void)events;
	puts("{\"late\":true}");
	ev_break(l, EVBREAK_ALL);
}

static void
set_objective(const char *name, const char *flags, const char *loops, const char *value)
{
	objective = (struct grasp_objective){ .name = slice_text(name),
		.flags = (uint32_t)atoi(flags),
		.loop_count = (uint8_t)atoi(loops),
		.value = hex_bytes(value ? value : "") };
}

/* Negative: there is nothing to wait for. */
static int
begin(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[0] : "";

	if (strcmp(what, "discover") == 0 && argc >= 4) {
		set_objective(argv[1], argv[2], argv[3], argv[4]);
		discover();
		return 0;
	}
	if (strcmp(what, "negotiate") == 0 && argc >= 5) {
		set_objective(argv[2], argv[3], "6", argv[4]);
		actions = argv + 5;
		return request(argv[1], true);
	}
	if (strcmp(what, "synchronize") == 0 && argc >= 3) {
		set_objective(argv[2], "5", "6", argv[3]);
		return request(argv[1], false);
	}
	if (strcmp(what, "flood") == 0 && argc >= 4) {
		set_objective(argv[1], "5", argv[2], argv[3]);
		return flood();
	}
	if (strcmp(what, "listen") == 0)
		return listen_for(argv[1]);
	fprintf(stderr, "asker: what is asked? See tests/netns/asker.c\n");
	exit(2);
}

static void
options(int argc, char **argv, struct grasp_config *cfg)
{
	static struct in6_addr groups[4];
	int c;

	while ((c = getopt(argc, argv, "+g:lh:t:r:")) != -1) {
		if (c == 'g' && cfg->sends < 4 &&
		    inet_pton(AF_INET6, optarg, &groups[cfg->sends]) == 1)
			cfg->sends++;
		else if (c == 'l')
			cfg->link_local = false;
		else if (c == 'h')
			cfg->hops = (unsigned)atoi(optarg);
		else if (c == 't')
			patience_ms = (uint32_t)atoi(optarg);
		else if (c == 'r')
			repeats = (unsigned)atoi(optarg);
		else
			exit(2);
	}
	cfg->send = groups;
}

int
main(int argc, char **argv)
{
	static const struct grasp_io_ev_config io_cfg;
	struct grasp_config cfg = { .link_local = true };
	struct grasp_io *io = NULL;
	ev_timer late;

	setvbuf(stdout, NULL, _IOLBF, 0);
	options(argc, argv, &cfg);
	loop = EV_DEFAULT;
	if (grasp_io_ev_new(loop, &io_cfg, &io) < 0 ||
	    grasp_node_new(quads_lab_open(io, &cfg), &cfg, &node) < 0)
		return 2;
	ev_timer_init(&late, on_late, patience_ms / 1e3, 0);
	ev_timer_start(loop, &late);
	if (begin(argc - optind, argv + optind) == 0)
		ev_run(loop, 0);
	grasp_node_free(node);
	quads_lab_close();
	grasp_io_ev_free(io);
	hex_bytes_free(objective.value);
	ev_loop_destroy(loop);
	return answered ? 0 : 1;
}
