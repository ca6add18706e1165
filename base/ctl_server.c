/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of the control socket: who may come, and as whom. */
#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctl_server_int.h"
#include "base/log.h"

#define ACCEPT_PAUSE_S 1.0 /* when descriptors have run out */

/* --- memory --------------------------------------------------------------------------- */
static void
sweep(struct ctl_server *s)
{
	struct ctl_peer *p = TAILQ_FIRST(&s->peers), *next;

	for (; p; p = next) {
		next = TAILQ_NEXT(p, link);
		if (!p->dead)
			continue;
		TAILQ_REMOVE(&s->peers, p, link);
		ctl_peer_free(p);
	}
	if (s->closed) {
		free(s->path);
		free(s);
	}
}

void
ctl_enter(struct ctl_server *s)
{
	s->depth++;
}

void
ctl_leave(struct ctl_server *s)
{
	if (--s->depth == 0)
		sweep(s);
}

/* --- roles ---------------------------------------------------------------------------- */
static enum ctl_role
role_by_groups(const struct ctl_server *s, const gid_t *gid, size_t gids)
{
	enum ctl_role best = CTL_NOBODY;

	for (enum ctl_role r = CTL_VIEWER; r <= CTL_ADMIN; r++)
		for (size_t i = 0; i < gids && s->has_group[r]; i++)
			if (gid[i] == s->group[r])
				best = r;
	return best;
}

/* Whoever could stop the daemon may command it. Without groups, whoever may open the socket may
 * look. */
enum ctl_role
ctl_role_of(const struct ctl_server *s, uid_t uid, const gid_t *gid, size_t gids)
{
	if (uid == 0 || uid == geteuid())
		return CTL_ADMIN;
	return s->grouped ? role_by_groups(s, gid, gids) : CTL_VIEWER;
}

/* A group that is not there has no members. In a user namespace all groups that it does not know look
 * like one. */
static void
find_group(struct ctl_server *s, enum ctl_role role, const char *name)
{
	const struct group *g = name && *name ? getgrnam(name) : NULL;

	s->has_group[role] = g && g->gr_gid != CTL_UNMAPPED_ID;
	if (s->has_group[role])
		s->group[role] = g->gr_gid;
	else if (name && *name)
		log_debug("ctl", "there is no group %s, which would be %s", name,
		    ctl_role_name(role));
}

/* A file has one group, and we ask who is there anyway. */
void
ctl_set_groups(struct ctl_server *s, const struct ctl_groups *groups)
{
	s->grouped = true;
	find_group(s, CTL_VIEWER, groups->viewer);
	find_group(s, CTL_DEPLOYER, groups->deployer);
	find_group(s, CTL_ADMIN, groups->admin);
	if ((s->has_group[CTL_VIEWER] || s->has_group[CTL_DEPLOYER] ||
		s->has_group[CTL_ADMIN]) &&
	    chmod(s->path, 0666) < 0)
		log_warn("ctl", "%s: cannot be opened to its groups", s->path);
}

void
ctl_set_audit(struct ctl_server *s, const struct ctl_audit *audit, void *arg)
{
	s->audit = audit;
	s->audit_arg = arg;
}

/* --- clients -------------------------------------------------------------------------- */
static void
turn_away(int fd, const char *reason)
{
	uint8_t memory[256];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	ctl_refusal_put(&b, 1, reason);
	(void)!send(fd, b.data, b.pos, MSG_NOSIGNAL);
	close(fd);
}

/* The groups that the peer had when it connected, its first one included. *ret is to be freed. */
static int
peer_groups(int fd, const struct ucred *peer, gid_t **ret, size_t *ret_len)
{
	socklen_t size = 32 * sizeof(gid_t);
	gid_t *gid = NULL, *larger;
	int err = ERANGE;

	while (err == ERANGE && size <= CTL_GROUPS_MAX * sizeof(gid_t)) {
		larger = realloc(gid, size + sizeof(gid_t));
		err = larger ? 0 : ENOMEM;
		gid = larger ? larger : gid;
		if (!err && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, gid, &size) < 0)
			err = errno; /* and size is what it takes */
	}
	if (err) {
		free(gid);
		return -err;
	}
	gid[size / sizeof *gid] = peer->gid;
	*ret_len = size / sizeof *gid + 1;
	*ret = gid;
	return 0;
}

static enum ctl_role
role_of(const struct ctl_server *s, int fd, const struct ucred *peer)
{
	gid_t *gid = NULL;
	size_t gids = 0;
	enum ctl_role role;

	if (s->grouped && peer_groups(fd, peer, &gid, &gids) < 0)
		gids = 0;
	role = ctl_role_of(s, peer->uid, gid, gids);
	free(gid);
	return role;
}

static void
add_client(struct ctl_server *s, int fd, const struct ucred *peer, enum ctl_role role)
{
	struct ctl_peer *p = ctl_peer_new(s);

	if (!p) {
		close(fd);
		return;
	}
	p->uid = peer->uid;
	p->role = role;
	snprintf(p->who, sizeof p->who, "uid %u", (unsigned)peer->uid);
	ctl_peer_listen(p, fd);
}

static void
take_client(struct ctl_server *s, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	enum ctl_role role;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
		close(fd);
		return;
	}
	role = role_of(s, fd, &peer);
	if (role == CTL_NOBODY)
		turn_away(fd,
		    "you have no role here: ask as root, or as a member of one of the "
		    "groups that the option control of the daemon names");
	else if (s->connected >= CTL_PEERS_MAX)
		turn_away(fd, "too many clients, try again later");
	else
		add_client(s, fd, &peer, role);
}

/* False when there is nobody left, or nothing to receive them with. */
static bool
accept_one(struct ctl_server *s)
{
	int fd;

	fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		log_warn("ctl", "cannot accept a client, trying again in a second");
		ev_io_stop(s->loop, &s->listener);
		ev_timer_again(s->loop, &s->pause);
	}
	if (fd < 0)
		return false;
	take_client(s, fd);
	return true;
}

static void
on_listener(struct ev_loop *loop, ev_io *w, int events)
{
	struct ctl_server *s = container_of(w, struct ctl_server, listener);

	(void)loop, (void)events;
	for (int i = 0; i < 16 && accept_one(s); i++)
		;
}

static void
on_pause(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ctl_server *s = container_of(w, struct ctl_server, pause);

	(void)events;
	ev_timer_stop(loop, w);
	ev_io_start(loop, &s->listener);
}

/* --- the socket ----------------------------------------------------------------------- */
int
ctl_open(struct ev_loop *loop, const char *path, const struct ctl_command *table,
    size_t len, void *arg, struct ctl_server **ret)
{
	struct ctl_server *s = calloc(1, sizeof *s);
	int fd;

	for (size_t i = 0; i < len; i++)
		assert(table[i].role >= CTL_VIEWER && table[i].run);
	if (!s || !(s->path = strdup(path))) {
		free(s);
		return -ENOMEM;
	}
	fd = ctl_listen(path, CTL_PEERS_MAX);
	if (fd < 0) {
		free(s->path);
		free(s);
		return fd;
	}
	s->loop = loop;
	s->table = table;
	s->len = len;
	s->arg = arg;
	TAILQ_INIT(&s->peers);
	ev_io_init(&s->listener, on_listener, fd, EV_READ);
	ev_init(&s->pause, on_pause);
	s->pause.repeat = ACCEPT_PAUSE_S;
	ev_io_start(loop, &s->listener);
	*ret = s;
	return 0;
}

void
ctl_close(struct ctl_server *s)
{
	struct ctl_peer *p;

	if (!s || s->closed)
		return;
	s->closed = true;
	ctl_enter(s);
	ev_timer_stop(s->loop, &s->pause);
	ev_io_stop(s->loop, &s->listener);
	close(s->listener.fd);
	unlink(s->path);
	TAILQ_FOREACH(p, &s->peers, link)
		ctl_peer_close(p);
	ctl_leave(s);
}
