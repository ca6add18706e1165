/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints programs with every kind of step as "program hex", for tests/unit/cddl.py. */
#include "base/crypto.h"
#include "metrics/expr_program.h"
#include <err.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
	"node_load1",
	"avg_over_time(node_load1[5m])",
	"x{a=\"1\",b!=\"2\",c=~\"3.*\",d!~\"4|5\"}",
	"quantile without (a, b) (0.95, -x ^ 2) and on (c) y",
	"sum(x) > bool -1.5e300 or max by (a) (y) == ignoring (a, b) z unless Inf * x",
	"x + on () y",
};

static void
emit(const char *text)
{
	uint8_t memory[EXPR_PROGRAM_MAX];
	char hex[2 * sizeof memory + 1], why[256];
	struct buf out;

	buf_init_fixed(&out, memory, sizeof memory);
	if (expr_parse(text, &out, why, sizeof why) < 0)
		errx(1, "%s: %s", text, why);
	printf("program %s\n", hex_format(memory, out.pos, hex));
}

/* Each function once, with arguments of the types it takes. */
static void
emit_call(const struct expr_function *f)
{
	char text[256];
	struct buf out;

	buf_init_fixed(&out, text, sizeof text);
	buf_printf(&out, "%s(", f->name);
	for (const char *type = f->types; *type; type++)
		buf_printf(&out, "%s%s", type == f->types ? "" : ", ",
		    *type == 'r'       ? "x[1m]"
			: *type == 'v' ? "x"
				       : "0.5");
	buf_puts(&out, ")");
	emit(buf_text(&out));
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		emit(texts[i]);
	for (const struct expr_function *f = expr_functions; f->name; f++)
		emit_call(f);
	return 0;
}
