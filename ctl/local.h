/* SPDX-License-Identifier: Apache-2.0
 *
 * What commands need that fogctl does itself, instead of asking a daemon. */
#pragma once
#include "base/buf.h"

enum { LOCAL_DONE, LOCAL_REFUSED, LOCAL_USAGE }; /* exit codes */

/* Complain on standard error; return LOCAL_REFUSED and LOCAL_USAGE. */
int local_refuse(const char *fmt, ...) PRINTF(1, 2);
int local_usage(const char *fmt, ...) PRINTF(1, 2);

/* Where the controller would be asked, for a command that has done something it has to know. */
void local_set_socket(const char *path);
const char *local_socket(void);

/* The values of a key that may be given several times, as encoded items; returns how many. */
size_t local_all(struct slice args, const char *key, struct slice *dst, size_t max);
