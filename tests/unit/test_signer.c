/* SPDX-License-Identifier: Apache-2.0
 *
 * The real process, forked by the test. */
#include "controller/signer.h"

#include "base/crypto_cert.h"
#include "base/daemon.h"
#include "base/log.h"
#include "controller/signer_wire.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"
#include "trust/who.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW	   1795000000000LL
#define HOUR_MS	   (3600 * 1000LL)
#define DAY_MS	   (24 * HOUR_MS)
#define DEADLINE_S 20.0 /* only a failure takes so long */

struct box {
	char *dir;
	struct ev_loop *loop;
	struct signer *signer;
	struct key *ca_key, *node;
	struct cert *ca;
	struct fog_id id;
	uint8_t spki_memory[256];
	struct buf spki;
	/* of the last answer */
	unsigned answers, granted, busy;
	int err;
	struct cert *cert;
};

/* --- a CA in a directory ---------------------------------------------------------------------------- */
static const char *
path_of(const struct box *b, const char *file, char dst[PATH_MAX])
{
	snprintf(dst, PATH_MAX, "%s/%s", b->dir, file);
	return dst;
}

static void
make_ca(struct box *b, const char *domain, int64_t not_after_ms)
{
	const struct cert_spec spec = { .cn = domain,
		.not_before_ms = NOW - 100 * DAY_MS,
		.not_after_ms = not_after_ms };
	char path[PATH_MAX];

	key_free(b->ca_key);
	cert_unref(b->ca);
	b->ca = NULL;
	assert_int_equal(key_new(KEY_P256, &b->ca_key), 0);
	assert_int_equal(cert_issue(b->ca_key, NULL, &spec, b->ca_key, &b->ca), 0);
	unlink(path_of(b, "ca.key", path));
	assert_int_equal(key_save(b->ca_key, path), 0);
	assert_int_equal(cert_save(&b->ca, 1, path_of(b, "ca.pem", path)), 0);
}

static void
make_node(struct box *b)
{
	uint8_t fingerprint[32];

	key_free(b->node);
	assert_int_equal(key_new(KEY_P256, &b->node), 0);
	key_fingerprint(b->node, fingerprint);
	memcpy(b->id.bytes, fingerprint, sizeof b->id.bytes);
	buf_init_fixed(&b->spki, b->spki_memory, sizeof b->spki_memory);
	key_spki(b->node, &b->spki);
}

static void
start(struct box *b)
{
	assert_int_equal(signer_start(b->dir, &b->signer), 0);
	assert_int_equal(signer_attach(b->signer, b->loop), 0);
}

static int
setup(void **state)
{
	struct box *b = calloc(1, sizeof *b);

	b->dir = tempdir_new();
	b->loop = ev_loop_new(0);
	make_ca(b, "operator1", NOW + 3650 * DAY_MS);
	make_node(b);
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct box *b = *state;

	signer_stop(b->signer);
	key_free(b->ca_key);
	key_free(b->node);
	cert_unref(b->ca);
	cert_unref(b->cert);
	ev_loop_destroy(b->loop);
	tempdir_remove(b->dir);
	free(b);
	return 0;
}

/* --- asking ----------------------------------------------------------------------------------------- */
static void
take(void *arg, int err, struct slice certificate)
{
	struct box *b = arg;

	b->answers++;
	b->err = err;
	b->granted += !err;
	b->busy += err == -EAGAIN;
	cert_unref(b->cert);
	b->cert = NULL;
	if (!err)
		assert_int_equal(cert_parse(certificate, &b->cert), 0);
}

static void
on_deadline(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)w, (void)events;
	fail_msg("the signer has not answered");
}

static void
run_until(struct box *b, unsigned answers)
{
	ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0);
	ev_timer_start(b->loop, &deadline);
	while (b->answers < answers)
		ev_run(b->loop, EVRUN_ONCE);
	ev_timer_stop(b->loop, &deadline);
}

static int
ask(struct box *b, const struct fog_id *id, unsigned days, int64_t now_ms)
{
	unsigned answers = b->answers + 1;

	assert_int_equal(
	    signer_issue(b->signer, buf_slice(&b->spki), id, days, now_ms, take, b), 0);
	assert_int_equal(b->answers, answers - 1);
	run_until(b, answers);
	return b->err;
}

/* --- what it signs ------------------------------------------------------------------------------------ */
static void
a_node_gets_a_certificate_of_the_domain_for_its_key(void **state)
{
	struct box *b = *state;
	const struct cert_facts *f;
	struct trust_name name;
	char id[FOG_ID_TEXT];

	start(b);
	assert_int_equal(ask(b, &b->id, 7, NOW), 0);
	f = cert_facts(b->cert);
	assert_int_equal(trust_uri_parse(f->uri, &name), 0);
	assert_string_equal(name.domain, "operator1");
	assert_int_equal(name.role, TRUST_AGENT);
	assert_memory_equal(&name.id, &b->id, sizeof b->id);
	assert_string_equal(f->cn, fog_id_format(&b->id, id));
	assert_int_equal(f->serial_len, 16);
	assert_false(f->ca);
	assert_int_equal(f->not_before_ms, NOW - HOUR_MS);
	assert_int_equal(f->not_after_ms, NOW + 7 * DAY_MS);
	assert_int_equal(cert_verify(b->cert, &b->ca, 1, NOW, NULL), 0);
}

static void
nobody_gets_a_certificate_with_the_id_of_another_node_S_03(void **state)
{
	struct box *b = *state;
	const struct fog_id other = { { 1, 2, 3 } };

	start(b);
	assert_int_equal(ask(b, &other, 7, NOW), -EACCES);
	assert_int_equal(ask(b, &b->id, 7, NOW), 0);
}

static void
the_life_of_a_certificate_is_bounded(void **state)
{
	struct box *b = *state;

	start(b);
	assert_int_equal(ask(b, &b->id, SIGNER_DAYS_MAX, NOW), 0);
	assert_int_equal(ask(b, &b->id, SIGNER_DAYS_MAX + 1, NOW), -EACCES);
	assert_int_equal(ask(b, &b->id, 0, NOW), -EACCES);
	assert_int_equal(ask(b, &b->id, 7, 0), -EACCES);
}

static void
no_certificate_lives_longer_than_the_ca(void **state)
{
	struct box *b = *state;

	make_ca(b, "operator1", NOW + 2 * DAY_MS);
	start(b);
	assert_int_equal(ask(b, &b->id, 7, NOW), 0);
	assert_int_equal(cert_facts(b->cert)->not_after_ms, NOW + 2 * DAY_MS);
	assert_int_equal(ask(b, &b->id, 7, NOW + 2 * DAY_MS), -EKEYEXPIRED);
}

static void
bytes_that_are_no_key_are_refused_S_13(void **state)
{
	struct box *b = *state;
	static const uint8_t junk[SIGNER_SPKI_MAX + 1] = { 0x30, 0x82 };

	start(b);
	b->spki_memory[10] ^= 0x55;
	assert_int_equal(ask(b, &b->id, 7, NOW), -EACCES);
	assert_int_equal(signer_issue(b->signer, (struct slice){ junk, sizeof junk },
			     &b->id, 7, NOW, take, b),
	    -EACCES);
}

static void
not_more_than_so_many_are_signed_in_a_second(void **state)
{
	struct box *b = *state;
	unsigned asked = 0;

	start(b);
	for (unsigned i = 0; i < 2 * SIGNER_PER_S; i++) {
		asked += signer_issue(b->signer, buf_slice(&b->spki), &b->id, 7, NOW,
			     take, b) == 0;
		if (asked % 32 == 0)
			run_until(b, asked - 1);
	}
	run_until(b, asked);
	assert_int_equal(b->granted + b->busy, asked);
	assert_true(asked > SIGNER_PER_S);
	assert_true(b->granted >= SIGNER_PER_S);
	/* a slow machine may have needed a second more */
	assert_true(b->busy > 0 || b->granted <= 2 * SIGNER_PER_S);
}

static void
after_a_reload_the_new_ca_signs(void **state)
{
	struct box *b = *state;

	start(b);
	make_ca(b, "operator1", NOW + 3650 * DAY_MS);
	assert_int_equal(signer_reload(b->signer), 0);
	assert_int_equal(ask(b, &b->id, 7, NOW), 0);
	assert_int_equal(cert_verify(b->cert, &b->ca, 1, NOW, NULL), 0);
}

static void
a_reload_of_damaged_files_leaves_the_old_ca_in_force(void **state)
{
	struct box *b = *state;
	char path[PATH_MAX];

	start(b);
	assert_int_equal(daemon_write_file(path_of(b, "ca.pem", path), "junk\n", 5), 0);
	assert_int_equal(signer_reload(b->signer), 0);
	assert_int_equal(ask(b, &b->id, 7, NOW), 0);
	assert_int_equal(cert_verify(b->cert, &b->ca, 1, NOW, NULL), 0);
}

/* --- life --------------------------------------------------------------------------------------------- */
static void
without_a_ca_it_does_not_start(void **state)
{
	struct box *b = *state;
	char path[PATH_MAX];

	unlink(path_of(b, "ca.key", path));
	assert_int_equal(signer_start(b->dir, &b->signer), -ENOENT);
	make_ca(b, "operator1", NOW + DAY_MS);
	assert_int_equal(chmod(path_of(b, "ca.key", path), 0644), 0);
	assert_int_equal(signer_start(b->dir, &b->signer), -EPERM);
	make_ca(b, "no domain", NOW + DAY_MS);
	assert_int_equal(signer_start(b->dir, &b->signer), -EBADMSG);
	assert_null(b->signer);
}

static void
the_key_of_another_ca_is_no_pair(void **state)
{
	struct box *b = *state;
	CLEANUP(key_free) struct key *other = NULL;
	char path[PATH_MAX];

	assert_int_equal(key_new(KEY_P256, &other), 0);
	unlink(path_of(b, "ca.key", path));
	assert_int_equal(key_save(other, path), 0);
	assert_int_equal(signer_start(b->dir, &b->signer), -EBADMSG);
}

/* The only child of this process. */
static pid_t
find_child(void)
{
	char path[64];
	long pid = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &pid), 1);
	fclose(f);
	return (pid_t)pid;
}

static void
who_waits_is_told_when_the_process_has_gone(void **state)
{
	struct box *b = *state;

	start(b);
	assert_int_equal(kill(find_child(), SIGSTOP), 0);
	assert_int_equal(
	    signer_issue(b->signer, buf_slice(&b->spki), &b->id, 7, NOW, take, b), 0);
	assert_int_equal(kill(find_child(), SIGKILL), 0);
	run_until(b, 1);
	assert_int_equal(b->err, -EPIPE);
	assert_int_equal(
	    signer_issue(b->signer, buf_slice(&b->spki), &b->id, 7, NOW, take, b),
	    -EPIPE);
}

static void
stopping_ends_the_process_and_answers_nobody(void **state)
{
	struct box *b = *state;
	pid_t pid;

	start(b);
	pid = find_child();
	assert_int_equal(
	    signer_issue(b->signer, buf_slice(&b->spki), &b->id, 7, NOW, take, b), 0);
	signer_stop(b->signer);
	b->signer = NULL;
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(b->answers, 0);
}

/* What is in its memory is nobody else's, the same user's neither. */
static void
its_memory_cannot_be_looked_at_S_29(void **state)
{
	struct box *b = *state;
	char path[64];
	struct stat st;

	start(b);
	snprintf(path, sizeof path, "/proc/%ld/mem", (long)find_child());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(
	    st.st_uid, 0); /* the kernel's sign of a process that is not dumpable */
	if (getuid() != 0)
		assert_int_equal(access(path, R_OK), -1);
}

#define WITH_CA(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CA(a_node_gets_a_certificate_of_the_domain_for_its_key),
		WITH_CA(nobody_gets_a_certificate_with_the_id_of_another_node_S_03),
		WITH_CA(the_life_of_a_certificate_is_bounded),
		WITH_CA(no_certificate_lives_longer_than_the_ca),
		WITH_CA(bytes_that_are_no_key_are_refused_S_13),
		WITH_CA(not_more_than_so_many_are_signed_in_a_second),
		WITH_CA(after_a_reload_the_new_ca_signs),
		WITH_CA(a_reload_of_damaged_files_leaves_the_old_ca_in_force),
		WITH_CA(without_a_ca_it_does_not_start),
		WITH_CA(the_key_of_another_ca_is_no_pair),
		WITH_CA(who_waits_is_told_when_the_process_has_gone),
		WITH_CA(stopping_ends_the_process_and_answers_nobody),
		WITH_CA(its_memory_cannot_be_looked_at_S_29),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
