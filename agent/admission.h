/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking a controller for a certificate, by FOGJOIN on a link that is there: of one who joins, and of
 * a member who renews. What is granted is checked and kept by the credential. All repetitions of a
 * request have one command id, so that an answer that was lost is given again. */
#pragma once
#include "agent/identity.h"
#include "grasp/grasp.h"
#include "protocol/join.h"
#include "trust/credential.h"
#include "trust/token.h"

struct admission;

enum admission_outcome {
	ADMISSION_GRANTED,  /* the credential has a new certificate */
	ADMISSION_DECLINED, /* why is "code: text" of protocol/join.h */
	ADMISSION_FAILED,   /* no answer, or one of no use */
};
struct admission_env {
	const char *prefix; /* of objective names; NULL: none */
	const struct identity *identity;
	struct credential *credential;
	void (*time)(
	    void *arg, int64_t controller_ms); /* an authenticated controller's clock */
	void (*waiting)(
	    void *arg); /* the controller has put us off, until an operator has looked */
	/* where: addresses of controllers that came with the grant, or NULL. The session is over; the
	 * link may be closed here. */
	void (*ended)(void *arg, enum admission_outcome outcome, const char *why,
	    const struct fog_grant *grant);
	void *arg;
};

/* env is borrowed. */
int admission_new(const struct admission_env *env, struct admission **ret) MUST_CHECK;
void admission_free(struct admission *a); /* no ended() call */
DEFINE_FREEP(struct admission, admission_free)

/* token NULL: none. -EALREADY: asking. */
int admission_ask(struct admission *a, struct grasp_link *link, const struct token *token)
    MUST_CHECK;
void admission_cancel(struct admission *a); /* no ended() call */
bool admission_is_asking(const struct admission *a);
