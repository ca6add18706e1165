/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/pledge.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/session.h"
#include "agent/timing.h"
#include "base/addr_text.h"
#include "base/crypto_aead.h"
#include "base/log.h"

#define START_JITTER_MS 100
#define BEAT_MS		5000 /* of a link on which we wait */
#define SILENCE_MS	30000
#define OPEN_MS		5000 /* connection and handshake */
#define HURRY_MS	400 /* the same at first, while others wait for their turn (S-01) */
#define ATTEMPTS	8   /* at once; only one that has opened is asked */
#define BESIDE_MS	50		 /* before another one is begun beside it */
#define REFUSED_MS	(15 * 60 * 1000) /* until a token that was refused is tried again */
#define UNABLE_MS	(60 * 1000)	 /* until we look whether there is a file now */

struct attempt {
	struct pledge *pledge;
	struct grasp_link *link;    /* NULL: none */
	struct addr addr;	    /* where it goes */
	int64_t since_ms, hurry_ms; /* began; has to give way, from then on */
};

struct pledge {
	const struct pledge_env *env;
	struct grasp_io *io;
	struct bootstrap *bootstrap;
	struct admission *admission;
	struct admission_env admission_env;
	struct grasp_timer *timer; /* of the next attempt, or the end of one */
	struct attempt attempt[ATTEMPTS];
	struct attempt *chosen; /* which has proved to be a controller; NULL: none yet */
	int64_t next_ms;	/* no attempt beside another one before */
	struct token token;
	bool wanted, able, has_token, awaiting;
	int64_t refused_until_ms;
	char trouble[200];
};

static void look(struct pledge *p);

/* Each sentence is logged when it is new. addr: of the controller, or NULL. */
static void
tell(struct pledge *p, const struct addr *addr, const char *why)
{
	char text[ADDR_TEXT_MAX];

	if (strcmp(p->trouble, why) == 0)
		return;
	snprintf(p->trouble, sizeof p->trouble, "%s", why);
	if (addr)
		log_info("join", "controller at %s: %s", addr_format(addr, text), why);
	else
		log_info("join", "%s", why);
	p->env->changed(p->env->arg);
}

/* --- token and pin -------------------------------------------------------------------------- */
/* -ENOENT: none is configured. */
static int
load_token(struct pledge *p)
{
	const struct agent_domain *cfg = p->env->cfg;

	if (cfg->join.token)
		return token_parse(cfg->join.token, &p->token);
	return cfg->join.token_file ? token_load(cfg->join.token_file, &p->token)
				    : -ENOENT;
}

static void
set_pin(struct pledge *p)
{
	struct anchors *anchors = credential_anchors(p->env->credential);
	uint8_t pin[TRUST_PIN_LEN];

	if (p->has_token)
		anchors_pin(anchors, p->token.pin);
	else if (p->env->cfg->join.ca_pin &&
	    token_pin_parse(p->env->cfg->join.ca_pin, pin) == 0)
		anchors_pin(anchors, pin);
	else if (p->env->tofu)
		anchors_trust_first(anchors);
}

static void
tell_token(struct pledge *p, int err)
{
	const struct agent_domain *cfg = p->env->cfg;
	char why[200];

	if (cfg->join.token)
		snprintf(why, sizeof why, "join.token is no token");
	else
		snprintf(why, sizeof why, "join.token-file %s: %s", cfg->join.token_file,
		    err == -EINVAL	? "its first line is no token"
			: err == -EPERM ? "others may read it, which has to be mended"
					: strerror(-err));
	tell(p, NULL, why);
}

/* A certificate that has expired says whose CA it was; else there has to be a pin. */
static bool
prepare(struct pledge *p)
{
	const struct agent_domain *cfg = p->env->cfg;
	int err;

	p->has_token = false;
	if (credential_state(p->env->credential) == CREDENTIAL_LAPSED)
		return true;
	err = load_token(p);
	p->has_token = err == 0;
	if (err < 0 && (cfg->join.token || cfg->join.token_file)) {
		tell_token(p, err);
		return false;
	}
	set_pin(p);
	if (p->env->tofu || anchors_have_pin(credential_anchors(p->env->credential)))
		return true;
	tell(p, NULL,
	    "this node is in no domain: give it a token (join.token, from \"fogctl token "
	    "create\"), or the pin of the domain's CA (join.ca-pin)");
	return false;
}

static void
forget_token(struct pledge *p)
{
	secret_wipe(&p->token, sizeof p->token);
	p->has_token = false;
}

/* --- attempts ------------------------------------------------------------------------------- */
static void
end_attempt(struct attempt *a)
{
	struct pledge *p = a->pledge;
	struct grasp_link *link = TAKE(a->link);

	if (p->chosen == a) {
		admission_cancel(p->admission);
		p->chosen = NULL;
	}
	if (link)
		grasp_link_close(link);
}

static void
give_up(struct attempt *a, const char *why)
{
	struct pledge *p = a->pledge;

	end_attempt(a);
	bootstrap_failed(p->bootstrap, &a->addr);
	if (!p->awaiting)
		tell(p, &a->addr, why);
	look(p);
}

/* Others wait for its place; they count as tries as well. */
static void
cut_short(struct attempt *a)
{
	end_attempt(a);
	bootstrap_failed(a->pledge->bootstrap, &a->addr);
}

static void
cut(struct pledge *p)
{
	for (size_t i = 0; i < ATTEMPTS; i++) {
		if (p->attempt[i].link)
			bootstrap_left(p->bootstrap, &p->attempt[i].addr);
		end_attempt(&p->attempt[i]);
	}
}

/* The first one that has proved to be a controller of the pinned CA is asked, and nobody else. */
static void
link_opened(void *arg, struct grasp_link *l)
{
	struct attempt *a = arg;
	struct pledge *p = a->pledge;
	int err;

	p->chosen = a;
	timer_stop(p->io, p->timer);
	for (size_t i = 0; i < ATTEMPTS; i++)
		if (p->attempt[i].link && &p->attempt[i] != a)
			cut_short(&p->attempt[i]);
	grasp_link_hold(l, BEAT_MS, SILENCE_MS, FOG_JOIN_MESSAGE_MAX);
	err = admission_ask(p->admission, l, p->has_token ? &p->token : NULL);
	if (err < 0)
		give_up(a, strerror(-err));
}

static void
link_closed(void *arg, struct grasp_link *l, int err)
{
	struct attempt *a = arg;

	(void)l;
	a->link = NULL;
	give_up(a,
	    session_reason(err, a->pledge->chosen == a,
		"it is not the controller of the pinned CA"));
}

/* Of many addresses where nobody answers, each costs a moment at first; one that is far away gets
 * more time with each attempt. */
static int64_t
patience(const struct candidate *c)
{
	int64_t ms = HURRY_MS;

	for (unsigned i = 0; i < c->failures && ms < OPEN_MS; i++)
		ms *= 2;
	return ms < OPEN_MS ? ms : OPEN_MS;
}

static void
attempt(struct attempt *a, struct candidate *c)
{
	static const struct grasp_link_ops ops = { .opened = link_opened,
		.closed = link_closed };
	struct pledge *p = a->pledge;
	char text[ADDR_TEXT_MAX];

	a->addr = c->addr;
	a->since_ms = grasp_io_now(p->io);
	a->hurry_ms = a->since_ms + patience(c);
	p->next_ms = a->since_ms + BESIDE_MS;
	c->trying = true;
	log_debug("join", "trying the controller at %s", addr_format(&a->addr, text));
	int err = grasp_link_open(p->env->node, &a->addr, &ops, a, &a->link);
	if (err < 0)
		give_up(a, strerror(-err));
}

/* A place for another attempt: a free one, or that of the one that has had its time first. */
static struct attempt *
find_place(struct pledge *p, int64_t *ret_ms)
{
	struct attempt *best = &p->attempt[0];
	bool any = false;

	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct attempt *a = &p->attempt[i];

		any |= a->link != NULL;
		if (best->link && (!a->link || a->hurry_ms < best->hurry_ms))
			best = a;
	}
	*ret_ms = any ? p->next_ms : INT64_MIN;
	if (best->link && best->hurry_ms > *ret_ms)
		*ret_ms = best->hurry_ms;
	return best;
}

/* When the first attempt has lasted long enough, even if nobody waits. */
static int64_t
find_end(const struct pledge *p)
{
	int64_t end = INT64_MAX;

	for (size_t i = 0; i < ATTEMPTS; i++)
		if (p->attempt[i].link && p->attempt[i].since_ms + OPEN_MS < end)
			end = p->attempt[i].since_ms + OPEN_MS;
	return end;
}

/* Waits until a candidate is due and has a place, or an attempt is over. */
static void
look(struct pledge *p)
{
	int64_t now = grasp_io_now(p->io), due, place, end = find_end(p);

	if (!p->wanted || p->chosen)
		return;
	if (now < p->refused_until_ms)
		due = p->refused_until_ms;
	else if (bootstrap_pick(p->bootstrap, now, &due))
		due = now;
	(void)find_place(p, &place);
	if (due < place)
		due = place;
	if (end < due)
		due = end;
	if (due == INT64_MAX)
		timer_stop(p->io, p->timer);
	else
		timer_set(p->io, p->timer, due > now ? due - now : 0);
}

static void
end_overdue(struct pledge *p)
{
	for (size_t i = 0; i < ATTEMPTS; i++) {
		struct attempt *a = &p->attempt[i];

		if (a->link && grasp_io_now(p->io) >= a->since_ms + OPEN_MS)
			give_up(a, "it does not finish to connect");
	}
}

static void
begin_attempt(struct pledge *p)
{
	int64_t now = grasp_io_now(p->io), due, place;
	struct attempt *a = find_place(p, &place);
	struct candidate *c =
	    place <= now ? bootstrap_pick(p->bootstrap, now, &due) : NULL;

	if (!c)
		return;
	if (a->link)
		cut_short(a); /* leaves c where it is */
	attempt(a, c);
}

static bool begin(struct pledge *p);

static void
fire(void *arg)
{
	struct pledge *p = arg;

	if (!p->wanted || p->chosen)
		return;
	end_overdue(p);
	if (grasp_io_now(p->io) < p->refused_until_ms) {
		look(p);
		return;
	}
	if (p->refused_until_ms && !begin(p))
		return; /* the token may be another one by now */
	begin_attempt(p);
	look(p);
}

static void
heard(void *arg, const struct addr *again)
{
	(void)again;
	look(arg);
}

/* --- the answer ----------------------------------------------------------------------------- */
static void
waiting(void *arg)
{
	struct pledge *p = arg;
	char why[120], id[FOG_ID_TEXT];

	p->awaiting = true;
	fog_id_format(&p->env->identity->id, id);
	snprintf(why, sizeof why, "waiting for approval: fogctl node approve %.8s", id);
	tell(p, &p->chosen->addr, why);
}

static void
joined(struct pledge *p, const struct fog_grant *grant)
{
	struct addr addr = p->chosen->addr;
	char text[ADDR_TEXT_MAX];

	log_info("join", "a member of domain %s, by the controller at %s", grant->domain,
	    addr_format(&addr, text));
	pledge_stop(p);
	p->env->joined(p->env->arg, &addr, grant);
}

static bool
is_transient(const char *why)
{
	return !strncmp(why, "busy", 4) || !strncmp(why, "full", 4);
}

/* A controller that does not want us will not want us in a second either; the token may be mended or
 * the node allowed meanwhile. */
static void
declined(struct pledge *p, const char *why)
{
	char text[200];

	p->awaiting = false;
	snprintf(text, sizeof text, "it does not admit this node: %s", why);
	if (is_transient(why)) {
		give_up(p->chosen, text);
		return;
	}
	p->refused_until_ms = grasp_io_now(p->io) + jittered(p->io, REFUSED_MS);
	give_up(p->chosen, text);
}

static void
ended(void *arg, enum admission_outcome outcome, const char *why,
    const struct fog_grant *grant)
{
	struct pledge *p = arg;

	switch (outcome) {
	case ADMISSION_GRANTED:
		joined(p, grant);
		return;
	case ADMISSION_DECLINED:
		declined(p, why);
		return;
	case ADMISSION_FAILED:
		give_up(p->chosen, why);
		return;
	}
}

static void
learn_time(void *arg, int64_t controller_ms)
{
	const struct pledge *p = arg;

	p->env->time(p->env->arg, controller_ms);
}

/* --- life ----------------------------------------------------------------------------------- */
static void
add_place(struct pledge *p, const char *text)
{
	struct addr addr;

	if (addr_parse(text, &addr) == 0)
		bootstrap_hint(p->bootstrap, &addr);
	else
		log_warnx("join",
		    "%s is no address, which is what the place of a controller has to be",
		    text);
}

/* False: there is nothing to join with, for now. */
static bool
begin(struct pledge *p)
{
	p->refused_until_ms = 0;
	p->able = prepare(p);
	if (!p->able) {
		p->refused_until_ms = grasp_io_now(p->io) + jittered(p->io, UNABLE_MS);
		look(p);
		return false;
	}
	if (p->has_token && *p->token.where)
		add_place(p, p->token.where);
	bootstrap_search(p->bootstrap, START_JITTER_MS);
	look(p);
	return true;
}

void
pledge_start(struct pledge *p)
{
	cut(p);
	p->wanted = true;
	(void)begin(p);
	p->env->changed(p->env->arg);
}

void
pledge_stop(struct pledge *p)
{
	p->wanted = p->awaiting = false;
	p->trouble[0] = 0;
	cut(p);
	timer_stop(p->io, p->timer);
	bootstrap_rest(p->bootstrap);
	forget_token(p);
}

static int
make_bootstrap(struct pledge *p)
{
	struct addr fixed[CANDIDATES_MAX / 2];
	const struct bootstrap_config cfg = { .dull = true,
		.prefix = p->env->prefix,
		.domain = p->env->domain,
		.attributes = p->env->cfg->attributes,
		.id = &p->env->identity->id,
		.fixed = fixed,
		.fixeds = agent_domain_controllers(
		    &p->env->cfg->controllers, fixed, ARRAY_LEN(fixed)) };

	return bootstrap_new(p->env->node, &cfg, heard, p, &p->bootstrap);
}

int
pledge_new(const struct pledge_env *env, struct pledge **ret)
{
	CLEANUP(pledge_free) struct pledge *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->env = env;
	p->io = grasp_node_io(env->node);
	for (size_t i = 0; i < ATTEMPTS; i++)
		p->attempt[i].pledge = p;
	p->admission_env = (struct admission_env){ .prefix = env->prefix,
		.identity = env->identity,
		.credential = env->credential,
		.time = learn_time,
		.waiting = waiting,
		.ended = ended,
		.arg = p };
	int err = timer_new(p->io, fire, p, &p->timer);
	if (err >= 0)
		err = admission_new(&p->admission_env, &p->admission);
	if (err >= 0)
		err = make_bootstrap(p);
	if (err < 0)
		return err;
	*ret = TAKE(p);
	return 0;
}

void
pledge_free(struct pledge *p)
{
	if (!p)
		return;
	if (p->bootstrap)
		cut(p);
	admission_free(p->admission);
	bootstrap_free(p->bootstrap);
	timer_free(p->io, p->timer);
	forget_token(p);
	free(p);
}

/* --- what others ask ------------------------------------------------------------------------ */
enum pledge_state
pledge_state(const struct pledge *p)
{
	if (!p->wanted)
		return PLEDGE_RESTING;
	if (!p->able)
		return PLEDGE_UNABLE;
	if (p->awaiting)
		return PLEDGE_AWAITING;
	return find_end(p) != INT64_MAX ? PLEDGE_CONNECTING : PLEDGE_SEARCHING;
}

const char *
pledge_state_name(enum pledge_state s)
{
	switch (s) {
	case PLEDGE_RESTING:
		return "member";
	case PLEDGE_UNABLE:
		return "not in a domain";
	case PLEDGE_SEARCHING:
		return "joining";
	case PLEDGE_CONNECTING:
		return "joining";
	case PLEDGE_AWAITING:
		return "waiting for approval";
	}
	return "?";
}

const char *
pledge_trouble(const struct pledge *p)
{
	return p->trouble;
}

const struct bootstrap *
pledge_bootstrap(const struct pledge *p)
{
	return p->bootstrap;
}
