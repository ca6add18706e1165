/* SPDX-License-Identifier: Apache-2.0
 *
 * The process that holds the CA's key. Whoever takes the controller over can ask it for certificates of
 * nodes whose keys he has, and for nothing else: no other role, no other node's name, no longer life,
 * not many at a time. */
#include "controller/signer_wire.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "trust/who.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAS_MAX	  3
#define HOUR_MS	  (3600 * 1000LL)
#define DAY_MS	  (24 * HOUR_MS)
#define SECOND_MS 1000

struct state {
	int sock;
	const char *ca_dir;
	struct key *key;
	struct cert *ca;
	char domain[FOG_NAME_MAX + 1];
	int64_t second_ms; /* begin of the second that issued counts in */
	unsigned issued;
};

/* --- the files of the CA -------------------------------------------------------------------------- */
static int
load_certificate(const char *ca_dir, struct cert **ret)
{
	struct cert *all[CAS_MAX];
	char path[PATH_MAX];
	int n;

	snprintf(path, sizeof path, "%s/ca.pem", ca_dir);
	n = cert_load(path, CAS_MAX, all);
	if (n <= 0)
		return n ? n : -EBADMSG;
	for (int i = 1; i < n; i++)
		cert_unref(all[i]);
	*ret = all[0];
	return 0;
}

static bool
fits(const struct key *key, const struct cert *ca)
{
	const struct cert_facts *facts = cert_facts(ca);
	uint8_t fingerprint[32];

	key_fingerprint(key, fingerprint);
	return facts->ca && trust_is_domain(facts->cn) &&
	    memcmp(fingerprint, facts->key_fingerprint, sizeof fingerprint) == 0;
}

/* What is there stays in use unless all of the new is sound. */
static int
load_ca(struct state *s)
{
	CLEANUP(key_free) struct key *key = NULL;
	CLEANUP(cert_unref) struct cert *ca = NULL;
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof path, "%s/ca.key", s->ca_dir);
	err = key_load(path, &key);
	if (!err)
		err = load_certificate(s->ca_dir, &ca);
	if (!err && !fits(key, ca))
		err = -EBADMSG;
	if (err)
		return err;
	key_free(s->key);
	cert_unref(s->ca);
	s->key = TAKE(key);
	s->ca = TAKE(ca);
	snprintf(s->domain, sizeof s->domain, "%s", cert_facts(s->ca)->cn);
	return 0;
}

/* --- the policy ------------------------------------------------------------------------------------ */
static bool
is_too_many(struct state *s)
{
	int64_t now = clock_boot_ms();

	if (now - s->second_ms >= SECOND_MS) {
		s->second_ms = now;
		s->issued = 0;
	}
	return s->issued++ >= SIGNER_PER_S;
}

/* A node's id is that of its key: nobody gets a certificate in the name of another one (S-03). */
static int
check_request(const struct signer_request *r, struct key **ret)
{
	CLEANUP(key_free) struct key *subject = NULL;
	uint8_t fingerprint[32];

	if (r->days < 1 || r->days > SIGNER_DAYS_MAX || r->spki_len > sizeof r->spki ||
	    r->now_ms <= HOUR_MS)
		return -EACCES;
	if (key_from_spki((struct slice){ r->spki, r->spki_len }, &subject))
		return -EACCES;
	key_fingerprint(subject, fingerprint);
	if (key_kind(subject) != KEY_P256 ||
	    memcmp(fingerprint, r->id.bytes, sizeof r->id.bytes) != 0)
		return -EACCES;
	*ret = TAKE(subject);
	return 0;
}

static int
issue(struct state *s, const struct signer_request *r, struct cert **ret)
{
	CLEANUP(key_free) struct key *subject = NULL;
	struct trust_name name = { .role = TRUST_AGENT, .id = r->id };
	int64_t end = cert_facts(s->ca)->not_after_ms;
	char uri[TRUST_URI_MAX], cn[FOG_ID_TEXT];
	struct cert_spec spec = { .cn = fog_id_format(&r->id, cn),
		.not_before_ms = r->now_ms - HOUR_MS,
		.not_after_ms = r->now_ms + r->days * DAY_MS };
	int err = check_request(r, &subject);

	if (err)
		return err;
	if (is_too_many(s))
		return -EAGAIN;
	if (spec.not_after_ms > end)
		spec.not_after_ms = end;
	if (spec.not_after_ms <= r->now_ms)
		return -EKEYEXPIRED;
	snprintf(name.domain, sizeof name.domain, "%s", s->domain);
	spec.uri = trust_uri_format(&name, uri);
	return cert_issue(s->key, s->ca, &spec, subject, ret);
}

/* --- life ------------------------------------------------------------------------------------------ */
static void
answer(struct state *s, uint32_t number, int err, const struct cert *cert)
{
	struct signer_answer a = { .number = number, .err = err };
	struct slice der = cert ? cert_der(cert) : (struct slice){ 0 };

	if (der.len > sizeof a.certificate)
		a.err = -EMSGSIZE;
	else if (der.len)
		memcpy(a.certificate, der.data, a.len = (uint32_t)der.len);
	while (send(s->sock, &a, sizeof a, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void
serve(struct state *s, const struct signer_request *r)
{
	CLEANUP(cert_unref) struct cert *cert = NULL;
	int err = -EACCES;

	if (r->op == SIGNER_ISSUE)
		err = issue(s, r, &cert);
	else if (r->op == SIGNER_RELOAD)
		err = load_ca(s);
	answer(s, r->number, err, err ? NULL : cert);
}

static void
work(struct state *s)
{
	struct signer_request r;
	ssize_t n;

	do {
		n = recv(s->sock, &r, sizeof r, MSG_TRUNC);
		if (n == (ssize_t)sizeof r)
			serve(s, &r);
	} while (n > 0 || (n < 0 && errno == EINTR));
}

/* Signals of a terminal or a service manager are for the controller, with which we end. */
static void
settle(int sock)
{
	static const int deaf[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct rlimit none = { 0, 0 };

	prctl(PR_SET_NAME, "signer");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	setrlimit(RLIMIT_CORE, &none);
	for (size_t i = 0; i < ARRAY_LEN(deaf); i++)
		signal(deaf[i], SIG_IGN);
	if (sock > 3)
		close_range(3, (unsigned)sock - 1, 0);
	close_range((unsigned)sock + 1, ~0U, 0);
}

static void
enter_sandbox(const struct state *s)
{
	const char *const none[] = { NULL }, *const ca[] = { s->ca_dir, NULL };
	const struct sandbox_paths paths = { .read_write = none, .read_only = ca };
	struct sandbox_state in_force;

	if (sandbox_enter(&paths, false, &in_force))
		log_warnx("signer",
		    "only a part of its sandbox is in force: Landlock ABI %d,"
		    " seccomp %s",
		    in_force.landlock, in_force.seccomp ? "yes" : "no");
}

void
signer_main(int sock, const char *ca_dir, pid_t controller)
{
	struct state s = { .sock = sock, .ca_dir = ca_dir };
	int err;

	settle(sock);
	enter_sandbox(&s);
	err = load_ca(&s);
	answer(&s, 0, err, NULL);
	if (!err && getppid() == controller)
		work(&s);
	key_free(s.key);
	cert_unref(s.ca);
	_exit(0);
}
