/* SPDX-License-Identifier: Apache-2.0
 *
 * FOGPLAN: each node has the plan that the judge wants it to have. One delivery at a time for a
 * node; what changes meanwhile goes with the next one. A node that cannot do all of it offers what it can:
 * that is agreed if it is enough, else the plan is offered once more, and then what is missing is told.
 * What the node declines is told and not sent
 * again until it registers anew or the plan is another one. */
#include "base/clock.h"
#include "base/log.h"
#include "controller/event.h"
#include "controller/judge.h"
#include "controller/session_int.h"
#include "protocol/plan.h"

#include <errno.h>
#include <string.h>

#define ANSWER_MS	 10000
#define RETRY_MS	 1000
#define RETRY_MAX_MS	 60000
#define RETRY_DOUBLINGS	 6
#define RETRY_JITTER_PCT 20

static void
on_retry(void *arg)
{
	delivery_consider(arg);
}

static void
retry_later(struct member *m)
{
	struct grasp_io *io = m->sessions->io;
	uint32_t random, delay;

	if (!m->retry && io->ops->timer_new(io, on_retry, m, &m->retry))
		return;
	delay =
	    RETRY_MS << (m->attempts < RETRY_DOUBLINGS ? m->attempts : RETRY_DOUBLINGS);
	m->attempts++;
	io->ops->random(io, &random, sizeof random);
	io->ops->timer_set(m->retry,
	    clock_jitter(
		delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS, RETRY_JITTER_PCT, random));
}

static void
on_accepted(struct member *m)
{
	m->node->plan_version = m->offered;
	memset(m->node->plan_digest, 0, sizeof m->node->plan_digest);
	m->attempts = 0;
	m->sessions->counters.plans++;
	events_emit(m->sessions->events, "plan.sent", m->node->name, NULL, NULL,
	    "%s measures plan %llu with %u items", m->node->name,
	    (unsigned long long)m->offered, m->offered_items);
}

static void
on_declined(struct member *m, struct slice reason)
{
	m->refused = m->offered;
	m->sessions->counters.plans_declined++;
	events_emit(m->sessions->events, "plan.declined", m->node->name, NULL, NULL,
	    "%s declined plan %llu: %.*s", m->node->name, (unsigned long long)m->offered,
	    (int)reason.len, (const char *)reason.data);
}

static void
settle(struct member *m, enum grasp_outcome outcome, struct slice reason)
{
	switch (outcome) {
	case GRASP_ACCEPTED:
		on_accepted(m);
		break;
	case GRASP_DECLINED:
		on_declined(m, reason);
		break;
	case GRASP_CLOSED: /* its next registration brings the plan */
		m->outdated = false;
		return;
	case GRASP_TIMEOUT:
	case GRASP_REFUSED:
	case GRASP_VIOLATION:
		log_info("plan", "%s gave no answer to plan %llu (%s), trying again",
		    m->node->name, (unsigned long long)m->offered,
		    grasp_outcome_name(outcome));
		m->outdated = false;
		retry_later(m);
		return;
	}
	if (m->outdated)
		delivery_consider(m);
}

static void
on_ended(void *arg, struct grasp_session *session, enum grasp_outcome outcome,
    struct slice reason)
{
	struct member *m = arg;

	(void)session;
	m->delivery = NULL;
	settle(m, outcome, reason);
}

static void
refuse_offer(struct member *m, struct grasp_session *session)
{
	static const char reason[] = "it offered another plan than the one it was given";

	m->delivery = NULL;
	grasp_session_end(session, false, "policy: that is another plan");
	settle(m, GRASP_DECLINED, slice_text(reason));
}

static void
agree(struct member *m, struct grasp_session *session, const struct fog_plan *offer)
{
	m->delivery = NULL;
	grasp_session_end(session, true, NULL);
	judge_agree(m->sessions->judge, m->node, offer);
	memcpy(m->agreed_boot, m->node->boot, sizeof m->agreed_boot);
	m->agreed = true;
	events_emit(m->sessions->events, "plan.agreed", m->node->name, NULL, NULL,
	    "%s cannot do all of plan %llu: %s", m->node->name,
	    (unsigned long long)m->offered,
	    *offer->why ? offer->why : "it does not say why");
	m->offered_items = offer->items;
	settle(m, GRASP_ACCEPTED, (struct slice){ 0 });
}

/* Once. False: the loop count is spent. */
static bool
insist(struct member *m, struct grasp_session *session)
{
	struct fog_plan *plan = calloc(1, sizeof *plan);
	struct buf value;
	bool sent;

	if (!plan || m->insisted) {
		free(plan);
		return false;
	}
	m->insisted = true;
	buf_init(&value, VALUE_MAX);
	judge_plan(m->sessions->judge, m->node, plan);
	fog_plan_encode(plan, &value);
	sent = !value.err && plan->version == m->offered &&
	    grasp_session_step(session, buf_slice(&value)) == 0;
	buf_done(&value);
	free(plan);
	return sent;
}

/* A counter-offer: what has to be measured follows from the services, how often there is some room for. */
static void
on_counter_offer(
    void *arg, struct grasp_session *session, const struct grasp_objective *objective)
{
	struct member *m = arg;
	struct fog_plan *offer = malloc(sizeof *offer);
	int err = offer ? fog_plan_decode(objective->value, offer) : -ENOMEM;

	if (!err)
		err = judge_consider(m->sessions->judge, m->node, offer);
	if (err && err != -ERANGE)
		refuse_offer(m, session);
	else if (!err || !insist(m, session))
		agree(m, session, offer);
	free(offer);
}

static const struct grasp_session_ops ops = {
	.negotiated = on_counter_offer,
	.ended = on_ended,
};

/* By another number: that of before our restart (PLN-07). */
static bool
runs_already(const struct member *m, const struct fog_plan *plan)
{
	struct fog_plan same = *plan;
	uint8_t digest[PLAN_DIGEST_LEN];
	struct buf value;
	bool runs;

	if (!m->node->plan_version)
		return false;
	same.version = m->node->plan_version;
	buf_init(&value, VALUE_MAX);
	fog_plan_encode(&same, &value);
	runs = !value.err && fog_plan_digest(buf_slice(&value), digest) == 0 &&
	    !memcmp(digest, m->node->plan_digest, sizeof digest);
	buf_done(&value);
	return runs;
}

static int
send_plan(struct member *m, const struct fog_plan *plan)
{
	struct sessions *s = m->sessions;
	struct grasp_objective o;
	struct spoken sp;
	struct buf value;
	int err;

	buf_init(&value, VALUE_MAX);
	fog_plan_encode(plan, &value);
	spoken_init(&sp, s, FOGPLAN, F_DISC | F_NEG, buf_slice(&value));
	o = spoken_to(&sp, s, m->node);
	err = value.err;
	if (!err)
		err =
		    grasp_negotiate(m->node->link, &o, ANSWER_MS, &ops, m, &m->delivery);
	buf_done(&value);
	return err;
}

void
delivery_consider(struct member *m)
{
	struct fog_plan plan = { 0 };
	int err;

	m->outdated = m->delivery != NULL;
	if (!m->node->link || m->delivery)
		return;
	judge_plan(m->sessions->judge, m->node, &plan);
	if (plan.version == m->node->plan_version || plan.version == m->refused)
		return;
	if (runs_already(m, &plan)) {
		judge_plan_adopt(m->sessions->judge, m->node, m->node->plan_version);
		return;
	}
	m->offered = plan.version;
	m->insisted = false;
	m->offered_items = plan.items;
	err = send_plan(m, &plan);
	if (err) {
		log_warnx("plan", "%s: plan %llu with %u items cannot be sent: %s",
		    m->node->name, (unsigned long long)plan.version, plan.items,
		    strerror(-err));
		retry_later(m);
	}
}

void
delivery_restart(struct member *m)
{
	m->refused = 0;
	m->attempts = 0;
	if (m->agreed && memcmp(m->agreed_boot, m->node->boot, sizeof m->agreed_boot)) {
		m->agreed = false; /* it may have another configuration */
		judge_renegotiate(m->sessions->judge, m->node);
	}
	delivery_consider(m);
}

void
delivery_stop(struct member *m)
{
	if (m->delivery)
		grasp_session_cancel(TAKE(m->delivery));
	if (m->retry)
		m->sessions->io->ops->timer_free(TAKE(m->retry));
}
