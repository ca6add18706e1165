/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/renewal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/timing.h"
#include "base/log.h"

#define SOON_MS	     3000 /* many nodes hear of a new CA at the same time */
#define LOOK_MAX_MS  (60 * 60 * 1000)
#define RETRY_MIN_MS (30 * 1000)
#define RETRY_MAX_MS (30 * 60 * 1000)
#define RETRY_SHARE  5

struct renewal {
	const struct renewal_env *env;
	struct admission *admission;
	struct admission_env admission_env;
	struct grasp_timer *timer;
	int64_t not_before_ms; /* the next attempt, monotonic */
	int64_t retry_ms;      /* after the next failure */
	uint64_t count;
	char trouble[160];
};

static int64_t
now(const struct renewal *r)
{
	return grasp_io_now(r->env->io);
}

/* Has our certificate been issued by the newest of the CAs that we trust? */
static bool
is_of_newest_ca(struct credential *c)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	char hint[17];
	const struct cert *own = credential_cert(c, credential_hint(c, hint));

	return !own || !anchors_get(credential_anchors(c), ca) ||
	    !memcmp(cert_facts(own)->issuer_fingerprint,
		cert_facts(ca[0])->key_fingerprint, 32);
}

/* ms until it is due, by our certificate. */
static int64_t
due_in(const struct renewal *r)
{
	struct credential *c = r->env->credential;
	int64_t at = credential_renew_ms(c);

	if (!is_of_newest_ca(c))
		return 0;
	return at == INT64_MAX ? INT64_MAX : at - credential_now(c);
}

static void
schedule(struct renewal *r, int64_t in_ms)
{
	int64_t wait = r->not_before_ms - now(r);

	if (in_ms < wait)
		in_ms = wait;
	if (in_ms > LOOK_MAX_MS)
		in_ms = LOOK_MAX_MS; /* fog_time may run otherwise than the timer */
	timer_set(r->env->io, r->timer, in_ms);
}

/* Several attempts fit in what is left of the certificate. */
static int64_t
retry_in(const struct renewal *r)
{
	struct credential *c = r->env->credential;
	char hint[17];
	const struct cert *own = credential_cert(c, credential_hint(c, hint));
	int64_t ms = r->retry_ms, share;

	if (own) {
		share = (cert_facts(own)->not_after_ms - credential_now(c)) / RETRY_SHARE;
		if (ms > share)
			ms = share > RETRY_MIN_MS ? share : RETRY_MIN_MS;
	}
	return jittered(r->env->io, ms);
}

static void
put_off(struct renewal *r, const char *why)
{
	snprintf(r->trouble, sizeof r->trouble, "%s", why);
	r->not_before_ms = now(r) + retry_in(r);
	r->retry_ms = r->retry_ms * 2 < RETRY_MAX_MS ? r->retry_ms * 2 : RETRY_MAX_MS;
	schedule(r, 0);
}

static void
fire(void *arg)
{
	struct renewal *r = arg;
	struct grasp_link *link = r->env->link(r->env->arg);
	int64_t in_ms = due_in(r);

	if (admission_is_asking(r->admission))
		return; /* its end looks again */
	if (in_ms > 0 || !link) {
		schedule(r, in_ms > 0 ? in_ms : LOOK_MAX_MS);
		return;
	}
	log_info("join", "asking for a new certificate");
	int err = admission_ask(r->admission, link, NULL);
	if (err < 0)
		put_off(r, strerror(-err));
}

void
renewal_look(struct renewal *r)
{
	int64_t in_ms = due_in(r);

	schedule(r, in_ms > 0 ? in_ms : random_below(r->env->io, SOON_MS + 1));
}

/* --- the answer ----------------------------------------------------------------------------- */
static void
waiting(void *arg)
{
	(void)arg; /* the signer is busy */
}

static void
ended(void *arg, enum admission_outcome outcome, const char *why,
    const struct fog_grant *grant)
{
	struct renewal *r = arg;

	(void)grant;
	if (outcome != ADMISSION_GRANTED) {
		log_warnx("join", "no new certificate yet: %s; trying again", why);
		put_off(r, why);
		return;
	}
	r->count++;
	if (due_in(r) <= 0) { /* one that the controller had made before */
		put_off(r, "the certificate that came is no newer");
		return;
	}
	r->trouble[0] = 0;
	r->retry_ms = RETRY_MIN_MS;
	log_info("join", "the certificate is renewed");
	schedule(r, due_in(r));
}

static void
learn_time(void *arg, int64_t controller_ms)
{
	const struct renewal *r = arg;

	r->env->time(r->env->arg, controller_ms);
}

/* --- life ----------------------------------------------------------------------------------- */
int
renewal_new(const struct renewal_env *env, struct renewal **ret)
{
	CLEANUP(renewal_free) struct renewal *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	r->env = env;
	r->retry_ms = RETRY_MIN_MS;
	r->admission_env = (struct admission_env){ .prefix = env->prefix,
		.identity = env->identity,
		.credential = env->credential,
		.time = learn_time,
		.waiting = waiting,
		.ended = ended,
		.arg = r };
	int err = timer_new(env->io, fire, r, &r->timer);
	if (err >= 0)
		err = admission_new(&r->admission_env, &r->admission);
	if (err < 0)
		return err;
	*ret = TAKE(r);
	return 0;
}

void
renewal_free(struct renewal *r)
{
	if (!r)
		return;
	admission_free(r->admission);
	timer_free(r->env->io, r->timer);
	free(r);
}

uint64_t
renewal_count(const struct renewal *r)
{
	return r->count;
}

const char *
renewal_trouble(const struct renewal *r)
{
	return r->trouble;
}
