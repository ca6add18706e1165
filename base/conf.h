/* SPDX-License-Identifier: Apache-2.0
 *
 * Option tables. One row an option: where it stands in the file ("registration.lease"), its
 * type, default, bounds, unit and help. From the table come parsing with complaints, the
 * canonical print of -nv, `fogctl show config` and the test that manual and table agree.
 *
 *	static const struct conf_option options[] = {
 *		CONF(struct agent_config, lease_ms, "registration.lease", DURATION, "30s",
 *		    4000, 3600000, "How long the controller may hear nothing."),
 *	};
 *
 * The values live in a plain struct; conf_free() releases its texts and lists. */
#pragma once
#include "base/yaml.h"

enum conf_type {
	CONF_BOOL,     /* bool */
	CONF_INT,      /* int64_t, bounded by min and max */
	CONF_REAL,     /* double */
	CONF_DURATION, /* int64_t ms; "250ms", "5m"; bounds in ms */
	CONF_SIZE,     /* int64_t bytes; "64KiB", "16MiB"; bounds in bytes */
	CONF_TEXT,     /* char *, NULL when there is no default */
	CONF_SECRET, /* char *, as CONF_TEXT; never printed, wiped when it is freed (S-29) */
	CONF_CHOICE, /* int, index into choices */
	CONF_LIST,   /* struct conf_list: scalars */
	CONF_MAP,    /* struct conf_map: scalar to scalar */
	CONF_TREE,   /* const struct yaml_node *, for the caller; NULL when missing */
};

struct conf_list {
	char **item;
	size_t len;
};
struct conf_map {
	char **key, **value;
	size_t len;
};

struct conf_option {
	const char *name; /* dotted path */
	enum conf_type type;
	size_t offset;
	const char *preset; /* default as it would stand in the file; NULL: none */
	double min, max;    /* of numbers; both 0: any */
	const char *const *choices; /* CONF_CHOICE: NULL-terminated */
	const char *help;
};

#define CONF(type_, member_, name_, kind_, preset_, min_, max_, help_)                   \
	{                                                                                \
		.name = name_, .type = CONF_##kind_, .offset = offsetof(type_, member_), \
		.preset = preset_, .min = min_, .max = max_, .help = help_,              \
	}

/* Fills *ret from the defaults and then from the tree (NULL: defaults only). Unknown keys are
 * errors with the nearest known name. Returns 0, or -EINVAL with complaints; *ret is then still
 * to be freed. A CONF_TREE value borrows from the document, which must outlive it. */
int conf_load(const struct conf_option *table, size_t len, const struct yaml_node *root,
    struct complaints *c, void *ret) MUST_CHECK;
void conf_free(const struct conf_option *table, size_t len, void *config);
/* Canonical YAML, every option with its value; reads back to the same values, but for trees and
 * secrets, of which a comment says whether they are given. */
void
conf_print(const struct conf_option *table, size_t len, const void *config, FILE *to);
/* A reload: what has changed and is listed (up to NULL) is exchanged between the two; what has
 * changed and is not, is told. Trees are compared by their place, not by what is in them. */
void conf_adopt(const struct conf_option *table, size_t len, const char *const *adoptable,
    void *running, void *fresh, void (*needs_restart)(const char *option));
const char *conf_map_get(const struct conf_map *map, const char *key); /* NULL: none */
bool conf_list_has(const struct conf_list *list, const char *item);
/* Single values by the same rules, for hand-walked trees. False and a complaint if wrong. */
bool conf_take_duration(const struct yaml_node *n, struct complaints *c, int64_t *ret_ms);
bool conf_take_real(const struct yaml_node *n, struct complaints *c, double *ret);
bool conf_take_int(const struct yaml_node *n, struct complaints *c, int64_t min,
    int64_t max, int64_t *ret);
bool conf_take_size(const struct yaml_node *n, struct complaints *c, int64_t *ret);
bool conf_take_bool(const struct yaml_node *n, struct complaints *c, bool *ret);
/* A name by the field's rule: [A-Za-z0-9._:-]{1,64}, on bytes. */
bool conf_take_name(const struct yaml_node *n, struct complaints *c, const char **ret);
bool conf_is_name(const char *text);
