/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/hex.h"
#include "base/crypto.h"

#include <stdio.h>
#include <string.h>

struct slice
hex_bytes(const char *text)
{
	size_t len = strlen(text) / 2;
	uint8_t *bytes = malloc(len ? len : 1);

	if (!bytes || hex_parse(text, bytes, len) < 0) {
		fprintf(stderr, "not hex: %s\n", text);
		abort();
	}
	return (struct slice){ bytes, len };
}

void
hex_bytes_free(struct slice s)
{
	free((void *)s.data);
}
