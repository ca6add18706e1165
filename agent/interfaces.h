/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
#include "base/conf.h"
#include "protocol/caps.h"

/* The network interfaces but loopback, with kind, radio technology and addresses; real ones
 * before virtual ones, at most CAPS_INTERFACES_MAX. radios: interface to technology, from the
 * configuration; it wins. Interfaces without a readable <sys>/class/net entry are "other". */
void interfaces_collect(const char *sys, const struct conf_map *radios, struct caps *ret);
