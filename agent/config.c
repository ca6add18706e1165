/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/plugin_config.h"
#include "metrics/rule_config.h"
#include "base/addr_text.h"
#include "base/crypto_aead.h"
#include "base/log.h"
#include "grasp/geo.h"
#include "trust/guard.h"
#include "trust/token.h"
#include "trust/who.h"

#define PATHS_MAX 32 /* as many as the source path probes */

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

#define DOMAIN(member, name, kind, help) \
	CONF(struct agent_domain, member, name, kind, NULL, 0, 0, help)

static const char *const energies[] = { "auto", "mains", "battery", "harvesting", NULL };
static const char *const levels[] = { "error", "warning", "info", "debug", NULL };

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
	OPTION(node.devices, "node.devices", LIST, NULL,
	    "Devices and sensors of the node that cannot be found out, for functions "
	    "that need them."),
	OPTION(node.position, "node.position", TEXT, NULL,
	    "Where the node is: degrees (40.33,-3.76) or a geohash."),
	OPTION(node.state_dir, "node.state-dir", TEXT,
	    LOCALSTATEDIR "/lib/fogwatch-agent",
	    "Where the node's identity and its last plan are kept."),
	OPTION(node.user, "node.user", TEXT, NULL,
	    "User to become when started as root; nobody else if not given."),
	OPTION(domain[0].name, "domain", TEXT, NULL,
	    "Domain of the controllers to obey; empty: any."),
	OPTION(scopes, "scopes", MAP, NULL,
	    "Attributes by which controllers address nodes: admin, geo, mfr, type, "
	    "user."),
	OPTION(domain[0].controllers, "controllers", LIST, NULL,
	    "Locators of controllers (\"[2001:db8::1]:7017\") where multicast does not "
	    "reach."),
	OPTION(domain[0].join.token, "join.token", SECRET, NULL,
	    "Token by which the node joins the domain, from \"fogctl token create\"."),
	OPTION(domain[0].join.token_file, "join.token-file", TEXT, NULL,
	    "File that holds the token instead, readable by its owner alone."),
	OPTION(domain[0].join.ca_pin, "join.ca-pin", TEXT, NULL,
	    "Pin of the domain's CA, for a node that joins without a token."),
	OPTION(more, "domains", TREE, NULL,
	    "More domains to be in at the same time, each with its own controllers."),
	GRASP_CONF_OPTIONS(struct agent_config),
	OPTION(roots.proc, "roots.proc", TEXT, "/proc", "Where procfs is."),
	OPTION(roots.sys, "roots.sys", TEXT, "/sys", "Where sysfs is."),
	OPTION(roots.power_supply, "roots.power-supply", TEXT, NULL,
	    "Where power supplies are; <sys>/class/power_supply if not given."),
	OPTION(roots.rootfs, "roots.rootfs", TEXT, NULL,
	    "What stands in front of mount points, if the agent runs in a container."),
	OPTION(roots.cgroup, "roots.cgroup", TEXT, NULL,
	    "Where control groups are; <sys>/fs/cgroup if not given."),
	OPTION(functions.cgroups, "functions.cgroups", TEXT, "fogwatch.slice/*",
	    "Pattern of the control groups that are functions, below the root of them."),
	OPTION(gps.gpsd, "gps.gpsd", TEXT, "127.0.0.1:2947",
	    "Where gpsd answers: an address of this machine or the path of a socket; "
	    "empty: nowhere."),
	OPTION(paths, "paths", MAP, NULL,
	    "Peers to which paths are measured when somebody asks, by name: their "
	    "addresses."),
	BOUNDED(path.budget, "path.budget", SIZE, "256", 16, 1000000,
	    "Bytes a second for probes of all paths together."),
	BOUNDED(history.bytes, "history.bytes", SIZE, "6MiB", 65536, 1073741824,
	    "Memory for samples, packed to one or two bytes each."),
	BOUNDED(history.window_ms, "history.window", DURATION, "24h", 0, 86400000,
	    "How long what was sampled is kept, as far as the memory goes."),
	BOUNDED(report.journal, "report.journal", SIZE, "12MiB", 16384, 1073741824,
	    "Disk space for results that no controller has accepted yet; the newest are "
	    "kept."),
	BOUNDED(report.events, "report.events", SIZE, "4MiB", 16384, 1073741824,
	    "The same for events, which metrics never drive out."),
	BOUNDED(report.budget, "report.budget", SIZE, "0", 0, 1073741824,
	    "Bytes a second that reports to one controller may take; 0: no bound."),
	BOUNDED(report.delay_ms, "report.delay", DURATION, NULL, 10, 60000,
	    "How long a result waits for others; a quarter of the shortest period, up to "
	    "1s, if not given."),
	OPTION(control_socket, "control-socket", TEXT,
	    RUNSTATEDIR "/fogwatch-agent/control", "Unix socket for fogctl."),
	OPTION(rule_list, "rules", TREE, NULL,
	    "Expressions with a name: name, expr and unit of each; see "
	    "fogwatch-metrics(7)."),
	OPTION(plugin_list, "plugins", TREE, NULL,
	    "Programs that give metrics; see fogwatch-plugins(7)."),
	CHOICE(log.level, "log.level", "info", levels,
	    "The least important lines to write."),
	OPTION(log.debug, "log.debug", TEXT, NULL,
	    "Areas whose debug lines are written, separated by commas, or all."),
	TRUST_CONF_OPTIONS(struct agent_config),
};
const size_t agent_options_len = ARRAY_LEN(agent_options);

/* Of an entry of domains. */
static const struct conf_option domain_options[] = {
	DOMAIN(name, "domain", TEXT, "Its name."),
	DOMAIN(controllers, "controllers", LIST, "Locators of its controllers."),
	DOMAIN(join.token, "join.token", SECRET, "Token by which the node joins it."),
	DOMAIN(join.token_file, "join.token-file", TEXT, "File that holds the token."),
	DOMAIN(join.ca_pin, "join.ca-pin", TEXT, "Pin of its CA."),
	CONF(struct agent_domain, port, "port", INT, NULL, 1, 65535,
	    "TCP port of this node for the domain."),
};

/* What may change without a restart: it is looked at anew each time it is used. */
static const char *const adoptable[] = { "node.name", "node.type", "node.vendor",
	"node.virtualization", "node.energy", "node.tags", "node.devices", "node.radios",
	"join.token", "join.token-file", "join.ca-pin", "log.level", "log.debug", NULL };

/* --- what the table cannot say ---------------------------------------------------------- */
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
		check_one(grasp_conf_at(root, option), text, max, c);
}

static void
check_texts(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	check_text(root, "node.name", cfg->node.name, FOG_NAME_MAX, c);
	check_text(root, "node.type", cfg->node.type, FOG_NAME_MAX, c);
	check_text(root, "node.vendor", cfg->node.vendor, FOG_NAME_MAX, c);
	check_text(root, "node.virtualization", cfg->node.virtualization, 32, c);
}

static void
check_tags(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *tags = grasp_conf_at(root, "node.tags");

	if (cfg->node.tags.len > CAPS_TAGS_MAX)
		yaml_complain(c, tags, "more than %d tags", CAPS_TAGS_MAX);
	YAML_EACH(tag, tags)
	{
		if (strlen(tag->key) > 32)
			yaml_complain(c, tag, "the name is longer than 32 bytes");
		check_one(tag, tag->text ? tag->text : "", 64, c);
	}
}

static void
check_devices(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *devices = grasp_conf_at(root, "node.devices");

	if (cfg->node.devices.len > CAPS_DEVICES_MAX)
		yaml_complain(c, devices, "more than %d devices", CAPS_DEVICES_MAX);
	YAML_EACH(device, devices)
	if (device->text && !*device->text)
		yaml_complain(c, device, "a device needs a name");
	else if (device->text)
		check_one(device, device->text, CAPS_DEVICE_SIZE - 1, c);
}

/* Whoever else could answer for gpsd would say where the node is. */
static void
check_gpsd(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const char *text = cfg->gps.gpsd;
	struct addr addr;

	if (text && *text && *text != '/' &&
	    (addr_parse(text, &addr) < 0 || !addr_is_loopback(&addr.ip)))
		yaml_complain(c, grasp_conf_at(root, "gps.gpsd"),
		    "\"%s\" is neither an address of this machine such as "
		    "127.0.0.1:2947 nor the path of a socket",
		    text);
}

static void
check_paths(
    const struct yaml_node *root, const struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *paths = grasp_conf_at(root, "paths");
	struct addr addr;
	int err;

	if (cfg->paths.len > PATHS_MAX)
		yaml_complain(c, paths, "more than %d peers", PATHS_MAX);
	YAML_EACH(path, paths)
	{
		const char *text = path->text ? path->text : "";

		if (!conf_is_name(path->key))
			yaml_complain(c, path, "\"%s\" is no name", path->key);
		err = addr_parse(text, &addr);
		if (err == -EINVAL)
			yaml_complain(
			    c, path, "\"%s\" is no address such as 2001:db8::1", text);
		else if (err == 0 && addr_is_multicast(&addr.ip))
			yaml_complain(c, path, "%s is a group, not a peer", text);
	}
}

/* --- attributes -------------------------------------------------------------------------- */
static int
add_attribute(const char *key, const char *value, char attributes[GRASP_SCOPE_TEXT_MAX])
{
	char text[2 * GRASP_SCOPE_TEXT_MAX];

	snprintf(text, sizeof text, "%s;%s=%s", attributes, key, value);
	return grasp_scope_canonical(text, attributes);
}

static int
add_cell(const char *hash, char attributes[GRASP_SCOPE_TEXT_MAX])
{
	bool named = !strncmp(attributes, "geo=", 4) || strstr(attributes, ";geo=");

	return named ? 0 : add_attribute("geo", hash, attributes);
}

/* "40.33,-3.76" gives a position and the geohash of it, a geohash only itself. What scopes.geo says
 * counts more. */
static void
add_position(const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	char *attributes = cfg->domain[0].attributes;
	const char *position = cfg->node.position;
	struct geo_point point;
	int err;

	if (!position || !*position)
		return;
	if (geo_parse_point(slice_text(position), &point) == 0) {
		err = add_cell(geo_hash_of(point, GEO_HASH_MAX).text, attributes);
		if (err == 0)
			err = add_attribute("position", position, attributes);
	} else {
		err = geo_is_hash(slice_text(position)) ? add_cell(position, attributes)
							: -EINVAL;
	}
	if (err < 0)
		yaml_complain(c, grasp_conf_at(root, "node.position"),
		    "\"%s\" is no position such as 40.33,-3.76, and no geohash",
		    position);
}

/* What the domain adds to the scopes; who looks for us by groups must find some. */
static void
add_domain(const struct yaml_node *name, const struct yaml_node *combinations,
    const struct grasp_conf *grasp, struct agent_domain *d, struct complaints *c)
{
	struct grasp_groups groups;
	int err = grasp_scope_add_domain(d->attributes, d->name, d->attributes);

	if (err < 0) {
		yaml_complain(c, name, "%s", grasp_conf_why(err));
		return;
	}
	err = grasp_conf_groups(grasp, "", d->attributes, grasp_scope_joins, &groups);
	if (err < 0)
		yaml_complain(c, combinations, "%s", grasp_conf_why(err));
}

/* --- domains ------------------------------------------------------------------------------ */
static void
check_controllers(const struct yaml_node *list, struct complaints *c)
{
	struct addr addr;

	YAML_EACH(locator, list)
	if (locator->text && addr_parse(locator->text, &addr) == -EINVAL)
		yaml_complain(c, locator,
		    "%s is no address such as \"[2001:db8::1]:7017\"", locator->text);
}

/* It stands in certificates, and names a directory; "_" is that of a domain without a name. */
static void
check_name(const struct yaml_node *n, const char *name, struct complaints *c)
{
	if (strlen(name) > FOG_NAME_MAX)
		yaml_complain(c, n, "longer than %d bytes", FOG_NAME_MAX);
	else if (!trust_is_domain(name) || *name == '.' || !strcmp(name, "_"))
		yaml_complain(c, n,
		    "\"%s\" is no name of a domain: letters, digits, . _ and -, and "
		    "no dot at its beginning",
		    name);
}

static void
check_join(
    const struct yaml_node *join, const struct agent_domain *d, struct complaints *c)
{
	struct token token;
	uint8_t pin[TRUST_PIN_LEN];

	if (d->join.token && d->join.token_file)
		yaml_complain(c, yaml_get(join, "token-file"),
		    "stands beside token; give one of them");
	if (d->join.token && token_parse(d->join.token, &token) < 0)
		yaml_complain(c, yaml_get(join, "token"),
		    "is no token such as \"fogctl token create\" prints"); /* S-29 */
	if (d->join.ca_pin && token_pin_parse(d->join.ca_pin, pin) < 0)
		yaml_complain(c, yaml_get(join, "ca-pin"),
		    "\"%s\" is no pin of 26 letters and digits", d->join.ca_pin);
	secret_wipe(&token, sizeof token);
}

/* section: the mapping that has the domain's options. */
static void
check_domain(
    const struct yaml_node *section, struct agent_domain *d, struct complaints *c)
{
	if (!d->name && !(d->name = strdup("")))
		complain(c, NULL, 0, 0, "domain", "no memory");
	if (d->name && *d->name)
		check_name(yaml_get(section, "domain"), d->name, c);
	check_controllers(yaml_get(section, "controllers"), c);
	check_join(yaml_get(section, "join"), d, c);
}

static void
check_unlike(const struct yaml_node *section, const struct agent_config *cfg,
    const struct agent_domain *d, struct complaints *c)
{
	for (const struct agent_domain *other = cfg->domain; other < d; other++) {
		if (d->name && other->name && !strcmp(d->name, other->name))
			yaml_complain(c, yaml_get(section, "domain"), "comes twice");
		if (d->port == other->port)
			yaml_complain(c, yaml_get(section, "port"),
			    "is that of another domain; each has its own");
	}
}

static void
take_domain(
    const struct yaml_node *section, struct agent_config *cfg, struct complaints *c)
{
	struct agent_domain *d = &cfg->domain[cfg->domains];

	if (cfg->domains == AGENT_DOMAINS_MAX) {
		yaml_complain(c, section, "more than %d domains", AGENT_DOMAINS_MAX);
		return;
	}
	cfg->domains++;
	if (section->kind != YAML_MAPPING) {
		yaml_complain(c, section, "must be a mapping with domain and port");
		return;
	}
	if (conf_load(domain_options, ARRAY_LEN(domain_options), section, c, d) < 0)
		return;
	if (!d->name || !*d->name)
		yaml_complain(c, section, "has no domain: say its name");
	if (!d->port)
		yaml_complain(c, section, "has no port: say one that is free");
	check_domain(section, d, c);
	if (d->name && *d->name && d->port)
		check_unlike(section, cfg, d, c);
}

static void
take_domains(const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *list = yaml_get(root, "domains");

	cfg->domains = 1;
	cfg->domain[0].port = cfg->grasp.port;
	check_domain(root, &cfg->domain[0], c);
	if (list && !yaml_is_null(list) && list->kind != YAML_SEQUENCE)
		yaml_complain(c, list, "must be a list");
	else
		YAML_EACH(section, list)
	take_domain(section, cfg, c);
}

/* Scopes and position are the node's, and the same in all domains. */
static void
make_attributes(
    const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	const struct yaml_node *section = grasp_conf_at(root, "domains");
	struct agent_domain *first = &cfg->domain[0];

	grasp_conf_scope(grasp_conf_at(root, "scopes"), true, c, first->attributes);
	add_position(root, cfg, c);
	section = section ? section->first : NULL;
	for (size_t i = 1; i < cfg->domains && section; i++, section = section->next) {
		strcpy(cfg->domain[i].attributes, first->attributes);
		add_domain(yaml_get(section, "domain"), section, &cfg->grasp,
		    &cfg->domain[i], c);
	}
	add_domain(grasp_conf_at(root, "domain"),
	    grasp_conf_at(root, "grasp.combinations"), &cfg->grasp, first, c);
}

/* --- the whole ---------------------------------------------------------------------------- */
static void
check(const struct yaml_node *root, struct agent_config *cfg, struct complaints *c)
{
	check_texts(root, cfg, c);
	check_tags(root, cfg, c);
	check_devices(root, cfg, c);
	check_gpsd(root, cfg, c);
	check_paths(root, cfg, c);
	grasp_conf_check(root, FOG_PREFIX_MAX, &cfg->grasp, c);
	take_domains(root, cfg, c);
	plugin_config_load(cfg->plugin_list, c, &cfg->plugin, &cfg->plugins_len);
	rule_config_load(cfg->rule_list, c, &cfg->rule, &cfg->rules_len);
	if (!c->errors)
		make_attributes(root, cfg, c);
}

/* --- load ------------------------------------------------------------------------------- */
int
agent_config_load(const char *path, struct complaints *c, struct agent_config *ret)
{
	int err = 0;

	memset(ret, 0, sizeof *ret);
	if (path || access(AGENT_CONFIG_PATH, F_OK) == 0) {
		err = yaml_load(path ? path : AGENT_CONFIG_PATH, c, &ret->doc);
		if (err < 0 && err != -EBADMSG && !c->errors)
			complain(c, path ? path : AGENT_CONFIG_PATH, 0, 0, NULL, "%s",
			    strerror(-err));
		if (err < 0)
			return err;
	}
	const struct yaml_node *root = ret->doc ? yaml_root(ret->doc) : NULL;
	err = conf_load(agent_options, agent_options_len, root, c, ret);
	if (err < 0)
		return err;
	check(root, ret, c);
	if (!ret->more && !ret->rule_list && !ret->plugin_list)
		yaml_doc_free(TAKE(ret->doc)); /* a tree borrows from it */
	return c->errors ? -EINVAL : 0;
}

void
agent_config_free(struct agent_config *cfg)
{
	for (size_t i = 1; i < cfg->domains; i++)
		conf_free(domain_options, ARRAY_LEN(domain_options), &cfg->domain[i]);
	plugin_config_free(TAKE(cfg->plugin), cfg->plugins_len);
	rule_config_free(TAKE(cfg->rule), cfg->rules_len);
	conf_free(agent_options, agent_options_len, cfg);
	yaml_doc_free(TAKE(cfg->doc));
}

void
agent_config_print(const struct agent_config *cfg, FILE *to)
{
	conf_print(agent_options, agent_options_len, cfg, to);
}

static struct agent_domain *
find_domain(struct agent_config *cfg, const char *name)
{
	for (size_t i = 1; i < cfg->domains; i++)
		if (strcmp(cfg->domain[i].name, name) == 0)
			return &cfg->domain[i];
	return NULL;
}

/* Of the further domains, what may change of the first one too; each is known by its name. */
static void
adopt_domains(struct agent_config *running, struct agent_config *fresh,
    void (*needs_restart)(const char *option))
{
	static const char *const joining[] = { "join.token", "join.token-file",
		"join.ca-pin", NULL };
	bool same = running->domains == fresh->domains;

	for (size_t i = 1; i < running->domains; i++) {
		struct agent_domain *d = &running->domain[i];
		struct agent_domain *to = find_domain(fresh, d->name);

		if (to)
			conf_adopt(domain_options, ARRAY_LEN(domain_options), joining, d,
			    to, needs_restart);
		else
			same = false;
	}
	if (!same)
		needs_restart("domains");
}

void
agent_config_adopt(struct agent_config *running, struct agent_config *fresh,
    void (*needs_restart)(const char *option))
{
	conf_adopt(
	    agent_options, agent_options_len, adoptable, running, fresh, needs_restart);
	adopt_domains(running, fresh, needs_restart);
}

size_t
agent_domain_controllers(
    const struct conf_list *controllers, struct addr *dst, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < controllers->len && len < max; i++)
		if (addr_parse(controllers->item[i], &dst[len]) == 0)
			len++;
		else
			log_warnx("bootstrap",
			    "controller %s: no such interface now, left out",
			    controllers->item[i]);
	return len;
}
