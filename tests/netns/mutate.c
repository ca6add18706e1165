/* SPDX-License-Identifier: Apache-2.0
 *
 * mutate: sends messages that almost are what they should be, and now and then one that is.
 *
 *	mutate INTERFACE ADDRESS COUNT SEED
 *
 * COUNT datagrams go to ff02::13 on the interface and COUNT messages to ADDRESS by TCP, port 7017,
 * up to eight on a connection. Each is a captured, a hostile or one of our own messages with bits
 * flipped, bytes cut, doubled, exchanged or put in, or two of them grown together; the same seed
 * gives the same bytes. Ends 0 when all was sent, whatever became of the connections. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "grasp/msg.h"
#include "tests/support/hex.h"
#include "tests/support/values.h"

#define S(text)                                           \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
#include "tests/data/grasp/hostile.h"
#include "tests/data/grasp/messages.h"

#define BASES_MAX   1024
#define MESSAGE_MAX 4096
#define BURST	    15 /* datagrams in PAUSE_MS: below what a node takes in a second (S-10) */
#define PAUSE_MS    10

static struct {
	struct slice base[BASES_MAX];
	size_t bases;
	uint64_t random;
} mutate;

static uint32_t
draw(uint32_t below)
{
	/* xorshift64*: small, seeded, good enough to shake bytes. */
	mutate.random ^= mutate.random >> 12;
	mutate.random ^= mutate.random << 25;
	mutate.random ^= mutate.random >> 27;
	return (uint32_t)((mutate.random * 2685821657736338717ull) >> 33) % below;
}

static void
add_base(struct slice s)
{
	if (mutate.bases < BASES_MAX)
		mutate.base[mutate.bases++] = s;
}

static void
add_ours(enum grasp_type type, const char *name, unsigned flags, struct buf *value)
{
	struct grasp_msg msg = { .type = type,
		.session_id = 7,
		.initiator = { .len = 16, .bytes = { 0xfd, 0x57, [15] = 0x66 } },
		.time_ms = 30000,
		.has_objective = true,
		.objective = { slice_text(name), flags, 6, buf_slice(value) },
		.items = 1,
		.locators = 1 };
	struct buf out;

	msg.flooded[0] = msg.objective;
	msg.locator[0] = (struct grasp_locator){
		.kind = O_IPv6_LOCATOR, .proto = GRASP_TCP, .port = 7017
	};
	buf_init(&out, MESSAGE_MAX);
	if (grasp_msg_encode(&msg, &out) == 0)
		add_base(buf_slice(&out)); /* lives until the end */
	buf_reset(value);
}

static void
gather_ours(void)
{
	struct fog_domain domain = sample_domain(true);
	struct caps caps = sample_caps(true);
	struct fog_plan *plan = calloc(1, sizeof *plan);
	struct fog_report *report = calloc(1, sizeof *report);
	struct buf value, caps_bytes;

	buf_init(&value, MESSAGE_MAX);
	buf_init(&caps_bytes, MESSAGE_MAX);
	fog_domain_encode(&domain, &value);
	add_ours(M_DISCOVERY, FOGDOMAIN, F_DISC | F_SYNCH, &value);
	fog_domain_encode(&domain, &value);
	add_ours(M_FLOOD, FOGDOMAIN, F_DISC | F_SYNCH, &value);
	caps_encode(&caps, &caps_bytes);
	struct fog_registration registration =
	    sample_registration(true, buf_slice(&caps_bytes));
	fog_registration_encode(&registration, &value);
	add_ours(M_REQ_NEG, FOGREG, F_DISC | F_NEG, &value);
	if (plan && report) {
		sample_plan(true, plan);
		fog_plan_encode(plan, &value);
		add_ours(M_REQ_NEG, FOGPLAN, F_DISC | F_NEG, &value);
		sample_report(true, report);
		fog_report_encode(report, &value);
		add_ours(M_REQ_NEG, FOGREPORT, F_DISC | F_NEG, &value);
	}
	fog_query_encode(&(struct fog_query){ .program = SAMPLE_PROGRAM }, &value);
	add_ours(M_REQ_SYN, FOGMETRIC, F_DISC | F_SYNCH, &value);
	buf_done(&value);
	buf_done(&caps_bytes);
	free(plan);
	free(report);
}

static size_t
flip(uint8_t *m, size_t len)
{
	if (len)
		m[draw((uint32_t)len)] ^= (uint8_t)(1u << draw(8));
	return len;
}

static size_t
replace(uint8_t *m, size_t len)
{
	static const uint8_t telling[] = { 0x00, 0x17, 0x18, 0x1b, 0x3b, 0x5b, 0x7f, 0x80,
		0x9a, 0x9f, 0xbf, 0xd8, 0xf6, 0xf9, 0xfb, 0xff };

	if (len)
		m[draw((uint32_t)len)] = telling[draw(sizeof telling)];
	return len;
}

static size_t
cut(uint8_t *m, size_t len)
{
	size_t at = len ? draw((uint32_t)len) : 0,
	       n = len ? draw((uint32_t)(len - at)) : 0;

	memmove(m + at, m + at + n, len - at - n);
	return len - n;
}

static size_t
put_in(uint8_t *m, size_t len)
{
	size_t at = draw((uint32_t)len + 1), n = 1 + draw(16);

	if (len + n > MESSAGE_MAX)
		return len;
	memmove(m + at + n, m + at, len - at);
	for (size_t i = 0; i < n; i++)
		m[at + i] = (uint8_t)draw(256);
	return len + n;
}

static size_t
grow_together(uint8_t *m, size_t len)
{
	struct slice other = mutate.base[draw((uint32_t)mutate.bases)];
	size_t from = draw((uint32_t)other.len + 1), at = draw((uint32_t)len + 1);
	size_t n = other.len - from;

	if (at + n > MESSAGE_MAX)
		return len;
	memcpy(m + at, other.data + from, n);
	return at + n;
}

static size_t
next_message(uint8_t m[MESSAGE_MAX])
{
	static size_t (*const ways[])(uint8_t *, size_t) = { flip, flip, replace, replace,
		cut, put_in, grow_together };
	struct slice base = mutate.base[draw((uint32_t)mutate.bases)];
	size_t len = base.len < MESSAGE_MAX ? base.len : MESSAGE_MAX;

	if (len)
		memcpy(m, base.data, len);
	for (uint32_t n = draw(5); n > 0; n--)
		len = ways[draw(ARRAY_LEN(ways))](m, len);
	return len;
}

static int
send_datagrams(const char *interface, unsigned count)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6,
		.sin6_port = htons(7017),
		.sin6_scope_id = if_nametoindex(interface) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	uint8_t m[MESSAGE_MAX];

	inet_pton(AF_INET6, "ff02::13", &to.sin6_addr);
	if (fd < 0 || !to.sin6_scope_id)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		size_t len = next_message(m);

		if (sendto(fd, m, len, 0, (struct sockaddr *)&to, sizeof to) < 0 &&
		    errno != ENOBUFS && errno != EMSGSIZE)
			return -1;
		if (i % BURST == BURST - 1)
			poll(NULL, 0, PAUSE_MS);
	}
	close(fd);
	return 0;
}

static int
connect_to(const char *address)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(7017) };
	struct timeval limit = { .tv_sec = 2 };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, address, &to.sin6_addr);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What comes back is taken, so that nobody's buffers fill; a closed connection is expected. */
static void
drain(int fd)
{
	char answer[4096];

	while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
		continue;
}

static int
send_streams(const char *address, unsigned count)
{
	uint8_t m[MESSAGE_MAX];

	for (unsigned sent = 0; sent < count;) {
		int fd = connect_to(address);

		if (fd < 0)
			return -1;
		for (uint32_t n = 1 + draw(8); n > 0 && sent < count; n--, sent++) {
			size_t len = next_message(m);

			if (send(fd, m, len, MSG_NOSIGNAL) < 0)
				n = 1;
			drain(fd);
		}
		/* Half of them go without a word of farewell. */
		if (draw(2))
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){ 1, 0 },
			    sizeof(struct linger));
		close(fd);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned count = argc == 5 ? (unsigned)atoi(argv[3]) : 0;

	if (!count) {
		fputs("usage: mutate INTERFACE ADDRESS COUNT SEED\n", stderr);
		return 2;
	}
	mutate.random = strtoull(argv[4], NULL, 10) * 2 + 1;
	for (size_t i = 0; i < ARRAY_LEN(message_vectors); i++)
		add_base(hex_bytes(message_vectors[i].hex));
	for (size_t i = 0; i < ARRAY_LEN(hostile_vectors); i++)
		add_base(hex_bytes(hostile_vectors[i].hex));
	gather_ours();
	if (send_datagrams(argv[1], count) < 0 || send_streams(argv[2], count) < 0) {
		perror("mutate");
		return 1;
	}
	printf("%u datagrams and %u messages of %zu kinds sent\n", count, count,
	    mutate.bases);
	return 0;
}
