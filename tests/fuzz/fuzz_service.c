// SPDX-License-Identifier: Apache-2.0
//
// Whatever a service description holds: it is refused with a complaint, or it is one whose numbers keep
// what service.h promises.
#include "controller/service.h"
#include <assert.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_function(const struct function *f)
{
	assert(f->name && f->requirements <= SERVICE_REQUIREMENTS_MAX);
	assert(f->lead_ms >= 100 && f->cost > 0 && f->availability < 1);
	assert(!f->location || f->location->corners <= SERVICE_CORNERS_MAX);
	for (size_t i = 0; i < f->requirements; i++) {
		const struct requirement *r = &f->requirement[i];

		assert(r->predictor && r->program.len && isfinite(r->threshold));
		assert(r->low < r->high && r->class < PREDICTOR_CLASSES);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct service *s = NULL;
	struct complaints c;

	complaints_init(&c);
	if (service_parse((struct slice){ data, size }, "s.yaml", &c, &s) < 0)
		assert(c.errors || size > 0);
	else
		for (size_t i = 0; i < s->functions; i++)
			check_function(&s->function[i]);
	service_free(s);
	complaints_done(&c);
	return 0;
}
