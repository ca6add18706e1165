/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/labels.h"

#include <assert.h>
#include <string.h>

#include "base/cbor.h"

static_assert(
    1 + METRIC_LABELS_MAX * (METRIC_LABEL_NAME_MAX + METRIC_LABEL_VALUE_MAX + 3) <=
	LABELS_ENCODED_MAX,
    "all labels fit");

struct pair {
	const char *name, *value;
};

/* They come in the order of their names; the shorter name stands first on the wire. */
static void
insert_by_length(struct pair *pair, unsigned len, const char *name, const char *value)
{
	unsigned at = len;

	for (; at > 0 &&
	     (strlen(pair[at - 1].name) > strlen(name) ||
		 (strlen(pair[at - 1].name) == strlen(name) &&
		     strcmp(pair[at - 1].name, name) > 0));
	     at--)
		pair[at] = pair[at - 1];
	pair[at] = (struct pair){ name, value };
}

void
labels_encode_named(const struct metric_labels *l, const char *name, struct buf *out)
{
	struct pair pair[METRIC_LABELS_MAX + 1];
	unsigned len = 0;

	for (; len < l->len; len++)
		insert_by_length(pair, len, l->pair[len].name, l->pair[len].value);
	if (name)
		insert_by_length(pair, len++, "__name__", name);
	if (!len)
		return;
	wr_map(out, len);
	for (unsigned i = 0; i < len; i++) {
		wr_text(out, pair[i].name);
		wr_text(out, pair[i].value);
	}
}

void
labels_encode(const struct metric_labels *l, struct buf *out)
{
	labels_encode_named(l, NULL, out);
}
