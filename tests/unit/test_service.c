/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/service.h"
#include "metrics/expr.h"
#include "tests/support/test.h"
#include <errno.h>
#include <math.h>
#include <string.h>

static const char delivery[] =
    "service: delivery\n"
    "description: parcels\n"
    "hook: mover\n"
    "functions:\n"
    "  - name: F1\n"
    "    host: A\n"
    "    candidates: [C, B]\n"
    "    avoid: [D]\n"
    "    needs:\n"
    "      cpus: 2\n"
    "      memory: 64MiB\n"
    "      virtualization: [none, container]\n"
    "      energy: [mains, battery]\n"
    "      type: [robot]\n"
    "      radio: [wifi6]\n"
    "      tags: {site: hall, floor: '2'}\n"
    "    requirements:\n"
    "      - expr: avg_over_time(node_power_supply_voltage_volts"
    "{power_supply=\"BAT0\"}[5s])\n"
    "        above: 3.2\n"
    "        when-missing: ok\n"
    "        period: 500ms\n"
    "        candidate-period: 10s\n"
    "        hold: 3s\n"
    "      - {expr: node_load1, below: 4}\n"
    "    migration: {lead: 20s, deadline: 15s, drain: 500ms, cooldown: 1m,"
    " pinned: yes, raise: 0.7, clear: 0.2, sustain: 4s}\n"
    "  - name: F2\n";

static struct service *
parse(const char *text)
{
	struct complaints c;
	struct service *s = NULL;

	complaints_init(&c);
	if (service_parse(slice_text(text), "delivery.yaml", &c, &s) < 0)
		fail_msg("%s", buf_text(&c.text));
	complaints_done(&c);
	return s;
}

static void
a_whole_description_is_read(void **state)
{
	struct service *s = parse(delivery);
	const struct function *f = &s->function[0];

	(void)state;
	assert_string_equal(s->name, "delivery");
	assert_string_equal(s->description, "parcels");
	assert_string_equal(s->hook, "mover");
	assert_int_equal(s->hook_line, 3);
	assert_string_equal(s->yaml, delivery);
	assert_int_equal(s->functions, 2);
	assert_string_equal(f->name, "F1");
	assert_string_equal(f->host, "A");
	assert_false(f->any_candidate);
	assert_int_equal(f->candidate.len, 2);
	assert_string_equal(f->candidate.item[1], "B");
	assert_string_equal(f->avoid.item[0], "D");
	assert_int_equal(f->cpus, 2);
	assert_int_equal(f->memory_bytes, 64 << 20);
	assert_int_equal(f->virtualization.len, 2);
	assert_int_equal(f->energy.len, 2);
	assert_string_equal(f->type.item[0], "robot");
	assert_string_equal(f->radio.item[0], "wifi6");
	assert_string_equal(conf_map_get(&f->tag, "floor"), "2");
	assert_int_equal(f->lead_ms, 20000);
	assert_int_equal(f->deadline_ms, 15000);
	assert_int_equal(f->drain_ms, 500);
	assert_int_equal(f->cooldown_ms, 60000);
	assert_true(f->pinned);
	assert_true(f->raise == 0.7 && f->clear == 0.2);
	assert_int_equal(f->sustain_ms, 4000);
	service_free(s);
}

static void
requirements_are_compiled(void **state)
{
	struct service *s = parse(delivery);
	const struct requirement *r = s->function[0].requirement;
	struct buf program;
	char err[128];

	(void)state;
	assert_int_equal(s->function[0].requirements, 2);
	assert_int_equal(r[0].side, REQUIRE_ABOVE);
	assert_true(r[0].threshold == 3.2);
	assert_int_equal(r[0].when_missing, MISSING_OK);
	assert_int_equal(r[0].period_ms, 500);
	assert_int_equal(r[0].candidate_period_ms, 10000);
	assert_int_equal(r[0].hold_ms, 3000);
	assert_int_equal(r[1].side, REQUIRE_BELOW);
	assert_string_equal(r[1].text, "node_load1 < 4");
	buf_init(&program, EXPR_PROGRAM_MAX);
	assert_int_equal(expr_parse("node_load1", &program, err, sizeof err), 0);
	assert_true(slice_equal(r[1].program, buf_slice(&program)));
	buf_done(&program);
	service_free(s);
}

static void
what_is_left_out_has_a_sane_default(void **state)
{
	struct service *s = parse("service: s\n"
				  "functions:\n"
				  "  - name: f\n"
				  "    requirements: [{expr: node_load1, below: 4}]\n");
	const struct function *f = &s->function[0];

	(void)state;
	assert_null(s->hook);
	assert_null(f->host);
	assert_true(f->any_candidate);
	assert_false(f->pinned);
	assert_int_equal(f->lead_ms, 30000);
	assert_int_equal(f->deadline_ms, 60000);
	assert_int_equal(f->drain_ms, 200);
	assert_int_equal(f->cooldown_ms, 60000);
	assert_true(f->raise == 0 && f->clear == 0.3);
	assert_int_equal(f->sustain_ms, 2000);
	assert_int_equal(f->requirement[0].when_missing, MISSING_UNKNOWN);
	assert_int_equal(f->requirement[0].period_ms, 1000);
	assert_int_equal(f->requirement[0].candidate_period_ms, 5000);
	assert_int_equal(f->requirement[0].hold_ms, 1000);
	service_free(s);
}

static void
an_empty_list_of_candidates_is_nobody(void **state)
{
	struct service *s = parse("service: s\n"
				  "functions:\n"
				  "  - {name: f, candidates: []}\n"
				  "  - {name: g, candidates: any}\n");

	(void)state;
	assert_false(s->function[0].any_candidate);
	assert_int_equal(s->function[0].candidate.len, 0);
	assert_true(s->function[1].any_candidate);
	service_free(s);
}

/* PLN-10: each line of text is refused with exactly these complaints. */
static const struct {
	const char *yaml, *complaints;
} refusals[] = {
	{ "", "delivery.yaml:1:1: not a service description: it is not a mapping\n" },
	{ "- a\n",
	    "delivery.yaml:1:1: not a service description: it is not a mapping\n" },
	{ "service: s\n", "delivery.yaml:1:1: a service needs a list of functions\n" },
	{ "service: s\nfunctions: []\n",
	    "delivery.yaml:2:1: functions: a service needs a list of functions\n" },
	{ "functions: [{name: f}]\n",
	    "delivery.yaml:1:1: a service needs a name: service: NAME\n" },
	{ "service: a b\nhook: c/d\nfunctions: [{name: f}]\n",
	    "delivery.yaml:1:1: service: a b is not a name (1 to 64 of letters, digits, "
	    ". _ : -)\n"
	    "delivery.yaml:2:1: hook: c/d is not a name (1 to 64 of letters, digits, . _ "
	    ": -)\n" },
	{ "service: s\nfunktions: [{name: f}]\nfunctions: [{name: f}]\n",
	    "delivery.yaml:2:1: funktions: unknown; the nearest known name is "
	    "functions\n" },
	{ "service: s\nfunctions: [f, {host: A}]\n",
	    "delivery.yaml:2:13: a function is a mapping with a name\n"
	    "delivery.yaml:2:16: a function needs a name\n" },
	{ "service: s\nfunctions:\n  - name: f\n  - name: f\n",
	    "delivery.yaml:4:5: name: f is the name of another function too\n" },
	{ "service: s\nfunctions:\n  - name: f\n    candidates: B\n",
	    "delivery.yaml:4:5: candidates: must be a list of nodes, or any\n" },
	{ "service: s\nfunctions:\n  - name: f\n    candidates: [B, 'C D', B]\n",
	    "delivery.yaml:4:21: C D is not a name (1 to 64 of letters, digits, . _ : "
	    "-)\n"
	    "delivery.yaml:4:28: B is listed twice\n" },
	{ "service: s\nfunctions:\n  - name: f\n    host: A\n    candidates: [B]\n"
	  "    avoid: [A, B]\n",
	    "delivery.yaml:6:5: avoid: A is the host\n"
	    "delivery.yaml:6:5: avoid: B is a candidate as well\n" },
	{ "service: s\nfunctions:\n  - name: f\n    needs: {cpus: -1, memory: 1, enrgy: "
	  "[mains]}\n",
	    "delivery.yaml:4:13: cpus: -1 is below 0\n"
	    "delivery.yaml:4:34: enrgy: unknown; the nearest known name is "
	    "needs.energy\n" },
	{ "service: s\nfunctions:\n  - name: f\n    needs: {energy: [mains, sun]}\n",
	    "delivery.yaml:4:29: sun is not one of: mains, battery, harvesting\n" },
	{ "service: s\nfunctions:\n  - name: f\n    migration: {lead: 0, raise: 2, "
	  "clear: x}\n",
	    "delivery.yaml:4:17: lead: 0 is below 100ms\n"
	    "delivery.yaml:4:26: raise: 2 is above 1\n"
	    "delivery.yaml:4:36: clear: x is not a number\n" },
	{ "service: s\nfunctions:\n  - name: f\n    migration: {raise: 0.2}\n",
	    "delivery.yaml:4:17: raise: clear (0.3) has to be below raise (0.2)\n" },
	{ "service: s\nfunctions:\n  - name: f\n    migration: {raise: 0.8, clear: "
	  "0.9}\n",
	    "delivery.yaml:4:29: clear: clear (0.9) has to be below raise (0.8)\n" },
	{ "service: s\nfunctions:\n  - name: f\n    requirements: {expr: node_load1}\n",
	    "delivery.yaml:4:5: requirements: must be a list\n" },
	{ "service: s\nfunctions:\n  - name: f\n    requirements:\n      - node_load1\n"
	  "      - {expr: node_load1}\n      - {above: 1}\n"
	  "      - {expr: node_load1, above: 1, below: 2}\n"
	  "      - {expr: node_load1, above: warm, when-missing: maybe, period: 1ms}\n",
	    "delivery.yaml:5:9: a requirement is a mapping with expr and above or below\n"
	    "delivery.yaml:6:9: a requirement says either above or below\n"
	    "delivery.yaml:7:9: a requirement needs expr\n"
	    "delivery.yaml:8:38: below: a requirement says either above or below, not "
	    "both\n"
	    "delivery.yaml:9:41: when-missing: must be one of: unknown, ok, fails\n"
	    "delivery.yaml:9:62: period: 1ms is below 100ms\n"
	    "delivery.yaml:9:28: above: warm is not a number\n" },
	{ "service: s\nfunctions:\n  - name: f\n    requirements:\n"
	  "      - {expr: node_load1, below: 1, predictor: oracle}\n"
	  "      - {expr: node_load1, below: 1, class: heat}\n"
	  "      - {expr: node_load1, below: 1, range: 5}\n"
	  "      - {expr: node_load1, below: 1, range: [5, 4]}\n",
	    "delivery.yaml:5:38: predictor: there is no predictor oracle\n"
	    "delivery.yaml:6:38: class: must be one of: auto, other, battery, radio, "
	    "cpu, "
	    "memory, thermal\n"
	    "delivery.yaml:7:38: range: a range is two numbers: [0, 100]\n"
	    "delivery.yaml:8:49: has to be above 5\n" },
	{ "service: s\nfunctions:\n  - name: f\n    location: hall\n"
	  "  - name: g\n    location: {area: ['1,2', '3,4']}\n"
	  "  - name: h\n    location: {circle: '1,2', near: {within: 3}}\n"
	  "  - name: i\n    location: {near: {node: a, function: f, within: 3}}\n"
	  "  - name: j\n    location: {near: {node: a b, within: 3mi}}\n"
	  "  - name: k\n    location: {period: 1s}\n"
	  "  - name: l\n    location: {near: {node: a}, area: ['100,1', x]}\n",
	    "delivery.yaml:4:5: location: must be a mapping with area, circle or near\n"
	    "delivery.yaml:6:16: area: an area is a list of three corners or more\n"
	    "delivery.yaml:8:16: circle: a circle is latitude,longitude,radius: "
	    "40.33,-3.77,2km\n"
	    "delivery.yaml:8:31: near: near says a node or a function\n"
	    "delivery.yaml:10:32: function: near says a node or a function, not both\n"
	    "delivery.yaml:12:23: node: a b is not a name (1 to 64 of letters, digits, . "
	    "_ : "
	    "-)\n"
	    "delivery.yaml:12:34: within: must be a number above 0 with a unit, such as "
	    "20km\n"
	    "delivery.yaml:14:5: location: a location says area, circle or near\n"
	    "delivery.yaml:16:40: a corner is latitude,longitude: 40.33,-3.77\n"
	    "delivery.yaml:16:16: near: near needs within, a distance\n" },
	{ "service: s\nfunctions: [{name: a}, {name: b}]\nlinks:\n  - a\n"
	  "  - {from: a}\n  - {from: a, to: c}\n  - {from: a, to: a, loss: 2}\n"
	  "  - {from: b, to: a, bandwidth: 3MB, latency: fast}\n"
	  "objective: {safety: much, spread: -1, luck: 1}\n",
	    "delivery.yaml:4:5: a link is a mapping with from and to\n"
	    "delivery.yaml:5:5: a link needs to, the name of a function\n"
	    "delivery.yaml:6:15: to: there is no function c\n"
	    "delivery.yaml:7:22: loss: must lie between 0 and 1\n"
	    "delivery.yaml:7:15: to: a cannot be linked to itself\n"
	    "delivery.yaml:8:38: latency: fast is not a duration such as 250ms, "
	    "30s, 5m, 1h30m or 2d\n"
	    "delivery.yaml:8:22: bandwidth: must be a number above 0 with a unit, such "
	    "as "
	    "20kbit\n"
	    "delivery.yaml:9:13: safety: much is not a number\n"
	    "delivery.yaml:9:27: spread: a weight lies between 0 and 1000\n"
	    "delivery.yaml:9:39: luck: there is no mark luck; fogctl candidates "
	    "--explain shows them\n" },
};

static void
errors_are_told_all_at_once_with_their_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct service *s = NULL;
		struct complaints c;

		complaints_init(&c);
		assert_int_equal(
		    service_parse(slice_text(refusals[i].yaml), "delivery.yaml", &c, &s),
		    -EINVAL);
		assert_string_equal(buf_text(&c.text), refusals[i].complaints);
		assert_null(s);
		complaints_done(&c);
	}
}

static void
an_error_in_an_expression_has_its_column(void **state)
{
	struct service *s = NULL;
	struct complaints c;

	(void)state;
	complaints_init(&c);
	assert_int_equal(
	    service_parse(slice_text("service: s\nfunctions:\n  - name: f\n"
				     "    requirements:\n"
				     "      - expr: avg_over_tim(node_load1[5s])\n"
				     "        below: 4\n"),
		"x.yaml", &c, &s),
	    -EINVAL);
	assert_non_null(strstr(buf_text(&c.text), "x.yaml:5:9: expr: column 1: "));
	complaints_done(&c);
}

static void
too_many_of_anything_is_refused(void **state)
{
	struct service *s = NULL;
	struct complaints c;
	struct buf b;

	(void)state;
	buf_init(&b, 65536);
	buf_puts(&b, "service: s\nfunctions:\n");
	for (int i = 0; i <= SERVICE_FUNCTIONS_MAX; i++)
		buf_printf(&b, "  - name: f%d\n", i);
	buf_puts(&b, "    x: 1\n"); /* of the one too many: not looked at */
	complaints_init(&c);
	assert_int_equal(service_parse(buf_slice(&b), "x.yaml", &c, &s), -EINVAL);
	assert_string_equal(
	    buf_text(&c.text), "x.yaml:35:5: a service has at most 32 functions\n");
	complaints_done(&c);
	buf_reset(&b);
	buf_puts(&b, "service: s\nfunctions:\n  - name: f\n    requirements:\n");
	for (int i = 0; i <= SERVICE_REQUIREMENTS_MAX; i++)
		buf_puts(&b, "      - {expr: node_load1, below: 4}\n");
	complaints_init(&c);
	assert_int_equal(service_parse(buf_slice(&b), "x.yaml", &c, &s), -EINVAL);
	assert_string_equal(
	    buf_text(&c.text), "x.yaml:21:9: a function has at most 16 requirements\n");
	complaints_done(&c);
	buf_done(&b);
}

/* --- what it asks for beyond numbers --------------------------------------------------------- */

static const char rich[] =
    "service: parcels\n"
    "objective: {safety: 4, latency: 2.5}\n"
    "functions:\n"
    "  - name: F1\n"
    "    needs: {storage: 1GiB, devices: [camera, lidar]}\n"
    "    location:\n"
    "      area: ['40.30,-3.80', '40.30,-3.70', '40.40,-3.70']\n"
    "      circle: 40.33,-3.77,2km\n"
    "      near: {function: F2, within: 300m}\n"
    "    availability: {probability: 0.95, horizon: 30m}\n"
    "    requirements:\n"
    "      - {expr: 'avg_over_time(node_power_supply_voltage_volts[5s])', above: 3.2}\n"
    "      - {expr: node_wireless_signal_dbm, above: -75}\n"
    "      - {expr: node_cpu_utilisation_ratio, below: 0.9}\n"
    "      - {expr: node_memory_MemAvailable_bytes, above: 4096}\n"
    "      - {expr: node_thermal_zone_celsius, below: 80, class: other, range: [20, "
    "120],\n"
    "         predictor: trend}\n"
    "      - {expr: node_load1 + node_memory_available_ratio, below: 4}\n"
    "    migration: {class: exclusive, stateful: yes, break-ok: yes, cost: 0.3, margin: "
    "2s}\n"
    "  - name: F2\n"
    "  - name: F3\n";

static void
locations_devices_and_classes_are_read_PLN_01(void **state)
{
	struct service *s = parse(rich);
	const struct function *f = &s->function[0];

	(void)state;
	assert_int_equal(f->storage_bytes, 1 << 30);
	assert_int_equal(f->device.len, 2);
	assert_non_null(f->location);
	assert_int_equal(f->location->corners, 3);
	assert_true(
	    f->location->corner[2].lat == 40.4 && f->location->corner[2].lon == -3.7);
	assert_true(f->location->circle.radius_m == 2000);
	assert_string_equal(f->location->near.function, "F2");
	assert_null(f->location->near.node);
	assert_true(f->location->near.within_m == 300);
	assert_int_equal(f->location->period_ms, 5000);
	assert_true(f->availability == 0.95);
	assert_int_equal(f->availability_ms, 1800000);
	assert_int_equal(f->class, FUNCTION_EXCLUSIVE);
	assert_true(f->stateful && f->break_ok && f->cost == 0.3);
	assert_int_equal(f->margin_ms, 2000);
	assert_string_equal(conf_map_get(&s->objective, "latency"), "2.5");
	assert_null(s->function[1].location);
	assert_int_equal(s->function[1].class, FUNCTION_OVERLAP);
	service_free(s);
}

static void
class_and_range_follow_from_the_metric_PRD_05(void **state)
{
	static const struct {
		enum predictor_class class;
		double low, high;
	} expected[] = {
		{ PREDICT_BATTERY, 2.56, 4.32 },
		{ PREDICT_RADIO, -120, -20 },
		{ PREDICT_CPU, 0, 1 },
		{ PREDICT_MEMORY, 0, 8192 },
		{ PREDICT_OTHER, 20, 120 },
		{ PREDICT_OTHER, 0, 8 },
	};
	struct service *s = parse(rich);
	const struct requirement *r = s->function[0].requirement;

	(void)state;
	assert_int_equal(s->function[0].requirements, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(r[i].class, expected[i].class);
		assert_true(fabs(r[i].low - expected[i].low) < 1e-9);
		assert_true(fabs(r[i].high - expected[i].high) < 1e-9);
		assert_non_null(r[i].predictor);
	}
	assert_string_equal(r[4].predictor->name, "trend");
	assert_ptr_equal(r[0].predictor, predictor_find(NULL));
	service_free(s);
}

static void
without_links_the_functions_are_a_chain_PLN_01(void **state)
{
	struct service *s = parse(rich);

	(void)state;
	assert_int_equal(s->links, 2);
	assert_string_equal(s->link[1].from, "F2");
	assert_string_equal(s->link[1].to, "F3");
	assert_true(isnan(s->link[0].latency_s) && isnan(s->link[0].loss) &&
	    isnan(s->link[0].bandwidth));
	service_free(s);
	s = parse("service: s\nfunctions: [{name: a}, {name: b}]\nlinks: []\n");
	assert_int_equal(s->links, 0);
	service_free(s);
}

static void
links_have_latency_loss_and_bandwidth_PLN_01(void **state)
{
	struct service *s =
	    parse("service: s\nfunctions: [{name: a}, {name: b}, {name: c}]\nlinks:\n"
		  "  - {from: a, to: c, latency: 20ms, loss: 0.02, bandwidth: 2Mbit, "
		  "period: 1s}\n"
		  "  - {from: c, to: b, latency: 1s}\n");

	(void)state;
	assert_int_equal(s->links, 2);
	assert_string_equal(s->link[0].to, "c");
	assert_true(s->link[0].latency_s == 0.02 && s->link[0].loss == 0.02);
	assert_true(s->link[0].bandwidth == 250000);
	assert_int_equal(s->link[0].period_ms, 1000);
	assert_int_equal(s->link[0].candidate_period_ms, 10000);
	assert_true(isnan(s->link[1].loss) && isnan(s->link[1].bandwidth));
	service_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_whole_description_is_read),
		TEST(requirements_are_compiled),
		TEST(what_is_left_out_has_a_sane_default),
		TEST(an_empty_list_of_candidates_is_nobody),
		TEST(errors_are_told_all_at_once_with_their_places),
		TEST(an_error_in_an_expression_has_its_column),
		TEST(too_many_of_anything_is_refused),
		TEST(locations_devices_and_classes_are_read_PLN_01),
		TEST(class_and_range_follow_from_the_metric_PRD_05),
		TEST(without_links_the_functions_are_a_chain_PLN_01),
		TEST(links_have_latency_loss_and_bandwidth_PLN_01),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
