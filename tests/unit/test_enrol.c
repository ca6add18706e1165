/* SPDX-License-Identifier: Apache-2.0
 *
 * Enrolment against doubles of nodes on the fake network, with the real store, the real signer and the
 * real control socket. */
#include "controller/enrol.h"

#include "base/crypto.h"
#include "base/ctl.h"
#include "base/log.h"
#include "controller/audit.h"
#include "controller/enrol_int.h"
#include "controller/event.h"
#include "protocol/domain.h"
#include "tests/support/ask.h"
#include "tests/support/io_fake.h"
#include "tests/support/seat.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include "trust/token.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEADLINE_S 30.0 /* only a failure takes so long */
#define PLEDGES	   100
#define DAYS	   7
#define DAY_MS	   (24 * 3600 * 1000LL)

static struct world {
	struct seat seat;
	struct fake_net *net;
	struct ev_loop *loop;
	char ca_dir[256], store_dir[256], socket[256];
	struct signer *signer;
	struct fake_host *host;
	struct grasp_node *grasp;
	struct store *store;
	struct events *events;
	struct audit *audit;
	struct authority *authority;
	struct enrol *enrol;
	struct ctl_server *ctl;
} w;

static struct pledge {
	struct fake_host *host;
	struct grasp_node *node;
	struct grasp_link *link; /* NULL: closed */
	struct grasp_session *session;
	struct key *key;
	struct grasp_who who;
	struct fog_join join;
	uint8_t request_memory[1024], command;
	struct buf request;
	unsigned grants, waits, ended;
	char reason[160]; /* "accepted", or why not */
	struct cert *cert;
	struct fog_grant grant;
	uint8_t der[CERT_DER_MAX];
	size_t len;
} pledges[PLEDGES];

/* --- the controller ---------------------------------------------------------------------------------- */
static void
on_failed(void *arg)
{
	(void)arg;
	fail_msg("the store has failed");
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return w.seat.now_ms;
}

static int
run_token_create(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg;
	enrol_token_create(w.enrol, req, args);
	return 0;
}

static int
run_token_list(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	enrol_token_list(w.enrol, req);
	return 0;
}

static int
run_token_revoke(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg;
	enrol_token_revoke(w.enrol, req, args);
	return 0;
}

static int
run_pending(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	enrol_pending(w.enrol, req);
	return 0;
}

static int
run_approve(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg;
	enrol_approve(w.enrol, req, args);
	return 0;
}

static const struct ctl_command table[] = {
	{ "token create", CTL_ADMIN, run_token_create, "" },
	{ "token list", CTL_ADMIN, run_token_list, "" },
	{ "token revoke", CTL_ADMIN, run_token_revoke, "" },
	{ "node pending", CTL_VIEWER, run_pending, "" },
	{ "node approve", CTL_ADMIN, run_approve, "" },
};

static void
write_ca(void)
{
	char path[PATH_MAX];

	snprintf(w.ca_dir, sizeof w.ca_dir, "%s/ca", w.seat.dir);
	assert_int_equal(mkdir(w.ca_dir, 0700), 0);
	snprintf(path, sizeof path, "%s/ca.key", w.ca_dir);
	assert_int_equal(key_save(w.seat.ca[0].key, path), 0);
	snprintf(path, sizeof path, "%s/ca.pem", w.ca_dir);
	assert_int_equal(cert_save(&w.seat.ca[0].cert, 1, path), 0);
}

/* Its process has gone, and nobody has made another one. */
static void
kill_signer(void)
{
	char path[64];
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &pid), 1);
	fclose(f);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

static void
open_controller(void)
{
	const struct grasp_config grasp = { .link_local = true };
	const struct enrol_config cfg = {
		.days = DAYS, .port = GRASP_LISTEN_PORT, .period_ms = 10000
	};

	assert_int_equal(store_open(w.loop, w.store_dir, on_failed, NULL, &w.store), 0);
	assert_int_equal(events_new(w.store, wall, NULL, &w.events), 0);
	assert_int_equal(audit_new(w.store, wall, NULL, &w.audit), 0);
	assert_int_equal(grasp_node_new(fake_host_io(w.host), &grasp, &w.grasp), 0);
	const struct authority_config authority = { .self = w.seat.self,
		.time = w.seat.time,
		.signer = w.signer,
		.store = w.store,
		.events = w.events };
	assert_int_equal(authority_new(&authority, &w.authority), 0);
	assert_int_equal(
	    enrol_new(w.grasp, w.authority, w.store, w.events, w.audit, &cfg, &w.enrol),
	    0);
	assert_int_equal(
	    ctl_open(w.loop, w.socket, table, ARRAY_LEN(table), NULL, &w.ctl), 0);
}

static void
close_controller(void)
{
	ctl_close(w.ctl);
	store_flush(w.store);
	enrol_free(w.enrol);
	grasp_node_free(w.grasp);
	authority_free(w.authority);
	events_free(w.events);
	audit_free(w.audit);
	store_close(w.store);
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof w);
	memset(pledges, 0, sizeof pledges);
	seat_init(&w.seat);
	write_ca();
	w.loop = ev_loop_new(0);
	assert_int_equal(signer_start(w.ca_dir, &w.signer), 0);
	assert_int_equal(signer_attach(w.signer, w.loop), 0);
	snprintf(w.store_dir, sizeof w.store_dir, "%s/store", w.seat.dir);
	snprintf(w.socket, sizeof w.socket, "%s/control", w.seat.dir);
	assert_int_equal(mkdir(w.store_dir, 0700), 0);
	w.net = fake_net_new(7);
	w.host = fake_host_new(w.net);
	fake_attach(w.host, 1, "fe80::c", "2001:db8::c", NULL);
	open_controller();
	return 0;
}

static void
free_pledge(struct pledge *p)
{
	grasp_node_free(p->node);
	if (p->host)
		fake_host_free(p->host);
	key_free(p->key);
	cert_unref(p->cert);
}

static int
teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLEDGES; i++)
		free_pledge(&pledges[i]);
	signer_stop(w.signer);
	close_controller();
	fake_net_free(w.net);
	ev_loop_destroy(w.loop);
	seat_done(&w.seat);
	return 0;
}

/* --- time --------------------------------------------------------------------------------------------- */
static void
on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop, (void)timer, (void)events;
	fail_msg("signer or store have not answered");
}

static bool
is_busy(void)
{
	const struct joining *j;

	LIST_FOREACH(j, &w.enrol->joinings, entry)
		if (j->busy)
			return true;
	return false;
}

/* Until nobody waits for the signer or the disk, and what they have caused is said. */
static void
settle(void)
{
	ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0);
	ev_timer_start(w.loop, &deadline);
	do {
		fake_run(w.net, 50);
		while (is_busy())
			ev_run(w.loop, EVRUN_ONCE);
		fake_run(w.net, 50);
	} while (is_busy());
	ev_timer_stop(w.loop, &deadline);
	w.seat.now_ms += 100;
}

static void
pass(int64_t ms)
{
	w.seat.now_ms += ms;
	fake_run(w.net, ms);
	settle();
}

/* --- doubles of nodes --------------------------------------------------------------------------------- */
static void
make_request(struct pledge *p, const struct key *key)
{
	buf_init_fixed(&p->request, p->request_memory, sizeof p->request_memory);
	assert_int_equal(cert_request(key, "a node", &p->request), 0);
	p->join.request = buf_slice(&p->request);
}

/* net: which /64. */
static struct pledge *
pledge(unsigned i, unsigned net)
{
	const struct grasp_config grasp = { .link_local = true };
	struct pledge *p = &pledges[i];
	uint8_t fingerprint[32];
	char near[64], wide[64];

	snprintf(near, sizeof near, "fe80::%x", i + 0x100);
	snprintf(wide, sizeof wide, "2001:db8:%x::%x", net, i + 0x100);
	p->host = fake_host_new(w.net);
	fake_attach(p->host, 1, near, wide, NULL);
	assert_int_equal(grasp_node_new(fake_host_io(p->host), &grasp, &p->node), 0);
	assert_int_equal(key_new(KEY_P256, &p->key), 0);
	key_fingerprint(p->key, fingerprint);
	memcpy(p->who.id, fingerprint, sizeof p->who.id);
	p->who.role = TRUST_STRANGER;
	snprintf(p->join.name, sizeof p->join.name, "node-%u", i);
	strcpy(p->join.version, "1.2.3");
	make_request(p, p->key);
	return p;
}

static struct fog_id
id_of(const struct pledge *p)
{
	struct fog_id id;

	memcpy(id.bytes, p->who.id, sizeof id.bytes);
	return id;
}

static void
compare_stored(void *arg, const struct member_row *m)
{
	struct pledge *p = arg;

	assert_true(slice_equal(m->certificate, (struct slice){ p->der, p->len }));
	p->grants++;
}

/* What is given away is on the disk by then: the reader sees what was committed. */
static void
on_granted(void *arg, struct grasp_session *s, const struct grasp_objective *o)
{
	struct pledge *p = arg;
	struct fog_id id = id_of(p);
	unsigned before = p->grants;

	assert_int_equal(fog_grant_decode(grasp_value_unwrap(o->value), &p->grant), 0);
	assert_true(p->grant.certificate.len <= sizeof p->der);
	memcpy(p->der, p->grant.certificate.data, p->len = p->grant.certificate.len);
	cert_unref(p->cert);
	assert_int_equal(cert_parse((struct slice){ p->der, p->len }, &p->cert), 0);
	assert_int_equal(store_member(w.store, &id, compare_stored, p), 0);
	assert_int_equal(p->grants, before + 1);
	assert_int_equal(p->grant.command[0], p->command);
	assert_int_equal(
	    cert_verify(p->cert, &w.seat.ca[0].cert, 1, w.seat.now_ms, NULL), 0);
	snprintf(p->reason, sizeof p->reason, "accepted");
	p->session = NULL;
	p->ended++;
	grasp_session_end(s, true, NULL);
}

static void
on_wait(void *arg, struct grasp_session *s, uint32_t ms)
{
	struct pledge *p = arg;

	(void)s, (void)ms;
	p->waits++;
}

static void
on_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct pledge *p = arg;

	(void)s;
	p->session = NULL;
	p->ended++;
	if (outcome == GRASP_DECLINED)
		snprintf(p->reason, sizeof p->reason, "%.*s", (int)reason.len,
		    (const char *)reason.data);
	else
		snprintf(p->reason, sizeof p->reason, "%s", grasp_outcome_name(outcome));
}

static void
on_closed(void *arg, struct grasp_link *l, int err)
{
	struct pledge *p = arg;

	(void)l, (void)err;
	p->link = NULL;
}

static const struct grasp_session_ops session_ops = {
	.negotiated = on_granted, .waiting = on_wait, .ended = on_ended
};

static void
connect_pledge(struct pledge *p)
{
	static const struct grasp_link_ops ops = { .closed = on_closed };
	struct addr to = { .port = GRASP_LISTEN_PORT };

	fake_host_prove(p->host, &p->who);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::c", &to.ip), 1);
	assert_int_equal(grasp_link_open(p->node, &to, &ops, p, &p->link), 0);
	grasp_link_hold(p->link, 0, 0, FOG_JOIN_MESSAGE_MAX);
}

/* Sends a request on a connection of its own. */
static void
ask_to_join(struct pledge *p)
{
	struct grasp_objective o = {
		.name = slice_text(FOGJOIN), .flags = F_DISC | F_NEG, .loop_count = 6
	};
	struct buf value;

	connect_pledge(p);
	p->join.command[0] = ++p->command;
	buf_init(&value, FOG_JOIN_MESSAGE_MAX);
	fog_join_encode(&p->join, &value);
	o.value = buf_slice(&value);
	assert_int_equal(
	    grasp_negotiate(p->link, &o, 0, &session_ops, p, &p->session), 0);
	buf_done(&value);
}

static void
prefix_of(const struct pledge *p, unsigned digits, char dst[FOG_ID_TEXT])
{
	struct fog_id id = id_of(p);

	fog_id_format(&id, dst);
	dst[digits] = '\0';
}

static const char *
join(struct pledge *p)
{
	if (p->link)
		grasp_link_close(TAKE(p->link));
	p->reason[0] = '\0';
	ask_to_join(p);
	settle();
	return p->reason;
}

static void
expect_code(struct pledge *p, const char *code)
{
	const char *reason = join(p);

	if (strncmp(reason, code, strlen(code)))
		fail_msg("\"%s\" does not begin with \"%s\"", reason, code);
}

/* --- fogctl ------------------------------------------------------------------------------------------- */
/* Pairs of texts up to NULL; the answer is valid until the next call. */
static const char *
order(const char *command, const char *const pair[])
{
	static char *answer;
	struct buf args;
	size_t n = 0;

	free(answer);
	while (pair && pair[n])
		n++;
	buf_init(&args, 1024);
	wr_map(&args, n / 2);
	for (size_t i = 0; i < n; i++)
		wr_text(&args, pair[i]);
	answer = ask(w.loop, w.socket, command, buf_slice(&args));
	buf_done(&args);
	return answer;
}
#define ORDER(command, ...) \
	order(command, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void
make_token_of(const char *answer, struct token *ret)
{
	char text[TOKEN_TEXT_MAX];
	const char *at = strstr(answer, "fog1-");

	if (!at)
		fail_msg("no token: %s", answer);
	snprintf(text, sizeof text, "%.*s", (int)strcspn(at, "\""), at);
	assert_int_equal(token_parse(text, ret), 0);
}

static void
give_token(struct pledge *p, const struct token *t)
{
	p->join.has_token = true;
	memcpy(p->join.token_id, t->id, sizeof t->id);
	memcpy(p->join.token_secret, t->secret, sizeof t->secret);
}

static struct token
make_token(void)
{
	struct token t;

	make_token_of(ORDER("token create", "tag", "floor=2", "tag", "room=kitchen"), &t);
	return t;
}

static void
add_kind(void *arg, const struct event_row *e)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, 512 - len, "%s ", e->kind);
}

static const char *
event_kinds(void)
{
	static char kinds[512];

	kinds[0] = '\0';
	store_flush(w.store);
	assert_int_equal(store_events(w.store, 0, 100, add_kind, kinds), 0);
	return kinds;
}

/* --- tokens -------------------------------------------------------------------------------------------- */
static void
a_token_admits_a_node_with_a_certificate_for_its_key(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();
	struct fog_id id = id_of(p);
	const struct cert_facts *f;
	struct trust_name name;
	char tags[64];

	(void)state;
	assert_memory_equal(
	    t.pin, cert_facts(w.seat.ca[0].cert)->key_fingerprint, sizeof t.pin);
	give_token(p, &t);
	expect_code(p, "accepted");
	f = cert_facts(p->cert);
	assert_int_equal(trust_uri_parse(f->uri, &name), 0);
	assert_string_equal(name.domain, SEAT_DOMAIN);
	assert_int_equal(name.role, TRUST_AGENT);
	assert_memory_equal(name.id.bytes, p->who.id, sizeof p->who.id);
	assert_in_range(f->not_after_ms, w.seat.now_ms + DAYS * DAY_MS - 60000,
	    w.seat.now_ms + DAYS * DAY_MS);
	assert_string_equal(p->grant.domain, SEAT_DOMAIN);
	assert_int_equal(p->grant.trust_version, 1);
	assert_int_equal(p->grant.places, 1);
	assert_string_equal(p->grant.place[0], "[2001:db8::c]:7017");
	assert_string_equal(event_kinds(), "node.admitted ");
	enrol_tags(w.enrol, &id, tags, sizeof tags);
	assert_string_equal(tags, "floor=2,room=kitchen");
	assert_non_null(strstr(ORDER("token list"), "\"state\":\"used\""));
}

static void
a_hundred_at_once_with_a_token_of_one_use_admit_one_S_16(void **state)
{
	struct token t = make_token();
	unsigned admitted = 0, told = 0;

	(void)state;
	for (unsigned i = 0; i < PLEDGES; i++)
		give_token(pledge(i, i), &t);
	for (unsigned i = 0; i < PLEDGES; i++)
		ask_to_join(&pledges[i]);
	settle();
	for (unsigned i = 0; i < PLEDGES; i++) {
		admitted += strcmp(pledges[i].reason, "accepted") == 0;
		told += strncmp(pledges[i].reason, "busy: ", 6) == 0 ||
		    strncmp(pledges[i].reason, "token: ", 7) == 0;
	}
	assert_int_equal(admitted, 1);
	assert_int_equal(told, PLEDGES - 1);
	assert_string_equal(event_kinds(), "node.admitted ");
}

static void
a_token_of_three_uses_admits_three(void **state)
{
	struct token t;
	unsigned admitted = 0;

	(void)state;
	struct buf args;
	char *answer;

	buf_init(&args, 256);
	wr_map(&args, 1);
	wr_key_int(&args, "uses", 3);
	answer = ask(w.loop, w.socket, "token create", buf_slice(&args));
	buf_done(&args);
	make_token_of(answer, &t);
	free(answer);
	for (unsigned i = 0; i < 5; i++) {
		give_token(pledge(i, i), &t);
		admitted += strcmp(join(&pledges[i]), "accepted") == 0;
	}
	assert_int_equal(admitted, 3);
}

static void
who_lost_the_answer_gets_the_same_certificate_again_S_16(void **state)
{
	struct pledge *p = pledge(0, 1), *other = pledge(1, 2);
	struct token t = make_token();
	uint8_t first[CERT_DER_MAX];
	size_t len;

	(void)state;
	give_token(p, &t);
	give_token(other, &t);
	expect_code(p, "accepted");
	memcpy(first, p->der, len = p->len);
	expect_code(p, "accepted");
	assert_int_equal(p->len, len);
	assert_memory_equal(p->der, first, len);
	expect_code(other, "token: ");
	assert_int_equal(enrol_counters(w.enrol)->admitted, 1);
	assert_int_equal(enrol_counters(w.enrol)->repeated, 1);
}

static void
a_node_that_hung_up_finds_its_certificate_when_it_comes_back(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();

	(void)state;
	give_token(p, &t);
	ask_to_join(p);
	fake_run(w.net, 50); /* it has arrived, nobody has answered yet */
	assert_true(is_busy());
	grasp_link_close(TAKE(p->link));
	settle();
	assert_int_equal(p->grants, 0);
	assert_int_equal(enrol_counters(w.enrol)->admitted, 1);
	expect_code(p, "accepted");
	assert_int_equal(enrol_counters(w.enrol)->admitted, 1);
}

static void
tokens_and_their_uses_outlive_a_restart_S_16(void **state)
{
	struct pledge *p = pledge(0, 1), *other = pledge(1, 2), *third = pledge(2, 3);
	struct token used = make_token(), fresh = make_token();

	(void)state;
	give_token(p, &used);
	expect_code(p, "accepted");
	close_controller();
	open_controller();
	give_token(other, &used);
	expect_code(other, "token: ");
	expect_code(p, "accepted"); /* the same one again */
	give_token(third, &fresh);
	expect_code(third, "accepted");
}

static void
a_token_that_is_wrong_revoked_or_too_old_admits_nobody_S_16(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token(), wrong = t;
	char id[9];

	(void)state;
	wrong.secret[0] ^= 1;
	give_token(p, &wrong);
	expect_code(p, "token: it is not known here");
	wrong = t;
	wrong.id[0] ^= 1;
	give_token(p, &wrong);
	expect_code(p, "token: it is not known here"); /* not a word about which it was */
	give_token(p, &t);
	assert_non_null(
	    strstr(ORDER("token revoke", "token", token_id_format(t.id, id)), "revoked"));
	expect_code(p, "token: ");
	t = make_token();
	give_token(p, &t);
	w.seat.now_ms += 25 * 3600 * 1000LL;
	expect_code(p, "expired: ");
	assert_int_equal(p->grants, 0);
	assert_int_equal(enrol_counters(w.enrol)->admitted, 0);
}

static void
after_five_wrong_tokens_a_network_waits_a_minute_S_16(void **state)
{
	struct token good = make_token(), wrong = good;

	(void)state;
	wrong.secret[3] ^= 1;
	for (unsigned i = 0; i < ENROL_FAILURES_PER_MIN; i++) {
		give_token(pledge(i, 1), &wrong);
		expect_code(&pledges[i], "token: ");
	}
	give_token(pledge(10, 1), &good); /* of the same /64 */
	expect_code(&pledges[10], "busy: ");
	give_token(pledge(11, 2), &wrong); /* others are still asked */
	expect_code(&pledges[11], "token: ");
	pass(61000);
	expect_code(&pledges[10], "accepted");
}

static void
find_in_file(const char *file, const struct token *t, bool wanted)
{
	char path[PATH_MAX], *text = NULL;
	size_t len = 0, n;
	FILE *f, *copy = open_memstream(&text, &len);
	char chunk[4096];

	snprintf(path, sizeof path, "%s/%s", w.store_dir, file);
	f = fopen(path, "re");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		fwrite(chunk, 1, n, copy);
	fclose(f);
	fclose(copy);
	assert_int_equal(memmem(text, len, t->id, sizeof t->id) != NULL, wanted);
	assert_null(memmem(text, len, t->secret, sizeof t->secret));
	free(text);
}

static void
the_database_does_not_hold_what_admits_S_16(void **state)
{
	struct token t = make_token();

	(void)state;
	store_flush(w.store);
	find_in_file("control.db-wal", &t, true);
	assert_null(strstr(ORDER("token list"), "fog1-"));
}

static void
what_fogctl_asks_for_is_bounded(void **state)
{
	(void)state;
	assert_non_null(strstr(ORDER("token create", "ttl", "1s"), "refused 2"));
	assert_non_null(strstr(ORDER("token create", "ttl", "2000d"), "refused 2"));
	assert_non_null(strstr(ORDER("token create", "tag", "no value"), "refused 2"));
	assert_non_null(strstr(ORDER("token create", "tag", "a=$(b)"), "refused 2"));
	assert_non_null(strstr(ORDER("token create", "address", "a b:1"), "refused 2"));
	assert_non_null(strstr(ORDER("token create", "address", "::1"), "refused 2"));
	assert_non_null(
	    strstr(ORDER("token create", "address", "[::1]:7017"), "@[::1]:7017"));
	assert_non_null(strstr(
	    ORDER("token create", "address", "fog.example:7017"), "@fog.example:7017"));
	assert_non_null(strstr(ORDER("token revoke", "token", "00000000"), "refused 1"));
}

static void
add_row(void *arg, const struct audit_row *a)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, 1024 - len, "%s %.8s %s %s: %s\n", a->role, a->who,
	    a->command, a->object, a->result);
}

static void
the_audit_tells_who_joined_and_who_was_refused_SEC_15(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token(), wrong = t;
	char rows[1024] = "", wanted[1024], id[FOG_ID_TEXT], token[9];

	(void)state;
	prefix_of(p, 8, id);
	wrong.secret[0] ^= 1;
	give_token(p, &wrong);
	expect_code(p, "token: ");
	expect_code(p, "token: "); /* not a row for each */
	give_token(p, &t);
	expect_code(p, "accepted");
	store_flush(w.store);
	assert_int_equal(store_audit(w.store, 0, 10, add_row, rows), 0);
	snprintf(wanted, sizeof wanted,
	    "stranger %s join 2001:db8:1::100: token: it is not known here\n"
	    "stranger %s join %s: done\n",
	    id, id, token_id_format(t.id, token));
	assert_string_equal(rows, wanted);
}

/* --- who asks ------------------------------------------------------------------------------------------- */
static void
a_request_for_the_key_of_another_is_a_conflict_S_03(void **state)
{
	struct pledge *p = pledge(0, 1), *other = pledge(1, 2);
	struct token t = make_token();

	(void)state;
	give_token(p, &t);
	make_request(p, other->key);
	expect_code(p, "conflict: ");
	p->join.request = slice_text("junk");
	expect_code(p, "policy: ");
	make_request(p, p->key);
	expect_code(p, "accepted");
}

static void
who_has_proved_nothing_or_is_no_node_gets_nothing_S_02(void **state)
{
	static const unsigned roles[] = { TRUST_CONTROLLER, TRUST_ADMIN, TRUST_UNKNOWN };
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();

	(void)state;
	give_token(p, &t);
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		p->who.role = roles[i];
		expect_code(p, "policy: ");
	}
	p->who.role = TRUST_STRANGER;
	expect_code(p, "accepted");
}

static void
who_is_trusted_no_more_neither_joins_nor_renews_S_19(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();
	struct fog_id id = id_of(p);

	(void)state;
	give_token(p, &t);
	expect_code(p, "accepted");
	assert_int_equal(authority_deny(w.authority, &id, "stolen", "uid 0"), 0);
	expect_code(p, "revoked: ");
	p->who.role = TRUST_AGENT;
	expect_code(p, "revoked: ");
	p->who.role = TRUST_LAPSED;
	expect_code(p, "revoked: ");
}

static void
a_second_key_for_a_known_machine_is_refused_and_shown_SEC_07(void **state)
{
	struct pledge *p = pledge(0, 1), *other = pledge(1, 2);
	struct token t = make_token(), second = make_token();
	struct fog_id id = id_of(p);

	(void)state;
	strcpy(p->join.serial, "C02X1234");
	strcpy(other->join.serial, "C02X1234");
	give_token(p, &t);
	give_token(other, &second);
	expect_code(p, "accepted");
	expect_code(other, "conflict: ");
	assert_string_equal(event_kinds(), "node.admitted identity.conflict ");
	assert_int_equal(authority_deny(w.authority, &id, "set up anew", "uid 0"), 0);
	store_flush(w.store);
	expect_code(other, "accepted");
}

/* --- renewal -------------------------------------------------------------------------------------------- */
static void
a_member_renews_without_a_token_and_a_lapsed_one_too_S_20(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();
	int64_t first;

	(void)state;
	give_token(p, &t);
	expect_code(p, "accepted");
	first = cert_facts(p->cert)->not_after_ms;
	p->join.has_token = false;
	p->who.role = TRUST_AGENT;
	w.seat.now_ms += DAYS / 2 * DAY_MS;
	expect_code(p, "accepted");
	assert_true(cert_facts(p->cert)->not_after_ms >= first + DAYS / 2 * DAY_MS);
	p->who.role = TRUST_LAPSED;
	w.seat.now_ms += 30 * DAY_MS;
	expect_code(p, "accepted");
	assert_true(cert_facts(p->cert)->not_after_ms > w.seat.now_ms);
	assert_int_equal(enrol_counters(w.enrol)->renewed, 2);
	assert_int_equal(enrol_counters(w.enrol)->admitted, 1);
	assert_string_equal(event_kinds(), "node.admitted ");
}

static void
a_member_that_asks_all_the_time_gets_the_same_certificate(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();

	(void)state;
	give_token(p, &t);
	expect_code(p, "accepted");
	p->join.has_token = false;
	p->who.role = TRUST_AGENT;
	for (int i = 0; i < 20; i++)
		expect_code(p, "accepted");
	assert_int_equal(enrol_counters(w.enrol)->renewed, 0);
	assert_int_equal(enrol_counters(w.enrol)->repeated, 20);
}

static void
after_a_rotation_a_member_gets_one_of_the_new_ca_at_once_S_35(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();
	char path[PATH_MAX];

	(void)state;
	give_token(p, &t);
	expect_code(p, "accepted");
	seat_rotate(&w.seat);
	snprintf(path, sizeof path, "%s/ca.key", w.ca_dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(key_save(w.seat.ca[0].key, path), 0);
	snprintf(path, sizeof path, "%s/ca.pem", w.ca_dir);
	assert_int_equal(cert_save(&w.seat.ca[0].cert, 1, path), 0);
	assert_int_equal(authority_reload(w.authority), 0);
	p->join.has_token = false;
	p->who.role = TRUST_AGENT;
	expect_code(p, "accepted"); /* on_granted() looks which CA it is */
	assert_int_equal(p->grant.cas, 2);
	assert_int_equal(p->grant.trust_version, 2);
}

/* --- without a token ------------------------------------------------------------------------------------ */
static void
a_node_without_a_token_waits_until_it_is_approved_SEC_04(void **state)
{
	struct pledge *p = pledge(0, 1);
	char prefix[FOG_ID_TEXT];
	const char *pending;

	(void)state;
	strcpy(p->join.serial, "C02X");
	assert_string_equal(join(p), "");
	assert_int_equal(p->waits, 1);
	prefix_of(p, 32, prefix);
	pending = ORDER("node pending");
	assert_non_null(strstr(pending, prefix));
	assert_non_null(strstr(pending, "\"name\":\"node-0\""));
	assert_non_null(strstr(pending, "\"address\":\"2001:db8:1::100\""));
	assert_non_null(strstr(pending, "\"version\":\"1.2.3\""));
	assert_non_null(strstr(pending, "\"hardware\":\"C02X\""));
	prefix_of(p, 8, prefix);
	assert_non_null(
	    strstr(ORDER("node approve", "node", prefix), "\"result\":\"approved\""));
	settle();
	assert_string_equal(p->reason, "accepted");
	assert_string_equal(ORDER("node pending"), "end\n");
	assert_string_equal(event_kinds(), "node.joining node.admitted ");
}

static void
who_is_not_there_when_it_is_approved_comes_back_for_it(void **state)
{
	struct pledge *p = pledge(0, 1);
	char prefix[FOG_ID_TEXT];

	(void)state;
	assert_string_equal(join(p), "");
	pass(ENROL_HELD_MS + 2000);
	assert_int_equal(strncmp(p->reason, "busy: ", 6), 0);
	prefix_of(p, 12, prefix);
	assert_non_null(strstr(ORDER("node approve", "node", prefix), "approved"));
	expect_code(p, "accepted");
	assert_int_equal(enrol_counters(w.enrol)->repeated, 1);
}

static struct waiting *
waiting_of(unsigned n)
{
	struct waiting *x = TAILQ_FIRST(&w.enrol->waiting);

	while (n--)
		x = TAILQ_NEXT(x, entry);
	return x;
}

static void
an_ambiguous_short_or_expired_prefix_approves_nobody_S_17(void **state)
{
	struct pledge *p = pledge(0, 1), *other = pledge(1, 2);
	char prefix[FOG_ID_TEXT];

	(void)state;
	join(p);
	join(other);
	prefix_of(p, 7, prefix);
	assert_non_null(strstr(ORDER("node approve", "node", prefix), "refused 1"));
	assert_non_null(strstr(ORDER("node approve", "node", "node-0"), "refused 1"));
	assert_non_null(strstr(ORDER("node approve", "node", ""), "refused 1"));
	/* nobody finds two keys whose ids begin alike in a test */
	memcpy(&waiting_of(1)->id, &waiting_of(0)->id, 4);
	prefix_of(p, 8, prefix);
	assert_non_null(strstr(ORDER("node approve", "node", prefix), "more than one"));
	w.seat.now_ms += ENROL_WAITING_MS;
	prefix_of(p, 32, prefix);
	assert_non_null(strstr(ORDER("node approve", "node", prefix), "no such node"));
	settle();
	assert_int_equal(p->grants + other->grants, 0);
	assert_string_equal(ORDER("node pending"), "end\n");
}

static void
eight_of_a_network_may_wait_S_02(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ENROL_WAITING_PER_NET; i++)
		assert_string_equal(join(pledge(i, 1)), "");
	expect_code(pledge(20, 1), "full: ");
	assert_string_equal(join(pledge(21, 2)), "");
	assert_string_equal(join(&pledges[0]), ""); /* who is known may ask again */
	assert_int_equal(enrol_counters(w.enrol)->waiting, ENROL_WAITING_PER_NET + 1);
}

static void
not_more_than_so_many_wait_and_few_of_them_on_a_connection_S_02(void **state)
{
	unsigned held = 0;

	(void)state;
	for (unsigned i = 0; i < PLEDGES; i++) {
		join(pledge(i, i / ENROL_WAITING_PER_NET));
		held += !pledges[i].ended;
	}
	assert_int_equal(held, ENROL_HELD_MAX);
	assert_int_equal(enrol_counters(w.enrol)->waiting, PLEDGES);
	/* the rest of the list, without as many engines */
	for (unsigned i = PLEDGES; i < ENROL_WAITING_MAX; i++) {
		struct waiting *x = calloc(1, sizeof *x);

		x->enrol = w.enrol;
		x->id.bytes[0] = (uint8_t)i;
		x->heard_ms = w.seat.now_ms;
		TAILQ_INSERT_TAIL(&w.enrol->waiting, x, entry);
		w.enrol->waitings++;
	}
	pledges[0].who.id[0] ^= 0xff; /* somebody else, from an empty network */
	free_pledge(&pledges[0]);
	memset(&pledges[0], 0, sizeof pledges[0]);
	expect_code(pledge(0, 500), "full: ");
	pass(ENROL_WAITING_MS + 2000);
	assert_int_equal(enrol_counters(w.enrol)->waiting, 0);
}

/* --- what goes wrong ------------------------------------------------------------------------------------ */
static void
without_a_signer_nobody_is_admitted_and_no_token_used_up(void **state)
{
	struct pledge *p = pledge(0, 1), *waiting = pledge(1, 2);
	struct token t = make_token();
	char prefix[FOG_ID_TEXT];

	(void)state;
	assert_string_equal(join(waiting), "");
	kill_signer();
	give_token(p, &t);
	expect_code(p, "busy: ");
	prefix_of(waiting, 8, prefix);
	assert_non_null(strstr(ORDER("node approve", "node", prefix), "refused 1"));
	settle();
	assert_int_equal(strncmp(waiting->reason, "busy: ", 6), 0);
	assert_non_null(strstr(ORDER("token list"), "\"uses\":1"));
	assert_int_equal(p->grants + waiting->grants, 0);
}

static void
go_on(void *arg, struct grasp_session *s, const struct grasp_objective *o)
{
	struct pledge *p = arg;

	(void)o;
	p->grants++;
	assert_int_equal(
	    grasp_session_step(s, (struct slice){ (const uint8_t *)"\xf6", 1 }), 0);
}

/* A certificate is taken or left. */
static void
who_wants_to_go_on_negotiating_is_declined(void **state)
{
	static const struct grasp_session_ops ops = { .negotiated = go_on,
		.ended = on_ended };
	struct pledge *p = pledge(0, 1);
	struct token t = make_token();

	(void)state;
	give_token(p, &t);
	ask_to_join(p);
	grasp_session_set(p->session, &ops, p);
	settle();
	settle();
	assert_int_equal(p->grants, 1);
	assert_int_equal(strncmp(p->reason, "policy: ", 8), 0);
	assert_true(LIST_EMPTY(&w.enrol->joinings));
}

static void
what_is_no_request_to_join_is_refused_S_13(void **state)
{
	struct pledge *p = pledge(0, 1);
	struct grasp_objective o = {
		.name = slice_text(FOGJOIN), .flags = F_DISC | F_NEG, .loop_count = 6
	};

	(void)state;
	o.value = (struct slice){ (const uint8_t *)"\xa1\x01\x00", 3 };
	connect_pledge(p);
	assert_int_equal(
	    grasp_negotiate(p->link, &o, 0, &session_ops, p, &p->session), 0);
	settle();
	assert_int_equal(strncmp(p->reason, "policy: ", 8), 0);
	if (p->link)
		grasp_link_close(TAKE(p->link));
	connect_pledge(p);
	o.flags |= F_NEG_DRY;
	assert_int_equal(
	    grasp_negotiate(p->link, &o, 0, &session_ops, p, &p->session), 0);
	settle();
	assert_int_equal(strncmp(p->reason, "policy: ", 8), 0);
	assert_int_equal(enrol_counters(w.enrol)->refused, 2);
}

static void
all_tokens_are_listed_however_many(void **state)
{
	unsigned rows = 0;

	(void)state;
	for (int i = 0; i < 250; i++) {
		struct token_row row = { .id = { (uint8_t)i, 1 },
			.uses = 1,
			.expires_ms = w.seat.now_ms + DAY_MS,
			.tags = "",
			.creator = "uid 0" };

		assert_int_equal(store_token_put(w.store, &row, NULL, NULL), 0);
	}
	close_controller();
	open_controller();
	assert_int_equal(enrol_tokens_valid(w.enrol), 250);
	for (const char *at = ORDER("token list");
	     (at = strstr(at, "\"state\":\"valid\"")); at++)
		rows++;
	assert_int_equal(rows, 250);
}

/* --- floods -------------------------------------------------------------------------------------------- */
static void
where_to_join_is_said_on_the_link_alone_S_12(void **state)
{
	const struct fake_packet *packet;
	struct fog_domain d;
	struct grasp_msg m;

	(void)state;
	fake_run(w.net, 200);
	packet = fake_message(w.net, M_FLOOD, 0, &m);
	assert_non_null(packet);
	assert_true(IN6_IS_ADDR_MC_LINKLOCAL(&packet->to.ip));
	assert_true(slice_is(m.flooded[0].name, FOGJOIN));
	assert_int_equal(m.flooded[0].loop_count, 1);
	assert_true(addr_is_link_local(&m.locator[0].ip));
	assert_int_equal(m.locator[0].port, GRASP_LISTEN_PORT);
	assert_int_equal(
	    fog_domain_decode(grasp_value_unwrap(m.flooded[0].value), &d), 0);
	assert_string_equal(d.domain, SEAT_DOMAIN);
	assert_int_equal(d.role, FOG_CONTROLLER);
	fake_run(w.net, 60000);
	assert_in_range(fake_count(w.net, M_FLOOD), 5, 9);
}

static void
forget(void *arg, unsigned responses)
{
	(void)arg;
	assert_int_equal(responses, 0); /* no stranger is answered alone */
}

static void
who_looks_is_heard_once_a_second_and_not_answered_S_09(void **state)
{
	struct grasp_objective o = {
		.name = slice_text(FOGJOIN), .flags = F_DISC | F_NEG, .loop_count = 1
	};
	struct pledge *p = pledge(0, 1);
	unsigned before;

	(void)state;
	fake_run(w.net, 3000);
	before = fake_count(w.net, M_FLOOD);
	for (int i = 0; i < 50; i++) {
		struct grasp_discovery *d;

		assert_int_equal(
		    grasp_discover(p->node, &o, 100, NULL, forget, NULL, &d), 0);
		fake_run(w.net, 100);
	}
	fake_run(w.net, 200);
	assert_in_range(fake_count(w.net, M_FLOOD) - before, 4, 6);
	assert_int_equal(fake_count(w.net, M_RESPONSE), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_token_admits_a_node_with_a_certificate_for_its_key),
		CASE(a_hundred_at_once_with_a_token_of_one_use_admit_one_S_16),
		CASE(a_token_of_three_uses_admits_three),
		CASE(who_lost_the_answer_gets_the_same_certificate_again_S_16),
		CASE(a_node_that_hung_up_finds_its_certificate_when_it_comes_back),
		CASE(tokens_and_their_uses_outlive_a_restart_S_16),
		CASE(a_token_that_is_wrong_revoked_or_too_old_admits_nobody_S_16),
		CASE(after_five_wrong_tokens_a_network_waits_a_minute_S_16),
		CASE(the_database_does_not_hold_what_admits_S_16),
		CASE(what_fogctl_asks_for_is_bounded),
		CASE(the_audit_tells_who_joined_and_who_was_refused_SEC_15),
		CASE(a_request_for_the_key_of_another_is_a_conflict_S_03),
		CASE(who_has_proved_nothing_or_is_no_node_gets_nothing_S_02),
		CASE(who_is_trusted_no_more_neither_joins_nor_renews_S_19),
		CASE(a_second_key_for_a_known_machine_is_refused_and_shown_SEC_07),
		CASE(a_member_renews_without_a_token_and_a_lapsed_one_too_S_20),
		CASE(a_member_that_asks_all_the_time_gets_the_same_certificate),
		CASE(after_a_rotation_a_member_gets_one_of_the_new_ca_at_once_S_35),
		CASE(a_node_without_a_token_waits_until_it_is_approved_SEC_04),
		CASE(who_is_not_there_when_it_is_approved_comes_back_for_it),
		CASE(an_ambiguous_short_or_expired_prefix_approves_nobody_S_17),
		CASE(eight_of_a_network_may_wait_S_02),
		CASE(not_more_than_so_many_wait_and_few_of_them_on_a_connection_S_02),
		CASE(without_a_signer_nobody_is_admitted_and_no_token_used_up),
		CASE(who_wants_to_go_on_negotiating_is_declined),
		CASE(what_is_no_request_to_join_is_refused_S_13),
		CASE(all_tokens_are_listed_however_many),
		CASE(where_to_join_is_said_on_the_link_alone_S_12),
		CASE(who_looks_is_heard_once_a_second_and_not_answered_S_09),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
