/* SPDX-License-Identifier: Apache-2.0
 *
 * Many nodes in virtual time: the engine, bootstrap, uplink and session of the agent, the
 * advertisement of the controller, all real; only links, time and chance are made, and the
 * controller keeps its registry in a counter. One run a process; everything follows from the seed. */
#pragma once
#include "agent/identity.h"
#include "agent/uplink.h"
#include "grasp/grasp.h"
#include "tests/support/io_fake.h"

enum topology {
	STAR, /* leaf links, each joined to the backbone, link 0 */
	CHAIN,
	RING, /* a chain whose ends meet */
	TREE, /* link i is joined to link (i - 1) / fan */
};

struct sim_config {
	unsigned nodes, links;
	enum topology topology;
	unsigned relays; /* nodes that join a link to the next one */
	unsigned fan;	 /* of a tree */
	unsigned controllers;
	int assist; /* of neighbours: index of grasp_conf_assists */
	unsigned loss_pct;
	unsigned delay_min_ms, delay_max_ms;
	unsigned churn_pct; /* of the nodes that leave and return in a minute */
	unsigned spread_ms; /* in which all power on */
	unsigned controller_at_ms;
	unsigned duration_ms;
	uint64_t seed;
	unsigned slow_ms; /* who takes longer is told of; 0: nobody */
	bool json;
	/* What must hold; 0: not asked for. */
	unsigned within_ms;	     /* everybody has a controller */
	unsigned again_max;	     /* ms that 95 % of all nodes need, each time */
	unsigned mean_max, most_max; /* messages sent per node, without heartbeats */
};

struct sim;

struct sim_node {
	struct sim *sim;
	unsigned number, link;
	bool relays, on, found; /* a controller, in any of its lives */
	unsigned to;		/* link that it relays to */
	struct fake_host *host;
	struct grasp_node *grasp;
	struct agent_config *cfg;
	struct identity identity;
	struct uplink *uplink;
	struct uplink_env env;
	int64_t on_ms; /* since when it is on and without a controller; -1: it has one */
	unsigned searches; /* of lives that are over */
};

#define TYPES	    100
#define SAMPLES_MAX 1000000

struct tally {
	uint64_t sent[TYPES], bytes[TYPES];
	uint64_t streams; /* opened */
};

struct sim {
	struct sim_config cfg;
	struct fake_net *net;
	int64_t start_ms;
	struct sim_node *node; /* agents */
	struct sim_controller *controller;
	struct tally *of; /* by number of the node; controllers after the agents */
	uint64_t random;
	unsigned waiting;  /* nodes that are on and without a controller */
	unsigned never;	   /* nodes that have had none */
	uint32_t *took_ms; /* how long it took, each time */
	size_t took, lost;
	int64_t last_ms; /* when the last one had its first controller; -1: not yet */
	struct grasp_counters counters; /* of lives that are over */
	size_t memory;			/* bytes per node, after power on */
	double wall_s;
};

/* --- node.c --- */
void node_power_on(struct sim_node *n);
void node_power_off(struct sim_node *n);
/* --- controller.c --- */
void controllers_start(struct sim *s);
void controllers_stop(struct sim *s);
/* --- measure.c --- */
bool measure_packet(void *arg, const struct fake_packet *p);
void measure_node(struct sim *s, struct grasp_node *n); /* before it goes */
int measure_report(struct sim *s); /* prints; 1: something did not hold */

uint32_t sim_random(struct sim *s);
/* fe80::N, and 2001:db8::N on the node's first link; N tells who sent a packet. */
void sim_attach(struct fake_host *h, unsigned number, unsigned link);
