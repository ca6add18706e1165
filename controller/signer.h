/* SPDX-License-Identifier: Apache-2.0
 *
 * The CA's key in a process of its own, forked before any socket is opened (security.md §4). The
 * controller asks by a fixed struct over a socketpair; what may be signed is decided inside: role
 * agent alone, at most 30 days, at most 200 a second, the domain of the CA. */
#pragma once
#include "base/slice.h"
#include "protocol/names.h"

struct ev_loop;
struct signer;

#define SIGNER_DAYS_MAX 30
#define SIGNER_PER_S	200

/* Forks: before any socket, thread or secret of the controller, after privileges are gone. ca_dir, which
 * has to outlive the signer, holds ca.key and ca.pem (newest CA first, its common name is the domain).
 * -ENOENT: there is no CA; -EPERM: others may read its key; -EBADMSG: key and certificate are damaged or
 * no pair. */
int signer_start(const char *ca_dir, struct signer **ret) MUST_CHECK;
int signer_attach(struct signer *s, struct ev_loop *loop) MUST_CHECK;
void signer_stop(struct signer *s); /* done() is not called for what still waits */
DEFINE_FREEP(struct signer, signer_stop)

/* 0 and the certificate; -EACCES: against the policy; -EAGAIN: too many a second; -EKEYEXPIRED: the CA's
 * time is over; -EPIPE: the process is gone. Called once, never from inside signer_issue(). */
typedef void signer_done_f(void *arg, int err, struct slice certificate);
/* spki: the subject's key, whose id it has to be; now_ms: fog_time, notBefore is an hour earlier. */
int signer_issue(struct signer *s, struct slice spki, const struct fog_id *id,
    unsigned days, int64_t now_ms, signer_done_f *done, void *arg) MUST_CHECK;
int
signer_reload(struct signer *s) MUST_CHECK; /* the CA was rotated: read the files again */
bool signer_is_busy(const struct signer *s); /* answers are awaited */
