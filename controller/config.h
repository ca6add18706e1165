/* SPDX-License-Identifier: Apache-2.0
 *
 * What controller.yaml says, and the defaults for what it does not say. Read once at the start;
 * on SIGHUP a second one is read, and what can change at run time is taken over from it. */
#pragma once
#include "base/conf.h"
#include "grasp/conf.h"
#include "trust/conf.h"

struct controller_config {
	char *domain; /* "": nodes of any domain */
	char *name;   /* NULL: the host name */
	char *state_dir, *ca_dir, *control_socket, *services_dir, *plugin_dir, *user;
	struct grasp_conf grasp;
	int64_t links;
	int64_t certificate_days;
	struct conf_map scopes;
	struct conf_list expressions;
	char scope[GRASP_SCOPE_TEXT_MAX]; /* of both, canonical; "": everybody */
	struct {
		int64_t period_ms;
		bool draft;
	} advertisement;
	struct {
		int64_t lease_ms, heartbeat_ms;
	} registration;
	struct {
		int64_t window_ms, flush_ms, retention_ms, minutes_ms, hours_ms, events_ms;
		int64_t bytes;
	} history;
	struct {
		int level; /* enum log_level */
		char *debug;
	} log;
	bool remote_operators;
	TRUST_CONF_MEMBERS;
	const struct yaml_node *hooks, *default_plan, *rules,
	    *composites;		/* of doc; NULL: not given */
	struct rule_config *composite; /* of the last */
	size_t composites_len;
	struct yaml_doc *doc;
};

#define CONTROLLER_CONFIG_PATH SYSCONFDIR "/controller.yaml"

extern const struct conf_option controller_options[];
extern const size_t controller_options_len;

/* path NULL: CONTROLLER_CONFIG_PATH, or the defaults alone when there is no such file. 0, or -errno;
 * what is wrong with the file is in c. *ret is to be freed in any case. */
int controller_config_load(
    const char *path, struct complaints *c, struct controller_config *ret) MUST_CHECK;
void controller_config_free(struct controller_config *cfg);
void controller_config_print(const struct controller_config *cfg, FILE *to);

/* Takes over from fresh what may change while running, and tells of each option that differs but
 * needs a restart. Fresh is still to be freed. */
void controller_config_adopt(struct controller_config *running,
    struct controller_config *fresh, void (*needs_restart)(const char *option));
