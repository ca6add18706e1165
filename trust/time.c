/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor is a moment that is certainly over. It is known together with the monotonic clock of that
 * moment, so it rises with it. */
#include "trust/time.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/daemon.h"
#include "base/log.h"

#define TEXT_MAX 24

struct trust_time {
	char *path;
	int64_t (*wall)(void *arg);
	int64_t (*boot)(void *arg);
	void *arg;
	int64_t floor_ms, floor_boot_ms; /* the moment, on both clocks */
	bool told;			 /* that our clock is suspect */
};

/* --- file ------------------------------------------------------------------------------- */

/* "1795219200000\n" and nothing else. */
static int
parse_floor(const char *text, int64_t *ret_ms)
{
	size_t len = strspn(text, "0123456789");

	if (len == 0 || len > 15 || strcmp(text + len, "\n") != 0)
		return -EBADMSG;
	*ret_ms = strtoll(text, NULL, 10);
	return 0;
}

/* 0 and no change: there is no such file yet. */
static int
load_floor(const char *path, int64_t *ret_ms)
{
	char text[TEXT_MAX];
	ssize_t len = daemon_read_file(path, text, sizeof text - 1);

	if (len < 0)
		return len == -ENOENT ? 0 : (int)len;
	text[len] = '\0';
	return memchr(text, '\0', (size_t)len) ? -EBADMSG : parse_floor(text, ret_ms);
}

/* --- life ------------------------------------------------------------------------------- */

int
trust_time_new(const char *path, int64_t (*wall)(void *arg), int64_t (*boot)(void *arg),
    void *arg, struct trust_time **ret)
{
	CLEANUP(trust_time_free) struct trust_time *t = calloc(1, sizeof *t);
	int64_t kept = 0;
	int r;

	if (!t || (path && !(t->path = strdup(path))))
		return -ENOMEM;
	r = path ? load_floor(path, &kept) : 0;
	if (r < 0)
		return r;
	t->wall = wall;
	t->boot = boot;
	t->arg = arg;
	t->floor_ms = kept > TRUST_TIME_BUILT ? kept : TRUST_TIME_BUILT;
	t->floor_boot_ms = boot(arg);
	*ret = TAKE(t);
	return 0;
}

void
trust_time_free(struct trust_time *t)
{
	if (!t)
		return;
	free(t->path);
	free(t);
}

/* --- time ------------------------------------------------------------------------------- */

static int64_t
rise_floor(const struct trust_time *t)
{
	int64_t gone = t->boot(t->arg) - t->floor_boot_ms;

	return t->floor_ms + (gone > 0 ? gone : 0);
}

bool
trust_time_is_suspect(const struct trust_time *t)
{
	return t->wall(t->arg) > rise_floor(t) + TRUST_TIME_SUSPECT;
}

int64_t
trust_time_now(const struct trust_time *t)
{
	int64_t floor = rise_floor(t), wall = t->wall(t->arg);

	return wall < floor || wall > floor + TRUST_TIME_SUSPECT ? floor : wall;
}

bool
trust_time_learn(struct trust_time *t, int64_t controller_ms)
{
	int64_t floor = rise_floor(t);
	bool first;

	t->floor_ms = controller_ms > floor ? controller_ms : floor;
	t->floor_boot_ms = t->boot(t->arg);
	first = trust_time_is_suspect(t) && !t->told;
	if (first)
		t->told = true;
	return first;
}

void
trust_time_keep(struct trust_time *t)
{
	char text[TEXT_MAX];
	int len, r;

	if (!t->path)
		return;
	len = snprintf(text, sizeof text, "%" PRId64 "\n", rise_floor(t));
	r = daemon_write_file(t->path, text, (size_t)len);
	if (r < 0) {
		errno = -r;
		log_warn("trust",
		    "%s: the time could not be kept, after a reboot the clock "
		    "is believed less",
		    t->path);
	}
}
