/* SPDX-License-Identifier: Apache-2.0
 *
 * What fogctl can ask of the controller: a table over the control socket, and the read model of
 * the nodes and of the daemon itself. Other nouns show themselves (judge.h, event.h). */
#pragma once
#include "base/ctl.h"
#include "protocol/names.h"
#include "trust/conf.h"

#include <stdio.h>

struct advert;
struct enrol;
struct audit;
struct authority;
struct composites;
struct events;
struct finder;
struct grasp_node;
struct history;
struct judge;
struct notices;
struct protection;
struct registry;
struct sandbox_state;
struct sessions;
struct store;

/* The argument of the commands; borrows all of it. */
struct commands {
	struct registry *registry;
	struct judge *judge;
	struct sessions *sessions;
	struct store *store;
	struct history *history;
	struct composites *composites;
	struct events *events;
	struct audit *audit;
	struct authority *authority; /* NULL, as notices: GRASP is plain, everybody is trusted */
	struct notices *notices;
	struct advert *advert;
	struct finder *finder;
	struct enrol *enrol; /* NULL: nobody can join, GRASP is plain */
	struct grasp_node *grasp;
	struct fog_id id;
	const char *name, *domain;
	struct trust_conf insecure;
	const struct sandbox_state *sandbox;   /* of the process; NULL: none is known */
	const struct protection *protection; /* NULL: GRASP is plain */
	int64_t lease_ms, flush_ms, started_ms; /* monotonic */
	size_t links_max;
	void (*print_config)(void *arg, FILE *to);
	void *arg;
};

extern const struct ctl_command controller_commands[];
extern const size_t controller_commands_len;

/* commands_domain.c; arg: struct commands */
int domain_revoke(void *arg, struct ctl_request *req, struct slice args);
int domain_show_revoked(void *arg, struct ctl_request *req, struct slice args);
int domain_show_cas(void *arg, struct ctl_request *req, struct slice args);
int domain_reload(void *arg, struct ctl_request *req, struct slice args);

/* commands_hooks.c; arg: struct commands */
int hooks_migrate(void *arg, struct ctl_request *req, struct slice args);
int hooks_list(void *arg, struct ctl_request *req, struct slice args);

/* show.c */
int show_nodes(struct commands *c, struct ctl_request *req);
int show_node(struct commands *c, struct ctl_request *req, const char *name);
int show_status(struct commands *c, struct ctl_request *req);
int show_counters(struct commands *c, struct ctl_request *req);
int show_limits(struct commands *c, struct ctl_request *req);
int show_history(struct commands *c, struct ctl_request *req, const char *node,
    const char *expression, int64_t since_ms, int64_t limit);
