/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/service_int.h"
#include <errno.h>
#include <string.h>

struct location_file {
	struct location l;
	const struct yaml_node *area_at, *circle_at, *within_at;
};
#define LOCATION(member, ...) CONF(struct location_file, member, __VA_ARGS__)
const struct conf_option service_location_options[] = {
	LOCATION(area_at, "area", TREE, NULL, 0, 0,
	    "Corners of an area, as latitude,longitude, in order; it has to be inside."),
	LOCATION(circle_at, "circle", TREE, NULL, 0, 0,
	    "Centre and radius: latitude,longitude,radius; it has to be inside."),
	LOCATION(l.near.node, "near.node", TEXT, NULL, 0, 0,
	    "Near this node, a user's for example, wherever that is;"),
	LOCATION(l.near.function, "near.function", TEXT, NULL, 0, 0,
	    "or near the node of this function of the service."),
	LOCATION(within_at, "near.within", TREE, NULL, 0, 0,
	    "At most so far away, in m or km."),
	LOCATION(l.period_ms, "period", DURATION, "5s", 100, 86400000,
	    "How often the host tells where it is."),
	LOCATION(l.hold_ms, "hold", DURATION, "5s", 0, 86400000,
	    "Being outside counts when it has lasted so long."),
	{ .name = NULL },
};
static const struct service_unit metres[] = { { "m", 1 }, { "km", 1000 }, { NULL, 0 } };

static void
take_corner(struct location *l, const struct yaml_node *n, struct complaints *c)
{
	if (l->corners == SERVICE_CORNERS_MAX)
		yaml_complain(
		    c, n, "an area has at most %d corners", SERVICE_CORNERS_MAX);
	else if (n->kind != YAML_SCALAR ||
	    geo_parse_point(slice_text(n->text), &l->corner[l->corners++]) < 0)
		yaml_complain(c, n, "a corner is latitude,longitude: 40.33,-3.77");
}

static void
take_area(struct location_file *f, struct complaints *c)
{
	unsigned errors = c->errors;

	if (!f->area_at)
		return;
	YAML_EACH(child, f->area_at)
	{
		if (c->errors == errors)
			take_corner(&f->l, child, c);
	}
	if (c->errors == errors && f->l.corners < 3)
		yaml_complain(
		    c, f->area_at, "an area is a list of three corners or more");
}

static void
take_circle(struct location_file *f, struct complaints *c)
{
	const struct yaml_node *n = f->circle_at;

	if (n &&
	    (n->kind != YAML_SCALAR ||
		geo_parse_circle(slice_text(n->text), &f->l.circle) < 0))
		yaml_complain(
		    c, n, "a circle is latitude,longitude,radius: 40.33,-3.77,2km");
}

static void
take_near(struct location_file *f, const struct yaml_node *n, struct complaints *c)
{
	const struct near *near = &f->l.near;
	const struct yaml_node *at = yaml_get(n, "near");

	service_check_name(at, "node", near->node, c);
	service_check_name(at, "function", near->function, c);
	if (near->node && near->function)
		yaml_complain(c, yaml_get(at, "function"),
		    "near says a node or a function, not both");
	else if (!near->node && !near->function && at)
		yaml_complain(c, at, "near says a node or a function");
	else if (at && !f->within_at)
		yaml_complain(c, at, "near needs within, a distance");
	else if (at)
		(void)service_take_quantity(f->within_at, metres, c, &f->l.near.within_m);
}

void
service_take_location(struct function *f, struct complaints *c)
{
	const struct yaml_node *n = f->location_at;
	struct location_file file = { 0 };

	if (!n || yaml_is_null(n))
		return;
	if (n->kind != YAML_MAPPING) {
		yaml_complain(c, n, "must be a mapping with area, circle or near");
		return;
	}
	(void)service_load(service_location_options, n, c, &file);
	take_area(&file, c);
	take_circle(&file, c);
	take_near(&file, n, c);
	if (!file.area_at && !file.circle_at && !yaml_get(n, "near"))
		yaml_complain(c, n, "a location says area, circle or near");
	f->location = malloc(sizeof *f->location);
	if (!f->location) {
		yaml_complain(c, n, "no memory");
		service_release(service_location_options, &file);
		return;
	}
	*f->location = file.l;
}

void
service_free_location(struct location *l)
{
	if (!l)
		return;
	free(l->near.node);
	free(l->near.function);
	free(l);
}
