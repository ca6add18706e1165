/* SPDX-License-Identifier: Apache-2.0
 *
 * Which role may begin what on a session: one table of objectives, messages and roles (security.md
 * §7). What is not in the table is refused, and whoever tried loses the connection. */
#pragma once
#include "grasp/grasp.h"
#include "trust/who.h"

struct permit_env {
	const char *prefix; /* of objective names; NULL: none */
	bool plain;	    /* an insecure.plain_grasp instance: objectives that only read, anybody */
	/* Somebody tried what it may not; for the audit. May be NULL. */
	void (*refused)(void *arg, const struct grasp_who *who, const struct grasp_msg *msg);
	void *arg;
};
/* As grasp_config.permit; arg is a struct permit_env. */
bool trust_permits(void *arg, const struct grasp_who *who, const struct grasp_msg *msg);

/* The table itself, for the tests and for `fogctl show permits`. */
struct permit {
	const char *objective;
	unsigned types; /* 1 << M_REQ_NEG … */
	unsigned roles; /* TRUST_BIT() … */
};
extern const struct permit permits[];
extern const size_t permits_len;
