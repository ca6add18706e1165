/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/hook_call.h"
#include "base/log.h"
#include "controller/store.h"
#include "grasp/io.h"
#include <dlfcn.h>
#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_MAX (256 * 1024)

struct plugin { /* a loaded object */
	void *handle;
	const struct hook_type *type;
	struct plugin *next;
};

/* --- calls from other threads --------------------------------------------------------------- */

struct post {
	void (*fn)(void *arg);
	void *arg;
	struct post *next;
};
struct posts {
	pthread_mutex_t lock;
	struct post *first, **end;
	ev_async wake;
};

static struct post *
take_posts(struct posts *p)
{
	struct post *all;

	pthread_mutex_lock(&p->lock);
	all = p->first;
	p->first = NULL;
	p->end = &p->first;
	pthread_mutex_unlock(&p->lock);
	return all;
}

static void
run_posts(struct ev_loop *loop, ev_async *wake, int revents)
{
	struct posts *p = container_of(wake, struct posts, wake);

	(void)loop, (void)revents;
	for (struct post *q = take_posts(p), *next; q; q = next) {
		next = q->next;
		q->fn(q->arg);
		free(q);
	}
}

static int
host_post(void *arg, void (*fn)(void *arg), void *fn_arg)
{
	struct hook_instance *i = arg;
	struct posts *p = i->hooks->posts;
	struct post *q = malloc(sizeof *q);

	if (!q)
		return -ENOMEM;
	*q = (struct post){ fn, fn_arg, NULL };
	pthread_mutex_lock(&p->lock);
	*p->end = q;
	p->end = &q->next;
	pthread_mutex_unlock(&p->lock);
	ev_async_send(i->hooks->env.loop, &p->wake);
	return 0;
}

static int
open_posts(struct hooks *h)
{
	struct posts *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	p->end = &p->first;
	ev_async_init(&p->wake, run_posts);
	ev_async_start(h->env.loop, &p->wake);
	ev_unref(h->env.loop); /* alone it keeps no loop alive */
	h->posts = p;
	return 0;
}

static void
close_posts(struct hooks *h)
{
	struct posts *p = h->posts;

	if (!p)
		return;
	for (struct post *q = take_posts(p), *next; q; q = next) {
		next = q->next;
		free(q);
	}
	ev_ref(h->env.loop);
	ev_async_stop(h->env.loop, &p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* --- what an instance is given ---------------------------------------------------------------- */

int64_t
hooks_now(const struct hooks *h)
{
	return grasp_io_now(h->env.io);
}

static void
host_log(void *arg, int level, const char *msg)
{
	const struct hook_instance *i = arg;

	if (level <= 0)
		log_errorx("hook", "%s: %s", i->name, msg);
	else if (level == 1)
		log_warnx("hook", "%s: %s", i->name, msg);
	else if (level == 2)
		log_info("hook", "%s: %s", i->name, msg);
	else
		log_debug("hook", "%s: %s", i->name, msg);
}

static int
host_http(
    struct hook_call *call, const struct hook_http_req *req, hook_http_f *done, void *arg)
{
	(void)call, (void)req, (void)done, (void)arg;
	return -ENOSYS;
}

static void
fill_host(struct hook_instance *i)
{
	i->host = (struct hook_host){ .abi = HOOK_ABI,
		.loop = i->hooks->env.loop,
		.arg = i,
		.log = host_log,
		.progress = hook_call_progress,
		.done = hook_call_done,
		.save = hook_call_save,
		.load = hook_call_load,
		.spawn = hook_child_spawn,
		.kill = hook_child_kill,
		.http = host_http,
		.post = host_post };
}

/* --- types -------------------------------------------------------------------------------------- */

static const char *
find_fault(const struct hook_type *t)
{
	if (!t)
		return "it does not define hook_type";
	if (t->abi != HOOK_ABI)
		return "it was built for another version of the interface";
	if (!t->name || !t->open || !t->check || !t->start || !t->cancel || !t->close)
		return "it lacks a callback that every type must have";
	return NULL;
}

static int
add_plugin(struct hooks *h, void *handle, const struct hook_type *type)
{
	struct plugin *p = malloc(sizeof *p);

	if (!p)
		return -ENOMEM;
	*p = (struct plugin){ handle, type, h->plugins };
	h->plugins = p;
	return 0;
}

static const struct hook_type *
load_plugin(
    struct hooks *h, const char *name, const struct yaml_node *at, struct complaints *c)
{
	char path[4096];
	const struct hook_type *type;
	const char *fault;
	void *handle;

	snprintf(path, sizeof path, "%s/%s.so", h->env.plugin_dir, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		yaml_complain(
		    c, at, "%s is not built in, and not a plug-in: %s", name, dlerror());
		return NULL;
	}
	type = dlsym(handle, "hook_type");
	fault = find_fault(type);
	if (!fault && add_plugin(h, handle, type) == 0)
		return type;
	yaml_complain(c, at, "%s: %s", path, fault ? fault : "no memory");
	dlclose(handle);
	return NULL;
}

static const struct hook_type *
find_type(struct hooks *h, const struct yaml_node *at, struct complaints *c)
{
	const struct hook_type *type;
	const char *name;

	if (!conf_take_name(at, c, &name))
		return NULL;
	type = hook_type_find(name);
	for (size_t i = 0; !type && h->env.types && h->env.types[i]; i++)
		if (!strcmp(h->env.types[i]->name, name))
			type = h->env.types[i];
	for (struct plugin *p = h->plugins; p && !type; p = p->next)
		if (!strcmp(p->type->name, name))
			type = p->type;
	if (type)
		return type;
	if (h->env.plugin_dir)
		return load_plugin(h, name, at, c);
	yaml_complain(c, at, "%s is not built in", name);
	return NULL;
}

/* --- instances ---------------------------------------------------------------------------------- */

/* Without `type`, which is the host's. */
static void
put_options(struct buf *out, const struct yaml_node *n)
{
	struct yaml_node copy = { .kind = YAML_MAPPING };
	struct yaml_node rest[64];
	size_t len = 0;

	YAML_EACH(child, n)
	if (strcmp(child->key, "type") && len < ARRAY_LEN(rest)) {
		rest[len] = *child;
		rest[len].next = NULL;
		if (len)
			rest[len - 1].next = &rest[len];
		len++;
	}
	copy.first = len ? rest : NULL;
	hook_put_config(out, &copy);
}

static int
open_instance(struct hook_instance *i, const struct yaml_node *n, struct complaints *c)
{
	char err[512] = "";
	struct buf config;
	int rc;

	buf_init(&config, CONFIG_MAX);
	put_options(&config, n);
	rc = config.err;
	if (!rc)
		rc =
		    i->type->open(&i->host, buf_text(&config), &i->inst, err, sizeof err);
	buf_done(&config);
	if (rc < 0)
		yaml_complain(c, n, "%s", *err ? err : strerror(-rc));
	return rc;
}

static void
free_instance(struct hook_instance *i)
{
	free(i->name);
	free(i);
}

static void
add_instance(struct hooks *h, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *type = yaml_get(n, "type");
	struct hook_instance *i, **end = &h->instances;

	if (n->kind != YAML_MAPPING || !type) {
		yaml_complain(c, n, "a hook is a mapping with a type");
		return;
	}
	if (!conf_is_name(n->key)) {
		yaml_complain(c, n, "not a name");
		return;
	}
	i = calloc(1, sizeof *i);
	if (!i || !(i->name = strdup(n->key))) {
		yaml_complain(c, n, "no memory");
		free(i);
		return;
	}
	i->hooks = h;
	i->open_until_ms = -1;
	i->type = find_type(h, type, c);
	fill_host(i);
	if (!i->type || open_instance(i, n, c) < 0) {
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
	rc = open_posts(h);
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
	if (h->children)
		store_flush(h->env.store); /* they may wait for it */
	hook_calls_free(h);
	for (struct hook_instance *i = h->instances, *next; i; i = next) {
		next = i->next;
		i->type->close(i->inst);
		free_instance(i);
	}
	hook_children_free(h);
	for (struct plugin *p = h->plugins, *next; p; p = next) {
		next = p->next;
		dlclose(p->handle);
		free(p);
	}
	close_posts(h);
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
	return i->type;
}
