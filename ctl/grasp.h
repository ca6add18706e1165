/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands fogctl grasp …: each has a row in ctl/commands.c and a file of its own. They ask no
 * daemon. Arguments come as the map that the row describes; the exit code is returned. */
#pragma once
#include "ctl/output.h"

struct grasp_print;
struct input;

int grasp_decode_run(struct slice args, struct printer *p);
int grasp_discover_run(struct slice args, struct printer *p);
int grasp_flood_run(struct slice args, struct printer *p);
int grasp_sync_run(struct slice args, struct printer *p);
int grasp_negotiate_run(struct slice args, struct printer *p);
int grasp_listen_run(struct slice args, struct printer *p);

/* Of decode: the messages in a capture. args: "port", repeated, and "all". 0, or what went wrong
 * with the file; -EBADMSG and -EPROTONOSUPPORT have been told. */
int grasp_capture(struct grasp_print *p, struct input *in, struct slice args);
