/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the fake world: io_fake.c has time, hosts and datagrams, io_fake_stream.c the
 * streams. */
#pragma once
#include "tests/support/io_fake.h"
#include <sys/queue.h>

#define FAKE_INTERFACES 8
#define FAKE_GROUPS	32

/* Something that will happen; embedded in what it happens to. */
struct fake_event {
	int64_t at_ms;
	uint64_t order; /* of events at the same time */
	void (*run)(struct fake_event *e);
	size_t place; /* in the heap, from 1; 0: not in it */
};

struct fake_interface {
	struct grasp_interface is;
	unsigned link;
	struct in6_addr group[FAKE_GROUPS];
	unsigned groups;
};

struct fake_host {
	TAILQ_ENTRY(fake_host) entry;
	struct grasp_io io;
	struct fake_net *net;
	struct fake_interface interface[FAKE_INTERFACES];
	unsigned interfaces;
	const struct grasp_io_events *events; /* NULL: not bound */
	void *arg;
	uint16_t port, query_port, next_port;
	struct fake_event changed;
	LIST_HEAD(, grasp_timer) timers;
	LIST_HEAD(, fake_letter) letters; /* datagrams on their way to this host */
	unsigned failures;
	int failure;
};

TAILQ_HEAD(fake_hosts, fake_host);
LIST_HEAD(fake_conns, fake_conn);

struct fake_net {
	uint64_t random;
	int64_t now_ms;
	uint64_t order;
	struct fake_event **heap; /* from 1 */
	size_t events, room;
	struct fake_hosts hosts;
	struct fake_conns conns;
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
struct fake_interface *fake_interface(const struct fake_host *h, uint32_t ifindex);
const struct in6_addr *fake_source(const struct fake_interface *i, bool link_local);
/* A test without memory is over. Neither calls calloc() nor realloc(), so that tests which let
 * those fail hit the engine alone. */
void *fake_alloc(size_t size);
void *fake_grow(void *old, size_t old_size, size_t size);

/* --- io_fake_stream.c: grasp_io_ops --- */
int fake_stream_open(struct grasp_io *io, const struct addr *to, int64_t timeout_ms,
    const struct grasp_stream_ops *ops, void *arg, struct grasp_stream **ret);
void
fake_stream_set(struct grasp_stream *s, const struct grasp_stream_ops *ops, void *arg);
int fake_stream_send(struct grasp_stream *s, struct slice data);
void fake_stream_close(struct grasp_stream *s, bool abort);
void fake_stream_peer(const struct grasp_stream *s, struct addr *ret);
void fake_stream_local(const struct grasp_stream *s, struct addr *ret);
void fake_streams_vanish(struct fake_host *h);
void fake_conns_free(struct fake_net *net);
