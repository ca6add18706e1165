/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/confine.h"

#include "base/daemon.h"
#include "base/yaml.h"
#include "controller/config.h"
#include "controller/store.h"

#include <limits.h>
#include <string.h>

#define HOOK_PATHS_MAX 64

/* What hooks read while they work: what options such as token-file name. It is replaced by rename(2),
 * so that the directory counts; one that lies directly below the root holds too much else. */
struct hook_paths {
	char *path[HOOK_PATHS_MAX];
	size_t len;
};

static bool
names_file(const struct yaml_node *option)
{
	static const char suffix[] = "-file";
	size_t len = strlen(option->key);

	return option->kind == YAML_SCALAR && *option->text == '/' &&
	    len > sizeof suffix - 1 &&
	    !strcmp(option->key + len - (sizeof suffix - 1), suffix);
}

static void
add_path(struct hook_paths *p, const char *file)
{
	const char *first = strchr(file + 1, '/'), *last = strrchr(file, '/');

	if (p->len == HOOK_PATHS_MAX)
		return;
	p->path[p->len] =
	    first && first < last ? strndup(file, (size_t)(last - file)) : strdup(file);
	if (p->path[p->len])
		p->len++;
}

/* Of a hook, and of `http` and the like in it. */
static void
add_options(struct hook_paths *p, const struct yaml_node *mapping, unsigned depth)
{
	YAML_EACH(option, mapping)
	if (option->key && names_file(option))
		add_path(p, option->text);
	else if (option->kind == YAML_MAPPING && depth > 0)
		add_options(p, option, depth - 1);
}

void
confine_controller(const struct controller_config *cfg, const char *config,
    struct store *store, struct sandbox_state *ret)
{
	static const char *const always[] = { SANDBOX_SYSTEM, SANDBOX_NAMES };
	char run[PATH_MAX], etc[PATH_MAX];
	const char *const own[] = { cfg->state_dir, NULL };
	const char *const sockets[] = {
		daemon_directory(cfg->control_socket, run, sizeof run), NULL
	};
	const char *read[ARRAY_LEN(always) + 3 + HOOK_PATHS_MAX + 1];
	const struct sandbox_paths paths = { own, read, sockets };
	struct hook_paths hooks = { .len = 0 };
	size_t n = 0;

	add_options(&hooks, cfg->hooks, 2);
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		read[n++] = always[i];
	read[n++] = cfg->services_dir ? cfg->services_dir : "";
	read[n++] = cfg->plugin_dir ? cfg->plugin_dir : "";
	read[n++] =
	    daemon_directory(config ? config : CONTROLLER_CONFIG_PATH, etc, sizeof etc);
	for (size_t i = 0; i < hooks.len; i++)
		read[n++] = hooks.path[i];
	read[n] = NULL;
	daemon_confine("fogwatch-controller", &paths, ret);
	store_confine(store);
	for (size_t i = 0; i < hooks.len; i++)
		free(hooks.path[i]);
}
