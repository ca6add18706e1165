/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A sixteenth of the disk, so that what it gives way to is no room for history. */
#define BALLAST_MAX  (16 << 20)
#define BALLAST_MIN  (1 << 20)
#define ROOM_PERCENT 10

static void
make_path(const char *dir, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/ballast", dir);
}

bool
store_has_room(const char *dir)
{
	struct statvfs st;

	return !statvfs(dir, &st) && st.f_bavail * 100 >= st.f_blocks * ROOM_PERCENT;
}

/* 0: the disk is too small, or has no room. */
static off_t
choose_size(const char *dir)
{
	struct statvfs st;
	unsigned long long size;

	if (statvfs(dir, &st))
		return 0;
	size = st.f_blocks * st.f_frsize / 16;
	if (size > BALLAST_MAX)
		size = BALLAST_MAX;
	if (size < BALLAST_MIN || st.f_bavail * st.f_frsize < 4 * size ||
	    !store_has_room(dir))
		return 0;
	return (off_t)size;
}

void
store_ballast_make(const char *dir)
{
	off_t size = choose_size(dir);
	char path[PATH_MAX];
	int fd, err;

	make_path(dir, path);
	if (!size || !access(path, F_OK))
		return;
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	err = posix_fallocate(fd, 0, size);
	close(fd);
	if (err) {
		log_warnx("store", "%s: no ballast: %s", path, strerror(err));
		unlink(path);
	}
}

bool
store_ballast_drop(const char *dir)
{
	char path[PATH_MAX];

	make_path(dir, path);
	if (unlink(path))
		return false;
	log_warnx("store",
	    "the disk of %s is full: the room kept for this is given to control"
	    " data, history waits for more",
	    dir);
	return true;
}
