/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/node_labels.h"

#include "controller/judge.h"

#include <string.h>

#define SERVICE	 "service"
#define FUNCTION "function"

static const char *
find_value(const struct node *n, const char *name)
{
	const struct caps *c = n->caps;

	if (strcmp(name, "type") == 0)
		return c->type;
	if (strcmp(name, "vendor") == 0)
		return c->vendor;
	if (strcmp(name, "domain") == 0)
		return n->domain;
	if (strcmp(name, "arch") == 0)
		return c->arch;
	for (unsigned i = 0; i < c->tags; i++)
		if (strcmp(c->tag[i].key, name) == 0)
			return c->tag[i].value;
	return "";
}

/* The series says which node it is of, and that stands. */
static void
add_known(const struct node *n, const char *name, struct metric_labels *to)
{
	const char *value = strcmp(name, "node") == 0 ? "" : find_value(n, name);

	if (*value)
		(void)metric_labels_set(to, name, value);
}

struct placing {
	const struct metric_labels *base;
	bool service, function; /* are asked for */
	struct metric_labels *set;
	unsigned len;
};

static void
add_function(void *arg, const char *service, const char *function)
{
	struct placing *p = arg;
	struct metric_labels *to = &p->set[p->len];

	if (p->len == HISTORY_VARIANTS_MAX)
		return;
	*to = *p->base;
	if (p->service)
		(void)metric_labels_set(to, SERVICE, service);
	if (p->function)
		(void)metric_labels_set(to, FUNCTION, function);
	for (unsigned i = 0; i < p->len; i++)
		if (metric_labels_equal(&p->set[i], to))
			return;
	p->len++;
}

unsigned
node_labels(const struct node *n, const struct judge *j,
    const char (*name)[METRIC_LABEL_NAME_MAX], unsigned names,
    struct metric_labels ret[HISTORY_VARIANTS_MAX])
{
	struct metric_labels base = { 0 };
	struct placing p = { .base = &base, .set = ret };

	for (unsigned i = 0; i < names; i++) {
		p.service |= strcmp(name[i], SERVICE) == 0;
		p.function |= strcmp(name[i], FUNCTION) == 0;
	}
	for (unsigned i = 0; i < names; i++)
		add_known(n, name[i], &base);
	if (p.service || p.function)
		judge_each_function(j, n->name, add_function, &p);
	if (!p.len && base.len)
		ret[p.len++] = base;
	return p.len;
}
