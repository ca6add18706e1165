/* SPDX-License-Identifier: Apache-2.0
 *
 * The eleven messages and seven options of RFC 8990 §2.8-2.10 as structs, decoded from and
 * encoded to CBOR. A decoded message owns nothing: its slices point into the bytes it was made
 * from. Objective values stay raw CBOR all the way, so that nothing alters them (I-25).
 *
 * Reading is liberal where RFC 8990 §2.8.2 and I-14 ask for it: extra elements, options that do
 * not belong, locators of an unknown kind or protocol, and items beyond the bounds below are
 * passed over; what belongs to the form and is wrong makes the whole message -EBADMSG. */
#pragma once
#include "base/addr.h"
#include "base/slice.h"
#include "grasp/const.h"

#ifdef __cplusplus
extern "C" {
#endif

struct grasp_objective {
	struct slice name;  /* UTF-8, 1..GRASP_NAME_MAX bytes, compared byte by byte (G-016) */
	uint32_t flags;	    /* enum grasp_flag, unknown bits kept */
	uint8_t loop_count;
	struct slice value; /* one encoded CBOR item; empty: no value */
};

struct grasp_locator {
	enum grasp_option kind; /* O_IPv6_LOCATOR … O_URI_LOCATOR; 0: none (the flood's []) */
	struct in6_addr ip;	/* IPv4 as ::ffff:a.b.c.d */
	struct slice text;	/* FQDN or URI */
	int proto;		/* enum grasp_proto; -1: null (URI only) */
	int port;		/* 0..65535; -1: null (URI only) */
};

struct grasp_initiator {
	uint8_t len; /* 4 or 16 */
	uint8_t bytes[16];
};

struct grasp_msg {
	enum grasp_type type;
	uint32_t session_id;
	struct grasp_initiator initiator; /* M_DISCOVERY, M_RESPONSE, M_FLOOD */
	uint32_t time_ms;		  /* ttl of M_RESPONSE, M_FLOOD; waiting time of M_WAIT */
	bool has_objective;
	struct grasp_objective objective; /* all that carry exactly one, or M_RESPONSE's copy */
	uint8_t locators, items;	  /* how many of those below */
	bool diverted;
	bool accepted;	     /* M_END: O_ACCEPT, else O_DECLINE */
	struct slice reason; /* O_DECLINE's text, may be empty */
	struct slice content; /* M_INVALID: the raw items after the session id, one after the other */
	/* Text that came in chunks (I-14) is put together here and sliced from here; for that
	 * reason a decoded message stays where it is and is not copied. */
	struct grasp_text {
		uint16_t used;
		uint8_t bytes[256];
	} text;
	/* M_RESPONSE: locators, of the responder or inside O_DIVERT.
	 * M_FLOOD: locator[i] belongs to flooded[i]. Only so many are set as are counted. */
	struct grasp_locator locator[GRASP_LOCATORS_MAX];
	struct grasp_objective flooded[GRASP_FLOOD_ITEMS_MAX];
};

/* Bytes after the message in `in` are not an error: *ret_len tells how many belong to it (I-15).
 * 0, or -EBADMSG (no CBOR, or not the form of RFC 8990), -EPROTONOSUPPORT for a message type
 * that RFC 8990 does not know; ret->type and ret->session_id are then set if readable. */
int grasp_msg_decode(struct slice in, struct grasp_msg *ret, size_t *ret_len) MUST_CHECK;
/* Shortest encoding, definite lengths. Errors stick in out->err; -EINVAL for a msg that RFC 8990
 * does not allow (no locator in a response, no objective, link-local address in a divert …).
 * A request, step or synchronization without a value gets null (G-018, G-019). */
int grasp_msg_encode(const struct grasp_msg *msg, struct buf *out) MUST_CHECK;

/* "M_DISCOVERY 13948745 FOGDOMAIN loop 2 value \"operator1\"" for logs; returns text in out. */
const char *grasp_msg_describe(const struct grasp_msg *msg, struct buf *out);
const char *grasp_type_name(enum grasp_type type); /* "M_NOOP"; "?" if unknown */

/* May it stand in O_DIVERT? No link-local address, no mDNS name (G-027, G-029). */
bool grasp_locator_divertable(const struct grasp_locator *l);
struct grasp_locator grasp_locator_from_addr(const struct addr *a, enum grasp_proto proto);
/* The transport address of an IPv6/IPv4 TCP locator; ifindex fills in for link-local ones.
 * -EINVAL for others, and for what nobody can connect to: port 0, ::, a multicast address. */
int grasp_locator_to_addr(const struct grasp_locator *l, uint32_t ifindex, struct addr *ret)
    MUST_CHECK;
/* the item inside if value is tag 24 around a byte string that holds one, else value. */
struct slice grasp_value_unwrap(struct slice value);
#ifdef __cplusplus
}
#endif
