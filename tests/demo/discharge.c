/* SPDX-License-Identifier: Apache-2.0
 *
 * discharge: a battery that empties as a recorded one did. It makes DIR/BAT0 look like the kernel's
 * /sys/class/power_supply/BAT0 and writes the recorded voltage into it at the recorded times.
 *
 *	discharge TRACE.csv DIR EMPTY-VOLTS
 *
 * TRACE has lines "seconds,volts". Ends with "empty SECONDS" on stdout when most samples of the
 * last two seconds (60 %) are at or below EMPTY-VOLTS; exit 1 if the trace ends before. Values are
 * written in place, because readers keep the file open as they would in sysfs. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int
attribute(const char *dir, const char *name, const char *value)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/BAT0/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || pwrite(fd, value, strlen(value), 0) < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

#define RECENT_MAX 256
#define HOLD_S	   2.0

/* Keeps the samples of the last two seconds; true when 60 % of them are at or below the limit. */
static bool
is_empty(double seconds, double volts, double empty)
{
	static struct {
		double seconds, volts;
	} recent[RECENT_MAX];
	static size_t next;
	size_t n = 0, low = 0;

	recent[next % RECENT_MAX].seconds = seconds;
	recent[next++ % RECENT_MAX].volts = volts;
	if (seconds < HOLD_S)
		return false;
	for (size_t i = 1; i <= next && i <= RECENT_MAX; i++) {
		if (recent[(next - i) % RECENT_MAX].seconds <= seconds - HOLD_S)
			break;
		n++;
		low += recent[(next - i) % RECENT_MAX].volts <= empty;
	}
	return low * 10 >= n * 6;
}

static void
wait_until(const struct timespec *start, double seconds)
{
	struct timespec at = *start;

	at.tv_sec += (time_t)seconds;
	at.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	if (at.tv_nsec >= 1000000000L) {
		at.tv_nsec -= 1000000000L;
		at.tv_sec++;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
		continue;
}

int
main(int argc, char **argv)
{
	double seconds, volts, empty = argc == 4 ? atof(argv[3]) : 0;
	struct timespec start;
	char line[128], path[512];
	FILE *trace;
	int fd;

	if (empty <= 0) {
		fputs("usage: discharge TRACE.csv DIR EMPTY-VOLTS\n", stderr);
		return 2;
	}
	trace = fopen(argv[1], "re");
	if (!trace) {
		perror(argv[1]);
		return 1;
	}
	snprintf(path, sizeof path, "%s/BAT0", argv[2]);
	(void)mkdir(argv[2], 0755);
	(void)mkdir(path, 0755);
	close(attribute(argv[2], "type", "Battery\n"));
	close(attribute(argv[2], "status", "Discharging\n"));
	close(attribute(argv[2], "present", "1\n"));
	fd = attribute(argv[2], "voltage_now", "0000000\n");
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (fgets(line, sizeof line, trace)) {
		if (sscanf(line, "%lf,%lf", &seconds, &volts) != 2)
			continue; /* heading or comment */
		wait_until(&start, seconds);
		snprintf(line, sizeof line, "%07ld\n", (long)(volts * 1e6));
		if (pwrite(fd, line, strlen(line), 0) < 0)
			perror(path);
		if (is_empty(seconds, volts, empty)) {
			printf("empty %.1f\n", seconds);
			return 0;
		}
	}
	fprintf(stderr, "discharge: the trace ends above %g V\n", empty);
	return 1;
}
