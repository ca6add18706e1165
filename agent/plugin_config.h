/* SPDX-License-Identifier: Apache-2.0
 *
 * What agent.yaml says of plug-ins: one entry of `plugins` each. */
#pragma once
#include "base/conf.h"
#include "base/spawn.h"

#define PLUGINS_MAX	  32
#define PLUGIN_NAME_MAX	  32
#define PLUGIN_OUTPUT_MAX 65536 /* bytes for one sampling (S-21) */

enum plugin_signal { PLUGIN_STDIN, PLUGIN_NONE }; /* how it learns that a value is due */

struct plugin_config {
	char *name;
	struct conf_list command;
	int64_t interval_ms, timeout_ms;
	int signal; /* enum plugin_signal */
	struct conf_map environment;
	char *user;
	bool network;
	struct conf_list files, writable;
	bool choose_labels;	 /* labels was given */
	struct conf_list labels; /* of all tags, those to keep */
	char *prefix;
	int64_t address_space, memory, file_size, cpu_ms, processes, open_files, series;
};

extern const struct conf_option plugin_options[];
extern const size_t plugin_options_len;

/* list: what stands under plugins; NULL: none. *ret is to be freed in any case. */
void plugin_config_load(const struct yaml_node *list, struct complaints *c,
    struct plugin_config **ret, size_t *ret_len);
void plugin_config_free(struct plugin_config *cfg, size_t len);
/* Is this the name of a metric that the plug-in may have: its prefix, with or without what follows? */
bool plugin_config_owns(const struct plugin_config *p, const char *metric);
/* The spawner that starts them and nothing else; before any socket is opened. */
int plugin_spawner_start(const struct plugin_config *cfg, size_t len, struct spawner **ret)
    MUST_CHECK;
