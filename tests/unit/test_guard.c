/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves one guard is heard by another, without an engine between. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cbor.h"
#include "grasp/loop_count.h"
#include "tests/support/guarded.h"
#include "tests/support/lab.h"
#include "tests/support/tempdir.h"
#include "trust/signers.h"

static struct fake_net *net;
static struct guarded_domain domain;
static struct guarded controller, agent, other;

static int
setup(void **state)
{
	(void)state;
	net = fake_net_new(1);
	guarded_init(&domain, net);
	guarded_member(&controller, &domain, TRUST_CONTROLLER, NULL);
	guarded_member(&agent, &domain, TRUST_AGENT, NULL);
	guarded_member(&other, &domain, TRUST_AGENT, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	guarded_leave(&controller);
	guarded_leave(&agent);
	guarded_leave(&other);
	guarded_done(&domain);
	fake_net_free(net);
	return 0;
}

/* --- saying and hearing --------------------------------------------------------------------- */

struct datagram {
	uint8_t bytes[2 * GRASP_MULTICAST_MAX];
	size_t len;
};

static struct slice
slice_of(const struct datagram *d)
{
	return (struct slice){ d->bytes, d->len };
}

static struct grasp_msg
flood_of(const char *name, uint8_t loop_count, struct slice value)
{
	struct grasp_msg m = {
		.type = M_FLOOD, .session_id = 7, .time_ms = 60000, .items = 1
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.flooded[0] = lab_objective(name, F_DISC, value);
	m.flooded[0].loop_count = loop_count;
	return m;
}

static struct grasp_msg
question_of(const char *name, uint8_t loop_count)
{
	struct grasp_msg m = {
		.type = M_DISCOVERY, .session_id = 8, .has_objective = true
	};

	m.initiator = lab_initiator("2001:db8::99");
	m.objective = lab_objective(name, F_DISC, (struct slice){ 0 });
	m.objective.loop_count = loop_count;
	return m;
}

static int
protect(struct guarded *from, struct slice bytes, bool own, const char *group,
    struct datagram *ret)
{
	struct in6_addr to = lab_ip(group);
	struct buf out;
	int r;

	buf_init_fixed(&out, ret->bytes, GRASP_MULTICAST_MAX);
	r = from->hook.protect(from->hook.arg, &to, bytes, own, &out);
	ret->len = out.pos;
	return r;
}

static int
say_in(struct guarded *from, const struct grasp_msg *msg, const char *group,
    struct datagram *ret)
{
	uint8_t memory[GRASP_MULTICAST_MAX];
	struct buf plain;

	buf_init_fixed(&plain, memory, sizeof memory);
	assert_int_equal(grasp_msg_encode(msg, &plain), 0);
	return protect(from, buf_slice(&plain), true, group, ret);
}

static struct datagram
say(struct guarded *from, const struct grasp_msg *msg)
{
	struct datagram d;

	assert_int_equal(say_in(from, msg, "ff02::13", &d), 0);
	return d;
}

static struct grasp_who who; /* of what was heard last */
static struct datagram opened;

static enum grasp_verdict
hear_from(struct guarded *to, struct slice bytes, const char *source, const char *group)
{
	struct grasp_datagram d = {
		.from = { .ip = lab_ip(source), .ifindex = 1, .port = 4000 },
		.to = lab_ip(group),
		.hop_limit = 1,
		.data = bytes,
	};
	struct grasp_msg msg;
	struct slice inside;
	size_t len;

	who = (struct grasp_who){ 0 };
	if (!to->hook.open(to->hook.arg, &d, &inside) ||
	    grasp_msg_decode(inside, &msg, &len) < 0)
		return GRASP_DROP;
	memcpy(opened.bytes, inside.data, inside.len);
	opened.len = inside.len;
	return to->hook.verify(to->hook.arg, &d, &msg, inside, len, &who);
}

static enum grasp_verdict
hear(struct guarded *to, const struct datagram *d)
{
	return hear_from(to, slice_of(d), "fe80::99", "ff02::13");
}

static void
assert_dropped(struct guarded *to, const struct datagram *d, enum guard_drop why)
{
	uint64_t before = guard_counters(to->guard)->dropped[why];

	assert_int_equal(hear(to, d), GRASP_DROP);
	assert_int_equal(guard_counters(to->guard)->dropped[why], before + 1);
}

static void
assert_heard(struct guarded *to, const struct datagram *d, const struct guarded *by)
{
	const struct trust_name *name = credential_name(by->self);

	assert_int_equal(hear(to, d), GRASP_PASS);
	assert_int_equal(who.role, name->role);
	assert_memory_equal(who.id, name->id.bytes, sizeof who.id);
}

static size_t
message_len(struct slice bytes)
{
	ssize_t len = cbor_item_length(bytes, bytes.len);

	assert_true(len > 0);
	return (size_t)len;
}

/* A byte string that is len bytes long. */
static struct slice
big_value(size_t len)
{
	static uint8_t value[2048];

	memset(value, 0, sizeof value);
	value[0] = 0x59;
	value[1] = (uint8_t)((len - 3) >> 8);
	value[2] = (uint8_t)(len - 3);
	return (struct slice){ value, len };
}

/* --- signed --------------------------------------------------------------------------------- */

static void
a_signed_message_says_who_has_signed_it(void **state)
{
	const struct grasp_msg q = question_of("FOGDOMAIN", 6);
	struct datagram d = say(&agent, &q);

	(void)state;
	assert_heard(&controller, &d, &agent);
	assert_int_equal(guard_counters(controller.guard)->verified, 1);
	assert_int_equal(guard_counters(agent.guard)->signed_, 1);
}

static void
plain_parsers_read_the_message_in_front_of_the_signature(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d = say(&controller, &f);
	struct grasp_msg read;
	size_t len;

	(void)state;
	assert_int_equal(grasp_msg_decode(slice_of(&d), &read, &len), 0);
	assert_int_equal(read.session_id, 7);
	assert_true(len < d.len);
	assert_int_equal(d.bytes[len], COSE_SIGN1);
}

static void
what_is_signed_may_lose_loop_count_on_its_way_and_nothing_else(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d = say(&controller, &f), changed = d;
	struct loop_count loop;

	(void)state;
	assert_int_equal(loop_count_find(slice_of(&d), &loop), 0);
	changed.bytes[loop.at] = 5;
	assert_heard(&agent, &changed, &controller);
	for (size_t bit = 0; bit < 8 * d.len; bit++) {
		if (bit / 8 == loop.at)
			continue;
		fake_run(net, 10); /* the budget */
		changed = d;
		changed.bytes[bit / 8] ^= 1 << bit % 8;
		if (hear(&other, &changed) != GRASP_DROP)
			fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
	}
}

static void
nothing_unsigned_enters_a_signed_domain_S_12(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 1, BYTES(0xa0));
	struct datagram d = say(&controller, &f);

	(void)state;
	d.len = message_len(slice_of(&d));
	assert_dropped(&agent, &d, GUARD_UNSIGNED);
}

static void
a_member_of_another_domain_is_nobody_here_S_01(void **state)
{
	struct guarded_domain theirs;
	struct guarded foreign;
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d;

	(void)state;
	guarded_init(&theirs, net);
	guarded_member(&foreign, &theirs, TRUST_CONTROLLER, NULL);
	d = say(&foreign, &f);
	assert_dropped(&agent, &d, GUARD_UNKNOWN_SIGNER);
	guarded_leave(&foreign);
	guarded_done(&theirs);
}

static void
an_agent_does_not_announce_a_controller_S_04(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0)),
			       g = flood_of("EX1", 6, BYTES(0xa0));
	struct datagram d = say(&other, &f), e = say(&other, &g);

	(void)state;
	assert_dropped(&agent, &d, GUARD_WRONG_ROLE);
	assert_heard(&agent, &e, &other);
}

static void
the_prefix_of_names_is_understood_S_04(void **state)
{
	const struct guard_config like = { .prefix = "example.org:" };
	const struct grasp_msg f = flood_of("example.org:FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d;

	(void)state;
	guarded_restart(&agent, &like);
	d = say(&other, &f);
	assert_dropped(&agent, &d, GUARD_WRONG_ROLE);
}

static void
a_certificate_goes_along_where_there_is_room(void **state)
{
	const struct grasp_msg small = question_of("EX1", 6),
			       large = flood_of("EX1", 6, big_value(900));
	struct datagram first = say(&agent, &large), second = say(&agent, &small),
			third = say(&agent, &large);

	(void)state;
	assert_dropped(&controller, &first, GUARD_UNKNOWN_SIGNER);
	assert_heard(&controller, &second, &agent); /* now its certificate is known */
	assert_heard(&controller, &third, &agent);
}

static void
what_announces_the_domain_always_has_its_certificate(void **state)
{
	const struct grasp_msg large = flood_of("FOGDOMAIN", 6, big_value(900));
	struct datagram d;

	(void)state;
	assert_int_equal(say_in(&controller, &large, "ff02::13", &d), -EMSGSIZE);
}

static void
a_message_and_the_overhead_fit_a_datagram_G_013(void **state)
{
	static const size_t own = 50; /* of the message around the value */
	const unsigned room = GRASP_MULTICAST_MAX - agent.hook.overhead;
	const struct grasp_msg m = flood_of("EX1", 6, big_value(room - own));
	struct datagram d = say(&agent, &m);

	(void)state;
	assert_true(message_len(slice_of(&d)) <= room);
	assert_true(message_len(slice_of(&d)) > room - 20);
	assert_true(d.len <= GRASP_MULTICAST_MAX);
}

static void
who_is_denied_is_not_heard_at_once_S_19(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d = say(&other, &q);
	struct denial denied = { .version = 1, .id = credential_name(other.self)->id };

	(void)state;
	assert_heard(&agent, &d, &other);
	assert_int_equal(credential_update(agent.self, 0, NULL, 0, &denied, 1), 0);
	d = say(&other, &q);
	assert_dropped(&agent, &d, GUARD_DENIED);
}

static void
who_has_expired_is_not_heard_S_20(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d;

	(void)state;
	guarded_certify(&agent, TRUST_AGENT, 14);
	d = say(&other, &q);
	assert_heard(&agent, &d, &other);
	fake_run(
	    net, PKI_NOW + 7 * PKI_DAY - PKI_HOUR - 60000 - credential_now(other.self));
	d = say(&other, &q); /* in its last minute */
	fake_run(net, 61000);
	assert_dropped(&agent, &d, GUARD_TOO_OLD);
}

/* --- replay --------------------------------------------------------------------------------- */

static void
a_replayed_message_is_refused_S_07(void **state)
{
	struct datagram d[100];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		const struct grasp_msg q = question_of("EX1", 6);

		d[i] = say(&other, &q);
		assert_heard(&agent, &d[i], &other);
		fake_run(net, 10);
	}
	fake_run(net, GUARD_COPY_MS);
	for (unsigned i = 0; i < 100; i++)
		assert_dropped(&agent, &d[i], GUARD_REPLAYED);
}

static void
a_copy_by_another_relay_is_no_replay_and_costs_no_signature_check(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d = say(&other, &q), copy = d;
	struct loop_count loop;

	(void)state;
	assert_int_equal(loop_count_find(slice_of(&d), &loop), 0);
	copy.bytes[loop.at]--;
	assert_heard(&agent, &d, &other);
	fake_run(net, GUARD_COPY_MS - 1);
	assert_heard(&agent, &copy, &other);
	assert_int_equal(guard_counters(agent.guard)->verified, 1);
	assert_int_equal(guard_counters(agent.guard)->cached, 1);
	fake_run(net, 1);
	assert_dropped(&agent, &copy, GUARD_REPLAYED);
}

static void
an_old_message_is_refused_after_our_restart_if_the_clock_is_right_S_07(void **state)
{
	const struct guard_config lax = { .clock_is_right = guarded_clock_wrong };
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d = say(&other, &q);

	(void)state;
	fake_run(net, 1000 * (GUARD_FRESH_S + 2));
	guarded_restart(&agent, NULL);
	assert_dropped(&agent, &d, GUARD_TOO_OLD);
	guarded_restart(&agent, &lax);
	assert_heard(&agent, &d, &other);
}

static void
messages_may_overtake_each_other_within_the_window_S_07(void **state)
{
	struct datagram d[SIGNERS_WINDOW + 1];

	(void)state;
	for (unsigned i = 0; i <= SIGNERS_WINDOW; i++) {
		const struct grasp_msg q = question_of("EX1", 6);

		d[i] = say(&other, &q);
	}
	assert_heard(&agent, &d[SIGNERS_WINDOW], &other);
	assert_heard(&agent, &d[1], &other);
	assert_dropped(&agent, &d[0], GUARD_REPLAYED);
}

static void
a_signer_is_believed_after_its_restart_even_if_its_clock_runs_back(void **state)
{
	char path[256], *dir = tempdir_new();
	struct guard_config like = { .state = path,
		.clock_is_right = guarded_clock_wrong };
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d;

	(void)state;
	snprintf(path, sizeof path, "%s/guard", dir);
	guarded_restart(&other, &like);
	guarded_restart(&agent, &like);
	for (unsigned i = 0; i < 3; i++) {
		domain.skew_ms = -1000LL * i; /* fog_time itself never runs back */
		guarded_restart(&other, &like);
		d = say(&other, &q);
		assert_heard(&agent, &d, &other);
	}
	tempdir_remove(dir);
}

/* --- limits --------------------------------------------------------------------------------- */

static void
so_many_signatures_are_checked_in_a_second_S_10(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d = say(&other, &q), bad;
	const struct guard_counters *c = guard_counters(agent.guard);

	(void)state;
	assert_heard(&agent, &d, &other);
	for (unsigned i = 0; i < 5000; i++) {
		if (i % 5 == 0)
			fake_run(net, 1);
		d = say(&other, &q);
		bad = d;
		bad.bytes[bad.len - 1] ^= 1;
		assert_int_equal(hear(&agent, &bad), GRASP_DROP);
	}
	assert_in_range(
	    c->dropped[GUARD_BAD_SIGNATURE], 450, GUARD_SIGNATURES_PER_S + 100);
	assert_int_equal(c->dropped[GUARD_BAD_SIGNATURE] + c->dropped[GUARD_BUSY], 5000);
	fake_run(net, 1000);
	assert_heard(&agent, &d, &other);
}

static void
a_wrong_signature_takes_no_number_from_the_right_one_S_07(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d = say(&other, &q), bad = d;

	(void)state;
	bad.bytes[bad.len - 1] ^= 1;
	assert_dropped(&agent, &bad, GUARD_BAD_SIGNATURE);
	assert_heard(&agent, &d, &other);
}

/* --- before membership, and FOGJOIN ----------------------------------------------------------- */

static struct grasp_msg
invitation(uint8_t loop_count, const char *locator)
{
	static const uint8_t empty[] = { 0xa0 };
	struct grasp_msg m =
	    flood_of("FOGJOIN", loop_count, (struct slice){ empty, sizeof empty });

	m.locator[0] = (struct grasp_locator){ .kind = O_IPv6_LOCATOR,
		.proto = GRASP_TCP,
		.port = 7017,
		.ip = lab_ip(locator) };
	return m;
}

/* A stranger is one candidate, whatever he floods. */
static void
who_floods_where_to_join_names_itself_and_nobody_else_S_01(void **state)
{
	struct grasp_msg named[] = { invitation(1, "fe80::98"),
		invitation(1, "2001:db8::99"), invitation(1, "::1"),
		flood_of("FOGJOIN", 1, BYTES(0xa0)), invitation(1, "fe80::99") };
	const struct grasp_msg good = invitation(1, "fe80::99");
	struct datagram d = say(&controller, &good);

	(void)state;
	assert_int_equal(hear(&agent, &d), GRASP_HERE);
	named[4].items = 2; /* one of two is another's */
	named[4].flooded[1] = named[4].flooded[0];
	named[4].locator[1] = named[0].locator[0];
	for (size_t i = 0; i < ARRAY_LEN(named); i++) {
		d = say(&controller, &named[i]);
		assert_dropped(&agent, &d, GUARD_NOT_DULL);
	}
	d = say(&controller, &good);
	assert_int_equal(
	    hear_from(&agent, slice_of(&d), "fe80::98", "ff02::13"), GRASP_DROP);
}

static void
the_one_unsigned_objective_keeps_to_the_link_S_12(void **state)
{
	const struct grasp_msg good = invitation(1, "fe80::99"),
			       looped = invitation(2, "fe80::99"),
			       named = flood_of("FOGJOINT", 1, BYTES(0xa0));
	struct grasp_msg mixed = good;
	struct datagram d = say(&controller, &good), e;
	struct {
		struct datagram d;
		const char *source, *group;
		enum guard_drop why;
	} cases[] = {
		{ d, "2001:db8::99", "ff02::13", GUARD_NOT_DULL },
		{ d, "fe80::99", "ff14::abcd", GUARD_NOT_DULL },
		{ d, "fe80::99", "ff02::13", GUARD_NOT_DULL },
		{ d, "fe80::99", "ff02::13", GUARD_UNSIGNED },
		{ d, "fe80::99", "ff02::13", GUARD_UNSIGNED },
	};
	struct buf out;

	(void)state;
	mixed.items = 2;
	mixed.flooded[1] = lab_objective("EX1", F_DISC, BYTES(0xa0));
	mixed.flooded[1].loop_count = 1;
	const struct grasp_msg *messages[] = { NULL, NULL, &looped, &named, &mixed };
	for (unsigned i = 2; i < 5; i++) {
		buf_init_fixed(&out, cases[i].d.bytes, sizeof cases[i].d.bytes);
		assert_int_equal(grasp_msg_encode(messages[i], &out), 0);
		cases[i].d.len = out.pos;
	}
	assert_int_equal(hear(&agent, &d), GRASP_HERE);
	assert_int_equal(who.role, TRUST_UNKNOWN);
	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t before = guard_counters(agent.guard)->dropped[cases[i].why];

		assert_int_equal(hear_from(&agent, slice_of(&cases[i].d), cases[i].source,
				     cases[i].group),
		    GRASP_DROP);
		assert_int_equal(
		    guard_counters(agent.guard)->dropped[cases[i].why], before + 1);
	}
	assert_int_equal(say_in(&controller, &looped, "ff02::13", &e), -EPERM);
	assert_int_equal(say_in(&controller, &good, "ff14::abcd", &e), -EPERM);
}

static void
before_membership_nothing_else_is_said_or_heard_S_12(void **state)
{
	const struct grasp_msg join = question_of("FOGJOIN", 1),
			       q = question_of("FOGDOMAIN", 1);
	struct guarded newcomer;
	struct datagram d;

	(void)state;
	guarded_member(&newcomer, &domain, TRUST_STRANGER, NULL);
	assert_int_equal(say_in(&newcomer, &q, "ff02::13", &d), -EPERM);
	d = say(&newcomer, &join);
	assert_int_equal(hear(&controller, &d), GRASP_HERE);
	d = say(&controller, &q);
	assert_dropped(&newcomer, &d, GUARD_NOT_DULL);
	d = say(&controller, &join);
	assert_int_equal(hear(&newcomer, &d), GRASP_HERE);
	assert_int_equal(protect(&newcomer, slice_of(&d), false, "ff02::13", &d), -EPERM);
	guarded_leave(&newcomer);
}

/* --- sealed --------------------------------------------------------------------------------- */

static const uint8_t secret[3][GUARD_SECRET_LEN] = { { 1 }, { 2 }, { 3 } };
static const struct guard_config sealed = { .mode = GUARD_SEALED };

/* Which end a day after it was first used. */
static void
give_secret(struct guarded *m, unsigned epoch)
{
	int64_t begin = PKI_NOW + epoch * PKI_DAY;

	assert_int_equal(guard_secret(m->guard, epoch, secret[epoch],
			     begin + PKI_DAY + GUARD_OVERLAP_MS),
	    0);
}

static void
seal_all(void)
{
	struct guarded *all[] = { &controller, &agent, &other };

	for (unsigned i = 0; i < 3; i++) {
		guarded_restart(all[i], &sealed);
		give_secret(all[i], 0);
	}
}

static void
what_is_sealed_is_opened_by_whoever_has_the_secret(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d;

	(void)state;
	seal_all();
	d = say(&agent, &q);
	assert_int_equal(d.bytes[0], COSE_ENCRYPT0);
	assert_int_equal(hear(&other, &d), GRASP_PASS);
	assert_int_equal(who.role, TRUST_AGENT);
	assert_memory_equal(who.id, credential_name(agent.self)->id.bytes, COSE_KID_LEN);
	guarded_restart(&other, &sealed);
	assert_dropped(&other, &d, GUARD_UNKNOWN_SECRET);
	guarded_restart(&other, NULL);
	assert_dropped(&other, &d, GUARD_WRONG_MODE);
}

static void
a_sealed_message_with_any_bit_flipped_is_refused(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d;

	(void)state;
	seal_all();
	d = say(&agent, &q);
	for (size_t bit = 0; bit < 8 * d.len; bit++) {
		struct datagram changed = d;

		changed.bytes[bit / 8] ^= 1 << bit % 8;
		if (hear(&other, &changed) != GRASP_DROP)
			fail_msg("bit %zu of byte %zu", bit % 8, bit / 8);
	}
	for (size_t len = d.len - 16; len < d.len; len++) {
		struct datagram cut = { .len = len };

		memcpy(cut.bytes, d.bytes, len);
		assert_dropped(&other, &cut, GUARD_MALFORMED);
	}
	assert_int_equal(hear(&other, &d), GRASP_PASS);
}

static void
a_sealed_message_is_of_one_group_S_11(void **state)
{
	const struct grasp_msg q = question_of("EX1", 1);
	struct datagram d;

	(void)state;
	seal_all();
	assert_int_equal(say_in(&agent, &q, "ff14::abcd", &d), 0);
	assert_int_equal(
	    hear_from(&other, slice_of(&d), "2001:db8::2", "ff14::abce"), GRASP_DROP);
	assert_int_equal(
	    hear_from(&other, slice_of(&d), "2001:db8::2", "ff14::abcd"), GRASP_PASS);
}

static void
a_sealed_message_is_heard_once_S_07(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d, before;

	(void)state;
	seal_all();
	before = say(&agent, &q);
	d = say(&agent, &q);
	assert_int_equal(hear(&other, &d), GRASP_PASS);
	assert_dropped(&other, &d, GUARD_REPLAYED);
	assert_int_equal(hear(&other, &before), GRASP_PASS);
	assert_dropped(&other, &before, GUARD_REPLAYED);
}

static void
an_older_start_of_a_sender_does_not_come_back_S_07(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram old, d;

	(void)state;
	seal_all();
	old = say(&agent, &q); /* and it is not heard */
	fake_run(net, 2000);
	guarded_restart(&agent, &sealed);
	give_secret(&agent, 0);
	d = say(&agent, &q);
	assert_int_equal(hear(&other, &d), GRASP_PASS);
	assert_dropped(&other, &old, GUARD_TOO_OLD);
	fake_run(net, 1000 * (GUARD_FRESH_S + 2));
	guarded_restart(&other, &sealed);
	give_secret(&other, 0);
	assert_dropped(&other, &d, GUARD_TOO_OLD);
}

static void
run_to(int64_t now_ms)
{
	fake_run(net, now_ms - credential_now(agent.self));
}

static void
two_secrets_are_understood_and_the_newer_is_used_when_everybody_has_it(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d[3];

	(void)state;
	seal_all();
	guarded_certify(&agent, TRUST_AGENT, 14);
	guarded_certify(&other, TRUST_AGENT, 14);
	give_secret(&agent, 1);
	d[0] = say(&agent, &q);
	assert_int_equal(hear(&other, &d[0]), GRASP_PASS); /* which has not got it yet */
	run_to(PKI_NOW + PKI_DAY);
	d[1] = say(&agent, &q);
	assert_dropped(&other, &d[1], GUARD_UNKNOWN_SECRET);
	give_secret(&other, 1);
	assert_int_equal(hear(&other, &d[1]), GRASP_PASS);
	give_secret(&agent, 2);
	give_secret(&other, 2);
	assert_int_equal(guard_secret(other.guard, 0, secret[0], INT64_MAX), -ESTALE);
	run_to(PKI_NOW + 2 * PKI_DAY);
	d[2] = say(&agent, &q);
	assert_int_equal(hear(&other, &d[2]), GRASP_PASS);
	run_to(PKI_NOW + 3 * PKI_DAY + GUARD_OVERLAP_MS + 1);
	d[0] = say(&agent, &q); /* all are over */
	assert_int_equal(d[0].bytes[message_len(slice_of(&d[0]))], COSE_SIGN1);
}

static void
what_a_controller_says_is_signed_inside_the_seal_S_04(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d;

	(void)state;
	seal_all();
	d = say(&controller, &f);
	assert_int_equal(d.bytes[0], COSE_ENCRYPT0);
	assert_heard(&agent, &d, &controller);
	d = say(&other, &f); /* an agent that has the secret, too */
	assert_dropped(&agent, &d, GUARD_UNSIGNED);
}

static void
a_relay_seals_anew_and_keeps_the_signature_inside(void **state)
{
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d, passed;
	struct grasp_msg read;
	size_t len;

	(void)state;
	seal_all();
	d = say(&controller, &f);
	assert_heard(&agent, &d, &controller);
	passed = opened;
	assert_int_equal(protect(&agent, slice_of(&opened), false, "ff02::13", &d), 0);
	assert_heard(&other, &d, &controller);
	assert_int_equal(opened.len, passed.len);
	assert_memory_equal(opened.bytes, passed.bytes, passed.len);
	assert_int_equal(grasp_msg_decode(slice_of(&opened), &read, &len), 0);
	assert_true(len < opened.len);
}

static void
a_sealed_domain_hears_newcomers_without_the_secret(void **state)
{
	const struct grasp_msg q = question_of("FOGDOMAIN", 6);
	struct datagram d;

	(void)state;
	seal_all();
	guarded_restart(&agent, &sealed);
	d = say(&agent, &q);
	assert_int_equal(d.bytes[message_len(slice_of(&d))], COSE_SIGN1);
	assert_heard(&controller, &d, &agent);
}

static void
nobody_signs_what_others_have_said(void **state)
{
	const struct grasp_msg q = question_of("EX1", 6);
	struct datagram d;

	(void)state;
	seal_all();
	d = say(&other, &q);
	assert_int_equal(hear(&agent, &d), GRASP_PASS);
	guarded_restart(&agent, NULL); /* no secret any more */
	assert_int_equal(
	    protect(&agent, slice_of(&opened), false, "ff02::13", &d), -EPERM);
}

/* --- the lab's modes -------------------------------------------------------------------------- */

static void
what_is_open_goes_as_it_is(void **state)
{
	const struct guard_config open = { .mode = GUARD_OPEN };
	const struct grasp_msg f = flood_of("FOGDOMAIN", 6, BYTES(0xa0));
	struct datagram d;

	(void)state;
	guarded_restart(&agent, &open);
	guarded_restart(&other, &open);
	d = say(&agent, &f);
	assert_int_equal(message_len(slice_of(&d)), d.len);
	assert_int_equal(hear(&other, &d), GRASP_PASS);
	assert_int_equal(who.role, TRUST_UNKNOWN);
}

static void
quads_needs_a_long_password_and_the_same_one(void **state)
{
	const struct guard_config quads = { .mode = GUARD_QUADS,
		.quads_password = "Kowhai-2026-lab" };
	struct guard_config bad = quads;
	const struct grasp_msg f = flood_of("EX1", 6, BYTES(0xa0));
	struct datagram d;
	struct guard *g;

	(void)state;
	guarded_restart(&agent, &quads);
	guarded_restart(&other, &quads);
	d = say(&agent, &f);
	assert_int_equal(d.len % 16, 0);
	assert_int_equal(hear(&other, &d), GRASP_PASS);
	bad.quads_password = "another long password";
	guarded_restart(&other, &bad);
	assert_int_equal(hear(&other, &d), GRASP_DROP);
	bad.quads_password = "Kowhai-2026";
	bad.io = fake_host_io(domain.host);
	assert_int_equal(guard_new(&bad, &g), -EINVAL);
	bad.quads_password = NULL;
	assert_int_equal(guard_new(&bad, &g), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_signed_message_says_who_has_signed_it),
		TEST(plain_parsers_read_the_message_in_front_of_the_signature),
		TEST(what_is_signed_may_lose_loop_count_on_its_way_and_nothing_else),
		TEST(nothing_unsigned_enters_a_signed_domain_S_12),
		TEST(a_member_of_another_domain_is_nobody_here_S_01),
		TEST(an_agent_does_not_announce_a_controller_S_04),
		TEST(the_prefix_of_names_is_understood_S_04),
		TEST(a_certificate_goes_along_where_there_is_room),
		TEST(what_announces_the_domain_always_has_its_certificate),
		TEST(a_message_and_the_overhead_fit_a_datagram_G_013),
		TEST(who_is_denied_is_not_heard_at_once_S_19),
		TEST(who_has_expired_is_not_heard_S_20),
		TEST(a_replayed_message_is_refused_S_07),
		TEST(a_copy_by_another_relay_is_no_replay_and_costs_no_signature_check),
		TEST(
		    an_old_message_is_refused_after_our_restart_if_the_clock_is_right_S_07),
		TEST(messages_may_overtake_each_other_within_the_window_S_07),
		TEST(a_signer_is_believed_after_its_restart_even_if_its_clock_runs_back),
		TEST(so_many_signatures_are_checked_in_a_second_S_10),
		TEST(a_wrong_signature_takes_no_number_from_the_right_one_S_07),
		TEST(who_floods_where_to_join_names_itself_and_nobody_else_S_01),
		TEST(the_one_unsigned_objective_keeps_to_the_link_S_12),
		TEST(before_membership_nothing_else_is_said_or_heard_S_12),
		TEST(what_is_sealed_is_opened_by_whoever_has_the_secret),
		TEST(a_sealed_message_with_any_bit_flipped_is_refused),
		TEST(a_sealed_message_is_of_one_group_S_11),
		TEST(a_sealed_message_is_heard_once_S_07),
		TEST(an_older_start_of_a_sender_does_not_come_back_S_07),
		TEST(
		    two_secrets_are_understood_and_the_newer_is_used_when_everybody_has_it),
		TEST(what_a_controller_says_is_signed_inside_the_seal_S_04),
		TEST(a_relay_seals_anew_and_keeps_the_signature_inside),
		TEST(a_sealed_domain_hears_newcomers_without_the_secret),
		TEST(nobody_signs_what_others_have_said),
		TEST(what_is_open_goes_as_it_is),
		TEST(quads_needs_a_long_password_and_the_same_one),
	};
	struct CMUnitTest fresh[ARRAY_LEN(tests)];

	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		fresh[i] = tests[i];
		fresh[i].setup_func = setup;
		fresh[i].teardown_func = teardown;
	}
	return RUN_TESTS(fresh, NULL, NULL);
}
