/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/store_int.h"

int
store_placement_put(
    struct store *s, const struct placement_row *p, store_done_f *done, void *arg)
{
	const struct store_value v[] = {
		sv_text(p->service),
		sv_text(p->function),
		sv_text(p->node),
		sv_text(p->state),
		sv_int((int64_t)p->generation),
	};

	return store_write(s, STORE_CONTROL,
	    "INSERT OR REPLACE INTO placement(service, function, node, state, generation)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)",
	    v, ARRAY_LEN(v), done, arg);
}

struct reading {
	void (*row)(void *arg, const struct placement_row *p);
	void *arg;
};

static void
read_placement(void *ctx, struct sqlite3_stmt *row)
{
	struct reading *r = ctx;
	const struct placement_row p = {
		.service = col_text(row, 0),
		.function = col_text(row, 1),
		.node = col_text(row, 2),
		.state = col_text(row, 3),
		.generation = (uint64_t)col_int(row, 4),
	};

	r->row(r->arg, &p);
}

int
store_placements(
    struct store *s, void (*row)(void *arg, const struct placement_row *p), void *arg)
{
	struct reading r = { row, arg };

	return store_read(s, STORE_CONTROL,
	    "SELECT service, function, node, state, generation FROM placement"
	    " ORDER BY service, function",
	    NULL, 0, read_placement, &r);
}
