/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/rule_show.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "metrics/rules.h"

#define ITEM_MAX (64 * 1024)

static void
owner_of(const struct ctl_request *req, char owner[RULE_OWNER_SIZE])
{
	snprintf(owner, RULE_OWNER_SIZE, "operator %s", ctl_who(req));
	utf8_trim(owner);
}

static void
put_rule(struct buf *b, const struct rule_state *s)
{
	struct buf text;

	buf_init(&text, 4 * EXPR_TEXT_MAX);
	expr_print(s->program, &text);
	wr_open_map(b);
	wr_key_text(b, "name", s->name);
	wr_key_text(b, "owner", *s->owner ? s->owner : "configuration");
	wr_key_text(b, "unit", s->unit);
	wr_key_text(b, "expression", text.err ? "" : buf_text(&text));
	if (s->period_ms)
		wr_key_double(b, "period_s", (double)s->period_ms / 1000);
	else
		wr_key_text(b, "period_s", NULL);
	wr_key_int(b, "evaluations", (int64_t)s->evaluations);
	wr_key_int(b, "skipped", (int64_t)s->skipped);
	wr_key_text(b, "unknown", *s->unknown ? s->unknown : NULL);
	wr_close(b);
	buf_done(&text);
}

static void
send_rule(struct ctl_request *req, const struct rule_state *s)
{
	struct buf b;

	buf_init(&b, ITEM_MAX);
	put_rule(&b, s);
	if (!b.err)
		ctl_send(req, buf_slice(&b));
	buf_done(&b);
}

int
rule_list(void *arg, struct ctl_request *req, struct slice args)
{
	const struct agent *a = arg;
	struct rule_state s;

	(void)args;
	for (size_t i = 0; rules_at(a->rules, i, &s); i++)
		send_rule(req, &s);
	ctl_end(req);
	return 0;
}

static void
send_named(const struct agent *a, struct ctl_request *req, const char *name)
{
	struct rule_state s;

	for (size_t i = 0; rules_at(a->rules, i, &s); i++)
		if (!strcmp(s.name, name))
			send_rule(req, &s);
	ctl_end(req);
}

static int
install(struct agent *a, const char *owner, const struct rule_spec *spec,
    const char *text, char why[RULE_WHY_MAX])
{
	struct rule_spec whole = *spec;
	struct buf program;
	int err;

	buf_init(&program, EXPR_PROGRAM_MAX);
	err = expr_parse(text, &program, why, RULE_WHY_MAX);
	whole.program = buf_slice(&program);
	if (err == 0)
		err = rules_install(a->rules, owner, &whole, why);
	buf_done(&program);
	return err;
}

int
rule_add(void *arg, struct ctl_request *req, struct slice args)
{
	struct agent *a = arg;
	char name[METRIC_NAME_MAX + 2], text[EXPR_TEXT_MAX + 1],
	    unit[RULE_UNIT_SIZE] = "";
	char owner[RULE_OWNER_SIZE], why[RULE_WHY_MAX] = "";
	struct rule_spec spec = { .name = name, .unit = unit };
	int err;

	if (!ctl_arg_text(args, "name", name, sizeof name) ||
	    !ctl_arg_text(args, "expression", text, sizeof text)) {
		ctl_fail(req, 2,
		    "rule add needs a name and an expression, such as site:load:avg5m "
		    "\"avg_over_time(node_load1[5m])\"");
		return 0;
	}
	(void)ctl_arg_text(args, "unit", unit, sizeof unit);
	owner_of(req, owner);
	err = install(a, owner, &spec, text, why);
	agent_wake(a);
	if (err < 0)
		ctl_fail(req, 1, "%s", why[0] ? why : strerror(-err));
	else
		send_named(a, req, name);
	return 0;
}

int
rule_remove(void *arg, struct ctl_request *req, struct slice args)
{
	struct agent *a = arg;
	char name[METRIC_NAME_MAX + 2], owner[RULE_OWNER_SIZE], why[RULE_WHY_MAX] = "";
	int err;

	if (!ctl_arg_text(args, "name", name, sizeof name)) {
		ctl_fail(req, 2, "rule remove needs a name");
		return 0;
	}
	owner_of(req, owner);
	err = rules_remove(a->rules, owner, name, why);
	agent_wake(a);
	if (err < 0)
		ctl_fail(req, 1, "%s", why);
	else
		ctl_end(req);
	return 0;
}
