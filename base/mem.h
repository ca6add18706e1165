/* SPDX-License-Identifier: Apache-2.0
 *
 * Ownership made visible: TAKE gives a pointer away, CLEANUP frees it at the end of the
 * scope, and DEFINE_FREEP lets CLEANUP call any x_free(). */
#pragma once
#include <stddef.h>
#include <stdlib.h>

#define TAKE(p)                                                                          \
	({                                                                               \
		__typeof__(p) *pp_ = &(p), v_ = *pp_;                                    \
		*pp_ = NULL;                                                             \
		v_;                                                                      \
	})
#define CLEANUP(fn) __attribute__((cleanup(fn##p)))
#define DEFINE_FREEP(type, fn)                                                           \
	static inline void fn##p(type **p)                                               \
	{                                                                                \
		fn(*p);                                                                  \
	}
#ifndef MUST_CHECK
#define MUST_CHECK __attribute__((warn_unused_result))
#endif
/* Not zeroed by the compiler (-ftrivial-auto-var-init): for what is large, set before it is read, and
 * made too often for that. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define UNSET __attribute__((uninitialized))
#endif
#endif
#ifndef UNSET
#define UNSET
#endif
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void
free_textp(char **p)
{
	free(*p);
}
