/* SPDX-License-Identifier: Apache-2.0
 *
 * What is attached to this node: what the configuration says and what the kernel shows. A name is
 * that of the device file or, of a sensor of the subsystem IIO, that of its chip. */
#pragma once
#include "base/conf.h"
#include "protocol/caps.h"

/* After interfaces_collect(): CAN is found among them. */
void devices_collect(const char *sys, const struct conf_list *configured, struct caps *ret);
