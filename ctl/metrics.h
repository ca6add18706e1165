/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands that read what is measured; each runs here and asks a daemon. */
#pragma once
#include "ctl/output.h"

int query_run(struct slice args, struct printer *p);
int watch_run(struct slice args, struct printer *p);
int metrics_run(struct slice args, struct printer *p);
