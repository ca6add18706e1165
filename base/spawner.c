/* SPDX-License-Identifier: Apache-2.0
 *
 * The spawner process. It has no network, no secret and no event loop: it reads requests,
 * forks, and tells how programs ended. A program that has ended stays a zombie until the
 * daemon releases it, so that its process group cannot become somebody else's meanwhile. */
#include "base/spawn_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "base/spawn.h"

struct program {
	uint32_t id;
	pid_t pid; /* and process group */
	bool ended;
};

struct state {
	int sock, signals;
	pid_t self;
	const struct spawn_program *table; /* NULL: any program */
	uint32_t table_len;
	struct program program[SPAWN_PROGRAMS_MAX];
	unsigned running;
	struct {
		struct spawn_request head;
		char strings[SPAWN_STRINGS_MAX + 1];
	} packet;
	char *argv[SPAWN_WORDS_MAX + 1], *env[SPAWN_WORDS_MAX + 1];
	struct spawn_program next; /* to be started */
};

static void
tell(struct state *s, enum spawn_news what, uint32_t id, int value)
{
	struct spawn_event event = { .what = what, .id = id, .value = value };

	while (send(s->sock, &event, sizeof event, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static struct program *
find_program(struct state *s, uint32_t id)
{
	for (unsigned i = 0; i < s->running; i++)
		if (s->program[i].id == id)
			return &s->program[i];
	return NULL;
}

/* --- starting ------------------------------------------------------------------------- */
static void
reset_signals(void)
{
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A change of user undoes the wish to end with the spawner. */
static int
confine_program(const struct state *s)
{
	const struct spawn_program *p = &s->next;
	const char *const own[] = { p->argv[0], NULL };

	if (!p->confine)
		return 0;
	int err = sandbox_become(p->confine);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != s->self)
		_exit(127);
	if (!err)
		err = sandbox_enter_program(p->confine, own);
	if (err < 0) {
		errno = -err;
		log_warn("spawn", "%s cannot be confined and is not started", *own);
	}
	return err;
}

/* In the child. Everything but 0, 1 and 2 closes at exec, report included. */
static noreturn void
become_program(struct state *s, const int fds[3], int report)
{
	int err = 0;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != s->self)
		_exit(127);
	reset_signals();
	err = -confine_program(s);
	if (!err && dup2(fds[0], 0) >= 0 && dup2(fds[1], 1) >= 0 &&
	    dup2(fds[2], 2) >= 0) {
		close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
		execve(s->next.argv[0], (char **)s->next.argv, (char **)s->next.env);
	}
	err = err ? err : errno;
	if (write(report, &err, sizeof err) < 0)
		_exit(126);
	_exit(127);
}

/* 0 when exec has closed the pipe, else what the child has written: its errno. */
static int
read_report(int fd)
{
	int err = 0;

	while (read(fd, &err, sizeof err) < 0 && errno == EINTR)
		;
	return err;
}

static int
fork_program(struct state *s, const int fds[3], pid_t *ret)
{
	int report[2], err;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0)
		become_program(s, fds, report[1]);
	err = pid < 0 ? errno : 0;
	close(report[1]);
	if (!err)
		err = read_report(report[0]);
	close(report[0]);
	if (err && pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	if (!err)
		*ret = pid;
	return err;
}

/* Takes count strings from the packet. NULL: they do not end within it. */
static char *
take_strings(char *from, const char *end, uint32_t count, char **ret)
{
	for (uint32_t i = 0; i < count; i++) {
		char *nul = memchr(from, '\0', (size_t)(end - from));

		if (!nul)
			return NULL;
		ret[i] = from;
		from = nul + 1;
	}
	ret[count] = NULL;
	return from;
}

static bool
take_words(struct state *s, size_t len)
{
	const struct spawn_request *head = &s->packet.head;
	char *at = s->packet.strings, *end = at + head->size;

	if (len != sizeof *head + head->size || head->size > SPAWN_STRINGS_MAX ||
	    head->argc < 1 || head->argc > SPAWN_WORDS_MAX ||
	    head->envc > SPAWN_WORDS_MAX)
		return false;
	at = take_strings(at, end, head->argc, s->argv);
	if (at)
		at = take_strings(at, end, head->envc, s->env);
	s->next = (struct spawn_program){ .argv = (const char *const *)s->argv,
		.env = (const char *const *)s->env };
	return at == end && s->argv[0][0] == '/';
}

/* Of the table, whatever else the request says is refused. */
static int
choose_program(struct state *s, size_t len)
{
	const struct spawn_request *head = &s->packet.head;

	if (!s->table)
		return take_words(s, len) ? 0 : EINVAL;
	if (len != sizeof *head || head->argc || head->envc || head->size ||
	    head->program >= s->table_len)
		return EPERM;
	s->next = s->table[head->program];
	return 0;
}

static void
start_program(struct state *s, size_t len, const int fds[3])
{
	uint32_t id = s->packet.head.id;
	pid_t pid = 0;
	int err;

	if (fds[2] < 0 || find_program(s, id))
		err = EINVAL;
	else if (s->running == SPAWN_PROGRAMS_MAX)
		err = EAGAIN;
	else
		err = choose_program(s, len);
	if (!err)
		err = fork_program(s, fds, &pid);
	if (err)
		tell(s, SPAWN_FAILED, id, err);
	else
		s->program[s->running++] = (struct program){ .id = id, .pid = pid };
}

/* --- ending --------------------------------------------------------------------------- */
/* waitid(2) tells it in pieces; daemons take it apart with the macros of waitpid(2). */
static int
as_wait_status(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return (info->si_status & 0xff) << 8;
	return info->si_status | (info->si_code == CLD_DUMPED ? 0x80 : 0);
}

static void
notice_ends(struct state *s)
{
	for (unsigned i = 0; i < s->running; i++) {
		struct program *p = &s->program[i];
		siginfo_t info = { .si_pid = 0 };

		if (p->ended ||
		    waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    !info.si_pid)
			continue;
		p->ended = true;
		tell(s, SPAWN_ENDED, p->id, as_wait_status(&info));
	}
}

static void
release_program(struct state *s, struct program *p)
{
	if (!p->ended)
		return;
	kill(-p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*p = s->program[--s->running];
}

/* --- requests ------------------------------------------------------------------------- */
static void
take_descriptors(struct msghdr *msg, int fds[3])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(
		    fds, CMSG_DATA(c), bytes < 3 * sizeof(int) ? bytes : 3 * sizeof(int));
	}
}

static ssize_t
receive(struct state *s, int fds[3])
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct iovec iov = { &s->packet, sizeof s->packet };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control };
	ssize_t n;

	n = recvmsg(s->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n > 0)
		take_descriptors(&msg, fds);
	return n;
}

static void
serve(struct state *s, size_t len, const int fds[3])
{
	const struct spawn_request *head = &s->packet.head;
	struct program *p;

	if (len < sizeof *head)
		return;
	p = find_program(s, head->id);
	switch ((enum spawn_op)head->op) {
	case SPAWN_START:
		start_program(s, len, fds);
		return;
	case SPAWN_SIGNAL:
		if (p)
			kill(-p->pid, head->signal);
		return;
	case SPAWN_RELEASE:
		if (p)
			release_program(s, p);
		return;
	}
}

/* False when the daemon is gone. */
static bool
take_request(struct state *s)
{
	int fds[3] = { -1, -1, -1 };
	ssize_t n = receive(s, fds);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	serve(s, (size_t)n, fds);
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return true;
}

/* --- life ----------------------------------------------------------------------------- */
/* False when the daemon is gone: it asked the kernel to send us SIGUSR1 then. */
static bool
take_signals(struct state *s)
{
	struct signalfd_siginfo info;
	bool alive = true;

	while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info)
		if (info.ssi_signo == SIGUSR1)
			alive = false;
	notice_ends(s);
	return alive;
}

static bool
all_ended(const struct state *s)
{
	for (unsigned i = 0; i < s->running; i++)
		if (!s->program[i].ended)
			return false;
	return true;
}

static void
signal_all(struct state *s, int sig)
{
	for (unsigned i = 0; i < s->running; i++)
		kill(-s->program[i].pid, sig);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
end_all(struct state *s)
{
	int64_t deadline = now_ms() + SPAWN_GRACE_MS;

	signal_all(s, SIGTERM);
	while (!all_ended(s)) {
		struct pollfd p = { .fd = s->signals, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (left <= 0 || (poll(&p, 1, (int)left) < 0 && errno != EINTR))
			break;
		take_signals(s);
	}
	signal_all(s, SIGKILL);
}

static int
open_signals(void)
{
	sigset_t set;

	/* a terminal's or a service manager's signal is for the daemon, which then ends us */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void
work(struct state *s)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = s->sock, .events = POLLIN },
			{ .fd = s->signals, .events = POLLIN } };

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents && !take_signals(s))
			return;
		if (p[0].revents && !take_request(s))
			return;
	}
}

noreturn void
spawner_main(int sock, pid_t daemon, const struct spawn_program *table, uint32_t len)
{
	static struct state s;
	struct sandbox_state sandbox;

	prctl(PR_SET_NAME, "spawner");
	close_range(3, (unsigned)sock - 1, 0);
	close_range((unsigned)sock + 1, ~0U, 0);
	s.sock = sock;
	s.table = table;
	s.table_len = len;
	s.self = getpid();
	s.signals = open_signals();
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (sandbox_enter(NULL, true, &sandbox) < 0)
		log_warn("spawn", "the spawner and its programs are not confined");
	if (s.signals < 0 || chdir("/") < 0)
		log_error("spawn", "the spawner cannot start");
	else if (getppid() == daemon)
		work(&s);
	end_all(&s);
	_exit(0);
}
