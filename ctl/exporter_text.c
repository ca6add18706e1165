/* SPDX-License-Identifier: Apache-2.0
 *
 * The text format of Prometheus (0.0.4): samples of a family together, each family with its help and
 * type. */
#include "base/cbor.h"
#include "ctl/exporter.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int
exporter_page_add(struct exporter_page *p, const struct exporter_sample *s)
{
	struct exporter_sample *to;

	if (p->len == p->room) {
		size_t room = p->room ? 2 * p->room : 64;
		struct exporter_sample *larger =
		    realloc(p->sample, room * sizeof *larger);

		if (!larger)
			return -ENOMEM;
		p->sample = larger;
		p->room = room;
	}
	to = &p->sample[p->len];
	*to = *s;
	to->name = strdup(s->name);
	to->labels = strdup(s->labels);
	to->order = p->len;
	if (!to->name || !to->labels) {
		free(to->name);
		free(to->labels);
		return -ENOMEM;
	}
	p->len++;
	return 0;
}

void
exporter_page_done(struct exporter_page *p)
{
	while (p->len) {
		free(p->sample[--p->len].name);
		free(p->sample[p->len].labels);
	}
	free(p->sample);
	p->sample = NULL;
	p->room = 0;
}

static void
put_escaped(struct buf *out, struct slice text, bool quotes)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i];

		if (c == '\\')
			buf_puts(out, "\\\\");
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '"' && quotes)
			buf_puts(out, "\\\"");
		else
			buf_put_u8(out, c);
	}
}

void
exporter_put_label(struct buf *out, const char *name, struct slice value)
{
	buf_printf(out, "%s%s=\"", out->pos ? "," : "", name);
	put_escaped(out, value, true);
	buf_puts(out, "\"");
}

static int
compare(const void *a, const void *b)
{
	const struct exporter_sample *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (!c)
		c = strcmp(x->labels, y->labels);
	return c ? c : x->order < y->order ? -1 : x->order > y->order;
}

static void
put_value(struct buf *out, double v)
{
	if (isnan(v))
		buf_puts(out, "NaN");
	else if (isinf(v))
		buf_puts(out, v > 0 ? "+Inf" : "-Inf");
	else if (v == rint(v) && fabs(v) < 1e15)
		buf_printf(out, "%.0f", v == 0 ? 0.0 : v);
	else
		cbor_diag_double(out, v);
}

static void
put_sample(struct buf *out, const struct exporter_sample *s)
{
	buf_puts(out, s->name);
	if (*s->labels)
		buf_printf(out, "{%s}", s->labels);
	buf_puts(out, " ");
	put_value(out, s->value);
	if (s->time_ms)
		buf_printf(out, " %lld", (long long)s->time_ms);
	buf_puts(out, "\n");
}

static void
put_family(struct buf *out, const char *name, exporter_about_f *about, void *arg)
{
	const char *type = "untyped";
	struct buf help;

	buf_init(&help, 4096);
	if (!about(arg, name, &help, &type))
		buf_puts(&help, "An expression of fogwatch-exporter's configuration.");
	buf_printf(out, "# HELP %s ", name);
	put_escaped(out, slice_text(buf_text(&help)), false);
	buf_printf(out, "\n# TYPE %s %s\n", name, type);
	buf_done(&help);
}

/* What was asked for twice is told once: the same series twice is no exposition. */
void
exporter_page_print(
    struct exporter_page *p, exporter_about_f *about, void *arg, struct buf *out)
{
	const struct exporter_sample *before = NULL;

	if (p->len)
		qsort(p->sample, p->len, sizeof *p->sample, compare);
	for (size_t i = 0; i < p->len; i++) {
		const struct exporter_sample *s = &p->sample[i];
		bool same = before && strcmp(before->name, s->name) == 0;

		if (!same)
			put_family(out, s->name, about, arg);
		if (!same || strcmp(before->labels, s->labels) != 0)
			put_sample(out, s);
		before = s;
	}
}
