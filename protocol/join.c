/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/join.h"
#include "protocol/value.h"
#include <errno.h>
#include <string.h>

enum join_key {
	KEY_COMMAND = 1,
	KEY_REQUEST,
	KEY_TOKEN,
	KEY_VERSION,
	KEY_SERIAL,
	KEY_NAME = 7,
};
#define JOIN_REQUIRED (KEY(KEY_COMMAND) | KEY(KEY_REQUEST) | KEY(KEY_VERSION))

enum grant_key {
	KEY_ANSWERED = 1,
	KEY_CERTIFICATE,
	KEY_CAS,
	KEY_DOMAIN,
	KEY_TIME,
	KEY_PLACES,
	KEY_TRUST_VERSION,
};
#define GRANT_REQUIRED                                                               \
	(KEY(KEY_ANSWERED) | KEY(KEY_CERTIFICATE) | KEY(KEY_CAS) | KEY(KEY_DOMAIN) | \
	    KEY(KEY_TIME) | KEY(KEY_PLACES))

void
fog_join_encode(const struct fog_join *j, struct buf *out)
{
	wr_map(out, 3u + j->has_token + !!j->serial[0] + !!j->name[0]);
	wr_uint(out, KEY_COMMAND);
	wr_bytes(out, j->command, sizeof j->command);
	wr_uint(out, KEY_REQUEST);
	wr_bytes(out, j->request.data, j->request.len);
	if (j->has_token) {
		wr_uint(out, KEY_TOKEN);
		wr_array(out, 2);
		wr_bytes(out, j->token_id, sizeof j->token_id);
		wr_bytes(out, j->token_secret, sizeof j->token_secret);
	}
	wr_uint(out, KEY_VERSION);
	wr_text(out, j->version);
	if (j->serial[0]) {
		wr_uint(out, KEY_SERIAL);
		wr_text(out, j->serial);
	}
	if (j->name[0]) {
		wr_uint(out, KEY_NAME);
		wr_text(out, j->name);
	}
}

static struct slice
read_der(struct cbor_reader *r)
{
	struct slice der = value_bytes(r, FOG_JOIN_DER_MAX);

	if (!der.len)
		rd_fail(r, -EBADMSG);
	return der;
}

static void
read_token(struct cbor_reader *r, struct fog_join *ret)
{
	rd_enter_array(r);
	rd_bytes_copy(r, ret->token_id, sizeof ret->token_id);
	rd_bytes_copy(r, ret->token_secret, sizeof ret->token_secret);
	rd_leave(r);
	ret->has_token = true;
}

static void
read_join_key(struct cbor_reader *r, int64_t key, struct fog_join *ret)
{
	switch (key) {
	case KEY_COMMAND:
		rd_bytes_copy(r, ret->command, sizeof ret->command);
		break;
	case KEY_REQUEST:
		ret->request = read_der(r);
		break;
	case KEY_TOKEN:
		read_token(r, ret);
		break;
	case KEY_VERSION:
		value_text_copy(r, ret->version, sizeof ret->version);
		break;
	case KEY_SERIAL:
		value_text_copy(r, ret->serial, sizeof ret->serial);
		break;
	case KEY_NAME:
		value_text_copy(r, ret->name, sizeof ret->name);
		break;
	default:
		rd_skip(r);
	}
}

int
fog_join_decode(struct slice value, struct fog_join *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, 0);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		read_join_key(&r, key, ret);
	}
	rd_leave(&r);
	return value_done(&r, seen, JOIN_REQUIRED);
}

/* --- the answer ----------------------------------------------------------------------------------- */
void
fog_grant_encode(const struct fog_grant *g, struct buf *out)
{
	wr_map(out, 6u + !!g->trust_version);
	wr_uint(out, KEY_ANSWERED);
	wr_bytes(out, g->command, sizeof g->command);
	wr_uint(out, KEY_CERTIFICATE);
	wr_bytes(out, g->certificate.data, g->certificate.len);
	wr_uint(out, KEY_CAS);
	wr_array(out, g->cas);
	for (size_t i = 0; i < g->cas; i++)
		wr_bytes(out, g->ca[i].data, g->ca[i].len);
	wr_uint(out, KEY_DOMAIN);
	wr_text(out, g->domain);
	wr_uint(out, KEY_TIME);
	wr_uint(out, (uint64_t)g->time_ms);
	wr_uint(out, KEY_PLACES);
	wr_array(out, g->places);
	for (size_t i = 0; i < g->places; i++)
		wr_text(out, g->place[i]);
	if (g->trust_version) {
		wr_uint(out, KEY_TRUST_VERSION);
		wr_uint(out, g->trust_version);
	}
}

static void
read_cas(struct cbor_reader *r, struct fog_grant *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->cas == FOG_JOIN_CAS_MAX) {
			rd_fail(r, -EBADMSG);
			return;
		}
		ret->ca[ret->cas++] = read_der(r);
	}
	rd_leave(r);
	if (!ret->cas)
		rd_fail(r, -EBADMSG);
}

static void
read_places(struct cbor_reader *r, struct fog_grant *ret)
{
	rd_enter_array(r);
	while (rd_more(r)) {
		if (ret->places == FOG_JOIN_PLACES_MAX) {
			rd_fail(r, -EBADMSG);
			return;
		}
		value_text_copy(
		    r, ret->place[ret->places], sizeof ret->place[ret->places]);
		if (!ret->place[ret->places++][0])
			rd_fail(r, -EBADMSG);
	}
	rd_leave(r);
}

static void
read_grant_key(struct cbor_reader *r, int64_t key, struct fog_grant *ret)
{
	switch (key) {
	case KEY_ANSWERED:
		rd_bytes_copy(r, ret->command, sizeof ret->command);
		break;
	case KEY_CERTIFICATE:
		ret->certificate = read_der(r);
		break;
	case KEY_CAS:
		read_cas(r, ret);
		break;
	case KEY_DOMAIN:
		value_text_copy(r, ret->domain, sizeof ret->domain);
		break;
	case KEY_TIME:
		ret->time_ms = value_time(r);
		break;
	case KEY_PLACES:
		read_places(r, ret);
		break;
	case KEY_TRUST_VERSION:
		ret->trust_version = rd_uint(r);
		break;
	default:
		rd_skip(r);
	}
}

int
fog_grant_decode(struct slice value, struct fog_grant *ret)
{
	struct cbor_reader r;
	uint64_t seen = 0;

	memset(ret, 0, sizeof *ret);
	rd_init(&r, value, 0);
	rd_enter_map(&r);
	for (int64_t key = -1; rd_next_key(&r, &key);) {
		value_met(&seen, key);
		read_grant_key(&r, key, ret);
	}
	rd_leave(&r);
	return value_done(&r, seen, GRANT_REQUIRED);
}
