/* SPDX-License-Identifier: Apache-2.0
 *
 * Packed columns from anybody: reading ends, within the data, and what was read can be packed and
 * read again, the same in every bit. */
#include "base/pack.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX 4096

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packed[MAX * PACK_BITS_MAX / 4];
	static double value[MAX];
	static int64_t time_ms[MAX];
	struct bit_reader r = { { data, size }, 0, false };
	struct bit_writer w = { packed, sizeof packed, 0 };
	struct pack_values in = { 0 }, out = { 0 };
	struct pack_times in_time = { 0 }, out_time = { 0 };
	size_t len = 0;

	while (len < MAX && !r.failed) {
		time_ms[len] = unpack_time(&in_time, &r);
		value[len] = unpack_value(&in, &r);
		assert(r.bits <= 8 * size);
		len += !r.failed;
	}
	for (size_t i = 0; i < len; i++) {
		pack_time(&out_time, &w, time_ms[i]);
		pack_value(&out, &w, value[i]);
	}
	assert(w.bits <= 8 * sizeof packed);
	r = (struct bit_reader){ { packed, sizeof packed }, 0, false };
	in = (struct pack_values){ 0 };
	in_time = (struct pack_times){ 0 };
	for (size_t i = 0; i < len; i++) {
		double again;

		assert(unpack_time(&in_time, &r) == time_ms[i]);
		again = unpack_value(&in, &r);
		assert(memcmp(&again, &value[i], sizeof again) == 0);
	}
	assert(!r.failed && r.bits == w.bits);
	return 0;
}
