/* SPDX-License-Identifier: Apache-2.0
 *
 * "http" posts events to a server: a shared object of its own, so that the controller itself links no
 * HTTP library. It exports the type, and the client for host->http of other plug-ins. */
#include "orchestrator-hooks/builtin.h"
#include "orchestrator-hooks/http_provider.h"
#include "orchestrator-hooks/http_sign.h"
#include "orchestrator-hooks/http_work.h"
#include "base/addr_text.h"
#include "base/crypto_aead.h"
#include "base/crypto_pem.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_SIZE 4096

static const char *const cancels[] = { "delete", "post", "none", NULL };
static const struct conf_option options[] = {
	HTTP_CONFIG_OPTIONS(struct http_hook, cfg),
	CONF(struct http_hook, secret_file, "secret-file", TEXT, NULL, 0, 0,
	    "What requests are signed with, and call-backs have to be."),
	CONF(struct http_hook, status_url, "status-url", TEXT, NULL, 0, 0,
	    "Where it is asked for the result when there was no Location, with {id}."),
	{ .name = "cancel",
	    .type = CONF_CHOICE,
	    .offset = offsetof(struct http_hook, cancel),
	    .preset = "delete",
	    .choices = cancels,
	    .help = "How a call is cancelled: DELETE of its Location, or POST." },
	CONF(struct http_hook, poll_ms, "poll", DURATION, "500ms", 10, 60000,
	    "Until it is asked for the result; longer from one time to the next."),
	CONF(struct http_hook, poll_max_ms, "poll-max", DURATION, "5s", 10, 600000,
	    "So long at most."),
	CONF(struct http_hook, listen, "callback.listen", TEXT, NULL, 0, 0,
	    "Address and port for call-backs; none: there are none."),
	CONF(struct http_hook, callback_url, "callback.url", TEXT, NULL, 0, 0,
	    "How others reach it; none: as callback.listen says."),
	CONF(struct http_hook, callback_cert_file, "callback.cert-file", TEXT, NULL, 0, 0,
	    "Certificate that is shown to who calls back, with its chain."),
	CONF(struct http_hook, callback_key_file, "callback.key-file", TEXT, NULL, 0, 0,
	    "Its private key."),
};

/* --- configuration -------------------------------------------------------------------------- */

static int
refuse(char *err, size_t err_len, const char *what)
{
	snprintf(err, err_len, "%s", what);
	return -EINVAL;
}

static int
load_secret(struct http_hook *h, char *err, size_t err_len)
{
	int rc;

	if (!h->secret_file)
		return 0;
	rc = http_secret_load(h->secret_file, HTTP_SECRET_MIN, &h->secret);
	if (rc < 0)
		snprintf(err, err_len, "%s: %s", h->secret_file, http_secret_fault(rc));
	return rc;
}

static int
check_status_url(const struct http_hook *h, char *err, size_t err_len)
{
	if (!h->status_url)
		return 0;
	if (!strstr(h->status_url, "{id}"))
		return refuse(err, err_len, "status-url: {id} has to be in it");
	if (!http_url_same_origin(h->status_url, h->cfg.url))
		return refuse(err, err_len, "status-url: is not of the server of url");
	return 0;
}

static int
set_callback_base(
    struct http_hook *h, const struct addr *listen, char *err, size_t err_len)
{
	struct addr at = *listen;
	char text[ADDR_TEXT_MAX];
	struct buf url;

	at.port = http_callbacks_port(h->callbacks);
	buf_init(&url, 4096);
	if (h->callback_url) {
		buf_puts(&url, h->callback_url);
		while (url.pos && url.data[url.pos - 1] == '/')
			url.pos--;
	} else {
		buf_puts(&url, h->callback_cert.pos ? "https://" : "http://");
		buf_puts(&url, addr_format(&at, text));
	}
	buf_puts(&url, "/v1/");
	h->callback_base = url.err ? NULL : strdup(buf_text(&url));
	buf_done(&url);
	if (!h->callback_base)
		return -ENOMEM;
	return strpbrk(h->callback_base, "\"\\ ")
	    ? refuse(err, err_len, "callback.url: this is no URL")
	    : 0;
}

static int
check_callback(
    const struct http_hook *h, const struct addr *at, char *err, size_t err_len)
{
	bool any = IN6_IS_ADDR_UNSPECIFIED(&at->ip) ||
	    (addr_is_v4(&at->ip) && !memcmp(&at->ip.s6_addr[12], "\0\0\0\0", 4));

	if (!h->secret_file)
		return refuse(err, err_len, "callback.listen: needs a secret-file");
	if (any && !h->callback_url)
		return refuse(err, err_len,
		    "callback.url: is needed where callback.listen is any address");
	if (h->callback_url && http_url_check(h->callback_url) != HTTP_URL_GOOD &&
	    !((h->cfg.insecure & 1) && http_url_check(h->callback_url) == HTTP_URL_CLEAR))
		return refuse(err, err_len, "callback.url: is no URL with https");
	if (!h->callback_cert_file && !addr_is_loopback(&at->ip) &&
	    !(h->cfg.insecure & 1))
		return refuse(err, err_len,
		    "callback.listen: in the clear only on this machine; give "
		    "callback.cert-file, or say `insecure: yes`");
	return 0;
}

static int
load_callback_pair(struct http_hook *h, char *err, size_t err_len)
{
	const struct http_config pair = { .cert_file = h->callback_cert_file,
		.key_file = h->callback_key_file };

	return http_config_load_pair(
	    &pair, &h->callback_cert, &h->callback_key, err, err_len);
}

static int
open_callbacks(struct http_hook *h, char *err, size_t err_len)
{
	struct http_callbacks_config cfg = {
		.loop = h->host->loop, .wall_ms = h->host->wall_ms, .arg = h->host->arg
	};
	int rc;

	if (!h->listen)
		return 0;
	if (addr_parse(h->listen, &cfg.listen) < 0)
		return refuse(err, err_len, "callback.listen: is no address with a port");
	rc = check_callback(h, &cfg.listen, err, err_len);
	if (!rc)
		rc = load_callback_pair(h, err, err_len);
	if (rc < 0)
		return rc;
	cfg.secret = buf_slice(&h->secret);
	cfg.certificate = buf_slice(&h->callback_cert);
	cfg.key = buf_slice(&h->callback_key);
	rc = http_callbacks_open(&cfg, &h->callbacks);
	if (rc < 0) {
		snprintf(
		    err, err_len, "callback.listen: %s: %s", h->listen, strerror(-rc));
		return rc;
	}
	return set_callback_base(h, &cfg.listen, err, err_len);
}

/* --- the type --------------------------------------------------------------------------------- */

static void
wipe(struct buf *b)
{
	if (b->data)
		secret_wipe(b->data, b->size);
	buf_done(b);
}

static void
http_close(void *inst)
{
	struct http_hook *h = inst;

	http_works_free(h);
	http_callbacks_close(h->callbacks);
	http_server_close(&h->server);
	wipe(&h->secret);
	wipe(&h->callback_key);
	buf_done(&h->callback_cert);
	free(h->callback_base);
	conf_free(options, ARRAY_LEN(options), h);
	free(h);
}

static int
open_parts(struct http_hook *h, const char *config_json, char *err, size_t err_len)
{
	int rc =
	    hook_config_load(options, ARRAY_LEN(options), config_json, h, err, err_len);

	if (!rc)
		rc = load_secret(h, err, err_len);
	if (!rc)
		rc = http_server_open(&h->server, &h->cfg, h->host, err, err_len);
	if (!rc)
		rc = check_status_url(h, err, err_len);
	return rc ? rc : open_callbacks(h, err, err_len);
}

static int
http_open(const struct hook_host *host, const char *config_json, void **ret_inst,
    char *err, size_t err_len)
{
	struct http_hook *h;
	int rc;

	if (host->abi != HOOK_ABI || !HOOK_HAS(host, struct hook_host, when_saved))
		return refuse(err, err_len, "the controller is of another version");
	h = calloc(1, sizeof *h);
	if (!h)
		return -ENOMEM;
	h->host = host;
	buf_init(&h->secret, SECRET_SIZE);
	buf_init(&h->callback_cert, HTTP_PEM_MAX);
	buf_init(&h->callback_key, HTTP_PEM_MAX);
	rc = open_parts(h, config_json, err, err_len);
	if (rc < 0) {
		http_close(h);
		return rc;
	}
	*ret_inst = h;
	return 0;
}

static int
http_check(void *inst, const struct hook_event *ev, char *err, size_t err_len)
{
	(void)inst;
	if (ev->kind != HOOK_MIGRATE)
		return 0;
	if (!ev->candidates_len)
		return refuse(err, err_len, "no target");
	if (ev->source && !strcmp(ev->candidates[0], ev->source)) {
		snprintf(err, err_len, "source and target are both %s", ev->source);
		return -EINVAL;
	}
	return 0;
}

static int
http_start(void *inst, const struct hook_event *ev, struct hook_call *call)
{
	return http_work_start(inst, ev, false, 0, call);
}

static int
http_resume(
    void *inst, const struct hook_event *ev, enum hook_phase last, struct hook_call *call)
{
	return http_work_start(inst, ev, true, last, call);
}

static void
http_cancel(void *inst, struct hook_call *call)
{
	http_work_cancel(inst, call);
}

static int
http_health(void *inst, char *msg, size_t msg_len)
{
	const struct http_hook *h = inst;

	snprintf(msg, msg_len, "%s", h->why);
	return *h->why ? -EIO : 0;
}

extern const struct hook_type hook_type;
HOOK_EXPORT const struct hook_type hook_type = {
	HOOK_TYPE,
	.name = "http",
	.help = "posts events to a server, which answers at once or later",
	.caps = HOOK_CAN_DRY_RUN | HOOK_CAN_CANCEL | HOOK_CAN_RESUME | HOOK_CAN_OVERLAP,
	.kinds = HOOK_KINDS_ALL,
	.open = http_open,
	.check = http_check,
	.start = http_start,
	.cancel = http_cancel,
	.resume = http_resume,
	.health = http_health,
	.close = http_close,
};
