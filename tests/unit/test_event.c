/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/event.h"

#include "base/ctl.h"
#include "base/log.h"
#include "controller/store.h"
#include "tests/support/ask.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>

#define JUST_MS 1763726400250 /* 2025-11-21T12:00:00.250Z */

static struct ev_loop *loop;
static char *dir, path[128];
static struct store *store;
static struct events *events;
static struct ctl_server *server;

static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store failed");
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return JUST_MS;
}

static int
show_events(void *arg, struct ctl_request *req, struct slice args)
{
	int64_t last = 50;

	(void)arg;
	ctl_arg_int(args, "last", &last);
	events_show(events, req, last, ctl_arg_bool(args, "follow"));
	return 0;
}

static const struct ctl_command table[] = {
	{ "events", CTL_VIEWER, show_events, "what happened" },
};

static int
setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/control", dir);
	assert_int_equal(store_open(loop, dir, on_failed, NULL, &store), 0);
	assert_int_equal(events_new(store, wall, NULL, &events), 0);
	return ctl_open(loop, path, table, 1, NULL, &server);
}

static int
teardown(void **state)
{
	(void)state;
	ctl_close(server);
	events_free(events);
	store_close(store);
	tempdir_remove(dir);
	ev_loop_destroy(loop);
	return 0;
}

static struct slice
arguments(struct buf *b, int64_t last, bool follow)
{
	buf_init(b, 100);
	wr_map(b, 2);
	wr_key_int(b, "last", last);
	wr_key_bool(b, "follow", follow);
	return buf_slice(b);
}

static void
the_newest_events_are_shown_oldest_first(void **state)
{
	struct buf args;
	char *answer;

	(void)state;
	events_emit(events, "node.joined", "a", NULL, NULL, "one");
	events_emit(
	    events, "migration.done", NULL, "video", "decode", "%s and %d", "two", 3);
	events_emit(events, "node.lost", "b", NULL, NULL, "three");
	store_flush(store);
	answer = ask(loop, path, "events", arguments(&args, 2, false));
	assert_string_equal(answer,
	    "{\"seq\":2,\"time\":\"2025-11-21T12:00:00.250Z\",\"kind\":\"migration."
	    "done\","
	    "\"node\":null,\"service\":\"video\",\"function\":\"decode\",\"text\":\"two "
	    "and 3\"}\n"
	    "{\"seq\":3,\"time\":\"2025-11-21T12:00:00.250Z\",\"kind\":\"node.lost\","
	    "\"node\":\"b\",\"service\":null,\"function\":null,\"text\":\"three\"}\n"
	    "end\n");
	free(answer);
	buf_done(&args);
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void
a_follower_gets_each_event_once_and_only_when_it_is_stored(void **state)
{
	struct asker *early, *late;
	struct buf args;
	const char *seen;

	(void)state;
	events_emit(events, "node.joined", "a", NULL, NULL, "before");
	early = ask_start(loop, path, "events", arguments(&args, 10, true));
	seen = ask_wait(early, 1);
	assert_int_equal(count(seen, "\"text\":\"before\""), 1);
	events_emit(events, "node.lost", "a", NULL, NULL, "after");
	late = ask_start(loop, path, "events", buf_slice(&args));
	seen = ask_wait(late, 2);
	assert_int_equal(count(seen, "\"text\":\"before\""), 1);
	assert_int_equal(count(seen, "\"text\":\"after\""), 1);
	seen = ask_wait(early, 2);
	assert_int_equal(count(seen, "\"text\":\"after\""), 1);
	ask_stop(early);
	events_emit(events, "node.left", "a", NULL, NULL, "last");
	seen = ask_wait(late, 3);
	assert_int_equal(count(seen, "\"text\":\"after\""), 1);
	assert_int_equal(count(seen, "\"text\":\"last\""), 1);
	ask_stop(late);
	buf_done(&args);
}

static void
followers_and_events_on_their_way_are_let_go_at_the_end(void **state)
{
	struct asker *a;
	struct buf args;

	a = ask_start(loop, path, "events", arguments(&args, 1, true));
	events_emit(events, "node.left", "a", NULL, NULL, "seen");
	ask_wait(a, 1);
	events_emit(events, "node.left", "a", NULL, NULL, "not told any more");
	events_free(events);
	assert_non_null(strstr(ask_wait(a, 9), "\nend\n"));
	ask_stop(a);
	assert_int_equal(events_new(store, wall, NULL, &events), 0);
	buf_done(&args);
	(void)state;
}

static void
a_peers_words_are_cut_at_a_character(void **state)
{
	char text[1200], *answer;

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text + 1022, "\xc3\xa9", 3); /* the buffer has room for 1,023 bytes */
	events_emit(events, "plan.declined", NULL, NULL, NULL, "%s", text);
	store_flush(store);
	answer = ask(loop, path, "events", (struct slice){ 0 });
	assert_non_null(strstr(answer, "xxx\"}\nend"));
	free(answer);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_newest_events_are_shown_oldest_first),
		CASE(a_follower_gets_each_event_once_and_only_when_it_is_stored),
		CASE(followers_and_events_on_their_way_are_let_go_at_the_end),
		CASE(a_peers_words_are_cut_at_a_character),
	};

	log_open("test_event", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
