/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook type in a shared object of its own, as somebody else would build it: it sees hook.h only. Built
 * once as it should be, once as a newer version of the interface may have it, and once for each fault
 * that is refused. PLUGIN_NAME is what it calls itself, PLUGIN_abi … what is wrong with it. */
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

#ifdef PLUGIN_abi
#define ITS_ABI (HOOK_ABI + 1)
#else
#define ITS_ABI HOOK_ABI
#endif
#ifdef PLUGIN_size
#define ITS_SIZE 24
#else
#define ITS_SIZE sizeof(its_type)
#endif
#ifdef PLUGIN_callback
#define ITS_CANCEL NULL
#else
#define ITS_CANCEL plugin_cancel
#endif
#ifdef PLUGIN_symbol
#define its_type hook_typo
#else
#define its_type hook_type
#endif

struct whole_type {
	struct hook_type type;
#ifdef PLUGIN_newer
	void (*more)(void *inst); /* no host has heard of it */
#endif
};

extern const struct whole_type its_type;
HOOK_EXPORT const struct whole_type its_type = {
	.type = {
		.size = ITS_SIZE,
		.abi = ITS_ABI,
		.name = PLUGIN_NAME,
		.help = "comes from a shared object",
		.open = plugin_open,
		.check = plugin_check,
		.start = plugin_start,
		.cancel = ITS_CANCEL,
		.close = plugin_close,
	},
#ifdef PLUGIN_newer
	.more = plugin_close,
#endif
};
