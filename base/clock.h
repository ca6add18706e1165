/* SPDX-License-Identifier: Apache-2.0
 *
 * The one source of time of the daemons. Intervals and deadlines count on CLOCK_BOOTTIME,
 * which goes on in suspend; the wall clock is only for what a person or a peer reads.
 * Code below an event loop takes the time from its grasp_io instead, so that it can run in
 * virtual time. */
#pragma once
#include <stddef.h>
#include <stdint.h>

int64_t clock_boot_ms(void); /* since boot, suspend included */
int64_t clock_wall_ms(void); /* since 1970, UTC */
int64_t clock_wall_ns(void); /* the same, to compare with time stamps of the kernel */
/* period_ms ± percent, uniformly from the 32 random bits given (babeld's roughly()). */
uint32_t clock_jitter(uint32_t period_ms, unsigned percent, uint32_t random);

#define CLOCK_TEXT_MAX 32
/* "2026-11-21T11:33:07.250Z" into dst; returns dst. */
char *clock_format(int64_t wall_ms, char dst[CLOCK_TEXT_MAX]);
/* "90 s", "5 min", "2 h 10 min" into dst for people; returns dst. */
char *clock_format_span(int64_t ms, char dst[CLOCK_TEXT_MAX]);
/* "250ms", "1s", "5m", "1h30m", "2d" as in Prometheus. -EINVAL if it is none; ms > 0. */
int clock_parse_span(const char *text, int64_t *ret_ms);
