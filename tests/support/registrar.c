/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/registrar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grasp/grasp.h"
#include "tests/support/test.h"
#include "trust/time.h"

#define LEASE_MS 20000
#define BEAT_MS	 2000

/* --- certificates --------------------------------------------------------------------------- */
static struct pki_ca *
newest_ca(struct registrar *r)
{
	return r->next.cert ? &r->next : &r->ca;
}

static struct cert *
certify(struct registrar *r, const struct key *k, enum trust_role role, int64_t life_ms)
{
	struct trust_name n = { .role = role, .id = pki_id(k) };
	int64_t now = trust_time_now(r->time);
	char uri[TRUST_URI_MAX];

	snprintf(n.domain, sizeof n.domain, "%s",
	    r->of_other_domain ? "elsewhere" : r->domain.domain);
	return pki_cert_of(newest_ca(r), k, trust_uri_format(&n, uri), now - life_ms / 10,
	    now + life_ms);
}

/* Of a day ago in the fake world, which is before PKI_NOW. */
static struct pki_ca
make_ca(const struct registrar *r, const char *name)
{
	int64_t now = trust_time_now(r->time);
	const struct cert_spec spec = { .cn = name,
		.not_before_ms = now - PKI_DAY,
		.not_after_ms = now + 3650 * PKI_DAY };
	struct pki_ca ca = { .key = pki_key() };

	assert_int_equal(cert_issue(ca.key, NULL, &spec, ca.key, &ca.cert), 0);
	return ca;
}

static size_t
list_cas(struct registrar *r, struct slice ret[2])
{
	size_t n = 0;

	if (r->next.cert)
		ret[n++] = cert_der(r->next.cert);
	ret[n++] = cert_der(r->ca.cert);
	return n;
}

static void
install_self(struct registrar *r)
{
	struct cert *own = certify(r, r->key, r->is, 90 * PKI_DAY);
	struct slice ca[2];
	size_t cas = list_cas(r, ca);
	const char *why = "";
	int err = credential_install(r->self, cert_der(own), ca, cas, cas, &why);

	if (err < 0)
		fail_msg("%s", why);
	cert_unref(own);
}

/* --- FOGJOIN -------------------------------------------------------------------------------- */
static void
grant_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct registrar *r = arg;

	(void)reason;
	if (r->waiting == s)
		r->waiting = NULL;
	if (outcome == GRASP_ACCEPTED)
		r->granted++;
	else
		r->refused++;
}

static void
grant(struct registrar *r, struct grasp_session *s, const struct fog_join *j)
{
	struct key *k;
	struct fog_grant g = { .trust_version = r->next.cert ? 2 : 1,
		.time_ms = trust_time_now(r->time) };
	struct buf value;

	assert_int_equal(cert_request_parse(j->request, &k), 0);
	struct cert *leaf = certify(r, k, TRUST_AGENT, r->life_ms);
	memcpy(g.command, j->command, sizeof g.command);
	g.certificate = cert_der(leaf);
	g.cas = list_cas(r, g.ca);
	snprintf(g.domain, sizeof g.domain, "%s", r->domain.domain);
	buf_init(&value, FOG_JOIN_MESSAGE_MAX);
	fog_grant_encode(&g, &value);
	assert_int_equal(value.err, 0);
	assert_int_equal(grasp_session_step(s, buf_slice(&value)), 0);
	buf_done(&value);
	cert_unref(leaf);
	key_free(k);
}

static void
note_request(struct registrar *r, struct grasp_session *s, const struct fog_join *j)
{
	const struct grasp_who *who = grasp_link_who(grasp_session_link(s));

	r->asked++;
	r->role = who ? who->role : TRUST_UNKNOWN;
	r->had_token = j->has_token;
	memcpy(r->token.id, j->token_id, sizeof r->token.id);
	memcpy(r->token.secret, j->token_secret, sizeof r->token.secret);
	memcpy(r->command[1], r->command[0], sizeof r->command[0]);
	memcpy(r->command[0], j->command, sizeof r->command[0]);
}

static void
on_join(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	static const struct grasp_session_ops ops = { .ended = grant_ended };
	struct registrar *r = arg;
	struct fog_join j;

	assert_int_equal(fog_join_decode(asked->value, &j), 0);
	note_request(r, s, &j);
	if (r->role != TRUST_AGENT)
		grasp_link_hold(grasp_session_link(s), 0, 30000, FOG_JOIN_MESSAGE_MAX);
	grasp_session_set(s, &ops, r);
	switch (r->mood) {
	case REGISTRAR_GRANTS:
		grant(r, s, &j);
		return;
	case REGISTRAR_PUTS_OFF:
		r->waiting = s;
		assert_int_equal(grasp_session_wait(s, 60000), 0);
		return;
	case REGISTRAR_DECLINES:
		grasp_session_end(s, false, r->reason);
		return;
	case REGISTRAR_IS_MUTE:
		return;
	}
}

void
registrar_approve(struct registrar *r)
{
	/* Who waits asks again, as after the loss of its link. */
	r->mood = REGISTRAR_GRANTS;
	if (r->waiting)
		grasp_link_close(grasp_session_link(r->waiting));
	r->waiting = NULL;
}

static bool
on_search(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	struct registrar *r = arg;

	(void)from, (void)asked, (void)ret_value;
	r->searches++;
	registrar_flood_join(r);
	return false;
}

/* --- FOGREG --------------------------------------------------------------------------------- */
static void
on_registration(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct registrar *r = arg;
	struct fog_lease lease = { .controller = r->domain.id,
		.epoch = r->domain.epoch,
		.lease_ms = LEASE_MS,
		.beat_ms = BEAT_MS,
		.time_ms = trust_time_now(r->time) };
	uint8_t memory[128];
	struct buf b;

	assert_int_equal(fog_registration_decode(asked->value, &r->last), 0);
	r->last.caps = (struct slice){ 0 };
	if (r->last.renew)
		r->renewals++;
	else
		r->registrations++;
	buf_init_fixed(&b, memory, sizeof memory);
	fog_lease_encode(&lease, &b);
	r->link = grasp_session_link(s);
	grasp_link_hold(r->link, BEAT_MS, 5 * BEAT_MS, GRASP_UNICAST_MAX);
	assert_int_equal(grasp_session_step(s, buf_slice(&b)), 0);
}

static bool
on_discovery(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *asked, struct buf *ret_value)
{
	struct registrar *r = arg;
	struct fog_domain d;

	(void)from;
	if (asked->value.len &&
	    (fog_domain_decode(asked->value, &d) < 0 ||
		!fog_domain_agrees(d.domain, r->domain.domain)))
		return false;
	fog_domain_encode(&r->domain, ret_value);
	return true;
}

/* --- floods --------------------------------------------------------------------------------- */
static void
flood(struct registrar *r, const char *name, uint8_t loops, struct slice value)
{
	struct grasp_locator any = { .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP };
	struct grasp_objective o = { slice_text(name), F_DISC, loops, value };

	(void)grasp_flood(r->node, &o, &any, 30000);
}

static struct slice
encode_domain(const struct registrar *r, uint8_t *memory, size_t size)
{
	struct buf b;

	buf_init_fixed(&b, memory, size);
	fog_domain_encode(&r->domain, &b);
	assert_int_equal(b.err, 0);
	return buf_slice(&b);
}

void
registrar_flood_join(struct registrar *r)
{
	uint8_t memory[512];

	flood(r, FOGJOIN, 1, encode_domain(r, memory, sizeof memory));
}

void
registrar_flood_domain(struct registrar *r)
{
	uint8_t memory[512];

	flood(r, FOGDOMAIN, 0, encode_domain(r, memory, sizeof memory));
}

/* --- FOGTRUST ------------------------------------------------------------------------------- */
static void
tell_ended(
    void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct registrar *r = arg;

	(void)s;
	r->told = true;
	r->outcome = outcome;
	snprintf(r->answer, sizeof r->answer, "%.*s", (int)reason.len,
	    (const char *)reason.data);
}

void
registrar_tell(struct registrar *r, const struct fog_notice *n,
    const struct fog_denial denied[], size_t len)
{
	static const struct grasp_session_ops ops = { .ended = tell_ended };
	struct grasp_session *s;
	struct buf value;

	buf_init(&value, GRASP_UNICAST_MAX);
	fog_notice_encode(n, denied, len, &value);
	struct grasp_objective o = { slice_text(FOGTRUST), F_DISC | F_NEG, 0,
		buf_slice(&value) };
	r->told = false;
	assert_int_equal(grasp_negotiate(r->link, &o, 0, &ops, r, &s), 0);
	buf_done(&value);
}

void
registrar_rotate(struct registrar *r)
{
	struct fog_notice n = { .trust_version = 2 };

	r->next = make_ca(r, "the next CA");
	install_self(r);
	n.cas = list_cas(r, n.ca);
	registrar_tell(r, &n, NULL, 0);
}

/* --- life ----------------------------------------------------------------------------------- */
static int64_t
wall(void *arg)
{
	const struct registrar *r = arg;
	struct grasp_io *io = fake_host_io(r->host);

	return io->ops->wall(io);
}

static int64_t
monotonic(void *arg)
{
	const struct registrar *r = arg;

	return fake_now(r->net);
}

static void
make_protection(struct registrar *r)
{
	const unsigned members = TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER);
	struct grasp_io *inner = fake_host_io(r->host);

	assert_int_equal(trust_time_new(NULL, wall, monotonic, r, &r->time), 0);
	if (!r->ca.cert)
		r->ca = make_ca(r, r->domain.domain);
	assert_int_equal(
	    credential_new(NULL, r->domain.domain, r->is, r->key, r->time, &r->self), 0);
	install_self(r);
	const struct channel_config channel = { .inner = inner,
		.self = r->self,
		.accept = members,
		.open = members,
		.join = true };
	assert_int_equal(channel_new(&channel, &r->channel), 0);
	const struct guard_config guard = {
		.io = inner, .mode = GUARD_SIGNED, .self = r->self
	};
	assert_int_equal(guard_new(&guard, &r->guard), 0);
}

static void
support(struct registrar *r, const char *name, unsigned flags,
    const struct grasp_support *support)
{
	struct grasp_registration *ignored;

	assert_int_equal(grasp_register(r->node, name, flags, support, r, &ignored), 0);
}

static void
make_node(struct registrar *r)
{
	static const struct grasp_support join = { .discovered = on_search,
		.negotiate = on_join };
	static const struct grasp_support registration = { .negotiate = on_registration };
	static const struct grasp_support domain = { .discovered = on_discovery };
	struct grasp_guard guard = guard_hook(r->guard);
	struct grasp_config cfg = { .link_local = true,
		.unicast_max = GRASP_UNICAST_MAX,
		.guard = &guard,
		.permit = trust_permits,
		.permit_arg = &r->permit };

	assert_int_equal(grasp_node_new(r->channel, &cfg, &r->node), 0);
	support(r, FOGJOIN, F_DISC | F_NEG, &join);
	support(r, FOGREG, F_DISC | F_NEG, &registration);
	support(r, FOGDOMAIN, F_DISC | F_SYNCH, &domain);
	fake_run(r->net, 0);
}

static struct registrar *
make_host(struct fake_net *net, const char *domain, unsigned number)
{
	struct registrar *r = calloc(1, sizeof *r);
	char near[32], far[32];

	assert_non_null(r);
	r->net = net;
	r->host = fake_host_new(net);
	snprintf(near, sizeof near, "fe80::c%u", number);
	snprintf(far, sizeof far, "2001:db8::c%u", number);
	fake_attach(r->host, 1, near, far, NULL);
	r->is = TRUST_CONTROLLER;
	r->key = pki_key();
	r->life_ms = 7 * PKI_DAY;
	r->domain = (struct fog_domain){
		.has_id = true, .id = pki_id(r->key), .epoch = 1, .role = FOG_CONTROLLER
	};
	snprintf(r->domain.domain, sizeof r->domain.domain, "%s", domain);
	return r;
}

struct registrar *
registrar_new(struct fake_net *net, const char *domain, unsigned number)
{
	struct registrar *r = make_host(net, domain, number);

	make_protection(r);
	make_node(r);
	return r;
}

struct registrar *
registrar_new_impostor(const struct registrar *real, unsigned number)
{
	struct registrar *r = make_host(real->net, real->domain.domain, number);

	r->is = TRUST_AGENT;
	r->ca.cert = cert_ref(real->ca.cert);
	r->ca.key = real->ca.key; /* to be certified once */
	make_protection(r);
	r->ca.key = NULL;
	make_node(r);
	return r;
}

void
registrar_stop(struct registrar *r)
{
	grasp_node_free(TAKE(r->node));
	guard_free(TAKE(r->guard));
	channel_free(TAKE(r->channel));
	fake_host_free(TAKE(r->host));
	r->link = NULL;
	r->waiting = NULL;
}

void
registrar_free(struct registrar *r)
{
	if (!r)
		return;
	if (r->host)
		registrar_stop(r);
	credential_free(r->self);
	trust_time_free(r->time);
	key_free(r->key);
	pki_ca_done(&r->ca);
	pki_ca_done(&r->next);
	free(r);
}

struct token
registrar_token(const struct registrar *r)
{
	struct token t = { .where = "" };

	memset(t.id, 0x1d, sizeof t.id);
	memset(t.secret, 0x5e, sizeof t.secret);
	memcpy(t.pin, cert_facts(r->ca.cert)->key_fingerprint, sizeof t.pin);
	return t;
}
