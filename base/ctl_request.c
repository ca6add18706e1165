/* SPDX-License-Identifier: Apache-2.0
 *
 * Requests of a peer one after the other, and the answers of commands. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ctl_server_int.h"
#include "base/nearest.h"

/* --- answers -------------------------------------------------------------------------- */
void
ctl_send(struct ctl_request *req, struct slice item)
{
	struct ctl_peer *p = req->peer;

	if (p->dead)
		return;
	wr_array(&p->out, 2);
	wr_uint(&p->out, CTL_ITEM);
	wr_raw(&p->out, item);
	ctl_peer_flush(p);
}

const char CTL_LEFT[] = "the client did not wait for the end";

void
ctl_request_note_end(struct ctl_request *req, const char *why)
{
	const struct ctl_server *s = req->peer->server;

	if (req->note)
		s->audit->ended(s->audit_arg, TAKE(req->note), why);
}

/* Work on the next request, if one is here already, begins in the loop, not in the caller. */
static void
end_request(struct ctl_request *req, const char *why)
{
	struct ctl_peer *p = req->peer;

	ctl_request_note_end(req, why);
	p->request = NULL;
	free(req);
	ctl_peer_flush(p);
	if (p->in.pos)
		ctl_peer_resume(p);
}

void
ctl_end(struct ctl_request *req)
{
	if (req->peer->dead)
		return;
	wr_array(&req->peer->out, 1);
	wr_uint(&req->peer->out, CTL_END);
	end_request(req, NULL);
}

/* A reason may quote a file name or be cut in the middle of a character. */
static void
put_reason(struct buf *out, const char *reason)
{
	char text[CTL_REASON_MAX];
	size_t len = 0;

	while (*reason && len < sizeof text) {
		size_t n = slice_utf8_char(slice_text(reason));

		if (len + n > sizeof text)
			break;
		if (n)
			memcpy(text + len, reason, n);
		else
			text[len] = '?';
		len += n ? n : 1;
		reason += n ? n : 1;
	}
	wr_text_slice(out, (struct slice){ (const uint8_t *)text, len });
}

void
ctl_refusal_put(struct buf *out, int code, const char *reason)
{
	wr_array(out, 3);
	wr_uint(out, CTL_REFUSED);
	wr_uint(out, code == 2 ? 2 : 1);
	put_reason(out, reason);
}

void
ctl_fail(struct ctl_request *req, int code, const char *fmt, ...)
{
	char reason[CTL_REASON_MAX];
	va_list args;

	if (req->peer->dead)
		return;
	va_start(args, fmt);
	vsnprintf(reason, sizeof reason, fmt, args);
	va_end(args);
	ctl_refusal_put(&req->peer->out, code, reason);
	end_request(req, reason);
}

void
ctl_on_cancel(struct ctl_request *req, void (*gone)(void *), void *arg)
{
	req->gone = gone;
	req->gone_arg = arg;
}

void
ctl_stream(struct ctl_request *req, void (*more)(void *), void *arg)
{
	req->more = more;
	req->more_arg = arg;
	ctl_peer_flush(req->peer);
}

uid_t
ctl_uid(const struct ctl_request *req)
{
	return req->peer->uid;
}

const char *
ctl_who(const struct ctl_request *req)
{
	return req->peer->who;
}

enum ctl_role
ctl_role(const struct ctl_request *req)
{
	return req->peer->role;
}

int
ctl_whoami(void *arg, struct ctl_request *req, struct slice args)
{
	uint8_t memory[CTL_WHO_MAX + 64];
	struct buf b;

	(void)arg, (void)args;
	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 2);
	wr_key_text(&b, "who", ctl_who(req));
	wr_key_text(&b, "role", ctl_role_name(ctl_role(req)));
	ctl_send(req, buf_slice(&b));
	ctl_end(req);
	return 0;
}

/* --- requests ------------------------------------------------------------------------- */
const char *
ctl_role_name(enum ctl_role role)
{
	switch (role) {
	case CTL_NOBODY:
		break;
	case CTL_VIEWER:
		return "viewer";
	case CTL_DEPLOYER:
		return "deployer";
	case CTL_ADMIN:
		return "admin";
	}
	return "no role";
}

static const struct ctl_command *
find_command(const struct ctl_server *s, const char *name)
{
	for (size_t i = 0; i < s->len; i++)
		if (!strcmp(s->table[i].name, name))
			return &s->table[i];
	return NULL;
}

static const char *
nearest_command(const struct ctl_server *s, const char *name)
{
	const char *nearest = "none";
	unsigned best = UINT_MAX;

	for (size_t i = 0; i < s->len; i++) {
		unsigned d = nearest_distance(name, s->table[i].name);

		if (d < best) {
			best = d;
			nearest = s->table[i].name;
		}
	}
	return nearest;
}

static void
run_command(struct ctl_peer *p, const struct ctl_command *command, struct slice args)
{
	int err = command->run(p->server->arg, p->request, args);

	if (err < 0 && p->request)
		ctl_fail(p->request, 1, "%s", strerror(-err));
}

/* Asked is what had a role to be checked, and the audit hears of it before it happens. */
static void
call_command(struct ctl_peer *p, const struct ctl_command *command, struct slice args)
{
	const struct ctl_server *s = p->server;
	bool allowed = p->role >= command->role;

	if (s->audit)
		p->request->note = s->audit->asked(
		    s->audit_arg, p->request, command->name, args, allowed);
	if (allowed)
		run_command(p, command, args);
	else
		ctl_fail(p->request, 1, "\"%s\" needs the role %s, %s has the role %s",
		    command->name, ctl_role_name(command->role), p->who,
		    ctl_role_name(p->role));
}

static void
dispatch(struct ctl_peer *p, struct slice item)
{
	char name[CTL_COMMAND_MAX];
	const struct ctl_command *command;
	struct slice args;
	int err;

	p->request = calloc(1, sizeof *p->request);
	if (!p->request) {
		ctl_peer_close(p);
		return;
	}
	p->request->peer = p;
	err = ctl_request_parse(item, name, sizeof name, &args);
	command = err < 0 ? NULL : find_command(p->server, name);
	if (err < 0)
		ctl_fail(p->request, 2,
		    "not a request: a map with command and args is expected");
	else if (!command)
		ctl_fail(p->request, 2,
		    "unknown command \"%s\"; the nearest known is \"%s\"", name,
		    nearest_command(p->server, name));
	else
		call_command(p, command, args);
}

/* After bytes that are no CBOR the next request cannot be found: refuse and leave. */
static void
refuse_bytes(struct ctl_peer *p, int err)
{
	ctl_refusal_put(&p->out, 2,
	    err == -EMSGSIZE ? "the request is longer than 64 KiB"
			     : "the request is not CBOR");
	p->leaving = true;
	buf_reset(&p->in);
	ctl_peer_flush(p);
}

void
ctl_requests_take(struct ctl_peer *p)
{
	while (!p->dead && !p->leaving && !p->request && p->in.pos) {
		ssize_t n = cbor_scan_item(&p->scan, buf_slice(&p->in));

		if (n == 0)
			return;
		if (n < 0) {
			refuse_bytes(p, (int)n);
			return;
		}
		dispatch(p, (struct slice){ p->in.data, (size_t)n });
		buf_drop(&p->in, (size_t)n);
		cbor_scan_init(&p->scan, CTL_REQUEST_MAX);
	}
}

/* Asks for the next part of a streamed answer when most of the last one has been read. False
 * when there is none: asking again at once would be a busy loop. */
bool
ctl_stream_continue(struct ctl_peer *p)
{
	struct ctl_request *req = p->request;
	uint64_t before = p->answers;

	if (req && req->more && p->out.pos < CTL_FLUSH_AT)
		req->more(req->more_arg);
	return p->answers != before;
}
