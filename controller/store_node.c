/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

#include <string.h>

int
store_node_put(struct store *s, const struct node_row *n, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_blob(n->id.bytes, sizeof n->id.bytes),
		sv_text(n->name),
		sv_text(n->domain),
		sv_text(n->state),
		sv_text(n->address),
		sv_blob(n->caps.data, n->caps.len),
		sv_int(n->joined_ms),
		sv_int(n->heard_ms),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO node(id, name, domain, state, address, caps, "
	    "joined_ms,"
	    " heard_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	    v, ARRAY_LEN(v), done, arg);
}

struct reading {
	void (*row)(void *arg, const struct node_row *n);
	void *arg;
};

static void
read_node(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	struct slice id = col_blob(row, 0);
	struct node_row n = {
		.name = col_text(row, 1),
		.domain = col_text(row, 2),
		.state = col_text(row, 3),
		.address = col_text(row, 4),
		.caps = col_blob(row, 5),
		.joined_ms = col_int(row, 6),
		.heard_ms = col_int(row, 7),
	};

	if (id.len != sizeof n.id.bytes)
		return;
	memcpy(n.id.bytes, id.data, sizeof n.id.bytes);
	r->row(r->arg, &n);
}

int
store_nodes(struct store *s, void (*row)(void *arg, const struct node_row *n), void *arg)
{
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT id, name, domain, state, address, caps, joined_ms, heard_ms FROM node"
	    " ORDER BY name, id",
	    NULL, 0, read_node, &r);
}
