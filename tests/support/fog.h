/* SPDX-License-Identifier: Apache-2.0
 *
 * A small fog for tests of the agent: one real agent and a controller that is made of a GRASP node
 * and a diary, in a fake world with virtual time. The agent is fe80::a / 2001:db8::a on link 1,
 * the controller fe80::c / 2001:db8::c. The agent's /proc is a directory of the test. */
#pragma once
#include "agent/agent.h"
#include "metrics/expr.h"
#include "protocol/report.h"
#include "tests/support/io_fake.h"

#define FOG_POINTS_MAX 32768
#define FOG_EVENTS_MAX 256

/* What the controller answers, and what it has been told. */
struct warden {
	struct fake_host *host; /* NULL: it is down */
	struct grasp_node *node;
	struct grasp_link *link; /* of the agent's last registration */
	struct fog_domain self;
	uint32_t lease_ms, beat_ms;

	const char
	    *decline; /* the next registrations are declined with it; NULL: accepted */
	const char *decline_reports;
	bool forgets;	      /* renewals are answered with "unknown" */
	bool mute;	      /* registrations are not answered */
	bool holds_answers;   /* reports are taken, but not answered */
	bool deaf_to_reports; /* reports are not answered */

	unsigned searches; /* M_DISCOVERY of FOGDOMAIN heard */
	unsigned registrations, renewals, ended, reports;
	struct fog_registration last; /* without caps */
	struct caps caps;	      /* of the last that had some */
	unsigned with_caps;
	struct fog_id id;
	unsigned opened_at_once;

	struct {
		uint64_t number;
		uint32_t item;
		double value;
		int64_t time_ms;
		char reason[64];
	} point[FOG_POINTS_MAX];
	unsigned points; /* metrics, each number once */
	struct report_stream *stream[REPORT_KINDS];
	struct {
		uint8_t boot[8];
		uint64_t next; /* number; all before it were taken */
	} taken[REPORT_KINDS];
	unsigned duplicates, disordered, lossy, ahead;
	struct {
		char kind[REPORT_EVENT_KIND_MAX + 1];
		uint64_t first, last;
		int64_t from_ms, to_ms;
	} event[FOG_EVENTS_MAX];
	unsigned events;

	/* Counter-offers to its plans: how many, and the last one. */
	unsigned counters, insists; /* insists: so often, before it is agreed */
	bool refuses_counters;
	uint16_t counter_items;
	uint32_t counter_period_ms; /* of the first item */
	char counter_why[PLAN_WHY_MAX];
	struct slice plan; /* that was offered, while it is */

	/* The answer to the last plan or query it has sent. */
	bool answered;
	enum grasp_outcome outcome;
	char reason[200];
	struct fog_result *result;
	uint8_t result_bytes[65536];
};

struct fog {
	char *dir; /* temporary: proc/, state/ */
	struct fake_net *net;
	struct fake_host *host;
	uint32_t ifindex;
	struct fake_host *more[AGENT_DOMAINS_MAX]; /* sockets of the second domain, … */
	struct agent_config cfg;
	struct identity identity;
	struct agent *agent; /* NULL: not running */
	struct warden warden;
};

/* yaml: more lines of configuration; NULL: none. The controller is up, the agent is not. */
struct fog *fog_new(const char *yaml);
/* Without a controller, and nothing insecure: the domain is yaml's business. */
struct fog *fog_new_proved(const char *yaml);
void fog_configure(struct fog *f, const char *yaml); /* anew, while no agent runs */
void fog_reload(struct fog *f, const char *yaml);    /* adopted, as SIGHUP would */
void fog_free(struct fog *f);
void
fog_load(struct fog *f, const char *loadavg); /* what /proc/loadavg says from now on */

void fog_agent_start(struct fog *f);
int fog_open_io(void *arg, const struct agent_domain *domain, struct grasp_io **ret);
struct uplink *fog_uplink(const struct fog *f);
void fog_agent_stop(struct fog *f);
void fog_warden_start(struct fog *f); /* a new epoch */
void fog_warden_stop(struct fog *f);  /* killed: streams break without a word from it */
void fog_warden_flood(struct fog *f);

bool fog_until(struct fog *f, bool (*done)(void *arg), int64_t max_ms); /* arg: f */
bool fog_is_registered(void *arg);
bool fog_is_lost(void *arg); /* not registered */
bool fog_is_answered(void *arg);

/* Sends and waits for the answer; true: it came and was accepted. */
bool fog_plan(struct fog *f, const struct fog_plan *plan);
bool fog_query(struct fog *f, const char *expression);
bool fog_dry_plan(struct fog *f, const struct fog_plan *plan);
/* A plan item for an expression; the program lives till the next but sixteenth call. */
struct plan_item fog_item(uint32_t id, const char *expression, uint32_t period_ms);
