/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages that came from a file, a capture or the network, one line each: what fogctl grasp decode
 * and fogctl grasp listen have in common. */
#pragma once
#include "base/addr.h"
#include "ctl/output.h"
#include "grasp/msg.h"

struct grasp_origin {
	int64_t time_us;       /* since 1970 */
	struct addr from, to;  /* from.port 0: not known, only the line is */
	const char *transport; /* "udp", "tcp" */
	unsigned line;	       /* of a text file; 0: none */
};

struct grasp_print {
	struct printer *printer; /* whose output tells the form */
	bool addresses;		 /* JSON: also where it came from */
	unsigned messages, errors;
	struct grasp_msg last; /* the one printed last, while its bytes are there */
};

/* Prints the message that in begins with and who has signed it, or why it is none. Returns its length,
 * with that of the signature behind it; 0 if it is none. */
size_t grasp_print(struct grasp_print *p, const struct grasp_origin *o, struct slice in);
void grasp_print_error(struct grasp_print *p, const struct grasp_origin *o,
    const char *fmt, ...) PRINTF(3, 4);
