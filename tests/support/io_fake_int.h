/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the fake world: io_fake.c has time, hosts and datagrams, io_fake_link.c links and
 * addresses, io_fake_stream.c the streams. Whatever is done for each packet costs no more with ten
 * thousand hosts than with three: links know their interfaces, addresses are found by hash. */
#pragma once
#include "tests/support/io_fake.h"
#include <sys/queue.h>

#define FAKE_INTERFACES 8
#define FAKE_GROUPS	32
#define FAKE_BUCKETS	1024 /* of links, and of addresses */

/* Something that will happen; embedded in what it happens to. */
struct fake_event {
	int64_t at_ms;
	uint64_t order; /* of events at the same time */
	void (*run)(struct fake_event *e);
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct fake_address {
	LIST_ENTRY(fake_address) entry; /* of a bucket of the net */
	struct in6_addr ip;
	struct fake_interface *interface;
};

struct fake_interface {
	TAILQ_ENTRY(fake_interface) entry; /* of the link */
	struct fake_host *host;
	struct fake_link *wire;
	struct grasp_interface is;
	unsigned link;
	struct fake_address address[GRASP_ADDRS_MAX]; /* as in is.addr, in any order */
	struct in6_addr *group;
	unsigned groups, room;
};

struct fake_link {
	LIST_ENTRY(fake_link) entry;
	unsigned number;
	TAILQ_HEAD(, fake_interface) interfaces;
};

struct fake_host {
	TAILQ_ENTRY(fake_host) entry;
	struct grasp_io io;
	struct fake_net *net;
	struct fake_interface *interface[FAKE_INTERFACES];
	unsigned interfaces;
	const struct grasp_io_events *events; /* NULL: not bound */
	void *arg;
	uint16_t port, query_port, next_port;
	struct fake_event changed;
	LIST_HEAD(, grasp_timer) timers;
	LIST_HEAD(, fake_letter) letters;  /* datagrams on their way to this host */
	LIST_HEAD(, grasp_stream) streams; /* ends that are here */
	unsigned failures;
	int failure;
	bool proves;
	struct grasp_who who;
};

TAILQ_HEAD(fake_hosts, fake_host);
LIST_HEAD(fake_conns, fake_conn);
LIST_HEAD(fake_links, fake_link);
LIST_HEAD(fake_addresses, fake_address);

struct fake_net {
	uint64_t random;
	int64_t now_ms;
	int64_t wall_ms; /* what the wall shows is now_ms more */
	uint64_t order;
	struct fake_event **heap; /* from 1 */
	size_t events, room;
	struct fake_hosts hosts;
	struct fake_conns conns;
	struct fake_links links[FAKE_BUCKETS];
	struct fake_addresses addresses[FAKE_BUCKETS];
	uint32_t interfaces;
	int64_t delay_min_ms, delay_max_ms;
	unsigned loss_percent;
	bool (*pass)(void *arg, const struct fake_packet *p);
	void *pass_arg;
	bool routes, captures;
	struct fake_packet *packet;
	size_t packets, packet_room;
};

uint32_t fake_random(struct fake_net *net);
void fake_schedule(struct fake_net *net, struct fake_event *e, int64_t delay_ms);
void fake_unschedule(struct fake_net *net, struct fake_event *e);
int64_t fake_delay(struct fake_net *net);
void fake_record(struct fake_net *net, const struct fake_packet *p);
bool fake_passes(struct fake_net *net, const struct fake_packet *p);
bool fake_fails(struct fake_host *h);
bool fake_is_lost(struct fake_net *net);
/* A test without memory is over. Neither calls calloc() nor realloc(), so that tests which let
 * those fail hit the engine alone. */
void *fake_alloc(size_t size);
void *fake_grow(void *old, size_t old_size, size_t size);

/* --- io_fake_link.c --- */
struct fake_interface *fake_interface(const struct fake_host *h, uint32_t ifindex);
const struct in6_addr *fake_source(const struct fake_interface *i, bool link_local);
/* Who has the address, a link-local one on that link; NULL: nobody. */
struct fake_interface *
fake_owner(const struct fake_net *net, const struct in6_addr *ip, unsigned link);
void fake_detach_all(struct fake_host *h);
void fake_links_free(struct fake_net *net);
void fake_letters_free(struct fake_host *h);
int
fake_interfaces(struct grasp_io *io, struct grasp_interface dst[GRASP_INTERFACES_MAX]);
int fake_group_join(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group);
int fake_group_send(struct grasp_io *io, uint32_t ifindex, const struct in6_addr *group,
    unsigned hops, struct slice data);

/* --- io_fake_stream.c: grasp_io_ops --- */
int fake_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret);
void
fake_stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg);
int fake_stream_send(struct grasp_stream *s, struct slice data);
void fake_stream_close(struct grasp_stream *s, bool abort);
void fake_stream_pause(struct grasp_stream *s, bool pause);
void fake_stream_peer(const struct grasp_stream *s, struct addr *ret);
void fake_stream_local(const struct grasp_stream *s, struct addr *ret);
const struct grasp_who *fake_stream_who(const struct grasp_stream *s);
void fake_streams_vanish(struct fake_host *h);
void fake_conns_free(struct fake_net *net);
