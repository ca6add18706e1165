/* SPDX-License-Identifier: Apache-2.0
 *
 * Each call is made so that it cannot do harm where it is let through: the kernel then complains of
 * its arguments, or does nothing. Denied is EPERM or EACCES, whoever says so. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/sandbox.h"

#define CALL(name_, ...)                              \
	{                                             \
#name_, SYS_##name_, { __VA_ARGS__ }, \
	}
#define NOWHERE -1 /* a descriptor, a request or a length that there is not */

struct call {
	const char *name;
	long number;
	long arg[5];
};
static const struct call calls[] = {
	CALL(execve, 0, 0, 0),
	CALL(execveat, NOWHERE, 0, 0, 0, NOWHERE),
	CALL(ptrace, NOWHERE, 0, 0, 0),
	CALL(process_vm_readv, 0, 0, 0, 0, 0),
	CALL(process_vm_writev, 0, 0, 0, 0, 0),
	CALL(bpf, NOWHERE, 0, 0),
	CALL(perf_event_open, 0, 0, NOWHERE, NOWHERE, NOWHERE),
	CALL(userfaultfd, NOWHERE),
	CALL(io_uring_setup, 0, 0),
	CALL(io_uring_enter, NOWHERE, 0, 0, 0, 0),
	CALL(io_uring_register, NOWHERE, 0, 0, 0),
	CALL(memfd_create, 0, 0),
	CALL(mount, 0, 0, 0, 0, 0),
	CALL(umount2, 0, 0),
	CALL(pivot_root, 0, 0),
	CALL(chroot, 0),
	CALL(unshare, 0),
	CALL(setns, NOWHERE, 0),
	CALL(add_key, 0, 0, 0, 0, 0),
	CALL(request_key, 0, 0, 0, 0),
	CALL(keyctl, NOWHERE, 0, 0, 0, 0),
	CALL(kexec_load, 0, NOWHERE, 0, 0),
	CALL(init_module, 0, 0, 0),
	CALL(finit_module, NOWHERE, 0, NOWHERE),
	CALL(delete_module, 0, 0),
	CALL(name_to_handle_at, NOWHERE, 0, 0, 0, 0),
	CALL(open_by_handle_at, NOWHERE, 0, 0),
	CALL(personality, 0xffffffff), /* asks for it, and leaves it */
	CALL(setuid, NOWHERE),	       /* no user: EINVAL */
	CALL(setgid, NOWHERE),
	CALL(setreuid, NOWHERE, NOWHERE), /* leaves both */
	CALL(setresuid, NOWHERE, NOWHERE, NOWHERE),
	CALL(setresgid, NOWHERE, NOWHERE, NOWHERE),
	CALL(setgroups, NOWHERE, 0),
};

static bool
is_denied(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

/* A file without a name, which is gone when it is closed. */
static bool
may_write(const char *directory)
{
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	bool denied = is_denied(fd);

	if (fd >= 0)
		close(fd);
	return !denied;
}

static bool
may_list(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool denied = is_denied(fd);

	if (fd >= 0)
		close(fd);
	return !denied;
}

/* Not vfork: what is denied would have to be undone. */
static bool
may_have_namespace(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | CLONE_THREAD, 0, 0, 0, 0);

	return !is_denied(
	    pid); /* let through it is EINVAL: both cannot be had together */
}

void
sandbox_probe(sandbox_probe_f *result, void *arg)
{
	static const char *const writable[] = { "/tmp", "/var/tmp", "/dev/shm" };

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const long *a = calls[i].arg;

		if (sandbox_spares(calls[i].name))
			continue;
		result(arg, calls[i].name,
		    is_denied(syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4])));
	}
	result(arg, "clone into a namespace", !may_have_namespace());
	result(arg, "list /", !may_list("/"));
	for (size_t i = 0; i < ARRAY_LEN(writable); i++) {
		char what[64];

		snprintf(what, sizeof what, "write to %s", writable[i]);
		if (!access(writable[i], F_OK))
			result(arg, what, !may_write(writable[i]));
	}
}
