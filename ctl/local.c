/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/local.h"
#include "base/cbor.h"

#include <stdarg.h>
#include <stdio.h>

#define ITEMS_MAX 1000

static void PRINTF(1, 0) complain(const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("fogctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

int
local_refuse(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return LOCAL_REFUSED;
}

int
local_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return LOCAL_USAGE;
}

static const char *the_socket;

void
local_set_socket(const char *path)
{
	the_socket = path;
}

const char *
local_socket(void)
{
	return the_socket;
}

size_t
local_all(struct slice args, const char *key, struct slice *dst, size_t max)
{
	struct cbor_reader r;
	struct slice name;
	size_t n = 0;

	rd_init(&r, args, ITEMS_MAX);
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &name)) {
		bool wanted = slice_is(name, key) && n < max;
		struct slice value = rd_raw(&r);

		if (wanted)
			dst[n++] = value;
	}
	return n;
}
