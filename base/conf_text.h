/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as they stand in a configuration file; each form reads back to the same number.
 * Only for conf*.c. */
#pragma once
#include "base/buf.h"

void conf_put_duration(struct buf *out, int64_t ms); /* "90s", "250ms", "0s" */
void conf_put_size(struct buf *out, int64_t bytes);  /* "64KiB", "100B" */
void conf_put_real(struct buf *out, double v);	     /* the shortest that reads back */
