/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/data/grasp/sealed.h"
#include "tests/support/hex.h"
#include "tests/support/lab.h"
#include "trust/lru.h"
#include "trust/seal.h"
#include "trust/sequence.h"
#include "trust/window.h"

#include "tests/support/tempdir.h"

#define FOREVER	   INT64_MAX
#define OF_VECTORS (1795000000LL * 1000)

static struct seal *
new_seal(void)
{
	struct slice sender = hex_bytes(SEALED_SENDER), boot = hex_bytes(SEALED_BOOT),
		     secret = hex_bytes(SEALED_GROUP_SECRET);
	struct seal *s;

	assert_int_equal(seal_new(sender.data, boot.data, 7017, 1, &s), 0);
	assert_int_equal(seal_secret(s, 1, secret.data, FOREVER), 0);
	hex_bytes_free(sender);
	hex_bytes_free(boot);
	hex_bytes_free(secret);
	return s;
}

static void
assert_bytes(const struct buf *got, const char *hex)
{
	struct slice want = hex_bytes(hex);

	assert_int_equal(got->pos, want.len);
	assert_memory_equal(got->data, want.data, want.len);
	hex_bytes_free(want);
}

static void
put(struct seal *s, const struct sealed_vector *v, struct buf *out)
{
	const struct in6_addr group = lab_ip(v->dst);
	struct slice plain = hex_bytes(v->plain);

	assert_int_equal(seal_put(s, &group, plain, OF_VECTORS, v->iat, out), 0);
	hex_bytes_free(plain);
}

static void
the_vectors_are_sealed_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sealed_vectors); i++) {
		const struct sealed_vector *v = &sealed_vectors[i];
		CLEANUP(seal_free) struct seal *s = new_seal();
		uint8_t memory[512];
		struct buf out;

		for (unsigned ctr = 1; ctr <= v->ctr; ctr++) {
			buf_init_fixed(&out, memory, sizeof memory);
			put(s, v, &out);
		}
		assert_bytes(&out, v->wire);
	}
}

static int
take(struct seal *s, const struct sealed_vector *v, const char *group, struct buf *plain)
{
	const struct in6_addr to = lab_ip(group);
	struct slice wire = hex_bytes(v->wire);
	uint8_t sender[COSE_KID_LEN];
	int r = seal_take(s, &to, wire, OF_VECTORS, SEAL_FRESH_S, plain, sender);

	hex_bytes_free(wire);
	return r;
}

static void
the_vectors_are_opened_in_their_group_alone_S_11(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sealed_vectors); i++) {
		const struct sealed_vector *v = &sealed_vectors[i];
		CLEANUP(seal_free) struct seal *s = new_seal();
		uint8_t memory[512];
		struct buf plain;

		buf_init_fixed(&plain, memory, sizeof memory);
		assert_int_equal(take(s, v, "ff02::14", &plain), -EBADMSG);
		assert_int_equal(
		    take(s, v, i == 2 ? sealed_vectors[1].dst : sealed_vectors[2].dst,
			&plain),
		    -EBADMSG);
		assert_int_equal(plain.pos, 0);
		assert_int_equal(take(s, v, v->dst, &plain), 0);
		assert_bytes(&plain, v->plain);
		assert_int_equal(take(s, v, v->dst, &plain), -EALREADY);
	}
}

static void
another_port_or_secret_opens_nothing(void **state)
{
	static const uint8_t other[SEAL_SECRET_LEN] = { 1 };
	struct slice sender = hex_bytes(SEALED_SENDER), boot = hex_bytes(SEALED_BOOT),
		     secret = hex_bytes(SEALED_GROUP_SECRET);
	const struct sealed_vector *v = &sealed_vectors[0];
	CLEANUP(seal_free) struct seal *s = NULL;
	uint8_t memory[512];
	struct buf plain;

	(void)state;
	buf_init_fixed(&plain, memory, sizeof memory);
	assert_int_equal(seal_new(sender.data, boot.data, 7018, 1, &s), 0);
	assert_int_equal(take(s, v, v->dst, &plain), -ENOKEY);
	assert_int_equal(seal_secret(s, 1, other, FOREVER), 0);
	assert_int_equal(take(s, v, v->dst, &plain), -ENOKEY);
	assert_int_equal(seal_secret(s, 2, secret.data, FOREVER), 0);
	assert_int_equal(take(s, v, v->dst, &plain), -EBADMSG);
	hex_bytes_free(sender);
	hex_bytes_free(boot);
	hex_bytes_free(secret);
}

static void
the_table_of_senders_is_bounded_S_13(void **state)
{
	CLEANUP(seal_free) struct seal *to = new_seal();
	struct slice secret = hex_bytes(SEALED_GROUP_SECRET);
	const struct in6_addr group = lab_ip("ff02::13");

	(void)state;
	for (unsigned i = 0; i < 3 * SEAL_SESSIONS_MAX; i++) {
		uint8_t boot[SEAL_BOOT_LEN] = { (uint8_t)i, (uint8_t)(i >> 8) },
			sender[COSE_KID_LEN] = { 9, (uint8_t)i, (uint8_t)(i >> 8) },
			memory[256], text[256], who[COSE_KID_LEN];
		CLEANUP(seal_free) struct seal *s = NULL;
		struct buf out, plain;

		buf_init_fixed(&out, memory, sizeof memory);
		buf_init_fixed(&plain, text, sizeof text);
		assert_int_equal(seal_new(sender, boot, 7017, 1, &s), 0);
		assert_int_equal(seal_secret(s, 1, secret.data, FOREVER), 0);
		assert_int_equal(seal_put(s, &group, slice_text("hello"), OF_VECTORS,
				     OF_VECTORS / 1000, &out),
		    0);
		assert_int_equal(seal_take(to, &group, buf_slice(&out), OF_VECTORS,
				     SEAL_FRESH_S, &plain, who),
		    0);
		assert_memory_equal(who, sender, sizeof who);
	}
	hex_bytes_free(secret);
}

/* --- numbers -------------------------------------------------------------------------------- */

static void
a_window_knows_each_number_once(void **state)
{
	struct window w = { 0 };
	bool met[400] = { true };
	uint64_t top = 0;
	uint32_t random = 1;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		uint64_t number;
		bool is_new;

		random = random * 1664525 + 1013904223;
		number = random >> 16 & 0xff;
		number = i < 2500 ? number : number + 140;
		is_new = !met[number] && (number > top || top - number < WINDOW_BITS);
		assert_int_equal(window_is_new(&w, number, WINDOW_BITS), is_new);
		if (!is_new)
			continue;
		window_take(&w, number);
		met[number] = true;
		if (number > top)
			top = number;
	}
	window_take(&w, UINT64_MAX);
	assert_false(window_is_new(&w, UINT64_MAX, WINDOW_BITS));
	assert_true(window_is_new(&w, UINT64_MAX - 127, WINDOW_BITS));
	assert_false(window_is_new(&w, UINT64_MAX - 128, WINDOW_BITS));
}

static void
numbers_and_times_never_run_back_over_restarts(void **state)
{
	char *dir = tempdir_new(), path[256];
	uint64_t last = 0, number;
	int64_t last_iat = 0, iat;

	(void)state;
	snprintf(path, sizeof path, "%s/guard", dir);
	for (int run = 0; run < 4; run++) {
		int64_t now = 1000000000000 - run * 1000000; /* no clock that counts */
		struct sequence s;

		assert_int_equal(sequence_init(&s, path, now), 0);
		for (int i = 0; i < 10; i++) {
			assert_int_equal(sequence_next(&s, now, &number, &iat), 0);
			assert_true(number > last);
			assert_true(iat >= last_iat + (i == 0));
			last = number;
			last_iat = iat;
		}
		s.next += SEQUENCE_RUN; /* as if so many had been used */
		assert_int_equal(sequence_next(&s, now, &last, &iat), 0);
		sequence_done(&s);
	}
	tempdir_remove(dir);
}

static void
numbers_follow_the_clock_and_a_damaged_file_is_refused(void **state)
{
	char *dir = tempdir_new(), path[256];
	struct sequence s;
	uint64_t number;
	int64_t iat;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/guard", dir);
	assert_int_equal(sequence_init(&s, path, 1795000000000), 0);
	assert_int_equal(sequence_next(&s, 1795000000000, &number, &iat), 0);
	assert_true(number == UINT64_C(1795000000000) << 10);
	assert_int_equal(iat, 1795000000);
	sequence_done(&s);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("-1 5\n", f);
	fclose(f);
	assert_int_equal(sequence_init(&s, path, 1795000000000), -EBADMSG);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_vectors_are_sealed_byte_for_byte),
		TEST(the_vectors_are_opened_in_their_group_alone_S_11),
		TEST(another_port_or_secret_opens_nothing),
		TEST(the_table_of_senders_is_bounded_S_13),
		TEST(a_window_knows_each_number_once),
		TEST(numbers_and_times_never_run_back_over_restarts),
		TEST(numbers_follow_the_clock_and_a_damaged_file_is_refused),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
