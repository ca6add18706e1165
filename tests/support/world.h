/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a controller without a network: real store on a disk, real registry and judge, time
 * that a test moves, nodes and signals that it makes up, and a hook that does what it is told. */
#pragma once
#include "controller/event.h"
#include "controller/judge.h"
#include "controller/store.h"
#include "orchestrator-hooks/hook.h"
#include "protocol/plan.h"
#include "tests/support/io_fake.h"

#define WORLD_CALLS_MAX	  64
#define WORLD_SIGNALS_MAX 64

struct world_call { /* of the hook "mover" */
	char id[40], service[65], function[65], source[65], target[65], reason[256];
	char evidence[1024];
	enum hook_kind kind;
	enum hook_stage stage;
	bool dry_run;
	size_t candidates;
	uint64_t generation;
	uint32_t rev, updates;
	double probability;
	int64_t due_ms;
	bool resume, open, cancelled;
	enum hook_phase last;
	struct hook_call *call;
};
struct world_signal {
	char node[65];
	char expr[256];
	const char *device; /* a label; NULL: none */
	double value, slope, noise;
	int64_t since_ms, sent_ms;
	bool off;
};
struct world {
	char *dir;
	struct ev_loop *loop;
	struct fake_net *net;
	struct fake_host *host;
	struct grasp_io *io;
	struct store *store;
	struct events *events;
	struct registry *registry;
	struct spawner *spawner; /* NULL unless a test sets it */
	struct judge *judge;
	const char *hooks_yaml, *default_plan_yaml; /* NULL: a hook mover; no default plan */
	struct world_call call[WORLD_CALLS_MAX];
	unsigned calls;
	/* What the hook answers to its next starts; 0: nothing yet, see world_answer(). When the
	 * script is over: done. */
	enum hook_verdict script[16];
	unsigned scripted, answered;
	int start_error;   /* of start() and resume() */
	unsigned caps_off; /* capabilities of the hook to be left out ... */
	unsigned caps_on;  /* ... or to be added */
	struct world_signal signal[WORLD_SIGNALS_MAX];
	unsigned signals;
	uint64_t random;
	unsigned plans_changed;
	char changed
	    [1024]; /* names of nodes whose plan changed, each followed by a space */
};

void world_open(struct world *w); /* w zeroed but for what is to be set before */
void world_close(struct world *w);
void world_restart(struct world *w); /* of the controller: all is gone but the disk */

/* Registered, alive and with capabilities; caps NULL: mains, 4 cores, 8 GiB. */
struct node *world_node(struct world *w, const char *name, const struct caps *caps);
struct node *world_find(struct world *w, const char *name);
void world_set_state(struct world *w, const char *name, enum node_state state);
void world_apply(struct world *w, const char *yaml);
/* The expression's value on the node from now on, measured as its plan says. */
struct world_signal *world_signal(struct world *w, const char *node, const char *expr,
    double value, double slope_per_s, double noise);
void world_run(struct world *w, int64_t ms);
bool world_run_until(struct world *w, bool (*done)(struct world *w), int64_t max_ms);

void world_progress(struct world *w, unsigned i, enum hook_phase phase);
void world_answer(struct world *w, unsigned i, enum hook_verdict v, const char *detail);
const char *
world_host(struct world *w, const char *service, const char *function); /* by the store */
const char *world_placement(
    struct world *w, const char *service, const char *function); /* "A assigned 1" */
unsigned world_events(struct world *w, const char *kind); /* how many in the store */
const char *
world_event(struct world *w, const char *kind); /* text of the newest; "" none */
const char *world_migration(struct world *w); /* newest row: "A>B done target_ready 2" */
const char *
world_outcomes(struct world *w); /* of predictions, each followed by a space */
