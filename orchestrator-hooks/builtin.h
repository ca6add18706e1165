/* SPDX-License-Identifier: Apache-2.0
 *
 * The types that are built in, one file and one line in hooks.c each, and what they share. */
#pragma once
#include "base/conf.h"
#include "orchestrator-hooks/hook.h"

extern const struct hook_type hook_log;	 /* hook_log.c: tells, moves nothing */
extern const struct hook_type hook_exec; /* hook_exec.c: a program per event */

extern const struct hook_type
    *const hook_types[]; /* all of them, NULL-terminated: hooks.c */
const struct hook_type *hook_type_find(const char *name);

/* Reads an instance's configuration by an option table; ret as for conf_load(), to be freed by
 * conf_free() even after a failure. err gets the first complaint. */
int hook_config_load(const struct conf_option *table, size_t len, const char *json,
    void *ret, char *err, size_t err_len) MUST_CHECK;
