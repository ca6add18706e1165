/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook type in a shared object of its own, as somebody else would build it: it sees hook.h only. Built
 * once as it should be and once with -DBROKEN for another version of the interface. */
#include "orchestrator-hooks/hook.h"

static const struct hook_host *its_host;

static int
plugin_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	(void)config_json, (void)err, (void)err_len;
	its_host = host;
	*ret_inst = &its_host;
	return 0;
}

static int
plugin_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst, (void)ev, (void)err, (void)err_len;
	return 0;
}

static int
plugin_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	(void)inst, (void)ev;
	its_host->done(call, HOOK_ALREADY, "from afar");
	return 0;
}

static void
plugin_cancel(void *inst, struct hook_call *call)
{
	(void)inst, (void)call;
}

static void
plugin_close(void *inst)
{
	(void)inst;
}

extern const struct hook_type hook_type;
const struct hook_type hook_type = {
#ifdef BROKEN
	.abi = HOOK_ABI + 1,
#else
	.abi = HOOK_ABI,
#endif
	.name = "plugin_good",
	.help = "comes from a shared object",
	.open = plugin_open,
	.check = plugin_check,
	.start = plugin_start,
	.cancel = plugin_cancel,
	.close = plugin_close,
};
