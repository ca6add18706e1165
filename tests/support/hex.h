/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a test table, written as hex digits. */
#pragma once
#include "base/buf.h"

/* A heap copy of exactly that length, so that a sanitizer sees each byte read beyond it.
 * Ends the program where text is not hex. Freed by hex_bytes_free(). */
struct slice hex_bytes(const char *text);
void hex_bytes_free(struct slice s);
