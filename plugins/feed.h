/* SPDX-License-Identifier: Apache-2.0
 *
 * What plug-ins share: a map file whose entries say what a value is called and how it is scaled, the
 * lines that are printed, and the loop that waits to be asked (fogwatch-plugins(7)). */
#pragma once
#include "base/conf.h"

/* At the head of an entry of `values`, so that conf tables have the same offsets for all. */
struct feed_value {
	char *name;
	double scale, offset;
	struct conf_map labels;
};
#define FEED_VALUE_OPTIONS                                                                \
	CONF(struct feed_value, name, "name", TEXT, NULL, 0, 0, "Its name."),             \
	    CONF(struct feed_value, scale, "scale", REAL, "1", 0, 0, "What it is "        \
							      "multiplied by."),          \
	    CONF(struct feed_value, offset, "offset", REAL, "0", 0, 0, "What is added."), \
	    CONF(struct feed_value, labels, "labels", MAP, NULL, 0, 0, "Its labels.")

/* Reads a map file of this table; what is wrong with it goes to stderr, with its place. check: what
 * the table cannot say; may be NULL. *ret_doc outlives ret, whose trees borrow from it. */
int feed_load(const char *path, const struct conf_option *table, size_t len, void *ret,
    void (*check)(const struct yaml_node *root, struct complaints *c, void *ret),
    struct yaml_doc **ret_doc) MUST_CHECK;
/* The entries of a list, each of `size` bytes that begin with a feed_value. */
void *feed_load_values(const struct yaml_node *list, const struct conf_option *table,
    size_t len, size_t size, struct complaints *c, size_t *ret_len);
void feed_free_values(void *values, size_t count, size_t size,
    const struct conf_option *table, size_t len);
/* Is it a measurement's or a field's name? Complains if not. */
bool feed_check_name(
    const struct yaml_node *n, const char *name, struct complaints *c);

/* measurement,labels… name=value, scaled; what is not finite is left out. */
void feed_print(const char *measurement, const struct conf_map *common,
    const struct feed_value *v, double raw);
void feed_print_up(const char *measurement, const struct conf_map *common, bool up);
/* Calls answer for each line of stdin, until it ends. Returns an exit code. */
int feed_serve(void (*answer)(void *arg), void *arg);
