/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/show.h"

#include <stdio.h>
#include <string.h>

#include "grasp/const.h"
#include "grasp/discovery_cache.h"
#include "grasp/flood_cache.h"
#include "grasp/node_int.h"
#include "grasp/seen.h"
#include "grasp/stream_ev.h"
#include "protocol/caps.h"
#include "protocol/value.h"
#include "trust/anchors.h"
#include "trust/channel.h"
#include "trust/guard.h"
#include "trust/permit.h"
#include "trust/who.h"

#define ITEM_MAX 512

static void
send_item(struct ctl_request *req, struct buf *b)
{
	ctl_send(req, buf_slice(b));
	buf_reset(b);
}

/* --- drops ------------------------------------------------------------------------------------ */
static void
show_drop(struct ctl_request *req, const char *layer, const char *reason, uint64_t count)
{
	uint8_t memory[ITEM_MAX];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 3);
	wr_key_text(&b, "layer", layer);
	wr_key_text(&b, "reason", reason);
	wr_key_int(&b, "count", (int64_t)count);
	send_item(req, &b);
}

static void
show_engine(struct ctl_request *req, const struct grasp_counters *g)
{
	const struct {
		const char *reason;
		uint64_t count;
	} drop[] = {
		{ "malformed", g->malformed },
		{ "duplicate", g->duplicate },
		{ "unknown type", g->unknown_type },
		{ "unwanted", g->unwanted },
		{ "bad source", g->bad_source },
		{ "rate limited", g->rate_limited },
		{ "too long", g->too_long },
		{ "untrusted", g->untrusted },
		{ "not permitted", g->not_permitted },
		{ "loop exhausted", g->loop_exhausted },
		{ "relay limited", g->relay_limited },
		{ "link refused", g->links_refused },
	};

	for (size_t i = 0; i < ARRAY_LEN(drop); i++)
		show_drop(req, "engine", drop[i].reason, drop[i].count);
}

void
show_drops_of(struct ctl_request *req, const struct grasp_node *node,
    const struct grasp_io *channel, const struct guard *guard)
{
	show_engine(req, grasp_node_counters(node));
	for (enum channel_refusal r = 0; channel && r < CHANNEL_REFUSALS; r++)
		show_drop(req, "channel", channel_refusal_name(r),
		    channel_counters(channel)->refused[r]);
	if (channel)
		show_drop(req, "channel", "handshake failed",
		    channel_counters(channel)->handshakes_failed);
	for (enum guard_drop d = 0; guard && d < GUARD_DROPS; d++)
		show_drop(
		    req, "guard", guard_drop_name(d), guard_counters(guard)->dropped[d]);
}

/* --- limits ----------------------------------------------------------------------------------- */
static const struct {
	const char *limit;
	int64_t value;
	const char *unit;
} limits[] = {
	{ "multicast datagram", GRASP_MULTICAST_MAX, "bytes" },
	{ "unicast message before registration", GRASP_DEF_MAX_SIZE, "bytes" },
	{ "unicast message", GRASP_UNICAST_MAX, "bytes" },
	{ "CBOR depth", CBOR_DEPTH_MAX, "levels" },
	{ "items of a value", VALUE_ITEMS_MAX, "items" },
	{ "objective name", GRASP_NAME_MAX, "bytes" },
	{ "locators of a response", GRASP_LOCATORS_MAX, "locators" },
	{ "objectives of a flood", GRASP_FLOOD_ITEMS_MAX, "objectives" },
	{ "discovery cache", DISCOVERY_CACHE_MAX, "entries" },
	{ "flood cache", FLOOD_CACHE_MAX, "entries" },
	{ "duplicate cache", SEEN_MAX, "ids" },
	{ "duplicate cache, time", GRASP_SEEN_MS, "ms" },
	{ "responses being sent", RESPONSES_MAX, "connections" },
	{ "links without a registration", LINKS_MAX, "links" },
	{ "sessions of a peer on a link", LINK_SESSIONS_MAX, "sessions" },
	{ "time for the rest of a message", LINK_FRAME_MS, "ms" },
	{ "time for a first message", LINK_IDLE_MS, "ms" },
	{ "bytes waiting for a peer", STREAM_QUEUE_MAX, "bytes" },
	{ "strangers", CHANNEL_STRANGERS_MAX, "connections" },
	{ "strangers of a /64", CHANNEL_STRANGERS_NET, "connections" },
	{ "strangers of an address", CHANNEL_STRANGERS_ADDR, "connections" },
	{ "time until ClientHello", CHANNEL_HELLO_MS, "ms" },
	{ "time for a handshake", CHANNEL_HANDSHAKE_MS, "ms" },
	{ "handshakes in a turn", CHANNEL_HANDSHAKES_TURN, "handshakes" },
	{ "joining by their key alone", CHANNEL_JOINING_MAX, "connections" },
	{ "signatures of multicasts", GUARD_SIGNATURES_PER_S, "per second" },
	{ "CAs of a domain", TRUST_ANCHORS_MAX, "certificates" },
	{ "deny list", TRUST_DENIED_MAX, "denials" },
	{ "capabilities", CAPS_ENCODED_MAX, "bytes" },
};

void
show_limit(struct ctl_request *req, const char *limit, int64_t value, const char *unit)
{
	uint8_t memory[ITEM_MAX];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	wr_map(&b, 3);
	wr_key_text(&b, "limit", limit);
	wr_key_int(&b, "value", value);
	wr_key_text(&b, "unit", unit);
	send_item(req, &b);
}

void
show_limits_common(struct ctl_request *req)
{
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		show_limit(req, limits[i].limit, limits[i].value, limits[i].unit);
}

/* --- permits ---------------------------------------------------------------------------------- */
static void
put_messages(struct buf *b, unsigned types)
{
	static const struct {
		enum grasp_type type;
		const char *name;
	} message[] = { { M_DISCOVERY, "M_DISCOVERY" }, { M_RESPONSE, "M_RESPONSE" },
		{ M_REQ_NEG, "M_REQ_NEG" }, { M_REQ_SYN, "M_REQ_SYN" },
		{ M_FLOOD, "M_FLOOD" } };

	wr_text(b, "messages");
	wr_open_array(b);
	for (size_t i = 0; i < ARRAY_LEN(message); i++)
		if (types & (1u << message[i].type))
			wr_text(b, message[i].name);
	wr_close(b);
}

int
show_permits(void *arg, struct ctl_request *req, struct slice args)
{
	struct buf b;

	(void)arg, (void)args;
	buf_init(&b, 4096);
	for (size_t i = 0; i < permits_len; i++) {
		wr_open_map(&b);
		wr_key_text(&b, "objective", permits[i].objective);
		put_messages(&b, permits[i].types);
		wr_text(&b, "roles");
		wr_open_array(&b);
		for (enum trust_role r = TRUST_STRANGER; r < TRUST_ROLES; r++)
			if (permits[i].roles & TRUST_BIT(r))
				wr_text(&b, trust_role_name(r));
		wr_close(&b);
		wr_close(&b);
		send_item(req, &b);
	}
	buf_done(&b);
	ctl_end(req);
	return 0;
}
