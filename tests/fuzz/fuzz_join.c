/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGJOIN, what a stranger may say and what a stranger is told. The first byte says which of the two;
 * what is accepted has to survive being written and read again, and to borrow from the input alone. */
#include "protocol/join.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOM (1 << 16)

static void
assert_inside(struct slice part, struct slice whole)
{
	assert(part.len && part.len <= FOG_JOIN_DER_MAX);
	assert(part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void
try_join(struct slice in)
{
	static uint8_t memory[2][ROOM];
	struct fog_join once, twice;
	struct buf out[2];

	if (fog_join_decode(in, &once))
		return;
	assert_inside(once.request, in);
	buf_init_fixed(&out[0], memory[0], ROOM);
	buf_init_fixed(&out[1], memory[1], ROOM);
	fog_join_encode(&once, &out[0]);
	assert(fog_join_decode(buf_slice(&out[0]), &twice) == 0);
	fog_join_encode(&twice, &out[1]);
	assert(!out[0].err && slice_equal(buf_slice(&out[0]), buf_slice(&out[1])));
}

static void
try_grant(struct slice in)
{
	static uint8_t memory[2][ROOM];
	struct fog_grant once, twice;
	struct buf out[2];

	if (fog_grant_decode(in, &once))
		return;
	assert_inside(once.certificate, in);
	assert(once.cas && once.cas <= FOG_JOIN_CAS_MAX);
	for (size_t i = 0; i < once.cas; i++)
		assert_inside(once.ca[i], in);
	buf_init_fixed(&out[0], memory[0], ROOM);
	buf_init_fixed(&out[1], memory[1], ROOM);
	fog_grant_encode(&once, &out[0]);
	assert(fog_grant_decode(buf_slice(&out[0]), &twice) == 0);
	fog_grant_encode(&twice, &out[1]);
	assert(!out[0].err && slice_equal(buf_slice(&out[0]), buf_slice(&out[1])));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 || size > FOG_JOIN_MESSAGE_MAX)
		return 0;
	(data[0] % 2 ? try_grant : try_join)((struct slice){ data + 1, size - 1 });
	return 0;
}
