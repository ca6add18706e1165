/* SPDX-License-Identifier: Apache-2.0
 *
 * Evaluates expressions over samples, both from standard input, for the comparison with
 * Prometheus. Lines of words between tabs:
 *	series	NAME	LABEL=VALUE …
 *	sample	TIME-MS	VALUE|stale	(of the last series)
 *	eval	TIME-MS	EXPRESSION
 *	functions	promql|fog
 * Each eval answers with one line: error, empty or values, and then text or elements; functions with one
 * line for each that Prometheus has as well, or that it has not. */
#include "metrics/expr.h"
#include "metrics/series.h"
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SERIES_BYTES (64 << 20)
#define KEEP_MS	     (48 * 3600 * 1000LL)

static struct series_set *set;
static struct series *current;

static void
add_series(char *words)
{
	char *name = strsep(&words, "\t"), *label;
	struct metric m = { .name = name, .unit = "", .help = "" };
	struct metric_labels labels = { 0 };

	while ((label = strsep(&words, "\t"))) {
		char *key = strsep(&label, "=");

		if (!label || metric_labels_add(&labels, key, label) < 0)
			errx(1, "bad label of %s", name);
	}
	current = series_ensure(set, &m, &labels);
	if (!current)
		errx(1, "no room for %s", name);
	series_keep(current, KEEP_MS);
}

static void
add_sample(char *words)
{
	const char *time = strsep(&words, "\t");
	int64_t time_ms = strtoll(time, NULL, 10);

	if (!current || !words)
		errx(1, "sample without a series or a value");
	if (strcmp(words, "stale") == 0)
		series_end(set, current, time_ms);
	else if (series_append(set, current, time_ms, strtod(words, NULL)) < 0)
		errx(1, "sample at %s refused", time);
}

static void
print_values(const struct expr_result *r)
{
	struct buf labels;

	printf("values");
	for (size_t i = 0; i < r->len; i++) {
		buf_init(&labels, 4096);
		metric_labels_print(&r->value[i].labels, &labels);
		printf("\t%s\t%.17g", buf_text(&labels), r->value[i].value);
		buf_done(&labels);
	}
	printf("\n");
}

/* What the program prints must mean the same program, so that is what runs. */
static int
parse_twice(const char *text, struct buf *program, char *why, size_t size)
{
	struct buf again;
	int err = expr_parse(text, program, why, size);

	if (err < 0)
		return err;
	buf_init(&again, 16384);
	expr_print(buf_slice(program), &again);
	buf_reset(program);
	err = expr_parse(buf_text(&again), program, why, size);
	buf_done(&again);
	return err;
}

static void
evaluate(char *words)
{
	int64_t now_ms = strtoll(strsep(&words, "\t"), NULL, 10);
	struct expr_result r;
	struct buf program;
	char why[256];
	int e;

	buf_init(&program, EXPR_PROGRAM_MAX);
	e = parse_twice(words, &program, why, sizeof why);
	if (e == 0)
		e = expr_eval(buf_slice(&program), set, now_ms, &r);
	else
		printf("error\t%s\n", why);
	if (e == 0 && r.len == 0)
		printf("empty\t%s\n", r.unknown);
	else if (e == 0)
		print_values(&r);
	else if (e != -EINVAL)
		printf("error\t%s\n", strerror(-e));
	if (e == 0)
		expr_result_done(&r);
	buf_done(&program);
}

static void
list_functions(const char *whose)
{
	for (const struct expr_function *f = expr_functions; f->name; f++)
		if (f->fog == (strcmp(whose, "fog") == 0))
			printf("function\t%s\n", f->name);
}

int
main(void)
{
	char *line = NULL;
	size_t size = 0;

	if (series_set_new(SERIES_BYTES, &set) < 0)
		errx(1, "no memory");
	while (getline(&line, &size, stdin) > 0) {
		char *words = line, *verb;

		line[strcspn(line, "\n")] = '\0';
		verb = strsep(&words, "\t");
		if (words && strcmp(verb, "series") == 0)
			add_series(words);
		else if (words && strcmp(verb, "sample") == 0)
			add_sample(words);
		else if (words && strcmp(verb, "eval") == 0)
			evaluate(words);
		else if (words && strcmp(verb, "functions") == 0)
			list_functions(words);
		else
			errx(1, "bad line: %s", line);
	}
	free(line);
	return 0;
}
