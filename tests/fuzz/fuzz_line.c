/* SPDX-License-Identifier: Apache-2.0
 *
 * metrics/line on arbitrary text: it is refused with a reason, or gives finite values whose names and
 * labels Prometheus allows, within the bounds. */
#include "metrics/line.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_name(const char *name, bool label)
{
	char again[METRIC_NAME_MAX + 1];

	assert(*name && strlen(name) <= METRIC_NAME_MAX);
	assert(line_make_name(name, label, again, sizeof again) == 0);
	assert(!strcmp(name, again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char text[LINE_MAX_LEN + 1];
	static struct line line;
	char why[80] = "";
	int err;

	if (len > LINE_MAX_LEN)
		return 0;
	memcpy(text, data, len);
	text[len] = '\0';
	err = line_parse(text, NULL, &line, why, sizeof why);
	assert(err == 0 || err == -EAGAIN || (err == -EBADMSG && *why));
	assert(!err || line.len == 0);
	for (unsigned i = 0; i < line.len; i++) {
		check_name(line.value[i].metric, false);
		assert(isfinite(line.value[i].value));
	}
	for (unsigned i = 0; !err && i < line.labels.len; i++)
		check_name(line.labels.pair[i].name, true);
	return 0;
}
