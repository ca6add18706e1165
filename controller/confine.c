/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/confine.h"

#include "base/daemon.h"
#include "controller/config.h"
#include "controller/store.h"

#include <limits.h>

void
confine_controller(const struct controller_config *cfg, const char *config,
    struct store *store, struct sandbox_state *ret)
{
	char run[PATH_MAX], etc[PATH_MAX];
	const char *const own[] = { cfg->state_dir, NULL };
	const char *const sockets[] = {
		daemon_directory(cfg->control_socket, run, sizeof run), NULL
	};
	const char *const read[] = { SANDBOX_SYSTEM, cfg->services_dir, cfg->plugin_dir,
		daemon_directory(
		    config ? config : CONTROLLER_CONFIG_PATH, etc, sizeof etc),
		NULL };
	const struct sandbox_paths paths = { own, read, sockets };

	daemon_confine("fogwatch-controller", &paths, ret);
	store_confine(store);
}
