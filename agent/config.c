/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/addr_text.h"

#define OPTION(member, name, kind, preset, help) \
	CONF(struct agent_config, member, name, kind, preset, 0, 0, help)
#define BOUNDED(member, name, kind, preset, min, max, help) \
	CONF(struct agent_config, member, name, kind, preset, min, max, help)
#define CHOICE(member_, name_, preset_, choices_, help_)                             \
	{                                                                            \
		.name = name_, .type = CONF_CHOICE,                                  \
		.offset = offsetof(struct agent_config, member_), .preset = preset_, \
		.choices = choices_, .help = help_,                                  \
	}

static const char *const energies[] = { "auto", "mains", "battery", "harvesting", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const ranges[] = { "admin", "site", "organization", "global", NULL };
static const enum grasp_scope_range range_values[] = { GRASP_SCOPE_ADMIN,
	GRASP_SCOPE_SITE, GRASP_SCOPE_ORGANIZATION, GRASP_SCOPE_GLOBAL };

const struct conf_option agent_options[] = {
	OPTION(node.name, "node.name", TEXT, NULL,
	    "Name of the node for people; the host name if not given."),
	OPTION(node.type, "node.type", TEXT, NULL,
	    "What the node is: robot, gateway, server; taken from the hardware if not "
	    "given."),
	OPTION(node.vendor, "node.vendor", TEXT, NULL,
	    "Who made the node; taken from the hardware if not given."),
	OPTION(node.virtualization, "node.virtualization", TEXT, NULL,
	    "none, kvm, docker, …; found out if not given."),
	CHOICE(node.energy, "node.energy", "auto", energies,
	    "What the node lives on; auto looks at its power supplies."),
	OPTION(node.tags, "node.tags", MAP, NULL, "Words by which operators find nodes."),
	OPTION(node.radios, "node.radios", MAP, NULL,
	    "Radio technology by interface (wlan0: wifi6) where the kernel does not "
	    "tell."),
	OPTION(node.state_dir, "node.state-dir", TEXT,
	    LOCALSTATEDIR "/lib/fogwatch-agent",
	    "Where the node's identity and its last plan are kept."),
	OPTION(node.user, "node.user", TEXT, NULL,
	    "User to become when started as root; nobody else if not given."),
	OPTION(domain, "domain", TEXT, NULL,
	    "Domain of the controllers to obey; empty: any."),
	OPTION(scopes, "scopes", MAP, NULL,
	    "Attributes by which controllers address nodes: admin, geo, mfr, type, "
	    "user."),
	OPTION(controllers, "controllers", LIST, NULL,
	    "Locators of controllers (\"[2001:db8::1]:7017\") where multicast does not "
	    "reach."),
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
	CHOICE(grasp.scope_range, "grasp.scope-range", "admin", ranges,
	    "How far scoped multicasts reach."),
	OPTION(roots.proc, "roots.proc", TEXT, "/proc", "Where procfs is."),
	OPTION(roots.sys, "roots.sys", TEXT, "/sys", "Where sysfs is."),
	OPTION(roots.power_supply, "roots.power-supply", TEXT, NULL,
	    "Where power supplies are; <sys>/class/power_supply if not given."),
	BOUNDED(history.bytes, "history.bytes", SIZE, "2MiB", 65536, 1073741824,
	    "Memory for the samples that windows look back on."),
	BOUNDED(history.spool, "history.spool", SIZE, "256KiB", 4096, 1073741824,
	    "Memory for results that no controller has accepted yet; the newest are "
	    "kept."),
	OPTION(control_socket, "control-socket", TEXT,
	    RUNSTATEDIR "/fogwatch-agent/control", "Unix socket for fogctl."),
	CHOICE(log.level, "log.level", "info", levels,
	    "The least important lines to write."),
	OPTION(log.debug, "log.debug", TEXT, NULL,
	    "Areas whose debug lines are written, separated by commas, or all."),
	OPTION(insecure.plain_grasp, "insecure.plain_grasp", BOOL, "false",
	    "Speak plain TCP, readable and forgeable by everybody on the way."),
};
const size_t agent_options_len = ARRAY_LEN(agent_options);

/* What may change without a restart: it is looked at anew each time it is used. */
static const char *const adoptable[] = { "node.name", "node.type", "node.vendor",
	"node.virtualization", "node.energy", "node.tags", "node.radios", "log.level",
	"log.debug", NULL };

/* --- what the table cannot say ---------------------------------------------------------- */
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

/* What goes to peers: they refuse longer ones and control characters. */
static void
check_one(const struct yaml_node *n, const char *text, size_t max, struct complaints *c)
{
	if (strlen(text) > max)
		yaml_complain(c, n, "longer than %zu bytes", max);
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			yaml_complain(c, n, "has a control character");
			return;
		}
}

static void
check_text(const struct yaml_node *root, const char *option, const char *text, size_t max,
    struct complaints *c)
{
	if (text)
		check_one(node_at(root, option), text, max, c);
}

static void
check_texts(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const char *prefix = cfg->grasp.objective_prefix;

	check_text(root, "node.name", cfg->node.name, FOG_NAME_MAX, c);
	check_text(root, "node.type", cfg->node.type, FOG_NAME_MAX, c);
	check_text(root, "node.vendor", cfg->node.vendor, FOG_NAME_MAX, c);
	check_text(root, "node.virtualization", cfg->node.virtualization, 32, c);
	check_text(root, "domain", cfg->domain, FOG_NAME_MAX, c);
	check_text(root, "grasp.objective-prefix", prefix, FOG_PREFIX_MAX, c);
	if (prefix && *prefix && !strchr(prefix, ':'))
		yaml_complain(c, node_at(root, "grasp.objective-prefix"),
		    "a private name has a colon: \"%s:\"", prefix);
}

static void
check_tags(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *tags = node_at(root, "node.tags");

	if (cfg->node.tags.len > CAPS_TAGS_MAX)
		yaml_complain(c, tags, "more than %d tags", CAPS_TAGS_MAX);
	YAML_EACH(tag, tags)
	{
		if (strlen(tag->key) > 32)
			yaml_complain(c, tag, "the name is longer than 32 bytes");
		check_one(tag, tag->text ? tag->text : "", 64, c);
	}
}

/* scopes: {admin: Operator1, type: robot} → "admin=operator1;type=robot" */
static void
join_scopes(const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	char expression[GRASP_SCOPE_TEXT_MAX];
	struct buf b;

	buf_init_fixed(&b, expression, sizeof expression - 1);
	for (size_t i = 0; i < cfg->scopes.len; i++)
		buf_printf(&b, "%s%s=%s", i ? ";" : "", cfg->scopes.key[i],
		    cfg->scopes.value[i]);
	expression[b.pos] = 0;
	if (b.err || grasp_scope_canonical(expression, cfg->attributes) < 0)
		yaml_complain(c, node_at(root, "scopes"),
		    "must be a mapping of admin, geo, mfr, type or user to a value: "
		    "\"%s\"",
		    expression);
}

static void
check_controllers(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	struct addr addr;

	(void)cfg;
	YAML_EACH(locator, node_at(root, "controllers"))
	if (locator->text && addr_parse(locator->text, &addr) == -EINVAL)
		yaml_complain(c, locator,
		    "%s is no address such as \"[2001:db8::1]:7017\"", locator->text);
}

static void
complete(struct agent_config *cfg, struct complaints *c)
{
	if (!cfg->domain && !(cfg->domain = strdup("")))
		complain(c, NULL, 0, 0, "domain", "no memory");
}

static void
check(const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	check_texts(root, cfg, c);
	check_tags(root, cfg, c);
	join_scopes(root, cfg, c);
	check_controllers(root, cfg, c);
	complete(cfg, c);
}

/* --- load ------------------------------------------------------------------------------- */
int
agent_config_load(const char *path, struct complaints *c, struct agent_config *ret)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	int err = 0;

	memset(ret, 0, sizeof *ret);
	if (path || access(AGENT_CONFIG_PATH, F_OK) == 0) {
		err = yaml_load(path ? path : AGENT_CONFIG_PATH, c, &doc);
		if (err < 0 && err != -EBADMSG && !c->errors)
			complain(c, path ? path : AGENT_CONFIG_PATH, 0, 0, NULL, "%s",
			    strerror(-err));
		if (err < 0)
			return err;
	}
	const struct yaml_node *root = doc ? yaml_root(doc) : NULL;
	err = conf_load(agent_options, agent_options_len, root, c, ret);
	if (err < 0)
		return err;
	check(root, ret, c);
	return c->errors ? -EINVAL : 0;
}

void
agent_config_free(struct agent_config *cfg)
{
	conf_free(agent_options, agent_options_len, cfg);
}

void
agent_config_print(const struct agent_config *cfg, FILE *to)
{
	conf_print(agent_options, agent_options_len, cfg, to);
}

enum grasp_scope_range
agent_config_range(const struct agent_config *cfg)
{
	return range_values[cfg->grasp.scope_range];
}

void
agent_config_adopt(struct agent_config *running, struct agent_config *fresh,
    void (*needs_restart)(const char *option))
{
	conf_adopt(
	    agent_options, agent_options_len, adoptable, running, fresh, needs_restart);
}
