/* SPDX-License-Identifier: Apache-2.0
 *
 * host->when_saved: for plug-ins that do with means of their own what has to wait for the journal. */
#include "controller/hook_call.h"
#include "controller/store.h"
#include <errno.h>

struct hook_wait {
	struct hook_wait *next;
	struct hooks *hooks;
	struct hook_call *call; /* NULL: it has ended */
	void (*fn)(void *arg, int err);
	void *arg;
};

static void
on_saved(void *arg, int err)
{
	struct hook_wait *w = arg, **at = &w->hooks->waits;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	if (w->call && !w->hooks->closing)
		w->fn(w->arg, err);
	free(w);
}

int
hook_saved_wait(struct hook_call *call, void (*fn)(void *arg, int err), void *arg)
{
	struct hooks *h = hook_call_hooks(call);
	struct hook_wait *w = malloc(sizeof *w);

	if (!w)
		return -ENOMEM;
	*w = (struct hook_wait){ h->waits, h, call, fn, arg };
	h->waits = w;
	store_barrier(h->env.store, on_saved, w);
	return 0;
}

void
hook_saved_forget(struct hook_call *call)
{
	for (struct hook_wait *w = hook_call_hooks(call)->waits; w; w = w->next)
		if (w->call == call)
			w->call = NULL;
}
