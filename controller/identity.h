/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this controller is: 16 random bytes, made at the first start and kept in the state directory,
 * beside the databases and not in them: their loss does not make it somebody else. */
#pragma once
#include "protocol/names.h"

/* -EBADMSG: the file is there and holds no identity, which is never a reason for a new one; other
 * -errno of reading or writing. */
int identity_load(const char *state_dir, struct fog_id *ret) MUST_CHECK;
