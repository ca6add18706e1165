/* SPDX-License-Identifier: Apache-2.0
 *
 * The GRASP messages in a capture. Datagrams are looked at if a known port is at either end. A
 * TCP connection is looked at whatever its ports are, since sessions run on any: if a known port is
 * there it has to be GRASP, else its first bytes tell. Known ports are 7017, those that were named, and
 * those that messages announce: the source of an M_DISCOVERY, where M_RESPONSE goes, and locators. */
#include "base/cbor.h"
#include "base/ctl.h"
#include "ctl/flow.h"
#include "ctl/grasp.h"
#include "ctl/grasp_print.h"
#include "ctl/local.h"

#include <errno.h>
#include <string.h>

#define PORTS_MAX     32
#define ANNOUNCED_MAX 1024
#define TLS_FIRST     20 /* content types of records */
#define TLS_LAST      23
#define TLS_MAJOR     3

struct capture {
	struct grasp_print *print;
	struct fragments fragments;
	struct flows flows;
	bool all;
	uint16_t port[PORTS_MAX];
	unsigned ports;
	struct addr announced[ANNOUNCED_MAX]; /* ip ::, whatever the address is */
	unsigned announcements;		      /* the newest overwrites the oldest */
	unsigned sealed, strange_link;
};

/* --- ports --------------------------------------------------------------------------------------- */

static bool
is_named(const struct capture *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->ports; i++)
		if (c->port[i] == a->port)
			return true;
	return a->port == GRASP_LISTEN_PORT;
}

static bool
is_announced(const struct capture *c, const struct addr *a)
{
	unsigned n = c->announcements < ANNOUNCED_MAX ? c->announcements : ANNOUNCED_MAX;

	for (unsigned i = 0; i < n; i++) {
		const struct addr *known = &c->announced[i];

		if (known->port == a->port &&
		    (IN6_IS_ADDR_UNSPECIFIED(&known->ip) ||
			IN6_ARE_ADDR_EQUAL(&known->ip, &a->ip)))
			return true;
	}
	return false;
}

static void
announce(struct capture *c, const struct in6_addr *ip, int port)
{
	struct addr a = { .ip = *ip, .port = (uint16_t)port };

	if (port > 0 && !is_named(c, &a) && !is_announced(c, &a))
		c->announced[c->announcements++ % ANNOUNCED_MAX] = a;
}

static void
learn(struct capture *c, const struct packet *p)
{
	const struct grasp_msg *m = &c->print->last;
	unsigned n = m->type == M_FLOOD ? m->items
	    : m->type == M_RESPONSE	? m->locators
					: 0;

	if (m->type == M_DISCOVERY && p->protocol == PROTOCOL_UDP)
		announce(c, &p->from.ip, p->from.port);
	for (unsigned i = 0; i < n; i++)
		if (m->locator[i].proto != GRASP_UDP)
			announce(c, &m->locator[i].ip, m->locator[i].port);
}

/* --- messages ------------------------------------------------------------------------------------ */

static struct grasp_origin
origin_of(const struct packet *p)
{
	return (struct grasp_origin){ .time_us = p->time_us,
		.from = p->from,
		.to = p->to,
		.transport = p->protocol == PROTOCOL_UDP ? "udp" : "tcp" };
}

static size_t
print(struct capture *c, const struct packet *p, struct slice in)
{
	struct grasp_origin o = origin_of(p);
	size_t len = grasp_print(c->print, &o, in);

	if (len > 0)
		learn(c, p);
	return len;
}

static bool
is_message(struct slice in)
{
	struct grasp_msg msg;
	size_t len;

	return grasp_msg_decode(in, &msg, &len) == 0;
}

static void
take_datagram(struct capture *c, const struct packet *p)
{
	struct grasp_origin o = origin_of(p);

	if (!is_named(c, &p->from) && !is_named(c, &p->to)) {
		if (!c->all || !is_message(p->payload))
			return;
	} else if (p->missing) {
		grasp_print_error(
		    c->print, &o, "%zu bytes of it are not in the capture", p->missing);
		return;
	}
	print(c, p, p->payload);
}

/* --- streams ------------------------------------------------------------------------------------- */

static bool
is_tls(struct slice s)
{
	return s.len > 1 && s.data[0] >= TLS_FIRST && s.data[0] <= TLS_LAST &&
	    s.data[1] == TLS_MAJOR;
}

/* Must it be GRASP? Then what is none is told. */
static bool
is_known(const struct capture *c, const struct flow *f)
{
	return f->state == FLOW_GRASP || is_named(c, &f->from) || is_named(c, &f->to) ||
	    is_announced(c, &f->to) || is_announced(c, &f->from);
}

/* Of a stream that is something else, nothing; of one whose beginning is not there, the next segment
 * may begin with a message. */
static void
give_up(struct capture *c, struct flow *f, const struct packet *p)
{
	struct slice in = buf_slice(&f->pending);
	struct grasp_origin o = origin_of(p);

	if (f->aligned && is_known(c, f))
		grasp_print(c->print, &o, in);
	else if (f->aligned && !c->all)
		flow_set(f, FLOW_OTHER);
	f->aligned = f->aligned && f->state == FLOW_UNKNOWN && !is_known(c, f);
	flow_used(f, f->pending.pos);
}

/* An item is there: is it a message of a stream that we follow? */
static bool
take_message(struct capture *c, struct flow *f, const struct packet *p, size_t len)
{
	struct slice in = { f->pending.data, len };

	if (!is_message(in) && !(f->aligned && is_known(c, f)))
		return false;
	f->aligned = true;
	if (print(c, p, in))
		f->state = FLOW_GRASP;
	flow_used(f, len);
	return true;
}

static void
received(void *arg, struct flow *f, const struct packet *p)
{
	struct capture *c = arg;
	ssize_t len;

	if (f->state == FLOW_UNKNOWN && is_tls(buf_slice(&f->pending))) {
		c->sealed++;
		flow_set(f, FLOW_TLS);
	}
	if (f->state == FLOW_OTHER || f->state == FLOW_TLS) {
		flow_used(f, f->pending.pos);
		return;
	}
	while (f->pending.pos > 0) {
		len = f->pending.err ? -EMSGSIZE
				     : cbor_scan_item(&f->scan, buf_slice(&f->pending));
		if (len == 0 && (f->pending.data[0] >> 5) == 4)
			return; /* the rest of an array is to come */
		if (len <= 0 || !take_message(c, f, p, (size_t)len)) {
			give_up(c, f, p);
			return;
		}
	}
}

static void
gap(void *arg, struct flow *f, const struct packet *p, uint32_t bytes)
{
	struct capture *c = arg;
	struct grasp_origin o = origin_of(p);

	if (f->state == FLOW_GRASP)
		grasp_print_error(
		    c->print, &o, "%u bytes of the stream are not in the capture", bytes);
}

/* What is pending at the end was cut off by the end of the capture, or of the connection. */
static void
tell_rest(struct capture *c)
{
	struct flow *f;

	TAILQ_FOREACH_REVERSE(f, &c->flows.list, flow_list, entry)
	if (f->state == FLOW_GRASP && f->pending.pos > 0) {
		struct grasp_origin o = { .from = f->from, .to = f->to };

		grasp_print_error(c->print, &o,
		    "the stream ends within a message, after %zu bytes of it",
		    f->pending.pos);
	}
}

/* --- the file ------------------------------------------------------------------------------------ */

static int
read_ports(struct capture *c, struct slice args)
{
	struct slice port[PORTS_MAX];
	size_t n = local_all(args, "port", port, PORTS_MAX);

	for (size_t i = 0; i < n; i++) {
		struct cbor_reader r;

		rd_init(&r, port[i], 1);
		c->port[c->ports++] = (uint16_t)rd_uint_max(&r, UINT16_MAX);
		if (r.err)
			return local_usage("--port takes a number from 0 to 65535");
	}
	return 0;
}

static int
read_file(struct capture *c, struct pcap_file *file)
{
	struct pcap_packet in;
	struct packet p;
	int n;

	while ((n = pcap_file_next(file, &in)) == 1) {
		if (!packet_knows_link(in.link)) {
			c->strange_link++;
			continue;
		}
		if (!packet_read(&c->fragments, &in, &p))
			continue;
		if (p.protocol == PROTOCOL_UDP)
			take_datagram(c, &p);
		else
			flows_add(&c->flows, &p);
	}
	return n;
}

/* What a person should know, apart from the messages. */
static void
tell(const struct capture *c, int err)
{
	fflush(c->print->printer->to);
	if (c->sealed)
		fprintf(stderr,
		    "fogctl: %u directions of connections are TLS and not shown\n",
		    c->sealed);
	if (c->strange_link)
		fprintf(stderr,
		    "fogctl: %u packets are of a link type that is not known\n",
		    c->strange_link);
	if (err == -EBADMSG)
		fputs("fogctl: the capture is damaged here; what follows is lost\n",
		    stderr);
	else if (err == -ENODATA)
		fputs("fogctl: the capture ends within a packet\n", stderr);
}

int
grasp_capture(struct grasp_print *print, struct input *in, struct slice args)
{
	struct capture *c = calloc(1, sizeof *c);
	struct pcap_file file;
	int err;

	if (!c)
		return -ENOMEM;
	c->print = print;
	c->all = ctl_arg_bool(args, "all");
	flows_init(&c->flows);
	c->flows.received = received;
	c->flows.gap = gap;
	c->flows.arg = c;
	err = read_ports(c, args) ? -EINVAL : pcap_file_open(&file, in);
	if (!err) {
		err = read_file(c, &file);
		tell_rest(c);
		tell(c, err);
		pcap_file_close(&file);
	}
	flows_done(&c->flows);
	fragments_done(&c->fragments);
	free(c);
	return err;
}
