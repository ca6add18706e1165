/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048
#define AREAS_MAX      256
#define LIMIT_MS       60000

static const char *program_name;
static enum log_level log_threshold = LOG_LEVEL_INFO;
static bool with_times;
static char debug_areas[AREAS_MAX];

void
log_open(const char *program, enum log_level level)
{
	program_name = program;
	log_threshold = level;
}

void
log_times(bool on)
{
	with_times = on;
}

int
log_set_debug(const char *areas)
{
	size_t len = areas ? strlen(areas) : 0;

	if (len >= sizeof debug_areas)
		return -ENOSPC;
	memcpy(debug_areas, areas ? areas : "", len + 1);
	return 0;
}

static bool
is_chosen(const char *area)
{
	size_t len = strlen(area);

	for (const char *p = debug_areas; *p; p += strspn(p, ", ")) {
		size_t n = strcspn(p, ", ");
		if ((n == 3 && !strncmp(p, "all", 3)) ||
		    (n == len && !strncmp(p, area, n)))
			return true;
		p += n;
	}
	return false;
}

struct line {
	char text[LINE_MAX_BYTES];
	size_t len;
};

static void
put_byte(struct line *l, unsigned char c)
{
	size_t room = sizeof l->text - 1 - l->len; /* the newline always fits */

	if (c >= 0x20 && c < 0x7f) {
		if (room >= 1)
			l->text[l->len++] = (char)c;
	} else if (room >= 4) {
		char hex[5];
		snprintf(hex, sizeof hex, "\\x%02x", c);
		memcpy(l->text + l->len, hex, 4);
		l->len += 4;
	} else {
		l->len = sizeof l->text - 1 - room; /* full: nothing after a cut escape */
	}
}

static void
put_text(struct line *l, const char *text)
{
	while (*text)
		put_byte(l, (unsigned char)*text++);
}

/* "fogwatch-agent: warning: plan: …": information is the ordinary case and has no word. */
static void
put_prefix(struct line *l, const char *word, const char *area)
{
	char now[CLOCK_TEXT_MAX];

	if (with_times) {
		put_text(l, clock_format(clock_wall_ms(), now));
		put_text(l, " ");
	}
	put_text(l, program_name ? program_name : program_invocation_short_name);
	put_text(l, ": ");
	put_text(l, word);
	put_text(l, area);
	put_text(l, ": ");
}

/* One write per line, so that lines of several processes do not mix. A log that cannot be
 * written has nobody to be told. */
static void
write_line(const struct line *l)
{
	const char *p = l->text;
	size_t left = l->len;

	while (left > 0) {
		ssize_t n = write(STDERR_FILENO, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		left -= (size_t)n;
	}
}

static void __attribute__((format(printf, 4, 0)))
emit(const char *word, const char *area, int err, const char *fmt, va_list ap)
{
	struct line l;
	char text[LINE_MAX_BYTES];
	int saved = errno;

	l.len = 0;
	put_prefix(&l, word, area);
	if (vsnprintf(text, sizeof text, fmt, ap) < 0)
		snprintf(
		    text, sizeof text, "(a message that cannot be formatted: %s)", fmt);
	put_text(&l, text);
	if (err) {
		put_text(&l, ": ");
		put_text(&l, strerror(err));
	}
	l.text[l.len++] = '\n';
	write_line(&l);
	errno = saved;
}

void
log_error(const char *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("error: ", area, errno, fmt, ap);
	va_end(ap);
}

void
log_errorx(const char *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit("error: ", area, 0, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *area, const char *fmt, ...)
{
	va_list ap;

	if (log_threshold < LOG_LEVEL_WARNING)
		return;
	va_start(ap, fmt);
	emit("warning: ", area, errno, fmt, ap);
	va_end(ap);
}

void
log_warnx(const char *area, const char *fmt, ...)
{
	va_list ap;

	if (log_threshold < LOG_LEVEL_WARNING)
		return;
	va_start(ap, fmt);
	emit("warning: ", area, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *area, const char *fmt, ...)
{
	va_list ap;

	if (log_threshold < LOG_LEVEL_INFO)
		return;
	va_start(ap, fmt);
	emit("", area, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *area, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vdebug(NULL, area, fmt, ap);
	va_end(ap);
}

void
log_vdebug(void *arg, const char *area, const char *fmt, va_list ap)
{
	(void)arg;
	if (log_threshold < LOG_LEVEL_DEBUG && !is_chosen(area))
		return;
	emit("debug: ", area, 0, fmt, ap);
}

bool
log_limited(int64_t *last_ms)
{
	int64_t now = clock_boot_ms();

	if (*last_ms != 0 && now - *last_ms < LIMIT_MS)
		return false;
	*last_ms = now;
	return true;
}
