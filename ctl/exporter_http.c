/* SPDX-License-Identifier: Apache-2.0
 *
 * The HTTP server of the exporter; the one file that knows libmicrohttpd. */
#include "ctl/exporter.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS	     4U
#define CONNECTIONS  32U
#define IDLE_S	     10U
#define PAGE_MAX     (32u << 20)
#define TEXT_TYPE    "text/plain; charset=utf-8"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct exporter_http {
	struct exporter *exporter;
	struct MHD_Daemon *daemon;
};

static const char front[] = "fogwatch-exporter: the metrics are at /metrics\n";

static enum MHD_Result
reply(struct MHD_Connection *c, unsigned status, const char *type, const void *data,
    size_t len)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    len, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result
refuse(struct MHD_Connection *c, unsigned status, const char *why)
{
	return reply(c, status, TEXT_TYPE, why, strlen(why));
}

static enum MHD_Result
serve(struct exporter *e, struct MHD_Connection *c, const struct exporter_matches *m)
{
	struct buf page;
	enum MHD_Result rc;

	buf_init(&page, PAGE_MAX);
	exporter_scrape(e, m, &page);
	rc = page.err
	    ? refuse(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page is too long\n")
	    : reply(c, MHD_HTTP_OK, METRICS_TYPE, page.data, page.pos);
	buf_done(&page);
	return rc;
}

/* --- /federate?match[]=… ----------------------------------------------------------------------------- */
struct selection {
	struct exporter_matches matches;
	char why[200];
};

static enum MHD_Result
take_match(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct selection *s = arg;

	(void)kind;
	if (strcmp(key, "match[]") != 0 || s->why[0])
		return MHD_YES;
	if (!value || exporter_match_add(&s->matches, value, s->why, sizeof s->why)) {
		size_t n = strlen(s->why);

		snprintf(s->why + n, sizeof s->why - n, "%s\n",
		    n ? "" : "match[] has no value");
	}
	return MHD_YES;
}

static enum MHD_Result
federate(struct exporter *e, struct MHD_Connection *c)
{
	struct selection s = { .why = "" };
	enum MHD_Result rc;

	MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_match, &s);
	if (s.why[0])
		rc = refuse(c, MHD_HTTP_BAD_REQUEST, s.why);
	else if (!s.matches.len)
		rc =
		    refuse(c, MHD_HTTP_BAD_REQUEST, "match[] is needed, once at least\n");
	else
		rc = serve(e, c, &s.matches);
	exporter_matches_done(&s.matches);
	return rc;
}

/* The first call of a request brings its head, the next one, with nothing uploaded, is answered. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state)
{
	static int seen;
	struct exporter_http *h = arg;

	(void)version, (void)upload;
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 &&
	    strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET is what I do\n");
	if (*upload_size)
		return MHD_NO;
	if (!*state) {
		*state = &seen;
		return MHD_YES;
	}
	if (strcmp(url, "/metrics") == 0)
		return serve(h->exporter, c, &h->exporter->matches);
	if (strcmp(url, "/federate") == 0)
		return federate(h->exporter, c);
	if (strcmp(url, "/") == 0)
		return reply(c, MHD_HTTP_OK, TEXT_TYPE, front, sizeof front - 1);
	return refuse(c, MHD_HTTP_NOT_FOUND, "there is only /metrics\n");
}

int
exporter_http_start(
    struct exporter *e, const struct sockaddr *at, struct exporter_http **ret)
{
	struct exporter_http *h = calloc(1, sizeof *h);
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;

	if (!h)
		return -ENOMEM;
	if (at->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	h->exporter = e;
	errno = 0;
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_SOCK_ADDR, at, MHD_OPTION_THREAD_POOL_SIZE, THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
	    IDLE_S, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
	if (!h->daemon) {
		free(h);
		return errno ? -errno : -EADDRINUSE;
	}
	*ret = h;
	return 0;
}

void
exporter_http_stop(struct exporter_http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}
