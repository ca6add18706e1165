/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells what all sources tell, for the comparison with others' programs: for each line on standard
 * input one sample, as name{labels} value, and an empty line. Arguments: procfs, sysfs. */
#include "metrics/source.h"
#include <err.h>
#include <stdio.h>
#include <string.h>

static void
print_value(struct sink *sink, const struct metric *m, const struct metric_labels *labels,
    double value)
{
	uint8_t memory[1024];
	struct buf text;

	(void)sink;
	buf_init_fixed(&text, memory, sizeof memory);
	metric_labels_print(labels, &text);
	printf("%s%.*s %.17g\n", m->name, (int)text.pos, (const char *)text.data, value);
}

/* The clock is the machine's; others in the loop have their subject from the agent. */
static bool
is_told(const struct source *s)
{
	return !(s->flags & SOURCE_IN_LOOP) || strcmp(s->name, "clock") == 0;
}

int
main(int argc, char **argv)
{
	struct source_env env = { .rootfs = "" };
	struct sink sink = { .put = print_value };
	void *inst[64] = { 0 };
	char line[16];

	if (argc != 3)
		errx(2, "usage: readers_cli PROC SYS");
	env.proc = argv[1];
	env.sys = argv[2];
	while (fgets(line, sizeof line, stdin)) {
		for (size_t i = 0; sources[i] && i < ARRAY_LEN(inst); i++)
			if (is_told(sources[i]) &&
			    (inst[i] || sources[i]->open(&env, &inst[i]) >= 0))
				(void)sources[i]->sample(inst[i], 0, &sink);
		printf("\n");
		fflush(stdout);
	}
	for (size_t i = 0; sources[i] && i < ARRAY_LEN(inst); i++)
		if (inst[i])
			sources[i]->close(inst[i]);
	return 0;
}
