/* SPDX-License-Identifier: Apache-2.0
 *
 * Running programs from a daemon that itself never forks: a small spawner process is forked at
 * the very start, before any socket, thread or secret, and does the fork and exec. Programs get
 * an argument vector (no shell), exactly the environment given, their own process group, one
 * input on stdin, and pipes for stdout and stderr. Output lines longer than 4 KiB are cut, output
 * above the limit is dropped and counted, or waits to be allowed. The spawner keeps the user it was
 * forked with, and programs start in "/". What a program leaves behind in its process group is killed when done
 * has been called.
 *
 * A spawner of its own table of programs starts nothing else, each confined as the table says:
 * whoever gets hold of the daemon can have started what was configured, and no more.
 *
 * Any function here may be called from the callbacks, spawner_stop() included. */
#pragma once
#include "base/buf.h"

struct ev_loop;
struct sandbox_program;
struct spawner;
struct spawn_child;

struct spawn_program {
	const char *const *argv; /* argv[0] is an absolute path */
	const char *const *env;	 /* "NAME=value"; never NULL */
	const struct sandbox_program *confine; /* NULL: as the spawner itself */
};
struct spawn_spec {
	const char *const *argv; /* argv[0] is an absolute path */
	const char *const *env;	 /* "NAME=value"; NULL: an empty environment but PATH */
	uint32_t program;	 /* of a spawner with a table: which one; argv and env are NULL */
	struct slice input;	 /* written to stdin, which is then closed … */
	bool keep_stdin;	 /* … or stays open for spawn_write() */
	size_t output_max;	 /* bytes of stdout and stderr each; 0: 64 KiB, SIZE_MAX: any */
	size_t line_max;	 /* 0: 4 KiB */
	bool stall;		 /* above output_max nothing is read until spawn_allow() */
};
typedef void spawn_line_f(void *arg, int fd, const char *line); /* fd 1 or 2, without newline */
/* wait status as of waitpid(2), or -errno when the program could not be started (-EPIPE: the spawner
 * is gone). Called once, never from inside spawn_run(), after the last line, when the program has
 * ended and its output is closed or 1 s later. The handle is gone when it returns. */
typedef void spawn_exit_f(void *arg, int status);

/* Forks: call it first of all in main(), after daemon_prepare(). -EBADF: descriptors 0-2 not open. */
int spawner_start(struct spawner **ret) MUST_CHECK;
/* One that starts these alone; the table need not outlive the call. */
int spawner_start_for(
    const struct spawn_program *table, uint32_t len, struct spawner **ret) MUST_CHECK;
int spawner_attach(struct spawner *s, struct ev_loop *loop) MUST_CHECK; /* later, with the loop */
/* Ends the process: children get SIGTERM, and SIGKILL 1 s later; done is not called for them. */
void spawner_stop(struct spawner *s);
DEFINE_FREEP(struct spawner, spawner_stop)

/* -E2BIG: arguments and environment above 64 KiB; -EAGAIN: 1024 programs run already. */
int spawn_run(struct spawner *s, const struct spawn_spec *spec, spawn_line_f *line,
    spawn_exit_f *done, void *arg, struct spawn_child **ret) MUST_CHECK;
int spawn_kill(struct spawn_child *c, int sig); /* the whole process group */
size_t spawn_dropped(const struct spawn_child *c); /* bytes of output left out so far */

/* With keep_stdin. -EPIPE: it has closed its stdin; -EAGAIN: 64 KiB wait already. */
int spawn_write(struct spawn_child *c, struct slice data) MUST_CHECK;
void spawn_close_stdin(struct spawn_child *c); /* at once */
/* With stall: another max bytes of stdout and stderr each may come from now on. */
void spawn_allow(struct spawn_child *c, size_t max);
bool spawn_is_stalled(const struct spawn_child *c); /* has it used up what was allowed? */
