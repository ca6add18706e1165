/* SPDX-License-Identifier: Apache-2.0
 *
 * Comma-separated values (RFC 4180) for spreadsheets and scripts: the columns of the table, with keys
 * as headings and values as they are; of a single thing a row for each key. */
#include "base/cbor.h"
#include "ctl/output.h"

#include <errno.h>
#include <string.h>

#define ITEMS_MAX 100000
#define CELL_MAX  (1u << 20)

void
csv_put_field(FILE *to, struct slice text, bool last)
{
	bool quote = false;

	for (size_t i = 0; i < text.len; i++)
		quote = quote || strchr(",\"\r\n", text.data[i]);
	if (quote)
		fputc('"', to);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"')
			fputc('"', to);
		fputc(text.data[i], to);
	}
	if (quote)
		fputc('"', to);
	fputs(last ? "\r\n" : ",", to);
}

static void
put_item(FILE *to, struct slice item, bool last)
{
	struct buf cell;

	buf_init(&cell, CELL_MAX);
	if (item.len)
		cell_put_raw(&cell, item);
	csv_put_field(to, buf_slice(&cell), last);
	buf_done(&cell);
}

static bool
is_table(const struct printer *p)
{
	return command_columns(p->command) &&
	    (p->shape == SHAPE_LIST || p->shape == SHAPE_STREAM || p->command->expand);
}

static void
put_row(struct printer *p, struct slice item, struct slice part)
{
	unsigned n = command_columns(p->command);

	for (unsigned i = 0; i < n; i++) {
		const char *key = p->command->column[i].key;
		struct slice value = item_member(part, key);

		put_item(p->to, value.len ? value : item_member(item, key), i + 1 == n);
	}
}

static void
put_rows(struct printer *p, struct slice item)
{
	struct slice parts = { 0 };
	struct cbor_reader r;
	bool any = false;

	if (p->command->expand)
		parts = item_member(item, p->command->expand);
	rd_init(&r, parts, ITEMS_MAX);
	if (parts.len && rd_peek(&r) == RD_ARRAY) {
		rd_enter_array(&r);
		for (; rd_more(&r); any = true)
			put_row(p, item, rd_raw(&r));
	}
	if (!any)
		put_row(p, item, (struct slice){ 0 });
}

static int
put_keys(struct printer *p, struct slice item)
{
	struct cbor_reader r;
	struct slice key;

	rd_init(&r, item, ITEMS_MAX);
	if (rd_peek(&r) != RD_MAP) {
		put_item(p->to, item, true);
		return 0;
	}
	rd_enter_map(&r);
	while (rd_next_text_key(&r, &key)) {
		csv_put_field(p->to, key, false);
		put_item(p->to, rd_raw(&r), true);
	}
	rd_leave(&r);
	return rd_done(&r);
}

static void
put_heads(struct printer *p)
{
	unsigned n = command_columns(p->command);

	for (unsigned i = 0; i < n; i++)
		csv_put_field(p->to, slice_text(p->command->column[i].key), i + 1 == n);
}

static int
begin(struct printer *p)
{
	(void)p;
	return 0;
}

static int
item(struct printer *p, struct slice in)
{
	if (!is_table(p))
		return put_keys(p, in);
	if (!p->items && p->header)
		put_heads(p);
	put_rows(p, in);
	if (p->shape == SHAPE_STREAM)
		fflush(p->to);
	return 0;
}

static int
end(struct printer *p)
{
	return ferror(p->to) ? -EIO : 0;
}

const struct output output_csv = { "--csv", begin, item, end };
