/* SPDX-License-Identifier: Apache-2.0
 *
 * A guard for fuzz targets: a member of a domain that has heard of nobody. */
#pragma once
#include "trust/guard.h"

/* The input as a datagram to ff02::13 that has passed the cheap checks. */
enum grasp_verdict guarded_hear(enum guard_mode mode, struct slice datagram);
