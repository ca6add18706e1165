/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the program: main.c has its life, wiring.c the parts and what they tell each other. */
#pragma once
#include "base/daemon_options.h"
#include "base/sandbox.h"
#include "controller/commands.h"
#include "controller/config.h"
#include "controller/history.h"
#include "controller/membership.h"

struct program {
	struct daemon_options options;
	struct controller_config cfg;
	struct fog_id id;
	char name[FOG_NAME_MAX + 1];
	int lock;
	bool failed; /* the store can be trusted no more */

	struct spawner *spawner;
	struct ev_loop *loop;
	struct daemon *daemon;
	struct protection protection;
	struct grasp_io *io, *channel; /* channel: io, or what protects it */
	struct grasp_node *grasp;
	struct membership membership;
	struct store *store;
	struct events *events;
	struct history *history;
	struct audit *audit;
	struct registry *registry;
	struct judge *judge;
	struct composites *composites;
	struct sessions *sessions;
	struct advert *advert;
	struct finder *finder;
	struct chores *chores;
	struct commands commands;
	struct ctl_server *ctl;
	struct sandbox_state sandbox;
	struct confession *confession;
};

/* --- main.c ---------------------------------------------------------------------------------------- */
int program_refuse(int err, const char *what, const char *object); /* err, which is logged */
struct trust_conf program_confessed(const struct program *p);
void program_store_failed(void *arg); /* the program is arg, and stops */

/* --- wiring.c -------------------------------------------------------------------------------------- */
void program_history_config(const struct controller_config *cfg, struct history_config *ret);
int program_wire(struct program *p); /* each part on those before it; the loop is there */
