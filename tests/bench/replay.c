/* SPDX-License-Identifier: Apache-2.0
 *
 * replay: recorded traces as the kernel would show them, for many nodes at once.
 *
 *	replay battery|charge|signal|cpu DIR < SCHEDULE
 *
 * SCHEDULE has lines "SECONDS NODE VALUE [MARK]", ascending in time; what is at DIR/NODE follows it:
 *
 *	battery	power_supply/BAT0/voltage_now from volts
 *	charge	power_supply/BAT0/capacity from percent
 *	signal	proc/net/wireless from dBm
 *	cpu	proc/stat from percent; the counters go on between the samples as time does
 *
 * A value of nan makes the file and leaves it as it is. Time starts with the first other line. For one
 * with a mark, "NODE MARK MILLISECONDS"
 * goes to stdout when its value has been written: the wall clock, which the controller's records
 * have too. Files are written in place, because readers keep them open. */
#include "base/mem.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NODES_MAX 512
#define NAME_SIZE 64
#define CORES	  4
#define TICKS_S	  100	/* USER_HZ */
#define COUNT_S	  0.025 /* how often counters go on */

struct node {
	char name[NAME_SIZE];
	int fd;
	double busy, idle; /* ticks of all cores */
	double share;	   /* busy share since `at` */
	double at;	   /* seconds */
};
struct kind {
	const char *name;
	void (*make)(struct node *n, const char *dir);
	void (*show)(struct node *n, double value, double now);
	bool counts;
};
static struct node node[NODES_MAX];
static size_t nodes;

static void
fail(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
write_text(int fd, const char *text)
{
	if (pwrite(fd, text, strlen(text), 0) < 0)
		fail("a value");
}

/* Makes the directories of the path below dir, as far as they are missing. */
static int
open_file(const char *dir, const char *node_name, const char *name)
{
	char path[512];
	size_t from = strlen(dir) + 1;
	int fd;

	if ((size_t)snprintf(path, sizeof path, "%s/%s/%s", dir, node_name, name) >=
	    sizeof path) {
		errno = ENAMETOOLONG;
		fail(dir);
	}
	for (char *slash = path + from; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			fail(path);
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		fail(path);
	return fd;
}

static void
put_file(const char *dir, const struct node *n, const char *name, const char *text)
{
	int fd = open_file(dir, n->name, name);

	write_text(fd, text);
	close(fd);
}

/* --- kinds ------------------------------------------------------------------------------- */

static void
make_supply(const struct node *n, const char *dir)
{
	put_file(dir, n, "power_supply/BAT0/type", "Battery\n");
	put_file(dir, n, "power_supply/BAT0/status", "Discharging\n");
	put_file(dir, n, "power_supply/BAT0/present", "1\n");
}

static void
make_battery(struct node *n, const char *dir)
{
	make_supply(n, dir);
	n->fd = open_file(dir, n->name, "power_supply/BAT0/voltage_now");
}

static void
make_charge(struct node *n, const char *dir)
{
	make_supply(n, dir);
	n->fd = open_file(dir, n->name, "power_supply/BAT0/capacity");
}

static void
make_signal(struct node *n, const char *dir)
{
	n->fd = open_file(dir, n->name, "proc/net/wireless");
}

static void
make_cpu(struct node *n, const char *dir)
{
	n->fd = open_file(dir, n->name, "proc/stat");
	n->busy = n->idle = 1e6; /* the counters keep their width */
}

static void
show_battery(struct node *n, double volts, double now)
{
	char text[32];

	(void)now;
	snprintf(text, sizeof text, "%07ld\n", lround(volts * 1e6));
	write_text(n->fd, text);
}

static void
show_charge(struct node *n, double percent, double now)
{
	char text[32];

	(void)now;
	snprintf(text, sizeof text, "%3ld\n", lround(percent));
	write_text(n->fd, text);
}

/* net/wireless/wext-proc.c; the link quality as cfg80211 makes it of the level. */
static void
show_signal(struct node *n, double dbm, double now)
{
	long level = lround(fmax(-110, fmin(-40, dbm)));
	char text[512];

	(void)now;
	snprintf(text, sizeof text,
	    "Inter-| sta-|   Quality        |   Discarded packets               "
	    "| Missed | WE\n"
	    " face | tus | link level noise |  nwid  crypt   frag  retry   misc "
	    "| beacon | 22\n"
	    " wlan0: 0000  %3ld.  %4ld.  -256        0      0      0      0      "
	    "0        0\n",
	    level + 110, lround(dbm));
	write_text(n->fd, text);
}

static void
write_stat(const struct node *n)
{
	long busy = (long)n->busy, idle = (long)n->idle;
	char text[1024];
	int len =
	    snprintf(text, sizeof text, "cpu  %ld 0 0 %ld 0 0 0 0 0 0\n", busy, idle);

	for (int i = 0; i < CORES; i++)
		len += snprintf(text + len, sizeof text - (size_t)len,
		    "cpu%d %ld 0 0 %ld 0 0 0 0 0 0\n", i, busy / CORES, idle / CORES);
	write_text(n->fd, text);
}

static void
count_on(struct node *n, double now)
{
	double ticks = (now - n->at) * TICKS_S * CORES;

	n->busy += ticks * n->share;
	n->idle += ticks * (1 - n->share);
	n->at = now;
	write_stat(n);
}

static void
show_cpu(struct node *n, double percent, double now)
{
	count_on(n, now);
	n->share = fmax(0, fmin(1, percent / 100));
}

static const struct kind kinds[] = {
	{ "battery", make_battery, show_battery, false },
	{ "charge", make_charge, show_charge, false },
	{ "signal", make_signal, show_signal, false },
	{ "cpu", make_cpu, show_cpu, true },
};

static const struct kind *
find_kind(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

static struct node *
find_node(const struct kind *kind, const char *dir, const char *name, double now)
{
	struct node *n;

	for (size_t i = 0; i < nodes; i++)
		if (strcmp(node[i].name, name) == 0)
			return &node[i];
	if (nodes == NODES_MAX) {
		fprintf(stderr, "replay: more than %d nodes\n", NODES_MAX);
		exit(1);
	}
	n = &node[nodes++];
	snprintf(n->name, sizeof n->name, "%s", name);
	n->at = now;
	kind->make(n, dir);
	return n;
}

/* --- time -------------------------------------------------------------------------------- */

static void
sleep_until(const struct timespec *start, double seconds)
{
	struct timespec at = *start;
	double whole = floor(seconds);

	at.tv_sec += (time_t)whole;
	at.tv_nsec += (long)((seconds - whole) * 1e9);
	if (at.tv_nsec >= 1000000000L) {
		at.tv_nsec -= 1000000000L;
		at.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
		continue;
}

/* The next line is due at `seconds`; counters go on until then. */
static void
wait_for_line(const struct kind *kind, const struct timespec *start, double *counted,
    double seconds)
{
	while (kind->counts && *counted + COUNT_S < seconds) {
		*counted += COUNT_S;
		sleep_until(start, *counted);
		for (size_t i = 0; i < nodes; i++)
			count_on(&node[i], *counted);
	}
	sleep_until(start, seconds);
}

static void
tell(const struct node *n, const char *mark)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	printf("%s %s %lld\n", n->name, mark,
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

/* --- schedule ---------------------------------------------------------------------------- */

struct sample {
	double seconds, value;
	char node[NAME_SIZE], mark[NAME_SIZE]; /* mark: "": none */
};
struct play {
	const struct kind *kind;
	const char *dir;
	struct timespec start;
	double first;	/* seconds of the schedule at the start; NaN: not yet */
	double counted; /* seconds since the start */
};

static struct sample
read_line(const char *line)
{
	struct sample s = { .mark = "" };

	if (sscanf(line, "%lf %63s %lf %63s", &s.seconds, s.node, &s.value, s.mark) < 3) {
		fprintf(stderr, "replay: not a line of a schedule: %s", line);
		exit(1);
	}
	return s;
}

static void
follow_line(struct play *p, const char *line)
{
	struct sample s = read_line(line);
	struct node *n;

	if (isnan(s.value)) {
		(void)find_node(p->kind, p->dir, s.node, 0);
		return;
	}
	if (isnan(p->first)) {
		clock_gettime(CLOCK_MONOTONIC, &p->start);
		p->first = s.seconds;
	}
	s.seconds -= p->first;
	wait_for_line(p->kind, &p->start, &p->counted, s.seconds);
	n = find_node(p->kind, p->dir, s.node, s.seconds);
	p->kind->show(n, s.value, s.seconds);
	if (*s.mark)
		tell(n, s.mark);
}

int
main(int argc, char **argv)
{
	struct play p = { .first = NAN };
	char line[256];

	if (argc == 3)
		p.kind = find_kind(argv[1]);
	if (!p.kind) {
		fputs("usage: replay battery|charge|signal|cpu DIR < SCHEDULE\n", stderr);
		return 2;
	}
	p.dir = argv[2];
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof line, stdin))
		follow_line(&p, line);
	return 0;
}
