/* SPDX-License-Identifier: Apache-2.0
 *
 * How far one word is from another, for "did you mean": an unknown key or command is refused
 * with the known one that is nearest. */
#pragma once

#define NEAREST_WORD_MAX 64 /* bytes compared; what is longer is cut */

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b. */
unsigned nearest_distance(const char *a, const char *b);
