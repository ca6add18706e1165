/* SPDX-License-Identifier: Apache-2.0
 *
 * Who becomes a member: FOGJOIN, tokens, nodes that wait for an operator (security.md §5.3, §5.4), and
 * the renewal of certificates. Token use and the certificate's serial are on the disk, in one
 * transaction, before the certificate is given away. */
#pragma once
#include "controller/authority.h"

struct enrol;
struct grasp_node;
struct ctl_request;

#define ENROL_WAITING_MAX      256
#define ENROL_WAITING_PER_NET  8
#define ENROL_WAITING_MS       (60 * 60 * 1000)
#define ENROL_TOKENS_MAX       10000
#define ENROL_FAILURES_PER_MIN 5 /* wrong tokens, per /64 */
#define ENROL_HELD_MAX	       16 /* of those that wait, how many are kept on their connection */
#define ENROL_HELD_MS	       25000

struct enrol_config {
	const char *prefix; /* of objective names; NULL: none */
	unsigned days;	    /* life of a certificate, 1..30 */
	uint16_t port;	    /* of GRASP, for the flood of FOGJOIN */
	int64_t period_ms;  /* of that flood, 20 % more or less */
};
struct enrol_counters {
	uint64_t asked, admitted, renewed, repeated, refused, wrong_tokens, conflicts,
	    floods;
	unsigned waiting; /* now */
};
/* Borrows everything, cfg is copied but for the prefix. audit may be NULL. */
int enrol_new(struct grasp_node *grasp, struct authority *a, struct store *store,
    struct events *events, struct audit *audit, const struct enrol_config *cfg,
    struct enrol **ret) MUST_CHECK;
void enrol_free(struct enrol *e); /* after signer_stop() and store_flush() */
DEFINE_FREEP(struct enrol, enrol_free)

const struct enrol_counters *enrol_counters(const struct enrol *e);
size_t enrol_tokens_valid(const struct enrol *e);
/* The tags that a member got with its token, "k=v,k=v"; "": none. */
#define ENROL_TAGS_TEXT 512
void enrol_tags(struct enrol *e, const struct fog_id *id, char *dst, size_t size);

/* `fogctl token …`, `fogctl node pending|approve`; each takes the request. */
void enrol_token_create(struct enrol *e, struct ctl_request *req, struct slice args);
void enrol_token_list(struct enrol *e, struct ctl_request *req);
void enrol_token_revoke(struct enrol *e, struct ctl_request *req, struct slice args);
void enrol_pending(struct enrol *e, struct ctl_request *req);
void enrol_approve(struct enrol *e, struct ctl_request *req, struct slice args);
