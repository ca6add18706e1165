/* SPDX-License-Identifier: Apache-2.0
 *
 * What agent.yaml says, and the defaults for what it does not say. Read once at the start;
 * on SIGHUP a second one is read, and what can change at run time is taken over from it. */
#pragma once
#include "base/conf.h"
#include "grasp/conf.h"
#include "protocol/caps.h"
#include "trust/conf.h"

#define AGENT_DOMAINS_MAX 8

/* A domain that the node is in, or wants to join. */
struct agent_domain {
	char *name; /* "": any, learnt with the certificate; never NULL */
	struct conf_list controllers; /* locators, for networks without multicast */
	struct {
		char *token, *token_file, *ca_pin; /* NULL: not given */
	} join;
	int64_t port; /* of GRASP */
	/* Canonical; made of scopes, the domain and the position. */
	char attributes[GRASP_SCOPE_TEXT_MAX];
};

struct agent_config {
	struct agent_domain
	    domain[AGENT_DOMAINS_MAX]; /* the first is there in any case */
	size_t domains;
	const struct yaml_node *more; /* domains: the others, as in the file */
	struct yaml_doc *doc;	      /* which it stands in */
	const struct yaml_node *plugin_list; /* plugins: as in the file */
	struct plugin_config *plugin;
	size_t plugins_len;
	const struct yaml_node *rule_list; /* rules: as in the file */
	struct rule_config *rule;
	size_t rules_len;
	struct {
		char *name, *type, *vendor, *virtualization; /* NULL: found out */
		int energy; /* enum caps_energy; 0: found out */
		struct conf_map tags;
		struct conf_list devices; /* beside those that are found */
		struct conf_map radios; /* interface to radio technology */
		char *state_dir, *user;
		char *position; /* "40.33,-3.76" or a geohash; NULL: not known */
	} node;
	struct conf_map scopes;
	struct grasp_conf grasp;
	struct {
		char *proc, *sys, *power_supply, *rootfs, *cgroup;
	} roots;
	struct {
		char *cgroups;
	} functions;
	struct {
		char *gpsd;
	} gps;
	struct conf_map paths; /* name of a peer to its address */
	struct {
		int64_t budget;
	} path;
	struct {
		int64_t bytes, window_ms;
	} history;
	struct {
		int64_t journal, events, budget, delay_ms;
	} report;
	char *control_socket;
	struct {
		int level; /* enum log_level */
		char *debug;
	} log;
	TRUST_CONF_MEMBERS;
};

#define AGENT_CONFIG_PATH SYSCONFDIR "/agent.yaml"

extern const struct conf_option agent_options[];
extern const size_t agent_options_len;

/* path NULL: AGENT_CONFIG_PATH, or the defaults alone when there is no such file (OPS-02).
 * 0, or -errno; what is wrong with the file is in c. *ret is to be freed in any case. */
int agent_config_load(const char *path, struct complaints *c, struct agent_config *ret)
    MUST_CHECK;
void agent_config_free(struct agent_config *cfg);
void agent_config_print(const struct agent_config *cfg, FILE *to);

/* Their addresses, as many as max; those of interfaces that are not there now are left out. */
size_t agent_domain_controllers(
    const struct conf_list *controllers, struct addr *dst, size_t max);

/* Takes over from fresh what may change while running, and tells of each option that differs
 * but needs a restart. Fresh is still to be freed, and then holds the values given up. */
void agent_config_adopt(struct agent_config *running, struct agent_config *fresh,
    void (*needs_restart)(const char *option));
