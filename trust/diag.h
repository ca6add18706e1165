/* SPDX-License-Identifier: Apache-2.0
 *
 * `fogctl diag`: what works, step by step, and where not, why and what to do. Each step is an item
 * {step, result, why, advice}; result is "ok", "failed", or "warning", which fails nothing. When a
 * step has failed the request is refused at the end, so that fogctl exits with 1. */
#pragma once
#include "base/ctl.h"
#include "base/sandbox.h"
#include "trust/conf.h"
#include "trust/credential.h"

struct grasp_node;

struct diag {
	struct ctl_request *req;
	unsigned steps, failed;
	const char *domain; /* an agent may be in several; NULL: not said */
};
enum diag_result { DIAG_OK, DIAG_WARNING, DIAG_FAILED };

void diag_begin(struct diag *d, struct ctl_request *req);
/* advice: what to do; NULL: nothing. */
void diag_say(struct diag *d, const char *step, enum diag_result result, const char *advice,
    const char *fmt, ...) PRINTF(5, 6);
void diag_end(struct diag *d); /* answers; req is gone */

/* Steps that both daemons have. */
void diag_interfaces(struct diag *d, struct grasp_io *io);
void diag_multicast(struct diag *d, const struct grasp_node *node);
/* trouble: why the last attempt failed, NULL: not known; channel NULL: GRASP is plain. */
void diag_tls(struct diag *d, const struct grasp_io *channel, const char *trouble);
void diag_clock(struct diag *d, const struct trust_time *time); /* NULL: nothing depends on it */
/* self NULL: GRASP is plain. */
void diag_certificate(struct diag *d, const struct credential *self);
void diag_confession(struct diag *d, struct trust_conf conf);
void diag_sandbox(struct diag *d, const struct sandbox_state *s); /* in one step */
void diag_store(struct diag *d, const char *dir);		   /* may it be written to? */
/* `fogctl diag sandbox`: an item for each thing that was tried in this process. */
void diag_sandbox_all(struct diag *d, const struct sandbox_state *s);
