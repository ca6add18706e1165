/* SPDX-License-Identifier: Apache-2.0 */
#include "base/complaint.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX_BYTES 1024 /* of one complaint; the rest is cut */

void
complaints_init(struct complaints *c)
{
	*c = (struct complaints){ 0 };
	buf_init(&c->text, COMPLAINTS_MAX * (LINE_MAX_BYTES + 1));
}

void
complaints_done(struct complaints *c)
{
	buf_done(&c->text);
}

/* A key or a value in a complaint came from a file: a newline in it must not make a second
 * line, and an escape sequence must not reach the terminal. UTF-8 stays readable. */
static void
put_escaped(struct buf *line, const char *text)
{
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < 0x20 || byte == 0x7f)
			buf_printf(line, "\\x%02x", byte);
		else
			buf_put_u8(line, byte);
	}
}

static void
put_place(struct buf *line, const char *file, unsigned row, unsigned column)
{
	if (!file)
		return;
	put_escaped(line, file);
	if (row)
		buf_printf(line, ":%u:%u", row, column);
	buf_puts(line, ": ");
}

static void
put_complaint(struct complaints *c, const char *file, unsigned row, unsigned column,
    const char *kind, const char *key, const char *fmt, va_list args) PRINTF(7, 0);

static void
put_complaint(struct complaints *c, const char *file, unsigned row, unsigned column,
    const char *kind, const char *key, const char *fmt, va_list args)
{
	char memory[LINE_MAX_BYTES], message[LINE_MAX_BYTES];
	struct buf line;

	if (c->errors + c->warnings > COMPLAINTS_MAX)
		return;
	buf_init_fixed(&line, memory, sizeof memory);
	put_place(&line, file, row, column);
	buf_puts(&line, kind);
	if (key && *key) {
		put_escaped(&line, key);
		buf_puts(&line, ": ");
	}
	vsnprintf(message, sizeof message, fmt, args);
	put_escaped(&line, message);
	buf_put_slice(&c->text, buf_slice(&line));
	buf_put_u8(&c->text, '\n');
}

void
complain(struct complaints *c, const char *file, unsigned line, unsigned column,
    const char *key, const char *fmt, ...)
{
	va_list args;

	c->errors++;
	va_start(args, fmt);
	put_complaint(c, file, line, column, "", key, fmt, args);
	va_end(args);
}

void
complain_warning(struct complaints *c, const char *file, unsigned line, unsigned column,
    const char *key, const char *fmt, ...)
{
	va_list args;

	c->warnings++;
	va_start(args, fmt);
	put_complaint(c, file, line, column, "warning: ", key, fmt, args);
	va_end(args);
}

void
complaints_print(const struct complaints *c, FILE *to)
{
	unsigned all = c->errors + c->warnings;

	if (c->text.pos)
		fwrite(c->text.data, 1, c->text.pos, to);
	if (all > COMPLAINTS_MAX)
		fprintf(to, "%u more are not shown\n", all - COMPLAINTS_MAX);
}
