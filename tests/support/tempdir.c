/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tempdir.h"

#include <err.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *
tempdir_new(void)
{
	char template[] = "/tmp/fogwatch-test-XXXXXX";
	char *dir = mkdtemp(template);

	if (!dir || !(dir = strdup(dir)))
		err(99, "mkdtemp");
	return dir;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st, (void)kind, (void)at;
	return remove(path);
}

void
tempdir_remove(char *dir)
{
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(dir);
}
