/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

struct daemon {
	struct ev_loop *loop;
	const struct daemon_ops *ops;
	void *arg;
	ev_signal terminate, interrupt, hangup;
	ev_timer watchdog;
	bool stopping;
};

/* --- preparation ---------------------------------------------------------------------- */
/* A socket that became descriptor 2 would receive our log lines. */
static void
open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

void
daemon_prepare(void)
{
	struct rlimit none = { 0, 0 };

	open_standard_descriptors();
	signal(SIGPIPE, SIG_IGN);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		log_warn("daemon", "cannot forbid memory dumps of keys");
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		log_warn("daemon", "cannot forbid core files");
}

/* --- service manager: the protocol of sd_notify(3) ------------------------------------ */
static int
notify_address(struct sockaddr_un *sa, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	if (!len)
		return -ENOENT;
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof sa->sun_path)
		return -EINVAL;
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sa->sun_path, path, len);
	if (path[0] == '@') /* abstract: the name has no NUL at its end */
		sa->sun_path[0] = '\0';
	*ret_len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	return 0;
}

/* Not being heard by the service manager is no reason to stop working. */
static void
notify(const char *message)
{
	struct sockaddr_un sa;
	socklen_t len;
	int fd;

	if (notify_address(&sa, &len) < 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 ||
	    sendto(fd, message, strlen(message), MSG_NOSIGNAL, (struct sockaddr *)&sa,
		len) < 0)
		log_warn("daemon", "cannot tell the service manager");
	if (fd >= 0)
		close(fd);
}

/* A newline would begin another assignment. */
static void
notify_status(const char *prefix, const char *status)
{
	char message[512];

	snprintf(message, sizeof message, "%sSTATUS=%s", prefix, status);
	for (char *p = message + strlen(prefix); *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	notify(message);
}

void
daemon_status(const char *fmt, ...)
{
	char status[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(status, sizeof status, fmt, args);
	va_end(args);
	notify_status("", status);
}

void
daemon_stopping(void)
{
	notify("STOPPING=1");
}

static void
feed_watchdog(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop, (void)w, (void)events;
	notify("WATCHDOG=1");
}

/* Half the period, as sd_watchdog_enabled(3) asks for. 0: nobody watches us. */
static double
watchdog_interval(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	return strtod(usec, NULL) / 2 / 1e6;
}

void
daemon_ready(struct daemon *d, const char *status)
{
	double interval = watchdog_interval();

	notify_status("READY=1\n", status);
	if (!(interval > 0))
		return;
	ev_timer_set(&d->watchdog, interval, interval);
	ev_timer_start(d->loop, &d->watchdog);
}

/* --- signals -------------------------------------------------------------------------- */
static void
on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;

	(void)events;
	if (d->stopping) {
		log_info("daemon", "second signal %d, leaving at once", w->signum);
		ev_break(loop, EVBREAK_ALL);
		return;
	}
	d->stopping = true;
	daemon_stopping();
	d->ops->stop(d->arg);
}

/* Type=notify-reload wants the time at which the reload began. */
static void
on_hangup(struct ev_loop *loop, ev_signal *w, int events)
{
	struct daemon *d = w->data;
	char message[64];
	struct timespec now;

	(void)loop, (void)events;
	if (!d->ops->reload || d->stopping)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now); /* what systemd compares it with */
	snprintf(message, sizeof message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	notify(message);
	d->ops->reload(d->arg);
	notify("READY=1");
}

static void
start_signal(struct daemon *d, ev_signal *w, int number)
{
	ev_signal_set(w, number);
	w->data = d;
	ev_signal_start(d->loop, w);
}

int
daemon_new(
    struct ev_loop *loop, const struct daemon_ops *ops, void *arg, struct daemon **ret)
{
	struct daemon *d = calloc(1, sizeof *d);

	if (!d)
		return -ENOMEM;
	d->loop = loop;
	d->ops = ops;
	d->arg = arg;
	ev_init(&d->terminate, on_stop);
	ev_init(&d->interrupt, on_stop);
	ev_init(&d->hangup, on_hangup);
	ev_init(&d->watchdog, feed_watchdog);
	start_signal(d, &d->terminate, SIGTERM);
	start_signal(d, &d->interrupt, SIGINT);
	start_signal(d, &d->hangup, SIGHUP);
	*ret = d;
	return 0;
}

void
daemon_free(struct daemon *d)
{
	if (!d)
		return;
	ev_timer_stop(d->loop, &d->watchdog);
	ev_signal_stop(d->loop, &d->hangup);
	ev_signal_stop(d->loop, &d->interrupt);
	ev_signal_stop(d->loop, &d->terminate);
	free(d);
}
