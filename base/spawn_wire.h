/* SPDX-License-Identifier: Apache-2.0
 *
 * What a daemon and its spawner say to each other over a SOCK_SEQPACKET pair; one struct a
 * packet. Only for spawn.c (the daemon's side) and spawner.c (the other process). */
#pragma once
#include "base/buf.h"
#include <stdnoreturn.h>
#include <sys/types.h>

struct spawn_program;

#define SPAWN_STRINGS_MAX  65536 /* bytes of arguments and environment together */
#define SPAWN_WORDS_MAX	   512	 /* of arguments, and of environment */
#define SPAWN_PROGRAMS_MAX 1024	 /* at once */
#define SPAWN_GRACE_MS	   1000	 /* between SIGTERM and SIGKILL when the daemon is gone */

enum spawn_op {
	SPAWN_START = 1, /* with three descriptors: stdin, stdout, stderr */
	SPAWN_SIGNAL,	 /* to the process group */
	SPAWN_RELEASE,	 /* kill what is left of the group, forget the id */
};

struct spawn_request {
	uint32_t op, id;
	int32_t signal;
	uint32_t program;    /* of the spawner's table, if it has one */
	uint32_t argc, envc; /* strings that follow, each with its NUL */
	uint32_t size;	     /* bytes of them */
};

enum spawn_news {
	SPAWN_FAILED = 1, /* value: errno; the id is forgotten */
	SPAWN_ENDED,	  /* value: wait status; the id stays until released */
};

struct spawn_event {
	uint32_t what, id;
	int32_t value;
};

/* Never blocks; fds: stdin, stdout and stderr of a start, else NULL. -EAGAIN: no room now. */
int spawn_send(int sock, struct slice packet, const int fds[3]) MUST_CHECK;
/* A whole start request; env NULL: PATH only. argv NULL: of the program of the table. -E2BIG: above the
 * limits. */
int spawn_put_start(struct buf *b, uint32_t id, uint32_t program, const char *const *argv,
    const char *const *env) MUST_CHECK;

/* The spawner's life; ends when the daemon's end of the pair is closed. table NULL: it starts whatever
 * it is asked to. */
noreturn void spawner_main(
    int sock, pid_t daemon, const struct spawn_program *table, uint32_t len);
