/* SPDX-License-Identifier: Apache-2.0
 *
 * Transport addresses as people write them. */
#pragma once
#include "base/addr.h"
#include "base/mem.h"

#define ADDR_TEXT_MAX 80
/* "[fe80::1%e0]:7017", "192.0.2.1:7017"; port 0 leaves "fe80::1%e0". Returns dst. */
char *addr_format(const struct addr *a, char dst[ADDR_TEXT_MAX]);
/* Any of the forms above, numeric only. -EINVAL: it is none; -ENODEV: no such interface. */
int addr_parse(const char *text, struct addr *ret) MUST_CHECK;
