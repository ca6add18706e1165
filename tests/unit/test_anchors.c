/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <string.h>

#include "tests/support/pki.h"
#include "trust/anchors.h"

#define AGENT	   TRUST_BIT(TRUST_AGENT)
#define CONTROLLER TRUST_BIT(TRUST_CONTROLLER)
#define MEMBERS	   (AGENT | CONTROLLER)

static struct pki_ca ca, other;
static struct key *key;
static struct anchors *a;

static int
setup(void **state)
{
	(void)state;
	ca = pki_ca_new("plant CA");
	other = pki_ca_new("plant CA"); /* the name proves nothing */
	key = pki_key();
	assert_int_equal(anchors_new("plant", &a), 0);
	return anchors_set(a, 1, &ca.cert, 1);
}

static int
teardown(void **state)
{
	(void)state;
	anchors_free(a);
	key_free(key);
	pki_ca_done(&other);
	pki_ca_done(&ca);
	return 0;
}

static int
judge_at(struct cert *leaf, unsigned roles, int64_t now_ms, struct trust_name *ret)
{
	const char *why = NULL;
	int r = anchors_judge(a, &leaf, 1, roles, now_ms, ret, &why);

	if (r < 0)
		assert_true(why && *why);
	cert_unref(leaf);
	return r;
}

static int
judge(struct cert *leaf, unsigned roles)
{
	struct trust_name n;

	return judge_at(leaf, roles, PKI_NOW, &n);
}

static struct cert *
leaf(enum trust_role role)
{
	return pki_cert(&ca, key, "plant", role, 7);
}

/* --- who is good ------------------------------------------------------------------------ */

static void
a_member_is_who_its_certificate_says(void **state)
{
	struct fog_id id = pki_id(key);
	struct trust_name n;

	(void)state;
	assert_int_equal(judge_at(leaf(TRUST_AGENT), MEMBERS, PKI_NOW, &n), 0);
	assert_string_equal(n.domain, "plant");
	assert_int_equal(n.role, TRUST_AGENT);
	assert_memory_equal(&n.id, &id, sizeof id);
}

static void
each_role_is_good_where_it_is_wanted_alone_S_04(void **state)
{
	(void)state;
	for (unsigned role = TRUST_AGENT; role < TRUST_ROLES; role++)
		for (unsigned wanted = TRUST_AGENT; wanted < TRUST_ROLES; wanted++)
			assert_int_equal(
			    judge(leaf((enum trust_role)role), TRUST_BIT(wanted)),
			    role == wanted ? 0 : -EKEYREJECTED);
}

static void
strangers_are_refused_S_02(void **state)
{
	struct trust_name n;
	const char *why;

	(void)state;
	assert_int_equal(
	    anchors_judge(a, NULL, 0, MEMBERS, PKI_NOW, &n, &why), -EKEYREJECTED);
	assert_int_equal(judge(pki_cert(&other, key, "plant", TRUST_AGENT, 7), MEMBERS),
	    -EKEYREJECTED);
	assert_int_equal(
	    judge(pki_cert(&(struct pki_ca){ key, NULL }, key, "plant", TRUST_AGENT, 7),
		MEMBERS),
	    -EKEYREJECTED);
	assert_int_equal(
	    judge(pki_cert(&ca, key, "plants", TRUST_AGENT, 7), MEMBERS), -EKEYREJECTED);
}

/* The real CA behind a leaf of another one proves nothing. */
static void
what_is_shown_behind_the_certificate_is_no_anchor_S_16(void **state)
{
	struct cert *chain[2] = { pki_cert(&other, key, "plant", TRUST_AGENT, 7),
		ca.cert };
	struct trust_name n;
	const char *why;

	(void)state;
	assert_int_equal(
	    anchors_judge(a, chain, 2, MEMBERS, PKI_NOW, &n, &why), -EKEYREJECTED);
	chain[1] = other.cert;
	assert_int_equal(
	    anchors_judge(a, chain, 2, MEMBERS, PKI_NOW, &n, &why), -EKEYREJECTED);
	cert_unref(chain[0]);
}

static void
an_agent_is_no_ca_S_05(void **state)
{
	struct pki_ca agent = { key, leaf(TRUST_AGENT) };
	struct key *k = pki_key();
	struct cert *forged = pki_cert(&agent, k, "plant", TRUST_CONTROLLER, 7);
	struct cert *chain[2] = { forged, agent.cert };
	struct trust_name n;
	const char *why;

	(void)state;
	assert_int_equal(
	    anchors_judge(a, chain, 2, MEMBERS, PKI_NOW, &n, &why), -EKEYREJECTED);
	assert_int_equal(anchors_set(a, 2, &agent.cert, 1), -EKEYREJECTED);
	cert_unref(forged);
	cert_unref(agent.cert);
	key_free(k);
}

static void
a_ca_is_no_member_S_05(void **state)
{
	(void)state;
	assert_int_equal(judge(cert_ref(ca.cert), MEMBERS), -EKEYREJECTED);
}

static void
a_certificate_without_a_name_of_ours_is_refused(void **state)
{
	static const char *const uris[] = {
		"urn:fogwatch:plant:agent:0011",
		"urn:fogwatch:plant:stranger:00112233445566778899aabbccddeeff",
		"https://plant.example.org/",
		"urn:fogwatch:plant:agent:00112233445566778899AABBCCDDEEFF",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(uris); i++)
		assert_int_equal(judge(pki_cert_of(&ca, key, uris[i], PKI_NOW - PKI_HOUR,
					   PKI_NOW + PKI_HOUR),
				     MEMBERS),
		    -EKEYREJECTED);
}

static void
before_a_domain_is_known_nobody_is_good(void **state)
{
	struct anchors *empty;
	struct cert *c = leaf(TRUST_CONTROLLER);
	struct trust_name n;
	const char *why;

	(void)state;
	assert_int_equal(anchors_new("", &empty), 0);
	assert_string_equal(anchors_domain(empty), "");
	assert_int_equal(
	    anchors_judge(empty, &c, 1, MEMBERS, PKI_NOW, &n, &why), -EKEYREJECTED);
	assert_int_equal(anchors_set_domain(empty, "not a domain"), -EINVAL);
	assert_int_equal(anchors_set_domain(empty, "plant"), 0);
	assert_int_equal(anchors_set(empty, 1, &ca.cert, 1), 0);
	assert_int_equal(anchors_judge(empty, &c, 1, MEMBERS, PKI_NOW, &n, &why), 0);
	cert_unref(c);
	anchors_free(empty);
	assert_int_equal(anchors_new("not a domain", &empty), -EINVAL);
}

/* --- time ------------------------------------------------------------------------------- */

static void
who_has_expired_within_90_days_is_known_as_such_S_20(void **state)
{
	int64_t end = PKI_NOW - PKI_HOUR + 7 * PKI_DAY;
	struct trust_name n = { 0 };
	struct fog_id id = pki_id(key);

	(void)state;
	assert_int_equal(judge_at(leaf(TRUST_AGENT), AGENT, end - 1000, &n), 0);
	memset(&n, 0, sizeof n);
	assert_int_equal(
	    judge_at(leaf(TRUST_AGENT), AGENT, end + 1000, &n), -EKEYEXPIRED);
	assert_int_equal(n.role, TRUST_AGENT);
	assert_memory_equal(&n.id, &id, sizeof id);
	assert_int_equal(
	    judge_at(leaf(TRUST_AGENT), AGENT, end + TRUST_LAPSED_MAX_MS, &n),
	    -EKEYEXPIRED);
	assert_int_equal(
	    judge_at(leaf(TRUST_AGENT), AGENT, end + TRUST_LAPSED_MAX_MS + 1000, &n),
	    -EKEYREJECTED);
	assert_int_equal(
	    judge_at(leaf(TRUST_AGENT), CONTROLLER, end + 1000, &n), -EKEYREJECTED);
}

/* A node without a clock knows no more than the day its program was made. */
static void
a_certificate_that_is_not_valid_yet_is_good_S_20(void **state)
{
	struct trust_name n;

	(void)state;
	assert_int_equal(
	    judge_at(leaf(TRUST_CONTROLLER), MEMBERS, PKI_NOW - 100 * PKI_DAY, &n), 0);
	assert_int_equal(judge_at(leaf(TRUST_CONTROLLER), MEMBERS, 0, &n), 0);
	assert_int_equal(
	    judge_at(pki_cert(&other, key, "plant", TRUST_CONTROLLER, 7), MEMBERS, 0, &n),
	    -EKEYREJECTED);
}

/* --- denials ---------------------------------------------------------------------------- */

static struct denial
denial(uint64_t version, const struct fog_id *id, const struct cert *c)
{
	struct denial d = { .version = version, .id = *id };

	if (c)
		memcpy(d.serial, cert_facts(c)->serial, sizeof d.serial);
	return d;
}

static struct fog_id
numbered(unsigned n)
{
	struct fog_id id = { { (uint8_t)(n >> 8), (uint8_t)n, 0x77 } };

	return id;
}

static void
who_is_denied_is_refused_S_19(void **state)
{
	struct fog_id id = pki_id(key);
	struct denial d = denial(1, &id, NULL);
	struct trust_name n;

	(void)state;
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), 0);
	assert_int_equal(anchors_deny(a, &d), 0);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), -EKEYREVOKED);
	/* nor may it renew */
	assert_int_equal(judge_at(leaf(TRUST_AGENT), MEMBERS, PKI_NOW + 30 * PKI_DAY, &n),
	    -EKEYREVOKED);
	/* who only says so learns nothing of it */
	assert_int_equal(judge(pki_cert(&other, key, "plant", TRUST_AGENT, 7), MEMBERS),
	    -EKEYREJECTED);
}

static void
a_serial_is_denied_and_the_next_certificate_is_not_S_19(void **state)
{
	struct fog_id id = pki_id(key);
	struct cert *old = leaf(TRUST_AGENT);
	struct denial d = denial(1, &id, old);

	(void)state;
	assert_int_equal(anchors_deny(a, &d), 0);
	assert_int_equal(judge(old, MEMBERS), -EKEYREVOKED);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), 0);
}

static void
a_serial_is_compared_without_its_leading_zeros(void **state)
{
	static const uint8_t full[17] = { 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
		14, 15 };
	static const uint8_t longer[17] = { 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
		13, 14, 15 };
	struct denial d = { .version = 1, .id = numbered(1) };

	(void)state;
	memcpy(d.serial, full + 1, sizeof d.serial);
	assert_int_equal(anchors_deny(a, &d), 0);
	assert_true(anchors_denies(a, &d.id, (struct slice){ full, 17 }));
	assert_true(anchors_denies(a, &d.id, (struct slice){ full + 1, 16 }));
	assert_true(anchors_denies(a, &d.id, (struct slice){ full + 2, 15 }));
	assert_false(anchors_denies(a, &d.id, (struct slice){ longer, 17 }));
	assert_false(anchors_denies(a, &d.id, (struct slice){ full + 3, 14 }));
	assert_false(anchors_denies(a, &d.id, (struct slice){ NULL, 0 }));
}

static void
denials_come_in_their_order_and_once_S_08(void **state)
{
	struct fog_id id = numbered(1);
	struct denial first = denial(1, &id, NULL), third = denial(3, &id, NULL);

	(void)state;
	assert_int_equal(anchors_deny(a, &(struct denial){ .version = 0 }), -ESTALE);
	assert_int_equal(anchors_deny(a, &third), -ENODATA);
	assert_int_equal(anchors_denials(a), 0);
	assert_false(anchors_denies(a, &id, (struct slice){ 0 }));
	assert_int_equal(anchors_deny(a, &first), 0);
	assert_int_equal(anchors_deny(a, &first), -ESTALE);
	assert_int_equal(anchors_deny(a, &third), -ENODATA);
	assert_int_equal(anchors_denials(a), 1);
	assert_null(anchors_denial(a, 0));
	assert_memory_equal(&anchors_denial(a, 1)->id, &id, sizeof id);
	assert_null(anchors_denial(a, 2));
}

static void
ten_thousand_are_denied_and_no_more_S_19(void **state)
{
	struct denial d = { 0 };

	(void)state;
	for (unsigned n = 1; n <= TRUST_DENIED_MAX; n++) {
		struct fog_id id = numbered(n);

		d = denial(n, &id, NULL);
		memset(d.serial, n % 2, sizeof d.serial); /* every second one: a serial */
		assert_int_equal(anchors_deny(a, &d), 0);
	}
	d.version++;
	assert_int_equal(anchors_deny(a, &d), -ENOSPC);
	assert_int_equal(anchors_denials(a), TRUST_DENIED_MAX);
	for (unsigned n = 1; n <= 2 * TRUST_DENIED_MAX; n++) {
		static const uint8_t ones[16] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			1, 1, 1 };
		struct fog_id id = numbered(n);
		bool known = n <= TRUST_DENIED_MAX;

		assert_int_equal(
		    anchors_denies(a, &id, (struct slice){ ones, 16 }), known);
		assert_int_equal(anchors_denies(a, &id, (struct slice){ ones, 15 }),
		    known && n % 2 == 0);
	}
}

/* --- CAs -------------------------------------------------------------------------------- */

static void
during_a_rotation_certificates_of_both_cas_are_good_S_35(void **state)
{
	struct cert *both[] = { other.cert, ca.cert }, *got[TRUST_ANCHORS_MAX];

	(void)state;
	assert_int_equal(anchors_set(a, 2, both, 2), 0);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), 0);
	assert_int_equal(
	    judge(pki_cert(&other, key, "plant", TRUST_AGENT, 7), MEMBERS), 0);
	assert_int_equal(anchors_get(a, got), 2);
	assert_ptr_equal(got[0], other.cert);
	assert_int_equal(anchors_set(a, 3, both, 1), 0);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), -EKEYREJECTED);
	assert_int_equal(
	    judge(pki_cert(&other, key, "plant", TRUST_AGENT, 7), MEMBERS), 0);
	assert_int_equal(anchors_version(a), 3);
}

static void
an_older_set_of_cas_is_not_taken_over_S_08(void **state)
{
	struct cert *four[] = { ca.cert, ca.cert, ca.cert, ca.cert };

	(void)state;
	assert_int_equal(anchors_set(a, 5, &ca.cert, 1), 0);
	assert_int_equal(anchors_set(a, 4, &other.cert, 1), -ESTALE);
	assert_int_equal(anchors_set(a, 5, &ca.cert, 1), 0); /* the same again */
	assert_int_equal(anchors_set(a, 6, four, 4), -E2BIG);
	assert_int_equal(anchors_version(a), 5);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), 0);
	assert_int_equal(judge(pki_cert(&other, key, "plant", TRUST_AGENT, 7), MEMBERS),
	    -EKEYREJECTED);
}

static void
what_was_trusted_is_forgotten_but_for_domain_and_pin(void **state)
{
	uint8_t pin[TRUST_PIN_LEN] = { 1 };
	struct fog_id id = numbered(1);
	struct denial d = denial(1, &id, NULL);

	(void)state;
	anchors_pin(a, pin);
	assert_int_equal(anchors_deny(a, &d), 0);
	anchors_forget(a);
	assert_int_equal(judge(leaf(TRUST_AGENT), MEMBERS), -EKEYREJECTED);
	assert_int_equal(anchors_version(a), 0);
	assert_false(anchors_denies(a, &id, (struct slice){ 0 }));
	assert_string_equal(anchors_domain(a), "plant");
	assert_true(anchors_have_pin(a));
	assert_int_equal(anchors_deny(a, &d), 0);
}

/* --- the pin ---------------------------------------------------------------------------- */

static int
judge_pinned(struct cert *first, struct cert *last)
{
	struct cert *chain[2] = { first, last };
	struct trust_name n;
	const char *why = NULL;
	int r = anchors_judge_pinned(a, chain, last ? 2 : 1, PKI_NOW, &n, &why);

	if (r == 0)
		assert_int_equal(n.role, TRUST_CONTROLLER);
	else
		assert_true(why && *why);
	cert_unref(first);
	return r;
}

static void
pin(const struct pki_ca *pinned)
{
	anchors_pin(a, cert_facts(pinned->cert)->key_fingerprint);
}

static void
a_pinned_ca_makes_its_controller_good_and_nobody_else_S_16(void **state)
{
	(void)state;
	anchors_forget(a);
	assert_false(anchors_have_pin(a));
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), ca.cert), -EKEYREJECTED);
	pin(&ca);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), ca.cert), 0);
	assert_int_equal(judge_pinned(leaf(TRUST_AGENT), ca.cert), -EKEYREJECTED);
	assert_int_equal(judge_pinned(leaf(TRUST_ADMIN), ca.cert), -EKEYREJECTED);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), NULL), -EKEYREJECTED);
	assert_int_equal(
	    judge_pinned(pki_cert(&ca, key, "farm", TRUST_CONTROLLER, 7), ca.cert),
	    -EKEYREJECTED);
	assert_int_equal(anchors_set_domain(a, ""), 0); /* any domain will do */
	assert_int_equal(
	    judge_pinned(pki_cert(&ca, key, "farm", TRUST_CONTROLLER, 7), ca.cert), 0);
}

static void
the_first_ca_will_do_only_if_that_was_said_and_there_is_no_pin_S_34(void **state)
{
	(void)state;
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), ca.cert), -EKEYREJECTED);
	anchors_trust_first(a);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), ca.cert), 0);
	assert_int_equal(judge_pinned(leaf(TRUST_AGENT), ca.cert), -EKEYREJECTED);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), NULL), -EKEYREJECTED);
	pin(&other);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), ca.cert), -EKEYREJECTED);
}

/* It has the certificate of the CA, as everybody has, and not its key. */
static void
a_fake_controller_with_the_real_ca_behind_it_is_refused_S_16(void **state)
{
	struct cert *copy;

	(void)state;
	anchors_forget(a);
	pin(&ca);
	assert_int_equal(
	    judge_pinned(pki_cert(&other, key, "plant", TRUST_CONTROLLER, 7), ca.cert),
	    -EKEYREJECTED);
	assert_int_equal(
	    judge_pinned(pki_cert(&other, key, "plant", TRUST_CONTROLLER, 7), other.cert),
	    -EKEYREJECTED);
	/* a certificate of a CA for the real one's key, signed by the other */
	copy = pki_cert_of(&other, ca.key, NULL, PKI_NOW - PKI_DAY, PKI_NOW + PKI_DAY);
	assert_int_equal(
	    judge_pinned(pki_cert(&other, key, "plant", TRUST_CONTROLLER, 7), copy),
	    -EKEYREJECTED);
	cert_unref(copy);
	/* a leaf whose key has the pin */
	anchors_pin(a, pki_id(key).bytes);
	copy = leaf(TRUST_CONTROLLER);
	assert_int_equal(judge_pinned(leaf(TRUST_CONTROLLER), copy), -EKEYREJECTED);
	cert_unref(copy);
}

#define ANCHORS_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ANCHORS_TEST(a_member_is_who_its_certificate_says),
		ANCHORS_TEST(each_role_is_good_where_it_is_wanted_alone_S_04),
		ANCHORS_TEST(strangers_are_refused_S_02),
		ANCHORS_TEST(what_is_shown_behind_the_certificate_is_no_anchor_S_16),
		ANCHORS_TEST(an_agent_is_no_ca_S_05),
		ANCHORS_TEST(a_ca_is_no_member_S_05),
		ANCHORS_TEST(a_certificate_without_a_name_of_ours_is_refused),
		ANCHORS_TEST(before_a_domain_is_known_nobody_is_good),
		ANCHORS_TEST(who_has_expired_within_90_days_is_known_as_such_S_20),
		ANCHORS_TEST(a_certificate_that_is_not_valid_yet_is_good_S_20),
		ANCHORS_TEST(who_is_denied_is_refused_S_19),
		ANCHORS_TEST(a_serial_is_denied_and_the_next_certificate_is_not_S_19),
		ANCHORS_TEST(a_serial_is_compared_without_its_leading_zeros),
		ANCHORS_TEST(denials_come_in_their_order_and_once_S_08),
		ANCHORS_TEST(ten_thousand_are_denied_and_no_more_S_19),
		ANCHORS_TEST(during_a_rotation_certificates_of_both_cas_are_good_S_35),
		ANCHORS_TEST(an_older_set_of_cas_is_not_taken_over_S_08),
		ANCHORS_TEST(what_was_trusted_is_forgotten_but_for_domain_and_pin),
		ANCHORS_TEST(a_pinned_ca_makes_its_controller_good_and_nobody_else_S_16),
		ANCHORS_TEST(
		    the_first_ca_will_do_only_if_that_was_said_and_there_is_no_pin_S_34),
		ANCHORS_TEST(
		    a_fake_controller_with_the_real_ca_behind_it_is_refused_S_16),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
