/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/pcap_file.h"

#include <errno.h>
#include <string.h>

#define BLOCK_MAX      (16u << 20)
#define PACKET_MAX     (1u << 20)
#define MAGIC_US       0xa1b2c3d4u
#define MAGIC_NS       0xa1b23c4du
#define MAGIC_NG       0x0a0d0d0au
#define MAGIC_ORDER    0x1a2b3c4du
#define FILE_HEAD      24
#define RECORD_HEAD    16
#define BLOCK_HEAD     8
#define BLOCK_LEAST    12
#define LINK_MASK      0xffff /* above it: whether frames carry a checksum */
#define OPTION_TSRESOL 9
#define TICKS_DEFAULT  1000000
#define US	       1000000

enum { BLOCK_INTERFACE = 1, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6 };

/* --- numbers ----------------------------------------------------------------------------------- */

static uint32_t
get_32(const uint8_t *p, bool big)
{
	return big
	    ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
	    : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint16_t
get_16(const uint8_t *p, bool big)
{
	return (uint16_t)(big ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

/* A number of the present block; 0 beyond its end. */
static uint32_t
number_at(const struct pcap_file *f, size_t at)
{
	return at + 4 <= f->block.pos ? get_32(f->block.data + at, f->big_endian) : 0;
}

/* --- pcap -------------------------------------------------------------------------------------- */

/* True if it is the magic of pcap; tells the order of bytes and the unit of time. */
static bool
read_magic(const uint8_t *p, bool *ret_big, bool *ret_ns)
{
	for (int big = 0; big < 2; big++) {
		uint32_t magic = get_32(p, big);

		if (magic != MAGIC_US && magic != MAGIC_NS)
			continue;
		*ret_big = big;
		*ret_ns = magic == MAGIC_NS;
		return true;
	}
	return false;
}

bool
pcap_file_is(struct slice begins)
{
	bool big, ns;

	return begins.len >= 4 &&
	    (get_32(begins.data, true) == MAGIC_NG || read_magic(begins.data, &big, &ns));
}

static int
read_packet(struct pcap_file *f, struct pcap_packet *ret)
{
	int n = input_read(f->in, RECORD_HEAD, &f->block);
	uint32_t seconds, fraction, len, whole;

	if (n <= 0)
		return n;
	seconds = number_at(f, 0);
	fraction = number_at(f, 4);
	len = number_at(f, 8);
	whole = number_at(f, 12);
	if (len > PACKET_MAX)
		return -EBADMSG;
	n = input_read(f->in, len, &f->block);
	if (n <= 0)
		return n < 0 ? n : -ENODATA;
	ret->time_us =
	    (int64_t)seconds * US + (f->nanoseconds ? fraction / 1000 : fraction);
	ret->link = f->link;
	ret->data = buf_slice(&f->block);
	ret->missing = whole > len ? whole - len : 0;
	return 1;
}

/* --- pcapng ------------------------------------------------------------------------------------ */

/* One block whole; a section header also tells the order of bytes. 1, 0 at the end. */
static int
read_block(struct pcap_file *f)
{
	uint8_t head[BLOCK_LEAST];
	struct slice begins;
	uint32_t len;
	int n = input_peek(f->in, sizeof head, &begins);

	if (n < 0 || begins.len == 0)
		return n;
	if (begins.len < sizeof head)
		return -ENODATA;
	if (get_32(begins.data, true) == MAGIC_NG) {
		f->big_endian = get_32(begins.data + 8, true) == MAGIC_ORDER;
		if (get_32(begins.data + 8, f->big_endian) != MAGIC_ORDER)
			return -EBADMSG;
		f->interfaces = 0;
	}
	len = get_32(begins.data + 4, f->big_endian);
	if (len < BLOCK_LEAST || len > BLOCK_MAX || len % 4)
		return -EBADMSG;
	return input_read(f->in, len, &f->block);
}

static uint64_t
ticks_of(uint8_t resolution)
{
	uint64_t ticks = 1;
	unsigned power = resolution & 0x7f, base = resolution & 0x80 ? 2 : 10;

	if (power > (base == 2 ? 62u : 18u))
		return TICKS_DEFAULT;
	while (power--)
		ticks *= base;
	return ticks;
}

static void
add_interface(struct pcap_file *f)
{
	uint64_t ticks = TICKS_DEFAULT;
	unsigned i = f->interfaces;
	size_t at = BLOCK_HEAD + 8;

	while (at + 4 <= f->block.pos - 4) {
		uint16_t code = get_16(f->block.data + at, f->big_endian);
		uint16_t len = get_16(f->block.data + at + 2, f->big_endian);

		if (code == 0 || at + 4 + len > f->block.pos)
			break;
		if (code == OPTION_TSRESOL && len == 1)
			ticks = ticks_of(f->block.data[at + 4]);
		at += 4 + (((size_t)len + 3) & ~(size_t)3);
	}
	if (i == PCAP_INTERFACES_MAX)
		return;
	f->interface[i].link =
	    number_at(f, BLOCK_HEAD) >> (f->big_endian ? 16 : 0) & LINK_MASK;
	f->interface[i].ticks = ticks;
	f->interfaces++;
}

/* Of a file that lies, the last second that can be told. */
static int64_t
us_of(uint64_t time, uint64_t ticks)
{
	const uint64_t last = INT64_MAX / US - 1;
	uint64_t seconds = time / ticks;

	return (int64_t)(seconds < last ? seconds : last) * US +
	    (int64_t)((double)(time % ticks) * US / (double)ticks);
}

/* False: not of an interface that was described, or longer than its block. */
static bool
take_packet(struct pcap_file *f, unsigned interface, uint64_t time, size_t at,
    uint32_t len, uint32_t whole, struct pcap_packet *ret)
{
	if (interface >= f->interfaces || at + len > f->block.pos)
		return false;
	ret->time_us = us_of(time, f->interface[interface].ticks);
	ret->link = f->interface[interface].link;
	ret->data = (struct slice){ f->block.data + at, len };
	ret->missing = whole > len ? whole - len : 0;
	return true;
}

static bool
take_block(struct pcap_file *f, struct pcap_packet *ret)
{
	uint32_t room = (uint32_t)f->block.pos - BLOCK_LEAST, whole;

	switch (number_at(f, 0)) {
	case BLOCK_INTERFACE:
		if (room >= 8)
			add_interface(f);
		return false;
	case BLOCK_SIMPLE:
		whole = number_at(f, 8);
		room = room < 4 ? 0 : room - 4;
		return take_packet(f, 0, 0, 12, whole < room ? whole : room, whole, ret);
	case BLOCK_PACKET:
		return room >= 20 &&
		    take_packet(f, number_at(f, 8),
			(uint64_t)number_at(f, 12) << 32 | number_at(f, 16), 28,
			number_at(f, 20), number_at(f, 24), ret);
	}
	return false;
}

/* --- both -------------------------------------------------------------------------------------- */

int
pcap_file_open(struct pcap_file *f, struct input *in)
{
	struct slice begins;
	int n = input_peek(in, 4, &begins);

	*f = (struct pcap_file){ .in = in };
	if (n < 0)
		return n;
	if (!pcap_file_is(begins))
		return -EBADMSG;
	buf_init(&f->block, BLOCK_MAX);
	f->ng = !read_magic(begins.data, &f->big_endian, &f->nanoseconds);
	if (f->ng)
		return 0;
	n = input_read(in, FILE_HEAD, &f->block);
	f->link = number_at(f, 20) & LINK_MASK;
	if (n < 0)
		pcap_file_close(f);
	return n < 0 ? n : 0;
}

int
pcap_file_next(struct pcap_file *f, struct pcap_packet *ret)
{
	int n;

	if (!f->ng)
		return read_packet(f, ret);
	do
		n = read_block(f);
	while (n > 0 && !take_block(f, ret));
	return n;
}

void
pcap_file_close(struct pcap_file *f)
{
	buf_done(&f->block);
}
