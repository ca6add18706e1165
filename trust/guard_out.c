/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves. */
#include <errno.h>

#include "trust/guard_int.h"

static int
put_as_is(struct slice bytes, struct buf *out)
{
	buf_put_slice(out, bytes);
	return out->err;
}

/* The certificate goes along if the datagram holds it, so that whoever trusts the CA can verify the
 * signature; where the domain is announced, it has to (security.md §6.2 (a)). */
static struct slice
choose_certificate(struct guard *g, struct slice message, size_t room, bool needed)
{
	struct cert *cert = credential_common(g->self);
	struct slice der = cert ? cert_der(cert) : (struct slice){ 0 };

	if (!needed && message.len + COSE_SIGN1_OVERHEAD + der.len + 6 > room)
		return (struct slice){ 0 };
	return der;
}

static int
put_signed(struct guard *g, struct slice message, size_t room, bool announcement,
    struct buf *out)
{
	int64_t now = credential_now(g->self);
	struct cose_sign1 s = {
		.header.kid = { credential_name(g->self)->id.bytes, COSE_KID_LEN },
		.certificate = choose_certificate(g, message, room, announcement),
	};
	int r = guard_put_payload(g, message);

	if (r < 0)
		return r;
	r = sequence_next(&g->sequence, now, &s.header.counter, &s.header.iat_s);
	if (r < 0)
		return r;
	buf_put_slice(out, message);
	r = cose_sign1_write(
	    &s, credential_key(g->self), guard_purpose, buf_slice(&g->work), out);
	if (r == 0 && out->pos > room)
		r = -EMSGSIZE;
	if (r == 0)
		g->counters.signed_++;
	return r == -ENOSPC ? -EMSGSIZE : r;
}

static int
put_sealed(
    struct guard *g, const struct in6_addr *group, struct slice bytes, struct buf *out)
{
	int64_t now = credential_now(g->self), iat;
	uint64_t unused;
	int r = sequence_next(&g->sequence, now, &unused, &iat);

	if (r == 0)
		r = seal_put(g->seal, group, bytes, now, iat, out);
	if (r == 0)
		g->counters.sealed++;
	return r == -ENOSPC ? -EMSGSIZE : r;
}

/* --- our own messages --------------------------------------------------------------------- */

static bool
is_announcement(const struct guard *g, const struct grasp_msg *msg)
{
	for (unsigned i = 0; msg->type == M_FLOOD && i < msg->items; i++)
		if (guard_is_named(g, msg->flooded[i].name, FOGDOMAIN))
			return true;
	return false;
}

/* Strangers are to understand it, and nobody else is to hear it. */
static int
put_join(const struct in6_addr *group, const struct grasp_msg *msg, struct slice bytes,
    struct buf *out)
{
	if (!guard_is_all_neighbors(group) || guard_loop_count(msg) != 1)
		return -EPERM;
	return put_as_is(bytes, out);
}

static int
put_own_sealed(struct guard *g, const struct in6_addr *group, const struct grasp_msg *msg,
    struct slice bytes, struct buf *out)
{
	int r = 0;

	if (credential_name(g->self)->role == TRUST_CONTROLLER) {
		buf_reset(&g->inner);
		r = put_signed(g, bytes, GRASP_MULTICAST_MAX - COSE_ENCRYPT0_OVERHEAD,
		    is_announcement(g, msg), &g->inner);
		bytes = buf_slice(&g->inner);
	}
	return r < 0 ? r : put_sealed(g, group, bytes, out);
}

static bool
is_sealing(const struct guard *g)
{
	return g->mode == GUARD_SEALED && seal_is_ready(g->seal, credential_now(g->self));
}

static int
put_own(
    struct guard *g, const struct in6_addr *group, struct slice bytes, struct buf *out)
{
	UNSET struct grasp_msg msg;
	size_t len;
	int r = grasp_msg_decode(bytes, &msg, &len);

	if (r < 0)
		return r;
	if (guard_is_join(g, &msg))
		return put_join(group, &msg, bytes, out);
	if (credential_state(g->self) != CREDENTIAL_VALID)
		return -EPERM;
	if (is_sealing(g))
		return put_own_sealed(g, group, &msg, bytes, out);
	return put_signed(g, bytes, GRASP_MULTICAST_MAX, is_announcement(g, &msg), out);
}

/* --- somebody else's ---------------------------------------------------------------------- */

/* The trailer stays as it is. What was sealed alone has none: without the secret nobody would believe
 * it, and we do not say it for others. */
static int
put_relayed(
    struct guard *g, const struct in6_addr *group, struct slice bytes, struct buf *out)
{
	ssize_t len = cbor_item_length(bytes, bytes.len);

	if (credential_state(g->self) != CREDENTIAL_VALID)
		return -EPERM;
	if (is_sealing(g))
		return put_sealed(g, group, bytes, out);
	return len > 0 && (size_t)len < bytes.len ? put_as_is(bytes, out) : -EPERM;
}

int
guard_protect(void *arg, const struct in6_addr *group, struct slice bytes, bool own,
    struct buf *out)
{
	struct guard *g = arg;

	switch (g->mode) {
	case GUARD_SIGNED:
	case GUARD_SEALED:
		return own ? put_own(g, group, bytes, out)
			   : put_relayed(g, group, bytes, out);
	case GUARD_QUADS:
		return quads_seal(&g->quads, bytes, out);
	case GUARD_OPEN:
		break;
	}
	return put_as_is(bytes, out);
}
