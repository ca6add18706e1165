/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a daemon's life that needs no loop: its user, its directory, its files. */
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"

/* --- directories ---------------------------------------------------------------------- */
static int
own_directory(const char *path, mode_t mode, const struct passwd *pw)
{
	if (access(path, F_OK) == 0)
		return 0;
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return -errno;
	return pw && chown(path, pw->pw_uid, pw->pw_gid) < 0 ? -errno : 0;
}

int
daemon_make_directories(const char *user, const char *socket, const char *state_dir)
{
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	char run[PATH_MAX];
	int err = own_directory(daemon_directory(socket, run, sizeof run), 0755, pw);

	return err < 0 || !pw ? err : own_directory(state_dir, 0700, pw);
}

/* --- one instance --------------------------------------------------------------------- */
/* The directory holds keys: nobody else may write there. */
static int
open_state_dir(const char *path)
{
	struct stat st;
	int fd, err = 0;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		err = -EPERM;
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}

int
daemon_state_dir(const char *path, int *ret_lock_fd)
{
	int dir, lock;

	dir = open_state_dir(path);
	if (dir < 0)
		return dir;
	lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0) {
		int err = -errno;

		close(dir);
		return err;
	}
	close(dir);
	if (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		int err = -errno;

		close(lock);
		return err;
	}
	*ret_lock_fd = lock;
	return 0;
}

/* --- privileges ----------------------------------------------------------------------- */
static int
find_user(const char *user, uid_t *ret_uid, gid_t *ret_gid)
{
	char memory[16384];
	struct passwd pw, *found;
	int err;

	err = getpwnam_r(user, &pw, memory, sizeof memory, &found);
	if (err)
		return -err;
	if (!found)
		return -ESRCH;
	if (found->pw_uid == 0)
		return -EINVAL;
	*ret_uid = found->pw_uid;
	*ret_gid = found->pw_gid;
	return 0;
}

/* Believe the kernel, not the return values of the calls that did it. */
static bool
is_dropped(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0)
		return false;
	if (r != uid || e != uid || s != uid || rg != gid || eg != gid || sg != gid)
		return false;
	return setresuid(0, 0, 0) < 0 && setresuid((uid_t)-1, 0, (uid_t)-1) < 0 &&
	    (gid == 0 || setresgid((gid_t)-1, 0, (gid_t)-1) < 0);
}

int
daemon_drop_privileges(const char *user)
{
	uid_t uid;
	gid_t gid;
	int err;

	if (!user)
		return 0;
	if (geteuid() != 0)
		return -EPERM;
	err = find_user(user, &uid, &gid);
	if (err < 0)
		return err;
	if (initgroups(user, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0)
		return -errno;
	return is_dropped(uid, gid) ? 0 : -ENOTRECOVERABLE;
}

/* --- confinement ---------------------------------------------------------------------- */
void
daemon_confine(
    const char *program, const struct sandbox_paths *paths, struct sandbox_state *ret)
{
	char had[96];
	int err = sandbox_enter(paths, false, ret);

	sandbox_describe(ret, had, sizeof had);
	if (err < 0)
		log_warnx("daemon", "%s is confined in part only: %s (%s)", program, had,
		    strerror(-err));
	else
		log_info("daemon", "%s is confined: %s", program, had);
}

char *
daemon_directory(const char *path, char *dst, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!slash)
		snprintf(dst, size, ".");
	else
		snprintf(dst, size, "%.*s", (int)(len ? len : 1), path);
	return dst;
}

/* --- files ---------------------------------------------------------------------------- */
static int
write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int
write_beside(const char *path, const void *data, size_t len)
{
	int fd, err;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, data, len);
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* Without this the rename itself may be gone after a power cut. */
static int
sync_directory_of(const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	int fd, err = 0;

	if (slash)
		snprintf(dir, sizeof dir, "%.*s/", (int)(slash - path), path);
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int
place_file(const char *path, const void *data, size_t len, unsigned how)
{
	char beside[PATH_MAX];
	int err;

	if ((size_t)snprintf(beside, sizeof beside, "%s.tmp", path) >= sizeof beside)
		return -ENAMETOOLONG;
	err = write_beside(beside, data, len);
	if (!err && renameat2(AT_FDCWD, beside, AT_FDCWD, path, how) < 0)
		err = -errno;
	if (err < 0) {
		unlink(beside);
		return err;
	}
	return sync_directory_of(path);
}

int
daemon_write_file(const char *path, const void *data, size_t len)
{
	return place_file(path, data, len, 0);
}

int
daemon_create_file(const char *path, const void *data, size_t len)
{
	return place_file(path, data, len, RENAME_NOREPLACE);
}

ssize_t
daemon_read_file(const char *path, void *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	while (len < size && n) {
		n = read(fd, (char *)dst + len, size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		len += (size_t)n;
	}
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)len;
}
