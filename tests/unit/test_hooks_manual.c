/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-hooks(7) names the hooks, phases, verdicts and the members of an event. */
#include "base/yaml.h"
#include "controller/hook_host.h"
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/event_json.h"
#include "tests/support/manual.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static char *page;

static int
load_page(void **state)
{
	(void)state;
	page = manual_load("fogwatch-hooks.7");
	return page ? 0 : -1;
}

static int
free_page(void **state)
{
	(void)state;
	free(page);
	return 0;
}

static void
expect_line(const char *beginning, const char *word)
{
	char line[MANUAL_LINE_MAX];

	snprintf(line, sizeof line, "%s%s", beginning, word);
	if (!manual_has_line(page, line))
		fail_msg("the manual has no line \"%s\"", line);
}

static void
every_type_has_a_section(void **state)
{
	(void)state;
	for (const struct hook_type *const *t = hook_types; *t; t++)
		expect_line(".Sh THE HOOK ", (*t)->name);
}

static void
every_phase_and_verdict_has_an_entry(void **state)
{
	(void)state;
	for (enum hook_phase p = HOOK_ACCEPTED; *hook_phase_name(p); p++)
		expect_line(".It Ql ", hook_phase_name(p));
	for (enum hook_verdict v = HOOK_DONE; *hook_verdict_name(v); v++)
		expect_line(".It Ql ", hook_verdict_name(v));
	assert_string_equal(hook_verdict_name(HOOK_FENCED), "fenced");
}

static void
every_kind_of_event_and_option_of_the_host_has_an_entry(void **state)
{
	(void)state;
	for (enum hook_kind k = HOOK_MIGRATE; *hook_kind_name(k); k++)
		expect_line(".It Ql ", hook_kind_name(k));
	assert_string_equal(
	    hook_kind_name(HOOK_PREDICTION_CLEARED), "prediction_cleared");
	for (const struct conf_option *o = hook_host_options; o->name; o++) {
		char head[MANUAL_LINE_MAX];

		snprintf(head, sizeof head, "%s%s%s", o->name, o->preset ? " Pq " : "",
		    o->preset ? o->preset : "");
		expect_line(".It Va ", head);
	}
}

static void
every_member_of_an_event_is_named(void **state)
{
	static const char *const candidate[] = { "B", NULL };
	const struct hook_event event = { .size = sizeof event,
		.id = "1",
		.kind = HOOK_MIGRATE,
		.stage = HOOK_COMMIT,
		.candidates = candidate,
		.candidates_len = 1 };
	struct yaml_doc *doc;
	struct complaints c;
	struct buf json;

	(void)state;
	buf_init(&json, 65536);
	hook_event_json(&event, 0, &json);
	complaints_init(&c);
	assert_int_equal(yaml_parse(buf_slice(&json), "event", &c, &doc), 0);
	YAML_EACH(member, yaml_root(doc))
	if (!manual_has_word(page, ".Va ", member->key))
		fail_msg("the manual does not name \"%s\"", member->key);
	yaml_doc_free(doc);
	complaints_done(&c);
	buf_done(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_type_has_a_section),
		TEST(every_phase_and_verdict_has_an_entry),
		TEST(every_kind_of_event_and_option_of_the_host_has_an_entry),
		TEST(every_member_of_an_event_is_named),
	};

	return RUN_TESTS(tests, load_page, free_page);
}
