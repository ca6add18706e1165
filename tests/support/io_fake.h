/* SPDX-License-Identifier: Apache-2.0
 *
 * The seam bound to nothing but memory: a world of hosts on links, with virtual time, so that
 * many real engines run in one process and a minute takes no time. Everything is decided by
 * the seed. Made by a test, fed by fake_run(), freed with all its hosts by fake_net_free(). */
#pragma once
#include "grasp/io.h"
#include "grasp/msg.h"

struct fake_net;  /* the world: links, time, what is under way */
struct fake_host; /* has interfaces on links and a struct grasp_io */

enum fake_kind {
	FAKE_DATAGRAM,
	FAKE_OPEN,
	FAKE_OPENED,
	FAKE_DATA,
	FAKE_CLOSE,
	FAKE_RESET
};

struct fake_packet {
	int64_t at_ms; /* when it was sent */
	enum fake_kind kind;
	struct addr from, to; /* to of a datagram: group and ifindex of the sender */
	unsigned link;	      /* of a datagram */
	unsigned hops;	      /* of a datagram */
	struct slice data;    /* the net's */
};

struct fake_net *fake_net_new(uint64_t seed);
void fake_net_free(struct fake_net *net);
int64_t fake_now(const struct fake_net *net);
/* What the clocks on the wall show from now on, ms since 1970; at first a day in 2026. */
void fake_net_wall(struct fake_net *net, int64_t wall_ms);
/* Everything that is due within ms, then the time is ms later. */
void fake_run(struct fake_net *net, int64_t ms);
/* Until done(arg), but at most max_ms; returns done(arg). */
bool
fake_run_until(struct fake_net *net, bool (*done)(void *arg), void *arg, int64_t max_ms);

/* One way, uniformly between the two; 1 ms at first. */
void fake_net_delay(struct fake_net *net, int64_t min_ms, int64_t max_ms);
/* Of datagrams; what a stream carries is sent again, later. */
void fake_net_loss(struct fake_net *net, unsigned percent);
/* False: the packet is lost. A stream tries again every 200 ms, as TCP would. NULL: all pass. */
void fake_net_filter(struct fake_net *net,
    bool (*pass)(void *arg, const struct fake_packet *p), void *arg);
/* Multicast wider than the link reaches all links, as with routers between them. */
void fake_net_route(struct fake_net *net, bool on);

/* What was sent so far, lost packets included; valid until the next call of fake_run(). */
void fake_net_capture(
    struct fake_net *net, bool on); /* off: forget, keep nothing; at first on */
size_t fake_packets(const struct fake_net *net);
const struct fake_packet *fake_packet(const struct fake_net *net, size_t i);
/* The nth (from 0) captured packet that carries such a message; NULL: there is none. ret_msg may
 * be NULL. */
const struct fake_packet *fake_message(const struct fake_net *net, enum grasp_type type,
    unsigned nth, struct grasp_msg *ret_msg);
unsigned fake_count(const struct fake_net *net, enum grasp_type type);

struct fake_host *fake_host_new(struct fake_net *net);
void
fake_host_free(struct fake_host *h); /* after its node; streams vanish without a word */
struct grasp_io *fake_host_io(struct fake_host *h);
/* An interface on a link (any number names one); addresses as texts, NULL at the end. */
uint32_t fake_attach(struct fake_host *h, unsigned link, ...) __attribute__((sentinel));
void fake_detach(struct fake_host *h, uint32_t ifindex);
void fake_add_address(struct fake_host *h, uint32_t ifindex, const char *address);
bool fake_is_joined(const struct fake_host *h, uint32_t ifindex, const char *group);
uint16_t fake_query_port(const struct fake_host *h);
/* Open ends of streams at this host. */
unsigned fake_streams(const struct fake_host *h);
/* Lets a datagram of anybody's making arrive now; its data is copied. */
void fake_inject(struct fake_host *h, const struct grasp_datagram *d);
/* Who this host proves to be on the streams that are opened from now on; NULL: nobody, as at first. */
void fake_host_prove(struct fake_host *h, const struct grasp_who *who);
/* The next n timers, streams or sends of this host fail with -err. */
void fake_fail(struct fake_host *h, unsigned n, int err);
