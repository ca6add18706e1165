/* SPDX-License-Identifier: Apache-2.0
 *
 * The one file here that knows libmicrohttpd. It has no thread: its epoll descriptor is watched by the
 * loop, and its time-outs are a timer of the loop. */
#include "orchestrator-hooks/http_callback.h"
#include "base/clock.h"
#include "orchestrator-hooks/http_client.h"
#include "orchestrator-hooks/http_sign.h"
#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PATH	     "/v1/"
#define CONNECTIONS  32U
#define IDLE_S	     10U
#define MEMORY	     (32U * 1024U) /* of a connection: bounds its head */
#define OVER_MAX     256	   /* tokens of calls that are over */
#define SEEN_MAX     1024	   /* messages, in the time that they may be as old as */
#define REQUEST_SIZE HTTP_BODY_MAX

struct http_callback {
	struct http_callback *next;
	struct http_callbacks *all;
	char token[HTTP_TOKEN_LEN + 1];
	char id[80];
	http_said_f *said;
	void *arg;
};
struct seen {
	uint8_t mac[CRYPTO_SHA256_LEN];
	int64_t until_s; /* then it is too old by its time; 0: nothing here */
};
struct http_callbacks {
	struct http_callbacks_config cfg;
	struct MHD_Daemon *daemon;
	ev_io ready;
	ev_timer timer;
	struct http_callback *first;
	char over[OVER_MAX][HTTP_TOKEN_LEN + 1]; /* a ring */
	unsigned overs, seens;
	struct seen seen[SEEN_MAX]; /* a ring */
};
struct request { /* one that is being read */
	struct buf body;
};

/* --- what is expected ----------------------------------------------------------------------- */

void
http_callback_token(char ret[HTTP_TOKEN_LEN + 1])
{
	uint8_t random[HTTP_TOKEN_LEN / 2];

	crypto_random(random, sizeof random);
	hex_format(random, sizeof random, ret);
}

bool
http_callback_is_token(const char *text)
{
	return strspn(text, "0123456789abcdef") == HTTP_TOKEN_LEN &&
	    !text[HTTP_TOKEN_LEN];
}

static struct http_callback *
find_callback(struct http_callbacks *c, const char *token)
{
	struct http_callback *cb = c->first;

	while (cb && strcmp(cb->token, token))
		cb = cb->next;
	return cb;
}

static bool
is_over(const struct http_callbacks *c, const char *token)
{
	for (size_t i = 0; i < OVER_MAX; i++)
		if (!strcmp(c->over[i], token))
			return true;
	return false;
}

int
http_callback_expect(struct http_callbacks *c, const char *token, const char *id,
    http_said_f *said, void *arg, struct http_callback **ret)
{
	struct http_callback *cb;

	if (!http_callback_is_token(token))
		return -EINVAL;
	if (find_callback(c, token))
		return -EEXIST;
	cb = calloc(1, sizeof *cb);
	if (!cb)
		return -ENOMEM;
	cb->all = c;
	cb->said = said;
	cb->arg = arg;
	snprintf(cb->token, sizeof cb->token, "%s", token);
	snprintf(cb->id, sizeof cb->id, "%s", id);
	for (size_t i = 0; i < OVER_MAX; i++) /* it is taken up again */
		if (!strcmp(c->over[i], token))
			*c->over[i] = '\0';
	cb->next = c->first;
	c->first = cb;
	*ret = cb;
	return 0;
}

void
http_callback_end(struct http_callback *cb)
{
	struct http_callbacks *c = cb->all;
	struct http_callback **at = &c->first;

	while (*at != cb)
		at = &(*at)->next;
	*at = cb->next;
	memcpy(c->over[c->overs++ % OVER_MAX], cb->token, sizeof cb->token);
	free(cb);
}

/* --- what comes ----------------------------------------------------------------------------- */

static int64_t
now_s(const struct http_callbacks *c)
{
	return c->cfg.wall_ms(c->cfg.arg) / 1000;
}

/* Only messages that are signed well get here: whoever has not the secret cannot fill it. */
static unsigned
note_seen(struct http_callbacks *c, const uint8_t mac[CRYPTO_SHA256_LEN], int64_t now)
{
	struct seen *oldest = &c->seen[c->seens % SEEN_MAX];

	for (size_t i = 0; i < SEEN_MAX; i++)
		if (c->seen[i].until_s > now &&
		    !memcmp(c->seen[i].mac, mac, CRYPTO_SHA256_LEN))
			return MHD_HTTP_CONFLICT;
	if (oldest->until_s > now)
		return MHD_HTTP_TOO_MANY_REQUESTS;
	memcpy(oldest->mac, mac, CRYPTO_SHA256_LEN);
	oldest->until_s = now + 2 * HTTP_SIGNED_AGE_MAX_S + 1;
	c->seens++;
	return MHD_HTTP_OK;
}

static unsigned
take_message(struct http_callback *cb, const char *signature, struct slice body)
{
	struct http_callbacks *c = cb->all;
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct http_said said;
	int64_t now = now_s(c);
	unsigned status;
	int rc;

	rc = http_sign_check(c->cfg.secret, signature, body, now, mac);
	if (rc < 0)
		return MHD_HTTP_UNAUTHORIZED;
	rc = http_said_parse(body, &said);
	if (rc < 0 || (!said.phase && !said.verdict) ||
	    (*said.id && strcmp(said.id, cb->id)))
		return MHD_HTTP_BAD_REQUEST;
	status = note_seen(c, mac, now);
	if (status == MHD_HTTP_OK)
		cb->said(cb->arg, &said);
	return status;
}

/* --- HTTP ------------------------------------------------------------------------------------- */

static enum MHD_Result
answer(struct MHD_Connection *conn, unsigned status)
{
	static char empty[] = "{}\n";
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    sizeof empty - 1, empty, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "POST");
	rc = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return rc;
}

/* 200: it may go on. */
static unsigned
judge_head(struct http_callbacks *c, const char *path, const char *method)
{
	const char *token;

	if (strncmp(path, PATH, sizeof PATH - 1) != 0)
		return MHD_HTTP_NOT_FOUND;
	token = path + sizeof PATH - 1;
	if (!http_callback_is_token(token))
		return MHD_HTTP_NOT_FOUND;
	if (!find_callback(c, token))
		return is_over(c, token) ? MHD_HTTP_GONE : MHD_HTTP_NOT_FOUND;
	return strcmp(method, MHD_HTTP_METHOD_POST) ? MHD_HTTP_METHOD_NOT_ALLOWED
						    : MHD_HTTP_OK;
}

static enum MHD_Result
begin_request(void **state)
{
	struct request *r = calloc(1, sizeof *r);

	if (!r)
		return MHD_NO;
	buf_init(&r->body, REQUEST_SIZE);
	*state = r;
	return MHD_YES;
}

/* First the head alone, then parts of the body, then nothing: the end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *path, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **state)
{
	struct http_callbacks *c = arg;
	struct request *r = *state;
	unsigned status = judge_head(c, path, method);

	(void)version;
	if (!r)
		return status == MHD_HTTP_OK ? begin_request(state)
					     : answer(conn, status);
	if (*upload_size) {
		buf_put(&r->body, upload, *upload_size); /* what is too much is read */
		*upload_size = 0;
		return MHD_YES;
	}
	if (status == MHD_HTTP_OK && r->body.err)
		status = MHD_HTTP_CONTENT_TOO_LARGE;
	if (status == MHD_HTTP_OK)
		status = take_message(find_callback(c, path + sizeof PATH - 1),
		    MHD_lookup_connection_value(
			conn, MHD_HEADER_KIND, HTTP_SIGNATURE_HEADER),
		    buf_slice(&r->body));
	return answer(conn, status);
}

static void
end_request(void *arg, struct MHD_Connection *conn, void **state,
    enum MHD_RequestTerminationCode why)
{
	struct request *r = *state;

	(void)arg, (void)conn, (void)why;
	if (r)
		buf_done(&r->body);
	free(r);
	*state = NULL;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void
run(struct http_callbacks *c)
{
	MHD_UNSIGNED_LONG_LONG ms;

	MHD_run(c->daemon);
	ev_timer_stop(c->cfg.loop, &c->timer);
	if (MHD_get_timeout(c->daemon, &ms) != MHD_YES)
		return;
	ev_timer_set(&c->timer, (double)ms / 1000, 0.);
	ev_timer_start(c->cfg.loop, &c->timer);
}

static void
on_ready(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop, (void)revents;
	run(container_of(io, struct http_callbacks, ready));
}

static void
on_timer(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop, (void)revents;
	run(container_of(t, struct http_callbacks, timer));
}

/* --- life ----------------------------------------------------------------------------------- */

static struct sockaddr *
fill_address(const struct addr *a, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof *ret);
	if (IN6_IS_ADDR_V4MAPPED(&a->ip)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, &a->ip.s6_addr[12], 4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(a->port);
		v6->sin6_addr = a->ip;
		v6->sin6_scope_id = a->ifindex;
	}
	return (struct sockaddr *)ret;
}

static struct MHD_Daemon *
start_daemon(struct http_callbacks *c)
{
	const struct http_callbacks_config *cfg = &c->cfg;
	struct sockaddr_storage memory;
	struct sockaddr *at = fill_address(&cfg->listen, &memory);
	unsigned flags = MHD_USE_EPOLL;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0,
		    (void *)(uintptr_t)cfg->certificate.data },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)cfg->key.data },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (at->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	if (cfg->certificate.len)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, c, MHD_OPTION_SOCK_ADDR,
	    at, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
	    IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	    MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_NOTIFY_COMPLETED,
	    end_request, c, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

int
http_callbacks_open(const struct http_callbacks_config *cfg, struct http_callbacks **ret)
{
	struct http_callbacks *c = calloc(1, sizeof *c);
	const union MHD_DaemonInfo *info;

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	errno = 0;
	c->daemon = start_daemon(c);
	info =
	    c->daemon ? MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		int err = errno ? -errno : -EADDRINUSE;

		if (c->daemon)
			MHD_stop_daemon(c->daemon);
		free(c);
		return err;
	}
	ev_io_init(&c->ready, on_ready, info->epoll_fd, EV_READ);
	ev_io_start(cfg->loop, &c->ready);
	ev_init(&c->timer, on_timer);
	*ret = c;
	return 0;
}

void
http_callbacks_close(struct http_callbacks *c)
{
	if (!c)
		return;
	ev_io_stop(c->cfg.loop, &c->ready);
	ev_timer_stop(c->cfg.loop, &c->timer);
	MHD_stop_daemon(c->daemon);
	for (struct http_callback *cb = c->first, *next; cb; cb = next) {
		next = cb->next;
		free(cb);
	}
	free(c);
}

uint16_t
http_callbacks_port(const struct http_callbacks *c)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(c->daemon, MHD_DAEMON_INFO_BIND_PORT);

	return info ? info->port : 0;
}
