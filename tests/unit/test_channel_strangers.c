/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections of people whom nobody knows yet: how long they may take, how many there may be, and
 * that those who have something to say get through all the same (S-14). */
#include "tests/support/channel.h"

#include "trust/channel_int.h"

static struct party *const agent = &f.party[AGENT];
static struct party *const controller = &f.party[CONTROLLER];

static int
setup(void **state)
{
	(void)state;
	setup_world();
	make_agent();
	make_controller();
	return 0;
}

static uint64_t
refused(enum channel_refusal why)
{
	return counters(controller)->refused[why];
}

static unsigned
strangers(void)
{
	return counters(controller)->strangers;
}

/* --- connections without a word ------------------------------------------------------------------- */

#define CROWD 600
static struct outsider crowd[CROWD];

static void
send_raw(struct outsider *x, struct slice bytes)
{
	assert_int_equal(x->io->ops->stream_send(x->stream, bytes), 0);
}

static void
disperse(void)
{
	for (size_t i = 0; i < CROWD; i++)
		outsider_done(&crowd[i]);
}

/* With an address of its own, the n-th of network 2001:db8:<net>::/64. */
static struct fake_host *
host_in(unsigned net, unsigned n)
{
	struct fake_host *h = fake_host_new(f.net);
	char local[24], global[40];

	snprintf(local, sizeof local, "fe80::%x:%x", net, n + 0x100);
	snprintf(global, sizeof global, "2001:db8:%x::%x", net, n + 0x100);
	fake_attach(h, 1, local, global, NULL);
	return h;
}

static void
come_idle(unsigned from, unsigned to, unsigned net)
{
	for (unsigned i = from; i < to; i++)
		outsider_connect(&crowd[i], host_in(net, i), CONTROLLER, NULL);
}

static void
plaintext_is_refused_at_its_first_byte_S_06(void **state)
{
	(void)state;
	come_idle(0, 1, 1);
	run(2);
	send_raw(&crowd[0], TEXT("\x84")); /* how M_NOOP and its kind begin */
	run(2);
	assert_int_equal(refused(CHANNEL_PLAIN), 1);
	assert_true(crowd[0].closed);
	assert_int_equal(strangers(), 0);
	assert_int_equal(controller->accepts, 0);
	assert_string_equal(controller->text, "not TLS");
	disperse();
}

static void
silence_is_given_two_seconds_S_14(void **state)
{
	(void)state;
	come_idle(0, 1, 1);
	run(1900);
	assert_int_equal(strangers(), 1);
	run(200);
	assert_int_equal(strangers(), 0);
	assert_int_equal(refused(CHANNEL_SLOW), 1);
	assert_true(crowd[0].closed);
	disperse();
}

/* A ClientHello that begins well: 0x16 0x0301 and 512 bytes to come. */
static const uint8_t begin[] = { 0x16, 3, 1, 2, 0, 1 };

static void
a_hello_that_drips_is_given_two_seconds_S_14(void **state)
{
	(void)state;
	come_idle(0, 1, 1);
	run(2);
	for (size_t i = 0; i < sizeof begin; i++) {
		send_raw(&crowd[0], (struct slice){ &begin[i], 1 });
		run(300);
	}
	assert_false(crowd[0].closed);
	run(300);
	assert_true(crowd[0].closed);
	assert_int_equal(refused(CHANNEL_SLOW), 1);
	disperse();
}

static void
a_hello_that_promises_too_much_is_refused_at_once(void **state)
{
	static const uint8_t huge[] = { 0x16, 3, 1, 0x40, 0 };

	(void)state;
	come_idle(0, 1, 1);
	run(2);
	send_raw(&crowd[0], (struct slice){ huge, sizeof huge });
	run(2);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	assert_int_equal(strangers(), 0);
	disperse();
}

static void
garbage_in_the_shape_of_a_hello_is_refused(void **state)
{
	static const uint8_t junk[5 + 32] = { 0x16, 3, 1, 0, 32, 9, 9, 9 };

	(void)state;
	come_idle(0, 1, 1);
	run(2);
	send_raw(&crowd[0], (struct slice){ junk, sizeof junk });
	run(2);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	run(2000);
	assert_int_equal(strangers(), 0);
	assert_true(crowd[0].closed);
	disperse();
}

static void
a_hello_and_then_silence_is_given_five_seconds_S_14(void **state)
{
	struct outsider x = { .mute = true };

	(void)state;
	outsider_connect(&x, f.party[OUTSIDE].host, CONTROLLER, CHANNEL_ALPN_GRASP);
	run(4900);
	assert_false(x.closed);
	assert_int_equal(strangers(), 1);
	run(200);
	assert_true(x.closed);
	assert_int_equal(refused(CHANNEL_SLOW), 1);
	assert_int_equal(strangers(), 0);
	outsider_done(&x);
}

static void
more_than_a_hello_before_the_answer_is_refused(void **state)
{
	static const uint8_t more[CHANNEL_HELLO_MAX + 1] = { 0x16, 3, 1, 0, 64 };

	(void)state;
	come_idle(0, 1, 1);
	run(2);
	send_raw(&crowd[0], (struct slice){ more, sizeof more });
	run(2);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	assert_int_equal(strangers(), 0);
	disperse();
}

static void
who_leaves_without_a_word_is_counted(void **state)
{
	(void)state;
	come_idle(0, 1, 1);
	run(2);
	crowd[0].io->ops->stream_close(TAKE(crowd[0].stream), false);
	run(2);
	assert_int_equal(strangers(), 0);
	assert_int_equal(refused(CHANNEL_BROKEN), 1);
	assert_string_equal(controller->text, "cut off");
	disperse();
}

/* --- how many --------------------------------------------------------------------------------------- */

static unsigned
count_closed(unsigned from, unsigned to)
{
	unsigned n = 0;

	for (unsigned i = from; i < to; i++)
		n += crowd[i].closed;
	return n;
}

static void
an_address_has_four_and_the_oldest_idle_one_makes_room_S_14(void **state)
{
	struct fake_host *h = host_in(1, 0);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		outsider_connect(&crowd[i], h, CONTROLLER, NULL);
		run(5);
	}
	assert_int_equal(strangers(), CHANNEL_STRANGERS_ADDR);
	assert_true(crowd[0].closed);
	assert_int_equal(count_closed(1, 5), 0);
	assert_int_equal(refused(CHANNEL_CROWDED), 1);
	disperse();
}

static void
handshakes_of_an_address_that_go_on_are_let_finish(void **state)
{
	struct outsider x[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		x[i] = (struct outsider){ .mute = true };
		outsider_connect(
		    &x[i], f.party[OUTSIDE].host, CONTROLLER, CHANNEL_ALPN_GRASP);
		run(5);
	}
	assert_false(x[0].closed);
	assert_true(x[4].closed);
	assert_int_equal(refused(CHANNEL_CROWDED), 1);
	for (unsigned i = 0; i < 5; i++)
		outsider_done(&x[i]);
}

static void
a_handshake_that_was_left_lying_makes_room(void **state)
{
	struct outsider x[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		x[i] = (struct outsider){ .mute = true };
		outsider_connect(
		    &x[i], f.party[OUTSIDE].host, CONTROLLER, CHANNEL_ALPN_GRASP);
		run(i == 3 ? 1500 : 5);
	}
	assert_true(x[0].closed);
	assert_false(x[4].closed);
	for (unsigned i = 0; i < 5; i++)
		outsider_done(&x[i]);
}

static void
a_network_has_256_S_14(void **state)
{
	(void)state;
	come_idle(0, CHANNEL_STRANGERS_NET + 10, 1);
	run(10);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_NET);
	assert_int_equal(refused(CHANNEL_CROWDED), 10);
	disperse();
}

static void
there_are_512_in_all_S_14(void **state)
{
	(void)state;
	for (unsigned net = 1; net <= 5; net++)
		come_idle(net * 120 - 120, net * 120, net);
	run(10);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_MAX);
	assert_int_equal(refused(CHANNEL_CROWDED), CROWD - CHANNEL_STRANGERS_MAX);
	disperse();
}

/* Two networks have most of the places; who is alone in its own is not pushed out by them. */
static void
the_network_that_has_most_makes_room(void **state)
{
	(void)state;
	come_idle(0, 1, 9);
	run(5);
	come_idle(1, 256, 1);
	come_idle(256, 512, 2);
	run(10);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_MAX);
	come_idle(512, 590, 3);
	run(10);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_MAX);
	assert_false(crowd[0].closed);
	assert_int_equal(count_closed(1, 512), 78);
	disperse();
}

/* A /64 would be all of IPv4. */
static void
of_ipv4_a_network_is_its_first_three_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 300; i++) {
		struct fake_host *h = fake_host_new(f.net);
		char ip[40];

		snprintf(ip, sizeof ip, "::ffff:192.0.%u.%u", 2 + i % 2, i / 2 + 1);
		fake_attach(h, 1, ip, NULL);
		outsider_connect(&crowd[i], h, CONTROLLER, NULL);
	}
	run(10);
	assert_int_equal(strangers(), 300);
	disperse();
}

static void
an_agent_gets_through_a_crowd_of_idle_ones_S_14(void **state)
{
	(void)state;
	for (unsigned net = 1; net <= 5; net++)
		come_idle(net * 120 - 120, net * 120, net);
	run(10);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_MAX);
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(f.end.opened, 1);
	assert_int_equal(controller->accepts, 1);
	disperse();
}

/* They are worth more than silence, but newcomers need places where they can be heard. */
static void
handshakes_left_lying_have_half_of_the_places_S_14(void **state)
{
	unsigned left = 0;

	(void)state;
	for (unsigned i = 0; i < CHANNEL_STRANGERS_MAX; i++) {
		crowd[i].mute = true;
		outsider_connect(
		    &crowd[i], host_in(1 + i % 3, i), CONTROLLER, CHANNEL_ALPN_GRASP);
		run(1);
	}
	run(20);
	assert_int_equal(strangers(), CHANNEL_STRANGERS_MAX);
	come_idle(CHANNEL_STRANGERS_MAX, CROWD, 9);
	run(20);
	for (unsigned i = 0; i < CHANNEL_STRANGERS_MAX; i++)
		left += !crowd[i].closed;
	assert_int_equal(left, CHANNEL_STRANGERS_MAX - (CROWD - CHANNEL_STRANGERS_MAX));
	assert_int_equal(count_closed(CHANNEL_STRANGERS_MAX, CROWD), 0);
	disperse();
}

static void
live_streams_do_not_count_S_14(void **state)
{
	struct end e[8];

	(void)state;
	memset(e, 0, sizeof e);
	for (unsigned i = 0; i < 8; i++) {
		open_end(agent, CONTROLLER, &e[i]);
		run(50);
		assert_int_equal(e[i].opened, 1);
	}
	assert_int_equal(refused(CHANNEL_CROWDED), 0);
	assert_int_equal(counters(controller)->streams, 8);
}

/* --- and how fast ------------------------------------------------------------------------------------ */

static unsigned answered, most, before;

/* Looks after each thing that happens in the world how many ClientHellos were answered by it. */
static bool
watch(void *arg)
{
	size_t n = fake_packets(f.net);

	(void)arg;
	for (answered = 0; before < n; before++) {
		const struct fake_packet *p = fake_packet(f.net, before);

		answered += p->kind == FAKE_DATA && p->from.port == GRASP_LISTEN_PORT;
	}
	if (answered > most)
		most = answered;
	return false;
}

static void
eight_handshakes_are_worked_on_in_one_turn_S_14(void **state)
{
	struct outsider x[30];

	(void)state;
	fake_net_capture(f.net, true);
	for (unsigned i = 0; i < 30; i++) {
		x[i] = (struct outsider){ .mute = true };
		outsider_connect(&x[i], host_in(1, i), CONTROLLER, CHANNEL_ALPN_GRASP);
	}
	most = before = 0;
	fake_run_until(f.net, watch, NULL, 100);
	assert_int_equal(most, CHANNEL_HANDSHAKES_TURN);
	assert_int_equal(strangers(), 30);
	assert_int_equal(controller->refusals, 0);
	for (unsigned i = 0; i < 30; i++)
		outsider_done(&x[i]);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(plaintext_is_refused_at_its_first_byte_S_06),
		CASE(silence_is_given_two_seconds_S_14),
		CASE(a_hello_that_drips_is_given_two_seconds_S_14),
		CASE(a_hello_that_promises_too_much_is_refused_at_once),
		CASE(garbage_in_the_shape_of_a_hello_is_refused),
		CASE(a_hello_and_then_silence_is_given_five_seconds_S_14),
		CASE(more_than_a_hello_before_the_answer_is_refused),
		CASE(who_leaves_without_a_word_is_counted),
		CASE(an_address_has_four_and_the_oldest_idle_one_makes_room_S_14),
		CASE(handshakes_of_an_address_that_go_on_are_let_finish),
		CASE(a_handshake_that_was_left_lying_makes_room),
		CASE(a_network_has_256_S_14),
		CASE(there_are_512_in_all_S_14),
		CASE(the_network_that_has_most_makes_room),
		CASE(of_ipv4_a_network_is_its_first_three_bytes),
		CASE(an_agent_gets_through_a_crowd_of_idle_ones_S_14),
		CASE(handshakes_left_lying_have_half_of_the_places_S_14),
		CASE(live_streams_do_not_count_S_14),
		CASE(eight_handshakes_are_worked_on_in_one_turn_S_14),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
