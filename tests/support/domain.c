/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/domain.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

static int64_t
now(void *arg)
{
	return ((struct domain *)arg)->now_ms;
}

void
domain_init(struct domain *d, const char *name)
{
	memset(d, 0, sizeof *d);
	snprintf(d->name, sizeof d->name, "%s", name);
	d->now_ms = PKI_NOW;
	assert_int_equal(trust_time_new(NULL, now, now, d, &d->time), 0);
	d->ca = pki_ca_new(name);
}

void
domain_done(struct domain *d)
{
	pki_ca_done(&d->ca);
	trust_time_free(d->time);
}

void
domain_rotate(struct domain *d)
{
	pki_ca_done(&d->ca);
	d->ca = pki_ca_new(d->name);
}

struct cert *
domain_issue(
    const struct domain *d, enum trust_role role, const struct key *k, int64_t until_ms)
{
	struct trust_name n = { .role = role, .id = pki_id(k) };
	char uri[TRUST_URI_MAX];

	memcpy(n.domain, d->name, sizeof n.domain);
	return pki_cert_of(&d->ca, k, trust_uri_format(&n, uri),
	    (until_ms < PKI_NOW ? until_ms : PKI_NOW) - PKI_DAY, until_ms);
}

static void
init_as(struct member *m, struct domain *d, enum trust_role role, const char *domain)
{
	m->key = pki_key();
	assert_int_equal(
	    credential_new(NULL, domain, role, m->key, d->time, &m->self), 0);
}

void
member_install(struct member *m, const struct domain *d, const struct cert *leaf)
{
	struct slice ca = cert_der(d->ca.cert);
	const char *why = "";
	uint64_t version = anchors_version(credential_anchors(m->self)) + 1;

	if (credential_install(m->self, cert_der(leaf), &ca, 1, version, &why) < 0)
		fail_msg("%s", why);
}

void
member_init(struct member *m, struct domain *d, enum trust_role role)
{
	struct cert *leaf;

	init_as(m, d, role, d->name);
	leaf = domain_issue(d, role, m->key, PKI_NOW + 7 * PKI_DAY);
	member_install(m, d, leaf);
	cert_unref(leaf);
}

void
member_init_stranger(struct member *m, struct domain *d)
{
	init_as(m, d, TRUST_AGENT, "");
}

void
member_deny(struct member *m, const struct fog_id *id)
{
	struct denial denial = { .id = *id };

	denial.version = anchors_denials(credential_anchors(m->self)) + 1;
	assert_int_equal(credential_update(m->self, 0, NULL, 0, &denial, 1), 0);
}

void
member_done(struct member *m)
{
	credential_free(m->self);
	key_free(m->key);
}
