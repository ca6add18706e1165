/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attribute.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool PRINTF(2, 0) format_path(char dst[PATH_MAX], const char *fmt, va_list args)
{
	int n = vsnprintf(dst, PATH_MAX, fmt, args);

	return n > 0 && n < PATH_MAX;
}

/* O_NONBLOCK: whatever stands under a configured root, it must not stop us. */
static size_t
read_file(const char *path, char *dst, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	dst[0] = 0;
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, dst, size - 1);
	close(fd);
	dst[n > 0 ? n : 0] = 0;
	return n > 0 ? (size_t)n : 0;
}

FILE *
attribute_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	FILE *f = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f = fdopen(fd, "r");
	if (!f && fd >= 0)
		close(fd);
	return f;
}

void
attribute_copy(char *dst, size_t size, const char *src)
{
	size_t len;

	src += strspn(src, " \t");
	len = strcspn(src, "\n");
	while (len > 0 && strchr(" \t\r", src[len - 1]))
		len--;
	if (len > size - 1)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		dst[i] = src[i] >= 0x20 && src[i] < 0x7f ? src[i] : '?';
	dst[len] = 0;
}

bool
attribute_text(char *dst, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], text[1024];
	va_list args;

	dst[0] = 0;
	va_start(args, fmt);
	bool ok = format_path(path, fmt, args);
	va_end(args);
	if (!ok || read_file(path, text, sizeof text) == 0)
		return false;
	attribute_copy(dst, size, text);
	return dst[0] != 0;
}

bool
attribute_uint(uint64_t *ret, const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *end;
	va_list args;

	va_start(args, fmt);
	bool ok = format_path(path, fmt, args);
	va_end(args);
	if (!ok || read_file(path, text, sizeof text) == 0 || text[0] < '0' ||
	    text[0] > '9')
		return false;
	*ret = strtoull(text, &end, 10);
	return end[strspn(end, " \n")] == 0;
}

bool
attribute_exists(const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;

	va_start(args, fmt);
	bool ok = format_path(path, fmt, args);
	va_end(args);
	return ok && access(path, F_OK) == 0;
}
