/* SPDX-License-Identifier: Apache-2.0
 *
 * What a service does beside its work: signals, readiness and watchdog by sd_notify(3)'s
 * protocol (spoken directly, no library), privileges, state directory, one instance. */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct daemon;
struct sandbox_paths;
struct sandbox_state;

struct daemon_ops {
	void (*stop)(void *arg);   /* SIGTERM, SIGINT: first time orderly, second time at once */
	void (*reload)(void *arg); /* SIGHUP; may be NULL */
};

/* Before the loop: SIGPIPE ignored, descriptors 0-2 open, dumpable off, core limit 0. */
void daemon_prepare(void);
int daemon_new(struct ev_loop *loop, const struct daemon_ops *ops, void *arg, struct daemon **ret)
    MUST_CHECK;
void daemon_free(struct daemon *d);
DEFINE_FREEP(struct daemon, daemon_free)

void daemon_ready(struct daemon *d, const char *status); /* READY=1; also starts the watchdog feed */
void daemon_status(const char *fmt, ...) PRINTF(1, 2);
void daemon_stopping(void);
/* While we may: the directories of the control socket and of the state, for the user (NULL: ours). What
 * is there is the packager's business; without a user daemon_state_dir() makes the second one. */
int daemon_make_directories(
    const char *user, const char *socket, const char *state_dir) MUST_CHECK;
/* Makes the directory (0700) if needed and takes a lock in it. -EWOULDBLOCK: another instance;
 * -EPERM: group or others may write there. */
int daemon_state_dir(const char *path, int *ret_lock_fd) MUST_CHECK;
/* To the user and its groups, for good; no-op when user is NULL. -EPERM when not root, -ESRCH no
 * such user, -EINVAL that is root again, -ENOTRECOVERABLE the way back is open: exit. */
int daemon_drop_privileges(const char *user) MUST_CHECK;
/* The sandbox of a process that has everything open, told to the log. What this kernel cannot give is a
 * warning, no error: fogctl diag shows it. program: "fogwatch-agent". */
void daemon_confine(const char *program, const struct sandbox_paths *paths,
    struct sandbox_state *ret);
/* The directory that a file is in, as far as it is named: "." at least. */
char *daemon_directory(const char *path, char *dst, size_t size);
/* Write, sync, rename: the file is the old or the new one, whole, whatever happens. */
int daemon_write_file(const char *path, const void *data, size_t len) MUST_CHECK;
/* The same for what is never replaced. -EEXIST: something is there. */
int daemon_create_file(const char *path, const void *data, size_t len) MUST_CHECK;
/* The first size bytes of what they have written, or all if there are fewer: how many. -ENOENT: there is
 * no such file yet. */
ssize_t daemon_read_file(const char *path, void *dst, size_t size) MUST_CHECK;
