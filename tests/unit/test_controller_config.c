/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/config.h"

#include "base/daemon.h"
#include "base/log.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *dir, path[200];
static struct controller_config cfg;
static struct complaints wrong;

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/c.yaml", dir);
	complaints_init(&wrong);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	controller_config_free(&cfg);
	complaints_done(&wrong);
	tempdir_remove(dir);
	return 0;
}

static int
load(const char *text)
{
	assert_int_equal(daemon_write_file(path, text, strlen(text)), 0);
	return controller_config_load(path, &wrong, &cfg);
}

static void
expect_complaint(const char *what)
{
	if (!strstr(buf_text(&wrong.text), what))
		fail_msg("%s is not in %s", what, buf_text(&wrong.text));
}

static void
an_empty_file_gives_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_int_equal(cfg.grasp.port, 7017);
	assert_int_equal(cfg.registration.lease_ms, 30000);
	assert_int_equal(cfg.registration.heartbeat_ms, 2000);
	assert_int_equal(cfg.advertisement.period_ms, 10000);
	assert_false(cfg.advertisement.draft);
	assert_false(cfg.insecure.plain_grasp);
	assert_string_equal(cfg.domain, "");
	assert_string_equal(cfg.scope, "");
	assert_null(cfg.hooks);
	assert_int_equal(cfg.grasp.rules.range, GRASP_SCOPE_ADMIN);
}

static void
all_that_is_wrong_is_told_with_line_column_and_key(void **state) /* OPS-06 */
{
	(void)state;
	assert_int_equal(load("domian: x\n"
			      "grasp:\n"
			      "  port: 70000\n"
			      "registration: {lease: soon}\n"),
	    -EINVAL);
	expect_complaint("c.yaml:1:");
	expect_complaint("domian");
	expect_complaint("domain"); /* the nearest name */
	expect_complaint("c.yaml:3:");
	expect_complaint("c.yaml:4:");
	assert_int_equal(wrong.errors, 3);
}

static void
values_that_do_not_go_together_are_told(void **state)
{
	(void)state;
	assert_int_equal(load("domain: a b\n"
			      "grasp:\n"
			      "  objective-prefix: fog\n"
			      "  scopes: {colour: red}\n"
			      "registration: {lease: 5s, heartbeat: 4s}\n"),
	    -EINVAL);
	expect_complaint("\"a b\" is no name");
	expect_complaint("has a colon");
	expect_complaint("c.yaml:4:12: colour: no key of a scope");
	expect_complaint("two heartbeats");
	assert_int_equal(wrong.errors, 4);
}

static void
what_must_have_a_value_cannot_be_emptied(void **state)
{
	(void)state;
	assert_int_equal(load("state-dir:\nservices-dir: ~\nuser:\ndomain:\n"), -EINVAL);
	expect_complaint("c.yaml:1:");
	expect_complaint("c.yaml:2:");
	assert_int_equal(wrong.errors, 2);
}

static void
scopes_become_one_canonical_expression_SC_02(void **state)
{
	(void)state;
	assert_int_equal(load("grasp:\n  scopes: {type: Robot, admin: Operator1}\n"
			      "  scope-range: site\n"),
	    0);
	assert_string_equal(cfg.scope, "admin=operator1;type=robot");
	assert_int_equal(cfg.grasp.rules.range, GRASP_SCOPE_SITE);
}

static void
expressions_are_a_union_SC_01_SCP_06(void **state)
{
	struct grasp_groups send, listen;

	(void)state;
	assert_int_equal(load("domain: op\ngrasp:\n  scopes: {type: Robot}\n"
			      "  expressions: [\"user=u\", \"geo=ezjm\"]\n"),
	    0);
	assert_string_equal(cfg.scope, "type=robot|user=u|geo=ezjm");
	assert_int_equal(
	    grasp_conf_groups(&cfg.grasp, "op", cfg.scope, grasp_scope_sends, &send), 0);
	assert_int_equal(send.len, 3);
	assert_int_equal(
	    grasp_conf_groups(&cfg.grasp, "op", cfg.scope, grasp_scope_listens, &listen),
	    0);
	assert_int_equal(listen.len, 4); /* and admin=op */
}

static void
an_area_can_be_a_circle_SCP_07(void **state)
{
	struct grasp_groups send;

	(void)state;
	assert_int_equal(
	    load("grasp:\n  scopes: {circle: \"40.33,-3.77,2km\", type: robot}\n"), 0);
	assert_string_equal(cfg.scope, "circle=40.33,-3.77,2000;type=robot");
	assert_int_equal(
	    grasp_conf_groups(&cfg.grasp, "", cfg.scope, grasp_scope_sends, &send), 0);
	assert_int_equal(send.len, 4);
}

static void
scopes_that_cannot_be_are_told_with_line_and_key(void **state)
{
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{ "grasp:\n  scopes:\n    circle: 40,200,2km\n",
		    "c.yaml:3:5: circle: \"40,200,2km\" is no circle" },
		{ "grasp: {scopes: {position: \"1,2\"}}\n",
		    "position: no key of a scope" },
		{ "grasp:\n  expressions:\n    - type=a\n    - colour=red\n",
		    "c.yaml:4:7: \"colour=red\" is no expression" },
		{ "grasp: {scopes: {circle: \"0,0,3000km\"}}\n",
		    "an area that is too large" },
		{ "grasp: {expressions: [user=a, user=b, user=c, user=d, user=e, user=f,"
		  " user=g, user=h, user=i, user=j, user=k, user=l, user=m, user=n,"
		  " user=o, user=p, user=q]}\n",
		    "makes more than 16 multicast groups" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		controller_config_free(&cfg);
		complaints_done(&wrong);
		complaints_init(&wrong);
		assert_int_equal(load(cases[i].text), -EINVAL);
		expect_complaint(cases[i].complaint);
	}
}

static void
trees_are_kept_for_those_who_understand_them(void **state)
{
	(void)state;
	assert_int_equal(load("hooks:\n  k3s: {type: exec}\n"
			      "default-plan:\n  - {expr: node_load1, period: 5s}\n"),
	    0);
	assert_non_null(yaml_get(cfg.hooks, "k3s"));
	assert_int_equal(cfg.default_plan->kind, YAML_SEQUENCE);
}

static void
what_is_printed_reads_back(void **state)
{
	struct controller_config again;
	char *text = NULL, *second = NULL;
	size_t len;
	FILE *f;

	(void)state;
	assert_int_equal(
	    load("domain: plant\nlog: {level: debug, debug: 'plan,session'}\n"), 0);
	f = open_memstream(&text, &len);
	controller_config_print(&cfg, f);
	fclose(f);
	assert_int_equal(daemon_write_file(path, text, len), 0);
	assert_int_equal(controller_config_load(path, &wrong, &again), 0);
	f = open_memstream(&second, &len);
	controller_config_print(&again, f);
	fclose(f);
	assert_string_equal(text, second);
	controller_config_free(&again);
	free(text);
	free(second);
}

static char told[200];

static void
tell(const char *option)
{
	strcat(told, option);
	strcat(told, " ");
}

static void
a_reload_takes_what_it_can_and_names_the_rest(void **state)
{
	struct controller_config fresh;
	const char *text = "domain: other\ngrasp: {port: 7018}\nlog: {level: debug}\n"
			   "history: {retention: 1d}\n";

	(void)state;
	told[0] = '\0';
	assert_int_equal(load("domain: plant\n"), 0);
	assert_int_equal(daemon_write_file(path, text, strlen(text)), 0);
	assert_int_equal(controller_config_load(path, &wrong, &fresh), 0);
	controller_config_adopt(&cfg, &fresh, tell);
	assert_string_equal(told, "domain grasp.port ");
	assert_int_equal(cfg.log.level, LOG_LEVEL_DEBUG);
	assert_int_equal(cfg.history.retention_ms, 86400000);
	assert_string_equal(cfg.domain, "plant");
	controller_config_free(&fresh);
}

static void
a_file_that_is_not_there_is_told(void **state)
{
	(void)state;
	snprintf(path, sizeof path, "%s/none.yaml", dir);
	assert_int_equal(controller_config_load(path, &wrong, &cfg), -ENOENT);
	expect_complaint("none.yaml");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_empty_file_gives_the_defaults),
		CASE(all_that_is_wrong_is_told_with_line_column_and_key),
		CASE(values_that_do_not_go_together_are_told),
		CASE(what_must_have_a_value_cannot_be_emptied),
		CASE(scopes_become_one_canonical_expression_SC_02),
		CASE(expressions_are_a_union_SC_01_SCP_06),
		CASE(an_area_can_be_a_circle_SCP_07),
		CASE(scopes_that_cannot_be_are_told_with_line_and_key),
		CASE(trees_are_kept_for_those_who_understand_them),
		CASE(what_is_printed_reads_back),
		CASE(a_reload_takes_what_it_can_and_names_the_rest),
		CASE(a_file_that_is_not_there_is_told),
	};

	log_open("test_controller_config", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
