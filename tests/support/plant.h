/* SPDX-License-Identifier: Apache-2.0
 *
 * A controller's core on a fake network with a real store, and robots that talk to it: doubles of
 * agents on real engines. The judge is a double as well: it says what the test set, and writes
 * down what it is told. One plant a program at a time. */
#pragma once
#include "controller/advert.h"
#include "controller/commands.h"
#include "controller/find.h"
#include "controller/registry.h"
#include "controller/session.h"
#include "grasp/grasp.h"
#include "protocol/query.h"
#include "protocol/report.h"
#include "tests/support/io_fake.h"
#include "trust/who.h"

struct plant {
	struct fake_net *net;
	struct ev_loop *loop;
	char *dir;
	struct fake_host *host;
	struct grasp_node *grasp;
	struct store *store;
	struct history *history;
	struct events *events;
	struct audit *audit;
	struct registry *registry;
	struct sessions *sessions;
	struct advert *advert;
	struct grasp_conf grasp_conf;
	struct finder *finder;
	const char *prefix; /* of its objectives, from the next restart on; names without are heard too */
	/* From the next restart on: what stands between the engine and the network, which unwrap takes
	 * away when the engine is gone. */
	void (*wrap)(void *arg, struct grasp_io **io, struct grasp_config *cfg);
	void (*unwrap)(void *arg);
	bool wrapped;
	void *wrap_arg;
	/* Of sessions_config, from the next restart on. */
	int64_t flush_ms;
	void (*registered)(
	    void *arg, struct node *n, uint64_t trust_version, uint64_t denials);
	void *registered_arg;
	bool proven; /* who registers has to prove who it is, from the next restart on */
	struct commands commands;
	struct ctl_server *ctl;
	char socket[128];
};

/* What the judge says and was told. */
struct plant_judge {
	uint64_t version; /* of each node's plan; 0: none */
	uint16_t items;
	const char *item_text; /* of every item but 99, which is unknown */
	char told[4096];   /* "robot:3:0.5@1000 " a point, its age in place of its time */
	int apply_err;	   /* then with a complaint */
	char applied[512]; /* texts of services */
	int done_err;
	unsigned removed;
	int consider_err; /* of a counter-offer of that version */
	unsigned agreed;
	uint16_t agreed_items; /* of the last one */
};
extern struct plant_judge plant_judge;

void plant_open(struct plant *p);
void plant_close(struct plant *p);
void plant_restart(struct plant *p);	     /* the controller, on the same store */
void plant_run(struct plant *p, int64_t ms); /* time passes, and the disk keeps up */
/* Lets time pass while the loop runs, for ask_wait(): a millisecond each millisecond. */
void plant_pump(struct plant *p, bool on);
/* Starts the control socket. */
void plant_serve(struct plant *p);
/* Kinds of all events so far: "node.joined plan.sent ". Valid until the next call. */
const char *plant_events(struct plant *p);

enum robot_mood {
	ROBOT_TAKES_PLANS,
	ROBOT_DECLINES_PLANS,
	ROBOT_IGNORES_PLANS,
	ROBOT_COUNTERS
};
struct robot {
	struct plant *plant;
	struct fake_host *host;
	struct grasp_node *grasp;
	struct grasp_link *link; /* NULL: closed */
	struct fog_registration registration;
	uint8_t caps[512]; /* of the registration */
	struct grasp_registration *offer_plan, *offer_metric;
	int64_t clock_ms; /* its monotonic clock minus the world's */

	unsigned leases, plans, closed;
	struct fog_lease lease;
	uint64_t plan_version; /* the last one offered */
	uint16_t plan_items;
	enum robot_mood mood;
	bool refuses_lease;
	struct fog_result result; /* its answer to queries; now_ms 0: none */

	enum grasp_outcome settled; /* of its last counter-offer */
	unsigned ended;		    /* sessions it began */
	enum grasp_outcome outcome; /* of the last one */
	char reason[200];
};
void robot_init(struct robot *r, struct plant *p, uint8_t number, const char *name);
void robot_prove(struct robot *r, enum trust_role role); /* its id, on links opened later */
void robot_done(struct robot *r);
void robot_connect(struct robot *r);
void robot_drop(struct robot *r);     /* hangs up */
void robot_register(struct robot *r); /* sends */
void robot_join(struct robot *r);     /* connects, registers, and waits */
void
robot_send(struct robot *r, const char *objective, struct slice value); /* M_REQ_NEG */
int64_t robot_clock(const struct robot *r);
/* One point an age: sequence counts on from first. Value is the sequence number. */
void robot_report(
    struct robot *r, uint64_t first, unsigned points, uint32_t item, int64_t age_ms);
