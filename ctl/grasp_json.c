/* SPDX-License-Identifier: Apache-2.0
 *
 * Read from the bytes of the message, not from a struct grasp_msg, which leaves out what the
 * engine does not use. */
#include "ctl/grasp_json.h"
#include "base/cbor.h"
#include "base/json.h"
#include "grasp/msg.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	unsigned mask;
	const char *name;
} flag_names[] = {
	{ F_DISC, "F_DISC" },
	{ F_NEG, "F_NEG" },
	{ F_SYNCH, "F_SYNCH" },
	{ F_NEG_DRY, "F_NEG_DRY" },
};

static const char *
option_name(uint64_t code)
{
	switch (code) {
	case O_DIVERT:
		return "O_DIVERT";
	case O_ACCEPT:
		return "O_ACCEPT";
	case O_DECLINE:
		return "O_DECLINE";
	case O_IPv6_LOCATOR:
		return "O_IPv6_LOCATOR";
	case O_IPv4_LOCATOR:
		return "O_IPv4_LOCATOR";
	case O_FQDN_LOCATOR:
		return "O_FQDN_LOCATOR";
	case O_URI_LOCATOR:
		return "O_URI_LOCATOR";
	}
	return NULL;
}

/* --- pieces ------------------------------------------------------------------------------------- */

/* What the next element is, as a value. */
static void
put_next(struct buf *out, struct cbor_reader *r)
{
	grasp_json_put_value(out, rd_raw(r));
}

static void
put_number(struct buf *out, const char *key, struct cbor_reader *r)
{
	buf_printf(out, ",\"%s\":%" PRIu64, key, rd_uint(r));
}

static bool
put_address(struct buf *out, const char *key, struct slice s)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len != 4 && s.len != 16)
		return false;
	inet_ntop(s.len == 4 ? AF_INET : AF_INET6, s.data, text, sizeof text);
	buf_printf(out, ",\"%s\":\"%s\"", key, text);
	return true;
}

static void
put_flags(struct buf *out, uint64_t flags)
{
	const char *comma = "";

	buf_printf(out, ",\"flags\":%" PRIu64 ",\"flag_names\":[", flags);
	for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
		if (flags & flag_names[i].mask) {
			buf_printf(out, "%s\"%s\"", comma, flag_names[i].name);
			comma = ",";
		}
	buf_puts(out, "]");
}

/* From inside the objective's array. */
static void
put_objective(struct buf *out, struct cbor_reader *r)
{
	buf_puts(out, "{\"name\":");
	put_next(out, r);
	put_flags(out, rd_uint(r));
	put_number(out, "loop_count", r);
	bool has_value = rd_more(r);
	buf_printf(out, ",\"has_value\":%s,\"value\":", has_value ? "true" : "false");
	if (has_value)
		put_next(out, r);
	else
		buf_puts(out, "null");
	buf_puts(out, "}");
}

/* --- options ------------------------------------------------------------------------------------ */

static void
begin_option(struct buf *out, uint64_t code)
{
	const char *name = option_name(code);

	buf_printf(out, "{\"option\":%s%s%s,\"code\":%" PRIu64, name ? "\"" : "",
	    name ? name : "null", name ? "\"" : "", code);
}

/* Of an option that nobody knows, or that is not what its number says. */
static void
put_contents(struct buf *out, struct cbor_reader *r)
{
	const char *comma = "";

	buf_puts(out, ",\"content\":[");
	for (; rd_more(r); comma = ",") {
		buf_puts(out, comma);
		put_next(out, r);
	}
	buf_puts(out, "]");
}

static bool
put_place(struct buf *out, struct cbor_reader *r, uint64_t code)
{
	struct slice place;

	if (code == O_FQDN_LOCATOR || code == O_URI_LOCATOR) {
		if (rd_peek(r) != RD_TEXT)
			return false;
		buf_puts(out, ",\"text\":");
		put_next(out, r);
		return true;
	}
	if (rd_peek(r) != RD_BYTES)
		return false;
	place = rd_bytes(r);
	return place.len == (code == O_IPv6_LOCATOR ? 16 : 4) &&
	    put_address(out, "address", place);
}

static bool
put_port(struct buf *out, const char *key, struct cbor_reader *r)
{
	if (rd_peek(r) != RD_UINT && rd_peek(r) != RD_NULL)
		return false;
	buf_printf(out, ",\"%s\":", key);
	put_next(out, r);
	return true;
}

static bool
is_locator(uint64_t code)
{
	return code >= O_IPv6_LOCATOR && code <= O_URI_LOCATOR;
}

static bool
put_locator(struct buf *out, struct cbor_reader *r, uint64_t code)
{
	return put_place(out, r, code) && put_port(out, "protocol", r) &&
	    put_port(out, "port", r);
}

/* The option in raw, an array that begins with a number. */
static void
put_simple_option(struct buf *out, struct slice raw)
{
	size_t start = out->pos;
	struct cbor_reader r;
	uint64_t code;

	rd_init(&r, raw, UINT32_MAX);
	rd_enter_array(&r);
	code = rd_uint(&r);
	begin_option(out, code);
	if (code == O_DECLINE) {
		buf_puts(out, ",\"reason\":");
		if (rd_peek(&r) == RD_TEXT)
			put_next(out, &r);
		else
			buf_puts(out, "null");
	} else if (!(code == O_ACCEPT ||
		       (is_locator(code) && put_locator(out, &r, code)))) {
		out->pos = start;
		rd_init(&r, raw, UINT32_MAX);
		rd_enter_array(&r);
		rd_skip(&r);
		begin_option(out, code);
		put_contents(out, &r);
	}
	buf_puts(out, "}");
}

/* The type of the first element; RD_NONE of what is no array. */
static enum rd_type
first_in(struct slice raw, uint64_t *ret)
{
	struct cbor_reader r;
	enum rd_type type;

	rd_init(&r, raw, UINT32_MAX);
	if (rd_peek(&r) != RD_ARRAY)
		return RD_NONE;
	rd_enter_array(&r);
	type = rd_peek(&r);
	*ret = type == RD_UINT ? rd_uint(&r) : 0;
	return type;
}

static void
put_divert(struct buf *out, struct slice raw)
{
	const char *comma = "";
	struct cbor_reader r;
	uint64_t code;

	rd_init(&r, raw, UINT32_MAX);
	rd_enter_array(&r);
	begin_option(out, rd_uint(&r));
	buf_puts(out, ",\"locators\":[");
	while (rd_more(&r)) {
		struct slice inside = rd_raw(&r);

		if (first_in(inside, &code) != RD_UINT)
			continue;
		buf_puts(out, comma);
		put_simple_option(out, inside);
		comma = ",";
	}
	buf_puts(out, "]}");
}

static void
put_option(struct buf *out, struct slice raw, uint64_t code)
{
	if (code == O_DIVERT)
		put_divert(out, raw);
	else
		put_simple_option(out, raw);
}

/* --- messages ------------------------------------------------------------------------------------ */

static void
put_one_objective(struct buf *out, struct cbor_reader *r)
{
	buf_puts(out, ",\"objective\":");
	rd_enter_array(r);
	put_objective(out, r);
	rd_leave(r);
}

static void
put_response(struct buf *out, struct cbor_reader *r)
{
	struct slice objective = { 0 };
	const char *comma = "";
	uint64_t code;

	put_number(out, "ttl_ms", r);
	buf_puts(out, ",\"options\":[");
	while (rd_more(r)) {
		struct slice raw = rd_raw(r);
		enum rd_type type = first_in(raw, &code);

		if (type == RD_TEXT && !objective.len)
			objective = raw;
		if (type != RD_UINT)
			continue;
		buf_puts(out, comma);
		put_option(out, raw, code);
		comma = ",";
	}
	buf_puts(out, "]");
	if (objective.len) {
		struct cbor_reader inside;

		rd_init(&inside, objective, UINT32_MAX);
		put_one_objective(out, &inside);
	} else {
		buf_puts(out, ",\"objective\":null");
	}
}

static void
put_end(struct buf *out, struct cbor_reader *r)
{
	bool decided = false;
	uint64_t code;

	while (!decided && rd_more(r)) {
		struct slice raw = rd_raw(r);

		if (first_in(raw, &code) != RD_UINT ||
		    (code != O_ACCEPT && code != O_DECLINE))
			continue;
		buf_puts(out, ",\"option\":");
		put_option(out, raw, code);
		decided = true;
	}
}

static void
put_flood_item(struct buf *out, struct slice item)
{
	struct cbor_reader r;
	struct slice tag;
	uint64_t code;

	rd_init(&r, item, UINT32_MAX);
	rd_enter_array(&r);
	buf_puts(out, "{\"objective\":");
	rd_enter_array(&r);
	put_objective(out, &r);
	rd_leave(&r);
	buf_puts(out, ",\"locator\":");
	tag = rd_raw(&r);
	if (first_in(tag, &code) == RD_UINT)
		put_option(out, tag, code);
	else
		buf_puts(out, "null");
	buf_puts(out, "}");
}

static void
put_flood(struct buf *out, struct cbor_reader *r)
{
	const char *comma = "";
	uint64_t code;

	put_number(out, "ttl_ms", r);
	buf_puts(out, ",\"items\":[");
	while (rd_more(r)) {
		struct slice raw = rd_raw(r);

		if (first_in(raw, &code) != RD_ARRAY)
			continue;
		buf_puts(out, comma);
		put_flood_item(out, raw);
		comma = ",";
	}
	buf_puts(out, "]");
}

/* What follows the session id. */
static void
put_body(struct buf *out, struct cbor_reader *r, enum grasp_type type)
{
	if (type == M_DISCOVERY || type == M_RESPONSE || type == M_FLOOD)
		put_address(out, "initiator", rd_bytes(r));
	switch (type) {
	case M_NOOP:
		break;
	case M_DISCOVERY:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_NEGOTIATE:
	case M_SYNCH:
		put_one_objective(out, r);
		break;
	case M_RESPONSE:
		put_response(out, r);
		break;
	case M_END:
		put_end(out, r);
		break;
	case M_WAIT:
		put_number(out, "waiting_time_ms", r);
		break;
	case M_FLOOD:
		put_flood(out, r);
		break;
	case M_INVALID:
		put_contents(out, r);
		break;
	}
}

static void
put_diag(struct buf *out, struct slice msg)
{
	struct buf diag;

	buf_init(&diag, out->max);
	cbor_diag_wide(&diag, msg);
	buf_puts(out, ",\"diag\":");
	json_put_text(out, buf_slice(&diag));
	if (diag.err && !out->err)
		out->err = diag.err;
	buf_done(&diag);
}

void
grasp_json_put(struct buf *out, struct slice msg, const char *more)
{
	struct cbor_reader r;
	enum grasp_type type;

	rd_init(&r, msg, UINT32_MAX);
	rd_enter_array(&r);
	type = (enum grasp_type)rd_uint(&r);
	buf_printf(out, "{%s\"type\":\"%s\",\"type_code\":%u", more ? more : "",
	    grasp_type_name(type), (unsigned)type);
	if (type != M_NOOP)
		put_number(out, "session_id", &r);
	put_body(out, &r, type);
	put_diag(out, msg);
	buf_puts(out, "}");
}
