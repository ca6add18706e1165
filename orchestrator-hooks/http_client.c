/* SPDX-License-Identifier: Apache-2.0
 *
 * libcurl says which sockets it waits for and until when; libev waits. Names are looked up by a thread
 * of libcurl's own. */
#include "orchestrator-hooks/http_client.h"
#include <curl/curl.h>
#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <string.h>

#define CONNECTIONS_MAX 16

struct http_client {
	struct ev_loop *loop;
	CURLM *multi;
	ev_timer timer;
	struct http_client_config cfg;
	struct http_exchange *first;
	bool working, dead; /* inside a callback; freed from there */
};
struct http_exchange {
	struct http_client *client;
	struct http_exchange *next;
	CURL *easy;
	struct curl_slist *headers;
	char *request; /* the body */
	size_t request_len;
	struct buf body, reply_headers; /* the latter: lines, each with a NUL */
	size_t header_bytes;
	bool cut, overlong, sent, data_came;
	bool telling, dropped; /* inside of data(); dropped from there */
	http_data_f *data;
	http_reply_f *done;
	void *arg;
	char why[CURL_ERROR_SIZE];
};
struct watch { /* of a socket */
	ev_io io;
	struct http_client *client;
};

/* --- the loop --------------------------------------------------------------------------------- */

static void tell_ended(struct http_client *c);

static void
act(struct http_client *c, curl_socket_t s, int events)
{
	int running;

	c->working = true;
	curl_multi_socket_action(c->multi, s, events, &running);
	tell_ended(c);
	c->working = false;
	if (c->dead)
		http_client_free(c);
}

static void
on_socket_ready(struct ev_loop *loop, ev_io *io, int revents)
{
	struct watch *w = container_of(io, struct watch, io);
	int events = (revents & EV_READ ? CURL_CSELECT_IN : 0) |
	    (revents & EV_WRITE ? CURL_CSELECT_OUT : 0);

	(void)loop;
	act(w->client, io->fd, events);
}

static void
on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	act(container_of(t, struct http_client, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	ev_timer_stop(c->loop, &c->timer);
	if (ms < 0)
		return 0;
	ev_timer_set(&c->timer, (double)ms / 1000, 0.);
	ev_timer_start(c->loop, &c->timer);
	return 0;
}

static void
stop_watch(struct http_client *c, curl_socket_t s, struct watch *w)
{
	if (!w)
		return;
	ev_io_stop(c->loop, &w->io);
	free(w);
	curl_multi_assign(c->multi, s, NULL);
}

static struct watch *
new_watch(struct http_client *c, curl_socket_t s)
{
	struct watch *w = malloc(sizeof *w);

	if (!w)
		return NULL;
	w->client = c;
	ev_init(&w->io, on_socket_ready);
	curl_multi_assign(c->multi, s, w);
	return w;
}

static int
set_watch(CURL *easy, curl_socket_t s, int what, void *arg, void *socket_arg)
{
	struct http_client *c = arg;
	struct watch *w = socket_arg;
	int events =
	    (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		stop_watch(c, s, w);
		return 0;
	}
	if (!w)
		w = new_watch(c, s);
	if (!w)
		return -1; /* the transfer fails */
	ev_io_stop(c->loop, &w->io);
	ev_io_set(&w->io, s, events);
	ev_io_start(c->loop, &w->io);
	return 0;
}

/* --- life --------------------------------------------------------------------------------------- */

static bool
never_blocks(void)
{
	static const int needed = CURL_VERSION_ASYNCHDNS | CURL_VERSION_SSL;

	return (curl_version_info(CURLVERSION_NOW)->features & needed) == needed;
}

int
http_client_new(const struct http_client_config *cfg, struct http_client **ret)
{
	CLEANUP(http_client_free) struct http_client *c = calloc(1, sizeof *c);

	if (!c)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	if (!never_blocks())
		return -ENOTSUP;
	c->cfg = *cfg;
	c->loop = cfg->loop;
	ev_init(&c->timer, on_timer);
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, set_watch);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, 0L);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	*ret = TAKE(c);
	return 0;
}

void
http_client_free(struct http_client *c)
{
	if (!c)
		return;
	if (c->working) {
		for (struct http_exchange *x = c->first; x; x = x->next)
			x->dropped = true;
		c->dead = true;
		return;
	}
	while (c->first)
		http_drop(c->first);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	if (c->loop)
		ev_timer_stop(c->loop, &c->timer);
	free(c);
}

/* --- what comes ----------------------------------------------------------------------------- */

static size_t
take_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;

	size *= n;
	x->data_came = true;
	if (x->dropped)
		return 0;
	if (x->data) {
		x->telling = true;
		x->data(x->arg, data, size);
		x->telling = false;
		return x->dropped ? 0 : size;
	}
	buf_put(&x->body, data, size);
	if (!x->body.err)
		return size;
	x->cut = true;
	return 0; /* the rest is of no interest */
}

/* Only of the last head: there may be a 100 before it. */
static size_t
take_header(char *data, size_t size, size_t n, void *arg)
{
	struct http_exchange *x = arg;
	size_t len = size *= n;

	x->data_came = true;
	x->header_bytes += size;
	if (x->header_bytes > HTTP_HEADER_SIZE) {
		x->overlong = true;
		return 0;
	}
	while (len && (data[len - 1] == '\n' || data[len - 1] == '\r'))
		len--;
	if (len > 5 && !strncmp(data, "HTTP/", 5))
		buf_reset(&x->reply_headers);
	else if (len && memchr(data, ':', len) && !memchr(data, '\0', len)) {
		buf_put(&x->reply_headers, data, len);
		buf_put_u8(&x->reply_headers, '\0');
	}
	return size;
}

/* What has gone out as plain text, before TLS: the head and the body. */
static int
note_traffic(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
	struct http_exchange *x = arg;

	(void)easy, (void)data, (void)size;
	if (type == CURLINFO_HEADER_OUT || type == CURLINFO_DATA_OUT)
		x->sent = true;
	return 0;
}

/* --- a request ------------------------------------------------------------------------------ */

static int
copy_headers(struct http_exchange *x, const char *const *header)
{
	/* libcurl would ask for a go-ahead before a long body, and wait for it. */
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	x->headers = list;
	for (; list && header && *header; header++) {
		list = curl_slist_append(x->headers, *header);
		x->headers = list ? list : x->headers;
	}
	return list ? 0 : -ENOMEM;
}

static int
copy_body(struct http_exchange *x, struct slice body)
{
	x->request_len = body.len;
	if (!body.len)
		return 0;
	x->request = malloc(body.len);
	if (!x->request)
		return -ENOMEM;
	memcpy(x->request, body.data, body.len);
	return 0;
}

static void
set_pem(CURL *easy, CURLoption option, struct slice pem)
{
	struct curl_blob blob = { .data = (void *)(uintptr_t)pem.data,
		.len = pem.len,
		.flags = CURL_BLOB_NOCOPY };

	if (pem.len)
		curl_easy_setopt(easy, option, &blob);
}

static void
set_trust(CURL *e, const struct http_client_config *cfg)
{
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L);
	set_pem(e, CURLOPT_CAINFO_BLOB, cfg->ca);
	set_pem(e, CURLOPT_SSLCERT_BLOB, cfg->certificate);
	set_pem(e, CURLOPT_SSLKEY_BLOB, cfg->key);
}

static void
set_callbacks(struct http_exchange *x)
{
	CURL *e = x->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->why);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_DEBUGFUNCTION, note_traffic);
	curl_easy_setopt(e, CURLOPT_DEBUGDATA, x);
	curl_easy_setopt(e, CURLOPT_VERBOSE, 1L); /* to note_traffic() alone */
}

static void
set_request(struct http_exchange *x, const struct http_request *r)
{
	CURL *e = x->easy;

	curl_easy_setopt(e, CURLOPT_URL, r->url);
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, r->method);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	if (x->request) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->request);
		curl_easy_setopt(
		    e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->request_len);
	} else if (!strcmp(r->method, "POST") || !strcmp(r->method, "PUT")) {
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, "");
	}
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	if (!r->fresh)
		return;
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
}

static void
set_ways(struct http_exchange *x)
{
	CURL *e = x->easy;

	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	/* A name server that does not answer is not waited for when it is given up. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)x->client->cfg.connect_ms);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "fogwatch");
}

/* Headers and bodies may hold tokens. */
static void
free_exchange(struct http_exchange *x)
{
	if (x->easy)
		curl_easy_cleanup(x->easy);
	for (struct curl_slist *h = x->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(x->headers);
	free(x->request);
	buf_done(&x->body);
	buf_done(&x->reply_headers);
	free(x);
}

static int
fill_exchange(struct http_exchange *x, const struct http_request *r)
{
	int rc = copy_headers(x, r->headers);

	if (!rc)
		rc = copy_body(x, r->body);
	if (rc < 0)
		return rc;
	x->easy = curl_easy_init();
	if (!x->easy)
		return -ENOMEM;
	set_callbacks(x);
	set_ways(x);
	set_trust(x->easy, &x->client->cfg);
	set_request(x, r);
	return curl_multi_add_handle(x->client->multi, x->easy) == CURLM_OK ? 0 : -ENOMEM;
}

int
http_send(struct http_client *c, const struct http_request *r, http_reply_f *done,
    void *arg, struct http_exchange **ret)
{
	struct http_exchange *x = calloc(1, sizeof *x);
	int rc;

	if (!x)
		return -ENOMEM;
	x->client = c;
	x->done = done;
	x->data = r->data;
	x->arg = arg;
	buf_init(&x->body, c->cfg.body_max);
	buf_init(&x->reply_headers, HTTP_HEADER_SIZE);
	rc = fill_exchange(x, r);
	if (rc < 0) {
		free_exchange(x);
		return rc;
	}
	x->next = c->first;
	c->first = x;
	*ret = x;
	return 0;
}

static void
unlink_exchange(struct http_exchange *x)
{
	struct http_exchange **at = &x->client->first;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	curl_multi_remove_handle(x->client->multi, x->easy);
}

void
http_drop(struct http_exchange *x)
{
	if (x->telling) { /* libcurl is not to be called from there */
		x->dropped = true;
		return;
	}
	unlink_exchange(x);
	free_exchange(x);
}

/* --- the end of it ------------------------------------------------------------------------------ */

static void
list_headers(struct http_exchange *x, const char *list[HTTP_HEADERS_MAX + 1])
{
	/* Of nothing there is no data at all. */
	const char *at = x->reply_headers.pos ? (const char *)x->reply_headers.data : "";
	const char *end = at + x->reply_headers.pos;
	size_t n = 0;

	for (; at < end && n < HTTP_HEADERS_MAX; at += strlen(at) + 1)
		list[n++] = at;
	list[n] = NULL;
}

/* "Name: value": the value, or NULL. */
static const char *
find_header(const char *const *header, const char *name)
{
	size_t len = strlen(name);

	for (; *header; header++)
		if (!strncasecmp(*header, name, len) && (*header)[len] == ':')
			return *header + len + 1 + strspn(*header + len + 1, " \t");
	return NULL;
}

static void
fill_answer(struct http_exchange *x, struct http_reply *r, const char *const *headers)
{
	curl_off_t after = 0;
	long status = 0;

	curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &after);
	r->outcome = HTTP_ANSWERED;
	r->status = (int)status;
	r->headers = headers;
	r->location = find_header(headers, "Location");
	r->retry_after_s = find_header(headers, "Retry-After") ? after : -1;
	r->cut = x->cut;
	if (x->cut)
		buf_reset(&x->body);
	r->body = (struct slice){ (const uint8_t *)buf_text(&x->body), x->body.pos };
}

static void
fill_failure(struct http_exchange *x, struct http_reply *r, CURLcode code)
{
	r->outcome = x->sent || x->data_came ? HTTP_LOST : HTTP_UNSENT;
	r->why = *x->why ? x->why : curl_easy_strerror(code);
	if (x->overlong)
		r->why = "the head of the answer is too long";
}

static void
end_exchange(struct http_exchange *x, CURLcode code)
{
	const char *headers[HTTP_HEADERS_MAX + 1];
	struct http_reply r = { .retry_after_s = -1, .why = "" };

	list_headers(x, headers);
	unlink_exchange(x);
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && x->cut))
		fill_answer(x, &r, headers);
	else
		fill_failure(x, &r, code);
	if (!x->dropped)
		x->done(x->arg, &r);
	free_exchange(x);
}

static void
tell_ended(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while (!c->dead && (m = curl_multi_info_read(c->multi, &left))) {
		CURLcode code = m->data.result;
		struct http_exchange *x;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
		end_exchange(x, code);
	}
}
