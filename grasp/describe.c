/* SPDX-License-Identifier: Apache-2.0 */
#include "base/addr_text.h"
#include "base/cbor.h"
#include "grasp/msg.h"

/* A stranger's text goes to logs without control characters. */
static void
put_text(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_put_u8(
		    out, text.data[i] < ' ' || text.data[i] == 0x7f ? '?' : text.data[i]);
}

static void
put_objective(struct buf *out, const struct grasp_objective *obj)
{
	buf_puts(out, " ");
	put_text(out, obj->name);
	buf_printf(out, " loop %u", obj->loop_count);
	if (obj->value.len == 0)
		return;
	buf_puts(out, " value ");
	cbor_diag(out, obj->value);
}

static void
put_number(struct buf *out, const char *before, int number)
{
	if (number >= 0)
		buf_printf(out, "%s%d", before, number);
}

static void
put_locator(struct buf *out, const struct grasp_locator *l)
{
	char text[ADDR_TEXT_MAX];

	if (l->kind == O_IPv6_LOCATOR || l->kind == O_IPv4_LOCATOR) {
		buf_printf(
		    out, " at %s", addr_format(&(struct addr){ .ip = l->ip }, text));
	} else {
		buf_puts(out, " at ");
		put_text(out, l->text);
	}
	put_number(out, " protocol ", l->proto);
	put_number(out, " port ", l->port);
}

static void
describe_response(struct buf *out, const struct grasp_msg *m)
{
	buf_printf(out, " ttl %u ms%s", m->time_ms, m->diverted ? " divert" : "");
	for (unsigned i = 0; i < m->locators; i++)
		put_locator(out, &m->locator[i]);
	if (m->has_objective)
		put_objective(out, &m->objective);
}

static void
describe_flood(struct buf *out, const struct grasp_msg *m)
{
	buf_printf(out, " ttl %u ms", m->time_ms);
	for (unsigned i = 0; i < m->items; i++) {
		put_objective(out, &m->flooded[i]);
		if (m->locator[i].kind)
			put_locator(out, &m->locator[i]);
	}
}

static void
describe_end(struct buf *out, const struct grasp_msg *m)
{
	buf_puts(out, m->accepted ? " accept" : " decline");
	if (m->reason.len == 0)
		return;
	buf_puts(out, ": ");
	put_text(out, m->reason);
}

static void
describe_invalid(struct buf *out, const struct grasp_msg *m)
{
	struct cbor_reader r;

	rd_init(&r, m->content, 0);
	while (!r.err && r.pos < r.size) {
		struct slice item = rd_raw(&r);

		buf_puts(out, " ");
		if (!r.err)
			cbor_diag(out, item);
	}
}

const char *
grasp_msg_describe(const struct grasp_msg *m, struct buf *out)
{
	buf_puts(out, grasp_type_name(m->type));
	if (m->type != M_NOOP)
		buf_printf(out, " %u", m->session_id);
	switch (m->type) {
	case M_NOOP:
		break;
	case M_RESPONSE:
		describe_response(out, m);
		break;
	case M_FLOOD:
		describe_flood(out, m);
		break;
	case M_END:
		describe_end(out, m);
		break;
	case M_WAIT:
		buf_printf(out, " %u ms", m->time_ms);
		break;
	case M_INVALID:
		describe_invalid(out, m);
		break;
	case M_DISCOVERY:
	case M_REQ_NEG:
	case M_REQ_SYN:
	case M_NEGOTIATE:
	case M_SYNCH:
		put_objective(out, &m->objective);
		break;
	}
	return buf_text(out);
}
