/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of everything that is wrong with a file, so that all of it is told at once:
 * "agent.yaml:7:3: period: 0 is below 100 ms". Errors refuse the file; warnings do not. */
#pragma once
#include "base/buf.h"
#include <stdio.h>

#define COMPLAINTS_MAX 100

struct complaints {
	struct buf text; /* one line each */
	unsigned errors, warnings;
};

void complaints_init(struct complaints *c);
void complaints_done(struct complaints *c);
/* where: file; line 0 leaves line and column out; key "" or NULL leaves the key out. */
void complain(struct complaints *c, const char *file, unsigned line, unsigned column,
    const char *key, const char *fmt, ...) PRINTF(6, 7);
void complain_warning(struct complaints *c, const char *file, unsigned line, unsigned column,
    const char *key, const char *fmt, ...) PRINTF(6, 7);
void complaints_print(const struct complaints *c, FILE *to);
