/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp decode on arbitrary bytes: captures, lines, bare messages. Each byte of the output is
 * one that a terminal may get. */
#include "ctl/grasp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* All ports, so that every branch is reached. */
static const uint8_t all[] = { 0xa1, 0x63, 'a', 'l', 'l', 0xf5 };

static void
look_at(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert(text[i] == '\n' || (uint8_t)text[i] >= 0x20);
}

static void
decode(int fd, const struct output *output)
{
	struct printer p = { .output = output };
	char *text = NULL;
	size_t len = 0;
	int status;

	assert(lseek(fd, 0, SEEK_SET) == 0);
	p.to = open_memstream(&text, &len);
	status = grasp_decode_run((struct slice){ all, sizeof all }, &p);
	assert(status == 0 || status == 1);
	fclose(p.to);
	if (output != &output_cbor)
		look_at(text, len);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int fd;

	if (len > INPUT_MAX)
		return 0;
	fd = memfd_create("input", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	dup2(fd, STDIN_FILENO);
	decode(STDIN_FILENO, &output_text);
	decode(STDIN_FILENO, &output_json);
	close(fd);
	return 0;
}
