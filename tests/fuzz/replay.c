// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over its corpus where there is no libFuzzer: the files named on the
// command line, or all of tests/fuzz/corpus/NAME/ for a program called fuzz_NAME.
#include "base/mem.h"
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0;

	if (!f)
		return -1;
	if (fseek(f, 0, SEEK_END) == 0)
		size = (size_t)ftell(f);
	rewind(f);
	data = malloc(size + 1); /* exactly the file, for AddressSanitizer's sake */
	if (data && size > 0)
		data = realloc(data, size);
	size_t got = data ? fread(data, 1, size, f) : 0;
	fclose(f);
	if (data && got == size)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return data && got == size ? 0 : -1;
}

static void
report(int number, const char *path)
{
	const char *slash = strrchr(path, '/');
	int err = replay_file(path);

	printf("%sok %d - %s\n", err ? "not " : "", number, slash ? slash + 1 : path);
	fflush(stdout);
}

static int
is_input(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int
replay_corpus(const char *name)
{
	const char *top = getenv("top_srcdir");
	struct dirent **list;
	char dir[4096], path[4400];

	snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus/%s", top ? top : ".", name);
	int n = scandir(dir, &list, is_input, alphasort);
	if (n <= 0) {
		printf("1..1\nnot ok 1 - no corpus in %s\n", dir);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		report(i + 1, path);
		free(list[i]);
	}
	free(list);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "fuzz_");

	if (argc < 2)
		return replay_corpus(name ? name + strlen("fuzz_") : argv[0]);
	printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++)
		report(i, argv[i]);
	return 0;
}
