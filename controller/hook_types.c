/* SPDX-License-Identifier: Apache-2.0
 *
 * Where types of hooks come from: the table of those built in, and shared objects. */
#include "controller/hook_call.h"
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/http_provider.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The members that were there from the first day; later ones may be missing. */
#define TYPE_SIZE_MIN (offsetof(struct hook_type, close) + sizeof(void (*)(void *)))

struct hook_object {
	char *name;
	void *handle;
	struct hook_type type;
	struct hook_object *next;
};

/* --- may it be loaded? ---------------------------------------------------------------------- */

/* Who may write there may do all that the controller may. */
static bool
is_ours_alone(const char *path, char *why, size_t why_len)
{
	struct stat st;

	if (stat(path, &st) < 0)
		snprintf(why, why_len, "%s: %s", path, strerror(errno));
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		snprintf(why, why_len,
		    "%s belongs to user %u; plug-ins are loaded from root alone", path,
		    (unsigned)st.st_uid);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		snprintf(why, why_len,
		    "%s can be written by others (mode %04o); chmod go-w it first", path,
		    (unsigned)st.st_mode & 07777);
	else
		return true;
	return false;
}

static void *
open_object(const char *dir, const char *name, char *why, size_t why_len)
{
	char path[4096];
	void *handle;

	snprintf(path, sizeof path, "%s/%s.so", dir, name);
	if (!is_ours_alone(dir, why, why_len) || !is_ours_alone(path, why, why_len))
		return NULL;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		snprintf(why, why_len, "%s", dlerror());
	return handle;
}

/* --- is it one? ------------------------------------------------------------------------------- */

static bool
check_members(const struct hook_type *t, const char *name, char *why, size_t why_len)
{
	if (t->abi != HOOK_ABI)
		snprintf(why, why_len,
		    "it was built for version %d of the interface, this controller has "
		    "%d",
		    t->abi, HOOK_ABI);
	else if (t->size < TYPE_SIZE_MIN)
		snprintf(why, why_len, "its hook_type has only %zu bytes", t->size);
	else if (!t->name || strcmp(t->name, name))
		snprintf(why, why_len, "it calls itself %s; the file has to be named so",
		    t->name ? t->name : "nothing");
	else if (!t->open || !t->check || !t->start || !t->cancel || !t->close)
		snprintf(why, why_len,
		    "it lacks a callback that every type must have (open, check, start, "
		    "cancel, close)");
	else
		return true;
	return false;
}

/* A newer plug-in has members that we do not know, an older one lacks some: those are 0. */
static void
copy_type(const struct hook_type *from, struct hook_type *to)
{
	*to = (struct hook_type){ 0 };
	memcpy(to, from, from->size < sizeof *to ? from->size : sizeof *to);
	to->size = sizeof *to;
}

static bool
read_type(struct hook_object *o, char *why, size_t why_len)
{
	const struct hook_type *t = dlsym(o->handle, "hook_type");

	if (!t) {
		snprintf(why, why_len, "it does not define hook_type");
		return false;
	}
	if (!check_members(t, o->name, why, why_len))
		return false;
	copy_type(t, &o->type);
	return true;
}

static void
free_object(struct hook_object *o)
{
	if (o->handle)
		dlclose(o->handle);
	free(o->name);
	free(o);
}

static struct hook_object *
load_object(struct hooks *h, const char *name, char *why, size_t why_len)
{
	struct hook_object *o = calloc(1, sizeof *o);

	snprintf(why, why_len, "no memory");
	if (!o || !(o->name = strdup(name))) {
		free(o);
		return NULL;
	}
	o->handle = open_object(h->env.plugin_dir, name, why, why_len);
	if (!o->handle || !read_type(o, why, why_len)) {
		free_object(o);
		return NULL;
	}
	o->next = h->objects;
	h->objects = o;
	return o;
}

static struct hook_object *
find_object(struct hooks *h, const char *name, char *why, size_t why_len)
{
	for (struct hook_object *o = h->objects; o; o = o->next)
		if (!strcmp(o->name, name))
			return o;
	return load_object(h, name, why, why_len);
}

void
hook_objects_free(struct hooks *h)
{
	for (struct hook_object *o = h->objects, *next; o; o = next) {
		next = o->next;
		free_object(o);
	}
	h->objects = NULL;
}

/* --- for the host ------------------------------------------------------------------------------- */

static const struct hook_type *
find_given(const struct hooks *h, const char *name)
{
	for (size_t i = 0; h->env.types && h->env.types[i]; i++)
		if (!strcmp(h->env.types[i]->name, name))
			return h->env.types[i];
	return hook_type_find(name);
}

const struct hook_type *
hook_types_find(struct hooks *h, const struct yaml_node *at, struct complaints *c)
{
	const struct hook_type *given;
	const char *name;
	char why[512];
	struct hook_object *o;

	if (!conf_take_name(at, c, &name))
		return NULL;
	given = find_given(h, name);
	if (given)
		return given;
	if (!h->env.plugin_dir) {
		yaml_complain(c, at, "%s is not built in", name);
		return NULL;
	}
	o = find_object(h, name, why, sizeof why);
	if (o)
		return &o->type;
	yaml_complain(c, at, "%s is not built in, and %s/%s.so is not a plug-in: %s",
	    name, h->env.plugin_dir, name, why);
	return NULL;
}

static const struct hook_http_provider *
load_http(struct hooks *h, char *why, size_t why_len)
{
	const struct hook_http_provider *p;
	struct hook_object *o;

	snprintf(why, why_len, "no plug-ins are loaded here");
	o = h->env.plugin_dir ? find_object(h, "http", why, why_len) : NULL;
	p = o ? dlsym(o->handle, "hook_http") : NULL;
	if (o && (!p || p->abi != HOOK_ABI || p->size < sizeof *p)) {
		snprintf(why, why_len, "http.so is of another version");
		p = NULL;
	}
	return p;
}

const struct hook_http_provider *
hook_types_http(struct hooks *h, const struct yaml_node *at, struct complaints *c)
{
	const struct hook_http_provider *p = h->env.http;
	char why[512] = "";

	if (!p)
		p = load_http(h, why, sizeof why);
	if (!p)
		yaml_complain(c, at, "it needs the module http: %s", why);
	return p;
}
