/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "trust/guard_int.h"

#define CLOCK_ASKED_EVERY_MS 60000
#define SIGNATURES_AT_ONCE   100 /* they take some 10 ms */

static bool
drop(struct guard *g, enum guard_drop why)
{
	g->counters.dropped[why]++;
	return false;
}

static bool
is_member(const struct guard *g)
{
	return credential_state(g->self) == CREDENTIAL_VALID;
}

static bool
is_clock_right(struct guard *g)
{
	int64_t now = grasp_io_now(g->io);

	if (g->clock_asked_ms == INT64_MIN ||
	    now - g->clock_asked_ms >= CLOCK_ASKED_EVERY_MS) {
		g->clock_right = g->clock_is_right();
		g->clock_asked_ms = now;
	}
	return g->clock_right;
}

/* --- the datagram ------------------------------------------------------------------------- */

static enum guard_drop
drop_of_seal(int err)
{
	switch (err) {
	case -ENOKEY:
		return GUARD_UNKNOWN_SECRET;
	case -EALREADY:
		return GUARD_REPLAYED;
	case -ETIME:
		return GUARD_TOO_OLD;
	default:
		return GUARD_MALFORMED;
	}
}

static bool
open_sealed(struct guard *g, const struct grasp_datagram *d, struct slice *ret)
{
	int r;

	if (g->mode != GUARD_SEALED || !is_member(g))
		return drop(g, GUARD_WRONG_MODE);
	buf_reset(&g->plain);
	r = seal_take(g->seal, &d->to, d->data, credential_now(g->self),
	    is_clock_right(g) ? SEAL_FRESH_S : SEAL_FRESH_LAX_S, &g->plain, g->sender);
	if (r < 0)
		return drop(g, drop_of_seal(r));
	g->opened = true;
	*ret = buf_slice(&g->plain);
	return true;
}

/* The first byte tells what it is: an array of GRASP's, or COSE's tag. */
static bool
open_any(struct guard *g, const struct grasp_datagram *d, struct slice *ret)
{
	g->opened = false;
	if (d->data.len < 2)
		return drop(g, GUARD_MALFORMED);
	if (d->data.data[0] == COSE_ENCRYPT0)
		return open_sealed(g, d, ret);
	if (d->data.data[0] < 0x80 || d->data.data[0] > 0x9f)
		return drop(g, GUARD_WRONG_MODE);
	*ret = d->data;
	return true;
}

bool
guard_open(void *arg, const struct grasp_datagram *d, struct slice *ret)
{
	struct guard *g = arg;

	switch (g->mode) {
	case GUARD_SIGNED:
	case GUARD_SEALED:
		return open_any(g, d, ret);
	case GUARD_QUADS:
		buf_reset(&g->plain);
		if (quads_open(&g->quads, d->data, &g->plain) < 0)
			return drop(g, GUARD_MALFORMED);
		*ret = buf_slice(&g->plain);
		return true;
	case GUARD_OPEN:
		break;
	}
	*ret = d->data;
	return true;
}

/* --- copies ------------------------------------------------------------------------------- */

static int
digest(struct guard *g, struct slice trailer, uint8_t ret[CRYPTO_SHA256_LEN])
{
	uint8_t both[2 * CRYPTO_SHA256_LEN];
	int r = crypto_sha256(buf_slice(&g->work), both);

	if (r == 0)
		r = crypto_sha256(trailer, both + CRYPTO_SHA256_LEN);
	if (r == 0)
		r = crypto_sha256((struct slice){ both, sizeof both }, ret);
	return r;
}

static const struct guard_copy *
find_copy(struct guard *g, const uint8_t digest[CRYPTO_SHA256_LEN])
{
	unsigned count = g->copies < GUARD_COPIES ? g->copies : GUARD_COPIES;
	int64_t now = grasp_io_now(g->io);

	for (unsigned i = 0; i < count; i++)
		if (now - g->copy[i].at_ms < GUARD_COPY_MS &&
		    memcmp(g->copy[i].digest, digest, CRYPTO_SHA256_LEN) == 0)
			return &g->copy[i];
	return NULL;
}

static void
note_copy(
    struct guard *g, const uint8_t digest[CRYPTO_SHA256_LEN], const struct grasp_who *who)
{
	struct guard_copy *c = &g->copy[g->copies++ % GUARD_COPIES];

	memcpy(c->digest, digest, sizeof c->digest);
	c->at_ms = grasp_io_now(g->io);
	c->who = *who;
}

/* --- signed ------------------------------------------------------------------------------- */

static bool
take_budget(struct guard *g)
{
	return limit_take(&g->signatures, grasp_io_now(g->io), GUARD_SIGNATURES_PER_S,
		   SIGNATURES_AT_ONCE) ||
	    drop(g, GUARD_BUSY);
}

static enum guard_drop
drop_of_judge(int err)
{
	switch (err) {
	case -EKEYREVOKED:
		return GUARD_DENIED;
	case -EKEYEXPIRED:
		return GUARD_TOO_OLD;
	case -EBADMSG:
		return GUARD_BAD_SIGNATURE;
	default:
		return GUARD_UNKNOWN_SIGNER;
	}
}

/* Cheap: what it says of itself, against what is known. */
static bool
may_be_new(struct guard *g, const struct cose_sign1 *s, const struct signer *known)
{
	int64_t age = credential_now(g->self) / 1000 - s->header.iat_s;

	if (known && !window_is_new(&known->window, s->header.counter, SIGNERS_WINDOW))
		return drop(g, GUARD_REPLAYED);
	if (is_clock_right(g) && (age > GUARD_FRESH_S || age < -GUARD_FRESH_S))
		return drop(g, GUARD_TOO_OLD);
	return true;
}

/* Only a controller says who controls. */
static bool
may_say(struct guard *g, const struct grasp_msg *msg, enum trust_role role)
{
	if (role == TRUST_CONTROLLER || msg->type != M_FLOOD)
		return true;
	for (unsigned i = 0; i < msg->items; i++)
		if (guard_is_named(g, msg->flooded[i].name, FOGDOMAIN) ||
		    guard_is_named(g, msg->flooded[i].name, FOGJOIN))
			return false;
	return true;
}

/* NULL: dropped. */
static struct signer *
find_signer(struct guard *g, const struct cose_sign1 *s)
{
	const struct signers_now now = {
		.anchors = credential_anchors(g->self),
		.generation = credential_generation(g->self),
		.now_ms = credential_now(g->self),
	};
	struct signer *signer;
	bool due;
	int r;

	signer = signers_find(g->signers, &now, s, &due);
	if (!signer && s->certificate.len == 0) {
		drop(g, GUARD_UNKNOWN_SIGNER);
		return NULL;
	}
	if (!may_be_new(g, s, signer))
		return NULL;
	if (!due)
		return signer;
	if (!take_budget(g))
		return NULL;
	r = signers_judge(g->signers, &now, s, &signer);
	if (r < 0) {
		drop(g, drop_of_judge(r));
		return NULL;
	}
	return signer;
}

static bool
check_signature(struct guard *g, const struct grasp_msg *msg, const struct cose_sign1 *s,
    struct grasp_who *ret)
{
	struct signer *signer = find_signer(g, s);

	if (!signer || !take_budget(g))
		return false;
	if (cose_sign1_verify(s, signer->key, guard_purpose, buf_slice(&g->work)) < 0)
		return drop(g, GUARD_BAD_SIGNATURE);
	if (!may_say(g, msg, signer->name.role))
		return drop(g, GUARD_WRONG_ROLE);
	window_take(&signer->window, s->header.counter);
	memcpy(ret->id, signer->name.id.bytes, sizeof ret->id);
	ret->role = signer->name.role;
	g->counters.verified++;
	return true;
}

static bool
verify_signed(struct guard *g, const struct grasp_msg *msg, struct slice message,
    struct slice trailer, struct grasp_who *ret)
{
	uint8_t now[CRYPTO_SHA256_LEN];
	const struct guard_copy *copy;
	struct cose_sign1 s;

	if (cose_sign1_read(trailer, &s) < 0 || s.payload.data ||
	    s.header.kid.len != COSE_KID_LEN || s.header.counter == 0 ||
	    s.header.iat_s == 0 || guard_put_payload(g, message) < 0 ||
	    digest(g, trailer, now) < 0)
		return drop(g, GUARD_MALFORMED);
	copy = find_copy(g, now);
	if (copy) {
		*ret = copy->who;
		g->counters.cached++;
		return true;
	}
	if (!check_signature(g, msg, &s, ret))
		return false;
	note_copy(g, now, ret);
	return true;
}

/* --- not signed --------------------------------------------------------------------------- */

/* Who floods may name himself, and nobody else (S-01): one stranger is one address. */
static bool
names_itself(const struct grasp_datagram *d, const struct grasp_msg *msg)
{
	if (msg->type != M_FLOOD)
		return true;
	for (unsigned i = 0; i < msg->items; i++)
		if (msg->locator[i].kind != O_IPv6_LOCATOR ||
		    memcmp(&msg->locator[i].ip, &d->from.ip, sizeof d->from.ip) != 0)
			return false;
	return true;
}

/* S-12. */
static enum grasp_verdict
judge_join(struct guard *g, const struct grasp_datagram *d, const struct grasp_msg *msg)
{
	const struct in6_addr *from = &d->from.ip;

	if (guard_is_all_neighbors(&d->to) && guard_loop_count(msg) == 1 &&
	    (addr_is_link_local(from) || addr_is_loopback(from)) && names_itself(d, msg))
		return GRASP_HERE;
	drop(g, GUARD_NOT_DULL);
	return GRASP_DROP;
}

/* It has the group's secret, so it is some member's; but not who announces the domain. */
static bool
verify_sealed(struct guard *g, const struct grasp_msg *msg, struct grasp_who *ret)
{
	if (!may_say(g, msg, TRUST_AGENT))
		return drop(g, GUARD_UNSIGNED);
	memset(ret->id, 0, sizeof ret->id);
	memcpy(ret->id, g->sender, sizeof g->sender);
	ret->role = TRUST_AGENT;
	return true;
}

static enum grasp_verdict
judge(struct guard *g, const struct grasp_datagram *d, const struct grasp_msg *msg,
    struct slice message, struct slice trailer, struct grasp_who *ret)
{
	bool ok;

	if (!g->opened && trailer.len == 0 && guard_is_join(g, msg))
		return judge_join(g, d, msg);
	if (!is_member(g))
		ok = drop(g, GUARD_NOT_DULL);
	else if (trailer.len > 0)
		ok = verify_signed(g, msg, message, trailer, ret);
	else if (g->opened)
		ok = verify_sealed(g, msg, ret);
	else
		ok = drop(g, GUARD_UNSIGNED);
	return ok ? GRASP_PASS : GRASP_DROP;
}

enum grasp_verdict
guard_verify(void *arg, const struct grasp_datagram *d, const struct grasp_msg *msg,
    struct slice bytes, size_t len, struct grasp_who *ret)
{
	struct guard *g = arg;

	if (g->mode == GUARD_OPEN || g->mode == GUARD_QUADS)
		return GRASP_PASS;
	return judge(g, d, msg, (struct slice){ bytes.data, len },
	    (struct slice){ bytes.data + len, bytes.len - len }, ret);
}
