/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/service_int.h"
#include "controller/candidates.h"
#include "protocol/caps.h"
#include <errno.h>
#include <math.h>
#include <string.h>

#define DAY_MS 86400000.0

const struct conf_option service_options[] = {
	CONF(struct service, name, "service", TEXT, NULL, 0, 0,
	    "Name of the service; a service of the same name is replaced."),
	CONF(struct service, description, "description", TEXT, NULL, 0, 0,
	    "A sentence for people."),
	CONF(struct service, hook, "hook", TEXT, NULL, 0, 0,
	    "Which hook of controller.yaml moves the functions; none: events only."),
	CONF(struct service, functions_at, "functions", TREE, NULL, 0, 0,
	    "The functions in the order in which traffic passes them."),
	CONF(struct service, links_at, "links", TREE, NULL, 0, 0,
	    "Who talks to whom; by default each function to the next one."),
	CONF(struct service, objective, "objective", MAP, NULL, 0, 0,
	    "What makes one candidate better than another: weights of the marks."),
	{ .name = NULL },
};

static const char *const migration_words[] = { "overlap", "exclusive", NULL };

#define FUNCTION(member, ...) CONF(struct function, member, __VA_ARGS__)
const struct conf_option service_function_options[] = {
	FUNCTION(name, "name", TEXT, NULL, 0, 0, "Unique in the service."),
	FUNCTION(host, "host", TEXT, NULL, 0, 0,
	    "Node it runs on when the service is first applied; later the placement "
	    "counts."),
	FUNCTION(candidates_at, "candidates", TREE, NULL, 0, 0,
	    "Nodes that may take it over, best first, or any (the default)."),
	FUNCTION(avoid, "avoid", LIST, NULL, 0, 0, "Nodes that never get it."),
	FUNCTION(cpus, "needs.cpus", INT, "0", 0, 65536,
	    "Cores; those of all functions placed on a node must fit together."),
	FUNCTION(memory_bytes, "needs.memory", SIZE, "0", 0, 0x1p50,
	    "Memory; those of all functions placed on a node must fit together."),
	FUNCTION(virtualization, "needs.virtualization", LIST, NULL, 0, 0,
	    "One of these: none, container, kvm, ..."),
	FUNCTION(energy, "needs.energy", LIST, NULL, 0, 0,
	    "One of these: mains, battery, harvesting."),
	FUNCTION(
	    type, "needs.type", LIST, NULL, 0, 0, "One of these: robot, gateway, ..."),
	FUNCTION(radio, "needs.radio", LIST, NULL, 0, 0,
	    "An interface that is up with one of these: wifi6, lte, ..."),
	FUNCTION(storage_bytes, "needs.storage", SIZE, "0", 0, 0x1p50,
	    "Storage; those of all functions placed on a node must fit together."),
	FUNCTION(device, "needs.devices", LIST, NULL, 0, 0,
	    "Devices of the node, all of them: camera, lidar, ..."),
	FUNCTION(tag, "needs.tags", MAP, NULL, 0, 0, "Tags of the node, all of them."),
	FUNCTION(requirements_at, "requirements", TREE, NULL, 0, 0,
	    "What must hold on the node that runs it."),
	FUNCTION(location_at, "location", TREE, NULL, 0, 0, "Where the node has to be."),
	FUNCTION(availability, "availability.probability", REAL, "0", 0, 0.999999,
	    "How likely a candidate has to meet all requirements ...; 0: not asked for."),
	FUNCTION(availability_ms, "availability.horizon", DURATION, "10m", 1000, DAY_MS,
	    "... for so long."),
	{ .name = "migration.class",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct function, class),
	    .preset = "overlap",
	    .choices = migration_words,
	    .help =
		"overlap: old and new may serve together for a while; exclusive: never "
		"two that are active." },
	FUNCTION(stateful, "migration.stateful", BOOL, "no", 0, 0,
	    "Its state has to move with it."),
	FUNCTION(break_ok, "migration.break-ok", BOOL, "no", 0, 0,
	    "It may stop before the new instance is ready."),
	FUNCTION(lead_ms, "migration.lead", DURATION, "30s", 100, DAY_MS,
	    "How long before the predicted failure the function has to begin to move; "
	    "the "
	    "measured duration of past migrations counts when it is longer."),
	FUNCTION(margin_ms, "migration.margin", DURATION, "5s", 0, DAY_MS,
	    "On top of what past migrations took."),
	FUNCTION(deadline_ms, "migration.deadline", DURATION, "60s", 100, DAY_MS,
	    "How long the hook may take."),
	FUNCTION(drain_ms, "migration.drain", DURATION, "200ms", 0, DAY_MS,
	    "How long the old instance is kept after the switch."),
	FUNCTION(cooldown_ms, "migration.cooldown", DURATION, "60s", 0, DAY_MS,
	    "How long it is not moved again, unless its node is lost."),
	FUNCTION(pinned, "migration.pinned", BOOL, "no", 0, 0,
	    "Never moved; predictions become events all the same."),
	FUNCTION(cost, "migration.cost", REAL, "0.1", 0.001, 0.9,
	    "What a needless move costs, as a share of what a break costs: the dearer, "
	    "the "
	    "surer a prediction has to be."),
	FUNCTION(raise, "migration.raise", REAL, "0", 0, 1,
	    "Probability of a failure within the lead from which it moves; 0: by cost."),
	FUNCTION(clear, "migration.clear", REAL, "0.3", 0, 1,
	    "Probability below which a prediction is taken back."),
	FUNCTION(sustain_ms, "migration.sustain", DURATION, "2s", 0, DAY_MS,
	    "How long the probability has to stay above raise."),
	{ .name = NULL },
};

static size_t
count_options(const struct conf_option *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	return n;
}

int
service_load(const struct conf_option *table, const struct yaml_node *n,
    struct complaints *c, void *ret)
{
	return conf_load(table, count_options(table), n, c, ret);
}

void
service_release(const struct conf_option *table, void *values)
{
	conf_free(table, count_options(table), values);
}

void
service_check_name(
    const struct yaml_node *n, const char *key, const char *text, struct complaints *c)
{
	if (text && !conf_is_name(text))
		yaml_complain(c, yaml_get(n, key),
		    "%s is not a name (1 to 64 of letters, digits, . _ : -)", text);
}

bool
service_take_quantity(const struct yaml_node *n, const struct service_unit *units,
    struct complaints *c, double *ret)
{
	char *end = NULL;
	double v = n->kind == YAML_SCALAR ? strtod(n->text, &end) : NAN;

	for (const struct service_unit *u = units; end && end != n->text && u->name; u++)
		if ((!*end || !strcmp(end, u->name)) && isfinite(v) && v > 0) {
			*ret = v * u->factor;
			return true;
		}
	yaml_complain(
	    c, n, "must be a number above 0 with a unit, such as 20%s", units[1].name);
	return false;
}

static const struct yaml_node *
find_path(const struct yaml_node *n, const char *group, const char *key)
{
	return yaml_get(yaml_get(n, group), key);
}

/* --- functions ------------------------------------------------------------------------------- */

static bool
take_candidate(struct function *f, const struct yaml_node *n, struct complaints *c)
{
	const char *name;
	char *copy;

	if (!conf_take_name(n, c, &name))
		return false;
	if (conf_list_has(&f->candidate, name)) {
		yaml_complain(c, n, "%s is listed twice", name);
		return false;
	}
	copy = strdup(name);
	if (!copy) {
		yaml_complain(c, n, "no memory");
		return false;
	}
	f->candidate.item[f->candidate.len++] = copy;
	return true;
}

static void
take_candidates(struct function *f, struct complaints *c)
{
	const struct yaml_node *n = f->candidates_at;

	f->any_candidate = !n || (n->kind == YAML_SCALAR && !strcmp(n->text, "any"));
	if (f->any_candidate)
		return;
	if (n->kind != YAML_SEQUENCE) {
		yaml_complain(c, n, "must be a list of nodes, or any");
		return;
	}
	f->candidate.item = calloc(SERVICE_CANDIDATES_MAX, sizeof *f->candidate.item);
	if (!f->candidate.item) {
		yaml_complain(c, n, "no memory");
		return;
	}
	YAML_EACH(child, n)
	{
		if (f->candidate.len == SERVICE_CANDIDATES_MAX) {
			yaml_complain(c, child,
			    "a function has at most %d candidates; say any",
			    SERVICE_CANDIDATES_MAX);
			return;
		}
		(void)take_candidate(f, child, c);
	}
}

static bool
is_energy(const char *word)
{
	for (int e = CAPS_MAINS; e <= CAPS_HARVESTING; e++)
		if (!strcmp(caps_energy_name((enum caps_energy)e), word))
			return true;
	return false;
}

static void
check_names(const struct conf_list *list, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *at = n ? n->first : NULL;

	for (size_t i = 0; i < list->len && at; i++, at = at->next)
		if (!conf_is_name(list->item[i]))
			yaml_complain(c, at, "%s is not a name", list->item[i]);
}

static void
check_energy(
    const struct conf_list *list, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *at = n ? n->first : NULL;

	for (size_t i = 0; i < list->len && at; i++, at = at->next)
		if (!is_energy(list->item[i]))
			yaml_complain(c, at,
			    "%s is not one of: mains, battery, harvesting",
			    list->item[i]);
}

static void
check_function(const struct function *f, const struct yaml_node *n, struct complaints *c)
{
	if (!f->name)
		yaml_complain(c, n, "a function needs a name");
	service_check_name(n, "name", f->name, c);
	service_check_name(n, "host", f->host, c);
	check_names(&f->avoid, yaml_get(n, "avoid"), c);
	check_energy(&f->energy, find_path(n, "needs", "energy"), c);
	if (f->host && conf_list_has(&f->avoid, f->host))
		yaml_complain(c, yaml_get(n, "avoid"), "%s is the host", f->host);
	for (size_t i = 0; i < f->candidate.len; i++)
		if (conf_list_has(&f->avoid, f->candidate.item[i]))
			yaml_complain(c, yaml_get(n, "avoid"),
			    "%s is a candidate as well", f->candidate.item[i]);
	if (f->raise > 0 && f->clear >= f->raise)
		yaml_complain(c,
		    find_path(n, "migration", f->clear == 0.3 ? "raise" : "clear"),
		    "clear (%g) has to be below raise (%g)", f->clear, f->raise);
}

static void
free_function(struct function *f)
{
	static const struct conf_option list[] = {
		FUNCTION(candidate, "candidates", LIST, NULL, 0, 0, ""),
	};

	for (size_t i = 0; i < f->requirements; i++)
		service_free_requirement(&f->requirement[i]);
	service_free_location(f->location);
	conf_free(list, ARRAY_LEN(list), f);
	service_release(service_function_options, f);
}

static void
take_function(struct service *s, const struct yaml_node *n, struct complaints *c)
{
	struct function *f;

	if (n->kind != YAML_MAPPING) {
		yaml_complain(c, n, "a function is a mapping with a name");
		return;
	}
	if (s->functions == SERVICE_FUNCTIONS_MAX) {
		yaml_complain(
		    c, n, "a service has at most %d functions", SERVICE_FUNCTIONS_MAX);
		return;
	}
	f = &s->function[s->functions++];
	(void)service_load(service_function_options, n, c, f);
	take_candidates(f, c);
	service_take_requirements(f, c);
	service_take_location(f, c);
	check_function(f, n, c);
	f->candidates_at = f->requirements_at = f->location_at = NULL;
	for (size_t i = 0; i + 1 < s->functions; i++)
		if (f->name && s->function[i].name &&
		    !strcmp(f->name, s->function[i].name))
			yaml_complain(c, yaml_get(n, "name"),
			    "%s is the name of another function too", f->name);
}

/* --- services ---------------------------------------------------------------------------------- */

static bool
is_mark(const char *name)
{
	const char *const *mark = candidates_marks();

	while (*mark && strcmp(*mark, name) != 0)
		mark++;
	return *mark;
}

static void
check_objective(const struct service *s, const struct yaml_node *n, struct complaints *c)
{
	const struct yaml_node *at = n ? n->first : NULL;

	for (size_t i = 0; i < s->objective.len && at; i++, at = at->next) {
		double weight;

		if (!is_mark(s->objective.key[i]))
			yaml_complain(c, at,
			    "there is no mark %s; fogctl candidates --explain shows them",
			    s->objective.key[i]);
		if (conf_take_real(at, c, &weight) && !(weight >= 0 && weight <= 1000))
			yaml_complain(c, at, "a weight lies between 0 and 1000");
	}
}

static void
take_service(struct service *s, const struct yaml_node *root, struct complaints *c)
{
	const struct yaml_node *hook = yaml_get(root, "hook");

	(void)service_load(service_options, root, c, s);
	if (!s->name)
		yaml_complain(c, root, "a service needs a name: service: NAME");
	service_check_name(root, "service", s->name, c);
	service_check_name(root, "hook", s->hook, c);
	s->hook_line = hook ? hook->line : 0;
	s->hook_column = hook ? hook->column : 0;
	if (!s->functions_at || s->functions_at->kind != YAML_SEQUENCE ||
	    !s->functions_at->first)
		yaml_complain(c, s->functions_at ? s->functions_at : root,
		    "a service needs a list of functions");
	else
		YAML_EACH(child, s->functions_at)
	take_function(s, child, c);
	service_take_links(s, c);
	check_objective(s, yaml_get(root, "objective"), c);
	s->functions_at = s->links_at = NULL;
}

int
service_parse(
    struct slice yaml, const char *file, struct complaints *c, struct service **ret)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	CLEANUP(service_free) struct service *s = NULL;
	unsigned errors = c->errors;
	int err = yaml_parse(yaml, file, c, &doc);

	if (err < 0)
		return err == -EBADMSG ? -EINVAL : err;
	s = calloc(1, sizeof *s);
	if (!s || !(s->yaml = slice_dup(yaml)))
		return -ENOMEM;
	if (!yaml_root(doc) || yaml_root(doc)->kind != YAML_MAPPING) {
		complain(c, file, 1, 1, NULL,
		    "not a service description: it is not a mapping");
		return -EINVAL;
	}
	take_service(s, yaml_root(doc), c);
	if (c->errors > errors)
		return -EINVAL;
	*ret = TAKE(s);
	return 0;
}

void
service_free(struct service *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->functions; i++)
		free_function(&s->function[i]);
	service_free_links(s);
	service_release(service_options, s);
	free(s->yaml);
	free(s);
}
