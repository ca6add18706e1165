/* SPDX-License-Identifier: Apache-2.0
 *
 * shout: a storm of multicasts on a link (S-10).
 *
 *	shout INTERFACE CERTIFICATE JUNK WRONG SECONDS [SOURCE...]
 *
 * So many datagrams a second go to ff02::13, port 7017: JUNK of random bytes that begin like GRASP, and
 * WRONG that are questions for a controller with the signature of a member whose certificate goes along,
 * but which that member has not made. From the addresses in turn, else from the interface's own. Prints
 * how many were sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/crypto_cert.h"
#include "grasp/msg.h"
#include "trust/cose.h"
#include "trust/who.h"

#define TICK_MS	    2
#define SOURCES_MAX 64

static struct {
	int socket[SOURCES_MAX];
	unsigned sockets, turn;
	struct sockaddr_in6 to;
	struct cert *cert;
	struct trust_name name;
	uint64_t junk, wrong, lost;
	uint32_t number;
} shout;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
give_up(const char *what)
{
	fprintf(stderr, "shout: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- where from and where to ---------------------------------------------------------------- */

static void
open_socket(const char *source)
{
	struct sockaddr_in6 from = { .sin6_family = AF_INET6,
		.sin6_scope_id = shout.to.sin6_scope_id };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0),
	    index = (int)shout.to.sin6_scope_id;

	if (source && inet_pton(AF_INET6, source, &from.sin6_addr) != 1)
		give_up(source);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) < 0)
		give_up("socket");
	shout.socket[shout.sockets++] = fd;
}

static void
prepare(char *argv[], int sources, char *source[])
{
	shout.to = (struct sockaddr_in6){ .sin6_family = AF_INET6,
		.sin6_port = htons(GRASP_LISTEN_PORT),
		.sin6_scope_id = if_nametoindex(argv[1]) };
	if (!shout.to.sin6_scope_id ||
	    inet_pton(AF_INET6, GRASP_ALL_NEIGHBORS_6, &shout.to.sin6_addr) != 1)
		give_up(argv[1]);
	if (cert_load(argv[2], 1, &shout.cert) != 1 ||
	    trust_uri_parse(cert_facts(shout.cert)->uri, &shout.name) < 0)
		give_up(argv[2]);
	if (sources == 0)
		open_socket(NULL);
	for (int i = 0; i < sources && i < SOURCES_MAX; i++)
		open_socket(source[i]);
}

/* --- what ------------------------------------------------------------------------------------ */

/* A full queue is the storm's own. */
static bool
cast(const void *data, size_t len)
{
	int fd = shout.socket[shout.turn++ % shout.sockets];

	if (sendto(fd, data, len, 0, (struct sockaddr *)&shout.to, sizeof shout.to) >= 0)
		return true;
	if (errno != ENOBUFS && errno != EAGAIN)
		give_up("sendto");
	shout.lost++;
	return false;
}

static void
cast_junk(void)
{
	uint8_t bytes[200];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(random() >> 7);
	bytes[0] = 0x84;
	shout.junk += cast(bytes, sizeof bytes);
}

static void
cast_wrong(void)
{
	static uint8_t signature[KEY_SIGNATURE_LEN];
	uint8_t memory[GRASP_MULTICAST_MAX], header[COSE_PROTECTED_MAX];
	struct grasp_msg q = {
		.type = M_DISCOVERY,
		.session_id = (uint32_t)random(),
		.initiator = { 16, { 0xfd, 0x59, [15] = 9 } },
		.has_objective = true,
		.objective = { slice_text("FOGDOMAIN"), F_DISC | F_SYNCH, 6, { 0 } },
	};
	struct cose_sign1 s = {
		.header = { .alg = COSE_ES256,
		    .kid = { shout.name.id.bytes, COSE_KID_LEN },
		    .counter = ((uint64_t)time(NULL) * 1000 << 10) + shout.number++,
		    .iat_s = time(NULL) },
		.certificate = cert_der(shout.cert),
		.signature = { signature, sizeof signature },
	};
	struct buf out, protected;

	for (size_t i = 0; i < sizeof signature; i++)
		signature[i] = (uint8_t)(random() >> 7);
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&protected, header, sizeof header);
	cose_protected_write(&s.header, &protected);
	s.protected = buf_slice(&protected);
	if (grasp_msg_encode(&q, &out) < 0)
		give_up("encoding");
	cose_sign1_put(&s, &out);
	shout.wrong += cast(out.data, out.pos);
}

/* --- how often -------------------------------------------------------------------------------- */

static void
catch_up(double due, uint64_t *done, void (*cast_one)(void))
{
	for (; (double)*done < due; (*done)++)
		cast_one();
}

int
main(int argc, char *argv[])
{
	uint64_t junk = 0, wrong = 0;
	int64_t begin;
	double over = 0;

	if (argc < 6) {
		fputs(
		    "usage: shout INTERFACE CERTIFICATE JUNK WRONG SECONDS [SOURCE...]\n",
		    stderr);
		return 2;
	}
	prepare(argv, argc - 6, argv + 6);
	puts("ready");
	fflush(stdout);
	begin = now_us();
	while (over < atof(argv[5])) {
		over = (double)(now_us() - begin) / 1e6;
		catch_up(over * atof(argv[3]), &junk, cast_junk);
		catch_up(over * atof(argv[4]), &wrong, cast_wrong);
		usleep(TICK_MS * 1000);
	}
	printf("{\"junk\": %llu, \"wrong\": %llu, \"lost\": %llu, \"seconds\": %.1f}\n",
	    (unsigned long long)shout.junk, (unsigned long long)shout.wrong,
	    (unsigned long long)shout.lost, over);
	cert_unref(shout.cert);
	return 0;
}
