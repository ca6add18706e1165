/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGTRUST: takes over what the controller tells of the domain: its CAs, who is trusted no more, the
 * secret of sealed multicasts. Only the controller that we are registered with may do so. */
#pragma once
#include "grasp/grasp.h"
#include "trust/credential.h"
#include "trust/guard.h"

struct trustee;

struct trustee_env {
	struct grasp_node *node;
	const char *prefix; /* of objective names; NULL: none */
	struct credential *credential;
	struct guard *guard;
	/* The link on which we are registered; NULL: none now. */
	struct grasp_link *(*link)(void *arg);
	void (*changed)(void *arg); /* whom we trust: look at who is connected (S-19) */
	void *arg;
};

/* env is borrowed. */
int trustee_new(const struct trustee_env *env, struct trustee **ret) MUST_CHECK;
void trustee_free(struct trustee *t);
DEFINE_FREEP(struct trustee, trustee_free)
