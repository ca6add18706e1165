/* SPDX-License-Identifier: Apache-2.0
 *
 * host->http: the client of http.so for plug-ins that have `http:` in their configuration. */
#include "orchestrator-hooks/http_provider.h"
#include "base/crypto_aead.h"
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/http_config.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_LINE_MAX 8192

struct client {
	const struct hook_host *host;
	struct http_config cfg;
	struct http_server server;
	struct transfer *transfers;
};
struct transfer {
	struct transfer *next;
	struct client *client;
	struct http_exchange *exchange;
	char *url;
	hook_http_f *done;
	void (*data)(void *arg, const char *bytes, size_t len);
	void *arg;
};

static const struct conf_option options[] = {
	HTTP_CONFIG_OPTIONS(struct client, cfg),
};

/* --- life ----------------------------------------------------------------------------------- */

static void
free_transfer(struct transfer *t)
{
	struct transfer **at = &t->client->transfers;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t->url);
	free(t);
}

static void
client_close(void *arg)
{
	struct client *c = arg;

	while (c->transfers)
		free_transfer(c->transfers);
	http_server_close(&c->server);
	conf_free(options, ARRAY_LEN(options), c);
	free(c);
}

static int
client_open(const struct hook_host *host, const char *config_json, void **ret_client,
    char *err, size_t err_len)
{
	struct client *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return -ENOMEM;
	c->host = host;
	rc = hook_config_load(options, ARRAY_LEN(options), config_json, c, err, err_len);
	if (!rc)
		rc = http_server_open(&c->server, &c->cfg, host, err, err_len);
	if (rc < 0) {
		client_close(c);
		return rc;
	}
	*ret_client = c;
	return 0;
}

/* --- requests ------------------------------------------------------------------------------- */

/* What was not sent is told apart from what got no answer: only the latter may have happened. */
static void
on_reply(void *arg, const struct http_reply *r)
{
	struct transfer *t = arg;
	char *location = r->location ? http_url_resolve(t->url, r->location) : NULL;
	struct hook_http_reply reply = { .size = sizeof reply,
		.status = r->status,
		.location = location,
		.retry_after_s =
		    (int)(r->retry_after_s > 86400 ? 86400 : r->retry_after_s),
		.headers = r->headers,
		.body = (const char *)r->body.data,
		.body_len = r->body.len };

	if (r->outcome != HTTP_ANSWERED || r->cut) {
		reply.status = r->cut		? -EMSGSIZE
		    : r->outcome == HTTP_UNSENT ? -ECONNREFUSED
						: -ECONNRESET;
		reply.error = r->cut ? "the answer is too long" : r->why;
		reply.headers = NULL;
		reply.body = "";
		reply.body_len = 0;
	}
	t->done(t->arg, &reply);
	free(location);
	free_transfer(t);
}

static void
on_data(void *arg, const char *bytes, size_t len)
{
	struct transfer *t = arg;

	t->data(t->arg, bytes, len);
}

/* A whole URL may only be of the server that is configured: its token goes with it. */
static char *
make_url(const struct client *c, const char *path)
{
	struct buf b;
	char *url;

	if (!strncmp(path, "http://", 7) || !strncmp(path, "https://", 8))
		return http_url_same_origin(c->cfg.url, path) ? strdup(path) : NULL;
	buf_init(&b, 16384);
	buf_puts(&b, c->cfg.url);
	if (b.pos && b.data[b.pos - 1] == '/' && *path == '/')
		b.pos--;
	buf_puts(&b, path);
	url = b.err ? NULL : strdup(buf_text(&b));
	buf_done(&b);
	if (url && http_url_same_origin(c->cfg.url, url))
		return url;
	free(url);
	return NULL;
}

static bool
has_line_end(const char *text)
{
	return text && strpbrk(text, "\r\n");
}

struct lines {
	const char *line[HTTP_HEADERS_MAX + 4];
	size_t n;
	char type[256];
	uint8_t token[TOKEN_LINE_MAX];
};

static int
fill_lines(struct lines *l, const struct client *c, const struct hook_http_req *req)
{
	char err[256] = "";
	struct buf token;
	int rc;

	l->n = 0;
	for (size_t i = 0; req->headers && req->headers[i]; i++) {
		if (l->n == HTTP_HEADERS_MAX || has_line_end(req->headers[i]))
			return -EINVAL;
		l->line[l->n++] = req->headers[i];
	}
	if (has_line_end(req->content_type))
		return -EINVAL;
	if (req->body) {
		snprintf(l->type, sizeof l->type, "Content-Type: %s",
		    req->content_type ? req->content_type : "application/json");
		l->line[l->n++] = l->type;
	}
	buf_init_fixed(&token, l->token, sizeof l->token);
	rc = http_server_authorize(&c->server, &token, err, sizeof err);
	if (rc < 0)
		c->host->log(c->host->arg, HOOK_ERROR, err);
	if (!rc && token.pos) {
		buf_put_u8(&token, '\0');
		l->line[l->n++] = (const char *)l->token;
	}
	l->line[l->n] = NULL;
	return rc ? rc : token.err;
}

static int
send_transfer(struct transfer *t, const struct hook_http_req *req)
{
	struct client *c = t->client;
	const char *method = req->method ? req->method : req->body ? "POST" : "GET";
	struct http_request r = { .method = method,
		.url = t->url,
		.body = { (const uint8_t *)req->body, req->body ? req->body_len : 0 },
		.timeout_ms = req->timeout_ms ? req->timeout_ms : c->cfg.request_ms,
		.fresh = strcmp(method, "GET") != 0,
		.data = req->data ? on_data : NULL };
	struct lines l;
	int rc = fill_lines(&l, c, req);

	if (!rc) {
		r.headers = l.line;
		rc = http_send(c->server.client, &r, on_reply, t, &t->exchange);
	}
	secret_wipe(l.token, sizeof l.token);
	return rc;
}

static int
client_start(void *arg, const struct hook_http_req *req, hook_http_f *done,
    void *done_arg, void **ret_transfer)
{
	struct client *c = arg;
	char *url = make_url(c, req->path);
	struct transfer *t = url ? calloc(1, sizeof *t) : NULL;
	int rc;

	if (!t) {
		free(url);
		return url ? -ENOMEM : -EINVAL;
	}
	*t = (struct transfer){ c->transfers, c, NULL, url, done, req->data, done_arg };
	c->transfers = t;
	rc = send_transfer(t, req);
	if (rc < 0) {
		free_transfer(t);
		return rc;
	}
	*ret_transfer = t;
	return 0;
}

static void
client_stop(void *arg, void *transfer)
{
	struct transfer *t = transfer;

	(void)arg;
	http_drop(t->exchange);
	free_transfer(t);
}

extern const struct hook_http_provider hook_http;
HOOK_EXPORT const struct hook_http_provider hook_http = {
	.size = sizeof hook_http,
	.abi = HOOK_ABI,
	.open = client_open,
	.start = client_start,
	.stop = client_stop,
	.close = client_close,
};
