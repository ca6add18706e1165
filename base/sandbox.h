/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process that talks to a network gives up for good, once it is set up (security.md §4): no new
 * privileges, files but its own (Landlock, as far as the kernel has it), and the system calls that
 * only an intruder would want (seccomp, EPERM). */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>

struct sandbox_paths { /* NULL-terminated lists; what does not exist is left out */
	const char *const *read_write; /* directories and what is below */
	const char *const *read_only;
};
struct sandbox_state {
	bool no_new_privs, seccomp;
	int landlock; /* ABI in force; 0: the kernel has none */
};
/* exec: the process starts programs itself (a spawner). -errno: what could be had is in *ret. */
int sandbox_enter(const struct sandbox_paths *paths, bool exec, struct sandbox_state *ret) MUST_CHECK;

/* Tries what must not work, in this process, for `fogctl diag`: each probe by name, and whether it was
 * denied. */
typedef void sandbox_probe_f(void *arg, const char *what, bool denied);
void sandbox_probe(sandbox_probe_f *result, void *arg);
