/* SPDX-License-Identifier: Apache-2.0
 *
 * Small kernel files that are read again and again: the descriptor stays open and is read
 * with pread from the start, one system call a time. A device that went away and came back
 * leaves a dead descriptor behind (ENODEV, ESTALE); then the path is opened anew.
 * A file that is not there is no error until it is read: it may come later. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <sys/types.h>

#define FILE_ATTRIBUTE_MAX 256 /* of text that one attribute of sysfs holds */

struct file {
	char *path;
	int fd;	   /* -1: closed */
	bool keep; /* open between reads */
};

/* The path is <root>/<name>. -ENOMEM. */
int file_init(struct file *f, const char *root, const char *name) MUST_CHECK;
void file_done(struct file *f); /* copes with a zeroed struct */
/* Text with NUL into dst; its length or a negative errno. More than fits is cut. */
ssize_t file_read(struct file *f, char *dst, size_t size) MUST_CHECK;
/* The same for files that the kernel hands out page by page (seq_file). */
ssize_t file_read_all(struct file *f, char *dst, size_t size) MUST_CHECK;
/* The same where lines are short: one system call if they fit in the kernel's first page. */
ssize_t file_read_lines(struct file *f, char *dst, size_t size) MUST_CHECK;
/* One number and nothing else but white space around it; false for anything else. */
bool file_parse_number(const char *text, double *ret);
/* The attribute as a number; -EBADMSG: it holds something else. */
int file_read_number(struct file *f, double *ret) MUST_CHECK;
/* The attribute as a word, without the newline. */
int file_read_word(struct file *f, char *dst, size_t size) MUST_CHECK;

void file_scan_done(void **dir); /* NULL in it is fine */
/* Calls each() with every entry but the hidden ones. *dir is kept open between the calls, so that
 * a scan allocates nothing; the owner ends it with file_scan_done(). */
int file_scan(
    void **dir, const char *path, void (*each)(void *arg, const char *name), void *arg);
