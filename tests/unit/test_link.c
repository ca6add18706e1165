/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "grasp/node_int.h"
#include "tests/support/lab.h"

static const uint8_t one = 1;
#define ONE ((struct slice){ &one, 1 })

struct fixture {
	struct lab lab;
	struct diary a, b, link, far;
	struct grasp_registration *reg;
	struct grasp_link *l;
	struct stranger x;
};
static struct fixture f;

static int
setup(void **state)
{
	(void)state;
	memset(&f, 0, sizeof f);
	lab_init(&f.lab, 2, LAB_LINK);
	return grasp_register(
	    f.lab.node[1], "EX1", F_DISC | F_NEG, &diary_support, &f.b, &f.reg);
}

static int
teardown(void **state)
{
	(void)state;
	lab_done(&f.lab);
	return 0;
}

static void
run(int64_t ms)
{
	fake_run(f.lab.net, ms);
}

static void
open_link(void)
{
	struct addr to = lab_address(1);

	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &to, &diary_link, &f.link, &f.l), 0);
}

static void
negotiate(void)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct grasp_session *s;

	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &s), 0);
}

static struct grasp_msg
request(uint32_t id)
{
	struct grasp_msg m = {
		.type = M_REQ_NEG, .session_id = id, .has_objective = true
	};

	m.objective = lab_objective("EX1", F_NEG, ONE);
	m.objective.loop_count = 6;
	return m;
}

static struct slice
encoded(const struct grasp_msg *m)
{
	static uint8_t memory[256];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(m, &b), 0);
	return buf_slice(&b);
}

/* Both ends held with a session behind them: f.l here, f.b.link there. */
static void
hold_both(uint32_t beat_ms, uint32_t silence_ms, uint32_t max)
{
	open_link();
	negotiate();
	run(10);
	assert_non_null(f.b.link);
	grasp_link_set(f.b.link, &diary_link, &f.far);
	grasp_link_hold(f.b.link, beat_ms, silence_ms, max);
	grasp_link_hold(f.l, beat_ms, silence_ms, max);
	grasp_session_end(f.b.session, true, NULL);
	run(10);
	assert_int_equal(f.a.ended, 1);
}

/* --- opening and closing --------------------------------------------------------------------- */

static void
a_link_opens_and_knows_both_addresses(void **state)
{
	struct addr peer, local, far = lab_address(1), near = lab_address(0);

	(void)state;
	open_link();
	run(10);
	assert_int_equal(f.link.opened, 1);
	grasp_link_peer(f.l, &peer);
	grasp_link_local(f.l, &local);
	assert_true(addr_equal(&peer, &far));
	assert_memory_equal(&local.ip, &near.ip, sizeof near.ip);
	assert_ptr_equal(grasp_link_node(f.l), f.lab.node[0]);
}

static void
a_link_without_sessions_stays_until_it_has_had_one(void **state)
{
	(void)state;
	open_link();
	run(4900);
	assert_int_equal(f.link.closed, 0);
}

static void
closing_is_not_told_to_who_closes(void **state)
{
	(void)state;
	hold_both(0, 0, 0);
	grasp_link_close(f.l);
	run(10);
	assert_int_equal(f.link.closed, 0);
	assert_int_equal(f.far.closed, 1);
	assert_int_equal(f.far.err, 0);
}

static void
a_peer_that_vanishes_is_noticed_by_silence(void **state)
{
	(void)state;
	hold_both(1000, 3500, 0);
	grasp_node_free(f.lab.node[1]);
	f.lab.node[1] = NULL;
	fake_host_free(f.lab.host[1]);
	f.link.closed = 0; /* the node's own farewell is lost with its host */
	run(3000);
	assert_int_equal(f.link.closed, 0);
	run(1000);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.link.err, -ETIMEDOUT);
}

static bool
nothing_passes(void *arg, const struct fake_packet *p)
{
	(void)arg;
	(void)p;
	return false;
}

static void
sessions_end_when_the_link_falls_silent(void **state)
{
	(void)state;
	hold_both(1000, 3500, 0);
	negotiate();
	fake_net_filter(f.lab.net, nothing_passes, NULL);
	run(5000);
	assert_int_equal(f.a.ended, 2);
	assert_int_equal(f.a.outcome, GRASP_CLOSED);
	assert_int_equal(f.link.err, -ETIMEDOUT);
	assert_int_equal(f.far.err, -ETIMEDOUT);
}

/* --- heartbeats ----------------------------------------------------------------------------- */

static void
a_held_link_beats_and_lives_G_003(void **state)
{
	struct grasp_link_stats before, after;

	(void)state;
	hold_both(1000, 3500, 0);
	grasp_link_stats(f.l, &before);
	run(60000);
	grasp_link_stats(f.l, &after);
	assert_int_equal(f.link.closed + f.far.closed, 0);
	assert_in_range(after.messages_sent - before.messages_sent, 59, 60);
	assert_int_equal(after.bytes_sent - before.bytes_sent,
	    2 * (after.messages_sent - before.messages_sent));
	assert_in_range(after.messages_received - before.messages_received, 59, 60);
	assert_true(fake_now(f.lab.net) - after.last_heard_ms <= 1001);
}

static void
a_message_saves_a_heartbeat(void **state)
{
	(void)state;
	hold_both(1000, 0, 0);
	f.b.then = NULL;
	for (int i = 0; i < 10; i++) {
		run(600);
		negotiate();
		run(300);
		assert_int_equal(grasp_session_wait(f.b.session, 60000), 0);
	}
	assert_int_equal(fake_count(f.lab.net, M_REQ_NEG), 11);
	assert_true(fake_count(f.lab.net, M_NOOP) <= 2);
}

static void
a_link_without_beat_keeps_quiet(void **state)
{
	(void)state;
	hold_both(0, 0, 0);
	run(600000);
	assert_int_equal(fake_count(f.lab.net, M_NOOP), 0);
	assert_int_equal(f.link.closed, 0);
}

/* --- peers who say too much --------------------------------------------------------------------- */

static uint64_t
heard(void)
{
	struct grasp_link_stats stats;

	grasp_link_stats(f.b.link, &stats);
	return stats.messages_received;
}

static const struct grasp_counters *
counters(void)
{
	return grasp_node_counters(f.lab.node[1]);
}

static void
say_noops(unsigned n)
{
	fake_net_delay(f.lab.net, 0, 0);
	for (unsigned i = 0; i < n; i++) {
		static const struct grasp_msg noop = { .type = M_NOOP };

		assert_int_equal(link_send(f.l, &noop), 0);
	}
}

static void
a_burst_of_500_messages_is_heard_at_once(void **state)
{
	uint64_t before;

	(void)state;
	hold_both(0, 0, 0);
	before = heard();
	say_noops(400);
	run(10);
	assert_int_equal(heard() - before, 400);
	assert_int_equal(counters()->links_paused, 0);
}

static void
more_than_100_messages_a_second_have_to_wait_and_are_heard_all(void **state)
{
	uint64_t before;

	(void)state;
	hold_both(1000, 3500, 0);
	before = heard();
	say_noops(1500);
	run(10);
	assert_in_range(heard() - before, 480, 510);
	run(5000);
	assert_in_range(heard() - before, 980, 1020);
	assert_true(counters()->links_paused > 0);
	run(10000);
	assert_true(heard() - before >= 1500);
	assert_int_equal(f.link.closed + f.far.closed, 0);
}

static void
more_than_256_kib_a_second_have_to_wait_and_are_heard_all(void **state)
{
	static uint8_t value[60003] = { 0x59, 60000 >> 8, 60000 & 0xff };
	struct grasp_objective o =
	    lab_objective("EX2", F_NEG, (struct slice){ value, sizeof value });
	struct grasp_msg msg = { .type = M_NEGOTIATE,
		.session_id = 1,
		.has_objective = true,
		.objective = o };
	struct grasp_link_stats before, after;

	(void)state;
	hold_both(0, 0, 65536);
	msg.objective.loop_count = 6;
	grasp_link_stats(f.b.link, &before);
	for (int i = 0; i < 13; i++) { /* 780 kB in 1.3 s: 1 s at once and 2 s more */
		assert_int_equal(link_send(f.l, &msg), 0);
		run(100);
	}
	grasp_link_stats(f.b.link, &after);
	assert_in_range(after.messages_received - before.messages_received, 9, 11);
	run(2500);
	grasp_link_stats(f.b.link, &after);
	assert_int_equal(after.messages_received - before.messages_received, 13);
	assert_int_equal(f.link.closed + f.far.closed, 0);
}

static void
others_do_not_wait_with_a_peer_that_says_too_much(void **state)
{
	unsigned ended = f.a.ended;

	(void)state;
	hold_both(0, 0, 0);
	say_noops(1500);
	run(10);
	stranger_connect(&f.x, &f.lab, 1);
	run(10);
	f.b.asked = 0;
	stranger_say(&f.x,
	    &(struct grasp_msg){ .type = M_REQ_NEG,
		.session_id = 77,
		.has_objective = true,
		.objective = request(77).objective });
	run(10);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(f.a.ended, ended + 1);
}

static void
a_link_that_waits_may_be_closed(void **state)
{
	(void)state;
	hold_both(0, 0, 0);
	say_noops(1500);
	run(10);
	assert_true(counters()->links_paused > 0);
	grasp_link_close(f.b.link);
	run(1000);
	assert_int_equal(f.link.closed, 1);
}

static struct grasp_io_ops without;

static void
where_streams_cannot_wait_the_link_is_closed(void **state)
{
	struct grasp_io *io = fake_host_io(f.lab.host[1]);
	const struct grasp_io_ops *with = io->ops;

	(void)state;
	hold_both(0, 0, 0);
	without = *with;
	without.stream_pause = NULL;
	io->ops = &without;
	say_noops(600);
	run(10);
	assert_int_equal(f.far.closed, 1);
	assert_int_equal(f.far.err, -ENOBUFS);
	io->ops = with;
}

/* --- accepted connections ---------------------------------------------------------------------- */

static void
a_silent_connection_is_closed_after_5_seconds_I_26(void **state)
{
	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	run(4900);
	assert_false(f.x.closed);
	run(200);
	assert_true(f.x.closed);
}

static void
noops_and_unknown_sessions_do_not_extend_the_first_5_seconds_I_26(void **state)
{
	struct grasp_msg noop = { .type = M_NOOP },
			 wait = { .type = M_WAIT, .session_id = 1 };

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	for (int i = 0; i < 5 && f.x.stream; i++) {
		stranger_say(&f.x, &noop);
		stranger_say(&f.x, &wait);
		run(900);
	}
	run(600);
	assert_true(f.x.closed);
}

static void
a_silent_connection_blocks_nobody_I_26(void **state)
{
	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	open_link();
	negotiate();
	run(10);
	assert_int_equal(f.b.asked, 1);
}

static void
a_message_must_be_whole_within_10_seconds_S_14(void **state)
{
	struct grasp_msg m = request(1);

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m); /* a session keeps the link */
	m = request(2);
	for (size_t i = 0; i < 8 && f.x.stream; i++) { /* and a second one drips in */
		struct slice all = encoded(&m);

		stranger_send(&f.x, (struct slice){ all.data + i, 1 });
		run(1500);
	}
	assert_true(f.x.closed);
	assert_int_equal(f.b.ended, 1);
}

static void
one_address_gets_only_so_many_places_S_14(void **state)
{
	static struct stranger x[GUESTS_PER_ADDRESS + 8];
	unsigned open = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		stranger_connect(&x[i], &f.lab, 1);
	for (size_t i = 0; i < ARRAY_LEN(x); i++)
		open += x[i].opened && !x[i].closed;
	assert_int_equal(open, GUESTS_PER_ADDRESS);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->links_refused, 8);
	open_link();
	negotiate();
	run(10);
	assert_int_equal(f.b.asked, 1);
}

static void
who_says_nothing_makes_room_for_who_does_S_14(void **state)
{
	struct grasp_config cfg = { .link_local = true, .links_max = 2 };
	struct grasp_msg m = request(5);
	static struct stranger x[3];

	(void)state;
	grasp_node_free(f.lab.node[1]);
	assert_int_equal(
	    grasp_node_new(fake_host_io(f.lab.host[1]), &cfg, &f.lab.node[1]), 0);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", F_NEG, &diary_support, &f.b, &f.reg), 0);
	stranger_connect(&x[0], &f.lab, 1);
	stranger_connect(&x[1], &f.lab, 1);
	stranger_say(&x[0], &m);
	stranger_connect(&x[2], &f.lab, 1); /* the idle one leaves */
	assert_true(x[1].closed);
	m = request(6);
	stranger_say(&x[2], &m);
	assert_int_equal(f.b.asked, 2);
	stranger_connect(&x[1], &f.lab, 1); /* nobody is idle */
	assert_true(x[1].closed);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->links_refused, 1);
}

/* --- the byte stream --------------------------------------------------------------------------- */

static void
a_message_may_come_byte_by_byte_I_02_G_044(void **state)
{
	struct grasp_msg m = request(9);
	struct slice all = encoded(&m);

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	for (size_t i = 0; i < all.len; i++)
		stranger_send(&f.x, (struct slice){ all.data + i, 1 });
	assert_int_equal(f.b.asked, 1);
}

static void
several_messages_may_come_at_once_I_02(void **state)
{
	uint8_t memory[512];
	struct buf b;

	(void)state;
	buf_init_fixed(&b, memory, sizeof memory);
	for (uint32_t id = 1; id <= 3; id++) {
		struct grasp_msg m = request(id);

		buf_put_slice(&b, encoded(&m));
	}
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, (struct slice){ memory, b.pos - 4 });
	assert_int_equal(f.b.asked, 2);
	stranger_send(&f.x, (struct slice){ memory + b.pos - 4, 4 });
	assert_int_equal(f.b.asked, 3);
}

/* A request for EX1 of exactly so many bytes (above 256). */
static struct slice
request_of(size_t bytes)
{
	static uint8_t memory[70000], value[70000];
	struct grasp_msg m = request(3);
	struct buf b;
	size_t len = bytes - 17;

	value[0] = 0x59;
	value[1] = len >> 8;
	value[2] = len & 0xff;
	m.objective.value = (struct slice){ value, 3 + len };
	buf_init_fixed(&b, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(&m, &b), 0);
	if (b.pos != bytes) { /* what stands before the value */
		len -= b.pos - bytes;
		value[1] = len >> 8;
		value[2] = len & 0xff;
		m.objective.value.len = 3 + len;
		buf_reset(&b);
		assert_int_equal(grasp_msg_encode(&m, &b), 0);
	}
	assert_int_equal(b.pos, bytes);
	return buf_slice(&b);
}

static void
note_nothing(void *arg, struct grasp_session *s, const struct grasp_objective *o)
{
	unsigned *asked = arg;

	(void)s;
	(void)o;
	++*asked;
}

static void
messages_of_2048_bytes_are_taken_and_longer_ones_are_not_G_010_G_012(void **state)
{
	static const struct grasp_support support = { .negotiate = note_nothing };
	unsigned asked = 0;

	(void)state;
	grasp_deregister(f.reg);
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX1", F_NEG, &support, &asked, &f.reg), 0);
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, request_of(2048));
	assert_int_equal(asked, 1);
	assert_false(f.x.closed);
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, request_of(2049));
	assert_int_equal(asked, 1);
	assert_true(f.x.closed);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->too_long, 1);
}

static void
holding_raises_the_limit_for_both_directions_G_011(void **state)
{
	static uint8_t value[40000] = { 0x59, 0x9c, 0x3d };
	static const struct grasp_support support = { .negotiate = note_nothing };
	struct grasp_objective o =
	    lab_objective("EX2", F_NEG, (struct slice){ value, 40000 });
	struct grasp_registration *reg;
	struct grasp_session *s;
	unsigned asked = 0;

	(void)state;
	assert_int_equal(
	    grasp_register(f.lab.node[1], "EX2", F_NEG, &support, &asked, &reg), 0);
	hold_both(0, 0, 0);
	assert_int_equal(
	    grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &s), -EMSGSIZE);
	grasp_link_hold(f.l, 0, 0, GRASP_UNICAST_MAX);
	grasp_link_hold(f.b.link, 0, 0, GRASP_UNICAST_MAX);
	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &s), 0);
	run(10);
	assert_int_equal(asked, 1);
}

static void
a_link_knows_whose_it_is(void **state)
{
	(void)state;
	open_link();
	assert_ptr_equal(grasp_link_arg(f.l), &f.link);
	grasp_link_set(f.l, NULL, NULL);
	assert_null(grasp_link_arg(f.l));
	run(10);
	assert_int_equal(f.link.opened, 0);
}

static void
bytes_that_are_no_cbor_close_the_link(void **state)
{
	static const struct slice bad[] = {
		{ (const uint8_t *)"\xff", 1 }, /* break without container */
		{ (const uint8_t *)"\x9a\x10\x00\x00\x00", 5 }, /* 2^28 items (I-23) */
		{ (const uint8_t *)"\x84\x01\x1c", 3 },		/* reserved length */
		{ (const uint8_t *)"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", 9 },
		{ (const uint8_t *)"GET / HTTP/1.1\r\n\r\n", 18 },
		{ (const uint8_t *)"\x16\x03\x01\x02\x00", 5 }, /* TLS */
		{ (const uint8_t *)"\x82\x18\x03\x01",
		    4 }, /* M_REQ_NEG without objective */
		{ (const uint8_t *)"\x83\x03\x01\x83\x63\x45\x58\x31\x02\x19\x01\x00",
		    12 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		stranger_connect(&f.x, &f.lab, 1);
		stranger_send(&f.x, bad[i]);
		assert_true(f.x.closed);
	}
	assert_int_equal(f.b.asked, 0);
	run(10);
	assert_int_equal(fake_streams(f.lab.host[1]), 0);
	assert_true(TAILQ_EMPTY(&f.lab.node[1]->links));
}

static void
an_unknown_message_type_is_skipped_G_005(void **state)
{
	struct grasp_msg m = request(3);

	(void)state;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_send(&f.x, BYTES(0x83, 0x18, 0x32, 0x07, 0xf6)); /* [50, 7, null] */
	assert_false(f.x.closed);
	stranger_say(&f.x, &m);
	assert_int_equal(f.b.asked, 1);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->unknown_type, 1);
}

static void
a_violation_of_form_ends_sessions_with_violation(void **state)
{
	struct addr outside = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };

	(void)state;
	stranger_listen(&f.x, &f.lab);
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &outside, &diary_link, &f.link, &f.l), 0);
	negotiate();
	run(10);
	stranger_send(&f.x, BYTES(0x1c));
	assert_int_equal(f.a.outcome, GRASP_VIOLATION);
	assert_int_equal(f.link.err, -EBADMSG);
}

static void
floods_and_stray_responses_do_not_belong_on_a_stream(void **state)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = 1, .time_ms = 5, .items = 1
	};

	(void)state;
	m.initiator = lab_initiator("2001:db8::99");
	m.flooded[0] = lab_objective("EX1", F_SYNCH, ONE);
	m.flooded[0].loop_count = 1;
	stranger_connect(&f.x, &f.lab, 1);
	stranger_say(&f.x, &m);
	assert_int_equal(f.b.flooded, 0);
	assert_false(f.x.closed);
	m.type = M_RESPONSE;
	m.locators = 1;
	m.locator[0].kind = O_IPv6_LOCATOR;
	m.locator[0].proto = GRASP_TCP;
	stranger_say(&f.x, &m);
	assert_true(f.x.closed);
	assert_int_equal(grasp_node_counters(f.lab.node[1])->unwanted, 2);
}

static void
a_peer_that_does_not_read_loses_the_link(void **state)
{
	static uint8_t value[60003] = { 0x59, 0xea, 0x60 };
	struct grasp_objective o =
	    lab_objective("EX1", F_NEG, (struct slice){ value, 60003 });
	struct grasp_session *s;
	int r = 0;

	(void)state;
	hold_both(0, 0, GRASP_UNICAST_MAX);
	fake_net_filter(f.lab.net, nothing_passes, NULL);
	for (int i = 0; i < 10 && r == 0; i++)
		r = grasp_negotiate(f.l, &o, 0, &diary_session, &f.a, &s);
	assert_int_equal(r, -ENOBUFS);
	assert_int_equal(f.link.closed, 0); /* not from inside the call */
	run(10);
	assert_int_equal(f.link.closed, 1);
	assert_int_equal(f.link.err, -ENOBUFS);
	assert_int_equal(f.a.ended, 1 + 4); /* those whose request was queued */
	assert_int_equal(f.a.outcome, GRASP_CLOSED);
}

static void
a_gone_link_takes_no_sessions(struct diary *d)
{
	struct grasp_objective o = lab_objective("EX1", F_NEG, ONE);
	struct grasp_session *s;

	assert_int_equal(grasp_negotiate(f.l, &o, 0, &diary_session, d, &s), -ENOTCONN);
	grasp_link_close(f.l);
}

static void
in_closed_the_link_is_still_there_but_dead(void **state)
{
	(void)state;
	hold_both(0, 0, 0);
	f.link.then = a_gone_link_takes_no_sessions;
	grasp_link_close(f.b.link);
	run(10);
	assert_int_equal(f.link.closed, 1);
}

static void
hold_what_opens(struct diary *d)
{
	if (d->opened == 1 && !d->closed)
		grasp_link_hold(d->link, 1000, 0, 0);
}

static void
a_link_may_be_held_before_it_is_open_or_when_it_opens(void **state)
{
	(void)state;
	f.link.then = hold_what_opens;
	open_link();
	negotiate();
	run(10);
	grasp_link_hold(f.b.link, 0, 0, 0);
	grasp_session_end(f.b.session, true, NULL);
	run(5000);
	assert_int_equal(f.link.closed, 0);
	assert_true(fake_count(f.lab.net, M_NOOP) >= 4);
}

static void
opening_can_fail_at_once(void **state)
{
	struct addr to = lab_address(1);

	(void)state;
	fake_fail(f.lab.host[0], 1, ENOMEM);
	assert_int_equal(
	    grasp_link_open(f.lab.node[0], &to, &diary_link, &f.link, &f.l), -ENOMEM);
	to.ip = lab_ip("fe80::2");
	assert_int_equal(grasp_link_open(f.lab.node[0], &to, &diary_link, &f.link, &f.l),
	    -ENETUNREACH);
	run(100);
	assert_int_equal(f.link.closed, 0);
	assert_true(TAILQ_EMPTY(&f.lab.node[0]->links));
}

#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_link_opens_and_knows_both_addresses),
		CASE(a_link_without_sessions_stays_until_it_has_had_one),
		CASE(closing_is_not_told_to_who_closes),
		CASE(a_peer_that_vanishes_is_noticed_by_silence),
		CASE(sessions_end_when_the_link_falls_silent),
		CASE(a_held_link_beats_and_lives_G_003),
		CASE(a_message_saves_a_heartbeat),
		CASE(a_link_without_beat_keeps_quiet),
		CASE(a_burst_of_500_messages_is_heard_at_once),
		CASE(more_than_100_messages_a_second_have_to_wait_and_are_heard_all),
		CASE(more_than_256_kib_a_second_have_to_wait_and_are_heard_all),
		CASE(others_do_not_wait_with_a_peer_that_says_too_much),
		CASE(a_link_that_waits_may_be_closed),
		CASE(where_streams_cannot_wait_the_link_is_closed),
		CASE(a_silent_connection_is_closed_after_5_seconds_I_26),
		CASE(noops_and_unknown_sessions_do_not_extend_the_first_5_seconds_I_26),
		CASE(a_silent_connection_blocks_nobody_I_26),
		CASE(a_message_must_be_whole_within_10_seconds_S_14),
		CASE(one_address_gets_only_so_many_places_S_14),
		CASE(who_says_nothing_makes_room_for_who_does_S_14),
		CASE(a_message_may_come_byte_by_byte_I_02_G_044),
		CASE(several_messages_may_come_at_once_I_02),
		CASE(
		    messages_of_2048_bytes_are_taken_and_longer_ones_are_not_G_010_G_012),
		CASE(holding_raises_the_limit_for_both_directions_G_011),
		CASE(a_link_knows_whose_it_is),
		CASE(bytes_that_are_no_cbor_close_the_link),
		CASE(an_unknown_message_type_is_skipped_G_005),
		CASE(a_violation_of_form_ends_sessions_with_violation),
		CASE(floods_and_stray_responses_do_not_belong_on_a_stream),
		CASE(a_peer_that_does_not_read_loses_the_link),
		CASE(in_closed_the_link_is_still_there_but_dead),
		CASE(a_link_may_be_held_before_it_is_open_or_when_it_opens),
		CASE(opening_can_fail_at_once),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
