/* SPDX-License-Identifier: Apache-2.0
 *
 * Completion for shells: their scripts ask fogctl itself what may come next, so that the tables
 * are the only place that knows. */
#pragma once
#include "ctl/command.h"
#include <stdio.h>

/* Asks the daemon; item is called for each item of the answer. No answer is no items. */
struct completion_source {
	void (*ask)(void *arg, const char *socket,
	    const char *command, /* socket NULL: the usual one */
	    void (*item)(void *item_arg, struct slice item), void *item_arg);
	void *arg;
};

/* The script for a shell. -EINVAL: not a shell we know. */
int completion_print_script(const char *shell, FILE *to);

/* Writes a line "WORD<tab>HELP" for each word that may stand where the last one of argv stands and
 * begins like it; none where any text or a file may stand. Names of peers are offered only if no
 * shell could take them for anything else. */
void completion_print_words(
    char *const *argv, int argc, const struct completion_source *source, FILE *to);
