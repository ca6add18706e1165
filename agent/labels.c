/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/labels.h"

#include <assert.h>
#include <string.h>

#include "base/cbor.h"

static_assert(
    1 + METRIC_LABELS_MAX * (METRIC_LABEL_NAME_MAX + METRIC_LABEL_VALUE_MAX + 3) <=
	LABELS_ENCODED_MAX,
    "all labels fit");

/* They stand in the order of their names; the shorter name comes first on the wire. */
static void
sort_by_length(const struct metric_labels *l, uint8_t order[METRIC_LABELS_MAX])
{
	for (uint8_t i = 0; i < l->len; i++) {
		uint8_t at = i;

		for (; at > 0 &&
		     strlen(l->pair[order[at - 1]].name) > strlen(l->pair[i].name);
		     at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

void
labels_encode(const struct metric_labels *l, struct buf *out)
{
	uint8_t order[METRIC_LABELS_MAX];

	if (!l->len)
		return;
	sort_by_length(l, order);
	wr_map(out, l->len);
	for (uint8_t i = 0; i < l->len; i++) {
		wr_text(out, l->pair[order[i]].name);
		wr_text(out, l->pair[order[i]].value);
	}
}
