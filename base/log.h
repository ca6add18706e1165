/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines to stderr: a sentence that a stranger can act on, with an area token in front
 * ("discovery", "plan") by which debug output is chosen. The time is the journal's business
 * unless log_times() asks for it. Whatever is not printable in a line, a peer's bytes above
 * all, is written as \xNN. log_warn and log_error add strerror(errno); all keep errno. */
#pragma once
#include "base/mem.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_open(const char *program, enum log_level level);
void log_times(bool on);
/* Comma list of areas whose debug lines are wanted, "all" for every one; NULL for none. */
int log_set_debug(const char *areas);

void log_error(const char *area, const char *fmt, ...) PRINTF(2, 3);  /* with errno */
void log_errorx(const char *area, const char *fmt, ...) PRINTF(2, 3); /* without */
void log_warn(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_warnx(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_info(const char *area, const char *fmt, ...) PRINTF(2, 3);
void log_debug(const char *area, const char *fmt, ...) PRINTF(2, 3);
/* The same for a library that asks for a callback; arg is not used. */
void log_vdebug(void *arg, const char *area, const char *fmt, va_list ap) PRINTF(3, 0);
/* For rare-event limits: true at most once a minute per caller's own state. */
bool log_limited(int64_t *last_ms);
