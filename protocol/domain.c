/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/domain.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

enum key {
	KEY_ID = 1,
	KEY_DOMAIN = 2,
	KEY_SCOPE = 3,
	KEY_EPOCH = 4,
	KEY_ROLE = 6,
	KEY_HOPS = 9,
	KEY_LEAVING = 10,
};

void
fog_domain_encode(const struct fog_domain *d, struct buf *out)
{
	wr_map(out,
	    (uint64_t)d->has_id + 1 + !!d->scope[0] + !!d->epoch + !!d->role + !!d->hops +
		d->leaving);
	if (d->has_id) {
		wr_uint(out, KEY_ID);
		wr_bytes(out, d->id.bytes, sizeof d->id.bytes);
	}
	wr_uint(out, KEY_DOMAIN);
	wr_text(out, d->domain);
	if (d->scope[0]) {
		wr_uint(out, KEY_SCOPE);
		wr_text(out, d->scope);
	}
	if (d->epoch) {
		wr_uint(out, KEY_EPOCH);
		wr_uint(out, d->epoch);
	}
	if (d->role) {
		wr_uint(out, KEY_ROLE);
		wr_uint(out, d->role);
	}
	if (d->hops) {
		wr_uint(out, KEY_HOPS);
		wr_uint(out, d->hops);
	}
	if (d->leaving) {
		wr_uint(out, KEY_LEAVING);
		wr_bool(out, true);
	}
}

/* A peer that follows the draft's figures may call itself by a text: it is then nobody we know. */
static void
read_id(struct cbor_reader *r, struct fog_domain *ret)
{
	if (rd_peek(r) == RD_TEXT) {
		rd_skip(r);
		return;
	}
	rd_bytes_copy(r, ret->id.bytes, sizeof ret->id.bytes);
	ret->has_id = true;
}

static enum fog_role
read_role(struct cbor_reader *r)
{
	uint64_t role = rd_uint(r);

	return role == FOG_CONTROLLER || role == FOG_AGENT ? (enum fog_role)role : 0;
}

static void
read_map(struct cbor_reader *r, struct fog_domain *ret)
{
	rd_enter_map(r);
	for (int64_t key = -1; rd_next_key(r, &key);) {
		switch (key) {
		case KEY_ID:
			read_id(r, ret);
			break;
		case KEY_DOMAIN:
			value_text_copy(r, ret->domain, sizeof ret->domain);
			break;
		case KEY_SCOPE:
			value_text_copy(r, ret->scope, sizeof ret->scope);
			break;
		case KEY_EPOCH:
			ret->epoch = rd_uint(r);
			break;
		case KEY_ROLE:
			ret->role = read_role(r);
			break;
		case KEY_HOPS:
			ret->hops = (uint8_t)rd_uint_max(r, UINT8_MAX);
			break;
		case KEY_LEAVING:
			ret->leaving = rd_bool(r);
			break;
		default:
			rd_skip(r);
		}
	}
	rd_leave(r);
}

int
fog_domain_decode(struct slice value, struct fog_domain *ret)
{
	struct cbor_reader r;

	memset(ret, 0, sizeof *ret);
	if (!value.len)
		return 0;
	rd_init(&r, value, 0);
	switch ((int)rd_peek(&r)) {
	case RD_NULL:
		rd_null(&r);
		break;
	case RD_TEXT:
		value_text_copy(&r, ret->domain, sizeof ret->domain);
		break;
	default:
		read_map(&r, ret);
	}
	return value_done(&r, 0, 0);
}

bool
fog_domain_agrees(const char *a, const char *b)
{
	return !a[0] || !b[0] || strcmp(a, b) == 0;
}
