/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "tests/support/pki.h"
#include "tests/support/tempdir.h"
#include "trust/credential.h"

static struct pki_ca ca, other;
static struct key *key;
static struct trust_time *fog_time;
static struct credential *c;
static char *dir, place[256];
static int64_t now;
static const char *why;

static int64_t
clock_now(void *arg)
{
	(void)arg;
	return now;
}

static int64_t
clock_boot(void *arg)
{
	(void)arg;
	return 1000;
}

static int
open_as(const char *domain, enum trust_role role)
{
	return credential_new(place, domain, role, key, fog_time, &c);
}

static int
setup(void **state)
{
	(void)state;
	ca = pki_ca_new("plant CA 1");
	other = pki_ca_new("plant CA 2");
	key = pki_key();
	dir = tempdir_new();
	snprintf(place, sizeof place, "%s/domains/plant", dir);
	now = PKI_NOW;
	assert_int_equal(trust_time_new(NULL, clock_now, clock_boot, NULL, &fog_time), 0);
	return open_as("plant", TRUST_AGENT);
}

static int
teardown(void **state)
{
	(void)state;
	credential_free(c);
	trust_time_free(fog_time);
	key_free(key);
	pki_ca_done(&other);
	pki_ca_done(&ca);
	tempdir_remove(dir);
	return 0;
}

static void
reopen(void)
{
	credential_free(c);
	assert_int_equal(open_as("plant", TRUST_AGENT), 0);
}

static int
install(struct cert *cert, const struct pki_ca *from, uint64_t version)
{
	struct slice der = from ? cert_der(from->cert) : (struct slice){ 0 };
	int r;

	why = "";
	r = credential_install(c, cert_der(cert), &der, from != NULL, version, &why);
	if (r < 0)
		assert_true(*why);
	cert_unref(cert);
	return r;
}

static struct cert *
leaf(void)
{
	return pki_cert(&ca, key, "plant", TRUST_AGENT, 7);
}

static void
join(void)
{
	assert_int_equal(install(leaf(), &ca, 1), 0);
}

static char *
file(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", place, name);
	return path;
}

static bool
exists(const char *name)
{
	return access(file(name), F_OK) == 0;
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(file(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
assert_holds(const char *name, const char *text)
{
	char back[8192] = "";
	FILE *f = fopen(file(name), "r");

	assert_non_null(f);
	assert_true(fread(back, 1, sizeof back - 1, f) < sizeof back - 1);
	fclose(f);
	assert_string_equal(back, text);
}

/* --- joining ---------------------------------------------------------------------------- */

static void
at_first_there_is_an_id_and_no_certificate(void **state)
{
	struct fog_id id = pki_id(key);
	char hint[17];
	struct stat st;

	(void)state;
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
	assert_memory_equal(&credential_name(c)->id, &id, sizeof id);
	assert_string_equal(credential_name(c)->domain, "plant");
	assert_null(credential_cert(c, ""));
	assert_string_equal(credential_hint(c, hint), "");
	assert_true(credential_renew_ms(c) == INT64_MAX);
	assert_ptr_equal(credential_key(c), key);
	assert_int_equal(stat(place, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

static void
a_certificate_makes_a_member_and_stays_over_a_restart(void **state)
{
	unsigned before = credential_generation(c);
	struct cert *cas[TRUST_ANCHORS_MAX];

	(void)state;
	join();
	assert_true(credential_generation(c) != before);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(credential_state(c), CREDENTIAL_VALID);
		assert_non_null(credential_cert(c, ""));
		assert_int_equal(anchors_get(credential_anchors(c), cas), 1);
		assert_int_equal(anchors_version(credential_anchors(c)), 1);
		reopen();
	}
}

static void
the_domain_is_learnt_with_the_certificate(void **state)
{
	(void)state;
	credential_free(c);
	assert_int_equal(open_as("", TRUST_AGENT), 0);
	assert_string_equal(credential_name(c)->domain, "");
	join();
	assert_string_equal(credential_name(c)->domain, "plant");
	assert_string_equal(anchors_domain(credential_anchors(c)), "plant");
	credential_free(c);
	assert_int_equal(open_as("", TRUST_AGENT), 0);
	assert_string_equal(credential_name(c)->domain, "plant");
	assert_int_equal(
	    install(pki_cert(&ca, key, "farm", TRUST_AGENT, 7), &ca, 1), -EKEYREJECTED);
	credential_forget(c);
	assert_string_equal(credential_name(c)->domain, "");
	assert_int_equal(install(pki_cert(&ca, key, "farm", TRUST_AGENT, 7), &ca, 1), 0);
}

static void
a_certificate_that_is_not_ours_changes_nothing(void **state)
{
	struct key *k = pki_key();
	struct trust_name n = { .domain = "plant", .role = TRUST_AGENT, .id = pki_id(k) };
	char uri[TRUST_URI_MAX];
	unsigned before;

	(void)state;
	join();
	before = credential_generation(c);
	assert_int_equal(
	    install(pki_cert(&ca, k, "plant", TRUST_AGENT, 7), &ca, 2), -EKEYREJECTED);
	assert_int_equal(install(pki_cert_of(&ca, key, trust_uri_format(&n, uri),
				     PKI_NOW - PKI_HOUR, PKI_NOW + PKI_DAY),
			     &ca, 2),
	    -EKEYREJECTED); /* our key, another's id */
	assert_int_equal(
	    install(pki_cert(&ca, key, "plant", TRUST_CONTROLLER, 7), &ca, 2),
	    -EKEYREJECTED);
	assert_int_equal(
	    install(pki_cert(&ca, key, "farm", TRUST_AGENT, 7), &ca, 2), -EKEYREJECTED);
	assert_int_equal(install(pki_cert(&other, key, "plant", TRUST_AGENT, 7), &ca, 2),
	    -EKEYREJECTED);
	assert_int_equal(install(pki_cert(&other, key, "plant", TRUST_AGENT, 7), NULL, 0),
	    -EKEYREJECTED);
	assert_int_equal(
	    install(pki_cert_of(&ca, key, "urn:x:y", PKI_NOW, PKI_NOW + PKI_DAY), &ca, 2),
	    -EKEYREJECTED);
	assert_int_equal(
	    credential_install(c, slice_text("no certificate"), NULL, 0, 0, &why),
	    -EBADMSG);
	assert_int_equal(credential_generation(c), before);
	assert_int_equal(anchors_version(credential_anchors(c)), 1);
	assert_holds("trust.version", "1\n");
	key_free(k);
}

static void
what_has_expired_already_is_not_installed(void **state)
{
	struct fog_id id = pki_id(key);
	struct trust_name n = { .domain = "plant", .role = TRUST_AGENT, .id = id };
	char uri[TRUST_URI_MAX];

	(void)state;
	assert_int_equal(install(pki_cert_of(&ca, key, trust_uri_format(&n, uri),
				     PKI_NOW - PKI_DAY, PKI_NOW - PKI_HOUR),
			     &ca, 1),
	    -EKEYREJECTED);
	assert_false(exists("trust.pem"));
	assert_false(exists("certificate.pem"));
}

static void
one_that_is_valid_tomorrow_is_taken_for_the_clock_is_behind_S_20(void **state)
{
	(void)state;
	now = 0; /* no clock: the day the program was made */
	join();
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
	assert_true(credential_renew_ms(c) > credential_now(c));
}

static void
a_ca_that_is_none_is_refused(void **state)
{
	struct cert *cert = leaf();
	struct slice der[4] = { cert_der(ca.cert), cert_der(cert), slice_text("?"),
		cert_der(ca.cert) };

	(void)state;
	assert_int_equal(
	    credential_install(c, cert_der(cert), der, 2, 1, &why), -EKEYREJECTED);
	assert_int_equal(credential_install(c, cert_der(cert), der, 4, 1, &why), -E2BIG);
	der[1] = der[2];
	assert_int_equal(
	    credential_install(c, cert_der(cert), der, 2, 1, &why), -EBADMSG);
	assert_int_equal(credential_update(c, 9, der, 2, NULL, 0), -EBADMSG);
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
	assert_false(exists("trust.pem"));
	cert_unref(cert);
}

static void
what_cannot_be_written_is_not_used(void **state)
{
	(void)state;
	tempdir_remove(strdup(dir)); /* the disk has gone */
	assert_true(install(leaf(), &ca, 1) < 0);
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
}

static void
nothing_is_kept_without_a_directory(void **state)
{
	(void)state;
	credential_free(c);
	assert_int_equal(
	    credential_new(NULL, "plant", TRUST_AGENT, key, fog_time, &c), 0);
	join();
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
	credential_forget(c);
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
}

/* --- time ------------------------------------------------------------------------------- */

static void
a_certificate_lapses_for_90_days_and_is_none_then_S_20(void **state)
{
	int64_t end = PKI_NOW - PKI_HOUR + 7 * PKI_DAY;

	(void)state;
	join();
	now = end;
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
	now = end + 1000;
	assert_int_equal(credential_state(c), CREDENTIAL_LAPSED);
	assert_non_null(credential_cert(c, "")); /* to renew with */
	now = end + TRUST_LAPSED_MAX_MS;
	assert_int_equal(credential_state(c), CREDENTIAL_LAPSED);
	now++;
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
}

static void
a_clock_ten_years_ahead_does_not_end_a_membership_S_20(void **state)
{
	(void)state;
	join();
	now = PKI_NOW + 3650 * PKI_DAY;
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
	reopen();
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
}

static void
renewal_is_due_at_half_of_the_life_and_not_for_all_at_once(void **state)
{
	int64_t begin = PKI_NOW - PKI_HOUR, life = 7 * PKI_DAY, first = 0;
	bool differs = false;

	(void)state;
	for (int i = 0; i < 8; i++) {
		int64_t due;

		key_free(key);
		key = pki_key();
		credential_forget(c);
		reopen();
		join();
		due = credential_renew_ms(c);
		assert_true(due >= begin + life / 2 - life / 10);
		assert_true(due <= begin + life / 2 + life / 10);
		first = first ? first : due;
		differs |= due != first;
	}
	assert_true(differs);
}

/* --- news of the domain ----------------------------------------------------------------- */

static struct denial
denial(uint64_t version)
{
	struct denial d = { .version = version, .id = { { (uint8_t)version, 0xab } } };

	return d;
}

static bool
is_denied(unsigned n)
{
	struct denial d = denial(n);

	return anchors_denies(credential_anchors(c), &d.id, (struct slice){ 0 });
}

static void
denials_are_written_down_and_come_back_S_19(void **state)
{
	struct denial d[] = { denial(1), denial(2), denial(3) };

	(void)state;
	join();
	memset(d[1].serial, 0x5a, sizeof d[1].serial);
	assert_int_equal(credential_update(c, 0, NULL, 0, d, 2), 0);
	assert_holds("denied",
	    "1 01ab0000000000000000000000000000 *\n"
	    "2 02ab0000000000000000000000000000 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n");
	assert_int_equal(credential_update(c, 0, NULL, 0, d, 3), 0); /* two are known */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(anchors_denials(credential_anchors(c)), 3);
		assert_true(is_denied(1));
		assert_false(is_denied(2)); /* a serial of it */
		assert_true(is_denied(3));
		reopen();
	}
}

static void
a_gap_in_the_denials_is_told_and_what_came_before_holds(void **state)
{
	struct denial d[] = { denial(1), denial(3) };

	(void)state;
	assert_int_equal(credential_update(c, 0, NULL, 0, d, 2), -ENODATA);
	assert_int_equal(anchors_denials(credential_anchors(c)), 1);
	reopen();
	assert_true(is_denied(1));
	assert_false(is_denied(3));
}

static void
old_news_changes_nothing_S_08(void **state)
{
	struct slice der[2] = { cert_der(other.cert), cert_der(ca.cert) };
	struct denial d = denial(1);
	unsigned before;

	(void)state;
	join();
	assert_int_equal(credential_update(c, 5, der, 2, &d, 1), 0);
	before = credential_generation(c);
	assert_int_equal(credential_update(c, 4, der, 1, &d, 1), 0);
	assert_int_equal(credential_update(c, 5, der, 1, &d, 1), 0);
	assert_int_equal(credential_generation(c), before);
	assert_int_equal(anchors_version(credential_anchors(c)), 5);
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
	/* nor with a certificate: its CAs are older than what is known */
	assert_int_equal(install(pki_cert(&ca, key, "plant", TRUST_AGENT, 7), &ca, 3), 0);
	assert_int_equal(anchors_version(credential_anchors(c)), 5);
	reopen();
	assert_int_equal(anchors_version(credential_anchors(c)), 5);
}

/* --- rotation --------------------------------------------------------------------------- */

static void
each_peer_is_shown_the_certificate_of_the_ca_that_it_knows_S_35(void **state)
{
	struct slice der[2] = { cert_der(other.cert), cert_der(ca.cert) };
	char old[17], new[17];
	struct cert *was;

	(void)state;
	join();
	credential_hint(c, old);
	was = cert_ref(credential_cert(c, old));
	assert_int_equal(credential_update(c, 2, der, 2, NULL, 0), 0);
	credential_hint(c, new);
	assert_string_not_equal(old, new);
	assert_ptr_equal(credential_cert(c, new), was); /* there is no other yet */
	assert_int_equal(
	    install(pki_cert(&other, key, "plant", TRUST_AGENT, 7), NULL, 0), 0);
	for (int round = 0; round < 2; round++) {
		struct slice is = cert_der(credential_cert(c, old));

		assert_true(slice_equal(is, cert_der(was)));
		assert_memory_equal(
		    cert_facts(credential_cert(c, new))->issuer_fingerprint,
		    cert_facts(other.cert)->key_fingerprint, 32);
		assert_ptr_equal(credential_cert(c, NULL), credential_cert(c, new));
		assert_ptr_equal(
		    credential_cert(c, "0123456789abcdef"), credential_cert(c, new));
		reopen();
	}
	cert_unref(was);
}

/* Who was away during the rotation knows the old CA alone, everybody else both. */
static void
where_nothing_is_known_the_certificate_of_the_oldest_ca_is_shown_S_35(void **state)
{
	struct slice der[2] = { cert_der(other.cert), cert_der(ca.cert) };
	char old[17];

	(void)state;
	assert_null(credential_common(c));
	join();
	credential_hint(c, old);
	assert_int_equal(credential_update(c, 2, der, 2, NULL, 0), 0);
	assert_int_equal(
	    install(pki_cert(&other, key, "plant", TRUST_AGENT, 30), NULL, 0), 0);
	assert_ptr_equal(credential_common(c), credential_cert(c, old));
	assert_ptr_not_equal(credential_common(c), credential_cert(c, NULL));
	now += 8 * PKI_DAY; /* the older one has expired */
	assert_ptr_equal(credential_common(c), credential_cert(c, NULL));
	now -= 8 * PKI_DAY;
	assert_int_equal(credential_update(c, 3, der, 1, NULL, 0), 0);
	assert_ptr_equal(credential_common(c), credential_cert(c, NULL));
}

static void
a_certificate_of_a_ca_that_was_dropped_is_none_S_35(void **state)
{
	struct slice der = cert_der(other.cert);

	(void)state;
	join();
	assert_int_equal(credential_update(c, 2, &der, 1, NULL, 0), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(credential_state(c), CREDENTIAL_NONE);
		assert_null(credential_cert(c, ""));
		assert_true(credential_renew_ms(c) == INT64_MAX);
		reopen();
	}
}

static void
a_renewed_certificate_replaces_the_one_before(void **state)
{
	struct cert *second = pki_cert(&ca, key, "plant", TRUST_AGENT, 14);
	struct slice der = cert_der(cert_ref(second));

	(void)state;
	join();
	assert_int_equal(install(second, NULL, 0), 0);
	assert_true(slice_equal(cert_der(credential_cert(c, "")), der));
	reopen();
	assert_true(slice_equal(cert_der(credential_cert(c, "")), der));
	assert_int_equal(anchors_version(credential_anchors(c)), 1);
	cert_unref(second);
}

static void
the_pin_is_a_hint_before_there_is_a_ca(void **state)
{
	char hint[17], expected[17];

	(void)state;
	hex_format(cert_facts(ca.cert)->key_fingerprint, 8, expected);
	anchors_pin(credential_anchors(c), cert_facts(ca.cert)->key_fingerprint);
	assert_string_equal(credential_hint(c, hint), expected);
	join();
	assert_string_equal(credential_hint(c, hint), expected);
}

/* --- files ------------------------------------------------------------------------------ */

static void
leaving_removes_the_files(void **state)
{
	struct denial d = denial(1);

	(void)state;
	join();
	assert_int_equal(credential_update(c, 0, NULL, 0, &d, 1), 0);
	assert_true(exists("denied"));
	credential_forget(c);
	assert_int_equal(credential_state(c), CREDENTIAL_NONE);
	assert_false(exists("certificate.pem") || exists("trust.pem") ||
	    exists("trust.version") || exists("denied"));
	assert_false(is_denied(1));
	join();
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
}

static void
what_somebody_else_has_changed_is_read_again(void **state)
{
	struct cert *both[TRUST_ANCHORS_MAX] = { other.cert, ca.cert };
	struct anchors *same = credential_anchors(c);

	(void)state;
	join();
	assert_int_equal(cert_save(both, 2, file("trust.pem")), 0);
	write_file("trust.version", "2\n");
	assert_int_equal(credential_reload(c), 0);
	assert_ptr_equal(credential_anchors(c), same);
	assert_int_equal(anchors_version(same), 2);
	assert_int_equal(anchors_get(same, both), 2);
	write_file("trust.version", "two\n");
	assert_int_equal(credential_reload(c), -EBADMSG);
	assert_int_equal(anchors_version(same), 2);
	assert_int_equal(credential_state(c), CREDENTIAL_VALID);
}

static void
a_damaged_file_is_told_and_left_as_it_is(void **state)
{
	static const struct {
		const char *name, *text;
	} wrong[] = {
		{ "certificate.pem", "" },
		{ "certificate.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n" },
		{ "trust.pem", "what is this?\n" },
		{ "trust.version",
		    ""
		    "1" },
		{ "trust.version", "1\n2\n" },
		{ "trust.version", "-1\n" },
		{ "trust.version", "01\n" },
		{ "trust.version", "99999999999999999999\n" },
		{ "denied", "1 01ab0000000000000000000000000000 *" },
		{ "denied", "2 01ab0000000000000000000000000000 *\n" },
		{ "denied", "1 01ab000000000000000000000000 *\n" },
		{ "denied", "1 01ab0000000000000000000000000000\n" },
		{ "denied", "1 01ab0000000000000000000000000000 5a\n" },
		{ "denied", "1  01ab0000000000000000000000000000 *\n" },
		{ "denied",
		    "1 01ab0000000000000000000000000000 "
		    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n" },
		{ "denied", "\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		credential_forget(c);
		join();
		write_file(wrong[i].name, wrong[i].text);
		credential_free(c);
		c = NULL;
		if (open_as("plant", TRUST_AGENT) != -EBADMSG)
			fail_msg("%s \"%s\" was taken", wrong[i].name, wrong[i].text);
		assert_holds(wrong[i].name, wrong[i].text);
		assert_int_equal(unlink(file(wrong[i].name)), 0);
		assert_int_equal(open_as("plant", TRUST_AGENT), 0);
	}
}

static void
somebody_elses_certificate_in_the_directory_is_refused(void **state)
{
	struct key *mine = key;

	(void)state;
	join();
	credential_free(c);
	c = NULL;
	assert_int_equal(open_as("farm", TRUST_AGENT), -EKEYREJECTED);
	assert_int_equal(open_as("plant", TRUST_CONTROLLER), -EKEYREJECTED);
	key = pki_key();
	assert_int_equal(open_as("plant", TRUST_AGENT), -EKEYREJECTED);
	key_free(key);
	key = mine;
	assert_true(exists("certificate.pem"));
	assert_int_equal(open_as("plant", TRUST_AGENT), 0);
}

static void
a_directory_that_others_may_write_to_is_refused(void **state)
{
	(void)state;
	credential_free(c);
	c = NULL;
	assert_int_equal(chmod(place, 0770), 0);
	assert_int_equal(open_as("plant", TRUST_AGENT), -EPERM);
	assert_int_equal(chmod(place, 0702), 0);
	assert_int_equal(open_as("plant", TRUST_AGENT), -EPERM);
	assert_int_equal(chmod(place, 0700), 0);
	assert_int_equal(open_as("not a domain", TRUST_AGENT), -EINVAL);
	assert_int_equal(open_as("plant", TRUST_AGENT), 0);
}

#define CREDENTIAL_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CREDENTIAL_TEST(at_first_there_is_an_id_and_no_certificate),
		CREDENTIAL_TEST(a_certificate_makes_a_member_and_stays_over_a_restart),
		CREDENTIAL_TEST(the_domain_is_learnt_with_the_certificate),
		CREDENTIAL_TEST(a_certificate_that_is_not_ours_changes_nothing),
		CREDENTIAL_TEST(what_has_expired_already_is_not_installed),
		CREDENTIAL_TEST(
		    one_that_is_valid_tomorrow_is_taken_for_the_clock_is_behind_S_20),
		CREDENTIAL_TEST(a_ca_that_is_none_is_refused),
		CREDENTIAL_TEST(what_cannot_be_written_is_not_used),
		CREDENTIAL_TEST(nothing_is_kept_without_a_directory),
		CREDENTIAL_TEST(a_certificate_lapses_for_90_days_and_is_none_then_S_20),
		CREDENTIAL_TEST(a_clock_ten_years_ahead_does_not_end_a_membership_S_20),
		CREDENTIAL_TEST(
		    renewal_is_due_at_half_of_the_life_and_not_for_all_at_once),
		CREDENTIAL_TEST(denials_are_written_down_and_come_back_S_19),
		CREDENTIAL_TEST(a_gap_in_the_denials_is_told_and_what_came_before_holds),
		CREDENTIAL_TEST(old_news_changes_nothing_S_08),
		CREDENTIAL_TEST(
		    each_peer_is_shown_the_certificate_of_the_ca_that_it_knows_S_35),
		CREDENTIAL_TEST(
		    where_nothing_is_known_the_certificate_of_the_oldest_ca_is_shown_S_35),
		CREDENTIAL_TEST(a_certificate_of_a_ca_that_was_dropped_is_none_S_35),
		CREDENTIAL_TEST(a_renewed_certificate_replaces_the_one_before),
		CREDENTIAL_TEST(the_pin_is_a_hint_before_there_is_a_ca),
		CREDENTIAL_TEST(leaving_removes_the_files),
		CREDENTIAL_TEST(what_somebody_else_has_changed_is_read_again),
		CREDENTIAL_TEST(a_damaged_file_is_told_and_left_as_it_is),
		CREDENTIAL_TEST(somebody_elses_certificate_in_the_directory_is_refused),
		CREDENTIAL_TEST(a_directory_that_others_may_write_to_is_refused),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
