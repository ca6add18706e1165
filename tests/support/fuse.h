/* SPDX-License-Identifier: Apache-2.0
 *
 * A file system whose files hang, lie and disappear when a test says so: FUSE, spoken with the
 * kernel directly, by a child process in a mount namespace of the test's own. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>

#define FUSE_FILES_MAX 16

struct fuse_fs;

/* Before the program has threads. NULL: /dev/fuse or the right to mount is missing; *why tells. */
struct fuse_fs *fuse_start(const char **why);
const char *fuse_path(const struct fuse_fs *fs); /* where it is mounted */
/* A file of this content, made or replaced; its directories come with it. NULL: there is none. */
void fuse_set(struct fuse_fs *fs, const char *path, const char *content);
/* Reads of it get no answer until they are let go. */
void fuse_hang(struct fuse_fs *fs, const char *path, bool hangs);
/* Reads of it fail with this errno; 0: no more. */
void fuse_fail(struct fuse_fs *fs, const char *path, int err);
void fuse_kill(struct fuse_fs *fs); /* the server is gone, its mount stays */
void fuse_stop(struct fuse_fs *fs); /* and all it left */
