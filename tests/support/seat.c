/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/seat.h"

#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int64_t
now(void *arg)
{
	const struct seat *s = arg;

	return s->now_ms;
}

size_t
seat_cas(const struct seat *s, struct slice ret[TRUST_ANCHORS_MAX])
{
	for (size_t i = 0; i < s->cas; i++)
		ret[i] = cert_der(s->ca[i].cert);
	return s->cas;
}

static void
install(const struct seat *s, struct credential *c, const struct key *key,
    enum trust_role role, int days)
{
	struct cert *leaf = pki_cert(&s->ca[0], key, SEAT_DOMAIN, role, days);
	struct slice ca[TRUST_ANCHORS_MAX];
	size_t cas = seat_cas(s, ca);
	const char *why = "";
	int err = credential_install(c, cert_der(leaf), ca, cas, s->trust_version, &why);

	if (err)
		fail_msg("a certificate is not taken: %s", why);
	cert_unref(leaf);
}

static struct credential *
open_files(struct seat *s)
{
	struct credential *c;

	assert_int_equal(
	    credential_new(s->place, SEAT_DOMAIN, TRUST_CONTROLLER, s->key, s->time, &c),
	    0);
	return c;
}

void
seat_init(struct seat *s)
{
	*s = (struct seat){ .now_ms = PKI_NOW, .trust_version = 1 };
	s->ca[s->cas++] = pki_ca_new(SEAT_DOMAIN);
	s->key = pki_key();
	s->dir = tempdir_new();
	snprintf(s->place, sizeof s->place, "%s/domain", s->dir);
	assert_int_equal(trust_time_new(NULL, now, now, s, &s->time), 0);
	seat_open(s);
	install(s, s->self, s->key, TRUST_CONTROLLER, 90);
}

void
seat_done(struct seat *s)
{
	seat_close(s);
	trust_time_free(s->time);
	key_free(s->key);
	while (s->cas)
		pki_ca_done(&s->ca[--s->cas]);
	tempdir_remove(s->dir);
}

void
seat_close(struct seat *s)
{
	credential_free(TAKE(s->self));
}

void
seat_open(struct seat *s)
{
	s->self = open_files(s);
}

void
seat_rotate(struct seat *s)
{
	CLEANUP(credential_free) struct credential *c = open_files(s);

	assert_in_range(s->cas, 1, TRUST_ANCHORS_MAX - 1);
	memmove(&s->ca[1], &s->ca[0], s->cas * sizeof s->ca[0]);
	s->ca[0] = pki_ca_new(SEAT_DOMAIN);
	s->cas++;
	s->trust_version++;
	install(s, c, s->key, TRUST_CONTROLLER, 90);
}

void
seat_save_ca(const struct seat *s, const char *dir)
{
	struct cert *cert[TRUST_ANCHORS_MAX];
	char path[300];

	for (size_t i = 0; i < s->cas; i++)
		cert[i] = s->ca[i].cert;
	snprintf(path, sizeof path, "%s/ca.pem", dir);
	assert_int_equal(cert_save(cert, s->cas, path), 0);
	snprintf(path, sizeof path, "%s/ca.key", dir);
	unlink(path);
	assert_int_equal(key_save(s->ca[0].key, path), 0);
}

struct credential *
seat_admit(struct seat *s, const struct key *key)
{
	struct credential *c;

	assert_int_equal(
	    credential_new(NULL, SEAT_DOMAIN, TRUST_AGENT, key, s->time, &c), 0);
	install(s, c, key, TRUST_AGENT, 7);
	return c;
}
