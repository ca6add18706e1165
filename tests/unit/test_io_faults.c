/* SPDX-License-Identifier: Apache-2.0
 *
 * The libev binding when the system fails it: nothing but the one thing that failed is lost, and
 * what can be tried again is. */
#include "grasp/const.h"
#include "grasp/stream_ev.h"
#include "base/mem.h"
#include "tests/support/alloc.h"
#include "tests/support/live.h"
#include "tests/support/syscalls.h"

static struct live world;
static struct end {
	struct grasp_stream *stream;
	unsigned opened, received, closed;
	int err;
	size_t len;
	ssize_t use; /* of what came; -1: all */
} ours, theirs;
static unsigned accepted, datagrams;
static bool leave_at_once; /* closes what was accepted */
static bool isolated;	   /* alone on port 7017 */

static void
on_opened(void *arg, struct grasp_stream *s)
{
	(void)s;
	((struct end *)arg)->opened++;
}

static ssize_t
on_received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct end *e = arg;

	(void)s;
	e->received++;
	e->len = data.len;
	return e->use < 0 ? (ssize_t)data.len : e->use;
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
	accepted++;
	theirs.stream = s;
	stream_set(s, &ops, &theirs);
	if (leave_at_once)
		stream_close(s, true);
}

static void
on_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
	datagrams++;
}

static void
on_changed(void *arg)
{
	(void)arg;
}

static const struct grasp_io_events events = { on_datagram, on_accepted, on_changed };

static int
tear_down(void **state)
{
	(void)state;
	syscall_mend();
	alloc_fail(0);
	live_close(&world);
	return 0;
}

struct expectation {
	const unsigned *count;
	unsigned wanted;
};

static bool
reached(void *arg)
{
	const struct expectation *c = arg;

	return *c->count >= c->wanted;
}

static void
wait_for(const unsigned *count, unsigned wanted)
{
	struct expectation c = { count, wanted };

	if (!live_until(&world, PATIENCE_MS, reached, &c))
		fail_msg("%u of %u", *count, wanted);
}

static bool
is_over(void *fd)
{
	char byte;
	ssize_t n = recv(*(int *)fd, &byte, 1, 0);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void
open_stream(void)
{
	struct addr to = live_loopback(world.port);

	assert_int_equal(0,
	    world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &ours.stream));
	wait_for(&ours.opened, 1);
	wait_for(&accepted, 1);
}

static void
begin(void)
{
	memset(&ours, 0, sizeof ours);
	memset(&theirs, 0, sizeof theirs);
	ours.use = theirs.use = -1;
	accepted = datagrams = 0;
	leave_at_once = false;
	syscall_mend();
}

/* After a first stream libev has the memory that it needs: what fails then is ours. */
static int
set_up(void **state)
{
	(void)state;
	begin();
	live_open(&world, &events, NULL);
	open_stream();
	assert_int_equal(0, stream_send(ours.stream, slice_text("x")));
	stream_close(ours.stream, false);
	wait_for(&theirs.closed, 1);
	begin();
	return 0;
}

/* --- starting --------------------------------------------------------------------------------- */

static void
binding_fails_whole_and_can_be_tried_again_G_056(void **state)
{
	static const enum syscall calls[] = { SYS_SOCKET, SYS_BIND, SYS_LISTEN };
	const struct grasp_io_ops *io = world.io->ops;
	unsigned before, n;

	(void)state;
	io->unbind(world.io);
	before = syscall_descriptors();
	for (size_t c = 0; c < ARRAY_LEN(calls); c++) {
		for (n = 1;; n++) {
			syscall_mend();
			syscall_fail(calls[c], n, 1, EPERM);
			if (io->bind(world.io, world.port, &events, NULL) == 0)
				break;
			assert_int_equal(before, syscall_descriptors());
		}
		assert_true(n > 1);
		io->unbind(world.io);
	}
	syscall_mend();
	assert_int_equal(0, io->bind(world.io, world.port, &events, NULL));
	close(live_dial(world.port));
	wait_for(&accepted, 1);
}

static void
without_memory_nothing_is_half_made(void **state)
{
	static const struct grasp_io_ev_config cfg = { .loopback = true };
	struct grasp_io *io = NULL;
	struct grasp_timer *t = NULL;
	struct addr to = live_loopback(world.port);
	unsigned before = syscall_descriptors();

	(void)state;
	if (!alloc_fail(1))
		skip();
	assert_int_equal(-ENOMEM, grasp_io_ev_new(world.loop, &cfg, &io));
	alloc_fail(2);
	assert_int_equal(-ENOMEM, grasp_io_ev_new(world.loop, &cfg, &io));
	alloc_fail(1);
	assert_int_equal(-ENOMEM, world.io->ops->timer_new(world.io, NULL, NULL, &t));
	alloc_fail(1);
	assert_int_equal(-ENOMEM,
	    world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &ours.stream));
	assert_null(io);
	assert_int_equal(before, syscall_descriptors());
	grasp_io_ev_free(NULL);
}

static void
a_list_of_interfaces_that_fails_is_told(void **state)
{
	static const struct grasp_io_ev_config cfg = { .loopback = true };
	CLEANUP(grasp_io_ev_free) struct grasp_io *io = NULL;
	struct grasp_interface is[GRASP_INTERFACES_MAX];
	struct in6_addr group = { .s6_addr = { 0xff, 0x02, [15] = 0x13 } };

	(void)state;
	assert_int_equal(0, grasp_io_ev_new(world.loop, &cfg, &io));
	syscall_fail(SYS_SOCKET, 1, 2, EMFILE);
	assert_int_equal(-EMFILE, io->ops->interfaces(io, is));
	assert_int_equal(-EMFILE, io->ops->group_send(io, 1, &group, 0, slice_text("x")));
	assert_true(io->ops->interfaces(io, is) > 0); /* asked again */
}

/* --- accepting -------------------------------------------------------------------------------- */

static void
when_the_system_has_no_room_accepting_pauses_and_goes_on_G_056(void **state)
{
	int fd = live_dial(world.port);

	(void)state;
	syscall_fail(SYS_ACCEPT4, 1, 1, ENOBUFS);
	wait_for(&accepted, 1);
	assert_true(syscall_count(SYS_ACCEPT4) >= 2);
	close(fd);
}

static void
a_connection_that_is_gone_already_does_not_stop_the_next(void **state)
{
	int fd = live_dial(world.port);

	(void)state;
	syscall_fail(SYS_ACCEPT4, 1, 1, ECONNABORTED);
	wait_for(&accepted, 1);
	close(fd);
}

static void
a_pause_outlives_unbinding(void **state)
{
	const struct grasp_io_ops *io = world.io->ops;
	int fd = live_dial(world.port);

	(void)state;
	syscall_fail(SYS_ACCEPT4, 1, 1, ENOMEM);
	ev_run(world.loop, EVRUN_ONCE);
	assert_int_equal(0, accepted);
	io->unbind(world.io);
	close(fd);
	assert_int_equal(0, io->bind(world.io, 0, &events, NULL));
	ev_run(world.loop, EVRUN_NOWAIT);
	io->unbind(world.io);
	assert_int_equal(0, io->bind(world.io, world.port, &events, NULL));
	fd = live_dial(world.port);
	wait_for(&accepted, 1);
	close(fd);
}

static void
a_connection_without_memory_is_closed(void **state)
{
	int fd = live_dial(world.port);

	(void)state;
	if (!alloc_fail(1)) {
		close(fd);
		skip();
	}
	assert_true(live_poll(&world, is_over, &fd));
	assert_int_equal(0, accepted);
	close(fd);
}

static void
who_accepts_may_close_at_once(void **state)
{
	int fd = live_dial(world.port);

	(void)state;
	leave_at_once = true;
	assert_true(live_poll(&world, is_over, &fd));
	assert_int_equal(1, accepted);
	assert_int_equal(0, theirs.closed);
	close(fd);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static void
send_datagram(void)
{
	struct addr to = live_loopback(GRASP_LISTEN_PORT);
	struct sockaddr_in6 sa = addr_to_sockaddr(&to);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(1, sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, sizeof sa));
	close(fd);
}

static void
a_datagram_that_cannot_be_read_now_is_read_later_G_056(void **state)
{
	(void)state;
	if (!isolated)
		skip();
	syscall_fail(SYS_RECVMSG, 1, 1, EINTR);
	send_datagram();
	wait_for(&datagrams, 1);
	syscall_fail(SYS_RECVMSG, 1, 1, ENOBUFS);
	send_datagram();
	wait_for(&datagrams, 2);
}

static void
a_flood_of_datagrams_does_not_keep_the_loop(void **state)
{
	(void)state;
	if (!isolated)
		skip();
	for (int i = 0; i < 70; i++)
		send_datagram();
	ev_run(world.loop, EVRUN_NOWAIT);
	assert_int_equal(64, datagrams);
	wait_for(&datagrams, 70);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void
a_connection_that_is_reset_is_told_with_its_reason_G_054(void **state)
{
	(void)state;
	open_stream();
	syscall_fail(SYS_RECV, 1, 1, ECONNRESET);
	assert_int_equal(0, stream_send(ours.stream, slice_text("x")));
	wait_for(&theirs.closed, 1);
	assert_int_equal(ECONNRESET, theirs.err);
	wait_for(&ours.closed, 1);
}

static void
interrupted_calls_are_made_again(void **state)
{
	(void)state;
	open_stream();
	syscall_fail(SYS_SEND, 1, 1, EINTR);
	syscall_fail(SYS_RECV, 1, 1, EINTR);
	assert_int_equal(0, stream_send(ours.stream, slice_text("hello")));
	wait_for(&theirs.received, 1);
	assert_int_equal(5, theirs.len);
	syscall_fail(SYS_SEND, 1, 1, EAGAIN);
	syscall_fail(SYS_RECV, 1, 1, EAGAIN);
	assert_int_equal(0, stream_send(ours.stream, slice_text("again")));
	wait_for(&theirs.received, 2);
}

static void
a_send_that_fails_later_closes_the_stream(void **state)
{
	(void)state;
	open_stream();
	syscall_fail(SYS_SEND, 1, 1, EAGAIN);
	assert_int_equal(0, stream_send(ours.stream, slice_text("queued")));
	syscall_fail(SYS_SEND, 1, 1, EPIPE);
	wait_for(&ours.closed, 1);
	assert_int_equal(EPIPE, ours.err);
}

static void
a_queue_without_memory_closes_the_stream(void **state)
{
	(void)state;
	open_stream();
	syscall_fail(SYS_SEND, 1, 1, EAGAIN);
	if (!alloc_fail(1))
		skip();
	assert_int_equal(-ENOMEM, stream_send(ours.stream, slice_text("queued")));
	assert_int_equal(-EPIPE, stream_send(ours.stream, slice_text("more")));
	wait_for(&ours.closed, 1);
	assert_int_equal(ENOMEM, ours.err);
}

static void
a_part_of_a_message_without_memory_closes_the_stream(void **state)
{
	static uint8_t more[8192];

	(void)state;
	open_stream();
	theirs.use = 0;
	assert_int_equal(0, stream_send(ours.stream, slice_text("part")));
	if (!alloc_fail(1))
		skip();
	wait_for(&theirs.closed, 1);
	assert_int_equal(ENOMEM, theirs.err);
	/* the same when there is a part already and it has to grow */
	tear_down(NULL);
	set_up(NULL);
	open_stream();
	theirs.use = 0;
	assert_int_equal(0, stream_send(ours.stream, slice_text("part")));
	wait_for(&theirs.received, 1);
	alloc_fail(1);
	assert_int_equal(
	    0, stream_send(ours.stream, (struct slice){ more, sizeof more }));
	wait_for(&theirs.closed, 1);
	assert_int_equal(ENOMEM, theirs.err);
}

static void
a_socket_that_fails_before_it_is_open_is_told(void **state)
{
	struct addr to = live_loopback(world.port);

	(void)state;
	syscall_fail(SYS_CONNECT, 1, 1, ENETUNREACH);
	assert_int_equal(-ENETUNREACH,
	    world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &ours.stream));
	assert_int_equal(0,
	    world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &ours.stream));
	syscall_fail(SYS_GETSOCKOPT, 1, 1, ENOBUFS);
	wait_for(&ours.closed, 1);
	assert_int_equal(ENOBUFS, ours.err);
}

static void
closing_while_it_opens_sends_what_was_queued_or_goes_at_once(void **state)
{
	struct addr to = live_loopback(world.port);
	unsigned before = syscall_descriptors();
	struct grasp_stream *s;

	(void)state;
	assert_int_equal(
	    0, world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &s));
	stream_close(s, false);
	assert_int_equal(before, syscall_descriptors());
	assert_int_equal(
	    0, world.io->ops->stream_open(world.io, &to, 5000, &ops, &ours, &s));
	assert_int_equal(0, stream_send(s, slice_text("last words")));
	stream_close(s, false);
	wait_for(&theirs.received, 1);
	assert_int_equal(10, theirs.len);
	assert_int_equal(0, ours.opened + ours.closed);
}

int
main(void)
{
#define FAULT_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		FAULT_TEST(binding_fails_whole_and_can_be_tried_again_G_056),
		FAULT_TEST(without_memory_nothing_is_half_made),
		FAULT_TEST(a_list_of_interfaces_that_fails_is_told),
		FAULT_TEST(
		    when_the_system_has_no_room_accepting_pauses_and_goes_on_G_056),
		FAULT_TEST(a_connection_that_is_gone_already_does_not_stop_the_next),
		FAULT_TEST(a_pause_outlives_unbinding),
		FAULT_TEST(a_connection_without_memory_is_closed),
		FAULT_TEST(who_accepts_may_close_at_once),
		FAULT_TEST(a_datagram_that_cannot_be_read_now_is_read_later_G_056),
		FAULT_TEST(a_flood_of_datagrams_does_not_keep_the_loop),
		FAULT_TEST(a_connection_that_is_reset_is_told_with_its_reason_G_054),
		FAULT_TEST(interrupted_calls_are_made_again),
		FAULT_TEST(a_send_that_fails_later_closes_the_stream),
		FAULT_TEST(a_queue_without_memory_closes_the_stream),
		FAULT_TEST(a_part_of_a_message_without_memory_closes_the_stream),
		FAULT_TEST(a_socket_that_fails_before_it_is_open_is_told),
		FAULT_TEST(closing_while_it_opens_sends_what_was_queued_or_goes_at_once),
	};

	isolated = live_isolate();
	return RUN_TESTS(tests, NULL, NULL);
}
