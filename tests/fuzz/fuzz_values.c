/* SPDX-License-Identifier: Apache-2.0
 *
 * The decoders of protocol/. The first byte says which; whatever one accepts has to survive
 * being written and read again, and to be written the same the second time. */
#include "protocol/caps.h"
#include "protocol/domain.h"
#include "protocol/notice.h"
#include "protocol/plan.h"
#include "protocol/property.h"
#include "protocol/query.h"
#include "protocol/registration.h"
#include "protocol/report.h"
#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM (1 << 17)
#define ROUND_TRIP(type, name)                                                \
	static void trip_##name(struct slice in)                              \
	{                                                                     \
		static uint8_t first_memory[ROOM], second_memory[ROOM];       \
		static struct type once, twice;                               \
		struct buf first, second;                                     \
                                                                              \
		if (name##_decode(in, &once))                                 \
			return;                                               \
		buf_init_fixed(&first, first_memory, sizeof first_memory);    \
		buf_init_fixed(&second, second_memory, sizeof second_memory); \
		name##_encode(&once, &first);                                 \
		assert(!first.err);                                           \
		assert(name##_decode(buf_slice(&first), &twice) == 0);        \
		name##_encode(&twice, &second);                               \
		assert(slice_equal(buf_slice(&first), buf_slice(&second)));   \
	}

/* Its denials stay encoded when it is decoded. */
static void
notice_encode(const struct fog_notice *n, struct buf *out)
{
	static struct fog_denial denied[FOG_NOTICE_DENIALS_MAX];

	assert(n->denials_len <= ARRAY_LEN(denied));
	for (size_t i = 0; i < n->denials_len; i++)
		assert(fog_notice_denial(n, i, &denied[i]));
	assert(!fog_notice_denial(n, n->denials_len, &(struct fog_denial){ 0 }));
	fog_notice_encode(n, denied, n->denials_len, out);
}
#define notice_decode fog_notice_decode

ROUND_TRIP(fog_domain, fog_domain)
ROUND_TRIP(caps, caps)
ROUND_TRIP(fog_registration, fog_registration)
ROUND_TRIP(fog_lease, fog_lease)
ROUND_TRIP(fog_plan, fog_plan)
ROUND_TRIP(fog_report, fog_report)
ROUND_TRIP(fog_query, fog_query)
ROUND_TRIP(fog_result, fog_result)
ROUND_TRIP(fog_words, fog_words)
ROUND_TRIP(fog_notice, notice)

static void (*const trips[])(struct slice in) = { trip_fog_domain, trip_caps,
	trip_fog_registration, trip_fog_lease, trip_fog_plan, trip_fog_report,
	trip_fog_query, trip_fog_result, trip_fog_words, trip_notice };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > 65536)
		return 0;
	trips[data[0] % ARRAY_LEN(trips)]((struct slice){ data + 1, size - 1 });
	return 0;
}
