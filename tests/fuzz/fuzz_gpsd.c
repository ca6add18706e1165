// SPDX-License-Identifier: Apache-2.0
//
// Whatever a gpsd says: it is refused, or what is made of it is a place on Earth or none.
#include "base/json_scan.h"
#include "metrics/gpsd.h"
#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
scan(struct slice text)
{
	unsigned open = 0, events = 0;
	struct json_event e;
	struct json_scan s;

	json_scan_init(&s, text);
	while (json_scan_next(&s, &e)) {
		open += e.type == JSON_EVENT_OBJECT || e.type == JSON_EVENT_ARRAY;
		open -= e.type == JSON_EVENT_END;
		assert(open <= JSON_SCAN_DEPTH && e.depth <= JSON_SCAN_DEPTH);
		assert(e.text.len <= text.len && ++events <= text.len);
		assert(isfinite(e.number));
	}
	assert(json_scan_end(&s) < 0 || open == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice text = { data, size };
	struct gpsd_fix fix;

	scan(text);
	if (gpsd_parse(text, &fix) == 1) {
		assert(fix.mode >= 0 && fix.mode <= 3);
		assert(!(fabs(fix.latitude) > 90) && !(fabs(fix.longitude) > 180));
		assert(isnan(fix.latitude) == isnan(fix.longitude));
		assert(!(fix.speed < 0) && !(fix.heading < 0) && !(fix.heading > 360));
	}
	return 0;
}
