/* SPDX-License-Identifier: Apache-2.0
 *
 * What the controller knows of a node, as labels for expressions over all of them (CMP-09): type, vendor,
 * domain, arch, its tags by their names; service and function, of each function that is placed on it. */
#pragma once
#include "controller/history.h"
#include "controller/registry.h"

struct judge;

/* Those of the names that the node has. As many sets as it has functions, if one of the names is theirs;
 * 0: there is none. */
unsigned node_labels(const struct node *n, const struct judge *j,
    const char (*name)[METRIC_LABEL_NAME_MAX], unsigned names,
    struct metric_labels ret[HISTORY_VARIANTS_MAX]);
