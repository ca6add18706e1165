/* SPDX-License-Identifier: Apache-2.0
 *
 * Renews a member's certificate over its session: at half of its life, and when the CA that issued it
 * is not the newest that we trust (security.md §5.2, §5.6). What fails is tried again, more and more
 * slowly; there is half a life for it. */
#pragma once
#include "agent/admission.h"

struct renewal;

struct renewal_env {
	struct grasp_io *io;
	const char *prefix; /* of objective names; NULL: none */
	const struct identity *identity;
	struct credential *credential;
	/* The link on which we are registered; NULL: none now. */
	struct grasp_link *(*link)(void *arg);
	void (*time)(void *arg, int64_t controller_ms); /* as admission_env's */
	void *arg;
};

/* env is borrowed. */
int renewal_new(const struct renewal_env *env, struct renewal **ret) MUST_CHECK;
void renewal_free(struct renewal *r);
DEFINE_FREEP(struct renewal, renewal_free)

/* Looks whether something is to be done: there is a session now, or the CAs have changed. */
void renewal_look(struct renewal *r);
uint64_t renewal_count(const struct renewal *r); /* certificates got */
const char *
renewal_trouble(const struct renewal *r); /* why the last attempt failed; "" */
