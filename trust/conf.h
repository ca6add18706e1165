/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections "multicast:", "insecure:" and "control:" of a configuration, which agent and controller
 * have in common, and the rule that what is insecure has to be confessed (S-34): plain GRASP, joining
 * on first sight and multicasts that anybody may make are for machines whose every interface is the
 * loopback, or for whoever writes "insecure.i_trust_this_network: yes" beside them. */
#pragma once
#include "base/conf.h"

struct grasp_io;
struct confession;

struct trust_multicast {
	int protection; /* enum guard_mode */
	char *quads_password_file;
};
struct trust_insecure {
	bool plain_grasp, tofu, i_trust_this_network;
};
struct trust_control {
	char *viewer_group, *deployer_group, *admin_group;
};
/* Of a config's struct, and the rows of its option table. */
#define TRUST_CONF_MEMBERS                \
	struct trust_multicast multicast; \
	struct trust_insecure insecure;   \
	struct trust_control control

extern const char *const trust_conf_modes[]; /* as enum guard_mode has them */

#define TRUST_CONF_ROW(config, member, name, kind, preset, help) \
	CONF(config, member, name, kind, preset, 0, 0, help)
#define TRUST_CONF_OPTIONS(config)                                                          \
	{ .name = "multicast.protection",                                                   \
	  .type = CONF_CHOICE,                                                              \
	  .offset = offsetof(config, multicast.protection),                                 \
	  .preset = "signed",                                                               \
	  .choices = trust_conf_modes,                                                      \
	  .help = "How multicasts are protected; open and quads protect nothing." },        \
	    TRUST_CONF_ROW(config, multicast.quads_password_file,                           \
		"multicast.quads-password-file", TEXT, NULL,                                \
		"File with the password of graspy's QUADS, for protection: quads."),        \
	    TRUST_CONF_ROW(config, control.viewer_group, "control.viewer-group", TEXT,      \
		"fogwatch", "Members of this group may look, on the control socket."),      \
	    TRUST_CONF_ROW(config, control.deployer_group, "control.deployer-group", TEXT,  \
		"fogwatch-deployer", "Members of this group may give orders as well."),     \
	    TRUST_CONF_ROW(config, control.admin_group, "control.admin-group", TEXT,        \
		"fogwatch-admin", "Members of this group may do everything."),              \
	    TRUST_CONF_ROW(config, insecure.plain_grasp, "insecure.plain_grasp", BOOL,      \
		"false", "Speak plain TCP, readable and forgeable by everybody on the way."), \
	    TRUST_CONF_ROW(config, insecure.tofu, "insecure.tofu", BOOL, "false",           \
		"Join the first controller that is found, whoever it is."),                 \
	    TRUST_CONF_ROW(config, insecure.i_trust_this_network,                           \
		"insecure.i_trust_this_network", BOOL, "false",                             \
		"Allow what is insecure on interfaces other than the loopback.")

struct trust_conf { /* what the rule is about; borrowed */
	const struct trust_multicast *multicast;
	const struct trust_insecure *insecure;
};
#define TRUST_CONF_TEXT_MAX 96
/* "insecure.plain_grasp, multicast.protection: open"; "": nothing. */
char *confess_list(struct trust_conf c, char dst[TRUST_CONF_TEXT_MAX]);
/* True: it may start. Else why is a sentence, and the exit status is 2. exposed: an interface that is
 * not the loopback, NULL: there is none. */
bool confess_allows(struct trust_conf c, const char *exposed, char *why, size_t size);
#define CONFESS_NAME_MAX 16
/* An interface of this machine that is up and not the loopback; NULL: none. The GRASP port is open on
 * all of them, whichever are used for multicasts. */
const char *confess_exposed(char dst[CONFESS_NAME_MAX]);
/* Both, told to the log: false: exit with 2. */
bool confess_at_start(const char *area, struct trust_conf c);

/* Says it again every hour; c is read anew each time. */
int confession_new(struct grasp_io *io, const char *area, struct trust_conf c,
    struct confession **ret) MUST_CHECK;
void confession_free(struct confession *c);
DEFINE_FREEP(struct confession, confession_free)
