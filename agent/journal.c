/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/journal_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"

#define RETRY_MS 10000 /* a disk that took nothing */
#define CLOCK_MIN \
	INT64_C(1704067200000) /* 2024: a wall clock before that was never set */
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

struct journal {
	struct journal_config cfg;
	char *dir; /* of cfg, our own */
	uint8_t id[8], boot[8];
	struct segments segments; /* the last one is written to */
	uint64_t end, released;
	size_t bytes;
	bool dirty, failing;
	bool fresh;	  /* there is a segment that the directory may forget */
	int64_t retry_ms; /* boot clock */
};

struct journal_cursor {
	struct journal *journal;
	uint64_t number;  /* of the next one */
	uint64_t segment; /* first of the one that is open; 0: none */
	size_t at;
	int fd;
	uint8_t value[JOURNAL_VALUE_MAX];
};

/* --- segments ----------------------------------------------------------------------------------- */
static int
make_path(const struct journal *j, uint64_t first, const char *suffix, char dst[PATH_MAX])
{
	return snprintf(dst, PATH_MAX, "%s/%020" PRIu64 "%s", j->cfg.dir, first,
		   suffix) >= PATH_MAX
	    ? -ENAMETOOLONG
	    : 0;
}

static void
free_segment(struct segment *s)
{
	if (s->fd >= 0)
		close(s->fd);
	buf_done(&s->memory);
	free(s);
}

static struct segment *
new_segment(void)
{
	struct segment *s = calloc(1, sizeof *s);

	if (s)
		s->fd = -1;
	return s;
}

static void
remove_segment(struct journal *j, struct segment *s)
{
	char path[PATH_MAX];

	if (!s->in_memory && make_path(j, s->first, "", path) == 0 && unlink(path) < 0 &&
	    errno != ENOENT)
		log_debug("journal", "cannot remove %s: %s", path, strerror(errno));
	j->bytes -= s->bytes;
	TAILQ_REMOVE(&j->segments, s, entry);
	free_segment(s);
}

static void
tell_lost(struct journal *j, uint64_t first, uint64_t end, int64_t from_ms, int64_t to_ms,
    const char *why)
{
	const struct journal_gap gap = { first, end - 1, from_ms, to_ms, why };

	if (end > first && j->cfg.lost)
		j->cfg.lost(j->cfg.arg, &gap);
}

/* What nobody has accepted of it will never come. */
static void
give_up(struct journal *j, struct segment *s)
{
	uint64_t first = s->first > j->released ? s->first : j->released;
	int64_t from = s->from_ms + s->shift_ms, to = s->to_ms + s->shift_ms;
	uint64_t end = s->end;

	remove_segment(j, s);
	tell_lost(j, first, end, from, to, "no room");
	if (j->released < end)
		j->released = end;
}

static void
make_room(struct journal *j, size_t len)
{
	struct segment *s;

	while (j->bytes + len > j->cfg.bytes && (s = TAILQ_FIRST(&j->segments)) &&
	    TAILQ_NEXT(s, entry))
		give_up(j, s);
}

/* --- what a start finds --------------------------------------------------------------------------- */
static void
read_boot_id(uint8_t boot[8])
{
	char text[40] = "", digits[17];
	FILE *f = fopen(BOOT_ID, "re");
	size_t n = 0;

	if (f && fgets(text, sizeof text, f))
		for (const char *c = text; *c && n < 16; c++)
			if (*c != '-')
				digits[n++] = *c;
	if (f)
		fclose(f);
	digits[n] = 0;
	if (n < 16 || hex_parse(digits, boot, 8) < 0)
		crypto_random(boot, 8);
}

/* How far its times are from ours. */
static void
date_segment(const struct journal *j, struct segment *s)
{
	int64_t now = j->cfg.wall_ms - j->cfg.boot_ms;

	s->of_this_boot = !memcmp(s->boot, j->boot, sizeof s->boot);
	if (s->of_this_boot)
		return;
	s->undated = s->wall_offset_ms + s->to_ms < CLOCK_MIN ||
	    j->cfg.wall_ms < CLOCK_MIN || s->wall_offset_ms + s->to_ms > j->cfg.wall_ms;
	s->shift_ms = s->undated ? -s->to_ms : s->wall_offset_ms - now;
}

static void
move_aside(const struct journal *j, uint64_t first)
{
	char path[PATH_MAX], aside[PATH_MAX];

	if (make_path(j, first, "", path) == 0 &&
	    make_path(j, first, ".bad", aside) == 0 && rename(path, aside) == 0)
		log_warnx("journal", "%s is damaged and now called %s", path, aside);
}

static void
keep_segment(struct journal *j, struct segment *s)
{
	struct segment *behind;

	TAILQ_FOREACH(behind, &j->segments, entry)
		if (behind->first > s->first)
			break;
	if (behind)
		TAILQ_INSERT_BEFORE(behind, s, entry);
	else
		TAILQ_INSERT_TAIL(&j->segments, s, entry);
	j->bytes += s->bytes;
}

/* What is good before the damage goes into a segment of its own. */
static int
rescue(struct journal *j, const struct segment *s, const char *aside)
{
	char path[PATH_MAX];
	uint8_t piece[4096];
	int from = open(aside, O_RDONLY | O_CLOEXEC), to = -1, err = 0;
	ssize_t n = 1;

	if (make_path(j, s->first, "", path) == 0)
		to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	for (size_t at = 0; from >= 0 && to >= 0 && at < s->bytes && n > 0;
	     at += (size_t)n) {
		size_t len = s->bytes - at < sizeof piece ? s->bytes - at : sizeof piece;

		n = pread(from, piece, len, (off_t)at);
		if (n > 0 && write(to, piece, (size_t)n) != n)
			n = -1;
	}
	if (from < 0 || to < 0 || n <= 0)
		err = -EIO;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	return err;
}

static void
take_damage(struct journal *j, struct segment *s, const struct segment_found *found)
{
	char aside[PATH_MAX];

	move_aside(j, s->first);
	tell_lost(j, found->lost, found->lost_end, s->to_ms + s->shift_ms,
	    s->to_ms + s->shift_ms, "damaged");
	if (make_path(j, s->first, ".bad", aside) < 0 || rescue(j, s, aside) < 0)
		s->end = s->first; /* as if it had been empty */
}

static void
load_one(struct journal *j, uint64_t first)
{
	struct segment *s = new_segment();
	struct segment_found found;
	char path[PATH_MAX];
	int err = s ? make_path(j, first, "", path) : -ENOMEM;

	if (!err)
		err = segment_load(path, s, &found);
	if (!err && s->first != first)
		err = -EBADMSG;
	if (err < 0) {
		if (err == -EBADMSG)
			move_aside(j, first);
		if (s)
			free_segment(s);
		return;
	}
	date_segment(j, s);
	if (found.released > j->released)
		j->released = found.released;
	if (found.damaged)
		take_damage(j, s, &found);
	keep_segment(j, s);
}

static void
load_all(struct journal *j)
{
	DIR *dir = opendir(j->cfg.dir);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char *end;
		uint64_t first = strtoull(e->d_name, &end, 10);

		if (end == e->d_name + SEGMENT_NAME - 1 && !*end)
			load_one(j, first);
	}
	if (dir)
		closedir(dir);
}

static void
drop_released(struct journal *j)
{
	struct segment *s, *next;

	for (s = TAILQ_FIRST(&j->segments); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->end <= j->released)
			remove_segment(j, s);
	}
}

static void
begin_numbers(struct journal *j)
{
	const struct segment *last = TAILQ_LAST(&j->segments, segments);

	if (last)
		memcpy(j->id, last->id, sizeof j->id);
	else
		crypto_random(j->id, sizeof j->id);
	j->end = last ? (last->end / JOURNAL_NUMBERS + 1) * JOURNAL_NUMBERS + 1 : 1;
}

int
journal_open(const struct journal_config *cfg, struct journal **ret)
{
	CLEANUP(journal_close) struct journal *j = calloc(1, sizeof *j);

	if (!j)
		return -ENOMEM;
	TAILQ_INIT(&j->segments);
	j->cfg = *cfg;
	if (cfg->dir && !(j->cfg.dir = j->dir = strdup(cfg->dir)))
		return -ENOMEM;
	read_boot_id(j->boot);
	if (cfg->dir && mkdir(cfg->dir, 0700) < 0 && errno != EEXIST)
		log_warn(
		    "journal", "cannot make %s, records are kept in memory", cfg->dir);
	if (cfg->dir)
		load_all(j);
	begin_numbers(j);
	drop_released(j);
	*ret = TAKE(j);
	return 0;
}

void
journal_close(struct journal *j)
{
	struct segment *s;

	if (!j)
		return;
	while ((s = TAILQ_FIRST(&j->segments))) {
		TAILQ_REMOVE(&j->segments, s, entry);
		free_segment(s);
	}
	free(j->dir);
	free(j);
}

/* --- writing -------------------------------------------------------------------------------------- */
static void
note_disk(struct journal *j, int err, int64_t boot_ms)
{
	if (err)
		j->retry_ms = boot_ms + RETRY_MS;
	if (j->failing == (err < 0))
		return;
	j->failing = err < 0;
	if (err)
		log_warnx("journal",
		    "%s takes no records (%s): they are kept in memory, and lost when "
		    "this "
		    "program ends",
		    j->cfg.dir, strerror(-err));
	else
		log_info("journal", "%s takes records again", j->cfg.dir);
	if (j->cfg.disk)
		j->cfg.disk(j->cfg.arg, err);
}

static int
write_mark(struct journal *j, struct segment *s)
{
	const struct record_head mark = { .number = j->released,
		.time_ms = s->wall_offset_ms };
	size_t before = s->bytes;
	int err = segment_write(s, &mark, (struct slice){ 0 });

	j->bytes += s->bytes - before;
	return err;
}

static void
use_memory(struct segment *s)
{
	s->in_memory = true;
	buf_init(&s->memory, JOURNAL_MEMORY_MAX);
	s->bytes = 0;
}

static bool
may_use_disk(const struct journal *j, int64_t boot_ms)
{
	return j->cfg.dir && (!j->failing || boot_ms >= j->retry_ms);
}

static struct segment *
begin_segment(struct journal *j, int64_t wall_ms, int64_t boot_ms)
{
	struct segment *s = new_segment();
	char path[PATH_MAX];
	int err = 0;

	if (!s)
		return NULL;
	s->first = s->end = j->end;
	s->from_ms = s->to_ms = boot_ms;
	s->wall_offset_ms = wall_ms - boot_ms;
	s->of_this_boot = true;
	memcpy(s->id, j->id, sizeof s->id);
	memcpy(s->boot, j->boot, sizeof s->boot);
	if (may_use_disk(j, boot_ms)) {
		err = make_path(j, s->first, "", path);
		if (!err)
			err = segment_create(path, s);
		note_disk(j, err, boot_ms);
	}
	if (s->fd < 0)
		use_memory(s);
	TAILQ_INSERT_TAIL(&j->segments, s, entry);
	j->bytes += s->bytes;
	j->fresh |= !s->in_memory;
	if (!s->in_memory && write_mark(j, s) < 0)
		log_debug("journal", "no mark could be written");
	return s;
}

static struct segment *
current(const struct journal *j)
{
	struct segment *s = TAILQ_LAST(&j->segments, segments);

	return s && (s->fd >= 0 || s->in_memory) ? s : NULL;
}

static size_t
segment_limit(const struct journal *j, const struct segment *s)
{
	if (!s->in_memory)
		return j->cfg.segment;
	return j->cfg.bytes < JOURNAL_MEMORY_MAX ? j->cfg.bytes / 2
						 : JOURNAL_MEMORY_MAX / 4;
}

/* No more of it in memory than its share. */
static void
bound_memory(struct journal *j)
{
	struct segment *s, *next;
	size_t bytes = 0;

	TAILQ_FOREACH(s, &j->segments, entry)
		bytes += s->in_memory ? s->bytes : 0;
	for (s = TAILQ_FIRST(&j->segments); s && bytes > JOURNAL_MEMORY_MAX; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!s->in_memory)
			continue;
		bytes -= s->bytes;
		give_up(j, s);
	}
}

static struct segment *
prepare(struct journal *j, size_t len, int64_t wall_ms, int64_t boot_ms)
{
	struct segment *s = current(j);
	size_t whole = sizeof(struct record_head) + len;

	if (s && s->end == s->first)
		return s; /* whatever its size: nothing is in it */
	if (s && s->bytes + whole <= segment_limit(j, s) &&
	    !(s->in_memory && j->failing && boot_ms >= j->retry_ms))
		return s;
	if (s && s->fd >= 0) {
		if (j->dirty)
			(void)journal_sync(j);
		close(s->fd);
		s->fd = -1;
	}
	s = begin_segment(j, wall_ms, boot_ms);
	bound_memory(j);
	return s;
}

uint64_t
journal_segment(struct journal *j, size_t len, int64_t wall_ms, int64_t boot_ms)
{
	const struct segment *s = prepare(j, len, wall_ms, boot_ms);

	return s ? s->first : 0;
}

/* The disk took the last segment, but takes no more: what comes goes on in memory. */
static struct segment *
leave_disk(struct journal *j, struct segment *s, int err, int64_t time_ms)
{
	close(s->fd);
	s->fd = -1;
	note_disk(j, err, time_ms);
	return begin_segment(j, time_ms + s->wall_offset_ms, time_ms);
}

int
journal_append(struct journal *j, int64_t time_ms, struct slice value, uint32_t count,
    uint64_t *ret_number)
{
	struct record_head h = { .number = j->end, .time_ms = time_ms, .count = count };
	struct segment *s = current(j);
	size_t before;
	int err;

	if (value.len > JOURNAL_VALUE_MAX || count == 0)
		return -EMSGSIZE;
	if (!s)
		s = prepare(
		    j, value.len, j->cfg.wall_ms + time_ms - j->cfg.boot_ms, time_ms);
	if (!s)
		return -ENOMEM;
	make_room(j, sizeof h + value.len);
	before = s->bytes;
	err = segment_write(s, &h, value);
	if (err < 0 && !s->in_memory && (s = leave_disk(j, s, err, time_ms))) {
		before = s->bytes;
		err = segment_write(s, &h, value);
	}
	if (err < 0 || !s)
		return -ENOMEM;
	if (s->end == s->first)
		s->from_ms = time_ms;
	s->to_ms = time_ms;
	j->bytes += s->bytes - before;
	j->dirty |= !s->in_memory;
	if (ret_number)
		*ret_number = j->end;
	j->end = s->end = h.number + count;
	return 0;
}

static void
sync_directory(struct journal *j)
{
	int fd = j->fresh ? open(j->cfg.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	j->fresh = false;
	if (fd < 0)
		return;
	if (fsync(fd) < 0)
		log_debug("journal", "cannot sync %s", j->cfg.dir);
	close(fd);
}

int
journal_sync(struct journal *j)
{
	const struct segment *s = current(j);

	if (!j->dirty)
		return 0;
	j->dirty = false;
	sync_directory(j);
	if (s && s->fd >= 0 && fdatasync(s->fd) < 0)
		return -errno;
	return 0;
}

void
journal_release(struct journal *j, uint64_t below)
{
	struct segment *s = current(j);

	if (below <= j->released)
		return;
	j->released = below < j->end ? below : j->end;
	if (s && !s->in_memory && write_mark(j, s) < 0)
		log_debug("journal", "what was accepted is not written down");
	while (
	    (s = TAILQ_FIRST(&j->segments)) && s != current(j) && s->end <= j->released)
		remove_segment(j, s);
}

/* --- reading -------------------------------------------------------------------------------------- */
int
journal_cursor_new(struct journal *j, struct journal_cursor **ret)
{
	struct journal_cursor *c = malloc(sizeof *c);

	if (!c)
		return -ENOMEM;
	c->journal = j;
	c->fd = -1;
	journal_seek(c, 0);
	*ret = c;
	return 0;
}

static void
close_segment(struct journal_cursor *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->segment = 0;
}

void
journal_cursor_free(struct journal_cursor *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

void
journal_seek(struct journal_cursor *c, uint64_t number)
{
	close_segment(c);
	c->number = number;
}

static struct segment *
find_segment(const struct journal *j, uint64_t number)
{
	struct segment *s;

	TAILQ_FOREACH(s, &j->segments, entry)
		if (s->end > number && s->end > s->first)
			return s;
	return NULL;
}

static int
open_segment(struct journal_cursor *c, const struct segment *s)
{
	char path[PATH_MAX];
	int err = 0;

	close_segment(c);
	if (!s->in_memory) {
		err = make_path(c->journal, s->first, "", path);
		c->fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC);
		if (c->fd < 0)
			return err ? err : -errno;
	}
	c->segment = s->first;
	c->at = s->in_memory ? 0 : sizeof(struct segment_head);
	return 0;
}

/* It cannot be read: what is in it is lost. */
static void
skip_segment(struct journal_cursor *c, const struct segment *s)
{
	struct journal *j = c->journal;
	uint64_t first = s->first > j->released ? s->first : j->released;

	if (first < c->number)
		first = c->number;
	tell_lost(j, first, s->end, s->from_ms + s->shift_ms, s->to_ms + s->shift_ms,
	    "damaged");
	c->number = s->end;
	close_segment(c);
}

static void
fill_record(const struct journal_cursor *c, const struct segment *s,
    const struct record_head *h, struct journal_record *ret)
{
	*ret = (struct journal_record){ .number = h->number,
		.count = h->count,
		.time_ms = h->time_ms + s->shift_ms,
		.shift_ms = s->shift_ms,
		.undated = s->undated,
		.value = { c->value, h->len } };
}

int
journal_next(struct journal_cursor *c, struct journal_record *ret)
{
	struct segment *s;

	while ((s = find_segment(c->journal, c->number))) {
		struct record_head h = { 0 };
		int r = 0;

		if (c->segment != s->first)
			r = open_segment(c, s);
		if (!r)
			r = segment_read(s, c->fd, &c->at, &h, c->value);
		if (r == 1 && h.count == 0)
			continue;
		if (r == 1) {
			if (c->number < h.number + h.count)
				c->number = h.number + h.count;
			fill_record(c, s, &h, ret);
			return 1;
		}
		skip_segment(c, s);
	}
	return 0;
}

/* --- what others ask -------------------------------------------------------------------------------- */
const uint8_t *
journal_id(const struct journal *j)
{
	return j->id;
}

bool
journal_is_dirty(const struct journal *j)
{
	return j->dirty;
}

uint64_t
journal_first(const struct journal *j)
{
	const struct segment *s = find_segment(j, j->released);

	if (!s)
		return j->end;
	return s->first > j->released ? s->first : j->released;
}

uint64_t
journal_end(const struct journal *j)
{
	return j->end;
}

uint64_t
journal_waiting(const struct journal *j)
{
	const struct segment *s;
	uint64_t sum = 0;

	TAILQ_FOREACH(s, &j->segments, entry)
		if (s->end > j->released)
			sum += s->end - (s->first > j->released ? s->first : j->released);
	return sum;
}

size_t
journal_bytes(const struct journal *j)
{
	return j->bytes;
}

bool
journal_on_disk(const struct journal *j)
{
	return j->cfg.dir && !j->failing;
}
