/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/bootstrap.h"

#include <errno.h>
#include <string.h>

#include "agent/timing.h"
#include "base/addr_text.h"
#include "base/log.h"
#include "grasp/scope.h"
#include "trust/who.h"

#define SEARCH_MIN_MS	300 /* the first ones: a datagram may be lost */
#define SEARCH_MAX_MS	60000
#define SEARCH_WAIT_MS	3000  /* for an answer: TCP repeats a lost opening after 1 s */
#define SEARCHES	4     /* that may be answered at a time */
#define SEARCH_DEAF_MS	100   /* until an interface has an address to speak from */
#define HEARD_RECENT_MS 30000 /* then its next flood, not our discovery, tells of it */
#define HINT_JITTER_MS	500
#define ASKED_MS	200 /* so soon after our question, a flood is about it */
#define ASKED_JITTER_MS 100
#define HINT_GAP_MS	10000 /* one candidate is woken by hints at most so often (F-02) */
#define TOLD_TTL_MS	60000 /* of what newcomers are told */
#define LEFT_MS		60000 /* then who said that it leaves may be tried again */

struct search {
	struct bootstrap *bootstrap;
	struct grasp_discovery *discovery; /* NULL: none under way */
};

struct bootstrap {
	struct grasp_node *node;
	struct grasp_io *io;
	struct bootstrap_config cfg;
	char objective[FOG_NAME_MAX + 1];
	struct grasp_registration *listening;
	struct search search[SEARCHES];
	struct grasp_timer *timer; /* of the next M_DISCOVERY */
	int64_t interval_ms;
	int64_t hinted_ms; /* last search that a foreign advertisement caused */
	int64_t asked_ms;  /* last search */
	bool searching;
	uint64_t searches;
	void (*news)(void *arg, const struct addr *again);
	void *arg;
	struct candidates known;
};

static int64_t
now(const struct bootstrap *b)
{
	return grasp_io_now(b->io);
}

/* --- how it went ---------------------------------------------------------------------------- */
void
bootstrap_failed(struct bootstrap *b, const struct addr *addr)
{
	struct candidate *c = candidates_find(&b->known, addr);

	grasp_cache_forget(b->node, slice_text(b->objective), addr); /* */
	if (c)
		candidate_failed(&b->known, c);
}

void
bootstrap_left(struct bootstrap *b, const struct addr *addr)
{
	struct candidate *c = candidates_find(&b->known, addr);

	if (c)
		c->trying = false;
}

void
bootstrap_lost(struct bootstrap *b, const struct addr *addr, int64_t lasted_ms)
{
	struct candidate *c = candidates_find(&b->known, addr);

	if (c)
		candidate_lost(&b->known, c, lasted_ms);
}

void
bootstrap_registered(struct bootstrap *b, const struct addr *addr,
    const struct fog_id *controller, uint64_t epoch)
{
	struct candidate *c = candidates_find(&b->known, addr);

	if (!c && !(c = candidates_add(&b->known, addr, false)))
		return;
	c->proven = c->has_id = c->ours = true;
	c->id = *controller;
	c->epoch = epoch;
}

struct candidate *
bootstrap_pick(struct bootstrap *b, int64_t now_ms, int64_t *ret_ms)
{
	return candidates_pick(&b->known, now_ms, ret_ms);
}

/* --- hints ---------------------------------------------------------------------------------- */
static bool
concerns_us(const struct bootstrap *b, const struct fog_domain *d)
{
	return d->role != FOG_AGENT && fog_domain_agrees(d->domain, b->cfg.domain) &&
	    grasp_scope_matches(d->scope, b->cfg.attributes); /* SC-10 */
}

/* Is a controller that we know one for the newcomer, too (F-10)? Who is outside our domain is not
 * answered (SCP-04). One without a copy is that which holds our lease. */
static bool
fits(void *arg, const struct grasp_objective *asked, const struct grasp_objective *known)
{
	const struct bootstrap *b = arg;
	struct fog_domain node, controller = { 0 };

	if (fog_domain_decode(asked->value, &node) < 0 ||
	    !fog_domain_agrees(node.domain, b->cfg.domain))
		return false;
	if (!known)
		return true;
	return fog_domain_decode(known->value, &controller) == 0 && !controller.leaving &&
	    fog_domain_agrees(node.domain, controller.domain) &&
	    (!node.scope[0] || grasp_scope_matches(controller.scope, node.scope));
}

static void
note_heard(
    struct bootstrap *b, struct candidate *c, const struct fog_domain *d, uint32_t ttl_ms)
{
	c->heard_ms = now(b);
	if (!c->fixed)
		c->expires_ms = ttl_ms ? now(b) + ttl_ms : INT64_MAX;
	if (!d)
		return;
	if (d->has_id) {
		c->has_id = true;
		c->id = d->id;
	}
	if (d->epoch)
		c->epoch = d->epoch;
}

enum source {
	HEARSAY,
	ASKED,	  /* the same, just after our question */
	VOUCHED,  /* signed by a controller */
	ANSWERED, /* what we had asked */
};

/* Until the first attempt. */
static int64_t
draw_delay(struct bootstrap *b, enum source source)
{
	if (source == ANSWERED)
		return 0;
	return random_below(
	    b->io, (source == ASKED ? ASKED_JITTER_MS : HINT_JITTER_MS) + 1);
}

static void
hear(struct bootstrap *b, const struct addr *addr, const struct fog_domain *d,
    uint32_t ttl_ms, enum source source)
{
	struct candidate *c = candidates_find(&b->known, addr);
	bool restarted = c && d && d->epoch && c->epoch != d->epoch;
	bool known = c != NULL, again = false;
	char text[ADDR_TEXT_MAX];

	if (!c && !(c = candidates_add(&b->known, addr, source == HEARSAY)))
		return;
	if (!known && !b->cfg.dull) /* there, anybody may make us say so */
		log_info("bootstrap", "heard of a controller at %s%s%s",
		    addr_format(addr, text), d && d->domain[0] ? ", domain " : "",
		    d ? d->domain : "");
	note_heard(b, c, d, ttl_ms);
	c->vouched |= source == VOUCHED;
	c->asked |= source == ASKED;
	if (!known)
		candidate_begin(c, now(b) + draw_delay(b, source));
	else if (restarted || source == ASKED || source == ANSWERED)
		again = candidate_wake(&b->known, c) && restarted;
	b->news(b->arg, again ? addr : NULL);
}

/* The id is not proof of anything: who says that another one leaves only ends a hint. */
static void
hear_leaving(struct bootstrap *b, const struct addr *addr, const struct fog_domain *d)
{
	struct candidate *c = candidates_find(&b->known, addr);
	char text[ADDR_TEXT_MAX];

	if (!c || !d->has_id || !c->has_id || memcmp(&c->id, &d->id, sizeof c->id) != 0)
		return;
	log_info("bootstrap", "the controller at %s says that it leaves",
	    addr_format(addr, text));
	if (c->fixed || c->proven) {
		c->epoch = 0;
		c->retry_ms = now(b) + LEFT_MS; /* its next flood tells when it is back */
	} else if (!c->trying) {
		candidates_remove(&b->known, c);
	}
	b->news(b->arg, NULL);
}

void
bootstrap_hint(struct bootstrap *b, const struct addr *addr)
{
	struct candidate *c = candidates_find(&b->known, addr);

	if (!c && !(c = candidates_add(&b->known, addr, false)))
		return;
	c->vouched = true;
	c->expires_ms = INT64_MAX;
}

static bool
take_locator(const struct grasp_locator *l, uint32_t ifindex, struct addr *ret)
{
	return l->proto == GRASP_TCP && grasp_locator_to_addr(l, ifindex, ret) == 0 &&
	    ret->port != 0 && !addr_is_multicast(&ret->ip);
}

static void search_on_hint(struct bootstrap *b);

/* On a link where anybody may speak, who speaks up when asked comes before those who always do: a
 * crowd of them has to be in the right moment at least (S-01). */
static enum source
source_of(const struct bootstrap *b, const struct grasp_peer *from)
{
	if (from->who)
		return VOUCHED;
	return b->cfg.dull && b->asked_ms != INT64_MIN && now(b) - b->asked_ms < ASKED_MS
	    ? ASKED
	    : HEARSAY;
}

static void
flooded(void *arg, const struct grasp_peer *from, const struct grasp_objective *obj,
    const struct grasp_locator *locator, uint32_t ttl_ms)
{
	struct bootstrap *b = arg;
	struct fog_domain d;
	struct addr addr;

	if (b->cfg.dull && !b->searching)
		return;
	if (from->who && from->who->role != TRUST_CONTROLLER)
		return; /* an agent may not play the controller (S-04) */
	if (fog_domain_decode(obj->value, &d) < 0 || !concerns_us(b, &d))
		return;
	if (!take_locator(locator, from->addr.ifindex, &addr))
		search_on_hint(b);
	else if (d.leaving)
		hear_leaving(b, &addr, &d);
	else
		hear(b, &addr, &d, ttl_ms, source_of(b, from));
}

/* Does it hold a lease of ours, be it known by another address? */
static bool
holds_lease(const struct bootstrap *b, const struct candidate *c)
{
	for (size_t i = 0; i < b->known.len; i++) {
		const struct candidate *o = &b->known.list[i];

		if (o->ours &&
		    (o == c ||
			(o->has_id && c->has_id &&
			    memcmp(&o->id, &c->id, sizeof o->id) == 0)))
			return true;
	}
	return false;
}

/* The controller that holds a lease of ours is known to be one, however we came to know it; the
 * engine answers newcomers with what it knows (DISC-09). A link-local address would say nothing to
 * them, nor to us, who would read it without its link. */
static void
tell_engine(struct bootstrap *b)
{
	for (size_t i = 0; i < b->known.len; i++) {
		const struct candidate *c = &b->known.list[i];
		struct grasp_locator l = grasp_locator_from_addr(&c->addr, GRASP_TCP);

		if (holds_lease(b, c) && !addr_is_link_local(&c->addr.ip))
			(void)grasp_cache_put(
			    b->node, slice_text(b->objective), &l, TOLD_TTL_MS);
	}
}

/* The draft's advertisement is an M_DISCOVERY (F-01). It names nobody to talk to, so we ask
 * ourselves (F-02); we are no controller and never answer as one. */
static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	struct bootstrap *b = arg;
	struct fog_domain d;

	(void)from, (void)ret_value;
	if (b->cfg.dull)
		return false;
	tell_engine(b);
	if (asked->value.len && fog_domain_decode(asked->value, &d) == 0 &&
	    concerns_us(b, &d) && (d.domain[0] || d.has_id))
		search_on_hint(b);
	return false;
}

/* --- discovery ------------------------------------------------------------------------------ */
static bool
is_ours(const struct bootstrap *b, struct slice value, struct fog_domain *ret)
{
	return fog_domain_decode(value, ret) == 0 && concerns_us(b, ret) && !ret->leaving;
}

/* Hearsay, and no more than a hint (SEC-08). The copy of the objective is about the controller that
 * comes first; the others may be for us or not. */
static void
found_diverted(struct bootstrap *b, const struct grasp_found *f, bool said)
{
	struct fog_domain d;
	struct addr addr;

	for (size_t i = 0; i < f->locators; i++) {
		bool about = said && i == 0;

		if (about && !is_ours(b, f->objective->value, &d))
			continue;
		if (take_locator(&f->locator[i], f->from.ifindex, &addr))
			hear(b, &addr, about ? &d : NULL, f->ttl_ms, HEARSAY);
	}
}

static void
found(void *arg, const struct grasp_found *f)
{
	struct bootstrap *b = ((struct search *)arg)->bootstrap;
	struct fog_domain d;
	bool said = f->objective && f->objective->value.len;
	struct addr addr;

	if (f->diverted) {
		found_diverted(b, f, said);
		return;
	}
	if (said && !is_ours(b, f->objective->value, &d))
		return;
	for (size_t i = 0; i < f->locators; i++)
		if (take_locator(&f->locator[i], f->from.ifindex, &addr)) {
			hear(b, &addr, said ? &d : NULL, f->ttl_ms, ANSWERED);
			if (!f->diverted || said)
				break; /* the preferred one comes first (I-10) */
		}
}

/* What others had us find is news only of whom we do not know: the list knows more of its own. */
static void
recalled(void *arg, const struct grasp_found *f)
{
	struct search *s = arg;
	struct addr addr;

	for (size_t i = 0; i < f->locators; i++)
		if (take_locator(&f->locator[i], f->from.ifindex, &addr) &&
		    candidates_find(&s->bootstrap->known, &addr))
			return;
	found(s, f);
}

static void
searched(void *arg, unsigned responses)
{
	struct search *s = arg;

	s->discovery = NULL;
	if (!responses)
		log_debug("bootstrap", "no controller has answered");
}

/* Where anybody may speak, what was heard is worth waiting for while it is the only one, and untried. */
static bool
was_just_heard(const struct bootstrap *b)
{
	unsigned heard = 0;

	for (size_t i = 0; i < b->known.len; i++) {
		const struct candidate *c = &b->known.list[i];

		heard += c->heard_ms != INT64_MIN &&
		    now(b) - c->heard_ms < HEARD_RECENT_MS && !c->failures && !c->trying;
	}
	return b->cfg.dull ? heard == 1 : heard > 0;
}

/* Outside a domain we tell nobody more than that we look. */
static void
describe(const struct bootstrap *b, struct fog_domain *ret)
{
	char attributes[GRASP_SCOPE_TEXT_MAX];

	*ret = (struct fog_domain){ .role = FOG_AGENT };
	strcpy(ret->domain, b->cfg.domain);
	if (b->cfg.dull)
		return;
	ret->has_id = true;
	ret->id = *b->cfg.id;
	ret->hops = b->cfg.hops; /* SC-11 */
	if (grasp_scope_disclose(b->cfg.attributes, attributes) == 0 &&
	    strlen(attributes) < sizeof ret->scope)
		strcpy(ret->scope, attributes);
}

static int
send_search(struct bootstrap *b, struct slice value, struct search *s)
{
	static const struct grasp_reach link = { .link_local = true };
	uint8_t loops = b->cfg.hops ? b->cfg.hops : FOG_LOOP_COUNT;
	struct grasp_objective o = { .name = slice_text(b->objective),
		.flags = F_DISC | (b->cfg.dull ? F_NEG : F_SYNCH),
		.loop_count = b->cfg.dull ? 1 : loops,
		.value = value };

	if (b->cfg.dull)
		return grasp_discover_in(b->node, &o, &link, SEARCH_WAIT_MS, found,
		    searched, s, &s->discovery);
	return grasp_discover(
	    b->node, &o, SEARCH_WAIT_MS, found, searched, s, &s->discovery);
}

/* False if it went nowhere: at boot, addresses take a second or two to become usable. */
static bool
discover(struct bootstrap *b)
{
	struct search *s = &b->search[b->searches % SEARCHES]; /* the oldest */
	struct fog_domain self;
	uint8_t memory[512];
	struct buf value;

	describe(b, &self);
	buf_init_fixed(&value, memory, sizeof memory);
	fog_domain_encode(&self, &value);
	grasp_discovery_cancel(TAKE(s->discovery));
	int err = send_search(b, buf_slice(&value), s);
	if (err < 0) {
		log_debug("bootstrap", "cannot send a discovery: %s", strerror(-err));
		return true;
	}
	b->searches++;
	if (grasp_discovery_sent(s->discovery) == 0)
		return false;
	b->asked_ms = now(b);
	return true;
}

static void
fire(void *arg)
{
	struct bootstrap *b = arg;

	if (!b->searching)
		return;
	if (!was_just_heard(b)) /* G-074 */
		grasp_cached(
		    b->node, slice_text(b->objective), 0, recalled, &b->search[0]);
	if (!was_just_heard(b) && !discover(b)) {
		timer_set(b->io, b->timer, SEARCH_DEAF_MS);
		return;
	}
	timer_set(b->io, b->timer, jittered(b->io, b->interval_ms));
	b->interval_ms =
	    b->interval_ms * 2 < SEARCH_MAX_MS ? b->interval_ms * 2 : SEARCH_MAX_MS;
}

static void
search_on_hint(struct bootstrap *b)
{
	if (!b->searching ||
	    (b->hinted_ms != INT64_MIN && now(b) - b->hinted_ms < HINT_GAP_MS))
		return;
	b->hinted_ms = now(b);
	timer_set(b->io, b->timer, random_below(b->io, HINT_JITTER_MS + 1));
}

static void
stop_searches(struct bootstrap *b)
{
	for (size_t i = 0; i < SEARCHES; i++)
		grasp_discovery_cancel(TAKE(b->search[i].discovery));
}

void
bootstrap_search(struct bootstrap *b, int64_t delay_ms)
{
	if (b->searching)
		return;
	b->searching = true;
	b->interval_ms = SEARCH_MIN_MS;
	timer_set(b->io, b->timer, random_below(b->io, delay_ms + 1));
}

void
bootstrap_rest(struct bootstrap *b)
{
	b->searching = false;
	timer_stop(b->io, b->timer);
	stop_searches(b);
}

/* --- life ----------------------------------------------------------------------------------- */
static void
add_fixed(struct bootstrap *b)
{
	for (size_t i = 0; i < b->cfg.fixeds; i++) {
		struct addr addr = b->cfg.fixed[i];
		struct candidate *c;

		if (!addr.port)
			addr.port = GRASP_LISTEN_PORT;
		c = candidates_find(&b->known, &addr)
		    ? NULL
		    : candidates_add(&b->known, &addr, false);
		if (c)
			c->fixed = true;
	}
}

static int
listen_to_floods(struct bootstrap *b)
{
	const struct grasp_support support = {
		.discovered = discovered,
		.flooded = flooded,
		.assist = b->cfg.dull ? GRASP_ASSIST_OFF : b->cfg.assist,
		.fits = fits,
	};

	return grasp_register(b->node, b->objective, 0, &support, b, &b->listening);
}

int
bootstrap_new(struct grasp_node *node, const struct bootstrap_config *cfg,
    void (*news)(void *arg, const struct addr *again), void *arg, struct bootstrap **ret)
{
	CLEANUP(bootstrap_free) struct bootstrap *b = calloc(1, sizeof *b);
	int err;

	if (!b)
		return -ENOMEM;
	b->node = node;
	b->io = grasp_node_io(node);
	b->cfg = *cfg;
	b->news = news;
	b->arg = arg;
	b->hinted_ms = b->asked_ms = INT64_MIN;
	candidates_init(&b->known, b->io);
	for (size_t i = 0; i < SEARCHES; i++)
		b->search[i].bootstrap = b;
	fog_objective_name(cfg->prefix, cfg->dull ? FOGJOIN : FOGDOMAIN, b->objective);
	err = timer_new(b->io, fire, b, &b->timer);
	if (err < 0)
		return err;
	err = listen_to_floods(b);
	if (err < 0)
		return err;
	add_fixed(b);
	*ret = TAKE(b);
	return 0;
}

void
bootstrap_free(struct bootstrap *b)
{
	if (!b)
		return;
	stop_searches(b);
	grasp_deregister(b->listening);
	timer_free(b->io, b->timer);
	free(b);
}

size_t
bootstrap_candidates(const struct bootstrap *b, const struct candidate **ret)
{
	*ret = b->known.list;
	return b->known.len;
}

uint64_t
bootstrap_searches(const struct bootstrap *b)
{
	return b->searches;
}
