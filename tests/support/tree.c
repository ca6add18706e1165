/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tree.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
make_parents(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			err(99, "%s", path);
		*at = '/';
	}
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f) != 0)
		err(99, "%s", path);
}

static void
grow_line(const char *dir, char *line)
{
	char path[4096], *text = strchr(line, ' ');

	if (line[0] == '#' || !text)
		return;
	*text++ = '\0';
	snprintf(path, sizeof path, "%s/%s", dir, line);
	make_parents(path);
	if (strncmp(text, "-> ", 3) != 0)
		write_file(path, text);
	else if (symlink(text + 3, path) < 0)
		err(99, "%s", path);
}

void
tree_grow(const char *fixture, const char *dir)
{
	FILE *f = fopen(fixture, "r");
	char line[1024];

	if (!f)
		err(99, "%s", fixture);
	while (fgets(line, sizeof line, f)) {
		line[strcspn(line, "\n")] = '\0';
		grow_line(dir, line);
	}
	fclose(f);
}
