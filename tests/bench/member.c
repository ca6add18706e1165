/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/member.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY (24 * 3600000LL)

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_REALTIME);
}

static int64_t
boot(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_BOOTTIME);
}

static void
check(int rc, const char *what)
{
	if (rc < 0)
		errx(1, "%s: %s", what, strerror(-rc));
}

static void
begin(struct bench_domain *d, const char *name)
{
	*d = (struct bench_domain){ 0 };
	memcpy(d->name, name, strnlen(name, FOG_NAME_MAX));
	check(trust_time_new(NULL, wall, boot, NULL, &d->time), "time");
}

void
bench_domain_init(struct bench_domain *d, const char *name)
{
	struct cert_spec spec = { .cn = name };

	begin(d, name);
	spec.not_before_ms = trust_time_now(d->time) - DAY;
	spec.not_after_ms = spec.not_before_ms + 3650 * DAY;
	check(key_new(KEY_P256, &d->ca_key), "key");
	check(cert_issue(d->ca_key, NULL, &spec, d->ca_key, &d->ca), "CA");
}

void
bench_domain_load(struct bench_domain *d, const char *name, const char *dir)
{
	char path[600];

	begin(d, name);
	snprintf(path, sizeof path, "%s/ca.key", dir);
	check(key_load(path, &d->ca_key), path);
	snprintf(path, sizeof path, "%s/ca.pem", dir);
	check(cert_load(path, 1, &d->ca), path);
}

void
bench_member_init(
    struct bench_member *m, const struct bench_domain *d, enum trust_role role)
{
	struct trust_name n = { .role = role };
	struct cert_spec spec = { .cn = "somebody" };
	struct slice ca = cert_der(d->ca);
	uint8_t fingerprint[32];
	char uri[TRUST_URI_MAX];
	const char *why = "";
	struct cert *c;

	check(key_new(KEY_P256, &m->key), "key");
	key_fingerprint(m->key, fingerprint);
	memcpy(n.domain, d->name, sizeof n.domain);
	memcpy(n.id.bytes, fingerprint, sizeof n.id.bytes);
	spec.uri = trust_uri_format(&n, uri);
	spec.not_before_ms = trust_time_now(d->time) - DAY / 24;
	spec.not_after_ms = spec.not_before_ms + 7 * DAY;
	check(cert_issue(d->ca_key, d->ca, &spec, m->key, &c), "certificate");
	check(
	    credential_new(NULL, d->name, role, m->key, d->time, &m->self), "credential");
	check(credential_install(m->self, cert_der(c), &ca, 1, 1, &why), why);
	cert_unref(c);
}
