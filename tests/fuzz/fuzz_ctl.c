// SPDX-License-Identifier: Apache-2.0
//
// The bytes of the control socket, both ways: a request that is understood can be written and
// is understood again, and no answer makes the client read beyond it.
#include "base/ctl_client.c"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_request(struct slice in)
{
	char name[CTL_COMMAND_MAX], again[CTL_COMMAND_MAX], text[64];
	struct slice args, same;
	struct buf b;
	int64_t n;

	if (ctl_request_parse(in, name, sizeof name, &args) < 0)
		return;
	(void)ctl_arg_text(args, "name", text, sizeof text);
	(void)ctl_arg_int(args, "n", &n);
	(void)ctl_arg_bool(args, "all");
	buf_init(&b, CTL_REQUEST_MAX + 256);
	ctl_request_put(&b, name, args);
	if (!b.err) {
		assert(ctl_request_parse(buf_slice(&b), again, sizeof again, &same) == 0);
		assert(!strcmp(name, again));
		assert(slice_equal(args, same));
	}
	buf_done(&b);
}

static void
check_answer(struct slice in)
{
	struct ctl_client c = { .code = 0 };
	struct slice item = { 0 };
	int rc = take_answer(&c, in, &item);

	assert(rc == 0 || rc == 1 || rc == -EREMOTEIO || rc == -EBADMSG);
	if (rc == 1)
		assert(item.data >= in.data && item.data + item.len <= in.data + in.len);
	assert(memchr(c.reason, '\0', sizeof c.reason));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { data, size };
	ssize_t n = cbor_item_length(in, CTL_REQUEST_MAX);

	if (n <= 0)
		return 0;
	in.len = (size_t)n;
	check_request(in);
	check_answer(in);
	return 0;
}
