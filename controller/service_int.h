/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside service*.c: the document and its functions (service.c), what each level under them reads, and
 * the checks they share. Complaints say everything that is wrong; nobody stops at the first. */
#pragma once
#include "controller/service.h"

/* By a table that ends with name NULL; ret as for conf_load(), -EINVAL with complaints. */
int service_load(const struct conf_option *table, const struct yaml_node *n,
    struct complaints *c, void *ret);
void service_release(const struct conf_option *table, void *values);
void service_check_name(
    const struct yaml_node *n, const char *key, const char *text, struct complaints *c);
/* A number with a unit behind it, "300m", "2.5Mbit", in the base unit. names and factors: as many as
 * there are, NULL ends; the first one stands for none. False with a complaint. */
struct service_unit {
	const char *name;
	double factor;
};
bool service_take_quantity(const struct yaml_node *n, const struct service_unit *units,
    struct complaints *c, double *ret);

/* service_requirement.c: a list of mappings into f->requirement. */
void service_take_requirements(struct function *f, struct complaints *c);
void service_free_requirement(struct requirement *r);
/* service_class.c: what kind of a thing it measures, and which values it may have, as far as nobody
 * has said so (class_given, low < high). */
void service_classify(struct requirement *r, bool class_given);
/* service_location.c: f->location from f->location_at. */
void service_take_location(struct function *f, struct complaints *c);
void service_free_location(struct location *l);
/* service_link.c: s->link from s->links_at once the functions are known; without any, a chain. */
void service_take_links(struct service *s, struct complaints *c);
void service_free_links(struct service *s);
