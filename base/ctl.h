/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket of a daemon: a Unix stream socket that carries a CBOR sequence.
 *
 *	request	  {"command": text, "args": {text: any}}      one at a time on a connection
 *	answer	  [0, item]…  then  [1]                       data, then the end
 *		  [2, code, reason]                            refused: code is an exit code, 1 or 2
 *
 * Items are maps with text keys, the read model of DESIGN.md §5; fogctl prints them as tables,
 * JSON or CBOR. A command that takes time keeps its ctl_request and answers later; it is told
 * when the client goes away, which is also what closing only the sending side means. A client
 * that does not read is closed at 1 MiB of backlog, one that says nothing after a minute.
 *
 * Any function here may be called from a command or from a cancel callback. */
#pragma once
#include "base/cbor.h"
#include <sys/types.h>

struct ev_loop;
struct ctl_server;
struct ctl_request;

enum ctl_role { CTL_NOBODY, CTL_VIEWER, CTL_DEPLOYER, CTL_ADMIN };

struct ctl_command {
	const char *name; /* "node show" */
	enum ctl_role role; /* least role that may call it */
	/* 0: the answer was given or will be given through the request; negative errno: ended
	 * with its text. args: the encoded map, valid during the call. */
	int (*run)(void *arg, struct ctl_request *req, struct slice args);
	const char *help;
};

/* A row of a table. The role is no default: a row without one does not compile (S-28). */
#define CTL_COMMAND(name_, role_, run_, help_) \
	{ .name = name_, .role = CTL_##role_, .run = run_, .help = help_ }

/* Binds path (an old socket file is replaced, a live daemon's is -EADDRINUSE, another file is
 * -ENOTSOCK) with mode 0660. */
int ctl_open(struct ev_loop *loop, const char *path, const struct ctl_command *table, size_t len,
    void *arg, struct ctl_server **ret) MUST_CHECK;
void ctl_close(struct ctl_server *s);
DEFINE_FREEP(struct ctl_server, ctl_close)

void ctl_send(struct ctl_request *req, struct slice item); /* one encoded item */
void ctl_end(struct ctl_request *req);			   /* req is gone afterwards */
void ctl_fail(struct ctl_request *req, int code, const char *fmt, ...) PRINTF(3, 4); /* gone */
/* For a long answer, above half a mebibyte: more(arg) is called from the loop whenever the client
 * has read most of what was sent, and sends a few items more, until it ends the request. */
void ctl_stream(struct ctl_request *req, void (*more)(void *), void *arg);
/* Called once if the client goes before ctl_end/ctl_fail; req is gone afterwards. */
void ctl_on_cancel(struct ctl_request *req, void (*gone)(void *), void *arg);
uid_t ctl_uid(const struct ctl_request *req);
/* Who asks, for the audit: "uid 0", or what ctl_adopt() was given. */
const char *ctl_who(const struct ctl_request *req);
enum ctl_role ctl_role(const struct ctl_request *req);
const char *ctl_role_name(enum ctl_role role); /* "viewer" */
/* A command for every table: who the peer is here, and its role. */
int ctl_whoami(void *arg, struct ctl_request *req, struct slice args);

/* Groups whose members have a role on the socket; names, NULL: none. Root and the daemon's user are
 * admin, everybody else is turned away. The socket may then be opened by all (0666), because who is
 * there says the kernel. Without a call of this, everybody else is a viewer. */
struct ctl_groups {
	const char *viewer, *deployer, *admin;
};
void ctl_set_groups(struct ctl_server *s, const struct ctl_groups *groups);

struct ctl_audit {
	/* Each request, before it is run or refused (allowed false); args: the encoded map. What is
	 * to be known of it when it ends, or NULL. */
	void *(*asked)(void *arg, const struct ctl_request *req, const char *command,
	    struct slice args, bool allowed);
	/* Once for each note of asked(), whose owner this is: the request was answered in full (why
	 * NULL), it failed, or the client did not wait for its end (CTL_LEFT). */
	void (*ended)(void *arg, void *note, const char *why);
};
extern const char CTL_LEFT[];
void ctl_set_audit(struct ctl_server *s, const struct ctl_audit *audit, void *arg);

/* A client that came another way and has proved who it is, through a transport of the caller's. */
struct ctl_peer;
struct ctl_transport {
	/* All of the bytes or none: 0; -EAGAIN: no room now; another error ends the peer. */
	int (*send)(void *arg, struct slice bytes);
	/* The server has done with the peer, which is gone; whatever is on its way may be sent. */
	void (*closed)(void *arg);
};
/* -EAGAIN: too many clients. */
int ctl_adopt(struct ctl_server *s, enum ctl_role role, const char *who,
    const struct ctl_transport *transport, void *arg, struct ctl_peer **ret) MUST_CHECK;
void ctl_peer_received(struct ctl_peer *p, struct slice bytes); /* closed() may be called in here */
void ctl_peer_gone(struct ctl_peer *p); /* the transport has ended; closed() is not called */

/* Arguments: text by name into dst, false if absent or not text; a bool or number likewise. */
bool ctl_arg_text(struct slice args, const char *name, char *dst, size_t size);
bool ctl_arg_int(struct slice args, const char *name, int64_t *ret);
bool ctl_arg_bool(struct slice args, const char *name);

/* The client, blocking. */
struct ctl_client;
/* -ENOENT: no such socket; -ECONNREFUSED: no daemon behind it; -EACCES: not for this user. */
int ctl_connect(const char *path, struct ctl_client **ret) MUST_CHECK;
/* The same through something else, which blocks as well: bytes sent or received, 0 at the end, or
 * -errno. closed() is called by ctl_disconnect(), and when this fails. */
struct ctl_carrier {
	ssize_t (*send)(void *arg, const void *data, size_t len);
	ssize_t (*receive)(void *arg, void *dst, size_t size);
	void (*closed)(void *arg);
};
int ctl_connect_through(const struct ctl_carrier *carrier, void *arg, struct ctl_client **ret)
    MUST_CHECK;
void ctl_disconnect(struct ctl_client *c);
DEFINE_FREEP(struct ctl_client, ctl_disconnect)
int ctl_call(struct ctl_client *c, const char *command, struct slice args) MUST_CHECK; /* empty: {} */
/* 1: *ret_item is the next item, valid until the next call; 0: the end; -EREMOTEIO: refused, see
 * ctl_refusal(); other negative errno: broken. */
int ctl_next(struct ctl_client *c, struct slice *ret_item) MUST_CHECK;
const char *ctl_refusal(const struct ctl_client *c, int *ret_code);
