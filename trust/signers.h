/* SPDX-License-Identifier: Apache-2.0
 *
 * Members whose certificate was verified, and which of their signed messages were met. A certificate is
 * judged once an hour, and whenever the domain has news (S-19). */
#pragma once
#include "trust/anchors.h"
#include "trust/cose.h"
#include "trust/window.h"

#define SIGNERS_MAX	  1024
#define SIGNERS_JUDGED_MS (3600 * 1000)
#define SIGNERS_WINDOW	  64
#define SIGNERS_ROLES	  (TRUST_BIT(TRUST_AGENT) | TRUST_BIT(TRUST_CONTROLLER))

struct signers;
struct signer {
	struct trust_name name;
	struct key *key;
	struct window window; /* of the numbers of its messages */
};

int signers_new(uint32_t seed, struct signers **ret) MUST_CHECK;
void signers_free(struct signers *s);
DEFINE_FREEP(struct signers, signers_free)

/* generation: of what the domain says; now_ms: fog_time. */
struct signers_now {
	const struct anchors *anchors;
	unsigned generation;
	int64_t now_ms;
};
/* Whom a kid stands for, with the certificate that came along, if any. NULL: nobody that is known. *ret_due:
 * its certificate has to be judged first, by signers_judge(). */
struct signer *signers_find(struct signers *s, const struct signers_now *now,
    const struct cose_sign1 *m, bool *ret_due);
/* Public-key work. Errors as of anchors_judge(), -EBADMSG: no certificate, or of somebody else; -ENOKEY:
 * none came along and none is known. */
int signers_judge(struct signers *s, const struct signers_now *now,
    const struct cose_sign1 *m, struct signer **ret) MUST_CHECK;
