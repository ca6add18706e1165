/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside enrolment: enrol.c answers FOGJOIN, enrol_issue.c gives certificates away, enrol_token.c has the tokens,
 * enrol_waiting.c the nodes that wait for an operator, enrol_flood.c says on the links where to join. */
#pragma once
#include "base/addr_text.h"
#include "controller/enrol.h"
#include "controller/store_identity.h"
#include "grasp/grasp.h"
#include "protocol/join.h"

#include <sys/queue.h>

#define ENROL_TAGS_MAX ENROL_TAGS_TEXT
#define ENROL_NETS_MAX 256

struct ctl_request;
struct enrol_flood;

struct enrol_token {
	struct token_row row;
	unsigned reserved; /* uses of those whose certificate is being made */
	char tags[ENROL_TAGS_MAX], creator[64];
};

/* One certificate on its way: signed, stored, given, taken. */
struct joining {
	LIST_ENTRY(joining) entry;
	struct enrol *enrol;
	struct grasp_session
	    *session; /* NULL: it ended before; the certificate waits for the next */
	struct ctl_request *req;   /* an operator waits for it; NULL: nobody */
	struct enrol_token *token; /* one use is reserved; NULL: none, or used */
	bool busy;		   /* signer or store will call */
	bool is_approved;
	struct issue_row row;
	uint8_t command[16];
	char name[FOG_NAME_MAX + 1], hardware[FOG_JOIN_TEXT_MAX + 1],
	    tags[ENROL_TAGS_MAX];
	uint8_t token_id[STORE_TOKEN_ID];
	uint8_t *certificate;
	size_t len;
};

struct waiting {
	TAILQ_ENTRY(waiting) entry;
	struct enrol *enrol;
	struct grasp_session *session; /* held open; NULL: it comes back */
	int64_t since_ms, heard_ms;    /* fog_time */
	int64_t held_ms;	       /* grasp_io_now() */
	struct fog_id id;
	struct in6_addr net;
	uint8_t command[16];
	char address[ADDR_TEXT_MAX];
	char name[FOG_NAME_MAX + 1], version[FOG_JOIN_TEXT_MAX + 1],
	    hardware[FOG_JOIN_TEXT_MAX + 1];
	uint8_t spki[128];
	size_t spki_len;
};
TAILQ_HEAD(waiting_list, waiting);

struct enrol {
	struct grasp_node *grasp;
	struct grasp_io *io;
	struct authority *authority;
	struct store *store;
	struct events *events;
	struct audit *audit;
	struct enrol_config cfg;
	struct enrol_counters counters;
	struct grasp_registration *registration;
	LIST_HEAD(, joining) joinings;

	struct enrol_token **token;
	size_t tokens;
	struct {
		struct in6_addr net;
		int64_t since_ms;
		unsigned count;
	} failure[ENROL_NETS_MAX];

	struct waiting_list waiting;
	size_t waitings;
	unsigned held; /* of them with a session */
	struct grasp_timer *tick;

	struct enrol_flood *flood;
	int64_t logged_ms;
};

/* What limits count by: the /64, of IPv4 and of a link the whole address. */
void enrol_net_of(const struct grasp_session *s, struct in6_addr *ret);
int64_t enrol_now(const struct enrol *e); /* fog_time */
/* M_END; reason is "code: text". */
void enrol_refuse(struct enrol *e, struct grasp_session *s, const char *reason);
/* Takes session (may be NULL) and req (likewise). */
struct enrol_asked {
	struct grasp_session *session;
	struct ctl_request *req;
	struct fog_id id;
	const uint8_t *command, *spki;
	size_t spki_len;
	const char *name, *hardware;
	struct enrol_token *token; /* NULL: approved, or a renewal */
	bool renewal;
};
void enrol_issue(struct enrol *e, const struct enrol_asked *asked);
/* Lost on the way, or asked for twice: the same one again. */
void
enrol_repeat(struct enrol *e, const struct enrol_asked *asked, struct slice certificate);
bool enrol_is_issuing(const struct enrol *e, const struct fog_id *id);
void enrol_issues_free(struct enrol *e);
void enrol_fail_req(struct ctl_request **req, const char *why);

/* enrol_token.c. The reason to refuse, "code: text", or NULL: *ret has a use left, or is the one that
 * this node came with before. */
int enrol_tokens_load(struct enrol *e) MUST_CHECK;
void enrol_tokens_free(struct enrol *e);
const char *enrol_token_judge(struct enrol *e, const struct grasp_session *s,
    const struct fog_join *j, struct enrol_token **ret);

/* enrol_waiting.c */
void enrol_wait(struct enrol *e, struct grasp_session *s, const struct fog_id *id,
    const struct fog_join *j, struct slice spki);
void enrol_waiting_free(struct enrol *e);
void enrol_on_tick(void *arg);

/* enrol_flood.c */
int enrol_flood_new(struct enrol *e, struct enrol_flood **ret) MUST_CHECK;
void enrol_flood_free(struct enrol_flood *f);
void enrol_flood_soon(struct enrol_flood *f);
