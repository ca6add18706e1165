/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plugin_config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "metrics/source.h"

#define OPTION(member, name, kind, preset, help) \
	CONF(struct plugin_config, member, name, kind, preset, 0, 0, help)
#define BOUNDED(member, name, kind, preset, min, max, help) \
	CONF(struct plugin_config, member, name, kind, preset, min, max, help)
#define MIB	     1048576.0
#define USER_OF_ROOT "nobody"

static const char *const signals[] = { "stdin", "none", NULL };

const struct conf_option plugin_options[] = {
	OPTION(name, "name", TEXT, NULL, "Its name."),
	OPTION(command, "command", LIST, NULL,
	    "The program, with its whole path, and its arguments."),
	BOUNDED(interval_ms, "interval", DURATION, "1s", 100, 3600000,
	    "How often it gives values at most; with signal none, how often it does."),
	{ .name = "signal",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct plugin_config, signal),
	    .preset = "stdin",
	    .choices = signals,
	    .help =
		"How it is asked for values: a newline on its stdin, or not at all." },
	BOUNDED(timeout_ms, "timeout", DURATION, "5s", 100, 60000,
	    "How long it may take to answer."),
	OPTION(environment, "environment", MAP, NULL, "Variables of its environment."),
	OPTION(user, "user", TEXT, NULL,
	    "Who it runs as; nobody when the agent is started as root, else the agent's "
	    "user."),
	OPTION(network, "network", BOOL, "no", "Whether it may use the network."),
	OPTION(files, "files", LIST, NULL,
	    "Files and directories that it may read beside the system's."),
	OPTION(writable, "writable", LIST, NULL,
	    "Files, directories and devices that it may write to."),
	OPTION(labels, "labels", LIST, NULL,
	    "The tags that become labels; the first four by name if not given."),
	OPTION(prefix, "prefix", TEXT, NULL,
	    "What the names of its metrics begin with; its name and _ if not given."),
	BOUNDED(address_space, "address-space", SIZE, "1GiB", 16 * MIB, 1048576 * MIB,
	    "Address space of each of its processes."),
	BOUNDED(memory, "memory", SIZE, "128MiB", MIB, 1048576 * MIB,
	    "Memory of its own of each of its processes."),
	BOUNDED(file_size, "file-size", SIZE, "16MiB", 0, 1048576 * MIB,
	    "Size of a file that it writes."),
	BOUNDED(cpu_ms, "cpu", DURATION, "10m", 1000, 86400000,
	    "Processor time of each of its processes, in its life."),
	BOUNDED(
	    processes, "processes", INT, "16", 1, 1024, "Processes and threads at once."),
	BOUNDED(open_files, "open-files", INT, "64", 8, 4096, "Files open at once."),
	BOUNDED(series, "series", INT, "256", 1, 100000,
	    "Series that are kept of it at once."),
};
const size_t plugin_options_len = ARRAY_LEN(plugin_options);

bool
plugin_config_owns(const struct plugin_config *p, const char *metric)
{
	size_t len = strlen(p->prefix);

	if (!strncmp(metric, p->prefix, len))
		return true;
	return p->prefix[len - 1] == '_' && strlen(metric) == len - 1 &&
	    !strncmp(metric, p->prefix, len - 1);
}

/* --- checks ------------------------------------------------------------------------------- */
static bool
is_plugin_name(const char *s)
{
	size_t len = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return *s >= 'a' && *s <= 'z' && !s[len] && len <= PLUGIN_NAME_MAX;
}

static bool
is_prefix(const char *s)
{
	size_t len =
	    strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:");

	return len && !s[len] && len <= PLUGIN_NAME_MAX + 1 && !(*s >= '0' && *s <= '9');
}

static bool
begins_with(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* A plug-in must not be able to speak for the agent. */
static bool
has_source(const char *prefix)
{
	for (const struct source *const *s = sources; *s; s++)
		for (size_t i = 0; i < (*s)->metrics_len; i++)
			if (begins_with((*s)->metrics[i].name, prefix))
				return true;
	return begins_with(prefix, "node_") || begins_with(prefix, "fogwatch_");
}

static void
check_paths(
    const struct yaml_node *list, const struct conf_list *paths, struct complaints *c)
{
	for (size_t i = 0; i < paths->len; i++)
		if (*paths->item[i] != '/')
			yaml_complain(
			    c, list, "\"%s\" is no whole path, from /", paths->item[i]);
}

static void
check_command(
    const struct yaml_node *n, const struct plugin_config *p, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "command");

	if (!p->command.len)
		yaml_complain(c, at ? at : n, "has no command: say the program's path");
	else if (*p->command.item[0] != '/')
		yaml_complain(
		    c, at, "\"%s\" is no whole path, from /", p->command.item[0]);
}

static void
check_prefix(const struct yaml_node *n, struct plugin_config *p, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "prefix");

	if (!p->prefix && asprintf(&p->prefix, "%s_", p->name) < 0)
		p->prefix = NULL;
	if (!p->prefix)
		yaml_complain(c, n, "no memory");
	else if (!is_prefix(p->prefix))
		yaml_complain(c, at ? at : n,
		    "\"%s\" is no beginning of a metric's name: letters, digits and _",
		    p->prefix);
	else if (has_source(p->prefix))
		yaml_complain(c, at ? at : n,
		    "metrics of the agent itself begin with \"%s\"; say another prefix",
		    p->prefix);
}

static void
check_environment(
    const struct yaml_node *n, const struct plugin_config *p, struct complaints *c)
{
	for (size_t i = 0; i < p->environment.len; i++)
		if (!*p->environment.key[i] || strchr(p->environment.key[i], '='))
			yaml_complain(c, yaml_get(n, "environment"),
			    "\"%s\" is no name of a variable", p->environment.key[i]);
}

static void
check_unlike(const struct yaml_node *n, const struct plugin_config *first,
    const struct plugin_config *p, struct complaints *c)
{
	for (const struct plugin_config *other = first; other < p; other++) {
		if (!other->name || !other->prefix || !p->prefix)
			continue;
		if (!strcmp(other->name, p->name))
			yaml_complain(c, yaml_get(n, "name"), "comes twice");
		else if (begins_with(other->prefix, p->prefix) ||
		    begins_with(p->prefix, other->prefix))
			yaml_complain(c, n,
			    "its prefix \"%s\" and \"%s\" of %s cannot be told apart",
			    p->prefix, other->prefix, other->name);
	}
}

static void
check_plugin(const struct yaml_node *n, const struct plugin_config *first,
    struct plugin_config *p, struct complaints *c)
{
	if (!p->name || !is_plugin_name(p->name)) {
		yaml_complain(c, n,
		    "needs a name of a-z, 0-9 and _, of up to %d characters that begin "
		    "with a letter",
		    PLUGIN_NAME_MAX);
		return;
	}
	p->choose_labels = yaml_get(n, "labels") != NULL;
	if (p->user && (!strcmp(p->user, "root") || !strcmp(p->user, "0")))
		yaml_complain(c, yaml_get(n, "user"), "a plug-in does not run as root");
	check_command(n, p, c);
	check_prefix(n, p, c);
	check_environment(n, p, c);
	check_paths(yaml_get(n, "files"), &p->files, c);
	check_paths(yaml_get(n, "writable"), &p->writable, c);
	check_unlike(n, first, p, c);
}

/* --- loading ------------------------------------------------------------------------------ */
static size_t
count(const struct yaml_node *list)
{
	size_t n = 0;

	YAML_EACH(entry, list)
	n++;
	return n;
}

void
plugin_config_load(const struct yaml_node *list, struct complaints *c,
    struct plugin_config **ret, size_t *ret_len)
{
	size_t len = count(list);
	struct plugin_config *p;

	*ret = NULL;
	*ret_len = 0;
	if (!list || yaml_is_null(list))
		return;
	if (list->kind != YAML_SEQUENCE || len > PLUGINS_MAX) {
		yaml_complain(
		    c, list, "must be a list of up to %d plug-ins", PLUGINS_MAX);
		return;
	}
	if (!len)
		return;
	*ret = p = calloc(len, sizeof *p);
	if (!p) {
		yaml_complain(c, list, "no memory");
		return;
	}
	YAML_EACH(entry, list)
	{
		p = *ret + (*ret_len)++;
		if (entry->kind != YAML_MAPPING)
			yaml_complain(
			    c, entry, "must be a mapping with name and command");
		else if (conf_load(plugin_options, plugin_options_len, entry, c, p) >= 0)
			check_plugin(entry, *ret, p, c);
	}
}

void
plugin_config_free(struct plugin_config *cfg, size_t len)
{
	for (size_t i = 0; cfg && i < len; i++)
		conf_free(plugin_options, plugin_options_len, &cfg[i]);
	free(cfg);
}

/* --- the spawner -------------------------------------------------------------------------- */
struct table {
	struct spawn_program program[PLUGINS_MAX];
	struct sandbox_program confine[PLUGINS_MAX];
	char **env[PLUGINS_MAX];
};

static const char *const *
words(const struct conf_list *list)
{
	return list->len ? (const char *const *)list->item : NULL;
}

/* Its own, and what every program needs. */
static int
make_environment(const struct conf_map *own, char ***ret)
{
	char **env = *ret = calloc(own->len + 3, sizeof *env);
	size_t n = 0;

	if (!env)
		return -ENOMEM;
	for (size_t i = 0; i < own->len; i++) {
		if (asprintf(&env[n], "%s=%s", own->key[i], own->value[i]) < 0) {
			env[n] = NULL;
			return -ENOMEM;
		}
		n++;
	}
	if (!conf_map_get(own, "PATH") &&
	    !(env[n++] = strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
				"/sbin:/bin")))
		return -ENOMEM;
	if (!conf_map_get(own, "LC_ALL") && !(env[n] = strdup("LC_ALL=C.UTF-8")))
		return -ENOMEM;
	return 0;
}

static void
free_environment(char **env)
{
	for (size_t i = 0; env && env[i]; i++)
		free(env[i]);
	free(env);
}

static int
fill_entry(struct table *t, size_t i, const struct plugin_config *p)
{
	t->confine[i] = (struct sandbox_program){
		.user = p->user	     ? p->user
		    : geteuid() == 0 ? USER_OF_ROOT
				     : NULL,
		.read = words(&p->files),
		.write = words(&p->writable),
		.network = p->network,
		.address_space = (uint64_t)p->address_space,
		.memory = (uint64_t)p->memory,
		.file_size = (uint64_t)p->file_size,
		.cpu_s = (uint64_t)(p->cpu_ms + 999) / 1000,
		.processes = (uint64_t)p->processes,
		.files = (uint64_t)p->open_files,
	};
	int err = make_environment(&p->environment, &t->env[i]);
	t->program[i] = (struct spawn_program){ .argv = words(&p->command),
		.env = (const char *const *)t->env[i],
		.confine = &t->confine[i] };
	return err;
}

int
plugin_spawner_start(const struct plugin_config *cfg, size_t len, struct spawner **ret)
{
	struct table *t = calloc(1, sizeof *t);
	int err = t ? 0 : -ENOMEM;

	for (size_t i = 0; i < len && !err; i++)
		err = fill_entry(t, i, &cfg[i]);
	if (!err)
		err = spawner_start_for(t->program, (uint32_t)len, ret);
	for (size_t i = 0; t && i < len; i++)
		free_environment(t->env[i]);
	free(t);
	return err;
}
