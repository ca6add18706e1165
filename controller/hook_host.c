/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/hook_call.h"
#include "controller/store.h"
#include "grasp/io.h"
#include "orchestrator-hooks/http_provider.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_MAX (256 * 1024)

int64_t
hooks_now(const struct hooks *h)
{
	return grasp_io_now(h->env.io);
}

/* --- instances ---------------------------------------------------------------------------------- */

struct host_options { /* what the host reads of an instance itself */
	char *type;
	struct conf_list events;
	bool services;
	int64_t patience_ms;
	const struct yaml_node *http;
};
const struct conf_option hook_host_options[] = {
	CONF(struct host_options, type, "type", TEXT, NULL, 0, 0,
	    "The kind of hook: built in, or a plug-in of that name."),
	CONF(struct host_options, events, "events", LIST, NULL, 0, 0,
	    "The kinds of events that it is told; all for all of them. None given: as "
	    "its type "
	    "has it."),
	CONF(struct host_options, services, "services", BOOL, "no", 0, 0,
	    "It may add, change and withdraw services."),
	CONF(struct host_options, patience_ms, "patience", DURATION, "5m", 1000, 86400000,
	    "How long it is offered an event that it does not take, before the operator "
	    "is "
	    "told."),
	CONF(struct host_options, http, "http", TREE, NULL, 0, 0,
	    "The server that a plug-in asks: options of the module http."),
	{ .name = NULL },
};
#define HOST_OPTIONS (ARRAY_LEN(hook_host_options) - 1)

static bool
is_host_option(const char *key)
{
	for (size_t i = 0; i < HOST_OPTIONS; i++)
		if (!strcmp(hook_host_options[i].name, key))
			return true;
	return false;
}

#define CHILDREN_MAX 64
struct selection { /* some children of a mapping */
	struct yaml_node map, child[CHILDREN_MAX];
};

static void
select_options(const struct yaml_node *n, bool hosts, struct selection *ret)
{
	size_t len = 0;

	ret->map = *n;
	ret->map.first = NULL;
	YAML_EACH(child, n)
	{
		if (is_host_option(child->key) != hosts || len == CHILDREN_MAX)
			continue;
		ret->child[len] = *child;
		ret->child[len].next = NULL;
		if (len)
			ret->child[len - 1].next = &ret->child[len];
		ret->map.first = ret->child;
		len++;
	}
}

static bool
take_kind(struct hook_instance *i, const char *word)
{
	enum hook_kind k = hook_kind_find(word);

	if (!strcmp(word, "all"))
		i->kinds = HOOK_KINDS_ALL;
	else if (*word && k)
		i->kinds |= HOOK_KIND_BIT(k);
	else
		return false;
	return true;
}

static bool
take_kinds(struct hook_instance *i, const struct yaml_node *n,
    const struct conf_list *events, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "events");

	if (!at)
		i->kinds = i->type.kinds ? i->type.kinds : HOOK_KIND_BIT(HOOK_MIGRATE);
	for (size_t k = 0; k < events->len; k++)
		if (!take_kind(i, events->item[k])) {
			yaml_complain(c, at,
			    "%s is no event; they are migrate, node_lost, node_joined, "
			    "service_degraded, connectivity_update, prediction_cleared, "
			    "and all",
			    events->item[k]);
			return false;
		}
	return true;
}

/* ret_http: borrowed from the tree. */
static bool
load_options(struct hook_instance *i, const struct yaml_node *n, struct complaints *c,
    const struct yaml_node **ret_http)
{
	struct host_options o;
	struct selection ours;
	bool good;

	select_options(n, true, &ours);
	good = conf_load(hook_host_options, HOST_OPTIONS, &ours.map, c, &o) == 0;
	good &= take_kinds(i, n, &o.events, c);
	i->may_apply = o.services;
	i->patience_ms = o.patience_ms;
	*ret_http = yaml_get(n, "http");
	conf_free(hook_host_options, HOST_OPTIONS, &o);
	return good;
}

static int
open_plugin(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	char err[512] = "";
	struct selection its;
	struct buf config;
	int rc;

	select_options(n, false, &its);
	buf_init(&config, CONFIG_MAX);
	hook_put_config(&config, &its.map);
	rc = config.err;
	if (!rc)
		rc = i->type.open(&i->host, buf_text(&config), &i->inst, err, sizeof err);
	buf_done(&config);
	if (rc < 0)
		yaml_complain(c, n, "%s", *err ? err : strerror(-rc));
	return rc;
}

static int
open_instance(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *http;
	int rc = 0;

	if (!load_options(i, n, c, &http))
		return -EINVAL;
	hook_entries_fill(i);
	if (http)
		rc = hook_transfer_open(i, http, c);
	hook_entries_fill(i); /* with http now */
	return rc < 0 ? rc : open_plugin(i, n, c);
}

static void
free_instance(struct hook_instance *i)
{
	if (i->http_client)
		i->http->close(i->http_client);
	free(i->name);
	free(i);
}

static bool
make_instance(struct hooks *h, const char *name, const struct hook_type *type,
    struct hook_instance **ret)
{
	struct hook_instance *i = calloc(1, sizeof *i);

	if (!i || !(i->name = strdup(name))) {
		free(i);
		return false;
	}
	i->hooks = h;
	i->moves = (struct hook_budget){ .starts_max = 10, .open_until_ms = -1 };
	i->news =
	    (struct hook_budget){ .starts_max = HOOK_STARTS_MAX, .open_until_ms = -1 };
	memcpy(&i->type, type, type->size < sizeof i->type ? type->size : sizeof i->type);
	*ret = i;
	return true;
}

static void
add_instance(struct hooks *h, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *at = yaml_get(n, "type");
	const struct hook_type *type;
	struct hook_instance *i, **end = &h->instances;

	if (n->kind != YAML_MAPPING || !at) {
		yaml_complain(c, n, "a hook is a mapping with a type");
		return;
	}
	if (!conf_is_name(n->key)) {
		yaml_complain(c, n, "not a name");
		return;
	}
	type = hook_types_find(h, at, c);
	if (!type)
		return;
	if (!make_instance(h, n->key, type, &i)) {
		yaml_complain(c, n, "no memory");
		return;
	}
	if (open_instance(i, n, c) < 0) {
		free_instance(i);
		return;
	}
	while (*end)
		end = &(*end)->next;
	*end = i;
}

int
hooks_new(const struct hooks_env *env, const struct yaml_node *config,
    struct complaints *c, struct hooks **ret)
{
	CLEANUP(hooks_free) struct hooks *h = calloc(1, sizeof *h);
	unsigned errors = c->errors;
	int rc;

	if (!h)
		return -ENOMEM;
	h->env = *env;
	hook_calls_enrol(h);
	rc = hook_posts_open(h);
	if (rc < 0)
		return rc;
	if (!yaml_is_null(config) && config->kind != YAML_MAPPING)
		yaml_complain(c, config, "must be a mapping of names to hooks");
	else if (!yaml_is_null(config))
		YAML_EACH(child, config)
	add_instance(h, child, c);
	if (c->errors > errors)
		return -EINVAL;
	*ret = TAKE(h);
	return 0;
}

void
hooks_free(struct hooks *h)
{
	if (!h)
		return;
	h->closing = true;
	if (h->children || h->transfers || h->waits)
		store_flush(h->env.store); /* they may wait for it */
	hook_calls_free(h);
	hook_transfers_free(h);
	for (struct hook_instance *i = h->instances, *next; i; i = next) {
		next = i->next;
		i->type.close(i->inst);
		free_instance(i);
	}
	hook_children_free(h);
	if (h->posts)
		hook_posts_close(h);
	hook_entries_free(h);
	hook_objects_free(h);
	free(h);
}

struct hook_instance *
hooks_find(struct hooks *h, const char *name)
{
	struct hook_instance *i = h->instances;

	while (i && strcmp(i->name, name))
		i = i->next;
	return i;
}

struct hook_instance *
hooks_first(struct hooks *h)
{
	return h->instances;
}

struct hook_instance *
hooks_next(struct hook_instance *i)
{
	return i->next;
}

const char *
hook_instance_name(const struct hook_instance *i)
{
	return i->name;
}

const struct hook_type *
hook_instance_type(const struct hook_instance *i)
{
	return &i->type;
}

bool
hook_instance_wants(const struct hook_instance *i, enum hook_kind kind)
{
	return i->kinds & HOOK_KIND_BIT(kind);
}

int64_t
hook_instance_patience(const struct hook_instance *i)
{
	return i->patience_ms;
}
