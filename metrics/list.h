/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of metrics by their names (RPT-01): PromQL's {__name__=~"node_network_.*"}, or for short a name
 * that begins or ends with *, which no expression does: node_network_*. */
#pragma once
#include "base/buf.h"

#define LIST_PATTERN_MAX 128 /* bytes */

/* 1: it is one, and this its pattern, as =~ has it; 0: it is none, but maybe an expression; -EINVAL: it is
 * one that cannot be used, for the reason in err. */
int list_parse(const char *text, char pattern[LIST_PATTERN_MAX + 1], char *err,
    size_t err_size) MUST_CHECK;
