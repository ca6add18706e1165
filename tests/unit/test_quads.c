/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/data/grasp/quads.h"
#include "tests/support/hex.h"
#include "tests/support/lab.h"
#include "tests/support/tempdir.h"
#include "trust/quads.h"
#include "trust/quads_io.h"

#define PASSWORD "Kowhai-2026-lab"

static struct quads q;

static int
setup(void **state)
{
	(void)state;
	return quads_init(&q, QUADS_PASSWORD);
}

static void
assert_bytes(struct slice got, const char *hex)
{
	struct slice want = hex_bytes(hex);

	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.data, want.data, want.len);
	hex_bytes_free(want);
}

static void
key_and_vector_come_from_the_password(void **state)
{
	(void)state;
	assert_bytes((struct slice){ q.key, sizeof q.key }, QUADS_KEY_HEX);
	assert_bytes((struct slice){ q.iv, sizeof q.iv }, QUADS_IV_HEX);
}

static void
what_graspy_has_sealed_is_opened_and_sealed_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(quads_vectors); i++) {
		const struct quads_vector *v = &quads_vectors[i];
		struct slice wire = hex_bytes(v->wire);
		uint8_t memory[2048], again[2048];
		struct buf plain, out;

		buf_init_fixed(&plain, memory, sizeof memory);
		buf_init_fixed(&out, again, sizeof again);
		assert_int_equal(quads_open(&q, wire, &plain), 0);
		assert_bytes(buf_slice(&plain), v->plain);
		assert_int_equal(quads_seal(&q, buf_slice(&plain), &out), 0);
		assert_bytes(buf_slice(&out), v->wire);
		hex_bytes_free(wire);
	}
}

/* All messages of the vectors, one after the other. */
static struct buf
make_stream(void)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(quads_vectors); i++) {
		struct slice wire = hex_bytes(quads_vectors[i].wire);

		buf_put_slice(&b, wire);
		hex_bytes_free(wire);
	}
	return b;
}

static void
a_stream_is_cut_into_messages_wherever_it_was_cut_on_the_way_I_02(void **state)
{
	struct buf stream = make_stream();
	size_t at = 0, seen = 0;
	unsigned message = 0;

	(void)state;
	while (seen <= stream.pos) {
		uint8_t memory[4096];
		struct buf plain;
		ssize_t len;

		buf_init_fixed(&plain, memory, sizeof memory);
		len = quads_take(
		    &q, (struct slice){ stream.data + at, seen - at }, 2048, &plain);
		assert_true(len >= 0);
		if (len == 0) {
			assert_int_equal(plain.pos, 0);
			seen++; /* byte by byte */
			continue;
		}
		assert_bytes(buf_slice(&plain), quads_vectors[message].plain);
		message++;
		at += (size_t)len;
	}
	assert_int_equal(message, ARRAY_LEN(quads_vectors));
	assert_int_equal(at, stream.pos);
	buf_done(&stream);
}

static void
a_stream_of_something_else_is_refused_S_13(void **state)
{
	struct slice wire = hex_bytes(quads_vectors[1].wire);
	uint8_t *bytes = (uint8_t *)(uintptr_t)wire.data, memory[4096];
	struct buf plain;

	(void)state;
	buf_init_fixed(&plain, memory, sizeof memory);
	assert_int_equal(quads_take(&q, wire, 16, &plain), -EMSGSIZE);
	bytes[wire.len - 1] ^= 1; /* the padding */
	assert_int_equal(quads_take(&q, wire, 2048, &plain), -EBADMSG);
	bytes[0] ^= 0xff;
	assert_true(quads_take(&q, wire, 2048, &plain) <= 0);
	assert_int_equal(plain.pos, 0);
	hex_bytes_free(wire);
}

/* --- two nodes ------------------------------------------------------------------------------ */

struct side {
	struct grasp_io *io;
	struct grasp_node *node;
	struct diary diary;
};

static void
make_side(struct side *s, struct fake_host *h, const char *password)
{
	const struct grasp_config cfg = { .link_local = true };
	struct grasp_registration *r;

	*s = (struct side){ 0 };
	assert_int_equal(quads_io_new(fake_host_io(h), password, &s->io), 0);
	assert_int_equal(grasp_node_new(s->io, &cfg, &s->node), 0);
	assert_int_equal(
	    grasp_register(s->node, "EX1", F_SYNCH, &diary_support, &s->diary, &r), 0);
}

static void
drop_side(struct side *s)
{
	grasp_node_free(s->node);
	quads_io_free(s->io);
}

/* Returns what the asker's session came to. */
static void
synchronize(const char *password, struct diary *ret)
{
	struct fake_net *net = fake_net_new(1);
	struct fake_host *a = fake_host_new(net), *b = fake_host_new(net);
	const struct grasp_objective o =
	    lab_objective("EX1", F_SYNCH, (struct slice){ 0 });
	struct addr to = { .ip = lab_ip("2001:db8::2"), .port = GRASP_LISTEN_PORT };
	struct grasp_session *s;
	struct grasp_link *l;
	struct side asker, server;

	fake_attach(a, 1, "fe80::1", "2001:db8::1", NULL);
	fake_attach(b, 1, "fe80::2", "2001:db8::2", NULL);
	make_side(&asker, a, PASSWORD);
	make_side(&server, b, password);
	assert_int_equal(
	    grasp_link_open(asker.node, &to, &diary_link, &asker.diary, &l), 0);
	assert_int_equal(
	    grasp_synchronize(l, &o, 5000, &diary_session, &asker.diary, &s), 0);
	fake_run(net, 100);
	if (server.diary.session)
		assert_int_equal(
		    grasp_session_synch(server.diary.session, BYTES(0x01)), 0);
	fake_run(net, 10000);
	for (size_t i = 0; i < fake_packets(net); i++)
		if (fake_packet(net, i)->kind == FAKE_DATA)
			assert_int_equal(fake_packet(net, i)->data.len % 16, 0);
	*ret = asker.diary;
	drop_side(&asker);
	drop_side(&server);
	fake_net_free(net);
}

static void
two_nodes_with_the_same_password_synchronize(void **state)
{
	struct diary d;

	(void)state;
	synchronize(PASSWORD, &d);
	assert_int_equal(d.synched, 1);
	assert_int_equal(d.outcome, GRASP_ACCEPTED);
}

static void
with_another_password_the_connection_ends(void **state)
{
	struct diary d;

	(void)state;
	synchronize("another password", &d);
	assert_int_equal(d.synched, 0);
	assert_int_equal(d.ended, 1);
	assert_int_equal(d.closed, 1);
}

static void
write_password(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void
a_password_is_the_first_line_of_a_private_file_S_29(void **state)
{
	char *dir = tempdir_new(), path[200], got[QUADS_PASSWORD_MAX];

	(void)state;
	snprintf(path, sizeof path, "%s/password", dir);
	assert_int_equal(quads_password_load(path, got), -ENOENT);
	write_password(path, PASSWORD "\r\nand more\n", 0600);
	assert_int_equal(quads_password_load(path, got), 0);
	assert_string_equal(got, PASSWORD);
	write_password(path, PASSWORD, 0640);
	assert_int_equal(quads_password_load(path, got), -EPERM);
	tempdir_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(key_and_vector_come_from_the_password),
		TEST(what_graspy_has_sealed_is_opened_and_sealed_byte_for_byte),
		TEST(a_stream_is_cut_into_messages_wherever_it_was_cut_on_the_way_I_02),
		TEST(a_stream_of_something_else_is_refused_S_13),
		TEST(two_nodes_with_the_same_password_synchronize),
		TEST(with_another_password_the_connection_ends),
		TEST(a_password_is_the_first_line_of_a_private_file_S_29),
	};

	return RUN_TESTS(tests, setup, NULL);
}
