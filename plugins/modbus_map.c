/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/modbus_map.h"

#include <errno.h>
#include <string.h>

static const char *const parities[] = { "none", "even", "odd", NULL };
static const char *const tables[] = { "coil", "discrete", "holding", "input", NULL };
static const char *const types[] = { "uint16", "int16", "uint32", "int32", "uint64",
	"int64", "float32", "float64", NULL };
static const char *const orders[] = { "ABCD", "CDAB", "BADC", "DCBA", NULL };

#define MAP(member, name, kind, preset, min, max, help) \
	CONF(struct modbus_map, member, name, kind, preset, min, max, help)
#define CHOICE(type_, member_, name_, preset_, choices_, help_)                         \
	{                                                                               \
		.name = name_, .type = CONF_CHOICE, .offset = offsetof(type_, member_), \
		.preset = preset_, .choices = choices_, .help = help_,                  \
	}

static const struct conf_option map_options[] = {
	MAP(tcp, "tcp", TEXT, NULL, 0, 0, "HOST:PORT of a device or gateway."),
	MAP(rtu, "rtu", TEXT, NULL, 0, 0, "The serial line."),
	MAP(baud, "baud", INT, "9600", 50, 4000000, "Its speed."),
	CHOICE(struct modbus_map, parity, "parity", "none", parities, "Its parity."),
	MAP(data_bits, "data-bits", INT, "8", 5, 8, "Its data bits."),
	MAP(stop_bits, "stop-bits", INT, "1", 1, 2, "Its stop bits."),
	MAP(timeout_ms, "timeout", DURATION, "1s", 10, 10000, "Wait for an answer."),
	MAP(measurement, "measurement", TEXT, "modbus", 0, 0, "First part of names."),
	MAP(labels, "labels", MAP, NULL, 0, 0, "Labels of all values."),
	MAP(list, "values", TREE, NULL, 0, 0, "What is read."),
};
static const struct conf_option value_options[] = {
	FEED_VALUE_OPTIONS,
	CONF(struct modbus_value, unit, "unit", INT, "1", 0, 255, "Its device."),
	CHOICE(struct modbus_value, table, "register", "holding", tables, "Its table."),
	CONF(struct modbus_value, address, "address", INT, "-1", -1, 65535, "From 0."),
	CHOICE(struct modbus_value, type, "type", "uint16", types, "What it is."),
	CHOICE(struct modbus_value, order, "order", "ABCD", orders, "Of its bytes."),
};

/* --- loading ------------------------------------------------------------------------------ */
static void
check_entry(const struct yaml_node *n, const struct modbus_value *v, struct complaints *c)
{
	bool bit = v->table == TABLE_COIL || v->table == TABLE_DISCRETE;

	if (!yaml_get(n, "address"))
		yaml_complain(c, n, "needs an address, counted from 0");
	else if (v->address < 0 ||
	    v->address + modbus_type_registers((enum modbus_type)v->type) > 65536)
		yaml_complain(c, yaml_get(n, "address"), "there is no such register");
	if (bit && yaml_get(n, "type"))
		yaml_complain(c, yaml_get(n, "type"), "a %s is one bit and has no type",
		    tables[v->table]);
}

static void
check(const struct yaml_node *root, struct complaints *c, void *arg)
{
	struct modbus_map *map = arg;
	const struct yaml_node *entry = map->list ? map->list->first : NULL;

	if (!map->tcp == !map->rtu)
		yaml_complain(c, root, "needs either tcp or rtu: where the devices are");
	if (map->tcp && !strrchr(map->tcp, ':'))
		yaml_complain(c, yaml_get(root, "tcp"), "needs a port: HOST:PORT");
	feed_check_name(root, map->measurement, c);
	map->value = feed_load_values(map->list ? map->list : root, value_options,
	    ARRAY_LEN(value_options), sizeof *map->value, c, &map->values);
	for (size_t i = 0; i < map->values && entry && !c->errors;
	     i++, entry = entry->next)
		check_entry(entry, &map->value[i], c);
}

int
modbus_map_load(const char *path, struct modbus_map *ret)
{
	memset(ret, 0, sizeof *ret);
	return feed_load(
	    path, map_options, ARRAY_LEN(map_options), ret, check, &ret->doc);
}

void
modbus_map_free(struct modbus_map *map)
{
	feed_free_values(map->value, map->values, sizeof *map->value, value_options,
	    ARRAY_LEN(value_options));
	conf_free(map_options, ARRAY_LEN(map_options), map);
	yaml_doc_free(map->doc);
}

/* --- registers ---------------------------------------------------------------------------- */
unsigned
modbus_type_registers(enum modbus_type type)
{
	switch (type) {
	case TYPE_UINT16:
	case TYPE_INT16:
		return 1;
	case TYPE_UINT32:
	case TYPE_INT32:
	case TYPE_FLOAT32:
		return 2;
	case TYPE_UINT64:
	case TYPE_INT64:
	case TYPE_FLOAT64:
		return 4;
	}
	return 1;
}

static uint64_t
collect(const uint16_t *reg, unsigned n, enum modbus_order order)
{
	bool words_turned = order == ORDER_CDAB || order == ORDER_DCBA;
	bool bytes_turned = order == ORDER_BADC || order == ORDER_DCBA;
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t word = reg[words_turned ? n - 1 - i : i];

		if (bytes_turned)
			word = (uint16_t)(word << 8 | word >> 8);
		bits = bits << 16 | word;
	}
	return bits;
}

double
modbus_decode(const uint16_t *reg, enum modbus_type type, enum modbus_order order)
{
	uint64_t bits = collect(reg, modbus_type_registers(type), order);
	uint32_t low = (uint32_t)bits;
	double wide;
	float narrow;

	switch (type) {
	case TYPE_UINT16:
	case TYPE_UINT32:
	case TYPE_UINT64:
		return (double)bits;
	case TYPE_INT16:
		return (int16_t)bits;
	case TYPE_INT32:
		return (int32_t)low;
	case TYPE_INT64:
		return (double)(int64_t)bits;
	case TYPE_FLOAT32:
		memcpy(&narrow, &low, sizeof narrow);
		return narrow;
	case TYPE_FLOAT64:
		memcpy(&wide, &bits, sizeof wide);
		return wide;
	}
	return 0;
}
