/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this controller is: the id of its key, which `fogctl domain init` makes, beside the databases and
 * not in them: their loss does not make it somebody else. */
#pragma once
#include "base/crypto_key.h"
#include "protocol/names.h"

#define IDENTITY_DIR "domain" /* in the state directory: the files of struct credential, and the key */

/* The key of the domain's controller. -ENOENT: there is none; with make, for a controller that speaks
 * plain GRASP, another one is made then, beside the domain's. -EBADMSG: a file is there and holds no
 * key, which is never a reason for a new one; -EPERM: others may read it; other -errno. */
int identity_load(const char *state_dir, bool make, struct key **ret) MUST_CHECK;
void identity_id(const struct key *k, struct fog_id *ret);
