/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/exporter.h"
#include "metrics/expr.h"
#include "metrics/expr_program.h"
#include "metrics/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* node_load1 and node_network_up{device="e0"}: the name is in it. */
static bool
has_name(const char *expression)
{
	char name[METRIC_NAME_MAX + 1];
	size_t len = strcspn(expression, "{");

	if (len >= sizeof name)
		return false;
	snprintf(name, sizeof name, "%.*s", (int)len, expression);
	return expr_name_ok(name, true) &&
	    (!expression[len] || expression[strlen(expression) - 1] == '}');
}

/* "NAME=EXPR": what stands behind the name; NULL: there is none. */
static const char *
skip_name(const char *text, char name[METRIC_NAME_MAX + 1])
{
	size_t len = strcspn(text, "=");

	if (!text[len] || len > METRIC_NAME_MAX || text[len + 1] == '=' ||
	    text[len + 1] == '~')
		return NULL;
	snprintf(name, METRIC_NAME_MAX + 1, "%.*s", (int)len, text);
	return expr_name_ok(name, true) ? text + len + 1 : NULL;
}

static int
check(const char *expression, bool named, char *err, size_t err_size)
{
	char pattern[LIST_PATTERN_MAX + 1];
	uint8_t memory[EXPR_PROGRAM_MAX];
	struct buf program;
	int list = list_parse(expression, pattern, err, err_size);

	if (list > 0 && named) {
		snprintf(err, err_size, "a list of metrics cannot have one name");
		return -EINVAL;
	}
	if (list)
		return list < 0 ? list : 0;
	buf_init_fixed(&program, memory, sizeof memory);
	if (expr_parse(expression, &program, err, err_size))
		return -EINVAL;
	if (named || has_name(expression))
		return 0;
	snprintf(
	    err, err_size, "what is computed needs a name: some_name=%s", expression);
	return -EINVAL;
}

int
exporter_match_add(
    struct exporter_matches *m, const char *text, char *err, size_t err_size)
{
	char name[METRIC_NAME_MAX + 1];
	const char *expression = skip_name(text, name);
	struct exporter_match *to = &m->match[m->len];
	int rc;

	if (m->len == EXPORTER_MATCHES_MAX) {
		snprintf(err, err_size, "there are %d already", EXPORTER_MATCHES_MAX);
		return -ENOSPC;
	}
	rc = check(expression ? expression : text, expression, err, err_size);
	if (rc)
		return rc;
	*to = (struct exporter_match){ .name = expression ? strdup(name) : NULL,
		.expression = strdup(expression ? expression : text) };
	m->len++;
	return to->expression && (!expression || to->name) ? 0 : -ENOMEM;
}

void
exporter_matches_done(struct exporter_matches *m)
{
	while (m->len) {
		free(m->match[--m->len].name);
		free(m->match[m->len].expression);
	}
}
