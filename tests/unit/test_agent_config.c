/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config.h"
#include "metrics/rule_config.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static char *dir;
static char path[512];
static struct complaints complaints;
static struct agent_config cfg;

static int
setup(void **state)
{
	(void)state;
	dir = tempdir_new();
	snprintf(path, sizeof path, "%s/agent.yaml", dir);
	complaints_init(&complaints);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	agent_config_free(&cfg);
	complaints_done(&complaints);
	tempdir_remove(dir);
	return 0;
}

static int
load(const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	agent_config_free(&cfg);
	return agent_config_load(path, &complaints, &cfg);
}

/* OPS-02 */
static void
an_empty_file_gives_the_defaults_and_no_confession(void **state)
{
	(void)state;
	assert_int_equal(load(""), 0);
	assert_string_equal(cfg.domain[0].name, "");
	assert_string_equal(cfg.domain[0].attributes, "");
	assert_int_equal(cfg.grasp.port, 7017);
	assert_true(cfg.grasp.link_local);
	assert_int_equal(cfg.history.bytes, 6 * 1024 * 1024);
	assert_int_equal(cfg.grasp.rules.range, GRASP_SCOPE_ADMIN);
	assert_false(cfg.insecure.plain_grasp);
	assert_null(cfg.node.name);
}

static void
scopes_become_canonical_attributes(void **state)
{
	(void)state;
	assert_int_equal(load("scopes: {type: Robot, admin: Operator1}\n"
			      "grasp: {scope-range: organization}\n"),
	    0);
	assert_string_equal(cfg.domain[0].attributes, "admin=operator1;type=robot");
	assert_int_equal(cfg.grasp.rules.range, GRASP_SCOPE_ORGANIZATION);
}

static void
the_domain_and_the_position_are_attributes_too_SC_09_SCP_07(void **state)
{
	(void)state;
	assert_int_equal(load("domain: Operator1\nscopes: {type: robot}\n"
			      "node: {position: \"40.33,-3.76\"}\n"),
	    0);
	assert_string_equal(cfg.domain[0].attributes,
	    "admin=operator1;geo=ezjm6my538uu;position=40.33,-3.76;type=robot");
	assert_int_equal(load("node: {position: ezjm6}\n"), 0);
	assert_string_equal(cfg.domain[0].attributes, "geo=ezjm6");
	assert_int_equal(load("scopes: {geo: ezk}\nnode: {position: ezjm6}\n"), 0);
	assert_string_equal(cfg.domain[0].attributes, "geo=ezk");
}

/* F-07: relay mode and scoped mode, unless one of them is switched off. */
static void
both_ways_of_delivery_are_the_default_F_07_SCP_03(void **state)
{
	struct grasp_groups groups;

	(void)state;
	assert_int_equal(load("domain: op\ngrasp: {groups: [ff05::114]}\n"), 0);
	assert_true(cfg.grasp.link_local);
	assert_int_equal(cfg.grasp.hops, 6);
	assert_int_equal(grasp_conf_groups(&cfg.grasp, "", cfg.domain[0].attributes,
			     grasp_scope_joins, &groups),
	    0);
	assert_int_equal(groups.len, 2);
	assert_int_equal(
	    load("domain: op\ngrasp: {scoped: no, groups: [ff05::114]}\n"), 0);
	assert_int_equal(grasp_conf_groups(&cfg.grasp, "", cfg.domain[0].attributes,
			     grasp_scope_joins, &groups),
	    0);
	assert_int_equal(groups.len, 0);
}

static void
agents_relay_and_help_their_neighbours_unless_told_otherwise_F_10_F_16(void **state)
{
	(void)state;
	assert_int_equal(load("domain: op\n"), 0);
	assert_true(cfg.grasp.relay);
	assert_int_equal(grasp_conf_assist(&cfg.grasp), GRASP_ASSIST_ALWAYS);
	assert_int_equal(grasp_conf_assist_other(&cfg.grasp), GRASP_ASSIST_OTHER_LINK);
	assert_int_equal(load("grasp: {relay: no, neighbour-assist: other-link}\n"), 0);
	assert_false(cfg.grasp.relay);
	assert_int_equal(grasp_conf_assist(&cfg.grasp), GRASP_ASSIST_OTHER_LINK);
	assert_int_equal(load("grasp: {neighbour-assist: off}\n"), 0);
	assert_int_equal(grasp_conf_assist(&cfg.grasp), GRASP_ASSIST_OFF);
	assert_int_equal(grasp_conf_assist_other(&cfg.grasp), GRASP_ASSIST_OFF);
}

/* SC-06 */
static void
a_prefix_and_combinations_shape_the_groups_SC_06_SC_09(void **state)
{
	struct grasp_groups groups;
	char text[INET6_ADDRSTRLEN];

	(void)state;
	assert_int_equal(load("domain: operator1\nscopes: {type: gateway}\n"
			      "grasp: {scope-prefix: \"fd9e:1:2::/48\","
			      " combinations: [type+admin]}\n"),
	    0);
	assert_int_equal(grasp_conf_groups(&cfg.grasp, "", cfg.domain[0].attributes,
			     grasp_scope_joins, &groups),
	    0);
	assert_int_equal(groups.len, 3);
	inet_ntop(AF_INET6, &groups.group[0], text, sizeof text);
	assert_string_equal(text, "ff34:30:fd9e:1:2:0:c013:abc0");
}

#define TOKEN "fog1-00000000-3x3x3x3x3x3x3x3x3x3x3x3x30-00000000000000000000000000"

static void
a_node_may_be_in_several_domains_DOM_01(void **state)
{
	(void)state;
	assert_int_equal(
	    load("domain: factory\nscopes: {type: robot}\ngrasp: {port: 7020}\n"
		 "domains:\n- {domain: city, port: 7018, controllers: [\"[::1]:9\"],\n"
		 "   join: {token: " TOKEN "}}\n"),
	    0);
	assert_int_equal(cfg.domains, 2);
	assert_string_equal(cfg.domain[0].name, "factory");
	assert_int_equal(cfg.domain[0].port, 7020);
	assert_string_equal(cfg.domain[0].attributes, "admin=factory;type=robot");
	assert_string_equal(cfg.domain[1].name, "city");
	assert_int_equal(cfg.domain[1].port, 7018);
	assert_string_equal(cfg.domain[1].attributes, "admin=city;type=robot");
	assert_string_equal(cfg.domain[1].controllers.item[0], "[::1]:9");
	assert_string_equal(cfg.domain[1].join.token, TOKEN);
}

static void
rules_are_presets_with_a_program_each_CMP_05(void **state)
{
	(void)state;
	assert_int_equal(
	    load("rules:\n- {name: \"a:b\", expr: \"2 * node_load1\", unit: x}\n"
		 "- {name: c, expr: \"a:b\"}\n"),
	    0);
	assert_int_equal(cfg.rules_len, 2);
	assert_string_equal(cfg.rule[0].name, "a:b");
	assert_string_equal(cfg.rule[0].unit, "x");
	assert_true(cfg.rule[1].program.len > 0);
}

static char *print(void);

static void
a_token_is_never_shown_S_29(void **state)
{
	(void)state;
	assert_int_equal(load("join: {token: " TOKEN "}\n"), 0);
	assert_string_equal(cfg.domain[0].join.token, TOKEN);
	char *text = print();
	assert_null(strstr(text, "3x3x"));
	free(text);
	assert_int_equal(load("join: {token: fog1-3x3x3x3x}\n"), -EINVAL);
	assert_non_null(strstr(buf_text(&complaints.text), "token: is no token"));
	assert_null(strstr(buf_text(&complaints.text), "3x3x"));
}

static void
what_is_wrong_is_told_with_its_place_SCP_02(void **state)
{
	static const struct {
		const char *text, *complaint;
	} table[] = {
		{ "scopes: {colour: red}\n",
		    "agent.yaml:1:10: colour: no key of a scope: admin, geo" },
		{ "scopes:\n  geo: ezja\n",
		    "agent.yaml:2:3: geo: \"ezja\" is no geohash" },
		{ "scopes: {circle: \"1,2,3km\"}\n", "circle: no key of a scope" },
		{ "scopes: {user: a|b}\n", "has a ; or |: write %3B or %7C" },
		{ "domain: a;b\n",
		    "agent.yaml:1:1: domain: \"a;b\" is no name of a domain" },
		{ "domain: ../up\n", "\"../up\" is no name of a domain" },
		{ "domain: _\n", "\"_\" is no name of a domain" },
		{ "domains: {domain: b}\n", "domains: must be a list" },
		{ "domains: [b]\n", "must be a mapping with domain and port" },
		{ "domains: [{port: 7018}]\n", "has no domain: say its name" },
		{ "domains: [{domain: b}]\n", "has no port: say one that is free" },
		{ "domains:\n- {domain: b, port: 7017}\n",
		    "agent.yaml:2:15: port: is that of another domain" },
		{ "domain: b\ndomains:\n- {domain: b, port: 7018}\n",
		    "agent.yaml:3:4: domain: comes twice" },
		{ "domains:\n- {domain: b, port: 7018, controllers: [nowhere]}\n",
		    "nowhere is no address" },
		{ "domains: [{domain: b, prot: 7018}]\n",
		    "unknown; the nearest known name is port" },
		{ "join: {token: " TOKEN ", token-file: b}\n",
		    "agent.yaml:1:84: token-file: stands beside token" },
		{ "join: {ca-pin: 123}\n", "\"123\" is no pin of 26 letters" },
		{ "node:\n  position: Madrid\n",
		    "agent.yaml:2:3: position: \"Madrid\" is no position" },
		{ "grasp: {scope-prefix: fd00::/65}\n",
		    "agent.yaml:1:9: scope-prefix: \"fd00::/65\" is no unicast prefix" },
		{ "grasp: {combinations: [admin+type, admin+colour]}\n",
		    "\"admin+colour\" is no combination" },
		{ "grasp:\n  groups: [ff04::114, ff02::114]\n",
		    "\"ff02::114\" is no multicast group of scope 4" },
		{ "grasp: {link-local: no, scoped: no}\n",
		    "neither link-local nor scoped" },
		{ "scopes: {admin: a, mfr: m, type: t}\nnode: {position: ezjm6z}\n"
		  "grasp: {combinations: [admin+geo, geo+mfr, geo+type]}\n",
		    "combinations: makes more than 16 multicast groups" },
		{ "grasp:\n  port: 70170\n", "agent.yaml:2:3: port: " },
		{ "grasp: {objective-prefix: example.org}\n",
		    "a private name has a colon" },
		{ "controllers: [nowhere]\n", "nowhere is no address" },
		{ "node: {tags: {x: \"a\\nb\"}}\n", "has a control character" },
		{ "node: {nmae: x}\n", "nmae" },
		{ "domain: [a, b]\n", "agent.yaml:1:1: domain: " },
		{ "domain: "
		  "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\n",
		    "longer than 64 bytes" },
		{ "insecure: {plain_grasp: maybe}\n", "maybe is not true or false" },
		{ "history: {bytes: 1KiB}\n", "bytes: " },
		{ "rules: {a: node_load1}\n",
		    "rules: must be a list of up to 128 rules" },
		{ "rules: [a]\n", "must be a mapping with name and expr" },
		{ "rules: [{expr: node_load1}]\n", "has no name" },
		{ "rules: [{name: a}]\n", "has no expr: say the expression" },
		{ "rules: [{name: 1a, expr: node_load1}]\n",
		    "\"1a\" is no name of a rule: letters, digits, _ and :" },
		{ "rules:\n- {name: a, expr: \"rat(node_load1[5m])\"}\n",
		    "agent.yaml:2:13: expr: \"rat(node_load1[5m])\": column 1: unknown "
		    "function rat (did you mean rate?)" },
		{ "rules: [{name: a, expr: x}, {name: a, expr: y}]\n",
		    "name: comes twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		complaints_done(&complaints);
		complaints_init(&complaints);
		assert_int_equal(load(table[i].text), -EINVAL);
		if (!strstr(buf_text(&complaints.text), table[i].complaint))
			fail_msg("%s: %s", table[i].text, buf_text(&complaints.text));
	}
}

static void
a_file_that_is_not_there_is_an_error_if_it_was_asked_for(void **state)
{
	(void)state;
	assert_int_equal(
	    agent_config_load("/nonexistent/agent.yaml", &complaints, &cfg), -ENOENT);
	assert_int_equal(complaints.errors, 1);
}

static char *
print(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	agent_config_print(&cfg, f);
	fclose(f);
	return text;
}

static void
the_canonical_form_reads_back_to_itself(void **state)
{
	(void)state;
	assert_int_equal(
	    load("node: {name: 'a: b', tags: {k: '2', l: 'yes'}, energy: battery}\n"
		 "domain: 'null'\nscopes: {geo: ezjm}\n"
		 "controllers: ['[2001:db8::1]:7017']\n"
		 "history: {bytes: 128KiB}\nlog: {debug: 'plan,session'}\n"),
	    0);
	char *first = print();
	assert_int_equal(load(first), 0);
	char *second = print();
	assert_string_equal(first, second);
	assert_string_equal(cfg.domain[0].name, "null");
	free(first);
	free(second);
}

static unsigned restarts;
static char last_restart[64];

static void
note_restart(const char *option)
{
	restarts++;
	snprintf(last_restart, sizeof last_restart, "%s", option);
}

static void
a_reload_takes_over_what_can_change_and_tells_the_rest(void **state)
{
	struct agent_config fresh;

	(void)state;
	assert_int_equal(
	    load("node: {vendor: ACME, tags: {a: b}}\ngrasp: {port: 7018}\n"), 0);
	fresh = cfg;
	memset(&cfg, 0, sizeof cfg);
	assert_int_equal(
	    load("node: {vendor: Other, tags: {a: c}}\nlog: {level: debug}\n"), 0);
	agent_config_adopt(&fresh, &cfg, note_restart);
	assert_string_equal(fresh.node.vendor, "Other");
	assert_string_equal(conf_map_get(&fresh.node.tags, "a"), "c");
	assert_int_equal(fresh.log.level, 3);
	assert_int_equal(fresh.grasp.port, 7018);
	assert_int_equal(restarts, 1);
	assert_string_equal(last_restart, "grasp.port");
	agent_config_free(&fresh);
}

static void
a_reload_takes_over_the_tokens_of_all_domains(void **state)
{
	struct agent_config fresh;

	(void)state;
	assert_int_equal(
	    load("domains:\n- {domain: b, port: 7018}\n- {domain: c, port: 7019}\n"), 0);
	fresh = cfg;
	memset(&cfg, 0, sizeof cfg);
	assert_int_equal(load("domains:\n- {domain: c, port: 7019, join: {token: " TOKEN
			      "}}\n- {domain: b, port: 7020}\n"),
	    0);
	restarts = 0;
	agent_config_adopt(&fresh, &cfg, note_restart);
	assert_string_equal(fresh.domain[2].join.token, TOKEN);
	assert_null(fresh.domain[1].join.token);
	assert_int_equal(fresh.domain[1].port, 7018);
	assert_int_equal(restarts, 1);
	assert_string_equal(last_restart, "port");
	agent_config_free(&cfg);
	assert_int_equal(load("domains:\n- {domain: c, port: 7019}\n"), 0);
	restarts = 0;
	agent_config_adopt(&fresh, &cfg, note_restart);
	assert_int_equal(restarts, 1);
	assert_string_equal(last_restart, "domains");
	agent_config_free(&fresh);
}

static void
every_option_has_help_that_is_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < agent_options_len; i++) {
		const char *help = agent_options[i].help;

		assert_non_null(help);
		assert_true(strlen(help) > 10 && help[strlen(help) - 1] == '.');
	}
}

static void
the_sample_is_accepted_and_confesses_nothing(void **state)
{
	(void)state;
	assert_int_equal(
	    agent_config_load(SRCDIR "/examples/agent.yaml", &complaints, &cfg), 0);
	assert_int_equal(complaints.errors + complaints.warnings, 0);
	assert_false(cfg.insecure.plain_grasp);
}

#define CONFIG_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(an_empty_file_gives_the_defaults_and_no_confession),
		CONFIG_TEST(scopes_become_canonical_attributes),
		CONFIG_TEST(the_domain_and_the_position_are_attributes_too_SC_09_SCP_07),
		CONFIG_TEST(both_ways_of_delivery_are_the_default_F_07_SCP_03),
		CONFIG_TEST(
		    agents_relay_and_help_their_neighbours_unless_told_otherwise_F_10_F_16),
		CONFIG_TEST(a_prefix_and_combinations_shape_the_groups_SC_06_SC_09),
		CONFIG_TEST(a_node_may_be_in_several_domains_DOM_01),
		CONFIG_TEST(rules_are_presets_with_a_program_each_CMP_05),
		CONFIG_TEST(a_token_is_never_shown_S_29),
		CONFIG_TEST(what_is_wrong_is_told_with_its_place_SCP_02),
		CONFIG_TEST(a_file_that_is_not_there_is_an_error_if_it_was_asked_for),
		CONFIG_TEST(the_canonical_form_reads_back_to_itself),
		CONFIG_TEST(a_reload_takes_over_what_can_change_and_tells_the_rest),
		CONFIG_TEST(a_reload_takes_over_the_tokens_of_all_domains),
		TEST(every_option_has_help_that_is_a_sentence),
		CONFIG_TEST(the_sample_is_accepted_and_confesses_nothing),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
