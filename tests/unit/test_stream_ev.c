/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/stream_ev.h"

#include <limits.h>

#include "tests/support/live.h"

#define KIB 1024

/* One stream of ours and what it was told. */
struct end {
	struct grasp_stream *stream;
	struct live *live;
	uint8_t got[128 * KIB]; /* what the last received() saw */
	size_t len;
	unsigned opened, received, closed;
	int err;
	ssize_t use;	    /* what received() returns; SSIZE_MAX: all */
	bool close_at_once; /* from inside the callback */
};

static struct live world;
static struct end ours, theirs; /* opened by us; accepted by us */
static int peer = -1;		/* a plain socket at the other end */

static void
on_opened(void *arg, struct grasp_stream *s)
{
	struct end *e = arg;

	e->opened++;
	if (e->close_at_once)
		stream_close(s, false);
}

static ssize_t
on_received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct end *e = arg;

	e->received++;
	assert_true(data.len <= sizeof e->got);
	memcpy(e->got, data.data, data.len);
	e->len = data.len;
	if (e->close_at_once)
		stream_close(s, false);
	return e->use == SSIZE_MAX ? (ssize_t)data.len : e->use;
}

static void
on_closed(void *arg, struct grasp_stream *s, int err)
{
	struct end *e = arg;

	(void)s;
	e->closed++;
	e->err = err;
	e->stream = NULL;
}

static const struct grasp_stream_ops ops = { on_opened, on_received, on_closed };

static void
on_accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	theirs.stream = s;
	stream_set(s, &ops, &theirs);
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static const struct grasp_io_events events = { on_datagram, on_accepted, on_nothing };

static int
set_up(void **state)
{
	(void)state;
	memset(&ours, 0, sizeof ours);
	memset(&theirs, 0, sizeof theirs);
	ours.use = theirs.use = SSIZE_MAX;
	live_open(&world, &events, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	live_close(&world);
	if (peer >= 0)
		close(peer);
	peer = -1;
	return 0;
}

/* --- conditions ----------------------------------------------------------------------- */

static bool
is_open(void *arg)
{
	return ((struct end *)arg)->opened > 0;
}

static bool
is_closed(void *arg)
{
	return ((struct end *)arg)->closed > 0;
}

static bool
is_accepted(void *arg)
{
	return ((struct end *)arg)->stream != NULL;
}

static bool
has_received(void *arg)
{
	return ((struct end *)arg)->received > 0;
}

/* The peer reads; true when it has read all that was asked for, or the end. */
struct reading {
	size_t want, have;
	bool end;
	int err;
	uint8_t last;
};

static bool
reads_on(void *arg)
{
	static uint8_t bytes[64 * KIB];
	struct reading *r = arg;
	ssize_t n = recv(peer, bytes, sizeof bytes, 0);

	if (n > 0) {
		r->have += (size_t)n;
		r->last = bytes[n - 1];
	}
	if (n < 0 && errno != EAGAIN)
		r->err = errno;
	r->end = n == 0 || r->err;
	return r->end || (r->want && r->have >= r->want);
}

/* --- helpers ---------------------------------------------------------------------------- */

static struct slice
bytes(const char *text)
{
	return slice_text(text);
}

static void
start_open(uint16_t port, int64_t timeout_ms)
{
	struct addr to = live_loopback(port);

	assert_int_equal(0,
	    world.io->ops->stream_open(
		world.io, &to, timeout_ms, &ops, &ours, &ours.stream));
}

/* Both ends ours: opened to our own listener. */
static void
open_pair(void)
{
	start_open(world.port, PATIENCE_MS);
	assert_true(live_until(&world, PATIENCE_MS, is_open, &ours));
	assert_true(live_until(&world, PATIENCE_MS, is_accepted, &theirs));
}

/* Their end is a plain socket. */
static void
open_to_peer(void)
{
	uint16_t port;
	int listener = live_listen(8, &port);

	start_open(port, PATIENCE_MS);
	assert_true(live_until(&world, PATIENCE_MS, is_open, &ours));
	peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(peer >= 0);
	close(listener);
}

static void
say(const char *text)
{
	assert_int_equal((ssize_t)strlen(text), send(peer, text, strlen(text), 0));
}

static void
assert_got(struct end *e, const char *text)
{
	assert_int_equal(strlen(text), e->len);
	assert_memory_equal(text, e->got, e->len);
}

static void
wait_received(struct end *e)
{
	assert_true(live_until(&world, PATIENCE_MS, has_received, e));
	e->received = 0;
}

/* How many bytes until the queue refused more. */
static size_t
fill_queue(size_t piece)
{
	static uint8_t data[64 * KIB];
	size_t sent = 0;
	int err;

	assert_true(piece <= sizeof data);
	memset(data, 0x2e, sizeof data);
	while ((err = stream_send(ours.stream, (struct slice){ data, piece })) == 0)
		sent += piece;
	assert_int_equal(-ENOBUFS, err);
	return sent;
}

/* --- the tests ---------------------------------------------------------------------------- */

static void
a_stream_carries_bytes_both_ways(void **state)
{
	struct addr a, b;

	(void)state;
	open_pair();
	assert_int_equal(0, stream_send(ours.stream, bytes("ping")));
	wait_received(&theirs);
	assert_got(&theirs, "ping");
	assert_int_equal(0, stream_send(theirs.stream, bytes("pong")));
	wait_received(&ours);
	assert_got(&ours, "pong");
	stream_peer(ours.stream, &a);
	stream_local(theirs.stream, &b);
	assert_true(addr_equal(&a, &b));
	stream_local(ours.stream, &a);
	stream_peer(theirs.stream, &b);
	assert_true(addr_equal(&a, &b));
}

static void
nothing_is_called_from_inside_the_call_that_caused_it(void **state)
{
	(void)state;
	start_open(world.port, PATIENCE_MS);
	assert_int_equal(0, ours.opened);
	assert_int_equal(
	    0, stream_send(ours.stream, bytes("early"))); /* waits for opened() */
	assert_true(live_until(&world, PATIENCE_MS, is_open, &ours));
	wait_received(&theirs);
	assert_got(&theirs, "early");
	assert_int_equal(0, theirs.opened);
}

static void
a_failed_send_is_told_by_closed_later_and_once(void **state)
{
	struct linger hard = { .l_onoff = 1 };
	int r = 0;

	(void)state;
	open_to_peer();
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(peer);
	peer = -1;
	while (r == 0) /* the reset needs no time on loopback */
		r = stream_send(ours.stream, bytes("x"));
	assert_true(r < 0);
	assert_int_equal(0, ours.closed);
	assert_int_equal(-EPIPE, stream_send(ours.stream, bytes("y")));
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_int_equal(1, ours.closed);
	assert_true(ours.err > 0);
}

static void
bytes_that_were_not_used_come_again_with_more_I_02(void **state)
{
	(void)state; /* I-02 */
	open_to_peer();
	ours.use = 0;
	say("ab");
	wait_received(&ours);
	assert_got(&ours, "ab");
	ours.use = 3;
	say("cd");
	wait_received(&ours);
	assert_got(&ours, "abcd");
	ours.use = SSIZE_MAX;
	say("ef");
	wait_received(&ours);
	assert_got(&ours, "def");
	say("g");
	wait_received(&ours);
	assert_got(&ours, "g");
}

static bool
has_all_of_it(void *arg)
{
	const struct end *e = arg;

	return e->len >= STREAM_INPUT_MAX - 1 || e->closed;
}

static void
send_from_peer(size_t len)
{
	static const uint8_t piece[KIB];

	for (size_t sent = 0; sent < len;) {
		size_t left = len - sent;
		ssize_t n =
		    send(peer, piece, left < sizeof piece ? left : sizeof piece, 0);

		if (n > 0)
			sent += (size_t)n;
		ev_run(world.loop, EVRUN_NOWAIT);
	}
}

static void
what_grows_beyond_the_bound_closes_the_stream_G_012(void **state)
{
	(void)state; /* G-012 */
	open_to_peer();
	ours.use = 0;
	send_from_peer(STREAM_INPUT_MAX - 1);
	assert_true(live_until(&world, PATIENCE_MS, has_all_of_it, &ours));
	assert_int_equal(0, ours.closed);
	send_from_peer(1);
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_int_equal(EMSGSIZE, ours.err);
}

static void
a_stream_that_is_paused_waits_and_goes_on(void **state)
{
	(void)state;
	open_to_peer();
	ours.use = 1;
	say("abc");
	wait_received(&ours);
	stream_pause(ours.stream, true);
	ours.received = 0;
	say("def");
	for (int i = 0; i < 10; i++)
		ev_run(world.loop, EVRUN_NOWAIT);
	assert_int_equal(0, ours.received);
	ours.use = SSIZE_MAX;
	stream_pause(ours.stream, false);
	assert_int_equal(0, ours.received); /* not from inside the call */
	while (ours.len == 0 || ours.got[ours.len - 1] != 'f')
		wait_received(&ours);
	assert_int_equal(0, ours.closed);
}

static void
what_waits_in_a_paused_stream_is_given_though_no_more_comes(void **state)
{
	(void)state;
	open_to_peer();
	ours.use = 1;
	say("abc");
	wait_received(&ours);
	stream_pause(ours.stream, true);
	ours.use = SSIZE_MAX;
	stream_pause(ours.stream, false);
	wait_received(&ours);
	assert_got(&ours, "bc");
}

static void
a_negative_answer_closes_the_stream_with_it(void **state)
{
	(void)state;
	open_to_peer();
	ours.use = -EBADMSG;
	say("nonsense");
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_int_equal(EBADMSG, ours.err);
	assert_int_equal(1, ours.closed);
}

static void
what_a_slow_peer_leaves_is_queued_up_to_the_bound(void **state)
{
	struct reading r = { 0 };

	(void)state;
	open_to_peer();
	r.want = fill_queue(10 * KIB);
	assert_true(r.want >= STREAM_QUEUE_MAX - 10 * KIB);
	assert_true(live_poll(&world, reads_on, &r));
	assert_int_equal(r.want, r.have);
	assert_int_equal(0, ours.closed);
	assert_int_equal(0, stream_send(ours.stream, bytes("z")));
	r = (struct reading){ .want = 1 };
	assert_true(live_poll(&world, reads_on, &r));
	assert_int_equal('z', r.last);
}

static void
what_is_queued_is_sent_before_the_stream_goes(void **state)
{
	struct reading r = { 0 };
	size_t sent;

	(void)state;
	open_to_peer();
	sent = fill_queue(10 * KIB);
	assert_int_equal(0, stream_send(ours.stream, bytes("!")));
	stream_close(ours.stream, false);
	assert_true(live_poll(&world, reads_on, &r));
	assert_int_equal(0, r.err);
	assert_int_equal(sent + 1, r.have);
	assert_int_equal('!', r.last);
	assert_int_equal(0, ours.closed);
}

static void
bytes_that_nobody_reads_do_not_reset_the_last_message_G_051_G_054(void **state)
{
	struct reading r = { 0 };

	(void)state; /* G-051, G-054: M_END, then close */
	open_to_peer();
	say("one more thing");
	assert_int_equal(0, stream_send(ours.stream, bytes("end")));
	stream_close(ours.stream, false);
	say("and another");
	assert_true(live_poll(&world, reads_on, &r));
	assert_int_equal(0, r.err);
	assert_int_equal(3, r.have);
}

static void
aborting_leaves_nothing_behind(void **state)
{
	struct reading r = { 0 };

	(void)state;
	open_to_peer();
	fill_queue(10 * KIB);
	stream_close(ours.stream, true);
	assert_true(live_poll(&world, reads_on, &r));
	assert_true(r.end);
	assert_true(r.have < STREAM_QUEUE_MAX + 4096 * KIB);
	assert_int_equal(0, ours.closed);
}

static unsigned
count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static bool
are_fewer_descriptors(void *arg)
{
	return count_descriptors() < *(unsigned *)arg;
}

static void
a_peer_that_does_not_read_on_is_left_after_the_linger(void **state)
{
	unsigned before;
	int64_t start = world.io->ops->now(world.io), took;

	(void)state;
	open_to_peer();
	fill_queue(10 * KIB);
	before = count_descriptors();
	stream_close(ours.stream, false);
	assert_true(live_poll(&world, are_fewer_descriptors, &before));
	took = world.io->ops->now(world.io) - start;
	assert_in_range(took, STREAM_LINGER_MS - 100, STREAM_LINGER_MS + 3000);
}

static void
a_stream_may_be_closed_inside_its_callbacks(void **state)
{
	struct reading r = { 0 };

	(void)state;
	open_to_peer();
	ours.close_at_once = true;
	say("go");
	wait_received(&ours);
	assert_true(live_poll(&world, reads_on, &r));
	assert_true(r.end);
	assert_int_equal(0, ours.closed);
}

static void
a_stream_may_be_closed_when_it_opens(void **state)
{
	(void)state;
	ours.close_at_once = true;
	start_open(world.port, PATIENCE_MS);
	assert_true(live_until(&world, PATIENCE_MS, is_open, &ours));
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &theirs));
	assert_int_equal(0, theirs.err);
	assert_int_equal(0, ours.closed);
}

static void
the_end_of_the_peer_closes_in_order(void **state)
{
	(void)state;
	open_to_peer();
	say("bye");
	close(peer);
	peer = -1;
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_got(&ours, "bye");
	assert_int_equal(0, ours.err);
}

static void
nobody_there_is_told_by_closed(void **state)
{
	uint16_t port;

	(void)state;
	close(live_listen(1, &port));
	start_open(port, PATIENCE_MS);
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_int_equal(ECONNREFUSED, ours.err);
	assert_int_equal(0, ours.opened);
}

/* A listener whose queue is full drops the SYN, so that connecting takes for ever. */
static void
an_attempt_ends_at_its_deadline(void **state)
{
	uint16_t port;
	int listener = live_listen(0, &port), waiting[2];
	int64_t start;

	(void)state;
	waiting[0] = live_dial(port);
	start = world.io->ops->now(world.io);
	start_open(port, 150);
	assert_true(live_until(&world, PATIENCE_MS, is_closed, &ours));
	assert_int_equal(ETIMEDOUT, ours.err);
	assert_in_range(world.io->ops->now(world.io) - start, 140, 3000);
	close(waiting[0]);
	close(listener);
}

static void
ignore(void *arg, struct grasp_stream *s)
{
	(void)arg;
	(void)s;
}

static void
a_connection_that_nobody_takes_is_closed(void **state)
{
	struct reading r = { 0 };
	struct stream_host host;
	int listener;
	uint16_t port;

	(void)state;
	listener = live_listen(1, &port);
	peer = live_dial(port);
	assert_int_equal(0, stream_host_init(&host, world.loop));
	stream_accept(&host, accept(listener, NULL, NULL), ignore, NULL);
	assert_true(live_poll(&world, reads_on, &r));
	assert_true(r.end);
	assert_null(host.first);
	stream_host_done(&host);
	close(listener);
}

static void
streams_still_open_go_with_their_io(void **state)
{
	(void)state;
	open_pair();
	fill_queue(10 * KIB);
	assert_int_equal(
	    0, ours.closed + theirs.closed); /* and tear_down() finds no leak */
}

int
main(void)
{
#define STREAM_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		STREAM_TEST(a_stream_carries_bytes_both_ways),
		STREAM_TEST(nothing_is_called_from_inside_the_call_that_caused_it),
		STREAM_TEST(a_failed_send_is_told_by_closed_later_and_once),
		STREAM_TEST(bytes_that_were_not_used_come_again_with_more_I_02),
		STREAM_TEST(what_grows_beyond_the_bound_closes_the_stream_G_012),
		STREAM_TEST(a_stream_that_is_paused_waits_and_goes_on),
		STREAM_TEST(what_waits_in_a_paused_stream_is_given_though_no_more_comes),
		STREAM_TEST(a_negative_answer_closes_the_stream_with_it),
		STREAM_TEST(what_a_slow_peer_leaves_is_queued_up_to_the_bound),
		STREAM_TEST(what_is_queued_is_sent_before_the_stream_goes),
		STREAM_TEST(
		    bytes_that_nobody_reads_do_not_reset_the_last_message_G_051_G_054),
		STREAM_TEST(aborting_leaves_nothing_behind),
		STREAM_TEST(a_peer_that_does_not_read_on_is_left_after_the_linger),
		STREAM_TEST(a_stream_may_be_closed_inside_its_callbacks),
		STREAM_TEST(a_stream_may_be_closed_when_it_opens),
		STREAM_TEST(the_end_of_the_peer_closes_in_order),
		STREAM_TEST(nobody_there_is_told_by_closed),
		STREAM_TEST(an_attempt_ends_at_its_deadline),
		STREAM_TEST(a_connection_that_nobody_takes_is_closed),
		STREAM_TEST(streams_still_open_go_with_their_io),
	};

	(void)live_isolate(); /* as well without */
	return RUN_TESTS(tests, NULL, NULL);
}
