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

/* What is the host's is not told to the plug-in. */
static bool
is_host_option(const char *key)
{
	static const char *const ours[] = { "type", "events", "services", "http" };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (!strcmp(ours[i], key))
			return true;
	return false;
}

static void
put_options(struct buf *out, const struct yaml_node *n)
{
	struct yaml_node copy = { .kind = YAML_MAPPING };
	struct yaml_node rest[64];
	size_t len = 0;

	YAML_EACH(child, n)
	if (!is_host_option(child->key) && len < ARRAY_LEN(rest)) {
		rest[len] = *child;
		rest[len].next = NULL;
		if (len)
			rest[len - 1].next = &rest[len];
		len++;
	}
	copy.first = len ? rest : NULL;
	hook_put_config(out, &copy);
}

static bool
take_kind(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	const char *word = n->kind == YAML_SCALAR ? n->text : "";
	enum hook_kind k = hook_kind_find(word);

	if (*word && !strcmp(word, "all"))
		i->kinds = HOOK_KINDS_ALL;
	else if (*word && k)
		i->kinds |= HOOK_KIND_BIT(k);
	else
		yaml_complain(c, n,
		    "events are migrate, node_lost, node_joined, service_degraded, "
		    "connectivity_update, prediction_cleared, or all");
	return *word && (k || i->kinds == HOOK_KINDS_ALL);
}

static bool
take_kinds(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	bool good = true;

	if (!n) {
		i->kinds = i->type.kinds ? i->type.kinds : HOOK_KIND_BIT(HOOK_MIGRATE);
		return true;
	}
	if (n->kind == YAML_SCALAR)
		return take_kind(i, n, c);
	if (n->kind != YAML_SEQUENCE) {
		yaml_complain(c, n, "events is a list of kinds");
		return false;
	}
	YAML_EACH(child, n)
	good &= take_kind(i, child, c);
	return good;
}

static bool
take_services(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	const char *word = n && n->kind == YAML_SCALAR ? n->text : "";

	if (!n || !strcmp(word, "no") || !strcmp(word, "false"))
		return true;
	i->may_apply = !strcmp(word, "yes") || !strcmp(word, "true");
	if (!i->may_apply)
		yaml_complain(c, n, "must be yes or no");
	return i->may_apply;
}

static int
open_plugin(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	char err[512] = "";
	struct buf config;
	int rc;

	buf_init(&config, CONFIG_MAX);
	put_options(&config, n);
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
	const struct yaml_node *http = yaml_get(n, "http");
	bool good = take_kinds(i, yaml_get(n, "events"), c);
	int rc = 0;

	good &= take_services(i, yaml_get(n, "services"), c);
	hook_entries_fill(i);
	if (good && http)
		rc = hook_transfer_open(i, http, c);
	hook_entries_fill(i); /* with http now */
	if (!good || rc < 0)
		return -EINVAL;
	return open_plugin(i, n, c);
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
	i->open_until_ms = -1;
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
