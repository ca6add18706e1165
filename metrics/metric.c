/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metric.h"
#include <errno.h>
#include <string.h>

/* As many whole characters of text as fit. Values end up in CBOR text, and the kernel's names are
 * any bytes: what is no UTF-8 becomes U+FFFD. */
static void
copy_text(char *dst, size_t size, const char *text)
{
	struct slice rest = slice_text(text);
	size_t at = 0;

	while (rest.len > 0) {
		size_t n = slice_utf8_char(rest), m = n ? n : 3;

		if (at + m >= size)
			break;
		memcpy(dst + at, n ? (const char *)rest.data : "\xef\xbf\xbd", m);
		at += m;
		rest.data += n ? n : 1;
		rest.len -= n ? n : 1;
	}
	dst[at] = '\0';
}

static int
insert_label(struct metric_labels *l, unsigned room, const char *name, const char *value)
{
	unsigned at = 0;

	if (l->len >= room || strlen(name) >= METRIC_LABEL_NAME_MAX)
		return -ENOSPC;
	while (at < l->len && strcmp(l->pair[at].name, name) < 0)
		at++;
	memmove(&l->pair[at + 1], &l->pair[at], (l->len - at) * sizeof l->pair[0]);
	copy_text(l->pair[at].name, sizeof l->pair[at].name, name);
	copy_text(l->pair[at].value, sizeof l->pair[at].value, value);
	l->len++;
	return 0;
}

int
metric_labels_add(struct metric_labels *l, const char *name, const char *value)
{
	return insert_label(l, METRIC_LABELS_MAX, name, value);
}

int
metric_labels_set(struct metric_labels *l, const char *name, const char *value)
{
	for (unsigned i = 0; i < l->len; i++)
		if (strcmp(l->pair[i].name, name) == 0) {
			copy_text(l->pair[i].value, sizeof l->pair[i].value, value);
			return 0;
		}
	return insert_label(l, METRIC_LABELS_ROOM, name, value);
}

const char *
metric_labels_get(const struct metric_labels *l, const char *name)
{
	for (unsigned i = 0; i < l->len; i++)
		if (strcmp(l->pair[i].name, name) == 0)
			return l->pair[i].value;
	return "";
}

bool
metric_labels_equal(const struct metric_labels *a, const struct metric_labels *b)
{
	if (a->len != b->len)
		return false;
	for (unsigned i = 0; i < a->len; i++)
		if (strcmp(a->pair[i].value, b->pair[i].value) != 0 ||
		    strcmp(a->pair[i].name, b->pair[i].name) != 0)
			return false;
	return true;
}

static void
print_quoted(const char *value, struct buf *out)
{
	buf_put_u8(out, '"');
	for (; *value; value++) {
		if (*value == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_put_u8(out, '\\');
		buf_put_u8(out, (uint8_t)*value);
	}
	buf_put_u8(out, '"');
}

void
metric_labels_print(const struct metric_labels *l, struct buf *out)
{
	for (unsigned i = 0; i < l->len; i++) {
		buf_puts(out, i == 0 ? "{" : ",");
		buf_puts(out, l->pair[i].name);
		buf_put_u8(out, '=');
		print_quoted(l->pair[i].value, out);
	}
	if (l->len > 0)
		buf_put_u8(out, '}');
}
