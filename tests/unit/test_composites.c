/* SPDX-License-Identifier: Apache-2.0
 *
 * Composites over nodes: their values go into the history beside what they are made of (CMP-09). */
#include "controller/composites.h"

#include "base/log.h"
#include "controller/node_labels.h"
#include "tests/support/history_box.h"
#include "tests/support/program.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const struct fog_id one = { { 1 } }, two = { { 2 } }, three = { { 3 } };
static struct complaints wrong;
static struct yaml_doc *doc;
static struct rule_config *cfg;
static size_t cfg_len;
static struct composites *composites;

static int
load(const char *text, const char *rules)
{
	static struct yaml_doc *other;
	int errors;

	rule_config_free(TAKE(cfg), cfg_len);
	yaml_doc_free(TAKE(doc));
	yaml_doc_free(TAKE(other));
	complaints_done(&wrong);
	complaints_init(&wrong);
	assert_int_equal(yaml_parse(slice_text(text), "c.yaml", &wrong, &doc), 0);
	if (rules)
		assert_int_equal(
		    yaml_parse(slice_text(rules), "c.yaml", &wrong, &other), 0);
	composites_load(yaml_root(doc), other ? yaml_root(other) : NULL, 5 * MINUTE,
	    &wrong, &cfg, &cfg_len);
	errors = (int)wrong.errors;
	yaml_doc_free(TAKE(other));
	return errors;
}

static const char *
tell_unit(void *arg, const char *metric)
{
	(void)arg;
	return composites_unit(composites, metric);
}

/* node1 and node2 are robots, one of which serves twice; node3 is something else. */
static unsigned
label_node(void *arg, const struct fog_id *node,
    const char (*name)[METRIC_LABEL_NAME_MAX], unsigned names,
    struct metric_labels ret[HISTORY_VARIANTS_MAX])
{
	static const char *const services[] = { "video", "audio" };
	unsigned len = 1;

	(void)arg;
	for (unsigned i = 0; i < names; i++)
		if (node->bytes[0] == 1 && !strcmp(name[i], "service"))
			len = 2;
	for (unsigned v = 0; v < len; v++) {
		ret[v].len = 0;
		for (unsigned i = 0; i < names; i++) {
			if (!strcmp(name[i], "type"))
				metric_labels_set(&ret[v], "type",
				    node->bytes[0] == 3 ? "server" : "robot");
			if (!strcmp(name[i], "service") && node->bytes[0] < 3)
				metric_labels_set(&ret[v], "service", services[v]);
		}
	}
	return len;
}

static void
start(struct box *b, const char *text)
{
	const struct history_hints hints = { label_node, tell_unit, NULL };

	if (load(text, NULL))
		fail_msg("%s", buf_text(&wrong.text));
	composites_free(TAKE(composites));
	history_hint(b->history, &hints);
	assert_int_equal(composites_new(b->io, b->history, cfg, cfg_len, &composites), 0);
}

static int
stop(void **state)
{
	composites_free(TAKE(composites));
	rule_config_free(TAKE(cfg), cfg_len);
	cfg_len = 0;
	yaml_doc_free(TAKE(doc));
	complaints_done(&wrong);
	return teardown(state);
}

/* The series of an expression over all nodes; those looked for by the value of a label. */
static size_t
look(struct box *b, const char *text, const char *label, const char *value, double *ret)
{
	struct expr_result r = { 0 };
	size_t len;

	*ret = NAN;
	assert_int_equal(history_eval(b->history, "", program_of(text), wall(b), &r), 0);
	for (size_t i = 0; i < r.len; i++)
		if (!label ||
		    !strcmp(metric_labels_get(&r.value[i].labels, label), value))
			*ret = r.value[i].value;
	len = r.len;
	expr_result_done(&r);
	return len;
}

static void
expect(struct box *b, const char *text, const char *label, const char *value, size_t len,
    double number)
{
	double got;
	size_t n = look(b, text, label, value, &got);

	if (n != len || !(fabs(got - number) < 1e-12))
		fail_msg("%s of %s: %zu series, %g", text, label ? value : "all", n, got);
}

static void
put_all(struct box *b)
{
	put(b, &one, "load", wall(b), 1);
	put(b, &two, "load", wall(b), 3);
	put(b, &three, "load", wall(b), 8);
}

/* --- values ---------------------------------------------------------------------------------------- */
static void
a_composite_has_one_value_of_all_nodes_and_a_name_CMP_09(void **state)
{
	struct box *b = *state;
	double value;

	start(b,
	    "- {name: site:worst, expr: max(load), interval: 1s}\n"
	    "- {name: site:mean, expr: avg(load), interval: 2s, unit: tasks}\n"
	    "- {name: site:room, expr: 10 - site:worst, interval: 1s}\n");
	put_all(b);
	fake_run(b->net, 2000);
	expect(b, "site:worst", NULL, NULL, 1, 8);
	expect(b, "site:mean", NULL, NULL, 1, 4);
	expect(b, "2 * site:room", NULL, NULL, 1, 4);
	expect(b, "site:worst", "node", "", 1, 8); /* of no node */
	expect(b, "avg(load)", NULL, NULL, 1, 4);
	assert_string_equal(composites_unit(composites, "site:mean"), "tasks");
	assert_null(composites_unit(composites, "load"));
	put(b, &three, "load", wall(b), 20);
	fake_run(b->net, 1000);
	expect(b, "max_over_time(site:worst[1m])", NULL, NULL, 1, 20);
	expect(b, "count_over_time(site:worst[1m])", NULL, NULL, 1, 3);
	assert_int_equal(look(b, "site:none", NULL, NULL, &value), 0);
}

static void
without_data_a_composite_is_unknown_CMP_08(void **state)
{
	struct box *b = *state;
	double value;

	start(b, "- {name: site:worst, expr: max(load), interval: 1s}\n");
	fake_run(b->net, 3000);
	assert_int_equal(look(b, "site:worst", NULL, NULL, &value), 0);
	put_all(b);
	fake_run(b->net, 2000);
	assert_int_equal(look(b, "site:worst", NULL, NULL, &value), 1);
	put(b, &one, "load", wall(b), NAN);
	put(b, &two, "load", wall(b), NAN);
	put(b, &three, "load", wall(b), NAN);
	fake_run(b->net, 2000);
	assert_int_equal(look(b, "site:worst", NULL, NULL, &value), 0);
	put(b, &two, "load", wall(b), 0);
	fake_run(b->net, 1000);
	expect(b, "site:worst", NULL, NULL, 1, 0);
}

static void
nodes_are_grouped_by_what_is_known_of_them_CMP_09(void **state)
{
	struct box *b = *state;
	double value;

	start(b,
	    "- {name: site:by_type, expr: avg by (type) (load), interval: 1s}\n"
	    "- {name: site:video, expr: 'max(load{service=\"video\"})', interval: "
	    "1s}\n");
	put_all(b);
	fake_run(b->net, 1000);
	expect(b, "site:by_type", "type", "robot", 2, 2);
	expect(b, "site:by_type", "type", "server", 2, 8);
	expect(b, "site:video", NULL, NULL, 1, 3);
	expect(b, "max by (service) (load)", "service", "audio", 3, 1);
	expect(b, "sum(load{type=\"robot\"})", NULL, NULL, 1, 4);
	assert_int_equal(look(b, "load", "type", "robot", &value), 3);
	assert_true(isnan(value)); /* what it does not name is not there */
}

static void
composites_survive_a_restart_under_their_name(void **state)
{
	struct box *b = *state;

	start(b, "- {name: site:worst, expr: max(load), interval: 1s}\n");
	put_all(b);
	run(b, 3000);
	history_flush(b->history);
	store_flush(b->store);
	composites_free(TAKE(composites));
	reopen(b);
	start(b, "- {name: site:worst, expr: max(load), interval: 1s}\n");
	put_all(b);
	fake_run(b->net, 1000);
	expect(b, "site:worst", "node", "", 1, 8);
}

static void
more_nodes_than_series_of_a_node_may_be_are_seen_CMP_09(void **state)
{
	struct box *b = *state;
	double value;

	start(b,
	    "- {name: site:sum, expr: sum(load), interval: 1s}\n"
	    "- {name: site:each, expr: 2 * load, interval: 1s}\n");
	for (unsigned i = 0; i < 300; i++) {
		const struct fog_id id = { { (uint8_t)(i & 255), (uint8_t)(i >> 8), 9 } };
		char name[16];
		struct history_series *s;

		snprintf(name, sizeof name, "n%u", i);
		s = history_ensure(b->history, &id, name, "load", NULL);
		assert_non_null(s);
		history_put(b->history, s, wall(b), 1);
	}
	fake_run(b->net, 1000);
	expect(b, "site:sum", NULL, NULL, 1, 300);
	assert_int_equal(look(b, "site:each", NULL, NULL, &value), 0); /* S-22 */
}

/* --- labels ---------------------------------------------------------------------------------------- */
static void
type_vendor_and_tags_of_a_node_are_labels_when_named_CMP_09(void **state)
{
	static const char names[][METRIC_LABEL_NAME_MAX] = { "type", "room", "node",
		"device" };
	struct metric_labels labels[HISTORY_VARIANTS_MAX];
	struct caps *caps = calloc(1, sizeof *caps);
	struct node n = { .caps = caps };

	(void)state;
	assert_non_null(caps);
	strcpy(caps->type, "robot");
	strcpy(caps->vendor, "acme");
	strcpy(caps->tag[0].key, "room");
	strcpy(caps->tag[0].value, "1.17");
	caps->tags = 1;
	assert_int_equal(node_labels(&n, NULL, names, ARRAY_LEN(names), labels), 1);
	assert_int_equal(labels[0].len, 2);
	assert_string_equal(metric_labels_get(&labels[0], "type"), "robot");
	assert_string_equal(metric_labels_get(&labels[0], "room"), "1.17");
	assert_int_equal(node_labels(&n, NULL, names + 2, 2, labels), 0);
	free(caps);
}

/* --- what is configured ---------------------------------------------------------------------------- */
static void
what_cannot_be_a_composite_is_told_with_line_and_key_OPS_06(void **state)
{
	static const struct {
		const char *text, *complaint;
	} table[] = {
		{ "- {name: a, expr: load}\n- {expr: load}\n", "c.yaml:2:" },
		{ "- {name: a, expr: load, intervall: 1s}\n", "intervall" },
		{ "- name: a\n  expr: load\n  interval: 10ms\n", "c.yaml:3:" },
		{ "- {name: a, expr: load, interval: 1h}\n", "interval" },
		{ "- {name: a}\n", "has no expr" },
		{ "- name: a\n  expr: max(load\n", "c.yaml:2:" },
		{ "- {name: 1a, expr: load}\n", "1a" },
		{ "- {name: a, expr: load}\n- {name: a, expr: load}\n", "comes twice" },
		{ "- {name: node_load1, expr: load}\n",
		    "node_load1 is a metric already" },
		{ "- {name: a, expr: b}\n- {name: b, expr: a}\n", "made of itself" },
		{ "- {name: a, expr: 'max_over_time(load[10m])'}\n",
		    "raise that, or let the nodes compute it" },
		{ "- {name: its, expr: load}\n", "its is the name of a rule already" },
		{ "a: b\n", "must be a list of up to 64 composites" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_true(load(table[i].text, "- {name: its, expr: load}\n") > 0);
		if (!strstr(buf_text(&wrong.text), table[i].complaint))
			fail_msg(
			    "%s is not in %s", table[i].complaint, buf_text(&wrong.text));
	}
	assert_int_equal(load("- {name: a, expr: load}\n", NULL), 0);
	assert_int_equal(cfg[0].interval_ms, 10000);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, stop)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(a_composite_has_one_value_of_all_nodes_and_a_name_CMP_09),
		CASE(without_data_a_composite_is_unknown_CMP_08),
		CASE(nodes_are_grouped_by_what_is_known_of_them_CMP_09),
		CASE(composites_survive_a_restart_under_their_name),
		CASE(more_nodes_than_series_of_a_node_may_be_are_seen_CMP_09),
		CASE(type_vendor_and_tags_of_a_node_are_labels_when_named_CMP_09),
		CASE(what_cannot_be_a_composite_is_told_with_line_and_key_OPS_06),
	};

	log_open("test_composites", LOG_LEVEL_ERROR);
	return RUN_TESTS(tests, NULL, NULL);
}
