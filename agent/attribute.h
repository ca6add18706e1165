/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files of the kernel that are read now and then, mostly once: one line of text. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The first line of the file at the formatted path, white space around it cut off; bytes that
 * are no printable ASCII become '?', since it goes to peers as text. False and "" if there is none. */
bool attribute_text(char *dst, size_t size, const char *fmt, ...) PRINTF(3, 4);
bool attribute_uint(uint64_t *ret, const char *fmt, ...) PRINTF(2, 3);
bool attribute_exists(const char *fmt, ...) PRINTF(1, 2);
/* A file of several lines, if it is a regular one; NULL: there is none. fclose() ends it. */
FILE *attribute_open(const char *path);
/* src into dst by the same rules. */
void attribute_copy(char *dst, size_t size, const char *src);
