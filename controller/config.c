/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/config.h"

#include "base/log.h"
#include "controller/composites.h"
#include "protocol/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

const struct conf_option controller_options[] = {
	OPTION(domain, "domain", TEXT, "",
	    "Domain that this controller is for; empty: nodes of any domain."),
	OPTION(name, "controller.name", TEXT, NULL,
	    "Name of the controller for people; the host name if not given."),
	OPTION(state_dir, "state-dir", TEXT, LOCALSTATEDIR "/lib/fogwatch-controller",
	    "Where its key, its certificate and its databases are kept."),
	OPTION(ca_dir, "ca-dir", TEXT, LOCALSTATEDIR "/lib/fogwatch-ca",
	    "Where the key of the domain's CA is, which one process alone may read."),
	OPTION(control_socket, "control-socket", TEXT,
	    RUNSTATEDIR "/fogwatch-controller/control", "Unix socket for fogctl."),
	OPTION(user, "user", TEXT, NULL,
	    "User to become when started as root; nobody else if not given."),
	GRASP_CONF_OPTIONS(struct controller_config),
	OPTION(scopes, "grasp.scopes", MAP, NULL,
	    "Which nodes this controller is for: admin, geo, mfr, type, user, circle; "
	    "all "
	    "have to match."),
	OPTION(expressions, "grasp.expressions", LIST, NULL,
	    "More of them, such as \"type=robot;geo=ezjm\": one has to match, or "
	    "grasp.scopes."),
	BOUNDED(links, "grasp.links", INT, "20000", 16, 1000000,
	    "How many links to nodes may be open at once."),
	BOUNDED(certificate_days, "certificates.days", INT, "7", 1, 30,
	    "How many days the certificate of a node is good for."),
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
	OPTION(rules, "rules", TREE, NULL,
	    "Expressions with a name that nodes get with their plans: name, expr and "
	    "unit of each."),
	OPTION(composites, "composites", TREE, NULL,
	    "Expressions over all nodes, computed here: name, expr, interval and unit of "
	    "each."),
	OPTION(default_plan, "default-plan", TREE, NULL,
	    "What every node measures: a list of {expr: …, period: …}."),
	BOUNDED(history.retention_ms, "history.retention", DURATION, "7d", 60000,
	    315360000000.0, "How long the values that nodes report are kept."),
	BOUNDED(history.minutes_ms, "history.minutes", DURATION, "30d", 60000,
	    315360000000.0,
	    "How long minimum, maximum, sum and count of each minute are."),
	BOUNDED(history.hours_ms, "history.hours", DURATION, "730d", 60000,
	    315360000000.0, "How long those of each hour are."),
	BOUNDED(history.bytes, "history.bytes", SIZE, "1GiB", 1048576, 1e15,
	    "How large metrics.db may get: the oldest values go first, then roll-ups."),
	BOUNDED(history.window_ms, "history.window", DURATION, "5m", 30000, 86400000,
	    "How much of each series is in memory as well."),
	BOUNDED(history.flush_ms, "history.flush", DURATION, "10s", 100, 60000,
	    "How long values wait for the disk; reports are accepted when they are "
	    "there."),
	BOUNDED(history.events_ms, "history.events", DURATION, "90d", 60000,
	    315360000000.0,
	    "How long events, ended predictions and ended migrations are kept."),
	CHOICE(log.level, "log.level", "info", levels,
	    "The least important lines to write."),
	OPTION(log.debug, "log.debug", TEXT, NULL,
	    "Areas whose debug lines are written: all, or some of advert,session,plan,…"),
	OPTION(remote_operators, "remote-operators", BOOL, "false",
	    "Let operators with a certificate of the domain in, on the port of GRASP."),
	TRUST_CONF_OPTIONS(struct controller_config),
};
const size_t controller_options_len = ARRAY_LEN(controller_options);

/* What may change without a restart: it is looked at anew each time it is used. */
static const char *const adoptable[] = { "log.level", "log.debug", "history.retention",
	"history.minutes", "history.hours", "history.bytes", "history.window",
	"history.events", NULL };

/* --- what the table cannot say ------------------------------------------------------------------- */
static void
check_name(const struct yaml_node *root, const char *option, const char *text,
    struct complaints *c)
{
	if (text && *text && !conf_is_name(text))
		yaml_complain(c, grasp_conf_at(root, option),
		    "\"%s\" is no name: 1 to 64 characters of A-Z a-z 0-9 . _ : -", text);
}

/* "key:" with nothing behind it. */
static void
check_given(const struct yaml_node *root, const char *option, const char *text,
    struct complaints *c)
{
	if (!text)
		yaml_complain(c, grasp_conf_at(root, option),
		    "has no value; leave the line out for the default");
}

/* One expression more behind those that are there. */
static void
add_expression(
    const struct yaml_node *at, struct controller_config *cfg, struct complaints *c)
{
	char one[GRASP_SCOPE_TEXT_MAX], all[2 * GRASP_SCOPE_TEXT_MAX];

	if (grasp_scope_canonical(at->text, one) < 0 || !*one ||
	    strstr(one, "position=")) {
		yaml_complain(c, at,
		    "\"%s\" is no expression of admin, geo, mfr, type, user and circle "
		    "such as \"geo=ezjm;type=robot\"",
		    at->text);
		return;
	}
	snprintf(all, sizeof all, "%s%s%s", cfg->scope, cfg->scope[0] ? "|" : "", one);
	if (strlen(all) > GRASP_CONF_SCOPE_MAX)
		yaml_complain(c, at, "all expressions together are longer than %d bytes",
		    GRASP_CONF_SCOPE_MAX);
	else
		strcpy(cfg->scope, all);
}

/* grasp.scopes: {admin: Operator1, type: robot} and grasp.expressions: [user=u] become
 * "admin=operator1;type=robot|user=u". */
static void
make_scope(
    const struct yaml_node *root, struct controller_config *cfg, struct complaints *c)
{
	const struct yaml_node *list = grasp_conf_at(root, "grasp.expressions");

	grasp_conf_scope(grasp_conf_at(root, "grasp.scopes"), false, c, cfg->scope);
	YAML_EACH(item, list)
	if (item->text)
		add_expression(item, cfg, c);
}

static void
check_groups(
    const struct yaml_node *root, struct controller_config *cfg, struct complaints *c)
{
	static grasp_groups_f *const lists[] = { grasp_scope_sends, grasp_scope_listens };
	struct grasp_groups groups;
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(lists) && err == 0; i++)
		err = grasp_conf_groups(
		    &cfg->grasp, cfg->domain, cfg->scope, lists[i], &groups);
	if (err < 0)
		yaml_complain(c, grasp_conf_at(root, cfg->scope[0] ? "grasp" : "domain"),
		    "%s %s", cfg->scope[0] ? cfg->scope : cfg->domain,
		    grasp_conf_why(err));
}

static void
check_lease(const struct yaml_node *root, const struct controller_config *cfg,
    struct complaints *c)
{
	if (cfg->registration.lease_ms < 2 * cfg->registration.heartbeat_ms)
		yaml_complain(c, grasp_conf_at(root, "registration"),
		    "a lease shorter than two heartbeats would be lost all the time");
}

static void
check(const struct yaml_node *root, struct controller_config *cfg, struct complaints *c)
{
	check_given(root, "state-dir", cfg->state_dir, c);
	check_given(root, "ca-dir", cfg->ca_dir, c);
	check_given(root, "control-socket", cfg->control_socket, c);
	check_given(root, "services-dir", cfg->services_dir, c);
	check_given(root, "plugin-dir", cfg->plugin_dir, c);
	check_name(root, "domain", cfg->domain, c);
	check_name(root, "controller.name", cfg->name, c);
	grasp_conf_check(root, FOG_PREFIX_MAX, &cfg->grasp, c);
	check_lease(root, cfg, c);
	make_scope(root, cfg, c);
	composites_load(cfg->composites, cfg->rules, cfg->history.window_ms, c,
	    &cfg->composite, &cfg->composites_len);
	if (!c->errors)
		check_groups(root, cfg, c);
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
	rule_config_free(TAKE(cfg->composite), cfg->composites_len);
	conf_free(controller_options, controller_options_len, cfg);
	yaml_doc_free(TAKE(cfg->doc));
}

void
controller_config_print(const struct controller_config *cfg, FILE *to)
{
	conf_print(controller_options, controller_options_len, cfg, to);
}

void
controller_config_adopt(struct controller_config *running,
    struct controller_config *fresh, void (*needs_restart)(const char *option))
{
	conf_adopt(controller_options, controller_options_len, adoptable, running, fresh,
	    needs_restart);
}
