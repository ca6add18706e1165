/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a call. Once a request may have been received, nothing but the orchestrator itself says
 * what came of it: it is asked until it tells, at its Location, at the status-url, or by the same event
 * again, which has the same Idempotency-Key. */
#include "orchestrator-hooks/http_work.h"
#include "base/crypto_aead.h"
#include "base/json.h"
#include "orchestrator-hooks/http_sign.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BODY_MAX	  (512 * 1024)
#define REDIRECTS_MAX	  3
#define RETRY_AFTER_MAX_S 60
#define CANCEL_MAX_MS	  15000 /* then nobody waits for it any more */
#define KEY_SIZE	  512
#define NOTE_INTENT	  "intent"   /* what was about to be asked for */
#define NOTE_EXTERNAL	  "external" /* Location; "" none */
#define NOTE_CALLBACK	  "callback" /* token */

enum work_state {
	WORK_SAVING,  /* the journal is to have it first */
	WORK_POSTING, /* the event is on its way */
	WORK_WAITING, /* for the time to ask, or for a call-back */
	WORK_ASKING,
	WORK_CANCELLING, /* our wish is on its way */
};
struct http_work {
	struct http_work *next;
	struct http_hook *hook;
	struct hook_call *call;
	enum work_state state;
	enum hook_kind kind;
	enum hook_phase phase;
	char delivery[128], intent[KEY_SIZE], key[KEY_SIZE], *id;
	struct buf body;
	char token[HTTP_TOKEN_LEN + 1]; /* "": no call-backs */
	struct http_callback *callback;
	char *location, *post_url; /* NULL: none, that of the configuration */
	struct http_exchange *exchange;
	struct hook_timer *timer;
	int64_t interval_ms;
	unsigned redirects;
	bool resumed;  /* somebody may have asked for it before */
	bool doubt;    /* it may have been received */
	bool heard;    /* it was: they said so */
	bool by_url;   /* the present question goes to an address, and is not the event */
	bool vanished; /* what was at that address is not there any more */
	bool cancelled, cancel_sent;
	int64_t cancelled_ms;
};

static void ask(struct http_work *w);
static void post_event(struct http_work *w, enum work_state state);

/* --- the end -------------------------------------------------------------------------------- */

static void
free_work(struct http_work *w)
{
	if (w->exchange)
		http_drop(w->exchange);
	if (w->callback)
		http_callback_end(w->callback);
	w->hook->host->timer_free(w->timer);
	buf_done(&w->body);
	free(w->location);
	free(w->post_url);
	free(w->id);
	free(w);
}

static void
unlink_work(struct http_work *w)
{
	struct http_work **at = &w->hook->works;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
}

static void
finish(struct http_work *w, enum hook_verdict v, const char *detail)
{
	w->hook->host->done(w->call, v, detail);
	unlink_work(w);
	free_work(w);
}

static void
finish_status(struct http_work *w, enum hook_verdict v, int status, const char *detail)
{
	char text[HTTP_DETAIL_SIZE + 64];

	snprintf(text, sizeof text, "status %d%s%s", status, *detail ? ": " : "", detail);
	finish(w, v, text);
}

/* Who was asked to stop and says that nothing is left of it has stopped. */
static void
finish_said(struct http_work *w, const struct http_said *said)
{
	enum hook_verdict v = said->verdict;

	if (w->cancelled &&
	    (v == HOOK_FAILED_CLEAN || v == HOOK_RETRY || v == HOOK_REFUSED))
		v = HOOK_CANCELLED;
	finish(w, v, said->detail);
}

/* --- a request ------------------------------------------------------------------------------ */

#define LINES_MAX 10

struct head { /* of a request */
	const char *line[LINES_MAX + 1];
	size_t lines;
	struct buf text;
	uint8_t memory[16384];
};

static void
put_line(struct head *h, const char *name, const char *value)
{
	size_t at = h->text.pos;

	buf_puts(&h->text, name);
	buf_puts(&h->text, ": ");
	buf_puts(&h->text, value);
	buf_put_u8(&h->text, '\0');
	if (!h->text.err)
		h->line[h->lines++] = (const char *)h->memory + at;
}

static int
put_signature(struct head *h, const struct http_hook *hook, struct slice body)
{
	int64_t now_s = hook->host->wall_ms(hook->host->arg) / 1000;
	char signature[HTTP_SIGNATURE_MAX], time[24];
	int rc = 0;

	snprintf(time, sizeof time, "%" PRId64, now_s);
	put_line(h, "Fogwatch-Timestamp", time);
	if (hook->secret.pos)
		rc = http_sign(buf_slice(&hook->secret), now_s, body, signature);
	if (!rc && hook->secret.pos)
		put_line(h, HTTP_SIGNATURE_HEADER, signature);
	return rc;
}

static int
put_authorization(struct head *h, const struct http_hook *hook, char *err, size_t err_len)
{
	size_t at = h->text.pos;
	int rc = http_server_authorize(&hook->server, &h->text, err, err_len);

	if (rc < 0 || h->text.pos == at)
		return rc;
	buf_put_u8(&h->text, '\0');
	h->line[h->lines++] = (const char *)h->memory + at;
	return 0;
}

static int
fill_head(struct head *h, const struct http_work *w, struct slice body, char *err,
    size_t err_len)
{
	int rc;

	h->lines = 0;
	buf_init_fixed(&h->text, h->memory, sizeof h->memory);
	if (body.len)
		put_line(h, "Content-Type", "application/json");
	put_line(h, "Accept", "application/json");
	put_line(h, "Fogwatch-Event", hook_kind_name(w->kind));
	put_line(h, "Fogwatch-Delivery", w->delivery);
	put_line(h, "Idempotency-Key", w->key);
	rc = put_signature(h, w->hook, body);
	if (!rc)
		rc = put_authorization(h, w->hook, err, err_len);
	h->line[h->lines] = NULL;
	return rc ? rc : h->text.err;
}

static int
send_request(struct http_work *w, const char *method, const char *url, struct slice body,
    http_reply_f *done, char *err, size_t err_len)
{
	struct http_request r = { .method = method,
		.url = url,
		.body = body,
		.timeout_ms = w->hook->cfg.request_ms,
		.fresh = strcmp(method, "GET") != 0 };
	struct head h;
	int rc = fill_head(&h, w, body, err, err_len);

	r.headers = h.line;
	if (!rc)
		rc = http_send(w->hook->server.client, &r, done, w, &w->exchange);
	secret_wipe(h.memory, sizeof h.memory);
	if (rc < 0 && !*err)
		snprintf(err, err_len, "%s", strerror(-rc));
	return rc;
}

/* --- waiting -------------------------------------------------------------------------------- */

static void send_cancel(struct http_work *w);

static int64_t
now(const struct http_work *w)
{
	return w->hook->host->now_ms(w->hook->host->arg);
}

static bool
can_be_asked(const struct http_work *w)
{
	return w->location || w->hook->status_url || !w->callback || !w->heard;
}

/* 0.5, 1, 2, 4, 5, 5 … s, or as long as they want. */
static void
wait_for_result(struct http_work *w, int64_t retry_after_s)
{
	int64_t ms = w->interval_ms;

	if (w->cancelled && !w->cancel_sent) {
		send_cancel(w);
		return;
	}
	if (w->cancelled && now(w) - w->cancelled_ms > CANCEL_MAX_MS) {
		finish(w, HOOK_FAILED_UNKNOWN, "it was asked to stop, and does not say");
		return;
	}
	w->state = WORK_WAITING;
	if (!can_be_asked(w) && !w->cancelled)
		return; /* for the call-back alone */
	if (retry_after_s > RETRY_AFTER_MAX_S)
		retry_after_s = RETRY_AFTER_MAX_S;
	if (retry_after_s * 1000 > ms)
		ms = retry_after_s * 1000;
	w->interval_ms *= 2;
	if (w->interval_ms > w->hook->poll_max_ms)
		w->interval_ms = w->hook->poll_max_ms;
	w->hook->host->timer_set(w->timer, ms);
}

static void
on_timer(void *arg)
{
	struct http_work *w = arg;

	if (w->state != WORK_WAITING)
		return;
	if (can_be_asked(w))
		ask(w);
	else
		wait_for_result(w, -1);
}

static void
note_phase(struct http_work *w, enum hook_phase phase, const char *detail)
{
	w->heard = true;
	if (phase <= w->phase)
		return;
	w->phase = phase;
	w->hook->host->progress(w->call, phase, detail);
}

/* Only where the event itself went: tokens and signatures go to nobody else. */
static void
note_location(struct http_work *w, const char *location)
{
	char *url = location ? http_url_resolve(w->hook->cfg.url, location) : NULL;
	bool ours = url && http_url_same_origin(w->hook->cfg.url, url);

	if (location && !ours)
		w->hook->host->log(w->hook->host->arg, HOOK_WARNING,
		    "its Location leads to another server, and is not followed");
	if (!ours || (w->location && !strcmp(w->location, url))) {
		free(url);
		return;
	}
	free(w->location);
	w->location = url;
	w->vanished = false;
	if (w->hook->host->save(w->call, NOTE_EXTERNAL, url) < 0)
		w->hook->host->log(w->hook->host->arg, HOOK_WARNING,
		    "its Location is too long to be kept over a restart");
}

/* --- replies -------------------------------------------------------------------------------- */

static void
note_health(struct http_hook *h, const struct http_reply *r)
{
	*h->why = '\0';
	if (r->outcome != HTTP_ANSWERED)
		snprintf(h->why, sizeof h->why, "%s", r->why);
	else if (r->status >= 500 || r->status == 401 || r->status == 403)
		snprintf(h->why, sizeof h->why, "the server answers %d", r->status);
}

/* Nobody is sure: it is asked, here or by the host that calls resume(). */
static void
take_lost(struct http_work *w, const struct http_reply *r)
{
	bool first = w->state == WORK_POSTING && !w->resumed && !w->doubt && !w->heard;

	if (r->outcome == HTTP_UNSENT && first)
		finish(w, w->cancelled ? HOOK_CANCELLED : HOOK_RETRY, r->why);
	else if (first)
		finish(w, HOOK_FAILED_UNKNOWN, r->why);
	else
		wait_for_result(w, -1);
}

static void
take_started(
    struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	note_phase(w, HOOK_ACCEPTED, said->detail);
	if (said->phase > HOOK_ACCEPTED)
		note_phase(w, said->phase, said->detail);
	if (!w->by_url)
		note_location(w, r->location);
	wait_for_result(w, r->retry_after_s);
}

/* 2xx without a verdict: who was only told something has heard it, and an answer to a question may
 * just be that it goes on. */
static void
take_answer(struct http_work *w, const struct http_reply *r, const struct http_said *said,
    bool understood)
{
	if (understood && said->phase)
		take_started(w, r, said);
	else if (w->kind != HOOK_MIGRATE)
		finish(w, HOOK_DONE, "");
	else if (w->by_url && !r->cut && (understood || !r->body.len))
		wait_for_result(w, r->retry_after_s);
	else
		finish_status(w, HOOK_FAILED_UNKNOWN, r->status,
		    "what it answered is not understood");
}

/* A second call of what was accepted is not refused: something is wrong there. */
static void
take_refusal(
    struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	finish_status(w,
	    w->heard || w->doubt || w->by_url ? HOOK_FAILED_UNKNOWN : HOOK_REFUSED,
	    r->status, said->detail);
}

static void
take_unheard(
    struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	if (!w->by_url) {
		take_refusal(w, r, said);
		return;
	}
	/* It has forgotten, or never known: the event itself is posted next. */
	free(TAKE(w->location));
	w->vanished = true;
	(void)w->hook->host->save(w->call, NOTE_EXTERNAL, "");
	wait_for_result(w, -1);
}

static void
take_later(struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	if (w->heard || w->doubt || w->resumed)
		wait_for_result(w, r->retry_after_s);
	else
		finish_status(w, w->cancelled ? HOOK_CANCELLED : HOOK_RETRY, r->status,
		    said->detail);
}

static void
take_conflict(
    struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	if (said->phase)
		take_started(w, r, said); /* it is at work on this already */
	else
		take_later(w, r, said);
}

static void
take_doubt(struct http_work *w, const struct http_reply *r, const struct http_said *said)
{
	bool gateway = r->status == 502 || r->status == 504;

	if (gateway)
		w->doubt = true; /* what is behind it may have got it */
	if (gateway || w->heard || w->resumed)
		wait_for_result(w, r->retry_after_s);
	else
		finish_status(w, HOOK_FAILED_UNKNOWN, r->status, said->detail);
}

/* To a place of the same server alone, and not round in circles. */
static bool
follow(struct http_work *w, const struct http_reply *r)
{
	char **to = w->by_url ? &w->location : &w->post_url;
	char *url;

	if (!r->location || w->redirects++ >= REDIRECTS_MAX ||
	    (!w->by_url && r->status != 307 && r->status != 308))
		return false;
	url = http_url_resolve(*to ? *to : w->hook->cfg.url, r->location);
	if (!url || !http_url_same_origin(w->hook->cfg.url, url)) {
		free(url);
		return false;
	}
	free(*to);
	*to = url;
	if (w->by_url)
		ask(w);
	else
		post_event(w, w->state);
	return true;
}

static void
take_status(struct http_work *w, const struct http_reply *r)
{
	struct http_said said;
	bool understood = http_said_parse(r->body, &said) == 0;

	if (understood && said.verdict && !(r->status >= 300 && r->status < 400)) {
		finish_said(w, &said);
		return;
	}
	switch (http_status_meaning(r->status)) {
	case HTTP_MEANS_ANSWER:
		take_answer(w, r, &said, understood);
		return;
	case HTTP_MEANS_STARTED:
		take_started(w, r, &said);
		return;
	case HTTP_MEANS_MOVED:
		if (!follow(w, r))
			take_refusal(w, r, &said);
		return;
	case HTTP_MEANS_REFUSAL:
		take_refusal(w, r, &said);
		return;
	case HTTP_MEANS_LATER:
		take_later(w, r, &said);
		return;
	case HTTP_MEANS_CONFLICT:
		take_conflict(w, r, &said);
		return;
	case HTTP_MEANS_UNHEARD:
		take_unheard(w, r, &said);
		return;
	case HTTP_MEANS_DOUBT:
		take_doubt(w, r, &said);
		return;
	}
}

static void
on_reply(void *arg, const struct http_reply *r)
{
	struct http_work *w = arg;

	w->exchange = NULL;
	note_health(w->hook, r);
	if (r->outcome == HTTP_ANSWERED)
		take_status(w, r);
	else
		take_lost(w, r);
}

/* --- asking for it ------------------------------------------------------------------------------ */

/* What could not even be sent has changed nothing. */
static void
fail_to_send(struct http_work *w, const char *err)
{
	if (w->state == WORK_POSTING && !w->resumed && !w->doubt && !w->heard) {
		finish(w, w->cancelled ? HOOK_CANCELLED : HOOK_RETRY, err);
		return;
	}
	w->hook->host->log(w->hook->host->arg, HOOK_WARNING, err);
	wait_for_result(w, -1);
}

static void
post_event(struct http_work *w, enum work_state state)
{
	const char *url = w->post_url ? w->post_url : w->hook->cfg.url;
	char err[512] = "";

	w->state = state;
	w->by_url = false;
	if (send_request(w, "POST", url, buf_slice(&w->body), on_reply, err, sizeof err) <
	    0)
		fail_to_send(w, err);
}

static char *
expand_status_url(const struct http_work *w)
{
	const char *from = w->hook->status_url, *at = strstr(from, "{id}");
	struct buf url;
	char *copy;

	buf_init(&url, 8192);
	buf_put(&url, from, (size_t)(at - from));
	http_url_put_escaped(&url, w->id);
	buf_puts(&url, at + strlen("{id}"));
	copy = url.err ? NULL : strdup(buf_text(&url));
	buf_done(&url);
	return copy;
}

/* Where it stands; NULL: no address is known. */
static char *
status_address(const struct http_work *w)
{
	if (w->location)
		return strdup(w->location);
	return w->hook->status_url && !w->vanished ? expand_status_url(w) : NULL;
}

static void
ask(struct http_work *w)
{
	char *url = status_address(w), err[512] = "";
	struct slice none = { NULL, 0 };

	if (!url) {
		post_event(w, WORK_ASKING);
		return;
	}
	w->state = WORK_ASKING;
	w->by_url = true;
	if (send_request(w, "GET", url, none, on_reply, err, sizeof err) < 0)
		fail_to_send(w, err);
	free(url);
}

/* --- cancelling ----------------------------------------------------------------------------- */

static void
take_cancel_status(struct http_work *w, const struct http_reply *r)
{
	struct http_said said;
	bool understood = http_said_parse(r->body, &said) == 0;

	if (understood && said.verdict) {
		finish_said(w, &said);
		return;
	}
	switch (http_status_meaning(r->status)) {
	case HTTP_MEANS_ANSWER:
		finish(w, HOOK_CANCELLED, said.detail);
		return;
	case HTTP_MEANS_STARTED:  /* it tries to */
	case HTTP_MEANS_CONFLICT: /* it is too late for that */
		wait_for_result(w, r->retry_after_s);
		return;
	case HTTP_MEANS_UNHEARD:
		if (!w->heard) {
			finish(w, HOOK_CANCELLED, "it knows nothing of this call");
			return;
		}
		break;
	case HTTP_MEANS_MOVED:
	case HTTP_MEANS_REFUSAL:
	case HTTP_MEANS_LATER:
	case HTTP_MEANS_DOUBT:
		break;
	}
	finish_status(w, HOOK_FAILED_UNKNOWN, r->status, "it could not be cancelled");
}

static void
on_cancel_reply(void *arg, const struct http_reply *r)
{
	struct http_work *w = arg;

	w->exchange = NULL;
	note_health(w->hook, r);
	w->interval_ms = w->hook->poll_ms;
	if (r->outcome == HTTP_ANSWERED)
		take_cancel_status(w, r);
	else
		finish(w, HOOK_FAILED_UNKNOWN, r->why);
}

static void
put_cancel(const struct http_work *w, struct buf *out)
{
	buf_puts(out, "{\"cancel\":true,\"id\":");
	json_put_text(out, slice_text(w->id));
	buf_puts(out, ",\"kind\":");
	json_put_text(out, slice_text(hook_kind_name(w->kind)));
	buf_puts(out, "}");
}

static void
send_cancel(struct http_work *w)
{
	char *at = status_address(w), err[512] = "";
	bool delete = w->hook->cancel == HTTP_CANCEL_DELETE && at;
	const char *url = at ? at : w->hook->cfg.url;
	struct buf body;
	int rc;

	w->state = WORK_CANCELLING;
	w->cancel_sent = true;
	if (w->hook->cancel == HTTP_CANCEL_NONE) {
		free(at);
		finish(w, HOOK_FAILED_UNKNOWN, "it cannot be cancelled: cancel is none");
		return;
	}
	buf_init(&body, 4096);
	if (!delete)
		put_cancel(w, &body);
	rc = body.err;
	if (!rc)
		rc = send_request(w, delete ? "DELETE" : "POST", url, buf_slice(&body),
		    on_cancel_reply, err, sizeof err);
	buf_done(&body);
	free(at);
	if (rc < 0)
		finish(w, HOOK_FAILED_UNKNOWN, err);
}

static struct http_work *
find_work(struct http_hook *h, const struct hook_call *call)
{
	struct http_work *w = h->works;

	while (w && w->call != call)
		w = w->next;
	return w;
}

/* An event that is on its way is waited for: then it is known whether there is something to cancel. */
void
http_work_cancel(struct http_hook *h, struct hook_call *call)
{
	struct http_work *w = find_work(h, call);

	if (!w || w->cancelled)
		return;
	w->cancelled = true;
	w->cancelled_ms = now(w);
	switch (w->state) {
	case WORK_SAVING:
		finish(w, HOOK_CANCELLED, "nothing had been sent");
		return;
	case WORK_ASKING:
		if (w->exchange)
			http_drop(TAKE(w->exchange));
		send_cancel(w);
		return;
	case WORK_WAITING:
		h->host->timer_set(w->timer, -1);
		send_cancel(w);
		return;
	case WORK_POSTING:
	case WORK_CANCELLING:
		return;
	}
}

/* --- call-backs ------------------------------------------------------------------------------- */

static void
on_said(void *arg, const struct http_said *said)
{
	struct http_work *w = arg;

	if (said->phase)
		note_phase(w, said->phase, said->detail);
	if (said->verdict)
		finish_said(w, said);
}

/* The token of before: who was given it may call now. */
static int
expect_callback(struct http_work *w)
{
	const struct http_hook *h = w->hook;
	const char *kept = w->resumed ? h->host->load(w->call, NOTE_CALLBACK) : NULL;
	int rc;

	if (!h->callbacks)
		return 0;
	if (kept && http_callback_is_token(kept))
		snprintf(w->token, sizeof w->token, "%s", kept);
	else
		http_callback_token(w->token);
	rc =
	    http_callback_expect(h->callbacks, w->token, w->id, on_said, w, &w->callback);
	return rc ? rc : h->host->save(w->call, NOTE_CALLBACK, w->token);
}

/* --- beginning ------------------------------------------------------------------------------ */

/* The event as hooks get it, with one member more. */
static int
fill_body(struct http_work *w, const struct hook_event *ev, enum hook_phase resume)
{
	const struct hook_host *host = w->hook->host;
	int len = host->event_json(ev, resume, NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (!text)
		return len < 0 ? len : -ENOMEM;
	len = host->event_json(ev, resume, text, (size_t)len + 1);
	while (len > 0 && text[len - 1] != '}')
		len--;
	buf_reset(&w->body);
	if (len > 0)
		buf_put(&w->body, text, (size_t)len - (w->callback ? 1 : 0));
	free(text);
	if (w->callback) {
		buf_puts(&w->body, ",\"callback\":");
		buf_put_u8(&w->body, '"');
		buf_puts(&w->body, w->hook->callback_base);
		buf_puts(&w->body, w->token);
		buf_puts(&w->body, "\"}");
	}
	return len > 0 ? w->body.err : -EINVAL;
}

static void
name_work(struct http_work *w, const struct hook_event *ev)
{
	const char *target = ev->candidates_len ? ev->candidates[0] : "";

	snprintf(w->delivery, sizeof w->delivery, "%s.%" PRIu32, ev->id, ev->rev);
	snprintf(w->intent, sizeof w->intent, "%s %s %" PRIu64 " %s%s",
	    hook_kind_name(ev->kind), ev->stage == HOOK_PREPARE ? "prepare" : "commit",
	    ev->generation, target, ev->dry_run ? " dry" : "");
	snprintf(w->key, sizeof w->key, "\"%s/%s/%s/%" PRIu64 "/%s%s\"", ev->id,
	    hook_kind_name(ev->kind), ev->stage == HOOK_PREPARE ? "prepare" : "commit",
	    ev->generation, target, ev->dry_run ? "/dry" : "");
}

static int
make_work(struct http_hook *h, const struct hook_event *ev, struct hook_call *call,
    struct http_work **ret)
{
	struct http_work *w = calloc(1, sizeof *w);

	if (!w)
		return -ENOMEM;
	w->hook = h;
	w->call = call;
	w->kind = ev->kind;
	w->interval_ms = h->poll_ms;
	buf_init(&w->body, BODY_MAX);
	name_work(w, ev);
	w->id = strdup(ev->id);
	if (!w->id || h->host->timer_new(h->host->arg, on_timer, w, &w->timer) < 0) {
		free_work(w);
		return -ENOMEM;
	}
	*ret = w;
	return 0;
}

/* What a call of before has left; of another target it says nothing about this one. */
static void
restore(struct http_work *w, enum hook_phase last)
{
	const struct hook_host *host = w->hook->host;
	const char *intent = host->load(w->call, NOTE_INTENT), *url;

	w->resumed = intent && !strcmp(intent, w->intent);
	if (!w->resumed)
		return;
	w->phase = last;
	w->heard = last > 0;
	url = host->load(w->call, NOTE_EXTERNAL);
	if (url && *url && http_url_same_origin(url, w->hook->cfg.url))
		w->location = strdup(url);
}

static void
on_saved(void *arg, int err)
{
	struct http_work *w = arg;

	if (err < 0)
		finish(w, w->resumed ? HOOK_FAILED_UNKNOWN : HOOK_RETRY,
		    "the journal does not take it");
	else if (w->resumed)
		ask(w);
	else
		post_event(w, WORK_POSTING);
}

/* Whoever is interrupted after this knows that something may have been sent. */
static int
save_intent(struct http_work *w)
{
	const struct hook_host *host = w->hook->host;
	int rc = host->save(w->call, NOTE_INTENT, w->intent);

	if (!rc && !w->resumed)
		rc = host->save(w->call, NOTE_EXTERNAL, "");
	return rc ? rc : host->when_saved(w->call, on_saved, w);
}

/* Who asks again has given up the call of before. */
static void
supersede(struct http_hook *h, const struct http_work *by)
{
	for (struct http_work *w = h->works, *next; w; w = next) {
		next = w->next;
		if (w->kind == by->kind && !strcmp(w->id, by->id))
			finish(w, HOOK_FAILED_UNKNOWN, "it was asked for again");
	}
}

int
http_work_start(struct http_hook *h, const struct hook_event *ev, bool resumed,
    enum hook_phase last, struct hook_call *call)
{
	struct http_work *w;
	int rc = make_work(h, ev, call, &w);

	if (rc < 0)
		return rc;
	supersede(h, w);
	if (resumed)
		restore(w, last);
	rc = expect_callback(w);
	if (!rc)
		rc = fill_body(w, ev, w->resumed ? (last ? last : HOOK_ACCEPTED) : 0);
	if (rc < 0) {
		free_work(w);
		return rc;
	}
	w->next = h->works;
	h->works = w;
	rc = save_intent(w);
	if (rc < 0) {
		unlink_work(w);
		free_work(w);
	}
	return rc;
}

void
http_works_free(struct http_hook *h)
{
	while (h->works) {
		struct http_work *w = h->works;

		h->works = w->next;
		free_work(w);
	}
}
