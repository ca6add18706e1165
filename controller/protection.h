/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands between this controller and everybody else: its key and certificate, the signer, the
 * channel that speaks TLS, the guard of multicasts, and the table of what others may begin here. With
 * insecure.plain_grasp there is only the key. */
#pragma once
#include "controller/config.h"
#include "controller/signer.h"
#include "trust/channel.h"
#include "trust/guard.h"
#include "trust/permit.h"

struct audit;
struct ev_loop;
struct operators;

struct protection { /* embedded, zeros at first */
	const struct controller_config *cfg;
	struct signer *signer; /* NULL: this controller has no CA, nobody can join here */
	struct key *key;
	struct trust_time *time;
	struct credential *credential;
	struct grasp_io *channel;
	struct guard *guard;
	struct permit_env permit;
	struct grasp_io *io;
	struct audit *audit;
	struct operators *operators; /* the owner's; NULL: nobody serves them (yet) */
};

/* Before sockets, threads and the loop; with the privileges of the daemon. What is wrong is logged. */
int
protection_prepare(struct protection *p, const struct controller_config *cfg) MUST_CHECK;
/* The domain of the certificate, or of the configuration if there is none. */
const char *protection_domain(const struct protection *p);
/* Around io: returns the one for the engine in *ret. */
int protection_open(struct protection *p, struct ev_loop *loop, struct grasp_io *io,
    struct audit *audit, struct grasp_io **ret) MUST_CHECK;
/* guard has to be there until grasp_node_new(). */
void protection_apply(
    struct protection *p, struct grasp_guard *guard, struct grasp_config *cfg);
void
protection_changed(struct protection *p); /* ends connections of who is trusted no more */
/* No certificate comes any more; before who waits for one is freed. */
void protection_stop_signer(struct protection *p);
void protection_done(struct protection *p); /* after the engine */
