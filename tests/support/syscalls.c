/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/syscalls.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

static struct {
	unsigned n, times, count;
	int err;
} faults[SYSCALLS];
static const struct syscall_bytes *fed;
static size_t left;
static void (*twister)(struct msghdr *m);

void
syscall_fail(enum syscall which, unsigned n, unsigned times, int err)
{
	faults[which].n = n ? faults[which].count + n : 0;
	faults[which].times = times;
	faults[which].err = err;
}

void
syscall_mend(void)
{
	memset(faults, 0, sizeof faults);
	fed = NULL;
	left = 0;
	twister = NULL;
}

unsigned
syscall_count(enum syscall which)
{
	return faults[which].count;
}

void
syscall_feed(const struct syscall_bytes *bytes, size_t count)
{
	fed = bytes;
	left = count;
}

void
syscall_twist(void (*twist)(struct msghdr *m))
{
	twister = twist;
}

unsigned
syscall_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static bool
fails(enum syscall which)
{
	unsigned now = ++faults[which].count, n = faults[which].n;

	if (n == 0 || now < n || now >= n + faults[which].times)
		return false;
	errno = faults[which].err;
	return true;
}

/* The linker sends calls of x() to __wrap_x() and of __real_x() to the real one. */
#define WRAP(type, name, which, parameters, arguments) \
	type __real_##name parameters;                 \
	type __wrap_##name parameters;                 \
	type __wrap_##name parameters                  \
	{                                              \
		if (fails(which))                      \
			return -1;                     \
		return __real_##name arguments;        \
	}

WRAP(int, socket, SYS_SOCKET, (int domain, int type, int protocol),
    (domain, type, protocol))
WRAP(int, setsockopt, SYS_SETSOCKOPT,
    (int fd, int level, int name, const void *value, socklen_t len),
    (fd, level, name, value, len))
WRAP(int, getsockopt, SYS_GETSOCKOPT,
    (int fd, int level, int name, void *value, socklen_t *len),
    (fd, level, name, value, len))
WRAP(int, bind, SYS_BIND, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len))
WRAP(int, listen, SYS_LISTEN, (int fd, int backlog), (fd, backlog))
WRAP(int, accept4, SYS_ACCEPT4, (int fd, struct sockaddr *sa, socklen_t *len, int flags),
    (fd, sa, len, flags))
WRAP(int, connect, SYS_CONNECT, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len))
WRAP(int, getsockname, SYS_GETSOCKNAME, (int fd, struct sockaddr *sa, socklen_t *len),
    (fd, sa, len))
WRAP(ssize_t, send, SYS_SEND, (int fd, const void *data, size_t len, int flags),
    (fd, data, len, flags))

ssize_t __real_recv(int fd, void *data, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t len, int flags);
ssize_t
__wrap_recv(int fd, void *data, size_t len, int flags)
{
	if (fails(SYS_RECV))
		return -1;
	if (left == 0 || fed->len > len)
		return __real_recv(fd, data, len, flags);
	memcpy(data, fed->data, fed->len);
	left--;
	return (ssize_t)fed++->len;
}

ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t
__wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t n = fails(SYS_RECVMSG) ? -1 : __real_recvmsg(fd, m, flags);

	if (n >= 0 && twister)
		twister(m);
	return n;
}
