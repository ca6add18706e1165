/* SPDX-License-Identifier: Apache-2.0
 *
 * fogwatch-plugin-modbus: reads registers of Modbus devices each time that it is asked. Values that
 * stand side by side are read at once; if a device refuses that, each by itself. */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/modbus_map.h"

#define BLOCK_REGISTERS 125 /* what one request can have */
#define BLOCK_BITS	2000

struct reader {
	struct modbus_map map;
	modbus_t *line;
	bool connected;
	char where[300];
};

static int
compare_values(const void *a, const void *b)
{
	const struct modbus_value *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return (x->address > y->address) - (x->address < y->address);
}

static bool
is_bit(const struct modbus_value *v)
{
	return v->table == TABLE_COIL || v->table == TABLE_DISCRETE;
}

static int64_t
end_of(const struct modbus_value *v)
{
	return v->address +
	    (is_bit(v) ? 1 : modbus_type_registers((enum modbus_type)v->type));
}

/* How many values from the first on one request brings; *ret_end is behind their last register. */
static size_t
choose_block(const struct modbus_value *first, size_t left, int64_t *ret_end)
{
	int64_t end = end_of(first), most = is_bit(first) ? BLOCK_BITS : BLOCK_REGISTERS;
	size_t n = 1;

	for (; n < left; n++) {
		const struct modbus_value *v = &first[n];

		if (v->unit != first->unit || v->table != first->table ||
		    v->address > end || end_of(v) - first->address > most)
			break;
		if (end_of(v) > end)
			end = end_of(v);
	}
	*ret_end = end;
	return n;
}

/* --- the line ----------------------------------------------------------------------------- */
static void
disconnect(struct reader *r)
{
	if (r->connected)
		modbus_close(r->line);
	r->connected = false;
}

static bool
connect_line(struct reader *r)
{
	if (r->connected)
		return true;
	r->connected = modbus_connect(r->line) == 0;
	if (!r->connected)
		fprintf(stderr, "cannot connect to %s: %s\n", r->where,
		    modbus_strerror(errno));
	return r->connected;
}

/* An answer that is no value: the line works. */
static bool
is_refusal(int err)
{
	return err >= EMBXILFUN && err <= EMBXGTAR;
}

static int
request(struct reader *r, const struct modbus_value *v, int count, uint16_t *reg,
    uint8_t *bit)
{
	int at = (int)v->address;

	if (modbus_set_slave(r->line, (int)v->unit) < 0)
		return -1;
	switch ((enum modbus_table)v->table) {
	case TABLE_COIL:
		return modbus_read_bits(r->line, at, count, bit);
	case TABLE_DISCRETE:
		return modbus_read_input_bits(r->line, at, count, bit);
	case TABLE_HOLDING:
		return modbus_read_registers(r->line, at, count, reg);
	case TABLE_INPUT:
		return modbus_read_input_registers(r->line, at, count, reg);
	}
	return -1;
}

/* --- reading ------------------------------------------------------------------------------ */
static void
print_values(const struct reader *r, const struct modbus_value *v, size_t n,
    const uint16_t *reg, const uint8_t *bit)
{
	for (size_t i = 0; i < n; i++) {
		int64_t at = v[i].address - v->address;
		double raw = is_bit(v)
		    ? bit[at]
		    : modbus_decode(&reg[at], (enum modbus_type)v[i].type,
			  (enum modbus_order)v[i].order);

		feed_print(r->map.measurement, &r->map.labels, &v[i].feed, raw);
	}
}

/* True: the line can go on being used. */
static bool
read_block(struct reader *r, const struct modbus_value *v, size_t n, int64_t end)
{
	uint16_t reg[BLOCK_REGISTERS] = { 0 };
	uint8_t bit[BLOCK_BITS] = { 0 };
	int count = (int)(end - v->address);
	bool usable = true;

	if (request(r, v, count, reg, bit) == count) {
		print_values(r, v, n, reg, bit);
		return true;
	}
	if (n > 1 && is_refusal(errno)) {
		for (size_t i = 0; i < n && usable; i++)
			usable = read_block(r, &v[i], 1, end_of(&v[i]));
		return usable;
	}
	usable = is_refusal(errno);
	fprintf(stderr, "%s: unit %d, address %d (%s): %s\n", r->where, (int)v->unit,
	    (int)v->address, v->feed.name, modbus_strerror(errno));
	return usable;
}

/* A device that is silent is not asked for the rest of its values, others on the line are. */
static bool
read_values(struct reader *r)
{
	const struct modbus_value *v = r->map.value;
	size_t left = r->map.values;
	bool all = true;
	int64_t silent = -1;

	while (left > 0 && connect_line(r)) {
		int64_t end;
		size_t n = choose_block(v, left, &end);

		if (v->unit != silent && !read_block(r, v, n, end)) {
			all = false;
			silent = v->unit;
			disconnect(r);
		}
		v += n;
		left -= n;
	}
	return all && left == 0;
}

static void
answer(void *arg)
{
	struct reader *r = arg;
	bool up = read_values(r);

	feed_print_up(r->map.measurement, &r->map.labels, up);
}

/* --- life --------------------------------------------------------------------------------- */
static modbus_t *
open_tcp(struct reader *r)
{
	char host[256];
	const char *colon = strrchr(r->map.tcp, ':');
	size_t len = (size_t)(colon - r->map.tcp);

	if (len > 1 && *r->map.tcp == '[' && colon[-1] == ']')
		snprintf(host, sizeof host, "%.*s", (int)len - 2, r->map.tcp + 1);
	else
		snprintf(host, sizeof host, "%.*s", (int)len, r->map.tcp);
	return modbus_new_tcp_pi(host, colon + 1);
}

static int
open_line(struct reader *r)
{
	const struct modbus_map *m = &r->map;

	snprintf(r->where, sizeof r->where, "%s", m->tcp ? m->tcp : m->rtu);
	r->line = m->tcp ? open_tcp(r)
			 : modbus_new_rtu(m->rtu, (int)m->baud, "NEO"[m->parity],
			       (int)m -> data_bits, (int)m -> stop_bits);
	if (!r->line) {
		fprintf(stderr, "%s: %s\n", r->where, modbus_strerror(errno));
		return -1;
	}
	modbus_set_response_timeout(r->line, (uint32_t)(m->timeout_ms / 1000),
	    (uint32_t)(m->timeout_ms % 1000) * 1000);
	qsort(m->value, m->values, sizeof *m->value, compare_values);
	return 0;
}

int
main(int argc, char **argv)
{
	struct reader r = { 0 };
	bool check = argc == 3 && !strcmp(argv[1], "-n");
	int status = 1;

	if (argc != 2 && !check) {
		fprintf(stderr, "usage: fogwatch-plugin-modbus [-n] MAP\n");
		return 2;
	}
	if (modbus_map_load(argv[argc - 1], &r.map) == 0)
		status = check ? 0 : open_line(&r) < 0 ? 1 : feed_serve(answer, &r);
	disconnect(&r);
	if (r.line)
		modbus_free(r.line);
	modbus_map_free(&r.map);
	return status;
}
