/* SPDX-License-Identifier: Apache-2.0
 *
 * libgrasp without libev and without sockets: a struct grasp_io of our own gives two nodes in this
 * process a link between them and virtual time, as a simulator would do, or a test. Whoever has
 * another event loop fills in the same functions with what it offers.
 *
 *	cc -o grasp-virtual grasp-virtual.c $(pkg-config --cflags --libs libgrasp)
 */
#include <errno.h>
#include <grasp/grasp.h>
#include <stdio.h>
#include <stdlib.h>

#define HOSTS	 2
#define QUEUE	 4096 /* bytes of a stream on their way */
#define DELAY_MS 3    /* of every packet */

struct host {
	struct grasp_io io; /* first: what the library has is a pointer to this */
	struct in6_addr ip; /* fe80::1, fe80::2 */
	const struct grasp_io_events *events;
	void *arg;
};
static struct host host[HOSTS];
static int64_t now_ms;

static void
die(const char *why)
{
	fprintf(stderr, "grasp-virtual: %s\n", why);
	exit(1);
}

/* --- the loop: what is to be done, in order of time ----------------------------------------- */

struct task {
	struct task *next;
	int64_t at_ms;
	void (*run)(void *arg);
	void *arg;
};
static struct task *tasks;

static void
later(int64_t delay_ms, void (*run)(void *arg), void *arg)
{
	struct task *t = malloc(sizeof *t), **at = &tasks;

	if (!t)
		die("out of memory");
	t->at_ms = now_ms + delay_ms;
	t->run = run;
	t->arg = arg;
	while (*at && (*at)->at_ms <= t->at_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

static void
forget(const void *arg)
{
	for (struct task **at = &tasks, *t; (t = *at);) {
		if (t->arg == arg) {
			*at = t->next;
			free(t);
		} else {
			at = &t->next;
		}
	}
}

static void
run_until(int64_t end_ms)
{
	struct task *t;

	while ((t = tasks) && t->at_ms <= end_ms) {
		tasks = t->next;
		now_ms = t->at_ms;
		t->run(t->arg);
		free(t);
	}
}

/* --- time, chance and timers ---------------------------------------------------------------- */

static int64_t
io_now(struct grasp_io *io)
{
	(void)io;
	return now_ms;
}

static void
io_random(struct grasp_io *io, void *dst, size_t len)
{
	static uint32_t x =
	    1; /* the same run each time; a real binding asks getrandom() */

	(void)io;
	for (uint8_t *p = dst; len > 0; len--)
		*p++ = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
}

struct grasp_timer {
	void (*fire)(void *arg);
	void *arg;
};

static void
fire(void *arg)
{
	struct grasp_timer *t = arg;

	t->fire(t->arg); /* t may be gone now */
}

static int
io_timer_new(
    struct grasp_io *io, void (*what)(void *arg), void *arg, struct grasp_timer **ret)
{
	struct grasp_timer *t = malloc(sizeof *t);

	(void)io;
	if (!t)
		return -ENOMEM;
	t->fire = what;
	t->arg = arg;
	*ret = t;
	return 0;
}

static void
io_timer_stop(struct grasp_timer *t)
{
	forget(t);
}

static void
io_timer_set(struct grasp_timer *t, int64_t delay_ms)
{
	forget(t);
	later(delay_ms, fire, t);
}

static void
io_timer_free(struct grasp_timer *t)
{
	if (t)
		forget(t);
	free(t);
}

/* --- interfaces and multicast --------------------------------------------------------------- */

static int
io_bind(
    struct grasp_io *io, uint16_t port, const struct grasp_io_events *events, void *arg)
{
	struct host *h = (struct host *)io;

	(void)port; /* all ports of a host lead to the one node that it has */
	h->events = events;
	h->arg = arg;
	return 0;
}

static void
io_unbind(struct grasp_io *io)
{
	((struct host *)io)->events = NULL;
}

static int
io_interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX])
{
	struct grasp_interface is = { .index = 1, .name = "virtual0", .addrs = 1 };

	is.addr[0] = ((struct host *)io)->ip;
	dst[0] = is;
	return 1;
}

static int
io_group_join(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group)
{
	(void)io, (void)ifindex, (void)group;
	return 0; /* here everybody hears every group */
}

struct letter {
	struct host *to;
	struct grasp_datagram datagram;
	uint8_t bytes[GRASP_MULTICAST_MAX];
};

static void
deliver_letter(void *arg)
{
	struct letter *l = arg;

	if (l->to->events)
		l->to->events->datagram(l->to->arg, &l->datagram);
	free(l);
}

static int
io_group_send(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data)
{
	const struct host *from = (struct host *)io;

	(void)ifindex, (void)hops;
	if (data.len > GRASP_MULTICAST_MAX)
		return -EMSGSIZE;
	for (struct host *h = host; h < host + HOSTS; h++) {
		struct letter *l = h == from ? NULL : calloc(1, sizeof *l);

		if (!l)
			continue; /* lost, as datagrams are at times */
		memcpy(l->bytes, data.data, data.len);
		l->to = h;
		l->datagram.from.ip = from->ip;
		l->datagram.from.ifindex = 1;
		l->datagram.from.port = GRASP_LISTEN_PORT;
		l->datagram.to = *group;
		l->datagram.hop_limit = 255;
		l->datagram.data.data = l->bytes;
		l->datagram.data.len = data.len;
		later(DELAY_MS, deliver_letter, l);
	}
	return 0;
}

/* --- streams -------------------------------------------------------------------------------- */

struct grasp_stream {
	struct grasp_stream *other; /* NULL: gone */
	struct host *owner;
	const struct grasp_stream_ops *ops; /* NULL: none yet, or closed by its owner */
	void *arg;
	struct addr peer;
	int error; /* of one that does not open */
	size_t len;
	uint8_t bytes[QUEUE]; /* have come, or are on their way */
};

static void
free_stream(void *arg)
{
	struct grasp_stream *s = arg;

	forget(s);
	if (s->other)
		s->other->other = NULL;
	free(s);
}

static void
tell_closed(void *arg)
{
	struct grasp_stream *s = arg;

	if (s->ops)
		s->ops->closed(s->arg, s, s->error);
	free_stream(s);
}

static void
tell_opened(void *arg)
{
	struct grasp_stream *s = arg;

	s->ops->opened(s->arg, s);
}

/* Its owner may close it in the callback: it is then freed later, not under our feet. */
static void
tell_received(void *arg)
{
	struct grasp_stream *s = arg;
	struct slice data = { s->bytes, s->len };
	ssize_t used = s->ops && s->len ? s->ops->received(s->arg, s, data) : 0;

	if (!s->ops)
		return;
	if (used < 0) {
		s->error = (int)-used;
		tell_closed(s);
		return;
	}
	s->len -= (size_t)used;
	memmove(s->bytes, s->bytes + used, s->len);
}

static void
io_stream_close(struct grasp_stream *s, bool abort_it)
{
	(void)abort_it;
	forget(s);
	s->ops = NULL;
	later(0, free_stream, s);
	if (s->other && s->other->ops)
		later(DELAY_MS, tell_closed, s->other);
}

static void
tell_accepted(void *arg)
{
	struct grasp_stream *s = arg;

	if (s->owner->events)
		s->owner->events->accepted(s->owner->arg, s);
	else
		io_stream_close(s, true);
}

static struct host *
host_of(const struct in6_addr *ip)
{
	for (struct host *h = host; h < host + HOSTS; h++)
		if (IN6_ARE_ADDR_EQUAL(&h->ip, ip))
			return h;
	return NULL;
}

static int
io_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret)
{
	struct host *far = host_of(&to->ip);
	struct grasp_stream *s = calloc(1, sizeof *s);
	struct grasp_stream *other = far ? calloc(1, sizeof *s) : NULL;

	(void)timeout_ms; /* here a stream opens, or fails, at once */
	if (!s || (far && !other)) {
		free(s);
		free(other);
		return -ENOMEM;
	}
	s->owner = (struct host *)io;
	s->ops = ops;
	s->arg = arg;
	s->peer = *to;
	s->other = other;
	s->error = ECONNREFUSED;
	if (far) {
		s->error = 0;
		other->owner = far;
		other->other = s;
		other->peer.ip = s->owner->ip;
		other->peer.ifindex = 1;
		later(DELAY_MS, tell_accepted, other);
	}
	later(2 * DELAY_MS, far ? tell_opened : tell_closed, s);
	*ret = s;
	return 0;
}

static void
io_stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg)
{
	s->ops = ops;
	s->arg = arg;
}

static int
io_stream_send(struct grasp_stream *s, struct slice data)
{
	struct grasp_stream *other = s->other;

	if (!other)
		return -EPIPE;
	if (data.len > sizeof other->bytes - other->len)
		return -ENOBUFS;
	memcpy(other->bytes + other->len, data.data, data.len);
	other->len += data.len;
	later(DELAY_MS, tell_received, other);
	return 0;
}

static void
io_stream_peer(const struct grasp_stream *s, struct addr *ret)
{
	*ret = s->peer;
}

static void
io_stream_local(const struct grasp_stream *s, struct addr *ret)
{
	struct addr local = { s->owner->ip, 1, GRASP_LISTEN_PORT };

	*ret = local;
}

static const struct grasp_io_ops io_ops = {
	.now = io_now,
	.wall = io_now,
	.random = io_random,
	.timer_new = io_timer_new,
	.timer_set = io_timer_set,
	.timer_stop = io_timer_stop,
	.timer_free = io_timer_free,
	.bind = io_bind,
	.unbind = io_unbind,
	.interfaces = io_interfaces,
	.group_join = io_group_join,
	.group_send = io_group_send,
	.stream_open = io_stream_open,
	.stream_set = io_stream_set,
	.stream_send = io_stream_send,
	.stream_close = io_stream_close,
	.stream_peer = io_stream_peer,
	.stream_local = io_stream_local,
};

/* --- two nodes: one has a text, the other one looks for it ---------------------------------- */

static const char *const name = "example.org:greeting";
static struct grasp_node *node[HOSTS];

static void
on_asked(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	struct slice hello = slice_text("\x65hello"); /* CBOR: a text of 5 bytes */

	(void)arg, (void)asked;
	printf("%4lld ms: node 0 is asked\n", (long long)now_ms);
	if (grasp_session_synch(s, hello) < 0)
		grasp_session_end(s, false, NULL);
}

static void
on_value(void *arg, struct grasp_session *s, const struct grasp_objective *greeting)
{
	(void)arg, (void)s;
	printf("%4lld ms: node 1 has got %zu bytes: %.*s\n", (long long)now_ms,
	    greeting->value.len, (int)greeting->value.len - 1,
	    (const char *)greeting->value.data + 1);
}

static void
on_found(void *arg, const struct grasp_found *found)
{
	static const struct grasp_session_ops ops = { .synched = on_value };
	static const struct grasp_link_ops quiet;
	struct grasp_objective greeting = { .name = slice_text(name), .flags = F_SYNCH };
	struct grasp_session *s;
	struct grasp_link *link;
	struct addr at;

	(void)arg;
	printf("%4lld ms: node 1 has found one\n", (long long)now_ms);
	if (grasp_locator_to_addr(&found->locator[0], found->from.ifindex, &at) < 0 ||
	    grasp_link_open(node[1], &at, &quiet, NULL, &link) < 0 ||
	    grasp_synchronize(link, &greeting, 0, &ops, NULL, &s) < 0)
		puts("but cannot ask it");
}

int
main(void)
{
	static const struct grasp_support text = { .synchronize = on_asked };
	struct grasp_config config = { .link_local = true };
	struct grasp_objective greeting = { .name = slice_text(name),
		.flags = F_DISC | F_SYNCH };
	struct grasp_registration *r;
	struct grasp_discovery *d;

	for (int i = 0; i < HOSTS; i++) {
		host[i].io.ops = &io_ops;
		host[i].ip.s6_addr[0] = 0xfe;
		host[i].ip.s6_addr[1] = 0x80;
		host[i].ip.s6_addr[15] = (uint8_t)(i + 1);
		if (grasp_node_new(&host[i].io, &config, &node[i]) < 0)
			die("cannot make a node");
	}
	if (grasp_register(node[0], name, F_DISC | F_SYNCH, &text, NULL, &r) < 0 ||
	    grasp_discover(node[1], &greeting, 0, on_found, NULL, NULL, &d) < 0)
		die("cannot register or discover");
	run_until(60000);
	for (int i = 0; i < HOSTS; i++)
		grasp_node_free(node[i]);
	run_until(INT64_MAX);
	return 0;
}
