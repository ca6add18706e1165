/* SPDX-License-Identifier: Apache-2.0
 *
 * Landlock and seccomp by hand, for sandbox.c (a daemon that confines itself) and sandbox_program.c (a
 * program that is confined before it is started). Landlock's numbers are written down here, because the
 * headers of Debian 12 end at its second ABI. */
#pragma once
#include "base/sandbox.h"
#include <stdint.h>
#include <sys/syscall.h>
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#ifndef SYS_landlock_create_ruleset /* the same on every architecture */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

/* landlock(7) */
enum {
	ACCESS_EXECUTE = 1 << 0,
	ACCESS_WRITE_FILE = 1 << 1,
	ACCESS_READ_FILE = 1 << 2,
	ACCESS_READ_DIR = 1 << 3,
	ACCESS_REMOVE_DIR = 1 << 4,
	ACCESS_REMOVE_FILE = 1 << 5,
	ACCESS_MAKE_DIR = 1 << 7,
	ACCESS_MAKE_REG = 1 << 8,
	ACCESS_MAKE_SOCK = 1 << 9,
	ACCESS_FIRST_ABI = (1 << 13) - 1,
	ACCESS_REFER = 1 << 13,	    /* ABI 2: links and renames between directories */
	ACCESS_TRUNCATE = 1 << 14,  /* ABI 3 */
	ACCESS_IOCTL_DEV = 1 << 15, /* ABI 5 */
	SCOPE_SIGNAL = 1 << 1,	    /* ABI 6 */
};
#define CREATE_RULESET_VERSION 1
#define RULE_PATH_BENEATH      1

#define READS		       (ACCESS_READ_FILE | ACCESS_READ_DIR)
#define WRITES                                                                          \
	(READS | ACCESS_WRITE_FILE | ACCESS_TRUNCATE | ACCESS_REMOVE_DIR |              \
	    ACCESS_REMOVE_FILE | ACCESS_MAKE_DIR | ACCESS_MAKE_REG | ACCESS_MAKE_SOCK | \
	    ACCESS_REFER)
#define REMOVES (ACCESS_REMOVE_FILE)
/* What a rule on something that is no directory may name. */
#define OF_FILES                                                                   \
	(ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE | \
	    ACCESS_IOCTL_DEV)


/* Of an ABI: what can be handled at all. */
uint64_t sandbox_handled_files(int abi);
int sandbox_open_ruleset(int abi) MUST_CHECK;
/* What does not exist, or may not be reached anyway, is left out. */
int sandbox_allow_path(int set, const char *path, uint64_t access) MUST_CHECK;
int sandbox_allow_paths(int set, const char *const *path, uint64_t access) MUST_CHECK;
#ifdef HAVE_SECCOMP
int sandbox_deny_call(scmp_filter_ctx filter, const char *name) MUST_CHECK;
int sandbox_deny_namespaces(scmp_filter_ctx filter) MUST_CHECK;
#endif
