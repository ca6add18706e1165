/* SPDX-License-Identifier: Apache-2.0 */
#include "grasp/msg.h"
#include "base/cbor.h"
#include "grasp/option.h"
#include <errno.h>
#include <string.h>

#define ITEMS_MAX 8192 /* CBOR items in a message, those inside values included */

/* What follows the session id, per type of message: reading beside writing. */
struct form {
	const char *name;
	void (*read)(struct cbor_reader *r, struct grasp_msg *m);
	void (*write)(struct buf *out, const struct grasp_msg *m);
};

static void
begin(struct buf *out, const struct grasp_msg *m, unsigned more)
{
	wr_array(out, 2 + more);
	wr_uint(out, m->type);
	wr_uint(out, m->session_id);
}

/* --- pieces ------------------------------------------------------------------------- */

static void
read_initiator(struct cbor_reader *r, struct grasp_initiator *ret)
{
	struct slice s = rd_bytes(r);

	if (s.len != 4 && s.len != sizeof ret->bytes) {
		rd_fail(r, -EBADMSG);
		return;
	}
	ret->len = s.len;
	memcpy(ret->bytes, s.data, s.len);
}

static void
write_initiator(struct buf *out, const struct grasp_initiator *i)
{
	if (i->len != 4 && i->len != sizeof i->bytes)
		option_refuse(out);
	else
		wr_bytes(out, i->bytes, i->len);
}

static void
read_objective(struct cbor_reader *r, struct grasp_msg *m)
{
	rd_enter_array(r);
	option_objective_read(r, &m->text, &m->objective);
	rd_leave(r);
	m->has_objective = true;
}

static void
write_objective(struct buf *out, const struct grasp_msg *m)
{
	if (!m->has_objective)
		option_refuse(out);
	option_objective_write(out, &m->objective);
}

/* --- M_NOOP: [0] --------------------------------------------------------------------- */

static void
read_nothing(struct cbor_reader *r, struct grasp_msg *m)
{
	(void)r;
	(void)m;
}

static void
write_noop(struct buf *out, const struct grasp_msg *m)
{
	wr_array(out, 1);
	wr_uint(out, m->type);
}

/* --- M_DISCOVERY: [1, sid, initiator, objective] --------------------------------------- */

static void
read_discovery(struct cbor_reader *r, struct grasp_msg *m)
{
	read_initiator(r, &m->initiator);
	read_objective(r, m);
}

static void
write_discovery(struct buf *out, const struct grasp_msg *m)
{
	begin(out, m, 2);
	write_initiator(out, &m->initiator);
	write_objective(out, m);
}

/* --- M_RESPONSE: [2, sid, initiator, ttl, (locator+ / divert), ?objective] ------------- */

static void
read_locator(struct cbor_reader *r, struct grasp_msg *m, uint64_t option)
{
	struct grasp_locator l;
	bool known = option_locator_read(r, &m->text, option, &l);

	if (known && m->diverted && !grasp_locator_divertable(&l))
		return;
	if (known && m->locators < GRASP_LOCATORS_MAX)
		m->locator[m->locators++] = l;
}

static void
read_divert(struct cbor_reader *r, struct grasp_msg *m)
{
	m->diverted = true;
	while (rd_more(r)) {
		if (rd_peek(r) != RD_ARRAY) {
			rd_skip(r);
			continue;
		}
		rd_enter_array(r);
		if (rd_peek(r) == RD_UINT)
			read_locator(r, m, rd_uint(r));
		rd_leave(r);
	}
	m->diverted = m->locators > 0;
}

/* Either locators or a divert: what comes first counts. */
static void
read_response_option(struct cbor_reader *r, struct grasp_msg *m)
{
	uint64_t option = rd_uint(r);

	if (option == O_DIVERT && m->locators == 0)
		read_divert(r, m);
	else if (!m->diverted)
		read_locator(r, m, option);
}

static void
read_response(struct cbor_reader *r, struct grasp_msg *m)
{
	read_initiator(r, &m->initiator);
	m->time_ms = rd_uint_max(r, UINT32_MAX);
	while (rd_more(r)) {
		if (rd_peek(r) != RD_ARRAY) {
			rd_skip(r);
			continue;
		}
		rd_enter_array(r);
		if (rd_peek(r) == RD_UINT) {
			read_response_option(r, m);
		} else if (rd_peek(r) == RD_TEXT && !m->has_objective) {
			option_objective_read(r, &m->text, &m->objective);
			m->has_objective = true;
		}
		rd_leave(r);
	}
	if (m->locators == 0)
		rd_fail(r, -EBADMSG);
}

static void
write_response(struct buf *out, const struct grasp_msg *m)
{
	if (m->locators == 0 || m->locators > GRASP_LOCATORS_MAX) {
		option_refuse(out);
		return;
	}
	begin(out, m, 2 + (m->diverted ? 1 : m->locators) + m->has_objective);
	write_initiator(out, &m->initiator);
	wr_uint(out, m->time_ms);
	if (m->diverted) {
		wr_array(out, 1 + m->locators);
		wr_uint(out, O_DIVERT);
	}
	for (unsigned i = 0; i < m->locators; i++) {
		if (m->diverted && !grasp_locator_divertable(&m->locator[i]))
			option_refuse(out);
		option_locator_write(out, &m->locator[i]);
	}
	if (m->has_objective)
		option_objective_write(out, &m->objective);
}

/* --- M_REQ_NEG, M_REQ_SYN, M_NEGOTIATE, M_SYNCH: [n, sid, objective] ------------------- */

static void
write_request(struct buf *out, const struct grasp_msg *m)
{
	static const uint8_t null = 0xf6;
	struct grasp_objective obj = m->objective;

	if (!m->has_objective)
		option_refuse(out);
	if (obj.value.len == 0)
		obj.value = (struct slice){ &null, 1 };
	begin(out, m, 1);
	option_objective_write(out, &obj);
}

/* --- M_END: [6, sid, (accept / decline)] ------------------------------------------------ */

/* True if the option was one of the two. */
static bool
read_verdict(struct cbor_reader *r, struct grasp_msg *m)
{
	uint64_t option = rd_uint(r);

	m->accepted = option == O_ACCEPT;
	if (option == O_DECLINE && rd_peek(r) == RD_TEXT)
		m->reason = option_text_read(r, &m->text);
	return option == O_ACCEPT || option == O_DECLINE;
}

static void
read_end(struct cbor_reader *r, struct grasp_msg *m)
{
	bool decided = false;

	while (!decided && rd_more(r)) {
		if (rd_peek(r) != RD_ARRAY) {
			rd_skip(r);
			continue;
		}
		rd_enter_array(r);
		if (rd_peek(r) == RD_UINT)
			decided = read_verdict(r, m);
		rd_leave(r);
	}
	if (!decided)
		rd_fail(r, -EBADMSG);
}

static void
write_end(struct buf *out, const struct grasp_msg *m)
{
	bool has_reason = !m->accepted && m->reason.len > 0;

	begin(out, m, 1);
	wr_array(out, 1 + has_reason);
	wr_uint(out, m->accepted ? O_ACCEPT : O_DECLINE);
	if (has_reason)
		wr_text_slice(out, m->reason);
}

/* --- M_WAIT: [7, sid, waiting time] ----------------------------------------------------- */

static void
read_wait(struct cbor_reader *r, struct grasp_msg *m)
{
	m->time_ms = rd_uint_max(r, UINT32_MAX);
}

static void
write_wait(struct buf *out, const struct grasp_msg *m)
{
	begin(out, m, 1);
	wr_uint(out, m->time_ms);
}

/* --- M_FLOOD: [9, sid, initiator, ttl, [objective, (locator / [])]+] -------------------- */

static bool
read_flood_tag(struct cbor_reader *r, struct grasp_msg *m, struct grasp_locator *ret)
{
	bool known = true;

	*ret = (struct grasp_locator){ 0 };
	rd_enter_array(r);
	if (rd_more(r))
		known = option_locator_read(r, &m->text, rd_uint(r), ret);
	rd_leave(r);
	return known;
}

/* An objective whose tag is not understood is left out: it would be filed under a wrong key. */
static void
read_flood_item(struct cbor_reader *r, struct grasp_msg *m)
{
	struct grasp_objective obj;
	struct grasp_locator tag;
	bool known;

	rd_enter_array(r);
	option_objective_read(r, &m->text, &obj);
	rd_leave(r);
	known = read_flood_tag(r, m, &tag);
	if (!known || m->items == GRASP_FLOOD_ITEMS_MAX)
		return;
	m->flooded[m->items] = obj;
	m->locator[m->items++] = tag;
}

static void
read_flood(struct cbor_reader *r, struct grasp_msg *m)
{
	read_initiator(r, &m->initiator);
	m->time_ms = rd_uint_max(r, UINT32_MAX);
	while (rd_more(r)) {
		if (rd_peek(r) != RD_ARRAY) {
			rd_skip(r);
			continue;
		}
		rd_enter_array(r);
		if (rd_peek(r) == RD_ARRAY)
			read_flood_item(r, m);
		rd_leave(r);
	}
	if (m->items == 0)
		rd_fail(r, -EBADMSG);
}

static void
write_flood(struct buf *out, const struct grasp_msg *m)
{
	if (m->items == 0 || m->items > GRASP_FLOOD_ITEMS_MAX) {
		option_refuse(out);
		return;
	}
	begin(out, m, 2 + m->items);
	write_initiator(out, &m->initiator);
	wr_uint(out, m->time_ms);
	for (unsigned i = 0; i < m->items; i++) {
		wr_array(out, 2);
		option_objective_write(out, &m->flooded[i]);
		if (m->locator[i].kind)
			option_locator_write(out, &m->locator[i]);
		else
			wr_array(out, 0);
	}
}

/* --- M_INVALID: [99, sid, ?any] ---------------------------------------------------------- */

static void
read_invalid(struct cbor_reader *r, struct grasp_msg *m)
{
	while (rd_more(r)) {
		struct slice item = rd_raw(r);

		if (!m->content.data)
			m->content.data = item.data;
		m->content.len += item.len;
	}
}

static void
write_invalid(struct buf *out, const struct grasp_msg *m)
{
	struct cbor_reader r;
	unsigned items = 0;

	rd_init(&r, m->content, ITEMS_MAX);
	for (; !r.err && r.pos < r.size; items++)
		rd_skip(&r);
	if (r.err)
		option_refuse(out);
	begin(out, m, items);
	wr_raw(out, m->content);
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct form forms[] = {
	[M_NOOP] = { "M_NOOP", read_nothing, write_noop },
	[M_DISCOVERY] = { "M_DISCOVERY", read_discovery, write_discovery },
	[M_RESPONSE] = { "M_RESPONSE", read_response, write_response },
	[M_REQ_NEG] = { "M_REQ_NEG", read_objective, write_request },
	[M_REQ_SYN] = { "M_REQ_SYN", read_objective, write_request },
	[M_NEGOTIATE] = { "M_NEGOTIATE", read_objective, write_request },
	[M_END] = { "M_END", read_end, write_end },
	[M_WAIT] = { "M_WAIT", read_wait, write_wait },
	[M_SYNCH] = { "M_SYNCH", read_objective, write_request },
	[M_FLOOD] = { "M_FLOOD", read_flood, write_flood },
	[M_INVALID] = { "M_INVALID", read_invalid, write_invalid },
};

static const struct form *
find_form(unsigned type)
{
	return type < ARRAY_LEN(forms) && forms[type].name ? &forms[type] : NULL;
}

const char *
grasp_type_name(enum grasp_type type)
{
	const struct form *f = find_form(type);

	return f ? f->name : "?";
}

/* Its session id, for an M_INVALID in return (G-005, G-133). */
static void
read_unknown(struct cbor_reader *r, struct grasp_msg *ret)
{
	uint64_t id = rd_uint(r);

	ret->session_id = !r->err && id <= UINT32_MAX ? id : 0;
}

static int
read_message(struct cbor_reader *r, struct grasp_msg *ret)
{
	const struct form *f;

	rd_enter_array(r);
	ret->type = rd_uint_max(r, UINT8_MAX);
	if (r->err)
		return -EBADMSG;
	f = find_form(ret->type);
	if (!f) {
		read_unknown(r, ret);
		return -EPROTONOSUPPORT;
	}
	if (ret->type != M_NOOP)
		ret->session_id = rd_uint_max(r, UINT32_MAX);
	f->read(r, ret);
	rd_leave(r);
	return r->err ? -EBADMSG : 0;
}

/* What is read has been checked to its last byte; only a form that is not known has to be scanned. */
int
grasp_msg_decode(struct slice in, struct grasp_msg *ret, size_t *ret_len)
{
	UNSET struct cbor_reader r;
	ssize_t len;
	int err;

	memset(
	    ret, 0, offsetof(struct grasp_msg, text.bytes)); /* what follows is counted */
	rd_init(&r, in, ITEMS_MAX);
	err = read_message(&r, ret);
	if (err == -EBADMSG)
		return err;
	len = err == 0 ? (ssize_t)r.pos : cbor_item_length(in, in.len);
	if (len <= 0)
		return -EBADMSG;
	*ret_len = len;
	return err;
}

int
grasp_msg_encode(const struct grasp_msg *msg, struct buf *out)
{
	const struct form *f = find_form(msg->type);

	if (f)
		f->write(out, msg);
	else
		option_refuse(out);
	return out->err;
}
