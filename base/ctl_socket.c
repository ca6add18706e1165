/* SPDX-License-Identifier: Apache-2.0
 *
 * The socket file: its address, and how a daemon takes it over from one that was killed. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/ctl_wire.h"

int
ctl_address(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	if (len >= sizeof ret->sun_path)
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, len + 1);
	return 0;
}

/* A socket file that nobody answers is left over from a daemon that was killed. */
static int
remove_stale(const char *path, const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, err;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = connect(fd, (const struct sockaddr *)sa, sizeof *sa) < 0 ? errno : 0;
	close(fd);
	if (err != ECONNREFUSED)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : 0;
}

static int
bind_socket(int fd, const struct sockaddr_un *sa, int backlog)
{
	mode_t before = umask(0117); /* 0660 from the first moment on */
	int err = 0;

	if (bind(fd, (const struct sockaddr *)sa, sizeof *sa) < 0)
		err = -errno;
	umask(before);
	if (!err && listen(fd, backlog) < 0)
		err = -errno;
	return err;
}

int
ctl_listen(const char *path, int backlog)
{
	struct sockaddr_un sa;
	int fd, err;

	err = ctl_address(path, &sa);
	if (!err)
		err = remove_stale(path, &sa);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = bind_socket(fd, &sa, backlog);
	if (err < 0)
		close(fd);
	return err < 0 ? err : fd;
}
