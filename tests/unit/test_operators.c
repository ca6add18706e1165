/* SPDX-License-Identifier: Apache-2.0
 *
 * An operator with a certificate of the domain, over a real channel of the fake world, at the server of a
 * real control socket. */
#include "controller/operators.h"

#include <ev.h>

#include "base/ctl.h"
#include "base/ctl_wire.h"
#include "base/log.h"
#include "tests/support/channel.h"
#include "tests/support/tempdir.h"

static struct party *const controller = &f.party[CONTROLLER];
static struct ev_loop *loop;
static struct ctl_server *server;
static struct operators *operators;
static struct ctl_request *kept;
static unsigned cancelled, orders;
static char *dir, path[200];

/* --- the daemon --------------------------------------------------------------------------------- */
static int
run_order(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	orders++;
	ctl_end(req);
	return 0;
}

static void
note_cancel(void *arg)
{
	(void)arg;
	cancelled++;
	kept = NULL;
}

static int
run_keep(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	kept = req;
	ctl_on_cancel(req, note_cancel, NULL);
	return 0;
}

static const struct ctl_command table[] = {
	{ "whoami", CTL_VIEWER, ctl_whoami, "who asks" },
	{ "order", CTL_DEPLOYER, run_order, "does something" },
	{ "revoke", CTL_ADMIN, run_order, "does more" },
	{ "keep", CTL_VIEWER, run_keep, "never ends" },
};

static void
take_operator(void *arg, struct grasp_stream *s, const struct trust_name *who)
{
	(void)arg;
	operators_take(operators, s, who);
}

static int
set_up(void **state)
{
	(void)state;
	setup_world();
	member_init(&controller->member, &f.domain, TRUST_CONTROLLER);
	controller->cfg.accept = controller->cfg.open = TRUST_BIT(TRUST_AGENT);
	controller->cfg.operate = take_operator;
	party_open_channel(controller, fake_host_io(controller->host));
	loop = ev_loop_new(EVFLAG_AUTO);
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/control", dir);
	kept = NULL;
	cancelled = orders = 0;
	assert_int_equal(ctl_open(loop, path, table, ARRAY_LEN(table), NULL, &server), 0);
	return operators_new(controller->io, server, &operators);
}

static int
tear_down(void **state)
{
	operators_free(operators);
	ctl_close(server);
	ev_loop_destroy(loop);
	tempdir_remove(dir);
	return teardown(state);
}

/* The world and the loop. */
static void
turn(int64_t ms)
{
	for (int i = 0; i < 4; i++) {
		run(ms / 4);
		ev_run(loop, EVRUN_NOWAIT);
	}
}

/* --- the operator -------------------------------------------------------------------------------- */
struct human {
	struct key *key;
	struct cert *leaf;
	struct outsider x;
};

static void
human_come(struct human *h, enum trust_role role, int64_t until_ms)
{
	*h = (struct human){ 0 };
	assert_int_equal(key_new(KEY_P256, &h->key), 0);
	h->leaf = domain_issue(&f.domain, role, h->key, until_ms);
	h->x.self = (struct tls_self){ h->key, &h->leaf, 1 };
	outsider_connect(&h->x, f.party[OUTSIDE].host, CONTROLLER, CHANNEL_ALPN_CTL);
	turn(100);
}

static void
human_go(struct human *h)
{
	outsider_done(&h->x);
	cert_unref(h->leaf);
	key_free(h->key);
	turn(100);
}

/* What is answered, in diagnostic notation. */
static const char *
ask(struct human *h, const char *command)
{
	static char text[600];
	struct buf b, out;
	size_t at = 0;

	h->x.len = 0;
	buf_init(&b, CTL_REQUEST_MAX);
	ctl_request_put(&b, command, (struct slice){ 0 });
	outsider_say(&h->x, buf_slice(&b));
	buf_done(&b);
	turn(100);
	buf_init_fixed(&out, text, sizeof text - 1);
	while (at < h->x.len) {
		struct slice rest = { (const uint8_t *)h->x.in + at, h->x.len - at };
		ssize_t n = cbor_item_length(rest, rest.len);

		assert_true(n > 0);
		cbor_diag(&out, (struct slice){ rest.data, (size_t)n });
		at += (size_t)n;
	}
	text[out.pos] = '\0';
	return text;
}

/* -------------------------------------------------------------------------------------------------- */
static void
an_operator_is_who_its_certificate_says_S_28(void **state)
{
	static const enum trust_role roles[] = { TRUST_VIEWER, TRUST_DEPLOYER,
		TRUST_ADMIN };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		char id[FOG_ID_TEXT], expected[200];
		struct fog_id key_id;
		struct human h;

		human_come(&h, roles[i], PKI_NOW + PKI_DAY);
		key_id = pki_id(h.key);
		snprintf(expected, sizeof expected,
		    "[0, {\"who\": \"%s\", \"role\": \"%s\"}][1]",
		    fog_id_format(&key_id, id), trust_role_name(roles[i]));
		assert_string_equal(ask(&h, "whoami"), expected);
		human_go(&h);
	}
	assert_int_equal(counters(controller)->streams, 0);
}

static void
a_role_that_is_too_low_is_refused_over_the_network_too_S_28(void **state)
{
	struct human h;

	(void)state;
	human_come(&h, TRUST_VIEWER, PKI_NOW + PKI_DAY);
	assert_non_null(strstr(ask(&h, "order"), "needs the role deployer"));
	assert_non_null(strstr(ask(&h, "revoke"), "needs the role admin"));
	assert_int_equal(orders, 0);
	human_go(&h);
	human_come(&h, TRUST_DEPLOYER, PKI_NOW + PKI_DAY);
	assert_string_equal(ask(&h, "order"), "[1]");
	assert_non_null(strstr(ask(&h, "revoke"), "needs the role admin"));
	assert_int_equal(orders, 1);
	human_go(&h);
	human_come(&h, TRUST_ADMIN, PKI_NOW + PKI_DAY);
	assert_string_equal(ask(&h, "revoke"), "[1]");
	assert_int_equal(orders, 2);
	human_go(&h);
}

static void
a_node_or_a_controller_is_no_operator_S_28(void **state)
{
	static const enum trust_role roles[] = { TRUST_AGENT, TRUST_CONTROLLER,
		TRUST_ORCHESTRATOR };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		struct human h;

		human_come(&h, roles[i], PKI_NOW + PKI_DAY);
		assert_int_equal(counters(controller)->refused[CHANNEL_UNTRUSTED], i + 1);
		turn(1200);
		assert_true(h.x.closed);
		human_go(&h);
	}
	assert_int_equal(counters(controller)->accepted, 0);
}

static void
an_operator_who_is_revoked_is_gone_at_once_S_19(void **state)
{
	struct human h;
	struct fog_id id;

	(void)state;
	human_come(&h, TRUST_ADMIN, PKI_NOW + PKI_DAY);
	ask(&h, "keep");
	assert_non_null(kept);
	id = pki_id(h.key);
	member_deny(&controller->member, &id);
	channel_recheck(controller->io);
	turn(100);
	assert_true(h.x.closed);
	assert_int_equal(cancelled, 1);
	human_go(&h);
}

static void
an_operator_whose_certificate_ends_is_gone_within_a_minute_S_20(void **state)
{
	struct human h;

	(void)state;
	human_come(&h, TRUST_VIEWER, PKI_NOW + PKI_HOUR);
	ask(&h, "keep");
	turn(61000);
	assert_false(h.x.closed);
	f.domain.now_ms = PKI_NOW + PKI_HOUR + 2000;
	turn(61000);
	assert_true(h.x.closed);
	assert_int_equal(cancelled, 1);
	human_go(&h);
}

static void
an_operator_who_leaves_takes_its_request_along(void **state)
{
	struct human h;

	(void)state;
	human_come(&h, TRUST_VIEWER, PKI_NOW + PKI_DAY);
	ask(&h, "keep");
	human_go(&h);
	assert_int_equal(cancelled, 1);
	assert_int_equal(counters(controller)->streams, 0);
}

static void
bytes_that_are_no_request_end_the_connection_S_13(void **state)
{
	struct human h;

	(void)state;
	human_come(&h, TRUST_ADMIN, PKI_NOW + PKI_DAY);
	outsider_say(&h.x, TEXT("\xff\xff"));
	turn(200);
	assert_true(h.x.closed);
	assert_int_equal(orders, 0);
	human_go(&h);
}

static void
there_are_not_more_than_sixteen_operators(void **state)
{
	static struct human h[OPERATORS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		human_come(&h[i], TRUST_VIEWER, PKI_NOW + PKI_DAY);
	turn(200);
	for (size_t i = 0; i < OPERATORS_MAX; i++)
		assert_false(h[i].x.closed);
	assert_true(h[OPERATORS_MAX].x.closed);
	for (size_t i = 0; i < ARRAY_LEN(h); i++)
		human_go(&h[i]);
}

static void
operators_end_with_the_daemon(void **state)
{
	struct human h;

	(void)state;
	human_come(&h, TRUST_VIEWER, PKI_NOW + PKI_DAY);
	ask(&h, "keep");
	operators_free(TAKE(operators));
	turn(100);
	assert_true(h.x.closed);
	assert_int_equal(cancelled, 1);
	human_go(&h);
}

int
main(void)
{
#define OPERATOR_TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		OPERATOR_TEST(an_operator_is_who_its_certificate_says_S_28),
		OPERATOR_TEST(
		    a_role_that_is_too_low_is_refused_over_the_network_too_S_28),
		OPERATOR_TEST(a_node_or_a_controller_is_no_operator_S_28),
		OPERATOR_TEST(an_operator_who_is_revoked_is_gone_at_once_S_19),
		OPERATOR_TEST(
		    an_operator_whose_certificate_ends_is_gone_within_a_minute_S_20),
		OPERATOR_TEST(an_operator_who_leaves_takes_its_request_along),
		OPERATOR_TEST(bytes_that_are_no_request_end_the_connection_S_13),
		OPERATOR_TEST(there_are_not_more_than_sixteen_operators),
		OPERATOR_TEST(operators_end_with_the_daemon),
	};

	log_open("test_operators", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
