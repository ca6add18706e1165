/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/alloc.h"

#include <errno.h>
#include <stdatomic.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

static atomic_size_t calls;

size_t
alloc_count(void)
{
	return calls;
}

#ifdef WITH_ASAN
extern int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void *, size_t),
    void (*on_free)(const volatile void *));

static void
on_malloc(const volatile void *p, size_t size)
{
	(void)p;
	(void)size;
	calls++;
}

static void
on_free(const volatile void *p)
{
	(void)p;
}

static void __attribute__((constructor)) install_hooks(void)
{
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

bool
alloc_fail(size_t n)
{
	(void)n;
	return false;
}

#else
/* glibc lets a program put its own allocator in front; these names reach the real one. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t size);

static atomic_size_t fails_at;

bool
alloc_fail(size_t n)
{
	fails_at = n ? calls + n : 0;
	return true;
}

static bool
may_allocate(void)
{
	if (++calls != fails_at)
		return true;
	errno = ENOMEM;
	return false;
}

void *
malloc(size_t size)
{
	return may_allocate() ? __libc_malloc(size) : NULL;
}

void *
calloc(size_t n, size_t size)
{
	return may_allocate() ? __libc_calloc(n, size) : NULL;
}

void *
realloc(void *p, size_t size)
{
	return may_allocate() ? __libc_realloc(p, size) : NULL;
}
#endif
