/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host wants of the module that speaks HTTP, hooks/http.so: it exports a
 * `const struct hook_http_provider hook_http`, and the host offers it to all plug-ins as host->http.
 * So the controller itself links no HTTP library. */
#pragma once
#include "orchestrator-hooks/hook.h"

struct hook_http_provider {
	size_t size;
	int abi; /* HOOK_ABI */
	/* One client per instance that has `http:` in its configuration; config_json is what stands
	 * there. As hook_type.open(). */
	int (*open)(const struct hook_host *host, const char *config_json,
	    void **ret_client, char *err, size_t err_len);
	/* Copies the request. done() once, never from inside; then the transfer is gone. -errno: done()
	 * is not called. */
	int (*start)(void *client, const struct hook_http_req *req, hook_http_f *done,
	    void *arg, void **ret_transfer);
	void (*stop)(void *client, void *transfer); /* no callback any more; it is gone */
	void (*close)(void *client);		    /* stops all */
};
