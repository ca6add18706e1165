/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel is a grasp_io: what io.h says of streams holds with TLS in between. */
#include "tests/support/channel.h"

#include "grasp/grasp.h"
#include "tests/support/lab.h"

static int
setup(void **state)
{
	(void)state;
	setup_world();
	make_agent();
	make_controller();
	return 0;
}

static struct party *const agent = &f.party[AGENT];
static struct party *const controller = &f.party[CONTROLLER];

static void
connect_both(void)
{
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(f.end.opened, 1);
	assert_int_equal(controller->accepts, 1);
}

static void
say(struct end *e, struct slice text)
{
	assert_int_equal(e->io->stream_send(e->stream, text), 0);
}

/* --- two members ------------------------------------------------------------------------------ */

static void
two_members_talk(void **state)
{
	(void)state;
	connect_both();
	say(&f.end, TEXT("hello"));
	say(&controller->accepted, TEXT("good morning"));
	run(10);
	assert_true(end_has(&controller->accepted, "hello"));
	assert_true(end_has(&f.end, "good morning"));
	assert_int_equal(counters(agent)->opened, 1);
	assert_int_equal(counters(controller)->accepted, 1);
	assert_int_equal(counters(controller)->strangers, 0);
}

static void
each_knows_who_the_other_is(void **state)
{
	struct fog_id a = pki_id(agent->member.key);
	struct fog_id c = pki_id(controller->member.key);

	(void)state;
	connect_both();
	assert_true(f.end.has_who);
	assert_int_equal(f.end.who.role, TRUST_CONTROLLER);
	assert_memory_equal(f.end.who.id, c.bytes, sizeof c.bytes);
	assert_true(controller->accepted.has_who);
	assert_int_equal(controller->accepted.who.role, TRUST_AGENT);
	assert_memory_equal(controller->accepted.who.id, a.bytes, sizeof a.bytes);
}

static void
nobody_is_known_before_it_is_open(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	end_look(&f.end);
	assert_false(f.end.has_who);
	run(1);
	end_look(&f.end);
	assert_false(f.end.has_who);
}

static bool
shows(const struct fake_packet *p, const char *text)
{
	return p->data.len && memmem(p->data.data, p->data.len, text, strlen(text));
}

static void
nothing_that_is_said_can_be_read_on_the_wire(void **state)
{
	(void)state;
	fake_net_capture(f.net, true);
	connect_both();
	say(&f.end, TEXT("a secret word"));
	run(10);
	assert_true(end_has(&controller->accepted, "a secret word"));
	for (size_t i = 0; i < fake_packets(f.net); i++)
		assert_false(shows(fake_packet(f.net, i), "secret"));
}

static void
addresses_are_those_of_the_stream_below(void **state)
{
	struct addr peer, local, to = address_of(CONTROLLER + 1);

	(void)state;
	connect_both();
	f.end.io->stream_peer(f.end.stream, &peer);
	f.end.io->stream_local(f.end.stream, &local);
	assert_true(addr_equal(&peer, &to));
	controller->io->ops->stream_peer(controller->accepted.stream, &peer);
	assert_true(addr_equal(&peer, &local));
	controller->io->ops->stream_local(controller->accepted.stream, &local);
	assert_true(addr_equal(&local, &to));
}

static void
what_is_sent_before_it_is_open_arrives(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	say(&f.end, TEXT("early "));
	run(1);
	say(&f.end, TEXT("bird"));
	run(100);
	assert_true(end_has(&controller->accepted, "early bird"));
}

static void
more_than_the_queue_holds_is_refused_before_it_is_open(void **state)
{
	static const uint8_t much[200 << 10];
	struct slice data = { much, sizeof much };

	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	assert_int_equal(f.end.io->stream_send(f.end.stream, data), 0);
	assert_int_equal(f.end.io->stream_send(f.end.stream, data), -ENOBUFS);
	run(100);
	assert_int_equal(controller->accepted.len, sizeof much);
}

static void
a_peer_that_does_not_read_is_told_of(void **state)
{
	static const uint8_t much[200 << 10];
	struct slice data = { much, sizeof much };

	(void)state;
	connect_both();
	assert_int_equal(f.end.io->stream_send(f.end.stream, data), 0);
	assert_int_equal(f.end.io->stream_send(f.end.stream, data), -ENOBUFS);
	assert_true(f.end.io->stream_send(f.end.stream, TEXT("x")) < 0);
	assert_int_equal(f.end.closed, 0); /* it is for the owner to close */
}

static void
large_messages_arrive_whole(void **state)
{
	static uint8_t much[250000];

	(void)state;
	for (size_t i = 0; i < sizeof much; i++)
		much[i] = (uint8_t)(i * 7 + i / 256);
	connect_both();
	say(&f.end, (struct slice){ much, sizeof much });
	run(100);
	assert_int_equal(controller->accepted.len, sizeof much);
	assert_memory_equal(controller->accepted.in, much, sizeof much);
}

/* --- one send, many pieces ---------------------------------------------------------------------- */

static const struct grasp_io_ops *whole;

static int
send_in_bytes(struct grasp_stream *s, struct slice data)
{
	for (size_t i = 0; i < data.len; i++) {
		int r = whole->stream_send(s, (struct slice){ data.data + i, 1 });

		if (r < 0)
			return r;
	}
	return 0;
}

static void
bytes_that_come_one_by_one_make_a_handshake_and_messages(void **state)
{
	struct grasp_io *below = fake_host_io(agent->host);
	struct grasp_io_ops ops = *below->ops;

	(void)state;
	whole = below->ops;
	ops.stream_send = send_in_bytes;
	fake_net_delay(f.net, 0, 0);
	below->ops = &ops;
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	say(&f.end, TEXT("slowly"));
	run(100);
	assert_true(end_has(&controller->accepted, "slowly"));
	below->ops = whole;
}

static void
what_the_owner_does_not_use_is_given_again_with_more(void **state)
{
	(void)state;
	connect_both();
	controller->accepted.leaves = 3;
	say(&f.end, TEXT("abcde"));
	run(10);
	assert_true(end_has(&controller->accepted, "ab"));
	say(&f.end, TEXT("fg"));
	run(10);
	assert_true(end_has(&controller->accepted, "abcd"));
	controller->accepted.leaves = 0;
	say(&f.end, TEXT("h"));
	run(10);
	assert_true(end_has(&controller->accepted, "abcdefgh"));
}

static void
an_owner_that_uses_nothing_loses_the_stream_in_the_end(void **state)
{
	static const uint8_t part[30000];

	(void)state;
	connect_both();
	controller->accepted.leaves = SIZE_MAX;
	for (int i = 0; i < 3 && f.end.stream; i++) {
		say(&f.end, (struct slice){ part, sizeof part });
		run(10);
	}
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, EMSGSIZE);
	assert_int_equal(f.end.closed, 1);
}

static void
a_negative_answer_closes_the_stream_with_it(void **state)
{
	(void)state;
	connect_both();
	controller->accepted.answer = -EBADMSG;
	say(&f.end, TEXT("x"));
	run(10);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, EBADMSG);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
hold_on(struct end *e)
{
	e->then = NULL;
	e->leaves = 2;
	e->io->stream_pause(e->stream, true);
}

static void
a_stream_that_is_paused_waits_and_goes_on(void **state)
{
	struct end *e = &controller->accepted;

	(void)state;
	connect_both();
	e->then = hold_on;
	say(&f.end, TEXT("abc"));
	run(10);
	say(&f.end, TEXT("defg"));
	run(1000);
	assert_true(end_has(e, "abc"));
	e->io->stream_pause(e->stream, false);
	assert_true(end_has(e, "abc")); /* not from inside the call */
	run(10);
	assert_true(end_has(e, "abcde"));
	e->io->stream_pause(e->stream, true);
	e->leaves = 0;
	run(10);
	assert_true(end_has(e, "abcde"));
	e->io->stream_pause(e->stream, false);
	run(10);
	assert_true(end_has(e, "abcdefg")); /* though nothing more has come */
}

static void
use_two_and_hold_on(struct end *e)
{
	if (e->len == 2)
		e->io->stream_pause(e->stream, true);
}

static void
a_goodbye_waits_for_what_was_said_before(void **state)
{
	struct end *e = &controller->accepted;

	(void)state;
	connect_both();
	e->then = use_two_and_hold_on;
	e->leaves = 3;
	say(&f.end, TEXT("abcde"));
	end_close(&f.end);
	run(1000);
	assert_true(end_has(e, "ab"));
	assert_int_equal(e->closed, 0);
	e->leaves = 0;
	e->io->stream_pause(e->stream, false);
	run(10);
	assert_true(end_has(e, "abcde"));
	assert_int_equal(e->closed, 1);
	assert_int_equal(e->err, 0);
}

static void
a_paused_stream_may_be_closed(void **state)
{
	(void)state;
	connect_both();
	f.end.io->stream_pause(f.end.stream, true);
	say(&controller->accepted, TEXT("unheard"));
	run(10);
	f.end.io->stream_pause(f.end.stream, false);
	end_close(&f.end);
	run(100);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(counters(agent)->streams, 0);
}

/* --- the end of a stream ------------------------------------------------------------------------ */

static void
closing_is_orderly_and_what_was_sent_still_arrives(void **state)
{
	(void)state;
	connect_both();
	say(&f.end, TEXT("goodbye"));
	end_close(&f.end);
	assert_int_equal(f.end.closed, 0);
	run(10);
	assert_true(end_has(&controller->accepted, "goodbye"));
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, 0);
	assert_int_equal(f.end.closed, 0);
	assert_int_equal(counters(agent)->streams, 0);
	assert_int_equal(fake_streams(agent->host), 0);
	assert_int_equal(fake_streams(controller->host), 0);
}

static void
closing_before_it_is_open_still_sends_what_is_queued(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	say(&f.end, TEXT("a word in passing"));
	end_close(&f.end);
	run(100);
	assert_true(end_has(&controller->accepted, "a word in passing"));
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, 0);
	assert_int_equal(f.end.opened, 0);
	assert_int_equal(counters(agent)->streams, 0);
}

static void
closing_before_it_is_open_with_nothing_to_say_leaves_nothing(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	end_close(&f.end);
	assert_int_equal(counters(agent)->streams, 0);
	run(100);
	assert_int_equal(controller->accepts, 0);
	assert_int_equal(counters(controller)->strangers, 0);
}

static bool
pass_none(void *arg, const struct fake_packet *p)
{
	(void)arg;
	return p->kind != FAKE_DATA;
}

static void
what_is_queued_does_not_hold_a_closed_stream_for_ever(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	say(&f.end, TEXT("never heard"));
	fake_net_filter(f.net, pass_none, NULL);
	run(100);
	end_close(&f.end);
	assert_int_equal(counters(agent)->streams, 1);
	run(2100);
	assert_int_equal(counters(agent)->streams, 0);
	fake_net_filter(f.net, NULL, NULL);
}

static void
aborting_throws_away_and_tells(void **state)
{
	(void)state;
	connect_both();
	say(&f.end, TEXT("lost"));
	f.end.io->stream_close(f.end.stream, true);
	run(10);
	assert_int_equal(controller->accepted.len, 0);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, ECONNRESET);
}

static void
a_connection_that_is_cut_did_not_end_in_order_S_06(void **state)
{
	struct cert *leaf =
	    domain_issue(&f.domain, TRUST_AGENT, agent->member.key, PKI_NOW + PKI_DAY);
	struct outsider x = { .self = { agent->member.key, &leaf, 1 } };

	(void)state;
	outsider_connect(&x, f.party[OUTSIDE].host, CONTROLLER, CHANNEL_ALPN_GRASP);
	run(100);
	outsider_say(&x, TEXT("I owe you"));
	/* FIN without close_notify, as somebody in between could make it */
	x.io->ops->stream_close(TAKE(x.stream), false);
	run(10);
	assert_true(end_has(&controller->accepted, "I owe you"));
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, ECONNRESET);
	outsider_done(&x);
	cert_unref(leaf);
}

static bool spoils;

static int
send_spoilt(struct grasp_stream *s, struct slice data)
{
	uint8_t copy[512];

	if (!spoils || data.len > sizeof copy)
		return whole->stream_send(s, data);
	memcpy(copy, data.data, data.len);
	copy[data.len / 2] ^= 0x10;
	return whole->stream_send(s, (struct slice){ copy, data.len });
}

static void
a_flipped_bit_ends_the_connection_and_nothing_gets_through_S_06(void **state)
{
	struct grasp_io *io = fake_host_io(agent->host);
	struct grasp_io_ops ops = *io->ops;

	(void)state;
	whole = io->ops;
	ops.stream_send = send_spoilt;
	io->ops = &ops;
	connect_both();
	spoils = true;
	say(&f.end, TEXT("pay 10 to Alice"));
	run(10);
	spoils = false;
	assert_int_equal(controller->accepted.len, 0);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(controller->accepted.err, EPROTO);
	assert_int_equal(f.end.closed, 1);
	io->ops = whole;
}

static void
silence_below_ends_an_opening(void **state)
{
	struct addr nobody = address_of(200);
	struct end *e = &f.end;

	(void)state;
	e->io = agent->io->ops;
	assert_int_equal(
	    e->io->stream_open(agent->io, &nobody, 3000, &end_ops, e, &e->stream), 0);
	run(2900);
	assert_int_equal(e->closed, 0);
	run(200);
	assert_int_equal(e->closed, 1);
	assert_int_equal(e->err, ETIMEDOUT);
}

static void
a_handshake_without_an_answer_ends_with_the_time_of_the_opening(void **state)
{
	struct addr to = address_of(CONTROLLER + 1);
	struct end *e = &f.end;

	(void)state;
	fake_net_filter(f.net, pass_none, NULL);
	e->io = agent->io->ops;
	assert_int_equal(
	    e->io->stream_open(agent->io, &to, 2000, &end_ops, e, &e->stream), 0);
	run(1900);
	assert_int_equal(e->closed, 0);
	run(200);
	assert_int_equal(e->closed, 1);
	assert_int_equal(e->err, ETIMEDOUT);
	assert_int_equal(counters(agent)->handshakes_failed, 1);
	fake_net_filter(f.net, NULL, NULL);
}

/* --- owners who close in the middle of things ----------------------------------------------------- */

static void
close_it(struct end *e)
{
	e->then = NULL;
	if (e->stream)
		end_close(e);
}

static void
an_owner_may_close_when_it_is_opened(void **state)
{
	(void)state;
	f.end.then = close_it;
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(f.end.opened, 1);
	assert_int_equal(f.end.closed, 0);
	assert_int_equal(counters(agent)->streams, 0);
	assert_int_equal(controller->accepted.err, 0);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
an_owner_may_close_when_bytes_come(void **state)
{
	(void)state;
	connect_both();
	controller->accepted.then = close_it;
	say(&f.end, TEXT("x"));
	run(10);
	assert_int_equal(controller->accepted.closed, 0);
	assert_int_equal(counters(controller)->streams, 0);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(f.end.err, 0);
}

static void
close_again(struct end *e)
{
	e->io->stream_close(e->stream, false);
}

static void
closing_what_is_being_closed_does_no_harm(void **state)
{
	(void)state;
	connect_both();
	controller->accepted.then = close_again;
	end_close(&f.end);
	run(10);
	assert_int_equal(controller->accepted.closed, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
who_does_not_want_a_stream_need_not_take_it(void **state)
{
	(void)state;
	controller->deaf = true;
	open_end(agent, CONTROLLER, &f.end);
	run(100);
	assert_int_equal(controller->accepts, 1);
	assert_int_equal(f.end.closed, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static bool sending;

static void
note_that_it_is_inside(struct end *e)
{
	(void)e;
	assert_false(sending);
}

static void
no_callback_comes_from_inside_the_call_that_caused_it(void **state)
{
	struct fog_id c = pki_id(controller->member.key);

	(void)state;
	connect_both();
	f.end.then = note_that_it_is_inside;
	sending = true;
	fake_fail(agent->host, 1, EPIPE);
	assert_true(f.end.io->stream_send(f.end.stream, TEXT("x")) < 0);
	member_deny(&agent->member, &c);
	channel_recheck(agent->io);
	assert_int_equal(f.end.closed, 0);
	sending = false;
	run(0);
	assert_int_equal(f.end.closed, 1);
}

/* --- a channel as a whole ------------------------------------------------------------------------- */

static void
strangers_are_not_announced_after_unbinding(void **state)
{
	(void)state;
	open_end(agent, CONTROLLER, &f.end);
	run(2); /* its ClientHello is there */
	assert_int_equal(counters(controller)->strangers, 1);
	controller->io->ops->unbind(controller->io);
	assert_int_equal(counters(controller)->strangers, 0);
	run(100);
	assert_int_equal(controller->accepts, 0);
	assert_int_equal(f.end.closed, 1);
}

static void
it_may_be_bound_again(void **state)
{
	struct grasp_io *io = controller->io;

	(void)state;
	assert_int_equal(io->ops->bind(io, 7017, &party_events, controller), -EALREADY);
	io->ops->unbind(io);
	assert_int_equal(io->ops->bind(io, 7017, &party_events, controller), 0);
	connect_both();
}

static void
a_channel_goes_with_streams_in_every_state(void **state)
{
	static struct end other, another;

	(void)state;
	connect_both();
	memset(&other, 0, sizeof other);
	memset(&another, 0, sizeof another);
	open_end(agent, CONTROLLER, &other);
	run(3); /* in the middle of its handshake */
	open_end(agent, CONTROLLER, &another);
	channel_free(TAKE(agent->io));
	channel_free(TAKE(controller->io));
	assert_int_equal(other.closed + another.closed + f.end.closed, 0);
}

/* --- and with the engine on top -------------------------------------------------------------------- */

static void
two_engines_negotiate_over_it(void **state)
{
	struct grasp_config cfg = { .link_local = true };
	struct grasp_objective o = lab_objective("EX1", F_NEG, TEXT("\x01"));
	struct addr to = address_of(CONTROLLER + 1);
	struct diary a = { 0 }, c = { 0 };
	struct grasp_registration *reg;
	struct grasp_node *na, *nc;
	struct grasp_session *s;
	struct grasp_link *l;

	(void)state;
	agent->io->ops->unbind(agent->io);
	controller->io->ops->unbind(controller->io);
	assert_int_equal(grasp_node_new(agent->io, &cfg, &na), 0);
	assert_int_equal(grasp_node_new(controller->io, &cfg, &nc), 0);
	assert_int_equal(grasp_register(nc, "EX1", F_NEG, &diary_support, &c, &reg), 0);
	assert_int_equal(grasp_link_open(na, &to, &diary_link, &a, &l), 0);
	assert_int_equal(grasp_negotiate(l, &o, 0, &diary_session, &a, &s), 0);
	run(100);
	assert_int_equal(c.asked, 1);
	assert_int_equal(
	    grasp_link_who(grasp_session_link(c.session))->role, TRUST_AGENT);
	grasp_session_end(c.session, true, NULL);
	run(100);
	assert_int_equal(a.outcome, GRASP_ACCEPTED);
	assert_int_equal(a.ended, 1);
	grasp_node_free(na);
	grasp_node_free(nc);
}

int
main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(two_members_talk),
		CASE(each_knows_who_the_other_is),
		CASE(nobody_is_known_before_it_is_open),
		CASE(nothing_that_is_said_can_be_read_on_the_wire),
		CASE(addresses_are_those_of_the_stream_below),
		CASE(what_is_sent_before_it_is_open_arrives),
		CASE(more_than_the_queue_holds_is_refused_before_it_is_open),
		CASE(a_peer_that_does_not_read_is_told_of),
		CASE(large_messages_arrive_whole),
		CASE(bytes_that_come_one_by_one_make_a_handshake_and_messages),
		CASE(what_the_owner_does_not_use_is_given_again_with_more),
		CASE(an_owner_that_uses_nothing_loses_the_stream_in_the_end),
		CASE(a_negative_answer_closes_the_stream_with_it),
		CASE(a_stream_that_is_paused_waits_and_goes_on),
		CASE(a_goodbye_waits_for_what_was_said_before),
		CASE(a_paused_stream_may_be_closed),
		CASE(closing_is_orderly_and_what_was_sent_still_arrives),
		CASE(closing_before_it_is_open_still_sends_what_is_queued),
		CASE(closing_before_it_is_open_with_nothing_to_say_leaves_nothing),
		CASE(what_is_queued_does_not_hold_a_closed_stream_for_ever),
		CASE(aborting_throws_away_and_tells),
		CASE(a_connection_that_is_cut_did_not_end_in_order_S_06),
		CASE(a_flipped_bit_ends_the_connection_and_nothing_gets_through_S_06),
		CASE(silence_below_ends_an_opening),
		CASE(a_handshake_without_an_answer_ends_with_the_time_of_the_opening),
		CASE(an_owner_may_close_when_it_is_opened),
		CASE(an_owner_may_close_when_bytes_come),
		CASE(closing_what_is_being_closed_does_no_harm),
		CASE(who_does_not_want_a_stream_need_not_take_it),
		CASE(no_callback_comes_from_inside_the_call_that_caused_it),
		CASE(strangers_are_not_announced_after_unbinding),
		CASE(it_may_be_bound_again),
		CASE(a_channel_goes_with_streams_in_every_state),
		CASE(two_engines_negotiate_over_it),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
