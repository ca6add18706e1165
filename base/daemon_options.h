/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line that both daemons have: -c FILE, -n, -v, -d AREAS, -h, -V. */
#pragma once
#include <stdbool.h>

enum { DAEMON_EXIT_DONE, DAEMON_EXIT_REFUSED, DAEMON_EXIT_USAGE };

struct daemon_options {
	const char *config; /* NULL: the usual one */
	const char *debug;  /* NULL: as configured */
	bool check, print;
};

/* program: "fogwatch-agent"; usual: where its configuration is. Returns -1 to go on, else what to
 * exit with. */
int daemon_options(int argc, char **argv, const char *program, const char *usual,
    struct daemon_options *ret);
