/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/registration.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

enum registration_key {
	KEY_NODE = 1,
	KEY_DOMAIN,
	KEY_NAME,
	KEY_BOOT,
	KEY_CAPS,
	KEY_RENEW,
	KEY_PLAN,
	KEY_TIME,
	KEY_TRUST,
	KEY_DENIALS,
	KEY_PLAN_DIGEST,
};
#define REGISTRATION_REQUIRED (KEY(KEY_NODE) | KEY(KEY_BOOT) | KEY(KEY_TIME))

enum lease_key {
	KEY_CONTROLLER = 1,
	KEY_EPOCH,
	KEY_LEASE,
	KEY_BEAT,
	KEY_WALL,
};
#define LEASE_REQUIRED \
	(KEY(KEY_CONTROLLER) | KEY(KEY_EPOCH) | KEY(KEY_LEASE) | KEY(KEY_BEAT))

static bool
has_digest(const struct fog_registration *r)
{
	static const uint8_t none[sizeof r->plan_digest];

	return r->plan_version && memcmp(r->plan_digest, none, sizeof none) != 0;
}

void
fog_registration_encode(const struct fog_registration *r, struct buf *out)
{
	wr_map(out,
	    3u + !!r->domain[0] + !!r->name[0] + !!r->caps.len + r->renew +
		!!r->plan_version + !!r->trust_version + !!r->denials + has_digest(r));
	wr_uint(out, KEY_NODE);
	wr_bytes(out, r->node.bytes, sizeof r->node.bytes);
	if (r->domain[0]) {
		wr_uint(out, KEY_DOMAIN);
		wr_text(out, r->domain);
	}
	if (r->name[0]) {
		wr_uint(out, KEY_NAME);
		wr_text(out, r->name);
	}
	wr_uint(out, KEY_BOOT);
	wr_bytes(out, r->boot, sizeof r->boot);
	if (r->caps.len) {
		wr_uint(out, KEY_CAPS);
		wr_raw(out, r->caps);
	}
	if (r->renew) {
		wr_uint(out, KEY_RENEW);
		wr_bool(out, true);
	}
	if (r->plan_version) {
		wr_uint(out, KEY_PLAN);
		wr_uint(out, r->plan_version);
	}
	wr_uint(out, KEY_TIME);
	wr_uint(out, (uint64_t)r->boot_ms);
	if (r->trust_version) {
		wr_uint(out, KEY_TRUST);
		wr_uint(out, r->trust_version);
	}
	if (r->denials) {
		wr_uint(out, KEY_DENIALS);
		wr_uint(out, r->denials);
	}
	if (has_digest(r)) {
		wr_uint(out, KEY_PLAN_DIGEST);
		wr_bytes(out, r->plan_digest, sizeof r->plan_digest);
	}
}

static void
read_registration_key(struct cbor_reader *r, int64_t key, struct fog_registration *ret)
{
	switch (key) {
	case KEY_NODE:
		rd_bytes_copy(r, ret->node.bytes, sizeof ret->node.bytes);
		break;
	case KEY_DOMAIN:
		value_text_copy(r, ret->domain, sizeof ret->domain);
		break;
	case KEY_NAME:
		value_text_copy(r, ret->name, sizeof ret->name);
		break;
	case KEY_BOOT:
		rd_bytes_copy(r, ret->boot, sizeof ret->boot);
		break;
	case KEY_CAPS:
		ret->caps = value_raw(r, RD_MAP, CAPS_ENCODED_MAX);
		break;
	case KEY_RENEW:
		ret->renew = rd_bool(r);
		break;
	case KEY_PLAN:
		ret->plan_version = rd_uint(r);
		break;
	case KEY_TIME:
		ret->boot_ms = value_time(r);
		break;
	case KEY_TRUST:
		ret->trust_version = rd_uint(r);
		break;
	case KEY_DENIALS:
		ret->denials = rd_uint(r);
		break;
	case KEY_PLAN_DIGEST:
		rd_bytes_copy(r, ret->plan_digest, sizeof ret->plan_digest);
		break;
	default:
		rd_skip(r);
	}
}

int
fog_registration_decode(struct slice value, struct fog_registration *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		read_registration_key(&r, key, ret);
	}
	rd_leave(&r);
	return value_done(
	    &r, seen, REGISTRATION_REQUIRED | (ret->renew ? 0 : KEY(KEY_CAPS)));
}

void
fog_lease_encode(const struct fog_lease *l, struct buf *out)
{
	wr_map(out, 4u + !!l->time_ms);
	wr_uint(out, KEY_CONTROLLER);
	wr_bytes(out, l->controller.bytes, sizeof l->controller.bytes);
	wr_uint(out, KEY_EPOCH);
	wr_uint(out, l->epoch);
	wr_uint(out, KEY_LEASE);
	wr_uint(out, l->lease_ms);
	wr_uint(out, KEY_BEAT);
	wr_uint(out, l->beat_ms);
	if (l->time_ms) {
		wr_uint(out, KEY_WALL);
		wr_uint(out, (uint64_t)l->time_ms);
	}
}

/* A lease or heartbeat of nearly nothing would keep both sides busy with nothing else. */
static uint32_t
read_span(struct cbor_reader *r, uint32_t min)
{
	uint32_t ms = (uint32_t)rd_uint_max(r, FOG_LEASE_MAX_MS);

	if (ms < min)
		rd_fail(r, -EBADMSG);
	return ms;
}

int
fog_lease_decode(struct slice value, struct fog_lease *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, 0);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_CONTROLLER:
			rd_bytes_copy(
			    &r, ret->controller.bytes, sizeof ret->controller.bytes);
			break;
		case KEY_EPOCH:
			ret->epoch = rd_uint(&r);
			break;
		case KEY_LEASE:
			ret->lease_ms = read_span(&r, FOG_LEASE_MIN_MS);
			break;
		case KEY_BEAT:
			ret->beat_ms = read_span(&r, FOG_BEAT_MIN_MS);
			break;
		case KEY_WALL:
			ret->time_ms = value_time(&r);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return value_done(&r, seen, LEASE_REQUIRED);
}
