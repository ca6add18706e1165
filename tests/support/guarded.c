/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/guarded.h"

#include "tests/support/test.h"

bool
guarded_clock_right(void)
{
	return true;
}

bool
guarded_clock_wrong(void)
{
	return false;
}

static int64_t
tell_wall(void *arg)
{
	const struct guarded_domain *d = arg;

	return PKI_NOW + fake_now(d->net) + d->skew_ms;
}

static int64_t
tell_boot(void *arg)
{
	const struct guarded_domain *d = arg;

	return fake_now(d->net);
}

void
guarded_init(struct guarded_domain *d, struct fake_net *net)
{
	*d = (struct guarded_domain){ .net = net };
	d->host = fake_host_new(net);
	d->ca = pki_ca_new("CA of " GUARDED_DOMAIN);
	assert_int_equal(trust_time_new(NULL, tell_wall, tell_boot, d, &d->time), 0);
}

void
guarded_done(struct guarded_domain *d)
{
	trust_time_free(d->time);
	pki_ca_done(&d->ca);
	fake_host_free(d->host);
}

void
guarded_certify(struct guarded *m, enum trust_role role, int days)
{
	CLEANUP(cert_unref)
	struct cert *cert = pki_cert(&m->domain->ca, m->key, GUARDED_DOMAIN, role, days);
	struct slice ca = cert_der(m->domain->ca.cert);
	const char *why;

	assert_int_equal(credential_install(m->self, cert_der(cert), &ca, 1, 1, &why), 0);
}

void
guarded_restart(struct guarded *m, const struct guard_config *like)
{
	struct guard_config cfg =
	    like ? *like : (struct guard_config){ .mode = GUARD_SIGNED };

	guard_free(TAKE(m->guard));
	cfg.io = fake_host_io(m->domain->host);
	cfg.self = m->self;
	if (!cfg.clock_is_right)
		cfg.clock_is_right = guarded_clock_right;
	assert_int_equal(guard_new(&cfg, &m->guard), 0);
	m->hook = guard_hook(m->guard);
}

void
guarded_member(struct guarded *m, struct guarded_domain *d, enum trust_role role,
    const struct guard_config *like)
{
	enum trust_role own = role == TRUST_CONTROLLER ? role : TRUST_AGENT;

	*m = (struct guarded){ .domain = d, .key = pki_key() };
	assert_int_equal(
	    credential_new(NULL, GUARDED_DOMAIN, own, m->key, d->time, &m->self), 0);
	if (role != TRUST_STRANGER)
		guarded_certify(m, role, 7);
	guarded_restart(m, like);
}

void
guarded_leave(struct guarded *m)
{
	guard_free(m->guard);
	credential_free(m->self);
	key_free(m->key);
}
