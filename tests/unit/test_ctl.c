/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ctl_server_int.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"

#define DEADLINE_S 20.0 /* only a failure takes so long */
#define BLOCK	   1000 /* bytes, to fill sockets quickly */
#define STREAMED   3000 /* blocks: more than any backlog */

static char dir[64], path[96];
static struct ev_loop *loop;
static struct ctl_server *server;
static struct ctl_request *kept; /* by the command "keep" */
static int cancelled, ran;
static ev_timer later;

/* --- the daemon that is talked to ----------------------------------------------------- */
static void
send_number(struct ctl_request *req, int64_t n)
{
	uint8_t memory[64];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 1);
	wr_key_int(&b, "n", n);
	ctl_send(req, buf_slice(&b));
}

static void
send_block(struct ctl_request *req, int64_t n)
{
	static const uint8_t zeroes[BLOCK];
	uint8_t memory[BLOCK + 64];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 2);
	wr_key_int(&b, "n", n);
	wr_text(&b, "block");
	wr_bytes(&b, zeroes, sizeof zeroes);
	ctl_send(req, buf_slice(&b));
}

static int
run_count(void *arg, struct ctl_request *req, struct slice args)
{
	int64_t to = 0;

	(void)arg;
	ran++;
	if (!ctl_arg_int(args, "to", &to))
		return -EINVAL;
	for (int64_t i = 1; i <= to; i++)
		send_block(req, i);
	ctl_end(req);
	return 0;
}

static int
run_echo(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg;
	ran++;
	ctl_send(req, args);
	ctl_end(req);
	return 0;
}

static int
run_refuse(void *arg, struct ctl_request *req, struct slice args)
{
	char why[32];

	(void)arg;
	if (ctl_arg_text(args, "why", why, sizeof why))
		ctl_fail(req, ctl_arg_bool(args, "usage") ? 2 : 1, "because of %s", why);
	else
		ctl_fail(req, 1, "%600s", "\xff\xc3");
	return 0;
}

static void
note_cancel(void *arg)
{
	cancelled++;
	kept = NULL;
	ctl_end(arg); /* too late, and harmless */
}

static int
run_keep(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	ran++;
	kept = req;
	ctl_on_cancel(req, note_cancel, req);
	return 0;
}

static void
answer_later(struct ev_loop *l, ev_timer *w, int events)
{
	struct ctl_request *req = w->data;

	(void)l, (void)events;
	send_number(req, 42);
	ctl_end(req);
}

static int
run_later(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	ev_timer_init(&later, answer_later, 0.001, 0.);
	later.data = req;
	ev_timer_start(loop, &later);
	return 0;
}

static int
run_close(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	ctl_on_cancel(req, note_cancel, req);
	ctl_close(TAKE(server));
	ctl_send(req, slice_text("\x01"));
	return -EIO;
}

/* Three megabytes in parts that do not know how much the client has read. */
static int64_t streamed;
static size_t largest_backlog;

static void
stream_more(void *arg)
{
	struct ctl_request *req = arg;

	for (int i = 0; i < 10; i++)
		send_block(req, ++streamed);
	if (req->peer->out.pos > largest_backlog)
		largest_backlog = req->peer->out.pos;
	if (streamed == STREAMED)
		ctl_end(req);
}

static int
run_stream(void *arg, struct ctl_request *req, struct slice args)
{
	(void)arg, (void)args;
	streamed = 0;
	largest_backlog = 0;
	ctl_on_cancel(req, note_cancel, req);
	ctl_stream(req, stream_more, req);
	return 0;
}

static const struct ctl_command table[] = {
	{ "count", CTL_VIEWER, run_count, "counts" },
	{ "echo", CTL_VIEWER, run_echo, "sends its arguments" },
	{ "refuse", CTL_VIEWER, run_refuse, "refuses" },
	{ "keep", CTL_VIEWER, run_keep, "never answers by itself" },
	{ "later", CTL_VIEWER, run_later, "answers later" },
	{ "stream", CTL_VIEWER, run_stream, "sends much" },
	{ "close", CTL_ADMIN, run_close, "closes the socket" },
	{ "whoami", CTL_VIEWER, ctl_whoami, "who asks" },
};

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/fogwatch-test-ctl-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/sock", dir);
	loop = ev_loop_new(EVFLAG_AUTO);
	kept = NULL;
	cancelled = ran = 0;
	return ctl_open(loop, path, table, ARRAY_LEN(table), NULL, &server);
}

static int
tear_down(void **state)
{
	(void)state;
	ctl_close(TAKE(server));
	ev_loop_destroy(loop);
	unlink(path);
	return rmdir(dir);
}

/* --- a client without manners: bytes as they are -------------------------------------- */
static int
raw_connect(void)
{
	struct sockaddr_un sa;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(ctl_address(path, &sa), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

static void
raw_send(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

static void
raw_call(int fd, const char *command, struct slice args)
{
	struct buf b;

	buf_init(&b, CTL_REQUEST_MAX);
	ctl_request_put(&b, command, args);
	assert_int_equal(b.err, 0);
	raw_send(fd, b.data, b.pos);
	buf_done(&b);
}

static void
on_deadline(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l, (void)events;
	*(bool *)w->data = true;
}

/* Turns the loop until *number is at least wanted. */
static void
run_until(const int *number, int wanted)
{
	bool late = false;
	ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0.);
	deadline.data = &late;
	ev_timer_start(loop, &deadline);
	ev_invoke_pending(loop); /* what was fed from outside the loop does not wake it */
	while (*(const volatile int *)number < wanted && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
	assert_false(late);
}

struct raw {
	ev_io io;
	struct buf got;
	int closed;
};

static void
on_raw(struct ev_loop *l, ev_io *w, int events)
{
	struct raw *raw = (struct raw *)w;
	uint8_t piece[16384];
	ssize_t n = recv(w->fd, piece, sizeof piece, 0);

	(void)events;
	if (n > 0) {
		buf_put(&raw->got, piece, (size_t)n);
	} else if (n == 0 || errno != EAGAIN) {
		raw->closed = 1;
		ev_io_stop(l, w);
	}
}

/* All that arrives until the server closes; in diagnostic notation, an item a line. */
static char *
read_until_closed(int fd)
{
	static char text[4096];
	struct raw raw = { .closed = 0 };
	struct buf out;
	size_t at = 0;

	buf_init(&raw.got, 1 << 22);
	ev_io_init(&raw.io, on_raw, fd, EV_READ);
	ev_io_start(loop, &raw.io);
	run_until(&raw.closed, 1);
	buf_init_fixed(&out, text, sizeof text - 1);
	while (at < raw.got.pos) {
		struct slice rest = { raw.got.data + at, raw.got.pos - at };
		ssize_t n = cbor_item_length(rest, rest.len);

		assert_true(n > 0);
		cbor_diag(&out, (struct slice){ rest.data, (size_t)n });
		buf_puts(&out, "\n");
		at += (size_t)n;
	}
	text[out.pos] = '\0';
	buf_done(&raw.got);
	close(fd);
	return text;
}

/* --- the real client, in a thread because it blocks ----------------------------------- */
struct call {
	const char *command;
	struct slice args;
	int connected, called, last, code;
	int64_t sum;
	size_t items;
	char reason[1200];
	int finished;
	ev_async done;
};

static void
on_finished(struct ev_loop *l, ev_async *w, int events)
{
	(void)l, (void)events;
	container_of(w, struct call, done)->finished = 1;
}

static void *
call_in_thread(void *arg)
{
	struct call *call = arg;
	struct ctl_client *client = NULL;
	struct slice item;

	call->connected = ctl_connect(path, &client);
	call->called = client ? ctl_call(client, call->command, call->args) : -ENOTCONN;
	if (!call->called) {
		while ((call->last = ctl_next(client, &item)) == 1) {
			int64_t n = 0;

			call->items++;
			if (ctl_arg_int(item, "n", &n))
				call->sum += n;
		}
		snprintf(call->reason, sizeof call->reason, "%s",
		    ctl_refusal(client, &call->code));
	}
	ctl_disconnect(client);
	ev_async_send(loop, &call->done);
	return NULL;
}

static struct call
run_call(const char *command, struct slice args)
{
	struct call call = { .command = command, .args = args };
	pthread_t thread;

	ev_async_init(&call.done, on_finished);
	ev_async_start(loop, &call.done);
	assert_int_equal(pthread_create(&thread, NULL, call_in_thread, &call), 0);
	run_until(&call.finished, 1);
	pthread_join(thread, NULL);
	ev_async_stop(loop, &call.done);
	return call;
}

static struct slice
make_args(struct buf *b, const char *key, int64_t v)
{
	buf_reset(b);
	wr_map(b, 1);
	wr_key_int(b, key, v);
	return buf_slice(b);
}

/* -------------------------------------------------------------------------------------- */
static void
a_call_gives_its_items_and_then_the_end(void **state)
{
	struct buf b;
	struct call call;

	(void)state;
	buf_init(&b, 64);
	call = run_call("count", make_args(&b, "to", 100));
	assert_int_equal(call.last, 0);
	assert_int_equal(call.items, 100);
	assert_int_equal(call.sum, 5050);
	call = run_call("echo", (struct slice){ 0 }); /* no arguments: an empty map */
	assert_int_equal(call.last, 0);
	assert_int_equal(call.items, 1);
	buf_done(&b);
}

static void
an_answer_larger_than_the_socket_arrives_whole_if_it_is_read(void **state)
{
	struct buf b;
	struct call call;

	(void)state;
	buf_init(&b, 64);
	call = run_call("count", make_args(&b, "to", 900));
	assert_int_equal(call.last, 0);
	assert_int_equal(call.items, 900);
	assert_int_equal(call.sum, 405450);
	buf_done(&b);
}

static void
a_streamed_answer_may_be_of_any_length(void **state)
{
	struct call call = run_call("stream", (struct slice){ 0 });

	(void)state;
	assert_int_equal(call.last, 0);
	assert_int_equal(call.items, STREAMED);
	assert_int_equal(call.sum, STREAMED * (STREAMED + 1) / 2);
	assert_true(largest_backlog < CTL_BACKLOG_MAX / 4);
}

static void
a_stream_ends_with_its_client(void **state)
{
	int fd = raw_connect();

	(void)state;
	raw_call(fd, "stream", (struct slice){ 0 });
	while (!largest_backlog)
		ev_run(loop, EVRUN_ONCE);
	close(fd);
	run_until(&cancelled, 1);
	assert_true(streamed < STREAMED);
}

static void
refusals_carry_code_and_reason(void **state)
{
	struct call call;
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	wr_map(&b, 2);
	wr_key_text(&b, "why", "rain");
	wr_key_bool(&b, "usage", true);
	call = run_call("refuse", buf_slice(&b));
	assert_int_equal(call.last, -EREMOTEIO);
	assert_int_equal(call.code, 2);
	assert_string_equal(call.reason, "because of rain");
	call = run_call("count", (struct slice){ 0 });
	assert_int_equal(call.last, -EREMOTEIO);
	assert_int_equal(call.code, 1);
	assert_string_equal(call.reason, strerror(EINVAL));
	call = run_call("conut", (struct slice){ 0 });
	assert_int_equal(call.code, 2);
	assert_string_equal(
	    call.reason, "unknown command \"conut\"; the nearest known is \"count\"");
	buf_done(&b);
}

static void
a_reason_that_is_no_utf8_still_arrives(void **state)
{
	struct call call = run_call("refuse", (struct slice){ 0 });

	(void)state;
	assert_int_equal(call.last, -EREMOTEIO);
	assert_true(strlen(call.reason) > 500);
	assert_int_equal(call.reason[0], ' ');
}

static void
a_command_may_answer_later(void **state)
{
	struct call call = run_call("later", (struct slice){ 0 });

	(void)state;
	assert_int_equal(call.last, 0);
	assert_int_equal(call.sum, 42);
}

/* --- roles ------------------------------------------------------------------------------ */
static void
set_role(enum ctl_role role)
{
	struct ctl_peer *p;

	run_until((const int *)&server->connected, 1);
	p = TAILQ_FIRST(&server->peers);
	assert_int_equal(p->uid, geteuid());
	p->role = role;
	snprintf(p->who, sizeof p->who, "uid 4711");
}

/* SEC-10 */
static void
a_command_needs_its_role_S_28(void **state)
{
	int fd = raw_connect();

	(void)state;
	set_role(CTL_VIEWER);
	raw_call(fd, "close", (struct slice){ 0 });
	raw_call(fd, "echo", (struct slice){ 0 });
	run_until(&ran, 1);
	shutdown(fd, SHUT_WR);
	assert_string_equal(read_until_closed(fd),
	    "[2, 1, \"\\\"close\\\" needs the role admin, uid 4711 has the role "
	    "viewer\"]\n"
	    "[0, {}]\n[1]\n");
	assert_non_null(server);
}

static void
without_groups_whoever_may_open_the_socket_is_a_viewer(void **state)
{
	uid_t own = geteuid();

	(void)state;
	assert_int_equal(ctl_role_of(server, 0, NULL, 0), CTL_ADMIN);
	assert_int_equal(ctl_role_of(server, own, NULL, 0), CTL_ADMIN);
	assert_int_equal(ctl_role_of(server, own + 4711, NULL, 0), CTL_VIEWER);
}

static void
the_best_group_of_a_user_says_its_role(void **state)
{
	const gid_t viewer[] = { 7, 100 }, all[] = { 300, 100, 200 }, none[] = { 7, 8 },
		    deployer[] = { 200, 100 };
	uid_t other = geteuid() + 4711;

	(void)state;
	server->grouped = true;
	for (enum ctl_role r = CTL_VIEWER; r <= CTL_ADMIN; r++) {
		server->group[r] = 100 * (gid_t)r;
		server->has_group[r] = true;
	}
	assert_int_equal(ctl_role_of(server, other, viewer, 2), CTL_VIEWER);
	assert_int_equal(ctl_role_of(server, other, deployer, 2), CTL_DEPLOYER);
	assert_int_equal(ctl_role_of(server, other, all, 3), CTL_ADMIN);
	assert_int_equal(ctl_role_of(server, other, none, 2), CTL_NOBODY);
	assert_int_equal(ctl_role_of(server, other, NULL, 0), CTL_NOBODY);
	assert_int_equal(ctl_role_of(server, 0, none, 2), CTL_ADMIN);
	server->has_group[CTL_VIEWER] = false; /* group 0 of a group that is not there */
	server->group[CTL_VIEWER] = 0;
	assert_int_equal(ctl_role_of(server, other, &(gid_t){ 0 }, 1), CTL_NOBODY);
}

/* In a child: another user, with these groups. It exits with how the call ended, and prints nothing. */
static pid_t
call_as(uid_t uid, gid_t gid, size_t groups, const gid_t *group, int *ret_out)
{
	int out[2];
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		struct ctl_client *c = NULL;
		struct slice item;
		const char *said;
		int code;

		if (setgroups(groups, group) || setresgid(gid, gid, gid) ||
		    setresuid(uid, uid, uid) || ctl_connect(path, &c) ||
		    ctl_call(c, "whoami", (struct slice){ 0 }))
			_exit(9);
		if (ctl_next(c, &item) == 1) {
			char role[16] = "", who[32] = "";

			ctl_arg_text(item, "role", role, sizeof role);
			ctl_arg_text(item, "who", who, sizeof who);
			dprintf(out[1], "%s %s", who, role);
		} else {
			said = ctl_refusal(c, &code);
			dprintf(out[1], "%.21s", said);
		}
		_exit(0);
	}
	close(out[1]);
	*ret_out = out[0];
	return pid;
}

static void
on_text(struct ev_loop *l, ev_io *w, int events)
{
	(void)events;
	ev_io_stop(l, w);
	*(int *)w->data = 1;
}

static void
assert_answer(uid_t uid, gid_t gid, size_t groups, const gid_t *group, const char *answer)
{
	char text[64] = "";
	int out, came = 0;
	pid_t pid = call_as(uid, gid, groups, group, &out);
	ev_io io;

	ev_io_init(&io, on_text, out, EV_READ);
	io.data = &came;
	ev_io_start(loop, &io);
	run_until(&came, 1);
	assert_true(read(out, text, sizeof text - 1) >= 0);
	assert_string_equal(text, answer);
	close(out);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The kernel says who is there: SO_PEERCRED, SO_PEERGROUPS. Groups that every Debian has. */
static void
members_of_groups_have_their_roles_and_others_are_turned_away(void **state)
{
	const struct ctl_groups groups = { "games", "no-such-group", "tape" };
	const struct group *g = getgrnam("games");
	gid_t games = g ? g->gr_gid : 0, tape, many[3];
	struct stat st;

	(void)state;
	if (geteuid() != 0 || !g || !getgrnam("tape"))
		skip();
	tape = getgrnam("tape")->gr_gid;
	assert_int_equal(chmod(dir, 0755), 0);
	ctl_set_groups(server, &groups);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	many[0] = 4712, many[1] = games, many[2] = tape;
	assert_answer(4711, 4712, 0, NULL, "you have no role here");
	assert_answer(4711, games, 0, NULL, "uid 4711 viewer");
	assert_answer(4711, 4712, 2, many, "uid 4711 viewer");
	assert_answer(4711, 4712, 3, many, "uid 4711 admin");
	assert_answer(0, 0, 0, NULL, "uid 0 admin");
}

static void
groups_that_are_not_there_open_the_socket_to_nobody(void **state)
{
	const struct ctl_groups groups = { "no-such-group", "", NULL };
	struct stat st;

	(void)state;
	ctl_set_groups(server, &groups);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(
	    ctl_role_of(server, geteuid() + 1, &(gid_t){ 0 }, 1), CTL_NOBODY);
}

static char audited[400];

static void *
note_asked(void *arg, const struct ctl_request *req, const char *command,
    struct slice args, bool allowed)
{
	char text[64];
	struct buf b;

	(void)arg;
	buf_init_fixed(&b, text, sizeof text - 1);
	cbor_diag(&b, args);
	text[b.pos] = '\0';
	snprintf(audited + strlen(audited), sizeof audited - strlen(audited),
	    "%s (%s) %s %s %s; ", ctl_who(req), ctl_role_name(ctl_role(req)), command,
	    text, allowed ? "allowed" : "refused");
	return allowed ? strdup(command) : NULL;
}

static void
note_ended(void *arg, void *note, const char *why)
{
	(void)arg;
	snprintf(audited + strlen(audited), sizeof audited - strlen(audited),
	    "%s: %.30s; ", (const char *)note, why ? why : "done");
	free(note);
}

static const struct ctl_audit notes = { note_asked, note_ended };

static void
the_audit_hears_of_what_is_allowed_and_of_what_is_refused(void **state)
{
	int fd = raw_connect();

	(void)state;
	audited[0] = '\0';
	ctl_set_audit(server, &notes, NULL);
	set_role(CTL_VIEWER);
	raw_call(fd, "close", (struct slice){ 0 });
	raw_call(fd, "nonsense", (struct slice){ 0 });
	raw_call(fd, "echo", (struct slice){ 0 });
	run_until(&ran, 1);
	shutdown(fd, SHUT_WR);
	read_until_closed(fd);
	assert_string_equal(audited,
	    "uid 4711 (viewer) close {} refused; uid 4711 (viewer) echo {} allowed; "
	    "echo: done; ");
}

static void
the_audit_hears_how_a_request_has_ended(void **state)
{
	int fd = raw_connect();

	(void)state;
	audited[0] = '\0';
	ctl_set_audit(server, &notes, NULL);
	raw_call(fd, "count", (struct slice){ 0 }); /* which fails: no number */
	raw_call(fd, "keep", (struct slice){ 0 });
	run_until(&ran, 2);
	assert_null(strstr(audited, "keep: "));
	shutdown(fd, SHUT_WR);
	run_until(&cancelled, 1);
	assert_non_null(strstr(audited, "; count: Invalid argument; "));
	assert_non_null(strstr(audited, "; keep: the client did not wait"));
	close(fd);
}

/* --- another transport ---------------------------------------------------------------------- */
struct pipeline {
	struct buf out;
	struct ctl_peer *peer;
	int full; /* how often to say so yet */
	int closed, sent;
};

static int
pipeline_send(void *arg, struct slice bytes)
{
	struct pipeline *l = arg;

	if (l->full > 0 && l->full--)
		return -EAGAIN;
	buf_put(&l->out, bytes.data, bytes.len);
	l->sent++;
	return 0;
}

static void
pipeline_closed(void *arg)
{
	((struct pipeline *)arg)->closed = 1;
}

static const struct ctl_transport pipeline = { pipeline_send, pipeline_closed };

static void
pipeline_open(struct pipeline *l, enum ctl_role role)
{
	*l = (struct pipeline){ 0 };
	buf_init(&l->out, 1 << 22);
	assert_int_equal(
	    ctl_adopt(server, role, "0123 of lab", &pipeline, l, &l->peer), 0);
}

static void
pipeline_call(struct pipeline *l, const char *command, struct slice args)
{
	struct buf b;

	buf_init(&b, CTL_REQUEST_MAX);
	ctl_request_put(&b, command, args);
	ctl_peer_received(l->peer, buf_slice(&b));
	buf_done(&b);
}

static void
an_operator_of_another_transport_has_the_role_it_came_with_S_28(void **state)
{
	struct pipeline l;
	char text[300];
	struct buf b;

	(void)state;
	pipeline_open(&l, CTL_DEPLOYER);
	pipeline_call(&l, "whoami", (struct slice){ 0 });
	run_until(&l.sent, 1);
	buf_init_fixed(&b, text, sizeof text - 1);
	cbor_diag(&b, (struct slice){ l.out.data, l.out.pos - 2 });
	text[b.pos] = '\0';
	assert_string_equal(
	    text, "[0, {\"who\": \"0123 of lab\", \"role\": \"deployer\"}]");
	buf_reset(&l.out);
	pipeline_call(&l, "close", (struct slice){ 0 });
	run_until(&l.sent, 2);
	assert_non_null(memmem(l.out.data, l.out.pos, "needs the role admin", 20));
	ctl_peer_gone(l.peer);
	assert_int_equal(l.closed, 0);
	assert_int_equal(server->connected, 0);
	buf_done(&l.out);
}

static void
a_transport_without_room_is_asked_again_and_nothing_is_lost(void **state)
{
	struct pipeline l;
	struct buf args;
	size_t at = 0;
	int items = 0;

	(void)state;
	buf_init(&args, 64);
	pipeline_open(&l, CTL_VIEWER);
	l.full = 3;
	pipeline_call(&l, "stream", make_args(&args, "to", 1));
	pipeline_call(&l, "later", (struct slice){ 0 }); /* waits for its turn */
	while (items < STREAMED + 3) {
		struct slice rest = { at ? l.out.data + at : l.out.data, l.out.pos - at };
		ssize_t n = rest.len ? cbor_item_length(rest, rest.len) : 0;

		if (n > 0) {
			at += (size_t)n;
			items++;
		} else {
			run_until(&l.sent, l.sent + 1);
		}
	}
	assert_int_equal(streamed, STREAMED);
	assert_int_equal(at, l.out.pos);
	assert_true(largest_backlog < CTL_BACKLOG_MAX / 2);
	ctl_peer_gone(l.peer);
	buf_done(&l.out);
	buf_done(&args);
}

static void
what_is_no_request_ends_a_transport_after_the_reason(void **state)
{
	struct pipeline l;

	(void)state;
	pipeline_open(&l, CTL_ADMIN);
	ctl_peer_received(l.peer, slice_text("\xff\xff"));
	run_until(&l.closed, 1);
	assert_non_null(memmem(l.out.data, l.out.pos, "is not CBOR", 11));
	buf_done(&l.out);
}

static void
closing_the_server_tells_the_transports(void **state)
{
	struct pipeline l;

	(void)state;
	pipeline_open(&l, CTL_ADMIN);
	pipeline_call(&l, "keep", (struct slice){ 0 });
	assert_int_equal(ran, 1);
	ctl_close(TAKE(server));
	assert_int_equal(l.closed, 1);
	assert_int_equal(cancelled, 1);
	buf_done(&l.out);
}

static void
requests_sent_ahead_are_answered_in_order(void **state)
{
	int fd = raw_connect();

	(void)state;
	raw_call(fd, "later", (struct slice){ 0 });
	raw_call(fd, "echo", (struct slice){ 0 });
	run_until(&ran, 1);
	shutdown(fd, SHUT_WR);
	assert_string_equal(
	    read_until_closed(fd), "[0, {\"n\": 42}]\n[1]\n[0, {}]\n[1]\n");
}

static void
a_request_may_come_byte_by_byte(void **state)
{
	struct buf b;
	int fd = raw_connect();

	(void)state;
	buf_init(&b, 256);
	ctl_request_put(&b, "echo", (struct slice){ 0 });
	for (size_t i = 0; i < b.pos; i++) {
		assert_int_equal(ran, 0);
		raw_send(fd, b.data + i, 1);
		ev_run(loop, EVRUN_ONCE);
	}
	run_until(&ran, 1);
	shutdown(fd, SHUT_WR);
	assert_string_equal(read_until_closed(fd), "[0, {}]\n[1]\n");
	buf_done(&b);
}

static void
what_is_not_a_request_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		const char *reason;
	} cases[] = {
		{ "\xff", 1, "the request is not CBOR" },
		{ "\x1c", 1, "the request is not CBOR" },
		{ "GET / HTTP/1.1\r\n\r\n", 18, NULL },
		{ "\x01", 1, "not a request: a map with command and args is expected" },
		{ "\xa0", 1, "not a request: a map with command and args is expected" },
		{ "\xa1\x64"
		  "args\xa0",
		    7, "not a request: a map with command and args is expected" },
		{ "\xa1\x67"
		  "command\x01",
		    10, "not a request: a map with command and args is expected" },
		{ "\xa2\x67"
		  "command\x64"
		  "echo\x64"
		  "args\x80",
		    20, "not a request: a map with command and args is expected" },
		{ "\xa2\x67"
		  "command\x64"
		  "echo\x67"
		  "command\x64"
		  "echo",
		    27, "not a request: a map with command and args is expected" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int fd = raw_connect();
		char *got, wanted[128];

		raw_send(fd, cases[i].bytes, cases[i].len);
		for (int turns = 0; turns < 3; turns++)
			ev_run(loop, EVRUN_NOWAIT);
		shutdown(fd, SHUT_WR);
		got = read_until_closed(fd);
		snprintf(wanted, sizeof wanted, "[2, 2, \"%s\"]\n", cases[i].reason);
		if (cases[i].reason)
			assert_string_equal(got, wanted);
		else
			assert_int_equal(strncmp(got, "[2, 2, \"", 8), 0);
	}
	assert_int_equal(ran, 0);
}

static void
a_request_longer_than_64_kib_is_refused_and_its_client_closed(void **state)
{
	static uint8_t large[CTL_REQUEST_MAX] = { 0x5a, 0x7f, 0xff, 0xff, 0xff };
	int fd = raw_connect();

	(void)state;
	raw_send(fd, large, 5); /* the length alone says it */
	assert_string_equal(
	    read_until_closed(fd), "[2, 2, \"the request is longer than 64 KiB\"]\n");
	fd = raw_connect();
	large[0] = 0x9f; /* an array without end, of zeroes */
	memset(large + 1, 0, 4);
	raw_send(fd, large, sizeof large);
	raw_send(fd, large + 1, 1);
	assert_string_equal(
	    read_until_closed(fd), "[2, 2, \"the request is longer than 64 KiB\"]\n");
}

static void
whoever_goes_cancels_the_request_once(void **state)
{
	int fd = raw_connect();

	(void)state;
	raw_call(fd, "keep", (struct slice){ 0 });
	run_until(&ran, 1);
	assert_int_equal(cancelled, 0);
	close(fd);
	run_until(&cancelled, 1);
	ctl_close(TAKE(server));
	assert_int_equal(cancelled, 1);
}

static void
closing_the_socket_cancels_what_is_open(void **state)
{
	int fd = raw_connect();

	(void)state;
	raw_call(fd, "keep", (struct slice){ 0 });
	run_until(&ran, 1);
	ctl_close(TAKE(server));
	assert_int_equal(cancelled, 1);
	assert_string_equal(read_until_closed(fd), "");
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_command_may_close_the_socket_it_came_by(void **state)
{
	struct call call = run_call("close", (struct slice){ 0 });

	(void)state;
	assert_null(server);
	assert_int_equal(cancelled, 1);
	assert_int_equal(call.last, -ECONNRESET);
}

static void
a_client_that_does_not_read_is_closed_at_1_mib(void **state)
{
	int fd = raw_connect();

	(void)state;
	raw_call(fd, "keep", (struct slice){ 0 });
	run_until(&ran, 1);
	for (int i = 0; i < 10000 && kept && !kept->peer->out.err; i++)
		send_block(kept, i);
	assert_non_null(kept); /* never closed from inside ctl_send() */
	assert_true(kept->peer->out.pos <= CTL_BACKLOG_MAX);
	run_until(&cancelled, 1);
	assert_int_equal(server->connected, 0);
	close(fd);
}

static void
a_client_that_says_nothing_for_a_minute_is_closed_but_not_one_that_waits(void **state)
{
	int silent = raw_connect(), waiting = raw_connect();
	struct ctl_peer *cl;

	(void)state;
	raw_call(waiting, "keep", (struct slice){ 0 });
	run_until(&ran, 1);
	run_until((const int *)&server->connected, 2);
	TAILQ_FOREACH(cl, &server->peers, link) {
		assert_true(
		    ev_timer_remaining(loop, &cl->idle) > CTL_IDLE_S - DEADLINE_S);
		ev_feed_event(loop, &cl->idle, EV_TIMER);
	}
	assert_string_equal(read_until_closed(silent), "");
	assert_int_equal(server->connected, 1);
	assert_non_null(kept);
	close(waiting);
}

static void
the_sixty_fifth_client_is_turned_away_with_a_reason(void **state)
{
	int fd[CTL_PEERS_MAX];
	struct call call;

	(void)state;
	for (int i = 0; i < CTL_PEERS_MAX; i++)
		fd[i] = raw_connect();
	run_until((const int *)&server->connected, CTL_PEERS_MAX);
	call = run_call("echo", (struct slice){ 0 });
	assert_int_equal(call.last, -EREMOTEIO);
	assert_string_equal(call.reason, "too many clients, try again later");
	close(fd[0]);
	while (server->connected == CTL_PEERS_MAX)
		ev_run(loop, EVRUN_ONCE);
	call = run_call("echo", (struct slice){ 0 });
	assert_int_equal(call.last, 0);
	for (int i = 1; i < CTL_PEERS_MAX; i++)
		close(fd[i]);
}

static void
a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
	struct ctl_server *other = NULL;
	struct sockaddr_un sa;
	struct stat st;
	char file[96];
	int fd;

	(void)state;
	assert_int_equal(
	    ctl_open(loop, path, table, ARRAY_LEN(table), NULL, &other), -EADDRINUSE);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	ctl_close(TAKE(server));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(ctl_address(path, &sa), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	close(fd); /* a daemon that was killed */
	assert_int_equal(ctl_open(loop, path, table, ARRAY_LEN(table), NULL, &other), 0);
	ctl_close(other);
	snprintf(file, sizeof file, "%s/file", dir);
	fd = open(file, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(
	    ctl_open(loop, file, table, ARRAY_LEN(table), NULL, &other), -ENOTSOCK);
	assert_int_equal(access(file, F_OK), 0);
	close(fd);
	unlink(file);
}

static void
the_client_says_what_is_wrong(void **state)
{
	static uint8_t large[CTL_REQUEST_MAX];
	char missing[128], long_path[200];
	struct ctl_client *client;
	struct slice item;
	int code;

	(void)state;
	snprintf(missing, sizeof missing, "%s/none", dir);
	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_int_equal(ctl_connect(missing, &client), -ENOENT);
	assert_int_equal(ctl_connect(long_path, &client), -ENAMETOOLONG);
	assert_int_equal(ctl_connect(path, &client), 0);
	assert_int_equal(ctl_next(client, &item), -EPROTO);
	assert_int_equal(
	    ctl_call(client, "echo", (struct slice){ large, sizeof large }), -EMSGSIZE);
	assert_int_equal(ctl_call(client, "echo", (struct slice){ 0 }), 0);
	assert_int_equal(ctl_call(client, "echo", (struct slice){ 0 }), -EBUSY);
	assert_string_equal(ctl_refusal(client, &code), "");
	assert_int_equal(code, 0);
	ctl_disconnect(client);
	ctl_disconnect(NULL);
}

/* A socket that answers with the bytes given, to a client that has asked already. */
static int
ask_a_liar(const void *bytes, size_t len)
{
	struct ctl_client *client;
	struct sockaddr_un sa;
	char liar[96];
	struct slice item;
	int fd, peer, rc;

	snprintf(liar, sizeof liar, "%s/liar", dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(ctl_address(liar, &sa), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(ctl_connect(liar, &client), 0);
	assert_int_equal(ctl_call(client, "echo", (struct slice){ 0 }), 0);
	peer = accept(fd, NULL, NULL);
	raw_send(peer, bytes, len);
	shutdown(peer, SHUT_WR);
	rc = ctl_next(client, &item);
	ctl_disconnect(client);
	close(peer);
	close(fd);
	unlink(liar);
	return rc;
}

static void
the_client_believes_no_daemon(void **state)
{
	(void)state;
	assert_int_equal(ask_a_liar("", 0), -ECONNRESET);
	assert_int_equal(ask_a_liar("\x82\x00", 2), -ECONNRESET); /* cut in the middle */
	assert_int_equal(ask_a_liar("\x81\x01", 2), 0);
	assert_int_equal(ask_a_liar("\x82\x00\xa0", 3), 1);
	assert_int_equal(ask_a_liar("\x81\x03", 2), -EBADMSG);
	assert_int_equal(ask_a_liar("\x81\x00", 2), -EBADMSG); /* no item */
	assert_int_equal(
	    ask_a_liar("\x82\x01\x01", 3), 0); /* a later version may say more */
	assert_int_equal(ask_a_liar("\xa0", 1), -EBADMSG);
	assert_int_equal(ask_a_liar("\xff", 1), -EBADMSG);
	assert_int_equal(ask_a_liar("\x5a\x7f\xff\xff\xff", 5), -EMSGSIZE);
}

static void
arguments_are_found_by_name_and_type(void **state)
{
	char text[5] = "";
	int64_t n = 0;
	struct buf b;
	struct slice args;

	(void)state;
	buf_init(&b, 256);
	wr_map(&b, 4);
	wr_key_text(&b, "t", "abcd");
	wr_key_int(&b, "n", -7);
	wr_key_bool(&b, "yes", true);
	wr_key_bool(&b, "no", false);
	args = buf_slice(&b);
	assert_true(ctl_arg_text(args, "t", text, sizeof text));
	assert_string_equal(text, "abcd");
	assert_false(ctl_arg_text(args, "t", text, 4)); /* too long */
	assert_false(ctl_arg_text(args, "n", text, sizeof text));
	assert_false(ctl_arg_text(args, "x", text, sizeof text));
	assert_true(ctl_arg_int(args, "n", &n));
	assert_int_equal(n, -7);
	assert_false(ctl_arg_int(args, "t", &n));
	assert_false(ctl_arg_int(args, "x", &n));
	assert_true(ctl_arg_bool(args, "yes"));
	assert_false(ctl_arg_bool(args, "no"));
	assert_false(ctl_arg_bool(args, "t"));
	assert_false(ctl_arg_bool(args, "x"));
	buf_done(&b);
}

#define CTL_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(a_call_gives_its_items_and_then_the_end),
		CTL_TEST(an_answer_larger_than_the_socket_arrives_whole_if_it_is_read),
		CTL_TEST(a_streamed_answer_may_be_of_any_length),
		CTL_TEST(a_stream_ends_with_its_client),
		CTL_TEST(refusals_carry_code_and_reason),
		CTL_TEST(a_reason_that_is_no_utf8_still_arrives),
		CTL_TEST(a_command_may_answer_later),
		CTL_TEST(a_command_needs_its_role_S_28),
		CTL_TEST(without_groups_whoever_may_open_the_socket_is_a_viewer),
		CTL_TEST(the_best_group_of_a_user_says_its_role),
		CTL_TEST(members_of_groups_have_their_roles_and_others_are_turned_away),
		CTL_TEST(groups_that_are_not_there_open_the_socket_to_nobody),
		CTL_TEST(the_audit_hears_of_what_is_allowed_and_of_what_is_refused),
		CTL_TEST(the_audit_hears_how_a_request_has_ended),
		CTL_TEST(an_operator_of_another_transport_has_the_role_it_came_with_S_28),
		CTL_TEST(a_transport_without_room_is_asked_again_and_nothing_is_lost),
		CTL_TEST(what_is_no_request_ends_a_transport_after_the_reason),
		CTL_TEST(closing_the_server_tells_the_transports),
		CTL_TEST(requests_sent_ahead_are_answered_in_order),
		CTL_TEST(a_request_may_come_byte_by_byte),
		CTL_TEST(what_is_not_a_request_is_refused),
		CTL_TEST(a_request_longer_than_64_kib_is_refused_and_its_client_closed),
		CTL_TEST(whoever_goes_cancels_the_request_once),
		CTL_TEST(closing_the_socket_cancels_what_is_open),
		CTL_TEST(a_command_may_close_the_socket_it_came_by),
		CTL_TEST(a_client_that_does_not_read_is_closed_at_1_mib),
		CTL_TEST(
		    a_client_that_says_nothing_for_a_minute_is_closed_but_not_one_that_waits),
		CTL_TEST(the_sixty_fifth_client_is_turned_away_with_a_reason),
		CTL_TEST(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
		CTL_TEST(the_client_says_what_is_wrong),
		CTL_TEST(the_client_believes_no_daemon),
		TEST(arguments_are_found_by_name_and_type),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
