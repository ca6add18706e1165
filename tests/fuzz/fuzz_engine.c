// SPDX-License-Identifier: Apache-2.0
//
// A whole engine under a script of bytes: datagrams and streams of a stranger, calls of an ASA
// at any moment, also from inside callbacks, and time that passes. Whatever happens, nothing
// is left of the stranger when all streams are closed and the time is over.
#include "grasp/node_int.h"
#include "base/buf.h"
#include "tests/support/lab.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS 4

struct script {
	const uint8_t *data;
	size_t len;
};

static struct script script;
static struct lab lab;
static struct grasp_stream *stream[STREAMS]; /* of the stranger, NULL: closed */
static bool stream_open[STREAMS];
static struct grasp_session *session; /* the last one that the ASA was told of */
static struct grasp_link *held, *own;
static struct grasp_discovery *search;
static struct grasp_registration *offer;
static unsigned nesting;

static uint8_t
next(void)
{
	if (!script.len)
		return 0;
	script.len--;
	return *script.data++;
}

static struct slice
next_bytes(size_t most)
{
	size_t len = (size_t)next() | (size_t)next() << 8;
	struct slice s = { script.data, 0 };

	s.len = len % (most + 1) < script.len ? len % (most + 1) : script.len;
	script.data += s.len;
	script.len -= s.len;
	return s;
}

/* --- the ASA ------------------------------------------------------------------------ */
static void act(void);

static void
act_inside(void)
{
	if (nesting > 3)
		return;
	nesting++;
	act();
	nesting--;
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	(void)arg;
	(void)from;
	buf_put_slice(ret_value, asked->value);
	act_inside();
	return true;
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	(void)arg;
	(void)reason;
	assert(*grasp_outcome_name(outcome) != '?');
	if (s == session)
		session = NULL;
	act_inside();
}

static void
stepped(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	(void)arg;
	assert(obj->name.len > 0);
	session = s;
	act_inside();
}

static void
waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	(void)arg;
	(void)ms;
	session = s;
	act_inside();
}

static const struct grasp_session_ops session_ops = { stepped, stepped, waiting, ended };

static void
asked(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	grasp_session_set(s, &session_ops, NULL);
	stepped(arg, s, obj);
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	(void)arg;
	(void)obj;
	(void)ttl_ms;
	assert(from->multicast && (locator->kind == 0 || locator->port >= -1));
	act_inside();
}

static const struct grasp_support support = { .discovered = discovered,
	.negotiate = asked,
	.synchronize = asked,
	.flooded = flooded };

static void
opened(void *arg, struct grasp_link *l)
{
	(void)arg;
	(void)l;
	act_inside();
}

static void
closed(void *arg, struct grasp_link *l, int err)
{
	(void)arg;
	assert(err <= 0);
	if (l == held)
		held = NULL;
	if (l == own)
		own = NULL;
	act_inside();
}

static const struct grasp_link_ops link_ops = { opened, closed };

static void
found(void *arg, const struct grasp_found *f)
{
	(void)arg;
	assert(f->locators > 0 && f->ttl_ms > 0);
	act_inside();
}

static void
searched(void *arg, unsigned responses)
{
	(void)arg;
	(void)responses;
	search = NULL;
	act_inside();
}

static struct grasp_objective
objective(void)
{
	static const uint8_t value = 1;

	return lab_objective("EX1", F_DISC | F_NEG, (struct slice){ &value, 1 });
}

static void
hold(void)
{
	struct grasp_link *l = session ? grasp_session_link(session) : NULL;

	if (!l || held || l == own)
		return;
	held = l;
	grasp_link_set(l, &link_ops, NULL);
	grasp_link_hold(l, 1000, 5000, 4096);
}

static void
forget(struct grasp_link **l)
{
	struct grasp_link *gone = *l;

	*l = NULL;
	if (gone)
		grasp_link_close(gone);
	if (held == gone) /* taken again by who was told that a session ended */
		held = NULL;
}

static void
end(bool accept)
{
	struct grasp_session *s = session;

	session = NULL;
	if (s)
		grasp_session_end(s, accept, "no");
}

static void
synch(void)
{
	struct grasp_session *s = session;

	if (s && grasp_session_synch(s, objective().value) == 0 && session == s)
		session = NULL;
}

static void
request(bool negotiation)
{
	struct addr to = { .ip = lab_ip("2001:db8::99"), .port = GRASP_LISTEN_PORT };
	struct grasp_objective o = objective();
	struct grasp_link *l;
	int r = 0;

	if (!own && grasp_link_open(lab.node[0], &to, &link_ops, NULL, &own) < 0)
		return;
	l = held && next() & 1 ? held : own;
	if (negotiation)
		r = grasp_negotiate(l, &o, 2000, &session_ops, NULL, &session);
	else
		r = grasp_synchronize(l, &o, 2000, &session_ops, NULL, &session);
	assert(r <= 0);
}

static void
offer_again(void)
{
	if (offer)
		grasp_deregister(offer);
	offer = NULL;
	if (grasp_register(lab.node[0], "EX1", F_DISC, &support, NULL, &offer) < 0)
		offer = NULL;
}

static void
look_for(void)
{
	struct grasp_objective o = objective();

	if (search)
		return;
	if (grasp_discover(lab.node[0], &o, 3000, found, searched, NULL, &search) < 0)
		search = NULL;
}

static void
act(void)
{
	struct grasp_objective o = objective();
	int r = 0;

	switch (next() % 16) {
	case 1:
		r = session ? grasp_session_step(session, o.value) : 0;
		break;
	case 2:
		r = session ? grasp_session_wait(session, next() * 16) : 0;
		break;
	case 3:
		end(true);
		break;
	case 4:
		end(false);
		break;
	case 5:
		synch();
		break;
	case 6:
		if (session)
			grasp_session_cancel(TAKE(session));
		break;
	case 7:
		hold();
		break;
	case 8:
		forget(&held);
		break;
	case 9:
		forget(&own);
		break;
	case 10:
		request(true);
		break;
	case 11:
		request(false);
		break;
	case 12:
		look_for();
		break;
	case 13:
		grasp_discovery_cancel(TAKE(search));
		break;
	case 14:
		r = grasp_flood(lab.node[0], &o, NULL, 1000);
		break;
	case 15:
		offer_again();
		break;
	}
	assert(r <= 1);
}

/* --- the stranger ------------------------------------------------------------------- */

static int
place_of(const struct grasp_stream *s)
{
	int i = 0;

	while (i < STREAMS - 1 && stream[i] != s)
		i++;
	return i;
}

static void
stranger_opened(void *arg, struct grasp_stream *s)
{
	(void)arg;
	stream_open[place_of(s)] = true;
}

static ssize_t
stranger_received(void *arg, struct grasp_stream *s, struct slice data)
{
	struct grasp_msg msg;
	size_t len;

	(void)arg;
	(void)s;
	assert(grasp_msg_decode(data, &msg, &len) == 0 && len == data.len); /* I-01 */
	return (ssize_t)data.len;
}

static void
stranger_closed(void *arg, struct grasp_stream *s, int err)
{
	int i = place_of(s);

	(void)arg;
	(void)err;
	stream[i] = NULL;
	stream_open[i] = false;
}

static const struct grasp_stream_ops stranger_ops = { stranger_opened, stranger_received,
	stranger_closed };

static void
accept_one(void *arg, struct grasp_stream *s)
{
	const struct grasp_io_ops *ops = fake_host_io(lab.outside)->ops;

	(void)arg;
	for (int i = 0; i < STREAMS; i++)
		if (!stream[i]) {
			stream[i] = s;
			stream_open[i] = true;
			ops->stream_set(s, &stranger_ops, NULL);
			return;
		}
	ops->stream_close(s, true);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static void
ignore_change(void *arg)
{
	(void)arg;
}

static const struct grasp_io_events stranger_events = { ignore_datagram, accept_one,
	ignore_change };

static void
connect_one(int i)
{
	struct grasp_io *io = fake_host_io(lab.outside);
	struct addr to = lab_address(0);

	if (stream[i])
		return;
	stream_open[i] = false;
	assert(io->ops->stream_open(io, &to, 2000, &stranger_ops, NULL, &stream[i]) == 0);
}

static void
hang_up(int i, bool abort)
{
	if (stream[i])
		fake_host_io(lab.outside)->ops->stream_close(TAKE(stream[i]), abort);
	stream_open[i] = false;
}

static void
send_bytes(int i, struct slice bytes)
{
	if (stream[i] && stream_open[i] && bytes.len)
		(void)!fake_host_io(lab.outside)->ops->stream_send(stream[i], bytes);
}

static void
cast(uint8_t kind, struct slice bytes)
{
	bool scoped = kind & 1;
	struct grasp_datagram d = {
		.from = { lab_ip(scoped ? "2001:db8::99" : "fe80::99"), lab.ifindex[0],
		    4567 },
		.to = lab_ip(scoped ? LAB_SCOPE : GRASP_ALL_NEIGHBORS_6),
		.hop_limit = 1,
		.data = bytes,
	};

	fake_inject(lab.host[0], &d);
}

/* A message that fits to what the engine sent last, so that sessions get somewhere. */
static void
send_fitting(int i, uint8_t type)
{
	static struct grasp_msg last;
	struct grasp_msg m = {
		.type = type % 10, .session_id = next(), .has_objective = true
	};
	uint8_t memory[512];
	struct buf b;

	for (size_t n = fake_packets(lab.net); n-- > 0;) {
		const struct fake_packet *p = fake_packet(lab.net, n);
		size_t len;

		if (!p->data.len || memcmp(&p->from.ip, &p->to.ip, 16) == 0 ||
		    grasp_msg_decode(p->data, &last, &len) < 0 || last.type == M_NOOP)
			continue;
		m.session_id = last.session_id;
		m.initiator = last.initiator;
		break;
	}
	m.objective = objective();
	m.objective.loop_count = next() % 8;
	m.time_ms = next() * 100;
	m.accepted = m.time_ms & 1;
	m.locators = m.items = 1;
	m.locator[0] = (struct grasp_locator){ O_IPv6_LOCATOR, lab_ip("2001:db8::99"),
		{ 0 }, GRASP_TCP, 7017 };
	m.flooded[0] = m.objective;
	if (m.initiator.len == 0)
		m.initiator = lab_initiator("2001:db8::99");
	buf_init_fixed(&b, memory, sizeof memory);
	if (grasp_msg_encode(&m, &b) < 0)
		return;
	if (type & 0x80)
		cast(type >> 6, buf_slice(&b));
	else
		send_bytes(i, buf_slice(&b));
}

static void
play(void)
{
	while (script.len) {
		uint8_t op = next();
		int i = op >> 6;

		switch (op % 8) {
		case 0:
			cast(op >> 3, next_bytes(GRASP_MULTICAST_MAX + 10));
			break;
		case 1:
			connect_one(i);
			break;
		case 2:
			send_bytes(i, next_bytes(5000));
			break;
		case 3:
			fake_run(lab.net, next() * (op & 8 ? 100 : 1));
			break;
		case 4:
			hang_up(i, op & 8);
			break;
		case 5:
			act();
			break;
		case 6:
			send_fitting(i, next());
			break;
		case 7:
			fake_fail(lab.host[0], 1 + (op >> 6), 12);
			break;
		}
		fake_run(lab.net, 3);
	}
}

static void
check_quiet(void)
{
	struct grasp_node *n = lab.node[0];

	for (int i = 0; i < STREAMS; i++)
		hang_up(i, false);
	fake_fail(lab.host[0], 0, 0);
	fake_run(lab.net, 2 * GRASP_DEF_TIMEOUT_MS + WAIT_MAX_MS);
	forget(&own);
	forget(&held);
	fake_run(lab.net, 10);
	assert(TAILQ_EMPTY(&n->links) && n->links_accepted == 0);
	assert(TAILQ_EMPTY(&n->responses) && n->responses_open == 0);
	assert(TAILQ_EMPTY(&n->discoveries));
	assert(STAILQ_EMPTY(&n->garbage) && n->depth == 0);
	assert(fake_streams(lab.host[0]) == 0);
	assert(n->seen.count <= SEEN_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grasp_io *io;

	if (size > 20000)
		return 0;
	script = (struct script){ data, size };
	memset(stream, 0, sizeof stream);
	session = NULL;
	held = own = NULL;
	search = NULL;
	offer = NULL;
	lab_init(&lab, 1, LAB_SCOPED);
	io = fake_host_io(lab.outside);
	assert(io->ops->bind(io, GRASP_LISTEN_PORT, &stranger_events, NULL) == 0);
	offer_again();
	play();
	check_quiet();
	lab_done(&lab);
	return 0;
}
