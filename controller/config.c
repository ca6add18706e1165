/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/config.h"

#include "base/log.h"
#include "protocol/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCOPE_VALUE_MAX 256 /* of FOGDOMAIN's value */

#define OPTION(member, name, kind, preset, help) \
	CONF(struct controller_config, member, name, kind, preset, 0, 0, help)
#define BOUNDED(member, name, kind, preset, min, max, help) \
	CONF(struct controller_config, member, name, kind, preset, min, max, help)
#define CHOICE(member_, name_, preset_, choices_, help_)               \
	{                                                              \
		.name = name_, .type = CONF_CHOICE,                    \
		.offset = offsetof(struct controller_config, member_), \
		.preset = preset_, .choices = choices_, .help = help_, \
	}

static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const ranges[] = { "admin", "site", "organization", "global", NULL };
static const enum grasp_scope_range range_values[] = { GRASP_SCOPE_ADMIN,
	GRASP_SCOPE_SITE, GRASP_SCOPE_ORGANIZATION, GRASP_SCOPE_GLOBAL };

const struct conf_option controller_options[] = {
	OPTION(domain, "domain", TEXT, "",
	    "Domain that this controller is for; empty: nodes of any domain."),
	OPTION(name, "controller.name", TEXT, NULL,
	    "Name of the controller for people; the host name if not given."),
	OPTION(state_dir, "state-dir", TEXT, LOCALSTATEDIR "/lib/fogwatch-controller",
	    "Where its identity and its databases are kept."),
	OPTION(control_socket, "control-socket", TEXT,
	    RUNSTATEDIR "/fogwatch-controller/control", "Unix socket for fogctl."),
	OPTION(user, "user", TEXT, NULL,
	    "User to become when started as root; nobody else if not given."),
	BOUNDED(grasp.port, "grasp.port", INT, "7017", 1, 65535,
	    "UDP and TCP port of GRASP."),
	OPTION(grasp.interfaces, "grasp.interfaces", LIST, NULL,
	    "Interfaces to use; empty: all that can multicast."),
	OPTION(grasp.exclude, "grasp.exclude", LIST, NULL, "Interfaces not to use."),
	OPTION(grasp.link_local, "grasp.link-local", BOOL, "true",
	    "Speak to all GRASP neighbours on the link (ff02::13)."),
	OPTION(grasp.loopback, "grasp.loopback", BOOL, "false",
	    "Use the loopback interface too, to try things on one machine."),
	OPTION(grasp.objective_prefix, "grasp.objective-prefix", TEXT, NULL,
	    "In front of all objective names, such as \"example.org:\"."),
	OPTION(grasp.scopes, "grasp.scopes", MAP, NULL,
	    "Which nodes this controller is for: admin, geo, mfr, type, user. Multicasts "
	    "go to"
	    " the group of each as well."),
	CHOICE(grasp.scope_range, "grasp.scope-range", "admin", ranges,
	    "How far scoped multicasts reach."),
	BOUNDED(grasp.hops, "grasp.hops", INT, "8", 1, 255,
	    "Hop limit of scoped multicasts."),
	BOUNDED(grasp.links, "grasp.links", INT, "20000", 16, 1000000,
	    "How many links to nodes may be open at once."),
	BOUNDED(advertisement.period_ms, "advertisement.period", DURATION, "10s", 3000,
	    3600000, "How often this controller announces itself, 20 % more or less."),
	OPTION(advertisement.draft, "advertisement.draft-advert", BOOL, "false",
	    "Announce also by M_DISCOVERY, as draft-bernardos-anima-fog-monitoring has "
	    "it."),
	BOUNDED(registration.lease_ms, "registration.lease", DURATION, "30s", 4000,
	    3600000, "How long a registration holds without renewal."),
	BOUNDED(registration.heartbeat_ms, "registration.heartbeat", DURATION, "2s", 500,
	    60000,
	    "How often an idle link shows life; longer by itself with many nodes."),
	OPTION(services_dir, "services-dir", TEXT, SYSCONFDIR "/services.d",
	    "Services that are there from the start: *.yaml in it, see "
	    "fogwatch-service(5)."),
	OPTION(plugin_dir, "plugin-dir", TEXT, PKGLIBDIR "/hooks",
	    "Where orchestrator hooks are loaded from."),
	OPTION(hooks, "hooks", TREE, NULL,
	    "Orchestrators by name: {type: …} and what that type needs, see "
	    "fogwatch-hooks(7)."),
	OPTION(default_plan, "default-plan", TREE, NULL,
	    "What every node measures: a list of {expr: …, period: …}."),
	BOUNDED(history.retention_ms, "history.retention", DURATION, "7d", 60000,
	    315360000000.0, "How long results of measurements are kept."),
	BOUNDED(history.events_ms, "history.events", DURATION, "90d", 60000,
	    315360000000.0,
	    "How long events, ended predictions and ended migrations are kept."),
	CHOICE(log.level, "log.level", "info", levels,
	    "The least important lines to write."),
	OPTION(log.debug, "log.debug", TEXT, NULL,
	    "Areas whose debug lines are written: all, or some of advert,session,plan,…"),
	OPTION(insecure.plain_grasp, "insecure.plain_grasp", BOOL, "false",
	    "Speak plain TCP, readable and forgeable by everybody on the way."),
};
const size_t controller_options_len = ARRAY_LEN(controller_options);

/* What may change without a restart: it is looked at anew each time it is used. */
static const char *const adoptable[] = { "log.level", "log.debug", "history.retention",
	"history.events", NULL };

/* --- what the table cannot say ------------------------------------------------------------------- */
static const struct yaml_node *
node_at(const struct yaml_node *root, const char *option)
{
	char word[64];

	while (root && *option) {
		size_t len = strcspn(option, ".");

		snprintf(word, sizeof word, "%.*s", (int)len, option);
		root = yaml_get(root, word);
		option += len + (option[len] == '.');
	}
	return root;
}

static void
check_name(const struct yaml_node *root, const char *option, const char *text,
    struct complaints *c)
{
	if (text && *text && !conf_is_name(text))
		yaml_complain(c, node_at(root, option),
		    "\"%s\" is no name: 1 to 64 characters of A-Z a-z 0-9 . _ : -", text);
}

/* "key:" with nothing behind it. */
static void
check_given(const struct yaml_node *root, const char *option, const char *text,
    struct complaints *c)
{
	if (!text)
		yaml_complain(c, node_at(root, option),
		    "has no value; leave the line out for the default");
}

static void
check_prefix(const struct yaml_node *root, const char *prefix, struct complaints *c)
{
	const struct yaml_node *at = node_at(root, "grasp.objective-prefix");

	if (!prefix || !*prefix)
		return;
	if (strlen(prefix) > FOG_PREFIX_MAX)
		yaml_complain(c, at, "longer than %d bytes", FOG_PREFIX_MAX);
	if (!strchr(prefix, ':'))
		yaml_complain(c, at, "a private name has a colon: \"%s:\"", prefix);
}

/* scopes: {admin: Operator1, type: robot} → "admin=operator1;type=robot" */
static void
join_scopes(
    const struct yaml_node *root, struct controller_config *cfg, struct complaints *c)
{
	const struct conf_map *scopes = &cfg->grasp.scopes;
	char expression[GRASP_SCOPE_TEXT_MAX];
	struct buf b;

	buf_init_fixed(&b, (uint8_t *)expression, sizeof expression - 1);
	for (size_t i = 0; i < scopes->len; i++)
		buf_printf(&b, "%s%s=%s", i ? ";" : "", scopes->key[i], scopes->value[i]);
	expression[b.pos] = '\0';
	if (b.err || grasp_scope_canonical(expression, cfg->scope) ||
	    strlen(cfg->scope) > SCOPE_VALUE_MAX)
		yaml_complain(c, node_at(root, "grasp.scopes"),
		    "must be a short mapping of admin, geo, mfr, type or user to a "
		    "value: \"%s\"",
		    expression);
}

static void
check_lease(const struct yaml_node *root, const struct controller_config *cfg,
    struct complaints *c)
{
	if (cfg->registration.lease_ms < 2 * cfg->registration.heartbeat_ms)
		yaml_complain(c, node_at(root, "registration"),
		    "a lease shorter than two heartbeats would be lost all the time");
}

static void
check(const struct yaml_node *root, struct controller_config *cfg, struct complaints *c)
{
	check_given(root, "state-dir", cfg->state_dir, c);
	check_given(root, "control-socket", cfg->control_socket, c);
	check_given(root, "services-dir", cfg->services_dir, c);
	check_given(root, "plugin-dir", cfg->plugin_dir, c);
	check_name(root, "domain", cfg->domain, c);
	check_name(root, "controller.name", cfg->name, c);
	check_prefix(root, cfg->grasp.objective_prefix, c);
	check_lease(root, cfg, c);
	join_scopes(root, cfg, c);
}

/* --- load ------------------------------------------------------------------------------------------ */
static int
load_file(const char *path, struct complaints *c, struct yaml_doc **ret)
{
	bool is_default = !path;
	int err;

	if (is_default)
		path = CONTROLLER_CONFIG_PATH;
	if (is_default && access(path, F_OK))
		return 0;
	err = yaml_load(path, c, ret);
	if (err && err != -EBADMSG && !c->errors)
		complain(c, path, 0, 0, NULL, "%s", strerror(-err));
	return err;
}

int
controller_config_load(
    const char *path, struct complaints *c, struct controller_config *ret)
{
	const struct yaml_node *root;
	int err;

	memset(ret, 0, sizeof *ret);
	err = load_file(path, c, &ret->doc);
	if (err)
		return err;
	root = ret->doc ? yaml_root(ret->doc) : NULL;
	err = conf_load(controller_options, controller_options_len, root, c, ret);
	if (!ret->domain && !(ret->domain = strdup("")))
		return -ENOMEM;
	if (err)
		return err;
	check(root, ret, c);
	return c->errors ? -EINVAL : 0;
}

void
controller_config_free(struct controller_config *cfg)
{
	conf_free(controller_options, controller_options_len, cfg);
	yaml_doc_free(TAKE(cfg->doc));
}

void
controller_config_print(const struct controller_config *cfg, FILE *to)
{
	conf_print(controller_options, controller_options_len, cfg, to);
}

enum grasp_scope_range
controller_config_range(const struct controller_config *cfg)
{
	return range_values[cfg->grasp.scope_range];
}

void
controller_config_adopt(struct controller_config *running,
    struct controller_config *fresh, void (*needs_restart)(const char *option))
{
	conf_adopt(controller_options, controller_options_len, adoptable, running, fresh,
	    needs_restart);
}
