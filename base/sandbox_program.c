/* SPDX-License-Identifier: Apache-2.0
 *
 * A program of somebody else's on a node of ours: another user where that can be had, the system to
 * read, its own files, no network, no sockets of this machine, bounded memory and processes, and
 * nothing by which it could outlive its process group, signal us or slow us down. */
#include <config.h> /* the build's, not ours */

#include "base/sandbox_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PRIORITY	 10 /* behind everything that serves */
#define SCOPE_SIGNAL_ABI 6  /* Landlock itself keeps signals in */

/* --- user and network --------------------------------------------------------------------- */
static int
become_user(const char *name)
{
	const struct passwd *user = getpwnam(name);

	if (!user)
		return -ESRCH;
	if (user->pw_uid == geteuid())
		return 0;
	if (initgroups(name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -errno;
	return setuid(0) == 0 ? -ENOTRECOVERABLE : 0;
}

/* When memory ends, it is the first to go. */
static void
be_expendable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1000", 4) < 0)
		errno = 0; /* as it was */
	if (fd >= 0)
		close(fd);
	if (setpriority(PRIO_PROCESS, 0, PRIORITY) < 0)
		errno = 0;
}

/* Who has not the privilege is denied its sockets all the same, where there is seccomp. */
static int
leave_network(void)
{
	int err = unshare(CLONE_NEWNET) < 0 ? -errno : 0;

#ifdef HAVE_SECCOMP
	err = 0;
#endif
	return err;
}

int
sandbox_become(const struct sandbox_program *p)
{
	int err = 0;

	be_expendable();
	umask(077);
	if (!p->network)
		err = leave_network();
	if (err < 0)
		return err;
	return p->user ? become_user(p->user) : 0;
}

/* --- limits --------------------------------------------------------------------------------- */
/* Threads of a process, if it is one of the user's. */
static uint64_t
count_threads(const char *pid, uid_t user)
{
	char path[300], text[2048];
	const char *uid, *threads;
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%s/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	uid = strstr(text, "\nUid:\t");
	threads = strstr(text, "\nThreads:\t");
	if (!uid || !threads || strtoul(uid + 6, NULL, 10) != user)
		return 0;
	return strtoul(threads + 10, NULL, 10);
}

/* The kernel counts all processes of a user, those that are not ours as well. */
static uint64_t
count_processes(uid_t user)
{
	DIR *proc = opendir("/proc");
	uint64_t n = 0;

	if (!proc)
		return 0;
	for (struct dirent *d = readdir(proc); d; d = readdir(proc))
		if (*d->d_name >= '1' && *d->d_name <= '9')
			n += count_threads(d->d_name, user);
	closedir(proc);
	return n;
}

static int
limit(int resource, uint64_t value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value }, now;

	if (getrlimit((unsigned)resource, &now) == 0 && now.rlim_max < r.rlim_max)
		r.rlim_cur = r.rlim_max = now.rlim_max; /* it is tighter already */
	return setrlimit((unsigned)resource, &r) < 0 ? -errno : 0;
}

static int
set_limits(const struct sandbox_program *p)
{
	const struct {
		int resource;
		uint64_t value;
	} limits[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_FSIZE, p->file_size },
		{ RLIMIT_AS, p->address_space ? p->address_space : RLIM_INFINITY },
		{ RLIMIT_DATA, p->memory ? p->memory : RLIM_INFINITY },
		{ RLIMIT_CPU, p->cpu_s ? p->cpu_s : RLIM_INFINITY },
		{ RLIMIT_NOFILE, p->files ? p->files : 64 },
		{ RLIMIT_NPROC, p->processes + count_processes(getuid()) },
	};
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(limits) && !err; i++)
		err = limit(limits[i].resource, limits[i].value);
	return err;
}

/* --- files ---------------------------------------------------------------------------------- */
/* No /tmp, no /home, no /run, no /var, and of /etc what every program may know. */
static const char *const system_paths[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64",
	"/usr", "/proc", "/sys", "/etc/alternatives", "/etc/ca-certificates",
	"/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/ld.so.cache",
	"/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime", "/etc/machine-id",
	"/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd", "/etc/pki",
	"/etc/protocols", "/etc/resolv.conf", "/etc/services", "/etc/ssl/certs",
	"/etc/ssl/openssl.cnf", "/etc/timezone", "/run/systemd/resolve", NULL };
static const char *const devices_to_read[] = { "/dev/random", "/dev/urandom", NULL };
static const char *const devices_to_write[] = { "/dev/full", "/dev/null", "/dev/zero",
	NULL };

static int
fill_ruleset(int set, int abi, const struct sandbox_program *p, const char *const *own)
{
	uint64_t known = sandbox_handled_files(abi);
	uint64_t use = (READS | ACCESS_EXECUTE) & known;
	uint64_t change = (WRITES | ACCESS_EXECUTE | ACCESS_IOCTL_DEV) & known;
	int err = sandbox_allow_paths(set, system_paths, use);

	if (!err)
		err = sandbox_allow_paths(set, devices_to_read, READS & known);
	if (!err)
		err = sandbox_allow_paths(set, devices_to_write, WRITES & known);
	if (!err)
		err = sandbox_allow_paths(set, own, use);
	if (!err)
		err = sandbox_allow_paths(set, p->read, use);
	return err ? err : sandbox_allow_paths(set, p->write, change);
}

static int
restrict_files(const struct sandbox_program *p, const char *const *own, int *ret_abi)
{
	int abi = sandbox_landlock(), set, err;

	*ret_abi = abi;
	if (!abi)
		return 0;
	set = sandbox_open_ruleset(abi);
	if (set < 0)
		return set;
	err = fill_ruleset(set, abi, p, own);
	if (!err && syscall(SYS_landlock_restrict_self, set, 0) < 0)
		err = -errno;
	close(set);
	return err;
}

/* --- system calls --------------------------------------------------------------------------- */
#ifdef HAVE_SECCOMP
/* What would outlive a process group, or tell other processes of the same user what to do. */
static const char *const denied[] = { "setsid", "setpgid", "shmget", "msgget", "semget",
	"mq_open", "migrate_pages", "move_pages", NULL };
/* These may be called for the process itself, which is 0 in the argument. */
static const struct {
	const char *name;
	unsigned argument;
} for_itself[] = { { "prlimit64", 0 }, { "sched_setscheduler", 0 },
	{ "sched_setattr", 0 }, { "sched_setparam", 0 }, { "sched_setaffinity", 0 },
	{ "setpriority", 0 }, { "setpriority", 1 }, { "ioprio_set", 1 } };
static const char *const signals[] = { "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"pidfd_send_signal", NULL };

static int
deny_list(scmp_filter_ctx filter, const char *const *names)
{
	int err = 0;

	for (; *names && !err; names++)
		if (strcmp(*names, "execve") != 0 && strcmp(*names, "execveat") != 0)
			err = sandbox_deny_call(filter, *names);
	return err;
}

static int
deny_if(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp when)
{
	int number = seccomp_syscall_resolve_name(name), err;

	if (number == __NR_SCMP_ERROR)
		return 0;
	err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1, when);
	return err == -EEXIST || err == -EDOM ? 0 : err;
}

static int
deny_others(scmp_filter_ctx filter)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(for_itself) && !err; i++)
		err = deny_if(filter, for_itself[i].name,
		    SCMP_CMP(for_itself[i].argument, SCMP_CMP_NE, 0, 0));
	return err;
}

/* Of signals, a kernel without scopes lets through what goes to the own group or thread: the first
 * process of the program knows its number, those it starts have to do without abort(3). */
static int
deny_signals(scmp_filter_ctx filter)
{
	scmp_datum_t self = (scmp_datum_t)getpid();
	int err = deny_list(filter, signals);

	if (!err)
		err = deny_if(filter, "tgkill", SCMP_CMP(0, SCMP_CMP_NE, self, 0));
	return err ? err : deny_if(filter, "kill", SCMP_CMP(0, SCMP_CMP_NE, 0, 0));
}

/* IPv4, IPv6 and what tells of interfaces; never a Unix socket, since ours are such. */
static int
deny_sockets(scmp_filter_ctx filter, bool network)
{
	int err = 0;

	if (!network)
		return sandbox_deny_call(filter, "socket");
	for (unsigned family = 0; family < AF_NETLINK && !err; family++)
		if (family != AF_INET && family != AF_INET6)
			err = deny_if(
			    filter, "socket", SCMP_CMP(0, SCMP_CMP_EQ, family, 0));
	return err ? err
		   : deny_if(filter, "socket", SCMP_CMP(0, SCMP_CMP_GT, AF_NETLINK, 0));
}

static int
restrict_calls(const struct sandbox_program *p, int abi)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err;

	if (!filter)
		return -ENOMEM;
	err = deny_list(filter, sandbox_denied);
	if (!err)
		err = deny_list(filter, denied);
	if (!err)
		err = sandbox_deny_namespaces(filter);
	if (!err)
		err = deny_others(filter);
	if (!err)
		err = deny_sockets(filter, p->network);
	if (!err && abi < SCOPE_SIGNAL_ABI)
		err = deny_signals(filter);
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
#else
static int
restrict_calls(const struct sandbox_program *p, int abi)
{
	(void)p, (void)abi;
	return 0;
}
#endif

/* The limits come last: what makes the filter needs memory, too. */
int
sandbox_enter_program(const struct sandbox_program *p, const char *const *own)
{
	int abi, err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	err = restrict_files(p, own, &abi);
	if (!err)
		err = restrict_calls(p, abi);
	return err ? err : set_limits(p);
}
