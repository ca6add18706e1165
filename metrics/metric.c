/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/metric.h"
#include <errno.h>
#include <string.h>

/* As much of text as fits, cut between UTF-8 characters: values end up in CBOR text. */
static void
copy_cut(char *dst, size_t size, const char *text)
{
	size_t n = strnlen(text, size);

	if (n == size) {
		n--;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(dst, text, n);
	dst[n] = '\0';
}

int
metric_labels_add(struct metric_labels *l, const char *name, const char *value)
{
	unsigned at = 0;

	if (l->len >= METRIC_LABELS_MAX || strlen(name) >= METRIC_LABEL_NAME_MAX)
		return -ENOSPC;
	while (at < l->len && strcmp(l->pair[at].name, name) < 0)
		at++;
	memmove(&l->pair[at + 1], &l->pair[at], (l->len - at) * sizeof l->pair[0]);
	copy_cut(l->pair[at].name, sizeof l->pair[at].name, name);
	copy_cut(l->pair[at].value, sizeof l->pair[at].value, value);
	l->len++;
	return 0;
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
