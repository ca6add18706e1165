/* SPDX-License-Identifier: Apache-2.0
 *
 * A new CA under a domain that works (S-35): the controller's core with enrolment and the real signer
 * process, and fifty real agents, all on TLS in a fake network with virtual time. */
#include "agent/agent.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/enrol.h"
#include "controller/notices.h"
#include "controller/store_identity.h"
#include "tests/support/plant.h"
#include "tests/support/seat.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include "trust/channel.h"
#include "trust/guard.h"
#include "trust/permit.h"
#include "trust/token.h"

#include <ev.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AGENTS_MAX 50
#define AGENTS_FEW 12
#define AWAY	   5
#define STEP_MS	   200 /* as often as the disk has to follow */

struct walker {
	struct fake_host *host;
	char dir[300];
	struct agent_config cfg;
	struct identity identity;
	struct agent *agent; /* NULL: it is off */
};

static struct plant plant;
static struct seat seat;
static char *ca_dir, *agents_dir;
static struct signer *signer;
static struct grasp_io *channel;
static struct guard *guard;
static struct permit_env permit;
static struct authority *authority;
static struct notices *notices;
static struct enrol *enrol;
static struct token token;
static struct walker walker[AGENTS_MAX];
static unsigned agents; /* of them */

/* --- the controller ---------------------------------------------------------------------------------- */
static void
wrap(void *arg, struct grasp_io **io, struct grasp_config *cfg)
{
	static struct grasp_guard hook;
	const unsigned members = TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER);
	const struct channel_config how = { .inner = *io,
		.self = seat.self,
		.accept = members,
		.open = members,
		.join = true };
	const struct guard_config sealing = {
		.io = *io, .mode = GUARD_SIGNED, .self = seat.self
	};

	(void)arg;
	assert_int_equal(channel_new(&how, &channel), 0);
	assert_int_equal(guard_new(&sealing, &guard), 0);
	hook = guard_hook(guard);
	cfg->guard = &hook;
	cfg->permit = trust_permits;
	cfg->permit_arg = &permit;
	*io = channel;
}

static void
unwrap(void *arg)
{
	(void)arg;
	channel_free(TAKE(channel));
	guard_free(TAKE(guard));
}

static void
on_registered(void *arg, struct node *n, uint64_t trust_version, uint64_t denials)
{
	(void)arg;
	notices_registered(notices, n, trust_version, denials);
}

static void
on_changed(void *arg)
{
	(void)arg;
	channel_recheck(channel);
	notices_changed(notices);
}

static void
put_token(void)
{
	struct token_row row = { .uses = agents + 5,
		.created_ms = PKI_NOW,
		.expires_ms = PKI_NOW + PKI_DAY,
		.tags = "",
		.creator = "the test" };

	token = (struct token){ .id = { 1, 2, 3, 4, 5 }, .secret = { 9 } };
	memcpy(token.pin, cert_facts(seat.ca[0].cert)->key_fingerprint, sizeof token.pin);
	memcpy(row.id, token.id, sizeof row.id);
	assert_int_equal(
	    crypto_sha256(
		(struct slice){ token.secret, sizeof token.secret }, row.secret),
	    0);
	assert_int_equal(store_token_put(plant.store, &row, NULL, NULL), 0);
	store_flush(plant.store);
}

static void
open_authority(void)
{
	const struct authority_config cfg = { .self = seat.self,
		.time = seat.time,
		.signer = signer,
		.store = plant.store,
		.events = plant.events,
		.audit = plant.audit,
		.changed = on_changed };
	const struct notices_config how = { .prefix = NULL };
	const struct enrol_config joining = {
		.days = 7, .port = 7017, .period_ms = 10000
	};

	assert_int_equal(authority_new(&cfg, &authority), 0);
	assert_int_equal(
	    notices_new(plant.grasp, plant.registry, authority, &how, &notices), 0);
	assert_int_equal(enrol_new(plant.grasp, authority, plant.store, plant.events,
			     plant.audit, &joining, &enrol),
	    0);
}

/* --- agents ------------------------------------------------------------------------------------------- */
static void
write_config(struct walker *w, unsigned i, char path[512])
{
	char text[TOKEN_TEXT_MAX];
	FILE *f;

	snprintf(w->dir, sizeof w->dir, "%s/%u", agents_dir, i);
	assert_int_equal(mkdir(w->dir, 0700), 0);
	snprintf(path, 512, "%s/agent.yaml", w->dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
	    "node: {name: walker-%u, type: robot, state-dir: %s}\n"
	    "roots: {proc: %s, sys: %s, power-supply: %s}\n"
	    "domain: " SEAT_DOMAIN "\n"
	    "join: {token: '%s'}\n",
	    i, w->dir, w->dir, w->dir, w->dir, token_format(&token, text));
	fclose(f);
}

static void
make_walker(struct walker *w, unsigned i)
{
	char path[512], near[32], far[32];
	struct complaints c;

	write_config(w, i, path);
	complaints_init(&c);
	assert_int_equal(agent_config_load(path, &c, &w->cfg), 0);
	complaints_done(&c);
	w->host = fake_host_new(plant.net);
	snprintf(near, sizeof near, "fe80::a:%x", i + 1);
	snprintf(far, sizeof far, "2001:db8::a:%x", i + 1);
	fake_attach(w->host, 1, near, far, NULL);
}

static int
open_io(void *arg, const struct agent_domain *domain, struct grasp_io **ret)
{
	const struct walker *w = arg;

	(void)domain;
	*ret = fake_host_io(w->host);
	return 0;
}

static void
power_on(struct walker *w)
{
	const struct agent_ios ios = { .open = open_io, .arg = w };
	char why[200] = "";

	assert_int_equal(identity_load(w->dir, w->cfg.node.name, &w->identity), 0);
	if (agent_new(&ios, &w->cfg, &w->identity, why, sizeof why, &w->agent))
		fail_msg("%s", why);
	agent_start(w->agent);
}

static void
power_off(struct walker *w)
{
	if (!w->agent)
		return;
	agent_free(TAKE(w->agent));
	identity_done(&w->identity);
}

static unsigned
count_registered(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < agents; i++)
		n += walker[i].agent && member_is_registered(walker[i].agent->member[0]);
	return n;
}

/* --- time ------------------------------------------------------------------------------------------------ */
static void
run(int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS) {
		fake_run(plant.net, STEP_MS);
		store_flush(plant.store);
		seat.now_ms = PKI_NOW + fake_now(plant.net);
		do /* the signer has real time, which a busy machine has little of */
			ev_run(plant.loop,
			    signer_is_busy(signer) ? EVRUN_ONCE : EVRUN_NOWAIT);
		while (signer_is_busy(signer));
	}
}

static bool
run_until_registered(unsigned wanted, int64_t max_ms)
{
	for (; max_ms > 0 && count_registered() < wanted; max_ms -= 100)
		run(100);
	return count_registered() == wanted;
}

static int
open_all(unsigned count)
{
	agents = count;
	seat_init(&seat);
	ca_dir = tempdir_new();
	agents_dir = tempdir_new();
	seat_save_ca(&seat, ca_dir);
	assert_int_equal(signer_start(ca_dir, &signer), 0);
	plant_open(&plant);
	fake_net_wall(plant.net, PKI_NOW);
	fake_net_capture(plant.net, false);
	assert_int_equal(signer_attach(signer, plant.loop), 0);
	plant.wrap = wrap;
	plant.unwrap = unwrap;
	plant.proven = true;
	plant.registered = on_registered;
	plant_restart(&plant);
	put_token();
	open_authority();
	memset(walker, 0, sizeof walker);
	for (unsigned i = 0; i < agents; i++)
		make_walker(&walker[i], i);
	for (unsigned i = 0; i < agents; i++)
		power_on(&walker[i]);
	if (!run_until_registered(agents, 60000))
		fail_msg("only %u of %u have registered", count_registered(), agents);
	return 0;
}

static int
setup_few(void **state)
{
	(void)state;
	return open_all(AGENTS_FEW);
}

static int
setup_fifty(void **state)
{
	(void)state;
	return open_all(AGENTS_MAX);
}

static int
teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < agents; i++) {
		power_off(&walker[i]);
		agent_config_free(&walker[i].cfg);
		fake_host_free(walker[i].host);
	}
	signer_stop(TAKE(signer));
	store_flush(plant.store);
	enrol_free(TAKE(enrol));
	notices_free(TAKE(notices));
	authority_free(TAKE(authority));
	plant_close(&plant);
	seat_done(&seat);
	tempdir_remove(ca_dir);
	tempdir_remove(agents_dir);
	return 0;
}

/* --- what happens ------------------------------------------------------------------------------------------ */
static void
rotate(void)
{
	seat_rotate(&seat);
	seat_save_ca(&seat, ca_dir);
	assert_int_equal(authority_reload(authority), 0);
}

static void
drop_old(void)
{
	const struct slice newest = cert_der(seat.ca[0].cert);

	assert_int_equal(
	    credential_update(seat.self, ++seat.trust_version, &newest, 1, NULL, 0), 0);
	on_changed(NULL);
}

static void
expect_progress(unsigned all, unsigned told, unsigned renewed)
{
	struct notices_progress p;

	notices_progress(notices, &p);
	assert_int_equal(p.all, all);
	assert_int_equal(p.told, told);
	assert_int_equal(p.renewed, renewed);
}

/* Within a minute: what is not answered is sent again, at growing intervals. */
static void
reach_progress(unsigned all, unsigned told, unsigned renewed)
{
	struct notices_progress p;
	unsigned seconds = 0;

	do {
		run(1000);
		notices_progress(notices, &p);
	} while (
	    ++seconds < 60 && (p.all != all || p.told != told || p.renewed != renewed));
	expect_progress(all, told, renewed);
}

static unsigned
count_events(const char *kind)
{
	const char *text = plant_events(&plant);
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, kind)); at++)
		n++;
	return n;
}

static void
fifty_nodes_change_to_a_new_ca_without_losing_a_lease_S_35(void **state)
{
	uint64_t registrations = sessions_counters(plant.sessions)->registrations;

	(void)state;
	assert_int_equal(enrol_counters(enrol)->admitted, agents);
	rotate();
	run(30000);
	expect_progress(agents, agents, agents);
	assert_int_equal(count_registered(), agents);
	assert_int_equal(enrol_counters(enrol)->admitted, agents);
	assert_int_equal(enrol_counters(enrol)->renewed, agents);
	assert_int_equal(sessions_counters(plant.sessions)->registrations, registrations);
	assert_int_equal(count_events("node.suspect"), 0);
	assert_int_equal(count_events("node.lost"), 0);
}

/* What `fogctl ca rotate --now` does when all have renewed. */
static void
when_all_have_renewed_the_old_ca_can_go_without_a_new_onboarding_S_35(void **state)
{
	(void)state;
	rotate();
	run(30000);
	drop_old();
	run(1000);
	if (!run_until_registered(agents, 30000))
		fail_msg("only %u of %u are back", count_registered(), agents);
	run(5000);
	expect_progress(agents, agents, agents);
	assert_int_equal(enrol_counters(enrol)->admitted, agents);
	assert_int_equal(count_events("node.lost"), 0);
}

/* They know the old CA alone, and the controller has a certificate of it for them. */
static void
nodes_that_were_off_during_a_rotation_come_back_by_themselves_S_35(void **state)
{
	(void)state;
	for (unsigned i = 0; i < AWAY; i++)
		power_off(&walker[i]);
	run(2000);
	rotate();
	reach_progress(agents - AWAY, agents - AWAY, agents - AWAY);
	for (unsigned i = 0; i < AWAY; i++)
		power_on(&walker[i]);
	assert_true(run_until_registered(agents, 30000));
	reach_progress(agents, agents, agents);
	assert_int_equal(enrol_counters(enrol)->admitted, agents);
}

/* S-19: within a second, and its token lets it in no more. */
static void
a_node_that_is_revoked_is_out_and_stays_out_S_19(void **state)
{
	const struct fog_id id = walker[7].identity.id;
	const struct node *n = registry_by_id(plant.registry, &id);

	(void)state;
	assert_non_null(n->link);
	assert_int_equal(authority_deny(authority, &id, "stolen", "uid 0"), 0);
	run(1000);
	n = registry_by_id(plant.registry, &id);
	assert_null(n->link);
	assert_int_equal(count_registered(), agents - 1);
	run(60000);
	n = registry_by_id(plant.registry, &id);
	assert_true(!n || (!n->link && n->state == NODE_LOST));
	assert_int_equal(enrol_counters(enrol)->admitted, agents);
	expect_progress(agents - 1, agents - 1, agents - 1);
	for (unsigned i = 0; i < agents; i++) {
		struct credential *c =
		    (struct credential *)member_credential(walker[i].agent->member[0]);

		if (i != 7)
			assert_true(anchors_denies(
			    credential_anchors(c), &id, (struct slice){ 0 }));
	}
}

#define CASE(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(fifty_nodes_change_to_a_new_ca_without_losing_a_lease_S_35,
		    setup_fifty),
		CASE(
		    when_all_have_renewed_the_old_ca_can_go_without_a_new_onboarding_S_35,
		    setup_few),
		CASE(nodes_that_were_off_during_a_rotation_come_back_by_themselves_S_35,
		    setup_few),
		CASE(a_node_that_is_revoked_is_out_and_stays_out_S_19, setup_few),
	};

	log_open("test_rotation", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
