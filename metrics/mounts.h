/* SPDX-License-Identifier: Apache-2.0
 *
 * Can reading below a path hang? The kernel's own file systems answer from memory; a FUSE server, a
 * file server or a disk may never answer. Asking the path itself could hang, so the table of mounts is
 * read instead. */
#pragma once
#include <stdbool.h>

#define MOUNTS_SELF "/proc/self/mountinfo"

/* False only for a path in procfs, sysfs or a cgroup hierarchy with nothing below it mounted from
 * elsewhere (lxcfs puts FUSE files into /proc). When in doubt: true. */
bool mounts_may_block(const char *mountinfo, const char *path);
/* Is the path itself on a file system that waits for a server? When in doubt: false. */
bool mounts_is_served(const char *mountinfo, const char *path);
/* Does this type of file system wait for a server? */
bool mounts_is_remote(const char *type);
