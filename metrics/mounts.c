/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/mounts.h"
#include "base/mem.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOUNTINFO_MAX (256 * 1024)

static const char *const remote[] = { "9p", "afs", "autofs", "beegfs", "ceph", "cifs",
	"coda", "davfs", "fuse", "fuseblk", "gfs2", "glusterfs", "gpfs", "lustre",
	"ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "smb3", "smbfs", "sshfs",
	"virtiofs" };
static const char *const kernel[] = { "cgroup", "cgroup2", "proc", "sysfs" };

static bool
is_among(const char *const *list, size_t len, const char *type)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(list[i], type) == 0)
			return true;
	return false;
}

bool
mounts_is_remote(const char *type)
{
	return strncmp(type, "fuse.", 5) == 0 ||
	    is_among(remote, ARRAY_LEN(remote), type);
}

/* All of it, or NULL. */
static char *
read_table(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? malloc(MOUNTINFO_MAX) : NULL;
	size_t len = 0;
	ssize_t n = -1;

	while (text && len < MOUNTINFO_MAX - 1 &&
	    (n = read(fd, text + len, MOUNTINFO_MAX - 1 - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		close(fd);
	if (!text || n != 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

/* "22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw" */
static bool
parse_line(char *line, const char **point, const char **type)
{
	for (unsigned i = 0; i < 4; i++)
		if (!strsep(&line, " "))
			return false;
	*point = strsep(&line, " ");
	line = line ? strstr(line, " - ") : NULL;
	if (!line)
		return false;
	line += 3;
	*type = strsep(&line, " ");
	return true;
}

/* Is path the same as dir, or below it? */
static bool
is_within(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true; /* "/" */
	return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* What is written otherwise than the table writes it is looked up nowhere. */
static bool
is_plain(const char *path)
{
	size_t n = strlen(path);

	return path[0] == '/' && n > 1 && path[n - 1] != '/' && !strstr(path, "//") &&
	    !strstr(path, "/.") && !strpbrk(path, " \t\n\\");
}

struct place {
	bool kernel, served; /* what the path is on */
	bool served_below;
};

/* false: it is not known. */
static bool
find_place(const char *mountinfo, const char *path, struct place *ret)
{
	char *text = is_plain(path) ? read_table(mountinfo) : NULL, *rest = text, *line;
	size_t longest = 0;

	*ret = (struct place){ 0 };
	while (rest && (line = strsep(&rest, "\n"))) {
		const char *point, *type;

		if (!parse_line(line, &point, &type))
			continue;
		if (is_within(path, point) && strlen(point) >= longest) {
			longest = strlen(point);
			ret->kernel = is_among(kernel, ARRAY_LEN(kernel), type);
			ret->served = mounts_is_remote(type);
			ret->served_below = false; /* it covers what was there */
		} else if (is_within(point, path)) {
			ret->served_below |= mounts_is_remote(type);
		}
	}
	free(text);
	return longest > 0;
}

bool
mounts_may_block(const char *mountinfo, const char *path)
{
	struct place p;

	return !find_place(mountinfo, path, &p) || !p.kernel || p.served_below;
}

bool
mounts_is_served(const char *mountinfo, const char *path)
{
	struct place p;

	return find_place(mountinfo, path, &p) && p.served;
}
