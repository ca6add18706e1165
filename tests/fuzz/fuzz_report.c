/* SPDX-License-Identifier: Apache-2.0
 *
 * Compact reports of a node that means no good: the input is a row of packed values, each behind two bytes
 * of length. Whatever comes, the memory is bounded, and what one end makes of it the other end reads
 * as the same. */
#include "protocol/report.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT_MAX 2048

static struct report_point kept[KEPT_MAX];
static size_t keeps;
static uint64_t first;

static void
keep(void *arg, const struct report_value *v)
{
	(void)arg;
	if (keeps == 0)
		first = v->number;
	if (keeps < KEPT_MAX && v->time_ms >= 0)
		kept[keeps++] = (struct report_point){ .item = v->series->item,
			.time_ms = v->time_ms,
			.value = v->value,
			.samples = v->samples };
}

static void
compare(void *arg, const struct report_value *v)
{
	size_t *at = arg;
	const struct report_point *p = &kept[(*at)++];

	assert(v->series->item == p->item && v->time_ms == p->time_ms &&
	    v->samples == p->samples && !memcmp(&v->value, &p->value, sizeof v->value));
}

/* What was understood, said again. */
static void
repeat(void)
{
	static uint8_t memory[65536];
	struct report_stream *to = NULL, *from = NULL;
	struct fog_report head, got;
	size_t taken;
	struct buf out;

	if (report_stream_new(&to) < 0 || report_stream_new(&from) < 0)
		abort();
	for (size_t at = 0; at < keeps; at += taken) {
		size_t seen = at;

		memset(&head, 0, sizeof head);
		head.sequence = at + 1;
		head.sent_ms = kept[at].time_ms;
		buf_init_fixed(&out, memory, sizeof memory);
		if (report_stream_put(to, &head, kept + at, keeps - at, &out, &taken) < 0)
			abort();
		assert(taken > 0);
		assert(fog_report_decode(buf_slice(&out), &got) == 0);
		assert(report_stream_take(from, &got, compare, &seen) == 0);
		assert(seen == at + taken);
	}
	report_stream_free(to);
	report_stream_free(from);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t boot[8] = "fuzzing";
	struct fog_report r;
	struct report_stream *s = NULL;
	bool begun = false;

	if (size > 65536 || report_stream_new(&s) < 0)
		return 0;
	keeps = 0;
	while (size > 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		memset(&r, 0, sizeof r);
		memcpy(r.boot, boot, sizeof r.boot);
		r.packed = (struct slice){ data, len };
		r.begins = r.has_sent = r.has_sequence = !begun;
		r.sequence = 1;
		begun = len && report_stream_take(s, &r, keep, NULL) == 0;
		assert(
		    report_stream_bytes(s) < REPORT_LABELS_ALL + REPORT_SERIES_MAX * 256);
		data += len;
		size -= len;
	}
	report_stream_free(s);
	repeat();
	return 0;
}
