/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/option.h"
#include <errno.h>
#include <string.h>

#define URI_AUTHORITY_END ":/?#]"

static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

void
option_refuse(struct buf *out)
{
	if (!out->err)
		out->err = -EINVAL;
}

static bool
is_scratch(const struct cbor_reader *r, struct slice s)
{
	return s.data >= r->scratch && s.data < r->scratch + sizeof r->scratch;
}

struct slice
option_text_read(struct cbor_reader *r, struct grasp_text *kept)
{
	struct slice s = rd_text(r);
	uint8_t *copy = kept->bytes + kept->used;

	if (s.len == 0 || !is_scratch(r, s))
		return s;
	if (s.len > sizeof kept->bytes - kept->used) {
		rd_fail(r, -EBADMSG);
		return (struct slice){ 0 };
	}
	memcpy(copy, s.data, s.len);
	kept->used += s.len;
	return (struct slice){ copy, s.len };
}

static bool
is_name(struct slice name)
{
	return name.len > 0 && name.len <= GRASP_NAME_MAX;
}

void
option_objective_read(
    struct cbor_reader *r, struct grasp_text *kept, struct grasp_objective *ret)
{
	*ret = (struct grasp_objective){ .name = option_text_read(r, kept) };
	if (!is_name(ret->name))
		rd_fail(r, -EBADMSG);
	ret->flags = rd_uint_max(r, UINT32_MAX);
	ret->loop_count = rd_uint_max(r, UINT8_MAX);
	if (rd_more(r))
		ret->value = rd_raw(r);
}

void
option_objective_write(struct buf *out, const struct grasp_objective *obj)
{
	bool has_value = obj->value.len > 0;

	if (!is_name(obj->name) || (has_value && !cbor_well_formed(obj->value)))
		option_refuse(out);
	wr_array(out, has_value ? 4 : 3);
	wr_text_slice(out, obj->name);
	wr_uint(out, obj->flags);
	wr_uint(out, obj->loop_count);
	if (has_value)
		wr_raw(out, obj->value);
}

/* Transport protocol or port; null is for URIs alone (G-024). */
static int
read_number(struct cbor_reader *r, enum grasp_option kind, uint64_t max)
{
	if (kind == O_URI_LOCATOR && rd_peek(r) == RD_NULL) {
		rd_null(r);
		return -1;
	}
	return (int)rd_uint_max(r, max);
}

static void
write_number(struct buf *out, enum grasp_option kind, int number)
{
	if (number >= 0)
		wr_uint(out, number);
	else if (kind == O_URI_LOCATOR)
		wr_null(out);
	else
		option_refuse(out);
}

static bool
is_protocol(int proto)
{
	return proto == GRASP_TCP || proto == GRASP_UDP || proto == -1;
}

bool
option_locator_read(struct cbor_reader *r, struct grasp_text *kept, uint64_t option,
    struct grasp_locator *ret)
{
	struct grasp_locator l = { 0 };

	switch (option) {
	case O_IPv6_LOCATOR:
		rd_bytes_copy(r, &l.ip, sizeof l.ip);
		break;
	case O_IPv4_LOCATOR:
		memcpy(&l.ip, v4_prefix, sizeof v4_prefix);
		rd_bytes_copy(r, &l.ip.s6_addr[12], 4);
		break;
	case O_FQDN_LOCATOR:
	case O_URI_LOCATOR:
		l.text = option_text_read(r, kept);
		break;
	default:
		return false;
	}
	l.kind = option;
	l.proto = read_number(r, l.kind, INT32_MAX);
	l.port = read_number(r, l.kind, UINT16_MAX);
	*ret = l;
	return is_protocol(l.proto);
}

void
option_locator_write(struct buf *out, const struct grasp_locator *l)
{
	if (!is_protocol(l->proto) || l->port > UINT16_MAX)
		option_refuse(out);
	wr_array(out, 4);
	wr_uint(out, l->kind);
	switch (l->kind) {
	case O_IPv6_LOCATOR:
		wr_bytes(out, &l->ip, sizeof l->ip);
		break;
	case O_IPv4_LOCATOR:
		if (!addr_is_v4(&l->ip))
			option_refuse(out);
		wr_bytes(out, &l->ip.s6_addr[12], 4);
		break;
	case O_FQDN_LOCATOR:
	case O_URI_LOCATOR:
		wr_text_slice(out, l->text);
		break;
	case O_DIVERT:
	case O_ACCEPT:
	case O_DECLINE:
		option_refuse(out);
		break;
	}
	write_number(out, l->kind, l->proto);
	write_number(out, l->kind, l->port);
}

/* Does ".local" end a host name in text? */
static bool
is_mdns(struct slice text)
{
	static const char suffix[] = ".local";
	size_t len = sizeof suffix - 1;

	for (size_t i = 0; i + len <= text.len; i++) {
		const char *at = (const char *)text.data + i;
		size_t end = i + len;

		if (strncasecmp(at, suffix, len) != 0)
			continue;
		end += end < text.len && text.data[end] == '.';
		if (end == text.len || strchr(URI_AUTHORITY_END, text.data[end]))
			return true;
	}
	return false;
}

bool
grasp_locator_divertable(const struct grasp_locator *l)
{
	switch (l->kind) {
	case O_IPv6_LOCATOR:
		return !addr_is_link_local(&l->ip);
	case O_IPv4_LOCATOR:
		return true;
	case O_FQDN_LOCATOR:
	case O_URI_LOCATOR:
		return !is_mdns(l->text);
	case O_DIVERT:
	case O_ACCEPT:
	case O_DECLINE:
		break;
	}
	return false;
}

bool
option_locator_equal(const struct grasp_locator *a, const struct grasp_locator *b)
{
	return a->kind == b->kind && a->proto == b->proto && a->port == b->port &&
	    IN6_ARE_ADDR_EQUAL(&a->ip, &b->ip) && slice_equal(a->text, b->text);
}

struct grasp_locator
grasp_locator_from_addr(const struct addr *a, enum grasp_proto proto)
{
	return (struct grasp_locator){
		.kind = addr_is_v4(&a->ip) ? O_IPv4_LOCATOR : O_IPv6_LOCATOR,
		.ip = a->ip,
		.proto = proto,
		.port = a->port,
	};
}

int
grasp_locator_to_addr(const struct grasp_locator *l, uint32_t ifindex, struct addr *ret)
{
	if (l->kind != O_IPv6_LOCATOR && l->kind != O_IPv4_LOCATOR)
		return -EINVAL;
	if (l->proto != GRASP_TCP || l->port <= 0 || l->port > UINT16_MAX)
		return -EINVAL;
	if (IN6_IS_ADDR_UNSPECIFIED(&l->ip) || addr_is_multicast(&l->ip))
		return -EINVAL;
	*ret = (struct addr){
		.ip = l->ip,
		.ifindex = addr_is_link_local(&l->ip) ? ifindex : 0,
		.port = l->port,
	};
	return 0;
}

struct slice
grasp_value_unwrap(struct slice value)
{
	struct cbor_reader r;
	struct slice inside;

	rd_init(&r, value, 2);
	if (rd_peek(&r) != RD_TAG || rd_tag(&r) != 24)
		return value;
	inside = rd_bytes(&r);
	if (rd_done(&r) < 0 || is_scratch(&r, inside) || !cbor_well_formed(inside))
		return value;
	return inside;
}
