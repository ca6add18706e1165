/* SPDX-License-Identifier: Apache-2.0
 *
 * System calls that fail when a test says so. A program that uses it has tests/support/syscalls.c
 * among its sources and $(faulty_flags) among its flags. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

enum syscall {
	SYS_SOCKET,
	SYS_SETSOCKOPT,
	SYS_GETSOCKOPT,
	SYS_BIND,
	SYS_LISTEN,
	SYS_ACCEPT4,
	SYS_CONNECT,
	SYS_GETSOCKNAME,
	SYS_SEND,
	SYS_RECV,
	SYS_RECVMSG,
	SYSCALLS
};

/* The nth call from now (1: the next) and times - 1 after it fail with err; n 0: none. */
void syscall_fail(enum syscall which, unsigned n, unsigned times, int err);
void syscall_mend(void); /* all work again */
/* How often it was called since the last syscall_mend(). */
unsigned syscall_count(enum syscall which);
/* The next recv() calls get these bytes instead, one slice each; the bytes stay the caller's. */
struct syscall_bytes {
	const void *data;
	size_t len;
};
void syscall_feed(const struct syscall_bytes *bytes, size_t count);
/* Changes what recvmsg() has received; NULL: nothing. */
void syscall_twist(void (*twist)(struct msghdr *m));
unsigned syscall_descriptors(void); /* open in this process */
