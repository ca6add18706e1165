/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this node is: 16 random bytes, made at the first start and kept in the state directory.
 * A file that is there but cannot be read is an error and never a reason for a new identity:
 * the node would be somebody else for its controllers (REG-11). */
#pragma once
#include "protocol/names.h"
#include <stdbool.h>
#include <stdint.h>

struct identity {
	struct fog_id id;
	char name[FOG_NAME_MAX + 1]; /* for people */
	uint8_t boot[8];	     /* random per start of the agent */
	bool fresh;		     /* made just now */
};

/* name NULL: the host name. -EBADMSG: the file holds no identity; -errno of reading or writing. */
int
identity_load(const char *state_dir, const char *name, struct identity *ret) MUST_CHECK;
void identity_set_name(struct identity *i, const char *name);
