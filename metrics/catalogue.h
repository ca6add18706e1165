/* SPDX-License-Identifier: Apache-2.0
 *
 * The metrics that are built in, as the tables of the sources have them: for lists, manuals, completion
 * and exposition. */
#pragma once
#include "metrics/list.h"
#include "metrics/source.h"

/* A part of a name, a list as list_parse() knows it, or "" for all, to a pattern. -EINVAL: err says why. */
int catalogue_pattern(const char *text, char pattern[LIST_PATTERN_MAX + 1], char *err,
    size_t err_size) MUST_CHECK;
void catalogue_each(const char *pattern,
    void (*each)(void *arg, const struct source *s, const struct metric *m), void *arg);
/* The labels of its series, "cpu, mode"; "": none. */
const char *catalogue_labels(const struct source *s, const struct metric *m);
const char *catalogue_type(const struct metric *m); /* "counter" */
/* Pairs into an open map: metric, type, unit, labels, source, help. s NULL: of no source; name: who
 * has it. */
void catalogue_put(
    struct buf *out, const struct source *s, const char *name, const struct metric *m);
