/* SPDX-License-Identifier: Apache-2.0
 *
 * The controller's side: requests wait for their answers in the order in which they were sent. */
#include "controller/signer.h"
#include "base/log.h"
#include "controller/signer_wire.h"

#include <errno.h>
#include <ev.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct waiting {
	STAILQ_ENTRY(waiting) link;
	uint32_t number;
	signer_done_f *done; /* NULL: of a reload */
	void *arg;
};

struct signer {
	struct ev_loop *loop; /* NULL until attached */
	ev_io answered;
	pid_t pid;
	int sock; /* -1: the process is gone */
	uint32_t last;
	STAILQ_HEAD(, waiting) waiting;
};

/* --- answers --------------------------------------------------------------------------------------- */
static void
tell(struct waiting *w, int err, struct slice certificate)
{
	if (w->done)
		w->done(w->arg, err, certificate);
	else if (err)
		log_warnx("signer",
		    "the files of the CA are not usable, the old ones stay"
		    " in force: %s",
		    strerror(-err));
	free(w);
}

static void
close_socket(struct signer *s)
{
	if (s->sock < 0)
		return;
	if (s->loop)
		ev_io_stop(s->loop, &s->answered);
	close(s->sock);
	s->sock = -1;
}

/* A done() may ask for more; what it asks is refused by then. */
static void
give_up(struct signer *s)
{
	struct waiting *w;

	log_errorx("signer",
	    "the process that holds the key of the CA has ended: nobody can"
	    " join or renew until fogwatch-controller is started again");
	close_socket(s);
	while ((w = STAILQ_FIRST(&s->waiting))) {
		STAILQ_REMOVE_HEAD(&s->waiting, link);
		tell(w, -EPIPE, (struct slice){ 0 });
	}
}

static void
take_answer(struct signer *s, const struct signer_answer *a)
{
	struct waiting *w = STAILQ_FIRST(&s->waiting);

	if (!w || w->number != a->number || a->len > sizeof a->certificate) {
		give_up(s);
		return;
	}
	STAILQ_REMOVE_HEAD(&s->waiting, link);
	tell(w, a->err, (struct slice){ a->certificate, a->len });
}

static void
on_answer(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct signer *s = container_of(watcher, struct signer, answered);
	struct signer_answer a;
	ssize_t n = recv(s->sock, &a, sizeof a, MSG_DONTWAIT);

	(void)loop, (void)revents;
	if (n == (ssize_t)sizeof a)
		take_answer(s, &a);
	else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		give_up(s);
}

/* --- requests -------------------------------------------------------------------------------------- */
static int
ask(struct signer *s, struct signer_request *r, signer_done_f *done, void *arg)
{
	struct waiting *w;

	if (s->sock < 0)
		return -EPIPE;
	w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	*w = (struct waiting){ .number = ++s->last, .done = done, .arg = arg };
	r->number = w->number;
	if (send(s->sock, r, sizeof *r, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		free(w);
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -EPIPE;
	}
	STAILQ_INSERT_TAIL(&s->waiting, w, link);
	return 0;
}

int
signer_issue(struct signer *s, struct slice spki, const struct fog_id *id, unsigned days,
    int64_t now_ms, signer_done_f *done, void *arg)
{
	struct signer_request r = {
		.op = SIGNER_ISSUE,
		.id = *id,
		.days = days,
		.now_ms = now_ms,
		.spki_len = (uint32_t)spki.len,
	};

	if (spki.len > sizeof r.spki)
		return -EACCES;
	memcpy(r.spki, spki.data, spki.len);
	return ask(s, &r, done, arg);
}

bool
signer_is_busy(const struct signer *s)
{
	return !STAILQ_EMPTY(&s->waiting);
}

int
signer_reload(struct signer *s)
{
	struct signer_request r = { .op = SIGNER_RELOAD };

	return ask(s, &r, NULL, NULL);
}

/* --- life ------------------------------------------------------------------------------------------ */
static int
fork_process(struct signer *s, const char *ca_dir)
{
	pid_t controller = getpid();
	int pair[2], err = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	s->pid = pair[0] <= 2 ? -1 : fork();
	if (s->pid == 0)
		signer_main(pair[1], ca_dir, controller);
	if (s->pid < 0)
		err = pair[0] <= 2 ? -EBADF : -errno;
	close(pair[1]);
	s->sock = pair[0];
	return err;
}

/* Its first word: whether there is a CA. */
static int
hear_start(struct signer *s)
{
	struct signer_answer a;
	ssize_t n;

	do {
		n = recv(s->sock, &a, sizeof a, 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof a && a.number == 0 ? a.err : -EPIPE;
}

int
signer_start(const char *ca_dir, struct signer **ret)
{
	CLEANUP(signer_stop) struct signer *s = calloc(1, sizeof *s);
	int err;

	if (!s)
		return -ENOMEM;
	s->sock = -1;
	STAILQ_INIT(&s->waiting);
	err = fork_process(s, ca_dir);
	if (!err)
		err = hear_start(s);
	if (err)
		return err;
	*ret = TAKE(s);
	return 0;
}

int
signer_attach(struct signer *s, struct ev_loop *loop)
{
	s->loop = loop;
	ev_io_init(&s->answered, on_answer, s->sock, EV_READ);
	ev_io_start(loop, &s->answered);
	return 0;
}

void
signer_stop(struct signer *s)
{
	struct waiting *w;

	if (!s)
		return;
	close_socket(s);
	while ((w = STAILQ_FIRST(&s->waiting))) {
		STAILQ_REMOVE_HEAD(&s->waiting, link);
		free(w);
	}
	if (s->pid > 0)
		while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
			;
	free(s);
}
