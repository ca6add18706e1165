/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the node is and how it moves, from gpsd(8) on this machine. It is asked at each sample for the
 * fix it has: a stream would fill the socket while nobody reads, and gpsd hangs up on those who do not.
 * A fix whose time does not go on any more is none (MET-09). */
#include "base/addr_text.h"
#include "metrics/gpsd.h"
#include "metrics/source.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX   16384
#define WAIT_MS	     200   /* gpsd answers from memory */
#define RETRY_MS     5000  /* after it hung up or did not answer */
#define FIX_MAX_MS   10000 /* receivers tell of a fix every second or so */
#define LINES_MAX    16	   /* of other messages before the answer */
#define DEFAULT_PORT 2947

enum {
	LATITUDE,
	LONGITUDE,
	ALTITUDE,
	SPEED,
	HEADING,
	CLIMB,
	ERROR,
	MODE,
	SATELLITES,
};

static const struct metric metrics[] = {
	[LATITUDE] = { "node_gps_latitude_degrees", "degrees", METRIC_GAUGE,
	    "latitude of the node, north is positive" },
	[LONGITUDE] = { "node_gps_longitude_degrees", "degrees", METRIC_GAUGE,
	    "longitude of the node, east is positive" },
	[ALTITUDE] = { "node_gps_altitude_meters", "meters", METRIC_GAUGE,
	    "height above mean sea level" },
	[SPEED] = { "node_gps_speed_meters_per_second", "m/s", METRIC_GAUGE,
	    "speed over ground" },
	[HEADING] = { "node_gps_heading_degrees", "degrees", METRIC_GAUGE,
	    "direction of the movement, clockwise from north" },
	[CLIMB] = { "node_gps_climb_meters_per_second", "m/s", METRIC_GAUGE,
	    "speed of climbing, sinking is negative" },
	[ERROR] = { "node_gps_error_meters", "meters", METRIC_GAUGE,
	    "estimated error of the position" },
	[MODE] = { "node_gps_mode", "", METRIC_GAUGE,
	    "1 if there is no fix, 2 for a position, 3 with height" },
	[SATELLITES] = { "node_gps_satellites", "", METRIC_GAUGE,
	    "satellites that are used for the fix" },
};

struct gps {
	char *address;
	int fd; /* -1: not connected */
	int64_t retry_ms;
	char time[GPSD_TIME_MAX]; /* of the last fix, … */
	int64_t time_ms;	  /* … and when it was first seen */
	size_t len;
	char line[ANSWER_MAX];
};

static void
hang_up(struct gps *g, int64_t now_ms)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	g->len = 0;
	g->retry_ms = now_ms + RETRY_MS;
}

static void
gps_close(void *inst)
{
	struct gps *g = inst;

	hang_up(g, 0);
	free(g->address);
	free(g);
}

static int
gps_open(const struct source_env *env, void **ret_inst)
{
	struct gps *g = calloc(1, sizeof *g);

	if (!g)
		return -ENOMEM;
	g->fd = -1;
	g->retry_ms = INT64_MIN;
	if (env->gpsd && env->gpsd[0] && !(g->address = strdup(env->gpsd))) {
		gps_close(g);
		return -ENOMEM;
	}
	*ret_inst = g;
	return 0;
}

/* --- the connection -------------------------------------------------------------------- */

static int
wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, WAIT_MS);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int
finish_connect(int fd)
{
	int err = wait_for(fd, POLLOUT), failed = 0;
	socklen_t len = sizeof failed;

	if (err < 0)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
		return -errno;
	return -failed;
}

static int
connect_to(const struct sockaddr *sa, socklen_t len)
{
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, sa, len) < 0)
		err = errno == EINPROGRESS ? finish_connect(fd) : -errno;
	if (err == 0)
		return fd;
	close(fd);
	return err;
}

static int
connect_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof un.sun_path)
		return -ENAMETOOLONG;
	memcpy(un.sun_path, path, strlen(path) + 1);
	return connect_to((const struct sockaddr *)&un, sizeof un);
}

/* Loopback alone: whoever can answer for gpsd says where the node is. */
static int
connect_tcp(const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6;
	struct addr a;
	int err = addr_parse(text, &a);

	if (err < 0)
		return err;
	if (!addr_is_loopback(&a.ip))
		return -EPERM;
	if (a.port == 0)
		a.port = DEFAULT_PORT;
	v6 = addr_to_sockaddr(&a);
	if (!addr_is_v4(&a.ip))
		return connect_to((const struct sockaddr *)&v6, sizeof v6);
	v4.sin_port = v6.sin6_port;
	memcpy(&v4.sin_addr, a.ip.s6_addr + 12, sizeof v4.sin_addr);
	return connect_to((const struct sockaddr *)&v4, sizeof v4);
}

static int
say(struct gps *g, const char *text)
{
	size_t len = strlen(text);

	return send(g->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len ? 0 : -EPIPE;
}

/* gpsd wakes the receiver for those who watch; without a format it streams nothing. */
static int
get_connected(struct gps *g, int64_t now_ms)
{
	int fd;

	if (g->fd >= 0)
		return 0;
	if (!g->address || now_ms < g->retry_ms)
		return -ENOTCONN;
	fd = g->address[0] == '/' ? connect_unix(g->address) : connect_tcp(g->address);
	if (fd < 0)
		return fd;
	g->fd = fd;
	return say(g, "?WATCH={\"enable\":true};\n");
}

/* --- questions and answers ------------------------------------------------------------- */

/* The next line, good until the next call; what was read behind it is kept. */
static int
read_line(struct gps *g, size_t *used, struct slice *ret)
{
	memmove(g->line, g->line + *used, g->len -= *used);
	*used = 0;
	for (;;) {
		char *end = memchr(g->line, '\n', g->len);
		ssize_t n;
		int err;

		if (end) {
			*used = (size_t)(end - g->line) + 1;
			*ret = (struct slice){ (uint8_t *)g->line, *used - 1 };
			return 0;
		}
		if (g->len == sizeof g->line)
			return -EMSGSIZE;
		err = wait_for(g->fd, POLLIN);
		if (err < 0)
			return err;
		n = recv(g->fd, g->line + g->len, sizeof g->line - g->len, 0);
		if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR)))
			return -ECONNRESET;
		g->len += n > 0 ? (size_t)n : 0;
	}
}

static int
ask(struct gps *g, struct gpsd_fix *ret)
{
	size_t used = 0;
	int err = say(g, "?POLL;\n"), got = 0;

	for (unsigned i = 0; err == 0 && got == 0 && i < LINES_MAX; i++) {
		struct slice line;

		err = read_line(g, &used, &line);
		if (err == 0)
			got = gpsd_parse(line, ret);
	}
	memmove(g->line, g->line + used, g->len -= used);
	return err < 0 ? err : got < 0 ? got : got > 0 ? 0 : -EBADMSG;
}

static bool
is_fresh(struct gps *g, const struct gpsd_fix *fix, int64_t now_ms)
{
	if (strcmp(g->time, fix->time) != 0) {
		memcpy(g->time, fix->time, sizeof g->time);
		g->time_ms = now_ms;
	}
	return fix->mode >= 2 && fix->time[0] && now_ms - g->time_ms <= FIX_MAX_MS;
}

static void
put_fix(const struct gpsd_fix *f, struct sink *sink)
{
	sink_put(sink, &metrics[LATITUDE], NULL, f->latitude);
	sink_put(sink, &metrics[LONGITUDE], NULL, f->longitude);
	if (f->mode >= 3) {
		sink_put(sink, &metrics[ALTITUDE], NULL, f->altitude);
		sink_put(sink, &metrics[CLIMB], NULL, f->climb);
	}
	sink_put(sink, &metrics[SPEED], NULL, f->speed);
	sink_put(sink, &metrics[HEADING], NULL, f->heading);
	sink_put(sink, &metrics[ERROR], NULL, f->error);
}

static int
gps_sample(void *inst, int64_t now_ms, struct sink *sink)
{
	struct gps *g = inst;
	struct gpsd_fix fix;
	int err = get_connected(g, now_ms);

	if (err == 0)
		err = ask(g, &fix);
	if (err < 0) {
		if (err != -ENOTCONN)
			hang_up(g, now_ms);
		return err;
	}
	if (fix.mode > 0) {
		sink_put(sink, &metrics[MODE], NULL, fix.mode);
		sink_put(sink, &metrics[SATELLITES], NULL, fix.satellites);
	}
	if (is_fresh(g, &fix, now_ms))
		put_fix(&fix, sink);
	return 0;
}

const struct source source_gps = {
	.abi = SOURCE_ABI,
	.name = "gps",
	.help = "position and movement",
	.metrics = metrics,
	.metrics_len = ARRAY_LEN(metrics),
	.flags = SOURCE_SLOW,
	.open = gps_open,
	.sample = gps_sample,
	.close = gps_close,
};
