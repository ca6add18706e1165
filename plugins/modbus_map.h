/* SPDX-License-Identifier: Apache-2.0
 *
 * The map file of fogwatch-plugin-modbus: where the devices are, and what stands in which register. */
#pragma once
#include "plugins/feed.h"

enum modbus_table { TABLE_COIL, TABLE_DISCRETE, TABLE_HOLDING, TABLE_INPUT };
enum modbus_type {
	TYPE_UINT16,
	TYPE_INT16,
	TYPE_UINT32,
	TYPE_INT32,
	TYPE_UINT64,
	TYPE_INT64,
	TYPE_FLOAT32,
	TYPE_FLOAT64,
};
/* How the bytes of a value stand in its registers, A the highest. */
enum modbus_order { ORDER_ABCD, ORDER_CDAB, ORDER_BADC, ORDER_DCBA };

struct modbus_value {
	struct feed_value feed;
	int64_t unit, address;
	int table, type, order;
};

struct modbus_map {
	char *tcp, *rtu, *measurement;
	int64_t baud, data_bits, stop_bits, timeout_ms;
	int parity; /* "NEO"[parity] */
	struct conf_map labels;
	const struct yaml_node *list;
	struct modbus_value *value;
	size_t values;
	struct yaml_doc *doc;
};

int modbus_map_load(const char *path, struct modbus_map *ret) MUST_CHECK;
void modbus_map_free(struct modbus_map *map);

unsigned modbus_type_registers(enum modbus_type type);
double modbus_decode(
    const uint16_t *reg, enum modbus_type type, enum modbus_order order);
