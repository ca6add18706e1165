// SPDX-License-Identifier: Apache-2.0
//
// A relay between three links under a script of bytes: datagrams from any of them, responses over
// streams, calls of a program, interfaces that come and go, and time that passes. Nothing is sent
// twice on a link, nothing larger than it may be, and no stream is left over.
#include "grasp/node_int.h"
#include "tests/support/web.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS 4
#define STEPS	64

struct script {
	const uint8_t *data;
	size_t len;
};
static struct script script;
static struct web w;
static struct fake_host *stranger;
static struct grasp_stream *stream[STREAMS];
static struct slice saying[STREAMS]; /* when it is open */
static bool detached;

static uint8_t
next(void)
{
	if (!script.len)
		return 0;
	script.len--;
	return *script.data++;
}

static struct slice
next_bytes(void)
{
	size_t len = (size_t)next() | (size_t)next() << 8;
	struct slice s = { script.data, len < script.len ? len : script.len };

	script.data += s.len;
	script.len -= s.len;
	return s;
}

/* --- a stranger's streams ----------------------------------------------------------- */

static int
place_of(const struct grasp_stream *s)
{
	int i = 0;

	while (i < STREAMS - 1 && stream[i] != s)
		i++;
	return i;
}

static void
opened(void *arg, struct grasp_stream *s)
{
	struct slice bytes = saying[place_of(s)];

	(void)arg;
	if (bytes.len)
		(void)!fake_host_io(stranger)->ops->stream_send(s, bytes);
}

static ssize_t
received(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	(void)s;
	return (ssize_t)data.len;
}

static void
closed(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)err;
	stream[place_of(s)] = NULL;
}

static const struct grasp_stream_ops stream_ops = { opened, received, closed };

static void
hang_up(int i)
{
	if (stream[i])
		fake_host_io(stranger)->ops->stream_close(stream[i], false);
	stream[i] = NULL;
}

static void
say(void)
{
	struct grasp_io *io = fake_host_io(stranger);
	int i = next() % STREAMS;
	struct addr to = { .ip = web_ip(&w, 0, 1), .port = GRASP_LISTEN_PORT };

	hang_up(i);
	saying[i] = next_bytes();
	if (io->ops->stream_open(io, &to, 2000, &stream_ops, NULL, &stream[i]) < 0)
		stream[i] = NULL;
}

/* --- what happens ------------------------------------------------------------------- */

static void
hear(void)
{
	static const char *const sources[] = { "fe80::90", "fe80::91", "fe80::92",
		"2001:db8:1::90" };
	unsigned at = next() % 3;
	const char *from = sources[next() % 4];

	web_cast(&w, 0, at, next_bytes(), from);
}

static void
replug(void)
{
	struct web_node *n = &w.n[0];

	if (detached)
		n->ifindex[2] = fake_attach(n->host, 3, "fe80::1", "2001:db8:3::1", NULL);
	else
		fake_detach(n->host, n->ifindex[2]);
	detached = !detached;
}

static void
forget_first(void *arg, const struct grasp_found *found)
{
	struct addr at;

	(void)arg;
	if (grasp_locator_to_addr(&found->locator[0], found->from.ifindex, &at) == 0)
		grasp_cache_forget(w.n[0].node, slice_text("EX1"), &at);
}

static void
call(void)
{
	struct grasp_objective o[2] = { lab_objective("EX1", F_DISC | F_SYNCH, BYTES(1)),
		lab_objective("EX2", F_DISC, BYTES(2)) };
	const struct grasp_locator here = { .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP };
	struct grasp_node *n = w.n[0].node;

	switch (next() % 6) {
	case 0:
		web_discover(&w, 0, "EX1", next(), 500);
		break;
	case 1:
		assert(grasp_cached(n, slice_text("EX1"), next() * 100u, forget_first,
			   NULL) <= DISCOVERY_CACHE_PER_NAME);
		break;
	case 2:
		assert(grasp_flood_all(n, o, NULL, 2, next() * 100u) >= 0);
		break;
	case 3:
		grasp_flood_expire(n, slice_text("EX1"), NULL);
		break;
	case 4:
		grasp_cache_put(n, slice_text("EX1"), &here, next());
		break;
	case 5:
		assert(grasp_flood(n, o, &here, 1000) >= 0);
		break;
	}
}

static void
step(void)
{
	switch (next() % 6) {
	case 0:
	case 1:
		hear();
		break;
	case 2:
		say();
		break;
	case 3:
		call();
		break;
	case 4:
		replug();
		break;
	case 5:
		web_run(&w, next());
		break;
	}
	web_run(&w, 1);
}

/* --- what must hold ----------------------------------------------------------------- */

static bool
is_copy(const struct fake_packet *a, const struct fake_packet *b)
{
	struct grasp_msg x, y;
	size_t len;

	return a->link == b->link && grasp_msg_decode(a->data, &x, &len) == 0 &&
	    grasp_msg_decode(b->data, &y, &len) == 0 && x.session_id == y.session_id &&
	    initiator_equal(&x.initiator, &y.initiator);
}

static void
check_datagrams(void)
{
	size_t packets = fake_packets(w.net);

	for (size_t i = 0; i < packets; i++) {
		const struct fake_packet *p = fake_packet(w.net, i);

		if (p->kind != FAKE_DATAGRAM)
			continue;
		assert(p->data.len <= GRASP_MULTICAST_MAX);
		for (size_t k = 0; k < i; k++)
			if (fake_packet(w.net, k)->kind == FAKE_DATAGRAM)
				assert(!is_copy(p, fake_packet(w.net, k)));
	}
}

static void
set_up(void)
{
	static const struct grasp_config helpful = {
		.link_local = true, .relay = true, .assist = GRASP_ASSIST_ALWAYS
	};

	detached = false;
	web_init(&w);
	web_add(&w, &helpful, 1, 2, 3, 0);
	stranger = fake_host_new(w.net);
	fake_attach(stranger, 1, "fe80::90", "2001:db8:1::90", NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	script = (struct script){ data, size };
	set_up();
	for (int i = 0; i < STEPS && script.len; i++)
		step();
	for (int i = 0; i < STREAMS; i++)
		hang_up(i);
	web_run(&w, 20000);
	assert(fake_streams(w.n[0].host) == 0);
	check_datagrams();
	web_done(&w);
	return 0;
}
