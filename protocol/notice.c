/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/notice.h"
#include "protocol/value.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

#define DER_MAX	    2048
#define DENIAL_LEN  ((size_t)32)
#define DENIAL_HEAD "\x58\x20" /* of a byte string of that length */
#define DENIAL_STEP (DENIAL_LEN + sizeof DENIAL_HEAD - 1)

static_assert(sizeof(struct fog_denial) == DENIAL_LEN, "id, then serial");

enum notice_key {
	KEY_TRUST = 1,
	KEY_CAS,
	KEY_BEFORE,
	KEY_DENIALS,
	KEY_SECRETS,
};

/* --- encode -------------------------------------------------------------------------------------- */
static void
put_cas(const struct fog_notice *n, struct buf *out)
{
	wr_uint(out, KEY_CAS);
	wr_array(out, n->cas);
	for (size_t i = 0; i < n->cas; i++)
		wr_bytes(out, n->ca[i].data, n->ca[i].len);
}

static void
put_denials(
    uint64_t before, const struct fog_denial denied[], size_t len, struct buf *out)
{
	wr_uint(out, KEY_BEFORE);
	wr_uint(out, before);
	wr_uint(out, KEY_DENIALS);
	wr_array(out, len);
	for (size_t i = 0; i < len; i++)
		wr_bytes(out, &denied[i], DENIAL_LEN);
}

static void
put_secrets(const struct fog_notice *n, struct buf *out)
{
	wr_uint(out, KEY_SECRETS);
	wr_array(out, n->secrets);
	for (size_t i = 0; i < n->secrets; i++) {
		wr_array(out, 3);
		wr_uint(out, n->secret[i].epoch);
		wr_bytes(out, n->secret[i].secret, sizeof n->secret[i].secret);
		wr_uint(out, (uint64_t)n->secret[i].not_after_ms);
	}
}

void
fog_notice_encode(const struct fog_notice *n, const struct fog_denial denied[],
    size_t len, struct buf *out)
{
	wr_map(out, 1u + !!n->cas + 2u * !!len + !!n->secrets);
	wr_uint(out, KEY_TRUST);
	wr_uint(out, n->trust_version);
	if (n->cas)
		put_cas(n, out);
	if (len)
		put_denials(n->denied_before, denied, len, out);
	if (n->secrets)
		put_secrets(n, out);
}

/* --- decode -------------------------------------------------------------------------------------- */
/* True: there is one more, and room for it. An array of ours is never empty. */
static bool
has_more(struct cbor_reader *r, size_t len, size_t max)
{
	bool more = rd_more(r);

	if ((more && len == max) || (!more && !len))
		rd_fail(r, -EBADMSG);
	return more && !r->err;
}

static void
read_cas(struct cbor_reader *r, struct fog_notice *ret)
{
	rd_enter_array(r);
	while (has_more(r, ret->cas, FOG_NOTICE_CAS_MAX)) {
		ret->ca[ret->cas] = value_bytes(r, DER_MAX);
		if (!ret->ca[ret->cas++].len)
			rd_fail(r, -EBADMSG);
	}
	rd_leave(r);
}

/* They stay where they are: each is as long as the others. */
static void
read_denials(struct cbor_reader *r, struct fog_notice *ret)
{
	rd_enter_array(r);
	while (has_more(r, ret->denials_len, FOG_NOTICE_DENIALS_MAX)) {
		struct slice raw = value_raw(r, RD_BYTES, DENIAL_STEP);

		if (raw.len != DENIAL_STEP || memcmp(raw.data, DENIAL_HEAD, 2))
			rd_fail(r, -EBADMSG);
		if (!ret->denials_len)
			ret->denials = raw;
		ret->denials_len++;
	}
	rd_leave(r);
	ret->denials.len = ret->denials_len * DENIAL_STEP;
}

static void
read_secrets(struct cbor_reader *r, struct fog_notice *ret)
{
	rd_enter_array(r);
	while (has_more(r, ret->secrets, FOG_NOTICE_SECRETS_MAX)) {
		struct fog_secret *s = &ret->secret[ret->secrets++];

		rd_enter_array(r);
		s->epoch = rd_uint(r);
		rd_bytes_copy(r, s->secret, sizeof s->secret);
		s->not_after_ms = value_time(r);
		rd_leave(r);
	}
	rd_leave(r);
}

static int
check_notice(struct cbor_reader *r, uint64_t seen, struct fog_notice *ret)
{
	bool counted = !(seen & KEY(KEY_DENIALS)) || (seen & KEY(KEY_BEFORE));
	int err = value_done(r, seen, KEY(KEY_TRUST));

	if (!err && (!counted || ret->denied_before > UINT64_MAX - ret->denials_len))
		err = -EBADMSG;
	return err;
}

int
fog_notice_decode(struct slice value, struct fog_notice *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, VALUE_ITEMS_MAX);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		switch (key) {
		case KEY_TRUST:
			ret->trust_version = rd_uint(&r);
			break;
		case KEY_CAS:
			read_cas(&r, ret);
			break;
		case KEY_BEFORE:
			ret->denied_before = rd_uint(&r);
			break;
		case KEY_DENIALS:
			read_denials(&r, ret);
			break;
		case KEY_SECRETS:
			read_secrets(&r, ret);
			break;
		default:
			rd_skip(&r);
		}
	}
	rd_leave(&r);
	return check_notice(&r, seen, ret);
}

bool
fog_notice_denial(const struct fog_notice *n, size_t i, struct fog_denial *ret)
{
	if (i >= n->denials_len)
		return false;
	memcpy(
	    ret, n->denials.data + i * DENIAL_STEP + sizeof DENIAL_HEAD - 1, DENIAL_LEN);
	return true;
}
