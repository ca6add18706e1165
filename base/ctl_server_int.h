/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's inside, for ctl_{server,peer,request}.c and their test: whom we listen to, one who asks,
 * and what is asked. Commands, and what they tell when a peer goes, run inside our callbacks and may
 * end requests or close the server; what is dead is freed when the outermost callback returns. */
#pragma once
#include <ev.h>
#include <sys/queue.h>

#include "base/ctl.h"
#include "base/ctl_wire.h"

#define CTL_PEERS_MAX	  64
#define CTL_BACKLOG_MAX	  (1024 * 1024)
#define CTL_FLUSH_AT	  65536 /* bytes of answer that are sent without waiting for the loop */
#define CTL_IDLE_S	  60.0	/* without a request, or without reading the answer */
#define CTL_REASON_MAX	  16384 /* all that is wrong with a file */
#define CTL_WHO_MAX	  80
#define CTL_GROUPS_MAX	  65536 /* the kernel's NGROUPS_MAX */
#define CTL_UNMAPPED_ID	  65534 /* whom a user namespace does not know */

struct ctl_peer {
	TAILQ_ENTRY(ctl_peer) link;
	struct ctl_server *server;
	/* On our socket, or through somebody else's transport. */
	ev_io readable, writable;
	const struct ctl_transport *transport; /* NULL: on our socket */
	void *transport_arg;
	ev_timer retry, idle;
	struct buf in, out;
	struct cbor_scan scan;
	struct ctl_request *request; /* NULL: none is being worked on */
	uid_t uid;
	enum ctl_role role;
	char who[CTL_WHO_MAX];
	uint64_t answers; /* put so far */
	bool leaving;	  /* closed as soon as everything is sent */
	bool dead;
};

struct ctl_request {
	struct ctl_peer *peer;
	void (*gone)(void *);
	void *gone_arg;
	void (*more)(void *); /* of a streamed answer */
	void *more_arg;
	void *note; /* the audit's; NULL: it does not ask for the end */
};

struct ctl_server {
	struct ev_loop *loop;
	const struct ctl_command *table;
	size_t len;
	void *arg;
	char *path;
	bool grouped;		       /* ctl_set_groups() was called */
	gid_t group[CTL_ADMIN + 1];    /* by role */
	bool has_group[CTL_ADMIN + 1]; /* there is such a group */
	const struct ctl_audit *audit;
	void *audit_arg;
	ev_io listener;
	ev_timer pause;
	TAILQ_HEAD(ctl_peer_list, ctl_peer) peers;
	unsigned connected;
	unsigned depth; /* callbacks we are in */
	bool closed;
};

/* ctl_server.c */
enum ctl_role
ctl_role_of(const struct ctl_server *s, uid_t uid, const gid_t *gid, size_t gids);
void ctl_enter(struct ctl_server *s);
void ctl_leave(struct ctl_server *s);

/* ctl_peer.c */
struct ctl_peer *ctl_peer_new(struct ctl_server *s); /* NULL: no memory */
void ctl_peer_listen(struct ctl_peer *p, int fd);
void ctl_peer_close(struct ctl_peer *p);
void ctl_peer_free(struct ctl_peer *p);
void ctl_peer_flush(struct ctl_peer *p);  /* something was put into out */
void ctl_peer_resume(struct ctl_peer *p); /* a request has ended */

/* ctl_request.c */
void ctl_requests_take(struct ctl_peer *p);
void ctl_refusal_put(struct buf *out, int code, const char *reason);
void ctl_request_note_end(struct ctl_request *req, const char *why); /* for the audit */
bool ctl_stream_continue(struct ctl_peer *p);
