/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this node is: a key of its own, made at the first start and kept in the state directory as
 * node.key. The id follows from it (security.md §5.1), so nobody else can claim it. A file that is
 * there but cannot be used is an error and never a reason for a new key: the node would be somebody
 * else for its controllers (REG-11). */
#pragma once
#include "base/crypto_key.h"
#include "protocol/names.h"
#include <stdbool.h>
#include <stdint.h>

struct identity {
	struct fog_id id;
	struct key *key;
	char name[FOG_NAME_MAX + 1]; /* for people */
	uint8_t boot[8];	     /* random per start of the agent */
	bool fresh;		     /* made just now */
	bool had_other; /* fresh, and there is a file of the time when ids were random */
};

/* name NULL: the host name. -EBADMSG: the file holds no key of ours; -EPERM: others than its owner
 * may read it; -errno of reading or writing. */
int
identity_load(const char *state_dir, const char *name, struct identity *ret) MUST_CHECK;
void identity_done(struct identity *i);
void identity_set_name(struct identity *i, const char *name);
