/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the files of a membership are: domains/NAME in the state directory, or domains/_ for a domain
 * that the configuration does not name. */
#pragma once
#include "agent/identity.h"
#include "trust/time.h"
#include <limits.h>

/* Makes it (0700). A domain that the node has joined without its name, and which the configuration names
 * now, keeps what it has. state NULL: nothing is kept, "". time NULL: nothing is proved. */
int domain_dir(const char *state, const char *name, const struct identity *identity,
    const struct trust_time *time, char ret[PATH_MAX]) MUST_CHECK;
