/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of fogwatch-metrics(7) from the tables that the programs themselves use: run when the manual is
 * made.
 *
 *	metrics_tables operators | aggregations | windows | values | limits | metrics */
#include "metrics/catalogue.h"
#include "metrics/expr_program.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A text as roff reads it, with a capital letter at its beginning and a full stop behind it. */
static void
put_sentence(const char *text)
{
	for (const char *p = text; *p; p++) {
		if (p == text && (*p == '.' || *p == '\''))
			fputs("\\&", stdout);
		if (*p == '\\')
			fputs("\\e", stdout);
		else
			putchar(p == text ? toupper((unsigned char)*p) : *p);
	}
	fputs(".\n", stdout);
}

static void
put_operators(void)
{
	fputs(".It Ql", stdout);
	for (uint8_t op = 1; op < EXPR_OPERATORS; op++)
		printf(" %s", expr_operator_text(op));
	putchar('\n');
}

static void
put_aggregations(void)
{
	fputs(".It Ql", stdout);
	for (uint8_t a = 1; expr_aggregation_text(a); a++)
		printf(" %s", expr_aggregation_text(a));
	putchar('\n');
}

/* --- functions ------------------------------------------------------------------------------------ */
static void
put_head(const struct expr_function *f)
{
	char arguments[128], *rest = arguments, *one;

	snprintf(arguments, sizeof arguments, "%s", f->arguments);
	printf(".It Fn %s", f->name);
	while ((one = strsep(&rest, ", []")))
		if (*one)
			printf(" \"%s\"", one);
	putchar('\n');
}

static const char *
unit_of(const struct expr_function *f)
{
	switch (f->unit) {
	case EXPR_UNIT_SAME:
		return "Its unit is that of the argument.";
	case EXPR_UNIT_PER_SECOND:
		return "Its unit is that of the argument, per second.";
	case EXPR_UNIT_SECONDS:
		return "Its unit is the second.";
	case EXPR_UNIT_NONE:
		break;
	}
	return "It has no unit.";
}

static void
put_left_out(const struct expr_function *f)
{
	for (const char *t = f->types; *t; t++)
		if (*t == 'S' || *t == 'Z')
			printf("The last argument is %c when it is left out.\n",
			    *t == 'S' ? '1' : '0');
}

static void
put_function(const struct expr_function *f)
{
	put_head(f);
	put_sentence(f->help);
	put_left_out(f);
	puts(unit_of(f));
	if (f->needs == 1)
		puts("Unknown where the window holds no sample.");
	else if (f->needs > 1)
		printf(
		    "Unknown where the window holds fewer than %u samples.\n", f->needs);
	if (f->fog)
		puts("Not in PromQL.");
}

static void
put_functions(bool windows)
{
	puts(".Bl -tag -width Ds");
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if ((strchr(f->types, 'r') != NULL) == windows)
			put_function(f);
	puts(".El");
}

/* --- limits --------------------------------------------------------------------------------------- */
static void
put_limits(void)
{
	const struct {
		long long value;
		const char *what;
	} limit[] = {
		{ EXPR_TEXT_MAX, "characters of an expression" },
		{ EXPR_STEPS_MAX, "steps of a program, which is what it becomes" },
		{ EXPR_PROGRAM_MAX, "bytes of a program" },
		{ EXPR_STACK_MAX,
		    "values that wait for an operator or function at once" },
		{ EXPR_MATCHERS_MAX, "labels that are matched, in one place" },
		{ EXPR_LABELS_MAX, "labels behind by, without, on or ignoring" },
		{ EXPR_WINDOW_MAX_MS / 3600000, "hours of a window" },
		{ EXPR_LOOKBACK_MS / 60000, "minutes for which the newest value counts" },
		{ EXPR_VECTOR_MAX, "series at once" },
		{ EXPR_WORK_MAX, "values computed in one evaluation" },
		{ EXPR_SAMPLES_MAX, "samples read in one evaluation" },
	};

	puts(".Bl -tag -width 100000");
	for (size_t i = 0; i < ARRAY_LEN(limit); i++) {
		printf(".It %lld\n", limit[i].value);
		put_sentence(limit[i].what);
	}
	puts(".El");
}

/* --- metrics --------------------------------------------------------------------------------------- */
static void
put_labels(const char *labels)
{
	char text[256], *rest = text, *one;
	const char *between = "label";

	snprintf(text, sizeof text, "%s", labels);
	printf("; %s\n", strchr(labels, ',') ? "labels" : between);
	while ((one = strsep(&rest, ", "))) {
		if (!*one)
			continue;
		bool last = !rest || !rest[strspn(rest, ", ")];

		printf(".Ql %s %s\n", one, last ? "." : ",");
	}
}

static void
put_metric(const struct source *s, const struct metric *m)
{
	const char *labels = catalogue_labels(s, m);

	printf(".It Va %s\n", m->name);
	put_sentence(m->help);
	printf("A %s%s%s", catalogue_type(m), m->unit[0] ? ", " : "", m->unit);
	if (*labels)
		put_labels(labels);
	else
		puts(".");
}

static void
put_metrics(void)
{
	for (const struct source *const *s = sources; *s; s++) {
		printf(".Ss Source %s\n", (*s)->name);
		put_sentence((*s)->help);
		puts(".Bl -tag -width Ds");
		for (size_t i = 0; i < (*s)->metrics_len; i++)
			put_metric(*s, &(*s)->metrics[i]);
		puts(".El");
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	if (strcmp(what, "operators") == 0)
		put_operators();
	else if (strcmp(what, "aggregations") == 0)
		put_aggregations();
	else if (strcmp(what, "windows") == 0)
		put_functions(true);
	else if (strcmp(what, "values") == 0)
		put_functions(false);
	else if (strcmp(what, "limits") == 0)
		put_limits();
	else if (strcmp(what, "metrics") == 0)
		put_metrics();
	else
		return 2;
	return fflush(stdout) || ferror(stdout);
}
