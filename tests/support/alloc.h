/* SPDX-License-Identifier: Apache-2.0
 *
 * Watches the heap of a test program: how often memory was asked for, shared libraries
 * included, and what happens when there is none. List tests/support/alloc.c in SOURCES. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

size_t alloc_count(void); /* calls of malloc, calloc and realloc so far */
/* Let the n-th call from now fail, once (1: the next one); 0: none. false: the program runs
 * under AddressSanitizer, whose allocator can be watched but not made to fail. */
bool alloc_fail(size_t n);
