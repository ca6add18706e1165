/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGTRUST: tells each registered member what it does not know yet of its domain, and knows who has
 * taken it over. */
#pragma once
#include "controller/authority.h"

struct grasp_node;
struct guard;
struct node;
struct notices;
struct registry;

struct notices_config {
	const char *prefix;  /* of objective names; NULL: none */
	struct guard *guard; /* ours, of sealed multicasts: gets the secrets too; NULL: they are not
				sealed, there are no secrets */
	const char *secrets; /* file that keeps those; NULL: none */
};
/* Borrows everything; cfg is copied but for the prefix and the name of the file. */
int notices_new(struct grasp_node *grasp, struct registry *registry, struct authority *a,
    const struct notices_config *cfg, struct notices **ret) MUST_CHECK;
void notices_free(struct notices *n); /* before the grasp node */
DEFINE_FREEP(struct notices, notices_free)

/* It has registered, and knows this much. */
void notices_registered(
    struct notices *n, struct node *node, uint64_t trust_version, uint64_t denials);
/* Of registry_ops: forgets a node that is GONE. */
void notices_node_changed(struct notices *n, struct node *node);
void notices_changed(struct notices *n); /* something of the domain */
/* Of the nodes that are there: how many have taken the present CAs over, and how many have a certificate
 * of the newest of these? */
struct notices_progress {
	unsigned all, told, renewed;
};
void notices_progress(struct notices *n, struct notices_progress *ret);
