/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of numbers in the kernel's text files. They are read many times a second, and strtod()
 * takes half a microsecond a number, knows locales, and lets pass what no kernel writes. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Digits with at most one point among them, after blanks and tabs; *at moves behind them. No sign, no
 * exponent, 19 digits at most before the point, and a blank or the end of the line or of the text behind:
 * anything else is garbage, and *at stays. */
bool scan_number(const char **at, double *ret);
/* The next line of *rest, which it ends with NUL; NULL: there is none. A last line without a newline was
 * cut off and is none. */
char *scan_line(char **rest);
/* Does the line begin with the word? What follows it then, else NULL. */
const char *scan_word(const char *line, const char *word);
