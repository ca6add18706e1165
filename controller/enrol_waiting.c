/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes without a token: they wait, bounded in number, until an operator has looked at what they say they
 * are. Some are kept on their connection, so that the answer is prompt; the others come back. */
#include "base/clock.h"
#include "base/crypto.h"
#include "base/ctl.h"
#include "controller/enrol_int.h"
#include "controller/event.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define TICK_MS	    1000
#define WAIT_MS	    (ENROL_HELD_MS + 5000) /* what M_WAIT asks for */
#define PREFIX_MIN  8
#define WAIT_REASON "busy: an operator has to approve this node"

static void
drop(struct waiting *w, const char *reason)
{
	struct enrol *e = w->enrol;

	if (w->session) {
		e->held--;
		grasp_session_end(TAKE(w->session), false, reason);
	}
	TAILQ_REMOVE(&e->waiting, w, entry);
	e->waitings--;
	e->counters.waiting = (unsigned)e->waitings;
	free(w);
}

static void
let_go(struct waiting *w)
{
	w->enrol->held--;
	grasp_session_end(TAKE(w->session), false, WAIT_REASON);
}

static bool
is_expired(const struct waiting *w)
{
	return enrol_now(w->enrol) - w->heard_ms >= ENROL_WAITING_MS;
}

static void
forget_expired(struct enrol *e)
{
	struct waiting *w, *next;

	for (w = TAILQ_FIRST(&e->waiting); w; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (is_expired(w))
			drop(w, WAIT_REASON);
	}
}

void
enrol_on_tick(void *arg)
{
	struct enrol *e = arg;
	struct waiting *w;

	forget_expired(e);
	TAILQ_FOREACH(w, &e->waiting, entry)
		if (w->session && grasp_io_now(e->io) - w->held_ms >= ENROL_HELD_MS)
			let_go(w);
	if (e->waitings)
		e->io->ops->timer_set(e->tick, TICK_MS);
}

void
enrol_waiting_free(struct enrol *e)
{
	struct waiting *w;

	while ((w = TAILQ_FIRST(&e->waiting))) {
		if (w->session)
			grasp_session_cancel(w->session);
		TAILQ_REMOVE(&e->waiting, w, entry);
		free(w);
	}
}

/* --- one asks ---------------------------------------------------------------------------------------- */
static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct waiting *w = arg;

	(void)session, (void)outcome, (void)reason;
	w->session = NULL;
	w->enrol->held--;
}

static const struct grasp_session_ops held_ops = { .ended = on_ended };

static void
hold(struct waiting *w, struct grasp_session *s)
{
	struct enrol *e = w->enrol;

	if (w->session)
		let_go(w); /* it asks anew: the connection of before is gone */
	if (e->held >= ENROL_HELD_MAX || grasp_session_wait(s, WAIT_MS) < 0) {
		grasp_session_end(s, false, WAIT_REASON);
		return;
	}
	w->session = s;
	w->held_ms = grasp_io_now(e->io);
	e->held++;
	grasp_session_set(s, &held_ops, w);
}

static struct waiting *
find(const struct enrol *e, const struct fog_id *id)
{
	struct waiting *w;

	TAILQ_FOREACH(w, &e->waiting, entry)
		if (memcmp(&w->id, id, sizeof *id) == 0)
			return w;
	return NULL;
}

static bool
is_crowded(const struct enrol *e, const struct in6_addr *net)
{
	const struct waiting *w;
	unsigned n = 0;

	TAILQ_FOREACH(w, &e->waiting, entry)
		n += IN6_ARE_ADDR_EQUAL(&w->net, net);
	return e->waitings >= ENROL_WAITING_MAX || n >= ENROL_WAITING_PER_NET;
}

static struct waiting *
add(struct enrol *e, const struct fog_id *id, const struct in6_addr *net)
{
	struct waiting *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->enrol = e;
	w->id = *id;
	w->net = *net;
	w->since_ms = enrol_now(e);
	TAILQ_INSERT_TAIL(&e->waiting, w, entry);
	e->counters.waiting = (unsigned)++e->waitings;
	if (e->waitings == 1)
		e->io->ops->timer_set(e->tick, TICK_MS);
	return w;
}

static void
describe(struct waiting *w, struct grasp_session *s, const struct fog_join *j,
    struct slice spki)
{
	struct addr peer;

	grasp_link_peer(grasp_session_link(s), &peer);
	peer.port = 0;
	addr_format(&peer, w->address);
	memcpy(w->command, j->command, sizeof w->command);
	snprintf(w->name, sizeof w->name, "%s", j->name);
	snprintf(w->version, sizeof w->version, "%s", j->version);
	snprintf(w->hardware, sizeof w->hardware, "%s", j->serial);
	memcpy(w->spki, spki.data, w->spki_len = spki.len);
	w->heard_ms = enrol_now(w->enrol);
}

void
enrol_wait(struct enrol *e, struct grasp_session *s, const struct fog_id *id,
    const struct fog_join *j, struct slice spki)
{
	struct waiting *w = find(e, id);
	struct in6_addr net;
	char text[FOG_ID_TEXT];

	enrol_net_of(s, &net);
	forget_expired(e);
	if (!w && is_crowded(e, &net)) {
		enrol_refuse(e, s, "full: too many nodes wait already");
		return;
	}
	if (w) {
		describe(w, s, j, spki);
	} else {
		w = add(e, id, &net);
		if (!w) {
			enrol_refuse(e, s, "busy: out of memory");
			return;
		}
		describe(w, s, j, spki);
		events_emit(e->events, "node.joining", *w->name ? w->name : NULL, NULL,
		    NULL,
		    "%s at %s wants to join: fogctl node approve %.12s, if it is yours",
		    fog_id_format(id, text), w->address, text);
	}
	hold(w, s);
}

/* --- fogctl node pending, approve ----------------------------------------------------------------------- */
static void
send_row(struct ctl_request *req, const struct waiting *w)
{
	char id[FOG_ID_TEXT], since[CLOCK_TEXT_MAX], heard[CLOCK_TEXT_MAX];
	struct buf item;

	buf_init(&item, 2048);
	wr_map(&item, 7);
	wr_key_text(&item, "id", fog_id_format(&w->id, id));
	wr_key_text(&item, "name", w->name);
	wr_key_text(&item, "address", w->address);
	wr_key_text(&item, "version", w->version);
	wr_key_text(&item, "hardware", w->hardware);
	wr_key_text(&item, "since", clock_format(w->since_ms, since));
	wr_key_text(&item, "heard", clock_format(w->heard_ms, heard));
	ctl_send(req, buf_slice(&item));
	buf_done(&item);
}

void
enrol_pending(struct enrol *e, struct ctl_request *req)
{
	const struct waiting *w;

	forget_expired(e);
	TAILQ_FOREACH(w, &e->waiting, entry)
		send_row(req, w);
	ctl_end(req);
}

static bool
is_prefix(const char *text)
{
	size_t len = strspn(text, "0123456789abcdef");

	return len >= PREFIX_MIN && len < FOG_ID_TEXT && !text[len];
}

/* S-17: enough digits that nobody types them by chance, and for one node alone. */
static const char *
find_by_prefix(struct enrol *e, const char *text, struct waiting **ret)
{
	char id[FOG_ID_TEXT];
	struct waiting *w;

	*ret = NULL;
	forget_expired(e);
	if (!is_prefix(text))
		return "say which node by 8 to 32 digits of its id, as fogctl node "
		       "pending"
		       " shows it";
	TAILQ_FOREACH(w, &e->waiting, entry) {
		if (strncmp(fog_id_format(&w->id, id), text, strlen(text)) != 0)
			continue;
		if (*ret)
			return "more than one node begins with that: say more digits";
		*ret = w;
	}
	return *ret ? NULL
		    : "no such node waits; one that came more than an hour ago has to"
		      " ask again";
}

void
enrol_approve(struct enrol *e, struct ctl_request *req, struct slice args)
{
	char text[FOG_ID_TEXT + 1] = "";
	struct waiting *w;
	const char *wrong;

	(void)ctl_arg_text(args, "node", text, sizeof text);
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	wrong = find_by_prefix(e, text, &w);
	if (wrong) {
		ctl_fail(req, 1, "%s", wrong);
		return;
	}
	const struct enrol_asked asked = { .session = w->session,
		.req = req,
		.id = w->id,
		.command = w->command,
		.spki = w->spki,
		.spki_len = w->spki_len,
		.name = w->name,
		.hardware = w->hardware };

	if (TAKE(w->session))
		e->held--;
	enrol_issue(e, &asked);
	drop(w, NULL);
}
