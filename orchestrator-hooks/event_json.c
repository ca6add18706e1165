/* SPDX-License-Identifier: Apache-2.0 */
#include "orchestrator-hooks/event_json.h"
#include "base/json.h"
#include <inttypes.h>

static void
put_key(struct buf *out, const char *key)
{
	buf_puts(out, out->pos && out->data[out->pos - 1] != '{' ? ",\"" : "\"");
	buf_puts(out, key);
	buf_puts(out, "\":");
}

static void
put_text(struct buf *out, const char *key, const char *text)
{
	put_key(out, key);
	if (text)
		json_put_text(out, slice_text(text));
	else
		buf_puts(out, "null");
}

static void
put_bool(struct buf *out, const char *key, bool v)
{
	put_key(out, key);
	buf_puts(out, v ? "true" : "false");
}

static void
put_int(struct buf *out, const char *key, int64_t v)
{
	put_key(out, key);
	buf_printf(out, "%" PRId64, v);
}

/* Somebody else's JSON stays as it is; a line end in it would end our line. */
static void
put_raw(struct buf *out, const char *key, const char *json)
{
	put_key(out, key);
	if (!json || !*json) {
		buf_puts(out, "null");
		return;
	}
	for (; *json; json++)
		buf_put_u8(out, *json == '\n' || *json == '\r' ? ' ' : (uint8_t)*json);
}

static void
put_texts(struct buf *out, const char *key, const char *const *text, size_t len)
{
	put_key(out, key);
	buf_put_u8(out, '[');
	for (size_t i = 0; i < len; i++) {
		if (i)
			buf_put_u8(out, ',');
		json_put_text(out, slice_text(text[i]));
	}
	buf_put_u8(out, ']');
}

void
hook_event_json(const struct hook_event *ev, enum hook_phase resume, struct buf *out)
{
	buf_put_u8(out, '{');
	put_int(out, "abi", HOOK_ABI);
	put_text(out, "id", ev->id);
	put_int(out, "rev", ev->rev);
	put_text(out, "kind", hook_kind_name(ev->kind));
	put_text(out, "stage", ev->stage == HOOK_PREPARE ? "prepare" : "commit");
	put_bool(out, "dry_run", ev->dry_run);
	put_bool(out, "stateful", ev->stateful);
	put_bool(out, "exclusive", ev->exclusive);
	put_bool(out, "break_ok", ev->break_ok);
	put_text(out, "service", ev->service);
	put_text(out, "function", ev->function);
	put_text(out, "instance", ev->instance);
	put_key(out, "generation");
	buf_printf(out, "%" PRIu64, ev->generation);
	put_text(out, "source", ev->source);
	put_text(out, "source_address", ev->source_address);
	put_text(out, "target", ev->candidates_len ? ev->candidates[0] : NULL);
	put_texts(out, "candidates", ev->candidates, ev->candidates_len);
	put_texts(
	    out, "addresses", ev->addresses, ev->addresses ? ev->candidates_len : 0);
	put_text(out, "reason", ev->reason);
	put_key(out, "probability");
	json_put_double(out, ev->probability);
	put_int(out, "due_ms", ev->due_ms);
	put_int(out, "deadline_ms", ev->deadline_ms);
	put_int(out, "drain_ms", ev->drain_ms);
	put_raw(out, "evidence", ev->evidence_json);
	put_text(out, "resume", resume ? hook_phase_name(resume) : NULL);
	buf_puts(out, "}\n");
}
