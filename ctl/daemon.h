/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon that is asked: that of this machine, or a controller elsewhere. Complaints go to standard
 * error here. */
#pragma once
#include "base/ctl.h"
#include "ctl/command.h"

struct daemon_at {
	const char *socket; /* NULL: where it is by default */
	const char *controller,
	    *identity; /* elsewhere, and who we are there; NULL: here */
};
/* For the commands that are run here but ask; borrowed from then on. */
void daemon_set(const struct daemon_at *at);
bool daemon_is_named(void); /* has somebody said which one? */

/* Where both daemons run, the controller is asked what both know. */
const char *daemon_default_socket(enum asked asked);
/* -errno, and somebody has been told why, unless quiet. */
int daemon_open(const struct daemon_at *at, enum asked asked, bool quiet,
    struct ctl_client **ret) MUST_CHECK;
int daemon_open_set(enum asked asked, bool quiet, struct ctl_client **ret) MUST_CHECK;

/* One request: each item of the answer goes to item(), whose error ends it. Returns an exit status.
 * asked: to say which daemon it would have been. */
int daemon_ask(struct ctl_client *c, const char *command, enum asked asked,
    struct slice args, int (*item)(void *arg, struct slice in), void *arg);
