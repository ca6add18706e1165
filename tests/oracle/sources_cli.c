// SPDX-License-Identifier: Apache-2.0
//
// What a source tells, line by line as Prometheus would write it, for scripts that compare it with what
// other programs tell. One sample for each line of standard input, or as many as asked for at a pace.
#include "base/clock.h"
#include "base/conf.h"
#include "metrics/expr_program.h"
#include "metrics/source.h"
#include "tests/support/tree.h"
#include <err.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SOURCES_MAX 8
#define PEERS	    8

static const struct source *source[SOURCES_MAX];
static void *inst[SOURCES_MAX];
static size_t sources_len;
static char *keys[PEERS], *values[PEERS];
static struct conf_map paths = { keys, values, 0 };
static struct source_env env = {
	.proc = "/proc", .sys = "/sys", .rootfs = "", .paths = &paths
};
static long period_ms, count;
static bool quiet;

static void
print_value(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	char text[512];
	struct buf out;

	(void)sink;
	if (quiet)
		return;
	buf_init_fixed(&out, text, sizeof text);
	metric_labels_print(labels, &out);
	printf("%s%s %.17g\n", m->name, buf_text(&out), value);
}

static void
open_source(const char *name)
{
	const struct source *const *s = sources;

	while (*s && strcmp((*s)->name, name) != 0)
		s++;
	if (!*s || sources_len == SOURCES_MAX)
		errx(2, "no source %s", name);
	source[sources_len] = *s;
	if ((*s)->open(&env, &inst[sources_len]) < 0)
		errx(1, "cannot open the source %s", name);
	sources_len++;
}

/* All that is configured is meant. */
static void
ask_for_all(size_t i)
{
	struct expr_step all = { .op = EXPR_SELECT };

	snprintf(all.metric, sizeof all.metric, "%s", source[i]->metrics[0].name);
	if (source[i]->ask)
		source[i]->ask(inst[i], &all, INT64_MAX);
}

static void
sample_all(void)
{
	struct sink sink = { .put = print_value };

	for (size_t i = 0; i < sources_len; i++)
		(void)source[i]->sample(inst[i], clock_boot_ms(), &sink);
	if (!quiet)
		puts("");
	fflush(stdout);
}

static void
run(void)
{
	const struct timespec pace = { period_ms / 1000, period_ms % 1000 * 1000000 };
	char line[64];

	for (long i = 0; i < count; i++) {
		quiet = i < count - 1;
		sample_all();
		if (quiet)
			nanosleep(&pace, NULL);
	}
	while (count == 0 && fgets(line, sizeof line, stdin))
		sample_all();
}

static void
add_path(char *text)
{
	char *equal = strchr(text, '=');

	if (!equal || paths.len == PEERS)
		errx(2, "--path NAME=ADDRESS, %d at most", PEERS);
	*equal = '\0';
	keys[paths.len] = text;
	values[paths.len++] = equal + 1;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "sys", 1, NULL, 's' },
		{ "proc", 1, NULL, 'p' }, { "gpsd", 1, NULL, 'g' },
		{ "path", 1, NULL, 'a' }, { "budget", 1, NULL, 'b' },
		{ "period", 1, NULL, 't' }, { "count", 1, NULL, 'n' },
		{ "grow", 1, NULL, 'G' }, { NULL, 0, NULL, 0 } };
	const char *fixture = NULL;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (c) {
		case 's':
			env.sys = optarg;
			break;
		case 'p':
			env.proc = optarg;
			break;
		case 'g':
			env.gpsd = optarg;
			break;
		case 'a':
			add_path(optarg);
			break;
		case 'b':
			env.path_budget = atol(optarg);
			break;
		case 't':
			period_ms = atol(optarg);
			break;
		case 'n':
			count = atol(optarg);
			break;
		case 'G':
			fixture = optarg;
			break;
		default:
			return 2;
		}
	if (fixture) { /* --grow FIXTURE DIRECTORY */
		if (optind != argc - 1)
			errx(2, "--grow FIXTURE DIRECTORY");
		tree_grow(fixture, argv[optind]);
		return 0;
	}
	for (; optind < argc; optind++) {
		open_source(argv[optind]);
		ask_for_all(sources_len - 1);
	}
	run();
	for (size_t i = 0; i < sources_len; i++)
		source[i]->close(inst[i]);
	return 0;
}
