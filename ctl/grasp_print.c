/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/grasp_print.h"
#include "base/addr_text.h"
#include "base/cbor.h"
#include "base/crypto.h"
#include "base/json.h"
#include "ctl/grasp_json.h"
#include "trust/cose.h"

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

/* --- signatures --------------------------------------------------------------------------- */

/* What stands behind a message that a member has signed. Returns its length; 0: nothing of that kind. */
static size_t
read_signature(struct slice in, struct cose_sign1 *ret)
{
	ssize_t len =
	    in.len && in.data[0] == COSE_SIGN1 ? cbor_item_length(in, in.len) : 0;

	if (len <= 0 || cose_sign1_read((struct slice){ in.data, (size_t)len }, ret) < 0)
		return 0;
	return (size_t)len;
}

static const char *
algorithm_name(enum cose_alg alg)
{
	return alg == COSE_ES256 ? "ES256" : "EdDSA";
}

static void
put_signature_json(struct buf *out, const struct cose_sign1 *s)
{
	char kid[2 * 32 + 1];

	buf_printf(out,
	    "\"signature\":{\"kid\":\"%s\",\"seq\":%" PRIu64 ",\"iat\":%" PRId64
	    ",\"algorithm\":\"%s\",\"certificate\":%s},",
	    hex_format(s->header.kid.data, s->header.kid.len, kid), s->header.counter,
	    s->header.iat_s, algorithm_name(s->header.alg),
	    s->certificate.len ? "true" : "false");
}

static void
put_signature_text(struct buf *out, const struct cose_sign1 *s)
{
	char kid[2 * 32 + 1];

	buf_printf(out, " signed by %s, number %" PRIu64,
	    hex_format(s->header.kid.data, s->header.kid.len, kid), s->header.counter);
}

/* --- messages ----------------------------------------------------------------------------- */

static void
print_text(struct grasp_print *p, const struct grasp_origin *o,
    const struct cose_sign1 *signature)
{
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	if (!o->line) {
		put_origin(&line, o);
		buf_puts(&line, " ");
	}
	grasp_msg_describe(&p->last, &line);
	if (signature)
		put_signature_text(&line, signature);
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
print_json(struct grasp_print *p, const struct grasp_origin *o, struct slice msg,
    const struct cose_sign1 *signature)
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
	if (signature)
		put_signature_json(&more, signature);
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
	struct cose_encrypt0 sealed;
	struct buf why;
	char kid[2 * 32 + 1];

	buf_init(&why, 4096);
	if (cose_encrypt0_read(in, &sealed) == 0)
		buf_printf(&why, "sealed by %s, number %" PRIu64,
		    hex_format(sealed.header.kid.data, sealed.header.kid.len, kid),
		    sealed.header.counter);
	else
		grasp_explain(&why, in);
	grasp_print_error(p, o, "%s", buf_text(&why));
	buf_done(&why);
	return 0;
}

size_t
grasp_print(struct grasp_print *p, const struct grasp_origin *o, struct slice in)
{
	struct cose_sign1 found, *signature = NULL;
	size_t len, trailer;

	if (grasp_msg_decode(in, &p->last, &len) < 0)
		return refuse(p, o, in);
	trailer = read_signature((struct slice){ in.data + len, in.len - len }, &found);
	if (trailer > 0)
		signature = &found;
	in.len = len;
	if (p->printer->output == &output_json)
		print_json(p, o, in, signature);
	else if (p->printer->output == &output_cbor)
		fwrite(in.data, 1, in.len, p->printer->to);
	else
		print_text(p, o, signature);
	p->messages++;
	return len + trailer;
}
