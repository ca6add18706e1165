/* SPDX-License-Identifier: Apache-2.0
 *
 * A deny list, not an allow list: what a new C library calls goes on working. Newer kernels than the
 * headers take more, older ones are asked for less. */
#include <config.h> /* the build's, not ours */

#include "base/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined __SANITIZE_ADDRESS__
#define ADDRESS_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifndef ADDRESS_SANITIZER
#define ADDRESS_SANITIZER 0
#endif

struct ruleset_attr {
	uint64_t files, net, scoped; /* older kernels read less of it, by its size */
};
struct beneath_attr {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static int ruleset =
    -1; /* for threads that come later; of the only sandbox of a process */

const char *const sandbox_denied[] = { "execve", "execveat",
	/* mounts, namespaces and other users: an orchestrator's program may need them */
	"mount", "umount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig",
	"fsmount", "fspick", "move_mount", "open_tree", "mount_setattr", "unshare",
	"setns", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setfsuid", "setfsgid", "setgroups", "setuid32", "setgid32", "setreuid32",
	"setregid32", "setresuid32", "setresgid32", "setfsuid32", "setfsgid32",
	"setgroups32", "capset", "memfd_create", "personality",
	/* here it ends: other processes */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"pidfd_getfd", "kcmp",
	/* large and young parts of the kernel */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
	"io_uring_register", "fanotify_init", "memfd_secret",
	/* keys, files by handle */
	"add_key", "request_key", "keyctl", "name_to_handle_at", "open_by_handle_at",
	/* the machine */
	"quotactl", "quotactl_fd", "swapon", "swapoff", "kexec_load", "kexec_file_load",
	"init_module", "finit_module", "delete_module", "create_module", "reboot", "acct",
	"syslog", "iopl", "ioperm", "sethostname", "setdomainname", "settimeofday",
	"clock_settime", "stime", "vhangup", "modify_ldt", "uselib", "lookup_dcookie",
	NULL };
#define FOR_SPAWNERS "ptrace" /* from here on */

/* --- files ---------------------------------------------------------------------------------------- */
int
sandbox_landlock(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Of an ABI: what can be handled at all. */
uint64_t
sandbox_handled_files(int abi)
{
	return ACCESS_FIRST_ABI | (abi >= 2 ? ACCESS_REFER : 0) |
	    (abi >= 3 ? ACCESS_TRUNCATE : 0) | (abi >= 5 ? ACCESS_IOCTL_DEV : 0);
}

/* Ports are left alone: peers are connected to wherever they are. */
int
sandbox_open_ruleset(int abi)
{
	struct ruleset_attr attr = {
		.files = sandbox_handled_files(abi),
		.scoped = abi >= 6 ? SCOPE_SIGNAL : 0,
	};
	size_t size = abi >= 6 ? sizeof attr
	    : abi >= 4	       ? offsetof(struct ruleset_attr, scoped)
			       : offsetof(struct ruleset_attr, net);
	long fd = syscall(SYS_landlock_create_ruleset, &attr, size, 0);

	return fd < 0 ? -errno : (int)fd;
}

int
sandbox_allow_path(int set, const char *path, uint64_t access)
{
	struct beneath_attr rule = { .parent = open(path, O_PATH | O_CLOEXEC) };
	struct stat st;
	int err = 0;

	if (rule.parent < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0
									      : -errno;
	if (fstat(rule.parent, &st) < 0)
		err = -errno;
	rule.allowed = S_ISDIR(st.st_mode) ? access : access & OF_FILES;
	if (!err && rule.allowed &&
	    syscall(SYS_landlock_add_rule, set, RULE_PATH_BENEATH, &rule, 0) < 0)
		err = -errno;
	close(rule.parent);
	return err;
}

int
sandbox_allow_paths(int set, const char *const *path, uint64_t access)
{
	int err = 0;

	for (; path && *path && !err; path++)
		if (**path)
			err = sandbox_allow_path(set, *path, access);
	return err;
}

static int
fill_ruleset(int set, const struct sandbox_paths *paths, int abi)
{
	uint64_t known = sandbox_handled_files(abi);
	int err = sandbox_allow_paths(set, paths->read_write, WRITES & known);

	if (!err)
		err = sandbox_allow_paths(set, paths->read_only, READS & known);
	if (!err)
		err = sandbox_allow_paths(set, paths->remove_only, REMOVES & known);
	if (!err)
		err = sandbox_allow_path(set, "/dev/null", WRITES & known);
#ifdef COVERAGE_DIR /* where its counters go when the program ends */
	if (!err)
		err = sandbox_allow_path(set, COVERAGE_DIR, WRITES & known);
#endif
	return err;
}

int
sandbox_enter_thread(void)
{
	if (ruleset < 0)
		return 0;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -errno;
	return 0;
}

static int
restrict_files(const struct sandbox_paths *paths, int *ret_abi)
{
	int abi = sandbox_landlock(), set, err;

	if (!abi)
		return 0;
	set = sandbox_open_ruleset(abi);
	if (set < 0)
		return set;
	err = fill_ruleset(set, paths, abi);
	if (err < 0) {
		close(set);
		return err;
	}
	if (ruleset >= 0)
		close(ruleset);
	ruleset = set;
	err = sandbox_enter_thread();
	if (!err)
		*ret_abi = abi;
	return err;
}

bool
sandbox_spares(const char *call)
{
	return ADDRESS_SANITIZER &&
	    (!strcmp(call, "ptrace") || !strncmp(call, "process_vm_", 11));
}

/* --- system calls --------------------------------------------------------------------------------- */
#ifdef HAVE_SECCOMP
int
sandbox_deny_call(scmp_filter_ctx filter, const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	int err;

	if (number == __NR_SCMP_ERROR || sandbox_spares(name))
		return 0;
	err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0);
	return err == -EEXIST || err == -EDOM ? 0 : err;
}

/* Namespaces can be had from clone(2) as well. A filter cannot see what clone3(2) is told, which is
 * behind a pointer: the C library falls back to clone where there is none. */
int
sandbox_deny_namespaces(scmp_filter_ctx filter)
{
	static const unsigned kinds[] = { CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC,
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP };
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && !err; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
#if defined __s390__ || defined __CRIS__
		    SCMP_A1(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]));
#else
		    SCMP_A0(SCMP_CMP_MASKED_EQ, kinds[i], kinds[i]));
#endif
	return err
	    ? err
	    : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static size_t
first_denied(bool exec)
{
	size_t i = 0;

	while (exec && strcmp(sandbox_denied[i], FOR_SPAWNERS) != 0)
		i++;
	return i;
}

static int
restrict_calls(bool exec, bool *ret)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (!filter)
		return -ENOMEM;
	err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = first_denied(exec); sandbox_denied[i] && !err; i++)
		err = sandbox_deny_call(filter, sandbox_denied[i]);
	if (!err && !exec)
		err = sandbox_deny_namespaces(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	*ret = !err;
	return err;
}
#else
static int
restrict_calls(bool exec, bool *ret)
{
	(void)exec;
	*ret = false;
	return 0;
}
#endif

/* --- the whole ------------------------------------------------------------------------------------ */
/* Files first: the filter may stand on kernels where Landlock's calls are unknown to it. */
int
sandbox_enter(const struct sandbox_paths *paths, bool exec, struct sandbox_state *ret)
{
	int err = 0, calls;

	*ret = (struct sandbox_state){ 0 };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	ret->no_new_privs = true;
	if (paths)
		err = restrict_files(paths, &ret->landlock);
	calls = restrict_calls(exec, &ret->seccomp);
	return err ? err : calls;
}

char *
sandbox_describe(const struct sandbox_state *s, char *dst, size_t size)
{
	char files[32] = "no Landlock";

	if (s->landlock)
		snprintf(files, sizeof files, "Landlock ABI %d", s->landlock);
	snprintf(dst, size, "%s, %s, %s",
	    s->no_new_privs ? "no new privileges" : "privileges can be had", files,
	    s->seccomp ? "seccomp" : "no seccomp");
	return dst;
}
