/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/file.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PAGE_BYTES 4096
#define LINE_BYTES 512

int
file_init(struct file *f, const char *root, const char *name)
{
	f->fd = -1;
	if (asprintf(&f->path, "%s/%s", root, name) < 0) {
		f->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void
close_file(struct file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void
file_done(struct file *f)
{
	if (!f->path)
		return;
	close_file(f);
	free(f->path);
	f->path = NULL;
}

/* An ordinary file under a configured root may be replaced by rename: it is opened each time. */
static bool
is_kernel_file(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 &&
	    (st.f_type == PROC_SUPER_MAGIC || st.f_type == SYSFS_MAGIC ||
		st.f_type == CGROUP_SUPER_MAGIC || st.f_type == CGROUP2_SUPER_MAGIC);
}

static bool
is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static int
open_file(struct file *f)
{
	if (f->fd >= 0)
		return 0;
	/* O_NONBLOCK: a FIFO under a configured root must not stop the loop. */
	f->fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0)
		return -errno;
	f->keep = is_kernel_file(f->fd);
	if (f->keep || is_regular(f->fd))
		return 0;
	close(f->fd);
	f->fd = -1;
	return -EINVAL;
}

static void
end_read(struct file *f)
{
	if (!f->keep)
		close_file(f);
}

static ssize_t
read_at(struct file *f, char *dst, size_t size, off_t at)
{
	ssize_t n;

	do
		n = pread(f->fd, dst, size, at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static bool
is_dead(ssize_t err)
{
	return err == -ENODEV || err == -ESTALE || err == -ENXIO;
}

static ssize_t
read_start(struct file *f, char *dst, size_t size)
{
	bool was_open = f->fd >= 0;
	ssize_t n = open_file(f);

	if (n < 0)
		return n;
	n = read_at(f, dst, size, 0);
	if (is_dead(n)) {
		close_file(f);
		if (was_open && open_file(f) == 0)
			n = read_at(f, dst, size, 0);
		if (is_dead(n))
			close_file(f);
	}
	return n;
}

ssize_t
file_read(struct file *f, char *dst, size_t size)
{
	ssize_t n = read_start(f, dst, size - 1);

	end_read(f);
	dst[n > 0 ? n : 0] = '\0';
	return n;
}

/* whole: a first piece that is shorter is all there is. */
static ssize_t
read_pieces(struct file *f, char *dst, size_t size, ssize_t whole)
{
	ssize_t n = read_start(f, dst, size - 1), sum = 0;

	while (n > 0) {
		bool end = sum == 0 && n < whole && f->keep;

		sum += n;
		n = !end && (size_t)sum < size - 1
		    ? read_at(f, dst + sum, size - 1 - (size_t)sum, sum)
		    : 0;
	}
	end_read(f);
	dst[sum] = '\0';
	return n < 0 ? n : sum;
}

ssize_t
file_read_all(struct file *f, char *dst, size_t size)
{
	return read_pieces(f, dst, size, 0);
}

/* The kernel fills a page as long as the next line fits. */
ssize_t
file_read_lines(struct file *f, char *dst, size_t size)
{
	return read_pieces(f, dst, size, PAGE_BYTES - LINE_BYTES);
}

bool
file_parse_number(const char *text, double *ret)
{
	static const char space[] = " \t\r\n";
	double v;
	char *end;

	text += strspn(text, space);
	/* strtod would also take "inf", "nan" and hexadecimal, and no attribute means that. */
	if (text[strspn(text, "+-.0123456789eE")] != '\0' &&
	    !strchr(space, text[strspn(text, "+-.0123456789eE")]))
		return false;
	v = strtod(text, &end);
	if (end == text || end[strspn(end, space)] != '\0')
		return false;
	*ret = v;
	return true;
}

int
file_read_number(struct file *f, double *ret)
{
	char text[FILE_ATTRIBUTE_MAX];
	ssize_t n = file_read(f, text, sizeof text);

	if (n < 0)
		return (int)n;
	return file_parse_number(text, ret) ? 0 : -EBADMSG;
}

int
file_read_word(struct file *f, char *dst, size_t size)
{
	ssize_t n = file_read(f, dst, size);

	if (n < 0)
		return (int)n;
	dst[strcspn(dst, "\r\n")] = '\0';
	return dst[0] ? 0 : -EBADMSG;
}

static bool
is_removed(DIR *dir)
{
	struct stat st;

	return fstat(dirfd(dir), &st) < 0 || st.st_nlink == 0;
}

int
file_scan(
    void **dir, const char *path, void (*each)(void *arg, const char *name), void *arg)
{
	const struct dirent *entry;

	if (*dir && is_removed(*dir)) {
		closedir(*dir);
		*dir = NULL;
	}
	if (*dir)
		rewinddir(*dir);
	else if (!(*dir = opendir(path)))
		return -errno;
	while ((entry = readdir(*dir)))
		if (entry->d_name[0] != '.')
			each(arg, entry->d_name);
	return 0;
}

void
file_scan_done(void **dir)
{
	if (*dir)
		closedir(*dir);
	*dir = NULL;
}
