// SPDX-License-Identifier: Apache-2.0
#include "base/addr_text.h"
#include "base/cbor.h"
#include "base/crypto.h"
#include "tests/support/msg.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define S(text)                                           \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#include "tests/data/grasp/hostile.h"
#include "tests/data/grasp/messages.h"

#define SID 3u
#define INI "50fd9e0001000000000000000000000001"
#define LOCATOR \
	"84186750fd9e000100000000000000000000000206198d43" /* [103, fd9e:1::2, 6, 36163] */
#define LINK_LOCAL "84186750fe80000000000000000000000000beef06198d43"
#define EX2	   "8463455832050401" /* ["EX2", 5, 4, 1] */

/* Bytes written in hex, good until the next call but seven. */
static struct slice
bytes(const char *hex)
{
	static uint8_t store[8][8192];
	static unsigned turn;
	uint8_t *at = store[turn++ % ARRAY_LEN(store)];
	size_t len = strlen(hex) / 2;

	assert_true(len <= sizeof store[0]);
	assert_int_equal(0, hex_parse(hex, at, len));
	return (struct slice){ at, len };
}

static int
decode(const char *hex, struct grasp_msg *ret)
{
	size_t len;

	return grasp_msg_decode(bytes(hex), ret, &len);
}

static void
assert_encodes_to(const struct grasp_msg *m, const char *hex)
{
	uint8_t memory[8192];
	char text[2 * sizeof memory + 1];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(0, grasp_msg_encode(m, &out));
	assert_string_equal(hex_format(out.data, out.pos, text), hex);
}

static int
encode_error(const struct grasp_msg *m)
{
	uint8_t memory[2048];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof memory);
	return grasp_msg_encode(m, &out);
}

static void
assert_described(const char *hex, const char *text)
{
	struct grasp_msg m;
	char memory[512];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(0, decode(hex, &m));
	assert_string_equal(grasp_msg_describe(&m, &out), text);
}

/* --- vectors ------------------------------------------------------------------------- */

static void
captured_messages_mean_what_their_file_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(message_vectors); i++) {
		const struct message_vector *v = &message_vectors[i];
		struct slice in = bytes(v->hex);
		struct grasp_msg m;
		size_t len;

		if (grasp_msg_decode(in, &m, &len) < 0 || len != in.len)
			fail_msg("%s: not read", v->id);
		if (!msg_equal(&m, &v->msg))
			fail_msg("%s: means something else", v->id);
	}
}

static void
captured_messages_are_written_with_the_same_bytes_G_004_G_009_I_13(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(message_vectors); i++)
		assert_encodes_to(&message_vectors[i].msg, message_vectors[i].hex);
}

static void
no_part_of_a_captured_message_passes_for_a_whole_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(message_vectors); i++) {
		struct slice in = bytes(message_vectors[i].hex);

		for (size_t len = 0; len < in.len; len++) {
			struct grasp_msg m;
			size_t used;

			assert_int_equal(-EBADMSG,
			    grasp_msg_decode((struct slice){ in.data, len }, &m, &used));
		}
	}
}

/* Well-formed messages that only the engine can know to be unwanted. */
static bool
is_for_the_engine(const char *id)
{
	static const char *const ids[] = {
		"A-hostile-45", /* link-local initiator and loop count 4 (I-06) */
		"A-hostile-46", /* session that nobody has started */
		"A-hostile-49", /* the same, M_WAIT with an extra element (I-14) */
		"A-hostile-50", /* M_INVALID */
		"A-hostile-51", /* M_NOOP: ignored whatever follows (G-003) */
	};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

static void
hostile_messages_are_refused_and_borderline_ones_are_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hostile_vectors); i++) {
		const struct hostile_vector *v = &hostile_vectors[i];
		bool drop = strcmp(v->expect, "drop") == 0 && !is_for_the_engine(v->id);
		bool accept =
		    strcmp(v->expect, "accept") == 0 || is_for_the_engine(v->id);
		struct grasp_msg m;
		int err = decode(v->hex, &m);

		if ((drop && err == 0) || (accept && err < 0))
			fail_msg("%s %s: %d", v->id, v->name, err);
	}
}

static long
peak_kib(void)
{
	struct rusage use;

	assert_int_equal(0, getrusage(RUSAGE_SELF, &use));
	return use.ru_maxrss;
}

static void
hostile_messages_cost_neither_memory_nor_time_I_23(void **state)
{
	size_t heap = mallinfo2().uordblks;
	long peak = peak_kib();
	clock_t begin = clock();

	(void)state;
	for (unsigned round = 0; round < 100; round++)
		for (size_t i = 0; i < ARRAY_LEN(hostile_vectors); i++) {
			struct grasp_msg m;

			(void)!decode(hostile_vectors[i].hex, &m);
		}
	assert_int_equal(heap, mallinfo2().uordblks);
	assert_true(peak_kib() - peak < 1024);
	assert_true(clock() - begin < 100 * 55 * (CLOCKS_PER_SEC / 200)); /* 5 ms each */
}

/* --- any message ---------------------------------------------------------------------- */

static uint32_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static struct grasp_objective
draw_objective(void)
{
	static const struct slice names[] = { S("EX1"), S("FOGDOMAIN"),
		S("e.org:\xc3\xa9") };
	static const struct slice values[] = { S(""), S("\xf6"), S("\xd0\x80"),
		S("\x9f\x01\xff"), S("\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
		S("\xa1\x01\x61\x78") };

	return (struct grasp_objective){
		.name = names[draw(ARRAY_LEN(names))],
		.flags = draw(2) ? draw(16) : draw(UINT32_MAX),
		.loop_count = draw(256),
		.value = values[draw(ARRAY_LEN(values))],
	};
}

static struct grasp_locator
draw_locator(void)
{
	struct grasp_locator l = { .kind = O_IPv6_LOCATOR + draw(4),
		.port = draw(65536) };

	l.proto = draw(2) ? GRASP_TCP : GRASP_UDP;
	if (l.kind == O_IPv6_LOCATOR)
		l.ip.s6_addr[0] = 0xfd, l.ip.s6_addr[15] = draw(256);
	else if (l.kind == O_IPv4_LOCATOR)
		l.ip.s6_addr[10] = l.ip.s6_addr[11] = 0xff, l.ip.s6_addr[15] = draw(256);
	else
		l.text = (struct slice)S("node.example.net");
	if (l.kind == O_URI_LOCATOR && draw(2))
		l.proto = l.port = -1;
	return l;
}

static void
draw_many(struct grasp_msg *m)
{
	if (m->type == M_RESPONSE) {
		m->diverted = draw(2);
		m->locators = 1 + draw(GRASP_LOCATORS_MAX);
		for (unsigned i = 0; i < m->locators; i++)
			m->locator[i] = draw_locator();
		return;
	}
	m->items = 1 + draw(GRASP_FLOOD_ITEMS_MAX);
	for (unsigned i = 0; i < m->items; i++) {
		m->flooded[i] = draw_objective();
		if (draw(2))
			m->locator[i] = draw_locator();
	}
}

static void
draw_message(enum grasp_type type, struct grasp_msg *m)
{
	bool one = type == M_DISCOVERY || (type >= M_REQ_NEG && type <= M_NEGOTIATE) ||
	    type == M_SYNCH;

	*m = (struct grasp_msg){ .type = type };
	if (type != M_NOOP)
		m->session_id = draw(UINT32_MAX);
	m->has_objective = one || (type == M_RESPONSE && draw(2));
	if (m->has_objective)
		m->objective = draw_objective();
	if (one && type != M_DISCOVERY && m->objective.value.len == 0)
		m->objective.value = (struct slice)S("\xf6");
	if (type == M_DISCOVERY || type == M_RESPONSE || type == M_FLOOD) {
		m->initiator.len = draw(2) ? 4 : 16;
		m->initiator.bytes[0] = draw(256);
	}
	if (type == M_RESPONSE || type == M_FLOOD) {
		m->time_ms = draw(UINT32_MAX);
		draw_many(m);
	}
	if (type == M_WAIT)
		m->time_ms = draw(UINT32_MAX);
	if (type == M_END && !(m->accepted = draw(2)) && draw(2))
		m->reason = (struct slice)S("no more room");
	if (type == M_INVALID && draw(2))
		m->content = (struct slice)S("\x01\x61\x78");
}

static void
messages_of_every_type_survive_the_round_trip(void **state)
{
	static const enum grasp_type types[] = { M_NOOP, M_DISCOVERY, M_RESPONSE,
		M_REQ_NEG, M_REQ_SYN, M_NEGOTIATE, M_END, M_WAIT, M_SYNCH, M_FLOOD,
		M_INVALID };

	(void)state;
	for (seed = 8990; seed < 8990 + 200; seed++) {
		uint32_t start = seed;

		for (size_t t = 0; t < ARRAY_LEN(types); t++) {
			uint8_t memory[4096];
			struct grasp_msg sent, got;
			struct buf out;
			size_t len;

			draw_message(types[t], &sent);
			buf_init_fixed(&out, memory, sizeof memory);
			assert_int_equal(0, grasp_msg_encode(&sent, &out));
			assert_int_equal(
			    0, grasp_msg_decode(buf_slice(&out), &got, &len));
			if (len != out.pos || !msg_equal(&sent, &got))
				fail_msg(
				    "%s of seed %u", grasp_type_name(types[t]), start);
		}
		seed = start;
	}
}

/* --- reading --------------------------------------------------------------------------- */

static void
an_unknown_type_tells_its_session_for_an_m_invalid_G_005_G_133(void **state)
{
	struct grasp_msg m;

	(void)state; /* G-005, G-133 */
	assert_int_equal(-EPROTONOSUPPORT, decode("83182a1a1509bb0a6178", &m));
	assert_int_equal(42, m.type);
	assert_int_equal(0x1509bb0a, m.session_id);
	assert_int_equal(-EPROTONOSUPPORT, decode("82182a6178", &m));
	assert_int_equal(0, m.session_id);
}

static void
bytes_after_the_message_are_left_to_the_caller_I_15_I_02(void **state)
{
	struct grasp_msg m;
	size_t len;

	(void)state; /* I-15, I-02 */
	assert_int_equal(0,
	    grasp_msg_decode(bytes("8307030a"
				   "8307030b"),
		&m, &len));
	assert_int_equal(4, len);
	assert_int_equal(10, m.time_ms);
}

static void
options_that_do_not_belong_are_passed_over_G_007_G_030_G_031(void **state)
{
	struct grasp_msg m;

	(void)state; /* G-007, G-030, G-031 */
	assert_int_equal(0, decode("840603" LOCATOR "811865", &m));
	assert_true(m.accepted);
	assert_int_equal(0, decode("860203" INI "01" LOCATOR "811865", &m));
	assert_int_equal(1, m.locators);
	assert_int_equal(0, decode("850103" INI EX2 "821866617a", &m));
	assert_true(slice_is(m.objective.name, "EX2"));
}

static void
a_response_either_diverts_or_names_itself(void **state)
{
	struct grasp_msg m;

	(void)state; /* §2.8.5: what comes first counts */
	assert_int_equal(0, decode("860203" INI "01" LOCATOR "821864" LOCATOR, &m));
	assert_false(m.diverted);
	assert_int_equal(1, m.locators);
	assert_int_equal(0,
	    decode("860203" INI "01"
		   "821864" LOCATOR LOCATOR,
		&m));
	assert_true(m.diverted);
	assert_int_equal(1, m.locators);
}

static void
a_divert_to_a_link_local_address_is_passed_over_G_027(void **state)
{
	struct grasp_msg m;

	(void)state; /* G-027 */
	assert_int_equal(0,
	    decode("850203" INI "01"
		   "831864" LINK_LOCAL LOCATOR,
		&m));
	assert_int_equal(1, m.locators);
	assert_int_equal(-EBADMSG,
	    decode("850203" INI "01"
		   "821864" LINK_LOCAL,
		&m));
	assert_int_equal(0, decode("850203" INI "01" LINK_LOCAL, &m)); /* G-026 */
}

static void
a_locator_of_another_protocol_is_passed_over_G_022(void **state)
{
	static const char tls[] = "84186750fd9e0001000000000000000000000002190100198d43";
	char hex[512];
	struct grasp_msg m;

	(void)state; /* G-022; 256 is asked for as TLS */
	snprintf(hex, sizeof hex, "860203" INI "01%s" LOCATOR, tls);
	assert_int_equal(0, decode(hex, &m));
	assert_int_equal(1, m.locators);
	assert_int_equal(GRASP_TCP, m.locator[0].proto);
	snprintf(hex, sizeof hex, "850203" INI "01%s", tls);
	assert_int_equal(-EBADMSG, decode(hex, &m));
}

static void
only_a_uri_may_leave_out_protocol_and_port_G_024(void **state)
{
	struct grasp_msg m;

	(void)state; /* G-024 */
	assert_int_equal(0, decode("850203" INI "0184186a6161f6f6", &m));
	assert_int_equal(-1, m.locator[0].proto);
	assert_int_equal(-1, m.locator[0].port);
	assert_int_equal(-EBADMSG, decode("850203" INI "018418696161f6f6", &m));
}

static void
a_flooded_objective_with_an_unknown_tag_is_left_out(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(0,
	    decode("860903" INI "01"
		   "82" EX2 "82186b01"
		   "82" EX2 "80",
		&m));
	assert_int_equal(1, m.items);
	assert_int_equal(0, m.locator[0].kind);
}

static void
text_in_chunks_is_put_together_I_14(void **state)
{
	struct grasp_msg m;

	(void)state; /* I-14 */
	assert_int_equal(0, decode("830403837f6145625832ff0504", &m));
	assert_true(slice_is(m.objective.name, "EX2"));
	assert_int_equal(0, decode("8306038218667f626e6f612062676fff", &m));
	assert_true(slice_is(m.reason, "no go"));
	assert_int_equal(0,
	    decode("860903" INI "01"
		   "82837f6141ff0504"
		   "8418697f6162ff06"
		   "01"
		   "82837f6143ff0504"
		   "80",
		&m));
	assert_true(slice_is(m.flooded[0].name, "A"));
	assert_true(slice_is(m.locator[0].text, "b"));
	assert_true(slice_is(m.flooded[1].name, "C"));
}

static void
more_text_in_chunks_than_fits_is_refused(void **state)
{
	static const char piece[] =
	    "83"
	    "7f"
	    "7840"
	    "2020202020202020202020202020202020202020202020202020202020202020"
	    "2020202020202020202020202020202020202020202020202020202020202020"
	    "ff"
	    "0504";
	char hex[4096] = "880903" INI "01";
	struct grasp_msg m;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		strcat(hex, "82");
		strcat(hex, piece);
		strcat(hex, "80");
		hex[1] = '5' + i; /* 4 + items */
		if (i < 4)
			assert_int_equal(0, decode(hex, &m));
	}
	assert_int_equal(-EBADMSG, decode(hex, &m));
}

static void
a_message_with_very_many_parts_is_read_up_to_the_bound(void **state)
{
	char hex[8192] = "9f0203" INI "01";
	struct grasp_msg m;

	(void)state;
	for (unsigned i = 0; i < GRASP_LOCATORS_MAX + 3; i++)
		strcat(hex, LOCATOR);
	strcat(hex, "ff");
	assert_int_equal(0, decode(hex, &m));
	assert_int_equal(GRASP_LOCATORS_MAX, m.locators);

	strcpy(hex, "9f0903" INI "01");
	for (unsigned i = 0; i < GRASP_FLOOD_ITEMS_MAX + 3; i++)
		strcat(hex, "82" EX2 "80");
	strcat(hex, "ff");
	assert_int_equal(0, decode(hex, &m));
	assert_int_equal(GRASP_FLOOD_ITEMS_MAX, m.items);
}

static void
a_name_has_one_to_sixty_four_bytes(void **state)
{
	char hex[512] = "830403837840";
	struct grasp_msg m;

	(void)state;
	for (unsigned i = 0; i < GRASP_NAME_MAX; i++)
		strcat(hex, "6e");
	strcat(hex, "0504");
	assert_int_equal(0, decode(hex, &m));
	assert_int_equal(GRASP_NAME_MAX, m.objective.name.len);
	strcpy(hex, "830403837841");
	for (unsigned i = 0; i < GRASP_NAME_MAX + 1; i++)
		strcat(hex, "6e");
	strcat(hex, "0504");
	assert_int_equal(-EBADMSG, decode(hex, &m));
}

/* --- writing ---------------------------------------------------------------------------- */

#define OBJECTIVE                                             \
	{                                                     \
		.name = S("EX2"), .flags = 5, .loop_count = 4 \
	}
#define INITIATOR                    \
	{                            \
		4,                   \
		{                    \
			192, 0, 2, 1 \
		}                    \
	}
#define HOST                                                                          \
	{                                                                             \
		.kind = O_IPv6_LOCATOR, .ip.s6_addr = { 0xfd, [15] = 1 }, .proto = 6, \
		.port = 1                                                             \
	}

static void
a_request_without_a_value_carries_null_G_018_G_019(void **state)
{
	struct grasp_msg m = { .type = M_REQ_SYN,
		.session_id = SID,
		.has_objective = true,
		.objective = OBJECTIVE };

	(void)state; /* G-018, G-019 */
	assert_encodes_to(&m,
	    "830403"
	    "84634558320504f6");
	m.type = M_DISCOVERY;
	m.initiator = (struct grasp_initiator)INITIATOR;
	assert_encodes_to(&m,
	    "840103"
	    "44c0000201"
	    "83634558320504");
}

static void
what_rfc_8990_does_not_allow_is_not_written(void **state)
{
	static const struct grasp_msg wrong[] = {
		{ .type = 42 },
		{ .type = M_DISCOVERY, .initiator = INITIATOR },
		{ .type = M_DISCOVERY, .has_objective = true, .objective = OBJECTIVE },
		{ .type = M_DISCOVERY,
		    .initiator = { 5, { 0 } },
		    .has_objective = true,
		    .objective = OBJECTIVE },
		{ .type = M_RESPONSE, .initiator = INITIATOR },
		{ .type = M_RESPONSE, .initiator = INITIATOR, .locators = 1 },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 1,
		    .locator = { { .kind = O_IPv6_LOCATOR, .proto = 1, .port = 1 } } },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 1,
		    .locator = { { .kind = O_IPv6_LOCATOR,
			.proto = 6,
			.port = 65536 } } },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 1,
		    .locator = { { .kind = O_FQDN_LOCATOR, .proto = -1, .port = -1 } } },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 1,
		    .locator = { { .kind = O_IPv4_LOCATOR, .proto = 6, .port = 1 } } },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 1,
		    .diverted = true,
		    .locator = { { .kind = O_IPv6_LOCATOR,
			.ip.s6_addr = { 0xfe, 0x80 },
			.proto = 6,
			.port = 1 } } },
		{ .type = M_RESPONSE,
		    .initiator = INITIATOR,
		    .locators = 17,
		    .locator = { HOST } },
		{ .type = M_REQ_NEG },
		{ .type = M_SYNCH, .has_objective = true },
		{ .type = M_SYNCH,
		    .has_objective = true,
		    .objective = { .name = S("EX2"), .value = S("\x82\x01") } },
		{ .type = M_FLOOD, .initiator = INITIATOR },
		{ .type = M_FLOOD, .initiator = INITIATOR, .items = 17 },
		{ .type = M_FLOOD, .initiator = INITIATOR, .items = 1 },
		{ .type = M_INVALID, .content = S("\x82\x01") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (encode_error(&wrong[i]) != -EINVAL)
			fail_msg("case %zu was written", i);
}

/* --- the form, number by number -------------------------------------------------------- */

static const enum grasp_type all_types[] = { M_NOOP, M_DISCOVERY, M_RESPONSE, M_REQ_NEG,
	M_REQ_SYN, M_NEGOTIATE, M_END, M_WAIT, M_SYNCH, M_FLOOD, M_INVALID };

static void
a_message_is_an_array_that_begins_with_its_type_G_001(void **state)
{
	static const char *const wrong[] = { "00", "80", "8161", "816130", "a10000",
		"8120", "81f6", "818100", "c28100", "4100", "" };
	struct grasp_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(-EBADMSG, decode(wrong[i], &m));
	assert_int_equal(0, decode("8100", &m));
	assert_int_equal(0, decode("9f00ff", &m)); /* I-14 */
	assert_int_equal(0, decode("811800", &m));
}

static void
every_type_has_the_number_of_the_rfc_and_all_but_noop_an_id_G_002_G_003_G_004(
    void **state)
{
	static const uint8_t numbers[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 99 };

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(all_types); t++) {
		uint8_t memory[4096];
		struct grasp_msg m;
		struct cbor_reader r;
		struct buf out;

		seed = 1;
		draw_message(all_types[t], &m);
		buf_init_fixed(&out, memory, sizeof memory);
		assert_int_equal(0, grasp_msg_encode(&m, &out));
		rd_init(&r, buf_slice(&out), 0);
		rd_enter_array(&r);
		assert_int_equal(numbers[t], rd_uint(&r));
		if (all_types[t] == M_NOOP)
			assert_int_equal(2, out.pos);
		else
			assert_int_equal(m.session_id, rd_uint(&r));
		assert_int_equal(0, r.err);
	}
}

static void
a_message_without_a_session_id_is_refused_G_002(void **state)
{
	char hex[16];
	struct grasp_msg m;

	(void)state;
	for (unsigned type = 1; type < 10; type++) {
		snprintf(hex, sizeof hex, "81%02x", type);
		assert_int_equal(-EBADMSG, decode(hex, &m));
		snprintf(hex, sizeof hex, "83%02x616100", type); /* a text */
		assert_int_equal(-EBADMSG, decode(hex, &m));
	}
	assert_int_equal(-EBADMSG, decode("811863", &m));
}

static void
ids_are_32_bits_wide_G_033(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(0, decode("8307000a", &m));
	assert_int_equal(0, m.session_id);
	assert_encodes_to(&m, "8307000a");
	assert_int_equal(0, decode("83071affffffff0a", &m));
	assert_int_equal(UINT32_MAX, m.session_id);
	assert_encodes_to(&m, "83071affffffff0a");
	assert_int_equal(-EBADMSG, decode("83071b00000001000000000a", &m));
	assert_int_equal(-EBADMSG, decode("8307200a", &m)); /* -1 */
}

static void
an_option_is_an_array_that_begins_with_its_number_G_008(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(-EBADMSG, decode("8306031865", &m));	  /* 101 alone */
	assert_int_equal(-EBADMSG, decode("83060381616f", &m));	  /* no number */
	assert_int_equal(-EBADMSG, decode("830603a1186500", &m)); /* a map */
	assert_int_equal(0, decode("8406031865811865", &m));	  /* passed over, I-14 */
	assert_true(m.accepted);
}

static void
an_objective_has_three_or_four_elements_G_015(void **state)
{
	static const char *const wrong[] = { "80", "8163455832", "826345583205",
		"83434558320504", "83634558322504", "8363455832056104",
		"836345583205190100", "83600504", "f6", "a0" };
	char hex[128];
	struct grasp_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		snprintf(hex, sizeof hex, "830403%s", wrong[i]);
		assert_int_equal(-EBADMSG, decode(hex, &m));
	}
	assert_int_equal(0, decode("83040383634558320504", &m));
	assert_int_equal(0, m.objective.value.len);
	assert_int_equal(0, decode("83040384634558320518ff01", &m));
	assert_int_equal(255, m.objective.loop_count);
	assert_int_equal(1, m.objective.value.len);
	assert_int_equal(0, decode("830403856345583205040102", &m)); /* one more, I-14 */
}

static void
flags_are_masks_and_unknown_ones_are_kept_G_020(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(1, F_DISC);
	assert_int_equal(2, F_NEG);
	assert_int_equal(4, F_SYNCH);
	assert_int_equal(8, F_NEG_DRY);
	assert_int_equal(0, decode("830303846345583218fb0401", &m));
	assert_int_equal(0xfb, m.objective.flags);
	assert_true(m.objective.flags & F_NEG_DRY && m.objective.flags & F_NEG);
	assert_encodes_to(&m, "830303846345583218fb0401");
}

static void
names_with_and_without_colon_are_carried_as_they_are_G_016_G_017(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(
	    0, decode("83040383716578616d706c652e6f72673a466f47c3a90504", &m));
	assert_true(slice_is(m.objective.name, "example.org:FoG\xc3\xa9"));
	assert_int_equal(-EBADMSG, decode("8304038362c3280504", &m)); /* no UTF-8 */
}

static void
addresses_have_the_length_of_their_kind_G_022_G_023(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(0, decode("850203" INI "0184186844c000020106191b69", &m));
	assert_int_equal(O_IPv4_LOCATOR, m.locator[0].kind);
	assert_int_equal(7017, m.locator[0].port);
	assert_encodes_to(&m, "850203" INI "0184186844c000020106191b69");
	assert_int_equal(
	    -EBADMSG, decode("850203" INI "01841868" INI "06191b69", &m)); /* 16 bytes */
	assert_int_equal(-EBADMSG, decode("850203" INI "0184186744c000020106191b69", &m));
	assert_int_equal(
	    -EBADMSG, decode("850203" INI "0184186844c0000201061a00010000", &m));
	assert_int_equal(
	    0, decode("850203" INI "0184186844c00002011100", &m)); /* UDP, port 0 */
	assert_int_equal(GRASP_UDP, m.locator[0].proto);
}

static void
an_initiator_has_four_or_sixteen_bytes_G_043(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(0, decode("84010344c0000201" EX2, &m));
	assert_int_equal(4, m.initiator.len);
	assert_encodes_to(&m, "84010344c0000201" EX2);
	assert_int_equal(-EBADMSG, decode("84010343c00002" EX2, &m));
	assert_int_equal(-EBADMSG, decode("840103456161616161" EX2, &m)); /* five */
	assert_int_equal(-EBADMSG, decode("8401036461616161" EX2, &m));	  /* text */
}

static void
a_discovery_has_one_objective_G_058(void **state)
{
	struct grasp_msg m = { .type = M_DISCOVERY,
		.session_id = SID,
		.initiator = INITIATOR,
		.has_objective = true,
		.objective = OBJECTIVE };

	(void)state;
	assert_encodes_to(&m, "84010344c000020183634558320504");
	assert_int_equal(-EBADMSG, decode("83010344c0000201", &m));
	assert_int_equal(0, decode("85010344c0000201" EX2 "83634558330504", &m));
	assert_true(
	    slice_is(m.objective.name, "EX2")); /* the other is an extra element */
}

static void
waiting_carries_the_time_alone_G_096(void **state)
{
	struct grasp_msg m = { .type = M_WAIT, .session_id = SID, .time_ms = 1000 };

	(void)state;
	assert_encodes_to(&m, "8307031903e8");
	assert_int_equal(-EBADMSG, decode("820703", &m));
	assert_int_equal(-EBADMSG, decode("83070320", &m));
}

static void
a_flood_has_a_ttl_and_a_tag_for_each_objective_G_111_G_112(void **state)
{
	struct grasp_msg m;

	(void)state;
	assert_int_equal(0, decode("850903" INI "0082" EX2 "80", &m));
	assert_int_equal(0, m.time_ms);
	assert_int_equal(0, m.locator[0].kind);
	assert_encodes_to(&m, "850903" INI "0082" EX2 "80");
	assert_int_equal(-EBADMSG, decode("840903" INI "82" EX2 "80", &m)); /* no ttl */
	assert_int_equal(-EBADMSG, decode("850903" INI "0081" EX2, &m));    /* no tag */
	assert_int_equal(-EBADMSG, decode("850903" INI "0082" EX2 "f6", &m));
	assert_int_equal(-EBADMSG, decode("840903" INI "00", &m)); /* nothing in it */
}

static void
an_end_says_accept_or_decline_G_094_G_032(void **state)
{
	struct grasp_msg m = { .type = M_END, .session_id = SID, .accepted = true };

	(void)state;
	assert_encodes_to(&m, "830603811865");
	m.accepted = false;
	assert_encodes_to(&m, "830603811866");
	m.reason = (struct slice)S("no");
	assert_encodes_to(&m, "830603821866626e6f");
	assert_int_equal(-EBADMSG, decode("820603", &m));
	assert_int_equal(-EBADMSG, decode("830603811864", &m)); /* O_DIVERT */
}

static void
a_value_keeps_its_bytes_whatever_they_are_I_25(void **state)
{
	static const char *const values[] = { "190001", "9f01ff", "d202",
		"fb3ff0000000000000", "5f4101ff", "bf616101ff", "d8184101" };
	char hex[128];
	struct grasp_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		snprintf(hex, sizeof hex,
		    "8308038463455832050"
		    "4%s",
		    values[i]);
		assert_int_equal(0, decode(hex, &m));
		assert_encodes_to(&m, hex);
	}
}

static void
odd_messages_of_peers_are_read_I_14(void **state)
{
	static const char *const odd[] = {
		"840403" EX2 "01",		       /* an extra element */
		"8304039f63455832180500ff",	       /* no length, longer than needed */
		"84010344c0000201" EX2,		       /* a value in a discovery */
		"83040383634558320004",		       /* no flags */
		"84186303016178",		       /* two contents */
		"850203" INI "0184186844c00002010600", /* port 0 */
		"9f18071903e80af6ff",		       /* all of it */
	};
	struct grasp_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		if (decode(odd[i], &m) < 0)
			fail_msg("%s is refused", odd[i]);
}

static void
a_message_that_does_not_fit_is_reported(void **state)
{
	struct grasp_msg m = { .type = M_WAIT, .session_id = SID };
	uint8_t memory[3];
	struct buf out;

	(void)state;
	buf_init_fixed(&out, memory, sizeof memory);
	assert_int_equal(-ENOSPC, grasp_msg_encode(&m, &out));
}

/* --- locators, values, logs --------------------------------------------------------------- */

static struct addr
address(const char *text)
{
	struct addr a;

	assert_int_equal(0, addr_parse(text, &a));
	return a;
}

static void
a_locator_is_an_address_and_back(void **state)
{
	struct addr six = address("[fd9e::1]:7017"), four = address("192.0.2.7:80"), back;
	struct grasp_locator l = grasp_locator_from_addr(&six, GRASP_TCP);

	(void)state;
	assert_int_equal(O_IPv6_LOCATOR, l.kind);
	assert_int_equal(0, grasp_locator_to_addr(&l, 5, &back));
	assert_true(addr_equal(&six, &back));
	assert_int_equal(0, back.ifindex);
	l = grasp_locator_from_addr(&four, GRASP_TCP);
	assert_int_equal(O_IPv4_LOCATOR, l.kind);
	assert_int_equal(0, grasp_locator_to_addr(&l, 5, &back));
	assert_true(addr_equal(&four, &back));
	l = grasp_locator_from_addr(
	    &(struct addr){ .ip.s6_addr = { 0xfe, 0x80, [15] = 1 }, .port = 1 },
	    GRASP_TCP);
	assert_int_equal(0, grasp_locator_to_addr(&l, 5, &back));
	assert_int_equal(5, back.ifindex);
}

static void
what_cannot_be_connected_to_has_no_address_G_152(void **state)
{
	static const struct grasp_locator useless[] = {
		{ .kind = O_IPv6_LOCATOR,
		    .ip.s6_addr = { 0xfd },
		    .proto = GRASP_UDP,
		    .port = 1 },
		{ .kind = O_IPv6_LOCATOR,
		    .ip.s6_addr = { 0xfd },
		    .proto = GRASP_TCP,
		    .port = 0 },
		{ .kind = O_IPv6_LOCATOR,
		    .ip.s6_addr = { 0xff, 2 },
		    .proto = 6,
		    .port = 1 },
		{ .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 1 },
		{ .kind = O_URI_LOCATOR, .text = S("coap://a"), .proto = 6, .port = 1 },
		{ 0 },
	};
	struct addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(useless); i++)
		assert_int_equal(-EINVAL, grasp_locator_to_addr(&useless[i], 1, &a));
}

static void
names_of_one_link_are_not_diverted_to_G_027_G_029(void **state)
{
	static const struct {
		struct grasp_locator l;
		bool may;
	} cases[] = {
		{ { .kind = O_FQDN_LOCATOR, .text = S("printer.local") }, false },
		{ { .kind = O_FQDN_LOCATOR, .text = S("printer.LOCAL.") }, false },
		{ { .kind = O_FQDN_LOCATOR, .text = S("a.local.example.net") }, true },
		{ { .kind = O_URI_LOCATOR, .text = S("coap://a.local:5683/x") }, false },
		{ { .kind = O_URI_LOCATOR, .text = S("coap://a.example/local") }, true },
		{ { .kind = O_IPv6_LOCATOR, .ip.s6_addr = { 0xfe, 0x80 } }, false },
		{ { .kind = O_IPv6_LOCATOR, .ip.s6_addr = { 0xfd } }, true },
	};

	(void)state; /* G-027, G-029 */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(cases[i].may, grasp_locator_divertable(&cases[i].l));
}

static void
a_wrapped_value_is_the_item_inside_A_09_I_20(void **state)
{
	static const struct {
		struct slice value, inside;
	} cases[] = {
		{ S("\xd8\x18\x43\xa1\x01\x02"), S("\xa1\x01\x02") },
		{ S("\xd8\x18\x43\x00\xff\x10"), S("\xd8\x18\x43\x00\xff\x10") },
		{ S("\x43\xa1\x01\x02"), S("\x43\xa1\x01\x02") },
		{ S("\xd8\x19\x41\x01"), S("\xd8\x19\x41\x01") },
		{ S("\x81\xd8\x18\x41\x01"), S("\x81\xd8\x18\x41\x01") },
		{ S("\xd8\x18\x5f\x41\x01\xff"), S("\xd8\x18\x5f\x41\x01\xff") },
		{ S(""), S("") },
	};

	(void)state; /* A-09, I-20 */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(
		    slice_equal(grasp_value_unwrap(cases[i].value), cases[i].inside));
}

static void
a_message_is_described_in_one_line(void **state)
{
	(void)state;
	assert_described("84011a00d4d7495020010db811112222333344445555666684"
			 "69464f47444f4d41494e0502696f70657261746f7231",
	    "M_DISCOVERY 13948745 FOGDOMAIN loop 2 value \"operator1\"");
	assert_described("850203" INI "1903e8821864" LOCATOR,
	    "M_RESPONSE 3 ttl 1000 ms divert at fd9e:1::2 protocol 6 port 36163");
	assert_described("850903" INI "0a82" EX2 "8418696161060a",
	    "M_FLOOD 3 ttl 10 ms EX2 loop 4 value 1 at a protocol 6 port 10");
	assert_described("830603821866"
			 "6462757379",
	    "M_END 3 decline: busy");
	assert_described("830703190100", "M_WAIT 3 256 ms");
	assert_described("8318630381617a", "M_INVALID 3 [\"z\"]");
	assert_described("8100", "M_NOOP");
}

static void
control_characters_do_not_reach_a_log(void **state)
{
	(void)state;
	assert_described("83040383630a1b410500", "M_REQ_SYN 3 ??A loop 0");
	assert_described("830603821866630a4f4b", "M_END 3 decline: ?OK");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(captured_messages_mean_what_their_file_says),
		TEST(captured_messages_are_written_with_the_same_bytes_G_004_G_009_I_13),
		TEST(no_part_of_a_captured_message_passes_for_a_whole_one),
		TEST(hostile_messages_are_refused_and_borderline_ones_are_not),
		TEST(hostile_messages_cost_neither_memory_nor_time_I_23),
		TEST(messages_of_every_type_survive_the_round_trip),
		TEST(an_unknown_type_tells_its_session_for_an_m_invalid_G_005_G_133),
		TEST(bytes_after_the_message_are_left_to_the_caller_I_15_I_02),
		TEST(options_that_do_not_belong_are_passed_over_G_007_G_030_G_031),
		TEST(a_response_either_diverts_or_names_itself),
		TEST(a_divert_to_a_link_local_address_is_passed_over_G_027),
		TEST(a_locator_of_another_protocol_is_passed_over_G_022),
		TEST(only_a_uri_may_leave_out_protocol_and_port_G_024),
		TEST(a_flooded_objective_with_an_unknown_tag_is_left_out),
		TEST(text_in_chunks_is_put_together_I_14),
		TEST(more_text_in_chunks_than_fits_is_refused),
		TEST(a_message_with_very_many_parts_is_read_up_to_the_bound),
		TEST(a_name_has_one_to_sixty_four_bytes),
		TEST(a_request_without_a_value_carries_null_G_018_G_019),
		TEST(what_rfc_8990_does_not_allow_is_not_written),
		TEST(a_message_is_an_array_that_begins_with_its_type_G_001),
		TEST(
		    every_type_has_the_number_of_the_rfc_and_all_but_noop_an_id_G_002_G_003_G_004),
		TEST(a_message_without_a_session_id_is_refused_G_002),
		TEST(ids_are_32_bits_wide_G_033),
		TEST(an_option_is_an_array_that_begins_with_its_number_G_008),
		TEST(an_objective_has_three_or_four_elements_G_015),
		TEST(flags_are_masks_and_unknown_ones_are_kept_G_020),
		TEST(names_with_and_without_colon_are_carried_as_they_are_G_016_G_017),
		TEST(addresses_have_the_length_of_their_kind_G_022_G_023),
		TEST(an_initiator_has_four_or_sixteen_bytes_G_043),
		TEST(a_discovery_has_one_objective_G_058),
		TEST(waiting_carries_the_time_alone_G_096),
		TEST(a_flood_has_a_ttl_and_a_tag_for_each_objective_G_111_G_112),
		TEST(an_end_says_accept_or_decline_G_094_G_032),
		TEST(a_value_keeps_its_bytes_whatever_they_are_I_25),
		TEST(odd_messages_of_peers_are_read_I_14),
		TEST(a_message_that_does_not_fit_is_reported),
		TEST(a_locator_is_an_address_and_back),
		TEST(what_cannot_be_connected_to_has_no_address_G_152),
		TEST(names_of_one_link_are_not_diverted_to_G_027_G_029),
		TEST(a_wrapped_value_is_the_item_inside_A_09_I_20),
		TEST(a_message_is_described_in_one_line),
		TEST(control_characters_do_not_reach_a_log),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
