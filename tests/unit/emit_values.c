/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints a full and a minimal sample of every value as "rule hex", and the functions of programs as
 * "function number name", for tests/unit/cddl.py. */
#include "base/crypto.h"
#include "metrics/expr.h"
#include "tests/support/values.h"
#include <stdio.h>
#include <string.h>

static uint8_t memory[4096], caps_memory[2048];
static struct buf out, caps;

static void
emit(const char *rule)
{
	char hex[2 * sizeof memory + 1];

	printf("%s %s\n", rule, hex_format(memory, out.pos, hex));
	buf_reset(&out);
}

static void
emit_registration(bool full)
{
	struct caps c = sample_caps(full);
	struct fog_lease l = sample_lease(full);

	buf_reset(&caps);
	caps_encode(&c, &caps);
	struct fog_registration r = sample_registration(full, buf_slice(&caps));
	fog_registration_encode(&r, &out);
	emit("registration");
	wr_raw(&out, buf_slice(&caps));
	emit("caps");
	fog_lease_encode(&l, &out);
	emit("lease");
}

static void
emit_notice(bool full)
{
	struct fog_denial denied[SAMPLE_DENIALS];
	struct fog_notice n = sample_notice(full, denied);

	fog_notice_encode(&n, denied, full ? SAMPLE_DENIALS : 0, &out);
	emit("notice");
}

static void
emit_join(bool full)
{
	struct fog_join j = sample_join(full);
	struct fog_grant g = sample_grant(full);

	fog_join_encode(&j, &out);
	emit("join-req");
	fog_grant_encode(&g, &out);
	emit("join-ok");
}

static void
emit_property(bool full)
{
	struct fog_words w = sample_words(full);

	fog_words_encode(&w, &out);
	emit("words");
	if (!full)
		return;
	strcpy(w.scope, "geo=ezjm");
	w.hops = 3;
	fog_words_encode(&w, &out);
	emit("property");
}

static void
emit_all(bool full)
{
	static struct fog_plan plan;
	static struct fog_report report;
	static struct fog_result result;
	struct fog_domain d = sample_domain(full);
	struct fog_query q = sample_query(full);
	struct column_writer packed;

	fog_domain_encode(&d, &out);
	emit("domain");
	emit_property(full);
	emit_join(full);
	emit_registration(full);
	emit_notice(full);
	sample_plan(full, &plan);
	fog_plan_encode(&plan, &out);
	emit("plan");
	sample_report(full, &report);
	fog_report_encode(&report, &out);
	emit("points-report");
	sample_packed_report(full, &report);
	fog_report_encode(&report, &out);
	emit("packed-report");
	sample_events_report(full, &report);
	fog_report_encode(&report, &out);
	emit("events-report");
	fog_query_encode(&q, &out);
	emit("query");
	sample_result(full, &result);
	fog_result_encode(&result, &out);
	emit("result");
	if (!full)
		return;
	sample_range(&packed, &result);
	fog_result_encode(&result, &out);
	emit("result");
	column_writer_done(&packed);
	strcpy(q.pattern, "node_.*");
	fog_query_encode(&q, &out);
	emit("query");
}

static void
emit_functions(void)
{
	for (const struct expr_function *f = expr_functions; f->name; f++)
		printf("function %u %s\n", f->opcode, f->name);
}

int
main(void)
{
	buf_init_fixed(&out, memory, sizeof memory);
	buf_init_fixed(&caps, caps_memory, sizeof caps_memory);
	emit_all(true);
	emit_all(false);
	emit_functions();
	return out.err != 0;
}
