/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/grasp_print.h"
#include "base/addr_text.h"
#include "base/json.h"
#include "ctl/grasp_json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#define LINE_MAX_BYTES (8u << 20)
#define US	       1000000

static void
put_time(struct buf *out, int64_t time_us)
{
	time_t s = (time_t)(time_us / US);
	struct tm tm;
	char text[32];

	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_printf(out, "%s.%06dZ", text, (int)(time_us % US));
}

/* "2026-11-21T08:00:00.000001Z [fe80::1]:5000 > [ff02::13]:7017", or the line. */
static void
put_origin(struct buf *out, const struct grasp_origin *o)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	if (o->line) {
		buf_printf(out, "line %u", o->line);
		return;
	}
	put_time(out, o->time_us);
	buf_printf(out, " %s > %s", addr_format(&o->from, from), addr_format(&o->to, to));
}

/* Nothing of a stranger reaches the terminal as it is. */
static void
print_line(struct grasp_print *p, const char *before, struct buf *line)
{
	FILE *to = p->printer->to;
	struct buf safe;

	buf_init(&safe, 4 * LINE_MAX_BYTES);
	cell_put_escaped(&safe, buf_slice(line));
	fprintf(to, "%s%s\n", before,
	    line->err || safe.err ? "(too long to show)" : buf_text(&safe));
	buf_done(&safe);
}

void
grasp_print_error(
    struct grasp_print *p, const struct grasp_origin *o, const char *fmt, ...)
{
	char text[256];
	struct buf line;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_init(&line, LINE_MAX_BYTES);
	put_origin(&line, o);
	buf_printf(&line, ": %s", text);
	print_line(p, "error: ", &line);
	buf_done(&line);
	p->errors++;
}

static void
print_text(struct grasp_print *p, const struct grasp_origin *o)
{
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (!o->line) {
		put_origin(&line, o);
		buf_puts(&line, " ");
	}
	grasp_msg_describe(&p->last, &line);
	print_line(p, "", &line);
	buf_done(&line);
}

static void
put_endpoint(struct buf *out, const char *key, const struct addr *a)
{
	struct addr bare = *a;
	char text[ADDR_TEXT_MAX];

	bare.port = 0;
	bare.ifindex = 0;
	buf_printf(out, "\"%s\":\"%s\",\"%s_port\":%u,", key, addr_format(&bare, text),
	    key, a->port);
}

static void
print_json(struct grasp_print *p, const struct grasp_origin *o, struct slice msg)
{
	struct buf more, line;

	buf_init(&more, LINE_MAX_BYTES);
	buf_init(&line, LINE_MAX_BYTES);
	if (p->addresses && !o->line) {
		buf_puts(&more, "\"time\":\"");
		put_time(&more, o->time_us);
		buf_printf(&more, "\",\"transport\":\"%s\",", o->transport);
		put_endpoint(&more, "src", &o->from);
		put_endpoint(&more, "dst", &o->to);
	}
	grasp_json_put(&line, msg, buf_text(&more));
	if (line.err)
		grasp_print_error(p, o, "too long to show");
	else
		fprintf(p->printer->to, "%s\n", buf_text(&line));
	buf_done(&line);
	buf_done(&more);
}

static size_t
refuse(struct grasp_print *p, const struct grasp_origin *o, struct slice in)
{
	struct buf why;

	buf_init(&why, 4096);
	grasp_explain(&why, in);
	grasp_print_error(p, o, "%s", buf_text(&why));
	buf_done(&why);
	return 0;
}

size_t
grasp_print(struct grasp_print *p, const struct grasp_origin *o, struct slice in)
{
	size_t len;

	if (grasp_msg_decode(in, &p->last, &len) < 0)
		return refuse(p, o, in);
	in.len = len;
	if (p->printer->output == &output_json)
		print_json(p, o, in);
	else if (p->printer->output == &output_cbor)
		fwrite(in.data, 1, in.len, p->printer->to);
	else
		print_text(p, o);
	p->messages++;
	return len;
}
