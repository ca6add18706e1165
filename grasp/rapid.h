/* SPDX-License-Identifier: Apache-2.0
 *
 * Rapid mode (RFC 8990 §2.5.5.1, §2.5.6.3): the answer to an M_DISCOVERY begins the negotiation, or is
 * the value, where M_RESPONSE would only say whom to ask. */
#pragma once
#include "grasp/node_int.h"

/* --- asking: belongs to its discovery --------------------------------------------------------- */
struct rapid {
	char name[GRASP_NAME_MAX + 1];
	uint32_t flags;
	uint8_t loop_count;
	bool taken; /* somebody was first */
	struct grasp_session_ops ops;
	void *arg;
};

/* -ENOMEM. */
int rapid_new(const struct grasp_objective *o, const struct grasp_session_ops *ops,
    void *arg, struct rapid **ret) MUST_CHECK;
/* A message of a session that is not known: if a discovery may be answered with it, it becomes that
 * session. NULL: it is not wanted. */
struct grasp_session *rapid_begin(struct grasp_link *l, const struct grasp_msg *msg);

/* --- answering ---------------------------------------------------------------------------------- */
/* True: the question will be answered so. False: not in rapid mode, say where we are. */
bool rapid_answer(
    struct grasp_node *n, const struct grasp_registration *reg, const struct question *q);
/* The asker did not take it up: M_RESPONSE after all, for those without rapid mode and for relays. */
void rapid_failed(struct grasp_node *n, const struct rapid_offer *offer);
void rapid_offer_free(struct rapid_offer *offer);
void rapid_drop_all(struct grasp_node *n);
