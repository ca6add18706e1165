/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/advert.h"

#include "base/addr_text.h"
#include "base/clock.h"
#include "base/log.h"
#include "grasp/grasp.h"
#include "grasp/scope.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JITTER_PCT   20
#define LEAVE_TTL_MS 5000 /* short, and not zero, which would mean for ever */
#define VALUE_MAX    512
#define OTHERS_MAX   16

#define NEAREST_MS   3000   /* no two announcements are nearer to each other (F-14) */
#define LONGEST_MS   160000 /* the period doubles up to it while nothing changes */
#define NOWHERE_MS   300 /* at boot an address takes a second or two to become usable */
#define FIRST	     3 /* who has just started listening should not have to wait a period */

/* Another controller, as far as multicast tells. */
struct other {
	struct fog_id id;
	int64_t until_ms; /* 0: a free place */
};

struct advert {
	struct grasp_node *grasp;
	struct grasp_io *io;
	struct advert_config cfg;
	struct advert_counters counters;
	char name[FOG_NAME_MAX + 1];
	struct grasp_registration *registration, *alias;
	struct grasp_discovery *draft;
	struct grasp_timer *timer;
	unsigned sent;
	int64_t period_ms; /* the present one */
	int64_t sent_ms;   /* when the last announcement was */
	struct other other[OTHERS_MAX];
};

static void
put_value(const struct advert *a, bool leaving, struct buf *out)
{
	struct fog_domain d = {
		.has_id = true,
		.id = a->cfg.id,
		.epoch = a->cfg.epoch,
		.role = FOG_CONTROLLER,
		.leaving = leaving,
		.hops = a->cfg.hops,
	};

	snprintf(d.domain, sizeof d.domain, "%s", a->cfg.domain);
	snprintf(d.scope, sizeof d.scope, "%s", a->cfg.scope);
	fog_domain_encode(&d, out);
}

static struct grasp_objective
objective_of(const struct advert *a, const struct buf *value)
{
	return (struct grasp_objective){
		.name = slice_text(a->name),
		.flags = F_DISC | F_SYNCH,
		.loop_count = a->cfg.hops ? a->cfg.hops : FOG_LOOP_COUNT,
		.value = buf_slice(value),
	};
}

/* --- sending ----------------------------------------------------------------------------------------------- */
/* Under both names in one message if both are in use (F-06). On how many interfaces. */
static int
send_flood(struct advert *a, const struct buf *value, uint32_t ttl_ms)
{
	const struct grasp_locator here = { .kind = O_IPv6_LOCATOR, .proto = GRASP_TCP };
	const struct grasp_locator locator[] = { here, here };
	struct grasp_objective objective[] = { objective_of(a, value),
		objective_of(a, value) };

	objective[1].name = slice_text(FOGDOMAIN);
	return grasp_flood_all(
	    a->grasp, objective, locator, a->cfg.plain_name ? 2 : 1, ttl_ms);
}

static int
flood(struct advert *a, bool leaving)
{
	uint8_t memory[VALUE_MAX];
	struct buf value;
	int sent;

	buf_init_fixed(&value, memory, sizeof memory);
	put_value(a, leaving, &value);
	sent =
	    send_flood(a, &value, leaving ? LEAVE_TTL_MS : (uint32_t)(3 * a->period_ms));
	if (sent < 0)
		log_warnx(
		    "advert", "cannot announce this controller: %s", strerror(-sent));
	else
		a->counters.floods++;
	return sent;
}

/* F-20: who answers our own advertisement is another controller, or knows one. */
static void
on_draft_answer(void *arg, const struct grasp_found *found)
{
	struct advert *a = arg;

	(void)found;
	a->counters.others++;
}

static void
on_draft_over(void *arg, unsigned responses)
{
	struct advert *a = arg;

	(void)responses;
	a->draft = NULL;
}

static void
discover_as_draft(struct advert *a)
{
	struct grasp_objective objective;
	uint8_t memory[VALUE_MAX];
	struct buf value;
	int err;

	if (a->draft)
		return;
	buf_init_fixed(&value, memory, sizeof memory);
	put_value(a, false, &value);
	objective = objective_of(a, &value);
	err = grasp_discover(
	    a->grasp, &objective, 0, on_draft_answer, on_draft_over, a, &a->draft);
	if (err)
		log_debug(
		    "advert", "no advertisement as in the draft: %s", strerror(-err));
}

/* --- when (F-14) ------------------------------------------------------------------------------------------- */
static void
set_timer(struct advert *a, int64_t delay_ms)
{
	a->io->ops->timer_set(a->timer, delay_ms);
}

static void
plan_next(struct advert *a)
{
	uint32_t random;
	int64_t next = NEAREST_MS;

	if (++a->sent > FIRST) {
		a->io->ops->random(a->io, &random, sizeof random);
		next = clock_jitter((uint32_t)a->period_ms, JITTER_PCT, random);
	}
	set_timer(a, next > NEAREST_MS ? next : NEAREST_MS);
}

static void
double_period(struct advert *a)
{
	int64_t longest = a->cfg.period_ms > LONGEST_MS ? a->cfg.period_ms : LONGEST_MS;

	if (a->sent <= FIRST)
		return;
	a->period_ms *= 2;
	if (a->period_ms > longest)
		a->period_ms = longest;
}

/* Somebody came who does not know us, or somebody went: the short period again. */
static void
hurry(struct advert *a)
{
	int64_t now = grasp_io_now(a->io), next;

	if (a->period_ms == a->cfg.period_ms)
		return;
	a->period_ms = a->cfg.period_ms;
	next = a->sent_ms + a->period_ms - now;
	set_timer(a, next > 0 ? next : 0);
}

/* The life that is told is three times the period that follows, so the period grows first. */
static void
announce(struct advert *a)
{
	double_period(a);
	if (flood(a, false) == 0 && a->sent == 0) {
		set_timer(a, NOWHERE_MS);
		return;
	}
	a->sent_ms = grasp_io_now(a->io);
	if (a->cfg.draft)
		discover_as_draft(a);
	plan_next(a);
}

static void
on_timer(void *arg)
{
	announce(arg);
}

/* --- hearing ------------------------------------------------------------------------------------------------ */
/* A value is not required (F-03); one that we do not understand does not speak against us. Who asks
 * tells its attributes: is it one of those we are for (SC-10)? */
static bool
is_for_us(const struct advert *a, const struct fog_domain *d)
{
	return fog_domain_agrees(d->domain, a->cfg.domain) &&
	    (!d->scope[0] || grasp_scope_matches(a->cfg.scope, d->scope));
}

/* Is another controller that we know one for who asks (F-10)? Who is outside our domain is not
 * answered (SCP-04). */
static bool
fits(void *arg, const struct grasp_objective *asked, const struct grasp_objective *known)
{
	const struct advert *a = arg;
	struct fog_domain node, other;

	if (!known || fog_domain_decode(asked->value, &node) ||
	    fog_domain_decode(known->value, &other))
		return false;
	return !other.leaving && fog_domain_agrees(node.domain, a->cfg.domain) &&
	    fog_domain_agrees(node.domain, other.domain) &&
	    (!node.scope[0] || grasp_scope_matches(other.scope, node.scope));
}

static bool
on_discovered(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *asked, struct buf *ret_value)
{
	struct advert *a = arg;
	char text[ADDR_TEXT_MAX];
	struct fog_domain d;

	if (fog_domain_decode(grasp_value_unwrap(asked->value), &d))
		d = (struct fog_domain){ 0 };
	if (!is_for_us(a, &d)) {
		a->counters.not_for_us++;
		return false;
	}
	log_debug("advert", "%s looks for us", addr_format(&from->addr, text));
	a->counters.answers++;
	if (d.role != FOG_CONTROLLER) /* which only announces itself */
		hurry(a);
	put_value(a, false, ret_value);
	return true;
}

/* The draft has two names. A node that looks for its controller under that of a property of nodes is
 * answered by controllers, as it says that it is an agent; all others are answered by nodes (F-05). */
static bool
on_alias_discovered(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *asked, struct buf *ret_value)
{
	struct fog_domain d;

	return fog_domain_decode(grasp_value_unwrap(asked->value), &d) == 0 &&
	    d.role == FOG_AGENT && on_discovered(arg, from, asked, ret_value);
}

static struct other *
find_other(struct advert *a, const struct fog_id *id)
{
	int64_t now = grasp_io_now(a->io);
	struct other *unused = NULL;

	for (size_t i = 0; i < OTHERS_MAX; i++) {
		struct other *o = &a->other[i];

		if (o->until_ms > now && !memcmp(&o->id, id, sizeof *id))
			return o;
		if (o->until_ms <= now) {
			o->until_ms = 0;
			unused = o;
		}
	}
	return unused;
}

static void
note_other(struct advert *a, const struct grasp_peer *from, const struct fog_domain *d,
    uint32_t ttl_ms)
{
	char id[FOG_ID_TEXT], text[ADDR_TEXT_MAX];
	struct other *o = find_other(a, &d->id);
	bool known = o && o->until_ms;

	if (!o)
		return;
	if (known == d->leaving)
		log_info("advert", "controller %.8s of domain \"%s\" at %s %s",
		    fog_id_format(&d->id, id), d->domain, addr_format(&from->addr, text),
		    d->leaving ? "leaves" : "is there too");
	if (known == d->leaving)
		hurry(a);
	o->id = d->id;
	o->until_ms = d->leaving ? 0 : grasp_io_now(a->io) + ttl_ms;
}

static void
on_flood(void *arg, const struct grasp_peer *from,
    const struct grasp_objective *objective, const struct grasp_locator *locator,
    uint32_t ttl_ms)
{
	struct advert *a = arg;
	struct fog_domain d;

	(void)locator;
	if (fog_domain_decode(grasp_value_unwrap(objective->value), &d) || !d.has_id ||
	    !memcmp(&d.id, &a->cfg.id, sizeof d.id))
		return;
	a->counters.others++;
	note_other(a, from, &d, ttl_ms);
}

/* Who has not heard the flood may ask (G-124). */
static void
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	uint8_t memory[VALUE_MAX];
	struct buf value;

	(void)asked;
	buf_init_fixed(&value, memory, sizeof memory);
	put_value(arg, false, &value);
	if (value.err || grasp_session_synch(s, buf_slice(&value)) < 0)
		grasp_session_end(s, false, NULL);
}

/* --- life ---------------------------------------------------------------------------------------------------- */
int
advert_new(struct grasp_node *grasp, const struct advert_config *cfg, struct advert **ret)
{
	const struct grasp_support support = {
		.discovered = on_discovered,
		.synchronize = synchronize,
		.flooded = on_flood,
		.assist = cfg->assist,
		.fits = fits,
	};
	static const struct grasp_support alias = {
		.discovered = on_alias_discovered,
		.assist = GRASP_ASSIST_OFF,
		.shared = true,
	};
	CLEANUP(advert_free) struct advert *a = calloc(1, sizeof *a);
	char name[FOG_NAME_MAX + 1];
	int err;

	if (!a)
		return -ENOMEM;
	a->grasp = grasp;
	a->io = grasp_node_io(grasp);
	a->cfg = *cfg;
	a->period_ms = cfg->period_ms;
	fog_objective_name(cfg->prefix, FOGDOMAIN, a->name);
	err = grasp_register(
	    grasp, a->name, F_DISC | F_SYNCH, &support, a, &a->registration);
	fog_objective_name(cfg->prefix, FOGNODEDOMAIN, name);
	if (!err)
		err = grasp_register(grasp, name, F_DISC | F_SYNCH, &alias, a, &a->alias);
	if (!err)
		err = a->io->ops->timer_new(a->io, on_timer, a, &a->timer);
	if (err)
		return err;
	announce(a);
	*ret = TAKE(a);
	return 0;
}

void
advert_leave(struct advert *a)
{
	a->io->ops->timer_stop(a->timer);
	flood(a, true);
}

void
advert_free(struct advert *a)
{
	if (!a)
		return;
	if (a->draft)
		grasp_discovery_cancel(a->draft);
	if (a->timer)
		a->io->ops->timer_free(a->timer);
	grasp_deregister(a->registration);
	grasp_deregister(a->alias);
	free(a);
}

const struct advert_counters *
advert_counters(const struct advert *a)
{
	return &a->counters;
}
