/* SPDX-License-Identifier: Apache-2.0
 *
 * What both ends of the control socket agree on, see ctl.h. Only for ctl_*.c. */
#pragma once
#include "base/cbor.h"

#define CTL_REQUEST_MAX 65536 /* bytes */
#define CTL_COMMAND_MAX 64    /* bytes of a command's name, with NUL */
#define CTL_ITEMS_MAX	4096  /* of CBOR in one request */

enum ctl_answer { CTL_ITEM, CTL_END, CTL_REFUSED };

struct sockaddr_un;

/* -ENAMETOOLONG: a socket's path holds 107 bytes. */
int ctl_address(const char *path, struct sockaddr_un *ret) MUST_CHECK;
/* A descriptor that listens, mode 0660; errors as of ctl_open(). */
int ctl_listen(const char *path, int backlog) MUST_CHECK;
void ctl_request_put(struct buf *out, const char *command, struct slice args);
/* *ret_args borrows from item, or is an empty map. */
int ctl_request_parse(
    struct slice item, char *ret_command, size_t size, struct slice *ret_args) MUST_CHECK;
