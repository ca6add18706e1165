/* SPDX-License-Identifier: Apache-2.0
 *
 * Times and spans as people type them. */
#pragma once
#include <stdint.h>

#include "base/mem.h"

/* "2026-11-21T10:00:05Z", "2026-11-21 10:00" (UTC), "10:00" (today), "now", "-2h" (ago), or seconds
 * since 1970; ms since 1970. -EINVAL. */
int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms) MUST_CHECK;
/* "90", "1.5" (seconds), "250ms", "5m", "1h30m". -EINVAL; ms > 0. */
int when_parse_span(const char *text, int64_t *ret_ms) MUST_CHECK;
