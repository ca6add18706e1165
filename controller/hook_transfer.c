/* SPDX-License-Identifier: Apache-2.0
 *
 * host->http: requests of calls, made by the module http. One starts when all that was journalled
 * before is on the disk, and ends with its call. */
#include "controller/hook_call.h"
#include "controller/store.h"
#include "orchestrator-hooks/http_provider.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CONFIG_MAX  65536
#define HEADERS_MAX 64

struct hook_transfer {
	struct hook_transfer *next;
	struct hooks *hooks;
	struct hook_call *call; /* NULL: nobody waits for it any more */
	struct hook_instance *instance;
	struct hook_http_req req; /* its texts are ours */
	const char *header[HEADERS_MAX + 1];
	hook_http_f *done;
	void (*data)(void *arg, const char *bytes, size_t len);
	void *arg;
	void *transfer; /* the module's; NULL: waits for the store */
	bool starting;
	int failed; /* to start, inside hook_transfer_start() */
};

/* --- memory ------------------------------------------------------------------------------------- */

static void
free_request(struct hook_transfer *t)
{
	free((char *)t->req.method);
	free((char *)t->req.path);
	free((char *)t->req.content_type);
	free((char *)t->req.body);
	for (size_t i = 0; t->header[i]; i++)
		free((char *)t->header[i]);
}

static void
free_transfer(struct hook_transfer *t)
{
	struct hook_transfer **at = &t->hooks->transfers;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free_request(t);
	free(t);
}

static bool
copy_text(const char *text, const char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

static bool
copy_body(const struct hook_http_req *req, struct hook_http_req *to)
{
	char *body;

	if (!req->body)
		return true;
	body = malloc(req->body_len + 1);
	if (!body)
		return false;
	memcpy(body, req->body, req->body_len);
	body[req->body_len] = '\0';
	to->body = body;
	to->body_len = req->body_len;
	return true;
}

/* Of an older plug-in the last members may be missing. */
static int
copy_request(struct hook_transfer *t, const struct hook_http_req *given)
{
	struct hook_http_req req = { 0 };
	size_t n = 0;

	memcpy(&req, given, given->size < sizeof req ? given->size : sizeof req);
	if (!req.path)
		return -EINVAL;
	t->req.size = sizeof t->req;
	t->req.timeout_ms = req.timeout_ms;
	t->data = req.data;
	if (!copy_text(req.method, &t->req.method) ||
	    !copy_text(req.path, &t->req.path) ||
	    !copy_text(req.content_type, &t->req.content_type) ||
	    !copy_body(&req, &t->req))
		return -ENOMEM;
	for (; req.headers && req.headers[n]; n++) {
		if (n == HEADERS_MAX)
			return -E2BIG;
		if (!copy_text(req.headers[n], &t->header[n]))
			return -ENOMEM;
	}
	t->req.headers = t->header;
	return 0;
}

/* --- life ----------------------------------------------------------------------------------------- */

static void
pass_data(void *arg, const char *bytes, size_t len)
{
	struct hook_transfer *t = arg;

	if (t->call)
		t->data(t->arg, bytes, len);
}

static void
end_transfer(struct hook_transfer *t, const struct hook_http_reply *reply)
{
	hook_http_f *done = t->call ? t->done : NULL;
	void *arg = t->arg;

	t->transfer = NULL;
	free_transfer(t);
	if (done)
		done(arg, reply);
}

static void
on_reply(void *arg, const struct hook_http_reply *reply)
{
	end_transfer(arg, reply);
}

static void
fail_transfer(struct hook_transfer *t, int err)
{
	const struct hook_http_reply reply = { .size = sizeof reply,
		.status = err,
		.error = strerror(-err),
		.retry_after_s = -1,
		.body = "" };

	end_transfer(t, &reply);
}

static void
start_transfer(void *arg, int err)
{
	struct hook_transfer *t = arg;

	if (!err && (!t->call || t->hooks->closing))
		err = -ECANCELED;
	if (t->data)
		t->req.data = pass_data;
	if (!err)
		err = t->instance->http->start(
		    t->instance->http_client, &t->req, on_reply, t, &t->transfer);
	if (!err)
		return;
	if (t->starting)
		t->failed = err;
	else
		fail_transfer(t, err);
}

int
hook_transfer_start(
    struct hook_call *call, const struct hook_http_req *req, hook_http_f *done, void *arg)
{
	struct hooks *h = hook_call_hooks(call);
	struct hook_transfer *t = calloc(1, sizeof *t);
	int rc;

	if (!t)
		return -ENOMEM;
	t->hooks = h;
	t->call = call;
	t->instance = hook_call_instance(call);
	t->done = done;
	t->arg = arg;
	t->next = h->transfers;
	h->transfers = t;
	rc = copy_request(t, req);
	if (!rc) {
		t->starting = true;
		store_barrier(h->env.store, start_transfer, t);
		t->starting = false;
		rc = t->failed;
	}
	if (rc < 0)
		free_transfer(t);
	return rc;
}

/* One that waits for the store is freed when that calls back. */
void
hook_transfer_forget(struct hook_call *call)
{
	struct hooks *h = hook_call_hooks(call);

	for (struct hook_transfer *t = h->transfers, *next; t; t = next) {
		next = t->next;
		if (t->call != call)
			continue;
		t->call = NULL;
		if (!t->transfer)
			continue;
		t->instance->http->stop(t->instance->http_client, t->transfer);
		free_transfer(t);
	}
}

void
hook_transfers_free(struct hooks *h)
{
	while (h->transfers)
		free_transfer(h->transfers);
}

/* --- configuration -------------------------------------------------------------------------------- */

int
hook_transfer_open(
    struct hook_instance *i, const struct yaml_node *config, struct complaints *c)
{
	char err[512] = "";
	struct buf json;
	int rc;

	i->http = hook_types_http(i->hooks, config, c);
	if (!i->http)
		return -EINVAL;
	buf_init(&json, CONFIG_MAX);
	hook_put_config(&json, config);
	rc = json.err;
	if (!rc)
		rc = i->http->open(
		    &i->host, buf_text(&json), &i->http_client, err, sizeof err);
	buf_done(&json);
	if (rc < 0)
		yaml_complain(c, config, "%s", *err ? err : strerror(-rc));
	return rc;
}
