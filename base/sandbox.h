/* SPDX-License-Identifier: Apache-2.0
 *
 * What a process that talks to a network gives up for good, once it is set up (security.md §4): no new
 * privileges, files but its own (Landlock, as far as the kernel has it), and the system calls that
 * only an intruder would want (seccomp, EPERM). */
#pragma once
#include "base/mem.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sandbox_paths { /* NULL-terminated lists, or NULL; what does not exist is left out */
	const char *const *read_write; /* directories and what is below */
	const char *const *read_only;
	const char *const *remove_only; /* directories from which a socket is removed at the end */
};
struct sandbox_state {
	bool no_new_privs, seccomp;
	int landlock; /* ABI in force; 0: the kernel has none */
};
/* What libraries and time zones are read from, whatever the process does. */
#define SANDBOX_SYSTEM                                                                             \
	"/dev/null", "/dev/urandom", "/etc/localtime", "/etc/os-release", "/etc/ssl/openssl.cnf",  \
	    "/lib", "/lib64", "/proc", "/sys", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo"
/* What names of hosts are looked up with, and certificates of servers verified. */
#define SANDBOX_NAMES                                                                              \
	"/etc/gai.conf", "/etc/host.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/pki",         \
	    "/etc/resolv.conf", "/etc/services", "/etc/ssl/certs", "/run/systemd/resolve",         \
	    "/usr/share/ca-certificates"

/* paths NULL: files stay as they are. exec: the process starts programs itself (a spawner), and those
 * have what it has; they may exec, mount, enter namespaces and become other users if they can. System
 * calls are denied to all threads, files to the calling one and those it starts from now on.
 * A kernel without Landlock and a build without libseccomp are no errors: *ret tells. -errno: what
 * could be had is in *ret. */
int sandbox_enter(const struct sandbox_paths *paths, bool exec, struct sandbox_state *ret) MUST_CHECK;
/* For a thread that was there before: the files of sandbox_enter(). */
int sandbox_enter_thread(void) MUST_CHECK;
int sandbox_landlock(void); /* the ABI of this kernel; 0: none */
/* "no new privileges, Landlock ABI 7, seccomp" */
char *sandbox_describe(const struct sandbox_state *s, char *dst, size_t size);

/* What a program that others wrote has to live with (S-21); numbers 0: none of it. */
struct sandbox_program {
	const char *user; /* to become, with its groups; NULL: ours */
	const char *const *read, *const *write; /* beside the system's own; NULL-terminated or NULL */
	bool network;
	uint64_t address_space, memory, file_size; /* bytes; of a process */
	uint64_t cpu_s;				   /* of a process in its life */
	uint64_t processes;			   /* with its threads, beside those of the user that are there */
	uint64_t files;				   /* open at once */
};
/* Both in the process itself, before it starts the program. The first one gives up user, network and
 * priority, the second one new privileges, files and system calls; it may read and start what is in own.
 * What this kernel does not have is left out, what it refuses is an error: -errno. */
int sandbox_become(const struct sandbox_program *p) MUST_CHECK;
int sandbox_enter_program(const struct sandbox_program *p, const char *const *own) MUST_CHECK;

/* Tries what must not work, in this process, for `fogctl diag`: each probe by name, and whether it was
 * denied. Harmless where it is not: the arguments are of no use, or change nothing. */
typedef void sandbox_probe_f(void *arg, const char *what, bool denied);
void sandbox_probe(sandbox_probe_f *result, void *arg);

/* The system calls that are denied, NULL at the end. */
extern const char *const sandbox_denied[];
/* One that this build lets through all the same: LeakSanitizer, where it is built in, looks at the
 * threads of its own process with ptrace(2). */
bool sandbox_spares(const char *call);
