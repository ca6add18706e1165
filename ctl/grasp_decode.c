/* SPDX-License-Identifier: Apache-2.0
 *
 * fogctl grasp decode: messages from hexadecimal lines, from captures, or bare. */
#include "base/ctl.h"
#include "ctl/grasp.h"
#include "ctl/grasp_print.h"
#include "ctl/input.h"
#include "ctl/local.h"
#include "ctl/pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX (1u << 20)
#define BARE_MAX       (64u << 20)
#define PEEKED	       4

/* --- hexadecimal lines -------------------------------------------------------------------------- */

static int
digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_filler(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == ':' || c == ',' || c == '\f';
}

static bool
is_prefix(struct slice s)
{
	return s.len > 1 && s.data[0] == '0' && (s.data[1] | 0x20) == 'x';
}

/* False: the line is no hexadecimal text, and was complained of. */
static bool
read_hex(struct grasp_print *p, const struct grasp_origin *o, struct slice line,
    struct buf *out)
{
	unsigned digits = 0;
	int high = 0;

	buf_reset(out);
	for (; line.len && line.data[0] != '#'; line.data++, line.len--) {
		int d = digit_of(line.data[0]);

		if (is_prefix(line)) {
			line.data++;
			line.len--;
		} else if (d >= 0) {
			if (digits++ % 2)
				buf_put_u8(out, (uint8_t)(high << 4 | d));
			high = d;
		} else if (!is_filler(line.data[0])) {
			grasp_print_error(
			    p, o, "'%c' is no hexadecimal digit", line.data[0]);
			return false;
		}
	}
	if (digits % 2)
		grasp_print_error(
		    p, o, "an odd number of hexadecimal digits: %u", digits);
	return digits % 2 == 0;
}

/* A line holds one message; what follows it is ignored unless it is one, too (I-02, I-15). */
static void
print_all(struct grasp_print *p, const struct grasp_origin *o, struct slice in)
{
	size_t len = grasp_print(p, o, in);

	while (len > 0 && len < in.len) {
		struct grasp_msg next;

		in.data += len;
		in.len -= len;
		if (grasp_msg_decode(in, &next, &len) < 0)
			return;
		grasp_print(p, o, in);
	}
}

static int
decode_lines(struct grasp_print *p, struct input *in)
{
	struct grasp_origin o = { 0 };
	struct buf line, bytes;
	int err;

	buf_init(&line, LINE_BYTES_MAX);
	buf_init(&bytes, LINE_BYTES_MAX);
	while ((err = input_line(in, &line)) == 1 || err == -ENOSPC) {
		o.line++;
		if (err < 0)
			grasp_print_error(
			    p, &o, "longer than %u characters", LINE_BYTES_MAX);
		else if (read_hex(p, &o, buf_slice(&line), &bytes) && bytes.pos)
			print_all(p, &o, buf_slice(&bytes));
	}
	if (err == 0 && o.line && !p->messages && !p->errors)
		grasp_print_error(p, &o, "no message at all");
	buf_done(&line);
	buf_done(&bytes);
	return err;
}

/* --- bare messages ------------------------------------------------------------------------------ */

static int
decode_bare(struct grasp_print *p, struct input *in)
{
	struct grasp_origin o = { .line = 1 };
	struct slice s;
	struct buf all;
	size_t len = 1;
	int err;

	buf_init(&all, BARE_MAX);
	err = input_read(in, BARE_MAX + 1, &all);
	s = buf_slice(&all);
	while (err == -ENODATA && s.len && len) {
		len = grasp_print(p, &o, s);
		s.data += len;
		s.len -= len;
	}
	buf_done(&all);
	return err == -ENODATA ? 0 : err < 0 ? err : -EFBIG;
}

/* --- the command --------------------------------------------------------------------------------- */

static int
decode(struct grasp_print *p, struct input *in, struct slice args)
{
	struct slice begins;
	int err = input_peek(in, PEEKED, &begins);

	if (err < 0)
		return err;
	if (pcap_file_is(begins))
		return grasp_capture(p, in, args);
	if (begins.len && begins.data[0] & 0x80) /* no text begins so; a message does */
		return decode_bare(p, in);
	return decode_lines(p, in);
}

int
grasp_decode_run(struct slice args, struct printer *printer)
{
	struct grasp_print p = { .printer = printer,
		.addresses = ctl_arg_bool(args, "addresses") };
	char name[4096] = "-";
	struct input *in;
	bool standard;
	int fd, err;

	ctl_arg_text(args, "file", name, sizeof name);
	standard = strcmp(name, "-") == 0;
	fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return local_refuse("%s: %s", name, strerror(errno));
	in = malloc(sizeof *in);
	if (!in)
		return local_refuse("%s", strerror(ENOMEM));
	setvbuf(printer->to, NULL, _IOLBF, 0);
	input_init(in, fd);
	err = decode(&p, in, args);
	free(in);
	if (!standard)
		close(fd);
	if (err < 0)
		return local_refuse(
		    "%s: %s", standard ? "standard input" : name, strerror(-err));
	return p.errors ? 1 : 0;
}
