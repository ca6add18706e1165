/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole terminal for a while: drawn anew at each turn, given back as it was however the program
 * ends. One at a time. */
#pragma once
#include "base/buf.h"
#include <stdio.h>

unsigned screen_columns(FILE *to); /* of the terminal there; 0: it is none */
bool screen_is_possible(void);	   /* are standard input and output a terminal? */

/* From here on keys come one by one and are not shown. SIGINT ends the program with status 0, SIGTERM and
 * SIGHUP as they would, after screen_end(). -errno. */
int screen_begin(void) MUST_CHECK;
void screen_end(void); /* harmless if it was not begun */
void screen_size(unsigned *ret_columns, unsigned *ret_rows);
void screen_draw(struct slice text); /* in place of what is there; lines end with \n */

enum screen_event { SCREEN_TIME, SCREEN_RESIZED, SCREEN_KEY };
/* Waits for a key, another size of the window, or until so long has passed. */
enum screen_event screen_wait(int64_t ms, char *ret_key);
