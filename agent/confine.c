/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/confine.h"

#include <limits.h>
#include <unistd.h>

#include "agent/config.h"
#include "base/daemon.h"

static const char *
given(const char *path)
{
	return path ? path : "";
}

/* Behind what is in the list; the files of tokens are read again when the configuration is. One that is
 * not there yet may come: nothing can be allowed but its directory. */
static void
add_tokens(const struct agent_config *cfg, const char *list[],
    char directory[AGENT_DOMAINS_MAX][PATH_MAX])
{
	while (*list)
		list++;
	for (size_t i = 0; i < cfg->domains; i++) {
		const char *file = cfg->domain[i].join.token_file;

		if (file && access(file, F_OK) == 0)
			*list++ = file;
		else if (file)
			*list++ = daemon_directory(file, directory[i], PATH_MAX);
	}
}

void
confine_agent(
    const struct agent_config *cfg, const char *config, struct sandbox_state *ret)
{
	char run[PATH_MAX], etc[PATH_MAX], tokens[AGENT_DOMAINS_MAX][PATH_MAX];
	const char *const own[] = { cfg->node.state_dir, NULL };
	const char *const sockets[] = {
		daemon_directory(cfg->control_socket, run, sizeof run), NULL
	};
	const char *read[32 + AGENT_DOMAINS_MAX] = { SANDBOX_SYSTEM,
		given(cfg->roots.proc), given(cfg->roots.sys),
		given(cfg->roots.power_supply), given(cfg->roots.cgroup),
		daemon_directory(config ? config : AGENT_CONFIG_PATH, etc, sizeof etc) };

	add_tokens(cfg, read, tokens);
	const struct sandbox_paths paths = { own, read, sockets };

	daemon_confine("fogwatch-agent", &paths, ret);
}
