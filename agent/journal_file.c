/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/journal_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define MAGIC	 0x4a474f46 /* "FOGJ" */
#define HEAD_CRC (offsetof(struct record_head, crc) + sizeof(uint32_t))

/* --- CRC-32C (Castagnoli), RFC 3720 ------------------------------------------------------------ */
static uint32_t table[256];

static void
fill_table(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
		table[i] = c;
	}
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!table[1])
		fill_table();
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
	return ~crc;
}

static uint32_t
head_crc(const struct record_head *h, struct slice value)
{
	uint32_t crc = crc32c(0, (const uint8_t *)h + HEAD_CRC, sizeof *h - HEAD_CRC);

	crc = crc32c(crc, &h->len, sizeof h->len);
	return crc32c(crc, value.data, value.len);
}

/* --- writing ------------------------------------------------------------------------------------ */
static int
write_all(int fd, const void *data, size_t len, size_t at)
{
	ssize_t n;

	do
		n = pwrite(fd, data, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOSPC;
}

int
segment_create(const char *path, struct segment *s)
{
	struct segment_head h = { .magic = MAGIC, .first = s->first };
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), err;

	if (fd < 0)
		return -errno;
	memcpy(h.id, s->id, sizeof h.id);
	memcpy(h.boot, s->boot, sizeof h.boot);
	h.boot_ms = s->from_ms;
	h.wall_ms = s->from_ms + s->wall_offset_ms;
	h.crc = crc32c(0, &h.first, sizeof h - offsetof(struct segment_head, first));
	err = write_all(fd, &h, sizeof h, 0);
	if (err < 0) {
		close(fd);
		unlink(path);
		return err;
	}
	s->fd = fd;
	s->bytes = sizeof h;
	return 0;
}

static int
write_memory(struct segment *s, const struct record_head *head, struct slice value)
{
	buf_put(&s->memory, head, sizeof *head);
	buf_put_slice(&s->memory, value);
	return s->memory.err;
}

static int
write_file(struct segment *s, const struct record_head *head, struct slice value)
{
	UNSET uint8_t whole[4096];
	int err;

	if (sizeof *head + value.len <= sizeof whole) {
		memcpy(whole, head, sizeof *head);
		if (value.len)
			memcpy(whole + sizeof *head, value.data, value.len);
		return write_all(s->fd, whole, sizeof *head + value.len, s->bytes);
	}
	err = write_all(s->fd, value.data, value.len, s->bytes + sizeof *head);
	return err < 0 ? err : write_all(s->fd, head, sizeof *head, s->bytes);
}

int
segment_write(struct segment *s, const struct record_head *head, struct slice value)
{
	struct record_head h = *head;
	int err;

	h.len = (uint32_t)value.len;
	h.crc = head_crc(&h, value);
	err = s->in_memory ? write_memory(s, &h, value) : write_file(s, &h, value);
	if (err < 0) {
		if (!s->in_memory && ftruncate(s->fd, (off_t)s->bytes) < 0)
			log_debug("journal", "a half record stays for now");
		return err;
	}
	s->bytes += sizeof h + value.len;
	return 0;
}

/* --- reading ------------------------------------------------------------------------------------ */
static ssize_t
read_at(const struct segment *s, int fd, size_t at, void *dst, size_t len)
{
	ssize_t n;

	if (s->in_memory) {
		if (at + len > s->memory.pos)
			return 0;
		memcpy(dst, s->memory.data + at, len);
		return (ssize_t)len;
	}
	do
		n = pread(fd, dst, len, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int
segment_read(
    const struct segment *s, int fd, size_t *at, struct record_head *head, uint8_t *value)
{
	ssize_t n;

	if (*at + sizeof *head > s->bytes)
		return 0;
	n = read_at(s, fd, *at, head, sizeof *head);
	if (n != sizeof *head)
		return n < 0 ? (int)n : -EBADMSG;
	if (head->len > JOURNAL_VALUE_MAX || *at + sizeof *head + head->len > s->bytes)
		return -EBADMSG;
	n = head->len ? read_at(s, fd, *at + sizeof *head, value, head->len) : 0;
	if (n < 0)
		return (int)n;
	if (n != head->len ||
	    head_crc(head, (struct slice){ value, head->len }) != head->crc)
		return -EBADMSG;
	*at += sizeof *head + head->len;
	return 1;
}

/* --- what a start finds --------------------------------------------------------------------------- */
static int
load_head(int fd, struct segment *ret)
{
	struct segment_head h;

	if (read_at(ret, fd, 0, &h, sizeof h) != sizeof h || h.magic != MAGIC ||
	    h.crc != crc32c(0, &h.first, sizeof h - offsetof(struct segment_head, first)))
		return -EBADMSG;
	ret->first = ret->end = h.first;
	ret->from_ms = ret->to_ms = h.boot_ms;
	ret->wall_offset_ms = h.wall_ms - h.boot_ms;
	memcpy(ret->id, h.id, sizeof ret->id);
	memcpy(ret->boot, h.boot, sizeof ret->boot);
	return 0;
}

static void
note_record(struct segment *s, const struct record_head *h, struct segment_found *found)
{
	if (h->count == 0) {
		found->released = h->number;
		s->wall_offset_ms = h->time_ms;
		return;
	}
	if (s->end == s->first)
		s->from_ms = h->time_ms;
	s->to_ms = h->time_ms;
	s->end = h->number + h->count;
}

/* Are there good records behind a bad one? Then it is not the end that a crash has left. */
static void
look_behind(int fd, const struct segment *s, size_t at, struct segment_found *found,
    uint8_t *value)
{
	struct record_head h;

	for (at++; at + sizeof h <= s->bytes; at++) {
		size_t next = at;

		if (read_at(s, fd, at, &h, sizeof h) != sizeof h)
			return;
		if (h.zero != 0 || h.number < s->end || h.count > JOURNAL_VALUE_MAX * 8 ||
		    segment_read(s, fd, &next, &h, value) != 1)
			continue;
		if (h.count > 0) {
			found->lost = s->end;
			found->lost_end = h.number + h.count;
		}
		at = next - 1;
	}
}

static int
load_records(int fd, struct segment *s, struct segment_found *found)
{
	uint8_t *value = malloc(JOURNAL_VALUE_MAX);
	struct record_head h;
	int r;

	if (!value)
		return -ENOMEM;
	found->good = sizeof(struct segment_head);
	while ((r = segment_read(s, fd, &found->good, &h, value)) == 1)
		note_record(s, &h, found);
	if (r == -EBADMSG || found->good < s->bytes) {
		look_behind(fd, s, found->good, found, value);
		found->damaged = found->lost != 0;
		r = 0;
	}
	free(value);
	return r < 0 ? r : 0;
}

int
segment_load(const char *path, struct segment *ret, struct segment_found *found)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct stat st;

	*found = (struct segment_found){ 0 };
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) < 0 ? -errno : load_head(fd, ret);
	if (!err) {
		ret->bytes = (size_t)st.st_size;
		err = load_records(fd, ret, found);
	}
	close(fd);
	ret->bytes = found->good;
	return err;
}
