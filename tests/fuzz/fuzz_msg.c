// SPDX-License-Identifier: Apache-2.0
//
// What decodes can be encoded, means the same after it, and is then in its final form.
#include "tests/support/msg.h"
#include "base/buf.h"
#include <assert.h>
#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Requests get the null that they lacked (G-019); nothing else may change. */
static void
give_null(struct grasp_msg *m)
{
	static const uint8_t null = 0xf6;
	bool request = m->type == M_REQ_NEG || m->type == M_REQ_SYN ||
	    m->type == M_NEGOTIATE || m->type == M_SYNCH;

	if (request && m->objective.value.len == 0)
		m->objective.value = (struct slice){ &null, 1 };
}

static void
check_round_trip(struct grasp_msg *first)
{
	static struct grasp_msg second;
	struct buf once, twice;
	size_t len;

	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	assert(grasp_msg_encode(first, &once) == 0);
	assert(grasp_msg_decode(buf_slice(&once), &second, &len) == 0);
	assert(len == once.pos);
	give_null(first);
	assert(msg_equal(first, &second));
	assert(grasp_msg_encode(&second, &twice) == 0);
	assert(slice_equal(buf_slice(&once), buf_slice(&twice)));
	buf_done(&once);
	buf_done(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct grasp_msg m;
	struct buf text;
	size_t len = 0;
	int err = grasp_msg_decode((struct slice){ data, size }, &m, &len);

	if (err < 0) {
		assert(err == -EBADMSG || err == -EPROTONOSUPPORT);
		return 0;
	}
	assert(len > 0 && len <= size);
	buf_init(&text, 1 << 20);
	assert(*grasp_msg_describe(&m, &text) != '\0' || text.err);
	buf_done(&text);
	check_round_trip(&m);
	return 0;
}
