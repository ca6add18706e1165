/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks a daemon's control socket from a test in the same process: the blocking client runs in a
 * thread, the server in the test's loop. Answers are lines of JSON. */
#pragma once
#include "base/buf.h"

struct ev_loop;
struct asker;

/* args: an encoded map, copied; empty: none. */
struct asker *
ask_start(struct ev_loop *loop, const char *path, const char *command, struct slice args);
/* Runs the loop until n items have come or the answer has ended; all of it so far, one item per
 * line, and in the end "end" or "refused CODE: REASON". Valid until the next call. */
const char *ask_wait(struct asker *a, unsigned n);
void ask_stop(struct asker *a); /* hangs up */

/* The whole answer of a command at once. To be freed. */
char *ask(struct ev_loop *loop, const char *path, const char *command, struct slice args);
