/* SPDX-License-Identifier: Apache-2.0
 *
 * The map file of fogwatch-plugin-http-json: what is fetched, and which of its values are wanted. */
#pragma once
#include "plugins/feed.h"

#define HTTP_HEADERS_MAX 64

struct http_value {
	struct feed_value feed;
	char *pointer; /* RFC 6901 */
};
struct http_map {
	char *url, *headers_file, *ca_file, *measurement;
	int64_t timeout_ms, max_bytes, redirects;
	struct conf_map labels;
	const struct yaml_node *list;
	struct http_value *value;
	size_t values;
	struct yaml_doc *doc;
};

int http_map_load(const char *path, struct http_map *ret) MUST_CHECK;
void http_map_free(struct http_map *map);
/* The next token of a JSON pointer, unescaped. False: there is none, or it is too long. */
bool http_pointer_next(const char **pointer, char *dst, size_t size);
