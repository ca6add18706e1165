/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads like grasp/msg.c, but says where it stopped. */
#include "base/cbor.h"
#include "ctl/grasp_json.h"
#include "grasp/msg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define ITEMS_MAX 8192 /* as in grasp/msg.c */

/* --- CBOR --------------------------------------------------------------------------------------- */

static void
explain_cbor(struct buf *out, struct slice in)
{
	struct cbor_scan s;
	size_t len = 0;
	ssize_t n = 0;

	if (in.len == 0) {
		buf_puts(out, "empty");
		return;
	}
	n = cbor_item_length(in, in.len);
	if (n == 0 || n == -EMSGSIZE) {
		buf_printf(
		    out, "cut off: more is announced than these %zu bytes hold", in.len);
		return;
	}
	cbor_scan_init(&s, in.len);
	for (n = 0; n == 0 && len < in.len;)
		n = cbor_scan_item(&s, (struct slice){ in.data, ++len });
	if (s.at.depth + s.at.tags >= CBOR_DEPTH_MAX)
		buf_printf(out, "nested deeper than %d", CBOR_DEPTH_MAX);
	else
		buf_printf(out, "no CBOR at byte %zu", s.at.pos);
}

/* --- the form of RFC 8990; each returns NULL if its part is right -------------------------------- */

static const char *
check_objective(struct cbor_reader *r)
{
	struct slice name;

	if (rd_peek(r) != RD_ARRAY)
		return "the objective is no array";
	rd_enter_array(r);
	if (rd_peek(r) != RD_TEXT)
		return "the name of the objective is no text";
	name = rd_text(r);
	if (r->err || name.len == 0 || name.len > GRASP_NAME_MAX)
		return "the name of the objective has not 1 to 64 bytes";
	rd_uint_max(r, UINT32_MAX);
	if (r->err)
		return "the flags of the objective are no number of 32 bits";
	rd_uint_max(r, UINT8_MAX);
	if (r->err)
		return "the loop count is no number from 0 to 255";
	rd_leave(r);
	return NULL;
}

static const char *
check_place(struct cbor_reader *r, uint64_t option)
{
	size_t len = option == O_IPv6_LOCATOR ? 16 : 4;

	if (option == O_FQDN_LOCATOR || option == O_URI_LOCATOR) {
		rd_text(r);
		return r->err ? "a locator without its text" : NULL;
	}
	if (rd_peek(r) != RD_BYTES || rd_bytes(r).len != len)
		return len == 16 ? "an IPv6 locator has not 16 bytes"
				 : "an IPv4 locator has not 4 bytes";
	return NULL;
}

/* From inside the array, behind the number. */
static const char *
check_locator(struct cbor_reader *r, uint64_t option)
{
	const char *what;

	if (option < O_IPv6_LOCATOR || option > O_URI_LOCATOR)
		return NULL;
	what = check_place(r, option);
	if (what)
		return what;
	if (option == O_URI_LOCATOR && rd_peek(r) == RD_NULL)
		rd_null(r);
	else
		rd_uint_max(r, INT32_MAX);
	if (r->err)
		return "the protocol of a locator is no number";
	if (option == O_URI_LOCATOR && rd_peek(r) == RD_NULL)
		rd_null(r);
	else
		rd_uint_max(r, UINT16_MAX);
	return r->err ? "the port of a locator is no number from 0 to 65535" : NULL;
}

static const char *
check_option(struct cbor_reader *r)
{
	uint64_t option = rd_uint(r);
	const char *what = NULL;

	if (option != O_DIVERT)
		return check_locator(r, option);
	while (!what && rd_more(r)) {
		if (rd_peek(r) != RD_ARRAY) {
			rd_skip(r);
			continue;
		}
		rd_enter_array(r);
		if (rd_peek(r) == RD_UINT)
			what = check_locator(r, rd_uint(r));
		if (!what)
			rd_leave(r);
	}
	return what;
}

static const char *
check_response(struct cbor_reader *r)
{
	while (rd_more(r)) {
		const char *what = NULL;
		struct slice raw = rd_raw(r);
		struct cbor_reader in;

		rd_init(&in, raw, ITEMS_MAX);
		if (rd_peek(&in) != RD_ARRAY)
			continue;
		rd_enter_array(&in);
		if (rd_peek(&in) == RD_UINT) {
			what = check_option(&in);
		} else if (rd_peek(&in) == RD_TEXT) {
			rd_init(&in, raw, ITEMS_MAX);
			what = check_objective(&in);
		}
		if (what)
			return what;
	}
	return "a response without a locator that could be used";
}

static const char *
check_flood_item(struct cbor_reader *r)
{
	const char *what = check_objective(r);

	if (what)
		return what;
	if (rd_peek(r) != RD_ARRAY)
		return "a flooded objective without a locator or []";
	rd_enter_array(r);
	if (!rd_more(r))
		return NULL;
	if (rd_peek(r) != RD_UINT)
		return "a locator without the number of its kind";
	return check_locator(r, rd_uint(r));
}

static const char *
check_flood(struct cbor_reader *r)
{
	while (rd_more(r)) {
		const char *what = NULL;
		struct cbor_reader in;

		rd_init(&in, rd_raw(r), ITEMS_MAX);
		if (rd_peek(&in) != RD_ARRAY)
			continue;
		rd_enter_array(&in);
		if (rd_peek(&in) == RD_ARRAY)
			what = check_flood_item(&in);
		if (what)
			return what;
	}
	return "a flood without an objective that could be used";
}

static const char *
check_initiator(struct cbor_reader *r)
{
	struct slice s;

	if (rd_peek(r) != RD_BYTES)
		return "the initiator is no byte string";
	s = rd_bytes(r);
	return s.len == 4 || s.len == 16 ? NULL : "the initiator has not 4 or 16 bytes";
}

static const char *
check_time(struct cbor_reader *r, const char *what)
{
	rd_uint_max(r, UINT32_MAX);
	return r->err ? what : NULL;
}

static const char *
check_body(struct cbor_reader *r, enum grasp_type type)
{
	static const char ttl[] = "the ttl is no number of 32 bits",
			  wait[] = "the waiting time is no number of 32 bits";
	const char *what = NULL;

	if (type == M_DISCOVERY || type == M_RESPONSE || type == M_FLOOD)
		what = check_initiator(r);
	if (!what && (type == M_RESPONSE || type == M_FLOOD))
		what = check_time(r, ttl);
	if (what)
		return what;
	switch (type) {
	case M_DISCOVERY:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_NEGOTIATE:
	case M_SYNCH:
		return check_objective(r);
	case M_RESPONSE:
		return check_response(r);
	case M_FLOOD:
		return check_flood(r);
	case M_WAIT:
		return check_time(r, wait);
	case M_END:
		return "neither O_ACCEPT nor O_DECLINE";
	case M_NOOP:
	case M_INVALID:
		break;
	}
	return NULL;
}

static void
explain_type(struct buf *out, struct cbor_reader *r)
{
	if (rd_peek(r) == RD_NONE)
		buf_puts(out, "an empty array");
	else if (rd_peek(r) != RD_UINT)
		buf_puts(out, "the message type is no unsigned number");
	else
		buf_printf(out, "unknown message type %" PRIu64, rd_uint(r));
}

static void
explain_form(struct buf *out, struct slice in)
{
	struct cbor_reader r, at_type;
	const char *what = NULL;
	enum grasp_type type;

	rd_init(&r, in, ITEMS_MAX);
	if (rd_peek(&r) == RD_TAG) {
		buf_printf(out, "tag %" PRIu64 " and not an array: sealed or signed",
		    rd_tag(&r));
		return;
	}
	if (rd_peek(&r) != RD_ARRAY) {
		buf_puts(out, "not an array");
		return;
	}
	rd_enter_array(&r);
	at_type = r;
	type = (enum grasp_type)rd_uint_max(&r, UINT8_MAX);
	if (r.err || grasp_type_name(type)[0] == '?') {
		explain_type(out, &at_type);
		return;
	}
	if (type != M_NOOP)
		rd_uint_max(&r, UINT32_MAX);
	what = r.err ? "the session id is no number of 32 bits" : check_body(&r, type);
	buf_printf(out, "%s: %s", grasp_type_name(type),
	    what ? what : "not of the form of RFC 8990");
}

void
grasp_explain(struct buf *out, struct slice in)
{
	ssize_t len = cbor_item_length(in, in.len);

	if (len > 0)
		explain_form(out, (struct slice){ in.data, (size_t)len });
	else
		explain_cbor(out, in);
}
